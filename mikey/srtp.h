/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP and MIKEY: the security policy (SP), and master key and salt of each
 * crypto session (mikey-ticket.md 2.11, 3.5).
 */
#ifndef MIKEY_SRTP_H
#define MIKEY_SRTP_H

#include "mikey/exchange.h"
#include "mikey/look.h" /* mikey_srtp_policy_equal() */

/** mikey_srtp_aes_cm() with a master key as long as the suite's keys (R279). */
struct mikey_srtp_policy mikey_srtp_usual(const struct mikey_suite *suite);

/** mikey_srtp_aes_gcm() likewise. */
struct mikey_srtp_policy mikey_srtp_gcm(const struct mikey_suite *suite);

/** Whether the cipher authenticates by itself: SEED-CCM, -GCM, AES-GCM,
 *  ARIA-GCM. */
bool mikey_srtp_is_aead(uint8_t encr_alg);

/**
 * Read an SP.
 *
 * @return OK; E_UNSUPPORTED for another protocol or a parameter we do not
 *         know; E_FORMAT (a value that no parameter of its type has),
 *         E_DUPLICATE, E_SHORT; E_MISMATCH for parameters that contradict
 *         each other: an AEAD cipher with another salt than 12 bytes, an AES
 *         cipher with another PRF than AES-CM (RFC 7714) or ARIA with another
 *         than ARIA-CTR (RFC 8269), a tag too short for the ROC (RFC 4771)
 */
TS_MUST enum ts_err mikey_srtp_policy_read(const struct mikey_sp *sp,
                                           struct mikey_srtp_policy *p);

/**
 * Write the parameters of an SP: those that p->set names. The policies made
 * above name each that applies, also where it has its default, so that
 * nothing is left to the reader's idea of a default.
 *
 * @param w  gets the parameters; E_RANGE latches for a bit that is none
 */
void mikey_srtp_policy_write(struct ts_writer *w,
                             const struct mikey_srtp_policy *p);

/** Append one entry to a GENERIC-ID map. E_RANGE latches for more than 127
 *  policies, or a longer field than its length octets can tell. */
void mikey_put_cs(struct ts_writer *w, const struct mikey_cs *cs);

/** Find a crypto session by its CS ID; OK or E_NOTFOUND. */
TS_MUST enum ts_err mikey_cs_find(const struct mikey_hdr *hdr, uint8_t id,
                                  struct mikey_cs *cs);

/** RANDs and PRF that enter the keys of all sessions of a CSB. */
struct mikey_tek_base {
    uint8_t prf;           /* of HDR */
    struct ts_span rand_i; /* RANDRi of TRANSFER_INIT; empty unless H */
    struct ts_span rand_r; /* RANDRr of TRANSFER_RESP; empty unless G */
};

/**
 * Master key and salt of one crypto session (R151-R158).
 *
 * @param keys  session keys of the ticket, forked if I=1; searched by SPI
 * @param spi   the session's SPI
 * @param cs    CS ID
 * @param key   gets key_len bytes (K3), or the TEK as it is
 * @param salt  gets salt_len bytes, derived unless the key came with one
 * @return OK, E_NOTFOUND (no key of that SPI), E_UNSUPPORTED (a TEK or salt of
 *         another length)
 */
TS_MUST enum ts_err mikey_srtp_keys(const struct mikey_keys *keys,
                                    struct ts_span spi, uint8_t cs,
                                    const struct mikey_tek_base *base,
                                    uint8_t *key, size_t key_len, uint8_t *salt,
                                    size_t salt_len);

#endif
