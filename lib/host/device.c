/* SPDX-License-Identifier: Apache-2.0 */
/* Install, boot, confirm and status of a device directory. */
#include <string.h>

#include "host/device_internal.h"
#include "host/internal.h"
#include "port/fwport.h"

static void
release(json_t **tree)
{
	json_decref(*tree);
}

/* ---- what a device holds ---------------------------------------------- */

static json_t *
text_json(struct fwd_span s)
{
	return json_stringn((const char *)s.p, s.n);
}

/* Each component of the release that has a version. */
static json_t *
versions_json(const struct fwd_manifest *man)
{
	struct fwd_cbor ids = fwd_cbor_open(man->components);
	json_t *const list = json_array();
	struct fwd_span id, version;
	int bad = list == NULL;

	while (ids.left.n > 0 && fwd_cbor_skip(&ids, &id) == FWD_OK) {
		json_t *o;

		if (!fw_text_find(man->text.content, &id, 6, &version))
			continue;
		o = json_object();
		bad |= json_object_set_new(o, "component",
		    fw_component_name(id));
		bad |= json_object_set_new(o, "version", text_json(version));
		bad |= json_array_append_new(list, o);
	}
	if (bad == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* What is recorded of a release; of texts those that it has. */
static int
set_release(struct fw_device *d, uint32_t i, json_t *o)
{
	const struct fwd_ctx *const run = d->dev.run;
	const struct fwd_manifest *const man = &run->man;
	struct fwd_span first, text;
	struct fwd_cbor ids;
	int bad;

	if (fwd_device_release(&d->dev, i) != FWD_OK)
		return 0;		/* the flash says why */
	bad = json_object_set_new(o, "manifest-digest", fw_digest_json(
	    run->env.digest.alg, run->env.digest.bytes.p));
	ids = fwd_cbor_open(man->components);
	if (man->text.content.p == NULL ||
	    fwd_cbor_skip(&ids, &first) != FWD_OK)
		return bad;
	/* The first component's texts name the product. */
	if (fw_text_find(man->text.content, &first, 2, &text))
		bad |= json_object_set_new(o, "product", text_json(text));
	if (fw_text_find(man->text.content, &first, 6, &text))
		bad |= json_object_set_new(o, "version", text_json(text));
	return bad | json_object_set_new(o, "components", versions_json(man));
}

static json_t *
bank_json(struct fw_device *d, const struct fwd_bank *bank, uint32_t i)
{
	json_t *const o = json_object();
	int bad;

	bad = json_object_set_new(o, "bank", json_integer(i));
	bad |= json_object_set_new(o, "state",
	    json_string(fwd_bank_state_name(bank->state)));
	if (bank->state != FWD_BANK_EMPTY) {
		bad |= json_object_set_new(o, "sequence-number",
		    fw_number_json(bank->sequence_number));
		bad |= json_object_set_new(o, "installation",
		    fw_number_json(bank->number));
		bad |= set_release(d, i, o);
	}
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *
anchor_json(struct fw_device *d, const struct fwd_anchor *anchor)
{
	json_t *const o = json_object();
	uint8_t id[FWD_KEY_ID];
	FW_FREE char *subject = NULL;
	struct fw_error ignored;
	int bad;

	if (fwd_key_id(d->dev.run->crypto, anchor->spki, id) != FWD_OK) {
		json_decref(o);
		return NULL;
	}
	bad = json_object_set_new(o, "key-identifier", fw_hex_json("",
	    (struct fwd_span){ id, sizeof id }));
	if (anchor->name.n != 0) {
		bad |= fw_name_format(anchor->name, &subject, &ignored) !=
		    FW_OK;
		bad |= json_object_set_new(o, "subject",
		    json_string(subject != NULL ? subject : ""));
	}
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* Whom the device trusts now. */
static json_t *
trust_json(struct fw_device *d)
{
	const struct fwd_trust *const t = &d->dev.in_force;
	json_t *const o = json_object(), *const list = json_array();
	int bad = 0;

	for (size_t i = 0; i < d->dev.policy.anchors; i++)
		bad |= json_array_append_new(list, anchor_json(d,
		    &d->dev.policy.anchor[i]));
	bad |= json_object_set_new(o, "anchors", list);
	bad |= json_object_set_new(o, "release", t->anchors.n != 0 ?
	    fw_number_json(t->release) : json_null());
	bad |= json_object_set_new(o, "revocations", t->revocations.n != 0 ?
	    fw_revocations_json(&t->list) : json_null());
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* Banks, counter and trust as they are now; without these they are null. */
static enum fw_kind
banks_json(struct fw_device *d, json_t *report, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *list = json_array();
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;
	int bad = 0;

	d->holds = fwd_device_status(&d->dev, bank, &counter);
	for (uint32_t i = 0; i < FWD_BANKS; i++)
		bad |= json_array_append_new(list, bank_json(d, &bank[i], i));
	FW_TRY(fw_device_check_flash(d, err));
	bad |= json_object_set(report, "banks", list);
	bad |= json_object_set_new(report, "counter", d->holds == FWD_OK ?
	    fw_number_json(counter) : json_null());
	bad |= json_object_set_new(report, "trust", d->holds == FWD_OK ?
	    trust_json(d) : json_null());
	return bad == 0 ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}

enum fw_kind
fw_device_state(struct fw_device *d, json_t *report, struct fw_error *err)
{
	int bad;

	bad = json_object_set_new(report, "flash-operations",
	    fw_number_json(d->flash->flash.operations));
	FW_TRY(banks_json(d, report, err));
	FW_TRY(fw_device_get_running(d, err));
	bad |= json_object_set_new(report, "running",
	    d->bank == FWD_NO_INDEX ? json_null() : json_integer(d->bank));
	return bad == 0 ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}

/* ---- a run that reads records only -------------------------------------- */

struct plain {
	struct fw_device d;
	struct fw_profile profile;
	struct fw_anchor anchor[FWD_ANCHORS_MAX];
	struct fwd_anchor anchors[FWD_ANCHORS_MAX];
	struct fwd_right right[FWD_COMPONENTS_MAX];
	struct fwd_policy policy;
	struct fwp_crypto *crypto;
	uint8_t *envelope;
	struct fwd_ctx run;
	uint8_t transfer[4096];
};

static void
plain_close(struct plain *p)
{
	fw_device_close(&p->d);
	for (size_t i = 0; i < FWD_ANCHORS_MAX; i++)
		fw_anchor_deinit(&p->anchor[i]);
	fw_profile_deinit(&p->profile);
	fwp_crypto_free(p->crypto);
	free(p->envelope);
}

static enum fw_kind
plain_policy(struct plain *p, struct fw_error *err)
{
	for (size_t i = 0; i < p->profile.anchors; i++) {
		FW_TRY(fw_anchor_load(p->profile.anchor_path[i],
		    &p->anchor[i], err));
		p->anchors[i] = p->anchor[i].anchor;
	}
	fw_profile_policy(&p->profile, p->anchors, p->right, &p->policy);
	p->run.policy = &p->policy;
	return FW_OK;
}

/* The directory is open. */
static enum fw_kind
plain_load(const struct fw_device_options *opt, struct plain *p,
    struct fw_error *err)
{
	p->d.opt = opt;
	FW_TRY(fw_device_profile(opt, &p->profile, err));
	FW_TRY(plain_policy(p, err));
	p->crypto = fwp_crypto_new(opt->crypto != NULL ? opt->crypto :
	    "openssl");
	p->envelope = malloc(FW_ENVELOPE_MAX);
	if (p->crypto == NULL || p->envelope == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	p->run.crypto = fwp_crypto_get(p->crypto);
	p->run.envelope = p->envelope;
	p->run.envelope_max = FW_ENVELOPE_MAX;
	p->run.transfer = p->transfer;
	p->run.transfer_n = sizeof p->transfer;
	fw_device_set_up(&p->d, &p->profile, &p->run);
	return fw_device_check_flash(&p->d, err);
}

/* ---- what is judged: install, boot ------------------------------------ */

static enum fw_kind
act_load(void *ctx, struct fw_profile *out, struct fw_error *err)
{
	return fw_device_profile(((struct fw_device *)ctx)->opt, out, err);
}

/* For the report: where the components of the run lie. */
static void
place(struct fw_device *d, struct fw_profile *p, struct fw_profiled *at,
    const struct fwd_ctx *run)
{
	for (uint32_t i = 0; i < run->components; i++)
		at->component[i] = (int)d->dev.area[i];
	if (d->dev.policy.anchor == d->dev.anchor)
		at->anchor = d->dev.anchor;
	for (size_t i = 0; i < p->components; i++)
		p->component[i].slot = d->dev.bank;
}

static fwd_status
act_install(void *ctx, struct fw_profile *p, struct fw_profiled *at,
    struct fwd_ctx *run)
{
	struct fw_device *const d = ctx;
	fwd_status s;

	fw_device_set_up(d, p, run);
	if (d->flash == NULL)
		return FWD_E_STORE;
	s = d->opt->revocations == NULL ? FWD_OK :
	    fwd_device_revoke(&d->dev, fw_buf_span(&d->list));
	if (s != FWD_OK)
		return s;
	s = fwd_device_install(&d->dev, &d->bank);
	place(d, p, at, run);
	return s;
}

static fwd_status
act_boot(void *ctx, struct fw_profile *p, struct fw_profiled *at,
    struct fwd_ctx *run)
{
	struct fw_device *const d = ctx;
	fwd_status s;

	d->fast = p->boot == FWD_BOOT_FAST;
	fw_device_set_up(d, p, run);
	if (d->flash == NULL)
		return FWD_E_STORE;
	s = fwd_device_boot(&d->dev, &d->bank);
	place(d, p, at, run);
	if (s != FWD_OK) {		/* what was left is what did not boot */
		run->signers = 0;
		run->components = 0;
		run->man = (struct fwd_manifest){ 0 };
	}
	return s;
}

static enum fw_kind
judge(const struct fw_device_options *opt, struct fw_device *d,
    fwd_status (*run)(void *ctx, struct fw_profile *p,
    struct fw_profiled *at, struct fwd_ctx *ctx_run), json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	const struct fw_judge_act act = { d, act_load, run };
	const struct fw_judge_options o = {
		.bundle = opt->bundle, .device = opt->dir, .act = &act,
		.time = opt->time, .now = opt->now, .crypto = opt->crypto,
		.trace = opt->trace,
	};
	const enum fw_kind kind = fw_judge(&o, report, verdict, err);

	/* What went wrong beneath says more than the verdict. */
	if (kind == FW_OK)
		FW_TRY(fw_device_check_flash(d, err));
	return kind;
}

/*
 * Add the bank, and what the device holds now: read anew, by a run without cuts
 * of the power, under the same lock.
 */
static enum fw_kind
complete(struct fw_device *d, json_t *report, struct fw_error *err)
{
	const struct fw_device_options calm = { .dir = d->opt->dir,
	    .crypto = d->opt->crypto };
	FW_CLEANUP(plain_close) struct plain p = { .d = FW_DEVICE_NONE };
	int bad = 0;

	if (d->bank != FWD_NO_INDEX)
		bad = json_object_set_new(report, "bank",
		    json_integer(d->bank));
	bad |= json_object_set_new(report, "flash-operations",
	    fw_number_json(d->flash->flash.operations));
	p.d.dir = d->dir;		/* with its lock */
	d->dir = -1;
	fw_device_close(d);
	FW_TRY(plain_load(&calm, &p, err));
	FW_TRY(banks_json(&p.d, report, err));
	return bad == 0 ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}

enum fw_kind
fw_device_install(const struct fw_device_options *opt, json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	FW_CLEANUP(fw_device_close) struct fw_device d = FW_DEVICE_NONE;
	FW_CLEANUP(release) json_t *tree = NULL;

	if (opt->revocations != NULL)
		FW_TRY(fw_file_read(opt->revocations, FW_PROFILE_LIST_MAX,
		    &d.list, err));
	FW_TRY(fw_device_open(opt, &d, err));
	FW_TRY(judge(opt, &d, act_install, &tree, verdict, err));
	FW_TRY(complete(&d, tree, err));
	*report = json_incref(tree);
	return FW_OK;
}

enum fw_kind
fw_device_boot(const struct fw_device_options *opt, json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	FW_CLEANUP(fw_device_close) struct fw_device d = FW_DEVICE_NONE;
	FW_CLEANUP(release) json_t *tree = NULL;

	FW_TRY(fw_device_open(opt, &d, err));
	fw_device_clear_running(&d);
	FW_TRY(judge(opt, &d, act_boot, &tree, verdict, err));
	(void)json_object_del(tree, "attachments");
	if (json_object_set_new(tree, "action", json_string("boot")) != 0 ||
	    (d.fast && json_array_append_new(json_object_get(tree,
	    "not-judged"), json_string("signatures: fast boot compares with "
	    "what was recorded at installation")) != 0))
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (d.bank != FWD_NO_INDEX)
		FW_TRY(fw_device_set_running(&d, err));
	FW_TRY(complete(&d, tree, err));
	*report = json_incref(tree);
	return FW_OK;
}

/* ---- what is not: confirm, status ------------------------------------- */

/* The verdict, as all reports have it. */
static int
verdict_json(json_t *o, fwd_status s)
{
	const struct fwd_event refusal = { .step = FWD_STEP_VERDICT,
	    .status = s, .index = FWD_NO_INDEX };
	int bad;

	bad = json_object_set_new(o, "verdict",
	    json_string(s == FWD_OK ? "accepted" : "refused"));
	if (s != FWD_OK)
		bad |= json_object_set_new(o, "refusal",
		    fw_refusal_json(&refusal));
	return bad;
}

/* The report of an action that judges no manifest; what the device holds may
   turn the verdict. */
static enum fw_kind
plain_report(struct plain *p, const char *action, fwd_status *verdict,
    json_t **report, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *o = json_object();
	int bad;

	FW_TRY(fw_device_state(&p->d, o, err));
	if (*verdict == FWD_OK)
		*verdict = p->d.holds;
	bad = json_object_set_new(o, "action", json_string(action));
	bad |= verdict_json(o, *verdict);
	bad |= json_object_set_new(o, "directory",
	    json_string(p->d.opt->dir));
	bad |= json_object_set_new(o, "tool",
	    json_string("fwverify " FW_VERSION));
	if (bad != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*report = json_incref(o);
	return FW_OK;
}

enum fw_kind
fw_device_report(struct fw_device *d, const char *action, json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	const struct fw_device_options calm = { .dir = d->opt->dir,
	    .crypto = d->opt->crypto };
	FW_CLEANUP(plain_close) struct plain p = { .d = FW_DEVICE_NONE };

	p.d.dir = d->dir;		/* with its lock */
	d->dir = -1;
	fw_device_close(d);
	FW_TRY(plain_load(&calm, &p, err));
	*verdict = FWD_OK;
	return plain_report(&p, action, verdict, report, err);
}

enum fw_kind
fw_device_confirm(const struct fw_device_options *opt, json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	FW_CLEANUP(plain_close) struct plain p = { .d = FW_DEVICE_NONE };

	FW_TRY(fw_device_open(opt, &p.d, err));
	FW_TRY(plain_load(opt, &p, err));
	FW_TRY(fw_device_get_running(&p.d, err));
	*verdict = p.d.bank == FWD_NO_INDEX ? FWD_E_UNCONFIRMED :
	    fwd_device_confirm(&p.d.dev, p.d.bank);
	FW_TRY(fw_device_check_flash(&p.d, err));
	return plain_report(&p, "confirm", verdict, report, err);
}

enum fw_kind
fw_device_status(const struct fw_device_options *opt, json_t **report,
    fwd_status *verdict, struct fw_error *err)
{
	FW_CLEANUP(fw_device_close) struct fw_device d = FW_DEVICE_NONE;

	FW_TRY(fw_device_open(opt, &d, err));
	return fw_device_report(&d, "status", report, verdict, err);
}
