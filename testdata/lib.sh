# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For the shell tests: . testdata/lib.sh with the build directory as $1.  Sets
#	B, fwsign, fwverify	the build directory and the programs
#	top			the top of the tree
#	T			a scratch folder, removed at the end
#	python			the one that has Debian's modules
# and gives the functions below.  A test prints "ok NAME" or "not ok NAME" for
# each thing it tests; check.sh counts these lines.
# shellcheck disable=SC2034  # used by those who read this

set -u
umask 022
export LC_ALL=C TZ=UTC
unset NO_COLOR SOURCE_DATE_EPOCH SOFTHSM2_CONF POSIXLY_CORRECT

top=$(cd "$(dirname "$0")/.." && pwd)
B=$(cd "${1:?the build directory is missing}" && pwd)
fwsign=$B/fwsign
fwverify=$B/fwverify
python=/usr/bin/python3
[ -x "$python" ] || python=python3
T=$(mktemp -d "${TMPDIR:-/tmp}/fwsign-test.XXXXXX") || exit 1
fails=0
# Functions named in at_end are called before the folder goes.
at_end=:
trap 'rc=$?; $at_end; rm -rf "$T"; [ $rc != 0 ] || [ $fails = 0 ] || rc=1
exit $rc' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

ok() {
	echo "ok $*"
}

not_ok() {
	echo "not ok $*"
	fails=$((fails + 1))
}

# try NAME COMMAND...: ok when the command succeeds.  Its output is shown when
# it does not.  Leaves alone what expect has left.
try() {
	name_=$1
	shift
	if "$@" >"$T/.tried" 2>&1; then
		ok "$name_"
	else
		not_ok "$name_ (exit status $?: $*)"
		sed 's/^/    /' "$T/.tried"
	fi
}

# expect NAME STATUS PATTERN COMMAND...: ok when the command ends with exactly
# that exit status, and what it says on stderr matches the extended regular
# expression (an empty one: says nothing).  A failure says one line, besides
# warnings.
# stdout and stderr are in $T/.out and $T/.err afterwards.
expect() {
	name_=$1 status_=$2 pattern_=$3 why_=
	shift 3
	"$@" >"$T/.out" 2>"$T/.err"
	got_=$?
	lines_=$(grep -cv '^[a-z]*: warning: ' "$T/.err")
	if [ "$got_" != "$status_" ]; then
		why_="exit status $got_ instead of $status_"
	elif [ -z "$pattern_" ]; then
		[ ! -s "$T/.err" ] || why_='something on stderr'
	elif ! grep -qE -e "$pattern_" "$T/.err"; then
		why_="no '$pattern_' on stderr"
	elif [ "$status_" != 0 ] && [ "$lines_" != 1 ]; then
		why_="$lines_ lines on stderr"
	fi
	if [ -z "$why_" ]; then
		ok "$name_"
		return 0
	fi
	not_ok "$name_: $why_ ($*)"
	sed 's/^/    /' "$T/.err"
	return 0
}

# same NAME A B: ok when both files hold the same bytes.
same() {
	try "$1" cmp "$2" "$3"
}

# by FOLDER: the options to sign with the key file and the chain there, as
# mkpki.sh --files leaves them.
by() {
	echo "--key $1/release.key --chain $1/full-chain.pem"
}
# bare COMMAND...: without the warning about key files on stderr.
bare() {
	"$@" >"$T/.bare" 2>"$T/.warned"
	bare_=$?
	cat "$T/.bare"
	grep -v 'key file: for development only' "$T/.warned" >&2
	return $bare_
}
