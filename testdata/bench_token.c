/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For bench_batch.sh.
 *
 *	bench_token MODULE TOKEN PIN LABEL SESSIONS SECONDS [PUBLIC.pem]
 *
 * logs in and has as many threads, each with a session of its own, do nothing
 * but C_SignInit and C_Sign of a digest with the key of that label, for that
 * time.  Prints signatures per second: what the token can do at most.  With the
 * public key, each thread verifies what it signed, with OpenSSL: what is the
 * most for anyone who does that.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>

enum { SESSIONS_MAX = 64, DIGEST = 32 };

static CK_FUNCTION_LIST *m;
static CK_SLOT_ID slot;
static CK_OBJECT_HANDLE key;
static CK_MECHANISM mech;
static EVP_PKEY *pub;			/* NULL: nothing is verified */
static atomic_bool stop;

static void
must(CK_RV rv, const char *call)
{
	if (rv == CKR_OK)
		return;
	(void)fprintf(stderr, "bench_token: %s: 0x%lx\n", call, rv);
	exit(1);
}

static void
load(const char *path)
{
	void *const so = dlopen(path, RTLD_NOW);
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;

	if (so != NULL)
		*(void **)&get = dlsym(so, "C_GetFunctionList");
	if (get == NULL) {
		(void)fprintf(stderr, "bench_token: cannot load '%s'\n",
		    path);
		exit(1);
	}
	must(get(&m), "C_GetFunctionList");
	must(m->C_Initialize(&args), "C_Initialize");
}

static void
find_token(const char *label)
{
	CK_SLOT_ID slots[64];
	CK_ULONG i, n = 64;
	CK_TOKEN_INFO t;

	must(m->C_GetSlotList(CK_TRUE, slots, &n), "C_GetSlotList");
	for (i = 0; i < n; i++) {
		slot = slots[i];
		if (m->C_GetTokenInfo(slot, &t) == CKR_OK &&
		    memcmp(t.label, label, strlen(label)) == 0)
			return;
	}
	(void)fprintf(stderr, "bench_token: no token '%s'\n", label);
	exit(1);
}

static CK_SESSION_HANDLE
session(void)
{
	CK_SESSION_HANDLE s;

	must(m->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s),
	    "C_OpenSession");
	return s;
}

/* The key, and the raw mechanism that fits it. */
static void
find_key(CK_SESSION_HANDLE s, const char *label)
{
	static CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256,
	    32 };
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE like[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_LABEL, (void *)(size_t)label, strlen(label) },
	};
	CK_KEY_TYPE type;
	CK_ATTRIBUTE a = { CKA_KEY_TYPE, &type, sizeof type };
	CK_ULONG n = 0;

	must(m->C_FindObjectsInit(s, like, 2), "C_FindObjectsInit");
	must(m->C_FindObjects(s, &key, 1, &n), "C_FindObjects");
	must(m->C_FindObjectsFinal(s), "C_FindObjectsFinal");
	must(n == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID, "C_FindObjects");
	must(m->C_GetAttributeValue(s, key, &a, 1), "C_GetAttributeValue");
	mech.mechanism = CKM_ECDSA;
	if (type == CKK_RSA)
		mech = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &pss, sizeof pss };
}

/* ---- verifying ------------------------------------------------------ */

static void
ensure(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "bench_token: %s\n", what);
	exit(1);
}

static void
load_public(const char *path)
{
	FILE *const f = fopen(path, "r");

	if (f != NULL)
		pub = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	ensure(pub != NULL, "cannot read the public key");
	(void)fclose(f);
}

static EVP_PKEY_CTX *
verifier(void)
{
	EVP_PKEY_CTX *const c = EVP_PKEY_CTX_new(pub, NULL);
	bool good = c != NULL && EVP_PKEY_verify_init(c) == 1;

	if (good && EVP_PKEY_get_base_id(pub) == EVP_PKEY_RSA)
		good = EVP_PKEY_CTX_set_rsa_padding(c,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(c,
		    RSA_PSS_SALTLEN_DIGEST) == 1;
	ensure(good, "cannot verify");
	return c;
}

static void
verify(EVP_PKEY_CTX *c, const unsigned char *digest, const unsigned char *sig,
    CK_ULONG n)
{
	unsigned char *der = NULL;
	ECDSA_SIG *rs;
	int r;

	if (EVP_PKEY_get_base_id(pub) == EVP_PKEY_RSA) {
		r = EVP_PKEY_verify(c, sig, n, digest, DIGEST);
	} else {
		rs = ECDSA_SIG_new();
		(void)ECDSA_SIG_set0(rs, BN_bin2bn(sig, (int)n / 2, NULL),
		    BN_bin2bn(sig + n / 2, (int)n / 2, NULL));
		r = i2d_ECDSA_SIG(rs, &der);
		r = EVP_PKEY_verify(c, der, (size_t)r, digest, DIGEST);
		OPENSSL_free(der);
		ECDSA_SIG_free(rs);
	}
	ensure(r == 1, "a signature does not hold");
}

/* ---- the loop ------------------------------------------------------- */

static void *
work(void *count)
{
	const CK_SESSION_HANDLE s = session();
	EVP_PKEY_CTX *const c = pub != NULL ? verifier() : NULL;
	unsigned char digest[DIGEST] = { 0 }, sig[1024];
	unsigned long i;
	CK_ULONG n;

	for (i = 0; !atomic_load(&stop); i++) {
		memcpy(digest, &i, sizeof i);
		must(m->C_SignInit(s, &mech, key), "C_SignInit");
		n = sizeof sig;
		must(m->C_Sign(s, digest, sizeof digest, sig, &n), "C_Sign");
		if (c != NULL)
			verify(c, digest, sig, n);
	}
	EVP_PKEY_CTX_free(c);
	*(unsigned long *)count = i;
	must(m->C_CloseSession(s), "C_CloseSession");
	return NULL;
}

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	unsigned long count[SESSIONS_MAX], sum = 0;
	pthread_t thread[SESSIONS_MAX];
	struct timespec pause = { 0 };
	CK_SESSION_HANDLE s;
	double start, took;
	int i, n;

	if (argc < 7 || argc > 8 || (n = atoi(argv[5])) < 1 || n > SESSIONS_MAX) {
		(void)fprintf(stderr, "usage: bench_token MODULE TOKEN PIN "
		    "LABEL SESSIONS SECONDS [PUBLIC.pem]\n");
		return 2;
	}
	if (argc == 8)
		load_public(argv[7]);
	load(argv[1]);
	find_token(argv[2]);
	s = session();
	must(m->C_Login(s, CKU_USER, (unsigned char *)argv[3],
	    strlen(argv[3])), "C_Login");
	find_key(s, argv[4]);
	start = now();
	for (i = 0; i < n; i++)
		must(pthread_create(&thread[i], NULL, work, &count[i]) == 0 ?
		    CKR_OK : CKR_HOST_MEMORY, "pthread_create");
	pause.tv_sec = atoi(argv[6]);
	(void)nanosleep(&pause, NULL);
	atomic_store(&stop, true);
	for (i = 0; i < n; i++) {
		(void)pthread_join(thread[i], NULL);
		sum += count[i];
	}
	took = now() - start;
	(void)m->C_Finalize(NULL);
	(void)printf("%.1f\n", (double)sum / took);
	return 0;
}
