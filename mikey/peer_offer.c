/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Initiator of <mikey/rfc3830.h>: offers and updates, and their answers.
 */
#include "mikey/peer_state.h"

/* ---- keys ---- */

/* Keys with all their octets: those given, those drawn. */
struct fresh {
    size_t n, used;
    struct mikey_key k[MIKEY_KEYS_MAX];
    uint8_t drawn[MIKEY_KEYS_BYTES];
};

static enum ts_err draw(const struct mikey_peer *p, uint8_t *buf, size_t n)
{
    return p->party->random(p->party->arg, buf, n);
}

static enum ts_err fill(const struct mikey_peer *p, struct fresh *f,
                        struct ts_span *s, size_t usual)
{
    size_t n = s->n ? s->n : usual;
    if (s->p)
        return TS_OK;
    if (n > TS_KEY_MAX || n > sizeof f->drawn - f->used)
        return TS_E_RANGE;
    *s = ts_span(f->drawn + f->used, n);
    f->used += n;
    return draw(p, f->drawn + f->used - n, n);
}

/* The first policy of ours, or that of the first session in force. */
static struct mikey_srtp_policy policy_of_first(const struct mikey_peer *p,
                                                const struct mikey_terms *t)
{
    const struct mikey_force *f = &p->force;
    struct ts_reader r = ts_reader_span(f->map.map);
    struct mikey_srtp_policy policy;
    struct mikey_cs cs;
    if (t->n_policies)
        return t->policy[0];
    if (f->map.n_cs && !mikey_map_next(&f->map, 0, &r, &cs) &&
        !mikey_classic_sp(f->sp, f->n_sp, cs.policies.n ? cs.policies.p[0] : 0,
                          &policy))
        return policy;
    return mikey_srtp_usual(mikey_suite_bits(128));
}

/* Those in force, where the other one may have others. A TGK that is drawn is
 * as long as the suite is strong, a TEK and a salt as SRTP uses them
 * in the first session. */
static enum ts_err fill_keys(const struct mikey_peer *p,
                             const struct mikey_suite *suite,
                             const struct mikey_terms *t, bool first,
                             struct fresh *f)
{
    static const struct mikey_key one = {.type = MIKEY_TGK};
    const struct mikey_srtp_policy usual = policy_of_first(p, t);
    const struct mikey_keys *again = &p->force.keys;
    f->used = 0;
    if (p->unsure && t->n_keys == 0) {
        f->n = again->n;
        memcpy(f->k, again->k, again->n * sizeof again->k[0]);
        return TS_OK;
    }
    f->n = t->n_keys || !first ? t->n_keys : 1;
    if (f->n > MIKEY_KEYS_MAX)
        return TS_E_RANGE;
    enum ts_err err = TS_OK;
    for (size_t i = 0; !err && i < f->n; i++) {
        struct mikey_key *k = &f->k[i];
        *k = t->n_keys ? t->keys[i] : one;
        bool tek = k->type == MIKEY_TEK || k->type == MIKEY_TEK_SALT;
        bool salt = k->type == MIKEY_TGK_SALT || k->type == MIKEY_TEK_SALT;
        if (k->spi.n && k->kv == MIKEY_KV_NULL)
            k->kv = MIKEY_KV_SPI;
        err = fill(p, f, &k->key, tek ? usual.encr_key : suite->encr_key);
        if (!err && salt)
            err = fill(p, f, &k->salt, usual.salt);
    }
    return err;
}

/* The keys in force that sessions name, where the other one may have another
 * of that SPI. */
static enum ts_err repeat_keys(const struct mikey_keys *from,
                               const struct mikey_hdr *map, struct fresh *f)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct mikey_key *k = &from->k[i];
        bool again = k->spi.n && mikey_map_names(map, k->spi);
        for (size_t j = 0; again && j < f->n; j++)
            again = !ts_span_equal(f->k[j].spi, k->spi);
        if (again && f->n == MIKEY_KEYS_MAX)
            return TS_E_SPACE;
        if (again)
            f->k[f->n++] = *k;
    }
    return TS_OK;
}

/* ---- sessions ---- */

/* What an entry of an SRTP-ID map cannot say would be lost. */
static bool fits_srtp_id(const struct mikey_session *s, size_t nth)
{
    return (s->cs == 0 || s->cs == nth + 1) && s->prot == MIKEY_PROT_SRTP &&
           s->policies.n <= 1 && s->spi.n == 0;
}

static enum ts_err put_session(struct ts_writer *w, uint8_t type,
                               const struct mikey_session *s, size_t nth)
{
    uint8_t data[10];
    if (type == MIKEY_MAP_GENERIC) {
        const struct mikey_cs cs = mikey_session_cs(s, data);
        mikey_put_cs(w, &cs);
        return w->err;
    }
    if (type != MIKEY_MAP_SRTP || !fits_srtp_id(s, nth))
        return TS_E_RANGE;
    mikey_put_srtp_id(w, s->policies.n ? s->policies.p[0] : 0,
                      s->known ? s->ssrc : 0, s->started ? s->roc : 0);
    return w->err;
}

static enum ts_err put_map(struct ts_writer *w, uint8_t type,
                           const struct mikey_terms *t)
{
    if (t->n_sessions > 254 || type > MIKEY_MAP_GENERIC)
        return TS_E_RANGE;
    enum ts_err err = TS_OK;
    for (size_t i = 0; !err && i < t->n_sessions; i++)
        err = put_session(w, type, &t->session[i], i);
    return err == TS_E_SPACE ? TS_E_RANGE : err;
}

/* ---- building ---- */

/* 4.5: an envelope key that is cached is the PSK of updates. */
static bool is_pk(const struct mikey_peer *p, const struct mikey_msg *first)
{
    if (!first)
        return p->party->signer;
    return first->hdr.type == MIKEY_PK && first->pke.c == MIKEY_CACHE_NO;
}

static enum ts_err choose_secret(const struct mikey_peer *p,
                                 const struct mikey_msg *first,
                                 struct ts_key *env_key,
                                 struct mikey_classic_new *in)
{
    const struct mikey_peer_party *y = p->party;
    if (is_pk(p, first)) {
        env_key->len = in->suite->encr_key;
        in->secret = ts_key_span(env_key);
        return draw(p, env_key->b, env_key->len);
    }
    in->secret = first && first->hdr.type == MIKEY_PK ? ts_key_span(&p->env_key)
                                                      : y->psk;
    if (in->secret.n)
        return TS_OK;
    if (y->signer || y->verifier || !(y->allow & MIKEY_ALLOW_NULL))
        return TS_E_DENIED;
    in->encr = MIKEY_ENCR_NULL;
    in->mac = MIKEY_AUTH_NULL;
    in->allow = MIKEY_ALLOW_NULL;
    return TS_OK;
}

/* CSB ID and RAND: the caller's, for a group, or new ones. */
static enum ts_err choose_rand(const struct mikey_peer *p,
                               const struct mikey_terms *t,
                               uint8_t rand[static MIKEY_RAND_LEN],
                               struct mikey_classic_new *in)
{
    uint8_t csb[4];
    enum ts_err err = TS_OK;
    in->csb = t->csb;
    in->rand = t->rand;
    if (t->rand.n > 255)
        return TS_E_RANGE;
    if (t->csb == 0) {
        err = draw(p, csb, sizeof csb);
        struct ts_reader r = ts_reader_init(csb, sizeof csb);
        in->csb = ts_get_u32(&r);
    }
    if (!err && t->rand.n == 0) {
        in->rand = ts_span(rand, MIKEY_RAND_LEN);
        err = draw(p, rand, MIKEY_RAND_LEN);
    }
    return err;
}

/* Whether T has to be later than the last of ours: in an update, and in an
 * offer with the RAND of others (a group's), or keystream would come again. In
 * any other so that it is no replay; but for a clock that was set back by more
 * than anybody allows. */
static bool t_must_grow(const struct mikey_peer *p, const struct mikey_now *now,
                        const struct mikey_terms *t,
                        const struct mikey_msg *first)
{
    const uint32_t skew = p->party->skew ? p->party->skew : MIKEY_SKEW;
    if (first)
        return true;
    if (p->last.value == 0 || !mikey_time_alike(mikey_now_t(now), p->last))
        return false;
    return t->rand.n || mikey_time_check(p->last, now->us, skew) == TS_OK;
}

/* Those of the update, or where it says none those that stay. */
static struct mikey_hdr sessions_of(const struct mikey_peer *p,
                                    const struct mikey_classic_new *in)
{
    if (in->n_cs == 0)
        return p->force.map;
    return (struct mikey_hdr){
        .n_cs = in->n_cs, .map_type = in->map_type, .map = in->map};
}

static enum ts_err repeat_policy(struct mikey_sp *sp, size_t *n,
                                 const struct mikey_sp *one)
{
    for (size_t i = 0; i < *n; i++)
        if (sp[i].no == one->no)
            return TS_OK;
    if (*n == MIKEY_SP_MAX)
        return TS_E_SPACE;
    sp[(*n)++] = *one;
    return TS_OK;
}

/* The policies in force behind those of the caller, where the other one may
 * have others. SRTP's defaults are an SP that says nothing. */
static enum ts_err repeat_policies(const struct mikey_peer *p,
                                   struct mikey_sp *sp,
                                   struct mikey_classic_new *in)
{
    const struct mikey_hdr hdr = sessions_of(p, in);
    const bool defaults = in->n_sp == 0 && p->force.n_sp == 0;
    struct ts_reader r = ts_reader_span(hdr.map);
    struct mikey_cs cs;
    enum ts_err err = TS_OK;
    for (size_t i = 0; !err && i < p->force.n_sp; i++)
        err = repeat_policy(sp, &in->n_sp, &p->force.sp[i]);
    for (unsigned i = 0; !err && defaults && i < hdr.n_cs; i++) {
        err = mikey_map_next(&hdr, i, &r, &cs);
        if (err || cs.prot != MIKEY_PROT_SRTP || cs.policies.n == 0)
            continue;
        const struct mikey_sp usual = {.no = cs.policies.p[0],
                                       .prot = MIKEY_PROT_SRTP};
        err = repeat_policy(sp, &in->n_sp, &usual);
    }
    return err;
}

/* What the caller says, and who we are. */
static enum ts_err set_terms(const struct mikey_peer *p,
                             const struct mikey_terms *t,
                             struct ts_writer *params, struct ts_writer *map,
                             struct mikey_sp *sp, struct mikey_classic_new *in)
{
    const struct mikey_peer_party *y = p->party;
    const bool none = !t->session || (p->unsure && t->n_sessions == 0);
    const bool same = in->first && none;
    in->want_response = t->want_answer;
    in->map_type = in->first ? p->force.map.map_type : t->map;
    in->sp = sp;
    in->n_sp = t->n_policies;
    in->inner_id = y->self;
    if (!(y->omit & 1u << MIKEY_IDR_I))
        in->id_i = y->self;
    if (!(y->omit & 1u << MIKEY_IDR_R))
        in->id_r = y->peer;
    if (in->map_type == MIKEY_MAP_EMPTY && t->n_policies)
        return TS_E_RANGE; /* RFC 4563 4 */
    enum ts_err err =
        mikey_sps_write(t->policy, t->policy_no, t->n_policies, params, sp);
    if (!err && !same)
        err = put_map(map, in->map_type, t);
    in->n_cs = same ? p->force.map.n_cs : (uint8_t)t->n_sessions;
    in->map = same ? p->force.map.map : ts_written(map);
    return !err && p->unsure ? repeat_policies(p, sp, in) : err;
}

static enum ts_err repeat_all_keys(const struct mikey_peer *p,
                                   const struct mikey_classic_new *in,
                                   struct fresh *f)
{
    const struct mikey_hdr map = sessions_of(p, in);
    enum ts_err err = repeat_keys(&p->force.keys, &map, f);
    return err ? err : repeat_keys(&p->force.older, &map, f);
}

static void build(const struct mikey_peer *p, const struct mikey_now *now,
                  const struct mikey_terms *t, const struct mikey_msg *first,
                  struct ts_key *env_key, struct ts_writer *w)
{
    const struct mikey_suite *suite = first ? mikey_suite_prf(first->hdr.prf)
                                            : mikey_suite_bits(p->party->bits);
    uint8_t params[1024], map[4096], rand[MIKEY_RAND_LEN];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    struct mikey_sp sp[MIKEY_SP_MAX];
    MIKEY_UNSET struct fresh fresh;
    struct mikey_classic_new in = {
        .suite = suite,
        .first = first,
        .encr = suite->encr,
        .mac = suite->auth,
        .t = mikey_now_t(now),
        .sdp_ids = t->sdp_ids,
        .signer = p->party->signer,
        .sealer = p->party->sealer,
        .cache = first ? MIKEY_CACHE_NO : t->cache,
    };
    enum ts_err err = set_terms(p, t, &params_w, &map_w, sp, &in);
    if (!err)
        err = t_must_grow(p, now, t, first)
                  ? mikey_now_after(now, p->last, &in.t)
                  : TS_OK;
    if (!err)
        err = choose_secret(p, first, env_key, &in);
    if (!err && !first)
        err = choose_rand(p, t, rand, &in);
    fresh.n = fresh.used = 0;
    if (!err)
        err = fill_keys(p, suite, t, !first, &fresh);
    if (!err && p->unsure)
        err = repeat_all_keys(p, &in, &fresh);
    in.keys = fresh.k;
    in.n_keys = fresh.n;
    in.without_kemac = first && fresh.n == 0;
    if (err)
        ts_writer_fail(w, err);
    else if (is_pk(p, first))
        mikey_build_classic_pk(w, &in);
    else
        mikey_build_classic_psk(w, &in);
    ts_wipe(fresh.drawn, fresh.used);
}

/* ---- sending ---- */

/* It is on its way: what is in force changes now, or with its answer. */
static void sent(struct mikey_peer *p, const struct mikey_round *round,
                 const struct mikey_force *f, const struct ts_key *env_key)
{
    const struct mikey_buf old = p->init;
    mikey_peer_drop(p);
    p->init = p->spare;
    p->init.n = round->init.raw.n;
    p->spare = old;
    p->wait_env = *env_key;
    p->last = round->init.t;
    p->step = MIKEY_STEP_SENT;
    if (!round->init.hdr.v)
        mikey_peer_take(p, round, f);
}

static enum ts_err send(struct mikey_peer *p, const struct mikey_now *now,
                        const struct mikey_terms *t, uint8_t *out, size_t cap,
                        size_t *n)
{
    struct mikey_msg first;
    struct mikey_round round;
    struct mikey_force f;
    struct ts_key env_key = {0};
    /* what waits stays as it is until this is good */
    struct ts_writer w = mikey_buf_writer(&p->spare);
    mikey_force_none(&f);
    if (p->up && mikey_msg_read(mikey_buf_span(&p->first), &first, NULL))
        return TS_E_INTERNAL;
    build(p, now, t, p->up ? &first : NULL, &env_key, &w);
    enum ts_err err = w.err;
    if (!err) /* what cannot be read back (two sessions of one CS ID) */
        err = mikey_round_begin(p, ts_written(&w), true, &env_key, &round);
    if (!err)
        err = mikey_force_of(p, &round, &round.init.hdr, false, &f);
    if (!err)
        err = mikey_hand_out(ts_written(&w), out, cap, n);
    if (!err)
        sent(p, &round, &f, &env_key);
    else
        ts_wipe(p->spare.p, p->spare.cap); /* NULL encryption hides nothing */
    mikey_force_wipe(&f);
    ts_key_wipe(&env_key);
    return err;
}

enum ts_err mikey_peer_offer(struct mikey_peer *p, const struct mikey_now *now,
                             const struct mikey_terms *terms, uint8_t *out,
                             size_t cap, size_t *n)
{
    if (p->up || p->step == MIKEY_STEP_TAKEN)
        return TS_E_STATE;
    if (!p->party->peer.data.p)
        return TS_E_MISSING; /* 9.5: for nobody is for everybody */
    return send(p, now, terms, out, cap, n);
}

enum ts_err mikey_peer_update(struct mikey_peer *p, const struct mikey_now *now,
                              const struct mikey_terms *terms, uint8_t *out,
                              size_t cap, size_t *n)
{
    if (!p->up || !p->ours || p->step != MIKEY_STEP_NONE)
        return TS_E_STATE;
    return send(p, now, terms, out, cap, n);
}

/* ---- answers ---- */

/* 5.1.2: under a MAC, or signed; else anybody may have written it. */
static bool is_proven(const struct mikey_peer *p, const struct mikey_now *now,
                      const struct mikey_round *round,
                      const struct mikey_msg *error)
{
    const struct mikey_verifier *v = p->party->verifier;
    struct mikey_id who;
    if (!error->has_sign)
        return !mikey_classic_error_verify(&round->x, &round->init, error);
    return v && !mikey_classic_signed(&round->x, &round->init, error, v,
                                      now->us / 1000000, &who);
}

static void hear_error(struct mikey_peer *p, const struct mikey_now *now,
                       const struct mikey_round *round,
                       const struct mikey_msg *error)
{
    bool proven = is_proven(p, now, round, error);
    mikey_refusal_set(&p->refusal, error, proven);
    if (proven)
        mikey_peer_drop(p);
}

/* Of a GENERIC-ID map, in which the Responder chooses; it fits ours. */
static enum ts_err check_choice(const struct mikey_hdr *offer,
                                const struct mikey_hdr *answer)
{
    struct ts_reader ro = ts_reader_span(offer->map);
    struct ts_reader ra = ts_reader_span(answer->map);
    struct mikey_cs offered, answered;
    enum ts_err err = TS_OK;
    if (offer->map_type != MIKEY_MAP_GENERIC)
        return TS_OK;
    for (unsigned i = 0; !err && i < offer->n_cs; i++) {
        err = mikey_cs_read(&ro, &offered);
        if (!err)
            err = mikey_cs_read(&ra, &answered);
        if (!err)
            err = mikey_peer_chosen(&offered, &answered);
    }
    return err;
}

enum ts_err mikey_peer_answered(struct mikey_peer *p,
                                const struct mikey_now *now,
                                struct ts_span answer)
{
    struct mikey_round round;
    struct mikey_msg resp;
    struct mikey_force f;
    if (p->step != MIKEY_STEP_SENT)
        return TS_E_STATE;
    if (mikey_round_begin(p, mikey_buf_span(&p->init), true, &p->wait_env,
                          &round))
        return TS_E_INTERNAL;
    enum ts_err err = mikey_msg_read(answer, &resp, NULL);
    if (!err)
        err = mikey_classic_resp_open(&round.x, &round.init, &resp);
    if (err == TS_E_PEER)
        hear_error(p, now, &round, &resp);
    if (!err)
        err = check_choice(&round.init.hdr, &resp.hdr);
    if (err)
        return err;
    err = mikey_force_of(p, &round, &resp.hdr, false, &f); /* 6.1.1 */
    if (!err)
        mikey_peer_take(p, &round, &f);
    mikey_force_wipe(&f);
    return err;
}

const struct mikey_refusal *mikey_peer_refusal(const struct mikey_peer *p)
{
    return &p->refusal;
}
