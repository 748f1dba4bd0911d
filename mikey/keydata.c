/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/keydata.h"

static bool has_salt(uint8_t type)
{
    return type == MIKEY_TGK_SALT || type == MIKEY_TEK_SALT ||
           type == MIKEY_GTGK_SALT;
}

/*
 *  next payload(1)  Type(4 bits) KV(4)  Key data len(2)  Key data
 *  [Salt len(2)  Salt data]  [SPI len(1)  SPI | VF len(1) VF  VT len(1) VT]
 */
static uint8_t key_read(struct ts_reader *r, struct mikey_key *k)
{
    uint8_t next = ts_get_u8(r);
    uint8_t type = ts_get_u8(r);
    *k = (struct mikey_key){.type = type >> 4, .kv = type & 0x0f};
    if (k->type > MIKEY_MPK)
        ts_reader_fail(r, TS_E_UNKNOWN);
    k->key = ts_get_span(r, ts_get_u16(r));
    if (has_salt(k->type))
        k->salt = ts_get_span(r, ts_get_u16(r));
    mikey_kv_read(r, k->kv, &k->spi, &k->from, &k->to);
    return next;
}

enum ts_err mikey_keys_read(struct ts_span plain, struct mikey_keys *keys)
{
    struct ts_reader r = ts_reader_span(plain);
    uint8_t next = MIKEY_KEY_DATA;

    for (keys->n = 0; next == MIKEY_KEY_DATA && !r.err; keys->n++) {
        if (keys->n == MIKEY_KEYS_MAX)
            return TS_E_UNSUPPORTED;
        next = key_read(&r, &keys->k[keys->n]);
    }
    if (!r.err && next != MIKEY_LAST)
        return TS_E_UNKNOWN;
    return ts_reader_end(&r);
}

/* MPKs first and nowhere else; lengths; an SPI each. */
static enum ts_err check_keys(const struct mikey_keys *keys, unsigned mpks)
{
    if (keys->n < mpks)
        return TS_E_FORMAT;
    for (size_t i = 0; i < keys->n; i++) {
        const struct mikey_key *k = &keys->k[i];
        if ((k->type == MIKEY_MPK) != (i < mpks))
            return TS_E_FORMAT; /* AMB 15: the order tells which is which */
        if (k->kv != MIKEY_KV_SPI || k->spi.n == 0)
            return TS_E_FORMAT; /* R213 */
        if (k->key.n < 16 || k->key.n > TS_KEY_MAX)
            return TS_E_UNSUPPORTED; /* R271 */
        for (size_t j = mpks; j < i; j++)
            if (ts_span_equal(k->spi, keys->k[j].spi))
                return TS_E_FORMAT; /* AMB 14: an SPI names one key */
    }
    return TS_OK;
}

enum ts_err mikey_kemac_open(const struct mikey_kemac *kemac,
                             const struct mikey_suite *suite,
                             const struct mikey_cipher *c, uint32_t csb,
                             uint64_t t, unsigned mpks, struct mikey_keys *keys)
{
    keys->n = keys->len = 0;
    if (kemac->encr != suite->encr || kemac->mac_alg != MIKEY_AUTH_NULL)
        return TS_E_UNSUPPORTED;
    if (kemac->data.n > sizeof keys->plain)
        return TS_E_UNSUPPORTED;
    keys->len = kemac->data.n;
    if (keys->len)
        memcpy(keys->plain, kemac->data.p, keys->len);
    mikey_aes_cm(ts_span(c->key, suite->encr_key), c->salt, csb, t, keys->plain,
                 keys->len);
    enum ts_err err = mikey_keys_read(ts_span(keys->plain, keys->len), keys);
    if (!err)
        err = check_keys(keys, mpks);
    if (err)
        mikey_keys_wipe(keys);
    return err;
}

void mikey_keys_wipe(struct mikey_keys *keys)
{
    ts_wipe(keys->plain, keys->len);
    keys->n = keys->len = 0;
}

void mikey_put_key(struct ts_writer *w, const struct mikey_key *k, bool last)
{
    ts_put_u8(w, last ? MIKEY_LAST : MIKEY_KEY_DATA);
    ts_put_u8(w, (unsigned)k->type << 4 | MIKEY_KV_SPI);
    ts_put_u16(w, (unsigned)k->key.n);
    ts_put_span(w, k->key);
    if (has_salt(k->type)) {
        ts_put_u16(w, (unsigned)k->salt.n);
        ts_put_span(w, k->salt);
    }
    ts_put_u8(w, (unsigned)k->spi.n);
    ts_put_span(w, k->spi);
}

size_t mikey_kemac_begin(struct mikey_build *b, uint8_t encr)
{
    mikey_build_payload(b, MIKEY_KEMAC);
    ts_put_u8(b->w, encr);
    return ts_open_u16(b->w);
}

void mikey_kemac_end(struct mikey_build *b, size_t mark,
                     const struct mikey_suite *suite,
                     const struct mikey_cipher *c, uint32_t csb, uint64_t t)
{
    struct ts_writer *w = b->w;
    if (c && !w->err)
        mikey_aes_cm(ts_span(c->key, suite->encr_key), c->salt, csb, t,
                     w->buf + mark, w->len - mark);
    ts_close_u16(w, mark);
    ts_put_u8(w, MIKEY_AUTH_NULL);
}
