/*
 * crc32.h - the checksum CRC-32, of any number of pieces.
 *
 *     uint32_t crc = crc32_add(0, first, first_bytes);
 *     crc = crc32_add(crc, second, second_bytes);
 *
 * References  ISO 3309, with the reflected polynomial EDB88320, as in GPT, gzip and PNG.
 */
#ifndef LIB_DIGEST_CRC32_H
#define LIB_DIGEST_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Returns the checksum of all bytes so far, of which `crc` is the checksum of those before; 0 at
 * first. */
uint32_t crc32_add(uint32_t crc, const void *memory, size_t bytes);

#endif
