/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto sessions of RFC 3830: maps, policies and session keys (4.1.3,
 * 6.1.1, 6.10).
 */
#include "mikey/classic.h"

#define SRTP_ID_LEN 9

void mikey_put_srtp_id(struct ts_writer *w, uint8_t policy, uint32_t ssrc,
                       uint32_t roc)
{
    ts_put_u8(w, policy);
    ts_put_u32(w, ssrc);
    ts_put_u32(w, roc);
}

enum ts_err mikey_map_answer(const struct mikey_hdr *init, const uint32_t *ssrc,
                             size_t n, struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(init->map);
    size_t used = 0;
    if (init->map_type != MIKEY_MAP_SRTP) {
        ts_put_span(w, init->map);
        return n ? TS_E_RANGE : w->err;
    }
    for (unsigned i = 0; i < init->n_cs; i++) {
        uint8_t policy = ts_get_u8(&r);
        uint32_t theirs = ts_get_u32(&r);
        bool unknown = theirs == 0;
        if (unknown && used == n)
            return TS_E_RANGE;
        mikey_put_srtp_id(w, policy, unknown ? ssrc[used++] : theirs,
                          ts_get_u32(&r));
    }
    if (used != n)
        return TS_E_RANGE;
    return r.err ? r.err : w->err;
}

static bool srtp_id_fits(struct ts_span a, struct ts_span b)
{
    static const uint8_t unknown[4];
    if (a.p[0] != b.p[0]) /* policy */
        return false;
    return memcmp(a.p + 1, unknown, sizeof unknown) == 0 || ts_span_equal(a, b);
}

enum ts_err mikey_map_fits(const struct mikey_hdr *init,
                           const struct mikey_hdr *resp)
{
    struct ts_reader ri = ts_reader_span(init->map);
    struct ts_reader rr = ts_reader_span(resp->map);
    if (init->map_type != resp->map_type || init->n_cs != resp->n_cs)
        return TS_E_MISMATCH;
    if (init->map_type == MIKEY_MAP_EMPTY)
        return resp->map.n ? TS_E_MISMATCH : TS_OK;
    for (unsigned i = 0; i < init->n_cs; i++) {
        bool fits;
        if (init->map_type == MIKEY_MAP_SRTP) {
            struct ts_span a = ts_get_span(&ri, SRTP_ID_LEN);
            struct ts_span b = ts_get_span(&rr, SRTP_ID_LEN);
            fits = !ri.err && !rr.err && srtp_id_fits(a, b);
        } else {
            struct mikey_cs a, b;
            fits = !mikey_cs_read(&ri, &a) && !mikey_cs_read(&rr, &b) &&
                   a.id == b.id && a.prot == b.prot;
        }
        if (!fits)
            return TS_E_MISMATCH;
    }
    return ts_reader_end(&rr) ? TS_E_MISMATCH : TS_OK;
}

enum ts_err mikey_classic_cs(const struct mikey_hdr *hdr, uint8_t id,
                             struct mikey_cs *cs)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    for (unsigned i = 0; i < hdr->n_cs; i++)
        if (!mikey_map_next(hdr, i, &r, cs) && cs->id == id)
            return TS_OK;
    return TS_E_NOTFOUND;
}

enum ts_err mikey_classic_sp(const struct mikey_sp *sp, size_t n, uint8_t no,
                             struct mikey_srtp_policy *p)
{
    if (n == 0) {
        *p = mikey_srtp_usual(mikey_suite_bits(128)); /* SRTP's own defaults */
        return TS_OK;
    }
    for (size_t i = 0; i < n; i++)
        if (sp[i].no == no)
            return mikey_srtp_policy_read(&sp[i], p);
    return TS_E_NOTFOUND;
}

enum ts_err mikey_classic_policy(const struct mikey_msg *m,
                                 const struct mikey_cs *cs,
                                 struct mikey_srtp_policy *p)
{
    if (cs->prot != MIKEY_PROT_SRTP)
        return TS_E_UNSUPPORTED;
    if (m->n_sp && cs->policies.n == 0)
        return TS_E_NOTFOUND;
    return mikey_classic_sp(m->sp, m->n_sp,
                            cs->policies.n ? cs->policies.p[0] : 0, p);
}

enum ts_err mikey_classic_pick(const struct mikey_keys *keys,
                               struct ts_span spi, const struct mikey_key **k)
{
    if (keys->n == 0)
        return TS_E_NOTFOUND;
    for (size_t i = 0; i < keys->n && spi.n; i++) {
        *k = &keys->k[i];
        if ((*k)->kv == MIKEY_KV_SPI && ts_span_equal((*k)->spi, spi))
            return TS_OK;
    }
    *k = &keys->k[0];
    if (keys->n > 1)
        return spi.n ? TS_E_NOTFOUND : TS_E_UNSUPPORTED;
    return spi.n && (*k)->kv == MIKEY_KV_SPI ? TS_E_NOTFOUND : TS_OK;
}

static bool is_tek(const struct mikey_key *k)
{
    return k->type == MIKEY_TEK || k->type == MIKEY_TEK_SALT;
}

/* 4.1.3: a salt that came with the key is used. */
static enum ts_err session_salt(const struct mikey_classic_label *b,
                                const struct mikey_key *k, uint8_t cs,
                                struct ts_key *salt)
{
    if (k->salt.n) {
        if (k->salt.n != salt->len)
            return TS_E_UNSUPPORTED;
        memcpy(salt->b, k->salt.p, salt->len);
        return TS_OK;
    }
    if (salt->len == 0)
        return TS_OK;
    if (is_tek(k))
        return TS_E_UNSUPPORTED; /* nothing to derive one from */
    return mikey_classic_tek(b, k->key, MIKEY_USE_SALT, cs, salt->b, salt->len);
}

enum ts_err mikey_classic_session(const struct mikey_classic_label *b,
                                  const struct mikey_key *k, uint8_t cs,
                                  const struct mikey_srtp_policy *p,
                                  struct ts_key *key, struct ts_key *salt)
{
    enum ts_err err = TS_OK;
    key->len = salt->len = 0;
    if (p->encr_key < 16 || p->encr_key > TS_KEY_MAX || p->salt > TS_KEY_MAX)
        return TS_E_UNSUPPORTED;
    key->len = p->encr_key;
    salt->len = p->salt;
    if (!is_tek(k))
        err = mikey_classic_tek(b, k->key, MIKEY_USE_TEK, cs, key->b, key->len);
    else if (k->key.n == key->len)
        memcpy(key->b, k->key.p, key->len);
    else
        err = TS_E_UNSUPPORTED;
    if (!err)
        err = session_salt(b, k, cs, salt);
    if (err) {
        ts_key_wipe(key);
        ts_key_wipe(salt);
    }
    return err;
}
