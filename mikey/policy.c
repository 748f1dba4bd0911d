/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/policy.h"

const struct mikey_kind mikey_kind_base = {
    MIKEY_BASE_TICKET, MIKEY_BASE_SUBTYPE, MIKEY_BASE_VERSION};

bool mikey_flags_ok(uint16_t f, bool has_tgk)
{
#define HAS(x) (f & MIKEY_FLAG_##x)
    return f >> 12 == 0 && (HAS(D) || HAS(L)) && (!HAS(G) || HAS(F)) &&
           (HAS(G) || HAS(H)) && /* R158: one RAND at least enters the TEK */
           (!HAS(I) || HAS(E)) && (!HAS(K) || HAS(D)) && (!HAS(M) || HAS(F)) &&
           !(HAS(I) && has_tgk && !HAS(F)); /* R217 */
#undef HAS
}

/* TRs and TRe: any NTP type; TRr: NTP-UTC-32 only (R235, AMB 16). */
static enum ts_err take_tr(struct mikey_policy *p,
                           const struct mikey_payload *pl)
{
    uint64_t us;
    switch (pl->u.tr.role) {
    case MIKEY_TRS:
    case MIKEY_TRE: {
        bool end = pl->u.tr.role == MIKEY_TRE;
        if (end ? p->has_end : p->has_start)
            return TS_E_DUPLICATE;
        enum ts_err err = mikey_time_unix(pl->u.tr.t, &us);
        if (err)
            return err;
        *(end ? &p->end : &p->start) = us / 1000000;
        *(end ? &p->has_end : &p->has_start) = true;
        return TS_OK;
    }
    case MIKEY_TRR:
        if (p->has_rekey)
            return TS_E_DUPLICATE;
        if (pl->u.tr.t.type != MIKEY_NTP_UTC_32)
            return TS_E_UNSUPPORTED;
        p->has_rekey = true;
        p->rekey = (uint32_t)(pl->u.tr.t.value >> 32);
        return TS_OK;
    default:
        return TS_OK; /* R231 */
    }
}

static enum ts_err take_one_idr(struct mikey_id *to, const struct mikey_id *id)
{
    if (to->data.p)
        return TS_E_DUPLICATE;
    *to = *id;
    return TS_OK;
}

static enum ts_err take_idr(struct mikey_policy *p, const struct mikey_id *id)
{
    switch (id->role) {
    case MIKEY_IDR_KMS:
        return take_one_idr(&p->kms, id);
    case MIKEY_IDR_I:
        return take_one_idr(&p->initiator, id);
    case MIKEY_IDR_R: /* R240: one payload an identity */
        if (p->n_responders == MIKEY_RESPONDERS_MAX)
            return TS_E_UNSUPPORTED;
        p->responder[p->n_responders++] = *id;
        return TS_OK;
    case MIKEY_IDR_APP:
        if (p->n_apps == MIKEY_APPS_MAX)
            return TS_E_UNSUPPORTED;
        p->app[p->n_apps++] = *id;
        return TS_OK;
    default:
        return TS_OK; /* R231 */
    }
}

static enum ts_err take(struct mikey_policy *p, const struct mikey_payload *pl)
{
    switch (pl->type) {
    case MIKEY_TR:
        return take_tr(p, pl);
    case MIKEY_IDR:
        return take_idr(p, &pl->u.id);
    case MIKEY_KEMAC:
        if (p->has_kemac)
            return TS_E_DUPLICATE;
        p->has_kemac = true;
        p->kemac = pl->u.kemac;
        return TS_OK;
    default:
        return TS_OK; /* R231 */
    }
}

/* Only what a reader looks at first; the lists are filled up to their n. */
static void policy_clear(struct mikey_policy *p)
{
    p->kms = p->initiator = (struct mikey_id){0};
    p->has_start = p->has_end = p->has_rekey = p->has_kemac = false;
    p->start = p->end = 0;
    p->rekey = 0;
    p->n_responders = p->n_apps = 0;
}

enum ts_err mikey_policy_read(struct ts_span tp_data, struct mikey_policy *p)
{
    policy_clear(p);
    struct mikey_chain c = mikey_chain_first(tp_data);
    struct mikey_payload pl;
    while (mikey_chain_next(&c, &pl)) {
        enum ts_err err = take(p, &pl);
        if (err)
            return err;
    }
    enum ts_err err = mikey_chain_end(&c); /* R230 */
    if (!err && p->n_responders == 0)
        err = TS_E_MISSING;
    return err;
}

/* R237, R238: NULL encryption, NULL MAC, key octets zero. */
static void build_wanted(struct mikey_build *b, const struct mikey_key *want,
                         size_t n)
{
    static const uint8_t zeros[TS_KEY_MAX];
    size_t mark = mikey_kemac_begin(b, MIKEY_ENCR_NULL);
    for (size_t i = 0; i < n; i++) {
        struct mikey_key k = want[i];
        if (k.key.n > sizeof zeros || k.salt.n > sizeof zeros) {
            ts_writer_fail(b->w, TS_E_RANGE);
            return;
        }
        k.key.p = k.salt.p = zeros;
        mikey_put_key(b->w, &k, i + 1 == n);
    }
    mikey_kemac_end(b, mark, NULL, NULL, 0, 0);
}

static void build_tp_data(struct ts_writer *w, const struct mikey_policy *p,
                          const struct mikey_key *want, size_t n_want)
{
    struct mikey_build d = mikey_build_first(w);
    mikey_build_idr(&d, MIKEY_IDR_KMS, p->kms);
    mikey_build_idr(&d, MIKEY_IDR_I, p->initiator);
    if (p->has_start)
        mikey_build_tr(&d, MIKEY_TRS, mikey_time_ntp32(p->start));
    if (p->has_end)
        mikey_build_tr(&d, MIKEY_TRE, mikey_time_ntp32(p->end));
    if (p->has_rekey)
        mikey_build_tr(
            &d, MIKEY_TRR,
            (struct mikey_time){MIKEY_NTP_UTC_32, (uint64_t)p->rekey << 32});
    if (want)
        build_wanted(&d, want, n_want); /* R237, R238 */
    for (size_t i = 0; i < p->n_apps; i++)
        mikey_build_idr(&d, MIKEY_IDR_APP, p->app[i]);
    for (size_t i = 0; i < p->n_responders; i++)
        mikey_build_idr(&d, MIKEY_IDR_R, p->responder[i]);
}

void mikey_build_tp(struct mikey_build *b, const struct mikey_tp *tp,
                    const struct mikey_policy *p, const struct mikey_key *want,
                    size_t n_want)
{
    ts_put_u16(b->w, tp->kind.type);
    ts_put_u8(b->w, tp->kind.subtype);
    ts_put_u8(b->w, tp->kind.version);
    ts_put_u8(b->w, (unsigned)tp->prf << 1 | tp->flags >> 11);
    ts_put_u16(b->w, (tp->flags & 0x7ffu) << 5 | tp->reserved);
    size_t mark = ts_open_u16(b->w);
    build_tp_data(b->w, p, want, n_want);
    ts_close_u16(b->w, mark);
}

enum ts_err mikey_policy_valid(const struct mikey_policy *p, uint64_t now,
                               uint32_t skew)
{
    if (p->has_start && now + skew < p->start)
        return TS_E_EXPIRED;
    if (p->has_end && now > p->end + skew)
        return TS_E_EXPIRED;
    return TS_OK;
}
