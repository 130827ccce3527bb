/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the signing log.  There is one way to write each: compact JSON with
 * sorted keys; a line that is written in any other way is refused, so that its
 * hash is that of its content as well.
 */
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "host/describe.h"
#include "host/log_internal.h"

#define DUMP (JSON_COMPACT | JSON_SORT_KEYS)

const fw_log_hex fw_log_nothing =
    "0000000000000000000000000000000000000000000000000000000000000000";

enum fw_kind
fw_log_hash(struct fwd_span data, fw_log_hex out, struct fw_error *err)
{
	static const uint8_t none;
	uint8_t digest[LOG_HASH];
	size_t i;

	if (EVP_Digest(data.n > 0 ? data.p : &none, data.n, digest, NULL,
	    EVP_sha256(), NULL) != 1)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot hash");
	for (i = 0; i < LOG_HASH; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return FW_OK;
}

struct dump {
	struct fw_buf *out;
	bool failed;			/* sticks: not all callers ask */
};

static int
add_text(const char *text, size_t n, void *ctx)
{
	struct dump *const d = ctx;
	struct fw_error ignored;

	d->failed |= fw_buf_add(d->out, text, n, &ignored) != FW_OK;
	return d->failed ? -1 : 0;
}

enum fw_kind
fw_log_dump(const json_t *o, const char *const *without, struct fw_buf *out,
    struct fw_error *err)
{
	FW_JSON json_t *part = json_copy((json_t *)(uintptr_t)o);
	struct dump d = { .out = out };

	/* A copy that lacks members is how it says that there is no memory. */
	if (json_object_size(part) != json_object_size(o))
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (; without != NULL && *without != NULL; without++)
		(void)json_object_del(part, *without);
	if (json_dump_callback(part, add_text, &d, DUMP) != 0 || d.failed)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* ---- what members may be -------------------------------------------- */

enum shape { ONE, COUNT, TEXT, MAYBE_TEXT, HASH, TIME, NUMBER, TEXTS, CERT,
	TOKEN, TORN };

struct member {
	const char *name;
	enum shape shape;
};

static const struct member common[] = {
	{ "hash", HASH }, { "line", COUNT }, { "log", ONE },
	{ "previous", HASH }, { "time", TIME }, { "tool", TEXT },
	{ "type", TEXT }, { NULL, ONE },
};
static const struct member signature[] = {
	{ "algorithm", TEXT }, { "bundle", MAYBE_TEXT },
	{ "certificate", CERT }, { "key", TEXT },
	{ "manifest-digest", TEXT }, { "mechanism", MAYBE_TEXT },
	{ "product", MAYBE_TEXT }, { "sequence-number", NUMBER },
	{ "signature-sha256", HASH }, { "token", TOKEN },
	{ "version", MAYBE_TEXT }, { NULL, ONE },
};
static const struct member checkpoint[] = {
	{ "algorithm", TEXT }, { "certificate", CERT }, { "chain", TEXTS },
	{ "key", TEXT }, { "mechanism", MAYBE_TEXT }, { "signature", TEXT },
	{ "token", TOKEN }, { NULL, ONE },
};
static const struct member repair[] = {
	{ "torn", TORN }, { NULL, ONE },
};
static const struct member certificate[] = {
	{ "issuer", TEXT }, { "serial", TEXT }, { "sha256", HASH },
	{ "subject", TEXT }, { NULL, ONE },
};
static const struct member token[] = {
	{ "label", TEXT }, { "manufacturer", TEXT }, { "model", TEXT },
	{ "serial", TEXT }, { NULL, ONE },
};
static const struct member torn_lines[] = {
	{ "lines", COUNT }, { "sha256", HASH }, { "size", COUNT },
	{ NULL, ONE },
};

static const struct {
	const char *type;
	const struct member *member;
} types[] = {
	{ "signature", signature }, { "checkpoint", checkpoint },
	{ "repair", repair },
};
enum { NTYPES = sizeof types / sizeof types[0] };

static bool
is_hash(const json_t *v)
{
	const char *const s = json_string_value(v);

	return s != NULL && json_string_length(v) == 2 * LOG_HASH &&
	    strspn(s, "0123456789abcdef") == 2 * LOG_HASH;
}

static bool
is_count(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) > 0;
}

/* Up to INT64_MAX a number, above it decimal digits. */
static bool
is_number(const json_t *v)
{
	const char *const s = json_string_value(v);
	char again[24];
	unsigned long long n;

	if (json_is_integer(v))
		return json_integer_value(v) >= 0;
	if (s == NULL || json_string_length(v) > 20)
		return false;
	n = strtoull(s, NULL, 10);
	(void)snprintf(again, sizeof again, "%llu", n);
	return n > INT64_MAX && strcmp(s, again) == 0;
}

/* Short for what is written, and never with a fraction or an offset. */
static bool
is_time(const json_t *v)
{
	const char *const s = json_string_value(v);
	char again[32];
	int64_t t;

	if (s == NULL || !fw_time_parse(s, &t))
		return false;
	fw_time_format(t, again);
	return strcmp(s, again) == 0;
}

static bool
is_texts(const json_t *v)
{
	size_t i;

	if (!json_is_array(v) || json_array_size(v) == 0 ||
	    json_array_size(v) > FWD_CHAIN_MAX)
		return false;
	for (i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return true;
}

static bool
is_flat(const json_t *v, enum shape shape)
{
	switch (shape) {
	case ONE:
		return json_is_integer(v) && json_integer_value(v) == 1;
	case COUNT:
		return is_count(v);
	case TEXT:
		return json_is_string(v);
	case MAYBE_TEXT:
		return json_is_string(v) || json_is_null(v);
	case HASH:
		return is_hash(v);
	case TIME:
		return is_time(v);
	case NUMBER:
		return is_number(v);
	case TEXTS:
		return is_texts(v);
	default:
		return false;
	}
}

/* An object with exactly these members, which hold no objects. */
static bool
is_object(const json_t *v, const struct member *m)
{
	size_t n = 0;

	if (!json_is_object(v))
		return false;
	for (; m->name != NULL; m++, n++)
		if (!is_flat(json_object_get(v, m->name), m->shape))
			return false;
	return json_object_size(v) == n;
}

static bool
has(const json_t *o, const struct member *m, size_t *n)
{
	const json_t *v;
	bool good;

	for (; m->name != NULL; m++, (*n)++) {
		v = json_object_get(o, m->name);
		good = m->shape == CERT ? is_object(v, certificate) :
		    m->shape == TOKEN ? json_is_null(v) ||
		    is_object(v, token) :
		    m->shape == TORN ? is_object(v, torn_lines) :
		    is_flat(v, m->shape);
		if (!good)
			return false;
	}
	return true;
}

static bool
has_its_members(const json_t *o)
{
	const char *const type = json_string_value(json_object_get(o, "type"));
	size_t i, n = 0;

	for (i = 0; type != NULL && i < NTYPES; i++)
		if (strcmp(types[i].type, type) == 0)
			return has(o, common, &n) &&
			    has(o, types[i].member, &n) &&
			    json_object_size(o) == n;
	return false;
}

/* ---- reading -------------------------------------------------------- */

void
fw_log_line_deinit(struct fw_log_line *l)
{
	json_decref(l->o);
	*l = (struct fw_log_line){ 0 };
}

/* What a power failure leaves of something that is no JSON: the first part of
   a line, or zeros. */
static bool
looks_torn(struct fwd_span text, const json_error_t *error)
{
	if (text.n == 0)
		return false;
	return memchr(text.p, '\0', text.n) != NULL || (text.p[0] == '{' &&
	    (text.p[text.n - 1] != '}' ||
	    json_error_code(error) == json_error_premature_end_of_input));
}

/* The form of the line, and its own hash. */
static const char *
check_line(struct fwd_span text, const json_t *o)
{
	static const char *const without[] = { "hash", NULL };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf again = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf hashed = { 0 };
	struct fw_error ignored;
	fw_log_hex hash;

	if (!has_its_members(o))
		return "is not as a line of a signing log must be";
	if (fw_log_dump(o, NULL, &again, &ignored) != FW_OK ||
	    fw_log_dump(o, without, &hashed, &ignored) != FW_OK ||
	    fw_log_hash(fw_buf_span(&hashed), hash, &ignored) != FW_OK)
		return "cannot be read: out of memory";
	if (!fwd_span_equal(fw_buf_span(&again), text))
		return "was changed: it is not in canonical form";
	if (strcmp(hash, json_string_value(json_object_get(o, "hash"))) != 0)
		return "was changed: its own hash is not right";
	return NULL;
}

const char *
fw_log_line_read(struct fwd_span text, struct fw_log_line *out, bool *torn)
{
	json_error_t error = { 0 };
	FW_JSON json_t *o = NULL;
	const char *why;
	bool ignored;

	*out = (struct fw_log_line){ 0 };
	if (torn == NULL)
		torn = &ignored;
	*torn = false;
	if (text.n > FW_LOG_LINE_MAX)
		return "is longer than any line of a signing log";
	if (text.n > 0)
		o = json_loadb((const char *)text.p, text.n,
		    JSON_REJECT_DUPLICATES, &error);
	if (o == NULL) {
		*torn = looks_torn(text, &error);
		return *torn ? "was cut short" : "is no JSON";
	}
	why = check_line(text, o);
	if (why != NULL)
		return why;
	out->number = (uint64_t)json_integer_value(
	    json_object_get(o, "line"));
	out->type = json_string_value(json_object_get(o, "type"));
	out->previous = json_string_value(json_object_get(o, "previous"));
	out->time = json_string_value(json_object_get(o, "time"));
	out->o = o;
	o = NULL;
	return NULL;
}

/* ---- writing -------------------------------------------------------- */

enum fw_kind
fw_log_line_stamp(json_t *entry, uint64_t n, const fw_log_hex previous,
    struct fw_error *err)
{
	char now[32];
	int rc = 0;

	rc |= json_object_set_new(entry, "log", json_integer(1));
	rc |= json_object_set_new(entry, "line", json_integer((json_int_t)n));
	rc |= json_object_set_new(entry, "previous", json_string(previous));
	rc |= json_object_set_new(entry, "tool",
	    json_string("fwsign " FW_VERSION));
	if (json_object_get(entry, "time") == NULL) {
		fw_time_format((int64_t)time(NULL), now);
		rc |= json_object_set_new(entry, "time", json_string(now));
	}
	return rc == 0 ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}

enum fw_kind
fw_log_line_add(json_t *entry, uint64_t n, const fw_log_hex previous,
    struct fw_buf *out, fw_log_hex head, struct fw_error *err)
{
	static const char *const without[] = { "hash", NULL };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	fw_log_hex hash;

	FW_TRY(fw_log_line_stamp(entry, n, previous, err));
	FW_TRY(fw_log_dump(entry, without, &text, err));
	FW_TRY(fw_log_hash(fw_buf_span(&text), hash, err));
	if (json_object_set_new(entry, "hash", json_string(hash)) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	fw_buf_deinit(&text);
	FW_TRY(fw_log_dump(entry, NULL, &text, err));
	if (text.n > FW_LOG_LINE_MAX)
		return fw_fail(err, FW_E_INPUT, "a line of the signing log "
		    "would have %zu bytes, more than %zu", text.n,
		    FW_LOG_LINE_MAX);
	FW_TRY(fw_log_hash(fw_buf_span(&text), head, err));
	FW_TRY(fw_buf_add(out, text.p, text.n, err));
	return fw_buf_add(out, "\n", 1, err);
}
