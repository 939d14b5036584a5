/*
 * test_changes_commit.c - promise: a commit of kernel/vfs/layout/changes.h flushes only where it
 * must, is made in time, and loses nothing when it is interrupted. Runs on both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/host/changed_volume.h"

/* ---- flushes ------------------------------------------------------------------------------ */

static void put(struct volume *volume, enum change_epoch epoch, uint64_t address, uint8_t byte)
{
    kassert(changes_write(volume->changes, epoch, address, &byte, 1) == 0);
}

/* Commits, and returns the kinds of the log's new records as letters. */
static const char *commit_kinds(struct volume *volume)
{
    static char text[64];
    size_t length = 0;
    size_t from = volume->recorder->count;
    kassert(changes_commit(volume->changes) == 0);
    for (size_t i = from; i < volume->recorder->count && length < sizeof(text) - 1; i++)
        text[length++] = volume->recorder->log[i].kind == RECORD_WRITE ? 'W' : 'F';
    text[length] = '\0';
    return text;
}

/* What is not needed is not flushed; blocks that follow each other are one request. */
static void flushes_body(void *unused)
{
    (void)unused;
    struct volume volume;
    volume_begin(&volume, 512);
    assert_string_equal(commit_kinds(&volume), "F");

    kassert(changes_begin(volume.changes) == 0);
    for (unsigned block = 20; block; block--)
        put(&volume, CHANGE_NEW, (uint64_t)(block - 1) * 512 + 3, 1);
    changes_end(volume.changes, true);
    kassert(changes_pending(volume.changes));
    assert_string_equal(commit_kinds(&volume), "WF");

    kassert(changes_begin(volume.changes) == 0);
    put(&volume, CHANGE_LINK, 512, 1);
    changes_end(volume.changes, true);
    assert_string_equal(commit_kinds(&volume), "FWF");

    /* The second operation links what the first one has unlinked: a group of its own. */
    for (unsigned n = 0; n < 2; n++) {
        kassert(changes_begin(volume.changes) == 0);
        put(&volume, CHANGE_LINK, 512, (uint8_t)(2 + n));
        put(&volume, CHANGE_UNLINK, 512, (uint8_t)(4 + n));
        put(&volume, CHANGE_FREE, 9 * 512, (uint8_t)(6 + n));
        changes_end(volume.changes, true);
    }
    assert_string_equal(commit_kinds(&volume), "FWFWFWFWFWFWF");
    volume_end(&volume);
}

/* A name that was removed is gone before it is there again, elsewhere. */
static void names_body(void *unused)
{
    (void)unused;
    struct volume volume;
    volume_begin(&volume, 512);
    kassert(changes_begin(volume.changes) == 0);
    changes_remove_name(volume.changes, 5, "Name", 4);
    put(&volume, CHANGE_UNLINK, 0, 1);
    changes_end(volume.changes, true);
    kassert(changes_begin(volume.changes) == 0);
    changes_add_name(volume.changes, 6, "Name", 4); /* in another directory */
    put(&volume, CHANGE_LINK, 512, 1);
    changes_end(volume.changes, true);
    kassert(changes_begin(volume.changes) == 0);
    kassert(!changes_name_waits(volume.changes, 6, "NAME", 4));
    kassert(changes_name_waits(volume.changes, 5, "NAME", 4));
    changes_add_name(volume.changes, 5, "NAME", 4);
    put(&volume, CHANGE_LINK, 1024, 1);
    changes_end(volume.changes, true);

    assert_string_equal(commit_kinds(&volume), "FWFWFWF");
    const struct record *log = volume.recorder->log;
    kassert(log[1].offset_bytes == 512 && log[3].offset_bytes == 0 && log[5].offset_bytes == 1024);

    /* after the commit the name is free */
    kassert(changes_begin(volume.changes) == 0);
    changes_add_name(volume.changes, 5, "name", 4);
    put(&volume, CHANGE_UNLINK, 0, 2);
    changes_end(volume.changes, true);
    kassert(changes_begin(volume.changes) == 0);
    put(&volume, CHANGE_LINK, 512, 2);
    changes_end(volume.changes, true);
    kassert(changes_commit(volume.changes) == 0);
    log = volume.recorder->log;
    kassert(log[volume.recorder->count - 2].offset_bytes == 0);
    volume_end(&volume);
}

static void test_names(void **state)
{
    (void)state;
    rig_run(names_body, NULL, 1);
}

static void test_flushes(void **state)
{
    (void)state;
    rig_run(flushes_body, NULL, 1);
}

/* Too much memory, and too many groups, are committed when the next operation begins. */
static void limits_body(void *unused)
{
    (void)unused;
    enum { POOL = 2 << 20 };
    struct volume volume;
    volume_begin(&volume, 512);
    for (unsigned n = 0; n < 40; n++) {
        kassert(changes_begin(volume.changes) == 0);
        put(&volume, CHANGE_LINK, 512, (uint8_t)n);
        put(&volume, CHANGE_UNLINK, 512, (uint8_t)n);
        changes_end(volume.changes, true);
    }
    kassert(changes_commits(volume.changes) == 2);

    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(POOL);
    for (unsigned n = 0; n < VOLUME_BLOCKS; n++) {
        kassert(changes_begin(volume.changes) == 0);
        put(&volume, CHANGE_NEW, (uint64_t)n * 512, 7);
        changes_end(volume.changes, true);
    }
    host_memory_limit(limit);
    kassert(changes_commits(volume.changes) > 2);
    volume_end(&volume);
}

static void test_limits(void **state)
{
    (void)state;
    rig_run(limits_body, NULL, 1);
}

/* ---- marks -------------------------------------------------------------------------------- */

enum { MARK_AT = 5, MARK_FORMER = 2, MARK_NEW = 3 };

static struct changes *marked;

static status_t put_mark(struct fsd *fsd, bool former)
{
    uint8_t byte = former ? MARK_FORMER : MARK_NEW;
    (void)fsd;
    return changes_write(marked, CHANGE_MARK, MARK_AT, &byte, 1);
}

/* Makes operations until one of them begins with a commit. */
static void change_until_commit(struct volume *volume)
{
    unsigned commits = changes_commits(volume->changes);
    for (unsigned n = 0; changes_commits(volume->changes) == commits; n++) {
        kassert(changes_begin(volume->changes) == 0);
        put(volume, CHANGE_NEW, 1024, (uint8_t)n);
        put(volume, CHANGE_LINK, 512, (uint8_t)n);
        put(volume, CHANGE_UNLINK, 512, (uint8_t)n);
        changes_end(volume->changes, true);
    }
}

/* A mark was written, but its flush failed, perhaps with memory exhausted. What comes next is
 * written when the former mark is durable, although no flush was asked for. */
static void mark_body(void *nth)
{
    struct volume volume;
    volume_begin(&volume, 512);
    struct recorder *recorder = volume.recorder;
    marked = volume.changes;
    recorder->fail_nth_flush = 2;
    host_fail_nth_allocation(*(unsigned long *)nth);
    status_t status = changes_commit_mark(volume.changes, put_mark);
    host_fail_nth_allocation(0);
    recorder->fail_nth_flush = 0;
    kassert(status);
    kassert(status == -ENOMEM || recorder->image[MARK_AT] == MARK_NEW);

    size_t at = recorder->count;
    change_until_commit(&volume);
    while (at < recorder->count && recorder->log[at].kind != RECORD_WRITE)
        at++;
    if (status != -ENOMEM) {
        kassert(at + 2 < recorder->count && recorder->log[at].offset_bytes == 0);
        kassert(recorder->log[at].length_bytes == 512);
        kassert(recorder->log[at].data[MARK_AT] == MARK_FORMER);
        kassert(recorder->log[at + 1].kind == RECORD_FLUSH);
    }
    kassert(changes_commit_mark(volume.changes, put_mark) == 0);
    kassert(recorder->image[MARK_AT] == MARK_NEW);
    volume_end(&volume);
}

static void test_mark(void **state)
{
    (void)state;
    for (unsigned long nth = 0; nth <= 8; nth++)
        rig_run(mark_body, &nth, 1);
}

/* ---- interrupts --------------------------------------------------------------------------- */

struct commit {
    struct changes *changes;
    _Atomic bool started;
    status_t status;
};

static void commit_main(void *argument)
{
    struct commit *commit = argument;
    atomic_store(&commit->started, true);
    commit->status = changes_commit(commit->changes);
}

static void interrupt_body(void *unused)
{
    (void)unused;
    static uint8_t image[VOLUME_BLOCKS * 512];
    memset(image, 0, sizeof(image));
    struct volume volume = { .block = 512 };
    rig_start();
    struct faulty *faulty = faulty_create(0, image, sizeof(image), faulty_limits(), FAULTY_LATE);
    volume_attach(&volume, faulty->device);
    kassert(changes_begin(volume.changes) == 0);
    put(&volume, CHANGE_NEW, 1000, 5);
    put(&volume, CHANGE_LINK, 3000, 6);
    changes_end(volume.changes, true);

    /* The write is in flight when the thread is interrupted; nothing is lost. */
    faulty_hold(faulty, true);
    struct commit commit = { .changes = volume.changes };
    struct thread *thread = thread_create("commit", PRIORITY_NORMAL, commit_main, &commit);
    kassert(thread);
    while (!commit.started || !faulty->writes)
        thread_yield();
    thread_interrupt(thread);
    thread_join(thread);
    kassert(commit.status == -EINTR && changes_pending(volume.changes));
    faulty_hold(faulty, false);
    if (rig_random() % 2) {
        kassert(changes_commit(volume.changes) == 0 && !changes_pending(volume.changes));
        kassert(image[1000] == 5 && image[3000] == 6);
    }
    volume_detach(&volume);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_interrupt(void **state)
{
    (void)state;
    rig_run(interrupt_body, NULL, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
