/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture_find.h"

#include <ctype.h>

#include "base/reader.h"
#include "mikey/sdp.h"
#include "tool/octets.h"

void mt_find_raw(struct ts_span msg, const char *carrier,
                 const struct mt_place *place, const struct mt_sink *sink)
{
    const struct mt_found found = {place, carrier, "raw", msg, NULL};
    sink->found(sink->arg, &found);
}

void mt_find_none(const char *why, const char *carrier,
                  const struct mt_place *place, const struct mt_sink *sink)
{
    const struct mt_found found = {place, carrier, NULL, {NULL, 0}, why};
    sink->found(sink->arg, &found);
}

const char *mt_carrier(const struct mt_head *head)
{
    switch (head->protocol) {
    case MT_SIP:
        return "sip";
    case MT_RTSP:
        return "rtsp";
    default:
        return head->body == MT_BODY_MIKEY ? "http" : "sdp";
    }
}

/* --- SDP --- */

/* The value of one attribute; another protocol's is nothing to us. */
static void find_attribute(struct ts_span value, const char *carrier,
                           const struct mt_place *place,
                           const struct mt_sink *sink)
{
    static uint8_t room[MT_INPUT_MAX];
    struct mt_found found = {.place = place, .carrier = carrier, .form = "sdp"};
    size_t n = 0;
    switch (mikey_sdp_read(value, room, sizeof room, &n)) {
    case TS_OK:
        found.msg = ts_span(room, n);
        break;
    case TS_E_UNSUPPORTED:
        return;
    case TS_E_SPACE:
        found.why = "a=key-mgmt:mikey: longer than 256 KiB";
        break;
    default:
        found.why = "a=key-mgmt:mikey: what follows is not base64";
    }
    sink->found(sink->arg, &found);
}

/* At session level or at a media description: each attribute is a message. */
static void find_in_sdp(struct ts_span sdp, const char *carrier,
                        const struct mt_place *place,
                        const struct mt_sink *sink)
{
    static const char attribute[] = "a=key-mgmt:";
    struct ts_span line;
    size_t n = sizeof attribute - 1;
    while (mt_next_line(&sdp, &line))
        if (line.n >= n && memcmp(line.p, attribute, n) == 0)
            find_attribute(ts_span(line.p + n, line.n - n), carrier, place,
                           sink);
}

/* --- base64 with line ends --- */

static void find_base64(struct ts_span text, const char *what,
                        const char *carrier, const struct mt_place *place,
                        const struct mt_sink *sink)
{
    struct mt_found found = {
        .place = place, .carrier = carrier, .form = "base64"};
    if (mt_from_base64(text, &found.msg))
        found.why = what;
    sink->found(sink->arg, &found);
}

static void find_in_mikey_body(struct ts_span body, const char *carrier,
                               const struct mt_place *place,
                               const struct mt_sink *sink)
{
    struct ts_span text = mt_trim(body);
    if (text.n && body.p[0] != 0x01)
        find_base64(text, "the body is neither MIKEY nor its base64", carrier,
                    place, sink);
    else
        mt_find_raw(body, carrier, place, sink);
}

/* --- the KeyMgmt header of RTSP --- */

/*
 * The next parameter of  prot=mikey; uri="..."; data="...", prot=...
 * Consumes at least one octet as long as there are any.
 */
static bool next_parameter(struct ts_span *rest, struct ts_span *name,
                           struct ts_span *value, bool *first)
{
    size_t i = 0, n = rest->n;
    const uint8_t *p = rest->p;
    for (; i < n && (isspace(p[i]) || p[i] == ';' || p[i] == ','); i++)
        *first |= p[i] == ',';
    if (i == n)
        return false;
    size_t start = i;
    while (i < n && p[i] != '=' && p[i] != ';' && p[i] != ',')
        i++;
    *name = mt_trim(ts_span(p + start, i - start));
    *value = ts_span(NULL, 0);
    if (i < n && p[i] == '=') {
        bool quoted = ++i < n && p[i] == '"';
        start = i += quoted;
        while (i < n && (quoted ? p[i] != '"' : p[i] != ';' && p[i] != ','))
            i++;
        *value = mt_trim(ts_span(p + start, i - start));
        i += quoted && i < n;
    }
    *rest = ts_span(p + i, n - i);
    return true;
}

static void find_in_key_mgmt(struct ts_span header,
                             const struct mt_place *place,
                             const struct mt_sink *sink)
{
    struct ts_span name, value;
    bool ours = false, first = false;
    while (next_parameter(&header, &name, &value, &first)) {
        ours &= !first; /* another protocol begins */
        first = false;
        if (mt_is_word(name, "prot"))
            ours = mt_is_word(value, "mikey");
        else if (ours && mt_is_word(name, "data"))
            find_base64(value, "KeyMgmt: its data are not base64", "rtsp",
                        place, sink);
    }
}

/* --- text messages --- */

void mt_find_in_head(const struct mt_head *head, const struct mt_place *place,
                     const struct mt_sink *sink)
{
    struct ts_span rest = head->headers, name, value;
    if (head->protocol != MT_RTSP)
        return;
    while (mt_next_header(&rest, &name, &value))
        if (mt_is_word(name, "KeyMgmt"))
            find_in_key_mgmt(value, place, sink);
}

void mt_find_in_body(const struct mt_head *head, struct ts_span body,
                     bool whole, const struct mt_place *place,
                     const struct mt_sink *sink)
{
    const char *carrier = mt_carrier(head);
    if (head->body == MT_BODY_SDP)
        find_in_sdp(body, carrier, place, sink);
    else if (head->body == MT_BODY_MIKEY && !whole)
        mt_find_none("the capture has not all of the body", carrier, place,
                     sink);
    else if (head->body == MT_BODY_MIKEY && body.n)
        find_in_mikey_body(body, carrier, place, sink);
}

/* --- datagrams --- */

static void find_in_text(struct ts_span data, const struct mt_place *place,
                         const struct mt_sink *sink)
{
    size_t end = mt_head_end(data, 0);
    struct mt_head head = mt_head_read(ts_span(data.p, end ? end : data.n));
    struct ts_span body = ts_span(data.p + end, end ? data.n - end : 0);
    if (head.has_length && head.length < body.n)
        body.n = (size_t)head.length;
    mt_find_in_head(&head, place, sink);
    mt_find_in_body(&head, body, true, place, sink);
}

/*
 *  SAP (RFC 2974): version(3 bits)=1 A R T E C  authentication length(1)
 *  hash(2)  source(4 or 16)  authentication data  [type NUL]  SDP
 */
static struct ts_span inside_sap(struct ts_span data)
{
    struct ts_reader r = ts_reader_span(data);
    uint8_t flags = ts_get_u8(&r);
    size_t auth = ts_get_u8(&r) * 4u;
    (void)ts_get_u16(&r);
    (void)ts_get_span(&r, (flags & 0x10 ? 16 : 4) + auth);
    if (r.err || flags >> 5 != 1 || flags & 0x03) /* encrypted, compressed */
        return ts_span(NULL, 0);
    struct ts_span rest = ts_get_span(&r, ts_reader_left(&r));
    static const char type[] = "application/sdp";
    if (rest.n > sizeof type && memcmp(rest.p, type, sizeof type) == 0)
        rest = ts_span(rest.p + sizeof type, rest.n - sizeof type);
    return rest;
}

static bool is_sdp(struct ts_span text)
{
    return text.n >= 4 && memcmp(text.p, "v=0", 3) == 0 &&
           (text.p[3] == '\r' || text.p[3] == '\n');
}

void mt_find_in_datagram(struct ts_span data, const struct mt_place *place,
                         const struct mt_sink *sink)
{
    struct ts_span line, rest = data;
    if (place->from.port == MT_MIKEY_PORT || place->to.port == MT_MIKEY_PORT) {
        if (data.n)
            mt_find_raw(data, "udp-2269", place, sink);
        return;
    }
    if (mt_next_line(&rest, &line) && mt_start_line(line) != MT_NO_TEXT) {
        find_in_text(data, place, sink);
        return;
    }
    rest = is_sdp(data) ? data : inside_sap(data);
    if (is_sdp(rest))
        find_in_sdp(rest, "sdp", place, sink);
}
