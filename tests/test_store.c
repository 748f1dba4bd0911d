/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "folder.h"
#include "kms/store.h"

static char msg[TS_CONF_MSG];
static const uint8_t id_a[16] = {1}, id_b[16] = {2}, id_c[16] = {3};

/* A fresh store, open. */
static struct kms_store *fresh(void)
{
    struct kms_store *s = NULL;
    bool made;
    OK(kms_store_create(in_folder("db"), LITERAL("check value"), &made, msg));
    OK(kms_store_open(in_folder("db"), &s, msg));
    return s;
}

/* Change the file behind the program's back. */
static void tamper(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder("db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void put(struct kms_store *s, const char *identity, const char *key_id)
{
    OK(kms_store_begin_write(s));
    OK(kms_store_user_put(s, identity, ts_span_str(key_id), LITERAL("sealed"),
                          1000));
    OK(kms_store_commit(s));
}

static void a_store_is_made_once(void **state)
{
    (void)state;
    bool made;
    struct stat st;
    uint8_t check[KMS_SEALED_MAX];
    size_t n;
    OK(kms_store_create(in_folder("db"), LITERAL("first"), &made, msg));
    assert_true(made);
    assert_int_equal(stat(in_folder("db"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    OK(kms_store_create(in_folder("db"), LITERAL("second"), &made, msg));
    assert_false(made);
    struct kms_store *s;
    OK(kms_store_open(in_folder("db"), &s, msg));
    OK(kms_store_check(s, check, &n));
    assert_true(ts_span_equal(ts_span(check, n), LITERAL("first")));
    kms_store_close(s);
}

static void a_store_that_is_not_there_is_not_made_by_opening(void **state)
{
    (void)state;
    struct kms_store *s;
    FAILS(TS_E_NOTFOUND, kms_store_open(in_folder("db"), &s, msg));
    assert_non_null(strstr(msg, "tesseractl -c FILE init"));
    assert_int_equal(access(in_folder("db"), F_OK), -1);
    FAILS(TS_E_NOTFOUND, kms_store_open(file_with("db", "", 0600), &s, msg));
}

static void a_newer_store_is_refused(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    bool made;
    kms_store_close(s);
    tamper("PRAGMA user_version = 2");
    FAILS(TS_E_CONFIG, kms_store_open(in_folder("db"), &s, msg));
    assert_non_null(strstr(msg, "is of version 2, this program knows"));
    FAILS(TS_E_CONFIG,
          kms_store_create(in_folder("db"), LITERAL("c"), &made, msg));
}

static void files_of_other_programs_are_left_alone(void **state)
{
    (void)state;
    struct kms_store *s;
    bool made;
    tamper("CREATE TABLE theirs (x)");
    FAILS(TS_E_CONFIG, kms_store_open(in_folder("db"), &s, msg));
    FAILS(TS_E_CONFIG,
          kms_store_create(in_folder("db"), LITERAL("c"), &made, msg));
    assert_non_null(strstr(msg, "of another program"));
    (void)unlink(in_folder("db"));
    file_with("db",
              "this is not an SQLite file, but long enough for one; "
              "this is not an SQLite file, but long enough for one",
              0600);
    FAILS(TS_E_IO, kms_store_open(in_folder("db"), &s, msg));
    assert_non_null(strstr(msg, "not a database"));
}

static void a_user_is_found_by_the_key_id(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    struct kms_user_rec rec;
    put(s, "sip:a@x", "a1");
    put(s, "sip:b@x", "b1");
    put(s, "sip:a@x", "a2");
    OK(kms_store_user_find(s, LITERAL("a2"), &rec));
    assert_int_equal(rec.identity_len, 7);
    assert_memory_equal(rec.identity, "sip:a@x", 8);
    assert_int_equal(rec.sealed_len, 6);
    assert_memory_equal(rec.sealed, "sealed", 6);
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a"), &rec));
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL(""), &rec));
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a2\0"), &rec));
    kms_store_close(s);
}

static void a_key_id_belongs_to_one_user(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    struct kms_user_rec rec;
    put(s, "sip:a@x", "k");
    OK(kms_store_begin_write(s));
    FAILS(TS_E_EXISTS,
          kms_store_user_put(s, "sip:b@x", LITERAL("k"), LITERAL("other"), 1));
    kms_store_rollback(s);
    FAILS(TS_E_NOTFOUND, kms_store_user(s, "sip:b@x", NULL, NULL, NULL));
    OK(kms_store_begin_write(s));
    OK(kms_store_user_put(s, "sip:a@x", LITERAL("k"), LITERAL("newer"), 1));
    OK(kms_store_commit(s));
    OK(kms_store_user_find(s, LITERAL("k"), &rec));
    assert_memory_equal(rec.sealed, "newer", 5);
    kms_store_close(s);
}

static void lengths_out_of_range_are_refused(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    char text[KMS_ID_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct ts_span ok = LITERAL("x"), longer = ts_span_str(text);
    FAILS(TS_E_RANGE, kms_store_user_put(s, "sip:a@x", ts_span("", 0), ok, 1));
    FAILS(TS_E_RANGE, kms_store_user_put(s, "sip:a@x", longer, ok, 1));
    FAILS(TS_E_RANGE, kms_store_user_put(s, "sip:a@x", ok, longer, 1));
    FAILS(TS_E_RANGE, kms_store_user_put(s, text, ok, ok, 1));
    kms_store_close(s);
}

static enum ts_err add_name(void *arg, const struct kms_user_row *row)
{
    char *names = arg;
    size_t n = strlen(names);
    (void)snprintf(names + n, 100 - n, "%s:%ju ", row->identity,
                   (uintmax_t)row->credentials);
    return TS_OK;
}

static enum ts_err add_key_id(void *arg, const struct kms_credential_row *row)
{
    char *names = arg;
    size_t n = strlen(names);
    (void)snprintf(names + n, 100 - n, "%.*s ", (int)row->key_id.n,
                   (const char *)row->key_id.p);
    return TS_OK;
}

static enum ts_err stop(void *arg, const struct kms_user_row *row)
{
    (void)arg;
    (void)row;
    return TS_E_PEER;
}

static void users_are_shown_in_order(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    char names[100] = "";
    put(s, "sip:b@x", "b");
    put(s, "sip:a@x", "a2");
    put(s, "sip:a@x", "a1");
    OK(kms_store_users(s, add_name, names));
    assert_string_equal(names, "sip:a@x:2 sip:b@x:1 ");
    names[0] = '\0';
    OK(kms_store_user(s, "sip:a@x", add_name, add_key_id, names));
    assert_string_equal(names, "sip:a@x:2 a1 a2 ");
    FAILS(TS_E_PEER, kms_store_users(s, stop, NULL));
    kms_store_close(s);
}

static void a_removed_user_leaves_no_credential(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    struct kms_user_rec rec;
    put(s, "sip:a@x", "a1");
    OK(kms_store_user_remove(s, "sip:a@x"));
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a1"), &rec));
    FAILS(TS_E_NOTFOUND, kms_store_user_remove(s, "sip:a@x"));
    put(s, "sip:b@x", "a1");
    kms_store_close(s);
}

static enum ts_err add_key(void *arg, const struct kms_key_row *row)
{
    char *text = arg;
    size_t n = strlen(text);
    (void)snprintf(text + n, 100 - n, "%u:%u:%ju ", row->rec.id[0],
                   row->rec.state, (uintmax_t)row->retired);
    return TS_OK;
}

static void rotation_keeps_one_key_in_use(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    char text[100] = "";
    uint64_t gone;
    OK(kms_store_key_rotate(s, id_a, LITERAL("sealed"), 100));
    OK(kms_store_key_rotate(s, id_b, LITERAL("sealed"), 200));
    OK(kms_store_key_rotate(s, id_c, LITERAL("sealed"), 300));
    OK(kms_store_keys(s, add_key, text));
    assert_string_equal(text, "3:1:0 2:2:300 1:2:200 ");
    OK(kms_store_key_forget(s, 200, &gone));
    assert_int_equal(gone, 0);
    OK(kms_store_key_forget(s, 201, &gone));
    assert_int_equal(gone, 1);
    OK(kms_store_key_forget(s, UINT32_MAX, &gone));
    assert_int_equal(gone, 1);
    text[0] = '\0';
    OK(kms_store_keys(s, add_key, text));
    assert_string_equal(text, "3:1:0 ");
    OK(kms_store_begin_write(s));
    FAILS(TS_E_EXISTS, kms_store_key_rotate(s, id_c, LITERAL("sealed"), 400));
    kms_store_rollback(s);
    kms_store_close(s);
}

static void a_transaction_that_is_undone_leaves_nothing(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    struct kms_user_rec rec;
    OK(kms_store_begin_write(s));
    OK(kms_store_user_put(s, "sip:a@x", LITERAL("a"), LITERAL("sealed"), 1));
    kms_store_rollback(s);
    kms_store_rollback(s);
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a"), &rec));
    OK(kms_store_begin_write(s));
    OK(kms_store_user_put(s, "sip:a@x", LITERAL("a"), LITERAL("sealed"), 1));
    kms_store_close(s);
    OK(kms_store_open(in_folder("db"), &s, msg));
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a"), &rec));
    kms_store_close(s);
}

static void a_reader_sees_one_state_and_marks_changes(void **state)
{
    (void)state;
    struct kms_store *s = fresh(), *other;
    struct kms_user_rec rec;
    uint64_t before, after;
    OK(kms_store_open(in_folder("db"), &other, msg));
    OK(kms_store_mark(s, &before));
    OK(kms_store_begin_read(s));
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a"), &rec));
    put(other, "sip:a@x", "a");
    FAILS(TS_E_NOTFOUND, kms_store_user_find(s, LITERAL("a"), &rec));
    OK(kms_store_commit(s));
    OK(kms_store_user_find(s, LITERAL("a"), &rec));
    OK(kms_store_mark(s, &after));
    assert_int_not_equal(before, after);
    kms_store_close(other);
    kms_store_close(s);
}

static void a_second_writer_is_told_to_try_again(void **state)
{
    (void)state;
    struct kms_store *s = fresh(), *other;
    OK(kms_store_open(in_folder("db"), &other, msg));
    OK(kms_store_begin_write(other));
    FAILS(TS_E_AGAIN, kms_store_begin_write(s));
    kms_store_close(other);
    OK(kms_store_begin_write(s));
    kms_store_close(s);
}

static void records_nobody_of_us_wrote_are_errors(void **state)
{
    (void)state;
    struct kms_store *s = fresh();
    struct kms_user_rec rec;
    char text[100] = "";
    put(s, "sip:a@x", "a1");
    OK(kms_store_key_rotate(s, id_a, LITERAL("sealed"), 100));
    tamper("UPDATE credentials SET sealed = zeroblob(93);"
           "UPDATE ticket_keys SET sealed = zeroblob(93)");
    FAILS(TS_E_IO, kms_store_user_find(s, LITERAL("a1"), &rec));
    FAILS(TS_E_IO, kms_store_keys(s, add_key, text));
    assert_true(strlen(kms_store_why(s)) > 0);
    kms_store_close(s);
}

/* In a child: put users until killed; says each one that was acknowledged. */
static void put_for_ever(int to)
{
    struct kms_store *s;
    char identity[40], key_id[20];
    enum ts_err err;
    /* A run out of memory fails one allocation, and it may be one here. */
    while ((err = kms_store_open(in_folder("db"), &s, msg)) == TS_E_NOMEM)
        ;
    if (err)
        _exit(1);
    for (uint32_t i = 0;; i++) {
        (void)snprintf(identity, sizeof identity, "sip:%u@x", i);
        (void)snprintf(key_id, sizeof key_id, "%u", i);
        if (kms_store_begin_write(s) ||
            kms_store_user_put(s, identity, ts_span_str(key_id), LITERAL("s"),
                               1) ||
            kms_store_commit(s) || write(to, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    (void)state;
    kms_store_close(fresh());
    int p[2], status;
    assert_int_equal(pipe(p), 0);
    pid_t pid = fork();
    if (pid == 0)
        put_for_ever(p[1]);
    (void)close(p[1]);
    uint32_t i = 0, last = 0;
    while (last < 20 && read(p[0], &i, sizeof i) == sizeof i)
        last = i;
    (void)kill(pid, SIGKILL);
    while (read(p[0], &i, sizeof i) == sizeof i)
        last = i;
    (void)close(p[0]);
    (void)waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    struct kms_store *s;
    struct kms_user_rec rec;
    OK(kms_store_open(in_folder("db"), &s, msg));
    for (i = 0; i <= last; i++) {
        char key_id[20];
        (void)snprintf(key_id, sizeof key_id, "%u", i);
        OK(kms_store_user_find(s, ts_span_str(key_id), &rec));
    }
    kms_store_close(s);
}

static void other_kinds_of_store_are_refused(void **state)
{
    (void)state;
    const char *path;
    OK(kms_store_path("sqlite:/var/lib/x.db", &path, msg));
    assert_string_equal(path, "/var/lib/x.db");
    FAILS(TS_E_CONFIG, kms_store_path("sqlite:", &path, msg));
    FAILS(TS_E_CONFIG, kms_store_path("/var/lib/x.db", &path, msg));
    FAILS(TS_E_CONFIG, kms_store_path("postgresql://h/d", &path, msg));
    assert_non_null(strstr(msg, "not in this version"));
}

#define FOLDER_TEST(name) cmocka_unit_test_setup(name, folder_fresh)

UNIT_MAIN(FOLDER_TEST(a_store_is_made_once),
          FOLDER_TEST(a_store_that_is_not_there_is_not_made_by_opening),
          FOLDER_TEST(a_newer_store_is_refused),
          FOLDER_TEST(files_of_other_programs_are_left_alone),
          FOLDER_TEST(a_user_is_found_by_the_key_id),
          FOLDER_TEST(a_key_id_belongs_to_one_user),
          FOLDER_TEST(lengths_out_of_range_are_refused),
          FOLDER_TEST(users_are_shown_in_order),
          FOLDER_TEST(a_removed_user_leaves_no_credential),
          FOLDER_TEST(rotation_keeps_one_key_in_use),
          FOLDER_TEST(a_transaction_that_is_undone_leaves_nothing),
          FOLDER_TEST(a_reader_sees_one_state_and_marks_changes),
          FOLDER_TEST(a_second_writer_is_told_to_try_again),
          FOLDER_TEST(records_nobody_of_us_wrote_are_errors),
          FOLDER_TEST(what_was_acknowledged_survives_kill_9),
          FOLDER_TEST(other_kinds_of_store_are_refused))
