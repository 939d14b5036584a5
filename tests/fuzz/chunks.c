/*
 * chunks.c - lays the chunks of an input into an image: see fuzz.h.
 */
#include <string.h>

#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"

unsigned fuzz_le16(const uint8_t *data)
{
    return data[0] | (unsigned)data[1] << 8;
}

uint64_t fuzz_lay_chunks(const uint8_t *data, size_t bytes, uint8_t *image, bool clear)
{
    uint64_t last = UINT64_MAX;
    for (size_t at = FUZZ_HEADER_BYTES; at + FUZZ_CHUNK_BYTES <= bytes;) {
        size_t sector = fuzz_le16(data + at), length = fuzz_le16(data + at + 2);
        at += FUZZ_CHUNK_BYTES;
        length = min(length, FUZZ_SECTOR_BYTES);
        length = min(length, bytes - at);
        if ((sector + 1) * FUZZ_SECTOR_BYTES <= FUZZ_BLOCKS_MAX * 512) {
            uint8_t *target = image + sector * FUZZ_SECTOR_BYTES;
            if (clear)
                memset(target, 0, length);
            else
                memcpy(target, data + at, length);
            last = sector;
        }
        at += length;
    }
    return last;
}
