#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arm.sh BUILD-DIR TARGET...: lib/arm does what semihost.h promises: programs
# start, read and write files, and say how they ended.
set -u

a=$1
shift
tmp=$(mktemp -d "${TMPDIR:-/tmp}/fwsign-arm.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# probe TARGET STATUS ARGUMENT...: the output is in $tmp/out and $tmp/err.
probe() {
	target=$1 want=$2
	shift 2
	testdata/qemu.sh "$target" "$a/$target/probe.elf" "$@" \
	    >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" = "$want" ] || {
		echo "$target: '$*' ended with $got, not $want" >&2
		cat "$tmp/out" "$tmp/err" >&2
		failed=1
	}
}
# holds WHAT COMMAND...
holds() {
	what=$1
	shift
	"$@" || {
		echo "$target: $what" >&2
		failed=1
	}
}

head -c 3000 "$a/m3/probe.elf" >"$tmp/from"
for t; do
	probe "$t" 0 args one two
	holds 'arguments' test "$(cat "$tmp/out")" = "one
two"
	rm -f "$tmp/to"
	probe "$t" 0 copy "$tmp/from" "$tmp/to"
	holds 'copy' cmp "$tmp/from" "$tmp/to"
	probe "$t" 1 copy "$tmp/none" "$tmp/to"
	probe "$t" 42 exit 42
	probe "$t" 0 stack 2000
	probe "$t" 103 stack 100000
	holds 'stack' grep -q 'stack is too small' "$tmp/err"
	probe "$t" 101 panic
	holds 'panic' grep -q '^panic: ' "$tmp/err"
	probe "$t" 102 fault
	holds 'fault' grep -q '^exception 0x' "$tmp/err"
	case $t in
	m0)	probe "$t" 102 unaligned ;;	# Armv6-M has none
	*)	probe "$t" 0 unaligned ;;
	esac
	echo "$t: programs start and end as they should"
done
exit "$failed"
