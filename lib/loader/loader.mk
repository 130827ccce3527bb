# SPDX-License-Identifier: Apache-2.0
#
# The example boot loader and its application, for QEMU's mps2-an385; included
# by the Makefile, behind lib/arm/arm.mk.
#
# make demo-device	build them, and let an emulated device live through
#			installations, attacks and power that fails
# make loader ROOT=FILE	the loader for devices that trust this root (PEM)

# Releases of the application; the last one hangs.
LOADER_APPS  := 1.0 1.1 1.2 1.3
LOADER_HANGS := 1.3
L            := $A/m3/lib/loader

# What bundles for this device can have: one component, an image for each bank,
# two signatures by chains of three.  The library is compiled for it as well.
LOADER_LIMITS := -DFWD_COMPONENTS_MAX=1 -DFWD_PAYLOADS_MAX=2 \
	-DFWD_ATTACHMENTS_MAX=4 -DFWD_AUTH_MAX=2 -DFWD_CHAIN_MAX=3 \
	-DFWD_NAME_MAX=100
$L/%.o: ARM_CPPFLAGS += $(LOADER_LIMITS)
$L/device/%.o: lib/device/%.c Makefile lib/loader/loader.mk
	@mkdir -p $(@D)
	$(call say,CC m3 $< small)
	$Q$(ARM_CC) $(ARM_m3) $(ARM_FLAGS) $(ARM_CPPFLAGS) $(ARM_CFLAGS) \
		-MMD -MP -c -o $@ $<
$L/libfwdevice.a: $(ARM_DEVICE:lib/%.c=$L/%.o)
	$(call say,AR $@)
	$Qrm -f $@ && arm-none-eabi-ar rcs $@ $^

LOADER_OBJS := $(addprefix $L/,main.o loader.o flash.o handover.o product.o \
	board.o emulator.o bearssl.o)
LOADER      := $A/m3/loader.elf
$(LOADER): $(LOADER_OBJS) $L/trust.o $(call arm_start,m3) \
		$A/m3/libbearssl.a $L/libfwdevice.a $L/loader.ld
	$(arm_link)
$(LOADER): ARM_LDSCRIPT = $L/loader.ld

# The port for nothing but P-256 and SHA-256.
$L/bearssl.o: lib/port/bearssl.c lib/loader/loader.mk
	@mkdir -p $(@D)
	$(call say,CC m3 $< small)
	$Q$(ARM_CC) $(ARM_m3) $(ARM_FLAGS) $(ARM_INC_bearssl) \
		$(ARM_CPPFLAGS) -DFWP_BEARSSL_SMALL $(ARM_CFLAGS) -MMD -MP -c -o $@ $<

# The root may be another one than last time.
$L/trust.c: lib/loader/trust.sh FORCE
	@mkdir -p $(@D)
	$Qlib/loader/trust.sh $(ROOT) >$@
$L/trust.o: $L/trust.c
	$(call say,CC m3 $<)
	$Q$(ARM_CC) $(ARM_m3) $(ARM_FLAGS) $(ARM_CPPFLAGS) $(ARM_CFLAGS) -c \
		-o $@ $<

# The linker has no preprocessor.
$L/loader.ld: lib/loader/loader.ld lib/loader/layout.h
	@mkdir -p $(@D)
	$Q$(ARM_CC) -E -P -x c -Ilib -o $@ $<
$L/app-%.ld: lib/loader/app.ld lib/loader/layout.h
	@mkdir -p $(@D)
	$Q$(ARM_CC) -E -P -x c -Ilib -DBANK=$* -o $@ $<

# app-VERSION-BANK.bin
define loader_app
$L/app-$1.o: lib/loader/app.c Makefile lib/loader/loader.mk
	@mkdir -p $$(@D)
	$$(call say,CC m3 $$< $1)
	$$Q$$(ARM_CC) $$(ARM_m3) $$(ARM_FLAGS) $$(ARM_CPPFLAGS) \
		$(if $(filter $1,$(LOADER_HANGS)),-DAPP_HANGS) \
		-DAPP_VERSION='"$1"' $$(ARM_CFLAGS) -MMD -MP -c -o $$@ $$<
$(foreach b,0 1,$L/app-$1-$b.elf): $L/app-$1-%.elf: $L/app-$1.o \
		$(addprefix $L/,board.o handover.o) $(call arm_start,m3) \
		$L/app-%.ld
	$$(arm_link)
$(foreach b,0 1,$(eval $L/app-$1-$b.elf: ARM_LDSCRIPT = $L/app-$b.ld))
endef
$(foreach v,$(LOADER_APPS),$(eval $(call loader_app,$v)))
LOADER_BINS := $(foreach v,$(LOADER_APPS),$L/app-$v-0.bin $L/app-$v-1.bin)
$(LOADER_BINS): %.bin: %.elf
	$Qarm-none-eabi-objcopy -O binary $< $@

loader: arm-sources
	@$(MAKE) --no-print-directory loader-run
loader-run: $(LOADER)
demo-device: setup arm-sources
	@$(MAKE) --no-print-directory demo-device-run
demo-device-run: $(PROGS) $(LOADER_OBJS) $(LOADER_BINS) $L/libfwdevice.a \
		$A/m3/libbearssl.a
	testdata/demo_device.sh $B $(LOADER) $L

.PHONY: loader loader-run demo-device demo-device-run FORCE
-include $(wildcard $L/device/*.d)
