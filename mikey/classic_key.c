/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and KEMACs as RFC 3830 itself has them: labels of the CSB ID and RAND
 * with neither selector nor lengths (4.1.3, 4.1.4), keys with any KV, a MAC of
 * the KEMAC's own (5.2, 6.2), AES-KW (4.2.3).
 */
#include "mikey/classic_in.h"

/* mikey-ticket.md 3.2; 4.1.3, 4.1.4 */
enum {
    C_TEK = 0x2AD01C64,
    C_TEK_AUTH = 0x1B5C7973,
    C_TEK_ENCR = 0x15798CEF,
    C_TEK_SALT = 0x39A2C14B,
    C_ENCR = 0x150533E1,
    C_AUTH = 0x2D22AC75,
    C_SALT = 0x29B88916,
};

#define NO_CS    0xff
#define RAND_MAX 255
#define KW_MORE  8 /* bytes that AES-KW adds */

/* PRF(key, constant(4) || CS ID(1) || CSB ID(4) || RAND, n) */
static void derive(struct mikey_prf *prf, const struct mikey_classic_label *b,
                   uint32_t constant, uint8_t cs, uint8_t *out, size_t n)
{
    uint8_t label[4 + 1 + 4 + RAND_MAX];
    struct ts_writer w = ts_writer_init(label, sizeof label);
    ts_put_u32(&w, constant);
    ts_put_u8(&w, cs);
    ts_put_u32(&w, b->csb);
    ts_put_span(&w, b->rand);
    mikey_prf(prf, ts_written(&w), out, n);
}

struct mikey_classic_label mikey_classic_label_of(const struct mikey_msg *first)
{
    return (struct mikey_classic_label){first->hdr.prf, first->hdr.csb,
                                        first->rand[0]};
}

enum ts_err mikey_classic_tek(const struct mikey_classic_label *b,
                              struct ts_span tgk, enum mikey_tek_use use,
                              uint8_t cs, uint8_t *out, size_t n)
{
    static const uint32_t constants[] = {C_TEK, C_TEK_AUTH, C_TEK_ENCR,
                                         C_TEK_SALT};
    struct mikey_prf prf;
    uint8_t more[255] = {0};
    if (!mikey_suite_prf(b->prf))
        return TS_E_UNSUPPORTED;
    if (tgk.n == 0 || tgk.n > MIKEY_TGK_MAX || n > sizeof more ||
        b->rand.n > RAND_MAX)
        return TS_E_RANGE;
    /* The PRF adds up what it makes of each 256 bits of its key (4.1.2), so a
       key that is too long for it at once can be given piece by piece. */
    for (size_t at = 0; at < tgk.n; at += TS_KEY_MAX) {
        size_t piece = tgk.n - at < TS_KEY_MAX ? tgk.n - at : TS_KEY_MAX;
        mikey_prf_key(&prf, b->prf, ts_span(tgk.p + at, piece));
        derive(&prf, b, constants[use], cs, at ? more : out, n);
        mikey_prf_wipe(&prf);
        for (size_t i = 0; at && i < n; i++)
            out[i] ^= more[i];
    }
    ts_wipe(more, n);
    return TS_OK;
}

enum ts_err mikey_guard_begin(struct mikey_guard *g,
                              const struct mikey_classic_label *b,
                              struct ts_span secret, bool need)
{
    g->prf.n = 0;
    g->bundle = *b;
    g->suite = mikey_suite_prf(b->prf);
    if (!g->suite)
        return TS_E_UNSUPPORTED;
    if (secret.n > TS_KEY_MAX || b->rand.n > RAND_MAX)
        return TS_E_RANGE;
    if (secret.n == 0)
        return need ? TS_E_RANGE : TS_OK;
    mikey_prf_key(&g->prf, b->prf, secret);
    return TS_OK;
}

void mikey_guard_auth(struct mikey_guard *g, struct mikey_hmac *h)
{
    uint8_t key[MIKEY_MAC_MAX];
    derive(&g->prf, &g->bundle, C_AUTH, NO_CS, key, g->suite->auth_key);
    mikey_hmac_key(h, g->suite->auth, ts_span(key, g->suite->auth_key));
    ts_wipe(key, sizeof key);
}

void mikey_guard_cipher(struct mikey_guard *g, struct mikey_cipher *c)
{
    derive(&g->prf, &g->bundle, C_ENCR, NO_CS, c->key, g->suite->encr_key);
    /* AES-KW uses the first 64 bits: a longer output begins like a shorter */
    derive(&g->prf, &g->bundle, C_SALT, NO_CS, c->salt, sizeof c->salt);
}

void mikey_guard_end(struct mikey_guard *g)
{
    mikey_prf_wipe(&g->prf);
}

static bool has_salt(uint8_t type)
{
    return type == MIKEY_TGK_SALT || type == MIKEY_TEK_SALT;
}

static void put_sized8(struct ts_writer *w, struct ts_span s)
{
    size_t mark = ts_open_u8(w);
    ts_put_span(w, s);
    ts_close_u8(w, mark);
}

static void put_sized16(struct ts_writer *w, struct ts_span s)
{
    size_t mark = ts_open_u16(w);
    ts_put_span(w, s);
    ts_close_u16(w, mark);
}

/* 6.13: TGK and TEK, and each KV */
static void put_key(struct ts_writer *w, const struct mikey_key *k, bool last)
{
    if (k->type > MIKEY_TEK_SALT || k->kv > MIKEY_KV_INTERVAL ||
        k->key.n < 16 || k->key.n > TS_KEY_MAX)
        ts_writer_fail(w, TS_E_RANGE);
    ts_put_u8(w, last ? MIKEY_LAST : MIKEY_KEY_DATA);
    ts_put_u8(w, (unsigned)k->type << 4 | k->kv);
    put_sized16(w, k->key);
    if (has_salt(k->type))
        put_sized16(w, k->salt);
    if (k->kv == MIKEY_KV_SPI) {
        put_sized8(w, k->spi);
    } else if (k->kv == MIKEY_KV_INTERVAL) {
        put_sized8(w, k->from);
        put_sized8(w, k->to);
    }
}

/* 3.2: E(encr_key, IDi || {TGK}); its type is told by that of the message */
static void put_inner(struct ts_writer *w, const struct mikey_id *id, bool last)
{
    ts_put_u8(w, last ? MIKEY_LAST : MIKEY_KEY_DATA);
    ts_put_u8(w, id->type);
    put_sized16(w, id->data);
}

/* In place, from mark to the end of what was written. */
static void wrap(struct ts_writer *w, size_t mark, const struct mikey_cipher *c)
{
    uint8_t plain[MIKEY_KEYS_BYTES];
    size_t n = w->len - mark;
    if (n > sizeof plain) {
        ts_writer_fail(w, TS_E_RANGE);
        return;
    }
    memcpy(plain, w->buf + mark, n);
    if (ts_put_room(w, KW_MORE)) {
        enum ts_err err =
            mikey_aes_wrap(c->key, c->salt, ts_span(plain, n), w->buf + mark);
        if (err)
            ts_writer_fail(w, err);
    }
    ts_wipe(plain, n);
}

static void encrypt(struct ts_writer *w, size_t mark, struct mikey_guard *g,
                    const struct mikey_classic_new *in)
{
    struct mikey_cipher c;
    if (w->err || w->len == mark || in->encr == MIKEY_ENCR_NULL)
        return;
    mikey_guard_cipher(g, &c);
    if (in->encr == MIKEY_ENCR_AES_KW_128)
        wrap(w, mark, &c);
    else
        mikey_aes_cm(ts_span(c.key, g->suite->encr_key), c.salt, g->bundle.csb,
                     in->t.value, w->buf + mark, w->len - mark);
    ts_wipe(&c, sizeof c);
}

/* 5.2: of the message, or the payload, up to the MAC. */
static void put_mac(struct ts_writer *w, size_t from, struct mikey_guard *g,
                    uint8_t alg)
{
    struct mikey_hmac h;
    ts_put_u8(w, alg);
    if (alg == MIKEY_AUTH_NULL)
        return;
    uint8_t *mac = ts_put_room(w, g->suite->mac);
    if (!mac)
        return;
    mikey_guard_auth(g, &h);
    mikey_hmac_add(&h, ts_span(w->buf + from, (size_t)(mac - w->buf) - from));
    mikey_hmac_end(&h, mac, g->suite->mac);
    ts_wipe(&h, sizeof h);
}

void mikey_classic_kemac_put(struct mikey_build *b, struct mikey_guard *g,
                             const struct mikey_classic_new *in,
                             const struct mikey_id *inner)
{
    struct ts_writer *w = b->w;
    const size_t at = w->len; /* its next payload octet, 0 as yet */
    const bool clean = !w->err;
    mikey_build_payload(b, MIKEY_KEMAC);
    ts_put_u8(w, in->encr);
    size_t mark = ts_open_u16(w);
    if (inner)
        put_inner(w, inner, in->n_keys == 0);
    for (size_t i = 0; i < in->n_keys; i++)
        put_key(w, &in->keys[i], i + 1 == in->n_keys);
    if (w->len - mark > MIKEY_KEYS_BYTES && !w->err)
        ts_writer_fail(w, TS_E_RANGE); /* our own receiver takes no more */
    encrypt(w, mark, g, in);
    ts_close_u16(w, mark);
    put_mac(w, inner ? at : b->start, g, in->mac);
    if (clean && w->err)
        ts_wipe(w->buf + at, w->len - at);
}

enum ts_err mikey_classic_kemac_verify(const struct mikey_msg *m,
                                       struct mikey_guard *g, bool whole)
{
    static const uint8_t last = MIKEY_LAST;
    const struct mikey_kemac *k = &m->kemac;
    uint8_t mac[MIKEY_MAC_MAX];
    struct mikey_hmac h;
    if (k->mac_alg == MIKEY_AUTH_NULL)
        return TS_OK;
    size_t end = mikey_at(m, k->mac), from = 0;
    mikey_guard_auth(g, &h);
    if (!whole) { /* before the data stand next, Encr alg and its length */
        from = mikey_at(m, k->data) - 3;
        mikey_hmac_add(&h, ts_span(&last, 1));
    }
    mikey_hmac_add(&h, ts_span(m->raw.p + from, end - from));
    mikey_hmac_end(&h, mac, g->suite->mac);
    bool good = ts_equal(mac, g->suite->mac, k->mac.p, k->mac.n);
    ts_wipe(&h, sizeof h);
    ts_wipe(mac, sizeof mac);
    return good ? TS_OK : TS_E_AUTH;
}

static enum ts_err decrypt(const struct mikey_msg *m, struct mikey_guard *g,
                           struct mikey_keys *keys)
{
    const struct mikey_kemac *k = &m->kemac;
    struct mikey_cipher c;
    enum ts_err err = TS_OK;
    if (k->data.n > sizeof keys->plain)
        return TS_E_UNSUPPORTED;
    keys->len = k->data.n;
    if (keys->len == 0)
        return TS_OK;
    if (k->encr != MIKEY_ENCR_AES_KW_128)
        memcpy(keys->plain, k->data.p, keys->len);
    if (k->encr == MIKEY_ENCR_NULL)
        return TS_OK;
    mikey_guard_cipher(g, &c);
    if (k->encr == MIKEY_ENCR_AES_KW_128) {
        err = mikey_aes_unwrap(c.key, c.salt, k->data, keys->plain);
        keys->len -= err ? keys->len : KW_MORE;
    } else {
        mikey_aes_cm(ts_span(c.key, g->suite->encr_key), c.salt, g->bundle.csb,
                     m->t.value, keys->plain, keys->len);
    }
    ts_wipe(&c, sizeof c);
    return err == TS_E_RANGE ? TS_E_FORMAT : err;
}

/* The ID before the keys, as a payload of a chain that Key Data goes on. */
static enum ts_err read_inner(struct ts_span *plain, struct mikey_id *inner,
                              bool *more)
{
    struct mikey_chain c = mikey_chain_init(*plain, MIKEY_ID);
    struct mikey_payload p;
    if (!mikey_chain_next(&c, &p))
        return c.r.err;
    *inner = p.u.id;
    *plain = ts_span(c.r.p, ts_reader_left(&c.r));
    *more = p.next == MIKEY_KEY_DATA;
    if (p.next == MIKEY_LAST)
        return mikey_chain_end(&c);
    return *more ? TS_OK : TS_E_UNKNOWN;
}

static enum ts_err check_keys(const struct mikey_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        const struct mikey_key *k = &keys->k[i];
        if (k->type > MIKEY_TEK_SALT)
            return TS_E_FORMAT; /* GTGK and MPK are those of RFC 6043 */
        if (k->key.n < 16 || k->key.n > TS_KEY_MAX)
            return TS_E_UNSUPPORTED;
        for (size_t j = 0; j < i && k->kv == MIKEY_KV_SPI; j++)
            if (keys->k[j].kv == MIKEY_KV_SPI &&
                ts_span_equal(k->spi, keys->k[j].spi))
                return TS_E_FORMAT; /* an SPI names one key */
    }
    return TS_OK;
}

enum ts_err mikey_classic_kemac_decrypt(const struct mikey_msg *m,
                                        struct mikey_guard *g,
                                        struct mikey_id *inner,
                                        struct mikey_keys *keys)
{
    keys->n = 0;
    enum ts_err err = decrypt(m, g, keys);
    struct ts_span plain = ts_span(keys->plain, keys->len);
    bool more = plain.n > 0;
    if (!err && inner)
        err = read_inner(&plain, inner, &more);
    if (!err && more)
        err = mikey_keys_read(plain, keys);
    if (!err)
        err = check_keys(keys);
    if (err)
        mikey_keys_wipe(keys);
    return err;
}
