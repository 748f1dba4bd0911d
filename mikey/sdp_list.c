/* SPDX-License-Identifier: Apache-2.0 */
/* What a message must say about its level: ids and crypto sessions. */
#include "base/writer.h"
#include "mikey/sdp.h"

/* Close a list with a NUL, which is not part of it. */
static enum ts_err end_list(struct ts_writer *w)
{
    ts_put_u8(w, 0);
    return w->err;
}

static void put_prot(struct ts_writer *w, struct ts_span prot, bool first)
{
    if (!first)
        ts_put_u8(w, ';');
    ts_put_span(w, prot);
}

enum ts_err mikey_sdp_list_make(const struct ts_span *prot, size_t n, char *out,
                                size_t cap)
{
    struct ts_writer w = ts_writer_init((uint8_t *)out, cap);
    if (n == 0)
        return TS_E_EMPTY;
    if (n > MIKEY_SDP_ATTR_MAX)
        return TS_E_FULL;
    for (size_t i = 0; i < n; i++) {
        if (!mikey_sdp_is_prot(prot[i]))
            return TS_E_FORMAT;
        for (size_t k = 0; k < i; k++)
            if (ts_span_equal(prot[i], prot[k]))
                return TS_E_DUPLICATE;
        put_prot(&w, prot[i], i == 0);
    }
    return end_list(&w);
}

enum ts_err mikey_sdp_list(const struct mikey_sdp *s, int level, char *out,
                           size_t cap)
{
    struct ts_writer w = ts_writer_init((uint8_t *)out, cap);
    size_t n;
    const struct mikey_sdp_attr *attr = mikey_sdp_level(s, level, &n);
    for (size_t i = 0; i < n; i++)
        put_prot(&w, attr[i].prot, i == 0);
    return n ? end_list(&w) : TS_E_EMPTY;
}

/* The list begins with this id; the id, and the ';' before it, is cut off. */
static bool take_prot(struct ts_span *list, struct ts_span prot, bool first)
{
    size_t skip = first ? 0 : 1;
    if (list->n < skip + prot.n || (skip && list->p[0] != ';') ||
        memcmp(list->p + skip, prot.p, prot.n) != 0)
        return false;
    *list = ts_span(list->p + skip + prot.n, list->n - skip - prot.n);
    return true;
}

enum ts_err mikey_sdp_list_check(const struct mikey_sdp *s, int level,
                                 struct ts_span ids,
                                 enum mikey_sdp_list_policy policy)
{
    size_t n;
    const struct mikey_sdp_attr *attr = mikey_sdp_level(s, level, &n);
    if (!ids.p)
        return policy == MIKEY_SDP_LIST_MAY_MISS ? TS_OK : TS_E_MISSING;
    for (size_t i = 0; i < n; i++)
        if (!take_prot(&ids, attr[i].prot, i == 0))
            return TS_E_MISMATCH;
    return n && ids.n == 0 ? TS_OK : TS_E_MISMATCH;
}

/* CS IDs of the medium with this many secured ones before it: at most
   2 * MIKEY_SDP_MEDIA_MAX, which fits an octet. */
static uint8_t first_of(unsigned before)
{
    return (uint8_t)(2 * before + 1);
}

enum ts_err mikey_sdp_cs(const struct mikey_sdp *s, int level, unsigned media,
                         uint8_t *first)
{
    unsigned before = 0;
    if (media >= s->n_media ||
        (level != MIKEY_SDP_SESSION && level != (int)media))
        return TS_E_RANGE;
    if (!s->media[media].secured)
        return TS_E_EMPTY;
    for (unsigned i = 0; level == MIKEY_SDP_SESSION && i < media; i++)
        before += s->media[i].secured;
    *first = first_of(before);
    return TS_OK;
}

enum ts_err mikey_sdp_cs_media(const struct mikey_sdp *s, int level, uint8_t cs,
                               unsigned *media, bool *initiator_sends)
{
    uint8_t first;
    for (unsigned i = 0; i < s->n_media; i++) {
        if (mikey_sdp_cs(s, level, i, &first) ||
            (cs != first && cs != first + 1))
            continue;
        *media = i;
        *initiator_sends = cs == first;
        return TS_OK;
    }
    return TS_E_NOTFOUND;
}

/* Whether a message at this level has to have crypto sessions for a medium. */
static bool must_key(const struct mikey_sdp *s, int level, unsigned media)
{
    const struct mikey_sdp_media *m = &s->media[media];
    return m->live && (level == (int)media || m->n_attr == 0);
}

enum ts_err mikey_sdp_cs_check(const struct mikey_sdp *s, int level,
                               const uint8_t *cs, size_t n)
{
    bool seen[256] = {false};
    unsigned media;
    bool initiator_sends;
    uint8_t first;
    for (size_t i = 0; i < n; i++) {
        if (mikey_sdp_cs_media(s, level, cs[i], &media, &initiator_sends))
            return TS_E_NOTFOUND;
        if (seen[cs[i]])
            return TS_E_DUPLICATE;
        seen[cs[i]] = true;
    }
    for (media = 0; media < s->n_media; media++) {
        if (mikey_sdp_cs(s, level, media, &first))
            continue;
        bool both = seen[first] && seen[first + 1];
        bool none = !seen[first] && !seen[first + 1];
        if (!both && (!none || must_key(s, level, media)))
            return TS_E_MISSING;
    }
    return TS_OK;
}
