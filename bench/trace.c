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
#include <stdlib.h>

#include "bench/floor.h"
#include "bench/rig.h"

#define CALLS_MAX 128
#define KEYS_MAX  16

/** An HMAC. */
struct call {
    unsigned key;
    size_t in, out; /* bytes */
};

/* What was seen. A key is known by its context and by when it was set. */
static struct {
    bool on;
    unsigned n_keys, n_hmac, n_aes;
    const void *ctx[KEYS_MAX];
    size_t key_len[KEYS_MAX];
    size_t in[KEYS_MAX]; /* bytes since the last result */
    struct call hmac[CALLS_MAX];
    size_t aes[CALLS_MAX];
} seen;

/* The newest key in that context. */
static unsigned key_of(const void *ctx)
{
    unsigned i = seen.n_keys;
    while (i > 0 && seen.ctx[i - 1] != ctx)
        i--;
    if (i == 0)
        abort(); /* used and never set, or more keys than we can tell */
    return i - 1;
}

static void on_key(const void *ctx, size_t n)
{
    if (!seen.on || seen.n_keys == KEYS_MAX)
        return;
    seen.ctx[seen.n_keys] = ctx;
    seen.key_len[seen.n_keys] = n;
    seen.in[seen.n_keys++] = 0;
}

static void on_update(const void *ctx, size_t n)
{
    if (seen.on)
        seen.in[key_of(ctx)] += n;
}

static void on_digest(const void *ctx, size_t n)
{
    if (!seen.on)
        return;
    unsigned key = key_of(ctx);
    if (seen.n_hmac < CALLS_MAX)
        seen.hmac[seen.n_hmac++] = (struct call){key, seen.in[key], n};
    seen.in[key] = 0;
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
        on_key(ctx, n);                                                        \
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
                             size_t block, uint8_t *ctr, size_t n, uint8_t *dst,
                             const uint8_t *src);
void __wrap_nettle_ctr_crypt(const void *ctx, nettle_cipher_func *f,
                             size_t block, uint8_t *ctr, size_t n, uint8_t *dst,
                             const uint8_t *src)
{
    if (seen.on && seen.n_aes < CALLS_MAX)
        seen.aes[seen.n_aes++] = n;
    __real_nettle_ctr_crypt(ctx, f, block, ctr, n, dst, src);
}

/* A table with its derivations taken apart: what should be seen. */
static unsigned expand(const struct floor *f, enum floor_suite suite,
                       struct call *out)
{
    unsigned n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct floor_step *s = &f->step[i];
        size_t mac = floor_mac[suite], in = s->in[suite];
        if (s->label) {
            out[n++] = (struct call){s->key, s->label, mac};
            in = mac + s->label;
        }
        out[n++] = (struct call){s->key, in, s->out[suite]};
    }
    return n;
}

/* Keys are numbered by their first use, so that both lists agree. */
static void rank_keys(struct call *call, unsigned n, const size_t *len,
                      size_t *ranked)
{
    unsigned rank[CALLS_MAX], keys = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned first = 0;
        while (call[first].key != call[i].key)
            first++;
        rank[i] = first < i ? rank[first] : keys;
        if (first == i)
            ranked[keys++] = len[call[i].key];
    }
    for (unsigned i = 0; i < n; i++)
        call[i].key = rank[i];
}

static bool compare(const struct floor *f, enum floor_suite suite)
{
    struct call want[CALLS_MAX];
    size_t want_len[KEYS_MAX] = {0}, seen_len[KEYS_MAX] = {0};
    size_t table_len[FLOOR_KEYS];
    unsigned n = expand(f, suite, want);
    for (unsigned i = 0; i < FLOOR_KEYS; i++)
        table_len[i] = floor_key_len[i][suite];
    rank_keys(want, n, table_len, want_len);
    rank_keys(seen.hmac, seen.n_hmac, seen.key_len, seen_len);

    bool same = n == seen.n_hmac && seen.n_aes == 2;
    for (unsigned i = 0; i < seen.n_hmac; i++) {
        const struct call *c = &seen.hmac[i];
        bool row = i < n && c->key == want[i].key && c->in == want[i].in &&
                   c->out == want[i].out &&
                   seen_len[c->key] == want_len[c->key];
        same = same && row;
        printf("  HMAC %2u  key %u of %2zu  in %4zu  out %2zu%s\n", i + 1,
               c->key + 1, seen_len[c->key], c->in, c->out,
               row ? "" : "  differs from floor.h");
    }
    for (unsigned i = 0; i < seen.n_aes; i++) {
        bool row = i < 2 && f->aes[i][suite] == seen.aes[i];
        same = same && row;
        printf("  AES-CM   %zu%s\n", seen.aes[i],
               row ? "" : "  differs from floor.h");
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
    seen.on = true;
    (void)rig_answer(rig, which, 0);
    seen.on = false;
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
