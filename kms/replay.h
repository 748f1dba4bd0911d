/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked before (invariant 7): a table of messages seen, and a cache
 * of the answers to them. Both live in one shared memory that the supervisor
 * holds, so that a new engine goes on where the old one died.
 *
 * A message is known by its tag: a keyed hash over key id, T, CSB ID and type.
 * Each tag is 12 bytes and its time of expiry 4, 16 bytes a message.
 */
#ifndef KMS_REPLAY_H
#define KMS_REPLAY_H

#include "base/secret.h"

/** Longest an answer is repeated, in seconds. */
#define KMS_ANSWER_TIME 120

/** Name of a message. */
struct kms_tag {
    uint8_t b[12];
    uint32_t who; /* hash of the key id alone, for its share */
};

struct kms_replay;

/**
 * Make the shared memory.
 *
 * @param entries  messages it can hold
 * @param bytes    size of the answer cache
 * @param now      Unix microseconds: T from before it are refused, since what
 *                 was seen then is not known
 * @param fd       gets a memfd
 * @return OK, E_RANGE, E_IO
 */
TS_MUST enum ts_err kms_replay_create(uint64_t entries, uint64_t bytes,
                                      uint64_t now, int *fd);

/**
 * Map it. What does not hold together (a process died in the middle of a
 * write) is dropped.
 *
 * @param bytes  as given to kms_replay_create()
 * @return OK, E_NOMEM, E_IO, E_FORMAT
 */
TS_MUST enum ts_err kms_replay_open(int fd, uint64_t entries, uint64_t bytes,
                                    struct kms_replay **out);

/** Unmap. NULL is ignored. */
void kms_replay_close(struct kms_replay *r);

/** Unix microseconds when the memory was made. */
uint64_t kms_replay_start(const struct kms_replay *r);

/**
 * Tell what time it is. A clock that was ahead at the start and is put right
 * would make every T one from before the start: the start moves to now.
 *
 * @param now  Unix microseconds
 */
void kms_replay_clock(struct kms_replay *r, uint64_t now);

/** The tag of a message. Its place in the table is fetched from memory while
 *  the caller does other work before kms_replay_enter(). */
void kms_replay_tag(const struct kms_replay *r, struct ts_span key_id,
                    uint64_t t, uint32_t csb, uint8_t type,
                    struct kms_tag *tag);

/**
 * Enter a message that was authenticated.
 *
 * @param now     Unix seconds
 * @param expiry  when T leaves the skew window, Unix seconds
 * @return OK; E_REPLAY if it is there already; E_FULL if the table, or the
 *         share of this credential (an eighth of the table), is full
 */
TS_MUST enum ts_err kms_replay_enter(struct kms_replay *r,
                                     const struct kms_tag *tag, uint64_t now,
                                     uint64_t expiry);

/**
 * The answer given to a message before.
 *
 * @param mac     the message's MAC, which names its bytes
 * @param answer  gets a view into the shared memory, valid until the next call
 * @return OK, or E_NOTFOUND (never, too old, overwritten, or other bytes)
 */
TS_MUST enum ts_err kms_replay_answer(const struct kms_replay *r,
                                      const struct kms_tag *tag,
                                      struct ts_span mac, uint64_t now,
                                      struct ts_span *answer);

/** Keep an answer. One that is larger than a quarter of the cache is not. */
void kms_replay_keep(struct kms_replay *r, const struct kms_tag *tag,
                     struct ts_span mac, uint64_t now, struct ts_span answer);

#endif
