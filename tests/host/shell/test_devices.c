/*
 * test_devices.c - devices, ls -l of them, and mount by a device's name and by a file system's:
 * what the commands print. What the devices answer: test_control.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/partition_image.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* ---- devices ------------------------------------------------------------------------------ */

/* V15: size, block, geometries, BIOS drive, status and flags at the prompt. */
BODY(v15_devices_v)
{
    (void)unused;
    start();
    says("vdrive new 24K", "virtual0: 48 blocks of 512 bytes\n");
    says("devices -v virtual0",
         "    device virtual0\n"
         "      path virtual/0\n"
         "        is 24576 bytes, memory\n"
         "      kind virtual\n"
         "    medium present\n"
         "    access read and write\n"
         "generation 2\n"
         "      open 0\n"
         "      size 24576 bytes, 48 blocks of 512\n"
         "  geometry 48,1,1,512\n"
         "  BIOS CHS 1,16,63,512\n"
         "BIOS drive 0xf8\n");
    says("devices -v Classes/virtual0 | grep size", "      size 24576 bytes, 48 blocks of 512\n");
    says("devices -v /System/Devices/virtual/0 | grep size",
         "      size 24576 bytes, 48 blocks of 512\n");
    says("devices virtual0", "0                        virtual0  24576 bytes, memory\n");
    fails("devices -v virtual7", "devices: virtual7: No such device\n");
    fails("devices --icons", "devices: --icons: no graphical screen\n");
    says("cd /System/Devices; ls -l | grep -v ^c | sort; cd /",
         "dr-xr-xr-x 0 - Classes\ndr-xr-xr-x 0 - virtual\n");
    says("ls -l /dev/ | grep ^c", "crw-rw-rw- 0 - full\ncrw-rw-rw- 0 - null\n"
         "crw-rw-rw- 0 - random\ncrw-rw-rw- 0 - urandom\ncrw-rw-rw- 0 - zero\n");
    says("ls -l /System/Devices/virtual", "brw-rw-rw- 24576 - 0\ncrw-------     0 - control\n");
    says("ls -l /System/Devices/Classes", "lrwxrwxrwx 0 - virtual0 -> ../virtual/0\n");
    says("vdrive rm 0", "");
    stop();
}

/* A drive's number is the same in its alias and in its path, also after others were removed. */
BODY(drive_numbers)
{
    (void)unused;
    start();
    says("vdrive new 8K > /o; vdrive new 16K > /o; vdrive new 24K > /o; vdrive rm 0", "");
    says("vdrive rm virtual1; vdrive new 32K > /o; vdrive new 40K > /o", "");
    says("ls -l /System/Devices/Classes", "lrwxrwxrwx 0 - virtual0 -> ../virtual/0\n"
                                          "lrwxrwxrwx 0 - virtual1 -> ../virtual/1\n"
                                          "lrwxrwxrwx 0 - virtual2 -> ../virtual/2\n");
    says("wc -c < /System/Devices/virtual/1; vdrive info 1 | grep size",
         "40960\n      size 40960 bytes, 80 blocks of 512\n");
    says("vdrive rm /System/Devices/virtual/1; vdrive rm /System/Devices/Classes/virtual0", "");
    says("ls /System/Devices/Classes", "virtual2\n");
    fails("vdrive rm 0", "vdrive rm: virtual0: no such virtual drive; `vdrive list` shows them\n");
    fails("vdrive info 1",
          "vdrive info: virtual1: no such virtual drive; `vdrive list` shows them\n");
    says("vdrive rm 2", "");
    stop();
}

/* Counts agree with their nouns. */
BODY(plurals)
{
    (void)unused;
    char odd[1026] = "";
    start();
    memset(odd, 'x', 513);
    put("/one", odd);
    memset(odd, 'x', 1025);
    put("/two", odd);
    says("vdrive add /one; vdrive add --ram /two",
         "virtual0: 1 block of 512 bytes, read-only, 1 byte after the last whole block\n"
         "virtual1: 2 blocks of 512 bytes, 1 byte after the last whole block\n");
    says("vdrive info 0 | grep -e size -e tail; devices -v virtual1 | grep size",
         "      tail 1 byte after the last whole block\n      size 513 bytes, 1 block of 512\n"
         "      size 1025 bytes, 2 blocks of 512\n");
    says("vdrive rm 0; vdrive rm 1", "");
    stop();
}

/* ---- discard ------------------------------------------------------------------------------ */

#define DRIVE "/System/Devices/Classes/virtual0"

BODY(discard)
{
    (void)unused;
    start();
    says("vdrive new 24K", "virtual0: 48 blocks of 512 bytes\n");
    says("echo abc > " DRIVE "; head -c 4 " DRIVE, "abc\n");

    /* Without an answer nothing happens: at the end of the input there is none. */
    run("discard virtual0 < /System/Devices/null", SHELL_FAILED, NULL,
        "\ndiscard: virtual0: nothing was changed\n");
    says("echo n | discard virtual0 2> /o; head -c 4 " DRIVE,
         "virtual0: 24576 bytes from 0 on will be lost. Continue? [y/N] abc\n");

    fails("discard -y virtual7", "discard: virtual7: no such device; `devices` lists them\n");
    fails("discard -y virtual0 0 32K",
          "discard: virtual0: the range is not inside its 24576 bytes\n");
    fails("discard -y virtual0 100 512",
          "discard: virtual0: the range is not of whole blocks of 512 bytes\n");
    run("discard -y virtual0 512", SHELL_USAGE, NULL,
        "discard: 512: a length must follow the offset\n");

    /* A range beside the text, then the text. */
    says("discard -yz virtual0 512 1K; head -c 4 " DRIVE, "abc\n");
    says("echo y | discard " DRIVE "; head -c 24K /System/Devices/zero | cmp - " DRIVE,
         DRIVE ": 24576 bytes from 0 on will be lost. Continue? [y/N] ");
    says("vdrive rm 0", "");
    stop();
}

/* ---- iostat ------------------------------------------------------------------------------- */

/* Panics unless the last command wrote this. */
static void wrote(const char *text)
{
    if (!strstr(out.text, text))
        panic("no '%s' in: %s", text, out.text);
}

BODY(iostat)
{
    (void)unused;
    start();
    says("iostat -z",
         "DEVICE    REQUESTS         BYTES  MERGED ERRORS      DEPTH    50%    99%   100%\n");
    says("vdrive new 24K; head -c 4096 /System/Devices/Classes/virtual0 > /o",
         "virtual0: 48 blocks of 512 bytes\n");
    run("iostat", SHELL_DONE, NULL, "");
    wrote("\nvirtual0         2         25088       0      0      0/1/1 ");
    run("iostat -h", SHELL_DONE, NULL, "");
    wrote("\nvirtual0         2           25K       0      0      0/1/1 ");

    /* The other request looked for a partition table. The second report has what happened since
     * the first one. */
    run("iostat 0.001 2", SHELL_DONE, NULL, "");
    wrote("\n\nDEVICE");
    wrote("\nvirtual0         0             0 ");
    run("iostat -z 0.001 2 | tail -n 1", SHELL_DONE,
        "DEVICE    REQUESTS         BYTES  MERGED ERRORS      DEPTH    50%    99%   100%\n", "");
    run("iostat x", SHELL_USAGE, "", "iostat: TIME: invalid number: 'x'\n");
    run("iostat 1 0", SHELL_USAGE, "", "iostat: COUNT: number out of range (at least 1): '0'\n");
    says("vdrive rm 0", "");
    stop();
}

/* ---- partitions ----------------------------------------------------------------------------- */

static void put_partitioned(const char *path)
{
    static uint8_t bytes[64 * 1024];
    const struct partition_image image = { bytes, sizeof(bytes), 512 };
    table_put_gpt(&image);
    table_put_gpt_entry(&image, 1, 40, 49, "one");
    table_put_gpt_entry(&image, 3, 52, 79, ""); /* whole blocks of 2048, too */
    rig_put_file(path, bytes, sizeof(bytes));
}

/* The partitions of an image are devices below its drive, and files in Classes. */
BODY(partitions)
{
    (void)unused;
    start();
    put_partitioned("/img");
    says("vdrive add /img > /o; devices virtual0p1 virtual0p3",
         "p1                       virtual0p1 Linux, \"one\", 5120 bytes\n"
         "p3                       virtual0p3 Linux, 14336 bytes\n");
    says("devices -v virtual0p3 | grep -e size -e path -e access",
         "      path Classes/virtual0p3\n    access read-only\n"
         "      size 14336 bytes, 28 blocks of 512\n");
    says("ls -l /System/Devices/Classes", "lrwxrwxrwx     0 - virtual0 -> ../virtual/0\n"
                                          "br--r--r--  5120 - virtual0p1\n"
                                          "br--r--r-- 14336 - virtual0p3\n");
    says("tail -c +20481 /img | head -c 5120 | cmp - /System/Devices/Classes/virtual0p1", "");

    /* On a disc, on request only; a part of a part does not exist. */
    says("vdrive add --cd /img > /o; ls /System/Devices/Classes | grep -c virtual1", "1\n");
    says("devices --parts virtual1",
         "1                        virtual1  65536 bytes, read-only, file /img\n"
         "  p3                     virtual1p3 Linux, 14336 bytes\n");
    fails("devices --parts virtual0p1", "devices: virtual0p1: Invalid argument\n");
    fails("devices --parts", "devices: --parts: name the device whose partitions are wanted\n");
    fails("devices --parts virtual", "devices: virtual: Operation not supported\n");
    says("vdrive rm 0; vdrive rm 1; ls /System/Devices/Classes; rm /img", "");
    stop();
}

/* A writer of the disk and users of its partitions exclude each other. */
BODY(partitions_and_claims)
{
    (void)unused;
    start();
    put_partitioned("/img");
    says("vdrive add --ram /img > /o; cd /System/Devices/Classes", "");

    /* While the disk is written, here by a drive that writes to it, its partitions are closed. */
    says("vdrive add --rw virtual0 > /o", "");
    fails("cat virtual0p1", "cat: virtual0p1: In use\n");
    run("printf x > virtual0p1", SHELL_USAGE, NULL, "spindle: virtual0p1: In use\n");
    fails("devices --parts virtual0", "devices: virtual0: In use\n");
    says("vdrive rm 1", "");

    /* While a partition is written, the disk is closed, but not another partition. */
    says("vdrive add --rw virtual0p1 > /o; vdrive add virtual0p3 > /o", "");
    fails("vdrive add --rw virtual0", NULL);
    run("printf x > virtual0", SHELL_USAGE, NULL, "spindle: virtual0: In use\n");
    says("cat virtual0p3 > /o; vdrive rm 1; vdrive rm 2", "");

    /* A table that was written to the disk is read on request. */
    says("head -c 512 /System/Devices/zero > virtual0", "");
    says("devices --parts virtual0",
         "0                        virtual0  65536 bytes, copy of /img\n");
    says("cd /; vdrive rm 0; rm /img", "");
    stop();
}

/* The partitions are gone when the command ends, and nothing refuses the next one. */
BODY(discarded_partitions)
{
    (void)unused;
    start();
    put_partitioned("/img");
    says("vdrive add --ram /img > /o; ls /System/Devices/Classes | grep -c virtual0p", "2\n");
    says("discard -y virtual0; ls /System/Devices/Classes", "virtual0\n");
    says("discard -y virtual0; vdrive rm 0; rm /img", "");
    stop();
}

/* ---- icons -------------------------------------------------------------------------------- */

static char drawn[4096];

/* A console with pixels: notes which row of which picture was written, and its first colour. */
static status_t draw(const struct console_picture *picture, unsigned row)
{
    unsigned colour = 0, first = row * CONSOLE_PICTURE_ROW * picture->side;
    for (unsigned i = 0; i < CONSOLE_PICTURE_ROW * picture->side && !colour; i++)
        colour = picture->pixels[first + i];
    size_t used = strlen(drawn);
    snprintf(drawn + used, sizeof(drawn) - used, "%u.%u%s ", picture->side, row,
             colour ? "" : "-");
    return 0;
}

static void ignore(const char *text, size_t bytes)
{
    (void)text, (void)bytes;
}

/* V15: beside each drive's name the icon in 32 x 32, and in 16 x 16. */
BODY(v15_devices_icons)
{
    (void)unused;
    static struct console console = { .name = "pixels", .write = ignore, .picture = draw };
    start();
    says("vdrive new 64K", "virtual0: 128 blocks of 512 bytes\n");
    console_register(&console);
    says("devices --icons", "virtual0\n65536 bytes, memory\n");
    if (strcmp(drawn, "32.0 16.0 16.0- 32.1 16.0- 16.0- ") != 0)
        panic("drawn: %s", drawn);
    says("devices --icons virtual0 virtual/control", "virtual0\n65536 bytes, memory\n");
    run("devices --icons > /file", SHELL_FAILED, "", /* whose lines would be elsewhere */
        "devices: --icons: no graphical screen\n");
    says("vdrive rm 0", "");
    stop();
}

/* ---- mount -------------------------------------------------------------------------------- */

static void put_image(const char *host_path)
{
    size_t bytes;
    uint8_t *image = rig_load(host_path, &bytes);
    kassert(image != NULL);
    rig_put_file("/disc", image, bytes);
    free(image);
}

/* C2: a device is named relative to /System/Devices, as an alias or by its path. */
BODY(c2_mount_by_class)
{
    (void)unused;
    char line[128], node[64], whole[96];
    const char *const names[] = { "Classes/virtual0", "virtual0", node,
                                  "/System/Devices/Classes/virtual0", whole };
    start();
    rig_make_images(put_image);
    says("mkdir /m", "");
    says("vdrive add --no-mount /disc > /null", "");
    struct device *drive = device_find("virtual0");
    device_path(drive, node, sizeof(node)); /* its number there is never used twice */
    device_put(drive);
    snprintf(whole, sizeof(whole), "/System/Devices/%s", node);
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++) {
        snprintf(line, sizeof(line), "mount %s /m; mount | grep -c virtual0; umount /m", names[i]);
        says(line, "1\n");
    }
    says("mount Classes/virtual0 /m; umount Classes/virtual0", "");
    fails("mount Classes/virtual1 /m", "mount: Classes/virtual1: No such file or directory\n");
    fails("mount Classes/virtual/0 /m", "mount: Classes/virtual/0: No such file or directory\n");
    says("vdrive rm 0; rm /disc", "");
    stop();
}

/* Every -o counts, as one list; what one of them asks for is not lost to the next. */
BODY(mount_options)
{
    (void)unused;
    start();
    rig_make_images(put_image);
    says("mkdir /m; mount -o session=1 -o ro /disc /m; mount | grep -c cdfs; umount /m", "1\n");
    static const char *const wrong[] = {
        "-o names=iso -o session=x", "-o session=x --opt names=iso", "-o session=0",
        "-o session=4294967297", "-o size=1",
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
        char line[80];
        snprintf(line, sizeof(line), "mount %s /disc /m", wrong[i]);
        run(line, SHELL_USAGE, "", NULL);
        kassert(strstr(err.text, ": invalid option; valid options are ") != NULL);
    }

    /* --help lists what the refusal names */
    static const char known[] = ": invalid option; valid options are ";
    char words[200];
    snprintf(words, sizeof(words), "%s", strstr(err.text, known) + strlen(known));
    says("mount --help > /help; true", "");
    for (char *word = strtok(words, ", \n"); word; word = strtok(NULL, ", \n")) {
        char line[80];
        snprintf(line, sizeof(line), "grep -cF '%s' /help", word);
        says(line, "1\n");
    }
    says("vdrive list | wc -l; rm /disc", "1\n");
    stop();
}

/* C19: the file system can be named; for an unknown name those that are known are listed. */
BODY(c19_mount_type)
{
    (void)unused;
    start();
    rig_make_images(put_image);
    put("/text", "no volume\n");
    says("mkdir /m; mount -t cdfs /disc /m; mount | grep -c cdfs; umount /m", "1\n");
    run("mount -t ntfs /disc /m", SHELL_USAGE, "", NULL); /* the tests have some of their own too */
    static const char known[] = "mount: ntfs: unknown file system type; must be one of cdfs, ";
    kassert(strncmp(err.text, known, strlen(known)) == 0);
    kassert(strstr(err.text, "fat, ramfs, devfs"));
    fails("mount -t ramfs /disc /m", "mount: /disc: not a ramfs file system\n");
    says("vdrive list | wc -l; rm /disc", "1\n"); /* no drive is left */
    stop();
}

/* V15: stat of a drive's file asks the drive. */
BODY(v15_stat_of_a_drive)
{
    (void)unused;
    start();
    says("vdrive new 64K > /null", "");
    says("stat -L /System/Devices/Classes/virtual0 | grep -e block -e medium",
         "     block 512\n    medium present\n");
    says("vdrive rm 0", "");
    stop();
}

/* ---- a mounted disc ----------------------------------------------------------------------- */

/* C13: every change on a disc is refused, and it stays as it was. */
BODY(c13_a_disc_is_read_only)
{
    (void)unused;
    static const char *const lines[] = { "mkdir /m/new", "touch /m/new", "echo x > /m/new",
                                         "rm -r /m/*", "cp /null /m/new", "mkdir /m/a/b" };
    start();
    rig_make_images(put_image);
    says("mkdir /m; mount /disc /m; manifest /m > /before", "");
    for (unsigned i = 0; i < ARRAY_LENGTH(lines); i++) {
        kassert(shell_run_text(&shell, lines[i]) != SHELL_DONE);
        stream_flush(shell.err);
    }
    says("manifest /m | cmp - /before; umount /m; rm /disc /before", "");
    stop();
}

static struct fs_info mounted_info(const char *path)
{
    struct mount_info info;
    for (unsigned n = 0; !vfs_mount_info(n, &info); n++)
        if (strcmp(info.path, path) == 0)
            return info.fs;
    panic("%s is not mounted", path);
}

/* C10: a disc has a block, which its files are cached by, and a size; nothing of it is free. */
BODY(c10_size_of_a_disc)
{
    (void)unused;
    start();
    rig_make_images(put_image);
    says("mkdir /m; mount /disc /m", "");
    struct fs_info info = mounted_info("/m");
    kassert(info.block_bytes == 2048 && info.read_only && info.free_bytes == 0);
    kassert(info.total_bytes > 16 * 2048 && info.total_bytes % 2048 == 0);
    says("umount /m; rm /disc", "");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drive_numbers),
        cmocka_unit_test(test_plurals),
        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_partitions_and_claims),
        cmocka_unit_test(test_discarded_partitions),
        cmocka_unit_test(test_v15_devices_v),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_iostat),
        cmocka_unit_test(test_v15_devices_icons),
        cmocka_unit_test(test_c2_mount_by_class),
        cmocka_unit_test(test_c19_mount_type),
        cmocka_unit_test(test_mount_options),
        cmocka_unit_test(test_v15_stat_of_a_drive),
        cmocka_unit_test(test_c13_a_disc_is_read_only),
        cmocka_unit_test(test_c10_size_of_a_disc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
