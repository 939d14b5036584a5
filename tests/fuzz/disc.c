/*
 * disc.c - makes a disk of an input, and runs a test with it: see fuzz.h.
 */
#include <string.h>

#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum { MEMORY_BYTES = 64 << 20 };

/* ---- the form ----------------------------------------------------------------------------- */

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

/* ---- the disk ----------------------------------------------------------------------------- */

struct run {
    struct fuzz_disc disc;
    void (*test)(struct fuzz_disc *disc);
};

/* Runs the test between the start and the end of the storage stack, with the disk in it. */
static void run_disc(void *argument)
{
    struct run *run = argument;
    struct fuzz_disc *disc = &run->disc;
    rig_start();
    rig_mkdir("/m");
    disc->disk = faulty_create(0, disc->image, disc->bytes, faulty_limits(),
                               disc->options & FUZZ_OPTION_LATE ? FAULTY_LATE : FAULTY_SYNC);
    if (disc->options & FUZZ_OPTION_BAD && disc->last_sector != UINT64_MAX) {
        disc->disk->bad_from = disc->last_sector * FUZZ_SECTOR_BYTES;
        disc->disk->bad_to = disc->disk->bad_from + FUZZ_SECTOR_BYTES;
    }
    run->test(disc);
    faulty_destroy(disc->disk);
    rig_stop();
}

int fuzz_disc(const uint8_t *data, size_t bytes, void (*test)(struct fuzz_disc *disc))
{
    static uint8_t image[FUZZ_BLOCKS_MAX * 512];
    struct run run = { .disc = { .image = image }, .test = test };
    if (bytes < FUZZ_HEADER_BYTES || memcmp(data + FUZZ_MAGIC, "SPZ1", 4) != 0)
        return 0;
    log_set_level(LOG_ERROR);
    host_memory_limit(MEMORY_BYTES);

    unsigned blocks = fuzz_le16(data + FUZZ_BLOCKS);
    run.disc.bytes = (uint64_t)min(blocks, (unsigned)FUZZ_BLOCKS_MAX) * 512;
    run.disc.options = data[FUZZ_OPTIONS];
    run.disc.fail = data[FUZZ_FAIL];
    run.disc.last_sector = fuzz_lay_chunks(data, bytes, image, false);
    if (run.disc.bytes)
        sim_run(hash_bytes(data, bytes, 1), run_disc, &run);

    /* The chunks, and what the test has written. */
    fuzz_lay_chunks(data, bytes, image, true);
    memset(image, 0, run.disc.bytes);
    return 0;
}

bool fuzz_mount(const char *type, const char *options)
{
    struct path *root = path_root();
    status_t status = vfs_mount(root, "/m", "disk0", type, options);
    path_put(root);
    return !status;
}
