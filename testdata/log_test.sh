#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# log_test.sh BUILD-DIR: the signing log from the command line, with a token.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"

cd "$T" || exit 1
"$top/testdata/pki/mkpki.sh" pki p256 rsa3072 >/dev/null || exit 1
"$top/testdata/pki/mkpki.sh" --files other p256 || exit 1
token_use pki/token
cat >d.yaml <<'END'
descriptor: 1
device:
  vendor-domain: example.com
  vendor-name: Example Devices
  model: Pump 3
sequence-number: 7
version: "1.2.3"
components:
  - id: main
    file: fw.bin
END
printf firmware >fw.bin
# sign ALG: the options.
sign() {
	echo "--key $(cat pki/$1/key.uri) --chain pki/$1/full-chain.pem"
}
lines() {
	wc -l <"$1"
}
root=pki/p256/root.pem

# shellcheck disable=SC2046
{
# ---- what is logged ----------------------------------------------------------

expect 'build' 0 '' "$fwsign" build d.yaml -o a.fwb --log log $(sign p256)
expect 'unsigned, to be signed' 0 '' "$fwsign" build d.yaml -o u.fwb --unsigned
expect 'sign' 0 '' "$fwsign" sign u.fwb --log log $(sign rsa3072)
try 'two lines' test "$(lines log)" = 2
expect 'the log holds' 0 '' "$fwsign" log verify log
try 'it has no checkpoint' grep -q '^checkpoint  *none' .out
try 'the lines say who, what and with what' "$python" - "$top" <<'END'
import datetime, hashlib, json, subprocess, sys
import jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/log.schema.json'))
jsonschema.Draft202012Validator.check_schema(schema)
previous = '0' * 64
lines = []
for n, text in enumerate(open('log', 'rb').read().split(b'\n')[:-1], 1):
    line = json.loads(text)
    jsonschema.validate(line, schema)
    # All that fwlog(5) says of hashes, made by others' code.
    dump = lambda o: json.dumps(o, sort_keys=True, ensure_ascii=False,
                                separators=(',', ':')).encode()
    assert dump(line) == text
    own = {k: v for k, v in line.items() if k != 'hash'}
    assert hashlib.sha256(dump(own)).hexdigest() == line['hash']
    assert line['previous'] == previous and line['line'] == n
    previous = hashlib.sha256(text).hexdigest()
    lines.append(line)
a, u = lines
for alg, line, mechanism in (('p256', a, 'CKM_ECDSA'),
                             ('rsa3072', u, 'CKM_RSA_PKCS_PSS')):
    der = subprocess.run(['openssl', 'x509', '-in', f'pki/{alg}/leaf.pem',
        '-outform', 'DER'], check=True, stdout=subprocess.PIPE).stdout
    c = line['certificate']
    assert c['sha256'] == hashlib.sha256(der).hexdigest()
    assert alg in c['subject'] and 'release' in c['subject']
    assert 'intermediate' in c['issuer']
    assert line['mechanism'] == mechanism
    assert line['token']['label'] == 'fwsign-test' and line['token']['serial']
    assert f"release-{alg}" in line['key']
    assert line['product'] == 'Pump 3' and line['version'] == '1.2.3'
    assert line['sequence-number'] == 7
    assert line['tool'].startswith('fwsign ')
    t = datetime.datetime.strptime(line['time'], '%Y-%m-%dT%H:%M:%SZ')
    assert abs((datetime.datetime.utcnow() - t).total_seconds()) < 300
assert a['bundle'] == 'a.fwb' and u['bundle'] == 'u.fwb'
# The signature is the one in the bundle.
import cbor2
e = open('a.fwb', 'rb').read()[512:]
block = cbor2.loads(cbor2.loads(cbor2.loads(e).value[2])[1])
assert hashlib.sha256(block.value[3]).hexdigest() == a['signature-sha256']
digest = cbor2.loads(cbor2.loads(cbor2.loads(e).value[2])[0])
assert a['manifest-digest'] == 'sha-256:' + digest[1].hex()
END
expect 'JSON' 0 '' "$fwsign" log verify log --json
cp .out report.json
try 'as the schema says' "$python" - "$top" report.json <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/log-report.schema.json'))
jsonschema.Draft202012Validator.check_schema(schema)
report = json.load(open(sys.argv[2]))
jsonschema.validate(report, schema)
assert report['lines'] == report['signatures'] == 2
assert report['checkpoint'] is None
END

# ---- no log, no bundle ---------------------------------------------------------

mkdir dir
for log in none/log dir /dev/null; do
	expect "the log cannot be written: $log" 1 'signing log' "$fwsign" build \
	    d.yaml -o x.fwb --log $log $(sign p256)
	try 'there is no bundle' test ! -e x.fwb
done
# With a key file: SoftHSM would lose its token.
(ulimit -f 1 && trap '' XFSZ && "$fwsign" build d.yaml -o x.fwb --log log \
    --key other/p256/release.key --chain other/p256/full-chain.pem) >.out 2>.err
try 'no room' test $? = 1 -a ! -e x.fwb
expect 'the log is as it was' 0 '' "$fwsign" log verify log
try 'with two lines' test "$(lines log)" = 2
cp log damaged
printf 'x\n' >>damaged
expect 'a damaged log' 1 "'damaged' is no JSON" "$fwsign" build d.yaml \
    -o x.fwb --log damaged $(sign p256)
try 'there is no bundle' test ! -e x.fwb
expect 'an input as log' 2 'would replace' "$fwsign" build d.yaml -o log \
    --log log $(sign p256)
expect 'unsigned, and a log' 2 'exclude' "$fwsign" build d.yaml -o x.fwb \
    --unsigned --log log

# ---- checkpoints -----------------------------------------------------------------

expect 'trust, and no checkpoint' 1 'no checkpoint' "$fwsign" log verify log \
    --trust $root
expect 'checkpoint' 0 '' "$fwsign" log checkpoint log -o kept $(sign p256)
try 'it is the last line' sh -c 'tail -n 1 log | cmp - kept'
expect 'the log holds' 0 '' "$fwsign" log verify log --trust $root \
    --checkpoint kept
try 'and says so' grep -q 'leads to a trusted root' .out
expect 'the log holds, as JSON' 0 '' "$fwsign" log verify log --trust $root \
    --json
cp .out report.json
try 'as the schema says' "$python" - "$top" report.json <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/log-report.schema.json'))
report = json.load(open(sys.argv[2]))
jsonschema.validate(report, schema)
assert report['checkpoint']['line'] == 3 and report['checkpoint']['trusted']
END
expect 'more lines' 0 '' "$fwsign" build d.yaml -o b.fwb --log log $(sign p256)
expect 'with RSA' 0 '' "$fwsign" log checkpoint log -o kept2 --json \
    $(sign rsa3072)
cp .out report.json
try 'JSON of a checkpoint' "$python" - "$top" report.json <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/log-report.schema.json'))
report = json.load(open(sys.argv[2]))
jsonschema.validate(report, schema)
assert report['line'] == 5
END
expect 'both are met' 0 '' "$fwsign" log verify log --checkpoint kept \
    --checkpoint kept2 --trust $root --trust pki/rsa3072/root.pem
expect 'another root' 1 '^fwsign: log:3: .*certificate-signature' \
    "$fwsign" log verify log --trust other/p256/root.pem
expect 'one of them is not trusted' 1 '^fwsign: log:5: ' "$fwsign" log verify \
    log --trust $root
# Cut behind, and before, a checkpoint.
head -n 4 log >cut
expect 'cut' 0 '' "$fwsign" log verify cut --checkpoint kept
expect 'cut before the checkpoint that was kept' 1 'the log was cut' "$fwsign" \
    log verify cut --checkpoint kept2
# A log of the same length, all hashes right, but another.
for i in 1 2 3 4; do
	"$fwsign" build d.yaml -o c.fwb --log forged $(sign p256) --quiet
done
expect 'a forged log is in order' 0 '' "$fwsign" log verify forged
expect 'but for the checkpoint' 1 '^fwsign: forged:3: .*rewritten' "$fwsign" \
    log verify forged --checkpoint kept
# One who can write the file changes a line and makes all hashes right again.
cat >rehash.py <<'END'
import hashlib, json, sys
dump = lambda o: json.dumps(o, sort_keys=True, ensure_ascii=False,
                            separators=(',', ':')).encode()
previous = '0' * 64
out = open(sys.argv[2], 'wb')
for text in open('log', 'rb').read().split(b'\n')[:-1]:
    line = json.loads(text)
    exec(sys.argv[1])
    del line['hash']
    line['previous'] = previous
    line['hash'] = hashlib.sha256(dump(line)).hexdigest()
    previous = hashlib.sha256(dump(line)).hexdigest()
    out.write(dump(line) + b'\n')
END
"$python" rehash.py 'pass' same
same 'nothing is changed' log same
n=0
for change in "line['version'] = '6' if line['line'] == 1 else line.get('version', 0); line['version'] == 0 and line.pop('version')" \
    "line['type'] == 'checkpoint' and line.update(time='2020-01-01T00:00:00Z')" \
    "line['type'] == 'checkpoint' and line.update(key='another')" \
    "line['type'] == 'checkpoint' and line.update(chain=line['chain'][:1])" \
    "line['type'] == 'checkpoint' and line['certificate'].update(sha256='0' * 64)" \
    "line['type'] == 'checkpoint' and line.update(algorithm='ESP384')" \
    "line['type'] == 'checkpoint' and line.update(signature=line['signature'][:-4])" \
    "line['type'] == 'checkpoint' and line.update(signature='!' + line['signature'][1:])"; do
	n=$((n + 1))
	"$python" rehash.py "$change" forged || exit 1
	try "change $n is one" sh -c '! cmp -s log forged'
	expect "change $n: the checkpoint does not hold" 1 \
	    '^fwsign: forged:3: ' "$fwsign" log verify forged --trust $root \
	    --trust pki/rsa3072/root.pem
	expect "change $n: nor without a root" 1 '^fwsign: forged:3: ' \
	    "$fwsign" log verify forged
done
expect 'no key' 2 '--key' "$fwsign" log checkpoint log
expect 'two keys' 2 '--key' "$fwsign" log checkpoint log $(sign p256) \
    $(sign rsa3072)
expect 'the log as output' 2 'would replace' "$fwsign" log checkpoint log \
    -o log $(sign p256)
expect 'a root that is not the key'"'"'s' 1 '.' "$fwsign" log checkpoint log \
    --trust other/p256/root.pem $(sign p256)
expect 'the log is as it was' 0 '' "$fwsign" log verify log
same 'to the byte' log same
expect 'no checkpoint at all' 2 "'fw.bin' is no checkpoint" "$fwsign" log \
    verify log --checkpoint fw.bin
expect 'no log' 2 'none' "$fwsign" log verify none
expect 'no command' 2 'missing' "$fwsign" log
expect 'no such command' 2 "'verfy'" "$fwsign" log verfy log

# ---- a line without end ---------------------------------------------------------

{ head -n 1 log; head -c 1048577 /dev/zero | tr '\0' x; } >long
expect 'a line longer than any' 1 '^fwsign: long:2: this line is longer than' \
    "$fwsign" log verify long
{ head -n 1 log; head -c 1048576 /dev/zero | tr '\0' x; echo; } >long
expect 'one that can be read' 1 '^fwsign: long:2: this line is longer than' \
    "$fwsign" log verify long

# ---- cut short -----------------------------------------------------------------

head -c -100 log >torn
expect 'a torn line' 1 '^fwsign: torn:5: .*cut short' "$fwsign" log verify torn
expect 'it is gone on with' 0 '' "$fwsign" build d.yaml -o c.fwb --log torn \
    $(sign p256)
expect 'which repairs it' 0 '' "$fwsign" log verify torn
try 'and is shown' grep -q '^cut short  *1 line of ' .out
expect 'a checkpoint covers it' 0 '' "$fwsign" log checkpoint torn $(sign p256)
expect 'it holds' 0 '' "$fwsign" log verify torn --trust $root
try 'the repair is as the schema says' "$python" - "$top" <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1] + '/schemas/log.schema.json'))
kinds = []
for text in open('torn', 'rb').read().split(b'\n')[:-1]:
    try:
        line = json.loads(text)
    except ValueError:
        kinds.append('torn')
        continue
    jsonschema.validate(line, schema)
    kinds.append(line['type'])
assert kinds == ['signature', 'signature', 'checkpoint', 'signature', 'torn',
                 'repair', 'signature', 'checkpoint'], kinds
END
}

# ---- two signers, a request on another machine -----------------------------------

rm -f log
# shellcheck disable=SC2046
{
expect 'two signers' 0 '' "$fwsign" build d.yaml -o two.fwb --log log \
    $(sign p256) $(sign rsa3072)
try 'are two lines' test "$(lines log)" = 2
expect 'which hold' 0 '' "$fwsign" log verify log
}
