/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical form of SIP URIs (RFC 3261, 25.1) and tel URIs (RFC 3966, 3).
 * The names of the grammar are used: unreserved, escaped, telephone-subscriber.
 */
#include "base/identity.h"

#include <arpa/inet.h>

#include "base/reader.h"
#include "base/writer.h"

/* Characters of the grammar besides letters and digits. */
#define MARK              "-_.!~*'()"
#define USER_UNRESERVED   "&=+$,;?/"
#define PARAM_UNRESERVED  "[]/:&+$"
#define HEADER_UNRESERVED "[]/?:+$&="
#define VISUAL_SEPARATOR  "-.()"

/* One character of a URI: as it stands, or an escape that must stay one. */
struct unit {
    uint8_t c;
    bool escaped;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool one_of(uint8_t c, const char *set)
{
    /* sets are short: a call of strchr() takes longer */
    while (*set && (uint8_t)*set != c)
        set++;
    return *set != '\0';
}

static bool is_unreserved(uint8_t c)
{
    return is_alnum(c) || one_of(c, MARK);
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (lower(c) >= 'a' && lower(c) <= 'f')
        return lower(c) - 'a' + 10;
    return -1;
}

/* The next character; an escaped unreserved one comes out as itself. */
static struct unit get_unit(struct ts_reader *r)
{
    uint8_t c = ts_get_u8(r);
    if (c != '%')
        return (struct unit){c, false};
    int hi = hex_value(ts_get_u8(r));
    int lo = hex_value(ts_get_u8(r));
    if (hi < 0 || lo < 0) {
        ts_reader_fail(r, TS_E_FORMAT);
        return (struct unit){0, false};
    }
    c = (uint8_t)(hi << 4 | lo);
    if (c < 0x20 || c == 0x7f)
        ts_reader_fail(r, TS_E_FORMAT);
    return (struct unit){c, !is_unreserved(c)};
}

static void put_unit(struct ts_writer *w, struct unit u)
{
    static const char hex[] = "0123456789ABCDEF";
    if (!u.escaped) {
        ts_put_u8(w, u.c);
        return;
    }
    ts_put_u8(w, '%');
    ts_put_u8(w, (uint8_t)hex[u.c >> 4]);
    ts_put_u8(w, (uint8_t)hex[u.c & 15]);
}

/* All up to the first of the given characters, or to the end. */
static struct ts_span get_until(struct ts_reader *r, const char *stops)
{
    size_t n = 0;
    size_t left = ts_reader_left(r);
    while (n < left && !one_of(r->p[n], stops))
        n++;
    return ts_get_span(r, n);
}

static bool at(const struct ts_reader *r, char c)
{
    return ts_reader_left(r) > 0 && *r->p == (uint8_t)c;
}

/* Not empty, and of unreserved, escaped and the given characters only. */
static enum ts_err check_chars(struct ts_span s, const char *also)
{
    struct ts_reader r = ts_reader_span(s);
    if (s.n == 0)
        return TS_E_FORMAT;
    while (ts_reader_left(&r)) {
        struct unit u = get_unit(&r);
        if (!u.escaped && !is_unreserved(u.c) && !one_of(u.c, also))
            return TS_E_FORMAT;
    }
    return ts_reader_end(&r);
}

/* Equal to a lower-case word, after decoding and without regard to case. */
static bool is_word(struct ts_span s, const char *word)
{
    struct ts_reader r = ts_reader_span(s);
    for (; *word; word++) {
        struct unit u = get_unit(&r);
        if (u.escaped || lower(u.c) != (uint8_t)*word)
            return false;
    }
    return ts_reader_end(&r) == TS_OK;
}

/*
 * Read *(";" name ["=" value]) to the end and check it. The value of the
 * parameter asked for comes back, empty when it is not there.
 */
static struct ts_span get_params(struct ts_reader *r, const char *wanted)
{
    struct ts_span found = {NULL, 0};
    while (ts_reader_left(r)) {
        struct ts_span value = {NULL, 0};
        if (ts_get_u8(r) != ';')
            ts_reader_fail(r, TS_E_FORMAT);
        struct ts_span name = get_until(r, "=;");
        ts_reader_fail(r, check_chars(name, PARAM_UNRESERVED));
        if (at(r, '=')) {
            (void)ts_get_u8(r);
            value = get_until(r, ";");
            ts_reader_fail(r, check_chars(value, PARAM_UNRESERVED));
        }
        if (!is_word(name, wanted))
            continue;
        if (found.p || !value.n)
            ts_reader_fail(r, TS_E_FORMAT);
        found = value;
    }
    return found;
}

/* Labels of letters, digits and hyphens, lower case, without a last dot. */
static enum ts_err put_hostname(struct ts_span s, struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(s);
    struct ts_span label;
    for (;;) {
        label = get_until(&r, ".");
        if (!label.n || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return TS_E_FORMAT;
        for (size_t i = 0; i < label.n; i++) {
            if (!is_alnum(label.p[i]) && label.p[i] != '-')
                return TS_E_FORMAT;
            ts_put_u8(w, lower(label.p[i]));
        }
        (void)ts_get_u8(&r); /* the dot, or nothing at the end */
        if (!ts_reader_left(&r))
            break;
        ts_put_u8(w, '.');
    }
    /* What ends in a number is an IPv4 address or nothing (RFC 3261: the top
     * label starts with a letter). */
    if (!is_digit(label.p[0]))
        return TS_OK;
    char text[INET_ADDRSTRLEN];
    struct in_addr addr;
    if (s.n >= sizeof text)
        return TS_E_FORMAT;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET, text, &addr) == 1 ? TS_OK : TS_E_FORMAT;
}

/* The inside of the brackets, in the form of RFC 5952. */
static enum ts_err put_ipv6(struct ts_span s, struct ts_writer *w)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (s.n == 0 || s.n >= sizeof text)
        return TS_E_FORMAT;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (memchr(text, 0, s.n) || inet_pton(AF_INET6, text, &addr) != 1 ||
        !inet_ntop(AF_INET6, &addr, text, sizeof text))
        return TS_E_FORMAT;
    ts_put_u8(w, '[');
    ts_put(w, text, strlen(text));
    ts_put_u8(w, ']');
    return TS_OK;
}

/* 1 to 65535, without leading zeros. */
static enum ts_err put_port(struct ts_span s, struct ts_writer *w)
{
    unsigned port = 0;
    char digits[5];
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return TS_E_FORMAT;
        port = port * 10 + (unsigned)(s.p[i] - '0');
        if (port > 65535)
            return TS_E_FORMAT;
    }
    if (port == 0)
        return TS_E_FORMAT;
    for (; port; port /= 10)
        digits[n++] = (char)('0' + port % 10);
    while (n)
        ts_put_u8(w, (uint8_t)digits[--n]);
    return TS_OK;
}

/* host [":" port], up to the parameters or headers. */
static void get_hostport(struct ts_reader *r, struct ts_writer *w)
{
    if (at(r, '[')) {
        (void)ts_get_u8(r);
        ts_reader_fail(r, put_ipv6(get_until(r, "]"), w));
        (void)ts_get_u8(r);
    } else {
        ts_reader_fail(r, put_hostname(get_until(r, ":;?"), w));
    }
    if (at(r, ':')) {
        (void)ts_get_u8(r);
        ts_put_u8(w, ':');
        ts_reader_fail(r, put_port(get_until(r, ";?"), w));
    }
}

/* Digits without visual separators, at least one; hex digits, * and # too in
 * a local number. */
static enum ts_err put_number(struct ts_span s, bool global,
                              struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(s);
    size_t digits = 0;
    while (ts_reader_left(&r)) {
        struct unit u = get_unit(&r);
        if (!u.escaped && one_of(u.c, VISUAL_SEPARATOR))
            continue;
        if (!u.escaped && lower(u.c) >= 'a' && lower(u.c) <= 'f')
            u.c = (uint8_t)(lower(u.c) - ('a' - 'A'));
        else if (u.c == '#')
            u.escaped = true;
        bool local = u.c == '#' || u.c == '*' || hex_value(u.c) >= 0;
        if (global ? !is_digit(u.c) : !local)
            return TS_E_FORMAT;
        put_unit(w, u);
        digits++;
    }
    return digits ? ts_reader_end(&r) : TS_E_FORMAT;
}

/* "+" digits, as a number of its own or as a phone-context. */
static enum ts_err put_global(struct ts_span s, struct ts_writer *w)
{
    ts_put_u8(w, '+');
    return put_number(ts_span(s.p + 1, s.n - 1), true, w);
}

/* telephone-subscriber: the number and, for a local one, its context. */
static enum ts_err put_tel(struct ts_span s, struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(s);
    struct ts_span number = get_until(&r, ";");
    struct ts_span context = get_params(&r, "phone-context");
    enum ts_err err = ts_reader_end(&r);
    if (err)
        return err;
    ts_put(w, "tel:", 4);
    if (number.n && number.p[0] == '+')
        return put_global(number, w);
    if (!context.n)
        return TS_E_FORMAT;
    err = put_number(number, false, w);
    if (err)
        return err;
    ts_put_span(w, ts_span_str(";phone-context="));
    if (context.p[0] == '+')
        return put_global(context, w);
    return put_hostname(context, w);
}

/* user "@"; a password (":") is refused, for it does not belong into an
 * identity. */
static enum ts_err put_user(struct ts_span s, struct ts_writer *w)
{
    enum ts_err err = check_chars(s, USER_UNRESERVED);
    if (err)
        return err;
    struct ts_reader r = ts_reader_span(s);
    while (ts_reader_left(&r))
        put_unit(w, get_unit(&r));
    ts_put_u8(w, '@');
    return ts_reader_end(&r);
}

/*
 * [user "@"] host [":" port] parameters [headers]. The only "@" that the
 * grammar allows unescaped is the one behind the user.
 */
static enum ts_err put_sip(struct ts_span s, bool sips, struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(s);
    struct ts_span user = get_until(&r, "@");
    enum ts_err err;
    ts_put_span(w, ts_span_str(sips ? "sips:" : "sip:"));
    if (at(&r, '@')) {
        (void)ts_get_u8(&r);
        err = put_user(user, w);
        if (err)
            return err;
    } else {
        user = ts_span(NULL, 0);
        r = ts_reader_span(s);
    }
    get_hostport(&r, w);
    struct ts_reader tail = ts_reader_span(get_until(&r, "?"));
    struct ts_span kind = get_params(&tail, "user");
    ts_reader_fail(&r, ts_reader_end(&tail));
    if (at(&r, '?')) {
        (void)ts_get_u8(&r);
        ts_reader_fail(&r, check_chars(get_until(&r, ""), HEADER_UNRESERVED));
    }
    err = ts_reader_end(&r);
    if (err || sips || !is_word(kind, "phone"))
        return err;
    *w = ts_writer_init(w->buf, w->cap);
    return put_tel(user, w);
}

static enum ts_err put_uri(struct ts_span uri, struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(uri);
    struct ts_span scheme = get_until(&r, ":");
    if (ts_get_u8(&r) != ':' || !ts_reader_left(&r) || !scheme.n)
        return TS_E_FORMAT;
    struct ts_span rest = get_until(&r, "");
    for (size_t i = 0; i < scheme.n; i++)
        if (!is_alnum(scheme.p[i]) && !one_of(scheme.p[i], "+-."))
            return TS_E_FORMAT;
    if (is_word(scheme, "sip"))
        return put_sip(rest, false, w);
    if (is_word(scheme, "sips"))
        return put_sip(rest, true, w);
    if (is_word(scheme, "tel"))
        return put_tel(rest, w);
    return TS_E_UNKNOWN;
}

/*
 * Most identities that a KMS sees are canonical already and plain: "sip:",
 * then a user and a host of lower-case letters, digits and single dots and
 * hyphens, the host's last label from letter to letter. These need no more
 * than a look.
 */
static bool is_plain(struct ts_span uri)
{
    static const char scheme[4] = {'s', 'i', 'p', ':'};
    unsigned ats = 0;
    uint8_t last = '.'; /* what may not be followed by a dot or hyphen */
    uint8_t first = 0;  /* of the label */
    if (uri.n < 8 || uri.n > TS_IDENTITY_MAX ||
        memcmp(uri.p, scheme, sizeof scheme) != 0)
        return false;
    for (size_t i = sizeof scheme; i < uri.n; i++) {
        uint8_t c = uri.p[i];
        bool letter = c >= 'a' && c <= 'z';
        bool mark = c == '.' || c == '-' || c == '@';
        if (!letter && !mark && !(c >= '0' && c <= '9'))
            return false;
        if (mark && (last == '.' || last == '-' || last == '@'))
            return false;
        if (!mark && (last == '.' || last == '@'))
            first = c;
        ats += c == '@';
        last = c;
    }
    return ats == 1 && first >= 'a' && last >= 'a';
}

enum ts_err ts_identity(struct ts_span uri, struct ts_identity *out)
{
    if (is_plain(uri)) {
        memcpy(out->text, uri.p, uri.n);
        out->len = uri.n;
        out->text[out->len] = '\0';
        return TS_OK;
    }
    struct ts_writer w = ts_writer_init((uint8_t *)out->text, TS_IDENTITY_MAX);
    enum ts_err err = put_uri(uri, &w);
    if (!err)
        err = w.err;
    if (err == TS_E_SHORT || err == TS_E_TRAILING)
        err = TS_E_FORMAT;
    out->len = err ? 0 : w.len;
    out->text[out->len] = '\0';
    return err;
}

bool ts_identity_same(struct ts_span a, struct ts_span b)
{
    struct ts_identity x, y;
    if (ts_identity(a, &x) || ts_identity(b, &y))
        return false;
    return x.len == y.len && memcmp(x.text, y.text, x.len) == 0;
}
