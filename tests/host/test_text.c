/*
 * test_text.c - the commands on text: what they make of empty input, of lines of any length, and of
 * inputs that cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/host/rig.h"
#include "tests/host/said.h"

BODY(empty_input)
{
    (void)unused;
    start();
    put("/empty", "");
    says("true | tail", "");
    says("true | tail -c 5", "");
    says("true | tail -n +2", "");
    says("true | head", "");
    says("true | sort", "");
    says("true | wc -l", "0\n");
    says("true | cmp /empty", "");
    says("tail /empty; head /empty; sort /empty; cat -n /empty", "");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
