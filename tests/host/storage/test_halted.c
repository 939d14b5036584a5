/*
 * test_halted.c - virtual drives over time: other images in the same drive, drives on drives, many
 * drives, and any size.
 *
 * Promises    virtual.h: a handle that was opened on one image never reads or writes another one;
 *             a halted drive gets its name again, and all else from the new image. No drive is on
 *             itself, and none waits for another's image. Names become free again. Sizes, offsets
 *             and geometries are exact up to 64 bits.
 *
 * For both back ends. See test_virtual.c.
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
#include "tests/host/drives.h"

enum { IMAGE_BYTES = DRIVES_IMAGE_BYTES, BLOCK = 512 };

/* ---- another image in the same drive ------------------------------------------------------- */

/* A handle of the drive, and a file on it that was read from: both stay open over all changes. */
struct old_users {
    struct device_handle handle;
    struct file *file;
};

static void old_users_open(const char *alias, struct old_users *old)
{
    static uint8_t got[BLOCK];
    expect("open", drives_open(alias, &old->handle), 0);
    expect("open file", rig_open(drives_path(alias), OPEN_READ, &old->file), 0);
    kassert(file_read_at(old->file, 0, got, sizeof(got)) == sizeof(got)); /* cached from now on */
}

/* Checks that every operation fails with the status, and that no byte of a buffer is touched. */
static void old_users_expect(const struct old_users *old, status_t status)
{
    static const enum io_op ops[] = { IO_READ, IO_WRITE };
    static uint8_t got[4096], blank[sizeof(got)];
    struct cache_view view = { .page = NULL };
    memset(got, 0x5a, sizeof(got));
    memset(blank, 0x5a, sizeof(blank));
    for (unsigned i = 0; i < 2; i++)
        for (uint32_t bytes = 512; bytes <= sizeof(got); bytes *= 2)
            expect("old handle", io_wait(&old->handle, ops[i], 0, got, bytes, NULL), status);
    expect("far", io_wait(&old->handle, IO_READ, 1u << 30, got, 512, NULL), status);
    expect("flush", io_wait(&old->handle, IO_FLUSH, 0, NULL, 0, NULL), status);
    expect("check", device_check(&old->handle), status);
    expect("file", (status_t)file_read_at(old->file, 0, got, sizeof(got)), status);
    expect("view", (status_t)file_view(old->file, &view), status);
    kassert(memcmp(got, blank, sizeof(got)) == 0);
}

static void old_users_close(struct old_users *old)
{
    file_close(old->file);
    device_close(&old->handle);
}

static const struct wanted successors[] = {
    { .store = VIRTUAL_FILE, .image = "/other" },
    { .store = VIRTUAL_FILE, .image = "/other", .block_bytes = 4096 },
    { .store = VIRTUAL_FILE, .image = "/other", .offset_bytes = 512, .size_bytes = 1024 },
    { .store = VIRTUAL_FILE, .image = "/other", .flags = VIRTUAL_WRITABLE, .block_bytes = 1024 },
    { .store = VIRTUAL_OVERLAY, .image = "/other" },
    { .store = VIRTUAL_RAM_IMAGE, .image = "/other" },
    { .store = VIRTUAL_RAM, .size_bytes = 1 << 20 },
    { .store = VIRTUAL_FILE, .image = "/img" }, /* VB3: the same path is another medium too */
    { .store = VIRTUAL_MEMORY, .memory = drives_other, .size_bytes = sizeof(drives_other) },
};

static void succeed(const struct wanted *successor, const char *alias)
{
    static uint8_t data[1 << 20], zeroes[1 << 20];
    const uint8_t *expected = successor->store == VIRTUAL_RAM         ? zeroes
                              : successor->memory                     ? drives_other
                              : strcmp(successor->image, "/img") == 0 ? drives_image
                                                                      : drives_other;
    struct wanted drive = *successor;
    struct virtual_info before, info;
    char again[DEVICE_NAME_BYTES];
    drive.into = alias;
    expect("info", drives_info(alias, &before), 0);
    expect("register again", drives_add(&drive, again), 0);
    kassert(strcmp(alias, again) == 0 && drives_info(alias, &info) == 0);
    kassert(info.state == VIRTUAL_REGISTERED && info.generation > before.generation);
    kassert(info.block_bytes == (drive.block_bytes ? drive.block_bytes : 512));
    kassert(!info.read_only == (drive.store != VIRTUAL_FILE || drive.flags & VIRTUAL_WRITABLE));
    size_t size = (size_t)info.size_bytes;
    kassert(rig_get_file(drives_path(alias), data, sizeof(data)) == (ssize_t)size);
    kassert(memcmp(data, expected + drive.offset_bytes, size) == 0);
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
}

/* VB2, VB3: a handle on the first image never reads a byte of those after it. */
static void successors_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct old_users old;
    drives_start();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias), 0);
    old_users_open(alias, &old);
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    old_users_expect(&old, -ENODEV);
    for (unsigned i = 0; i < ARRAY_LENGTH(successors); i++) {
        char again[DEVICE_NAME_BYTES];
        succeed(&successors[i], alias);
        old_users_expect(&old, -ENODEV);
        struct wanted plain = { .store = VIRTUAL_FILE, .image = "/img", .into = alias };
        expect("back", drives_add(&plain, again), 0);
        old_users_expect(&old, -ESTALE);
        expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    }
    old_users_close(&old);
    expect("gone", drives_listed(alias), -ENOENT);
    rig_stop();
}

/* VB3. */
static void test_successors(void **state)
{
    (void)state;
    rig_run(successors_body, NULL, 10);
}

/* V7: of several halted drives the one that had this image is found by its path, whatever the file
 * of that name is now; a temporary drive is always a new one. */
static void same_path_body(void *unused)
{
    (void)unused;
    static uint8_t got[IMAGE_BYTES];
    char aliases[3][DEVICE_NAME_BYTES], alias[DEVICE_NAME_BYTES];
    static const char *const paths[] = { "/other", "/img", "/img2" };
    struct old_users old[3];
    struct wanted drive = { .store = VIRTUAL_FILE };
    drives_start();
    rig_put_file("/img2", drives_image, sizeof(drives_image));
    for (unsigned i = 0; i < 3; i++) {
        drive.image = paths[i];
        expect("add", drives_add(&drive, aliases[i]), 0);
        old_users_open(aliases[i], &old[i]);
        expect("halt", drives_remove(aliases[i], VIRTUAL_NOW), 0);
    }
    rig_put_file("/img", drives_other, 4096);
    drive.image = "/img";
    drive.flags = VIRTUAL_TEMPORARY;
    expect("temporary", drives_add(&drive, alias), 0);
    kassert(strcmp(alias, "virtual3") == 0);
    drive.flags = 0;
    expect("again", drives_add(&drive, alias), 0);
    kassert(strcmp(alias, aliases[1]) == 0);
    kassert(rig_get_file(drives_path(alias), got, sizeof(got)) == 4096);
    kassert(memcmp(got, drives_other, 4096) == 0);
    old_users_expect(&old[1], -ESTALE);
    old_users_expect(&old[0], -ENODEV);
    for (unsigned i = 0; i < 3; i++)
        old_users_close(&old[i]);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    expect("remove", drives_remove("virtual3", VIRTUAL_IF_IDLE), 0);
    rig_stop();
}

/* V7. */
static void test_same_path(void **state)
{
    (void)state;
    rig_run(same_path_body, NULL, 10);
}

/* VB2: a failed registration leaves the drive halted, and old handles without an image; the drive
 * is removed with the last of them. */
static void failed_again_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES], again[DEVICE_NAME_BYTES];
    struct old_users old;
    struct virtual_info info;
    drives_start();
    rig_put_file("/small", drives_image, 100);
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias), 0);
    old_users_open(alias, &old);
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    static const struct wanted wrong[] = {
        { ON(FILE, "/none") }, { ON(FILE, "/small") }, { ON(RAM_IMAGE, "/small") },
        { ON(OVERLAY, "/img"), .size_bytes = 1 << 20 }, { .store = VIRTUAL_RAM },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct wanted drive = wrong[i];
        drive.into = alias;
        kassert(drives_add(&drive, again) < 0);
        expect("info", drives_info(alias, &info), 0);
        kassert(info.state == VIRTUAL_HALTED && strcmp(info.image, "/img") == 0);
        old_users_expect(&old, -ENODEV);
    }
    old_users_close(&old);
    expect("gone", drives_listed(alias), -ENOENT);
    rig_stop();
}

/* VB2. */
static void test_failed_again(void **state)
{
    (void)state;
    rig_run(failed_again_body, NULL, 10);
}

/* The properties of a drive come from the image that was registered last. */
static void other_kind_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct old_users old;
    drives_start();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias), 0);
    struct device *device = device_find(alias);
    kassert(device_class(device) == &class_virtual && device_automounts(device));
    old_users_open(alias, &old);
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    expect("as a CD", drives_add(&(struct wanted){ ON(FILE, "/img"), .flags = VIRTUAL_CD },
                                 alias), 0);
    kassert(device_class(device) == &class_cdrom && device_automounts(device));
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    expect("to write", drives_add(&(struct wanted){ ON(OVERLAY, "/img") }, alias), 0);
    kassert(device_class(device) == &class_virtual && !device_automounts(device));
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    expect("for a mount", drives_add(&(struct wanted){ ON(FILE, "/img"), .into = alias,
                                                       .flags = VIRTUAL_TEMPORARY }, alias), 0);
    kassert(!device_automounts(device));
    old_users_close(&old); /* the last handle of a temporary drive */
    expect("gone", drives_listed(alias), -ENOENT);
    device_put(device);
    rig_stop();
}

/* V5. */
static void test_other_kind(void **state)
{
    (void)state;
    rig_run(other_kind_body, NULL, 10);
}

/* ---- an image on its own drive, and drives on drives --------------------------------------- */

/* VB18, VB5: a swap must not put a drive on itself, directly or through others. */
static void cycles_body(void *unused)
{
    (void)unused;
    char alias[3][DEVICE_NAME_BYTES];
    drives_start();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias[0]), 0);
    for (unsigned i = 1; i < 3; i++)
        expect("add", drives_add(&(struct wanted){
                          .store = i == 1 ? VIRTUAL_FILE : VIRTUAL_OVERLAY,
                          .image = drives_path(alias[i - 1]) }, alias[i]), 0);
    expect("on itself", drives_swap(alias[0], drives_path(alias[0])), -ELOOP);
    expect("through one", drives_swap(alias[0], drives_path(alias[1])), -ELOOP);
    expect("through two", drives_swap(alias[0], drives_path(alias[2])), -ELOOP);
    expect("the other way", drives_swap(alias[2], drives_path(alias[0])), 0);
    static uint8_t got[IMAGE_BYTES];
    kassert(rig_get_file(drives_path(alias[2]), got, sizeof(got)) == IMAGE_BYTES);
    kassert(memcmp(got, drives_image, sizeof(got)) == 0);
    for (unsigned i = 3; i--;)
        expect("remove", drives_remove(alias[i], VIRTUAL_IF_IDLE), 0);
    rig_stop();
}

/* VB18. */
static void test_cycles(void **state)
{
    (void)state;
    rig_run(cycles_body, NULL, 20);
}

/* VB5: a drive that waits delays no other drive, and no question about itself. */
static void apart_body(void *unused)
{
    (void)unused;
    static uint8_t disk[IMAGE_BYTES], got[BLOCK];
    char slow[DEVICE_NAME_BYTES], fast[DEVICE_NAME_BYTES];
    struct device_handle handle;
    struct virtual_info info;
    drives_start();
    drives_pattern(disk, sizeof(disk), 9);
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_LATE);
    expect("slow", drives_add(&(struct wanted){ ON(FILE, "/System/Devices/faulty0"),
                                                .block_bytes = 512 }, slow), 0);
    expect("fast", drives_add(&(struct wanted){ ON(FILE, "/img") }, fast), 0);
    faulty_hold(faulty, true);
    expect("open", drives_open(slow, &handle), 0);
    struct drives_reader reader = { .handle = &handle, .memory = got, .bytes = sizeof(got) };
    drives_read_start(&reader);
    static uint8_t all[IMAGE_BYTES];
    kassert(rig_get_file(drives_path(fast), all, sizeof(all)) == IMAGE_BYTES);
    expect("info", drives_info(slow, &info), 0);
    kassert(info.handles == 1 && !drives_listed(slow));
    expect("busy", drives_remove(slow, VIRTUAL_IF_IDLE), -EBUSY);
    kassert(!atomic_load(&reader.ended));
    faulty_hold(faulty, false);
    expect("read", drives_read_end(&reader), 0);
    kassert(memcmp(got, disk, sizeof(got)) == 0);
    device_close(&handle);
    expect("remove", drives_remove(slow, VIRTUAL_IF_IDLE), 0);
    expect("remove", drives_remove(fast, VIRTUAL_IF_IDLE), 0);
    faulty_destroy(faulty);
    rig_stop();
}

/* VB5. */
static void test_apart(void **state)
{
    (void)state;
    rig_run(apart_body, NULL, 20);
}

/* ---- many drives, and any size ------------------------------------------------------------- */

/* Every class name, though each third drive is removed while they are listed. */
static void expect_classes(char aliases[][DEVICE_NAME_BYTES], unsigned count)
{
    static struct dir_entry entry;
    struct file *file;
    unsigned listed = 0;
    expect("open", rig_open("/System/Devices/Classes", OPEN_DIRECTORY, &file), 0);
    while (dir_read(file, INFO_STANDARD, &entry) == 1) {
        unsigned number = 0;
        if (sscanf(entry.name, "virtual%u", &number) != 1)
            continue;
        kassert(entry.info.type == NODE_LINK && entry.info.known & INFO_STANDARD);
        kassert(number == listed++);
        if (number % 3 == 0)
            expect("remove", drives_remove(aliases[number], VIRTUAL_IF_IDLE), 0);
    }
    file_close(file);
    kassert(listed == count);
    for (unsigned i = 0; i < count; i += 3) {
        expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, aliases[i]), 0);
        drives_take_events();
    }
}

/* VB20: any number of drives, all of them listed; each name is free again after a removal. */
static void many_body(void *unused)
{
    (void)unused;
    enum { MANY = 120 };
    static char aliases[MANY][DEVICE_NAME_BYTES];
    char alias[DEVICE_NAME_BYTES], expected[16];
    struct virtual_list list = { .struct_bytes = sizeof(list) };
    drives_start();
    for (unsigned i = 0; i < MANY; i++)
        expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, aliases[i]), 0);
    for (unsigned i = 0; i < MANY; i++) {
        expect("list", drives_control(VIRTUAL_LIST, &list, sizeof(list)), 0);
        snprintf(expected, sizeof(expected), "virtual%u", i);
        kassert(strcmp(list.device, expected) == 0 && strcmp(aliases[i], expected) == 0);
    }
    expect("no more", drives_control(VIRTUAL_LIST, &list, sizeof(list)), -ENOENT);
    list.position = UINT32_MAX; /* VB7: no number is taken for an index */
    expect("far", drives_control(VIRTUAL_LIST, &list, sizeof(list)), -ENOENT);
    expect_classes(aliases, MANY);
    expect("remove", drives_remove(aliases[17], VIRTUAL_IF_IDLE), 0);
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/other") }, alias), 0);
    kassert(strcmp(alias, "virtual17") == 0);
    for (unsigned i = 0; i < MANY; i++)
        expect("remove", drives_remove(aliases[i], VIRTUAL_IF_IDLE), 0);
    rig_stop();
}

/* V1, VB7, VB20. */
static void test_many(void **state)
{
    (void)state;
    rig_run(many_body, NULL, 5);
}

static uint64_t geometry_blocks(const struct device_geometry *geometry)
{
    return (uint64_t)geometry->cylinders * geometry->heads * geometry->sectors;
}

/* VB12, VB14: whatever the size, no member is zero, every block is covered, and the BIOS geometry
 * is within a BIOS's limits. */
static void expect_geometry(const struct virtual_info *info)
{
    const struct device_geometry *own = &info->geometry, *bios = &info->bios_geometry;
    uint64_t blocks = info->size_bytes / info->block_bytes;
    kassert(own->cylinders && own->heads && own->sectors == 1);
    kassert(own->sector_bytes == info->block_bytes && geometry_blocks(own) >= blocks);
    kassert(own->heads == (blocks + UINT32_MAX - 1) / UINT32_MAX); /* the fewest */
    kassert(geometry_blocks(own) - blocks < own->heads);
    kassert(bios->cylinders >= 1 && bios->cylinders <= 1024 && bios->sectors == 63);
    kassert(bios->heads >= 16 && bios->heads <= 255 && bios->sector_bytes == 512);
    uint64_t most = (uint64_t)1024 * 255 * 63, sectors = info->size_bytes / 512;
    kassert(geometry_blocks(bios) >= (sectors < most ? sectors : most));
}

/* VB13: a size and an offset are 64 bits everywhere. */
static void sizes_body(void *unused)
{
    (void)unused;
    static const uint64_t sizes[] = {
        512, 1024, 100 * 1024, 512 * 1024 - 512, 512 * 1024, 516096, 528482304, 8422686720,
        (uint64_t)4 << 30, ((uint64_t)4 << 30) + 512, (uint64_t)2 << 40, ((uint64_t)2 << 40) + 512,
        ((uint64_t)5 << 40) + 5120,
    };
    static uint8_t got[BLOCK];
    drives_start();
    for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
        char alias[DEVICE_NAME_BYTES];
        struct virtual_info info;
        struct device_handle handle;
        struct file *file;
        uint64_t last = sizes[i] - BLOCK;
        expect("add", drives_add(&(struct wanted){ .store = VIRTUAL_RAM, .size_bytes = sizes[i] },
                                 alias), 0);
        kassert(!drives_info(alias, &info) && info.size_bytes == sizes[i]);
        expect_geometry(&info);
        expect("open", drives_open(alias, &handle), 0);
        expect("write", io_wait(&handle, IO_WRITE, last, drives_image, BLOCK, NULL), 0);
        expect("after it", io_wait(&handle, IO_WRITE, last + BLOCK, drives_image, BLOCK, NULL),
               -ENOSPC);
        expect("file", rig_open(drives_path(alias), OPEN_READ, &file), 0);
        kassert(file_size(file) == sizes[i]);
        kassert(file_read_at(file, last, got, BLOCK) == BLOCK);
        kassert(memcmp(got, drives_image, BLOCK) == 0);
        kassert(file_read_at(file, (uint32_t)last, got, BLOCK) == BLOCK);

        /* Beyond 32 bits it is another block. */
        bool same = memcmp(got, drives_image, BLOCK) == 0;
        kassert(same == (last == (uint32_t)last));
        kassert(!drives_info(alias, &info) && info.memory_bytes == 4096);
        file_close(file);
        device_close(&handle);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    }
    rig_stop();
}

/* VB12, VB13, VB14. */
static void test_sizes(void **state)
{
    (void)state;
    rig_run(sizes_body, NULL, 3);
}

/* V9, VB10: a geometry that was given is the drive's; a writable file grows for it, and keeps what
 * it had; a smaller one shows less of it. */
static void geometry_body(void *unused)
{
    (void)unused;
    static const struct {
        struct wanted drive;
        uint64_t shown, file;
    } cases[] = {
        { { ON(FILE, "/img"), .flags = VIRTUAL_GEOMETRY, .geometry = { 5, 2, 1, 2048 } },
          IMAGE_BYTES, IMAGE_BYTES },
        { { ON(FILE, "/img"), .flags = VIRTUAL_GEOMETRY, .geometry = { 1, 1, 3, 1024 } },
          3072, IMAGE_BYTES },
        { { ON(OVERLAY, "/img"), .flags = VIRTUAL_GEOMETRY, .geometry = { 2, 2, 2, 512 } },
          4096, IMAGE_BYTES },
        { { .store = VIRTUAL_RAM, .flags = VIRTUAL_GEOMETRY, .geometry = { 7, 5, 3, 512 } },
          7 * 5 * 3 * 512, IMAGE_BYTES },
        { { .store = VIRTUAL_MEMORY, .memory = drives_other, .flags = VIRTUAL_GEOMETRY,
            .geometry = { 5, 1, 1, 4096 } }, IMAGE_BYTES, IMAGE_BYTES },
        { { ON(FILE, "/img"), .flags = VIRTUAL_GEOMETRY | VIRTUAL_WRITABLE,
            .geometry = { 10, 10, 1, 512 } }, 51200, 51200 },
        { { ON(FILE, "/img"), .flags = VIRTUAL_GEOMETRY | VIRTUAL_WRITABLE, .offset_bytes = 1000,
            .geometry = { 10, 20, 1, 512 } }, 102400, 103400 },
    };
    static uint8_t got[110000];
    drives_start();
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        char alias[DEVICE_NAME_BYTES];
        struct virtual_info info;
        const struct device_geometry *given = &cases[i].drive.geometry;
        expect("add", drives_add(&cases[i].drive, alias), 0);
        kassert(!drives_info(alias, &info) && info.size_bytes == cases[i].shown);
        kassert(memcmp(&info.geometry, given, sizeof(*given)) == 0);
        kassert(info.block_bytes == given->sector_bytes);
        kassert(rig_get_file(drives_path(alias), got, sizeof(got)) == (ssize_t)cases[i].shown);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
        kassert(rig_get_file("/img", got, sizeof(got)) == (ssize_t)cases[i].file);
        kassert(memcmp(got, drives_image, IMAGE_BYTES) == 0);
        for (size_t at = IMAGE_BYTES; at < cases[i].file; at++)
            kassert(got[at] == 0);
    }
    rig_stop();
}

/* V9. */
static void test_geometry(void **state)
{
    (void)state;
    rig_run(geometry_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_successors),
        cmocka_unit_test(test_same_path),
        cmocka_unit_test(test_failed_again),
        cmocka_unit_test(test_other_kind),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_geometry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
