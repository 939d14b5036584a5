/*
 * test_book.c - promise: the examples of the Book's chapters 4, 5 and 10 compile and work, built in
 * and loaded. Their code is extracted from the chapters, and linked with this test (test_book) or
 * made into driver objects that it loads (test_book_loaded).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bus/scsi.h"
#include "kernel/dev/driver.h"
#include "kernel/module/module.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/rig.h"

/* ---- the drivers, built in or loaded --------------------------------------------------------- */

static bool loaded;

static bool is_built_in(const char *name)
{
    const struct driver *driver = driver_next(NULL);
    while (driver && strcmp(driver->name, name))
        driver = driver_next(driver);
    if (driver)
        driver_put(driver);
    return driver;
}

static status_t try_load(const char *host_path)
{
    struct object_error error;
    const char *name;
    size_t bytes;
    uint8_t *data = rig_load(host_path, &bytes);
    kassert(data);
    status_t status = module_load((struct bytes){ data, bytes }, host_path, 0, &name, &error);
    free(data);
    return status;
}

static void load(const char *host_path)
{
    expect(host_path, try_load(host_path), 0);
}

static void start(void)
{
    rig_start();
    loaded = !is_built_in("counter");
    if (loaded) {
        load("build/drivers/counter.drv");
        load("build/drivers/onefile.drv");
        load("build/drivers/ramscsi.drv");
    }
}

static void stop(void)
{
    struct object_error error;
    if (loaded) {
        /* The events of their devices, which there is no monitor to handle, are uses of them. */
        expect("unload", module_unload("onefile", false, &error), 0);
        expect("unload", module_unload("counter", true, &error), -EBUSY);
        expect("unload", module_unload("ramscsi", true, &error), -EBUSY);
        drives_take_events();
        expect("unload", module_unload("counter", true, &error), 0);
        expect("unload", module_unload("ramscsi", true, &error), 0);
    }
    rig_stop();
}

/* ---- the counter ----------------------------------------------------------------------------- */

static void counter_body(void *unused)
{
    (void)unused;
    uint64_t words[1024];
    struct file *file;
    start();
    kassert(rig_open("/System/Devices/Classes/disk0", OPEN_READ, &file) == 0);
    kassert(file_size(file) == 1024 * 1024);
    kassert(file_read_at(file, 0x1000, words, sizeof(words)) == (ssize_t)sizeof(words));
    for (unsigned i = 0; i < 1024; i++)
        kassert(words[i] == 0x1000 + 8 * i);
    kassert(file_read_at(file, 1024 * 1024 - 3, words, 100) == 3);
    file_close(file);
    kassert(rig_open("/System/Devices/Classes/disk0", OPEN_READ | OPEN_WRITE, &file) == -EROFS);
    stop();
}

static void test_the_counter_counts(void **state)
{
    (void)state;
    rig_run(counter_body, NULL, 20);
}

/* ---- the file system ------------------------------------------------------------------------- */

enum { FILE_BYTES = 10000, IMAGE_BYTES = 4096 + 12288 };

static uint8_t image[IMAGE_BYTES];

static void make_image(void)
{
    memset(image, 0, sizeof(image));
    memcpy(image, "ONEFILE1", 8);
    image[8] = FILE_BYTES & 255;
    image[9] = FILE_BYTES >> 8;
    strcpy((char *)image + 16, "the only one");
    for (unsigned i = 0; i < sizeof(image) - 4096; i++)
        image[4096 + i] = (uint8_t)(i * 7 >> 3);
}

static status_t mount_image(const char *type)
{
    struct path *root = path_root();
    struct faulty *faulty = faulty_create(0, image, sizeof(image), faulty_limits(), FAULTY_MIXED);
    rig_mkdir("/mnt");
    status_t status = vfs_mount(root, "/mnt", device_alias(faulty->device), type, NULL);
    if (!status) {
        static uint8_t got[FILE_BYTES + 1];
        kassert(rig_get_file("/mnt/the only one", got, sizeof(got)) == FILE_BYTES);
        kassert(memcmp(got, image + 4096, FILE_BYTES) == 0);
        kassert(rig_walk("/mnt/another") == -ENOENT);
        struct file *directory;
        struct dir_entry *entry = mem_alloc(sizeof(*entry));
        kassert(rig_open("/mnt", OPEN_READ | OPEN_DIRECTORY, &directory) == 0);
        kassert(dir_read(directory, INFO_NONE, entry) == 1);
        kassert(strcmp(entry->name, "the only one") == 0);
        kassert(dir_read(directory, INFO_NONE, entry) == 0);
        file_close(directory);
        mem_free(entry);
        kassert(vfs_unmount(root, "/mnt") == 0);
    }
    path_put(root);
    faulty_destroy(faulty);
    return status;
}

static void onefile_body(void *unused)
{
    (void)unused;
    static const struct { unsigned at; uint8_t byte; status_t status; } wrong[] = {
        { 0, 'o', -EMEDIUMTYPE }, { 9, 0xff, -EUCLEAN }, { 16, 0, -EUCLEAN }, { 20, '/', -EUCLEAN },
    };
    make_image();
    start();
    kassert(mount_image(NULL) == 0);
    stop();
    for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
        make_image();
        image[wrong[i].at] = wrong[i].byte;
        start();
        kassert(mount_image("onefile") == wrong[i].status);
        stop();
    }
}

static void test_the_file_system_shows_its_file(void **state)
{
    (void)state;
    rig_run(onefile_body, NULL, 20);
}

/* ---- the transport --------------------------------------------------------------------------- */

enum { DISK_BYTES = 64 * 1024, DISK_BLOCK = 512, COMMANDS = 24, ABORTS = 12, ENDED_BYTE = 0xdd };

static void disk_body(void *unused)
{
    (void)unused;
    static uint8_t wrote[DISK_BYTES], got[DISK_BYTES];
    struct file *file;
    start();
    drives_pattern(wrote, sizeof(wrote), 1);
    kassert(rig_open("/System/Devices/ramscsi/unit/disk", OPEN_READ | OPEN_WRITE, &file) == 0);
    kassert(file_size(file) == DISK_BYTES);
    kassert(file_write_at(file, 0, wrote, sizeof(wrote)) == DISK_BYTES);
    kassert(file_flush(file) == 0);
    kassert(file_read_at(file, 0, got, sizeof(got)) == DISK_BYTES);
    kassert(memcmp(got, wrote, sizeof(got)) == 0);
    file_close(file);
    stop();
}

static void test_the_transport_carries_a_disk(void **state)
{
    (void)state;
    rig_run(disk_body, NULL, 20);
}

/* A read of one block, whose memory is overwritten when it ends: nothing may write there later. */
struct one_read {
    struct scsi_command command;
    struct io_segment segment;
    uint8_t data[DISK_BLOCK];
    unsigned ends;
    struct semaphore *ended;
};

static void read_ended(struct scsi_command *command)
{
    struct one_read *read = command->context;
    status_t status = command->base.status;
    kassert(status || command->done_bytes == DISK_BLOCK);
    kassert(!status || status == -ECANCELED || (status == -EIO && command->base.interrupted));
    memset(read->data, ENDED_BYTE, DISK_BLOCK);
    read->ends++;
    semaphore_up(read->ended);
}

static void read_submit(struct one_read *read, struct scsi_unit *unit, uint8_t block)
{
    read->segment = (struct io_segment){ read->data, DISK_BLOCK };
    read->command = (struct scsi_command){
        .base.timeout_us = 60000000,
        .cdb = { 0x28, [5] = block, [8] = 1 },
        .direction = SCSI_DATA_IN,
        .segments = &read->segment,
        .segment_count = 1,
        .length_bytes = DISK_BLOCK,
        .complete = read_ended,
        .context = read,
    };
    scsi_submit(unit, &read->command);
}

/* Aborts of started commands reset the channel while the hardware serves others. */
static void aborts_body(void *unused)
{
    (void)unused;
    static struct one_read reads[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    start();
    struct device *device = device_find("ramscsi/unit");
    struct scsi_unit *unit = scsi_unit_of(device);
    kassert(unit);

    memset(reads, 0, sizeof(reads));
    for (unsigned i = 0; i < COMMANDS; i++) {
        reads[i].ended = &ended;
        read_submit(&reads[i], unit, (uint8_t)i);
    }
    for (unsigned i = 0; i < ABORTS; i++) {
        thread_yield();
        scsi_abort(&reads[rig_random() % COMMANDS].command);
    }
    for (unsigned i = 0; i < COMMANDS; i++)
        kassert(semaphore_down(&ended, TIME_NEVER) == 0);
    device_put(device);
    stop();

    for (unsigned i = 0; i < COMMANDS; i++) {
        kassert(reads[i].ends == 1);
        for (unsigned at = 0; at < DISK_BLOCK; at++)
            kassert(reads[i].data[at] == ENDED_BYTE);
    }
}

static void test_the_transport_survives_aborts(void **state)
{
    (void)state;
    rig_run(aborts_body, NULL, 50);
}

/* Loads the driver while the n-th allocation, or the n-th thread, fails; unloads it if it was
 * loaded. Returns whether there was an n-th. */
static bool load_without(void (*fail_nth)(unsigned long n), unsigned long n)
{
    struct object_error error;
    fail_nth(n);
    status_t status = try_load("build/drivers/ramscsi.drv");
    bool happened = host_failure_happened();
    fail_nth(0);

    kassert(status == 0 || status == -ENOMEM);
    if (!status && module_unload("ramscsi", true, &error) == -EBUSY) {
        drives_take_events();
        expect("unload", module_unload("ramscsi", true, &error), 0);
    }
    return happened;
}

/* Nothing is left of a load that fails, or of a driver that could not publish its disk. */
static void shortage_body(void *unused)
{
    (void)unused;
    unsigned long allocations = 1, threads = 1;
    rig_start();

    /* One that is built in is offered the root once, at start. */
    if (!is_built_in("ramscsi")) {
        while (load_without(host_fail_nth_allocation, allocations))
            allocations++;
        while (load_without(host_fail_nth_thread, threads))
            threads++;
        kassert(allocations > 10 && threads > 2);
    }
    rig_stop();
}

static void test_the_transport_without_memory(void **state)
{
    (void)state;
    rig_run(shortage_body, NULL, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_counter_counts),
        cmocka_unit_test(test_the_file_system_shows_its_file),
        cmocka_unit_test(test_the_transport_carries_a_disk),
        cmocka_unit_test(test_the_transport_survives_aborts),
        cmocka_unit_test(test_the_transport_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
