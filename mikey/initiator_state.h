/* SPDX-License-Identifier: Apache-2.0 */
/* What initiator.c and initiator_offer.c share. */
#ifndef MIKEY_INITIATOR_STATE_H
#define MIKEY_INITIATOR_STATE_H

#include "mikey/party.h"

struct mikey_initiator {
    const struct mikey_party *party;
    const struct mikey_suite *suite;
    bool asked;               /* a REQUEST_INIT is under way */
    struct ts_key env_key;    /* its envelope key, in the PK variant */
    struct mikey_buf sent;    /* that REQUEST_INIT */
    struct mikey_buf ticket;  /* TICKET payload; n is 0 without one */
    struct mikey_keys keys;   /* MPKi, [MPKr], session keys */
    bool used;                /* the ticket was offered ... */
    struct mikey_name to;     /* ... last to this one */
    struct mikey_buf offered; /* the last TRANSFER_INIT */
    struct mikey_refusal refusal;
};

/** The ticket in hand, read back: false without one. */
bool mikey_initiator_read(const struct mikey_initiator *i,
                          struct mikey_ticket *t, struct mikey_policy *p);

#endif
