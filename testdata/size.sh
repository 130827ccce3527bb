#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# size.sh BUILD-DIR ARM-DIR BUDGET: measure what size.mk has linked, and hold it
# against the budget: lines "TARGET PROGRAM ITEM NUMBER".
#
# The library alone:
#	code, constants	bytes, of what fwd_bundle_check (judge) or a whole
#			device (device) needs of it
# Programs that judge one bundle, see size_guest.c:
#	flash		bytes: library, port, crypto, C library, start-up
#	ram		bytes: data, without the envelope and its root
#	stack		bytes at the deepest, while the bundle was judged
#	instructions	executed for it, as the emulator counts them: two
#			certificates and a manifest by P-256, 4 KiB of payload
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

arm=$(cd "${2:?the folder of the Arm programs is missing}" && pwd)
budget=${3:?the budget is missing}
seen=$T/seen
: >"$seen"

die() {
	echo "size: $*" >&2
	exit 1
}

# ---- one bundle --------------------------------------------------------------

"$top/testdata/pki/mkpki.sh" --files "$T/pki" p256 || exit 1
P=$T/pki/p256
head -c 4096 /dev/zero | tr '\0' 'f' >"$T/fw"
cat >"$T/d.yaml" <<'END'
descriptor: 1
device: {vendor-domain: acme.example, model: Infusion Pump Display}
sequence-number: 7
version: "1"
components:
  - {id: firmware, file: fw, invoke: true}
END
"$fwsign" build "$T/d.yaml" -o "$T/good.fwb" --key "$P/release.key" \
    --chain "$P/chain.pem" --trust "$P/root.pem" --quiet || exit 1
openssl x509 -in "$P/root.pem" -outform DER -out "$T/root.der" || exit 1
# The same with another byte in its payload: that the verdict is one.
at=$(grep -abo ffffffff "$T/good.fwb" | sed -n '1s/:.*//p')
cp "$T/good.fwb" "$T/bad.fwb"
printf g | dd of="$T/bad.fwb" bs=1 seek="$at" conv=notrunc 2>/dev/null

# ---- measuring ----------------------------------------------------------------

# sections FILE NAME...: bytes in these sections
sections() {
	file_=$1
	shift
	arm-none-eabi-size -A "$file_" >"$T/sizes" || return 1
	awk -v names=" $* " 'index(names, " " $1 " ") { n += $2 }
	    END { print n + 0 }' "$T/sizes"
}
# found TARGET PROGRAM ITEM NUMBER: of these, none can be nothing.
found() {
	[ "${4:-0}" -gt 0 ] || die "$1 $2: no figure for $3"
	echo "$*" >>"$seen"
}
# said NAME: the number that the guest printed
said() {
	sed -n "s/^$1 //p" "$T/said"
}

library() {
	for k in judge device; do
		part=$arm/$1/size/$k.part
		found "$1" "$k" code "$(sections "$part" .text)"
		found "$1" "$k" constants "$(sections "$part" .rodata)"
		own=$(sections "$part" .data .bss) && [ "$own" = 0 ] ||
		    die "$1: the library has data of its own"
	done
}

program() {
	elf=$arm/$1/size/$2.elf
	found "$1" "$2" flash "$(sections "$elf" .text .ARM.exidx .data)"
	found "$1" "$2" ram "$(sections "$elf" .data .bss)"
	QEMU_OPTIONS='-icount shift=0' "$top/testdata/qemu.sh" "$1" "$elf" \
	    "$T/root.der" "$T/good.fwb" >"$T/said" ||
	    die "$1 $2: the bundle is refused: $(cat "$T/said")"
	"$top/testdata/qemu.sh" "$1" "$elf" "$T/root.der" "$T/bad.fwb" \
	    >"$T/said.bad"
	[ $? = 1 ] || die "$1 $2: a changed payload is not refused"
	[ "$(said ticks)" -gt 0 ] || die "$1 $2: SysTick ran over"
	found "$1" "$2" stack "$(said stack)"
	found "$1" "$2" instructions "$(awk -v t="$(said ticks)" \
	    -v m="$(said million)" 'BEGIN { printf "%.0f", t * 1e6 / m }')"
}

for t in m0 m3 m33; do
	library "$t"
done
for elf in "$arm"/*/size/*.elf; do
	t=${elf#"$arm/"}
	program "${t%%/*}" "$(basename "$elf" .elf)"
done

# ---- the table ------------------------------------------------------------------

awk '
	{ row = $1 " " $2; if (!(row in known)) { known[row] = 1; rows[++n] = row }
	  v[row, $3] = $4 }
	END {
		printf "%-14s %9s %9s\n", "the library", "code", "constants"
		for (i = 1; i <= n; i++)
			if ((rows[i], "code") in v)
				printf "%-14s %9d %9d\n", rows[i],
				    v[rows[i], "code"], v[rows[i], "constants"]
		printf "\n%-14s %9s %9s %9s %13s\n", "a program", "flash", "ram",
		    "stack", "instructions"
		for (i = 1; i <= n; i++)
			if ((rows[i], "flash") in v)
				printf "%-14s %9d %9d %9d %13d\n", rows[i],
				    v[rows[i], "flash"], v[rows[i], "ram"],
				    v[rows[i], "stack"], v[rows[i], "instructions"]
	}' "$seen"

# Each figure has its budget, and each budget its figure.
awk -v budget="$budget" '
	FNR == NR { if (!/^#/ && NF == 4) max[$1 " " $2 " " $3] = $4; next }
	{
		what = $1 " " $2 " " $3
		if (!(what in max)) {
			print "size: no budget for: " what " (add it to " budget ")"
			bad = 1
		} else if ($4 > max[what]) {
			print "size: " what ": " $4 ", " max[what] " are allowed"
			bad = 1
		}
		delete max[what]
	}
	END {
		for (what in max) {
			print "size: a budget without figure: " what
			bad = 1
		}
		exit bad
	}' "$budget" "$seen" >&2 || exit 1
cat <<'END'

aimed at: 16384 bytes of code for m3 judge; 32768 of flash, and 8192 of ram and
stack together, for m3 small
all within the budget
END
