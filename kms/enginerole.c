/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/enginerole.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "kms/engine.h"
#include "kms/outbox.h"
#include "service/audit.h"

#define DUMMY       "-"
#define JOBS        64   /* requests that wait for the store */
#define BATCH       64   /* requests taken before others get a turn */
#define FOUND_BATCH 512  /* answers of the store, likewise */
#define STORE_MS    2000 /* longest wait for the store */
#define TICK_MS     20   /* how often deadlines are looked at */
#define RELOAD_MS   500  /* until keys that could not be read are tried again */

/** A request being worked on. */
struct job {
    bool used, waiting;
    uint64_t ask;   /* the front's number */
    uint64_t query; /* ours towards the store */
    int64_t deadline;
    struct kms_question q;
    uint8_t raw[sizeof(struct kms_ask) + KMS_BODY_MAX];
};

struct role {
    struct kms_engine engine;
    struct kms_sealer sealer;
    struct kms_users *users;
    struct kms_sealed dummy; /* a credential of nobody */
    struct kms_outbox *outbox;
    struct ts_ring *asks, *queries, *found;
    uint64_t next_query;
    uint64_t keys_query;       /* number of the query for the keys; 0: none */
    int64_t keys_deadline;     /* of that query */
    uint32_t keys_seen;        /* keys that came so far, also unreadable ones */
    bool key_lost;             /* one that we have was unreadable */
    uint64_t change;           /* change of the store to acknowledge; 0: none */
    int64_t reload_at;         /* when to ask for the keys again; 0: never */
    struct kms_keyring coming; /* keys as they arrive */
    unsigned waiting;          /* jobs that wait for the store */
    struct job *jobs;          /* JOBS of them */
    uint8_t reply[KMS_REPLY_MAX];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Refusals are worth a line; grants only to who wants to see all. */
static void log_decision(const struct kms_question *q)
{
    char key_id[KMS_KEYID_MAX + 1];
    memcpy(key_id, q->key_id.p ? q->key_id.p : (const uint8_t *)"",
           q->key_id.n < KMS_KEYID_MAX ? q->key_id.n : KMS_KEYID_MAX);
    key_id[q->key_id.n < KMS_KEYID_MAX ? q->key_id.n : KMS_KEYID_MAX] = '\0';
    ts_log(q->result <= KMS_REPEATED ? TS_DEBUG
           : q->result == KMS_FAILED ? TS_ERROR
                                     : TS_INFO,
           q->type == MIKEY_REQUEST_INIT_PSK ? "request" : "resolve",
           TS_STR("result", kms_result_name(q->result)),
           TS_STR("reason", q->reason),
           q->user ? TS_ID("user", q->user->identity) : TS_LOG_NONE,
           TS_ID("key-id", key_id));
}

/* The matter is decided: record and reply go on their way. */
static void job_done(struct role *r, struct job *j, const struct ts_writer *w)
{
    struct kms_question *q = &j->q;
    struct ts_span reply = q->status == 200 ? ts_written(w) : ts_span(NULL, 0);
    MIKEY_UNSET char line[KMS_RECORD_MAX];
    log_decision(q);
    if (q->status == 400) { /* nobody to name: counted and logged only */
        kms_outbox_direct(r->outbox, j->ask, 400, 0);
    } else {
        size_t n = kms_engine_record(&r->engine, q, line);
        kms_outbox_put(r->outbox, j->ask, q->status, ts_span(line, n), reply,
                       now_ms());
    }
    if (j->waiting)
        r->waiting--;
    j->used = j->waiting = false;
    ts_wipe(&q->psk, sizeof q->psk);
}

static void job_fail(struct role *r, struct job *j, const char *reason)
{
    struct ts_writer w = ts_writer_init(r->reply, sizeof r->reply);
    j->q.result = KMS_FAILED;
    j->q.reason = reason;
    j->q.status = 503;
    job_done(r, j, &w);
}

/* A user that is not cached, or whose key did not fit: ask the store. */
static void job_ask_store(struct role *r, struct job *j)
{
    struct ts_span id = j->q.key_id;
    if (id.n > KMS_KEYID_MAX) /* no such key: as unknown as any other */
        id = ts_span(NULL, 0);
    const struct kms_query head = {
        .id = ++r->next_query, .len = (uint32_t)id.n, .kind = KMS_QUERY_USER};
    if (ts_ring_send(r->queries, ts_span(&head, sizeof head), id)) {
        job_fail(r, j, "store busy");
        return;
    }
    j->query = head.id;
    j->waiting = true;
    j->deadline = now_ms() + STORE_MS;
    r->waiting++;
}

/*
 * A failure always costs one question to the store, whether the key id is
 * known or not, so that time does not tell which (invariant 4). It also finds
 * a key that was changed a moment ago.
 */
static void job_start(struct role *r, struct job *j, unsigned kind,
                      struct ts_span body)
{
    struct ts_writer w = ts_writer_init(r->reply, sizeof r->reply);
    if (!kms_engine_open(&r->engine, &j->q, kind, body, now_us(), &w)) {
        job_done(r, j, &w);
        return;
    }
    const struct kms_user *user = kms_users_find(r->users, j->q.key_id);
    if (kms_engine_verify(&r->engine, &j->q, user) == TS_OK) {
        kms_engine_answer(&r->engine, &j->q, &w);
        job_done(r, j, &w);
        return;
    }
    kms_users_drop(r->users, j->q.key_id);
    job_ask_store(r, j);
}

/* What opening a credential costs, where there is none to open. */
static void open_dummy(struct role *r)
{
    struct ts_key key;
    (void)!kms_unseal_credential(&r->sealer, ts_span_str(DUMMY),
                                 ts_span_str(DUMMY), kms_sealed_span(&r->dummy),
                                 &key);
    ts_key_wipe(&key);
}

static void job_found(struct role *r, struct job *j,
                      const struct kms_user_rec *rec)
{
    struct ts_writer w = ts_writer_init(r->reply, sizeof r->reply);
    const struct kms_user *user = NULL;
    if (!rec)
        open_dummy(r);
    if (rec && kms_users_put(r->users, &r->sealer, j->q.key_id, rec, &user)) {
        ts_log(TS_ERROR, "credential-unreadable");
        job_fail(r, j, "credential unreadable");
        return;
    }
    if (kms_engine_verify(&r->engine, &j->q, user) == TS_OK)
        kms_engine_answer(&r->engine, &j->q, &w);
    else
        kms_engine_deny(&r->engine, &j->q,
                        user ? "wrong key" : "unknown key id", &w);
    job_done(r, j, &w);
}

static struct job *job_free(struct role *r)
{
    for (unsigned i = 0; i < JOBS; i++)
        if (!r->jobs[i].used)
            return &r->jobs[i];
    return NULL;
}

static void job_take(struct role *r, struct job *j, size_t n)
{
    struct kms_ask ask;
    memcpy(&ask, j->raw, sizeof ask);
    if (n < sizeof ask || ask.len != n - sizeof ask ||
        (ask.kind != KMS_ASK_REQUEST && ask.kind != KMS_ASK_RESOLVE)) {
        ts_log(TS_ERROR, "front-sent-nonsense");
        return;
    }
    j->used = true;
    j->ask = ask.id;
    job_start(r, j, ask.kind, ts_span(j->raw + sizeof ask, ask.len));
}

/* One more reply, beside those of the jobs that wait for the store. */
static bool reply_fits(const struct role *r)
{
    return kms_outbox_room(r->outbox) > r->waiting;
}

/* Take requests while there is room for their replies. */
static void take_asks(struct role *r)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct job *j = job_free(r);
        size_t n;
        if (!j || !reply_fits(r))
            return;
        enum ts_err err = ts_ring_recv(r->asks, j->raw, sizeof j->raw, &n);
        if (err == TS_E_EMPTY)
            return;
        if (err)
            ts_log(TS_ERROR, "front-ring-broken", TS_ERR(err));
        else
            job_take(r, j, n);
    }
}

/* The old keys stay in use; tried again until it works. */
static void keys_failed(struct role *r)
{
    ts_log(TS_ERROR, "keys-not-loaded");
    r->keys_query = 0;
    r->reload_at = now_ms() + RELOAD_MS;
}

static void query_keys(struct role *r)
{
    struct kms_query head = {.id = ++r->next_query, .kind = KMS_QUERY_KEYS};
    kms_keyring_clear(&r->coming);
    r->keys_seen = 0;
    r->key_lost = false;
    r->reload_at = 0;
    if (ts_ring_send(r->queries, ts_span(&head, sizeof head),
                     ts_span(NULL, 0))) {
        keys_failed(r);
        return;
    }
    r->keys_query = head.id;
    r->keys_deadline = now_ms() + STORE_MS;
}

static void tell_store(struct role *r)
{
    struct kms_query head = {.id = r->change, .kind = KMS_QUERY_TOLD};
    if (ts_ring_send(r->queries, ts_span(&head, sizeof head),
                     ts_span(NULL, 0)) == TS_OK)
        r->change = 0;
}

/* All keys are here: from now on these, unless they are worse than those we
   have. A change is thereby acknowledged. */
static void keys_complete(struct role *r, struct ts_span body)
{
    uint32_t keys = 0;
    if (body.n == sizeof keys)
        memcpy(&keys, body.p, sizeof keys);
    bool worse =
        r->key_lost || (r->engine.ring.n && !kms_keyring_use(&r->coming));
    if (body.n != sizeof keys || keys != r->keys_seen || worse) {
        keys_failed(r);
        return;
    }
    kms_keyring_clear(&r->engine.ring);
    r->engine.ring = r->coming;
    kms_keyring_clear(&r->coming);
    r->keys_query = 0;
    ts_log(TS_INFO, "keys-loaded", TS_UINT("keys", r->engine.ring.n));
    if (r->change)
        tell_store(r);
}

static void found_key(struct role *r, struct ts_span body)
{
    struct kms_key_rec rec;
    if (body.n != sizeof rec)
        return;
    memcpy(&rec, body.p, sizeof rec);
    r->keys_seen++;
    enum ts_err err = kms_keyring_add(&r->coming, &r->sealer, &rec);
    if (!err)
        return;
    ts_log(TS_ERROR, "ticket-key-unreadable", TS_ERR(err));
    if (err != TS_E_FULL &&
        kms_keyring_find(&r->engine.ring, ts_span(rec.id, sizeof rec.id)))
        r->key_lost = true;
}

static void found_user(struct role *r, const struct kms_found *head,
                       struct ts_span body)
{
    struct kms_user_rec rec;
    for (unsigned i = 0; i < JOBS; i++) {
        struct job *j = &r->jobs[i];
        if (!j->waiting || j->query != head->id)
            continue;
        if (head->kind == KMS_FOUND_NONE)
            job_found(r, j, NULL);
        else if (head->kind != KMS_FOUND_USER || body.n != sizeof rec)
            job_fail(r, j, "store failed");
        else
            job_found(r, j, memcpy(&rec, body.p, sizeof rec));
        return;
    }
}

static void found(struct role *r, const uint8_t *raw, size_t n)
{
    struct kms_found head;
    if (n < sizeof head)
        return;
    memcpy(&head, raw, sizeof head);
    struct ts_span body = ts_span(raw + sizeof head, n - sizeof head);
    if (head.len != body.n)
        return;
    if (head.kind == KMS_FOUND_CHANGED) {
        kms_users_clear(r->users);
        r->change = head.id;
        query_keys(r);
    } else if (r->keys_query && head.id == r->keys_query) {
        if (head.kind == KMS_FOUND_KEY)
            found_key(r, body);
        else if (head.kind == KMS_FOUND_NONE)
            keys_complete(r, body);
        else
            keys_failed(r);
    } else {
        found_user(r, &head, body);
    }
}

static void take_found(struct role *r)
{
    uint8_t raw[sizeof(struct kms_found) + sizeof(struct kms_user_rec) + 64];
    size_t n;
    for (unsigned i = 0; i < FOUND_BATCH; i++) {
        enum ts_err err = ts_ring_recv(r->found, raw, sizeof raw, &n);
        if (err == TS_E_EMPTY)
            return;
        if (!err)
            found(r, raw, n);
    }
}

/* What became of the reload of the keys. */
static void check_keys(struct role *r, int64_t now)
{
    if (r->keys_query && r->keys_deadline <= now)
        keys_failed(r);
    if (r->reload_at && r->reload_at <= now)
        query_keys(r);
    if (r->change && !r->keys_query && !r->reload_at)
        tell_store(r); /* there was no room before */
}

static void check_deadlines(struct role *r)
{
    int64_t now = now_ms();
    for (unsigned i = 0; r->waiting && i < JOBS; i++)
        if (r->jobs[i].waiting && r->jobs[i].deadline <= now)
            job_fail(r, &r->jobs[i], "store silent");
    check_keys(r, now);
    kms_outbox_check(r->outbox, now);
}

/* Wait until there is something to do; true when told to stop. */
static bool wait_for_work(struct role *r, struct ts_self *self)
{
    struct pollfd fds[] = {
        {.fd = ts_role_fd(self), .events = POLLIN},
        {.fd = ts_ring_fd(r->found), .events = POLLIN},
        {.fd = kms_outbox_fd(r->outbox), .events = POLLIN},
        {.fd = ts_ring_fd(r->asks), .events = POLLIN},
    };
    bool may = ts_ring_sleep(r->found);
    may = kms_outbox_sleep(r->outbox) && may;
    bool full = !job_free(r) || !reply_fits(r);
    if (!full)
        may = ts_ring_sleep(r->asks) && may;
    bool idle = r->waiting == 0 && !r->keys_query && !r->reload_at &&
                !r->change && kms_outbox_empty(r->outbox);
    int timeout = !may ? 0 : idle ? -1 : TICK_MS;
    if (poll(fds, full ? 3 : 4, timeout) > 0) {
        ts_ring_drain(r->found);
        kms_outbox_drain(r->outbox);
        ts_ring_drain(r->asks);
    }
    int sig;
    while ((sig = ts_role_signal(self)) != 0)
        if (sig == SIGTERM)
            return true;
    return false;
}

static void work(struct role *r)
{
    take_found(r);
    kms_outbox_acks(r->outbox);
    take_asks(r);
    check_deadlines(r);
    ts_ring_wake(r->queries);
    kms_outbox_wake(r->outbox);
}

/* The ticket keys must be here before the first request is taken. */
static int load_keys(struct role *r, struct ts_self *self)
{
    int64_t limit = now_ms() + 5000;
    query_keys(r);
    while ((r->keys_query || r->reload_at) && now_ms() < limit) {
        struct pollfd p = {.fd = ts_ring_fd(r->found), .events = POLLIN};
        ts_ring_wake(r->queries);
        if (ts_ring_sleep(r->found))
            (void)poll(&p, 1, TICK_MS);
        ts_ring_drain(r->found);
        take_found(r);
        check_keys(r, now_ms());
        if (ts_role_signal(self) == SIGTERM)
            return 1; /* another role could not start, and has said why */
    }
    if (r->engine.ring.n == 0)
        return ts_role_fail(1, "no ticket key could be read from the store; "
                               "run: tesseractl -c FILE init");
    if (!kms_keyring_use(&r->engine.ring))
        return ts_role_fail(1, "no ticket key is in use; run: tesseractl -c "
                               "FILE key rotate");
    return 0;
}

static int open_keys(struct role *r, const struct kms_engine_conf *c)
{
    char msg[TS_CONF_MSG];
    struct ts_key key;
    if (kms_storekey_load(c->conf->store_key, &key, msg))
        return ts_role_fail(2, "%s", msg);
    enum ts_err err = kms_sealer_init(&r->sealer, &key);
    if (!err) /* what it holds does not matter, only that it opens */
        err = kms_seal_credential(&r->sealer, ts_span_str(DUMMY),
                                  ts_span_str(DUMMY),
                                  &(struct ts_key){.len = 32}, &r->dummy);
    ts_key_wipe(&key);
    if (!err)
        err = kms_users_new(&r->users);
    return err ? ts_role_fail(1, "engine: %s", ts_strerror(err)) : 0;
}

static int open_all(struct role *r, const struct kms_engine_conf *c)
{
    struct kms_replay *replay = NULL;
    enum ts_err err = kms_replay_open(c->replay, c->conf->limits.replay_entries,
                                      c->conf->limits.answer_bytes, &replay);
    if (!err)
        err = kms_engine_init(&r->engine, c->conf->identity, &c->conf->policy,
                              replay, ts_random);
    if (!err)
        err = ts_ring_open(c->asks, &r->asks);
    if (!err)
        err = ts_ring_open(c->queries, &r->queries);
    if (!err)
        err = ts_ring_open(c->found, &r->found);
    if (!err)
        err = kms_outbox_new(&r->outbox, c->replies, c->entries, c->done);
    r->next_query = now_us(); /* apart from those of an engine before us */
    r->jobs = calloc(JOBS, sizeof *r->jobs);
    if (!err && !r->jobs)
        err = TS_E_NOMEM;
    return err ? ts_role_fail(1, "engine: %s", ts_strerror(err)) : 0;
}

static void close_all(struct role *r)
{
    kms_users_free(r->users);
    kms_outbox_free(r->outbox);
    ts_ring_close(r->asks);
    ts_ring_close(r->queries);
    ts_ring_close(r->found);
    kms_replay_close(r->engine.replay);
    kms_engine_wipe(&r->engine);
    kms_keyring_clear(&r->coming);
    kms_sealer_wipe(&r->sealer);
    free(r->jobs);
    ts_wipe(r, sizeof *r);
}

int kms_engine_run(struct ts_self *self, const void *conf)
{
    static struct role role; /* large; one a process */
    struct role *r = &role;
    (void)mlock(r, sizeof *r); /* as far as the limit allows */
    int code = open_keys(r, conf);
    if (!code)
        code = open_all(r, conf);
    if (!code)
        code = load_keys(r, self);
    if (!code) /* before anybody is told that we are ready */
        kms_outbox_hello(r->outbox);
    if (!code && ts_role_up(self))
        code = 1;
    if (!code) {
        while (!wait_for_work(r, self))
            work(r);
        work(r); /* what was taken is answered */
    }
    close_all(r);
    return code;
}
