/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CERT and SIGN payloads of an unknown peer. The input:
 *
 *     claim   1  0: no IDR, else "sip:alice@example.org"
 *     n       1  certificates, each with: type 1, length 2, octets
 *     S type  1
 *     the rest is the signature, over "a message"
 *
 * Whoever is certified has one of the names that the CA of tests/pki signed,
 * and nothing is verified for anybody else.
 */
#include <stdlib.h>

#include "base/reader.h"
#include "tests/papers.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

#define CERTS_MAX 12

static struct mikey_verifier verifier;
static const char alice[] = "sip:alice@example.org";

static bool is_certified(struct ts_span who)
{
    static const char *const names[] = {alice, "sip:bob@example.org",
                                        "tel:+49301234", "sip:dave@example.org",
                                        "sip:nousage@example.org"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ts_span_equal(who, ts_span_str(names[i])))
            return true;
    return false;
}

static size_t read_certs(struct ts_reader *r, struct mikey_id *cert)
{
    size_t n = ts_get_u8(r) % (CERTS_MAX + 1);
    for (size_t i = 0; i < n; i++) {
        cert[i] = (struct mikey_id){.type = ts_get_u8(r)};
        cert[i].data = ts_get_span(r, ts_get_u16(r));
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct ts_span text = {(const uint8_t *)"a message", 9};
    struct mikey_id cert[CERTS_MAX], claimed = paper_id(NULL), who;
    struct ts_reader r = ts_reader_init(data, n);
    if (!verifier.arg) {
        struct mikey_gnutls_trust trust =
            paper_trust("ca.crt", "ca.crl sub.crl");
        trust.sha1 = true;
        MUST_HOLD(mikey_gnutls_verifier(&trust, &verifier) == TS_OK);
    }
    if (ts_get_u8(&r))
        claimed = paper_id(alice);
    size_t n_cert = read_certs(&r, cert);
    uint8_t s_type = ts_get_u8(&r);
    struct ts_span sig = ts_get_span(&r, ts_reader_left(&r));
    if (r.err)
        return 0;
    enum ts_err err = verifier.certify(verifier.arg, cert, n_cert, &claimed,
                                       PAPERS_NOW, &who);
    MUST_HOLD((err == TS_OK) == (who.data.p != NULL));
    MUST_HOLD(err || is_certified(who.data));
    MUST_HOLD(err || !claimed.data.p || ts_span_equal(who.data, claimed.data));
    enum ts_err state = verifier.verify(verifier.arg, s_type, &text, 1, sig);
    MUST_HOLD((err != TS_OK) == (state == TS_E_STATE));
    return 0;
}
