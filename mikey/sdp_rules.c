/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer: what RFC 4567 asks for, as a table. */
#include "mikey/sdp.h"

enum ts_err mikey_sdp_offer_begin(struct mikey_sdp_offer *o,
                                  const struct mikey_sdp *sdp,
                                  struct ts_span prot, bool rekey)
{
    enum ts_err err = TS_E_MISSING;
    *o = (struct mikey_sdp_offer){.sdp = sdp, .rekey = rekey};
    for (size_t i = 0; i < sdp->n_attr; i++) {
        if (!mikey_sdp_counts(sdp, &sdp->attr[i]))
            continue;
        if (err == TS_E_MISSING)
            err = TS_E_UNSUPPORTED;
        if (!ts_span_equal(sdp->attr[i].prot, prot))
            continue;
        o->result[i] = MIKEY_SDP_PENDING;
        err = TS_OK;
    }
    return err;
}

/* The first attribute with such a result, or -1. */
static int first_with(const struct mikey_sdp_offer *o,
                      enum mikey_sdp_result result)
{
    for (int i = 0; i < o->sdp->n_attr; i++)
        if (o->result[i] == result)
            return i;
    return -1;
}

int mikey_sdp_offer_next(const struct mikey_sdp_offer *o)
{
    return first_with(o, MIKEY_SDP_PENDING);
}

enum ts_err mikey_sdp_offer_result(struct mikey_sdp_offer *o, int i,
                                   enum mikey_sdp_result result)
{
    if (i < 0 || i >= o->sdp->n_attr || o->result[i] != MIKEY_SDP_PENDING)
        return TS_E_STATE;
    if (result < MIKEY_SDP_TAKEN || result > MIKEY_SDP_FAILED)
        return TS_E_RANGE;
    o->result[i] = (uint8_t)result;
    return TS_OK;
}

static bool is_refused(const struct mikey_sdp_offer *o)
{
    return first_with(o, MIKEY_SDP_NOT_SUPPORTED) >= 0 ||
           first_with(o, MIKEY_SDP_FAILED) >= 0;
}

enum mikey_need mikey_sdp_answer_need(const struct mikey_sdp_offer *o,
                                      int level)
{
    enum mikey_need need = MIKEY_NEED_NONE;
    for (size_t i = 0; i < o->sdp->n_attr; i++) {
        if (o->sdp->attr[i].level != level)
            continue;
        if (o->result[i] == MIKEY_SDP_TAKEN && !is_refused(o))
            need = MIKEY_NEED_MUST;
        if (o->result[i] == MIKEY_SDP_NOT_SUPPORTED ||
            o->result[i] == MIKEY_SDP_FAILED)
            need = MIKEY_NEED_SHOULD;
    }
    return need;
}

/* Nothing was to be processed: is there nothing, or nothing of ours? */
static enum mikey_sdp_event nothing_to_do(const struct mikey_sdp_offer *o,
                                          bool retry)
{
    bool any = false;
    for (size_t i = 0; i < o->sdp->n_attr; i++)
        any = any || mikey_sdp_counts(o->sdp, &o->sdp->attr[i]);
    if (!any)
        return MIKEY_SDP_OFFER_NO_KEYS;
    if (o->rekey)
        return MIKEY_SDP_REKEY_FAILED;
    return retry ? MIKEY_SDP_OFFER_NO_PROTOCOL_RETRY
                 : MIKEY_SDP_OFFER_NO_PROTOCOL;
}

enum mikey_sdp_event mikey_sdp_offer_event(const struct mikey_sdp_offer *o,
                                           bool retry)
{
    int unsupported = first_with(o, MIKEY_SDP_NOT_SUPPORTED);
    int failed = first_with(o, MIKEY_SDP_FAILED);
    if (is_refused(o)) {
        if (o->rekey)
            return MIKEY_SDP_REKEY_FAILED;
        if (retry)
            return MIKEY_SDP_OFFER_RETRY;
        if (failed < 0 || (unsupported >= 0 && unsupported < failed))
            return MIKEY_SDP_OFFER_NOT_SUPPORTED;
        return MIKEY_SDP_OFFER_FAILED;
    }
    if (mikey_sdp_offer_next(o) >= 0)
        return MIKEY_SDP_OFFER_OPEN;
    if (first_with(o, MIKEY_SDP_TAKEN) >= 0 ||
        first_with(o, MIKEY_SDP_TAKEN_SILENT) >= 0)
        return MIKEY_SDP_OFFER_TAKEN;
    return nothing_to_do(o, retry);
}

/* RFC 3261 20.43. What a Warning says is seen by all on the way, so it tells
   no more than the caller needs to know. */
#define TEXT_306 "Attribute not understood"
#define TEXT_399 "Key management failed"

struct mikey_sdp_verdict mikey_sdp_rule(enum mikey_sdp_event event)
{
    static const struct mikey_sdp_verdict rules[MIKEY_SDP_EVENTS] = {
        [MIKEY_SDP_OFFER_OPEN] = {MIKEY_SDP_WAIT, 0, 0, MIKEY_NEED_NONE, NULL,
                                  "4.1.2"},
        [MIKEY_SDP_OFFER_TAKEN] = {MIKEY_SDP_ANSWER, 200, 0, MIKEY_NEED_NONE,
                                   NULL, "4.1.1"},
        [MIKEY_SDP_OFFER_NOT_SUPPORTED] = {MIKEY_SDP_REFUSE, 488, 306,
                                           MIKEY_NEED_MAY, TEXT_306, "4.1.2"},
        [MIKEY_SDP_OFFER_FAILED] = {MIKEY_SDP_REFUSE, 488, 399, MIKEY_NEED_MAY,
                                    TEXT_399, "4.1.2"},
        [MIKEY_SDP_OFFER_RETRY] = {MIKEY_SDP_ANSWER, 200, 0, MIKEY_NEED_SHOULD,
                                   NULL, "4.1.2"},
        [MIKEY_SDP_OFFER_NO_PROTOCOL] = {MIKEY_SDP_REFUSE, 488, 306,
                                         MIKEY_NEED_NONE, TEXT_306, "4.1.2"},
        [MIKEY_SDP_OFFER_NO_PROTOCOL_RETRY] = {MIKEY_SDP_ANSWER, 200, 0,
                                               MIKEY_NEED_NONE, NULL, "4.1.2"},
        [MIKEY_SDP_OFFER_NO_KEYS] = {MIKEY_SDP_REFUSE, 488, 399,
                                     MIKEY_NEED_NONE, TEXT_399, "8"},
        /* "at least a 306", for whatever reason */
        [MIKEY_SDP_REKEY_FAILED] = {MIKEY_SDP_REFUSE, 488, 306, MIKEY_NEED_MAY,
                                    TEXT_306, "4.1.2"},
        [MIKEY_SDP_ANSWER_TAKEN] = {MIKEY_SDP_PROCEED, 0, 0, MIKEY_NEED_NONE,
                                    NULL, "4.1.1"},
        /* an error should be sent back, if there is a way */
        [MIKEY_SDP_ANSWER_FAILED] = {MIKEY_SDP_ABORT_SETUP, 0, 0,
                                     MIKEY_NEED_SHOULD, NULL, "4.1.1"},
        /* never an Error about an Error (RFC 3830 5.1.2) */
        [MIKEY_SDP_ANSWER_REJECTED] = {MIKEY_SDP_ABORT_SETUP, 0, 0,
                                       MIKEY_NEED_NONE, NULL, "4.1.1"},
        [MIKEY_SDP_ANSWER_RETRY] = {MIKEY_SDP_NEW_OFFER, 0, 0, MIKEY_NEED_NONE,
                                    NULL, "4.1.1"},
        [MIKEY_SDP_ANSWER_UNSECURED] = {MIKEY_SDP_ABORT_SETUP, 0, 0,
                                        MIKEY_NEED_NONE, NULL, "8"},
        [MIKEY_SDP_ANSWER_488] = {MIKEY_SDP_ABORT_SETUP, 0, 0, MIKEY_NEED_NONE,
                                  NULL, "4.1.2"},
        [MIKEY_SDP_REKEY_488] = {MIKEY_SDP_ABORT, 0, 0, MIKEY_NEED_NONE, NULL,
                                 "4.1.2"},
    };
    if ((unsigned)event >= MIKEY_SDP_EVENTS)
        event = MIKEY_SDP_OFFER_FAILED;
    return rules[event];
}

/* The answer's m-line keeps what the offer's had. */
static bool fits_media(const struct mikey_sdp_media *offer,
                       const struct mikey_sdp_media *answer)
{
    return !answer->live || (offer->live && offer->secured == answer->secured);
}

enum ts_err mikey_sdp_answer_check(const struct mikey_sdp *offer,
                                   const struct mikey_sdp *answer,
                                   struct ts_span *prot, size_t *at)
{
    *prot = ts_span(NULL, 0);
    *at = 0;
    if (answer->n_media != offer->n_media)
        return TS_E_MISMATCH;
    for (size_t i = 0; i < answer->n_media; i++) {
        *at = answer->media[i].at;
        if (!fits_media(&offer->media[i], &answer->media[i]))
            return TS_E_MISMATCH;
    }
    for (size_t i = 0; i < answer->n_attr; i++) {
        const struct mikey_sdp_attr *attr = &answer->attr[i];
        *at = attr->at;
        if (prot->n && !ts_span_equal(*prot, attr->prot))
            return TS_E_UNSUPPORTED;
        if (!mikey_sdp_find(offer, attr->level, attr->prot))
            return TS_E_MISMATCH;
        *prot = attr->prot;
    }
    return TS_OK;
}

/* A medium that the message keys is still there in the answer. */
static bool keys_any(const struct mikey_sdp *offer,
                     const struct mikey_sdp *answer,
                     const struct mikey_sdp_attr *sent)
{
    const struct mikey_sdp_attr *attr;
    for (unsigned i = 0; i < offer->n_media && i < answer->n_media; i++)
        if (mikey_sdp_applies(offer, i, sent->prot, &attr) == TS_OK &&
            attr == sent && answer->media[i].live)
            return true;
    return false;
}

enum ts_err mikey_sdp_answer_attr(const struct mikey_sdp *offer,
                                  const struct mikey_sdp *answer,
                                  const struct mikey_sdp_attr *sent,
                                  bool expected,
                                  const struct mikey_sdp_attr **got)
{
    *got = mikey_sdp_find(answer, sent->level, sent->prot);
    if (*got)
        return TS_OK;
    return expected && keys_any(offer, answer, sent) ? TS_E_MISSING
                                                     : TS_E_EMPTY;
}
