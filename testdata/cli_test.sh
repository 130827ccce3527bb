#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What both programs have in common: commands, options, help, exit status, and
# results that do not arrive.
# shellcheck disable=SC2016  # for the shells below
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

fwsign_commands=$("$fwsign" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
fwverify_commands=$("$fwverify" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
try 'fwsign has commands' test -n "$fwsign_commands"
try 'fwverify has commands' test -n "$fwverify_commands"

# ---- help and version: on stdout, nothing on stderr -------------------------

has_help() {
	p=$1
	shift
	expect "$p $* --help" 0 '' "$B/$p" "$@" --help
	try "$p $* --help: usage first" \
	    sh -c 'head -n 1 "$1" | grep -q "^usage: $2"' - "$T/.out" \
	    "$p${1:+ $1}"
	try "$p $* --help: fits a terminal" \
	    sh -c '! grep -n ".\{81\}" "$1"' - "$T/.out"
	cp .out help
	expect "$p $* -h" 0 '' "$B/$p" "$@" -h
	same "$p $* -h is the same" help .out
	# All of one form: what to type, what it does, the options.
	try "$p $* --help: a sentence on what it does" sh -c \
	    'sed -n "/^\$/,/^\$/p" help | grep -q "^[A-Z].*[a-z].*"'
	try "$p $* --help: options under a heading" sh -c \
	    'grep -qx "Options:" help && ! sed "/^Options:/,\$d" help |
	    grep -q "^ *-"'
	try "$p $* --help: itself among them" grep -qE \
	    '^  -h, --help +show this help' help
}
for p in fwsign fwverify; do
	has_help $p
	eval "commands=\$${p}_commands"
	# shellcheck disable=SC2154  # set by eval
	for c in $commands; do
		has_help "$p" "$c"
		expect "$p $c --help after others" 0 '' "$B/$p" "$c" \
		    --nonsense x --help
		# No command does anything without being told what to.
		expect "$p $c alone" 2 "^$p: " "$B/$p" "$c"
		expect "$p $c with an unknown option" 2 \
		    "^$p: unknown option '--nonsense' \\(see --help\\)\$" \
		    "$B/$p" "$c" --nonsense
		expect "$p $c with an unknown letter" 2 \
		    "^$p: unknown option '-%' \\(see --help\\)\$" \
		    "$B/$p" "$c" -%
		expect "$p $c --version" 0 '' "$B/$p" "$c" --version
		try "$p $c --version: that of the program" \
		    grep -qE "^$p [0-9]+\.[0-9]+\.[0-9]+\$" .out
	done
	expect "$p --version" 0 '' "$B/$p" --version
	try "$p --version: one line" sh -c '[ $(wc -l <.out) = 1 ] &&
	    grep -qE "^$1 [0-9]+\.[0-9]+\.[0-9]+\$" .out' - "$p"
	cp .out version
	expect "$p -V" 0 '' "$B/$p" -V
	same "$p -V is the same" version .out
done

# ---- wrong usage: 2, one line, the way out ----------------------------------

"$fwsign" >out 2>err
rc=$?
try 'no command: 2' test $rc = 2
try 'no command: nothing on stdout' test ! -s out
try 'no command: the usage on stderr' grep -q '^usage: fwsign COMMAND' err
try 'no command: and why' grep -qx 'fwsign: a command is missing' err

expect 'unknown command, near' 2 \
    "^fwsign: unknown command 'biuld' \\(did you mean 'build'\\?\\)\$" \
    "$fwsign" biuld
expect 'unknown command, beginning' 2 \
    "^fwsign: unknown command 'ins' \\(did you mean 'inspect'\\?\\)\$" \
    "$fwsign" ins
expect 'unknown command, far' 2 \
    "^fwsign: unknown command 'frobnicate' \\(see fwsign --help\\)\$" \
    "$fwsign" frobnicate
expect 'unknown command, empty' 2 \
    "^fwverify: unknown command '' \\(see fwverify --help\\)\$" "$fwverify" ''
expect 'unknown command, not printable' 2 \
    "^fwsign: unknown command '[\\]x1b\\[31m[\\]x0a[.]' " \
    "$fwsign" "$(printf '\033[31m\n.')"
"$fwverify" check "$top/testdata/suit/example0.suit" --trust \
    "$top/testdata/suit/public_key.pem" >out 2>err
rc=$?
try 'check of an envelope: refused' sh -c '[ "$1" = 1 ] &&
    grep -q "^refused: bundle-" out' - $rc
try 'check of an envelope: what to use' sh -c '[ $(wc -l <err) = 1 ] &&
    grep -q "is a SUIT envelope, not a bundle (use .fwverify envelope.)$" err'
tar --format=ustar -C "$top/testdata/suit" -cf bundle example0.suit
"$fwverify" envelope bundle --trust "$top/testdata/suit/public_key.pem" \
    >out 2>err
rc=$?
try 'envelope of a bundle: refused' sh -c '[ "$1" = 1 ] &&
    grep -q "^refused: envelope-" out' - $rc
try 'envelope of a bundle: what to use' sh -c '[ $(wc -l <err) = 1 ] &&
    grep -q "is a bundle, not an envelope (use .fwverify check.)$" err'
expect 'unknown option before the command' 2 \
    "^fwsign: unknown option '--quiet' \\(see --help\\)\$" \
    "$fwsign" --quiet build
expect 'abbreviated option' 2 \
    "^fwsign: unknown option '--vers' \\(did you mean '--version'\\?\\)\$" \
    "$fwsign" --vers
expect 'abbreviated option of a command' 2 \
    "^fwsign: unknown option '--outp' \\(did you mean '--output'\\?\\)\$" \
    "$fwsign" build --outp x y
expect 'abbreviated option with =' 2 \
    "^fwsign: unknown option '--outp' \\(did you mean '--output'\\?\\)\$" \
    "$fwsign" build --outp=x y
expect 'mistyped option' 2 \
    "^fwsign: unknown option '--ouptut' \\(did you mean '--output'\\?\\)\$" \
    "$fwsign" build --ouptut=x y
expect 'argument missing' 2 "^fwsign: option '--output' needs an argument\$" \
    "$fwsign" build y --output
expect 'argument missing, short' 2 "^fwsign: option '-o' needs an argument\$" \
    "$fwsign" build y -o
expect 'argument too many' 2 "^fwsign: option '--unsigned' takes no argument\$" \
    "$fwsign" build --unsigned=yes y
expect 'unknown letter in a cluster' 2 "^fwverify: unknown option '-%' " \
    "$fwverify" check --trace -%
expect 'operand missing' 2 '^fwverify: .* \(see --help\)$' "$fwverify" check
expect 'operand too many' 2 \
    "^fwverify: unexpected argument 'b' \\(see --help\\)\$" \
    "$fwverify" check a b
expect 'file that begins with a dash' 2 "'--x'" "$fwsign" inspect -- --x

# ---- results that do not arrive ---------------------------------------------

expect 'full disk' 1 \
    '^fwsign: cannot write to the standard output: No space left on device$' \
    sh -c '"$1" --help >/dev/full' - "$fwsign"
expect 'stdout is closed' 1 \
    '^fwsign: cannot write to the standard output: Bad file descriptor$' \
    sh -c '"$1" --help >&-' - "$fwsign"
expect 'all of them are closed' 1 '' \
    sh -c '"$1" --help <&- >&- 2>&-' - "$fwsign"
mkfifo pipe
# The reader is gone before anything is written.
expect 'closed pipe' 1 \
    '^fwsign: cannot write to the standard output: Broken pipe$' \
    sh -c 'exec 3<>pipe; exec 4>pipe 3<&-; exec "$1" --help >&4' - "$fwsign"
expect 'full disk, said once' 1 \
    '^fwsign: cannot write to the standard output: No space left on device$' \
    sh -c '"$1" inspect "$2" >/dev/full' - "$fwsign" \
    "$top/testdata/suit/example0.suit"
expect 'a pipe is no bundle, and not waited for' 2 'is not a regular file' \
    timeout 20 "$fwverify" check --trust "$top/testdata/suit/public_key.pem" \
    pipe

# ---- emphasis: on a terminal only, and not with NO_COLOR ----------------------

# on_terminal COMMAND...: with stdout and stderr on a terminal of its own.
on_terminal() {
	python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@"
}
suit=$top/testdata/suit
judge() {
	"$@" "$fwverify" envelope --trust "$suit/public_key.pem" \
	    "$suit/example0.suit"
}
escapes() {
	grep -q "$(printf '\033')" "$1"
}
TERM=xterm judge on_terminal >out
try 'emphasis on a terminal' escapes out
TERM=xterm NO_COLOR=1 judge on_terminal >out
try 'NO_COLOR' sh -c '[ -s out ] && ! grep -q "$(printf "\033")" out'
TERM=xterm NO_COLOR='' judge on_terminal >out
try 'an empty NO_COLOR is none' escapes out
TERM=dumb judge on_terminal >out
try 'a dumb terminal' sh -c '[ -s out ] && ! grep -q "$(printf "\033")" out'
TERM=xterm judge env >out 2>&1
try 'a file' sh -c '[ -s out ] && ! grep -q "$(printf "\033")" out'
