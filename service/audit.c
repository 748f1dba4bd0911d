/* SPDX-License-Identifier: Apache-2.0 */
#include "service/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Most bytes of one write; a batch ends earlier when the ring is empty. */
#define BATCH 262144
/* Before trying again to acknowledge when the writer does not take it. */
#define RETRY_MS 10

#define RECORD (sizeof(struct ts_audit_entry) + TS_AUDIT_MAX)

struct audit {
    const char *path;
    int fd;
    off_t size; /* of the file, up to the last good batch */
    bool torn;  /* what is behind size could not be cut off */
    bool bad;   /* the last batch failed; said so in the log */
    uint64_t seq;
    uint64_t written, failed; /* records, for the log */
    struct ts_ring *entries, *done;
    size_t batch_n;
    size_t batch_records;
    uint8_t batch[BATCH];
};

/* ---- the file ---- */

static bool append(struct audit *a, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(a->fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        p += put;
        n -= (size_t)put;
    }
    return fdatasync(a->fd) == 0;
}

/* Take back what a failed batch left behind, so that lines stay whole. */
static bool mend(struct audit *a)
{
    if (a->torn && ftruncate(a->fd, a->size) == 0)
        a->torn = false;
    return !a->torn;
}

static void report(struct audit *a, bool ok, int why)
{
    if (ok == !a->bad)
        return;
    a->bad = !ok;
    if (ok)
        ts_log(TS_INFO, "audit-recovered", TS_STR("file", a->path));
    else
        ts_log(TS_ERROR, "audit-failed", TS_STR("file", a->path),
               TS_STR("error", strerror(why)));
}

static bool write_batch(struct audit *a)
{
    errno = 0;
    bool ok = mend(a) && append(a, a->batch, a->batch_n);
    report(a, ok, errno);
    if (ok) {
        a->size += (off_t)a->batch_n;
        return true;
    }
    a->torn = true;
    mend(a);
    return false;
}

/* A crash can leave half a line at the end: it is closed, not removed. */
static bool close_last_line(struct audit *a)
{
    char last;
    if (a->size == 0 || pread(a->fd, &last, 1, a->size - 1) != 1 ||
        last == '\n')
        return true;
    ts_log(TS_WARN, "audit-torn", TS_STR("file", a->path),
           TS_UINT("size", (uint64_t)a->size));
    if (!append(a, (const uint8_t *)"\n", 1))
        return false;
    a->size++;
    return true;
}

/* A new file must be found again after a power loss. */
static bool sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd =
        copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return ok;
}

static bool open_file(struct audit *a)
{
    struct stat st;
    a->fd = open(a->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (a->fd < 0 || fstat(a->fd, &st) != 0 || !sync_folder(a->path))
        return false;
    a->size = st.st_size;
    return close_last_line(a);
}

/* ---- the records ---- */

static bool line_ok(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x20)
            return false;
    return n > 0;
}

/* Check a record and add its line to the batch. */
static bool take(struct audit *a, const uint8_t *rec, size_t n)
{
    struct ts_audit_entry e;
    if (n < sizeof e)
        return false;
    memcpy(&e, rec, sizeof e);
    if (e.len != n - sizeof e || e.len > TS_AUDIT_MAX || e.zero || !e.seq)
        return false;
    /* a writer that has restarted begins far above (service/audit.h) */
    if (a->seq && e.seq != a->seq + 1 && e.seq - a->seq < TS_AUDIT_APART)
        ts_log(TS_WARN, "audit-gap", TS_UINT("expected", a->seq + 1),
               TS_UINT("got", e.seq));
    a->seq = e.seq;
    if (!line_ok(rec + sizeof e, e.len))
        return false;
    memcpy(a->batch + a->batch_n, rec + sizeof e, e.len);
    a->batch_n += e.len;
    a->batch[a->batch_n++] = '\n';
    a->batch_records++;
    return true;
}

/* Fill the batch from the ring. False when a record was not acceptable. */
static bool gather(struct audit *a, bool *some)
{
    uint8_t rec[RECORD];
    size_t n;
    bool ok = true;
    *some = false;
    a->batch_n = 0;
    a->batch_records = 0;
    while (a->batch_n + TS_AUDIT_MAX + 1 <= sizeof a->batch) {
        enum ts_err err = ts_ring_recv(a->entries, rec, sizeof rec, &n);
        if (err == TS_E_EMPTY)
            break;
        *some = true;
        if (err || !take(a, rec, n)) {
            ts_log(TS_WARN, "audit-refused", TS_UINT("after", a->seq));
            ok = false;
        }
    }
    return ok;
}

/* The writer must learn of every batch: wait until it takes the answer. */
static bool acknowledge(struct audit *a, struct ts_self *self, uint64_t seq,
                        bool failed)
{
    const struct ts_audit_done done = {seq, failed, 0};
    struct pollfd fd = {ts_role_fd(self), POLLIN, 0};
    while (ts_ring_send(a->done, ts_span(&done, sizeof done),
                        ts_span(NULL, 0)) == TS_E_FULL) {
        ts_ring_wake(a->done);
        poll(&fd, 1, RETRY_MS);
        if ((fd.revents & POLLIN) && ts_role_signal(self) == SIGTERM)
            return false;
    }
    ts_ring_wake(a->done);
    return true;
}

/* Everything that waits in the ring. False when told to stop. */
static bool work(struct audit *a, struct ts_self *self)
{
    for (;;) {
        bool some;
        bool ok = gather(a, &some);
        if (!some)
            return true;
        if (a->batch_n > 0)
            ok = write_batch(a) && ok;
        *(ok ? &a->written : &a->failed) += a->batch_records;
        if (!acknowledge(a, self, a->seq, !ok))
            return false;
    }
}

static void count(const struct audit *a)
{
    ts_log(TS_INFO, "audit-counts", TS_UINT("written", a->written),
           TS_UINT("failed", a->failed));
}

static void loop(struct audit *a, struct ts_self *self)
{
    for (;;) {
        struct pollfd fds[] = {{ts_role_fd(self), POLLIN, 0},
                               {ts_ring_fd(a->entries), POLLIN, 0}};
        if (!work(a, self))
            return;
        if (!ts_ring_sleep(a->entries))
            continue;
        poll(fds, 2, -1);
        ts_ring_drain(a->entries);
        int signo = ts_role_signal(self);
        if (signo == SIGUSR1)
            count(a);
        if (signo == SIGTERM) {
            work(a, self);
            return;
        }
    }
}

int ts_audit_run(struct ts_self *self, const void *arg)
{
    const struct ts_audit_conf *conf = arg;
    int code = 1;
    struct audit *a = calloc(1, sizeof *a);
    if (!a)
        return ts_role_fail(1, "audit: out of memory");
    a->path = conf->path;
    a->fd = -1;
    if (!open_file(a)) {
        code = ts_role_fail(2,
                            "audit: cannot write %s: %m; give a file that "
                            "the service may write as [audit] file",
                            conf->path);
        goto out;
    }
    if (ts_ring_open(conf->entries, &a->entries) != TS_OK ||
        ts_ring_open(conf->done, &a->done) != TS_OK ||
        /* before anybody is told that we are ready */
        !acknowledge(a, self, 0, true) || ts_role_up(self) != TS_OK) {
        ts_role_fail(1, "audit: cannot start: %m");
        goto out;
    }
    loop(a, self);
    count(a);
    code = 0;
out:
    ts_ring_close(a->done);
    ts_ring_close(a->entries);
    if (a->fd >= 0)
        close(a->fd);
    free(a);
    return code;
}
