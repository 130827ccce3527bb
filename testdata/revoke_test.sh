#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# revoke_test.sh BUILD-DIR: fwsign revoke with keys on a token and in files, what
# inspect shows of a list, and the lists as components of a bundle.  OpenSSL and
# a reader made from the manual page have to agree.  What a device does with
# them is in trust_test.sh.
# shellcheck disable=SC2086  # names of keys and options are words
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"

cd "$T" || exit 1

"$top/testdata/pki/mkpki.sh" pki p256 p384 p521 ed25519 rsa3072 || exit 1
"$top/testdata/pki/mkpki.sh" --files files p256 rsa3072 || exit 1
token_use pki/token || exit 1
for alg in p256 p384 p521 ed25519 rsa3072; do
	token_uri root-$alg >pki/$alg/root.uri
	openssl x509 -in pki/$alg/root.pem -noout -pubkey >pki/$alg/root.pub
done
root=pki/p256/root.pem
uri=$(cat pki/p256/root.uri)
pin=${uri%%&pin-source=*}

# key_id CERT.pem: as the manual page says.
key_id() {
	openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1
}
second() {
	"$python" "$top/testdata/second_lists.py" "$@"
}
# reads NAME LIST ROOT.pub NUMBER ID...: the second reader finds these.
reads() {
	what_=$1 list_=$2 pub_=$3
	shift 3
	{
		echo "$1"
		shift
		[ $# = 0 ] || printf '%s\n' "$@" | sort
	} >.want
	second revocations "$list_" "$pub_" "$top/man/fwtrust.5" \
	    "$top/man/fwbundle.5" >.second 2>&1
	same "a reader made from fwtrust.5: $what_" .want .second
}
fits() {
	"$python" -c 'import json, sys, jsonschema
schema, *docs = (json.load(open(f)) for f in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
for doc in docs:
    jsonschema.Draft202012Validator(schema).validate(doc)' \
	    "$top/schemas/$1.schema.json" "$2"
}
# refuses NAME STATUS PATTERN ARGUMENT...: revoke does, and leaves no list.
refuses() {
	what_=$1 status_=$2 pattern_=$3
	shift 3
	rm -f no.fwr
	expect "$what_" "$status_" "$pattern_" bare "$fwsign" revoke \
	    -o no.fwr "$@"
	try "$what_: leaves nothing" test ! -e no.fwr
}

# ---- keys of all kinds ----------------------------------------------------------

for alg in p256:ESP256 p384:ESP384 p521:ESP512 ed25519:Ed25519 rsa3072:PS256
do
	k=${alg%:*} name=${alg#*:}
	expect "$name: on a token" 0 '' "$fwsign" revoke \
	    --root pki/$k/root.pem --key "$(cat pki/$k/root.uri)" --number 7 \
	    -o $k.fwr pki/$k/leaf.pem pki/$k/intermediate.pem
	reads "$name" $k.fwr pki/$k/root.pub 7 "$(key_id pki/$k/leaf.pem)" \
	    "$(key_id pki/$k/intermediate.pem)"
	"$fwsign" inspect $k.fwr >.inspect
	try "$name: inspect says so" grep -qE "^  algorithm +$name\$" .inspect
	expect "$name: as a bare key" 0 '' "$fwsign" revoke \
	    --root pki/$k/root.pub --key "$(cat pki/$k/root.uri)" --number 8 \
	    --add-to $k.fwr -o $k-8.fwr pki/p256/leaf.pem
done
for alg in PS384 PS512; do
	expect "$alg: if told so" 0 '' "$fwsign" revoke \
	    --root pki/rsa3072/root.pem --key "$(cat pki/rsa3072/root.uri)" \
	    --alg $alg --number 1 -o $alg.fwr $root
	reads $alg $alg.fwr pki/rsa3072/root.pub 1 "$(key_id $root)"
done
refuses 'an algorithm of other keys' 2 'ESP384 does not fit' --root $root \
    --key "$uri" --alg ESP384 --number 1 pki/p256/leaf.pem
refuses 'an algorithm that is only read' 2 'no algorithm to sign with' \
    --root $root --key "$uri" --alg ES256 --number 1 pki/p256/leaf.pem
for k in p256 rsa3072; do
	expect "$k: a key file" 0 'for development only' "$fwsign" revoke \
	    --root files/$k/root.pem --key files/$k/root.key --number 0 \
	    -o file-$k.fwr pki/p256/leaf.pem
	try "$k: it is said" grep -q 'FOR DEVELOPMENT ONLY' .out
	openssl x509 -in files/$k/root.pem -noout -pubkey >file.pub
	reads "$k, a key file" file-$k.fwr file.pub 0 \
	    "$(key_id pki/p256/leaf.pem)"
done

# A key for PSS only is revoked as any RSA key is.
openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:3072 \
    -out pss.key
openssl pkey -in pss.key -pubout -outform DER -out pss.der
openssl asn1parse -inform DER -in pss.der -strparse 17 -noout -out rsa.der
openssl rsa -RSAPublicKey_in -inform DER -in rsa.der -pubout -outform DER \
    -out plain.der 2>.err
openssl pkey -in pss.key -pubout -out pss.pub
try 'RSASSA-PSS: two forms' sh -c '! cmp -s plain.der pss.der'
expect 'RSASSA-PSS: a key' 0 '' "$fwsign" revoke --root $root --key "$uri" \
    --number 1 -o pss.fwr pss.pub
reads 'RSASSA-PSS' pss.fwr pki/p256/root.pub 1 \
    "$(sha256sum <plain.der | cut -c -64)"

# ---- PINs -------------------------------------------------------------------------

expect 'a PIN from a descriptor' 0 '' "$fwsign" revoke --root $root \
    --key "$pin" --pin-fd 3 --number 1 -o pin.fwr pki/p256/leaf.pem \
    3<"$TOKEN_PIN_FILE"
export THE_PIN=$TOKEN_PIN
expect 'a PIN from the environment' 0 '' "$fwsign" revoke --root $root \
    --key "$pin" --pin-env THE_PIN --number 1 -o pin.fwr pki/p256/leaf.pem
export THE_PIN=999999
refuses 'a wrong PIN' 3 'CKR_PIN_INCORRECT' --root $root --key "$pin" \
    --pin-env THE_PIN --number 1 pki/p256/leaf.pem
# What is wrong with the request is found without a PIN, so none is spent.
refuses 'no login for what is refused anyway' 1 'would revoke the root' \
    --root $root --key "$pin" --pin-env THE_PIN --number 1 $root
refuses 'nor for a file that is not there' 2 "'nope.pem'" --root $root \
    --key "$pin" --pin-env THE_PIN --number 1 nope.pem
unset THE_PIN
refuses 'another key' 1 "is not the key of 'CN=fwsign test root" --root $root \
    --key "$(cat pki/p384/root.uri)" --number 1 pki/p256/leaf.pem
refuses 'the signer instead of the root' 1 'is not the key of' --root $root \
    --key "$(cat pki/p256/key.uri)" --number 1 pki/p256/leaf.pem
refuses 'no such key' 3 'no private key' --root $root \
    --key "$(token_uri nobody)" --number 1 pki/p256/leaf.pem

# ---- what is revoked ----------------------------------------------------------------

leaf=$(key_id pki/p256/leaf.pem) ca=$(key_id pki/p256/intermediate.pem)
other=$(printf '%064x' 255)
openssl x509 -in pki/p256/leaf.pem -noout -pubkey >leaf.pub
cat pki/p256/leaf.pem pki/p256/intermediate.pem >two.pem
sign() {
	"$fwsign" revoke --root $root --key "$uri" "$@"
}
expect 'each once' 0 '' sign --number 1 -o once.fwr pki/p256/leaf.pem \
    "$leaf" leaf.pub pki/p256/leaf.pem "$(echo "$other" | tr a-f A-F)" "$other"
reads 'each once' once.fwr pki/p256/root.pub 1 "$leaf" "$other"
try 'the certificate names it' grep -q 'CN=fwsign test release (p256)' .out
expect 'a bare key' 0 '' sign --number 1 -o bare.fwr leaf.pub
reads 'a bare key' bare.fwr pki/p256/root.pub 1 "$leaf"
try 'named by its file' grep -q "the public key in 'leaf.pub'" .out
given="--root $root --key $uri --number 1"
{
refuses 'a chain, of which one may be meant' 2 'more than one certificate' \
    $given two.pem
refuses 'a private key' 2 'no certificate or public key' $given \
    files/p256/release.key
refuses 'an identifier that is cut' 2 'cannot open' $given \
    "$(echo "$leaf" | cut -c 1-63)"
refuses 'one that is no number' 2 'cannot open' $given \
    "$(echo "$leaf" | tr 0-9a-f g)"
refuses 'nothing' 2 'keys to revoke are missing' $given
refuses 'another root besides' 2 'given twice' $given --root leaf.pub "$leaf"
refuses 'two keys' 2 'one root signs a list' $given --key x "$leaf"
refuses 'a chain is not for it' 2 "unknown option '--chain'" $given \
    --chain two.pem "$leaf"
refuses 'nor a time' 2 "unknown option '--time'" $given --time none "$leaf"
refuses 'a root that is no file' 2 "cannot open 'nope'" --root nope \
    --key $uri --number 1 "$leaf"
refuses 'no root' 2 'root that signs is missing' --key $uri --number 1 "$leaf"
refuses 'no key' 2 'key to sign with is missing' --root $root --number 1 \
    "$leaf"
refuses 'no number' 2 'number of the list is missing' --root $root \
    --key $uri "$leaf"
for number in -1 1x '' 9223372036854775808 99999999999999999999; do
	refuses "number '$number'" 2 "option '--number'" --root $root \
	    --key $uri --number "$number" "$leaf"
done
refuses 'a root of a list that is not given' 2 'needs --add-to' $given \
    --old-root $root "$leaf"
}
expect 'no list to write' 2 'file to write is missing' sign --number 1 "$leaf"
expect 'the largest number' 0 '' sign --number 9223372036854775807 \
    -o large.fwr "$leaf"
reads 'the largest number' large.fwr pki/p256/root.pub 9223372036854775807 \
    "$leaf"
cp $root keep.pem
expect 'not in place of the root' 2 'would replace the input' \
    "$fwsign" revoke --root keep.pem --key "$uri" --number 1 -o keep.pem "$leaf"
expect 'nor of a certificate' 2 'would replace the input' sign --number 1 \
    -o keep.pem "$leaf" keep.pem --last
same 'which is as it was' keep.pem $root
cp once.fwr keep.fwr
expect 'nor of the list before' 2 'would replace the input' sign --number 2 \
    --add-to keep.fwr -o keep.fwr "$ca"
same 'which is as it was, too' keep.fwr once.fwr
expect 'nor of the key' 2 'would replace the input' "$fwsign" revoke \
    --root files/p256/root.pem --key files/p256/root.key --number 1 \
    -o files/p256/root.key "$leaf"

# ---- one after the other -------------------------------------------------------------

expect 'the next list' 0 '' sign --number 2 --add-to once.fwr -o next.fwr \
    pki/p256/intermediate.pem pki/p256/leaf.pem
reads 'the next list' next.fwr pki/p256/root.pub 2 "$leaf" "$ca" "$other"
try 'it says behind which' grep -qx 'number           2, behind 1' .out
try 'and what it had' test "$(grep -c 'already in the list' .out)" = 2
expect 'another one, alone' 0 '' sign --number 3 -o alone.fwr "$ca"
try 'says what that means' grep -q 'counts again' .out
reads 'another one, alone' alone.fwr pki/p256/root.pub 3 "$ca"
for number in 0 1 2; do
	refuses "number $number behind 2" 1 "not greater than the 2 of 'next" \
	    --root $root --key "$uri" --number $number --add-to next.fwr "$ca"
done
refuses 'a list of another root' 1 'has not signed it' --root $root \
    --key "$uri" --number 9 --add-to p384.fwr "$ca"
refuses 'a list that is none' 2 'is not a signed revocation list' \
    --root $root --key "$uri" --number 9 --add-to $root "$ca"
refuses 'no list' 2 "cannot open 'nope'" --root $root --key "$uri" \
    --number 9 --add-to nope "$ca"
expect 'a list of the root before' 0 '' sign --number 9 --add-to p384.fwr \
    --old-root pki/p384/root.pem -o rotated.fwr "$ca"
reads 'a list of the root before' rotated.fwr pki/p256/root.pub 9 "$ca" \
    "$(key_id pki/p384/leaf.pem)" "$(key_id pki/p384/intermediate.pem)"
refuses 'which it did not sign' 1 'has not signed it' --root $root \
    --key "$uri" --number 9 --add-to p384.fwr --old-root $root "$ca"

# ---- the last one ----------------------------------------------------------------------

self=$(key_id $root)
for given in $root pki/p256/root.pub "$self"; do
	refuses "its own root ($given)" 1 'would revoke the root .*--last' \
	    --root $root --key "$uri" --number 3 --add-to next.fwr "$given"
done
expect 'its own root, if that is meant' 0 '' sign --last --number 3 \
    --add-to next.fwr -o last.fwr $root
reads 'its own root' last.fwr pki/p256/root.pub 3 "$leaf" "$ca" "$other" \
    "$self"
refuses 'it is the last one' 1 'devices take no other list from it' \
    --root $root --key "$uri" --number 4 --add-to last.fwr "$leaf"
refuses 'whatever is said' 1 'devices take no other list from it' --last \
    --root $root --key "$uri" --number 4 --add-to last.fwr "$leaf"
refuses 'not the last one' 2 'is not among the keys' --last --root $root \
    --key "$uri" --number 4 --add-to next.fwr "$leaf"
expect 'another root goes on' 0 '' "$fwsign" revoke --number 4 \
    --root pki/p384/root.pem --key "$(cat pki/p384/root.uri)" \
    --add-to last.fwr --old-root $root -o after.fwr "$leaf"
reads 'another root goes on' after.fwr pki/p384/root.pub 4 "$leaf" "$ca" \
    "$other" "$self"

# ---- reports ---------------------------------------------------------------------------

expect 'JSON' 0 '' sign --json --number 3 --add-to once.fwr -o json.fwr \
    pki/p256/intermediate.pem leaf.pub
cp .out json.json
try 'fits its schema' fits revoke json.json
expect 'JSON of the first' 0 '' sign --json --number 3 -o first.fwr "$other"
cp .out first.json
try 'fits its schema, too' fits revoke first.json
cat >report.py <<'END'
import json, os, sys
leaf, ca, other, root = sys.argv[1:]
r = json.load(open("json.json"))
assert (r["list"], r["number"], r["number-before"]) == ("json.fwr", 3, 1)
assert r["size"] == os.stat("json.fwr").st_size
assert r["root"]["key-identifier"] == root and not r["root"]["key-file"]
assert r["root"]["algorithm"] == "ESP256"
assert r["root"]["name"].startswith("CN=fwsign test root (p256)")
keys = {k["key-identifier"]: k for k in r["revoked"]}
assert list(keys) == sorted(keys) and set(keys) == {leaf, ca, other}
assert keys[ca]["subject"].startswith("CN=fwsign test intermediate")
assert keys[ca]["file"] == "pki/p256/intermediate.pem"
assert keys[leaf]["file"] == "leaf.pub" and keys[leaf]["subject"] is None
assert keys[other]["file"] is None
assert [keys[k]["before"] for k in (leaf, ca, other)] == [True, False, True]
r = json.load(open("first.json"))
assert r["number-before"] is None and not r["revoked"][0]["before"]
END
try 'and is right' "$python" report.py "$leaf" "$ca" "$other" "$self"
expect 'quiet' 0 '' sign --quiet --number 3 -o quiet.fwr "$other"
try 'it says nothing' test ! -s .out
expect 'not both' 2 'exclude each other' sign --quiet --json --number 3 \
    -o quiet.fwr "$other"

# ---- inspect -----------------------------------------------------------------------------

tool() { "$python" "$top/testdata/suit_tool.py" "$@"; }
expect 'inspect' 0 '' "$fwsign" inspect next.fwr
for line in 'next.fwr: revocation list, [0-9]+ bytes' '  number +2' \
    '  version +1' '  keys +3' "  $leaf" "  $ca" "  $other" \
    '  type +COSE_Sign1' '  signature +[0-9a-f]{128}' \
    "nothing here was verified; .*"; do
	try "it shows '$line'" grep -qxE "$line" .out
done
expect 'inspect as JSON' 0 '' "$fwsign" inspect --json next.fwr
cp .out shown.json
try 'that fits the schema' fits inspect shown.json
try 'and is right' "$python" -c 'import json, sys
r = json.load(open("shown.json"))
assert r["kind"] == "revocation-list" and r["problems"] == []
assert r["bundle"] is r["envelope"] is None and r["verified"] is False
r = r["revocations"]
assert (r["version"], r["number"]) == (1, 2)
assert r["revoked"] == sorted(sys.argv[1:])
assert r["signature"]["algorithm"] == "ESP256"' "$leaf" "$ca" "$other"
mkdir many
tool cuts next.fwr many 7
tool bits next.fwr many 13
bad=0 n=0
for f in many/*; do
	n=$((n + 1))
	timeout 20 "$fwsign" inspect --json "$f" >"$f.json" 2>/dev/null
	rc=$?
	case $rc:$f in
	1:* | 0:*bit* ) ;;
	*) bad=$((bad + 1)) ;;
	esac
	timeout 20 "$fwsign" inspect "$f" >"$f.txt" 2>/dev/null
	[ $? = $rc ] || bad=$((bad + 1))
done
try "none of $n spoilt lists ends inspect otherwise than it should" \
    test "$bad" = 0 -a "$n" -gt 80
try 'their JSON fits the schema' tool validate \
    "$top/schemas/inspect.schema.json" many/*.json
try 'their text is printable' tool printable many/*.txt many/*.json
expect 'extract takes none' 1 'neither|not a bundle|cannot' "$fwsign" \
    extract next.fwr

# ---- as components of a bundle ---------------------------------------------------------------

head -c 2000 /dev/urandom >app.bin
# descriptor LINES...: of a release with these components.
descriptor() {
	printf '%s\n' 'descriptor: 1' 'sequence-number: 2' 'version: "2"' \
	    'device: {vendor-domain: example.com, model: Pump 3}' \
	    'components:' >d.yaml
	printf '  - %s\n' "$@" >>d.yaml
}
anchors='{id: trust, file: roots.pem, format: trust-anchors}'
revoked='{id: revoked, file: next.fwr, format: revocations}'
cat pki/p256/root.pem pki/ed25519/root.pem pki/rsa3072/root.pem >roots.pem
descriptor "$anchors" "$revoked" '{id: app, file: app.bin}'
# built NAME: the release, signed; its parts are in the folder parts.
built() {
	expect "$1" 0 '' "$fwsign" build d.yaml -o r.fwb --quiet \
	    --key "$(cat pki/p256/key.uri)" --chain pki/p256/full-chain.pem
	expect "$1: accepted" 0 '' "$fwverify" check r.fwb --trust $root
	rm -rf parts
	mkdir parts
	expect "$1: taken apart" 0 '' "$fwsign" extract -C parts r.fwb
}
built 'a release with both lists'
same 'the revocation list as it is' parts/next.fwr next.fwr
cat /dev/null >want.der
for k in p256 ed25519 rsa3072; do
	openssl x509 -in pki/$k/root.pem -outform DER -out one.der
	sha256sum one.der | cut -d' ' -f1
	cat one.der >>want.der
done >want.digests
second anchors parts/roots.der >got.digests 2>&1
same 'the roots, byte by byte and in their order' want.digests got.digests
expect 'openssl parses it' 0 '' openssl asn1parse -inform DER \
    -in parts/roots.der
try 'one SEQUENCE of three' test \
    "$(grep -c '^ *[0-9]*:d=1 .*SEQUENCE' .out)" = 3
head_=$(sed -n '1s/.*hl= *\([0-9]*\).*/\1/p' .out)
tail -c +$((head_ + 1)) parts/roots.der >body.der
same 'around the certificates' body.der want.der
"$fwsign" inspect --json r.fwb >started.json
try 'the firmware is started, and no list' "$python" -c 'import json
found, index = [], None
for s in json.load(open("started.json"))["envelope"]["sequences"]:
    for c in s["commands"] if s["section"] == "invoke" else []:
        if c["name"] == "directive-set-component-index":
            index = c["components"]
        if c["name"] == "directive-invoke":
            found.append(index)
assert found == [[2]], found'
descriptor "$anchors" "$revoked"
built 'a release of lists alone'
"$fwsign" inspect r.fwb >.inspect
try 'starts nothing' sh -c '! grep -q directive-invoke .inspect'
descriptor '{id: trust, file: roots.pem, format: trust-anchors,
    payload: integrated, name: anchors}'
built 'an integrated list'
second anchors parts/anchors >got.digests 2>&1
same 'with the same roots' want.digests got.digests

# spoilt NAME PATTERN: such lists are refused where the descriptor names them.
spoilt() {
	expect "$1" 2 "^fwsign: d.yaml:6:[0-9]+: .*$2" "$fwsign" build d.yaml \
	    -o no.fwb --unsigned
	try "$1: nothing is left" test ! -e no.fwb
}
descriptor "$anchors"
cp $root roots.pem
built 'one root'
cat pki/p256/root.pem pki/p256/intermediate.pem >roots.pem
spoilt 'an intermediate' 'certificate 2 is not that of a root'
cat pki/p256/leaf.pem >roots.pem
spoilt 'a leaf' 'certificate 1 is not that of a root'
cat pki/p256/root.pem pki/p384/root.pem pki/p256/root.pem >roots.pem
spoilt 'one root twice' 'certificate 3 is there twice'
cat pki/p256/root.pem leaf.pub >roots.pem
spoilt 'a bare key beside it' "a block 'PUBLIC KEY' beside"
cat files/p256/root.pem files/p256/root.key >roots.pem
spoilt 'a private key beside it' "a block '.*PRIVATE KEY' beside"
openssl x509 -in $root -trustout >roots.pem
spoilt 'a certificate of OpenSSL' "a block 'TRUSTED CERTIFICATE' beside"
: >roots.pem
spoilt 'an empty file' 'there is no certificate'
head -c 500 $root >roots.pem
spoilt 'half a certificate' "'roots.pem': cannot read the PEM data"
openssl x509 -in $root -outform DER -out roots.pem
spoilt 'DER' 'there is no certificate'
# One bit of its signature.
openssl x509 -in $root -outform DER -out one.der
"$python" - <<'END'
import base64
der = bytearray(open("one.der", "rb").read())
der[-1] ^= 1
open("roots.pem", "wb").write(b"-----BEGIN CERTIFICATE-----\n" +
    base64.encodebytes(der) + b"-----END CERTIFICATE-----\n")
END
spoilt 'a root that was damaged' 'certificate 1 is not that of a root'
# A key that no device reads.
openssl req -x509 -newkey rsa:1024 -noenc -keyout weak.key -out roots.pem \
    -subj /CN=weak 2>/dev/null
spoilt 'a key that is too short' 'no device takes these certificates'
i=0
while [ $i -lt 16 ]; do
	i=$((i + 1))
	openssl req -x509 -newkey ed25519 -noenc -keyout some.key \
	    -subj "/CN=root $i" 2>/dev/null
done >roots.pem
built 'sixteen roots'
try 'all of them' test "$(second anchors parts/roots.der | wc -l)" = 16
cat $root >>roots.pem
spoilt 'one more' 'more than 16 certificates'
rm roots.pem
spoilt 'no file' "cannot open 'roots.pem'"

descriptor "$revoked"
cp next.fwr whole.fwr
n=0 bad=0 size=$(wc -c <whole.fwr)
for n in 0 1 2 3 20 100 $((size - 1)); do
	head -c $n whole.fwr >next.fwr
	spoilt "a list cut at $n" 'is not a signed revocation list'
done
{ cat whole.fwr; printf x; } >next.fwr
spoilt 'something behind it' 'is not a signed revocation list'
cp app.bin next.fwr
spoilt 'anything' 'is not a signed revocation list'
head -c 65537 /dev/zero >next.fwr
spoilt 'a large file' 'is larger than 65536 bytes'

# ---- many keys -----------------------------------------------------------------------------

i=0
while [ $i -lt 2016 ]; do
	i=$((i + 1))
	printf '%064x\n' $((i * 7919))
done >ids
# shellcheck disable=SC2046  # words
expect 'as many as a list can have' 0 '' bare "$fwsign" revoke --quiet \
    --root files/rsa3072/root.pem --key files/rsa3072/root.key --number 1 \
    -o full.fwr $(cat ids)
try 'it is no larger than devices take' test "$(wc -c <full.fwr)" -le 65536
openssl x509 -in files/rsa3072/root.pem -noout -pubkey >file.pub
# shellcheck disable=SC2046
reads 'as many as a list can have' full.fwr file.pub 1 $(cat ids)
expect 'all are shown' 0 '' "$fwsign" inspect full.fwr
try 'each on a line' test "$(grep -cE '^  [0-9a-f]{64}$' .out)" = 2016
refuses 'one more' 2 'more than 2016 keys' --root files/rsa3072/root.pem \
    --key files/rsa3072/root.key --number 2 --add-to full.fwr "$leaf"
