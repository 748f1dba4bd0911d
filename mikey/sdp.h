/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carriage in SDP (RFC 4567), for anybody's SIP or SDP stack: finds the
 * key-mgmt attributes of a description, says which one keys which medium, and
 * what an offerer or answerer has to do next.
 *
 *     mikey_sdp_scan -> mikey_sdp_choose -> mikey_sdp_offer_begin
 *     for each mikey_sdp_offer_next:
 *         mikey_sdp_read, mikey_sdp_list_check, mikey_sdp_cs_check, the
 *         exchange itself -> mikey_sdp_offer_result
 *     mikey_sdp_rule(mikey_sdp_offer_event()) -> answer, or refuse
 *
 * Readings taken where RFC 4567 leaves room:
 * - An attribute at a medium hides all of the session's for that medium (3.1),
 *   those of other protocols too.
 * - Two attributes of one protocol at one level are refused. Each instance is
 *   there to carry a different protocol (4.1.2); of two with the same id an
 *   answer at that level could not say which one it means, and who deletes one
 *   on the way would choose for both sides, since the list of ids under the
 *   MAC tells them apart no more.
 * - A key-mgmt attribute at a medium that is not protected or, in offer and
 *   answer, has port 0 is read, but keys nothing and is not processed.
 * - The list against bidding down is that of one level (4.1.4).
 * - A message has CS IDs from 1 on (7.1). At session level every protected
 *   m-line counts, one with port 0 or an attribute of its own too, so that the
 *   numbers stay when a line is switched off or keyed apart; such a line's two
 *   crypto sessions may be left out.
 */
#ifndef MIKEY_SDP_H
#define MIKEY_SDP_H

#include "base/bytes.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the value of one attribute (3, 3.1) --- */

/**
 * Whether s is a protocol id: KMPID, one letter or digit and more (3). So an id
 * cannot hold the ';' that separates ids in a list.
 */
bool mikey_sdp_is_prot(struct ts_span s);

/**
 * Whether s is canonical base64: not empty, padded, no white space, no bits
 * behind the last octet (RFC 4648 3.5), so that a message has one spelling.
 */
bool mikey_sdp_is_base64(struct ts_span s);

/**
 * Decode what stands in data.
 *
 * @param data  base64
 * @param out   gets the message
 * @param cap   size of out in bytes; three quarters of data and 3 suffice
 * @param n     gets the length of the message, on OK only
 * @return OK; E_FORMAT for what is not canonical base64; E_SPACE
 */
TS_MUST enum ts_err mikey_sdp_decode(struct ts_span data, uint8_t *out,
                                     size_t cap, size_t *n);

/**
 * Cut a value into protocol id and data: 0*1SP prtcl-id SP keymgmt-data (3.1).
 *
 * @param value  what stands behind "a=key-mgmt:", without the end of the line
 * @param prot   gets a view of the protocol id
 * @param data   gets a view of the rest, which is not empty; not looked into
 * @return OK or E_FORMAT
 */
TS_MUST enum ts_err mikey_sdp_split(struct ts_span value, struct ts_span *prot,
                                    struct ts_span *data);

/**
 * Read "mikey BASE64", with at most one space before "mikey". The protocol id
 * is case sensitive (3).
 *
 * @param value  text without the end of the line
 * @param out    gets the message
 * @param cap    size of out in bytes
 * @param n      gets its length
 * @return OK; E_UNSUPPORTED for another protocol id; E_FORMAT for what is not
 *         canonical base64; E_SPACE
 */
TS_MUST enum ts_err mikey_sdp_read(struct ts_span value, uint8_t *out,
                                   size_t cap, size_t *n);

/**
 * Write "mikey BASE64" and a NUL.
 *
 * @return OK or E_SPACE
 */
TS_MUST enum ts_err mikey_sdp_write(struct ts_span msg, char *out, size_t cap);

/* --- a whole description --- */

/** The level of an attribute that stands above all m-lines. */
#define MIKEY_SDP_SESSION (-1)

/** Longest line that is read, in bytes. */
#define MIKEY_SDP_LINE_MAX 65536
/** Most m-lines in one description. */
#define MIKEY_SDP_MEDIA_MAX 64
/** Most key-mgmt attributes in one description. */
#define MIKEY_SDP_ATTR_MAX 128

/** A line that matters here: an m-line or a key-mgmt attribute. */
struct mikey_sdp_line {
    bool is_media;             /* an m-line */
    int level;                 /* index of the m-line that it is or belongs to,
                                  from 0, or MIKEY_SDP_SESSION */
    size_t at;                 /* offset of the line in the text, in bytes */
    struct ts_span value;      /* behind "m=" or "a=key-mgmt:" */
    struct ts_span prot, data; /* of an attribute, by mikey_sdp_split() */
};

/** Goes over a description line by line, of any length. */
struct mikey_sdp_walk {
    struct ts_span text; /* borrowed */
    size_t at;           /* offset of the line last read: what is wrong */
    size_t next;         /* offset of the line to come */
    int level;           /* of an attribute that comes now */
    enum ts_err err;     /* latched */
};

/** A walker over text, any octets, which must outlive it and its lines. */
struct mikey_sdp_walk mikey_sdp_walk_init(struct ts_span text);

/**
 * The next m-line or key-mgmt attribute. Lines end with CRLF or LF, the last
 * one need not, and empty lines behind it say nothing. Attribute names are case
 * sensitive, as in RFC 4566 5. An m-line's value is not looked into.
 *
 * @param w     where it is; w->at is the offset of what is refused
 * @param line  gets the line; views point into the text
 * @return OK; E_EMPTY when there are no more; E_MISSING for an empty text;
 *         E_FORMAT for what is no SDP (does not begin with v=0; a line that is
 *         not "x=", or with NUL or a lone CR in it) or a malformed key-mgmt
 *         attribute (3.1); E_RANGE for a line over MIKEY_SDP_LINE_MAX. A
 *         failure and the end stay.
 */
TS_MUST enum ts_err mikey_sdp_next(struct mikey_sdp_walk *w,
                                   struct mikey_sdp_line *line);

/** How a description travels, which decides a few rules. */
enum mikey_sdp_use {
    MIKEY_SDP_OFFER_ANSWER, /* SIP: port 0 means refused or off (RFC 3264 6) */
    MIKEY_SDP_RTSP,    /* port 0 is usual (RFC 2326 C.1.2); one protocol a level
                          (4.2) */
    MIKEY_SDP_ONE_WAY, /* SAP: one protocol (4.1.3); no list is needed */
};

/** A key-mgmt attribute. */
struct mikey_sdp_attr {
    int level; /* index of its m-line, or MIKEY_SDP_SESSION */
    size_t at; /* offset of its line in the text, in bytes */
    struct ts_span value, prot, data; /* as struct mikey_sdp_line */
};

/** An m-line. */
struct mikey_sdp_media {
    size_t at;            /* offset of its line in the text, in bytes */
    struct ts_span kind;  /* "audio" */
    struct ts_span proto; /* "RTP/SAVP" */
    uint16_t port;
    bool secured;          /* an SRTP profile whose keys come from signalling */
    bool live;             /* not switched off by port 0 */
    uint8_t first, n_attr; /* its own attributes: attr[first], ... */
};

/** What a description says about key management; views point into its text. */
struct mikey_sdp {
    enum mikey_sdp_use use;
    uint8_t n_session; /* attributes at session level: attr[0], ... */
    uint8_t n_attr, n_media;
    struct mikey_sdp_attr attr[MIKEY_SDP_ATTR_MAX]; /* in order of the text */
    struct mikey_sdp_media media[MIKEY_SDP_MEDIA_MAX];
};

/**
 * Read a description.
 *
 * @param text  any octets; must outlive out
 * @param use   how it travels
 * @param out   filled in; without attributes and media on failure
 * @param at    gets the offset in bytes of the line that is refused
 * @return OK, also without any key-mgmt; as mikey_sdp_next(); E_FORMAT for a
 *         malformed m-line; E_DUPLICATE for two attributes of one protocol at
 *         one level (4.1.2), in RTSP and one-way use for two at one level;
 *         E_FULL for more m-lines or attributes than fit
 */
TS_MUST enum ts_err mikey_sdp_scan(struct ts_span text, enum mikey_sdp_use use,
                                   struct mikey_sdp *out, size_t *at);

/**
 * The attributes of one level in the order of the text, that is in order of
 * preference (4.1.2).
 *
 * @param s      the description
 * @param level  MIKEY_SDP_SESSION or the index of an m-line
 * @param n      gets their number; 0 for a level that is not there
 * @return the first; NULL if n is 0
 */
const struct mikey_sdp_attr *mikey_sdp_level(const struct mikey_sdp *s,
                                             int level, size_t *n);

/** The attribute of a protocol at a level, or NULL. */
const struct mikey_sdp_attr *mikey_sdp_find(const struct mikey_sdp *s,
                                            int level, struct ts_span prot);

/**
 * Whether an attribute is to be processed (4.1.2): at session level always, at
 * a medium if that is secured and live.
 */
bool mikey_sdp_counts(const struct mikey_sdp *s,
                      const struct mikey_sdp_attr *attr);

/**
 * The attribute that keys a medium (3.1): at the medium if there is any there,
 * else at the session.
 *
 * @param s      the description
 * @param media  index of the m-line
 * @param prot   the protocol that was chosen
 * @param attr   gets the attribute; NULL if not OK
 * @return OK; E_EMPTY for a medium that key management does not touch (not
 *         secured, or switched off: 5.2); E_MISSING for one that it should, but
 *         nothing is there; E_UNSUPPORTED if only other protocols are there;
 *         E_RANGE for an index too large
 */
TS_MUST enum ts_err mikey_sdp_applies(const struct mikey_sdp *s, unsigned media,
                                      struct ts_span prot,
                                      const struct mikey_sdp_attr **attr);

/**
 * Choose one protocol for all levels (4.1.2): the offerer's first preference
 * that is known here and keys every medium to which key management applies.
 *
 * @param s         the offer
 * @param known, n  protocol ids that can be done
 * @param prot      gets a view of the id
 * @return OK; E_MISSING for a description without key-mgmt; E_UNSUPPORTED
 */
TS_MUST enum ts_err mikey_sdp_choose(const struct mikey_sdp *s,
                                     const struct ts_span *known, size_t n,
                                     struct ts_span *prot);

/* --- bidding down (4.1.4, 7) --- */

/** What to do about a message without the payload "SDP IDs". */
enum mikey_sdp_list_policy {
    MIKEY_SDP_LIST_REQUIRED, /* refuse it; the default */
    MIKEY_SDP_LIST_MAY_MISS, /* accept it; one-way use needs no list (4.1.3) */
};

/**
 * The list of ids for an offer to be made: "mikey;keyp1". It goes into a
 * General Extension of type SDP IDs, without the NUL, in every message that is
 * offered at the level; alone "mikey" too.
 *
 * @param prot, n  the ids of one level in the order in which they will stand
 * @param out      gets the list and a NUL
 * @param cap      its size in bytes
 * @return OK; E_EMPTY for no id; E_FULL for more than MIKEY_SDP_ATTR_MAX;
 *         E_FORMAT; E_DUPLICATE; E_SPACE
 */
TS_MUST enum ts_err mikey_sdp_list_make(const struct ts_span *prot, size_t n,
                                        char *out, size_t cap);

/** As mikey_sdp_list_make() with the ids of one level of a description. */
TS_MUST enum ts_err mikey_sdp_list(const struct mikey_sdp *s, int level,
                                   char *out, size_t cap);

/**
 * Compare the list in a message with the attributes of the level that it came
 * from. It proves something only once the message's MAC or signature is
 * verified; looking before that saves work.
 *
 * @param s       the description that the message came in
 * @param level   where the message stood
 * @param ids     data of the payload SDP IDs; p is NULL if there is none
 * @param policy  what to do if there is none
 * @return OK; E_MISSING for no payload, by policy; E_MISMATCH for another list,
 *         whatever the policy
 */
TS_MUST enum ts_err mikey_sdp_list_check(const struct mikey_sdp *s, int level,
                                         struct ts_span ids,
                                         enum mikey_sdp_list_policy policy);

/* --- crypto sessions (7.1) --- */

/**
 * The two CS IDs of a medium in the message of a level: the Initiator sends in
 * *first, the Responder in *first + 1, whatever the directions in the SDP.
 *
 * @param s      the description; one that has no attributes yet will do
 * @param level  where the message stands
 * @param media  index of the m-line
 * @param first  gets the Initiator's CS ID
 * @return OK; E_EMPTY for a medium that has none (not secured); E_RANGE for an
 *         index too large, or a medium other than that of the level
 */
TS_MUST enum ts_err mikey_sdp_cs(const struct mikey_sdp *s, int level,
                                 unsigned media, uint8_t *first);

/**
 * The medium and direction of a CS ID: mikey_sdp_cs() backwards.
 *
 * @return OK, or E_NOTFOUND for a CS ID that no medium has
 */
TS_MUST enum ts_err mikey_sdp_cs_media(const struct mikey_sdp *s, int level,
                                       uint8_t cs, unsigned *media,
                                       bool *initiator_sends);

/**
 * The crypto sessions of a message are those of its level: both of each medium
 * that it keys; both or none of a secured medium that it does not key, being
 * off or having attributes of its own; no others.
 *
 * @param s      the description
 * @param level  where the message stands
 * @param cs, n  the CS IDs of the message's map, in any order
 * @return OK; E_NOTFOUND for a CS ID that no medium has; E_DUPLICATE;
 *         E_MISSING for a medium without its two
 */
TS_MUST enum ts_err mikey_sdp_cs_check(const struct mikey_sdp *s, int level,
                                       const uint8_t *cs, size_t n);

/* --- offer and answer (4.1.1, 4.1.2, 8) --- */

/** What became of one attribute of an offer. */
enum mikey_sdp_result {
    MIKEY_SDP_IGNORED,       /* another protocol's, or keys nothing */
    MIKEY_SDP_PENDING,       /* to be processed */
    MIKEY_SDP_TAKEN,         /* accepted, and a response message goes back */
    MIKEY_SDP_TAKEN_SILENT,  /* accepted without a response: F=0 (AMB 8) */
    MIKEY_SDP_NOT_SUPPORTED, /* refused: a parameter is not supported */
    MIKEY_SDP_FAILED,        /* refused: not authentic, and all the rest */
};

/** A received offer while it is processed. */
struct mikey_sdp_offer {
    const struct mikey_sdp *sdp;        /* borrowed */
    bool rekey;                         /* a session goes on already */
    uint8_t result[MIKEY_SDP_ATTR_MAX]; /* enum mikey_sdp_result */
};

/**
 * Begin with an offer. To be processed is each attribute of the one protocol
 * that was chosen, at session level and at every medium that it keys (4.1.2);
 * for re-keying that is the protocol of the first offer (4.1.2).
 *
 * @param o      filled in; good for mikey_sdp_offer_event() on failure, too
 * @param sdp    the offer; must outlive o
 * @param prot   the protocol
 * @param rekey  a new offer in a session that has keys
 * @return OK; E_MISSING for an offer without an attribute that counts;
 *         E_UNSUPPORTED for one without that protocol
 */
TS_MUST enum ts_err mikey_sdp_offer_begin(struct mikey_sdp_offer *o,
                                          const struct mikey_sdp *sdp,
                                          struct ts_span prot, bool rekey);

/** Index in o->sdp->attr of the next attribute to be processed; -1: none. */
int mikey_sdp_offer_next(const struct mikey_sdp_offer *o);

/**
 * Note what became of an attribute.
 *
 * @param o       the offer
 * @param i       as mikey_sdp_offer_next() gave it
 * @param result  MIKEY_SDP_TAKEN or one that stands behind it
 * @return OK; E_STATE for an attribute that is not pending; E_RANGE for
 *         another result
 */
TS_MUST enum ts_err mikey_sdp_offer_result(struct mikey_sdp_offer *o, int i,
                                           enum mikey_sdp_result result);

/** How strongly something is asked for (RFC 2119). */
enum mikey_need {
    MIKEY_NEED_NONE, /* must not, or makes no sense */
    MIKEY_NEED_MAY,
    MIKEY_NEED_SHOULD,
    MIKEY_NEED_MUST,
};

/**
 * Whether the answer has a key-mgmt attribute at a level. It has it where the
 * offer has it (4.1.1, 4.1.2): MUST for the response message; SHOULD for a
 * MIKEY Error, if what was refused there is to be renegotiated. NONE where no
 * response was made (F=0, AMB 8), for a response once another attribute was
 * refused, and at any other level.
 */
enum mikey_need mikey_sdp_answer_need(const struct mikey_sdp_offer *o,
                                      int level);

/** What can come to pass. */
enum mikey_sdp_event {
    /* at the answerer, as mikey_sdp_offer_event() finds it */
    MIKEY_SDP_OFFER_OPEN,          /* not all attributes were processed */
    MIKEY_SDP_OFFER_TAKEN,         /* all were accepted */
    MIKEY_SDP_OFFER_NOT_SUPPORTED, /* one was refused: parameter */
    MIKEY_SDP_OFFER_FAILED,        /* one was refused: anything else */
    MIKEY_SDP_OFFER_RETRY,         /* one was refused, to be renegotiated */
    MIKEY_SDP_OFFER_NO_PROTOCOL,   /* none that is supported */
    MIKEY_SDP_OFFER_NO_PROTOCOL_RETRY,
    MIKEY_SDP_OFFER_NO_KEYS, /* no key-mgmt, where policy wants it (8) */
    MIKEY_SDP_REKEY_FAILED,  /* refused, in a session that has keys */
    /* at the offerer */
    MIKEY_SDP_ANSWER_TAKEN,     /* all responses verify */
    MIKEY_SDP_ANSWER_FAILED,    /* one does not, or is not there */
    MIKEY_SDP_ANSWER_REJECTED,  /* a MIKEY Error came: give up */
    MIKEY_SDP_ANSWER_RETRY,     /* a MIKEY Error came: renegotiate */
    MIKEY_SDP_ANSWER_UNSECURED, /* security was declined; policy wants it (8) */
    MIKEY_SDP_ANSWER_488,       /* the offer was refused as a whole */
    MIKEY_SDP_REKEY_488,        /* so was one in a session that has keys */
    MIKEY_SDP_EVENTS,
};

/** What to do then. */
enum mikey_sdp_act {
    MIKEY_SDP_WAIT,      /* process the next attribute */
    MIKEY_SDP_ANSWER,    /* send the answer */
    MIKEY_SDP_REFUSE,    /* send the status; nothing of the offer counts, what
                              was accepted neither */
    MIKEY_SDP_PROCEED,   /* the set-up goes on; keys change now */
    MIKEY_SDP_NEW_OFFER, /* another offer/answer exchange, the session stays */
    MIKEY_SDP_ABORT_SETUP, /* this set-up is over: CANCEL, or ACK and BYE */
    MIKEY_SDP_ABORT,       /* the session is over: BYE */
};

/** A rule of RFC 4567. */
struct mikey_sdp_verdict {
    enum mikey_sdp_act act;
    unsigned status;         /* SIP status to send: 488; 200 or the provisional
                                response that carries the answer; 0: none */
    unsigned warning;        /* Warning header: 306, 399; 0: none */
    enum mikey_need message; /* a MIKEY Error as key-mgmt value along with it */
    const char *text;        /* warn-text; NULL without Warning */
    const char *clause;      /* of RFC 4567 */
};

/**
 * Where a received offer stands. The first attribute that was refused decides,
 * whether others are pending or were accepted (4.1.2).
 *
 * @param o      the offer
 * @param retry  the offer, if refused, is to be renegotiated and not aborted;
 *               not heeded when re-keying, for which 488 is asked for
 */
enum mikey_sdp_event mikey_sdp_offer_event(const struct mikey_sdp_offer *o,
                                           bool retry);

/** What RFC 4567 asks for. An event out of range is a failure. */
struct mikey_sdp_verdict mikey_sdp_rule(enum mikey_sdp_event event);

/**
 * The answer fits the offer: as many m-lines (RFC 3264 6), none that lost its
 * protection, key-mgmt of the one protocol, only at levels where the offer had
 * it.
 *
 * @param offer   what we sent
 * @param answer  what came back
 * @param prot    gets the protocol that was chosen; empty if the answer has
 *                none
 * @param at      gets the offset in bytes of the answer's line that does not
 *                fit
 * @return OK; E_MISMATCH; E_UNSUPPORTED for a second protocol
 */
TS_MUST enum ts_err mikey_sdp_answer_check(const struct mikey_sdp *offer,
                                           const struct mikey_sdp *answer,
                                           struct ts_span *prot, size_t *at);

/**
 * The answer's attribute to one that was offered, at the same level (4.1.2).
 *
 * @param offer     what we sent
 * @param answer    as mikey_sdp_answer_check() accepted it
 * @param sent      attribute of the offer, of the protocol that was chosen
 * @param expected  a response must come: F=1
 * @param got       gets the attribute; NULL if not OK. It may hold a MIKEY
 *                  Error, with F=0 too
 * @return OK; E_EMPTY if nothing is there and need not be: F=0, the attribute
 *         keyed nothing, or the medium was refused; E_MISSING
 */
TS_MUST enum ts_err mikey_sdp_answer_attr(const struct mikey_sdp *offer,
                                          const struct mikey_sdp *answer,
                                          const struct mikey_sdp_attr *sent,
                                          bool expected,
                                          const struct mikey_sdp_attr **got);

#ifdef __cplusplus
}
#endif

#endif
