#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# chain_test.sh BUILD-DIR: fwverify chain and fwverify primitive.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

schema=$top/schemas/chain.schema.json
cd "$T" || exit 1

# says NAME PATTERN: the last command that was expected printed such a line.
says() {
	try "$1" grep -qE -e "$2" .out
}

# refused NAME CODE COMMAND...: exit status 1, the code on stdout.
refused() {
	name_of=$1 code_of=$2
	shift 2
	"$@" >.out 2>.err
	if [ $? = 1 ] && [ ! -s .err ] &&
	    grep -q "^refused: $code_of: " .out; then
		ok "$name_of: $code_of"
	else
		not_ok "$name_of: $(head -n 1 .out .err | tr '\n' ' ')"
	fi
}

chain() { "$fwverify" chain "$@"; }
primitive() { "$fwverify" primitive "$@"; }

"$top/testdata/pki/mkpki.sh" --files pki p256 p384 p521 ed25519 rsa3072 \
	rsa4096
"$top/testdata/pki/mkpki.sh" --files --expired old p256
"$top/testdata/pki/mkpki.sh" --files other p256
p=pki/p256

# ---- chains: accepted --------------------------------------------------------

for alg in p256 p384 p521 ed25519 rsa3072 rsa4096; do
	expect "$alg" 0 '' chain --trust pki/$alg/root.pem pki/$alg/chain.pem
	try "$alg: the verdict comes first" \
		test "$(head -n 1 .out)" = accepted
	expect "$alg, with its root" 0 '' chain --trust pki/$alg/root.pem \
		pki/$alg/full-chain.pem
done
expect 'several anchors' 0 '' chain --trust other/p256/root.pem \
	--trust pki/p384/root.pem --trust $p/root.pem $p/chain.pem
says 'the anchor that counted is named' "^anchor: .*\($p/root.pem\)$"
says 'so is the signer' '^signer: CN=fwsign test release \(p256\)'
serial=$(openssl x509 -in $p/leaf.pem -noout -serial | sed 's/.*=//' |
	tr A-F a-f)
says 'and the serial number' "^serial number: $serial$"
until=$(date -u -d "$(openssl x509 -in $p/leaf.pem -noout -enddate |
	sed 's/.*=//')" +%Y-%m-%dT%H:%M:%SZ)
says 'and the end of validity' "^valid: .* to $until$"
expect 'at the last second' 0 '' chain --trust $p/root.pem --time "$until" \
	$p/chain.pem
expect 'any purpose' 0 '' chain --trust $p/root.pem --eku any $p/chain.pem
expect 'expired, without a clock' 0 '' chain --trust old/p256/root.pem \
	--time none old/p256/chain.pem
says 'which it says' '^valid: .* \(not judged\)$'
{ echo 'text before'; cat $p/chain.pem; echo 'text behind'; } >noted.pem
expect 'text around the certificates' 0 '' chain --trust $p/root.pem noted.pem
expect 'trace' 0 '' chain --trust $p/root.pem --trace $p/chain.pem
try 'the trace ends with the verdict' grep -qx accepted .out
for step in 'clock: ' 'trust-anchor\[1\]: ' 'certificate-signature\[0\]: ES256' \
    'certificate-signature\[1\]: ES256' 'certificate-purpose\[0\]: '; do
	says "trace has '$step'" "^$step.*ok$"
done

# ---- chains: refused -----------------------------------------------------------

refused 'expired' certificate-expired chain --trust old/p256/root.pem \
	old/p256/chain.pem
says 'found and expected' '\(certificate\[0\]: found 20.*Z, expected at (least|most) 20.*Z\)$'
refused 'a second too late' certificate-expired chain --trust $p/root.pem \
	--time "$(date -u -d "$until + 1 second" +%Y-%m-%dT%H:%M:%SZ)" \
	$p/chain.pem
refused 'too early' certificate-not-yet-valid chain --trust $p/root.pem \
	--time 2001-01-01T00:00:00+01:00 $p/chain.pem
refused 'another root of that name' certificate-signature chain \
	--trust other/p256/root.pem $p/chain.pem
refused 'another root' signer-unknown chain --trust pki/p384/root.pem \
	$p/chain.pem
refused 'another purpose' certificate-purpose chain --trust $p/root.pem \
	--eku 1.3.6.1.5.5.7.3.1 $p/chain.pem
refused 'the intermediate is missing' signer-unknown chain \
	--trust $p/root.pem $p/leaf.pem
refused 'a CA as leaf' certificate-leaf-ca chain --trust $p/root.pem \
	$p/intermediate.pem
cat $p/intermediate.pem $p/leaf.pem >swapped.pem
refused 'the wrong way round' signer-unknown chain --trust $p/root.pem \
	swapped.pem
cat $p/leaf.pem $p/leaf.pem $p/intermediate.pem >twice.pem
refused 'the leaf twice' certificate-not-ca chain --trust $p/root.pem \
	twice.pem
for _ in 1 2 3 4 5 6 7 8 9; do cat $p/leaf.pem; done >long.pem
refused 'nine certificates' chain-length chain --trust $p/root.pem long.pem

# PEM that holds what is no certificate: the library judges it.
{
	echo '-----BEGIN CERTIFICATE-----'
	printf 'no certificate' | openssl base64
	echo '-----END CERTIFICATE-----'
} >none.pem
refused 'no certificate in PEM' certificate-der chain --trust $p/root.pem \
	none.pem
openssl x509 -in $p/leaf.pem -outform DER -out leaf.der
{ cat leaf.der; printf x; } >tail.der
{
	echo '-----BEGIN CERTIFICATE-----'
	openssl base64 -in tail.der
	echo '-----END CERTIFICATE-----'
	cat $p/intermediate.pem
} >tail.pem
refused 'a byte behind the certificate' certificate-der chain \
	--trust $p/root.pem tail.pem

# ---- chains: JSON ----------------------------------------------------------------

fits() {
	"$python" - "$schema" "$1" <<'END'
import json, sys
import jsonschema
schema, doc = (json.load(open(f)) for f in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(doc)
END
}

expect 'JSON' 0 '' chain --json --trust $p/root.pem $p/chain.pem
cp .out good.json
try 'fits the schema' fits good.json
says 'JSON says accepted' '"verdict": "accepted"'
expect 'JSON with trace' 0 '' chain --json --trace --time none \
	--trust $p/root.pem $p/chain.pem
cp .out trace.json
try 'fits the schema' fits trace.json
says 'JSON says that dates were not judged' '"time": null'
"$fwverify" chain --json --trace --trust old/p256/root.pem \
	old/p256/chain.pem >bad.json
try 'JSON of a refusal: exit status' test $? = 1
try 'fits the schema' fits bad.json
try 'JSON says why' grep -q '"code": "certificate-expired"' bad.json
"$fwverify" chain --json --trust $p/root.pem long.pem >long.json
try 'JSON without a certificate fits the schema' fits long.json

# ---- chains: wrong use -------------------------------------------------------------

expect 'no --trust' 2 'no trust anchor is given' chain $p/chain.pem
expect 'no chain' 2 'is missing' chain --trust $p/root.pem
expect 'two chains' 2 'unexpected argument' chain --trust $p/root.pem a b
expect 'bad time' 2 'RFC 3339' chain --trust $p/root.pem --time today \
	$p/chain.pem
expect 'bad purpose' 2 'object identifier' chain --trust $p/root.pem \
	--eku codeSigning $p/chain.pem
for oid in 1..3 .1.3 1.3. '1 3' 01.3; do
	expect "bad purpose $oid" 2 'object identifier' chain \
		--trust $p/root.pem --eku "$oid" $p/chain.pem
done
expect 'time twice' 2 'given twice' chain --trust $p/root.pem --time none \
	--time none $p/chain.pem
expect 'no such chain' 2 'nope' chain --trust $p/root.pem nope
expect 'no such root' 2 'nope' chain --trust nope $p/chain.pem
expect 'a device' 2 'not a regular file' chain --trust $p/root.pem /dev/null
: >empty
expect 'an empty file' 2 'no certificate in .empty.' chain \
	--trust $p/root.pem empty
expect 'DER instead of PEM' 2 'PEM is needed' chain --trust $p/root.pem \
	leaf.der
expect 'a key in the chain' 2 'not only certificates' chain \
	--trust $p/root.pem $p/release.key
head -n 5 $p/leaf.pem >cut.pem
expect 'PEM cut short' 2 'cannot read certificate 1' chain \
	--trust $p/root.pem cut.pem
openssl pkey -in $p/root.key -pubout -out root.pub
expect 'a bare key as anchor' 2 'bare key' chain --trust root.pub $p/chain.pem

# ---- signatures -----------------------------------------------------------------------

printf 'a message' >msg
printf 'another message' >msg2

# raw_ecdsa DER WIDTH OUT: the signature as r || s.
raw_ecdsa() {
	openssl asn1parse -inform DER -in "$1" |
		sed -n 's/.*INTEGER *://p' | "$python" -c '
import sys
n = int(sys.argv[1])
out = b"".join(int(x, 16).to_bytes(n, "big") for x in sys.stdin.read().split())
open(sys.argv[2], "wb").write(out)' "$2" "$3"
}

# both NAME ALG KEY SIG: it holds, with the key from PEM and the certificate.
both() {
	openssl pkey -in "$3/release.key" -pubout -out key.pub
	expect "$1: key" 0 '' primitive --alg "$2" --key key.pub --sig "$4" \
		--msg msg
	try "$1: accepted" test "$(cat .out)" = accepted
	expect "$1: the algorithm in lower case" 0 '' primitive --alg \
		"$(echo "$2" | tr A-Z a-z)" --key key.pub --sig "$4" --msg msg
	expect "$1: certificate" 0 '' primitive --alg "$2" \
		--key "$3/leaf.pem" --sig "$4" --msg msg
	refused "$1: another message" signature-invalid primitive --alg "$2" \
		--key key.pub --sig "$4" --msg msg2
}

for row in '256 32' '384 48' '521 66'; do
	bits=${row% *} width=${row#* } hash=${row% *}
	[ "$bits" != 521 ] || hash=512
	openssl dgst "-sha$hash" -sign "pki/p$bits/release.key" -out der.sig msg
	raw_ecdsa der.sig "$width" raw.sig
	both "ESP$hash" "ESP$hash" "pki/p$bits" raw.sig
	both "ES$hash" "ES$hash" "pki/p$bits" raw.sig
	refused "ESP$hash: DER" signature-encoding primitive \
		--alg "ESP$hash" --key key.pub --sig der.sig --msg msg
done
openssl pkeyutl -sign -rawin -inkey pki/ed25519/release.key -in msg \
	-out ed.sig
both Ed25519 Ed25519 pki/ed25519 ed.sig
both EdDSA EdDSA pki/ed25519 ed.sig
for hash in 256 384 512; do
	openssl dgst "-sha$hash" -sign pki/rsa3072/release.key \
		-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
		-out pss.sig msg
	both "PS$hash" "PS$hash" pki/rsa3072 pss.sig
	openssl dgst "-sha$hash" -sign pki/rsa3072/release.key -out rs.sig msg
	both "RS$hash" "RS$hash" pki/rsa3072 rs.sig
	refused "PS$hash: PKCS #1" signature-invalid primitive \
		--alg "PS$hash" --key key.pub --sig rs.sig --msg msg
done
openssl dgst -sha256 -sign pki/rsa3072/release.key \
	-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 \
	-out salt.sig msg
refused 'PS256: another salt' signature-invalid primitive --alg PS256 \
	--key pki/rsa3072/leaf.pem --sig salt.sig --msg msg
refused 'the key of another algorithm' algorithm-key primitive --alg ESP256 \
	--key pki/rsa3072/leaf.pem --sig salt.sig --msg msg
refused 'an empty signature' signature-encoding primitive --alg PS256 \
	--key pki/rsa3072/leaf.pem --sig empty --msg msg
{
	echo '-----BEGIN PUBLIC KEY-----'
	printf 'no key' | openssl base64
	echo '-----END PUBLIC KEY-----'
} >none.pub
refused 'no key in PEM' certificate-der primitive --alg PS256 \
	--key none.pub --sig salt.sig --msg msg

# A message of any size takes little memory.
truncate -s 512M large
openssl dgst -sha256 -sign $p/release.key -out der.sig large
raw_ecdsa der.sig 32 raw.sig
small() {
	"$python" -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(status, peak, "KiB")
sys.exit(status != 0 or peak > 131072)' "$@"
}
try 'a message of 512 MiB in 128' small "$fwverify" primitive --alg ESP256 \
	--key $p/leaf.pem --sig raw.sig --msg large
expect 'Ed25519 needs it whole' 2 'large' primitive --alg Ed25519 \
	--key pki/ed25519/leaf.pem --sig ed.sig --msg large

rm large
expect 'no --sig' 2 "'--sig' is missing" primitive --alg PS256 --key x \
	--msg msg
expect 'unknown algorithm' 2 "did you mean 'ESP256'" primitive --alg ESP265 \
	--key x --sig x --msg x
expect 'a digest is none' 2 'unknown algorithm' primitive --alg sha-256 \
	--key x --sig x --msg x
expect 'an operand' 2 'unexpected' primitive --alg PS256 --key x --sig x \
	--msg x more
expect 'no such key' 2 'nope' primitive --alg PS256 --key nope --sig ed.sig \
	--msg msg
expect 'a private key' 2 'not a public key' primitive --alg PS256 \
	--key pki/rsa3072/release.key --sig ed.sig --msg msg
expect 'no such message' 2 'nope' primitive --alg PS256 \
	--key pki/rsa3072/leaf.pem --sig pss.sig --msg nope
expect 'no such signature' 2 'nope' primitive --alg PS256 \
	--key pki/rsa3072/leaf.pem --sig nope --msg msg
