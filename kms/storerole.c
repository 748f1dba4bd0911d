/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/storerole.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "kms/adminsock.h"
#include "kms/store.h"

/* Queries under one read transaction; bounds how old its view can be. */
#define BATCH 256
/* Clients of the admin socket at once; others wait in its queue. */
#define CLIENTS 8
/* How long a client may take to write its line, and how often we look for
   changes that nobody told about. */
#define LINE_MS 5000
#define LOOK_MS 1000
/* Longest wait for room towards the engine. */
#define ROOM_MS 100

struct client {
    int fd;          /* -1: free */
    uint64_t change; /* the change it waits for; 0: its line is not complete */
    int64_t deadline;
    size_t n;
    char line[16];
};

struct role {
    struct kms_store *store;
    struct ts_ring *from, *to;
    bool stuck; /* the engine does not take answers */
    int listener;
    struct client clients[CLIENTS];
    uint64_t change; /* number of the last change told */
    bool untold;     /* there was no room to tell it */
    uint64_t mark;   /* kms_store_mark() at that time */
    int64_t looked;  /* when the mark was read */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Send one record to the engine. If it takes none for a while, the answer is
   lost (false) and the engine's own time-out counts. */
static bool send_found(struct role *r, uint64_t id, enum kms_found_kind kind,
                       struct ts_span body)
{
    struct kms_found head = {
        .id = id, .len = (uint32_t)body.n, .kind = (uint16_t)kind};
    int64_t limit = now_ms() + (r->stuck ? 0 : ROOM_MS);
    enum ts_err err;
    while ((err = ts_ring_send(r->to, ts_span(&head, sizeof head), body)) ==
               TS_E_FULL &&
           now_ms() < limit) {
        const struct timespec pause = {.tv_nsec = 1000000};
        ts_ring_wake(r->to);
        nanosleep(&pause, NULL);
    }
    if (err && !r->stuck)
        ts_log(TS_ERROR, "engine-stuck", TS_ERR(err));
    r->stuck = err != TS_OK;
    return !r->stuck;
}

static void store_failed(struct role *r, enum ts_err err)
{
    ts_log(TS_ERROR, "store-failed", TS_ERR(err),
           TS_STR("why", kms_store_why(r->store)));
}

static void answer_user(struct role *r, uint64_t id, struct ts_span key_id)
{
    struct kms_user_rec rec;
    enum ts_err err = kms_store_user_find(r->store, key_id, &rec);
    if (!err) {
        send_found(r, id, KMS_FOUND_USER, ts_span(&rec, sizeof rec));
    } else if (err == TS_E_NOTFOUND) {
        send_found(r, id, KMS_FOUND_NONE, ts_span(NULL, 0));
    } else {
        store_failed(r, err);
        send_found(r, id, KMS_FOUND_FAILED, ts_span(NULL, 0));
    }
}

/* What a walk through the ticket keys needs. */
struct key_walk {
    struct role *role;
    uint64_t id;
    uint32_t keys; /* also those that there was no room for */
};

static enum ts_err send_key(void *arg, const struct kms_key_row *row)
{
    struct key_walk *walk = arg;
    walk->keys++;
    send_found(walk->role, walk->id, KMS_FOUND_KEY,
               ts_span(&row->rec, sizeof row->rec));
    return TS_OK;
}

static void answer_keys(struct role *r, uint64_t id)
{
    struct key_walk walk = {r, id, 0};
    enum ts_err err = kms_store_keys(r->store, send_key, &walk);
    if (err) {
        store_failed(r, err);
        send_found(r, id, KMS_FOUND_FAILED, ts_span(NULL, 0));
    } else {
        send_found(r, id, KMS_FOUND_NONE,
                   ts_span(&walk.keys, sizeof walk.keys));
    }
}

/* Write the answer to a client and part. */
static void answer_client(struct client *c, const char *text)
{
    ssize_t n = write(c->fd, text, strlen(text));
    (void)n; /* who does not listen is not told */
    close(c->fd);
    c->fd = -1;
}

/* The engine has dropped what it remembered from before a change, and thereby
   what it remembered from before earlier ones: it names only the last. Another
   store's change is not between a client's and our last one. */
static void engine_told(struct role *r, uint64_t change)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &r->clients[i];
        if (c->fd >= 0 && c->change &&
            r->change - change <= r->change - c->change)
            answer_client(c, "ok\n");
    }
}

/* One record from the engine, which may have been captured. */
static void take_query(struct role *r, const uint8_t *record, size_t n)
{
    struct kms_query q = {0};
    if (n >= sizeof q)
        memcpy(&q, record, sizeof q);
    struct ts_span body = ts_span(record + sizeof q, q.len);
    if (n < sizeof q || n - sizeof q != q.len)
        ts_log(TS_WARN, "query-bad", TS_UINT("bytes", n));
    else if (q.kind == KMS_QUERY_USER)
        answer_user(r, q.id, body);
    else if (q.kind == KMS_QUERY_KEYS)
        answer_keys(r, q.id);
    else if (q.kind == KMS_QUERY_TOLD)
        engine_told(r, q.id);
    else
        ts_log(TS_WARN, "query-bad", TS_UINT("kind", q.kind));
}

/* Answer what is there, under one read transaction. */
static void answer_batch(struct role *r)
{
    uint8_t record[sizeof(struct kms_query) + KMS_KEYID_MAX];
    size_t n, done = 0;
    bool reading = false;
    enum ts_err err = TS_OK;
    for (; done < BATCH; done++) {
        err = ts_ring_recv(r->from, record, sizeof record, &n);
        if (err == TS_E_EMPTY)
            break;
        if (err) {
            ts_log(TS_WARN, "query-bad", TS_ERR(err));
            continue;
        }
        if (!reading)
            reading = kms_store_begin_read(r->store) == TS_OK;
        take_query(r, record, n);
    }
    if (reading && kms_store_commit(r->store))
        kms_store_rollback(r->store);
    if (done)
        ts_ring_wake(r->to);
}

/* Tell the engine that the store has changed; the number it will repeat. */
static uint64_t tell_engine(struct role *r)
{
    uint64_t mark = r->mark; /* read first: a change after it is seen later */
    if (kms_store_mark(r->store, &mark))
        ts_log(TS_WARN, "store-failed", TS_STR("why", kms_store_why(r->store)));
    r->looked = now_ms();
    if (++r->change == 0)
        r->change = 1;
    r->untold = !send_found(r, r->change, KMS_FOUND_CHANGED, ts_span(NULL, 0));
    if (!r->untold)
        r->mark = mark;
    ts_ring_wake(r->to);
    return r->change;
}

/* A tesseractl may have died between its change and its word, or the engine
   may have had no room for it. */
static void look_for_change(struct role *r)
{
    uint64_t mark;
    if (now_ms() - r->looked < LOOK_MS)
        return;
    r->looked = now_ms();
    if (r->untold ||
        (kms_store_mark(r->store, &mark) == TS_OK && mark != r->mark))
        tell_engine(r);
}

static struct client *free_client(struct role *r)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (r->clients[i].fd < 0)
            return &r->clients[i];
    }
    return NULL;
}

/* What a client has written so far. */
static void hear_client(struct role *r, struct client *c)
{
    ssize_t got = read(c->fd, c->line + c->n, sizeof c->line - c->n);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close(c->fd);
        c->fd = -1;
        return;
    }
    c->n += (size_t)got;
    bool whole = c->line[c->n - 1] == '\n';
    if (!whole && c->n < sizeof c->line)
        return;
    size_t len = sizeof KMS_ADMIN_CHANGED - 1;
    if (c->n != len || memcmp(c->line, KMS_ADMIN_CHANGED, len) != 0) {
        answer_client(c, "error unknown word; the only one is: changed\n");
        return;
    }
    c->change = tell_engine(r);
    c->deadline = now_ms() + KMS_TOLD_MS;
}

/* Part with clients that are too slow, or whose engine is. */
static void drop_late_clients(struct role *r)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &r->clients[i];
        if (c->fd >= 0 && now_ms() >= c->deadline)
            answer_client(c, c->change ? "error the engine does not answer; "
                                         "it may use what it remembers\n"
                                       : "error no word came\n");
    }
}

static void accept_clients(struct role *r)
{
    struct client *c;
    int fd;
    while ((c = free_client(r)) && (fd = kms_admin_accept(r->listener)) >= 0)
        *c = (struct client){.fd = fd, .deadline = now_ms() + LINE_MS};
}

/* Wait for the engine, a client or a signal, and serve the clients. */
static void wait_and_serve(struct role *r, struct ts_self *self)
{
    struct pollfd p[3 + CLIENTS] = {
        {.fd = ts_ring_fd(r->from), .events = POLLIN},
        {.fd = ts_role_fd(self), .events = POLLIN},
        {.fd = free_client(r) ? r->listener : -1, .events = POLLIN},
    };
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *c = &r->clients[i];
        p[3 + i] =
            (struct pollfd){.fd = c->change ? -1 : c->fd, .events = POLLIN};
    }
    int timeout = ts_ring_sleep(r->from) ? LOOK_MS / 2 : 0;
    if (poll(p, 3 + CLIENTS, timeout) < 0)
        return; /* EINTR: the loop looks at everything again */
    if (p[0].revents)
        ts_ring_drain(r->from);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (p[3 + i].revents)
            hear_client(r, &r->clients[i]);
    }
    if (p[2].revents)
        accept_clients(r);
}

/* Everything that can go wrong before the role is up: exit code, 0 if good. */
static int get_ready(struct role *r, const struct kms_store_conf *conf)
{
    char msg[TS_CONF_MSG];
    uint8_t random[sizeof r->change];
    enum ts_err err = kms_store_open(conf->store, &r->store, msg);
    if (!err)
        err = kms_admin_listen(conf->admin, &r->listener, msg);
    if (err)
        return ts_role_fail(err == TS_E_CONFIG || err == TS_E_NOTFOUND ? 2 : 1,
                            "%s", msg);
    err = ts_ring_open(conf->from_engine, &r->from);
    if (!err)
        err = ts_ring_open(conf->to_engine, &r->to);
    /* So that no engine's late word fits a change of this process. */
    if (!err)
        err = ts_random(NULL, random, sizeof random);
    if (err)
        return ts_role_fail(1, "store: %s", ts_strerror(err));
    memcpy(&r->change, random, sizeof random);
    return 0;
}

static int serve(struct role *r, struct ts_self *self)
{
    signal(SIGPIPE, SIG_IGN);
    if (ts_role_up(self))
        return 1;
    tell_engine(r); /* while no store role was there, nobody could */
    for (;;) {
        int sig;
        while ((sig = ts_role_signal(self)) != 0) {
            if (sig == SIGTERM)
                return 0;
        }
        answer_batch(r);
        look_for_change(r);
        drop_late_clients(r);
        wait_and_serve(r, self);
    }
}

int kms_store_run(struct ts_self *self, const void *arg)
{
    const struct kms_store_conf *conf = arg;
    struct role r = {.listener = -1};
    for (size_t i = 0; i < CLIENTS; i++)
        r.clients[i].fd = -1;
    int code = get_ready(&r, conf);
    if (code == 0)
        code = serve(&r, self);
    if (r.listener >= 0) {
        close(r.listener);
        unlink(conf->admin);
    }
    ts_ring_close(r.from);
    ts_ring_close(r.to);
    kms_store_close(r.store);
    return code;
}
