/*
 * test_name_index.c - promise: an index of names finds what was inserted and nothing else, in any
 * case; a listing neither skips nor repeats an entry that stays, whatever is changed meanwhile; and
 * when an allocation fails, nothing changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/vfs/layout/name_index.h"
#include "lib/format.h"
#include "tests/host/rig.h"

enum { MANY = 100000 };

/* ---- a directory ----------------------------------------------------------------------------- */

/* What the medium contains: names separated by blanks, whose ids count from 10. */
struct directory {
    struct name_slot slot;
    struct name_index *index; /* the test's reference */
    const char *names;
    unsigned reads;
    status_t damage;
    void (*meanwhile)(struct directory *directory); /* called once, while it is read */
};

static struct spin lock = SPIN_INIT(RANK_VNODE);
static vnode_id_t removed; /* the record of this id is gone from the medium */

static status_t add(struct name_index *index, const char *name, size_t bytes, vnode_id_t id)
{
    uint32_t details = (uint32_t)id * 3;
    struct name_entry entry = {
        .id = id, .details = &details, .name = name, .name_bytes = (uint16_t)bytes
    };
    return name_index_add(index, &entry);
}

static status_t directory_read(struct fsd *fsd, void *argument, struct name_index *index)
{
    struct directory *directory = argument;
    status_t status = 0;
    vnode_id_t id = 10;
    (void)fsd;
    directory->reads++;
    if (directory->meanwhile) {
        void (*meanwhile)(struct directory *) = directory->meanwhile;
        directory->meanwhile = NULL;
        meanwhile(directory);
    }
    for (const char *at = directory->names; *at && !status; id++) {
        size_t bytes = strcspn(at, " ");
        status = add(index, at, bytes, id);
        at += bytes + (at[bytes] == ' ');
    }
    if (!status)
        (void)name_index_complete(index, directory->damage, 0);
    return status;
}

static status_t directory_info(struct fsd *fsd, vnode_id_t id, const void *details,
                               unsigned levels, struct node_info *info)
{
    (void)fsd, (void)levels;
    uint32_t stored;
    memcpy(&stored, details, sizeof(stored));
    kassert(stored == (uint32_t)id * 3);
    *info = (struct node_info){ .known = INFO_DIRENT, .id = id };
    return id == removed ? -ENOENT : 0;
}

static const struct name_format format = {
    .details_bytes = sizeof(uint32_t),
    .read = directory_read,
    .info = directory_info,
};

static struct name_index *get(struct directory *directory)
{
    struct name_index *index;
    kassert(!name_index_get(&format, NULL, &lock, &directory->slot, directory, &index));
    return index;
}

static void start(struct directory *directory, const char *names)
{
    rig_start();
    *directory = (struct directory){ .names = names };
    directory->index = get(directory);
    removed = VNODE_NONE;
}

static void stop(struct directory *directory)
{
    name_index_put(directory->index);
    name_index_trim(&lock, &directory->slot);
    kassert(!directory->slot.index);
    rig_stop();
}

static status_t insert_alias(struct name_index *index, const char *name, const char *alias,
                             vnode_id_t id)
{
    uint32_t details = (uint32_t)id * 3;
    struct name_entry entry = {
        .id = id, .details = &details, .name = name, .name_bytes = (uint16_t)strlen(name),
        .alias = alias, .alias_bytes = (uint16_t)(alias ? strlen(alias) : 0)
    };
    return name_index_insert(index, &entry);
}

static status_t insert(struct name_index *index, const char *name, vnode_id_t id)
{
    return insert_alias(index, name, NULL, id);
}

static status_t replace(struct name_index *index, const char *old, vnode_id_t old_id,
                        const char *name, vnode_id_t id, vnode_id_t replaced)
{
    uint32_t details = (uint32_t)id * 3;
    struct name_entry entry = {
        .id = id, .details = &details, .name = name, .name_bytes = (uint16_t)strlen(name)
    };
    return name_index_replace(index, old, strlen(old), old_id, &entry, replaced);
}

static bool drop(struct name_index *index, const char *name, vnode_id_t id)
{
    return name_index_remove(index, name, strlen(name), id);
}

/* Returns the id of a name, or VNODE_NONE. */
static vnode_id_t find(struct name_index *index, const char *name)
{
    struct name_found found;
    uint32_t details;
    if (!name_index_find(index, name, strlen(name), &found))
        return VNODE_NONE;
    memcpy(&details, found.details, sizeof(details));
    kassert(details == (uint32_t)found.id * 3);
    return found.id;
}

/* ---- listing ------------------------------------------------------------------------------ */

static void *list_begin(struct directory *directory)
{
    void *cursor;
    kassert(!name_index_open_dir(get(directory), &cursor));
    return cursor;
}

/* Returns whether the next name is this one; NULL: the end. */
static bool next_is(void *cursor, const char *name)
{
    static struct dir_entry entry;
    uint64_t position = 0;
    int got = name_index_read_dir(NULL, NULL, cursor, &position, INFO_DIRENT, &entry);
    return name ? got == 1 && !strcmp(entry.name, name) : got == 0;
}

static void list_end(void *cursor)
{
    name_index_close_dir(NULL, NULL, cursor);
}

/* ---- changes ------------------------------------------------------------------------------ */

static void changes_body(void *unused)
{
    (void)unused;
    struct directory directory;
    start(&directory, "one two TWO two~2 three");
    struct name_index *index = directory.index;

    /* Names that differ in case only get numbers when they are read. */
    kassert(name_index_count(index) == 5 && find(index, "ONE") == 10 && find(index, "two") == 11);
    kassert(find(index, "Two~2") == 12 && find(index, "two~2~2") == 13);

    /* An inserted name must be free, as a name and as an alias. */
    kassert(insert(index, "Three", 20) == -EEXIST && insert(index, "four", 20) == 0);
    kassert(insert_alias(index, "a long name", "ALONGN~1", 21) == 0);
    kassert(find(index, "alongn~1") == 21 && insert(index, "AlongN~1", 22) == -EEXIST);

    /* A removed name is free again, its alias too; another node's name is not removed. */
    kassert(!drop(index, "four", 10) && drop(index, "FOUR", 20) && !drop(index, "four", 20));
    kassert(drop(index, "a long name", 21) && !find(index, "alongn~1"));
    kassert(insert(index, "AlongN~1", 22) == 0 && name_index_count(index) == 6);

    /* Renamed: to a free name, to another case of the same name, over another. */
    kassert(replace(index, "one", 10, "uno", 30, VNODE_NONE) == 0);
    kassert(!find(index, "one") && find(index, "uno") == 30);
    kassert(replace(index, "uno", 30, "UNO", 30, VNODE_NONE) == 0 && find(index, "uno") == 30);
    kassert(replace(index, "uno", 30, "two", 11, VNODE_NONE) == -EEXIST);
    kassert(replace(index, "uno", 30, "two", 11, 11) == 0 && !find(index, "uno"));
    kassert(find(index, "two") == 11 && name_index_count(index) == 5);
    kassert(replace(index, "uno", 30, "dos", 31, VNODE_NONE) == -ENOENT);
    stop(&directory);
}

static void test_changes(void **state)
{
    (void)state;
    rig_run(changes_body, NULL, 1);
}

/* A listing that is under way when its directory changes. */
static void listing_body(void *unused)
{
    (void)unused;
    struct directory directory;
    start(&directory, "a b c d e f");
    struct name_index *index = directory.index;
    void *first = list_begin(&directory), *second = list_begin(&directory);
    kassert(next_is(first, "a") && next_is(first, "b"));

    /* The entry that was listed last, and the next one, are removed. */
    kassert(drop(index, "b", 11) && drop(index, "c", 12));
    kassert(next_is(first, "d"));

    /* Entries keep their places when they are renamed; new ones are not met by older readers. */
    kassert(replace(index, "d", 13, "D2", 40, VNODE_NONE) == 0);
    kassert(replace(index, "e", 14, "E2", 41, VNODE_NONE) == 0 && insert(index, "g", 42) == 0);
    kassert(next_is(first, "E2") && next_is(first, "f") && next_is(first, NULL));
    kassert(next_is(second, "a") && next_is(second, "D2"));

    /* A record that is gone by the time its information is read is left out. */
    removed = 41;
    kassert(next_is(second, "f") && next_is(second, NULL) && next_is(second, NULL));
    list_end(first);
    first = list_begin(&directory);
    kassert(next_is(first, "a") && next_is(first, "D2") && next_is(first, "f"));
    kassert(next_is(first, "g") && next_is(first, NULL));
    list_end(first);
    list_end(second);
    stop(&directory);
}

static void test_listing(void **state)
{
    (void)state;
    rig_run(listing_body, NULL, 1);
}

/* ---- many --------------------------------------------------------------------------------- */

static const char *numbered(unsigned n)
{
    static char text[32];
    format_text(text, sizeof(text), "File number %u", n);
    return text;
}

/* A hundred thousand names inserted, listed and removed: each step looks at a few only. */
static void many_body(void *unused)
{
    (void)unused;
    struct directory directory;
    start(&directory, "");
    for (unsigned i = 0; i < MANY; i++)
        kassert(insert(directory.index, numbered(i), i + 10) == 0);
    kassert(insert(directory.index, numbered(MANY / 2), 5) == -EEXIST);

    void *cursor = list_begin(&directory);
    for (unsigned i = 0; i < MANY; i++) {
        kassert(next_is(cursor, numbered(i)));
        kassert(drop(directory.index, numbered(i), i + 10));
    }
    kassert(next_is(cursor, NULL) && name_index_count(directory.index) == 0);
    list_end(cursor);
    stop(&directory);
}

static void test_many(void **state)
{
    (void)state;
    rig_run(many_body, NULL, 1);
}

/* ---- slots -------------------------------------------------------------------------------- */

/* Another thread makes the index first, changes it, and reclaim takes it. */
static void change_and_trim(struct directory *directory)
{
    struct name_index *index = get(directory);
    kassert(insert(index, "new", 50) == 0);
    directory->names = "old new";
    name_index_put(index);
    name_index_trim(&lock, &directory->slot);
}

static void change_and_keep(struct directory *directory)
{
    struct name_index *index = get(directory);
    kassert(insert(index, "new", 50) == 0);
    name_index_put(index);
}

static void slots_body(void *unused)
{
    (void)unused;
    rig_start();
    struct directory directory = { .names = "old", .meanwhile = change_and_trim };
    struct name_index *index = get(&directory);

    /* Read three times: the first result would lack what was changed after it was read. */
    kassert(find(index, "new") == 11 && directory.reads == 3);
    name_index_trim(&lock, &directory.slot);
    kassert(directory.slot.index == index);
    name_index_put(index);
    name_index_trim(&lock, &directory.slot);

    directory = (struct directory){ .names = "old", .meanwhile = change_and_keep };
    index = get(&directory);
    kassert(find(index, "new") == 50 && directory.reads == 2);
    name_index_put(index);
    name_index_trim(&lock, &directory.slot);

    /* Names that are missing after damage may exist. */
    directory = (struct directory){ .names = "old", .damage = -EIO };
    vnode_id_t id;
    struct element old = { "old", 3 }, new = { "new", 3 };
    kassert(name_index_lookup(get(&directory), old, &id) == 0 && id == 10);
    kassert(name_index_lookup(get(&directory), new, &id) == -EIO);
    kassert(name_index_status(directory.slot.index) == -EIO);
    name_index_trim(&lock, &directory.slot);
    rig_stop();
}

static void test_slots(void **state)
{
    (void)state;
    rig_run(slots_body, NULL, 1);
}

/* ---- memory ------------------------------------------------------------------------------- */

/* Every allocation of a series of changes fails once: each change is done or left out. */
static void memory_body(void *unused)
{
    (void)unused;
    bool reached = true;
    for (unsigned long n = 1; reached; n++) {
        struct directory directory;
        start(&directory, "a b c");
        struct name_index *index = directory.index;
        host_fail_nth_allocation(n);
        status_t inserted = insert_alias(index, "d", "alias", 20);
        status_t replaced = replace(index, "a", 10, "b", 11, 11);
        void *cursor = NULL;
        status_t opened = name_index_open_dir(get(&directory), &cursor);
        reached = host_failure_happened();
        host_fail_nth_allocation(0);

        kassert(inserted == (find(index, "d") ? 0 : -ENOMEM));
        kassert(!find(index, "d") == !find(index, "alias"));
        kassert(replaced == (find(index, "a") ? -ENOMEM : 0) && find(index, "b") == 11);
        kassert(name_index_count(index) == 3u + !inserted - !replaced);
        kassert(opened == 0 || (opened == -ENOMEM && reached));
        if (!opened)
            list_end(cursor);
        stop(&directory);
    }

    /* The same while the directory is read. */
    reached = true;
    for (unsigned long n = 1; reached; n++) {
        struct directory directory = { .names = "a b c" };
        struct name_index *index;
        rig_start();
        host_fail_nth_allocation(n);
        status_t status =
            name_index_get(&format, NULL, &lock, &directory.slot, &directory, &index);
        reached = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(status == (reached ? -ENOMEM : 0) && !directory.slot.index == reached);
        if (!status)
            name_index_put(index);
        name_index_trim(&lock, &directory.slot);
        rig_stop();
    }
}

static void test_memory(void **state)
{
    (void)state;
    rig_run(memory_body, NULL, 1);
}

/* ---- threads ------------------------------------------------------------------------------ */

enum { THREADS = 3, STEPS = 400, STAYING = 40 };

static _Atomic unsigned changers_left;

/* Inserts, renames and removes names of its own. */
static void changer(void *argument)
{
    struct directory *directory = argument;
    struct name_index *index = get(directory);
    static _Atomic unsigned numbers;
    unsigned number = atomic_fetch_add(&numbers, 1);
    char name[32], other[32];
    vnode_id_t id = 1000 + number;
    format_text(name, sizeof(name), "name of %u", number);
    format_text(other, sizeof(other), "other name of %u", number);
    for (unsigned i = 0; i < STEPS; i++) {
        kassert(insert(index, name, id) == 0 && find(index, name) == id);
        kassert(replace(index, name, id, other, id, VNODE_NONE) == 0);
        thread_yield();
        kassert(!find(index, name) && drop(index, other, id));
    }
    name_index_put(index);
    atomic_fetch_sub(&changers_left, 1);
}

/* Lists the directory again and again: what stays is listed once, in its order. */
static void lister(void *argument)
{
    struct directory *directory = argument;
    struct dir_entry *entry = malloc(sizeof(*entry));
    do {
        void *cursor = list_begin(directory);
        unsigned stayed = 0;
        uint64_t position = 0;
        while (name_index_read_dir(NULL, NULL, cursor, &position, INFO_DIRENT, entry) == 1) {
            if (entry->info.id < 1000)
                kassert(entry->info.id == 10 + stayed++);
            thread_yield();
        }
        kassert(stayed == STAYING);
        list_end(cursor);
    } while (atomic_load(&changers_left));
    free(entry);
}

static void threads_body(void *unused)
{
    (void)unused;
    struct directory directory;
    struct thread *threads[THREADS + 1];
    char names[STAYING * 8] = "";
    for (unsigned i = 0; i < STAYING; i++)
        format_text(names + strlen(names), 8, "s%u ", i);
    start(&directory, names);
    atomic_store(&changers_left, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = thread_create("changer", PRIORITY_NORMAL, changer, &directory);
    threads[THREADS] = thread_create("lister", PRIORITY_NORMAL, lister, &directory);
    for (unsigned i = 0; i <= THREADS; i++)
        thread_join(threads[i]);
    kassert(name_index_count(directory.index) == STAYING);
    stop(&directory);
}

static void test_threads(void **state)
{
    (void)state;
    rig_run(threads_body, NULL, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes), cmocka_unit_test(test_listing),
        cmocka_unit_test(test_many),    cmocka_unit_test(test_slots),
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
