/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's core in this process, with a ticket key, two users and batches
 * of messages for it.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "bench/party.h"
#include "kms/engine.h"

#define RIG_BATCH 64

enum rig_exchange { RIG_REQUEST, RIG_RESOLVE };

struct rig {
    struct kms_engine engine;
    struct party alice, bob; /* bob resolves what alice asks for */
    struct kms_user alice_user, bob_user;
    struct party_msg transfer; /* alice's, to bob */
    uint32_t csb;
    uint64_t now;
    struct party_msg batch[RIG_BATCH]; /* what the engine gets */
    struct kms_question q; /* as in the engine role: not on the stack */
    uint8_t reply[KMS_REPLY_MAX];
    char record[KMS_RECORD_MAX];
};

/** Set up for a suite of 128 or 256 bits; a failure ends the program. */
void rig_open(struct rig *rig, unsigned bits);
/** Let replay table and answer cache reach the state that they stay in. */
void rig_warm(struct rig *rig);

/** Unmap the replay table and wipe all keys. */
void rig_close(struct rig *rig);

/** Fill the batch with new messages of one exchange. */
void rig_prepare(struct rig *rig, enum rig_exchange which);

/**
 * Answer one message of the batch, as the engine role does: from its bytes to
 * those of the reply (first so many in rig->reply) and of the audit record.
 *
 * @return length of the reply; a message that is not granted ends the program
 */
size_t rig_answer(struct rig *rig, enum rig_exchange which, unsigned nth);

#endif
