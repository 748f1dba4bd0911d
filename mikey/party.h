/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the roles of <mikey/mikey.h> share: memory of the caller cut into
 * buffers, identities, times, random values, and what a ticket says.
 */
#ifndef MIKEY_PARTY_H
#define MIKEY_PARTY_H

#include "mikey/exchange.h"
#include "mikey/mikey.h"

/** Seconds that clocks may differ where nothing is said. */
#define MIKEY_SKEW 300

/* Bytes of a RAND of ours: as many as the longest key that it serves (R272),
 * these at least, and at most as many as the longest key there can be. */
#define MIKEY_RAND_LEN 32
#define MIKEY_RAND_MAX MIKEY_KEY_MAX

/** A piece of the caller's memory. */
struct mikey_buf {
    uint8_t *p;
    size_t cap, n;
};

/** What is in a buffer. */
static inline struct ts_span mikey_buf_span(const struct mikey_buf *b)
{
    return ts_span(b->p, b->n);
}

/** A writer into all of a buffer. */
static inline struct ts_writer mikey_buf_writer(const struct mikey_buf *b)
{
    return ts_writer_init(b->p, b->cap);
}

/** Put bytes into a buffer: OK or E_SPACE. */
TS_MUST enum ts_err mikey_buf_set(struct mikey_buf *b, struct ts_span s);

/**
 * Cut memory into an object and equal buffers behind it.
 *
 * @param mem, n  the caller's memory
 * @param size    of the object
 * @param buf     count buffers, filled in
 * @return false when it is too small or not aligned
 */
bool mikey_cut(void *mem, size_t n, size_t size, struct mikey_buf *buf,
               size_t count);

/** Copy a message out: OK, or E_SPACE when it has more than cap bytes. */
TS_MUST enum ts_err mikey_hand_out(struct ts_span message, uint8_t *out,
                                   size_t cap, size_t *n);

/** An identity in memory of its own. */
struct mikey_name {
    uint8_t type, n;
    uint8_t b[MIKEY_ID_MAX];
};

/** Keep an identity: OK, or E_RANGE for one over MIKEY_ID_MAX bytes. */
TS_MUST enum ts_err mikey_name_set(struct mikey_name *name, struct mikey_id id);

/** The identity as a view. */
static inline struct mikey_id mikey_name_id(const struct mikey_name *name)
{
    return (struct mikey_id){0, name->type, ts_span(name->b, name->n)};
}

/** Whether a party can be used: identity, suite, random source, lengths. */
bool mikey_party_ok(const struct mikey_party *p);

/** Its suite. */
static inline const struct mikey_suite *
mikey_party_suite(const struct mikey_party *p)
{
    return mikey_suite_bits(p->bits);
}

/** Whether two identities are the same user's. */
bool mikey_party_same(const struct mikey_party *p, const struct mikey_id *a,
                      const struct mikey_id *b);

/** Random bytes: OK, or E_IO and what the source gives. */
TS_MUST enum ts_err mikey_party_random(const struct mikey_party *p,
                                       uint8_t *buf, size_t n);

/** A random CSB ID. */
TS_MUST enum ts_err mikey_party_csb(const struct mikey_party *p, uint32_t *csb);

/** The ticket type of that kind, NULL if the party has none. */
const struct mikey_ticket_type *
mikey_type_find(const struct mikey_ticket_type *types, size_t n,
                struct mikey_kind kind);

/** What is fresh in a message to the KMS. Wipe env_key. */
struct mikey_fresh_init {
    struct mikey_credential cred;
    struct ts_key env_key; /* public-key variant; else empty */
    uint32_t csb;
    struct ts_span rand_view; /* of rand */
    uint8_t rand[MIKEY_RAND_MAX];
};

/**
 * Draw it, and what proves the party to its KMS.
 *
 * @param suite  of the exchange: the envelope key is as long as its keys
 * @return OK; E_DENIED (no KMS, or nothing to prove it with), and what the
 *         random source gives
 */
TS_MUST enum ts_err mikey_party_draw(const struct mikey_party *p,
                                     const struct mikey_suite *suite,
                                     struct mikey_fresh_init *f);

/** T of a message of ours. Another type than there are latches E_RANGE in the
 *  writer that it is put to. */
struct mikey_time mikey_now_t(const struct mikey_now *now);

/**
 * T of a message whose keys may be those of another one: later than that. T is
 * all that then tells their IVs apart.
 *
 * @return OK; E_RANGE: last is of another clock, or there is no later one
 */
TS_MUST enum ts_err mikey_now_after(const struct mikey_now *now,
                                    struct mikey_time last,
                                    struct mikey_time *t);

/**
 * Whether T of a message is of now.
 *
 * @param response  a COUNTER then need not be a new one (R34, R73, R120)
 * @return OK, E_TIME, E_REPLAY (a COUNTER seen before)
 */
TS_MUST enum ts_err mikey_now_check(const struct mikey_now *now, uint32_t skew,
                                    struct mikey_time t, bool response);

/** Seconds that the party allows. */
static inline uint32_t mikey_party_skew(const struct mikey_party *p)
{
    return p->skew ? p->skew : MIKEY_SKEW;
}

/** The longest of some keys, in bytes; 0 for none. */
size_t mikey_longest(const struct mikey_key *keys, size_t n);

/**
 * Whether session keys of ours can be sent: TEK, TGK or GTGK, as long as the
 * suite is strong (R271, R279), each with an SPI of its own (R213, AMB 14), a
 * salt where its type has one.
 *
 * @param most  keys
 * @return OK or E_RANGE
 */
TS_MUST enum ts_err mikey_keys_ours(const struct mikey_key *keys, size_t n,
                                    const struct mikey_suite *suite,
                                    size_t most);

/**
 * Read Key Data that were kept.
 *
 * @param octets  may be part of keys
 * @return OK, E_FORMAT, E_UNSUPPORTED, and the errors of mikey_keys_read();
 *         keys can be wiped in any case
 */
TS_MUST enum ts_err mikey_keys_take(struct mikey_keys *keys,
                                    struct ts_span octets, unsigned mpks);

/** Bytes that keys take as Key Data. */
size_t mikey_keys_bytes(const struct mikey_key *keys, size_t n);

/**
 * Whether RANDs are as long as the keys that they serve (R272): the sum of
 * both counts.
 */
bool mikey_rands_ok(struct ts_span rand_i, struct ts_span rand_r,
                    const struct mikey_key *keys, size_t n);

/**
 * Whether keys that came with a ticket fit it: F=1 where a TGK is forked, since
 * else the Initiator cannot (R217); none longer than its suite is strong.
 *
 * @param keys  the MPKs, too
 * @return OK, E_FORMAT, E_UNSUPPORTED (R279)
 */
TS_MUST enum ts_err mikey_keys_fit(const struct mikey_keys *keys,
                                   const struct mikey_tp *tp);

/** Tell what a ticket says. */
void mikey_ticket_tell(const struct mikey_tp *tp, struct ts_span data,
                       const struct mikey_policy *policy, size_t n_keys,
                       struct mikey_ticket_info *info);

/** Keep what an Error says. */
void mikey_refusal_set(struct mikey_refusal *r, const struct mikey_msg *error,
                       bool proven);

/** An Error of one of the roles. */
struct mikey_refuse {
    const struct mikey_hdr *about;
    struct mikey_time t;
    const uint8_t *no;
    size_t n_no;
    const struct mikey_srtp_policy *policy;
    size_t n_policies;
    const struct mikey_buf *scratch;
    struct mikey_protect *auth; /* NULL: without MAC */
};

/**
 * Write it.
 *
 * @return OK; E_STATE (about an Error: 5.4); E_RANGE (number of errors or
 *         policies); E_SPACE
 */
TS_MUST enum ts_err mikey_refuse_write(const struct mikey_refuse *in,
                                       uint8_t *out, size_t cap, size_t *n);

/** Whether somebody here knows what N=0 or O=0 ask for, or the flag is set. */
bool mikey_kind_known(const struct mikey_ticket_type *types, size_t n,
                      const struct mikey_tp *tp, uint16_t flag);

/**
 * Open the ticket of a TRANSFER_INIT or a RESOLVE_INIT: a base ticket with the
 * ticket key, another kind with its type.
 *
 * @param out  filled in on OK; wipe it in any case
 * @return OK; E_UNSUPPORTED (no such type); E_AUTH and the errors of
 *         mikey_base_open(), or of the type
 */
TS_MUST enum ts_err mikey_ticket_open(const struct mikey_ticket *t,
                                      const struct mikey_ticket_type *types,
                                      size_t n_types, struct ts_span tpk,
                                      struct mikey_opened *out);

#endif
