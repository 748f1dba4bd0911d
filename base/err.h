/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closed set of errors. Every function that can fail returns one of them;
 * ts_strerror() gives the text that a person sees.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/** A result that must not be ignored. */
#define TS_MUST __attribute__((warn_unused_result))

/* name, text */
#define TS_ERR_LIST(X)                                                         \
    X(OK, "no error")                                                          \
    X(E_NOMEM, "out of memory")                                                \
    X(E_SHORT, "input ends too early")                                         \
    X(E_TRAILING, "bytes left over at the end")                                \
    X(E_SPACE, "output does not fit")                                          \
    X(E_RANGE, "value out of range")                                           \
    X(E_FORMAT, "not well-formed")                                             \
    X(E_UNKNOWN, "unknown type or code point")                                 \
    X(E_UNSUPPORTED, "known, but not supported here")                          \
    X(E_DUPLICATE, "present more than once")                                   \
    X(E_MISSING, "required, but not present")                                  \
    X(E_ORDER, "not allowed at this place")                                    \
    X(E_MISMATCH, "does not match what was sent or granted")                   \
    X(E_AUTH, "authentication failed")                                         \
    X(E_TIME, "timestamp outside the allowed skew")                            \
    X(E_REPLAY, "seen before")                                                 \
    X(E_EXPIRED, "expired or not yet valid")                                   \
    X(E_DENIED, "not authorised")                                              \
    X(E_NOTFOUND, "not found")                                                 \
    X(E_EXISTS, "exists already")                                              \
    X(E_AGAIN, "try once more")                                                \
    X(E_EMPTY, "nothing there")                                                \
    X(E_FULL, "full")                                                          \
    X(E_IO, "input or output failed")                                          \
    X(E_CONFIG, "configuration is wrong")                                      \
    X(E_PEER, "the other side reported an error")                              \
    X(E_STATE, "not possible in this state")                                   \
    X(E_INTERNAL, "internal error")

#define TS_ERR_NAME(name, text) TS_##name,
enum ts_err { TS_ERR_LIST(TS_ERR_NAME) };
#undef TS_ERR_NAME

/**
 * Text of an error.
 *
 * @param err  any value
 * @return a constant string, never NULL; "unknown error" for a value that is
 *         not in the set
 */
const char *ts_strerror(enum ts_err err);

/**
 * Name of an error as it stands in logs, for example "E_AUTH".
 *
 * @param err  any value
 * @return a constant string, never NULL
 */
const char *ts_errname(enum ts_err err);

#ifdef __cplusplus
}
#endif

#endif
