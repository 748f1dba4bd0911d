/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All fuzz targets in one program that counts which edges of mikey/ the
 * corpora reach; fuzz/coverage.py runs it.
 *
 *     cover                         names of the targets
 *     cover --edges                 address of each edge, and 1 where it
 *                                   enters a function; a line each
 *     cover TARGET OUT INPUT ...    runs it; OUT gets an octet an edge: 0 or 1
 *
 * One program, so that an edge has the same number for all targets. Only mikey/
 * is instrumented (coverage.list): clang puts a counter at each edge, and the
 * functions below are what it wants of a runtime.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FUZZ_TARGETS is TARGET(conf) TARGET(identity) ... */
#define TARGET(name) int fuzz_##name(const uint8_t *data, size_t n);
FUZZ_TARGETS
#undef TARGET

static const struct {
    const char *name;
    int (*run)(const uint8_t *data, size_t n);
} targets[] = {
#define TARGET(name) {#name, fuzz_##name},
    FUZZ_TARGETS
#undef TARGET
};

struct edge {
    uintptr_t pc, flags;
};

static const char *counters, *counters_end;
static const struct edge *edges, *edges_end;

/* Called at the start, once for each object file, always with all of it. */
void __sanitizer_cov_8bit_counters_init(const char *start, const char *end);
void __sanitizer_cov_8bit_counters_init(const char *start, const char *end)
{
    counters = start;
    counters_end = end;
}

void __sanitizer_cov_pcs_init(const struct edge *start, const struct edge *end);
void __sanitizer_cov_pcs_init(const struct edge *start, const struct edge *end)
{
    edges = start;
    edges_end = end;
}

/* Relative to the program, as it may stand anywhere in memory. */
static int print_edges(void)
{
    extern const char __executable_start[];
    for (const struct edge *e = edges; e < edges_end; e++)
        printf("0x%" PRIxPTR " %u\n", e->pc - (uintptr_t)__executable_start,
               (unsigned)(e->flags & 1));
    return 0;
}

static int write_counters(const char *path)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return 1;
    for (const char *c = counters; c < counters_end; c++)
        (void)fputc(*c != 0, f);
    return fclose(f) ? 1 : 0;
}

/* From the heap, and exactly as long as the input. */
static int run_file(int (*run)(const uint8_t *, size_t), const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return 1;
    long n = ftell(f);
    rewind(f);
    uint8_t *data = malloc(n > 0 ? (size_t)n : 1);
    if (n < 0 || !data || fread(data, 1, (size_t)n, f) != (size_t)n)
        return 1;
    (void)fclose(f);
    (void)run(data, (size_t)n);
    free(data);
    return 0;
}

static int run_target(const char *name, const char *out, char **paths)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (strcmp(targets[i].name, name) != 0)
            continue;
        for (; *paths; paths++)
            if (run_file(targets[i].run, *paths)) {
                (void)fprintf(stderr, "cover: cannot read %s\n", *paths);
                return 1;
            }
        return write_counters(out);
    }
    (void)fprintf(stderr, "cover: no target %s\n", name);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--edges") == 0)
        return print_edges();
    if (argc >= 3)
        return run_target(argv[1], argv[2], argv + 3);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        puts(targets[i].name);
    return 0;
}
