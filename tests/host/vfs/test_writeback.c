/*
 * test_writeback.c - promise: bytes written to a file are on the medium after a flush, and an error
 * reaches each handle once (vfs.h, kernel/vfs/write). For both back ends.
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
#include "tests/host/write_rig.h"

/* ---- writing ------------------------------------------------------------------------------ */

/* Bytes are read back at once, and are on the medium after a flush; after an unmount too. */
static void plain_body(void *unused)
{
    (void)unused;
    write_fs.scattered = rig_random() % 2;
    begin();
    struct file *file = open_file("/m/a", OPEN_READ | OPEN_WRITE | OPEN_CREATE);
    write_at(file, 0, write_content, FILE_BYTES);
    file_has("/m/a", write_content, FILE_BYTES);
    kassert(write_fs_read_medium("a", got, sizeof(got)) == -ENOENT);
    expect("flush", file_flush(file), 0);
    medium_has("a", write_content, FILE_BYTES);

    /* a part, then an end that grows */
    memset(write_content + 1000, 0x11, 700);
    write_at(file, 1000, write_content + 1000, 700);
    struct file *more = open_file("/m/a", OPEN_WRITE | OPEN_APPEND);
    kassert(file_write(more, write_content + FILE_BYTES, 100) == 100);
    kassert(file_size(file) == FILE_BYTES + 100);
    file_has("/m/a", write_content, FILE_BYTES + 100);
    file_close(more);
    file_close(file);
    end();
    medium_has("a", write_content, FILE_BYTES + 100);
}

static void test_plain(void **state)
{
    (void)state;
    rig_run(plain_body, NULL, 20);
}

/* The flusher writes after CACHE_AGE_US, without anyone asking. */
static void aged_body(void *unused)
{
    (void)unused;
    begin();
    rig_put_file("/m/a", write_content, 10000);
    kassert(write_fs_read_medium("a", got, sizeof(got)) == -ENOENT);
    thread_sleep_until(time_now_us() + CACHE_AGE_US + CACHE_AGE_US / 5);
    medium_has("a", write_content, 10000);
    unsigned flushes = write_fs.flushes;
    if (run_is_simulated())
        thread_sleep_until(time_now_us() + 10 * CACHE_AGE_US);
    kassert(write_fs.flushes == flushes); /* an idle file system is left alone */
    end();
}

static void test_aged(void **state)
{
    (void)state;
    rig_run(aged_body, NULL, 5);
}

/* A file that is extended, by its size or by a write past its end, reads as zeroes there. */
static void gap_body(void *unused)
{
    (void)unused;
    bool keeps = rig_random() % 2;
    write_fs.keeps_valid_length = keeps;
    begin();
    struct file *file = open_file("/m/a", OPEN_READ | OPEN_WRITE | OPEN_CREATE);
    static uint8_t model[FILE_BYTES];
    uint64_t size = 0;
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 30; i++) {
        uint64_t at = rig_random() % (FILE_BYTES - 20000), count = 1 + rig_random() % 20000;
        switch (rig_random() % 4) {
        case 0:
            expect("set size", file_set_size(file, at), 0);
            if (at < size)
                memset(model + at, 0, size - at);
            size = at;
            break;
        case 1:
            expect("flush", file_flush(file), 0);
            if (!keeps)
                medium_has("a", model, size);
            break;
        default:
            write_at(file, at, write_content + i, count);
            memcpy(model + at, write_content + i, count);
            size = max(size, at + count);
            break;
        }
        kassert(file_size(file) == size);
        if (rig_random() % 2)
            rig_evict();
        file_has("/m/a", model, size);
    }
    file_close(file);
    end();
    if (size && !keeps)
        medium_has("a", model, size);
}

static void test_gap(void **state)
{
    (void)state;
    rig_run(gap_body, NULL, 40);
}

/* -EFBIG and -ENOSPC come from the write, and nothing has changed. */
static void full_body(void *unused)
{
    (void)unused;
    begin();
    struct file *file = open_file("/m/big", OPEN_WRITE | OPEN_CREATE);
    uint64_t most = WRITE_FS_FILE_CLUSTERS * (uint64_t)WRITE_FS_CLUSTER_BYTES;
    kassert(file_write_at(file, most - 10, write_content, 11) == -EFBIG && file_size(file) == 0);
    expect("reserve", file_reserve(file, most + 1), -EFBIG);
    expect("set size", file_set_size(file, most + 1), -EFBIG);
    file_close(file);

    /* several files take all the room, in reservations only */
    char name[16];
    unsigned n = 0;
    for (ssize_t done = 1; done > 0; n++) {
        snprintf(name, sizeof(name), "/m/f%u", n);
        file = open_file(name, OPEN_WRITE | OPEN_CREATE);
        done = file_write(file, write_content, FILE_BYTES);
        kassert(done == FILE_BYTES || (done == -ENOSPC && !file_size(file)));
        file_close(file);
    }
    expect("sync", sync_all(), 0);
    for (unsigned i = 0; i + 1 < n; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        medium_has(name, write_content, FILE_BYTES);
    }

    /* Room comes back with a file that was never written. */
    unsigned free = write_fs_free(fsd_at("/m"));
    rig_unlink("/m/f0");
    rig_put_file("/m/f0", write_content, FILE_BYTES);
    rig_unlink("/m/f0");
    rig_put_file("/m/f0", write_content, FILE_BYTES);
    kassert(write_fs_free(fsd_at("/m")) == free);
    end();
}

static void test_full(void **state)
{
    (void)state;
    rig_run(full_body, NULL, 10);
}

/* ---- errors ------------------------------------------------------------------------------- */

/* Each handle that was open when a write-back failed gets the error once; the bytes are written
 * later. */
static void errors_body(void *unused)
{
    (void)unused;
    begin();
    struct file *a = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    struct file *b = open_file("/m/a", OPEN_READ), *c = open_file("/m/a", OPEN_WRITE);
    write_at(a, 0, write_content, 50000);
    write_fs.fail_prepare = -EIO;
    expect("sync", sync_all(), -EIO);
    write_fs.fail_prepare = 0;
    struct file *late = open_file("/m/a", OPEN_WRITE);

    /* written now, but the error is not forgotten */
    expect("first", file_flush(a), -EIO);
    expect("again", file_flush(a), 0);
    expect("reader", file_flush(b), -EIO);
    expect("reader again", file_flush(b), 0);
    expect("finish", file_finish(c), -EIO);
    expect("opened later", file_flush(late), 0);
    file_close(late);
    medium_has("a", write_content, 50000);

    /* an error of the flush itself is returned once too */
    write_at(a, 0, write_content, 10);
    write_fs.fail_prepare = -EIO;
    expect("own", file_flush(a), -EIO);
    expect("still", file_flush(a), -EIO);
    write_fs.fail_prepare = 0;
    expect("own again", file_flush(a), 0);
    expect("reader of the second", file_finish(b), -EIO);
    file_close(a);
    end();
}

/* A flush of the device that fails may have lost bytes of every file written before, although the
 * next one succeeds. */
static void flush_error_body(void *unused)
{
    (void)unused;
    begin();
    struct file *a = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
    struct file *b = open_file("/m/b", OPEN_WRITE | OPEN_CREATE);
    write_at(a, 0, write_content, 5000);
    write_at(b, 0, write_content, 5000);
    write_fs.fail_flush = -EIO;
    expect("own", file_flush(a), -EIO);
    write_fs.fail_flush = 0;
    expect("own again", file_flush(a), 0);
    expect("the other's", file_flush(b), -EIO);
    expect("the other's again", file_flush(b), 0);
    file_close(a);
    file_close(b);
    end();
}

static void test_flush_error(void **state)
{
    (void)state;
    rig_run(flush_error_body, NULL, 5);
}

static void test_errors(void **state)
{
    (void)state;
    rig_run(errors_body, NULL, 10);
}

/* Whichever write of the device fails once: the next flush writes everything. A write of content is
 * tried again at once; one of a record is returned. */
static void nth_write_body(void *unused)
{
    (void)unused;
    bool reached = true, failed = false;
    for (unsigned long n = 1; reached; n++) {
        begin();
        struct file *file = open_file("/m/a", OPEN_WRITE | OPEN_CREATE);
        write_at(file, 0, write_content, 30000);
        rig_put_file("/m/b", write_content + 77, 9000);
        write_disk->fail_nth_write = n;
        status_t first = file_flush(file), all = sync_all();
        failed |= first || all;
        reached = !write_disk->fail_nth_write;
        write_disk->fail_nth_write = 0;

        /* the file gets the error of a sync that failed while it was not durable */
        status_t again = file_flush(file);
        kassert(!again || again == all);
        expect("flush", file_flush(file), 0);
        expect("sync", sync_all(), 0);
        medium_has("a", write_content, 30000);
        medium_has("b", write_content + 77, 9000);
        file_close(file);
        end();
    }
    kassert(failed);
}

static void test_nth_write(void **state)
{
    (void)state;
    rig_run(nth_write_body, NULL, 3);
}

/* Whichever allocation fails: what a write has returned is in the file, and is written later. */
static void nth_allocation_body(void *unused)
{
    (void)unused;
    bool reached = true;
    for (unsigned long n = 1; reached; n++) {
        struct file *file;
        begin();
        host_fail_nth_allocation(n);
        status_t opened = rig_open("/m/a", OPEN_WRITE | OPEN_CREATE, &file);
        ssize_t done = opened ? 0 : file_write(file, write_content, 30000);
        status_t flushed = opened ? 0 : file_flush(file);
        reached = host_failure_happened();
        host_fail_nth_allocation(0);

        if (!opened) {
            kassert(file_size(file) == (uint64_t)max(done, 0));
            kassert(done == 30000 || reached);
            expect("flush", file_flush(file), 0);
            medium_has("a", write_content, (size_t)max(done, 0));
            file_close(file);
        }
        kassert(reached || !flushed);
        end();
    }
}

static void test_nth_allocation(void **state)
{
    (void)state;
    rig_run(nth_allocation_body, NULL, 1);
}

/* ---- media that disappear ----------------------------------------------------------------- */

/* Returns how many lines since *position contain the text. */
static unsigned lines_since(uint64_t *position, const char *text)
{
    static char log[16384];
    unsigned lines = 0;
    for (size_t bytes; (bytes = log_read(position, log, sizeof(log) - 1));) {
        log[bytes] = '\0';
        for (const char *at = log; (at = strstr(at, text)); at++)
            lines++;
    }
    return lines;
}

static uint64_t log_end(void)
{
    uint64_t position = 0;
    (void)lines_since(&position, "x");
    return position;
}

/* A medium that is taken out with dirty files: one line for each file, an error for each handle. */
static void removed_body(void *unused)
{
    (void)unused;
    begin();
    struct file *file = open_file("/m/open", OPEN_WRITE | OPEN_CREATE);
    write_at(file, 0, write_content, 12345);
    rig_put_file("/m/written", write_content, 5000);
    expect("sync", sync_all(), 0);
    write_at(file, 100, write_content, 700);
    rig_put_file("/m/closed", write_content, 777);
    rig_put_file("/m/gone", write_content, 777);
    rig_unlink("/m/gone");

    uint64_t start = log_end(), at = start;
    faulty_change(write_disk, NULL, 0);
    if (rig_random() % 2) { /* the monitor does so */
        kassert(vfs_unmount_device(write_disk->device) == 1);
        kassert(file_write(file, write_content, 1) < 0 && file_flush(file) < 0);
    } else {
        kassert(sync_all() < 0 && file_flush(file) < 0);
        kassert(vfs_unmount_device(write_disk->device) == 1);
    }
    kassert(lines_since(&at, "were never written") == 2);
    at = start;
    kassert(lines_since(&at, "777 bytes of /m/closed were never written") == 1);
    kassert(!cache_dirty_pages());
    file_close(file);

    kassert(rig_walk("/m/closed") == -ENOENT);
    faulty_destroy(write_disk);
    rig_unlink("/m");
    rig_stop();
}

static void test_removed(void **state)
{
    (void)state;
    rig_run(removed_body, NULL, 20);
}

static void take_out(void)
{
    faulty_change(write_disk, NULL, 0);
}

/* A medium that is taken out during a sync: a file that the device already had, but whose size was
 * not flushed, is lost as well. */
static void removed_late_body(void *unused)
{
    (void)unused;
    begin();
    rig_put_file("/m/first", write_content, 888);
    file_close(open_file("/m/first", OPEN_READ | OPEN_DENY_WRITE)); /* writes it back */
    rig_put_file("/m/second", write_content, 777);
    uint64_t at = log_end();
    write_fs.preparing = take_out;
    kassert(sync_all() < 0);
    write_fs.preparing = NULL;
    kassert(vfs_unmount_device(write_disk->device) == 1);
    kassert(lines_since(&at, "were never written") == 2);
    faulty_destroy(write_disk);
    rig_unlink("/m");
    rig_stop();
}

static void test_removed_late(void **state)
{
    (void)state;
    rig_run(removed_late_body, NULL, 5);
}

/* Messages name the path that a file was renamed to. */
static void renamed_body(void *unused)
{
    (void)unused;
    begin();
    rig_put_file("/m/a", write_content, 100);
    struct path *root = path_root();
    expect("rename", vfs_rename(root, "/m/a", "/m/b"), 0);
    path_put(root);
    uint64_t at = log_end();
    faulty_change(write_disk, NULL, 0);
    kassert(vfs_unmount_device(write_disk->device) == 1);
    kassert(lines_since(&at, "100 bytes of /m/b were never written") == 1);
    faulty_destroy(write_disk);
    rig_unlink("/m");
    rig_stop();
}

static void test_renamed(void **state)
{
    (void)state;
    rig_run(renamed_body, NULL, 2);
}

/* ---- names -------------------------------------------------------------------------------- */

/* A dirty file that is removed is not written; while a handle is open, its bytes stay. */
static void unlink_body(void *unused)
{
    (void)unused;
    begin();
    struct fsd *fsd = fsd_at("/m");
    unsigned free = write_fs_free(fsd);
    struct file *file = open_file("/m/a", OPEN_READ | OPEN_WRITE | OPEN_CREATE);
    write_at(file, 0, write_content, 20000);
    rig_put_file("/m/b", write_content, 20000);
    rig_unlink("/m/b");
    rig_unlink("/m/a");
    expect("sync", sync_all(), 0);
    kassert(file_read_at(file, 0, got, 20000) == 20000 && !memcmp(got, write_content, 20000));
    write_at(file, 20000, write_content, 5000);
    file_close(file);
    kassert(!cache_dirty_pages());

    /* the ids are used again, for files of their own */
    rig_put_file("/m/c", write_content + 5, 3000);
    rig_put_file("/m/d", write_content + 9, 3000);
    file_has("/m/c", write_content + 5, 3000);
    rig_unlink("/m/c");
    rig_unlink("/m/d");
    kassert(write_fs_free(fsd) == free);
    expect("sync", sync_all(), 0);
    kassert(write_fs_read_medium("a", got, 1) == -ENOENT);

    /* A path that is held leads to the content of a file in memory; bytes that were discarded
     * cannot be opened any more. */
    static const char *const files[] = { "/r", "/m/r" };
    for (unsigned i = 0; i < 2; i++) {
        struct path *root = path_root(), *held;
        rig_put_file(files[i], write_content, 3000);
        kassert(path_walk(root, files[i], 0, &held) == 0);
        rig_unlink(files[i]);
        expect(files[i], file_open_path(held, OPEN_READ, &file), i ? -ENOENT : 0);
        if (!i)
            file_close(file);
        path_put(held);
        path_put(root);
    }
    end();
}

static void test_unlink(void **state)
{
    (void)state;
    rig_run(unlink_body, NULL, 10);
}

/* A content that replaces another is on the medium before its name is. */
static void replace_body(void *unused)
{
    (void)unused;
    begin();
    struct replacement replacement;
    struct path *root = path_root();
    rig_put_file("/m/a", write_content, 8000);
    expect("sync", sync_all(), 0);
    expect("begin", replace_begin(root, "/m/a", OPEN_DENY_WRITE, &replacement), 0);
    expect("write", file_write_all(replacement.file, write_content + 8000, 9000), 0);
    write_fs.fail_prepare = -EIO;
    expect("commit", replace_commit(&replacement), -EIO);
    write_fs.fail_prepare = 0;
    file_has("/m/a", write_content, 8000);

    expect("begin", replace_begin(root, "/m/a", OPEN_DENY_WRITE, &replacement), 0);
    expect("write", file_write_all(replacement.file, write_content + 8000, 9000), 0);
    unsigned long writes = write_disk->writes;
    expect("commit", replace_commit(&replacement), 0);
    kassert(write_disk->writes > writes);
    path_put(root);
    end();
    medium_has("a", write_content + 8000, 9000);
}

static void test_replace(void **state)
{
    (void)state;
    rig_run(replace_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_aged),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_flush_error),
        cmocka_unit_test(test_nth_write),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_removed_late),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_unlink),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_nth_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
