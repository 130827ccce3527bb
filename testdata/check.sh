#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh BUILD-DIR TEST...: run all tests and add up what they say.  A TEST is
# a Criterion program (BUILD-DIR/...), a shell test (*_test.sh, which prints
# "ok NAME" and "not ok NAME" lines) or a target of make that counts as one.
# A test that crashes, says nothing or runs nothing has failed.
set -u

b=$1
shift
passed=0 failed=0
log=$b/check.log
limit=900				# seconds for one program
sanitizer='^==[0-9]+==ERROR: [A-Za-z]+Sanitizer|: runtime error: '

count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# Not the 1 of a refusal.
export ASAN_OPTIONS="exitcode=99${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="exitcode=99${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

# What went wrong besides what the test counted itself.
complain() {
	echo "not ok $1"
	count 0 1
}

# A test that takes long says so.
took() {
	now=$(date +%s)
	[ $((now - begin)) -lt 5 ] || echo "    ($((now - begin)) s)"
}

# LeakSanitizer speaks up when a process ends, and Criterion does not see it.
leaked() {
	grep -q 'ERROR: LeakSanitizer' "$log" || return 1
	grep -A 40 'ERROR: LeakSanitizer' "$log"
}

run_criterion() {
	# One at a time with sanitizers: Criterion leaks when it has several.
	timeout "$limit" "$1" --verbose=1 ${SAN:+-j1} >"$log" 2>&1
	rc=$?
	grep -vE '^\[(RUN |PASS|----)\]|^ *$' "$log" | grep -v '^\[====\] Run' ||
		:
	if [ "$rc" != 0 ]; then
		grep '^\[----\]' "$log"
	fi
	sums=$(sed -n 's/^\[====\] Synthesis: Tested: \([0-9]*\) | Passing: \([0-9]*\) |.*/\1 \2/p' "$log")
	case $sums in
	'' | *"
"*)		complain "$1: no result (exit status $rc)"; return ;;
	esac
	tested=${sums% *} good=${sums#* }
	count "$good" $((tested - good))
	if [ "$tested" = 0 ]; then
		complain "$1: no test was run"
	elif grep -q '^\[SKIP\]' "$log"; then
		complain "$1: tests were skipped"
	elif leaked; then
		complain "$1: memory leaked"
	elif grep -qE "$sanitizer" "$log" && [ "$tested" = "$good" ]; then
		# Criterion does not notice when a test's process ends so.
		complain "$1: a sanitizer found something"
	elif [ "$rc" != 0 ] && [ "$tested" = "$good" ]; then
		complain "$1: exit status $rc"
	fi
}

run_shell() {
	timeout "$limit" "$1" "$b" </dev/null >"$log" 2>&1
	rc=$?
	good=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	if [ "$rc" != 0 ] || [ "$bad" != 0 ]; then
		grep -v '^ok ' "$log"
	elif grep -qE "$sanitizer" "$log"; then
		cat "$log"
		complain "$1: a sanitizer found something"
	fi
	echo "$1: $good ok, $bad not ok"
	count "$good" "$bad"
	if [ $((good + bad)) = 0 ]; then
		complain "$1: no test was run (exit status $rc)"
	elif [ "$rc" != 0 ] && [ "$bad" = 0 ]; then
		complain "$1: exit status $rc"
	elif leaked; then
		complain "$1: memory leaked"
	fi
}

run_target() {
	if "${MAKE:-make}" --no-print-directory "B=$b" "$1" >"$log" 2>&1; then
		echo "ok $1"
		count 1 0
	else
		cat "$log"
		complain "$1"
	fi
}

for t; do
	begin=$(date +%s)
	case $t in
	*_test.sh)	run_shell "$t" ;;
	check-*)	run_target "$t" ;;
	*)		echo "$t"; run_criterion "$t" ;;
	esac
	took
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
