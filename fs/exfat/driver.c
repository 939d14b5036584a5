/*
 * driver.c - the driver: mounts, makes and checks exFAT volumes.
 */
#include "fs/exfat/exfat.h"
#include "fs/exfat/tools/tools.h"
#include "kernel/module/info.h"

DRIVER_INFO("exfat", "1.0", "MIT", "the exFAT file system");
DRIVER_DRIVES("signature 3 4558464154202020"); /* "EXFAT   " */

static const struct driver driver_exfat = {
    .name = "exfat",
    .order = 61,
    .mount_fs = exfat_mount,
    .format_fs = exfat_format,
    .check_fs = exfat_check,
};
DRIVER(driver_exfat);
