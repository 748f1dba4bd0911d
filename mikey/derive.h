/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key derivation: the seven derivations K0 to K6 of mikey-ticket.md 3.3
 * (RFC 6043 5.1 and A.2). Labels hold the length and value of a RAND, never a
 * whole payload (R140, R301).
 */
#ifndef MIKEY_DERIVE_H
#define MIKEY_DERIVE_H

#include "mikey/crypt.h"

/** Longest identity that enters a derivation, in bytes. */
#define MIKEY_ID_MAX 255

/** Last octet of every label: which message or purpose the key is for. */
enum mikey_selector {
    MIKEY_SEL_FORK = 0,   /* K0 */
    MIKEY_SEL_INIT = 1,   /* K1: initial messages (R145) */
    MIKEY_SEL_RESP = 2,   /* K2: responses (R146) */
    MIKEY_SEL_TEK = 3,    /* K3 */
    MIKEY_SEL_VR = 4,     /* K4 */
    MIKEY_SEL_TICKET = 5, /* K5 */
    MIKEY_SEL_MPK = 6,    /* K6 */
};

/** The keys that protect one direction of an exchange, not yet derived. */
struct mikey_protect {
    struct mikey_prf prf; /* keyed with PSK, MPKi, MPKr' or TPK */
    const struct mikey_suite *suite;
    uint32_t csb;
    struct ts_span rand_i, rand_r; /* empty when left out (R149) */
    uint8_t selector;              /* INIT, RESP or TICKET */
};

/** Keys of AES-CM. */
struct mikey_cipher {
    uint8_t key[32];
    uint8_t salt[MIKEY_SALT_LEN];
};

/**
 * Begin K1, K2 (RFC 6043 5.1.2) or K5 (A.2.1).
 *
 * @param suite     gives the PRF and all lengths
 * @param inkey     PSK, envelope key, MPKi, MPKr' or TPK
 * @param csb       CSB ID of the exchange; 0xffffffff for K5
 * @param rand_i    RANDRi, or the ticket's RAND for K5; borrowed
 * @param rand_r    RANDRr; empty for K5; borrowed
 */
void mikey_protect_begin(struct mikey_protect *p,
                         const struct mikey_suite *suite, struct ts_span inkey,
                         uint8_t selector, uint32_t csb, struct ts_span rand_i,
                         struct ts_span rand_r);

/** The auth_key: suite->auth_key bytes. The caller wipes it. */
void mikey_protect_auth_key(struct mikey_protect *p,
                            uint8_t key[static MIKEY_MAC_MAX]);

/** The auth_key, set into an HMAC. */
void mikey_protect_auth(struct mikey_protect *p, struct mikey_hmac *h);

/** The encr_key and salt_key. The caller wipes them. */
void mikey_protect_cipher(struct mikey_protect *p, struct mikey_cipher *c);

/** Wipe. */
void mikey_protect_end(struct mikey_protect *p);

/**
 * K6: MPKi and MPKr of a base ticket, as long as the MPK (R303, R304).
 *
 * @param prf   keyed with the MPK and the PRF of the Ticket Policy
 * @param len   bytes of the MPK
 * @param rand  RAND of the ticket
 */
void mikey_derive_mpk(struct mikey_prf *prf, size_t len, struct ts_span rand,
                      struct ts_key *mpk_i, struct ts_key *mpk_r);

/**
 * K4: the key of Vr (R248), suite->auth_key bytes. The caller wipes it.
 *
 * @param prf  keyed with the unforked MPKr and the PRF of the Ticket Policy
 */
void mikey_derive_vr_key(struct mikey_prf *prf, const struct mikey_suite *suite,
                         uint8_t key[static MIKEY_MAC_MAX]);

/** The same, set into an HMAC. */
void mikey_derive_vr(struct mikey_prf *prf, const struct mikey_suite *suite,
                     struct mikey_hmac *h);

/**
 * K0: fork MPKr or a TGK (R127, R141, R143).
 *
 * @param prf       keyed with the key to fork, PRF of the Ticket Policy (R218)
 * @param len       its length; the forked key is as long
 * @param mpk       true for MPKr, false for a TGK
 * @param id        ID data of IDRr, at most MIKEY_ID_MAX bytes
 * @param rand_kms  RANDRkms
 */
void mikey_derive_fork(struct mikey_prf *prf, size_t len, bool mpk,
                       struct ts_span id, struct ts_span rand_kms,
                       struct ts_key *out);

/** What K3 is to give. */
enum mikey_tek_use {
    MIKEY_USE_TEK,
    MIKEY_USE_AUTH,
    MIKEY_USE_ENCR,
    MIKEY_USE_SALT
};

/**
 * K3: a key for the security protocol of one crypto session (R152, R155 to
 * R158).
 *
 * @param tgk     TGK, TGK' or GTGK
 * @param prf     PRF function of HDR
 * @param cs      CS ID
 * @param rand_i  RANDRi of TRANSFER_INIT if H, else empty
 * @param rand_r  RANDRr of TRANSFER_RESP if G, else empty
 * @param out     gets n bytes, at most 255
 */
void mikey_derive_tek(const struct ts_key *tgk, uint8_t prf,
                      enum mikey_tek_use use, uint8_t cs, struct ts_span rand_i,
                      struct ts_span rand_r, uint8_t *out, size_t n);

#endif
