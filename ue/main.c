/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "ue/phone.h"

enum { BAD_USAGE = 2 };

static const char usage[] =
    "usage: tessera-ue -c FILE call URI [--seconds N] [--json]\n"
    "       tessera-ue -c FILE answer [--calls N] [--json]\n"
    "\n"
    "Places or answers calls whose audio is protected with keys from a KMS.\n"
    "\n"
    "  -c FILE        configuration, section [ue]\n"
    "  --seconds N    hang up after N seconds of talking\n"
    "  --calls N      leave after N answered calls\n"
    "  --json         one JSON object a line instead of words\n"
    "  --help         this text\n"
    "\n"
    "Exit code: 0 if all calls were protected and ended cleanly, 1 if not,\n"
    "2 for wrong usage or configuration.\n";

static int complain(const char *text)
{
    (void)fprintf(stderr, "tessera-ue: %s; try tessera-ue --help\n", text);
    return BAD_USAGE;
}

/* A count from 1 to a million, else 0. */
static unsigned count(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || n > 1000000)
        return 0;
    return (unsigned)n;
}

/* Options into order and path; false for a wrong one. */
static bool read_options(int argc, char **argv, struct ue_order *order,
                         const char **path, bool *help)
{
    static const struct option options[] = {
        {"seconds", required_argument, NULL, 's'},
        {"calls", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'c')
            *path = optarg;
        else if (c == 'j')
            order->json = true;
        else if (c == 'h')
            *help = true;
        else if (c == 's' && (order->seconds = count(optarg)) > 0)
            continue;
        else if (c == 'n' && (order->calls = count(optarg)) > 0)
            continue;
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct ue_order order = {0};
    struct ue_conf conf;
    const char *path = NULL;
    bool help = false;
    char msg[TS_CONF_MSG];
    if (!read_options(argc, argv, &order, &path, &help))
        return complain("wrong option or number");
    if (help) {
        (void)fputs(usage, stdout);
        return 0;
    }
    char **verb = argv + optind;
    int words = argc - optind;
    bool call = words == 2 && strcmp(verb[0], "call") == 0;
    bool answer = words == 1 && strcmp(verb[0], "answer") == 0;
    if ((!call && !answer) || (call && order.calls) ||
        (answer && order.seconds))
        return complain("say what to do: call URI, or answer");
    if (!path)
        return complain("no configuration: -c FILE");
    order.uri = call ? verb[1] : NULL;
    if (ts_process_harden())
        return complain("cannot shut the process for others");
    int code = BAD_USAGE;
    if (ue_conf_load(path, &conf, msg) == TS_OK)
        code = ue_phone_run(&conf, &order);
    else
        (void)fprintf(stderr, "tessera-ue: %s\n", msg);
    ue_conf_free(&conf);
    return code;
}
