/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of MIKEY share.
 */
#ifndef FUZZ_MIKEY_H
#define FUZZ_MIKEY_H

#include <stdlib.h>

#include "tool/example.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

/** A view lies inside another one, or is not there. */
static inline void must_be_inside(struct ts_span s, struct ts_span whole)
{
    MUST_HOLD(!s.p || s.n == 0 ||
              (s.p >= whole.p && s.p + s.n <= whole.p + whole.n));
}

/** Keys that were taken out of a KEMAC keep what its header promises. */
static inline void must_be_keys(const struct mikey_keys *keys, unsigned mpks)
{
    const struct ts_span plain = ts_span(keys->plain, keys->len);
    MUST_HOLD(keys->n >= mpks && keys->n <= MIKEY_KEYS_MAX);
    for (size_t i = 0; i < keys->n; i++) {
        const struct mikey_key *k = &keys->k[i];
        MUST_HOLD((k->type == MIKEY_MPK) == (i < mpks));
        MUST_HOLD(k->key.n >= 16 && k->key.n <= TS_KEY_MAX);
        MUST_HOLD(k->kv == MIKEY_KV_SPI && k->spi.n > 0);
        must_be_inside(k->key, plain);
        must_be_inside(k->salt, plain);
        must_be_inside(k->spi, plain);
    }
}

/** Derive the keys of a crypto session from each key. */
static inline void derive_all(const struct mikey_keys *keys)
{
    const struct mikey_tek_base base = {MIKEY_PRF_SHA256, ts_span("i", 1),
                                        ts_span("r", 1)};
    uint8_t key[16], salt[14];
    for (size_t i = 0; i < keys->n; i++) {
        enum ts_err err = mikey_srtp_keys(keys, keys->k[i].spi, 1, &base, key,
                                          sizeof key, salt, sizeof salt);
        MUST_HOLD(err == TS_OK || err == TS_E_UNSUPPORTED ||
                  keys->k[i].type == MIKEY_MPK);
    }
}

#endif
