/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#define SLOTS_MAX      65536
#define SIZE_MAX_BYTES (128 * 1024)
#define LINE           64

/*
 * Shared memory: this, then the slots. Indexes count records since the ring
 * was made and wrap at 2^32; tail - head is the number of records waiting.
 */
struct shared {
    alignas(LINE) _Atomic uint32_t tail;   /* the producer writes it */
    alignas(LINE) _Atomic uint32_t head;   /* the consumer writes it */
    alignas(LINE) _Atomic uint32_t asleep; /* the consumer wants a wake-up */
};

/* A slot: its length, then the bytes. */
struct slot {
    _Atomic uint32_t len;
    uint8_t bytes[];
};

/*
 * Each side believes its own index from here; the copy in shared memory, which
 * the peer can write, is read at ts_ring_open() only.
 */
struct ts_ring {
    struct shared *mem;
    size_t mapped;
    size_t stride;
    struct ts_ring_fds fds;
    uint32_t tail;
    uint32_t head;
};

static bool geometry_ok(size_t slots, size_t size)
{
    return slots >= 2 && slots <= SLOTS_MAX && (slots & (slots - 1)) == 0 &&
           size > 0 && size <= SIZE_MAX_BYTES;
}

static size_t stride_of(size_t size)
{
    return (sizeof(struct slot) + size + LINE - 1) / LINE * LINE;
}

static size_t bytes_of(size_t slots, size_t size)
{
    return sizeof(struct shared) + slots * stride_of(size);
}

enum ts_err ts_ring_create(size_t slots, size_t size, struct ts_ring_fds *out)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (!geometry_ok(slots, size))
        return TS_E_RANGE;
    int mem = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (mem < 0)
        return TS_E_IO;
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0)
        goto fail_mem;
    if (ftruncate(mem, (off_t)bytes_of(slots, size)) != 0 ||
        fcntl(mem, F_ADD_SEALS, seals) != 0)
        goto fail_wake;
    *out = (struct ts_ring_fds){mem, wake, (uint32_t)slots, (uint32_t)size};
    return TS_OK;

fail_wake:
    close(wake);
fail_mem:
    close(mem);
    return TS_E_IO;
}

void ts_ring_destroy(struct ts_ring_fds *fds)
{
    close(fds->mem);
    close(fds->wake);
    *fds = (struct ts_ring_fds){-1, -1, 0, 0};
}

enum ts_err ts_ring_open(struct ts_ring_fds fds, struct ts_ring **out)
{
    struct stat st;
    if (!geometry_ok(fds.slots, fds.size))
        return TS_E_FORMAT;
    size_t mapped = bytes_of(fds.slots, fds.size);
    if (fstat(fds.mem, &st) != 0)
        return TS_E_IO;
    if (st.st_size != (off_t)mapped)
        return TS_E_FORMAT;
    struct ts_ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return TS_E_NOMEM;
    void *mem =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fds.mem, 0);
    if (mem == MAP_FAILED) {
        free(ring);
        return TS_E_IO;
    }
    ring->mem = mem;
    ring->mapped = mapped;
    ring->stride = stride_of(fds.size);
    ring->fds = fds;
    ring->tail = atomic_load(&ring->mem->tail);
    ring->head = atomic_load(&ring->mem->head);
    *out = ring;
    return TS_OK;
}

void ts_ring_close(struct ts_ring *ring)
{
    if (!ring)
        return;
    munmap(ring->mem, ring->mapped);
    free(ring);
}

size_t ts_ring_size(const struct ts_ring *ring)
{
    return ring->fds.size;
}

/* The slot of a record: in bounds whatever the index is. */
static struct slot *slot_at(const struct ts_ring *ring, uint32_t index)
{
    size_t nth = index & (ring->fds.slots - 1);
    uint8_t *first = (uint8_t *)(ring->mem + 1);
    return (struct slot *)(void *)(first + nth * ring->stride);
}

enum ts_err ts_ring_send(struct ts_ring *ring, struct ts_span head,
                         struct ts_span body)
{
    size_t size = ring->fds.size;
    if (head.n > size || body.n > size - head.n)
        return TS_E_RANGE;
    uint32_t freed =
        atomic_load_explicit(&ring->mem->head, memory_order_acquire);
    /* a head that cannot be counts as full until the consumer mends it */
    if (ring->tail - freed >= ring->fds.slots)
        return TS_E_FULL;

    struct slot *slot = slot_at(ring, ring->tail);
    if (head.n)
        memcpy(slot->bytes, head.p, head.n);
    if (body.n)
        memcpy(slot->bytes + head.n, body.p, body.n);
    atomic_store_explicit(&slot->len, (uint32_t)(head.n + body.n),
                          memory_order_relaxed);
    ring->tail++;
    /* sequentially consistent, to pair with ts_ring_sleep() */
    atomic_store(&ring->mem->tail, ring->tail);
    return TS_OK;
}

void ts_ring_wake(struct ts_ring *ring)
{
    const uint64_t one = 1;
    /* nothing to wake it for: what is in the ring was taken already */
    if (atomic_load(&ring->mem->head) == ring->tail)
        return;
    if (!atomic_load(&ring->mem->asleep) ||
        !atomic_exchange(&ring->mem->asleep, 0))
        return;
    /* fails only when the counter is full, and then the consumer is awake */
    if (write(ring->fds.wake, &one, sizeof one) < 0)
        return;
}

/* Give every slot before index back to the producer. */
static void free_up_to(struct ts_ring *ring, uint32_t index)
{
    ring->head = index;
    atomic_store_explicit(&ring->mem->head, index, memory_order_release);
}

enum ts_err ts_ring_recv(struct ts_ring *ring, void *buf, size_t cap, size_t *n)
{
    uint32_t tail =
        atomic_load_explicit(&ring->mem->tail, memory_order_acquire);
    *n = 0;
    if (tail == ring->head)
        return TS_E_EMPTY;
    if (tail - ring->head > ring->fds.slots) {
        free_up_to(ring, tail);
        return TS_E_FORMAT;
    }
    const struct slot *slot = slot_at(ring, ring->head);
    uint32_t len = atomic_load_explicit(&slot->len, memory_order_relaxed);
    enum ts_err err = len > ring->fds.size ? TS_E_FORMAT
                      : len > cap          ? TS_E_SPACE
                                           : TS_OK;
    if (err == TS_OK) {
        memcpy(buf, slot->bytes, len);
        *n = len;
    }
    free_up_to(ring, ring->head + 1);
    return err;
}

bool ts_ring_sleep(struct ts_ring *ring)
{
    atomic_store(&ring->mem->asleep, 1);
    if (atomic_load(&ring->mem->tail) == ring->head)
        return true;
    atomic_store(&ring->mem->asleep, 0);
    return false;
}

int ts_ring_fd(const struct ts_ring *ring)
{
    return ring->fds.wake;
}

void ts_ring_drain(struct ts_ring *ring)
{
    uint64_t count;
    /* empty already is as good: the descriptor does not block */
    if (read(ring->fds.wake, &count, sizeof count) < 0)
        return;
}
