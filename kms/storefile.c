/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/storefile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kms/store.h"

/* "TESS": tells a store from the SQLite files of other programs. */
#define APPLICATION_ID 0x54455353

/* What brings a store of version n to version n + 1. */
static const char *const steps[] = {
#include "schema.inc"
};
#define VERSION ((int)(sizeof steps / sizeof steps[0]))

/* What a file says about itself. */
struct label {
    int application, version, tables;
};

enum ts_err kms_sqlite_err(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return TS_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TS_E_AGAIN;
    case SQLITE_NOMEM:
        return TS_E_NOMEM;
    case SQLITE_CONSTRAINT:
        return TS_E_EXISTS;
    default:
        return TS_E_IO;
    }
}

static enum ts_err fail(char msg[static TS_CONF_MSG], enum ts_err err,
                        const char *path, const char *what)
{
    snprintf(msg, TS_CONF_MSG, "store %s: %s", path, what);
    return err;
}

/* A failure of SQLite, with the next step that fits most of them. */
static enum ts_err fail_sqlite(char msg[static TS_CONF_MSG], sqlite3 *db,
                               int rc, const char *path)
{
    enum ts_err err = kms_sqlite_err(rc);
    const char *todo = "see that the file and its folder can be written and "
                       "the disk is not full";
    if (err == TS_E_AGAIN)
        todo = "another program holds it; try once more";
    if ((rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT)
        todo = "restore it from its backup";
    snprintf(msg, TS_CONF_MSG, "store %s: %s; %s", path,
             db ? sqlite3_errmsg(db) : sqlite3_errstr(rc), todo);
    return err;
}

enum ts_err kms_sync_folder(const char *path)
{
    char copy[PATH_MAX]; /* dirname() writes into it */
    int n = snprintf(copy, sizeof copy, "%s", path);
    if (n < 0 || (size_t)n >= sizeof copy)
        return TS_E_IO;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return TS_E_IO;
    int rc = fsync(fd);
    close(fd);
    return rc == 0 ? TS_OK : TS_E_IO;
}

/* The integer that a statement gives. */
static int query_int(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int(st, 0);
    int end = sqlite3_finalize(st);
    return rc == SQLITE_ROW ? SQLITE_OK : end;
}

static int read_label(sqlite3 *db, struct label *out)
{
    int rc = query_int(db, "PRAGMA application_id", &out->application);
    if (rc == SQLITE_OK)
        rc = query_int(db, "PRAGMA user_version", &out->version);
    if (rc == SQLITE_OK)
        rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &out->tables);
    return rc;
}

/* Settings of a connection. A store is data, never code: no function, view
   or trigger in a file that somebody else wrote runs with our rights. */
static int settle(sqlite3 *db)
{
    int rc = sqlite3_extended_result_codes(db, 1);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db, KMS_STORE_WAIT_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db,
                          "PRAGMA synchronous = FULL;"
                          "PRAGMA cell_size_check = ON;"
                          "PRAGMA secure_delete = ON;"
                          "PRAGMA temp_store = MEMORY;"
                          "PRAGMA mmap_size = 0;"
                          "PRAGMA cache_size = -16384;",
                          NULL, NULL, NULL);
    return rc;
}

/* Connect to a file that exists and read its label. */
static enum ts_err connect_to(const char *path, sqlite3 **out,
                              struct label *label, char msg[static TS_CONF_MSG])
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = settle(db);
    if (rc == SQLITE_OK)
        rc = read_label(db, label);
    if (rc != SQLITE_OK) {
        enum ts_err err = fail_sqlite(msg, db, rc, path);
        sqlite3_close(db);
        return err;
    }
    *out = db;
    return TS_OK;
}

/* Whether a store may be made in this file, or is there already. */
static enum ts_err judge(const struct label *label, const char *path,
                         char msg[static TS_CONF_MSG])
{
    bool empty = !label->application && !label->version && !label->tables;
    if (!empty && label->application != APPLICATION_ID)
        return fail(msg, TS_E_CONFIG, path,
                    "is an SQLite file of another program; name another "
                    "file in [kms] store");
    if (label->version > VERSION) {
        snprintf(msg, TS_CONF_MSG,
                 "store %s: is of version %d, this program knows versions up "
                 "to %d; use the newer Tessera that made it",
                 path, label->version, VERSION);
        return TS_E_CONFIG;
    }
    return TS_OK;
}

enum ts_err kms_storefile_open(const char *path, sqlite3 **out,
                               char msg[static TS_CONF_MSG])
{
    static const char none[] = "there is none; make it with: "
                               "tesseractl -c FILE init";
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? fail(msg, TS_E_NOTFOUND, path, none)
                               : fail(msg, TS_E_IO, path, strerror(errno));
    sqlite3 *db = NULL;
    struct label label = {0};
    enum ts_err err = connect_to(path, &db, &label, msg);
    if (err)
        return err;
    err = judge(&label, path, msg);
    if (!err && label.version == 0)
        err = fail(msg, TS_E_NOTFOUND, path, none);
    else if (!err && label.version < VERSION)
        err = fail(msg, TS_E_CONFIG, path,
                   "is of an earlier version; bring it up to date with: "
                   "tesseractl -c FILE init");
    if (err) {
        sqlite3_close(db);
        return err;
    }
    *out = db;
    return TS_OK;
}

/* Store the proof of the store key. */
static int put_check(sqlite3 *db, struct ts_span check)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(
        db, "INSERT INTO meta (name, value) VALUES ('check', ?)", -1, &st,
        NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_blob(st, 1, check.p, (int)check.n, SQLITE_STATIC);
    sqlite3_step(st);
    return sqlite3_finalize(st);
}

/* The steps that are missing, inside a transaction that holds the file. */
static int upgrade(sqlite3 *db, int from, struct ts_span check)
{
    int rc = SQLITE_OK;
    for (int v = from; v < VERSION && rc == SQLITE_OK; v++)
        rc = sqlite3_exec(db, steps[v], NULL, NULL, NULL);
    if (rc == SQLITE_OK && from == 0)
        rc = put_check(db, check);
    char sql[100];
    snprintf(sql, sizeof sql,
             "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             APPLICATION_ID, VERSION);
    return rc == SQLITE_OK ? sqlite3_exec(db, sql, NULL, NULL, NULL) : rc;
}

/* Bring a file that was judged fit to this version. */
static enum ts_err bring_up(sqlite3 *db, const char *path, struct ts_span check,
                            bool *made, char msg[static TS_CONF_MSG])
{
    struct label label = {0};
    int rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE",
                          NULL, NULL, NULL);
    /* Somebody may have been faster: what counts is read under the lock. */
    if (rc == SQLITE_OK)
        rc = read_label(db, &label);
    if (rc != SQLITE_OK)
        return fail_sqlite(msg, db, rc, path);
    enum ts_err err = judge(&label, path, msg);
    if (err || label.version == VERSION)
        return err;
    rc = upgrade(db, label.version, check);
    if (rc != SQLITE_OK)
        return fail_sqlite(msg, db, rc, path);
    *made = label.version == 0;
    return kms_sync_folder(path) ? fail(msg, TS_E_IO, path, strerror(errno))
                                 : TS_OK;
}

enum ts_err kms_store_create(const char *path, struct ts_span check, bool *made,
                             char msg[static TS_CONF_MSG])
{
    *made = false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return fail(msg, TS_E_IO, path, strerror(errno));
    close(fd);
    sqlite3 *db = NULL;
    struct label label = {0};
    enum ts_err err = connect_to(path, &db, &label, msg);
    if (err)
        return err;
    err = judge(&label, path, msg);
    if (!err && label.version < VERSION)
        err = bring_up(db, path, check, made, msg);
    sqlite3_close(db); /* undoes what was not committed */
    return err;
}
