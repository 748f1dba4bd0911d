/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <time.h>
#include <unistd.h>

#include "base/identity.h"
#include "base/msan.h"
#include "base/secret.h"
#include "base/writer.h"

/* Bytes of a value that are shown. */
#define VALUE_MAX 256

/* What stands at the end of a line from which fields were left out. */
#define CUT " cut=yes"

static const char hex[] = "0123456789abcdef";

static struct {
    const char *role;
    enum ts_level least;
    bool clear;
    bool keyed;
    uint8_t key[TS_LOG_KEY];
} conf = {.role = "-"};

static void put_text(struct ts_writer *w, const char *s)
{
    ts_put_span(w, ts_span_str(s));
}

/* Decimal, with leading zeros up to width digits. */
static void put_uint(struct ts_writer *w, uint64_t v, size_t width)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v || n < width);
    while (n)
        ts_put_u8(w, (uint8_t)digits[--n]);
}

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c && strchr("-_.:/@+,", c));
}

static void put_escaped(struct ts_writer *w, uint8_t c)
{
    if (c == '"' || c == '\\') {
        ts_put_u8(w, '\\');
        ts_put_u8(w, c);
    } else if (c == '\n') {
        put_text(w, "\\n");
    } else if (c < 0x20 || c >= 0x7f) {
        put_text(w, "\\x");
        ts_put_u8(w, (uint8_t)hex[c >> 4]);
        ts_put_u8(w, (uint8_t)hex[c & 15]);
    } else {
        ts_put_u8(w, c);
    }
}

/* A value as it stands when it is a plain word, else quoted. A pseudonym
 * starts with "~", which is not plain: a text cannot pass for one. */
static void put_value(struct ts_writer *w, const char *s)
{
    size_t n = s ? strnlen(s, VALUE_MAX) : 0;
    bool plain = n > 0 && s[n] == '\0';
    for (size_t i = 0; i < n; i++)
        plain = plain && is_plain((uint8_t)s[i]);
    if (plain) {
        ts_put(w, s, n);
        return;
    }
    ts_put_u8(w, '"');
    for (size_t i = 0; i < n; i++)
        put_escaped(w, (uint8_t)s[i]);
    if (n && s[n] != '\0')
        put_text(w, "...");
    ts_put_u8(w, '"');
}

static void put_pseudonym(struct ts_writer *w, const char *s)
{
    struct ts_span text = ts_span_str(s ? s : "");
    struct ts_identity id;
    struct hmac_sha256_ctx mac;
    uint8_t digest[SHA256_DIGEST_SIZE];
    ts_put_u8(w, '~');
    if (!conf.keyed) {
        ts_put_u8(w, '?');
        return;
    }
    if (ts_identity(text, &id) == TS_OK)
        text = ts_span(id.text, id.len);
    hmac_sha256_set_key(&mac, sizeof conf.key, conf.key);
    hmac_sha256_update(&mac, text.n, text.p);
    hmac_sha256_digest(&mac, sizeof digest, digest);
    ts_msan_out(digest, sizeof digest);
    ts_wipe(&mac, sizeof mac);
    for (size_t i = 0; i < 4; i++) {
        ts_put_u8(w, (uint8_t)hex[digest[i] >> 4]);
        ts_put_u8(w, (uint8_t)hex[digest[i] & 15]);
    }
}

/* One field, or nothing when it does not fit whole. */
static void put_field(struct ts_writer *w, const struct ts_field *f)
{
    struct ts_writer before = *w;
    if (f->kind == TS_FIELD_NONE)
        return;
    ts_put_u8(w, ' ');
    put_text(w, f->name);
    ts_put_u8(w, '=');
    if (f->kind == TS_FIELD_UINT)
        put_uint(w, f->num, 1);
    else if (f->kind == TS_FIELD_ID && !conf.clear)
        put_pseudonym(w, f->str);
    else
        put_value(w, f->str);
    if (w->err)
        w->len = before.len; /* the error stays: what follows is left out */
}

/*
 * UTC with milliseconds, RFC 3339. By our own arithmetic, since gmtime_r()
 * reads the time zone file, allocates and takes a lock. Years are counted
 * from March, so that the leap day is the last of the year.
 */
static void put_time(struct ts_writer *w)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t sec = (uint64_t)now.tv_sec;
    uint64_t day = sec / 86400 + 719468; /* since 0000-03-01 */
    uint64_t era = day / 146097;         /* of 400 years */
    uint64_t doe = day % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t month = (5 * doy + 2) / 153; /* 0 is March */
    put_uint(w, era * 400 + yoe + (month >= 10), 4);
    ts_put_u8(w, '-');
    put_uint(w, month < 10 ? month + 3 : month - 9, 2);
    ts_put_u8(w, '-');
    put_uint(w, doy - (153 * month + 2) / 5 + 1, 2);
    ts_put_u8(w, 'T');
    put_uint(w, sec / 3600 % 24, 2);
    ts_put_u8(w, ':');
    put_uint(w, sec / 60 % 60, 2);
    ts_put_u8(w, ':');
    put_uint(w, sec % 60, 2);
    ts_put_u8(w, '.');
    put_uint(w, (uint64_t)now.tv_nsec / 1000000, 3);
    ts_put_u8(w, 'Z');
}

void ts_log_start(const char *role, enum ts_level least, bool clear)
{
    conf.role = role;
    conf.least = least;
    conf.clear = clear;
    if (!conf.keyed && ts_random(NULL, conf.key, sizeof conf.key) == TS_OK)
        conf.keyed = true;
}

void ts_log_key(const uint8_t key[static TS_LOG_KEY])
{
    memcpy(conf.key, key, sizeof conf.key);
    conf.keyed = true;
}

void ts_log_event(enum ts_level level, const char *event,
                  const struct ts_field *fields)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    uint8_t line[TS_LOG_LINE];
    if (level < conf.least)
        return;
    int saved = errno;
    struct ts_writer w =
        ts_writer_init(line, sizeof line - sizeof CUT); /* and a newline */
    put_text(&w, "ts=");
    put_time(&w);
    put_text(&w, " level=");
    put_text(&w, names[level]);
    put_text(&w, " role=");
    put_value(&w, conf.role);
    put_text(&w, " event=");
    put_value(&w, event);
    for (const struct ts_field *f = fields; f->kind != TS_FIELD_END; f++)
        put_field(&w, f);
    if (w.err) {
        w = (struct ts_writer){line, w.len, sizeof line, TS_OK};
        put_text(&w, CUT);
    }
    w.cap = sizeof line;
    ts_put_u8(&w, '\n');
    ssize_t done = write(STDERR_FILENO, line, w.len);
    (void)done;
    errno = saved;
}
