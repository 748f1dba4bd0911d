/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a KMS does with keys (RFC 6043 4.2.1.5, 4.2.3.5): make those of a
 * ticket, grant it, and resolve one, with key forking. Whom it allows what is
 * decided by its caller. All of it works on dummy keys as well, so that a
 * refusal costs what a grant would.
 */
#ifndef MIKEY_KMS_H
#define MIKEY_KMS_H

#include "mikey/exchange.h"

/** Session keys in one ticket of ours, and bytes of the longest salt. */
#define MIKEY_WANT_MAX 8
#define MIKEY_SALT_MAX 32

/**
 * What a REQUEST_INIT asks for in the KEMAC of its TP: types, lengths and
 * SPIs count, key octets do not (R238).
 *
 * @param kemac  of the TP, or NULL
 * @param suite  of the ticket: R279
 * @param tgk    gets whether a TGK is among the keys; also without KEMAC,
 *               since one TGK is then the default (R37)
 * @param error  on failure the number for the Error message
 * @return OK; E_UNSUPPORTED (encrypted: R237, more or longer keys than we
 *         make, no SPI: R213); E_DUPLICATE (AMB 14); parse errors
 */
TS_MUST enum ts_err mikey_wanted_check(const struct mikey_kemac *kemac,
                                       const struct mikey_suite *suite,
                                       bool *tgk, uint8_t *error);

/**
 * Read them. A KEMAC without Key Data asks for a ticket without session keys
 * (section 8).
 */
TS_MUST enum ts_err mikey_wanted_read(const struct mikey_kemac *kemac,
                                      struct mikey_keys *want);

/** The MPK and the session keys of a new ticket. */
struct mikey_fresh {
    size_t n;
    struct mikey_key k[1 + MIKEY_WANT_MAX]; /* k[0] is the MPK */
    uint8_t spi[4];
    size_t len;
    uint8_t bytes[MIKEY_KEY_MAX +
                  MIKEY_WANT_MAX * (MIKEY_KEY_MAX + MIKEY_SALT_MAX)];
};

/**
 * Draw them.
 *
 * @param f     filled in; its SPIs are views of want. mikey_fresh_wipe() it
 * @param want  types, lengths and SPIs; NULL: one TGK (R37)
 * @return OK, E_RANGE (more or longer keys than we make), or what draw gives
 */
TS_MUST enum ts_err mikey_fresh_draw(struct mikey_fresh *f,
                                     const struct mikey_suite *suite,
                                     const struct mikey_key *want,
                                     size_t n_want, mikey_random_fn draw,
                                     void *arg);

/** Wipe. */
void mikey_fresh_wipe(struct mikey_fresh *f);

/**
 * KEMAC of a reply: MPKi (R38, R123), with forking MPKr or MPKr' (R39, R124),
 * then the session keys, which stand behind the MPK in the ticket.
 *
 * @param k  gets them: room for one more than there are in the ticket
 * @return their number
 */
size_t mikey_reply_keys(const struct mikey_key *in_ticket, size_t n_in_ticket,
                        const struct ts_key *mpk_i, const struct ts_key *mpk_r,
                        bool fork, struct mikey_key *k);

/** What a KMS grants. */
struct mikey_grant {
    const struct mikey_msg *init; /* REQUEST_INIT */
    struct mikey_protect *psk;    /* as mikey_init_verify() left it */
    struct mikey_time t;          /* of ticket and reply */
    struct mikey_id idr_kms;
    const struct mikey_ticket_type *type; /* NULL: a base ticket */
    const struct mikey_suite *suite;      /* of the ticket */
    uint16_t flags;
    const struct mikey_policy *policy;
    struct ts_span tpk, tpk_id;
    struct ts_span rand; /* of the ticket: R274 */
    const struct mikey_fresh *fresh;
};

/** Write the REQUEST_RESP (R31-R44); failures latch in w. */
void mikey_kms_grant(struct ts_writer *w, const struct mikey_grant *in);

/** A ticket that was opened, and for whom. */
struct mikey_resolve {
    const struct mikey_msg *init; /* RESOLVE_INIT */
    struct mikey_protect *psk;    /* as mikey_init_verify() left it */
    struct mikey_time t;
    struct mikey_id idr_kms;
    struct mikey_opened *opened; /* its keys are forked in place */
    struct mikey_id who; /* identity of the one who will answer (R128, R129),
                            at most MIKEY_ID_MAX bytes */
    struct ts_span rand_kms; /* mikey_kms_rand_len() bytes */
};

/** Bytes of RANDRkms: as many as the longest key that is forked (R273). */
size_t mikey_kms_rand_len(const struct mikey_opened *opened);

/**
 * Write the RESOLVE_RESP, after forking the keys if I=1 (R117-R132). Failures
 * to write latch in w.
 *
 * @return OK; what is wrong with Initiator Data (R115): then what stands in w
 *         must not leave
 */
TS_MUST enum ts_err mikey_kms_resolve(struct ts_writer *w,
                                      const struct mikey_resolve *in);

#endif
