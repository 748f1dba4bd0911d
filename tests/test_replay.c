/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked before, and what was answered (invariant 7). */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kms/replay.h"

#define ENTRIES 4096
#define BYTES   131072
#define NOW     1795456800u
#define SKEW    300

static int fd;
static struct kms_replay *replay;

static int set_up(void **state)
{
    (void)state;
    OK(kms_replay_create(ENTRIES, BYTES, NOW, &fd));
    OK(kms_replay_open(fd, ENTRIES, BYTES, &replay));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kms_replay_close(replay);
    replay = NULL;
    return close(fd);
}

/* The tag of the n-th message of somebody. */
static struct kms_tag tag_of(unsigned who, unsigned n)
{
    struct kms_tag tag;
    kms_replay_tag(replay, ts_span(&who, sizeof who), n, 1, 11, &tag);
    return tag;
}

static enum ts_err enter(unsigned who, unsigned n, uint64_t now)
{
    struct kms_tag tag = tag_of(who, n);
    return kms_replay_enter(replay, &tag, now, now + SKEW);
}

static void a_message_is_new_once(void **state)
{
    (void)state;
    OK(enter(1, 1, NOW));
    FAILS(TS_E_REPLAY, enter(1, 1, NOW));
    FAILS(TS_E_REPLAY, enter(1, 1, NOW + SKEW));
    OK(enter(1, 2, NOW));
    OK(enter(2, 1, NOW));
}

static void each_part_of_the_name_counts(void **state)
{
    static const struct {
        const char *key_id;
        uint64_t t;
        uint32_t csb;
        uint8_t type;
    } names[] = {{"a", 1, 1, 11},
                 {"b", 1, 1, 11},
                 {"a", 2, 1, 11},
                 {"a", 1, 2, 11},
                 {"a", 1, 1, 16},
                 {"", 1, 1, 11},
                 {"a", UINT64_C(1) << 63, 1, 11}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct kms_tag tag;
        kms_replay_tag(replay, ts_span_str(names[i].key_id), names[i].t,
                       names[i].csb, names[i].type, &tag);
        OK(kms_replay_enter(replay, &tag, NOW, NOW + SKEW));
    }
}

/* What expired makes room; not a second earlier. */
static void a_full_table_is_full_until_it_expires(void **state)
{
    unsigned n = 0;
    (void)state;
    while (enter(n, n, NOW) == TS_OK)
        n++;
    /* the emptier of two: most of it is used before that */
    assert_in_range(n, ENTRIES * 5 / 8, ENTRIES + 8);
    print_message("full at %u of %u\n", n, ENTRIES);
    FAILS(TS_E_FULL, enter(n, n, NOW + SKEW));
    for (unsigned i = 0; i < n; i++)
        FAILS(TS_E_REPLAY, enter(i, i, NOW + SKEW));
    OK(enter(n, n, NOW + SKEW + 1));
    OK(enter(1, 1, NOW + SKEW + 1));
}

/* R281: nobody takes the room of all others. */
static void one_credential_has_its_share(void **state)
{
    unsigned n = 0;
    (void)state;
    while (enter(1, n, NOW) == TS_OK)
        n++;
    assert_in_range(n, ENTRIES / 8, ENTRIES / 8 + 8);
    OK(enter(2, 0, NOW));
    FAILS(TS_E_FULL, enter(1, n, NOW + SKEW));
    OK(enter(1, n, NOW + 3600)); /* counted anew */
}

/* Seconds since 1970 in 32 bits wrap; entries do not live for ever. */
static void the_year_2106_is_no_end(void **state)
{
    const uint64_t wrap = UINT64_C(1) << 32;
    (void)state;
    OK(enter(1, 1, wrap - 10));
    FAILS(TS_E_REPLAY, enter(1, 1, wrap + 10));
    OK(enter(1, 1, wrap + SKEW));
    OK(enter(1, 2, wrap - SKEW)); /* expires at 0 */
    FAILS(TS_E_REPLAY, enter(1, 2, wrap - 1));
}

/* ---- answers ---- */

static const uint8_t mac[32] = {1, 2, 3};

static void keep(unsigned n, uint64_t now, size_t len)
{
    static uint8_t answer[BYTES];
    struct kms_tag tag = tag_of(1, n);
    memset(answer, (int)n, len);
    kms_replay_keep(replay, &tag, ts_span(mac, 20), now, ts_span(answer, len));
}

/* Found, then it must be the right one. */
static enum ts_err find(unsigned n, uint64_t now, size_t len)
{
    struct kms_tag tag = tag_of(1, n);
    struct ts_span out;
    enum ts_err err =
        kms_replay_answer(replay, &tag, ts_span(mac, 20), now, &out);
    if (err)
        return err;
    assert_int_equal(out.n, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(out.p[i], (uint8_t)n);
    return TS_OK;
}

static void an_answer_is_kept_for_two_minutes(void **state)
{
    (void)state;
    keep(1, NOW, 500);
    OK(find(1, NOW, 500));
    OK(find(1, NOW + KMS_ANSWER_TIME, 500));
    FAILS(TS_E_NOTFOUND, find(1, NOW + KMS_ANSWER_TIME + 1, 500));
    FAILS(TS_E_NOTFOUND, find(1, NOW - 1, 500));
    FAILS(TS_E_NOTFOUND, find(2, NOW, 500));
}

static void an_answer_is_for_the_same_bytes_only(void **state)
{
    uint8_t other[32] = {1, 2, 4};
    struct kms_tag tag = tag_of(1, 1);
    struct ts_span out;
    (void)state;
    keep(1, NOW, 10);
    FAILS(TS_E_NOTFOUND,
          kms_replay_answer(replay, &tag, ts_span(other, 20), NOW, &out));
    FAILS(TS_E_NOTFOUND,
          kms_replay_answer(replay, &tag, ts_span(mac, 32), NOW, &out));
    FAILS(TS_E_NOTFOUND,
          kms_replay_answer(replay, &tag, ts_span(mac, 0), NOW, &out));
}

static void old_answers_give_way_to_new_ones(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 2000; i++) {
        size_t len = 100 + i * 37 % 5000;
        unsigned before = 0;
        keep(i, NOW, len);
        OK(find(i, NOW, len));
        for (unsigned j = 1; j < i && j < 200; j++)
            before += find(i - j, NOW, 100 + (i - j) * 37 % 5000) == TS_OK;
        assert_true(i < 10 || before >= 8);
    }
}

static void an_answer_as_large_as_a_quarter_is_not_kept(void **state)
{
    (void)state;
    keep(1, NOW, BYTES / 4);
    FAILS(TS_E_NOTFOUND, find(1, NOW, BYTES / 4));
    keep(2, NOW, BYTES / 4 - 200);
    OK(find(2, NOW, BYTES / 4 - 200));
    keep(3, NOW, 0);
    OK(find(3, NOW, 0));
}

/* ---- two mappings, and death ---- */

static void a_second_mapping_sees_the_same(void **state)
{
    struct kms_replay *first = replay;
    (void)state;
    OK(enter(1, 1, NOW));
    keep(1, NOW, 100);
    OK(kms_replay_open(fd, ENTRIES, BYTES, &replay));
    struct kms_replay *second = replay;
    enum ts_err again = enter(1, 1, NOW), found = find(1, NOW, 100);
    uint64_t start = kms_replay_start(second);
    OK(enter(1, 2, NOW));
    replay = first;
    enum ts_err back = enter(1, 2, NOW);
    kms_replay_close(second);
    FAILS(TS_E_REPLAY, again);
    FAILS(TS_E_REPLAY, back);
    OK(found);
    assert_true(start == NOW);
}

static void memory_of_another_size_is_refused(void **state)
{
    struct kms_replay *other;
    (void)state;
    FAILS(TS_E_FORMAT, kms_replay_open(fd, ENTRIES * 2, BYTES, &other));
    FAILS(TS_E_FORMAT, kms_replay_open(fd, ENTRIES, BYTES * 2, &other));
    FAILS(TS_E_FORMAT, kms_replay_open(fd, ENTRIES / 2, BYTES, &other));
    int empty = memfd_create("empty", MFD_CLOEXEC);
    FAILS(TS_E_FORMAT, kms_replay_open(empty, ENTRIES, BYTES, &other));
    struct stat st;
    (void)fstat(fd, &st);
    (void)!ftruncate(empty, st.st_size); /* right size, nothing in it */
    FAILS(TS_E_FORMAT, kms_replay_open(empty, ENTRIES, BYTES, &other));
    (void)close(empty);
    FAILS(TS_E_RANGE, kms_replay_create(1, BYTES, NOW, &empty));
    FAILS(TS_E_RANGE, kms_replay_create(ENTRIES, 100, NOW, &empty));
    FAILS(TS_E_RANGE,
          kms_replay_create(ENTRIES, UINT64_C(1) << 40, NOW, &empty));
}

/* The child of an engine's life: enter, keep, tell, until it is killed. */
static void work_until_killed(int tell)
{
    for (unsigned n = 0;; n++) {
        uint64_t now = NOW + n;
        enum ts_err err = enter(n % 64, n, now);
        if (err == TS_OK)
            keep(n, now, 50 + n % 900);
        if (write(tell, &n, sizeof n) != sizeof n)
            _exit(0);
    }
}

/* What was told is known afterwards, and no answer is wrong. */
static void check_after_death(unsigned last)
{
    unsigned found = 0;
    for (unsigned back = 0; back <= 100 && back <= last; back++) {
        unsigned n = last - back;
        uint64_t now = NOW + n;
        enum ts_err err = enter(n % 64, n, now);
        assert_true(err == TS_E_REPLAY || err == TS_E_FULL);
        found += find(n, NOW + last, 50 + n % 900) == TS_OK;
    }
    assert_true(last < 100 || found > 50);
}

static void kill_9_at_any_moment_leaves_what_was_told(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        int pipes[2];
        unsigned last = 0, n;
        if (round) {
            (void)tear_down(NULL);
            (void)set_up(NULL);
        }
        assert_int_equal(pipe(pipes), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(pipes[0]);
            work_until_killed(pipes[1]);
        }
        (void)close(pipes[1]);
        for (unsigned i = 0; i <= 50 + round * 90; i++)
            if (read(pipes[0], &n, sizeof n) == sizeof n)
                last = n;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        while (read(pipes[0], &n, sizeof n) == sizeof n)
            last = n;
        (void)close(pipes[0]);
        check_after_death(last);
    }
}

/* Whatever stands in the memory behind its head: no crash, no view outside. */
static void scribbled_memory_is_survived(void **state)
{
    uint64_t x = 88172645463325252u;
    struct stat st;
    (void)state;
    assert_int_equal(fstat(fd, &st), 0);
    size_t size = (size_t)st.st_size;
    uint8_t *raw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(raw != MAP_FAILED);
    for (unsigned round = 0; round < 20; round++) {
        /* behind magic, start and the sizes */
        for (size_t i = 32; i < size; i += round % 2 ? 1 : 97) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            raw[i] = (uint8_t)(x >> 32);
        }
        kms_replay_close(replay);
        OK(kms_replay_open(fd, ENTRIES, BYTES, &replay));
        for (unsigned n = 0; n < 300; n++) {
            struct kms_tag tag = tag_of(n, n);
            struct ts_span out;
            (void)!kms_replay_enter(replay, &tag, NOW, NOW + SKEW);
            if (kms_replay_answer(replay, &tag, ts_span(mac, 20), NOW, &out) ==
                TS_OK)
                assert_true(out.n <= BYTES);
            keep(n, NOW, n * 7);
            OK(find(n, NOW, n * 7));
        }
    }
    (void)munmap(raw, size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(a_message_is_new_once), TEST(each_part_of_the_name_counts),
          TEST(a_full_table_is_full_until_it_expires),
          TEST(one_credential_has_its_share), TEST(the_year_2106_is_no_end),
          TEST(an_answer_is_kept_for_two_minutes),
          TEST(an_answer_is_for_the_same_bytes_only),
          TEST(old_answers_give_way_to_new_ones),
          TEST(an_answer_as_large_as_a_quarter_is_not_kept),
          TEST(a_second_mapping_sees_the_same),
          TEST(memory_of_another_size_is_refused),
          TEST(kill_9_at_any_moment_leaves_what_was_told),
          TEST(scribbled_memory_is_survived))
