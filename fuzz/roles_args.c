/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Further arguments of steps in the world of fuzz_roles, by the bits of the
 * step that asks for them: what fits, and what cannot be.
 */
#include "fuzz/roles_world.h"

unsigned world_more(void)
{
    const unsigned more = w.more;
    w.more = 0;
    return more;
}

size_t world_room(unsigned more)
{
    return more & WORLD_TIGHT ? 60 : WORLD_MAX;
}

/* ---- tickets ---- */

static struct mikey_key key_of(uint8_t type, size_t n, size_t spi)
{
    return (struct mikey_key){.type = type,
                              .kv = MIKEY_KV_SPI,
                              .key = ts_span(world_octets, n),
                              .salt = world_salt(type),
                              .spi = ts_span(world_octets + spi, 2)};
}

/* Session keys: some that can be had, and others. */
static void wish_keys(struct mikey_wish *wish, unsigned how)
{
    static struct mikey_key k[9];
    const size_t n = w.party[0].bits / 8;
    for (size_t i = 0; i < 9; i++)
        k[i] = key_of((uint8_t)(i % 6), n, i);
    wish->keys = k;
    wish->n_keys = how == 3 ? 0 : how == 6 ? 9 : 2;
    if (how == 1)
        k[1].spi = k[0].spi;
    if (how == 2)
        k[1].salt = ts_span(world_octets, 33);
    if (how == 5)
        k[0].key.n = 15;
    if (how != 4 && how != 7)
        return;
    for (size_t i = 0; i < 8; i++) { /* as long as can be */
        k[i] = key_of(MIKEY_TGK, n, i);
        k[i].key.n = n == 16 ? n : MIKEY_KEY_MAX;
        k[i].spi = ts_span(w.octets + i, 255);
    }
    wish->n_keys = how == 4 ? 3 : 8; /* or more than there is room for */
}

void world_wish(struct mikey_wish *wish, unsigned more)
{
    static const struct mikey_id apps[] = {
        {0, MIKEY_ID_BYTES, {(const uint8_t *)"other", 5}},
        {0, MIKEY_ID_BYTES, {(const uint8_t *)"app", 3}}};
    if (w.options & WORLD_TYPES)
        wish->kind = world_types[0].kind;
    if (more & 1)
        wish->kind = w.options & WORLD_TYPES ? mikey_kind_base
                                             : (struct mikey_kind){61440, 7, 2};
    if (more & 2) {
        wish->app = apps;
        wish->n_apps = more & 4 ? 2 : 1;
    }
    if (more & 8) {
        wish->start = w.now.us / 1000000 + (more & 16 ? 5 : 0);
        wish->end = wish->start + 60;
    }
    if (more & 16)
        wish->rekey = 100;
    if (more & 32)
        wish->must = 0;
    if (more & 64)
        wish->flags = 0;
    if (more & 128) {
        wish->responder = &world_group;
        wish->n_responders = 1;
    }
    if (more & 256)
        *(more & 16 ? &wish->start : &wish->end) = UINT64_MAX;
    if (more & 512)
        wish->n_apps = MIKEY_APPS_MAX + 1;
    if (more & 1024)
        wish->n_responders = more & 512 ? MIKEY_RESPONDERS_MAX + 1 : 0;
    if (more >> 11 & 7)
        wish_keys(wish, more >> 11 & 7);
}

/* A ticket that was kept, with something wrong. */
void world_held(struct mikey_held *held, unsigned more)
{
    if (more & 1 && held->ticket.n)
        held->ticket.n--;
    if (more & 2)
        held->keys.n = 0;
    if (more & 4 && held->keys.n)
        held->keys.n--;
    if (more & 8)
        held->keys = ts_span(w.octets, MIKEY_KEYS_BYTES + 1);
    if (more & 16)
        held->idr_r.data = ts_span(NULL, 0);
    if (more & 32)
        held->rand_kms.n = 0;
    if (more & 64 && held->rand_kms.n)
        held->rand_kms.n = 8;
}

/* ---- sessions, policies and keys ---- */

/* Another policy, which everybody can do or nobody wants. */
static void add_policy(unsigned how, struct mikey_srtp_policy *p)
{
    *p = mikey_srtp_gcm(mikey_suite_bits(384 - w.party[0].bits));
    if (how & 4) {
        *p = mikey_srtp_usual(mikey_suite_bits(128));
        p->encr_alg = MIKEY_SRTP_NULL;
    }
    w.added = how & 2 ? 0 : (uint8_t)(10 + (w.spi & 63));
}

/* What a session says, or does not say. */
static void tune(struct mikey_session *s, unsigned how)
{
    if (how & 1)
        s->known = false;
    if (how & 2)
        s->started = true;
    if (how & 4)
        s->prot = MIKEY_PROT_TESLA;
    if (how & 8)
        s->spi.n = 0;
    if (how & 16)
        s->policies = ts_span("\0\1", 2);
    if (how & 32)
        s->policies.n = 0;
    if (how & 64)
        s->policies = ts_span(&w.added, 1);
}

/* Keys beside the first, with SPIs of their own, or not. */
static void more_keys(struct mikey_key k[static 5], bool same)
{
    for (size_t i = 1; i < 5; i++) {
        k[i] = k[0];
        k[i].spi = k[0].key.n > 32 ? ts_span(w.octets + 99 * i + w.spi, 255)
                                   : ts_span(w.octets + 99 * i + w.spi, 3);
    }
    if (same)
        k[1].spi = k[0].spi;
}

void world_offer(struct mikey_offer *o, unsigned more)
{
    static struct mikey_session s[WORLD_SESSIONS];
    static struct mikey_key k[5];
    memcpy(s, o->session, sizeof s);
    o->session = s;
    tune(&s[0], more & 63);
    if (more & 64)
        s[0].policies = ts_span("\11", 1);
    if (more & 128)
        s[1].cs = s[0].cs;
    if (more & 256)
        o->sdp_ids = ts_span_str("mikey");
    if (o->n_keys) {
        k[0] = o->keys[0];
        o->keys = k;
        if (more & 0x8000)
            k[0].key = ts_span(w.octets, MIKEY_KEY_MAX);
        if (more & 512)
            o->n_keys = 3;
        else if (more & 1024 && w.i->keys.n)
            k[0].spi = w.i->keys.k[w.i->keys.n - 1].spi;
        more_keys(k, more & 1024);
    }
    if (more & 2048)
        o->to.data = more & 4096 ? ts_span(NULL, 0) : ts_span(w.octets, 256);
    else if (more & 4096)
        o->rand_i.n = 8;
    if (more & 8192)
        o->n_sessions = more & 1 ? 256 : o->n_sessions;
    if (more & 16384)
        o->n_policies = MIKEY_SP_MAX + 1;
}

void world_answer(struct mikey_answer *a, struct mikey_session s[static 2],
                  unsigned more)
{
    static struct mikey_srtp_policy policy;
    static struct mikey_key k[5];
    tune(&s[0], more & 63);
    if (more & 64) { /* and a policy of our own */
        add_policy(more >> 7, &policy);
        a->policy = &policy;
        a->n_policies = 1;
        a->policy_no = more & 128 ? NULL : &w.added;
        if (more & 1024)
            tune(&s[0], 64);
    } else if (more & 128) {
        s[0].policies = ts_span("\11", 1);
    }
    if (more & 2048 && a->n_sessions) {
        s[1] = s[0];
        s[1].cs += more & 256 ? 0 : 3;
        a->n_sessions = 2;
    }
    if (a->n_keys) {
        k[0] = a->keys[0];
        a->keys = k;
        a->n_keys = more & 4096 ? 2 : 1;
        if (more & 8192)
            k[0].key = ts_span(w.octets, MIKEY_KEY_MAX);
        more_keys(k, more & 512);
    } else if (more & 8192) {
        s[0].cs = 0;
    }
}

void world_update(struct mikey_update *u, struct mikey_session *s,
                  unsigned more)
{
    static struct mikey_srtp_policy policy;
    static struct mikey_key k[5];
    if (u->n_sessions) {
        tune(&s[0], more & 63);
        if (more & 8192)
            s[0].policies = ts_span("\11", 1);
        if (more & 16384 && u->n_sessions > 1)
            s[1].cs = s[0].cs;
    }
    if (more & 64) {
        add_policy(more >> 7, &policy);
        u->policy = &policy;
        u->n_policies = 1;
        u->policy_no = more & 128 ? NULL : &w.added;
        if (more & 1024 && u->n_sessions)
            tune(&s[0], 64);
    }
    if (u->n_keys) {
        k[0] = u->keys[0];
        u->keys = k;
        u->n_keys = more & 2048 ? 5 : 1;
        if (more & 8192 && !u->n_sessions)
            k[0].key = ts_span(w.octets, MIKEY_KEY_MAX);
        more_keys(k, more & 4096);
    } else if (more & 4096) {
        u->n_sessions = 256;
    }
}
