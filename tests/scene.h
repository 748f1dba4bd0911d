/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published vectors (tests/vectors/): one exchange as a struct example,
 * and what tests of MIKEY do with messages.
 */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <jansson.h>

#include "tests/unit.h"
#include "tool/example.h"

/** Bytes of a vector. */
struct bytes {
    size_t n;
    uint8_t b[EXAMPLE_MSG_MAX];
};

/** A vector file as JSON; fails the test when it cannot be read. */
json_t *scene_json(const char *name);

/** Bytes of hexadecimal digits; fails the test when they are not. */
struct bytes scene_hex(const char *hex);

/** Bytes of name in group; fails the test when there are none. */
struct bytes scene_bytes(json_t *json, const char *group, const char *name);

/** The bytes as a view. */
static inline struct ts_span span_of(const struct bytes *b)
{
    return ts_span(b->b, b->n);
}

/** Inputs and messages of "exchange-128" or "exchange-256", as published. */
void scene_load(struct example *e, unsigned bits);

/** Read a message of it; fails the test when it is refused. */
void scene_read(const struct example *e, enum example_message which,
                struct mikey_msg *m);

/** The key under which a message's V is computed. End it. */
void scene_auth(const struct example *e, enum example_message which,
                struct mikey_protect *keys);

/**
 * Verify a message as its receiver does, with the right keys and the right
 * messages before it.
 */
enum ts_err scene_open(const struct example *e, enum example_message which,
                       struct ts_span raw);

/**
 * Open a ticket as the KMS does: its MAC, its keys, and with key forking the
 * Initiator Data.
 */
enum ts_err scene_open_ticket(const struct example *e,
                              const struct mikey_ticket *t,
                              struct mikey_opened *opened);

/** Compute the MAC of a ticket that was changed anew (R300). */
void scene_sign_ticket(const struct example *e, const struct mikey_ticket *t);

/**
 * Compute the MAC of a message that was changed anew: whatever comes after is
 * refused for what it says, not for its MAC.
 *
 * @param raw  a message whose last payload is V, with the suite's MAC
 */
void scene_sign(const struct example *e, enum example_message which,
                uint8_t *raw, size_t n);

#endif
