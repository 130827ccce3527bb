#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# faults_test.sh BUILD-DIR: tokens and modules that fail under fwsign: what it
# says, how it ends, and that nothing half written stays.  The module is
# testdata/mock_p11.c.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

mock=$B/mock_p11.so
cd "$T" || exit 1
"$top/testdata/pki/mkpki.sh" --files pki p256 || exit 1
head -c 3000 /dev/urandom >main.bin
cat >release.yaml <<END
descriptor: 1
device: {vendor-domain: example.com, model: Pump 3}
sequence-number: 7
version: "1.2.3"
components:
  - {id: main, file: main.bin, format: raw}
END
"$fwsign" build release.yaml --unsigned -o unsigned.fwb >/dev/null || exit 1
mkdir out
export MOCK_P11_LOG="$T/log"

# token SETTING...: what the mock does from now on.
token() {
	MOCK_P11=key=$T/pki/p256/release.key:k:01
	for setting_; do
		MOCK_P11=$MOCK_P11,$setting_
	done
	export MOCK_P11
	: >log
}

build() {
	PIN=1234 "$fwsign" build release.yaml -o out/new.fwb --key \
	    pkcs11:object=k --chain pki/p256/full-chain.pem --module "$mock" \
	    --pin-env PIN "$@"
}

sign() {
	PIN=1234 "$fwsign" sign out/old.fwb --key pkcs11:object=k \
	    --chain pki/p256/full-chain.pem --module "$mock" --pin-env PIN
}

# untouched: nothing is new, and the bundle that was there is as before.
untouched() {
	[ "$(ls -A out)" = old.fwb ] && cmp -s out/old.fwb unsigned.fwb &&
	    return
	ls -lA out
	return 1
}

again() {
	rm -rf out && mkdir out && cp unsigned.fwb out/old.fwb
}

# fault NAME STATUS PATTERN SETTING...: building, and signing in place.
fault() {
	name__=$1 status__=$2 pattern__=$3
	shift 3
	for how in build sign; do
		again
		token "$@"
		expect "$how: $name__" "$status__" "$pattern__" "$how"
		try "$how: $name__: nothing is left" untouched
	done
}

again
token
try 'a token that works' build
try 'its bundle is accepted' "$fwverify" check \
    --trust pki/p256/root.pem out/new.fwb

# ---- every return value -----------------------------------------------------

m="PKCS #11 module '$mock'"
end=' \([^()]+\)$'
while read -r value name; do
	fault "$name" 3 "C_Sign failed: CKR_$name: [a-z][^()]+$end" \
	    "fail=C_Sign:$value"
done <<END
$(sed -n 's/^\t*{ 0x\([0-9a-f]*\), N(\([A-Z_]*\)).*/\1 \2/p' \
    "$top/lib/host/p11_errors.c")
END
[ "$fails" = 0 ] || exit 1

# ---- the rest ---------------------------------------------------------------

fault 'a value without a name' 3 'CKR_ 0x7ffffff0: an error that has no name' \
    fail=C_Sign:7ffffff0

# What the device library then refuses is put down to the signature.
for how in flip zero; do
	fault "a signature that does not hold: $how" 3 "the \
signature that key object 'k' .* made does not hold with its own" \
	    "sig=$how"
done

# Two signatures, and the token goes after the first.
both() {
	PIN=1234 "$fwsign" "$@" --module "$mock" --pin-env PIN \
	    --key pkcs11:object=k --chain pki/p256/full-chain.pem \
	    --key pkcs11:object=q --chain pki/p384/full-chain.pem
}
"$top/testdata/pki/mkpki.sh" --files pki p384 || exit 1
second=key=$T/pki/p384/release.key:q:02
again
token "$second"
try 'two signatures' both build release.yaml -o out/new.fwb
try 'one login for both' [ "$(grep -cx C_Login log)" = 1 ]
for how in removed:DEVICE_REMOVED lost:SESSION_HANDLE_INVALID; do
	again
	token "$second" "${how%:*}=1"
	expect "build: ${how%:*} between" 3 "failed: CKR_${how#*:}" \
	    both build release.yaml -o out/new.fwb
	try "build: ${how%:*} between: nothing is left" untouched
	again
	token "$second" "${how%:*}=1"
	expect "sign: ${how%:*} between" 3 "failed: CKR_${how#*:}" \
	    both sign out/old.fwb
	try "sign: ${how%:*} between: nothing is left" untouched
	try "${how%:*} between: no second login" \
	    [ "$(grep -cx C_Login log)" = 1 ]
done
for call in C_Initialize C_GetTokenInfo C_OpenSession C_Login \
    C_FindObjectsInit C_GetAttributeValue C_SignInit C_Sign; do
	fault "crash in $call" 3 "$m crashed in $call with SIGSEGV$end" \
	    "crash=$call"
	fault "abort in $call" 3 "$m crashed in $call with SIGABRT$end" \
	    "abort=$call"
	fault "exit in $call" 3 "$m ended the program in $call$end" \
	    "exit=$call"
done

# ---- in the middle of a batch ------------------------------------------------

# many SETTING...: ten bundles to be signed by that token.
many() {
	rm -rf out && mkdir out
	for i in 0 1 2 3 4 5 6 7 8 9; do
		cp unsigned.fwb "out/$i.fwb"
	done
	token "$@"
}
batch() {
	$exec_ env --default-signal=INT PIN=1234 "$fwsign" sign out/*.fwb \
	    --jobs 2 --key pkcs11:object=k --chain pki/p256/full-chain.pem \
	    --module "$mock" --pin-env PIN
}
exec_=
# whole N [MORE]: N of them, or up to MORE, are signed and good, the others as
# they were, and nothing else is there.
whole() {
	good=0
	[ "$(ls -A out | wc -l)" = 10 ] || return
	for i in 0 1 2 3 4 5 6 7 8 9; do
		cmp -s unsigned.fwb "out/$i.fwb" && continue
		"$fwverify" check --trust pki/p256/root.pem "out/$i.fwb" ||
			return
		good=$((good + 1))
	done
	echo "$good are signed"
	[ "$good" -ge "$1" ] && [ "$good" -le "${2:-$1}" ]
}
for how in removed:DEVICE_REMOVED lost:SESSION_HANDLE_INVALID; do
	many "${how%:*}=4"
	batch >.out 2>.err
	try "batch: ${how%:*}: exit status" [ $? = 3 ]
	try "batch: ${how%:*}: why" grep -q "failed: CKR_${how#*:}: " .err
	# The other session may have been in the middle of one.
	try "batch: ${how%:*}: what is there is whole" whole 4 5
	try "batch: ${how%:*}: one login" [ "$(grep -cx C_Login log)" = 1 ]
	try "batch: ${how%:*}: left in order" \
	    [ "$(grep -cx C_Finalize log)" = 1 ]
	# The token is back: the rest is signed.
	token
	try "batch: ${how%:*}: and on it goes" batch
	try "batch: ${how%:*}: all are whole" whole 10
done
# Each of the threads ends it, and one says why.
for call in crash abort exit; do
	many "$call=C_Sign"
	batch >.out 2>.err
	try "batch: $call: exit status" [ $? = 3 ]
	try "batch: $call: one line" [ "$(wc -l <.err)" = 1 ]
	try "batch: $call: nothing was signed" whole 0
done
many slow=C_Sign:60000
exec_=exec
batch >.out 2>.err &
pid_=$!
while ! grep -qx C_Sign log && kill -0 "$pid_"; do
	sleep 0.1
done
begin_=$(date +%s)
kill -INT "$pid_"
wait "$pid_"
try 'batch: Ctrl-C, a token that hangs: the end' [ $? -gt 128 ]
try 'batch: Ctrl-C, a token that hangs: it is prompt' \
    [ $(($(date +%s) - begin_)) -le 8 ]
try 'batch: Ctrl-C, a token that hangs: nothing was signed' whole 0

# ---- at the end ----------------------------------------------------------------

# A crash at the end is one as well, but what was written before is whole.
for call in C_CloseSession C_Finalize; do
	again
	token "crash=$call"
	expect "crash in $call" 3 "$m crashed in $call with SIGSEGV" build
	[ ! -e out/new.fwb ] || try "crash in $call: the bundle is whole" \
	    "$fwverify" check --trust pki/p256/root.pem out/new.fwb
	try "crash in $call: nothing else is left" \
	    [ "$(find out -name '.*' -type f)" = '' ]
done

# interrupted NAME SIGNAL SECONDS PATTERN SETTING: a signal during C_Sign.
interrupted() {
	again
	token "$5"
	# A shell makes what runs in the background ignore SIGINT.
	env --default-signal=INT,TERM PIN=1234 "$fwsign" build release.yaml \
	    -o out/new.fwb --key pkcs11:object=k --chain \
	    pki/p256/full-chain.pem --module "$mock" --pin-env PIN \
	    >.out 2>.err &
	pid_=$!
	n_=0
	while ! grep -qx C_Sign log && [ "$n_" -lt 600 ]; do
		sleep 0.05
		n_=$((n_ + 1))
	done
	begin_=$(date +%s)
	kill -"$2" "$pid_"
	wait "$pid_"
	rc_=$?
	took_=$(($(date +%s) - begin_))
	if [ "$rc_" -gt 128 ] && [ "$took_" -le "$3" ] &&
	    if [ -n "$4" ]; then grep -qE "$4" .err; else [ ! -s .err ]; fi
	then
		ok "$1"
	else
		not_ok "$1 (exit status $rc_ after $took_ s)"
		sed 's/^/    /' .err
	fi
	try "$1: nothing is left" untouched
	try "$1: the session is closed" grep -qE '^C_Close(All)?Session' log
}

interrupted 'Ctrl-C, a token that hangs' INT 8 \
    "interrupted: $m did not come back from C_Sign within 3 seconds$end" \
    slow=C_Sign:60000
interrupted 'SIGTERM, a token that hangs' TERM 8 \
    "interrupted: $m did not come back from C_Sign within 3 seconds$end" \
    slow=C_Sign:60000
interrupted 'Ctrl-C, a slow token' INT 5 '' slow=C_Sign:1500
try 'Ctrl-C, a slow token: it is left in order' grep -qx C_Finalize log

# ---- modules that are none --------------------------------------------------

token
not_a_module() {
	again
	expect "$1" 3 "cannot load the PKCS #11 module '$2': $3" \
	    env PIN=1234 "$fwsign" build release.yaml -o out/new.fwb --key \
	    pkcs11:object=k --chain pki/p256/full-chain.pem --module "$2" \
	    --pin-env PIN
	try "$1: nothing is left" untouched
}
not_a_module 'no such file' "$T/none.so" 'No such file or directory \('
not_a_module 'a folder' "$T/out" 'it is a folder \('
not_a_module 'a text' "$T/release.yaml" 'it is no shared library \('
mkfifo pipe
not_a_module 'a pipe' "$T/pipe" 'it is no regular file \('
cp "$mock" other.so
printf '\026' | dd of=other.so bs=1 seek=18 conv=notrunc status=none
not_a_module 'another architecture' "$T/other.so" 'it is for s390, and this'
not_a_module 'no C_GetFunctionList' "$(ldd "$fwsign" |
    sed -n 's/.*=> \(.*libyaml[^ ]*\).*/\1/p')" \
    'it is a library without C_GetFunctionList \('
