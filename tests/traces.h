/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces of secrets: a function runs on a stack of its own, all of which is
 * searched afterwards for eight octets in a row of any secret that was named.
 */
#ifndef TESTS_TRACES_H
#define TESTS_TRACES_H

#include "base/secret.h"
#include "tests/unit.h"

#define PIECE     8 /* octets of a secret in a row */
#define OWN_STACK (512 * 1024)

/** The stack, as it was left. */
extern uint8_t own_stack[OWN_STACK];

/** Skip the test where a stack cannot be searched: under valgrind. */
void can_be_searched(void);

/** A key that looks like nothing else. */
void scramble(struct ts_key *key, uint32_t seed);

/** Search for this from now on: PIECE to TS_KEY_MAX bytes. */
void is_secret(const char *name, struct ts_span s);

/** Search for nothing. */
void forget_secrets(void);

/** The name of a secret that stands in a piece of memory, or NULL. */
const char *found_in(const void *p, size_t n);

/** Fails the test unless there is one: the search is blind. */
void must_be_found(const char *where, const void *p, size_t n);

/** Fails the test if there is one. */
void must_be_gone(const char *where, const void *p, size_t n);

/** Run it on a stack of its own. */
void on_own_stack(void (*run)(void));

/** A main() for such tests. */
int search_main(const struct CMUnitTest *tests, size_t n);

#endif
