/*
 * fuzz_mount.c - any bytes as a disc: mounted, walked, read, described, dismounted.
 *
 * visit.c checks what must hold of any disc. Runs in the simulation, with a seed of the input's.
 */
#include <string.h>

#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum { MEMORY_BYTES = 64 << 20 };

static uint8_t image[FUZZ_BLOCKS_MAX * 512];

struct disc {
    uint64_t bytes;
    unsigned options, fail;
    uint64_t bad_sector; /* UINT64_MAX: none */
};

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

static void discard(struct text_sink *sink, const char *text, size_t bytes)
{
    (void)sink;
    kassert(strnlen(text, bytes) <= bytes);
}

static struct text_sink sink = { .write = discard };

/* ---- the input ---------------------------------------------------------------------------- */

static struct disc disc_begin(const uint8_t *data, size_t bytes)
{
    struct disc disc = { .options = data[FUZZ_OPTIONS], .fail = data[FUZZ_FAIL] };
    unsigned blocks = fuzz_le16(data + FUZZ_BLOCKS);
    disc.bytes = (uint64_t)(blocks < FUZZ_BLOCKS_MAX ? blocks : FUZZ_BLOCKS_MAX) * 512;
    disc.bad_sector = fuzz_lay_chunks(data, bytes, image, false);
    if (!(disc.options & FUZZ_OPTION_BAD))
        disc.bad_sector = UINT64_MAX;
    return disc;
}

/* ---- a run -------------------------------------------------------------------------------- */

static void run_disc(void *argument)
{
    static const char *const options[] = {
        NULL, "names=rr", "names=joliet", "names=iso",
        "session=2", "session=2,names=rr", "session=2,names=joliet", "session=2,names=iso",
        "charset=shift-jis", "charset=cp437,names=rr", "names=enhanced", "charset=utf-8",
    };
    const struct disc *disc = argument;
    rig_start();
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, image, disc->bytes, faulty_limits(),
                                          disc->options & FUZZ_OPTION_LATE ? FAULTY_LATE
                                                                           : FAULTY_SYNC);
    if (disc->bad_sector != UINT64_MAX) {
        faulty->bad_from = disc->bad_sector * FUZZ_SECTOR_BYTES;
        faulty->bad_to = faulty->bad_from + FUZZ_SECTOR_BYTES;
    }
    IGNORE(device_describe_volume("disk0", &sink));
    struct path *root = path_root();
    status_t status = vfs_mount(root, "/m", "disk0", "cdfs",
                                options[(disc->options & FUZZ_OPTION_NAMES) +
                                        (disc->options & FUZZ_OPTION_CHARSET   ? 8
                                         : disc->options & FUZZ_OPTION_SESSION ? 4 : 0)]);
    path_put(root);
    if (!status) {
        fuzz_visit("/m", disc->bad_sector == UINT64_MAX, disc->fail);
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
    struct disc disc = disc_begin(data, bytes);
    if (disc.bytes)
        sim_run(hash_bytes(data, bytes, 1), run_disc, &disc);
    fuzz_lay_chunks(data, bytes, image, true);
    return 0;
}
