/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alice, Bob, Carol and a KMS through <mikey/mikey.h>: the input says who takes
 * which step with which message, and how messages are changed on their way.
 *
 *   - nobody takes a message that nobody sent: one that was changed, unless it
 *     was given a right MAC afterwards;
 *   - where both ends say OK both have the same keys;
 *   - after a step that failed an object is as it was before.
 *
 * A byte chooses the step (low five bits) and who takes it (the rest); further
 * bytes are its arguments, as each step below asks for them by next().
 */
#include "fuzz/roles_world.h"

static const uint8_t *input;
static size_t input_n;

static uint8_t next(void)
{
    if (input_n == 0)
        return 0;
    input_n--;
    return *input++;
}

/* ---- the steps ---- */

static void set_wish(void)
{
    const uint8_t f = next(), g = next();
    unsigned flags = (f | (unsigned)g << 8) & 0xfff;
    if (g & 0x10) /* mostly flags that fit */
        flags |= MIKEY_FLAG_F | MIKEY_FLAG_H | MIKEY_FLAG_E | MIKEY_FLAG_N;
    w.wish = (struct mikey_wish){.flags = (uint16_t)flags,
                                 .must = 1,
                                 .responder = w.responder,
                                 .n_responders = 1 + (g >> 5 & 1)};
    if (g & 0x40) {
        w.key[0].type = g >> 7 ? MIKEY_TEK_SALT : MIKEY_GTGK;
        w.key[0].salt = world_salt(w.key[0].type);
        w.wish.keys = w.key;
        w.wish.n_keys = 1;
    }
}

static enum ts_err request(unsigned who)
{
    struct world_message *m = world_fresh();
    (void)who;
    set_wish();
    w.wish.flags |= MIKEY_FLAG_D;
    enum ts_err err =
        mikey_initiator_request(w.i, &w.now, &w.wish, m->b, WORLD_MAX, &m->n);
    world_post(m, err);
    return err;
}

static enum ts_err make(unsigned who)
{
    (void)who;
    set_wish();
    return mikey_initiator_make(w.i, &w.now, &w.wish);
}

static enum ts_err at_kms(unsigned who)
{
    const struct world_message *in = world_pick(next());
    struct world_message *m = world_fresh();
    (void)who;
    enum ts_err err = mikey_kms_answer(&w.kms, &w.now, world_span(in), m->b,
                                       WORLD_MAX, &m->n);
    MUST_HOLD(err || world_authentic(in, true));
    MUST_HOLD(!err == (m->n && m->b[1] != MIKEY_ERROR));
    world_post(m, TS_OK);
    return err;
}

static enum ts_err granted(unsigned who)
{
    const struct world_message *m = world_pick(next());
    (void)who;
    enum ts_err err = mikey_initiator_granted(w.i, &w.now, world_span(m));
    MUST_HOLD(err || world_authentic(m, true));
    MUST_HOLD(err != TS_E_PEER || !mikey_initiator_refusal(w.i)->proven ||
              world_authentic(m, true));
    return err;
}

static enum ts_err transfer(unsigned who)
{
    struct world_message *m = world_fresh();
    const uint8_t how = next();
    static uint8_t rand[255];
    struct mikey_offer offer = {.to = w.party[1 + who].self,
                                .session = w.session,
                                .n_sessions = how & 3,
                                .policy = w.policy,
                                .n_policies = 1 + (how >> 2 & 1)};
    w.key[1].type = how >> 5;
    w.key[1].salt = world_salt(how >> 5);
    if (how & 8) {
        offer.keys = &w.key[1];
        offer.n_keys = 1;
    }
    if (how & 16 &&
        mikey_initiator_rand(w.i, &offer.rand_i, &offer.csb) == TS_OK) {
        memcpy(rand, offer.rand_i.p, offer.rand_i.n);
        offer.rand_i.p = rand;
    }
    for (size_t k = 0; k < WORLD_SESSIONS; k++)
        w.session[k].spi = offer.n_keys && how & 1 ? w.key[1].spi
                           : w.wish.n_keys         ? w.key[0].spi
                                                   : ts_span(NULL, 0);
    enum ts_err err =
        mikey_initiator_transfer(w.i, &w.now, &offer, m->b, WORLD_MAX, &m->n);
    world_post(m, err);
    return err;
}

static enum ts_err offered(unsigned who)
{
    const struct world_message *m = world_pick(next());
    struct mikey_offered o;
    uint8_t no;
    return mikey_responder_offered(w.r[who], &w.now, world_span(m), &o, &no);
}

static enum ts_err resolve(unsigned who)
{
    struct world_message *m = world_fresh();
    enum ts_err err =
        mikey_responder_resolve(w.r[who], &w.now, m->b, WORLD_MAX, &m->n);
    world_post(m, err);
    return err;
}

/* The offer that a Responder takes for proven is one that was sent. */
static enum ts_err must_be_sent(unsigned who, bool vr, enum ts_err err)
{
    static struct world_message offer;
    const struct mikey_buf *b = &w.r[who]->offer;
    offer = (struct world_message){.n = b->n};
    memcpy(offer.b, b->p, b->n);
    MUST_HOLD(err || world_insider() || world_authentic(&offer, vr));
    return err;
}

static enum ts_err resolved(unsigned who)
{
    const struct world_message *m = world_pick(next());
    enum ts_err err = mikey_responder_resolved(w.r[who], &w.now, world_span(m));
    MUST_HOLD(err || world_authentic(m, true));
    return must_be_sent(who, true, err);
}

static enum ts_err open_ticket(unsigned who)
{
    return must_be_sent(who, true, mikey_responder_open(w.r[who], &w.now));
}

static enum ts_err reuse(unsigned who)
{
    if (next() & 1) {
        enum ts_err err = mikey_responder_hold(w.r[who], &w.held);
        if (err)
            return err;
        struct ts_span *const views[] = {&w.held.ticket, &w.held.keys,
                                         &w.held.idr_r.data, &w.held.rand_kms};
        for (size_t k = 0; k < 4; k++) {
            if (views[k]->n)
                memcpy(w.kept[k], views[k]->p, views[k]->n);
            views[k]->p = views[k]->p ? w.kept[k] : NULL;
        }
        return TS_OK;
    }
    return must_be_sent(who, false,
                        mikey_responder_reuse(w.r[who], &w.now, &w.held));
}

static enum ts_err answer(unsigned who)
{
    struct world_message *m = world_fresh();
    const uint8_t how = next();
    struct mikey_session s = {.cs = (uint8_t)(1 + (how & 3)),
                              .known = true,
                              .ssrc = 99,
                              .policies = ts_span("", how >> 2 & 1)};
    struct mikey_answer a = {.session = &s, .n_sessions = how >> 3 & 1};
    struct mikey_bundle *b = NULL;
    w.key[2].type = how >> 5;
    w.key[2].salt = world_salt(how >> 5);
    if (how & 16) {
        a.keys = &w.key[2];
        a.n_keys = 1;
        s.spi = w.key[2].spi;
    }
    enum ts_err err =
        mikey_responder_answer(w.r[who], &w.now, &a, m->b, WORLD_MAX, &m->n,
                               w.mem_at[1][who], WORLD_MEM, &b);
    w.at_r[who] = b; /* the memory was written to in any case */
    if (!err)
        world_look(b, &m->view);
    world_post(m, err);
    return err;
}

static enum ts_err answered(unsigned who)
{
    const struct world_message *m = world_pick(next());
    struct mikey_bundle *b = NULL;
    enum ts_err err = mikey_initiator_answered(w.i, &w.now, world_span(m),
                                               w.mem_at[0][who], WORLD_MEM, &b);
    w.at_i[who] = b;
    MUST_HOLD(err || world_authentic(m, true));
    if (!err && m->sent && !w.tainted)
        world_must_agree(b, &m->view);
    return err;
}

static enum ts_err unanswered(unsigned who)
{
    struct mikey_bundle *b = NULL;
    enum ts_err err = mikey_initiator_unanswered(w.i, &w.now, w.mem_at[0][who],
                                                 WORLD_MEM, &b);
    w.at_i[who] = b;
    return err;
}

/* who: bit 0 with whom, bit 1 which end */
static struct mikey_bundle *end_of(unsigned who)
{
    return who & 2 ? w.at_r[who & 1] : w.at_i[who & 1];
}

static enum ts_err update(unsigned who)
{
    struct mikey_bundle *b = end_of(who);
    const uint8_t how = next();
    struct mikey_key key = w.key[3];
    struct mikey_session s[WORLD_SESSIONS + 1];
    struct mikey_update u = {.want_answer = how & 1};
    if (!b)
        return TS_E_STATE;
    key.type = how >> 5;
    key.salt = world_salt(how >> 5);
    const uint8_t spi[] = {(uint8_t)(++w.spi >> 8), (uint8_t)w.spi};
    key.spi = ts_span(spi, 2);
    if (how & 2) {
        u.keys = &key;
        u.n_keys = 1;
    }
    if (how & 4) {
        u.session = s;
        u.n_sessions = mikey_bundle_sessions(b) % (WORLD_SESSIONS + 1);
        for (size_t k = 0; k < u.n_sessions; k++) {
            MUST_HOLD(mikey_bundle_session(b, k, &s[k]) == TS_OK);
            s[k].spi = how & 8 ? key.spi : s[k].spi;
            s[k].policies.n = how & 16 && u.want_answer ? 0 : 1;
        }
    }
    struct world_message *m = world_fresh();
    enum ts_err err =
        mikey_bundle_update(b, &w.now, &u, m->b, WORLD_MAX, &m->n);
    if (!err && !u.want_answer)
        world_look(b, &m->view);
    world_post(m, err);
    return err;
}

static enum ts_err receive(unsigned who)
{
    const struct world_message *in = world_pick(next());
    struct mikey_bundle *b = end_of(who);
    if (!b)
        return TS_E_STATE;
    const bool waited = b->waiting;
    struct world_message *m = world_fresh();
    enum ts_err err = mikey_bundle_receive(b, &w.now, world_span(in), NULL,
                                           m->b, WORLD_MAX, &m->n);
    MUST_HOLD(err || world_authentic(in, true));
    if (err == TS_E_PEER) /* only one that is proven ends an update */
        MUST_HOLD(!waited || b->waiting || world_authentic(in, true));
    if (!err && m->n)
        world_look(b, &m->view);
    if (!err && in->sent && !w.tainted)
        world_must_agree(b, &in->view);
    world_post(m, err);
    /* an Error may end the update that waits: that is its change */
    return err == TS_E_PEER && waited && !b->waiting ? TS_OK : err;
}

static enum ts_err refuse(unsigned who)
{
    const struct world_message *in = world_pick(next());
    struct world_message *m = world_fresh();
    const uint8_t no[] = {next(), MIKEY_ERR_UNSPECIFIED};
    struct mikey_bundle *b = end_of(who);
    enum ts_err err;
    if (next() & 1 && b)
        err = mikey_bundle_refuse(b, &w.now, world_span(in), no, 2, w.policy, 1,
                                  m->b, WORLD_MAX, &m->n);
    else if (who & 2)
        err = mikey_responder_refuse(w.r[who & 1], &w.now, no, 1, w.policy, 2,
                                     m->b, WORLD_MAX, &m->n);
    else
        err = mikey_initiator_refuse(w.i, &w.now, world_span(in), no, 1, NULL,
                                     0, m->b, WORLD_MAX, &m->n);
    world_post(m, err);
    return err;
}

/* ---- what happens on the way ---- */

/* A message is changed: a bit, a cut, or octets of another message. */
static enum ts_err change(unsigned who)
{
    const struct world_message *from = world_pick(next());
    const struct world_message *other = world_pick(next());
    const uint8_t how = next();
    const size_t at = (size_t)next() << 8 | next();
    struct world_message *m = world_fresh();
    (void)who;
    m->n = from->n;
    memcpy(m->b, from->b, from->n);
    if (m->n == 0)
        return TS_OK;
    if (how & 1) {
        m->b[at % m->n] ^= (uint8_t)(1u << (how >> 5));
    } else if (how & 2) {
        m->n = at % m->n;
    } else {
        const size_t n = 1 + how / 4 * 2u, to = at % m->n;
        for (size_t k = 0; k < n && to + k < m->n && to + k < other->n; k++)
            m->b[to + k] = other->b[to + k];
    }
    return TS_OK;
}

/* ... and given a right MAC by one who has the keys. */
static enum ts_err sign(unsigned who)
{
    (void)who;
    struct world_message *m = world_pick(0);
    if (!m->sent)
        world_sign(m);
    w.tainted = w.tainted || m->insider;
    return TS_OK;
}

static enum ts_err wait(unsigned who)
{
    (void)who;
    const uint8_t how = next();
    w.now.us += (uint64_t)how * how * 10000;
    w.now.counter += how;
    w.dry = how == 255;
    return TS_OK;
}

static enum ts_err abandon(unsigned who)
{
    if (end_of(who))
        mikey_bundle_abandon(end_of(who));
    return TS_OK;
}

static enum ts_err adopt(unsigned who)
{
    struct mikey_held held;
    (void)who;
    enum ts_err err = mikey_initiator_hold(w.i, &held);
    return err ? err : mikey_initiator_adopt(w.i, &w.now, &held);
}

/* Each step, and whether it may leave a bundle that there was alone. */
static const struct {
    enum ts_err (*take)(unsigned who);
    bool bundle;
} steps[] = {
    {request, false},     {at_kms, false},  {granted, false}, {make, false},
    {transfer, false},    {offered, false}, {resolve, false}, {resolved, false},
    {open_ticket, false}, {reuse, false},   {answer, false},  {answered, false},
    {unanswered, false},  {update, true},   {receive, true},  {refuse, true},
    {change, false},      {sign, false},    {wait, false},    {abandon, false},
    {adopt, false},
};
#define STEPS (sizeof steps / sizeof steps[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_n = size;
    world_begin(next() & 1 ? 128 : 256);
    while (input_n && w.made < WORLD_MESSAGES) {
        const uint8_t step = next();
        const unsigned nth = (step & 31) % STEPS, who = step >> 5;
        const bool bundle = steps[nth].bundle;
        world_freeze(who & 1, bundle ? end_of(who) : NULL);
        enum ts_err err = steps[nth].take(bundle ? who : who & 1);
        if (err)
            world_must_be_unchanged(who & 1, bundle ? end_of(who) : NULL);
    }
    mikey_initiator_wipe(w.i);
    for (size_t k = 0; k < 2; k++) {
        mikey_responder_wipe(w.r[k]);
        mikey_bundle_wipe(w.at_i[k]);
        mikey_bundle_wipe(w.at_r[k]);
    }
    return 0;
}
