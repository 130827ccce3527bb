/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and logins.  A token counts wrong PINs and locks itself for good
 * after a few, so one refused login is the last one of a key's life.
 */
#include <stdio.h>
#include <string.h>

#include "host/p11.h"

enum fw_kind
fw_p11_session(struct fw_p11 *p, struct fw_error *err)
{
	const CK_RV rv = FW_P11_CALL(p, C_OpenSession, p->slot,
	    CKF_SERIAL_SESSION, NULL, NULL, &p->session);

	if (rv == CKR_OK)
		return FW_OK;
	p->session = CK_INVALID_HANDLE;
	(void)fw_p11_fail(err, "C_OpenSession", rv);
	return fw_wrap(err, "%s", p->name);
}

enum fw_kind
fw_p11_renew(struct fw_p11 *p, struct fw_error *err)
{
	const CK_SESSION_HANDLE old = p->session;
	enum fw_kind kind;

	/* The new one first: closing the last one would end the login. */
	kind = fw_p11_session(p, err);
	/* One that was lost may come back with the same handle. */
	if (p->session != old)
		(void)FW_P11_CALL(p, C_CloseSession, old);
	return kind;
}

void
fw_p11_recover(struct fw_p11 *p)
{
	struct fw_error ignored;
	CK_SESSION_INFO info;

	if (fw_p11_renew(p, &ignored) != FW_OK) {
		p->lost = true;
		return;
	}
	/* A token that was put back wants its PIN once more. */
	p->lost = (p->token.flags & CKF_LOGIN_REQUIRED) != 0 &&
	    FW_P11_CALL(p, C_GetSessionInfo, p->session, &info) == CKR_OK &&
	    info.state != CKS_RO_USER_FUNCTIONS &&
	    info.state != CKS_RW_USER_FUNCTIONS;
}

/* What the flags say of the tries that are left; they need not say it. */
static const char *
tries_left(CK_FLAGS flags)
{
	if (flags & CKF_USER_PIN_LOCKED)
		return "the token says that it is locked now; unlock it with "
		    "its own tool and the SO PIN";
	if (flags & CKF_USER_PIN_FINAL_TRY)
		return "the token says that one try is left before it locks; "
		    "check the PIN before trying again";
	if (flags & CKF_USER_PIN_COUNT_LOW)
		return "the token says that few tries are left; check the PIN "
		    "before trying again";
	return "the token does not say how many tries are left; check the "
	    "PIN before trying again";
}

/* Say what a refused login means for the next one. */
static enum fw_kind
refused(struct fw_p11 *p, CK_RV rv, struct fw_error *err)
{
	CK_TOKEN_INFO now;

	p->refused = true;
	fw_pin_wipe(&p->pin);
	if (rv == CKR_PIN_INCORRECT) {
		if (FW_P11_CALL(p, C_GetTokenInfo, p->slot, &now) != CKR_OK)
			now.flags = 0;
		(void)fw_p11_fail_remedy(err, "C_Login", rv,
		    tries_left(now.flags));
	} else {
		(void)fw_p11_fail(err, "C_Login", rv);
	}
	return fw_wrap(err, "%s", p->name);
}

static enum fw_kind
check_flags(struct fw_p11 *p, struct fw_error *err)
{
	const CK_FLAGS flags = p->token.flags;

	if (flags & CKF_USER_PIN_LOCKED)
		return fw_fail(err, FW_E_KEY, "the PIN of %s is locked (unlock "
		    "it with the token's own tool and the SO PIN)", p->name);
	if ((flags & CKF_USER_PIN_FINAL_TRY) && !p->opt.final_try)
		return fw_fail(err, FW_E_KEY, "%s says that one more wrong "
		    "PIN locks it; no PIN was sent (make sure of the PIN, "
		    "then allow the final try)", p->name);
	if (flags & CKF_USER_PIN_FINAL_TRY)
		fw_key_warn(&p->opt, "%s says that one more wrong PIN locks "
		    "it; this is the final try", p->name);
	else if (flags & CKF_USER_PIN_COUNT_LOW)
		fw_key_warn(&p->opt, "%s says that few tries for the PIN are "
		    "left", p->name);
	return FW_OK;
}

/* Modules state no limit as 0 or all ones. */
static enum fw_kind
check_length(const struct fw_p11 *p, struct fw_error *err)
{
	const CK_ULONG min = p->token.ulMinPinLen;
	const CK_ULONG max = p->token.ulMaxPinLen;

	if (min != CK_UNAVAILABLE_INFORMATION && min <= FW_PIN_MAX &&
	    p->pin.n < min)
		return fw_fail(err, FW_E_KEY, "the PIN for %s is too short; it "
		    "was not tried (its PINs have at least %lu characters)",
		    p->name, min);
	if (max != CK_UNAVAILABLE_INFORMATION && max != 0 && p->pin.n > max)
		return fw_fail(err, FW_E_KEY, "the PIN for %s is too long; it "
		    "was not tried (its PINs have at most %lu characters)",
		    p->name, max);
	return FW_OK;
}

static enum fw_kind
get_pin(struct fw_p11 *p, struct fw_error *err)
{
	const struct fw_pin_ask ask = {
		.opt = &p->opt, .source = p->uri.pin_source,
		.value = p->uri.pin_value, .what = "PIN", .of = p->name,
	};

	FW_TRY(fw_pin_unhide(p->opt.pin_env, &p->env_pin, err));
	FW_TRY(fw_pin_get(&ask, &p->pin, err));
	if (check_length(p, err) != FW_OK) {
		fw_pin_wipe(&p->pin);
		return err->kind;
	}
	return FW_OK;
}

/* With a pad of its own the token gets NULL and asks; otherwise never NULL. */
static CK_RV
login(struct fw_p11 *p, CK_USER_TYPE user)
{
	if (!p->pad)
		return FW_P11_CALL(p, C_Login, p->session, user, p->pin.p,
		    p->pin.n);
	fw_key_warn(&p->opt, "enter the PIN at %s itself", p->name);
	return FW_P11_CALL(p, C_Login, p->session, user, NULL, 0);
}

static bool
logged_in(const struct fw_p11 *p)
{
	CK_SESSION_INFO info;

	return FW_P11_CALL(p, C_GetSessionInfo, p->session, &info) == CKR_OK &&
	    (info.state == CKS_RO_USER_FUNCTIONS ||
	    info.state == CKS_RW_USER_FUNCTIONS);
}

enum fw_kind
fw_p11_login(struct fw_p11 *p, struct fw_error *err)
{
	CK_RV rv;

	p->pad = (p->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
	/* The login of another key of this process holds for this one. */
	if ((p->token.flags & CKF_LOGIN_REQUIRED) == 0 || logged_in(p))
		return FW_OK;
	FW_TRY(check_flags(p, err));
	if (!p->pad)
		FW_TRY(get_pin(p, err));
	rv = login(p, CKU_USER);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return refused(p, rv, err);
	return FW_OK;
}

enum fw_kind
fw_p11_login_again(struct fw_p11 *p, struct fw_error *err)
{
	CK_RV rv;

	if (p->refused)
		return fw_fail(err, FW_E_KEY, "%s has refused the PIN before; "
		    "it is not tried again", p->name);
	if (!p->pad && p->pin.n == 0) {
		FW_TRY(check_flags(p, err));
		FW_TRY(get_pin(p, err));
	}
	rv = login(p, CKU_CONTEXT_SPECIFIC);
	return rv == CKR_OK ? FW_OK : refused(p, rv, err);
}
