/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/roles_world.h"

#define WORLD_NOW UINT64_C(1795456800000000) /* microseconds */

struct world w;

static enum ts_err draw(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    if (w.dry && w.left == 0)
        return TS_E_IO;
    w.left -= w.dry;
    for (size_t k = 0; k < n; k++) {
        w.drawn++;
        buf[k] = (uint8_t)(w.drawn * 37 + (w.drawn >> 8));
    }
    return TS_OK;
}

static const char *const uris[] = {
    "sip:alice@example.org", "sip:bob@example.org", "sip:carol@example.org"};
const char world_octets[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_+=*/";

struct ts_span world_salt(uint8_t type)
{
    return ts_span(world_octets, type & 1 ? 14 : 0);
}

static struct mikey_party party(size_t nth, unsigned bits)
{
    return (struct mikey_party){
        .self = {0, MIKEY_ID_URI, ts_span_str(uris[nth])},
        .kms = w.kms.self,
        .bits = bits,
        .psk = ts_span(world_octets + nth, bits / 8),
        .psk_id = ts_span(world_octets + nth, 1),
        .tpk = ts_span(world_octets + 20, bits / 8),
        .tpk_id = ts_span("t", 1),
        .random = draw};
}

static void set_content(unsigned bits)
{
    for (uint8_t k = 0; k < WORLD_SESSIONS; k++)
        w.session[k] = (struct mikey_session){.cs = (uint8_t)(k + 1),
                                              .known = true,
                                              .ssrc = k,
                                              .policies = ts_span("", 1)};
    for (size_t k = 0; k < 4; k++)
        w.key[k] =
            (struct mikey_key){.kv = MIKEY_KV_SPI,
                               .key = ts_span(world_octets + k, bits / 8),
                               .spi = ts_span(world_octets + k, 1)};
    w.policy[0] = mikey_srtp_usual(mikey_suite_bits(bits));
    w.policy[1] = mikey_srtp_gcm(mikey_suite_bits(bits));
}

/* Memory of objects: all there is, or for short messages. */
static void begin_objects(size_t max)
{
    const bool small = w.options & WORLD_SMALL;
    w.i = mikey_initiator_init(
        w.mem_i, small ? mikey_initiator_size(max) : WORLD_MEM, &w.party[0]);
    for (size_t k = 0; k < 2; k++)
        w.r[k] = mikey_responder_init(
            w.mem_r[k], small ? mikey_responder_size(max) : WORLD_MEM,
            &w.party[1 + k]);
    MUST_HOLD(w.i && w.r[0] && w.r[1]);
}

void world_begin(unsigned options, size_t max)
{
    const unsigned bits = options & WORLD_128 ? 128 : 256;
    memset(&w, 0, sizeof w); /* lint: keys of a fuzz target */
    w.options = options;
    for (size_t k = 0; k < sizeof w.octets; k++)
        w.octets[k] = (uint8_t)(k * 7 + (k >> 8));
    w.now.us = WORLD_NOW;
    w.kms = (struct mikey_kms){
        .self = {0, MIKEY_ID_URI, ts_span_str("sip:kms@example.org")},
        .tpk = ts_span(world_octets + 20, bits / 8),
        .tpk_id = ts_span("t", 1),
        .random = draw};
    for (size_t k = 0; k < 3; k++)
        w.party[k] = party(k, bits);
    if (options & WORLD_MIXED)
        w.party[1] = party(1, 384 - bits);
    world_lend();
    set_content(bits);
    w.responder[0] = w.party[1].self;
    w.responder[1] = w.party[2].self;
    begin_objects(max);
}

/* ---- messages ---- */

struct world_message *world_fresh(void)
{
    MUST_HOLD(w.made < WORLD_MESSAGES);
    struct world_message *m = &w.pool[w.made++];
    *m = (struct world_message){.n = 0};
    w.now.counter++; /* never used before */
    return m;
}

void world_post(struct world_message *m, enum ts_err err)
{
    if (err || m->n == 0) {
        w.made--;
        return;
    }
    m->sent = true;
}

struct world_message *world_pick(unsigned back)
{
    static struct world_message none;
    return w.made ? &w.pool[w.made - 1 - back % w.made] : &none;
}

/* Without Initiator Data, where nobody verifies them. */
static size_t core(const struct world_message *m, bool vr, uint8_t *out)
{
    struct mikey_msg read;
    memcpy(out, m->b, m->n);
    if (mikey_msg_read(world_span(m), &read, NULL) || !read.has_ticket ||
        (vr && read.ticket.tp.flags & MIKEY_FLAG_I) ||
        read.hdr.type != MIKEY_TRANSFER_INIT)
        return m->n;
    size_t end = mikey_at(&read, read.ticket.body) + read.ticket.body.n;
    size_t cut = end - 2 - read.ticket.init.n;
    memmove(out + cut, m->b + end, m->n - end);
    return m->n - (end - cut);
}

bool world_authentic(const struct world_message *m, bool vr)
{
    static uint8_t a[WORLD_MAX], b[WORLD_MAX];
    const size_t n = core(m, vr, a);
    if (m->sent || m->insider)
        return true;
    for (size_t k = 0; k < WORLD_MESSAGES; k++)
        if ((w.pool[k].sent || w.pool[k].insider) &&
            core(&w.pool[k], vr, b) == n &&
            memcmp(a, b, n) == 0) /* lint: messages */
            return true;
    return false;
}

/* ---- keys of both ends ---- */

void world_look(const struct mikey_bundle *b, struct world_view *v)
{
    struct mikey_session s;
    v->there = true;
    v->n = 0;
    for (size_t k = 0; k < mikey_bundle_sessions(b) && k <= WORLD_SESSIONS;
         k++) {
        MUST_HOLD(mikey_bundle_session(b, k, &s) == TS_OK);
        if (mikey_bundle_srtp(b, s.cs, &v->key[v->n]) == TS_OK)
            v->cs[v->n++] = s.cs;
    }
}

void world_must_agree(const struct mikey_bundle *b,
                      const struct world_view *sent)
{
    struct world_view mine;
    if (!sent->there)
        return;
    world_look(b, &mine);
    MUST_HOLD(mine.n == sent->n);
    for (size_t k = 0; k < mine.n; k++) {
        const struct mikey_srtp_key *a = &mine.key[k], *c = &sent->key[k];
        MUST_HOLD(mine.cs[k] == sent->cs[k]);
        MUST_HOLD(ts_equal(a->key, a->key_len, c->key, c->key_len));
        MUST_HOLD(ts_equal(a->salt, a->salt_len, c->salt, c->salt_len));
    }
}

/* ---- nothing changes where a step fails ---- */

static struct {
    struct mikey_initiator i;
    struct world_view view;
    struct mikey_responder r;
    struct mikey_bundle b;
} before, after;

void world_freeze(unsigned who, const struct mikey_bundle *b)
{
    memset(&after, 0, sizeof after); /* lint: keys of a fuzz target */
    after.i = *w.i;
    after.r = *w.r[who];
    after.i.refusal = after.r.refusal = (struct mikey_refusal){0};
    after.r.refused = false;
    after.r.about = (struct mikey_hdr){0};
    if (!b)
        return;
    world_look(b, &after.view);
    after.b = *b;
    after.b.refusal = (struct mikey_refusal){0};
    after.b.pending.n = 0;
    memset(&after.b.sps.sp[b->sps.n], 0, /* lint: policies */
           (MIKEY_SP_MAX - b->sps.n) * sizeof after.b.sps.sp[0]);
    memset(&after.b.sps.ours[b->sps.n], 0, /* lint: policies */
           (MIKEY_SP_MAX - b->sps.n) * sizeof after.b.sps.ours[0]);
}

void world_must_be_unchanged(unsigned who, const struct mikey_bundle *b)
{
    before = after;
    world_freeze(who, b);
    if (b)
        world_must_agree(b, &before.view);
    before.view = after.view;
    MUST_HOLD(memcmp(&before, &after, sizeof after) == 0); /* lint: fuzzing */
}

/* ---- messages of an insider ---- */

bool world_insider(void)
{
    for (size_t k = 0; k < WORLD_MESSAGES; k++)
        if (w.pool[k].insider)
            return true;
    return false;
}

static void set_mac(struct world_message *m, struct mikey_protect *keys,
                    const struct mikey_msg *read, struct ts_span tail1,
                    struct ts_span tail2)
{
    struct mikey_hmac h;
    const size_t at = mikey_at(read, read->v.mac);
    if (read->v.mac.n != keys->suite->mac)
        return;
    mikey_protect_auth(keys, &h);
    mikey_hmac_add(&h, ts_span(m->b, at));
    mikey_hmac_add(&h, tail1);
    mikey_hmac_add(&h, tail2);
    mikey_hmac_end(&h, m->b + at, read->v.mac.n);
    m->insider = true;
}

struct ts_span world_request_key(size_t nth)
{
    const struct ts_key *env = nth ? &w.r[nth - 1]->env_key : &w.i->env_key;
    return w.party[nth].signer ? ts_key_span(env) : w.party[nth].psk;
}

/* A request to the KMS, or its reply. */
static void sign_kms(struct world_message *m, const struct mikey_msg *read)
{
    const bool init = mikey_is_request_init(read->hdr.type) ||
                      mikey_is_resolve_init(read->hdr.type);
    const struct mikey_buf *sent[] = {&w.i->sent, &w.r[0]->sent, &w.r[1]->sent};
    for (size_t k = 0; k < 3; k++) {
        struct mikey_protect keys;
        struct mikey_msg first;
        if (mikey_msg_read(mikey_buf_span(sent[k]), &first, NULL) ||
            first.hdr.csb != read->hdr.csb || !mikey_suite_prf(read->hdr.prf))
            continue;
        const struct mikey_party *p = &w.party[k];
        mikey_protect_of(init ? read : &first, init ? NULL : read,
                         world_request_key(k), &keys);
        if (init)
            set_mac(m, &keys, read, p->self.data, p->kms.data);
        else
            set_mac(m, &keys, read, first.raw, ts_span(NULL, 0));
    }
}

/* A message of a bundle: an update, or the answer to one. */
static bool sign_update(struct world_message *m, const struct mikey_msg *read)
{
    struct mikey_bundle *const all[] = {w.at_i[0], w.at_i[1], w.at_r[0],
                                        w.at_r[1]};
    for (size_t k = 0; k < 4; k++) {
        struct mikey_bundle *b = all[k];
        if (!b || b->csb.keys.csb != read->hdr.csb)
            continue;
        if (read->hdr.type == MIKEY_TRANSFER_INIT)
            set_mac(m, &b->csb.keys, read, b->csb.i.data, b->csb.r.data);
        else if (b->waiting)
            set_mac(m, &b->csb.keys, read, mikey_buf_span(&b->pending),
                    ts_span(NULL, 0));
        else
            set_mac(m, &b->csb.keys, read, ts_span(NULL, 0), ts_span(NULL, 0));
        return true;
    }
    return false;
}

/* TRANSFER_RESP of a Responder that has verified the offer. */
static void sign_answer(struct world_message *m, const struct mikey_msg *read)
{
    struct mikey_msg init;
    struct mikey_protect keys;
    if (mikey_msg_read(mikey_buf_span(&w.i->offered), &init, NULL))
        return;
    for (size_t k = 0; k < 2; k++) {
        const struct mikey_keys *mine = &w.r[k]->keys;
        const size_t which = init.ticket.tp.flags & MIKEY_FLAG_I ? 1 : 0;
        if (mine->n <= which)
            continue;
        mikey_protect_of(&init, read, mine->k[which].key, &keys);
        set_mac(m, &keys, read, init.raw, ts_span(NULL, 0));
        return;
    }
}

void world_sign(struct world_message *m)
{
    struct mikey_msg read;
    if (mikey_msg_read(world_span(m), &read, NULL) || !read.has_v)
        return;
    if (sign_update(m, &read))
        return;
    if (read.hdr.type == MIKEY_TRANSFER_RESP)
        sign_answer(m, &read);
    else if (read.hdr.type != MIKEY_TRANSFER_INIT &&
             read.hdr.type != MIKEY_ERROR)
        sign_kms(m, &read);
}
