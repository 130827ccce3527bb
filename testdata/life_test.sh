#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# life_test.sh BUILD-DIR: what becomes of signatures: replaced on the tested
# bytes, removed, refused because of their keys or certificates.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"

cd "$T" || exit 1
"$top/testdata/pki/mkpki.sh" pki p256 ed25519 || exit 1
token_use pki/token || exit 1
# The keys of development lie in files: one PKI is marked, one is not.
"$top/testdata/pki/mkpki.sh" --files plain p256 ed25519 || exit 1

# mark FOLDER WHICH: a PKI below FOLDER in which the root, the authority or
# the signer (WHICH) has the mark.
mark() {
	mkdir -p "$1"
	for n_ in root ca leaf; do
		cat >"$1/$n_.cnf" <<-END
			[req]
			prompt = no
			distinguished_name = dn
			[ca]
			basicConstraints = critical, CA:TRUE
			keyUsage = critical, keyCertSign
			subjectKeyIdentifier = hash
			[leaf]
			basicConstraints = critical, CA:FALSE
			keyUsage = critical, digitalSignature
			extendedKeyUsage = codeSigning
			subjectKeyIdentifier = hash
			[dn]
			CN = $n_
		END
		[ $n_ != "$2" ] || echo 'OU = Test Only' >>"$1/$n_.cnf"
		openssl ecparam -name prime256v1 -genkey -noout \
		    -out "$1/$n_.key" || return
	done
	openssl req -x509 -config "$1/root.cnf" -key "$1/root.key" -days 30 \
	    -extensions ca -out "$1/root.pem" || return
	for pair_ in root:ca ca:leaf; do
		by_=${pair_%:*} to_=${pair_#*:}
		openssl req -new -config "$1/$to_.cnf" -key "$1/$to_.key" \
		    -out "$1/$to_.csr" &&
		    openssl x509 -req -in "$1/$to_.csr" -CA "$1/$by_.pem" \
		    -CAkey "$1/$by_.key" -CAcreateserial -days 30 \
		    -extfile "$1/$to_.cnf" -extensions "$to_" \
		    -out "$1/$to_.pem" || return
	done
	cat "$1/leaf.pem" "$1/ca.pem" >"$1/chain.pem"
}
# key_id CERT: the identifier of its key, as the manual says.
key_id() {
	openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum | cut -c -64
}
by_token() {
	echo "--key $(cat pki/"$1"/key.uri) --chain pki/$1/full-chain.pem"
}
# behind BUNDLE: all that is behind its envelope.
behind() {
	n_=$(dd if="$1" bs=1 skip=124 count=11 status=none)
	tail -c +$((512 + (0$n_ + 511) / 512 * 512 + 1)) "$1"
}
# gone NAME FILE...: none of them is there.
gone() {
	try "$1" sh -c 'for f; do [ ! -e "$f" ] || exit 1; done' "$@"
}
cat >valid.py <<'END'
import json, sys
from jsonschema import Draft202012Validator as V
schema = json.load(open(sys.argv[1]))
V(schema).validate(json.load(open(sys.argv[2])))
END
valid() {
	try "$1" "$python" valid.py "$top/schemas/build.schema.json" "$2"
}

head -c 300000 /dev/urandom | tr x y >main.bin	# x is what it is spoilt with
head -c 2000 /dev/urandom >boot.bin
cat >release.yaml <<END
descriptor: 1
device: {vendor-domain: example.com, model: Pump 3}
sequence-number: 7
version: "1.2.3"
components:
  - {id: main, file: main.bin}
  - {id: boot, file: boot.bin, payload: integrated}
END
try 'an unsigned bundle' "$fwsign" build release.yaml --unsigned -o u.fwb
[ -s u.fwb ] || exit 1
# shellcheck disable=SC2046  # words, here and below
try 'the bundle that was tested' "$fwsign" sign u.fwb -o dev.fwb \
    $(by plain/p256)
cp dev.fwb dev.before

# ---- resign --------------------------------------------------------------------

# shellcheck disable=SC2046
expect 'a release signature in its place' 0 '' "$fwsign" resign dev.fwb \
    -o rel.fwb $(by_token p256)
cp .out said
same 'what was tested is left alone' dev.before dev.fwb
expect 'devices of the release accept it' 0 '' "$fwverify" check \
    --trust pki/p256/root.pem rel.fwb
expect 'those of development do not any more' 1 '' "$fwverify" check \
    --trust plain/p256/root.pem rel.fwb
behind dev.fwb >dev.behind
behind rel.fwb >rel.behind
same 'the contents are the same' dev.behind rel.behind
try 'it names the digest of what is the same' grep -q \
    "sha-256:$(sha256sum <dev.behind | cut -c -64)" said
try 'it says how much was read back' grep -q \
    "unchanged, $(wc -c <dev.behind) bytes were read back" said
"$fwsign" inspect dev.fwb | sed -n 's/^  digest *//p' >manifest.digest
try 'it names the digest of the manifest' grep -qf manifest.digest said
try 'and whose signature went' sh -c \
    'grep -q "^removed  *CN=fwsign test release (p256)" said &&
	grep -q "$1" said' sh "$(key_id plain/p256/leaf.pem)"
# shellcheck disable=SC2046
"$fwsign" resign dev.fwb -o rel.fwb $(by_token ed25519) --json >json
valid 'the result is as its schema says' json
# shellcheck disable=SC2046
try 'signing it at once' "$fwsign" sign u.fwb -o at-once.fwb $(by_token ed25519)
same 'gives the same bundle' at-once.fwb rel.fwb
# shellcheck disable=SC2046
expect 'the same key with another certificate' 0 '' bare "$fwsign" resign \
    dev.fwb -o again.fwb $(by plain/p256)
# shellcheck disable=SC2046
expect 'in place' 0 '' "$fwsign" resign again.fwb -o again.fwb \
    $(by_token ed25519)
same 'it is the same' at-once.fwb again.fwb
# shellcheck disable=SC2046
expect 'without a place' 2 'where to write' "$fwsign" resign dev.fwb \
    $(by_token p256)
expect 'without a key' 2 'key to sign with' "$fwsign" resign dev.fwb \
    -o no.fwb
# shellcheck disable=SC2046
expect 'no signature to replace' 1 'no signature that could be replaced' \
    "$fwsign" resign u.fwb -o no.fwb $(by_token p256)
# What was tested must have held.
cp dev.fwb broken.fwb
at=$(grep -obUaP '\xf6\x58\x40' broken.fwb | head -n 1 | cut -d: -f1)
byte=$(od -An -v -tu1 -j $((at + 20)) -N 1 broken.fwb | tr -d ' ')
# shellcheck disable=SC2059  # an octal escape
printf "\\$(printf %03o $((byte ^ 1)))" |
    dd of=broken.fwb bs=1 seek=$((at + 20)) conv=notrunc status=none
# shellcheck disable=SC2046
expect 'a broken signature is not replaced' 1 'does not hold' "$fwsign" \
    resign broken.fwb -o no.fwb $(by_token p256)
# ... and its contents must be those of the manifest.
cp dev.fwb spoilt.fwb
printf x | dd of=spoilt.fwb bs=1 seek=200000 conv=notrunc status=none
# shellcheck disable=SC2046
expect 'spoilt contents are not signed' 1 'payload-digest' "$fwsign" resign \
    spoilt.fwb -o no.fwb $(by_token p256)
expect 'nor stripped' 1 'payload-digest' "$fwsign" strip spoilt.fwb -o no.fwb
# Expired certificates are what development has.
"$top/testdata/pki/mkpki.sh" --files --expired old p256 || exit 1
try 'an old bundle' "$fwsign" sign u.fwb -o old.fwb --key \
    old/p256/release.key --chain old/p256/full-chain.pem --time none
# shellcheck disable=SC2046
expect 'its signature is replaced' 0 '' "$fwsign" resign old.fwb \
    -o old-rel.fwb $(by_token ed25519)
same 'by the one there should be' at-once.fwb old-rel.fwb
expect 'an expired certificate is none for a release' 1 'expired' bare \
    "$fwsign" resign dev.fwb -o no.fwb --key old/p256/release.key \
    --chain old/p256/full-chain.pem
gone 'what was refused left nothing' no.fwb

# ---- some of several --------------------------------------------------------------

# shellcheck disable=SC2046
try 'two signers' "$fwsign" sign dev.fwb -o two.fwb $(by plain/ed25519)
for who in plain/p256/leaf.pem plain/p256/full-chain.pem \
    "$(key_id plain/p256/leaf.pem)" \
    "$(key_id plain/p256/leaf.pem | tr a-f A-F)"; do
	# shellcheck disable=SC2046
	expect "replaced: $who" 0 '' "$fwsign" resign two.fwb -o one.fwb \
	    --signer "$who" $(by_token p256)
	for root in pki/p256 plain/ed25519; do
		expect "$who: signed under $root" 0 '' "$fwverify" check \
		    --trust $root/root.pem one.fwb
	done
	expect "$who: not under plain/p256" 1 '' "$fwverify" check \
	    --trust plain/p256/root.pem one.fwb
done
openssl x509 -in plain/ed25519/leaf.pem -noout -pubkey >key.pub
expect 'stripped by public key' 0 '' "$fwsign" strip two.fwb -o one.fwb \
    --signer key.pub
same 'what is left is what was there before' dev.fwb one.fwb
"$fwsign" strip two.fwb -o one.fwb --signer key.pub --json >json
valid 'the result is as its schema says' json
try 'one is kept' grep -q '"kept": 1' json
expect 'all of them' 0 '' "$fwsign" strip two.fwb -o none.fwb
same 'gives what was built' u.fwb none.fwb
expect 'each of them' 0 '' "$fwsign" strip two.fwb -o none.fwb --signer \
    key.pub --signer plain/p256/leaf.pem
same 'gives it as well' u.fwb none.fwb
"$fwsign" strip two.fwb -o none.fwb --json >json
valid 'the result of all is as its schema says' json
expect 'somebody else' 1 'no signature of' "$fwsign" strip two.fwb -o no.fwb \
    --signer pki/p256/leaf.pem
expect 'nobody' 1 'no signature of' "$fwsign" strip two.fwb -o no.fwb \
    --signer "$(printf '%064d' 0)"
expect 'no name of anybody' 2 'cannot open' "$fwsign" strip two.fwb \
    -o no.fwb --signer "$(printf '%063d' 0)"
expect 'no certificate' 2 'no certificate or public key' "$fwsign" strip \
    two.fwb -o no.fwb --signer release.yaml
expect 'nothing to strip' 1 'no signature that could be removed' "$fwsign" \
    strip u.fwb -o no.fwb
expect 'a broken signature can be taken off' 0 '' "$fwsign" strip broken.fwb \
    -o none.fwb
same 'and nothing else is' u.fwb none.fwb
# shellcheck disable=SC2046
try 'a broken one beside a good one' "$fwsign" sign u.fwb -o good.fwb \
    $(by plain/ed25519)
expect 'where to' 2 'where to write' "$fwsign" strip two.fwb
cp plain/p256/leaf.pem who.pem
expect 'not over the certificate' 2 'would replace' "$fwsign" strip two.fwb \
    -o who.pem --signer who.pem
same 'it is left alone' plain/p256/leaf.pem who.pem
gone 'what was refused left nothing' no.fwb

# A signature without certificate is told by the key that made it.
cat >bare.py <<'END'
import subprocess, sys
import cbor2
source, key, out = sys.argv[1:]
data = open(source, "rb").read()
n = int(data[124:135], 8)
envelope = cbor2.loads(data[512:512 + n]).value
auth = cbor2.loads(envelope[2])
protected = cbor2.dumps({1: -19})
open("tbs", "wb").write(cbor2.dumps(["Signature1", protected, b"", auth[0]]))
subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key,
    "-in", "tbs", "-out", "sig"], check=True)
auth.append(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, None,
    open("sig", "rb").read()])))
envelope[2] = cbor2.dumps(auth)
new = cbor2.dumps(cbor2.CBORTag(107, envelope))
header = bytearray(data[:512])
header[124:135] = b"%011o" % len(new)
header[148:156] = b" " * 8
header[148:156] = b"%06o\0 " % sum(header)
open(out, "wb").write(header + new + bytes(-len(new) % 512) +
    data[512 + (n + 511) // 512 * 512:])
END
try 'a signature without certificate' "$python" bare.py dev.fwb \
    plain/ed25519/release.key nocert.fwb
expect 'it is known by its key' 0 '' "$fwsign" strip nocert.fwb -o one.fwb \
    --signer key.pub
same 'and can be removed' dev.fwb one.fwb
expect 'not by its identifier' 1 'no signature of' "$fwsign" strip nocert.fwb \
    -o no.fwb --signer "$(key_id plain/ed25519/leaf.pem)"
expect 'the other can be removed' 0 '' "$fwsign" strip nocert.fwb \
    -o one.fwb --signer plain/p256/leaf.pem
expect 'all can be removed' 0 '' "$fwsign" strip nocert.fwb -o none.fwb
same 'all of them' u.fwb none.fwb

# ---- deny lists -----------------------------------------------------------------

: >nobody
printf '# lost in May\n%s # of a developer\n' "$(key_id plain/p256/leaf.pem)" \
    >leaf.deny
key_id plain/p256/intermediate.pem | tr a-f A-F >ca.deny
key_id plain/p256/root.pem >root.deny
key_id pki/p256/leaf.pem >token.deny
# shellcheck disable=SC2046
expect 'nobody is denied' 0 '' bare "$fwsign" sign u.fwb -o ok.fwb \
    $(by plain/p256) --deny nobody
# shellcheck disable=SC2046
expect 'somebody else is' 0 '' bare "$fwsign" sign u.fwb -o ok.fwb \
    $(by plain/ed25519) --deny leaf.deny
for list in leaf ca root; do
	# shellcheck disable=SC2046
	expect "build: $list" 1 "is denied by line [12] of '$list.deny'" \
	    "$fwsign" build release.yaml -o no.fwb $(by plain/p256) \
	    --deny $list.deny
	# shellcheck disable=SC2046
	expect "sign: $list" 1 "is denied by line" "$fwsign" sign u.fwb \
	    -o no.fwb $(by plain/p256) --deny $list.deny
	expect "tbs: $list" 1 "is denied by line" "$fwsign" tbs u.fwb \
	    -o no.fwb --chain plain/p256/full-chain.pem --deny $list.deny
	# shellcheck disable=SC2046
	expect "resign with: $list" 1 "is denied by line" "$fwsign" resign \
	    rel.fwb -o no.fwb $(by plain/p256) --deny $list.deny
done
# It is found before a PIN is asked for: there is none here.
expect 'before the token is asked' 1 'is denied' "$fwsign" sign u.fwb \
    -o no.fwb --key "pkcs11:token=none;object=none" \
    --chain plain/p256/chain.pem --deny leaf.deny
expect 'certificates on the token' 1 'is denied' "$fwsign" sign u.fwb \
    -o no.fwb --key "$(cat pki/p256/key.uri)" --deny token.deny
expect 'a root that nobody knows' 0 \
    "^fwsign: warning: the root above '.*' is not known and was not looked up" \
    bare "$fwsign" sign u.fwb -o ok.fwb --key plain/p256/release.key \
    --chain plain/p256/chain.pem --deny root.deny
expect 'one that is named, before the token is asked' 1 'is denied' "$fwsign" \
    sign u.fwb -o no.fwb --key "pkcs11:token=none;object=none" \
    --chain plain/p256/chain.pem --trust plain/p256/root.pem --deny root.deny
expect 'one that is named, of a request' 1 'is denied' "$fwsign" tbs u.fwb \
    -o no.request --chain plain/p256/chain.pem --trust plain/p256/root.pem \
    --deny root.deny
expect 'a root that is named' 1 'is denied' bare "$fwsign" sign u.fwb \
    -o no.fwb --key plain/p256/release.key --chain plain/p256/chain.pem \
    --trust plain/p256/root.pem --deny root.deny
"$fwsign" tbs u.fwb -o dev.request --chain plain/p256/chain.pem --quiet
for list in leaf ca; do
	expect "sign-request: $list" 1 'is denied' "$fwsign" sign-request \
	    dev.request --key plain/p256/release.key --yes -o no.response \
	    --deny $list.deny
done
"$fwsign" sign-request dev.request --key plain/p256/release.key --yes \
    -o dev.response --quiet 2>.e
for list in leaf ca; do
	expect "attach: $list" 1 'is denied' "$fwsign" attach u.fwb \
	    dev.response -o no.fwb --deny $list.deny
done
# What stays in a bundle.
for list in leaf ca; do
	# shellcheck disable=SC2046
	expect "sign beside: $list" 1 'signature 0 .* is denied' "$fwsign" \
	    sign dev.fwb -o no.fwb $(by_token ed25519) --deny $list.deny
	# shellcheck disable=SC2046
	expect "resign beside: $list" 1 'signature 0 .* is denied' "$fwsign" \
	    resign two.fwb -o no.fwb --signer key.pub $(by_token ed25519) \
	    --deny $list.deny
	expect "strip beside: $list" 1 'signature 0 .* is denied' "$fwsign" \
	    strip two.fwb -o no.fwb --signer key.pub --deny $list.deny
	# shellcheck disable=SC2046
	expect "replaced: $list" 0 '' "$fwsign" resign dev.fwb -o ok.fwb \
	    $(by_token ed25519) --deny $list.deny
	expect "removed: $list" 0 '' "$fwsign" strip two.fwb -o ok.fwb \
	    --signer plain/p256/leaf.pem --deny $list.deny
done
# shellcheck disable=SC2046
expect 'whose it is nobody knows' 1 'names no certificate' "$fwsign" sign \
    nocert.fwb -o no.fwb $(by_token ed25519) --deny nobody
# shellcheck disable=SC2046
expect 'which matters only with a list' 0 '' "$fwsign" sign nocert.fwb \
    -o ok.fwb $(by_token ed25519)
# Several at a time.
cp u.fwb u2.fwb
# shellcheck disable=SC2046
"$fwsign" sign u.fwb u2.fwb --output-directory . $(by plain/p256) \
    --deny leaf.deny >.o 2>.e
try 'several at a time' sh -c 'test $1 = 1 && grep -q "is denied" .e' sh $?
same 'are left alone' u.fwb u2.fwb
# What was signed before is signed anew if a signature must not be there.
mkdir there
cp u.fwb there/u2.fwb
# shellcheck disable=SC2046
try 'one that is there, with another signature' "$fwsign" sign \
    there/u2.fwb $(by_token ed25519) $(by plain/p256)
cp there/u2.fwb there.before
# shellcheck disable=SC2046
expect 'may stay' 0 '' "$fwsign" sign u2.fwb --output-directory there \
    $(by_token ed25519)
same 'stays' there.before there/u2.fwb
# shellcheck disable=SC2046
expect 'must not stay' 0 '' "$fwsign" sign u2.fwb --output-directory there \
    $(by_token ed25519) --deny leaf.deny
same 'is signed anew' at-once.fwb there/u2.fwb
printf '12\n' >bad.deny
# shellcheck disable=SC2046
expect 'a list that is none' 2 'bad.deny:1:1: .*no key identifier' "$fwsign" \
    sign u.fwb -o no.fwb $(by_token p256) --deny bad.deny
# shellcheck disable=SC2046
expect 'no list' 2 'cannot open' "$fwsign" sign u.fwb -o no.fwb \
    $(by_token p256) --deny none.deny
cp leaf.deny keep.deny
# shellcheck disable=SC2046
"$fwsign" sign u.fwb -o leaf.deny $(by_token p256) --deny leaf.deny 2>.e
try 'not over the list' test $? = 2
same 'which is left alone' keep.deny leaf.deny
expect 'unsigned with a list' 2 'exclude' "$fwsign" build release.yaml \
    --unsigned -o no.fwb --deny leaf.deny
gone 'what was refused left nothing' no.fwb no.response

# ---- certificates for tests --------------------------------------------------------

for which in root ca leaf; do
	try "a PKI with its $which marked" mark marked-$which $which
	set -- --key marked-$which/leaf.key --chain marked-$which/chain.pem
	refusal='is for tests only'
	expect "$which: build" 1 "$refusal" "$fwsign" build release.yaml \
	    -o no.fwb "$@"
	expect "$which: sign" 1 "$refusal" "$fwsign" sign u.fwb -o no.fwb "$@"
	expect "$which: tbs" 1 "$refusal" "$fwsign" tbs u.fwb -o no.request \
	    --chain marked-$which/chain.pem
	expect "$which: signed nevertheless" 0 '' bare "$fwsign" sign u.fwb \
	    -o test-$which.fwb "$@" --allow-test \
	    --trust marked-$which/root.pem
	expect "$which: devices do not know the mark" 0 '' "$fwverify" check \
	    --trust marked-$which/root.pem test-$which.fwb
	"$fwsign" tbs u.fwb -o test.request --chain marked-$which/chain.pem \
	    --allow-test --quiet
	expect "$which: sign-request" 1 "$refusal" "$fwsign" sign-request \
	    test.request --key marked-$which/leaf.key --yes -o no.response
	expect "$which: sign-request nevertheless" 0 '' bare "$fwsign" \
	    sign-request test.request --key marked-$which/leaf.key --yes \
	    -o test.response --allow-test
	expect "$which: attach" 1 "$refusal" "$fwsign" attach u.fwb \
	    test.response -o no.fwb
	expect "$which: attach nevertheless" 0 '' "$fwsign" attach u.fwb \
	    test.response -o ok.fwb --allow-test
	# shellcheck disable=SC2046
	expect "$which: beside another" 1 "signature 0 .*$refusal" "$fwsign" \
	    sign test-$which.fwb -o no.fwb $(by_token ed25519)
	# shellcheck disable=SC2046
	expect "$which: replaced by a release's" 0 '' "$fwsign" resign \
	    test-$which.fwb -o ok.fwb $(by_token ed25519)
	same "$which: nothing of it is left" at-once.fwb ok.fwb
	expect "$which: a release's replaced by it" 1 "$refusal" "$fwsign" \
	    resign at-once.fwb -o no.fwb "$@"
	expect "$which: removed" 0 '' "$fwsign" strip test-$which.fwb \
	    -o ok.fwb
	same "$which: what was built" u.fwb ok.fwb
done
# shellcheck disable=SC2046
try 'a release beside a test' "$fwsign" sign test-root.fwb -o both.fwb \
    $(by_token ed25519) --allow-test
expect 'the release alone is stripped' 1 'is for tests only' "$fwsign" strip \
    both.fwb -o no.fwb --signer pki/ed25519/leaf.pem
expect 'it is if allowed' 0 '' "$fwsign" strip both.fwb -o ok.fwb \
    --signer pki/ed25519/leaf.pem --allow-test
same 'the test is left' test-root.fwb ok.fwb
gone 'what was refused left nothing' no.fwb no.request no.response
exit $((fails > 0))
