/*
 * fuzz_partition.c - any bytes as a partition table (form of the input: fuzz.h).
 *
 * Nothing is expected of the bytes; of the list what table.h promises: each partition is inside the
 * medium, after its first sector, overlaps no other and has a number of its own, and the decoder
 * reads a bounded number of sectors.
 */
#include <string.h>

#include "lib/partition/table.h"
#include "kernel/port.h"
#include "lib/macros.h"
#include "lib/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/partition_image.h"

enum {
    OPTION_SECTOR = 0x03, /* 512, 1024, 2048, 4096 */
    OPTION_SEAL = 0x04,   /* the checksums of a GPT are made right */
    OPTION_BAD = 0x08,    /* the last chunk's sector cannot be read */
    READS_MAX = 4000,     /* 512 KiB of entries twice, in two copies, in sectors of each length */
};

static uint8_t image[FUZZ_BLOCKS_MAX * 512];
static struct partition_table table;
static uint64_t bad_sector;
static unsigned reads, notes;

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0";
}

static status_t read_image(struct partition_source *source, uint64_t offset, void *buffer,
                           size_t bytes)
{
    kassert(bytes && bytes <= PARTITION_PIECE_BYTES && bytes % 512 == 0);
    kassert(offset <= source->size_bytes && bytes <= source->size_bytes - offset);
    kassert(++reads <= READS_MAX);
    if (offset / FUZZ_SECTOR_BYTES <= bad_sector &&
        bad_sector <= (offset + bytes - 1) / FUZZ_SECTOR_BYTES)
        return -EIO;
    memcpy(buffer, image + offset, bytes);
    return 0;
}

static void count_note(struct partition_source *source, const char *text)
{
    (void)source;
    kassert(*text && utf8_valid(text, strlen(text)));
    kassert(++notes <= PARTITION_NOTES_MAX + 1);
}

static void check_partition(const struct partition_source *source, unsigned i)
{
    const struct partition *p = &table.partitions[i];
    kassert(p->base_bytes && p->length_bytes && p->number);
    kassert(p->base_bytes < source->size_bytes &&
            p->length_bytes <= source->size_bytes - p->base_bytes);
    kassert(*p->type && memchr(p->type, 0, sizeof(p->type)) && memchr(p->name, 0, sizeof(p->name)));
    kassert(utf8_valid(p->name, strlen(p->name)));
    while (i--) {
        const struct partition *q = &table.partitions[i];
        kassert(p->number != q->number);
        kassert(p->base_bytes >= q->base_bytes + q->length_bytes ||
                q->base_bytes >= p->base_bytes + p->length_bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < FUZZ_HEADER_BYTES)
        return 0;
    unsigned blocks = fuzz_le16(data + FUZZ_BLOCKS), options = data[FUZZ_OPTIONS];
    struct partition_source source = {
        .read = read_image,
        .note = count_note,
        .size_bytes = min(blocks, FUZZ_BLOCKS_MAX + 0u) * 512ull,
        .sector_bytes = 512u << (options & OPTION_SECTOR),
    };
    uint64_t last = fuzz_lay_chunks(data, bytes, image, false);
    bad_sector = options & OPTION_BAD ? last : UINT64_MAX;
    reads = notes = 0;
    if (options & OPTION_SEAL)
        table_seal_gpt(&(struct partition_image){ image, source.size_bytes, source.sector_bytes });

    /* What the last input left in the table must not matter. */
    memset(&table, 0xaa, sizeof(table));
    if (!partition_table_read(&source, &table)) {
        kassert(table.count <= PARTITION_COUNT_MAX);
        for (unsigned i = 0; i < table.count; i++)
            check_partition(&source, i);
        IGNORE(partition_is_volume(&source, &table));
    }
    memset(image, 0, sizeof(image));
    return 0;
}
