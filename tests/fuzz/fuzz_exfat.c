/*
 * fuzz_exfat.c - any bytes as an exFAT volume: mounted, walked, changed, walked again.
 *
 * Checksums   Those of the boot region and of sets of entries are corrected first, since no change
 *             of the others would pass them; except with FUZZ_OPTION_AS_IS.
 *
 * visit.c and volume.c check what must hold of any volume. The form of an input is that of a disc
 * (fuzz.h). Runs in the simulation, with a seed of the input's.
 */
#include "fs/exfat/boot.h"
#include "fs/exfat/record.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"

enum {
    ENTRY_BYTES = 32,
    TYPE_FILE = 0x85,
    CHECKED_SECTORS = 11, /* of a boot region, before that of the checksum */
    FLAG_BYTES = 2,
};

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

/* ---- checksums ---------------------------------------------------------------------------- */

static void correct_boot(struct fuzz_disc *disc, uint64_t sector)
{
    uint32_t sum = 0;
    if (disc->bytes < (CHECKED_SECTORS + 1) * sector)
        return;
    for (uint64_t i = 0; i < CHECKED_SECTORS * sector; i++)
        if (i != BOOT_FLAGS && i != BOOT_FLAGS + 1 && i != BOOT_PERCENT)
            sum = (sum << 31 | sum >> 1) + disc->image[i];
    for (uint64_t i = 0; i < sector; i += sizeof(sum))
        bytes_put_le32(disc->image + CHECKED_SECTORS * sector + i, sum);
}

/* Corrects the checksum of what may be a set of entries. */
static void correct_set(struct fuzz_disc *disc, uint64_t at)
{
    uint8_t *set = disc->image + at;
    size_t bytes = (set[FILE_SECONDARIES] + 1u) * ENTRY_BYTES;
    uint16_t sum = 0;
    if (set[0] != TYPE_FILE || bytes > disc->bytes - at)
        return;
    for (size_t i = 0; i < bytes; i++)
        if (i != FILE_CHECKSUM && i != FILE_CHECKSUM + 1)
            sum = (uint16_t)(((uint32_t)sum << 15 | sum >> 1) + set[i]);
    bytes_put_le16(set + FILE_CHECKSUM, sum);
}

/* ---- the volume --------------------------------------------------------------------------- */

static void test_volume(struct fuzz_disc *disc)
{
    static const char *const options[] = { NULL, "tz=-03:00", "tz=+05:30", "case=fold" };
    struct bytes boot = { disc->image, 512 };
    unsigned shift = bytes_u8(boot, BOOT_SECTOR_SHIFT) & 15;
    if (!(disc->options & FUZZ_OPTION_AS_IS)) {
        correct_boot(disc, 1u << shift);
        for (uint64_t at = 0; at < disc->bytes; at += ENTRY_BYTES)
            correct_set(disc, at);
    }

    /* The flags, the percentage in use, the table, and the clusters. */
    uint64_t table = (uint64_t)bytes_le32(boot, BOOT_TABLE_SECTOR) << shift;
    struct fuzz_range ranges[] = {
        { BOOT_FLAGS, BOOT_FLAGS + FLAG_BYTES },
        { BOOT_PERCENT, BOOT_PERCENT + 1 },
        { table, bytes_le64(boot, BOOT_VOLUME_SECTORS) << shift },
    };
    fuzz_volume(disc, "exfat", options[disc->options & FUZZ_OPTION_NAMES], ranges,
                ARRAY_LENGTH(ranges));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_disc(data, bytes, test_volume);
}
