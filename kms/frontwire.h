/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the front takes from outside, as functions without state: the body of
 * a request in its two forms, and a record from the engine.
 */
#ifndef KMS_FRONTWIRE_H
#define KMS_FRONTWIRE_H

#include "base/err.h"
#include "kms/msg.h"

/** How a body carries its message; the reply has the same form. */
enum kms_form {
    KMS_FORM_RAW,    /* first octet 01: the MIKEY message */
    KMS_FORM_BASE64, /* first octet 'A', which is how 01 begins in base64 */
};

/** Longest body of either form: base64 of KMS_BODY_MAX, in lines of 64. */
#define KMS_TEXT_MAX ((KMS_BODY_MAX + 2) / 3 * 4 / 32 * 33 + 64)

/** Room that kms_body_open() needs for a decoded message. */
#define KMS_BODY_ROOM (KMS_TEXT_MAX / 4 * 3 + 3)

/**
 * Take the message out of a body. Base64 is strict (padded, no other
 * character inside), but it may stand in lines, with white space at its end.
 *
 * @param text  the body
 * @param room  memory for a decoded message
 * @param form  gets the form of the body
 * @param msg   gets the message: a view into text or room
 * @return OK; E_MISSING for an empty body; E_FORMAT for neither form or bad
 *         base64; E_RANGE for a message above KMS_BODY_MAX
 */
TS_MUST enum ts_err kms_body_open(struct ts_span text,
                                  uint8_t room[static KMS_BODY_ROOM],
                                  enum kms_form *form, struct ts_span *msg);

/**
 * Check a record of the engine: lengths, status, and a body exactly where
 * there must be one.
 *
 * @param rec    the record, copied out of the ring
 * @param reply  gets the header
 * @param msg    gets a view of the message in rec; empty unless status is 200
 * @return OK, or E_FORMAT
 */
TS_MUST enum ts_err kms_reply_open(struct ts_span rec, struct kms_reply *reply,
                                   struct ts_span *msg);

#endif
