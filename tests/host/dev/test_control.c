/*
 * test_control.c - promise: each device with data answers the operations of kernel/dev/control.h,
 * be it a virtual drive, a plain disk or a CD drive, and a virtual drive its own as well.
 *
 * Names like V15 and VB16 are behaviours and mistakes of the drivers that Spindle descends from:
 * the Book, chapter 9.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/control.h"
#include "kernel/dev/icon.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/packet_drive.h"

enum { IMAGE_BYTES = 5 * 4096, BLOCK = 512 };

static uint8_t image[IMAGE_BYTES];

static void start(void)
{
    rig_start();
    drives_pattern(image, sizeof(image), 1);
    rig_put_file("/img", image, sizeof(image));
}

static struct device *added(const struct wanted *drive)
{
    char alias[DEVICE_NAME_BYTES];
    expect("add", drives_add(drive, alias), 0);
    struct device *device = device_find(alias);
    kassert(device != NULL);
    return device;
}

static void removed(struct device *device)
{
    expect("remove", drives_remove(device_alias(device), VIRTUAL_IF_IDLE), 0);
    device_put(device);
}

/* ---- lengths ------------------------------------------------------------------------------ */

static const struct {
    unsigned operation;
    size_t bytes;
} operations[] = {
    { DEVICE_CONTROL_GET_SIZE, sizeof(struct device_size) },
    { DEVICE_CONTROL_GET_GEOMETRY, sizeof(struct device_geometry) },
    { DEVICE_CONTROL_GET_BIOS_GEOMETRY, sizeof(struct device_geometry) },
    { DEVICE_CONTROL_GET_BIOS_DRIVE, sizeof(struct device_bios_drive) },
    { DEVICE_CONTROL_GET_STATUS, sizeof(struct device_status) },
    { DEVICE_CONTROL_GET_FLAGS, sizeof(struct device_flags) },
    { DEVICE_CONTROL_GET_ICON, sizeof(struct device_icon) },
    { DEVICE_CONTROL_FLUSH, 0 },
};

/* The memory is exactly as long as the call says, so that ASan detects one byte too many. */
static status_t try_length(struct device *device, unsigned operation, size_t bytes)
{
    static const uint32_t side = ICON_LARGE;
    uint8_t *argument = malloc(bytes), untouched[2048];
    memset(argument, 0x5a, bytes);
    memset(untouched, 0x5a, sizeof(untouched));
    if (operation == DEVICE_CONTROL_GET_ICON && bytes >= sizeof(side))
        memcpy(argument, &side, sizeof(side));
    memcpy(untouched, argument, bytes);
    status_t status = device_control(device, operation, argument, bytes);
    kassert(!status || memcmp(argument, untouched, bytes) == 0);
    free(argument);
    return status;
}

/* Each operation of control.h returns -EINVAL unless its length is right. */
static void try_lengths(struct device *device)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(operations); i++) {
        unsigned operation = operations[i].operation;
        size_t bytes = operations[i].bytes;
        expect("one more", try_length(device, operation, bytes + 1), -EINVAL);
        if (!bytes) {
            expect("nothing", device_control(device, operation, NULL, 0), 0);
            expect("a length without memory", device_control(device, operation, NULL, 1), -EINVAL);
            continue;
        }
        expect("right", try_length(device, operation, bytes), 0);
        expect("one less", try_length(device, operation, bytes - 1), -EINVAL);
        expect("none", try_length(device, operation, 0), -EINVAL);
        expect("NULL", device_control(device, operation, NULL, bytes), -EINVAL);
    }
}

static void lengths_body(void *unused)
{
    (void)unused;
    static uint8_t disk[64 * BLOCK];
    start();
    struct device *drive = added(&(struct wanted){ .store = VIRTUAL_RAM, .size_bytes = 4096 });
    struct device *cd = added(&(struct wanted){ ON(FILE, "/img"), .flags = VIRTUAL_CD });
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    try_lengths(drive);
    try_lengths(cd);
    try_lengths(faulty->device);
    struct device *bus = device_find("virtual");
    expect("a bus", try_length(bus, DEVICE_CONTROL_GET_SIZE, sizeof(struct device_size)),
           -EOPNOTSUPP);
    expect("no such operation", device_control(drive, 0x7fff, NULL, 0), -EOPNOTSUPP);
    expect("eject", device_control(drive, DEVICE_CONTROL_EJECT, NULL, 0), -EOPNOTSUPP); /* V16 */
    device_put(bus);
    faulty_destroy(faulty);
    removed(cd);
    removed(drive);
    rig_stop();
}

/* VB21: a length that is not the struct's is refused, and nothing is written. */
static void test_vb21_v16_lengths(void **state)
{
    (void)state;
    rig_run(lengths_body, NULL, 5);
}

/* ---- answers ------------------------------------------------------------------------------ */

static struct device_status status_of(struct device *device)
{
    struct device_status answer;
    expect("status", device_control(device, DEVICE_CONTROL_GET_STATUS, &answer, sizeof(answer)), 0);
    return answer;
}

static struct device_flags flags_of(struct device *device)
{
    struct device_flags answer;
    expect("flags", device_control(device, DEVICE_CONTROL_GET_FLAGS, &answer, sizeof(answer)), 0);
    return answer;
}

static struct device_size size_of(struct device *device)
{
    struct device_size answer;
    expect("size", device_control(device, DEVICE_CONTROL_GET_SIZE, &answer, sizeof(answer)), 0);
    return answer;
}

static unsigned bios_drive_of(struct device *device)
{
    struct device_bios_drive answer;
    expect("BIOS", device_control(device, DEVICE_CONTROL_GET_BIOS_DRIVE, &answer, sizeof(answer)),
           0);
    return answer.drive;
}

static bool has_geometry(struct device *device, unsigned operation, struct device_geometry wanted)
{
    struct device_geometry answer;
    expect("geometry", device_control(device, operation, &answer, sizeof(answer)), 0);
    return memcmp(&answer, &wanted, sizeof(answer)) == 0;
}

#define GEOMETRY(...) ((struct device_geometry){ __VA_ARGS__ })

static void answers_body(void *unused)
{
    (void)unused;
    static uint8_t disk[64 * BLOCK];
    start();
    struct device *drive = added(&(struct wanted){
        .store = VIRTUAL_RAM, .flags = VIRTUAL_GEOMETRY, .geometry = { 4, 2, 3, 1024 } });
    struct device *cd = added(&(struct wanted){ ON(FILE, "/img"), .flags = VIRTUAL_CD });
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);

    kassert(size_of(drive).size_bytes == 24576 && size_of(drive).block_bytes == 1024);
    kassert(has_geometry(drive, DEVICE_CONTROL_GET_GEOMETRY, GEOMETRY(4, 2, 3, 1024)));
    kassert(has_geometry(drive, DEVICE_CONTROL_GET_BIOS_GEOMETRY, GEOMETRY(1, 16, 63, 512)));
    kassert(bios_drive_of(drive) == 0xf8 && bios_drive_of(cd) == 0xf8);
    kassert(!flags_of(drive).removable && !flags_of(drive).read_only &&
            !flags_of(drive).write_once && flags_of(drive).is_virtual);
    kassert(status_of(drive).medium == 0 && status_of(drive).writable &&
            status_of(drive).handles == 0);

    kassert(size_of(cd).size_bytes == IMAGE_BYTES && size_of(cd).block_bytes == 2048);
    kassert(flags_of(cd).device_class == &class_cdrom && flags_of(cd).read_only);
    kassert(status_of(cd).readable && !status_of(cd).writable);

    kassert(size_of(faulty->device).size_bytes == sizeof(disk));
    kassert(has_geometry(faulty->device, DEVICE_CONTROL_GET_GEOMETRY, GEOMETRY(64, 1, 1, BLOCK)));
    kassert(bios_drive_of(faulty->device) == 0x80);
    faulty->flushes = 0;
    expect("flush", device_control(faulty->device, DEVICE_CONTROL_FLUSH, NULL, 0), 0);
    kassert(faulty->flushes == 1); /* VB15 */
    faulty_change(faulty, NULL, 0);
    struct device_size size;
    expect("no medium", device_control(faulty->device, DEVICE_CONTROL_GET_SIZE, &size,
                                       sizeof(size)), -ENOMEDIUM);
    kassert(status_of(faulty->device).medium == -ENOMEDIUM && !status_of(faulty->device).readable);
    faulty_destroy(faulty);
    removed(cd);
    removed(drive);
    rig_stop();
}

/* V15, V10, VB15: size, block, geometries, BIOS drive, flags, status and flush. */
static void test_v15_v10_answers(void **state)
{
    (void)state;
    rig_run(answers_body, NULL, 5);
}

/* ---- icons -------------------------------------------------------------------------------- */

static struct device_icon icon_of(struct device *device, uint32_t side)
{
    struct device_icon icon = { .side = side };
    expect("icon", device_control(device, DEVICE_CONTROL_GET_ICON, &icon, sizeof(icon)), 0);
    return icon;
}

/* A drawing leaves its corners clear and fills at least a quarter, in the terminal's colours. */
static void icon_is_drawn(const struct device_icon *icon)
{
    unsigned filled = 0, pixels = icon->side * icon->side;
    for (unsigned i = 0; i < pixels; i++) {
        kassert(icon->pixels[i] < 16);
        filled += icon->pixels[i] != ICON_CLEAR;
    }
    kassert(filled * 4 > pixels && icon->pixels[0] == ICON_CLEAR);
}

static void icons_body(void *unused)
{
    (void)unused;
    static const uint32_t sides[] = { ICON_SMALL, ICON_LARGE };
    static struct device_icon icons[ICON_KINDS * 4];
    start();
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned n = 0; n < ICON_KINDS * 4; n++) {
            icons[n].side = sides[s];
            icon_draw(&icons[n], (enum icon_kind)(n / 4), n % 4);
            icon_is_drawn(&icons[n]);
            for (unsigned m = 0; m < n; m++) /* each kind and state looks different */
                kassert(memcmp(icons[n].pixels, icons[m].pixels, sides[s] * sides[s]) != 0);
        }
    }
    struct device *drive = added(&(struct wanted){ .store = VIRTUAL_RAM, .size_bytes = 4096 });
    struct device *cd = added(&(struct wanted){ ON(FILE, "/img"), .flags = VIRTUAL_CD });
    struct device_icon icon = icon_of(drive, ICON_LARGE);
    kassert(memcmp(icon.pixels, icons[ICON_VIRTUAL * 4].pixels, sizeof(icon.pixels)) == 0);
    icon = icon_of(cd, ICON_LARGE);
    kassert(memcmp(icon.pixels, icons[ICON_CD * 4 + ICON_READ_ONLY].pixels,
                   sizeof(icon.pixels)) == 0);
    icon.side = 24;
    expect("size of another", device_control(cd, DEVICE_CONTROL_GET_ICON, &icon, sizeof(icon)),
           -EINVAL);
    removed(cd);
    removed(drive);
    rig_stop();
}

/* V15: GET_ICON in both sizes, all kinds and states. */
static void test_v15_icons(void **state)
{
    (void)state;
    rig_run(icons_body, NULL, 1);
}

/* ---- a CD drive --------------------------------------------------------------------------- */

static void cdrom_body(void *unused)
{
    (void)unused;
    struct device_size size;
    struct device *cdrom = packet_drive_set_up(1);
    kassert(device_poll(cdrom) == 0);
    kassert(size_of(cdrom).size_bytes == PACKET_DRIVE_DISC_BLOCKS * 2048u);
    kassert(bios_drive_of(cdrom) == 0xe0);
    kassert(flags_of(cdrom).removable && flags_of(cdrom).read_only && !flags_of(cdrom).write_once);
    packet_drive.profile = 0x10; /* DVD-ROM */
    kassert(!flags_of(cdrom).write_once);
    packet_drive.profile = 0x09; /* CD-R */
    kassert(flags_of(cdrom).write_once);
    expect("flush", device_control(cdrom, DEVICE_CONTROL_FLUSH, NULL, 0), 0);
    struct device_icon with = icon_of(cdrom, ICON_SMALL);
    try_lengths(cdrom);

    packet_drive_put_disc(0, 0);
    kassert(device_poll(cdrom) == 0);
    expect("size", device_control(cdrom, DEVICE_CONTROL_GET_SIZE, &size, sizeof(size)),
           -ENOMEDIUM);
    struct device_icon without = icon_of(cdrom, ICON_SMALL);
    kassert(memcmp(with.pixels, without.pixels, ICON_SMALL * ICON_SMALL) != 0);
    kassert(status_of(cdrom).medium == -ENOMEDIUM);
    packet_drive_tear_down(cdrom);
}

/* V15, V10: a real drive answers the same, and knows removable and write-once itself. */
static void test_v15_v10_cdrom(void **state)
{
    (void)state;
    rig_run(cdrom_body, NULL, 5);
}

/* ---- through a virtual drive's own handle ------------------------------------------------- */

static status_t own_info(struct device *device, const char *name, struct virtual_info *info)
{
    *info = (struct virtual_info){ .struct_bytes = sizeof(*info) };
    strcpy(info->device, name);
    return device_control(device, VIRTUAL_GET_INFO, info, sizeof(*info));
}

static void own_handle_body(void *unused)
{
    (void)unused;
    struct virtual_info info, same;
    struct virtual_unregister request = { .struct_bytes = sizeof(request),
                                          .removal = VIRTUAL_IF_IDLE };
    struct device_handle handle;
    start();
    struct device *drive = added(&(struct wanted){ ON(FILE, "/img") });
    expect("info", own_info(drive, "", &info), 0);
    expect("info", drives_info(device_alias(drive), &same), 0);
    kassert(memcmp(&info, &same, sizeof(info)) == 0);
    expect("by name", own_info(drive, device_alias(drive), &info), 0);
    expect("another's name", own_info(drive, "virtual9", &info), -EINVAL);
    expect("short", device_control(drive, VIRTUAL_GET_INFO, &info, sizeof(info) - 1), -EINVAL);
    info.struct_bytes = 4;
    expect("says less", device_control(drive, VIRTUAL_GET_INFO, &info, sizeof(info)), -EINVAL);
    memset(info.device, 'x', sizeof(info.device));
    info.struct_bytes = sizeof(info);
    expect("no end", device_control(drive, VIRTUAL_GET_INFO, &info, sizeof(info)), -EINVAL);
    expect("others", device_control(drive, VIRTUAL_LIST, &info, sizeof(info)), -EOPNOTSUPP);

    expect("open", device_open(drive, &handle), 0);
    expect("busy", device_control(handle.device, VIRTUAL_UNREGISTER, &request, sizeof(request)),
           -EBUSY);
    request.removal = VIRTUAL_NOW;
    expect("now", device_control(handle.device, VIRTUAL_UNREGISTER, &request, sizeof(request)), 0);
    expect("again", device_control(handle.device, VIRTUAL_UNREGISTER, &request, sizeof(request)),
           -EALREADY);
    kassert(device_check(&handle) == -ENODEV);
    device_close(&handle);
    expect("gone", own_info(drive, "", &info), -ENODEV);
    device_put(drive);
    rig_stop();
}

/* V17: a drive is asked and unregistered through its own handle. */
static void test_v17_own_handle(void **state)
{
    (void)state;
    rig_run(own_handle_body, NULL, 5);
}

static void halted_body(void *unused)
{
    (void)unused;
    static struct virtual_info before, after;
    struct device_handle handle;
    start();
    struct device *drive = added(&(struct wanted){
        ON(OVERLAY, "/img"), .flags = VIRTUAL_GEOMETRY, .geometry = { 5, 2, 2, 1024 } });
    expect("open", device_open(drive, &handle), 0);
    expect("info", drives_info(device_alias(drive), &before), 0);
    kassert(before.size_bytes == 20480 && before.store == VIRTUAL_OVERLAY);
    expect("halt", drives_remove(device_alias(drive), VIRTUAL_NOW), 0);
    expect("info", drives_info(device_alias(drive), &after), 0);

    kassert(after.state == VIRTUAL_HALTED && after.generation > before.generation);
    after.state = before.state; /* what is not of the medium is as it was */
    after.generation = before.generation;
    after.memory_bytes = before.memory_bytes;
    kassert(memcmp(&before, &after, sizeof(before)) == 0);
    kassert(size_of(drive).size_bytes == 20480 && size_of(drive).block_bytes == 1024);
    kassert(has_geometry(drive, DEVICE_CONTROL_GET_GEOMETRY, GEOMETRY(5, 2, 2, 1024)));
    kassert(status_of(drive).medium == -ENODEV && !status_of(drive).readable);
    expect("flush", device_control(drive, DEVICE_CONTROL_FLUSH, NULL, 0), -ENODEV);
    device_close(&handle);
    device_put(drive);
    rig_stop();
}

/* V18: a halted drive reports what it was, by both ways. */
static void test_v18_halted(void **state)
{
    (void)state;
    rig_run(halted_body, NULL, 5);
}

static void magic_body(void *unused)
{
    (void)unused;
    static const uint32_t wrong[] = { 0, 1, ~VIRTUAL_REGISTER_MAGIC };
    start();
    struct virtual_register *request = calloc(1, sizeof(*request));
    *request = (struct virtual_register){ .struct_bytes = sizeof(*request), .store = VIRTUAL_RAM,
                                          .size_bytes = 4096 };
    for (unsigned i = 0; i < 3; i++) {
        request->magic = wrong[i];
        expect("wrong", drives_control(VIRTUAL_REGISTER, request, sizeof(*request)), -EINVAL);
    }
    request->magic = VIRTUAL_REGISTER_MAGIC;
    expect("right", drives_control(VIRTUAL_REGISTER, request, sizeof(*request)), 0);
    expect("remove", drives_remove(request->device, VIRTUAL_IF_IDLE), 0);
    free(request);
    rig_stop();
}

/* V6: a struct of another kind is refused by its magic. */
static void test_v6_magic(void **state)
{
    (void)state;
    rig_run(magic_body, NULL, 1);
}

/* ---- the control device, and opening ------------------------------------------------------- */

static void control_device_body(void *unused)
{
    (void)unused;
    struct device_handle handle;
    struct device_size size;
    struct file *file;
    start();
    struct device *control = device_find(VIRTUAL_CONTROL);
    expect("open", device_open(control, &handle), -ENODEV);
    expect("read", rig_open("/System/Devices/virtual/control", OPEN_READ, &file), -EOPNOTSUPP);
    expect("size", device_control(control, DEVICE_CONTROL_GET_SIZE, &size, sizeof(size)),
           -EOPNOTSUPP);
    device_put(control);
    rig_stop();
}

/* V2, V14: the control device takes operations and has no data to read. */
static void test_v2_v14_control_device(void **state)
{
    (void)state;
    rig_run(control_device_body, NULL, 1);
}

static void opening_body(void *unused)
{
    (void)unused;
    char alias[DEVICE_NAME_BYTES] = "";
    struct device_handle first, second;
    struct virtual_info info;
    start();
    expect("unknown", drives_open("virtual0", &first), -ENODEV);
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/img") }, alias), 0);
    kassert(strcmp(alias, "virtual0") == 0); /* V12: the answer is the name to open */
    expect("open", drives_open(alias, &first), 0);
    expect("open", drives_open(alias, &second), 0);
    expect("info", drives_info(alias, &info), 0);
    kassert(info.handles == 2);
    expect("lazy", drives_remove(alias, VIRTUAL_LAZY), 0);
    device_close(&first);
    expect("unregistered", drives_open(alias, &first), -ENODEV);
    expect("there", drives_listed(alias), 0);
    device_close(&second);
    expect("gone at the last close", drives_listed(alias), -ENOENT);
    rig_stop();
}

/* V12, V13: registering answers the name; handles are counted; the last close frees the drive. */
static void test_v12_v13_opening(void **state)
{
    (void)state;
    rig_run(opening_body, NULL, 5);
}

static void read_only_body(void *unused)
{
    (void)unused;
    static uint8_t block[BLOCK];
    struct device_handle handle;
    start();
    struct device *drive = added(&(struct wanted){ ON(FILE, "/img") });
    kassert(flags_of(drive).read_only);
    expect("open", device_open(drive, &handle), 0);
    expect("write", io_wait(&handle, IO_WRITE, 0, block, BLOCK, NULL), -EROFS);
    device_close(&handle);
    char alias[DEVICE_NAME_BYTES];
    struct wanted over = { .store = VIRTUAL_FILE, .image = drives_path(device_alias(drive)),
                           .flags = VIRTUAL_WRITABLE };
    expect("no silent fall-back", drives_add(&over, alias), -EROFS);
    removed(drive);
    drive = added(&(struct wanted){ ON(FILE, "/img"), .flags = VIRTUAL_WRITABLE });
    kassert(!flags_of(drive).read_only && status_of(drive).writable);
    removed(drive);
    rig_stop();
}

/* V8: an image is opened read-only unless writing is asked for, and then not without it. */
static void test_v8_read_only(void **state)
{
    (void)state;
    rig_run(read_only_body, NULL, 2);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vb21_v16_lengths), cmocka_unit_test(test_v15_v10_answers),
        cmocka_unit_test(test_v15_icons),        cmocka_unit_test(test_v15_v10_cdrom),
        cmocka_unit_test(test_v17_own_handle),   cmocka_unit_test(test_v18_halted),
        cmocka_unit_test(test_v6_magic),         cmocka_unit_test(test_v2_v14_control_device),
        cmocka_unit_test(test_v12_v13_opening),  cmocka_unit_test(test_v8_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
