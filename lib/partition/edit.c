/*
 * edit.c - creates partition tables, and adds and deletes partitions; see edit.h.
 */
#include "lib/partition/edit.h"
#include "lib/digest/crc32.h"
#include "lib/identify/identify.h"
#include "lib/macros.h"
#include "lib/partition/layout.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- sectors ------------------------------------------------------------------------------ */

static status_t write_sectors(struct partition_edit *edit, uint64_t sector, const void *data,
                              size_t bytes)
{
    return edit->write(edit, sector * edit->source.sector_bytes, data, bytes);
}

/* Makes a part of the medium read as zeroes. The array of entries is not in use yet. */
static status_t wipe(struct partition_edit *edit, uint64_t sector, uint64_t count)
{
    size_t most = sizeof(edit->entries) / edit->source.sector_bytes;
    status_t status = 0;
    memset(edit->entries, 0, sizeof(edit->entries));
    for (uint64_t step; !status && count; sector += step, count -= step) {
        step = min(count, (uint64_t)most);
        status = write_sectors(edit, sector, edit->entries, step * edit->source.sector_bytes);
    }
    return status;
}

static status_t fail(struct partition_edit *edit, status_t status, const char *why)
{
    edit->why = why;
    return status;
}

/* ---- GPT: loading ------------------------------------------------------------------------- */

/* Returns how many sectors the entries take. */
static uint64_t entries_sectors(const struct partition_edit *edit)
{
    uint64_t bytes = (uint64_t)edit->header.entry_count * edit->header.entry_bytes;
    return (bytes + edit->source.sector_bytes - 1) / edit->source.sector_bytes;
}

/* Reads the header in this sector and checks its entries. Returns NULL, or what is wrong. */
static const char *gpt_try(struct partition_edit *edit, uint64_t sector, struct gpt_header *header)
{
    const char *why = gpt_header_read(&edit->decoder, sector, header);
    return why ? why : gpt_entries_check(&edit->decoder, header);
}

/* Checks that both copies of the table are outside of the partitions: writing them must not destroy
 * contents. */
static bool places_are_safe(const struct partition_edit *edit)
{
    const struct gpt_header *header = &edit->header;
    uint64_t length = entries_sectors(edit);
    return edit->primary_entries > GPT_PRIMARY_SECTOR &&
           length <= header->first_usable - min(edit->primary_entries, header->first_usable) &&
           edit->backup_sector > header->last_usable &&
           edit->backup_sector < edit->decoder.sectors &&
           edit->backup_entries > header->last_usable &&
           length <= edit->backup_sector - min(edit->backup_entries, edit->backup_sector);
}

/* Finds out where the two copies are, from the header that was read from `sector`. */
static void gpt_places(struct partition_edit *edit, uint64_t sector)
{
    const struct gpt_header *header = &edit->header;
    struct gpt_header backup;
    bool is_primary = sector == GPT_PRIMARY_SECTOR;

    edit->primary_entries = is_primary ? header->entries : GPT_PRIMARY_SECTOR + 1;
    edit->backup_sector = is_primary ? header->other : sector;
    if (!is_primary)
        edit->backup_entries = header->entries;
    else if (!gpt_header_read(&edit->decoder, edit->backup_sector, &backup))
        edit->backup_entries = backup.entries;
    else
        edit->backup_entries = edit->backup_sector -
                               min(entries_sectors(edit), edit->backup_sector);
}

static status_t gpt_load(struct partition_edit *edit)
{
    uint64_t sector = GPT_PRIMARY_SECTOR;
    if (gpt_try(edit, sector, &edit->header)) {
        sector = edit->decoder.sectors - 1;
        if (gpt_try(edit, sector, &edit->header))
            return -EUCLEAN;
    }

    uint32_t bytes = edit->source.sector_bytes;
    if (entries_sectors(edit) * bytes > sizeof(edit->entries))
        return fail(edit, -EINVAL, "the table has too many entries to be edited");
    gpt_places(edit, sector);
    if (!places_are_safe(edit))
        return fail(edit, -EINVAL, "the table is in an unusual place, and is not edited");

    /* The header has more than the decoder keeps: the identity of the disk stays. */
    status_t status = edit->source.read(&edit->source, sector * bytes, edit->sector, bytes);
    if (!status)
        memcpy(edit->guid, edit->sector + GPT_DISK_GUID, GUID_BYTES);
    for (uint64_t i = 0; !status && i < entries_sectors(edit); i++)
        status = edit->source.read(&edit->source, (edit->header.entries + i) * bytes,
                                   edit->entries + i * bytes, bytes);
    return status;
}

/* ---- GPT: storing ------------------------------------------------------------------------- */

static void put_header(struct partition_edit *edit, uint64_t sector, uint64_t other,
                       uint64_t entries)
{
    const struct gpt_header *header = &edit->header;
    uint8_t *at = edit->sector;
    memset(at, 0, sizeof(edit->sector));
    memcpy(at + GPT_SIGNATURE, "EFI PART", 8);
    bytes_put_le32(at + GPT_REVISION, GPT_REVISION_1);
    bytes_put_le32(at + GPT_HEADER_BYTES, GPT_HEADER_BYTES_MIN);
    bytes_put_le64(at + GPT_SECTOR, sector);
    bytes_put_le64(at + GPT_OTHER, other);
    bytes_put_le64(at + GPT_FIRST_USABLE, header->first_usable);
    bytes_put_le64(at + GPT_LAST_USABLE, header->last_usable);
    memcpy(at + GPT_DISK_GUID, edit->guid, GUID_BYTES);
    bytes_put_le64(at + GPT_ENTRIES, entries);
    bytes_put_le32(at + GPT_ENTRY_COUNT, header->entry_count);
    bytes_put_le32(at + GPT_ENTRY_BYTES, header->entry_bytes);
    bytes_put_le32(at + GPT_ENTRIES_CRC,
                   crc32_add(0, edit->entries, (size_t)header->entry_count * header->entry_bytes));

    /* The checksum is that of the header with this field zero (UEFI 5.3.2). */
    bytes_put_le32(at + GPT_HEADER_CRC, crc32_add(0, at, GPT_HEADER_BYTES_MIN));
}

/* Writes one copy, entries first: until its header is written, the copy has a wrong checksum. */
static status_t store_copy(struct partition_edit *edit, uint64_t sector, uint64_t other,
                           uint64_t entries)
{
    uint32_t bytes = edit->source.sector_bytes;
    status_t status = write_sectors(edit, entries, edit->entries, entries_sectors(edit) * bytes);
    put_header(edit, sector, other, entries);
    if (!status)
        status = write_sectors(edit, sector, edit->sector, bytes);
    return status ? status : edit->flush(edit);
}

/* Writes the backup, then the primary: one of them is valid at any time. */
static status_t gpt_store(struct partition_edit *edit)
{
    status_t status = store_copy(edit, edit->backup_sector, GPT_PRIMARY_SECTOR,
                                 edit->backup_entries);
    if (!status)
        status = store_copy(edit, GPT_PRIMARY_SECTOR, edit->backup_sector, edit->primary_entries);
    return status;
}

/* ---- MBR ---------------------------------------------------------------------------------- */

/* Stores a sector as cylinder, head and sector of the usual geometry; the largest values if it is
 * not addressable so, as most are. */
static void put_chs(uint8_t *at, uint64_t sector)
{
    enum { HEADS = 255, SECTORS = 63, CYLINDERS = 1024 };
    uint64_t cylinder = sector / (HEADS * SECTORS);
    if (cylinder >= CYLINDERS) {
        at[0] = 0xfe;
        at[1] = at[2] = 0xff;
        return;
    }
    at[0] = (uint8_t)(sector / SECTORS % HEADS);
    at[1] = (uint8_t)(sector % SECTORS + 1 + (cylinder >> 8 << 6));
    at[2] = (uint8_t)cylinder;
}

static void put_mbr_entry(uint8_t *at, uint8_t type, uint64_t first, uint64_t count)
{
    memset(at, 0, MBR_ENTRY_BYTES);
    put_chs(at + MBR_FIRST_CHS, first);
    at[MBR_TYPE] = type;
    put_chs(at + MBR_LAST_CHS, first + count - 1);
    bytes_put_le32(at + MBR_FIRST, (uint32_t)first);
    bytes_put_le32(at + MBR_COUNT, (uint32_t)count);
}

static uint8_t *mbr_entry(struct partition_edit *edit, unsigned number)
{
    return edit->sector + MBR_TABLE + (number - 1) * MBR_ENTRY_BYTES;
}

static status_t mbr_store(struct partition_edit *edit)
{
    status_t status = write_sectors(edit, 0, edit->sector, edit->source.sector_bytes);
    return status ? status : edit->flush(edit);
}

/* ---- the space in use --------------------------------------------------------------------- */

static struct bytes entry_bytes(struct partition_edit *edit, unsigned number)
{
    if (edit->table.scheme == PARTITION_MBR)
        return (struct bytes){ mbr_entry(edit, number), MBR_ENTRY_BYTES };
    return (struct bytes){ edit->entries + (size_t)(number - 1) * edit->header.entry_bytes,
                           edit->header.entry_bytes };
}

static unsigned entry_count(const struct partition_edit *edit)
{
    return edit->table.scheme == PARTITION_MBR ? MBR_ENTRIES : edit->header.entry_count;
}

/* Returns whether an entry is used, and the sectors that it takes. */
static bool entry_range(struct partition_edit *edit, unsigned number, uint64_t *first,
                        uint64_t *last)
{
    static const uint8_t unused[GUID_BYTES];
    struct bytes b = entry_bytes(edit, number);
    if (edit->table.scheme == PARTITION_MBR) {
        uint64_t count = bytes_le32(b, MBR_COUNT);
        *first = bytes_le32(b, MBR_FIRST);
        *last = *first + count - 1;
        return bytes_u8(b, MBR_TYPE) && count;
    }
    *first = bytes_le64(b, GPT_ENTRY_FIRST);
    *last = bytes_le64(b, GPT_ENTRY_LAST);
    return memcmp(b.data + GPT_ENTRY_TYPE, unused, GUID_BYTES) != 0;
}

/* Returns how many sectors from `start` to `last` are free. */
static uint64_t free_from(struct partition_edit *edit, uint64_t start, uint64_t last)
{
    uint64_t from, to, end = last;
    if (start > last)
        return 0;
    for (unsigned number = 1; number <= entry_count(edit); number++) {
        if (!entry_range(edit, number, &from, &to) || to < start)
            continue;
        if (from <= start)
            return 0;
        end = min(end, from - 1);
    }
    return end - start + 1;
}

struct space {
    uint64_t first, count;
};

/* Takes the space from `start` on if it is better than *best: the first one that has `wanted`
 * sectors, or the largest one if that is 0. */
static void consider(struct partition_edit *edit, uint64_t start, uint64_t last, uint64_t wanted,
                     struct space *best)
{
    uint64_t align = PARTITION_ALIGN_BYTES / edit->source.sector_bytes;
    if (start > last || last - start < align)
        return;

    start = (start + align - 1) / align * align;
    uint64_t room = free_from(edit, start, last);
    bool fits = wanted ? room >= wanted && (!best->count || start < best->first)
                       : room > best->count;
    if (!room || !fits)
        return;

    /* The next partition then begins where this one ends. */
    uint64_t count = wanted ? (wanted + align - 1) / align * align : room / align * align;
    best->first = start;
    best->count = count && count <= room ? count : room;
}

static status_t find_space(struct partition_edit *edit, uint64_t bytes, struct space *best)
{
    bool mbr = edit->table.scheme == PARTITION_MBR;
    uint32_t sector = edit->source.sector_bytes;
    uint64_t wanted = bytes / sector + (bytes % sector != 0);

    /* An MBR has 32 bits for a sector. */
    uint64_t first = mbr ? 1 : edit->header.first_usable;
    uint64_t last = mbr ? min(edit->decoder.sectors, (uint64_t)UINT32_MAX) - 1
                        : edit->header.last_usable, from, to;

    /* Free space begins at the start, or after a partition. */
    *best = (struct space){ 0 };
    consider(edit, first, last, wanted, best);
    for (unsigned number = 1; number <= entry_count(edit); number++)
        if (entry_range(edit, number, &from, &to) && to >= first && to < last)
            consider(edit, to + 1, last, wanted, best);
    return best->count ? 0 : -ENOSPC;
}

/* ---- interface ---------------------------------------------------------------------------- */

bool partition_kind_find(const char *name, struct partition_kind *kind)
{
    /* The GUIDs of types.c, in the order of the medium. */
    static const uint8_t data[] = { 0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44,
                                    0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7 };
    static const uint8_t efi[] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                   0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
    static const uint8_t unix_data[] = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
                                     0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 };
    static const uint8_t swap[] = { 0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43,
                                    0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f };
    static const struct { const char *name; struct partition_kind kind; } kinds[] = {
        { "fat", { 0x0c, data } },    { "exfat", { 0x07, data } }, { "ntfs", { 0x07, data } },
        { "linux", { 0x83, unix_data } }, { "swap", { 0x82, swap } },  { "efi", { 0xef, efi } },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (text_equal(kinds[i].name, name)) {
            *kind = kinds[i].kind;
            return true;
        }

    /* An MBR's type as a number; those of extended and protective entries would be wrong. */
    uint64_t number;
    if (text_parse_u64(name, &number) || !number || number > UINT8_MAX ||
        number == MBR_TYPE_EXTENDED || number == MBR_TYPE_EXTENDED_LBA ||
        number == MBR_TYPE_EXTENDED_LINUX || number == MBR_TYPE_PROTECTIVE)
        return false;
    *kind = (struct partition_kind){ .mbr = (uint8_t)number };
    return true;
}

/* Returns whether the first sector is an MBR without partitions and boot code. */
static bool is_empty_mbr(const struct partition_edit *edit)
{
    uint8_t used = 0;
    for (size_t i = 0; i < MBR_SIGNATURE; i++)
        used |= i < MBR_DISK_SIGNATURE || i >= MBR_TABLE ? edit->sector[i] : 0;
    return !used && edit->sector[MBR_SIGNATURE] == 0x55 && edit->sector[MBR_SIGNATURE + 1] == 0xaa;
}

status_t partition_edit_load(struct partition_edit *edit)
{
    edit->why = NULL;
    status_t status = partition_table_read(&edit->source, &edit->table);
    edit->decoder = (struct decoder){ .source = &edit->source, .table = &edit->table };
    decoder_set_sector(&edit->decoder, edit->source.sector_bytes);
    if (!status && edit->table.scheme == PARTITION_GPT)
        return gpt_load(edit);
    if (!status)
        status = edit->source.read(&edit->source, 0, edit->sector, edit->source.sector_bytes);

    /* For the decoder, a table without partitions is none. */
    if (!status && edit->table.scheme == PARTITION_NONE && is_empty_mbr(edit))
        edit->table.scheme = PARTITION_MBR;
    if (status || edit->table.scheme == PARTITION_NONE)
        return status;

    /* Under a protective entry, the GPT is invalid: adding to the MBR would hide that. */
    for (unsigned number = 1; !status && number <= MBR_ENTRIES; number++)
        if (mbr_entry(edit, number)[MBR_TYPE] == MBR_TYPE_PROTECTIVE)
            status = -EUCLEAN;
    return status;
}

/* Gives a random number the form of a GUID of version 4 (RFC 9562, 5.4). */
static void guid_make(const uint8_t random[PARTITION_RANDOM_BYTES], uint8_t guid[GUID_BYTES])
{
    memcpy(guid, random, GUID_BYTES);
    guid[7] = (uint8_t)((guid[7] & 0x0f) | 0x40);
    guid[8] = (uint8_t)((guid[8] & 0x3f) | 0x80);
}

/* Makes an empty GPT with the usual 128 entries, in memory. */
static status_t gpt_make(struct partition_edit *edit)
{
    uint64_t sectors = edit->decoder.sectors;
    edit->header = (struct gpt_header){ .entry_count = 128, .entry_bytes = GPT_ENTRY_BYTES_MIN };
    uint64_t length = entries_sectors(edit);
    if (sectors < 2 * length + 4)
        return -ENOSPC;

    edit->primary_entries = GPT_PRIMARY_SECTOR + 1;
    edit->backup_sector = sectors - 1;
    edit->backup_entries = sectors - 1 - length;
    edit->header.first_usable = edit->primary_entries + length;
    edit->header.last_usable = edit->backup_entries - 1;
    guid_make(edit->random, edit->guid);
    memset(edit->entries, 0, sizeof(edit->entries));
    return 0;
}

status_t partition_edit_create(struct partition_edit *edit, enum partition_scheme scheme)
{
    edit->why = NULL;
    edit->decoder = (struct decoder){ .source = &edit->source, .table = &edit->table };
    decoder_set_sector(&edit->decoder, edit->source.sector_bytes);

    uint64_t sectors = edit->decoder.sectors;
    uint64_t head = min(IDENTIFY_HEAD_BYTES / edit->source.sector_bytes, sectors);
    uint64_t tail = min(IDENTIFY_TAIL_BYTES / edit->source.sector_bytes, sectors);
    bool gpt = scheme == PARTITION_GPT;
    if (!sectors)
        return -ENOSPC;
    status_t status = gpt ? gpt_make(edit) : 0;
    if (!status)
        status = wipe(edit, 0, head);
    if (!status)
        status = wipe(edit, sectors - tail, tail);
    if (!status)
        status = edit->flush(edit);
    if (!status && gpt)
        status = gpt_store(edit);
    if (status)
        return status;

    /* The MBR comes last: without it, a GPT is not used. A signature of zero means none. */
    memset(edit->sector, 0, sizeof(edit->sector));
    if (gpt)
        put_mbr_entry(mbr_entry(edit, 1), MBR_TYPE_PROTECTIVE, 1,
                      min(sectors - 1, (uint64_t)UINT32_MAX));
    else
        memcpy(edit->sector + MBR_DISK_SIGNATURE, edit->random, sizeof(uint32_t));
    edit->sector[MBR_SIGNATURE] = 0x55;
    edit->sector[MBR_SIGNATURE + 1] = 0xaa;
    return mbr_store(edit);
}

status_t partition_edit_add(struct partition_edit *edit, uint64_t bytes,
                            const struct partition_kind *kind, unsigned *number)
{
    struct space space;
    uint64_t from, to;
    unsigned free = 1;
    edit->why = NULL;
    while (free <= entry_count(edit) && entry_range(edit, free, &from, &to))
        free++;
    if (free > entry_count(edit))
        return -EMLINK;
    status_t status = find_space(edit, bytes, &space);
    if (status)
        return status;
    *number = free;

    if (edit->table.scheme == PARTITION_MBR) {
        put_mbr_entry(mbr_entry(edit, free), kind->mbr, space.first, space.count);
        return mbr_store(edit);
    }
    if (!kind->gpt)
        return fail(edit, -EINVAL, "a number is a type of an MBR only");

    uint8_t *entry = edit->entries + (size_t)(free - 1) * edit->header.entry_bytes;
    memset(entry, 0, edit->header.entry_bytes);
    memcpy(entry + GPT_ENTRY_TYPE, kind->gpt, GUID_BYTES);
    guid_make(edit->random, entry + GPT_ENTRY_GUID);
    bytes_put_le64(entry + GPT_ENTRY_FIRST, space.first);
    bytes_put_le64(entry + GPT_ENTRY_LAST, space.first + space.count - 1);
    return gpt_store(edit);
}

status_t partition_edit_delete(struct partition_edit *edit, unsigned number)
{
    uint64_t from, to;
    bool mbr = edit->table.scheme == PARTITION_MBR;
    edit->why = NULL;
    if (mbr && number > MBR_ENTRIES)
        return fail(edit, -EINVAL, "logical partitions cannot be deleted");
    if (!number || number > entry_count(edit) || !entry_range(edit, number, &from, &to))
        return -ENOENT;
    if (!mbr) {
        memset(edit->entries + (size_t)(number - 1) * edit->header.entry_bytes, 0,
               edit->header.entry_bytes);
        return gpt_store(edit);
    }

    uint8_t type = mbr_entry(edit, number)[MBR_TYPE];
    if (type == MBR_TYPE_EXTENDED || type == MBR_TYPE_EXTENDED_LBA ||
        type == MBR_TYPE_EXTENDED_LINUX)
        return fail(edit, -EINVAL, "an extended partition contains others, and is not deleted");
    memset(mbr_entry(edit, number), 0, MBR_ENTRY_BYTES);
    return mbr_store(edit);
}
