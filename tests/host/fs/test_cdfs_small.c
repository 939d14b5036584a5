/*
 * test_cdfs_small.c - promise: small files that follow each other on a disc are read with few
 * commands and little more than their bytes, and none is served after its disc is gone. Runs on
 * both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "tests/host/disc.h"
#include "tests/host/faulty.h"

enum { FILES = 200, SECTOR = 2048, FILE_BYTES_MAX = 1500 + 7 * FILES };

static struct walk disc;
static struct image *image;
static struct faulty *faulty;

static size_t file_bytes(unsigned n)
{
    return 1500 + 7 * n;
}

static void begin(void)
{
    image = image_named("many_small_files");
    faulty = disc_begin(image);
    kassert(disc_mount(&disc, NULL) == 0);
}

static void end(void)
{
    disc_unmount(&disc);
    disc_end(faulty);
}

/* Reads the n-th file whole and compares it with the image, where it follows those before it,
 * which begin at the builder's first sector for data. Its length, or how that failed. */
static ssize_t read_file(unsigned n)
{
    static uint8_t buffer[FILE_BYTES_MAX + 1];
    uint64_t at = 24 * SECTOR;
    char name[16];
    for (unsigned i = 0; i < n; i++)
        at += (file_bytes(i) + SECTOR - 1) / SECTOR * SECTOR;
    snprintf(name, sizeof(name), "/m/S%03u", n);
    struct path *root = path_root();
    struct file *file;
    status_t status = file_open(root, name, OPEN_READ, &file);
    path_put(root);
    kassert(status == 0 && file_size(file) == file_bytes(n));
    ssize_t got = file_read(file, buffer, sizeof(buffer));
    if (got > 0)
        kassert((size_t)got == file_bytes(n) && !memcmp(buffer, image->bytes + at, (size_t)got));
    file_close(file);
    return got;
}

/* One after the other: a handful of commands for all of them, and hardly a byte that is not
 * theirs. */
static void in_order_body(void *unused)
{
    (void)unused;
    begin();
    kassert(read_file(0) > 0);
    unsigned long reads = faulty->reads, bytes = faulty->bytes;
    for (unsigned i = 1; i < FILES; i++)
        kassert(read_file(i) > 0);
    kassert(faulty->reads - reads < FILES / 4 && faulty->bytes - bytes < 2 * image->length);
    end();
}

static void test_in_order(void **state)
{
    (void)state;
    rig_run(in_order_body, NULL, 20);
}

/* Here and there: a file costs itself and no more. */
static void here_and_there_body(void *unused)
{
    (void)unused;
    begin();
    kassert(read_file(FILES - 1) > 0); /* and the directory */
    unsigned long reads = faulty->reads, bytes = faulty->bytes, files = 0, own = 0;
    for (unsigned i = FILES - 2; i > 4; i -= 1 + (unsigned)rig_random() % 3) {
        kassert(read_file(i) > 0);
        files++;
        own += (file_bytes(i) + SECTOR - 1) / SECTOR * SECTOR;
    }
    kassert(faulty->reads - reads <= files && faulty->bytes - bytes <= own);
    end();
}

static void test_here_and_there(void **state)
{
    (void)state;
    rig_run(here_and_there_body, NULL, 20);
}

/* A bad sector fails the file that it is in and none of its neighbours. */
static void bad_sector_body(void *unused)
{
    (void)unused;
    unsigned bad = 10 + (unsigned)rig_random() % 180;
    begin();
    faulty->bad_from = 24 * SECTOR;
    for (unsigned i = 0; i < bad; i++)
        faulty->bad_from += (file_bytes(i) + SECTOR - 1) / SECTOR * SECTOR;
    faulty->bad_to = faulty->bad_from + 1;
    for (unsigned i = 0; i < FILES; i++)
        kassert(i == bad ? read_file(i) == -EIO : read_file(i) > 0);
    faulty->bad_from = faulty->bad_to = 0;
    kassert(read_file(bad) > 0);
    end();
}

static void test_bad_sector(void **state)
{
    (void)state;
    rig_run(bad_sector_body, NULL, 20);
}

/* The bad sector is read once: by the window that was fetched with the file before it, or with its
 * own file; the reader hears of that. A drive that does not say which sector it was is asked for
 * this one by itself. */
static void bad_once_body(void *unused)
{
    (void)unused;
    bool vague = rig_random() % 2;
    unsigned bad = 10 + (unsigned)rig_random() % 180, start = rig_random() % 2 ? bad : bad - 8;
    begin();
    faulty->vague = vague;
    faulty->bad_from = 24 * SECTOR;
    for (unsigned i = 0; i < bad; i++)
        faulty->bad_from += (file_bytes(i) + SECTOR - 1) / SECTOR * SECTOR;
    faulty->bad_to = faulty->bad_from + 1;
    for (unsigned i = start; i < bad; i++)
        kassert(read_file(i) > 0);
    unsigned long before = faulty->bad_reads;
    kassert(read_file(bad) == -EIO);
    if (!vague && faulty->bad_reads != 1)
        panic("%lu reads", (unsigned long)faulty->bad_reads);
    kassert(faulty->bad_reads - before <= 2);
    before = faulty->bad_reads;
    kassert(read_file(bad) == -EIO && faulty->bad_reads > before); /* it may have become better */
    faulty->bad_from = faulty->bad_to = 0;
    kassert(read_file(bad) > 0);
    end();
}

static void test_bad_once(void **state)
{
    (void)state;
    rig_run(bad_once_body, NULL, 40);
}

/* Another disc: nothing is served of what is in memory, whichever way it is asked for. */
static void changed_body(void *unused)
{
    (void)unused;
    static struct dir_entry entry;
    static uint8_t buffer[FILE_BYTES_MAX];
    struct file *file, *directory;
    struct cache_view view;
    struct node_info info;
    begin();
    for (unsigned i = 0; i < 4; i++)
        kassert(read_file(i) > 0);
    kassert(rig_open("/m/S000", OPEN_READ, &file) == 0);
    kassert(rig_open("/m", OPEN_READ | OPEN_DIRECTORY, &directory) == 0);
    kassert(dir_read(directory, INFO_STANDARD, &entry) == 1);
    faulty_change(faulty, image->bytes, image->length / 512 * 512);
    unsigned long reads = faulty->reads;
    kassert(file_read(file, buffer, 100) == -ESTALE);
    kassert(file_read_at(file, file_size(file), buffer, 100) == -ESTALE);
    kassert(file_view(file, &view) == -ESTALE);
    kassert(dir_read(directory, INFO_STANDARD, &entry) == -ESTALE);
    kassert(path_child_info(disc.mounted, "S001", false, INFO_STANDARD, &info) == -ESTALE);
    struct file *other;
    kassert(rig_open("/m/S002", OPEN_READ, &other) == -ESTALE);
    kassert(faulty->reads == reads);
    file_close(directory);
    file_close(file);
    end();
}

static void test_changed(void **state)
{
    (void)state;
    rig_run(changed_body, NULL, 20);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    images_load();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_here_and_there),
        cmocka_unit_test(test_bad_sector),
        cmocka_unit_test(test_bad_once),
        cmocka_unit_test(test_changed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    images_free();
    return failed;
}
