/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a chain of Key Data: what is read is written back to the same
 * octets, and what a KEMAC holds is as MIKEY-TICKET wants it.
 */
#include "fuzz/mikey.h"

static void write_back(const struct mikey_keys *keys, struct ts_span plain)
{
    static uint8_t buf[70000];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    for (size_t i = 0; i < keys->n; i++) {
        if (keys->k[i].kv != MIKEY_KV_SPI)
            return; /* the only kind that we write */
        mikey_put_key(&w, &keys->k[i], i + 1 == keys->n);
    }
    MUST_HOLD(!w.err && ts_span_equal(ts_written(&w), plain));
}

static void through_kemac(struct ts_span plain, unsigned mpks)
{
    static const struct mikey_cipher c;
    static uint8_t buf[MIKEY_KEYS_BYTES];
    static struct mikey_keys keys;
    const struct mikey_suite *suite = mikey_suite_bits(256);
    if (plain.n > sizeof buf)
        return;
    memcpy(buf, plain.p, plain.n);
    mikey_aes_cm(ts_span(c.key, 32), c.salt, 1, 2, buf, plain.n);
    const struct mikey_kemac kemac = {suite->encr, MIKEY_AUTH_NULL,
                                      ts_span(buf, plain.n), ts_span(NULL, 0)};
    if (mikey_kemac_open(&kemac, suite, &c, 1, 2, mpks, &keys) == TS_OK) {
        must_be_keys(&keys, mpks);
        derive_all(&keys);
    }
    mikey_keys_wipe(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct mikey_keys keys;
    if (n == 0 || n > 65535)
        return 0;
    if (mikey_keys_read(ts_span(data, n), &keys) == TS_OK)
        write_back(&keys, ts_span(data, n));
    for (unsigned mpks = 0; mpks <= 2; mpks++)
        through_kemac(ts_span(data, n), mpks);
    return 0;
}
