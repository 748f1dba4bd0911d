/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crypto sessions, and the keys that SRTP gets for them.
 */
#include "mikey/srtp.h"

void mikey_put_cs(struct ts_writer *w, const struct mikey_cs *cs)
{
    if (cs->policies.n > 127 || cs->session.n > 0xffff || cs->spi.n > 255)
        ts_writer_fail(w, TS_E_RANGE);
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
    if (mikey_is_tek(k)) /* nothing to derive a salt from */
        return n ? TS_E_UNSUPPORTED : TS_OK;
    mikey_derive_tek(tgk, base->prf, MIKEY_USE_SALT, cs, base->rand_i,
                     base->rand_r, salt, n);
    return TS_OK;
}

enum ts_err mikey_srtp_keys(const struct mikey_keys *keys, struct ts_span spi,
                            uint8_t cs, const struct mikey_tek_base *base,
                            uint8_t *key, size_t key_len, uint8_t *salt,
                            size_t salt_len)
{
    const struct mikey_key *k = mikey_keys_find(keys, spi);
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
