#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# readme_test.sh BUILD-DIR: the worked example in README.md is run as it stands
# there, and prints what it says.  Times, serial numbers, digests and the length
# of the envelope, in which signatures vary, are compared by their form only.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

readme=$top/README.md
export PATH="$B:$PATH"

# block LANGUAGE N: the Nth block in that language.
block() {
	awk -v start="^\`\`\`$1\$" -v n="$2" '
		$0 ~ /^```/ && on { on = 0; next }
		$0 ~ start { on = ++i == n; if (on) next }
		on' "$readme"
}

mask() {
	sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/TIME/g' \
	    -e 's/\b[0-9a-f]{64}\b/DIGEST/g' \
	    -e 's/\b[0-9a-f]{36,42}\b/SERIAL/g' -e 's/\b[0-9a-f]{16}\b/SERIAL/g' \
	    -e 's/(of these envelope) [0-9]+$/\1 N/' "$@"
}

# ---- the set-up, with this build instead of another --------------------------

block sh 1 >"$T/setup"
for line in 'make' 'make setup' 'mkdir -p build/example' 'cd build/example'; do
	try "README: $line" grep -qx -e "$line" "$T/setup"
done
sed -e '/^make$/d' -e '/^make setup$/d' -e "s|\$PWD/build/plain|$B|" \
    -e "s|build/example|$T/build/example|" \
    -e "s|\.\./\.\./testdata/|$top/testdata/|" "$T/setup" >"$T/setup.sh"
set -e
# shellcheck source=/dev/null
. "$T/setup.sh" >"$T/.out" 2>&1 || {
	not_ok 'README: the set-up'
	cat "$T/.out"
	exit 1
}
set +e
ok 'README: the set-up'
try 'README: it ends in the folder' test "$PWD" = "$T/build/example"

# ---- the files ---------------------------------------------------------------

for n in 1 2; do
	block yaml $n >"$T/file"
	name=$(sed -n '1s/^# \([a-z]*\.yaml\)$/\1/p' "$T/file")
	try "README: file $n has a name" test -n "$name"
	sed 1d "$T/file" >"$name"
done

# ---- the commands ------------------------------------------------------------

# All that is shown, made again: each command, then what it prints.
for n in 1 2; do
	block console $n >"$T/shown"
	try "README: example $n has commands" grep -q '^\$ ' "$T/shown"
	: >"$T/made"
	sed -n 's/^\$ //p' "$T/shown" >"$T/commands"
	while IFS= read -r command; do
		printf '$ %s\n' "$command"
		eval "$command" </dev/null
		echo $? >"$T/status"
	done <"$T/commands" >"$T/made" 2>&1
	mask "$T/shown" >"$T/shown.masked"
	mask "$T/made" >"$T/made.masked"
	try "README: example $n prints what it says" diff -u \
	    "$T/shown.masked" "$T/made.masked"
	# The first ends with an acceptance, the second with a refusal.
	try "README: example $n ends with $((n - 1))" \
	    test "$(cat "$T/status")" = $((n - 1))
done

# ---- names -------------------------------------------------------------------

for page in $(grep -oE 'fw[a-z]+\([1-9]\)' "$readme" | sort -u | tr '()' '. '); do
	try "README: there is $page" test -f "$top/man/$page"
done
for file in $(grep -oE '(lib|schemas|testdata|man)/[a-z0-9_./]*[a-z0-9]' \
    "$readme" | sort -u); do
	try "README: there is $file" test -e "$top/$file"
done
for target in demo check packages install; do
	try "README: make $target" grep -qE "^$target:" "$top/Makefile"
done
