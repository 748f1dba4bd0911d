/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TRANSFER_RESP (RFC 6043 4.2.2.3), from the Responder to the Initiator.
 *
 * TRANSFER_RESP = HDR, T, [RANDRr], [IDRr], [RANDRkms], {SP}, [KEMAC], V
 */
#include "mikey/exchange.h"

static const struct ts_span none;

static struct mikey_build answer_hdr(struct ts_writer *w,
                                     const struct mikey_answer_new *in)
{
    const struct mikey_hdr hdr = {
        .type = MIKEY_TRANSFER_RESP,
        .v = false,                    /* R67, R192 */
        .prf = in->init->hdr.prf,      /* R66 */
        .csb = in->init->hdr.csb,      /* R66 */
        .n_cs = in->n_cs,              /* R71 */
        .map_type = MIKEY_MAP_GENERIC, /* R196, R197 */
        .map = in->map,
    };
    return mikey_build_hdr(w, &hdr);
}

void mikey_build_transfer_resp(struct ts_writer *w,
                               const struct mikey_answer_new *in)
{
    struct mikey_protect keys;
    struct mikey_hmac h;
    if (in->n_keys && !(in->init->ticket.tp.flags & MIKEY_FLAG_M))
        ts_writer_fail(w, TS_E_DENIED); /* R82, R227 */
    if (w->err)
        return;
    struct mikey_build b = answer_hdr(w, in);
    mikey_build_t(&b, in->t);
    if (in->rand_r.n)
        mikey_build_rand(&b, MIKEY_RAND_R, in->rand_r); /* R74, R221 */
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);        /* R75 */
    if (in->rand_kms.n)
        mikey_build_rand(&b, MIKEY_RAND_KMS, in->rand_kms); /* R77 */
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]); /* R78 */

    mikey_protect_begin(&keys, in->suite, ts_key_span(in->mpk), MIKEY_SEL_RESP,
                        in->init->hdr.csb, in->init->rand[MIKEY_RAND_I],
                        in->rand_r); /* R83, R126, R148 */
    if (in->n_keys)
        mikey_build_keys(&b, &keys, in->t, in->keys, in->n_keys); /* R80 */
    mikey_protect_auth(&keys, &h);
    mikey_build_v(&b, in->suite, &h, in->init->raw, none); /* R84, AMB 7 */
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
}

/* R68, R69, R199, R205, R208: one policy, Session Data and SPI for each CS */
static enum ts_err check_answer_map(const struct mikey_hdr *offer,
                                    const struct mikey_hdr *hdr)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    if (hdr->map_type == MIKEY_MAP_SRTP)
        return TS_E_FORMAT; /* R197 */
    if (hdr->n_cs == 0 && offer->n_cs)
        return TS_E_FORMAT; /* R69: what was offered is left open */
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        struct mikey_cs cs;
        enum ts_err err = mikey_cs_read(&r, &cs);
        if (err)
            return err;
        if (cs.policies.n != 1)
            return TS_E_FORMAT; /* R68, R199 */
        if (cs.spi.n == 0)
            return TS_E_FORMAT; /* R69, R208 */
        if (cs.prot == MIKEY_PROT_SRTP && cs.session.n == 0)
            return TS_E_FORMAT; /* R69, R205 */
    }
    return ts_reader_end(&r);
}

enum ts_err mikey_answer_check(const struct mikey_msg *init,
                               const struct mikey_msg *m)
{
    uint16_t flags = init->ticket.tp.flags;
    if (m->hdr.csb != init->hdr.csb || m->hdr.prf != init->hdr.prf)
        return TS_E_MISMATCH; /* R66 */
    if (m->hdr.type == MIKEY_ERROR)
        return m->n_err ? TS_E_PEER : TS_E_MISSING;
    if (m->hdr.type != MIKEY_TRANSFER_RESP)
        return TS_E_MISMATCH;
    if (!m->has_t || !m->has_v)
        return TS_E_MISSING;
    if (!m->rand[MIKEY_RAND_R].p != !(flags & MIKEY_FLAG_G))
        return TS_E_FORMAT; /* R74, R221 */
    enum ts_err err = flags & MIKEY_FLAG_I ? mikey_fork_check(m) : TS_OK;
    if (err)
        return err; /* R75, R77 */
    if (m->has_kemac && !(flags & MIKEY_FLAG_M))
        return TS_E_FORMAT; /* R82, R227 */
    return check_answer_map(&init->hdr, &m->hdr);
}

enum ts_err mikey_answer_verify(const struct mikey_msg *init,
                                const struct mikey_msg *m,
                                const struct ts_key *mpk,
                                struct mikey_keys *keys)
{
    struct mikey_protect p;
    struct mikey_hmac h;
    if (keys)
        keys->n = keys->len = 0;
    mikey_protect_of(init, m, ts_key_span(mpk), &p);
    mikey_protect_auth(&p, &h);
    enum ts_err err = mikey_v_verify(m, p.suite, &h, init->raw, none);
    if (err)
        err = TS_E_AUTH; /* R41, R84 */
    else if (m->has_kemac && keys)
        err = mikey_open_keys(&m->kemac, &p, m->t, 0, keys);
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&p);
    return err;
}
