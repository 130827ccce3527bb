/* SPDX-License-Identifier: Apache-2.0 */
/* Changing what is on a token, in a session that may. */
#include "host/p11.h"

static enum fw_kind
fail(const struct fw_p11 *p, const char *call, CK_RV rv, struct fw_error *err)
{
	(void)fw_p11_fail(err, call, rv);
	return fw_wrap(err, "%s", p->name);
}

enum fw_kind
fw_p11_rw_open(struct fw_p11 *p, struct fw_p11_rw *out, struct fw_error *err)
{
	CK_RV rv;

	if (p->token.flags & CKF_WRITE_PROTECTED)
		return fw_fail(err, FW_E_KEY, "%s is write-protected "
		    "(nothing can be stored on it)", p->name);
	rv = FW_P11_CALL(p, C_OpenSession, p->slot,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &out->session);
	if (rv != CKR_OK)
		return fail(p, "C_OpenSession", rv, err);
	out->p = p;
	return FW_OK;
}

void
fw_p11_rw_close(struct fw_p11_rw *rw)
{
	if (rw->p != NULL)
		(void)FW_P11_CALL(rw->p, C_CloseSession, rw->session);
	rw->p = NULL;
}

enum fw_kind
fw_p11_create(const struct fw_p11_rw *rw, CK_ATTRIBUTE *a, size_t n,
    CK_OBJECT_HANDLE *out, struct fw_error *err)
{
	const CK_RV rv = FW_P11_CALL(rw->p, C_CreateObject, rw->session, a, n,
	    out);

	return rv == CKR_OK ? FW_OK : fail(rw->p, "C_CreateObject", rv, err);
}

enum fw_kind
fw_p11_destroy(const struct fw_p11_rw *rw, CK_OBJECT_HANDLE object,
    struct fw_error *err)
{
	const CK_RV rv = FW_P11_CALL(rw->p, C_DestroyObject, rw->session,
	    object);

	return rv == CKR_OK ? FW_OK : fail(rw->p, "C_DestroyObject", rv, err);
}

enum fw_kind
fw_p11_set(const struct fw_p11_rw *rw, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct fwd_span value, struct fw_error *err)
{
	CK_ATTRIBUTE a = { type, (void *)(uintptr_t)value.p, value.n };
	const CK_RV rv = FW_P11_CALL(rw->p, C_SetAttributeValue, rw->session,
	    object, &a, 1);

	return rv == CKR_OK ? FW_OK :
	    fail(rw->p, "C_SetAttributeValue", rv, err);
}
