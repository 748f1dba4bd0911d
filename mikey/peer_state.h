/* SPDX-License-Identifier: Apache-2.0 */
/* What peer.c, peer_offer.c and peer_answer.c share; nobody else includes it.
 */
#ifndef MIKEY_PEER_STATE_H
#define MIKEY_PEER_STATE_H

#include "mikey/classic.h"
#include "mikey/session.h"

/** What is in force, or will be. Octets of map and policies are elsewhere. */
struct mikey_force {
    struct mikey_hdr map; /* n_cs, map_type and map */
    struct mikey_keys keys;
    struct mikey_keys older; /* of before, that a session names by its SPI */
    size_t n_sp;
    struct mikey_sp sp[MIKEY_SP_MAX];
};

enum mikey_step {
    MIKEY_STEP_NONE,
    MIKEY_STEP_SENT,  /* an I_MESSAGE of ours waits for its answer */
    MIKEY_STEP_TAKEN, /* theirs was verified, and waits for ours */
};

struct mikey_peer {
    const struct mikey_peer_party *party;
    size_t size; /* of all the memory */
    struct mikey_refusal refusal;

    enum mikey_step step;
    struct mikey_buf init;    /* the I_MESSAGE that waits, */
    struct ts_key wait_env;   /* its envelope key, */
    struct mikey_name asking; /* and who it is from; n is 0 for nobody */

    bool up;                /* there is a bundle, */
    bool ours;              /* we began it */
    bool unsure;            /* an update of ours was given up, not refused */
    struct mikey_buf first; /* its first I_MESSAGE */
    struct ts_key env_key;  /* of that one, where it is cached */
    struct mikey_name peer;
    struct mikey_force force;
    struct mikey_buf map, params; /* its octets */

    struct mikey_time last; /* highest T under these keys */
    struct mikey_buf spare; /* for what is not sure yet */
};

/** An exchange. Not to be moved: x goes into it. */
struct mikey_round {
    struct mikey_msg first; /* if there is a bundle */
    struct mikey_msg init;
    struct mikey_classic x;
};

/**
 * Read an I_MESSAGE and gather what we know of its exchange.
 *
 * @param raw      theirs, or ours
 * @param ours     it is ours
 * @param env_key  its envelope key, if it is a PK message
 */
TS_MUST enum ts_err mikey_round_begin(const struct mikey_peer *p,
                                      struct ts_span raw, bool ours,
                                      const struct ts_key *env_key,
                                      struct mikey_round *round);

/** Nothing at all, as far as keys go. */
static inline void mikey_force_none(struct mikey_force *f)
{
    f->keys.n = f->keys.len = f->older.n = f->older.len = 0;
}

/**
 * What will be in force with an exchange that is good: looked at as a whole,
 * so that it is taken whole or not at all.
 *
 * @param map    HDR whose sessions count; with no sessions they stay
 * @param judge  the policies are the peer's, and must be acceptable
 * @param f      filled in; mikey_force_wipe() it on every path
 * @return OK; E_NOTFOUND, E_UNSUPPORTED (a session without policy or key, or
 *         with one that cannot be used); E_SPACE; what mikey_classic_keys()
 *         and mikey_srtp_policy_read() give
 */
TS_MUST enum ts_err mikey_force_of(const struct mikey_peer *p,
                                   const struct mikey_round *round,
                                   const struct mikey_hdr *map, bool judge,
                                   struct mikey_force *f);

/** Wipe. */
void mikey_force_wipe(struct mikey_force *f);

/** Whether a session of a map names that SPI. */
bool mikey_map_names(const struct mikey_hdr *hdr, struct ts_span spi);

/** Policies of the bundle with those of a message: OK or E_SPACE. */
TS_MUST enum ts_err mikey_force_policies(const struct mikey_peer *p,
                                         const struct mikey_msg *m,
                                         struct mikey_force *f);

/** Take it: what waited is in force. Its views may go into p. */
void mikey_peer_take(struct mikey_peer *p, const struct mikey_round *round,
                     const struct mikey_force *f);

/** What waited is over. */
void mikey_peer_drop(struct mikey_peer *p);

/** An entry of a map of any type as a crypto session. */
struct mikey_session mikey_peer_cs_session(const struct mikey_hdr *hdr,
                                           const struct mikey_cs *cs);

/**
 * Whether an answer's session has one policy, of those that were suggested for
 * it: RFC 3830 has no place for others, nor RFC 6043 6.1.1 for several.
 *
 * @return OK; E_FORMAT (several); E_MISMATCH (another one)
 */
TS_MUST enum ts_err mikey_peer_chosen(const struct mikey_cs *offered,
                                      const struct mikey_cs *answered);

/** The nth session of a map. @return OK, E_NOTFOUND */
TS_MUST enum ts_err mikey_peer_nth(const struct mikey_hdr *hdr, size_t nth,
                                   struct mikey_session *session);

#endif
