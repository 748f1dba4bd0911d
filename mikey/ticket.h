/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIKEY base ticket (RFC 6043 Appendix A): Ticket Type 1. Whoever holds
 * the ticket key (TPK) makes and opens it; to all others it is opaque.
 */
#ifndef MIKEY_TICKET_H
#define MIKEY_TICKET_H

#include "mikey/policy.h"

struct mikey_ticket_type; /* <mikey/mikey.h> */

/** What goes into a new ticket. */
struct mikey_ticket_new {
    const struct mikey_ticket_type *type; /* another kind, whose owner makes its
                                             Ticket Data; NULL: base ticket */
    const struct mikey_suite *suite;
    uint16_t flags;
    const struct mikey_policy *policy;
    struct ts_span tpk;           /* base: ticket key, 16 to 64 bytes */
    struct ts_span tpk_id;        /* IDRpsk, so that the TPK can be found */
    struct mikey_time t;          /* time of issue */
    struct ts_span rand;          /* as long as TPK and MPK at least (R274) */
    const struct mikey_key *keys; /* the MPK, then session keys */
    size_t n_keys;
};

/** Ticket Data, read but not yet believed. */
struct mikey_base {
    struct mikey_time t;
    struct ts_span rand;
    struct mikey_kemac kemac;
    struct mikey_id tpk_id; /* p is NULL if left out (R298) */
    struct mikey_v v;
    struct ts_span covered; /* MAC input (R300) */
};

/** A ticket that was opened. Wipe with mikey_opened_wipe(). */
struct mikey_opened {
    struct mikey_keys keys; /* k[0] is the MPK */
    struct ts_key mpk_i, mpk_r;
};

/**
 * Append a TICKET payload without Initiator Data (R290-R300).
 * E_RANGE latches in the writer when RAND or a key is too short, the TPK too
 * long, or flags contradict each other; and what the type's owner says.
 */
void mikey_build_ticket(struct mikey_build *b,
                        const struct mikey_ticket_new *in);

/**
 * Read the Ticket Data of a base ticket.
 *
 * @return OK; E_UNSUPPORTED for another Ticket Type; E_MISSING; E_DUPLICATE;
 *         E_ORDER (V must be last); and the errors of a chain
 */
TS_MUST enum ts_err mikey_base_read(const struct mikey_ticket *t,
                                    struct mikey_base *base);

/**
 * Check the ticket's MAC (K5), then decrypt its keys and derive MPKi and MPKr
 * (K6).
 *
 * @param t     the ticket that base was read from
 * @param tpk   ticket key
 * @param out   filled in; on failure with dummy keys, so that a KMS can do the
 *              same work before it refuses (invariant 4). Wipe it in any case
 * @return OK, E_AUTH (also for a MAC of another algorithm than the policy's
 *         suite: R277, R278), E_UNSUPPORTED, E_FORMAT
 */
TS_MUST enum ts_err mikey_base_open(const struct mikey_ticket *t,
                                    const struct mikey_base *base,
                                    struct ts_span tpk,
                                    struct mikey_opened *out);

/** Wipe. */
void mikey_opened_wipe(struct mikey_opened *o);

/** Largest Initiator Data: First Payload octet, Vi, Vr. */
#define MIKEY_INIT_DATA_MAX (1 + 2 * (2 + MIKEY_MAC_MAX))

/**
 * Make Initiator Data (R241-R248; AMB 3).
 *
 * @param mpk_r  the unforked MPKr
 * @param suite  of the Ticket Policy
 * @param mac    MAC of TRANSFER_INIT's V, suite->mac bytes
 * @param out    gets MIKEY_INIT_DATA_MAX bytes at most
 * @return their number
 */
size_t mikey_init_data_make(const struct ts_key *mpk_r,
                            const struct mikey_suite *suite, const uint8_t *mac,
                            uint8_t out[static MIKEY_INIT_DATA_MAX]);

/**
 * Read Vi and Vr from Initiator Data.
 *
 * @return OK, E_MISSING, E_FORMAT (algorithms differ), chain errors
 */
TS_MUST enum ts_err mikey_init_data_read(struct ts_span data,
                                         struct mikey_v *vi,
                                         struct mikey_v *vr);

/**
 * The KMS's check of Initiator Data: Vr, under a key from MPKr (R115).
 *
 * @param prf  keyed with the unforked MPKr and the policy's PRF
 * @return OK, E_AUTH, or what mikey_init_data_read() gives
 */
TS_MUST enum ts_err mikey_init_data_verify(struct ts_span data,
                                           struct mikey_prf *prf,
                                           const struct mikey_suite *suite);

#endif
