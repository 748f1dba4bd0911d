/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/outbox.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/log.h"
#include "service/audit.h"

#define SLOTS 256u

/** One reply. */
struct slot {
    uint64_t ask, seq; /* seq 0: no record to wait for */
    int64_t deadline;
    bool ready; /* may leave */
    uint16_t status, retry;
    uint32_t len;
    uint8_t body[KMS_REPLY_MAX];
};

/* Slots are used in turn, so those touched stay few and small. */
struct kms_outbox {
    struct ts_ring *replies, *entries, *done;
    uint64_t seq;
    unsigned first, n; /* oldest slot, and how many are in use */
    bool silent;       /* the audit did not answer: said once */
    struct slot *slots;
};

/* Above all numbers of an engine before us, whose records may still be
   acknowledged: none writes a record a nanosecond. */
static uint64_t first_number(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

enum ts_err kms_outbox_new(struct kms_outbox **out, struct ts_ring_fds replies,
                           struct ts_ring_fds entries, struct ts_ring_fds done)
{
    struct kms_outbox *o = calloc(1, sizeof *o);
    *out = NULL;
    if (!o)
        return TS_E_NOMEM;
    void *p = mmap(NULL, SLOTS * sizeof(struct slot), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    enum ts_err err = p == MAP_FAILED ? TS_E_NOMEM : TS_OK;
    o->slots = err ? NULL : p;
    o->seq = first_number();
    if (!err)
        err = ts_ring_open(replies, &o->replies);
    if (!err)
        err = ts_ring_open(entries, &o->entries);
    if (!err)
        err = ts_ring_open(done, &o->done);
    if (err)
        kms_outbox_free(o);
    else
        *out = o;
    return err;
}

void kms_outbox_free(struct kms_outbox *o)
{
    if (!o)
        return;
    ts_ring_close(o->replies);
    ts_ring_close(o->entries);
    ts_ring_close(o->done);
    if (o->slots)
        munmap(o->slots, SLOTS * sizeof(struct slot));
    free(o);
}

void kms_outbox_hello(struct kms_outbox *o)
{
    const struct kms_reply hello = {.id = 0};
    (void)!ts_ring_send(o->replies, ts_span(&hello, sizeof hello),
                        ts_span(NULL, 0));
    ts_ring_wake(o->replies);
}

unsigned kms_outbox_room(const struct kms_outbox *o)
{
    return SLOTS - o->n;
}

bool kms_outbox_empty(const struct kms_outbox *o)
{
    return o->n == 0;
}

static struct slot *slot_at(struct kms_outbox *o, unsigned i)
{
    return &o->slots[(o->first + i) % SLOTS];
}

/* Replies leave in their order; one that the front has no room for waits. */
static void send_ready(struct kms_outbox *o)
{
    while (o->n > 0) {
        struct slot *s = slot_at(o, 0);
        if (!s->ready)
            return;
        const struct kms_reply head = {.id = s->ask,
                                       .len = s->len,
                                       .status = s->status,
                                       .retry = s->retry};
        if (ts_ring_send(o->replies, ts_span(&head, sizeof head),
                         ts_span(s->body, s->len)) == TS_E_FULL)
            return;
        o->first = (o->first + 1) % SLOTS;
        o->n--;
    }
}

static void make_unavailable(struct slot *s)
{
    s->status = 503;
    s->retry = 1;
    s->len = 0;
    s->ready = true;
}

static struct slot *slot_new(struct kms_outbox *o, uint64_t ask,
                             uint16_t status)
{
    struct slot *s = slot_at(o, o->n++);
    s->ask = ask;
    s->status = status;
    s->retry = status == 503 ? 1 : 0;
    s->seq = 0;
    s->len = 0;
    s->ready = false;
    return s;
}

void kms_outbox_put(struct kms_outbox *o, uint64_t ask, uint16_t status,
                    struct ts_span record, struct ts_span reply, int64_t now)
{
    struct slot *s = slot_new(o, ask, status);
    const struct ts_audit_entry head = {.seq = o->seq + 1,
                                        .len = (uint32_t)record.n};
    s->deadline = now + KMS_AUDIT_MS;
    s->len = (uint32_t)reply.n;
    if (reply.n)
        memcpy(s->body, reply.p, reply.n);
    enum ts_err err =
        ts_ring_send(o->entries, ts_span(&head, sizeof head), record);
    if (err) {
        ts_log(TS_ERROR, "audit-not-taken", TS_ERR(err));
        make_unavailable(s);
        send_ready(o);
        return;
    }
    s->seq = ++o->seq;
}

void kms_outbox_direct(struct kms_outbox *o, uint64_t ask, uint16_t status,
                       uint16_t retry)
{
    struct slot *s = slot_new(o, ask, status);
    s->retry = retry;
    s->ready = true;
    send_ready(o);
}

/* seq 0: the audit is new, and what it had taken may be lost. */
static void take_ack(struct kms_outbox *o, const struct ts_audit_done *ack)
{
    for (unsigned i = 0; i < o->n; i++) {
        struct slot *s = slot_at(o, i);
        if (s->ready || (ack->seq && s->seq > ack->seq))
            continue;
        if (ack->failed || ack->seq == 0)
            make_unavailable(s);
        s->ready = true;
    }
    if (ack->seq == 0)
        return;
    if (ack->failed && !o->silent)
        ts_log(TS_ERROR, "audit-not-written");
    else if (!ack->failed && o->silent)
        ts_log(TS_INFO, "audit-answers-again");
    o->silent = ack->failed;
}

void kms_outbox_acks(struct kms_outbox *o)
{
    struct ts_audit_done ack;
    size_t n;
    for (;;) {
        enum ts_err err = ts_ring_recv(o->done, &ack, sizeof ack, &n);
        if (err == TS_E_EMPTY)
            break;
        if (!err && n == sizeof ack && ack.failed <= 1)
            take_ack(o, &ack);
    }
    send_ready(o);
}

void kms_outbox_check(struct kms_outbox *o, int64_t now)
{
    for (unsigned i = 0; i < o->n; i++) {
        struct slot *s = slot_at(o, i);
        if (s->ready || s->deadline > now)
            continue;
        make_unavailable(s);
        if (!o->silent)
            ts_log(TS_ERROR, "audit-silent");
        o->silent = true;
    }
    send_ready(o);
}

void kms_outbox_wake(struct kms_outbox *o)
{
    ts_ring_wake(o->entries);
    ts_ring_wake(o->replies);
}

int kms_outbox_fd(const struct kms_outbox *o)
{
    return ts_ring_fd(o->done);
}

bool kms_outbox_sleep(struct kms_outbox *o)
{
    return ts_ring_sleep(o->done);
}

void kms_outbox_drain(struct kms_outbox *o)
{
    ts_ring_drain(o->done);
}
