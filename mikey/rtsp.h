/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carriage in RTSP (RFC 4567 3.2, 4.2): the header KeyMgmt, and when it has to
 * be where.
 *
 *     KeyMgmt: prot=mikey; uri="rtsp://host/movie"; data="AQAF..."
 *
 * In PLAY mode the server is the Initiator: its message stands in the SDP of
 * the 200 to DESCRIBE (mikey_sdp_scan() with MIKEY_SDP_RTSP), the client's
 * response in KeyMgmt of SETUP. The server has to know for whom its message is
 * before it writes it, so DESCRIBE should have a From header (7). There is no
 * re-keying in RTSP (4.2).
 *
 * Readings taken where RFC 4567 leaves room:
 * - The printed grammar has no "data", and a ';' at the end; the examples have
 *   data="..." and no ';' there. prot comes first; uri and data follow in any
 *   order; data is needed, and read without quotes too, since the grammar may
 *   have lost that form; a ';' at the end is accepted. Other parameters and
 *   empty elements are refused.
 * - Parameter names are case insensitive as in all of RTSP, prot is not (3).
 * - Of two elements for one context it is not told which one counts: refused,
 *   as there is one protocol a level (4.2).
 * - The table in 3.2 requires KeyMgmt in the response to a SETUP that fails,
 *   the text has it as an option: MIKEY_NEED_MAY.
 */
#ifndef MIKEY_RTSP_H
#define MIKEY_RTSP_H

#include "mikey/sdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One element of the header. */
struct mikey_rtsp_spec {
    struct ts_span prot; /* protocol id */
    struct ts_span uri;  /* what it is about; empty: the request URI */
    struct ts_span data; /* base64, for mikey_sdp_decode(); not looked into */
    size_t at;           /* offset in the value, in bytes */
};

/**
 * The value of a header line, if it is KeyMgmt.
 *
 * @param line   "KeyMgmt: ...", without the end of the line
 * @param value  gets a view of what is behind the colon and white space
 * @return OK, or E_NOTFOUND for another header
 */
TS_MUST enum ts_err mikey_rtsp_header(struct ts_span line,
                                      struct ts_span *value);

/**
 * Whether s is an absolute URI as far as its characters go (RFC 3986): a scheme
 * and a colon first, no quotes, blanks or controls, each '%' with two digits.
 */
bool mikey_rtsp_is_uri(struct ts_span s);

/**
 * Read the value of a KeyMgmt header. White space may stand between all parts,
 * also an end of line with white space behind it (folding). Of several such
 * headers in one message the elements are read behind each other.
 *
 * @param value  without the end of the line; must outlive spec
 * @param spec   gets the elements in their order
 * @param cap    number of elements in spec
 * @param n      gets their number, at least 1 on OK, else 0
 * @param at     gets the offset in bytes of what is refused
 * @return OK; E_FORMAT; E_UNKNOWN for another parameter; E_ORDER if prot is not
 *         the first; E_MISSING without data; E_DUPLICATE for a parameter that
 *         comes twice, or two elements for one context; E_FULL
 */
TS_MUST enum ts_err mikey_rtsp_read(struct ts_span value,
                                    struct mikey_rtsp_spec *spec, size_t cap,
                                    size_t *n, size_t *at);

/** An element to be written, of the protocol "mikey". */
struct mikey_rtsp_new {
    struct ts_span uri; /* empty: none */
    struct ts_span msg; /* the MIKEY message */
};

/**
 * Write the value of a KeyMgmt header on one line, and a NUL.
 *
 * @param spec, n  the elements
 * @param out      gets the text
 * @param cap      its size in bytes
 * @return OK; E_EMPTY without elements; E_MISSING for an empty message;
 *         E_FORMAT for what is no URI, so that nobody's URI ends the header;
 *         E_DUPLICATE for two with one uri; E_SPACE
 */
TS_MUST enum ts_err mikey_rtsp_write(const struct mikey_rtsp_new *spec,
                                     size_t n, char *out, size_t cap);

/* --- the rules (3.2, 4.2) --- */

/** Which way the media flow. */
enum mikey_rtsp_mode { MIKEY_RTSP_PLAY, MIKEY_RTSP_RECORD };

/**
 * Who begins the key management exchange (4.2).
 *
 * @param mode    which way the media flow
 * @param server  set to true: the server
 * @return OK; E_UNSUPPORTED for any mode but PLAY, since that is not defined
 */
TS_MUST enum ts_err mikey_rtsp_initiator(enum mikey_rtsp_mode mode,
                                         bool *server);

/** A message that may have the header. */
enum mikey_rtsp_message {
    MIKEY_RTSP_DESCRIBE_RESPONSE,
    MIKEY_RTSP_SETUP,
    MIKEY_RTSP_SETUP_ERROR, /* a response to SETUP that is not 200 */
    MIKEY_RTSP_OTHER,
};

/**
 * Whether a message of a session with key management has the header (3.2). In
 * the response to DESCRIBE the attribute in the SDP carries the message; the
 * header is recommended beside it.
 */
enum mikey_need mikey_rtsp_need(enum mikey_rtsp_message message);

/** What a key management message is about. */
enum mikey_rtsp_context {
    MIKEY_RTSP_NOTHING,
    MIKEY_RTSP_SESSION, /* the session: its aggregated control URI */
    MIKEY_RTSP_MEDIUM,  /* one medium: its control URI */
};

/** A SETUP, and what is known when it comes. URIs are absolute. */
struct mikey_rtsp_setup {
    struct ts_span request;   /* URI of the request line */
    struct ts_span aggregate; /* control URI of the session; empty: none */
    struct ts_span medium;    /* control URI of the medium that is set up */
    enum mikey_rtsp_context offered; /* where the SDP has the attribute that
                                        keys this medium; NOTHING also for a
                                        message that wants no response: F=0 */
    bool first; /* of its RTSP session. If each medium gets a session of its
                   own, each SETUP is, and carries the same response again */
};

/**
 * A description that can be used with RTSP: without an aggregated control URI
 * key management is for single media only (4.2).
 *
 * @param s          as mikey_sdp_scan() read it with MIKEY_SDP_RTSP
 * @param aggregate  the control URI of the session; empty: none
 * @return OK, or E_UNSUPPORTED for key-mgmt at session level
 */
TS_MUST enum ts_err mikey_rtsp_check_sdp(const struct mikey_sdp *s,
                                         struct ts_span aggregate);

/**
 * What a SETUP has to carry a message about (4.2): the session in the first one
 * only, a medium in its own.
 */
enum mikey_rtsp_context mikey_rtsp_expect(const struct mikey_rtsp_setup *setup);

/**
 * The uri that the client puts into its element: the context's. For the session
 * it is needed (4.2); for a medium it may be left out, if the SETUP goes there.
 *
 * @return a view of what setup has; empty if the SETUP carries no message
 */
struct ts_span mikey_rtsp_uri(const struct mikey_rtsp_setup *setup);

/**
 * What an element is about: its uri, or the request URI (3.2).
 *
 * @return MIKEY_RTSP_NOTHING for a URI that is neither the session's nor the
 *         medium's, octet for octet
 */
enum mikey_rtsp_context mikey_rtsp_about(const struct mikey_rtsp_setup *setup,
                                         const struct mikey_rtsp_spec *spec);

/** What can come to pass. */
enum mikey_rtsp_event {
    /* at the server, the first four as mikey_rtsp_setup_event() finds it */
    MIKEY_RTSP_SETUP_PLAIN,     /* no message is expected; one that is there
                                   all the same changes nothing */
    MIKEY_RTSP_SETUP_MESSAGE,   /* the expected one is there */
    MIKEY_RTSP_SETUP_LACKING,   /* it is not */
    MIKEY_RTSP_SETUP_UNCLEAR,   /* two, or one of another protocol */
    MIKEY_RTSP_SETUP_MALFORMED, /* mikey_rtsp_read() refused the header */
    MIKEY_RTSP_SETUP_TAKEN,     /* the message was accepted */
    MIKEY_RTSP_SETUP_FAILED,    /* it was not */
    /* at the client */
    MIKEY_RTSP_DESCRIBED,       /* the messages in the SDP were accepted */
    MIKEY_RTSP_DESCRIBE_FAILED, /* one was not */
    MIKEY_RTSP_SETUP_REFUSED,   /* 403, 463 or another error came */
    MIKEY_RTSP_EVENTS,
};

/** What to do then. */
enum mikey_rtsp_act {
    MIKEY_RTSP_PROCESS, /* decode it and give it to MIKEY */
    MIKEY_RTSP_PROCEED, /* go on as RTSP does: server 200, client SETUP */
    MIKEY_RTSP_REFUSE,  /* send the status; the set-up is over */
    MIKEY_RTSP_ABORT,   /* the session is over, and nothing is sent back */
};

/** A rule of RFC 4567. */
struct mikey_rtsp_verdict {
    enum mikey_rtsp_act act;
    unsigned status;         /* RTSP status to send; 0: none of ours */
    const char *reason;      /* its reason phrase; NULL with 0 */
    enum mikey_need message; /* a MIKEY message in KeyMgmt along with it: the
                                Error, or in SETUP the response */
    const char *clause;      /* of RFC 4567 */
};

/**
 * The server's first look at a SETUP.
 *
 * @param setup    the SETUP
 * @param spec, n  elements of its header; 0 without a header
 * @param prot     the protocol that the SDP has for this context
 * @param found    gets the element to be processed, else NULL
 */
enum mikey_rtsp_event mikey_rtsp_setup_event(
    const struct mikey_rtsp_setup *setup, const struct mikey_rtsp_spec *spec,
    size_t n, struct ts_span prot, const struct mikey_rtsp_spec **found);

/** What RFC 4567 asks for. An event out of range is a failure. */
struct mikey_rtsp_verdict mikey_rtsp_rule(enum mikey_rtsp_event event);

#ifdef __cplusplus
}
#endif

#endif
