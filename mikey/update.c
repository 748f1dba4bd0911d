/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSB update (RFC 6043 5.2): new keys or crypto sessions in a bundle that
 * exists, started by either side. Keys are those that protected the last
 * message of the initial exchange, in both directions.
 *
 * started by I: TRANSFER_INIT = HDR, T, [IDRi], [IDRr], {SP}, [KEMAC], V
 *               TRANSFER_RESP = HDR, T, [IDRr], {SP}, [KEMAC], V
 * started by R: TRANSFER_INIT = HDR, T, [IDRr], [IDRi], {SP}, [KEMAC], V
 *               TRANSFER_RESP = HDR, T, [IDRi], {SP}, [KEMAC], V
 */
#include "mikey/exchange.h"

static const struct ts_span none;

/* R166: who supplies a key counts, not who started. */
static bool may_supply(enum mikey_side from, uint16_t flags)
{
    return flags & (from == MIKEY_INITIATOR ? MIKEY_FLAG_L : MIKEY_FLAG_M);
}

/* The sender's identity, in an initial message then the receiver's. */
static void update_ids(struct mikey_build *b, const struct mikey_csb *csb,
                       const struct mikey_update_new *in)
{
    const struct mikey_id *ids[] = {&csb->i, &csb->r};
    const enum mikey_id_role roles[] = {MIKEY_IDR_I, MIKEY_IDR_R};
    unsigned first = in->from == MIKEY_INITIATOR ? 0 : 1;
    for (unsigned i = 0; i < (in->response ? 1u : 2u); i++) {
        unsigned which = i ? !first : first;
        if (!(in->omit & MIKEY_OMIT(roles[which])))
            mikey_build_idr(b, roles[which], *ids[which]);
    }
}

static struct mikey_build update_hdr(struct ts_writer *w,
                                     const struct mikey_csb *csb,
                                     const struct mikey_update_new *in)
{
    const struct mikey_hdr hdr = {
        .type = in->response ? MIKEY_TRANSFER_RESP : MIKEY_TRANSFER_INIT,
        .v = !in->response && in->want_response, /* R161 */
        .prf = csb->keys.suite->prf,
        .csb = csb->keys.csb, /* R159 */
        .n_cs = in->n_cs,
        .map_type = MIKEY_MAP_GENERIC,
        .map = in->map,
    };
    return mikey_build_hdr(w, &hdr);
}

void mikey_build_update(struct ts_writer *w, struct mikey_csb *csb,
                        const struct mikey_update_new *in)
{
    struct mikey_hmac h;
    if (in->n_keys && !may_supply(in->from, csb->flags))
        ts_writer_fail(w, TS_E_DENIED); /* R166 */
    if (w->err)
        return;
    struct mikey_build b = update_hdr(w, csb, in);
    mikey_build_t(&b, in->t);
    update_ids(&b, csb, in); /* and no RANDs, no TICKET */
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]);
    if (in->n_keys) /* R165, R169 */
        mikey_build_keys(&b, &csb->keys, in->t, in->new_keys, in->n_keys);

    mikey_protect_auth(&csb->keys, &h); /* R164 */
    if (in->response)
        mikey_build_v(&b, csb->keys.suite, &h, in->init, none); /* R191 */
    else
        mikey_build_v(&b, csb->keys.suite, &h, csb->i.data,
                      csb->r.data); /* R188, AMB 6 */
    ts_wipe(&h, sizeof h);
}

/* R162, R163: what stood in the initial exchange may stand again, as it is. */
static bool nothing_new(const struct mikey_csb *csb, const struct mikey_msg *m)
{
    for (unsigned role = MIKEY_RAND_I; role <= MIKEY_RAND_KMS; role++)
        if (m->rand[role].p && (!csb->rand[role].p ||
                                !ts_span_equal(m->rand[role], csb->rand[role])))
            return false;
    if (!m->has_ticket)
        return true;
    struct ts_span body = m->ticket.body;
    return csb->ticket.p &&
           ts_span_equal(ts_span(body.p + 1, body.n - 1), csb->ticket);
}

static enum ts_err update_check(const struct mikey_csb *csb,
                                const struct mikey_msg *m, bool response,
                                enum mikey_side from)
{
    if (m->hdr.type != (response ? MIKEY_TRANSFER_RESP : MIKEY_TRANSFER_INIT))
        return TS_E_UNKNOWN;
    if (m->hdr.csb != csb->keys.csb || m->hdr.prf != csb->keys.suite->prf)
        return TS_E_MISMATCH; /* R159 */
    if (m->hdr.map_type == MIKEY_MAP_SRTP)
        return TS_E_FORMAT; /* R197 */
    if (!nothing_new(csb, m))
        return TS_E_ORDER; /* R163 */
    if (m->has_kemac && !may_supply(from, csb->flags))
        return TS_E_DENIED; /* R166 */
    return m->has_t ? TS_OK : TS_E_MISSING;
}

enum ts_err mikey_update_open(struct mikey_csb *csb, const struct mikey_msg *m,
                              enum mikey_side from, struct ts_span init,
                              struct mikey_keys *out)
{
    struct mikey_hmac h;
    bool response = init.n > 0;
    out->n = out->len = 0;
    enum ts_err err = update_check(csb, m, response, from);
    if (err)
        return err;
    mikey_protect_auth(&csb->keys, &h); /* R164 */
    err = mikey_v_verify(m, csb->keys.suite, &h, response ? init : csb->i.data,
                         response ? none : csb->r.data); /* R188, R191 */
    ts_wipe(&h, sizeof h);
    if (err)
        return TS_E_AUTH;
    if (!m->has_kemac)
        return TS_OK;
    return mikey_open_keys(&m->kemac, &csb->keys, m->t, 0, out); /* R169 */
}
