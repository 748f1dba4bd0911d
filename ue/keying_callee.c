/* SPDX-License-Identifier: Apache-2.0 */
/* The callee's side of ue/keying.h: Ticket Resolve and Ticket Transfer. */
#include <nettle/sha2.h>

#include "base/identity.h"
#include "mikey/sdp.h"
#include "ue/keying_state.h"

/* A short name of a TRANSFER_INIT, for the replay list. */
static void offer_tag(const struct ue_keying *k, uint8_t tag[static 16])
{
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, k->transfer_n, k->transfer);
    sha256_digest(&sha, 16, tag);
}

/* mikey-ticket.md 6.2: R looks before it asks the KMS, adds after; and looks
   once more then, since a copy may have been taken meanwhile. */
static enum ts_err check_seen(struct ue_keying *k)
{
    const struct ue_seen *seen = k->cred->seen;
    uint8_t tag[16];
    offer_tag(k, tag);
    for (unsigned i = 0; seen && i < UE_SEEN_MAX; i++)
        if (memcmp(seen->tag[i], tag, sizeof tag) == 0)
            return ue_fail(k, TS_E_REPLAY, "this offer was here before");
    return TS_OK;
}

static void remember(const struct ue_keying *k)
{
    struct ue_seen *seen = k->cred->seen;
    if (seen)
        offer_tag(k, seen->tag[seen->next++ % UE_SEEN_MAX]);
}

/* Who may resolve it, whose it is, whether it is valid: R62, R63. */
static enum ts_err check_policy(struct ue_keying *k, const struct mikey_msg *m,
                                const struct mikey_policy *p, uint64_t now)
{
    const uint16_t must = MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_F |
                          MIKEY_FLAG_I | MIKEY_FLAG_O;
    struct ts_span own = ts_span_str(k->cred->identity);
    enum ts_err err = ue_check_ticket(k, &m->ticket.tp, must);
    if (err)
        return err;
    if (!ts_identity_same(p->kms.data, ts_span_str(k->cred->kms_identity)))
        return ue_fail(k, TS_E_DENIED, "a ticket of a KMS we do not trust");
    if (!ts_identity_same(p->initiator.data, m->idr[MIKEY_IDR_I].data))
        return ue_fail(k, TS_E_DENIED, "the caller is not the ticket's owner");
    if (mikey_policy_valid(p, ue_kms_time(k, now) / 1000000, UE_SKEW))
        return ue_fail(k, TS_E_EXPIRED, "the ticket is not valid now");
    for (size_t i = 0; i < p->n_responders; i++)
        if (ts_identity_same(p->responder[i].data, own))
            return TS_OK;
    return ue_fail(k, TS_E_DENIED, "the ticket is not for us");
}

/* Both crypto sessions are there and can be done with policy 0. */
static enum ts_err check_sessions(struct ue_keying *k,
                                  const struct mikey_msg *m)
{
    struct mikey_cs a, b;
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    if (m->hdr.n_cs != 2 || mikey_cs_find(&m->hdr, UE_CS_CALLER, &a) ||
        mikey_cs_find(&m->hdr, UE_CS_CALLEE, &b) || a.session.n == 0)
        return ue_fail(k, TS_E_UNSUPPORTED, "not two crypto sessions");
    if (a.prot != MIKEY_PROT_SRTP || b.prot != MIKEY_PROT_SRTP)
        return ue_fail(k, TS_E_UNSUPPORTED, "not SRTP");
    if (a.policies.n < 1 || a.policies.p[0] != 0 || b.policies.n < 1 ||
        b.policies.p[0] != 0)
        return ue_fail(k, TS_E_UNSUPPORTED, "no policy 0");
    for (unsigned i = 0; i < m->n_sp; i++)
        if (m->sp[i].no == 0)
            return ue_check_policy(k, &m->sp[i], suite);
    return ue_fail(k, TS_E_UNSUPPORTED, "no policy 0");
}

static enum ts_err check_offer(struct ue_keying *k, const struct mikey_msg *m,
                               struct mikey_policy *p, uint64_t now)
{
    uint8_t error;
    enum ts_err err = mikey_transfer_check(m, p, &error);
    if (err)
        return ue_fail(k, err, "the offer is not a TRANSFER_INIT we can use");
    if (mikey_time_check(m->t, ue_kms_time(k, now), UE_SKEW))
        return ue_fail(k, TS_E_TIME, "the offer has a wrong time");
    /* bidding down (RFC 4567 7.1): the list is under the MAC */
    if (!ts_span_equal(m->sdp_ids, ts_span_str("mikey")))
        return ue_fail(k, TS_E_MISMATCH, "the list of protocols is not ours");
    err = check_policy(k, m, p, now);
    if (!err)
        err = check_sessions(k, m);
    return err ? err : check_seen(k);
}

/* R276, R279: what protects the ticket's keys on their way to us is not weaker
   than they are, whatever we use for tickets of our own. */
static const struct mikey_suite *resolve_suite(const struct ue_keying *k,
                                               const struct mikey_msg *m)
{
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    return suite->bits > k->suite->bits ? suite : k->suite;
}

static enum ts_err build_resolve(struct ue_keying *k, const struct mikey_msg *m,
                                 uint64_t now)
{
    uint8_t rand[UE_RAND_MAX];
    uint32_t csb;
    size_t n = ue_rand_len(k);
    enum ts_err err = ue_draw(k, &csb, rand, n);
    if (err)
        return err;
    const struct mikey_resolve_new in = {
        .suite = resolve_suite(k, m),
        .csb = csb,
        .t = mikey_time_ntp(ue_kms_time(k, now)),
        .rand_r = ts_span(rand, n),
        .idr_r = ue_uri(k->cred->identity),
        .idr_kms = ue_uri(k->cred->kms_identity),
        .ticket = &m->ticket,
        .cred = {.key = ts_key_span(&k->cred->psk),
                 .key_id = ts_span_str(k->cred->psk_id)},
    };
    struct ts_writer w = ts_writer_init(k->sent, sizeof k->sent);
    mikey_build_resolve_init(&w, &in);
    k->sent_n = w.len;
    return w.err ? ue_fail(k, w.err, "the ticket is too long") : TS_OK;
}

enum ts_err ue_keying_offered(struct ue_keying *k, const char *line,
                              uint64_t now, char caller[static 257],
                              uint8_t *body, size_t cap, size_t *len)
{
    struct mikey_msg m;
    struct mikey_policy p;
    struct ts_identity who;
    caller[0] = '\0';
    ue_begin(k);
    enum ts_err err = ue_line_read(k, line, k->transfer, &k->transfer_n);
    if (!err && mikey_msg_read(ts_span(k->transfer, k->transfer_n), &m, NULL))
        err = ue_fail(k, TS_E_FORMAT, "the offer is not a MIKEY message");
    if (!err)
        err = check_offer(k, &m, &p, now);
    if (!err && ts_identity(p.initiator.data, &who))
        err = ue_fail(k, TS_E_FORMAT, "the caller's identity is no URI");
    if (!err)
        err = build_resolve(k, &m, now);
    if (!err && k->sent_n > cap)
        err = ue_fail(k, TS_E_SPACE, "the ticket is too long");
    if (err)
        return err;
    k->step = UE_OFFERED;
    memcpy(k->peer, who.text, who.len + 1);
    memcpy(caller, who.text, who.len + 1);
    memcpy(body, k->sent, k->sent_n);
    *len = k->sent_n;
    return TS_OK;
}

/* R68, R69: our SSRC into our session; SPIs where the offer left them out. */
static struct ts_span answer_map(const struct ue_keying *k,
                                 const struct mikey_msg *init, uint8_t *buf,
                                 size_t cap)
{
    struct ts_writer w = ts_writer_init(buf, cap);
    struct ts_reader r = ts_reader_span(init->hdr.map);
    struct mikey_cs cs;
    uint8_t ssrc[4];
    struct ts_writer s = ts_writer_init(ssrc, sizeof ssrc);
    ts_put_u32(&s, k->ssrc);
    for (unsigned i = 0; i < init->hdr.n_cs; i++) {
        if (mikey_cs_read(&r, &cs))
            break;
        cs.policies.n = 1;
        if (cs.id == UE_CS_CALLEE) {
            cs.s = false;
            cs.session = ts_span(ssrc, sizeof ssrc);
        }
        if (cs.spi.n == 0)
            cs.spi = k->keys.k[2].spi;
        mikey_put_cs(&w, &cs);
    }
    return ts_written(&w);
}

static enum ts_err build_answer(struct ue_keying *k,
                                const struct mikey_msg *init,
                                const struct mikey_msg *reply, uint64_t now,
                                struct ts_writer *w)
{
    uint8_t rand[UE_RAND_MAX], map[1024];
    uint32_t unused;
    size_t n = ue_rand_len(k);
    enum ts_err err = ue_draw(k, &unused, rand, n);
    if (err)
        return err;
    const struct mikey_answer_new in = {
        .init = init,
        .suite = mikey_suite_prf(init->hdr.prf),
        .t = mikey_time_ntp(ue_kms_time(k, now)),
        .rand_r = init->ticket.tp.flags & MIKEY_FLAG_G
                      ? ts_span(rand, n)
                      : ts_span(NULL, 0), /* R74, R221 */
        .idr_r = reply->idr[MIKEY_IDR_R], /* R75, R77 */
        .rand_kms = reply->rand[MIKEY_RAND_KMS],
        .n_cs = init->hdr.n_cs,
        .map = answer_map(k, init, map, sizeof map),
        .mpk = &k->mpk_r, /* MPKr': R83, R126 */
    };
    mikey_build_transfer_resp(w, &in);
    return w->err ? ue_fail(k, w->err, "the answer is too long") : TS_OK;
}

/* The reply opened; now the offer itself can be verified (R133, R134). */
static enum ts_err check_resolved(struct ue_keying *k,
                                  const struct mikey_msg *init,
                                  const struct mikey_msg *reply)
{
    if (k->keys.n < 3)
        return ue_fail(k, TS_E_UNSUPPORTED, "the ticket has no session key");
    enum ts_err err = ue_check_rand_kms(k, reply->rand[MIKEY_RAND_KMS]);
    if (err)
        return err;
    const struct mikey_names names = {.r = ts_span_str(k->cred->identity)};
    if (mikey_transfer_verify(init, &k->mpk_i, &names, NULL))
        return ue_fail(k, TS_E_AUTH, "the offer is not authentic");
    return check_seen(k);
}

enum ts_err ue_keying_resolved(struct ue_keying *k, const uint8_t *body,
                               size_t len, uint64_t now, char *line, size_t cap,
                               struct ue_media_keys *keys)
{
    uint8_t raw[UE_MIKEY_MAX];
    struct ts_writer w = ts_writer_init(raw, sizeof raw);
    struct mikey_msg init, reply, answer;
    enum ts_err err = ue_expect(k, UE_OFFERED);
    if (!err)
        err = ue_open_reply(k, ts_span(body, len), now, &reply);
    if (!err)
        err = mikey_msg_read(ts_span(k->transfer, k->transfer_n), &init, NULL);
    if (!err)
        err = check_resolved(k, &init, &reply);
    if (!err)
        err = build_answer(k, &init, &reply, now, &w);
    if (!err)
        err = mikey_msg_read(ts_written(&w), &answer, NULL);
    if (!err)
        err = ue_derive(k, &k->keys, &init, &answer, false, keys);
    if (!err)
        err = ue_line_write(k, ts_written(&w), line, cap);
    if (err) {
        ts_wipe(keys, sizeof *keys);
        return err;
    }
    k->step = UE_IDLE;
    remember(k);
    memcpy(keys->proven, k->peer, sizeof keys->proven);
    return TS_OK;
}
