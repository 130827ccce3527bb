#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo_device.sh BUILD-DIR LOADER APPS: the life of a device with secure boot,
# in an emulator.  LOADER is built by "make loader" for a root that is made
# here, APPS is the folder with the applications.  The same releases go to
# fwverify's device directory, the device's twin on the host.  All else is in a
# scratch folder, the keys in a SoftHSM token there.
#	CUTS=N	power fails at so many operations of an installation (48)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C TZ=UTC
export CUTS="${CUTS:-48}"

# ---- the device -------------------------------------------------------------

# emulator FLASH ARGUMENT...: one start of the device, until it ends by itself,
# in this process.  What it says on its serial line is the standard output.
# Its time goes by the instructions it executes, so that no watchdog bites
# because the host is slow.
emulator() {
	a_="arg=flash=$1"
	shift
	for x_; do
		a_="$a_,arg=$x_"
	done
	exec qemu-system-arm -M mps2-an385 -display none -monitor none \
	    -icount shift=3 -serial stdio \
	    -semihosting-config "enable=on,target=native,$a_" \
	    -kernel "$LOADER" </dev/null
}

# start FLASH ARGUMENT...: the same in another process, with a limit.
start() {
	timeout 60 "$here/demo_device.sh" --emulator "$@"
}

# ---- one power cut ----------------------------------------------------------

# after FOLDER: power has failed, and comes back: 1.1 or 1.2 is at work, whole,
# and 1.2 can be installed.  Prints what was there.
after() {
	start "$1/flash" >"$1/boot" || return 1
	tail -n 2 "$1/boot" >"$1/end"
	found_=
	for v_ in 1.1 1.2; do
		for b_ in 0 1; do
			at_work $v_ $b_ | cmp -s - "$1/end" && found_=$v_
		done
	done
	[ -n "$found_" ] || return 1
	start "$1/flash" bundle="$T/1.2.fwb" >"$1/again" || return 1
	grep -q '^loader: installed in bank' "$1/again" || return 1
	tail -n 2 "$1/again" >"$1/end"
	if ! at_work 1.2 0 | cmp -s - "$1/end" &&
	    ! at_work 1.2 1 | cmp -s - "$1/end"; then
		return 1
	fi
	echo "$found_"
}

# What a device that runs says at last.
at_work() {
	printf '%s %s in bank %s\n  is at work\n' "$PRODUCT" "$1" "$2"
}

# cut_power N KIND: power fails at operation N of the installation of 1.2.
cut_power() {
	d_=$T/cut-$1-$2
	mkdir "$d_"
	cp "$T/base" "$d_/flash"
	rc_=0
	start "$d_/flash" bundle="$T/1.2.fwb" "cut-$2=$1" >"$d_/cut" || rc_=$?
	if [ "$rc_" = 75 ] && v_=$(after "$d_"); then
		echo "$1 $2 $v_"
		rm -rf "$d_"
	else
		echo "$1 $2 failed"
		grep -s . "$d_"/cut "$d_"/boot "$d_"/again >&2 || :
	fi
}

# Calls of itself, with what is exported.
case $1 in
--emulator)	shift; emulator "$@" ;;
--cut)		cut_power "$2" "$3"; exit 0 ;;
esac

# ---- what is shown ----------------------------------------------------------

PATH=$(cd "${1:?the build directory is missing}" && pwd):$PATH
LOADER=$(realpath -m "${2:?the loader is missing}")
apps=$(cd "${3:?the folder with the applications is missing}" && pwd)
top=$(cd "$here/.." && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/fwsign-device.XXXXXX")
PRODUCT='Infusion Pump Display'
export LOADER T PRODUCT
running=
trap '[ -z "$running" ] || kill -KILL "$running" 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 130' HUP INT TERM
begin=$(date +%s)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi
step=0
heading() {
	step=$((step + 1))
	printf '\n%s%d. %s%s\n\n' "$bold" "$step" "$*" "$plain"
}
fail() {
	echo "demo-device: $*" >&2
	exit 1
}

# device STATUS ARGUMENT...: start it, show what it says, and demand that it
# says what is on the standard input and ends with that status.
device() {
	want=$1
	shift
	cat >"$T/want"
	printf '%s(power on%s)%s\n' "$bold" "${1:+: $*}" "$plain" |
	    sed "s|$T/||g"
	rc=0
	start "$T/flash" "$@" >"$T/said" || rc=$?
	cat "$T/said"
	diff -u "$T/want" "$T/said" >"$T/diff" || {
		cat "$T/diff"
		fail 'the device did not say what it should'
	}
	[ "$rc" = "$want" ] || fail "the device ended with $rc, not $want"
}

# twin CODE BUNDLE: what becomes of it in the device directory; it is confirmed.
twin() {
	rc=0
	fwverify install --device "$T/twin" "$2" >"$T/report" || rc=$?
	code=$(sed -n '1s/^refused: \([a-z-]*\):.*/\1/p;1s/^accepted:.*/ok/p' \
	    "$T/report")
	[ "$code" = "$1" ] || fail "fwverify says '$code', the device '$1'"
	if [ "$code" = ok ]; then
		fwverify boot --device "$T/twin" >/dev/null
		fwverify confirm --device "$T/twin" >/dev/null
	fi
	echo "(fwverify: $code)"
}

# installs VERSION BANK: all that the device says when it takes that release.
installs() {
	cat <<-END
		loader: installed in bank $2
		loader: starts on trial bank $2
		$PRODUCT $1 in bank $2, on trial
		  works, and asks to be kept
		loader: confirmed bank $2
	END
	starts "$1" "$2"
}
starts() {
	echo "loader: starts bank $2"
	at_work "$1" "$2"
}
# refuses CODE VERSION BANK: it refuses, and starts what it has.
refuses() {
	echo "loader: update refused: $1"
	starts "$2" "$3"
}

# release VERSION NUMBER [OPTION...]: a bundle with the application for either
# bank.
release() {
	cat >"$T/$1.yaml" <<-END
		descriptor: 1
		device:
		  vendor-domain: acme.example
		  model: $PRODUCT
		sequence-number: $2
		version: "$1"
		components:
		  - id: firmware
		    max-size: 0x10000
		    slots:
		      - {slot: 0, file: $apps/app-$1-0.bin, name: bank-0.bin}
		      - {slot: 1, file: $apps/app-$1-1.bin, name: bank-1.bin}
	END
	v=$1
	shift 2
	fwsign build "$T/$v.yaml" -o "$T/$v.fwb" "$@" --quiet
}

# flip FILE OFFSET: change one bit, the lowest one of the byte there.
flip() {
	byte=$(od -An -v -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059  # an octal escape
	printf "\\$(printf %o $((byte ^ 1)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
# find_in FILE MEMBER: where its first byte is in the bundle.
find_in() {
	tar -tRf "$1" | awk -v m="$2" '
		$NF == m { sub(/:$/, "", $2); print ($2 + 1) * 512 }'
}

# ---- 1 to 3: it is made -----------------------------------------------------

heading 'A token with keys, and a boot loader that trusts their root'
"$here/pki/mkpki.sh" "$T/pki" p256
"$here/pki/mkpki.sh" --files "$T/other" p256
# shellcheck source=testdata/token.sh
. "$here/token.sh"
token_use "$T/pki/token"
env MAKEFLAGS= make -C "$top" --no-print-directory loader \
    ROOT="$T/pki/p256/root.pem"

heading 'Four releases; the application is built for either bank'
set -- --key "$(cat "$T/pki/p256/key.uri")" \
    --chain "$T/pki/p256/full-chain.pem"
release 1.0 1 "$@"
release 1.1 2 "$@"
release 1.2 3 "$@"
release 1.3 4 "$@"
sed -e 's|-0.bin,|-x.bin,|' -e 's|-1.bin,|-0.bin,|' -e 's|-x.bin,|-1.bin,|' \
    -e 's|^\(sequence-number:\).*|\1 5|' "$T/1.3.yaml" >"$T/wrong.yaml"
fwsign build "$T/wrong.yaml" -o "$T/wrong.fwb" "$@" --quiet
sed "s|$apps/||" "$T/1.0.yaml"
tar -tvf "$T/1.0.fwb"
cp "$T/1.2.fwb" "$T/kept"
release 1.2 3 --key "$T/other/p256/release.key" \
    --chain "$T/other/p256/full-chain.pem" 2>"$T/warning"
mv "$T/1.2.fwb" "$T/others.fwb"
mv "$T/kept" "$T/1.2.fwb"
cat >"$T/device.yaml" <<END
profile: 1
device: {vendor-domain: acme.example, model: $PRODUCT}
trust: {anchors: [pki/p256/root.pem]}
clock: {source: none}
components:
  - {id: firmware, size: 0x10000, slots: 2}
END
fwverify provision --device "$T/twin" "$T/device.yaml" >/dev/null

heading 'The factory: flash that was never used gets a record and a counter'
head -c 163840 /dev/urandom >"$T/flash"
device 76 <<END
loader: nothing started: nothing-bootable
emulator: nothing to start, no update
END
device 76 factory=0 <<END
loader: provisioned
loader: nothing started: nothing-bootable
emulator: nothing to start, no update
END

# ---- 4 to 7: it lives -------------------------------------------------------

heading 'Release 1.0 is installed, tried, confirmed; and starts from then on'
installs 1.0 0 | device 0 bundle="$T/1.0.fwb"
twin ok "$T/1.0.fwb"
starts 1.0 0 | device 0
{
	echo 'loader: not provisioned: api'
	starts 1.0 0
} | device 0 factory=0

heading 'Release 1.1, into the other bank'
installs 1.1 1 | device 0 bundle="$T/1.1.fwb"
twin ok "$T/1.1.fwb"

heading 'Release 1.2 with one bit changed: in the firmware, in the manifest'
cp "$T/1.2.fwb" "$T/firmware.fwb"
flip "$T/firmware.fwb" $(($(find_in "$T/1.2.fwb" bank-0.bin) + 1000))
refuses payload-digest 1.1 1 | device 0 bundle="$T/firmware.fwb"
twin payload-digest "$T/firmware.fwb"
cp "$T/1.2.fwb" "$T/manifest.fwb"
at=$(grep -abo 'bank-0.bin' "$T/1.2.fwb" | head -n 1 | cut -d : -f 1)
flip "$T/manifest.fwb" "$at"
refuses manifest-digest 1.1 1 | device 0 bundle="$T/manifest.fwb"
twin manifest-digest "$T/manifest.fwb"
head -c 5000 "$T/1.2.fwb" >"$T/short.fwb"
refuses bundle-truncated 1.1 1 | device 0 bundle="$T/short.fwb"
twin bundle-truncated "$T/short.fwb"

heading 'Release 1.2 from somebody whose root has the same name; and the old 1.0'
refuses certificate-signature 1.1 1 | device 0 bundle="$T/others.fwb"
twin certificate-signature "$T/others.fwb"
refuses rollback 1.1 1 | device 0 bundle="$T/1.0.fwb"
twin rollback "$T/1.0.fwb"

# What the twin has in files, where the device has it in flash.
same() {
	cmp -n "$(wc -c <"$T/twin/$1")" -i 0:"$2" "$T/twin/$1" "$T/flash" ||
	    fail "the device's flash is not what fwverify has in '$1'"
}
for b in 0 1; do
	same "component-0.bank-$b" $((b * 0x14000))
	same "record.bank-$b" $((b * 0x14000 + 0x10000))
	same "counter.bank-$b" $((b * 0x14000 + 0x13000))
done
echo
echo 'Images, records and counter in flash are those of fwverify, byte by byte.'

# ---- 8, 9: power fails ------------------------------------------------------

heading 'Release 1.2, and power fails'
cp "$T/flash" "$T/base"
cp "$T/base" "$T/whole"
start "$T/whole" bundle="$T/1.2.fwb" stats >"$T/stats"
total=$(sed -n 's/^emulator: \([0-9]*\) operations .*/\1/p' "$T/stats" |
    tail -n 1)
[ "${total:-0}" -ge "$CUTS" ] || fail "only ${total:-no} operations"
echo "From here to a confirmed 1.2, $total sectors are erased or units written."
# The last ones are the marks: all of them.
i=0
while [ $i -lt "$CUTS" ]; do
	set -- before middle after
	shift $((i % 3))
	if [ $((CUTS - i)) -le 16 ]; then
		echo "$((total - (CUTS - 1 - i))) $1"
	else
		echo "$((1 + i * (total - 16) / (CUTS - 16))) $1"
	fi
	i=$((i + 1))
done | xargs -L 1 -P "$(nproc)" "$here/demo_device.sh" --cut >"$T/cuts"
n=$(wc -l <"$T/cuts")
old=$(grep -c ' 1\.1$' "$T/cuts" || :)
new=$(grep -c ' 1\.2$' "$T/cuts" || :)
if [ "$n" != "$CUTS" ] || [ $((old + new)) != "$n" ]; then
	sort -n "$T/cuts"
	fail 'a device did not come back'
fi
[ "$old" -gt 0 ] && [ "$new" -gt 0 ] || fail "$old started 1.1, $new 1.2"
echo "Power failed at $n of them (before, in the middle or after): then $old"
echo "devices started 1.1 and $new 1.2, whole; all of them took 1.2 afterwards."

heading 'Release 1.2, and the emulator is killed'
mkdir "$T/kill"
count_dots() {
	sed 's/1\.[0-9]//g' "$T/kill/cut" | tr -cd . | wc -c
}
killed=0
for part in 0 1 2 3 4 5 6 7; do
	dots=$((1 + part * (total - 2) / 7))
	cp "$T/base" "$T/kill/flash"
	"$here/demo_device.sh" --emulator "$T/kill/flash" \
	    bundle="$T/1.2.fwb" slow=500 >"$T/kill/cut" &
	running=$!
	# A dot for each sector or unit.
	tries=0
	while [ "$(count_dots)" -lt "$dots" ]; do
		tries=$((tries + 1))
		[ $tries -lt 6000 ] || {
			cat "$T/kill/cut"
			fail "operation $dots does not come"
		}
		sleep 0.01
	done
	kill -KILL "$running" 2>/dev/null || :	# it may have come to its end
	wait "$running" 2>/dev/null || :
	running=
	dots=$(count_dots)
	grep -q installed "$T/kill/cut" || killed=$((killed + 1))
	found=$(after "$T/kill") || {
		grep -s . "$T"/kill/cut "$T"/kill/boot "$T"/kill/again || :
		fail 'the device did not come back'
	}
	echo "killed at operation $dots: then it started $found"
done
[ $killed -ge 3 ] || fail "only $killed were in the middle of an installation"

# ---- 10 to 12: releases that do not start ----------------------------------

heading 'Release 1.2 at last; release 1.3, which hangs: back to 1.2'
installs 1.2 0 | device 0 bundle="$T/1.2.fwb"
{
	cat <<-END
		loader: installed in bank 1
		loader: starts on trial bank 1
		$PRODUCT 1.3 in bank 1, on trial
		board: exception 2
	END
	starts 1.2 0
} | device 0 bundle="$T/1.3.fwb"
starts 1.2 0 | device 0

heading 'A release that was built for the wrong bank: not even tried'
{
	echo 'loader: installed in bank 1'
	starts 1.2 0
} | device 0 bundle="$T/wrong.fwb"

heading 'What the loader needs'
stack=$(sed -n 's/.* \([0-9]*\) bytes of stack$/\1/p' "$T/stats" | sort -n |
    tail -n 1)
arm-none-eabi-nm -S --radix=d "$LOADER" |
    awk '$3 ~ /^[tTwW]$/ { n += $2 } END { print n }' >"$T/code"
arm-none-eabi-size -A -d "$LOADER" | awk -v stack="$stack" \
    -v code="$(cat "$T/code")" '
	$1 == ".text" { text = $2 }
	$1 == ".data" { data = $2 }
	$1 == ".bss" { bss = $2 }
	$1 == ".stack" { room = $2 }
	END {
		printf "flash  %6d bytes: code %d, constants %d, data %d\n",
		    text + data, code, text - code, data
		printf "RAM    %6d bytes, and\n", data + bss
		printf "stack  %6d bytes that were used, of %d\n", stack, room
		exit !(text > 0 && bss > 0 && stack > 0 && stack < room)
	}' || fail 'the figures are missing'
echo "(with the flash of the emulator, and BearSSL for P-256 and SHA-256)"

heading "Done, in $(($(date +%s) - begin)) s"
echo 'Everything was as expected.'
