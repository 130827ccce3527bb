#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# twin.sh BUILD ARM-BUILD TARGET...: lib/device judges a corpus on this host
# and on emulated microcontrollers; all they say has to be the same, byte for
# byte: each step of the trace, each verdict, and what is stored.  So has what
# fwverify prints.  See lib/arm/arm.mk for the targets.
#
# TWIN_LESS names programs for the M3 whose library lacks a check (twin.mk).
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
b=$(cd "$1" && pwd) a=$(cd "$2" && pwd)
shift 2
targets=("$@")
here=$top/testdata/twin
python=/usr/bin/python3
corpus=$a/twin/corpus
out=$a/twin
QEMU_SECONDS=${QEMU_SECONDS:-1500}
export QEMU_SECONDS LC_ALL=C TZ=UTC PYTHONDONTWRITEBYTECODE=1

die() {
	echo "twin: $*" >&2
	exit 1
}

# ---- the corpus --------------------------------------------------------------

# It is made anew when anything it is made with has changed, and within a day:
# its certificates are judged at the time it was made.
make_corpus() {
	local begin=$SECONDS mkpki=$top/testdata/pki/mkpki.sh

	if [ -e "$corpus/corpus.cbor" ] && [ -z "$(find "$corpus/corpus.cbor" \
	    -mmin +1000)" ] && [ -z "$(find "$here"/*.py "$mkpki" \
	    "$b/fwsign" "$b/testdata/twin/flat" -newer "$corpus/corpus.cbor")" ]
	then
		return
	fi
	rm -rf "$corpus"
	mkdir -p "$corpus"
	"$mkpki" "$corpus/pki" p256 p384 p521 ed25519 rsa3072
	"$mkpki" --files "$corpus/files" p256 p384 p521 ed25519 rsa3072
	"$mkpki" --files "$corpus/other" p256
	"$mkpki" --files --expired "$corpus/expired" p256
	"$mkpki" --files --future "$corpus/future" p256
	(
		# shellcheck source=testdata/token.sh
		. "$top/testdata/token.sh"
		token_use "$corpus/pki/token"
		"$python" "$here/corpus.py" "$top" "$b" "$corpus"
	)
	echo "(the corpus took $((SECONDS - begin)) s)"
}

# ---- running -----------------------------------------------------------------

# timed LIST NAME COMMAND...: what it says of a list, in NAME.said; in
# NAME.seconds how long it took and how much of that it computed
timed() {
	local list=$1 name=$2 rc=0 TIMEFORMAT='%1R %1U'
	shift 2

	rm -f "$out/$name.trace"
	{
		time (cd "$corpus" && "$@" "$list" "$out/$name.trace" \
		    >"$out/$name.said" 2>"$out/$name.errors") || rc=$?
	} 2>"$out/$name.seconds"
	cat "$out/$name.errors" >&2
	[ "$rc" = 0 ] || die "$name ended with status $rc"
	[ -s "$out/$name.trace" ] || die "$name left no trace"
}

on_host() {
	timed corpus.cbor "host-$1" "$b/testdata/twin/twin-$1"
}

# guest TARGET PROGRAM NAME [LIST]
guest() {
	if [ "$1" = m0 ]; then
		export QEMU_OPTIONS='-global nrf51-soc.sram-size=8388608'
	fi
	timed "${4:-corpus.cbor}" "$3" "$top/testdata/qemu.sh" "$1" \
	    "$a/$1/$2.elf"
}

port_of() {
	case $1 in
	m33)	echo psa ;;
	*)	echo bearssl ;;
	esac
}

value() {
	sed -n "s/^$2 //p" "$out/$1.said"
}

# row WHAT NAME EQUAL
row() {
	local n
	n=$(value "$2" cases)
	# shellcheck disable=SC2046,SC2183  # two words
	printf '%-20s %6d %8d %8d %7d %8d %7s %7s  %s\n' "$1" "$n" \
	    "$(value "$2" accepted)" $((n - $(value "$2" accepted))) \
	    "$(value "$2" lines)" "$(value "$2" computed)" \
	    $(cat "$out/$2.seconds") "$3"
}

# ---- the test ----------------------------------------------------------------

make_corpus
failed=0
for p in openssl bearssl psa; do
	on_host $p
done

# As many guests at a time as there are processors; the slowest target is the
# last, and begins.  One of the programs is not quite the same: see below.
running=0
pids=()
for ((i = ${#targets[@]} - 1; i >= -1; i--)); do
	if [ "$running" -ge "$(nproc)" ]; then
		wait -n || :
		running=$((running - 1))
	fi
	if [ "$i" = -1 ]; then
		guest m3 altered altered &
	else
		guest "${targets[i]}" twin "${targets[i]}" &
	fi
	pids+=($!)
	running=$((running + 1))
done
for pid in "${pids[@]}"; do
	wait "$pid" || failed=1
done
[ "$failed" = 0 ] || die 'a machine did not come to its end'

printf '\n%-20s %6s %8s %8s %7s %8s %7s %7s  %s\n' target cases accepted \
    refused steps verified seconds CPU equal
row 'host, OpenSSL' host-openssl '-'
for p in bearssl psa; do
	"$python" "$here/compare.py" ports "$out/host-openssl.trace" \
	    "$out/host-$p.trace" >"$out/host-$p.equal" || failed=1
	row "host, $p" "host-$p" "$(cat "$out/host-$p.equal")"
done
for t in "${targets[@]}"; do
	p=$(port_of "$t")
	equal=yes
	"$python" "$here/compare.py" same "$out/host-$p.trace" \
	    "$out/$t.trace" >&2 || {
		equal=NO
		failed=1
	}
	row "Cortex-${t^^}, $p" "$t" "$equal"
done
echo

# All that the library can refuse is refused.
"$python" "$here/compare.py" codes "$top/lib/device/fwdevice.h" \
    "$out/host-openssl.trace" || failed=1

# What the real program prints.
"$python" "$here/compare.py" program "$b/fwverify" "$corpus" \
    "$out/host-openssl.trace" || failed=1

# A difference is seen: of one byte, of one line, and of one constant.
"$python" "$here/compare.py" self "$out/host-bearssl.trace" "$out/m3.trace" ||
    failed=1
if "$python" "$here/compare.py" same "$out/host-bearssl.trace" \
    "$out/altered.trace" >"$out/altered.equal" 2>&1; then
	echo 'twin: a changed constant was not noticed' >&2
	failed=1
else
	echo 'a runner with one constant changed was noticed:'
	sed 's/^/    /' "$out/altered.equal"
fi

# So is a library on one machine only that leaves out one check.
timed wrong.cbor wrong "$b/testdata/twin/twin-bearssl"
guest m3 twin m3-wrong wrong.cbor
"$python" "$here/compare.py" same "$out/wrong.trace" "$out/m3-wrong.trace" \
    >&2 || failed=1
for l in $TWIN_LESS; do
	guest m3 "less/$l" "less-$l" wrong.cbor
	if "$python" "$here/compare.py" same "$out/wrong.trace" \
	    "$out/less-$l.trace" >"$out/less-$l.equal" 2>&1; then
		echo "twin: a library without '$l' was not noticed" >&2
		failed=1
	else
		echo "a library without '$l' was noticed:"
		sed 's/^/    /' "$out/less-$l.equal"
	fi
done
[ "$failed" = 0 ] || die 'they are no twins'
echo "twins: ${#targets[@]} machines and this host say the same"
