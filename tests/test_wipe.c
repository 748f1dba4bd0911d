/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After an opener nothing of a secret is left, neither on the stack that it had
 * nor in the objects that were wiped, whether it succeeded or failed. Each runs
 * on a stack of its own, all of which is searched afterwards for eight octets
 * in a row of any key or computed MAC. docs/hardness.md says what this does not
 * see.
 */
#include "mikey/kms.h"
#include "mikey/srtp.h"
#include "tests/traces.h"
#include "tests/troupe.h"
#include "tool/example.h"

static const struct ts_span none;

/* ---- the exchange, with keys that look like nothing else ---- */

static struct example e;
static struct example_keys k;
static struct mikey_msg m[EXAMPLE_MESSAGES];
static bool spoilt; /* the message is not genuine */
static enum ts_err err;

static void derived(const char *name, const struct mikey_msg *init,
                    const struct mikey_msg *resp, const struct ts_key *key)
{
    struct mikey_protect p;
    struct mikey_cipher c;
    uint8_t auth[MIKEY_MAC_MAX];
    mikey_protect_of(init, resp, ts_key_span(key), &p);
    mikey_protect_auth_key(&p, auth);
    mikey_protect_cipher(&p, &c);
    is_secret(name, ts_span(auth, e.suite->auth_key));
    is_secret(name, ts_span(c.key, e.suite->encr_key));
    is_secret(name, ts_span(c.salt, sizeof c.salt));
    mikey_protect_end(&p);
}

static void ticket_keys(void)
{
    struct mikey_protect p;
    struct mikey_cipher c;
    uint8_t key[MIKEY_MAC_MAX];
    struct mikey_prf prf;
    mikey_protect_begin(&p, e.suite, ts_key_span(&e.tpk), MIKEY_SEL_TICKET,
                        0xffffffff, ts_key_span(&e.rand_ticket), none);
    mikey_protect_auth_key(&p, key);
    mikey_protect_cipher(&p, &c);
    is_secret("the ticket's auth_key", ts_span(key, e.suite->auth_key));
    is_secret("the ticket's encr_key", ts_span(c.key, e.suite->encr_key));
    is_secret("the ticket's salt", ts_span(c.salt, sizeof c.salt));
    mikey_protect_end(&p);
    mikey_prf_key(&prf, e.suite->prf, ts_key_span(&k.mpk_r));
    mikey_derive_vr_key(&prf, e.suite, key);
    is_secret("the key of Vr", ts_span(key, e.suite->auth_key));
    mikey_prf_wipe(&prf);
}

static void load(unsigned bits)
{
    forget_secrets();
    example_init(&e, mikey_suite_bits(bits));
    for (size_t i = 0; i < example_n_inputs; i++) {
        uint8_t *at = (uint8_t *)&e + example_inputs[i].offset;
        scramble((struct ts_key *)(void *)at, (uint32_t)(i + bits));
    }
    for (enum example_message i = 0; i < e.n_messages; i++) {
        OK(example_build(&e, i));
        OK(mikey_msg_read(example_span(&e, i), &m[i], NULL));
    }
    example_derive(&e, &k);
    is_secret("PSK of I", ts_key_span(&e.psk_i));
    is_secret("PSK of R", ts_key_span(&e.psk_r));
    is_secret("TPK", ts_key_span(&e.tpk));
    is_secret("MPK", ts_key_span(&e.mpk));
    is_secret("TGK", ts_key_span(&e.tgk));
    is_secret("salt", ts_key_span(&e.salt));
    is_secret("MPKi", ts_key_span(&k.mpk_i));
    is_secret("MPKr", ts_key_span(&k.mpk_r));
    is_secret("MPKr'", ts_key_span(&k.mpk_r1));
    is_secret("TGK'", ts_key_span(&k.tgk1));
    derived("K1 of REQUEST_INIT", &m[REQUEST_INIT], NULL, &e.psk_i);
    derived("K2 of REQUEST_RESP", &m[REQUEST_INIT], &m[REQUEST_RESP], &e.psk_i);
    derived("K1 of RESOLVE_INIT", &m[RESOLVE_INIT], NULL, &e.psk_r);
    derived("K1 of TRANSFER_INIT", &m[TRANSFER_INIT], NULL, &k.mpk_i);
    derived("K2 of TRANSFER_RESP", &m[TRANSFER_INIT], &m[TRANSFER_RESP],
            &k.mpk_r1);
    ticket_keys();
}

/* ---- openers ---- */

static struct mikey_protect protect;
static struct mikey_reply reply;
static struct mikey_opened opened;
static struct mikey_keys keys;
static struct mikey_prf prf;

static void verify_request(void)
{
    err = mikey_init_verify(&m[REQUEST_INIT], ts_key_span(&e.psk_i), none, none,
                            &protect);
    mikey_protect_end(&protect);
}

static void open_reply(void)
{
    err = mikey_reply_open(&m[REQUEST_INIT], m[REQUEST_RESP].raw,
                           ts_key_span(&e.psk_i), &reply);
    mikey_keys_wipe(&reply.keys);
}

static void open_ticket(void)
{
    struct mikey_base base;
    err = mikey_base_read(&m[RESOLVE_INIT].ticket, &base);
    if (!err)
        err = mikey_base_open(&m[RESOLVE_INIT].ticket, &base,
                              ts_key_span(&e.tpk), &opened);
    mikey_opened_wipe(&opened);
}

static void verify_initiator_data(void)
{
    mikey_prf_key(&prf, e.suite->prf, ts_key_span(&k.mpk_r));
    err = mikey_init_data_verify(m[RESOLVE_INIT].ticket.init, &prf, e.suite);
    mikey_prf_wipe(&prf);
}

static void verify_transfer(void)
{
    const struct mikey_names nobody = {none, none, none};
    err = mikey_transfer_verify(&m[TRANSFER_INIT], &k.mpk_i, &nobody, &keys);
    mikey_keys_wipe(&keys);
}

static void verify_answer(void)
{
    err = mikey_answer_verify(&m[TRANSFER_INIT], &m[TRANSFER_RESP], &k.mpk_r1,
                              &keys);
    mikey_keys_wipe(&keys);
}

static void open_update(void)
{
    struct mikey_csb csb = {.flags = e.flags, .i = e.alice, .r = e.bob};
    mikey_protect_of(&m[TRANSFER_INIT], &m[TRANSFER_RESP],
                     ts_key_span(&k.mpk_r1), &csb.keys);
    err =
        mikey_update_open(&csb, &m[UPDATE_INIT], MIKEY_INITIATOR, none, &keys);
    mikey_keys_wipe(&keys);
    mikey_protect_end(&csb.keys);
}

static void resolve(void)
{
    static uint8_t out[EXAMPLE_MSG_MAX];
    struct mikey_base base;
    struct ts_writer w = ts_writer_init(out, sizeof out);
    const struct mikey_msg *init = &m[RESOLVE_INIT];
    err = mikey_init_verify(init, ts_key_span(&e.psk_r), none, none, &protect);
    enum ts_err read = mikey_base_read(&init->ticket, &base);
    if (!read && !err)
        err =
            mikey_base_open(&init->ticket, &base, ts_key_span(&e.tpk), &opened);
    const struct mikey_resolve in = {
        .init = init,
        .psk = &protect,
        .t = m[RESOLVE_RESP].t,
        .idr_kms = e.kms,
        .opened = &opened,
        .who = e.bob,
        .rand_kms = ts_key_span(&e.rand_kms),
    };
    if (!err)
        err = mikey_kms_resolve(&w, &in);
    mikey_opened_wipe(&opened);
    mikey_protect_end(&protect);
}

/* The opener of a message whose MAC is at the end of a view. */
struct opener {
    const char *name;
    void (*run)(void);
    enum example_message message;
    struct ts_span (*mac)(void);
};

static struct ts_span mac_of_request(void)
{
    return m[REQUEST_INIT].v.mac;
}

static struct ts_span mac_of_reply(void)
{
    return m[REQUEST_RESP].v.mac;
}

static struct ts_span mac_of_ticket(void)
{
    struct mikey_base base;
    OK(mikey_base_read(&m[RESOLVE_INIT].ticket, &base));
    return base.v.mac;
}

static struct ts_span mac_of_vr(void)
{
    struct ts_span init = m[RESOLVE_INIT].ticket.init;
    return ts_span(init.p + init.n - e.suite->mac, e.suite->mac);
}

static struct ts_span mac_of_transfer(void)
{
    return m[TRANSFER_INIT].v.mac;
}

static struct ts_span mac_of_answer(void)
{
    return m[TRANSFER_RESP].v.mac;
}

static struct ts_span mac_of_update(void)
{
    return m[UPDATE_INIT].v.mac;
}

static struct ts_span mac_of_resolve(void)
{
    return m[RESOLVE_INIT].v.mac;
}

static const struct opener openers[] = {
    {"mikey_init_verify", verify_request, REQUEST_INIT, mac_of_request},
    {"mikey_reply_open", open_reply, REQUEST_RESP, mac_of_reply},
    {"mikey_base_open", open_ticket, RESOLVE_INIT, mac_of_ticket},
    {"mikey_init_data_verify", verify_initiator_data, RESOLVE_INIT, mac_of_vr},
    {"mikey_transfer_verify", verify_transfer, TRANSFER_INIT, mac_of_transfer},
    {"mikey_answer_verify", verify_answer, TRANSFER_RESP, mac_of_answer},
    {"mikey_update_open", open_update, UPDATE_INIT, mac_of_update},
    {"mikey_kms_resolve", resolve, RESOLVE_INIT, mac_of_resolve},
};

/* Flip a bit of the MAC; what it should be is a secret then. */
static void spoil(const struct opener *o)
{
    struct ts_span mac = o->mac();
    is_secret("the computed MAC", mac);
    e.msg[o->message].b[mac.p - e.msg[o->message].b] ^= 1;
}

static void nothing_is_left(const struct opener *o, unsigned bits)
{
    load(bits);
    if (spoilt)
        spoil(o);
    on_own_stack(o->run);
    assert_int_equal(err, spoilt ? TS_E_AUTH : TS_OK);
    must_be_gone(o->name, own_stack, OWN_STACK);
    must_be_gone("struct mikey_protect", &protect, sizeof protect);
    must_be_gone("struct mikey_reply", &reply, sizeof reply);
    must_be_gone("struct mikey_opened", &opened, sizeof opened);
    must_be_gone("struct mikey_keys", &keys, sizeof keys);
    must_be_gone("struct mikey_prf", &prf, sizeof prf);
}

static void try_all(void)
{
    can_be_searched();
    for (size_t i = 0; i < sizeof openers / sizeof openers[0]; i++)
        for (unsigned bits = 128; bits <= 256; bits += 128)
            if (bits == 256 || openers[i].message < UPDATE_INIT)
                nothing_is_left(&openers[i], bits);
}

static void after_success_no_secret_is_left(void **state)
{
    (void)state;
    spoilt = false;
    try_all();
}

static void after_a_wrong_mac_no_secret_is_left(void **state)
{
    (void)state;
    spoilt = true;
    try_all();
}

/* ---- the search itself ---- */

static void leave_a_copy(void)
{
    uint8_t copy[TS_KEY_MAX];
    memcpy(copy, e.mpk.b, e.mpk.len);
    __asm__ volatile("" : : "r"(copy) : "memory");
}

static void wipe_a_copy(void)
{
    uint8_t copy[TS_KEY_MAX];
    memcpy(copy, e.mpk.b, e.mpk.len);
    __asm__ volatile("" : : "r"(copy) : "memory");
    ts_wipe(copy, sizeof copy);
}

/* What AES-CM counts from tells the salt. nettle leaves one copy in a frame of
 * its own, which is none of ours to wipe; there must be no second one. */
static void crypt(void)
{
    static uint8_t data[64];
    mikey_aes_cm(ts_key_span(&e.mpk), e.salt.b, 0, 0, data, sizeof data);
}

static void the_counter_is_wiped(void **state)
{
    unsigned copies = 0;
    (void)state;
    can_be_searched();
    load(256);
    on_own_stack(crypt);
    for (size_t at = 0; at + PIECE <= OWN_STACK; at++)
        copies += memcmp(own_stack + at, e.salt.b, PIECE) == 0;
    assert_true(copies <= 1);
}

static void a_copy_that_is_left_is_found(void **state)
{
    (void)state;
    can_be_searched();
    load(256);
    on_own_stack(leave_a_copy);
    assert_string_equal(found_in(own_stack, OWN_STACK), "MPK");
}

/* Nobody reads copy after ts_wipe(): memset() would be left out there. */
static void ts_wipe_is_not_left_out(void **state)
{
    (void)state;
    can_be_searched();
    load(256);
    on_own_stack(wipe_a_copy);
    assert_null(found_in(own_stack, OWN_STACK));
}

/* ---- a whole call through <mikey/mikey.h> ---- */

static struct troupe t;
static struct mikey_srtp_key srtp[2];

static void call(void)
{
    troupe_begin(&t, 256);
    /* without forking both ends have the keys of the ticket */
    troupe_mode(&t, 1, 0);
    troupe_call(&t);
    OK(mikey_bundle_srtp(t.bob->at_i, 1, &srtp[0]));
    OK(mikey_bundle_srtp(t.bob->at_r, 2, &srtp[1]));
}

static void call_and_wipe(void)
{
    call();
    mikey_bundle_wipe(t.bob->at_i);
    mikey_bundle_wipe(t.bob->at_r);
    mikey_initiator_wipe(t.i);
    mikey_responder_wipe(t.bob->r);
    ts_wipe(srtp, sizeof srtp);
}

/* The keys of the ticket, which Alice may keep, and those of SRTP. */
static void learn_secrets(void)
{
    struct mikey_held held;
    forget_secrets();
    OK(mikey_initiator_hold(t.i, &held));
    OK(mikey_keys_read(held.keys, &keys));
    for (size_t i = 0; i < keys.n; i++)
        is_secret("a key of the ticket", keys.k[i].key);
    is_secret("PSK of Alice", t.alice.psk);
    is_secret("PSK of Bob", t.bob->party.psk);
    is_secret("TPK", t.kms.tpk);
    for (unsigned i = 0; i < 2; i++) {
        is_secret("a TEK", ts_span(srtp[i].key, srtp[i].key_len));
        is_secret("a salt", ts_span(srtp[i].salt, srtp[i].salt_len));
    }
    mikey_keys_wipe(&keys);
}

static void a_whole_call_leaves_no_secret(void **state)
{
    (void)state;
    can_be_searched();
    call();
    learn_secrets();
    must_be_found("Alice", t.mem_i, sizeof t.mem_i);
    must_be_found("her bundle", t.bob->mem_at_i, sizeof t.bob->mem_at_i);
    on_own_stack(call_and_wipe);
    must_be_gone("the stack", own_stack, OWN_STACK);
    must_be_gone("what Alice had", t.mem_i, sizeof t.mem_i);
    must_be_gone("what Bob had", t.bob->mem_r, sizeof t.bob->mem_r);
    must_be_gone("Alice's bundle", t.bob->mem_at_i, sizeof t.bob->mem_at_i);
    must_be_gone("Bob's bundle", t.bob->mem_at_r, sizeof t.bob->mem_at_r);
}

/* ---- and one in which every step goes wrong first ---- */

typedef enum ts_err (*step_fn)(struct troupe *);

static const step_fn call_steps[] = {
    troupe_request, troupe_grant,   troupe_granted,        troupe_transfer,
    troupe_offered, troupe_resolve, troupe_resolve_at_kms, troupe_resolved,
    troupe_answer,  troupe_answered};

/* The message that a step reads, NULL where it reads none. */
static struct troupe_message *read_by(size_t step)
{
    struct troupe_message *const all[] = {
        NULL, &t.request,      &t.granted,       NULL, &t.transfer,
        NULL, &t.bob->resolve, &t.bob->resolved, NULL, &t.bob->resp};
    return all[step];
}

/* With a message that was changed, out of time, without random numbers. */
static void take_step(size_t step)
{
    struct troupe_message *in = read_by(step);
    for (size_t at = 20; in && at < in->n; at += 9) {
        in->b[at] ^= 1;
        err = call_steps[step](&t);
        in->b[at] ^= 1;
    }
    t.now.us += 400 * SECONDS;
    if (in)
        err = call_steps[step](&t);
    t.now.us -= 400 * SECONDS;
    t.fails_from = t.draws + 1;
    err = call_steps[step](&t);
    t.fails_from = 0;
    if (err)
        OK(call_steps[step](&t));
}

static struct mikey_key ours[3]; /* of Alice, of Bob, of an update */

static void update_wrongly(void)
{
    static struct troupe_message update, answer;
    const struct mikey_update u = {
        .keys = &ours[2], .n_keys = 1, .want_answer = true};
    size_t n = 0;
    while (mikey_bundle_update(t.bob->at_i, &t.now, &u, update.b, n, &update.n))
        n++;
    for (size_t at = 0; at < update.n; at += 5) {
        update.b[at] ^= 1;
        err = mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&update),
                                   NULL, answer.b, at, &n);
        update.b[at] ^= 1;
        assert_int_not_equal(err, TS_OK);
    }
    for (size_t cap = 0; cap < 40; cap++)
        FAILS(TS_E_SPACE,
              mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&update),
                                   NULL, answer.b, cap, &n));
    OK(mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&update), NULL,
                            answer.b, TROUPE_MAX, &answer.n));
    answer.b[answer.n - 1] ^= 1;
    FAILS(TS_E_AUTH,
          mikey_bundle_receive(t.bob->at_i, &t.now, troupe_view(&answer), NULL,
                               NULL, 0, &n));
    answer.b[answer.n - 1] ^= 1;
    OK(mikey_bundle_receive(t.bob->at_i, &t.now, troupe_view(&answer), NULL,
                            NULL, 0, &n));
    must_be_gone("an update", &update, sizeof update);
}

static void call_wrongly(void)
{
    static uint8_t seed[3][TS_KEY_MAX];
    troupe_begin(&t, 256);
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_L | MIKEY_FLAG_M);
    for (size_t nth = 0; nth < 3; nth++) {
        for (size_t j = 0; j < sizeof seed[nth]; j++)
            seed[nth][j] = (uint8_t)(0x51 * (nth + 1) + j * j * 7 + j);
        ours[nth] = (struct mikey_key){.type = MIKEY_TEK_SALT,
                                       .key = ts_span(seed[nth], 32),
                                       .salt = ts_span(seed[nth] + 40, 14),
                                       .spi = ts_span(&"xyz"[nth], 1)};
    }
    t.offer.keys = &ours[0];
    t.offer.n_keys = 1;
    t.bob->answer.keys = &ours[1];
    t.bob->answer.n_keys = 1;
    t.session[0].spi = ts_span("x", 1);
    for (size_t step = 0; step < sizeof call_steps / sizeof call_steps[0];
         step++)
        take_step(step);
    OK(mikey_bundle_srtp(t.bob->at_i, 1, &srtp[0]));
    OK(mikey_bundle_srtp(t.bob->at_r, 2, &srtp[1]));
    update_wrongly();
}

static void call_wrongly_and_wipe(void)
{
    call_wrongly();
    mikey_bundle_wipe(t.bob->at_i);
    mikey_bundle_wipe(t.bob->at_r);
    mikey_initiator_wipe(t.i);
    mikey_responder_wipe(t.bob->r);
    ts_wipe(srtp, sizeof srtp);
}

/* Those of Alice, MPKr and TGK included; of Bob, forked; and their own. */
static void learn_all_secrets(void)
{
    struct mikey_held held;
    learn_secrets();
    OK(mikey_responder_hold(t.bob->r, &held));
    OK(mikey_keys_read(held.keys, &keys));
    for (size_t i = 0; i < keys.n; i++)
        is_secret("a key of Bob's", keys.k[i].key);
    for (size_t nth = 0; nth < 3; nth++) {
        is_secret("a key of an end", ours[nth].key);
        is_secret("a salt of an end", ours[nth].salt);
    }
    mikey_keys_wipe(&keys);
}

static void a_call_that_goes_wrong_leaves_no_secret(void **state)
{
    (void)state;
    can_be_searched();
    forget_secrets();
    call_wrongly();
    learn_all_secrets();
    must_be_found("Bob", t.bob->mem_r, sizeof t.bob->mem_r);
    must_be_found("his bundle", t.bob->mem_at_r, sizeof t.bob->mem_at_r);
    on_own_stack(call_wrongly_and_wipe);
    must_be_gone("the stack", own_stack, OWN_STACK);
    must_be_gone("what all had and sent", &t, sizeof t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_that_is_left_is_found),
        cmocka_unit_test(ts_wipe_is_not_left_out),
        cmocka_unit_test(the_counter_is_wiped),
        cmocka_unit_test(after_success_no_secret_is_left),
        cmocka_unit_test(after_a_wrong_mac_no_secret_is_left),
        cmocka_unit_test(a_whole_call_leaves_no_secret),
        cmocka_unit_test(a_call_that_goes_wrong_leaves_no_secret),
    };
    return search_main(tests, sizeof tests / sizeof tests[0]);
}
