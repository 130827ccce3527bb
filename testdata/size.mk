# SPDX-License-Identifier: Apache-2.0
#
# make size       what lib/device needs on each Cortex-M: code, constants, RAM,
#                 stack and instructions, held against testdata/size.budget
#
# Two of each program: "full" with the limits of fwdevice.h and all that the
# port can do, "small" with the limits of a device with one component, and, from
# BearSSL, P-256 and SHA-256 alone.

SIZE_PROGS := m0/small m3/small m3/full m33/small m33/full
SIZE_LIMITS := -DFWD_COMPONENTS_MAX=1 -DFWD_PAYLOADS_MAX=2 \
	-DFWD_ATTACHMENTS_MAX=1 -DFWD_AUTH_MAX=2 -DFWD_CHAIN_MAX=3 \
	-DFWD_NAME_MAX=32
SIZE_small := $(SIZE_LIMITS) -DFWP_BEARSSL_SMALL
SIZE_m33   := -DSIZE_PSA
# What the library alone is linked for, so that the rest of it is left out.
SIZE_judge  := fwd_bundle_check
SIZE_device := fwd_device_provision fwd_device_install fwd_device_boot \
	fwd_device_confirm fwd_device_status

# $(call size_program,TARGET,KIND)
define size_program
$A/$1/size/$2/%.o: %.c Makefile lib/arm/arm.mk testdata/size.mk
	@mkdir -p $$(@D)
	$$(call say,CC $1 $2 $$<)
	$$Q$$(ARM_CC) $$(ARM_$1) $$(ARM_FLAGS) $(ARM_INC_$(ARM_PORT_$1)) \
		$(SIZE_$1) $(SIZE_$2) $$(ARM_CFLAGS) -MMD -MP -c -o $$@ $$<
$A/$1/size/$2.elf: $(patsubst %.c,$A/$1/size/$2/%.o,$(ARM_DEVICE) \
		lib/port/$(ARM_PORT_$1).c testdata/size_guest.c) \
		$$(call arm_start,$1) $(ARM_CRYPTO_$(ARM_PORT_$1):%=$A/$1/%)
	$$(arm_link)
endef
$(foreach p,$(SIZE_PROGS),$(eval \
	$(call size_program,$(patsubst %/,%,$(dir $p)),$(notdir $p))))

# The library alone: what it calls of others is left open.
define size_library
$A/$1/size/$2.part: $A/$1/libfwdevice.a testdata/size.mk
	@mkdir -p $$(@D)
	$$(call say,LD $$@)
	$$Q$$(ARM_CC) $$(ARM_$1) -nostdlib -Wl,--gc-sections \
		$(SIZE_$2:%=-Wl,-u,%) -Wl,-e,$(firstword $(SIZE_$2)) \
		-Wl,--unresolved-symbols=ignore-all -o $$@ $$<
endef
$(foreach t,$(ARM_TARGETS),$(foreach k,judge device,$(eval \
	$(call size_library,$t,$k))))

size: arm-sources setup
	@$(MAKE) --no-print-directory size-run
size-run: $(PROGS) $(foreach p,$(SIZE_PROGS),$A/$(dir $p)size/$(notdir $p).elf) \
		$(foreach t,$(ARM_TARGETS),$A/$t/size/judge.part \
		$A/$t/size/device.part)
	@testdata/size.sh $B $A testdata/size.budget

.PHONY: size size-run
-include $(wildcard $A/*/size/*/*/*.d $A/*/size/*/*/*/*.d)
