/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of fuzz_roles: Alice calls Bob or Carol, a KMS knows all three, and
 * every message that one of them sent is remembered.
 */
#ifndef FUZZ_ROLES_WORLD_H
#define FUZZ_ROLES_WORLD_H

#include "fuzz/mikey.h"
#include "mikey/bundle_state.h"
#include "mikey/initiator_state.h"
#include "mikey/mikey.h"
#include "mikey/responder_state.h"

#define WORLD_MAX      2048
#define WORLD_MEM      32768
#define WORLD_MESSAGES 64
#define WORLD_SESSIONS 3

/** SRTP keys of a bundle's sessions, as one end has them. */
struct world_view {
    bool there;
    size_t n;
    uint8_t cs[WORLD_SESSIONS + 1];
    struct mikey_srtp_key key[WORLD_SESSIONS + 1];
};

struct world_message {
    size_t n;
    uint8_t b[WORLD_MAX];
    bool sent;              /* by one of us, as it is */
    bool insider;           /* changed, then given a right MAC */
    struct world_view view; /* keys of the sender, once this is taken */
};

/** All there is. */
struct world {
    struct mikey_kms kms;
    struct mikey_party party[3]; /* Alice, Bob, Carol */
    struct mikey_now now;
    uint64_t drawn;
    bool dry; /* the random source fails */
    struct mikey_session session[WORLD_SESSIONS];
    struct mikey_srtp_policy policy[2];
    struct mikey_key key[4];
    uint16_t spi; /* of the last update: each its own */
    struct mikey_id responder[2];
    struct mikey_wish wish;

    struct mikey_initiator *i;
    struct mikey_responder *r[2];
    struct mikey_bundle *at_i[2], *at_r[2];
    struct mikey_held held; /* with copies of what it shows */
    uint8_t kept[4][WORLD_MAX];
    bool tainted; /* somebody took what an insider may have sent */

    struct world_message pool[WORLD_MESSAGES];
    unsigned made;
    _Alignas(16) uint8_t mem_i[WORLD_MEM], mem_r[2][WORLD_MEM];
    _Alignas(16) uint8_t mem_at[2][2][WORLD_MEM];
};

extern struct world w;

/** Begin anew, for a suite of 128 or 256 bits. */
void world_begin(unsigned bits);

/** Octets to make keys and SPIs of: more than 64. */
extern const char world_octets[];

/** A salt for a type of key: 14 octets, or none. */
struct ts_span world_salt(uint8_t type);

/** Room for the next message; there is for WORLD_MESSAGES. */
struct world_message *world_fresh(void);

/** What one of us wrote there; nothing after a failure. */
void world_post(struct world_message *m, enum ts_err err);

/** The message that is back before the last one. */
struct world_message *world_pick(unsigned back);

/** Its octets. */
static inline struct ts_span world_span(const struct world_message *m)
{
    return ts_span(m->b, m->n);
}

/**
 * One of us sent this message, or one that is the same but for what no MAC
 * covers (Initiator Data without forking); or an insider did.
 *
 * @param vr  with forking the KMS has verified them; else nobody
 */
bool world_authentic(const struct world_message *m, bool vr);

/** Whether any message of an insider is remembered. */
bool world_insider(void);

/** Give a message that was changed a right MAC, as far as one is known. */
void world_sign(struct world_message *m);

/** The keys that a bundle has; and that it has those of the sender. */
void world_look(const struct mikey_bundle *b, struct world_view *v);
void world_must_agree(const struct mikey_bundle *b,
                      const struct world_view *sent);

/** Alice, a Responder and a bundle, which may be NULL, are as they were. */
void world_freeze(unsigned who, const struct mikey_bundle *b);
void world_must_be_unchanged(unsigned who, const struct mikey_bundle *b);

#endif
