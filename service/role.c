/* SPDX-License-Identifier: Apache-2.0 */
#include "service/role.h"
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* All times in milliseconds. */
#define START_MAX   30000 /* for all roles to come up at first */
#define STOP_MAX    5000  /* for a role to end after SIGTERM */
#define LIFE_SHORT  1000  /* who dies sooner waits before it comes back */
#define FAILS_MAX   8     /* starts in a row that fail and end the daemon */
#define BACKOFF_MIN 50
#define BACKOFF_MAX 2000

struct ts_self {
    const struct ts_role *role;
    uint8_t nth; /* what ts_role_up() writes */
    int up;
    int signals;
};

/* A role as the supervisor sees it. */
struct child {
    const struct ts_role *role;
    pid_t pid; /* 0 while there is no process */
    bool up;
    int64_t born;
    int64_t due;     /* when to start it (again) */
    unsigned deaths; /* short lives in a row */
    unsigned fails;  /* lives in a row that ended before the role was up */
};

struct supervisor {
    const struct ts_daemon *daemon;
    struct child child[TS_ROLES];
    size_t n;
    int up[2]; /* roles write their number here */
    int signals;
    int64_t born;
    bool ready;
    int code; /* exit code, -1 while running */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void ts_role_keep(struct ts_role *role, int fd)
{
    assert(role->nfds < TS_ROLE_FDS);
    role->fds[role->nfds++] = fd;
}

void ts_role_keep_ring(struct ts_role *role, const struct ts_ring_fds *ring)
{
    ts_role_keep(role, ring->mem);
    ts_role_keep(role, ring->wake);
}

/* ---- inside a role ---- */

static int ascending(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Close everything but the standard three, the role's own and the up pipe. */
static void keep_only(const struct ts_role *role, int up)
{
    int keep[TS_ROLE_FDS + 1];
    memcpy(keep, role->fds, role->nfds * sizeof *keep);
    keep[role->nfds] = up;
    size_t n = role->nfds + 1;
    qsort(keep, n, sizeof *keep, ascending);
    unsigned next = STDERR_FILENO + 1;
    for (size_t i = 0; i < n; i++) {
        unsigned fd = (unsigned)keep[i];
        if (fd < next)
            continue;
        if (fd > next)
            close_range(next, fd - 1, 0);
        next = fd + 1;
    }
    close_range(next, ~0U, 0);
}

/* SIGINT and SIGHUP from a terminal reach all processes; the supervisor acts
   on them. */
static int role_signals(void)
{
    sigset_t set;
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write fails instead */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static _Noreturn void be_role(const struct supervisor *s, uint8_t nth,
                              pid_t parent)
{
    const struct ts_role *role = s->child[nth].role;
    struct ts_self self = {role, nth, s->up[1], -1};
    char title[16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    snprintf(title, sizeof title, "%s-%s", s->daemon->name, role->name);
    prctl(PR_SET_NAME, title);
    /* no role interrupts another that has just woken it: on a loaded machine
       each finds more to do at a time */
    (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    keep_only(role, self.up);
    self.signals = role_signals();
    ts_log_start(role->name, s->daemon->least, s->daemon->clear);
    if (self.signals < 0)
        _exit(ts_role_fail(1, "%s: no signalfd: %m", role->name));
    exit(role->run(&self, role->arg));
}

enum ts_err ts_role_up(struct ts_self *self)
{
    enum ts_err err = ts_sandbox_enter(&self->role->sandbox);
    if (err)
        return err;
    if (write(self->up, &self->nth, 1) != 1)
        return TS_E_IO;
    close(self->up);
    self->up = -1;
    return TS_OK;
}

int ts_role_fd(const struct ts_self *self)
{
    return self->signals;
}

int ts_role_signal(struct ts_self *self)
{
    struct signalfd_siginfo info;
    if (read(self->signals, &info, sizeof info) != sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

int ts_role_fail(int code, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    dprintf(STDERR_FILENO, "%s\n", line);
    return code;
}

/* ---- the supervisor ---- */

static void start(struct supervisor *s, size_t nth)
{
    struct child *c = &s->child[nth];
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        be_role(s, (uint8_t)nth, parent);
    c->born = now_ms();
    if (pid < 0) {
        ts_log(TS_ERROR, "fork-failed", TS_STR("of", c->role->name));
        c->due = c->born + BACKOFF_MAX;
        return;
    }
    c->pid = pid;
    c->up = false;
}

/* What was killed from outside says nothing about the next start. */
static bool start_failed(const struct child *c, int status)
{
    return !c->up && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int64_t backoff(unsigned deaths)
{
    int64_t wait = deaths ? BACKOFF_MIN : 0;
    while (deaths-- > 0 && wait < BACKOFF_MAX)
        wait *= 2;
    return wait < BACKOFF_MAX ? wait : BACKOFF_MAX;
}

/*
 * A role is gone after it was up, or on a later start: again. Who comes up is
 * never given up, whatever it dies of: a client that finds out how to kill a
 * role must not end the daemon.
 */
static void restart(struct supervisor *s, struct child *c, int status)
{
    int64_t now = now_ms();
    c->deaths = now - c->born < LIFE_SHORT ? c->deaths + 1 : 0;
    c->fails = start_failed(c, status) ? c->fails + 1 : 0;
    ts_log(
        TS_ERROR, "role-died", TS_STR("of", c->role->name),
        TS_UINT("signal", WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0),
        TS_UINT("code", WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : 0),
        TS_UINT("early", c->deaths));
    if (c->fails >= FAILS_MAX) {
        ts_log(TS_ERROR, "giving-up", TS_STR("of", c->role->name));
        s->code = 1;
        return;
    }
    c->due = now + backoff(c->deaths);
}

static void gone(struct supervisor *s, struct child *c, int status)
{
    c->pid = 0;
    if (s->code >= 0)
        return;
    if (s->ready || c->up) {
        restart(s, c, status);
        return;
    }
    if (WIFSIGNALED(status))
        ts_role_fail(1, "%s: killed by signal %d while starting", c->role->name,
                     WTERMSIG(status));
    s->code = WIFEXITED(status) && WEXITSTATUS(status) == 2 ? 2 : 1;
}

static void pass_on(const struct supervisor *s, int signo)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->child[i].pid > 0)
            kill(s->child[i].pid, signo);
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGUSR1)
            pass_on(s, SIGUSR1);
        else if (info.ssi_signo != SIGCHLD && s->code < 0)
            s->code = 0;
    }
}

static void take_up(struct supervisor *s)
{
    uint8_t nth;
    size_t up = 0;
    while (read(s->up[0], &nth, 1) == 1)
        if (nth < s->n)
            s->child[nth].up = true;
    for (size_t i = 0; i < s->n; i++)
        up += s->child[i].up;
    if (s->ready || up < s->n || s->code >= 0)
        return;
    s->ready = true;
    dprintf(STDERR_FILENO, "ready\n");
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < s->n; i++)
            if (s->child[i].pid == pid) {
                take_up(s); /* what it said before it died */
                gone(s, &s->child[i], status);
            }
}

/* Start what is due; returns how long to wait, -1 for without end. */
static int start_due(struct supervisor *s)
{
    int64_t now = now_ms();
    int64_t next = s->ready ? INT64_MAX : s->born + START_MAX;
    for (size_t i = 0; i < s->n; i++) {
        struct child *c = &s->child[i];
        if (c->pid == 0 && c->due <= now)
            start(s, i);
        if (c->pid == 0 && c->due < next)
            next = c->due;
    }
    if (next == INT64_MAX)
        return -1;
    return next > now ? (int)(next - now) : 0;
}

static void run_until_told(struct supervisor *s)
{
    while (s->code < 0) {
        int wait = start_due(s);
        struct pollfd fds[] = {{s->signals, POLLIN, 0}, {s->up[0], POLLIN, 0}};
        poll(fds, 2, wait);
        take_signals(s);
        take_up(s);
        reap(s);
        if (!s->ready && s->code < 0 && now_ms() >= s->born + START_MAX)
            s->code = ts_role_fail(1, "roles did not come up within %d s",
                                   START_MAX / 1000);
    }
}

/* SIGTERM, time to end, SIGKILL. */
static void stop(struct supervisor *s, struct child *c)
{
    int64_t end = now_ms() + STOP_MAX;
    if (c->pid > 0)
        kill(c->pid, SIGTERM);
    while (c->pid > 0 && now_ms() < end) {
        struct pollfd fd = {s->signals, POLLIN, 0};
        poll(&fd, 1, 100);
        take_signals(s);
        reap(s);
    }
    if (c->pid <= 0)
        return;
    ts_log(TS_WARN, "role-killed", TS_STR("of", c->role->name));
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    c->pid = 0;
}

static bool prepare(struct supervisor *s)
{
    sigset_t set;
    struct sigaction hangup;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    /* ignored already: nohup, which is to outlive the terminal */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signals < 0)
        return false;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        return false;
    close(null);
    return pipe2(s->up, O_NONBLOCK | O_CLOEXEC) == 0;
}

int ts_supervise(const struct ts_daemon *daemon)
{
    struct supervisor s = {.daemon = daemon,
                           .n = daemon->nroles,
                           .up = {-1, -1},
                           .born = now_ms(),
                           .code = -1};
    assert(daemon->nroles <= TS_ROLES);
    for (size_t i = 0; i < s.n; i++)
        s.child[i].role = &daemon->roles[i];
    /* leak checkers need ptrace, so they go without */
    if (TS_SANDBOX && ts_process_harden() != TS_OK)
        return ts_role_fail(1, "cannot harden the process: %m");
    if (!prepare(&s))
        return ts_role_fail(1, "cannot set up the supervisor: %m");
    run_until_told(&s);
    for (size_t i = 0; i < s.n; i++)
        stop(&s, &s.child[i]);
    close(s.up[0]);
    close(s.up[1]);
    close(s.signals);
    return s.code;
}
