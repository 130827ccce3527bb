/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The examples of the draft, appendix B, run by a device that exists in memory
 * only, and the state that they leave it in.  Their signatures are verified.
 * The payloads that belong to their digests do not exist: the hash is SHA-256,
 * except that it answers the draft's digests for the two payloads made here.
 */
#include "device/testkit.h"

enum { N1 = 34768, N2 = 76834,	/* bytes of the images, as the draft says */
	STORE = 80000, COMPONENTS = 3, LOG = 4096 };

static const uint8_t d1[32] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
	0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01, 0x23,
	0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76,
	0x54, 0x32, 0x10 };
static const uint8_t d2[32] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
	0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0x00, 0x11,
	0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
	0xdd, 0xee, 0xff };
static const uint8_t vendor[16] = { 0xfa, 0x6b, 0x4a, 0x53, 0xd5, 0xad, 0x5f,
	0xdf, 0xbe, 0x9d, 0xe6, 0x63, 0xe4, 0xd4, 0x1f, 0xfe };
static const uint8_t class_id[16] = { 0x14, 0x92, 0xaf, 0x14, 0x25, 0x69,
	0x5e, 0x48, 0xbf, 0x42, 0x9b, 0x2d, 0x51, 0xf2, 0xab, 0x45 };

static uint8_t image1[N1], image2[N2], real1[32], real2[32];

/* ---- the device ------------------------------------------------------ */

/* Storage by component identifier: [h'00'], [h'01'], [h'02']. */
struct store {
	uint8_t bytes[STORE];
	uint64_t size;
	bool open;
};

static struct {
	struct fwd_ctx ctx;
	struct fwd_port port;
	struct fwd_crypto crypto, real;
	struct fwp_openssl *openssl;
	struct fwd_policy policy;
	struct fw_anchor anchor;
	uint8_t transfer[4 * FWD_BLOCK];
	struct store store[COMPONENTS];
	uint8_t place[FWD_COMPONENTS_MAX];	/* of component i */
	bool unpacks;			/* what is loaded into [h'01'] */
	bool foreign;			/* is of another class */
	uint64_t slot;
	const uint8_t *remote;		/* what is fetched */
	size_t remote_n, at;
	size_t flip;			/* bit of it that flips, plus one */
	char log[LOG];
	size_t verified;
} dev;

static void
say(const char *what, unsigned long long n)
{
	const size_t used = strlen(dev.log);

	(void)snprintf(dev.log + used, LOG - used, "%s %llu\n", what, n);
}

static fwd_status
hash_end(void *ctx, uint8_t *out, size_t n)
{
	fwd_status s;

	(void)ctx;
	s = dev.real.hash_end(dev.real.ctx, out, n);
	if (n == 32 && memcmp(out, real1, n) == 0)
		memcpy(out, d1, n);
	else if (n == 32 && memcmp(out, real2, n) == 0)
		memcpy(out, d2, n);
	return s;
}

static fwd_status
verify(void *ctx, const struct fwd_sig *sig)
{
	const fwd_status s = dev.real.verify(dev.real.ctx, sig);

	(void)ctx;
	dev.verified += s == FWD_OK;
	return s;
}

static fwd_status
hash_start(void *ctx, int32_t alg)
{
	(void)ctx;
	return dev.real.hash_start(dev.real.ctx, alg);
}

static fwd_status
hash_add(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	return dev.real.hash_add(dev.real.ctx, p, n);
}

static fwd_status
no_bundle(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	(void)ctx, (void)buf, (void)n, (void)got;
	cr_assert(false, "there is no bundle");
	return FWD_E_IO;
}

static fwd_status
identity(void *ctx, int64_t which, uint32_t component, const uint8_t *uuid)
{
	(void)ctx;
	cr_assert_lt(component, dev.ctx.components);
	if (which == FWD_PAR_VENDOR)
		return memcmp(uuid, vendor, 16) == 0 ? FWD_OK : FWD_E_VENDOR;
	cr_assert_eq(which, FWD_PAR_CLASS);
	return !dev.foreign && memcmp(uuid, class_id, 16) == 0 ? FWD_OK :
	    FWD_E_CLASS;
}

static fwd_status
component(void *ctx, uint32_t index, struct fwd_span id, uint64_t *capacity)
{
	(void)ctx;
	if (id.n != 3 || memcmp(id.p, "\x81\x41", 2) != 0 ||
	    id.p[2] >= COMPONENTS)
		return FWD_E_COMPONENT;
	dev.place[index] = id.p[2];
	*capacity = STORE;
	return FWD_OK;
}

static fwd_status
slot(void *ctx, uint32_t i, uint64_t want)
{
	(void)ctx, (void)i;
	return want == dev.slot ? FWD_OK : FWD_E_SLOT;
}

static fwd_status
sequence_number(void *ctx, uint64_t *stored)
{
	(void)ctx;
	*stored = 0;
	return FWD_OK;
}

static fwd_status
store_begin(void *ctx, uint32_t i, uint64_t size)
{
	struct store *const s = &dev.store[dev.place[i]];

	(void)ctx;
	cr_assert_leq(size, STORE);
	memset(s->bytes, 0xff, sizeof s->bytes);
	s->size = 0;
	s->open = true;
	say("write", dev.place[i]);
	return FWD_OK;
}

static fwd_status
store_write(void *ctx, uint32_t i, uint64_t off, const uint8_t *p, size_t n)
{
	struct store *const s = &dev.store[dev.place[i]];

	(void)ctx;
	cr_assert(s->open && off == s->size && off + n <= STORE);
	memcpy(s->bytes + off, p, n);
	s->size += n;
	return FWD_OK;
}

/* The stand-in for unpacking knows one thing to unpack. */
static fwd_status
store_end(void *ctx, uint32_t i)
{
	struct store *const s = &dev.store[dev.place[i]];

	(void)ctx;
	cr_assert(s->open);
	s->open = false;
	if (dev.unpacks && dev.place[i] == 1 && s->size == N1 &&
	    memcmp(s->bytes, image1, N1) == 0) {
		memcpy(s->bytes, image2, N2);
		s->size = N2;
	}
	return FWD_OK;
}

static fwd_status
store_read(void *ctx, uint32_t i, uint64_t off, uint8_t *p, size_t n)
{
	struct store *const s = &dev.store[dev.place[i]];

	(void)ctx;
	cr_assert(!s->open && off + n <= STORE);
	memcpy(p, s->bytes + off, n);
	return FWD_OK;
}

static fwd_status
uri_open(void *ctx, struct fwd_span uri, uint64_t *size)
{
	static const struct {
		const char *uri;
		const uint8_t *p;
		size_t n;
	} server[] = {
		{ "http://example.com/file.bin", image1, N1 },
		{ "http://example.com/very/long/path/to/file/file.bin",
		    image1, N1 },
		{ "http://example.com/file1.bin", image1, N1 },
		{ "http://example.com/file2.bin", image2, N2 },
	};
	char line[128];

	(void)ctx;
	(void)snprintf(line, sizeof line, "fetch %.*s", (int)uri.n,
	    (const char *)uri.p);
	dev.at = 0;
	for (size_t i = 0; i < sizeof server / sizeof server[0]; i++) {
		if (uri.n != strlen(server[i].uri) ||
		    memcmp(uri.p, server[i].uri, uri.n) != 0)
			continue;
		dev.remote = server[i].p;
		dev.remote_n = server[i].n;
		*size = server[i].n;
		say(line, *size);
		return FWD_OK;
	}
	return FWD_E_PAYLOAD_MISSING;
}

static fwd_status
uri_read(void *ctx, uint8_t *p, size_t n, size_t *got)
{
	(void)ctx;
	*got = dev.remote_n - dev.at < n ? dev.remote_n - dev.at : n;
	memcpy(p, dev.remote + dev.at, *got);
	if (dev.flip != 0 && (dev.flip - 1) / 8 >= dev.at &&
	    (dev.flip - 1) / 8 < dev.at + *got)
		p[(dev.flip - 1) / 8 - dev.at] ^=
		    (uint8_t)(1u << (dev.flip - 1) % 8);
	dev.at += *got;
	return FWD_OK;
}

static fwd_status
invoke(void *ctx, uint32_t i, struct fwd_span args)
{
	(void)ctx;
	cr_assert_eq(args.n, 0);
	say("invoke", dev.place[i]);
	return FWD_OK;
}

static void
set_up(void)
{
	struct fw_error err;

	for (size_t i = 0; i < N1; i++)
		image1[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < N2; i++)
		image2[i] = (uint8_t)(i * 13 + i / 256);
	kit_sha256((struct fwd_span){ image1, N1 }, real1);
	kit_sha256((struct fwd_span){ image2, N2 }, real2);
	memset(&dev, 0, sizeof dev);
	dev.openssl = fwp_openssl_new();
	cr_assert_not_null(dev.openssl);
	dev.real = fwp_openssl_crypto(dev.openssl);
	dev.crypto = (struct fwd_crypto){ NULL, hash_start, hash_add,
	    hash_end, verify };
	cr_assert_eq(fw_anchor_load("testdata/suit/public_key.pem",
	    &dev.anchor, &err), FW_OK);
	dev.policy = (struct fwd_policy){ .anchor = &dev.anchor.anchor,
	    .anchors = 1, .threshold = 1, .clock = FWD_CLOCK_NONE,
	    .time_min = INT64_MIN, .flags = FWD_ANY_PROFILE,
	    .purpose = fwd_code_signing };
	dev.port = (struct fwd_port){ .read = no_bundle,
	    .identity = identity, .component = component, .slot = slot,
	    .sequence_number = sequence_number, .store_begin = store_begin,
	    .store_write = store_write, .store_end = store_end,
	    .store_read = store_read, .uri_open = uri_open,
	    .uri_read = uri_read, .invoke = invoke };
	dev.ctx.port = &dev.port;
	dev.ctx.crypto = &dev.crypto;
	dev.ctx.policy = &dev.policy;
	dev.ctx.transfer = dev.transfer;
	dev.ctx.transfer_n = sizeof dev.transfer;
}

static void
tear_down(void)
{
	fwp_openssl_free(dev.openssl);
	fw_anchor_deinit(&dev.anchor);
}

/* Put something into a place, without the library. */
static void
hold(size_t place, const uint8_t *p, size_t n)
{
	struct store *const s = &dev.store[place];

	memset(s->bytes, 0xff, sizeof s->bytes);
	if (n != 0)
		memcpy(s->bytes, p, n);
	s->size = n;
	s->open = false;
}

static void
blank(void)
{
	for (size_t i = 0; i < COMPONENTS; i++)
		hold(i, NULL, 0);
}

static fwd_status
run(const char *name)
{
	char path[128];
	struct fw_buf env = { 0 };
	struct fw_error err;
	fwd_status s;

	(void)snprintf(path, sizeof path, "testdata/suit/%s.suit", name);
	cr_assert_eq(fw_file_read(path, 65536, &env, &err), FW_OK);
	dev.log[0] = '\0';
	dev.verified = 0;
	s = fwd_envelope_run(&dev.ctx, fw_buf_span(&env));
	cr_assert_eq(dev.ctx.refusal.status, s);
	if (s != FWD_E_AUTH_MISSING)
		cr_assert(dev.verified > 0, "a signature was verified");
	fw_buf_deinit(&env);
	return s;
}

static void
expect(const char *name, fwd_status want, const char *log)
{
	const fwd_status s = run(name);

	cr_assert_eq(s, want, "%s: %s, not %s\n%s", name, fwd_status_code(s),
	    fwd_status_code(want), dev.log);
	cr_assert_str_eq(dev.log, log, "%s did\n%s, not\n%s", name, dev.log,
	    log);
}

static bool
holds(size_t place, const uint8_t *p, size_t n)
{
	return dev.store[place].size == n && !dev.store[place].open &&
	    (n == 0 || memcmp(dev.store[place].bytes, p, n) == 0);
}

/* ---- the examples ---------------------------------------------------- */

/* B.1: secure boot; nothing is installed. */
Test(examples, example0, .init = set_up, .fini = tear_down)
{
	dev.policy.flags = 0;		/* this one fits our profile */
	hold(0, image1, N1);
	expect("example0", FWD_OK, "invoke 0\n");
	hold(0, image2, N1);
	expect("example0", FWD_E_IMAGE, "");
	blank();
	expect("example0", FWD_E_IMAGE, "");
}

/* B.2: download and install; nothing is invoked. */
Test(examples, example1, .init = set_up, .fini = tear_down)
{
	dev.policy.flags = 0;
	blank();
	expect("example1", FWD_OK,
	    "fetch http://example.com/file.bin 34768\nwrite 0\n");
	cr_assert(holds(0, image1, N1));
}

/* B.3: download, install and boot, with the install sequence severable. */
Test(examples, example2, .init = set_up, .fini = tear_down)
{
	dev.policy.flags = 0;
	blank();
	expect("example2", FWD_OK, "fetch http://example.com/very/long/path/"
	    "to/file/file.bin 34768\nwrite 0\ninvoke 0\n");
	cr_assert(holds(0, image1, N1));
	/* Without its install sequence it cannot be installed. */
	blank();
	expect("example2-severed", FWD_E_SEVERED, "");
	cr_assert(holds(0, NULL, 0));
}

/* B.4: two slots, each with its image. */
Test(examples, example3, .init = set_up, .fini = tear_down)
{
	dev.policy.flags = 0;
	blank();
	expect("example3", FWD_OK,
	    "fetch http://example.com/file1.bin 34768\nwrite 0\n");
	cr_assert(holds(0, image1, N1));
	dev.slot = 1;
	expect("example3", FWD_OK,
	    "fetch http://example.com/file2.bin 76834\nwrite 0\n");
	cr_assert(holds(0, image2, N2));
	dev.slot = 2;
	blank();
	expect("example3", FWD_E_TRIED_ALL, "");
	cr_assert(holds(0, NULL, 0));
}

/*
 * B.5: fetched into external storage, installed from there, and loaded into
 * memory as an image of another digest: the device unpacks it.
 */
Test(examples, example4, .init = set_up, .fini = tear_down)
{
	static const char fetch[] =
	    "fetch http://example.com/file.bin 34768\nwrite 2\nwrite 0\n";
	char log[LOG];

	dev.unpacks = true;
	blank();
	(void)snprintf(log, sizeof log, "%swrite 1\ninvoke 1\n", fetch);
	expect("example4", FWD_OK, log);
	cr_assert(holds(2, image1, N1));	/* external storage */
	cr_assert(holds(0, image1, N1));	/* internal */
	cr_assert(holds(1, image2, N2));	/* memory */
	/* A device that does not unpack does not invoke what it has. */
	dev.unpacks = false;
	blank();
	(void)snprintf(log, sizeof log, "%swrite 1\n", fetch);
	expect("example4", FWD_E_IMAGE, log);
	cr_assert(holds(1, image1, N1));
	/* The profile of ours has no components without identity. */
	dev.policy.flags = 0;
	blank();
	expect("example4", FWD_E_UNSET, "");
	cr_assert(holds(2, NULL, 0));
}

/* B.6: two images. */
Test(examples, example5, .init = set_up, .fini = tear_down)
{
	static const char log[] =
	    "fetch http://example.com/file1.bin 34768\nwrite 0\n"
	    "fetch http://example.com/file2.bin 76834\nwrite 1\ninvoke 0\n";

	blank();
	expect("example5", FWD_OK, log);
	cr_assert(holds(0, image1, N1));
	cr_assert(holds(1, image2, N2));
	/* Again, over what is there. */
	expect("example5", FWD_OK, log);
	/* The second has no identity of its own. */
	dev.policy.flags = 0;
	expect("example5", FWD_E_UNCHECKED_ID,
	    "fetch http://example.com/file1.bin 34768\nwrite 0\n"
	    "fetch http://example.com/file2.bin 76834\n");
}

/* ---- what must not happen -------------------------------------------- */

static const char *const installing[] = { "example1", "example2", "example3",
    "example4", "example5" };

/* Nothing is fetched or written for devices of another class. */
Test(examples, another_class, .init = set_up, .fini = tear_down)
{
	dev.foreign = true;
	expect("example0", FWD_E_CLASS, "");
	for (size_t i = 0; i < sizeof installing / sizeof installing[0]; i++)
		expect(installing[i], FWD_E_CLASS, "");
}

Test(examples, unsigned_, .init = set_up, .fini = tear_down)
{
	expect("example0-unsigned", FWD_E_AUTH_MISSING, "");
	expect("example1-unsigned", FWD_E_AUTH_MISSING, "");
	expect("example2-unsigned", FWD_E_AUTH_MISSING, "");
	expect("example3-unsigned", FWD_E_AUTH_MISSING, "");
	expect("example4-unsigned", FWD_E_AUTH_MISSING, "");
	expect("example5-unsigned", FWD_E_AUTH_MISSING, "");
}

/* One bit of a payload is another: nothing is invoked. */
Test(examples, spoilt_payloads, .init = set_up, .fini = tear_down)
{
	size_t n = 0;

	dev.unpacks = true;
	for (size_t i = 0; i < sizeof installing / sizeof installing[0]; i++) {
		for (size_t bit = 0; bit < (size_t)8 * N1; bit += 8191, n++) {
			dev.flip = 1 + bit;
			kit_eq(run(installing[i]), FWD_E_PAYLOAD_DIGEST,
			    installing[i]);
			cr_assert_null(strstr(dev.log, "invoke"));
		}
		dev.flip = 8 * N1;	/* the very last */
		kit_eq(run(installing[i]), FWD_E_PAYLOAD_DIGEST,
		    installing[i]);
	}
	(void)printf("examples: %zu spoilt payloads\n", n);
}

/* What the server announces and what it delivers differ. */
static size_t short_by, long_by;

static fwd_status
uri_read_other(void *ctx, uint8_t *p, size_t n, size_t *got)
{
	const size_t size = dev.remote_n - short_by + long_by;

	(void)ctx;
	*got = size - dev.at < n ? size - dev.at : n;
	for (size_t i = 0; i < *got; i++)
		p[i] = dev.at + i < dev.remote_n ? dev.remote[dev.at + i] : 0;
	dev.at += *got;
	return FWD_OK;
}

static fwd_status
uri_read_too_much(void *ctx, uint8_t *p, size_t n, size_t *got)
{
	(void)ctx, (void)p;
	*got = n + 1;
	return FWD_OK;
}

static fwd_status
uri_read_fails(void *ctx, uint8_t *p, size_t n, size_t *got)
{
	(void)ctx, (void)p, (void)n, (void)got;
	return FWD_E_IO;
}

Test(examples, servers_that_lie, .init = set_up, .fini = tear_down)
{
	static const size_t by[] = { 1, 511, 512, 2048, N1 };

	blank();
	dev.port.uri_read = uri_read_other;
	kit_eq(run("example1"), FWD_OK, "as announced");
	for (size_t i = 0; i < sizeof by / sizeof by[0]; i++) {
		short_by = by[i];
		kit_eq(run("example1"), FWD_E_PAYLOAD_SIZE, "short");
		short_by = 0;
		long_by = by[i];
		kit_eq(run("example1"), FWD_E_PAYLOAD_SIZE, "long");
		cr_assert_leq(dev.store[0].size, N1);
		long_by = 0;
	}
	dev.port.uri_read = uri_read_too_much;
	kit_eq(run("example1"), FWD_E_API, "more than asked for");
	dev.port.uri_read = uri_read_fails;
	kit_eq(run("example1"), FWD_E_IO, "fails");
	dev.port.uri_read = NULL;
	{
		struct fwd_span nothing = { NULL, 0 };

		kit_eq(fwd_envelope_run(&dev.ctx, nothing), FWD_E_API,
		    "half a port");
	}
	/* Without a port for them such payloads belong into the bundle. */
	dev.port.uri_open = NULL;
	kit_eq(run("example1"), FWD_E_MEMBER, "no port");
}
