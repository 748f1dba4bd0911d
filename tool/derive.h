/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivations of RFC 6043, K0 to K6 (mikey-ticket.md 3.3), and the bare
 * PRF, with their labels for people to look at.
 */
#ifndef TOOL_DERIVE_H
#define TOOL_DERIVE_H

#include "base/writer.h"
#include "mikey/crypt.h"

/** Longest label; longest derived key. */
#define MT_LABEL_MAX   1024
#define MT_DERIVED_MAX 255

/** What a derivation is made of; what is not given has a NULL view. */
struct mt_derive {
    struct ts_span key;
    uint8_t prf;
    struct ts_span csb, cs; /* four octets, one octet */
    struct ts_span rand_i, rand_r, rand_kms, rand, id, label;
    const char *use; /* "auth" and so on; NULL where there is no choice */
    size_t length;   /* octets; 0: the usual ones */
};

/** One derivation: its name, and what it takes. */
struct mt_derivation {
    const char *name, *what;
    const char *const *needs, *const *uses; /* names, NULL at the end */
};

/** All of them; name is NULL at the end. */
extern const struct mt_derivation mt_derivations[];

/**
 * Write the label.
 *
 * @param which   index in mt_derivations
 * @param w       gets it
 * @param length  gets the number of octets to derive
 * @return false for a use that there is not
 */
bool mt_derive_label(size_t which, const struct mt_derive *d,
                     struct ts_writer *w, size_t *length);

#endif
