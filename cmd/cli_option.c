/* SPDX-License-Identifier: Apache-2.0 */
/* Options and operands, and how output is emphasised. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { WORD_MAX = 48, OPTIONS_MAX = 48 };

/* ---- did you mean ---------------------------------------------------- */

static size_t
min3(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edit distance (Levenshtein), a swap of neighbours counting as one. */
static size_t
distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= an; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= bn; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= an; i++) {
		for (size_t j = 1; j <= bn; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 <
			    d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[an][bn];
}

const char *
cli_nearest(const char *text, const char *const *candidates)
{
	const size_t n = strlen(text);
	const char *best = NULL;
	size_t best_d = SIZE_MAX, d, cn;

	for (; n != 0 && n <= WORD_MAX && *candidates != NULL; candidates++) {
		cn = strlen(*candidates);
		if (cn > WORD_MAX)
			continue;
		/* A beginning is as good as one slip. */
		d = cn > n && n >= 3 && strncmp(text, *candidates, n) == 0 ?
		    1 : distance(text, n, *candidates, cn);
		if (d < best_d && d <= (n < 4 ? 1 : n < 8 ? 2 : 3)) {
			best = *candidates;
			best_d = d;
		}
	}
	return best;
}

/* ---- options --------------------------------------------------------- */

/* Where getopt found the option it has just returned or refused. */
static const char *
current(int argc, char **argv)
{
	const int i = optind - 1 - (optarg != NULL && optind >= 2 &&
	    optarg == argv[optind - 1]);

	return i > 0 && i < argc ? argv[i] : "";
}

static bool
is_long(const char *word)
{
	return word[0] == '-' && word[1] == '-';
}

static int
unknown_option(const char *word, const struct option *longs,
    struct fw_error *err)
{
	const char *names[OPTIONS_MAX + 1], *near;
	const int n = (int)strcspn(word, "=");
	char name[WORD_MAX + 1];
	size_t i;

	for (i = 0; i < OPTIONS_MAX && longs[i].name != NULL; i++)
		names[i] = longs[i].name;
	names[i] = NULL;
	(void)snprintf(name, sizeof name, "%.*s", n - 2, word + 2);
	near = cli_nearest(name, names);
	if (near != NULL)
		(void)fw_fail(err, FW_E_USAGE,
		    "unknown option '%.*s' (did you mean '--%s'?)", n, word,
		    near);
	else
		(void)fw_fail(err, FW_E_USAGE,
		    "unknown option '%.*s' (see --help)", n, word);
	return '?';
}

/* getopt refused something: find out what and say so. */
static int
refused(int argc, char **argv, const struct option *longs,
    struct fw_error *err)
{
	const char *word = current(argc, argv);
	const size_t n = strcspn(word, "=");

	if (optopt == 0)
		return unknown_option(word, longs, err);
	/* In a cluster of short options word is the one before it. */
	for (; is_long(word) && longs->name != NULL; longs++) {
		if (longs->has_arg == no_argument && longs->val == optopt &&
		    strlen(longs->name) == n - 2 && word[n] == '=' &&
		    strncmp(longs->name, word + 2, n - 2) == 0) {
			(void)fw_fail(err, FW_E_USAGE,
			    "option '--%s' takes no argument", longs->name);
			return '?';
		}
	}
	(void)fw_fail(err, FW_E_USAGE, "unknown option '-%c' (see --help)",
	    optopt);
	return '?';
}

static int
missing_argument(int argc, char **argv, struct fw_error *err)
{
	const char *word = current(argc, argv);

	if (is_long(word))
		(void)fw_fail(err, FW_E_USAGE,
		    "option '%s' needs an argument", word);
	else
		(void)fw_fail(err, FW_E_USAGE,
		    "option '-%c' needs an argument", optopt);
	return '?';
}

int
cli_getopt(int argc, char **argv, const char *shorts,
    const struct option *longs, struct fw_error *err)
{
	const bool stop = shorts[0] == '+';
	char spec[2 * 64];
	const char *word;
	int c, i = -1;

	opterr = 0;
	(void)snprintf(spec, sizeof spec, "%s:%s", stop ? "+" : "",
	    shorts + stop);
	optarg = NULL;
	c = getopt_long(argc, argv, spec, longs, &i);
	if (c == -1)
		return -1;
	word = current(argc, argv);
	if (c == '?')
		return refused(argc, argv, longs, err);
	if (c == ':')
		return missing_argument(argc, argv, err);
	/* getopt takes any beginning that is unique today; we do not. */
	if (i >= 0 && (strncmp(word + 2, longs[i].name,
	    strlen(longs[i].name)) != 0 ||
	    strcspn(word + 2, "=") != strlen(longs[i].name)))
		return unknown_option(word, longs, err);
	return c;
}

enum fw_kind
cli_operands(int argc, char **argv, int n, const char *what,
    struct fw_error *err)
{
	if (argc - optind < n)
		return fw_fail(err, FW_E_USAGE, "%s is missing (see --help)",
		    what);
	if (argc - optind > n)
		return fw_fail(err, FW_E_USAGE,
		    "unexpected argument '%s' (see --help)",
		    argv[optind + n]);
	return FW_OK;
}

enum fw_kind
cli_once(const char *option, const char **value, const char *given,
    struct fw_error *err)
{
	if (*value != NULL)
		return fw_fail(err, FW_E_USAGE, "option '%s' is given twice",
		    option);
	*value = given;
	return FW_OK;
}

enum fw_kind
cli_uint(const char *what, const char *text, uint64_t min, uint64_t max,
    uint64_t *out, struct fw_error *err)
{
	const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long v;
	char *end;

	/* strtoull() alone would take signs and spaces. */
	if (!(hex ? isxdigit((unsigned char)digits[0]) :
	    isdigit((unsigned char)digits[0])))
		return fw_fail(err, FW_E_USAGE,
		    "%s needs a number, not '%s'", what, text);
	errno = 0;
	v = strtoull(digits, &end, hex ? 16 : 10);
	if (*end != '\0')
		return fw_fail(err, FW_E_USAGE,
		    "%s needs a number, not '%s'", what, text);
	if (errno == ERANGE || v < min || v > max)
		return fw_fail(err, FW_E_USAGE,
		    "%s is out of range: '%s' (%llu to %llu)", what, text, (unsigned long long)min,
		    (unsigned long long)max);
	*out = v;
	return FW_OK;
}

enum fw_kind
cli_time(const char *text, bool *judge, int64_t *out, struct fw_error *err)
{
	*judge = strcmp(text, "none") != 0;
	if (*judge && !fw_time_parse(text, out))
		return fw_fail(err, FW_E_USAGE, "option '--time' needs a time "
		    "by RFC 3339 (such as 2026-01-31T12:00:00Z) or none, not "
		    "'%s'", text);
	return FW_OK;
}

/* ---- printing -------------------------------------------------------- */

bool
cli_color(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no == NULL || no[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0 && isatty(fileno(f)) == 1;
}

void
cli_print(FILE *f, enum cli_style style, const char *fmt, ...)
{
	static const char *const start[] = {
		[CLI_PLAIN] = "",
		[CLI_BOLD] = "\033[1m",
		[CLI_GOOD] = "\033[1;32m",
		[CLI_BAD] = "\033[1;31m",
	};
	const bool on = style != CLI_PLAIN && cli_color(f);
	va_list ap;

	if (on)
		(void)fputs(start[style], f);
	va_start(ap, fmt);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
	if (on)
		(void)fputs("\033[0m", f);
}

void
cli_text(FILE *f, const void *text, size_t n)
{
	const char *p = text;
	char piece[4 * 64 + 1];
	size_t left;

	for (; n > 0; p += n - left, n = left) {
		left = fw_printable(p, n, piece, sizeof piece);
		(void)fputs(piece, f);
	}
}
