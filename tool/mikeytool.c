/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mikeytool: look into MIKEY messages, write and verify them; derive keys;
 * print the project's test vectors.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tool/mikeytool.h"
#include "tool/near.h"

static const char synopsis[] =
    "usage: mikeytool [--compact | --lines] decode [FILE|-]\n"
    "       mikeytool [--fix] [--lines] [--hex | --base64 | --sdp] encode "
    "[FILE|-]\n"
    "       mikeytool [--json [--compact]] diff A B\n"
    "       mikeytool [--compact] [--show-keys] --keys KEYS [--init FILE]\n"
    "                 [--first FILE] verify MESSAGE\n"
    "       mikeytool [--json [--compact]] derive K0|...|K6|prf NAME=HEX ...\n"
    "       mikeytool [--compact] vectors\n"
    "       mikeytool --help\n";

static const char help[] =
    "\n"
    "decode    print a MIKEY message as JSON: raw, in hexadecimal digits, in\n"
    "          base64, or as an SDP line \"a=key-mgmt:mikey ...\"; without\n"
    "          FILE, or for -, from standard input. Of a capture file (pcap,\n"
    "          pcapng) a line of JSON for each message in it\n"
    "encode    write the message that such JSON describes, perhaps changed by\n"
    "          hand; raw, or in hexadecimal digits to a terminal\n"
    "diff      compare two messages field by field, in any form that decode\n"
    "          reads: a line for each difference\n"
    "verify    check every MAC and signature of a message with the keys that\n"
    "          the JSON in KEYS gives\n"
    "derive    derive a key: its label and the key\n"
    "vectors   print the project's test vectors as JSON\n"
    "\n"
    "--compact one line instead of an indented tree\n"
    "--lines   a message in each line, in hexadecimal digits, or JSON; each\n"
    "          is answered by one line at once, {\"error\": ...} if it is bad\n"
    "--fix     let lengths, counts, offsets and next payloads be wrong, and\n"
    "          octets beside a member that says the same for people\n"
    "--hex     hexadecimal digits\n"
    "--base64  base64 in one line\n"
    "--sdp     an SDP line\n"
    "--json    results as JSON\n"
    "--show-keys  print keys, not only their lengths\n"
    "--init FILE   the message that it answers, or that an Error is about\n"
    "--first FILE  the message that this one answers in turn; for an update "
    "of\n"
    "              RFC 3830 the one that began it all\n"
    "--help    this text\n"
    "\n"
    "Exit status: 0; 1 for a message that is not well-formed or JSON that is\n"
    "none, with one line that says where and why; 2 for wrong usage. Of diff:\n"
    "0 for messages that are the same, 1 for others, 2 for trouble. Of "
    "verify:\n"
    "0 if all that could be checked holds, and something could.\n";

static const struct verb {
    const char *name;
    int min_args, max_args;
    unsigned options; /* those that it takes */
    int (*run)(const struct mt_call *call);
} verbs[] = {
    {"decode", 0, 1, MT_COMPACT | MT_LINES, mt_run_decode},
    {"encode", 0, 1, MT_LINES | MT_FIX | MT_HEX | MT_BASE64 | MT_SDP,
     mt_run_encode},
    {"diff", 2, 2, MT_JSON | MT_COMPACT, mt_run_diff},
    {"verify", 1, 1, MT_COMPACT | MT_SHOW_KEYS | MT_KEYS | MT_INIT | MT_FIRST,
     mt_run_verify},
    {"derive", 1, 16, MT_JSON | MT_COMPACT, mt_run_derive},
    {"vectors", 0, 0, MT_COMPACT, mt_run_vectors},
};

#define N_VERBS (sizeof verbs / sizeof verbs[0])

#define HELP 0x1000 /* no bit of enum mt_option */

static const struct option options[] = {
    {"compact", no_argument, NULL, MT_COMPACT},
    {"lines", no_argument, NULL, MT_LINES},
    {"fix", no_argument, NULL, MT_FIX},
    {"hex", no_argument, NULL, MT_HEX},
    {"base64", no_argument, NULL, MT_BASE64},
    {"sdp", no_argument, NULL, MT_SDP},
    {"json", no_argument, NULL, MT_JSON},
    {"show-keys", no_argument, NULL, MT_SHOW_KEYS},
    {"keys", required_argument, NULL, MT_KEYS},
    {"init", required_argument, NULL, MT_INIT},
    {"first", required_argument, NULL, MT_FIRST},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

/* One line why, if there is more to say than the usage. */
static int wrong(const char *what, const char *why)
{
    if (what)
        fprintf(stderr, "mikeytool: %s: %s\n", what, why);
    fputs(synopsis, stderr);
    return 2;
}

static int unknown(const char *name)
{
    char why[64] = "unknown verb";
    struct tool_near near = tool_near(name);
    for (size_t i = 0; i < N_VERBS; i++)
        tool_near_try(&near, verbs[i].name);
    if (near.best)
        snprintf(why, sizeof why, "unknown verb; did you mean %s?", near.best);
    return wrong(name, why);
}

/* Check what was given against the verb, and run it. */
static int run(const struct verb *v, const struct mt_call *call, int n)
{
    char why[64];
    for (const struct option *o = options; o->name; o++) {
        if (!(call->options & ~v->options & (unsigned)o->val))
            continue;
        snprintf(why, sizeof why, "takes no --%s", o->name);
        return wrong(v->name, why);
    }
    if (n < v->min_args || n > v->max_args)
        return wrong(v->name,
                     n > v->max_args ? "too many words" : "too few words");
    return v->run(call);
}

/* Note an option and the word behind it, if it has one. */
static void take_option(struct mt_call *call, int option)
{
    call->options |= (unsigned)option;
    if (option == MT_KEYS)
        call->keys = optarg;
    else if (option == MT_INIT)
        call->init = optarg;
    else if (option == MT_FIRST)
        call->first = optarg;
}

int main(int argc, char **argv)
{
    struct mt_call call = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return wrong(NULL, NULL);
        if (option == HELP)
            return fputs(synopsis, stdout) == EOF || fputs(help, stdout) == EOF;
        take_option(&call, option);
    }
    if (optind == argc)
        return wrong(NULL, NULL);
    call.args = argv + optind + 1;
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return run(&verbs[i], &call, argc - optind - 1);
    return unknown(argv[optind]);
}
