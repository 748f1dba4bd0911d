/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the program: open all, register, place or take calls, and leave
 * in good order.
 */
#ifndef UE_PHONE_H
#define UE_PHONE_H

#include "ue/conf.h"

/** What is to be done. */
struct ue_order {
    const char *uri;  /* who is called; NULL: calls are answered */
    unsigned calls;   /* to answer before leaving, 0: until a signal comes */
    unsigned seconds; /* to hang up after, 0: never */
    bool json;
};

/**
 * Do it. Writes what happens to standard output and, should it not get that
 * far, one line to standard error.
 *
 * @return the exit code: 0 if there were calls and all were protected to a
 *         clean end, 1 if not, 2 for a configuration that cannot work
 */
int ue_phone_run(const struct ue_conf *conf, const struct ue_order *order);

#endif
