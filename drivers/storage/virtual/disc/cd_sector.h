/*
 * cd_sector.h - verifies whole CD sectors, and corrects damaged ones.
 *
 * A sector of 2352 bytes is 12 bytes of sync, a header of 4 (address in BCD, mode), and the rest by
 * its mode:
 *
 *     mode 1          2048 data, 4 EDC, 8 zero, 172 P, 104 Q     EDC over all before it
 *     mode 2, form 1  8 subheader, 2048 data, 4 EDC, 172 P, 104 Q     EDC over subheader and data
 *     mode 2, form 2  8 subheader, 2324 data, 4 EDC or zero
 *
 * A bare sector of 2336 bytes is one of mode 2 without sync and header. The EDC is a CRC of 32
 * bits. P and Q are Reed-Solomon codes over columns and diagonals of the bytes from the header on;
 * each of their codewords can correct one byte, or two whose places are known, and alternating
 * between the two corrects bursts and scattered damage. What one code cannot correct are known
 * places for the other: any two columns of P, or diagonals of Q, may be wrong altogether.
 *
 * A sector is accepted only if its EDC matches: data that cannot be verified is refused. In mode 1
 * the EDC covers sync and header, so they may be repaired; in mode 2 it does not, so both must be
 * right.
 *
 * Locking     cd_sector_start() is called once, before any other function. All others: any context;
 *             a struct cd_check is used by one thread at a time.
 * References  ECMA-130 14 and annexes A (RSPC) and B (scrambling, which images do not have);
 *             CD-ROM XA (mode 2).
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DISC_CD_SECTOR_H
#define DRIVERS_STORAGE_VIRTUAL_DISC_CD_SECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CD_DATA_BYTES = 2048,
    CD_SECTOR_BYTES = 2352,
    CD_BARE_BYTES = 2336,
    CD_SYNC_BYTES = 12,
    CD_HEADER_BYTES = 16,          /* with the sync */
    CD_LEAD_FRAMES = 150,          /* the address of block 0 */
    CD_FRAMES_MAX = 100 * 60 * 75, /* addresses are below it */
};

enum cd_verdict {
    CD_GOOD,
    CD_CORRECTED,
    CD_EMPTY,   /* zeroes: mode 0, or a sector that could not be read when the image was made */
    CD_NO_SYNC, /* audio, or damaged */
    CD_OTHER_ADDRESS,
    CD_OTHER_MODE,
    CD_FORM_2,
    CD_DAMAGED, /* beyond correction */
};

/* What a sector should be, and memory to work in. */
struct cd_check {
    uint32_t frame; /* the header's address in frames: the block's number + CD_LEAD_FRAMES */
    unsigned mode;  /* of the track: assumed where the header is damaged */
    uint8_t work[CD_SECTOR_BYTES];
};

/* Computes the tables. Idempotent. */
void cd_sector_start(void);
/* Verifies a whole sector, and corrects its data in place. *data: its 2048 bytes if the verdict is
 * CD_GOOD or CD_CORRECTED. */
enum cd_verdict cd_sector_verify(struct cd_check *check, uint8_t *sector, const uint8_t **data);
/* Does the same for a bare sector, which has no address. */
enum cd_verdict cd_sector_verify_bare(struct cd_check *check, uint8_t *sector,
                                      const uint8_t **data);
const char *cd_verdict_text(enum cd_verdict verdict);

/* Returns whether the sector begins with a sync mark. */
bool cd_sector_has_sync(const uint8_t *sector);
/* Returns the header's address in frames; UINT32_MAX if it is invalid. */
uint32_t cd_sector_frame(const uint8_t *sector);

#endif
