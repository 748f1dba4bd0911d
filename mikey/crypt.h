/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The primitives as MIKEY names them, on nettle: HMAC, the PRF of RFC 3830
 * 4.1.2 in both kinds, AES in counter mode, AES key wrap. A key is set once
 * and used many times; nothing allocates.
 */
#ifndef MIKEY_CRYPT_H
#define MIKEY_CRYPT_H

#include <nettle/hmac.h>

#include "base/secret.h"
#include "mikey/code.h"

/**
 * A large variable on the hot path that is written before it is read: the
 * compiler's zeroing of all variables would cost more than its use.
 */
#define MIKEY_UNSET __attribute__((uninitialized))

/** Longest MAC, and longest PRF output of ours, in bytes. */
#define MIKEY_MAC_MAX 32

/**
 * A set of algorithms that belong together (R276-R279): PRF, KEMAC
 * encryption and MAC of one strength are never mixed with another's.
 */
struct mikey_suite {
    uint16_t bits;    /* 128 or 256 */
    uint8_t prf;      /* enum mikey_prf_func */
    uint8_t encr;     /* enum mikey_encr */
    uint8_t auth;     /* enum mikey_auth_alg */
    uint8_t encr_key; /* bytes */
    uint8_t auth_key; /* bytes */
    uint8_t mac;      /* bytes */
};

/** Bytes of the salt_key of AES-CM; AES-KW uses the first eight. */
#define MIKEY_SALT_LEN    14
#define MIKEY_KW_SALT_LEN 8

/** The suite with that PRF function, NULL for an unknown one. */
const struct mikey_suite *mikey_suite_prf(uint8_t prf);

/** The suite of 128 or 256 bits, NULL for other numbers. */
const struct mikey_suite *mikey_suite_bits(unsigned bits);

/** The 128-bit suite with AES-KW-128 in place of AES-CM in its KEMACs. */
const struct mikey_suite *mikey_suite_kw(void);

/** Bytes of a MAC: 0, 20 or 32 (table E2); false for an unknown algorithm. */
bool mikey_mac_len(uint8_t auth_alg, size_t *len);

/** An HMAC under a key that was set. */
struct mikey_hmac {
    uint8_t alg; /* enum mikey_auth_alg, never NULL */
    union {
        struct hmac_sha1_ctx sha1;
        struct hmac_sha256_ctx sha256;
    } u;
};

/**
 * Set the key.
 *
 * @param alg  MIKEY_AUTH_SHA1 or MIKEY_AUTH_SHA256
 * @param key  any number of bytes
 */
void mikey_hmac_key(struct mikey_hmac *h, uint8_t alg, struct ts_span key);

/** Add bytes to the input. */
void mikey_hmac_add(struct mikey_hmac *h, struct ts_span s);

/** Give n bytes of MAC (n up to 20 or 32) and start anew with the same key. */
void mikey_hmac_end(struct mikey_hmac *h, uint8_t *mac, size_t n);

/** A PRF keyed with one inkey: its blocks of 256 bits, each as an HMAC. */
struct mikey_prf {
    uint8_t n;
    struct mikey_hmac h[(TS_KEY_MAX + 31) / 32];
};

/**
 * Key the PRF (RFC 3830 4.1.2, RFC 6043 6.1: R193-R195).
 *
 * @param func   MIKEY_PRF_SHA1 or MIKEY_PRF_SHA256
 * @param inkey  1 to TS_KEY_MAX bytes
 */
void mikey_prf_key(struct mikey_prf *prf, uint8_t func, struct ts_span inkey);

/**
 * PRF(inkey, label, n).
 *
 * @param label  at most 1024 bytes
 * @param out    gets n bytes, at most 255
 */
void mikey_prf(struct mikey_prf *prf, struct ts_span label, uint8_t *out,
               size_t n);

/** Wipe. */
void mikey_prf_wipe(struct mikey_prf *prf);

/**
 * AES-CM of a KEMAC (RFC 3830 4.2.3; mikey-ticket.md 3.6), in place; the same
 * call encrypts and decrypts.
 *
 * @param key   16 or 32 bytes
 * @param salt  salt_key
 * @param csb   CSB ID, 0xffffffff in a base ticket (R297)
 * @param t     the 64-bit timestamp next to the KEMAC (AMB 5, reading A)
 */
void mikey_aes_cm(struct ts_span key, const uint8_t salt[static MIKEY_SALT_LEN],
                  uint32_t csb, uint64_t t, uint8_t *data, size_t n);

/**
 * AES-KW-128 of a KEMAC: RFC 3394 with the salt as initial value (3.7).
 *
 * @param key    16 bytes
 * @param iv     8 bytes of salt_key
 * @param plain  a multiple of 8 bytes, at least 16
 * @param out    gets n + 8 bytes; not where plain stands
 * @return OK, or E_RANGE
 */
TS_MUST enum ts_err mikey_aes_wrap(const uint8_t key[static 16],
                                   const uint8_t iv[static 8],
                                   struct ts_span plain, uint8_t *out);

/**
 * The reverse. The recovered initial value is compared in constant time.
 *
 * @param wrapped  a multiple of 8 bytes, at least 24
 * @param out      gets 8 bytes less; not where wrapped stands
 * @return OK, E_RANGE, or E_AUTH
 */
TS_MUST enum ts_err mikey_aes_unwrap(const uint8_t key[static 16],
                                     const uint8_t iv[static 8],
                                     struct ts_span wrapped, uint8_t *out);

#endif
