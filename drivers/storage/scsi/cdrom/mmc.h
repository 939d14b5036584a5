/*
 * mmc.h - the command packets that a CD drive is sent (MMC-5 chapter 6).
 */
#ifndef DRIVERS_STORAGE_SCSI_CDROM_MMC_H
#define DRIVERS_STORAGE_SCSI_CDROM_MMC_H

#include <stdint.h>

enum mmc_operation {
    MMC_TEST_UNIT_READY = 0x00,
    MMC_START_STOP_UNIT = 0x1b,
    MMC_PREVENT_ALLOW = 0x1e,
    MMC_READ_CAPACITY = 0x25,
    MMC_READ_10 = 0x28,
    MMC_READ_TOC = 0x43,
    MMC_GET_CONFIGURATION = 0x46,
    MMC_GET_EVENT_STATUS = 0x4a,
    MMC_READ_DISC_INFORMATION = 0x51,
};

enum {
    MMC_READ_10_BLOCKS_MAX = 0xffff,
    MMC_EJECT = 2, /* START STOP UNIT, byte 4: LoEj */
    MMC_LOAD = 3,  /* LoEj, Start */

    MMC_CAPACITY_BYTES = 8,         /* last block, block length; both big-endian */
    MMC_DISC_INFORMATION_BYTES = 34,
    MMC_DISC_STATUS_MASK = 3,       /* of byte 2; 0: empty */

    MMC_CONFIGURATION_BYTES = 8, /* the header, which ends with the current profile */
    MMC_PROFILE_OFFSET = 6,

    MMC_EVENT_BYTES = 8,
    MMC_EVENT_CLASS_MEDIA = 4,      /* asked for as a bit, answered as a number */
    MMC_EVENT_NONE_AVAILABLE = 0x80,
    MMC_EVENT_EJECT_REQUEST = 1,
};

static inline void mmc_build_read_10(uint8_t *cdb, uint32_t lba, uint32_t blocks)
{
    cdb[0] = MMC_READ_10;
    cdb[2] = (uint8_t)(lba >> 24);
    cdb[3] = (uint8_t)(lba >> 16);
    cdb[4] = (uint8_t)(lba >> 8);
    cdb[5] = (uint8_t)lba;
    cdb[7] = (uint8_t)(blocks >> 8);
    cdb[8] = (uint8_t)blocks;
}

#endif
