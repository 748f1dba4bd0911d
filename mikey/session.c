/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/session.h"

/* ---- policies ---- */

const struct mikey_sp *mikey_sps_find(const struct mikey_sps *set, uint8_t no)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->sp[i].no == no)
            return &set->sp[i];
    return NULL;
}

enum ts_err mikey_sps_judge(const struct mikey_sps *set,
                            const struct mikey_party *party,
                            enum mikey_side side, uint8_t no, uint8_t prot)
{
    const struct mikey_sp *sp = mikey_sps_find(set, no);
    struct mikey_srtp_policy p;
    if (!sp || sp->prot != prot)
        return TS_E_MISMATCH; /* R203 */
    if (set->ours[sp - set->sp] || prot != MIKEY_PROT_SRTP)
        return TS_OK;
    enum ts_err err = mikey_srtp_policy_read(sp, &p);
    if (err)
        return err;
    bool good = party->acceptable ? party->acceptable(party->arg, &p)
                                  : side == MIKEY_RESPONDER;
    return good ? TS_OK : TS_E_UNSUPPORTED; /* R85, R86 */
}

enum ts_err mikey_sps_write(const struct mikey_srtp_policy *policy,
                            const uint8_t *no, size_t n, struct ts_writer *w,
                            struct mikey_sp *sp)
{
    if (n > MIKEY_SP_MAX)
        return TS_E_RANGE;
    for (size_t i = 0; i < n; i++) {
        size_t from = w->len;
        mikey_srtp_policy_write(w, &policy[i]);
        if (w->err)
            return w->err;
        sp[i] = (struct mikey_sp){no ? no[i] : (uint8_t)i, MIKEY_PROT_SRTP,
                                  ts_span(w->buf + from, w->len - from)};
    }
    return TS_OK;
}

/* ---- sessions ---- */

/* An entry of a map; its Session Data go to data. */
static struct mikey_cs session_cs(const struct mikey_session *s,
                                  uint8_t data[static 10])
{
    const bool said = s->known && s->prot == MIKEY_PROT_SRTP;
    struct ts_writer w = ts_writer_init(data, 10);
    ts_put_u32(&w, s->ssrc);
    if (s->started) {
        ts_put_u32(&w, s->roc);
        ts_put_u16(&w, s->seq);
    }
    return (struct mikey_cs){
        .id = s->cs,
        .prot = s->prot,
        .s = said && s->started, /* R198 */
        .policies = s->policies,
        .session = said ? ts_written(&w) : ts_span(NULL, 0), /* R206 */
        .spi = s->spi,
    };
}

struct mikey_session mikey_cs_session(const struct mikey_cs *cs)
{
    const bool said = cs->session.n && cs->prot == MIKEY_PROT_SRTP;
    return (struct mikey_session){
        .cs = cs->id,
        .prot = cs->prot,
        .known = said,
        .started = said && cs->s,
        .ssrc = cs->ssrc,
        .roc = cs->roc,
        .seq = cs->seq,
        .policies = cs->policies,
        .spi = cs->spi,
    };
}

static void put_session(struct ts_writer *w, const struct mikey_session *s)
{
    uint8_t data[10];
    const struct mikey_cs cs = session_cs(s, data);
    if (s->cs == 0 || s->cs == 255)
        ts_writer_fail(w, TS_E_RANGE);
    mikey_put_cs(w, &cs);
}

struct ts_span mikey_put_sessions(struct ts_writer *w,
                                  const struct mikey_session *s, size_t n)
{
    size_t from = w->len;
    for (size_t i = 0; i < n && !w->err; i++)
        put_session(w, &s[i]);
    return ts_span(w->buf + from, w->len - from);
}

enum ts_err mikey_map_session(const struct mikey_hdr *hdr, size_t nth,
                              struct mikey_session *session)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    struct mikey_cs cs;
    if (hdr->map_type != MIKEY_MAP_GENERIC || nth >= hdr->n_cs)
        return TS_E_NOTFOUND;
    for (size_t i = 0; i <= nth; i++)
        if (mikey_cs_read(&r, &cs))
            return TS_E_INTERNAL; /* it was read before */
    *session = mikey_cs_session(&cs);
    return TS_OK;
}

/* ---- the map of an answer ---- */

/* R201: the first of the suggested policies that will do; none is left where
 * none will. */
static enum ts_err choose_policy(const struct mikey_answering *a,
                                 struct mikey_cs *cs)
{
    enum ts_err err = TS_OK;
    for (size_t i = 0; i < cs->policies.n; i++) {
        err = mikey_sps_judge(a->known, a->party, a->side, cs->policies.p[i],
                              cs->prot);
        if (err)
            continue;
        cs->policies = ts_span(cs->policies.p + i, 1); /* R68, R199 */
        return TS_OK;
    }
    cs->policies.n = 0;
    return err;
}

enum ts_err mikey_answering_judge(const struct mikey_answering *a)
{
    struct ts_reader map = ts_reader_span(a->offer->map);
    struct mikey_cs cs;
    enum ts_err err = TS_OK;
    for (unsigned i = 0; !err && i < a->offer->n_cs; i++) {
        err = mikey_cs_read(&map, &cs);
        if (!err)
            err = choose_policy(a, &cs);
    }
    return err;
}

/* What the session has already and the offer does not say again. */
static void complete(const struct mikey_answering *a, bool silent,
                     struct mikey_cs *cs)
{
    struct mikey_cs old;
    if (!a->old || mikey_cs_find(a->old, cs->id, &old) || old.prot != cs->prot)
        return;
    if (silent)
        cs->policies = old.policies; /* R200 */
    if (cs->session.n == 0) {
        cs->session = old.session; /* R69, R205 */
        cs->s = old.s;
    }
    if (cs->spi.n == 0)
        cs->spi = old.spi; /* R69, R208 */
}

/* What we say of a session takes the place of what was offered. */
static void apply(struct ts_writer *w, const struct mikey_session *s,
                  uint8_t data[static 10], struct mikey_cs *cs)
{
    const struct mikey_cs ours = session_cs(s, data);
    if (ours.policies.n > 1)
        ts_writer_fail(w, TS_E_RANGE); /* R199 */
    if (ours.policies.n)
        cs->policies = ours.policies; /* R202 */
    if (ours.session.n) {
        cs->session = ours.session; /* R69, R70 */
        cs->s = ours.s;
    }
    if (ours.spi.n)
        cs->spi = ours.spi; /* R70 */
}

static const struct mikey_session *find_ours(const struct mikey_answering *a,
                                             uint8_t id)
{
    for (size_t i = 0; i < a->n_ours; i++)
        if (a->ours[i].cs == id)
            return &a->ours[i];
    return NULL;
}

static void put_answered(struct ts_writer *w, const struct mikey_answering *a,
                         struct mikey_cs *cs)
{
    uint8_t data[10];
    const struct mikey_session *s = find_ours(a, cs->id);
    const bool silent = cs->policies.n == 0;
    (void)choose_policy(a, cs); /* what is missing then is found later */
    complete(a, silent, cs);
    if (s)
        apply(w, s, data, cs);
    if (cs->spi.n == 0)
        cs->spi = a->spi; /* R69, R208 */
    mikey_put_cs(w, cs);
}

/* R71: a session that nobody offered. */
static void put_added(struct ts_writer *w, const struct mikey_answering *a,
                      const struct mikey_session *s)
{
    struct mikey_session added = *s;
    if (added.spi.n == 0)
        added.spi = a->spi;
    if (added.policies.n > 1)
        ts_writer_fail(w, TS_E_RANGE); /* R199 */
    put_session(w, &added);
}

struct ts_span mikey_put_answer(struct ts_writer *w,
                                const struct mikey_answering *a, unsigned *n)
{
    struct ts_reader map = ts_reader_span(a->offer->map);
    struct mikey_cs cs;
    size_t from = w->len;
    for (*n = 0; *n < a->offer->n_cs && !mikey_cs_read(&map, &cs); ++*n)
        put_answered(w, a, &cs);
    for (size_t i = 0; i < a->n_ours && !w->err; i++) {
        if (mikey_cs_find(a->offer, a->ours[i].cs, &cs) == TS_OK)
            continue;
        put_added(w, a, &a->ours[i]);
        ++*n;
    }
    if (*n > 255)
        ts_writer_fail(w, TS_E_RANGE);
    return ts_span(w->buf + from, w->len - from);
}
