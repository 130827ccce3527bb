#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# device_test.sh BUILD-DIR: fwverify provision, install, boot, confirm and status
# over device directories.
# shellcheck disable=SC2016  # for the shells below
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

P=$T/pki/p256
"$top/testdata/pki/mkpki.sh" --files "$T/pki" p256 || exit 1
"$top/testdata/pki/mkpki.sh" --files "$T/other" p256 || exit 1
cd "$T" || exit 1

# ---- releases ----------------------------------------------------------------

# release VERSION SEQUENCE [MODEL]: rVERSION.fwb of three components, a sparse
# root file system among them.
release() {
	truncate -s 40M "root-$1"
	printf 'root file system %s' "$1" | dd of="root-$1" conv=notrunc \
	    bs=1 seek=30000000 2>/dev/null
	head -c $((9000 + $2)) /dev/urandom >"cpu-$1"
	head -c $((5000 + $2)) /dev/urandom >"fpga-$1"
	cat >d.yaml <<-END
		descriptor: 1
		device:
		  vendor-domain: example.com
		  model: ${3:-Pump 3}
		sequence-number: $2
		version: "$1"
		components:
		  - {id: rootfs, file: root-$1, version: "$1"}
		  - {id: cpu, file: cpu-$1, invoke: true}
		  - {id: fpga, file: fpga-$1}
	END
	build "r$1.fwb"
}
# build BUNDLE: from d.yaml
build() {
	"$fwsign" build d.yaml -o "$1" --key "$P/release.key" \
	    --chain "$P/full-chain.pem" --quiet >.o 2>.e || {
		cat .e >&2
		exit 1
	}
}
# profile SLOTS BOOT [SEQUENCE]
profile() {
	cat <<-END
		profile: 1
		device: {vendor-domain: example.com, model: Pump 3}
		sequence-number: ${3:-0}
		trust: {anchors: [pki/p256/root.pem]}
		clock: {source: none}
		boot: $2
		components:
		  - {id: rootfs, size: 300000000, slots: $1}
		  - {id: cpu, size: 20000, slots: $1}
		  - {id: fpga, size: 20001, slots: $1}
	END
}
release 1 5
release 2 7
release 3 9
profile 2 full >ab.yaml
profile 2 fast >fast.yaml
profile 1 full >one.yaml
profile 4 full >four.yaml
profile 2 full 6 >six.yaml

fits() {
	"$python" - "$top/schemas/$1.schema.json" "$2" <<-'END'
		import json, sys, jsonschema
		schema, doc = (json.load(open(f)) for f in sys.argv[1:])
		jsonschema.Draft202012Validator.check_schema(schema)
		jsonschema.Draft202012Validator(schema).validate(doc)
	END
}
# get KEY FILE
get() {
	"$python" -c 'import json, sys
v = json.load(open(sys.argv[2]))
for k in sys.argv[1].split("."):
	v = v[int(k) if isinstance(v, list) else k]
print(v)' "$1" "$2"
}
# holds DEVICE STATE STATE COUNTER
holds() {
	"$fwverify" status --device "$1" --json >s.json || return 1
	[ "$(get banks.0.state s.json) $(get banks.1.state s.json) \
$(get counter s.json)" = "$2 $3 $4" ] || {
		cat s.json
		return 1
	}
}
# has DEVICE BANK VERSION: the images are there, whole
has() {
	for c in 0:root 1:cpu 2:fpga; do
		f=${c#*:}-$3
		cmp -n "$(stat -c %s "$f")" "$f" \
		    "$1/component-${c%:*}.bank-$2" || return 1
	done
}
# boots DEVICE VERSION BANK
boots() {
	"$fwverify" boot --device "$1" --json >b.json || return 1
	grep -q "^  \"version\": \"$2\"" b.json &&
	    grep -q "^  \"bank\": $3" b.json && has "$1" "$3" "$2"
}

# ---- a life --------------------------------------------------------------------

expect 'provision' 0 '' "$fwverify" provision ab.yaml --device ab
try 'it says where' grep -qx 'accepted: ab' .out
try 'stands alone: profile' cmp ab.yaml ab/profile.yaml
try 'stands alone: anchor' cmp "$P/root.pem" ab/anchor-0.pem
expect 'nothing boots yet' 1 '' "$fwverify" boot --device ab
expect 'JSON of that' 1 '' "$fwverify" boot --device ab --json
cp .out refused.json
try 'fits the schema' fits device refused.json
try 'nothing-bootable' test "$(get refusal.code refused.json)" = \
    nothing-bootable
expect 'nothing to confirm' 1 '' "$fwverify" confirm --device ab --json
cp .out refused.json
try 'fits the schema' fits device refused.json
try 'not-confirmed' test "$(get refusal.code refused.json)" = not-confirmed
try 'in words' sh -c '"$1" confirm --device ab | grep -q \
    "^refused: not-confirmed: "' - "$fwverify"

mv pki hidden
expect 'install' 0 '' "$fwverify" install r1.fwb --device ab
try 'the report names the bank' grep -qE '^  bank +0$' .out
try 'and version and slot' sh -c 'grep -qE "^  version +1$" .out &&
    grep -q "rootfs, slot 0, 40000000\|rootfs, slot 0, 41943040" .out'
try 'pending' holds ab pending empty 0
try 'a large image is cheap' test "$(du -k ab | cut -f 1)" -lt 1000
try 'it boots' boots ab 1 0
try 'fits the schema' fits device b.json
try 'tried' holds ab tried empty 0
try 'what runs' test "$(get running s.json)" = 0
expect 'confirm' 0 '' "$fwverify" confirm --device ab
try 'confirmed, and counted' holds ab confirmed empty 5
expect 'install the next' 0 '' "$fwverify" install r2.fwb --device ab --json
cp .out install.json
try 'fits the schema' fits verdict install.json
try 'in the other bank' test "$(get bank install.json)" = 1
try 'it boots' boots ab 2 1
expect 'not while it is not confirmed' 1 '' \
    "$fwverify" install r3.fwb --device ab
try 'says so' grep -q '^refused: not-confirmed: ' .out
try 'it falls back' boots ab 1 0
try 'and gives it up' holds ab confirmed failed 5
expect 'the same again' 0 '' "$fwverify" install r2.fwb --device ab
try 'boots' boots ab 2 1
expect 'boot in words, with a trace' 0 '' \
    "$fwverify" boot --device ab --trace
try 'fell back again' grep -qx 'accepted: bank 0' .out
try 'with steps' grep -q "^bank\[1\]: 'given up' ok$" .out
expect 'once more' 0 '' "$fwverify" install r2.fwb --device ab
try 'boots' boots ab 2 1
expect 'confirm' 0 '' "$fwverify" confirm --device ab
expect 'confirm again' 0 '' "$fwverify" confirm --device ab
try 'both confirmed' holds ab confirmed confirmed 7
# What is installed there, by the texts of the manifest.
"$fwverify" status --device ab >.out
try 'status: the release in words' grep -qx ' *Pump 3, version 2' .out
try 'status: both' test "$(grep -c 'Pump 3, version [12]' .out)" = 2
try 'status: in JSON' test "$(get banks.1.product s.json) \
$(get banks.1.version s.json) $(get banks.1.components.0.component s.json)" = \
    'Pump 3 2 rootfs'
try 'status: each component' test \
    "$(get banks.1.components.2.component s.json) \
$(get banks.1.components.2.version s.json)" = 'fpga 2'
try 'status: the same manifest' test "$(get banks.1.manifest-digest s.json)" = \
    "$(get manifest-digest b.json)"
try 'status: fits the schema' fits device s.json
cp -r --sparse=always ab before
expect 'an older one' 1 '' "$fwverify" install r1.fwb --device ab
try 'is refused' grep -q '^refused: rollback: ' .out
try 'and nothing is touched' diff -r before ab
mv hidden pki

# A profile's number is where the counter begins.
expect 'provision with a number' 0 '' "$fwverify" provision six.yaml \
    --device six
expect 'the counter holds it' 1 '' "$fwverify" install r1.fwb --device six
expect 'and lets others in' 0 '' "$fwverify" install r2.fwb --device six

# ---- damage --------------------------------------------------------------------

# spoil FILE OFFSET
spoil() {
	printf '\000\001\002' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
cp -r --sparse=always ab hurt
spoil hurt/component-1.bank-1 500
try 'damaged: the other boots' boots hurt 1 0
try 'and stays' holds hurt confirmed failed 7
spoil hurt/component-0.bank-0 30000002
expect 'both damaged' 1 '' "$fwverify" boot --device hurt
try 'nothing boots' grep -q '^refused: nothing-bootable: ' .out
expect 'but it can be installed' 0 '' "$fwverify" install r3.fwb --device hurt
try 'and boots' boots hurt 3 1
cp -r --sparse=always ab hurt2
spoil hurt2/record.bank-1 700
try 'a damaged record is none' boots hurt2 1 0
spoil hurt2/counter.bank-0 3
spoil hurt2/counter.bank-1 3
expect 'no counter, no installation' 1 '' \
    "$fwverify" install r3.fwb --device hurt2
try 'for that reason' grep -q '^refused: store: ' .out
expect 'status says so' 1 '' "$fwverify" status --device hurt2 --json
cp .out refused.json
try 'fits the schema' fits device refused.json
try 'what was confirmed boots' boots hurt2 1 0
rm -rf hurt hurt2

# ---- the same words as check ----------------------------------------------------

# A profile that says what the device knows: bank 0 is next, 7 was counted.
profile 2 full 7 >judge.yaml
words() {
	"$fwverify" check --device judge.yaml --trace "$1" >check.txt 2>&1
	rc_=$?
	rm -rf try
	cp -r --sparse=always before try
	"$fwverify" install --device try --trace "$1" >install.txt 2>&1
	[ $? = $rc_ ] || return 1
	grep -q '^trace:$' check.txt || return 1
	sed '1,/^trace:$/d' check.txt >a.txt
	sed '1,/^trace:$/d' install.txt | grep -v '^bank\[' >b.txt
	cmp a.txt b.txt && head -n 1 check.txt >a.txt &&
	    head -n 1 install.txt >b.txt && cmp a.txt b.txt || return 1
	[ $rc_ = 0 ] || boots try 2 1
}
try 'good: install says what check says' words r3.fwb
release 4 11 'Pump 4'
try 'another model' words r4.fwb
try 'older' words r1.fwb
# small ones, so that copies are quick
cat >d.yaml <<'END'
descriptor: 1
device: {vendor-domain: example.com, model: Pump 3}
sequence-number: 9
version: "5"
components:
  - {id: rootfs, file: cpu-1, version: "5"}
  - {id: cpu, file: cpu-2}
  - {id: fpga, file: fpga-1}
END
build small.fwb
size=$(stat -c %s small.fwb)
all=yes
for at in 0 156 520 530 600 900 1300 1500 2000 $((size / 2)) $((size - 1500)) \
    $((size - 1)); do
	cp small.fwb bad.fwb
	spoil bad.fwb "$at"
	words bad.fwb || all="spoilt at $at"
	head -c "$at" small.fwb >bad.fwb
	words bad.fwb || all="cut at $at"
done
cat small.fwb small.fwb >bad.fwb
words bad.fwb || all='twice'
try "bad bundles: $all" test "$all" = yes
sed -i '/fpga/d' d.yaml
build part.fwb
expect 'a component is left out' 1 '' "$fwverify" install part.fwb \
    --device try
try 'component-set' grep -q '^refused: component-set: ' .out
"$fwsign" build d.yaml -o other.fwb --key "$T/other/p256/release.key" \
    --chain "$T/other/p256/full-chain.pem" --quiet >.o 2>.e
try 'a signer nobody knows' words other.fwb

# ---- one slot -------------------------------------------------------------------

expect 'one slot: provision' 0 '' "$fwverify" provision one.yaml --device one
expect 'one slot: install' 0 '' "$fwverify" install r1.fwb --device one
expect 'one slot: boot' 0 '' "$fwverify" boot --device one
expect 'one slot: install over it' 0 '' "$fwverify" install r2.fwb --device one
try 'one slot: the first has gone' sh -c \
    '"$1" boot --device one --json >b.json' - "$fwverify"
try 'one slot: in bank 1, slot 0' sh -c \
    '[ "$1" = "1 2" ]' - "$(get bank b.json) $(get version b.json)"
try 'one slot: images' has one 0 2

# ---- power fails -----------------------------------------------------------------

expect 'fast: provision' 0 '' "$fwverify" provision fast.yaml --device fast
for v in 1 2; do
	cat >d.yaml <<-END
		descriptor: 1
		device: {vendor-domain: example.com, model: Pump 3}
		sequence-number: 2$v
		version: "p$v"
		components:
		  - {id: rootfs, file: root-p$v, version: "p$v"}
		  - {id: cpu, file: cpu-p$v}
		  - {id: fpga, file: fpga-p$v}
	END
	for f in root cpu fpga; do
		head -c 7000 /dev/urandom >"$f-p$v"
	done
	build "p$v.fwb"
done
for c in 'install p1.fwb' boot confirm; do
	# shellcheck disable=SC2086
	expect "fast: $c" 0 '' "$fwverify" $c --device fast
done
expect 'how many operations' 0 '' sh -c 'cp -r fast f2 &&
    exec "$1" install p2.fwb --device f2 --json' - "$fwverify"
ops=$(get flash-operations .out)
try 'some' test "$ops" -gt 40
cuts=0 all=yes
at=1
while [ "$at" -le "$ops" ]; do
	for mode in before middle after; do
		rm -rf f2
		cp -r fast f2
		"$fwverify" install p2.fwb --device f2 --cut-power \
		    "$at:$mode:$at" >.out 2>.err && all="$at:$mode: not cut"
		grep -q "^fwverify: power failed at operation $at " .err ||
		    all="$at:$mode: $(cat .err)"
		[ ! -s .out ] || all="$at:$mode: output"
		want='p1 0'
		[ "$at:$mode" != "$ops:after" ] || want='p2 1'
		# shellcheck disable=SC2086
		boots f2 $want || [ "$at:$mode" = "$ops:middle" ] ||
		    all="$at:$mode: does not boot $want"
		cuts=$((cuts + 1))
	done
	[ "$at" != "$ops" ] || break
	at=$((at + 6))
	[ "$at" -le "$ops" ] || at=$ops
done
try "install was cut $cuts times: $all" test "$all" = yes
try 'and at its last operation' test "$at" = "$ops"
rm -rf f2
cp -r fast f2
"$fwverify" install p2.fwb --device f2 --cut-power 20:middle >.out 2>&1
expect 'a repeated installation' 0 '' "$fwverify" install p2.fwb --device f2
expect 'a boot that is cut' 1 'power failed at operation 1 ' \
    "$fwverify" boot --device f2 --cut-power 1:before
try 'nothing runs' sh -c '[ ! -e f2/running ]'
try 'boots' boots f2 p2 1
expect 'a confirmation that is cut' 1 'power failed at operation 2 ' \
    "$fwverify" confirm --device f2 --cut-power 2
try 'is not counted yet' holds f2 confirmed confirmed 21
try 'boots' boots f2 p2 1
try 'is counted now' holds f2 confirmed confirmed 22
try 'fast boot does not verify signatures, and says so' \
    grep -q 'signatures' b.json
expect 'a cut that never comes' 0 '' "$fwverify" status --device f2
for bad in 0 x 1:during 1:before:x '' 1:before:1:1; do
	expect "--cut-power '$bad'" 2 "'?--cut-power'?" \
	    "$fwverify" boot --device f2 --cut-power "$bad"
done

# ---- what is no device, and what is in the way ------------------------------------

expect 'no directory' 2 "cannot open device directory 'none'" \
    "$fwverify" boot --device none
mkdir empty
expect 'no device' 2 "'empty' is not a device directory" \
    "$fwverify" status --device empty
expect 'a file' 2 "cannot open device directory" \
    "$fwverify" status --device ab.yaml
expect 'provision twice' 2 "'ab' is a device already" \
    "$fwverify" provision ab.yaml --device ab
mkdir full
touch full/precious
expect 'provision over something' 2 "it holds 'precious'" \
    "$fwverify" provision ab.yaml --device full
try 'left alone' test "$(ls full)" = precious
expect 'four slots' 2 "component 'rootfs' in 'four.yaml' has 4 slots" \
    "$fwverify" provision four.yaml --device four
sed 's/^boot: full/allow: [swap]/' ab.yaml >swap.yaml
expect 'swap' 2 "'swap.yaml' allows swap" \
    "$fwverify" provision swap.yaml --device four
try 'nothing was made' test ! -e four
expect 'provision that is cut' 1 'power failed at operation 3' \
    "$fwverify" provision ab.yaml --device again --cut-power 3:middle
expect 'is no device' 2 'is not a device directory' \
    "$fwverify" status --device again
expect 'provision again' 0 '' "$fwverify" provision ab.yaml --device again
try 'as good as new' holds again empty empty 0
expect 'no --device' 2 "option '--device' is missing" "$fwverify" status
expect 'no such bundle' 2 'nosuch.fwb' "$fwverify" install nosuch.fwb \
    --device again
expect 'in use' 1 'is in use' flock again "$fwverify" status --device again
# Others wait for the lock: it is held until the report is complete.
all=yes
for i in 1 2 3 4 5; do
	rm -rf busy
	cp -r --sparse=always before busy
	"$fwverify" install r3.fwb --device busy >.out 2>.err &
	pid=$!
	while [ -s busy/record.bank-0 ] && kill -0 $pid 2>/dev/null; do :; done
	for k in 1 2 3; do
		flock busy sleep 0.2 &
	done
	wait $pid || all="time $i: $(cat .err)"
	wait
done
try "installed is installed: $all" test "$all" = yes
echo 7 >again/running
expect 'RAM that is damaged' 2 "again/running' is damaged" \
    "$fwverify" confirm --device again
expect 'a disk that is full' 1 "cannot use 'again/" sh -c \
    'trap "" XFSZ; ulimit -f 2000; exec "$1" install r1.fwb --device again' \
    - "$fwverify"
