/*
 * mbr.c - the master boot record, and the chain of extended boot records (UEFI 5.2).
 *
 * An extended partition begins with an extended boot record: a sector of the same form, with an
 * entry for one logical partition, counted from this sector, and an entry that leads to the next
 * record, counted from the start of the extended partition.
 */
#include "lib/partition/decode.h"
#include "lib/partition/layout.h"
#include "lib/string.h"

enum {
    SIGNATURE_VALUE = 0xaa55,
    STATUS_ACTIVE = 0x80,
    LOGICAL_FIRST = 5, /* the number of the first logical partition */

    /* Of the boot sector of a volume: the name of the system that made it, and of FAT types. */
    OEM_NAME = 3,
    FAT16_NAME = 54,
    FAT32_NAME = 82,
};

struct entry {
    uint8_t status, type;
    uint32_t first, count;
};

/* ---- one sector --------------------------------------------------------------------------- */

static struct entry entry_read(struct bytes sector, unsigned i)
{
    struct bytes b = bytes_slice(sector, MBR_TABLE + i * MBR_ENTRY_BYTES, MBR_ENTRY_BYTES);
    return (struct entry){
        .status = bytes_u8(b, MBR_STATUS),
        .type = bytes_u8(b, MBR_TYPE),
        .first = bytes_le32(b, MBR_FIRST),
        .count = bytes_le32(b, MBR_COUNT),
    };
}

static bool entry_is_used(const struct entry *entry)
{
    /* Systems leave either of them 0 in an entry that is not used. */
    return entry->type && entry->count;
}

static bool entry_is_extended(const struct entry *entry)
{
    return entry->type == MBR_TYPE_EXTENDED || entry->type == MBR_TYPE_EXTENDED_LBA ||
           entry->type == MBR_TYPE_EXTENDED_LINUX;
}

static struct bytes mbr_bytes(const struct mbr *mbr)
{
    return (struct bytes){ mbr->bytes, sizeof(mbr->bytes) };
}

static bool begins_with(struct bytes sector, size_t at, const char *text)
{
    return bytes_has(sector, at, strlen(text)) && !memcmp(sector.data + at, text, strlen(text));
}

/* The first sector of a volume has the signature of a table, too. */
static bool is_boot_sector(struct bytes sector)
{
    return begins_with(sector, OEM_NAME, "NTFS    ") ||
           begins_with(sector, OEM_NAME, "EXFAT   ") ||
           begins_with(sector, OEM_NAME, "-FVE-FS-") ||
           begins_with(sector, FAT16_NAME, "FAT1") || begins_with(sector, FAT32_NAME, "FAT32");
}

bool mbr_is_table(const struct mbr *mbr)
{
    /* The signature alone does not prove it: every boot sector has it. */
    struct bytes sector = mbr_bytes(mbr);
    bool used = false;
    if (bytes_le16(sector, MBR_SIGNATURE) != SIGNATURE_VALUE || is_boot_sector(sector))
        return false;

    /* In other boot sectors, code or text is here: hardly ever 00 or 80 in all four places. */
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        struct entry entry = entry_read(sector, i);
        if (entry.status && entry.status != STATUS_ACTIVE)
            return false;
        used = used || entry_is_used(&entry);
    }
    return used;
}

bool mbr_is_protective(const struct mbr *mbr)
{
    /* In any place: a hybrid MBR has other entries beside it. */
    for (unsigned i = 0; i < MBR_ENTRIES; i++)
        if (entry_read(mbr_bytes(mbr), i).type == MBR_TYPE_PROTECTIVE)
            return true;
    return false;
}

static void add(struct decoder *decoder, unsigned number, uint64_t first,
                const struct entry *entry)
{
    struct partition *partition = decoder_add(decoder, number, first, entry->count);
    if (partition)
        type_name_mbr(entry->type, partition->type);
}

/* ---- the chain ---------------------------------------------------------------------------- */

/* Records that the chain is at a record, relative to the start of the extended partition. Returns
 * false, with a note, if it was there before or is too long. */
static bool chain_enter(struct decoder *decoder, uint32_t record)
{
    struct partition_table *table = decoder->table;

    /* A record may lead back to an earlier one; without this check the chain would have no end. */
    for (unsigned i = 0; i < table->chain_length; i++)
        if (table->chain[i] == record) {
            decoder_note(decoder, "the chain of extended boot records is a loop; left there");
            return false;
        }
    if (table->chain_length == PARTITION_COUNT_MAX) {
        decoder_note(decoder, "more than %d extended boot records; the rest is left out",
                     PARTITION_COUNT_MAX);
        return false;
    }
    table->chain[table->chain_length++] = record;
    return true;
}

/* Reads the record and finds its two entries; of each kind the first counts. */
static bool chain_read(struct decoder *decoder, uint64_t sector, struct entry *logical,
                       struct entry *link)
{
    struct bytes b;
    *logical = *link = (struct entry){ 0 };
    if (decoder_read(decoder, sector, 1, &b) || bytes_le16(b, MBR_SIGNATURE) != SIGNATURE_VALUE) {
        decoder_note(decoder, "extended boot record %llu: unreadable or without signature",
                     (unsigned long long)sector);
        return false;
    }

    /* Usually the partition is the first entry and the link the second; some systems write them
     * elsewhere. */
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        struct entry entry = entry_read(b, i);
        struct entry *kind = entry_is_extended(&entry) ? link : logical;
        if (entry_is_used(&entry) && !entry_is_used(kind))
            *kind = entry;
    }
    return true;
}

/* Adds the logical partitions of an extended partition. Returns the next free number. */
static unsigned chain_decode(struct decoder *decoder, const struct entry *extended,
                             unsigned number)
{
    struct entry logical, link = { 0 };

    /* Each extended partition has a chain of its own, in the same memory. */
    decoder->table->chain_length = 0;
    do {
        uint64_t sector = (uint64_t)extended->first + link.first;
        uint64_t left = extended->count - link.first;
        if (!chain_enter(decoder, link.first) ||
            !chain_read(decoder, sector, &logical, &link))
            break;

        /* A partition outside its extended one could cover any other. */
        if (entry_is_used(&logical)) {
            if (!logical.first || logical.first >= left || logical.count > left - logical.first)
                decoder_note(decoder, "partition %u is not inside its extended one; left out",
                             number);
            else
                add(decoder, number, sector + logical.first, &logical);
            number++;
        }

        /* A link may lead back, but not out: other partitions are there, and their contents are not
         * records. */
        if (link.first >= extended->count) {
            decoder_note(decoder, "an extended boot record leads out of its partition");
            break;
        }
    } while (entry_is_used(&link));
    return number;
}

void mbr_decode(struct decoder *decoder, const struct mbr *mbr)
{
    /* The table's own partitions first: where they overlap with logical ones, they stay. */
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        struct entry entry = entry_read(mbr_bytes(mbr), i);
        if (entry_is_used(&entry) && !entry_is_extended(&entry) &&
            entry.type != MBR_TYPE_PROTECTIVE)
            add(decoder, i + 1, entry.first, &entry);
    }

    /* Numbers continue over several extended partitions, so they stay unique. */
    unsigned number = LOGICAL_FIRST;
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        struct entry entry = entry_read(mbr_bytes(mbr), i);
        if (entry_is_used(&entry) && entry_is_extended(&entry))
            number = chain_decode(decoder, &entry, number);
    }
}
