/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is like: 'state' of the device profile. */
#include "host/fields.h"
#include "host/internal.h"
#include "host/profile_internal.h"

#define N(table) (sizeof (table) / sizeof (table)[0])

struct state_keys {
	const struct fw_node *events;
	uint64_t battery;
	int64_t priority;
};

#define AT(member) offsetof(struct state_keys, member)
static const struct fw_field state_fields[] = {
	{ .key = "battery", .type = FW_FIELD_UINT, .at = AT(battery),
	  .max = INT64_MAX },
	{ .key = "authorized-priority", .type = FW_FIELD_INT,
	  .at = AT(priority) },
	{ .key = "events", .type = FW_FIELD_MAP, .at = AT(events) },
};
#undef AT

static const struct fw_choice outcomes[] = {
	{ "met", FW_EVENT_MET }, { "pending", FW_EVENT_PENDING }, { NULL, 0 },
};

/* Authorization is authorized-priority's, and the time is the clock's. */
#define EVENT(name, number) { .key = name, .type = FW_FIELD_CHOICE, \
	.choice = outcomes, \
	.at = offsetof(struct fw_profile_state, event[number]) }
static const struct fw_field event_fields[] = {
	EVENT("power", FW_EVENT_POWER),
	EVENT("network", FW_EVENT_NETWORK),
	EVENT("other-device", FW_EVENT_OTHER_DEVICE),
	EVENT("time-of-day", FW_EVENT_TIME_OF_DAY),
	EVENT("time-of-day-utc", FW_EVENT_TIME_OF_DAY_UTC),
	EVENT("day-of-week", FW_EVENT_DAY_OF_WEEK),
	EVENT("day-of-week-utc", FW_EVENT_DAY_OF_WEEK_UTC),
};
#undef EVENT

/* An empty map would look as if it told something. */
static enum fw_kind
read_map(const char *file, const struct fw_node *map, const char *key,
    const struct fw_field *field, size_t n, void *target,
    struct fw_error *err)
{
	if (map->n == 0)
		return fw_fail_node(err, file, map, "'%s' is empty (leave it "
		    "out)", key);
	return fw_fields_read(file, map, field, n, target, err);
}

enum fw_kind
fw_profile_state_read(const char *file, const struct fw_node *map,
    struct fw_profile_state *s, struct fw_error *err)
{
	struct state_keys k = { 0 };

	if (map == NULL)
		return FW_OK;
	FW_TRY(read_map(file, map, "state", state_fields, N(state_fields), &k,
	    err));
	if (k.events != NULL)
		FW_TRY(read_map(file, k.events, "events", event_fields,
		    N(event_fields), s, err));
	s->told = true;
	s->has_battery = fw_node_get(map, "battery") != NULL;
	s->battery = k.battery;
	s->has_priority = fw_node_get(map, "authorized-priority") != NULL;
	s->priority = k.priority;
	return FW_OK;
}
