/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and starting PKCS #11 modules, and saying why one cannot be. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "host/p11.h"

/* ---- files that are no module ------------------------------------------- */

static const char *
machine_name(unsigned machine)
{
	switch (machine) {
	case EM_X86_64: return "x86-64";
	case EM_386: return "32-bit x86";
	case EM_AARCH64: return "64-bit Arm";
	case EM_ARM: return "32-bit Arm";
	case EM_RISCV: return "RISC-V";
	case EM_PPC64: return "POWER";
	case EM_S390: return "s390";
	case EM_MIPS: return "MIPS";
	case EM_LOONGARCH: return "LoongArch";
	default: return "another processor";
	}
}

/* The first bytes of an ELF file; word size does not matter for these. */
struct elf_head {
	unsigned char ident[EI_NIDENT];
	uint16_t type, machine;
};

static bool
elf_read(int fd, struct elf_head *h)
{
	return pread(fd, h, sizeof *h, 0) == (ssize_t)sizeof *h &&
	    memcmp(h->ident, ELFMAG, SELFMAG) == 0;
}

/* A library for this processor?  What this program is for is known from it. */
static enum fw_kind
check_elf(int fd, struct fw_error *err)
{
	FW_FD int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_head h, own;

	if (!elf_read(fd, &h))
		return fw_fail(err, FW_E_KEY, "it is no shared library (name "
		    "the .so file itself)");
	if (self < 0 || !elf_read(self, &own))
		return FW_OK;
	if (h.ident[EI_CLASS] != own.ident[EI_CLASS] ||
	    h.ident[EI_DATA] != own.ident[EI_DATA] ||
	    h.machine != own.machine)
		return fw_fail(err, FW_E_KEY, "it is for %s, and this program "
		    "is for %s (install the module for this architecture)",
		    machine_name(h.machine), machine_name(own.machine));
	if (h.type != ET_DYN)
		return fw_fail(err, FW_E_KEY, "it is no shared library (name "
		    "the .so file itself)");
	return FW_OK;
}

/* Opened with care: opening a pipe would wait for its other end. */
static enum fw_kind
check_file(const char *path, struct fw_error *err)
{
	FW_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fw_fail(err, FW_E_KEY, "%s (%s)", strerror(errno),
		    errno == ENOENT ? "is its package installed?" :
		    "may this user read it?");
	if (S_ISDIR(st.st_mode))
		return fw_fail(err, FW_E_KEY, "it is a folder (name the .so "
		    "file in it)");
	if (!S_ISREG(st.st_mode))
		return fw_fail(err, FW_E_KEY, "it is no regular file (name a "
		    "shared library)");
	return check_elf(fd, err);
}

/* p11-kit looks for a bare file name in a folder of its own. */
static enum fw_kind
check_path(const char *path, char real[PATH_MAX], struct fw_error *err)
{
	if (strchr(path, '/') == NULL) {
		(void)snprintf(real, PATH_MAX, "%s", path);
		return FW_OK;
	}
	FW_TRY(check_file(path, err));
	if (realpath(path, real) == NULL)
		return fw_fail_errno(err, FW_E_KEY, "it cannot be found");
	return FW_OK;
}

/* What p11-kit says is "couldn't load module: PATH: " and the linker's words,
   with the path once more: keep the last part. */
static enum fw_kind
not_loaded(const char *path, const char *real, struct fw_error *err)
{
	const char *why = p11_kit_message(), *at;

	if (why != NULL && strstr(why, "C_GetFunctionList") != NULL)
		return fw_fail(err, FW_E_KEY, "cannot load the PKCS #11 module "
		    "'%s': it is a library without C_GetFunctionList (name a "
		    "PKCS #11 module)", path);
	for (at = why; at != NULL && (at = strstr(at, real)) != NULL;
	    at += strlen(real)) {
		if (strncmp(at + strlen(real), ": ", 2) == 0)
			why = at + strlen(real) + 2;
	}
	return fw_fail(err, FW_E_KEY, "cannot load the PKCS #11 module "
	    "'%s'%s%s%s", path, why ? ": " : "", why ? why : "",
	    why && strstr(why, "cannot open shared object") != NULL ?
	    " (install what it needs)" : "");
}

/* ---- loading ------------------------------------------------------------ */

/* File or name of a module that was loaded, for messages. */
static char *
name_of(CK_FUNCTION_LIST *m)
{
	char *name = p11_kit_module_get_filename(m);

	if (name == NULL)
		name = p11_kit_module_get_name(m);
	return name != NULL ? name : strdup("without a name");
}

static enum fw_kind
name_all(struct fw_p11 *p, struct fw_error *err)
{
	size_t i, n;

	for (n = 0; p->modules[n] != NULL; n++)
		;
	p->names = calloc(n + 1, sizeof *p->names);
	for (i = 0; p->names != NULL && i < n; i++)
		if ((p->names[i] = name_of(p->modules[i])) == NULL)
			break;
	return p->names != NULL && i == n ? FW_OK :
	    fw_fail(err, FW_E_NOMEM, "out of memory");
}

static enum fw_kind
load_one(struct fw_p11 *p, const char *path, struct fw_error *err)
{
	char real[PATH_MAX];

	if (check_path(path, real, err) != FW_OK)
		return fw_wrap(err, "cannot load the PKCS #11 module '%s'",
		    path);
	p->modules = calloc(2, sizeof(CK_FUNCTION_LIST *));
	if (p->modules == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	p->by_path = true;
	fw_guard_enter("loading it", path);
	p->modules[0] = p11_kit_module_load(real, 0);
	fw_guard_leave();
	return p->modules[0] != NULL ? FW_OK : not_loaded(path, real, err);
}

static enum fw_kind
load_configured(struct fw_p11 *p, struct fw_error *err)
{
	const char *why;

	fw_guard_enter("loading it", "of p11-kit's configuration");
	p->modules = p11_kit_modules_load(NULL, 0);
	fw_guard_leave();
	if (p->modules != NULL)
		return FW_OK;
	why = p11_kit_message();
	return fw_fail(err, FW_E_KEY, "cannot load the modules of p11-kit's "
	    "configuration%s%s", why ? ": " : "", why ? why : "");
}

/* ---- starting and stopping ---------------------------------------------- */

static CK_RV
initialize_one(CK_FUNCTION_LIST *m, const char *name)
{
	CK_RV rv;

	fw_guard_enter("C_Initialize", name);
	rv = p11_kit_module_initialize(m);
	fw_guard_leave();
	return rv;
}

static enum fw_kind
not_initialized(const char *name, CK_RV rv, struct fw_error *err)
{
	if (rv == CKR_ARGUMENTS_BAD)
		(void)fw_p11_fail_remedy(err, "C_Initialize", rv, "if it needs "
		    "an initialization string, set x-init-reserved in "
		    "p11-kit's configuration");
	else
		(void)fw_p11_fail(err, "C_Initialize", rv);
	return fw_wrap(err, "PKCS #11 module '%s'", name);
}

/* Of those configured, one that fails is dropped unless it is critical; what
   it said is kept for the case that no token is found. */
static void
drop(struct fw_p11 *p, size_t i, const char *why)
{
	if (p->failed == NULL)
		p->failed = strdup(why);
	p11_kit_module_release(p->modules[i]);
	free(p->names[i]);
	for (; p->modules[i] != NULL; i++) {
		p->modules[i] = p->modules[i + 1];
		p->names[i] = p->names[i + 1];
	}
}

/* The first n modules. */
static void
finalize(struct fw_p11 *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && p->modules[i] != NULL; i++) {
		fw_guard_enter("C_Finalize", p->names[i]);
		(void)p11_kit_module_finalize(p->modules[i]);
		fw_guard_leave();
	}
}

static enum fw_kind
initialize(struct fw_p11 *p, struct fw_error *err)
{
	struct fw_error why;
	size_t i = 0;
	CK_RV rv;

	while (p->modules[i] != NULL) {
		rv = initialize_one(p->modules[i], p->names[i]);
		if (rv == CKR_OK) {
			i++;
			continue;
		}
		(void)not_initialized(p->names[i], rv, &why);
		if (p->by_path || (p11_kit_module_get_flags(p->modules[i]) &
		    P11_KIT_MODULE_CRITICAL)) {
			finalize(p, i);
			*err = why;
			return err->kind;
		}
		drop(p, i, why.text);
	}
	p->running = true;
	return FW_OK;
}

/* ---- the tokens that are open ------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fw_p11 *started;

static void
enlist(struct fw_p11 *p)
{
	(void)pthread_mutex_lock(&lock);
	p->next = started;
	started = p;
	(void)pthread_mutex_unlock(&lock);
}

static void
unlist(const struct fw_p11 *p)
{
	struct fw_p11 **at = &started;

	(void)pthread_mutex_lock(&lock);
	while (*at != NULL && *at != p)
		at = &(*at)->next;
	if (*at != NULL)
		*at = p->next;
	(void)pthread_mutex_unlock(&lock);
}

void
fw_p11_close_all(void)
{
	const struct fw_p11 *p;

	(void)pthread_mutex_lock(&lock);
	for (p = started; p != NULL; p = p->next)
		if (p->session != CK_INVALID_HANDLE)
			(void)FW_P11_CALL(p, C_CloseAllSessions, p->slot);
	(void)pthread_mutex_unlock(&lock);
}

/* ---- all of it ---------------------------------------------------------- */

enum fw_kind
fw_p11_start(struct fw_p11 *p, struct fw_error *err)
{
	const char *const path = p->opt.module ? p->opt.module :
	    p->uri.module_path;

	p11_kit_be_quiet();
	/* A module may start programs, such as those of p11-kit's "remote". */
	FW_TRY(fw_pin_hide(p->opt.pin_env, &p->env_pin, err));
	FW_TRY(path ? load_one(p, path, err) : load_configured(p, err));
	FW_TRY(name_all(p, err));
	FW_TRY(initialize(p, err));
	enlist(p);
	return FW_OK;
}

enum fw_kind
fw_p11_restart(struct fw_p11 *p, struct fw_error *err)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	p->running = false;
	finalize(p, SIZE_MAX);
	(void)nanosleep(&pause, NULL);
	return initialize(p, err);
}

void
fw_p11_stop(struct fw_p11 *p)
{
	size_t i;

	if (p->modules == NULL)
		return;
	unlist(p);
	if (p->session != CK_INVALID_HANDLE)
		(void)FW_P11_CALL(p, C_CloseSession, p->session);
	p->session = CK_INVALID_HANDLE;
	if (p->running)
		finalize(p, SIZE_MAX);
	p->running = false;
	for (i = 0; p->modules[i] != NULL; i++) {
		p11_kit_module_release(p->modules[i]);
		if (p->names != NULL)
			free(p->names[i]);
	}
	free(p->names);
	free(p->modules);
	free(p->failed);
	p->modules = NULL;
	p->names = NULL;
	p->failed = NULL;
	p->m = NULL;
	p->module = NULL;
}
