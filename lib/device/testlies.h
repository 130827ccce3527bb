/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of faults: the whole library once more, in one piece, with values
 * that lie.  Every decision goes through fwd_launder(); here the n-th value
 * that passes it is replaced by another one, as a glitch would do.
 */
#ifndef TESTLIES_H
#define TESTLIES_H

#include <setjmp.h>

#include "device/internal.h"

static uint64_t launder_lying(uint64_t v);

#define fwd_launder(v) ((uint32_t)launder_lying(v))
#define fwd_launder64(v) launder_lying(v)

/* Names that are static in more than one file. */
#define begin component_begin
#define finish component_finish
#include "device/component.c"
#undef begin
#undef finish
#define read_digest attach_read_digest
#define take attach_take
#include "device/attach.c"
#undef read_digest
#undef take
#define check_signature authenticate_check_signature
#include "device/authenticate.c"
#undef check_signature
#include "device/body.c"
#include "device/boot.c"
#include "device/cbor.c"
#include "device/clock.c"
#include "device/cose.c"
#define find counter_find
#include "device/counter.c"
#undef find
#include "device/der.c"
#include "device/environment.c"
#include "device/harden.c"
#include "device/parameter.c"
#define finish path_finish
#define check_policy path_check_policy
#define judge path_judge
#include "device/path.c"
#undef finish
#undef check_policy
#undef judge
#include "device/policy.c"
#include "device/record.c"
#include "device/revocation.c"
#include "device/sequence.c"
#define names sig_names
#include "device/sig.c"
#undef names
#include "device/slots.c"
#define prepare slots_prepare
#include "device/slots_port.c"
#undef prepare
#define check_components suit_check_components
#define read_envelope suit_read_envelope
#define section suit_section
#include "device/suit.c"
#undef check_components
#undef read_envelope
#undef section
#include "device/survey.c"
#include "device/trace.c"
#include "device/trust.c"
#include "device/ustar.c"
#define note verify_note		/* a test has one, too */
#include "device/verify.c"
#undef note
#define curves x509_curves
#define NCURVES X509_NCURVES
#define extensions x509_extensions
#define NEXTENSIONS X509_NEXTENSIONS
#include "device/x509.c"
#undef extensions
#undef NEXTENSIONS
#include "device/x509_fact.c"
#undef curves
#undef NCURVES

/* ---- lies ------------------------------------------------------------- */

static jmp_buf panicked;
static size_t times_asked, lie_at;
static unsigned lie;

static const uint32_t lies[] = { FWD_OK, ~(uint32_t)FWD_OK, 0, 1,
	UINT32_MAX };
enum { NLIES = sizeof lies / sizeof lies[0] + 1 };

static uint64_t
launder_lying(uint64_t v)
{
	if (++times_asked != lie_at)
		return v;
	return lie < NLIES - 1 ? lies[lie] : ~v;
}

FWD_NORETURN void
fwd_panic(void)
{
	longjmp(panicked, 1);
}

#endif
