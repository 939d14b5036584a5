/*
 * gpt.c - the GUID partition table (UEFI 5.3).
 *
 * The primary header is in the second sector, the backup in the last one; each has the place and a
 * checksum of its own copy of the entries.
 */
#include "lib/partition/decode.h"
#include "lib/digest/crc32.h"
#include "lib/macros.h"
#include "lib/partition/layout.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum { ENTRIES_BYTES_MAX = 512 * 1024 }; /* 32 times the usual 128 entries of 128 bytes */

/* ---- the header --------------------------------------------------------------------------- */

/* Checks what the header says about places and lengths; the checksum does not protect against a
 * table that was made with intent. Returns NULL, or what is wrong. */
static const char *header_check(const struct decoder *decoder, const struct gpt_header *header)
{
    /* Two numbers of 32 bits: their product fits 64. */
    uint64_t bytes = (uint64_t)header->entry_count * header->entry_bytes;
    uint32_t size = header->entry_bytes;

    /* UEFI 5.3.2: 128 times a power of two. An entry is then inside one piece. */
    if (size < GPT_ENTRY_BYTES_MIN || size > PARTITION_PIECE_BYTES || (size & (size - 1)))
        return "has entries of an invalid length";
    if (!bytes || bytes > ENTRIES_BYTES_MAX)
        return "has an invalid number of entries";

    /* The table itself is in the first two sectors at least: neither entries nor partitions begin
     * there. */
    if (header->entries <= GPT_PRIMARY_SECTOR || header->entries >= decoder->sectors ||
        header->first_usable > header->last_usable || header->first_usable <= GPT_PRIMARY_SECTOR)
        return "has invalid bounds";
    return NULL;
}

/* Fills in *header from the sector. Returns NULL, or why it is not a valid header. */
const char *gpt_header_read(struct decoder *decoder, uint64_t sector, struct gpt_header *header)
{
    struct bytes b;
    if (decoder_read(decoder, sector, 1, &b))
        return "cannot be read";
    if (memcmp(b.data + GPT_SIGNATURE, "EFI PART", 8) != 0)
        return "has no signature";

    /* The checksum is over a length that the header itself has, so this is checked first. */
    uint32_t bytes = bytes_le32(b, GPT_HEADER_BYTES), crc = bytes_le32(b, GPT_HEADER_CRC);
    if (bytes < GPT_HEADER_BYTES_MIN || bytes > b.length)
        return "has an invalid length";

    /* The checksum is calculated with its own field zero. */
    memset(decoder->table->piece + GPT_HEADER_CRC, 0, sizeof(crc));
    if (crc32_add(0, b.data, bytes) != crc)
        return "has a wrong checksum";
    if (bytes_le64(b, GPT_SECTOR) != sector)
        return "belongs to another sector";

    /* A copy, since the next read uses the same memory. */
    *header = (struct gpt_header){
        .other = bytes_le64(b, GPT_OTHER),
        .first_usable = bytes_le64(b, GPT_FIRST_USABLE),
        .last_usable = bytes_le64(b, GPT_LAST_USABLE),
        .entries = bytes_le64(b, GPT_ENTRIES),
        .entry_count = bytes_le32(b, GPT_ENTRY_COUNT),
        .entry_bytes = bytes_le32(b, GPT_ENTRY_BYTES),
        .entries_crc = bytes_le32(b, GPT_ENTRIES_CRC),
    };
    return header_check(decoder, header);
}

/* ---- the entries -------------------------------------------------------------------------- */

/* Reads the piece with the entry `first` and those after it. Returns the bytes of entries in it. */
static size_t entries_read(struct decoder *decoder, const struct gpt_header *header, uint32_t first,
                           struct bytes *b)
{
    /* At most 512 KiB by header_check(), and a whole number of entries: PARTITION_PIECE_BYTES is a
     * multiple of their length. */
    size_t at = (size_t)first * header->entry_bytes;
    size_t left = (size_t)header->entry_count * header->entry_bytes - at;
    size_t wanted = min(left, (size_t)PARTITION_PIECE_BYTES);

    /* The last sector of the array may be used in part. */
    unsigned sectors = (unsigned)((wanted + decoder->sector_bytes - 1) / decoder->sector_bytes);
    uint64_t sector = header->entries + at / decoder->sector_bytes;
    if (decoder_read(decoder, sector, sectors, b) || b->length < wanted)
        return 0;
    return wanted;
}

/* Returns NULL if the entries have the header's checksum, or what is wrong. */
const char *gpt_entries_check(struct decoder *decoder, const struct gpt_header *header)
{
    /* Piece by piece, as the array may be longer than the memory for it. */
    uint32_t crc = 0;
    for (uint32_t i = 0; i < header->entry_count;) {
        struct bytes b;
        size_t got = entries_read(decoder, header, i, &b);
        if (!got)
            return "has unreadable entries";
        crc = crc32_add(crc, b.data, got);
        i += (uint32_t)(got / header->entry_bytes);
    }
    return crc == header->entries_crc ? NULL : "has entries with a wrong checksum";
}

/* Converts UTF-16 to UTF-8, up to the first zero. A surrogate without its pair becomes U+FFFD. */
static void name_decode(struct bytes entry, char text[PARTITION_NAME_BYTES])
{
    size_t length = 0;
    for (unsigned i = 0; i < GPT_ENTRY_NAME_UNITS; i++) {
        uint32_t unit = bytes_le16(entry, GPT_ENTRY_NAME + 2 * i), next = 0;
        if (!unit)
            break;

        /* A surrogate counts with its other half only; utf8_encode() refuses it alone. */
        if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < GPT_ENTRY_NAME_UNITS)
            next = bytes_le16(entry, GPT_ENTRY_NAME + 2 * (i + 1));
        if (next >= 0xdc00 && next < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
            i++;
        }

        /* A unit takes at most three bytes, two that are a pair take four: there is room. */
        int written = utf8_encode(unit, text + length);
        length += (size_t)(written > 0 ? written : utf8_encode(0xfffd, text + length));
    }
    text[length] = '\0';
}

static void entry_add(struct decoder *decoder, const struct gpt_header *header, unsigned number,
                      struct bytes entry)
{
    /* A type of zeros marks an entry that is not used, whatever else it contains (UEFI 5.3.3). */
    static const uint8_t unused[GUID_BYTES];
    uint64_t first = bytes_le64(entry, GPT_ENTRY_FIRST), last = bytes_le64(entry, GPT_ENTRY_LAST);
    if (!memcmp(entry.data + GPT_ENTRY_TYPE, unused, GUID_BYTES))
        return;

    /* Outside of these bounds are the table and its backup. */
    if (first > last || first < header->first_usable || last > header->last_usable) {
        decoder_note(decoder, "partition %u is outside of the usable sectors; left out", number);
        return;
    }
    struct partition *partition = decoder_add(decoder, number, first, last - first + 1);
    if (partition) {
        type_name_gpt(bytes_slice(entry, GPT_ENTRY_TYPE, GUID_BYTES), partition->type);
        name_decode(entry, partition->name);
    }
}

static void entries_decode(struct decoder *decoder, const struct gpt_header *header)
{
    /* Read a second time: only when the checksum was right is an entry believed. */
    for (uint32_t i = 0; i < header->entry_count;) {
        struct bytes b;
        size_t got = entries_read(decoder, header, i, &b);
        if (!got) {
            decoder_note(decoder, "GPT: entries from %u on cannot be read again; left out", i + 1);
            return;
        }
        for (size_t at = 0; at < got; at += header->entry_bytes, i++)
            entry_add(decoder, header, i + 1, bytes_slice(b, at, header->entry_bytes));
    }
}

/* ---- both copies -------------------------------------------------------------------------- */

/* Decodes a table whose sectors have this length. Returns false, and without `last` no note, if
 * neither copy is valid. */
static bool copies_decode(struct decoder *decoder, bool last)
{
    struct gpt_header primary = { 0 }, backup = { 0 };
    const char *why = gpt_header_read(decoder, GPT_PRIMARY_SECTOR, &primary), *why_backup;

    /* A disk may have grown since the table was made: the backup is where the primary names it. */
    uint64_t place = primary.other ? primary.other : decoder->sectors - 1;
    if (!why)
        why = gpt_entries_check(decoder, &primary);
    why_backup = gpt_header_read(decoder, place, &backup);

    /* The entries of a backup are read only if they are needed. */
    if (!why) {
        if (why_backup)
            decoder_note(decoder, "GPT: the backup header %s", why_backup);
        entries_decode(decoder, &primary);
        return true;
    }

    /* The primary is invalid: the backup counts only as a whole, header and entries. */
    if (!why_backup)
        why_backup = gpt_entries_check(decoder, &backup);
    if (!why_backup) {
        decoder_note(decoder, "GPT: the primary header %s; the backup is used", why);
        entries_decode(decoder, &backup);
        return true;
    }
    if (last)
        decoder_note(decoder, "GPT: the primary header %s, the backup %s; not used", why,
                     why_backup);
    return false;
}

bool gpt_decode(struct decoder *decoder)
{
    const uint32_t own = decoder->source->sector_bytes, lengths[] = { 512, 4096, 2048 };
    if (copies_decode(decoder, false))
        return true;

    /* The table may have been made through an adapter that shows sectors of another length, or be
     * in an image of such a disk. */
    for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
        struct bytes b;
        decoder_set_sector(decoder, lengths[i]);
        if (lengths[i] != own && !decoder_read(decoder, GPT_PRIMARY_SECTOR, 1, &b) &&
            !memcmp(b.data, "EFI PART", 8) && copies_decode(decoder, false))
            return true;
    }

    /* Once more, for the notes on what is wrong. */
    decoder_set_sector(decoder, own);
    return copies_decode(decoder, true);
}
