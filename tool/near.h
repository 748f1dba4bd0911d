/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which name somebody may have meant: for both tools.
 */
#ifndef TOOL_NEAR_H
#define TOOL_NEAR_H

#include <stddef.h>

/** The search for the name that comes nearest to what was typed. */
struct tool_near {
    const char *typed;
    const char *best; /* NULL as long as nothing comes near */
    size_t least;     /* its distance; at first one too far to be meant */
};

/** Begin a search; typed must outlive it. */
struct tool_near tool_near(const char *typed);

/** One name that exists; it must outlive the search. */
void tool_near_try(struct tool_near *near, const char *name);

/**
 * Edit distance: how many characters to change, add or take away. A text of
 * more than 40 bytes is far from everything.
 */
size_t tool_distance(const char *a, const char *b);

#endif
