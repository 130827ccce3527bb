#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# batch_test.sh BUILD-DIR: many bundles with one command, with a token.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"

cd "$T" || exit 1
"$top/testdata/pki/mkpki.sh" pki p256 rsa3072 >/dev/null || exit 1
"$top/testdata/pki/mkpki.sh" --files other p256 || exit 1
token_use pki/token
uri=$(cat pki/p256/key.uri)
key="--key $uri --chain pki/p256/full-chain.pem"
root=pki/p256/root.pem
n=24

cat >d.yaml <<'END'
descriptor: 1
device:
  vendor-domain: example.com
  vendor-name: Example Devices
  model: Pump 3
  device-id: ${DEVICE}
sequence-number: 7
version: "${VERSION}"
components:
  - id: app
    file: fw.bin
  - id: conf
    file: conf.hex
    format: intel-hex
  - id: note
    file: note.txt
    payload: integrated
attachments:
  - {name: sbom.json, type: application/json, file: sbom.json}
END
head -c 300000 /dev/urandom | tr X Y >fw.bin	# X is what it is spoilt with
printf ':0400000001020304F2\r\n:00000001FF\r\n' >conf.hex
printf note >note.txt
printf '{}' >sbom.json
grep -q integrated "$top/schemas/descriptor.schema.json" ||
    sed -i '/payload: integrated/d' d.yaml
device() {
	printf '%08x-0000-4000-8000-000000000000' "$1"
}
list() {
	cat <<-'END'
		batch: 1
		descriptor: d.yaml
		output: out/${NUMBER}.fwb
		set: {VERSION: "1.2.3"}
		bundles:
	END
	i=0
	while [ "$i" -lt "$1" ]; do
		echo "  - set: {DEVICE: $(device $i), NUMBER: $i}"
		i=$((i + 1))
	done
}
list $n >list.yaml
mkdir out

# digests FOLDER: of all files in it.
digests() {
	(cd "$1" && find . -type f | sort | xargs sha256sum)
}
# Nothing but bundles: no temporary file.
only_bundles() {
	left_=$(find "$1" -mindepth 1 ! -name '[0-9]*.fwb')
	try "$2: nothing else is left" test -z "$left_"
}
# accepted FOLDER COUNT: so many bundles, all good, each for its device.
accepted() {
	good_=0
	for f_ in "$1"/*.fwb; do
		"$fwverify" check --trust $root "$f_" >/dev/null 2>&1 &&
		    good_=$((good_ + 1))
	done
	try "$2 bundles are accepted" test "$good_" = "$2"
}

# shellcheck disable=SC2086
{
# ---- build -------------------------------------------------------------------

expect 'build' 0 '' "$fwsign" build --batch list.yaml $key --log log --jobs 3
seq 0 $((n - 1)) | sed 's|.*|signed         out/&.fwb|' >want
echo "$n bundles: $n signed, 0 signed before, 0 failed, 0 not tried" >>want
same 'results come in order' want .out
accepted out $n
only_bundles out build
try 'each is for its device' sh -c '
	"$1" inspect out/17.fwb | grep -qi "00000011-0000-4000-8000"' sh "$fwsign"
expect 'the log holds' 0 '' "$fwsign" log verify log
try 'all are in it' test "$(wc -l <log)" = $n
"$python" -c 'import json
for line in open("log"): print(json.loads(line)["bundle"])' >got
seq 0 $((n - 1)) | sed 's|.*|out/&.fwb|' >want
same 'in order' want got
# One at a time gives the same, but for the signature.
"$fwsign" build d.yaml -o one.fwb --unsigned --set VERSION=1.2.3 \
    --set "DEVICE=$(device 5)" >/dev/null
"$fwsign" strip out/5.fwb -o stripped.fwb >/dev/null
same 'a bundle is what build makes alone' one.fwb stripped.fwb

# ---- what was done is not done again ---------------------------------------------

digests out >before
expect 'again' 0 '' "$fwsign" build --batch list.yaml $key --log log
try 'all were signed before' grep -qx \
    "$n bundles: 0 signed, $n signed before, 0 failed, 0 not tried" .out
digests out >after
same 'nothing has changed' before after
try 'nothing was logged' test "$(wc -l <log)" = $n
# What is missing, damaged, of others or for something else is made anew.
rm out/3.fwb
printf X | dd of=out/7.fwb bs=1 seek=100000 conv=notrunc status=none
cp out/11.fwb out/12.fwb
head -c 1000 out/13.fwb >x && mv x out/13.fwb
printf text >out/14.fwb
bytes=$(grep -abo '00000010-' out/16.fwb | head -n 1 | cut -d: -f1)
printf X | dd of=out/16.fwb bs=1 seek="${bytes:-600}" conv=notrunc status=none
"$fwsign" build d.yaml -o out/15.fwb --set VERSION=1.2.3 \
    --set "DEVICE=$(device 15)" --key other/p256/release.key \
    --chain other/p256/full-chain.pem --quiet 2>/dev/null
expect 'some again' 0 '' "$fwsign" build --batch list.yaml $key --log log
try 'seven were signed' grep -qx \
    "$n bundles: 7 signed, $((n - 7)) signed before, 0 failed, 0 not tried" .out
accepted out $n
try 'and logged' test "$(wc -l <log)" = $((n + 7))
printf x >>fw.bin
expect 'another payload' 0 '' "$fwsign" build --batch list.yaml $key --quiet
try 'quiet says nothing' test ! -s .out
digests out >after
try 'all are other bundles' test "$(cat before after | cut -d' ' -f1 | sort |
    uniq -d | wc -l)" = 0
accepted out $n

# ---- failures -------------------------------------------------------------------

rm -rf out && mkdir out out/20.fwb out/22.fwb
expect 'two of them fail' 1 'is a directory' sh -c '"$@" 2>err; rc=$?
    grep "is a directory" err | head -n 1 >&2; exit $rc' sh "$fwsign" build \
    --batch list.yaml $key --log log2
try 'with a line each, and a sum' test "$(wc -l <err)" = 3
try 'the sum' grep -q "^fwsign: 2 of $n bundles failed" err
try 'the lines' sh -c 'grep -q "out/20.fwb.*directory" err &&
    grep -q "out/22.fwb.*directory" err'
rmdir out/20.fwb out/22.fwb
accepted out $((n - 2))
expect 'mended' 0 '' "$fwsign" build --batch list.yaml $key
try 'two are signed' grep -q ": 2 signed, $((n - 2)) signed before" .out
rm -rf out && mkdir out out/0.fwb
"$fwsign" build --batch list.yaml $key --fail-fast --jobs 1 >.out 2>.err
try 'fail fast: the exit status' test $? = 1
try 'fail fast: what is left was not tried' grep -q '^fwsign: given up: 1 of' .err
try 'fail fast: the last was not tried' grep -qx \
    "not-tried      out/$((n - 1)).fwb" .out
rmdir out/0.fwb
rm -f out/*
sed 's/^  - set: {DEVICE: 00000009.*/  - set: {DEVICE: nonsense, NUMBER: 9}/' \
    list.yaml >bad.yaml
expect 'a descriptor that is wrong for one' 1 'd.yaml:.*device-id' sh -c '
    "$@" 2>err; rc=$?; head -n 1 err >&2; exit $rc' sh "$fwsign" build \
    --batch bad.yaml $key
accepted out $((n - 1))
sed 's/^  - set: {DEVICE: 00000000.*/  - set: {DEVICE: nonsense, NUMBER: 9}/' \
    list.yaml | head -n 6 >bad.yaml
expect 'for the first' 2 'd.yaml:.*device-id' "$fwsign" build --batch bad.yaml \
    $key
rm -f out/*
expect 'a log that cannot be written' 1 'signing log' "$fwsign" build --batch \
    list.yaml $key --log none/log
try 'there are no bundles' test -z "$(ls out)"
expect 'no such key' 3 'no private key' "$fwsign" build --batch list.yaml \
    --key "$(echo "$uri" | sed 's/object=[^?]*/object=none/')" \
    --chain pki/p256/full-chain.pem
try 'there are no bundles' test -z "$(ls out)"
cp d.yaml signers.yaml
cat >>signers.yaml <<END
signers:
  - key: "$(echo "$uri" | sed 's/release-p256/release-\${ALG}/')"
    chain: pki/\${ALG}/full-chain.pem
END
sed -i 's/?/?/' signers.yaml
{
	sed -n '1,5p' list.yaml | sed 's/d.yaml/signers.yaml/'
	for i in 0 1 2; do
		echo "  - set: {DEVICE: $(device $i), NUMBER: $i, ALG: p256}"
	done
	echo "  - set: {DEVICE: $(device 3), NUMBER: 3, ALG: rsa3072}"
} >signers-list.yaml
expect 'other signers for one' 1 'not those of the first' sh -c '
    "$@" 2>err; rc=$?; head -n 1 err >&2; exit $rc' sh "$fwsign" build \
    --batch signers-list.yaml
accepted out 3
expect 'the list is wrong' 2 '^fwsign: none.yaml|none.yaml' "$fwsign" build \
    --batch none.yaml $key
for o in '--jobs 0' '--jobs 65' '--jobs x' '-o x.fwb'; do
	expect "not with $o" 2 '.' "$fwsign" build --batch list.yaml $key $o
done
for o in '--jobs 2' '--fail-fast' '--output-directory out'; do
	expect "$o without a list" 2 'belong' "$fwsign" build d.yaml -o x.fwb \
	    $key $o
done
expect 'a name that is nowhere used' 2 "'OTHER' is set" "$fwsign" build \
    --batch list.yaml $key --set OTHER=x

# ---- other folders, unsigned, JSON ---------------------------------------------------

rm -rf out && mkdir -p there/out
expect 'in another folder, unsigned' 0 '' "$fwsign" build --batch list.yaml \
    --unsigned --output-directory there --json
cp .out report.json
cat >report.py <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/batch-report.schema.json'))
jsonschema.Draft202012Validator.check_schema(schema)
report = json.load(open('report.json'))
jsonschema.validate(report, schema)
for want in sys.argv[2:]:
    name, value = want.split('=')
    assert report.get(name) == int(value), want
END
try 'as the schema says' "$python" report.py "$top" "built=$n" failed=0
try 'all are there' test "$(ls there/out | wc -l)" = $n

# ---- sign --------------------------------------------------------------------------

mkdir signed
expect 'sign many into a folder' 0 '' "$fwsign" sign there/out/*.fwb $key \
    --output-directory signed --log log3 --jobs 2
accepted signed $n
only_bundles signed sign
try 'all are in the log' test "$(wc -l <log3)" = $n
expect 'the log holds' 0 '' "$fwsign" log verify log3
digests signed >before
expect 'again' 0 '' "$fwsign" sign there/out/*.fwb $key \
    --output-directory signed --json
cp .out report.json
try 'as the schema says' "$python" report.py "$top" signed=0 \
    "signed-before=$n"
digests signed >after
same 'nothing has changed' before after
expect 'in their places' 0 '' "$fwsign" sign there/out/*.fwb $key
accepted there/out $n
expect 'again in their places' 0 '' "$fwsign" sign there/out/*.fwb $key
try 'all were signed before' grep -q ": 0 signed, $n signed before" .out
expect 'a second signer' 0 '' "$fwsign" sign there/out/*.fwb --quiet \
    --key "$(cat pki/rsa3072/key.uri)" --chain pki/rsa3072/full-chain.pem
accepted there/out $n
expect 'one with --jobs is a batch' 0 '' "$fwsign" sign there/out/0.fwb $key \
    --jobs 1
expect 'one without is not' 1 'already' "$fwsign" sign there/out/0.fwb $key
printf x >there/out/5.fwb
expect 'one is no bundle' 1 'not a bundle' sh -c '"$@" 2>err; rc=$?
    head -n 1 err >&2; exit $rc' sh "$fwsign" sign there/out/*.fwb $key --json
cp .out report.json
try 'as the schema says' "$python" report.py "$top" failed=1 \
    "signed-before=$((n - 1))"
try 'with the reason' grep -q '"error": ".*not a bundle' report.json
expect 'two of one name' 2 'two bundles would become' "$fwsign" sign \
    there/out/1.fwb signed/1.fwb $key --output-directory signed
expect 'one output for two' 2 'output-directory' "$fwsign" sign \
    there/out/1.fwb there/out/2.fwb $key -o x.fwb

# ---- stopped in the middle -------------------------------------------------------------

list 2000 >long.yaml
cat >stop.py <<'END'
import signal, subprocess, sys, time
n = getattr(signal, 'SIG' + sys.argv[1])
p = subprocess.Popen(sys.argv[3:], stdout=open('stop.out', 'wb'),
                     stderr=open('stop.err', 'wb'))
# Once some are there.
import os
for _ in range(600):
    if len(os.listdir('out')) >= 10 or p.poll() is not None:
        break
    time.sleep(0.05)
p.send_signal(n)
rc = p.wait()
sys.exit(rc not in (-n, 1))
END
mkdir -p out
for sig in INT TERM KILL; do
	rm -f out/* log4
	try "SIG$sig: stopped" "$python" stop.py $sig x "$fwsign" build --batch \
	    long.yaml $key --log log4
	have=$(ls out | wc -l)
	try "SIG$sig: in the middle" test "$have" -ge 10 -a "$have" -lt 2000
	only_bundles out "SIG$sig"
	# All is said before the signal ends it.
	if [ $sig != KILL ]; then
		try "SIG$sig: a line for each and the sum" \
		    [ "$(wc -l <stop.out)" = 2001 ]
		try "SIG$sig: those that are there are told" \
		    [ "$(grep -c '^signed  ' stop.out)" = "$have" ]
		try "SIG$sig: the sum" sh -c 'tail -n 1 stop.out | grep -q \
		    "^2000 bundles: $1 signed, 0 .* not tried$"' sh "$have"
		try "SIG$sig: why" grep -qx 'fwsign: given up because of a .*' \
		    stop.err
	fi
	"$fwsign" log verify log4 >/dev/null 2>&1 ||
	    "$fwsign" build d.yaml -o x.fwb $key --log log4 --quiet \
	    --set VERSION=1 --set "DEVICE=$(device 1)"
	expect "SIG$sig: the log holds" 0 '' "$fwsign" log verify log4
	# No signature that left the tool is missing from the log.
	try "SIG$sig: all that is there is in the log" "$python" - <<'END_PY'
import hashlib, json, os
import cbor2
logged = set()
for line in open('log4', 'rb'):
    try:
        line = json.loads(line)
    except ValueError:
        continue
    logged.add(line.get('signature-sha256'))
for name in os.listdir('out'):
    e = cbor2.loads(open('out/' + name, 'rb').read(65536)[512:])
    block = cbor2.loads(cbor2.loads(e.value[2])[1])
    assert hashlib.sha256(block.value[3]).hexdigest() in logged, name
END_PY
done
head -n 105 long.yaml >some.yaml
expect 'gone on with' 0 '' "$fwsign" build --batch some.yaml $key --log log4
before=$(sed -n 's/.* \([0-9]*\) signed before.*/\1/p' .out)
try 'what was done is not done again' test "$before" -ge 10
}

# ---- the token has few sessions ------------------------------------------------------------

# with SESSIONS JOBS: on a token that has no more sessions.
cp other/p256/release.key key.pem
with() {
	rm -rf out && mkdir out
	MOCK_P11="key=$T/key.pem:k:01,sessions=$1$extra" MOCK_P11_LOG=$T/calls \
	    "$fwsign" build --batch list.yaml --module "$B/mock_p11.so" \
	    --key 'pkcs11:token=mock;object=k' --pin-fd 3 --jobs "$2" \
	    --chain other/p256/full-chain.pem --json 3<mock.pin
}
echo 1234 >mock.pin
extra=
root=other/p256/root.pem
expect 'as many sessions as jobs' 0 '' with 5 5
expect 'fewer sessions than jobs' 0 '3 of 8 jobs only: .*CKR_SESSION_COUNT' \
    with 3 8
cp .out report.json
try 'those that there are are used' "$python" report.py "$top" jobs=3 \
    "signed=$n"
accepted out $n
try 'there was one login' test "$(grep -c '^C_Login$' calls)" = 2
extra=,always
expect 'a PIN for each signature' 0 '1 of 8 jobs only: .* wants the PIN' \
    with 9 8
extra=
accepted out $n
expect 'no session' 3 'CKR_SESSION_COUNT' with 0 2

# ---- one file by two names ---------------------------------------------

rm -rf out deep && mkdir out deep
ln -s ../out deep/link
# names A B: a list of two bundles with these outputs.
names() {
	cat <<-END
		batch: 1
		descriptor: d.yaml
		set: {VERSION: "1.2.3"}
		bundles:
		  - {output: $1, set: {DEVICE: $(device 1)}}
		  - {output: $2, set: {DEVICE: $(device 2)}}
	END
}
for two in out/a.fwb:./out/a.fwb out/a.fwb:out//a.fwb \
    out/a.fwb:deep/../out/a.fwb "out/a.fwb:$T/out/a.fwb" \
    out/a.fwb:deep/link/a.fwb; do
	names "${two%:*}" "${two#*:}" >names.yaml
	expect "one file by two names: $two" 2 'are the same file' \
	    "$fwsign" build --batch names.yaml --unsigned
done
try 'nothing was built' test -z "$(ls out)"
names out/a.fwb names.yaml | sed 's|d.yaml|../d.yaml|' >deep/names.yaml
cp deep/names.yaml names.before
expect 'the list itself' 2 "would replace the input 'deep/names.yaml'" \
    "$fwsign" build --batch deep/names.yaml --unsigned
same 'it is left alone' names.before deep/names.yaml
names out/a.fwb deep/a.fwb >names.yaml
expect 'one name in two folders' 0 '' "$fwsign" build --batch names.yaml \
    --unsigned
# shellcheck disable=SC2086
{
expect 'signing one file by two names' 2 'are the same file' \
    "$fwsign" sign out/a.fwb deep/link/a.fwb $key
expect 'signing two files' 0 '' "$fwsign" sign out/a.fwb deep/a.fwb $key
}

# ---- what another bundle needs -----------------------------------------

# Nothing is signed, not even what comes before.
rm -rf out deep && mkdir out deep
"$fwsign" build --batch names.yaml --unsigned --quiet || exit 1
cp out/a.fwb deep/b.fwb
ln -s deep/b.fwb alias.fwb
cp out/a.fwb b.fwb
# shellcheck disable=SC2086
expect 'a bundle that is signed too' 2 \
    "'deep/b.fwb' would replace the input 'alias.fwb'" "$fwsign" sign \
    out/a.fwb b.fwb alias.fwb $key --output-directory deep
same 'it is left alone' out/a.fwb deep/b.fwb
try 'and nothing is signed' test "$(ls deep)" = "$(printf 'a.fwb\nb.fwb')"
# shellcheck disable=SC2016  # for fwsign to replace
sed 's/fw.bin/${FILE}/' d.yaml >file.yaml
head -c 100 /dev/urandom >second.bin
cp second.bin second.before
cat >files.yaml <<END
batch: 1
descriptor: file.yaml
set: {VERSION: "1.2.3"}
bundles:
  - {output: out/z.fwb, set: {DEVICE: $(device 1), FILE: fw.bin}}
  - {output: out/../second.bin, set: {DEVICE: $(device 2), FILE: fw.bin}}
  - {output: out/y.fwb, set: {DEVICE: $(device 3), FILE: second.bin}}
END
expect 'an image of another bundle' 2 \
    "second.bin' would replace the input '(.*/)?second.bin'" "$fwsign" build \
    --batch files.yaml --unsigned
same 'it is left alone' second.before second.bin
try 'and nothing is built' test ! -e out/z.fwb
# shellcheck disable=SC2086
expect 'the log' 2 "would replace the input 'out/l'" "$fwsign" sign out/a.fwb \
    deep/../out/l $key --log out/l
try 'which is not begun' test ! -e out/l

# ---- a progress bar ---------------------------------------------------------------------------

cat >terminal.py <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    out = os.open('tty.out', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.execv(sys.argv[1], sys.argv[1:])
data = b''
while True:
    try:
        some = os.read(fd, 4096)
    except OSError:
        break
    if not some:
        break
    data += some
rc = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
open('tty.err', 'wb').write(data)
sys.exit(rc)
END
rm -rf out && mkdir out
# shellcheck disable=SC2086
{
try 'on a terminal' "$python" terminal.py "$fwsign" build --batch list.yaml $key
try 'there is a bar' grep -q "\[#* *\] [0-9]* of $n" tty.err
rm -f out/*
try 'not with --quiet' "$python" terminal.py "$fwsign" build --batch list.yaml $key \
    --quiet
try 'there is none' sh -c '! grep -q "\[" tty.err'
}
