# SPDX-License-Identifier: Apache-2.0
#
# Fault injection (make faults): the device library, and the example loader, as
# compiled for a Cortex-M3, run in an emulator over what they have to refuse, with
# each instruction skipped, each branch inverted and each loaded word replaced in
# turn.  SCENARIO=NAME for one of the scenarios.

PACKAGES_FAULTS := gcc-arm-none-eabi libnewlib-arm-none-eabi libunicorn-dev \
	libcapstone-dev
FAULTS_GUEST := $(foreach p,faults faults_loader,$A/m3/$p.elf $A/m3/$p.bin)

faults: setup
	@testdata/setup.sh $(PACKAGES_FAULTS)
	@$(MAKE) --no-print-directory faults-run
faults-run: $B/faults $(FAULTS_GUEST)
	$^ $(if $(SCENARIO),'$(SCENARIO)')

# The emulated devices, around the library as it is shipped, and around the
# objects of the example loader with the library that it has (loader.mk).
$A/m3/testdata/faults/%.o: ARM_CPPFLAGS = -I.
$A/m3/faults.elf $A/m3/faults_loader.elf: ARM_LDSCRIPT = testdata/faults/guest.ld
$A/m3/faults.elf: $(addprefix $A/m3/testdata/faults/,guest.o naive.o ports.o) \
		$A/m3/libfwdevice.a testdata/faults/guest.ld
	$(arm_link)
$A/m3/faults_loader.elf: $(addprefix $A/m3/testdata/faults/,board.o ports.o) \
		$(addprefix $L/,main.o loader.o flash.o handover.o) \
		$L/libfwdevice.a testdata/faults/guest.ld
	$(arm_link)
%.bin: %.elf
	$Qarm-none-eabi-objcopy -O binary $< $@

# The campaign.
FAULTS_HOST := $(patsubst %.c,$B/%.o, \
	$(filter-out %/guest.c %/naive.c %/ports.c %/board.c, \
	$(wildcard testdata/faults/*.c)))
$(FAULTS_HOST): CPPFLAGS += -I. -Itestdata/faults
$B/faults: $(FAULTS_HOST) $(LIBS)
	$(call say,LD $@)
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LINKED) \
		$(LDLIBS) -lunicorn -lcapstone

.PHONY: faults faults-run
