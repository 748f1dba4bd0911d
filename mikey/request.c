/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket Request and Ticket Resolve (RFC 6043 4.2.1, 4.2.3): the two exchanges
 * with the KMS, alike but for their payloads.
 *
 * REQUEST_INIT_PSK = HDR, T, RANDRi, [IDRi], [IDRkms], TP, [IDRpsk], V
 * REQUEST_RESP     = HDR, T, [IDRkms], TICKET, KEMAC, V
 * RESOLVE_INIT_PSK = HDR, T, RANDRr, [IDRr], [IDRkms], TICKET, [IDRpsk], V
 * RESOLVE_RESP     = HDR, T, [IDRkms], KEMAC, [IDRr], [RANDRkms], V
 */
#include "mikey/exchange.h"

static const struct ts_span none;

/* R9, R13, R14, R96, R100, R101: V flag 1, no crypto sessions, Empty map */
static struct mikey_build init_hdr(struct ts_writer *w, enum mikey_type type,
                                   const struct mikey_suite *suite,
                                   uint32_t csb)
{
    const struct mikey_hdr hdr = {
        .type = (uint8_t)type,
        .v = true,
        .prf = suite->prf,
        .csb = csb,
        .map_type = MIKEY_MAP_EMPTY,
    };
    return mikey_build_hdr(w, &hdr);
}

/* The IDRpsk and the V that end both initial messages (R21, R107). */
static void init_end(struct mikey_build *b, const struct mikey_suite *suite,
                     struct mikey_protect *keys, struct ts_span psk_id,
                     struct ts_span self, struct ts_span kms)
{
    struct mikey_hmac h;
    if (psk_id.n)
        mikey_build_idr(b, MIKEY_IDR_PSK,
                        (struct mikey_id){0, MIKEY_ID_BYTES, psk_id});
    mikey_protect_auth(keys, &h);
    mikey_build_v(b, suite, &h, self, kms); /* R188 */
    ts_wipe(&h, sizeof h);
    mikey_protect_end(keys);
}

void mikey_build_request_init(struct ts_writer *w,
                              const struct mikey_request_new *in)
{
    const struct mikey_tp tp = {
        .type = MIKEY_BASE_TICKET,
        .subtype = MIKEY_BASE_SUBTYPE,
        .version = MIKEY_BASE_VERSION,
        .prf = in->suite->prf,
        .flags = in->flags & (uint16_t)~MIKEY_FLAG_K, /* R225 */
    };
    struct mikey_protect keys;
    if (in->rand_i.n < in->psk.n)
        ts_writer_fail(w, TS_E_RANGE); /* R272 */

    struct mikey_build b =
        init_hdr(w, MIKEY_REQUEST_INIT_PSK, in->suite, in->csb);
    mikey_build_t(&b, in->t);
    mikey_build_rand(&b, MIKEY_RAND_I, in->rand_i);
    mikey_build_idr(&b, MIKEY_IDR_I, in->idr_i);
    mikey_build_idr(&b, MIKEY_IDR_KMS, in->idr_kms);
    mikey_build_payload(&b, MIKEY_TP);
    mikey_build_tp(&b, &tp, in->policy, in->want, in->n_want);
    mikey_protect_begin(&keys, in->suite, in->psk, MIKEY_SEL_INIT, in->csb,
                        in->rand_i, none);
    init_end(&b, in->suite, &keys, in->psk_id, in->idr_i.data,
             in->idr_kms.data);
}

void mikey_build_resolve_init(struct ts_writer *w,
                              const struct mikey_resolve_new *in)
{
    struct mikey_protect keys;
    if (in->rand_r.n < in->psk.n)
        ts_writer_fail(w, TS_E_RANGE); /* R272 */

    struct mikey_build b =
        init_hdr(w, MIKEY_RESOLVE_INIT_PSK, in->suite, in->csb);
    mikey_build_t(&b, in->t);
    mikey_build_rand(&b, MIKEY_RAND_R, in->rand_r);
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);
    mikey_build_idr(&b, MIKEY_IDR_KMS, in->idr_kms);
    mikey_build_ticket_as(&b, in->ticket, in->ticket->init);
    mikey_protect_begin(&keys, in->suite, in->psk, MIKEY_SEL_INIT, in->csb,
                        none, in->rand_r);
    init_end(&b, in->suite, &keys, in->psk_id, in->idr_r.data,
             in->idr_kms.data);
}

/* R31, R32, R117, R118: HDR as in the initial message, V flag 0 */
static struct mikey_build reply_hdr(struct ts_writer *w, enum mikey_type type,
                                    const struct mikey_hdr *init)
{
    const struct mikey_hdr hdr = {
        .type = (uint8_t)type,
        .prf = init->prf,
        .csb = init->csb,
        .map_type = init->map_type,
    };
    return mikey_build_hdr(w, &hdr);
}

static void reply_kemac(struct mikey_build *b, const struct mikey_reply_new *in)
{
    struct mikey_cipher c;
    const struct mikey_suite *suite = in->psk->suite;
    size_t mark = mikey_kemac_begin(b, suite->encr);
    for (size_t i = 0; i < in->n_keys; i++)
        mikey_put_key(b->w, &in->keys[i], i + 1 == in->n_keys);
    mikey_protect_cipher(in->psk, &c); /* R36, R122 */
    mikey_kemac_end(b, mark, suite, &c, in->init->hdr.csb, in->t.value);
    ts_wipe(&c, sizeof c);
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
    in->psk->selector = MIKEY_SEL_RESP;
    mikey_build_t(&b, in->t);
    mikey_build_idr(&b, MIKEY_IDR_KMS, in->idr_kms);
    mikey_build_ticket(&b, in->ticket);
    reply_kemac(&b, in);
    reply_v(&b, in);
}

void mikey_build_resolve_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in)
{
    struct mikey_build b = reply_hdr(w, MIKEY_RESOLVE_RESP, &in->init->hdr);
    in->psk->selector = MIKEY_SEL_RESP;
    mikey_build_t(&b, in->t);
    mikey_build_idr(&b, MIKEY_IDR_KMS, in->idr_kms);
    reply_kemac(&b, in);
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);
    if (in->rand_kms.n)
        mikey_build_rand(&b, MIKEY_RAND_KMS, in->rand_kms);
    reply_v(&b, in);
}

/* What may be wrong with an initial message, and the Error it gives. */
static enum ts_err check_algorithms(const struct mikey_msg *m, uint8_t *error)
{
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    *error = MIKEY_ERR_PRF;
    if (!suite)
        return TS_E_UNSUPPORTED;
    *error = MIKEY_ERR_MAC;
    if (m->v.alg != suite->auth)
        return TS_E_UNSUPPORTED; /* R278: suites are not mixed */
    return TS_OK;
}

enum ts_err mikey_init_check(const struct mikey_msg *m, enum mikey_type type,
                             uint8_t *error)
{
    bool request = type == MIKEY_REQUEST_INIT_PSK;
    *error = MIKEY_ERR_DT;
    if (m->hdr.type != type)
        return TS_E_UNKNOWN;
    *error = MIKEY_ERR_UNSPECIFIED;
    if (!m->has_v || !m->has_t)
        return TS_E_MISSING;
    if (!(request ? m->has_tp : m->has_ticket))
        return TS_E_MISSING;
    if (!m->rand[request ? MIKEY_RAND_I : MIKEY_RAND_R].p)
        return TS_E_MISSING;
    if (m->hdr.n_cs != 0 || m->hdr.map_type != MIKEY_MAP_EMPTY)
        return TS_E_FORMAT; /* R13, R14, R99-R101 */
    return check_algorithms(m, error);
}

/* RANDRi in a Request, RANDRr in a Resolve (R147, R148). */
static void init_keys(const struct mikey_msg *m, struct ts_span psk,
                      struct mikey_protect *keys)
{
    bool request = m->hdr.type == MIKEY_REQUEST_INIT_PSK;
    mikey_protect_begin(keys, mikey_suite_prf(m->hdr.prf), psk, MIKEY_SEL_INIT,
                        m->hdr.csb, request ? m->rand[MIKEY_RAND_I] : none,
                        request ? none : m->rand[MIKEY_RAND_R]);
}

enum ts_err mikey_init_verify(const struct mikey_msg *m, struct ts_span psk,
                              struct ts_span self, struct ts_span kms,
                              struct mikey_protect *keys)
{
    bool request = m->hdr.type == MIKEY_REQUEST_INIT_PSK;
    const struct mikey_id *id = &m->idr[request ? MIKEY_IDR_I : MIKEY_IDR_R];
    MIKEY_UNSET struct mikey_hmac h;

    init_keys(m, psk, keys);
    mikey_protect_auth(keys, &h);
    if (id->data.p)
        self = id->data;
    if (m->idr[MIKEY_IDR_KMS].data.p)
        kms = m->idr[MIKEY_IDR_KMS].data;
    enum ts_err err = mikey_v_verify(m, keys->suite, &h, self, kms);
    ts_wipe(&h, sizeof h);
    return err ? TS_E_AUTH : TS_OK;
}

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
                               const struct mikey_msg *m, bool fork)
{
    bool request = init->hdr.type == MIKEY_REQUEST_INIT_PSK;
    if (m->hdr.csb != init->hdr.csb || m->hdr.prf != init->hdr.prf)
        return TS_E_MISMATCH; /* R31, R117, R183 */
    if (m->hdr.type == MIKEY_ERROR)
        return m->n_err ? TS_E_PEER : TS_E_MISSING;
    if (m->hdr.type != (request ? MIKEY_REQUEST_RESP : MIKEY_RESOLVE_RESP) ||
        !hdr_matches(&init->hdr, &m->hdr))
        return TS_E_MISMATCH;
    if (!m->has_t || !m->has_kemac || !m->has_v)
        return TS_E_MISSING;
    if (request)
        return m->has_ticket ? TS_OK : TS_E_MISSING;
    return fork ? mikey_fork_check(m) : TS_OK; /* R128 */
}

enum ts_err mikey_reply_open(const struct mikey_msg *init, struct ts_span raw,
                             struct ts_span psk, unsigned mpks,
                             struct mikey_reply *out)
{
    out->keys.n = out->keys.len = 0;
    enum ts_err err = mikey_msg_read(raw, &out->msg, NULL);
    if (!err)
        err = reply_check(init, &out->msg, mpks == 2);
    if (err)
        return err;

    struct mikey_protect keys;
    MIKEY_UNSET struct mikey_hmac h;
    struct mikey_cipher c;
    init_keys(init, psk, &keys);
    keys.selector = MIKEY_SEL_RESP;
    mikey_protect_auth(&keys, &h);
    err = mikey_v_verify(&out->msg, keys.suite, &h, init->raw, none);
    if (!err) {
        mikey_protect_cipher(&keys, &c);
        err = mikey_kemac_open(&out->msg.kemac, keys.suite, &c, init->hdr.csb,
                               out->msg.t.value, mpks, &out->keys);
        ts_wipe(&c, sizeof c);
    }
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
    return err;
}

enum ts_err mikey_error_verify(const struct mikey_msg *init,
                               const struct mikey_msg *error,
                               struct ts_span psk)
{
    if (!error->has_v)
        return TS_E_MISSING;
    struct mikey_protect keys;
    MIKEY_UNSET struct mikey_hmac h;
    init_keys(init, psk, &keys); /* R187: keys of the message in error */
    mikey_protect_auth(&keys, &h);
    enum ts_err err = mikey_v_verify(error, keys.suite, &h, none, none);
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
    return err;
}

void mikey_build_error(struct ts_writer *w, const struct mikey_error_new *in)
{
    /* R183, R184; AMB 9: no crypto sessions, Empty map */
    const struct mikey_hdr hdr = {
        .type = MIKEY_ERROR,
        .prf = in->about->prf,
        .csb = in->about->csb,
        .map_type = MIKEY_MAP_EMPTY,
    };
    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, in->t);
    mikey_build_payload(&b, MIKEY_ERR);
    ts_put_u8(w, in->no);
    ts_put_u16(w, 0);
    if (in->auth) {
        MIKEY_UNSET struct mikey_hmac h;
        mikey_protect_auth(in->auth, &h);
        mikey_build_v(&b, in->auth->suite, &h, none, none);
        ts_wipe(&h, sizeof h);
    }
}
