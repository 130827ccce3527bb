/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict and the steps that led to it, as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fwverify/verdict.h"
#include "host/judge.h"

static void
keep_step(struct verdict *v, const char *line)
{
	char **const more = reallocarray(v->step, v->steps + 1, sizeof *more);

	if (more == NULL) {
		v->failed = true;
		return;
	}
	v->step = more;
	v->step[v->steps] = strdup(line);
	if (v->step[v->steps] == NULL)
		v->failed = true;
	else
		v->steps++;
}

static void
format_fact(const struct fwd_fact *fact, char *out, size_t n)
{
	out[0] = '\0';
	if (fact->kind != FWD_FACT_NONE)
		(void)fwd_fact_format(fact, out, n);
}

static void
on_event(void *ctx, const struct fwd_event *ev)
{
	struct verdict *const v = ctx;
	char line[FWD_LINE_MAX];

	(void)fwd_event_format(ev, line, sizeof line);
	if (v->lines)
		(void)puts(line);
	if (v->keep)
		keep_step(v, line);
	if (ev->status == FWD_OK)
		return;
	/* The spans in the event live no longer than this call. */
	v->refused = true;
	v->status = ev->status;
	v->index = ev->index;
	format_fact(&ev->got, v->got, sizeof v->got);
	format_fact(&ev->want, v->want, sizeof v->want);
	json_decref(v->refusal);
	v->refusal = fw_refusal_json(ev);
	if (v->refusal == NULL)
		v->failed = true;
}

struct fwd_tracer
verdict_tracer(struct verdict *v)
{
	return (struct fwd_tracer){ on_event, v };
}

void
verdict_deinit(struct verdict *v)
{
	for (size_t i = 0; i < v->steps; i++)
		free(v->step[i]);
	free(v->step);
	json_decref(v->refusal);
	v->step = NULL;
	v->steps = 0;
	v->refusal = NULL;
}

void
verdict_serial(struct fwd_span serial, char out[SERIAL_TEXT])
{
	out[0] = '\0';
	for (size_t i = 0; i < serial.n && 2 * i + 2 < SERIAL_TEXT; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", serial.p[i]);
}

json_t *
verdict_refusal(const struct verdict *v, fwd_status status)
{
	const struct fwd_event verdict = { .step = FWD_STEP_VERDICT,
	    .status = status, .index = FWD_NO_INDEX };

	if (v->refused && v->status == status)
		return json_incref(v->refusal);
	return fw_refusal_json(&verdict);
}

/* " (certificate[1]: found ..., expected ...)", as far as it is known. */
static void
print_facts(const struct verdict *v)
{
	if (v->got[0] == '\0')
		return;
	(void)printf(" (");
	if (v->index != FWD_NO_INDEX)
		(void)printf("certificate[%u]: ", (unsigned)v->index);
	(void)printf("found %s", v->got);
	if (v->want[0] != '\0')
		(void)printf(", expected %s", v->want);
	(void)printf(")");
}

enum fw_kind
verdict_print(const struct verdict *v, fwd_status status)
{
	if (status == FWD_OK) {
		cli_print(stdout, CLI_GOOD, "accepted");
		(void)putchar('\n');
		return FW_OK;
	}
	cli_print(stdout, CLI_BAD, "refused");
	(void)printf(": %s: %s", fwd_status_code(status),
	    fwd_status_text(status));
	if (v != NULL && v->refused && v->status == status)
		print_facts(v);
	(void)putchar('\n');
	return FW_E_REFUSED;
}
