/* SPDX-License-Identifier: Apache-2.0 */
#include "service/sandbox.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if !TS_SANDBOX

enum ts_err ts_sandbox_enter(const struct ts_sandbox *box)
{
    (void)box;
    ts_log(TS_INFO, "sandbox-off", TS_STR("reason", "instrumented build"));
    return TS_OK;
}

#else

#define N(array)       (sizeof(array) / sizeof *(array))

static void weak(const char *part, int err)
{
    ts_log(TS_WARN, "sandbox-weak", TS_STR("part", part),
           TS_STR("error", strerror(err)));
}

/* ---- limits ---- */

static void limit(enum ts_profile profile)
{
    const struct rlimit none = {0, 0};
    const struct rlimit files = {256, 256};
    if (setrlimit(RLIMIT_NPROC, &none) != 0)
        weak("processes", errno);
    /* a front's connections are its business; it has set its own limit */
    if (profile != TS_PROFILE_NET && setrlimit(RLIMIT_NOFILE, &files) != 0)
        weak("descriptors", errno);
}

/* ---- Landlock: which files exist for this process ---- */

/* Rights that came after the headers of Debian 12. */
#define RIGHT_TRUNCATE (1ULL << 14) /* ABI 3 */

#define RIGHTS_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) /* ABI 1: all */
/* What is needed is open when the sandbox closes; a file beside it, such as
   the store key, must not be. */
#define RIGHTS_USE                                                             \
    (LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE)

static enum ts_err allow_dir(int rules, const char *dir, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    rule.parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return TS_E_IO;
    long rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
                      &rule, 0);
    close(rule.parent_fd);
    return rc == 0 ? TS_OK : TS_E_IO;
}

static enum ts_err enter_landlock(const struct ts_sandbox *box)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                       LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        weak("landlock", errno);
        return TS_OK;
    }
    uint64_t truncate = abi >= 3 ? RIGHT_TRUNCATE : 0; /* for nobody */
    struct landlock_ruleset_attr attr = {RIGHTS_1 | truncate};
    int rules =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0) {
        weak("landlock", errno);
        return TS_OK;
    }
    enum ts_err err = TS_OK;
    for (size_t i = 0; !err && i < TS_SANDBOX_DIRS && box->dirs[i]; i++)
        err = allow_dir(rules, box->dirs[i], RIGHTS_USE);
    if (!err && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        weak("landlock", errno);
    close(rules);
    return err;
}

/* ---- seccomp: which calls exist for this process ---- */

/* Every role: what it has open already, memory, time, its own end. */
static const int calls_pure[] = {
    SCMP_SYS(read),           SCMP_SYS(write),
    SCMP_SYS(readv),          SCMP_SYS(writev),
    SCMP_SYS(close),          SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),     SCMP_SYS(lseek),
    SCMP_SYS(poll),           SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),     SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),      SCMP_SYS(brk),
    SCMP_SYS(munmap),         SCMP_SYS(mremap),
    SCMP_SYS(madvise),        SCMP_SYS(mlock),
    SCMP_SYS(munlock),        SCMP_SYS(futex),
    SCMP_SYS(getrandom),      SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),   SCMP_SYS(time),
    SCMP_SYS(nanosleep),      SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sched_yield),    SCMP_SYS(sysinfo),
    SCMP_SYS(getpid),         SCMP_SYS(gettid),
    SCMP_SYS(getrusage),      SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),
};

/* Sockets that are open. Not among them: socket, bind, connect, listen. */
static const int calls_socket[] = {
    SCMP_SYS(accept),      SCMP_SYS(accept4),     SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),     SCMP_SYS(sendto),      SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),    SCMP_SYS(getsockopt),  SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(fcntl),
    SCMP_SYS(ioctl),       SCMP_SYS(uname),
};

/* Files; which ones is Landlock's business. */
static const int calls_files[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),     SCMP_SYS(stat),
    SCMP_SYS(lstat),      SCMP_SYS(statx),      SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),    SCMP_SYS(access),     SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink),   SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),     SCMP_SYS(getdents64), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),   SCMP_SYS(preadv),     SCMP_SYS(pwritev),
    SCMP_SYS(fsync),      SCMP_SYS(fdatasync),  SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),  SCMP_SYS(fadvise64),  SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),   SCMP_SYS(rename),     SCMP_SYS(renameat),
    SCMP_SYS(renameat2),  SCMP_SYS(fchmod),     SCMP_SYS(fchown),
    SCMP_SYS(utimensat),  SCMP_SYS(flock),      SCMP_SYS(umask),
    SCMP_SYS(getuid),     SCMP_SYS(geteuid),    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
};

static int allow(scmp_filter_ctx f, const int *calls, size_t n)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
    return rc;
}

/* Calls that are allowed with some arguments only. */
static int allow_partly(scmp_filter_ctx f, enum ts_profile profile)
{
    const struct scmp_arg_cmp no_code =
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp myself =
        SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
    int rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);
    if (rc == 0)
        rc =
            seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, myself);
    if (rc != 0 || profile != TS_PROFILE_PURE)
        return rc;
    /* the C library tries these by itself; not worth a death */
    rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 0);
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 0);
    return rc;
}

/* Does the kernel know filters at all? Then it looks at where one should be. */
static bool has_seccomp(void)
{
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 &&
           errno == EFAULT;
}

/* A PURE role does without a filter only where the kernel knows none. */
static enum ts_err enter_seccomp(enum ts_profile profile)
{
    bool must = profile == TS_PROFILE_PURE && has_seccomp();
    scmp_filter_ctx f =
        seccomp_init(profile == TS_PROFILE_PURE ? SCMP_ACT_KILL_PROCESS
                                                : SCMP_ACT_ERRNO(EPERM));
    if (!f) {
        weak("seccomp", ENOMEM);
        return must ? TS_E_IO : TS_OK;
    }
    int rc = allow(f, calls_pure, N(calls_pure));
    if (rc == 0)
        rc = allow_partly(f, profile);
    if (rc == 0 && profile != TS_PROFILE_PURE)
        rc = allow(f, calls_socket, N(calls_socket));
    if (rc == 0 && profile == TS_PROFILE_FILES)
        rc = allow(f, calls_files, N(calls_files));
    if (rc == 0)
        rc = seccomp_load(f);
    if (rc != 0)
        weak("seccomp", -rc);
    seccomp_release(f);
    return rc != 0 && must ? TS_E_IO : TS_OK;
}

enum ts_err ts_sandbox_enter(const struct ts_sandbox *box)
{
    tzset(); /* reads a file, once */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        weak("privileges", errno);
    limit(box->profile);
    enum ts_err err = enter_landlock(box);
    if (err)
        return err;
    return enter_seccomp(box->profile);
}

#endif
