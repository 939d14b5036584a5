/*
 * test_link.c - promise: a driver object of any compiler runs as if it were built in, and an
 * invalid one is refused with its reason before a byte of it is executed.
 *
 * The objects (fixture.c) are linked into memory below 2 GiB, where the 32-bit relocations of the
 * kernel's code model fit, and executed there.
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/mman.h>

#include "kernel/module/info.h"
#include "kernel/module/link.h"
#include "lib/macros.h"
#include "lib/table.h"
#include "tests/host/module/fixture.h"

#define OBJECTS "build/host/module/"

enum { OBJECTS_MAX = 64, LOW_BYTES = 1 << 20, MUTATIONS = 20000 };

/* ---- what the objects may call -------------------------------------------------------------- */

uint64_t fixture_word = 1000;

uint64_t fixture_call(uint64_t value)
{
    return value * 5 + 1;
}

TABLE_DECLARE(fixtures, struct fixture);

/* Memory below 2 GiB: three runs for the object, then copies of what it may reach. */
static uint8_t *low;

struct low_exports {
    uint8_t call[16]; /* movabs rax, fixture_call; jmp rax */
    uint64_t word;
};

static struct low_exports *low_exports(void)
{
    return (struct low_exports *)(void *)(low + LOW_BYTES - PAGE_BYTES);
}

static void reset_exports(void)
{
    uint8_t code[] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
    uint64_t target = (uint64_t)(uintptr_t)fixture_call;
    memcpy(code + 2, &target, sizeof(target));
    memcpy(low_exports()->call, code, sizeof(code));
    low_exports()->word = 1000;
}

static uint64_t resolve(void *context, const char *name)
{
    (void)context;
    if (!strcmp(name, "fixture_call"))
        return (uint64_t)(uintptr_t)low_exports()->call;
    if (!strcmp(name, "fixture_word"))
        return (uint64_t)(uintptr_t)&low_exports()->word;
    return 0;
}

static uint64_t resolve_nothing(void *context, const char *name)
{
    (void)context;
    (void)name;
    return 0;
}

/* ---- objects -------------------------------------------------------------------------------- */

struct loaded {
    char name[256];
    struct bytes file;
};

static struct loaded objects[OBJECTS_MAX];
static unsigned object_count;

static struct bytes read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(bytes);
    assert_int_equal(fread(data, 1, bytes, file), bytes);
    fclose(file);
    return (struct bytes){ data, bytes };
}

static int read_objects(void **state)
{
    (void)state;
    DIR *folder = opendir(OBJECTS);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name);
        if (length < 3 || strcmp(entry->d_name + length - 2, ".o"))
            continue;
        assert_true(object_count < OBJECTS_MAX);
        struct loaded *object = &objects[object_count++];
        char path[sizeof(OBJECTS) + sizeof(object->name)];
        snprintf(object->name, sizeof(object->name), "%s", entry->d_name);
        snprintf(path, sizeof(path), OBJECTS "%s", object->name);
        object->file = read_whole(path);
    }
    closedir(folder);
    assert_true(object_count >= 8);

    low = mmap(NULL, LOW_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    assert_true(low != MAP_FAILED);
    reset_exports();
    return 0;
}

static int free_objects(void **state)
{
    (void)state;
    for (unsigned i = 0; i < object_count; i++)
        free((void *)(uintptr_t)objects[i].file.data);
    munmap(low, LOW_BYTES);
    return 0;
}

static struct bytes object_file(const char *name)
{
    for (unsigned i = 0; i < object_count; i++)
        if (!strcmp(objects[i].name, name))
            return objects[i].file;
    fail_msg("%s: not built", name);
    return (struct bytes){ NULL, 0 };
}

/* Plans and applies; the runs are one after the other in the low memory. */
static status_t link_low(struct link *link, struct object *object, struct bytes file,
                         link_resolve *resolver, struct object_error *error)
{
    *link = (struct link){ 0 };
    *error = (struct object_error){ "" };
    status_t status = object_open(file, object, error);
    if (!status)
        status = link_plan(link, object, error);
    if (status)
        return status;

    struct link_run runs[LINK_KINDS];
    uint8_t *at = low;
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++) {
        runs[kind] = (struct link_run){ at, (uint64_t)(uintptr_t)at };
        at += (link->bytes[kind] + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        if (at > low + LOW_BYTES - PAGE_BYTES)
            return -ENOMEM;
    }
    return link_apply(link, runs, resolver, NULL, error);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static uint64_t run_built_in(uint64_t seed)
{
    return (*__start_fixtures)->run(seed);
}

static void test_every_object_runs(void **state)
{
    (void)state;
    uint64_t expected = run_built_in(42);

    for (unsigned i = 0; i < object_count; i++) {
        struct link link;
        struct object object;
        struct object_error error;
        const uint64_t *table;
        size_t count;

        reset_exports();
        status_t status = link_low(&link, &object, objects[i].file, resolve, &error);
        if (status)
            fail_msg("%s: %s", objects[i].name, error.why);
        assert_int_equal(link_table(&link, "fixtures", sizeof(struct fixture), &table, &count,
                                    &error), 0);
        assert_int_equal(count, 1);
        const struct fixture *fixture = (const struct fixture *)(uintptr_t)table[0];
        assert_string_equal(fixture->name, "fixture");
        uint64_t result = fixture->run(42);
        if (result != expected)
            fail_msg("%s: %llx instead of %llx", objects[i].name, (unsigned long long)result,
                     (unsigned long long)expected);
        link_free(&link);
    }
}

static void test_rare_relocations(void **state)
{
    (void)state;
    struct link link;
    struct object object;
    struct object_error error;
    assert_int_equal(link_low(&link, &object, object_file("gcc-O2.o"), resolve, &error), 0);

    uint64_t rest = 0;
    for (uint32_t i = 1; i < object.symbol_count; i++) {
        struct object_symbol symbol = object_symbol(&object, i);
        if (!strcmp(symbol.name, "fixture_rest"))
            rest = link_symbol_address(&link, &symbol);
    }
    assert_true(rest);
    uint64_t distance, word, value;
    uint32_t low_target;
    memcpy(&distance, (void *)(uintptr_t)rest, 8);
    memcpy(&low_target, (void *)(uintptr_t)(rest + 8), 4);
    memcpy(&word, (void *)(uintptr_t)(rest + 16), 8);
    memcpy(&value, (void *)(uintptr_t)(rest + distance), 8);
    assert_true(value == 0x1122334455667788);
    assert_int_equal(low_target, rest + distance);
    assert_true(word == (uint64_t)(uintptr_t)&low_exports()->word);
    link_free(&link);
}

static void test_missing_symbols_are_named(void **state)
{
    (void)state;
    struct link link;
    struct object object;
    struct object_error error;
    assert_int_equal(link_low(&link, &object, object_file("gcc-O2.o"), resolve_nothing, &error),
                     -ENOEXEC);
    assert_non_null(strstr(error.why, "fixture_call"));
    assert_non_null(strstr(error.why, "fixture_word"));
    assert_null(strstr(error.why, "fixture_absent"));
    link_free(&link);
}

static void test_info(void **state)
{
    (void)state;
    for (unsigned i = 0; i < object_count; i++) {
        struct object object;
        struct driver_info info;
        struct object_error error = { "" };
        assert_int_equal(object_open(objects[i].file, &object, &error), 0);
        if (driver_info_read(&object, &info, &error))
            fail_msg("%s: %s", objects[i].name, error.why);
        assert_string_equal(info.name, "fixture");
        assert_string_equal(info.version, "1.2");
        assert_string_equal(info.licence, "MIT");
        assert_string_equal(info.description, "every kind of reference");
        assert_int_equal(info.abi.length, DRIVER_ABI_BYTES);
        assert_int_equal(info.abi.data[DRIVER_ABI_BYTES - 1], '7');

        /* Compilers reorder them. */
        const char *one = driver_info_next(&info, "drives", NULL);
        const char *other = driver_info_next(&info, "drives", one);
        const char *root = !strcmp(one, "root") ? one : other;
        assert_string_equal(root, "root");
        assert_string_equal(root == one ? other : one, "signature 257 7573746172");
        assert_null(driver_info_next(&info, "drives", other));
        assert_null(driver_info_next(&info, "needs", NULL));
    }
}

/* Every text of the section must end, be printable, and be there once. */
static void test_wrong_info(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *why;
    } cases[] = {
        { "name=fixture", "nama=fixture", "no name" },
        { "version=1.2", "name=\1\1.2yy", "control characters" },
        { "version=1.2", "name=versio", "more than one name" },
        { "name=fixture", "name=fix ure", "invalid name" },
        { "name=fixture", "name=\0\0\0\0\0\0\0", "invalid name" },
    };
    struct bytes file = object_file("gcc-O2.o");

    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint8_t *changed = malloc(file.length);
        memcpy(changed, file.data, file.length);
        uint8_t *at = memmem(changed, file.length, cases[i].from, strlen(cases[i].from));
        assert_non_null(at);
        const char *to = cases[i].to;
        for (size_t j = 0; j < strlen(cases[i].from); j++) {
            bool escape = *to == '\\';
            at[j] = escape ? (uint8_t)(to[1] - '0') : (uint8_t)*to;
            to += escape ? 2 : 1;
        }
        struct object object;
        struct driver_info info;
        struct object_error error = { "" };
        assert_int_equal(object_open((struct bytes){ changed, file.length }, &object, &error), 0);
        assert_int_equal(driver_info_read(&object, &info, &error), -ENOEXEC);
        if (!strstr(error.why, cases[i].why))
            fail_msg("%s: %s", cases[i].to, error.why);
        free(changed);
    }
}

/* In the kernel's place the object is far from an address of 32 bits without a sign. */
static void test_out_of_reach(void **state)
{
    (void)state;
    struct object object;
    struct object_error error = { "" };
    struct link link;
    assert_int_equal(object_open(object_file("gcc-O2.o"), &object, &error), 0);
    assert_int_equal(link_plan(&link, &object, &error), 0);

    struct link_run runs[LINK_KINDS];
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        runs[kind] = (struct link_run){ low + kind * (LOW_BYTES / 4),
                                        0x1000000000 + kind * (uint64_t)(LOW_BYTES / 4) };
    assert_int_equal(link_apply(&link, runs, resolve, NULL, &error), -ENOEXEC);
    assert_non_null(strstr(error.why, "out of reach"));
    link_free(&link);
}

/* The object in memory that ends with it, so that the sanitizer sees a byte too far. */
static void try_bytes(const uint8_t *data, size_t bytes)
{
    uint8_t *exact = malloc(bytes ? bytes : 1);
    struct link link;
    struct object object;
    struct object_error error;
    const uint64_t *table;
    size_t count;

    memcpy(exact, data, bytes);
    struct driver_info info;
    status_t status = link_low(&link, &object, (struct bytes){ exact, bytes }, resolve, &error);
    if (!status)
        status = driver_info_read(&object, &info, &error);
    if (!status)
        status = link_table(&link, "fixtures", sizeof(struct fixture), &table, &count, &error);
    assert_true(!status || status == -ENOMEM || (status == -ENOEXEC && error.why[0]));
    link_free(&link);
    free(exact);
}

static void test_truncated_at_every_byte(void **state)
{
    (void)state;
    struct bytes file = object_file("gcc-Os.o");
    for (size_t bytes = 0; bytes < file.length; bytes++)
        try_bytes(file.data, bytes);
}

/* Each field of the header and of each section header, at the values that break sums. */
static void test_header_extremes(void **state)
{
    (void)state;
    static const uint64_t extremes[] = { 0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff,
                                         0x7fffffffffffffff, 0x8000000000000000, UINT64_MAX };
    struct bytes file = object_file("gcc-Os.o");
    size_t sections = bytes_le64(file, 40);
    uint8_t *changed = malloc(file.length);

    for (size_t at = 0; at < file.length; at = at == 63 ? sections : at + 1) {
        for (unsigned i = 0; i < ARRAY_LENGTH(extremes); i++)
            for (size_t width = 1; width <= 8; width *= 2) {
                memcpy(changed, file.data, file.length);
                memcpy(changed + at, &extremes[i], min(width, file.length - at));
                try_bytes(changed, file.length);
            }
    }
    free(changed);
}

static void test_mutations(void **state)
{
    (void)state;
    const char *more = getenv("MODULE_MUTATIONS");
    unsigned rounds = more ? (unsigned)strtoul(more, NULL, 10) : MUTATIONS;
    uint64_t seed = 1;

    for (unsigned i = 0; i < rounds; i++) {
        struct bytes file = objects[i % object_count].file;
        uint8_t *changed = malloc(file.length);
        memcpy(changed, file.data, file.length);
        for (unsigned j = 0; j < 1 + i % 8; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            changed[(seed >> 20) % file.length] = (uint8_t)(seed >> 56);
        }
        try_bytes(changed, file.length);
        free(changed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_object_runs),
        cmocka_unit_test(test_rare_relocations),
        cmocka_unit_test(test_missing_symbols_are_named),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_wrong_info),
        cmocka_unit_test(test_out_of_reach),
        cmocka_unit_test(test_truncated_at_every_byte),
        cmocka_unit_test(test_header_extremes),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, read_objects, free_objects);
}
