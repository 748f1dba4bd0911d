#include "bench/floor.h"
static const struct floor_hmac request[] = {{0}};
static const struct floor_hmac resolve[] = {{0}};
const struct floor floor_request = {.name = "request", .n = 1, .hmac = request};
const struct floor floor_resolve = {.name = "resolve", .n = 1, .hmac = resolve};
void floor_run(const struct floor *f, enum floor_suite suite) {(void)f;(void)suite;}
