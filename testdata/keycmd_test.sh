#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# keycmd_test.sh BUILD-DIR: fwsign key on real SoftHSM tokens, and what others
# (openssl, certtool, pkcs11-tool, the device library) make of its results.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"
cd "$T" || exit 1

key() {
	"$fwsign" key "$@"
}
# u NAME: the URI of a key on the token in use.
u() {
	token_uri "$1"
}
cat >valid.py <<'END'
import json, sys
from jsonschema import Draft202012Validator as V
schema = json.load(open(sys.argv[1]))
V.check_schema(schema)
report = json.load(open(sys.argv[2]))
V(schema).validate(report)
if len(sys.argv) > 3 and not eval(f"({sys.argv[3]})", {"r": report}):
    print(json.dumps(report, indent=1))
    sys.exit("not so: " + sys.argv[3])
END
# json NAME SCHEMA FILE [EXPRESSION]
json() {
	what_=$1 schema_=$2
	shift 2
	try "$what_" "$python" valid.py "$top/schemas/$schema_.schema.json" "$@"
}
# has NAME FILE PATTERN
has() {
	try "$1" grep -qE -e "$3" "$2"
}

# ---- help and wrong usage ---------------------------------------------------

for c in list generate csr self-sign issue import-cert check; do
	expect "$c --help" 0 '' key $c --help
	has "$c --help: usage" .out "^usage: fwsign key $c "
	has "$c --help: options" .out '^Options:$'
	has "$c --help: itself" .out '^  -h, --help +show this help$'
	try "$c --help fits a terminal" sh -c "! grep -n '.\{81\}' .out"
	expect "$c: unknown option" 2 "unknown option '--frob'" key $c --frob
	expect "$c: an operand too many" 2 "unexpected argument '" \
	    key $c --key pkcs11: a b
	operand=
	[ $c != import-cert ] || operand=root.pem
	[ $c = list ] || expect "$c without a key" 2 'is missing' \
	    key "$c" ${operand:+"$operand"}
	expect "$c: no PIN on the command line" 2 "unknown option '--pin'" \
	    key $c --pin 1234
	expect "$c: two sources of a PIN" 2 'exclude each other' key $c \
	    --key pkcs11: --pin-env PIN --pin-fd 3 \
	    "$([ $c = import-cert ] && echo x || echo --)"
done
expect 'key --help' 0 '' key --help
expect 'no command' 2 "a command is missing after 'key'" key
expect 'unknown command' 2 "unknown command 'lisst' .did you mean 'list'" \
    key lisst
expect 'a PIN without login' 2 'add --login' key list --pin-env PIN

# ---- secrets ----------------------------------------------------------------

# While a PIN is waited for: no core dumps, and as another user than root (who
# may always) nobody sees the memory, so that /proc is root's.
mkfifo pin
chmod 711 .
cp "$B/fwsign" secret && chmod 755 secret
as=
[ "$(id -u)" != 0 ] || as='setpriv --reuid=65534 --regid=65534 --clear-groups'
# shellcheck disable=SC2086
(ulimit -c 4096; exec $as ./secret key generate --key pkcs11:object=x \
    --pin-fd 0 --module "$B/mock_p11.so") <>pin >/dev/null 2>&1 &
pid=$!
n=0
kept() {
	grep -q '^Max core file size  *0  *0 ' "/proc/$pid/limits" &&
	    { [ -n "${SAN:-}" ] || [ "$(stat -c %u "/proc/$pid/maps")" = 0 ]; }
}
while [ $n -lt 600 ] && ! kept; do
	sleep 0.1
	n=$((n + 1))
done
has 'no core dumps' "/proc/$pid/limits" '^Max core file size  *0  *0 '
[ -n "${SAN:-}" ] || try 'no looking into it' \
    test "$(stat -c %u "/proc/$pid/maps")" = 0
kill "$pid"
wait "$pid"
try 'and a signal ends the waiting' test $? = 143

# ---- keys -------------------------------------------------------------------

token_new token fw || exit 1
algs='P-256 P-384 P-521 Ed25519 RSA-3072'
for t in $algs; do
	for role in root ca signer; do
		expect "$t: a key for the $role" 0 '' key generate \
		    --key "$(u "$role-$t")" --type "$t" -o "$role-$t.pub"
	done
	has "$t: it is said to stay" .out \
	    '^export +cannot leave the token, and never could$'
	# The URI that is printed names it.
	uri=$(sed -n 's/^URI  *//p' .out)
	expect "$t: the URI is good" 0 'warning: .* no certificate' key check \
	    --quiet \
	    --key "$uri?module-path=$TOKEN_MODULE&pin-source=$TOKEN_PIN_FILE"
done
expect 'letter case of types does not matter' 0 '' key generate \
    --key "$(u lower)" --type rsa-4096 --quiet -o lower.pub
try 'and nothing is said with --quiet' test ! -s .out
openssl pkey -pubin -in lower.pub -noout -text >text
has 'the public key has 4096 bits' text '4096 bit'
key list --json --key "$(u lower)" >list.json
json 'it is in the list' keys list.json \
    '[o["type"] for o in r["tokens"][0]["objects"]] == ["RSA-4096"]'

expect 'a name that is taken' 1 "there is an object 'root-P-256'" \
    key generate --key "$(u root-P-256)"
expect 'no name' 2 'how the key is to be called' key generate \
    --key "pkcs11:token=fw?module-path=$TOKEN_MODULE"
expect 'an id' 2 'has an id' key generate \
    --key "pkcs11:token=fw;object=x;id=%01?module-path=$TOKEN_MODULE"
expect 'no token of the name' 3 'no token matches' key generate \
    --key "pkcs11:token=other;object=x?module-path=$TOKEN_MODULE"
expect 'no URI' 2 'is no pkcs11: URI' key generate --key key.pem
expect 'no such type' 2 'is no type of key' key generate --key "$(u x)" \
    --type RSA-2048
expect 'a public key that is there' 1 'is there already' key generate \
    --key "$(u x)" -o root-P-256.pub
expect 'a folder that is not there' 1 "cannot write 'none/x.pub'" \
    key generate --key "$(u x)" -o none/x.pub
expect 'a wrong PIN' 3 'C_Login failed: CKR_PIN_INCORRECT' \
    env PIN=9999 "$fwsign" key generate --pin-env PIN \
    --key "pkcs11:token=fw;object=x?module-path=$TOKEN_MODULE"
key list --json --login --key "$(u x)" >list.json
json 'none of them made anything' keys list.json \
    'r["tokens"][0]["objects"] == []'

# What others see.
pkcs11-tool --module "$TOKEN_MODULE" --token-label fw --login \
    --pin "$TOKEN_PIN" --list-objects --type privkey >objects 2>&1
for t in $algs; do
	id=$("$python" - "signer-$t.pub" <<'END'
import hashlib, sys
from subprocess import run
der = run(["openssl", "pkey", "-pubin", "-in", sys.argv[1], "-outform", "DER"],
          check=True, capture_output=True).stdout
# The content of the BIT STRING at the end of the SubjectPublicKeyInfo.
def head(b, i):
    n = b[i + 1]
    return (i + 2, n) if n < 128 else \
        (i + 2 + (n & 127), int.from_bytes(b[i + 2:i + 2 + (n & 127)], "big"))
i, _ = head(der, 0)
j, n = head(der, i)
k, m = head(der, j + n)
print(hashlib.sha256(der[k + 1:k + m]).hexdigest()[:40])
END
)
	sed -n "/label: *signer-$t\$/,/^Private/p" objects >object
	has "$t: pkcs11-tool sees the id of RFC 7093" object "ID: *$id\$"
	has "$t: ... that it only signs" object 'Usage: *sign$'
	has "$t: ... and cannot be had" object \
	    'Access: *sensitive, always sensitive, never extractable, local$'
done

# ---- the list ---------------------------------------------------------------

expect 'the list without login' 0 '' key list --module "$TOKEN_MODULE"
has 'it has public keys' .out "^  public key 'root-P-256'$"
try 'and no private ones' sh -c "! grep -q '^  private key' .out"
has 'and says how to see them' .out 'private keys show after --login'
expect 'the same as JSON' 0 '' key list --module "$TOKEN_MODULE" --json
json 'as its schema says' keys .out 'not r["tokens"][0]["logged-in"] and
    {o["class"] for o in r["tokens"][0]["objects"]} == {"public-key"}'
expect 'the list with login' 0 '' key list --login --module "$TOKEN_MODULE" \
    --key "pkcs11:token=fw?pin-source=$TOKEN_PIN_FILE"
has 'it has private keys' .out "^  private key 'root-P-256'$"
has 'says what they may do' .out '^    may +sign$'
has 'and that they stay' .out \
    '^    export +cannot leave the token, and never could$'
exec 5<"$TOKEN_PIN_FILE"
expect 'with the PIN from a descriptor' 0 '' key list --login --json \
    --module "$TOKEN_MODULE" --key 'pkcs11:token=fw' --pin-fd 5
exec 5<&-
cp .out list.json
# shellcheck disable=SC2016  # for Python
json 'as its schema says, and sorted' keys list.json '
    (lambda p: len(p) == 16 and [o["label"] for o in p] ==
    sorted(o["label"] for o in p) and all(o["may"] == ["sign"] and
    o["export"] == "never" and o["made-in-token"] and o["sensitive"]
    for o in p))([o for o in r["tokens"][0]["objects"]
    if o["class"] == "private-key"])'
# A key that others made, and one that was brought.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out brought.key
softhsm2-util --import brought.key --token fw --label brought --id 77 \
    --pin "$TOKEN_PIN" >/dev/null
pkcs11-tool --module "$TOKEN_MODULE" --token-label fw --login \
    --pin "$TOKEN_PIN" --keypairgen --key-type EC:prime256v1 --label open \
    --id 78 --extractable >/dev/null 2>&1
key list --json --login --key "$(u brought)" >list.json
json 'a key that was brought' keys list.json \
    '[o["made-in-token"] for o in r["tokens"][0]["objects"]
    if o["class"] == "private-key"] == [False]'
key list --json --login --key "$(u open)" >list.json
json 'a key that can be exported' keys list.json \
    '[o["export"] for o in r["tokens"][0]["objects"]
    if o["class"] == "private-key"] == ["wrapped"]'
expect 'no token' 3 'no token matches the key URI .there is token' key list \
    --key "pkcs11:token=none?module-path=$TOKEN_MODULE"
expect 'no module' 3 'cannot load the PKCS #11 module' key list \
    --module "$T/none.so"

# ---- a public key infrastructure for each kind of key -----------------------

for t in $algs; do
	expect "$t: a root" 0 '' key self-sign --key "$(u "root-$t")" \
	    --subject "CN=Root $t,O=Example Devices,C=DE" -o "root-$t.pem"
	expect "$t: stored" 0 '' key import-cert "root-$t.pem" \
	    --key "$(u "root-$t")"
	# The CA by its key, with the chain from the token.
	expect "$t: an intermediate" 0 '' key issue --key "$(u "root-$t")" \
	    --profile intermediate --subject-key "$(u "ca-$t")" \
	    --subject "CN=CA $t,O=Example Devices,C=DE" -o "ca-$t.pem"
	cat "ca-$t.pem" "root-$t.pem" >"ca-chain-$t.pem"
	expect "$t: stored with its root" 0 '' key import-cert \
	    "ca-chain-$t.pem" --key "$(u "ca-$t")"
	has "$t: which was there" .out \
	    '^certificates +1 stored, 1 there already, 0 removed$'
	# The signer by a request, with the chain from a file.
	expect "$t: a request" 0 '' key csr --key "$(u "signer-$t")" \
	    --subject "CN=Release $t,OU=Firmware,O=Example Devices,C=DE" \
	    -o "signer-$t.csr"
	try "$t: openssl verifies the request" openssl req -verify -noout \
	    -in "signer-$t.csr"
	try "$t: and so does certtool" certtool --crq-info \
	    --infile "signer-$t.csr"
	openssl req -in "signer-$t.csr" -noout -text >text
	has "$t: it asks for what a signer needs" text 'Code Signing'
	expect "$t: a signer" 0 '' key issue --key "$(u "ca-$t")" \
	    --chain "ca-chain-$t.pem" --profile signer \
	    --request "signer-$t.csr" -o "signer-$t.pem"
	cat "signer-$t.pem" "ca-chain-$t.pem" >"chain-$t.pem"
	expect "$t: stored with its chain" 0 '' key import-cert \
	    "chain-$t.pem" --key "$(u "signer-$t")"

	cat "signer-$t.pem" "ca-$t.pem" >"path-$t.pem"
	expect "$t: fwverify chain" 0 '' "$fwverify" chain \
	    --trust "root-$t.pem" "path-$t.pem"
	for port in bearssl psa; do
		[ "$t" != Ed25519 ] || continue	# these do not have it
		expect "$t: fwverify chain with $port" 0 '' "$fwverify" chain \
		    --trust "root-$t.pem" --crypto $port "path-$t.pem"
	done
	try "$t: openssl verifies the chain" openssl verify -x509_strict \
	    -CAfile "root-$t.pem" -untrusted "ca-$t.pem" "signer-$t.pem"
	try "$t: and so does certtool" certtool --verify \
	    --load-ca-certificate "root-$t.pem" --infile "path-$t.pem"
	for c in root ca signer; do
		openssl x509 -in "$c-$t.pem" -noout -pubkey >pub
		same "$t: the $c's certificate has its key" pub "$c-$t.pub"
	done
done

# What stands in them.
for c in root ca signer; do
	openssl x509 -in $c-P-256.pem -noout -text >$c.text
	has "$c: version 3" $c.text 'Version: 3 '
	try "$c: a serial number of 20 bytes" sh -c "openssl x509 \
	    -in $c-P-256.pem -noout -serial | grep -qE '^serial=[4-7].{39}\$'"
done
has 'root: path length' root.text 'CA:TRUE, pathlen:1$'
has 'ca: path length' ca.text 'CA:TRUE, pathlen:0$'
has 'ca: key usage' ca.text 'Certificate Sign, CRL Sign$'
has 'signer: no CA' signer.text 'CA:FALSE$'
has 'signer: key usage' signer.text '^ *Digital Signature$'
has 'signer: purpose' signer.text '^ *Code Signing$'
ski=$(grep -A1 'Subject Key Identifier' ca.text | tail -n 1 | tr -d ' ')
aki=$(grep -A1 'Authority Key Identifier' signer.text | tail -n 1 | tr -d ' ')
try 'signer: its issuer by key' test "$ski" = "$aki"
openssl x509 -in signer-P-256.pem -noout -subject -nameopt RFC2253 >text
has 'signer: the name is in the order of RFC 4514' text \
    '^subject=CN=Release P-256,OU=Firmware,O=Example Devices,C=DE$'

# ---- from the keys to a bundle ----------------------------------------------

head -c 3000 /dev/urandom >image.bin
cat >release.yaml <<END
descriptor: 1
device: {vendor-domain: example.com, model: Pump 3}
sequence-number: 7
version: "1.2.3"
components:
  - {id: main, file: image.bin, format: raw}
END
for t in $algs; do
	expect "$t: a bundle, with the chain from the token" 0 '' "$fwsign" \
	    build release.yaml -o "$t.fwb" --key "$(u "signer-$t")" \
	    --trust "root-$t.pem"
	expect "$t: which is accepted" 0 '' "$fwverify" check \
	    --trust "root-$t.pem" "$t.fwb"
	expect "$t: the key is good" 0 '' key check --key "$(u "signer-$t")" \
	    --trust "root-$t.pem" --strict --json
	json "$t: as the schema says" key-check .out 'r["verdict"] == "good" and
	    r["role"] == "signer" and r["judged"] == "up-to-trust-anchor" and
	    730 <= r["days-left"] <= 731 and r["chain-length"] == 2 and
	    r["export"] == "never"'
done

# ---- what is refused --------------------------------------------------------

# refuse NAME STATUS PATTERN ARGUMENT...: and there is no file afterwards.
refuse() {
	what_=$1
	rm -f no.pem
	expect "$@" -o no.pem
	try "$what_: nothing is written" test ! -e no.pem
}
ca=$(u ca-P-256) root=$(u root-P-256)
refuse 'a CA below one of path length 0' 1 'path length is 0' key issue \
    --key "$ca" --profile intermediate --request signer-P-256.csr
refuse 'a path length like the issuer'\''s' 1 'allows this one at most 0' \
    key issue --key "$root" --profile intermediate --path-length 1 \
    --request signer-P-256.csr
refuse 'no limit below a limit' 1 'allows this one at most 0' key issue \
    --key "$root" --profile intermediate --path-length none \
    --request signer-P-256.csr
refuse 'a path length of a signer' 2 'has no path length' key issue \
    --key "$root" --profile signer --path-length 0 --request signer-P-256.csr
refuse 'an issuer that is no CA' 1 'is not the certificate of a CA' \
    key issue --key "$(u signer-P-256)" --profile signer \
    --request signer-P-384.csr
refuse 'the certificate of another issuer' 1 'public keys differ' key issue \
    --key "$ca" --chain root-P-256.pem --profile signer \
    --request signer-P-256.csr
refuse 'an issuer without certificate' 3 'has no certificate' key issue \
    --key "$(u lower)" --profile signer --request signer-P-256.csr
refuse 'one that outlives its issuer' 1 'would outlive' key issue \
    --key "$ca" --profile signer --request signer-P-256.csr --days 36500
refuse 'one that ends before it begins' 2 'end before it begins' key issue \
    --key "$ca" --profile signer --request signer-P-256.csr \
    --not-after 2001-01-01T00:00:00Z
refuse 'one that has ended' 1 'certificate-expired' key issue \
    --key "$root" --profile signer --request signer-P-256.csr \
    --not-before 2001-01-01T00:00:00Z --not-after 2002-01-01T00:00:00Z
refuse 'the issuer'\''s own name' 1 "issuer's own name" key issue \
    --key "$root" --profile signer --request signer-P-256.csr \
    --subject 'CN=Root P-256,O=Example Devices,C=DE'
refuse 'the issuer'\''s own key' 1 "is the issuer's own" key issue \
    --key "$root" --profile intermediate --subject-key "$root" \
    --subject CN=x
openssl genrsa -out asks.key 3072 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out asks-ec.key
# asks NAME KEY OPTION...: a request that is signed so.
asks() {
	name_=$1 key_=$2
	shift 2
	openssl req -new -key "$key_" -subj "/CN=Asks $name_" \
	    -out "asks-$name_.csr" "$@"
}
asks rsa asks.key -sha1
asks ec asks-ec.key -sha1
asks pss asks.key -sha1 -sigopt rsa_padding_mode:pss
asks short asks.key -sha224
for r in rsa ec pss short; do
	refuse "a request with a weak digest: $r" 1 \
	    'signed with the digest sha(1|224) .*SHA-256, SHA-384 or SHA-512' \
	    key issue --key "$root" --profile signer --request asks-$r.csr
done
asks good asks.key -sha384
asks good-pss asks.key -sha512 -sigopt rsa_padding_mode:pss
for r in good good-pss; do
	expect "a request with a good one: $r" 0 '' key issue --key "$root" \
	    --profile signer --request asks-$r.csr -o asks-$r.pem
done
refuse 'a root that is issued' 2 'nobody issues a root' key issue \
    --key "$root" --profile root --request signer-P-256.csr
refuse 'no profile' 2 'profile is missing' key issue --key "$root" \
    --request signer-P-256.csr
refuse 'an unknown profile' 2 'is no profile' key issue --key "$root" \
    --profile leaf --request signer-P-256.csr
refuse 'nobody to certify' 2 'one of' key issue --key "$root" \
    --profile signer
refuse 'two to certify' 2 'one of' key issue --key "$root" --profile signer \
    --request signer-P-256.csr --subject-key "$ca"
refuse 'a key without a name' 2 'subject is missing' key issue --key "$root" \
    --profile signer --subject-key "$ca"
refuse 'two ends' 2 'exclude each other' key self-sign --key "$root" \
    --subject CN=x --days 3 --not-after 2030-01-01T00:00:00Z
refuse 'no name' 2 'subject is missing' key self-sign --key "$root"
refuse 'no name in a request' 2 'subject is missing' key csr --key "$root"
refuse 'a request that is none' 2 'no certificate request' key issue \
    --key "$root" --profile signer --request root-P-256.pem
cp root-P-256.pem there.pem
expect 'a file that is there' 1 'is there already' key self-sign \
    --key "$root" --subject CN=x -o there.pem
same 'it stays' root-P-256.pem there.pem
expect 'no file' 2 'output is missing' key self-sign --key "$root" \
    --subject CN=x
expect 'no folder' 1 'No such file or directory' key self-sign \
    --key "$root" --subject CN=x -o none/x.pem

# Every bit of the request counts.
openssl req -in signer-P-256.csr -outform DER -out csr.der
"$python" - <<'END'
import base64
good = open("csr.der", "rb").read()
for i in range(0, len(good), 5):
    bad = bytearray(good)
    bad[i] ^= 1 << (i % 8)
    with open(f"bad.{i}.csr", "w") as f:
        f.write("-----BEGIN CERTIFICATE REQUEST-----\n" +
                base64.encodebytes(bytes(bad)).decode() +
                "-----END CERTIFICATE REQUEST-----\n")
END
: >accepted
# Judged before a key is looked for: that would be status 3.
for f in bad.*.csr; do
	key issue --key pkcs11:token=none --module "$TOKEN_MODULE" \
	    --profile signer --request "$f" -o no.pem >/dev/null 2>.err
	case $? in
	1 | 2) ;;
	*) echo "$f" >>accepted ;;
	esac
done
try 'a request with a wrong bit' test ! -s accepted
openssl req -new -newkey rsa:2048 -nodes -keyout small.key -subj /CN=small \
    -out small.csr 2>/dev/null
refuse 'a small RSA key' 1 'is not one that devices take' key issue \
    --key "$root" --profile signer --request small.csr
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes \
    -keyout odd.key -subj /CN=odd -out odd.csr 2>/dev/null
refuse 'a curve devices do not know' 1 'is not one that devices take' \
    key issue --key "$root" --profile signer --request odd.csr
# Names.
while read -r name why; do
	refuse "the name '$name'" 2 "$why" key self-sign --key "$root" \
	    --subject "$name"
done <<'END'
O=Example there.is.no.CN
CN= has.no.value
CN has.no.'='
CN=a,CN=b there.twice
CN=a,X=b unknown.attribute
CN=a+O=b there.is.a.'\+'
CN=a"b there.is.a.'"'
CN=a,C=DEU C.cannot.be
CN=a\ followed.by.nothing
CN=a, has.no.'='
CN=#04 there.is.a.'#'
CN=\1b not.plain
END
expect 'a name with all that can be escaped' 0 '' key self-sign --key "$root" \
    --subject 'cn=a\, b \+ \"c\" \<\;\> \#1 \C3\A4 =,O= Example  Devices ' \
    -o escaped.pem
openssl x509 -in escaped.pem -noout -subject -nameopt RFC2253,-esc_msb >text
has 'it is what it was' text \
    '^subject=CN=a\\, b \\\+ \\"c\\" \\<\\;\\> #1 ä =,O=Example  Devices$'

# ---- dates and reproducible certificates ------------------------------------

expect 'dates' 0 '' key self-sign --key "$root" --subject CN=x -o dates.pem \
    --not-before 2026-01-02T03:04:05Z --not-after 2060-01-02T03:04:05+01:00 \
    --path-length none
openssl x509 -in dates.pem -noout -text >text
has 'the beginning' text 'Not Before: Jan  2 03:04:05 2026 GMT'
has 'the end' text 'Not After : Jan  2 02:04:05 2060 GMT'
has 'no limit' text 'CA:TRUE$'
expect 'days' 0 '' key self-sign --key "$root" --subject CN=x -o days.pem \
    --not-before 2026-01-01T00:00:00Z --days 10 --time 2026-01-05T00:00:00Z
has 'ten' .out '^valid until +2026-01-11T00:00:00Z$'
expect 'in advance' 0 '' key self-sign --key "$root" --subject CN=x \
    -o later.pem --not-before 2099-01-01T00:00:00Z
expect 'no longer than the issuer, if nothing is said' 0 '' key issue \
    --key "$(u root-P-256)" --chain days.pem --profile intermediate \
    --request signer-P-256.csr -o shorter.pem \
    --not-before 2026-01-03T00:00:00Z --time 2026-01-05T00:00:00Z
has 'it ends with it' .out '^valid until +2026-01-11T00:00:00Z$'
for i in 1 2; do
	expect "SOURCE_DATE_EPOCH, $i" 0 '' env \
	    SOURCE_DATE_EPOCH=1767225600 "$fwsign" key self-sign \
	    --key "$(u root-Ed25519)" --subject CN=x -o again$i.pem
	expect "without, $i" 0 '' key self-sign --key "$(u root-Ed25519)" \
	    --subject CN=x -o random$i.pem --not-before 2026-01-01T00:00:00Z
done
same 'with SOURCE_DATE_EPOCH, the same again' again1.pem again2.pem
has 'it begins then' .out '^valid from +2026-01-01T00:00:00Z$'
try 'without, another serial number' sh -c '! cmp -s random1.pem random2.pem'
expect 'SOURCE_DATE_EPOCH that is no number' 2 'needs a number' env \
    SOURCE_DATE_EPOCH=x "$fwsign" key self-sign --key "$root" \
    --subject CN=x -o no.pem

# ---- storing ----------------------------------------------------------------

signer=$(u signer-P-256)
expect 'stored twice is stored once' 0 '' key import-cert chain-P-256.pem \
    --key "$signer"
has 'nothing to do' .out '^certificates +0 stored, 3 there already, 0 removed'
expect 'the certificate of another key' 1 'public keys differ' \
    key import-cert signer-P-384.pem --key "$signer"
expect 'another one of the key' 0 '' key issue --key "$ca" --profile signer \
    --request signer-P-256.csr -o renewed.pem --days 30
expect 'is not stored by the way' 1 'another certificate .*--replace' \
    key import-cert renewed.pem --key "$signer"
expect 'but instead' 0 '' key import-cert renewed.pem --key "$signer" --replace
has 'of the old one' .out '^certificates +1 stored, 0 there already, 1 removed'
key list --json --login --key "$signer" >list.json
# shellcheck disable=SC2016
json 'it has the id of the key' keys list.json '
    (lambda c, k: len(c) == 1 and c[0]["id"] == k[0]["id"])(
    [o for o in r["tokens"][0]["objects"] if o["class"] == "certificate"],
    [o for o in r["tokens"][0]["objects"] if o["class"] == "private-key"])'
expect 'under another name' 0 '' key import-cert chain-P-384.pem \
    --key "$(u signer-P-384)" --label other --replace --quiet
expect 'a file without certificates' 2 'no certificate in' key import-cert \
    signer-P-256.csr --key "$signer"
expect 'a key in a file' 3 'is not on a token' key import-cert root-P-256.pem \
    --key brought.key
openssl x509 -in renewed.pem -outform DER -out renewed.der
pkcs11-tool --module "$TOKEN_MODULE" --token-label fw --read-object \
    --type cert --label signer-P-256 -o read.der >/dev/null 2>&1
same 'pkcs11-tool reads what was stored' renewed.der read.der

# ---- trying -----------------------------------------------------------------

expect 'it ends soon' 0 'warning: the chain ends on .*, in (29|30) days' \
    key check --key "$signer" --trust root-P-256.pem
has 'it is shown' .out '^days left +(29|30)$'
has 'and what it is' .out '^profile +signer$'
expect 'soon enough to fail' 1 'failures with --strict' key check \
    --key "$signer" --strict --quiet
expect 'not that soon' 0 '' key check --key "$signer" --strict --quiet \
    --warn-days 20
expect 'too late' 1 'certificate-expired' key check --key "$signer" \
    --time "$(date -u -d '+40 days' +%Y-%m-%dT%H:%M:%SZ)"
has 'that is shown, too' .out '^judged +REFUSED, up to the root of its own'
expect 'too late as JSON' 1 'certificate-expired' key check --key "$signer" \
    --time "$(date -u -d '+40 days' +%Y-%m-%dT%H:%M:%SZ)" --json
json 'as the schema says' key-check .out 'r["verdict"] == "refused" and
    r["days-left"] < 0 and r["warnings"][0]["code"] == "expired" and
    "certificate-expired" in r["refusal"]'
expect 'at any time' 0 'ends on' key check --key "$signer" \
    --chain renewed.pem --time none --warn-days 99
has 'a certificate alone' .out '^judged +accepted, the certificate alone'
# id FILE: the identifier of the key of a certificate.
id() {
	openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum | cut -c -64
}
id root-P-256.pem >root.deny
id renewed.pem >leaf.deny
id root-P-384.pem >other.deny
expect 'a denied root' 1 "denied by line 1 of 'root.deny'" key check \
    --key "$signer" --deny root.deny --quiet
expect 'a denied root that is named' 1 'denied by' key check \
    --key "$signer" --chain renewed.pem --trust root-P-256.pem --quiet \
    --deny root.deny
expect 'a denied key' 1 "denied by line 1 of 'leaf.deny'" key check --json \
    --key "$signer" --deny leaf.deny
json 'is refused' key-check .out 'r["verdict"] == "refused"'
expect 'another one' 0 '' key check --key "$signer" --deny other.deny --quiet \
    --warn-days 20
expect 'a root that is not known' 0 'root is not known and was not looked up' \
    key check --key "$signer" --chain renewed.pem --deny root.deny --quiet
expect 'a root for tests' 0 '' key self-sign --key "$(u lower)" \
    --subject 'CN=Lower,OU=Test only' -o lower.pem
expect 'is refused' 1 'is for tests only' key check --key "$(u lower)" \
    --chain lower.pem --quiet
expect 'unless it is allowed' 0 '' key check --key "$(u lower)" \
    --chain lower.pem --quiet --allow-test
expect 'another root' 1 'the device library refuses it' key check \
    --key "$signer" --trust root-P-384.pem
expect 'another key'\''s chain' 1 'public keys differ' key check \
    --key "$signer" --chain chain-P-384.pem
for c in root ca; do
	expect "a $c" 0 '' key check --key "$(u $c-P-384)" --strict --json \
	    --trust root-P-384.pem
	json "a $c is one" key-check .out \
	    "r['role'] == '$([ $c = ca ] && echo intermediate || echo root)'"
	expect "a $c by itself" 0 '' key check --key "$(u $c-P-384)" --strict
done
expect 'no certificate' 0 'has no certificate for the key' key check \
    --key "$(u lower)"
expect 'no certificate, as JSON' 0 '' key check --key "$(u lower)" --json
json 'a warning' key-check .out 'r["verdict"] == "warned" and
    r["judged"] == "nothing" and
    [w["code"] for w in r["warnings"]] == ["certificate-missing"]'
expect 'a key that can leave' 0 'can leave the token' key check \
    --key "$(u open)"
key check --key "$(u open)" --json >.out 2>/dev/null
json 'warnings' key-check .out '{w["code"] for w in r["warnings"]} ==
    {"certificate-missing", "exportable"}'
key check --key "$(u brought)" --json >.out 2>/dev/null
json 'a key that was brought' key-check .out '"imported" in
    [w["code"] for w in r["warnings"]]'
expect 'a key in a file' 0 'lies in a file' key check --key brought.key
has 'for development' .out '^export +FOR DEVELOPMENT ONLY'
expect 'no such key' 3 'no private key' key check --key "$(u nobody)"
expect 'a key that is too small' 3 'has 2048 bits' key check --key small.key

# Certificates that no device takes.
cat >server.cfg <<END
cn = "Server"
signing_key
tls_www_server
expiration_days = 30
END
GNUTLS_PIN=$TOKEN_PIN certtool --provider "$TOKEN_MODULE" \
    --generate-certificate --load-pubkey lower.pub --template server.cfg \
    --load-ca-certificate ca-P-256.pem --load-ca-privkey \
    'pkcs11:token=fw;object=ca-P-256;type=private' --outfile server.pem \
    >certtool.log 2>&1 || :
if [ ! -s server.pem ]; then
	# certtool wants a request.
	key csr --key "$(u lower)" --subject CN=Server -o server.csr --quiet
	try 'a certificate for another purpose' env GNUTLS_PIN="$TOKEN_PIN" \
	    certtool --provider "$TOKEN_MODULE" --generate-certificate \
	    --load-request server.csr --template server.cfg \
	    --load-ca-certificate ca-P-256.pem --load-ca-privkey \
	    'pkcs11:token=fw;object=ca-P-256;type=private' \
	    --outfile server.pem
fi
cat server.pem ca-chain-P-256.pem >server-chain.pem
expect 'a missing purpose' 1 'certificate-purpose' key check \
    --key "$(u lower)" --chain server-chain.pem
expect 'a missing purpose, alone' 1 'is not for code signing' key check \
    --key "$(u lower)" --chain server.pem

# ---- several tokens ---------------------------------------------------------

# One for each role, all behind one module: what a CA's token lacks is a file.
softhsm2-util --init-token --free --label offline --pin 11112222 \
    --so-pin "$TOKEN_SO_PIN" >/dev/null
away="pkcs11:token=offline;object=root?module-path=$TOKEN_MODULE"
printf '11112222\n%s\n' "$TOKEN_PIN" >pins
exec 5<pins
expect 'a root on a token of its own' 0 '' key generate --key "$away" \
    --pin-fd 5
exec 5<pins
expect 'its certificate' 0 '' key self-sign --key "$away" --pin-fd 5 \
    --subject 'CN=Offline root' -o offline.pem
exec 5<pins
expect 'which certifies a key on another' 0 '' key issue --key "$away" \
    --chain offline.pem --profile signer --pin-fd 5 -o crossed.pem \
    --subject 'CN=Crossed' --subject-key \
    "pkcs11:token=fw;object=signer-P-521?module-path=$TOKEN_MODULE"
exec 5<&-
expect 'that works' 0 '' "$fwsign" build release.yaml -o crossed.fwb \
    --key "$(u signer-P-521)" --chain crossed.pem --trust offline.pem
expect 'and is accepted' 0 '' "$fwverify" check --trust offline.pem crossed.fwb
expect 'both are in the list' 0 '' key list --json --module "$TOKEN_MODULE"
json 'by name' keys .out \
    '{t["label"] for t in r["tokens"]} == {"fw", "offline"}'
expect 'a login is to one of them' 3 '2 tokens match' key list --login \
    --module "$TOKEN_MODULE"
exit $((fails > 0))
