/*
 * partition_image.c - makes images with partition tables: see partition_image.h.
 */
#include <string.h>

#include "tests/host/partition_image.h"
#include "lib/digest/crc32.h"

void table_put(const struct partition_image *image, uint64_t at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && at + i < image->size_bytes; i++)
        image->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const struct partition_image *image, uint64_t at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && at + i < image->size_bytes; i++)
        value |= (uint64_t)image->bytes[at + i] << 8 * i;
    return value;
}

/* ---- MBR ---------------------------------------------------------------------------------- */

void table_put_mbr(const struct partition_image *image, uint64_t sector, unsigned entry,
                   uint8_t type, uint32_t first, uint32_t count)
{
    uint64_t at = sector * image->sector_bytes, in = at + 446 + 16 * entry;
    table_put(image, at + 510, 0xaa55, 2);
    table_put(image, in + 4, type, 1);
    table_put(image, in + 8, first, 4);
    table_put(image, in + 12, count, 4);
}

/* ---- GPT ---------------------------------------------------------------------------------- */

static uint64_t entries_sectors(const struct partition_image *image)
{
    return GPT_ENTRIES * GPT_ENTRY_BYTES / image->sector_bytes;
}

static uint64_t last_sector(const struct partition_image *image)
{
    return image->size_bytes / image->sector_bytes - 1;
}

uint64_t table_header_at(const struct partition_image *image, int backup)
{
    return (backup ? last_sector(image) : 1) * image->sector_bytes;
}

static void put_header(const struct partition_image *image, int backup)
{
    uint64_t at = table_header_at(image, backup), last = last_sector(image);
    uint64_t entries = backup ? last - entries_sectors(image) : 2;
    memcpy(image->bytes + at, "EFI PART", 8);
    table_put(image, at + 8, 0x00010000, 4);
    table_put(image, at + 12, 92, 4);
    table_put(image, at + 24, backup ? last : 1, 8);
    table_put(image, at + 32, backup ? 1 : last, 8);
    table_put(image, at + 40, GPT_FIRST_USABLE, 8);
    table_put(image, at + 48, last - entries_sectors(image) - 1, 8);
    table_put(image, at + 72, entries, 8);
    table_put(image, at + 80, GPT_ENTRIES, 4);
    table_put(image, at + 84, GPT_ENTRY_BYTES, 4);
}

void table_put_gpt(const struct partition_image *image)
{
    table_put_mbr(image, 0, 0, 0xee, 1, (uint32_t)last_sector(image));
    put_header(image, 0);
    put_header(image, 1);
    table_seal_gpt(image);
}

static void put_entry(const struct partition_image *image, int backup, unsigned number,
                      uint64_t first, uint64_t last, const char *name)
{
    static const uint8_t linux_type[] = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
                                          0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 };
    uint64_t at = get(image, table_header_at(image, backup) + 72, 8) * image->sector_bytes +
                  (number - 1) * GPT_ENTRY_BYTES;
    memcpy(image->bytes + at, linux_type, sizeof(linux_type));
    table_put(image, at + 32, first, 8);
    table_put(image, at + 40, last, 8);
    for (unsigned i = 0; name[i]; i++)
        table_put(image, at + 56 + 2 * i, (uint8_t)name[i], 2);
}

void table_put_gpt_entry(const struct partition_image *image, unsigned number, uint64_t first,
                         uint64_t last, const char *name)
{
    put_entry(image, 0, number, first, last, name);
    put_entry(image, 1, number, first, last, name);
    table_seal_gpt(image);
}

static void seal(const struct partition_image *image, int backup)
{
    uint64_t at = table_header_at(image, backup), size = image->size_bytes;
    if (at >= size || size - at < image->sector_bytes || memcmp(image->bytes + at, "EFI PART", 8))
        return;

    /* Numbers that are nonsense are sealed as they are. */
    uint64_t entries = get(image, at + 72, 8), bytes = get(image, at + 80, 4) *
                                                       get(image, at + 84, 4);
    if (entries < size / image->sector_bytes && bytes <= size - entries * image->sector_bytes)
        table_put(image, at + 88,
                  crc32_add(0, image->bytes + entries * image->sector_bytes, bytes), 4);
    uint64_t header = get(image, at + 12, 4);
    table_put(image, at + 16, 0, 4);
    if (header <= image->sector_bytes)
        table_put(image, at + 16, crc32_add(0, image->bytes + at, header), 4);
}

void table_seal_gpt(const struct partition_image *image)
{
    if (image->size_bytes < 2 * image->sector_bytes)
        return;
    seal(image, 0);
    seal(image, 1);
}
