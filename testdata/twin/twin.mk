# SPDX-License-Identifier: Apache-2.0
#
# make twin       judge a corpus with lib/device on this host and on emulated
#                 microcontrollers, and compare all they say, byte for byte
#
# Included by the Makefile; lib/arm/arm.mk gives the rules.

TWIN      := testdata/twin
TWIN_SRC  := $(addprefix $(TWIN)/,twin.o device.o life.o memo.o)
TWIN_HOST := $(addprefix $B/$(TWIN)/twin-,openssl bearssl psa)
# The same with one constant changed, to see that the comparison sees it.
TWIN_ALTERED := $A/m3/altered.elf

$(TWIN_HOST): $B/$(TWIN)/twin-%: $B/$(TWIN)/crypto_%.o $B/$(TWIN)/hosted.o \
		$(TWIN_SRC:%=$B/%) $(LIBS)
$B/$(TWIN)/flat: $B/$(TWIN)/flat.o $(LIBS)
$(TWIN_HOST) $B/$(TWIN)/flat:
	$(call say,LD $@)
	$Q$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LINKED) \
		$(LDLIBS)
$B/$(TWIN)/%.o: CPPFLAGS += -I.

define twin_rules
$A/$1/$(TWIN)/%.o: ARM_CPPFLAGS += -I.
$A/$1/twin.elf: $A/$1/$(TWIN)/twin.o
$A/$1/altered.elf: $A/$1/$(TWIN)/altered.o
$A/$1/twin.elf $A/$1/altered.elf: $(addprefix $A/$1/$(TWIN)/,device.o life.o \
		memo.o guest.o crypto_$(ARM_PORT_$1).o) $A/$1/lib/port/flash.o \
		$(call arm_start,$1) $(call arm_crypto,$1) $A/$1/libfwdevice.a \
		$(TWIN)/$1.ld lib/arm/sections.ld
	$$(arm_link)
$A/$1/twin.elf $A/$1/altered.elf: ARM_LDSCRIPT = $(TWIN)/$1.ld
endef
$(foreach t,$(ARM_TARGETS),$(eval $(call twin_rules,$t)))

twin: setup arm
	@$(MAKE) --no-print-directory twin-run
twin-run: $(PROGS) $(TWIN_HOST) $B/$(TWIN)/flat \
		$(ARM_TARGETS:%=$A/%/twin.elf) $(TWIN_ALTERED)
	@$(TWIN)/twin.sh $B $A $(ARM_TARGETS)

# Both compilers see it, what is for the microcontroller as well.
objects: $(call objs,$(TWIN)/*.c)

.PHONY: twin twin-run
