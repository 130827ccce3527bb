/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: takes the cases of a list one by one and writes the trace.  The
 * list is CBOR, as testdata/twin/corpus.py writes it:
 *
 *	list = [* case]
 *	case = [name: tstr, kind: tstr, device: tstr, file: tstr, [* edit]]
 *	edit = [offset: uint, removed: uint, inserted: bstr]
 *
 * kind is one of those of judge(), device and file are names of files; the
 * edits are applied to the file, each to what the one before has left.
 */
#include <string.h>

#include "testdata/twin/twin.h"

/* Change one to see that the comparison sees it (see twin.sh). */
#ifndef TWIN_TRANSFER
#define TWIN_TRANSFER	FWD_BLOCK
#endif
#ifndef TWIN_ENVELOPE_MAX
#define TWIN_ENVELOPE_MAX TWIN_ENVELOPE
#endif

static uint8_t list[TWIN_LIST], original[TWIN_FILE], file[TWIN_FILE];
static uint8_t encoded[TWIN_DEVICE], envelope[TWIN_ENVELOPE];
static uint8_t transfer[TWIN_TRANSFER];
static struct twin_device device;
static struct fwd_crypto real, memo;
static struct fwd_ctx ctx;

struct edit {
	uint64_t off, removed;
	struct fwd_span inserted;
};
struct twin_case {
	struct fwd_span name, kind, device, file;
	struct fwd_cbor edits;
	uint64_t edits_n;
};

/* The names of what lies in original and encoded. */
static char file_name[256], device_name[256];
static size_t original_n, file_n, encoded_n;

/* ---- the trace -------------------------------------------------------- */

static char out[16 << 10];
static size_t out_n;
static int out_fd;
static bool out_failed;
static uint32_t cases, accepted, lines;

static void
flush(void)
{
	if (fwa_write(out_fd, out, out_n) != 0)
		out_failed = true;
	out_n = 0;
}

static void
put_bytes(const void *p, size_t n)
{
	size_t part;

	for (const char *s = p; n > 0; s += part, n -= part) {
		if (out_n == sizeof out)
			flush();
		part = sizeof out - out_n < n ? sizeof out - out_n : n;
		memcpy(out + out_n, s, part);
		out_n += part;
	}
}

void
twin_put(const char *text)
{
	put_bytes(text, strlen(text));
}

void
twin_put_number(uint64_t v)
{
	char text[21];
	size_t i = sizeof text - 1;

	text[i] = '\0';
	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	twin_put(text + i);
}

void
twin_put_hex(const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	char two[2];

	for (size_t i = 0; i < n; i++) {
		two[0] = digit[p[i] >> 4];
		two[1] = digit[p[i] & 15];
		put_bytes(two, 2);
	}
}

void
twin_put_verdict(fwd_status s)
{
	if (s == FWD_OK) {
		twin_put("accepted");
		return;
	}
	twin_put("refused ");
	twin_put(fwd_status_code(s));
}

static void
on_event(void *arg, const struct fwd_event *ev)
{
	char line[FWD_LINE_MAX];
	const size_t n = fwd_event_format(ev, line, sizeof line);

	(void)arg;
	put_bytes(line, n);
	twin_put("\n");
	lines++;
}

/* ---- files ------------------------------------------------------------ */

long
twin_load(const char *path, uint8_t *buf, size_t max)
{
	const int fd = fwa_open(path, FWA_READ);
	long n = fd < 0 ? -1 : fwa_length(fd);

	if (n >= 0 && ((size_t)n > max ||
	    fwa_read(fd, buf, (size_t)n) != n))
		n = -1;
	if (fd >= 0 && fwa_close(fd) != 0)
		n = -1;
	return n;
}

static int
fail(const char *what, const char *name)
{
	fwa_complain("twin: ");
	fwa_complain(what);
	fwa_complain(" '");
	fwa_complain(name);
	fwa_complain("'\n");
	return -1;
}

/* Load a file unless it is the one that was loaded last. */
static int
load_named(struct fwd_span name, char *last, uint8_t *buf, size_t max,
    size_t *n)
{
	long got;

	if (name.n >= 256)
		return fail("the name is too long of a", "file");
	if (strlen(last) == name.n && memcmp(last, name.p, name.n) == 0)
		return 0;
	memcpy(last, name.p, name.n);
	last[name.n] = '\0';
	got = twin_load(last, buf, max);
	if (got < 0) {
		(void)fail("cannot read", last);
		last[0] = '\0';
		return -1;
	}
	*n = (size_t)got;
	return 0;
}

/* ---- the list --------------------------------------------------------- */

static int
take_case(struct fwd_cbor *c, struct twin_case *t)
{
	uint64_t n;

	TAKE(fwd_cbor_array(c, &n));
	if (n != 5)
		return -1;
	TAKE(fwd_cbor_text(c, &t->name));
	TAKE(fwd_cbor_text(c, &t->kind));
	TAKE(fwd_cbor_text(c, &t->device));
	TAKE(fwd_cbor_text(c, &t->file));
	t->edits = *c;
	TAKE(fwd_cbor_skip(c, NULL));
	TAKE(fwd_cbor_array(&t->edits, &t->edits_n));
	return 0;
}

static int
apply(const struct edit *e)
{
	size_t off, removed;

	if (e->off > file_n || e->removed > file_n - e->off)
		return -1;
	off = (size_t)e->off;
	removed = (size_t)e->removed;
	if (e->inserted.n > sizeof file - (file_n - removed))
		return -1;
	memmove(file + off + e->inserted.n, file + off + removed,
	    file_n - off - removed);
	memcpy(file + off, e->inserted.p, e->inserted.n);
	file_n += e->inserted.n - removed;
	return 0;
}

static int
edit_file(struct twin_case *t)
{
	struct edit e;
	uint64_t n;

	memcpy(file, original, original_n);
	file_n = original_n;
	for (uint64_t i = 0; i < t->edits_n; i++) {
		TAKE(fwd_cbor_array(&t->edits, &n));
		if (n != 3)
			return -1;
		TAKE(fwd_cbor_uint(&t->edits, &e.off));
		TAKE(fwd_cbor_uint(&t->edits, &e.removed));
		TAKE(fwd_cbor_bytes(&t->edits, &e.inserted));
		if (apply(&e) != 0)
			return -1;
	}
	return 0;
}

/* ---- judging ---------------------------------------------------------- */

static bool
is(struct fwd_span text, const char *name)
{
	return text.n == strlen(name) && memcmp(text.p, name, text.n) == 0;
}

/* What holds the certificates and signatures may be a mutant as well. */
#define READ(e) do {							\
	const fwd_status s_ = (e);					\
	if (s_ != FWD_OK)						\
		return s_;						\
} while (0)

/* A chain: certificates in an array, leaf first. */
static fwd_status
judge_chain(struct fwd_span data)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span cert[FWD_CHAIN_MAX + 2];
	struct fwd_chain_result found;
	uint64_t n;

	READ(fwd_cbor_array(&c, &n));
	if (n > sizeof cert / sizeof cert[0])
		return FWD_E_API;
	for (size_t i = 0; i < n; i++)
		READ(fwd_cbor_bytes(&c, &cert[i]));
	READ(fwd_chain_check(&memo, &device.policy, device.now, cert,
	    (size_t)n, (struct fwd_tracer){ on_event, NULL }, &found));
	twin_put("> leaf ");
	twin_put_hex(found.serial.p, found.serial.n);
	twin_put(" anchor ");
	twin_put_number(found.anchor);
	twin_put("\n");
	return FWD_OK;
}

/* A signature: algorithm, SubjectPublicKeyInfo, message, signature. */
static fwd_status
judge_signature(struct fwd_span data)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span spki, msg, sig;
	struct fwd_key key;
	uint64_t n;
	int64_t alg;

	READ(fwd_cbor_array(&c, &n));
	if (n != 4)
		return FWD_E_API;
	READ(fwd_cbor_int(&c, &alg));
	READ(fwd_cbor_bytes(&c, &spki));
	READ(fwd_cbor_bytes(&c, &msg));
	READ(fwd_cbor_bytes(&c, &sig));
	READ(fwd_key_read(spki, &key));
	return fwd_sig_check(&memo, alg, &key, &msg, 1, sig);
}

static fwd_status
judge_revocations(struct fwd_span data)
{
	struct fwd_revocations found;

	READ(fwd_revocations_read(&memo, &device.policy, data, &found));
	twin_put("> revoked ");
	twin_put_number(found.number);
	twin_put(" ");
	twin_put_hex(found.revoked.p, found.revoked.n);
	twin_put("\n");
	return FWD_OK;
}

/* What a run has found out besides its trace. */
static void
put_signers(fwd_status s)
{
	if (s != FWD_OK)
		return;
	for (size_t i = 0; i < ctx.signers; i++) {
		twin_put("> signer ");
		twin_put_number(ctx.signer[i].block);
		twin_put(" ");
		twin_put(fwd_alg_name(ctx.signer[i].alg));
		twin_put(" ");
		twin_put_hex(ctx.signer[i].chain.serial.p,
		    ctx.signer[i].chain.serial.n);
		twin_put("\n");
	}
}

/* Crypto whose signatures cannot be checked. */
static fwd_status
verify_fails(void *arg, const struct fwd_sig *sig)
{
	(void)arg;
	(void)sig;
	return FWD_E_CRYPTO;
}

static fwd_status
check_without_crypto(void)
{
	struct fwd_crypto failing = memo;

	failing.verify = verify_fails;
	ctx.crypto = &failing;
	return fwd_bundle_check(&ctx);
}

static int
judge(const struct twin_case *t, fwd_status *s)
{
	const struct fwd_span data = { file, file_n };
	struct fwd_port port = twin_device_port(&device,
	    (struct fwd_tracer){ on_event, NULL });

	/* The library must not need any of it to be zero. */
	memset(&ctx, 0xa5, sizeof ctx);
	ctx.port = &port;
	ctx.crypto = &memo;
	ctx.policy = &device.policy;
	ctx.envelope = envelope;
	ctx.envelope_max = TWIN_ENVELOPE_MAX;
	ctx.transfer = transfer;
	ctx.transfer_n = sizeof transfer;
	device.bundle = data;
	*s = FWD_OK;
	if (is(t->kind, "life"))
		return twin_life(data, &device, &ctx, &port);
	if (is(t->kind, "chain")) {
		*s = judge_chain(data);
	} else if (is(t->kind, "signature")) {
		*s = judge_signature(data);
	} else if (is(t->kind, "revocations")) {
		*s = judge_revocations(data);
	} else if (is(t->kind, "envelope")) {
		*s = fwd_envelope_check(&ctx, data);
		put_signers(*s);
	} else if (is(t->kind, "run")) {
		*s = fwd_envelope_run(&ctx, data);
		put_signers(*s);
	} else if (is(t->kind, "unreadable")) {
		device.unreadable = true;
		*s = fwd_bundle_check(&ctx);
	} else if (is(t->kind, "crypto-fails")) {
		*s = check_without_crypto();
	} else if (is(t->kind, "check")) {
		*s = fwd_bundle_check(&ctx);
		put_signers(*s);
	} else if (is(t->kind, "store")) {
		twin_device_store(&device, &port);
		*s = fwd_bundle_check(&ctx);
		put_signers(*s);
		twin_device_stored(&device, &memo);
	} else {
		return -1;
	}
	return 0;
}

static int
run_case(struct twin_case *t)
{
	char name[128];
	fwd_status s;

	if (t->name.n >= sizeof name)
		return fail("the name is too long of a", "case");
	memcpy(name, t->name.p, t->name.n);
	name[t->name.n] = '\0';
	if (load_named(t->device, device_name, encoded, sizeof encoded,
	    &encoded_n) != 0 ||
	    load_named(t->file, file_name, original, sizeof original,
	    &original_n) != 0)
		return -1;
	if (twin_device_read((struct fwd_span){ encoded, encoded_n },
	    &device) != 0)
		return fail("this is no device:", device_name);
	if (edit_file(t) != 0)
		return fail("cannot edit the file of case", name);
	twin_put("== ");
	twin_put(name);
	twin_put("\n");
	if (judge(t, &s) != 0)
		return fail("cannot run case", name);
	twin_put("-- ");
	twin_put_verdict(s);
	twin_put("\n");
	cases++;
	accepted += s == FWD_OK;
	return 0;
}

static int
run_all(size_t n)
{
	struct fwd_cbor c = fwd_cbor_open((struct fwd_span){ list, n });
	struct twin_case t;
	uint64_t count;

	TAKE(fwd_cbor_array(&c, &count));
	for (uint64_t i = 0; i < count; i++)
		if (take_case(&c, &t) != 0 || run_case(&t) != 0)
			return -1;
	TAKE(fwd_cbor_end(&c));
	return 0;
}

/* For the table: not part of the trace, since they differ. */
static void
say(const char *name, uint32_t v)
{
	char text[16];
	size_t i = sizeof text - 1;

	text[i] = '\0';
	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	fwa_say(name);
	fwa_say(" ");
	fwa_say(text + i);
	fwa_say("\n");
}

int
twin(int argc, char **argv)
{
	uint32_t computed, remembered;
	long n;
	int rc;

	if (argc != 2) {
		fwa_complain("usage: twin LIST TRACE\n");
		return 2;
	}
	if (twin_crypto(&real) != 0)
		return fail("cannot start", twin_crypto_name) + 2;
	memo = twin_memo(&real);
	n = twin_load(argv[0], list, sizeof list);
	if (n < 0)
		return fail("cannot read", argv[0]) + 2;
	out_fd = fwa_open(argv[1], FWA_WRITE);
	if (out_fd < 0)
		return fail("cannot write", argv[1]) + 2;
	rc = run_all((size_t)n);
	flush();
	if (fwa_close(out_fd) != 0 || out_failed)
		rc = fail("cannot write", argv[1]);
	if (rc != 0)
		return 1;
	twin_memo_counts(&computed, &remembered);
	say("cases", cases);
	say("accepted", accepted);
	say("lines", lines);
	say("computed", computed);
	say("remembered", remembered);
	say("stack", (uint32_t)fwa_stack_used());
	return 0;
}
