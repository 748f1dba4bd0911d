/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret memory: keys have a type of their own and three verbs: wipe, compare,
 * draw. Nothing in the project prints one.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"
#include "base/err.h"

/** Longest key that the project handles, in bytes (512 bits). */
#define TS_KEY_MAX 64

/** A key of len bytes. By value; whoever holds one wipes it. */
struct ts_key {
    uint8_t len;
    uint8_t b[TS_KEY_MAX];
};

/**
 * Source of random bytes: fills n bytes at buf, or fails. Given to code that
 * may not draw randomness by itself.
 */
typedef enum ts_err (*ts_random_fn)(void *arg, uint8_t *buf, size_t n);

/** Overwrite n bytes at p so that the compiler cannot leave it out. */
void ts_wipe(void *p, size_t n);

/** Wipe a key and set its length to 0. NULL is ignored. */
void ts_key_wipe(struct ts_key *key);

/**
 * Equal in length and content, in time that depends on the lengths only.
 *
 * @param a, na  first value and its length in bytes
 * @param b, nb  second value
 */
bool ts_equal(const void *a, size_t na, const void *b, size_t nb);

/**
 * Copy a key out of bytes.
 *
 * @param key  filled in
 * @param s    1 to TS_KEY_MAX bytes
 * @return OK, or E_RANGE for a length of 0 or above TS_KEY_MAX
 */
TS_MUST enum ts_err ts_key_set(struct ts_key *key, struct ts_span s);

/** A view of a key's bytes. */
static inline struct ts_span ts_key_span(const struct ts_key *key)
{
    return (struct ts_span){key->b, key->len};
}

/* ---- of a program, not of libmikey: these two ask the kernel ---- */

/**
 * Random bytes from the kernel (getrandom). A ts_random_fn; arg is not used.
 *
 * @return OK, or E_IO
 */
TS_MUST enum ts_err ts_random(void *arg, uint8_t *buf, size_t n);

/**
 * Shut the process for others: no core dump, no ptrace, no new privileges.
 * Call it first in every program that holds a key.
 *
 * @return OK, or E_IO
 */
TS_MUST enum ts_err ts_process_harden(void);

#endif
