/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-engine: what the engine's core takes for one resolve and one request,
 * in turns with the crypto floor of the same exchange (floor.h), in CPU time
 * of this process. Each message is new, authentic, and answered once.
 *
 * Prints a figure a line: name, value, unit, bound, with tabs between.
 */
#include <stdio.h>

#include "bench/floor.h"
#include "bench/measure.h"
#include "bench/rig.h"

#define ROUNDS 301
#define BOUND  "1.5"

/* ---- rounds ---- */

/** What the rounds of one exchange gave. */
struct series {
    double engine[ROUNDS], floor[ROUNDS], ratio[ROUNDS]; /* ns; ns; 1 */
    unsigned long allocations;
};

static double run_engine(struct rig *rig, enum rig_exchange which)
{
    double start = measure_now_ns();
    for (unsigned i = 0; i < RIG_BATCH; i++)
        (void)rig_answer(rig, which, i);
    return (measure_now_ns() - start) / RIG_BATCH;
}

static double run_floor(const struct floor *f, enum floor_suite suite)
{
    double start = measure_now_ns();
    for (unsigned i = 0; i < RIG_BATCH; i++)
        floor_run(f, suite);
    return (measure_now_ns() - start) / RIG_BATCH;
}

static void run(struct rig *rig, enum rig_exchange which,
                enum floor_suite suite, struct series *s)
{
    const struct floor *f =
        which == RIG_REQUEST ? &floor_request : &floor_resolve;
    s->allocations = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        rig_prepare(rig, which);
        unsigned long before = measure_allocations();
        s->engine[i] = run_engine(rig, which);
        s->allocations += measure_allocations() - before;
        s->floor[i] = run_floor(f, suite);
        s->ratio[i] = s->engine[i] / s->floor[i];
    }
}

/* ---- figures ---- */

static void print_series(struct series *s, const char *name, int bits)
{
    printf("%s-vs-floor-%d\t%.3f\tratio\t" BOUND "\n", name, bits,
           measure_median(s->ratio, ROUNDS));
    printf("%s-engine-%d\t%.0f\tns\t\n", name, bits,
           measure_median(s->engine, ROUNDS));
    printf("%s-floor-%d\t%.0f\tns\t\n", name, bits,
           measure_median(s->floor, ROUNDS));
}

int main(void)
{
    static struct rig rig;
    static struct series series;
    unsigned long all = 0;
    for (enum floor_suite suite = FLOOR_128; suite < FLOOR_SUITES; suite++) {
        int bits = suite == FLOOR_128 ? 128 : 256;
        rig_open(&rig, (unsigned)bits);
        rig_warm(&rig);
        run(&rig, RIG_RESOLVE, suite, &series);
        all += series.allocations;
        print_series(&series, "resolve", bits);
        run(&rig, RIG_REQUEST, suite, &series);
        all += series.allocations;
        print_series(&series, "request", bits);
        rig_close(&rig);
    }
    printf("engine-allocations\t%lu\tcalls\t0\n", all);
    return 0;
}
