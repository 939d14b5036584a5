/*
 * partition_image.h - makes images with partition tables, byte by byte.
 *
 * Model       The bytes are a static array of the test's, zeroes at first. Sectors may be 512 to
 *             4096 bytes long. What a test breaks, it breaks in the bytes; table_seal_gpt() then
 *             calculates the checksums again, so that the decoder believes what was broken.
 */
#ifndef TESTS_HOST_PARTITION_IMAGE_H
#define TESTS_HOST_PARTITION_IMAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
    GPT_ENTRY_BYTES = 128,
    GPT_ENTRIES = 128,
    GPT_FIRST_USABLE = 40, /* in sectors; the same for all lengths of sectors */
};

struct partition_image {
    uint8_t *bytes;
    uint64_t size_bytes;
    uint32_t sector_bytes;
};

void table_put(const struct partition_image *image, uint64_t at, uint64_t value, unsigned bytes);
/* Writes an entry of an MBR or of an extended boot record, and the signature. */
void table_put_mbr(const struct partition_image *image, uint64_t sector, unsigned entry,
                   uint8_t type, uint32_t first, uint32_t count);
/* Writes a protective MBR, and both copies of a GPT without partitions. */
void table_put_gpt(const struct partition_image *image);
/* Writes an entry into both copies: a Linux partition with this name, and seals them. */
void table_put_gpt_entry(const struct partition_image *image, unsigned number, uint64_t first,
                         uint64_t last, const char *name);
/* Calculates the checksums of both copies, as far as they are in the image. */
void table_seal_gpt(const struct partition_image *image);
/* Returns where the header of the primary or the backup is. */
uint64_t table_header_at(const struct partition_image *image, int backup);

#endif
