/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: users, their credentials and the ticket keys, in an SQLite file
 * (WAL, synchronous=FULL: what a call acknowledged survives kill -9 and power
 * loss). Every secret in it is sealed (kms/seal.h); this module sees
 * ciphertext only. No SQL type leaves store.c.
 *
 * Several processes may have the store open. A call never waits longer than
 * KMS_STORE_WAIT_MS for another one. Errors that any call may return: E_AGAIN
 * (another process holds the store too long), E_IO (disk full, read-only or
 * broken; nothing was changed), E_NOMEM. kms_store_why() says more.
 */
#ifndef KMS_STORE_H
#define KMS_STORE_H

#include "base/bytes.h"
#include "base/conf.h"
#include "base/err.h"
#include "kms/msg.h"

/** Longest wait for a lock, in milliseconds. */
#define KMS_STORE_WAIT_MS 2000

struct kms_store;

enum kms_credential_kind {
    KMS_CREDENTIAL_PSK = 1, /* pre-shared key set by an administrator */
};

/** A user as kms_store_users() and kms_store_user() show it. */
struct kms_user_row {
    uint64_t user; /* row number */
    const char *identity;
    uint64_t created;     /* seconds since 1970 */
    uint64_t credentials; /* how many it has */
};

/** A credential, without its key. */
struct kms_credential_row {
    struct ts_span key_id;
    enum kms_credential_kind kind;
    uint64_t created;
};

/** A ticket key. */
struct kms_key_row {
    struct kms_key_rec rec;
    uint64_t created;
    uint64_t retired; /* when a successor came into use; 0 if in use */
};

/** Called once a row; what a row points to is valid during the call. Anything
    but OK ends the walk and is its result. */
typedef enum ts_err (*kms_user_fn)(void *arg, const struct kms_user_row *row);
typedef enum ts_err (*kms_credential_fn)(void *arg,
                                         const struct kms_credential_row *row);
typedef enum ts_err (*kms_key_fn)(void *arg, const struct kms_key_row *row);

/**
 * The path in a store URL, "sqlite:PATH".
 *
 * @param url   as in the configuration
 * @param path  gets a pointer into url
 * @param msg   on failure one line
 * @return OK, or E_CONFIG for another kind of store or no path
 */
TS_MUST enum ts_err kms_store_path(const char *url, const char **path,
                                   char msg[static TS_CONF_MSG]);

/**
 * Make a store, or bring one of an earlier version up to date. All or nothing.
 *
 * @param path   the file; created with mode 0600
 * @param check  proof of the store key (kms_check_make()), for a new store
 * @param made   set to whether the store is new
 * @param msg    on failure one line
 * @return OK (also if all is there already), E_CONFIG for a file of another
 *         program or of a newer version, E_AGAIN, E_IO, E_NOMEM
 */
TS_MUST enum ts_err kms_store_create(const char *path, struct ts_span check,
                                     bool *made, char msg[static TS_CONF_MSG]);

/**
 * Open a store that exists.
 *
 * @param path  the file
 * @param out   the store; kms_store_close() releases it
 * @param msg   on failure one line: what, where, what to do
 * @return OK; E_NOTFOUND if there is none; E_CONFIG for a file of another
 *         program or another version; E_AGAIN, E_IO, E_NOMEM
 */
TS_MUST enum ts_err kms_store_open(const char *path, struct kms_store **out,
                                   char msg[static TS_CONF_MSG]);

/** Close; an open transaction is undone. NULL is ignored. */
void kms_store_close(struct kms_store *store);

/** Many changes follow: spares work at the price of a log of about 120 MB. */
void kms_store_bulk(struct kms_store *store);

/** What the database said to the last failure: a text, never NULL. */
const char *kms_store_why(const struct kms_store *store);

/**
 * Fetch the proof of the store key, for kms_check_verify().
 *
 * @param buf  gets it
 * @param n    gets its length
 * @return OK, E_NOTFOUND if it is gone, E_RANGE
 */
TS_MUST enum ts_err kms_store_check(struct kms_store *store,
                                    uint8_t buf[static KMS_SEALED_MAX],
                                    size_t *n);

/**
 * Transactions. Without one, each call is a transaction of its own. A read
 * transaction gives several look-ups the same state at the price of one; keep
 * it short. kms_store_commit() ends either kind; if it fails,
 * kms_store_rollback() follows. They do not nest.
 */
TS_MUST enum ts_err kms_store_begin_read(struct kms_store *store);
TS_MUST enum ts_err kms_store_begin_write(struct kms_store *store);
TS_MUST enum ts_err kms_store_commit(struct kms_store *store);
void kms_store_rollback(struct kms_store *store);

/**
 * Give a user a credential; the user is made if it is not there. A key id that
 * the same user has already gets the new key. Call it inside a write
 * transaction of the caller, and undo that after any failure.
 *
 * @param identity  canonical, NUL-terminated
 * @param key_id    1 to KMS_KEYID_MAX bytes
 * @param sealed    from kms_seal_credential() with this identity and key id
 * @param now       seconds since 1970
 * @return OK; E_EXISTS if another user has that key id; E_RANGE
 */
TS_MUST enum ts_err kms_store_user_put(struct kms_store *store,
                                       const char *identity,
                                       struct ts_span key_id,
                                       struct ts_span sealed, uint64_t now);

/**
 * Find a credential and its user.
 *
 * @param key_id  any bytes
 * @param out     filled in on OK
 * @return OK, E_NOTFOUND
 */
TS_MUST enum ts_err kms_store_user_find(struct kms_store *store,
                                        struct ts_span key_id,
                                        struct kms_user_rec *out);

/** Walk through all users in the order of their identities. */
TS_MUST enum ts_err kms_store_users(struct kms_store *store, kms_user_fn fn,
                                    void *arg);

/**
 * Show one user.
 *
 * @param identity  canonical
 * @param fn        called once; NULL is ignored
 * @param each      then called for each of its credentials; NULL is ignored
 * @return OK, E_NOTFOUND, or what a callback returned
 */
TS_MUST enum ts_err kms_store_user(struct kms_store *store,
                                   const char *identity, kms_user_fn fn,
                                   kms_credential_fn each, void *arg);

/** Remove a user and its credentials: OK, or E_NOTFOUND. */
TS_MUST enum ts_err kms_store_user_remove(struct kms_store *store,
                                          const char *identity);

/** Walk through the ticket keys, the newest first. */
TS_MUST enum ts_err kms_store_keys(struct kms_store *store, kms_key_fn fn,
                                   void *arg);

/**
 * Bring a new ticket key into use; the one before it resolves from now on.
 * Call it inside a write transaction of the caller.
 *
 * @param id      random name of the key
 * @param sealed  from kms_seal_ticketkey() with this id
 * @param now     seconds since 1970
 * @return OK, E_EXISTS for an id that is there
 */
TS_MUST enum ts_err kms_store_key_rotate(struct kms_store *store,
                                         const uint8_t id[static 16],
                                         struct ts_span sealed, uint64_t now);

/**
 * Forget ticket keys whose last ticket has expired.
 *
 * @param before     those retired before this time, seconds since 1970
 * @param forgotten  gets how many
 */
TS_MUST enum ts_err kms_store_key_forget(struct kms_store *store,
                                         uint64_t before, uint64_t *forgotten);

/**
 * A number that differs from that of an earlier call if another process has
 * changed the store in between.
 */
TS_MUST enum ts_err kms_store_mark(struct kms_store *store, uint64_t *mark);

#endif
