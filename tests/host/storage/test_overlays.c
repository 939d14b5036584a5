/*
 * test_overlays.c - the bytes of virtual drives: overlays, saving, loading, progress; and faults on
 * request.
 *
 * Promises    virtual.h: a commit writes the changed pages and no other; if it fails, nothing is
 *             lost and the next one completes it. A save replaces a file as a whole or not at all.
 *             A fault that is set happens as described, and is listed as it was set.
 *
 * For both back ends. See test_virtual.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"

enum { PAGES = 12, DISK_BYTES = PAGES * 4096, FILE_BYTES = DISK_BYTES + 1300 };

#define DISK "/System/Devices/faulty0"

static uint8_t disk[DISK_BYTES], file_bytes[FILE_BYTES], model[FILE_BYTES], got[FILE_BYTES];
static struct faulty *faulty;

static void start(void)
{
    rig_start();
    drives_pattern(disk, sizeof(disk), 4);
    drives_pattern(file_bytes, sizeof(file_bytes), 5);
    rig_put_file("/img", file_bytes, sizeof(file_bytes));
    faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
}

static void stop(void)
{
    faulty_destroy(faulty);
    rig_stop();
}

static void write_drive(const char *alias, uint64_t offset, uint32_t bytes, unsigned seed)
{
    static uint8_t data[DISK_BYTES];
    struct device_handle handle;
    drives_pattern(data, bytes, seed);
    memcpy(model + offset, data, bytes);
    expect("open", drives_open(alias, &handle), 0);
    expect("write", io_wait(&handle, IO_WRITE, offset, data, bytes, NULL), 0);
    device_close(&handle);
}

static void expect_drive(const char *alias, const uint8_t *data, size_t bytes)
{
    memset(got, 0, sizeof(got));
    kassert(rig_get_file(drives_path(alias), got, sizeof(got)) == (ssize_t)bytes);
    kassert(memcmp(got, data, bytes) == 0);
}

static void expect_file(const char *path, const uint8_t *data, size_t bytes)
{
    memset(got, 0, sizeof(got));
    kassert(rig_get_file(path, got, sizeof(got)) == (ssize_t)bytes);
    kassert(memcmp(got, data, bytes) == 0);
}

/* ---- progress ----------------------------------------------------------------------------- */

/* Records the reports, and can interrupt its own thread at one of them. */
struct watch {
    struct virtual_progress progress;
    uint64_t done, total;
    unsigned reports, interrupt_at; /* 0: never */
    const char *busy;               /* a drive's file that cannot be written meanwhile */
};

static void watch_report(struct virtual_progress *progress, uint64_t done, uint64_t total)
{
    struct watch *watch = container_of(progress, struct watch, progress);
    struct file *file;
    kassert(done <= total && done >= watch->done && (!watch->reports || total == watch->total));
    watch->done = done;
    watch->total = total;
    if (watch->busy)
        expect("written meanwhile", rig_open(watch->busy, OPEN_WRITE, &file), -EBUSY);
    if (++watch->reports == watch->interrupt_at)
        thread_interrupt(thread_current());
}

static struct watch *watching(struct watch *watch, unsigned interrupt_at)
{
    *watch = (struct watch){ .progress = { watch_report }, .interrupt_at = interrupt_at };
    return watch;
}

/* ---- diff, commit, discard ---------------------------------------------------------------- */

struct run {
    uint64_t offset, length;
};

static void expect_runs(const char *alias, const struct run *runs, unsigned count)
{
    uint64_t offset = 0, length;
    for (unsigned i = 0; i < count; i++, offset += length) {
        expect("run", drives_diff(alias, &offset, &length), 0);
        kassert(offset == runs[i].offset && length == runs[i].length);
    }
    expect("no more", drives_diff(alias, &offset, &length), -ENOENT);
}

/* A discard frees the pages that are completely in its range: of an overlay, and of a drive in
 * memory, whose other pages are cleared in part. */
static void trim_body(void *unused)
{
    static const struct wanted drives[] = {
        { ON(OVERLAY, "/img") },
        { .store = VIRTUAL_RAM, .size_bytes = DISK_BYTES },
    };
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(drives); i++) {
        char alias[DEVICE_NAME_BYTES];
        struct virtual_info info;
        struct device_handle handle;
        start();
        expect("add", drives_add(&drives[i], alias), 0);
        write_drive(alias, 0, DISK_BYTES, 1);
        expect("open", drives_open(alias, &handle), 0);
        expect("discard", io_wait(&handle, IO_DISCARD, 4096 - 512, NULL, 3 * 4096, NULL), 0);
        kassert(!drives_info(alias, &info) && info.memory_bytes == (PAGES - 2) * 4096);
        expect("zero", io_zero(&handle, 4096 - 512, 3 * 4096), 0);
        device_close(&handle);

        memset(model + 4096 - 512, 0, 3 * 4096);
        if (drives[i].store == VIRTUAL_OVERLAY)
            memcpy(model + DISK_BYTES, file_bytes + DISK_BYTES, FILE_BYTES - DISK_BYTES);
        expect_drive(alias, model,
                     drives[i].store == VIRTUAL_OVERLAY ? FILE_BYTES : DISK_BYTES);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
        stop();
    }
}

static void test_trim(void **state)
{
    (void)state;
    rig_run(trim_body, NULL, 4);
}

static void diff_body(void *unused)
{
    (void)unused;
    static const struct run runs[] = { { 4096, 4096 }, { 3 * 4096, 2 * 4096 },
                                       { DISK_BYTES, 1300 } };
    char alias[DEVICE_NAME_BYTES];
    struct virtual_info info;
    start();
    memcpy(model, file_bytes, sizeof(model));
    expect("add", drives_add(&(struct wanted){ ON(OVERLAY, "/img") }, alias), 0);
    expect_runs(alias, NULL, 0);
    expect_drive(alias, file_bytes, FILE_BYTES);
    expect_runs(alias, NULL, 0); /* reading changes nothing */
    write_drive(alias, 4096 + 512, 512, 1);
    write_drive(alias, 4 * 4096 - 1024, 2048, 2);
    write_drive(alias, DISK_BYTES + 512, 512, 3);
    expect_runs(alias, runs, 3);
    kassert(!drives_info(alias, &info) && info.memory_bytes == 4 * 4096);
    uint64_t offset = 3 * 4096 + 700, length;
    expect("within", drives_diff(alias, &offset, &length), 0);
    kassert(offset == 3 * 4096 + 700 && length == 2 * 4096 - 700);
    offset = UINT64_MAX;
    expect("far", drives_diff(alias, &offset, &length), -ENOENT);
    expect_drive(alias, model, FILE_BYTES);
    expect("only in memory", drives_commit(alias, NULL), -EROFS);
    expect_file("/img", file_bytes, FILE_BYTES);
    expect("discard", drives_discard(alias), 0);
    expect_runs(alias, NULL, 0);
    kassert(!drives_info(alias, &info) && info.memory_bytes == 0);
    expect_drive(alias, file_bytes, FILE_BYTES);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias), 0);
    expect("no overlay", drives_diff(alias, &offset, &length), -EINVAL);
    expect("no overlay", drives_commit(alias, NULL), -EINVAL);
    expect("no overlay", drives_discard(alias), -EINVAL);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    stop();
}

static void test_diff(void **state)
{
    (void)state;
    rig_run(diff_body, NULL, 20);
}

static void commit_make(char *alias)
{
    memcpy(model, disk, sizeof(disk));
    expect("add", drives_add(&(struct wanted){ ON(OVERLAY, DISK), .flags = VIRTUAL_WRITABLE },
                             alias), 0);
    for (unsigned i = 1; i < PAGES; i += 2)
        write_drive(alias, i * 4096 + 1024, 1536, i);
}

/* Exactly the changed pages are written; after that no memory holds them. */
static void commit_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct watch watch;
    struct virtual_info info;
    start();
    commit_make(alias);
    kassert(atomic_load(&faulty->writes) == 0 && memcmp(disk, model, DISK_BYTES) != 0);
    unsigned long bytes = atomic_load(&faulty->bytes);
    expect("commit", drives_commit(alias, &watching(&watch, 0)->progress), 0);
    kassert(atomic_load(&faulty->bytes) - bytes == PAGES / 2 * 4096);
    kassert(watch.done == watch.total && watch.total == PAGES / 2 * 4096 && watch.reports > 2);
    kassert(memcmp(disk, model, DISK_BYTES) == 0 && atomic_load(&faulty->flushes) == 1);
    expect_runs(alias, NULL, 0);
    kassert(!drives_info(alias, &info) && info.memory_bytes == 0);
    expect_drive(alias, model, DISK_BYTES);
    expect("nothing more", drives_commit(alias, &watching(&watch, 0)->progress), 0);
    kassert(watch.total == 0 && atomic_load(&faulty->writes) == PAGES / 2);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    stop();
}

static void test_commit(void **state)
{
    (void)state;
    rig_run(commit_body, NULL, 20);
}

/* Whichever write fails, and whenever the commit is interrupted: pages that are not written yet are
 * still held, the drive shows the same bytes, and the next commit completes it. */
static void commit_fails_body(void *unused)
{
    (void)unused;
    start();
    for (unsigned n = 1; n <= PAGES / 2; n++)
        for (unsigned way = 0; way < 2; way++) {
            char alias[DEVICE_NAME_BYTES];
            struct watch watch;
            struct virtual_info info;
            drives_pattern(disk, sizeof(disk), n);
            commit_make(alias);
            faulty->fail_nth_write = way ? 0 : n;
            expect("commit", drives_commit(alias, &watching(&watch, way ? n : 0)->progress),
                   way ? -EINTR : -EIO);
            thread_clear_interrupt();
            kassert(!drives_info(alias, &info));
            kassert(info.memory_bytes == (PAGES / 2 - (n - 1)) * 4096 && watch.done < watch.total);
            expect_drive(alias, model, DISK_BYTES);
            expect("again", drives_commit(alias, NULL), 0);
            expect_runs(alias, NULL, 0);
            kassert(memcmp(disk, model, DISK_BYTES) == 0);
            expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
        }
    stop();
}

static void test_commit_fails(void **state)
{
    (void)state;
    rig_run(commit_fails_body, NULL, 10);
}

/* ---- saving and loading ------------------------------------------------------------------- */

static void save_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES], loaded[DEVICE_NAME_BYTES];
    struct watch watch;
    start();
    commit_make(alias);
    watching(&watch, 0)->busy = drives_path(alias);
    expect("save", drives_save(alias, "/saved", &watch.progress), 0);
    kassert(watch.done == DISK_BYTES && watch.total == DISK_BYTES);
    expect_file("/saved", model, DISK_BYTES);
    expect("nothing beside it", rig_walk("/.saved.part~1"), -ENOENT);
    write_drive(alias, 0, 512, 77);
    expect("again", drives_save(alias, "/saved", NULL), 0);
    expect_file("/saved", model, DISK_BYTES);
    expect("load", drives_add(&(struct wanted){ ON(RAM_IMAGE, "/saved"),
                                                .progress = &watching(&watch, 0)->progress },
                              loaded), 0);
    kassert(watch.done == DISK_BYTES && watch.total == DISK_BYTES);
    expect_drive(loaded, model, DISK_BYTES);
    expect("over what was loaded", drives_save(loaded, "/saved", NULL), 0);
    expect("interrupted", drives_add(&(struct wanted){ ON(RAM_IMAGE, "/saved"),
                                     .progress = &watching(&watch, 1)->progress }, loaded), -EINTR);
    thread_clear_interrupt();
    expect("into a directory", drives_save(alias, "/Drives", NULL), -EISDIR);
    expect("where there is none", drives_save(alias, "/none/saved", NULL), -ENOENT);
    expect("into the tree", drives_save(alias, "/System/Devices/x", NULL), -EROFS);
    expect("remove", drives_remove(loaded, VIRTUAL_IF_IDLE), 0);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    stop();
}

static void test_save(void **state)
{
    (void)state;
    rig_run(save_body, NULL, 20);
}

/* The old file stays, whatever fails, and nothing is left beside it. */
static void save_fails_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES], other[DEVICE_NAME_BYTES];
    struct watch watch;
    start();
    rig_put_file("/old", file_bytes, 1000);
    expect("add", drives_add(&(struct wanted){ ON(FILE, DISK) }, alias), 0);
    expect("interrupted", drives_save(alias, "/old", &watching(&watch, 1)->progress), -EINTR);
    thread_clear_interrupt();
    faulty->bad_from = 5 * 4096, faulty->bad_to = 5 * 4096 + 512;
    expect("unreadable", drives_save(alias, "/old", NULL), -EIO);
    faulty->bad_to = 0;
    size_t limit = page_total_count() * PAGE_BYTES;
    void *ballast = mem_alloc(4 << 20); /* less than an eighth is left then */
    host_memory_limit(host_memory_used() + 400 * 1024);
    expect("no room", drives_save(alias, "/old", NULL), -ENOSPC);
    host_memory_limit(limit);
    mem_free(ballast);
    expect_file("/old", file_bytes, 1000);
    expect("nothing beside it", rig_walk("/.old.part~1"), -ENOENT);
    rig_put_file("/.old.part~1", file_bytes, 10);
    expect("a person's own is left alone", drives_save(alias, "/old", NULL), 0);
    expect_file("/.old.part~1", file_bytes, 10);
    expect("nothing beside it", rig_walk("/.old.part~2"), -ENOENT);
    rig_put_file("/old", file_bytes, 1000);
    for (enum virtual_store store = VIRTUAL_FILE; store <= VIRTUAL_OVERLAY; store += 2) {
        expect("shown", drives_add(&(struct wanted){ .store = store, .image = "/old" }, other), 0);
        expect("its own image", drives_save(other, "/old", NULL), -EBUSY);
        expect("another's image", drives_save(alias, "/old", NULL), -EBUSY);
        expect("remove", drives_remove(other, VIRTUAL_IF_IDLE), 0);
    }
    expect_file("/old", file_bytes, 1000);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    stop();
}

static void test_save_fails(void **state)
{
    (void)state;
    rig_run(save_fails_body, NULL, 20);
}

/* ---- faults on request -------------------------------------------------------------------- */

static status_t read_blocks(const struct device_handle *handle, uint64_t first, uint32_t count,
                            uint64_t *done_blocks)
{
    uint64_t done;
    status_t status = io_wait(handle, IO_READ, first * 512, got, count * 512, &done);
    kassert(done % 512 == 0 && memcmp(got, file_bytes + first * 512, (size_t)done) == 0);
    *done_blocks = done / 512;
    return status;
}

static void expect_blocks(const struct device_handle *handle, uint64_t first, uint32_t count,
                          uint64_t good)
{
    uint64_t done;
    expect("blocks", read_blocks(handle, first, count, &done), good == count ? 0 : -EIO);
    kassert(done == good);
}

static void faults_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct device_handle handle;
    struct virtual_info info;
    const unsigned blocks = FILE_BYTES / 512;
    start();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img"), .flags = VIRTUAL_WRITABLE },
                             alias), 0);
    expect("open", drives_open(alias, &handle), 0);
    expect("none", drives_fault(alias, VIRTUAL_FAULT_NONE, 0, 0), 0);
    expect("no blocks", drives_fault(alias, VIRTUAL_FAULT_BAD, 3, 0), -EINVAL);
    expect("behind the end", drives_fault(alias, VIRTUAL_FAULT_BAD, blocks, 1), -EINVAL);
    expect("beyond the end", drives_fault(alias, VIRTUAL_FAULT_BAD, blocks - 1, 2), -EINVAL);
    expect("endless", drives_fault(alias, VIRTUAL_FAULT_BAD, 1, UINT64_MAX), -EINVAL);
    expect("too slow", drives_fault(alias, VIRTUAL_FAULT_DELAY, 0, 10001), -EINVAL);
    expect("slow", drives_fault(alias, VIRTUAL_FAULT_DELAY, 0, 10000), 0);
    expect("not slow", drives_fault(alias, VIRTUAL_FAULT_DELAY, 0, 0), 0);
    expect("flip what waits", drives_fault(alias, VIRTUAL_FAULT_FLIP, 0, 0), -EOPNOTSUPP);
    expect("bad", drives_fault(alias, VIRTUAL_FAULT_BAD, 10, 2), 0);
    expect("bad", drives_fault(alias, VIRTUAL_FAULT_BAD, blocks - 1, 1), 0);
    kassert(!drives_info(alias, &info) && info.faults == 2);
    expect_blocks(&handle, 0, 10, 10);
    expect_blocks(&handle, 0, 11, 10);
    expect_blocks(&handle, 11, 1, 0);
    expect_blocks(&handle, 12, blocks - 13, blocks - 13);
    expect_blocks(&handle, 12, blocks - 12, blocks - 13);
    expect("writing", io_wait(&handle, IO_WRITE, 9 * 512, file_bytes + 9 * 512, 1024, NULL), -EIO);
    expect("short", drives_fault(alias, VIRTUAL_FAULT_SHORT, 0, 3), 0);
    expect_blocks(&handle, 0, 3, 3);
    expect_blocks(&handle, 0, 4, 3);
    expect_blocks(&handle, 8, 3, 2);
    expect("whole again", drives_fault(alias, VIRTUAL_FAULT_NONE, 0, 0), 0);
    kassert(!drives_info(alias, &info) && info.faults == 0);
    expect_blocks(&handle, 0, blocks, blocks);
    for (unsigned i = 0; i < VIRTUAL_FAULTS_MAX; i++)
        expect("bad", drives_fault(alias, VIRTUAL_FAULT_BAD, i, 1), 0);
    expect("one too many", drives_fault(alias, VIRTUAL_FAULT_BAD, 70, 1), -ENOSPC);
    expect("attention", drives_fault(alias, VIRTUAL_FAULT_ATTENTION, 0, 0), 0);
    expect("another medium", device_check(&handle), -ESTALE);
    device_close(&handle);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    stop();
}

static void test_faults(void **state)
{
    (void)state;
    rig_run(faults_body, NULL, 10);
}

/* GET_FAULT returns what was set. */
static void fault_list_body(void *unused)
{
    (void)unused;
    static const struct {
        enum virtual_fault_kind kind;
        uint64_t first, count;
    } faults[] = { { VIRTUAL_FAULT_BAD, 3, 4 }, { VIRTUAL_FAULT_BAD, 0, 1 },
                   { VIRTUAL_FAULT_DELAY, 0, 5 }, { VIRTUAL_FAULT_SHORT, 0, 7 },
                   { VIRTUAL_FAULT_FLIP, 0, 1 } };
    struct virtual_fault fault = { .struct_bytes = sizeof(fault) };
    enum { FAULTS = ARRAY_LENGTH(faults) };
    start();
    expect("add", drives_add(&(struct wanted){ .store = VIRTUAL_RAM, .size_bytes = 65536 },
                             fault.device), 0);
    expect("none yet", drives_control(VIRTUAL_GET_FAULT, &fault, sizeof(fault)), -ENOENT);
    for (unsigned i = 0; i < FAULTS; i++)
        expect("set", drives_fault(fault.device, faults[i].kind, faults[i].first,
                                   faults[i].count), 0);
    for (fault.position = 0; fault.position < FAULTS; fault.position++) {
        expect("get", drives_control(VIRTUAL_GET_FAULT, &fault, sizeof(fault)), 0);
        kassert(fault.kind == faults[fault.position].kind);
        kassert(fault.first == faults[fault.position].first);
        kassert(fault.count == faults[fault.position].count);
    }
    expect("no more", drives_control(VIRTUAL_GET_FAULT, &fault, sizeof(fault)), -ENOENT);
    fault.position = UINT32_MAX;
    expect("far", drives_control(VIRTUAL_GET_FAULT, &fault, sizeof(fault)), -ENOENT);
    expect("remove", drives_remove(fault.device, VIRTUAL_IF_IDLE), 0);
    stop();
}

static void test_fault_list(void **state)
{
    (void)state;
    rig_run(fault_list_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_diff),       cmocka_unit_test(test_commit),
        cmocka_unit_test(test_commit_fails), cmocka_unit_test(test_save),
        cmocka_unit_test(test_save_fails), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_fault_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
