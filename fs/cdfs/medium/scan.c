/*
 * scan.c - directory records, in order (ECMA-119 6.8.1, 9.1).
 *
 * A directory is a run of sectors. Records follow each other and never cross the end of a sector;
 * the rest of a sector is zeros. So an invalid record costs the rest of its sector only, and the
 * scan resumes at the next one.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"

/* 6.8.2.2: the identifiers of "." and ".." */
enum { IDENTIFIER_SELF = 0, IDENTIFIER_PARENT = 1 };

/* ---- one record --------------------------------------------------------------------------- */

static bool has_identifier(const struct cdfs_record *record, uint8_t byte)
{
    return record->identifier.length == 1 && record->identifier.data[0] == byte;
}

bool cdfs_record_is_self(const struct cdfs_record *record)
{
    return has_identifier(record, IDENTIFIER_SELF);
}

bool cdfs_record_is_parent(const struct cdfs_record *record)
{
    return has_identifier(record, IDENTIFIER_PARENT);
}

bool cdfs_record_is_dot(const struct cdfs_record *record)
{
    return cdfs_record_is_self(record) || cdfs_record_is_parent(record);
}

bool cdfs_record_decode(struct cdfs *cdfs, struct bytes raw, uint64_t address,
                        struct cdfs_record *record)
{
    /* Check the record's length against its sector, and the identifier's against the record. */
    size_t length = iso_711(raw, DR_LENGTH), id_length = iso_711(raw, DR_ID_LENGTH);
    if (length < DR_BYTES_MIN || length > raw.length || !id_length || DR_ID + id_length > length)
        return false;

    /* Copied, since the cache's page is unpinned before the record is used up. */
    memcpy(record->raw, raw.data, length);
    struct bytes b = { record->raw, length };
    bool agree = true;
    record->address = address;

    /* The extended attribute record precedes the data, within the extent (9.5). */
    uint64_t block = iso_733(b, DR_EXTENT, &agree);
    record->data_address = (block + iso_711(b, DR_XAR_BLOCKS)) * cdfs->block_bytes;
    record->data_bytes = iso_733(b, DR_DATA_BYTES, &agree);

    /* High Sierra's date has no zone, so its flags are one byte earlier. */
    record->flags = iso_711(b, cdfs->high_sierra ? HS_DR_FLAGS : DR_FLAGS);
    record->unit_blocks = iso_711(b, DR_UNIT_BLOCKS);
    record->gap_blocks = iso_711(b, DR_GAP_BLOCKS);
    record->sequence_number = iso_723(b, DR_SEQUENCE_NUMBER, &agree);
    record->identifier = bytes_slice(b, DR_ID, id_length);

    /* 9.1.12: a padding byte after identifiers of even length */
    size_t system_use = DR_ID + id_length + (id_length % 2 ? 0 : 1);
    record->system_use = bytes_slice(b, system_use, length);

    /* The little-endian halves were used, as almost all systems do. */
    if (!agree)
        cdfs_anomaly(cdfs, ANOMALY_BOTH_ENDIAN);
    return true;
}

/* ---- scanning ----------------------------------------------------------------------------- */

void cdfs_scan_begin(struct cdfs_scan *scan, struct cdfs *cdfs, uint64_t address, uint64_t end)
{
    *scan = (struct cdfs_scan){ .cdfs = cdfs, .address = address, .end = end };
}

void cdfs_scan_end(struct cdfs_scan *scan)
{
    if (scan->view.page)
        cache_view_close(&scan->view);
}

/* Makes scan->view hold the bytes at scan->address. -EIO past the end of the device. */
static status_t scan_load(struct cdfs_scan *scan)
{
    /* Records that follow each other are mostly in the same view. */
    if (scan->view.page && scan->address >= scan->view_address &&
        scan->address - scan->view_address < scan->view.length_bytes)
        return 0;

    /* At most one page is pinned at a time. */
    cdfs_scan_end(scan);
    ssize_t got = cache_view_open(&scan->cdfs->meta, scan->address, &scan->view);
    scan->view_address = scan->address;
    if (got > 0)
        return 0;
    scan->view.page = NULL;
    return got ? (status_t)got : -EIO;
}

static uint64_t sector_end(uint64_t address)
{
    return (address / ISO_SECTOR_BYTES + 1) * ISO_SECTOR_BYTES;
}

int cdfs_scan_next(struct cdfs_scan *scan, struct cdfs_record *record)
{
    while (scan->address < scan->end) {
        status_t status = scan_load(scan);
        if (status)
            return status;

        /* A record must fit in what is left of its sector and of the directory. */
        size_t offset = (size_t)(scan->address - scan->view_address);
        uint64_t limit = sector_end(scan->address);
        limit = min(limit, scan->end);
        struct bytes raw = bytes_slice((struct bytes){ scan->view.data, scan->view.length_bytes },
                                       offset, (size_t)(limit - scan->address));
        uint8_t length = iso_711(raw, DR_LENGTH);
        if (length && cdfs_record_decode(scan->cdfs, raw, scan->address, record)) {
            scan->address += length;
            return 1;
        }

        /* A zero length ends the sector, not the directory (6.8.1.1). After an invalid record, too,
         * the next one is certain to begin only at the next sector. */
        if (length) {
            cdfs_anomaly(scan->cdfs, ANOMALY_RECORD);
            scan->skipped++;
        }
        scan->address = sector_end(scan->address);
    }
    return 0;
}

status_t cdfs_record_at(struct cdfs *cdfs, uint64_t address, struct cdfs_record *record)
{
    struct cdfs_scan scan;

    /* The scan starts at the record and ends with its sector. */
    cdfs_scan_begin(&scan, cdfs, address, sector_end(address));
    int got = cdfs_scan_next(&scan, record);
    cdfs_scan_end(&scan);
    if (got < 0)
        return got;

    /* At another address, the scan has skipped something that is not a record. */
    return got && record->address == address ? 0 : -EUCLEAN;
}

bool cdfs_record_is_associated(struct cdfs *cdfs, const struct cdfs_record *record,
                               struct cdfs_record *before)
{
    /* Records can only be found from the start of a sector: of this record's, or of the one
     * before if this record is the first in its sector. */
    uint64_t start = (record->address - 1) / ISO_SECTOR_BYTES * ISO_SECTOR_BYTES;
    bool found = false;
    struct cdfs_scan scan;

    /* The last comparison counts. An unreadable sector is reported where it is listed. */
    cdfs_scan_begin(&scan, cdfs, start, record->address);
    while (cdfs_scan_next(&scan, before) > 0)
        found = before->flags & DR_FLAG_ASSOCIATED &&
                before->identifier.length == record->identifier.length &&
                memcmp(before->identifier.data, record->identifier.data,
                       before->identifier.length) == 0;
    cdfs_scan_end(&scan);
    return found;
}

/* ---- volume descriptors ------------------------------------------------------------------- */

bool cdfs_descriptor_is_joliet(struct bytes b)
{
    uint8_t level = iso_711(b, SVD_ESCAPES + 2);

    /* The escape sequences are %/@, %/C and %/E. */
    return iso_711(b, VD_VERSION) == 1 && iso_711(b, SVD_ESCAPES) == '%' &&
           iso_711(b, SVD_ESCAPES + 1) == '/' && (level == '@' || level == 'C' || level == 'E');
}
