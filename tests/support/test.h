/* What every unit test starts with. */
#ifndef NEUROSCALE_TESTS_TEST_H
#define NEUROSCALE_TESTS_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* wants those before it */
#endif
