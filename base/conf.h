/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict INI configuration. A program gives the table of what it knows; an
 * unknown section or key, a repeated single value, a value out of range is an
 * error with file, line and the nearest name that exists.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/bytes.h"
#include "base/err.h"

enum ts_conf_type {
    TS_CONF_TEXT, /* any text, not empty */
    TS_CONF_UINT, /* decimal, min to max */
    TS_CONF_BOOL, /* yes or no */
};

enum {
    TS_CONF_REQUIRED = 1, /* must be given, if its section is there or always
                             when the section is not optional */
    TS_CONF_MANY = 2,     /* may be given several times */
    TS_CONF_OPTIONAL_SECTION = 4, /* REQUIRED holds only if section is there */
};

/** One key that a program knows. The table ends with a NULL section. */
struct ts_conf_key {
    const char *section; /* "http"; "peer *" stands for [peer ANYTHING] */
    const char *key;
    enum ts_conf_type type;
    unsigned flags;
    uint64_t min, max;   /* TS_CONF_UINT */
    const char *fallback; /* value when absent, or NULL */
};

struct ts_conf;

/** Room for one line of explanation. */
#define TS_CONF_MSG 512

/**
 * Read and check a file.
 *
 * @param path  the file
 * @param keys  what may stand in it
 * @param out   gets the configuration; ts_conf_free() releases it
 * @param msg   on failure one line: file, line, what is wrong, what to do
 * @return OK, E_CONFIG (msg says why), E_IO (cannot be read), E_NOMEM
 */
TS_MUST enum ts_err ts_conf_load(const char *path,
                                 const struct ts_conf_key *keys,
                                 struct ts_conf **out,
                                 char msg[static TS_CONF_MSG]);

/** As ts_conf_load(), from memory; name stands for the file in messages. */
TS_MUST enum ts_err ts_conf_parse(struct ts_span text, const char *name,
                                  const struct ts_conf_key *keys,
                                  struct ts_conf **out,
                                  char msg[static TS_CONF_MSG]);

/** Release. NULL is ignored. */
void ts_conf_free(struct ts_conf *conf);

/**
 * A value: the one given, else the fallback of the table, else NULL. The key
 * must be in the table. The text lives as long as conf.
 */
const char *ts_conf_text(const struct ts_conf *conf, const char *section,
                         const char *key);

/** The n-th value (from 0) of a TS_CONF_MANY key, NULL behind the last. */
const char *ts_conf_nth(const struct ts_conf *conf, const char *section,
                        const char *key, size_t n);

/** A TS_CONF_UINT value; 0 if absent and without fallback. */
uint64_t ts_conf_uint(const struct ts_conf *conf, const char *section,
                      const char *key);

/** A TS_CONF_BOOL value; false if absent and without fallback. */
bool ts_conf_bool(const struct ts_conf *conf, const char *section,
                  const char *key);

/** Whether the section stands in the file. */
bool ts_conf_has(const struct ts_conf *conf, const char *section);

#endif
