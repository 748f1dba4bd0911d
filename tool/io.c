/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/io.h"

#include <errno.h>
#include <stdlib.h>

#include "tool/mikeytool.h"
#include "tool/put.h"

#define STEP (64 * 1024) /* octets to begin with */

int mt_complain(const char *where, const char *what)
{
    fprintf(stderr, "mikeytool: %s: %s\n", where, what);
    return 1;
}

int mt_end_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return mt_complain("standard output", strerror(errno));
}

int mt_print(json_t *json, unsigned options)
{
    size_t flags = options & MT_COMPACT ? JSON_COMPACT : JSON_INDENT(2);
    int bad = json_dumpf(json, stdout, flags);
    json_decref(json);
    putchar('\n');
    if (bad && !ferror(stdout))
        mt_no_memory();
    return mt_end_output();
}

bool mt_input_open(struct mt_input *in, const char *name)
{
    *in = (struct mt_input){.name = name};
    if (!name || strcmp(name, "-") == 0) {
        in->name = "standard input";
        in->f = stdin;
        return true;
    }
    in->f = fopen(name, "rb");
    if (!in->f)
        (void)mt_complain(name, strerror(errno));
    return in->f;
}

/* Room for n octets in all. */
static void make_room(struct mt_input *in, size_t n)
{
    if (n <= in->cap)
        return;
    size_t cap = in->cap ? in->cap : STEP;
    while (cap < n)
        cap *= 2;
    uint8_t *b = realloc(in->b, cap);
    if (!b)
        mt_no_memory();
    in->b = b;
    in->cap = cap;
}

bool mt_input_read(struct mt_input *in, size_t n)
{
    while (in->n < n && !feof(in->f) && !ferror(in->f)) {
        make_room(in, in->n + 1);
        size_t room = in->cap - in->n;
        room = room < n - in->n ? room : n - in->n;
        in->n += fread(in->b + in->n, 1, room, in->f);
    }
    if (!ferror(in->f))
        return true;
    (void)mt_complain(in->name, strerror(errno));
    return false;
}

bool mt_input_whole(struct mt_input *in, size_t max)
{
    char what[64];
    if (!mt_input_read(in, max + 1))
        return false;
    if (in->n <= max)
        return true;
    snprintf(what, sizeof what, "longer than %zu KiB", max / 1024);
    (void)mt_complain(in->name, what);
    return false;
}

enum mt_line mt_input_line(struct mt_input *in, size_t max)
{
    bool fits = true;
    int c;
    in->n = 0;
    make_room(in, 1); /* also for an empty line */
    while ((c = getc_unlocked(in->f)) != EOF && c != '\n') {
        fits = in->n < max;
        if (!fits)
            continue;
        make_room(in, in->n + 1);
        in->b[in->n++] = (uint8_t)c;
    }
    if (c == EOF && in->n == 0)
        return MT_LINES_END;
    if (in->n && in->b[in->n - 1] == '\r')
        in->n--;
    return fits ? MT_LINE : MT_LINE_TOO_LONG;
}

static ssize_t give_again(void *cookie, char *to, size_t n)
{
    struct mt_input *in = cookie;
    size_t left = in->n - in->given;
    if (left == 0) {
        n = fread(to, 1, n, in->f);
        return ferror(in->f) ? -1 : (ssize_t)n;
    }
    n = n < left ? n : left;
    memcpy(to, in->b + in->given, n);
    in->given += n;
    return (ssize_t)n;
}

FILE *mt_input_stream(struct mt_input *in)
{
    static const cookie_io_functions_t functions = {.read = give_again};
    FILE *stream = fopencookie(in, "rb", functions);
    if (!stream)
        (void)mt_complain(in->name, strerror(errno));
    return stream;
}

void mt_input_close(struct mt_input *in)
{
    if (in->f && in->f != stdin)
        (void)fclose(in->f);
    free(in->b);
    *in = (struct mt_input){0};
}
