/*
 * table.c - the file allocation table: reads and changes its entries.
 *
 * An entry of FAT12 has 12 bits, so two entries share three bytes; one of FAT32 has 28 bits, and
 * the other 4 stay as they are. The first copy of the table is read (of a FAT32 volume without
 * mirroring: the active one), and all copies are written.
 */
#include "fs/fat/fat.h"
#include "fs/fat/table.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    PIECE_ENTRIES = 128, /* that are changed at once; even, so that a piece has whole pairs */
    PIECE_BYTES = PIECE_ENTRIES * 4,
    LOAD_BYTES = 510,    /* whole pairs of FAT12 */
};

/* ---- one entry ---------------------------------------------------------------------------- */

uint32_t fat_entry_decode(struct bytes table, unsigned bits, size_t n)
{
    if (bits == 32)
        return bytes_le32(table, n * 4) & ENTRY_MASK;

    /* The highest values have the same meanings in each width. Those below ENTRY_BAD may be
     * clusters, of a volume with as many as there can be. */
    uint32_t value = bytes_le16(table, n * 2), mask = 0xffff;
    if (bits == 12) {
        value = bytes_le16(table, n * 3 / 2);
        value = n % 2 ? value >> 4 : value & 0xfff;
        mask = 0xfff;
    }
    return value >= (ENTRY_BAD & mask) ? value | (ENTRY_MASK & ~mask) : value;
}

/* Stores entry number n of a piece of the table that begins with a whole pair of entries. */
static void entry_encode(uint8_t *table, unsigned bits, size_t n, uint32_t value)
{
    uint8_t *at = table + (bits == 12 ? n * 3 / 2 : n * (bits / 8));
    struct bytes old = { at, bits == 32 ? 4 : 2 };
    if (bits == 32)
        bytes_put_le32(at, (bytes_le32(old, 0) & ~ENTRY_MASK) | value);
    else if (bits == 16)
        bytes_put_le16(at, (uint16_t)value);
    else if (n % 2)
        bytes_put_le16(at, (uint16_t)((bytes_le16(old, 0) & 0xf) | value << 4));
    else
        bytes_put_le16(at, (uint16_t)((bytes_le16(old, 0) & 0xf000) | (value & 0xfff)));
}

/* Returns where the pair of entries is that contains this one. */
static uint64_t pair_offset(unsigned bits, uint32_t cluster)
{
    return bits == 12 ? (uint64_t)(cluster / 2) * 3 : (uint64_t)cluster * (bits / 8);
}

status_t fat_entry_read(struct fat *fat, uint32_t cluster, uint32_t *entry)
{
    unsigned bits = fat->geometry.bits;
    uint8_t raw[4];
    uint64_t at = pair_offset(bits, cluster);
    size_t bytes = bits == 12 ? 3 : bits / 8;
    if (at + bytes > fat->geometry.table_bytes)
        return -EUCLEAN;
    status_t status = fat_read(fat, fat->geometry.table_address + at, raw, bytes);
    struct bytes piece = { raw, bytes };
    *entry = status ? 0 : fat_entry_decode(piece, bits, bits == 12 ? cluster % 2 : 0);
    return status;
}

/* ---- changing ----------------------------------------------------------------------------- */

/* Writes bytes of the table to all of its copies. */
static status_t copies_write(struct fat *fat, enum change_epoch epoch, uint64_t at,
                             const uint8_t *bytes, size_t count)
{
    status_t status = 0;
    for (unsigned i = 0; !status && i < fat->geometry.tables; i++)
        status = changes_write(fat->changes, epoch,
                               fat->geometry.table_address + i * fat->geometry.table_bytes + at,
                               bytes, count);
    return status;
}

/* Changes the entries of at most PIECE_ENTRIES clusters. */
static status_t piece_write(struct fat *fat, enum change_epoch epoch,
                            const struct fat_entries *entries, uint32_t first, uint32_t count)
{
    unsigned bits = fat->geometry.bits;
    uint8_t raw[PIECE_BYTES + 4];
    uint64_t at = pair_offset(bits, first);
    uint32_t even = bits == 12 ? first & ~1u : first;
    size_t bytes = bits == 12 ? ((size_t)(first + count - even) * 3 + 1) / 2
                              : (size_t)count * (bits / 8);
    if (at + bytes > fat->geometry.table_bytes)
        return -EUCLEAN;

    /* FAT16 has whole entries. The others share bytes or words with what must stay. */
    status_t status =
        bits == 16 ? 0 : fat_read(fat, fat->geometry.table_address + at, raw, bytes);
    if (status)
        return status;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t cluster = first + i, value = cluster + 1;
        if (!entries->chained)
            value = ENTRY_FREE;
        else if (cluster == entries->first + entries->count - 1)
            value = entries->next;
        entry_encode(raw, bits, cluster - even, value & ENTRY_MASK);
    }

    /* An odd first entry of FAT12 begins within the pair's second byte. */
    size_t skip = bits == 12 && first % 2 ? 1 : 0;
    return copies_write(fat, epoch, at + skip, raw + skip, bytes - skip);
}

status_t fat_entries_write(struct fat *fat, enum change_epoch epoch,
                           const struct fat_entries *entries)
{
    uint32_t done = 0;
    status_t status = 0;
    while (!status && done < entries->count) {
        uint32_t count = min(entries->count - done, (uint32_t)PIECE_ENTRIES - 1);
        status = piece_write(fat, epoch, entries, entries->first + done, count);
        done += count;
    }
    return status;
}

status_t fat_entry_write(struct fat *fat, enum change_epoch epoch, uint32_t cluster,
                         uint32_t value)
{
    struct fat_entries entry = { .first = cluster, .count = 1, .chained = true, .next = value };
    return fat_entries_write(fat, epoch, &entry);
}

/* ---- free clusters ------------------------------------------------------------------------ */

status_t fat_clusters_load(struct clusters *clusters, uint32_t first, uint32_t count,
                           uint8_t *used)
{
    struct fat *fat = container_of(clusters, struct fat, clusters);
    unsigned bits = fat->geometry.bits;
    uint8_t raw[LOAD_BYTES];
    uint32_t step = LOAD_BYTES * 8 / bits & ~1u;
    status_t status = 0;

    /* The map counts from 0, and groups begin at even numbers: so do the entries read here. */
    memset(used, 0, (count + 7) / 8);
    for (uint32_t done = 0; !status && done < count; done += step) {
        uint32_t here = min(step, count - done);
        uint64_t at = pair_offset(bits, first + done + FAT_FIRST_CLUSTER);
        size_t bytes = ((size_t)here * bits + 7) / 8;
        if (at + bytes > fat->geometry.table_bytes)
            return -EUCLEAN;
        status = fat_read(fat, fat->geometry.table_address + at, raw, bytes);
        for (uint32_t i = 0; !status && i < here; i++)
            if (fat_entry_decode((struct bytes){ raw, bytes }, bits, i) != ENTRY_FREE)
                used[(done + i) / 8] |= (uint8_t)(1 << (done + i) % 8);
    }
    return status;
}
