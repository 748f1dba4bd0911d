/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two descriptions of a message: which members follow from others, and whether
 * what a person wrote agrees with what decode makes of it.
 */
#ifndef TOOL_AGREE_H
#define TOOL_AGREE_H

#include <stdio.h>

#include "tool/take.h"

/** Whether a member is a length, count, offset or number of a payload. */
bool mt_follows(const char *name);

/**
 * The member of an object that says for people what a member of that name says
 * in octets or as a number, NULL if there is none.
 */
const char *mt_view_of(const char *name, json_t *object);

/** Whether one of the members that say the same for people differs. */
bool mt_views_differ(const char *name, json_t *a, json_t *b);

/** Whether what a member says stands in other members of both, as octets. */
bool mt_is_view(const char *name, json_t *a, json_t *b);

/**
 * Fail at the first member that was given and is not so.
 *
 * @param t      a document that was read without failure; its path is empty
 * @param given  what was read
 * @param made   what decode says of the result
 */
void mt_agree(struct mt_take *t, json_t *given, json_t *made);

/**
 * The same for a message that was written all the same: give a line for each
 * member that was passed over, unless mt_follows() says so of it.
 */
void mt_note_all(json_t *given, json_t *made, FILE *notes);

#endif
