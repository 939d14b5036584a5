/*
 * fuzz_gunzip.c - any bytes as a gzip file, in whole and in pieces.
 *
 * zlib decides about the first member: what it unpacks, lib/deflate unpacks to the same bytes,
 * however the input is divided; what it refuses or finds too short is not called complete.
 *
 * Form        One byte, the size of the pieces, and then the file.
 */
#include <string.h>
#include <zlib.h>

#include "kernel/port.h"
#include "lib/deflate/gunzip.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX = 1 << 20 };

static struct gunzip gunzip;
static uint8_t expected[OUT_MAX], out[OUT_MAX];

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

/* Unpacks a file in pieces. Returns the end; *used: bytes of out[]. */
static enum gunzip_result unpack(const uint8_t *file, size_t bytes, size_t piece, size_t *used)
{
    enum gunzip_result result = GUNZIP_MORE;
    gunzip_begin(&gunzip);
    *used = 0;
    for (size_t at = 0; result == GUNZIP_MORE && at < bytes; at += piece) {
        gunzip_feed(&gunzip, (struct bytes){ file + at, min(piece, bytes - at) });
        while ((result = gunzip_run(&gunzip)) == GUNZIP_OUTPUT) {
            if (gunzip.output.length > OUT_MAX - *used)
                return GUNZIP_MORE;
            memcpy(out + *used, gunzip.output.data, gunzip.output.length);
            *used += gunzip.output.length;
        }
    }
    return gunzip_end(&gunzip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2)
        return 0;
    size_t piece = data[0] ? data[0] : bytes, used;
    z_stream stream = { .next_in = (uint8_t *)(uintptr_t)data + 1, .avail_in = (unsigned)bytes - 1,
                        .next_out = expected, .avail_out = OUT_MAX };
    kassert(inflateInit2(&stream, 31) == Z_OK);
    int status = inflate(&stream, Z_FINISH);
    size_t member = bytes - 1 - stream.avail_in, length = OUT_MAX - stream.avail_out;
    inflateEnd(&stream);
    if (!stream.avail_out)
        return 0;

    if (status == Z_STREAM_END) {
        kassert(unpack(data + 1, member, piece, &used) == GUNZIP_END);
        kassert(used == length && !memcmp(out, expected, length));
    }
    enum gunzip_result all = unpack(data + 1, bytes - 1, piece, &used);
    kassert(status == Z_STREAM_END || (all > GUNZIP_END && all != GUNZIP_GARBAGE));

    /* zlib may notice later that the start or a code is not valid. */
    kassert(status != Z_BUF_ERROR || all == GUNZIP_TRUNCATED || all == GUNZIP_DAMAGED ||
            all == GUNZIP_FOREIGN);
    kassert(!used || !length || !memcmp(out, expected, min(used, length)));
    return 0;
}
