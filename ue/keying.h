/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one call, seen from a UE: what to send to the KMS, what to put
 * into the SDP, and in the end one SRTP master key and salt a direction. No
 * I/O: bytes go in and come out, so the caller is free to wait as it likes.
 *
 * Caller (design steps 2 to 4 and 11):
 *     ue_keying_new -> ue_keying_request -> POST -> ue_keying_granted
 *     -> line into the INVITE ... answer -> ue_keying_answered, for each of
 *     the endpoints that may answer (SIP forking, mikey-ticket.md 8.6)
 * Callee (steps 6 to 11):
 *     ue_keying_new -> ue_keying_offered -> POST -> ue_keying_resolved
 *     -> line into the answer
 *
 * request and offered begin a call, and forget the one before; each other step
 * out of this order is E_STATE. A reply or answer that is refused leaves the
 * call as it was, so that another can be taken; a reply of the KMS that was
 * taken, even if nothing came of it then, cannot (R173).
 *
 * What RFC 6043 asks for is done by <mikey/mikey.h>, as for any other phone;
 * what is ours is here.
 */
#ifndef UE_KEYING_H
#define UE_KEYING_H

#include "base/secret.h"

/** Largest MIKEY message of ours, in bytes. */
#define UE_MIKEY_MAX 16384
/** Largest value behind "a=key-mgmt:", with its NUL. */
#define UE_LINE_MAX (8 + UE_MIKEY_MAX / 3 * 4 + 8)

/** How many offers a callee remembers, so that none is taken twice. */
#define UE_SEEN_MAX 1024

/** Offers that were taken. One for the whole UE; starts as zeros. */
struct ue_seen {
    unsigned next;
    uint8_t tag[UE_SEEN_MAX][16];
};

/** What does not change from call to call; strings are borrowed. */
struct ue_credential {
    const char *identity;     /* own IMPU, "sip:alice@example.org" */
    const char *kms_identity; /* IDRkms, "sip:kms@example.org" */
    const char *psk_id;       /* IDRpsk */
    struct ts_key psk;        /* key shared with the KMS */
    int suite;                /* 128 or 256 */
    struct ue_seen *seen;     /* borrowed; NULL: no replay list */
};

/** SRTP keys of one direction. */
struct ue_srtp {
    uint32_t ssrc;        /* of the sender of this direction */
    struct ts_key master; /* 16 bytes, or 32 in suite 256 */
    uint8_t salt[14];
};

/** All that a protected call needs. */
struct ue_media_keys {
    struct ue_srtp send;
    struct ue_srtp recv;
    bool aes256;      /* AES_256_CM_HMAC_SHA1_80, else AES_CM_128_... */
    char proven[257]; /* the peer's identity as the KMS bound it */
};

struct ue_keying;

/**
 * State for one call.
 *
 * @param out   gets the state; ue_keying_free() releases it
 * @param cred  must outlive the state, and stay as it is
 * @param ssrc  the SSRC that this UE will send with
 * @return OK, E_NOMEM, or E_RANGE for a credential that cannot be used
 */
TS_MUST enum ts_err ue_keying_new(struct ue_keying **out,
                                  const struct ue_credential *cred,
                                  uint32_t ssrc);

/** Wipe and free. NULL is ignored. */
void ue_keying_free(struct ue_keying *k);

/**
 * Caller: the REQUEST_INIT to POST with requesttype=ticketrequest.
 *
 * @param callee   the URI that is called
 * @param now      Unix time in microseconds
 * @param body     gets at most cap bytes; UE_MIKEY_MAX is enough
 * @param len      gets their number
 * @return OK, E_FORMAT for a URI that is no identity, E_SPACE, E_IO (no random
 *         numbers)
 */
TS_MUST enum ts_err ue_keying_request(struct ue_keying *k, const char *callee,
                                      uint64_t now, uint8_t *body, size_t cap,
                                      size_t *len);

/**
 * Caller: take the KMS's answer, check what it grants (R47) and make the SDP
 * value "mikey BASE64(TRANSFER_INIT)".
 *
 * @param body  the reply, of len bytes
 * @param line  gets the value and a NUL; UE_LINE_MAX is enough
 * @param cap   size of line
 * @return OK; E_AGAIN for the first Error 1, by which our clock was set: make
 *         and POST the request once more; E_PEER for any other MIKEY Error
 *         (ue_keying_reason() names it); E_AUTH, E_TIME, E_MISMATCH, E_MISSING
 *         or a parse error for an answer that must not be believed; E_MISMATCH
 *         (somebody else's ticket), E_EXPIRED, E_UNSUPPORTED or E_FORMAT for a
 *         ticket that we cannot use; E_SPACE, E_IO, E_STATE
 */
TS_MUST enum ts_err ue_keying_granted(struct ue_keying *k, const uint8_t *body,
                                      size_t len, uint64_t now, char *line,
                                      size_t cap);

/**
 * Caller: take the value of the answer's key-mgmt line and give the keys.
 *
 * May be called again, for an answer that comes twice, and for those of other
 * endpoints, which have keys of their own.
 *
 * @param line  what stands behind "a=key-mgmt:"
 * @param keys  filled in, all zeros on failure; the caller wipes it
 * @return OK; E_FORMAT (not base64, not mikey, not well-formed) and what else
 *         mikey_look() gives; E_MISSING, E_UNSUPPORTED; E_AUTH, E_TIME,
 *         E_MISMATCH (another call's; a changed policy, crypto session or SSRC:
 *         R85, R206); E_NOTFOUND (no key of that SPI); E_PEER for a MIKEY
 *         Error; E_STATE
 */
TS_MUST enum ts_err ue_keying_answered(struct ue_keying *k, const char *line,
                                       uint64_t now,
                                       struct ue_media_keys *keys);

/**
 * Callee: check the offer's key-mgmt value (policy and form, R62) and make the
 * RESOLVE_INIT to POST with requesttype=ticketresolve. Whatever is refused here
 * is refused without the KMS (R63).
 *
 * @param line    what stands behind "a=key-mgmt:"
 * @param caller  gets the identity that the offer claims; 257 bytes
 * @param body    gets at most cap bytes; UE_MIKEY_MAX is enough
 * @param len     gets their number on OK
 * @return OK; E_FORMAT, E_UNKNOWN, E_MISSING and what else mikey_look() gives
 *         (no TRANSFER_INIT); E_DENIED (not for us, not the caller's own, not
 *         of our KMS), E_EXPIRED, E_TIME, E_REPLAY (also a COUNTER), E_MISMATCH
 *         (SDP IDs, or policies that contradict each other or are not there),
 *         E_UNSUPPORTED (ticket, suite, crypto sessions or SRTP policy);
 *         E_SPACE, E_IO
 */
TS_MUST enum ts_err ue_keying_offered(struct ue_keying *k, const char *line,
                                      uint64_t now, char caller[static 257],
                                      uint8_t *body, size_t cap, size_t *len);

/**
 * Callee: take the KMS's answer, verify the offer with it, and make the value
 * "mikey BASE64(TRANSFER_RESP)" for the SDP answer.
 *
 * @param body  the reply, of len bytes
 * @param line  gets the value and a NUL; UE_LINE_MAX is enough
 * @param cap   size of line
 * @param keys  filled in, all zeros on failure; the caller wipes it
 * @return as ue_keying_granted(), on E_AGAIN call ue_keying_offered() again;
 *         E_AUTH also for an offer that does not verify (R133, R134); E_REPLAY
 *         when a copy of it was taken meanwhile; E_NOTFOUND (no session key, or
 *         none of that SPI), E_MISMATCH (its SSRCs)
 */
TS_MUST enum ts_err ue_keying_resolved(struct ue_keying *k, const uint8_t *body,
                                       size_t len, uint64_t now, char *line,
                                       size_t cap, struct ue_media_keys *keys);

/** Why the last call failed, one line for a person; never NULL. */
const char *ue_keying_reason(const struct ue_keying *k);

#endif
