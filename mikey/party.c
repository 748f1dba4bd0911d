/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/party.h"

#include <stdalign.h>

#include "mikey/session.h"

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
           p->self.data.n > 0 && p->self.data.n <= MIKEY_ID_MAX &&
           key_ok(p->psk) && key_ok(p->tpk) && (!p->signer || p->sealer);
}

enum ts_err mikey_party_random(const struct mikey_party *p, uint8_t *buf,
                               size_t n)
{
    return n ? p->random(p->arg, buf, n) : TS_OK;
}

enum ts_err mikey_party_csb(const struct mikey_party *p, uint32_t *csb)
{
    uint8_t b[4];
    enum ts_err err = mikey_party_random(p, b, sizeof b);
    if (!err)
        *csb = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
               (uint32_t)b[2] << 8 | b[3];
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

bool mikey_kind_known(const struct mikey_ticket_type *types, size_t n,
                      const struct mikey_tp *tp, uint16_t flag)
{
    return tp->flags & flag || mikey_kind_equal(tp->kind, mikey_kind_base) ||
           mikey_type_find(types, n, tp->kind);
}

/* R4, R91: a PSK, or a key pair and a new envelope key. */
static enum ts_err draw_credential(const struct mikey_party *p,
                                   const struct mikey_suite *suite,
                                   struct mikey_fresh_init *f)
{
    f->cred = (struct mikey_credential){p->psk, p->psk_id, NULL, NULL};
    f->env_key.len = 0;
    if (!p->kms.data.p || (!p->signer && !p->psk.p))
        return TS_E_DENIED;
    if (!p->signer)
        return TS_OK;
    f->env_key.len = suite->encr_key;
    f->cred = (struct mikey_credential){.key = ts_key_span(&f->env_key),
                                        .signer = p->signer,
                                        .sealer = p->sealer};
    return mikey_party_random(p, f->env_key.b, f->env_key.len);
}

enum ts_err mikey_party_draw(const struct mikey_party *p,
                             const struct mikey_suite *suite,
                             struct mikey_fresh_init *f)
{
    enum ts_err err = draw_credential(p, suite, f);
    size_t n = f->cred.key.n > MIKEY_RAND_LEN ? f->cred.key.n
                                              : MIKEY_RAND_LEN; /* R272 */
    if (!err)
        err = mikey_party_csb(p, &f->csb); /* R8, R95 */
    if (!err)
        err = mikey_party_random(p, f->rand, n);
    f->rand_view = ts_span(f->rand, n);
    if (err)
        ts_key_wipe(&f->env_key);
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

enum ts_err mikey_now_after(const struct mikey_now *now, struct mikey_time last,
                            struct mikey_time *t)
{
    *t = mikey_now_t(now);
    if (!mikey_time_alike(*t, last))
        return TS_E_RANGE;
    return mikey_time_later(*t, last) ? TS_OK : mikey_time_after(last, t);
}

enum ts_err mikey_now_check(const struct mikey_now *now, uint32_t skew,
                            struct mikey_time t, bool response)
{
    if (t.type == MIKEY_COUNTER)
        return response || t.value > now->seen ? TS_OK : TS_E_REPLAY;
    return mikey_time_check(t, now->us, skew);
}

/* ---- keys ---- */

size_t mikey_longest(const struct mikey_key *keys, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        if (keys[i].key.n > most)
            most = keys[i].key.n;
    return most;
}

static bool has_salt(const struct mikey_key *k)
{
    return k->type == MIKEY_TGK_SALT || k->type == MIKEY_TEK_SALT ||
           k->type == MIKEY_GTGK_SALT;
}

size_t mikey_keys_bytes(const struct mikey_key *keys, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += 5 + keys[i].key.n + keys[i].spi.n +
               (has_salt(&keys[i]) ? 2 + keys[i].salt.n : 0);
    return all;
}

static bool key_sendable(const struct mikey_key *k,
                         const struct mikey_suite *suite)
{
    const size_t longest = suite->bits == 128 ? 16 : MIKEY_KEY_MAX;
    return k->type <= MIKEY_GTGK_SALT && k->spi.n > 0 && k->spi.n <= 255 &&
           k->key.n >= 16 && k->key.n <= longest &&
           (has_salt(k) ? k->salt.n > 0 && k->salt.n <= 255 : k->salt.n == 0);
}

enum ts_err mikey_keys_ours(const struct mikey_key *keys, size_t n,
                            const struct mikey_suite *suite, size_t most)
{
    if (n > most)
        return TS_E_RANGE;
    for (size_t i = 0; i < n; i++) {
        if (!key_sendable(&keys[i], suite))
            return TS_E_RANGE; /* R213, R271, R279 */
        for (size_t j = 0; j < i; j++)
            if (ts_span_equal(keys[i].spi, keys[j].spi))
                return TS_E_RANGE; /* AMB 14 */
    }
    return mikey_keys_bytes(keys, n) <= MIKEY_KEYS_BYTES ? TS_OK : TS_E_RANGE;
}

enum ts_err mikey_keys_take(struct mikey_keys *keys, struct ts_span octets,
                            unsigned mpks)
{
    keys->n = keys->len = 0;
    if (octets.n == 0)
        return TS_E_FORMAT;
    if (octets.n > sizeof keys->plain)
        return TS_E_UNSUPPORTED;
    memmove(keys->plain, octets.p, octets.n);
    keys->len = octets.n;
    return mikey_keys_parse(keys, mpks);
}

bool mikey_rands_ok(struct ts_span rand_i, struct ts_span rand_r,
                    const struct mikey_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!mikey_is_tek(&keys[i]) && rand_i.n + rand_r.n < keys[i].key.n)
            return false; /* R272 */
    return true;
}

enum ts_err mikey_keys_fit(const struct mikey_keys *keys,
                           const struct mikey_tp *tp)
{
    bool tgk = false;
    for (size_t i = 0; i < keys->n; i++) {
        const struct mikey_key *k = &keys->k[i];
        tgk = tgk || mikey_is_tgk(k);
        if (k->type != MIKEY_MPK && k->key.n > 16 && tp->prf == MIKEY_PRF_SHA1)
            return TS_E_UNSUPPORTED; /* R279 */
    }
    return mikey_flags_ok(tp->flags, tgk) ? TS_OK : TS_E_FORMAT; /* R217 */
}

/* ---- tickets ---- */

void mikey_ticket_tell(const struct mikey_tp *tp, struct ts_span data,
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
        .policy = tp->data,
        .data = data,
    };
}

/* Another kind than the base ticket: its owner knows how to open it. */
static enum ts_err open_other(const struct mikey_ticket *t,
                              const struct mikey_ticket_type *type,
                              struct mikey_opened *out)
{
    struct ts_span rand = ts_span(NULL, 0);
    const struct ts_span covered = ts_span(
        t->body.p + 1, (size_t)(t->data.p + t->data.n - (t->body.p + 1)));
    struct mikey_keys *keys = &out->keys;
    size_t n = 0;
    enum ts_err err = type->open(type->arg, covered, t->data, keys->plain,
                                 sizeof keys->plain, &n, &rand);
    keys->len = n > sizeof keys->plain ? 0 : n; /* a program's mistake */
    if (!err)
        err = mikey_keys_parse(keys, 1);
    if (!err && (rand.n > 255 || rand.n < keys->k[0].key.n))
        err = TS_E_FORMAT; /* R274 */
    if (err) {
        keys->n = keys->len = 0;
        ts_wipe(keys->plain, sizeof keys->plain);
        return err;
    }
    MIKEY_UNSET struct mikey_prf prf;
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
        return open_other(t, type, out);
    enum ts_err err = mikey_base_read(t, &base);
    return err ? err : mikey_base_open(t, &base, tpk, out);
}

/* ---- Error ---- */

void mikey_refusal_set(struct mikey_refusal *r, const struct mikey_msg *error,
                       bool proven)
{
    *r = (struct mikey_refusal){
        .n = error->n_err, .proven = proven, .t = error->t};
    memcpy(r->no, error->err, error->n_err);
}

enum ts_err mikey_refuse_write(const struct mikey_refuse *in, uint8_t *out,
                               size_t cap, size_t *n)
{
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer scratch = mikey_buf_writer(in->scratch);
    struct ts_writer w = ts_writer_init(out, cap);
    if (in->about->type == MIKEY_ERROR)
        return TS_E_STATE;
    if (in->n_no == 0 || in->n_no > MIKEY_ERR_MAX)
        return TS_E_RANGE;
    enum ts_err err =
        mikey_sps_write(in->policy, NULL, in->n_policies, &scratch, sp);
    if (err)
        return err;
    struct mikey_error_new error = {.about = in->about,
                                    .t = in->t, /* R185, R186 */
                                    .n_no = in->n_no,
                                    .sp = sp,
                                    .n_sp = in->n_policies, /* R182 */
                                    .auth = in->auth};
    memcpy(error.no, in->no, in->n_no);
    mikey_build_error(&w, &error);
    if (!w.err)
        *n = w.len;
    return w.err;
}
