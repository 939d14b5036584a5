/*
 * test_writeback_threads.c - promise: files may be written, cut, renamed and removed while they are
 * written back, and a writer waits for a slow disk (kernel/vfs/write). For both back ends.
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/write_rig.h"

/* ---- several threads ---------------------------------------------------------------------- */

enum { ACTORS = 4, ROUNDS = 25, ACTOR_BYTES = 40000 };

struct actor {
    struct thread *thread;
    char path[16], other[16];
    uint8_t model[ACTOR_BYTES + 20000];
    uint64_t size;
    uint64_t random;
};

static struct actor actors[ACTORS];
static _Atomic bool actors_stop;

static uint64_t actor_random(struct actor *actor)
{
    actor->random = actor->random * 6364136223846793005u + 1442695040888963407u;
    return actor->random >> 33;
}

static void actor_step(struct actor *actor, struct file **file)
{
    uint64_t at = actor_random(actor) % ACTOR_BYTES, count = 1 + actor_random(actor) % 20000;
    struct path *root = path_root();
    char text[16];
    switch (actor_random(actor) % 8) {
    case 0:
        expect("set size", file_set_size(*file, at), 0);
        memset(actor->model + at, 0, sizeof(actor->model) - at);
        actor->size = at;
        break;
    case 1:
        expect("flush", file_flush(*file), 0);
        break;
    case 2:
        expect("rename", vfs_rename(root, actor->path, actor->other), 0);
        memcpy(text, actor->path, sizeof(text));
        memcpy(actor->path, actor->other, sizeof(text));
        memcpy(actor->other, text, sizeof(text));
        break;
    case 3: /* a new file of the same name */
        file_close(*file);
        rig_unlink(actor->path);
        *file = open_file(actor->path, OPEN_READ | OPEN_WRITE | OPEN_CREATE);
        memset(actor->model, 0, sizeof(actor->model));
        actor->size = 0;
        break;
    default:
        write_at(*file, at, write_content + at, count);
        memcpy(actor->model + at, write_content + at, count);
        actor->size = max(actor->size, at + count);
        break;
    }
    path_put(root);
}

static void actor_main(void *argument)
{
    struct actor *actor = argument;
    static uint8_t seen[ACTORS][sizeof(actor->model)];
    uint8_t *bytes = seen[actor - actors];
    struct file *file = open_file(actor->path, OPEN_READ | OPEN_WRITE | OPEN_CREATE);

    for (unsigned i = 0; i < ROUNDS; i++) {
        actor_step(actor, &file);
        kassert(file_size(file) == actor->size);
        ssize_t count = file_read_at(file, 0, bytes, sizeof(actor->model));
        if (count != (ssize_t)actor->size || memcmp(bytes, actor->model, actor->size) != 0)
            panic("%s: %zd bytes of %llu, or others", actor->path, count,
                  (unsigned long long)actor->size);
    }
    file_close(file);
}

static void syncer_main(void *unused)
{
    (void)unused;
    while (!atomic_load(&actors_stop)) {
        expect("sync", sync_all(), 0);
        rig_evict();
        thread_yield();
    }
}

/* Files are written, cut, renamed and removed while another thread writes them back. */
static void races_body(void *unused)
{
    (void)unused;
    write_fs.scattered = rig_random() % 2;
    begin();
    atomic_store(&actors_stop, false);
    struct thread *syncer = thread_create("syncer", PRIORITY_NORMAL, syncer_main, NULL);
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){ .random = rig_random() };
        snprintf(actors[i].path, sizeof(actors[i].path), "/m/a%u", i);
        snprintf(actors[i].other, sizeof(actors[i].other), "/m/b%u", i);
        actors[i].thread = thread_create("actor", PRIORITY_NORMAL, actor_main, &actors[i]);
    }
    for (unsigned i = 0; i < ACTORS; i++)
        thread_join(actors[i].thread);
    atomic_store(&actors_stop, true);
    thread_join(syncer);
    end();
    for (unsigned i = 0; i < ACTORS; i++)
        medium_has(actors[i].path + strlen("/m/"), actors[i].model, actors[i].size);
}

static void test_races(void **state)
{
    (void)state;
    rig_run(races_body, NULL, 60);
}

/* Appended pieces of several writers are all there, none over another. */
static void appender_main(void *argument)
{
    struct actor *actor = argument;
    struct file *file = open_file("/m/log", OPEN_WRITE | OPEN_APPEND);
    char piece[8];
    for (unsigned i = 0; i < ROUNDS; i++) {
        snprintf(piece, sizeof(piece), "<%u.%03u>", (unsigned)(actor - actors), i);
        kassert(file_write(file, piece, 7) == 7);
        if (i % 8 == 0)
            expect("flush", file_flush(file), 0);
    }
    expect("finish", file_finish(file), 0);
}

static void append_body(void *unused)
{
    (void)unused;
    begin();
    rig_put_file("/m/log", "", 0);
    for (unsigned i = 0; i < ACTORS; i++)
        actors[i].thread = thread_create("appender", PRIORITY_NORMAL, appender_main, &actors[i]);
    for (unsigned i = 0; i < ACTORS; i++)
        thread_join(actors[i].thread);
    kassert(rig_get_file("/m/log", got, sizeof(got)) == ACTORS * ROUNDS * 7);
    char piece[8];
    for (unsigned i = 0; i < ACTORS * ROUNDS; i++) {
        snprintf(piece, sizeof(piece), "<%u.%03u>", i / ROUNDS, i % ROUNDS);
        kassert(memmem(got, ACTORS * ROUNDS * 7, piece, 7) != NULL);
    }
    end();
}

static void test_append(void **state)
{
    (void)state;
    rig_run(append_body, NULL, 20);
}

/* ---- limits and interrupts ---------------------------------------------------------------- */

/* A writer that is faster than its disk waits, and dirty pages stay below the limit. */
static void limit_body(void *unused)
{
    (void)unused;
    size_t pages = page_total_count();
    host_memory_limit(2 << 20);
    begin();
    struct file *file = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    for (unsigned i = 0; i < 40; i++) {
        write_at(file, i % 6 * 50000, write_content, 50000);
        kassert(cache_dirty_pages() <= page_total_count() / CACHE_LIMIT_SHARE + 14);
    }
    file_close(file);
    end();
    host_memory_limit(pages * PAGE_BYTES);
}

static void test_limit(void **state)
{
    (void)state;
    rig_run(limit_body, NULL, 10);
}

static void flusher_thread(void *argument)
{
    expect("interrupted flush", file_flush(argument), -EINTR);
}

/* A flush that is interrupted leaves everything as it was; the next one completes it. */
static void interrupt_body(void *unused)
{
    (void)unused;
    begin_with(FAULTY_LATE);
    struct file *file = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    write_at(file, 0, write_content, 100000);
    faulty_hold(write_disk, true);
    struct thread *thread = thread_create("flush", PRIORITY_NORMAL, flusher_thread, file);
    thread_sleep_until(time_now_us() + 20000);
    thread_interrupt(thread);
    thread_join(thread);
    faulty_hold(write_disk, false);
    expect("flush", file_flush(file), 0);
    medium_has("a", write_content, 100000);
    file_close(file);
    end();
}

static void test_interrupt(void **state)
{
    (void)state;
    rig_run(interrupt_body, NULL, 10);
}

static void renamer_main(void *unused)
{
    (void)unused;
    struct path *root = path_root();
    expect("rename", vfs_rename(root, "/m/new", "/m/old"), 0);
    path_put(root);
}

/* While the content of a file that replaces another is written, names are looked up. */
static void rename_body(void *unused)
{
    (void)unused;
    begin_with(FAULTY_LATE);
    rig_put_file("/m/old", write_content, 1000);
    rig_put_file("/m/other", write_content, 1000);
    expect("sync", sync_all(), 0);
    rig_put_file("/m/new", write_content + 1, 50000);

    faulty_hold(write_disk, true);
    struct thread *thread = thread_create("rename", PRIORITY_NORMAL, renamer_main, NULL);
    thread_sleep_until(time_now_us() + 20000);
    expect("walk", rig_walk("/m/other"), 0);
    faulty_hold(write_disk, false);
    thread_join(thread);
    file_has("/m/old", write_content + 1, 50000);
    end();
}

static void test_rename(void **state)
{
    (void)state;
    rig_run(rename_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_races),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_rename),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
