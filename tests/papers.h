/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys, certificates and CRLs of tests/pki/, which tests/pki/make.sh made.
 * They are read once and live until the program ends. A file that is not there
 * fails the test.
 */
#ifndef TESTS_PAPERS_H
#define TESTS_PAPERS_H

#include "pki/gnutls.h"

/** A time at which most certificates are valid: 2025-06-15. */
#define PAPERS_NOW 1750000000u

/** PEM of the files, for example "alice.crt sub.crt", one behind the other. */
struct ts_span papers(const char *names);

/** DER of a certificate file. */
struct ts_span paper_der(const char *name);

/** A CERT payload of type X509 with the certificate of a file. */
struct mikey_id paper_cert(const char *name);

/** A private key by the name of its file, and its certificates. */
struct mikey_gnutls_key paper_key(const char *key, const char *certs);

/** An identity: "sip:..." and "tel:..." are URIs, others NAIs; NULL is none. */
struct mikey_id paper_id(const char *text);

/** Trust in some CAs, and CRLs or NULL; sizes as usual. */
struct mikey_gnutls_trust paper_trust(const char *cas, const char *crls);

#endif
