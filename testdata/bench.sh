#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh BUILD-DIR: what build and check cost, as ratios to "openssl dgst
# -sha256" of the same 1 GiB, run in turn so that all meet the same machine, and
# the most memory they use for 4 GiB.  Fails above 1.3 times and 16 MiB.
# BENCH_MIB and BENCH_RUNS change the size and the number of runs, BENCH_SHOW=1
# only shows.  Needs twice the payload of space below TMPDIR.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
b=$(cd "${1:?the build directory is missing}" && pwd)
mib=${BENCH_MIB:-1024}
runs=${BENCH_RUNS:-5}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/fwsign-bench.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 130' HUP INT TERM
export LC_ALL=C
failed=0

# timed NAME COMMAND...: append "wall cpu kibibytes" to NAME.times.
timed() {
	name=$1
	shift
	/usr/bin/time -q -f '%e %U %S %M' -o time "$@" >out 2>err || {
		cat out err >&2
		exit 1
	}
	awk '{ print $1, $2 + $3, $4 }' time >>"$name.times"
}
# best NAME COLUMN / most NAME COLUMN
best() {
	sort -n -k"$2,$2" "$1.times" | awk -v c="$2" 'NR == 1 { print $c }'
}
most() {
	sort -rn -k"$2,$2" "$1.times" | awk -v c="$2" 'NR == 1 { print $c }'
}

descriptor() {
	cat >"$1.yaml" <<-END
		descriptor: 1
		device:
		  vendor-domain: bench.example
		  model: bench
		sequence-number: 1
		version: "1"
		components:
		  - id: main
		    file: $1.bin
		signers:
		  - key: $(cat pki/p256/key.uri)
		    chain: pki/p256/full-chain.pem
	END
}
build() {
	timed "build-$1" "$b/fwsign" build "$1.yaml" -o "$1.fwb"
}
check() {
	timed "check-$1" "$b/fwverify" check --trust pki/p256/root.pem "$1.fwb"
}

# ratio WHAT: wall clock and processor time against openssl; limit 1.3.
ratio() {
	awk -v what="$1" -v w="$(best "$1-large" 1)" -v ow="$(best dgst 1)" \
	    -v c="$(best "$1-large" 2)" -v oc="$(best dgst 2)" 'BEGIN {
		printf "%-6s %6.2f s  %.2f times   (processor %6.2f s  " \
		    "%.2f times)\n", what, w, w / ow, c, c / oc
		exit w / ow > 1.3
	}' || failed=1
}
memory() {
	kib=$(most "$1-sparse" 3)
	echo "$kib" | awk -v what="$1" '{
		printf "%-6s %6.1f MiB of memory at most for 4 GiB\n", what,
		    $1 / 1024
	}'
	[ "$kib" -le 16384 ] || failed=1
}

cd "$T"
"$here/pki/mkpki.sh" --files pki p256
descriptor large
descriptor sparse
# Not zeros, and quicker than /dev/urandom.
openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null |
    head -c "$((mib * 1048576))" >large.bin || :
[ "$(wc -c <large.bin)" = $((mib * 1048576)) ] || {
	echo 'bench: could not make the payload' >&2
	exit 1
}

i=0
while [ "$i" -lt "$runs" ]; do
	timed dgst openssl dgst -sha256 large.bin
	build large
	check large
	i=$((i + 1))
done
printf 'payload of %d MiB, best of %d runs\n' "$mib" "$runs"
printf '%-6s %6.2f s  1.00 times   (processor %6.2f s)\n' dgst \
    "$(best dgst 1)" "$(best dgst 2)"
ratio build
ratio check
rm large.bin large.fwb

truncate -s 4G sparse.bin
build sparse
check sparse
memory build
memory check
if [ "$failed" != 0 ]; then
	echo 'above the limits: 1.3 times, 16 MiB'
	[ -n "${BENCH_SHOW:-}" ] || exit 1
fi
