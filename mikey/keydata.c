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

enum ts_err mikey_keys_parse(struct mikey_keys *keys, unsigned mpks)
{
    enum ts_err err = mikey_keys_read(ts_span(keys->plain, keys->len), keys);
    if (!err)
        err = check_keys(keys, mpks);
    if (err)
        mikey_keys_wipe(keys);
    return err;
}

/* A view into one's octets as a view into the other's. */
static void move_view(struct ts_span *s, const struct mikey_keys *from,
                      struct mikey_keys *to)
{
    if (s->p)
        s->p = to->plain + (s->p - from->plain);
}

void mikey_keys_copy(struct mikey_keys *to, const struct mikey_keys *from)
{
    to->n = from->n;
    to->len = from->len;
    memcpy(to->plain, from->plain, from->len);
    for (size_t i = 0; i < from->n; i++) {
        struct mikey_key *k = &to->k[i];
        *k = from->k[i];
        move_view(&k->key, from, to);
        move_view(&k->salt, from, to);
        move_view(&k->spi, from, to);
        move_view(&k->from, from, to);
        move_view(&k->to, from, to);
    }
}

const struct mikey_key *mikey_keys_find(const struct mikey_keys *keys,
                                        struct ts_span spi)
{
    for (size_t i = 0; i < keys->n; i++)
        if (keys->k[i].type != MIKEY_MPK && ts_span_equal(keys->k[i].spi, spi))
            return &keys->k[i];
    return NULL;
}

void mikey_keys_fork(struct mikey_keys *keys, uint8_t prf_func,
                     struct ts_span id, struct ts_span rand)
{
    for (size_t i = 0; i < keys->n; i++) {
        const struct mikey_key *k = &keys->k[i];
        MIKEY_UNSET struct mikey_prf prf;
        struct ts_key out;
        if (!mikey_is_tgk(k))
            continue;                          /* R142, R212 */
        mikey_prf_key(&prf, prf_func, k->key); /* R218 */
        mikey_derive_fork(&prf, k->key.n, false, id, rand, &out);
        memcpy(keys->plain + (k->key.p - keys->plain), out.b, out.len);
        ts_key_wipe(&out);
        mikey_prf_wipe(&prf);
    }
}

/* Decrypt into plain; AES-KW tells at once whether the key was right. */
static enum ts_err decrypt(const struct mikey_kemac *kemac,
                           const struct mikey_suite *suite,
                           const struct mikey_cipher *c, uint32_t csb,
                           uint64_t t, struct mikey_keys *keys)
{
    bool kw = kemac->encr == MIKEY_ENCR_AES_KW_128 && suite->bits == 128;
    if (kemac->mac_alg != MIKEY_AUTH_NULL) /* R35, R121, R168, R295 */
        return TS_E_UNSUPPORTED;
    if (kemac->encr != suite->encr && !kw) /* R278 */
        return TS_E_UNSUPPORTED;
    if (kemac->data.n > sizeof keys->plain)
        return TS_E_UNSUPPORTED;
    if (kw) {
        enum ts_err err =
            mikey_aes_unwrap(c->key, c->salt, kemac->data, keys->plain);
        keys->len = err ? 0 : kemac->data.n - 8;
        return err;
    }
    keys->len = kemac->data.n;
    if (keys->len)
        memcpy(keys->plain, kemac->data.p, keys->len);
    mikey_aes_cm(ts_span(c->key, suite->encr_key), c->salt, csb, t, keys->plain,
                 keys->len);
    return TS_OK;
}

/* A session key that is longer than algorithms of 128 bits may protect. */
static bool too_long(const struct mikey_keys *keys, unsigned mpks)
{
    for (size_t i = mpks; i < keys->n; i++)
        if (keys->k[i].key.n > 16)
            return true;
    return false;
}

enum ts_err mikey_kemac_open(const struct mikey_kemac *kemac,
                             const struct mikey_suite *suite,
                             const struct mikey_cipher *c, uint32_t csb,
                             uint64_t t, unsigned mpks, struct mikey_keys *keys)
{
    keys->n = keys->len = 0;
    enum ts_err err = decrypt(kemac, suite, c, csb, t, keys);
    if (!err)
        err = mikey_keys_parse(keys, mpks);
    if (!err && suite->bits == 128 && too_long(keys, mpks)) {
        mikey_keys_wipe(keys);
        err = TS_E_UNSUPPORTED; /* R279 */
    }
    return err;
}

enum ts_err mikey_open_keys(const struct mikey_kemac *kemac,
                            struct mikey_protect *p, struct mikey_time t,
                            unsigned mpks, struct mikey_keys *keys)
{
    struct mikey_cipher c;
    mikey_protect_cipher(p, &c);
    enum ts_err err =
        mikey_kemac_open(kemac, p->suite, &c, p->csb, t.value, mpks, keys);
    ts_wipe(&c, sizeof c);
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

enum ts_err mikey_keys_add(struct mikey_keys *keys, const struct mikey_key *k)
{
    struct ts_writer w = ts_writer_init(keys->plain, sizeof keys->plain);
    w.len = keys->len;
    if (mikey_keys_find(keys, k->spi))
        return TS_E_EXISTS;
    if (keys->n == MIKEY_KEYS_MAX)
        return TS_E_SPACE;
    mikey_put_key(&w, k, true);
    if (w.err) { /* what did fit is behind all that will be wiped */
        ts_wipe(keys->plain + keys->len, w.len - keys->len);
        return w.err;
    }
    /* its views: read what was just written */
    struct mikey_keys one;
    struct ts_span octets = ts_span(keys->plain + keys->len, w.len - keys->len);
    enum ts_err err = mikey_keys_read(octets, &one);
    if (err)
        return err;
    keys->k[keys->n++] = one.k[0];
    keys->len = w.len;
    return TS_OK;
}

size_t mikey_kemac_begin(struct mikey_build *b, uint8_t encr)
{
    mikey_build_payload(b, MIKEY_KEMAC);
    ts_put_u8(b->w, encr);
    return ts_open_u16(b->w);
}

/* Wrap what stands since mark. Out of a copy: nettle would copy it eight octets
 * further with memcpy(), onto itself. */
static void wrap(struct ts_writer *w, size_t mark, const struct mikey_cipher *c)
{
    MIKEY_UNSET uint8_t plain[MIKEY_KEYS_BYTES];
    size_t n = w->len - mark;
    (void)ts_put_room(w, 8);
    if (n > sizeof plain)
        ts_writer_fail(w, TS_E_RANGE);
    if (w->err)
        return;
    uint8_t *at = w->buf + mark;
    memcpy(plain, at, n);
    enum ts_err err = mikey_aes_wrap(c->key, c->salt, ts_span(plain, n), at);
    ts_wipe(plain, n);
    if (err)
        ts_writer_fail(w, err);
}

void mikey_kemac_end(struct mikey_build *b, size_t mark,
                     const struct mikey_suite *suite,
                     const struct mikey_cipher *c, uint32_t csb, uint64_t t)
{
    struct ts_writer *w = b->w;
    if (c && suite->encr == MIKEY_ENCR_AES_KW_128)
        wrap(w, mark, c);
    if (c && w->err) /* nothing in clear is left in the caller's memory */
        ts_wipe(w->buf + mark, w->len - mark);
    else if (c && suite->encr != MIKEY_ENCR_AES_KW_128)
        mikey_aes_cm(ts_span(c->key, suite->encr_key), c->salt, csb, t,
                     w->buf + mark, w->len - mark);
    ts_close_u16(w, mark);
    ts_put_u8(w, MIKEY_AUTH_NULL); /* R35, R121, R168, R295 */
}

static size_t key_len(const struct mikey_key *k)
{
    size_t n = 4 + k->key.n + 1 + k->spi.n;
    return has_salt(k->type) ? n + 2 + k->salt.n : n;
}

/* The first key, with an SPI so long that all of them fill whole blocks. */
static struct mikey_key padded(const struct mikey_key *keys, size_t n,
                               uint8_t spi[static 16])
{
    struct mikey_key first = keys[0];
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += key_len(&keys[i]);
    size_t more = (8 - all % 8) % 8;
    if (first.type != MIKEY_MPK || first.spi.n > 8)
        return first;
    if (first.spi.n)
        memcpy(spi, first.spi.p, first.spi.n);
    first.spi = ts_span(spi, first.spi.n + more);
    return first;
}

void mikey_build_keys(struct mikey_build *b, struct mikey_protect *p,
                      struct mikey_time t, const struct mikey_key *keys,
                      size_t n)
{
    const struct mikey_suite *suite = p->suite;
    uint8_t spi[16] = {0};
    struct mikey_cipher c;
    size_t mark = mikey_kemac_begin(b, suite->encr);
    for (size_t i = 0; i < n; i++) {
        struct mikey_key k = keys[i];
        if (i == 0 && suite->encr == MIKEY_ENCR_AES_KW_128)
            k = padded(keys, n, spi);
        if (k.key.n < 16)
            ts_writer_fail(b->w, TS_E_RANGE); /* R271 */
        mikey_put_key(b->w, &k, i + 1 == n);
    }
    mikey_protect_cipher(p, &c);
    mikey_kemac_end(b, mark, suite, &c, p->csb, t.value);
    ts_wipe(&c, sizeof c);
}
