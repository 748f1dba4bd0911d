/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture_text.h"

#include <ctype.h>
#include <strings.h>

#include "tool/octets.h"

#define METHOD_MAX 32
#define DIGITS_MAX 15 /* of a Content-Length; a petabyte is enough */

static const struct {
    const char *version; /* with which its start line begins or ends */
    enum mt_protocol protocol;
} protocols[] = {
    {"SIP/2.0", MT_SIP},   {"HTTP/1.1", MT_HTTP}, {"HTTP/1.0", MT_HTTP},
    {"RTSP/1.0", MT_RTSP}, {"RTSP/2.0", MT_RTSP},
};

bool mt_is_word(struct ts_span text, const char *word)
{
    return text.n == strlen(word) &&
           strncasecmp((const char *)text.p, word, text.n) == 0;
}

bool mt_next_line(struct ts_span *rest, struct ts_span *line)
{
    if (rest->n == 0)
        return false;
    const uint8_t *lf = memchr(rest->p, '\n', rest->n);
    size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
    size_t used = lf ? n + 1 : n;
    *line = ts_span(rest->p, n && rest->p[n - 1] == '\r' ? n - 1 : n);
    *rest = ts_span(rest->p + used, rest->n - used);
    return true;
}

/* --- start lines --- */

static bool starts(struct ts_span line, const char *word)
{
    size_t n = strlen(word);
    return line.n >= n && memcmp(line.p, word, n) == 0;
}

static bool ends(struct ts_span text, const char *word)
{
    size_t n = strlen(word);
    return text.n >= n && mt_is_word(ts_span(text.p + text.n - n, n), word);
}

/* "SIP/2.0 200 OK" */
static bool is_response(struct ts_span line, const char *version)
{
    size_t n = strlen(version);
    return starts(line, version) && line.n >= n + 4 && line.p[n] == ' ' &&
           isdigit(line.p[n + 1]) && isdigit(line.p[n + 2]) &&
           isdigit(line.p[n + 3]);
}

/* "INVITE sip:bob@example.com SIP/2.0": a method, one word, a version */
static bool is_request(struct ts_span line, const char *version)
{
    size_t n = strlen(version), method = 0;
    while (method < line.n && method <= METHOD_MAX &&
           (isupper(line.p[method]) || line.p[method] == '_' ||
            line.p[method] == '-'))
        method++;
    if (method == 0 || line.n < method + 3 + n || line.p[method] != ' ')
        return false;
    size_t end = line.n - n - 1; /* of the word between */
    if (line.p[end] != ' ' || memcmp(line.p + end + 1, version, n) != 0)
        return false;
    return !memchr(line.p + method + 1, ' ', end - method - 1);
}

enum mt_protocol mt_start_line(struct ts_span line)
{
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (is_response(line, protocols[i].version) ||
            is_request(line, protocols[i].version))
            return protocols[i].protocol;
    return MT_NO_TEXT;
}

/* --- headers --- */

size_t mt_head_end(struct ts_span text, size_t from)
{
    for (size_t i = from; i + 1 < text.n; i++) {
        if (text.p[i] != '\n')
            continue;
        if (text.p[i + 1] == '\n')
            return i + 2;
        if (i + 2 < text.n && text.p[i + 1] == '\r' && text.p[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

bool mt_next_header(struct ts_span *rest, struct ts_span *name,
                    struct ts_span *value)
{
    struct ts_span line;
    if (!mt_next_line(rest, &line) || line.n == 0)
        return false;
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
        struct ts_span folded;
        (void)mt_next_line(rest, &folded);
        line.n = (size_t)(folded.p + folded.n - line.p);
    }
    const uint8_t *colon = memchr(line.p, ':', line.n);
    size_t n = colon ? (size_t)(colon - line.p) : line.n;
    *name = mt_trim(ts_span(line.p, n));
    *value =
        mt_trim(colon ? ts_span(colon + 1, line.n - n - 1) : ts_span(NULL, 0));
    return true;
}

/* Digits only, else it is as if the header were not there. */
static void take_length(struct mt_head *h, struct ts_span value)
{
    uint64_t n = 0;
    if (value.n == 0 || value.n > DIGITS_MAX)
        return;
    for (size_t i = 0; i < value.n; i++) {
        if (!isdigit(value.p[i]))
            return;
        n = 10 * n + value.p[i] - '0';
    }
    h->has_length = true;
    h->length = n;
}

/* SIP and RTSP carry hardly anything but SDP, perhaps among other parts. */
static enum mt_body body_of(enum mt_protocol protocol, struct ts_span type)
{
    const uint8_t *end = type.n ? memchr(type.p, ';', type.n) : NULL;
    if (end)
        type = mt_trim(ts_span(type.p, (size_t)(end - type.p)));
    if (mt_is_word(type, "application/mikey"))
        return MT_BODY_MIKEY;
    if (protocol != MT_HTTP || mt_is_word(type, "application/sdp"))
        return MT_BODY_SDP;
    return MT_BODY_OTHER;
}

/* The three digits behind the first blank of a response. */
static unsigned status_of(struct ts_span line)
{
    const uint8_t *digit = memchr(line.p, ' ', line.n);
    unsigned status = 0;
    for (unsigned i = 1; digit && i <= 3; i++)
        status = 10 * status + digit[i] - '0';
    return status;
}

struct mt_head mt_head_read(struct ts_span head)
{
    struct mt_head h = {0};
    struct ts_span line = ts_span("", 0), name, value, type = ts_span("", 0);
    (void)mt_next_line(&head, &line);
    h.protocol = mt_start_line(line);
    h.headers = head;
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        h.response |= is_response(line, protocols[i].version);
    if (h.response)
        h.status = status_of(line);
    while (mt_next_header(&head, &name, &value)) {
        if (mt_is_word(name, "Content-Length") ||
            (mt_is_word(name, "l") && h.protocol == MT_SIP))
            take_length(&h, value);
        else if (mt_is_word(name, "Content-Type") ||
                 (mt_is_word(name, "c") && h.protocol == MT_SIP))
            type = value;
        else if (mt_is_word(name, "Transfer-Encoding") && h.protocol == MT_HTTP)
            h.chunked = ends(value, "chunked");
    }
    h.body = body_of(h.protocol, type);
    return h;
}
