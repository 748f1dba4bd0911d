/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of tests/differ.c share: values out of a request, and
 * the builders.
 */
#ifndef TESTS_DIFFER_H
#define TESTS_DIFFER_H

#include "tests/vector.h"

/** Octets for requests, and why one failed; not an exchange here. */
extern struct vector differ;

/** Octets of a member; p is NULL where it is null or not there. */
struct ts_span differ_octets(const json_t *o, const char *name);

/** A number; 0 where it is not there. */
unsigned differ_number(const json_t *o, const char *name);

/** A message in a member, read; false if it cannot be. */
bool differ_message(const json_t *o, const char *name, struct mikey_msg *m);

/**
 * The signer and the sealer that a request names: files in
 * reference/testkeys/, "s type", "sha1", "chash".
 *
 * @param cred  gets both, good until the next call
 */
TS_MUST enum ts_err differ_pk(const json_t *o, struct mikey_credential *cred);

/** Release them. */
void differ_pk_end(void);

/**
 * Build a message.
 *
 * @param o  the request: "what", and by that the arguments of the builder
 * @return OK, or what latched in w; E_INTERNAL for a request that is wrong
 */
TS_MUST enum ts_err differ_build(const json_t *o, struct ts_writer *w);

#endif
