#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# signers_test.sh BUILD-DIR: several signers, with keys of different kinds, in
# any order, and device profiles that say who has to sign and for what.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$T" || exit 1
# Each role has its own root, and a signer under it.
for role in release:p256 quality:rsa3072 security:ed25519 stranger:p384; do
	"$top/testdata/pki/mkpki.sh" --files "pki/${role%:*}" "${role#*:}" ||
	    exit 1
	mv "pki/${role%:*}/${role#*:}" "${role%:*}" || exit 1
done
head -c 3000 /dev/urandom >main.bin
head -c 2000 /dev/urandom >radio.bin
cat >release.yaml <<END
descriptor: 1
device: {vendor-domain: example.com, model: Pump 3}
sequence-number: 7
version: "1.2.3"
components:
  - {id: main, file: main.bin, format: raw}
  - {id: radio, file: radio.bin, format: raw}
END

# signed BUNDLE ROLE...: the release with these signatures, in this order, one
# at a time, as each role would.
signed() {
	out_=$1
	shift
	"$fwsign" build release.yaml --unsigned -o "$out_" >/dev/null || return
	for role_; do
		# shellcheck disable=SC2046
		"$fwsign" sign "$out_" $(by "$role_") >/dev/null 2>.e || {
			cat .e
			return 1
		}
	done
}
# profile FILE TRUST-LINES...: a device with these lines under 'trust'.
profile() {
	file_=$1
	shift
	{
		cat <<-END
			profile: 1
			device: {vendor-domain: example.com, model: Pump 3}
			sequence-number: 6
			clock: {source: trusted}
			components:
			  - {id: main, size: 65536}
			  - {id: radio, size: 65536}
			trust:
			  anchors:
			    - {name: release, file: release/root.pem}
			    - {name: quality, file: quality/root.pem}
			    - {name: security, file: security/root.pem}
		END
		printf '  %s\n' "$@"
	} >"$file_"
}
# accepts NAME PROFILE BUNDLE, refuses NAME CODE PROFILE BUNDLE
accepts() {
	expect "$1" 0 '' "$fwverify" check --device "$2" "$3"
}
refuses() {
	expect "$1" 1 '' "$fwverify" check --device "$3" "$4"
	try "$1: $2" grep -q "^refused: $2:" .out
}
# says PATTERN: the report of the last run has such a line.
says() {
	try "it says '$1'" grep -qE "^ *$1\$" .out
}

# ---- several signatures -------------------------------------------------------

profile any.yaml 'signatures: 1'
profile three.yaml 'signatures: 3'
for order in 'release quality security' 'security quality release' \
    'quality release security'; do
	name=$(echo "$order" | tr ' ' -)
	# shellcheck disable=SC2086
	try "signed by $order" signed "$name.fwb" $order
	accepts "$order: three of three" three.yaml "$name.fwb"
	for alg in ESP256 PS256 Ed25519; do
		says "signed by .*\\($alg\\)"
	done
	for role in release quality security; do
		says "which is +$role"
	done
done
# All of them at once.
# shellcheck disable=SC2046
try 'signed in one go' "$fwsign" build release.yaml -o at-once.fwb \
    --key release/release.key --chain release/full-chain.pem \
    --key quality/release.key --chain quality/full-chain.pem \
    --key security/release.key --chain security/full-chain.pem
accepts 'signed in one go: three of three' three.yaml at-once.fwb

try 'by release' signed release.fwb release
try 'by quality' signed quality.fwb quality
try 'by release and quality' signed two.fwb release quality
try 'by release and a stranger' signed stranger.fwb release stranger
try 'by a stranger' signed only-stranger.fwb stranger
refuses 'two of three' signers-too-few three.yaml two.fwb
says 'found +2'
says 'expected +at least 3'
accepts 'a stranger does not matter' any.yaml stranger.fwb
refuses 'a stranger alone' signer-unknown any.yaml only-stranger.fwb

# The same key signs once.
cp release.fwb again.fwb
# shellcheck disable=SC2046
expect 'no key signs twice' 1 'has been signed with key' \
    bare "$fwsign" sign again.fwb $(by release)
same 'and nothing is changed' release.fwb again.fwb
# shellcheck disable=SC2046
expect 'nor in one go' 2 'would sign twice' bare "$fwsign" build release.yaml \
    -o twice.fwb $(by release) $(by release)
try 'and nothing is left' test ! -e twice.fwb

# A second certificate for a key is not a second signer.
mkdir cross
cat >cross/cert.cfg <<END
cn = "Cross"
signing_key
code_signing_key
expiration_days = 30
END
try 'a certificate of another root for that key' certtool --generate-certificate \
    --load-privkey release/release.key --template cross/cert.cfg \
    --load-ca-certificate quality/root.pem --load-ca-privkey quality/root.key \
    --outfile cross/leaf.pem
cat cross/leaf.pem quality/root.pem >cross/full-chain.pem
cp release/release.key cross
cp release.fwb crossed.fwb
# shellcheck disable=SC2046
expect 'it does not sign twice' 1 'has been signed with key' \
    bare "$fwsign" sign crossed.fwb $(by cross)

# ---- rules --------------------------------------------------------------------

profile rule.yaml 'rules:' '  - {at-least: 2, of: [quality, release, security]}'
accepts 'two of three roles' rule.yaml two.fwb
accepts 'three of three roles' rule.yaml release-quality-security.fwb
refuses 'one of three roles' signer-rule rule.yaml release.fwb
says 'failed at +signer-rule\[0\]'
says 'found +1 of 2: release'
says 'expected +2 of release, quality, security \(different anchors\)'
refuses 'a stranger is no role' signer-rule rule.yaml stranger.fwb
profile named.yaml 'rules:' '  - {at-least: 1, of: [release]}' \
    '  - {at-least: 1, of: [quality, security]}'
accepts 'release and another' named.yaml two.fwb
refuses 'release and no other' signer-rule named.yaml release.fwb
says 'failed at +signer-rule\[1\]'
says 'found +0 of 1'
says 'expected +1 of quality, security'
refuses 'another and not release' signer-rule named.yaml quality.fwb
says 'failed at +signer-rule\[0\]'
# One bit of one signature: fatal if its signer is known, else no matter.
cat >broken.py <<'END'
import sys
import cbor2
bundle, which, out = sys.argv[1:]
data = bytearray(open(bundle, "rb").read())
envelope = cbor2.loads(data[512:512 + int(data[124:135], 8)]).value
block = cbor2.loads(cbor2.loads(envelope[2])[1 + int(which)]).value
data[data.index(block[3]) + 20] ^= 1
open(out, "wb").write(data)
END
for which in 0 1; do
	try "break signature $which" "$python" broken.py two.fwb $which \
	    broken$which.fwb
	refuses "a broken signature $which" signature-invalid any.yaml \
	    broken$which.fwb
done
try 'break that of a stranger' "$python" broken.py stranger.fwb 1 odd.fwb
accepts 'a stranger has broken it' any.yaml odd.fwb
profile keys.yaml 'rules:' \
    '  - {at-least: 2, of: [release, quality], distinct: keys}'
refuses 'one key of two' signer-rule keys.yaml release.fwb
says 'expected +2 of release, quality \(different keys\)'
accepts 'two keys' keys.yaml two.fwb
profile unknown.yaml 'rules:' '  - {at-least: 1, of: [legal]}'
expect 'a rule about nobody' 2 "no anchor has the name 'legal'" \
    "$fwverify" check --device unknown.yaml two.fwb
profile never.yaml 'rules:' '  - {at-least: 2, of: [quality]}'
expect 'a rule nobody can meet' 2 "'at-least' is more than" \
    "$fwverify" check --device never.yaml two.fwb
# Other anchors than the profile's: its rules do not apply, and it says so.
expect 'rules and --trust' 0 '' "$fwverify" check --device rule.yaml \
    --trust release/root.pem release.fwb
says 'not judged +the trust anchors, rules and rights of the device profile:.*'

# ---- rights -------------------------------------------------------------------

profile rights.yaml 'rights:' '  - {component: main, anchors: [release]}' \
    '  - {component: radio, anchors: [release, quality]}'
accepts 'release may sign for both' rights.yaml release.fwb
accepts 'with another' rights.yaml two.fwb
refuses 'quality may not' component-not-permitted rights.yaml quality.fwb
says 'failed at +signer-right\[0\]'
says "found +component 'main', signed by quality"
says 'expected +release'
profile rights2.yaml 'rights:' \
    '  - {component: radio, anchors: [security, quality]}'
refuses 'release may not, for radio' component-not-permitted rights2.yaml \
    release.fwb
says "found +component 'radio', signed by release"
says 'expected +quality or security'
accepts 'quality may, and main is free' rights2.yaml quality.fwb
accepts 'both' rights2.yaml two.fwb

# ---- time ---------------------------------------------------------------------

sed 's/^sequence-number: 7/&\nuse-before: 2099-01-01T00:00:00Z/' release.yaml \
    >timed.yaml
# shellcheck disable=SC2046
try 'a release with a last day' "$fwsign" build timed.yaml -o timed.fwb \
    $(by release)
accepts 'in time' any.yaml timed.fwb
"$fwsign" inspect --json timed.fwb >timed.json
try 'it is shown' grep -q '"2099-01-01T00:00:00Z"' timed.json
sed 's/source: trusted/source: none/' any.yaml >blind.yaml
refuses 'without a clock' clock-needed blind.yaml timed.fwb
sed 's/source: trusted/source: none, use-before: ignore/' any.yaml >ignore.yaml
accepts 'without a clock, told not to mind' ignore.yaml timed.fwb
says '.*use-before of component 0'
sed 's/source: trusted/source: none, use-before: ignore, not-before: 2099-01-01T00:00:00Z/' \
    any.yaml >late.yaml
refuses 'expired by the lower bound' certificate-expired late.yaml timed.fwb
expect 'no device and no time' 0 '' "$fwverify" check --time none \
    --trust release/root.pem timed.fwb
says '.*use-before of component 0'
soon=$(date -u -d '+10 days' +%Y-%m-%dT%H:%M:%SZ)
sed "s/^sequence-number: 7/&\\nuse-before: $soon/" release.yaml >soon.yaml
# shellcheck disable=SC2046
try 'a release for ten days' "$fwsign" build soon.yaml -o soon.fwb \
    $(by release)
accepts 'today' any.yaml soon.fwb
expect 'too late' 1 '' "$fwverify" check --device any.yaml \
    --time "$(date -u -d '+11 days' +%Y-%m-%dT%H:%M:%SZ)" soon.fwb
try 'too late: use-before-passed' grep -q '^refused: use-before-passed:' .out
says "expected +$soon"
expect 'at that second' 1 '' "$fwverify" check --device any.yaml \
    --time "$soon" soon.fwb
sed 's/^sequence-number: 7/&\nuse-before: 2001-01-01T00:00:00Z/' release.yaml \
    >past.yaml
# shellcheck disable=SC2046
expect 'fwsign makes none that is past' 1 'use-before-passed' bare "$fwsign" \
    build past.yaml -o past.fwb $(by release)
try 'and leaves nothing' test ! -e past.fwb

# ---- the reports --------------------------------------------------------------

for b in two release quality stranger; do
	for d in rule named rights rights2; do
		"$fwverify" check --json --device $d.yaml $b.fwb >$b-$d.json
	done
done
cat >valid.py <<'END'
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
for path in sys.argv[2:]:
    jsonschema.Draft202012Validator(schema).validate(json.load(open(path)))
END
try 'the reports are as their schema says' "$python" valid.py \
    "$top/schemas/verdict.schema.json" ./*-*.json
try 'signers have names' "$python" -c 'import json, sys
r = json.load(open("two-rule.json"))
sys.exit([s.get("anchor-name") for s in r["signers"]] !=
    ["release", "quality"])'
exit $((fails > 0))
