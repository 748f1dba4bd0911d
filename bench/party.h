/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of the KMS, as far as the benchmarks need one: writes authentic
 * messages, each of them new, and takes tickets out of replies.
 */
#ifndef BENCH_PARTY_H
#define BENCH_PARTY_H

#include "mikey/exchange.h"

#define PARTY_MSG_MAX 1024

/** A user and its KMS. Texts are borrowed. */
struct party {
    const struct mikey_suite *suite;
    const char *uri, *kms; /* of user and KMS */
    const char *psk_id;
    struct ts_key psk;
};

/** A message. */
struct party_msg {
    size_t n;
    uint8_t b[PARTY_MSG_MAX];
};

/** A message as a view. */
static inline struct ts_span party_span(const struct party_msg *msg)
{
    return ts_span(msg->b, msg->n);
}

/**
 * A REQUEST_INIT_PSK for a ticket to whom: the usual flags, and no keys asked
 * for, which gives one TGK without salt.
 *
 * @param csb  CSB ID; another one makes another message
 * @param now  Unix microseconds
 * @return OK, E_SPACE, E_IO (no random numbers)
 */
TS_MUST enum ts_err party_request(const struct party *p, const char *whom,
                                  uint32_t csb, uint64_t now,
                                  struct party_msg *out);

/**
 * The TRANSFER_INIT that a reply's ticket goes into: with Initiator Data, as
 * the receiver resolves it.
 *
 * @param request  what was asked
 * @param reply    the KMS's REQUEST_RESP to it
 */
TS_MUST enum ts_err party_transfer(const struct party *p,
                                   const struct party_msg *request,
                                   struct ts_span reply, struct party_msg *out);

/** A RESOLVE_INIT_PSK for the ticket in such a TRANSFER_INIT. */
TS_MUST enum ts_err party_resolve(const struct party *p,
                                  const struct party_msg *transfer,
                                  uint32_t csb, uint64_t now,
                                  struct party_msg *out);

#endif
