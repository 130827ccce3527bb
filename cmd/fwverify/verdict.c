/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict and the steps that led to it, as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fwverify/verdict.h"

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

/* The step alone: what an event without facts has in front of its colon. */
static void
format_step(const struct fwd_event *ev, char *out, size_t n)
{
	struct fwd_event bare = *ev;
	char *end;

	bare.got.kind = bare.want.kind = FWD_FACT_NONE;
	(void)fwd_event_format(&bare, out, n);
	end = strrchr(out, ':');
	if (end != NULL)
		*end = '\0';
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
	format_step(ev, v->at, sizeof v->at);
	v->index = ev->index;
	format_fact(&ev->got, v->got, sizeof v->got);
	format_fact(&ev->want, v->want, sizeof v->want);
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
	v->step = NULL;
	v->steps = 0;
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
