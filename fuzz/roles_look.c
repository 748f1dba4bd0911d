/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the objects of fuzz_roles tell: it is there as often as it is said to
 * be, and behind that is nothing.
 */
#include "fuzz/roles_world.h"

/* ---- messages ---- */

static void inspect_message(const struct world_message *m)
{
    struct mikey_glance g;
    struct mikey_walk walk = {0};
    struct mikey_item item;
    struct mikey_srtp_policy policy;
    uint8_t no;
    size_t n = 0, end = 0;
    const enum ts_err err = mikey_look(world_span(m), &g);
    MUST_HOLD(!err || !m->sent);
    while (mikey_walk(world_span(m), &walk, &item)) {
        must_be_inside(item.octets, world_span(m));
        MUST_HOLD(end == 0 || item.offset == end);
        end = item.offset + item.octets.n;
        n += item.type == MIKEY_SP;
    }
    MUST_HOLD(err || end == m->n || end == 0);
    for (size_t k = 0; k < n; k++)
        MUST_HOLD(!m->sent ||
                  mikey_look_policy(world_span(m), k, &no, &policy) == TS_OK);
    MUST_HOLD(mikey_look_policy(world_span(m), n, &no, &policy) ==
              (err ? err : TS_E_NOTFOUND));
}

/* ---- tickets ---- */

static void inspect_names(const struct mikey_ticket_info *info)
{
    const enum mikey_id_role roles[] = {MIKEY_IDR_R, MIKEY_IDR_APP};
    for (size_t r = 0; r < 2; r++) {
        const size_t n = r ? info->n_apps : info->n_responders;
        struct mikey_id id;
        for (size_t k = 0; k < n; k++)
            MUST_HOLD(mikey_ticket_name(info, roles[r], k, &id) == TS_OK);
        MUST_HOLD(mikey_ticket_name(info, roles[r], n, &id) == TS_E_NOTFOUND);
    }
}

static void inspect_initiator(void)
{
    struct mikey_ticket_info info;
    struct mikey_held held;
    const enum ts_err err = mikey_initiator_hold(w.i, &held);
    MUST_HOLD(mikey_initiator_ticket(w.i, &info) == err);
    MUST_HOLD(mikey_initiator_refusal(w.i)->n <= 8);
    if (err)
        return;
    must_be_inside(info.policy, held.ticket);
    must_be_inside(info.data, held.ticket);
    inspect_names(&info);
}

static void inspect_responder(const struct mikey_responder *r)
{
    struct mikey_session s;
    struct mikey_srtp_policy policy;
    size_t n = 0;
    while (mikey_responder_session(r, n, &s) == TS_OK) {
        for (size_t k = 0; k < s.policies.n; k++)
            (void)!mikey_responder_policy(r, s.policies.p[k], &policy);
        n++;
    }
    MUST_HOLD(n < 256);
    MUST_HOLD(mikey_responder_policy(r, 255, &policy));
    MUST_HOLD(mikey_responder_refusal(r)->n <= 8);
}

/* ---- bundles ---- */

static void inspect_bundle(const struct mikey_bundle *b)
{
    const struct mikey_key *keys;
    const size_t n = mikey_bundle_keys(b, &keys);
    const size_t sessions = mikey_bundle_sessions(b);
    struct mikey_srtp_key key;
    struct mikey_session s;
    uint64_t oldest = UINT64_MAX;
    for (size_t k = 0; k < n; k++) {
        MUST_HOLD(keys[k].type != MIKEY_MPK && keys[k].spi.n > 0);
        if (b->keyed_at[k] < oldest)
            oldest = b->keyed_at[k];
    }
    for (size_t k = 0; k < sessions; k++) {
        MUST_HOLD(mikey_bundle_session(b, k, &s) == TS_OK);
        MUST_HOLD(s.spi.n && s.policies.n);
        (void)!mikey_bundle_srtp(b, s.cs, &key);
    }
    MUST_HOLD(mikey_bundle_session(b, sessions, &s) == TS_E_NOTFOUND);
    MUST_HOLD(mikey_bundle_srtp(b, 0, &key) == TS_E_NOTFOUND);
    MUST_HOLD(mikey_bundle_peer(b).data.n > 0);
    MUST_HOLD(mikey_bundle_csb(b) == b->csb.keys.csb);
    const uint64_t at = mikey_bundle_rekey_at(b);
    MUST_HOLD(at == 0 || (b->rekey && at >= oldest + b->rekey));
    MUST_HOLD(mikey_bundle_refusal(b)->n <= 8);
}

void world_inspect(const struct world_message *m, unsigned who,
                   const struct mikey_bundle *b)
{
    inspect_message(m);
    inspect_initiator();
    inspect_responder(w.r[who]);
    if (b)
        inspect_bundle(b);
}

/* ---- what is no party, and no memory ---- */

static void must_not_begin(const struct mikey_party *p, size_t less)
{
    _Alignas(16) static uint8_t mem[WORLD_MEM];
    const size_t i = mikey_initiator_size(100) - less;
    const size_t r = mikey_responder_size(100) - less;
    MUST_HOLD(!mikey_initiator_init(mem, i, p));
    MUST_HOLD(!mikey_responder_init(mem, r, p));
}

void world_refuse_parties(void)
{
    const struct mikey_party good = w.party[0];
    struct mikey_party p[8];
    for (size_t k = 0; k < 8; k++)
        p[k] = good;
    p[0].random = NULL;
    p[1].bits = 192;
    p[2].self.data = ts_span(NULL, 0);
    p[3].self.data.n = 0;
    p[4].self.data = ts_span(w.octets, 256);
    p[5].psk = ts_span(w.octets, 15);
    p[6].tpk = ts_span(w.octets, 65);
    p[7].signer = &w.signer[0];
    p[7].sealer = NULL;
    for (size_t k = 0; k < 8; k++)
        must_not_begin(&p[k], 0);
    must_not_begin(NULL, 0);
    must_not_begin(&good, 397); /* three octets for four buffers */
    must_not_begin(&good, 401);
    MUST_HOLD(mikey_version()[0] >= '0' && mikey_version()[0] <= '9');
    MUST_HOLD(mikey_bundle_size(1) > sizeof(struct mikey_bundle));
}
