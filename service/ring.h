/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A one-way queue between two processes: a ring of fixed slots in shared
 * memory (memfd), one producer, one consumer, an eventfd to wake the consumer.
 *
 * The other side is not trusted: indexes are checked before use, and a record
 * is copied out before anybody looks into it. The consumer frees a slot when
 * it has copied it, before it acts on it, so that a record that kills a
 * process is not delivered twice. Memory and indexes outlive both processes
 * (the supervisor holds the descriptors), so either side can be restarted.
 */
#ifndef SERVICE_RING_H
#define SERVICE_RING_H

#include "base/bytes.h"
#include "base/err.h"

/**
 * What a ring consists of; inherited by both processes. The geometry stands
 * here and not in the shared memory, where a hostile peer could change it.
 */
struct ts_ring_fds {
    int mem;        /* memfd, sealed against resizing */
    int wake;       /* eventfd, non-blocking, semaphore off */
    uint32_t slots; /* number of records */
    uint32_t size;  /* largest record in bytes */
};

struct ts_ring;

/**
 * Make a ring.
 *
 * @param slots  number of records it holds, a power of two, 2 to 65536
 * @param size   largest record in bytes, at most 128 KiB
 * @param out    the descriptors; the caller closes them
 * @return OK, E_RANGE, E_IO
 */
TS_MUST enum ts_err ts_ring_create(size_t slots, size_t size,
                                   struct ts_ring_fds *out);

/** Close both descriptors. */
void ts_ring_destroy(struct ts_ring_fds *fds);

/**
 * Map a ring into this process, to send or to receive. The descriptors stay
 * open and are used. Goes on where an earlier process stopped.
 *
 * @return OK, E_NOMEM, E_IO, E_FORMAT for memory of another size
 */
TS_MUST enum ts_err ts_ring_open(struct ts_ring_fds fds, struct ts_ring **out);

/** Unmap; the descriptors stay open. NULL is ignored. */
void ts_ring_close(struct ts_ring *ring);

/**
 * Producer: append a record made of two parts (a header and a body, either
 * may be empty). Not yet signalled: see ts_ring_wake().
 *
 * @return OK, E_FULL, E_RANGE for more than a slot holds
 */
TS_MUST enum ts_err ts_ring_send(struct ts_ring *ring, struct ts_span head,
                                 struct ts_span body);

/** Largest record in bytes. */
size_t ts_ring_size(const struct ts_ring *ring);

/** Producer: wake the consumer if it sleeps on records. Once after a batch,
 *  and once after ts_ring_open(), for what an earlier producer left behind. */
void ts_ring_wake(struct ts_ring *ring);

/**
 * Consumer: copy the oldest record out and free its slot.
 *
 * @param buf  at least the ring's record size
 * @param cap  size of buf
 * @param n    gets the record's length
 * @return OK, E_EMPTY, E_FORMAT when the memory holds nonsense (the slot or
 *         the whole backlog was dropped), E_SPACE (the slot was dropped)
 */
TS_MUST enum ts_err ts_ring_recv(struct ts_ring *ring, void *buf, size_t cap,
                                 size_t *n);

/**
 * Consumer: about to wait on ts_ring_fd(). Arms the wake-up.
 *
 * @return true when it may sleep, false when records are there already
 */
bool ts_ring_sleep(struct ts_ring *ring);

/** Consumer: the descriptor to poll for reading, and reading it empty. */
int ts_ring_fd(const struct ts_ring *ring);
void ts_ring_drain(struct ts_ring *ring);

#endif
