/*
 * fuzz.h - what the files of tests/fuzz share: the form of an input that stands for a disc.
 *
 * Form        8 bytes of header, then chunks: sector (le16), length (le16, at most 2048), bytes.
 *             A sector that has no chunk, and the rest of one that has, is zeros; so a disc takes a
 *             few hundred bytes. tests/fuzz/pack.py makes such inputs of images.
 * Entry       libFuzzer's names, which replay.c serves as well.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FUZZ_MAGIC = 0,    /* "SPZ1" */
    FUZZ_BLOCKS = 4,   /* le16: the device's length in blocks of 512 */
    FUZZ_OPTIONS = 6,  /* FUZZ_OPTION_ */
    FUZZ_FAIL = 7,     /* n: the n*n-th allocation after mounting fails */
    FUZZ_HEADER_BYTES = 8,

    FUZZ_OPTION_NAMES = 0x03, /* as found, rr, joliet, iso */
    FUZZ_OPTION_LATE = 0x04,  /* transfers are answered by another thread */
    FUZZ_OPTION_BAD = 0x08,   /* the last chunk's sector cannot be read */
    FUZZ_OPTION_SESSION = 0x10, /* the second session is asked for */
    FUZZ_OPTION_CHARSET = 0x20, /* instead, a charset or the enhanced tree */
    FUZZ_OPTION_FAIL_WRITE = 0x10, /* of a volume: one write fails */
    FUZZ_OPTION_AS_IS = 0x20,   /* of a volume: its checksums are not corrected */

    FUZZ_SECTOR_BYTES = 2048,
    FUZZ_CHUNK_BYTES = 4,     /* before a chunk's own bytes */
    FUZZ_BLOCKS_MAX = 16384,
};

/* Lays the chunks into the image, which has FUZZ_BLOCKS_MAX blocks; with `clear`, zeros in their
 * place. Returns the sector of the last one, UINT64_MAX if there is none. */
uint64_t fuzz_lay_chunks(const uint8_t *data, size_t bytes, uint8_t *image, bool clear);
unsigned fuzz_le16(const uint8_t *data);

/* The disk that an input stands for, named disk0. */
struct fuzz_disc {
    uint8_t *image;
    uint64_t bytes;
    unsigned options, fail;
    uint64_t last_sector; /* of the last chunk; UINT64_MAX: none */
    struct faulty *disk;
};

/* Calls test() with the disk of an input, in the simulation, with a seed of the input's; not if the
 * input has another form. The test may mount it at /m. Returns 0. */
int fuzz_disc(const uint8_t *data, size_t bytes, void (*test)(struct fuzz_disc *disc));
/* Mounts the disk at /m. Returns false if it cannot be. */
bool fuzz_mount(const char *type, const char *options);

/* Bytes of a volume that a file system driver may change. */
struct fuzz_range {
    uint64_t from, to;
};

/* Walks the disk's volume, makes it writable, changes it at random, and walks it again; checks that
 * no byte outside the `count` ranges has changed. */
void fuzz_volume(struct fuzz_disc *disc, const char *type, const char *options,
                 const struct fuzz_range *ranges, size_t count);

/* Walks what is mounted at `path`, in a body of the rig, and checks it. `steady`: no block of the
 * device fails. fail = n: the n*n-th allocation fails. */
void fuzz_visit(const char *path, bool steady, unsigned fail);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t room);
/* The sanitizers end by abort(), which libFuzzer and the simulation both answer with a report. */
const char *__asan_default_options(void);

#endif
