/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signing log: every line removed, changed, inserted or moved, the file
 * cut at every place and gone on with, processes that append at once or are
 * killed, and checkpoints.
 */
#include <openssl/evp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "testdata/fault.h"
#include "testdata/scratch.h"

#include "host/internal.h"
#include "host/log.h"
#include "port/fwport.h"

enum { LINES = 5 };

static struct fw_error err;
static struct fwp_openssl *openssl;
static struct fwd_crypto crypto;
static struct fw_log_options opt;
static struct fw_log_report report;
static struct fw_buf whole;		/* a log of LINES lines */
static size_t end[LINES + 1];		/* of each line, its end included */

/* ---- a log ---------------------------------------------------------- */

static json_t *
entry(const char *bundle)
{
	json_t *const o = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s},"
	    "s:s, s:s, s:n, s:s, s:i, s:s, s:n, s:s}", "type", "signature",
	    "algorithm", "ESP256", "bundle", bundle, "certificate", "issuer",
	    "CN=ca", "serial", "01", "sha256",
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	    "subject", "CN=\xc3\xa4 \\ \"x\"", "key", "key 'k'",
	    "manifest-digest", "sha-256:00", "mechanism", "product", "Pump",
	    "sequence-number", 7, "signature-sha256",
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	    "token", "version", "1.2");

	cr_assert_not_null(o);
	return o;
}

static enum fw_kind
append(const char *bundle)
{
	json_t *const o = entry(bundle);
	const enum fw_kind kind = fw_log_append_entries(scratch_path, &o, 1,
	    &err);

	json_decref(o);
	return kind;
}

static void
append_ok(const char *bundle)
{
	cr_assert_eq(append(bundle), FW_OK, "%s", err.text);
}

static enum fw_kind
verify(void)
{
	fw_log_report_deinit(&report);
	err = (struct fw_error){ .kind = FW_OK };
	return fw_log_verify(scratch_path, &opt, &report, &err);
}

static void
verify_ok(const char *what, size_t n)
{
	cr_assert_eq(verify(), FW_OK, "%s %zu: line %u: %s", what, n,
	    err.line, err.text);
}

/* Refused, and the line is named. */
static void
verify_fails(const char *what, size_t n, unsigned line)
{
	cr_assert_eq(verify(), FW_E_REFUSED, "%s %zu: accepted", what, n);
	cr_assert_eq(err.line, line, "%s %zu: line %u instead of %u: %s",
	    what, n, err.line, line, err.text);
	cr_assert_str_eq(err.file, scratch_path);
}

static void
read_whole(void)
{
	size_t i, n = 0;

	fw_buf_deinit(&whole);
	cr_assert_eq(fw_file_read(scratch_path, 1 << 20, &whole, &err), FW_OK);
	for (i = 0; i < whole.n; i++)
		if (whole.p[i] == '\n' && n < LINES)
			end[++n] = i + 1;
}

static void
make_log(void)
{
	char name[16];
	int i;

	for (i = 0; i < LINES; i++) {
		(void)snprintf(name, sizeof name, "%d.fwb", i);
		append_ok(name);
	}
	read_whole();
	cr_assert_eq(end[LINES], whole.n);
}

static void
setup(void)
{
	scratch_setup();
	openssl = fwp_openssl_new();
	cr_assert_not_null(openssl);
	crypto = fwp_openssl_crypto(openssl);
	opt = (struct fw_log_options){ .crypto = &crypto };
	fault_reset();
	make_log();
}

static void
teardown(void)
{
	fwp_openssl_free(openssl);
	fw_log_report_deinit(&report);
	fw_buf_deinit(&whole);
	scratch_teardown();
}

TestSuite(log, .init = setup, .fini = teardown, .timeout = 600);

/* Line i, its end included. */
static void
put_line(struct fw_buf *out, size_t i)
{
	cr_assert_eq(fw_buf_add(out, whole.p + end[i], end[i + 1] - end[i],
	    &err), FW_OK);
}

/* Write these lines of the log in this order. */
static void
write_lines(const size_t *line, size_t n)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		put_line(&b, line[i]);
	scratch_write(b.p, b.n);
}

/* ---- what was written ----------------------------------------------- */

Test(log, holds)
{
	verify_ok("as it is", 0);
	cr_assert_eq(report.lines, LINES);
	cr_assert_eq(report.signatures, LINES);
	cr_assert_eq(report.checkpoints + report.repairs + report.torn, 0);
	cr_assert_eq(strlen(report.head), 64);
}

Test(log, is_canonical_and_chained)
{
	char previous[65] = "00000000000000000000000000000000"
	    "00000000000000000000000000000000";
	uint8_t digest[32];
	size_t i, j, n;
	json_t *o;
	char *text;

	for (i = 0; i < LINES; i++) {
		n = end[i + 1] - end[i] - 1;
		o = json_loadb((const char *)whole.p + end[i], n, 0, NULL);
		cr_assert_not_null(o);
		text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
		cr_assert_eq(strlen(text), n);
		cr_assert_arr_eq(text, whole.p + end[i], n);
		free(text);
		cr_assert_str_eq(json_string_value(json_object_get(o,
		    "previous")), previous);
		cr_assert_eq(json_integer_value(json_object_get(o, "line")),
		    (json_int_t)i + 1);
		cr_assert_eq(EVP_Digest(whole.p + end[i], n, digest, NULL,
		    EVP_sha256(), NULL), 1);
		for (j = 0; j < 32; j++)
			(void)snprintf(previous + 2 * j, 3, "%02x",
			    digest[j]);
		json_decref(o);
	}
}

Test(log, empty)
{
	scratch_write("", 0);
	verify_ok("empty", 0);
	cr_assert_eq(report.lines, 0);
	cr_assert_str_eq(report.head, "");
	append_ok("first");
	verify_ok("one line", 0);
	cr_assert_eq(report.lines, 1);
}

/* ---- tampering ------------------------------------------------------ */

Test(log, line_removed)
{
	size_t line[LINES], gone, i, n;

	for (gone = 0; gone + 1 < LINES; gone++) {
		for (i = n = 0; i < LINES; i++)
			if (i != gone)
				line[n++] = i;
		write_lines(line, n);
		verify_fails("removed", gone, (unsigned)gone + 1);
	}
	/* The last one: only a checkpoint tells. */
	write_lines((const size_t[]){ 0, 1, 2, 3 }, LINES - 1);
	verify_ok("the last line removed", 0);
}

Test(log, lines_swapped)
{
	size_t line[LINES], i, j, k;

	for (i = 0; i < LINES; i++)
		for (j = i + 1; j < LINES; j++) {
			for (k = 0; k < LINES; k++)
				line[k] = k == i ? j : k == j ? i : k;
			write_lines(line, LINES);
			verify_fails("swapped", 10 * i + j, (unsigned)i + 1);
		}
}

Test(log, line_inserted)
{
	size_t line[LINES + 1], at, which, i, n;

	for (which = 0; which < LINES; which++)
		for (at = 0; at <= LINES; at++) {
			for (i = n = 0; i <= LINES; i++)
				line[i] = i == at ? which : n++;
			write_lines(line, LINES + 1);
			/* Behind itself, the copy is the one that is wrong. */
			verify_fails("inserted", 10 * which + at,
			    (unsigned)(at == which ? at + 2 : at + 1));
		}
}

/* One bit of every byte. */
Test(log, byte_changed)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < whole.n; i++) {
		whole.p[i] ^= (uint8_t)(1 << (i % 8));
		scratch_write(whole.p, whole.n);
		cr_assert_eq(verify(), FW_E_REFUSED, "byte %zu", i);
		cr_assert_eq(err.line, line, "byte %zu: line %u: %s", i,
		    err.line, err.text);
		whole.p[i] ^= (uint8_t)(1 << (i % 8));
		line += whole.p[i] == '\n';
	}
}

/* By one who makes the line's own hash right again. */
Test(log, line_rewritten)
{
	static const char *const text[] = { "Pump", "Pomp" };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	size_t i, k;
	char *line;
	json_t *o;

	for (i = 0; i + 1 < LINES; i++) {
		fw_buf_deinit(&b);
		for (k = 0; k < LINES; k++) {
			if (k != i) {
				put_line(&b, k);
				continue;
			}
			uint8_t digest[32];
			char hex[65];

			o = json_loadb((const char *)whole.p + end[k],
			    end[k + 1] - end[k] - 1, 0, NULL);
			cr_assert_str_eq(json_string_value(json_object_get(o,
			    "product")), text[0]);
			(void)json_object_set_new(o, "product",
			    json_string(text[1]));
			(void)json_object_del(o, "hash");
			line = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
			cr_assert_eq(EVP_Digest(line, strlen(line), digest,
			    NULL, EVP_sha256(), NULL), 1);
			for (size_t j = 0; j < 32; j++)
				(void)snprintf(hex + 2 * j, 3, "%02x",
				    digest[j]);
			free(line);
			(void)json_object_set_new(o, "hash", json_string(hex));
			line = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
			cr_assert_eq(fw_buf_add(&b, line, strlen(line), &err),
			    FW_OK);
			cr_assert_eq(fw_buf_add(&b, "\n", 1, &err), FW_OK);
			free(line);
			json_decref(o);
		}
		scratch_write(b.p, b.n);
		verify_fails("rewritten", i, (unsigned)i + 1);
	}
}

Test(log, not_a_line)
{
	static const char *const text[] = { "\n", "{}\n", "[]\n", "null\n",
	    "{\"log\":1}\n", " \n", "{\"a\":1,\"a\":1}\n", "x\n" };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	size_t i;

	for (i = 0; i < sizeof text / sizeof text[0]; i++) {
		fw_buf_deinit(&b);
		put_line(&b, 0);
		cr_assert_eq(fw_buf_add(&b, text[i], strlen(text[i]), &err),
		    FW_OK);
		scratch_write(b.p, b.n);
		verify_fails(text[i], i, 2);
		/* Nothing is added to a log that is damaged. */
		cr_assert_eq(append("x"), FW_E_REFUSED, "%s", text[i]);
		fw_buf_deinit(&whole);
		read_whole();
		cr_assert_eq(whole.n, b.n);
		scratch_write("", 0);
		make_log();
	}
}

/* ---- cut short ------------------------------------------------------ */

/* What was there is still there. */
static void
check_prefix(const uint8_t *p, size_t n)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf now = { 0 };

	cr_assert_eq(fw_file_read(scratch_path, 1 << 20, &now, &err), FW_OK);
	cr_assert_geq(now.n, n);
	cr_assert_eq(memcmp(now.p, p, n), 0, "what was there was changed");
}

Test(log, cut_everywhere)
{
	size_t cut, lines = 0;
	bool ended, torn;

	for (cut = 0; cut <= whole.n; cut++) {
		lines += cut > 0 && whole.p[cut - 1] == '\n';
		ended = cut == 0 || whole.p[cut - 1] == '\n';
		torn = !ended && whole.p[cut] != '\n';
		scratch_write(whole.p, cut);
		if (ended)
			verify_ok("cut", cut);
		else
			verify_fails("cut", cut, (unsigned)lines + 1);
		append_ok("next.fwb");
		check_prefix(whole.p, cut);
		verify_ok("gone on", cut);
		cr_assert_eq(report.repairs, torn, "cut %zu", cut);
		cr_assert_eq(report.torn, torn);
		cr_assert_eq(report.signatures, lines + 1 +
		    (!ended && !torn), "cut %zu", cut);
		if (torn)
			cr_assert_eq(report.repair[0].line, lines + 2);
		append_ok("and next.fwb");
		verify_ok("gone on again", cut);
	}
}

/* The repair itself is cut short, at every place; and that is repaired. */
Test(log, repair_cut_everywhere)
{
	const size_t base = end[2] + 100;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf full = { 0 };
	size_t cut;

	scratch_write(whole.p, base);
	append_ok("next.fwb");
	cr_assert_eq(fw_file_read(scratch_path, 1 << 20, &full, &err), FW_OK);
	for (cut = base; cut <= full.n; cut++) {
		scratch_write(full.p, cut);
		if (cut < full.n)
			(void)verify();	/* whatever it says */
		append_ok("once more.fwb");
		check_prefix(full.p, cut);
		verify_ok("repair cut", cut - base);
		cr_assert_geq(report.repairs, 1);
		cr_assert_geq(report.signatures, 3);
	}
}

/* A file system can leave zeros where data should be. */
Test(log, zeros_at_the_end)
{
	static const uint8_t zeros[300];
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	size_t n;

	for (n = 1; n <= sizeof zeros; n += 13) {
		fw_buf_deinit(&b);
		cr_assert_eq(fw_buf_add(&b, whole.p, end[3] + n, &err), FW_OK);
		cr_assert_eq(fw_buf_add(&b, zeros, n, &err), FW_OK);
		scratch_write(b.p, b.n);
		verify_fails("zeros", n, 4);
		append_ok("next.fwb");
		check_prefix(b.p, b.n);
		verify_ok("zeros repaired", n);
		cr_assert_eq(report.repairs, 1);
	}
}

/* A repair excuses what was cut short, and nothing else. */
Test(log, repair_excuses_nothing_else)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf full = { 0 };
	size_t i, from;

	scratch_write(whole.p, end[2] + 100);
	append_ok("next.fwb");
	cr_assert_eq(fw_file_read(scratch_path, 1 << 20, &full, &err), FW_OK);
	from = end[2];
	/* The bytes that are left of the line, and the repair. */
	for (i = from; i < full.n; i++) {
		full.p[i] ^= 0x04;
		scratch_write(full.p, full.n);
		cr_assert_eq(verify(), FW_E_REFUSED, "byte %zu", i - from);
		full.p[i] ^= 0x04;
	}
	/* What was torn is taken away. */
	memmove(full.p + end[2], full.p + end[2] + 101, full.n - end[2] - 101);
	scratch_write(full.p, full.n - 101);
	verify_fails("torn line removed", 0, 3);
}

/* ---- failing calls -------------------------------------------------- */

Test(log, allocations_fail)
{
	enum fw_kind kind;
	int i;

	for (i = 0;; i++) {
		json_t *const o = entry("x.fwb");

		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_log_append_entries(scratch_path, &o, 1, &err);
		const bool hit = fault_hit();

		fault_reset();
		json_decref(o);
		verify_ok("after an allocation that failed", (size_t)i);
		if (!hit) {
			cr_assert_eq(kind, FW_OK, "%s", err.text);
			break;
		}
		if (kind != FW_OK)
			cr_assert_eq(report.lines, (uint64_t)LINES);
		scratch_write(whole.p, whole.n);
	}
	cr_assert_gt(i, 5);
}

/* A write that fails in its middle leaves nothing behind. */
Test(log, writes_fail)
{
	int i;

	fault.most = 50;
	for (i = 0; i < 10; i++) {
		fault_set(FAULT_WRITE, i, ENOSPC);
		cr_assert_eq(append("x.fwb"), FW_E_IO);
		cr_assert_not_null(strstr(err.text, "signing log"));
		fault_reset();
		verify_ok("after a write that failed", (size_t)i);
		cr_assert_eq(report.lines, (uint64_t)LINES);
	}
	fault.most = 0;
}

Test(log, nowhere_to_write)
{
	char path[256];
	json_t *o;

	(void)snprintf(path, sizeof path, "%s/none/log", scratch_dir);
	o = entry("x");
	cr_assert_eq(fw_log_append_entries(path, &o, 1, &err), FW_E_IO);
	cr_assert_eq(fw_log_ready(path, &err), FW_E_IO);
	cr_assert_eq(fw_log_append_entries(scratch_dir, &o, 1, &err), FW_E_IO);
	json_decref(o);
	cr_assert_eq(fw_log_ready(NULL, &err), FW_OK);
	cr_assert_eq(fw_log_verify(path, &opt, &report, &err), FW_E_INPUT);
}

/* ---- several processes ---------------------------------------------- */

static void
child_appends(int who, int times)
{
	char name[32];
	int i;

	for (i = 0; i < times; i++) {
		(void)snprintf(name, sizeof name, "%d.%d", who, i);
		if (append(name) != FW_OK)
			_exit(1);
	}
	_exit(0);
}

Test(log, many_processes)
{
	enum { WHO = 8, TIMES = 25 };
	int status, i, next[WHO] = { 0 }, who, nth;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	const char *p;

	for (i = 0; i < WHO; i++)
		if (fork() == 0)
			child_appends(i, TIMES);
	for (i = 0; i < WHO; i++) {
		cr_assert_gt(wait(&status), 0);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	verify_ok("many processes", 0);
	cr_assert_eq(report.lines, LINES + WHO * TIMES);
	/* Each one's lines are there, in its order. */
	cr_assert_eq(fw_file_read(scratch_path, 1 << 20, &b, &err), FW_OK);
	cr_assert_eq(fw_buf_add(&b, "", 1, &err), FW_OK);
	p = (const char *)b.p;
	for (i = 0; i < LINES; i++)
		p = strchr(p, '\n') + 1;
	while ((p = strstr(p, "\"bundle\":\"")) != NULL) {
		p += 10;
		cr_assert_eq(sscanf(p, "%d.%d", &who, &nth), 2);
		cr_assert_eq(next[who]++, nth);
	}
	for (i = 0; i < WHO; i++)
		cr_assert_eq(next[i], TIMES);
}

/* Killed in the middle, again and again: what was said to be there is. */
Test(log, killed)
{
	enum { ROUNDS = 40 };
	uint64_t said = LINES;
	struct timespec wait_a_bit = { 0 };
	int pipes[2], round, status;
	pid_t pid;
	char one;

	for (round = 0; round < ROUNDS; round++) {
		cr_assert_eq(pipe(pipes), 0);
		pid = fork();
		if (pid == 0) {
			for (;;)
				if (append("x") != FW_OK ||
				    write(pipes[1], "", 1) != 1)
					_exit(1);
		}
		(void)close(pipes[1]);
		wait_a_bit.tv_nsec = 1000000 + round * 370000;
		(void)nanosleep(&wait_a_bit, NULL);
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFSIGNALED(status));
		while (read(pipes[0], &one, 1) == 1)
			said++;
		(void)close(pipes[0]);
		append_ok("after");
		said++;
		verify_ok("killed", (size_t)round);
		cr_assert_geq(report.signatures, said);
		said = report.signatures;
	}
}

/* Who waited for the lock while the file was moved away writes a new one. */
Test(log, moved_while_waiting)
{
	char aside[200];
	const struct timespec pause = { .tv_nsec = 200000000 };
	int fd, status;
	pid_t pid;

	(void)snprintf(aside, sizeof aside, "%s.old", scratch_path);
	fd = open(scratch_path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(fd);
		_exit(append("new") == FW_OK ? 0 : 1);
	}
	(void)nanosleep(&pause, NULL);
	cr_assert_eq(rename(scratch_path, aside), 0);
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	verify_ok("the new one", 0);
	cr_assert_eq(report.lines, 1);
	cr_assert_eq(rename(aside, scratch_path), 0);
	verify_ok("the old one", 0);
	cr_assert_eq(report.lines, LINES);
}
