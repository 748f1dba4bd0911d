/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing MIKEY messages payload by payload. Each payload patches its own type
 * into the next payload octet of the one before it, so that no caller has to
 * know what comes next.
 */
#ifndef MIKEY_BUILD_H
#define MIKEY_BUILD_H

#include "base/writer.h"
#include "mikey/derive.h"
#include "mikey/msg.h"
#include "mikey/pk.h"

/** A chain being written; the writer belongs to the caller. */
struct mikey_build {
    struct ts_writer *w;
    size_t start;   /* offset of the region in w */
    size_t next_at; /* offset of the octet that names the next payload */
};

/** Begin a chain with its First Payload octet (TP Data, Initiator Data). */
struct mikey_build mikey_build_first(struct ts_writer *w);

/**
 * Begin a message with HDR.
 *
 * @param hdr  type, v, prf, csb, n_cs, map_type and map are written
 */
struct mikey_build mikey_build_hdr(struct ts_writer *w,
                                   const struct mikey_hdr *hdr);

/** Begin a payload: its type goes to the one before, its next octet is 0. */
void mikey_build_payload(struct mikey_build *b, enum mikey_next type);

/** T. E_RANGE latches for a type that nobody knows, here and in TR. */
void mikey_build_t(struct mikey_build *b, struct mikey_time t);

/** TR. */
void mikey_build_tr(struct mikey_build *b, enum mikey_ts_role role,
                    struct mikey_time t);

/** RANDR with role, or RAND when role is 0; at most 255 bytes. */
void mikey_build_rand(struct mikey_build *b, unsigned role, struct ts_span v);

/** IDR; nothing is written when id.data.p is NULL. */
void mikey_build_idr(struct mikey_build *b, enum mikey_id_role role,
                     struct mikey_id id);

/** CERT. */
void mikey_build_cert(struct mikey_build *b, const struct mikey_id *cert);

/** CHASH. */
void mikey_build_chash(struct mikey_build *b, const struct mikey_chash *chash);

/** PKE with an envelope key that the sealer encrypts; its error latches. */
void mikey_build_pke(struct mikey_build *b, enum mikey_pke_cache c,
                     const struct mikey_sealer *sealer, struct ts_span env_key);

/** SP. */
void mikey_build_sp(struct mikey_build *b, const struct mikey_sp *sp);

/** General Extension "SDP IDs" (RFC 4567). */
void mikey_build_sdp_ids(struct mikey_build *b, struct ts_span list);

/** The whole TICKET payload, as received, with other Initiator Data. */
void mikey_build_ticket_as(struct mikey_build *b, const struct mikey_ticket *t,
                           struct ts_span init);

/** V with room for its MAC; returns the room, NULL if it does not fit. */
uint8_t *mikey_build_v_room(struct mikey_build *b,
                            const struct mikey_suite *suite);

/**
 * V over all of the message so far and what follows it in the MAC input
 * (R188, R191).
 *
 * @param h             keyed with the auth_key
 * @param tail1, tail2  identities, or the initial message; may be empty
 */
void mikey_build_v(struct mikey_build *b, const struct mikey_suite *suite,
                   struct mikey_hmac *h, struct ts_span tail1,
                   struct ts_span tail2);

/**
 * Verify the V of a message that was read: same MAC input as above.
 *
 * @return OK; E_MISSING without V; E_UNSUPPORTED for another algorithm than
 *         the suite's; E_AUTH
 */
TS_MUST enum ts_err mikey_v_verify(const struct mikey_msg *m,
                                   const struct mikey_suite *suite,
                                   struct mikey_hmac *h, struct ts_span tail1,
                                   struct ts_span tail2);

/**
 * SIGN over all of the message so far, its own two first octets, and what
 * follows in the input (R188). The signer's error latches.
 */
void mikey_build_sign(struct mikey_build *b, const struct mikey_signer *signer,
                      struct ts_span tail1, struct ts_span tail2);

/**
 * Verify the SIGN of a message that was read, as the verifier's certify()
 * decided just before.
 *
 * @return OK; E_MISSING without SIGN; what the verifier says
 */
TS_MUST enum ts_err mikey_sign_verify(const struct mikey_msg *m,
                                      const struct mikey_verifier *verifier,
                                      struct ts_span tail1,
                                      struct ts_span tail2);

#endif
