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

#define WORLD_MAX      4096
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

/** What world it is: bits of the first octets of the input. */
enum world_options {
    WORLD_128 = 1,
    WORLD_PK = 2,      /* public keys in place of PSKs */
    WORLD_TYPES = 4,   /* tickets of another kind than the base ticket */
    WORLD_OPEN = 8,    /* KMSs without decide() ... */
    WORLD_STRICT = 16, /* ... with replay() and ticket_key() */
    WORLD_CHOOSY = 32, /* parties with same(), acceptable(), app and skew */
    WORLD_AWAY = 64,   /* Bob and Carol have a KMS of their own */
    WORLD_MORE = 128,  /* eight more in the octet that follows: */
    WORLD_OMIT_I = 0x100,
    WORLD_OMIT_R = 0x200,
    WORLD_OMIT_KMS = 0x400,
    WORLD_NAMELESS = 0x800, /* keys without ids */
    WORLD_SMALL = 0x1000,   /* memory for short messages */
    WORLD_BARE = 0x2000,    /* parties without keys */
    WORLD_MIXED = 0x4000,   /* Bob has the other suite */
    WORLD_PLAIN = 0x8000,   /* KMSs without user() or ticket key, parties
                               without the kind of ticket */
};

/** What fails that was lent. */
enum world_fault {
    WORLD_NO_SIGN = 1,
    WORLD_NO_SEAL = 2,
    WORLD_NO_CERTIFY = 4,
    WORLD_NO_USER = 8,
    WORLD_TYPE_FAILS = 16,
    WORLD_TYPE_CLAIMS = 32, /* more octets than there are */
    WORLD_TYPE_RAND = 64,   /* RAND too short */
    WORLD_USER_KMS = 128,   /* each user is a KMS */
    WORLD_USER_SHORT = 256, /* keys of users are too short */
};

/* Bits of further arguments that several steps have. */
#define WORLD_LITTLE 0x4000 /* memory for a bundle */
#define WORLD_TIGHT  0x8000 /* room for a message */

#define WORLD_NOTHING 0x0800 /* in an answer: as offered */

/** All there is. */
struct world {
    unsigned options;
    unsigned more;    /* further arguments of the next step */
    unsigned decided; /* what decide() does otherwise */
    unsigned fault;
    struct mikey_kms kms, away;
    struct mikey_party party[3]; /* Alice, Bob, Carol */
    struct mikey_party as;       /* the KMS that is away, as a user */
    struct mikey_signer signer[3];
    struct mikey_sealer sealer[3];
    struct mikey_opener opener[2];
    struct mikey_id cert[3];
    uint8_t octets[MIKEY_KEYS_BYTES + 1]; /* where it does not matter */
    struct ts_span taken[WORLD_MESSAGES]; /* replay() remembers */
    size_t n_taken;
    uint32_t highest;
    struct mikey_now now;
    uint64_t drawn;
    bool dry; /* the random source fails, after so many times: */
    unsigned left;
    uint8_t added; /* number of a policy that was not offered */
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

/**
 * Begin anew.
 *
 * @param options  enum world_options
 * @param max      of messages, where memory is small
 */
void world_begin(unsigned options, size_t max);

/** Lend parties and KMSs what they need. */
void world_lend(void);
extern const struct mikey_ticket_type world_types[];
extern const struct mikey_id world_group; /* all of us */

/** Whether replay() has taken a message. */
bool world_seen(struct ts_span message);

/** Further arguments for the step that is taken, 0 for none; and the room that
 *  they leave for a message. */
unsigned world_more(void);
size_t world_room(unsigned more);
void world_wish(struct mikey_wish *wish, unsigned more);
void world_held(struct mikey_held *held, unsigned more);
void world_offer(struct mikey_offer *o, unsigned more);
void world_answer(struct mikey_answer *a, struct mikey_session s[static 2],
                  unsigned more);
void world_update(struct mikey_update *u, struct mikey_session *s,
                  unsigned more);

/** Look at a message, and at all that one of us can tell. */
void world_inspect(const struct world_message *m, unsigned who,
                   const struct mikey_bundle *b);

/** A party that lacks something makes no object. */
void world_refuse_parties(void);

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

/** The key that protects what the KMS sends: to Alice, Bob or Carol. */
struct ts_span world_request_key(size_t nth);

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
