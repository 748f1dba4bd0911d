/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a bundle begins: what both ends know when the Transfer is over.
 */
#ifndef MIKEY_BUNDLE_H
#define MIKEY_BUNDLE_H

#include "mikey/party.h"

/** Bundles that each have a T of their own within a microsecond: half as many
 *  as NTP-UTC has digits for that. */
#define MIKEY_SLOTS 2048u

/** One end of a Transfer that is over. Wipe with mikey_ends_wipe(). */
struct mikey_ends {
    enum mikey_side side; /* ours */
    const struct mikey_party *party;
    bool alone;            /* F=0: there is no TRANSFER_RESP */
    struct mikey_msg init; /* views into the messages */
    struct mikey_msg resp;
    struct mikey_id i, r;   /* who they are (AMB 6) */
    struct ts_key mpk;      /* of the last message */
    unsigned slot;          /* which of MIKEY_SLOTS T is told apart by */
    struct mikey_keys keys; /* MPKs and session keys, forked where they are */
};

/** Wipe. */
void mikey_ends_wipe(struct mikey_ends *e);

/** Add our own keys out of the KEMAC of our TRANSFER_INIT, if it has one. */
TS_MUST enum ts_err mikey_ends_own_keys(struct mikey_ends *e);

/**
 * Join keys to others.
 *
 * @return OK; E_EXISTS (an SPI that names another key already: AMB 14);
 *         E_SPACE (too many)
 */
TS_MUST enum ts_err mikey_keys_join(struct mikey_keys *keys,
                                    const struct mikey_keys *more);

/**
 * Make the bundle.
 *
 * @param mem, n  the caller's memory
 * @return OK; E_SPACE (also: not aligned); E_MISSING (a session that is not
 *         complete: R69); E_NOTFOUND (one whose SPI names no key: R167);
 *         E_MISMATCH (no policy with that number); E_UNSUPPORTED (a policy of
 *         the peer's that will not do: R86)
 */
TS_MUST enum ts_err mikey_bundle_begin(const struct mikey_ends *e,
                                       const struct mikey_now *now, void *mem,
                                       size_t n, struct mikey_bundle **bundle);

#endif
