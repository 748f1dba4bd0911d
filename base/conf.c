/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inih knows the syntax; what it lets pass in silence (cut lines and names,
 * continuation lines, text behind a section, empty sections) is checked on
 * each line before inih sees it.
 */
#include "base/conf.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/reader.h"

/* A name in a message, longer ones are cut there. */
#define NAME_MAX_SHOWN 64

struct section {
    char *name;
    unsigned line;
};

struct value {
    size_t section; /* index of the section */
    const struct ts_conf_key *key;
    char *text;
    unsigned line;
};

struct ts_conf {
    char *file; /* name for messages */
    const struct ts_conf_key *keys;
    struct section *sections;
    size_t n_sections;
    struct value *values;
    size_t n_values, room;
};

/* One run over a file. */
struct parse {
    struct ts_conf *conf;
    struct ts_reader r;
    unsigned line;
    enum ts_err err;
    char *msg;
};

/* --- messages --- */

/* Text from the file as it may stand in a message: printable, of limited
 * length. */
struct shown {
    char s[NAME_MAX_SHOWN + 4];
};

static struct shown show(const char *text)
{
    struct shown out = {{0}};
    size_t i = 0;
    for (; i < NAME_MAX_SHOWN && text[i]; i++)
        out.s[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
    if (text[i])
        memcpy(out.s + i, "...", 4);
    return out;
}

static void fail(struct parse *p, enum ts_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Latch the first failure and explain it; line 0 stands for the whole file. */
static void fail(struct parse *p, enum ts_err err, const char *format, ...)
{
    if (p->err)
        return;
    p->err = err;
    int n = p->line ? snprintf(p->msg, TS_CONF_MSG, "%s:%u: ", p->conf->file,
                               p->line)
                    : snprintf(p->msg, TS_CONF_MSG, "%s: ", p->conf->file);
    if (n < 0 || n >= TS_CONF_MSG)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->msg + n, TS_CONF_MSG - (size_t)n, format, args);
    va_end(args);
}

static void fail_nomem(struct parse *p)
{
    fail(p, TS_E_NOMEM, "%s", ts_strerror(TS_E_NOMEM));
}

/* --- nearest name --- */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance of two names, over their first NAME_MAX_SHOWN bytes. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_SHOWN + 1];
    size_t nb = strnlen(b, NAME_MAX_SHOWN);
    size_t na = strnlen(a, NAME_MAX_SHOWN);
    for (unsigned j = 0; j <= nb; j++)
        row[j] = j;
    for (unsigned i = 1; i <= na; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned above = row[j];
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            row[j] = min3(above + 1, row[j - 1] + 1, change);
            diagonal = above;
        }
    }
    return row[nb];
}

static const char *nearest_section(const struct ts_conf *conf, const char *name)
{
    const char *best = NULL;
    unsigned least = 0;
    for (const struct ts_conf_key *k = conf->keys; k->section; k++) {
        unsigned d = distance(name, k->section);
        if (best && d >= least)
            continue;
        best = k->section;
        least = d;
    }
    return best ? best : "";
}

/* --- the table --- */

/* Whether a table entry ("http", "peer *") stands for a section. */
static bool covers(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    if (n < 2 || strcmp(pattern + n - 2, " *") != 0)
        return strcmp(pattern, name) == 0;
    return strncmp(pattern, name, n - 1) == 0 && name[n - 1] != '\0';
}

static const struct ts_conf_key *find_key(const struct ts_conf *conf,
                                          const char *section, const char *key)
{
    for (const struct ts_conf_key *k = conf->keys; k->section; k++)
        if (covers(k->section, section) && strcmp(k->key, key) == 0)
            return k;
    return NULL;
}

static const char *nearest_key(const struct ts_conf *conf, const char *section,
                               const char *key)
{
    const char *best = NULL;
    unsigned least = 0;
    for (const struct ts_conf_key *k = conf->keys; k->section; k++) {
        if (!covers(k->section, section))
            continue;
        unsigned d = distance(key, k->key);
        if (best && d >= least)
            continue;
        best = k->key;
        least = d;
    }
    return best ? best : "";
}

static bool parse_uint(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) ||
            __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (unsigned)(*text - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}

static bool is_bool(const char *text)
{
    return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
}

/* --- one section, one value --- */

static void add_section(struct parse *p, const char *name)
{
    struct ts_conf *conf = p->conf;
    const struct ts_conf_key *k = conf->keys;
    while (k->section && !covers(k->section, name))
        k++;
    if (!k->section) {
        fail(p, TS_E_CONFIG, "unknown section [%s]; the nearest is [%s]",
             show(name).s, nearest_section(conf, name));
        return;
    }
    for (size_t i = 0; i < conf->n_sections; i++) {
        if (strcmp(conf->sections[i].name, name) != 0)
            continue;
        fail(p, TS_E_CONFIG,
             "section [%s] stands on line %u already; join the two",
             show(name).s, conf->sections[i].line);
        return;
    }
    if (conf->n_sections == TS_CONF_SECTIONS) {
        fail(p, TS_E_CONFIG, "more than %d sections", TS_CONF_SECTIONS);
        return;
    }
    char *copy = strdup(name);
    if (!copy) {
        fail_nomem(p);
        return;
    }
    conf->sections[conf->n_sections++] = (struct section){copy, p->line};
}

static void check_value(struct parse *p, const struct ts_conf_key *k,
                        const char *text)
{
    uint64_t n = 0;
    if (!*text)
        fail(p, TS_E_CONFIG, "%s has no value; give one or drop the line",
             k->key);
    else if (k->type == TS_CONF_BOOL && !is_bool(text))
        fail(p, TS_E_CONFIG, "%s is yes or no, not \"%s\"", k->key,
             show(text).s);
    else if (k->type == TS_CONF_UINT &&
             (!parse_uint(text, &n) || n < k->min || n > k->max))
        fail(p, TS_E_CONFIG, "%s is a number from %ju to %ju, not \"%s\"",
             k->key, (uintmax_t)k->min, (uintmax_t)k->max, show(text).s);
}

/* The values of one section stand together, at the end of the list. */
static void check_single(struct parse *p, const struct ts_conf_key *k)
{
    const struct ts_conf *conf = p->conf;
    size_t section = conf->n_sections - 1;
    if (k->flags & TS_CONF_MANY)
        return;
    for (size_t i = conf->n_values; i > 0; i--) {
        const struct value *v = &conf->values[i - 1];
        if (v->section != section)
            return;
        if (v->key != k)
            continue;
        fail(p, TS_E_CONFIG, "%s stands on line %u already; keep one", k->key,
             v->line);
        return;
    }
}

static void add_value(struct parse *p, const struct ts_conf_key *k,
                      const char *text)
{
    struct ts_conf *conf = p->conf;
    if (conf->n_values == conf->room) {
        size_t room = conf->room ? conf->room * 2 : 32;
        struct value *more =
            reallocarray(conf->values, room, sizeof *conf->values);
        if (!more) {
            fail_nomem(p);
            return;
        }
        conf->values = more;
        conf->room = room;
    }
    struct value *v = &conf->values[conf->n_values];
    *v = (struct value){conf->n_sections - 1, k, strdup(text), p->line};
    if (v->text)
        conf->n_values++;
    else
        fail_nomem(p);
}

/* Called by inih for each "name = value". Its section is cut at 49 bytes, so
 * the one that take_section() read is used. */
static int on_value(void *arg, const char *cut_section, const char *name,
                    const char *text)
{
    struct parse *p = arg;
    (void)cut_section;
    if (p->err)
        return 1;
    if (p->conf->n_sections == 0) {
        fail(p, TS_E_CONFIG, "%s stands before the first [section]",
             show(name).s);
        return 1;
    }
    const char *section = p->conf->sections[p->conf->n_sections - 1].name;
    const struct ts_conf_key *k = find_key(p->conf, section, name);
    if (!k) {
        fail(p, TS_E_CONFIG, "unknown key %s in [%s]; the nearest is %s",
             show(name).s, show(section).s,
             nearest_key(p->conf, section, name));
        return 1;
    }
    check_value(p, k, text);
    check_single(p, k);
    if (!p->err)
        add_value(p, k, text);
    return 1;
}

/* --- lines --- */

/* "[" name "]" and nothing else but a comment. */
static void take_section(struct parse *p, struct ts_span line)
{
    char name[NAME_MAX_SHOWN + 1];
    const uint8_t *end = memchr(line.p, ']', line.n);
    if (!end) {
        fail(p, TS_E_CONFIG, "a section without its ]");
        return;
    }
    size_t n = (size_t)(end - line.p) - 1;
    if (n == 0 || n >= sizeof name) {
        fail(p, TS_E_CONFIG, "a section name has 1 to %d bytes",
             NAME_MAX_SHOWN);
        return;
    }
    for (size_t i = n + 2; i < line.n; i++) {
        if (line.p[i] == ';' || line.p[i] == '#')
            break;
        if (isspace(line.p[i]))
            continue;
        fail(p, TS_E_CONFIG, "text behind a section; start a new line");
        return;
    }
    memcpy(name, line.p + 1, n);
    name[n] = '\0';
    if (strchr(name, ';'))
        fail(p, TS_E_CONFIG, "a section name holds no semicolon");
    else
        add_section(p, name);
}

/* The next line without its newline and leading blanks. */
static struct ts_span next_line(struct parse *p)
{
    size_t left = ts_reader_left(&p->r);
    const uint8_t *newline = memchr(p->r.p, '\n', left);
    size_t n = newline ? (size_t)(newline - p->r.p) : left;
    struct ts_span line = ts_get_span(&p->r, n);
    if (newline)
        (void)ts_get_u8(&p->r);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    while (line.n && (line.p[0] == ' ' || line.p[0] == '\t')) {
        line.p++;
        line.n--;
    }
    p->line++;
    return line;
}

/* Called by inih for each line, like fgets(). */
static char *give_line(char *to, int room, void *arg)
{
    struct parse *p = arg;
    if (p->err || ts_reader_left(&p->r) == 0)
        return NULL;
    struct ts_span line = next_line(p);
    if (room < 2 || line.n > (size_t)room - 2) {
        fail(p, TS_E_CONFIG, "line of %zu bytes; at most %d are allowed",
             line.n, room - 2);
        return NULL;
    }
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] != '\t' && (line.p[i] < 0x20 || line.p[i] == 0x7f)) {
            fail(p, TS_E_CONFIG, "control character 0x%02x", line.p[i]);
            return NULL;
        }
    }
    if (line.n && line.p[0] == '[')
        take_section(p, line);
    if (p->err)
        return NULL;
    if (line.n)
        memcpy(to, line.p, line.n);
    memcpy(to + line.n, "\n", 2);
    return to;
}

/* --- the whole file --- */

static bool given(const struct ts_conf *conf, size_t section,
                  const struct ts_conf_key *k)
{
    for (size_t i = 0; i < conf->n_values; i++)
        if (conf->values[i].section == section && conf->values[i].key == k)
            return true;
    return false;
}

static void check_required_key(struct parse *p, const struct ts_conf_key *k)
{
    const struct ts_conf *conf = p->conf;
    bool there = false;
    for (size_t i = 0; i < conf->n_sections; i++) {
        if (!covers(k->section, conf->sections[i].name))
            continue;
        there = true;
        if (given(conf, i, k))
            continue;
        p->line = conf->sections[i].line;
        fail(p, TS_E_CONFIG, "[%s] needs %s = ...",
             show(conf->sections[i].name).s, k->key);
    }
    if (there || (k->flags & TS_CONF_OPTIONAL_SECTION) ||
        strchr(k->section, '*'))
        return;
    p->line = 0;
    fail(p, TS_E_CONFIG, "section [%s] with %s = ... is missing", k->section,
         k->key);
}

static void check_required(struct parse *p)
{
    for (const struct ts_conf_key *k = p->conf->keys; k->section; k++)
        if (k->flags & TS_CONF_REQUIRED)
            check_required_key(p, k);
}

static void run(struct parse *p, struct ts_span text)
{
    if (text.n > TS_CONF_FILE_MAX) {
        fail(p, TS_E_CONFIG, "larger than %d bytes", TS_CONF_FILE_MAX);
        return;
    }
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        text = ts_span(text.p + 3, text.n - 3); /* UTF-8 byte order mark */
    p->r = ts_reader_span(text);
    int wrong = ini_parse_stream(give_line, p, on_value, p);
    if (wrong > 0 && !p->err) {
        p->line = (unsigned)wrong;
        fail(p, TS_E_CONFIG, "neither [section] nor key = value");
    } else if (wrong < 0) {
        fail_nomem(p);
    }
    if (!p->err)
        check_required(p);
}

enum ts_err ts_conf_parse(struct ts_span text, const char *name,
                          const struct ts_conf_key *keys, struct ts_conf **out,
                          char msg[static TS_CONF_MSG])
{
    struct parse p = {.msg = msg};
    *out = NULL;
    msg[0] = '\0';
    p.conf = calloc(1, sizeof *p.conf);
    if (!p.conf)
        goto nomem;
    p.conf->keys = keys;
    p.conf->file = strdup(name);
    p.conf->sections = calloc(TS_CONF_SECTIONS, sizeof *p.conf->sections);
    if (!p.conf->file || !p.conf->sections)
        goto nomem;
    run(&p, text);
    if (p.err) {
        ts_conf_free(p.conf);
        return p.err;
    }
    *out = p.conf;
    return TS_OK;

nomem:
    (void)snprintf(msg, TS_CONF_MSG, "%s: %s", name, ts_strerror(TS_E_NOMEM));
    ts_conf_free(p.conf);
    return TS_E_NOMEM;
}

/* Up to cap bytes of a file. */
static enum ts_err read_all(int fd, uint8_t *buf, size_t cap, size_t *n)
{
    *n = 0;
    while (*n < cap) {
        ssize_t got = read(fd, buf + *n, cap - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return TS_E_IO;
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    return TS_OK;
}

enum ts_err ts_conf_load(const char *path, const struct ts_conf_key *keys,
                         struct ts_conf **out, char msg[static TS_CONF_MSG])
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)snprintf(msg, TS_CONF_MSG,
                       "%s: %s; name the configuration with -c FILE", path,
                       strerror(errno));
        return TS_E_IO;
    }
    size_t n = 0;
    uint8_t *buf = malloc(TS_CONF_FILE_MAX + 1);
    enum ts_err err = TS_E_NOMEM;
    if (buf)
        err = read_all(fd, buf, TS_CONF_FILE_MAX + 1, &n);
    if (err)
        (void)snprintf(msg, TS_CONF_MSG, "%s: %s", path,
                       buf ? strerror(errno) : ts_strerror(err));
    else
        err = ts_conf_parse(ts_span(buf, n), path, keys, out, msg);
    free(buf);
    (void)close(fd);
    return err;
}

void ts_conf_free(struct ts_conf *conf)
{
    if (!conf)
        return;
    for (size_t i = 0; i < conf->n_values; i++)
        free(conf->values[i].text);
    for (size_t i = 0; i < conf->n_sections; i++)
        free(conf->sections[i].name);
    free(conf->values);
    free(conf->sections);
    free(conf->file);
    free(conf);
}

/* --- look-up --- */

static const struct value *find_value(const struct ts_conf *conf,
                                      const char *section, const char *key,
                                      size_t n)
{
    for (size_t i = 0; i < conf->n_values; i++) {
        const struct value *v = &conf->values[i];
        if (strcmp(v->key->key, key) == 0 &&
            strcmp(conf->sections[v->section].name, section) == 0 && n-- == 0)
            return v;
    }
    return NULL;
}

const char *ts_conf_nth(const struct ts_conf *conf, const char *section,
                        const char *key, size_t n)
{
    const struct ts_conf_key *k = find_key(conf, section, key);
    assert(k);
    const struct value *v = find_value(conf, section, key, n);
    if (v)
        return v->text;
    return n == 0 ? k->fallback : NULL;
}

const char *ts_conf_text(const struct ts_conf *conf, const char *section,
                         const char *key)
{
    return ts_conf_nth(conf, section, key, 0);
}

uint64_t ts_conf_uint(const struct ts_conf *conf, const char *section,
                      const char *key)
{
    const char *text = ts_conf_text(conf, section, key);
    uint64_t n = 0;
    bool good = !text || parse_uint(text, &n);
    assert(good);
    return good ? n : 0;
}

bool ts_conf_bool(const struct ts_conf *conf, const char *section,
                  const char *key)
{
    const char *text = ts_conf_text(conf, section, key);
    return text && strcmp(text, "yes") == 0;
}

const char *ts_conf_section(const struct ts_conf *conf, const char *section,
                            size_t n)
{
    for (size_t i = 0; i < conf->n_sections; i++)
        if (covers(section, conf->sections[i].name) && n-- == 0)
            return conf->sections[i].name;
    return NULL;
}

bool ts_conf_has(const struct ts_conf *conf, const char *section)
{
    return ts_conf_section(conf, section, 0) != NULL;
}

enum ts_err ts_conf_refuse(const struct ts_conf *conf, const char *section,
                           const char *key, size_t n, const char *why,
                           char msg[static TS_CONF_MSG])
{
    const struct value *v = find_value(conf, section, key, n);
    if (v)
        (void)snprintf(msg, TS_CONF_MSG, "%s:%u: [%s] %s = %s: %s", conf->file,
                       v->line, section, key, show(v->text).s, why);
    else
        (void)snprintf(msg, TS_CONF_MSG, "%s: [%s] %s: %s", conf->file, section,
                       key, why);
    return TS_E_CONFIG;
}
