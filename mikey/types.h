/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values that MIKEY messages carry, as plain structs. Views are borrowed:
 * they point into the message, or the caller's memory, that they came from.
 */
#ifndef MIKEY_TYPES_H
#define MIKEY_TYPES_H

#include "base/bytes.h"
#include "base/err.h"
#include "mikey/code.h"

/** Longest key, in bytes (512 bits); none is shorter than 16 (R271). */
#define MIKEY_KEY_MAX 64

/**
 * Source of random bytes: fills n bytes at buf, or fails. libmikey draws none
 * by itself.
 */
typedef enum ts_err (*mikey_random_fn)(void *arg, uint8_t *buf, size_t n);

/** T, or the timestamp of TR. */
struct mikey_time {
    uint8_t type;   /* enum mikey_ts_type */
    uint64_t value; /* 64 bits as in the IV of AES-CM (mikey-ticket.md 3.6) */
};

/** ID, IDR and CERT. */
struct mikey_id {
    uint8_t role;        /* IDR only: enum mikey_id_role */
    uint8_t type;        /* enum mikey_id_type or mikey_cert_type */
    struct ts_span data; /* p is NULL when the payload is not there */
};

/** Hash of the certificate whose key a PKE is encrypted with. */
struct mikey_chash {
    uint8_t func; /* enum mikey_hash_func */
    struct ts_span data;
};

/** What kind of ticket it is: Ticket Type, Subtype and Version. */
struct mikey_kind {
    uint16_t type;
    uint8_t subtype, version;
};

/** One key of a KEMAC. */
struct mikey_key {
    uint8_t type; /* enum mikey_key_type */
    uint8_t kv;   /* enum mikey_kv */
    struct ts_span key;
    struct ts_span salt;     /* types with +SALT */
    struct ts_span spi;      /* KV SPI */
    struct ts_span from, to; /* KV INTERVAL */
};

/**
 * An SRTP policy with its defaults filled in; lengths in bytes. What SRTP and
 * SRTCP can have apart from each other (RFC 4771) is filled in for both.
 */
struct mikey_srtp_policy {
    uint32_t set;     /* which parameter types were there: bit 1 << type */
    uint8_t encr_alg; /* enum mikey_srtp_encr */
    uint8_t encr_key; /* master key length, too */
    uint8_t auth_alg; /* enum mikey_srtp_auth; of SRTP */
    uint8_t auth_key;
    uint8_t salt; /* master salt length */
    uint8_t prf;  /* enum mikey_srtp_prf */
    uint32_t kdr; /* key derivation rate, 0 once */
    bool srtp_encr, srtcp_encr, srtp_auth;
    uint8_t fec;
    uint8_t tag; /* authentication tag length of SRTP */
    uint8_t prefix;
    uint16_t roc_rate; /* a packet in how many carries the ROC (RFC 4771) */
    uint8_t srtcp_auth_alg, srtcp_auth_key, srtcp_tag;
    uint8_t aead_tag; /* RFC 7714 */
};

/** The two ends of a crypto session bundle, by their roles in the Transfer. */
enum mikey_side { MIKEY_INITIATOR, MIKEY_RESPONDER };

#endif
