/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer of <mikey/rfc3830.h>: its memory, what is in force, and how what an
 * exchange brings takes its place.
 */
#include "mikey/peer_state.h"

/* ---- memory ---- */

enum { BUFFERS = 5 };

size_t mikey_peer_size(size_t max)
{
    return sizeof(struct mikey_peer) + BUFFERS * max;
}

static bool name_ok(const struct mikey_id *id)
{
    return id->data.n <= MIKEY_ID_MAX;
}

static bool party_ok(const struct mikey_peer_party *y)
{
    bool can_offer = y->psk.n || y->signer;
    bool can_take = y->psk.n || y->verifier;
    return y->random && mikey_suite_bits(y->bits) && y->self.data.p &&
           name_ok(&y->self) && name_ok(&y->peer) && y->psk.n <= TS_KEY_MAX &&
           (!y->signer || y->sealer) &&
           (y->verifier != NULL) == (y->opener != NULL) &&
           (can_offer || can_take || y->allow & MIKEY_ALLOW_NULL);
}

struct mikey_peer *mikey_peer_init(void *mem, size_t n,
                                   const struct mikey_peer_party *party)
{
    struct mikey_buf buf[BUFFERS];
    struct mikey_peer *p = mem;
    if (!party || !party_ok(party) ||
        !mikey_cut(mem, n, sizeof *p, buf, BUFFERS))
        return NULL;
    *p = (struct mikey_peer){.party = party,
                             .size = n,
                             .init = buf[0],
                             .first = buf[1],
                             .map = buf[2],
                             .params = buf[3],
                             .spare = buf[4]};
    return p;
}

void mikey_peer_wipe(struct mikey_peer *p)
{
    if (p)
        ts_wipe(p, p->size); /* with NULL encryption keys are in messages */
}

void mikey_peer_drop(struct mikey_peer *p)
{
    ts_key_wipe(&p->wait_env);
    p->asking.n = 0;
    p->step = MIKEY_STEP_NONE;
}

void mikey_peer_abandon(struct mikey_peer *p)
{
    if (p->up && p->step == MIKEY_STEP_SENT)
        p->unsure = true;
    mikey_peer_drop(p);
}

/* ---- an exchange ---- */

static struct mikey_id name_of(const struct mikey_name *name)
{
    return name->n ? mikey_name_id(name) : (struct mikey_id){0};
}

/* Who the other one is, as far as we know. */
static struct mikey_id known_peer(const struct mikey_peer *p)
{
    if (p->up)
        return name_of(&p->peer);
    return p->step == MIKEY_STEP_TAKEN ? name_of(&p->asking) : p->party->peer;
}

/* Without any key there is nothing to fall back from: see MIKEY_ALLOW_NULL. */
static unsigned allowed(const struct mikey_peer_party *y)
{
    bool keyless = y->psk.n == 0 && !y->signer && !y->verifier;
    return y->allow & (MIKEY_ALLOW_V_TIME | MIKEY_ALLOW_V_PAYLOADS |
                       MIKEY_ALLOW_ERROR_TAIL |
                       (keyless ? (unsigned)MIKEY_ALLOW_NULL : 0));
}

enum ts_err mikey_round_begin(const struct mikey_peer *p, struct ts_span raw,
                              bool ours, const struct ts_key *env_key,
                              struct mikey_round *round)
{
    const struct mikey_peer_party *y = p->party;
    const struct mikey_id peer = known_peer(p);
    struct mikey_classic *x = &round->x;
    *x = (struct mikey_classic){.secret = y->psk,
                                .id_i = ours ? y->self : peer,
                                .id_r = ours ? peer : y->self,
                                .allow = allowed(y)};
    enum ts_err err = mikey_msg_read(raw, &round->init, NULL);
    if (!err && p->up)
        err = mikey_msg_read(mikey_buf_span(&p->first), &round->first, NULL);
    if (err)
        return err;
    if (p->up)
        x->first = &round->first;
    if (round->init.hdr.type == MIKEY_PK)
        x->secret = ts_key_span(env_key);
    else if (p->up && round->first.hdr.type == MIKEY_PK)
        x->secret = ts_key_span(&p->env_key); /* 4.5 */
    return TS_OK;
}

/* ---- what will be in force ---- */

void mikey_force_wipe(struct mikey_force *f)
{
    mikey_keys_wipe(&f->keys);
    mikey_keys_wipe(&f->older);
}

static bool has_sp(const struct mikey_force *f, uint8_t no)
{
    for (size_t i = 0; i < f->n_sp; i++)
        if (f->sp[i].no == no)
            return true;
    return false;
}

enum ts_err mikey_force_policies(const struct mikey_peer *p,
                                 const struct mikey_msg *m,
                                 struct mikey_force *f)
{
    size_t room = p->params.cap;
    f->n_sp = m->n_sp;
    for (size_t i = 0; i < m->n_sp; i++)
        f->sp[i] = m->sp[i];
    for (size_t i = 0; i < p->force.n_sp; i++) {
        if (has_sp(f, p->force.sp[i].no))
            continue;
        if (f->n_sp == MIKEY_SP_MAX)
            return TS_E_SPACE;
        f->sp[f->n_sp++] = p->force.sp[i];
    }
    for (size_t i = 0; i < f->n_sp; i++) {
        if (f->sp[i].params.n > room)
            return TS_E_SPACE;
        room -= f->sp[i].params.n;
    }
    return TS_OK;
}

bool mikey_map_names(const struct mikey_hdr *hdr, struct ts_span spi)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    struct mikey_cs cs;
    for (unsigned i = 0; i < hdr->n_cs; i++)
        if (!mikey_map_next(hdr, i, &r, &cs) && ts_span_equal(cs.spi, spi))
            return true;
    return false;
}

/* Older keys are kept while a session names them, and no new key does. */
static enum ts_err keep_named(const struct mikey_keys *from,
                              struct mikey_force *f)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct mikey_key *k = &from->k[i];
        if (k->spi.n == 0 || !mikey_map_names(&f->map, k->spi) ||
            mikey_keys_find(&f->keys, k->spi) ||
            mikey_keys_find(&f->older, k->spi))
            continue;
        enum ts_err err = mikey_keys_add(&f->older, k);
        if (err)
            return err;
    }
    return TS_OK;
}

static enum ts_err force_keys(const struct mikey_peer *p,
                              const struct mikey_round *round,
                              struct mikey_force *f)
{
    enum ts_err err = mikey_classic_keys(&round->x, &round->init, &f->keys);
    f->older.n = f->older.len = 0;
    if (err)
        return err;
    if (f->keys.n == 0)
        mikey_keys_copy(&f->keys, &p->force.keys); /* 4.5: they go on */
    else
        err = keep_named(&p->force.keys, f);
    return err ? err : keep_named(&p->force.older, f);
}

/* The key that a session names, or the newest. */
static enum ts_err pick(const struct mikey_force *f, struct ts_span spi,
                        const struct mikey_key **k)
{
    *k = spi.n ? mikey_keys_find(&f->keys, spi) : NULL;
    if (!*k && spi.n)
        *k = mikey_keys_find(&f->older, spi);
    return *k ? TS_OK : mikey_classic_pick(&f->keys, spi, k);
}

/* Policy, key and salt of a session. */
static enum ts_err derive(const struct mikey_force *f,
                          const struct mikey_classic_label *label,
                          const struct mikey_cs *cs, struct mikey_srtp_key *out)
{
    const struct mikey_key *k;
    struct ts_key key, salt;
    if (cs->prot != MIKEY_PROT_SRTP)
        return TS_E_UNSUPPORTED;
    if (f->n_sp && cs->policies.n == 0)
        return TS_E_NOTFOUND;
    enum ts_err err = mikey_classic_sp(
        f->sp, f->n_sp, cs->policies.n ? cs->policies.p[0] : 0, &out->policy);
    if (!err)
        err = pick(f, cs->spi, &k);
    if (!err && out->policy.salt > sizeof out->salt)
        err = TS_E_UNSUPPORTED;
    if (!err)
        err =
            mikey_classic_session(label, k, cs->id, &out->policy, &key, &salt);
    if (err)
        return err;
    struct ts_span mki = k->spi.n ? k->spi : cs->spi;
    out->key_len = key.len;
    out->salt_len = salt.len;
    out->spi_len = mki.n;
    memcpy(out->key, key.b, key.len);
    memcpy(out->salt, salt.b, salt.len);
    if (mki.n)
        memcpy(out->spi, mki.p, mki.n);
    ts_key_wipe(&key);
    ts_key_wipe(&salt);
    return TS_OK;
}

/* Each SRTP session has all it needs, and if it is the peer's to propose, what
 * we accept. */
static enum ts_err check_sessions(const struct mikey_peer_party *judge,
                                  const struct mikey_force *f,
                                  const struct mikey_classic_label *label)
{
    struct ts_reader r = ts_reader_span(f->map.map);
    struct mikey_cs cs;
    struct mikey_srtp_key key;
    enum ts_err err = TS_OK;
    for (unsigned i = 0; !err && i < f->map.n_cs; i++) {
        err = mikey_map_next(&f->map, i, &r, &cs);
        if (err || cs.prot != MIKEY_PROT_SRTP)
            continue;
        err = derive(f, label, &cs, &key);
        if (!err && judge && judge->acceptable &&
            !judge->acceptable(judge->arg, &key.policy))
            err = TS_E_UNSUPPORTED;
    }
    ts_wipe(&key, sizeof key);
    return err;
}

enum ts_err mikey_force_of(const struct mikey_peer *p,
                           const struct mikey_round *round,
                           const struct mikey_hdr *map, bool judge,
                           struct mikey_force *f)
{
    const struct mikey_classic_label label =
        mikey_classic_label_of(p->up ? &round->first : &round->init);
    f->map = p->up && map->n_cs == 0 ? p->force.map : *map;
    mikey_force_none(f);
    enum ts_err err = mikey_force_policies(p, &round->init, f);
    if (!err)
        err = force_keys(p, round, f);
    return err ? err : check_sessions(judge ? p->party : NULL, f, &label);
}

/* ---- taking it ---- */

/* The octets of policies move to a buffer that none of them stand in. */
static void take_policies(struct mikey_peer *p, const struct mikey_force *f)
{
    struct mikey_buf to = p->spare;
    to.n = 0;
    for (size_t i = 0; i < f->n_sp; i++) {
        struct mikey_sp sp = f->sp[i];
        if (sp.params.n)
            memcpy(to.p + to.n, sp.params.p, sp.params.n);
        sp.params.p = to.p + to.n;
        to.n += sp.params.n;
        p->force.sp[i] = sp;
    }
    p->force.n_sp = f->n_sp;
    p->spare = p->params;
    p->params = to;
}

static void take_map(struct mikey_peer *p, const struct mikey_hdr *hdr)
{
    if (hdr->map.n)
        memmove(p->map.p, hdr->map.p, hdr->map.n);
    p->map.n = hdr->map.n;
    p->force.map = *hdr;
    p->force.map.map = mikey_buf_span(&p->map);
}

/* The first message stands for CSB ID, RAND and names as long as the bundle
 * lives; its envelope key if it may (6.3). */
static void begin_bundle(struct mikey_peer *p, const struct mikey_msg *m)
{
    memcpy(p->first.p, m->raw.p, m->raw.n);
    p->first.n = m->raw.n;
    if (m->has_pke && m->pke.c != MIKEY_CACHE_NO)
        p->env_key = p->wait_env;
    p->ours = p->step == MIKEY_STEP_SENT;
    if (!p->ours)
        p->peer = p->asking;
    else if (mikey_name_set(&p->peer, p->party->peer))
        p->peer.n = 0; /* never: its length was checked */
    p->up = true;
}

void mikey_peer_take(struct mikey_peer *p, const struct mikey_round *round,
                     const struct mikey_force *f)
{
    if (!p->up)
        begin_bundle(p, &round->init);
    take_policies(p, f);
    take_map(p, &f->map);
    mikey_force_wipe(&p->force); /* a longer key would show behind */
    mikey_keys_copy(&p->force.keys, &f->keys);
    mikey_keys_copy(&p->force.older, &f->older);
    p->last = round->init.t;
    p->unsure = false;
    mikey_peer_drop(p);
}

/* ---- what the bundle tells ---- */

struct mikey_session mikey_peer_cs_session(const struct mikey_hdr *hdr,
                                           const struct mikey_cs *cs)
{
    struct mikey_session s = mikey_cs_session(cs);
    if (hdr->map_type == MIKEY_MAP_SRTP) { /* 6.1.1: 0 is not known yet */
        s.known = cs->ssrc != 0;
        s.started = cs->roc != 0;
    }
    return s;
}

enum ts_err mikey_peer_chosen(const struct mikey_cs *offered,
                              const struct mikey_cs *answered)
{
    const struct ts_span is = answered->policies, of = offered->policies;
    if (answered->prot != MIKEY_PROT_SRTP || is.n == 0)
        return TS_OK; /* what is missing is found where it is used */
    if (is.n > 1)
        return TS_E_FORMAT;
    return of.n == 0 || memchr(of.p, is.p[0], of.n) ? TS_OK : TS_E_MISMATCH;
}

enum ts_err mikey_peer_nth(const struct mikey_hdr *hdr, size_t nth,
                           struct mikey_session *session)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    struct mikey_cs cs;
    enum ts_err err = nth < hdr->n_cs ? TS_OK : TS_E_NOTFOUND;
    for (unsigned i = 0; !err && i <= nth; i++)
        err = mikey_map_next(hdr, i, &r, &cs);
    if (!err)
        *session = mikey_peer_cs_session(hdr, &cs);
    return err;
}

uint32_t mikey_peer_csb(const struct mikey_peer *p)
{
    struct mikey_hdr hdr;
    struct ts_reader r =
        ts_reader_span(mikey_buf_span(p->up ? &p->first : &p->init));
    if ((!p->up && p->step == MIKEY_STEP_NONE) || mikey_hdr_read(&r, &hdr))
        return 0;
    return hdr.csb;
}

struct mikey_id mikey_peer_id(const struct mikey_peer *p)
{
    bool proven = p->up || p->step == MIKEY_STEP_TAKEN;
    return proven ? known_peer(p) : (struct mikey_id){0};
}

size_t mikey_peer_sessions(const struct mikey_peer *p)
{
    return p->force.map.n_cs;
}

enum ts_err mikey_peer_session(const struct mikey_peer *p, size_t nth,
                               struct mikey_session *session)
{
    return mikey_peer_nth(&p->force.map, nth, session);
}

enum ts_err mikey_peer_srtp(const struct mikey_peer *p, uint8_t cs,
                            struct mikey_srtp_key *out)
{
    struct mikey_msg first;
    struct mikey_cs found;
    *out = (struct mikey_srtp_key){0};
    if (!p->up)
        return TS_E_STATE;
    if (mikey_msg_read(mikey_buf_span(&p->first), &first, NULL))
        return TS_E_INTERNAL;
    const struct mikey_classic_label label = mikey_classic_label_of(&first);
    enum ts_err err = mikey_classic_cs(&p->force.map, cs, &found);
    if (!err)
        err = derive(&p->force, &label, &found, out);
    if (err)
        ts_wipe(out, sizeof *out);
    return err;
}

size_t mikey_peer_keys(const struct mikey_peer *p,
                       const struct mikey_key **keys)
{
    *keys = p->force.keys.k;
    return p->force.keys.n;
}

enum ts_err mikey_peer_env_key(const struct mikey_peer *p,
                               struct ts_span *env_key)
{
    struct mikey_msg first;
    struct mikey_classic x;
    if (!p->up)
        return TS_E_STATE;
    if (mikey_msg_read(mikey_buf_span(&p->first), &first, NULL))
        return TS_E_INTERNAL;
    *env_key = ts_key_span(&p->env_key);
    /* any other CSB ID than that of its own bundle */
    return mikey_classic_cached(&first, *env_key, first.hdr.csb + 1, &x);
}
