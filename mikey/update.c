/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSB update (RFC 6043 5.2): new keys or crypto sessions in a bundle that
 * exists. Keys are those that protected the last message of the initial
 * exchange, in both directions.
 *
 * started by I: TRANSFER_INIT = HDR, T, [IDRi], [IDRr], {SP}, [KEMAC], V
 *               TRANSFER_RESP = HDR, T, [IDRr], {SP}, [KEMAC], V
 */
#include "mikey/exchange.h"

static const struct ts_span none;

void mikey_update_keys(const struct mikey_msg *init,
                       const struct mikey_msg *answer, const struct ts_key *mpk,
                       struct mikey_protect *keys)
{
    mikey_protect_begin(keys, mikey_suite_prf(init->hdr.prf), ts_key_span(mpk),
                        answer ? MIKEY_SEL_RESP : MIKEY_SEL_INIT, init->hdr.csb,
                        init->rand[MIKEY_RAND_I],
                        answer ? answer->rand[MIKEY_RAND_R] : none);
}

static void update_kemac(struct mikey_build *b,
                         const struct mikey_update_new *in)
{
    struct mikey_cipher c;
    size_t mark = mikey_kemac_begin(b, in->keys->suite->encr);
    for (size_t i = 0; i < in->n_keys; i++)
        mikey_put_key(b->w, &in->new_keys[i], i + 1 == in->n_keys);
    mikey_protect_cipher(in->keys, &c); /* R169 */
    mikey_kemac_end(b, mark, in->keys->suite, &c, in->keys->csb, in->t.value);
    ts_wipe(&c, sizeof c);
}

void mikey_build_update(struct ts_writer *w, const struct mikey_update_new *in)
{
    const struct mikey_hdr hdr = {
        .type = in->response ? MIKEY_TRANSFER_RESP : MIKEY_TRANSFER_INIT,
        .v = !in->response && in->want_response, /* R161 */
        .prf = in->keys->suite->prf,
        .csb = in->keys->csb, /* R159 */
        .n_cs = in->n_cs,
        .map_type = MIKEY_MAP_GENERIC,
        .map = in->map,
    };
    struct mikey_hmac h;
    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, in->t);
    if (!in->response)
        mikey_build_idr(&b, MIKEY_IDR_I, in->idr_i);
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]);
    if (in->n_keys)
        update_kemac(&b, in);

    mikey_protect_auth(in->keys, &h);
    if (in->response)
        mikey_build_v(&b, in->keys->suite, &h, in->init, none);
    else
        mikey_build_v(&b, in->keys->suite, &h, in->idr_i.data, in->idr_r.data);
    ts_wipe(&h, sizeof h);
}

static enum ts_err update_check(const struct mikey_msg *m, bool response,
                                const struct mikey_protect *keys)
{
    if (m->hdr.type != (response ? MIKEY_TRANSFER_RESP : MIKEY_TRANSFER_INIT))
        return TS_E_UNKNOWN;
    if (m->hdr.csb != keys->csb || m->hdr.prf != keys->suite->prf)
        return TS_E_MISMATCH;
    if (m->has_ticket || m->rand[MIKEY_RAND_I].p || m->rand[MIKEY_RAND_R].p ||
        m->rand[MIKEY_RAND_KMS].p)
        return TS_E_ORDER; /* R163 */
    return m->has_t ? TS_OK : TS_E_MISSING;
}

enum ts_err mikey_update_open(const struct mikey_msg *m, struct ts_span init,
                              struct ts_span idr_i, struct ts_span idr_r,
                              struct mikey_protect *keys,
                              struct mikey_keys *out)
{
    struct mikey_hmac h;
    bool response = init.n > 0;
    out->n = out->len = 0;
    enum ts_err err = update_check(m, response, keys);
    if (err)
        return err;
    mikey_protect_auth(keys, &h);
    err = mikey_v_verify(m, keys->suite, &h, response ? init : idr_i,
                         response ? none : idr_r);
    ts_wipe(&h, sizeof h);
    if (err)
        return TS_E_AUTH;
    if (!m->has_kemac)
        return TS_OK;

    struct mikey_cipher c;
    mikey_protect_cipher(keys, &c);
    err = mikey_kemac_open(&m->kemac, keys->suite, &c, keys->csb, m->t.value, 0,
                           out);
    ts_wipe(&c, sizeof c);
    return err;
}
