/*
 * test_wipe.c - promise: after `format` and `partition create`, a device is recognized by what it
 * is now, and by nothing that it was before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fs/exfat/tools/tools.h"
#include "fs/fat/tools/tools.h"
#include "lib/macros.h"
#include "lib/partition/edit.h"
#include "tests/host/host_image.h"
#include "tests/host/rig.h"

enum { IMAGE_BYTES = 40 << 20 };

static struct host_image image;

/* ---- before ------------------------------------------------------------------------------- */

static void put(uint64_t offset, const char *text, size_t bytes)
{
    memcpy(image.bytes + offset, text, bytes);
}

/* Fills the image with what other formats are recognized by, up to the farthest places. */
static void begin(void)
{
    host_image_begin(&image, IMAGE_BYTES);
    kassert(host_image_run(&image, "printf 'label: gpt\\nsize=1MiB\\n' | sfdisk -q $V"));
    put(0x438, "\x53\xef", 2);
    put(0x8000, "\1CD001\1", 7);
    put(2 << 20, "\x5e\xf1\xab\x2f", 4);
    put(IMAGE_BYTES - 3087 * 512, "Promise Technology, Inc.", 24);
    kassert(host_image_run(&image, "for type in gpt PMBR ext2 iso9660 VMFS promise; do "
                                   "wipefs -n $V | grep -q $type || exit 1; done"));
}

/* Expects only types that match the pattern, and one that does. */
static void end(const char *pattern)
{
    char commands[200];
    snprintf(commands, sizeof(commands),
             "wipefs -n -i $V; wipefs -n -i $V | grep -qE '%s' && ! wipefs -n -i $V | sed 1d | "
             "grep -vE '%s'", pattern, pattern);
    kassert(host_image_run(&image, commands));
    host_image_end(&image);
}

/* ---- format ------------------------------------------------------------------------------- */

typedef status_t formatter(const struct device_handle *handle, const struct volume_format *format);

static void format_body(void *argument)
{
    formatter *format = *(formatter **)argument;
    struct volume_format wanted = { .label = "" };
    struct device_handle handle;
    rig_start();
    struct faulty *disk = faulty_create(0, image.bytes, image.size, faulty_limits(), FAULTY_SYNC);
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", format(&handle, &wanted), 0);
    device_release(&handle);
    device_close(&handle);
    faulty_destroy(disk);
    rig_stop();
}

static void format_as(formatter *format, const char *pattern)
{
    begin();
    rig_run(format_body, &format, 1);
    end(pattern);
}

static void test_fat(void **state)
{
    (void)state;
    format_as(fat_format, "vfat");
}

static void test_exfat(void **state)
{
    (void)state;
    format_as(exfat_format, "exfat");
}

/* ---- partition create --------------------------------------------------------------------- */

static status_t image_read(struct partition_source *source, uint64_t offset, void *buffer,
                           size_t bytes)
{
    (void)source;
    memcpy(buffer, image.bytes + offset, bytes);
    return 0;
}

static status_t image_write(struct partition_edit *edit, uint64_t offset, const void *data,
                            size_t bytes)
{
    (void)edit;
    memcpy(image.bytes + offset, data, bytes);
    return 0;
}

static status_t image_flush(struct partition_edit *edit)
{
    (void)edit;
    return 0;
}

static void create_as(enum partition_scheme scheme, const char *pattern)
{
    static struct partition_edit edit;
    begin();
    edit = (struct partition_edit){
        .source = { .read = image_read, .size_bytes = IMAGE_BYTES, .sector_bytes = 512 },
        .write = image_write,
        .flush = image_flush,
    };
    expect("create", partition_edit_create(&edit, scheme), 0);
    end(pattern);
}

static void test_gpt(void **state)
{
    (void)state;
    create_as(PARTITION_GPT, "gpt|PMBR");
}

static void test_mbr(void **state)
{
    (void)state;
    create_as(PARTITION_MBR, "dos");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fat),
        cmocka_unit_test(test_exfat),
        cmocka_unit_test(test_gpt),
        cmocka_unit_test(test_mbr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
