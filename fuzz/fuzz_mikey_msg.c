/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a message: it is refused, or each view lies inside it, each
 * check of each receiver ends, and payloads that we can write read back to the
 * octets they came from.
 */
#include "fuzz/write_back.h"
#include "mikey/mikey.h"

static const struct ts_span none;
static const uint8_t zeros[32];
static const struct mikey_names nobody;

static void walk(const struct mikey_msg *m)
{
    struct ts_reader r = ts_reader_span(m->raw);
    struct mikey_hdr hdr;
    struct mikey_payload p;
    MUST_HOLD(mikey_hdr_read(&r, &hdr) == TS_OK);
    struct mikey_chain c = {r, hdr.next};
    struct mikey_walk walk = {0};
    struct mikey_item item;
    while (mikey_chain_next(&c, &p)) {
        must_be_inside(p.body, m->raw);
        must_write_back(&p);
        MUST_HOLD(mikey_walk(m->raw, &walk, &item));
        MUST_HOLD(item.type == p.type && item.octets.p == p.body.p &&
                  item.octets.n == p.body.n);
    }
    MUST_HOLD(mikey_chain_end(&c) == TS_OK);
    MUST_HOLD(!mikey_walk(m->raw, &walk, &item));
}

/* Whoever has no key sees what a party sees, of what is broken, too. */
static void look(struct ts_span raw, const struct mikey_msg *m, bool hdr_ok,
                 enum ts_err err)
{
    struct mikey_walk walk = {0};
    struct mikey_item item;
    struct mikey_glance g;
    MUST_HOLD(mikey_look(raw, &g) == err);
    MUST_HOLD(g.bad_at == m->bad_at && g.bad_in == m->bad_in);
    MUST_HOLD(!hdr_ok || (g.type == m->hdr.type && g.csb == m->hdr.csb));
    while (mikey_walk(raw, &walk, &item))
        must_be_inside(item.octets, raw);
}

/* Each name that a ticket is for, once, and each policy. */
static void look_inside(const struct mikey_msg *m)
{
    const struct mikey_ticket_info info = {
        .policy = m->has_ticket ? m->ticket.tp.data : m->tp.data};
    struct mikey_srtp_policy policy;
    struct mikey_id id;
    uint8_t no;
    size_t n = 0;
    for (uint8_t role = 0; role < MIKEY_IDR_ROLES; role++)
        for (n = 0; mikey_ticket_name(&info, role, n, &id) == TS_OK; n++)
            must_be_inside(id.data, info.policy);
    for (n = 0; n < m->n_sp; n++)
        MUST_HOLD(mikey_look_policy(m->raw, n, &no, &policy) ==
                      mikey_srtp_policy_read(&m->sp[n], &policy) &&
                  no == m->sp[n].no);
    MUST_HOLD(mikey_look_policy(m->raw, n, &no, &policy) == TS_E_NOTFOUND);
}

static void look_at_parts(const struct mikey_msg *m)
{
    struct mikey_cs cs;
    struct mikey_srtp_policy sp;
    static struct mikey_policy policy;
    for (unsigned id = 0; id < 256; id++)
        (void)!mikey_cs_find(&m->hdr, (uint8_t)id, &cs);
    for (unsigned i = 0; i < m->n_sp; i++)
        (void)!mikey_srtp_policy_read(&m->sp[i], &sp);
    if (m->has_tp)
        (void)!mikey_policy_read(m->tp.data, &policy);
    for (unsigned i = 0; i < MIKEY_IDR_ROLES; i++)
        must_be_inside(m->idr[i].data, m->raw);
    must_be_inside(m->v.mac, m->raw);
    must_be_inside(m->kemac.data, m->raw);
    must_be_inside(m->sdp_ids, m->raw);
}

/* The TRANSFER_INIT to which a message may be an answer. */
static const struct mikey_msg *question(void)
{
    static struct example example;
    static struct mikey_msg init;
    if (example.n_messages == 0) {
        example_init(&example, mikey_suite_bits(256));
        for (enum example_message i = 0; i <= TRANSFER_INIT; i++)
            MUST_HOLD(example_build(&example, i) == TS_OK);
        MUST_HOLD(mikey_msg_read(example_span(&example, TRANSFER_INIT), &init,
                                 NULL) == TS_OK);
    }
    return &init;
}

/* As the KMS, as R, as I: nobody has the key, so nobody believes it. */
static void receive(const struct mikey_msg *m)
{
    static struct mikey_policy policy;
    static struct mikey_keys fresh;
    const struct ts_key key = {.len = sizeof zeros};
    const struct mikey_msg *init = question();
    struct ts_span psk = ts_span(zeros, sizeof zeros);
    struct mikey_protect keys;
    uint8_t no;
    const enum mikey_type inits[] = {MIKEY_REQUEST_INIT_PSK,
                                     MIKEY_RESOLVE_INIT_PSK};
    for (unsigned i = 0; i < 2; i++)
        if (mikey_init_check(m, inits[i], &no) == TS_OK)
            MUST_HOLD(mikey_init_verify(m, psk, none, none, &keys) ==
                      TS_E_AUTH);
    if (mikey_transfer_check(m, &policy, &no) == TS_OK)
        MUST_HOLD(mikey_transfer_verify(m, &key, &nobody, NULL) == TS_E_AUTH);
    if (mikey_answer_check(init, m) == TS_OK)
        MUST_HOLD(mikey_answer_verify(init, m, &key, NULL) == TS_E_AUTH);
    struct mikey_csb csb = {.flags = MIKEY_FLAG_L | MIKEY_FLAG_M};
    mikey_protect_of(init, NULL, psk, &csb.keys);
    for (unsigned i = 0; i < 2; i++) {
        enum mikey_side from = i ? MIKEY_RESPONDER : MIKEY_INITIATOR;
        MUST_HOLD(mikey_update_open(&csb, m, from, none, &fresh));
        MUST_HOLD(mikey_update_open(&csb, m, from, init->raw, &fresh));
    }
    MUST_HOLD(mikey_error_verify(init, NULL, m, psk));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct mikey_msg m;
    bool hdr_ok;
    if (n > 65536)
        return 0;
    enum ts_err err = mikey_msg_read(ts_span(data, n), &m, &hdr_ok);
    MUST_HOLD(err || hdr_ok);
    look(ts_span(data, n), &m, hdr_ok, err);
    if (err)
        return 0;
    walk(&m);
    look_at_parts(&m);
    look_inside(&m);
    receive(&m);
    return 0;
}
