/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile answers about the state of its device. */
#include <criterion/criterion.h>
#include <string.h>

#include "host/internal.h"
#include "host/judge.h"
#include "host/profile_internal.h"

static struct fw_profile profile;
static struct fw_profiled dev;
static struct fwd_port port;

/* A device that tells everything. */
static void
setup(void)
{
	profile = (struct fw_profile){ .components = 2,
		.time_min = INT64_MIN };
	profile.state = (struct fw_profile_state){ .told = true,
		.has_battery = true, .battery = 500, .has_priority = true,
		.priority = -3 };
	for (int i = 0; i < FW_EVENTS; i++)
		profile.state.event[i] = FW_EVENT_MET;
	profile.component[1].version = (struct fwd_version){ { 1, 2 }, 2 };
	dev = (struct fw_profiled){ .profile = &profile, .now = 1000,
		.timed = true, .component = { 1, 0 } };
	port = fw_profiled_port(&dev, (struct fwd_tracer){ 0 });
}

TestSuite(profiled, .init = setup);

static fwd_status
ask(int64_t code, uint32_t component, struct fwd_question *q)
{
	cr_assert_not_null(port.environment);
	return port.environment(port.ctx, code, component, q);
}

static fwd_status
ask_battery(uint64_t mwh)
{
	struct fwd_question q = { .battery = mwh };

	return ask(FWD_COND_BATTERY, 0, &q);
}

static fwd_status
ask_priority(int64_t priority)
{
	struct fwd_question q = { .priority = priority };

	return ask(FWD_COND_AUTHORIZED, 0, &q);
}

#define WAIT(bytes) wait_for((const uint8_t *)(bytes), sizeof(bytes) - 1)
static fwd_status
wait_for(const uint8_t *p, size_t n)
{
	struct fwd_question q = { .wait = { p, n } };

	return ask(FWD_DIR_WAIT, 0, &q);
}

Test(profiled, nothing_told)
{
	profile.state.told = false;
	port = fw_profiled_port(&dev, (struct fwd_tracer){ 0 });
	cr_assert_null(port.environment);
}

Test(profiled, battery)
{
	cr_assert_eq(ask_battery(0), FWD_OK);
	cr_assert_eq(ask_battery(500), FWD_OK);
	cr_assert_eq(ask_battery(501), FWD_E_BATTERY);
	cr_assert_eq(ask_battery(UINT64_MAX), FWD_E_BATTERY);
	profile.state.has_battery = false;
	cr_assert_eq(ask_battery(0), FWD_E_DISABLED);
}

Test(profiled, priority)
{
	cr_assert_eq(ask_priority(INT64_MIN), FWD_OK);
	cr_assert_eq(ask_priority(-3), FWD_OK);
	cr_assert_eq(ask_priority(-2), FWD_E_UNAUTHORIZED);
	cr_assert_eq(ask_priority(INT64_MAX), FWD_E_UNAUTHORIZED);
	profile.state.has_priority = false;
	cr_assert_eq(ask_priority(INT64_MIN), FWD_E_DISABLED);
}

/* Of the component that stands there in the profile. */
Test(profiled, version)
{
	struct fwd_question q = { 0 };

	cr_assert_eq(ask(FWD_COND_VERSION, 0, &q), FWD_OK);
	cr_assert_eq(q.version.n, 2);
	cr_assert_eq(q.version.part[1], 2);
	cr_assert_eq(ask(FWD_COND_VERSION, 1, &q), FWD_E_DISABLED);
}

Test(profiled, other_questions)
{
	struct fwd_question q = { 0 };

	for (int64_t code = -2; code < 64; code++)
		if (code < FWD_COND_BATTERY || code > FWD_DIR_WAIT)
			cr_assert_eq(ask(code, 0, &q), FWD_E_DISABLED);
}

/* Each event by itself, told one way and the other, and not at all. */
Test(profiled, each_event)
{
	static const int32_t ways[] = { FW_EVENT_MET, FW_EVENT_PENDING, 0 };
	static const fwd_status want[] = { FWD_OK, FWD_E_WAIT,
		FWD_E_DISABLED };
	uint8_t wait[] = { 0xa1, 0, 0x00 };

	for (uint8_t e = 2; e < FW_EVENTS; e++) {
		if (e == FW_EVENT_TIME)
			continue;
		wait[1] = e;
		for (size_t i = 0; i < 3; i++) {
			profile.state.event[e] = ways[i];
			cr_assert_eq(wait_for(wait, sizeof wait), want[i],
			    "event %u", e);
		}
		profile.state.event[e] = FW_EVENT_MET;
	}
	cr_assert_eq(WAIT("\xa1\x00\x00"), FWD_E_DISABLED);
	cr_assert_eq(WAIT("\xa1\x0a\x00"), FWD_E_DISABLED);
	cr_assert_eq(WAIT("\xa1\x20\x00"), FWD_E_DISABLED);
	cr_assert_eq(WAIT("\x80"), FWD_E_DISABLED);
	cr_assert_eq(WAIT("\xa1\x02"), FWD_E_DISABLED);
}

/* The same as the condition. */
Test(profiled, authorization)
{
	cr_assert_eq(WAIT("\xa1\x01\x22"), FWD_OK);		/* -3 */
	cr_assert_eq(WAIT("\xa1\x01\x21"), FWD_E_WAIT);		/* -2 */
	profile.state.has_priority = false;
	cr_assert_eq(WAIT("\xa1\x01\x22"), FWD_E_DISABLED);
}

Test(profiled, time)
{
	static const char now[] = "\xa1\x05\x19\x03\xe8";	/* 1000 */
	static const char later[] = "\xa1\x05\x19\x03\xe9";

	cr_assert_eq(WAIT(now), FWD_OK);
	cr_assert_eq(WAIT(later), FWD_E_WAIT);
	cr_assert_eq(WAIT("\xa1\x05\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
	    FWD_E_WAIT);
	dev.now = -1;
	cr_assert_eq(WAIT("\xa1\x05\x00"), FWD_E_WAIT);
	/* It is later than the bound, and nobody knows how much. */
	dev.timed = false;
	dev.now = 5000;
	cr_assert_eq(WAIT(now), FWD_E_DISABLED);
	profile.time_min = 1000;
	cr_assert_eq(WAIT(now), FWD_OK);
	cr_assert_eq(WAIT(later), FWD_E_DISABLED);
}

/* All of them, and one that is not supported ends it. */
Test(profiled, several_events)
{
	static const char both[] = "\xa2\x02\x00\x03\x00";

	cr_assert_eq(WAIT(both), FWD_OK);
	profile.state.event[FW_EVENT_POWER] = FW_EVENT_PENDING;
	cr_assert_eq(WAIT(both), FWD_E_WAIT);
	profile.state.event[FW_EVENT_NETWORK] = 0;
	cr_assert_eq(WAIT(both), FWD_E_DISABLED);
	profile.state.event[FW_EVENT_POWER] = 0;
	profile.state.event[FW_EVENT_NETWORK] = FW_EVENT_PENDING;
	cr_assert_eq(WAIT(both), FWD_E_DISABLED);
	profile.state.event[FW_EVENT_POWER] = FW_EVENT_MET;
	cr_assert_eq(WAIT(both), FWD_E_WAIT);
}
