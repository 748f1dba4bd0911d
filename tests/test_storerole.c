/* SPDX-License-Identifier: Apache-2.0 */
/* The store role under the real supervisor; the test plays the engine. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "folder.h"
#include "kms/adminsock.h"
#include "kms/store.h"
#include "kms/storerole.h"

#define WAIT_MS 10000
#define SLOTS   64 /* of either ring */

static char msg[TS_CONF_MSG];
static struct kms_store_conf conf;
static struct ts_ring *to_store, *from_store;
static pid_t daemon_pid;

/* A store with one user and one ticket key. */
static void make_store(void)
{
    const uint8_t id[16] = {9};
    struct kms_store *s;
    bool made;
    OK(kms_store_create(conf.store, LITERAL("check"), &made, msg));
    OK(kms_store_open(conf.store, &s, msg));
    OK(kms_store_begin_write(s));
    OK(kms_store_user_put(s, "sip:a@x", LITERAL("a1"), LITERAL("sealed"), 1));
    OK(kms_store_key_rotate(s, id, LITERAL("sealed key"), 1));
    OK(kms_store_commit(s));
    kms_store_close(s);
}

/* Start a daemon that has this role only. */
static void start_role(void)
{
    daemon_pid = fork();
    if (daemon_pid == 0) {
        static struct ts_role role = {.name = "store", .run = kms_store_run};
        role.arg = &conf;
        role.sandbox = (struct ts_sandbox){TS_PROFILE_FILES, {folder}};
        ts_role_keep_ring(&role, &conf.from_engine);
        ts_role_keep_ring(&role, &conf.to_engine);
        const struct ts_daemon d = {
            .name = "test", .least = TS_WARN, .roles = &role, .nroles = 1};
        _exit(ts_supervise(&d));
    }
}

/* Stop it, or wait until it ends by itself; the exit code. */
static int end_role(bool stop)
{
    int status = 0;
    if (stop)
        (void)kill(daemon_pid, SIGTERM);
    (void)waitpid(daemon_pid, &status, 0);
    daemon_pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int set_up(void **state)
{
    if (folder_fresh(state))
        return -1;
    static char store[PATH_MAX], admin[PATH_MAX];
    (void)snprintf(store, sizeof store, "%s", in_folder("db"));
    (void)snprintf(admin, sizeof admin, "%s", in_folder("admin"));
    conf = (struct kms_store_conf){.store = store, .admin = admin};
    OK(ts_ring_create(SLOTS, 2048, &conf.from_engine));
    OK(ts_ring_create(SLOTS, 2048, &conf.to_engine));
    OK(ts_ring_open(conf.from_engine, &to_store));
    OK(ts_ring_open(conf.to_engine, &from_store));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (daemon_pid)
        (void)end_role(true);
    ts_ring_close(to_store);
    ts_ring_close(from_store);
    ts_ring_destroy(&conf.from_engine);
    ts_ring_destroy(&conf.to_engine);
    return 0;
}

static void ask(uint64_t id, uint16_t kind, struct ts_span body)
{
    const struct kms_query q = {
        .id = id, .len = (uint32_t)body.n, .kind = kind};
    OK(ts_ring_send(to_store, ts_span(&q, sizeof q), body));
    ts_ring_wake(to_store);
}

/* The next record from the store; its body goes to body. */
static struct kms_found next(void *body, size_t cap)
{
    uint8_t buf[2048];
    size_t n = 0;
    struct kms_found f = {0};
    struct pollfd p = {ts_ring_fd(from_store), POLLIN, 0};
    while (ts_ring_recv(from_store, buf, sizeof buf, &n) == TS_E_EMPTY) {
        if (!ts_ring_sleep(from_store))
            continue;
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        ts_ring_drain(from_store);
    }
    assert_true(n >= sizeof f);
    memcpy(&f, buf, sizeof f);
    assert_int_equal(f.len, n - sizeof f);
    assert_true(f.len <= cap);
    if (f.len && body)
        memcpy(body, buf + sizeof f, f.len);
    return f;
}

/* The role says at its start that all may have changed. */
static void wait_until_up(void)
{
    assert_int_equal(next(NULL, 0).kind, KMS_FOUND_CHANGED);
}

static void look_ups_are_answered(void **state)
{
    (void)state;
    struct kms_user_rec user;
    struct kms_key_rec key;
    uint32_t keys = 0;
    make_store();
    start_role();
    wait_until_up();
    ask(1, KMS_QUERY_USER, LITERAL("a1"));
    ask(2, KMS_QUERY_USER, LITERAL("a2"));
    ask(3, KMS_QUERY_KEYS, LITERAL(""));
    struct kms_found f = next(&user, sizeof user);
    assert_int_equal(f.id, 1);
    assert_int_equal(f.kind, KMS_FOUND_USER);
    assert_memory_equal(user.identity, "sip:a@x", 7);
    f = next(NULL, 0);
    assert_int_equal(f.id, 2);
    assert_int_equal(f.kind, KMS_FOUND_NONE);
    f = next(&key, sizeof key);
    assert_int_equal(f.id, 3);
    assert_int_equal(f.kind, KMS_FOUND_KEY);
    assert_int_equal(key.id[0], 9);
    assert_int_equal(key.state, KMS_KEY_USE);
    assert_int_equal(next(&keys, sizeof keys).kind, KMS_FOUND_NONE);
    assert_int_equal(keys, 1);
    assert_int_equal(end_role(true), 0);
    assert_int_equal(access(conf.admin, F_OK), -1);
}

static void nonsense_from_the_engine_is_passed_over(void **state)
{
    (void)state;
    struct kms_user_rec user;
    uint8_t junk[600] = {1, 2, 3};
    const struct kms_query lie = {.id = 1, .len = 5000, .kind = KMS_QUERY_USER};
    make_store();
    start_role();
    wait_until_up();
    for (size_t n = 0; n <= sizeof junk; n += 25)
        OK(ts_ring_send(to_store, ts_span(junk, n), LITERAL("")));
    OK(ts_ring_send(to_store, ts_span(&lie, sizeof lie), LITERAL("a1")));
    ask(2, 77, LITERAL("a1"));
    ask(3, KMS_QUERY_USER, LITERAL("a1"));
    assert_int_equal(next(&user, sizeof user).id, 3);
}

/* In a child: what tesseractl does; exit code 0 for OK. */
static pid_t tell(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        bool told;
        enum ts_err err = kms_admin_tell(conf.admin, &told, msg);
        _exit(err ? (int)err : !told);
    }
    return pid;
}

static int end_of(pid_t pid)
{
    int status = -1;
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_change_is_told_and_acknowledged(void **state)
{
    (void)state;
    struct stat st;
    make_store();
    start_role();
    wait_until_up();
    assert_int_equal(stat(conf.admin, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    pid_t one = tell(), two = tell();
    struct kms_found f = next(NULL, 0), g = next(NULL, 0);
    assert_int_equal(f.kind, KMS_FOUND_CHANGED);
    assert_int_equal(g.kind, KMS_FOUND_CHANGED);
    ask(f.id - 1, KMS_QUERY_TOLD, LITERAL(""));
    ask(g.id, KMS_QUERY_TOLD, LITERAL(""));
    ask(f.id, KMS_QUERY_TOLD, LITERAL(""));
    assert_int_equal(end_of(one), 0);
    assert_int_equal(end_of(two), 0);
}

static void the_last_word_counts_for_all_changes_before(void **state)
{
    (void)state;
    make_store();
    start_role();
    wait_until_up();
    pid_t one = tell(), two = tell();
    (void)next(NULL, 0);
    struct kms_found last = next(NULL, 0);
    ask(last.id + 1, KMS_QUERY_TOLD, LITERAL("")); /* of another store role */
    ask(last.id, KMS_QUERY_TOLD, LITERAL(""));
    assert_int_equal(end_of(one), 0);
    assert_int_equal(end_of(two), 0);
}

static void a_change_there_was_no_room_for_is_told_later(void **state)
{
    (void)state;
    struct kms_user_rec user;
    make_store();
    start_role();
    wait_until_up();
    for (uint64_t i = 0; i < SLOTS; i++)
        ask(i, KMS_QUERY_USER, LITERAL("a1"));
    assert_int_equal(end_of(tell()), TS_E_PEER);
    for (uint64_t i = 0; i < SLOTS; i++)
        assert_int_equal(next(&user, sizeof user).id, i);
    assert_int_equal(next(NULL, 0).kind, KMS_FOUND_CHANGED);
}

static void an_engine_that_is_silent_is_an_error(void **state)
{
    (void)state;
    make_store();
    start_role();
    wait_until_up();
    assert_int_equal(end_of(tell()), TS_E_PEER);
}

static void a_change_nobody_told_about_is_noticed(void **state)
{
    (void)state;
    struct kms_store *s;
    make_store();
    start_role();
    wait_until_up();
    OK(kms_store_open(conf.store, &s, msg));
    OK(kms_store_user_remove(s, "sip:a@x"));
    kms_store_close(s);
    assert_int_equal(next(NULL, 0).kind, KMS_FOUND_CHANGED);
    ask(1, KMS_QUERY_USER, LITERAL("a1"));
    assert_int_equal(next(NULL, 0).kind, KMS_FOUND_NONE);
}

static void what_keeps_the_role_from_starting_is_its_exit_code(void **state)
{
    (void)state;
    start_role();
    assert_int_equal(end_role(false), 2); /* no store */
    make_store();
    file_with("admin", "a file", 0600);
    start_role();
    assert_int_equal(end_role(false), 2);
}

static void a_socket_left_behind_is_replaced_a_live_one_not(void **state)
{
    (void)state;
    int fd;
    make_store();
    OK(kms_admin_listen(conf.admin, &fd, msg));
    start_role();
    assert_int_equal(end_role(false), 1);
    (void)close(fd);
    assert_int_equal(access(conf.admin, F_OK), 0);
    start_role();
    wait_until_up();
}

#define ROLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Not UNIT_MAIN(): what fails for lack of memory here is another process. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLE_TEST(look_ups_are_answered),
        ROLE_TEST(nonsense_from_the_engine_is_passed_over),
        ROLE_TEST(a_change_is_told_and_acknowledged),
        ROLE_TEST(the_last_word_counts_for_all_changes_before),
        ROLE_TEST(a_change_there_was_no_room_for_is_told_later),
        ROLE_TEST(an_engine_that_is_silent_is_an_error),
        ROLE_TEST(a_change_nobody_told_about_is_noticed),
        ROLE_TEST(what_keeps_the_role_from_starting_is_its_exit_code),
        ROLE_TEST(a_socket_left_behind_is_replaced_a_live_one_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
