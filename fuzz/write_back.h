/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read, written again by libmikey's builders: the octets must be the
 * same. Signatures and envelope keys are whatever the payload holds.
 */
#ifndef FUZZ_WRITE_BACK_H
#define FUZZ_WRITE_BACK_H

#include "fuzz/mikey.h"

/** Signs with the octets that arg is a view of. */
static inline enum ts_err sign_as(void *arg, const struct ts_span *parts,
                                  size_t n, uint8_t *sig)
{
    const struct ts_span *as = arg;
    (void)parts;
    (void)n;
    if (as->n)
        memcpy(sig, as->p, as->n);
    return TS_OK;
}

/** Encrypts to the octets that arg is a view of. */
static inline enum ts_err seal_as(void *arg, struct ts_span env_key,
                                  uint8_t *out)
{
    (void)env_key;
    return sign_as(arg, NULL, 0, out);
}

/** PKE with its octets as the sealer's. */
static inline void write_pke(struct mikey_build *b, struct mikey_pke pke)
{
    const struct mikey_sealer sealer = {
        .arg = &pke.data, .len = (uint16_t)pke.data.n, .seal = seal_as};
    mikey_build_pke(b, (enum mikey_pke_cache)pke.c, &sealer, ts_span("", 0));
}

/** SIGN with its octets as the signer's. */
static inline void write_sign(struct mikey_build *b, struct mikey_sign sign)
{
    const struct mikey_signer signer = {.arg = &sign.data,
                                        .s_type = sign.type,
                                        .len = (uint16_t)sign.data.n,
                                        .sign = sign_as};
    mikey_build_sign(b, &signer, ts_span("", 0), ts_span("", 0));
}

/** KEMAC as a request has it: not encrypted, and its MAC is NULL (R237). */
static inline void write_kemac(struct mikey_build *b,
                               const struct mikey_kemac *kemac)
{
    size_t mark = mikey_kemac_begin(b, kemac->encr);
    ts_put_span(b->w, kemac->data);
    mikey_kemac_end(b, mark, NULL, NULL, 0, 0);
}

/** V with its MAC, of the suite that has such a one. */
static inline void write_v(struct mikey_build *b, const struct mikey_v *v)
{
    uint8_t *mac = mikey_build_v_room(
        b, mikey_suite_bits(v->alg == MIKEY_AUTH_SHA1 ? 128 : 256));
    if (mac)
        memcpy(mac, v->mac.p, v->mac.n);
}

/** Of the payloads that stand in a chain of their own in some builder. */
static inline bool write_small(struct mikey_build *b,
                               const struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_T:
        mikey_build_t(b, p->u.t);
        return true;
    case MIKEY_TR:
        mikey_build_tr(b, p->u.tr.role, p->u.tr.t);
        return true;
    case MIKEY_IDR:
        mikey_build_idr(b, p->u.id.role, p->u.id);
        return true;
    case MIKEY_CERT:
        mikey_build_cert(b, &p->u.id);
        return true;
    case MIKEY_CHASH:
        mikey_build_chash(b, &p->u.chash);
        return true;
    case MIKEY_RAND:
        mikey_build_rand(b, 0, p->u.rand.data);
        return true;
    case MIKEY_RANDR: /* role 0 is reserved: the builder takes it for a RAND */
        if (p->u.rand.role)
            mikey_build_rand(b, p->u.rand.role, p->u.rand.data);
        return p->u.rand.role;
    case MIKEY_SP:
        mikey_build_sp(b, &p->u.sp);
        return true;
    default:
        return false;
    }
}

/** False for what libmikey has no builder for. */
static inline bool write_payload(struct mikey_build *b,
                                 const struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_KEMAC:
        write_kemac(b, &p->u.kemac);
        return p->u.kemac.mac_alg == MIKEY_AUTH_NULL;
    case MIKEY_PKE:
        write_pke(b, p->u.pke);
        return p->u.pke.data.n <= MIKEY_PKE_MAX;
    case MIKEY_SIGN:
        write_sign(b, p->u.sign);
        return p->u.sign.data.n <= MIKEY_SIGN_MAX;
    case MIKEY_V:
        if (p->u.v.alg != MIKEY_AUTH_NULL)
            write_v(b, &p->u.v);
        return p->u.v.alg != MIKEY_AUTH_NULL;
    case MIKEY_EXT:
        mikey_build_sdp_ids(b, p->u.ext.data);
        return p->u.ext.type == MIKEY_EXT_SDP_IDS;
    case MIKEY_TICKET:
        mikey_build_ticket_as(b, &p->u.ticket, p->u.ticket.init);
        return true;
    default:
        return write_small(b, p);
    }
}

/** Write a payload again, if we can; it is the same but for what follows. */
static inline void must_write_back(const struct mikey_payload *p)
{
    static uint8_t buf[70000];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct mikey_build b = mikey_build_first(&w);
    size_t skip = p->type == MIKEY_SIGN ? 0 : 1; /* next payload octet */
    if (!write_payload(&b, p))
        return;
    MUST_HOLD(!w.err && w.len == 1 + p->body.n);
    MUST_HOLD(buf[0] == p->type);
    MUST_HOLD(memcmp(buf + 1 + skip, p->body.p + skip, p->body.n - skip) == 0);
}

#endif
