/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto floor of an exchange: the HMAC and AES calls that RFC 6043 asks
 * of a KMS, with the lengths that they have for the messages of rig.h (flags
 * DEFGHINO, one TGK without salt), and nothing else. What the engine takes
 * beyond it is its own cost. The test "floor" proves that the engine makes
 * these calls and no others.
 *
 *     resolve: 28 HMACs under 9 keys, two AES-CM
 *     request: 21 HMACs under 6 keys, two AES-CM, and the random numbers that
 *              its keys are made of
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>

/** Column of a suite in the tables. */
enum floor_suite { FLOOR_128, FLOOR_256, FLOOR_SUITES };

enum floor_key {
    FLOOR_PSK,
    FLOOR_INIT_AUTH, /* from K1 */
    FLOOR_TPK,
    FLOOR_TICKET_AUTH, /* from K5 */
    FLOOR_MPK,
    FLOOR_MPK_R, /* from K6 */
    FLOOR_VR,    /* from K4 */
    FLOOR_TGK,
    FLOOR_RESP_AUTH, /* from K2 */
    FLOOR_KEYS
};

/** Bytes of each key. */
static const size_t floor_key_len[FLOOR_KEYS][FLOOR_SUITES] = {
    {32, 32}, {20, 32}, {32, 32}, {20, 32}, {16, 32},
    {16, 32}, {20, 32}, {16, 32}, {20, 32},
};

/**
 * One MAC, or one derivation. A derivation is the PRF of RFC 3830 4.1.2 for an
 * output of one block: HMAC(label), and HMAC over that result and the label.
 * A key is set where it is used first.
 */
struct floor_step {
    enum floor_key key;
    size_t label;             /* bytes; 0: a MAC */
    size_t in[FLOOR_SUITES];  /* of a MAC: bytes */
    size_t out[FLOOR_SUITES]; /* bytes that are used of the result */
};

/** All that one exchange takes. */
struct floor {
    const char *name;
    const struct floor_step *step;
    size_t n;
    size_t aes[2][FLOOR_SUITES]; /* bytes under AES-CM: ticket, response */
    size_t random[FLOOR_SUITES]; /* bytes: MPK, TGK, its SPI, RAND */
};

/** Bytes of an HMAC, and of a key of AES-CM. */
static const size_t floor_mac[FLOOR_SUITES] = {20, 32};
static const size_t floor_aes_key[FLOOR_SUITES] = {16, 32};

/* clang-format off */

/* Labels: constant, CS ID, CSB ID, selector, then what varies. */
#define FLOOR_LABEL     10
#define FLOOR_LABEL_K12 (FLOOR_LABEL + 1 + 1 + 32)      /* RANDRi, RANDRr */
#define FLOOR_LABEL_K56 (FLOOR_LABEL + 1 + 32)          /* RAND of ticket */
#define FLOOR_LABEL_K0  (FLOOR_LABEL + 2 + 19 + 1 + 32) /* IDRr, RANDRkms */

/** REQUEST_INIT_PSK to REQUEST_RESP. */
static const struct floor_step floor_request_steps[] = {
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {20, 32}},   /* K1: auth_key */
    {FLOOR_INIT_AUTH, 0, {218, 218}, {20, 32}},    /* V of REQUEST_INIT_PSK */
    {FLOOR_MPK, FLOOR_LABEL_K56, {0}, {16, 32}},   /* K6: MPKi */
    {FLOOR_MPK, FLOOR_LABEL_K56, {0}, {16, 32}},   /* K6: MPKr */
    {FLOOR_TPK, FLOOR_LABEL_K56, {0}, {16, 32}},   /* K5: encr_key */
    {FLOOR_TPK, FLOOR_LABEL_K56, {0}, {14, 14}},   /* K5: salt_key */
    {FLOOR_TPK, FLOOR_LABEL_K56, {0}, {20, 32}},   /* K5: auth_key */
    {FLOOR_TICKET_AUTH, 0, {222, 254}, {20, 32}},  /* V of the ticket */
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {16, 32}},   /* K2: encr_key */
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {14, 14}},   /* K2: salt_key */
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {20, 32}},   /* K2: auth_key */
    {FLOOR_RESP_AUTH, 0, {563, 667}, {20, 32}},    /* V of REQUEST_RESP */
};

/** RESOLVE_INIT_PSK to RESOLVE_RESP. */
static const struct floor_step floor_resolve_steps[] = {
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {20, 32}},   /* K1: auth_key */
    {FLOOR_INIT_AUTH, 0, {443, 511}, {20, 32}},    /* V of RESOLVE_INIT_PSK */
    {FLOOR_TPK, FLOOR_LABEL_K56, {0}, {20, 32}},   /* K5: auth_key */
    {FLOOR_TICKET_AUTH, 0, {222, 254}, {20, 32}},  /* V of the ticket */
    {FLOOR_TPK, FLOOR_LABEL_K56, {0}, {16, 32}},   /* K5: encr_key */
    {FLOOR_TPK, FLOOR_LABEL_K56, {0}, {14, 14}},   /* K5: salt_key */
    {FLOOR_MPK, FLOOR_LABEL_K56, {0}, {16, 32}},   /* K6: MPKi */
    {FLOOR_MPK, FLOOR_LABEL_K56, {0}, {16, 32}},   /* K6: MPKr */
    {FLOOR_MPK_R, FLOOR_LABEL, {0}, {20, 32}},     /* K4: key of Vr */
    {FLOOR_VR, 0, {25, 37}, {20, 32}},             /* Vr, over Vi */
    {FLOOR_MPK_R, FLOOR_LABEL_K0, {0}, {16, 32}},  /* K0: MPKr' */
    {FLOOR_TGK, FLOOR_LABEL_K0, {0}, {16, 32}},    /* K0: TGK' */
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {16, 32}},   /* K2: encr_key */
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {14, 14}},   /* K2: salt_key */
    {FLOOR_PSK, FLOOR_LABEL_K12, {0}, {20, 32}},   /* K2: auth_key */
    {FLOOR_RESP_AUTH, 0, {604, 732}, {20, 32}},    /* V of RESOLVE_RESP */
};

#define FLOOR_COUNT(steps) (sizeof(steps) / sizeof(steps)[0])
#define FLOOR_AES          {{47, 79}, {69, 117}} /* 2 and 3 Key Data */

static const struct floor floor_request = {
    "request", floor_request_steps, FLOOR_COUNT(floor_request_steps), FLOOR_AES,
    {16 + 16 + 4 + 32, 32 + 32 + 4 + 32}
};
static const struct floor floor_resolve = {
    "resolve", floor_resolve_steps, FLOOR_COUNT(floor_resolve_steps), FLOOR_AES,
    {0, 0} /* RANDRkms is left to the engine */
};

/* clang-format on */

/** Do it once, on keys and messages of constant content. */
void floor_run(const struct floor *f, enum floor_suite suite);

#endif
