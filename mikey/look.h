/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at messages, for whoever has no key and no role: all is checked for
 * its form, nothing is verified. Part of <mikey/mikey.h>.
 */
#ifndef MIKEY_LOOK_H
#define MIKEY_LOOK_H

#include "mikey/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library: three numbers, with dots between. */
const char *mikey_version(void);

/** What everybody can see in a message. Views go into it. */
struct mikey_glance {
    uint8_t type; /* enum mikey_type */
    bool v;
    uint8_t prf;
    uint32_t csb;
    uint8_t n_cs, map_type;
    bool has_t;
    struct mikey_time t;
    struct mikey_id idr[8]; /* by enum mikey_id_role; data.p NULL: none */
    uint8_t n_errors, error[8];
    uint16_t ticket_flags; /* of TP or TICKET */
    size_t bad_at;         /* after a failure: offset of what is wrong ... */
    uint8_t bad_in;        /* ... and the type of its payload, 0 for HDR */
};

/**
 * Look at a message of any type: all of it is checked, nothing verified.
 *
 * @param message  any octets
 * @param g        filled in as far as the message could be read
 * @return OK; E_SHORT, E_TRAILING, E_UNKNOWN, E_FORMAT, E_DUPLICATE, E_ORDER,
 *         E_UNSUPPORTED
 */
TS_MUST enum ts_err mikey_look(struct ts_span message, struct mikey_glance *g);

/** One payload of a message. */
struct mikey_item {
    uint8_t type; /* enum mikey_next */
    size_t offset;
    struct ts_span octets; /* all of the payload */
};

/** Where a walk over the payloads is; zeros at first. */
struct mikey_walk {
    size_t at;
    uint8_t next;
};

/**
 * The payloads of a message, one after the other:
 *
 *     struct mikey_walk walk = {0};
 *     while (mikey_walk(message, &walk, &item))
 *
 * @return false behind the last one, and at one that cannot be read
 */
bool mikey_walk(struct ts_span message, struct mikey_walk *walk,
                struct mikey_item *item);

/**
 * The nth policy of a message, from 0: what an offer suggests, an answer adds,
 * or an Error says could be done instead (R182).
 *
 * @param message, nth  which policy
 * @param no, policy    get its number, and what it says
 * @return OK; E_NOTFOUND behind the last one; what mikey_look() gives; of the
 *         policy itself E_UNSUPPORTED (not SRTP, or a parameter that we do not
 *         know), E_FORMAT, E_DUPLICATE, E_SHORT, E_MISMATCH
 */
TS_MUST enum ts_err mikey_look_policy(struct ts_span message, size_t nth,
                                      uint8_t *no,
                                      struct mikey_srtp_policy *policy);

/* ---- what is said of policies and times ---- */

/**
 * AES-CM with HMAC-SHA1-80, as RFC 3711 has it: nothing of it is left to what
 * a reader thinks is the default.
 *
 * @param key_len  bytes of its master key: 16; 24 or 32 (RFC 6188)
 */
struct mikey_srtp_policy mikey_srtp_aes_cm(uint8_t key_len);

/**
 * AES-GCM with a tag of 16 bytes, as RFC 7714 has it.
 *
 * @param key_len  bytes of its master key: 16 or 32
 */
struct mikey_srtp_policy mikey_srtp_aes_gcm(uint8_t key_len);

/**
 * Whether two policies ask for the same, in every parameter, whichever of them
 * are said and which are defaults.
 */
bool mikey_srtp_policy_equal(const struct mikey_srtp_policy *a,
                             const struct mikey_srtp_policy *b);

/**
 * Unix time of a timestamp, in microseconds; 0 for one before 1970.
 *
 * @param t   of a message, or of a refusal
 * @param us  gets the time
 * @return OK, or E_UNSUPPORTED for a COUNTER
 */
TS_MUST enum ts_err mikey_time_unix(struct mikey_time t, uint64_t *us);

#ifdef __cplusplus
}
#endif

#endif
