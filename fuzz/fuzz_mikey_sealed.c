/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of any type, made genuine: the input is a message with its Key
 * Data in the clear, which is encrypted, and its MACs are made right, so that
 * all that lies behind them is reached. The first octet says as what it comes
 * and of which suite it is, the second changes flags of the ticket that it is
 * about, or decides for toys that stand for public keys.
 */
#include "fuzz/mikey.h"
#include "mikey/kms.h"

#define MSG_MAX 4096

static const struct ts_span none;
static const uint8_t zeros[64];

/* The example exchange, as one who was part of it remembers it. */
struct past {
    struct example e;
    struct example_keys k;
    struct mikey_msg m[EXAMPLE_MESSAGES];
};

static uint8_t buf[MSG_MAX], out[2 * MSG_MAX];
static size_t len;
static struct mikey_msg msg;
static uint8_t twist;

static const struct past *remember(unsigned bits)
{
    static struct past pasts[2];
    struct past *p = &pasts[bits == 256];
    if (p->e.n_messages)
        return p;
    example_init(&p->e, mikey_suite_bits(bits));
    for (enum example_message i = 0; i < p->e.n_messages; i++) {
        MUST_HOLD(example_build(&p->e, i) == TS_OK);
        MUST_HOLD(mikey_msg_read(example_span(&p->e, i), &p->m[i], NULL) ==
                  TS_OK);
    }
    example_derive(&p->e, &p->k);
    return p;
}

/* ---- making it genuine ---- */

static void encrypt(struct mikey_protect *keys)
{
    struct mikey_cipher c;
    uint8_t plain[MSG_MAX];
    struct ts_span data = msg.kemac.data;
    uint8_t *at = buf + mikey_at(&msg, data);
    mikey_protect_cipher(keys, &c);
    if (msg.kemac.encr != MIKEY_ENCR_AES_KW_128) {
        mikey_aes_cm(ts_span(c.key, keys->suite->encr_key), c.salt, keys->csb,
                     msg.t.value, at, data.n);
    } else if (data.n >= 24) { /* the last eight octets are room */
        memcpy(plain, at, data.n);
        (void)!mikey_aes_wrap(c.key, c.salt, ts_span(plain, data.n - 8), at);
    }
}

static bool has_mac(const struct mikey_suite *suite)
{
    return suite && msg.has_v && msg.v.mac.n == suite->mac;
}

/* MAC over all but [cut, resume), and two tails; false without room for it. */
static bool seal(struct mikey_protect *keys, size_t cut, size_t resume,
                 struct ts_span tail1, struct ts_span tail2)
{
    struct mikey_hmac h;
    if (!has_mac(keys->suite))
        return false;
    if (msg.has_kemac)
        encrypt(keys);
    size_t at = len - msg.v.mac.n;
    mikey_protect_auth(keys, &h);
    mikey_hmac_add(&h, ts_span(buf, cut));
    mikey_hmac_add(&h, ts_span(buf + resume, at - resume));
    mikey_hmac_add(&h, tail1);
    mikey_hmac_add(&h, tail2);
    mikey_hmac_end(&h, buf + at, msg.v.mac.n);
    return true;
}

static bool seal_all(struct mikey_protect *keys, struct ts_span tail1,
                     struct ts_span tail2)
{
    return seal(keys, 0, 0, tail1, tail2);
}

/* Take over PRF and CSB ID of the message that this one is about. */
static bool fit(const struct mikey_msg *init)
{
    buf[3] = (uint8_t)((buf[3] & 0x80) | init->hdr.prf);
    memcpy(buf + 4, init->raw.p + 4, 4);
    return mikey_msg_read(ts_span(buf, len), &msg, NULL) == TS_OK;
}

/* The ticket's MAC, and Vr of its Initiator Data. */
static void seal_ticket(const struct past *p)
{
    struct mikey_base base;
    struct mikey_v vi, vr;
    struct mikey_protect keys;
    struct mikey_prf prf;
    struct mikey_hmac h;
    const struct mikey_suite *suite = mikey_suite_prf(msg.ticket.tp.prf);
    if (!suite || mikey_base_read(&msg.ticket, &base))
        return;
    mikey_protect_begin(&keys, suite, ts_key_span(&p->e.tpk), MIKEY_SEL_TICKET,
                        0xffffffff, base.rand, none);
    if (base.v.mac.n == suite->mac) {
        mikey_protect_auth(&keys, &h);
        mikey_hmac_add(&h, base.covered);
        mikey_hmac_end(&h, buf + mikey_at(&msg, base.v.mac), suite->mac);
    }
    if (mikey_init_data_read(msg.ticket.init, &vi, &vr) ||
        vr.mac.n != suite->mac)
        return;
    size_t from = mikey_at(&msg, msg.ticket.init);
    size_t to = mikey_at(&msg, vr.mac);
    mikey_prf_key(&prf, suite->prf, ts_key_span(&p->k.mpk_r));
    mikey_derive_vr(&prf, suite, &h);
    mikey_hmac_add(&h, ts_span(buf + from, to - from));
    mikey_hmac_end(&h, buf + to, suite->mac);
}

/* ---- at the KMS ---- */

static enum ts_err count_up(void *arg, uint8_t *to, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)i;
    return TS_OK;
}

static void grant(const struct past *p, struct mikey_protect *keys)
{
    static struct mikey_policy policy;
    static struct mikey_keys want;
    static struct mikey_fresh fresh;
    static struct mikey_reply reply;
    const struct mikey_suite *suite = mikey_suite_prf(msg.tp.prf);
    struct ts_writer w = ts_writer_init(out, sizeof out);
    uint8_t no;
    bool tgk;
    if (!suite || mikey_policy_read(msg.tp.data, &policy))
        return;
    const struct mikey_kemac *kemac = policy.has_kemac ? &policy.kemac : NULL;
    if (mikey_wanted_check(kemac, suite, &tgk, &no))
        return;
    if (kemac)
        MUST_HOLD(mikey_wanted_read(kemac, &want) == TS_OK);
    MUST_HOLD(mikey_fresh_draw(&fresh, suite, kemac ? want.k : NULL, want.n,
                               count_up, NULL) == TS_OK);
    const struct mikey_grant in = {
        .init = &msg,
        .psk = keys,
        .t = {MIKEY_NTP_UTC, 7},
        .idr_kms = p->e.kms,
        .suite = suite,
        .flags = msg.tp.flags,
        .policy = &policy,
        .tpk = ts_span(p->e.tpk.b, suite->encr_key),
        .rand = ts_span(zeros, sizeof zeros),
        .fresh = &fresh,
    };
    mikey_kms_grant(&w, &in);
    MUST_HOLD(!w.err == mikey_flags_ok(msg.tp.flags, tgk));
    if (!w.err)
        MUST_HOLD(mikey_reply_open(&msg, ts_written(&w),
                                   ts_key_span(&p->e.psk_i), &reply) == TS_OK);
    mikey_fresh_wipe(&fresh);
}

static void resolve(const struct past *p, struct mikey_protect *keys)
{
    static struct mikey_opened opened;
    static struct mikey_reply reply;
    struct mikey_base base;
    struct ts_writer w = ts_writer_init(out, sizeof out);
    if (mikey_base_read(&msg.ticket, &base))
        return;
    enum ts_err err =
        mikey_base_open(&msg.ticket, &base, ts_key_span(&p->e.tpk), &opened);
    if (err == TS_E_UNSUPPORTED && opened.keys.n == 0)
        return; /* no suite */
    const struct mikey_resolve in = {
        .init = &msg,
        .psk = keys,
        .t = {MIKEY_NTP_UTC, 7},
        .idr_kms = p->e.kms,
        .opened = &opened,
        .who = p->e.bob,
        .rand_kms = ts_span(zeros, mikey_kms_rand_len(&opened)),
    };
    enum ts_err vr = mikey_kms_resolve(&w, &in);
    if (!err && !vr && !w.err)
        MUST_HOLD(mikey_reply_open(&msg, ts_written(&w),
                                   ts_key_span(&p->e.psk_r), &reply) == TS_OK);
    mikey_opened_wipe(&opened);
}

static void as_init(const struct past *p, bool request)
{
    const struct ts_key *psk = request ? &p->e.psk_i : &p->e.psk_r;
    const struct mikey_id *id = &msg.idr[request ? MIKEY_IDR_I : MIKEY_IDR_R];
    const struct mikey_id *kms = &msg.idr[MIKEY_IDR_KMS];
    const struct ts_span self = p->e.alice.data, other = p->e.kms.data;
    struct mikey_protect keys;
    uint8_t no;
    enum ts_err err = mikey_init_check(
        &msg, request ? MIKEY_REQUEST_INIT_PSK : MIKEY_RESOLVE_INIT_PSK, &no);
    if (err)
        return;
    mikey_protect_of(&msg, NULL, ts_key_span(psk), &keys);
    if (!request)
        seal_ticket(p);
    MUST_HOLD(seal_all(&keys, id->data.p ? id->data : self,
                       kms->data.p ? kms->data : other));
    MUST_HOLD(mikey_init_verify(&msg, ts_key_span(psk), self, other, &keys) ==
              TS_OK);
    if (request)
        grant(p, &keys);
    else
        resolve(p, &keys);
}

static void as_request(const struct past *p)
{
    as_init(p, true);
}

static void as_resolve(const struct past *p)
{
    as_init(p, false);
}

/* ---- the public-key variants ---- */

static enum ts_err toy_certify(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    (void)now;
    for (size_t i = 0; i < n; i++)
        must_be_inside(cert[i].data, msg.raw);
    *who = claimed->data.p ? *claimed : ((const struct past *)arg)->e.alice;
    return twist & 1 ? TS_E_EXPIRED : TS_OK;
}

static enum ts_err toy_verify(void *arg, uint8_t s_type,
                              const struct ts_span *parts, size_t n,
                              struct ts_span sig)
{
    (void)arg;
    MUST_HOLD(s_type < 16 && n == 3 && parts[0].p == msg.raw.p);
    MUST_HOLD(parts[0].n + sig.n == msg.raw.n);
    return twist & 2 ? TS_E_AUTH : TS_OK;
}

static enum ts_err toy_open(void *arg, const struct mikey_chash *chash,
                            struct ts_span sealed,
                            uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    if (chash)
        must_be_inside(chash->data, msg.raw);
    *n = sealed.n < MIKEY_KEY_MAX ? sealed.n : MIKEY_KEY_MAX;
    if (*n)
        memcpy(env_key, sealed.p, *n);
    return twist & 4 ? TS_E_NOTFOUND : TS_OK;
}

static void as_pk(const struct past *p)
{
    const struct mikey_verifier verifier = {(void *)(uintptr_t)p, toy_certify,
                                            toy_verify};
    const struct mikey_opener opener = {NULL, toy_open};
    struct mikey_protect keys;
    struct mikey_id who;
    uint8_t no;
    bool request = msg.hdr.type == MIKEY_REQUEST_INIT_PK;
    if (mikey_init_check(
            &msg, request ? MIKEY_REQUEST_INIT_PK : MIKEY_RESOLVE_INIT_PK, &no))
        return;
    if (mikey_init_verify_pk(&msg, &verifier, &opener, p->e.kms.data, 1, &who,
                             &keys))
        return;
    MUST_HOLD((twist & 7) == 0 && msg.pke.data.n >= 16);
    mikey_protect_end(&keys);
}

/* ---- between the two ends ---- */

static void as_transfer(const struct past *p)
{
    static struct mikey_policy policy;
    static struct mikey_keys keys;
    const struct mikey_names names = {p->e.alice.data, p->e.bob.data, none};
    struct mikey_protect protect;
    struct mikey_v vi, vr;
    uint8_t no;
    if (mikey_transfer_check(&msg, &policy, &no))
        return;
    const struct mikey_ticket *t = &msg.ticket;
    size_t resume = mikey_at(&msg, t->body) + t->body.n;
    const struct mikey_id *i = &msg.idr[MIKEY_IDR_I],
                          *r = &msg.idr[MIKEY_IDR_R];
    mikey_protect_of(&msg, NULL, ts_key_span(&p->k.mpk_i), &protect);
    MUST_HOLD(seal(&protect, resume - 2 - t->init.n, resume,
                   i->data.p ? i->data : names.i,
                   r->data.p ? r->data : names.r));
    bool vouched = mikey_init_data_read(t->init, &vi, &vr) == TS_OK &&
                   vi.mac.n == msg.v.mac.n;
    if (vouched && !(twist & 1))
        memcpy(buf + mikey_at(&msg, vi.mac), msg.v.mac.p, vi.mac.n); /* R244 */
    enum ts_err err = mikey_transfer_verify(&msg, &p->k.mpk_i, &names, &keys);
    if (vouched && !(twist & 1) && !msg.has_kemac)
        MUST_HOLD(err == TS_OK);
    if (!err)
        must_be_keys(&keys, 0);
    mikey_keys_wipe(&keys);
}

static void as_answer(const struct past *p)
{
    static struct mikey_keys keys;
    struct mikey_msg init = p->m[TRANSFER_INIT];
    struct mikey_protect protect;
    init.ticket.tp.flags ^= (uint16_t)(twist << 2);
    if (!fit(&init) || mikey_answer_check(&init, &msg))
        return;
    mikey_protect_of(&init, &msg, ts_key_span(&p->k.mpk_r1), &protect);
    if (!seal_all(&protect, init.raw, none))
        return;
    enum ts_err err = mikey_answer_verify(&init, &msg, &p->k.mpk_r1, &keys);
    MUST_HOLD(err == TS_OK || msg.has_kemac ||
              msg.v.alg != protect.suite->auth);
    if (!err)
        must_be_keys(&keys, 0);
    mikey_keys_wipe(&keys);
}

/* As offer and as answer, from either side. */
static void as_update(const struct past *p)
{
    static struct mikey_keys keys;
    const struct mikey_msg *init = &p->m[TRANSFER_INIT];
    const enum mikey_side from = twist & 1 ? MIKEY_RESPONDER : MIKEY_INITIATOR;
    struct mikey_csb csb = {
        .flags = init->ticket.tp.flags ^ (uint16_t)(twist << 2),
        .i = p->e.alice,
        .r = p->e.bob,
        .ticket = ts_span(init->ticket.body.p + 1, init->ticket.body.n - 1),
    };
    memcpy(csb.rand, init->rand, sizeof csb.rand);
    mikey_protect_of(init, &p->m[TRANSFER_RESP], ts_key_span(&p->k.mpk_r1),
                     &csb.keys);
    if (!fit(init))
        return;
    bool response = msg.hdr.type == MIKEY_TRANSFER_RESP;
    if (!seal_all(&csb.keys, response ? init->raw : csb.i.data,
                  response ? none : csb.r.data))
        return;
    enum ts_err err =
        mikey_update_open(&csb, &msg, from, response ? init->raw : none, &keys);
    if (!err)
        must_be_keys(&keys, 0);
    mikey_keys_wipe(&keys);
}

static void as_error(const struct past *p)
{
    const struct mikey_msg *init =
        &p->m[twist & 1 ? RESOLVE_INIT : TRANSFER_INIT];
    struct mikey_protect protect;
    if (!fit(init))
        return;
    mikey_protect_of(init, NULL, ts_key_span(&p->e.psk_r), &protect);
    bool sealed = seal_all(&protect, none, none);
    enum ts_err err =
        mikey_error_verify(init, NULL, &msg, ts_key_span(&p->e.psk_r));
    MUST_HOLD(sealed == (err == TS_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const as[])(const struct past *) = {
        as_request, as_resolve, as_pk,   as_transfer,
        as_answer,  as_update,  as_error};
    if (n < 2 + 10 || n - 2 > sizeof buf)
        return 0;
    len = n - 2;
    memcpy(buf, data + 2, len);
    twist = data[1];
    if (mikey_msg_read(ts_span(buf, len), &msg, NULL))
        return 0;
    as[(data[0] & 7) % 7](remember(data[0] & 8 ? 128 : 256));
    return 0;
}
