/*
 * test_virtual_threads.c - threads that register, read, write, halt, swap, save, query and remove
 * the same drives at once.
 *
 * Promise     virtual.h: a handle belongs to one image. It reads and writes that image only, or
 *             gets one of the errors that virtual.h lists. Each image is of sectors that contain
 *             the image's number, so that a wrong byte is noticed.
 *
 * For both back ends, and for `make tsan`.
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

enum { SECTORS = 40, IMAGES = 4, DRIVES = 2, SECTOR = 512, ROUNDS = 25 };

static const char *const paths[IMAGES] = { "/a", "/b", "/c", "/d" };

/* ---- images whose sectors contain their number -------------------------------------------- */

static unsigned image_sectors(unsigned which)
{
    return SECTORS - which * 8; /* another one is of another size */
}

static void stamp(uint8_t *sectors, unsigned count, unsigned which)
{
    for (unsigned i = 0; i < count; i++)
        memset(sectors + i * SECTOR, (int)('a' + which), SECTOR);
}

/* Returns the image that these sectors are of. All are of the same one. */
static unsigned stamped(const uint8_t *sectors, unsigned count)
{
    for (unsigned i = 1; i < count * SECTOR; i++)
        kassert(sectors[i] == sectors[0]);
    kassert(sectors[0] >= 'a' && sectors[0] < 'a' + IMAGES);
    return sectors[0] - 'a';
}

static void put_images(void)
{
    static uint8_t sectors[SECTORS * SECTOR];
    for (unsigned i = 0; i < IMAGES; i++) {
        stamp(sectors, SECTORS, i);
        rig_put_file(paths[i], sectors, image_sectors(i) * SECTOR);
    }
}

/* ---- what each thread does ---------------------------------------------------------------- */

/* The only results that are allowed while other threads change the drive. */
static bool fair(status_t status)
{
    static const status_t all[] = { 0, -ENODEV, -ESTALE, -EBUSY, -EALREADY, -EROFS, -ENOSPC, -EIO,
                                    -EINVAL, -ENOENT };
    for (unsigned i = 0; i < ARRAY_LENGTH(all); i++)
        if (status == all[i])
            return true;
    return false;
}

static void expect_fair(const char *what, status_t status)
{
    if (!fair(status))
        panic("%s: %s", what, status_name(status));
}

static const char *some_drive(void)
{
    static const char *const names[] = { "virtual0", "virtual1", "virtual2" };
    return names[rig_random() % (DRIVES + 1)];
}

static void some_yields(void)
{
    for (uint64_t n = rig_random() % 8; n; n--)
        thread_yield();
}

static status_t read_some(const struct device_handle *handle, uint8_t *sectors, unsigned count)
{
    uint64_t done;
    return drives_transfer(handle, IO_READ, 0, sectors, count * SECTOR, &done);
}

/* A handle keeps to one image, whatever is put into the drive meanwhile. */
static void user_round(uint8_t *sectors, bool writes)
{
    struct device_handle handle;
    uint64_t done;
    status_t status = drives_open(some_drive(), &handle);
    expect_fair("open", status);
    if (status)
        return;
    status = read_some(&handle, sectors, 1);
    unsigned which = status ? 0 : stamped(sectors, 1);
    for (unsigned i = 0; !status && i < 5; i++) {
        unsigned count = 1 + (unsigned)(rig_random() % image_sectors(which));
        some_yields();
        if (writes) {
            stamp(sectors, count, which);
            status = drives_transfer(&handle, IO_WRITE, 0, sectors, count * SECTOR, &done);
        } else {
            status = read_some(&handle, sectors, count);
            kassert(status || stamped(sectors, count) == which);
        }
    }
    expect_fair("transfer", status);
    device_close(&handle);
}

static void reader_main(void *unused)
{
    (void)unused;
    uint8_t sectors[SECTORS * SECTOR];
    for (unsigned i = 0; i < ROUNDS; i++)
        user_round(sectors, false);
}

static void writer_main(void *unused)
{
    (void)unused;
    uint8_t sectors[SECTORS * SECTOR];
    for (unsigned i = 0; i < ROUNDS; i++)
        user_round(sectors, true);
}

/* Through the device's file, whose pages all readers share. */
static void file_main(void *unused)
{
    (void)unused;
    uint8_t sectors[SECTORS * SECTOR];
    for (unsigned i = 0; i < ROUNDS; i++) {
        ssize_t got = rig_get_file(drives_path(some_drive()), sectors, sizeof(sectors));
        if (got > 0 && got % SECTOR == 0) /* else a reading that was cut off */
            (void)stamped(sectors, (unsigned)got / SECTOR);
        else
            expect_fair("file", got < 0 ? (status_t)got : 0);
        some_yields();
    }
}

static void register_some(void)
{
    static const enum virtual_store stores[] = { VIRTUAL_FILE, VIRTUAL_OVERLAY, VIRTUAL_RAM_IMAGE };
    char alias[DEVICE_NAME_BYTES];
    struct wanted drive = {
        .store = stores[rig_random() % 3],
        .image = paths[rig_random() % IMAGES],
        .into = some_drive(),
        .flags = rig_random() % 8 ? 0 : VIRTUAL_TEMPORARY,
        .block_bytes = rig_random() % 3 ? SECTOR : SECTOR * 2,
    };
    status_t status = drives_add(&drive, alias);
    if (status == -ENODEV) {
        drive.into = NULL;
        status = drives_add(&drive, alias);
    }
    expect_fair("register", status);
}

/* -EEXIST: another thread is saving there. */
static void save_some(const char *alias)
{
    status_t status = drives_save(alias, "/saved", NULL);
    if (status != -EEXIST)
        expect_fair("saved", status);
}

static void change_some(void)
{
    const char *alias = some_drive();
    uint64_t offset = 0, length;
    switch (rig_random() % 8) {
    case 0: expect_fair("swap", drives_swap(alias, paths[rig_random() % IMAGES])); break;
    case 1: expect_fair("attention", drives_fault(alias, VIRTUAL_FAULT_ATTENTION, 0, 0)); break;
    case 2: expect_fair("flip", drives_fault(alias, VIRTUAL_FAULT_NONE, 0, 0)); break;
    case 3: expect_fair("bad", drives_fault(alias, VIRTUAL_FAULT_BAD, rig_random() % 8, 1)); break;
    case 4: expect_fair("diff", drives_diff(alias, &offset, &length)); break;
    case 5: expect_fair("discard", drives_discard(alias)); break;
    case 6: expect_fair("listed", drives_listed(alias)); break;
    default: save_some(alias); break;
    }
}

static void master_main(void *unused)
{
    (void)unused;
    struct virtual_info info;
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        const char *alias = some_drive();
        if (rig_random() % 3 == 0)
            expect_fair("remove", drives_remove(alias, (enum virtual_removal)(rig_random() % 3)));
        else if (rig_random() % 2)
            register_some();
        else
            change_some();
        status_t status = drives_info(alias, &info); /* VB6: consistent, whatever changes it */
        kassert(status == -ENODEV || (!status && info.state <= VIRTUAL_HALTED));
        drives_take_events();
        some_yields();
    }
}

/* ---- all of them -------------------------------------------------------------------------- */

static void remove_all(void)
{
    struct virtual_list list = { .struct_bytes = sizeof(list) };
    while (!drives_control(VIRTUAL_LIST, &list, sizeof(list))) {
        status_t status = drives_remove(list.device, VIRTUAL_NOW);
        kassert(!status || status == -ENODEV);
        list.position = 0;
    }
}

static void crowd_body(void *unused)
{
    (void)unused;
    static void (*const mains[])(void *) = { reader_main, reader_main, writer_main,
                                             file_main,   master_main, master_main };
    enum { THREADS = ARRAY_LENGTH(mains) };
    struct thread *threads[THREADS];
    rig_start();
    put_images();
    for (unsigned i = 0; i < THREADS; i++)
        kassert((threads[i] = thread_create("crowd", PRIORITY_NORMAL, mains[i], NULL)) != NULL);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    remove_all();
    for (unsigned i = 0; i < IMAGES; i++) { /* and none has what is another's */
        static uint8_t sectors[SECTORS * SECTOR];
        kassert(rig_get_file(paths[i], sectors, sizeof(sectors)) == image_sectors(i) * SECTOR);
        kassert(stamped(sectors, image_sectors(i)) == i);
    }
    rig_stop();
}

/* V3, VB6. */
static void test_crowd(void **state)
{
    (void)state;
    for (unsigned n = 0; n < (run_is_simulated() ? 1 : 8); n++)
        rig_run(crowd_body, NULL, 300);
}

/* ---- two of them -------------------------------------------------------------------------- */

static void swapper_main(void *alias)
{
    for (unsigned i = 0; i < 3; i++) {
        expect_fair("swap", drives_swap(alias, paths[i]));
        expect_fair("attention", drives_fault(alias, VIRTUAL_FAULT_ATTENTION, 0, 0));
    }
}

/* A swap that is under way when its drive is halted does not bring the medium back. */
static void halt_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct device_handle handle;
    rig_start();
    put_images();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/d") }, alias), 0);
    expect("open", drives_open(alias, &handle), 0);
    struct thread *swapper = thread_create("swapper", PRIORITY_NORMAL, swapper_main, alias);
    some_yields();
    expect("halt", drives_remove(alias, VIRTUAL_NOW), 0);
    expect("halted", device_check(&handle), -ENODEV);
    thread_join(swapper);
    expect("still halted", device_check(&handle), -ENODEV);
    kassert(!device_medium(handle.device).present);
    device_close(&handle);
    expect("gone", drives_listed(alias), -ENOENT);
    rig_stop();
}

static void test_halt(void **state)
{
    (void)state;
    rig_run(halt_body, NULL, 400);
}

/* Two threads remove the same drive: one succeeds, the other gets an error. */
struct remover {
    const char *alias;
    enum virtual_removal removal;
    status_t status;
};

static void remover_main(void *argument)
{
    struct remover *remover = argument;
    some_yields();
    remover->status = drives_remove(remover->alias, remover->removal);
}

static void removers_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES];
    struct thread *threads[3];
    struct remover removers[3];
    rig_start();
    put_images();
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/d") }, alias), 0);
    for (unsigned i = 0; i < 3; i++) {
        removers[i] = (struct remover){ alias, (enum virtual_removal)(rig_random() % 3), 0 };
        threads[i] = thread_create("remover", PRIORITY_NORMAL, remover_main, &removers[i]);
    }
    unsigned removed = 0;
    for (unsigned i = 0; i < 3; i++) {
        thread_join(threads[i]);
        status_t status = removers[i].status;
        kassert(!status || status == -ENODEV || status == -EALREADY);
        removed += !status;
    }
    kassert(removed >= 1); /* the second of lazily and now is not a second removal */
    expect("gone", drives_listed(alias), -ENOENT);
    rig_stop();
}

static void test_removers(void **state)
{
    (void)state;
    rig_run(removers_body, NULL, 300);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_halt),
        cmocka_unit_test(test_removers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
