/*
 * test_printf.c - promise: printf and echo print what GNU's do: escapes, sizes, and floating-point
 * numbers, which are rounded exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/port.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

BODY(reals)
{
    start();
    run("printf '%f\\n' 1e9999", 1, "inf\n", "printf: 1e9999: Numerical result out of range\n");
    run("printf '%f\\n' 1e-9999", 1, "0.000000\n",
        "printf: 1e-9999: Numerical result out of range\n");
    run("printf '%.1f\\n' 1x", 1, "1.0\n", "printf: 1x: value not completely converted\n");
    run("printf '%g\\n' x", 1, "0\n", "printf: x: expected a numeric value\n");
    says("printf '%f|%e|%g|%G|' 1.5 1e10 0.0001 1e20", "1.500000|1.000000e+10|0.0001|1E+20|");
    says("printf '%.0f %.0f %.0f %.3f' 2.5 3.5 0.5 2.0005", "2 4 0 2.001");
    says("printf '%.1f %.2f %.2f %.0f' 0.25 0.125 1.005 9.5", "0.2 0.12 1.00 10");
    says("printf '%#g|%08.2f|%+.1e|% g|%-10g|' 1 3.14159 -5 7 2",
         "1.00000|00003.14|-5.0e+00| 7|2         |");
    says("printf '%f %f %g %E' inf -inf nan infinity", "inf -inf nan INF");
    says("printf '%g %g %g %g' 100000 1000000 123456789 0", "100000 1e+06 1.23457e+08 0");
    says("printf '%.22g' 0.1", "0.1000000000000000000014");
    says("printf '%g %.3e' 1e4932 1e-4940", "1e+4932 1.000e-4940");
    says("printf '%f %f' 0x1p-3 0x.8", "0.125000 0.500000");
    says("printf '%f' \"'A\"", "65.000000");
    stop();
}

BODY(escapes)
{
    start();
    run("printf 'one\\n\\xvd'", 1, "one\n", "printf: missing hexadecimal number in escape\n");
    says("printf '\\x41\\102\\e[\\u00e9' | od -An -tx1", " 41 42 1b 5b c3 a9\n");
    says("printf '%s\\c' foo bar", "foo");
    says("printf '%b' '\\0101\\x42' | od -An -tx1", " 41 42\n");
    says("printf '%ld %zu %hhx' -5 6 255", "-5 6 ff");
    says("echo -ne '\\01234 \\x30\\c no'", "S4 0");
    says("echo -e 'a\\0b\\p\\xvd' | od -An -c", "   a  \\0   b   \\   p   \\   x   v   d  \\n\n");
    says("echo -E -n 'a\\n'; echo -nx; echo -e -E '\\n'; echo -", "a\\n-nx\n\\n\n-\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
