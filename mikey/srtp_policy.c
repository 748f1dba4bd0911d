/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The security policy of SRTP: TLVs of an SP (RFC 3830 6.10.1; RFC 4771, 5748,
 * 7714, 8269).
 */
#include "mikey/srtp.h"

#define BIT(type) (UINT32_C(1) << (type))

/* Bytes of the ROC that RFC 4771 puts into the tag. */
#define ROC_LEN 4

static const struct mikey_srtp_policy defaults = {
    .encr_alg = MIKEY_SRTP_AES_CM,
    .encr_key = 16,
    .auth_alg = MIKEY_SRTP_HMAC_SHA1,
    .auth_key = 20,
    .salt = 14,
    .srtp_encr = true,
    .srtcp_encr = true,
    .srtp_auth = true,
    .tag = 10,
    .roc_rate = 1,
    .aead_tag = 16,
};

struct mikey_srtp_policy mikey_srtp_aes_cm(uint8_t key_len)
{
    struct mikey_srtp_policy p = defaults;
    p.encr_key = key_len;
    p.srtcp_auth_alg = p.auth_alg;
    p.srtcp_auth_key = p.auth_key;
    p.srtcp_tag = p.tag;
    p.set = (BIT(MIKEY_SP_PREFIX + 1) - 1) & ~BIT(MIKEY_SP_FEC);
    return p;
}

struct mikey_srtp_policy mikey_srtp_usual(const struct mikey_suite *suite)
{
    return mikey_srtp_aes_cm(suite->encr_key); /* R279 */
}

struct mikey_srtp_policy mikey_srtp_aes_gcm(uint8_t key_len)
{
    struct mikey_srtp_policy p = mikey_srtp_aes_cm(key_len);
    p.encr_alg = MIKEY_SRTP_AES_GCM;
    p.salt = 12;
    p.auth_alg = p.srtcp_auth_alg = MIKEY_SRTP_AUTH_NULL;
    p.auth_key = p.srtcp_auth_key = p.tag = p.srtcp_tag = 0;
    p.set &= ~(BIT(MIKEY_SP_AUTH_ALG) | BIT(MIKEY_SP_AUTH_KEY) |
               BIT(MIKEY_SP_SRTP_AUTH) | BIT(MIKEY_SP_TAG));
    p.set |= BIT(MIKEY_SP_AEAD_TAG);
    return p;
}

struct mikey_srtp_policy mikey_srtp_gcm(const struct mikey_suite *suite)
{
    return mikey_srtp_aes_gcm(suite->encr_key);
}

bool mikey_srtp_is_aead(uint8_t alg)
{
    return alg == MIKEY_SRTP_SEED_CCM || alg == MIKEY_SRTP_SEED_GCM ||
           alg == MIKEY_SRTP_AES_GCM || alg == MIKEY_SRTP_ARIA_GCM;
}

/* ---- one parameter ---- */

/* Where the value of a type stands, and how it looks. */
enum shape { OCTET, SWITCH, KDR, ROC_RATE };

static const struct {
    enum shape shape;
    size_t at; /* in struct mikey_srtp_policy */
} params[MIKEY_SP_PARAMS] = {
#define PARAM(type, shape, field)                                              \
    [type] = {shape, offsetof(struct mikey_srtp_policy, field)}
    PARAM(MIKEY_SP_ENCR_ALG, OCTET, encr_alg),
    PARAM(MIKEY_SP_ENCR_KEY, OCTET, encr_key),
    PARAM(MIKEY_SP_AUTH_ALG, OCTET, auth_alg),
    PARAM(MIKEY_SP_AUTH_KEY, OCTET, auth_key),
    PARAM(MIKEY_SP_SALT, OCTET, salt),
    PARAM(MIKEY_SP_PRF, OCTET, prf),
    PARAM(MIKEY_SP_KDR, KDR, kdr),
    PARAM(MIKEY_SP_SRTP_ENCR, SWITCH, srtp_encr),
    PARAM(MIKEY_SP_SRTCP_ENCR, SWITCH, srtcp_encr),
    PARAM(MIKEY_SP_FEC, OCTET, fec),
    PARAM(MIKEY_SP_SRTP_AUTH, SWITCH, srtp_auth),
    PARAM(MIKEY_SP_TAG, OCTET, tag),
    PARAM(MIKEY_SP_PREFIX, OCTET, prefix),
    PARAM(MIKEY_SP_ROC_RATE, ROC_RATE, roc_rate),
    PARAM(MIKEY_SP_SRTP_AUTH_ALG, OCTET, auth_alg),
    PARAM(MIKEY_SP_SRTCP_AUTH_ALG, OCTET, srtcp_auth_alg),
    PARAM(MIKEY_SP_SRTP_AUTH_KEY, OCTET, auth_key),
    PARAM(MIKEY_SP_SRTCP_AUTH_KEY, OCTET, srtcp_auth_key),
    PARAM(MIKEY_SP_SRTP_TAG, OCTET, tag),
    PARAM(MIKEY_SP_SRTCP_TAG, OCTET, srtcp_tag),
    PARAM(MIKEY_SP_AEAD_TAG, OCTET, aead_tag),
#undef PARAM
};

/* AMB 11: a key derivation rate of one to four octets. */
static bool length_ok(enum shape shape, size_t n)
{
    switch (shape) {
    case KDR:
        return n >= 1 && n <= 4;
    case ROC_RATE:
        return n == 2;
    default:
        return n == 1;
    }
}

static enum ts_err take_param(struct mikey_srtp_policy *p, uint8_t type,
                              struct ts_span v)
{
    if (type >= MIKEY_SP_PARAMS)
        return TS_E_UNSUPPORTED;
    enum shape shape = params[type].shape;
    if (!length_ok(shape, v.n))
        return TS_E_FORMAT;
    uint32_t value = 0;
    for (size_t i = 0; i < v.n; i++)
        value = value << 8 | v.p[i];
    if ((shape == SWITCH && value > 1) || (shape == ROC_RATE && value == 0))
        return TS_E_FORMAT;
    char *to = (char *)p + params[type].at;
    switch (shape) {
    case OCTET:
        *(uint8_t *)to = (uint8_t)value;
        break;
    case SWITCH:
        *(bool *)to = value;
        break;
    case KDR:
        p->kdr = value;
        break;
    case ROC_RATE:
        p->roc_rate = (uint16_t)value;
        break;
    }
    return TS_OK;
}

/* ---- all of them ---- */

static bool has(const struct mikey_srtp_policy *p, unsigned type)
{
    return p->set & BIT(type);
}

/* Where SRTCP has no value of its own, it has that of both (RFC 4771). */
static void share(const struct mikey_srtp_policy *general,
                  struct mikey_srtp_policy *p)
{
    if (!has(p, MIKEY_SP_SRTCP_AUTH_ALG))
        p->srtcp_auth_alg = general->auth_alg;
    if (!has(p, MIKEY_SP_SRTCP_AUTH_KEY))
        p->srtcp_auth_key = general->auth_key;
    if (!has(p, MIKEY_SP_SRTCP_TAG))
        p->srtcp_tag = general->tag;
}

static bool is_rcc(uint8_t alg)
{
    return alg >= MIKEY_SRTP_RCC_M1 && alg <= MIKEY_SRTP_RCC_M3;
}

static bool tag_holds_roc(uint8_t alg, uint8_t tag)
{
    if (alg == MIKEY_SRTP_RCC_M3)
        return tag == ROC_LEN;
    return !is_rcc(alg) || tag >= ROC_LEN;
}

static enum ts_err check(struct mikey_srtp_policy *p)
{
    bool aria = p->encr_alg == MIKEY_SRTP_ARIA_CTR ||
                p->encr_alg == MIKEY_SRTP_ARIA_GCM;
    if (aria && p->prf != MIKEY_SRTP_PRF_ARIA_CTR)
        return TS_E_MISMATCH; /* RFC 8269 */
    if (p->encr_alg == MIKEY_SRTP_AES_GCM && p->prf != MIKEY_SRTP_PRF_AES_CM)
        return TS_E_MISMATCH; /* RFC 7714 */
    if (mikey_srtp_is_aead(p->encr_alg)) {
        if (!has(p, MIKEY_SP_SALT))
            p->salt = 12;
        if (p->salt != 12)
            return TS_E_MISMATCH;
        p->auth_alg = p->srtcp_auth_alg = MIKEY_SRTP_AUTH_NULL;
        p->auth_key = p->srtcp_auth_key = p->tag = p->srtcp_tag = 0;
    }
    return tag_holds_roc(p->auth_alg, p->tag) &&
                   tag_holds_roc(p->srtcp_auth_alg, p->srtcp_tag)
               ? TS_OK
               : TS_E_MISMATCH;
}

/* type(1)  length(1)  value, again and again. What is for SRTP alone wins over
 * what is for both, whichever stands first; so it is read in a second round. */
static enum ts_err take_all(struct ts_span all, bool specific,
                            struct mikey_srtp_policy *p)
{
    struct ts_reader r = ts_reader_span(all);
    while (ts_reader_left(&r)) {
        uint8_t type = ts_get_u8(&r);
        struct ts_span v = ts_get_span(&r, ts_get_u8(&r));
        bool apart =
            type >= MIKEY_SP_SRTP_AUTH_ALG && type <= MIKEY_SP_SRTCP_TAG;
        if (r.err)
            break;
        if (apart != specific)
            continue;
        enum ts_err err = take_param(p, type, v);
        if (err)
            return err;
        if (has(p, type))
            return TS_E_DUPLICATE;
        p->set |= BIT(type);
    }
    return ts_reader_end(&r);
}

enum ts_err mikey_srtp_policy_read(const struct mikey_sp *sp,
                                   struct mikey_srtp_policy *p)
{
    *p = defaults;
    if (sp->prot != MIKEY_PROT_SRTP)
        return TS_E_UNSUPPORTED;
    enum ts_err err = take_all(sp->params, false, p);
    const struct mikey_srtp_policy general = *p;
    if (!err)
        err = take_all(sp->params, true, p);
    if (err)
        return err;
    share(&general, p);
    return check(p);
}

static uint32_t value_of(const struct mikey_srtp_policy *p, unsigned type)
{
    const char *from = (const char *)p + params[type].at;
    switch (params[type].shape) {
    case OCTET:
        return *(const uint8_t *)from;
    case SWITCH:
        return *(const bool *)from;
    case KDR:
        return p->kdr;
    default:
        return p->roc_rate;
    }
}

bool mikey_srtp_policy_equal(const struct mikey_srtp_policy *a,
                             const struct mikey_srtp_policy *b)
{
    for (unsigned type = 0; type < MIKEY_SP_PARAMS; type++)
        if (value_of(a, type) != value_of(b, type))
            return false;
    return true;
}

/* What is for both is SRTCP's alone where SRTP has a value of its own. */
static uint32_t general_value(const struct mikey_srtp_policy *p, unsigned type)
{
    if (type == MIKEY_SP_AUTH_ALG && has(p, MIKEY_SP_SRTP_AUTH_ALG))
        return p->srtcp_auth_alg;
    if (type == MIKEY_SP_AUTH_KEY && has(p, MIKEY_SP_SRTP_AUTH_KEY))
        return p->srtcp_auth_key;
    if (type == MIKEY_SP_TAG && has(p, MIKEY_SP_SRTP_TAG))
        return p->srtcp_tag;
    return value_of(p, type);
}

static unsigned width_of(unsigned type, uint32_t value)
{
    if (params[type].shape == ROC_RATE)
        return 2;
    unsigned n = 1; /* AMB 11: one octet where it fits */
    while (n < 4 && value >> 8 * n)
        n++;
    return n;
}

void mikey_srtp_policy_write(struct ts_writer *w,
                             const struct mikey_srtp_policy *p)
{
    if (p->set >> MIKEY_SP_PARAMS)
        ts_writer_fail(w, TS_E_RANGE);
    for (unsigned type = 0; type < MIKEY_SP_PARAMS; type++) {
        if (!has(p, type))
            continue;
        uint32_t value = general_value(p, type);
        unsigned n = width_of(type, value);
        ts_put_u8(w, type);
        ts_put_u8(w, n);
        while (n--)
            ts_put_u8(w, value >> 8 * n & 0xff);
    }
}
