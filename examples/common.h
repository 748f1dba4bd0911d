/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libmikey leaves to the program: clock, random octets, files. Messages
 * go as lines "mikey BASE64", the way SDP carries them (RFC 4567).
 */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include <mikey/mikey.h>
#include <mikey/sdp.h>

/** Longest message of these examples, and the line that holds it. */
#define MESSAGE_MAX 4096
#define LINE_MAX    8192

/** A message, or a key. */
struct octets {
    size_t n;
    uint8_t b[MESSAGE_MAX];
};

/** A view of it, as libmikey takes it. */
static inline struct ts_span view(const struct octets *o)
{
    return ts_span(o->b, o->n);
}

/** A mikey_random_fn: random octets from the kernel. */
static inline enum ts_err random_octets(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    while (n > 0) {
        ssize_t got = getrandom(buf, n, 0);
        if (got < 0 && errno != EINTR)
            return TS_E_IO;
        if (got > 0) {
            buf += got;
            n -= (size_t)got;
        }
    }
    return TS_OK;
}

/** The time of a step. */
static inline struct mikey_now now(void)
{
    struct timespec t;
    struct mikey_now step = {0};
    if (clock_gettime(CLOCK_REALTIME, &t) == 0)
        step.us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    return step;
}

/** A URI as an identity. */
static inline struct mikey_id uri(const char *text)
{
    struct mikey_id id = {.type = MIKEY_ID_URI, .data = ts_span_str(text)};
    return id;
}

/** Whether a step failed; says so. */
static inline bool failed(const char *step, enum ts_err err)
{
    if (err)
        fprintf(stderr, "%s: %s\n", step, ts_strerror(err));
    return err != TS_OK;
}

/** Read hexadecimal digits, up to the end of the line. */
static inline enum ts_err from_hex(const char *text, struct octets *o)
{
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits % 2 || text[digits + strspn(text + digits, "\r\n")] != '\0')
        return TS_E_FORMAT;
    if (digits / 2 > sizeof o->b)
        return TS_E_SPACE;
    for (o->n = 0; o->n < digits / 2; o->n++) {
        const char pair[] = {text[2 * o->n], text[2 * o->n + 1], '\0'};
        o->b[o->n] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return TS_OK;
}

/** Print octets as hexadecimal digits. */
static inline void put_hex(FILE *to, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(to, "%02x", p[i]);
}

/** Read a line of a file that holds a key in hexadecimal digits. */
static inline enum ts_err read_key(const char *path, struct octets *key)
{
    char line[LINE_MAX];
    FILE *from = fopen(path, "r");
    if (!from)
        return TS_E_IO;
    enum ts_err err = fgets(line, sizeof line, from) ? TS_OK : TS_E_IO;
    fclose(from);
    return err ? err : from_hex(line, key);
}

/** Write a message as one line. */
static inline enum ts_err put_message(FILE *to, struct ts_span message)
{
    char line[LINE_MAX];
    enum ts_err err = mikey_sdp_write(message, line, sizeof line);
    if (!err && (fprintf(to, "%s\n", line) < 0 || fflush(to) != 0))
        err = TS_E_IO;
    return err;
}

/** Read a message of one line; E_EMPTY at the end of the file. */
static inline enum ts_err get_message(FILE *from, struct octets *message)
{
    char line[LINE_MAX];
    if (!fgets(line, sizeof line, from))
        return TS_E_EMPTY;
    line[strcspn(line, "\r\n")] = '\0';
    return mikey_sdp_read(ts_span_str(line), message->b, sizeof message->b,
                          &message->n);
}

/** Put a message into a named pipe that somebody else reads. */
static inline enum ts_err send_message(const char *path, struct ts_span message)
{
    FILE *to = fopen(path, "w");
    if (!to)
        return TS_E_IO;
    enum ts_err err = put_message(to, message);
    return fclose(to) == 0 ? err : TS_E_IO;
}

/** And take one out. */
static inline enum ts_err receive_message(const char *path, struct octets *m)
{
    FILE *from = fopen(path, "r");
    if (!from)
        return TS_E_IO;
    enum ts_err err = get_message(from, m);
    fclose(from);
    return err;
}

/** Send a message; its answer takes its place. */
static inline enum ts_err exchange(const char *to, const char *from,
                                   struct octets *m)
{
    enum ts_err err = send_message(to, view(m));
    return err ? err : receive_message(from, m);
}

/** Print the SRTP keys of a bundle, as an SRTP library would get them. */
static inline enum ts_err print_keys(const struct mikey_bundle *bundle)
{
    for (size_t i = 0; i < mikey_bundle_sessions(bundle); i++) {
        struct mikey_session s;
        struct mikey_srtp_key k;
        enum ts_err err = mikey_bundle_session(bundle, i, &s);
        if (!err)
            err = mikey_bundle_srtp(bundle, s.cs, &k);
        if (err)
            return err;
        printf("crypto session %u, SSRC %08x: ", s.cs, (unsigned)s.ssrc);
        put_hex(stdout, k.key, k.key_len);
        putchar(' ');
        put_hex(stdout, k.salt, k.salt_len);
        putchar('\n');
        explicit_bzero(&k, sizeof k);
    }
    return TS_OK;
}

#endif
