/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/sdp.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/reader.h"
#include "base/writer.h"
#include "mikey/sdp.h"
#include "ue/keying.h"

/* The address of a c= line. */
struct place {
    bool good;
    bool ipv6;
    char host[46];
};

/* The m-line that is being read, with what follows it. */
struct media {
    bool audio, protected, both_ways;
    bool renamed; /* payload type 0 or 8 has another meaning */
    uint16_t port;
    int pt; /* -1 when there is none that fits */
    struct place place;
};

struct scan {
    struct ue_sdp *out;
    struct media now; /* the m-line that is open, if out->medias > 0 */
    struct place session_place;
    bool session_both_ways;
    bool chosen, in_clear, malformed;
    unsigned keys;
    enum ts_err err;
};

static void refuse(struct scan *s, enum ts_err err, const char *fault)
{
    if (s->err)
        return;
    s->err = err;
    s->out->fault = fault;
}

static bool is(struct ts_span s, const char *text)
{
    return s.n == strlen(text) &&
           strncasecmp((const char *)s.p, text, s.n) == 0;
}

/* Cut s behind its first sep; the whole of s when there is none. */
static struct ts_span cut(struct ts_span *s, char sep)
{
    const uint8_t *at = s->n ? memchr(s->p, sep, s->n) : NULL;
    struct ts_span head = {s->p, at ? (size_t)(at - s->p) : s->n};
    size_t used = at ? head.n + 1 : head.n;
    s->p += used;
    s->n -= used;
    return head;
}

/* A decimal number up to 65535, else -1. */
static int number(struct ts_span s)
{
    int value = 0;
    if (s.n == 0 || s.n > 5)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value <= 0xffff ? value : -1;
}

/* c=IN IP4 192.0.2.1 */
static struct place read_place(struct ts_span value)
{
    struct place place = {0};
    struct ts_span net = cut(&value, ' ');
    struct ts_span family = cut(&value, ' ');
    uint8_t addr[16];
    place.ipv6 = is(family, "IP6");
    if (!is(net, "IN") || (!place.ipv6 && !is(family, "IP4")) ||
        value.n >= sizeof(place.host) || memchr(value.p, 0, value.n))
        return place;
    memcpy(place.host, value.p, value.n);
    if (inet_pton(place.ipv6 ? AF_INET6 : AF_INET, place.host, addr) != 1)
        return place;
    bool multicast = place.ipv6 ? addr[0] == 0xff : addr[0] >= 224;
    bool nowhere = place.ipv6 ? IN6_IS_ADDR_UNSPECIFIED((struct in6_addr *)addr)
                              : addr[0] == 0;
    place.good = !multicast && !nowhere;
    return place;
}

/* The m-line that was open ends here: take it if it is the one. */
static void close_media(struct scan *s)
{
    const struct media *m = &s->now;
    struct ue_sdp *out = s->out;
    if (out->medias == 0 || !m->audio || m->port == 0)
        return;
    if (!m->protected)
        s->in_clear = true;
    if (!m->protected || s->chosen || m->pt < 0)
        return;
    if (!m->place.good)
        refuse(s, TS_E_MISSING, "no numeric unicast address for the audio");
    if (!m->both_ways)
        refuse(s, TS_E_UNSUPPORTED, "only calls in both directions");
    if (m->renamed)
        refuse(s, TS_E_FORMAT, "payload type 0 or 8 with another meaning");
    s->chosen = true;
    memcpy(out->host, m->place.host, sizeof(out->host));
    out->ipv6 = m->place.ipv6;
    out->port = m->port;
    out->pt = (uint8_t)m->pt;
    out->audio = out->medias - 1;
}

/* m=audio 49170 RTP/SAVP 0 8; another line may be anything, we refuse it */
static void open_media(struct scan *s, struct ts_span value)
{
    close_media(s);
    if (s->out->medias == UE_SDP_MEDIA_MAX) {
        refuse(s, TS_E_FULL, "too many media lines");
        return;
    }
    s->out->media[s->out->medias++] = value;
    bool audio = is(cut(&value, ' '), "audio");
    int port = number(cut(&value, ' '));
    struct ts_span profile = cut(&value, ' ');
    if (audio && (port < 0 || profile.n == 0 || value.n == 0))
        s->malformed = true;
    s->now = (struct media){
        .audio = audio,
        .protected = is(profile, "RTP/SAVP"),
        .port = port > 0 ? (uint16_t)port : 0,
        .pt = -1,
        .both_ways = s->session_both_ways,
        .place = s->session_place,
    };
    while (value.n && s->now.pt < 0) {
        int pt = number(cut(&value, ' '));
        if (pt == UE_PCMU || pt == UE_PCMA)
            s->now.pt = pt;
    }
}

/* mikey BASE64, with at most one space in front (RFC 4567 3.1) */
static void read_key(struct scan *s, struct ts_span value)
{
    if (s->out->medias) {
        refuse(s, TS_E_UNSUPPORTED, "key-mgmt at media level");
        return;
    }
    if (s->keys++) {
        refuse(s, TS_E_DUPLICATE, "more than one key-mgmt line");
        return;
    }
    if (value.n && value.p[0] == ' ')
        value = ts_span(value.p + 1, value.n - 1);
    s->out->key = value;
    struct ts_span protocol = cut(&value, ' ');
    if (!ts_span_equal(protocol, ts_span_str("mikey")))
        refuse(s, TS_E_UNSUPPORTED, "key-mgmt protocol other than mikey");
    else if (s->out->key.n >= UE_LINE_MAX)
        refuse(s, TS_E_RANGE, "key-mgmt line too long");
    else if (!mikey_sdp_is_base64(value))
        refuse(s, TS_E_FORMAT, "key-mgmt data is not base64");
}

/* rtpmap:0 PCMU/8000: the static types must keep their meaning */
static void read_rtpmap(struct scan *s, struct ts_span value)
{
    int pt = number(cut(&value, ' '));
    bool pcmu = is(value, "PCMU/8000") || is(value, "PCMU/8000/1");
    bool pcma = is(value, "PCMA/8000") || is(value, "PCMA/8000/1");
    if ((pt == UE_PCMU && !pcmu) || (pt == UE_PCMA && !pcma))
        s->now.renamed = true;
}

static void read_attribute(struct scan *s, struct ts_span value)
{
    struct ts_span name = cut(&value, ':');
    bool *both = s->out->medias ? &s->now.both_ways : &s->session_both_ways;
    if (is(name, "key-mgmt"))
        read_key(s, value);
    else if (is(name, "rtpmap"))
        read_rtpmap(s, value);
    else if (is(name, "sendrecv"))
        *both = true;
    else if (is(name, "sendonly") || is(name, "recvonly") ||
             is(name, "inactive"))
        *both = false;
}

/* One line without its end: a letter, '=', a value. */
static void read_line(struct scan *s, struct ts_span line, bool first)
{
    if (line.n < 2 || line.p[1] != '=' || memchr(line.p, 0, line.n)) {
        refuse(s, TS_E_FORMAT, "a line that is not SDP");
        return;
    }
    struct ts_span value = {line.p + 2, line.n - 2};
    char type = (char)line.p[0];
    if (first != (type == 'v') || (first && !is(value, "0")))
        refuse(s, TS_E_FORMAT, "does not begin with v=0");
    else if (type == 'c' && s->out->medias)
        s->now.place = read_place(value);
    else if (type == 'c')
        s->session_place = read_place(value);
    else if (type == 'm')
        open_media(s, value);
    else if (type == 'a')
        read_attribute(s, value);
}

enum ts_err ue_sdp_read_offer(struct ts_span text, struct ue_sdp *out)
{
    struct scan s = {.out = out, .session_both_ways = true};
    memset(out, 0, sizeof(*out));
    while (text.n && memchr("\r\n", text.p[text.n - 1], 2))
        text.n--; /* empty lines at the end say nothing */
    if (text.n == 0)
        refuse(&s, TS_E_MISSING, "no session description");
    for (bool first = true; text.n && !s.err; first = false) {
        struct ts_span line = cut(&text, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        read_line(&s, line, first);
    }
    close_media(&s);
    if (s.malformed && !s.chosen)
        refuse(&s, TS_E_FORMAT, "malformed media line");
    if (s.in_clear && !s.chosen)
        refuse(&s, TS_E_UNSUPPORTED, "audio without protection (RTP/AVP)");
    if (s.keys == 0)
        refuse(&s, TS_E_MISSING, "no key-mgmt line");
    if (!s.chosen)
        refuse(&s, TS_E_MISSING, "no audio line with RTP/SAVP and G.711");
    return s.err;
}

enum ts_err ue_sdp_read_answer(struct ts_span text, struct ue_sdp *out)
{
    enum ts_err err = ue_sdp_read_offer(text, out);
    if (err)
        return err;
    if (out->medias != 1) {
        out->fault = "answer does not have the media lines of the offer";
        return TS_E_MISMATCH;
    }
    return TS_OK;
}

/* Append formatted text. */
static void __attribute__((format(printf, 2, 3)))
put(struct ts_writer *w, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(line))
        ts_writer_fail(w, TS_E_SPACE);
    else
        ts_put(w, line, (size_t)n);
}

static void put_session(struct ts_writer *w, const struct ue_sdp_own *own)
{
    const char *family = own->ipv6 ? "IP6" : "IP4";
    put(w, "v=0\r\no=- %u 1 IN %s %s\r\ns=-\r\n", own->session, family,
        own->host);
    put(w, "c=IN %s %s\r\nt=0 0\r\na=key-mgmt:", family, own->host);
    ts_put_span(w, ts_span_str(own->key));
    put(w, "\r\n");
}

static void put_codec(struct ts_writer *w, int pt)
{
    put(w, "a=rtpmap:%d %s/8000\r\n", pt, pt == UE_PCMU ? "PCMU" : "PCMA");
}

enum ts_err ue_sdp_write_offer(const struct ue_sdp_own *own, char *out,
                               size_t cap, size_t *len)
{
    struct ts_writer w = ts_writer_init((uint8_t *)out, cap);
    put_session(&w, own);
    put(&w, "m=audio %u RTP/SAVP %d %d\r\n", own->port, UE_PCMU, UE_PCMA);
    put_codec(&w, UE_PCMU);
    put_codec(&w, UE_PCMA);
    put(&w, "a=ptime:20\r\na=sendrecv\r\n");
    *len = ts_written(&w).n;
    return w.err;
}

/* A token of a refused m-line; the offer may have left it out. */
static void put_token(struct ts_writer *w, struct ts_span token)
{
    ts_put_span(w, token.n ? token : ts_span_str("-"));
}

/* The m-line of the offer once more, with port 0: refused (RFC 3264 6). */
static void put_refused(struct ts_writer *w, struct ts_span media)
{
    struct ts_span kind = cut(&media, ' ');
    cut(&media, ' ');
    struct ts_span profile = cut(&media, ' ');
    put(w, "m=");
    put_token(w, kind);
    put(w, " 0 ");
    put_token(w, profile);
    put(w, " ");
    put_token(w, media);
    put(w, "\r\n");
}

enum ts_err ue_sdp_write_answer(const struct ue_sdp_own *own,
                                const struct ue_sdp *offer, char *out,
                                size_t cap, size_t *len)
{
    struct ts_writer w = ts_writer_init((uint8_t *)out, cap);
    put_session(&w, own);
    for (unsigned i = 0; i < offer->medias; i++) {
        if (i != offer->audio) {
            put_refused(&w, offer->media[i]);
            continue;
        }
        put(&w, "m=audio %u RTP/SAVP %d\r\n", own->port, offer->pt);
        put_codec(&w, offer->pt);
        put(&w, "a=ptime:20\r\na=sendrecv\r\n");
    }
    *len = ts_written(&w).n;
    return w.err;
}
