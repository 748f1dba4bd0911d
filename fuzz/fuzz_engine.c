/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that the front hands to the engine, with a real ticket key and a
 * user whom every key id names. The MAC is made right, so that what lies
 * behind it is reached. Of the first octet
 *
 *     1  the message came with requesttype=ticketresolve
 *     2  the ticket in it is made right, too: the ticket key's id and MAC
 *     4  and what the fuzzer gives as its KEMAC is encrypted first
 */
#include <unistd.h>

#include "fuzz/mikey.h"
#include "kms/engine.h"

#define SKEW 300

static const struct ts_span none;
static struct kms_engine engine;
static struct kms_user alice, bob; /* she requests, he resolves */
static uint8_t body[KMS_BODY_MAX], out[KMS_REPLY_MAX];

static enum ts_err fixed_random(void *arg, uint8_t *buf, size_t n)
{
    static uint8_t x;
    (void)arg;
    for (size_t i = 0; i < n; i++)
        buf[i] = x += 37;
    return TS_OK;
}

static void set_user(struct kms_user *u, const char *identity)
{
    u->identity_len = (uint16_t)strlen(identity);
    memcpy(u->identity, identity, u->identity_len);
    u->psk.len = 32;
}

static const struct kms_user *sender(const struct kms_question *q)
{
    return q->type == MIKEY_REQUEST_INIT_PSK ? &alice : &bob;
}

/* A fresh table from time to time, as none of it would ever expire. */
static void renew_replay(void)
{
    static unsigned runs;
    static int fd = -1;
    if (runs++ % 1000)
        return;
    kms_replay_close(engine.replay);
    close(fd);
    MUST_HOLD(kms_replay_create(4096, 1 << 20, 0, &fd) == TS_OK);
    MUST_HOLD(kms_replay_open(fd, 4096, 1 << 20, &engine.replay) == TS_OK);
}

static void set_up(void)
{
    const struct kms_policy policy = {.skew = SKEW, .max_lifetime = 86400};
    struct kms_tpk *tpk = &engine.ring.tpk[0];
    if (engine.identity)
        return;
    MUST_HOLD(kms_engine_init(&engine, "sip:kms@example.org", &policy, NULL,
                              fixed_random) == TS_OK);
    engine.ring.n = 1;
    tpk->use = true;
    tpk->key.len = KMS_TICKETKEY_LEN;
    set_user(&alice, "sip:alice@example.org");
    set_user(&bob, "sip:bob@example.org");
}

/* Into memory of ours, which a view shows. */
static uint8_t *edit(struct ts_span view)
{
    return (uint8_t *)(uintptr_t)view.p;
}

static void make_ticket_right(const struct mikey_ticket *t, bool encrypt)
{
    const struct kms_tpk *tpk = &engine.ring.tpk[0];
    const struct mikey_suite *suite = mikey_suite_prf(t->tp.prf);
    struct mikey_protect keys;
    struct mikey_cipher cipher;
    struct mikey_base base;
    struct mikey_hmac h;
    if (!suite || mikey_base_read(t, &base) || base.v.mac.n != suite->mac)
        return;
    if (base.tpk_id.data.n == sizeof tpk->id)
        memcpy(edit(base.tpk_id.data), tpk->id, sizeof tpk->id);
    mikey_protect_begin(&keys, suite, ts_key_span(&tpk->key), MIKEY_SEL_TICKET,
                        0xffffffff, base.rand, none);
    mikey_protect_cipher(&keys, &cipher);
    if (encrypt && base.kemac.data.n)
        mikey_aes_cm(ts_span(cipher.key, suite->encr_key), cipher.salt,
                     0xffffffff, base.t.value, edit(base.kemac.data),
                     base.kemac.data.n);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, base.covered);
    mikey_hmac_end(&h, edit(base.v.mac), base.v.mac.n);
    mikey_protect_end(&keys);
}

static void make_mac_right(const struct kms_question *q)
{
    const struct mikey_msg *m = &q->m;
    bool request = q->type == MIKEY_REQUEST_INIT_PSK;
    struct ts_span self = m->idr[request ? MIKEY_IDR_I : MIKEY_IDR_R].data;
    struct ts_span kms = m->idr[MIKEY_IDR_KMS].data;
    struct mikey_protect keys;
    struct mikey_hmac h;
    mikey_protect_begin(&keys, mikey_suite_prf(m->hdr.prf),
                        ts_key_span(&sender(q)->psk), MIKEY_SEL_INIT,
                        m->hdr.csb, request ? m->rand[MIKEY_RAND_I] : none,
                        request ? none : m->rand[MIKEY_RAND_R]);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, ts_span(m->raw.p, mikey_at(m, m->v.mac)));
    mikey_hmac_add(
        &h,
        self.p ? self : ts_span(sender(q)->identity, sender(q)->identity_len));
    mikey_hmac_add(&h, kms.p ? kms : ts_span_str(engine.identity));
    mikey_hmac_end(&h, edit(m->v.mac), m->v.mac.n);
    mikey_protect_end(&keys);
}

/* What is granted opens, at its owner and at the KMS later. */
static void check_grant(const struct kms_question *q, struct ts_span reply)
{
    static struct mikey_reply opened;
    static struct mikey_opened ticket;
    struct mikey_base base;
    struct mikey_msg m;
    MUST_HOLD(mikey_msg_read(reply, &m, NULL) == TS_OK);
    bool request = q->type == MIKEY_REQUEST_INIT_PSK;
    MUST_HOLD(mikey_reply_open(&q->m, reply, ts_key_span(&sender(q)->psk),
                               &opened) == TS_OK);
    if (!request)
        return;
    MUST_HOLD(mikey_base_read(&m.ticket, &base) == TS_OK);
    MUST_HOLD(mikey_base_open(&m.ticket, &base,
                              ts_key_span(&engine.ring.tpk[0].key),
                              &ticket) == TS_OK);
}

static void check_answer(const struct kms_question *q,
                         const struct ts_writer *w)
{
    char line[KMS_RECORD_MAX];
    struct mikey_msg m;
    MUST_HOLD(w->err == TS_OK);
    if (q->status == 400) {
        MUST_HOLD(w->len == 0);
        return;
    }
    size_t n = kms_engine_record(&engine, q, line);
    MUST_HOLD(n > 2 && n <= sizeof line && line[0] == '{' &&
              line[n - 1] == '}');
    for (size_t i = 0; i < n; i++)
        MUST_HOLD(line[i] >= 0x20 && line[i] < 0x7f);
    MUST_HOLD(q->status == 200 || (q->status == 503 && w->len == 0));
    if (q->status != 200)
        return;
    MUST_HOLD(mikey_msg_read(ts_written(w), &m, NULL) == TS_OK);
    MUST_HOLD(m.hdr.csb == q->m.hdr.csb);
    if (q->result == KMS_GRANTED)
        check_grant(q, ts_written(w));
    else if (q->result != KMS_REPEATED)
        MUST_HOLD(m.hdr.type == MIKEY_ERROR && m.n_err == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct kms_question q;
    static uint64_t nth; /* no message is a replay of the one before */
    struct ts_writer w = ts_writer_init(out, sizeof out);
    uint64_t now = 0;
    if (n < 2 || n - 1 > sizeof body)
        return 0;
    set_up();
    renew_replay();
    memcpy(body, data + 1, n - 1);
    const struct ts_span raw = ts_span(body, n - 1);
    if (mikey_msg_read(raw, &q.m, NULL) == TS_OK) {
        (void)!mikey_time_unix(q.m.t, &now);
        if (q.m.has_ticket && data[0] & 2)
            make_ticket_right(&q.m.ticket, data[0] & 4);
    }
    memset(&q, 0xa5, sizeof q);
    if (kms_engine_open(&engine, &q,
                        data[0] & 1 ? KMS_ASK_RESOLVE : KMS_ASK_REQUEST, raw,
                        now, &w)) {
        nth++;
        q.key_id = ts_span(&nth, sizeof nth);
        MUST_HOLD(kms_engine_verify(&engine, &q, NULL) == TS_E_AUTH);
        make_mac_right(&q);
        MUST_HOLD(kms_engine_verify(&engine, &q, sender(&q)) == TS_OK);
        kms_engine_answer(&engine, &q, &w);
    }
    check_answer(&q, &w);
    return 0;
}
