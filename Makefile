# SPDX-License-Identifier: Apache-2.0
VERSION := 0.1.0
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
PKGS    := libcrypto yaml-0.1 libarchive p11-kit-1 jansson
B       := build/$(if $(SAN),san,plain)$(if $(filter-out cc gcc,$(CC)),-$(notdir $(CC)))
SANFLAGS := $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)
HARDEN  := $(if $(SAN),,-fstack-protector-strong -D_FORTIFY_SOURCE=2) -fPIE
FLAGS   = -std=c11 -D_GNU_SOURCE -Ilib -Icmd -DFW_VERSION='"$(VERSION)"' \
	$(SANFLAGS) $(HARDEN) -Wall -Wextra -Wshadow -Wconversion -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Werror \
	$(shell pkg-config --cflags $(PKGS))
LDFLAGS += -pie -Wl,-z,relro,-z,now
LDLIBS  += $(shell pkg-config --libs $(PKGS)) -lpthread

objs    = $(patsubst %.c,$B/%.o,$(filter-out %_test.c,$(wildcard $1)))
DEVICE  := $(call objs,lib/device/*.c)
LIBS    := $B/libfwhost.a $B/libfwport.a $B/libfwdevice.a
PROGS   := $B/fwsign $B/fwverify
TESTS   := $(patsubst %.c,$B/%,$(wildcard lib/*/*_test.c))

all: $(PROGS)
$B/libfwhost.a: $(call objs,lib/host/*.c)
$B/libfwport.a: $(call objs,lib/port/*.c)
$B/libfwdevice.a: $(DEVICE)
$(DEVICE): FLAGS += -ffreestanding
$B/fwsign: $(call objs,cmd/*.c cmd/fwsign/*.c)
$B/fwverify: $(call objs,cmd/*.c cmd/fwverify/*.c)
$B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(LIBS):
	rm -f $@ && $(AR) rcs $@ $^
$(PROGS): $(LIBS)
	$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS) $(LDLIBS)
$(TESTS): %: %.o $(LIBS)
	$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS) -lcriterion

clean: ; rm -rf build
.PHONY: all clean
-include $(wildcard $B/*/*.d $B/*/*/*.d)
