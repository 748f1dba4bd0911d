/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor with roles that behave, and with roles that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/role.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 10000

/* What roles tell the test, in memory that all of them share. */
struct board {
    _Atomic int pid[3];
    _Atomic int starts[3];
    _Atomic int signals[3];
    _Atomic int stopped[3]; /* the how-manyth it was to stop */
    _Atomic int stops;
    _Atomic int fds; /* open descriptors of a role */
    _Atomic int result;
    _Atomic int mode;
};

struct role_arg {
    struct board *board;
    int nth;
};

static struct board *board;
static struct role_arg arg[3];
static struct ts_role roles[3];
static pid_t daemon_pid;
static int daemon_log;

/* A thread sanitizer otherwise holds each process back for a second. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=0";
}

/* ---- roles ---- */

static int work(struct ts_self *self, const void *p)
{
    const struct role_arg *a = p;
    struct pollfd fd = {ts_role_fd(self), POLLIN, 0};
    a->board->starts[a->nth]++;
    a->board->pid[a->nth] = getpid();
    if (ts_role_up(self) != TS_OK)
        return 1;
    for (;;) {
        poll(&fd, 1, -1);
        int signo = ts_role_signal(self);
        if (signo == SIGUSR1)
            a->board->signals[a->nth]++;
        if (signo == SIGTERM)
            break;
    }
    a->board->stopped[a->nth] = ++a->board->stops;
    return 0;
}

static int refuse(struct ts_self *self, const void *p)
{
    (void)self;
    const struct role_arg *a = p;
    return ts_role_fail(a->board->mode, "role: wrong, mend it");
}

static int die(struct ts_self *self, const void *p)
{
    const struct role_arg *a = p;
    a->board->starts[a->nth]++;
    return ts_role_up(self) == TS_OK ? 3 : 1;
}

/* Works once, and later does not come up. */
static int fail_later(struct ts_self *self, const void *p)
{
    const struct role_arg *a = p;
    return a->board->starts[a->nth]++ == 0 ? work(self, p) : 1;
}

/* So many filters that the kernel takes no other. */
static int fill_filters(struct ts_self *self, const void *p)
{
    const struct role_arg *a = p;
    static struct sock_filter allow[BPF_MAXINSNS];
    for (size_t i = 0; i < BPF_MAXINSNS; i++)
        allow[i] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (unsigned n = BPF_MAXINSNS; n > 0;) {
        const struct sock_fprog prog = {(unsigned short)n, allow};
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
            continue;
        if (errno != ENOMEM)
            break;
        n /= 2;
    }
    a->board->result = ts_role_up(self);
    return a->board->result == TS_OK ? work(self, p) : 1;
}

static int count_fds(struct ts_self *self, const void *p)
{
    const struct role_arg *a = p;
    int n = 0;
    for (int fd = 3; fd < 1000; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    a->board->fds = n;
    return work(self, p);
}

/* Try something forbidden once; its errno is the result. */
static int trespass(struct ts_self *self, const void *p)
{
    const struct role_arg *a = p;
    if (a->board->starts[a->nth]++ > 0)
        return work(self, p);
    if (ts_role_up(self) != TS_OK)
        return 1;
    errno = 0;
    int fd = a->board->mode == 's' ? socket(AF_INET, SOCK_STREAM, 0)
                                   : open("/etc/passwd", O_RDONLY);
    a->board->result = fd < 0 ? errno : -1;
    return work(self, p);
}

/* ---- the daemon around them ---- */

static int setup(void **state)
{
    (void)state;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(board, MAP_FAILED);
    static const char *const names[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++) {
        arg[i] = (struct role_arg){board, i};
        roles[i] = (struct ts_role){.name = names[i],
                                    .run = work,
                                    .arg = &arg[i],
                                    .sandbox = {.profile = TS_PROFILE_PURE}};
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    munmap(board, sizeof *board);
    return 0;
}

static void start_daemon(void)
{
    const struct ts_daemon daemon = {"test", TS_WARN, false, roles, 3};
    int log[2];
    assert_int_equal(pipe(log), 0);
    daemon_pid = fork();
    assert_true(daemon_pid >= 0);
    if (daemon_pid == 0) {
        dup2(log[1], STDERR_FILENO);
        close(log[0]);
        close(log[1]);
        ts_log_start("supervisor", TS_WARN, false);
        _exit(ts_supervise(&daemon));
    }
    close(log[1]);
    daemon_log = log[0];
}

/* Read the daemon's standard error until text comes. */
static void expect_text(const char *text)
{
    static char all[65536];
    size_t n = 0;
    while (n < sizeof all - 1) {
        struct pollfd fd = {daemon_log, POLLIN, 0};
        if (poll(&fd, 1, WAIT_MS) != 1)
            break;
        ssize_t got = read(daemon_log, all + n, sizeof all - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        all[n] = '\0';
        if (strstr(all, text))
            return;
    }
    all[n] = '\0';
    fail_msg("no \"%s\" in: %s", text, all);
}

static int exit_code(void)
{
    int status;
    assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
    close(daemon_log);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int stop_daemon(void)
{
    kill(daemon_pid, SIGTERM);
    return exit_code();
}

/* Wait for a condition that another process brings about. */
#define WAIT_FOR(condition)                                                    \
    do {                                                                       \
        int left_ = WAIT_MS;                                                   \
        while (!(condition) && left_-- > 0)                                    \
            poll(NULL, 0, 1);                                                  \
        assert_true(condition);                                                \
    } while (0)

/* ---- tests ---- */

static void ready_comes_when_all_are_up_and_they_stop_in_order(void **state)
{
    (void)state;
    start_daemon();
    expect_text("ready\n");
    for (int i = 0; i < 3; i++)
        assert_int_equal(board->starts[i], 1);
    kill(daemon_pid, SIGUSR1);
    for (int i = 0; i < 3; i++)
        WAIT_FOR(board->signals[i] == 1);
    assert_int_equal(stop_daemon(), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(board->stopped[i], i + 1);
        assert_int_equal(kill(board->pid[i], 0), -1);
    }
}

static void a_killed_role_comes_back_alone(void **state)
{
    (void)state;
    start_daemon();
    expect_text("ready\n");
    for (int i = 1; i <= 3; i++) {
        kill(board->pid[1], SIGKILL);
        WAIT_FOR(board->starts[1] == i + 1);
    }
    expect_text("event=role-died");
    assert_int_equal(board->starts[0], 1);
    assert_int_equal(board->starts[2], 1);
    assert_int_equal(stop_daemon(), 0);
}

static void a_role_that_cannot_start_ends_the_daemon(void **state)
{
    (void)state;
    roles[2].run = refuse;
    for (int code = 1; code <= 2; code++) {
        board->mode = code;
        start_daemon();
        expect_text("role: wrong, mend it\n");
        assert_int_equal(exit_code(), code);
    }
}

static void only_a_role_that_fails_to_come_up_ends_the_daemon(void **state)
{
    (void)state;
    roles[0].run = die;
    roles[1].run = fail_later;
    start_daemon();
    expect_text("ready\n");
    kill(board->pid[1], SIGKILL);
    expect_text("event=giving-up of=second");
    assert_int_equal(exit_code(), 1);
    assert_true(board->starts[0] > 7);
    assert_int_equal(board->starts[1], 2 + 8); /* work() counts too */
    assert_int_equal(board->stopped[2], 1);
}

static void a_hangup_stops_the_roles_in_order_unless_ignored(void **state)
{
    (void)state;
    start_daemon();
    expect_text("ready\n");
    for (int i = 0; i < 3; i++)
        kill(board->pid[i], SIGHUP);
    kill(daemon_pid, SIGHUP);
    assert_int_equal(exit_code(), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(board->stopped[i], i + 1);

    signal(SIGHUP, SIG_IGN); /* nohup */
    start_daemon();
    signal(SIGHUP, SIG_DFL);
    expect_text("ready\n");
    kill(daemon_pid, SIGHUP);
    kill(daemon_pid, SIGUSR1);
    WAIT_FOR(board->signals[0] == 1);
    assert_int_equal(stop_daemon(), 0);
    assert_int_equal(board->stops, 6);
}

static void a_pure_role_without_its_filter_does_not_come_up(void **state)
{
    (void)state;
    if (!TS_SANDBOX)
        skip();
    roles[1].run = fill_filters;
    start_daemon();
    expect_text("part=seccomp");
    assert_int_equal(exit_code(), 1);
    assert_int_equal(board->result, TS_E_IO);
}

static void a_role_has_no_descriptors_but_its_own(void **state)
{
    (void)state;
    int extra[4];
    assert_int_equal(pipe(extra) | pipe(extra + 2), 0);
    roles[1].run = count_fds;
    ts_role_keep(&roles[1], extra[1]);
    ts_role_keep(&roles[1], extra[3]);
    start_daemon();
    expect_text("ready\n");
    assert_int_equal(board->fds, 2 + 2); /* and up pipe, signals */
    assert_int_equal(stop_daemon(), 0);
    for (int i = 0; i < 4; i++)
        close(extra[i]);
}

static void roles_die_with_their_supervisor(void **state)
{
    (void)state;
    start_daemon();
    expect_text("ready\n");
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, NULL, 0);
    struct pollfd fd = {daemon_log, POLLIN, 0};
    assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
    assert_true(fd.revents & POLLHUP); /* nobody holds the other end */
    close(daemon_log);
}

static void a_pure_role_is_killed_when_it_opens_a_socket(void **state)
{
    (void)state;
    if (!TS_SANDBOX)
        skip();
    board->mode = 's';
    roles[1].run = trespass;
    start_daemon();
    expect_text("signal=31"); /* SIGSYS */
    assert_int_equal(stop_daemon(), 0);
}

static void a_net_role_gets_no_new_socket_and_no_file(void **state)
{
    (void)state;
    if (!TS_SANDBOX)
        skip();
    roles[1].run = trespass;
    roles[1].sandbox.profile = TS_PROFILE_NET;
    for (int i = 0; i < 2; i++) {
        board->mode = "sf"[i];
        board->starts[1] = 0;
        start_daemon();
        expect_text("ready\n");
        WAIT_FOR(board->result == EPERM);
        board->result = 0;
        assert_int_equal(stop_daemon(), 0);
    }
}

static void a_files_role_opens_nothing_even_beside_its_files(void **state)
{
    (void)state;
    if (!TS_SANDBOX)
        skip();
    board->mode = 'f';
    roles[1].run = trespass;
    roles[1].sandbox =
        (struct ts_sandbox){.profile = TS_PROFILE_FILES, .dirs = {"/etc"}};
    start_daemon();
    expect_text("ready\n");
    WAIT_FOR(board->result != 0);
    if (board->result == -1)
        skip(); /* a kernel without Landlock */
    assert_int_equal(board->result, EACCES);
    assert_int_equal(stop_daemon(), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(ready_comes_when_all_are_up_and_they_stop_in_order),
        T(a_killed_role_comes_back_alone),
        T(a_role_that_cannot_start_ends_the_daemon),
        T(only_a_role_that_fails_to_come_up_ends_the_daemon),
        T(a_hangup_stops_the_roles_in_order_unless_ignored),
        T(a_pure_role_without_its_filter_does_not_come_up),
        T(a_role_has_no_descriptors_but_its_own),
        T(roles_die_with_their_supervisor),
        T(a_pure_role_is_killed_when_it_opens_a_socket),
        T(a_net_role_gets_no_new_socket_and_no_file),
        T(a_files_role_opens_nothing_even_beside_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
