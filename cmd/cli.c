/* SPDX-License-Identifier: Apache-2.0 */
/* Command tables, usage, exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { NAMES_MAX = 16 };

int
cli_exit_code(enum fw_kind kind)
{
	switch (kind) {
	case FW_OK:
		return 0;
	case FW_E_REFUSED:
	case FW_E_IO:
	case FW_E_NOMEM:
		return 1;
	case FW_E_USAGE:
	case FW_E_INPUT:
		return 2;
	case FW_E_KEY:
		return 3;
	}
	return 1;
}

void
cli_error(const struct fw_error *err)
{
	char line[FW_ERROR_LINE_MAX];

	if (err->text[0] == '\0')
		return;
	/* What was printed so far comes first where both go to one place. */
	(void)fflush(stdout);
	fw_error_format(err, cli_prog, line, sizeof line);
	(void)fputs(line, stderr);
}

void
cli_warn(const char *fmt, ...)
{
	struct fw_error warning = { .kind = FW_OK };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(warning.text, sizeof warning.text, fmt, ap);
	va_end(ap);
	(void)fw_wrap(&warning, "warning");
	cli_error(&warning);
}

static void
usage(FILE *f, const struct cli_command *commands, size_t n)
{
	(void)fprintf(f, "usage: %s COMMAND [OPTION]... [ARGUMENT]...\n\n%s\n\n"
	    "Commands:\n", cli_prog, cli_about);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(f, "  %-13s %s\n", commands[i].name,
		    commands[i].summary);
	(void)fprintf(f, "\nOptions:\n"
	    "  -h, --help     show this help; after a command, that of it\n"
	    "  -V, --version  show the version\n"
	    "\nThe manual is in %s(1).\n", cli_prog);
}

/* --help or -h among the options of a command. */
static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static void
print_version(void)
{
	(void)printf("%s %s\n", cli_prog, FW_VERSION);
}

static enum fw_kind
unknown_command(const struct cli_command *commands, size_t n,
    const char *name, struct fw_error *err)
{
	const char *names[NAMES_MAX + 1], *near;
	size_t i;

	for (i = 0; i < n && i < NAMES_MAX; i++)
		names[i] = commands[i].name;
	names[i] = NULL;
	near = cli_nearest(name, names);
	if (near != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "unknown command '%s' (did you mean '%s'?)", name, near);
	return fw_fail(err, FW_E_USAGE,
	    "unknown command '%s' (see %s --help)", name, cli_prog);
}

static enum fw_kind
run_command(const struct cli_command *c, int argc, char **argv,
    struct fw_error *err)
{
	if (c->help != NULL && asks_for_help(argc, argv)) {
		(void)printf("usage: %s %s", cli_prog, c->help);
		return FW_OK;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		print_version();
		return FW_OK;
	}
	optind = 0;			/* glibc: start over */
	return c->run(argc, argv, err);
}

enum fw_kind
cli_group(const struct cli_command *commands, size_t n, const char *help,
    int argc, char **argv, struct fw_error *err)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };

	for (size_t i = 0; argc > 1 && i < n; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(&commands[i], argc - 1, argv + 1,
			    err);
	if (asks_for_help(argc, argv)) {
		(void)printf("usage: %s %s", cli_prog, help);
		return FW_OK;
	}
	if (cli_getopt(argc, argv, "+", none, err) != -1)
		return FW_E_USAGE;
	if (optind >= argc)
		return fw_fail(err, FW_E_USAGE, "a command is missing after "
		    "'%s' (see %s %s --help)", argv[0], cli_prog, argv[0]);
	return unknown_command(commands, n, argv[optind], err);
}

static enum fw_kind
dispatch(const struct cli_command *commands, size_t n, int argc, char **argv,
    struct fw_error *err)
{
	static const struct option longs[] = {
		{ "help",    no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	/* '+': stop at the command's name, its options are its own. */
	while ((c = cli_getopt(argc, argv, "+hV", longs, err)) != -1) {
		switch (c) {
		case 'h':
			usage(stdout, commands, n);
			return FW_OK;
		case 'V':
			print_version();
			return FW_OK;
		default:
			return FW_E_USAGE;
		}
	}
	if (optind >= argc) {
		usage(stderr, commands, n);
		return fw_fail(err, FW_E_USAGE, "a command is missing");
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(argv[optind], commands[i].name) == 0)
			return run_command(&commands[i], argc - optind,
			    argv + optind, err);
	return unknown_command(commands, n, argv[optind], err);
}

/*
 * Have 0, 1 and 2 open, lest an output file becomes stdout; the wrong way
 * round, so that reading or writing them still fails.
 */
static void
occupy_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
}

/* A result that did not arrive is a failure. */
static enum fw_kind
finish_stdout(struct fw_error *err)
{
	const bool bad = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !bad)
		return FW_OK;
	if (errno == 0)
		return fw_fail(err, FW_E_IO,
		    "cannot write to the standard output");
	return fw_fail_errno(err, FW_E_IO,
	    "cannot write to the standard output");
}

int
cli_main(const struct cli_command *commands, size_t n, int argc, char **argv)
{
	struct fw_error err = { .kind = FW_OK };
	enum fw_kind kind, out;

	occupy_standard_files();
	/* A closed pipe and a size limit are errors like any other. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);

	kind = dispatch(commands, n, argc, argv, &err);
	if (kind != FW_OK)
		cli_error(&err);
	out = finish_stdout(&err);
	if (out != FW_OK)
		cli_error(&err);
	return cli_exit_code(kind != FW_OK ? kind : out);
}
