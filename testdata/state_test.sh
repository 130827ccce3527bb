#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# state_test.sh BUILD-DIR: manifests that ask about the state of the device, its
# battery, its owner, versions and events: fwverify without a device, with a
# profile, and with a device directory that installs and boots.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

P=$T/pki/p256
"$top/testdata/pki/mkpki.sh" --files "$T/pki" p256 || exit 1
cd "$T" || exit 1
head -c 3000 /dev/urandom >fw
head -c 2000 /dev/urandom >radio

# ---- bundles -------------------------------------------------------------------

# unsigned: u.fwb
unsigned() {
	cat >d.yaml <<-END
		descriptor: 1
		device: {vendor-domain: example.com, model: Pump 3}
		sequence-number: 5
		version: "1"
		components:
		  - {id: main, file: fw, version: "1", invoke: true}
		  - {id: radio, file: radio}
	END
	"$fwsign" build d.yaml --unsigned -o u.fwb >.o 2>.e || {
		cat .e >&2
		exit 1
	}
}
# bundle NAME SECTION=COMMANDS...: NAME.fwb
bundle() {
	name=$1
	shift
	"$python" "$top/testdata/commands_tool.py" u.fwb v.fwb "$@" &&
	    "$fwsign" sign v.fwb --key "$P/release.key" \
		--chain "$P/full-chain.pem" -o "$name.fwb" >.o 2>.e || {
		cat .e >&2
		exit 1
	}
}
unsigned
soon=$(($(date +%s) + 100000))
bundle battery '4=[20, {26: 6000}, 26, 15]'
bundle priority '4=[20, {27: 4}, 27, 15]'
bundle urgent '4=[27, 15]'
bundle version '4=[20, {28: W([2, [1, 2]])}, 28, 15]'
bundle older '4=[20, {28: W([5, [1, 2]])}, 28, 15]'
bundle wait '7=[20, {29: W({2: 1, 3: 1})}, 29, 15]'
bundle owner '7=[20, {29: W({1: 4})}, 29, 15]'
bundle time "7=[20, {29: W({5: $soon})}, 29, 15]"
bundle use-before "7=[20, {4: $soon}, 4, 15]"
bundle all "4=[20, {26: 6000, 27: 4, 28: W([2, [1, 2]])}, 26, 15, 27, 15, \
28, 15]" "7=[20, {29: W({2: 1, 3: 1})}, 29, 15]"

# ---- no device ------------------------------------------------------------------

any() {
	"$fwverify" check --trust "$P/root.pem" "$1.fwb" >.out 2>.err || return 1
	shift
	for line_; do
		grep -qE "^  (not judged)? +$line_\$" .out || {
			echo "no '$line_'"
			cat .out
			return 1
		}
	done
}
try 'any: battery' any battery 'minimum-battery 6000 mWh'
try 'any: owner' any priority 'update-authorized of component 0'
try 'any: version' any version 'version of component 0'
try 'any: wait' any wait 'wait of component 0'
try 'any: all' any all 'minimum-battery 6000 mWh' \
    'update-authorized of component 0' 'version of component 0' \
    'wait of component 0'

# ---- a profile, and the device that it makes ----------------------------------------

# profile STATE VERSION [CLOCK]: p.yaml
profile() {
	cat >p.yaml <<-END
		profile: 1
		device: {vendor-domain: example.com, model: Pump 3}
		trust: {anchors: [pki/p256/root.pem]}
		clock: {source: ${3:-none}}
		components:
		  - {id: main, size: 5000, slots: 2${2:+, version: \"$2\"}}
		  - {id: radio, size: 5000, slots: 2}
	END
	[ -z "$1" ] || echo "state: $1" >>p.yaml
}
# trace FILE: without the time that it was, which goes on between two runs.
trace() {
	nows_=$(sed -n 's/^clock: \(20[^ ]*\) .*/s,\1,now,g/p' "$1" | sort -u)
	sed '1,/^trace:$/d' "$1" | grep -v '^bank\[' | sed "$nows_"
}
# says BUNDLE CODE [FOUND EXPECTED]: check and install say so, with the same
# words; what is accepted boots as well.
says() {
	rm -rf dev
	"$fwverify" provision p.yaml --device dev >/dev/null || return 1
	"$fwverify" check --device p.yaml --trace "$1.fwb" >check.txt 2>&1
	rc_=$?
	"$fwverify" install --device dev --trace "$1.fwb" >install.txt 2>&1
	[ $? = $rc_ ] || { echo "install: $?, check: $rc_"; return 1; }
	trace check.txt >a.txt
	trace install.txt >b.txt
	[ -s a.txt ] && cmp a.txt b.txt || return 1
	head -n 5 check.txt
	if [ "$2" = ok ]; then
		[ $rc_ = 0 ] || return 1
		"$fwverify" boot --device dev >boot.txt
		return
	fi
	[ $rc_ = 1 ] && grep -q "^refused: $2: " check.txt &&
	    grep -q "^refused: $2: " install.txt || return 1
	[ -z "${3:-}" ] || {
		grep -qx "  found          $3" check.txt &&
		    grep -qx "  expected       $4" check.txt &&
		    grep -qx "  found          $3" install.txt
	}
}

profile '' ''
for b in battery priority urgent version wait owner time; do
	try "nothing told: $b" says $b command-disabled
done
profile '{battery: 6000, authorized-priority: 4, events: {power: met, network: met}}' \
    1.2.0
for b in battery priority urgent version wait owner all; do
	try "told: $b" says $b ok
done
try 'told: an older one is wanted' says older version-mismatch 1.2.0 \
    'earlier than 1.2'
try 'told: the time is not known' says time command-disabled
profile '{battery: 5999, authorized-priority: 3, events: {power: met, network: pending}}' \
    1.1.9
try 'not enough battery' says battery battery-low '5999 mWh' \
    'at least 6000 mWh'
try 'not authorized' says priority not-authorized 'priority 4' 'at most 3'
try 'authorized without priority' says urgent ok
try 'too old' says version version-mismatch 1.1.9 'at least 1.2'
try 'old enough' says older ok
try 'no network yet' says wait wait
try 'its owner has not said so' says owner wait
profile '{authorized-priority: -1}' 1.2-rc.1
try 'not even without priority' says urgent not-authorized 'priority 0' \
    'at most -1'
try 'a release candidate' says version ok
try 'no battery that is known' says battery command-disabled
try 'no events that are known' says wait command-disabled
profile '{battery: 1}' ''
try 'no version that is known' says version command-disabled

# Of a release without texts none are told.
bundle notext notext
profile '{battery: 1}' ''
try 'no texts' says notext ok
"$fwverify" status --device dev --json >status.json
try 'none in its status' sh -c '"$1" status --device dev | grep -c version >n
    grep -qE "\"(product|version|components)\"" status.json && exit 1
    grep -q "\"manifest-digest\"" status.json && [ "$(cat n)" = 0 ]' - "$fwverify"

# ---- alternatives -----------------------------------------------------------------------

head -c 1000 /dev/urandom >fw2
unsigned
sed -i 's/file: fw, /slots: [{slot: 0, file: fw}, {slot: 1, file: fw2}], /' d.yaml
"$fwsign" build d.yaml --unsigned -o u.fwb >.o 2>.e || cat .e >&2
bundle slots '4=[20, {26: 6000}, 26, 15]'
bundle versions versions
passed='no command that was executed fetches it'
# passes BUNDLE OPTION VALUE PAYLOAD...: exactly these were not judged
passes() {
	"$fwverify" check "$2" "$3" "$1.fwb" >.out || return 1
	shift 3
	cat .out
	[ "$(grep -c "$passed" .out)" = $# ] || return 1
	for line_; do
		grep -q "payload $line_: $passed\$" .out || return 1
	done
}
try 'any: slots are all judged' passes slots --trust "$P/root.pem"
try 'any: one version is judged, and it says so' \
    passes versions --trust "$P/root.pem" fw2
profile '{battery: 6000}' 1
try 'slots: the other is told' passes slots --device p.yaml fw2
try 'version 1' passes versions --device p.yaml fw2
try 'the same words' says versions ok
profile '{battery: 6000}' 2.5
try 'version 2' passes versions --device p.yaml fw
try 'the same words' says versions ok
try 'its image' cmp -n 1000 fw2 dev/component-0.bank-0
profile '{battery: 6000}' 3.0
try 'version 3' says versions try-each-exhausted

# ---- time ----------------------------------------------------------------------------

later=$("$python" -c 'import sys, time
print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(sys.argv[1]))))' "$soon")
profile '{battery: 1}' '' trusted
try 'not time yet' says time wait
try 'use-before: accepted in time' says use-before ok
try 'and boots in time' grep -qx 'accepted: bank 0' boot.txt
try 'dates of certificates are not judged then' \
    grep -q 'whether the certificates are valid now$' boot.txt
expect 'not any more when it has passed' 1 '' \
    "$fwverify" boot --device dev --time "$later" --trace
try 'for that reason' grep -q 'condition-use-before.*use-before-passed' .out
expect 'nor without a clock' 1 '' \
    "$fwverify" boot --device dev --time none --trace
try 'for that reason' grep -q 'condition-use-before.*clock-needed' .out
rm -rf dev
"$fwverify" provision p.yaml --device dev >/dev/null
expect 'a wait for a time that has come' 0 '' \
    "$fwverify" install time.fwb --device dev --time "$later"
expect 'it waits when it boots, too' 1 '' \
    "$fwverify" boot --device dev --trace
try 'for the event' grep -q 'directive-wait: wait$' .out
expect 'and boots when it comes' 0 '' \
    "$fwverify" boot --device dev --time "$later"

# A device's profile is its own: what it is like can be changed there.
profile '{battery: 5000}' ''
rm -rf dev
"$fwverify" provision p.yaml --device dev >/dev/null
expect 'a battery that is low' 1 '' "$fwverify" install battery.fwb --device dev
sed -i 's/battery: 5000/battery: 7000/' dev/profile.yaml
expect 'was charged' 0 '' "$fwverify" install battery.fwb --device dev
