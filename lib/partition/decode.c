/*
 * decode.c - reads sectors for the decoders, admits partitions to the list, and makes notes.
 */
#include "lib/partition/decode.h"
#include "lib/format.h"
#include "lib/string.h"

/* ---- sectors ------------------------------------------------------------------------------ */

void decoder_set_sector(struct decoder *decoder, uint32_t sector_bytes)
{
    decoder->sector_bytes = sector_bytes;
    decoder->sectors = decoder->source->size_bytes / sector_bytes;
}

status_t decoder_read(struct decoder *decoder, uint64_t sector, unsigned count, struct bytes *got)
{
    /* Sector numbers are the medium's. An end inside the read is not an error: callers check the
     * length. */
    *got = (struct bytes){ decoder->table->piece, 0 };
    if (sector >= decoder->sectors)
        return -EIO;
    if (count > decoder->sectors - sector)
        count = (unsigned)(decoder->sectors - sector);

    /* Not more than a piece: callers ask for that at most. */
    size_t bytes = (size_t)count * decoder->sector_bytes;
    status_t status = decoder->source->read(decoder->source, sector * decoder->sector_bytes,
                                            decoder->table->piece, bytes);
    if (!status)
        got->length = bytes;
    return status;
}

void decoder_note(struct decoder *decoder, const char *format, ...)
{
    char text[160];
    unsigned nth = decoder->table->notes++;

    /* A hostile table has something wrong in each entry, and the log is short. */
    if (nth > PARTITION_NOTES_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    decoder->source->note(decoder->source,
                          nth == PARTITION_NOTES_MAX ? "more is invalid; not listed" : text);
}

/* ---- the list ----------------------------------------------------------------------------- */

/* Returns the partition in the list that has some of these bytes, or NULL. */
static const struct partition *find_overlap(const struct partition_table *table, uint64_t base,
                                            uint64_t length)
{
    /* No sum overflows: the new partition and those in the list are inside the medium. */
    for (unsigned i = 0; i < table->count; i++) {
        const struct partition *other = &table->partitions[i];
        if (base < other->base_bytes + other->length_bytes && other->base_bytes < base + length)
            return other;
    }
    return NULL;
}

struct partition *decoder_add(struct decoder *decoder, unsigned number, uint64_t first,
                              uint64_t count)
{
    /* The first sector has the table, which a write to the partition would destroy. */
    struct partition_table *table = decoder->table;
    if (!first || first >= decoder->sectors) {
        decoder_note(decoder, "partition %u begins %s; left out", number,
                     first ? "after the end of the medium" : "with the table itself");
        return NULL;
    }

    /* The medium may have been copied incompletely: what there is of the partition can be used. */
    if (count > decoder->sectors - first) {
        decoder_note(decoder, "partition %u ends after the medium; cut there", number);
        count = decoder->sectors - first;
    }

    /* Two parts may be claimed at once, so they must not share bytes. */
    uint64_t base = first * decoder->sector_bytes, length = count * decoder->sector_bytes;
    const struct partition *other = find_overlap(table, base, length);
    if (other) {
        decoder_note(decoder, "partition %u overlaps partition %u; left out", number,
                     other->number);
        return NULL;
    }

    /* A GPT may have thousands of entries; the array is allocated once. */
    if (table->count == PARTITION_COUNT_MAX) {
        decoder_note(decoder, "partition %u is one too many; left out", number);
        return NULL;
    }

    struct partition *added = &table->partitions[table->count++];
    *added = (struct partition){ .number = number, .base_bytes = base, .length_bytes = length };
    return added;
}
