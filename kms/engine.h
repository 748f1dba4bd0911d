/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's core: an authenticated context, the bytes of a request and the
 * time go in; the bytes of the reply and a record for the audit come out. No
 * process, ring or socket around it.
 *
 *     kms_engine_open      parse, check what is public, name the key id
 *     ... the caller finds the user ...
 *     kms_engine_verify    the message's MAC
 *     kms_engine_answer    replay, authorise, issue or resolve
 *  or kms_engine_deny      not authenticated
 *
 * Nothing here allocates.
 */
#ifndef KMS_ENGINE_H
#define KMS_ENGINE_H

#include "kms/conf.h"
#include "kms/keyring.h"
#include "kms/replay.h"
#include "mikey/exchange.h"

/** Random bytes drawn from the kernel in one call. */
#define KMS_POOL 4096

struct kms_engine {
    const char *identity;         /* octets of IDRkms */
    struct ts_identity canonical; /* the same, to compare */
    struct kms_policy policy;
    struct kms_keyring ring;
    struct kms_replay *replay;
    ts_random_fn random; /* source of the pool */
    size_t pool_left;
    uint8_t pool[KMS_POOL];
};

/** What a decision was, for audit, log and counters. */
enum kms_result {
    KMS_GRANTED,  /* ticket issued, or resolved */
    KMS_REPEATED, /* the same reply as before */
    KMS_REFUSED,  /* authenticated, and refused */
    KMS_DENIED,   /* not authenticated */
    KMS_INVALID,  /* wrong in what everybody can see */
    KMS_FAILED,   /* our own failure: 503 */
};

/** One request on its way. */
struct kms_question {
    enum mikey_type type;       /* what requesttype calls for */
    uint64_t now;               /* Unix microseconds */
    struct mikey_msg m;         /* views into the caller's bytes */
    struct mikey_policy policy; /* TP, or the ticket's */
    struct ts_span key_id;
    const struct kms_user *user; /* NULL: unknown */
    struct mikey_protect psk;    /* valid after kms_engine_verify() */
    struct kms_tag tag;

    enum kms_result result;
    const char *reason; /* constant text */
    uint8_t error;      /* of the MIKEY Error, if that is the reply */
    uint16_t status;    /* HTTP */
    bool has_policy;
};

/** Result as it stands in audit and log: "granted" ... */
const char *kms_result_name(enum kms_result result);

/**
 * Set up. The ticket keys come later; the replay memory is borrowed.
 *
 * @param identity  IDRkms; must outlive the engine
 * @return OK, E_FORMAT (no identity)
 */
TS_MUST enum ts_err kms_engine_init(struct kms_engine *e, const char *identity,
                                    const struct kms_policy *policy,
                                    struct kms_replay *replay,
                                    ts_random_fn random);

/** Wipe keys and random pool. */
void kms_engine_wipe(struct kms_engine *e);

/** n random bytes: OK or E_IO. */
TS_MUST enum ts_err kms_engine_random(struct kms_engine *e, uint8_t *buf,
                                      size_t n);

/**
 * Parse a request and check what is public.
 *
 * @param q     filled in
 * @param kind  enum kms_ask_kind
 * @param body  the message; must live as long as q
 * @param now   Unix microseconds
 * @param w     gets an Error message if the request is invalid
 * @return true when q->key_id names the credential to look up; false when the
 *         matter is decided: q->status, and w if that is 200
 */
bool kms_engine_open(struct kms_engine *e, struct kms_question *q,
                     unsigned kind, struct ts_span body, uint64_t now,
                     struct ts_writer *w);

/**
 * Check the message's MAC.
 *
 * @param user  NULL: unknown; a dummy key makes the same work (design 6)
 * @return OK or E_AUTH; after either call answer or deny, or verify again
 */
TS_MUST enum ts_err kms_engine_verify(struct kms_engine *e,
                                      struct kms_question *q,
                                      const struct kms_user *user);

/** Answer an authenticated request; fills in the verdict and, for 200, w. */
void kms_engine_answer(struct kms_engine *e, struct kms_question *q,
                       struct ts_writer *w);

/** Refuse one that is not authenticated: Error 0 without V. */
void kms_engine_deny(struct kms_engine *e, struct kms_question *q,
                     const char *reason, struct ts_writer *w);

/** Longest line of kms_engine_record(). */
#define KMS_RECORD_MAX 2048

/**
 * The audit record: one JSON object, no newline, no key.
 *
 * @param line  gets at most KMS_RECORD_MAX bytes
 * @return their number
 */
size_t kms_engine_record(const struct kms_engine *e,
                         const struct kms_question *q,
                         char line[static KMS_RECORD_MAX]);

/* Between engine.c, issue.c and resolve.c. */

/** The reply is an Error; auth: with V. */
void kms_reply_error(struct kms_question *q, enum kms_result result, uint8_t no,
                     const char *reason, bool auth, struct ts_writer *w);

/** TP of a REQUEST_INIT: OK, or the failure with q->error set. */
TS_MUST enum ts_err kms_issue_check(const struct kms_engine *e,
                                    struct kms_question *q);
void kms_issue(struct kms_engine *e, struct kms_question *q,
               struct ts_writer *w);

/** TICKET of a RESOLVE_INIT: OK, or the failure with q->error set. */
TS_MUST enum ts_err kms_resolve_check(const struct kms_engine *e,
                                      struct kms_question *q);
void kms_resolve(struct kms_engine *e, struct kms_question *q,
                 struct ts_writer *w);

/** A claimed identity is the authenticated user's own. */
bool kms_is_user(const struct kms_question *q, const struct mikey_id *claimed);

/** An identity is this KMS's, or left out. */
bool kms_is_us(const struct kms_engine *e, const struct mikey_id *kms);

#endif
