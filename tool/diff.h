/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differences of two messages, field by field.
 *
 * Items of a list are matched by what names them (payloads by type and role,
 * parameters and keys by type, crypto sessions by CS ID), those of one name in
 * their order. What follows from other fields (lengths, counts, offsets, next
 * payloads) is not compared: two messages have no difference if and only if
 * their octets are the same.
 */
#ifndef TOOL_DIFF_H
#define TOOL_DIFF_H

#include <jansson.h>

/**
 * Takes one difference.
 *
 * @param path  "payloads[IDR IDRr].text"; "payloads[order]" where the matched
 *              items stand in another order: then both values are lists of
 *              what names them
 * @param a, b  the values, borrowed; NULL in the message that has none
 */
typedef void (*mt_differ_fn)(void *arg, const char *path, json_t *a, json_t *b);

/**
 * Compare.
 *
 * @param a, b  what mt_decode() gives
 * @return the number of differences
 */
size_t mt_diff(json_t *a, json_t *b, mt_differ_fn give, void *arg);

#endif
