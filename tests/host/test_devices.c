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
#include <string.h>

#include "kernel/console.h"
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
         " to a BIOS 1,16,63,512\n"
         "BIOS drive 0xf8\n");
    says("devices -v Classes/virtual0 | grep size", "      size 24576 bytes, 48 blocks of 512\n");
    says("devices -v /System/Devices/virtual/0 | grep size",
         "      size 24576 bytes, 48 blocks of 512\n");
    says("devices virtual0", "0                        virtual0  24576 bytes, memory\n");
    fails("devices -v virtual7", "devices: virtual7: no such device\n");
    fails("devices --icons", "devices: there is no screen to show icons on\n");
    says("cd /System/Devices; ls -l | sort; cd /", "crw-rw-rw- 0 - null\ncrw-rw-rw- 0 - zero\n"
         "dr-xr-xr-x 0 - Classes\ndr-xr-xr-x 0 - virtual\n");
    says("ls -l /System/Devices/virtual", "brw-rw-rw- 24576 - 0\ncrw-------     0 - control\n");
    says("ls -l /System/Devices/Classes", "lrwxrwxrwx 0 - virtual0 -> ../virtual/0\n");
    says("vdrive rm 0", "");
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
    says("vdrive rm 0", "");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v15_devices_v),
        cmocka_unit_test(test_v15_devices_icons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
