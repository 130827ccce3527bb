#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schema_test.sh BUILD-DIR: the JSON Schemas and the loader agree about the
# files in testdata/descriptor, profile and batch, and the loader says about
# each bad one what its first line promises.  Running out of memory at any
# place while a good one is loaded is a clean error.
set -eu

b=$1
cd "$(dirname "$0")/.."

san=
memory=memory
if nm "$b/libfwhost.a" 2>/dev/null | grep -q ' __asan_'; then
	san='-fsanitize=address,undefined'
	# The sanitizer has an allocator of its own; under it the tests of
	# lib/host let our own allocations fail.
	memory=
fi
# shellcheck disable=SC2086,SC2046
${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -Ilib $san \
	$(pkg-config --cflags libcrypto) \
	-o "$b/loader" testdata/loader.c -Wl,--start-group "$b/libfwhost.a" \
	"$b/libfwport.a" "$b/libfwdevice.a" -Wl,--end-group \
	$(pkg-config --libs libcrypto yaml-0.1 libarchive p11-kit-1 jansson) \
	-lpthread
# Debian's Python has the modules, others on the path may not.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
exec "$python" testdata/schema_test.py "$b/loader" $memory
