/* SPDX-License-Identifier: Apache-2.0 */
/* What initiator.c and initiator_offer.c share. */
#ifndef MIKEY_INITIATOR_STATE_H
#define MIKEY_INITIATOR_STATE_H

#include "mikey/party.h"

struct mikey_initiator {
    const struct mikey_party *party;
    const struct mikey_suite *suite;
    bool asked;               /* a REQUEST_INIT is under way: */
    struct mikey_buf sent;    /* itself, */
    struct ts_key env_key;    /* its envelope key, in the PK variant, */
    uint16_t must;            /* and the flags that must be granted */
    struct mikey_buf ticket;  /* TICKET payload; n is 0 without one */
    struct mikey_keys keys;   /* MPKi, [MPKr], session keys */
    struct mikey_buf offered; /* the last TRANSFER_INIT with it, if any */
    struct mikey_name to;     /* whom that one called */
    unsigned n_bundles;       /* made so far, of all offers */
    struct mikey_buf scratch; /* for what a message is made of */
    struct mikey_refusal refusal;
};

/** The ticket in hand, read back: false without one. */
bool mikey_initiator_read(const struct mikey_initiator *i,
                          struct mikey_ticket *t, struct mikey_policy *p);

/** MPKs in the KEMAC that came with a ticket (R38, R39). */
static inline unsigned mikey_mpks(const struct mikey_tp *tp)
{
    return tp->flags & MIKEY_FLAG_I ? 2 : 1;
}

#endif
