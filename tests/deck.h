/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message taken apart into its payloads, which a test orders anew, adds to
 * or takes from; dealt again, it is linked correctly and its MAC is right.
 */
#ifndef TESTS_DECK_H
#define TESTS_DECK_H

#include "tests/scene.h"

#define DECK_MAX 40

struct card {
    uint8_t type;
    struct ts_span body;
};

struct deck {
    const struct example *e;
    enum example_message which;
    struct bytes hdr; /* with the map */
    size_t n;         /* payloads without V */
    struct card card[DECK_MAX];
    bool with_v;
    struct bytes out; /* the message as dealt */
};

/** Take a published message apart. */
void deck_open(struct deck *d, const struct example *e,
               enum example_message which);

/** Index of the first payload of a type; fails the test without one. */
size_t deck_find(const struct deck *d, uint8_t type);

/** Put a payload in at place i; its first octet does not matter. */
void deck_insert(struct deck *d, size_t i, uint8_t type, struct ts_span body);

/** Take a payload out. */
void deck_remove(struct deck *d, size_t i);

/** Put the message together, with its MAC. */
struct ts_span deck_deal(struct deck *d);

/** Deal, and open the message as its receiver does. */
enum ts_err deck_open_again(struct deck *d);

#endif
