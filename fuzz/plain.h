/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of plain MIKEY share: a secret that all have, and
 * messages made right with it.
 */
#ifndef FUZZ_PLAIN_H
#define FUZZ_PLAIN_H

#include "fuzz/mikey.h"
#include "mikey/classic.h"

#define MSG_MAX 8192

static const uint8_t secret[32] = "a secret that all of them share";

/* --- public keys that are always right --- */

/** Whoever it says it is. */
static inline enum ts_err certify(void *arg, const struct mikey_id *cert,
                                  size_t n, const struct mikey_id *claimed,
                                  uint64_t now, struct mikey_id *who)
{
    (void)arg;
    (void)now;
    *who = claimed->data.p ? *claimed : n ? cert[0] : (struct mikey_id){0};
    return TS_OK;
}

/** A signature that is right but in few cases. */
static inline enum ts_err verify(void *arg, uint8_t s_type,
                                 const struct ts_span *parts, size_t n,
                                 struct ts_span sig)
{
    unsigned sum = s_type; /* read all of it */
    (void)arg;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < parts[i].n; k++)
            sum += parts[i].p[k];
    for (size_t k = 0; k < sig.n; k++)
        sum += sig.p[k];
    return sum == 1 ? TS_E_AUTH : TS_OK;
}

/** An envelope key that is the secret, but for its length. */
static inline enum ts_err open_sealed(void *arg,
                                      const struct mikey_chash *chash,
                                      struct ts_span sealed,
                                      uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    if (chash && chash->data.p[0] == 0xff)
        return TS_E_NOTFOUND;
    *n = sealed.n == 1 ? sealed.p[0] % 64 : sizeof secret;
    memcpy(env_key, secret, *n < sizeof secret ? *n : sizeof secret);
    return TS_OK;
}

static const struct mikey_verifier verifier = {NULL, certify, verify};
static const struct mikey_opener opener = {NULL, open_sealed};

/* --- made right --- */

/** A key that protects messages (4.1.4). */
static inline void message_key(const struct mikey_classic_label *b,
                               uint32_t constant, uint8_t *out, size_t n)
{
    uint8_t label[4 + 1 + 4 + 255];
    struct mikey_prf prf;
    struct ts_writer w = ts_writer_init(label, sizeof label);
    ts_put_u32(&w, constant);
    ts_put_u8(&w, 0xff);
    ts_put_u32(&w, b->csb);
    ts_put_span(&w, b->rand);
    mikey_prf_key(&prf, b->prf, ts_span(secret, sizeof secret));
    mikey_prf(&prf, ts_written(&w), out, n);
}

/** Encrypt Key Data in place with what the KEMAC says. */
static inline void encrypt(const struct mikey_msg *m,
                           const struct mikey_classic_label *b, uint8_t *data)
{
    const struct mikey_suite *suite = mikey_suite_prf(b->prf);
    uint8_t key[32], salt[14];
    static uint8_t plain[MSG_MAX];
    size_t n = m->kemac.data.n;
    message_key(b, 0x150533E1, key, suite->encr_key);
    message_key(b, 0x29B88916, salt, sizeof salt);
    if (m->kemac.encr == suite->encr) {
        mikey_aes_cm(ts_span(key, suite->encr_key), salt, b->csb, m->t.value,
                     data, n);
    } else if (m->kemac.encr == MIKEY_ENCR_AES_KW_128 && n >= 24 &&
               n % 8 == 0) {
        memcpy(plain, data, n - 8);
        (void)!mikey_aes_wrap(key, salt, ts_span(plain, n - 8), data);
    }
}

/** PSK, PK and DHHMAC: encrypt the KEMAC of buf in place, and make its MAC
 *  right. */
static inline void seal(uint8_t *buf, size_t n,
                        const struct mikey_classic_label *b)
{
    const struct mikey_suite *suite = mikey_suite_prf(b->prf);
    struct mikey_msg m;
    struct mikey_hmac h;
    uint8_t key[32];
    static const uint8_t last;
    if (mikey_msg_read(ts_span(buf, n), &m, NULL) || !m.has_kemac || !suite)
        return;
    encrypt(&m, b, buf + mikey_at(&m, m.kemac.data));
    if (m.kemac.mac.n != suite->mac)
        return;
    size_t from = 0, end = mikey_at(&m, m.kemac.mac);
    message_key(b, 0x2D22AC75, key, suite->auth_key);
    mikey_hmac_key(&h, suite->auth, ts_span(key, suite->auth_key));
    if (m.hdr.type == MIKEY_PK) {
        from = mikey_at(&m, m.kemac.data) - 3;
        mikey_hmac_add(&h, ts_span(&last, 1));
    }
    mikey_hmac_add(&h, ts_span(buf + from, end - from));
    mikey_hmac_end(&h, buf + end, suite->mac);
}

/** Verification message and Error: make V right, over the message and tail. */
static inline void seal_v(uint8_t *buf, size_t n,
                          const struct mikey_classic_label *b,
                          const struct ts_span *tail, size_t n_tail)
{
    const struct mikey_suite *suite = mikey_suite_prf(b->prf);
    struct mikey_msg m;
    struct mikey_hmac h;
    uint8_t key[32];
    if (mikey_msg_read(ts_span(buf, n), &m, NULL) || !m.has_v || !suite ||
        m.v.mac.n != suite->mac)
        return;
    size_t end = mikey_at(&m, m.v.mac);
    message_key(b, 0x2D22AC75, key, suite->auth_key);
    mikey_hmac_key(&h, suite->auth, ts_span(key, suite->auth_key));
    mikey_hmac_add(&h, ts_span(buf, end));
    for (size_t i = 0; i < n_tail; i++)
        mikey_hmac_add(&h, tail[i]);
    mikey_hmac_end(&h, buf + end, suite->mac);
}

#endif
