/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict INI configuration. A program gives the table of what it knows; an
 * unknown section or key, a repeated section or single value, an empty value
 * or one out of range is an error with file, line and the nearest name that
 * exists.
 *
 *     # a comment; also behind a value, after a blank and a semicolon
 *     [http]
 *     listen = 127.0.0.1:8080
 *
 * A line holds at most 198 bytes, a section name 64, a file 256 KiB and
 * TS_CONF_SECTIONS sections.
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
    TS_CONF_REQUIRED = 1, /* must be given: always, or in each section that is
                             there when the section is optional or "name *" */
    TS_CONF_MANY = 2,     /* may be given several times */
    TS_CONF_OPTIONAL_SECTION = 4, /* REQUIRED holds only if section is there */
};

/** Largest file, in bytes. */
#define TS_CONF_FILE_MAX (256 * 1024)
/** Most sections in a file. */
#define TS_CONF_SECTIONS 1024

/** One key that a program knows. The table ends with a NULL section. */
struct ts_conf_key {
    const char *section; /* "http"; "peer *" stands for [peer ANYTHING] */
    const char *key;
    enum ts_conf_type type;
    unsigned flags;
    uint64_t min, max;    /* TS_CONF_UINT */
    const char *fallback; /* value when absent, or NULL */
};

struct ts_conf;

/** Room for one line of explanation. */
#define TS_CONF_MSG 512

/**
 * Read and check a file.
 *
 * @param path  the file
 * @param keys  what may stand in it; must outlive the configuration
 * @param out   gets the configuration, NULL on failure; ts_conf_free()
 *              releases it
 * @param msg   on failure one line: file, line, what is wrong, what to do;
 *              empty on success
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
 * must be in the table, the section may be one like "peer sip:kms@b.example".
 * The text lives as long as conf.
 */
const char *ts_conf_text(const struct ts_conf *conf, const char *section,
                         const char *key);

/**
 * The n-th value (from 0) of a TS_CONF_MANY key, NULL behind the last. When
 * none is given the fallback, if there is one, counts as the only value.
 */
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

/**
 * The sections of a file that a table entry stands for, in their order.
 *
 * @param section  as in the table, for example "peer *"
 * @param n        which one, from 0
 * @return the full name ("peer sip:kms@b.example"), which lives as long as
 *         conf; NULL behind the last
 */
const char *ts_conf_section(const struct ts_conf *conf, const char *section,
                            size_t n);

/**
 * Refuse a value that only its user can judge (an address, a path), in the
 * words of the other messages: file, line, section, key.
 *
 * @param section, key  where it stands; an absent value is named without line
 * @param n             which value of a TS_CONF_MANY key, else 0
 * @param why           what is wrong and what to do
 * @param msg           gets the line
 * @return E_CONFIG, always
 */
TS_MUST enum ts_err ts_conf_refuse(const struct ts_conf *conf,
                                   const char *section, const char *key,
                                   size_t n, const char *why,
                                   char msg[static TS_CONF_MSG]);

#endif
