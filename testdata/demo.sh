#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh BUILD-DIR: from firmware to a signed bundle, to a verdict about it,
# and to another about the same bundle with one bit changed.  All of it is in a
# scratch folder, the keys in a SoftHSM token there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
PATH=$(cd "${1:?the build directory is missing}" && pwd):$PATH
hex=/usr/share/firmware-microbit-micropython/firmware.hex
T=$(mktemp -d "${TMPDIR:-/tmp}/fwsign-demo.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 130' HUP INT TERM
export LC_ALL=C

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi
step=0
heading() {
	step=$((step + 1))
	printf '\n%s%d. %s%s\n\n' "$bold" "$step" "$*" "$plain"
}
show() {
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
}
run() {
	show "$*"
	"$@"
}
fail() {
	echo "demo: $*" >&2
	exit 1
}
# flip FILE OFFSET: change one bit, the lowest one of the byte there.
flip() {
	byte=$(od -An -v -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059  # an octal escape
	printf "\\$(printf %03o $((byte ^ 1)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

cd "$T"
[ -r "$hex" ] || fail "'$hex' is missing (make setup installs it)"

heading 'A token with keys: root, intermediate and release, each with its certificate'
echo "(in $T, which is removed at the end)"
"$here/pki/mkpki.sh" pki p256
# shellcheck source=testdata/token.sh
. "$here/token.sh"
token_use pki/token
show "pkcs11-tool --list-objects --type privkey"
pkcs11-tool --module "$TOKEN_MODULE" --token-label "$TOKEN_LABEL" --login \
    --pin "$TOKEN_PIN" --list-objects --type privkey 2>/dev/null |
    grep -E 'Private Key|label|Access'

heading 'What is to be released: a descriptor, and what the device knows'
ln -s "$hex" firmware.hex
cp pki/p256/root.pem pki/p256/full-chain.pem .
cat >release.yaml <<END
descriptor: 1
device:
  vendor-domain: microbit.example
  model: BBC micro:bit V1
sequence-number: 2
version: "1.0.1"
description: MicroPython for the BBC micro:bit
components:
  - id: main
    file: firmware.hex
    format: intel-hex
    base: 0x00000000
    ignore:
      # UICR, the processor's user configuration: another memory.
      - {from: 0x10001000, to: 0x10001fff}
    max-size: 262144
    name: micropython.bin
signers:
  - key: $(cat pki/p256/key.uri)
    chain: full-chain.pem
END
cat >device.yaml <<'END'
profile: 1
device:
  vendor-domain: microbit.example
  model: BBC micro:bit V1
sequence-number: 1
trust:
  anchors: [root.pem]
clock:
  source: none
components:
  - {id: main, size: 262144}
END
run cat release.yaml
echo
run cat device.yaml

heading 'Build and sign the bundle'
run fwsign build release.yaml -o release.fwb
run tar -tvf release.fwb

heading 'Would the device accept it?  Each step the device library takes'
run fwverify check --device device.yaml --trace release.fwb ||
	fail 'the bundle was refused'

heading 'The same bundle with one bit of the firmware changed'
offset=$(($(wc -c <release.fwb) / 2))
cp release.fwb changed.fwb
flip changed.fwb "$offset"
show "cmp -l release.fwb changed.fwb"
cmp -l release.fwb changed.fwb && fail 'no bit was changed'
rc=0
run fwverify check --device device.yaml changed.fwb || rc=$?
echo "exit status $rc"
[ "$rc" = 1 ] || fail 'the changed bundle was not refused'

heading 'Done'
echo 'The release was accepted, the changed one refused.'
