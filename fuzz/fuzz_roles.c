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
 * The first byte says what world it is (enum world_options). A byte chooses a
 * step (low five bits) and who takes it (the rest); further bytes are its
 * arguments, as each step below asks for them by next(). The step more() gives
 * further arguments to the step that follows.
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
    const unsigned more = world_more();
    (void)who;
    set_wish();
    w.wish.flags |= MIKEY_FLAG_D;
    world_wish(&w.wish, more);
    enum ts_err err = mikey_initiator_request(w.i, &w.now, &w.wish, m->b,
                                              world_room(more), &m->n);
    world_post(m, err);
    return err;
}

static enum ts_err make(unsigned who)
{
    (void)who;
    set_wish();
    world_wish(&w.wish, world_more());
    return mikey_initiator_make(w.i, &w.now, &w.wish);
}

/* What a KMS takes is of one of us, and not taken a second time by replay(). */
static void must_be_new(const struct mikey_kms *kms,
                        const struct world_message *in, bool seen)
{
    MUST_HOLD(world_authentic(in, true));
    MUST_HOLD(!kms->replay || (!seen && world_seen(world_span(in))));
}

/* A ticket is resolved in its time. */
static void must_be_in_time(const struct world_message *m)
{
    static struct mikey_policy p;
    struct mikey_msg read;
    MUST_HOLD(mikey_msg_read(world_span(m), &read, NULL) == TS_OK);
    if (!read.has_ticket)
        return;
    MUST_HOLD(mikey_policy_read(read.ticket.tp.data, &p) == TS_OK);
    MUST_HOLD(!p.has_end || p.end >= w.now.us / 1000000);
}

static enum ts_err ask(const struct mikey_kms *kms)
{
    const struct world_message *in = world_pick(next());
    const bool seen = world_seen(world_span(in));
    struct world_message *m = world_fresh();
    const unsigned more = world_more();
    w.decided = more & ~(unsigned)WORLD_TIGHT;
    enum ts_err err = mikey_kms_answer(kms, &w.now, world_span(in), m->b,
                                       world_room(more), &m->n);
    w.decided = 0;
    if (!err) {
        must_be_new(kms, in, seen);
        must_be_in_time(in);
    }
    MUST_HOLD(!err == (m->n && m->b[1] != MIKEY_ERROR));
    world_post(m, TS_OK);
    return err;
}

static enum ts_err at_kms(unsigned who)
{
    (void)who;
    return ask(&w.kms);
}

static enum ts_err at_away(unsigned who)
{
    (void)who;
    return ask(&w.away);
}

/* Away, as a user of the other KMS: with a key, in most worlds. */
static struct mikey_party as_user(unsigned more)
{
    struct mikey_party as = w.as;
    if (more & 1)
        as.psk = ts_span(NULL, 0);
    if (more & 2)
        as.random = NULL;
    if (more & 4) {
        as.signer = &w.signer[0];
        as.sealer = &w.sealer[0];
    }
    if (more & 16)
        as.skew = 1;
    if (more & 8)
        as.omit = MIKEY_OMIT(MIKEY_IDR_R) | MIKEY_OMIT(MIKEY_IDR_KMS);
    return as;
}

static enum ts_err forward(unsigned who)
{
    const struct world_message *in = world_pick(next());
    const bool seen = world_seen(world_span(in));
    struct world_message *m = world_fresh();
    const unsigned more = world_more();
    const struct mikey_party as = as_user(more);
    (void)who;
    enum ts_err err = mikey_kms_forward(&w.away, &w.now, world_span(in), &as,
                                        m->b, world_room(more), &m->n);
    if (!err)
        must_be_new(&w.away, in, seen);
    MUST_HOLD(!err == (m->n && m->b[1] != MIKEY_ERROR));
    world_post(m, TS_OK);
    return err;
}

/* What is passed on opens under the key of the user that was asked for, and
 * brings the same keys. */
static void must_be_passed_on(struct ts_span asked, struct ts_span out,
                              struct ts_span sent, struct ts_span reply)
{
    struct mikey_msg a, b;
    struct mikey_reply got, theirs;
    bool opened = false;
    MUST_HOLD(mikey_msg_read(asked, &a, NULL) == TS_OK);
    MUST_HOLD(mikey_msg_read(sent, &b, NULL) == TS_OK);
    MUST_HOLD(mikey_reply_open(&b, reply, w.as.psk, &theirs) == TS_OK);
    MUST_HOLD(mikey_reply_open(&a, out, w.as.psk, &got) == TS_E_AUTH);
    for (size_t k = 1; k < 3; k++) {
        const struct mikey_buf *mine = &w.r[k - 1]->sent;
        if (w.party[k].signer && !ts_span_equal(mikey_buf_span(mine), asked))
            continue;
        if (mikey_reply_open(&a, out, world_request_key(k), &got))
            continue;
        opened = true;
        MUST_HOLD(ts_span_equal(b.idr[MIKEY_IDR_R].data, w.party[k].self.data));
        MUST_HOLD(ts_equal(got.keys.plain, got.keys.len, theirs.keys.plain,
                           theirs.keys.len));
    }
    MUST_HOLD(opened || w.party[1].signer); /* an older one of ours */
}

static enum ts_err pass_on(unsigned who)
{
    const struct world_message *in = world_pick(next());
    const struct world_message *sent = world_pick(next());
    const struct world_message *reply = world_pick(next());
    struct world_message *m = world_fresh();
    const unsigned more = world_more();
    const struct mikey_party as = as_user(more);
    (void)who;
    enum ts_err err = mikey_kms_pass_on(&w.away, &w.now, world_span(in), &as,
                                        world_span(sent), world_span(reply),
                                        m->b, world_room(more), &m->n);
    MUST_HOLD(err ||
              (world_authentic(in, true) && world_authentic(sent, true) &&
               world_authentic(reply, true)));
    MUST_HOLD(!err == (m->n && m->b[1] != MIKEY_ERROR));
    if (!err)
        must_be_passed_on(world_span(in), world_span(m), world_span(sent),
                          world_span(reply));
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
    const unsigned more = world_more();
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
                           : w.wish.n_keys ? w.wish.keys[k % w.wish.n_keys].spi
                                           : ts_span(NULL, 0);
    world_offer(&offer, more);
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
    return mikey_responder_offered(w.r[who], &w.now, world_span(m), &o,
                                   world_more() ? NULL : &no);
}

static enum ts_err resolve(unsigned who)
{
    struct world_message *m = world_fresh();
    enum ts_err err = mikey_responder_resolve(w.r[who], &w.now, m->b,
                                              world_room(world_more()), &m->n);
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
    struct mikey_held held = w.held;
    world_held(&held, world_more());
    return must_be_sent(who, false,
                        mikey_responder_reuse(w.r[who], &w.now, &held));
}

/* Room for a bundle, or too little. */
static size_t memory(unsigned more)
{
    return more & WORLD_LITTLE       ? mikey_bundle_size(40)
           : w.options & WORLD_SMALL ? mikey_bundle_size(300)
                                     : WORLD_MEM;
}

static void set_answer(struct mikey_answer *a, struct mikey_session s[static 2],
                       uint8_t how)
{
    s[0] = (struct mikey_session){.cs = (uint8_t)(1 + (how & 3)),
                                  .known = true,
                                  .ssrc = 99,
                                  .policies = ts_span("", how >> 2 & 1)};
    *a = (struct mikey_answer){.session = s, .n_sessions = how >> 3 & 1};
    w.key[2].type = how >> 5;
    w.key[2].salt = world_salt(how >> 5);
    if (how & 16) {
        a->keys = &w.key[2];
        a->n_keys = 1;
        s[0].spi = w.key[2].spi;
    }
}

static enum ts_err answer(unsigned who)
{
    struct world_message *m = world_fresh();
    struct mikey_session s[2];
    struct mikey_answer a;
    struct mikey_bundle *b = NULL;
    set_answer(&a, s, next());
    const unsigned more = world_more();
    world_answer(&a, s, more);
    enum ts_err err = mikey_responder_answer(
        w.r[who], &w.now, more == WORLD_NOTHING ? NULL : &a, m->b,
        world_room(more), &m->n, w.mem_at[1][who], memory(more), &b);
    w.at_r[who] = b; /* the memory was written to in any case */
    if (!err)
        world_look(b, &m->view);
    world_post(m, err);
    return err;
}

static enum ts_err answered(unsigned who)
{
    const struct world_message *m = world_pick(next());
    const unsigned more = world_more();
    struct mikey_bundle *b = NULL;
    enum ts_err err = mikey_initiator_answered(w.i, &w.now, world_span(m),
                                               w.mem_at[0][who] + (more & 1),
                                               memory(more), &b);
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
                                                 memory(world_more()), &b);
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
    const unsigned more = world_more();
    world_update(&u, s, more);
    struct world_message *m = world_fresh();
    enum ts_err err =
        mikey_bundle_update(b, &w.now, &u, m->b, world_room(more), &m->n);
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
    const unsigned more = world_more();
    struct mikey_session s[2];
    struct mikey_answer ours;
    if (more) {
        set_answer(&ours, s, next());
        world_answer(&ours, s, more);
    }
    enum ts_err err =
        mikey_bundle_receive(b, &w.now, world_span(in), more ? &ours : NULL,
                             m->b, world_room(more), &m->n);
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
    const uint8_t no[9] = {next(), MIKEY_ERR_UNSPECIFIED};
    const unsigned more = world_more();
    const size_t cap = world_room(more);
    const size_t n_no = more & 1 ? 0 : more & 2 ? sizeof no : 1;
    const size_t n_sp = more & 4 ? MIKEY_SP_MAX + 1 : more & 8 ? 1 : 0;
    struct mikey_bundle *b = end_of(who);
    enum ts_err err;
    if (next() & 1 && b)
        err = mikey_bundle_refuse(b, &w.now, world_span(in), no, n_no + 1,
                                  w.policy, n_sp ? n_sp : 1, m->b, cap, &m->n);
    else if (who & 2)
        err = mikey_responder_refuse(w.r[who & 1], &w.now, no, n_no, w.policy,
                                     n_sp ? n_sp : 2, m->b, cap, &m->n);
    else
        err = mikey_initiator_refuse(w.i, &w.now, world_span(in), no, n_no,
                                     w.policy, n_sp, m->b, cap, &m->n);
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
    w.dry = how > 250;
    w.left = 255u - how;
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
    const unsigned more = world_more();
    struct mikey_held held = w.held;
    enum ts_err err = TS_OK;
    (void)who;
    if (!(more & WORLD_LITTLE)) /* else what a Responder kept */
        err = mikey_initiator_hold(w.i, &held);
    world_held(&held, more);
    return err ? err : mikey_initiator_adopt(w.i, &w.now, &held);
}

/* ---- the world ---- */

static enum ts_err more(unsigned who)
{
    (void)who;
    w.more = next();
    w.more |= (unsigned)next() << 8;
    return TS_OK;
}

static enum ts_err fault(unsigned who)
{
    (void)who;
    w.fault = next();
    w.fault |= (unsigned)next() << 8;
    return TS_OK;
}

/* The clock that timestamps are of; or it is late. */
static enum ts_err set_clock(unsigned who)
{
    const uint8_t how = next();
    (void)who;
    w.now.ts_type = how & 3;
    if (how & 4)
        w.now.seen = w.now.counter + 1;
    if (how & 8)
        w.now.counter = UINT32_MAX - 1;
    if (how & 16)
        w.now.us = UINT64_C(2085978495) * 1000000; /* era 0 ends */
    if (how & 32)
        w.now.us += UINT64_C(400000000);
    return TS_OK;
}

static enum ts_err look(unsigned who)
{
    world_inspect(world_pick(next()), who & 1, end_of(who));
    if (next() & 1)
        world_refuse_parties();
    return TS_OK;
}

/* Each step, and whether it may leave a bundle that there was alone. */
static const struct {
    enum ts_err (*take)(unsigned who);
    bool bundle;
} steps[] = {
    {request, false},    {at_kms, false},   {granted, false},
    {make, false},       {transfer, false}, {offered, false},
    {resolve, false},    {resolved, false}, {open_ticket, false},
    {reuse, false},      {answer, false},   {answered, false},
    {unanswered, false}, {update, true},    {receive, true},
    {refuse, true},      {change, false},   {sign, false},
    {wait, false},       {abandon, false},  {adopt, false},
    {more, true},        {forward, false},  {pass_on, false},
    {at_away, false},    {fault, true},     {set_clock, true},
    {look, true},
};
#define STEPS (sizeof steps / sizeof steps[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_n = size;
    unsigned options = next();
    if (options & WORLD_MORE)
        options |= (unsigned)next() << 8;
    world_begin(options, options & WORLD_SMALL ? 1u + next() * 4u : 0);
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
