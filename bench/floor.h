/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto floor of an exchange: the HMAC and AES calls that the protocol
 * demands of the KMS, with the lengths they have in the messages of rig.h, and
 * nothing else. What the engine takes beyond it is its own cost. bench-trace
 * proves that the engine makes these calls and no others.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>

/** Column of a suite in the tables. */
enum floor_suite { FLOOR_128, FLOOR_256, FLOOR_SUITES };

/** The keys, in the order of use; each is set once. */
enum floor_key {
    FLOOR_PSK,         /* PRF: K1, K2 */
    FLOOR_INIT_AUTH,   /* from K1: V of the initial message */
    FLOOR_TPK,         /* PRF: K5 */
    FLOOR_TICKET_AUTH, /* from K5: V of the ticket */
    FLOOR_MPK,         /* PRF: K6 */
    FLOOR_MPK_R,       /* PRF: K4, K0 */
    FLOOR_VR,          /* from K4: Vr of the Initiator Data */
    FLOOR_TGK,         /* PRF: K0 */
    FLOOR_RESP_AUTH,   /* from K2: V of the response */
    FLOOR_KEYS
};

/** One HMAC. A key that was not used before is set first. */
struct floor_hmac {
    enum floor_key key;
    size_t in[FLOOR_SUITES];  /* bytes of its message */
    size_t out[FLOOR_SUITES]; /* bytes that are taken of its result */
};

/** All that one exchange takes. */
struct floor {
    const char *name;
    size_t n;
    const struct floor_hmac *hmac;
    size_t key[FLOOR_SUITES];    /* bytes of a key of AES-CM */
    size_t aes[2][FLOOR_SUITES]; /* bytes under AES-CM: ticket, response */
};

extern const struct floor floor_request, floor_resolve;

/** Do it once, on keys and messages of constant content. */
void floor_run(const struct floor *f, enum floor_suite suite);

#endif
