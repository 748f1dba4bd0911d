/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the tables of floor.h tell the truth: run an exchange through the
 * engine, note each call to nettle, and compare. Exit 1 if they differ.
 *
 * The linker puts the functions below in the place of nettle's.
 */
#include <nettle/ctr.h>
#include <nettle/hmac.h>
#include <stdio.h>

#include "bench/floor.h"
#include "bench/rig.h"

#define CALLS_MAX 128
#define KEYS_MAX  16

/* What was seen. A key is known by where its context stands and by when. */
static struct {
    unsigned n_keys, n_hmac, n_aes;
    struct {
        const void *ctx;
        size_t in; /* bytes since the last result */
    } key[KEYS_MAX];
    struct {
        unsigned key;
        size_t in, out;
    } hmac[CALLS_MAX];
    size_t aes[CALLS_MAX];
} seen;

/* The newest key in that context; KEYS_MAX for one that was never set. */
static unsigned key_of(const void *ctx)
{
    for (unsigned i = seen.n_keys; i > 0; i--)
        if (seen.key[i - 1].ctx == ctx)
            return i - 1;
    return KEYS_MAX;
}

static void on_key(const void *ctx)
{
    if (seen.n_keys == KEYS_MAX)
        return;
    seen.key[seen.n_keys].ctx = ctx;
    seen.key[seen.n_keys++].in = 0;
}

static void on_update(const void *ctx, size_t n)
{
    unsigned key = key_of(ctx);
    if (key < KEYS_MAX)
        seen.key[key].in += n;
}

static void on_digest(const void *ctx, size_t n)
{
    unsigned key = key_of(ctx);
    if (key == KEYS_MAX || seen.n_hmac == CALLS_MAX)
        return;
    seen.hmac[seen.n_hmac].key = key;
    seen.hmac[seen.n_hmac].in = seen.key[key].in;
    seen.hmac[seen.n_hmac++].out = n;
    seen.key[key].in = 0;
}

#define WATCH(hash)                                                            \
    void __real_nettle_hmac_##hash##_set_key(struct hmac_##hash##_ctx *,       \
                                             size_t, const uint8_t *);         \
    void __real_nettle_hmac_##hash##_update(struct hmac_##hash##_ctx *,        \
                                            size_t, const uint8_t *);          \
    void __real_nettle_hmac_##hash##_digest(struct hmac_##hash##_ctx *,        \
                                            size_t, uint8_t *);                \
    void __wrap_nettle_hmac_##hash##_set_key(struct hmac_##hash##_ctx *ctx,    \
                                             size_t n, const uint8_t *key)     \
    {                                                                          \
        on_key(ctx);                                                           \
        __real_nettle_hmac_##hash##_set_key(ctx, n, key);                      \
    }                                                                          \
    void __wrap_nettle_hmac_##hash##_update(struct hmac_##hash##_ctx *ctx,     \
                                            size_t n, const uint8_t *p)        \
    {                                                                          \
        on_update(ctx, n);                                                     \
        __real_nettle_hmac_##hash##_update(ctx, n, p);                         \
    }                                                                          \
    void __wrap_nettle_hmac_##hash##_digest(struct hmac_##hash##_ctx *ctx,     \
                                            size_t n, uint8_t *out)            \
    {                                                                          \
        on_digest(ctx, n);                                                     \
        __real_nettle_hmac_##hash##_digest(ctx, n, out);                       \
    }
WATCH(sha1)
WATCH(sha256)

void __real_nettle_ctr_crypt(const void *ctx, nettle_cipher_func *f,
                             size_t block, uint8_t *ctr, size_t n,
                             uint8_t *dst, const uint8_t *src);
void __wrap_nettle_ctr_crypt(const void *ctx, nettle_cipher_func *f,
                             size_t block, uint8_t *ctr, size_t n,
                             uint8_t *dst, const uint8_t *src)
{
    if (seen.n_aes < CALLS_MAX)
        seen.aes[seen.n_aes++] = n;
    __real_nettle_ctr_crypt(ctx, f, block, ctr, n, dst, src);
}

/* Keys of a table are counted in the order of their first use, too. */
static unsigned rank(const struct floor *f, size_t row)
{
    bool used[FLOOR_KEYS] = {false};
    unsigned n = 0;
    for (size_t i = 0; f->hmac[i].key != f->hmac[row].key; i++) {
        n += !used[f->hmac[i].key];
        used[f->hmac[i].key] = true;
    }
    return n;
}

/* The same, of what was seen: keys may be set before others are used. */
static unsigned rank_seen(unsigned row)
{
    bool used[KEYS_MAX] = {false};
    unsigned n = 0;
    for (unsigned i = 0; seen.hmac[i].key != seen.hmac[row].key; i++) {
        n += !used[seen.hmac[i].key];
        used[seen.hmac[i].key] = true;
    }
    return n;
}

static bool compare(const struct floor *f, enum floor_suite suite)
{
    bool same = seen.n_hmac == f->n && seen.n_aes == 2;
    for (unsigned i = 0; i < seen.n_hmac; i++) {
        bool row = i < f->n && rank(f, i) == rank_seen(i) &&
                   f->hmac[i].in[suite] == seen.hmac[i].in &&
                   f->hmac[i].out[suite] == seen.hmac[i].out;
        same = same && row;
        printf("  HMAC %2u  key %u  in %4zu  out %2zu%s\n", i + 1,
               rank_seen(i), seen.hmac[i].in, seen.hmac[i].out,
               row ? "" : "  differs from floor.c");
    }
    for (unsigned i = 0; i < seen.n_aes; i++) {
        bool row = i < 2 && f->aes[i][suite] == seen.aes[i];
        same = same && row;
        printf("  AES-CM   %zu%s\n", seen.aes[i],
               row ? "" : "  differs from floor.c");
    }
    return same;
}

static bool trace(struct rig *rig, enum rig_exchange which,
                  enum floor_suite suite)
{
    const struct floor *f =
        which == RIG_REQUEST ? &floor_request : &floor_resolve;
    rig_prepare(rig, which);
    memset(&seen, 0, sizeof seen);
    (void)rig_answer(rig, which, 0);
    printf("%s, suite %d: %u HMACs, %u keys set\n", f->name,
           suite == FLOOR_128 ? 128 : 256, seen.n_hmac, seen.n_keys);
    return compare(f, suite);
}

int main(void)
{
    static struct rig rig;
    bool good = true;
    for (enum floor_suite suite = FLOOR_128; suite < FLOOR_SUITES; suite++) {
        rig_open(&rig, suite == FLOOR_128 ? 128 : 256);
        good = trace(&rig, RIG_REQUEST, suite) && good;
        good = trace(&rig, RIG_RESOLVE, suite) && good;
        rig_close(&rig);
    }
    return good ? 0 : 1;
}
