/* SPDX-License-Identifier: Apache-2.0 */
/* See ports.h.  Nothing of this is faulted. */
#include "testdata/faults/ports.h"

#define APART(name) __attribute__((noinline, section(name)))

static struct {
	struct guest_message message;
	struct guest_sig sig;
} me;

/* ---- places and calls that the host watches ---------------------------- */

__asm__(".text\n.thumb\n.syntax unified\n"
    ".global host_call, ready, started\n"
    ".thumb_func\nhost_call: bx lr\n"
    ".thumb_func\nready: bx lr\n"
    ".thumb_func\nstarted: bx lr\n");

/* Many times, so that what falls into it stays there. */
#define STAY __asm__ volatile(".rept 16\nb .\n.endr")

APART(".accepted") void
accepted(void)
{
	STAY;
	for (;;)
		;
}

APART(".refused") void
refused(void)
{
	STAY;
	for (;;)
		;
}

APART(".panicked") void
panicked(void)
{
	STAY;
	for (;;)
		;
}

void
need(bool ok)
{
	if (!ok)
		panicked();
}

void
copy(void *to, const void *from, size_t n)
{
	(void)host_call(HOST_COPY, AT(to), AT(from), n);
}

void
fill(void *to, uint8_t value, size_t n)
{
	(void)host_call(HOST_FILL, AT(to), value, n);
}

size_t
receive(uint32_t *at, uint8_t *p, size_t n)
{
	const struct guest_blob *const b = &INPUT->bundle;

	if (n > b->n - *at)
		n = b->n - *at;
	copy(p, (const uint8_t *)(uintptr_t)(b->at + *at), n);
	*at += n;
	return n;
}

/* ---- crypto ------------------------------------------------------------ */

static fwd_status
hash_start(void *ctx, int32_t alg)
{
	(void)ctx;
	me.message.n = 0;
	return alg == FWD_SHA256 ? FWD_OK : FWD_E_ALG;
}

static fwd_status
hash_add(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	if (n > GUEST_MESSAGE - me.message.n)
		return FWD_E_CRYPTO;
	copy(me.message.bytes + me.message.n, p, n);
	me.message.n += n;
	return FWD_OK;
}

static fwd_status
hash_end(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	if (n != GUEST_DIGEST)
		return FWD_E_CRYPTO;
	(void)host_call(HOST_HASH, AT(&me.message), AT(out), n);
	return FWD_OK;
}

void
hash(const uint8_t *p, size_t n, uint8_t out[GUEST_DIGEST])
{
	me.message.n = n;
	copy(me.message.bytes, p, n);
	(void)host_call(HOST_HASH, AT(&me.message), AT(out), GUEST_DIGEST);
}

bool
holds(const uint8_t point[GUEST_POINT], const uint8_t digest[GUEST_DIGEST],
    const uint8_t sig[GUEST_SIG])
{
	copy(me.sig.point, point, GUEST_POINT);
	copy(me.sig.digest, digest, GUEST_DIGEST);
	copy(me.sig.sig, sig, GUEST_SIG);
	return host_call(HOST_VERIFY, AT(&me.sig), 0, 0) == 1;
}

static fwd_status
verify(void *ctx, const struct fwd_sig *sig)
{
	(void)ctx;
	if (sig->alg != FWD_ESP256 || sig->digest_alg != FWD_SHA256 ||
	    sig->key.type != FWD_KEY_P256)
		return FWD_E_ALG;
	if (sig->key.point.n != GUEST_POINT || sig->sig.n != GUEST_SIG ||
	    sig->digest_n != GUEST_DIGEST)
		return FWD_E_KEY;
	return holds(sig->key.point.p, sig->digest, sig->sig.p) ? FWD_OK :
	    FWD_E_SIG;
}

struct fwd_crypto
stub_crypto(void)
{
	return (struct fwd_crypto){ NULL, hash_start, hash_add, hash_end,
	    verify };
}
