/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "kms/storefile.h"

/* All the SQL there is; schema.sql has the tables. */
enum statement {
    BEGIN_READ,
    BEGIN_WRITE,
    COMMIT,
    ROLLBACK,
    CHECK_GET,
    USER_ADD,
    USER_ID,
    USER_ONE,
    USER_ALL,
    USER_REMOVE,
    CREDENTIAL_PUT,
    CREDENTIAL_FIND,
    CREDENTIAL_OF_USER,
    KEY_ALL,
    KEY_RETIRE,
    KEY_ADD,
    KEY_FORGET,
    DATA_VERSION,
    N_STATEMENTS
};

#define USER_COLUMNS                                                           \
    "SELECT id, identity, created, (SELECT count(*) FROM credentials"          \
    " WHERE user = users.id) FROM users"

static const char *const sql[N_STATEMENTS] = {
    [BEGIN_READ] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [CHECK_GET] = "SELECT value FROM meta WHERE name = 'check'",
    [USER_ADD] = "INSERT INTO users (identity, created) VALUES (?1, ?2)"
                 " ON CONFLICT (identity) DO NOTHING",
    [USER_ID] = "SELECT id FROM users WHERE identity = ?1",
    [USER_ONE] = USER_COLUMNS " WHERE identity = ?1",
    [USER_ALL] = USER_COLUMNS " ORDER BY identity",
    [USER_REMOVE] = "DELETE FROM users WHERE identity = ?1",
    [CREDENTIAL_PUT] = "INSERT INTO credentials"
                       " (key_id, user, identity, kind, sealed, created)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                       " ON CONFLICT (key_id) DO UPDATE"
                       " SET kind = excluded.kind, sealed = excluded.sealed"
                       " WHERE user = excluded.user",
    [CREDENTIAL_FIND] = "SELECT user, identity, sealed FROM credentials"
                        " WHERE key_id = ?1",
    [CREDENTIAL_OF_USER] = "SELECT key_id, kind, created FROM credentials"
                           " WHERE user = ?1 ORDER BY key_id",
    [KEY_ALL] = "SELECT id, state, sealed, created, retired FROM ticket_keys"
                " ORDER BY seq DESC",
    [KEY_RETIRE] = "UPDATE ticket_keys SET state = 2, retired = ?1"
                   " WHERE state = 1",
    [KEY_ADD] = "INSERT INTO ticket_keys (id, state, sealed, created)"
                " VALUES (?1, 1, ?2, ?3)",
    [KEY_FORGET] = "DELETE FROM ticket_keys"
                   " WHERE state = 2 AND retired < ?1",
    [DATA_VERSION] = "PRAGMA data_version",
};

struct kms_store {
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    char why[128];
};

_Static_assert(KMS_KEY_USE == 1 && KMS_KEY_RESOLVE == 2, "states in the SQL");

/* Remember what the database said and give the error for it. */
static enum ts_err failed(struct kms_store *store, int rc)
{
    enum ts_err err = kms_sqlite_err(rc);
    if (err)
        snprintf(store->why, sizeof store->why, "%s",
                 sqlite3_errmsg(store->db));
    return err;
}

/* A row or field that this program would not have written. */
static enum ts_err broken(struct kms_store *store)
{
    snprintf(store->why, sizeof store->why, "a record is not as it should be");
    return TS_E_IO;
}

static sqlite3_stmt *ready(struct kms_store *store, enum statement which)
{
    sqlite3_stmt *st = store->statements[which];
    sqlite3_reset(st);
    return st;
}

/* Bound values live in the caller until finish() is called. */
static void bind_span(sqlite3_stmt *st, int at, struct ts_span s)
{
    sqlite3_bind_blob(st, at, s.n ? (const void *)s.p : "", (int)s.n,
                      SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *st, int at, const char *s)
{
    sqlite3_bind_text(st, at, s, -1, SQLITE_STATIC);
}

static void bind_uint(sqlite3_stmt *st, int at, uint64_t v)
{
    sqlite3_bind_int64(st, at, (sqlite3_int64)v);
}

static uint64_t get_uint(sqlite3_stmt *st, int at)
{
    return (uint64_t)sqlite3_column_int64(st, at);
}

static struct ts_span get_span(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);
    return ts_span(p, p ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

/* Release the statement's locks and its hold on the caller's memory. */
static void finish(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

/* Next row: OK, E_NOTFOUND behind the last one, or a failure. */
static enum ts_err step(struct kms_store *store, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return TS_OK;
    return rc == SQLITE_DONE ? TS_E_NOTFOUND : failed(store, rc);
}

/* Run a statement that gives no rows. */
static enum ts_err run(struct kms_store *store, sqlite3_stmt *st)
{
    enum ts_err err = step(store, st);
    finish(st);
    return err == TS_E_NOTFOUND ? TS_OK : err;
}

enum ts_err kms_store_path(const char *url, const char **path,
                           char msg[static TS_CONF_MSG])
{
    static const char scheme[] = "sqlite:";
    size_t n = sizeof scheme - 1;
    if (strncmp(url, scheme, n) == 0 && url[n]) {
        *path = url + n;
        return TS_OK;
    }
    const char *what = "is no store; write sqlite:PATH";
    if (strncmp(url, "postgresql:", 11) == 0)
        what = "PostgreSQL is not in this version; write sqlite:PATH";
    snprintf(msg, TS_CONF_MSG, "%s", what);
    return TS_E_CONFIG;
}

enum ts_err kms_store_open(const char *path, struct kms_store **out,
                           char msg[static TS_CONF_MSG])
{
    struct kms_store *store = calloc(1, sizeof *store);
    if (!store) {
        snprintf(msg, TS_CONF_MSG, "store %s: out of memory", path);
        return TS_E_NOMEM;
    }
    enum ts_err err = kms_storefile_open(path, &store->db, msg);
    if (err)
        goto fail;
    for (size_t i = 0; i < N_STATEMENTS && !err; i++)
        err = failed(store, sqlite3_prepare_v3(store->db, sql[i], -1,
                                               SQLITE_PREPARE_PERSISTENT,
                                               &store->statements[i], NULL));
    if (err) {
        snprintf(msg, TS_CONF_MSG, "store %s: %s; restore it from its backup",
                 path, store->why);
        goto fail;
    }
    *out = store;
    return TS_OK;
fail:
    kms_store_close(store);
    return err;
}

void kms_store_close(struct kms_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    free(store);
}

void kms_store_bulk(struct kms_store *store)
{
    sqlite3_wal_autocheckpoint(store->db, 30000);
}

const char *kms_store_why(const struct kms_store *store)
{
    return store->why;
}

enum ts_err kms_store_check(struct kms_store *store,
                            uint8_t buf[static KMS_SEALED_MAX], size_t *n)
{
    sqlite3_stmt *st = ready(store, CHECK_GET);
    enum ts_err err = step(store, st);
    if (!err) {
        struct ts_span value = get_span(st, 0);
        *n = value.n;
        if (value.n == 0 || value.n > KMS_SEALED_MAX)
            err = TS_E_RANGE;
        else
            memcpy(buf, value.p, value.n);
    }
    finish(st);
    return err;
}

enum ts_err kms_store_begin_read(struct kms_store *store)
{
    return run(store, ready(store, BEGIN_READ));
}

enum ts_err kms_store_begin_write(struct kms_store *store)
{
    return run(store, ready(store, BEGIN_WRITE));
}

enum ts_err kms_store_commit(struct kms_store *store)
{
    return run(store, ready(store, COMMIT));
}

void kms_store_rollback(struct kms_store *store)
{
    /* A failed commit (disk full) may have rolled back by itself. */
    if (!sqlite3_get_autocommit(store->db)) {
        enum ts_err err = run(store, ready(store, ROLLBACK));
        assert(err != TS_E_EXISTS);
        (void)err;
    }
}

/* Row number of a user, who is made if needed. */
static enum ts_err user_number(struct kms_store *store, const char *identity,
                               uint64_t now, uint64_t *out)
{
    sqlite3_stmt *st = ready(store, USER_ADD);
    bind_text(st, 1, identity);
    bind_uint(st, 2, now);
    enum ts_err err = run(store, st);
    if (err)
        return err;
    if (sqlite3_changes(store->db) > 0) {
        *out = (uint64_t)sqlite3_last_insert_rowid(store->db);
        return TS_OK;
    }
    st = ready(store, USER_ID);
    bind_text(st, 1, identity);
    err = step(store, st);
    if (!err)
        *out = get_uint(st, 0);
    finish(st);
    return err;
}

enum ts_err kms_store_user_put(struct kms_store *store, const char *identity,
                               struct ts_span key_id, struct ts_span sealed,
                               uint64_t now)
{
    if (key_id.n == 0 || key_id.n > KMS_KEYID_MAX || sealed.n == 0 ||
        sealed.n > KMS_SEALED_MAX || strlen(identity) > KMS_ID_MAX)
        return TS_E_RANGE;
    uint64_t user;
    enum ts_err err = user_number(store, identity, now, &user);
    if (err)
        return err;
    sqlite3_stmt *st = ready(store, CREDENTIAL_PUT);
    bind_span(st, 1, key_id);
    bind_uint(st, 2, user);
    bind_text(st, 3, identity);
    bind_uint(st, 4, KMS_CREDENTIAL_PSK);
    bind_span(st, 5, sealed);
    bind_uint(st, 6, now);
    err = run(store, st);
    if (!err && sqlite3_changes(store->db) == 0)
        err = TS_E_EXISTS; /* the WHERE of the statement held it back */
    return err;
}

enum ts_err kms_store_user_find(struct kms_store *store, struct ts_span key_id,
                                struct kms_user_rec *out)
{
    if (key_id.n == 0 || key_id.n > KMS_KEYID_MAX)
        return TS_E_NOTFOUND;
    sqlite3_stmt *st = ready(store, CREDENTIAL_FIND);
    bind_span(st, 1, key_id);
    enum ts_err err = step(store, st);
    if (!err) {
        struct ts_span identity = get_span(st, 1), sealed = get_span(st, 2);
        *out = (struct kms_user_rec){.user = get_uint(st, 0)};
        if (identity.n == 0 || identity.n > KMS_ID_MAX || sealed.n == 0 ||
            sealed.n > KMS_SEALED_MAX) {
            err = broken(store);
        } else {
            out->identity_len = (uint16_t)identity.n;
            out->sealed_len = (uint16_t)sealed.n;
            memcpy(out->identity, identity.p, identity.n);
            memcpy(out->sealed, sealed.p, sealed.n);
        }
    }
    finish(st);
    return err;
}

/* Give the row that st stands on to fn. */
static enum ts_err show_user(sqlite3_stmt *st, kms_user_fn fn, void *arg)
{
    struct kms_user_row row = {
        .user = get_uint(st, 0),
        .identity = (const char *)sqlite3_column_text(st, 1),
        .created = get_uint(st, 2),
        .credentials = get_uint(st, 3),
    };
    if (!row.identity)
        return TS_E_NOMEM;
    return fn ? fn(arg, &row) : TS_OK;
}

enum ts_err kms_store_users(struct kms_store *store, kms_user_fn fn, void *arg)
{
    sqlite3_stmt *st = ready(store, USER_ALL);
    enum ts_err err;
    while (!(err = step(store, st))) {
        err = show_user(st, fn, arg);
        if (err)
            break;
    }
    finish(st);
    return err == TS_E_NOTFOUND ? TS_OK : err;
}

/* All credentials of the user with this row number. */
static enum ts_err show_credentials(struct kms_store *store, uint64_t user,
                                    kms_credential_fn fn, void *arg)
{
    sqlite3_stmt *st = ready(store, CREDENTIAL_OF_USER);
    bind_uint(st, 1, user);
    enum ts_err err;
    while (!(err = step(store, st))) {
        struct kms_credential_row row = {
            .key_id = get_span(st, 0),
            .kind = (enum kms_credential_kind)get_uint(st, 1),
            .created = get_uint(st, 2),
        };
        err = fn(arg, &row);
        if (err)
            break;
    }
    finish(st);
    return err == TS_E_NOTFOUND ? TS_OK : err;
}

enum ts_err kms_store_user(struct kms_store *store, const char *identity,
                           kms_user_fn fn, kms_credential_fn each, void *arg)
{
    sqlite3_stmt *st = ready(store, USER_ONE);
    bind_text(st, 1, identity);
    uint64_t user = 0;
    enum ts_err err = step(store, st);
    if (!err) {
        user = get_uint(st, 0);
        err = show_user(st, fn, arg);
    }
    finish(st);
    if (!err && each)
        err = show_credentials(store, user, each, arg);
    return err;
}

enum ts_err kms_store_user_remove(struct kms_store *store, const char *identity)
{
    sqlite3_stmt *st = ready(store, USER_REMOVE);
    bind_text(st, 1, identity);
    enum ts_err err = run(store, st);
    if (!err && sqlite3_changes(store->db) == 0)
        err = TS_E_NOTFOUND;
    return err;
}

/* Read the row that st stands on. */
static enum ts_err get_key(struct kms_store *store, sqlite3_stmt *st,
                           struct kms_key_row *out)
{
    struct ts_span id = get_span(st, 0), sealed = get_span(st, 2);
    uint64_t state = get_uint(st, 1);
    if (id.n != sizeof out->rec.id || sealed.n == 0 ||
        sealed.n > KMS_SEALED_MAX ||
        (state != KMS_KEY_USE && state != KMS_KEY_RESOLVE))
        return broken(store);
    *out = (struct kms_key_row){
        .rec = {.state = (uint16_t)state, .sealed_len = (uint16_t)sealed.n},
        .created = get_uint(st, 3),
        .retired = get_uint(st, 4),
    };
    memcpy(out->rec.id, id.p, id.n);
    memcpy(out->rec.sealed, sealed.p, sealed.n);
    return TS_OK;
}

enum ts_err kms_store_keys(struct kms_store *store, kms_key_fn fn, void *arg)
{
    sqlite3_stmt *st = ready(store, KEY_ALL);
    enum ts_err err;
    while (!(err = step(store, st))) {
        struct kms_key_row row;
        err = get_key(store, st, &row);
        if (!err)
            err = fn(arg, &row);
        if (err)
            break;
    }
    finish(st);
    return err == TS_E_NOTFOUND ? TS_OK : err;
}

enum ts_err kms_store_key_rotate(struct kms_store *store,
                                 const uint8_t id[static 16],
                                 struct ts_span sealed, uint64_t now)
{
    sqlite3_stmt *st = ready(store, KEY_RETIRE);
    bind_uint(st, 1, now);
    enum ts_err err = run(store, st);
    if (err)
        return err;
    st = ready(store, KEY_ADD);
    bind_span(st, 1, ts_span(id, 16));
    bind_span(st, 2, sealed);
    bind_uint(st, 3, now);
    return run(store, st);
}

enum ts_err kms_store_key_forget(struct kms_store *store, uint64_t before,
                                 uint64_t *forgotten)
{
    sqlite3_stmt *st = ready(store, KEY_FORGET);
    bind_uint(st, 1, before);
    enum ts_err err = run(store, st);
    *forgotten = err ? 0 : (uint64_t)sqlite3_changes(store->db);
    return err;
}

enum ts_err kms_store_mark(struct kms_store *store, uint64_t *mark)
{
    sqlite3_stmt *st = ready(store, DATA_VERSION);
    enum ts_err err = step(store, st);
    if (!err)
        *mark = get_uint(st, 0);
    finish(st);
    return err;
}
