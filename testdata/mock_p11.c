/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS #11 module for tests: a token made of PEM files that misbehaves as
 * told.  It logs every call that matters, so that a test can count logins.
 *
 * MOCK_P11_LOG: a file to which each call is appended, one name per line.
 * MOCK_P11: settings, separated by commas:
 *	key=FILE:LABEL:HEXID	a private key with its public key object
 *	cert=FILE:LABEL:HEXID	a certificate
 *	pub=FILE:LABEL:HEXID	a public key object of the key in FILE, alone
 *	label=TEXT		the token's (default "mock")
 *	pin=TEXT		the right PIN (default "1234")
 *	minpin=N maxpin=N	what the token says of lengths (0 and 255)
 *	tries=N			tries before it locks (default 3); flags tell
 *	noflags			... unless this is set
 *	pad			the PIN is entered at the token: NULL is right
 *	padwrong		... and the person there gets it wrong
 *	nologin			no login is needed
 *	public			private keys show without login
 *	always			CKA_ALWAYS_AUTHENTICATE
 *	nosign			CKA_SIGN is false
 *	nopub			no public key objects
 *	info			CKA_PUBLIC_KEY_INFO on private keys
 *	point			CKA_EC_POINT, CKA_MODULUS on private keys
 *	rawpoint badpoint	CKA_EC_POINT bare; or cut by a byte
 *	edname			CKA_EC_PARAMS "edwards25519"
 *	noraw nomech		CKM_ECDSA and CKM_RSA_PKCS_PSS; or all missing
 *	sig=flip|zero|short|long	what C_Sign makes
 *	tokens=N		that many tokens, all alike
 *	serials			... but for their serial numbers
 *	wp			they are write-protected
 *	rw			sessions may write: keys are made, objects
 *				stored, removed and given another id
 *	leaky loud		keys made can be extracted; are not sensitive
 *	mute			... or that is not told
 *	hidden			keys made have no public half
 *	eager			keys made may do all there is, until told
 *	edname			... and its curve is to be named so
 *	blank			an uninitialized token besides
 *	late			no token before the second C_Initialize
 *	fail=CALL:RV[:N]	that call returns that value (hexadecimal), but
 *				for the first N times
 *	sessions=N		that many sessions at a time
 *	removed=N		the token is pulled out after N signatures
 *	lost=N			sessions and login end after N signatures
 *	slow=CALL:MS		that call takes its time
 *	crash=CALL exit=CALL	that call ends the process: by SIGSEGV; by
 *	abort=CALL		exit(0); by abort()
 *	noenv=NAME		C_Initialize fails if that variable is set
 *	nolist badlist		C_GetFunctionList gives NULL; fails
 * The calls C_Sign and C_Login with context are "C_Sign", "C_Login(context)",
 * C_SignInit of a combined mechanism "C_SignInit(combined)".
 *
 * Sessions are kept apart, so that several threads can sign.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <p11-kit/pkcs11.h>

#define OBJECTS 32
#define ATTRS 24
#define SESSIONS 256

struct attr {
	CK_ATTRIBUTE_TYPE type;
	unsigned char *p;
	size_t n;
};

struct object {
	struct attr attr[ATTRS];
	size_t n;
	bool secret;			/* shows after login only */
	EVP_PKEY *key;			/* of a private key */
};

struct session {
	bool open, again;		/* logged in for this signature */
	size_t found, at;		/* a search */
	CK_ATTRIBUTE like[8];
	bool searching;
	const struct object *signer;
	CK_MECHANISM_TYPE mech;
	const EVP_MD *pss;
};

static struct {
	struct object object[OBJECTS];
	size_t objects;
	char settings[4096];		/* of the last C_Initialize */
	unsigned runs;			/* of it, with these settings */
	int left;			/* tries */
	struct session session[SESSIONS];
	bool in;			/* logged in */
	atomic_ulong made;		/* signatures, of these settings */
	atomic_bool gone;		/* with the sessions that were open */
} st;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- settings ----------------------------------------------------------- */

/* The value of a setting, "" for one without; NULL: not set.  Static. */
static const char *
setting_nth(const char *name, size_t nth)
{
	static _Thread_local char value[4096];
	const char *p = getenv("MOCK_P11");
	size_t n, name_n = strlen(name);

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n < name_n || memcmp(p, name, name_n) != 0 ||
		    (n > name_n && p[name_n] != '=') || nth-- > 0)
			continue;
		name_n += n > name_n;
		(void)snprintf(value, sizeof value, "%.*s", (int)(n - name_n),
		    p + name_n);
		return value;
	}
	return NULL;
}

static const char *
setting(const char *name)
{
	return setting_nth(name, 0);
}

static bool
is(const char *name, const char *want)
{
	const char *const v = setting(name);

	return v != NULL && strcmp(v, want) == 0;
}

static CK_ULONG
number(const char *name, CK_ULONG otherwise)
{
	const char *const v = setting(name);

	return v ? strtoul(v, NULL, 0) : otherwise;
}

/* What follows "CALL:" in a setting about calls, "" if nothing does. */
static const char *
about(const char *v, const char *call)
{
	const size_t n = strlen(call);

	return v != NULL && strncmp(v, call, n) == 0 &&
	    (v[n] == ':' || v[n] == '\0') ? v + n + (v[n] == ':') : NULL;
}

/* How often this was asked with the same setting, which is the nth. */
static unsigned long
times_before(size_t nth)
{
	static atomic_ulong times[16];
	static char settings[4096];
	const char *const now = getenv("MOCK_P11");
	size_t i;

	(void)pthread_mutex_lock(&lock);
	if (now != NULL && strcmp(now, settings) != 0) {
		(void)snprintf(settings, sizeof settings, "%s", now);
		for (i = 0; i < 16; i++)
			times[i] = 0;
	}
	(void)pthread_mutex_unlock(&lock);
	return nth < 16 ? atomic_fetch_add(&times[nth], 1) : 0;
}

/* Crash, end or wait as told. */
static void
misbehave(const char *call)
{
	const char *const slow = about(setting("slow"), call);
	const long ms = slow ? strtol(slow, NULL, 10) : 0;
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	if (about(setting("crash"), call) != NULL)
		*(volatile char *)mmap(NULL, 1, PROT_NONE, MAP_PRIVATE |
		    MAP_ANONYMOUS, -1, 0) = 1;
	if (about(setting("abort"), call) != NULL)
		abort();
	if (about(setting("exit"), call) != NULL)
		exit(0);
	while (ms > 0 && nanosleep(&left, &left) != 0)
		;
}

/* Log a call; what it is told to return instead of working. */
static CK_RV
called(const char *call)
{
	const char *const path = getenv("MOCK_P11_LOG"), *v, *about_it;
	FILE *const f = path ? fopen(path, "a") : NULL;
	unsigned long rv;
	char *more;
	size_t i;

	if (f != NULL) {
		(void)fprintf(f, "%s\n", call);
		(void)fclose(f);
	}
	misbehave(call);
	for (i = 0; (v = setting_nth("fail", i)) != NULL; i++) {
		if ((about_it = about(v, call)) == NULL)
			continue;
		rv = strtoul(about_it, &more, 16);
		if (*more != ':' || times_before(i) >=
		    strtoul(more + 1, NULL, 10))
			return rv;
	}
	return CKR_OK;
}

#define CALLED(call) do {						\
	const CK_RV rv_ = called(call);					\
	if (rv_ != CKR_OK)						\
		return rv_;						\
} while (0)

/* A call of a session: there are none after a loss. */
#define IN_SESSION(s, call, out) do {					\
	CALLED(call);							\
	if (is_removed())						\
		return CKR_DEVICE_REMOVED;				\
	*(out) = session(s);						\
	if (*(out) == NULL)						\
		return CKR_SESSION_HANDLE_INVALID;			\
} while (0)

static bool
is_removed(void)
{
	const CK_ULONG n = number("removed", 0);

	return setting("removed") != NULL && atomic_load(&st.made) >= n;
}

static void
search_end(struct session *s)
{
	size_t i;

	for (i = 0; i < s->found; i++)
		free(s->like[i].pValue);
	s->found = 0;
	s->searching = false;
}

/* All sessions end, and with them the login. */
static void
close_all(void)
{
	size_t i;

	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < SESSIONS; i++) {
		search_end(&st.session[i]);
		st.session[i] = (struct session){ 0 };
	}
	st.in = false;
	(void)pthread_mutex_unlock(&lock);
}

/* Handles count from 100; NULL: none. */
static struct session *
session(CK_SESSION_HANDLE s)
{
	if (setting("lost") != NULL && atomic_load(&st.made) >=
	    number("lost", 0) && !atomic_exchange(&st.gone, true))
		close_all();
	return s >= 100 && s < 100 + SESSIONS && st.session[s - 100].open ?
	    &st.session[s - 100] : NULL;
}

/* ---- objects ------------------------------------------------------------ */

static void
set(struct object *o, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	struct attr *const a = &o->attr[o->n++];

	if (o->n > ATTRS || (a->p = malloc(n + 1)) == NULL)
		abort();
	memcpy(a->p, p, n);
	a->type = type;
	a->n = n;
}

static void
set_long(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG v)
{
	set(o, type, &v, sizeof v);
}

static void
set_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool v)
{
	const CK_BBOOL b = v ? CK_TRUE : CK_FALSE;

	set(o, type, &b, 1);
}

static struct object *
add(CK_OBJECT_CLASS class, const char *label, const char *id)
{
	struct object *const o = &st.object[st.objects++];
	unsigned char bytes[64];
	size_t n;

	if (st.objects > OBJECTS)
		abort();
	memset(o, 0, sizeof *o);
	set_long(o, CKA_CLASS, class);
	set_bool(o, CKA_TOKEN, true);
	set(o, CKA_LABEL, label, strlen(label));
	for (n = 0; n < sizeof bytes && id[2 * n] != '\0'; n++) {
		unsigned v;

		if (sscanf(id + 2 * n, "%2x", &v) != 1)
			abort();
		bytes[n] = (unsigned char)v;
	}
	set(o, CKA_ID, bytes, n);
	return o;
}

static void
set_bn(struct object *o, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *key,
    const char *param)
{
	unsigned char bytes[1024];
	BIGNUM *bn = NULL;

	if (EVP_PKEY_get_bn_param(key, param, &bn) != 1)
		abort();
	set(o, type, bytes, (size_t)BN_bn2bin(bn, bytes));
	BN_free(bn);
}

/* The point of an EC or Ed25519 key as CKA_EC_POINT. */
static void
set_point(struct object *o, const EVP_PKEY *key)
{
	unsigned char point[256], *der = NULL;
	size_t n = sizeof point;
	ASN1_OCTET_STRING *os;
	int der_n;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
	    point, sizeof point, &n) != 1)
		abort();
	if (setting("badpoint"))
		n--;
	if (setting("rawpoint")) {
		set(o, CKA_EC_POINT, point, n);
		return;
	}
	os = ASN1_OCTET_STRING_new();
	if (os == NULL || !ASN1_OCTET_STRING_set(os, point, (int)n))
		abort();
	der_n = i2d_ASN1_OCTET_STRING(os, &der);
	set(o, CKA_EC_POINT, der, (size_t)der_n);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(os);
}

static void
set_params(struct object *o, const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	char group[64] = "";
	ASN1_OBJECT *oid;
	int n;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
		if (setting("edname"))
			set(o, CKA_EC_PARAMS, "\x13\x0c" "edwards25519", 14);
		else
			set(o, CKA_EC_PARAMS, "\x06\x03\x2b\x65\x70", 5);
		return;
	}
	(void)EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	oid = OBJ_txt2obj(group, 0);
	n = i2d_ASN1_OBJECT(oid, &der);
	set(o, CKA_EC_PARAMS, der, (size_t)n);
	OPENSSL_free(der);
	ASN1_OBJECT_free(oid);
}

/* The attributes that both halves of a pair may have. */
static void
set_key(struct object *o, const EVP_PKEY *key, bool value)
{
	const int type = EVP_PKEY_get_base_id(key);

	set_long(o, CKA_KEY_TYPE, type == EVP_PKEY_RSA ? CKK_RSA :
	    type == EVP_PKEY_ED25519 ? CKK_EC_EDWARDS : CKK_EC);
	if (type == EVP_PKEY_RSA) {
		if (value) {
			set_bn(o, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
			set_bn(o, CKA_PUBLIC_EXPONENT, key,
			    OSSL_PKEY_PARAM_RSA_E);
		}
		return;
	}
	set_params(o, key);
	if (value)
		set_point(o, key);
}

static void
add_private(EVP_PKEY *key, const char *label, const char *id)
{
	struct object *const o = add(CKO_PRIVATE_KEY, label, id);
	unsigned char *der = NULL;
	int n;

	o->key = key;
	o->secret = !setting("public") && !setting("nologin");
	set_bool(o, CKA_SIGN, !setting("nosign"));
	if (setting("always"))
		set_bool(o, CKA_ALWAYS_AUTHENTICATE, true);
	set_key(o, key, setting("point") != NULL);
	if (setting("info")) {
		n = i2d_PUBKEY(key, &der);
		set(o, CKA_PUBLIC_KEY_INFO, der, (size_t)n);
		OPENSSL_free(der);
	} else {
		set(o, CKA_PUBLIC_KEY_INFO, "", 0);	/* there, and empty */
	}
}

static void
add_cert(const char *path, const char *label, const char *id)
{
	FILE *const f = fopen(path, "r");
	X509 *const cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	struct object *const o = add(CKO_CERTIFICATE, label, id);
	unsigned char *der = NULL;
	int n;

	if (cert == NULL)
		abort();
	n = i2d_X509(cert, &der);
	set_long(o, CKA_CERTIFICATE_TYPE, CKC_X_509);
	set(o, CKA_VALUE, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(cert);
	(void)fclose(f);
}

/* FILE:LABEL:HEXID of the nth setting of that name. */
static bool
load_nth(const char *name, size_t nth)
{
	char text[4096], *label, *id;
	const char *const v = setting_nth(name, nth);
	EVP_PKEY *key;
	FILE *f;

	if (v == NULL)
		return false;
	(void)snprintf(text, sizeof text, "%s", v);
	label = strchr(text, ':');
	if (label == NULL || (id = strchr(label + 1, ':')) == NULL)
		abort();
	*label++ = *id++ = '\0';
	if (strcmp(name, "cert") == 0) {
		add_cert(text, label, id);
		return true;
	}
	f = fopen(text, "r");
	key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (key == NULL)
		abort();
	(void)fclose(f);
	if (strcmp(name, "pub") == 0 || !setting("nopub"))
		set_key(add(CKO_PUBLIC_KEY, label, id), key, true);
	if (strcmp(name, "key") == 0)
		add_private(key, label, id);
	else
		EVP_PKEY_free(key);
	return true;
}

static void
unload(void)
{
	size_t i, j;

	for (i = 0; i < st.objects; i++) {
		for (j = 0; j < st.object[i].n; j++)
			free(st.object[i].attr[j].p);
		EVP_PKEY_free(st.object[i].key);
	}
	st.objects = 0;
}

/* ---- general, slots, sessions ------------------------------------------- */

static CK_RV
initialize(void *args)
{
	const char *const now = getenv("MOCK_P11");
	const char *const noenv = setting("noenv");
	size_t i;

	(void)args;
	if (noenv != NULL && getenv(noenv) != NULL)
		return CKR_GENERAL_ERROR;
	CALLED("C_Initialize");
	/* Other settings are another token: nothing was tried on it yet. */
	if (now == NULL || strcmp(now, st.settings) != 0) {
		(void)snprintf(st.settings, sizeof st.settings, "%s",
		    now ? now : "");
		st.runs = 0;
		st.left = (int)number("tries", 3);
		st.made = 0;
		st.gone = false;
	}
	st.runs++;
	for (i = 0; load_nth("key", i); i++)
		;
	for (i = 0; load_nth("pub", i); i++)
		;
	for (i = 0; load_nth("cert", i); i++)
		;
	return CKR_OK;
}

static CK_RV
finalize(void *reserved)
{
	(void)reserved;
	CALLED("C_Finalize");
	close_all();
	unload();
	return CKR_OK;
}

static void
pad(unsigned char *out, size_t n, const char *text)
{
	memset(out, ' ', n);
	memcpy(out, text, strlen(text) < n ? strlen(text) : n);
}

static CK_RV
get_info(CK_INFO *info)
{
	memset(info, 0, sizeof *info);
	info->cryptokiVersion.major = 2;
	info->cryptokiVersion.minor = 40;
	pad(info->manufacturerID, sizeof info->manufacturerID, "mock maker");
	pad(info->libraryDescription, sizeof info->libraryDescription,
	    "mock module");
	return CKR_OK;
}

/* Slots count from 1; an uninitialized token is the last. */
static CK_ULONG
tokens(void)
{
	return number("tokens", 1);
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	const CK_ULONG have = is_removed() ||
	    (setting("late") && st.runs < 2) ? 0 :
	    tokens() + (setting("blank") != NULL);
	CK_ULONG i;

	(void)present;
	CALLED("C_GetSlotList");
	if (slots != NULL && *n < have)
		return CKR_BUFFER_TOO_SMALL;
	for (i = 0; slots != NULL && i < have; i++)
		slots[i] = i + 1;
	*n = have;
	return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	(void)slot;
	memset(info, 0, sizeof *info);
	pad(info->slotDescription, sizeof info->slotDescription, "mock slot");
	pad(info->manufacturerID, sizeof info->manufacturerID, "mock maker");
	info->flags = CKF_TOKEN_PRESENT;
	return CKR_OK;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const char *const label = setting("label");
	char serial[8];

	CALLED("C_GetTokenInfo");
	if (is_removed())
		return CKR_TOKEN_NOT_PRESENT;
	memset(info, 0, sizeof *info);
	pad(info->label, sizeof info->label, label ? label : "mock");
	(void)snprintf(serial, sizeof serial, "%04u",
	    setting("serials") ? (unsigned)slot & 0xfff : 0);
	pad(info->manufacturerID, sizeof info->manufacturerID, "mock maker");
	pad(info->model, sizeof info->model, "mock model");
	pad(info->serialNumber, sizeof info->serialNumber, serial);
	info->ulMinPinLen = number("minpin", 0);
	info->ulMaxPinLen = number("maxpin", 255);
	if (slot > tokens())
		return CKR_OK;
	info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
	if (!setting("nologin"))
		info->flags |= CKF_LOGIN_REQUIRED;
	if (setting("wp"))
		info->flags |= CKF_WRITE_PROTECTED;
	if (setting("pad") || setting("padwrong"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (!setting("noflags"))
		info->flags |= st.left <= 0 ? CKF_USER_PIN_LOCKED :
		    st.left == 1 ? CKF_USER_PIN_FINAL_TRY :
		    st.left == 2 ? CKF_USER_PIN_COUNT_LOW : 0;
	return CKR_OK;
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *out)
{
	CK_ULONG i;

	(void)app;
	(void)notify;
	CALLED("C_OpenSession");
	if (is_removed())
		return CKR_DEVICE_REMOVED;
	if (slot > tokens() || (flags & CKF_SERIAL_SESSION) == 0)
		return CKR_SLOT_ID_INVALID;
	/* Nothing here may ask for more than it needs. */
	if ((flags & CKF_RW_SESSION) != 0 && !setting("rw"))
		return CKR_TOKEN_WRITE_PROTECTED;
	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < SESSIONS && st.session[i].open; i++)
		;
	if (i >= number("sessions", SESSIONS))
		i = SESSIONS;
	if (i < SESSIONS)
		st.session[i] = (struct session){ .open = true };
	(void)pthread_mutex_unlock(&lock);
	*out = 100 + i;
	return i < SESSIONS ? CKR_OK : CKR_SESSION_COUNT;
}

static CK_RV
close_session(CK_SESSION_HANDLE h)
{
	struct session *s;
	size_t i;

	IN_SESSION(h, "C_CloseSession", &s);
	(void)pthread_mutex_lock(&lock);
	search_end(s);
	*s = (struct session){ 0 };
	for (i = 0; i < SESSIONS && !st.session[i].open; i++)
		;
	st.in = st.in && i < SESSIONS;
	(void)pthread_mutex_unlock(&lock);
	return CKR_OK;
}

static CK_RV
close_all_sessions(CK_SLOT_ID slot)
{
	(void)slot;
	CALLED("C_CloseAllSessions");
	close_all();
	return CKR_OK;
}

static CK_RV
get_session_info(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
	struct session *s;

	IN_SESSION(h, "C_GetSessionInfo", &s);
	memset(info, 0, sizeof *info);
	info->slotID = 1;
	info->state = st.in ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
	return CKR_OK;
}

static CK_RV
login(CK_SESSION_HANDLE h, CK_USER_TYPE user, unsigned char *pin, CK_ULONG n)
{
	struct session *s;
	const char *const want = setting("pin") ? setting("pin") : "1234";
	const bool by_pad = setting("pad") || setting("padwrong");

	IN_SESSION(h, user == CKU_USER ? "C_Login" : "C_Login(context)", &s);
	if (user == CKU_CONTEXT_SPECIFIC && s->signer == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (st.left <= 0)
		return CKR_PIN_LOCKED;
	if (by_pad ? pin != NULL || n != 0 || setting("padwrong") :
	    pin == NULL || n != strlen(want) || memcmp(pin, want, n) != 0) {
		st.left--;
		return CKR_PIN_INCORRECT;
	}
	if (user == CKU_USER && st.in)
		return CKR_USER_ALREADY_LOGGED_IN;
	st.left = (int)number("tries", 3);
	if (user == CKU_USER)
		st.in = true;
	else
		s->again = true;
	return CKR_OK;
}

/* ---- objects by handle -------------------------------------------------- */

static const struct object *
object(CK_OBJECT_HANDLE h)
{
	return h > 0 && h <= st.objects && st.object[h - 1].n > 0 &&
	    (!st.object[h - 1].secret || st.in) ? &st.object[h - 1] : NULL;
}

static const struct attr *
attr(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->attr[i].type == type)
			return &o->attr[i];
	return NULL;
}

static CK_RV
get_attribute_value(CK_SESSION_HANDLE sh, CK_OBJECT_HANDLE h, CK_ATTRIBUTE *a,
    CK_ULONG n)
{
	const struct object *const o = object(h);
	struct session *s;
	const struct attr *have;
	CK_RV rv = CKR_OK;
	CK_ULONG i;

	IN_SESSION(sh, "C_GetAttributeValue", &s);
	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	for (i = 0; i < n; i++) {
		have = attr(o, a[i].type);
		if (have == NULL) {
			a[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
		} else if (a[i].pValue != NULL && a[i].ulValueLen < have->n) {
			a[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
			rv = CKR_BUFFER_TOO_SMALL;
		} else {
			if (a[i].pValue != NULL)
				memcpy(a[i].pValue, have->p, have->n);
			a[i].ulValueLen = have->n;
		}
	}
	return rv;
}

static CK_RV
find_objects_init(CK_SESSION_HANDLE h, CK_ATTRIBUTE *like, CK_ULONG n)
{
	struct session *s;
	CK_ULONG i;

	IN_SESSION(h, "C_FindObjectsInit", &s);
	if (s->searching)
		return CKR_OPERATION_ACTIVE;
	if (n > 8)
		return CKR_TEMPLATE_INCONSISTENT;
	for (i = 0; i < n; i++) {
		s->like[i] = like[i];
		s->like[i].pValue = malloc(like[i].ulValueLen + 1);
		if (s->like[i].pValue == NULL)
			abort();
		memcpy(s->like[i].pValue, like[i].pValue, like[i].ulValueLen);
	}
	s->found = n;
	s->at = 0;
	s->searching = true;
	return CKR_OK;
}

static bool
is_like(const struct session *s, const struct object *o)
{
	const struct attr *a;
	size_t i;

	for (i = 0; i < s->found; i++) {
		a = attr(o, s->like[i].type);
		if (a == NULL || a->n != s->like[i].ulValueLen ||
		    memcmp(a->p, s->like[i].pValue, a->n) != 0)
			return false;
	}
	return true;
}

static CK_RV
find_objects(CK_SESSION_HANDLE sh, CK_OBJECT_HANDLE *h, CK_ULONG max,
    CK_ULONG *n)
{
	struct session *s;

	*n = 0;
	IN_SESSION(sh, "C_FindObjects", &s);
	if (!s->searching)
		return CKR_OPERATION_NOT_INITIALIZED;
	for (; s->at < st.objects && *n < max; s->at++)
		if (object(s->at + 1) != NULL &&
		    is_like(s, &st.object[s->at]))
			h[(*n)++] = s->at + 1;
	return CKR_OK;
}

static CK_RV
find_objects_final(CK_SESSION_HANDLE h)
{
	struct session *s = session(h);

	if (s != NULL)
		search_end(s);
	IN_SESSION(h, "C_FindObjectsFinal", &s);
	return CKR_OK;
}

/* ---- signing ------------------------------------------------------------ */

/* The digest of a combined mechanism; NULL: it takes a digest. */
static const EVP_MD *
mech_md(CK_MECHANISM_TYPE m)
{
	switch (m) {
	case CKM_ECDSA_SHA256: case CKM_SHA256_RSA_PKCS_PSS:
	case CKM_SHA256:
		return EVP_sha256();
	case CKM_ECDSA_SHA384: case CKM_SHA384_RSA_PKCS_PSS:
	case CKM_SHA384:
		return EVP_sha384();
	case CKM_ECDSA_SHA512: case CKM_SHA512_RSA_PKCS_PSS:
	case CKM_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static bool
has_mech(const CK_MECHANISM *m, int type)
{
	const bool raw = m->mechanism == CKM_ECDSA ||
	    m->mechanism == CKM_RSA_PKCS_PSS;

	if (setting("nomech") || (raw && setting("noraw")))
		return false;
	switch (m->mechanism) {
	case CKM_ECDSA: case CKM_ECDSA_SHA256: case CKM_ECDSA_SHA384:
	case CKM_ECDSA_SHA512:
		return type == EVP_PKEY_EC && m->pParameter == NULL;
	case CKM_EDDSA:
		return type == EVP_PKEY_ED25519 && m->pParameter == NULL;
	case CKM_RSA_PKCS_PSS: case CKM_SHA256_RSA_PKCS_PSS:
	case CKM_SHA384_RSA_PKCS_PSS: case CKM_SHA512_RSA_PKCS_PSS:
		return type == EVP_PKEY_RSA &&
		    m->ulParameterLen == sizeof(CK_RSA_PKCS_PSS_PARAMS);
	default:
		return false;
	}
}

static CK_RV
sign_init(CK_SESSION_HANDLE sh, CK_MECHANISM *m, CK_OBJECT_HANDLE h)
{
	const struct object *o;
	const CK_RSA_PKCS_PSS_PARAMS *pss;
	struct session *s;

	IN_SESSION(sh, mech_md(m->mechanism) ? "C_SignInit(combined)" :
	    "C_SignInit", &s);
	o = object(h);
	if (s->signer != NULL)
		return CKR_OPERATION_ACTIVE;
	if (o == NULL || o->key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	if (!has_mech(m, EVP_PKEY_get_base_id(o->key)))
		return CKR_MECHANISM_INVALID;
	if (EVP_PKEY_get_base_id(o->key) == EVP_PKEY_RSA) {
		pss = m->pParameter;
		s->pss = mech_md(pss->hashAlg);
		if (s->pss == NULL || pss->sLen !=
		    (CK_ULONG)EVP_MD_get_size(s->pss) || pss->mgf !=
		    (s->pss == EVP_sha256() ? CKG_MGF1_SHA256 :
		    s->pss == EVP_sha384() ? CKG_MGF1_SHA384 :
		    CKG_MGF1_SHA512))
			return CKR_MECHANISM_PARAM_INVALID;
	}
	s->signer = o;
	s->mech = m->mechanism;
	s->again = false;
	return CKR_OK;
}

static bool
sign_digest(EVP_PKEY *key, const EVP_MD *pss, const unsigned char *d,
    size_t n, unsigned char *out, size_t *out_n)
{
	EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new(key, NULL);
	const int half = (EVP_PKEY_get_bits(key) + 7) / 8;
	const unsigned char *p = out;
	ECDSA_SIG *sig;
	bool good;

	good = EVP_PKEY_sign_init(ctx) == 1;
	if (good && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, pss) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
		    RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good && EVP_PKEY_sign(ctx, out, out_n, d, n) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!good || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return good;
	sig = d2i_ECDSA_SIG(NULL, &p, (long)*out_n);
	(void)BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half);
	(void)BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half);
	ECDSA_SIG_free(sig);
	*out_n = 2 * (size_t)half;
	return true;
}

static bool
sign_any(const struct session *s, EVP_PKEY *key, const unsigned char *p,
    size_t n, unsigned char *out, size_t *out_n)
{
	const EVP_MD *const md = mech_md(s->mech);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_n = 0;
	EVP_MD_CTX *ctx;
	bool good;

	if (s->mech != CKM_EDDSA && md == NULL)
		return sign_digest(key, s->pss, p, n, out, out_n);
	if (s->mech != CKM_EDDSA)
		return EVP_Digest(p, n, digest, &digest_n, md, NULL) == 1 &&
		    sign_digest(key, s->pss, digest, digest_n, out, out_n);
	ctx = EVP_MD_CTX_new();
	good = EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, out, out_n, p, n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static CK_RV
sign(CK_SESSION_HANDLE h, unsigned char *p, CK_ULONG n, unsigned char *out,
    CK_ULONG *out_n)
{
	const struct object *o;
	unsigned char made[1024];
	size_t made_n = sizeof made;
	struct session *s;

	IN_SESSION(h, out == NULL ? "C_Sign(size)" : "C_Sign", &s);
	o = s->signer;
	/* A size query costs an operation here, as on some real tokens. */
	s->signer = NULL;
	if (out == NULL)
		return CKR_FUNCTION_FAILED;
	if (o == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (setting("always") && !s->again)
		return CKR_USER_NOT_LOGGED_IN;
	s->again = false;
	if (!sign_any(s, o->key, p, n, made, &made_n))
		return CKR_DATA_LEN_RANGE;
	if (is("sig", "flip"))
		made[made_n / 2] ^= 1;
	else if (is("sig", "zero"))
		memset(made, 0, made_n);
	else if (is("sig", "short"))
		made_n--;
	else if (is("sig", "long"))
		made[made_n++] = 0;
	if (*out_n < made_n)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(out, made, made_n);
	*out_n = made_n;
	atomic_fetch_add(&st.made, 1);
	ERR_clear_error();
	return CKR_OK;
}

/* ---- writing ------------------------------------------------------------ */

static struct session *
writable(CK_SESSION_HANDLE h)
{
	return setting("rw") != NULL ? session(h) : NULL;
}

static const CK_ATTRIBUTE *
in_template(const CK_ATTRIBUTE *a, CK_ULONG n, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG i;

	for (i = 0; i < n; i++)
		if (a[i].type == type)
			return &a[i];
	return NULL;
}

/* Set or replace an attribute. */
static void
put(struct object *o, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	struct attr *const have = (struct attr *)(uintptr_t)attr(o, type);

	if (have == NULL) {
		set(o, type, p, n);
		return;
	}
	free(have->p);
	have->p = malloc(n + 1);
	if (have->p == NULL)
		abort();
	memcpy(have->p, p, n);
	have->n = n;
}

static void
put_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool v)
{
	const CK_BBOOL b = v ? CK_TRUE : CK_FALSE;

	put(o, type, &b, 1);
}

static EVP_PKEY *
make_key(const CK_MECHANISM *m, const CK_ATTRIBUTE *a, CK_ULONG n)
{
	const CK_ATTRIBUTE *const params = in_template(a, n, CKA_EC_PARAMS);

	switch (m->mechanism) {
	case CKM_RSA_PKCS_KEY_PAIR_GEN:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)
		    *(CK_ULONG *)in_template(a, n, CKA_MODULUS_BITS)->pValue);
	case CKM_EC_KEY_PAIR_GEN:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC",
		    params->ulValueLen == 10 ? "P-256" :
		    ((CK_BYTE *)params->pValue)[6] == 0x22 ? "P-384" :
		    "P-521");
	default:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
}

static CK_RV
generate_key_pair(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_ATTRIBUTE *pub,
    CK_ULONG pub_n, CK_ATTRIBUTE *priv, CK_ULONG priv_n,
    CK_OBJECT_HANDLE *pub_h, CK_OBJECT_HANDLE *priv_h)
{
	const CK_ATTRIBUTE *const params = in_template(pub, pub_n,
	    CKA_EC_PARAMS);
	struct object *o;
	CK_ULONG i;
	EVP_PKEY *key;

	CALLED("C_GenerateKeyPair");
	if (writable(h) == NULL)
		return CKR_SESSION_READ_ONLY;
	if (setting("nomech"))
		return CKR_MECHANISM_INVALID;
	/* As a TPM does it. */
	if (in_template(priv, priv_n, CKA_DECRYPT) != NULL)
		return CKR_GENERAL_ERROR;
	if (setting("edname") && params != NULL && params->ulValueLen == 5)
		return CKR_DOMAIN_PARAMS_INVALID;
	key = make_key(m, pub, pub_n);
	if (key == NULL)
		return CKR_FUNCTION_FAILED;
	o = add(CKO_PUBLIC_KEY, "", "");
	set_key(o, key, !setting("hidden"));
	for (i = 0; i < pub_n; i++)
		if (pub[i].type != CKA_MODULUS_BITS)
			put(o, pub[i].type, pub[i].pValue, pub[i].ulValueLen);
	*pub_h = st.objects;
	add_private(key, "", "");
	o = &st.object[st.objects - 1];
	for (i = 0; i < priv_n; i++)
		put(o, priv[i].type, priv[i].pValue, priv[i].ulValueLen);
	if (setting("eager")) {
		put_bool(o, CKA_DECRYPT, true);
		put_bool(o, CKA_UNWRAP, true);
		put_bool(o, CKA_DERIVE, true);
	}
	put_bool(o, CKA_LOCAL, true);
	put_bool(o, CKA_EXTRACTABLE, setting("leaky") != NULL);
	put_bool(o, CKA_SENSITIVE, setting("loud") == NULL);
	if (setting("mute"))
		put(o, CKA_EXTRACTABLE, "", 0);
	*priv_h = st.objects;
	return CKR_OK;
}

static CK_RV
create_object(CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n,
    CK_OBJECT_HANDLE *out)
{
	struct object *o;
	CK_ULONG i;

	CALLED("C_CreateObject");
	if (writable(h) == NULL)
		return CKR_SESSION_READ_ONLY;
	o = add(CKO_CERTIFICATE, "", "");
	for (i = 0; i < n; i++)
		put(o, a[i].type, a[i].pValue, a[i].ulValueLen);
	*out = st.objects;
	return CKR_OK;
}

static CK_RV
destroy_object(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE handle)
{
	struct object *const o = (struct object *)(uintptr_t)object(handle);

	CALLED("C_DestroyObject");
	if (writable(h) == NULL)
		return CKR_SESSION_READ_ONLY;
	if (o == NULL || o->n == 0)
		return CKR_OBJECT_HANDLE_INVALID;
	while (o->n > 0)
		free(o->attr[--o->n].p);
	return CKR_OK;
}

static CK_RV
set_attribute_value(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE handle,
    CK_ATTRIBUTE *a, CK_ULONG n)
{
	struct object *const o = (struct object *)(uintptr_t)object(handle);

	CALLED("C_SetAttributeValue");
	if (writable(h) == NULL)
		return CKR_SESSION_READ_ONLY;
	if (o == NULL || n != 1)
		return CKR_OBJECT_HANDLE_INVALID;
	put(o, a->type, a->pValue, a->ulValueLen);
	return CKR_OK;
}

/* ---- the table ---------------------------------------------------------- */

static CK_RV get_function_list(CK_FUNCTION_LIST **list);

static CK_FUNCTION_LIST functions = {
	.version = { 2, 40 },
	.C_Initialize = initialize,
	.C_Finalize = finalize,
	.C_GetInfo = get_info,
	.C_GetFunctionList = get_function_list,
	.C_GetSlotList = get_slot_list,
	.C_GetSlotInfo = get_slot_info,
	.C_GetTokenInfo = get_token_info,
	.C_OpenSession = open_session,
	.C_CloseSession = close_session,
	.C_CloseAllSessions = close_all_sessions,
	.C_GetSessionInfo = get_session_info,
	.C_Login = login,
	.C_GetAttributeValue = get_attribute_value,
	.C_FindObjectsInit = find_objects_init,
	.C_FindObjects = find_objects,
	.C_FindObjectsFinal = find_objects_final,
	.C_GenerateKeyPair = generate_key_pair,
	.C_CreateObject = create_object,
	.C_DestroyObject = destroy_object,
	.C_SetAttributeValue = set_attribute_value,
	.C_SignInit = sign_init,
	.C_Sign = sign,
};

static CK_RV
get_function_list(CK_FUNCTION_LIST **list)
{
	*list = setting("nolist") ? NULL : &functions;
	return setting("badlist") ? CKR_GENERAL_ERROR : CKR_OK;
}

/* The only symbol this module gives. */
CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	return get_function_list(list);
}
