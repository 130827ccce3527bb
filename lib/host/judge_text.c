/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a judgement as text: see schemas/verdict.schema.json. */
#include <string.h>

#include "host/describe.h"
#include "host/device.h"
#include "host/internal.h"
#include "host/judge.h"

enum { LABEL_WIDTH = 14 };

/* A text under way; what fails first stays. */
struct page {
	struct fw_buf *out;
	struct fw_error *err;
	enum fw_kind kind;
};

static void
put(struct page *p, const char *s)
{
	const struct fwd_span span = { (const uint8_t *)s, strlen(s) };

	if (p->kind == FW_OK)
		p->kind = fw_escape(p->out, span, p->err);
}

/* A string of the report, which may have NULs in it; nothing for NULL. */
static void
put_string(struct page *p, const json_t *string)
{
	const struct fwd_span span = {
		(const uint8_t *)json_string_value(string),
		json_string_length(string),
	};

	if (p->kind == FW_OK && span.p != NULL)
		p->kind = fw_escape(p->out, span, p->err);
}

static void
newline(struct page *p)
{
	if (p->kind == FW_OK)
		p->kind = fw_buf_add(p->out, "\n", 1, p->err);
}

/* "  label          ", an empty label for a line that goes on. */
static void
label(struct page *p, const char *name)
{
	put(p, "  ");
	put(p, name);
	for (size_t n = strlen(name); n < LABEL_WIDTH; n++)
		put(p, " ");
	put(p, " ");
}

static const char *
string(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void
number(struct page *p, const json_t *value)
{
	char s[32];

	if (json_is_string(value)) {
		put_string(p, value);
		return;
	}
	(void)snprintf(s, sizeof s, "%" JSON_INTEGER_FORMAT,
	    json_integer_value(value));
	put(p, s);
}

/* A line for a member of o, if it is there. */
static void
line(struct page *p, const json_t *o, const char *key, const char *name)
{
	const json_t *const value = json_object_get(o, key);

	if (value == NULL || json_is_null(value))
		return;
	label(p, name);
	if (json_is_string(value))
		put_string(p, value);
	else
		number(p, value);
	newline(p);
}

/* One text a line, the first behind the label. */
static void
list(struct page *p, const json_t *texts, const char *name)
{
	const json_t *t;
	size_t i;

	json_array_foreach(texts, i, t) {
		label(p, i == 0 ? name : "");
		put_string(p, t);
		newline(p);
	}
}

static void
verdict(struct page *p, const json_t *report)
{
	const json_t *const refusal = json_object_get(report, "refusal");

	put(p, string(report, "verdict"));
	put(p, ": ");
	if (refusal != NULL) {
		put(p, string(refusal, "code"));
		put(p, ": ");
		put(p, string(refusal, "meaning"));
	} else if (string(report, "bundle") != NULL) {
		put(p, string(report, "bundle"));
	} else {
		put(p, "bank ");
		number(p, json_object_get(report, "bank"));
	}
	newline(p);
	if (refusal == NULL)
		return;
	line(p, report, "bundle", "bundle");
	line(p, refusal, "step", "failed at");
	line(p, refusal, "fact", "found");
	if (json_object_get(refusal, "expected-one-of") != NULL)
		list(p, json_object_get(refusal, "expected-one-of"),
		    "expected");
	else
		line(p, refusal, "expected", "expected");
}

static void
signers(struct page *p, const json_t *report)
{
	const json_t *s;
	size_t i;

	json_array_foreach(json_object_get(report, "signers"), i, s) {
		label(p, "signed by");
		put(p, string(s, "subject") != NULL ? string(s, "subject") :
		    "a key without certificate");
		put(p, " (");
		put(p, string(s, "algorithm"));
		put(p, ")");
		newline(p);
		line(p, s, "anchor", "  under");
		line(p, s, "anchor-name", "  which is");
		line(p, s, "serial", "  serial");
		line(p, s, "not-after", "  valid until");
	}
}

static void
components(struct page *p, const json_t *report)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(report, "components"), i, c) {
		label(p, "component");
		put(p, string(c, "component"));
		if (json_object_get(c, "slot") != NULL) {
			put(p, ", slot ");
			number(p, json_object_get(c, "slot"));
		}
		if (json_object_get(c, "staging") != NULL)
			put(p, " (staging area)");
		put(p, ", ");
		number(p, json_object_get(c, "size"));
		put(p, " bytes");
		newline(p);
		line(p, c, "version", "  version");
		line(p, c, "digest", "  digest");
	}
}

static void
attachments(struct page *p, const json_t *report)
{
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(report, "attachments"), i, a) {
		label(p, "attachment");
		put(p, string(a, "name"));
		put(p, " (");
		put(p, string(a, "type"));
		put(p, "), ");
		number(p, json_object_get(a, "size"));
		put(p, " bytes");
		newline(p);
		line(p, a, "digest", "  digest");
	}
}

static void
device(struct page *p, const json_t *o)
{
	if (!json_is_object(o))
		return;
	line(p, o, "profile", "judged for");
	list(p, json_object_get(o, "vendor-identifiers"), "  vendor");
	list(p, json_object_get(o, "class-identifiers"), "  class");
	list(p, json_object_get(o, "device-identifiers"), "  device");
	line(p, o, "sequence-number", "  sequence");
}

/* What is known of the release in a bank. */
static void
bank_release(struct page *p, const json_t *b)
{
	const json_t *const product = json_object_get(b, "product");
	const json_t *const version = json_object_get(b, "version");

	if (product == NULL && version == NULL)
		return;
	label(p, "");
	put(p, "   ");
	put_string(p, product);
	put(p, product != NULL && version != NULL ? ", " : "");
	put(p, version != NULL ? "version " : "");
	put_string(p, version);
	newline(p);
}

static void
revocations(struct page *p, const json_t *o)
{
	if (!json_is_object(o))
		return;
	label(p, "revocations");
	put(p, "list ");
	number(p, json_object_get(o, "number"));
	put(p, ", keys: ");
	number(p, json_object_get(o, "keys"));
	newline(p);
}

/* Whom a device directory trusts. */
static void
trust(struct page *p, const json_t *o)
{
	const json_t *const release = json_object_get(o, "release");
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(o, "anchors"), i, a) {
		label(p, i == 0 ? "trusts" : "");
		put(p, string(a, "subject") != NULL ? string(a, "subject") :
		    "a bare key");
		newline(p);
		line(p, a, "key-identifier", "  key");
	}
	if (json_is_integer(release) || json_is_string(release)) {
		label(p, "  since");
		put(p, "release ");
		number(p, release);
		newline(p);
	}
	revocations(p, json_object_get(o, "revocations"));
}

/* What a device directory holds. */
static void
banks(struct page *p, const json_t *report)
{
	const json_t *b;
	size_t i;

	json_array_foreach(json_object_get(report, "banks"), i, b) {
		label(p, i == 0 ? "banks" : "");
		number(p, json_object_get(b, "bank"));
		put(p, ": ");
		put(p, string(b, "state"));
		if (json_object_get(b, "sequence-number") != NULL) {
			put(p, ", sequence ");
			number(p, json_object_get(b, "sequence-number"));
			put(p, ", installation ");
			number(p, json_object_get(b, "installation"));
		}
		newline(p);
		bank_release(p, b);
	}
	line(p, report, "counter", "counter");
	line(p, report, "running", "running bank");
	trust(p, json_object_get(report, "trust"));
}

static void
trace(struct page *p, const json_t *lines)
{
	const json_t *t;
	size_t i;

	if (lines == NULL)
		return;
	newline(p);
	put(p, "trace:");
	newline(p);
	json_array_foreach(lines, i, t) {
		put_string(p, t);
		newline(p);
	}
}

/* A device that has judged nothing: what it did, and what it holds. */
enum fw_kind
fw_device_text(const json_t *report, struct fw_buf *out, struct fw_error *err)
{
	struct page p = { out, err, FW_OK };
	const json_t *const refusal = json_object_get(report, "refusal");

	if (string(report, "directory") == NULL)
		return fw_judge_text(report, out, err);
	put(&p, string(report, "verdict"));
	put(&p, ": ");
	if (refusal != NULL) {
		put(&p, string(refusal, "code"));
		put(&p, ": ");
		put(&p, string(refusal, "meaning"));
		newline(&p);
		line(&p, report, "directory", "device");
	} else {
		put(&p, string(report, "directory"));
		newline(&p);
	}
	banks(&p, report);
	return p.kind;
}

enum fw_kind
fw_judge_text(const json_t *report, struct fw_buf *out, struct fw_error *err)
{
	struct page p = { out, err, FW_OK };

	verdict(&p, report);
	if (string(report, "bundle") != NULL)
		line(&p, report, "bank", "bank");
	line(&p, report, "product", "product");
	line(&p, report, "vendor", "vendor");
	line(&p, report, "version", "version");
	line(&p, report, "description", "description");
	line(&p, report, "sequence-number", "sequence");
	line(&p, report, "manifest-digest", "manifest");
	signers(&p, report);
	components(&p, report);
	attachments(&p, report);
	device(&p, json_object_get(report, "device"));
	line(&p, report, "time", "judged at");
	banks(&p, report);
	list(&p, json_object_get(report, "not-judged"), "not judged");
	trace(&p, json_object_get(report, "trace"));
	return p.kind;
}
