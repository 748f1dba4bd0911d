/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading MIKEY messages: the common header, the chain of payloads, and one
 * whole message. Nothing is copied: views point into the message, which must
 * outlive what was read from it.
 */
#ifndef MIKEY_MSG_H
#define MIKEY_MSG_H

#include "base/reader.h"
#include "mikey/types.h"

/** HDR, the common header (RFC 3830 6.1). */
struct mikey_hdr {
    uint8_t type; /* enum mikey_type, or a number that we do not know */
    uint8_t next;
    bool v; /* V flag */
    uint8_t prf;
    uint32_t csb; /* CSB ID */
    uint8_t n_cs;
    uint8_t map_type;
    struct ts_span map; /* CS ID map info, checked entry by entry */
};

/** One crypto session of a GENERIC-ID map (RFC 6043 6.1.1). */
struct mikey_cs {
    uint8_t id;
    uint8_t prot;            /* MIKEY_PROT_SRTP */
    bool s;                  /* S flag */
    struct ts_span policies; /* policy numbers, one octet each */
    struct ts_span session;  /* Session Data, may be empty */
    struct ts_span spi;      /* may be empty */
    uint32_t ssrc;           /* from Session Data, if there is any */
    uint32_t roc;            /* if S */
    uint16_t seq;            /* if S */
};

struct mikey_kemac {
    uint8_t encr;
    uint8_t mac_alg;
    struct ts_span data; /* Key Data sub-payloads, encrypted */
    struct ts_span mac;
};

struct mikey_v {
    uint8_t alg;
    struct ts_span mac;
};

struct mikey_sp {
    uint8_t no;
    uint8_t prot;
    struct ts_span params;
};

/** The envelope key, encrypted. */
struct mikey_pke {
    uint8_t c; /* enum mikey_pke_cache */
    struct ts_span data;
};

struct mikey_sign {
    uint8_t type; /* S type */
    struct ts_span data;
};

struct mikey_dh {
    uint8_t group, reserved, kv;
    struct ts_span value;
    struct ts_span spi, from, to; /* by kv */
};

/** The part that TP and TICKET share. */
struct mikey_tp {
    struct mikey_kind kind;
    uint8_t prf;
    uint8_t reserved; /* five bits, kept as received */
    uint16_t flags;   /* MIKEY_FLAG_... */
    struct ts_span data;
};

struct mikey_ticket {
    struct mikey_tp tp;
    struct ts_span body; /* whole payload, from its next payload octet */
    struct ts_span data; /* Ticket Data */
    struct ts_span init; /* Initiator Data */
};

/** What one payload holds, by its type. */
struct mikey_payload {
    uint8_t type;        /* enum mikey_next */
    uint8_t next;        /* type of the one behind it; 0 for SIGN */
    struct ts_span body; /* the whole payload */
    union {
        struct mikey_kemac kemac;
        struct mikey_time t;        /* T */
        struct mikey_id id;         /* ID, IDR, CERT */
        struct mikey_v v;           /* V */
        struct mikey_sp sp;         /* SP */
        struct mikey_tp tp;         /* TP */
        struct mikey_ticket ticket; /* TICKET */
        struct {
            uint8_t role;
            struct mikey_time t;
        } tr; /* TR */
        struct {
            uint8_t role;
            struct ts_span data;
        } rand; /* RAND, RANDR */
        struct {
            uint8_t no;
        } error; /* ERR */
        struct {
            uint8_t type;
            struct ts_span data;
        } ext;                    /* EXT */
        struct mikey_pke pke;     /* PKE */
        struct mikey_sign sign;   /* SIGN */
        struct mikey_chash chash; /* CHASH */
        struct mikey_dh dh;       /* DH */
    } u;
};

/** A chain of payloads being read. */
struct mikey_chain {
    struct ts_reader r;
    uint8_t next; /* type of the payload at r, 0 at the end */
};

/**
 * Read the common header and the CS ID map behind it.
 *
 * @param r    stands at the first octet of the message, then behind the map
 * @param hdr  filled in
 * @return OK; E_SHORT; E_UNKNOWN for another version or map type; E_FORMAT
 *         for a map entry that contradicts itself (R203, Session Data of
 *         another length than 0, 4 or 10)
 */
TS_MUST enum ts_err mikey_hdr_read(struct ts_reader *r, struct mikey_hdr *hdr);

/**
 * The next crypto session of a GENERIC-ID map.
 *
 * @param r   a reader over mikey_hdr.map
 * @param cs  filled in
 * @return OK, or what latched in r
 */
TS_MUST enum ts_err mikey_cs_read(struct ts_reader *r, struct mikey_cs *cs);

/**
 * The next crypto session of a map of any type. In an SRTP-ID map the CS ID is
 * the number of the entry, and the one policy stands in cs->policies.
 *
 * @param nth  number of the entry, from 0
 */
TS_MUST enum ts_err mikey_map_next(const struct mikey_hdr *hdr, unsigned nth,
                                   struct ts_reader *r, struct mikey_cs *cs);

/**
 * KV data of a Key Data sub-payload or of DH: an SPI, an interval or nothing.
 * A kv that nobody knows latches E_UNKNOWN in r.
 */
void mikey_kv_read(struct ts_reader *r, uint8_t kv, struct ts_span *spi,
                   struct ts_span *from, struct ts_span *to);

/** A chain over a region whose first payload has the given type. */
struct mikey_chain mikey_chain_init(struct ts_span region, uint8_t first);

/** A chain over a region that begins with a First Payload octet. */
struct mikey_chain mikey_chain_first(struct ts_span region);

/**
 * Read the next payload.
 *
 * @return true when p was filled in; false at the end or on failure: ask
 *         mikey_chain_end() which
 */
bool mikey_chain_next(struct mikey_chain *c, struct mikey_payload *p);

/**
 * How the chain ended: OK if its last payload ends the region exactly, else
 * E_SHORT, E_TRAILING, E_UNKNOWN (a payload whose length nobody can tell),
 * E_FORMAT.
 */
TS_MUST enum ts_err mikey_chain_end(const struct mikey_chain *c);

#define MIKEY_SP_MAX    16
#define MIKEY_ERR_MAX   8
#define MIKEY_CERT_MAX  8
#define MIKEY_IDR_ROLES 8

/**
 * One whole message. Payloads that it has no place for are ignored if their
 * length is known (R30, R46, R64, R88, R116, R135, R180); what is not there
 * has a NULL view.
 */
struct mikey_msg {
    struct ts_span raw;
    struct mikey_hdr hdr;
    bool has_t, has_tp, has_ticket, has_kemac, has_v, has_pke, has_sign;
    struct mikey_time t;
    struct ts_span rand[4]; /* by enum mikey_rand_role; 0 is the plain RAND */
    struct mikey_id idr[MIKEY_IDR_ROLES]; /* by enum mikey_id_role */
    struct mikey_tp tp;
    struct mikey_ticket ticket;
    struct mikey_kemac kemac;
    struct mikey_v v;       /* the last payload, if it is a V */
    struct mikey_sign sign; /* the last payload, if it is a SIGN */
    struct mikey_pke pke;
    struct mikey_chash chash;
    uint8_t n_sp, n_err, n_cert, n_id;
    struct mikey_sp sp[MIKEY_SP_MAX];
    uint8_t err[MIKEY_ERR_MAX];
    struct mikey_id cert[MIKEY_CERT_MAX]; /* in their order */
    struct mikey_id id[2];                /* ID: IDi and IDr of RFC 3830 */
    struct ts_span sdp_ids;               /* General Extension of type 1 */
    size_t bad_at;  /* after a failure: offset of what was refused ... */
    uint8_t bad_in; /* ... and the type of its payload, 0 in HDR */
};

/**
 * Read a whole message. Accepts any order of payloads, with HDR first and V
 * last; refuses what stands twice (mikey-ticket.md 2.18).
 *
 * @param raw  the message, exactly
 * @param m    filled in as far as it was read; raw and hdr hold if hdr_ok;
 *             bad_at and bad_in tell where a failure is
 * @param hdr_ok  set to whether the header could be read; NULL is allowed
 * @return OK; E_SHORT, E_TRAILING, E_UNKNOWN, E_FORMAT, E_DUPLICATE, E_ORDER,
 *         E_UNSUPPORTED (more SP, ERR or CERT than we hold)
 */
TS_MUST enum ts_err mikey_msg_read(struct ts_span raw, struct mikey_msg *m,
                                   bool *hdr_ok);

/** Offset of a view into the message it was read from. */
static inline size_t mikey_at(const struct mikey_msg *m, struct ts_span s)
{
    return (size_t)(s.p - m->raw.p);
}

#endif
