/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the token that a URI names. */
#include <stdio.h>
#include <string.h>

#include "host/cert.h"
#include "host/p11.h"

#define LISTED_MAX 8u			/* candidates named in an error */

/* ---- tokens ------------------------------------------------------------- */

/* What a look around found. */
struct seen {
	size_t matches, others;
	char listed[2][FW_ERROR_TEXT_MAX / 2];	/* others, matches */
	fw_p11_visit *visit;		/* asked about each match; or NULL */
	void *ctx;
};

/* A blank-padded field without its padding, and fit to be shown. */
struct field {
	char text[65];
};

static const char *
field(const unsigned char *p, size_t n, struct field *out)
{
	size_t i;

	n = p11_kit_space_strlen(p, n);
	memcpy(out->text, p, n);
	out->text[n] = '\0';
	if (!fw_text_is_plain(p, n))
		for (i = 0; i < n; i++)
			if (p[i] < 0x20 || p[i] > 0x7e)
				out->text[i] = '?';
	return out->text;
}
#define FIELD(f, out) field((f), sizeof(f), (out))

static void
note(struct seen *s, bool match, const char *module, CK_SLOT_ID slot,
    const CK_TOKEN_INFO *t)
{
	char *const to = s->listed[match];
	const size_t count = match ? s->matches : s->others;
	const size_t room = sizeof s->listed[0];
	const size_t at = strlen(to);
	struct field label, serial;

	if (match)
		s->matches++;
	else
		s->others++;
	if (count >= LISTED_MAX) {
		if (count == LISTED_MAX)
			(void)snprintf(to + at, room - at, ", ...");
		return;
	}
	(void)snprintf(to + at, room - at, "%stoken '%s' serial '%s' "
	    "slot-id %lu%s%s", count ? ", " : "", FIELD(t->label, &label),
	    FIELD(t->serialNumber, &serial), slot,
	    match ? " module-path " : "", match ? module : "");
}

static enum fw_kind
name_token(struct fw_p11 *p, struct fw_error *err)
{
	struct field label, serial;

	free(p->name);
	if (asprintf(&p->name, "token '%s' (serial %s)",
	    FIELD(p->token.label, &label),
	    FIELD(p->token.serialNumber, &serial)) < 0) {
		p->name = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	return FW_OK;
}

/* Look at one slot; a token that does not answer is none. */
static enum fw_kind
look_at(struct fw_p11 *p, size_t module, CK_SLOT_ID slot, struct seen *s,
    struct fw_error *err)
{
	CK_FUNCTION_LIST *const m = p->modules[module];
	const char *const name = p->names[module];
	const CK_SLOT_ID want = p11_kit_uri_get_slot_id(p->uri.match);
	CK_SLOT_INFO slot_info;
	CK_TOKEN_INFO t;
	bool match;

	if (FW_P11_CALL_ON(m, name, C_GetSlotInfo, slot, &slot_info) !=
	    CKR_OK || FW_P11_CALL_ON(m, name, C_GetTokenInfo, slot, &t) !=
	    CKR_OK ||
	    (t.flags & CKF_TOKEN_INITIALIZED) == 0)
		return FW_OK;
	match = p11_kit_uri_match_token_info(p->uri.match, &t) == 1 &&
	    p11_kit_uri_match_slot_info(p->uri.match, &slot_info) == 1 &&
	    (want == (CK_SLOT_ID)-1 || want == slot);
	note(s, match, name, slot, &t);
	if (!match)
		return FW_OK;
	p->m = m;
	p->module = name;
	p->slot = slot;
	p->token = t;
	if (s->visit == NULL)
		return FW_OK;
	FW_TRY(name_token(p, err));
	return s->visit(p, s->ctx, err);
}

static enum fw_kind
look_into(struct fw_p11 *p, size_t module, struct seen *s,
    struct fw_error *err)
{
	CK_FUNCTION_LIST *const m = p->modules[module];
	const char *const name = p->names[module];
	FW_FREE CK_SLOT_ID *slots = NULL;
	CK_ULONG i, n = 0;
	CK_INFO info;
	CK_RV rv;
	int tries;

	if (FW_P11_CALL_ON(m, name, C_GetInfo, &info) != CKR_OK ||
	    p11_kit_uri_match_module_info(p->uri.match, &info) != 1)
		return FW_OK;
	/* The first call makes the module look, too; a slot more may come. */
	for (tries = 0, rv = CKR_BUFFER_TOO_SMALL; tries < 4 &&
	    rv == CKR_BUFFER_TOO_SMALL; tries++) {
		rv = FW_P11_CALL_ON(m, name, C_GetSlotList, CK_TRUE, NULL, &n);
		if (rv != CKR_OK || n == 0)
			break;
		free(slots);
		slots = calloc(n, sizeof *slots);
		if (slots == NULL)
			return fw_fail(err, FW_E_NOMEM, "out of memory");
		rv = FW_P11_CALL_ON(m, name, C_GetSlotList, CK_TRUE, slots,
		    &n);
	}
	/* Of p11-kit's many modules, one that fails must not stop the rest. */
	if (rv != CKR_OK)
		return p->by_path ? fw_p11_fail(err, "C_GetSlotList", rv) :
		    FW_OK;
	for (i = 0; slots != NULL && i < n; i++)
		FW_TRY(look_at(p, module, slots[i], s, err));
	return FW_OK;
}

static enum fw_kind
look_around(struct fw_p11 *p, struct seen *s, struct fw_error *err)
{
	const char *const name = p->by_path ? NULL : p->uri.module_name;
	CK_FUNCTION_LIST *const m = name ?
	    p11_kit_module_for_name(p->modules, name) : NULL;
	size_t i;

	*s = (struct seen){ .visit = s->visit, .ctx = s->ctx };
	if (name != NULL && m == NULL)
		return fw_fail(err, FW_E_KEY, "p11-kit's configuration has no "
		    "working module '%s' (%s)", name, p->failed ? p->failed :
		    "the list is shown by p11-kit list-modules");
	for (i = 0; p->modules[i] != NULL; i++)
		if (name == NULL || p->modules[i] == m)
			FW_TRY(look_into(p, i, s, err));
	return FW_OK;
}

/*
 * Some modules see a token that was just plugged in, or that another program
 * was logging in to, only when started anew.  No PIN was sent yet.
 */
static enum fw_kind
look_again(struct fw_p11 *p, struct seen *s, struct fw_error *err)
{
	FW_TRY(fw_p11_restart(p, err));
	return look_around(p, s, err);
}

/* Look, and once more if there was nothing. */
static enum fw_kind
look(struct fw_p11 *p, struct seen *s, struct fw_error *err)
{
	FW_TRY(look_around(p, s, err));
	if (s->matches == 0)
		FW_TRY(look_again(p, s, err));
	if (s->matches == 0 && s->others == 0)
		return fw_fail(err, FW_E_KEY, "there is no token (%s)",
		    p->failed ? p->failed : "is it plugged in, and its module "
		    "in p11-kit's configuration or in module-path?");
	if (s->matches == 0)
		return fw_fail(err, FW_E_KEY, "no token matches the key URI "
		    "(there is %s)", s->listed[0]);
	return FW_OK;
}

enum fw_kind
fw_p11_find_token(struct fw_p11 *p, struct fw_error *err)
{
	struct seen s = { 0 };

	FW_TRY(look(p, &s, err));
	if (s.matches > 1)
		return fw_fail(err, FW_E_KEY, "%zu tokens match the key URI "
		    "(make it name one of: %s)", s.matches, s.listed[1]);
	return name_token(p, err);
}

enum fw_kind
fw_p11_each_token(struct fw_p11 *p, fw_p11_visit *visit, void *ctx,
    struct fw_error *err)
{
	struct seen s = { .visit = visit, .ctx = ctx };

	return look(p, &s, err);
}
