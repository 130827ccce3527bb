# SPDX-License-Identifier: Apache-2.0
#
# The crypto that goes with each target of arm.mk: $(call arm_crypto,TARGET) are
# the port of lib/port and the library behind it, from a Debian source package.

# Other people's sources: compiled as they are, without our warnings.
ARM_SOURCE   := $A/source
ARM_PORT_m0  := bearssl
ARM_PORT_m3  := bearssl
ARM_PORT_m33 := psa
arm_port      = $(addprefix $A/$1/lib/port/,$(ARM_PORT_$1).o)
arm_crypto    = $(call arm_port,$1) $(ARM_CRYPTO_$(ARM_PORT_$1):%=$A/$1/%)
ARM_CRYPTO_bearssl := libbearssl.a
ARM_CRYPTO_psa     := lib/arm/mbedtls_board.o libmbedcrypto.a
ARM_INC_bearssl    := -isystem $(ARM_SOURCE)/bearssl/inc
ARM_INC_psa        := -isystem $(ARM_SOURCE)/mbedtls/include \
	-DMBEDTLS_CONFIG_FILE='"arm/mbedtls_config.h"'
ARM_DEP_psa        := lib/arm/mbedtls_config.h

# Only what verification can need; the linker takes less.
ARM_BEARSSL := $(wildcard $(patsubst %,$(ARM_SOURCE)/bearssl/src/%/*.c, \
	codec ec hash int rsa))
ARM_MBEDTLS := $(patsubst %,$(ARM_SOURCE)/mbedtls/library/%.c,asn1parse \
	asn1write bignum constant_time ecdsa ecp ecp_curves md \
	memory_buffer_alloc oid pk pk_wrap pkparse pkwrite platform \
	platform_util psa_crypto psa_crypto_client psa_crypto_driver_wrappers \
	psa_crypto_ecp psa_crypto_hash psa_crypto_mac psa_crypto_rsa \
	psa_crypto_slot_management rsa rsa_internal sha256 sha512)
define arm_crypto_rules
$A/$1/lib/port/%.o $A/$1/lib/arm/mbedtls_board.o: \
	ARM_CPPFLAGS += $(ARM_INC_$(ARM_PORT_$1))
$A/$1/source/%.o: $(ARM_SOURCE)/%.c lib/arm/crypto.mk $(ARM_DEP_$(ARM_PORT_$1))
	@mkdir -p $$(@D)
	$$(if $V,,@echo '  CC $1 $$*.c')
	$$Q$$(ARM_CC) $$(ARM_$1) -std=c11 -Ilib $(ARM_INC_$(ARM_PORT_$1)) \
		-I$(ARM_SOURCE)/bearssl/src -ffunction-sections \
		-fdata-sections -w $$(ARM_CFLAGS) -c -o $$@ $$<
$A/$1/libbearssl.a: $(ARM_BEARSSL:$(ARM_SOURCE)/%.c=$A/$1/source/%.o)
$A/$1/libmbedcrypto.a: $(ARM_MBEDTLS:$(ARM_SOURCE)/%.c=$A/$1/source/%.o)
$A/$1/libbearssl.a $A/$1/libmbedcrypto.a:
	$$(call say,AR $$@)
	$$Qrm -f $$@ && arm-none-eabi-ar rcs $$@ $$^
endef
$(foreach t,$(ARM_TARGETS),$(eval $(call arm_crypto_rules,$t)))
