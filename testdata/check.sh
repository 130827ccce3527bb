#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh BUILD-DIR TEST...: run all tests and add up what they say.  A TEST is
# a Criterion program (BUILD-DIR/...), a shell test (*_test.sh, which prints
# "ok NAME" and "not ok NAME" lines) or a target of make that counts as one.
# A test that crashes, says nothing, skips something or runs nothing has failed,
# and so has one in which a sanitizer found something.
#
# As many run at a time as there are processors (CHECK_JOBS says otherwise);
# each prints what it has to say at its end.
set -u

limit=900				# seconds for one program
sanitizer='^==[0-9]+==ERROR: [A-Za-z]+Sanitizer|: runtime error: '

# ---- one test ----------------------------------------------------------------

count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# What went wrong besides what the test counted itself.
complain() {
	echo "not ok $1"
	count 0 1
}

run_criterion() {
	# One at a time with sanitizers: Criterion leaks when it has several.
	timeout "$limit" "$1" --verbose=1 ${SAN:+-j1} >"$log" 2>&1
	rc=$?
	echo "$1"
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
	elif [ "$tested" != "$good" ]; then
		:
	elif grep -qE "$sanitizer" "$log"; then
		# Criterion does not notice when a test's process ends so.
		complain "$1: a sanitizer found something"
	elif [ "$rc" != 0 ]; then
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

# Leaves "PASSED FAILED" in a file of its own.
run_one() {
	passed=0 failed=0
	log=$results/$(echo "$1" | tr / _)
	begin=$(date +%s)
	case $1 in
	*_test.sh)	run_shell "$1" ;;
	check-*)	run_target "$1" ;;
	*)		run_criterion "$1" ;;
	esac >"$log.said"
	took=$(($(date +%s) - begin))
	[ "$took" -lt 10 ] || echo "    ($took s)" >>"$log.said"
	echo "$passed $failed" >"$log.counts"
	flock "$results" cat "$log.said"
}

if [ "$1" = --one ]; then
	b=$2 results=$2/check
	run_one "$3"
	exit 0
fi

# ---- all of them -------------------------------------------------------------

b=$1 results=$1/check
shift
rm -rf "$results"
mkdir -p "$results" || exit 1

# Not the 1 of a refusal.
export ASAN_OPTIONS="exitcode=99${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="exitcode=99${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

printf '%s\0' "$@" |
	xargs -0 -n 1 -P "${CHECK_JOBS:-$(nproc)}" "$0" --one "$b"

# A test that left no counts did not come to its end.
passed=0 failed=0
for t; do
	if read -r good bad <"$results/$(echo "$t" | tr / _).counts"; then
		passed=$((passed + good)) failed=$((failed + bad))
	else
		echo "not ok $t: did not end"
		failed=$((failed + 1))
	fi
done 2>/dev/null
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
