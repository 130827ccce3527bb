#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ceremony_test.sh BUILD-DIR: signing where no bundle goes: requests, responses,
# other signing services, with keys of all kinds on a token.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"

cd "$T" || exit 1
algs='p256 p384 p521 ed25519 rsa3072'
# shellcheck disable=SC2086  # words
"$top/testdata/pki/mkpki.sh" pki $algs || exit 1
"$top/testdata/pki/mkpki.sh" --files files p256 p384 p521 ed25519 rsa3072 ||
    exit 1
token_use pki/token || exit 1
head -c 3000 /dev/urandom >main.bin
head -c 2000 /dev/urandom >boot.bin
head -c 2500 /dev/urandom >radio-a.bin
head -c 2600 /dev/urandom >radio-b.bin
echo '{"spdxVersion": "SPDX-2.3"}' >sbom.json
cat >release.yaml <<END
descriptor: 1
device:
  vendor-domain: example.com
  model: "Pump \"3\" Größe"
sequence-number: 7
version: "1.2.3"
description: "Fixes the alarm."
components:
  - {id: main, file: main.bin, invoke: true, invoke-args: go}
  - {id: boot, file: boot.bin, payload: integrated}
  - id: radio
    slots: [{slot: 0, file: radio-a.bin}, {slot: 1, file: radio-b.bin}]
attachments:
  - {name: sbom.json, type: application/json, file: sbom.json}
END
try 'an unsigned bundle' "$fwsign" build release.yaml --unsigned -o u.fwb
[ -s u.fwb ] || exit 1

# valid NAME SCHEMA FILE: the JSON is as its schema says.
cat >valid.py <<'END'
import json, sys
from jsonschema import Draft202012Validator as V
schema = json.load(open(sys.argv[1]))
V.check_schema(schema)
V(schema).validate(json.load(open(sys.argv[2])))
END
valid() {
	try "$1" "$python" valid.py "$top/schemas/$2.schema.json" "$3"
}
# gone NAME FILE...: none of them is there.
gone() {
	try "$1" sh -c 'for f; do [ ! -e "$f" ] || exit 1; done' "$@"
}

# ---- every kind of key --------------------------------------------------------

for alg in $algs; do
	case $alg in
	p256)	name=ESP256 ;;
	p384)	name=ESP384 ;;
	p521)	name=ESP512 ;;
	ed25519) name=Ed25519 ;;
	*)	name=PS256 ;;
	esac
	p=pki/$alg
	uri=$(cat "$p/key.uri")
	cp u.fwb $alg.fwb
	expect "$alg: a request" 0 '' "$fwsign" tbs $alg.fwb \
	    --chain $p/full-chain.pem -o $alg.request
	same "$alg: the bundle is as it was" u.fwb $alg.fwb
	cp .out $alg.asked
	for pem in leaf intermediate; do
		openssl x509 -in $p/$pem.pem -outform DER -out $alg-$pem.der
	done
	"$python" "$top/testdata/request.py" $alg.fwb $name $alg-leaf.der \
	    $alg-intermediate.der >$alg.second
	same "$alg: a second implementation asks for the same" $alg.request \
	    $alg.second
	valid "$alg: the request is as its schema says" request $alg.request
	# The other machine has the request and nothing else.
	mkdir -p away
	cp $alg.request away
	expect "$alg: signed" 0 '' "$fwsign" sign-request away/$alg.request \
	    --key "$uri" --yes
	head -n -2 .out >$alg.shown
	head -n -1 $alg.asked >$alg.asked.summary
	same "$alg: both machines show the same" $alg.asked.summary $alg.shown
	valid "$alg: the response is as its schema says" response \
	    away/$alg.request.response
	expect "$alg: attached" 0 '' "$fwsign" attach $alg.fwb \
	    away/$alg.request.response --trust $p/root.pem
	try "$alg: judged up to the root" grep -q 'up to the root' .out
	expect "$alg: a device accepts it" 0 '' "$fwverify" check \
	    --trust $p/root.pem $alg.fwb
	# But for the signature it is what signing here gives.
	cp u.fwb here.fwb
	try "$alg: signed here" "$fwsign" sign here.fwb --key "$uri" --chain \
	    $p/full-chain.pem
	try "$alg: as long as if signed here" test \
	    "$(wc -c <$alg.fwb)" = "$(wc -c <here.fwb)"
	if [ $alg = ed25519 ]; then
		same "$alg: it is the same" here.fwb $alg.fwb
	fi
done
try 'the summary says what it is' sh -c '
	grep -q "^product  *Pump \"3\" Größe$" p256.shown &&
	grep -q "^version  *1.2.3$" p256.shown &&
	grep -q "^sequence number  *7$" p256.shown &&
	grep -q "^started with  *676f$" p256.shown &&
	for f in main boot radio-a radio-b; do
		grep -q "sha-256:$(sha256sum $f.bin | cut -c -64)$" \
		    p256.shown || exit
	done &&
	grep -q "sha-256:$(sha256sum sbom.json | cut -c -64)$" p256.shown'
try 'nothing is unusual' sh -c '! grep -q BEWARE p256.shown'
try 'no image travels' sh -c '
	for f in main boot radio-a radio-b; do
		for r in p256.request away/p256.request.response; do
			"$0" -c "
import base64, json, sys
image = open(sys.argv[1], \"rb\").read()
def walk(v):
    if isinstance(v, dict): v = list(v.values())
    if isinstance(v, list):
        for x in v: walk(x)
    elif isinstance(v, str):
        try: data = base64.b64decode(v, validate=True)
        except ValueError: return
        assert image[100:132] not in data
walk(json.load(open(sys.argv[2])))" $f.bin $r || exit
		done
	done' "$python"

# ---- other signing services ---------------------------------------------------

# foreign NAME ALG OPENSSL-OPTION...: the bytes go out and a signature comes
# back, made with a key file by another tool.
foreign() {
	what_=$1 alg_=$2
	shift 2
	cp u.fwb f.fwb
	expect "$what_: the bytes" 0 '' "$fwsign" tbs f.fwb --raw raw \
	    --chain files/"$alg_"/chain.pem --quiet
	try "$what_: signed by openssl" openssl pkeyutl -sign -rawin -in raw \
	    -inkey files/"$alg_"/release.key -out sig "$@"
	expect "$what_: attached" 0 '' "$fwsign" attach f.fwb --signature sig \
	    --chain files/"$alg_"/full-chain.pem
	expect "$what_: a device accepts it" 0 '' "$fwverify" check \
	    --trust files/"$alg_"/root.pem f.fwb
}
foreign 'ECDSA in DER' p256 -digest sha256
cp f.fwb der.fwb
# The same signature as r and s.
"$python" - sig raw-sig <<'END'
import sys
der = open(sys.argv[1], "rb").read()
at, out = 2, b""
for _ in range(2):
    n = der[at + 1]
    out += int.from_bytes(der[at + 2:at + 2 + n], "big").to_bytes(32, "big")
    at += 2 + n
open(sys.argv[2], "wb").write(out)
END
expect 'r and s: attached' 0 '' "$fwsign" attach u.fwb -o rs.fwb \
    --signature raw-sig --chain files/p256/full-chain.pem
same 'r and s: the same bundle' der.fwb rs.fwb
foreign 'P-384' p384 -digest sha384
foreign 'P-521' p521 -digest sha512
foreign 'PSS' rsa3072 -digest sha256 -pkeyopt rsa_padding_mode:pss \
    -pkeyopt rsa_pss_saltlen:digest
foreign 'Ed25519' ed25519
expect 'the digest of the bytes' 0 '' "$fwsign" tbs u.fwb --chain \
    files/p384/chain.pem --raw raw --raw-digest digest --quiet
openssl dgst -sha384 -binary -out want raw
same 'is that of the algorithm' want digest
try 'a service that takes the digest' openssl pkeyutl -sign -in digest \
    -inkey files/p384/release.key -out sig
expect 'is as good' 0 '' "$fwsign" attach u.fwb -o f.fwb --signature sig \
    --chain files/p384/full-chain.pem
expect 'no digest with Ed25519' 2 'use --raw' "$fwsign" tbs u.fwb \
    --chain files/ed25519/chain.pem --raw-digest no.digest
expect 'PS384' 0 '' "$fwsign" tbs u.fwb --chain files/rsa3072/chain.pem \
    --alg ps384 --raw raw --quiet
openssl pkeyutl -sign -rawin -in raw -inkey files/rsa3072/release.key \
    -digest sha384 -pkeyopt rsa_padding_mode:pss \
    -pkeyopt rsa_pss_saltlen:digest -out sig
expect 'PS384 as PS256' 1 "by the key behind 'sig' does not hold" \
    "$fwsign" attach u.fwb -o no.fwb --signature sig \
    --chain files/rsa3072/full-chain.pem
expect 'PS384 as it is' 0 '' "$fwsign" attach u.fwb -o f.fwb \
    --signature sig --chain files/rsa3072/full-chain.pem --alg PS384
openssl pkeyutl -sign -rawin -in raw -inkey files/rsa3072/release.key \
    -digest sha384 -out sig
expect 'PKCS #1 v1.5' 1 'does not hold' "$fwsign" attach u.fwb -o no.fwb \
    --signature sig --chain files/rsa3072/full-chain.pem --alg PS384
expect 'the chain of another key' 1 'none of|does not hold' "$fwsign" attach \
    u.fwb -o no.fwb --signature raw-sig --chain files/ed25519/full-chain.pem
openssl x509 -in files/p256/leaf.pem -out alone.pem
expect 'another chain of that key' 1 'does not hold' "$fwsign" attach u.fwb \
    -o no.fwb --signature raw-sig --chain alone.pem
: >empty
expect 'an empty signature' 2 'is empty' "$fwsign" attach u.fwb -o no.fwb \
    --signature empty --chain files/p256/chain.pem
# A response that another tool has made of it.
"$fwsign" tbs u.fwb --chain files/p256/chain.pem -o f.request --quiet
"$python" "$top/testdata/request.py" --respond f.request raw-sig >f.response
expect 'a response of another tool' 0 '' "$fwsign" attach u.fwb f.response \
    -o f.fwb --trust files/p256/root.pem
same 'gives the same bundle' der.fwb f.fwb
gone 'what was refused left nothing' no.fwb no.digest

# ---- who confirms -------------------------------------------------------------

uri=$(cat pki/p256/key.uri)
# With neither terminal nor word of what is expected nothing is signed.
expect 'no terminal' 2 'no terminal to confirm' setsid "$fwsign" sign-request \
    p256.request --key "$uri" -o no.response
# Nor what could not be shown.
expect 'a summary that did not arrive' 1 'nothing was signed: the summary' \
    sh -c '"$1" sign-request p256.request --key "$2" --yes -o no.response \
	>/dev/full' - "$fwsign" "$uri"
try 'nothing was signed' test ! -e no.response
manifest=$(sed -n 's/^    "manifest-digest": "\(.*\)",*$/\1/p' p256.request)
digest=$(sed -n 's/^  "digest": "\(.*\)",$/\1/p' p256.request)
try 'there are digests' test -n "$manifest" -a -n "$digest"
for d in "$manifest" "${manifest#sha-256:}" "$digest" "${digest#sha-256:}"; do
	expect "as expected: ${d%"${d#????????????????}"}..." 0 '' "$fwsign" \
	    sign-request p256.request --key "$uri" --expect "$d" -o yes.response
done
for d in '' sha-256: "${digest%?}" "${digest}0" "${manifest%?}x" \
    "$(sha256sum main.bin | cut -c -64)"; do
	expect "not as expected: '$d'" 1 'is not about' "$fwsign" sign-request \
	    p256.request --key "$uri" --expect "$d" -o no.response
done
# On a terminal: a pseudo terminal of its own, on which an answer is typed.
cat >terminal.py <<'END'
import os, pty, sys
answer, command = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen, sent = b"", False
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if not sent and b"Type yes" in seen:
        sent = True
        # The summary comes before the question, and nothing is signed yet.
        assert seen.index(b"sequence number") < seen.index(b"Type yes")
        assert not os.path.exists("tty.response")
        os.write(fd, answer.encode() + b"\n")
sys.stdout.buffer.write(seen)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code if sent else 99)
END
for answer in '' no y YES ' yes' 'yes ' 'yesyesyesyesyesyes'; do
	expect "the answer '$answer'" 1 '' "$python" terminal.py "$answer" "$fwsign" \
	    sign-request p256.request --key "$uri" -o tty.response
	try "'$answer' is no yes" sh -c \
	    'grep -q "answer was not yes" .out && [ ! -e tty.response ]'
done
expect 'the answer yes' 0 '' "$python" terminal.py yes "$fwsign" sign-request \
    p256.request --key "$uri" -o tty.response
expect 'it was signed' 0 '' "$fwsign" attach u.fwb tty.response -o f.fwb \
    --trust pki/p256/root.pem
rm tty.response
# The summary is on the terminal also if the result goes elsewhere.
expect 'with --quiet' 0 '' "$python" terminal.py yes "$fwsign" sign-request \
    p256.request --key "$uri" -o tty.response --quiet
rm tty.response
expect 'with the result in a file' 0 '' "$python" terminal.py yes sh -c \
    '"$1" sign-request p256.request --key "$2" -o tty.response --json >json' \
    sh "$fwsign" "$uri"
valid 'the result is as its schema says' ceremony json
expect '--show' 0 '' "$fwsign" sign-request p256.request --show \
    --manifest away/manifest.suit
same 'shows the same' .out p256.asked.summary
expect 'the envelope can be looked at' 0 '' "$fwsign" inspect \
    away/manifest.suit
try 'it is the one in the bundle' sh -c '
	"$1" inspect away/manifest.suit | sed -n "/^Commands/,/^No sig/p" >a &&
	"$1" inspect u.fwb | sed -n "/^Commands/,/^No sig/p" >b &&
	[ -s a ] && cmp a b' sh "$fwsign"
expect '--show with --key' 2 'exclude' "$fwsign" sign-request p256.request \
    --show --key "$uri"
expect '--yes with --expect' 2 'exclude' "$fwsign" sign-request p256.request \
    --key "$uri" --yes --expect "$digest"
expect 'no key' 2 'key to sign with is missing' "$fwsign" sign-request \
    p256.request --yes
gone 'what was refused left nothing' no.response p256.request.response

# ---- one file twice -------------------------------------------------------------

rm -rf one && mkdir one
"$fwsign" tbs u.fwb --chain pki/p256/full-chain.pem -o one/request --quiet
expect 'response and log' 2 "'one/x' would be written twice" "$fwsign" \
    sign-request one/request --key "$uri" --yes -o one/x --log one/../one/x
expect 'response and manifest' 2 'would be written twice' "$fwsign" \
    sign-request one/request --key "$uri" --yes -o one/x \
    --manifest "$PWD/one/x"
expect 'manifest and log' 2 'would be written twice' "$fwsign" \
    sign-request one/request --key "$uri" --yes --manifest one/x --log one/x
expect 'request and bytes' 2 'would be written twice' "$fwsign" tbs u.fwb \
    --chain pki/p256/full-chain.pem -o one/x --raw one//x
expect 'bundle and log' 2 'would be written twice' "$fwsign" sign u.fwb \
    --key "$uri" --chain pki/p256/full-chain.pem -o one/x --log one/x
expect 'checkpoint and log' 2 'would be written twice' "$fwsign" log \
    checkpoint one/x --key "$uri" --chain pki/p256/full-chain.pem -o one/x
try 'nothing was written' test "$(ls one)" = request

# ---- JSON, the log ------------------------------------------------------------

"$fwsign" tbs u.fwb --chain pki/p256/full-chain.pem -o p.request --json >json
valid 'tbs --json' ceremony json
try 'it was judged up to the root' grep -q '"judged": "up-to-root"' json
"$fwsign" sign-request p.request --show --json >json
valid 'sign-request --show --json' ceremony json
try 'without a root up to the topmost certificate' grep -q \
    '"judged": "up-to-topmost-certificate"' json
"$fwsign" sign-request p.request --key "$uri" --yes --json --log log \
    --trust pki/p256/root.pem >json
valid 'sign-request --json' ceremony json
try 'with a root up to it' grep -q '"judged": "up-to-root"' json
try 'the log is in order' "$fwsign" log verify log
try 'the log has the signature' grep -q \
    "\"${manifest#sha-256:}\"\\|$manifest" log
"$fwsign" attach u.fwb p.request.response -o f.fwb --json >json
valid 'attach --json' build json

# ---- what does not belong together ----------------------------------------------

sed 's/^sequence-number: 7/sequence-number: 8/' release.yaml >other.yaml
try 'another bundle' "$fwsign" build other.yaml --unsigned -o other.fwb
cp other.fwb other.before
response=away/p256.request.response
expect 'a response for another bundle' 1 'request for another bundle' \
    "$fwsign" attach other.fwb $response
same 'it is left alone' other.before other.fwb
expect 'a second time' 1 'has been signed' "$fwsign" attach p256.fwb $response
expect 'asking again' 1 'has been signed' "$fwsign" tbs p256.fwb \
    --chain pki/p256/chain.pem -o no.request
expect 'two responses of one signer' 2 'would sign twice' "$fwsign" attach \
    u.fwb $response yes.response -o no.fwb
expect 'several signers' 0 '' "$fwsign" attach u.fwb -o many.fwb $response \
    away/ed25519.request.response away/p384.request.response
for alg in p256 ed25519 p384; do
	expect "signed by $alg" 0 '' "$fwverify" check \
	    --trust pki/$alg/root.pem many.fwb
done
expect 'a request is no response' 1 'is not a signing response' "$fwsign" \
    attach u.fwb p256.request -o no.fwb
expect 'a response is no request' 1 'is not a signing request' "$fwsign" \
    sign-request $response --key "$uri" --yes -o no.response
expect 'a bundle is no request' 1 'is not a signing request' "$fwsign" \
    sign-request u.fwb --key "$uri" --yes -o no.response
expect 'a request is no bundle' 1 'is not a bundle' "$fwsign" tbs \
    p256.request --chain pki/p256/chain.pem -o no.request
expect 'another key' 1 'not that of' "$fwsign" sign-request p256.request \
    --key "$(cat pki/p384/key.uri)" --yes -o no.response
expect 'another root' 1 'refuses the chain' "$fwsign" sign-request \
    p256.request --key "$uri" --yes -o no.response --trust pki/p384/root.pem
expect 'another root, asking' 1 'refuses the chain' "$fwsign" tbs u.fwb \
    --chain pki/p256/chain.pem -o no.request --trust pki/p384/root.pem
expect 'another root, attaching' 1 'device library' "$fwsign" attach u.fwb \
    $response -o no.fwb --trust pki/p384/root.pem
expect 'years later' 1 'expired' "$fwsign" sign-request p256.request --key \
    "$uri" --yes -o no.response --time 2100-01-01T00:00:00Z
# A changed summary under a right check.
sed 's/"1\.2\.3"/"1.2.4"/' p256.request >lie.request
sed '/^  "check"/,$d' lie.request >front
printf '%s\n' "$(sed '$d' lie.request | sed '$d')" \
    "  \"check\": \"sha-256:$(sha256sum <front | cut -c -64)\"" '}' >lie
expect 'a summary that lies' 1 'not what its manifest and chain make' \
    "$fwsign" sign-request lie --key "$uri" --yes -o no.response
try 'it is not shown' sh -c '! grep -q version .out'
# A bundle that no device takes is not asked for.
head -c 600 u.fwb >broken.fwb
tail -c +601 u.fwb | tr '\000' '\001' >>broken.fwb
expect 'a broken bundle' 1 'is not' "$fwsign" tbs broken.fwb \
    --chain pki/p256/chain.pem -o no.request
# Files that would be lost.
for out in u.fwb pki/p256/chain.pem; do
	"$fwsign" tbs u.fwb --chain pki/p256/chain.pem -o $out 2>.e
	try "no request over $out" test $? = 2
done
expect 'two outputs of one name' 2 'written twice' "$fwsign" tbs u.fwb \
    --chain pki/p256/chain.pem -o no.request --raw no.request
cp p256.request p.before
"$fwsign" sign-request p256.request --key "$uri" --yes -o p256.request \
    >.o 2>.e
try 'no response over the request' test $? = 2
same 'which is left alone' p.before p256.request
gone 'what was refused left nothing' no.fwb no.request no.response
exit $((fails > 0))
