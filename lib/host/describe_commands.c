/* SPDX-License-Identifier: Apache-2.0 */
/* Command sequences with their parameters (the draft, section 8.4). */
#include <stdio.h>
#include <string.h>

#include "host/describe_internal.h"

/* ---- diagnostic notation ------------------------------------------------ */

#define DIAGNOSTIC_MAX 16384u		/* bytes of it that are shown */

struct diagnostic {
	struct fw_buf out;
	struct fw_error err;
	bool failed;
	bool cut;
};

static void
say(struct diagnostic *g, const char *s)
{
	if (g->out.n > DIAGNOSTIC_MAX) {
		g->cut = true;
		return;
	}
	if (fw_buf_add(&g->out, s, strlen(s), &g->err) != FW_OK)
		g->failed = true;
}

static void
say_json(struct diagnostic *g, json_t *value)
{
	FW_FREE char *s = json_dumps(value, JSON_ENCODE_ANY);

	json_decref(value);
	if (s == NULL)
		g->failed = true;
	else
		say(g, s);
}

/* An integer of CBOR's whole range: -1 - 2^64 needs a digit more. */
static void
say_int(struct diagnostic *g, struct fwd_cbor *c)
{
	struct fwd_cbor copy = *c;
	struct fwd_span item;
	uint64_t v = 0;
	char text[32];
	int64_t i;

	if (fwd_cbor_int(&copy, &i) == FWD_OK) {
		(void)snprintf(text, sizeof text, "%lld", (long long)i);
	} else {
		copy = *c;
		if (fwd_cbor_skip(&copy, &item) != FWD_OK)
			return;
		for (size_t k = 1; k < item.n; k++)
			v = v << 8 | item.p[k];
		(void)snprintf(text, sizeof text, "%s%llu",
		    item.p[0] >> 5 == FWD_CBOR_NINT ? "-1-" : "",
		    (unsigned long long)v);
	}
	*c = copy;
	say(g, text);
}

static void say_item(struct diagnostic *g, struct fwd_cbor *c);

static void
say_list(struct diagnostic *g, struct fwd_cbor *c, bool is_map)
{
	struct fwd_cbor_map map = { 0 };
	uint64_t n = 0;

	if ((is_map ? fwd_cbor_map(c, &map) : fwd_cbor_array(c, &n)) != FWD_OK)
		return;
	if (is_map)
		n = map.left;
	say(g, is_map ? "{" : "[");
	for (uint64_t i = 0; i < n && !g->cut; i++) {
		if (i > 0)
			say(g, ", ");
		say_item(g, c);
		if (is_map) {
			say(g, ": ");
			say_item(g, c);
		}
	}
	say(g, is_map ? "}" : "]");
}

static void
say_string(struct diagnostic *g, struct fwd_cbor *c)
{
	FW_JSON json_t *hex = NULL;
	struct fwd_span s;

	if (fwd_cbor_peek(c) == FWD_CBOR_TEXT) {
		if (fwd_cbor_text(c, &s) == FWD_OK)
			say_json(g, fw_d_text(s));
		return;
	}
	if (fwd_cbor_bytes(c, &s) != FWD_OK)
		return;
	hex = fw_d_hex(s);
	if (hex == NULL) {
		g->failed = true;
		return;
	}
	say(g, "h'");
	say(g, json_string_value(hex));
	say(g, "'");
}

/* c: an item that fwd_cbor_skip() has taken, so that its depth is bounded. */
static void
say_item(struct diagnostic *g, struct fwd_cbor *c)
{
	char text[32];
	uint64_t tag;
	bool b;

	switch (fwd_cbor_peek(c)) {
	case FWD_CBOR_UINT:
	case FWD_CBOR_NINT:
		say_int(g, c);
		break;
	case FWD_CBOR_BYTES:
	case FWD_CBOR_TEXT:
		say_string(g, c);
		break;
	case FWD_CBOR_ARRAY:
	case FWD_CBOR_MAP:
		say_list(g, c, fwd_cbor_peek(c) == FWD_CBOR_MAP);
		break;
	case FWD_CBOR_TAG:
		if (fwd_cbor_tag(c, &tag) != FWD_OK)
			break;
		(void)snprintf(text, sizeof text, "%llu(",
		    (unsigned long long)tag);
		say(g, text);
		say_item(g, c);
		say(g, ")");
		break;
	case FWD_CBOR_SIMPLE:
		if (fwd_cbor_bool(c, &b) == FWD_OK)
			say(g, b ? "true" : "false");
		else if (fwd_cbor_nil(c) == FWD_OK)
			say(g, "null");
		break;
	case FWD_CBOR_END:
	default:
		break;
	}
}

json_t *
fw_d_diagnostic(struct fw_describe *d, struct fwd_span item)
{
	struct fwd_cbor c = fwd_cbor_open(item);
	struct diagnostic g = { .failed = false };
	json_t *j = NULL;

	say_item(&g, &c);
	if (g.cut && fw_buf_add(&g.out, "...", 3, &g.err) != FW_OK)
		g.failed = true;
	if (!g.failed)
		j = fw_d_text(fw_buf_span(&g.out));
	if (j == NULL)
		d->no_memory = true;
	fw_buf_deinit(&g.out);
	return j;
}

/* 9999-12-31T23:59:59Z */
#define MOMENT_MAX UINT64_C(253402300799)

/* ---- parameters --------------------------------------------------------- */

static json_t *
uuid(struct fwd_span s)
{
	char text[37];

	if (s.n != 16)
		return fw_d_hex(s);
	fw_uuid_format(s.p, text);
	return json_string(text);
}

/* A vendor identifier is a UUID or, tagged, a private enterprise number. */
static fwd_status
identifier(struct fw_describe *d, json_t *o, int64_t key,
    struct fwd_span value)
{
	struct fwd_span s;
	const fwd_status st = fw_d_item_bytes(value, &s);

	if (st == FWD_OK) {
		fw_d_set(d, o, "value", uuid(s));
		return s.n == 16 ? FWD_OK : FWD_E_PARAMETER;
	}
	fw_d_set(d, o, "value", fw_d_diagnostic(d, value));
	return key == FWD_PAR_VENDOR && value.n > 1 && value.p[0] == 0xd8 &&
	    value.p[1] == 112 ? FWD_OK : st;
}

static fwd_status
number(struct fw_describe *d, json_t *o, struct fwd_span value)
{
	uint64_t v;
	const fwd_status st = fw_d_item_uint(value, &v);

	fw_d_set(d, o, "value", st == FWD_OK ? fw_d_uint(v) :
	    fw_d_diagnostic(d, value));
	return st;
}

/* Seconds since 1970, as a time if it is one that can be written. */
static fwd_status
moment(struct fw_describe *d, json_t *o, struct fwd_span value)
{
	uint64_t v;
	char text[32];
	const fwd_status st = number(d, o, value);

	if (st == FWD_OK && fw_d_item_uint(value, &v) == FWD_OK &&
	    v <= MOMENT_MAX) {
		fw_time_format((int64_t)v, text);
		fw_d_set(d, o, "value", json_string(text));
	}
	return st;
}

static fwd_status
boolean(struct fw_describe *d, json_t *o, struct fwd_span value)
{
	struct fwd_cbor c = fwd_cbor_open(value);
	bool v;
	const fwd_status st = fwd_cbor_bool(&c, &v);

	fw_d_set(d, o, "value", st == FWD_OK ? json_boolean(v) :
	    fw_d_diagnostic(d, value));
	return st;
}

static fwd_status
bytes(struct fw_describe *d, json_t *o, struct fwd_span value)
{
	struct fwd_span s;
	const fwd_status st = fw_d_item_bytes(value, &s);

	fw_d_set(d, o, "value", st == FWD_OK ? fw_d_hex(s) :
	    fw_d_diagnostic(d, value));
	if (st == FWD_OK)
		fw_d_set(d, o, "size", fw_d_uint(s.n));
	return st;
}

static fwd_status
uri(struct fw_describe *d, json_t *o, struct fwd_span value)
{
	struct fwd_span s;
	const fwd_status st = fw_d_item_text(value, &s);

	fw_d_set(d, o, "value", st == FWD_OK ? fw_d_text(s) :
	    fw_d_diagnostic(d, value));
	return st;
}

static fwd_status
image_digest(struct fw_describe *d, json_t *o, struct fwd_span value)
{
	struct fwd_span s;
	const fwd_status st = fw_d_item_bytes(value, &s);

	if (st == FWD_OK)
		fw_d_digest(d, o, "value", s);
	else
		fw_d_set(d, o, "value", fw_d_diagnostic(d, value));
	return st;
}

static fwd_status
parameter_value(struct fw_describe *d, json_t *o, int64_t key,
    struct fwd_span value)
{
	switch (key) {
	case FWD_PAR_VENDOR:
	case FWD_PAR_CLASS:
	case FWD_PAR_DEVICE:
		return identifier(d, o, key, value);
	case FWD_PAR_DIGEST:
		return image_digest(d, o, value);
	case FWD_PAR_SLOT:
	case FWD_PAR_SIZE:
	case FWD_PAR_SOURCE:
		return number(d, o, value);
	case FWD_PAR_USE_BEFORE:
		return moment(d, o, value);
	case FWD_PAR_STRICT_ORDER:
	case FWD_PAR_SOFT_FAILURE:
		return boolean(d, o, value);
	case FWD_PAR_URI:
		return uri(d, o, value);
	case FWD_PAR_CONTENT:
	case FWD_PAR_INVOKE_ARGS:
	case FWD_PAR_FETCH_ARGS:
		return bytes(d, o, value);
	default:
		fw_d_set(d, o, "value", fw_d_diagnostic(d, value));
		return FWD_E_PARAMETER;
	}
}

static void
parameters(struct fw_describe *d, json_t *command, struct fwd_span arg)
{
	json_t *const list = fw_d_list(d, command, "parameters");
	struct fwd_span key, value;
	struct fw_pairs pairs;
	int64_t k;
	json_t *o;
	fwd_status s;

	if (!fw_d_map(d, arg, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value)) {
		s = fw_d_item_int(key, &k);
		if (s != FWD_OK) {
			fw_d_problem(d, s, key.p);
			continue;
		}
		o = fw_d_entry(d, list);
		fw_d_set(d, o, "key", json_integer(k));
		fw_d_set(d, o, "name", fw_d_str(fwd_parameter_name(k)));
		fw_d_problem(d, parameter_value(d, o, k, value), value.p);
	}
}

/* ---- commands ------------------------------------------------------------ */

static void sequence(struct fw_describe *d, json_t *commands,
    struct fwd_span content, unsigned depth);

/* Reporting policy, section 8.4.7. */
static void
policy(struct fw_describe *d, json_t *command, struct fwd_span arg)
{
	static const char *const names[] = { "record-on-success",
	    "record-on-failure", "sysinfo-on-success", "sysinfo-on-failure" };
	json_t *list;
	uint64_t v;
	const fwd_status s = fw_d_item_uint(arg, &v);

	if (s != FWD_OK) {
		fw_d_set(d, command, "argument", fw_d_diagnostic(d, arg));
		fw_d_problem(d, s, arg.p);
		return;
	}
	fw_d_set(d, command, "policy", fw_d_uint(v));
	list = fw_d_list(d, command, "reports");
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (v >> i & 1)
			fw_d_add(d, list, fw_d_str(names[i]));
	if (v > 15)
		fw_d_problem(d, FWD_E_COMMAND, arg.p);
}

/* The argument of set-component-index: a number, true or several. */
static void
component_index(struct fw_describe *d, json_t *command, struct fwd_span arg)
{
	struct fwd_cbor c = fwd_cbor_open(arg);
	json_t *list;
	uint64_t n = 1, v;
	bool all;
	fwd_status s = FWD_OK;

	if (fwd_cbor_bool(&c, &all) == FWD_OK && all) {
		fw_d_set(d, command, "components", json_string("all"));
		return;
	}
	c = fwd_cbor_open(arg);
	if (fwd_cbor_peek(&c) == FWD_CBOR_ARRAY) {
		s = fwd_cbor_array(&c, &n);
		if (s == FWD_OK && n == 0)
			s = FWD_E_INDEX;
	}
	list = fw_d_list(d, command, "components");
	for (; s == FWD_OK && n > 0 && fw_d_more(d); n--) {
		s = fwd_cbor_uint(&c, &v);
		if (s == FWD_OK)
			fw_d_add(d, list, fw_d_uint(v));
	}
	if (s != FWD_OK)
		fw_d_set(d, command, "argument", fw_d_diagnostic(d, arg));
	fw_d_problem(d, s, arg.p);
}

static void
try_each(struct fw_describe *d, json_t *command, struct fwd_span arg,
    unsigned depth)
{
	json_t *const list = fw_d_list(d, command, "alternatives");
	struct fwd_cbor c = fwd_cbor_open(arg);
	struct fwd_span content;
	bool otherwise = false;
	json_t *commands;
	size_t mark;
	uint64_t n;
	fwd_status s;

	s = fwd_cbor_array(&c, &n);
	for (uint64_t i = 0; s == FWD_OK && i < n && fw_d_more(d); i++) {
		if (i + 1 == n && fwd_cbor_nil(&c) == FWD_OK) {
			otherwise = true;
			break;
		}
		s = fwd_cbor_bytes(&c, &content);
		if (s != FWD_OK)
			break;
		commands = json_array();
		fw_d_add(d, list, commands);
		mark = fw_d_enter(d, "[%llu]", (unsigned long long)i);
		sequence(d, commands, content, depth + 1);
		fw_d_leave(d, mark);
	}
	fw_d_set(d, command, "or-nothing", json_boolean(otherwise));
	if (s == FWD_OK && n < 2)
		s = FWD_E_COMMAND;
	fw_d_problem(d, s, c.left.p);
}

static void
run_sequence(struct fw_describe *d, json_t *command, struct fwd_span arg,
    unsigned depth)
{
	json_t *const commands = fw_d_list(d, command, "commands");
	struct fwd_span content;
	const fwd_status s = fw_d_item_bytes(arg, &content);

	if (s == FWD_OK)
		sequence(d, commands, content, depth + 1);
	fw_d_problem(d, s, arg.p);
}

static void
describe_command(struct fw_describe *d, json_t *o,
    const struct fwd_command *cmd, unsigned depth)
{
	const char *const name = fwd_command_name(cmd->code);
	const size_t mark = fw_d_enter(d, ".%s", name);

	fw_d_set(d, o, "code", json_integer(cmd->code));
	fw_d_set(d, o, "name", fw_d_str(name));
	switch (cmd->code) {
	case FWD_DIR_SET_INDEX:
		component_index(d, o, cmd->arg);
		break;
	case FWD_DIR_TRY_EACH:
		try_each(d, o, cmd->arg, depth);
		break;
	case FWD_DIR_RUN:
		run_sequence(d, o, cmd->arg, depth);
		break;
	case FWD_DIR_OVERRIDE:
		parameters(d, o, cmd->arg);
		break;
	case FWD_COND_VENDOR:
	case FWD_COND_CLASS:
	case FWD_COND_DEVICE:
	case FWD_COND_IMAGE:
	case FWD_COND_SLOT:
	case FWD_COND_CONTENT:
	case FWD_COND_ABORT:
	case FWD_COND_USE_BEFORE:
	case FWD_DIR_WRITE:
	case FWD_DIR_FETCH:
	case FWD_DIR_COPY:
	case FWD_DIR_INVOKE:
	case FWD_DIR_SWAP:
		policy(d, o, cmd->arg);
		break;
	default:
		fw_d_set(d, o, "argument", fw_d_diagnostic(d, cmd->arg));
		fw_d_problem(d, FWD_E_COMMAND, cmd->arg.p);
		break;
	}
	fw_d_leave(d, mark);
}

/* Recursion is bounded by FW_DESCRIBE_DEPTH. */
static void
sequence(struct fw_describe *d, json_t *commands, struct fwd_span content,
    unsigned depth)
{
	struct fwd_sequence seq;
	struct fwd_command cmd;
	const uint8_t *p;
	size_t mark;
	fwd_status s;

	if (depth > FW_DESCRIBE_DEPTH) {
		fw_d_problem(d, FWD_E_DEPTH, content.p);
		return;
	}
	s = fwd_sequence_open(content, &seq);
	p = content.p;
	for (unsigned i = 0; s == FWD_OK && seq.left > 0 && fw_d_more(d); i++) {
		p = seq.c.left.p;
		s = fwd_sequence_next(&seq, &cmd);
		/* The last one is whole even when there is data after it. */
		if (s != FWD_OK && s != FWD_E_CBOR_LEFT)
			break;
		mark = fw_d_enter(d, "[%u]", i);
		describe_command(d, fw_d_entry(d, commands), &cmd, depth);
		fw_d_leave(d, mark);
		if (s == FWD_E_CBOR_LEFT)
			p = seq.c.left.p;
	}
	fw_d_problem(d, s, p);
}

void
fw_describe_sequence(struct fw_describe *d, json_t *commands,
    struct fwd_span content)
{
	sequence(d, commands, content, 0);
}
