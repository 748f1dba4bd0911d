/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/near.h"

#include <stdint.h>
#include <string.h>

#define LONGEST 40
#define TOO_FAR 5

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t tool_distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], na = strlen(a), nb = strlen(b);
    if (na > LONGEST || nb > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 0; i < na; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < nb; j++) {
            size_t above = row[j + 1];
            row[j + 1] = min3(above + 1, row[j] + 1, corner + (a[i] != b[j]));
            corner = above;
        }
    }
    return row[nb];
}

struct tool_near tool_near(const char *typed)
{
    size_t half = strlen(typed) / 2 + 1; /* all of a short name is not near */
    return (struct tool_near){typed, NULL, half < TOO_FAR ? half : TOO_FAR};
}

void tool_near_try(struct tool_near *near, const char *name)
{
    size_t d = tool_distance(near->typed, name);
    if (d >= near->least)
        return;
    near->least = d;
    near->best = name;
}
