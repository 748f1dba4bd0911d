/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The independent vectors (docs/vectors/README.md): an exchange out of its
 * JSON, each message opened as its receiver does, compared with the keys that
 * stand beside it, and built again. Nothing here ends a test: what does not
 * hold is an error and a line of text, so that tests/differ.c can use it, too.
 */
#ifndef TESTS_VECTOR_H
#define TESTS_VECTOR_H

#include <jansson.h>

#include "mikey/kms.h"
#include "mikey/srtp.h"

#define VECTOR_MESSAGES 40
#define VECTOR_KEYS     256
#define VECTOR_MEMORY   (1 << 20)
#define VECTOR_WHY      320
#define VECTOR_NOW      UINT64_C(1700000000) /* for certificates */
#define VECTOR_SHOWN    160                  /* octets of a value in a text */

/** One message of an exchange. */
struct vector_message {
    const json_t *json;
    const char *name; /* "REQUEST_INIT_PSK" and so on */
    struct ts_span raw;
    struct mikey_msg m;
    const struct vector_message *init; /* that it answers; NULL: none */
    struct mikey_names ids;            /* for the tail of its MAC */
};

/** What the public-key operations of one message need. */
struct vector_pk {
    struct mikey_signer signer;
    struct mikey_verifier verifier;
    struct mikey_sealer sealer;
    struct mikey_opener opener;
    struct ts_span input, value; /* of the signature */
    struct ts_span sealed, env_key;
    struct ts_span who; /* whose certificate it is */
};

struct vector;

/** Fill in the public-key operations for one message. */
typedef void vector_pk_fn(struct vector *v, const struct vector_message *t,
                          struct vector_pk *pk);

/** An exchange. Large; must not move. */
struct vector {
    const json_t *json; /* borrowed */
    const char *name;
    const struct mikey_suite *suite; /* that of KEMACs: may be the AES-KW one */
    vector_pk_fn *pk;                /* vector_pk() unless set after loading */
    size_t n;
    struct vector_message msg[VECTOR_MESSAGES];
    size_t n_pool;
    struct mikey_key pool[VECTOR_KEYS]; /* session keys seen so far */
    char why[VECTOR_WHY];               /* what does not hold, if any */
    size_t used;
    uint8_t mem[VECTOR_MEMORY]; /* octets of what is written as digits */
};

/** What opening a message gave. Wipe is not needed: keys are published. */
struct vector_opened {
    struct mikey_msg m;
    bool proven;    /* a MAC or a signature was verified */
    bool has_guard; /* guard is begun: what protects its MAC and
                                  KEMAC */
    struct mikey_protect guard;
    struct mikey_keys kemac; /* with its MPKs */
    bool has_ticket;         /* opened with the ticket key */
    struct mikey_base base;
    struct mikey_opened ticket;
};

/**
 * Read an exchange and all its messages.
 *
 * @param json  in the format of docs/vectors/; must outlive v
 * @return OK; E_FORMAT, or what mikey_msg_read() gives: v->why says where
 */
TS_MUST enum ts_err vector_load(struct vector *v, const json_t *json);

/** Note what does not hold, and give err. The first text stays. */
enum ts_err vector_say(struct vector *v, enum ts_err err, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/** Octets of hexadecimal digits; p is NULL if there are none. They stay until
 *  v->used is set back. */
struct ts_span vector_hex(struct vector *v, const json_t *digits);

/** Octets of a member; p is NULL without such a member. */
struct ts_span vector_get(struct vector *v, const json_t *object,
                          const char *member);

/** A secret of a message; p is NULL without it. */
struct ts_span vector_secret(struct vector *v, const struct vector_message *t,
                             const char *name);

/** Whether a value is the one that a member of the vector gives. */
TS_MUST enum ts_err vector_same(struct vector *v, struct ts_span got,
                                const json_t *object, const char *member);

/**
 * Whether a KEMAC's "IV" is the one that our AES-CM uses: its keystream begins
 * with AES of that. OK where the vector has none, as for AES-KW.
 *
 * @param key_len  16 or 32
 */
TS_MUST enum ts_err vector_same_iv(struct vector *v, const json_t *kemac,
                                   const struct mikey_cipher *c, size_t key_len,
                                   uint32_t csb, uint64_t t);

/** A member of a message; NULL also for null. */
const json_t *vector_member(const struct vector_message *t, const char *name);

/** The key that MAC and KEMAC of a message hang on: PSK, envelope key, MPK of
 *  a TRANSFER_RESP, MPKi. */
struct ts_span vector_key(struct vector *v, const struct vector_message *t);

/** The key as a struct; its length is 0 if it is none. */
struct ts_key vector_ts_key(struct ts_span s);

/** Whether a message is one of a CSB update, or an Error about one. */
bool vector_is_update(const struct vector_message *t);

/** Who sent a message of an update, by its role in the initial exchange. */
enum mikey_side vector_side(const struct vector_message *t);

/** The TRANSFER_INIT with the ticket of the same bundle; NULL: none. */
const struct vector_message *vector_transfer_of(const struct vector *v,
                                                const struct vector_message *t);

/** The keys of an update: those of the last message of the initial exchange. */
void vector_csb(struct vector *v, const struct vector_message *t,
                struct mikey_csb *csb);

/** Public-key operations that compare with what the vector says was signed and
 *  sealed, in place of doing it. */
vector_pk_fn vector_pk;

/**
 * Put session keys that were opened into the pool.
 *
 * @param told  the receiver has them from now on: they stand in the vector
 * @return OK, E_MISMATCH (they do not), E_SPACE
 */
TS_MUST enum ts_err vector_learn(struct vector *v,
                                 const struct vector_message *t,
                                 const struct mikey_keys *keys, bool told);

/**
 * Open a message as its receiver does: form, MAC or signature, ticket if the
 * vector gives the ticket key, KEMAC.
 *
 * @param t    whose secrets and place in the exchange count
 * @param raw  t->raw, or a changed copy
 * @param o    filled in as far as it goes
 * @return OK; E_INTERNAL for a type of message that nobody here opens; why it
 *         is refused
 */
TS_MUST enum ts_err vector_open(struct vector *v,
                                const struct vector_message *t,
                                struct ts_span raw, struct vector_opened *o);

/**
 * Open a message and compare all keys with the vector's. Messages go in their
 * order: keys that were seen stay in the pool.
 *
 * @return OK, or an error with v->why
 */
TS_MUST enum ts_err vector_check(struct vector *v,
                                 const struct vector_message *t,
                                 struct vector_opened *o);

/** Master keys and salts of the crypto sessions at the end. After
 *  vector_check() of all messages. */
TS_MUST enum ts_err vector_sessions(struct vector *v);

/**
 * Write a message anew from what was read and opened.
 *
 * @param o  as vector_open() left it
 * @return OK, or what latched in w
 */
TS_MUST enum ts_err vector_build(struct vector *v,
                                 const struct vector_message *t,
                                 struct vector_opened *o, struct ts_writer *w);

/**
 * Why the builder cannot give the same octets; NULL if it must: what stands in
 * a Ticket Policy or in a ticket that has no place in the builder's arguments.
 */
const char *vector_bends(const struct vector_message *t);

/** The same of the TICKET alone. */
const char *vector_bends_ticket(const struct mikey_ticket *ticket);

/** Write the TICKET of a message anew, without Initiator Data, behind an octet
 *  that names it. */
TS_MUST enum ts_err vector_build_ticket(struct vector *v,
                                        const struct vector_message *t,
                                        const struct vector_opened *o,
                                        struct ts_writer *w);

/*
 * The same for the messages of RFC 3830 and its offspring, called by those
 * above.
 */

/** Whether it is one; an Error is never. */
bool vector_is_old(const struct vector_message *t);

/** Open it; o->m is read. */
TS_MUST enum ts_err vector_old_open(struct vector *v,
                                    const struct vector_message *t,
                                    struct vector_opened *o);

/** Compare its keys. */
TS_MUST enum ts_err vector_old_check(struct vector *v,
                                     const struct vector_message *t,
                                     struct vector_opened *o);

/** Compare the SRTP key of one session of the bundle that ends with last. */
TS_MUST enum ts_err vector_old_session(struct vector *v,
                                       const struct vector_message *last,
                                       const struct mikey_key *k,
                                       const json_t *want);

/** As vector_build(), and vector_bends(). */
TS_MUST enum ts_err vector_old_build(struct vector *v,
                                     const struct vector_message *t,
                                     const struct vector_opened *o,
                                     struct ts_writer *w);
const char *vector_old_bends(const struct vector_message *t);

#endif
