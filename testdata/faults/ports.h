/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulated programs share: the places that the host watches, and what
   it does for them. */
#ifndef FAULTS_PORTS_H
#define FAULTS_PORTS_H

#include "device/fwdevice.h"
#include "testdata/faults/guest.h"

#define INPUT ((const struct guest_input *)GUEST_INPUT)
#define AT(x) ((uint32_t)(uintptr_t)(x))

/* Where runs end. */
FWD_NORETURN void accepted(void);
FWD_NORETURN void refused(void);
FWD_NORETURN void panicked(void);
/* What a run comes by: it was set up; what must not happen, has. */
void ready(void);
void started(void);
uint32_t host_call(uint32_t op, uint32_t a, uint32_t b, uint32_t c);

void copy(void *to, const void *from, size_t n);
void fill(void *to, uint8_t value, size_t n);
/* Panic unless it is so. */
void need(bool ok);
/* SHA-256, and a signature that is no ECDSA. */
void hash(const uint8_t *p, size_t n, uint8_t out[GUEST_DIGEST]);
bool holds(const uint8_t point[GUEST_POINT],
    const uint8_t digest[GUEST_DIGEST], const uint8_t sig[GUEST_SIG]);
/* The crypto port. */
struct fwd_crypto stub_crypto(void);
/* The next bytes of the bundle, from *at on. */
size_t receive(uint32_t *at, uint8_t *p, size_t n);

/* By the linker script. */
extern const uint8_t guest_stack[], guest_data_end[],
    guest_faulted_begin[], guest_faulted_end[], guest_loader_begin[],
    guest_loader_end[];
/* The fields of the table that are alike. */
#define GUEST_TABLE							\
	.magic = GUEST_MAGIC,						\
	.stack = AT(guest_stack),					\
	.data_end = AT(guest_data_end),					\
	.faulted_begin = AT(guest_faulted_begin),			\
	.faulted_end = AT(guest_faulted_end),				\
	.ready = AT(ready),						\
	.accepted = AT(accepted),					\
	.refused = AT(refused),						\
	.panicked = AT(panicked),					\
	.started = AT(started),						\
	.host_call = AT(host_call)

#endif
