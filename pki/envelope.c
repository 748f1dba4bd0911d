/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelope keys: PKE and CHASH (RFC 3830 3.2, 6.3 and 6.9).
 */
#include "pki/internal.h"

#include <stdlib.h>

#define ENV_MIN     16 /* bytes of an envelope key */
#define ENV_DEFAULT 32
#define SHA1_LEN    20
#define MD5_LEN     16
#define SHA256_LEN  32

/* --- sealer --- */

struct sealer {
    struct pki_key key;
    uint8_t hash[SHA256_LEN];
};

static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    const struct sealer *s = arg;
    gnutls_datum_t plain = pki_datum(env_key), sealed = {0};
    if (env_key.n < ENV_MIN || env_key.n > MIKEY_KEY_MAX)
        return TS_E_RANGE;
    int rc = gnutls_pubkey_encrypt_data(s->key.pub, 0, &plain, &sealed);
    bool good = rc == 0 && sealed.size == (s->key.bits + 7) / 8;
    if (good)
        memcpy(out, sealed.data, sealed.size);
    gnutls_free(sealed.data);
    return good ? TS_OK : pki_err(rc, TS_E_UNSUPPORTED);
}

static enum ts_err fingerprint(gnutls_x509_crt_t crt,
                               gnutls_digest_algorithm_t hash, uint8_t *out,
                               size_t n)
{
    int rc = gnutls_x509_crt_get_fingerprint(crt, hash, out, &n);
    return rc ? pki_err(rc, TS_E_UNSUPPORTED) : TS_OK;
}

/* The key of a certificate, for encryption. RSAES-OAEP would be a kind of key
 * of its own, GNUTLS_PK_RSA_OAEP of GnuTLS 3.8.4, which then also encrypts by
 * itself as the certificate says. */
static enum ts_err sealing_key(struct pki_key *key, gnutls_x509_crt_t crt)
{
    enum ts_err err = pki_key_of(key, crt);
    if (!err && (key->kind != GNUTLS_PK_RSA ||
                 !pki_usable(crt, GNUTLS_KEY_KEY_ENCIPHERMENT))) {
        pki_key_free(key);
        err = TS_E_UNSUPPORTED;
    }
    return err;
}

static enum ts_err open_sealer(struct sealer *s, gnutls_x509_crt_t crt,
                               enum mikey_gnutls_hash chash,
                               struct mikey_chash *out)
{
    enum ts_err err = sealing_key(&s->key, crt);
    if (err)
        return err;
    switch (chash) {
    case MIKEY_GNUTLS_DEFAULT:
    case MIKEY_GNUTLS_SHA256:
        *out = (struct mikey_chash){MIKEY_HASH_SHA256,
                                    ts_span(s->hash, SHA256_LEN)};
        return fingerprint(crt, GNUTLS_DIG_SHA256, s->hash, SHA256_LEN);
    case MIKEY_GNUTLS_SHA1:
        *out =
            (struct mikey_chash){MIKEY_HASH_SHA1, ts_span(s->hash, SHA1_LEN)};
        return fingerprint(crt, GNUTLS_DIG_SHA1, s->hash, SHA1_LEN);
    default:
        return TS_E_UNSUPPORTED; /* not in the registry */
    }
}

static void free_sealer(struct sealer *s)
{
    pki_key_free(&s->key);
    free(s);
}

enum ts_err mikey_gnutls_sealer(struct ts_span certs,
                                enum mikey_gnutls_hash chash,
                                struct mikey_sealer *out)
{
    struct pki_chain chain;
    struct mikey_chash named;
    *out = (struct mikey_sealer){0};
    enum ts_err err = pki_chain_read(&chain, certs);
    if (err)
        return err;
    struct sealer *s = calloc(1, sizeof *s);
    err = s ? open_sealer(s, chain.crt[0], chash, &named) : TS_E_NOMEM;
    pki_chain_free(&chain);
    if (err) {
        if (s)
            free_sealer(s);
        return err;
    }
    *out = (struct mikey_sealer){.arg = s,
                                 .len = (uint16_t)((s->key.bits + 7) / 8),
                                 .chash = named,
                                 .seal = seal};
    return TS_OK;
}

void mikey_gnutls_sealer_free(struct mikey_sealer *sealer)
{
    if (!sealer)
        return;
    if (sealer->arg)
        free_sealer(sealer->arg);
    *sealer = (struct mikey_sealer){0};
}

/* --- opener --- */

struct our_key {
    struct pki_secret secret;
    uint8_t sha1[SHA1_LEN], md5[MD5_LEN], sha256[SHA256_LEN];
    bool has_md5;
};

struct opener {
    size_t n, env_len;
    struct our_key key[];
};

static bool is_key(const struct our_key *key, const struct mikey_chash *chash)
{
    switch (chash->func) {
    case MIKEY_HASH_SHA1:
        return ts_span_equal(chash->data, ts_span(key->sha1, SHA1_LEN));
    case MIKEY_HASH_MD5:
        return key->has_md5 &&
               ts_span_equal(chash->data, ts_span(key->md5, MD5_LEN));
    default:
        return ts_span_equal(chash->data, ts_span(key->sha256, SHA256_LEN));
    }
}

static enum ts_err choose(const struct opener *o,
                          const struct mikey_chash *chash,
                          const struct our_key **out)
{
    *out = &o->key[0];
    if (!chash || !chash->data.p)
        return TS_OK;
    if (chash->func != MIKEY_HASH_SHA1 && chash->func != MIKEY_HASH_MD5 &&
        chash->func != MIKEY_HASH_SHA256)
        return TS_E_UNSUPPORTED;
    for (size_t i = 0; i < o->n; i++) {
        *out = &o->key[i];
        if (is_key(*out, chash))
            return TS_OK;
    }
    return TS_E_NOTFOUND;
}

/* 0xff if rc is 0, else 0, without a branch. */
static uint8_t all_if_zero(int rc)
{
    uint32_t x = (uint32_t)rc;
    return (uint8_t)(((x | (0 - x)) >> 31) - 1);
}

/* Keys of a length that is known: no branch depends on what was found. */
static void open_fixed(const struct our_key *key, gnutls_datum_t sealed,
                       uint8_t *env_key, size_t n)
{
    uint8_t plain[MIKEY_KEY_MAX] = {0};
    int rc =
        gnutls_privkey_decrypt_data2(key->secret.key, 0, &sealed, plain, n);
    const uint8_t take = all_if_zero(rc);
    for (size_t i = 0; i < n; i++)
        env_key[i] = (uint8_t)((plain[i] & take) | (env_key[i] & ~take));
    ts_wipe(plain, sizeof plain);
}

static void open_any(const struct our_key *key, gnutls_datum_t sealed,
                     uint8_t *env_key, size_t *n)
{
    gnutls_datum_t plain = {0};
    int rc = gnutls_privkey_decrypt_data(key->secret.key, 0, &sealed, &plain);
    if (rc == 0 && plain.size >= ENV_MIN && plain.size <= MIKEY_KEY_MAX) {
        *n = plain.size;
        memcpy(env_key, plain.data, plain.size);
    }
    if (rc == 0) {
        ts_wipe(plain.data, plain.size);
        gnutls_free(plain.data);
    }
}

static enum ts_err open_key(void *arg, const struct mikey_chash *chash,
                            struct ts_span sealed,
                            uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    const struct opener *o = arg;
    const struct our_key *key;
    *n = 0;
    enum ts_err err = choose(o, chash, &key);
    /* before decrypting, so that a failure there takes no time for it */
    if (!err)
        err = ts_random(NULL, env_key, MIKEY_KEY_MAX);
    if (err)
        return err;
    *n = o->env_len ? o->env_len : ENV_DEFAULT;
    if (sealed.n == 0 || sealed.n > MIKEY_PKE_MAX)
        return TS_OK;
    if (o->env_len)
        open_fixed(key, pki_datum(sealed), env_key, o->env_len);
    else
        open_any(key, pki_datum(sealed), env_key, n);
    return TS_OK;
}

/* Whether the key is that of the certificate: it opens what that one seals. */
static enum ts_err try_out(const struct our_key *k, const struct pki_key *key)
{
    uint8_t sent[ENV_MIN] = "tessera tessera", got[ENV_MIN] = {0};
    gnutls_datum_t plain = {sent, sizeof sent}, sealed = {0};
    int rc = gnutls_pubkey_encrypt_data(key->pub, 0, &plain, &sealed);
    if (rc)
        return pki_err(rc, TS_E_UNSUPPORTED);
    rc = gnutls_privkey_decrypt_data2(k->secret.key, 0, &sealed, got,
                                      sizeof got);
    gnutls_free(sealed.data);
    return rc == 0 && ts_equal(sent, sizeof sent, got, sizeof got)
               ? TS_OK
               : pki_err(rc, TS_E_MISMATCH);
}

static enum ts_err open_own(struct our_key *k,
                            const struct mikey_gnutls_key *from)
{
    struct pki_chain chain;
    struct pki_key key = {0};
    enum ts_err err = pki_chain_read(&chain, from->certs);
    if (!err)
        err = sealing_key(&key, chain.crt[0]);
    if (!err)
        err = fingerprint(chain.crt[0], GNUTLS_DIG_SHA1, k->sha1, SHA1_LEN);
    if (!err)
        err =
            fingerprint(chain.crt[0], GNUTLS_DIG_SHA256, k->sha256, SHA256_LEN);
    if (!err) /* in FIPS mode there is none */
        k->has_md5 =
            fingerprint(chain.crt[0], GNUTLS_DIG_MD5, k->md5, MD5_LEN) == TS_OK;
    if (!err)
        err = pki_secret_open(&k->secret, from);
    if (!err)
        err = try_out(k, &key);
    pki_key_free(&key);
    pki_chain_free(&chain);
    return err;
}

static void free_opener(struct opener *o)
{
    for (size_t i = 0; i < o->n; i++)
        pki_secret_free(&o->key[i].secret);
    free(o);
}

enum ts_err mikey_gnutls_opener(const struct mikey_gnutls_key *keys, size_t n,
                                size_t env_len, struct mikey_opener *out)
{
    enum ts_err err = TS_OK;
    *out = (struct mikey_opener){0};
    if (n == 0)
        return TS_E_MISSING;
    if (n > PKI_KEYS_MAX ||
        (env_len && (env_len < ENV_MIN || env_len > MIKEY_KEY_MAX)))
        return TS_E_RANGE;
    struct opener *o = calloc(1, sizeof *o + n * sizeof o->key[0]);
    if (!o)
        return TS_E_NOMEM;
    o->env_len = env_len;
    for (; o->n < n && !err; o->n++)
        err = open_own(&o->key[o->n], &keys[o->n]);
    if (err) {
        free_opener(o);
        return err;
    }
    *out = (struct mikey_opener){o, open_key};
    return TS_OK;
}

void mikey_gnutls_opener_free(struct mikey_opener *opener)
{
    if (!opener)
        return;
    if (opener->arg)
        free_opener(opener->arg);
    *opener = (struct mikey_opener){0};
}
