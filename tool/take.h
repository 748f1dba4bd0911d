/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading values of MIKEY out of JSON, the counterpart of put.h. As with a
 * ts_reader the first failure latches: after it every value is zero, so that
 * an encoder takes member after member and tests once.
 *
 *     struct mt_obj o;
 *     mt_obj_open(&o, &take, json, "HDR");
 *     unsigned type = mt_take_code(&o, "data type", MT_DATA_TYPE, 255);
 *     ...
 *     mt_obj_close(&o);               a member that nobody asked for fails
 *
 * A member that is null counts as one that is not there.
 */
#ifndef TOOL_TAKE_H
#define TOOL_TAKE_H

#include <jansson.h>

#include "base/writer.h"
#include "tool/names.h"

/** Room for a path and what is wrong there. */
#define MT_LONG_WHY 800

/** Where in a document something is: "payloads[3].ID data". */
struct mt_path {
    size_t n; /* length of text, which is cut when it does not fit */
    char text[512];
};

struct mt_obj;

/** A document being read. */
struct mt_take {
    char *why; /* MT_LONG_WHY bytes: path, colon, what is wrong */
    bool failed;
    const struct mt_obj *lacking; /* failed because this one lacks a member */
    struct mt_path path;
};

#define MT_MEMBERS 48

/** An object being read. */
struct mt_obj {
    struct mt_take *t;
    json_t *json; /* NULL after a failure */
    size_t outer; /* length of the path without this object */
    unsigned n;
    const char *asked[MT_MEMBERS]; /* members that were asked for */
    const char *missing;
};

/** Begin a document. */
struct mt_take mt_take_begin(char why[static MT_LONG_WHY]);

/** Fail at the path so far, or at a member of it unless that is NULL. */
void mt_take_fail(struct mt_take *t, const char *member, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

/** Lengthen a path by the name of a member, or by what names an item. */
void mt_path_name(struct mt_path *path, const char *name);
void mt_path_item(struct mt_path *path, const char *item);

/** Shorten a path to a length that it had. */
void mt_path_back(struct mt_path *path, size_t n);

/** Begin an object that is a member, "" for the document itself. */
void mt_obj_open(struct mt_obj *o, struct mt_take *t, json_t *json,
                 const char *name);

/** Begin an object that is item i of the list that is a member. */
void mt_obj_open_at(struct mt_obj *o, struct mt_take *t, json_t *list, size_t i,
                    const char *name);

/** End an object: fails if it has a member that was never asked for. */
void mt_obj_close(struct mt_obj *o);

/** A member, NULL if it is not there. */
json_t *mt_take(struct mt_obj *o, const char *name);

/** A member that must be there. */
json_t *mt_need(struct mt_obj *o, const char *name);

/** A list that must be there. */
json_t *mt_take_list(struct mt_obj *o, const char *name);

/** A number from 0 to max; the second one is 0 if it is not there. */
uint64_t mt_take_number(struct mt_obj *o, const char *name, uint64_t max);
uint64_t mt_take_reserved(struct mt_obj *o, const char *name, uint64_t max);

/** true or false. */
bool mt_take_bool(struct mt_obj *o, const char *name);

/** 32 bits as eight hexadecimal digits. */
uint32_t mt_take_hex32(struct mt_obj *o, const char *name);

/**
 * A code point: a number, a name, or an object with "value" or "name". Where
 * both stand, the name counts.
 */
uint32_t mt_take_code(struct mt_obj *o, const char *name,
                      enum mt_registry registry, uint32_t max);

/** Octets in hexadecimal digits, appended to w; returns their number. */
size_t mt_take_hex(struct mt_obj *o, const char *name, struct ts_writer *w);

/** Printable ASCII, NULL unless the member is there. */
const char *mt_take_text(struct mt_obj *o, const char *name);

/** Room for a value as mt_show() gives it. */
#define MT_SHOWN 64

/** A value in one short line, whatever stands in it; returns buf. */
const char *mt_show(const json_t *value, char buf[static MT_SHOWN]);

/** The same for a text. */
const char *mt_show_text(const char *text, char buf[static MT_SHOWN]);

/** Replace what is not printable ASCII, in place. */
void mt_clean(char *text);

#endif
