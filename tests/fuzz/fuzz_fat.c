/*
 * fuzz_fat.c - any bytes as a FAT or exFAT volume: mounted, walked, read, described, dismounted.
 *
 * visit.c checks what must hold of any volume. The form of an input is that of a disc (fuzz.h).
 * Runs in the simulation, with a seed of the input's.
 */
#include <string.h>

#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum { MEMORY_BYTES = 64 << 20 };

static uint8_t image[FUZZ_BLOCKS_MAX * 512];

struct volume {
    uint64_t bytes;
    unsigned options, fail;
    uint64_t bad_sector; /* UINT64_MAX: none */
};

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

static void run_volume(void *argument)
{
    static const char *const options[] = { NULL, "charset=latin1", "tz=+05:30", "case=fold" };
    const struct volume *volume = argument;
    rig_start();
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, image, volume->bytes, faulty_limits(),
                                          volume->options & FUZZ_OPTION_LATE ? FAULTY_LATE
                                                                             : FAULTY_SYNC);
    if (volume->bad_sector != UINT64_MAX) {
        faulty->bad_from = volume->bad_sector * FUZZ_SECTOR_BYTES;
        faulty->bad_to = faulty->bad_from + FUZZ_SECTOR_BYTES;
    }

    struct path *root = path_root();
    const char *chosen = options[volume->options & FUZZ_OPTION_NAMES];
    status_t status = vfs_mount(root, "/m", "disk0", "fat", chosen);
    if (status)
        status = vfs_mount(root, "/m", "disk0", "exfat", NULL);
    path_put(root);
    if (!status) {
        fuzz_visit("/m", volume->bad_sector == UINT64_MAX, volume->fail);
        kassert(rig_unmount("/m") == 0);
    }
    faulty_destroy(faulty);
    rig_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < FUZZ_HEADER_BYTES || memcmp(data + FUZZ_MAGIC, "SPZ1", 4) != 0)
        return 0;
    log_set_level(LOG_ERROR);
    host_memory_limit(MEMORY_BYTES);

    unsigned blocks = fuzz_le16(data + FUZZ_BLOCKS);
    struct volume volume = { .options = data[FUZZ_OPTIONS], .fail = data[FUZZ_FAIL] };
    volume.bytes = (uint64_t)min(blocks, (unsigned)FUZZ_BLOCKS_MAX) * 512;
    volume.bad_sector = fuzz_lay_chunks(data, bytes, image, false);
    if (!(volume.options & FUZZ_OPTION_BAD))
        volume.bad_sector = UINT64_MAX;
    if (volume.bytes)
        sim_run(hash_bytes(data, bytes, 1), run_volume, &volume);
    fuzz_lay_chunks(data, bytes, image, true);
    return 0;
}
