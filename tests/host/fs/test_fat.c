/*
 * test_fat.c - promise: whatever fails while a FAT volume is read, each answer is right or an
 * error, nothing is left, and the next attempt succeeds. Runs on both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/rig.h"

enum { CONTENT_BYTES = 20000, SECTOR = 512 };

static const char *const files[] = { "/m/LARGE.TXT", "/m/dir/A long name, ünïcode.text",
                                     "/m/dir/sub/deep" };
static const unsigned bits_of[] = { 12, 16, 32 };
static uint8_t *images[ARRAY_LENGTH(bits_of)], content[CONTENT_BYTES];
static size_t image_bytes[ARRAY_LENGTH(bits_of)];

/* ---- volumes ------------------------------------------------------------------------------ */

/* Makes a volume with small clusters, so that chains have several entries. */
static void make_volume(const struct host_image *file, unsigned n)
{
    static const unsigned kib[] = { 360, 4700, 40000 };
    struct host_image volume;
    char text[1024];
    host_image_begin(&volume, (uint64_t)kib[n] * 1024);
    snprintf(text, sizeof(text),
             "C=%s; mkfs.fat -s 1 -F %u -n LABEL $V && mmd -i $V ::/dir ::/dir/sub && "
             "mcopy -i $V $C ::/LARGE.TXT && "
             "mcopy -i $V $C '::/dir/A long name, ünïcode.text' && "
             "mcopy -i $V $C ::/dir/sub/deep",
             file->path, bits_of[n]);
    kassert(host_image_run(&volume, text));
    images[n] = rig_load(volume.path, &image_bytes[n]);
    kassert(images[n]);
    host_image_end(&volume);
}

static int make_volumes(void **state)
{
    (void)state;
    struct host_image file;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + i / 256);
    host_image_begin(&file, sizeof(content));
    memcpy(file.bytes, content, sizeof(content));
    for (unsigned n = 0; n < ARRAY_LENGTH(bits_of); n++)
        make_volume(&file, n);
    host_image_end(&file);
    return 0;
}

static int free_volumes(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(bits_of); n++)
        free(images[n]);
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Returns the number of entries of a directory, or an errno. */
static int count_entries(const char *path)
{
    static struct dir_entry entry;
    struct file *directory;
    int count = 0, more;
    status_t status = rig_open(path, OPEN_READ | OPEN_DIRECTORY, &directory);
    if (status)
        return status;
    while ((more = dir_read(directory, INFO_ALL, &entry)) > 0)
        count++;
    file_close(directory);
    return more < 0 ? more : count;
}

/* Mounts the volume, reads all of it and dismounts it. Returns the number of errors. */
static unsigned read_volume(void)
{
    static uint8_t buffer[CONTENT_BYTES + 1];
    if (rig_mount("/m", "disk0"))
        return 1;

    unsigned errors = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        ssize_t got = rig_get_file(files[i], buffer, sizeof(buffer));
        errors += got < 0;
        kassert(got < 0 || (got == CONTENT_BYTES && !memcmp(buffer, content, sizeof(content))));
    }
    int root = count_entries("/m"), directory = count_entries("/m/dir");
    kassert(root < 0 || root == 2);
    kassert(directory < 0 || directory == 2);
    errors += (root < 0) + (directory < 0);

    /* Unmounting may be what fails; the next attempt must succeed. */
    status_t status = rig_unmount("/m");
    thread_clear_interrupt();
    if (status == -ENOMEM || status == -EINTR)
        status = rig_unmount("/m");
    kassert(status == 0);
    rig_evict_all();
    return errors;
}

static struct faulty *begin(unsigned n)
{
    rig_start();
    rig_mkdir("/m");
    return faulty_create(0, images[n], image_bytes[n], faulty_limits(), FAULTY_MIXED);
}

static void end(struct faulty *faulty)
{
    kassert(read_volume() == 0);
    faulty_destroy(faulty);
    rig_stop();
}

static void run(void (*body)(void *argument))
{
    for (unsigned n = 0; n < ARRAY_LENGTH(bits_of); n++)
        rig_run(body, &n, 2);
}

/* ---- what fails --------------------------------------------------------------------------- */

static void reads_body(void *n)
{
    struct faulty *faulty = begin(*(unsigned *)n);
    faulty->scribbles = true;
    for (unsigned long nth = 1; !faulty->fail_nth; nth++) {
        faulty->fail_nth = nth;
        unsigned errors = read_volume();
        kassert(!errors || !faulty->fail_nth);
        if (faulty->fail_nth)
            break; /* there was no such read */
    }
    faulty->fail_nth = 0;
    end(faulty);
}

static void test_each_read_fails(void **state)
{
    (void)state;
    run(reads_body);
}

static void sectors_body(void *n)
{
    struct faulty *faulty = begin(*(unsigned *)n);
    for (uint64_t sector = 0; sector < 200; sector++) {
        faulty->bad_from = sector * SECTOR;
        faulty->bad_to = faulty->bad_from + SECTOR;
        IGNORE(read_volume());
    }
    faulty->bad_from = faulty->bad_to = 0;
    end(faulty);
}

static void test_each_sector_is_bad(void **state)
{
    (void)state;
    run(sectors_body);
}

static void allocations_body(void *n)
{
    struct faulty *faulty = begin(*(unsigned *)n);
    bool more = true;
    for (unsigned long nth = 1; more; nth++) {
        host_fail_nth_allocation(nth);
        IGNORE(read_volume());
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        rig_evict_all();
    }
    end(faulty);
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    run(allocations_body);
}

static void interrupts_body(void *n)
{
    struct faulty *faulty = begin(*(unsigned *)n);
    thread_interrupt(thread_current());
    kassert(read_volume() > 0);
    thread_clear_interrupt();
    end(faulty);
}

static void test_interrupted(void **state)
{
    (void)state;
    run(interrupts_body);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_read_fails),
        cmocka_unit_test(test_each_sector_is_bad),
        cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, make_volumes, free_volumes);
}
