/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of the engine that wait for their audit record. A reply leaves when
 * the audit says that its record is on disk; after KMS_AUDIT_MS without an
 * answer, or when the audit could not write, 503 leaves instead (invariant 6).
 */
#ifndef KMS_OUTBOX_H
#define KMS_OUTBOX_H

#include "kms/msg.h"
#include "service/ring.h"

/** Longest wait for the audit, in milliseconds. */
#define KMS_AUDIT_MS 200

struct kms_outbox;

/**
 * @param replies        to the front
 * @param entries, done  to and from the audit
 * @return OK, E_NOMEM, E_IO
 */
TS_MUST enum ts_err kms_outbox_new(struct kms_outbox **out,
                                   struct ts_ring_fds replies,
                                   struct ts_ring_fds entries,
                                   struct ts_ring_fds done);

/** Close and free. NULL is ignored. */
void kms_outbox_free(struct kms_outbox *o);

/** Tell the front that this engine is new: what it asked before is lost. */
void kms_outbox_hello(struct kms_outbox *o);

/** How many more replies can be taken. */
unsigned kms_outbox_room(const struct kms_outbox *o);

/** Whether no reply waits. */
bool kms_outbox_empty(const struct kms_outbox *o);

/**
 * Take a decision. There must be room.
 *
 * @param ask     the front's number
 * @param status  200, with reply, or 503
 * @param record  line for the audit
 * @param reply   copied
 * @param now     milliseconds of the monotonic clock
 */
void kms_outbox_put(struct kms_outbox *o, uint64_t ask, uint16_t status,
                    struct ts_span record, struct ts_span reply, int64_t now);

/** A reply without body and without record. There must be room. */
void kms_outbox_direct(struct kms_outbox *o, uint64_t ask, uint16_t status,
                       uint16_t retry);

/** Take what the audit has acknowledged, and let replies go. */
void kms_outbox_acks(struct kms_outbox *o);

/** Give up on records that the audit does not acknowledge in time. */
void kms_outbox_check(struct kms_outbox *o, int64_t now);

/** Wake front and audit if anything was sent. */
void kms_outbox_wake(struct kms_outbox *o);

/** As in service/ring.h, for acknowledgements. */
int kms_outbox_fd(const struct kms_outbox *o);
bool kms_outbox_sleep(struct kms_outbox *o);
void kms_outbox_drain(struct kms_outbox *o);

#endif
