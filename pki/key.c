/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

#define EXPONENT_MAX 8 /* bytes: verifying takes time by its length */
#define EC_BITS_MIN  256
#define EC_WIDTH_MAX 48 /* bytes of r and of s on P-384 */
#define EC_DER_MAX   8  /* what DER adds to r and s, at most */

#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

/* In each group the default first. */
static const struct row {
    uint8_t s_type;
    gnutls_pk_algorithm_t kind;
    unsigned bits; /* of the key, 0 for any */
    gnutls_digest_algorithm_t hash;
    gnutls_sign_algorithm_t sign;
} rows[] = {
    {MIKEY_S_RSA, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA256, GNUTLS_SIGN_RSA_SHA256},
    {MIKEY_S_RSA, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA384, GNUTLS_SIGN_RSA_SHA384},
    {MIKEY_S_RSA, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA512, GNUTLS_SIGN_RSA_SHA512},
    {MIKEY_S_RSA, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA1, GNUTLS_SIGN_RSA_SHA1},
    {MIKEY_S_RSA_PSS, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA256,
     GNUTLS_SIGN_RSA_PSS_RSAE_SHA256},
    {MIKEY_S_RSA_PSS, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA384,
     GNUTLS_SIGN_RSA_PSS_RSAE_SHA384},
    {MIKEY_S_RSA_PSS, GNUTLS_PK_RSA, 0, GNUTLS_DIG_SHA512,
     GNUTLS_SIGN_RSA_PSS_RSAE_SHA512},
    {MIKEY_S_RSA_PSS, GNUTLS_PK_RSA_PSS, 0, GNUTLS_DIG_SHA256,
     GNUTLS_SIGN_RSA_PSS_SHA256},
    {MIKEY_S_RSA_PSS, GNUTLS_PK_RSA_PSS, 0, GNUTLS_DIG_SHA384,
     GNUTLS_SIGN_RSA_PSS_SHA384},
    {MIKEY_S_RSA_PSS, GNUTLS_PK_RSA_PSS, 0, GNUTLS_DIG_SHA512,
     GNUTLS_SIGN_RSA_PSS_SHA512},
    {MIKEY_S_ECDSA, GNUTLS_PK_ECDSA, 256, GNUTLS_DIG_SHA256,
     GNUTLS_SIGN_ECDSA_SHA256},
    {MIKEY_S_ECDSA, GNUTLS_PK_ECDSA, 384, GNUTLS_DIG_SHA384,
     GNUTLS_SIGN_ECDSA_SHA384},
};

gnutls_digest_algorithm_t pki_digest(enum mikey_gnutls_hash hash)
{
    switch (hash) {
    case MIKEY_GNUTLS_SHA1:
        return GNUTLS_DIG_SHA1;
    case MIKEY_GNUTLS_SHA256:
        return GNUTLS_DIG_SHA256;
    case MIKEY_GNUTLS_SHA384:
        return GNUTLS_DIG_SHA384;
    case MIKEY_GNUTLS_SHA512:
        return GNUTLS_DIG_SHA512;
    case MIKEY_GNUTLS_DEFAULT:
        break;
    }
    return GNUTLS_DIG_UNKNOWN;
}

/* --- public keys --- */

static enum ts_err rsa_bounds(const struct pki_key *key)
{
    gnutls_datum_t e = {0};
    if (key->bits < PKI_RSA_MIN || key->bits > PKI_RSA_MAX)
        return TS_E_UNSUPPORTED;
    int rc = gnutls_pubkey_export_rsa_raw2(key->pub, NULL, &e,
                                           GNUTLS_EXPORT_FLAG_NO_LZ);
    /* with an exponent of 1 anybody signs */
    bool good = rc == 0 && e.size > 0 && e.size <= EXPONENT_MAX &&
                (e.data[e.size - 1] & 1) && (e.size > 1 || e.data[0] > 1);
    gnutls_free(e.data);
    return good ? TS_OK : pki_err(rc, TS_E_UNSUPPORTED);
}

/* The hash that the parameters of an RSA-PSS key allow. */
static enum ts_err pss_hash(struct pki_key *key)
{
    gnutls_x509_spki_t spki;
    int rc = gnutls_x509_spki_init(&spki);
    if (rc)
        return pki_err(rc, TS_E_INTERNAL);
    if (gnutls_pubkey_get_spki(key->pub, spki, 0) == 0)
        (void)gnutls_x509_spki_get_rsa_pss_params(spki, &key->only, NULL);
    gnutls_x509_spki_deinit(spki);
    return TS_OK;
}

static enum ts_err ec_bounds(const struct pki_key *key)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    int rc = gnutls_pubkey_export_ecc_raw2(key->pub, &curve, NULL, NULL, 0);
    if (rc)
        return pki_err(rc, TS_E_UNSUPPORTED);
    return key->bits >= EC_BITS_MIN ? TS_OK : TS_E_UNSUPPORTED;
}

static enum ts_err look_at(struct pki_key *key)
{
    int kind = gnutls_pubkey_get_pk_algorithm(key->pub, &key->bits);
    enum ts_err err = TS_E_UNSUPPORTED;
    if (kind < 0)
        return pki_err(kind, err);
    key->kind = (gnutls_pk_algorithm_t)kind;
    if (key->kind == GNUTLS_PK_RSA || key->kind == GNUTLS_PK_RSA_PSS)
        err = rsa_bounds(key);
    else if (key->kind == GNUTLS_PK_ECDSA)
        err = ec_bounds(key);
    if (!err && key->kind == GNUTLS_PK_RSA_PSS)
        err = pss_hash(key);
    return err;
}

enum ts_err pki_key_of(struct pki_key *key, gnutls_x509_crt_t crt)
{
    *key = (struct pki_key){0};
    int rc = gnutls_pubkey_init(&key->pub);
    if (rc)
        return pki_err(rc, TS_E_INTERNAL);
    rc = gnutls_pubkey_import_x509(key->pub, crt, 0);
    enum ts_err err = rc ? pki_err(rc, TS_E_UNSUPPORTED) : look_at(key);
    if (err)
        pki_key_free(key);
    return err;
}

void pki_key_free(struct pki_key *key)
{
    if (key->pub)
        gnutls_pubkey_deinit(key->pub);
    *key = (struct pki_key){0};
}

/* --- signatures --- */

static bool fits(const struct row *row, const struct pki_key *key,
                 gnutls_digest_algorithm_t hash)
{
    size_t rsa_len = (key->bits + 7) / 8;
    if (row->kind != key->kind || (row->bits && row->bits != key->bits))
        return false;
    if (hash != GNUTLS_DIG_UNKNOWN && hash != row->hash)
        return false;
    if (key->only != GNUTLS_DIG_UNKNOWN && key->only != row->hash)
        return false;
    /* PSS wants room for hash and salt (RFC 8017 9.1.1) */
    return row->s_type != MIKEY_S_RSA_PSS ||
           rsa_len >= 2 * gnutls_hash_get_len(row->hash) + 2;
}

enum ts_err pki_alg_for(struct pki_alg *alg, const struct pki_key *key,
                        uint8_t s_type, gnutls_digest_algorithm_t hash)
{
    enum ts_err err = TS_E_UNSUPPORTED;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        if (rows[i].s_type != s_type)
            continue;
        err = TS_E_MISMATCH;
        if (!fits(&rows[i], key, hash))
            continue;
        *alg = (struct pki_alg){rows[i].sign, rows[i].hash, key->bits / 8,
                                s_type == MIKEY_S_ECDSA};
        alg->len = alg->is_rs ? 2 * alg->len : (key->bits + 7) / 8;
        return TS_OK;
    }
    return err;
}

enum ts_err pki_hash(gnutls_digest_algorithm_t alg, const struct ts_span *parts,
                     size_t n, uint8_t hash[PKI_HASH_MAX])
{
    gnutls_hash_hd_t h;
    int rc = gnutls_hash_init(&h, alg);
    if (rc)
        return pki_err(rc, TS_E_INTERNAL);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (parts[i].n)
            rc = gnutls_hash(h, parts[i].p, parts[i].n);
    gnutls_hash_deinit(h, hash);
    return rc ? pki_err(rc, TS_E_INTERNAL) : TS_OK;
}

static struct ts_span no_zeros(struct ts_span s)
{
    while (s.n > 1 && s.p[0] == 0) {
        s.p++;
        s.n--;
    }
    return s;
}

enum ts_err pki_check(const struct pki_key *key, const struct pki_alg *alg,
                      const uint8_t *hash, struct ts_span sig)
{
    gnutls_datum_t h = pki_datum(ts_span(hash, gnutls_hash_get_len(alg->hash)));
    gnutls_datum_t der = {0}, given;
    int rc = 0;
    if (sig.n != alg->len)
        return TS_E_AUTH; /* GnuTLS lets some other lengths pass */
    given = pki_datum(sig);
    if (alg->is_rs) {
        gnutls_datum_t r = pki_datum(no_zeros(ts_span(sig.p, sig.n / 2)));
        gnutls_datum_t s =
            pki_datum(no_zeros(ts_span(sig.p + sig.n / 2, sig.n / 2)));
        rc = gnutls_encode_rs_value(&der, &r, &s);
        given = der;
    }
    if (rc == 0) /* whether SHA-1 counts is for the caller to say */
        rc = gnutls_pubkey_verify_hash2(key->pub, alg->sign,
                                        GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1, &h,
                                        &given);
    gnutls_free(der.data);
    return rc < 0 ? pki_err(rc, TS_E_AUTH) : TS_OK;
}

/* One of r and s, in the width of the curve. */
static bool put_padded(const gnutls_datum_t *v, uint8_t *out, size_t width)
{
    struct ts_span s = no_zeros(ts_span(v->data, v->size));
    if (s.n > width)
        return false;
    memset(out, 0, width);
    memcpy(out + width - s.n, s.p, s.n);
    return true;
}

static enum ts_err put_signature(const struct pki_alg *alg,
                                 const gnutls_datum_t *made, uint8_t *sig)
{
    gnutls_datum_t r = {0}, s = {0};
    const size_t width = alg->len / 2;
    if (!alg->is_rs) {
        if (made->size != alg->len)
            return TS_E_MISMATCH;
        memcpy(sig, made->data, alg->len);
        return TS_OK;
    }
    int rc = gnutls_decode_rs_value(made, &r, &s);
    bool good = rc == 0 && put_padded(&r, sig, width) &&
                put_padded(&s, sig + width, width);
    gnutls_free(r.data);
    gnutls_free(s.data);
    return good ? TS_OK : pki_err(rc, TS_E_MISMATCH);
}

/* --- private keys --- */

static enum ts_err token_err(int rc)
{
    switch (rc) {
    case GNUTLS_E_MEMORY_ERROR:
        return TS_E_NOMEM;
    case GNUTLS_E_PKCS11_PIN_ERROR:
    case GNUTLS_E_PKCS11_PIN_EXPIRED:
    case GNUTLS_E_PKCS11_PIN_LOCKED:
        return TS_E_AUTH;
    case GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE:
    case GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE:
        return TS_E_NOTFOUND;
    case GNUTLS_E_PARSING_ERROR:
        return TS_E_FORMAT;
    default:
        return TS_E_IO;
    }
}

/* GnuTLS asks for the PIN. A wrong one is given once only: a token locks
 * itself after a few. */
static int give_pin(void *arg, int attempt, const char *url, const char *label,
                    unsigned flags, char *pin, size_t pin_max)
{
    const struct pki_secret *secret = arg;
    size_t n = strlen(secret->pin);
    (void)url;
    (void)label;
    if (attempt > 0 || (flags & GNUTLS_PIN_WRONG) || n == 0 || n >= pin_max)
        return -1;
    memcpy(pin, secret->pin, n + 1);
    return 0;
}

static enum ts_err import_bytes(struct pki_secret *secret, struct ts_span s)
{
    gnutls_datum_t d = pki_datum(s);
    const char *password = secret->pin[0] ? secret->pin : NULL;
    int rc = gnutls_privkey_import_x509_raw(secret->key, &d, pki_format(s),
                                            password, 0);
    if (rc == GNUTLS_E_DECRYPTION_FAILED)
        return TS_E_AUTH;
    return rc ? pki_err(rc, TS_E_FORMAT) : TS_OK;
}

static enum ts_err import_file(struct pki_secret *secret, const char *path)
{
    gnutls_datum_t d = {0};
    int rc = gnutls_load_file(path, &d);
    if (rc)
        return pki_err(rc, TS_E_IO);
    enum ts_err err = import_bytes(secret, ts_span(d.data, d.size));
    ts_wipe(d.data, d.size);
    gnutls_free(d.data);
    return err;
}

static enum ts_err import_url(struct pki_secret *secret, const char *url)
{
    if (strncmp(url, "file://", 7) == 0)
        return import_file(secret, url + 7);
    if (strncmp(url, "file:", 5) == 0)
        return import_file(secret, url + 5);
    if (strncmp(url, "pkcs11:", 7) != 0)
        return TS_E_UNSUPPORTED;
    int rc = gnutls_privkey_import_url(secret->key, url, 0);
    return rc ? token_err(rc) : TS_OK;
}

enum ts_err pki_secret_open(struct pki_secret *secret,
                            const struct mikey_gnutls_key *from)
{
    enum ts_err err;
    *secret = (struct pki_secret){0};
    if (from->pin && strlen(from->pin) >= sizeof secret->pin)
        return TS_E_RANGE;
    if (from->key.p && (from->key.n == 0 || from->key.n > PKI_SECRET_MAX))
        return TS_E_RANGE;
    if (!from->key.p && !from->url)
        return TS_E_FORMAT;
    int rc = gnutls_privkey_init(&secret->key);
    if (rc)
        return pki_err(rc, TS_E_INTERNAL);
    if (from->pin)
        memcpy(secret->pin, from->pin, strlen(from->pin) + 1);
    gnutls_privkey_set_pin_function(secret->key, give_pin, secret);
    err = from->key.p ? import_bytes(secret, from->key)
                      : import_url(secret, from->url);
    if (err)
        pki_secret_free(secret);
    return err;
}

void pki_secret_free(struct pki_secret *secret)
{
    if (secret->key)
        gnutls_privkey_deinit(secret->key);
    ts_wipe(secret, sizeof *secret);
}

enum ts_err pki_sign(const struct pki_secret *secret, const struct pki_alg *alg,
                     const uint8_t *hash, uint8_t *sig)
{
    gnutls_datum_t h = pki_datum(ts_span(hash, gnutls_hash_get_len(alg->hash)));
    gnutls_datum_t made = {0};
    int rc = gnutls_privkey_sign_hash2(secret->key, alg->sign, 0, &h, &made);
    if (rc == GNUTLS_E_INVALID_REQUEST || rc == GNUTLS_E_CONSTRAINT_ERROR ||
        rc == GNUTLS_E_INCOMPATIBLE_SIG_WITH_KEY ||
        rc == GNUTLS_E_PK_SIGN_FAILED)
        return TS_E_MISMATCH;
    if (rc)
        return token_err(rc);
    enum ts_err err = put_signature(alg, &made, sig);
    gnutls_free(made.data);
    return err;
}
