/*
 * raw_sectors.h - makes whole CD sectors for tests: sync, header, EDC, P and Q.
 *
 * It shares no code and no method with drivers/storage/virtual/disc/cd_sector.c, so that a mistake
 * in one does not hide in the other: it computes the EDC bit by bit, and the parity by division
 * instead of by syndromes.
 */
#ifndef TESTS_HOST_RAW_SECTORS_H
#define TESTS_HOST_RAW_SECTORS_H

#include <stdint.h>

enum raw_kind { RAW_MODE_1, RAW_FORM_1, RAW_FORM_2 };

/* Makes a sector of 2352 bytes for block `block`, with 2048 bytes of data. In form 2 the data are
 * repeated up to 2324 bytes. */
void raw_sector_make(uint8_t *sector, enum raw_kind kind, int block, const uint8_t *data);

#endif
