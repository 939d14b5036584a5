/*
 * selftest.c - runs the self tests and prints their results: see selftest.h.
 */
#include "kernel/selftest.h"
#include "kernel/console.h"
#include "lib/format.h"
#include "lib/macros.h"

enum { LINE_BYTES = 256 };

static __attribute__((format(printf, 1, 2))) void print(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    int length = format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    console_write(line, (size_t)min(length, LINE_BYTES - 1));
}

static bool run_one(const struct selftest *test)
{
    struct selftest_result result = { 0 };

    test->run(&result);
    if (!result.why)
        print("ok %s\n", test->name);
    else
        print("not ok %s: %s\n", test->name, result.why);
    return !result.why;
}

int selftest_run(void)
{
    int passed = 0, failed = 0;

    /* A failed test does not end the run, though what it left allocated may fail later ones. */
    table_each(entry, selftests, struct selftest) {
        if (run_one(*entry))
            passed++;
        else
            failed++;
    }
    print("selftest: %d passed, %d failed\n", passed, failed);
    return failed;
}
