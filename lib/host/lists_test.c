/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of trust anchors out of PEM: what is in them, every bit of a root that
 * was damaged, and calls that fail.  Other cases are in revoke_test.sh.
 */
#include <openssl/pem.h>

#include "device/testpki.h"
#include "host/internal.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

enum { ROOTS = 3 };
static struct tp_bytes root[ROOTS];
static struct fw_error err;

static void
setup(void)
{
	static const enum fwd_key_type type[ROOTS] = { FWD_KEY_P256,
	    FWD_KEY_P384, FWD_KEY_P256 };
	struct tp_cert cert;

	fault_reset();
	scratch_setup();
	for (size_t i = 0; i < ROOTS; i++) {
		EVP_PKEY *const key = tp_key(type[i]);

		cert = tp_template("root", "root", key, key, true);
		root[i] = tp_issue(&cert);
		EVP_PKEY_free(key);
	}
}

TestSuite(lists, .init = setup, .fini = scratch_teardown);

/* These certificates as a PEM file. */
static void
write_pem(const struct tp_bytes *cert, size_t n)
{
	BIO *const bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	cr_assert_not_null(bio);
	for (size_t i = 0; i < n; i++)
		cr_assert_gt(PEM_write_bio(bio, "CERTIFICATE", "", cert[i].p,
		    (long)cert[i].n), 0);
	len = BIO_get_mem_data(bio, &text);
	scratch_write(text, (size_t)len);
	BIO_free(bio);
}

static const struct fw_image image = {
	.path = scratch_path, .format = FW_TRUST_ANCHORS,
};

/* The device library finds each of them, byte by byte and in order. */
Test(lists, anchors)
{
	struct fwd_anchor anchor[FWD_ANCHORS_MAX], one;
	struct fw_buf list = { 0 };
	const uint8_t *p;
	size_t n;

	for (size_t roots = 1; roots <= ROOTS; roots++) {
		write_pem(root, roots);
		cr_assert_eq(fw_anchors_encode(scratch_path, &list, &err),
		    FW_OK, "%s", err.text);
		cr_assert_eq(fwd_anchors_read(fw_buf_span(&list), anchor, &n),
		    FWD_OK);
		cr_assert_eq(n, roots);
		p = list.p + list.n;
		for (size_t i = roots; i-- > 0;) {
			p -= root[i].n;
			cr_assert_eq(memcmp(p, root[i].p, root[i].n), 0);
			cr_assert_eq(fwd_anchor_read(tp_span(&root[i]), &one),
			    FWD_OK);
			cr_assert(fwd_span_equal(one.spki, anchor[i].spki));
			cr_assert(fwd_span_equal(one.name, anchor[i].name));
		}
		cr_assert_eq(p, list.p + 4);	/* 30 82 and the length */
		fw_buf_deinit(&list);
	}
}

/* A bit that is wrong is never put into a device. */
Test(lists, every_bit_of_a_root)
{
	struct tp_bytes two[2];
	struct fw_buf list = { 0 };

	two[0] = root[1];
	two[1] = root[0];
	for (size_t i = 0; i < 8 * root[0].n; i++) {
		two[1].p[i / 8] ^= (uint8_t)(1u << i % 8);
		write_pem(two, 2);
		cr_assert_eq(fw_anchors_encode(scratch_path, &list, &err),
		    FW_E_INPUT, "bit %zu", i);
		two[1].p[i / 8] = root[0].p[i / 8];
	}
	for (size_t n = 1; n < root[0].n; n++) {
		two[1].n = n;
		write_pem(two, 2);
		cr_assert_eq(fw_anchors_encode(scratch_path, &list, &err),
		    FW_E_INPUT, "length %zu", n);
	}
	cr_assert_null(list.p);
}

/* Each call of a kind fails in turn. */
static void
each_call(enum fault_call call, int error)
{
	const int fds = scratch_fds();
	enum fw_kind kind;
	int i, fd;

	for (i = 0;; i++) {
		fd = -1;
		fault_set(call, i, error);
		kind = fw_list_load(&image, &fd, &err);
		if (!fault_hit())
			break;
		/* A temporary file can be made in two ways. */
		cr_assert_eq(fd >= 0, kind == FW_OK, "call %d, %d", (int)call,
		    i);
		if (fd >= 0)
			(void)close(fd);
		cr_assert_eq(scratch_fds(), fds);
	}
	cr_assert_eq(kind, FW_OK, "%s", err.text);
	cr_assert_gt(i, 0, "call %d is not made", (int)call);
	(void)close(fd);
}

Test(lists, calls_that_fail)
{
	write_pem(root, ROOTS);
	each_call(FAULT_ALLOC, ENOMEM);
	each_call(FAULT_OPEN, EACCES);
	each_call(FAULT_READ, EIO);
	each_call(FAULT_WRITE, ENOSPC);
	each_call(FAULT_FSTAT, EIO);
}
