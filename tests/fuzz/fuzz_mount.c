/*
 * fuzz_mount.c - any bytes as a disc: mounted, walked, read, described, dismounted.
 *
 * visit.c checks what must hold of any disc. Runs in the simulation, with a seed of the input's.
 */
#include <string.h>

#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

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

static void test_disc(struct fuzz_disc *disc)
{
    static const char *const options[] = {
        NULL, "names=rr", "names=joliet", "names=iso",
        "session=2", "session=2,names=rr", "session=2,names=joliet", "session=2,names=iso",
        "charset=shift-jis", "charset=cp437,names=rr", "names=enhanced", "charset=utf-8",
    };
    unsigned group = disc->options & FUZZ_OPTION_CHARSET   ? 8
                     : disc->options & FUZZ_OPTION_SESSION ? 4 : 0;
    IGNORE(device_describe_volume("disk0", &sink));
    if (fuzz_mount("cdfs", options[group + (disc->options & FUZZ_OPTION_NAMES)])) {
        fuzz_visit("/m", !(disc->options & FUZZ_OPTION_BAD), disc->fail);
        kassert(rig_unmount("/m") == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_disc(data, bytes, test_disc);
}
