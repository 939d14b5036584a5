/*
 * fuzz_fat.c - any bytes as a FAT volume: mounted, walked, changed, walked again.
 *
 * visit.c and volume.c check what must hold of any volume. The form of an input is that of a disc
 * (fuzz.h). Runs in the simulation, with a seed of the input's.
 */
#include "fs/fat/boot.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"

enum { STATE_BYTES = 1, INFO_HINT_BYTES = 8 };

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

static void test_volume(struct fuzz_disc *disc)
{
    static const char *const options[] = { NULL, "charset=latin1", "tz=+05:30", "case=fold" };
    struct bytes boot = { disc->image, 512 };
    uint64_t sector = bytes_le16(boot, BOOT_SECTOR_BYTES);
    uint64_t tables = bytes_le16(boot, BOOT_RESERVED_SECTORS) * sector;
    uint64_t end = bytes_le16(boot, BOOT_SECTORS_16);
    bool wide = !bytes_le16(boot, BOOT_TABLE_SECTORS_16);
    if (!end)
        end = bytes_le32(boot, BOOT_SECTORS_32);

    /* The mark of a volume in use, the hints of FSInfo, and all after the reserved sectors. */
    struct fuzz_range ranges[] = {
        { .from = wide ? BOOT_STATE_32 : BOOT_STATE_16 },
        { .from = wide ? bytes_le16(boot, BOOT_INFO_SECTOR) * sector + INFO_FREE_CLUSTERS : 0 },
        { tables, end * sector },
    };
    ranges[0].to = ranges[0].from + STATE_BYTES;
    ranges[1].to = ranges[1].from + (wide ? INFO_HINT_BYTES : 0);
    fuzz_volume(disc, "fat", options[disc->options & FUZZ_OPTION_NAMES], ranges,
                ARRAY_LENGTH(ranges));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_disc(data, bytes, test_volume);
}
