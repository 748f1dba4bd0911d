/* SPDX-License-Identifier: Apache-2.0 */
/* What bundle.c and bundle_update.c share. */
#ifndef MIKEY_BUNDLE_STATE_H
#define MIKEY_BUNDLE_STATE_H

#include "mikey/bundle.h"

struct mikey_bundle {
    enum mikey_side side; /* ours */
    const struct mikey_party *party;
    struct mikey_csb csb;   /* views into what follows */
    uint8_t copy[3][255];   /* RANDRi, RANDRr, RANDRkms */
    struct mikey_name i, r; /* who the ends are */
    uint32_t rekey;         /* TRr, seconds; 0: none */
    uint64_t keyed_at;      /* Unix seconds of the last new keys */
    struct mikey_time last; /* highest T seen from either side */
    struct mikey_keys keys; /* session keys */
    uint8_t n_cs;
    struct mikey_buf map; /* GENERIC-ID entries, each complete */
    size_t n_sp;
    struct mikey_sp sp[MIKEY_SP_MAX];
    bool ours[MIKEY_SP_MAX];  /* we sent that policy */
    struct mikey_buf params;  /* where their parameters stand */
    bool waiting;             /* for the answer to ... */
    struct mikey_buf pending; /* ... our update's TRANSFER_INIT */
};

/** The policy with that number, NULL if there is none. */
const struct mikey_sp *mikey_bundle_sp(const struct mikey_bundle *b,
                                       uint8_t no);

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
