# SPDX-License-Identifier: Apache-2.0
#
# Programs for emulated Cortex-M, included by the Makefile.
#
# make arm        cross-compile lib/device for all of them, its ports with
#                 BearSSL (m0, m3) and Mbed TLS (m33), which are fetched as
#                 Debian's source packages, and show that programs start there
#
# To reuse it: objects of any source are $A/TARGET/PATH.o, where TARGET is one
# of $(ARM_TARGETS).  A program is a list of objects with $(call arm_start,
# TARGET) among them and the rule $(arm_link):
#
#	$A/m3/loader.elf: $A/m3/lib/loader/main.o $(call arm_start,m3) \
#			$(call arm_crypto,m3) $A/m3/libfwdevice.a
#		$(arm_link)
#
# ARM_LDSCRIPT and ARM_LIBS can be set for it alone.  arm_crypto needs what
# "make arm-sources" fetches: make it by a recipe that calls $(MAKE) after that,
# as arm does here.  testdata/qemu.sh TARGET PROGRAM ARGUMENT... runs it.

A           := build/arm
ARM_TARGETS := m0 m3 m33
ARM_m0      := -mcpu=cortex-m0 -mthumb
ARM_m3      := -mcpu=cortex-m3 -mthumb
ARM_m33     := -mcpu=cortex-m33 -mthumb
ARM_CC      ?= arm-none-eabi-gcc
ARM_CFLAGS  ?= -Os -g
ARM_FLAGS    = -std=c11 -ffreestanding -ffunction-sections -fdata-sections \
	-Ilib $(WARN)
# Debian packages that these targets need.
PACKAGES_ARM := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
	dpkg-dev debian-archive-keyring

# The target of a file below $A, by its name.
arm_of       = $(firstword $(subst /, ,$(patsubst $A/%,%,$1)))
arm_start    = $(addprefix $A/$1/lib/arm/,start.o semihost.o)
ARM_LDSCRIPT = lib/arm/$(call arm_of,$@).ld
define arm_link
	$(call say,LD $@)
	$Q$(ARM_CC) $(ARM_$(call arm_of,$@)) -nostartfiles --specs=nano.specs \
		-Llib/arm -T $(ARM_LDSCRIPT) -Wl,--gc-sections \
		-Wl,--fatal-warnings -Wl,-Map=$@.map $(ARM_LDFLAGS) -o $@ \
		$(filter %.o %.a,$^) $(ARM_LIBS)
endef

ARM_DEVICE  := $(filter-out %_test.c,$(wildcard lib/device/*.c))
define arm_rules
$A/$1/%.o: %.c Makefile lib/arm/arm.mk
	@mkdir -p $$(@D)
	$$(call say,CC $1 $$<)
	$$Q$$(ARM_CC) $$(ARM_$1) $$(ARM_FLAGS) $$(ARM_CPPFLAGS) $$(ARM_CFLAGS) \
		-MMD -MP -c -o $$@ $$<
$A/$1/libfwdevice.a: $(ARM_DEVICE:%.c=$A/$1/%.o)
	$$(call say,AR $$@)
	$$Qrm -f $$@ && arm-none-eabi-ar rcs $$@ $$^
$A/$1/probe.elf: $A/$1/lib/arm/probe.o $$(call arm_start,$1) \
		lib/arm/$1.ld lib/arm/sections.ld
	$$(arm_link)
endef
$(foreach t,$(ARM_TARGETS),$(eval $(call arm_rules,$t)))


include lib/arm/crypto.mk

# ---- targets ---------------------------------------------------------------

arm: arm-sources
	@$(MAKE) --no-print-directory arm-run
arm-sources: arm-setup
	@testdata/source.sh $(ARM_SOURCE) bearssl mbedtls
arm-setup:
	@testdata/setup.sh $(PACKAGES_ARM)
arm-run: $(foreach t,$(ARM_TARGETS),$A/$t/libfwdevice.a \
		$(call arm_crypto,$t)) $A/probed
$A/probed: $(ARM_TARGETS:%=$A/%/probe.elf) testdata/arm.sh testdata/qemu.sh
	testdata/arm.sh $A $(ARM_TARGETS)
	@touch $@

.PHONY: arm arm-run arm-sources arm-setup
-include $(wildcard $A/*/*/*/*.d)
