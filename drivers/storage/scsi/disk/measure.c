/*
 * measure.c - what a disk reports about itself.
 */
#include "drivers/storage/scsi/disk/disk.h"
#include "kernel/dev/geometry.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/macros.h"

enum {
    MEASURE_TRIES = 3,

    /* Pages of vital product data (SPC-3 7.6.1). */
    PAGE_LIST = 0x00,
    PAGE_BLOCK_LIMITS = 0xb0,
    PAGE_CODE = 1,
    PAGE_LENGTH = 2,
    PAGE_HEADER_BYTES = 4,
    LIMITS_BYTES = 64,
    LIMITS_TRANSFER_BLOCKS = 8,

    /* Mode parameters (SPC-3 7.4.3) and the caching page (SBC-3 6.4.5). */
    MODE_BYTES = 192,
    MODE_HEADER_BYTES = 8,
    MODE_SPECIFIC = 3,
    MODE_SPECIFIC_PROTECTED = 0x80,
    MODE_DESCRIPTORS_LENGTH = 6,
    MODE_PAGE_CACHING = 0x08,
    MODE_PAGE_CODE_MASK = 0x3f,
    MODE_PAGE_LENGTH = 1,
    MODE_PAGE_HEADER_BYTES = 2,
    CACHING_FLAGS = 2,
    CACHING_WRITE = 1 << 2, /* WCE */
};

/* ---- limits ------------------------------------------------------------------------------- */

/* Reads a page into `answer`. Returns its bytes after the header; none if the unit sent another
 * page. */
static struct bytes read_page(struct scsi_client *client, uint8_t page, uint8_t *answer,
                              uint16_t bytes, struct scsi_outcome *outcome)
{
    uint32_t done = 0;
    *outcome = scsi_inquire_page(client, page, answer, bytes, &done);
    struct bytes data = { answer, done };
    if (outcome->action != SENSE_DONE || bytes_u8(data, PAGE_CODE) != page)
        return (struct bytes){ answer, 0 };

    /* The length is that of the whole page, which may be longer than what arrived. */
    return bytes_slice(data, PAGE_HEADER_BYTES, bytes_be16(data, PAGE_LENGTH));
}

struct scsi_outcome disk_read_limits(struct scsi_client *client, uint32_t *blocks)
{
    uint8_t answer[LIMITS_BYTES] = { 0 };
    struct scsi_outcome outcome;
    bool listed = false;
    *blocks = 0;

    /* Only pages that are listed are asked for: some old units answer any page with some other. */
    struct bytes list = read_page(client, PAGE_LIST, answer, sizeof(answer), &outcome);
    for (size_t i = 0; i < list.length; i++)
        listed = listed || bytes_u8(list, i) == PAGE_BLOCK_LIMITS;
    if (!listed)
        return outcome;

    struct bytes page = read_page(client, PAGE_BLOCK_LIMITS, answer, sizeof(answer), &outcome);
    *blocks = bytes_be32(page, LIMITS_TRANSFER_BLOCKS - PAGE_HEADER_BYTES);
    return outcome;
}

/* ---- capacity ----------------------------------------------------------------------------- */

/* Asks a few times. A unit that does not answer at all is asked once: it costs its deadline. */
static struct scsi_outcome insist(struct scsi_client *client, struct scsi_capacity *capacity,
                                  struct scsi_outcome (*ask)(struct scsi_client *client,
                                                             struct scsi_capacity *capacity))
{
    struct scsi_outcome outcome = { SENSE_RETRY, -EIO };
    for (unsigned i = 0; i < MEASURE_TRIES && outcome.action == SENSE_RETRY &&
                         outcome.status != -ETIMEDOUT; i++)
        outcome = ask(client, capacity);
    return outcome;
}

/* Reads the capacity by the shorter command, or by the longer one where that is needed. */
static struct scsi_outcome read_capacity(struct scsi_client *client,
                                         struct scsi_capacity *capacity)
{
    struct scsi_outcome outcome = insist(client, capacity, scsi_read_capacity_10);
    bool longer = outcome.action == SENSE_UNSUPPORTED ||
                  (outcome.action == SENSE_DONE && capacity->last_block == UINT32_MAX);
    return longer ? insist(client, capacity, scsi_read_capacity_16) : outcome;
}

/* Returns whether a disk can have this capacity, and why not. */
static bool capacity_is_possible(const struct scsi_capacity *capacity, char *why, size_t bytes)
{
    uint32_t block = capacity->block_bytes;
    if (!block_bytes_valid(block)) {
        format_text(why, bytes, "blocks of %u bytes are not supported", block);
        return false;
    }

    /* Offsets are signed 64-bit numbers for users; all ones is also what a broken unit sends. */
    if (capacity->last_block >= (uint64_t)INT64_MAX / block) {
        format_text(why, bytes, "the last block cannot be number %llu",
                    (unsigned long long)capacity->last_block);
        return false;
    }
    return true;
}

/* ---- mode --------------------------------------------------------------------------------- */

/* Finds the caching page among mode pages, the first of which is at `at`. */
static bool find_caching(struct bytes mode, size_t at, bool *write_cache)
{
    while (bytes_has(mode, at, MODE_PAGE_HEADER_BYTES)) {
        if ((bytes_u8(mode, at) & MODE_PAGE_CODE_MASK) == MODE_PAGE_CACHING) {
            *write_cache = bytes_u8(mode, at + CACHING_FLAGS) & CACHING_WRITE;
            return bytes_has(mode, at, CACHING_FLAGS + 1);
        }
        at += MODE_PAGE_HEADER_BYTES + (size_t)bytes_u8(mode, at + MODE_PAGE_LENGTH);
    }
    return false;
}

/* Reads write protection and the cache's state. A unit without mode pages counts as one that may be
 * written, with a cache. */
static struct scsi_outcome read_mode(struct scsi_client *client, struct disk_medium *medium)
{
    uint8_t answer[MODE_BYTES] = { 0 };
    uint32_t done = 0;
    struct scsi_outcome outcome =
        scsi_mode_sense(client, MODE_PAGE_CACHING, answer, sizeof(answer), &done);
    struct bytes mode = { answer, done };

    medium->read_only = medium->write_cache = false;
    if (outcome.action == SENSE_DONE)
        medium->read_only = bytes_u8(mode, MODE_SPECIFIC) & MODE_SPECIFIC_PROTECTED;

    size_t pages = MODE_HEADER_BYTES + (size_t)bytes_be16(mode, MODE_DESCRIPTORS_LENGTH);
    if (outcome.action != SENSE_DONE || !find_caching(mode, pages, &medium->write_cache))
        medium->write_cache = true;
    return outcome;
}

/* ---- all ---------------------------------------------------------------------------------- */

struct scsi_outcome disk_measure(struct scsi_client *client, struct disk_medium *medium, char *why,
                                 size_t why_bytes)
{
    struct scsi_capacity capacity;
    struct scsi_outcome outcome = read_capacity(client, &capacity);
    if (outcome.action != SENSE_DONE) {
        format_text(why, why_bytes, "the capacity cannot be read: %s", status_text(outcome.status));
        return outcome;
    }
    if (!capacity_is_possible(&capacity, why, why_bytes))
        return (struct scsi_outcome){ SENSE_REFUSED, -EIO };

    medium->blocks = capacity.last_block + 1;
    medium->block_bytes = capacity.block_bytes;

    /* A disk works without a mode, unless the medium or the unit has left. */
    outcome = read_mode(client, medium);
    switch (outcome.action) {
    case SENSE_CHANGED:
    case SENSE_ABSENT:
    case SENSE_GONE:
    case SENSE_INTERRUPTED:
    case SENSE_NO_MEMORY:
        format_text(why, why_bytes, "the mode cannot be read: %s", status_text(outcome.status));
        return outcome;
    default:
        return (struct scsi_outcome){ SENSE_DONE, 0 };
    }
}
