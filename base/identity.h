/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KMS user identities: one canonical form for SIP and tel URIs, used when a
 * ticket is issued and when it is resolved (3gpp.md 1.9). It serves comparing
 * only; MACs and key forking use the octets as received.
 *
 *     sip:Alice%41@EXAMPLE.org:5060;lr?x=y  ->  sip:AliceA@example.org:5060
 *     sip:+49-30-1234@h;user=phone          ->  tel:+49301234
 *
 * Scheme and host in lower case, URI parameters and headers gone, escapes of
 * unreserved characters decoded and all others in upper-case hex, user part
 * case-sensitive, default ports not added or removed, sips: kept apart from
 * sip: (with user=phone too), tel: without visual separators, a local number
 * only with its phone-context, IPv6 hosts in RFC 5952 form, no dot at the end
 * of a host. A SIP URI without a user (no "@") names a domain and is accepted.
 */
#ifndef BASE_IDENTITY_H
#define BASE_IDENTITY_H

#include "base/bytes.h"
#include "base/err.h"

/** Longest canonical form, without NUL. */
#define TS_IDENTITY_MAX 255

struct ts_identity {
    size_t len;
    char text[TS_IDENTITY_MAX + 1]; /* canonical, NUL-terminated */
};

/**
 * Bring a SIP, SIPS or tel URI into canonical form. Allocates nothing.
 *
 * @param uri  text as received; may hold any octets
 * @param out  filled in on OK, empty otherwise
 * @return OK; E_FORMAT for what is no such URI (empty user or host, control
 *         characters as they stand or escaped, anything outside the grammar,
 *         bad escape, local number without phone-context, user info with a
 *         password); E_UNKNOWN for another scheme; E_SPACE
 *         when the canonical form is longer than TS_IDENTITY_MAX
 */
TS_MUST enum ts_err ts_identity(struct ts_span uri, struct ts_identity *out);

/** Both are valid and have the same canonical form. */
bool ts_identity_same(struct ts_span a, struct ts_span b);

#endif
