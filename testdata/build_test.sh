#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build_test.sh BUILD-DIR: fwsign build and fwsign sign from the command line.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

P=$T/pki/p256
"$top/testdata/pki/mkpki.sh" --files "$T/pki" p256 p384 || exit 1
"$top/testdata/pki/mkpki.sh" --files --expired "$T/expired" p256 || exit 1
"$top/testdata/pki/mkpki.sh" --files --future "$T/future" p256 || exit 1
key=$(by "$P")
dev='key file: for development only'
cd "$T" || exit 1

# descriptor FILE COMPONENT-LINES...: a descriptor with these components
descriptor() {
	file_=$1
	shift
	{
		cat <<-END
			descriptor: 1
			device:
			  vendor-domain: example.com
			  vendor-name: Example Devices
			  model: Pump 3
			sequence-number: 7
			version: "1.2.3"
			description: A test
			components:
		END
		printf '  %s\n' "$@"
	} >"$file_"
}
# Nothing but what was there: no partial output, no temporary file.
nothing_left() {
	left_=$(find "$T/out" -mindepth 1)
	if [ -z "$left_" ]; then
		ok "$1: nothing is left"
	else
		not_ok "$1: left behind: $left_"
		rm -rf "$T/out"
		mkdir "$T/out"
	fi
}

mkdir out
head -c 70000 /dev/urandom >fw.bin
printf second >b.bin
printf '{}' >sbom.json
descriptor d.yaml '- id: app' '  file: fw.bin' '- id: boot' '  file: b.bin'
cat >>d.yaml <<-END
	attachments:
	  - {name: sbom/sbom.json, type: application/json, file: sbom.json}
END

# ---- what it makes -----------------------------------------------------------

# shellcheck disable=SC2086
{
expect 'build' 0 "$dev" "$fwsign" build d.yaml -o a.fwb $key
try 'the result is shown' grep -q '^signer .*release' .out
try 'a key file is named' grep -q 'key file .*FOR DEVELOPMENT ONLY' .out
try 'fwverify accepts it' "$fwverify" check --trust "$P/root.pem" a.fwb
for ca in root intermediate; do
	expect "a signer that is a CA, $ca" 1 'is that of a CA' \
	    "$fwsign" build d.yaml -o ca.fwb --key "$P/$ca.key" \
	    --chain "$P/$ca.pem"
	try 'which leaves nothing' test ! -e ca.fwb
done
expect 'quiet' 0 "$dev" "$fwsign" build d.yaml -o a.fwb $key --quiet
try 'quiet says nothing' test ! -s .out
expect 'json' 0 "$dev" "$fwsign" build d.yaml -o a.fwb $key --json
cp .out report.json
}
try 'the JSON is as the schema says' /usr/bin/python3 - "$top" <<'EOF_PY'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/build.schema.json'))
jsonschema.Draft202012Validator.check_schema(schema)
report = json.load(open('report.json'))
jsonschema.validate(report, schema)
assert report['product'] == 'Pump 3' and report['sequence-number'] == 7
assert [c['component'] for c in report['components']] == ['app', 'boot']
assert report['components'][0]['images'][0]['size'] == 70000
assert report['judged'] == 'up-to-root'
EOF_PY

expect 'unsigned, as JSON' 0 '' "$fwsign" build d.yaml -o u.fwb --unsigned \
    --json
cp .out unsigned.json
expect 'unsigned, as text' 0 '' "$fwsign" build d.yaml -o u.fwb --unsigned
try 'says how far it was judged' grep -qx \
    'judged           by the device library: accepted, but for the signatures' \
    .out
Q=$T/pki/p384
cp a.fwb two.fwb
expect 'sign, as JSON' 0 "$dev" "$fwsign" sign two.fwb --json --key \
    "$Q/release.key" --chain "$Q/chain.pem"
cp .out signed.json
"$fwverify" check --json --trust "$P/root.pem" a.fwb >check.json
try 'all reports of signers agree' /usr/bin/python3 - "$top" <<'EOF_PY'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/build.schema.json'))
built, unsigned, signed, check = (json.load(open(f + '.json')) for f in
    ('report', 'unsigned', 'signed', 'check'))
for report in (unsigned, signed):
    jsonschema.validate(report, schema)
assert unsigned['judged'] == 'all-but-signatures' and not unsigned['signers']
assert signed['judged'] == 'up-to-topmost-certificate'
assert built['manifest-digest'] == check['manifest-digest']
assert built['sequence-number'] == check['sequence-number']
(one,), (two,), (judged,) = (r['signers'] for r in (built, signed, check))
for name in ('algorithm', 'signature-block', 'subject', 'serial'):
    assert one[name] == judged[name], name
assert one['key-file'] and one['key'].startswith("key file '"), one
assert one['signature-block'] == 0 and two['signature-block'] == 1
EOF_PY

cat >want <<-END
	-rw-r--r-- 0/0 manifest.suit
	-rw-r--r-- 0/0 fw.bin
	-rw-r--r-- 0/0 b.bin
	-rw-r--r-- 0/0 sbom/sbom.json
END
tar --numeric-owner -tvf a.fwb | awk '{ print $1, $2, $6 }' >got
same 'tar lists it' want got
mkdir x && tar -xf a.fwb -C x
same 'tar extracts the payload' fw.bin x/fw.bin
same 'tar extracts the attachment' sbom.json x/sbom/sbom.json
try 'the archive ends with two zero blocks' /usr/bin/python3 - <<'EOF_PY'
import os
n = sum(512 + -(-os.path.getsize(p) // 512) * 512 for p in
    ('x/manifest.suit', 'fw.bin', 'b.bin', 'sbom.json')) + 1024
assert os.path.getsize('a.fwb') == n
EOF_PY
# An encoder of other people's gives the same bytes, all the way down.
try 'deterministic CBOR throughout' /usr/bin/python3 - <<'EOF_PY'
import cbor2
def check(data, depth=0):
    item = cbor2.loads(data)
    assert cbor2.dumps(item, canonical=True) == data, data.hex()
    return item
e = check(open('x/manifest.suit', 'rb').read())
assert e.tag == 107 and list(e.value) == [2, 3, 23]
auth, manifest, text = check(e.value[2]), check(e.value[3]), check(e.value[23])
digest, block = check(auth[0]), check(auth[1])
assert block.tag == 18 and block.value[1:3] == [{}, None]
protected = check(block.value[0])
assert list(protected) == [1, 33] and protected[1] == -9
assert len(protected[33]) == 2
common = check(manifest[3])
for s in (common[4], manifest[7], manifest[20]):
    check(s)
assert list(manifest) == [1, 2, 3, 7, 9, 20, 23]
import hashlib
h = lambda b: hashlib.sha256(cbor2.dumps(b)).digest()
assert digest == [-16, h(e.value[3])] and manifest[23] == [-16, h(e.value[23])]
EOF_PY

# ---- the same inputs, the same bytes ------------------------------------------

try 'unsigned' "$fwsign" build d.yaml -o u1.fwb --unsigned
try 'unsigned again' "$fwsign" build d.yaml -o u2.fwb --unsigned
same 'deterministic' u1.fwb u2.fwb
try 'in a later year' env SOURCE_DATE_EPOCH=1700000000 "$fwsign" build \
    d.yaml -o u2.fwb --unsigned
tar --full-time -tvf u2.fwb | awk '{ print $4, $5 }' | sort -u >got
echo '2023-11-14 22:13:20' >want
same 'SOURCE_DATE_EPOCH is the time of all members' want got
expect 'SOURCE_DATE_EPOCH is no number' 2 \
    "^fwsign: environment variable 'SOURCE_DATE_EPOCH' needs a number" env \
    SOURCE_DATE_EPOCH=now "$fwsign" build d.yaml -o out/x --unsigned
"$fwverify" check --trust "$P/root.pem" u1.fwb >.out 2>.err
if [ $? = 1 ] && grep -q signature-missing .out .err; then
	ok 'an unsigned bundle is refused'
else
	not_ok 'an unsigned bundle is refused'
fi

# ---- signing later --------------------------------------------------------------

# shellcheck disable=SC2086
{
expect 'sign' 0 "$dev" "$fwsign" sign u1.fwb -o s.fwb $key
try 'fwverify accepts it' "$fwverify" check --trust "$P/root.pem" s.fwb
expect 'nobody signs twice' 1 'already' bare "$fwsign" sign s.fwb -o out/x $key
nothing_left 'twice'
Q=$T/pki/p384
expect 'a second signer' 0 "$dev" "$fwsign" sign s.fwb --key \
    "$Q/release.key" --chain "$Q/full-chain.pem"
try 'the first root' "$fwverify" check --trust "$P/root.pem" s.fwb
try 'the second root' "$fwverify" check --trust "$Q/root.pem" s.fwb
cp u1.fwb bad.fwb
n=$(grep -abo second bad.fwb | cut -d: -f1)
printf X | dd of=bad.fwb bs=1 seek="$n" conv=notrunc status=none
expect 'a spoilt bundle is not signed' 1 'payload-digest' bare "$fwsign" sign \
    bad.fwb -o out/x $key
nothing_left 'spoilt'
n=$(stat -c %s u1.fwb)
for cut in 0 1 511 512 1024 1536 $((n / 2)) $((n - 1024)) $((n - 512)) \
    $((n - 1)); do
	head -c "$cut" u1.fwb >cut.fwb
	expect "cut at $cut" 1 '.' bare "$fwsign" sign cut.fwb -o out/x $key
done
nothing_left 'cut'
expect 'no bundle' 1 'not a bundle' "$fwsign" sign fw.bin -o out/x $key
expect 'no such bundle' 2 'none.fwb' "$fwsign" sign none.fwb -o out/x $key
expect 'no key' 2 '--key' "$fwsign" sign u1.fwb -o out/x
}

sed '$a\
signers:\
  - key: PKCS11:object=a?pin-value=1234' d.yaml >pin.yaml

# ---- wrong inputs -----------------------------------------------------------------

# shellcheck disable=SC2086
{
expect 'no such descriptor' 2 'none.yaml' "$fwsign" build none.yaml -o out/x $key
expect 'no output' 2 '-o BUNDLE' "$fwsign" build d.yaml $key
expect 'no descriptor' 2 'descriptor' "$fwsign" build -o out/x $key
expect 'unknown option' 2 '--kye' "$fwsign" build d.yaml -o out/x --kye x
expect 'no signer' 2 'no signer' "$fwsign" build d.yaml -o out/x
expect '--unsigned with --key' 2 'exclude' "$fwsign" build d.yaml -o out/x \
    --unsigned $key
for o in '--time none' '--module x' '--pin-env X' '--pin-fd 3' \
    '--allow-final-try' "--trust $P/root.pem"; do
	expect "--unsigned with $o" 2 "'${o%% *}' exclude" "$fwsign" build \
	    d.yaml -o out/x --unsigned $o
done
# An input is never what the output replaces.
for f in fw.bin sbom.json d.yaml; do
	cp "$f" before
	expect "the output is $f" 2 "output '$f' would replace the input" \
	    "$fwsign" build d.yaml -o "$f" --unsigned
	same "$f is as it was" before "$f"
done
cp "$P/release.key" "$P/full-chain.pem" "$P/root.pem" .
for f in release.key full-chain.pem root.pem; do
	cp "$f" before
	expect "the output is $f" 2 "output '$f' would replace the input" \
	    "$fwsign" build d.yaml -o "$f" --key release.key \
	    --chain full-chain.pem --trust root.pem
	expect "the signed bundle is $f" 2 "'$f' would replace the input" \
	    "$fwsign" sign u1.fwb -o "$f" --key release.key \
	    --chain full-chain.pem --trust root.pem
	same "$f is as it was" before "$f"
done
cp d.yaml before
ln d.yaml link.yaml
expect 'another name of an input' 2 "'link.yaml' would replace" "$fwsign" \
    build d.yaml -o link.yaml --unsigned
same 'it is as it was' before d.yaml
rm link.yaml
expect '--chain before --key' 2 'behind a --key' "$fwsign" build d.yaml \
    -o out/x --chain x --key y
expect 'no such algorithm' 2 'RS256' "$fwsign" build d.yaml -o out/x $key \
    --alg RS256
expect 'an algorithm in any letter case' 0 "$dev" "$fwsign" build d.yaml \
    -o alg.fwb $key --alg esp256
expect 'two algorithms for a key' 2 'given twice for one key' "$fwsign" build \
    d.yaml -o out/x $key --alg ESP256 --alg ESP256
expect 'two chains for a key' 2 'given twice for one key' "$fwsign" build \
    d.yaml -o out/x $key --chain x
expect 'a PIN in a URI of any letter case' 2 'must not hold a PIN' "$fwsign" \
    build pin.yaml -o out/x
expect 'algorithm of another key' 2 'does not fit' bare "$fwsign" build d.yaml \
    -o out/x $key --alg ESP384
expect 'no time' 2 'yesterday' "$fwsign" build d.yaml -o out/x $key \
    --time yesterday
expect 'unused --set' 2 'NAME' "$fwsign" build d.yaml -o out/x $key \
    --set NAME=x
descriptor e.yaml '- id: app' '  file: none.bin'
expect 'missing file, with its place' 2 \
    '^fwsign: e.yaml:11:11: .*none.bin.*No such file' \
    "$fwsign" build e.yaml -o out/x $key
: >empty.bin
descriptor e.yaml '- id: app' '  file: empty.bin'
expect 'empty file' 2 '^fwsign: e.yaml:11:11: .*is empty' \
    "$fwsign" build e.yaml -o out/x $key
descriptor e.yaml '- id: app' '  file: out' '  name: x'
expect 'a folder' 2 '^fwsign: e.yaml:11:11: .*directory' \
    "$fwsign" build e.yaml -o out/x $key
descriptor e.yaml '- id: app' '  file: fw.bin' '  max-size: 69999'
expect 'too large' 2 '70000 bytes, more than the 69999' \
    "$fwsign" build e.yaml -o out/x $key
printf ':0100000055AA\n:0100000056A9\n:00000001FF\n' >o.hex
descriptor e.yaml '- id: app' '  file: o.hex' '  format: intel-hex'
expect 'overlapping HEX records' 2 'o.hex:2' "$fwsign" build e.yaml -o out/x \
    $key
expect 'no such key' 3 'none.key' "$fwsign" build d.yaml -o out/x \
    --key none.key --chain $P/chain.pem
expect 'no such chain' 2 'none.pem' "$fwsign" build d.yaml -o out/x \
    --key $P/release.key --chain none.pem
expect 'certificate of another key' 1 'certificate' bare "$fwsign" build d.yaml \
    -o out/x --key $P/release.key --chain $Q/full-chain.pem
cat $P/intermediate.pem $P/leaf.pem >wrong.pem
expect 'chain out of order' 2 'order' "$fwsign" build d.yaml -o out/x \
    --key $P/release.key --chain wrong.pem
expect 'untrusted root' 1 'signer-unknown' bare "$fwsign" build d.yaml -o out/x \
    $key --trust $Q/root.pem
expect 'trusted root' 0 "$dev" "$fwsign" build d.yaml -o x.fwb $key --trust \
    $P/root.pem
nothing_left 'wrong input'
}

E=$T/expired/p256 F=$T/future/p256
expect 'expired leaf' 1 'expired on 20' bare "$fwsign" build d.yaml \
    -o out/x --key "$E/release.key" --chain "$E/full-chain.pem"
expect 'leaf of the future' 1 'not valid before 20' bare "$fwsign" \
    build d.yaml -o out/x --key "$F/release.key" --chain "$F/full-chain.pem"
nothing_left 'dates'
expect 'dates not judged, with a warning' 0 'warning: validity dates' \
    bare "$fwsign" build d.yaml -o x.fwb --time none \
    --key "$E/release.key" --chain "$E/full-chain.pem"
day=$(openssl x509 -in "$E/leaf.pem" -noout -startdate | cut -d= -f2)
try 'judged at another time' "$fwsign" build d.yaml -o x.fwb \
    --time "$(date -u -d "$day + 1 day" +%Y-%m-%dT%H:%M:%SZ)" \
    --key "$E/release.key" --chain "$E/full-chain.pem"

# ---- whole or not at all ------------------------------------------------------------

# shellcheck disable=SC2086
{
expect 'no such folder' 1 'none/x' bare "$fwsign" build d.yaml \
    -o none/x $key
expect 'a folder is there' 1 'directory' bare "$fwsign" build d.yaml \
    -o out $key
printf old >out/old
(ulimit -f 32 && trap '' XFSZ && bare "$fwsign" build d.yaml -o out/old \
    $key) 2>.err
if [ $? = 1 ] && grep -q 'File too large' .err; then
	ok 'no room'
else
	not_ok "no room: $(cat .err)"
fi
try 'what was there is untouched' test "$(cat out/old)" = old
rm out/old
nothing_left 'no room'
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=48k tmpfs full \
    2>/dev/null; then
	expect 'full disk' 1 'No space left' bare "$fwsign" build d.yaml \
	    -o full/x $key
	try 'full disk: nothing is left' test -z "$(ls -A full)"
	umount full
fi

}

# Stopped at some moment in the middle; a shell would start it with SIGINT
# ignored.
truncate -s 1G big.bin
printf x | dd of=big.bin bs=1 seek=500000000 conv=notrunc status=none
descriptor big.yaml '- id: app' '  file: big.bin'
cat >stop.py <<-'END'
	import signal, subprocess, sys, time
	n = getattr(signal, 'SIG' + sys.argv[1])
	stopped = 0
	for ms in (5, 20, 50, 100, 150, 200, 300):
	    p = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL,
	                         stderr=subprocess.DEVNULL)
	    time.sleep(ms / 1000)
	    p.send_signal(n)
	    stopped += p.wait() in (-n, 1)
	sys.exit(stopped < 4)
END
for sig in INT TERM HUP QUIT KILL; do
	# shellcheck disable=SC2086
	try "SIG$sig: stopped in the middle" /usr/bin/python3 stop.py $sig \
	    "$fwsign" build big.yaml -o out/x $key
	rm -f out/x			# of a build that was quicker
	nothing_left "SIG$sig"
done

# A source that is written to while it is read.
(
	while :; do
		printf y | dd of=big.bin bs=1 seek=1000 conv=notrunc \
		    status=none
	done
) &
writer=$!
# shellcheck disable=SC2086
expect 'a source that changes' 1 'changed while it was read' bare \
    "$fwsign" build big.yaml -o out/x $key
kill "$writer"
wait "$writer" 2>/dev/null
nothing_left 'a source that changes'
rm big.bin

# ---- sizes ------------------------------------------------------------------------

# Sparse files: what counts is that sizes are right everywhere.  Two round
# numbers and their neighbours are told apart by the last byte.
for size in $((0x7fffffff)) $((0x80000001)) $((0xffffffff)) \
    $((0x100000001)) $((0x200000001)); do
	truncate -s "$size" big.bin
	printf z | dd of=big.bin bs=1 seek=$((size - 1)) conv=notrunc \
	    status=none
	# shellcheck disable=SC2086
	if ! /usr/bin/time -q -f %M -o mem "$fwsign" build big.yaml -o big.fwb \
	    $key >.o 2>.e; then
		not_ok "size $size: $(cat .e)"
		continue
	fi
	got=$(tar -tvf big.fwb 2>&1 | awk '$6 == "big.bin" { print $3 }')
	if [ "$got" = "$size" ]; then
		ok "size $size"
	else
		not_ok "size $size: tar says '$got'"
	fi
	if [ "$(stat -c %b big.fwb)" -lt 4096 ]; then
		ok "size $size: holes stay holes"
	else
		not_ok "size $size: $(stat -c %b big.fwb) blocks on the disk"
	fi
	if [ -n "${SAN:-}" ] || nm "$fwsign" 2>/dev/null | grep -q __asan; then
		:			# the sanitizer's own memory
	elif [ "$(cat mem)" -lt 16384 ]; then
		ok "size $size: $(cat mem) KiB of memory"
	else
		not_ok "size $size: $(cat mem) KiB of memory"
	fi
done
try '8 GiB + 1: fwverify accepts it' "$fwverify" check --trust \
    "$P/root.pem" big.fwb
