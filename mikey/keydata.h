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
 * @param suite  what the KEMAC must be encrypted with (R278); where it is
 *               AES-CM-128, AES-KW-128 is taken, too
 * @param c      its keys
 * @param csb    CSB ID of the message, 0xffffffff in a base ticket
 * @param t      timestamp of the message that carries it
 * @param mpks   how many MPKs must stand first: 0, 1 or 2
 * @param keys   filled in; mikey_keys_wipe() it on every path
 * @return OK, E_UNSUPPORTED (also for session keys that the suite is too weak
 *         for: R279), E_FORMAT, E_AUTH (AES-KW: does not unwrap) and the
 *         errors of mikey_keys_read()
 */
TS_MUST enum ts_err mikey_kemac_open(const struct mikey_kemac *kemac,
                                     const struct mikey_suite *suite,
                                     const struct mikey_cipher *c, uint32_t csb,
                                     uint64_t t, unsigned mpks,
                                     struct mikey_keys *keys);

/**
 * Read the keys out of keys->plain, as MIKEY-TICKET has them: an MPK first
 * (see mikey_kemac_open()), each with an SPI of its own and 16 to TS_KEY_MAX
 * bytes.
 *
 * @return OK, E_FORMAT, E_UNSUPPORTED, and the errors of mikey_keys_read();
 *         on failure keys are wiped
 */
TS_MUST enum ts_err mikey_keys_parse(struct mikey_keys *keys, unsigned mpks);

/** Copy keys with their octets. */
void mikey_keys_copy(struct mikey_keys *to, const struct mikey_keys *from);

/** The session key with that SPI; NULL for none, and for an MPK. */
const struct mikey_key *mikey_keys_find(const struct mikey_keys *keys,
                                        struct ts_span spi);

/** A TEK, with or without salt: what is used as it is. */
static inline bool mikey_is_tek(const struct mikey_key *k)
{
    return k->type == MIKEY_TEK || k->type == MIKEY_TEK_SALT;
}

/** A TGK, with or without salt: what is forked. */
static inline bool mikey_is_tgk(const struct mikey_key *k)
{
    return k->type == MIKEY_TGK || k->type == MIKEY_TGK_SALT;
}

/**
 * Fork all TGKs, in place (K0; R127, R137, R150). TEKs and GTGKs stay as they
 * are (R142, R212).
 *
 * @param prf   PRF function of the Ticket Policy (R218)
 * @param id    ID data of IDRr, at most MIKEY_ID_MAX bytes
 * @param rand  RANDRkms
 */
void mikey_keys_fork(struct mikey_keys *keys, uint8_t prf, struct ts_span id,
                     struct ts_span rand);

/** Wipe. */
void mikey_keys_wipe(struct mikey_keys *keys);

/** Append one Key Data sub-payload (KV SPI); last: nothing follows it. */
void mikey_put_key(struct ts_writer *w, const struct mikey_key *k, bool last);

/**
 * The same with the keys of a message, or of a ticket.
 *
 * @param p  begun with the right key, selector and RANDs
 * @param t  timestamp next to the KEMAC
 */
TS_MUST enum ts_err mikey_open_keys(const struct mikey_kemac *kemac,
                                    struct mikey_protect *p,
                                    struct mikey_time t, unsigned mpks,
                                    struct mikey_keys *keys);

/**
 * Write a KEMAC payload with the keys given, encrypted with what p and its
 * suite say. With AES-KW, which encrypts a multiple of eight bytes only, the
 * SPI of an MPK that stands first is lengthened: it has no use of its own
 * (AMB 10, AMB 11); where there is no MPK, E_RANGE latches.
 */
void mikey_build_keys(struct mikey_build *b, struct mikey_protect *p,
                      struct mikey_time t, const struct mikey_key *keys,
                      size_t n);

/** Begin a KEMAC payload (Encr alg, length); returns the mark. */
size_t mikey_kemac_begin(struct mikey_build *b, uint8_t encr);

/**
 * Encrypt all Key Data that was put since mikey_kemac_begin(), in place, and
 * close the payload with a NULL MAC (R35, R121, R168, R295). NULL cipher:
 * encryption NULL, as in TP. E_RANGE latches for what AES-KW cannot encrypt.
 */
void mikey_kemac_end(struct mikey_build *b, size_t mark,
                     const struct mikey_suite *suite,
                     const struct mikey_cipher *c, uint32_t csb, uint64_t t);

#endif
