/*
 * fixture.h - between the tests of the linker and the object that they link.
 */
#ifndef TESTS_HOST_MODULE_FIXTURE_H
#define TESTS_HOST_MODULE_FIXTURE_H

#include <stdint.h>

struct fixture {
    const char *name;
    uint64_t (*run)(uint64_t seed);
};

/* Provided by the test, as the kernel provides its exports. */
uint64_t fixture_call(uint64_t value);
extern uint64_t fixture_word;
extern uint64_t fixture_absent(uint64_t value) __attribute__((weak));

#endif
