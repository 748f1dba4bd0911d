/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/rtsp.h"

#include <nettle/base64.h>

#include "base/msan.h"
#include "base/writer.h"

/* A header value as it is read. */
struct cursor {
    struct ts_span s;
    size_t at;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The octet that comes next, or -1 at the end. */
static int peek(const struct cursor *c)
{
    return c->at < c->s.n ? c->s.p[c->at] : -1;
}

/* Length of what may stand between two parts: a blank, or a folded line. */
static size_t gap(const struct cursor *c)
{
    const uint8_t *p = c->s.p + c->at;
    size_t left = c->s.n - c->at;
    if (left && is_blank(p[0]))
        return 1;
    size_t eol = left && p[0] == '\r' ? 1 : 0;
    if (left < eol + 2 || p[eol] != '\n' || !is_blank(p[eol + 1]))
        return 0;
    return eol + 2;
}

static void skip_blanks(struct cursor *c)
{
    for (size_t n = gap(c); n; n = gap(c))
        c->at += n;
}

/* One character that must be here, with blanks behind it. */
static enum ts_err take(struct cursor *c, char wanted)
{
    if (peek(c) != wanted)
        return TS_E_FORMAT;
    c->at++;
    skip_blanks(c);
    return TS_OK;
}

static bool is_alpha(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_alnum(uint8_t c)
{
    return is_alpha(c) || (c >= '0' && c <= '9');
}

/* Letters and digits, which names and protocol ids are made of (3). */
static struct ts_span take_word(struct cursor *c)
{
    size_t from = c->at;
    while (c->at < c->s.n && is_alnum(c->s.p[c->at]))
        c->at++;
    struct ts_span word = ts_span(c->s.p + from, c->at - from);
    skip_blanks(c);
    return word;
}

/* Base64 without quotes, of which it needs none. */
static struct ts_span take_bare(struct cursor *c)
{
    size_t from = c->at;
    while (c->at < c->s.n &&
           (is_alnum(c->s.p[c->at]) || memchr("+/=", c->s.p[c->at], 3)))
        c->at++;
    struct ts_span bare = ts_span(c->s.p + from, c->at - from);
    skip_blanks(c);
    return bare;
}

/* What stands between two quotes. No escapes: neither a URI nor base64 has a
   quote or a backslash. */
static enum ts_err take_quoted(struct cursor *c, struct ts_span *out)
{
    if (peek(c) != '"')
        return TS_E_FORMAT;
    const uint8_t *from = c->s.p + c->at + 1;
    const uint8_t *end = memchr(from, '"', c->s.n - c->at - 1);
    if (!end || end == from)
        return TS_E_FORMAT;
    *out = ts_span(from, (size_t)(end - from));
    for (size_t i = 0; i < out->n; i++)
        if (from[i] <= ' ' || from[i] >= 0x7f || from[i] == '\\')
            return TS_E_FORMAT;
    c->at += out->n + 2;
    skip_blanks(c);
    return TS_OK;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') ||
           (c >= 'a' && c <= 'f');
}

bool mikey_rtsp_is_uri(struct ts_span s)
{
    static const char marks[] = "-._~:/?#[]@!$&'()*+,;=";
    size_t scheme = 0;
    if (s.n == 0 || !is_alpha(s.p[0]))
        return false;
    while (scheme < s.n &&
           (is_alnum(s.p[scheme]) || memchr("+-.", s.p[scheme], 3)))
        scheme++;
    if (scheme == s.n || s.p[scheme] != ':')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '%' && i + 2 < s.n && is_hex(s.p[i + 1]) && is_hex(s.p[i + 2]))
            i += 2;
        else if (!is_alnum(c) && !memchr(marks, c, sizeof marks - 1))
            return false;
    }
    return true;
}

/* prot=mikey, uri="...", data="...": the first of them must be prot. */
static enum ts_err take_param(struct cursor *c, struct mikey_rtsp_spec *spec)
{
    size_t from = c->at;
    struct ts_span name = take_word(c);
    struct ts_span *slot = ts_span_is(name, "prot")   ? &spec->prot
                           : ts_span_is(name, "uri")  ? &spec->uri
                           : ts_span_is(name, "data") ? &spec->data
                                                      : NULL;
    enum ts_err err = TS_OK;
    if (name.n == 0)
        err = TS_E_FORMAT;
    else if (!slot)
        err = TS_E_UNKNOWN;
    else if (slot->n)
        err = TS_E_DUPLICATE;
    else if (slot != &spec->prot && spec->prot.n == 0)
        err = TS_E_ORDER;
    if (!err)
        err = take(c, '=');
    if (!err && slot == &spec->prot)
        *slot = take_word(c);
    else if (!err && slot == &spec->data && peek(c) != '"')
        *slot = take_bare(c);
    else if (!err)
        err = take_quoted(c, slot);
    if (!err && slot->n == 0)
        err = TS_E_FORMAT;
    if (!err && slot == &spec->uri && !mikey_rtsp_is_uri(spec->uri))
        err = TS_E_FORMAT;
    if (err)
        c->at = from;
    return err;
}

/* Parameters up to a ',' or the end, with a ';' between them. */
static enum ts_err take_spec(struct cursor *c, struct mikey_rtsp_spec *spec)
{
    bool more = true;
    *spec = (struct mikey_rtsp_spec){.at = c->at};
    while (more) {
        enum ts_err err = take_param(c, spec);
        if (err)
            return err;
        more = take(c, ';') == TS_OK && peek(c) >= 0 && peek(c) != ',';
    }
    if (peek(c) >= 0 && peek(c) != ',')
        return TS_E_FORMAT;
    if (spec->data.n)
        return TS_OK;
    c->at = spec->at;
    return TS_E_MISSING;
}

static enum ts_err add_spec(const struct mikey_rtsp_spec *one,
                            struct mikey_rtsp_spec *spec, size_t cap, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        if (ts_span_equal(spec[i].uri, one->uri))
            return TS_E_DUPLICATE;
    if (*n == cap)
        return TS_E_FULL;
    spec[(*n)++] = *one;
    return TS_OK;
}

enum ts_err mikey_rtsp_read(struct ts_span value, struct mikey_rtsp_spec *spec,
                            size_t cap, size_t *n, size_t *at)
{
    struct cursor c = {value, 0};
    struct mikey_rtsp_spec one;
    enum ts_err err = TS_OK;
    *n = *at = 0;
    if (value.n == 0)
        return TS_E_FORMAT;
    skip_blanks(&c);
    do {
        err = take_spec(&c, &one);
        *at = err ? c.at : one.at;
        if (!err)
            err = add_spec(&one, spec, cap, n);
    } while (!err && take(&c, ',') == TS_OK);
    if (err)
        *n = 0;
    return err;
}

enum ts_err mikey_rtsp_header(struct ts_span line, struct ts_span *value)
{
    static const char name[] = "KeyMgmt";
    const size_t n = sizeof name - 1;
    if (line.n <= n || line.p[n] != ':' ||
        !ts_span_is(ts_span(line.p, n), name))
        return TS_E_NOTFOUND;
    struct cursor c = {line, n + 1};
    skip_blanks(&c);
    *value = ts_span(line.p + c.at, line.n - c.at);
    return TS_OK;
}

static void put(struct ts_writer *w, const char *text)
{
    ts_put(w, text, strlen(text));
}

static void put_spec(struct ts_writer *w, const struct mikey_rtsp_new *spec)
{
    size_t n = BASE64_ENCODE_RAW_LENGTH(spec->msg.n);
    put(w, "prot=mikey; ");
    if (spec->uri.n) {
        put(w, "uri=\"");
        ts_put_span(w, spec->uri);
        put(w, "\"; ");
    }
    put(w, "data=\"");
    uint8_t *room = ts_put_room(w, n);
    if (room) {
        base64_encode_raw((char *)room, spec->msg.n, spec->msg.p);
        ts_msan_out(room, n);
    }
    put(w, "\"");
}

enum ts_err mikey_rtsp_write(const struct mikey_rtsp_new *spec, size_t n,
                             char *out, size_t cap)
{
    struct ts_writer w = ts_writer_init((uint8_t *)out, cap);
    if (n == 0)
        return TS_E_EMPTY;
    for (size_t i = 0; i < n; i++) {
        if (spec[i].msg.n == 0)
            return TS_E_MISSING;
        if (spec[i].uri.n && !mikey_rtsp_is_uri(spec[i].uri))
            return TS_E_FORMAT;
        for (size_t k = 0; k < i; k++)
            if (ts_span_equal(spec[k].uri, spec[i].uri))
                return TS_E_DUPLICATE;
        if (i)
            put(&w, ", ");
        put_spec(&w, &spec[i]);
    }
    ts_put_u8(&w, 0);
    return w.err;
}

enum ts_err mikey_rtsp_initiator(enum mikey_rtsp_mode mode, bool *server)
{
    *server = mode == MIKEY_RTSP_PLAY;
    return *server ? TS_OK : TS_E_UNSUPPORTED;
}

enum mikey_need mikey_rtsp_need(enum mikey_rtsp_message message)
{
    switch (message) {
    case MIKEY_RTSP_DESCRIBE_RESPONSE:
        return MIKEY_NEED_SHOULD;
    case MIKEY_RTSP_SETUP:
        return MIKEY_NEED_MUST;
    case MIKEY_RTSP_SETUP_ERROR:
        return MIKEY_NEED_MAY;
    default:
        return MIKEY_NEED_NONE;
    }
}

enum ts_err mikey_rtsp_check_sdp(const struct mikey_sdp *s,
                                 struct ts_span aggregate)
{
    return aggregate.n || s->n_session == 0 ? TS_OK : TS_E_UNSUPPORTED;
}

enum mikey_rtsp_context mikey_rtsp_expect(const struct mikey_rtsp_setup *setup)
{
    if (setup->offered == MIKEY_RTSP_SESSION && !setup->first)
        return MIKEY_RTSP_NOTHING;
    return setup->offered;
}

struct ts_span mikey_rtsp_uri(const struct mikey_rtsp_setup *setup)
{
    switch (mikey_rtsp_expect(setup)) {
    case MIKEY_RTSP_SESSION:
        return setup->aggregate;
    case MIKEY_RTSP_MEDIUM:
        return setup->medium;
    default:
        return ts_span(NULL, 0);
    }
}

enum mikey_rtsp_context mikey_rtsp_about(const struct mikey_rtsp_setup *setup,
                                         const struct mikey_rtsp_spec *spec)
{
    struct ts_span uri = spec->uri.n ? spec->uri : setup->request;
    bool session = setup->aggregate.n && ts_span_equal(uri, setup->aggregate);
    bool medium = setup->medium.n && ts_span_equal(uri, setup->medium);
    if (session && medium) /* one URI for both: what the SDP says */
        return setup->offered;
    return session  ? MIKEY_RTSP_SESSION
           : medium ? MIKEY_RTSP_MEDIUM
                    : MIKEY_RTSP_NOTHING;
}

enum mikey_rtsp_event mikey_rtsp_setup_event(
    const struct mikey_rtsp_setup *setup, const struct mikey_rtsp_spec *spec,
    size_t n, struct ts_span prot, const struct mikey_rtsp_spec **found)
{
    enum mikey_rtsp_context wanted = mikey_rtsp_expect(setup);
    const struct mikey_rtsp_spec *one = NULL;
    *found = NULL;
    if (wanted == MIKEY_RTSP_NOTHING)
        return MIKEY_RTSP_SETUP_PLAIN;
    for (size_t i = 0; i < n; i++) {
        if (mikey_rtsp_about(setup, &spec[i]) != wanted)
            continue;
        if (one)
            return MIKEY_RTSP_SETUP_UNCLEAR;
        one = &spec[i];
    }
    if (!one)
        return MIKEY_RTSP_SETUP_LACKING;
    if (!ts_span_equal(one->prot, prot))
        return MIKEY_RTSP_SETUP_UNCLEAR;
    *found = one;
    return MIKEY_RTSP_SETUP_MESSAGE;
}

#define FAILURE "Key management failure"

struct mikey_rtsp_verdict mikey_rtsp_rule(enum mikey_rtsp_event event)
{
    static const struct mikey_rtsp_verdict rules[MIKEY_RTSP_EVENTS] = {
        [MIKEY_RTSP_SETUP_PLAIN] = {MIKEY_RTSP_PROCEED, 0, NULL,
                                    MIKEY_NEED_NONE, "4.2"},
        [MIKEY_RTSP_SETUP_MESSAGE] = {MIKEY_RTSP_PROCESS, 0, NULL,
                                      MIKEY_NEED_NONE, "4.2"},
        [MIKEY_RTSP_SETUP_LACKING] = {MIKEY_RTSP_REFUSE, 403, "Forbidden",
                                      MIKEY_NEED_NONE, "4.2"},
        [MIKEY_RTSP_SETUP_UNCLEAR] = {MIKEY_RTSP_REFUSE, 463, FAILURE,
                                      MIKEY_NEED_NONE, "4.2"},
        [MIKEY_RTSP_SETUP_MALFORMED] = {MIKEY_RTSP_REFUSE, 463, FAILURE,
                                        MIKEY_NEED_NONE, "3.2"},
        [MIKEY_RTSP_SETUP_TAKEN] = {MIKEY_RTSP_PROCEED, 0, NULL,
                                    MIKEY_NEED_NONE, "4.2"},
        [MIKEY_RTSP_SETUP_FAILED] = {MIKEY_RTSP_REFUSE, 463, FAILURE,
                                     MIKEY_NEED_MAY, "4.2"},
        [MIKEY_RTSP_DESCRIBED] = {MIKEY_RTSP_PROCEED, 0, NULL, MIKEY_NEED_MUST,
                                  "4.2"},
        [MIKEY_RTSP_DESCRIBE_FAILED] = {MIKEY_RTSP_ABORT, 0, NULL,
                                        MIKEY_NEED_NONE, "4.2"},
        [MIKEY_RTSP_SETUP_REFUSED] = {MIKEY_RTSP_ABORT, 0, NULL,
                                      MIKEY_NEED_NONE, "4.2"},
    };
    if ((unsigned)event >= MIKEY_RTSP_EVENTS)
        event = MIKEY_RTSP_SETUP_FAILED;
    return rules[event];
}
