/* SPDX-License-Identifier: Apache-2.0 */
/* Command sequences as text. */
#include <stdio.h>
#include <string.h>

#include "host/describe_internal.h"

static void commands(struct fw_text *t, const json_t *list, unsigned indent,
    const json_t *components);

/* Directives as they are, conditions as what they check. */
static void
command_label(struct fw_text *t, const json_t *command, unsigned indent)
{
	const char *const name = json_string_value(json_object_get(command,
	    "name"));
	char label[64];

	if (name == NULL)
		(void)snprintf(label, sizeof label, "unknown");
	else if (strcmp(name, "condition-check-content") == 0)
		(void)snprintf(label, sizeof label, "check content");
	else if (strcmp(name, "condition-abort") == 0)
		(void)snprintf(label, sizeof label, "abort");
	else if (strncmp(name, "condition-", 10) == 0)
		(void)snprintf(label, sizeof label, "check %s", name + 10);
	else
		(void)snprintf(label, sizeof label, "%s",
		    strncmp(name, "directive-", 10) == 0 ? name + 10 : name);
	fw_t_label(t, indent, label);
}

/* "component 1 (label)" */
static void
one_component(struct fw_text *t, const json_t *index,
    const json_t *components)
{
	const json_t *const c = json_is_integer(index) ?
	    json_array_get(components, (size_t)json_integer_value(index)) :
	    NULL;

	fw_t_put(t, "component ");
	fw_t_value(t, index);
	if (c != NULL) {
		fw_t_put(t, " ");
		fw_t_identifier(t, c);
	} else {
		fw_t_put(t, " (there is no such component)");
	}
}

static void
set_index(struct fw_text *t, const json_t *command, unsigned indent,
    const json_t *components)
{
	const json_t *const list = json_object_get(command, "components");
	const json_t *index;
	size_t i;

	fw_t_put(t, "%*s", (int)indent, "");
	if (json_is_string(list))
		fw_t_put(t, "all components");
	if (json_is_array(list) && json_array_size(list) == 0)
		fw_t_put(t, "component ?");
	json_array_foreach(list, i, index) {
		if (i > 0)
			fw_t_put(t, ", then ");
		one_component(t, index, components);
	}
	if (json_object_get(command, "argument") != NULL) {
		fw_t_put(t, " ");
		fw_t_value(t, json_object_get(command, "argument"));
	}
	fw_t_put(t, "\n");
}

static void
parameter(struct fw_text *t, const json_t *p, unsigned indent,
    const json_t *components)
{
	const char *const name = json_string_value(json_object_get(p,
	    "name"));
	const json_t *const value = json_object_get(p, "value");
	const json_int_t key = json_integer_value(json_object_get(p, "key"));

	if (name != NULL && strcmp(name, "unknown") != 0 &&
	    strcmp(name, "custom") != 0) {
		fw_t_label(t, indent, name);
	} else {
		fw_t_put(t, "%*s%s %" JSON_INTEGER_FORMAT "  ", (int)indent,
		    "", name != NULL ? name : "unknown", key);
	}
	if (key == FWD_PAR_SOURCE && json_is_integer(value))
		one_component(t, value, components);
	else
		fw_t_value(t, value);
	if (key == FWD_PAR_SIZE)
		fw_t_put(t, " bytes");
	fw_t_put(t, "\n");
}

/* What a command reports; nothing is said where it has no such policy. */
static void
reports(struct fw_text *t, const json_t *command)
{
	const json_t *const list = json_object_get(command, "reports");
	const json_t *what;
	size_t i;

	if (list == NULL)
		return;
	fw_t_put(t, "report: ");
	if (json_array_size(list) == 0)
		fw_t_put(t, "nothing");
	if (json_array_size(list) == 4) {
		fw_t_put(t, "everything");
		return;
	}
	json_array_foreach(list, i, what) {
		if (i > 0)
			fw_t_put(t, ", ");
		fw_t_value(t, what);
	}
}

static void
try_each(struct fw_text *t, const json_t *command, unsigned indent,
    const json_t *components)
{
	const json_t *alternative;
	size_t i;

	json_array_foreach(json_object_get(command, "alternatives"), i,
	    alternative) {
		fw_t_put(t, "%*s%s\n", (int)indent + 2, "",
		    i == 0 ? "either" : "or");
		commands(t, alternative, indent + 4, components);
	}
	if (json_is_true(json_object_get(command, "or-nothing")))
		fw_t_put(t, "%*sor nothing\n", (int)indent + 2, "");
}

static void
one_command(struct fw_text *t, const json_t *command, unsigned indent,
    const json_t *components)
{
	const json_t *const argument = json_object_get(command, "argument");
	const json_t *p;
	size_t i;

	command_label(t, command, indent);
	reports(t, command);
	if (argument != NULL) {
		fw_t_value(t, json_object_get(command, "code"));
		fw_t_put(t, ", argument ");
		fw_t_value(t, argument);
	}
	while (t->out.n > 0 && t->out.p[t->out.n - 1] == ' ')
		t->out.n--;
	fw_t_put(t, "\n");
	json_array_foreach(json_object_get(command, "parameters"), i, p)
		parameter(t, p, indent + 2, components);
	try_each(t, command, indent, components);
	commands(t, json_object_get(command, "commands"), indent + 2,
	    components);
}

/* Commands stand below the component they act on, once it was set. */
static void
commands(struct fw_text *t, const json_t *list, unsigned indent,
    const json_t *components)
{
	const json_t *command;
	unsigned in = 0;
	size_t i;

	json_array_foreach(list, i, command) {
		if (json_object_get(command, "components") != NULL) {
			set_index(t, command, indent, components);
			in = 2;
		} else {
			one_command(t, command, indent + in, components);
		}
	}
}

void
fw_t_sequences(struct fw_text *t, const json_t *envelope)
{
	const json_t *const components = json_object_get(json_object_get(
	    envelope, "manifest"), "components");
	const json_t *section, *list;
	const char *name, *where;
	size_t i;

	json_array_foreach(json_object_get(envelope, "sequences"), i,
	    section) {
		name = json_string_value(json_object_get(section, "section"));
		where = json_string_value(json_object_get(section, "where"));
		fw_t_put(t, "\nCommands: %s%s%s\n", name,
		    name != NULL && strcmp(name, "shared") == 0 ?
		    ", before each of the others" : "",
		    where != NULL && strcmp(where, "envelope") == 0 ?
		    " (severable)" : "");
		list = json_object_get(section, "commands");
		/* What the draft presets where nothing else is said. */
		if (json_array_size(components) == 1 &&
		    json_object_get(json_array_get(list, 0), "components") ==
		    NULL) {
			fw_t_put(t, "  component 0 ");
			fw_t_identifier(t, json_array_get(components, 0));
			fw_t_put(t, "\n");
			commands(t, list, 4, components);
		} else {
			commands(t, list, 2, components);
		}
	}
}
