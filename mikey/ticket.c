/* SPDX-License-Identifier: Apache-2.0 */
/*
 *  TICKET = next(1)  policy and TP Data  len(2) Ticket Data  len(2) Init. Data
 *  Ticket Data = THDR, T, RAND, KEMAC, [IDRpsk], V
 *
 * The MAC covers all from the Ticket Type to the Auth alg octet of V: not the
 * next payload octet, not itself, not the Initiator Data (R300).
 */
#include "mikey/mikey.h"
#include "mikey/ticket.h"

#define NO_CSB 0xffffffffu /* R297 */

static void ticket_protect(struct mikey_protect *p,
                           const struct mikey_suite *suite, struct ts_span tpk,
                           struct ts_span rand)
{
    mikey_protect_begin(p, suite, tpk, MIKEY_SEL_TICKET, NO_CSB, rand,
                        ts_span(NULL, 0));
}

/* R271, R274 */
static bool lengths_ok(const struct mikey_ticket_new *in)
{
    if (in->n_keys == 0 || in->rand.n > 255)
        return false;
    if (!in->type && (in->tpk.n < 16 || in->tpk.n > MIKEY_KEY_MAX))
        return false; /* R271 */
    return in->rand.n >= in->tpk.n && in->rand.n >= in->keys[0].key.n;
}

/* 2.17, by whoever makes a ticket: R217, R158 */
static bool flags_ok(const struct mikey_ticket_new *in)
{
    bool tgk = false;
    for (size_t i = 0; i < in->n_keys; i++)
        tgk = tgk || mikey_is_tgk(&in->keys[i]);
    return mikey_flags_ok(in->flags, tgk);
}

/* Gives the room for the MAC, which is computed when all lengths stand. */
static uint8_t *build_ticket_data(struct ts_writer *w, struct mikey_protect *p,
                                  const struct mikey_ticket_new *in)
{
    struct mikey_build d = {w, w->len, w->len}; /* THDR's next payload octet */
    ts_put_u8(w, MIKEY_LAST);                   /* R293: THDR first */
    ts_put_u16(w, 0);                           /* THDR Data: none */
    mikey_build_t(&d, in->t);
    mikey_build_rand(&d, 0, in->rand);
    mikey_build_keys(&d, p, in->t, in->keys, in->n_keys); /* R296, R302 */
    mikey_build_idr(&d, MIKEY_IDR_PSK,
                    (struct mikey_id){0, MIKEY_ID_BYTES, in->tpk_id});
    return mikey_build_v_room(&d, in->suite); /* R299 */
}

/* Ticket Data of a base ticket; from is where the Ticket Type stands. */
static void build_base(struct ts_writer *w, size_t from,
                       const struct mikey_ticket_new *in)
{
    MIKEY_UNSET struct mikey_protect p;
    MIKEY_UNSET struct mikey_hmac h;
    ticket_protect(&p, in->suite, in->tpk, in->rand);
    size_t mark = ts_open_u16(w);
    uint8_t *mac = build_ticket_data(w, &p, in);
    ts_close_u16(w, mark);
    if (mac && !w->err) {
        size_t n = (size_t)(mac - (w->buf + from));
        mikey_protect_auth(&p, &h);                    /* R291 */
        mikey_hmac_add(&h, ts_span(w->buf + from, n)); /* R300 */
        mikey_hmac_end(&h, mac, in->suite->mac);
        ts_wipe(&h, sizeof h);
    }
    mikey_protect_end(&p);
}

/* Ticket Data of another kind: it gets the policy as TICKET shows it. */
static void build_other(struct ts_writer *w, size_t from,
                        const struct mikey_ticket_new *in)
{
    const struct mikey_ticket_type *type = in->type;
    uint8_t chain[MIKEY_KEYS_BYTES];
    struct ts_writer keys = ts_writer_init(chain, sizeof chain);
    const size_t policy_n = w->len - from;
    for (size_t i = 0; i < in->n_keys; i++)
        mikey_put_key(&keys, &in->keys[i], i + 1 == in->n_keys);
    size_t mark = ts_open_u16(w), n = 0, cap = w->cap - w->len;
    if (!w->err && !keys.err) {
        enum ts_err err =
            type->make(type->arg, ts_span(w->buf + from, policy_n),
                       ts_written(&keys), in->rand, w->buf + mark, cap, &n);
        if (err || n > cap)
            ts_writer_fail(w, err ? err : TS_E_SPACE);
    }
    ts_writer_fail(w, keys.err);
    if (!w->err)
        w->len += n;
    ts_close_u16(w, mark);
    ts_wipe(chain, sizeof chain);
}

void mikey_build_ticket(struct mikey_build *b,
                        const struct mikey_ticket_new *in)
{
    const struct mikey_tp tp = {
        .kind = in->type ? in->type->kind : mikey_kind_base,
        .prf = in->suite->prf,
        .flags = in->flags,
    };
    struct ts_writer *w = b->w;
    if (!flags_ok(in) || !lengths_ok(in))
        ts_writer_fail(w, TS_E_RANGE);
    if (w->err)
        return;
    mikey_build_payload(b, MIKEY_TICKET);
    size_t from = w->len;
    mikey_build_tp(b, &tp, in->policy, NULL, 0); /* R239: no KEMAC */
    if (in->type)
        build_other(w, from, in);
    else
        build_base(w, from, in); /* R289 */
    ts_put_u16(w, 0);            /* Initiator Data length: there is none yet */
}

static enum ts_err take(struct mikey_base *base, const struct mikey_payload *p,
                        unsigned *seen)
{
    if (p->type == MIKEY_IDR && p->u.id.role != MIKEY_IDR_PSK)
        return TS_OK;
    unsigned bit = 1u << p->type;
    if (*seen & bit)
        return TS_E_DUPLICATE;
    *seen |= bit;
    switch (p->type) {
    case MIKEY_T:
        base->t = p->u.t;
        break;
    case MIKEY_RAND:
        base->rand = p->u.rand.data;
        break;
    case MIKEY_KEMAC:
        base->kemac = p->u.kemac;
        break;
    case MIKEY_IDR:
        base->tpk_id = p->u.id;
        break;
    case MIKEY_V:
        base->v = p->u.v;
        return p->next == MIKEY_LAST ? TS_OK : TS_E_ORDER;
    default:
        *seen &= ~bit; /* unexpected payloads are ignored (R292) */
    }
    return TS_OK;
}

enum ts_err mikey_base_read(const struct mikey_ticket *t,
                            struct mikey_base *base)
{
    *base = (struct mikey_base){0};
    if (!mikey_kind_equal(t->tp.kind, mikey_kind_base))
        return TS_E_UNSUPPORTED;

    /* THDR: next payload(1)  length(2)  data, which we do not use (R305) */
    struct mikey_chain c = mikey_chain_first(t->data);
    (void)ts_get_span(&c.r, ts_get_u16(&c.r));

    struct mikey_payload p;
    unsigned seen = 0;
    while (mikey_chain_next(&c, &p)) {
        enum ts_err err = take(base, &p, &seen);
        if (err)
            return err;
    }
    enum ts_err err = mikey_chain_end(&c); /* R290 */
    const unsigned must =
        1u << MIKEY_T | 1u << MIKEY_RAND | 1u << MIKEY_KEMAC | 1u << MIKEY_V;
    if (!err && (seen & must) != must)
        err = TS_E_MISSING;
    if (!err)
        base->covered =
            ts_span(t->body.p + 1, (size_t)(base->v.mac.p - (t->body.p + 1)));
    return err;
}

static enum ts_err check_mac(const struct mikey_base *base,
                             const struct mikey_suite *suite,
                             struct mikey_protect *p)
{
    MIKEY_UNSET struct mikey_hmac h;
    uint8_t mac[MIKEY_MAC_MAX];
    mikey_protect_auth(p, &h);
    mikey_hmac_add(&h, base->covered);
    mikey_hmac_end(&h, mac, suite->mac);
    bool good = ts_equal(mac, suite->mac, base->v.mac.p, base->v.mac.n);
    ts_wipe(&h, sizeof h);
    ts_wipe(mac, sizeof mac);
    return good ? TS_OK : TS_E_AUTH;
}

static void derive_mpks(const struct mikey_suite *suite, struct ts_span rand,
                        struct mikey_opened *out)
{
    MIKEY_UNSET struct mikey_prf prf;
    struct ts_span mpk = out->keys.k[0].key;
    mikey_prf_key(&prf, suite->prf, mpk);
    mikey_derive_mpk(&prf, mpk.n, rand, &out->mpk_i, &out->mpk_r);
    mikey_prf_wipe(&prf);
}

/*
 * What is worked on when a ticket is not ours, so that refusing it takes as
 * long as resolving it would: keys of zeros, in the usual number.
 */
static void dummy_keys(const struct mikey_suite *suite,
                       const struct mikey_base *base, struct mikey_cipher *c,
                       struct mikey_keys *keys)
{
    size_t n = base->kemac.data.n < sizeof keys->plain ? base->kemac.data.n
                                                       : sizeof keys->plain;
    size_t len = suite->encr_key;
    memset(keys->plain, 0, sizeof keys->plain);
    mikey_aes_cm(ts_span(c->key, len), c->salt, NO_CSB, 0, keys->plain, n);
    memset(keys->plain, 0, sizeof keys->plain);
    keys->len = 2 * len;
    keys->n = 2;
    keys->k[0] = (struct mikey_key){.type = MIKEY_MPK,
                                    .kv = MIKEY_KV_SPI,
                                    .key = ts_span(keys->plain, len)};
    keys->k[1] = keys->k[0];
    keys->k[1].type = MIKEY_TGK;
    keys->k[1].key.p += len;
}

enum ts_err mikey_base_open(const struct mikey_ticket *t,
                            const struct mikey_base *base, struct ts_span tpk,
                            struct mikey_opened *out)
{
    const struct mikey_suite *suite = mikey_suite_prf(t->tp.prf);
    MIKEY_UNSET struct mikey_protect p;
    struct mikey_cipher c;
    out->keys.n = out->keys.len = 0;
    if (!suite)
        return TS_E_UNSUPPORTED;

    ticket_protect(&p, suite, tpk, base->rand);
    enum ts_err err = check_mac(base, suite, &p);
    mikey_protect_cipher(&p, &c);
    mikey_protect_end(&p);
    if (!err)
        err = mikey_kemac_open(&base->kemac, suite, &c, NO_CSB,
                               base->t.value, /* R294 */
                               1, &out->keys);
    if (err)
        dummy_keys(suite, base, &c, &out->keys);
    ts_wipe(&c, sizeof c);
    derive_mpks(suite, base->rand, out);
    return err;
}

void mikey_opened_wipe(struct mikey_opened *o)
{
    mikey_keys_wipe(&o->keys);
    ts_key_wipe(&o->mpk_i);
    ts_key_wipe(&o->mpk_r);
}

size_t mikey_init_data_make(const struct ts_key *mpk_r,
                            const struct mikey_suite *suite, const uint8_t *mac,
                            uint8_t out[static MIKEY_INIT_DATA_MAX])
{
    struct ts_writer w = ts_writer_init(out, MIKEY_INIT_DATA_MAX);
    struct mikey_build d = mikey_build_first(&w);
    MIKEY_UNSET struct mikey_prf prf;
    MIKEY_UNSET struct mikey_hmac h;

    mikey_build_payload(&d, MIKEY_V); /* Vi: a copy (R244) */
    ts_put_u8(&w, suite->auth);
    ts_put(&w, mac, suite->mac);
    mikey_prf_key(&prf, suite->prf, ts_key_span(mpk_r));
    mikey_derive_vr(&prf, suite, &h);
    mikey_build_v(&d, suite, &h, ts_span(NULL, 0), ts_span(NULL, 0)); /* Vr */
    ts_wipe(&h, sizeof h);
    mikey_prf_wipe(&prf);
    return w.len;
}

enum ts_err mikey_init_data_read(struct ts_span data, struct mikey_v *vi,
                                 struct mikey_v *vr)
{
    struct mikey_chain c = mikey_chain_first(data);
    struct mikey_payload p;
    unsigned n = 0;
    bool last = false;

    while (mikey_chain_next(&c, &p)) {
        last = p.type == MIKEY_V; /* R245 */
        if (!last)
            continue; /* R243 */
        if (n == 2)
            return TS_E_DUPLICATE;
        *(n++ ? vr : vi) = p.u.v;
    }
    enum ts_err err = mikey_chain_end(&c); /* R242 */
    if (!err && (n != 2 || !last))
        err = TS_E_MISSING;
    if (!err && vi->alg != vr->alg)
        err = TS_E_FORMAT; /* R247 */
    return err;
}

enum ts_err mikey_init_data_verify(struct ts_span data, struct mikey_prf *prf,
                                   const struct mikey_suite *suite)
{
    struct mikey_v vi, vr;
    enum ts_err err = mikey_init_data_read(data, &vi, &vr);
    if (err)
        return err;
    if (vr.alg != suite->auth)
        return TS_E_UNSUPPORTED;
    MIKEY_UNSET struct mikey_hmac h;
    uint8_t mac[MIKEY_MAC_MAX];
    mikey_derive_vr(prf, suite, &h);                                  /* R248 */
    mikey_hmac_add(&h, ts_span(data.p, (size_t)(vr.mac.p - data.p))); /* R246 */
    mikey_hmac_end(&h, mac, suite->mac);
    bool good = ts_equal(mac, suite->mac, vr.mac.p, vr.mac.n);
    ts_wipe(&h, sizeof h);
    ts_wipe(mac, sizeof mac);
    return good ? TS_OK : TS_E_AUTH;
}
