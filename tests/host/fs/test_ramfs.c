/*
 * test_ramfs.c - promise: an operation on one entry of a ramfs directory takes as many steps among
 * 100,000 entries as among few, and threads may create, list, rename and remove at the same time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/vfs/layout/table.h"
#include "host/port/host.h"
#include "kernel/sched/sync.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/host/writable.h"

/* ---- the table ---------------------------------------------------------------------------- */

struct element_of_table {
    struct table_link link;
    bool inside;
};

enum { ELEMENTS = 20000, CHAIN_MAX = 24 };

static unsigned chain_length(struct table *table, uint64_t hash)
{
    unsigned length = 0;
    size_t floor = 1;
    while (floor * 2 <= table->bucket_count)
        floor *= 2;
    if (!table->bucket_count)
        return (unsigned)table->count;
    size_t index = hash & (2 * floor - 1);
    if (index >= table->bucket_count)
        index -= floor;
    struct table_link **page = (void *)pages_get(&table->buckets, index / 512);
    for (struct table_link *link = page[index % 512]; link; link = link->next)
        length++;
    return length;
}

static void expect_found(struct table *table, struct element_of_table *element)
{
    struct table_link *link = table_first(table, element->link.hash);
    kassert((link == &element->link) == element->inside);
    kassert(chain_length(table, element->link.hash) <= CHAIN_MAX);
}

/* Chains stay short while the table grows and shrinks, and its memory is freed. */
static void table_body(void *unused)
{
    (void)unused;
    struct table table = { 0 };
    rig_start();
    struct element_of_table *all = calloc(ELEMENTS, sizeof(*all));
    size_t before = host_memory_used();
    for (unsigned i = 0; i < ELEMENTS; i++) {
        all[i].link.hash = hash_u64(i + 1);
        all[i].inside = true;
        table_insert(&table, &all[i].link);
        expect_found(&table, &all[rig_random() % ELEMENTS]);
    }
    kassert(table.count == ELEMENTS && table.bucket_count >= ELEMENTS / 4);
    for (unsigned i = 0; i < ELEMENTS; i++)
        expect_found(&table, &all[i]);
    for (unsigned i = 0; i < ELEMENTS; i++) {
        table_remove(&table, &all[i].link);
        all[i].inside = false;
        expect_found(&table, &all[rig_random() % ELEMENTS]);
    }
    kassert(!table.count && host_memory_used() == before);
    free(all);
    rig_stop();
}

static void test_table(void **state)
{
    (void)state;
    rig_run(table_body, NULL, 1);
}

/* Without a page for its buckets, the table is slower but complete. */
static void table_short_body(void *unused)
{
    (void)unused;
    struct table table = { 0 };
    static struct element_of_table all[2000];
    rig_start();
    for (unsigned i = 0; i < 2000; i++) {
        all[i].link.hash = hash_u64(i + 1);
        host_fail_nth_allocation(i < 600 || i % 7 == 0);
        table_insert(&table, &all[i].link);
        host_fail_nth_allocation(0);
    }
    for (unsigned i = 0; i < 2000; i++)
        kassert(table_first(&table, all[i].link.hash) == &all[i].link);
    unsigned count = 0;
    for (struct table_link *link = table_take_all(&table); link; link = link->next)
        count++;
    kassert(count == 2000 && !table.count);
    rig_stop();
}

static void test_table_short(void **state)
{
    (void)state;
    rig_run(table_short_body, NULL, 1);
}

/* ---- a large directory -------------------------------------------------------------------- */

enum { FILES = 100000 };

static status_t change(status_t (*call)(struct path *start, const char *text), const char *text)
{
    struct path *root = path_root();
    status_t status = call(root, text);
    path_put(root);
    return status;
}

static status_t rename_path(const char *from, const char *to)
{
    struct path *root = path_root();
    status_t status = vfs_rename(root, from, to);
    path_put(root);
    return status;
}

static const char *file_path(const char *directory, unsigned number)
{
    static char texts[4][64];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof(texts[0]), "/%s/%u", directory, number);
    return text;
}

/* Lists in the order of creation, with the information for `ls -l`, and creates no vnode. */
static void expect_listing(const char *directory, unsigned count)
{
    static struct dir_entry entry;
    struct file *file;
    size_t vnodes = vfs_counts().vnodes;
    kassert(rig_open(directory, OPEN_DIRECTORY, &file) == 0);
    for (unsigned i = 0; i < count; i++) {
        kassert(dir_read(file, INFO_ALL, &entry) == 1);
        kassert((unsigned)strtoul(entry.name, NULL, 10) == i);
        kassert(entry.info.type == NODE_FILE && entry.info.known & INFO_STANDARD);
        kassert(entry.info.size_bytes == i % 2 && entry.info.has_modified);
    }
    kassert(dir_read(file, INFO_ALL, &entry) == 0);
    file_close(file);
    kassert(vfs_counts().vnodes <= vnodes + 1);
}

/* If any of this were quadratic, it would take minutes. */
static void large_body(void *unused)
{
    (void)unused;
    rig_start();
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit((size_t)2 << 30);
    rig_mkdir("/large");
    rig_mkdir("/other");
    for (unsigned i = 0; i < FILES; i++)
        rig_put_file(file_path("large", i), "x", i % 2);
    kassert(change(vfs_mkdir, file_path("large", 77777)) == -EEXIST);
    expect_listing("/large", FILES);
    for (unsigned i = 0; i < FILES; i++)
        kassert(rename_path(file_path("large", i), file_path("other", i)) == 0);
    expect_listing("/other", FILES);
    expect_listing("/large", 0);
    for (unsigned i = FILES; i--;)
        kassert(change(vfs_unlink, file_path("other", i)) == 0);
    kassert(change(vfs_unlink, "/other") == 0 && change(vfs_unlink, "/large") == 0);
    rig_evict_all();
    host_memory_limit(limit);
    rig_stop();
}

static void test_large(void **state)
{
    (void)state;
    rig_run(large_body, NULL, 1);
}

/* ---- listing while the directory changes -------------------------------------------------- */

/* A rename within the directory keeps the entry's place; what is created after a reader began is
 * not listed, so that every listing ends. */
static void changes_body(void *unused)
{
    (void)unused;
    static struct dir_entry entry;
    unsigned count = 0;
    struct file *file;
    rig_start();
    rig_mkdir("/d");
    for (unsigned i = 0; i < 50; i++)
        rig_put_file(file_path("d", i), "", 0);
    kassert(rig_open("/d", OPEN_DIRECTORY, &file) == 0);
    while (dir_read(file, INFO_NONE, &entry) == 1) {
        kassert((unsigned)strtoul(entry.name, NULL, 10) == count);
        kassert(rename_path(file_path("d", count), file_path("d", count + 1000)) == 0);
        rig_put_file(file_path("d", count + 2000), "", 0);
        count++;
    }
    kassert(count == 50);
    file_close(file);
    kassert(rig_open("/d", OPEN_DIRECTORY, &file) == 0);
    for (unsigned i = 0; i < 100; i++) {
        kassert(change(vfs_unlink, file_path("d", i < 50 ? i + 1000 : i - 50 + 2000)) == 0);
    }
    kassert(change(vfs_unlink, "/d") == 0); /* a reader in it does not keep its name */
    kassert(dir_read(file, INFO_NONE, &entry) == 0);
    file_close(file);
    rig_stop();
}

static void test_changes(void **state)
{
    (void)state;
    rig_run(changes_body, NULL, 2);
}

static void moves_body(void *unused)
{
    (void)unused;
    rig_start();
    writable_moves("");
    rig_mkdir("/m");
    writable_moves("/m");
    rig_stop();
}

static void test_moves(void **state)
{
    (void)state;
    rig_run(moves_body, NULL, 2);
}

/* ---- threads ------------------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 300, NAMES = 12, STAY = 20 };

static _Atomic unsigned next_seed;

/* Returns true for a status that another thread's change can cause. */
static bool fair(status_t status)
{
    return status == 0 || status == -ENOENT || status == -EEXIST ||
           status == -ENOTEMPTY || status == -EINVAL || status == -EISDIR || status == -ENOTDIR;
}

static const char *some_path(char text[64], unsigned *seed)
{
    static const char *const directories[] = { "", "/a", "/b", "/a/x", "/b/x" };
    *seed = *seed * 1103515245 + 12345;
    snprintf(text, 64, "%s/%c", directories[(*seed >> 16) % 5], 'p' + (int)((*seed >> 8) % NAMES));
    if ((*seed >> 24) % 3 == 0)
        snprintf(text, 64, "%s/x", directories[(*seed >> 16) % 3]);
    return text;
}

static void list_all(struct path *root, const char *text)
{
    struct dir_entry *entry = malloc(sizeof(*entry));
    unsigned stayed = 0;
    struct file *file;
    if (file_open(root, text, OPEN_DIRECTORY, &file) == 0) {
        while (dir_read(file, INFO_ALL, entry) == 1)
            stayed += strncmp(entry->name, "stay", 4) == 0;
        file_close(file);
        kassert(stayed == (strcmp(text, "/") == 0 ? STAY : 0));
    }
    free(entry);
}

static void write_and_cut(struct path *root, const char *path, unsigned seed)
{
    static const char data[9000];
    char got[512];
    struct node_info info;
    struct path *at;
    struct file *file;
    if (file_open(root, path, OPEN_CREATE | OPEN_READ | OPEN_WRITE, &file))
        return;
    IGNORE(file_write(file, data, seed % sizeof(data)));
    IGNORE(file_read_at(file, seed % 4096, got, sizeof(got)));
    IGNORE(file_set_size(file, seed % 5000));
    file_close(file);
    if (path_walk(root, path, 0, &at) == 0) {
        IGNORE(path_info(at, INFO_ALL, &info));
        path_put(at);
    }
}

static void meddle(void *unused)
{
    (void)unused;
    unsigned seed = atomic_fetch_add(&next_seed, 77) + 1;
    char one[64], two[64];
    struct path *root = path_root();
    for (unsigned round = 0; round < ROUNDS; round++) {
        some_path(one, &seed);
        some_path(two, &seed);
        switch (seed >> 20 & 7) {
        case 0: kassert(fair(vfs_mkdir(root, one))); break;
        case 1: kassert(fair(vfs_unlink(root, one))); break;
        case 2: list_all(root, "/"); break;
        case 3: list_all(root, "/a"); break;
        case 4: write_and_cut(root, one, seed >> 4); break;
        default: kassert(fair(vfs_rename(root, one, two)));
        }
    }
    path_put(root);
}

/* Directories are moved into each other too, which causes neither a loop nor a deadlock. */
static void threads_body(void *unused)
{
    (void)unused;
    rig_start();
    rig_mkdir("/a");
    rig_mkdir("/b");
    for (unsigned i = 0; i < STAY; i++) {
        char text[64];
        snprintf(text, sizeof(text), "/stay%u", i);
        rig_put_file(text, "", 0);
    }
    rig_run_threads(THREADS, meddle);
    rig_stop();
}

static void test_threads(void **state)
{
    (void)state;
    rig_run(threads_body, NULL, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_table_short),
        cmocka_unit_test(test_large),   cmocka_unit_test(test_changes),
        cmocka_unit_test(test_moves),   cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
