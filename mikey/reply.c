/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KMS's replies (RFC 6043 4.2.1.5, 4.2.3.5), and Error (5.4).
 *
 * REQUEST_RESP = HDR, T, [IDRkms], TICKET, KEMAC, V
 * RESOLVE_RESP = HDR, T, [IDRkms], KEMAC, [IDRr], [RANDRkms], V
 * Error        = HDR, T, (ERR), {SP}, [V|SIGN]
 */
#include "mikey/exchange.h"

static const struct ts_span none;

/* ---- building ---- */

static struct mikey_build reply_hdr(struct ts_writer *w, enum mikey_type type,
                                    const struct mikey_hdr *init)
{
    const struct mikey_hdr hdr = {
        .type = (uint8_t)type,
        .v = false,                 /* R32, R118 */
        .prf = init->prf,           /* R31, R117 */
        .csb = init->csb,           /* R31, R117 */
        .map_type = init->map_type, /* R31, R117 */
    };
    return mikey_build_hdr(w, &hdr);
}

static void reply_v(struct mikey_build *b, const struct mikey_reply_new *in)
{
    MIKEY_UNSET struct mikey_hmac h;
    mikey_protect_auth(in->psk, &h);                           /* R43, R131 */
    mikey_build_v(b, in->psk->suite, &h, in->init->raw, none); /* R44, R132 */
    ts_wipe(&h, sizeof h);
}

void mikey_build_request_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in)
{
    struct mikey_build b = reply_hdr(w, MIKEY_REQUEST_RESP, &in->init->hdr);
    in->psk->selector = MIKEY_SEL_RESP; /* R146 */
    mikey_build_t(&b, in->t);
    mikey_build_idr(&b, MIKEY_IDR_KMS, in->idr_kms);
    mikey_build_ticket(&b, in->ticket);
    mikey_build_keys(&b, in->psk, in->t, in->keys, in->n_keys); /* R36 */
    reply_v(&b, in);                                            /* R42 */
}

void mikey_build_resolve_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in)
{
    struct mikey_build b = reply_hdr(w, MIKEY_RESOLVE_RESP, &in->init->hdr);
    in->psk->selector = MIKEY_SEL_RESP; /* R146 */
    mikey_build_t(&b, in->t);
    mikey_build_idr(&b, MIKEY_IDR_KMS, in->idr_kms);
    mikey_build_keys(&b, in->psk, in->t, in->keys, in->n_keys); /* R122 */
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);                /* R128 */
    if (in->rand_kms.n)
        mikey_build_rand(&b, MIKEY_RAND_KMS, in->rand_kms); /* R128 */
    reply_v(&b, in);                                        /* R130 */
}

/* ---- opening ---- */

static bool hdr_matches(const struct mikey_hdr *init,
                        const struct mikey_hdr *resp)
{
    return init->prf == resp->prf && init->csb == resp->csb &&
           init->n_cs == resp->n_cs && init->map_type == resp->map_type;
}

enum ts_err mikey_fork_check(const struct mikey_msg *m)
{
    const struct mikey_id *id = &m->idr[MIKEY_IDR_R];
    if (!id->data.p || !m->rand[MIKEY_RAND_KMS].p)
        return TS_E_MISSING;
    return id->data.n <= MIKEY_ID_MAX ? TS_OK : TS_E_UNSUPPORTED;
}

/* The right answer to the right question, before its MAC is checked. */
static enum ts_err reply_check(const struct mikey_msg *init,
                               const struct mikey_msg *m)
{
    bool request = mikey_is_request_init(init->hdr.type);
    if (m->hdr.csb != init->hdr.csb || m->hdr.prf != init->hdr.prf)
        return TS_E_MISMATCH; /* R183 */
    if (m->hdr.type == MIKEY_ERROR)
        return m->n_err ? TS_E_PEER : TS_E_MISSING;
    if (m->hdr.type != (request ? MIKEY_REQUEST_RESP : MIKEY_RESOLVE_RESP) ||
        !hdr_matches(&init->hdr, &m->hdr))
        return TS_E_MISMATCH; /* R31, R117 */
    if (!m->has_t || !m->has_kemac || !m->has_v)
        return TS_E_MISSING;
    return request && !m->has_ticket ? TS_E_MISSING : TS_OK;
}

enum ts_err mikey_reply_open(const struct mikey_msg *init, struct ts_span raw,
                             struct ts_span key, struct mikey_reply *out)
{
    const struct mikey_msg *m = &out->msg;
    out->keys.n = out->keys.len = 0;
    enum ts_err err = mikey_msg_read(raw, &out->msg, NULL);
    if (!err)
        err = reply_check(init, m);
    if (err)
        return err;
    bool request = mikey_is_request_init(init->hdr.type);
    out->fork = (request ? m : init)->ticket.tp.flags & MIKEY_FLAG_I;
    if (out->fork && !request)
        err = mikey_fork_check(m); /* R128 */
    if (err)
        return err;

    struct mikey_protect keys;
    MIKEY_UNSET struct mikey_hmac h;
    mikey_protect_of(init, m, key, &keys);
    mikey_protect_auth(&keys, &h);
    err = mikey_v_verify(m, keys.suite, &h, init->raw, none); /* R44, R132 */
    if (!err)                                                 /* R39, R124 */
        err = mikey_open_keys(&m->kemac, &keys, m->t, out->fork ? 2 : 1,
                              &out->keys);
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
    return err;
}

/* ---- Error ---- */

enum ts_err mikey_error_verify(const struct mikey_msg *init,
                               const struct mikey_msg *resp,
                               const struct mikey_msg *error,
                               struct ts_span key)
{
    if (!error->has_v)
        return TS_E_MISSING;
    struct mikey_protect keys;
    MIKEY_UNSET struct mikey_hmac h;
    mikey_protect_of(init, resp, key, &keys);
    mikey_protect_auth(&keys, &h); /* R187 */
    enum ts_err err = mikey_v_verify(error, keys.suite, &h, none, none);
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
    return err;
}

void mikey_build_error(struct ts_writer *w, const struct mikey_error_new *in)
{
    const struct mikey_hdr hdr = {
        .type = MIKEY_ERROR,
        .v = false,                  /* R184 */
        .prf = in->about->prf,       /* R183 */
        .csb = in->about->csb,       /* R183 */
        .map_type = MIKEY_MAP_EMPTY, /* AMB 9 */
    };
    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, in->t); /* R185, R186: the caller's choice */
    for (size_t i = 0; i < in->n_no; i++) {
        mikey_build_payload(&b, MIKEY_ERR);
        ts_put_u8(w, in->no[i]);
        ts_put_u16(w, 0);
    }
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]); /* R182 */
    if (in->auth) {
        MIKEY_UNSET struct mikey_hmac h;
        mikey_protect_auth(in->auth, &h); /* R187 */
        mikey_build_v(&b, in->auth->suite, &h, none, none);
        ts_wipe(&h, sizeof h);
    } else if (in->signer) {
        mikey_build_sign(&b, in->signer, none, none); /* R179 */
    }
}
