/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of tesseractl share. A verb returns the program's exit code:
 * 0 done, 1 failed, 2 wrong usage or configuration. It works on the store
 * itself and then tells a running daemon (kms/adminsock.h).
 */
#ifndef TOOL_CTL_H
#define TOOL_CTL_H

#include <jansson.h>

#include "kms/conf.h"
#include "kms/seal.h"
#include "kms/store.h"

/** One run of the program. */
struct ctl {
    const char *conf_path; /* -c */
    bool json;             /* --json */
    const char *psk_id;    /* --psk-id, or NULL */
    char *psk;             /* --psk: hexadecimal digits, or NULL */
    const char *psk_file;  /* --psk-file: a path or "-", or NULL */
    struct kms_conf conf;
    struct kms_store *store;  /* after ctl_open() */
    struct kms_sealer sealer; /* after ctl_unlock() */
};

/** The verbs; args holds the words behind the verb, as many as it asks for. */
int ctl_init(struct ctl *ctl, char **args);
int ctl_user_add(struct ctl *ctl, char **args);
int ctl_user_import(struct ctl *ctl, char **args);
int ctl_user_list(struct ctl *ctl, char **args);
int ctl_user_show(struct ctl *ctl, char **args);
int ctl_user_remove(struct ctl *ctl, char **args);
int ctl_key_list(struct ctl *ctl, char **args);
int ctl_key_rotate(struct ctl *ctl, char **args);

/**
 * Say on stderr, in one line, why the verb failed; with --json as an object.
 *
 * @param code    exit code
 * @param format  as printf, without newline: what, where, what to do
 * @return code
 */
int ctl_fail(const struct ctl *ctl, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** ctl_fail() for a failure of the store, with what the store says. */
int ctl_fail_store(const struct ctl *ctl, enum ts_err err);

/**
 * Print a result on stdout, as text or with --json as one line.
 *
 * @param object  the result; released. NULL (out of memory) is a failure.
 * @param format  the result as text, as printf, without newline
 * @return exit code
 */
int ctl_print(const struct ctl *ctl, json_t *object, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * ctl_print() after a change: tells the daemon first and adds the member
 * "daemon" to the object. A daemon that does not take it in is a failure.
 */
int ctl_print_change(const struct ctl *ctl, json_t *object, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

/** Open the store: 0, or the exit code after ctl_fail(). */
int ctl_open(struct ctl *ctl);

/** Open the store, read the store key and prove that they fit. */
int ctl_unlock(struct ctl *ctl);

/** Prove that a store key fits the open store, and expand it. */
int ctl_use_key(struct ctl *ctl, const struct ts_key *key);

/** Canonical form of a user's URI: 0, or the exit code after ctl_fail(). */
int ctl_identity(const struct ctl *ctl, const char *uri,
                 struct ts_identity *out);

/** NULL if text can be a key id, else what is wrong with it. */
const char *ctl_bad_key_id(const char *text);

/** A user's key from 32 to 128 hexadecimal digits: false for anything else. */
bool ctl_hex_key(const char *text, size_t n, struct ts_key *key);

/** Seal a user's key and put it into the store (kms_store_user_put()). */
TS_MUST enum ts_err ctl_put_user(struct ctl *ctl, const char *identity,
                                 const char *key_id, const struct ts_key *key,
                                 uint64_t now);

/** Bring a fresh ticket key into use, inside a write transaction. */
TS_MUST enum ts_err ctl_new_key(struct ctl *ctl, uint64_t now,
                                uint8_t id[static 16]);

/** Room for a time and for a ticket key's id as texts. */
#define CTL_TIME   24
#define CTL_KEY_ID 33

/** Seconds since 1970 as "2026-11-23T18:00:00Z". */
const char *ctl_time(uint64_t seconds, char buf[static CTL_TIME]);

/** A ticket key's id in hexadecimal digits. */
const char *ctl_key_id(const uint8_t id[static 16],
                       char buf[static CTL_KEY_ID]);

/** The time now, in seconds since 1970. */
uint64_t ctl_now(void);

#endif
