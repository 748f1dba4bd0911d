/* SPDX-License-Identifier: Apache-2.0 */
/* What responder.c and responder_answer.c share. */
#ifndef MIKEY_RESPONDER_STATE_H
#define MIKEY_RESPONDER_STATE_H

#include "mikey/bundle.h"
#include "mikey/session.h"

/** How far we are with an offer. */
enum mikey_step {
    MIKEY_IDLE,     /* none */
    MIKEY_OFFERED,  /* not proven yet */
    MIKEY_ASKED,    /* a RESOLVE_INIT is under way */
    MIKEY_VERIFIED, /* proven */
    MIKEY_ANSWERED, /* over, but for the ticket */
};

struct mikey_responder {
    const struct mikey_party *party;
    enum mikey_step step;
    bool refused;           /* a message was refused since: */
    struct mikey_hdr about; /* its HDR, without map; type ERROR: none */
    struct mikey_buf offer; /* TRANSFER_INIT */
    struct mikey_buf sent;  /* RESOLVE_INIT */
    struct ts_key env_key;  /* its envelope key, in the PK variant */
    /* from VERIFIED on */
    struct mikey_buf ticket;    /* TICKET payload */
    struct mikey_keys keys;     /* MPKi, [MPKr'], session keys */
    struct mikey_keys supplied; /* the Initiator's, of its KEMAC */
    struct mikey_name idr_r;    /* the modifier (R75, R77); else who we are */
    uint8_t rand_kms[255];
    size_t rand_kms_n;
    struct mikey_buf scratch; /* for what a message is made of */
    struct mikey_refusal refusal;
};

/** The offer in hand, read back: OK or E_STATE. */
TS_MUST enum ts_err mikey_responder_read(const struct mikey_responder *r,
                                         struct mikey_msg *m);

/** Its policies. */
void mikey_responder_policies(const struct mikey_msg *m, struct mikey_sps *set);

#endif
