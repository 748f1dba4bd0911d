/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange of the published vectors (tests/vectors/exchange-*.json): its
 * inputs, and each of its messages built by libmikey from them.
 */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <jansson.h>

#include "mikey/srtp.h"

#define SCENE_MSG_MAX 2048

/** Bytes of a vector. */
struct bytes {
    size_t n;
    uint8_t b[SCENE_MSG_MAX];
};

enum scene_message {
    REQUEST_INIT,
    REQUEST_RESP,
    TRANSFER_INIT,
    RESOLVE_INIT,
    RESOLVE_RESP,
    TRANSFER_RESP,
    UPDATE_INIT, /* section 11.3 only, as are the next two */
    UPDATE_RESP,
    ERROR_MESSAGE,
    SCENE_MESSAGES
};

struct scene {
    json_t *json;
    const struct mikey_suite *suite;
    uint16_t flags;
    size_t n_messages;
    struct bytes want[SCENE_MESSAGES]; /* as published */
    struct bytes psk_i, psk_r, tpk, mpk, tgk, salt;
    struct bytes rand_ticket, rand_req, rand_i, rand_res, rand_r, rand_kms;
    struct mikey_id alice, called, bob, kms;
};

/** Load one of the exchange files; fails the test when it cannot. */
void scene_load(struct scene *s, const char *name);
void scene_free(struct scene *s);

/** Bytes at PATH ("derived/K6 MPKi") of a vector file. */
struct bytes scene_bytes(json_t *json, const char *group, const char *name);

/** Bytes of hexadecimal digits; fails the test when they are not. */
struct bytes scene_hex(const char *hex);

/** A vector file as JSON. */
json_t *scene_json(const char *name);

/** Build message which from the inputs. */
struct bytes scene_build(const struct scene *s, enum scene_message which);

/** Read a published message; fails the test when it is refused. */
void scene_read(const struct scene *s, enum scene_message which,
                struct mikey_msg *m);

static inline struct ts_span span_of(const struct bytes *b)
{
    return ts_span(b->b, b->n);
}

#endif
