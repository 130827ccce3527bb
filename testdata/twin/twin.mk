# SPDX-License-Identifier: Apache-2.0
#
# make twin       judge a corpus with lib/device on this host and on emulated
#                 microcontrollers, and compare all they say, byte for byte
#
# Included by the Makefile; lib/arm/arm.mk gives the rules.

TWIN      := testdata/twin
TWIN_SRC  := $(addprefix $(TWIN)/,twin.o device.o life.o memo.o)
TWIN_HOST := $(addprefix $B/$(TWIN)/twin-,openssl bearssl psa)
# The same with one constant changed, to see that the comparison sees it; and
# with a library in which one check is turned off: what is named here of its
# sources, by which change.  That has to be seen in the cases of wrong.cbor.
TWIN_ALTERED := $A/m3/altered.elf
TWIN_LESS := purpose usage path-length twice rsa-size sequence-number capacity
less_purpose         := path.c s/^\treturn FWD_E_CERT_EKU;/\treturn FWD_OK;/
less_usage           := path.c \
	s/need_bits(cert->usage, bit,/need_bits(bit, bit,/
less_path-length     := path.c s/need_order(1, p->max_path,/need_order(1, 1,/
less_twice           := x509.c s/return FWD_E_CERT_EXT_DUP;/return FWD_OK;/
less_rsa-size        := authenticate.c s!3072 / 8!2048 / 8!
less_sequence-number := suit.c \
	s/return \(fwd_cbor_uint(c, &man->sequence_number)\);/FWD_TRY(\1); \
	man->sequence_number = (uint32_t)man->sequence_number; return FWD_OK;/
less_capacity        := component.c \
	s/(size > c->capacity)/((uint32_t)size > (uint32_t)c->capacity)/; \
	s/fwd_launder64(\(size\|c->capacity\))/(uint32_t)\1/g

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

# A source is changed, or that is an error.
$A/m3/less/%.c: $(wildcard lib/device/*.[ch]) $(TWIN)/twin.mk
	@mkdir -p $(@D)
	$Qsed '$(wordlist 2,99,$(less_$*))' \
		lib/device/$(firstword $(less_$*)) >$@.new
	$Q! cmp -s $@.new lib/device/$(firstword $(less_$*))
	$Qmv $@.new $@
$A/m3/less/%.o: $A/m3/less/%.c
	$(call say,CC m3 $<)
	$Q$(ARM_CC) $(ARM_m3) $(ARM_FLAGS) $(ARM_CFLAGS) -c -o $@ $<
# What this source defines, is not taken out of the library.
TWIN_M3 := $(addprefix $A/m3/$(TWIN)/,twin.o device.o life.o memo.o guest.o \
	crypto_$(ARM_PORT_m3).o) $A/m3/lib/port/flash.o \
	$(call arm_start,m3) $(call arm_crypto,m3) $A/m3/libfwdevice.a
$A/m3/less/%.elf: $A/m3/less/%.o $A/m3/twin.elf
	$(call say,LD $@)
	$Q$(ARM_CC) $(ARM_m3) -nostartfiles --specs=nano.specs -Llib/arm \
		-T $(TWIN)/m3.ld -Wl,--gc-sections -Wl,--fatal-warnings \
		$(ARM_LDFLAGS) -o $@ $< $(filter %.o,$(TWIN_M3)) \
		$(filter %.a,$(TWIN_M3)) $(ARM_LIBS)
.SECONDARY: $(TWIN_LESS:%=$A/m3/less/%.c) $(TWIN_LESS:%=$A/m3/less/%.o)

twin: setup arm
	@$(MAKE) --no-print-directory twin-run
twin-run: $(PROGS) $(TWIN_HOST) $B/$(TWIN)/flat \
		$(ARM_TARGETS:%=$A/%/twin.elf) $(TWIN_ALTERED) \
		$(TWIN_LESS:%=$A/m3/less/%.elf)
	@TWIN_LESS='$(TWIN_LESS)' $(TWIN)/twin.sh $B $A $(ARM_TARGETS)

# Both compilers see it, what is for the microcontroller as well.
objects: $(call objs,$(TWIN)/*.c)

.PHONY: twin twin-run
