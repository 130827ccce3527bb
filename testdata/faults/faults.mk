# SPDX-License-Identifier: Apache-2.0
#
# Fault injection (make faults): the device library as compiled for a Cortex-M3
# runs in an emulator over what it has to refuse, with each instruction skipped,
# each branch inverted and each loaded word replaced in turn.  SCENARIO=NAME for
# one of the scenarios.

PACKAGES_FAULTS := gcc-arm-none-eabi libnewlib-arm-none-eabi libunicorn-dev \
	libcapstone-dev
FAULTS_GUEST := $A/m3/faults.elf $A/m3/faults.bin

faults: setup
	@testdata/setup.sh $(PACKAGES_FAULTS)
	@$(MAKE) --no-print-directory faults-run
faults-run: $B/faults $(FAULTS_GUEST)
	$^ $(if $(SCENARIO),'$(SCENARIO)')

# The emulated device, around the library as it is shipped.
$A/m3/testdata/faults/%.o: ARM_CPPFLAGS = -I.
$A/m3/faults.elf: ARM_LDSCRIPT = testdata/faults/guest.ld
$A/m3/faults.elf: $(addprefix $A/m3/testdata/faults/,guest.o naive.o) \
		$A/m3/libfwdevice.a testdata/faults/guest.ld
	$(arm_link)
%.bin: %.elf
	$Qarm-none-eabi-objcopy -O binary $< $@

# The campaign.
FAULTS_HOST := $(patsubst %.c,$B/%.o, \
	$(filter-out %/guest.c %/naive.c,$(wildcard testdata/faults/*.c)))
$(FAULTS_HOST): CPPFLAGS += -I. -Itestdata/faults
$B/faults: $(FAULTS_HOST) $(LIBS)
	$(call say,LD $@)
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LINKED) \
		$(LDLIBS) -lunicorn -lcapstone

.PHONY: faults faults-run
