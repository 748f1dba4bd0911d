/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of ue/keying.h: Ticket Request and Ticket Transfer. */
#include "base/identity.h"
#include "mikey/sdp.h"
#include "ue/keying_state.h"

enum ts_err ue_keying_request(struct ue_keying *k, const char *callee,
                              uint64_t now, uint8_t *body, size_t cap,
                              size_t *len)
{
    struct ts_identity to;
    uint32_t csb;
    uint8_t rand[UE_RAND_MAX];
    ue_begin(k);
    size_t n = ue_rand_len(k);
    if (ts_identity(ts_span_str(callee), &to))
        return ue_fail(k, TS_E_FORMAT, "the callee is not a SIP or tel URI");
    memcpy(k->peer, to.text, to.len + 1);
    enum ts_err err = ue_draw(k, &csb, rand, n);
    if (err)
        return err;

    struct mikey_policy policy = {
        .kms = ue_uri(k->cred->kms_identity),
        .initiator = ue_uri(k->cred->identity),
        .n_responders = 1,
    };
    policy.responder[0] = ue_uri(k->peer);
    const struct mikey_request_new in = {
        .suite = k->suite,
        .csb = csb,
        .t = mikey_time_ntp(ue_kms_time(k, now)),
        .rand_i = ts_span(rand, n),
        .idr_i = policy.initiator,
        .idr_kms = policy.kms,
        .flags = MIKEY_FLAGS_USUAL,
        .policy = &policy,
        .cred = {.key = ts_key_span(&k->cred->psk),
                 .key_id = ts_span_str(k->cred->psk_id)},
    };
    struct ts_writer w = ts_writer_init(k->sent, sizeof k->sent);
    mikey_build_request_init(&w, &in);
    if (w.err || w.len > cap)
        return ue_fail(k, w.err ? w.err : TS_E_SPACE,
                       "the request is too long");
    k->step = UE_ASKED;
    k->sent_n = *len = w.len;
    memcpy(body, k->sent, w.len);
    return TS_OK;
}

/* R47, R48: what was granted is what we can use. */
static enum ts_err check_grant(struct ue_keying *k,
                               const struct mikey_ticket *t, uint64_t now)
{
    const uint16_t must = MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_F |
                          MIKEY_FLAG_I | MIKEY_FLAG_N;
    struct mikey_policy p;
    if (mikey_policy_read(t->tp.data, &p) || p.has_kemac ||
        !mikey_flags_ok(t->tp.flags, true) || t->tp.prf != k->suite->prf)
        return ue_fail(k, TS_E_FORMAT, "the granted ticket policy is wrong");
    enum ts_err err = ue_check_ticket(k, &t->tp, must);
    if (err)
        return err;
    if (mikey_policy_valid(&p, ue_kms_time(k, now) / 1000000, UE_SKEW))
        return ue_fail(k, TS_E_EXPIRED, "the ticket is not valid now");
    if (!ts_identity_same(p.initiator.data, ts_span_str(k->cred->identity)))
        return ue_fail(k, TS_E_MISMATCH, "the ticket is not in our name");
    for (size_t i = 0; i < p.n_responders; i++)
        if (ts_identity_same(p.responder[i].data, ts_span_str(k->peer)))
            return TS_OK;
    return ue_fail(k, TS_E_MISMATCH, "the ticket is for somebody else");
}

/* Two crypto sessions for the one m-line; the callee's SSRC is not known. */
static struct ts_span offer_map(const struct ue_keying *k, struct ts_span spi,
                                uint8_t *buf, size_t cap)
{
    struct ts_writer w = ts_writer_init(buf, cap);
    uint8_t ssrc[4];
    struct ts_writer s = ts_writer_init(ssrc, sizeof ssrc);
    ts_put_u32(&s, k->ssrc);
    struct mikey_cs cs = {.id = UE_CS_CALLER,
                          .policies = ts_span("", 1),
                          .session = ts_span(ssrc, sizeof ssrc),
                          .spi = spi};
    mikey_put_cs(&w, &cs);
    cs.id = UE_CS_CALLEE;
    cs.session = ts_span(NULL, 0);
    mikey_put_cs(&w, &cs);
    return ts_written(&w);
}

static enum ts_err build_offer(struct ue_keying *k,
                               const struct mikey_ticket *ticket, uint64_t now)
{
    uint8_t rand[UE_RAND_MAX], params[64], map[2 * (8 + 4 + 255)];
    uint32_t csb;
    size_t n = ue_rand_len(k);
    enum ts_err err = ue_draw(k, &csb, rand, n);
    if (err)
        return err;
    struct mikey_srtp_policy srtp = mikey_srtp_usual(k->suite);
    struct ts_writer sp_w = ts_writer_init(params, sizeof params);
    mikey_srtp_policy_write(&sp_w, &srtp);
    const struct mikey_sp sp = {0, MIKEY_PROT_SRTP, ts_written(&sp_w)};
    const struct mikey_transfer_new in = {
        .suite = k->suite,
        .csb = csb,
        .t = mikey_time_ntp(ue_kms_time(k, now)),
        .rand_i = ts_span(rand, n),
        .n_cs = 2,
        .map = offer_map(k, k->keys.k[2].spi, map, sizeof map),
        .idr_i = ue_uri(k->cred->identity),
        .idr_r = ue_uri(k->peer),
        .sp = &sp,
        .n_sp = 1,
        .ticket = ticket,
        .sdp_ids = ts_span_str("mikey"),
        .mpk_i = &k->mpk_i,
        .mpk_r = &k->mpk_r,
    };
    struct ts_writer w = ts_writer_init(k->transfer, sizeof k->transfer);
    mikey_build_transfer_init(&w, &in);
    k->transfer_n = w.len;
    return w.err ? ue_fail(k, w.err, "the ticket is too long") : TS_OK;
}

enum ts_err ue_keying_granted(struct ue_keying *k, const uint8_t *body,
                              size_t len, uint64_t now, char *line, size_t cap)
{
    struct mikey_msg reply;
    enum ts_err err = ue_expect(k, UE_ASKED);
    if (!err)
        err = ue_open_reply(k, ts_span(body, len), now, &reply);
    if (!err)
        err = check_grant(k, &reply.ticket, now);
    if (!err && k->keys.n < 3)
        err = ue_fail(k, TS_E_UNSUPPORTED, "the ticket has no session key");
    if (!err)
        err = build_offer(k, &reply.ticket, now);
    if (!err)
        err = ue_line_write(k, ts_span(k->transfer, k->transfer_n), line, cap);
    if (!err)
        k->step = UE_GRANTED; /* R173: no second offer with this ticket */
    return err;
}

/* Fork MPKr and the TGKs as the KMS did for the one who answers (R137, R141,
   R150); with PRF of the Ticket Policy, which is our suite's (R218). */
static enum ts_err fork_keys(struct ue_keying *k, const struct mikey_msg *resp,
                             struct ts_key *mpk_r1, struct mikey_keys *forked)
{
    struct ts_span id = resp->idr[MIKEY_IDR_R].data;
    struct ts_span rand = resp->rand[MIKEY_RAND_KMS];
    struct mikey_prf prf;
    enum ts_err err = ue_check_rand_kms(k, rand);
    if (err)
        return err;
    mikey_prf_key(&prf, k->suite->prf, ts_key_span(&k->mpk_r));
    mikey_derive_fork(&prf, k->mpk_r.len, true, id, rand, mpk_r1);

    memcpy(forked->plain, k->keys.plain, k->keys.len);
    forked->len = k->keys.len;
    err = mikey_keys_read(ts_span(forked->plain, forked->len), forked);
    for (size_t i = 2; !err && i < forked->n; i++) {
        struct mikey_key *key = &forked->k[i];
        struct ts_key out;
        if (!ue_is_forked(key))
            continue;
        mikey_prf_key(&prf, k->suite->prf, key->key);
        mikey_derive_fork(&prf, key->key.n, false, id, rand, &out);
        memcpy(forked->plain + (key->key.p - forked->plain), out.b, out.len);
        ts_key_wipe(&out);
    }
    ts_wipe(&prf, sizeof prf);
    return err;
}

static enum ts_err check_answer(struct ue_keying *k,
                                const struct mikey_msg *init,
                                const struct mikey_msg *resp)
{
    enum ts_err err = mikey_answer_check(init, resp);
    if (err == TS_E_PEER)
        return ue_fail(k, err, "the callee answered with a MIKEY error");
    if (err || resp->hdr.n_cs != 2)
        return ue_fail(k, err ? err : TS_E_MISMATCH,
                       "the answer does not fit what was offered");
    for (unsigned i = 0; i < resp->n_sp; i++)
        if (resp->sp[i].no == 0)
            return ue_fail(k, TS_E_MISMATCH,
                           "the policy was changed"); /* R85 */
    return TS_OK;
}

enum ts_err ue_keying_answered(struct ue_keying *k, const char *line,
                               uint64_t now, struct ue_media_keys *keys)
{
    uint8_t raw[UE_MIKEY_MAX];
    struct mikey_msg init, resp;
    struct mikey_keys forked = {0};
    struct ts_key mpk_r1 = {0};
    struct ts_identity who;
    size_t n = 0;

    enum ts_err err = ue_expect(k, UE_GRANTED);
    if (!err)
        err = ue_line_read(k, line, raw, &n);
    if (!err)
        err = mikey_msg_read(ts_span(k->transfer, k->transfer_n), &init, NULL);
    if (!err && mikey_msg_read(ts_span(raw, n), &resp, NULL))
        err = ue_fail(k, TS_E_FORMAT, "the answer is not a MIKEY message");
    if (!err)
        err = check_answer(k, &init, &resp);
    if (!err)
        err = fork_keys(k, &resp, &mpk_r1, &forked);
    if (!err && mikey_answer_verify(&init, &resp, &mpk_r1, NULL)) /* R41, R84 */
        err = ue_fail(k, TS_E_AUTH, "the answer is not authentic");
    if (!err && mikey_time_check(resp.t, ue_kms_time(k, now), UE_SKEW))
        err = ue_fail(k, TS_E_TIME, "the answer has a wrong time");
    if (!err && ts_identity(resp.idr[MIKEY_IDR_R].data, &who))
        err = ue_fail(k, TS_E_FORMAT, "the callee's identity is no URI");
    if (!err)
        err = ue_derive(k, &forked, &init, &resp, true, keys);
    if (!err)
        memcpy(keys->proven, who.text, who.len + 1);
    else
        ts_wipe(keys, sizeof *keys);
    mikey_keys_wipe(&forked);
    ts_key_wipe(&mpk_r1);
    return err;
}
