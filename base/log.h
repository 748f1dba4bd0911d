/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging in logfmt, one event a line on stderr, with stable event names:
 *
 *     ts=2026-11-23T18:00:00.123Z level=info role=engine event=resolve-denied
 *     reason="wrong receiver" user=~5be1c2a0
 *
 * There is no way to log bytes: keys cannot get here by accident. Identities
 * go through TS_ID(), which shows a keyed hash of the canonical form unless the
 * operator wants them in clear (invariant 9 of the design).
 *
 * Nothing here allocates or opens a file. A value that is more than a plain
 * word is quoted; quotes, backslashes, control characters and all octets that
 * are not ASCII are escaped, so that no input can forge a line or a field.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"
#include "base/err.h"

/** Length of the pseudonym key, in bytes. */
#define TS_LOG_KEY 32

/** Longest line, in bytes; fields that do not fit are left out. */
#define TS_LOG_LINE 4096

enum ts_level { TS_DEBUG, TS_INFO, TS_WARN, TS_ERROR };

enum ts_field_kind {
    TS_FIELD_END,
    TS_FIELD_NONE, /* shows nothing */
    TS_FIELD_STR,
    TS_FIELD_UINT,
    TS_FIELD_ID
};

struct ts_field {
    enum ts_field_kind kind;
    const char *name;
    const char *str; /* NUL-terminated; NULL is shown as empty */
    uint64_t num;
};

/** A text, quoted and escaped as needed, cut after 256 bytes. */
#define TS_STR(name, value) ((struct ts_field){TS_FIELD_STR, name, value, 0})
/** An unsigned number. */
#define TS_UINT(name, value) ((struct ts_field){TS_FIELD_UINT, name, 0, value})
/** The text of an enum ts_err. */
#define TS_ERR(value) TS_STR("error", ts_strerror(value))
/** An identity, pseudonymised by default. */
#define TS_ID(name, value) ((struct ts_field){TS_FIELD_ID, name, value, 0})

/**
 * ts_log(TS_INFO, "ready", TS_UINT("port", 8080)); the event is a constant
 * string and stays as it is from version to version, fields are optional.
 */
#define ts_log(level, event, ...)                                              \
    ts_log_event(                                                              \
        level, event,                                                          \
        (const struct ts_field[]){TS_LOG_NONE, ##__VA_ARGS__, TS_LOG_LAST})
#define TS_LOG_NONE ((struct ts_field){TS_FIELD_NONE, 0, 0, 0})
#define TS_LOG_LAST ((struct ts_field){TS_FIELD_END, 0, 0, 0})

/**
 * Once at start, before the first line.
 *
 * @param role   name of this process in every line; a constant string
 * @param least  lines below this level are dropped
 * @param clear  show identities in clear
 */
void ts_log_start(const char *role, enum ts_level least, bool clear);

/**
 * The key under which identities become pseudonyms. The supervisor draws it
 * and sets it before it forks, so that all roles show the same pseudonym for
 * the same identity; a new start shows others. Without it ts_log_start() draws
 * one for this process alone.
 */
void ts_log_key(const uint8_t key[static TS_LOG_KEY]);

/**
 * Behind ts_log(), for lists of fields made elsewhere: write one line with a
 * single write call and leave errno alone. A line that cannot be written is
 * lost.
 *
 * @param event   stable name of the event, a constant string
 * @param fields  up to the one of kind TS_FIELD_END
 */
void ts_log_event(enum ts_level level, const char *event,
                  const struct ts_field *fields);

#endif
