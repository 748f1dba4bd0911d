/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mikeytool: look into MIKEY messages; print the project's test vectors.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "tool/decode.h"
#include "tool/mikeytool.h"
#include "tool/octets.h"
#include "tool/put.h"

static const char usage[] =
    "usage: mikeytool [--compact] decode [FILE|-]\n"
    "       mikeytool [--compact] vectors\n"
    "\n"
    "decode    print a MIKEY message as JSON: raw, in hexadecimal digits, in\n"
    "          base64, or as an SDP line \"a=key-mgmt:mikey ...\"; without\n"
    "          FILE, or for -, from standard input\n"
    "vectors   print the project's test vectors as JSON\n"
    "\n"
    "--compact one line instead of an indented tree\n"
    "--help    this text\n"
    "\n"
    "Exit status: 0; 1 for a message that is not well-formed, with one line\n"
    "that says where and why; 2 for wrong usage.\n";

static int fail(const char *where, const char *what)
{
    fprintf(stderr, "mikeytool: %s: %s\n", where, what);
    return 1;
}

int mt_print(json_t *json, size_t flags)
{
    int bad = json_dumpf(json, stdout, flags) != 0;
    json_decref(json);
    bad |= putchar('\n') == EOF;
    bad |= fflush(stdout) != 0;
    return bad ? fail("standard output", strerror(errno)) : 0;
}

/* Up to MT_INPUT_MAX bytes; false after fail(). */
static bool read_input(const char *name, uint8_t *buf, size_t *n)
{
    bool standard = !name || strcmp(name, "-") == 0;
    FILE *f = standard ? stdin : fopen(name, "rb");
    if (!f) {
        (void)fail(name, strerror(errno));
        return false;
    }
    *n = fread(buf, 1, MT_INPUT_MAX + 1, f);
    const char *what = ferror(f)           ? strerror(errno)
                       : *n > MT_INPUT_MAX ? "longer than 256 KiB"
                                           : NULL;
    if (!standard)
        (void)fclose(f);
    if (what)
        (void)fail(standard ? "standard input" : name, what);
    return !what;
}

static int decode_verb(char **args, size_t flags)
{
    static uint8_t buf[MT_INPUT_MAX + 1];
    char why[MT_WHY];
    struct ts_span msg;
    const char *form;
    size_t n;
    if (!read_input(args[0], buf, &n))
        return 1;
    enum ts_err err = mt_octets(buf, n, &msg, &form);
    if (err) {
        fprintf(stderr, "mikeytool: input, read as %s: %s\n", form,
                ts_strerror(err));
        return 1;
    }
    json_t *json = mt_decode(msg, why);
    if (!json)
        return fail("not well-formed", why);
    mt_put_text(json, "form", form);
    return mt_print(json, flags);
}

static const struct {
    const char *name;
    int max_args;
    int (*run)(char **args, size_t flags);
} verbs[] = {
    {"decode", 1, decode_verb},
    {"vectors", 0, mt_vectors},
};

static int wrong(void)
{
    fputs(usage, stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"compact", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    size_t flags = JSON_INDENT(2);
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h')
            return fputs(usage, stdout) == EOF;
        if (option != 'c')
            return wrong();
        flags = JSON_COMPACT;
    }
    if (optind == argc)
        return wrong();
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[optind], verbs[i].name) == 0 &&
            argc - optind - 1 <= verbs[i].max_args)
            return verbs[i].run(argv + optind + 1, flags);
    return wrong();
}
