/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain MIKEY against docs/vectors/, which an independent implementation made:
 * each message opens with its secrets, is built again octet for octet, and
 * gives the session keys. What is signed or sealed is compared, the RSA
 * itself is not done here.
 */
#include "tests/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VECTORS  TEST_VECTORS "/../../docs/vectors/"
#define LONG_MAX 4096
#define MESSAGES 4

struct octets {
    size_t n;
    uint8_t b[LONG_MAX];
};

static struct ts_span view(const struct octets *o)
{
    return ts_span(o->b, o->n);
}

static struct octets hex(const json_t *value)
{
    struct octets o = {0};
    const char *text = json_string_value(value);
    for (; text && text[0] && text[1] && o.n < sizeof o.b; text += 2) {
        const char two[] = {text[0], text[1], 0};
        char *end;
        o.b[o.n++] = (uint8_t)strtoul(two, &end, 16);
        assert_int_equal(*end, 0);
    }
    return o;
}

static struct octets hex_in(const json_t *o, const char *group,
                            const char *name)
{
    const json_t *in = group ? json_object_get(o, group) : o;
    return hex(json_object_get(in, name));
}

/* --- what is signed and sealed, as the vector says --- */

struct written {
    struct octets input, value; /* of the signature */
    struct octets sealed, env_key;
};

static enum ts_err sign_as_written(void *arg, const struct ts_span *parts,
                                   size_t n, uint8_t *sig)
{
    const struct written *w = arg;
    struct ts_span rest = view(&w->input);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > rest.n ||
            !ts_span_equal(parts[i], ts_span(rest.p, parts[i].n)))
            return TS_E_AUTH;
        rest = ts_span(rest.p + parts[i].n, rest.n - parts[i].n);
    }
    if (sig)
        memcpy(sig, w->value.b, w->value.n);
    return rest.n ? TS_E_AUTH : TS_OK;
}

static enum ts_err verify_as_written(void *arg, uint8_t s_type,
                                     const struct ts_span *parts, size_t n,
                                     struct ts_span sig)
{
    const struct written *w = arg;
    (void)s_type;
    if (!ts_span_equal(sig, view(&w->value)))
        return TS_E_AUTH;
    return sign_as_written(arg, parts, n, NULL);
}

static enum ts_err certify_all(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    (void)arg;
    (void)cert;
    (void)now;
    *who = *claimed;
    return n ? TS_OK : TS_E_MISSING;
}

static enum ts_err seal_as_written(void *arg, struct ts_span env_key,
                                   uint8_t *out)
{
    const struct written *w = arg;
    memcpy(out, w->sealed.b, w->sealed.n);
    return ts_span_equal(env_key, view(&w->env_key)) ? TS_OK : TS_E_AUTH;
}

static enum ts_err open_as_written(void *arg, const struct mikey_chash *chash,
                                   struct ts_span sealed,
                                   uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    const struct written *w = arg;
    *n = w->env_key.n;
    memcpy(env_key, w->env_key.b, w->env_key.n);
    return chash && sealed.n ? TS_OK : TS_E_NOTFOUND;
}

/* --- one exchange --- */

struct exchange {
    json_t *json;
    size_t n;
    struct octets raw[MESSAGES], secret[MESSAGES];
    struct mikey_msg msg[MESSAGES];
    size_t first; /* which has the RAND */
};

static json_t *message(const struct exchange *e, size_t i)
{
    return json_array_get(json_object_get(e->json, "messages"), i);
}

/* False if there is no such file: vectors may be added by others. */
static bool load(struct exchange *e, const char *name)
{
    char path[512];
    *e = (struct exchange){.n = 0};
    snprintf(path, sizeof path, VECTORS "%s.json", name);
    if (access(path, R_OK) != 0)
        return false;
    e->json = json_load_file(path, 0, NULL);
    assert_non_null(e->json);
    e->n = json_array_size(json_object_get(e->json, "messages"));
    assert_in_range(e->n, 1, MESSAGES);
    for (size_t i = e->n; i-- > 0;) {
        e->raw[i] = hex_in(message(e, i), NULL, "octets");
        e->secret[i] = hex_in(message(e, i), "secrets", "PSK");
        if (e->secret[i].n == 0)
            e->secret[i] = hex_in(message(e, i), "secrets", "env_key");
        OK(mikey_msg_read(view(&e->raw[i]), &e->msg[i], NULL));
        if (e->msg[i].rand[0].p)
            e->first = i;
    }
    return true;
}

static struct mikey_classic known(const struct exchange *e, size_t i)
{
    const json_t *ids = json_object_get(
        json_object_get(message(e, i), "secrets"), "identities");
    const struct ts_span id_i =
        ts_span_str(json_string_value(json_object_get(ids, "i")));
    const struct ts_span id_r =
        ts_span_str(json_string_value(json_object_get(ids, "r")));
    return (struct mikey_classic){
        .secret = view(&e->secret[i]),
        .first = i > 1 && i > e->first ? &e->msg[e->first] : NULL,
        .id_i = {0, MIKEY_ID_URI, id_i},
        .id_r = {0, MIKEY_ID_URI, id_r},
    };
}

/* The first SP's policy, and the last key: what they all use here. */
static void check_sessions(const struct exchange *e)
{
    const json_t *all = json_object_get(e->json, "sessions");
    const json_t *last =
        json_array_get(json_object_get(message(e, e->n - 1), "keys"), 0);
    const struct octets tgk = hex_in(last, NULL, "key");
    const struct octets its_salt = hex_in(last, NULL, "salt");
    const struct mikey_key k = {
        .type = its_salt.n ? MIKEY_TGK_SALT : MIKEY_TGK,
        .key = view(&tgk),
        .salt = view(&its_salt),
    };
    const struct mikey_classic_label bundle =
        mikey_classic_label_of(&e->msg[e->first]);
    struct mikey_srtp_policy policy;
    OK(mikey_srtp_policy_read(&e->msg[e->first].sp[0], &policy));
    assert_true(json_array_size(all) > 0);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        struct ts_key key, salt;
        uint8_t cs = (uint8_t)json_integer_value(json_object_get(one, "CS ID"));
        OK(mikey_classic_session(&bundle, &k, cs, &policy, &key, &salt));
        const struct octets want = hex_in(one, NULL, "key");
        const struct octets want_salt = hex_in(one, NULL, "salt");
        SAME(ts_key_span(&key), view(&want));
        SAME(ts_key_span(&salt), view(&want_salt));
    }
}

static void check_keys(const struct exchange *e, size_t i,
                       const struct mikey_keys *keys)
{
    const json_t *one =
        json_array_get(json_object_get(message(e, i), "keys"), 0);
    const struct octets key = hex_in(one, NULL, "key");
    const struct octets salt = hex_in(one, NULL, "salt");
    if (json_is_null(json_object_get(message(e, i), "kemac"))) {
        assert_int_equal(keys->n, 0); /* an update without any */
        return;
    }
    assert_int_equal(keys->n, 1);
    SAME(keys->k[0].key, view(&key));
    SAME(keys->k[0].salt, view(&salt));
}

/* What a builder needs to make the same message again. */
static struct mikey_classic_new again(const struct mikey_msg *m,
                                      const struct mikey_classic *x,
                                      const struct mikey_keys *keys)
{
    struct mikey_form f;
    OK(mikey_classic_check(m, x->first, &f, NULL));
    assert_int_equal(f.ignored, 0);
    return (struct mikey_classic_new){
        .suite = mikey_suite_prf(m->hdr.prf),
        .csb = m->hdr.csb,
        .rand = m->rand[0],
        .first = x->first,
        .want_response = m->hdr.v,
        .t = m->t,
        .map_type = m->hdr.map_type,
        .n_cs = m->hdr.n_cs,
        .map = m->hdr.map,
        .id_i = f.id_i,
        .id_r = f.id_r,
        .sp = m->sp,
        .n_sp = m->n_sp,
        .encr = m->kemac.encr,
        .mac = m->kemac.mac_alg,
        .keys = keys->k,
        .n_keys = keys->n,
        .secret = x->secret,
    };
}

static void check_psk(const struct exchange *e, size_t i)
{
    static struct mikey_keys keys;
    static uint8_t buf[LONG_MAX];
    const struct mikey_classic x = known(e, i);
    OK(mikey_classic_psk_open(&x, &e->msg[i], &keys));
    check_keys(e, i, &keys);
    const struct mikey_classic_new in = again(&e->msg[i], &x, &keys);
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    mikey_build_classic_psk(&w, &in);
    OK(w.err);
    SAME(ts_written(&w), view(&e->raw[i]));
}

static struct written written(const struct exchange *e, size_t i)
{
    struct written w = {
        .input = hex_in(message(e, i), "signature", "input"),
        .value = hex_in(message(e, i), "signature", "value"),
        .env_key = e->secret[i],
    };
    w.sealed.n = e->msg[i].pke.data.n;
    if (w.sealed.n)
        memcpy(w.sealed.b, e->msg[i].pke.data.p, w.sealed.n);
    return w;
}

static void check_pk(const struct exchange *e, size_t i)
{
    static struct mikey_classic_opened o;
    static uint8_t buf[LONG_MAX];
    const struct mikey_msg *m = &e->msg[i];
    const struct mikey_classic x = known(e, i);
    struct written w = written(e, i);
    const struct mikey_verifier v = {&w, certify_all, verify_as_written};
    const struct mikey_opener opener = {&w, open_as_written};
    const struct mikey_classic_pk pk = {&v, &opener, 1};
    OK(mikey_classic_pk_open(&x, m, &pk, &o));
    check_keys(e, i, &o.keys);

    const struct mikey_signer signer = {
        &w,      m->sign.type, (uint16_t)w.value.n,
        m->cert, m->n_cert,    sign_as_written};
    const struct mikey_sealer sealer = {&w, (uint16_t)w.sealed.n, m->chash,
                                        seal_as_written};
    struct mikey_classic_new in = again(m, &x, &o.keys);
    in.signer = &signer;
    in.sealer = &sealer;
    in.cache = m->pke.c;
    struct ts_writer to = ts_writer_init(buf, sizeof buf);
    mikey_build_classic_pk(&to, &in);
    OK(to.err);
    SAME(ts_written(&to), view(&e->raw[i]));
}

static void check_resp(const struct exchange *e, size_t i)
{
    static uint8_t buf[LONG_MAX];
    const struct mikey_msg *init = &e->msg[i - 1], *m = &e->msg[i];
    struct mikey_classic x = known(e, i);
    struct mikey_form f;
    x.first = i > 2 ? &e->msg[e->first] : NULL;
    OK(mikey_classic_resp_open(&x, init, m));
    OK(mikey_classic_check(m, false, &f, NULL));
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    mikey_build_classic_resp(&w, &x, init, f.id_r, m->hdr.map);
    OK(w.err);
    SAME(ts_written(&w), view(&e->raw[i]));
}

static void check_signed(const struct exchange *e, size_t i)
{
    struct written w = written(e, i);
    const struct mikey_verifier v = {&w, certify_all, verify_as_written};
    const struct mikey_classic x = known(e, i);
    const struct mikey_msg *init = i ? &e->msg[i - 1] : NULL;
    struct mikey_id who;
    OK(mikey_classic_signed(&x, init, &e->msg[i], &v, 1, &who));
    w.input.b[w.input.n / 2] ^= 1;
    FAILS(TS_E_AUTH, mikey_classic_signed(&x, init, &e->msg[i], &v, 1, &who));
}

static void check_message(const struct exchange *e, size_t i)
{
    const struct mikey_classic x = known(e, i);
    switch (e->msg[i].hdr.type) {
    case MIKEY_PSK:
        check_psk(e, i);
        break;
    case MIKEY_PK:
        check_pk(e, i);
        break;
    case MIKEY_PSK_VERIFY:
    case MIKEY_PK_VERIFY:
        check_resp(e, i);
        break;
    case MIKEY_DHHMAC_INIT:
    case MIKEY_DHHMAC_RESP:
        OK(mikey_dhhmac_verify(&x, i ? &e->msg[i - 1] : NULL, &e->msg[i]));
        break;
    case MIKEY_DH_INIT:
    case MIKEY_DH_RESP:
    case MIKEY_RSA_R_I:
    case MIKEY_RSA_R_R:
        check_signed(e, i);
        break;
    default: /* the KMS's part of the compatibility mode */
        assert_in_range(e->msg[i].hdr.type, MIKEY_REQUEST_INIT_PSK,
                        MIKEY_REQUEST_RESP);
    }
}

/* Once in a run of all tests: a skip in a second run would end it. */
static void skip_once(bool *said, const char *name)
{
    if (*said)
        return;
    *said = true;
    print_message("SKIPPED: no docs/vectors/%s.json\n", name);
    skip();
}

static void run(bool *said, const char *const *names)
{
    static struct exchange e;
    for (; *names; names++) {
        if (!load(&e, *names)) {
            skip_once(said, *names);
            continue;
        }
        for (size_t i = 0; i < e.n; i++)
            check_message(&e, i);
        check_sessions(&e);
        json_decref(e.json);
    }
}

#define VECTOR_TEST(test, ...)                                                 \
    static void test(void **state)                                             \
    {                                                                          \
        static const char *const names[] = {__VA_ARGS__, NULL};                \
        static bool said;                                                      \
        (void)state;                                                           \
        run(&said, names);                                                     \
    }

VECTOR_TEST(psk_messages_are_those_of_the_vectors, "rfc3830-psk-128",
            "rfc3830-psk-256")
VECTOR_TEST(pk_messages_are_those_of_the_vectors, "rfc3830-pk-128",
            "rfc3830-pk-256")
VECTOR_TEST(dh_messages_verify, "rfc3830-dh-128")
VECTOR_TEST(dhhmac_messages_verify, "rfc3830-dhhmac-128")
VECTOR_TEST(rsa_r_messages_verify, "rfc3830-rsar-128", "rfc3830-rsar-256")
VECTOR_TEST(a_ticket_may_be_a_psk_message, "compatibility-128",
            "compatibility-256")

UNIT_MAIN(cmocka_unit_test(psk_messages_are_those_of_the_vectors),
          cmocka_unit_test(pk_messages_are_those_of_the_vectors),
          cmocka_unit_test(dh_messages_verify),
          cmocka_unit_test(dhhmac_messages_verify),
          cmocka_unit_test(rsa_r_messages_verify),
          cmocka_unit_test(a_ticket_may_be_a_psk_message))
