/* SPDX-License-Identifier: Apache-2.0 */
/* What bundle.c and bundle_update.c share. */
#ifndef MIKEY_BUNDLE_STATE_H
#define MIKEY_BUNDLE_STATE_H

#include "mikey/bundle.h"
#include "mikey/session.h"

struct mikey_bundle {
    enum mikey_side side; /* ours */
    const struct mikey_party *party;
    struct mikey_csb csb; /* views into what follows */
    uint8_t copy[3][255]; /* RANDRi, RANDRr, RANDRkms */
    struct mikey_buf ticket;
    struct mikey_name i, r; /* who the ends are */
    uint32_t rekey;         /* TRr, seconds; 0: none */
    /* T is above that of each message in force, and of each other one of ours:
     * only of own, the last that we sent, it may be below. Both sides encrypt
     * with the same keys, and a message of ours may come back to us. */
    struct mikey_time last, own;
    unsigned slot;                     /* of T: bundles may share keys */
    struct mikey_keys keys;            /* session keys, the oldest first */
    uint64_t keyed_at[MIKEY_KEYS_MAX]; /* and when each came, Unix seconds */
    struct mikey_hdr map; /* n_cs, map_type and map: entries, each complete */
    struct mikey_buf entries; /* where those stand */
    struct mikey_sps sps;
    struct mikey_buf params;  /* where their parameters stand */
    bool waiting;             /* for the answer to ... */
    struct mikey_buf pending; /* ... our update's TRANSFER_INIT */
    struct mikey_buf scratch; /* for what a message is made of */
    struct mikey_refusal refusal;
};

/**
 * Add a message's policies.
 *
 * @param ours  we sent it
 * @return OK; E_MISMATCH (another policy of a number that is taken); E_SPACE
 */
TS_MUST enum ts_err mikey_bundle_policies(struct mikey_bundle *b,
                                          const struct mikey_msg *m, bool ours);

/**
 * Take a message's sessions, each of which must be complete.
 *
 * @param keys  what their SPIs may name
 * @return OK; E_MISSING, E_MISMATCH, E_NOTFOUND, E_UNSUPPORTED (a policy of
 *         the peer's that will not do), E_SPACE
 */
TS_MUST enum ts_err mikey_bundle_map(struct mikey_bundle *b,
                                     const struct mikey_hdr *hdr,
                                     const struct mikey_keys *keys);

#endif
