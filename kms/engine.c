/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/engine.h"

static const char *const result_names[] = {
    "granted", "repeated", "refused", "denied", "invalid", "failed",
};

const char *kms_result_name(enum kms_result result)
{
    return result_names[result];
}

enum ts_err kms_engine_init(struct kms_engine *e, const char *identity,
                            const struct kms_policy *policy,
                            struct kms_replay *replay, ts_random_fn random)
{
    memset(e, 0, sizeof *e);
    e->identity = identity;
    e->policy = *policy;
    e->replay = replay;
    e->random = random;
    return ts_identity(ts_span_str(identity), &e->canonical);
}

void kms_engine_wipe(struct kms_engine *e)
{
    ts_wipe(e, sizeof *e);
}

/* One system call for many keys; what was given out is wiped from the pool. */
enum ts_err kms_engine_random(struct kms_engine *e, uint8_t *buf, size_t n)
{
    if (n > KMS_POOL)
        return e->random(NULL, buf, n);
    if (n > e->pool_left) {
        enum ts_err err = e->random(NULL, e->pool, KMS_POOL);
        if (err)
            return err;
        e->pool_left = KMS_POOL;
    }
    uint8_t *from = e->pool + KMS_POOL - e->pool_left;
    memcpy(buf, from, n);
    ts_wipe(from, n);
    e->pool_left -= n;
    return TS_OK;
}

void kms_reply_error(struct kms_question *q, enum kms_result result, uint8_t no,
                     const char *reason, bool auth, struct ts_writer *w)
{
    q->psk.selector = MIKEY_SEL_INIT; /* R187: as the message in error */
    const struct mikey_error_new in = {
        .about = &q->m.hdr,
        .t = mikey_time_ntp(q->now), /* R185 */
        .no = {no},
        .n_no = 1,
        .auth = auth ? &q->psk : NULL,
    };
    w->len = 0;
    w->err = TS_OK;
    mikey_build_error(w, &in);
    q->result = result;
    q->reason = reason;
    q->error = no;
    q->status = 200;
}

/* T must be within the skew, and not from before we can remember. */
static enum ts_err check_time(const struct kms_engine *e,
                              struct kms_question *q)
{
    uint64_t at;
    enum ts_err err = mikey_time_check(q->m.t, q->now, e->policy.skew);
    if (!err)
        err = mikey_time_unix(q->m.t, &at);
    kms_replay_clock(e->replay, q->now);
    q->reason = "clock off";
    if (!err && at < kms_replay_start(e->replay)) {
        err = TS_E_TIME;
        q->reason = "before the start";
    }
    return err;
}

static struct ts_span key_id_of(const struct kms_question *q)
{
    const struct mikey_id *psk = &q->m.idr[MIKEY_IDR_PSK];
    bool request = q->type == MIKEY_REQUEST_INIT_PSK;
    if (psk->data.p)
        return psk->data;
    /* R20, R106: without IDRpsk the sender's identity names the key */
    return q->m.idr[request ? MIKEY_IDR_I : MIKEY_IDR_R].data;
}

static bool invalid(struct kms_question *q, uint8_t no, const char *reason,
                    struct ts_writer *w)
{
    kms_reply_error(q, KMS_INVALID, no, reason, false, w);
    return false;
}

bool kms_engine_open(struct kms_engine *e, struct kms_question *q,
                     unsigned kind, struct ts_span body, uint64_t now,
                     struct ts_writer *w)
{
    bool hdr_ok, request = kind == KMS_ASK_REQUEST;
    q->type = request ? MIKEY_REQUEST_INIT_PSK : MIKEY_RESOLVE_INIT_PSK;
    q->now = now;
    q->user = NULL;
    q->has_policy = false;
    q->key_id = ts_span(NULL, 0);
    q->error = 0;

    enum ts_err err = mikey_msg_read(body, &q->m, &hdr_ok);
    if (!hdr_ok) {
        q->result = KMS_INVALID;
        q->reason = "no readable HDR";
        q->status = 400;
        return false;
    }
    if (q->m.hdr.type != q->type)
        return invalid(q, MIKEY_ERR_DT, "wrong data type", w);
    /* R175, R176: what cannot be parsed is discarded, with an Error */
    if (err)
        return invalid(q, MIKEY_ERR_UNSPECIFIED, ts_strerror(err), w);
    err = mikey_init_check(&q->m, q->type, &q->error);
    if (err)
        return invalid(q, q->error, "message not acceptable", w);
    if (check_time(e, q))
        return invalid(q, MIKEY_ERR_TS, q->reason, w);
    err = request ? kms_issue_check(e, q) : kms_resolve_check(e, q);
    if (err)
        return invalid(q, q->error, "ticket policy not acceptable", w);
    q->key_id = key_id_of(q);
    kms_replay_tag(e->replay, q->key_id, q->m.t.value, q->m.hdr.csb,
                   q->m.hdr.type, &q->tag);
    return true;
}

enum ts_err kms_engine_verify(struct kms_engine *e, struct kms_question *q,
                              const struct kms_user *user)
{
    static const uint8_t dummy[32];
    struct ts_span psk = user ? ts_key_span(&user->psk) : ts_span(dummy, 32);
    struct ts_span self =
        user ? ts_span(user->identity, user->identity_len) : ts_span(NULL, 0);
    enum ts_err err =
        mikey_init_verify(&q->m, psk, self, ts_span_str(e->identity), &q->psk);
    q->user = err ? NULL : user;
    return q->user ? TS_OK : TS_E_AUTH;
}

void kms_engine_deny(struct kms_engine *e, struct kms_question *q,
                     const char *reason, struct ts_writer *w)
{
    (void)e;
    q->user = NULL;
    kms_reply_error(q, KMS_DENIED, MIKEY_ERR_AUTH, reason, false, w);
    mikey_protect_end(&q->psk);
}

bool kms_is_us(const struct kms_engine *e, const struct mikey_id *kms)
{
    struct ts_identity id;
    if (!kms->data.p || ts_span_equal(kms->data, ts_span_str(e->identity)))
        return true;
    return ts_identity(kms->data, &id) == TS_OK &&
           strcmp(id.text, e->canonical.text) == 0;
}

bool kms_is_user(const struct kms_question *q, const struct mikey_id *claimed)
{
    struct ts_identity id;
    struct ts_span own = ts_span(q->user->identity, q->user->identity_len);
    return ts_span_equal(claimed->data, own) ||
           (ts_identity(claimed->data, &id) == TS_OK &&
            ts_span_equal(ts_span(id.text, id.len), own));
}

/* The sender claims its own identity (R4, R91), and means this KMS. */
static bool is_addressed(const struct kms_engine *e,
                         const struct kms_question *q)
{
    bool request = q->type == MIKEY_REQUEST_INIT_PSK;
    const struct mikey_id *self =
        &q->m.idr[request ? MIKEY_IDR_I : MIKEY_IDR_R];
    return (!self->data.p || kms_is_user(q, self)) &&
           kms_is_us(e, &q->m.idr[MIKEY_IDR_KMS]);
}

/* What a refused message said of a ticket was never proven to be true. */
static void repeat(struct kms_question *q, struct ts_span answer,
                   struct ts_writer *w)
{
    bool granted = answer.n > 1 && answer.p[1] != MIKEY_ERROR;
    ts_put_span(w, answer);
    q->result = KMS_REPEATED;
    q->reason = granted ? "granted before" : "refused before";
    q->has_policy = q->has_policy && granted;
    q->status = 200;
}

/* Seen before: the same reply for the same bytes while there is one, else
   Error 1. Gives false when the matter is decided. */
static bool check_replay(struct kms_engine *e, struct kms_question *q,
                         struct ts_writer *w)
{
    uint64_t now = q->now / 1000000, at = 0;
    struct ts_span answer;
    (void)!mikey_time_unix(q->m.t, &at); /* checked before */
    enum ts_err err = kms_replay_enter(e->replay, &q->tag, now,
                                       at / 1000000 + e->policy.skew + 1);
    if (err == TS_E_REPLAY && kms_replay_answer(e->replay, &q->tag, q->m.v.mac,
                                                now, &answer) == TS_OK) {
        repeat(q, answer, w);
    } else if (err == TS_E_REPLAY) {
        kms_reply_error(q, KMS_REFUSED, MIKEY_ERR_TS, "replay", true, w);
    } else if (err) {
        q->result = KMS_FAILED;
        q->reason = "replay table full";
        q->status = 503;
    }
    return err == TS_OK;
}

void kms_engine_answer(struct kms_engine *e, struct kms_question *q,
                       struct ts_writer *w)
{
    if (check_replay(e, q, w)) {
        q->result = KMS_GRANTED;
        q->reason = "";
        if (!is_addressed(e, q)) {
            q->result = KMS_REFUSED;
            q->reason = "not the sender's identity, or another KMS";
        }
        if (q->type == MIKEY_REQUEST_INIT_PSK)
            kms_issue(e, q, w);
        else
            kms_resolve(e, q, w);
        if (q->result == KMS_REFUSED)
            kms_reply_error(q, KMS_REFUSED, MIKEY_ERR_UNSPECIFIED, q->reason,
                            true, w);
        if (q->status == 200)
            kms_replay_keep(e->replay, &q->tag, q->m.v.mac, q->now / 1000000,
                            ts_written(w));
    }
    mikey_protect_end(&q->psk);
}
