/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a KMS say to each other over rings (service/ring.h).
 * Each record is one of these headers, in host order, and a body behind it.
 * The receiver copies a record out and checks its length and every field
 * before it believes any: each of these senders may have been captured.
 *
 *     front --> engine   kms_ask    body: the MIKEY message, raw
 *     engine --> front   kms_reply  body: the MIKEY message, raw
 *     engine --> store   kms_query  body: a key id, or nothing
 *     store --> engine   kms_found  body: kms_user_rec or kms_ring_rec...
 *
 * What engine and audit say to each other stands in service/audit.h.
 */
#ifndef KMS_MSG_H
#define KMS_MSG_H

#include "base/bytes.h"

/** Largest MIKEY message that the front takes (413 above). */
#define KMS_BODY_MAX 65536
/** Largest message that the engine makes. */
#define KMS_REPLY_MAX 65536
/** Longest key id (IDRpsk) and longest canonical identity, in bytes. */
#define KMS_KEYID_MAX 255
#define KMS_ID_MAX    255
/** A key sealed under the store key: nonce 12, key up to 64, tag 16. */
#define KMS_SEALED_MAX 92

enum kms_ask_kind {
    KMS_ASK_REQUEST = 1, /* requesttype=ticketrequest */
    KMS_ASK_RESOLVE = 2, /* requesttype=ticketresolve */
};

/** front -> engine */
struct kms_ask {
    uint64_t id;   /* the front's own number, comes back in kms_reply */
    uint32_t len;  /* of the body */
    uint16_t kind; /* enum kms_ask_kind */
    uint16_t zero;
};

/** engine -> front. id 0: the engine has (re)started, asks before are lost. */
struct kms_reply {
    uint64_t id;
    uint32_t len;
    uint16_t status; /* 200, 400 or 503 */
    uint16_t retry;  /* seconds for Retry-After, 0 for none */
};

enum kms_query_kind {
    KMS_QUERY_USER = 1, /* body: key id; answer: struct kms_user_rec */
    KMS_QUERY_KEYS = 2, /* answer: a KMS_FOUND_KEY each, then KMS_FOUND_NONE */
    KMS_QUERY_TOLD = 3, /* answer to a KMS_FOUND_CHANGED: caches are dropped */
};

/** engine -> store */
struct kms_query {
    uint64_t id; /* the engine's own number, comes back in kms_found */
    uint32_t len;
    uint16_t kind; /* enum kms_query_kind */
    uint16_t zero;
};

enum kms_found_kind {
    KMS_FOUND_USER = 1,    /* body: struct kms_user_rec */
    KMS_FOUND_KEY = 2,     /* body: struct kms_key_rec */
    KMS_FOUND_NONE = 3,    /* no such user; or the end of the keys, body:
                              how many there are, uint32_t */
    KMS_FOUND_FAILED = 4,  /* the store cannot answer now */
    KMS_FOUND_CHANGED = 5, /* unasked: users or keys changed, drop caches;
                              acknowledge with KMS_QUERY_TOLD and this id */
};

/** store -> engine */
struct kms_found {
    uint64_t id;
    uint32_t len;
    uint16_t kind; /* enum kms_found_kind */
    uint16_t zero;
};

/** A user's credential as it stands in the store. */
struct kms_user_rec {
    uint64_t user; /* row number */
    uint16_t identity_len;
    uint16_t sealed_len;
    uint8_t identity[KMS_ID_MAX + 1]; /* canonical form of the IMPU */
    uint8_t sealed[KMS_SEALED_MAX];   /* PSK, bound to the key id */
};

enum kms_key_state {
    KMS_KEY_USE = 1,     /* issue and resolve */
    KMS_KEY_RESOLVE = 2, /* resolve only */
};

/** A ticket key (TPK) as it stands in the store. */
struct kms_key_rec {
    uint8_t id[16]; /* random name, goes into the ticket's IDRpsk */
    uint16_t state; /* enum kms_key_state */
    uint16_t sealed_len;
    uint8_t sealed[KMS_SEALED_MAX]; /* 32 bytes, bound to the id */
};

#endif
