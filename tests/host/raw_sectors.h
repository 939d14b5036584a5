/*
 * raw_sectors.h - makes whole CD sectors for tests: sync, header, EDC, P and Q.
 *
 * Written apart from drivers/storage/virtual/disc/cd_sector.c: the EDC bit by bit, the parity by
 * division instead of by syndromes.
 */
#ifndef TESTS_HOST_RAW_SECTORS_H
#define TESTS_HOST_RAW_SECTORS_H

#include <stdint.h>

enum raw_kind { RAW_MODE_1, RAW_FORM_1, RAW_FORM_2 };

/* A sector of 2352 bytes for block `block`, with 2048 bytes of data (form 2: repeated to 2324). */
void raw_sector_make(uint8_t *sector, enum raw_kind kind, int block, const uint8_t *data);

#endif
