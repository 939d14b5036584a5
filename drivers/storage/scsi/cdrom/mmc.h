/*
 * mmc.h - the commands that only drives of the multimedia command set have (MMC-5 chapter 6), and
 * the offsets in their answers.
 */
#ifndef DRIVERS_STORAGE_SCSI_CDROM_MMC_H
#define DRIVERS_STORAGE_SCSI_CDROM_MMC_H

enum mmc_operation {
    MMC_READ_TOC = 0x43,
    MMC_GET_CONFIGURATION = 0x46,
    MMC_GET_EVENT_STATUS = 0x4a,
    MMC_READ_DISC_INFORMATION = 0x51,
};

enum {
    /* READ DISC INFORMATION (6.22) */
    MMC_DISC_INFORMATION_BYTES = 34,
    MMC_DISC_STATUS = 2,
    MMC_DISC_STATUS_MASK = 3, /* 0: empty */

    /* GET CONFIGURATION (6.6): only the header is requested */
    MMC_CONFIGURATION_BYTES = 8,
    MMC_CURRENT_PROFILE = 6,

    /* GET EVENT STATUS NOTIFICATION, class media */
    MMC_EVENT_POLLED = 1,           /* byte 1 of the CDB */
    MMC_EVENT_CLASSES = 4,          /* the byte of the CDB that has a bit for each class */
    MMC_EVENT_CLASS_MEDIA = 4,      /* a bit in the request, a number in the answer */
    MMC_EVENT_BYTES = 8,
    MMC_EVENT_CLASS = 2,
    MMC_EVENT_CLASS_MASK = 7,
    MMC_EVENT_NONE_AVAILABLE = 0x80, /* in the same byte */
    MMC_EVENT_CODE = 4,
    MMC_EVENT_CODE_MASK = 0xf,
    MMC_EVENT_EJECT_REQUEST = 1,
};

#endif
