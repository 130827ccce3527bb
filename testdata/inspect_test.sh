#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# inspect_test.sh BUILD-DIR: fwsign inspect and extract, on published examples,
# bundles made by tar, and hostile input.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

tool() { "$python" "$top/testdata/suit_tool.py" "$@"; }

# says NAME PATTERN: the last command that was expected printed such a line.
says() {
	if grep -qE -e "$2" "$T/.out"; then
		ok "$1"
	else
		not_ok "$1: no '$2' on stdout"
		head -n 5 "$T/.out" | sed 's/^/    /'
	fi
}
suit=$top/testdata/suit
schema=$top/schemas/inspect.schema.json
# In the messages are the names that the programs were given.
cp "$suit"/*.suit "$T"
cd "$T" || exit 1

# ---- the published examples ------------------------------------------------

for f in *.suit; do
	expect "inspect $f" 0 '' "$fwsign" inspect "$f"
	cp .out "$f.txt"
	expect "inspect --json $f" 0 '' "$fwsign" inspect --json "$f"
	cp .out "$f.json"
	try "$f: another decoder says the same" tool compare "$f" "$f.json"
done
try 'the JSON of all fits the schema' tool validate "$schema" ./*.json
try 'the text of all is printable' tool printable ./*.txt ./*.json
try 'the text says that nothing was verified' \
	grep -qx "nothing here was verified; use 'fwverify check'" \
	example0.suit.txt
# The schema must be able to say no.
sed 's/"verified": false/"verified": true/' example0.suit.json >forged
try 'the schema refuses what is not so' sh -c "! '$python' \
	'$top/testdata/suit_tool.py' validate '$schema' forged"

# ---- bundles -----------------------------------------------------------------

head -c 3000 /dev/urandom >a.bin
truncate -s 3000000 z.bin
mkdir -p in/fw
cp example2.suit in/manifest.suit
cp a.bin in/fw/a.bin
cp z.bin in/z.bin
pack() {
	tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 \
		--mtime=@0 -b1 -C in -cf "$@"
}
pack good.fwb manifest.suit fw/a.bin z.bin
tar tf good.fwb >list

expect 'inspect a bundle' 0 '' "$fwsign" inspect --json good.fwb
cp .out good.json
try 'its JSON fits the schema' tool validate "$schema" good.json
names=$("$python" -c 'import json; print(*[m["name"] for m in json.load(open(
    "good.json"))["bundle"]["members"]], sep="\n")')
try 'the members are those tar lists' test "$names" = "$(cat list)"
offsets=$("$python" -c 'import json; print(*[m["offset"] for m in json.load(
    open("good.json"))["bundle"]["members"]])')
try 'their headers are where they are' test "$offsets" = '0 1536 5120'
try 'its envelope is described as by itself' "$python" -c '
import json
a = json.load(open("good.json"))
b = json.load(open("example2.suit.json"))
assert a["envelope"] == b["envelope"] and a["kind"] == "bundle"
assert a["bundle"]["notes"] == []
assert all(m["notes"] == [] for m in a["bundle"]["members"])
assert [m["role"] for m in a["bundle"]["members"]] == ["manifest", None, None]'

# note NAME NOTE: inspect goes on, with that note about a member
note() {
	"$fwsign" inspect "$1" >.note 2>/dev/null
	try "$1: noted '$2'" grep -q "note: .*$2" .note
}
ln -s /etc/passwd in/link
mkdir in/dir
pack link.fwb manifest.suit link
note link.fwb 'not a regular file'
pack dir.fwb manifest.suit dir
note dir.fwb 'not a regular file'
pack twice.fwb --hard-dereference manifest.suit z.bin z.bin
note twice.fwb 'the name is there twice'
pack up.fwb -P --transform 's,^z.bin,../z.bin,' manifest.suit z.bin
note up.fwb 'not a plain relative path'
pack absolute.fwb -P --transform "s,^z.bin,$T/evil," manifest.suit z.bin
note absolute.fwb 'not a plain relative path'
tar --format=pax -C in -cf pax.fwb manifest.suit z.bin
note pax.fwb 'not a plain ustar header'
pack order.fwb z.bin manifest.suit
note order.fwb "the first member is not 'manifest.suit'"
chmod 600 in/z.bin
tar --format=ustar --owner=0 --group=0 --numeric-owner -C in -b1 \
	-cf mode.fwb manifest.suit z.bin
note mode.fwb 'mode is not 0644'

head -c 4000 good.fwb >cut.fwb
expect 'a bundle cut in a member is malformed' 1 'is malformed' \
	"$fwsign" inspect cut.fwb
says 'it says how' 'bundle-truncated'
cp good.fwb tail.fwb
printf x >>tail.fwb
expect 'a bundle with something after its end' 1 'is malformed' \
	"$fwsign" inspect tail.fwb
says 'it says so' 'bundle-trailing'
tar --format=ustar --owner=0 --group=0 -C in -b1 -cf none.fwb z.bin
expect 'a bundle without envelope' 1 'is malformed' "$fwsign" inspect none.fwb
: >empty
expect 'an empty file' 1 "'empty' is neither a bundle .* nor a SUIT envelope" \
	"$fwsign" inspect empty
expect 'neither bundle nor envelope' 1 "'a.bin' is neither a bundle" \
	"$fwsign" inspect a.bin
says 'it says so' '^a.bin: neither a bundle nor an envelope nor a revocation list, 3000 bytes$'
try 'and nothing of what it does not have' sh -c \
	'! grep -qE "^(No|Problems)" "$1"' - "$T/.out"
expect 'as JSON' 1 'is neither' "$fwsign" inspect --json a.bin
cp .out neither.json
try 'that fits the schema' tool validate "$schema" neither.json
expect 'no such file' 2 "cannot open 'nope'" "$fwsign" inspect nope
expect 'no file named' 2 'is missing' "$fwsign" inspect
expect 'a folder' 2 'is a directory' "$fwsign" inspect in
expect 'an option it does not have' 2 'unknown option' \
	"$fwsign" inspect --jason good.fwb

# ---- hostile input ---------------------------------------------------------------

mkdir many
tool bits example2.suit many 61
tool cuts example2.suit many 19
head -c 2560 good.fwb >many/bundle
tool bits many/bundle many 331
bad=0 n=0
for f in many/*; do
	n=$((n + 1))
	timeout 20 "$fwsign" inspect --json "$f" >"$f.json" 2>/dev/null
	[ $? -le 1 ] || bad=$((bad + 1))
	timeout 20 "$fwsign" inspect "$f" >"$f.txt" 2>/dev/null
	[ $? -le 1 ] || bad=$((bad + 1))
done
try "none of $n spoilt files ends inspect otherwise than it should" \
	test "$bad" = 0 -a "$n" -gt 200
try 'their JSON fits the schema' tool validate "$schema" many/*.json
try 'their text is printable' tool printable many/*.txt many/*.json

evil=$(printf 'a\033[31mb\302\233c\342\200\256d.suit')
cp example0.suit "$evil"
expect 'a name that would act on a terminal' 0 '' "$fwsign" inspect "$evil"
cp .out evil.txt
try 'is made printable' tool printable evil.txt

# ---- extract ------------------------------------------------------------------------

mkdir out
expect 'extract to a folder' 0 '' "$fwsign" extract -C out good.fwb
same 'the envelope' out/manifest.suit example2.suit
same 'a member in a folder' out/fw/a.bin a.bin
same 'a member with zeros' out/z.bin z.bin
says 'it says that nothing was verified' 'nothing was verified'
expect 'nothing is replaced unasked' 1 'exists already \(--force' \
	"$fwsign" extract -C out good.fwb
echo other >out/z.bin
expect 'not even one of several' 1 "'out/z.bin' exists already" \
	"$fwsign" extract -C out good.fwb z.bin
expect 'but with --force' 0 '' "$fwsign" extract --force -C out good.fwb z.bin
same 'it is' out/z.bin z.bin
rm -r out
mkdir out
echo other >out/z.bin
"$fwsign" extract -C out good.fwb >/dev/null 2>&1
try 'before anything is written' test "$(ls -A out)" = z.bin
rm out/z.bin
cp good.fwb before.fwb
expect 'the envelope instead of its bundle' 2 'would replace the input' \
	"$fwsign" extract --force --manifest good.fwb good.fwb
cp good.fwb in/good.fwb
pack self.fwb manifest.suit good.fwb
cp self.fwb good.fwb
expect 'a member instead of its bundle' 2 'would replace the input' \
	"$fwsign" extract --force good.fwb good.fwb
same 'the bundle is as it was' good.fwb self.fwb
cp before.fwb good.fwb
expect 'one member' 0 '' "$fwsign" extract -C out good.fwb fw/a.bin
try 'and no other' test "$(cd out && find . -type f)" = ./fw/a.bin
expect 'the envelope alone' 0 '' "$fwsign" extract --manifest m.suit good.fwb
same 'it is the envelope' m.suit example2.suit
try 'nothing else was written' test ! -e fw
expect 'a member that is not there' 2 "there is no 'nope'" \
	"$fwsign" extract -C out good.fwb nope
expect 'a folder that is not there' 1 'cannot open directory' \
	"$fwsign" extract -C nowhere good.fwb
expect 'no bundle' 2 'a bundle is missing' "$fwsign" extract

rm -rf out
mkdir out
before=$(find "$T" -type f | sort | cksum)
for f in link dir twice up absolute pax; do
	expect "nothing is extracted from $f.fwb" 1 'cannot extract' \
		"$fwsign" extract -C out "$f.fwb"
done
expect 'a member behind a note' 1 'cannot extract' \
	"$fwsign" extract -C out up.fwb ../z.bin
after=$(find "$T" -type f | sort | cksum)
try 'no file came of it' test "$before" = "$after"
expect 'a member cut short' 1 'cannot read|shorter' \
	"$fwsign" extract -C out cut.fwb fw/a.bin
try 'leaves nothing' test -z "$(find out -type f)"

rm -rf out elsewhere
mkdir out elsewhere
ln -s ../elsewhere out/fw
expect 'a folder that is a link' 1 "cannot enter directory 'fw'" \
	"$fwsign" extract --force -C out good.fwb
try 'is not followed' test -z "$(ls -A elsewhere)"
rm -r out
mkdir out
ln -s ../elsewhere/x out/z.bin
expect 'a file that is a link' 1 'not a regular file' \
	"$fwsign" extract --force -C out good.fwb
try 'is not followed either' test -z "$(ls -A elsewhere)"

rm -rf out
mkdir out
tool add example0.suit whole.suit '#fw/app.bin=a.bin' '#z=z.bin'
expect 'integrated payloads' 0 '' "$fwsign" extract -C out whole.suit
same 'the first' out/fw/app.bin a.bin
same 'the second' out/z z.bin
rm -r out
mkdir out
expect 'one of them' 0 '' "$fwsign" extract -C out whole.suit '#z'
try 'only that one' test "$(ls out)" = z
tool add example0.suit evil.suit '#../x=a.bin'
expect 'a payload that leads out' 1 'cannot extract' \
	"$fwsign" extract -C out evil.suit
cp whole.suit in/manifest.suit
rm in/z.bin
cp z.bin in/z
chmod 644 in/z
pack both.fwb manifest.suit z
rm out/z
expect 'a payload and a member of one name' 1 'two of that name' \
	"$fwsign" extract -C out both.fwb
expect 'unless it is told which' 0 '' "$fwsign" extract -C out both.fwb '#z'

# A member larger than the octal size field can say.
"$python" - <<'END'
name = b'huge'
size = 8589934593
h = bytearray(512)
h[0:4] = name
h[100:107] = b'0000644'
h[108:115] = h[116:123] = b'0000000'
h[124:136] = b'\x80' + size.to_bytes(11, 'big')
h[136:147] = b'0' * 11
h[156:157] = b'0'
h[257:265] = b'ustar\x0000'
h[329:336] = h[337:344] = b'0000000'
h[148:156] = b' ' * 8
h[148:156] = b'%06o\0 ' % sum(h)
env = open('whole.suit', 'rb').read()
e = bytearray(h)
e[0:13] = b'manifest.suit'
e[124:136] = b'%011o\0' % len(env)
e[148:156] = b' ' * 8
e[148:156] = b'%06o\0 ' % sum(e)
with open('huge.fwb', 'wb') as f:
    f.write(e + env + bytes(-len(env) % 512) + h)
    f.truncate(f.tell() + (size + 511) // 512 * 512 + 1024)
END
expect 'a member of more than 8 GiB' 0 '' "$fwsign" inspect --json huge.fwb
says 'has its size shown' '"size": 8589934593'

# ---- what fwsign build makes -------------------------------------------------------

rm -rf made
mkdir made
cd made || exit 1
cp ../a.bin .
printf '{}' >sbom.json
cat >release.yaml <<'END'
descriptor: 1
device: {vendor-domain: example.com, model: Pump 3}
sequence-number: 2
version: "1.0.1"
components:
  - id: main/app
    file: a.bin
    name: fw/app.bin
  - id: settings
    file: sbom.json
    payload: integrated
    name: settings.json
attachments:
  - {name: sbom.json, type: application/json, file: sbom.json}
signers: []
END
try 'build a bundle' "$fwsign" build --unsigned release.yaml -o release.fwb
expect 'inspect it' 0 '' "$fwsign" inspect --json release.fwb
cp "$T/.out" release.json
try 'the JSON fits the schema' tool validate "$schema" release.json
expect 'extract its envelope' 0 '' "$fwsign" extract release.fwb \
	--manifest m.suit
try 'another decoder says the same of it' tool compare m.suit release.json
try 'members have their roles, the attachment its digest' "$python" -c '
import hashlib, json
tree = json.load(open("release.json"))
members = tree["bundle"]["members"]
assert [(m["name"], m["role"]) for m in members] == [
    ("manifest.suit", "manifest"), ("fw/app.bin", "payload"),
    ("sbom.json", "attachment")], members
assert all(m["notes"] == [] for m in members)
assert tree["envelope"]["attachments"] == [
    {"name": "sbom.json", "type": "application/json", "size": 2, "digest":
     "sha-256:" + hashlib.sha256(b"{}").hexdigest()}]
assert [p["name"] for p in tree["envelope"]["payloads"]] == ["#settings.json"]
assert tree["envelope"]["authentication"]["signatures"] == []
assert [c["label"] for c in tree["envelope"]["manifest"]["components"]] == [
    "main/app", "settings"]'
expect 'extract it' 0 '' "$fwsign" extract -C "$T/made" --force release.fwb
same 'the image' fw/app.bin a.bin
same 'the integrated payload' settings.json sbom.json
