/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/crypt.h"

#include <assert.h>
#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/memxor.h>
#include <nettle/nist-keywrap.h>

#include "base/msan.h"

static const struct mikey_suite suites[] = {
    {128, MIKEY_PRF_SHA1, MIKEY_ENCR_AES_CM_128, MIKEY_AUTH_SHA1, 16, 20, 20},
    {256, MIKEY_PRF_SHA256, MIKEY_ENCR_AES_CM_256, MIKEY_AUTH_SHA256, 32, 32,
     32}, /* R210, R211, R276, R277 */
    {128, MIKEY_PRF_SHA1, MIKEY_ENCR_AES_KW_128, MIKEY_AUTH_SHA1, 16, 20, 20},
};

const struct mikey_suite *mikey_suite_prf(uint8_t prf)
{
    return prf <= MIKEY_PRF_SHA256 ? &suites[prf] : NULL;
}

const struct mikey_suite *mikey_suite_bits(unsigned bits)
{
    return bits == 128 ? &suites[0] : bits == 256 ? &suites[1] : NULL;
}

const struct mikey_suite *mikey_suite_kw(void)
{
    return &suites[2];
}

bool mikey_mac_len(uint8_t auth_alg, size_t *len)
{
    static const uint8_t lens[] = {0, 20, 32};
    if (auth_alg >= sizeof lens)
        return false;
    *len = lens[auth_alg];
    return true;
}

void mikey_hmac_key(struct mikey_hmac *h, uint8_t alg, struct ts_span key)
{
    h->alg = alg;
    ts_msan_in(key.p, key.n);
    if (alg == MIKEY_AUTH_SHA1)
        hmac_sha1_set_key(&h->u.sha1, key.n, key.p);
    else
        hmac_sha256_set_key(&h->u.sha256, key.n, key.p);
}

void mikey_hmac_add(struct mikey_hmac *h, struct ts_span s)
{
    if (s.n == 0)
        return;
    ts_msan_in(s.p, s.n);
    if (h->alg == MIKEY_AUTH_SHA1)
        hmac_sha1_update(&h->u.sha1, s.n, s.p);
    else
        hmac_sha256_update(&h->u.sha256, s.n, s.p);
}

void mikey_hmac_end(struct mikey_hmac *h, uint8_t *mac, size_t n)
{
    if (h->alg == MIKEY_AUTH_SHA1)
        hmac_sha1_digest(&h->u.sha1, n, mac);
    else
        hmac_sha256_digest(&h->u.sha256, n, mac);
    ts_msan_out(mac, n);
}

void mikey_prf_key(struct mikey_prf *prf, uint8_t func, struct ts_span inkey)
{
    assert(inkey.n > 0 && inkey.n <= TS_KEY_MAX);
    uint8_t alg =
        func == MIKEY_PRF_SHA1 ? MIKEY_AUTH_SHA1 : MIKEY_AUTH_SHA256; /* R194 */
    prf->n = 0;
    for (size_t at = 0; at < inkey.n; at += 32) {
        size_t n = inkey.n - at < 32 ? inkey.n - at : 32;
        mikey_hmac_key(&prf->h[prf->n++], alg, ts_span(inkey.p + at, n));
    }
}

/* P(s, label, m) of RFC 3830 4.1.2, to out, or exclusive-ored onto it. */
static void prf_block(struct mikey_hmac *h, struct ts_span label, bool onto,
                      uint8_t *out, size_t n)
{
    MIKEY_UNSET uint8_t a[MIKEY_MAC_MAX], block[MIKEY_MAC_MAX];
    size_t size = h->alg == MIKEY_AUTH_SHA1 ? 20 : 32; /* R195 */
    struct ts_span from = label;                       /* A_0 */

    for (size_t at = 0; at < n; at += size) {
        mikey_hmac_add(h, from);
        mikey_hmac_end(h, a, size);
        from = ts_span(a, size);
        mikey_hmac_add(h, from);
        mikey_hmac_add(h, label); /* R193 */
        size_t want = n - at < size ? n - at : size;
        mikey_hmac_end(h, onto ? block : out + at, want);
        if (onto)
            memxor(out + at, block, want);
    }
    ts_wipe(a, sizeof a);
    if (onto)
        ts_wipe(block, sizeof block);
}

void mikey_prf(struct mikey_prf *prf, struct ts_span label, uint8_t *out,
               size_t n)
{
    for (unsigned i = 0; i < prf->n; i++)
        prf_block(&prf->h[i], label, i > 0, out, n);
}

void mikey_prf_wipe(struct mikey_prf *prf)
{
    ts_wipe(prf, sizeof prf->h[0] * prf->n + offsetof(struct mikey_prf, h));
}

void mikey_aes_cm(struct ts_span key, const uint8_t salt[static MIKEY_SALT_LEN],
                  uint32_t csb, uint64_t t, uint8_t *data, size_t n)
{
    /* IV = (salt_key XOR (0x0000 || CSB ID || T)) || 0x0000 */
    uint8_t iv[16] = {0};
    for (unsigned i = 0; i < 4; i++)
        iv[2 + i] = (uint8_t)(csb >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        iv[6 + i] = (uint8_t)(t >> (56 - 8 * i));
    for (unsigned i = 0; i < MIKEY_SALT_LEN; i++)
        iv[i] ^= salt[i];

    MIKEY_UNSET union {
        struct aes128_ctx k128;
        struct aes256_ctx k256;
    } aes;
    assert(key.n == 16 || key.n == 32);
    ts_msan_in(key.p, key.n);
    ts_msan_in(data, n);
    if (key.n == 16) {
        aes128_set_encrypt_key(&aes.k128, key.p);
        ctr_crypt(&aes.k128, (nettle_cipher_func *)aes128_encrypt, 16, iv, n,
                  data, data);
    } else {
        aes256_set_encrypt_key(&aes.k256, key.p);
        ctr_crypt(&aes.k256, (nettle_cipher_func *)aes256_encrypt, 16, iv, n,
                  data, data);
    }
    ts_wipe(&aes, sizeof aes);
    ts_wipe(iv, sizeof iv);
}

enum ts_err mikey_aes_wrap(const uint8_t key[static 16],
                           const uint8_t iv[static 8], struct ts_span plain,
                           uint8_t *out)
{
    if (plain.n < 16 || plain.n % 8)
        return TS_E_RANGE;
    struct aes128_ctx aes;
    ts_msan_in(key, 16);
    ts_msan_in(iv, 8);
    ts_msan_in(plain.p, plain.n);
    aes128_set_encrypt_key(&aes, key);
    aes128_keywrap(&aes, iv, plain.n + 8, out, plain.p);
    ts_msan_out(out, plain.n + 8);
    ts_wipe(&aes, sizeof aes);
    return TS_OK;
}

enum ts_err mikey_aes_unwrap(const uint8_t key[static 16],
                             const uint8_t iv[static 8], struct ts_span wrapped,
                             uint8_t *out)
{
    if (wrapped.n < 24 || wrapped.n % 8)
        return TS_E_RANGE;
    struct aes128_ctx aes;
    ts_msan_in(key, 16);
    ts_msan_in(iv, 8);
    ts_msan_in(wrapped.p, wrapped.n);
    aes128_set_decrypt_key(&aes, key);
    int good = aes128_keyunwrap(&aes, iv, wrapped.n - 8, out, wrapped.p);
    ts_msan_out(out, wrapped.n - 8);
    ts_wipe(&aes, sizeof aes);
    if (!good)
        ts_wipe(out, wrapped.n - 8);
    return good ? TS_OK : TS_E_AUTH;
}
