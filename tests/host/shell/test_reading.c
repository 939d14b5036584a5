/*
 * test_reading.c - guards that what reads many names leaves the last eighth of memory free: the set
 * of directories that were entered, and the heap of a walk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "host/port/host.h"
#include "lib/macros.h"
#include "shell/reading/id_set.h"
#include "shell/reading/walk.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { MIB = 1 << 20, KIB = 1 << 10, DEFAULT_LIMIT = 256 * MIB };

/* Allocates all memory except about `bytes`. */
static void *leave_free(size_t bytes)
{
    size_t free = page_free_count() * PAGE_BYTES;
    kassert(free > bytes);
    void *rest = mem_alloc(free - bytes);
    kassert(rest);
    return rest;
}

/* 16,385 keys need a table of 512 KiB beside that of 256 KiB. There is memory for both, but the new
 * one alone would take a part of the last eighth, which is 512 KiB. */
BODY(id_set)
{
    (void)unused;
    struct id_set set = { 0 }, small = { 0 };
    status_t status = 0;
    host_memory_limit(4 * MIB);
    start();
    void *rest = leave_free(900 * KIB);
    uint64_t key = 0;
    while (key < 20000 && !status)
        status = id_set_add(&set, key++);
    kassert(status == -ENOMEM && key == 16385);
    kassert(id_set_add(&set, 5) == -ELOOP); /* what it holds is still there */
    kassert(id_set_add(&small, 5) == 0);
    id_set_destroy(&small);
    id_set_destroy(&set);
    mem_free(rest);
    stop();
    host_memory_limit(DEFAULT_LIMIT);
}

/* Whatever is free, a walk that begins has left the last eighth alone, except for the 64 KiB that a
 * list may grow between two checks. The heap doubles at the 32,769th name, by 256 KiB. */
BODY(walk)
{
    enum { NAMES = 32800 };
    (void)unused;
    unsigned begun = 0, refused = 0;
    host_memory_limit(40 * MIB);
    start();
    rig_mkdir("/d");
    for (unsigned i = 0; i < NAMES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "/d/%u", i);
        put(name, "");
    }

    struct path *root = path_root(), *directory;
    kassert(path_walk(root, "/d", 0, &directory) == 0);
    size_t eighth = page_total_count() / 8 * PAGE_BYTES;
    for (size_t room = 1 * MIB; room < 4 * MIB; room += 64 * KIB) {
        void *rest = leave_free(eighth + room);
        struct walk *walk;
        status_t status = walk_begin(directory, 0, &walk);
        kassert(!status || status == -ENOMEM);
        if (!status) {
            kassert((page_free_count() + 20) * PAGE_BYTES >= eighth);
            walk_end(walk);
        }
        begun += !status;
        refused += status != 0;
        mem_free(rest);
    }
    kassert(begun && refused);

    void *rest = leave_free(eighth + 1 * MIB);
    run("du /d", SHELL_FAILED, NULL, "du: cannot access '/d': Out of memory\n");
    mem_free(rest);
    path_put(directory);
    path_put(root);
    stop();
    host_memory_limit(DEFAULT_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_set),
        cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
