#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# man_test.sh BUILD-DIR: the manual pages say what the programs do.  They are
# clean for mandoc, list the refusal codes and the options that there are, and
# what their examples show works: commands, descriptors, profiles, the program.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=testdata/token.sh
. "$top/testdata/token.sh"

man=$top/man
cd "$T" || exit 1

# ---- form ------------------------------------------------------------------

for page in fwsign.1 fwsign-key.1 fwverify.1 fwdevice.3 fwbundle.5 \
    fwdescriptor.5 fwprofile.5 fwtrust.5 fwbatch.5 fwlog.5 fwrequest.5; do
	mandoc -Tlint -Wwarning "$man/$page" >lint 2>&1
	try "$page is clean" cmp lint /dev/null
done

# ---- codes -----------------------------------------------------------------

# What the compiler makes of the list in the header.
cat >codes.c <<'END'
#include <stdio.h>
#include "device/fwdevice.h"
#define PRINT(name, value, code, text) puts(code);
int main(void) { FWD_STATUS_LIST(PRINT) return 0; }
END
try 'the codes compile' ${CC:-cc} -std=c11 -I"$top/lib" -o codes codes.c
./codes | sort >codes.header
sed -n '/^\.Ss Codes$/,/^\.Sh /s/^\.It Li //p' "$man/fwverify.1" |
    sort >codes.page
try 'there are codes' test "$(wc -l <codes.header)" -gt 50
same 'fwverify.1 lists the codes of the header, each once' codes.header \
    codes.page

# ---- options ---------------------------------------------------------------

# subsection PAGE NAME: the options it lists, as they are given.
subsection() {
	sed -n "/^\.Ss $2\$/,/^\.S[sh] /p" "$man/$1" |
	    sed -n 's/^\.It Fl //p' | tr ' ' '\n' |
	    sed -nE 's/^-([a-z][a-z-]*)$/--\1/p; s/^([A-Za-z])$/-\1/p'
}

# help PROGRAM COMMAND: the options its help lists; -h is every command's.
help() {
	"$B/$1" "$2" --help | listed
}
listed() {
	sed -nE \
	    's/^ +(-[A-Za-z], )?(--[a-z-]+).*/\1 \2/p; s/^ +(-[A-Za-z]) .*/\1/p' |
	    tr ', ' '\n\n' | sed '/^$/d; /^-h$/d; /^--help$/d'
}

# key_options COMMAND [SUBSECTION]: the same of a command of fwsign key.
key_options() {
	{
		subsection fwsign-key.1 "fwsign key $1"
		subsection fwsign-key.1 'Token options'
		[ $# -lt 2 ] || subsection fwsign-key.1 "$2"
	} | sort >options.page
	"$fwsign" key "$1" --help | listed | sort >options.help
	try "fwsign key $1 has options" test -s options.help
	same "fwsign-key.1 lists the options of $1" options.page options.help
	while read -r o_; do
		case $o_ in
		--*)	"$fwsign" key "$1" "$o_" >/dev/null 2>option.err \
			    </dev/null
			try "fwsign key $1 knows $o_" sh -c \
			    "! grep -q 'unknown option' option.err" ;;
		esac
	done <options.help
}

# options PROGRAM COMMAND [SUBSECTION...]: both are the same.
options() {
	{
		subsection "$1.1" "$1 $2"
		page_=$1.1
		shift 2
		for s_; do
			subsection "$page_" "$s_"
		done
	} | sort >options.page
	help "$1" "$2" | sort >options.help
	try "$1 $2 has options" test -s options.help
	same "$1.1 lists the options of $2" options.page options.help
	# What is listed is taken, and told from what is not.
	while read -r o_; do
		case $o_ in
		--*)	"$B/$1" "$2" "$o_" >/dev/null 2>option.err </dev/null
			try "$1 $2 knows $o_" sh -c \
			    "! grep -q 'unknown option' option.err" ;;
		esac
	done <options.help
	expect "$1 $2 knows no other" 2 'unknown option' "$B/$1" "$2" --frob
}

options fwsign build 'Signing options'
options fwsign sign 'Signing options'
options fwsign tbs
options fwsign sign-request
options fwsign attach
options fwsign resign 'Signing options'
options fwsign strip
options fwsign revoke
options fwsign inspect
options fwsign extract
# log_options COMMAND SUBSECTION...: the same of a command of fwsign log.
log_options() {
	command=$1
	shift
	for s_; do
		subsection fwsign.1 "$s_"
	done | sort >options.page
	"$fwsign" log "$command" --help | listed | sort >options.help
	try "fwsign log $command has options" test -s options.help
	same "fwsign.1 lists the options of log $command" options.page \
	    options.help
	expect "log $command knows no other" 2 'unknown option' "$fwsign" log \
	    "$command" --frob
}
log_options verify 'Verifying a log'
log_options checkpoint 'Signing a log' 'Signing options'
"$fwsign" log --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' |
    sort >commands.help
printf '%s\n' checkpoint verify >commands.page
same 'fwsign log has the commands that fwsign.1 describes' commands.page \
    commands.help
for command in list generate csr import-cert check; do
	key_options $command
done
key_options self-sign 'Certificate options'
key_options issue 'Certificate options'
"$fwsign" key --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' |
    sort >commands.help
sed -n 's/^\.Ss fwsign key //p' "$man/fwsign-key.1" | sort >commands.page
try 'fwsign key has commands' test -s commands.help
same 'fwsign-key.1 describes its commands' commands.help commands.page
for command in check provision install boot confirm status envelope chain \
    primitive; do
	options fwverify $command
done
for program in fwsign fwverify; do
	"$B/$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' |
	    sort >commands.help
	sed -n "s/^\.Ss $program //p" "$man/$program.1" | sort >commands.page
	try "$program has commands" test -s commands.help
	same "$program.1 describes its commands" commands.help commands.page
done

# ---- what the examples need -------------------------------------------------

# blocks PAGE: what is displayed literally in its examples, blocks parted by a
# line "%%", as a reader sees it.
blocks() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$man/$1" |
	    sed -n '/^\.Bd -literal/,/^\.Ed/p' | sed -e '/^\.Bd/d' \
	    -e 's/^\.Ed$/%%/' -e 's/\\(dq/"/g' -e 's/\\e/\\/g'
}

# block PAGE N: the Nth of them.
block() {
	blocks "$1" | awk -v n="$2" '/^%%$/ { i++; next } i == n - 1'
}

mkdir pki
try 'a token' token_new pki/token release
try 'certificates on it' sh "$top/testdata/pki/mkpki.sh" pki p256
try 'the name of the key' p11tool --provider "$TOKEN_MODULE" --batch --login \
    --set-pin "$TOKEN_PIN" --set-label fw-2026 \
    'pkcs11:token=release;object=release-p256;type=private'
try 'the name of the root key' p11tool --provider "$TOKEN_MODULE" --batch \
    --login --set-pin "$TOKEN_PIN" --set-label fw-root \
    'pkcs11:token=release;object=root-p256;type=private'
try 'a key in a file' sh "$top/testdata/pki/mkpki.sh" --files files p256
cp "$TOKEN_PIN_FILE" pin
cp pki/p256/root.pem pki/p256/chain.pem .
cp pki/p256/leaf.pem stolen.pem
cp pki/p256/intermediate.pem lost.pem
cp files/p256/release.key test.key
cp files/p256/full-chain.pem test.pem
try 'another token' softhsm2-util --init-token --free --label root \
    --pin 314159 --so-pin "$TOKEN_SO_PIN"
echo 314159 >root-pin
date -u +%Y-%m-%dT%H:%M:%SZ >released-at
# With data in the area that the example leaves out.
printf '%s\r\n' :020000040000FA :0400000001020304F2 :020000041000EA \
    :0410000005060708D2 :00000001FF >display.hex
echo '{"spdxVersion":"SPDX-2.3"}' >sbom.json
head -c 3000 /dev/zero | tr '\0' a >application-a.bin
head -c 4000 /dev/zero | tr '\0' b >application-b.bin
echo 'a message' >message
try 'an RSA key' openssl genpkey -algorithm RSA \
    -pkeyopt rsa_keygen_bits:3072 -out rsa.key
try 'its public half' openssl pkey -in rsa.key -pubout -out rsa.pub

# ---- descriptor and profile -------------------------------------------------

block fwdescriptor.5 1 >release.yaml
block fwprofile.5 1 >device.yaml
sed 's/^version: .*/version: "${VERSION}"/' release.yaml >versioned.yaml
block fwbatch.5 1 >devices.yaml
sed 's/^  model: .*/&\n  device-id: ${DEVICE}/' release.yaml >one-device.yaml
{
	sed '/^components:/,$d' release.yaml
	block fwdescriptor.5 2
} >slots.yaml
try 'the example of slots builds' "$fwsign" build slots.yaml -o slots.fwb \
    --unsigned
"$fwsign" inspect slots.fwb >slots.text
try 'it has two images' sh -c \
    'grep -q application-a.bin slots.text && grep -q application-b.bin slots.text'

# ---- commands ----------------------------------------------------------------

# commands PAGE: the lines that are shown to be typed, one file of shell each.
commands() {
	rm -f command.*
	blocks "$1" | awk '
		/^\$ / { n++; sub(/^\$ /, ""); on = 1 }
		/^%%$/ { on = 0 }
		on { f = sprintf("command.%03d", n); print > f }
		on && !/\\$/ { on = 0 }'
}

PATH=$B:$PATH
export PATH
for page in fwsign.1 fwsign-key.1 fwverify.1 fwbundle.5 fwrequest.5 fwlog.5 \
    fwtrust.5; do
	commands $page
	set -- command.*
	try "$page shows commands" test -e "$1"
	for c; do
		# In this shell: a command may set a variable for the next.
		name=$(head -n 1 "$c")
		# shellcheck source=/dev/null
		if . "./$c" >.out 2>.err; then
			ok "$page: $name"
		else
			not_ok "$page: $name (exit status $?)"
			sed 's/^/    /' .out .err
		fi
	done
	unset PIN
done
if ! [ -s release.fwb ]; then
	echo 'man_test.sh: there is no bundle to go on with' >&2
	exit 1
fi
try 'the two halves of a signing give what one gives' sh -c '
	fwverify check --trust root.pem release.fwb >one &&
	fwverify check --trust root.pem signed.fwb >two &&
	grep digest one >one.digests && grep digest two >two.digests &&
	cmp one.digests two.digests'

# ---- verdicts for machines ---------------------------------------------------

cat >validate.py <<'END'
import json, sys
from jsonschema import Draft202012Validator as V
schema = json.load(open(sys.argv[1]))
V.check_schema(schema)
report = json.load(open(sys.argv[2]))
V(schema).validate(report)
code = report["refusal"]["code"] if "refusal" in report else "ok"
if len(sys.argv) > 3 and code != sys.argv[3]:
    sys.exit("the code is " + code)
END
# verdict NAME STATUS CODE ARGUMENT...: judge as JSON, and judge the JSON.
verdict() {
	what_=$1 want_=$2 code_=$3
	shift 3
	"$fwverify" check --json "$@" >verdict.json 2>.err
	got_=$?
	try "$what_: exit status" test "$got_" = "$want_"
	try "$what_: schema and code" "$python" validate.py \
	    "$top/schemas/verdict.schema.json" verdict.json "$code_"
}

# flip FILE OFFSET OUT: change one bit.
flip() {
	cp "$1" "$3"
	byte_=$(od -An -v -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059  # an octal escape
	printf "\\$(printf %03o $((byte_ ^ 1)))" |
	    dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}

size=$(wc -c <release.fwb)
flip release.fwb 600 envelope.fwb
flip release.fwb $((size - 1024 - 1536)) payload.fwb
flip release.fwb $((size - 1024 - 512)) attachment.fwb
head -c $((size - 1024)) release.fwb >short.fwb
: >empty.fwb
sed 's/^sequence-number: .*/sequence-number: 8/' device.yaml >newer.yaml
sed 's/^  model: .*/  model: Other/' device.yaml >other.yaml
sed 's/^    size: .*/    size: 3/' device.yaml >small.yaml
sed 's/^  - id: .*/  - id: other/' device.yaml >lacking.yaml
sed '/^clock:/,/^components:/{/^ /d}; s/^clock:/clock:\n  source: none/' \
    device.yaml >timeless.yaml
"$fwsign" build slots.yaml -o slots.fwb --key test.key --chain test.pem \
    --quiet 2>/dev/null
cp files/p256/root.pem test-root.pem

verdict 'any device' 0 ok --trust root.pem release.fwb
verdict 'any device, traced' 0 ok --trust root.pem --trace release.fwb
verdict 'a device' 0 ok --device device.yaml release.fwb
verdict 'a device without a clock' 0 ok --device timeless.yaml release.fwb
verdict 'a device, another anchor' 1 signer-unknown --device device.yaml \
    --trust rsa.pub release.fwb
verdict 'slots' 0 ok --trust test-root.pem --time none --trace slots.fwb
verdict 'unsigned' 1 signature-missing --trust root.pem unsigned.fwb
verdict 'late' 1 certificate-expired --trust root.pem \
    --time 2100-01-01T00:00:00Z release.fwb
verdict 'early' 1 certificate-not-yet-valid --trust root.pem \
    --time 2000-01-01T00:00:00Z --trace release.fwb
verdict 'rollback' 1 rollback --device newer.yaml release.fwb
verdict 'class' 1 class-mismatch --device other.yaml --trace release.fwb
verdict 'too small' 1 store-size --device small.yaml release.fwb
verdict 'no such component' 1 component-unknown --device lacking.yaml \
    release.fwb
verdict 'payload' 1 payload-digest --trust root.pem payload.fwb
verdict 'attachment' 1 attachment-digest --trust root.pem attachment.fwb
verdict 'short' 1 bundle-truncated --trust root.pem short.fwb
verdict 'empty' 1 bundle-truncated --trust root.pem empty.fwb
"$fwverify" check --json --trust root.pem envelope.fwb >verdict.json
try 'envelope: exit status' test $? = 1
try 'envelope: schema' "$python" validate.py \
    "$top/schemas/verdict.schema.json" verdict.json

# ---- a second implementation of fwbundle.5 --------------------------------------

openssl x509 -in pki/p256/leaf.pem -noout -pubkey >leaf.pub
try 'a reader made from fwbundle.5 accepts' "$python" \
    "$top/testdata/second.py" release.fwb leaf.pub "$man/fwbundle.5"
for bundle in payload attachment envelope short; do
	expect "it refuses: $bundle" 1 '^second.py: ' "$python" \
	    "$top/testdata/second.py" $bundle.fwb leaf.pub "$man/fwbundle.5"
done

# ---- the program of fwdevice.3 -------------------------------------------------

block fwdevice.3 1 >judge.c
sanitizers=
if nm "$B/libfwhost.a" 2>/dev/null | grep -q ' __asan_'; then
	sanitizers='-fsanitize=address,undefined'
fi
# The command that is shown, with this build's folders.
compile=$(block fwdevice.3 2 | sed -e 's/^\$ //' -e 's/\\$//' |
    tr '\n' ' ' | sed -e "s|^cc |${CC:-cc} -Wall -Wextra -Werror $sanitizers |" \
    -e "s|-Ilib|-I'$top/lib'|" -e "s|build/plain/|'$B'/|g")
try "fwdevice.3: $compile" sh -c "$compile"

# Installed, with the command that is shown for that.
mkdir dest
if [ -n "$sanitizers" ]; then
	san_=1
else
	san_=
fi
try 'make install' env MAKEFLAGS= make -C "$top" B="${B#"$top/"}" SAN="$san_" \
    DESTDIR="$T/dest" PREFIX=/opt/fw install
installed=$(block fwdevice.3 3 | sed -e 's/^\$ //' \
    -e "s|^cc |${CC:-cc} -Wall -Wextra -Werror $sanitizers |" \
    -e 's|-o judge |-o judge.installed |')
# What pkg-config says, for a root elsewhere.
mkdir bin
cat >bin/pkg-config <<END
#!/bin/sh
PKG_CONFIG_PATH='$T/dest/opt/fw/lib/pkgconfig' $(command -v pkg-config) "\$@" |
    sed 's|/opt/fw|$T/dest/opt/fw|g'
END
chmod 755 bin/pkg-config
try "fwdevice.3: $installed" env PATH="$T/bin:$PATH" sh -c "$installed"
try 'it is a program' test -x judge.installed
# The library alone, and the library with the port's fwd_panic().
cat >alone.c <<'END'
#include "device/fwdevice.h"
int main(void) { return fwd_status_code(FWD_OK)[0] != 'o'; }
void fwd_panic(void) { for (;;) ; }
END
sed '$d' alone.c >with.c
# shellcheck disable=SC2046,SC2086  # words
{
try 'the package fwdevice' ${CC:-cc} $sanitizers -o alone alone.c \
    $(bin/pkg-config --cflags --libs fwdevice)
try 'the package fwport' ${CC:-cc} $sanitizers -o with with.c \
    $(bin/pkg-config --cflags --libs fwport)
}
try 'they work' sh -c './alone && ./with'
try 'make uninstall' env MAKEFLAGS= make -C "$top" B="${B#"$top/"}" SAN="$san_" \
    DESTDIR="$T/dest" PREFIX=/opt/fw uninstall
try 'leaves nothing' test -z "$(find dest -type f)"

openssl x509 -in root.pem -outform DER -out root.der
# judges NAME STATUS CODE ARGUMENT...
judges() {
	what_=$1 want_=$2 code_=$3
	shift 3
	./judge "$@" >.out 2>.err
	got_=$?
	echo "$code_" >.want
	try "the program, $what_: exit status" test "$got_" = "$want_"
	same "the program, $what_: verdict" .want .out
	echo "verdict: $code_" >.want
	tail -n 1 .err >.last
	same "the program, $what_: trace" .want .last
}
judges 'accepted' 0 ok root.der release.fwb
./judge.installed root.der release.fwb >.out 2>/dev/null
try 'the program, as installed' grep -qx ok .out
judges 'payload' 1 payload-digest root.der payload.fwb
judges 'truncated' 1 bundle-truncated root.der short.fwb
judges 'unsigned' 1 signature-missing root.der unsigned.fwb
openssl x509 -in test-root.pem -outform DER -out test-root.der
judges 'a root of the same name' 1 certificate-signature test-root.der release.fwb
# The steps are those that fwverify takes for the same device.
./judge root.der release.fwb 2>device.trace >/dev/null
"$fwverify" check --device timeless.yaml --trace release.fwb |
    sed '1,/^trace:$/d' >host.trace
same 'the trace is the same on host and device' device.trace host.trace
