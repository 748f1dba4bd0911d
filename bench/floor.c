/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/floor.h"

#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#define MESSAGE_MAX 1024
#define POOL        4096 /* random bytes from the kernel in one call */

static const uint8_t some_key[32] = {1}, message[MESSAGE_MAX] = {2};
static uint8_t result[MESSAGE_MAX];

static void run_sha1(const struct floor *f)
{
    __attribute__((uninitialized)) struct hmac_sha1_ctx ctx[FLOOR_KEYS];
    bool set[FLOOR_KEYS] = {false};
    for (size_t i = 0; i < f->n; i++) {
        const struct floor_step *s = &f->step[i];
        struct hmac_sha1_ctx *c = &ctx[s->key];
        size_t in = s->in[FLOOR_128];
        if (!set[s->key])
            hmac_sha1_set_key(c, floor_key_len[s->key][FLOOR_128], some_key);
        set[s->key] = true;
        if (s->label) {
            hmac_sha1_update(c, s->label, message);
            hmac_sha1_digest(c, floor_mac[FLOOR_128], result);
            in = floor_mac[FLOOR_128] + s->label;
        }
        hmac_sha1_update(c, in, message);
        hmac_sha1_digest(c, s->out[FLOOR_128], result);
    }
}

static void run_sha256(const struct floor *f)
{
    __attribute__((uninitialized)) struct hmac_sha256_ctx ctx[FLOOR_KEYS];
    bool set[FLOOR_KEYS] = {false};
    for (size_t i = 0; i < f->n; i++) {
        const struct floor_step *s = &f->step[i];
        struct hmac_sha256_ctx *c = &ctx[s->key];
        size_t in = s->in[FLOOR_256];
        if (!set[s->key])
            hmac_sha256_set_key(c, floor_key_len[s->key][FLOOR_256], some_key);
        set[s->key] = true;
        if (s->label) {
            hmac_sha256_update(c, s->label, message);
            hmac_sha256_digest(c, floor_mac[FLOOR_256], result);
            in = floor_mac[FLOOR_256] + s->label;
        }
        hmac_sha256_update(c, in, message);
        hmac_sha256_digest(c, s->out[FLOOR_256], result);
    }
}

static void run_aes(size_t n, enum floor_suite suite)
{
    uint8_t iv[AES_BLOCK_SIZE] = {0};
    __attribute__((uninitialized)) struct aes128_ctx k128;
    __attribute__((uninitialized)) struct aes256_ctx k256;
    if (suite == FLOOR_128) {
        aes128_set_encrypt_key(&k128, some_key);
        ctr_crypt(&k128, (nettle_cipher_func *)aes128_encrypt, sizeof iv, iv, n,
                  result, message);
    } else {
        aes256_set_encrypt_key(&k256, some_key);
        ctr_crypt(&k256, (nettle_cipher_func *)aes256_encrypt, sizeof iv, iv, n,
                  result, message);
    }
}

static void run_random(size_t n)
{
    static uint8_t pool[POOL];
    static size_t left;
    if (n > left) {
        if (getrandom(pool, sizeof pool, 0) != sizeof pool)
            abort();
        left = sizeof pool;
    }
    left -= n;
}

void floor_run(const struct floor *f, enum floor_suite suite)
{
    if (suite == FLOOR_128)
        run_sha1(f);
    else
        run_sha256(f);
    for (size_t i = 0; i < 2; i++)
        run_aes(f->aes[i][suite], suite);
    run_random(f->random[suite]);
}
