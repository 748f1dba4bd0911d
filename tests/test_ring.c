/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between two processes, and what a hostile peer can do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/ring.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 8
#define SIZE  100

struct fixture {
    struct ts_ring_fds fds;
    struct ts_ring *to, *from; /* producer and consumer */
    uint32_t *mem;             /* as a peer sees it: tail, head, asleep */
};

/* Where the peer finds the words that it can change. */
enum { TAIL = 0, HEAD = 16, FIRST_LEN = 48 };

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(ts_ring_create(SLOTS, SIZE, &f->fds), TS_OK);
    assert_int_equal(ts_ring_open(f->fds, &f->to), TS_OK);
    assert_int_equal(ts_ring_open(f->fds, &f->from), TS_OK);
    f->mem =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f->fds.mem, 0);
    assert_ptr_not_equal(f->mem, MAP_FAILED);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    munmap(f->mem, 4096);
    ts_ring_close(f->to);
    ts_ring_close(f->from);
    ts_ring_destroy(&f->fds);
    free(f);
    return 0;
}

static enum ts_err put(struct fixture *f, const char *text)
{
    return ts_ring_send(f->to, ts_span_str(text), ts_span(NULL, 0));
}

static void expect(struct fixture *f, const char *text)
{
    char buf[SIZE];
    size_t n;
    assert_int_equal(ts_ring_recv(f->from, buf, sizeof buf, &n), TS_OK);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(buf, text, n);
}

static void expect_err(struct fixture *f, enum ts_err err)
{
    char buf[SIZE];
    size_t n = 1;
    assert_int_equal(ts_ring_recv(f->from, buf, sizeof buf, &n), err);
    assert_int_equal(n, 0);
}

static void what_is_sent_arrives_in_order(void **state)
{
    struct fixture *f = *state;
    expect_err(f, TS_E_EMPTY);
    assert_int_equal(put(f, "first"), TS_OK);
    assert_int_equal(
        ts_ring_send(f->to, ts_span_str("sec"), ts_span_str("ond")), TS_OK);
    assert_int_equal(put(f, ""), TS_OK);
    expect(f, "first");
    expect(f, "second");
    expect(f, "");
    expect_err(f, TS_E_EMPTY);
}

static void a_full_ring_refuses_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < SLOTS; i++)
        assert_int_equal(put(f, "x"), TS_OK);
    assert_int_equal(put(f, "y"), TS_E_FULL);
    expect(f, "x");
    assert_int_equal(put(f, "y"), TS_OK);
    for (int i = 1; i < SLOTS; i++)
        expect(f, "x");
    expect(f, "y");
}

static void sizes_are_limited(void **state)
{
    struct fixture *f = *state;
    static const uint8_t big[SIZE + 1];
    struct ts_ring_fds fds;
    char small[SIZE - 1];
    size_t n;
    assert_int_equal(
        ts_ring_send(f->to, ts_span(big, SIZE + 1), ts_span(NULL, 0)),
        TS_E_RANGE);
    assert_int_equal(ts_ring_send(f->to, ts_span(big, 1), ts_span(big, SIZE)),
                     TS_E_RANGE);
    assert_int_equal(
        ts_ring_send(f->to, ts_span(big, 1), ts_span(big, SIZE - 1)), TS_OK);
    assert_int_equal(ts_ring_recv(f->from, small, sizeof small, &n),
                     TS_E_SPACE);
    expect_err(f, TS_E_EMPTY);
    assert_int_equal(ts_ring_create(3, SIZE, &fds), TS_E_RANGE);
    assert_int_equal(ts_ring_create(1, SIZE, &fds), TS_E_RANGE);
    assert_int_equal(ts_ring_create(131072, SIZE, &fds), TS_E_RANGE);
    assert_int_equal(ts_ring_create(2, 0, &fds), TS_E_RANGE);
    assert_int_equal(ts_ring_create(2, 131073, &fds), TS_E_RANGE);
}

static void other_memory_is_no_ring(void **state)
{
    struct fixture *f = *state;
    struct ts_ring_fds fds = f->fds;
    struct ts_ring *ring;
    fds.slots = 2 * SLOTS;
    assert_int_equal(ts_ring_open(fds, &ring), TS_E_FORMAT);
    fds.slots = 5;
    assert_int_equal(ts_ring_open(fds, &ring), TS_E_FORMAT);
    assert_int_not_equal(ftruncate(f->fds.mem, 1), 0);
}

static void indexes_wrap_at_the_end_of_their_range(void **state)
{
    struct fixture *f = *state;
    f->mem[TAIL] = f->mem[HEAD] = UINT32_MAX - 2;
    ts_ring_close(f->to);
    ts_ring_close(f->from);
    assert_int_equal(ts_ring_open(f->fds, &f->to), TS_OK);
    assert_int_equal(ts_ring_open(f->fds, &f->from), TS_OK);
    for (int i = 0; i < SLOTS; i++)
        assert_int_equal(put(f, "x"), TS_OK);
    assert_int_equal(put(f, "y"), TS_E_FULL);
    for (int i = 0; i < SLOTS; i++)
        expect(f, "x");
    expect_err(f, TS_E_EMPTY);
}

static void a_hostile_producer_is_survived(void **state)
{
    struct fixture *f = *state;
    static const uint32_t tails[] = {SLOTS + 1, 1000, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        f->mem[TAIL] += tails[i];
        expect_err(f, TS_E_FORMAT); /* the backlog goes, at once */
        expect_err(f, TS_E_EMPTY);
    }
    f->mem[TAIL] = f->mem[HEAD] = 0;
    ts_ring_close(f->from);
    assert_int_equal(ts_ring_open(f->fds, &f->from), TS_OK);
    f->mem[FIRST_LEN] = SIZE + 1;
    f->mem[TAIL] = 1;
    expect_err(f, TS_E_FORMAT); /* the slot goes */
    expect_err(f, TS_E_EMPTY);
    f->mem[HEAD] = 77; /* not the consumer's truth */
    f->mem[FIRST_LEN] = UINT32_MAX;
    expect_err(f, TS_E_EMPTY);
}

static void a_hostile_consumer_is_survived(void **state)
{
    struct fixture *f = *state;
    static const uint32_t heads[] = {1, SLOTS, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        f->mem[HEAD] = heads[i];
        f->mem[TAIL] = 12345;
        enum ts_err err = put(f, "x");
        assert_true(err == TS_OK || err == TS_E_FULL);
    }
}

static void records_survive_both_processes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, "one"), TS_OK);
    assert_int_equal(put(f, "two"), TS_OK);
    ts_ring_close(f->to);
    assert_int_equal(ts_ring_open(f->fds, &f->to), TS_OK);
    expect(f, "one");
    ts_ring_close(f->from);
    assert_int_equal(ts_ring_open(f->fds, &f->from), TS_OK);
    assert_int_equal(put(f, "three"), TS_OK);
    expect(f, "two");
    expect(f, "three");
}

static void only_a_sleeper_is_woken(void **state)
{
    struct fixture *f = *state;
    struct pollfd fd = {ts_ring_fd(f->from), POLLIN, 0};
    assert_int_equal(put(f, "x"), TS_OK);
    ts_ring_wake(f->to);
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_false(ts_ring_sleep(f->from));
    expect(f, "x");
    assert_true(ts_ring_sleep(f->from));
    ts_ring_wake(f->to); /* for nothing */
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_int_equal(put(f, "y"), TS_OK);
    ts_ring_wake(f->to);
    assert_int_equal(poll(&fd, 1, 0), 1);
    ts_ring_drain(f->from);
    ts_ring_wake(f->to);
    assert_int_equal(poll(&fd, 1, 0), 0);
}

/* The consumer: sleeps and wakes until it has seen all numbers in order. */
static bool count_to(struct ts_ring *ring, uint32_t last)
{
    struct pollfd fd = {ts_ring_fd(ring), POLLIN, 0};
    for (uint32_t want = 1; want <= last;) {
        uint32_t got;
        uint8_t buf[SIZE];
        size_t n;
        enum ts_err err = ts_ring_recv(ring, buf, sizeof buf, &n);
        if (err == TS_E_EMPTY) {
            if (ts_ring_sleep(ring) && poll(&fd, 1, 10000) != 1)
                return false; /* a lost wake-up */
            ts_ring_drain(ring);
            continue;
        }
        if (err || n != sizeof got)
            return false;
        memcpy(&got, buf, sizeof got);
        if (got != want++)
            return false;
    }
    return true;
}

static void send_up_to(struct ts_ring *ring, uint32_t last)
{
    for (uint32_t i = 1; i <= last;) {
        if (ts_ring_send(ring, ts_span(&i, sizeof i), ts_span(NULL, 0)) ==
            TS_OK)
            i++;
        else
            sched_yield();
        ts_ring_wake(ring);
    }
}

static void two_processes_lose_nothing(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(count_to(f->from, 200000) ? 0 : 1);
    send_up_to(f->to, 200000);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void *other_thread(void *arg)
{
    struct fixture *f = arg;
    return count_to(f->from, 50000) ? f : NULL;
}

/* As above, where a thread sanitizer can see both sides. */
static void two_threads_do_not_race(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, f), 0);
    send_up_to(f->to, 50000);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_sent_arrives_in_order),
        T(a_full_ring_refuses_and_loses_nothing),
        T(sizes_are_limited),
        T(other_memory_is_no_ring),
        T(indexes_wrap_at_the_end_of_their_range),
        T(a_hostile_producer_is_survived),
        T(a_hostile_consumer_is_survived),
        T(records_survive_both_processes),
        T(only_a_sleeper_is_woken),
        T(two_processes_lose_nothing),
        T(two_threads_do_not_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
