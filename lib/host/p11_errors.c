/* SPDX-License-Identifier: Apache-2.0 */
/* What a PKCS #11 return value means, and what helps. */
#include <stdio.h>

#include "host/p11.h"

#define R(name) name, #name

static const struct {
	CK_RV rv;
	const char *name, *words, *remedy;
} errors[] = {
	{ R(CKR_CANCEL), "it was cancelled at the token", NULL },
	{ R(CKR_HOST_MEMORY), "the module is out of memory", NULL },
	{ R(CKR_SLOT_ID_INVALID), "the slot is gone",
	    "was the token pulled out?" },
	{ R(CKR_GENERAL_ERROR), "the module failed",
	    "see the module's own log" },
	{ R(CKR_FUNCTION_FAILED), "the token failed",
	    "see the module's own log" },
	{ R(CKR_ARGUMENTS_BAD), "the module refuses the arguments",
	    "if it needs an initialization string, set x-init-reserved in "
	    "p11-kit's configuration" },
	{ R(CKR_CANT_LOCK), "the module cannot use the system's locks", NULL },
	{ R(CKR_ATTRIBUTE_SENSITIVE), "the attribute is secret", NULL },
	{ R(CKR_ATTRIBUTE_TYPE_INVALID), "the object has no such attribute",
	    NULL },
	{ R(CKR_ATTRIBUTE_VALUE_INVALID), "an attribute has a wrong value",
	    NULL },
	{ R(CKR_ACTION_PROHIBITED), "the token's policy forbids it", NULL },
	{ R(CKR_DATA_INVALID), "the token does not take the data", NULL },
	{ R(CKR_DATA_LEN_RANGE), "the token does not take data of this length",
	    "choose a digest that the token supports" },
	{ R(CKR_DEVICE_ERROR), "the token reports a fault",
	    "see the module's own log" },
	{ R(CKR_DEVICE_MEMORY), "the token is out of memory",
	    "close other programs that use it" },
	{ R(CKR_DEVICE_REMOVED), "the token was removed",
	    "put it back and try again" },
	{ R(CKR_FUNCTION_CANCELED), "it was cancelled at the token", NULL },
	{ R(CKR_FUNCTION_NOT_SUPPORTED), "the module cannot do this", NULL },
	{ R(CKR_KEY_HANDLE_INVALID), "the key is gone",
	    "was the token changed meanwhile?" },
	{ R(CKR_KEY_SIZE_RANGE), "the token does not sign with keys of this "
	    "size", NULL },
	{ R(CKR_KEY_TYPE_INCONSISTENT), "the mechanism is not for keys of "
	    "this type", NULL },
	{ R(CKR_KEY_FUNCTION_NOT_PERMITTED), "the key may not be used for "
	    "signing", "CKA_SIGN must be true; name another key" },
	{ R(CKR_MECHANISM_INVALID), "the token does not have the mechanism",
	    "choose an algorithm that the token supports" },
	{ R(CKR_MECHANISM_PARAM_INVALID), "the token does not take the "
	    "mechanism's parameters", "choose another digest" },
	{ R(CKR_OBJECT_HANDLE_INVALID), "the object is gone",
	    "was the token changed meanwhile?" },
	{ R(CKR_OPERATION_ACTIVE), "another operation is under way", NULL },
	{ R(CKR_OPERATION_NOT_INITIALIZED), "no operation was begun", NULL },
	{ R(CKR_PIN_INCORRECT), "the PIN is wrong",
	    "check it before trying again" },
	{ R(CKR_PIN_INVALID), "the PIN has characters the token does not take",
	    "check it before trying again" },
	{ R(CKR_PIN_LEN_RANGE), "the PIN is too short or too long",
	    "check it before trying again" },
	{ R(CKR_PIN_EXPIRED), "the PIN has expired",
	    "set a new one with the token's own tool" },
	{ R(CKR_PIN_LOCKED), "the PIN is locked",
	    "unlock it with the token's own tool and the SO PIN" },
	{ R(CKR_SESSION_CLOSED), "the session was closed", NULL },
	{ R(CKR_SESSION_COUNT), "the token has no session left",
	    "close other programs that use it" },
	{ R(CKR_SESSION_HANDLE_INVALID), "the session is gone",
	    "was the token pulled out?" },
	{ R(CKR_SESSION_PARALLEL_NOT_SUPPORTED), "the module refuses the "
	    "session", NULL },
	{ R(CKR_SESSION_READ_WRITE_SO_EXISTS), "the security officer is "
	    "logged in", "end that session first" },
	{ R(CKR_TEMPLATE_INCOMPLETE), "the template is incomplete", NULL },
	{ R(CKR_TEMPLATE_INCONSISTENT), "the template contradicts itself",
	    NULL },
	{ R(CKR_TOKEN_NOT_PRESENT), "there is no token in the slot",
	    "put it in and try again" },
	{ R(CKR_TOKEN_NOT_RECOGNIZED), "the module does not know the token",
	    "choose the module made for it" },
	{ R(CKR_TOKEN_WRITE_PROTECTED), "the token is write-protected", NULL },
	{ R(CKR_USER_ALREADY_LOGGED_IN), "the user is logged in already",
	    NULL },
	{ R(CKR_USER_NOT_LOGGED_IN), "nobody is logged in",
	    "the token may need a login that its flags do not tell of" },
	{ R(CKR_USER_PIN_NOT_INITIALIZED), "the token has no user PIN yet",
	    "set one with the token's own tool" },
	{ R(CKR_USER_TYPE_INVALID), "the token does not know this login",
	    NULL },
	{ R(CKR_USER_ANOTHER_ALREADY_LOGGED_IN), "another user is logged in",
	    "end that session first" },
	{ R(CKR_USER_TOO_MANY_TYPES), "too many users are logged in",
	    "end another session first" },
	{ R(CKR_RANDOM_NO_RNG), "the token has no random numbers", NULL },
	{ R(CKR_DOMAIN_PARAMS_INVALID), "the token does not know the curve",
	    NULL },
	{ R(CKR_CURVE_NOT_SUPPORTED), "the token does not sign on this curve",
	    NULL },
	{ R(CKR_BUFFER_TOO_SMALL), "the answer is longer than it can be",
	    "the module is faulty" },
	{ R(CKR_CRYPTOKI_NOT_INITIALIZED), "the module is not initialized",
	    NULL },
	{ R(CKR_CRYPTOKI_ALREADY_INITIALIZED), "the module is in use already",
	    NULL },
	{ R(CKR_FIPS_SELF_TEST_FAILED), "the token failed its self-test",
	    NULL },
	{ R(CKR_LIBRARY_LOAD_FAILED), "the module could not load a library "
	    "it needs", NULL },
	{ R(CKR_FUNCTION_REJECTED), "it was refused at the token", NULL },
};
enum { NERRORS = sizeof errors / sizeof errors[0] };

static enum fw_kind
fail(struct fw_error *err, const char *call, const char *name,
    const char *words, const char *remedy)
{
	return fw_fail(err, FW_E_KEY, "%s failed: %s: %s%s%s%s", call, name,
	    words, remedy ? " (" : "", remedy ? remedy : "",
	    remedy ? ")" : "");
}

static enum fw_kind
lookup(struct fw_error *err, const char *call, CK_RV rv, bool own,
    const char *remedy)
{
	char name[32];
	size_t i;

	for (i = 0; i < NERRORS; i++)
		if (errors[i].rv == rv)
			return fail(err, call, errors[i].name, errors[i].words,
			    own ? errors[i].remedy : remedy);
	(void)snprintf(name, sizeof name, "CKR_ 0x%lx", rv);
	return fail(err, call, name, rv >= CKR_VENDOR_DEFINED ?
	    "the module's own error" : "an error that has no name here",
	    own ? "see the module's manual" : remedy);
}

enum fw_kind
fw_p11_fail(struct fw_error *err, const char *call, CK_RV rv)
{
	return lookup(err, call, rv, true, NULL);
}

enum fw_kind
fw_p11_fail_remedy(struct fw_error *err, const char *call, CK_RV rv,
    const char *remedy)
{
	return lookup(err, call, rv, false, remedy);
}
