/* SPDX-License-Identifier: Apache-2.0 */
/* Why a bundle was refused, in the words of the device's profile. */
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"
#include "host/judge.h"

json_t *
fw_refusal_json(const struct fwd_event *ev)
{
	char fact[FWD_LINE_MAX];
	json_t *const o = json_object();
	struct fwd_event bare = *ev;
	char *end;
	int bad = 0;

	bare.got.kind = bare.want.kind = FWD_FACT_NONE;
	(void)fwd_event_format(&bare, fact, sizeof fact);
	end = strrchr(fact, ':');	/* "STEP: CODE" without facts */
	if (end != NULL)
		*end = '\0';
	bad |= json_object_set_new(o, "code",
	    json_string(fwd_status_code(ev->status)));
	bad |= json_object_set_new(o, "meaning",
	    json_string(fwd_status_text(ev->status)));
	bad |= json_object_set_new(o, "step", json_string(fact));
	if (ev->got.kind != FWD_FACT_NONE) {
		(void)fwd_fact_format(&ev->got, fact, sizeof fact);
		bad |= json_object_set_new(o, "fact", json_string(fact));
	}
	if (ev->want.kind != FWD_FACT_NONE) {
		(void)fwd_fact_format(&ev->want, fact, sizeof fact);
		bad |= json_object_set_new(o, "expected", json_string(fact));
	}
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* Say in o what was found and what would have done. */
static int
set_facts(json_t *o, const char *found, const char *wanted)
{
	return json_object_set_new(o, "fact", json_string(found)) |
	    json_object_set_new(o, "expected", json_string(wanted));
}

/* For want of signers, by their names. */
static int
signers(json_t *o, const struct fw_profile *p, const struct fwd_ctx *run,
    int component)
{
	char found[FW_RULE_TEXT], wanted[FW_RULE_TEXT];

	if (run->refusal.step == FWD_STEP_RULE)
		fw_rule_text(p, run, found, wanted);
	else if (run->refusal.step == FWD_STEP_RIGHT && component >= 0)
		fw_right_text(p, run, (size_t)component, found, wanted);
	else
		return 0;
	return set_facts(o, found, wanted);
}

static json_t *
uuids(const uint8_t list[][16], size_t n)
{
	json_t *const array = json_array();
	char s[37];
	int bad = array == NULL;

	for (size_t i = 0; i < n; i++) {
		fw_uuid_format(list[i], s);
		bad |= json_array_append_new(array, json_string(s));
	}
	if (bad == 0)
		return array;
	json_decref(array);
	return NULL;
}

/* Of an identity: with what the profile says instead. */
static int
identity(json_t *o, const struct fw_profile *p, const struct fwd_event *ev)
{
	json_t *ids;
	char s[37];
	int bad;

	if (ev->got.kind != FWD_FACT_HEX || ev->got.s.n != sizeof p->device_id)
		return 0;
	ids = ev->status == FWD_E_VENDOR ? uuids(p->vendor_id, p->vendors) :
	    ev->status == FWD_E_CLASS ? uuids(p->class_id, p->classes) :
	    uuids(&p->device_id, p->has_device_id);
	if (ids == NULL)
		return -1;
	fw_uuid_format(ev->got.s.p, s);
	bad = set_facts(o, s, json_array_size(ids) == 0 ?
	    "none: the device has no such identifier" :
	    json_string_value(json_array_get(ids, 0)));
	if (json_array_size(ids) > 1)
		bad |= json_object_set(o, "expected-one-of", ids);
	json_decref(ids);
	return bad;
}

/* Of the state of the device: with what the profile says about it. */
static int
state(json_t *o, const struct fw_profile *p, const struct fwd_ctx *run,
    int component)
{
	static const char *const relation[] = { "", "later than ", "at least ",
	    "", "at most ", "earlier than " };
	const struct fwd_component *const c =
	    &run->component[run->refusal.index];
	char found[FW_VERSION_TEXT], version[FW_VERSION_TEXT], wanted[256];

	if (component < 0)
		return 0;
	if (run->refusal.status == FWD_E_BATTERY) {
		(void)snprintf(found, sizeof found, "%ju mWh",
		    (uintmax_t)p->state.battery);
		(void)snprintf(wanted, sizeof wanted, "at least %ju mWh",
		    (uintmax_t)c->battery);
	} else if (run->refusal.status == FWD_E_UNAUTHORIZED) {
		(void)snprintf(found, sizeof found, "priority %jd",
		    (c->set >> FWD_PAR_PRIORITY & 1u) != 0 ?
		    (intmax_t)c->priority : 0);
		(void)snprintf(wanted, sizeof wanted, "at most %jd",
		    (intmax_t)p->state.priority);
	} else {
		fw_version_format(&p->component[component].version, found);
		fw_version_format(&c->version, version);
		(void)snprintf(wanted, sizeof wanted, "%s%s",
		    relation[c->comparison], version);
	}
	return set_facts(o, found, wanted);
}

json_t *
fw_judge_refusal(const struct fw_profile *p, const struct fwd_ctx *run,
    int component)
{
	json_t *const o = fw_refusal_json(&run->refusal);
	int bad = o == NULL;

	switch (run->refusal.status) {
	case FWD_E_RULE:
	case FWD_E_RIGHT:
		bad |= signers(o, p, run, component);
		break;
	case FWD_E_VENDOR:
	case FWD_E_CLASS:
	case FWD_E_DEVICE:
		bad |= identity(o, p, &run->refusal);
		break;
	case FWD_E_BATTERY:
	case FWD_E_UNAUTHORIZED:
	case FWD_E_VERSION:
		bad |= state(o, p, run, component);
		break;
	default:
		break;
	}
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}
