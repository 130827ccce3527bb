/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two programs share: command tables, usage, options, exit status,
 * errors.  Results go to stdout, everything else to stderr.
 */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stdio.h>

#include "host/fwhost.h"

/* The program's name, for messages; each main.c defines it. */
extern const char cli_prog[];
/* One line on what the program is for; likewise. */
extern const char cli_about[];

/*
 * A command.  run() gets its own name as argv[0] and parses its options with
 * cli_getopt(); help is what follows "usage: PROG " (the synopsis, an empty
 * line, the options), printed for --help, which run() never sees; NULL for a
 * group of commands, whose run() is one call of cli_group().
 */
struct cli_command {
	const char *name;
	enum fw_kind (*run)(int argc, char **argv, struct fw_error *err);
	const char *summary;
	const char *help;
};

/* The whole of main(): returns the exit status. */
int cli_main(const struct cli_command *commands, size_t n, int argc,
    char **argv);

/*
 * Run one of the commands of a group, whose name is argv[0]; help as above, of
 * the group.  The help of each of them begins with the group's name.
 */
enum fw_kind cli_group(const struct cli_command *commands, size_t n,
    const char *help, int argc, char **argv, struct fw_error *err);

/* 0 done or accepted, 1 refused or failed, 2 usage or input, 3 key. */
int cli_exit_code(enum fw_kind kind);
/* "PROG: file:line:col: text" on stderr, unless there is no text. */
void cli_error(const struct fw_error *err);
/* "PROG: warning: text" on stderr, made printable. */
void cli_warn(const char *fmt, ...) FW_PRINTF(1, 2);

/*
 * getopt_long() with errors of ours: an option that is unknown, abbreviated,
 * without its argument or with one too many gives '?' and FW_E_USAGE in err.
 * shorts has neither '+', '-' nor ':' in front.
 */
int cli_getopt(int argc, char **argv, const char *shorts,
    const struct option *longs, struct fw_error *err);
/* Exactly n operands, or FW_E_USAGE; what names them ("a bundle"). */
enum fw_kind cli_operands(int argc, char **argv, int n, const char *what,
    struct fw_error *err);
/* FW_E_USAGE if the option was given before (*value is set), else set it. */
enum fw_kind cli_once(const char *option, const char **value,
    const char *given, struct fw_error *err);
/* A decimal or 0x number within min..max, nothing before or after it; what
   says where it stands ("option '--pin-fd'"). */
enum fw_kind cli_uint(const char *what, const char *text, uint64_t min,
    uint64_t max, uint64_t *out, struct fw_error *err);

/*
 * What --time was given: "none" (*judge false) or RFC 3339 (*judge true, *out
 * the seconds since 1970).
 */
enum fw_kind cli_time(const char *text, bool *judge, int64_t *out,
    struct fw_error *err);

/*
 * The candidate nearest to text, NULL when none is near: for "did you mean".
 * Candidates end with NULL.
 */
const char *cli_nearest(const char *text, const char *const *candidates);

/* f is a terminal that shows styles, and NO_COLOR does not forbid it. */
bool cli_color(FILE *f);
enum cli_style { CLI_PLAIN, CLI_BOLD, CLI_GOOD, CLI_BAD };
/* Print with a style if f shows styles, plainly otherwise. */
void cli_print(FILE *f, enum cli_style style, const char *fmt, ...)
    FW_PRINTF(3, 4);
/* Print untrusted text, made printable. */
void cli_text(FILE *f, const void *text, size_t n);

#endif
