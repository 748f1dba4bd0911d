#include "tests/scene.h"
static void t(void **state){(void)state;}
UNIT_MAIN(cmocka_unit_test(t))
