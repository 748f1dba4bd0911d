/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of message types 0 to 10, payload by payload, and MAC and signature
 * of the methods that are judged only: DH (RFC 3830 3.3), DHHMAC (RFC 4650),
 * RSA-R (RFC 4738).
 */
#include "tests/pair.h"

#include <stdio.h>

static const struct ts_span none;
static const struct mikey_id nobody;

/* --- messages out of stock --- */

/* A payload of each type, as "TRIICK..." names them. */
static void stock(const struct pair *p, char what, struct parts *m)
{
    static const uint8_t t[] = {0, 0xe1, 0, 0, 0, 0x80, 0, 0, 0};
    static uint8_t dh[2][1 + 96 + 1];
    static uint8_t kemac[1 + 2 + 1 + 20] = {0, 0, 0, MIKEY_AUTH_SHA1};
    static uint8_t sign[2 + TOY_SIGN] = {0, TOY_SIGN};
    static uint8_t v[1 + 20] = {MIKEY_AUTH_SHA1};
    static uint8_t chash[1 + 20];
    struct bytes b = {0};
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    const struct mikey_id id = what == 'i' ? p->alice : p->bob;
    dh[0][0] = dh[1][0] = 1; /* OAKLEY 1 */
    dh[0][1] = 0xd1;
    dh[1][1] = 0xd2;
    switch (what) {
    case 'T':
        parts_insert(m, m->n, MIKEY_T, ts_span(t, sizeof t));
        break;
    case 'R':
        ts_put_u8(&w, p->rand.len);
        ts_put_span(&w, ts_key_span(&p->rand));
        parts_insert(m, m->n, MIKEY_RAND, ts_written(&w));
        break;
    case 'i':
    case 'r':
        ts_put_u8(&w, id.type);
        ts_put_u16(&w, (unsigned)id.data.n);
        ts_put_span(&w, id.data);
        parts_insert(m, m->n, MIKEY_ID, ts_written(&w));
        break;
    case 'c': /* Alice's certificate */
        ts_put_u8(&w, p->alice_cert.type);
        ts_put_u16(&w, (unsigned)p->alice_cert.data.n);
        ts_put_span(&w, p->alice_cert.data);
        parts_insert(m, m->n, MIKEY_CERT, ts_written(&w));
        break;
    case 'P':
        parts_insert(m, m->n, MIKEY_SP, OCTETS(0, 0, 0, 0));
        break;
    case 'K':
        parts_insert(m, m->n, MIKEY_KEMAC, ts_span(kemac, sizeof kemac));
        break;
    case 'H':
        parts_insert(m, m->n, MIKEY_CHASH, ts_span(chash, sizeof chash));
        break;
    case 'E':
        parts_insert(m, m->n, MIKEY_PKE, OCTETS(0, 1, 0xee));
        break;
    case 'V':
        parts_insert(m, m->n, MIKEY_V, ts_span(v, sizeof v));
        break;
    case 'S':
        parts_insert(m, m->n, MIKEY_SIGN, ts_span(sign, sizeof sign));
        break;
    case 'd':
    case 'D': /* DHi, DHr */
        parts_insert(m, m->n, MIKEY_DH, ts_span(dh[what == 'D'], sizeof dh[0]));
        break;
    case 'e':
        parts_insert(m, m->n, MIKEY_ERR, OCTETS(9, 0, 0));
        break;
    case 'G': /* CSB ID of a group (RFC 4738 3.9.3) */
        parts_insert(m, m->n, MIKEY_EXT,
                     OCTETS(MIKEY_EXT_CSB_ID, 0, 4, 0xc, 0xb, 0xa, 9));
        break;
    default:
        assert_int_equal(what, 'x'); /* what no grammar has */
        parts_insert(m, m->n, MIKEY_RANDR, OCTETS(1, 1, 1));
    }
}

static struct parts made_of(const struct pair *p, uint8_t type,
                            const char *payloads)
{
    struct parts m = {.hdr = {.n = 10}};
    memcpy(m.hdr.b, (const uint8_t[]){1, 0, 0, 0, 0x66, 0x66, 0x66, 0x66}, 8);
    m.hdr.b[1] = type;
    for (; *payloads; payloads++)
        stock(p, *payloads, &m);
    return m;
}

static enum ts_err check(const struct pair *p, uint8_t type,
                         const char *payloads, bool update,
                         struct mikey_form *f)
{
    struct parts parts = made_of(p, type, payloads);
    static struct bytes b; /* the form has views into it */
    struct mikey_msg m;
    b = parts_join(&parts);
    *f = (struct mikey_form){0};
    enum ts_err err = mikey_msg_read(span_of(&b), &m, NULL);
    return err ? err : mikey_classic_check(&m, update, f, NULL);
}

/* --- the grammars --- */

static const struct {
    uint8_t type;
    bool update;
    const char *all;  /* every payload that may stand there, in order */
    const char *must; /* of those */
} grammars[] = {
    {MIKEY_PSK, false, "TRirPK", "TRK"},
    {MIKEY_PSK, true, "TirPK", "TK"},
    {MIKEY_PSK_VERIFY, false, "TrV", "TV"},
    {MIKEY_PK, false, "TRicrPKHES", "TRKES"},
    {MIKEY_PK, true, "TicrPKHES", "TES"},
    {MIKEY_PK_VERIFY, false, "TrV", "TV"},
    {MIKEY_DH_INIT, false, "TRicrPdS", "TRdS"},
    {MIKEY_DH_INIT, true, "TicrPdS", "TS"},
    {MIKEY_DH_RESP, false, "TrciDdS", "TiDdS"},
    {MIKEY_DH_RESP, true, "TrciDdS", "TiDdS"},
    {MIKEY_DH_RESP, true, "TrciS", "TiS"},
    {MIKEY_ERROR, false, "TePV", "T"},
    {MIKEY_ERROR, false, "TePS", "T"},
    {MIKEY_DHHMAC_INIT, false, "TRirPdK", "TRrdK"},
    {MIKEY_DHHMAC_INIT, true, "TirPdK", "TrK"},
    {MIKEY_DHHMAC_RESP, false, "TriDdK", "TiDdK"},
    {MIKEY_DHHMAC_RESP, true, "TriK", "TiK"},
    {MIKEY_RSA_R_I, false, "TRicrPS", "TS"},
    {MIKEY_RSA_R_R, false, "GTRrcPKES", "TKES"},
};

#define N_GRAMMARS (sizeof grammars / sizeof grammars[0])

/* 3.1 to 3.3, 4.5, 5.1.2; RFC 4650 3; RFC 4738 3.1 */
static void what_a_grammar_has_is_complete(void **state)
{
    struct pair p;
    struct mikey_form f;
    char some[16];
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    for (unsigned g = 0; g < N_GRAMMARS; g++) {
        const char *all = grammars[g].all, *must = grammars[g].must;
        OK(check(&p, grammars[g].type, all, grammars[g].update, &f));
        assert_int_equal(f.ignored, 0);
        OK(check(&p, grammars[g].type, must, grammars[g].update, &f));
        for (size_t i = 0; all[i]; i++) { /* each one left out */
            snprintf(some, sizeof some, "%.*s%s", (int)i, all, all + i + 1);
            enum ts_err err =
                check(&p, grammars[g].type, some, grammars[g].update, &f);
            bool other_id = strchr("ir", all[i]) && strpbrk(some, "ir");
            bool mandatory = strchr(must, all[i]) && !other_id;
            assert_int_equal(err, mandatory ? TS_E_MISSING : TS_OK);
        }
    }
}

static void what_no_grammar_has_is_ignored_and_told(void **state)
{
    struct pair p;
    struct mikey_form f;
    char more[16];
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    for (unsigned g = 0; g < N_GRAMMARS; g++) {
        snprintf(more, sizeof more, "Tx%s", strchr(grammars[g].all, 'T') + 1);
        OK(check(&p, grammars[g].type, more, grammars[g].update, &f));
        assert_int_equal(f.ignored, 1u << MIKEY_RANDR);
    }
    for (unsigned type = 11; type < 256; type++)
        FAILS(TS_E_UNKNOWN, check(&p, (uint8_t)type, "TRK", false, &f));
}

static void what_must_be_last_is_last(void **state)
{
    struct pair p;
    struct mikey_form f;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    FAILS(TS_E_ORDER, check(&p, MIKEY_PSK, "TRKP", false, &f));
    assert_int_equal(f.bad_in, MIKEY_KEMAC);
    FAILS(TS_E_ORDER, check(&p, MIKEY_PSK, "TRKS", false, &f));
    FAILS(TS_E_ORDER, check(&p, MIKEY_PSK_VERIFY, "TVi", false, &f));
    FAILS(TS_E_ORDER, check(&p, MIKEY_DHHMAC_INIT, "TRrKd", false, &f));
    FAILS(TS_E_MISSING, check(&p, MIKEY_PK, "TRKEV", false, &f));
    assert_int_equal(f.bad_in, MIKEY_SIGN);
    for (const char *c = "TRK"; *c; c++) { /* without what must be there */
        char others[4] = "TRK", *at = strchr(others, *c);
        memmove(at, at + 1, strlen(at));
        FAILS(TS_E_MISSING, check(&p, MIKEY_PSK, others, false, &f));
        assert_int_equal(f.bad_in, *c == 'T'   ? MIKEY_T
                                   : *c == 'R' ? MIKEY_RAND
                                               : MIKEY_KEMAC);
    }
}

/* 4.5: RAND; RFC 4650 4.1: payloads that "shall not be applied" */
static void what_must_not_be_there_is_refused(void **state)
{
    struct pair p;
    struct mikey_form f;
    char more[16];
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    FAILS(TS_E_ORDER, check(&p, MIKEY_PSK, "TRK", true, &f));
    FAILS(TS_E_ORDER, check(&p, MIKEY_PK, "TRKES", true, &f));
    FAILS(TS_E_ORDER, check(&p, MIKEY_DH_INIT, "TRdS", true, &f));
    FAILS(TS_E_ORDER, check(&p, MIKEY_DHHMAC_INIT, "TRrdK", true, &f));
    assert_int_equal(f.bad_in, MIKEY_RAND);
    for (const char *c = "cHE"; *c; c++) {
        snprintf(more, sizeof more, "TRr%cdK", *c);
        FAILS(TS_E_ORDER, check(&p, MIKEY_DHHMAC_INIT, more, false, &f));
        snprintf(more, sizeof more, "Ti%cDdK", *c);
        FAILS(TS_E_ORDER, check(&p, MIKEY_DHHMAC_RESP, more, false, &f));
    }
}

/* 5.2: by order only */
static void whose_an_id_is_is_told_by_order(void **state)
{
    static const struct {
        const char *payloads;
        uint8_t type;
        char first; /* whose the first ID is */
        bool both;
    } orders[] = {
        {"TRxiK", MIKEY_PSK, 'i', false},
        {"TRirK", MIKEY_PSK, 'i', true},
        {"TRiKES", MIKEY_PK, 'i', false},
        {"TRicKES", MIKEY_PK, 'i', false},
        {"TRciKES", MIKEY_PK, 'r', false},
        {"TRcirKES", MIKEY_PK, 'i', true},
        {"TiV", MIKEY_PSK_VERIFY, 'r', false},
        {"TiDdS", MIKEY_DH_RESP, 'i', false},
        {"TciDdS", MIKEY_DH_RESP, 'i', false},
        {"TirDdS", MIKEY_DH_RESP, 'r', true},
        {"TRidK", MIKEY_DHHMAC_INIT, 'r', false},
        {"TRirdK", MIKEY_DHHMAC_INIT, 'i', true},
        {"TirDdK", MIKEY_DHHMAC_RESP, 'r', true},
        {"TciS", MIKEY_RSA_R_I, 'r', false},
        {"TicKES", MIKEY_RSA_R_R, 'r', false},
    };
    struct pair p;
    struct mikey_form f;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        OK(check(&p, orders[i].type, orders[i].payloads, false, &f));
        bool of_i = orders[i].first == 'i';
        SAME(of_i ? f.id_i.data : f.id_r.data, p.alice.data);
        SAME(of_i ? f.id_r.data : f.id_i.data,
             orders[i].both ? p.bob.data : none);
    }
    FAILS(TS_E_DUPLICATE, check(&p, MIKEY_PSK, "TRirrK", false, &f));
    FAILS(TS_E_DUPLICATE, check(&p, MIKEY_PSK_VERIFY, "TirV", false, &f));
    FAILS(TS_E_DUPLICATE, check(&p, MIKEY_DH_RESP, "TriiDdS", false, &f));
    OK(check(&p, MIKEY_ERROR, "Tiiiie", false, &f));
}

static unsigned first_octet(struct ts_span s)
{
    return s.n ? s.p[0] : 0;
}

/* 3.3: DHi alone; DHr, then DHi */
static void each_message_has_its_half_keys(void **state)
{
    struct pair p;
    struct mikey_form f;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    OK(check(&p, MIKEY_DH_INIT, "TRdS", false, &f));
    assert_int_equal(f.n_dh, 1);
    assert_int_equal(first_octet(f.dh_i.value), 0xd1);
    OK(check(&p, MIKEY_DH_RESP, "TiDdS", false, &f));
    assert_int_equal(f.n_dh, 2);
    assert_int_equal(first_octet(f.dh_i.value), 0xd1);
    assert_int_equal(first_octet(f.dh_r.value), 0xd2);
    FAILS(TS_E_DUPLICATE, check(&p, MIKEY_DH_INIT, "TRddS", false, &f));
    FAILS(TS_E_MISSING, check(&p, MIKEY_DH_RESP, "TidS", false, &f));
    FAILS(TS_E_MISSING, check(&p, MIKEY_DH_RESP, "TidS", true, &f));
    FAILS(TS_E_DUPLICATE, check(&p, MIKEY_DH_RESP, "TiDddS", false, &f));
    FAILS(TS_E_DUPLICATE, check(&p, MIKEY_DHHMAC_RESP, "TiDdddK", true, &f));
    OK(check(&p, MIKEY_DH_RESP, "TiS", true, &f));
    assert_int_equal(f.n_dh, 0);
    OK(check(&p, MIKEY_PSK, "TRdddK", false, &f)); /* means nothing there */
    assert_int_equal(f.ignored, 1u << MIKEY_DH);
}

static void the_csb_id_of_a_group_has_four_octets(void **state)
{
    struct pair p;
    struct mikey_form f;
    struct mikey_msg m;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    OK(check(&p, MIKEY_RSA_R_R, "GTRKES", false, &f));
    assert_true(f.has_group_csb);
    assert_int_equal(f.group_csb, 0x0c0b0a09);
    struct parts parts = made_of(&p, MIKEY_RSA_R_R, "GTRKES");
    parts.part[0].body.b[2] = 3;
    parts.part[0].body.n--;
    struct bytes b = parts_join(&parts);
    pair_read(&b, &m);
    FAILS(TS_E_FORMAT, mikey_classic_check(&m, false, &f, NULL));
    assert_int_equal(f.bad_in, MIKEY_EXT);
}

/* RFC 6043 12.1, as everywhere: no suite is mixed with another; 4.2.3. */
static void algorithms_are_those_of_one_suite(void **state)
{
    struct mikey_msg m = {.has_kemac = true};
    static const uint8_t types[] = {MIKEY_PSK, MIKEY_PK, MIKEY_RSA_R_R};
    uint8_t *prf = &m.hdr.prf, *encr = &m.kemac.encr, *mac = &m.kemac.mac_alg;
    (void)state;
    m.kemac.data.n = 1;
    for (unsigned i = 0; i < sizeof types; i++) {
        m.hdr.type = types[i];
        for (*prf = 0; *prf < 4; ++*prf)
            for (*encr = 0; *encr < 5; ++*encr)
                for (*mac = 0; *mac < 4; ++*mac) {
                    bool small = *prf == 0, large = *prf == 1;
                    bool kw = *encr == 2 && small;
                    bool encr_ok =
                        kw || (*encr == 1 && small) || (*encr == 3 && large);
                    bool mac_ok = (*mac == 1 && small) || (*mac == 2 && large);
                    uint8_t no = 0xff;
                    enum ts_err err = mikey_classic_algs(&m, 0, &no);
                    bool bare_kw = kw && *mac == 0 && i > 0;
                    assert_int_equal(!err, (encr_ok && mac_ok) || bare_kw);
                    if (err)
                        assert_int_equal(no, !small && !large ? MIKEY_ERR_PRF
                                             : !encr_ok       ? MIKEY_ERR_EA
                                                              : MIKEY_ERR_MAC);
                }
    }
}

/* --- DHHMAC --- */

/* Read as a whole and verify; init may be empty. */
static enum ts_err verify(const struct mikey_classic *x,
                          const struct bytes *init, const struct bytes *b)
{
    struct mikey_msg mi, m;
    enum ts_err err = mikey_classic_read(span_of(b), x->allow, &m);
    if (err)
        return err;
    if (init)
        pair_read(init, &mi);
    return mikey_dhhmac_verify(x, init ? &mi : NULL, &m);
}

static struct bytes dhhmac(const struct pair *p, uint8_t type,
                           const char *payloads)
{
    struct parts parts = made_of(p, type, payloads);
    struct bytes b = parts_join(&parts);
    pair_sign(p, &p->psk, &b, none);
    return b;
}

/* RFC 4650 3, 4.2: over the whole message; no octet can be changed. */
static void the_mac_of_dhhmac_is_verified(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p), y = x;
    const struct bytes init = dhhmac(&p, MIKEY_DHHMAC_INIT, "TRirPdK");
    const struct bytes resp = dhhmac(&p, MIKEY_DHHMAC_RESP, "TriDdK");
    OK(verify(&x, NULL, &init));
    OK(verify(&x, &init, &resp));
    for (size_t i = 0; i < init.n; i++) {
        struct bytes c = init;
        c.b[i] ^= 0x10;
        assert_int_not_equal(verify(&x, NULL, &c), TS_OK);
        c = init;
        c.n = i;
        assert_int_not_equal(verify(&x, NULL, &c), TS_OK);
    }
    for (size_t i = 0; i < resp.n; i++) {
        struct bytes c = resp;
        c.b[i] ^= 0x10;
        assert_int_not_equal(verify(&x, &init, &c), TS_OK);
    }
    y.secret = ts_key_span(&p.env_key);
    FAILS(TS_E_AUTH, verify(&y, NULL, &init));
    FAILS(TS_E_AUTH, verify(&y, &init, &resp));
    y = x;
    y.id_r = p.eve;
    FAILS(TS_E_MISMATCH, verify(&y, NULL, &init));
    FAILS(TS_E_MISMATCH, verify(&y, &init, &resp));
    FAILS(TS_E_MISMATCH, verify(&x, NULL, &resp));
    struct bytes psk = dhhmac(&p, MIKEY_PSK, "TRirK");
    FAILS(TS_E_UNKNOWN, verify(&x, NULL, &psk));
}

/* The order of ID and DH: what comes back is not what was sent. */
static void an_answer_of_dhhmac_fits_its_question(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    const struct bytes init = dhhmac(&p, MIKEY_DHHMAC_INIT, "TRirPdK");
    struct bytes wrong = dhhmac(&p, MIKEY_DHHMAC_RESP, "TridDK");
    FAILS(TS_E_MISMATCH, verify(&x, &init, &wrong));
    wrong = dhhmac(&p, MIKEY_DHHMAC_RESP, "TirDdK");
    FAILS(TS_E_MISMATCH, verify(&x, &init, &wrong));
    wrong = dhhmac(&p, MIKEY_DHHMAC_RESP, "TrDdK"); /* one ID is IDi */
    FAILS(TS_E_MISMATCH, verify(&x, &init, &wrong));
    x.id_i = nobody; /* also if only the question tells who asked */
    FAILS(TS_E_MISMATCH, verify(&x, &init, &wrong));
    x.id_i = p.alice;
    wrong = dhhmac(&p, MIKEY_DHHMAC_RESP, "TriK");
    FAILS(TS_E_MISSING, verify(&x, &init, &wrong));

    struct parts parts = made_of(&p, MIKEY_DHHMAC_RESP, "TriDdK");
    parts.part[0].body.b[8] ^= 1; /* T */
    wrong = parts_join(&parts);
    pair_sign(&p, &p.psk, &wrong, none);
    FAILS(TS_E_MISMATCH, verify(&x, &init, &wrong));
    parts = made_of(&p, MIKEY_DHHMAC_RESP, "TriDdK");
    parts.part[3].body = (struct bytes){1 + 128 + 1, {2}}; /* group of DHr */
    wrong = parts_join(&parts);
    pair_sign(&p, &p.psk, &wrong, none);
    FAILS(TS_E_MISMATCH, verify(&x, &init, &wrong));

    parts = made_of(&p, MIKEY_DHHMAC_INIT, "TRirPdK"); /* data in a KEMAC */
    parts.part[6].body = (struct bytes){3 + 1 + 1 + 20, {0, 0, 1, 7, 1}};
    wrong = parts_join(&parts);
    pair_sign(&p, &p.psk, &wrong, none);
    x.allow = MIKEY_ALLOW_NULL;
    FAILS(TS_E_FORMAT, verify(&x, NULL, &wrong));
    parts.part[6].body = (struct bytes){3 + 1, {0}}; /* and no MAC at all */
    wrong = parts_join(&parts);
    FAILS(TS_E_UNSUPPORTED, verify(&x, NULL, &wrong));
}

static void an_update_of_dhhmac_may_bring_no_half_keys(void **state)
{
    struct pair p;
    struct mikey_msg first;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    const struct bytes init = dhhmac(&p, MIKEY_DHHMAC_INIT, "TRirPdK");
    pair_read(&init, &first);
    x.first = &first;
    for (unsigned with = 0; with < 2; with++) {
        struct parts q =
            made_of(&p, MIKEY_DHHMAC_INIT, with ? "TirPdK" : "TirPK");
        struct parts a =
            made_of(&p, MIKEY_DHHMAC_RESP, with ? "TriDdK" : "TriK");
        q.part[0].body.b[8] = a.part[0].body.b[8] = 1;
        struct bytes u = parts_join(&q), r = parts_join(&a);
        pair_sign(&p, &p.psk, &u, none);
        pair_sign(&p, &p.psk, &r, none);
        OK(verify(&x, NULL, &u));
        OK(verify(&x, &u, &r));
        a = made_of(&p, MIKEY_DHHMAC_RESP, with ? "TriK" : "TriDdK");
        a.part[0].body.b[8] = 1;
        r = parts_join(&a);
        pair_sign(&p, &p.psk, &r, none);
        FAILS(TS_E_MISMATCH, verify(&x, &u, &r));
    }
}

/* RFC 4650 4.2 prints the numbers of a draft of MIKEY. */
static void the_numbers_of_rfc_4650_are_asked_for(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct parts parts = made_of(&p, MIKEY_DHHMAC_INIT, "TRirPdK");
    parts.part[6].body.b[0] = 2; /* NULL */
    for (unsigned mac = 0; mac < 2; mac++) {
        parts.part[6].body.b[3] = (uint8_t)mac; /* 0: HMAC-SHA-1 */
        struct bytes b = parts_join(&parts);
        pair_sign(&p, &p.psk, &b, none);
        x.allow = 0;
        FAILS(mac ? TS_E_UNSUPPORTED : TS_E_TRAILING, verify(&x, NULL, &b));
        x.allow = MIKEY_ALLOW_4650;
        OK(verify(&x, NULL, &b));
        for (size_t i = 0; i < b.n; i++) {
            struct bytes c = b;
            c.b[i] ^= 0x01;
            assert_int_not_equal(verify(&x, NULL, &c), TS_OK);
            c = b;
            c.n = i;
            assert_int_not_equal(verify(&x, NULL, &c), TS_OK);
        }
    }
    struct bytes psk = dhhmac(&p, MIKEY_PSK, "TRirK");
    psk.n++; /* only of DHHMAC */
    FAILS(TS_E_TRAILING, verify(&x, NULL, &psk));
}

/* --- DH and RSA-R --- */

static struct bytes signed_message(const struct pair *p, uint8_t type,
                                   const char *payloads, const char *who,
                                   struct ts_span tail)
{
    struct parts parts = made_of(p, type, payloads);
    struct bytes b = parts_join(&parts);
    pair_sign_toy(who, &b, tail);
    return b;
}

static enum ts_err judge(const struct pair *p, const struct mikey_classic *x,
                         const struct bytes *init, const struct bytes *b,
                         struct mikey_id *who)
{
    struct mikey_msg mi, m;
    enum ts_err err = mikey_msg_read(span_of(b), &m, NULL);
    if (err)
        return err;
    if (init)
        pair_read(init, &mi);
    return mikey_classic_signed(x, init ? &mi : NULL, &m, &p->trust, 1, who);
}

#define ALICE "sip:alice@example.com"
#define BOB   "sip:bob@example.com"

static void no_octet_of_a_signed_message_can_be_changed(
    const struct pair *p, const struct mikey_classic *x,
    const struct bytes *init, const struct bytes *b)
{
    struct mikey_id who;
    OK(judge(p, x, init, b, &who));
    for (size_t i = 0; i < b->n; i++) {
        struct bytes c = *b;
        c.b[i] ^= 0x01;
        assert_int_not_equal(judge(p, x, init, &c, &who), TS_OK);
        c = *b;
        c.n = i;
        assert_int_not_equal(judge(p, x, init, &c, &who), TS_OK);
    }
}

/* 3.3, 5.2: nothing behind the message is signed */
static void the_signatures_of_dh_are_verified(void **state)
{
    struct pair p;
    struct mikey_id who;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p), y = x;
    const struct bytes init =
        signed_message(&p, MIKEY_DH_INIT, "TRicrPdS", ALICE, none);
    const struct bytes resp =
        signed_message(&p, MIKEY_DH_RESP, "TriDdS", BOB, none);
    no_octet_of_a_signed_message_can_be_changed(&p, &x, NULL, &init);
    no_octet_of_a_signed_message_can_be_changed(&p, &x, &init, &resp);
    OK(judge(&p, &x, NULL, &init, &who));
    SAME(who.data, p.alice.data);
    OK(judge(&p, &x, &init, &resp, &who));
    SAME(who.data, p.bob.data);

    y.id_i = nobody; /* by the certificate alone */
    struct bytes b = signed_message(&p, MIKEY_DH_INIT, "TRcdS", ALICE, none);
    OK(judge(&p, &y, NULL, &b, &who));
    SAME(who.data, p.alice.data);
    b = signed_message(&p, MIKEY_DH_INIT, "TRdS", ALICE, none);
    OK(judge(&p, &x, NULL, &b, &who));
    FAILS(TS_E_MISSING, judge(&p, &y, NULL, &b, &who));
    b = signed_message(&p, MIKEY_DH_INIT, "TRidS", BOB, none);
    FAILS(TS_E_AUTH, judge(&p, &x, NULL, &b, &who));
    b = signed_message(&p, MIKEY_DH_RESP, "TridDS", BOB, none);
    FAILS(TS_E_MISMATCH, judge(&p, &x, &init, &b, &who));
    FAILS(TS_E_MISMATCH, judge(&p, &x, NULL, &resp, &who));
    b = dhhmac(&p, MIKEY_PSK, "TRirK");
    FAILS(TS_E_UNKNOWN, judge(&p, &x, NULL, &b, &who));
}

/* RFC 4738 3.6: ... || IDi || IDr || T */
static void the_signatures_of_rsa_r_are_verified(void **state)
{
    struct pair p;
    struct mikey_id who;
    struct bytes tail = {0};
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p), y = x;
    struct ts_writer w = ts_writer_init(tail.b, sizeof tail.b);
    ts_put_span(&w, p.alice.data);
    ts_put_span(&w, p.bob.data);
    ts_put_u64(&w, p.t.value);
    tail.n = w.len;
    const struct bytes init =
        signed_message(&p, MIKEY_RSA_R_I, "TRicrPS", ALICE, none);
    const struct bytes resp =
        signed_message(&p, MIKEY_RSA_R_R, "TrPKES", BOB, span_of(&tail));
    no_octet_of_a_signed_message_can_be_changed(&p, &x, NULL, &init);
    no_octet_of_a_signed_message_can_be_changed(&p, &x, &init, &resp);
    struct bytes b = signed_message(&p, MIKEY_RSA_R_R, "TrPKES", BOB, none);
    FAILS(TS_E_AUTH, judge(&p, &x, &init, &b, &who));

    /* 4738 may also be read so that SIGN is not covered at all */
    struct parts parts = made_of(&p, MIKEY_RSA_R_R, "TrPKES");
    b = parts_join(&parts);
    struct bytes bare = b;
    bare.n -= 2; /* S type and length */
    pair_sign_toy(BOB, &bare, span_of(&tail));
    memcpy(b.b + b.n - TOY_SIGN, bare.b + bare.n - TOY_SIGN, TOY_SIGN);
    FAILS(TS_E_AUTH, judge(&p, &x, &init, &b, &who));
    y.allow = MIKEY_ALLOW_BARE_SIGN;
    OK(judge(&p, &y, &init, &b, &who));
    OK(judge(&p, &y, &init, &resp, &who));
}

/* RFC 4738 3.6, 3.7 */
static void one_of_the_two_sends_rand_in_rsa_r(void **state)
{
    static const struct {
        const char *init, *resp;
        enum ts_err err;
    } cases[] = {
        {"TRirS", "TrKES", TS_OK},         {"TirS", "TRrKES", TS_OK},
        {"TRirS", "TRrKES", TS_E_ORDER},   {"TirS", "TrKES", TS_E_MISSING},
        {"TRirS", "GTRrKES", TS_OK},       {"TirS", "GTRrKES", TS_OK},
        {"TRirS", "GTrKES", TS_E_MISSING},
    };
    struct pair p;
    struct mikey_id who;
    struct bytes tail = {0};
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct ts_writer w = ts_writer_init(tail.b, sizeof tail.b);
    ts_put_span(&w, p.alice.data);
    ts_put_span(&w, p.bob.data);
    ts_put_u64(&w, p.t.value);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes init =
            signed_message(&p, MIKEY_RSA_R_I, cases[i].init, ALICE, none);
        struct bytes resp = signed_message(&p, MIKEY_RSA_R_R, cases[i].resp,
                                           BOB, ts_written(&w));
        FAILS(cases[i].err, judge(&p, &x, &init, &resp, &who));
    }
}

UNIT_MAIN(cmocka_unit_test(what_a_grammar_has_is_complete),
          cmocka_unit_test(what_no_grammar_has_is_ignored_and_told),
          cmocka_unit_test(what_must_be_last_is_last),
          cmocka_unit_test(what_must_not_be_there_is_refused),
          cmocka_unit_test(whose_an_id_is_is_told_by_order),
          cmocka_unit_test(each_message_has_its_half_keys),
          cmocka_unit_test(the_csb_id_of_a_group_has_four_octets),
          cmocka_unit_test(algorithms_are_those_of_one_suite),
          cmocka_unit_test(the_mac_of_dhhmac_is_verified),
          cmocka_unit_test(an_answer_of_dhhmac_fits_its_question),
          cmocka_unit_test(an_update_of_dhhmac_may_bring_no_half_keys),
          cmocka_unit_test(the_numbers_of_rfc_4650_are_asked_for),
          cmocka_unit_test(the_signatures_of_dh_are_verified),
          cmocka_unit_test(the_signatures_of_rsa_r_are_verified),
          cmocka_unit_test(one_of_the_two_sends_rand_in_rsa_r))
