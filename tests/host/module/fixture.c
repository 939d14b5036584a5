/*
 * fixture.c - a small driver object that uses every kind of reference that compilers emit: calls
 * and data inside and outside the object, tables of functions and of strings, a jump table, zeroed
 * and set data, weak symbols. Several compilers make objects of it, with several options, for
 * test_link.c, and once into the test itself, which compares the results.
 */
#include "tests/host/module/fixture.h"
#include "kernel/module/info.h"
#include "lib/table.h"

DRIVER_INFO("fixture", "1.2", "MIT", "every kind of reference");
DRIVER_DRIVES("root");
DRIVER_DRIVES("signature 257 7573746172");

static const char *const words[] = { "sector", "track", "session", "disc" };
static uint64_t counters[64]; /* zeroed */
static uint64_t calls = 7;
static uint64_t *const counters_end = counters + 64;

static uint64_t add(uint64_t a, uint64_t b)
{
    return a + b + calls++;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    return (a ^ b) * 0x9e3779b97f4a7c15u + fixture_word;
}

static uint64_t call(uint64_t a, uint64_t b)
{
    return fixture_call(a) - b;
}

static uint64_t (*const operations[])(uint64_t, uint64_t) = { add, mix, call };

/* A switch that compilers turn into a table of addresses. */
static uint64_t choose(uint64_t value)
{
    switch (value % 9) {
    case 0: return fixture_call(value);
    case 1: return value * 3;
    case 2: return fixture_word++;
    case 3: return add(value, 1);
    case 4: return mix(value, 2);
    case 5: return (uint64_t)words[value % 4][1];
    case 6: return value >> 3;
    case 7: return ~value;
    default: return counters[value % 64]++;
    }
}

static uint64_t run(uint64_t seed)
{
    uint64_t sum = seed;
    for (unsigned i = 0; i < 200; i++) {
        sum = operations[sum % 3](sum, i);
        sum += choose(sum);
        for (const char *at = words[sum % 4]; *at; at++)
            sum = sum * 31 + (uint8_t)*at;
        counters[sum % 64] += sum;
    }
    for (uint64_t *at = counters; at < counters_end; at++)
        sum ^= *at;
    if (fixture_absent)
        sum += fixture_absent(sum);
    return sum;
}

static const struct fixture fixture = { .name = "fixture", .run = run };
TABLE_ENTRY(fixtures, struct fixture, fixture);
