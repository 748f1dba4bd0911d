/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/srtp.h"

enum { /* SRTP parameter types */
       P_ENCR_ALG = 0,
       P_ENCR_KEY = 1,
       P_AUTH_ALG = 2,
       P_AUTH_KEY = 3,
       P_SALT = 4,
       P_PRF = 5,
       P_KDR = 6,
       P_SRTP_ENCR = 7,
       P_SRTCP_ENCR = 8,
       P_FEC = 9,
       P_SRTP_AUTH = 10,
       P_TAG = 11,
       P_PREFIX = 12,
};

static const struct mikey_srtp_policy defaults = {
    .encr_alg = 1,
    .encr_key = 16,
    .auth_alg = 1,
    .auth_key = 20,
    .salt = 14,
    .srtp_encr = true,
    .srtcp_encr = true,
    .srtp_auth = true,
    .tag = 10,
};

struct mikey_srtp_policy mikey_srtp_usual(const struct mikey_suite *suite)
{
    struct mikey_srtp_policy p = defaults;
    p.encr_key = suite->encr_key; /* R279 */
    return p;
}

static enum ts_err set_switch(bool *to, struct ts_span v)
{
    if (v.n != 1 || v.p[0] > 1)
        return TS_E_FORMAT;
    *to = v.p[0];
    return TS_OK;
}

static enum ts_err set_octet(uint8_t *to, struct ts_span v)
{
    if (v.n != 1)
        return TS_E_FORMAT;
    *to = v.p[0];
    return TS_OK;
}

/* AMB 11: one to four octets */
static enum ts_err set_kdr(uint32_t *to, struct ts_span v)
{
    if (v.n < 1 || v.n > 4)
        return TS_E_FORMAT;
    *to = 0;
    for (size_t i = 0; i < v.n; i++)
        *to = *to << 8 | v.p[i];
    return TS_OK;
}

static enum ts_err take_param(struct mikey_srtp_policy *p, uint8_t type,
                              struct ts_span v)
{
    switch (type) {
    case P_ENCR_ALG:
        return set_octet(&p->encr_alg, v);
    case P_ENCR_KEY:
        return set_octet(&p->encr_key, v);
    case P_AUTH_ALG:
        return set_octet(&p->auth_alg, v);
    case P_AUTH_KEY:
        return set_octet(&p->auth_key, v);
    case P_SALT:
        return set_octet(&p->salt, v);
    case P_PRF:
        return set_octet(&p->prf, v);
    case P_KDR:
        return set_kdr(&p->kdr, v);
    case P_SRTP_ENCR:
        return set_switch(&p->srtp_encr, v);
    case P_SRTCP_ENCR:
        return set_switch(&p->srtcp_encr, v);
    case P_FEC:
        return set_octet(&p->fec, v);
    case P_SRTP_AUTH:
        return set_switch(&p->srtp_auth, v);
    case P_TAG:
        return set_octet(&p->tag, v);
    case P_PREFIX:
        return set_octet(&p->prefix, v);
    default:
        return TS_E_UNSUPPORTED;
    }
}

/* type(1)  length(1)  value, again and again */
enum ts_err mikey_srtp_policy_read(const struct mikey_sp *sp,
                                   struct mikey_srtp_policy *p)
{
    *p = defaults;
    if (sp->prot != MIKEY_PROT_SRTP)
        return TS_E_UNSUPPORTED;
    struct ts_reader r = ts_reader_span(sp->params);
    uint32_t seen = 0;
    while (ts_reader_left(&r)) {
        uint8_t type = ts_get_u8(&r);
        struct ts_span v = ts_get_span(&r, ts_get_u8(&r));
        if (r.err)
            break;
        enum ts_err err = take_param(p, type, v);
        if (err)
            return err;
        if (seen & 1u << type)
            return TS_E_DUPLICATE;
        seen |= 1u << type;
    }
    return ts_reader_end(&r);
}

void mikey_srtp_policy_write(struct ts_writer *w,
                             const struct mikey_srtp_policy *p)
{
    const struct {
        uint8_t type, value;
    } octets[] = {
        {P_ENCR_ALG, p->encr_alg},
        {P_ENCR_KEY, p->encr_key},
        {P_AUTH_ALG, p->auth_alg},
        {P_AUTH_KEY, p->auth_key},
        {P_SALT, p->salt},
        {P_PRF, p->prf},
        {P_KDR, (uint8_t)p->kdr},
        {P_SRTP_ENCR, p->srtp_encr},
        {P_SRTCP_ENCR, p->srtcp_encr},
        {P_SRTP_AUTH, p->srtp_auth},
        {P_TAG, p->tag},
        {P_PREFIX, p->prefix},
    };
    if (p->kdr > 0xff)
        ts_writer_fail(w, TS_E_RANGE);
    for (size_t i = 0; i < sizeof octets / sizeof octets[0]; i++) {
        ts_put_u8(w, octets[i].type);
        ts_put_u8(w, 1);
        ts_put_u8(w, octets[i].value);
    }
}

void mikey_put_cs(struct ts_writer *w, const struct mikey_cs *cs)
{
    ts_put_u8(w, cs->id);
    ts_put_u8(w, cs->prot);
    ts_put_u8(w, (cs->s ? 0x80u : 0) | (unsigned)cs->policies.n);
    ts_put_span(w, cs->policies);
    ts_put_u16(w, (unsigned)cs->session.n);
    ts_put_span(w, cs->session);
    ts_put_u8(w, (unsigned)cs->spi.n);
    ts_put_span(w, cs->spi);
}

enum ts_err mikey_cs_find(const struct mikey_hdr *hdr, uint8_t id,
                          struct mikey_cs *cs)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    if (hdr->map_type != MIKEY_MAP_GENERIC)
        return TS_E_NOTFOUND;
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        enum ts_err err = mikey_cs_read(&r, cs);
        if (err)
            return err;
        if (cs->id == id)
            return TS_OK;
    }
    return TS_E_NOTFOUND;
}

static const struct mikey_key *find_key(const struct mikey_keys *keys,
                                        struct ts_span spi)
{
    for (size_t i = 0; i < keys->n; i++)
        if (keys->k[i].type != MIKEY_MPK && ts_span_equal(keys->k[i].spi, spi))
            return &keys->k[i];
    return NULL;
}

/* R153, R154: a salt that came with the key is used and none derived. */
static enum ts_err session_salt(const struct mikey_key *k,
                                const struct ts_key *tgk, uint8_t cs,
                                const struct mikey_tek_base *base,
                                uint8_t *salt, size_t n)
{
    if (k->salt.n) {
        if (k->salt.n != n)
            return TS_E_UNSUPPORTED;
        memcpy(salt, k->salt.p, n);
        return TS_OK;
    }
    if (k->type == MIKEY_TEK)
        return TS_E_UNSUPPORTED; /* nothing to derive a salt from */
    mikey_derive_tek(tgk, base->prf, MIKEY_USE_SALT, cs, base->rand_i,
                     base->rand_r, salt, n);
    return TS_OK;
}

enum ts_err mikey_srtp_keys(const struct mikey_keys *keys, struct ts_span spi,
                            uint8_t cs, const struct mikey_tek_base *base,
                            uint8_t *key, size_t key_len, uint8_t *salt,
                            size_t salt_len)
{
    const struct mikey_key *k = find_key(keys, spi);
    struct ts_key tgk;
    if (!k)
        return TS_E_NOTFOUND;
    enum ts_err err = ts_key_set(&tgk, k->key);
    if (err)
        return err;
    if (k->type == MIKEY_TEK || k->type == MIKEY_TEK_SALT) {
        if (k->key.n == key_len)
            memcpy(key, k->key.p, key_len);
        else
            err = TS_E_UNSUPPORTED;
    } else {
        mikey_derive_tek(&tgk, base->prf, MIKEY_USE_TEK, cs, base->rand_i,
                         base->rand_r, key, key_len);
    }
    if (!err)
        err = session_salt(k, &tgk, cs, base, salt, salt_len);
    ts_key_wipe(&tgk);
    return err;
}
