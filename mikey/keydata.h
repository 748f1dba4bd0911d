/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key Data sub-payloads and the KEMAC around them (RFC 3830 6.2, 6.13; RFC
 * 6043 6.2). In MIKEY-TICKET each key has an SPI (R213) and the KEMAC's own
 * MAC is NULL (R35, R121, R168, R295).
 */
#ifndef MIKEY_KEYDATA_H
#define MIKEY_KEYDATA_H

#include "mikey/build.h"

/** How many keys, and how many bytes of Key Data, we handle in one KEMAC. */
#define MIKEY_KEYS_MAX   16
#define MIKEY_KEYS_BYTES 2048

/** A chain of keys. Views point into plain. */
struct mikey_keys {
    size_t n;
    struct mikey_key k[MIKEY_KEYS_MAX];
    size_t len;
    uint8_t plain[MIKEY_KEYS_BYTES];
};

/**
 * Read Key Data sub-payloads.
 *
 * @param plain  the decrypted field, used up exactly; views go into it
 * @param keys   n and k are filled in
 * @return OK, E_SHORT, E_TRAILING, E_UNKNOWN, E_UNSUPPORTED (too many keys)
 */
TS_MUST enum ts_err mikey_keys_read(struct ts_span plain,
                                    struct mikey_keys *keys);

/**
 * Decrypt a KEMAC and read its keys as MIKEY-TICKET has them: an MPK first
 * (a second one if mpks is 2), then session keys; each of 16 to TS_KEY_MAX
 * bytes (R271) and with an SPI.
 *
 * @param kemac  as read from an authenticated message
 * @param suite  what the KEMAC must be encrypted with (R278)
 * @param c      its keys
 * @param csb    CSB ID of the message, 0xffffffff in a base ticket
 * @param t      timestamp of the message that carries it
 * @param mpks   how many MPKs must stand first: 0, 1 or 2
 * @param keys   filled in; mikey_keys_wipe() it on every path
 * @return OK, E_UNSUPPORTED, E_FORMAT and the errors of mikey_keys_read()
 */
TS_MUST enum ts_err mikey_kemac_open(const struct mikey_kemac *kemac,
                                     const struct mikey_suite *suite,
                                     const struct mikey_cipher *c, uint32_t csb,
                                     uint64_t t, unsigned mpks,
                                     struct mikey_keys *keys);

/** Wipe. */
void mikey_keys_wipe(struct mikey_keys *keys);

/** Append one Key Data sub-payload (KV SPI); last: nothing follows it. */
void mikey_put_key(struct ts_writer *w, const struct mikey_key *k, bool last);

/** Begin a KEMAC payload (Encr alg, length); returns the mark. */
size_t mikey_kemac_begin(struct mikey_build *b, uint8_t encr);

/**
 * Encrypt all Key Data that was put since mikey_kemac_begin(), in place, and
 * close the payload with a NULL MAC. NULL cipher: encryption NULL, as in TP.
 */
void mikey_kemac_end(struct mikey_build *b, size_t mark,
                     const struct mikey_suite *suite,
                     const struct mikey_cipher *c, uint32_t csb, uint64_t t);

#endif
