#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# qemu.sh TARGET PROGRAM ARGUMENT...: run a program of lib/arm's kind on the
# emulated machine for the TARGET: m0, m3 or m33.  Ends with its exit status;
# 124 when it took more than QEMU_SECONDS (60).  QEMU_OPTIONS are given to the
# emulator as they are.  No argument may have blanks or commas.
set -eu

case $1 in
m0)	machine=microbit ;;
m3)	machine=mps2-an385 ;;
m33)	machine=mps2-an505 ;;
*)	echo "qemu.sh: no machine for '$1'" >&2; exit 2 ;;
esac
program=$2
shift 2

args=
for a; do
	args="$args,arg=$a"
done
# shellcheck disable=SC2086  # QEMU_OPTIONS are words
exec timeout "${QEMU_SECONDS:-60}" qemu-system-arm -M "$machine" \
    -display none -monitor none -serial none \
    -semihosting-config "enable=on,target=native$args" \
    ${QEMU_OPTIONS:-} -kernel "$program" </dev/null
