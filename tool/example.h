/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole exchange with fixed inputs, made by libmikey: request, transfer,
 * resolve, and with the 256-bit suite a CSB update and an Error. Its octets
 * are the project's test vectors (tests/vectors/exchange-*.json).
 */
#ifndef TOOL_EXAMPLE_H
#define TOOL_EXAMPLE_H

#include "mikey/srtp.h"

#define EXAMPLE_MSG_MAX 1024

enum example_message {
    REQUEST_INIT,
    REQUEST_RESP,
    TRANSFER_INIT,
    RESOLVE_INIT,
    RESOLVE_RESP,
    TRANSFER_RESP,
    UPDATE_INIT, /* 256-bit suite only, as are the next two */
    UPDATE_RESP,
    ERROR_MESSAGE,
    EXAMPLE_MESSAGES
};

/** Inputs and messages. Identities are views of constants. */
struct example {
    const struct mikey_suite *suite;
    uint16_t flags;
    struct ts_key psk_i, psk_r, tpk, mpk, tgk, salt;
    struct ts_key rand_ticket, rand_req, rand_i, rand_res, rand_r, rand_kms;
    struct mikey_id alice, called, bob, kms;
    size_t n_messages;
    struct {
        size_t n;
        uint8_t b[EXAMPLE_MSG_MAX];
    } msg[EXAMPLE_MESSAGES];
};

/** Keys that follow from the inputs: MPKi, MPKr, MPKr', TGK'. */
struct example_keys {
    struct ts_key mpk_i, mpk_r, mpk_r1, tgk1;
};

/** An input under the name that the vectors give it. */
struct example_input {
    const char *name;
    size_t offset; /* of its struct ts_key in struct example */
};
extern const struct example_input example_inputs[];
extern const size_t example_n_inputs;

/** Name of a message in the vectors. */
const char *example_name(enum example_message which);

/** Fill in the inputs for a suite; there are no messages yet. */
void example_init(struct example *e, const struct mikey_suite *suite);

/** A message as a view. */
static inline struct ts_span example_span(const struct example *e,
                                          enum example_message which)
{
    return ts_span(e->msg[which].b, e->msg[which].n);
}

/** Derive the keys. */
void example_derive(const struct example *e, struct example_keys *keys);

/**
 * Write one message; those that it answers or repeats must stand in e. A
 * failure to write latches in w.
 */
TS_MUST enum ts_err example_write(const struct example *e,
                                  enum example_message which,
                                  struct ts_writer *w);

/** The same, into e. */
TS_MUST enum ts_err example_build(struct example *e,
                                  enum example_message which);

/** Takes one value of the exchange under its name in the vectors. */
typedef void (*example_give)(void *arg, const char *name, struct ts_span value);

/** Give every derived key and MAC; all messages must stand in e. */
TS_MUST enum ts_err example_each(const struct example *e, example_give give,
                                 void *arg);

#endif
