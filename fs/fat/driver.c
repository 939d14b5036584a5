/*
 * driver.c - the driver's descriptor.
 */
#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "kernel/dev/driver.h"
#include "kernel/module/info.h"

DRIVER_INFO("fat", "1.0", "MIT", "FAT12, FAT16 and FAT32 file systems");
DRIVER_DRIVES("signature 54 464154");   /* "FAT" of FAT12 and FAT16 */
DRIVER_DRIVES("signature 82 464154");   /* of FAT32 */

static const struct driver driver_fat = {
    .name = "fat",
    .order = 60,
    .mount_fs = fat_mount,
    .format_fs = fat_format,
    .check_fs = fat_check,
};
DRIVER(driver_fat);
