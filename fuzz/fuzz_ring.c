/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile peer: the input says what it writes into the shared memory, and
 * when we send or receive. Nothing may be read or written out of bounds, no
 * record may be longer than its slot, and a backlog ends.
 *
 * Input: groups of five octets: what to do, and a 32-bit word.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/reader.h"
#include "service/ring.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

#define SLOTS 4
#define SIZE  60
#define WORDS 112 /* of the shared memory: three lines, four slots */

static struct ts_ring_fds fds;
static uint32_t *shared;

static void make_ring(void)
{
    if (shared)
        return;
    MUST_HOLD(ts_ring_create(SLOTS, SIZE, &fds) == TS_OK);
    shared = mmap(NULL, WORDS * sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED, fds.mem, 0);
    MUST_HOLD(shared != MAP_FAILED);
}

static void receive_all(struct ts_ring *ring)
{
    uint8_t buf[SIZE];
    size_t n;
    enum ts_err err;
    unsigned records = 0;
    while ((err = ts_ring_recv(ring, buf, sizeof buf, &n)) != TS_E_EMPTY) {
        MUST_HOLD(err == TS_OK || err == TS_E_FORMAT);
        MUST_HOLD(n <= SIZE);
        MUST_HOLD(++records <= SLOTS + 1);
    }
}

static void act(struct ts_ring *ring, uint8_t what, uint32_t word)
{
    static const uint8_t bytes[SIZE];
    if (what < WORDS) {
        shared[what] = word;
        return;
    }
    switch (what % 4) {
    case 0:
        (void)!ts_ring_send(ring, ts_span(bytes, word % SIZE),
                            ts_span(bytes, 1));
        break;
    case 1:
        receive_all(ring);
        break;
    case 2:
        (void)ts_ring_sleep(ring);
        break;
    default:
        ts_ring_wake(ring);
        ts_ring_drain(ring);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ts_ring *ring;
    struct ts_reader r = ts_reader_init(data, n);
    make_ring();
    memset(shared, 0, WORDS * sizeof *shared);
    MUST_HOLD(ts_ring_open(fds, &ring) == TS_OK);
    while (ts_reader_left(&r) >= 5) {
        uint8_t what = ts_get_u8(&r);
        act(ring, what, ts_get_u32(&r));
    }
    receive_all(ring);
    ts_ring_close(ring);
    return 0;
}
