# SPDX-License-Identifier: Apache-2.0
#
# make            build fwsign and fwverify
# make demo       install what is missing, build, show the whole thing
# make check      install what is missing, build, run all tests (SAN=1: with
#                 the address and undefined-behaviour sanitizers), or those of
#                 them that T names: T='lib/device/verify_test check-yaml'
# make coverage   how much of lib/device its tests reach; make stack: how much
#                 stack it needs; make misra: whether it keeps MISRA C:2012.
#                 They install what they need, and fail beyond a bound.
# make size       code, RAM, stack and instructions on Cortex-M0, M3 and M33,
#                 held against testdata/size.budget
# make check-tokens   install and set up every real PKCS #11 module there is,
#                 each in a private folder, and sign with it
# make demo-device    a device with secure boot, in an emulator: from its first
#                 installation to attacks and power that fails
# make bench      measure build and check against openssl dgst, and signing
#                 many bundles against what the token can do
# make arm        cross-compile lib/device, and crypto for it, for Cortex-M0, M3
#                 and M33; make twin: judge a corpus with it there, emulated,
#                 and here, and compare the traces byte for byte
# make faults     run it there with each instruction skipped in turn, each branch
#                 inverted and each loaded word replaced: nothing is accepted
# make install    below PREFIX, DESTDIR in front of it
# make setup      install what is missing; make packages prints the list

VERSION := 0.1.0
PREFIX  ?= /usr/local
CFLAGS  ?= $(if $(SAN),-O1,-O2) -g
# And for the tests, which are most of what there is to compile.
TEST_CFLAGS ?= -O1

# The Debian packages that building, testing and the demo need.
PACKAGES := gcc libc6-dev make pkg-config \
	libssl-dev libyaml-dev libarchive-dev libp11-kit-dev libjansson-dev \
	libbearssl-dev libmbedtls-dev \
	libcriterion-dev softhsm2 opensc p11-kit openssl mandoc yamllint time \
	python3 python3-yaml python3-jsonschema python3-cbor2 \
	gnutls-bin firmware-microbit-micropython
# Those that check-tokens needs besides.
PACKAGES_TOKENS := libnss3 libnss3-tools opencryptoki libtpm2-pkcs11-1 \
	libtss2-tcti-swtpm0 swtpm swtpm-tools opensc-pkcs11 p11-kit-modules
# Those that check-warnings, coverage, stack, misra and .ci/run need besides.
PACKAGES_CI := clang debootstrap gcovr gcc-arm-none-eabi \
	libnewlib-arm-none-eabi cppcheck

PKGS    := libcrypto yaml-0.1 libarchive p11-kit-1 jansson
B       := build/$(if $(SAN),san,plain)$(if $(filter-out cc gcc,$(CC)),-$(notdir $(CC)))
SANFLAGS := $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Werror
HARDEN  := $(if $(SAN),,-fstack-protector-strong -D_FORTIFY_SOURCE=2) -fPIE
# Asked once and only when something is compiled: none of it may be there yet.
pkg     = $(or $(shell pkg-config $1 $(PKGS)),$(error packages are missing \
	(run 'make setup')))
PKGCFLAGS = $(eval PKGCFLAGS := $(call pkg,--cflags) )$(PKGCFLAGS)
PKGLIBS = $(eval PKGLIBS := $(call pkg,--libs))$(PKGLIBS)
FLAGS   = -std=c11 -D_GNU_SOURCE -Ilib -Icmd -DFW_VERSION='"$(VERSION)"' \
	$(SANFLAGS) $(if $(SAN),-DFW_TRACEABLE) $(HARDEN) $(WARN) $(PKGCFLAGS)
# The device library gets nothing from the host.
DEVFLAGS = -std=c11 -ffreestanding -Ilib $(SANFLAGS) \
	$(DEVHARDEN) $(WARN)
# A loader has no random canary, and pays for its code.
DEVHARDEN := $(if $(findstring -none-,$(CC)),,-fPIE \
	$(if $(SAN),,-fstack-protector-strong))
LDFLAGS += -pie -Wl,-z,relro,-z,now
# BearSSL and Mbed TLS have no .pc files.
LDLIBS  += $(PKGLIBS) -lbearssl -lmbedcrypto -lpthread
# V=1 shows the commands.
Q       := $(if $(V),,@)
say     = $(if $(V),,@echo '  $1')

objs    = $(patsubst %.c,$B/%.o,$(filter-out %_test.c,$(wildcard $1)))
DEVICE  := $(call objs,lib/device/*.c)
LIBS    := $B/libfwhost.a $B/libfwport.a $B/libfwdevice.a
# Device and port library need each other.
LINKED  := -Wl,--start-group $(LIBS) -Wl,--end-group
PROGS   := $B/fwsign $B/fwverify
TESTS   := $(patsubst %.c,$B/%,$(filter-out lib/arm/% lib/loader/%, \
	$(wildcard lib/*/*_test.c)))
SHTESTS := $(wildcard testdata/*_test.sh)
MANUALS := $(wildcard man/*.[1-9])

all: $(PROGS)
$B/libfwhost.a: $(call objs,lib/host/*.c)
$B/libfwport.a: $(call objs,lib/port/*.c)
$B/libfwdevice.a: $(DEVICE)
$(DEVICE): FLAGS = $(DEVFLAGS)
$B/fwsign: $(call objs,cmd/*.c cmd/fwsign/*.c)
$B/fwverify: $(call objs,cmd/*.c cmd/fwverify/*.c)
$B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC $<)
	$Q$(CC) $(FLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(LIBS):
	$(call say,AR $@)
	$Qrm -f $@ && $(AR) rcs $@ $^
$(PROGS): $(LIBS)
	$(call say,LD $@)
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LINKED) \
		$(LDLIBS)
$(TESTS): %: %.o $(LIBS)
	$(call say,LD $@)
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) $(WRAP) -o $@ $< $(LINKED) $(LDLIBS) \
		-lcriterion

# Tests that include testdata/fault.h make calls of the C library fail.
FAULTS  := malloc calloc realloc free strdup strndup open openat linkat \
	renameat fsync fstat fstatat lstat getrandom read write pread pwrite \
	ftruncate flock mkdir
WRAP    = $(if $(shell grep -l '"testdata/fault.h"' $(@:$B/%=%.c)), \
	$(FAULTS:%=-Wl,--wrap=%))
# Includes are looked for below lib/ and cmd/; only tests have testdata/.
$(TESTS:=.o): CPPFLAGS += -I.
$(TESTS:=.o): CFLAGS += $(TEST_CFLAGS)

# A PKCS #11 module that misbehaves as told.
MOCK    := $B/mock_p11.so
$(MOCK): testdata/mock_p11.c Makefile
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -fPIC $(CFLAGS) -shared $(SANFLAGS) -o $@ $< \
		$(LDLIBS)
$(TESTS): | $(MOCK)

# ---- tests -----------------------------------------------------------------

# Two stages, because what the second one needs may have to be installed.
check: setup
	@$(MAKE) --no-print-directory check-run
CHECKS  := $(TESTS) $(SHTESTS) check-freestanding check-manuals check-yaml
check-run: CHECKS := $(if $(T),$(patsubst lib/%,$B/lib/%,$T),$(CHECKS))
check-run: $(PROGS) $(MOCK) $(if $(T),$(patsubst %,$B/%,$(filter lib/%,$T)), \
		$(TESTS)) $B/device.o
	@SAN='$(SAN)' MAKE='$(MAKE)' testdata/check.sh $B $(CHECKS)

$B/device.o: $(DEVICE)
	$(call say,LD $@)
	$Q$(CC) -nostdlib -r -o $@ $^
DEVSRC  := $(filter-out %_test.c lib/device/test%.h,$(wildcard lib/device/*.[ch]))
# Nothing needed from outside but mem* and fwd_panic, and no mutable data.
check-freestanding: $B/device.o
	! nm -u $< | grep -vE ' (mem(cpy|move|set|cmp)|fwd_panic|_GLOBAL_OFFSET_TABLE_|__(stack_chk_fail|.*san_.*))$$'
	! grep -n '#include' $(DEVSRC) | \
		grep -vE '<(stddef|stdint|stdbool|string)\.h>|"device/|"fwdevice\.h"'
	$(if $(SAN),,! size -A $< | grep -E '^\.(data|bss|tdata|tbss) +[1-9]')
check-manuals: $(MANUALS)
	test -n '$^'
	mandoc -Tlint -Wwarning $^
check-yaml:
	yamllint -s -c testdata/.yamllint \
		$$(find schemas testdata -name bad -prune -o -name '*.yaml' -print)

# Not part of check: other people's modules, each with its daemons.
check-tokens: setup
	@testdata/setup.sh $(PACKAGES_TOKENS)
	@$(MAKE) --no-print-directory check-tokens-run
check-tokens-run: $(PROGS)
	@testdata/tokens.sh $B $(TOKENS)

# Everything compiles without warnings under both compilers; of the tests,
# clang only looks for them (all of its warnings come before it optimizes).
OBJECTS := $(call objs,$(filter-out lib/arm/% lib/loader/%, \
	$(wildcard lib/*/*.c)) cmd/*.c cmd/*/*.c) $(TESTS:=.o)
objects: $(OBJECTS)
check-warnings:
	$(MAKE) CC=gcc B=build/warn-gcc objects
	$(MAKE) check-clang
check-clang:
	@testdata/setup.sh clang
	$(MAKE) CC=clang B=build/warn-clang TEST_CFLAGS=-fsyntax-only objects

# ---- what fwdevice(3) promises of lib/device --------------------------------

# At least so many per cent of its lines and branches are executed by its tests.
# Nothing is left out: the branches that only a fault in the hardware takes are
# taken by the tests that include the sources and lie to them (fault_test.c).
# power_test goes the same few ways too often to wait for it.
LINES_MIN    := 95
BRANCHES_MIN := 90
COVERAGE     := build/coverage
coverage: setup
	@testdata/setup.sh gcovr
	rm -rf $(COVERAGE)/lib/device
	$(MAKE) CC=gcc B=$(COVERAGE) SAN= SANFLAGS=--coverage HARDEN= \
		CFLAGS='-O0 -g' TEST_CFLAGS= coverage-run
coverage-run: $(filter-out %/power_test,$(filter $B/lib/device/%,$(TESTS)))
	SAN= testdata/check.sh $B $^
	gcovr -r . -f lib/device/ -e 'lib/device/test' -e '.*_test\.c' \
		--json $B/coverage.json $B/lib/device
	gcovr -r . -a $B/coverage.json
	gcovr -r . -a $B/coverage.json -b --fail-under-line $(LINES_MIN) \
		--fail-under-branch $(BRANCHES_MIN)

# It needs fewer bytes of stack than this on a Cortex-M3, with recursion that is
# bounded and no frame of variable size.
STACK_MAX := 6144
stack:
	@testdata/setup.sh gcc-arm-none-eabi libnewlib-arm-none-eabi python3
	$(MAKE) CC=arm-none-eabi-gcc B=build/stack SAN= CFLAGS='-Os \
		-mcpu=cortex-m3 -mthumb -fcallgraph-info=su,da' stack-run
stack-run: $(DEVICE)
	testdata/stack.py $(STACK_MAX) $^

# It keeps MISRA C:2012 but for the deviations that MISRA.md states.
misra:
	@testdata/setup.sh cppcheck python3
	testdata/misra.py build/misra lib/device/MISRA.md \
		$(filter %.c,$(DEVSRC))

# ---- microcontrollers ------------------------------------------------------

# lib/arm and lib/loader are for them only.
include lib/arm/arm.mk
include lib/loader/loader.mk
include testdata/size.mk
include testdata/twin/twin.mk
include testdata/faults/faults.mk

# ---- the rest of the tests -------------------------------------------------

# Not part of check: runs for SECONDS, with clang's libFuzzer.
SECONDS ?= 60
fuzz-inspect:
	$(MAKE) CC=clang SAN=1 B=build/fuzz \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' fuzz-inspect-run
fuzz-inspect-run: $B/testdata/fuzz_inspect.o $(LIBS)
	$(CC) $(SANFLAGS) -fsanitize=fuzzer -o $B/fuzz-inspect $< $(LINKED) \
		$(LDLIBS)
	mkdir -p $B/corpus
	$B/fuzz-inspect -max_total_time=$(SECONDS) -max_len=4096 $B/corpus \
		testdata/suit

demo: setup
	@$(MAKE) --no-print-directory demo-run
demo-run: $(PROGS)
	testdata/demo.sh $B
bench: setup
	@$(MAKE) --no-print-directory bench-run
bench-run: $(PROGS) $(MOCK) $B/bench_token
	testdata/bench.sh $B
	testdata/bench_batch.sh $B
$B/bench_token: testdata/bench_token.c Makefile
	$(call say,LD $@)
	$Q$(CC) $(FLAGS) $(CFLAGS) -o $@ $< $(LDFLAGS) $(LDLIBS) -ldl

# ---- the rest --------------------------------------------------------------

setup:
	@testdata/setup.sh $(PACKAGES)
packages:
	@echo $(PACKAGES)
packages-ci:
	@echo $(sort $(PACKAGES) $(PACKAGES_CI) $(PACKAGES_ARM) \
		$(PACKAGES_FAULTS))

D       = $(DESTDIR)$(PREFIX)
PKGCONF := lib/device/fwdevice.pc.in lib/port/fwport.pc.in
# The boot loader with all that it is made of, as it lies below lib.
EXAMPLES := $(DEVSRC) lib/port/fwport.h lib/port/bearssl.c lib/port/psa.c \
	lib/arm/start.c lib/arm/semihost.c lib/arm/semihost.h \
	lib/arm/sections.ld $(wildcard lib/loader/*)
install: all
	install -d $D/bin $D/lib/pkgconfig $D/include/fwsign/device \
		$D/include/fwsign/port $D/share/fwsign/schemas
	install -m 755 $(PROGS) $D/bin
	install -m 644 $B/libfwdevice.a $B/libfwport.a $D/lib
	install -m 644 lib/device/fwdevice.h lib/device/fwslots.h \
		$D/include/fwsign/device
	install -m 644 lib/port/fwport.h $D/include/fwsign/port
	for p in $(PKGCONF); do \
		o=$D/lib/pkgconfig/$$(basename $$p .in) && \
		sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
		$$p >$$o && chmod 644 $$o || exit 1; done
	install -m 644 $(wildcard schemas/*) $D/share/fwsign/schemas
	for e in $(EXAMPLES:lib/%=%); do \
		o=$D/share/fwsign/examples/$$e && install -d $${o%/*} && \
		cp lib/$$e $$o && chmod a+rX,go-w $$o || exit 1; done
	for m in $(MANUALS); do \
		s=$D/share/man/man$${m##*.} && install -d $$s && \
		install -m 644 $$m $$s || exit 1; done
uninstall:
	rm -f $(PROGS:$B/%=$D/bin/%) $D/lib/libfwdevice.a $D/lib/libfwport.a \
		$(patsubst %.in,$D/lib/pkgconfig/%,$(notdir $(PKGCONF)))
	rm -rf $D/include/fwsign $D/share/fwsign
	for m in $(MANUALS:man/%=%); do \
		rm -f $D/share/man/man$${m##*.}/$$m; done

clean:
	rm -rf build

.DELETE_ON_ERROR:
.PHONY: all check check-run check-freestanding check-manuals check-yaml \
	check-warnings check-clang check-tokens check-tokens-run objects \
	coverage coverage-run stack stack-run misra \
	fuzz-inspect fuzz-inspect-run demo demo-run \
	bench bench-run setup packages packages-ci install uninstall clean
-include $(wildcard $B/*/*.d $B/*/*/*.d)
