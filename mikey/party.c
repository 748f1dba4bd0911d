/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/party.h"

#include <stdalign.h>

#include "mikey/srtp.h"

/* ---- memory ---- */

enum ts_err mikey_buf_set(struct mikey_buf *b, struct ts_span s)
{
    if (s.n > b->cap)
        return TS_E_SPACE;
    if (s.n)
        memmove(b->p, s.p, s.n);
    b->n = s.n;
    return TS_OK;
}

bool mikey_cut(void *mem, size_t n, size_t size, struct mikey_buf *buf,
               size_t count)
{
    if (!mem || n < size || (uintptr_t)mem % alignof(max_align_t))
        return false;
    size_t cap = (n - size) / count;
    uint8_t *p = (uint8_t *)mem + size;
    for (size_t i = 0; i < count; i++)
        buf[i] = (struct mikey_buf){p + i * cap, cap, 0};
    return cap > 0;
}

enum ts_err mikey_hand_out(struct ts_span message, uint8_t *out, size_t cap,
                           size_t *n)
{
    if (message.n > cap)
        return TS_E_SPACE;
    memcpy(out, message.p, message.n);
    *n = message.n;
    return TS_OK;
}

/* ---- identities ---- */

enum ts_err mikey_name_set(struct mikey_name *name, struct mikey_id id)
{
    if (id.data.n > sizeof name->b)
        return TS_E_RANGE;
    name->type = id.type;
    name->n = (uint8_t)id.data.n;
    if (id.data.n)
        memmove(name->b, id.data.p, id.data.n);
    return TS_OK;
}

bool mikey_party_same(const struct mikey_party *p, const struct mikey_id *a,
                      const struct mikey_id *b)
{
    if (!a->data.p || !b->data.p)
        return false;
    if (p->same)
        return p->same(p->arg, a, b);
    return a->type == b->type && ts_span_equal(a->data, b->data);
}

/* ---- the party ---- */

static bool key_ok(struct ts_span key)
{
    return !key.p || (key.n >= 16 && key.n <= MIKEY_KEY_MAX); /* R271 */
}

bool mikey_party_ok(const struct mikey_party *p)
{
    return p && p->random && mikey_suite_bits(p->bits) && p->self.data.p &&
           p->self.data.n <= MIKEY_ID_MAX && key_ok(p->psk) && key_ok(p->tpk) &&
           (!p->signer || p->sealer);
}

enum ts_err mikey_party_random(const struct mikey_party *p, uint8_t *buf,
                               size_t n)
{
    return p->random(p->arg, buf, n);
}

enum ts_err mikey_party_csb(const struct mikey_party *p, uint32_t *csb)
{
    uint8_t b[4];
    enum ts_err err = mikey_party_random(p, b, sizeof b);
    *csb = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
           b[3];
    return err;
}

const struct mikey_ticket_type *
mikey_type_find(const struct mikey_ticket_type *types, size_t n,
                struct mikey_kind kind)
{
    for (size_t i = 0; i < n; i++)
        if (mikey_kind_equal(types[i].kind, kind))
            return &types[i];
    return NULL;
}

enum ts_err mikey_party_credential(const struct mikey_party *p,
                                   struct ts_key *env_key,
                                   struct mikey_credential *cred)
{
    *cred = (struct mikey_credential){p->psk, p->psk_id, NULL, NULL};
    if (!p->signer)
        return p->psk.p ? TS_OK : TS_E_DENIED;
    env_key->len = mikey_party_suite(p)->encr_key;
    enum ts_err err = mikey_party_random(p, env_key->b, env_key->len);
    cred->key = ts_key_span(env_key);
    cred->key_id = ts_span(NULL, 0);
    cred->signer = p->signer;
    cred->sealer = p->sealer;
    return err;
}

/* ---- time ---- */

struct mikey_time mikey_now_t(const struct mikey_now *now)
{
    struct mikey_time t = mikey_time_ntp(now->us);
    t.type = now->ts_type;
    if (t.type == MIKEY_COUNTER)
        t.value = now->counter;
    else if (t.type == MIKEY_NTP_UTC_32)
        t.value &= UINT64_C(0xffffffff00000000); /* R215 */
    return t;
}

struct mikey_time mikey_now_after(const struct mikey_now *now,
                                  struct mikey_time last)
{
    struct mikey_time t = mikey_now_t(now);
    uint64_t step = t.type == MIKEY_NTP_UTC_32 ? UINT64_C(1) << 32 : 1;
    if (t.value <= last.value)
        t.value = last.value + step;
    return t;
}

enum ts_err mikey_now_check(const struct mikey_now *now, uint32_t skew,
                            struct mikey_time t, bool response)
{
    if (t.type == MIKEY_COUNTER)
        return response || t.value > now->seen ? TS_OK : TS_E_REPLAY;
    return mikey_time_check(t, now->us, skew);
}

/* ---- keys, policies, sessions ---- */

size_t mikey_longest(const struct mikey_key *keys, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        if (keys[i].key.n > most)
            most = keys[i].key.n;
    return most;
}

enum ts_err mikey_policies(const struct mikey_srtp_policy *policy,
                           const uint8_t *no, size_t n,
                           struct ts_writer *params, struct mikey_sp *sp)
{
    if (n > MIKEY_SP_MAX)
        return TS_E_RANGE;
    for (size_t i = 0; i < n; i++) {
        size_t from = params->len;
        mikey_srtp_policy_write(params, &policy[i]);
        if (params->err)
            return params->err;
        sp[i] =
            (struct mikey_sp){no ? no[i] : (uint8_t)i, MIKEY_PROT_SRTP,
                              ts_span(params->buf + from, params->len - from)};
    }
    return TS_OK;
}

struct mikey_cs mikey_session_cs(const struct mikey_session *s,
                                 uint8_t data[static 10])
{
    struct ts_writer w = ts_writer_init(data, 10);
    ts_put_u32(&w, s->ssrc);
    if (s->started) {
        ts_put_u32(&w, s->roc);
        ts_put_u16(&w, s->seq);
    }
    return (struct mikey_cs){
        .id = s->cs,
        .prot = s->prot,
        .s = s->known && s->started,
        .policies = s->policies,
        .session = s->known ? ts_written(&w) : ts_span(NULL, 0),
        .spi = s->spi,
    };
}

struct mikey_session mikey_cs_session(const struct mikey_cs *cs)
{
    return (struct mikey_session){
        .cs = cs->id,
        .prot = cs->prot,
        .known = cs->session.n > 0,
        .started = cs->session.n > 0 && cs->s,
        .ssrc = cs->ssrc,
        .roc = cs->roc,
        .seq = cs->seq,
        .policies = cs->policies,
        .spi = cs->spi,
    };
}

/* ---- tickets ---- */

void mikey_ticket_tell(const struct mikey_tp *tp,
                       const struct mikey_policy *policy, size_t n_keys,
                       struct mikey_ticket_info *info)
{
    *info = (struct mikey_ticket_info){
        .kind = tp->kind,
        .flags = tp->flags,
        .kms = policy->kms,
        .initiator = policy->initiator,
        .start = policy->has_start ? policy->start : 0,
        .end = policy->has_end ? policy->end : 0,
        .rekey = policy->has_rekey ? policy->rekey : 0,
        .n_responders = policy->n_responders,
        .n_apps = policy->n_apps,
        .n_keys = n_keys,
    };
}

void mikey_refusal_set(struct mikey_refusal *r, const struct mikey_msg *error,
                       bool proven)
{
    *r = (struct mikey_refusal){
        .n = error->n_err, .proven = proven, .t = error->t};
    memcpy(r->no, error->err, error->n_err);
}

/* Another kind than the base ticket: its owner knows how to open it. */
static enum ts_err open_other(const struct mikey_ticket *t,
                              const struct mikey_ticket_type *type,
                              struct mikey_opened *out)
{
    struct ts_span rand = ts_span(NULL, 0);
    struct ts_span all = ts_span(
        t->body.p + 1, (size_t)(t->data.p + t->data.n - (t->body.p + 1)));
    struct mikey_keys *keys = &out->keys;
    MIKEY_UNSET struct mikey_prf prf;
    enum ts_err err = type->open(type->arg, all, t->data, keys->plain,
                                 sizeof keys->plain, &keys->len, &rand);
    if (!err && keys->len > sizeof keys->plain)
        err = TS_E_INTERNAL;
    if (!err)
        err = mikey_keys_parse(keys, 1);
    if (!err && (rand.n > 255 || rand.n < keys->k[0].key.n))
        err = TS_E_FORMAT;
    if (err)
        return err;
    mikey_prf_key(&prf, t->tp.prf, keys->k[0].key);
    mikey_derive_mpk(&prf, keys->k[0].key.n, rand, &out->mpk_i, &out->mpk_r);
    mikey_prf_wipe(&prf);
    return TS_OK;
}

enum ts_err mikey_ticket_open(const struct mikey_ticket *t,
                              const struct mikey_ticket_type *types,
                              size_t n_types, struct ts_span tpk,
                              struct mikey_opened *out)
{
    struct mikey_base base;
    const struct mikey_ticket_type *type =
        mikey_type_find(types, n_types, t->tp.kind);
    out->keys.n = out->keys.len = 0;
    if (type)
        return open_other(t, type, out); /* R229 */
    enum ts_err err = mikey_base_read(t, &base);
    return err ? err : mikey_base_open(t, &base, tpk, out);
}
