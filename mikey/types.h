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

#endif
