/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keying of two UEs. The first octet says who hears the rest:
 *
 *     0  the callee, as key-mgmt value of an offer
 *     1  the callee, as message in it
 *     2  the caller, as REQUEST_RESP with its keys in the clear
 *     3  the callee, as RESOLVE_RESP in the same way
 *     4  the caller, as TRANSFER_RESP
 *
 * CSB IDs and MACs of 2 to 4 are made right, so that all that lies behind them
 * is reached. Whatever is refused has a reason, and leaves no key.
 */
#include "fuzz/mikey.h"
#include "mikey/sdp.h"
#include "ue/keying.h"

#define NOW (UINT64_C(1795456800) * 1000000)
#define MAX 4096

enum { VALUE, OFFER, REQUEST_REPLY, RESOLVE_REPLY, ANSWER, MODES };

static const struct ts_span none;

static struct ue_credential alice = {
    "sip:alice@example.org", "sip:kms@example.org", "a", {32, {1}}, 256, NULL};
static struct ue_credential bob = {
    "sip:bob@example.org", "sip:kms@example.org", "b", {32, {2}}, 256, NULL};

static const struct ts_key mpk_i = {32, {3}}, mpk_r = {32, {4}};
static const uint8_t tgk[32] = {5};

/* caller has its ticket, and stays; the others are new for each input. */
static struct ue_keying *asker, *caller, *callee;
static uint8_t body[UE_MIKEY_MAX];
static char line[UE_LINE_MAX], offer[UE_LINE_MAX];
static struct ue_media_keys keys;

/* Refused for a reason, or there are keys; never one without the other. */
static void check(const struct ue_keying *k, enum ts_err err)
{
    static const struct ue_media_keys nothing;
    MUST_HOLD(err != TS_E_INTERNAL && err != TS_E_STATE && err != TS_E_IO);
    MUST_HOLD(!err == !ue_keying_reason(k)[0] || err == TS_E_AGAIN);
    if (err) {
        MUST_HOLD(ts_equal(&keys, sizeof keys, &nothing, sizeof nothing));
        return;
    }
    MUST_HOLD(keys.send.ssrc != keys.recv.ssrc);
    MUST_HOLD(keys.send.master.len == (keys.aes256 ? 32 : 16));
    MUST_HOLD(keys.proven[0] && strlen(keys.proven) < sizeof keys.proven);
}

/* ---- what is made right ---- */

/* Take over PRF and CSB ID of init, and read; false if there is no V. */
static bool fit(uint8_t *buf, size_t n, const struct mikey_msg *init,
                struct mikey_msg *m)
{
    const struct mikey_suite *suite = mikey_suite_prf(init->hdr.prf);
    buf[3] = init->hdr.prf;
    memcpy(buf + 4, init->raw.p + 4, 4);
    return mikey_msg_read(ts_span(buf, n), m, NULL) == TS_OK && m->has_v &&
           m->v.mac.n == suite->mac;
}

static void sign(uint8_t *buf, const struct mikey_msg *m,
                 const struct mikey_msg *init, struct mikey_protect *p)
{
    struct mikey_hmac h;
    size_t at = m->raw.n - m->v.mac.n;
    mikey_protect_auth(p, &h);
    mikey_hmac_add(&h, ts_span(buf, at));
    mikey_hmac_add(&h, init->raw);
    mikey_hmac_end(&h, buf + at, m->v.mac.n);
}

/* A reply of the KMS to the question in body. */
static void seal_reply(uint8_t *buf, size_t n, size_t asked,
                       const struct ue_credential *whose)
{
    struct mikey_msg init, m;
    struct mikey_protect p;
    struct mikey_cipher c;
    MUST_HOLD(mikey_msg_read(ts_span(body, asked), &init, NULL) == TS_OK);
    MUST_HOLD(mikey_init_verify(&init, ts_key_span(&whose->psk), none, none,
                                &p) == TS_OK);
    p.selector = MIKEY_SEL_RESP;
    if (fit(buf, n, &init, &m)) {
        mikey_protect_cipher(&p, &c);
        if (m.has_kemac)
            mikey_aes_cm(ts_span(c.key, p.suite->encr_key), c.salt,
                         init.hdr.csb, m.t.value,
                         buf + mikey_at(&m, m.kemac.data), m.kemac.data.n);
        sign(buf, &m, &init, &p);
    }
    mikey_protect_end(&p);
}

/* An answer to our offer by one who has MPKr' for what it says. */
static void seal_answer(uint8_t *buf, size_t n)
{
    static uint8_t raw[UE_MIKEY_MAX];
    struct mikey_msg init, m;
    struct mikey_protect p;
    struct mikey_prf prf;
    struct ts_key mpk_r1;
    size_t len;
    MUST_HOLD(mikey_sdp_read(ts_span_str(offer), raw, sizeof raw, &len) ==
              TS_OK);
    MUST_HOLD(mikey_msg_read(ts_span(raw, len), &init, NULL) == TS_OK);
    if (!fit(buf, n, &init, &m) || m.idr[MIKEY_IDR_R].data.n > MIKEY_ID_MAX)
        return;
    mikey_prf_key(&prf, init.hdr.prf, ts_key_span(&mpk_r));
    mikey_derive_fork(&prf, mpk_r.len, true, m.idr[MIKEY_IDR_R].data,
                      m.rand[MIKEY_RAND_KMS], &mpk_r1);
    mikey_protect_of(&init, &m, ts_key_span(&mpk_r1), &p);
    sign(buf, &m, &init, &p);
    mikey_protect_end(&p);
}

/* An offer by one who has MPKi: V, and Vi with it (R189, R244). */
static void seal_offer(uint8_t *buf, size_t n)
{
    struct mikey_msg m;
    struct mikey_protect p;
    struct mikey_hmac h;
    struct mikey_v vi, vr;
    if (mikey_msg_read(ts_span(buf, n), &m, NULL) || !m.has_v || !m.has_ticket)
        return;
    const struct mikey_suite *suite = mikey_suite_prf(m.hdr.prf);
    if (!suite || m.v.mac.n != suite->mac)
        return;
    size_t init = mikey_at(&m, m.ticket.init);
    size_t at = n - m.v.mac.n;
    mikey_protect_begin(&p, suite, ts_key_span(&mpk_i), MIKEY_SEL_INIT,
                        m.hdr.csb, m.rand[MIKEY_RAND_I], none);
    mikey_protect_auth(&p, &h);
    mikey_hmac_add(&h, ts_span(buf, init - 2));
    init += m.ticket.init.n;
    mikey_hmac_add(&h, ts_span(buf + init, at - init));
    mikey_hmac_add(&h, m.idr[MIKEY_IDR_I].data);
    mikey_hmac_add(&h, m.idr[MIKEY_IDR_R].data.p ? m.idr[MIKEY_IDR_R].data
                                                 : ts_span_str(bob.identity));
    mikey_hmac_end(&h, buf + at, m.v.mac.n);
    mikey_protect_end(&p);
    if (mikey_init_data_read(m.ticket.init, &vi, &vr) == TS_OK &&
        vi.mac.n == m.v.mac.n)
        memcpy(buf + mikey_at(&m, vi.mac), buf + at, m.v.mac.n);
}

/* ---- what a good KMS says ---- */

static size_t good_reply(size_t asked, const struct ue_credential *whose,
                         uint8_t *buf)
{
    static const uint8_t rand[32];
    const struct mikey_policy policy = {
        .kms = {0, MIKEY_ID_URI, ts_span_str(alice.kms_identity)},
        .initiator = {0, MIKEY_ID_URI, ts_span_str(alice.identity)},
        .n_responders = 1,
        .responder = {{0, MIKEY_ID_URI, ts_span_str(bob.identity)}},
    };
    const struct mikey_key all[] = {
        {.type = MIKEY_MPK, .key = ts_key_span(&mpk_i), .spi = {rand, 1}},
        {.type = MIKEY_MPK, .key = ts_key_span(&mpk_r), .spi = {rand, 1}},
        {.type = MIKEY_TGK, .key = {tgk, sizeof tgk}, .spi = {rand, 1}},
    };
    struct mikey_msg init;
    struct mikey_protect p;
    struct ts_writer w = ts_writer_init(buf, MAX);
    MUST_HOLD(mikey_msg_read(ts_span(body, asked), &init, NULL) == TS_OK);
    MUST_HOLD(mikey_init_verify(&init, ts_key_span(&whose->psk), none, none,
                                &p) == TS_OK);
    const struct mikey_ticket_new ticket = {
        .suite = p.suite,
        .flags = MIKEY_FLAGS_USUAL,
        .policy = &policy,
        .tpk = ts_span(rand, sizeof rand),
        .t = mikey_time_ntp(NOW),
        .rand = ts_span(rand, sizeof rand),
        .keys = all,
        .n_keys = 1,
    };
    const struct mikey_reply_new in = {
        .init = &init,
        .psk = &p,
        .t = mikey_time_ntp(NOW),
        .keys = all,
        .n_keys = 3,
        .ticket = &ticket,
        .idr_r = policy.responder[0],
        .rand_kms = ts_span(rand, sizeof rand),
    };
    if (init.hdr.type == MIKEY_REQUEST_INIT_PSK)
        mikey_build_request_resp(&w, &in);
    else
        mikey_build_resolve_resp(&w, &in);
    mikey_protect_end(&p);
    MUST_HOLD(w.err == TS_OK);
    return w.len;
}

/* ---- what the UEs do ---- */

static size_t ask(struct ue_keying *k)
{
    size_t asked;
    MUST_HOLD(ue_keying_request(k, bob.identity, NOW, body, sizeof body,
                                &asked) == TS_OK);
    return asked;
}

static enum ts_err hear_offer(const char *value, size_t *asked)
{
    char claimed[257];
    enum ts_err err = ue_keying_offered(callee, value, NOW, claimed, body,
                                        sizeof body, asked);
    MUST_HOLD(!err == !ue_keying_reason(callee)[0]);
    MUST_HOLD(!err == (strcmp(claimed, alice.identity) == 0));
    return err;
}

static void resolve(const uint8_t *reply, size_t n)
{
    check(callee,
          ue_keying_resolved(callee, reply, n, NOW, line, sizeof line, &keys));
}

static void hear_any_offer(const char *value)
{
    static uint8_t reply[MAX];
    size_t asked;
    if (hear_offer(value, &asked) == TS_OK)
        resolve(reply, good_reply(asked, &bob, reply));
}

static void begin(void)
{
    static uint8_t reply[MAX];
    MUST_HOLD(ue_keying_new(&asker, &alice, 1) == TS_OK);
    MUST_HOLD(ue_keying_new(&callee, &bob, 2) == TS_OK);
    if (caller)
        return;
    MUST_HOLD(ue_keying_new(&caller, &alice, 1) == TS_OK);
    size_t n = good_reply(ask(caller), &alice, reply);
    MUST_HOLD(ue_keying_granted(caller, reply, n, NOW, offer, sizeof offer) ==
              TS_OK);
}

static void hear_grant(uint8_t *buf, size_t n)
{
    seal_reply(buf, n, ask(asker), &alice);
    enum ts_err err = ue_keying_granted(asker, buf, n, NOW, line, sizeof line);
    MUST_HOLD(err != TS_E_INTERNAL && err != TS_E_STATE && err != TS_E_IO);
    MUST_HOLD(!err == !ue_keying_reason(asker)[0] || err == TS_E_AGAIN);
    if (!err)
        hear_any_offer(line);
}

static void hear_keys(uint8_t *buf, size_t n)
{
    size_t asked;
    MUST_HOLD(hear_offer(offer, &asked) == TS_OK);
    seal_reply(buf, n, asked, &bob);
    resolve(buf, n);
}

static void hear_answer(uint8_t *buf, size_t n)
{
    seal_answer(buf, n);
    MUST_HOLD(mikey_sdp_write(ts_span(buf, n), line, sizeof line) == TS_OK);
    check(caller, ue_keying_answered(caller, line, NOW, &keys));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t buf[MAX + 1];
    if (n < 1 + 8 || n > MAX)
        return 0;
    begin();
    memcpy(buf, data + 1, --n);
    buf[n] = 0;
    memset(&keys, 0, sizeof keys); /* lint: of the input before */
    switch (data[0] % MODES) {
    case VALUE:
        hear_any_offer((const char *)buf);
        break;
    case OFFER:
        seal_offer(buf, n);
        MUST_HOLD(mikey_sdp_write(ts_span(buf, n), line, sizeof line) == TS_OK);
        hear_any_offer(line);
        break;
    case REQUEST_REPLY:
        hear_grant(buf, n);
        break;
    case RESOLVE_REPLY:
        hear_keys(buf, n);
        break;
    default:
        hear_answer(buf, n);
    }
    ue_keying_free(asker);
    ue_keying_free(callee);
    return 0;
}
