/*
 * unit.c - builds the commands that every SCSI unit knows and decodes their answers.
 */
#include "drivers/storage/scsi/unit.h"
#include "kernel/dev/deadlines.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* Offsets and lengths of the answers. */
enum {
    INQUIRY_BYTES = 36, /* the standard data that every unit has (SPC-3 6.4.2) */
    INQUIRY_DEVICE_TYPE = 0,
    INQUIRY_DEVICE_TYPE_MASK = 0x1f,
    INQUIRY_REMOVABLE = 1,
    INQUIRY_REMOVABLE_BIT = 0x80,
    INQUIRY_VENDOR = 8,
    INQUIRY_PRODUCT = 16,
    INQUIRY_REVISION = 32,
    INQUIRY_PAGE_WANTED = 1, /* of the CDB: EVPD */

    LUNS_HEADER_BYTES = 8, /* the list's length in bytes, then 4 reserved ones */
    LUN_BYTES = 8,

    CAPACITY_10_BYTES = 8,
    CAPACITY_10_BLOCK_BYTES = 4,
    CAPACITY_16_BYTES = 32,
    CAPACITY_16_BLOCK_BYTES = 8,
    ACTION_READ_CAPACITY_16 = 0x10,
};

static const struct scsi_outcome too_short = { SENSE_RETRY, -EIO };

static void put_be16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_be32(uint8_t *at, uint32_t value)
{
    put_be16(at, value >> 16);
    put_be16(at + 2, value);
}

/* Runs a query. SENSE_RETRY (-EIO) if the answer has fewer than `least` bytes. */
static struct scsi_outcome ask(struct scsi_client *client, struct scsi_query *query,
                               uint32_t least)
{
    struct scsi_outcome outcome = scsi_execute_insisting(client, query);
    return outcome.action == SENSE_DONE && query->done_bytes < least ? too_short : outcome;
}

/* ---- queries ------------------------------------------------------------------------------ */

struct scsi_outcome scsi_test_ready(struct scsi_client *client)
{
    struct scsi_query query = { .cdb = { SCSI_TEST_UNIT_READY } };
    return scsi_execute(client, &query);
}

/* text[field.length + 1] gets the field (SPC-3 4.4.1). */
static void copy_text(char *text, struct bytes field)
{
    text_copy_field(text, field.length + 1, field.data, field.length);
}

struct scsi_outcome scsi_inquire(struct scsi_client *client, struct scsi_identity *identity)
{
    uint8_t answer[INQUIRY_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { SCSI_INQUIRY, [CDB_6_LENGTH] = INQUIRY_BYTES },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };

    struct scsi_outcome outcome = ask(client, &query, INQUIRY_BYTES);
    if (outcome.action != SENSE_DONE)
        return outcome;

    /* The qualifier in the upper bits matters only to transports that ask for absent units. */
    struct bytes data = { answer, sizeof(answer) };
    identity->device_type = bytes_u8(data, INQUIRY_DEVICE_TYPE) & INQUIRY_DEVICE_TYPE_MASK;
    identity->removable = bytes_u8(data, INQUIRY_REMOVABLE) & INQUIRY_REMOVABLE_BIT;

    /* Each field is one byte shorter than the array that it is copied to. */
    copy_text(identity->vendor, bytes_slice(data, INQUIRY_VENDOR, sizeof(identity->vendor) - 1));
    copy_text(identity->product,
              bytes_slice(data, INQUIRY_PRODUCT, sizeof(identity->product) - 1));
    copy_text(identity->revision,
              bytes_slice(data, INQUIRY_REVISION, sizeof(identity->revision) - 1));
    return outcome;
}

struct scsi_outcome scsi_report_luns(struct scsi_client *client, uint64_t luns[SCSI_LUNS_MAX],
                                     unsigned *count)
{
    uint8_t answer[LUNS_HEADER_BYTES + SCSI_LUNS_MAX * LUN_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { SCSI_REPORT_LUNS },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };

    /* The unit cuts a list of more units at this length (SPC-3 6.21). */
    put_be32(query.cdb + CDB_12_LENGTH, sizeof(answer));
    struct scsi_outcome outcome = ask(client, &query, LUNS_HEADER_BYTES);
    if (outcome.action != SENSE_DONE)
        return outcome;

    /* The length is that of the whole list, which may be longer than what arrived. */
    struct bytes data = { answer, query.done_bytes };
    struct bytes list = bytes_slice(data, LUNS_HEADER_BYTES, bytes_be32(data, 0));

    /* A list that was cut off in the middle of an entry loses that entry. */
    *count = (unsigned)(list.length / LUN_BYTES);
    for (unsigned i = 0; i < *count; i++)
        luns[i] = bytes_be64(list, i * LUN_BYTES);
    return outcome;
}

struct scsi_outcome scsi_read_capacity_10(struct scsi_client *client,
                                          struct scsi_capacity *capacity)
{
    uint8_t answer[CAPACITY_10_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { SCSI_READ_CAPACITY_10 },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };

    struct scsi_outcome outcome = ask(client, &query, CAPACITY_10_BYTES);
    struct bytes data = { answer, sizeof(answer) };

    /* If the command failed these are zero; the caller looks at the outcome first. */
    capacity->last_block = bytes_be32(data, 0);
    capacity->block_bytes = bytes_be32(data, CAPACITY_10_BLOCK_BYTES);
    return outcome;
}

struct scsi_outcome scsi_read_capacity_16(struct scsi_client *client,
                                          struct scsi_capacity *capacity)
{
    uint8_t answer[CAPACITY_16_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { SCSI_SERVICE_ACTION_IN_16, ACTION_READ_CAPACITY_16 },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };

    put_be32(query.cdb + CDB_16_LENGTH, sizeof(answer));

    /* Protection and alignment follow; units may leave them out. */
    struct scsi_outcome outcome = ask(client, &query, CAPACITY_16_BLOCK_BYTES + 4);
    struct bytes data = { answer, sizeof(answer) };

    capacity->last_block = bytes_be64(data, 0);
    capacity->block_bytes = bytes_be32(data, CAPACITY_16_BLOCK_BYTES);
    return outcome;
}

/* ---- actions ------------------------------------------------------------------------------ */

struct scsi_outcome scsi_start_stop(struct scsi_client *client, enum scsi_motion motion)
{
    /* Motors and trays take seconds: the deadline is longer than that of other queries. */
    struct scsi_query query = {
        .cdb = { SCSI_START_STOP_UNIT, [CDB_6_ACTION] = (uint8_t)motion },
        .timeout_us = DEADLINE_PACKET_MOTION_US,
    };
    return scsi_execute_insisting(client, &query);
}

struct scsi_outcome scsi_prevent_removal(struct scsi_client *client, bool prevent)
{
    struct scsi_query query = { .cdb = { SCSI_PREVENT_ALLOW, [CDB_6_ACTION] = prevent } };
    return scsi_execute_insisting(client, &query);
}

struct scsi_outcome scsi_mode_sense(struct scsi_client *client, uint8_t page, void *answer,
                                    uint16_t bytes, uint32_t *done_bytes)
{
    struct scsi_query query = {
        .cdb = { SCSI_MODE_SENSE_10, [CDB_10_PAGE] = page },
        .answer = answer,
        .answer_bytes = bytes,
    };

    /* No least length: which bytes are needed depends on the page, so the caller looks at
     * *done_bytes. */
    put_be16(query.cdb + CDB_10_LENGTH, bytes);
    struct scsi_outcome outcome = scsi_execute_insisting(client, &query);
    *done_bytes = query.done_bytes;
    return outcome;
}

struct scsi_outcome scsi_inquire_page(struct scsi_client *client, uint8_t page, void *answer,
                                      uint16_t bytes, uint32_t *done_bytes)
{
    struct scsi_query query = {
        .cdb = { SCSI_INQUIRY, INQUIRY_PAGE_WANTED, [CDB_6_PAGE] = page },
        .answer = answer,
        .answer_bytes = bytes,
    };

    /* Since SPC-3 the allocation length has two bytes. Older units reserve the first, which is 0
     * for short answers. */
    put_be16(query.cdb + CDB_6_LENGTH - 1, bytes);
    struct scsi_outcome outcome = scsi_execute_insisting(client, &query);
    *done_bytes = query.done_bytes;
    return outcome;
}

/* ---- transfers ------------------------------------------------------------------------------ */

void scsi_build_transfer(uint8_t cdb[SCSI_CDB_BYTES], enum io_op op, uint64_t lba, uint32_t blocks)
{
    memset(cdb, 0, SCSI_CDB_BYTES);

    /* Only the longest has 64 bits for the address, and 32 for the count. */
    if (lba > UINT32_MAX || blocks > SCSI_10_BLOCKS_MAX) {
        cdb[0] = op == IO_WRITE ? SCSI_WRITE_16 : SCSI_READ_16;
        put_be32(cdb + CDB_16_LBA, (uint32_t)(lba >> 32));
        put_be32(cdb + CDB_16_LBA + 4, (uint32_t)lba);
        put_be32(cdb + CDB_16_LENGTH, blocks);
    } else {
        /* Preferred wherever it fits: many CD drives do not know the long form. */
        cdb[0] = op == IO_WRITE ? SCSI_WRITE_10 : SCSI_READ_10;
        put_be32(cdb + CDB_10_LBA, (uint32_t)lba);
        put_be16(cdb + CDB_10_LENGTH, blocks);
    }
}

void scsi_build_flush(uint8_t cdb[SCSI_CDB_BYTES])
{
    /* Address 0 and count 0 are all blocks (SBC-3 5.20). */
    memset(cdb, 0, SCSI_CDB_BYTES);
    cdb[0] = SCSI_SYNCHRONIZE_CACHE_10;
}
