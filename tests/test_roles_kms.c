/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KMS of <mikey/mikey_kms.h>, and what its owner decides.
 */
#include "tests/troupe.h"

static struct troupe t;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

static bool is(struct mikey_id a, struct mikey_id b)
{
    return a.type == b.type && ts_span_equal(a.data, b.data);
}

static uint8_t error_no(const struct troupe_message *m)
{
    struct mikey_msg read = troupe_read(m);
    assert_int_equal(read.hdr.type, MIKEY_ERROR);
    assert_int_equal(read.n_err, 1);
    return read.err[0];
}

/* ---- what the owner is asked ---- */

static struct {
    unsigned asked;
    struct mikey_case last;
    struct mikey_id responder; /* the first that it names */
    enum ts_err says;
    void (*change)(struct mikey_case *c);
} owner;

static enum ts_err decide(void *arg, struct mikey_case *c)
{
    (void)arg;
    owner.asked++;
    owner.last = *c;
    owner.last.responder = NULL; /* is there for the call only */
    owner.responder =
        c->ticket.n_responders ? c->responder[0] : (struct mikey_id){.type = 0};
    if (owner.change)
        owner.change(c);
    return owner.says;
}

static void owned(void (*change)(struct mikey_case *c))
{
    begin(NULL);
    memset(&owner, 0, sizeof owner); /* lint: of the test */
    owner.change = change;
    t.kms.decide = decide;
}

/* R11, R28, R29, R98, R114, R268, R281: each request is judged, with all that
 * it says. */
static void the_owner_judges_each_request(void **state)
{
    (void)state;
    const uint64_t now = t.now.us / SECONDS;
    owned(NULL);
    t.wish.rekey = 77;
    t.wish.end = now + 500;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    assert_int_equal(owner.asked, 1);
    assert_false(owner.last.resolve);
    assert_true(is(owner.last.user, t.alice.self));
    assert_false(owner.last.is_kms);
    assert_int_equal(owner.last.ticket.n_responders, 1);
    assert_true(is(owner.responder, t.bob->party.self));
    assert_int_equal(owner.last.rekey, 77);
    assert_int_equal(owner.last.start, now);
    assert_int_equal(owner.last.end, now + 500);
    assert_true(owner.last.flags & MIKEY_FLAG_E); /* mode 1 */
    OK(troupe_granted(&t));
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    assert_int_equal(owner.asked, 2);
    assert_true(owner.last.resolve);
    assert_true(is(owner.last.user, t.bob->party.self));
    assert_true(is(owner.last.who, t.bob->party.self));
    assert_true(is(owner.last.ticket.initiator, t.alice.self));
    assert_int_equal(owner.last.ticket.n_keys, 1);
    owner.says = TS_E_DENIED;
    FAILS(TS_E_DENIED, troupe_resolve_at_kms(&t));
    assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
    owner.says = TS_E_IO; /* it cannot tell */
    FAILS(TS_E_IO, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_UNSPECIFIED);
}

/* Nothing is judged, and nobody learns anything, before a MAC is verified: of
 * the message, and of the ticket in it. */
static void the_owner_is_not_asked_about_what_is_not_proven(void **state)
{
    (void)state;
    owned(NULL);
    OK(troupe_request(&t));
    t.request.b[t.request.n - 1] ^= 1;
    FAILS(TS_E_AUTH, troupe_grant(&t));
    assert_int_equal(owner.asked, 0);
    t.request.b[t.request.n - 1] ^= 1;
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    OK(troupe_transfer(&t));
    struct mikey_msg m = troupe_read(&t.transfer);
    size_t at = mikey_at(&m, m.ticket.tp.data) + m.ticket.tp.data.n - 1;
    t.transfer.b[at] ^= 1; /* for somebody else: the ticket's MAC is wrong */
    t.bob->party.self = troupe_uri("sip:bob@example.orf");
    OK(troupe_offered(&t));
    t.bob->party.omit = 1u << MIKEY_IDR_R;
    t.bob->party.self = troupe_uri("sip:bob@example.org");
    OK(troupe_resolve(&t));
    owner.asked = 0;
    FAILS(TS_E_AUTH, troupe_resolve_at_kms(&t));
    assert_int_equal(owner.asked, 0);
    assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
}

/* Without an owner's word: any ticket, and keys for whom it names. */
static void without_an_owner_the_ticket_decides(void **state)
{
    (void)state;
    struct mikey_ticket_info info;
    t.kms.decide = NULL;
    t.wish.flags = MIKEY_FLAG_D | TROUPE_FLAGS; /* E is added: mode 1 */
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    OK(mikey_initiator_ticket(t.i, &info));
    assert_true(info.flags & MIKEY_FLAG_E);
    t.bob = &t.callee[1];
    t.bob->party.same = troupe_same;
    t.responder = troupe_uri(TEAM); /* groups are for the owner to know */
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    FAILS(TS_E_DENIED, troupe_verify(&t));
    assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
}

/* ---- what the owner decides ---- */

static void half_the_time(struct mikey_case *c)
{
    c->end = c->start + (c->end - c->start) / 2;
    c->rekey = 60;
}

static void for_ever(struct mikey_case *c)
{
    c->end = UINT64_MAX;
}

static void before_it_starts(struct mikey_case *c)
{
    c->end = c->start - 1;
}

static void the_owner_sets_the_times(void **state)
{
    (void)state;
    struct mikey_ticket_info info;
    owned(half_the_time);
    t.kms.lifetime = 1000;
    troupe_ticket(&t);
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.start, t.now.us / SECONDS);
    assert_int_equal(info.end, t.now.us / SECONDS + 500);
    assert_int_equal(info.rekey, 60);
    owned(for_ever);
    OK(troupe_request(&t));
    FAILS(TS_E_RANGE, troupe_grant(&t)); /* R233 */
    owned(before_it_starts);
    OK(troupe_request(&t));
    FAILS(TS_E_EXPIRED, troupe_grant(&t));
}

/* R47: TRr no longer than we asked for. */
static void no_rekeying(struct mikey_case *c)
{
    c->rekey = 0;
}

static void rarely(struct mikey_case *c)
{
    c->rekey = 61;
}

static void keys_are_not_used_for_longer_than_we_asked_for(void **state)
{
    (void)state;
    void (*const change[])(struct mikey_case *) = {no_rekeying, rarely};
    for (size_t k = 0; k < 2; k++) {
        owned(change[k]);
        t.wish.rekey = 60;
        OK(troupe_request(&t));
        OK(troupe_grant(&t));
        FAILS(TS_E_MISMATCH, troupe_granted(&t));
    }
    owned(half_the_time);
    t.wish.rekey = 60;
    troupe_ticket(&t);
    t.wish.rekey = 61;
    troupe_ticket(&t); /* more often is all right */
}

static void mode_2(struct mikey_case *c)
{
    c->flags &= (uint16_t)~MIKEY_FLAG_E;
    c->tpk = ts_span("a key that the KMS shares with Bob, and nobody else", 32);
    c->tpk_id = ts_span("tpk-bob", 7);
}

/* 1.3: mode 2, with a key that KMS and Responder share. */
static void the_owner_chooses_the_ticket_key(void **state)
{
    (void)state;
    owned(mode_2);
    troupe_flags(&t, 2, TROUPE_FLAGS);
    t.bob->party.tpk =
        ts_span("a key that the KMS shares with Bob, and nobody else", 32);
    t.bob->party.tpk_id = ts_span("tpk-bob", 7);
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
}

static size_t tpk_n;

static void a_key_of_some_length(struct mikey_case *c)
{
    c->tpk.n = tpk_n;
}

/* R271, and no further than there is room. */
static void ticket_keys_have_16_to_64_octets(void **state)
{
    (void)state;
    static const char long_key[] =
        "a ticket key that has more than the sixty-four octets that there are";
    owned(a_key_of_some_length);
    t.kms.tpk = ts_span(long_key, 64);
    OK(troupe_request(&t));
    for (tpk_n = 0; tpk_n < 68; tpk_n++) {
        const bool good = tpk_n >= 16 && tpk_n <= 64;
        FAILS(good ? TS_OK : TS_E_RANGE, troupe_grant(&t));
        t.kms.tpk.n = tpk_n > 64 ? 64 : tpk_n;
    }
    begin(NULL);
    t.kms.tpk = ts_span(long_key, 64);
    troupe_call(&t);
    t.kms.tpk.n = 0;                       /* it has none any more */
    FAILS(TS_E_STATE, troupe_resolve(&t)); /* it was answered */
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    FAILS(TS_E_NOTFOUND, troupe_resolve_at_kms(&t));
}

static struct mikey_id who;

static void somebody_answers(struct mikey_case *c)
{
    if (c->resolve)
        c->who = who;
}

/* R128, R129: the owner says for whom the keys are forked. */
static void the_owner_names_who_answers(void **state)
{
    (void)state;
    static const char name[257] = "sip:";
    owned(somebody_answers);
    who = troupe_uri("sip:bob@phone.example.org");
    troupe_call(&t);
    assert_true(is(mikey_bundle_peer(t.bob->at_i), who));
    troupe_same_keys(&t, 1, NULL);
    const size_t lengths[] = {0, 255, 256};
    for (size_t k = 0; k < 3; k++) {
        owned(somebody_answers);
        who = (struct mikey_id){0, MIKEY_ID_URI, ts_span(name, lengths[k])};
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        FAILS(lengths[k] == 255 ? TS_OK : TS_E_UNSUPPORTED, troupe_verify(&t));
    }
    owned(somebody_answers);
    who.data.p = NULL;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    FAILS(TS_E_UNSUPPORTED, troupe_verify(&t));
}

/* R269: also somebody whom no ticket names, if the owner says so. */
static void the_owner_may_give_keys_to_others(void **state)
{
    (void)state;
    struct troupe_callee *node = &t.callee[2];
    owned(NULL);
    troupe_mode(&t, 1, 0);
    troupe_call(&t);
    struct mikey_party dave = node->party;
    node->party.self = t.bob->party.self; /* takes the offer for his own */
    t.bob = node;
    OK(troupe_offered(&t));
    node->party = dave;
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    assert_true(is(owner.last.user, dave.self));
    assert_true(ts_span_equal(node->r->keys.k[1].key, t.i->keys.k[1].key));
    owner.says = TS_E_DENIED;
    FAILS(TS_E_DENIED, troupe_resolve_at_kms(&t));
}

/* ---- users ---- */

static struct mikey_user user;
static enum ts_err user_err;
static struct mikey_id asked_for, claims;

static enum ts_err find(void *arg, const struct mikey_id *key_id,
                        const struct mikey_id *claimed, struct mikey_user *u)
{
    (void)arg;
    asked_for = *key_id;
    claims = *claimed;
    *u = user;
    return user_err;
}

/* R4, R6, R20, R106: by IDRpsk, else by what the message claims. */
/* R270: whatever the request calls it. */
static void a_user_is_looked_up_by_its_key_or_its_name(void **state)
{
    (void)state;
    t.kms.user = find;
    user = (struct mikey_user){.psk = t.alice.psk, .self = t.alice.self};
    user_err = TS_OK;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    assert_true(ts_span_equal(asked_for.data, t.alice.psk_id));
    assert_int_equal(asked_for.type, MIKEY_ID_BYTES);
    assert_true(is(claims, t.alice.self));
    t.alice.psk_id.n = 0;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    assert_true(is(asked_for, t.alice.self));
    t.alice.omit = 1u << MIKEY_IDR_I; /* R19: by other means */
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    assert_null(asked_for.data.p);
    assert_null(claims.data.p);
    OK(troupe_granted(&t));
}

static void a_user_that_cannot_be_is_nobody(void **state)
{
    (void)state;
    static const uint8_t psk[65] = {1};
    t.kms.user = find;
    OK(troupe_request(&t));
    const size_t lengths[] = {0, 15, 65};
    for (size_t k = 0; k < 3; k++) { /* R271 */
        user = (struct mikey_user){.psk = ts_span(psk, lengths[k]),
                                   .self = t.alice.self};
        FAILS(TS_E_AUTH, troupe_grant(&t));
        assert_int_equal(error_no(&t.granted), MIKEY_ERR_AUTH);
    }
    user = (struct mikey_user){.psk = t.alice.psk}; /* without a name */
    FAILS(TS_E_AUTH, troupe_grant(&t));
    user.self = t.alice.self;
    user_err = TS_E_IO;
    FAILS(TS_E_IO, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_UNSPECIFIED);
    assert_false(troupe_read(&t.granted).has_v);
    user_err = TS_OK;
    OK(troupe_grant(&t));
    t.kms.user = NULL; /* a KMS for public keys only */
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_DT);
}

/* R15, R270: one user with several names, or one for this call only: whichever
 * it claims. */
static void a_user_may_have_several_names(void **state)
{
    (void)state;
    struct mikey_ticket_info info;
    t.kms.user = find;
    user_err = TS_OK;
    t.alice.self = troupe_uri("sip:queen@example.org");
    user = (struct mikey_user){.psk = t.alice.psk, .self = t.alice.self};
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    OK(mikey_initiator_ticket(t.i, &info));
    assert_true(is(info.initiator, t.alice.self));
}

/* ---- ticket keys ---- */

static enum ts_err key_err;
static struct ts_span key_id, key_found;

static enum ts_err find_key(void *arg, struct ts_span id, struct ts_span *tpk)
{
    (void)arg;
    key_id = id;
    if (key_found.p)
        *tpk = key_found;
    return key_err;
}

static void an_older_ticket_is_opened_with_its_key(void **state)
{
    (void)state;
    const struct ts_span old = t.kms.tpk;
    t.kms.ticket_key = find_key;
    key_err = TS_OK;
    key_found = ts_span(NULL, 0);
    troupe_call(&t);
    assert_true(ts_span_equal(key_id, ts_span_str("tpk-1")));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    t.kms.tpk = ts_span_str("a new ticket key, with a new id.");
    t.kms.tpk_id = ts_span_str("tpk-2");
    FAILS(TS_E_AUTH, troupe_resolve_at_kms(&t));
    key_found = old;
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    key_err = TS_E_NOTFOUND;
    FAILS(TS_E_NOTFOUND, troupe_resolve_at_kms(&t));
    assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
}

/* R114: who shares a ticket key with the KMS (modes 2 and 3) can have written
 * any name into a ticket of that key, so the owner must see which one it is. */
static void the_owner_sees_which_key_opened_the_ticket(void **state)
{
    (void)state;
    static const char shared[] = "what the KMS shares with Mallory";
    owned(NULL);
    troupe_call(&t);
    assert_true(ts_span_equal(owner.last.tpk_id, t.kms.tpk_id));
    owned(NULL);
    troupe_mode(&t, 3, MIKEY_FLAG_I);
    t.kms.ticket_key = find_key;
    key_err = TS_OK;
    key_found = ts_span(shared, 32);
    t.alice.tpk = key_found; /* Mallory's, who says that she is Alice */
    t.alice.tpk_id = ts_span_str("tpk-mallory");
    troupe_call(&t);
    assert_true(ts_span_equal(owner.last.tpk, key_found));
    assert_true(ts_span_equal(owner.last.tpk_id, ts_span_str("tpk-mallory")));
    owner.says = TS_E_DENIED;
    FAILS(TS_E_DENIED, troupe_resolve_at_kms(&t));
}

/* R298: IDRpsk of the ticket may be left out; then there is one key. */
static void a_ticket_need_not_name_its_key(void **state)
{
    (void)state;
    t.kms.tpk_id.p = NULL;
    t.kms.tpk_id.n = 0;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
}

/* ---- what the KMS refuses ---- */

/* R12-R14, R99-R101, R136: crypto sessions are not handled. */
static void a_request_has_no_crypto_sessions(void **state)
{
    (void)state;
    static const uint8_t map[] = {1, 0, 0, 0, 0, 0};
    OK(troupe_request(&t));
    struct mikey_msg m = troupe_read(&t.request);
    assert_int_equal(m.hdr.n_cs, 0);
    assert_int_equal(m.hdr.map_type, MIKEY_MAP_EMPTY);
    t.request.b[9] = MIKEY_MAP_GENERIC;
    FAILS(TS_E_FORMAT, troupe_grant(&t));
    memmove(t.request.b + 16, t.request.b + 10, t.request.n - 10);
    memcpy(t.request.b + 10, map, 6);
    t.request.b[8] = 1;
    t.request.n += 6;
    FAILS(TS_E_FORMAT, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_UNSPECIFIED);
}

/* R10, R97: V in HDR does not matter, though it is under the MAC. */
static void the_v_flag_is_ignored_by_the_kms(void **state)
{
    (void)state;
    OK(troupe_request(&t));
    t.request.b[3] &= 0x7f;
    FAILS(TS_E_AUTH, troupe_grant(&t));
    struct mikey_msg m = troupe_read(&t.request);
    struct mikey_protect keys;
    struct mikey_hmac h;
    mikey_protect_of(&m, NULL, t.alice.psk, &keys);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, ts_span(t.request.b, t.request.n - 32));
    mikey_hmac_add(&h, t.alice.self.data);
    mikey_hmac_add(&h, t.kms.self.data);
    mikey_hmac_end(&h, t.request.b + t.request.n - 32, 32);
    OK(troupe_grant(&t)); /* R11: and answered all the same */
    assert_false(troupe_read(&t.granted).hdr.v); /* R32 */
}

/* R278: a ticket of another strength than the message. */
static void suites_are_not_mixed(void **state)
{
    (void)state;
    OK(troupe_request(&t));
    struct mikey_msg m = troupe_read(&t.request);
    uint8_t *prf = t.request.b + mikey_at(&m, m.tp.data) - 5;
    *prf ^= 2;
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_TPPAR);
    *prf |= 0xfe;
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_PRF);
    t.request.b[3] |= 0x7f;
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_PRF);
}

/* R115: Initiator Data that are not of the ticket's owner. */
static void initiator_data_are_verified(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    struct mikey_msg m = troupe_read(&t.transfer);
    const size_t at = mikey_at(&m, m.ticket.init), n = m.ticket.init.n;
    for (size_t k = 0; k < n; k++) {
        t.transfer.b[at + k] ^= 1;
        OK(troupe_offered(&t)); /* R189: the offer's MAC does not cover it */
        OK(troupe_resolve(&t));
        assert_int_not_equal(troupe_resolve_at_kms(&t), TS_OK);
        assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
        t.transfer.b[at + k] ^= 1;
    }
}

/* R292, R305: THDR Data and payloads that a ticket is not expected to have; the
 * one who put them in has the ticket key. */
static void what_a_ticket_holds_beside_is_ignored(void **state)
{
    (void)state;
    static const uint8_t thdr[] = {0, 4, 'd', 'a', 't', 'a'};
    static const uint8_t ext[] = {MIKEY_EXT, 42, 0, 2, 1, 2, /* two of them */
                                  MIKEY_T,   42, 0, 2, 3, 4};
    static struct troupe_message m;
    struct mikey_base base;
    troupe_mode(&t, 1, 0);
    troupe_ticket(&t);
    const struct mikey_held held = {
        .ticket = mikey_buf_span(&t.i->ticket),
        .keys = ts_span(t.i->keys.plain, t.i->keys.len)};
    struct mikey_chain c = mikey_chain_init(held.ticket, MIKEY_TICKET);
    struct mikey_payload p;
    assert_true(mikey_chain_next(&c, &p));
    const struct ts_span data = p.u.ticket.data;
    const size_t at = (size_t)(data.p - held.ticket.p);
    memcpy(m.b, held.ticket.p, at + 1); /* up to THDR's next payload */
    m.b[at] = MIKEY_EXT;
    memcpy(m.b + at + 1, thdr, sizeof thdr);
    memcpy(m.b + at + 1 + sizeof thdr, ext, sizeof ext);
    const size_t more = sizeof thdr - 2 + sizeof ext;
    memcpy(m.b + at + 3 + more, data.p + 3, held.ticket.n - at - 3);
    m.n = held.ticket.n + more;
    m.b[at - 2] = (uint8_t)((data.n + more) >> 8);
    m.b[at - 1] = (uint8_t)(data.n + more);

    c = mikey_chain_init(troupe_view(&m), MIKEY_TICKET);
    assert_true(mikey_chain_next(&c, &p));
    OK(mikey_base_read(&p.u.ticket, &base));
    struct mikey_protect keys;
    struct mikey_hmac h;
    mikey_protect_begin(&keys, mikey_suite_bits(256), t.kms.tpk,
                        MIKEY_SEL_TICKET, 0xffffffff, base.rand,
                        ts_span(NULL, 0));
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, base.covered);
    mikey_hmac_end(&h, m.b + (base.v.mac.p - m.b), 32);
    const struct mikey_held other = {.ticket = troupe_view(&m),
                                     .keys = held.keys};
    OK(mikey_initiator_adopt(t.i, &t.now, &other));
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
}

/* A refusal leaves nothing behind the Error that it is. */
static void nothing_of_what_was_refused_stays_in_the_memory(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    struct mikey_msg m = troupe_read(&t.transfer);
    t.transfer.b[mikey_at(&m, m.ticket.init) + 10] ^= 1;
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    memset(t.bob->resolved.b, 0, TROUPE_MAX);    /* lint: of the test */
    FAILS(TS_E_AUTH, troupe_resolve_at_kms(&t)); /* keys were forked by then */
    for (size_t k = t.bob->resolved.n; k < TROUPE_MAX; k++)
        assert_int_equal(t.bob->resolved.b[k], 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(the_owner_judges_each_request),
          TEST(the_owner_is_not_asked_about_what_is_not_proven),
          TEST(without_an_owner_the_ticket_decides),
          TEST(the_owner_sets_the_times),
          TEST(keys_are_not_used_for_longer_than_we_asked_for),
          TEST(the_owner_chooses_the_ticket_key),
          TEST(ticket_keys_have_16_to_64_octets),
          TEST(the_owner_names_who_answers),
          TEST(the_owner_may_give_keys_to_others),
          TEST(a_user_is_looked_up_by_its_key_or_its_name),
          TEST(a_user_that_cannot_be_is_nobody),
          TEST(a_user_may_have_several_names),
          TEST(an_older_ticket_is_opened_with_its_key),
          TEST(the_owner_sees_which_key_opened_the_ticket),
          TEST(a_ticket_need_not_name_its_key),
          TEST(a_request_has_no_crypto_sessions),
          TEST(the_v_flag_is_ignored_by_the_kms), TEST(suites_are_not_mixed),
          TEST(initiator_data_are_verified),
          TEST(what_a_ticket_holds_beside_is_ignored),
          TEST(nothing_of_what_was_refused_stays_in_the_memory))
