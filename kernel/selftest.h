/*
 * selftest.h - tests that run inside the kernel.
 *
 *     SELFTEST(page_comes_back)
 *     {
 *         size_t before = page_free_count();
 *         page_free(page_alloc());
 *         SELFTEST_CHECK(page_free_count() == before);
 *     }
 *
 * The option `selftest` on the command line runs all of them, on the main thread, before `run=`.
 * Each prints `ok NAME` or `not ok NAME: why`; the last line is `selftest: P passed, F failed`. A
 * test restores everything that it changes. A failed check returns from the test at once, without
 * releasing anything.
 */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include "lib/table.h"

struct selftest_result {
    const char *why; /* NULL: passed */
};

struct selftest {
    const char *name;
    void (*run)(struct selftest_result *result);
};

TABLE_DECLARE(selftests, struct selftest);

#define SELFTEST(the_name) \
    static void selftest_##the_name(struct selftest_result *selftest_result); \
    static const struct selftest selftest_of_##the_name = { .name = #the_name, \
                                                            .run = selftest_##the_name }; \
    TABLE_ENTRY(selftests, struct selftest, selftest_of_##the_name); \
    static void selftest_##the_name(struct selftest_result *selftest_result \
                                    __attribute__((unused)))

#define SELFTEST_LINE_TEXT(line) #line
#define SELFTEST_PLACE(line) SELFTEST_LINE_TEXT(line)

/* Fails the test and returns from it if the condition is false. In the test's own body only. */
#define SELFTEST_CHECK(condition) \
    do { \
        if (!(condition)) { \
            selftest_result->why = __FILE__ ":" SELFTEST_PLACE(__LINE__) ": " #condition; \
            return; \
        } \
    } while (0)

/* Runs all tests; returns how many failed. */
int selftest_run(void);

#endif
