#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trust_test.sh BUILD-DIR: the life of keys from the outside: trust anchors that
# a release replaces, and revocation lists in a bundle and beside it.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

# Two makers' roots, each with a signer, and a stranger's.
for who in old:p256 new:p384 stranger:p521; do
	"$top/testdata/pki/mkpki.sh" --files "$T/pki" "${who#*:}" || exit 1
	mv "$T/pki/${who#*:}" "$T/${who%:*}" || exit 1
done
cd "$T" || exit 1
head -c 4000 /dev/urandom | tr x y >app.bin	# x is what it is spoilt with
cat new/root.pem >roots.pem

# key_id CERT.pem
key_id() {
	openssl x509 -in "$1" -pubkey -noout |
	    openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1
}
old_id=$(key_id old/root.pem)
new_id=$(key_id new/root.pem)
old_leaf=$(key_id old/leaf.pem)
new_leaf=$(key_id new/leaf.pem)

# revoke LIST NUMBER ROOT KEY...
revoke() {
	list_=$1 number_=$2 root_=$3
	shift 3
	"$fwsign" revoke --root "$root_/root.pem" --key "$root_/root.key" \
	    --number "$number_" -o "$list_" --quiet "$@" 2>.e || {
		cat .e >&2
		exit 1
	}
}
# release SEQUENCE WHO ROOTS LIST: rSEQUENCE-WHO.fwb with these lists in it.
release() {
	cat >d.yaml <<-END
		descriptor: 1
		device: {vendor-domain: example.com, model: Pump 3}
		sequence-number: $1
		version: "$1"
		components:
		  - {id: app, file: app.bin}
		  - {id: anchors, file: $3, format: trust-anchors}
		  - {id: revoked, file: $4, format: revocations}
	END
	"$fwsign" build d.yaml -o "r$1-$2.fwb" --key "$2/release.key" \
	    --chain "$2/full-chain.pem" --quiet >.o 2>.e || {
		cat .e >&2
		exit 1
	}
}
cat >device.yaml <<END
profile: 1
device: {vendor-domain: example.com, model: Pump 3}
trust: {anchors: [old/root.pem]}
clock: {source: none}
boot: full
components:
  - {id: app, size: 8192, slots: 2}
  - {id: anchors, size: 4096, slots: 2, kind: trust-anchors}
  - {id: revoked, size: 2048, slots: 2, kind: revocations}
END
sed 's/boot: full/boot: fast/' device.yaml >fast.yaml

# get EXPRESSION FILE: of the report r.
get() {
	"$python" -c 'import json, sys
r = json.load(open(sys.argv[2]))
print(eval(sys.argv[1]))' "$1" "$2"
}
# trusts DEVICE ROOT-ID RELEASE LIST-NUMBER
trusts() {
	"$fwverify" status --device "$1" --json >s.json || return 1
	said_=$(get '(r["trust"]["anchors"][0]["key-identifier"],
	    r["trust"]["release"], (r["trust"]["revocations"] or {}).get(
	    "number"))' s.json)
	[ "$said_" = "('$2', $3, $4)" ] || {
		echo "$said_"
		return 1
	}
}
fits() {
	"$python" - "$top/schemas/$1.schema.json" "$2" <<-'END'
		import json, sys, jsonschema
		schema, doc = (json.load(open(f)) for f in sys.argv[1:])
		jsonschema.Draft202012Validator(schema).validate(doc)
	END
}
# refuses CODE COMMAND...: a refusal with that code.
refuses() {
	code_=$1
	shift
	expect "$*: $code_" 1 '' "$@"
	try "it says $code_" grep -q "^refused: $code_:" .out
}
accepts() {
	expect "$*" 0 '' "$@"
}

revoke none.list 1 old "$(printf '%064d' 0)"
revoke two.list 2 old old/leaf.pem
release 1 old old/root.pem none.list
release 2 old roots.pem none.list
release 3 old old/root.pem none.list
release 4 new roots.pem none.list

# ---- anchors ------------------------------------------------------------------

for boot in device fast; do
	d=$boot
	accepts "$fwverify" provision $boot.yaml --device $d
	try 'the anchor of the profile' trusts $d "$old_id" None None
	refuses signer-unknown "$fwverify" install r4-new.fwb --device $d
	accepts "$fwverify" install r1-old.fwb --device $d
	accepts "$fwverify" boot --device $d
	try 'not in force before it is confirmed' \
	    trusts $d "$old_id" None None
	accepts "$fwverify" confirm --device $d
	try 'in force' trusts $d "$old_id" 1 1
	accepts "$fwverify" install r2-old.fwb --device $d
	accepts "$fwverify" boot --device $d
	try 'still the old anchor' trusts $d "$old_id" 1 1
	cp -r $d tried-$boot
	accepts "$fwverify" confirm --device $d
	try 'now the new one' trusts $d "$new_id" 2 1
	refuses signer-unknown "$fwverify" install r3-old.fwb --device $d
	accepts "$fwverify" boot --device $d
	try 'the release that brought it boots' grep -q '^accepted: bank 1' .out
	cp -r $d ready-$boot
	accepts "$fwverify" install r4-new.fwb --device $d --json
	try 'signed under the new anchor' fits verdict .out
	accepts "$fwverify" boot --device $d
	accepts "$fwverify" confirm --device $d
	try 'goes on' trusts $d "$new_id" 2 1
done
try 'status fits the schema' fits device s.json

# What was never confirmed takes its anchors with it.
accepts "$fwverify" boot --device tried-device
try 'falls back' grep -q '^accepted: bank 0' .out
try 'to the old anchor' trusts tried-device "$old_id" 1 1
# The release before the change still boots, and changes nothing back.
cp -r ready-device broken
printf x | dd of=broken/component-0.bank-1 conv=notrunc 2>.e
accepts "$fwverify" boot --device broken
try 'the older release boots' grep -q '^accepted: bank 0' .out
try 'the new anchor stays' trusts broken "$new_id" 2 1
refuses signer-unknown "$fwverify" install r3-old.fwb --device broken
# Nor does a trust area that is lost bring the factory's back.
cp -r ready-device lost
for i in 0 1; do
	printf x | dd of=lost/trust.bank-$i conv=notrunc 2>.e
done
refuses store "$fwverify" install r3-old.fwb --device lost
accepts "$fwverify" boot --device lost

# What is in the component is what openssl reads.
openssl x509 -in new/root.pem -outform DER -out root.der
try 'the list holds the certificate' sh -c \
    'openssl asn1parse -inform DER -in ready-device/component-1.bank-1 \
    -strparse 4 -noout -out .cert >/dev/null && cmp .cert root.der'

# ---- revocation lists -----------------------------------------------------------

accepts "$fwverify" check r1-old.fwb --trust old/root.pem
refuses certificate-revoked "$fwverify" check r1-old.fwb \
    --trust old/root.pem --revocations two.list
expect 'JSON of that' 1 '' "$fwverify" check r1-old.fwb \
    --trust old/root.pem --revocations two.list --json
try 'the key that is revoked' grep -q "\"fact\": \"$old_leaf\"" .out
try 'and the list' test "$(get 'r["revocations"]["number"]' .out)" = 2
try 'fit the schema' fits verdict .out
refuses certificate-revoked "$fwverify" check r1-old.fwb \
    --device device.yaml --revocations two.list
refuses revocation-list "$fwverify" check r4-new.fwb --trust new/root.pem \
    --revocations two.list
accepts "$fwverify" check r4-new.fwb --trust new/root.pem \
    --trust old/root.pem --revocations two.list
revoke ca.list 3 old old/intermediate.pem
refuses certificate-revoked "$fwverify" check r1-old.fwb \
    --trust old/root.pem --revocations ca.list
head -c 50 two.list >cut.list
refuses revocation-list "$fwverify" check r1-old.fwb --trust old/root.pem \
    --revocations cut.list
expect 'no such list' 2 "'nosuch.list'" "$fwverify" check r1-old.fwb \
    --trust old/root.pem --revocations nosuch.list

# Beside a bundle: what was confirmed goes on to boot.
accepts "$fwverify" provision device.yaml --device beside
accepts "$fwverify" install r1-old.fwb --device beside
accepts "$fwverify" boot --device beside
accepts "$fwverify" confirm --device beside
cp -r beside pending
refuses certificate-revoked "$fwverify" install r2-old.fwb --device beside \
    --revocations two.list
try 'the list is in force' trusts beside "$old_id" 1 2
refuses certificate-revoked "$fwverify" install r2-old.fwb --device beside
refuses revocation-list-old "$fwverify" install r2-old.fwb --device beside \
    --revocations none.list
revoke foreign.list 9 stranger stranger/leaf.pem
refuses revocation-list "$fwverify" install r2-old.fwb --device beside \
    --revocations foreign.list
try 'nothing has changed' trusts beside "$old_id" 1 2
accepts "$fwverify" boot --device beside
# What was installed, but never ran, does not any more.
for boot in device fast; do
	rm -rf p
	cp -r pending p
	cp $boot.yaml p/profile.yaml
	accepts "$fwverify" install r2-old.fwb --device p
	refuses certificate-revoked "$fwverify" install r3-old.fwb \
	    --device p --revocations two.list
	accepts "$fwverify" boot --device p
	try "$boot: falls back to what was confirmed" \
	    grep -q '^accepted: bank 0' .out
done

# In a bundle: with the new anchor, whose root may name whom it likes.
revoke four.list 4 new new/leaf.pem
release 5 new roots.pem four.list
accepts "$fwverify" install r5-new.fwb --device ready-device
accepts "$fwverify" boot --device ready-device
try 'not before it is confirmed' trusts ready-device "$new_id" 2 1
accepts "$fwverify" confirm --device ready-device
try 'then the list that it brought' trusts ready-device "$new_id" 2 4
accepts "$fwverify" boot --device ready-device
release 6 new roots.pem four.list
refuses certificate-revoked "$fwverify" install r6-new.fwb \
    --device ready-device
try 'by its key' grep -q "$new_leaf" .out
# A list that nobody may sign is not recorded.
release 7 new roots.pem foreign.list
refuses revocation-list "$fwverify" install r7-new.fwb --device ready-fast

# ---- power ----------------------------------------------------------------------

# cut DEVICE COMMAND...: with power failing at every operation of a command,
# it boots, and trusts either root with either list; after the command was
# repeated, the new ones.
cut() {
	from_=$1 n_=1 points_=0
	shift
	while :; do
		rm -rf c
		cp -r "$from_" c
		"$fwverify" "$@" --device c --cut-power \
		    "$n_:middle:$n_" >.out 2>.e && break
		grep -q 'power failed' .e || {
			cat .out .e
			return 1
		}
		trusts c "$old_id" 1 1 >/dev/null ||
		    trusts c "$new_id" 2 1 || return 1
		"$fwverify" boot --device c >.out 2>.e || {
			cat .out .e
			return 1
		}
		points_=$((points_ + 1)) n_=$((n_ + 1))
	done
	echo "$points_ operations of $1 were cut" >>cuts
	[ "$points_" -gt 3 ]
}
rm -rf c before
cp -r tried-fast before
try 'power fails while anchors come into force' cut before confirm
try 'in the end they are' trusts c "$new_id" 2 1
cat cuts
