/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions: their lines, and which attribute keys which medium. */
#include "mikey/sdp.h"

struct mikey_sdp_walk mikey_sdp_walk_init(struct ts_span text)
{
    /* empty lines at the end say nothing */
    while (text.n && memchr("\r\n", text.p[text.n - 1], 2))
        text.n--;
    return (struct mikey_sdp_walk){.text = text, .level = MIKEY_SDP_SESSION};
}

/*
 * One line without its end. A lone CR is refused, since who takes it for the
 * end of a line sees other attributes than we do.
 */
static enum ts_err take_line(struct mikey_sdp_walk *w, struct ts_span *line)
{
    const bool first = w->next == 0;
    w->at = w->next;
    if (w->at == w->text.n)
        return first ? TS_E_MISSING : TS_E_EMPTY;
    const uint8_t *p = w->text.p + w->at;
    size_t left = w->text.n - w->at;
    const uint8_t *lf = memchr(p, '\n', left);
    size_t n = lf ? (size_t)(lf - p) : left;
    w->next += lf ? n + 1 : n;
    if (lf && n && p[n - 1] == '\r')
        n--;
    if (n > MIKEY_SDP_LINE_MAX)
        return TS_E_RANGE;
    if (n < 2 || p[0] < 'a' || p[0] > 'z' || p[1] != '=' || memchr(p, 0, n) ||
        memchr(p, '\r', n))
        return TS_E_FORMAT;
    *line = ts_span(p, n);
    if (first != (p[0] == 'v') || (first && (n != 3 || p[2] != '0')))
        return TS_E_FORMAT;
    return TS_OK;
}

/* Whether a line matters; only then is *out filled in. */
static enum ts_err sort_line(struct mikey_sdp_walk *w, struct ts_span line,
                             struct mikey_sdp_line *out, bool *matters)
{
    static const char name[] = "a=key-mgmt";
    const size_t n = sizeof name - 1;
    *matters = true;
    if (line.p[0] == 'm') {
        *out =
            (struct mikey_sdp_line){.is_media = true,
                                    .level = ++w->level,
                                    .at = w->at,
                                    .value = ts_span(line.p + 2, line.n - 2)};
        return TS_OK;
    }
    *matters = line.n >= n && memcmp(line.p, name, n) == 0 &&
               (line.n == n || line.p[n] == ':');
    if (!*matters)
        return TS_OK;
    if (line.n == n)
        return TS_E_FORMAT; /* a property has no value */
    *out = (struct mikey_sdp_line){.level = w->level,
                                   .at = w->at,
                                   .value =
                                       ts_span(line.p + n + 1, line.n - n - 1)};
    return mikey_sdp_split(out->value, &out->prot, &out->data);
}

enum ts_err mikey_sdp_next(struct mikey_sdp_walk *w,
                           struct mikey_sdp_line *line)
{
    bool matters = false;
    while (!w->err && !matters) {
        struct ts_span text;
        w->err = take_line(w, &text);
        if (!w->err)
            w->err = sort_line(w, text, line, &matters);
    }
    return w->err;
}

/* Cut s behind its first sep; the whole of s when there is none. */
static struct ts_span cut(struct ts_span *s, char sep)
{
    const uint8_t *at = s->n ? memchr(s->p, sep, s->n) : NULL;
    struct ts_span head = {s->p, at ? (size_t)(at - s->p) : s->n};
    size_t used = at ? head.n + 1 : head.n;
    *s = ts_span(s->p + used, s->n - used);
    return head;
}

/* A decimal number of up to five digits, up to 65535. */
static enum ts_err number(struct ts_span s, uint16_t *out)
{
    uint32_t value = 0;
    if (s.n == 0 || s.n > 5)
        return TS_E_FORMAT;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return TS_E_FORMAT;
        value = value * 10 + (uint32_t)(s.p[i] - '0');
    }
    *out = (uint16_t)value;
    return value <= 0xffff ? TS_OK : TS_E_FORMAT;
}

/*
 * The SRTP profiles that wait for keys from the signalling; those with TLS or
 * DTLS in their name bring their own. Case does not matter: a line that only
 * means to be secure shall not pass for one that is not.
 */
static bool is_secured(struct ts_span proto)
{
    static const char *const profiles[] = {
        "RTP/SAVP",      "RTP/SAVPF",      /* RFC 3711, RFC 5124 */
        "TCP/RTP/SAVP",  "TCP/RTP/SAVPF",  /* RFC 7850 */
        "DCCP/RTP/SAVP", "DCCP/RTP/SAVPF", /* RFC 5762 */
    };
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (ts_span_is(proto, profiles[i]))
            return true;
    return false;
}

/* audio 49170/2 RTP/SAVP 0 8: all that counts for us, and no more. */
static enum ts_err add_media(struct mikey_sdp *s,
                             const struct mikey_sdp_line *line)
{
    struct ts_span rest = line->value;
    uint16_t ports = 1;
    if (s->n_media == MIKEY_SDP_MEDIA_MAX)
        return TS_E_FULL;
    struct mikey_sdp_media *m = &s->media[s->n_media];
    *m = (struct mikey_sdp_media){.at = line->at, .first = s->n_attr};
    m->kind = cut(&rest, ' ');
    struct ts_span field = cut(&rest, ' ');
    bool several = field.n && memchr(field.p, '/', field.n);
    m->proto = cut(&rest, ' ');
    enum ts_err err = number(cut(&field, '/'), &m->port);
    if (!err && several)
        err = number(field, &ports);
    if (err || ports == 0 || m->kind.n == 0 || m->proto.n == 0 || rest.n == 0)
        return TS_E_FORMAT;
    m->secured = is_secured(m->proto);
    m->live = m->port != 0 || s->use != MIKEY_SDP_OFFER_ANSWER;
    s->n_media++;
    return TS_OK;
}

static enum ts_err add_attr(struct mikey_sdp *s,
                            const struct mikey_sdp_line *line)
{
    size_t n;
    (void)mikey_sdp_level(s, line->level, &n);
    if (n && s->use != MIKEY_SDP_OFFER_ANSWER)
        return TS_E_DUPLICATE;
    if (mikey_sdp_find(s, line->level, line->prot))
        return TS_E_DUPLICATE;
    if (s->n_attr == MIKEY_SDP_ATTR_MAX)
        return TS_E_FULL;
    s->attr[s->n_attr++] = (struct mikey_sdp_attr){
        line->level, line->at, line->value, line->prot, line->data};
    if (line->level == MIKEY_SDP_SESSION)
        s->n_session++;
    else
        s->media[line->level].n_attr++;
    return TS_OK;
}

enum ts_err mikey_sdp_scan(struct ts_span text, enum mikey_sdp_use use,
                           struct mikey_sdp *out, size_t *at)
{
    struct mikey_sdp_walk w = mikey_sdp_walk_init(text);
    struct mikey_sdp_line line;
    memset(out, 0, sizeof *out);
    out->use = use;
    enum ts_err err = mikey_sdp_next(&w, &line);
    while (!err) {
        err = line.is_media ? add_media(out, &line) : add_attr(out, &line);
        if (!err)
            err = mikey_sdp_next(&w, &line);
    }
    *at = w.at;
    if (err == TS_E_EMPTY)
        return TS_OK;
    out->n_session = out->n_attr = out->n_media = 0;
    return err;
}

const struct mikey_sdp_attr *mikey_sdp_level(const struct mikey_sdp *s,
                                             int level, size_t *n)
{
    size_t first = 0;
    *n = 0;
    if (level == MIKEY_SDP_SESSION) {
        *n = s->n_session;
    } else if (level >= 0 && level < s->n_media) {
        *n = s->media[level].n_attr;
        first = s->media[level].first;
    }
    return *n ? &s->attr[first] : NULL;
}

const struct mikey_sdp_attr *mikey_sdp_find(const struct mikey_sdp *s,
                                            int level, struct ts_span prot)
{
    size_t n;
    const struct mikey_sdp_attr *attr = mikey_sdp_level(s, level, &n);
    for (size_t i = 0; i < n; i++)
        if (ts_span_equal(attr[i].prot, prot))
            return &attr[i];
    return NULL;
}

bool mikey_sdp_counts(const struct mikey_sdp *s,
                      const struct mikey_sdp_attr *attr)
{
    return attr->level == MIKEY_SDP_SESSION ||
           (s->media[attr->level].secured && s->media[attr->level].live);
}

enum ts_err mikey_sdp_applies(const struct mikey_sdp *s, unsigned media,
                              struct ts_span prot,
                              const struct mikey_sdp_attr **attr)
{
    *attr = NULL;
    if (media >= s->n_media)
        return TS_E_RANGE;
    const struct mikey_sdp_media *m = &s->media[media];
    if (!m->secured || !m->live)
        return TS_E_EMPTY;
    int level = m->n_attr ? (int)media : MIKEY_SDP_SESSION;
    if (level == MIKEY_SDP_SESSION && s->n_session == 0)
        return TS_E_MISSING;
    *attr = mikey_sdp_find(s, level, prot);
    return *attr ? TS_OK : TS_E_UNSUPPORTED;
}

/* No medium that has key-mgmt is left without this protocol. */
static bool keys_all(const struct mikey_sdp *s, struct ts_span prot)
{
    const struct mikey_sdp_attr *attr;
    for (unsigned i = 0; i < s->n_media; i++)
        if (mikey_sdp_applies(s, i, prot, &attr) == TS_E_UNSUPPORTED)
            return false;
    return true;
}

enum ts_err mikey_sdp_choose(const struct mikey_sdp *s,
                             const struct ts_span *known, size_t n,
                             struct ts_span *prot)
{
    bool any = false;
    for (size_t i = 0; i < s->n_attr; i++) {
        if (!mikey_sdp_counts(s, &s->attr[i]))
            continue;
        any = true;
        for (size_t k = 0; k < n; k++) {
            if (ts_span_equal(s->attr[i].prot, known[k]) &&
                keys_all(s, known[k])) {
                *prot = s->attr[i].prot;
                return TS_OK;
            }
        }
    }
    return any ? TS_E_UNSUPPORTED : TS_E_MISSING;
}
