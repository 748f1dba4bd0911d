/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Ticket Policy: what TP and TICKET say about a ticket (RFC 6043 6.10).
 */
#ifndef MIKEY_POLICY_H
#define MIKEY_POLICY_H

#include "mikey/keydata.h"
#include "mikey/time.h"

/** How many responders and applications one ticket of ours may name. */
#define MIKEY_RESPONDERS_MAX 64
#define MIKEY_APPS_MAX       8

/** TP Data, read. Identities are views. */
struct mikey_policy {
    struct mikey_id kms;       /* IDRkms */
    struct mikey_id initiator; /* IDRi */
    bool has_start, has_end, has_rekey;
    uint64_t start, end; /* TRs, TRe: Unix seconds */
    uint32_t rekey;      /* TRr: seconds */
    bool has_kemac;      /* requested policy only (R239) */
    struct mikey_kemac kemac;
    size_t n_responders;
    struct mikey_id responder[MIKEY_RESPONDERS_MAX]; /* IDRr */
    size_t n_apps;
    struct mikey_id app[MIKEY_APPS_MAX]; /* IDRapp */
};

/** The MIKEY base ticket. */
extern const struct mikey_kind mikey_kind_base;

/** Whether two kinds are the same. */
static inline bool mikey_kind_equal(struct mikey_kind a, struct mikey_kind b)
{
    return a.type == b.type && a.subtype == b.subtype && a.version == b.version;
}

/** Flags of a ticket as our UEs ask for it (design section 7). */
#define MIKEY_FLAGS_USUAL                                                      \
    (MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_F | MIKEY_FLAG_G |               \
     MIKEY_FLAG_H | MIKEY_FLAG_I | MIKEY_FLAG_N | MIKEY_FLAG_O)

/**
 * Whether flags fit together (RFC 6043 6.10; mikey-ticket.md 2.17), and are
 * no others than D to O.
 *
 * @param has_tgk  a TGK is encoded in the ticket (R217)
 */
bool mikey_flags_ok(uint16_t flags, bool has_tgk);

/**
 * Read TP Data.
 *
 * @return OK; E_MISSING without a responder (R240); E_DUPLICATE; E_UNSUPPORTED
 *         (too many, or a timestamp type that is not allowed: R235, AMB 16);
 *         and the errors of a chain. Unexpected payloads are ignored (R231).
 */
TS_MUST enum ts_err mikey_policy_read(struct ts_span tp_data,
                                      struct mikey_policy *p);

/**
 * Write the fields of TP up to and with TP Data: shared by TP and TICKET,
 * whose next payload octet stands already.
 *
 * @param tp    kind, prf, flags and reserved bits are written
 * @param p     gives TP Data; its kemac is not looked at
 * @param want  keys asked for: lengths and SPIs count, bytes are written as
 *              zero (R237, R238); NULL: no KEMAC, nothing is asked for
 */
void mikey_build_tp(struct mikey_build *b, const struct mikey_tp *tp,
                    const struct mikey_policy *p, const struct mikey_key *want,
                    size_t n_want);

/**
 * Whether a ticket is valid.
 *
 * @param now   Unix seconds
 * @param skew  seconds that our clock may differ from that of the KMS; 0 at
 *              the KMS itself
 * @return OK, or E_EXPIRED before TRs or after TRe
 */
TS_MUST enum ts_err mikey_policy_valid(const struct mikey_policy *p,
                                       uint64_t now, uint32_t skew);

#endif
