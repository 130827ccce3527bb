# SPDX-License-Identifier: Apache-2.0
#
# make faults     fault injection: the device library as compiled for a
#                 Cortex-M3 runs in an emulator over what it has to refuse,
#                 with each instruction skipped, each branch inverted and each
#                 loaded word replaced in turn.  Nothing may be accepted.

PACKAGES_FAULTS := gcc-arm-none-eabi libnewlib-arm-none-eabi libunicorn-dev \
	libcapstone-dev
FAULTS_ARM := build/faults-arm

faults: setup
	@testdata/setup.sh $(PACKAGES_FAULTS)
	@$(MAKE) --no-print-directory CC=arm-none-eabi-gcc B=$(FAULTS_ARM) SAN= \
		CFLAGS='-Os -g -mcpu=cortex-m3 -mthumb' faults-guest
	@$(MAKE) --no-print-directory faults-run
faults-run: $B/faults
	$B/faults $(FAULTS_ARM)/faults.elf $(FAULTS_ARM)/faults.bin $(FAULTS_ONLY)

# The emulated device, around the library as it is shipped.
FAULTS_GUEST := $(patsubst %,$B/testdata/faults/%.o,guest naive)
faults-guest: $B/faults.bin
$(FAULTS_GUEST): FLAGS = $(DEVFLAGS) -I. -fno-stack-protector
$B/faults.elf: $(DEVICE) $(FAULTS_GUEST) testdata/faults/guest.ld
	$(call say,LD $@)
	$Q$(CC) -mcpu=cortex-m3 -mthumb -nostartfiles -Wl,--fatal-warnings \
		-T testdata/faults/guest.ld -o $@ $(filter %.o,$^)
$B/faults.bin: $B/faults.elf
	$Qarm-none-eabi-objcopy -O binary $< $@

# The campaign.
FAULTS_HOST := $(patsubst %.c,$B/%.o, \
	$(filter-out %/guest.c %/naive.c,$(wildcard testdata/faults/*.c)))
$(FAULTS_HOST): CPPFLAGS += -I. -Itestdata/faults
$B/faults: $(FAULTS_HOST) $(LIBS)
	$(call say,LD $@)
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LINKED) \
		$(LDLIBS) -lunicorn -lcapstone

.PHONY: faults faults-run faults-guest
