/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TRANSFER_INIT (RFC 6043 4.2.2.1), from the Initiator to the Responder.
 *
 * TRANSFER_INIT = HDR, T, RANDRi, [IDRi], [IDRr], {SP}, TICKET, [KEMAC], V
 */
#include "mikey/exchange.h"

static const struct ts_span none;

/* ---- building ---- */

/*
 * The MAC leaves out Initiator Data and its length (R189): cut is where these
 * begin, resume where the message goes on. Both are offsets into msg.
 */
static void transfer_mac(struct mikey_protect *keys, struct ts_span msg,
                         size_t cut, size_t resume, struct ts_span id_i,
                         struct ts_span id_r, uint8_t *mac)
{
    struct mikey_hmac h;
    mikey_protect_auth(keys, &h);
    mikey_hmac_add(&h, ts_span(msg.p, cut));
    mikey_hmac_add(&h, ts_span(msg.p + resume, msg.n - resume));
    mikey_hmac_add(&h, id_i);
    mikey_hmac_add(&h, id_r); /* R61, R188 */
    mikey_hmac_end(&h, mac, keys->suite->mac);
    ts_wipe(&h, sizeof h);
}

static struct mikey_build transfer_hdr(struct ts_writer *w,
                                       const struct mikey_transfer_new *in)
{
    const struct mikey_hdr hdr = {
        .type = MIKEY_TRANSFER_INIT,
        .v = in->ticket->tp.flags & MIKEY_FLAG_F, /* R52 */
        .prf = in->suite->prf,
        .csb = in->csb, /* R51 */
        .n_cs = in->n_cs,
        .map_type = MIKEY_MAP_GENERIC, /* R196, R197 */
        .map = in->map,
    };
    return mikey_build_hdr(w, &hdr);
}

/* Everything up to the MAC, with room where Initiator Data goes. */
static uint8_t *build_transfer(struct ts_writer *w,
                               const struct mikey_transfer_new *in,
                               struct mikey_protect *keys, size_t init_len,
                               size_t *init_at)
{
    static const uint8_t zeros[MIKEY_INIT_DATA_MAX];
    struct mikey_build b = transfer_hdr(w, in);
    mikey_build_t(&b, in->t);                       /* R50 */
    mikey_build_rand(&b, MIKEY_RAND_I, in->rand_i); /* R50 */
    if (!(in->omit & MIKEY_OMIT(MIKEY_IDR_I)))
        mikey_build_idr(&b, MIKEY_IDR_I, in->idr_i); /* R54 */
    if (!(in->omit & MIKEY_OMIT(MIKEY_IDR_R)))
        mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r); /* R54 */
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]); /* R57 */
    mikey_build_ticket_as(&b, in->ticket, ts_span(zeros, init_len));
    *init_at = w->len - init_len;
    if (in->n_keys)
        mikey_build_keys(&b, keys, in->t, in->keys, in->n_keys); /* R58 */
    if (in->sdp_ids.n)
        mikey_build_sdp_ids(&b, in->sdp_ids);
    return mikey_build_v_room(&b, in->suite); /* R60 */
}

void mikey_build_transfer_init(struct ts_writer *w,
                               const struct mikey_transfer_new *in)
{
    const uint16_t flags = in->ticket->tp.flags;
    const bool fork = flags & MIKEY_FLAG_I;
    size_t init_len = fork ? 1 + 2 * (2u + in->suite->mac) : 0; /* R241 */
    size_t start = w->len, init_at = 0;
    struct mikey_protect keys;

    if (in->n_keys && !(flags & MIKEY_FLAG_L))
        ts_writer_fail(w, TS_E_DENIED); /* R59, R226 */
    if (in->rand_i.n < in->mpk_i->len)
        ts_writer_fail(w, TS_E_RANGE); /* R272 */
    if (w->err)
        return;
    /* K1 from MPKi: RANDRi only, also where G=1 (R40, R60, AMB 12) */
    mikey_protect_begin(&keys, in->suite, ts_key_span(in->mpk_i),
                        MIKEY_SEL_INIT, in->csb, in->rand_i, none);
    uint8_t *mac = build_transfer(w, in, &keys, init_len, &init_at);
    if (mac)
        transfer_mac(&keys,
                     ts_span(w->buf + start, (size_t)(mac - w->buf) - start),
                     init_at - 2 - start, init_at + init_len - start,
                     in->idr_i.data, in->idr_r.data, mac);
    if (mac && fork) {
        uint8_t init[MIKEY_INIT_DATA_MAX];
        size_t n = mikey_init_data_make(in->mpk_r, in->suite, mac, init);
        memcpy(w->buf + init_at, init, n);
    }
    mikey_protect_end(&keys);
}

/* ---- opening ---- */

/* What R can see of a ticket without opening it (4.2.2.2). */
static enum ts_err check_ticket(const struct mikey_msg *m, bool known,
                                struct mikey_policy *policy, uint8_t *error)
{
    const struct mikey_tp *tp = &m->ticket.tp;
    *error = MIKEY_ERR_TICKET;
    if (!known && !mikey_kind_equal(tp->kind, mikey_kind_base) &&
        !(tp->flags & MIKEY_FLAG_O))
        return TS_E_UNSUPPORTED; /* R229 */
    *error = MIKEY_ERR_PRF;
    if (tp->prf != m->hdr.prf)
        return TS_E_UNSUPPORTED; /* one suite for all: AMB 4, R278 */
    *error = MIKEY_ERR_TPPAR;
    if (!mikey_flags_ok(tp->flags, false))
        return TS_E_FORMAT;
    if (m->has_kemac && !(tp->flags & MIKEY_FLAG_L))
        return TS_E_FORMAT; /* R59, R226 */
    enum ts_err err = mikey_policy_read(tp->data, policy);
    if (!err && policy->has_kemac)
        err = TS_E_FORMAT; /* R239 */
    return err;
}

enum ts_err mikey_transfer_check(const struct mikey_msg *m,
                                 struct mikey_policy *policy, uint8_t *error)
{
    return mikey_transfer_check_kind(m, false, policy, error);
}

enum ts_err mikey_transfer_check_kind(const struct mikey_msg *m, bool known,
                                      struct mikey_policy *policy,
                                      uint8_t *error)
{
    *error = MIKEY_ERR_DT;
    if (m->hdr.type != MIKEY_TRANSFER_INIT)
        return TS_E_UNKNOWN;
    *error = MIKEY_ERR_UNSPECIFIED;
    if (!m->has_t || !m->has_v || !m->has_ticket || !m->rand[MIKEY_RAND_I].p)
        return TS_E_MISSING; /* R50 */
    if (m->hdr.map_type == MIKEY_MAP_SRTP)
        return TS_E_UNSUPPORTED; /* R197 */
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    *error = MIKEY_ERR_PRF;
    if (!suite)
        return TS_E_UNSUPPORTED;
    *error = MIKEY_ERR_MAC;
    if (m->v.alg != suite->auth)
        return TS_E_UNSUPPORTED; /* R278 */
    return check_ticket(m, known, policy, error);
}

static struct ts_span named(const struct mikey_id *id, struct ts_span known)
{
    return id->data.p ? id->data : known;
}

/* R134: the ticket that the KMS resolved came with this very message. */
static bool vi_matches(const struct mikey_msg *m)
{
    struct mikey_v vi, vr;
    return mikey_init_data_read(m->ticket.init, &vi, &vr) == TS_OK &&
           ts_equal(vi.mac.p, vi.mac.n, m->v.mac.p, m->v.mac.n);
}

enum ts_err mikey_transfer_verify(const struct mikey_msg *m,
                                  const struct ts_key *mpk_i,
                                  const struct mikey_names *names,
                                  struct mikey_keys *keys)
{
    const struct mikey_ticket *t = &m->ticket;
    size_t resume = mikey_at(m, t->body) + t->body.n;
    uint8_t mac[MIKEY_MAC_MAX];
    struct mikey_protect p;
    enum ts_err err = TS_OK;

    if (keys)
        keys->n = keys->len = 0;
    mikey_protect_of(m, NULL, ts_key_span(mpk_i), &p); /* R125 */
    transfer_mac(&p, ts_span(m->raw.p, mikey_at(m, m->v.mac)),
                 resume - 2 - t->init.n, resume,
                 named(&m->idr[MIKEY_IDR_I], names->i),
                 named(&m->idr[MIKEY_IDR_R], names->r), mac);
    if (!ts_equal(mac, p.suite->mac, m->v.mac.p, m->v.mac.n))
        err = TS_E_AUTH; /* R133 */
    if (!err && t->tp.flags & MIKEY_FLAG_I && !vi_matches(m))
        err = TS_E_AUTH; /* R134 */
    if (!err && m->has_kemac && keys)
        err = mikey_open_keys(&m->kemac, &p, m->t, 0, keys);
    ts_wipe(mac, sizeof mac);
    mikey_protect_end(&p);
    return err;
}
