/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Responder of <mikey/rfc3830.h>: offers and updates are verified before
 * anybody hears of them, then answered or refused.
 */
#include "mikey/peer_state.h"

/* ---- looking ---- */

/* 3.1, 3.2: what comes from an Initiator. */
static bool is_init(const struct mikey_msg *m)
{
    return m->hdr.type == MIKEY_PSK || m->hdr.type == MIKEY_PK;
}

enum ts_err mikey_peer_names(struct ts_span message, struct mikey_id *from,
                             struct mikey_id *to)
{
    struct mikey_msg m;
    struct mikey_form f;
    *from = *to = (struct mikey_id){0};
    enum ts_err err = mikey_msg_read(message, &m, NULL);
    if (!err && !is_init(&m))
        err = TS_E_UNKNOWN;
    if (!err) /* without a RAND it is an update */
        err = mikey_classic_check(&m, !m.rand[0].p, &f, NULL);
    if (err)
        return err;
    *from = f.id_i;
    *to = f.id_r;
    return TS_OK;
}

/* ---- verifying ---- */

/* What a message is judged by, and what came of it. */
struct heard {
    struct mikey_round round;
    struct ts_key env_key;
    struct mikey_name from; /* n is 0 for nobody */
    size_t n_keys;
    uint8_t no; /* for an Error message */
};

/* 4.5, 6.3: an update is of its bundle's method, but for a cached envelope
 * key, of which there is one to a bundle. */
static enum ts_err check_method(const struct mikey_peer *p,
                                const struct mikey_round *round)
{
    const struct mikey_msg *m = &round->init;
    const bool pk = m->hdr.type == MIKEY_PK;
    if (p->up && pk && round->first.hdr.type == MIKEY_PSK)
        return TS_E_ORDER;
    if (pk && m->has_pke && m->pke.c > MIKEY_CACHE_CSB)
        return TS_E_UNKNOWN;
    if (p->up && pk && m->has_pke && m->pke.c != MIKEY_CACHE_NO)
        return TS_E_UNSUPPORTED;
    return pk && !p->party->verifier ? TS_E_UNSUPPORTED : TS_OK;
}

/* A certificate is for a name of one type: who has one for an address of mail
 * that reads like a URI is not whom that URI names. */
static bool is_of_type(const struct heard *h, const struct mikey_id *claimed)
{
    const struct mikey_id *peer = &h->round.x.id_i;
    return h->round.init.hdr.type != MIKEY_PK || !claimed->data.p ||
           !peer->data.p || claimed->type == peer->type;
}

/* 5.3: first what costs nothing. */
static enum ts_err check(const struct mikey_peer *p,
                         const struct mikey_now *now, struct heard *h)
{
    const struct mikey_msg *m = &h->round.init;
    struct mikey_form f;
    h->no = MIKEY_ERR_DT;
    if (!is_init(m))
        return TS_E_UNKNOWN;
    enum ts_err err = check_method(p, &h->round);
    if (err)
        return err;
    err = mikey_classic_check(m, p->up, &f, &h->no);
    if (err)
        return err;
    h->no = MIKEY_ERR_ID;
    if (!is_of_type(h, &f.id_i))
        return TS_E_MISMATCH;
    h->no = MIKEY_ERR_TS;
    err = mikey_now_check(now, p->party->skew ? p->party->skew : MIKEY_SKEW,
                          m->t, p->up);
    if (!err && p->up && !mikey_time_alike(m->t, p->last))
        err = TS_E_TIME;
    if (!err && p->up && !mikey_time_later(m->t, p->last))
        err = TS_E_REPLAY; /* and its IV would come twice */
    return err ? err : mikey_classic_algs(m, h->round.x.allow, &h->no);
}

static enum ts_err open_psk(struct heard *h, struct mikey_id *who)
{
    const struct mikey_round *round = &h->round;
    struct mikey_keys keys;
    struct mikey_form f = {0};
    enum ts_err err = mikey_classic_psk_open(&round->x, &round->init, &keys);
    h->n_keys = keys.n;
    mikey_keys_wipe(&keys);
    if (!err)
        err = mikey_classic_check(&round->init, round->x.first, &f, NULL);
    *who = f.id_i.data.p ? f.id_i : round->x.id_i;
    return err;
}

static enum ts_err open_pk(const struct mikey_peer *p,
                           const struct mikey_now *now, struct heard *h,
                           struct mikey_id *who)
{
    const struct mikey_classic_pk pk = {p->party->verifier, p->party->opener,
                                        now->us / 1000000};
    struct mikey_classic_opened o;
    enum ts_err err =
        mikey_classic_pk_open(&h->round.x, &h->round.init, &pk, &o);
    *who = o.who;
    h->n_keys = o.keys.n;
    h->env_key = o.env_key;
    mikey_classic_wipe(&o);
    return err;
}

/* The number for an Error about a message that does not verify. */
static uint8_t error_no(enum ts_err err)
{
    switch (err) {
    case TS_E_AUTH:
        return MIKEY_ERR_AUTH;
    case TS_E_MISMATCH:
        return MIKEY_ERR_ID;
    case TS_E_EXPIRED:
    case TS_E_NOTFOUND: /* no such key of ours: CHASH */
        return MIKEY_ERR_CERT;
    default:
        return MIKEY_ERR_UNSPECIFIED;
    }
}

/* Verify: p is not changed. */
static enum ts_err hear(const struct mikey_peer *p, const struct mikey_now *now,
                        struct ts_span message, struct heard *h)
{
    struct mikey_id who = {0};
    h->no = MIKEY_ERR_UNSPECIFIED;
    if (message.n > p->init.cap)
        return TS_E_SPACE;
    enum ts_err err =
        mikey_round_begin(p, message, false, &h->env_key, &h->round);
    if (!p->up) /* not the one whose offer may be waiting */
        h->round.x.id_i = p->party->peer;
    if (!err)
        err = check(p, now, h);
    if (err)
        return err;
    err = h->round.init.hdr.type == MIKEY_PK ? open_pk(p, now, h, &who)
                                             : open_psk(h, &who);
    if (!err && who.data.p)
        err = mikey_name_set(&h->from, who);
    if (err)
        h->no = error_no(err);
    return err;
}

/* Now it may take the place of what waited before; h's views are not used any
 * more. */
static enum ts_err keep(struct mikey_peer *p, struct ts_span message,
                        const struct heard *h)
{
    enum ts_err err = mikey_buf_set(&p->init, message);
    if (err)
        return err;
    p->wait_env = h->env_key;
    p->asking = h->from;
    p->step = MIKEY_STEP_TAKEN;
    return TS_OK;
}

static enum ts_err tell(const struct mikey_peer *p, const struct heard *h,
                        struct mikey_proposal *to)
{
    struct mikey_msg m;
    if (mikey_msg_read(mikey_buf_span(&p->init), &m, NULL))
        return TS_E_INTERNAL;
    *to = (struct mikey_proposal){
        .from = mikey_peer_id(p),
        .certified = m.hdr.type == MIKEY_PK,
        .wants_answer = m.hdr.v,
        .bits = mikey_suite_prf(m.hdr.prf)->bits,
        .csb = m.hdr.csb,
        .t = m.t,
        .map = m.hdr.map_type,
        .n_sessions = m.hdr.n_cs,
        .n_policies = m.n_sp,
        .n_keys = h->n_keys,
        .sdp_ids = m.sdp_ids,
    };
    return TS_OK;
}

static enum ts_err take(struct mikey_peer *p, const struct mikey_now *now,
                        struct ts_span message, struct mikey_proposal *proposal,
                        uint8_t *error)
{
    struct heard h = {.from.n = 0};
    enum ts_err err = hear(p, now, message, &h);
    if (!err)
        err = keep(p, message, &h);
    if (!err)
        err = tell(p, &h, proposal);
    ts_key_wipe(&h.env_key);
    if (error)
        *error = h.no;
    return err;
}

enum ts_err mikey_peer_offered(struct mikey_peer *p,
                               const struct mikey_now *now,
                               struct ts_span message,
                               struct mikey_proposal *proposal, uint8_t *error)
{
    if (error)
        *error = MIKEY_ERR_UNSPECIFIED;
    if (p->up || p->step == MIKEY_STEP_SENT)
        return TS_E_STATE;
    return take(p, now, message, proposal, error);
}

enum ts_err mikey_peer_updated(struct mikey_peer *p,
                               const struct mikey_now *now,
                               struct ts_span message,
                               struct mikey_proposal *proposal, uint8_t *error)
{
    if (error)
        *error = MIKEY_ERR_UNSPECIFIED;
    if (!p->up || p->ours)
        return TS_E_STATE;
    return take(p, now, message, proposal, error);
}

/* ---- what was taken ---- */

static enum ts_err read_taken(const struct mikey_peer *p, struct mikey_msg *m)
{
    if (p->step != MIKEY_STEP_TAKEN)
        return TS_E_STATE;
    return mikey_msg_read(mikey_buf_span(&p->init), m, NULL);
}

enum ts_err mikey_peer_proposed_session(const struct mikey_peer *p, size_t nth,
                                        struct mikey_session *session)
{
    struct mikey_msg m;
    enum ts_err err = read_taken(p, &m);
    return err ? err : mikey_peer_nth(&m.hdr, nth, session);
}

enum ts_err mikey_peer_proposed_policy(const struct mikey_peer *p, uint8_t no,
                                       struct mikey_srtp_policy *policy)
{
    struct mikey_msg m;
    struct mikey_force f;
    enum ts_err err = read_taken(p, &m);
    if (!err)
        err = mikey_force_policies(p, &m, &f);
    return err ? err : mikey_classic_sp(f.sp, f.n_sp, no, policy);
}

/* ---- the answer ---- */

static const struct mikey_session *find(const struct mikey_session *s, size_t n,
                                        uint8_t cs)
{
    for (size_t i = 0; i < n; i++)
        if (s[i].cs == cs)
            return &s[i];
    return NULL;
}

/* 6.1.1: SSRC and ROC of a session that has none. */
static enum ts_err put_srtp_id(struct ts_writer *w, const struct mikey_cs *cs,
                               const struct mikey_session *s)
{
    uint32_t ssrc = cs->ssrc, roc = cs->roc;
    if (s && s->known && ssrc == 0) {
        ssrc = s->ssrc;
        roc = s->started ? s->roc : roc;
    }
    if (ssrc == 0)
        return TS_E_MISSING;
    if (s && s->known && s->ssrc != ssrc)
        return TS_E_MISMATCH;
    mikey_put_srtp_id(w, cs->policies.p[0], ssrc, roc);
    return w->err;
}

/* The first of the suggested policies that will do. */
static void choose_policy(const struct mikey_peer_party *y,
                          const struct mikey_force *f, struct mikey_cs *cs)
{
    struct mikey_srtp_policy policy;
    for (size_t i = 0; i < cs->policies.n; i++) {
        uint8_t no = cs->policies.p[i];
        if (cs->prot == MIKEY_PROT_SRTP &&
            !mikey_classic_sp(f->sp, f->n_sp, no, &policy) &&
            (!y->acceptable || y->acceptable(y->arg, &policy))) {
            cs->policies = ts_span(cs->policies.p + i, 1);
            return;
        }
    }
}

/* RFC 6043 6.1.1: all but CS ID and protocol may be the Responder's. */
static enum ts_err put_generic(struct ts_writer *w,
                               const struct mikey_cs *offered,
                               struct mikey_cs *cs,
                               const struct mikey_session *s)
{
    uint8_t data[10];
    if (s) {
        struct mikey_cs ours = mikey_session_cs(s, data);
        ours.prot = cs->prot; /* which is not ours to choose */
        enum ts_err err = mikey_peer_chosen(offered, &ours);
        if (err)
            return err;
        if (ours.policies.n)
            cs->policies = ours.policies;
        if (ours.session.n) {
            cs->session = ours.session;
            cs->s = ours.s;
        }
        if (ours.spi.n)
            cs->spi = ours.spi;
    }
    if (cs->prot == MIKEY_PROT_SRTP && cs->session.n == 0)
        return TS_E_MISSING;
    mikey_put_cs(w, cs);
    return w->err;
}

static enum ts_err put_map(const struct mikey_peer *p,
                           const struct mikey_msg *m,
                           const struct mikey_session *s, size_t n,
                           struct ts_writer *w)
{
    const bool generic = m->hdr.map_type == MIKEY_MAP_GENERIC;
    struct ts_reader r = ts_reader_span(m->hdr.map);
    struct mikey_force f;
    struct mikey_cs cs;
    enum ts_err err = mikey_force_policies(p, m, &f);
    for (size_t i = 0; !err && i < n; i++)
        err = mikey_classic_cs(&m->hdr, s[i].cs, &cs);
    for (unsigned i = 0; !err && i < m->hdr.n_cs; i++) {
        err = mikey_map_next(&m->hdr, i, &r, &cs);
        if (err)
            break;
        const struct mikey_session *ours = find(s, n, cs.id);
        const struct mikey_cs offered = cs;
        if (generic)
            choose_policy(p->party, &f, &cs);
        err = generic ? put_generic(w, &offered, &cs, ours)
                      : put_srtp_id(w, &cs, ours);
    }
    return err;
}

/* The R_MESSAGE; resp is read back from it. */
static enum ts_err write_answer(struct mikey_peer *p,
                                const struct mikey_round *round,
                                const struct mikey_session *s, size_t n,
                                struct ts_writer *w, struct mikey_msg *resp)
{
    const struct mikey_peer_party *y = p->party;
    struct ts_writer map = mikey_buf_writer(&p->spare);
    struct mikey_id id_r = y->self;
    if (y->omit & 1u << MIKEY_IDR_R)
        id_r = (struct mikey_id){0};
    enum ts_err err = put_map(p, &round->init, s, n, &map);
    if (err)
        return err;
    mikey_build_classic_resp(w, &round->x, &round->init, id_r,
                             ts_written(&map));
    return w->err ? w->err : mikey_msg_read(ts_written(w), resp, NULL);
}

enum ts_err mikey_peer_answer(struct mikey_peer *p,
                              const struct mikey_session *session,
                              size_t n_sessions, uint8_t *out, size_t cap,
                              size_t *n)
{
    struct mikey_round round;
    struct mikey_msg resp;
    struct mikey_force f;
    struct ts_writer w = ts_writer_init(out, cap);
    enum ts_err err = TS_OK;
    *n = 0;
    if (p->step != MIKEY_STEP_TAKEN)
        return TS_E_STATE;
    if (mikey_round_begin(p, mikey_buf_span(&p->init), false, &p->wait_env,
                          &round))
        return TS_E_INTERNAL;
    const bool wanted = round.init.hdr.v;
    mikey_force_none(&f);
    if (wanted)
        err = write_answer(p, &round, session, n_sessions, &w, &resp);
    if (!err)
        err = mikey_force_of(p, &round, wanted ? &resp.hdr : &round.init.hdr,
                             true, &f);
    if (!err) {
        mikey_peer_take(p, &round, &f);
        *n = w.len;
    }
    mikey_force_wipe(&f);
    return err;
}

/* ---- Error ---- */

/* Never an Error about an Error, or about an answer: two could go on for ever.
 */
static bool is_question(uint8_t type)
{
    switch (type) {
    case MIKEY_PSK_VERIFY:
    case MIKEY_PK_VERIFY:
    case MIKEY_DH_RESP:
    case MIKEY_ERROR:
    case MIKEY_DHHMAC_RESP:
    case MIKEY_RSA_R_R:
        return false;
    default:
        return true;
    }
}

/* Under a MAC if x is there. */
static enum ts_err
write_error(const struct mikey_msg *m, const struct mikey_classic *x,
            const struct mikey_now *now, struct mikey_classic_error_new in,
            const struct mikey_srtp_policy *policy, struct ts_writer *w)
{
    uint8_t params[1024];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    if (!is_question(m->hdr.type))
        return TS_E_STATE;
    enum ts_err err = mikey_sps_write(policy, NULL, in.n_sp, &params_w, sp);
    if (err)
        return err == TS_E_SPACE ? TS_E_RANGE : err;
    in.about = &m->hdr;
    in.t = m->has_t ? m->t : mikey_now_t(now);
    in.sp = sp;
    if (x && x->secret.n) {
        in.x = x;
        in.init = m;
    }
    mikey_build_classic_error(w, &in);
    return w->err;
}

enum ts_err mikey_peer_refuse(struct mikey_peer *p, const struct mikey_now *now,
                              struct ts_span message, const uint8_t *no,
                              size_t n_no,
                              const struct mikey_srtp_policy *policy,
                              size_t n_policies, uint8_t *out, size_t cap,
                              size_t *n)
{
    const struct mikey_classic_error_new in = {
        .no = no, .n_no = n_no, .n_sp = n_policies};
    const bool taken = message.n == 0;
    struct mikey_round round;
    struct ts_writer w = ts_writer_init(out, cap);
    bool hdr_ok = true;
    enum ts_err err = TS_OK;
    if (n_no == 0 || n_no > MIKEY_ERR_MAX)
        return TS_E_RANGE;
    if (taken && p->step != MIKEY_STEP_TAKEN)
        return TS_E_STATE;
    if (taken)
        err = mikey_round_begin(p, mikey_buf_span(&p->init), false,
                                &p->wait_env, &round);
    else
        err = mikey_msg_read(message, &round.init, &hdr_ok);
    if (!hdr_ok)
        return err; /* its payloads may be as they like */
    err =
        write_error(&round.init, taken ? &round.x : NULL, now, in, policy, &w);
    if (err)
        return err;
    *n = w.len;
    if (taken && p->up)
        p->last = round.init.t; /* what was refused shall not come again */
    if (taken)
        mikey_peer_drop(p);
    return TS_OK;
}
