/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole bundles: built, signed, judged; what the self-check refuses, and that
 * every slot is tried when there is no device.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <criterion/criterion.h>

#include "host/build.h"
#include "host/internal.h"
#include "port/fwport.h"

static char dir[64];
static struct fwp_openssl *openssl;
static struct fwd_crypto crypto;
static struct fw_build_options opt;
static struct fw_signer_spec signer;
static struct fw_error err;

static char *
in_dir(const char *name)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void
run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void
write_file(const char *name, const void *p, size_t n)
{
	FW_FREE char *path = in_dir(name);

	cr_assert_eq(fw_file_write(path, p, n, &err), FW_OK, "%s", err.text);
}

/* A folder with a PKI in files and some images. */
static void
setup(void)
{
	char command[256];

	(void)snprintf(dir, sizeof dir, "/tmp/fw.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(command, sizeof command,
	    "testdata/pki/mkpki.sh --files %s/pki p256", dir);
	run(command);
	openssl = fwp_openssl_new();
	cr_assert_not_null(openssl);
	crypto = fwp_openssl_crypto(openssl);
	signer = (struct fw_signer_spec){
		.key = in_dir("pki/p256/release.key"),
		.chain = in_dir("pki/p256/full-chain.pem"),
	};
	opt = (struct fw_build_options){
		.crypto = &crypto, .key = FW_KEY_OPTIONS_NONE,
		.signer = &signer, .signers = 1,
		.clock = { true, (int64_t)time(NULL) },
	};
	write_file("a.bin", "image a", 7);
	write_file("b.bin", "the image b", 11);
	write_file("c.bin", "image c!", 8);
	write_file("sbom.json", "{}", 2);
}

static void
teardown(void)
{
	char command[256];

	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	run(command);
	free(signer.key);
	free(signer.chain);
	fwp_openssl_free(openssl);
}

TestSuite(build, .init = setup, .fini = teardown);

#define HEAD "descriptor: 1\ndevice:\n  vendor-domain: test.example\n"	\
    "  model: T\nsequence-number: 3\nversion: \"1\"\ncomponents:\n"
#define PLAIN HEAD "  - {id: a, file: a.bin}\n"				\
    "attachments:\n  - {name: sbom.json, type: application/json, "	\
    "file: sbom.json}\n"
#define SLOTS(s0, s1, s2) HEAD						\
    "  - id: a\n    slots:\n"						\
    "      - {slot: " #s0 ", file: a.bin}\n"				\
    "      - {slot: " #s1 ", file: b.bin}\n"				\
    "      - {slot: " #s2 ", file: c.bin}\n"

/* Build dir/out.fwb from the text of a descriptor. */
static enum fw_kind
build_to(const char *text, const char *name, struct fw_built *built)
{
	FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = { 0 };
	FW_FREE char *path = in_dir("d.yaml");
	FW_FREE char *out = in_dir(name);

	fw_built_deinit(built);
	memset(&err, 0, sizeof err);
	cr_assert_eq(fw_file_write(path, text, strlen(text), &err), FW_OK);
	cr_assert_eq(fw_descriptor_load(path, NULL, &d, &err), FW_OK, "%s",
	    err.text);
	return fw_build(&d, out, &opt, built, &err);
}

static void
build(const char *text)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_FREE char *out = in_dir("out.fwb");
	struct stat st;

	cr_assert_eq(build_to(text, "out.fwb", &built), FW_OK, "%s", err.text);
	cr_assert_eq(stat(out, &st), 0);
	cr_assert_eq((uint64_t)st.st_size, built.size);
	cr_assert_eq(built.signers, opt.no_sign ? 0 : 1);
}

static bool
exists(const char *name)
{
	FW_FREE char *path = in_dir(name);

	return access(path, F_OK) == 0;
}

/* ---- builds ------------------------------------------------------------ */

static void
same_files(const char *a, const char *b, bool want)
{
	char command[256];

	(void)snprintf(command, sizeof command, "cmp -s %s/%s %s/%s", dir, a,
	    dir, b);
	cr_assert_eq(system(command) == 0, want, "%s %s", a, b);
}

/* The same inputs give the same bytes, signatures aside. */
Test(build, deterministic)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };

	opt.no_sign = true;
	cr_assert_eq(build_to(PLAIN, "1", &built), FW_OK, "%s", err.text);
	cr_assert_eq(build_to(PLAIN, "2", &built), FW_OK);
	same_files("1", "2", true);
	opt.mtime = 1;
	cr_assert_eq(build_to(PLAIN, "2", &built), FW_OK);
	same_files("1", "2", false);
}

/* Built at once or in two steps: the same but for the signature. */
Test(build, in_two_steps)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 }, at_once =
	    { 0 };
	FW_FREE char *in = in_dir("unsigned"), *out = in_dir("signed");

	opt.no_sign = true;
	cr_assert_eq(build_to(PLAIN, "unsigned", &built), FW_OK);
	opt.no_sign = false;
	cr_assert_eq(build_to(PLAIN, "at-once", &at_once), FW_OK);
	cr_assert(at_once.judged_to_root);
	fw_built_deinit(&built);
	cr_assert_eq(fw_resign(in, out, &opt, &built, &err), FW_OK, "%s",
	    err.text);
	cr_assert(built.judged_to_root);
	cr_assert_eq(built.size, at_once.size);
	cr_assert_eq(built.envelope, at_once.envelope);
	cr_assert_arr_eq(built.manifest_digest, at_once.manifest_digest, 32);
	same_files("signed", "at-once", false);
	/* Nobody signs twice. */
	cr_assert_eq(fw_resign(out, out, &opt, &at_once, &err), FW_E_REFUSED);
	cr_assert_not_null(strstr(err.text, "already"), "%s", err.text);
}

/* A failed build leaves nothing and does not touch what was there. */
Test(build, nothing_left)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	FW_FREE char *old = in_dir("old");

	signer.alg = FWD_ESP384;
	cr_assert_eq(build_to(PLAIN, "out.fwb", &built), FW_E_INPUT);
	cr_assert_not(exists("out.fwb"));
	write_file("old", "old", 3);
	cr_assert_eq(build_to(PLAIN, "old", &built), FW_E_INPUT);
	cr_assert_eq(fw_file_read(old, 10, &b, &err), FW_OK);
	cr_assert_eq(b.n, 3);
}

Test(build, without_a_root)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	const char *trust;

	free(signer.chain);
	signer.chain = in_dir("pki/p256/chain.pem");
	cr_assert_eq(build_to(PLAIN, "out", &built), FW_OK, "%s", err.text);
	cr_assert_not(built.judged_to_root);
	free(signer.chain);
	signer.chain = in_dir("pki/p256/leaf.pem");
	cr_assert_eq(build_to(PLAIN, "out", &built), FW_OK, "%s", err.text);
	cr_assert_not(built.judged_to_root);
	/* With a root that is named, the missing authority shows. */
	trust = in_dir("pki/p256/root.pem");
	opt.trust = &trust;
	opt.trusts = 1;
	cr_assert_eq(build_to(PLAIN, "bad", &built), FW_E_REFUSED);
	cr_assert_not(exists("bad"));
	cr_assert_not_null(strstr(err.text, "signer-unknown"), "%s", err.text);
	free(signer.chain);
	signer.chain = in_dir("pki/p256/chain.pem");
	cr_assert_eq(build_to(PLAIN, "good", &built), FW_OK, "%s", err.text);
	cr_assert(built.judged_to_root);
	free((void *)(uintptr_t)trust);
}

Test(build, dates)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };

	opt.clock.now += (int64_t)20 * 365 * 86400;
	cr_assert_eq(build_to(PLAIN, "out", &built), FW_E_REFUSED);
	cr_assert_not_null(strstr(err.text, "expired on"), "%s", err.text);
	opt.clock.now -= (int64_t)40 * 365 * 86400;
	cr_assert_eq(build_to(PLAIN, "out", &built), FW_E_REFUSED);
	cr_assert_not_null(strstr(err.text, "not valid before"));
	cr_assert_not(exists("out"));
	opt.clock.judge = false;
	cr_assert_eq(build_to(PLAIN, "out", &built), FW_OK, "%s", err.text);
}

Test(build, key_of_another)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	char command[256];

	(void)snprintf(command, sizeof command,
	    "testdata/pki/mkpki.sh --files %s/other p384", dir);
	run(command);
	free(signer.chain);
	signer.chain = in_dir("other/p384/full-chain.pem");
	cr_assert_eq(build_to(PLAIN, "out", &built), FW_E_REFUSED, "%s",
	    err.text);
	cr_assert_not(exists("out"));
	/* Both sign: as many as there are must be accepted. */
	free(signer.chain);
	signer.chain = in_dir("pki/p256/full-chain.pem");
	{
		FW_FREE char *key = in_dir("other/p384/release.key");
		FW_FREE char *chain = in_dir("other/p384/full-chain.pem");
		FW_FREE char *root = in_dir("other/p384/root.pem");
		const struct fw_signer_spec both[2] = { signer,
			{ .key = key, .chain = chain } };
		const struct fw_signer_spec twice[2] = { signer, signer };
		const char *trust = root;

		opt.signer = both;
		opt.signers = 2;
		cr_assert_eq(build_to(PLAIN, "out", &built), FW_OK, "%s",
		    err.text);
		cr_assert_eq(built.signers, 2);
		cr_assert(built.judged_to_root);
		opt.trust = &trust;
		opt.trusts = 1;
		cr_assert_eq(build_to(PLAIN, "bad", &built), FW_E_REFUSED);
		cr_assert_not_null(strstr(err.text, "signers-too-few"), "%s",
		    err.text);
		opt.signer = twice;
		cr_assert_eq(build_to(PLAIN, "bad", &built), FW_E_INPUT);
	}
}

/* Every way to say what there is: all of it passes the device library. */
Test(build, shapes)
{
	static const char *const text[] = {
		HEAD "  - {id: a, file: a.bin, payload: integrated}\n",
		HEAD "  - {id: a, file: a.bin, payload: integrated}\n"
		    "  - {id: b, file: b.bin, payload: integrated}\n",
		HEAD "  - {id: a, file: a.bin}\n"
		    "  - {id: b, file: b.bin, invoke: true, "
		    "invoke-args: quiet}\n",
		HEAD "  - {id: a, file: a.bin, install: staged, staging: s}\n",
		HEAD "  - {id: a, file: a.bin}\n"
		    "  - {id: b, file: b.bin, install: staged, staging: s}\n"
		    "  - {id: c, file: c.bin, install: staged, staging: t}\n",
		HEAD "  - {id: a, file: a.bin, install: staged, staging: s, "
		    "payload: integrated}\n",
		HEAD "  - id: a\n    slots:\n      - {slot: 0, file: a.bin}\n"
		    "      - {slot: 1, file: b.bin}\n"
		    "  - {id: c, file: c.bin}\n",
		SLOTS(0, 1, 2), SLOTS(2, 200, 7),
		"digest: sha-384\n" PLAIN, "digest: sha-512\n" PLAIN,
		"reference-uri: https://test.example/x\ndescription: d\n"
		    "notes: n\nlanguage: de\n" PLAIN,
	};

	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
		build(text[i]);
		opt.no_sign = true;
		build(text[i]);
		opt.no_sign = false;
	}
}

/* ---- what the self-check refuses ------------------------------------- */

static struct fw_known known[4];
static uint8_t good_digest[4][FWD_DIGEST_MAX];
static struct fw_selfcheck sc;
static struct fw_anchor root;

/* Build, and prepare a self-check of the result as fw_build() does. */
static void
prepare(const char *text)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_FREE char *path = in_dir("out.fwb");
	FW_FREE char *pem = in_dir("pki/p256/root.pem");
	uint64_t off;

	cr_assert_eq(build_to(text, "out.fwb", &built), FW_OK, "%s", err.text);
	cr_assert_eq(fw_anchor_load(pem, &root, &err), FW_OK);
	sc = (struct fw_selfcheck){
		.crypto = &crypto, .fd = open(path, O_RDWR | O_CLOEXEC),
		.envelope_n = built.envelope, .known = known, .knowns = 2,
		.alg = FWD_SHA256, .anchor = &root.anchor, .anchors = 1,
		.clock = opt.clock, .signers = 1,
	};
	cr_assert_geq(sc.fd, 0);
	off = FWD_BLOCK + fw_bundle_padded(built.envelope);
	known[0] = (struct fw_known){ off + FWD_BLOCK, 7, good_digest[0] };
	off += 2 * FWD_BLOCK;
	known[1] = (struct fw_known){ off + FWD_BLOCK, 2, good_digest[1] };
	memcpy(good_digest[0], built.measures.image[0][0].digest, 32);
	memcpy(good_digest[1], built.measures.attachment[0].digest, 32);
}

static void
done(void)
{
	(void)close(sc.fd);
	fw_anchor_deinit(&root);
}

static void
judged(enum fw_kind want, const char *code)
{
	memset(&err, 0, sizeof err);
	cr_assert_eq(fw_selfcheck(&sc, &err), want, "%s", err.text);
	if (code != NULL)
		cr_assert_not_null(strstr(err.text, code), "%s", err.text);
}

/* Known regions are not read: their bytes may as well be others. */
Test(build, known_is_not_read)
{
	prepare(PLAIN);
	judged(FW_OK, NULL);
	cr_assert_eq(fw_write_at(sc.fd, "X", 1, known[0].off, &err), FW_OK);
	judged(FW_OK, NULL);
	sc.knowns = 0;
	judged(FW_E_REFUSED, "payload-digest");
	cr_assert_eq(fw_write_at(sc.fd, "i", 1, known[0].off, &err), FW_OK);
	judged(FW_OK, NULL);
	sc.anchors = 0;
	judged(FW_OK, NULL);
	done();
}

Test(build, known_digests_count)
{
	prepare(PLAIN);
	good_digest[0][31] ^= 1;
	judged(FW_E_REFUSED, "payload-digest");
	good_digest[0][31] ^= 1;
	good_digest[1][0] ^= 0x80;
	judged(FW_E_REFUSED, "attachment-digest");
	good_digest[1][0] ^= 0x80;
	sc.alg = FWD_SHA512;
	judged(FW_E_REFUSED, "crypto-failed");
	done();
}

/* A region that is not exactly a member's data proves nothing. */
Test(build, known_regions_fit)
{
	static const struct {
		int off, size;
	} wrong[] = { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 }, { 1, -1 },
		{ -1, 1 }, { -1, 2 }, { 1, -2 }, { 0, 512 }, { -512, 512 },
		{ 3, -6 } };

	prepare(PLAIN);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		const struct fw_known before = known[0];

		known[0].off += (uint64_t)(int64_t)wrong[i].off;
		known[0].size += (uint64_t)(int64_t)wrong[i].size;
		judged(FW_E_REFUSED, NULL);
		known[0] = before;
	}
	judged(FW_OK, NULL);
	done();
}

/* The envelope is never taken as known. */
Test(build, every_bit_of_the_envelope)
{
	uint8_t byte;

	prepare(PLAIN);
	for (size_t i = 0; i < FWD_BLOCK + sc.envelope_n; i++) {
		cr_assert_eq(fw_read_at(sc.fd, &byte, 1, i, &err), FW_OK);
		byte ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(fw_write_at(sc.fd, &byte, 1, i, &err), FW_OK);
		judged(FW_E_REFUSED, NULL);
		byte ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(fw_write_at(sc.fd, &byte, 1, i, &err), FW_OK);
	}
	judged(FW_OK, NULL);
	done();
}

/* Without a root, what lies in the authentication block is judged as well. */
Test(build, every_bit_without_a_root)
{
	size_t held = 0;
	uint8_t byte;

	prepare(PLAIN);
	sc.anchors = 0;
	for (size_t i = FWD_BLOCK; i < FWD_BLOCK + sc.envelope_n; i++) {
		cr_assert_eq(fw_read_at(sc.fd, &byte, 1, i, &err), FW_OK);
		byte ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(fw_write_at(sc.fd, &byte, 1, i, &err), FW_OK);
		memset(&err, 0, sizeof err);
		held += fw_selfcheck(&sc, &err) == FW_OK;
		byte ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(fw_write_at(sc.fd, &byte, 1, i, &err), FW_OK);
	}
	cr_assert_eq(held, 0);
	judged(FW_OK, NULL);
	done();
}

Test(build, signers_counted)
{
	prepare(PLAIN);
	sc.signers = 2;
	judged(FW_E_REFUSED, "signers-too-few");
	sc.signers = 1;
	sc.first = 1;			/* a block that is not there */
	judged(FW_E_REFUSED, NULL);
	sc.anchors = 0;
	judged(FW_E_REFUSED, NULL);
	done();
}

/* ---- every slot, without a device -------------------------------------- */

struct passes {
	struct fw_anydevice dev;
	struct fwd_ctx run;
	uint8_t envelope[8192], transfer[1024];
	int fd;
	unsigned verdicts;		/* in the trace */
	uint64_t seen[8][4];
	size_t n;
};

static fwd_status
rewind_file(void *fd)
{
	return lseek(*(int *)fd, 0, SEEK_SET) == 0 ? FWD_OK : FWD_E_IO;
}

static void
on_event(void *ctx, const struct fwd_event *ev)
{
	((struct passes *)ctx)->verdicts += ev->step == FWD_STEP_VERDICT;
}

static void
on_pass(void *ctx, const struct fw_anydevice *dev, const struct fwd_ctx *r,
    fwd_status status)
{
	struct passes *const p = ctx;

	(void)r;
	(void)status;
	cr_assert_lt(p->n, 8);
	for (size_t i = 0; i < 4; i++)
		if (!fw_anydevice_slot(dev, i, &p->seen[p->n][i]))
			p->seen[p->n][i] = UINT64_MAX;
	p->n++;
}

static bool direct;

static fwd_status
try_slots(struct passes *p)
{
	FW_FREE char *path = in_dir("out.fwb");
	FW_FREE char *pem = in_dir("pki/p256/root.pem");
	FW_CLEANUP(fw_anchor_deinit) struct fw_anchor a = { 0 };
	struct fwd_policy policy;
	fwd_status s;

	memset(p, 0, sizeof *p);
	cr_assert_eq(fw_anchor_load(pem, &a, &err), FW_OK);
	policy = (struct fwd_policy){ .anchor = &a.anchor, .anchors = 1,
	    .threshold = 1, .clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
	    .flags = FWD_NO_DEVICE, .purpose = fwd_code_signing };
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(p->fd, 0);
	p->dev.bundle = &p->fd;
	p->dev.read = fwp_file_read;
	p->dev.rewind = rewind_file;
	p->dev.direct = direct;
	p->dev.trace = (struct fwd_tracer){ on_event, p };
	p->dev.pass = on_pass;
	p->dev.pass_ctx = p;
	p->run.crypto = &crypto;
	p->run.policy = &policy;
	p->run.envelope = p->envelope;
	p->run.envelope_max = sizeof p->envelope;
	p->run.transfer = p->transfer;
	p->run.transfer_n = sizeof p->transfer;
	s = fw_anydevice_check(&p->dev, &p->run);
	(void)close(p->fd);
	return s;
}

static struct passes passes;

/* Without a trace and without exploring: the same verdict. */
static fwd_status
try_directly(struct passes *p)
{
	fwd_status s;

	direct = true;
	s = try_slots(p);
	direct = false;
	return s;
}

Test(build, no_slots_one_pass)
{
	build(PLAIN);
	cr_assert_eq(try_slots(&passes), FWD_OK);
	cr_assert_eq(passes.dev.passes, 1);
	cr_assert_eq(passes.n, 1);
	cr_assert_eq(passes.verdicts, 1, "explored without a trace");
	cr_assert_eq(passes.seen[0][0], UINT64_MAX);
	cr_assert_eq(try_directly(&passes), FWD_OK);
	cr_assert_eq(passes.dev.passes, 1);
	cr_assert_eq(passes.verdicts, 1);
}

Test(build, three_slots_three_passes)
{
	build(SLOTS(2, 200, 7));
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(i == 0 ? try_slots(&passes) :
		    try_directly(&passes), FWD_OK);
		cr_assert_eq(passes.dev.passes, 3);
		cr_assert(i == 1 || passes.verdicts == 3);
		cr_assert_eq(passes.seen[0][0], 2);
		cr_assert_eq(passes.seen[1][0], 200);
		cr_assert_eq(passes.seen[2][0], 7);
	}
}

/* The one with fewer slots stays in its last. */
Test(build, slots_of_two_components)
{
	build(SLOTS(0, 1, 2) "  - id: b\n    slots:\n"
	    "      - {slot: 4, file: a.bin, name: x}\n"
	    "      - {slot: 5, file: b.bin, name: y}\n"
	    "  - {id: c, file: c.bin, name: z}\n");
	cr_assert_eq(try_slots(&passes), FWD_OK);
	cr_assert_eq(passes.n, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(passes.seen[i][0], i);
		cr_assert_eq(passes.seen[i][1], i == 0 ? 4 : 5);
		cr_assert_eq(passes.seen[i][2], UINT64_MAX);
	}
}

/* A payload for any slot that is not what was signed is found. */
Test(build, each_slot_counts)
{
	FW_FREE char *path = in_dir("out.fwb");
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	static const char *const image[] = { "image a", "the image b",
		"image c!" };
	const uint8_t *at;
	int fd;

	build(SLOTS(0, 1, 2));
	cr_assert_eq(fw_file_read(path, 65536, &b, &err), FW_OK);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < 3; i++) {
		at = memmem(b.p, b.n, image[i], strlen(image[i]));
		cr_assert_not_null(at);
		cr_assert_eq(fw_write_at(fd, "X", 1, (uint64_t)(at - b.p),
		    &err), FW_OK);
		cr_assert_eq(try_slots(&passes), FWD_E_PAYLOAD_DIGEST);
		cr_assert_eq(passes.n, i + 1);
		cr_assert_eq(try_directly(&passes), FWD_E_PAYLOAD_DIGEST);
		cr_assert_eq(fw_write_at(fd, at, 1, (uint64_t)(at - b.p),
		    &err), FW_OK);
	}
	cr_assert_eq(try_slots(&passes), FWD_OK);
	(void)close(fd);
}
