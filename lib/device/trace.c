/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library says of its steps: the same lines on a host and on a
 * microcontroller, so the formatting is done here and without stdio.
 */
#include "device/internal.h"
#include "device/x509.h"

/* The fact that a hint leads to. */
static struct fwd_fact
fact_of(struct fwd_hint hint)
{
	const struct fwd_span s = fwd_span_of(hint.p, hint.what >> 8);
	const uint32_t relation = hint.what >> 4 & 15u;
	struct fwd_fact fact = { .kind = FWD_FACT_UINT,
	    .relation = (enum fwd_relation)relation };

	switch (hint.what & 15u) {
	case FWD_HINT_SIZE:
		fact.u = s.n;
		break;
	case FWD_HINT_ALG:
		fact.kind = FWD_FACT_ALG;
		memcpy(&fact.u, hint.p, sizeof fact.u);
		break;
	case FWD_HINT_TIME:
		fact.kind = FWD_FACT_TIME;
		memcpy(&fact.u, hint.p, sizeof fact.u);
		break;
	case FWD_HINT_UINT:
		memcpy(&fact.u, hint.p, sizeof fact.u);
		break;
	case FWD_HINT_HEX:
		fact.kind = FWD_FACT_HEX;
		fact.s = s;
		break;
	case FWD_HINT_TEXT:
		fact.kind = FWD_FACT_TEXT;
		fact.s = s;
		break;
	case FWD_HINT_NAME:
		fwd_cert_name_fact(s, &fact);
		break;
	case FWD_HINT_PURPOSE:
		fwd_cert_purpose_fact(s, &fact);
		break;
	case FWD_HINT_EXTENSION:
		fwd_cert_ext_fact(s, &fact);
		break;
	default:
		fact.kind = FWD_FACT_NONE;
		break;
	}
	return fact;
}

fwd_status
fwd_report(struct fwd_tracer trace, enum fwd_step step, fwd_status status,
    uint32_t index, int64_t code, struct fwd_hint got, struct fwd_hint want)
{
	struct fwd_event ev = { .step = step, .status = status,
	    .index = index, .code = code };

	if (trace.fn != NULL) {
		ev.got = fact_of(got);
		ev.want = fact_of(want);
		trace.fn(trace.ctx, &ev);
	}
	return status;
}

/* Of two bits of a policy, the one that speaks of how it ended. */
static bool
asked(const struct fwd_event *ev, uint32_t success, uint32_t failure)
{
	const bool ok = ev->status == FWD_OK || ev->status == FWD_UNJUDGED;

	return (ev->policy & (ok ? success : failure)) != 0;
}

bool
fwd_event_asked(const struct fwd_event *ev)
{
	return asked(ev, FWD_REPORT_SUCCESS, FWD_REPORT_FAILURE);
}

bool
fwd_event_info_asked(const struct fwd_event *ev)
{
	return asked(ev, FWD_REPORT_INFO_SUCCESS, FWD_REPORT_INFO_FAILURE);
}

struct name {
	int64_t key;
	const char *name;
};

static const char *
lookup(const struct name *list, size_t n, int64_t key)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].key == key)
			return list[i].name;
	return key < 0 ? "custom" : "unknown";
}

#define LOOKUP(list, key) lookup(list, sizeof(list) / sizeof(list)[0], key)

const char *
fwd_section_name(int64_t key)
{
	static const struct name names[] = {
		{ FWD_COMMON_SHARED, "shared" },
		{ FWD_MAN_VALIDATE, "validate" },
		{ FWD_MAN_LOAD, "load" },
		{ FWD_MAN_INVOKE, "invoke" },
		{ FWD_MAN_PAYLOAD_FETCH, "payload-fetch" },
		{ FWD_MAN_INSTALL, "install" },
		{ FWD_MAN_TEXT, "text" },
	};

	return LOOKUP(names, key);
}

const char *
fwd_command_name(int64_t code)
{
	static const struct name names[] = {
		{ FWD_COND_VENDOR, "condition-vendor-identifier" },
		{ FWD_COND_CLASS, "condition-class-identifier" },
		{ FWD_COND_IMAGE, "condition-image-match" },
		{ FWD_COND_USE_BEFORE, "condition-use-before" },
		{ FWD_COND_SLOT, "condition-component-slot" },
		{ FWD_COND_CONTENT, "condition-check-content" },
		{ FWD_DIR_SET_INDEX, "directive-set-component-index" },
		{ FWD_COND_ABORT, "condition-abort" },
		{ FWD_DIR_TRY_EACH, "directive-try-each" },
		{ FWD_DIR_WRITE, "directive-write" },
		{ FWD_DIR_OVERRIDE, "directive-override-parameters" },
		{ FWD_DIR_FETCH, "directive-fetch" },
		{ FWD_DIR_COPY, "directive-copy" },
		{ FWD_DIR_INVOKE, "directive-invoke" },
		{ FWD_COND_DEVICE, "condition-device-identifier" },
		{ FWD_COND_NOT_IMAGE, "condition-image-not-match" },
		{ FWD_COND_BATTERY, "condition-minimum-battery" },
		{ FWD_COND_AUTHORIZED, "condition-update-authorized" },
		{ FWD_COND_VERSION, "condition-version" },
		{ FWD_DIR_WAIT, "directive-wait" },
		{ FWD_DIR_SWAP, "directive-swap" },
		{ FWD_DIR_RUN, "directive-run-sequence" },
	};

	return LOOKUP(names, code);
}

const char *
fwd_parameter_name(int64_t key)
{
	static const struct name names[] = {
		{ FWD_PAR_VENDOR, "vendor-identifier" },
		{ FWD_PAR_CLASS, "class-identifier" },
		{ FWD_PAR_DIGEST, "image-digest" },
		{ FWD_PAR_USE_BEFORE, "use-before" },
		{ FWD_PAR_SLOT, "component-slot" },
		{ FWD_PAR_STRICT_ORDER, "strict-order" },
		{ FWD_PAR_SOFT_FAILURE, "soft-failure" },
		{ FWD_PAR_SIZE, "image-size" },
		{ FWD_PAR_CONTENT, "content" },
		{ FWD_PAR_URI, "uri" },
		{ FWD_PAR_SOURCE, "source-component" },
		{ FWD_PAR_INVOKE_ARGS, "invoke-args" },
		{ FWD_PAR_DEVICE, "device-identifier" },
		{ FWD_PAR_FETCH_ARGS, "fetch-arguments" },
		{ FWD_PAR_BATTERY, "minimum-battery" },
		{ FWD_PAR_PRIORITY, "update-priority" },
		{ FWD_PAR_VERSION, "version" },
		{ FWD_PAR_WAIT, "wait-info" },
	};

	return LOOKUP(names, key);
}

static const char *
step_name(enum fwd_step step)
{
	switch (step) {
#define FWD_CASE(name, text) case name: return text;
	FWD_STEP_LIST(FWD_CASE)
#undef FWD_CASE
	default:
		return "unknown";
	}
}

/* A line under way: never longer than room, always terminated. */
struct line {
	char *out;
	size_t room;			/* with the NUL */
	size_t n;
};

static void
add_char(struct line *l, char c)
{
	if (l->n + 1 < l->room)
		l->out[l->n++] = c;
}

static void
add(struct line *l, const char *s)
{
	for (; *s != '\0'; s++)
		add_char(l, *s);
}

/* In decimal with at least width digits. */
static void
add_uint(struct line *l, uint64_t u, unsigned width)
{
	char digit[20];
	unsigned n = 0;

	do {
		digit[n++] = (char)('0' + (int)(u % 10));
		u /= 10;
	} while (u != 0 || n < width);
	while (n > 0)
		add_char(l, digit[--n]);
}

static void
add_hex_byte(struct line *l, uint8_t b)
{
	static const char hex[] = "0123456789abcdef";

	add_char(l, hex[b >> 4]);
	add_char(l, hex[b & 15]);
}

/* The longest fact as it is printed, so that every line fits FWD_LINE_MAX. */
enum { FACT_MAX = 256 };

/* Printable ASCII as it is, the rest as \xNN. */
static void
add_text(struct line *l, struct fwd_span s)
{
	size_t i, room = FACT_MAX;
	bool plain;

	add_char(l, '\'');
	for (i = 0; i < s.n; i++) {
		plain = s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '\\' &&
		    s.p[i] != '\'';
		if (room < (plain ? 1 : 4))
			break;
		room -= plain ? 1 : 4;
		if (plain) {
			add_char(l, (char)s.p[i]);
		} else {
			add(l, "\\x");
			add_hex_byte(l, s.p[i]);
		}
	}
	add(l, i < s.n ? "'..." : "'");
}

static void
add_hex(struct line *l, struct fwd_span s)
{
	size_t i;

	for (i = 0; i < s.n && i < FACT_MAX / 2; i++)
		add_hex_byte(l, s.p[i]);
	if (i < s.n)
		add(l, "...");
	if (s.n == 0)
		add(l, "nothing");
}

/* RFC 3339 from seconds since 1970, in the proleptic Gregorian calendar. */
static void
add_time(struct line *l, int64_t t)
{
	const int64_t rest = t % 86400;
	const int64_t day = t / 86400 - (rest < 0);
	const uint64_t sec = (uint64_t)(rest < 0 ? rest + 86400 : rest);
	/* days since 0000-03-01, so that leap days end a year */
	const int64_t z = day + 719468;
	const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	const int64_t doe = z - era * 146097;
	const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) /
	    365;
	const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const int64_t mp = (5 * doy + 2) / 153;
	const int64_t month = mp < 10 ? mp + 3 : mp - 9;
	const int64_t year = yoe + era * 400 + (month <= 2);

	if (year < 0 || year > 9999) {
		add(l, "out of range");
		return;
	}
	add_uint(l, (uint64_t)year, 4);
	add_char(l, '-');
	add_uint(l, (uint64_t)month, 2);
	add_char(l, '-');
	add_uint(l, (uint64_t)(doy - (153 * mp + 2) / 5 + 1), 2);
	add_char(l, 'T');
	add_uint(l, sec / 3600, 2);
	add_char(l, ':');
	add_uint(l, sec / 60 % 60, 2);
	add_char(l, ':');
	add_uint(l, sec % 60, 2);
	add_char(l, 'Z');
}

static void
add_fact(struct line *l, const struct fwd_fact *f)
{
	if (f->relation == FWD_AT_LEAST)
		add(l, "at least ");
	else if (f->relation == FWD_AT_MOST)
		add(l, "at most ");
	switch (f->kind) {
	case FWD_FACT_UINT:
		add_uint(l, f->u, 1);
		break;
	case FWD_FACT_HEX:
		add_hex(l, f->s);
		break;
	case FWD_FACT_TEXT:
		add_text(l, f->s);
		break;
	case FWD_FACT_TIME:
		add_time(l, (int64_t)f->u);
		break;
	case FWD_FACT_ALG:
		add(l, fwd_alg_name((int64_t)f->u));
		break;
	case FWD_FACT_NONE:
	default:
		add(l, "nothing");
		break;
	}
}

size_t
fwd_fact_format(const struct fwd_fact *fact, char *out, size_t n)
{
	struct line l = { out, n, 0 };

	if (n == 0)
		return 0;
	add_fact(&l, fact);
	out[l.n] = '\0';
	return l.n;
}

size_t
fwd_event_format(const struct fwd_event *ev, char *out, size_t n)
{
	struct line l = { out, n, 0 };

	if (n == 0)
		return 0;
	add(&l, step_name(ev->step));
	if (ev->index != FWD_NO_INDEX) {
		add_char(&l, '[');
		add_uint(&l, ev->index, 1);
		add_char(&l, ']');
	}
	if (ev->step == FWD_STEP_COMMAND || ev->step == FWD_STEP_SECTION ||
	    ev->step == FWD_STEP_SEVERED || ev->step == FWD_STEP_PARAMETER) {
		add_char(&l, ' ');
		add(&l, ev->step == FWD_STEP_COMMAND ?
		    fwd_command_name(ev->code) :
		    ev->step == FWD_STEP_PARAMETER ?
		    fwd_parameter_name(ev->code) : fwd_section_name(ev->code));
	}
	add(&l, ": ");
	if (ev->got.kind != FWD_FACT_NONE) {
		add_fact(&l, &ev->got);
		add_char(&l, ' ');
	}
	if (ev->want.kind != FWD_FACT_NONE) {
		add(&l, "(want ");
		add_fact(&l, &ev->want);
		add(&l, ") ");
	}
	add(&l, fwd_status_code(ev->status));
	out[l.n] = '\0';
	return l.n;
}
