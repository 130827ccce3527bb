#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ports_test.sh BUILD-DIR: --crypto on the command line.  Bundles, envelopes,
# chains and signatures of all algorithms, good and bad: whichever port is
# named, the report with its trace is the same, byte for byte; Ed25519 is
# refused as unsupported where it is.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

algs='p256 p384 p521 ed25519 rsa3072'
time=$(date -u +%Y-%m-%dT%H:%M:%SZ)	# one for all
compared=0 unsupported=0

# all NAME STATUS COMMAND...: run it with each port; the first one ends with
# STATUS, the others say the same.
all() {
	name_=$1 status_=$2
	shift 2
	expect "$name_: openssl" "$status_" '' "$@" --crypto openssl
	mv .out want
	expect "$name_: without --crypto" "$status_" '' "$@"
	same "$name_: that is openssl" want .out
	for port_ in bearssl psa; do
		expect "$name_: $port_" "$status_" '' "$@" --crypto "$port_"
		same "$name_: $port_ says the same" want .out
		compared=$((compared + 1))
	done
}

# lacking NAME COMMAND...: OpenSSL accepts, the others lack the algorithm.
lacking() {
	name_=$1
	shift
	expect "$name_: openssl" 0 '' "$@" --crypto openssl
	for port_ in bearssl psa; do
		expect "$name_: $port_" 1 '' "$@" --crypto "$port_"
		try "$name_: $port_ lacks it" \
		    grep -q 'algorithm-unsupported' .out
		unsupported=$((unsupported + 1))
	done
}

# judge ALG WHAT STATUS COMMAND...
judge() {
	if [ "$1" = ed25519 ] && [ "$3" = 0 ]; then
		what_="$2 $1"
		shift 3
		lacking "$what_" "$@"
	else
		what_="$2 $1" want_=$3
		shift 3
		all "$what_" "$want_" "$@"
	fi
}

# flip FILE OFFSET COPY: change one bit of a copy.
flip() {
	cp "$1" "$3"
	byte=$(od -An -v -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059  # an octal escape
	printf "\\$(printf %03o $((byte ^ 4)))" |
	    dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}

# shellcheck disable=SC2086  # a list
"$top/testdata/pki/mkpki.sh" --files pki $algs
"$top/testdata/pki/mkpki.sh" --files pki/other p256
printf 'a message\n' >message
head -c 3000 /dev/zero | tr '\0' 'x' >app.bin


# raw WIDTH: an ECDSA signature on stdin, from DER to r and s.
raw() {
	"$python" -c 'import sys
b, w = sys.stdin.buffer.read(), int(sys.argv[1])
i = 3 if b[1] == 0x81 else 2
for _ in "rs":
    n = int.from_bytes(b[i + 2:i + 2 + b[i + 1]], "big")
    sys.stdout.buffer.write(n.to_bytes(w, "big"))
    i += 2 + b[i + 1]' "$1"
}

# sign PKI: the message, in PKI.sig; sets alg.
sign() {
	set -- "$1" "pki/$1/release.key"
	case $1 in
	p256)	alg=ESP256
		openssl dgst -sha256 -sign "$2" message | raw 32 ;;
	p384)	alg=ESP384
		openssl dgst -sha384 -sign "$2" message | raw 48 ;;
	p521)	alg=ESP512
		openssl dgst -sha512 -sign "$2" message | raw 66 ;;
	rsa3072) alg=PS384
		openssl dgst -sha384 -sign "$2" -sigopt rsa_padding_mode:pss \
		    -sigopt rsa_pss_saltlen:digest message ;;
	ed25519) alg=Ed25519
		openssl pkeyutl -sign -rawin -inkey "$2" -in message ;;
	esac >"$1.sig"
}

# spoil NAME FILE COMMAND...: FILE with a bit flipped here and there, and cut
# short.  Only a refusal is expected; with Ed25519 not even the same one, since
# some ports stop at the signature.
spoil() {
	name_s=$1 file_=$2
	shift 2
	n_=$(wc -c <"$file_")
	for at_ in $((n_ / 23)) $((n_ / 7)) $((n_ / 5)) $((n_ / 3)) \
	    $((n_ * 3 / 4)); do
		flip "$file_" "$at_" spoilt
		all "$name_s, bit in byte $at_" 1 "$@" spoilt
		head -c "$at_" "$file_" >spoilt
		all "$name_s, cut at $at_" 1 "$@" spoilt
	done
}

for a in $algs; do
	sign "$a"
	set -- "$fwverify" primitive --alg "$alg" --key "pki/$a/leaf.pem" \
	    --msg message
	judge "$a" signature 0 "$@" --sig "$a.sig"
	if [ "$a" != ed25519 ]; then
		flip "$a.sig" 40 bad.sig
		judge "$a" 'wrong signature' 1 "$@" --sig bad.sig
	fi
	head -c 63 "$a.sig" >bad.sig
	judge "$a" 'short signature' 1 "$@" --sig bad.sig

	set -- "$fwverify" chain --trust "pki/$a/root.pem" --time "$time" \
	    --trace
	judge "$a" chain 0 "$@" "pki/$a/chain.pem"
	judge "$a" 'chain as JSON' 0 "$@" --json "pki/$a/chain.pem"
	cat "pki/$a/intermediate.pem" "pki/$a/leaf.pem" >bad.pem
	[ "$a" = ed25519 ] || judge "$a" 'chain out of order' 1 "$@" bad.pem

	cat >release.yaml <<-END
		descriptor: 1
		device:
		  vendor-domain: example.com
		  model: Thermometer
		sequence-number: 7
		version: "1.0"
		components:
		  - id: main
		    file: app.bin
		signers:
		  - key: pki/$a/release.key
		    chain: pki/$a/chain.pem
	END
	expect "build $a" 0 'for development only' "$fwsign" build release.yaml -o "$a.fwb"
	set -- "$fwverify" check --trust "pki/$a/root.pem" --time "$time" \
	    --trace
	judge "$a" bundle 0 "$@" "$a.fwb"
	judge "$a" 'bundle as JSON' 0 "$@" --json "$a.fwb"
	judge "$a" 'another anchor' 1 "$fwverify" check --time "$time" \
	    --trust pki/other/p256/root.pem --trace "$a.fwb"
	[ "$a" = ed25519 ] || spoil "bundle $a" "$a.fwb" "$@"

	expect "extract $a" 0 '' "$fwsign" extract --manifest "$a.suit" \
	    "$a.fwb"
	set -- "$fwverify" envelope --trust "pki/$a/root.pem" \
	    --time "$time" --trace
	judge "$a" envelope 0 "$@" "$a.suit"
	judge "$a" 'envelope as JSON' 0 "$@" --json "$a.suit"
	[ "$a" = ed25519 ] || spoil "envelope $a" "$a.suit" "$@"
done

# ---- the option itself -------------------------------------------------------

for c in check envelope chain primitive; do
	expect "$c: no such port" 2 "^fwverify: option '--crypto' is no port: \
'libre' \\(openssl, bearssl or psa\\)\$" "$fwverify" "$c" --crypto libre
	expect "$c: twice" 2 "'--crypto'" "$fwverify" "$c" --crypto psa \
	    --crypto psa
done
echo "$compared reports are the same through another port, $unsupported" \
	"say what is lacking"
