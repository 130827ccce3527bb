#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# envelope_test.sh BUILD-DIR: fwverify envelope, on the examples published with
# the draft and on envelopes with certificate chains.
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

# verdict NAME WANT: its first line is that.
verdict() {
	line_=$(head -n 1 "$T/.out")
	case $line_ in
	"$2" | "$2: "*) ok "$1" ;;
	*) not_ok "$1: '$line_' instead of '$2'" ;;
	esac
}
schema=$top/schemas/envelope.schema.json
cp "$top"/testdata/suit/*.suit "$top"/testdata/suit/public_key.pem "$T"
cd "$T" || exit 1
key=public_key.pem

# ---- which commands each published example would run -------------------------

common='override-parameters vendor-identifier class-identifier'
either='try-each(override-parameters component-slot override-parameters'
cat >example0.want <<END
shared: $common
validate: image-match
invoke: invoke
END
cat >example1.want <<END
shared: $common
install: override-parameters fetch image-match
validate: image-match
END
cat >example2.want <<END
shared: $common
install: override-parameters fetch image-match
validate: image-match
invoke: invoke
END
cat >example2-severed.want <<END
shared: $common
validate: image-match
invoke: invoke
END
cat >example3.want <<END
shared: override-parameters $either | ${either#*(}) vendor-identifier class-identifier
install: $either | ${either#*(}) fetch image-match
validate: image-match
END
cat >example4.want <<END
shared: set-component-index[0] $common
payload-fetch: set-component-index[1] override-parameters fetch image-match
install: set-component-index[0] override-parameters copy image-match
validate: set-component-index[0] image-match
load: set-component-index[2] override-parameters copy image-match
invoke: set-component-index[2] invoke
END
cat >example5.want <<END
shared: set-component-index[0] $common set-component-index[1] override-parameters
install: set-component-index[0] override-parameters fetch image-match set-component-index[1] override-parameters fetch image-match
validate: set-component-index[0] image-match set-component-index[1] image-match
invoke: set-component-index[0] invoke
END

for f in *.want; do
	n=${f%.want}
	expect "$n authenticates" 0 '' "$fwverify" envelope "$n.suit" \
		--trust "$key"
	verdict "$n: the verdict comes first" accepted
	expect "$n as JSON" 0 '' "$fwverify" envelope --json --trace \
		--trust "$key" "$n.suit"
	cp .out "$n.json"
	tool commands "$n.json" >"$n.got"
	same "$n would run these commands" "$n.got" "$f"
done
try 'the JSON of all fits the schema' tool validate "$schema" ./*.json
expect 'the trace' 0 '' "$fwverify" envelope --trace --trust "$key" \
	example2.suit
says 'has the digest of the manifest' 'manifest-digest: 6a5197ed.*ok$'
says 'and ends with the verdict' '^  verdict: ok$'

# ---- refusals --------------------------------------------------------------------

# refused NAME CODE FILE [OPTION]...
refused() {
	what_=$1 code_=$2 file_=$3
	shift 3
	expect "$what_" 1 '' "$fwverify" envelope "$file_" "$@"
	verdict "$what_: $code_" "refused: $code_"
	if grep -q Commands .out; then
		not_ok "$what_: commands are shown"
	fi
}
for n in 0 1 2 3 4 5; do
	refused "example$n without signature" signature-missing \
		"example$n-unsigned.suit" --trust "$key"
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out other.key 2>/dev/null
openssl pkey -in other.key -pubout -out other.pem
refused 'another key' signer-unknown example0.suit --trust other.pem
expect 'one key of two' 0 '' "$fwverify" envelope example0.suit \
	--trust other.pem --trust "$key"
expect 'a refusal as JSON' 1 '' "$fwverify" envelope --json \
	--trust other.pem example0.suit
cp .out refused.json
try 'fits the schema' tool validate "$schema" refused.json
try 'and has the code' grep -q '"code": "signer-unknown"' refused.json

# Some of the bits and lengths; envelope_test.c tries all.
mkdir bits
tool bits example0.suit bits 13
bad=0 n=0
for f in bits/*; do
	n=$((n + 1))
	"$fwverify" envelope --trust "$key" "$f" >.out 2>.err
	rc=$?
	[ $rc = 1 ] && [ ! -s .err ] && grep -q '^refused: [a-z-]*: ' .out ||
		bad=$((bad + 1))
done
try "each of $n envelopes with one bit flipped is refused" \
	test "$bad" = 0 -a "$n" = 146
mkdir cuts
tool cuts example2.suit cuts 17
bad=0 n=0
for f in cuts/*; do
	n=$((n + 1))
	"$fwverify" envelope --trust "$key" "$f" >.out 2>.err
	[ $? = 1 ] && grep -q '^refused: ' .out || bad=$((bad + 1))
done
try "each of $n envelopes cut short is refused" \
	test "$bad" = 0 -a "$n" = 55

# ---- with a chain --------------------------------------------------------------------

"$top/testdata/pki/mkpki.sh" --files pki p256
"$top/testdata/pki/mkpki.sh" --files other p256
"$top/testdata/pki/mkpki.sh" --files --expired old p256
p=pki/p256
tool sign $p/release.key $p/chain.pem example2.suit chain.suit
expect 'a chain' 0 '' "$fwverify" envelope chain.suit --trust $p/root.pem
says 'the signer is named' 'certificate .*CN=fwsign test release'
says 'and until when' 'valid until +20[0-9-]+T'
expect 'with JSON' 0 '' "$fwverify" envelope --json chain.suit \
	--trust $p/root.pem
cp .out chain.json
try 'that fits the schema' tool validate "$schema" chain.json
expect 'the chain can be inspected' 0 '' "$fwsign" inspect --json chain.suit
cp .out inspect.json
try 'as another decoder does' tool compare chain.suit inspect.json
try 'and fits its schema' tool validate "$top/schemas/inspect.schema.json" \
	inspect.json
fp=$(openssl x509 -in $p/leaf.pem -noout -fingerprint -sha256 |
	sed 's/.*=//; s/://g' | tr A-F a-f)
serial=$(openssl x509 -in $p/leaf.pem -noout -serial | sed 's/.*=//' |
	tr A-F a-f)
until=$(date -u -d "$(openssl x509 -in $p/leaf.pem -noout -enddate |
	sed 's/.*=//')" +%Y-%m-%dT%H:%M:%SZ)
for want in "\"fingerprint\": \"sha-256:$fp\"" "\"serial\": \"$serial\"" \
    "\"not-after\": \"$until\"" '"key": "EC P-256"' '"ca": true'; do
	try "inspect has $want" grep -qF "$want" inspect.json
done

# It has the same name, but not the same key.
refused 'another root' certificate-signature chain.suit \
	--trust other/p256/root.pem
refused 'too late' certificate-expired chain.suit --trust $p/root.pem \
	--time 2100-01-01T00:00:00Z
refused 'too early' certificate-not-yet-valid chain.suit \
	--trust $p/root.pem --time 2001-01-01T00:00:00Z
tool sign old/p256/release.key old/p256/chain.pem example2.suit old.suit
refused 'expired' certificate-expired old.suit --trust old/p256/root.pem
expect 'expired, without a clock' 0 '' "$fwverify" envelope old.suit \
	--trust old/p256/root.pem --time none
tool sign other.key $p/chain.pem example2.suit wrong.suit
refused 'the chain of another key' signature-invalid wrong.suit \
	--trust $p/root.pem

# ---- wrong use ---------------------------------------------------------------------------

expect 'no trust' 2 'no trust anchor is given' "$fwverify" envelope example0.suit
expect 'no envelope' 2 'is missing' "$fwverify" envelope --trust "$key"
expect 'no such envelope' 2 'cannot open' "$fwverify" envelope nope \
	--trust "$key"
expect 'no such key' 2 'cannot open|nope' "$fwverify" envelope example0.suit \
	--trust nope.pem
expect 'no time' 2 'needs a time by RFC 3339 .* not .yesterday.' "$fwverify" envelope example0.suit \
	--trust "$key" --time yesterday
