/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging a bundle for people: runs the device library over it, for the device
 * of a profile or for any device, and makes the report.
 */
#include <string.h>
#include <time.h>

#include "device/fwslots.h"
#include "host/build.h"
#include "host/internal.h"
#include "host/judge.h"
#include "port/fwport.h"

struct judge {
	const struct fw_judge_options *opt;
	struct fw_profile profile;
	struct fw_anchor anchor[FWD_ANCHORS_MAX];
	struct fwd_anchor anchors[FWD_ANCHORS_MAX];	/* the same, for the
							   library */
	size_t n;
	struct fwd_right right[FWD_COMPONENTS_MAX];
	struct fwd_policy policy;
	const struct fwd_anchor *replaced;	/* those that count instead, or
						   NULL */
	struct fw_buf list;		/* a revocation list */
	struct fwd_revocations revocations;
	int refused;			/* the component that was refused,
					   in the profile, or -1 */
	int64_t now;
	int fd;
	struct fwp_crypto *crypto;
	uint8_t *envelope, *transfer;
	struct fwd_ctx run;
	bool text_holds;		/* the text section is authentic */
	bool failed;			/* memory ran out in a callback */
	json_t *report, *components, *unjudged, *trace;
	json_t *asked;			/* reports the manifest asks for */
	json_t *passed_over;		/* payloads, in this pass */
	json_t *never;			/* in all passes so far; or NULL */
	bool over;			/* the pass has come to its end */
};

static void
judge_deinit(struct judge **jp)
{
	struct judge *const j = *jp;

	if (j == NULL)
		return;
	fw_profile_deinit(&j->profile);
	for (size_t i = 0; i < j->n; i++)
		fw_anchor_deinit(&j->anchor[i]);
	if (j->fd >= 0)
		(void)close(j->fd);
	fwp_crypto_free(j->crypto);
	free(j->envelope);
	free(j->transfer);
	json_decref(j->report);
	json_decref(j->components);
	json_decref(j->unjudged);
	json_decref(j->trace);
	json_decref(j->asked);
	json_decref(j->passed_over);
	json_decref(j->never);
	fw_buf_deinit(&j->list);
	free(j);
}

/* ---- setting up ------------------------------------------------------ */

static enum fw_kind
add_anchor(struct judge *j, const char *path, struct fw_error *err)
{
	if (j->n == FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE,
		    "more than %u trust anchors are given", FWD_ANCHORS_MAX);
	FW_TRY(fw_anchor_load(path, &j->anchor[j->n], err));
	j->anchors[j->n] = j->anchor[j->n].anchor;
	j->n++;
	return FW_OK;
}

static enum fw_kind
load_anchors(struct judge *j, struct fw_error *err)
{
	for (size_t i = 0; i < j->opt->trusts; i++)
		FW_TRY(add_anchor(j, j->opt->trust[i], err));
	for (size_t i = 0; j->opt->trusts == 0 && i < j->profile.anchors; i++)
		FW_TRY(add_anchor(j, j->profile.anchor_path[i], err));
	if (j->n == 0)
		return fw_fail(err, FW_E_USAGE, "no trust anchor is given "
		    "(name the root certificate with --trust, or a device "
		    "profile with --device)");
	return FW_OK;
}

static void
set_policy(struct judge *j)
{
	const bool device = j->opt->device != NULL;

	if (device)
		fw_profile_policy(&j->profile, j->anchors, j->right,
		    &j->policy);
	else
		j->policy = (struct fwd_policy){
			.threshold = 1, .clock = FWD_CLOCK_TRUSTED,
			.time_min = INT64_MIN, .flags = FWD_NO_DEVICE,
			.purpose = fwd_code_signing,
		};
	j->policy.anchor = j->anchors;
	j->policy.anchors = j->n;
	if (j->opt->trusts > 0)		/* rules are about other anchors */
		j->policy.rules = j->policy.rights = 0;
	if (j->opt->trusts > 0)
		j->policy.revokers = (UINT32_C(1) << j->n) - 1;
	if (j->opt->time != FW_TIME_DEFAULT)
		j->policy.clock = j->opt->time == FW_TIME_NONE ?
		    FWD_CLOCK_NONE : FWD_CLOCK_TRUSTED;
	j->now = j->opt->time == FW_TIME_AT ? j->opt->now :
	    (int64_t)time(NULL);
}

static enum fw_kind
open_bundle(struct judge *j, struct fw_error *err)
{
	return fw_file_open(j->opt->bundle, &j->fd, NULL, err);
}

static enum fw_kind
prepare(struct judge *j, struct fw_error *err)
{
	j->crypto = fwp_crypto_new(j->opt->crypto != NULL ?
	    j->opt->crypto : "openssl");
	j->envelope = malloc(FW_ENVELOPE_MAX);
	j->transfer = malloc(FW_TRANSFER);
	j->report = json_object();
	j->components = json_array();
	j->unjudged = json_array();
	j->trace = json_array();
	j->asked = json_array();
	j->passed_over = json_array();
	if (j->crypto == NULL || j->envelope == NULL || j->transfer == NULL ||
	    j->report == NULL || j->components == NULL ||
	    j->unjudged == NULL || j->trace == NULL || j->asked == NULL ||
	    j->passed_over == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	j->run.crypto = fwp_crypto_get(j->crypto);
	j->run.policy = &j->policy;
	j->run.envelope = j->envelope;
	j->run.envelope_max = FW_ENVELOPE_MAX;
	j->run.transfer = j->transfer;
	j->run.transfer_n = FW_TRANSFER;
	return FW_OK;
}

/* ---- what the library says ------------------------------------------- */

/* Append or set, and remember if memory ran out: callbacks cannot fail. */
static void
append(struct judge *j, json_t *array, json_t *value)
{
	if (value == NULL || json_array_append_new(array, value) != 0)
		j->failed = true;
}

static void
set(struct judge *j, json_t *object, const char *key, json_t *value)
{
	if (value == NULL || json_object_set_new(object, key, value) != 0)
		j->failed = true;
}

/* Text of the manifest; the library has checked that it is UTF-8. */
static json_t *
text(struct fwd_span s)
{
	return json_stringn((const char *)s.p, s.n);
}

static json_t *
moment(int64_t t)
{
	char s[32];

	fw_time_format(t, s);
	return json_string(s);
}

static void
add_unjudged(struct judge *j, const char *what)
{
	size_t i;
	json_t *have;

	json_array_foreach(j->unjudged, i, have)
		if (strcmp(json_string_value(have), what) == 0)
			return;
	append(j, j->unjudged, json_string(what));
}

/* A condition or a wait that nobody could answer. */
static void
unanswered(struct judge *j, const struct fwd_event *ev)
{
	const char *const name = strchr(fwd_command_name(ev->code), '-') + 1;
	char what[FWD_LINE_MAX], uuid[37];

	(void)snprintf(what, sizeof what, "%s of component %u", name,
	    (unsigned)ev->index);
	if (ev->got.kind == FWD_FACT_HEX && ev->got.s.n == sizeof j->profile.
	    device_id && ev->code != FWD_DIR_WAIT) {
		fw_uuid_format(ev->got.s.p, uuid);
		(void)snprintf(what, sizeof what, "%s %s", name, uuid);
	} else if (ev->code == FWD_COND_BATTERY) {
		(void)snprintf(what, sizeof what, "%s %ju mWh", name,
		    (uintmax_t)ev->got.u);
	}
	add_unjudged(j, what);
}

/* A record of a command that the manifest would like to have, once. */
static void
note_asked(struct judge *j, const struct fwd_event *ev)
{
	json_t *const o = json_object();
	json_t *have;
	size_t i;

	set(j, o, "command", json_string(fwd_command_name(ev->code)));
	set(j, o, "component-index", json_integer(ev->index));
	set(j, o, "status", json_string(fwd_status_code(ev->status)));
	set(j, o, "system-information",
	    json_boolean(fwd_event_info_asked(ev)));
	json_array_foreach(j->asked, i, have)
		if (json_equal(have, o)) {
			json_decref(o);
			return;
		}
	append(j, j->asked, o);
}

/* Which payloads were read over in this pass. */
static void
note_payload(struct judge *j, const struct fwd_event *ev)
{
	if (j->over)
		(void)json_array_clear(j->passed_over);
	j->over = ev->step == FWD_STEP_VERDICT;
	if (ev->step == FWD_STEP_PAYLOAD && ev->status == FWD_UNJUDGED)
		append(j, j->passed_over, text(ev->got.s));
}

static void
on_event(void *arg, const struct fwd_event *ev)
{
	struct judge *const j = arg;
	char line[FWD_LINE_MAX];

	if (ev->step == FWD_STEP_SEVERED && ev->code == FWD_MAN_TEXT &&
	    ev->status == FWD_OK)
		j->text_holds = true;
	note_payload(j, ev);
	if (ev->status == FWD_UNJUDGED && ev->step == FWD_STEP_COMMAND)
		unanswered(j, ev);
	if (ev->step == FWD_STEP_COMMAND && fwd_event_asked(ev))
		note_asked(j, ev);
	if (j->opt->trace) {
		(void)fwd_event_format(ev, line, sizeof line);
		append(j, j->trace, json_string(line));
	}
}

/* ---- texts ----------------------------------------------------------- */

/* A text of the manifest in the first language that has it. */
static bool
find_text(const struct judge *j, const struct fwd_span *component,
    int64_t number, struct fwd_span *out)
{
	return j->text_holds && fw_text_find(j->run.man.text.content,
	    component, number, out);
}

static void
set_text(struct judge *j, json_t *object, const char *key,
    const struct fwd_span *component, int64_t number)
{
	struct fwd_span s;

	if (find_text(j, component, number, &s))
		set(j, object, key, text(s));
}

/* ---- the report ------------------------------------------------------ */

/* Add what a component holds after a run, unless it stands there already. */
static void
add_component(struct judge *j, const struct fwd_component *c,
    const uint64_t *slot)
{
	json_t *const row = json_object();
	json_t *have;
	size_t i, place = 0;

	if (row == NULL) {
		j->failed = true;
		return;
	}
	set(j, row, "component", fw_component_name(c->id));
	set(j, row, "identifier", fw_hex_json("", c->id));
	if (slot != NULL)
		set(j, row, "slot", fw_number_json(*slot));
	set(j, row, "size", fw_number_json(c->have_size));
	set(j, row, "digest", fw_digest_json(c->have_alg, c->have));
	if (c->copied_from)
		set(j, row, "staging", json_true());
	set_text(j, row, "description", &c->id, 5);
	set_text(j, row, "version", &c->id, 6);
	json_array_foreach(j->components, i, have) {
		if (json_equal(have, row)) {
			json_decref(row);
			return;
		}
		if (json_equal(json_object_get(have, "identifier"),
		    json_object_get(row, "identifier")))
			place = i + 1;	/* slots of one component together */
	}
	if (place == 0)
		place = json_array_size(j->components);
	if (json_array_insert_new(j->components, place, row) != 0)
		j->failed = true;
}

/* Of the payloads that were passed over so far, those that were again. */
static void
keep_passed_over(struct judge *j)
{
	size_t i, k;
	json_t *one, *other;

	if (j->never == NULL) {
		j->never = json_copy(j->passed_over);
		j->failed = j->failed || j->never == NULL;
		return;
	}
	for (i = json_array_size(j->never); i-- > 0;) {
		one = json_array_get(j->never, i);
		json_array_foreach(j->passed_over, k, other)
			if (json_equal(one, other))
				break;
		if (k == json_array_size(j->passed_over))
			(void)json_array_remove(j->never, i);
	}
}

/* After a pass over any device: the slot each component stood in. */
static void
on_pass(void *arg, const struct fw_anydevice *dev, const struct fwd_ctx *run,
    fwd_status status)
{
	struct judge *const j = arg;
	uint64_t slot;

	(void)status;
	keep_passed_over(j);
	for (uint32_t i = 0; i < run->components; i++)
		if (run->component[i].have_alg != 0)
			add_component(j, &run->component[i],
			    fw_anydevice_slot(dev, i, &slot) ? &slot : NULL);
}

/* What the anchor of a signer is called; NULL for want of memory. */
static json_t *
anchor_label(const struct judge *j, size_t i, struct fw_error *err)
{
	FW_FREE char *name = NULL;

	if (j->replaced == NULL)
		return json_string(j->anchor[i].label);
	if (fw_name_format(j->replaced[i].name, &name, err) != FW_OK)
		return NULL;
	return json_string(name);
}

static json_t *
signer_json(struct judge *j, const struct fwd_signer *s, struct fw_error *err)
{
	json_t *const o = json_object();
	FW_FREE char *subject = NULL;

	set(j, o, "algorithm", json_string(fwd_alg_name(s->alg)));
	set(j, o, "signature-block", fw_number_json(s->block));
	set(j, o, "anchor", anchor_label(j, s->chain.anchor, err));
	if (j->opt->trusts == 0 &&
	    j->profile.anchor_name[s->chain.anchor] != NULL)
		set(j, o, "anchor-name",
		    json_string(j->profile.anchor_name[s->chain.anchor]));
	if (s->bare_key)
		return o;		/* there is no certificate */
	if (fw_name_format(s->chain.subject, &subject, err) != FW_OK) {
		json_decref(o);
		return NULL;
	}
	set(j, o, "subject", json_string(subject));
	set(j, o, "serial", fw_hex_json("", s->chain.serial));
	set(j, o, "not-before", moment(s->chain.not_before));
	set(j, o, "not-after", moment(s->chain.not_after));
	return o;
}

static void
add_attachments(struct judge *j)
{
	json_t *const list = json_array();

	for (size_t i = 0; i < j->run.attachments; i++) {
		const struct fwd_attachment *const a = &j->run.attachment[i];
		json_t *const o = json_object();

		set(j, o, "name", text(a->name));
		set(j, o, "type", text(a->type));
		set(j, o, "size", fw_number_json(a->size));
		set(j, o, "digest", fw_digest_json(a->digest_alg, a->digest));
		append(j, list, o);
	}
	set(j, j->report, "attachments", list);
}

/* What is known because a signature over it holds. */
static enum fw_kind
add_authentic(struct judge *j, struct fw_error *err)
{
	json_t *const signers = json_array();
	struct fwd_cbor ids = fwd_cbor_open(j->run.man.components);
	struct fwd_span first, product;

	set(j, j->report, "signers", signers);
	for (size_t i = 0; i < j->run.signers; i++) {
		json_t *const s = signer_json(j, &j->run.signer[i], err);

		if (s == NULL)
			return err->kind;
		append(j, signers, s);
	}
	if (j->run.man.components.p == NULL)
		return FW_OK;		/* refused before it was read */
	set(j, j->report, "sequence-number",
	    fw_number_json(j->run.man.sequence_number));
	set(j, j->report, "manifest-digest", fw_digest_json(j->run.env.digest.alg,
	    j->run.env.digest.bytes.p));
	/* The first component's texts name the product. */
	if (fwd_cbor_skip(&ids, &first) == FWD_OK) {
		if (find_text(j, &first, 2, &product))
			set(j, j->report, "product", text(product));
		set_text(j, j->report, "vendor", &first, 1);
		set_text(j, j->report, "version", &first, 6);
	}
	set_text(j, j->report, "description", NULL, 1);
	return FW_OK;
}

/* Signatures were judged at installation. */
static bool
is_boot(const struct judge *j)
{
	return j->opt->bundle == NULL;
}

/* Has the device banks, or lists, which only an installation judges? */
static bool
has_banks(const struct fw_profile *p)
{
	for (size_t i = 0; i < p->components; i++)
		if (p->component[i].slots > 1 ||
		    p->component[i].kind != FWD_KIND_IMAGE)
			return true;
	return false;
}

/* What the policy or the lack of a device left out. */
static void
add_limits(struct judge *j)
{
	char what[FWD_LINE_MAX];
	json_t *name;
	size_t i;

	/* One device has one pass, any device's slots have one each. */
	json_array_foreach(j->never != NULL ? j->never : j->passed_over, i,
	    name) {
		(void)snprintf(what, sizeof what, "payload %s: no command that "
		    "was executed fetches it", json_string_value(name));
		add_unjudged(j, what);
	}
	if (j->opt->device == NULL) {
		add_unjudged(j, "rollback: the device's stored sequence "
		    "number is not known");
		add_unjudged(j, "whether the images fit into the device's "
		    "slots");
	} else if (j->opt->trusts > 0) {
		add_unjudged(j, j->profile.rules + j->profile.rights > 0 ?
		    "the trust anchors, rules and rights of the device "
		    "profile: --trust replaces them" :
		    "the trust anchors of the device profile: --trust "
		    "replaces them");
	}
	if (j->opt->device != NULL && j->opt->act == NULL &&
	    has_banks(&j->profile))
		add_unjudged(j, "whether the release has all that the banks of "
		    "the device need, and the lists it brings: fwverify "
		    "install does");
	if (j->run.man.text.declared && j->run.man.text.content.p == NULL)
		add_unjudged(j, "texts and attachments: they were severed from "
		    "the envelope");
	if (j->opt->revocations != NULL)
		add_unjudged(j, "whether the device has a newer revocation "
		    "list");
	if (j->policy.clock == FWD_CLOCK_NONE || is_boot(j))
		add_unjudged(j, "whether the certificates are valid now");
}

static json_t *
uuids(struct judge *j, const uint8_t list[][16], size_t n)
{
	json_t *const array = json_array();
	char s[37];

	for (size_t i = 0; i < n; i++) {
		fw_uuid_format(list[i], s);
		append(j, array, json_string(s));
	}
	return array;
}

/* The device that was judged for, as its profile has it; null: any. */
static json_t *
device_json(struct judge *j)
{
	const struct fw_profile *const p = &j->profile;
	json_t *o;

	if (j->opt->device == NULL)
		return json_null();
	o = json_object();
	set(j, o, "profile", json_string(j->opt->device));
	set(j, o, "vendor-identifiers", uuids(j, p->vendor_id, p->vendors));
	set(j, o, "class-identifiers", uuids(j, p->class_id, p->classes));
	if (p->has_device_id)
		set(j, o, "device-identifiers", uuids(j, &p->device_id, 1));
	set(j, o, "sequence-number", fw_number_json(p->sequence_number));
	return o;
}

static enum fw_kind
make_report(struct judge *j, fwd_status verdict, struct fw_error *err)
{
	const bool accepted = verdict == FWD_OK;

	set(j, j->report, "verdict",
	    json_string(accepted ? "accepted" : "refused"));
	if (j->opt->bundle != NULL)
		set(j, j->report, "bundle", json_string(j->opt->bundle));
	if (!accepted)
		set(j, j->report, "refusal", fw_judge_refusal(&j->profile,
		    &j->run, j->refused));
	FW_TRY(add_authentic(j, err));
	if (accepted)
		add_attachments(j);	/* else they were not all judged */
	add_limits(j);
	set(j, j->report, "components", json_incref(j->components));
	set(j, j->report, "device", device_json(j));
	set(j, j->report, "time", j->policy.clock == FWD_CLOCK_TRUSTED ?
	    moment(j->now) : json_null());
	if (json_array_size(j->asked) != 0)
		set(j, j->report, "reports", json_incref(j->asked));
	if (j->list.n != 0)
		set(j, j->report, "revocations",
		    fw_revocations_json(&j->revocations));
	set(j, j->report, "not-judged", json_incref(j->unjudged));
	set(j, j->report, "tool", json_string("fwverify " FW_VERSION));
	if (j->opt->trace)
		set(j, j->report, "trace", json_incref(j->trace));
	if (j->failed)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* ---- running --------------------------------------------------------- */

static fwd_status
rewind_bundle(void *fd)
{
	return lseek(*(int *)fd, 0, SEEK_SET) == 0 ? FWD_OK : FWD_E_IO;
}

static fwd_status
run_any(struct judge *j)
{
	struct fw_anydevice dev = {
		.bundle = &j->fd,
		.read = fwp_file_read,
		.rewind = rewind_bundle,
		.now = j->now,
		.trace = { on_event, j },
		.pass = on_pass,
		.pass_ctx = j,
	};

	return fw_anydevice_check(&dev, &j->run);
}

static fwd_status
run_profiled(struct judge *j)
{
	const struct fw_judge_act *const act = j->opt->act;
	struct fw_profiled dev = {
		.profile = &j->profile,
		.bundle = &j->fd,
		.read = fwp_file_read,
		.now = j->now,
		.timed = j->policy.clock == FWD_CLOCK_TRUSTED,
	};
	const struct fwd_port port = fw_profiled_port(&dev,
	    (struct fwd_tracer){ on_event, j });
	fwd_status s;

	/* A device that acts names components by their place. */
	for (int i = 0; act != NULL && i < (int)FWD_COMPONENTS_MAX; i++)
		dev.component[i] = i;
	j->run.port = &port;
	s = act != NULL ? act->run(act->ctx, &j->profile, &dev, &j->run) :
	    fwd_bundle_check(&j->run);
	j->replaced = dev.anchor;
	if (s != FWD_OK && j->run.refusal.index < j->run.components)
		j->refused = dev.component[j->run.refusal.index];
	for (uint32_t i = 0; i < j->run.components; i++) {
		const struct fw_profile_component *const c =
		    &j->profile.component[dev.component[i]];

		if (j->run.component[i].have_alg != 0)
			add_component(j, &j->run.component[i],
			    c->slots > 1 ? &c->slot : NULL);
	}
	j->run.port = NULL;
	return s;
}

/* The keys that do not count any more, if a list says so. */
static enum fw_kind
apply_revocations(struct judge *j, fwd_status *s, struct fw_error *err)
{
	*s = FWD_OK;
	if (j->opt->revocations == NULL)
		return FW_OK;
	FW_TRY(fw_file_read(j->opt->revocations, FW_PROFILE_LIST_MAX, &j->list,
	    err));
	*s = fwd_revocations_read(j->run.crypto, &j->policy,
	    fw_buf_span(&j->list), &j->revocations);
	if (*s != FWD_OK)
		j->run.refusal = (struct fwd_event){ .status = *s,
		    .step = FWD_STEP_REVOCATIONS, .index = FWD_NO_INDEX };
	j->policy.revoked = j->revocations.revoked;
	return FW_OK;
}

enum fw_kind
fw_judge(const struct fw_judge_options *opt, json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	FW_CLEANUP(judge_deinit) struct judge *j = calloc(1, sizeof *j);
	fwd_status s;

	if (j == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	j->opt = opt;
	j->fd = -1;
	j->refused = -1;
	if (opt->act != NULL)
		FW_TRY(opt->act->load(opt->act->ctx, &j->profile, err));
	else if (opt->device != NULL)
		FW_TRY(fw_profile_load(opt->device, &j->profile, err));
	FW_TRY(load_anchors(j, err));
	set_policy(j);
	if (opt->bundle != NULL)
		FW_TRY(open_bundle(j, err));
	FW_TRY(prepare(j, err));
	FW_TRY(apply_revocations(j, &s, err));
	if (s == FWD_OK)
		s = opt->device == NULL ? run_any(j) : run_profiled(j);
	if (s == FWD_E_IO)
		return fw_fail_errno(err, FW_E_INPUT, "cannot read '%s'",
		    opt->bundle);
	FW_TRY(make_report(j, s, err));
	*verdict = s;
	*report = json_incref(j->report);
	return FW_OK;
}
