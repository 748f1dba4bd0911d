/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody knows who verifies a message: keys, identities, files with
 * certificates. They come as JSON, under the names that "secrets" has in
 * docs/vectors/README.md.
 */
#ifndef TOOL_KNOWN_H
#define TOOL_KNOWN_H

#include <jansson.h>

#include "mikey/exchange.h"

/** The file; what is not there has a NULL view or pointer. */
struct mt_known {
    json_t *root;
    struct ts_span psk, env_key, mpk_i, mpk_r, mpk, tpk;
    struct ts_span protect, rand_i, rand_r; /* of a bundle's last message */
    uint8_t selector;                       /* with protect */
    struct mikey_names ids;
    const char *signer;  /* certificates of who signed, if not in the message */
    const char *opener;  /* private key and certificates for PKE */
    const char *trusted; /* CA certificates */
    char folder[4096];   /* that names of files count from */
    size_t used;
    uint8_t room[8192]; /* the octets */
};

/**
 * Read a file of JSON: the members, or an object "secrets" that has them.
 *
 * @return false after mt_complain()
 */
bool mt_known_load(struct mt_known *k, const char *path);

/** Wipe and release; one that was never loaded is all zero. */
void mt_known_end(struct mt_known *k);

/**
 * Read a file that k names into room.
 *
 * @param n  gets its octets, at most cap
 * @return false after mt_complain()
 */
bool mt_known_file(const struct mt_known *k, const char *name, uint8_t *room,
                   size_t cap, size_t *n);

#endif
