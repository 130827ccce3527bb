#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench_batch.sh BUILD-DIR: signatures per second of fwsign build --batch, from
# its start to its end, against
#	bare	nothing but C_SignInit and C_Sign in as many sessions of the
#		same token (bench_token): what the token can do at most
#	tool	one process of pkcs11-tool for each signature
# Fails below 90 % of bare with RSA-3072, and below 20 times tool with P-256.
# The token, SoftHSM, computes on the same processors.  A signature with
# RSA-3072 costs it milliseconds, as on a real token.  One with P-256 costs
# less than verifying it, which fwsign does twice: that ratio is shown and says
# how many processors there are.
#
# All take turns, so that all meet the same machine; the best of BENCH_RUNS
# counts.  BENCH_JOBS is the number of sessions, BENCH_SHOW=1 only shows.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
b=$(cd "${1:?the build directory is missing}" && pwd)
runs=${BENCH_RUNS:-3}
jobs=${BENCH_JOBS:-$(nproc)}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/fwsign-bench.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 130' HUP INT TERM
export LC_ALL=C
failed=0
# shellcheck source=testdata/token.sh
. "$here/token.sh"

cd "$T"
"$here/pki/mkpki.sh" pki p256 rsa3072 >/dev/null
token_use pki/token
cat >release.yaml <<'END'
descriptor: 1
device:
  vendor-domain: bench.example
  model: bench
  device-id: ${DEVICE}
sequence-number: 1
version: "1"
components:
  - id: main
    file: image.bin
END
head -c 65536 /dev/urandom >image.bin
head -c 32 /dev/urandom >digest

# list N: as many devices.
list() {
	# shellcheck disable=SC2016  # for fwsign to replace
	printf 'batch: 1\ndescriptor: release.yaml\noutput: ${DEVICE}.fwb\n'
	echo 'bundles:'
	seq "$1" | awk '{
		printf "  - set: {DEVICE: %08x-0000-4000-8000-000000000000}\n", $1
	}'
}
# seconds COMMAND...: how long it takes.
seconds() {
	/usr/bin/time -q -f %e -o time "$@" >out 2>err || {
		cat out err >&2
		exit 1
	}
	cat time
}

bare() {
	"$b/bench_token" "$TOKEN_MODULE" "$TOKEN_LABEL" "$TOKEN_PIN" \
	    "release-$1" "$jobs" 3 >>"$1.bare"
}
# A new folder each time: nothing is there already, nothing is removed.
batch() {
	folder=$(mktemp -d "$T/out.XXXXXX")
	took=$(seconds "$b/fwsign" build --batch "$1.yaml" --jobs "$jobs" \
	    --output-directory "$folder" --key "$(cat "pki/$1/key.uri")" \
	    --chain "pki/$1/full-chain.pem" --quiet)
	[ "$(find "$folder" -type f | wc -l)" = "$2" ]
	echo "$2 $took" | awk '{ print $1 / $2 }' >>"$1.batch"
	rm -rf "$folder"
}
tool() {
	mechanism=ECDSA
	[ "$1" = p256 ] || mechanism=SHA256-RSA-PKCS
	# shellcheck disable=SC2016
	took=$(seconds sh -c 'for i in $(seq 20); do
		pkcs11-tool "$@" --input-file digest --output-file signature ||
		    exit 1
		done' sh --module "$TOKEN_MODULE" --token-label "$TOKEN_LABEL" \
	    --login --pin "$TOKEN_PIN" --sign --mechanism "$mechanism" \
	    --label "release-$1")
	echo "20 $took" | awk '{ print $1 / $2 }' >>"$1.tool"
}
best() {
	sort -rn "$1" | head -n 1
}

list "${BENCH_P256:-5000}" >p256.yaml
list "${BENCH_RSA:-1500}" >rsa3072.yaml
i=0
while [ "$i" -lt "$runs" ]; do
	for a in p256 rsa3072; do
		bare $a
		batch $a "$(grep -c DEVICE: $a.yaml)"
		tool $a
	done
	i=$((i + 1))
done
printf 'signatures per second, %d sessions on %d processors, best of %d runs\n' \
    "$jobs" "$(nproc)" "$runs"
printf '%-8s %9s %9s %9s %9s %9s\n' '' bare tool batch 'of bare' 'of tool'
# row ALG PERCENT TIMES: fails below these.
row() {
	echo "$(best "$1.bare") $(best "$1.tool") $(best "$1.batch")" |
	    awk -v name="$1" -v percent="$2" -v times="$3" '{
		printf "%-8s %9.0f %9.0f %9.0f %7.1f %% %7.1f x\n", name, $1,
		    $2, $3, 100 * $3 / $1, $3 / $2
		exit 100 * $3 / $1 < percent || $3 / $2 < times
	}' || failed=1
}
row p256 0 20
row rsa3072 90 0
if [ "$failed" != 0 ]; then
	echo 'missed: 90 % of bare with rsa3072, 20 x tool with p256'
	[ -n "${BENCH_SHOW:-}" ] || exit 1
fi
