/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alice and Bob, who talk RFC 3830 without a KMS: fixed inputs, a toy for
 * public keys, and messages taken apart and put together again.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "mikey/classic.h"
#include "tests/scene.h"

#define PAIR_CSB 0x66666666u

/** A view of bytes written out. */
#define OCTETS(...)                                                            \
    ts_span((const uint8_t[]){__VA_ARGS__},                                    \
            sizeof((const uint8_t[]){__VA_ARGS__}))

/** The statement that follows, for each suite. */
#define EACH_SUITE(p)                                                          \
    for (unsigned i_ = 0; i_ < 2; i_++)                                        \
        if (pair_init(&(p), mikey_suite_bits(i_ ? 256 : 128)), true)

/** Two views show the same. */
#define SAME(span, want)                                                       \
    do {                                                                       \
        const struct ts_span a_ = (span), b_ = (want);                         \
        assert_int_equal(a_.n, b_.n);                                          \
        if (a_.n)                                                              \
            assert_memory_equal(a_.p, b_.p, a_.n);                             \
    } while (0)

/** Inputs. Views are of constants or of this struct. */
struct pair {
    const struct mikey_suite *suite;
    struct ts_key psk, env_key, rand;
    struct mikey_id alice, bob, eve;
    struct mikey_time t, later;
    struct mikey_key keys[2];     /* TGK with salt, TEK with salt; SPIs 1, 2 */
    uint8_t map[18];              /* SRTP-ID: Alice's SSRC, and an unknown */
    struct mikey_sp sp;           /* AES-CM and HMAC-SHA1-80, policy 0 */
    uint8_t sp_params[64];        /* behind it */
    struct mikey_id alice_cert;   /* what a toy key signs for */
    struct mikey_signer signer;   /* Alice's */
    struct mikey_verifier trust;  /* believes all toy certificates */
    struct mikey_sealer to_bob;   /* with a CHASH */
    struct mikey_opener bobs_key; /* undoes it */
};

/** Set the inputs for a suite. p must not be moved afterwards. */
void pair_init(struct pair *p, const struct mikey_suite *suite);

/** An initial PSK message with all there is, for the caller to change. */
struct mikey_classic_new pair_psk(const struct pair *p);

/** The same for a PK message. */
struct mikey_classic_new pair_pk(const struct pair *p);

/** What Alice or Bob knows: the PSK and both names. */
struct mikey_classic pair_knows(const struct pair *p);

/** Build; fails the test if that fails. */
struct bytes pair_build(void (*build)(struct ts_writer *w,
                                      const struct mikey_classic_new *in),
                        const struct mikey_classic_new *in);

/** The error that latches in a builder. */
enum ts_err pair_refuses(void (*build)(struct ts_writer *w,
                                       const struct mikey_classic_new *in),
                         const struct mikey_classic_new *in);

/** Build an answer with the map given; fails the test if that fails. */
struct bytes pair_answer(const struct mikey_classic *x,
                         const struct mikey_msg *init, struct mikey_id id_r,
                         struct ts_span map);

/** Read; fails the test when it is refused. */
void pair_read(const struct bytes *b, struct mikey_msg *m);

/** Read and open a PSK message. */
enum ts_err pair_open_psk(const struct mikey_classic *x, struct ts_span raw,
                          struct mikey_keys *keys);

/** Read and open a verification message. */
enum ts_err pair_open_resp(const struct mikey_classic *x,
                           const struct mikey_msg *init, struct ts_span raw);

/** The keys got are those, in every field. */
void pair_same_keys(const struct mikey_keys *got, const struct mikey_key *want,
                    size_t n);

/** A payload without its next payload octet; SIGN whole. */
struct part {
    uint8_t type;
    struct bytes body;
};

#define PARTS_MAX 16

/** A message taken apart. */
struct parts {
    struct bytes hdr; /* with the map */
    size_t n;
    struct part part[PARTS_MAX];
};

/** Take a message apart. */
void parts_of(const struct bytes *b, struct parts *p);

/** Put it together. */
struct bytes parts_join(const struct parts *p);

/** Put a payload in at place i. */
void parts_insert(struct parts *p, size_t i, uint8_t type, struct ts_span body);

/** Take one out. */
void parts_remove(struct parts *p, size_t i);

/** Place of the first payload of a type; fails the test without one. */
size_t parts_find(const struct parts *p, uint8_t type);

/**
 * A message key, with a label put together by hand.
 *
 * @param constant  one of 4.1.4
 * @param out       gets n bytes
 */
void pair_message_key(const struct pair *p, const struct ts_key *secret,
                      uint32_t constant, uint8_t *out, size_t n);

#define PAIR_AUTH 0x2D22AC75u

/** Compute the MAC at the end of a PSK message, V or Error anew. */
void pair_sign(const struct pair *p, const struct ts_key *secret,
               struct bytes *b, struct ts_span tail);

/** Compute a toy signature at the end of a message anew. */
void pair_sign_toy(const char *who, struct bytes *b, struct ts_span tail);

/** Bytes of each toy signature. */
#define TOY_SIGN 24

#endif
