/*
 * unit.h - the commands that every SCSI unit knows, or every one with blocks.
 *
 * Interface   Each function builds one CDB and runs it by scsi_execute_insisting(), except
 *             scsi_test_ready(), whose answer is the event. They wait: threads only.
 *             scsi_build_*() only build, for drivers that submit by themselves.
 * Errors      As sense.h maps them; -EIO for an answer that is too short to use.
 * References  SPC-3 6.4 (INQUIRY), 6.10 (MODE SENSE(10)), 6.13 (PREVENT ALLOW), 6.21 (REPORT LUNS),
 *             6.33 (TEST UNIT READY); SBC-3 5.8 and 5.11 (READ), 5.15 and 5.16 (READ CAPACITY),
 *             5.19 (START STOP UNIT), 5.20 (SYNCHRONIZE CACHE), 5.32 and 5.34 (WRITE).
 */
#ifndef DRIVERS_STORAGE_SCSI_UNIT_H
#define DRIVERS_STORAGE_SCSI_UNIT_H

#include "drivers/storage/scsi/command.h"

enum scsi_operation {
    SCSI_TEST_UNIT_READY = 0x00,
    SCSI_REQUEST_SENSE = 0x03, /* the queue's own: kernel/dev/packet_queue.c */
    SCSI_INQUIRY = 0x12,
    SCSI_START_STOP_UNIT = 0x1b,
    SCSI_PREVENT_ALLOW = 0x1e,
    SCSI_READ_CAPACITY_10 = 0x25,
    SCSI_READ_10 = 0x28,
    SCSI_WRITE_10 = 0x2a,
    SCSI_SYNCHRONIZE_CACHE_10 = 0x35,
    SCSI_MODE_SENSE_10 = 0x5a,
    SCSI_READ_16 = 0x88,
    SCSI_WRITE_16 = 0x8a,
    SCSI_SERVICE_ACTION_IN_16 = 0x9e,
    SCSI_REPORT_LUNS = 0xa0,
};

/* Offsets of fields in CDBs, by the CDB's length. Numbers of several bytes have their high byte
 * first. */
enum {
    CDB_6_PAGE = 2,   /* of INQUIRY */
    CDB_6_LENGTH = 4, /* the last byte of INQUIRY's allocation length */
    CDB_6_ACTION = 4, /* of START STOP UNIT and PREVENT ALLOW: what to do */
    CDB_10_PAGE = 2,  /* of MODE SENSE */
    CDB_10_LBA = 2,
    CDB_10_LENGTH = 7, /* 2 bytes */
    CDB_12_LBA = 2,
    CDB_12_LENGTH = 6,
    CDB_16_LBA = 2, /* 8 bytes */
    CDB_16_LENGTH = 10,
};

/* START STOP UNIT's power condition bits. */
enum scsi_motion { SCSI_STOP = 0, SCSI_START = 1, SCSI_EJECT = 2, SCSI_LOAD = 3 };

enum { SCSI_10_BLOCKS_MAX = 0xffff, SCSI_LUNS_MAX = 32 };

struct scsi_identity {
    uint8_t device_type;   /* INQUIRY's peripheral device type */
    bool removable;
    char vendor[9], product[17], revision[5]; /* trimmed, printable ASCII */
};

struct scsi_capacity {
    uint64_t last_block;
    uint32_t block_bytes;
};

/* Asks once whether the unit is ready. */
struct scsi_outcome scsi_test_ready(struct scsi_client *client);
struct scsi_outcome scsi_inquire(struct scsi_client *client, struct scsi_identity *identity);
/* Lists the logical units of the target; those beyond SCSI_LUNS_MAX are left out. */
struct scsi_outcome scsi_report_luns(struct scsi_client *client, uint64_t luns[SCSI_LUNS_MAX],
                                     unsigned *count);
/* Sends READ CAPACITY(10). If last_block is UINT32_MAX, only scsi_read_capacity_16() returns it. */
struct scsi_outcome scsi_read_capacity_10(struct scsi_client *client,
                                          struct scsi_capacity *capacity);
struct scsi_outcome scsi_read_capacity_16(struct scsi_client *client,
                                          struct scsi_capacity *capacity);
/* Starts, stops, loads or ejects, and waits until that is done. */
struct scsi_outcome scsi_start_stop(struct scsi_client *client, enum scsi_motion motion);
/* Locks or unlocks the door. */
struct scsi_outcome scsi_prevent_removal(struct scsi_client *client, bool prevent);
/* Reads the current values of a mode page, with its header. *done_bytes: valid ones. */
struct scsi_outcome scsi_mode_sense(struct scsi_client *client, uint8_t page, void *answer,
                                    uint16_t bytes, uint32_t *done_bytes);

/* Reads a page of vital product data. *done_bytes: valid ones. */
struct scsi_outcome scsi_inquire_page(struct scsi_client *client, uint8_t page, void *answer,
                                      uint16_t bytes, uint32_t *done_bytes);

/* Builds the shortest READ or WRITE that reaches those blocks: (10) or (16). */
void scsi_build_transfer(uint8_t cdb[SCSI_CDB_BYTES], enum io_op op, uint64_t lba,
                         uint32_t blocks);
/* Builds a SYNCHRONIZE CACHE(10) of the whole medium. */
void scsi_build_flush(uint8_t cdb[SCSI_CDB_BYTES]);

#endif
