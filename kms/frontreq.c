/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/frontreq.h"
#include "base/secret.h"

#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define PATH "/keymanagement"
#define TYPE "application/mikey"

/*
 * First memory for a body; most messages fit. It is outside the budget, bounded
 * by the number of connections: whoever uses up the budget with large bodies
 * that never end does not keep small ones out.
 */
#define BODY_FIRST 2048
/* Of a body that is refused, this much is read so that the client sees why. */
#define DISCARD_MAX (1024 * 1024)
/* Milliseconds that the engine has. */
#define ENGINE_MS 5000
/* Records that are taken between two looks at the sockets. */
#define TAKE_MAX 256

#define RECORD (sizeof(struct kms_reply) + KMS_REPLY_MAX)

/* What a verdict looks like from outside. */
static const struct {
    const char *name; /* in the counters */
    unsigned status;
    const char *text;
} answers[KMS_VERDICTS] = {
    [KMS_V_SERVED] = {"served", 200, ""},
    [KMS_V_PATH] = {"path", 404, "no such resource; use " PATH "\n"},
    [KMS_V_METHOD] = {"method", 405, "use POST\n"},
    [KMS_V_TYPE] = {"type", 415, "send Content-Type: " TYPE "\n"},
    [KMS_V_QUERY] = {"query", 400,
                     "give one requesttype: ticketrequest or "
                     "ticketresolve\n"},
    [KMS_V_SIZE] = {"size", 413, "message too large; at most 65536 bytes\n"},
    [KMS_V_EMPTY] = {"empty", 400, "no body; send one MIKEY message\n"},
    [KMS_V_FORM] = {"form", 400,
                    "no MIKEY message; send one raw or in base64\n"},
    [KMS_V_HDR] = {"hdr", 400,
                   "no readable MIKEY header; send one MIKEY message\n"},
    [KMS_V_BUSY] = {"busy", 503, "too busy; try again later\n"},
    [KMS_V_LATE] = {"late", 503, "no answer in time; try again later\n"},
    [KMS_V_LOST] = {"lost", 503, "interrupted; try again\n"},
};

/* One request, from its headers to its answer. */
struct request {
    struct MHD_Connection *mhd;
    bool decided; /* verdict stands; before that it means nothing */
    enum kms_verdict verdict;
    unsigned retry; /* seconds, with 503 */
    uint16_t kind;
    enum kms_form form;
    uint8_t *body;
    size_t n, cap;
    size_t discarded;
    struct MHD_Response *reply; /* when served */
};

/* A place in the table: its number and generation make an ask's id. */
struct place {
    struct request *request; /* NULL when free */
    uint64_t id;
    int64_t due;
};

struct kms_front {
    struct ts_ring *asks, *replies;
    struct place place[KMS_FRONT_WAITING];
    uint16_t free[KMS_FRONT_WAITING]; /* numbers of the free places */
    size_t nfree;
    uint64_t generation;
    int64_t checked;
    size_t body_max, body_now; /* memory for bodies beyond BODY_FIRST */
    uint64_t count[KMS_VERDICTS];
    uint64_t refused; /* records of the engine that are no replies */
    uint8_t room[KMS_BODY_ROOM];
    uint8_t record[RECORD];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void decide(struct request *r, enum kms_verdict verdict)
{
    if (r->decided)
        return;
    r->decided = true;
    r->verdict = verdict;
    r->retry = 1;
}

/* ---- answers ---- */

static struct MHD_Response *refusal(const struct request *r)
{
    const char *text = answers[r->verdict].text;
    struct MHD_Response *reply = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (!reply)
        return NULL;
    MHD_add_response_header(reply, "Content-Type", "text/plain");
    MHD_add_response_header(reply, "Cache-Control", "no-store");
    if (answers[r->verdict].status == 405)
        MHD_add_response_header(reply, "Allow", "POST");
    if (answers[r->verdict].status == 503) {
        char seconds[12];
        snprintf(seconds, sizeof seconds, "%u", r->retry);
        MHD_add_response_header(reply, "Retry-After", seconds);
    }
    return reply;
}

static struct MHD_Response *message(enum kms_form form, struct ts_span msg)
{
    struct MHD_Response *reply;
    if (form == KMS_FORM_RAW) {
        reply = MHD_create_response_from_buffer(msg.n, (void *)(uintptr_t)msg.p,
                                                MHD_RESPMEM_MUST_COPY);
    } else {
        size_t n = BASE64_ENCODE_RAW_LENGTH(msg.n);
        char *text = malloc(n);
        if (!text)
            return NULL;
        base64_encode_raw(text, msg.n, msg.p);
        reply = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
        if (!reply)
            free(text);
    }
    if (!reply)
        return NULL;
    MHD_add_response_header(reply, "Content-Type", TYPE);
    MHD_add_response_header(reply, "Cache-Control", "no-store");
    return reply;
}

static enum MHD_Result answer(struct kms_front *f, struct request *r)
{
    if (!r->reply)
        r->reply = refusal(r);
    if (!r->reply)
        return MHD_NO;
    f->count[r->verdict]++;
    return MHD_queue_response(r->mhd, answers[r->verdict].status, r->reply);
}

/* ---- the head of a request ---- */

/* application/mikey, alone or with parameters. */
static bool type_ok(const char *type)
{
    size_t n = strlen(TYPE);
    if (!type || strncasecmp(type, TYPE, n) != 0)
        return false;
    type += n;
    type += strspn(type, " \t");
    return *type == '\0' || *type == ';';
}

struct query {
    unsigned n; /* how often requesttype stands there */
    uint16_t kind;
};

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind,
                                   const char *key, const char *value)
{
    struct query *q = cls;
    (void)kind;
    if (strcmp(key, "requesttype") != 0)
        return MHD_YES;
    q->n++;
    if (value && strcmp(value, "ticketrequest") == 0)
        q->kind = KMS_ASK_REQUEST;
    else if (value && strcmp(value, "ticketresolve") == 0)
        q->kind = KMS_ASK_RESOLVE;
    return MHD_YES;
}

static uint16_t kind_of(struct MHD_Connection *mhd)
{
    struct query q = {0, 0};
    MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, on_argument, &q);
    return q.n == 1 ? q.kind : 0;
}

static const char *header(struct MHD_Connection *mhd, const char *name)
{
    return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

/* libmicrohttpd has refused lengths that are no numbers. */
static unsigned long long length_of(struct MHD_Connection *mhd)
{
    const char *length = header(mhd, "Content-Length");
    return length ? strtoull(length, NULL, 10) : 0;
}

/* Decide what the head alone decides. */
static void judge_head(struct kms_front *f, struct request *r, const char *url,
                       const char *method)
{
    r->kind = kind_of(r->mhd);
    if (strcmp(url, PATH) != 0)
        decide(r, KMS_V_PATH);
    else if (strcmp(method, "POST") != 0)
        decide(r, KMS_V_METHOD);
    else if (!type_ok(header(r->mhd, "Content-Type")))
        decide(r, KMS_V_TYPE);
    else if (!r->kind)
        decide(r, KMS_V_QUERY);
    else if (length_of(r->mhd) > KMS_TEXT_MAX)
        decide(r, KMS_V_SIZE);
    else if (f->nfree == 0)
        decide(r, KMS_V_BUSY);
}

static enum MHD_Result begin(struct kms_front *f, struct MHD_Connection *mhd,
                             const char *url, const char *method,
                             void **request)
{
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return MHD_NO;
    *request = r;
    r->mhd = mhd;
    judge_head(f, r, url, method);
    /*
     * A client that is still sending may miss an early answer: closing a
     * socket with unread data resets it. So a small body is read first.
     */
    if (r->decided && (header(mhd, "Expect") || length_of(mhd) > DISCARD_MAX))
        return answer(f, r);
    return MHD_YES;
}

/* ---- its body ---- */

/* What a body of this capacity takes from the budget. */
static size_t charge(size_t cap)
{
    return cap > BODY_FIRST ? cap - BODY_FIRST : 0;
}

static void drop_body(struct kms_front *f, struct request *r)
{
    free(r->body);
    f->body_now -= charge(r->cap);
    r->body = NULL;
    r->n = r->cap = 0;
}

static bool grow(struct kms_front *f, struct request *r, size_t need)
{
    size_t cap = r->cap ? r->cap : BODY_FIRST;
    while (cap < need)
        cap *= 2;
    if (cap > KMS_TEXT_MAX)
        cap = KMS_TEXT_MAX;
    if (cap == r->cap)
        return true;
    size_t more = charge(cap) - charge(r->cap);
    if (more > f->body_max - f->body_now)
        return false;
    uint8_t *body = realloc(r->body, cap);
    if (!body)
        return false;
    f->body_now += more;
    r->body = body;
    r->cap = cap;
    return true;
}

static enum MHD_Result collect(struct kms_front *f, struct request *r,
                               const char *data, size_t n)
{
    size_t max = KMS_TEXT_MAX;
    if (!r->decided && (r->n ? r->body[0] : (uint8_t)data[0]) == 0x01)
        max = KMS_BODY_MAX;
    if (!r->decided && n > max - r->n)
        decide(r, KMS_V_SIZE);
    if (!r->decided && !grow(f, r, r->n + n))
        decide(r, KMS_V_BUSY);
    if (!r->decided) {
        memcpy(r->body + r->n, data, n);
        r->n += n;
        return MHD_YES;
    }
    drop_body(f, r);
    r->discarded += n;
    return r->discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

/* ---- towards the engine ---- */

static void take_place(struct kms_front *f, struct request *r,
                       struct place **out)
{
    uint16_t nth = f->free[--f->nfree];
    struct place *p = &f->place[nth];
    f->generation++;
    *p = (struct place){r, f->generation * KMS_FRONT_WAITING + nth,
                        now_ms() + ENGINE_MS};
    *out = p;
}

static void leave_place(struct kms_front *f, struct place *p)
{
    p->request = NULL;
    p->id = 0;
    f->free[f->nfree++] = (uint16_t)(p - f->place);
}

static bool hand_on(struct kms_front *f, struct request *r, struct ts_span msg)
{
    struct place *p;
    if (f->nfree == 0)
        return false;
    take_place(f, r, &p);
    const struct kms_ask ask = {p->id, (uint32_t)msg.n, r->kind, 0};
    if (ts_ring_send(f->asks, ts_span(&ask, sizeof ask), msg) != TS_OK) {
        leave_place(f, p);
        return false;
    }
    return true;
}

/* The body is complete: hand it on, or say what is wrong with it. */
static enum MHD_Result submit(struct kms_front *f, struct request *r)
{
    struct ts_span msg;
    enum ts_err err =
        kms_body_open(ts_span(r->body, r->n), f->room, &r->form, &msg);
    if (err)
        decide(r, err == TS_E_MISSING ? KMS_V_EMPTY
                  : err == TS_E_RANGE ? KMS_V_SIZE
                                      : KMS_V_FORM);
    else if (!hand_on(f, r, msg))
        decide(r, KMS_V_BUSY);
    drop_body(f, r);
    if (r->decided)
        return answer(f, r);
    MHD_suspend_connection(r->mhd);
    return MHD_YES;
}

enum MHD_Result kms_front_handle(void *cls, struct MHD_Connection *mhd,
                                 const char *url, const char *method,
                                 const char *version, const char *data,
                                 size_t *n, void **request)
{
    struct kms_front *f = cls;
    struct request *r = *request;
    (void)version;
    if (!r)
        return begin(f, mhd, url, method, request);
    if (*n > 0) {
        size_t all = *n;
        *n = 0;
        return collect(f, r, data, all);
    }
    return r->decided ? answer(f, r) : submit(f, r);
}

void kms_front_done(void *cls, struct MHD_Connection *mhd, void **request,
                    enum MHD_RequestTerminationCode code)
{
    struct kms_front *f = cls;
    struct request *r = *request;
    (void)mhd;
    (void)code;
    if (!r)
        return;
    drop_body(f, r);
    if (r->reply)
        MHD_destroy_response(r->reply);
    free(r);
    *request = NULL;
}

/* ---- from the engine ---- */

static void wake(struct kms_front *f, struct place *p, enum kms_verdict verdict)
{
    struct request *r = p->request;
    leave_place(f, p);
    decide(r, verdict);
    MHD_resume_connection(r->mhd);
}

void kms_front_drop_all(struct kms_front *f)
{
    for (size_t i = 0; i < KMS_FRONT_WAITING; i++)
        if (f->place[i].request)
            wake(f, &f->place[i], KMS_V_LOST);
}

void kms_front_expire(struct kms_front *f)
{
    int64_t now = now_ms();
    if (now < f->checked + ENGINE_MS / 10)
        return;
    f->checked = now;
    for (size_t i = 0; i < KMS_FRONT_WAITING; i++)
        if (f->place[i].request && f->place[i].due <= now)
            wake(f, &f->place[i], KMS_V_LATE);
}

static void deliver(struct kms_front *f, const struct kms_reply *reply,
                    struct ts_span msg)
{
    struct place *p = &f->place[reply->id % KMS_FRONT_WAITING];
    /* too late, or from before a restart: nobody waits for it */
    if (!p->request || p->id != reply->id)
        return;
    if (reply->status == 200) {
        p->request->reply = message(p->request->form, msg);
        wake(f, p, p->request->reply ? KMS_V_SERVED : KMS_V_BUSY);
        return;
    }
    struct request *r = p->request;
    wake(f, p, reply->status == 400 ? KMS_V_HDR : KMS_V_BUSY);
    if (reply->retry)
        r->retry = reply->retry;
}

void kms_front_take(struct kms_front *f)
{
    for (int i = 0; i < TAKE_MAX; i++) {
        struct kms_reply reply;
        struct ts_span msg;
        size_t n;
        enum ts_err err =
            ts_ring_recv(f->replies, f->record, sizeof f->record, &n);
        if (err == TS_E_EMPTY)
            return;
        if (!err)
            err = kms_reply_open(ts_span(f->record, n), &reply, &msg);
        if (err) {
            if (f->refused++ == 0)
                ts_log(TS_ERROR, "engine-record-refused", TS_ERR(err));
            continue;
        }
        if (reply.id == 0)
            kms_front_drop_all(f);
        else
            deliver(f, &reply, msg);
    }
}

/* ---- the whole ---- */

enum ts_err kms_front_new(const struct kms_front_conf *conf,
                          struct ts_ring *asks, struct ts_ring *replies,
                          struct kms_front **out)
{
    struct kms_front *f = calloc(1, sizeof *f);
    if (!f)
        return TS_E_NOMEM;
    /* late answers to an earlier front must not match: begin anywhere */
    uint32_t start;
    enum ts_err err = ts_random(NULL, (uint8_t *)&start, sizeof start);
    if (err) {
        free(f);
        return err;
    }
    f->generation = (uint64_t)start << 16 | 1;
    f->asks = asks;
    f->replies = replies;
    f->body_max = conf->body_bytes;
    for (uint16_t i = 0; i < KMS_FRONT_WAITING; i++)
        f->free[f->nfree++] = i;
    *out = f;
    return TS_OK;
}

void kms_front_free(struct kms_front *f)
{
    free(f);
}

size_t kms_front_waiting(const struct kms_front *f)
{
    return KMS_FRONT_WAITING - f->nfree;
}

void kms_front_count(const struct kms_front *f)
{
    struct ts_field fields[KMS_VERDICTS + 2];
    for (size_t i = 0; i < KMS_VERDICTS; i++)
        fields[i] = TS_UINT(answers[i].name, f->count[i]);
    fields[KMS_VERDICTS] = TS_UINT("engine-refused", f->refused);
    fields[KMS_VERDICTS + 1] = (struct ts_field){TS_FIELD_END, 0, 0, 0};
    ts_log_event(TS_INFO, "front-counts", fields);
}
