/* SPDX-License-Identifier: Apache-2.0 */
/* The audit role as a process: what it acknowledges is in the file. */
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/audit.h"

#define WAIT_MS 10000
/* How far the file may grow in the test of a full disk. */
#define DISK 500

struct fixture {
    char path[64];
    struct ts_audit_conf conf;
    struct ts_ring *entries, *done;
    pid_t pid;
};

static void start(struct fixture *f, rlim_t disk)
{
    struct ts_role role = {.name = "audit",
                           .run = ts_audit_run,
                           .arg = &f->conf,
                           .sandbox = {.profile = TS_PROFILE_FILES}};
    const struct ts_daemon daemon = {"test", TS_ERROR, false, &role, 1};
    ts_role_keep_ring(&role, &f->conf.entries);
    ts_role_keep_ring(&role, &f->conf.done);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        const struct rlimit limit = {disk, RLIM_INFINITY};
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(ts_supervise(&daemon));
    }
}

static int stop(struct fixture *f)
{
    int status;
    kill(f->pid, SIGTERM);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    return WEXITSTATUS(status);
}

static void put(struct fixture *f, uint64_t seq, const char *line)
{
    struct ts_span body = ts_span_str(line);
    const struct ts_audit_entry e = {seq, (uint32_t)body.n, 0};
    OK(ts_ring_send(f->entries, ts_span(&e, sizeof e), body));
}

/* Wait for what the role says next. */
static struct ts_audit_done next(struct fixture *f)
{
    struct ts_audit_done done;
    struct pollfd fd = {ts_ring_fd(f->done), POLLIN, 0};
    size_t n;
    enum ts_err err;
    ts_ring_wake(f->entries);
    while ((err = ts_ring_recv(f->done, &done, sizeof done, &n)) ==
           TS_E_EMPTY) {
        if (ts_ring_sleep(f->done))
            assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
        ts_ring_drain(f->done);
    }
    assert_int_equal(err, TS_OK);
    assert_int_equal(n, sizeof done);
    return done;
}

static void expect(struct fixture *f, uint64_t seq, uint32_t failed)
{
    struct ts_audit_done done;
    do
        done = next(f);
    while (!done.failed && done.seq < seq); /* in several batches */
    assert_int_equal(done.seq, seq);
    assert_int_equal(done.failed, failed);
}

static void expect_file(const struct fixture *f, const char *text)
{
    static char all[8192];
    int fd = open(f->path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, all, sizeof all - 1);
    close(fd);
    assert_true(n >= 0);
    all[n] = '\0';
    assert_string_equal(all, text);
}

static int setup(void **state)
{
    static struct fixture f;
    snprintf(f.path, sizeof f.path, "/tmp/test-audit-%d", getpid());
    unlink(f.path);
    f.conf.path = f.path;
    *state = &f;
    return 0;
}

static void open_rings(struct fixture *f)
{
    size_t size = sizeof(struct ts_audit_entry) + TS_AUDIT_MAX;
    OK(ts_ring_create(64, size, &f->conf.entries));
    OK(ts_ring_create(4, sizeof(struct ts_audit_done), &f->conf.done));
    OK(ts_ring_open(f->conf.entries, &f->entries));
    OK(ts_ring_open(f->conf.done, &f->done));
}

static void close_rings(struct fixture *f)
{
    ts_ring_close(f->entries);
    ts_ring_close(f->done);
    ts_ring_destroy(&f->conf.entries);
    ts_ring_destroy(&f->conf.done);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    return 0;
}

static void what_is_acknowledged_is_in_the_file(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    open_rings(f);
    put(f, 1, "{\"n\":1}"); /* waits in the ring for the role */
    start(f, RLIM_INFINITY);
    expect(f, 0, 1);
    expect(f, 1, 0);
    expect_file(f, "{\"n\":1}\n");
    put(f, 2, "{\"n\":2}");
    put(f, 3, "{\"n\":3}");
    expect(f, 3, 0);
    expect_file(f, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    put(f, 4, "{\"n\":4}"); /* nobody is woken; still not lost */
    assert_int_equal(stop(f), 0);
    expect_file(f, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
    close_rings(f);
}

static void a_torn_line_is_closed_on_start(void **state)
{
    struct fixture *f = *state;
    int fd = open(f->path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "{\"n\":", 5), 5);
    close(fd);
    open_rings(f);
    start(f, RLIM_INFINITY);
    expect(f, 0, 1);
    put(f, 1, "{}");
    expect(f, 1, 0);
    expect_file(f, "{\"n\":\n{}\n");
    assert_int_equal(stop(f), 0);
    close_rings(f);
}

static void a_full_disk_fails_the_batch_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    char big[DISK + 1];
    memset(big, 'x', DISK);
    big[DISK] = '\0';
    open_rings(f);
    start(f, DISK);
    expect(f, 0, 1);
    put(f, 1, "{}");
    expect(f, 1, 0);
    put(f, 2, big);
    expect(f, 2, 1);
    expect_file(f, "{}\n");
    put(f, 3, "[]");
    expect(f, 3, 0);
    expect_file(f, "{}\n[]\n");
    assert_int_equal(stop(f), 0);
    close_rings(f);
}

static void records_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct ts_audit_entry bad[] = {
        {1, 2, 0}, {1, UINT32_MAX, 0}, {1, 0, 1}, {0, 0, 0}};
    open_rings(f);
    start(f, RLIM_INFINITY);
    expect(f, 0, 1);
    for (size_t i = 0; i < 4; i++) {
        OK(ts_ring_send(f->entries, ts_span(&bad[i], sizeof bad[i]),
                        ts_span(NULL, 0)));
        expect(f, 0, 1);
    }
    OK(ts_ring_send(f->entries, ts_span("x", 1), ts_span(NULL, 0)));
    expect(f, 0, 1);
    put(f, 1, "{}\n{\"forged\":1}");
    expect(f, 1, 1);
    put(f, 2, "");
    expect(f, 2, 1);
    expect_file(f, "");
    put(f, 3, "{}");
    expect(f, 3, 0);
    expect_file(f, "{}\n");
    assert_int_equal(stop(f), 0);
    close_rings(f);
}

static void a_file_that_cannot_be_written_is_a_wrong_configuration(void **state)
{
    struct fixture *f = *state;
    int status;
    f->conf.path = "/nonexistent/audit";
    open_rings(f);
    start(f, RLIM_INFINITY);
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    assert_int_equal(WEXITSTATUS(status), 2);
    close_rings(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_acknowledged_is_in_the_file),
        T(a_torn_line_is_closed_on_start),
        T(a_full_disk_fails_the_batch_and_nothing_else),
        T(records_that_are_none_are_refused),
        T(a_file_that_cannot_be_written_is_a_wrong_configuration),
    };
    /* an allocation that fails in the other process ends it: not run so */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
