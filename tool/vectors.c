/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "vectors": the test vectors of mikey-ticket.md section 11 as this
 * code computes them, under the names of tests/vectors.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tool/example.h"
#include "tool/io.h"
#include "tool/mikeytool.h"
#include "tool/put.h"

static void put_value(void *arg, const char *name, struct ts_span value)
{
    mt_put_hex(arg, name, value);
}

/* An input at its offset in struct example. */
static struct ts_span input(const struct example *e, size_t i)
{
    const uint8_t *at = (const uint8_t *)e + example_inputs[i].offset;
    return ts_key_span((const struct ts_key *)(const void *)at);
}

static void put_identities(json_t *o, const struct example *e)
{
    mt_put_printable(o, "Identity_i", e->alice.data);
    mt_put_printable(o, "called", e->called.data);
    mt_put_printable(o, "Identity_r", e->bob.data);
    mt_put_printable(o, "Identity_kms", e->kms.data);
}

static json_t *exchange(unsigned bits)
{
    static struct example e;
    json_t *o = mt_object(), *identities = mt_object(), *inputs = mt_object();
    json_t *derived = mt_object(), *messages = mt_object();
    example_init(&e, mikey_suite_bits(bits));
    mt_put_text(o, "section", bits == 128 ? "11.2" : "11.3");
    mt_put_number(o, "PRF", e.suite->prf);
    mt_put_number(o, "Encr alg", e.suite->encr);
    mt_put_number(o, "Auth alg", e.suite->auth);
    mt_put(o, "identities", identities);
    put_identities(identities, &e);
    mt_put(o, "inputs", inputs);
    for (size_t i = 0; i < example_n_inputs; i++)
        mt_put_hex(inputs, example_inputs[i].name, input(&e, i));
    mt_put(o, "derived", derived);
    mt_put(o, "messages", messages);
    for (enum example_message i = 0; i < e.n_messages; i++) {
        if (example_build(&e, i))
            goto failed;
        mt_put_hex(messages, example_name(i), example_span(&e, i));
    }
    if (!example_each(&e, put_value, derived))
        return o;
failed:
    json_decref(o);
    return NULL;
}

/* Section 11.1: a label of K1 under inkeys that count up from 00. */
static json_t *prf_cases(void)
{
    static const uint8_t sizes[] = {16, 32, 40, 64};
    static const uint8_t label[] = {0x15, 0x05, 0x33, 0xe1, 0xff, 0x12, 0x34,
                                    0x56, 0x78, 0x01, 0x10, 0xa0, 0xa1, 0xa2,
                                    0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9,
                                    0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x00};
    uint8_t inkey[64], outkey[50];
    json_t *o = mt_object(), *cases = mt_array();
    for (unsigned i = 0; i < sizeof inkey; i++)
        inkey[i] = (uint8_t)i;
    mt_put_text(o, "section", "11.1");
    mt_put_hex(o, "label", ts_span(label, sizeof label));
    mt_put_number(o, "outkey bits", 8 * sizeof outkey);
    mt_put(o, "cases", cases);
    for (unsigned i = 0; i < 8; i++) {
        struct mikey_prf prf;
        json_t *one = mt_object();
        uint8_t func = i < 4 ? MIKEY_PRF_SHA1 : MIKEY_PRF_SHA256;
        struct ts_span key = ts_span(inkey, sizes[i % 4]);
        mikey_prf_key(&prf, func, key);
        mikey_prf(&prf, ts_span(label, sizeof label), outkey, sizeof outkey);
        mt_put_number(one, "PRF", func);
        mt_put_hex(one, "inkey", key);
        mt_put_hex(one, "outkey", ts_span(outkey, sizeof outkey));
        mt_append(cases, one);
    }
    return o;
}

/* The exchanges that a second implementation made, as files of the source. */
static const struct {
    const char *name;
    bool both; /* in both suites, else with 128 bits only */
} published[] = {
    {"aead", true},
    {"aes-kw", false},
    {"compatibility", true},
    {"errors", true},
    {"group-gtgk", true},
    {"initiator-keys", true},
    {"kms-to-kms", true},
    {"mode1-fork", true},
    {"mode1-no-response", true},
    {"mode1-nofork", true},
    {"mode1-pk", true},
    {"mode1-pk-ecdsa", true},
    {"mode1-pk-pss", true},
    {"mode2", true},
    {"mode3", true},
    {"mode4", true},
    {"omitted-ids", true},
    {"policy", true},
    {"preencrypted", true},
    {"reuse", true},
    {"rfc3830-dh", false},
    {"rfc3830-dhhmac", false},
    {"rfc3830-pk", true},
    {"rfc3830-psk", true},
    {"rfc3830-rsar", true},
    {"timestamps", true},
    {"update-by-i", true},
    {"update-by-r", true},
};

static json_t *published_ones(void)
{
    json_t *o = mt_object(), *names = mt_array();
    mt_put_text(o, "folder", "docs/vectors");
    mt_put_text(o, "format", "docs/vectors/README.md");
    mt_put(o, "names", names);
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        for (unsigned bits = 128; bits <= (published[i].both ? 256u : 128u);
             bits += 128)
            mt_append(names, json_sprintf("%s-%u", published[i].name, bits));
    return o;
}

int mt_run_vectors(const struct mt_call *call)
{
    unsigned options = call->options;
    static const unsigned bits[] = {128, 256};
    json_t *o = mt_object();
    mt_put(o, "prf", prf_cases());
    for (unsigned i = 0; i < 2; i++) {
        char name[16];
        json_t *e = exchange(bits[i]);
        snprintf(name, sizeof name, "exchange-%u", bits[i]);
        if (!e) {
            json_decref(o);
            return mt_complain(name, "not built");
        }
        mt_put(o, name, e);
    }
    mt_put(o, "published", published_ones());
    return mt_print(o, options);
}
