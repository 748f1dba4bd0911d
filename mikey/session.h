/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crypto sessions and their policies, between the plain structs of
 * <mikey/mikey.h> and what stands in messages.
 */
#ifndef MIKEY_SESSION_H
#define MIKEY_SESSION_H

#include "mikey/party.h"
#include "mikey/srtp.h"

/** The policies of a bundle, each number once. */
struct mikey_sps {
    size_t n;
    struct mikey_sp sp[MIKEY_SP_MAX];
    bool ours[MIKEY_SP_MAX]; /* we sent it */
};

/** The policy with that number, NULL if there is none. */
const struct mikey_sp *mikey_sps_find(const struct mikey_sps *set, uint8_t no);

/**
 * Whether a crypto session may have the policy with that number. One of ours
 * may be used; one of the peer's must be acceptable (R85, R86).
 *
 * @param side  which end we are
 * @param prot  the session's protocol; what is not SRTP is not ours to judge
 * @return OK; E_MISMATCH (no such number, or another protocol: R203);
 *         E_UNSUPPORTED (not acceptable); what mikey_srtp_policy_read() gives
 */
TS_MUST enum ts_err mikey_sps_judge(const struct mikey_sps *set,
                                    const struct mikey_party *party,
                                    enum mikey_side side, uint8_t no,
                                    uint8_t prot);

/**
 * Policies of ours as SP payloads.
 *
 * @param no  their numbers; NULL: from 0
 * @param n   at most MIKEY_SP_MAX
 * @param w   gets their parameters, which sp points into
 * @param sp  gets n of them
 * @return OK; E_RANGE (too many, a parameter that is none); E_SPACE
 */
TS_MUST enum ts_err mikey_sps_write(const struct mikey_srtp_policy *policy,
                                    const uint8_t *no, size_t n,
                                    struct ts_writer *w, struct mikey_sp *sp);

/**
 * Append sessions of ours as a map. E_RANGE latches in w for a CS ID other
 * than 1 to 254, and for lists that are too long.
 *
 * @return the map, valid if w is clean
 */
struct ts_span mikey_put_sessions(struct ts_writer *w,
                                  const struct mikey_session *s, size_t n);

/** An entry of a map as a crypto session. */
struct mikey_session mikey_cs_session(const struct mikey_cs *cs);

/** The nth entry of a GENERIC-ID map. @return OK, E_NOTFOUND */
TS_MUST enum ts_err mikey_map_session(const struct mikey_hdr *hdr, size_t nth,
                                      struct mikey_session *session);

/** What the map of an answer is made of. */
struct mikey_answering {
    const struct mikey_party *party;
    enum mikey_side side;
    const struct mikey_sps *known; /* policies, those of the offer included */
    const struct mikey_hdr *offer; /* the map that is answered */
    const struct mikey_hdr *old;   /* what the bundle has, or NULL */
    const struct mikey_session *ours;
    size_t n_ours;
    struct ts_span spi; /* for a session that nobody gave one */
};

/**
 * Whether each session of the offer that names policies names one that will
 * do (R62).
 *
 * @return OK; E_MISMATCH, E_UNSUPPORTED, ... as the last one was judged
 */
TS_MUST enum ts_err mikey_answering_judge(const struct mikey_answering *a);

/**
 * Append the map of an answer: each session that was offered, with one policy
 * (R68, R199), then those that we add (R71). What is left open stays open and
 * is for mikey_bundle_map() to refuse.
 *
 * @param n  gets their number; over 255 latches E_RANGE in w, as does a
 *           session of ours with several policies
 * @return the map, valid if w is clean
 */
struct ts_span mikey_put_answer(struct ts_writer *w,
                                const struct mikey_answering *a, unsigned *n);

#endif
