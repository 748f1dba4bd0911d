/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging in logfmt, one event a line on stderr, with stable event names:
 *
 *     ts=2026-11-23T18:00:00.123Z level=info role=engine event=resolve-denied
 *     reason="wrong receiver" user=~5be1c2a0
 *
 * There is no way to log bytes: keys cannot get here by accident. Identities
 * go through TS_ID(), which shows a keyed hash unless the operator wants them
 * in clear (invariant 9 of the design).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"
#include "base/err.h"

enum ts_level { TS_DEBUG, TS_INFO, TS_WARN, TS_ERROR };

enum ts_field_kind { TS_FIELD_END, TS_FIELD_STR, TS_FIELD_UINT, TS_FIELD_ID };

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

/** ts_log(TS_INFO, "ready", TS_UINT("port", 8080)); fields are optional. */
#define ts_log(level, ...)                                                     \
    ts_log_event(level, TS_LOG_FIRST(__VA_ARGS__, 0),                          \
                 (const struct ts_field[]){TS_LOG_REST(__VA_ARGS__)})
#define TS_LOG_FIRST(event, ...) event
#define TS_LOG_REST(event, ...) __VA_ARGS__ __VA_OPT__(, ) {TS_FIELD_END, 0, 0, 0}

/**
 * Once at start, before the first line.
 *
 * @param role   name of this process in every line; a constant string
 * @param least  lines below this level are dropped
 * @param clear  show identities in clear
 */
void ts_log_start(const char *role, enum ts_level least, bool clear);

/** Write one line (a single write call). Use the macro ts_log(). */
void ts_log_event(enum ts_level level, const char *event,
                  const struct ts_field *fields);

#endif
