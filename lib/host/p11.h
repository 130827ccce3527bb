/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that talk to a PKCS #11 module: p11*.c. */
#ifndef FW_P11_H
#define FW_P11_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "host/guard.h"
#include "host/key_internal.h"
#include "host/p11uri.h"

/* Module, session and login of one key. */
struct fw_p11 {
	struct fw_p11_uri uri;
	struct fw_key_options opt;	/* its strings are the caller's */
	CK_FUNCTION_LIST **modules;	/* as loaded, ends with NULL */
	char **names;			/* theirs, for messages */
	char *failed;			/* why one could not be started */
	bool by_path;			/* one module, not p11-kit's list */
	bool running;			/* they are initialized */
	struct fw_p11 *next;		/* of those that are started */
	CK_FUNCTION_LIST *m;		/* the token's */
	const char *module;		/* its name, of names */
	CK_SLOT_ID slot;
	CK_TOKEN_INFO token;
	char *name;			/* "token 'x' (serial y)" */
	CK_SESSION_HANDLE session;	/* CK_INVALID_HANDLE: none */
	CK_OBJECT_HANDLE key;
	CK_KEY_TYPE type;
	struct fw_buf id;		/* CKA_ID, perhaps empty */
	bool always_auth;		/* a login for each signature */
	bool pad;			/* the PIN is entered at the token */
	bool refused;			/* a login failed: never again */
	bool lost;			/* so is the session, or its login */
	struct fw_pin pin;		/* kept only while always_auth */
	char *env_pin;			/* kept out of the environment */
	_Atomic CK_MECHANISM_TYPE used;	/* by the last signature */
	bool combined;			/* the token hashes itself */
	bool borrowed;			/* all but the session and the PIN are
					   another's, see fw_p11_again() */
};

/*
 * Every call into a module goes through one of these, so that a crash in it, or
 * one that never comes back, can be told: FW_P11_CALL(p, C_Sign, session, ...).
 * The other is for a module that is not, or not yet, p's.
 */
#define FW_P11_CALL(p, fn, ...)						\
	FW_P11_CALL_ON((p)->m, (p)->module, fn, __VA_ARGS__)
#define FW_P11_CALL_ON(m, name, fn, ...)				\
	(fw_guard_enter(#fn, (name)), fw_p11_left((m)->fn(__VA_ARGS__)))

static inline CK_RV
fw_p11_left(CK_RV rv)
{
	fw_guard_leave();
	return rv;
}

/* Handles of objects that were found. */
struct fw_p11_list {
	CK_OBJECT_HANDLE *h;
	size_t n;
};
void fw_p11_list_deinit(struct fw_p11_list *l);

/* p11_errors.c: "CALL failed: CKR_X: words (remedy)", FW_E_KEY. */
enum fw_kind fw_p11_fail(struct fw_error *err, const char *call, CK_RV rv);
/* The same with another remedy; NULL: none. */
enum fw_kind fw_p11_fail_remedy(struct fw_error *err, const char *call,
    CK_RV rv, const char *remedy);

/* p11.c: nothing is loaded yet; fw_p11_free() in any case where *out is set. */
enum fw_kind fw_p11_new(const struct fw_key_options *opt, struct fw_p11 **out,
    struct fw_error *err);
/* The one token that the URI names, with a session, logged in; no key. */
enum fw_kind fw_p11_open_token(const char *uri,
    const struct fw_key_options *opt, struct fw_p11 **out,
    struct fw_error *err);

/* p11_module.c: load modules and initialize them. */
enum fw_kind fw_p11_start(struct fw_p11 *p, struct fw_error *err);
/* Finalize, and initialize once more. */
enum fw_kind fw_p11_restart(struct fw_p11 *p, struct fw_error *err);
void fw_p11_stop(struct fw_p11 *p);

/* p11_token.c: find the one token. */
enum fw_kind fw_p11_find_token(struct fw_p11 *p, struct fw_error *err);
/*
 * Visit each token that matches, with its module, slot, information and name
 * in p.  FW_E_KEY if there is none; a failure of visit ends it.
 */
typedef enum fw_kind fw_p11_visit(struct fw_p11 *p, void *ctx,
    struct fw_error *err);
enum fw_kind fw_p11_each_token(struct fw_p11 *p, fw_p11_visit *visit,
    void *ctx, struct fw_error *err);

/* p11_login.c */
enum fw_kind fw_p11_session(struct fw_p11 *p, struct fw_error *err);
/* Put a fresh session in the place of one with a begun operation. */
enum fw_kind fw_p11_renew(struct fw_p11 *p, struct fw_error *err);
/* After a failure: is the token still there, and the login? */
void fw_p11_recover(struct fw_p11 *p);
enum fw_kind fw_p11_login(struct fw_p11 *p, struct fw_error *err);
/* The login that belongs to the signature just begun. */
enum fw_kind fw_p11_login_again(struct fw_p11 *p, struct fw_error *err);

/* p11_session.c: another session of p's login; key: who it will belong to. */
enum fw_kind fw_p11_again(const struct fw_p11 *p, struct fw_key *key,
    struct fw_error *err);
void fw_p11_give_back(struct fw_p11 *p);

/* p11_object.c */
enum fw_kind fw_p11_find(struct fw_p11 *p, CK_ATTRIBUTE *like, size_t n,
    struct fw_p11_list *out, struct fw_error *err);
/* An attribute's bytes; empty when the object does not show it. */
enum fw_kind fw_p11_attr(struct fw_p11 *p, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct fw_buf *out, struct fw_error *err);
/* A number or boolean; missing when the object does not show it. */
enum fw_kind fw_p11_number(struct fw_p11 *p, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG missing, CK_ULONG *out,
    struct fw_error *err);
/* What has to be known of the private key whose handle is in p. */
enum fw_kind fw_p11_read_key(struct fw_p11 *p, struct fw_key *key,
    struct fw_error *err);
/* Find the one private key, and read it. */
enum fw_kind fw_p11_find_key(struct fw_p11 *p, struct fw_key *key,
    struct fw_error *err);

/* CKA_EC_PARAMS: a named curve's DER; of Ed25519 also a name. */
enum fwd_key_type fw_p11_curve(const struct fw_buf *params);
/* p11_public.c: the key's public key, if the token shows it anywhere;
   otherwise key->pub stays NULL. */
enum fw_kind fw_p11_find_public(struct fw_p11 *p, struct fw_key *key,
    struct fw_error *err);

/*
 * p11_write.c: changing what is on the token, in a session of its own that may
 * write.  FW_E_KEY.
 */
struct fw_p11_rw {
	struct fw_p11 *p;		/* NULL: not open */
	CK_SESSION_HANDLE session;
};
enum fw_kind fw_p11_rw_open(struct fw_p11 *p, struct fw_p11_rw *out,
    struct fw_error *err);
void fw_p11_rw_close(struct fw_p11_rw *rw);
enum fw_kind fw_p11_create(const struct fw_p11_rw *rw, CK_ATTRIBUTE *a,
    size_t n, CK_OBJECT_HANDLE *out, struct fw_error *err);
enum fw_kind fw_p11_destroy(const struct fw_p11_rw *rw,
    CK_OBJECT_HANDLE object, struct fw_error *err);
enum fw_kind fw_p11_set(const struct fw_p11_rw *rw, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct fwd_span value, struct fw_error *err);

#endif
