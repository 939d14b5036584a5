/*
 * main.c - the measurements, printed in the format of the shell's `bench`.
 *
 * Memory, by physical address (bare.h): the buffer of the drive, the destination of copies, and a
 * range larger than the processor's caches as their source. Buffer and destination are not a power
 * of two apart, since copies at such distances are slow in an emulator.
 */
#include "boot/boot_info.h"
#include "boot/loader.h"
#include "lib/string.h"
#include "tests/bench/bare/bare.h"

enum {
    FILE_WINDOW = 1 << 18,  /* the size of a kernel's read from a file */
    SMALL_WINDOW = 1 << 17, /* the same from a directory or adjacent small files */
    RANDOM_READS = 2000,
    RANDOM_BYTES = 4096,

    DESCRIPTOR_BLOCK = 16,
    ROOT_RECORD = 156,
    LENGTH_FIELD = 0,
    EXTENT_FIELD = 2,
    SIZE_FIELD = 10,
    NAME_LENGTH_FIELD = 32,
    NAME_FIELD = 33,
};

struct extent {
    uint32_t block, bytes;
};

static uint64_t begun_us;

void *memory(uint32_t physical)
{
    return (uint8_t *)BOOT_DIRECT_MAP + physical;
}

void begin(void)
{
    begun_us = machine_now_us();
}

/* With tenths, as in shell/commands/system/bench.c. */
void end(const char *name, uint64_t amount, const char *unit, bool mib)
{
    uint64_t us = machine_now_us() - begun_us;
    us = us ? us : 1;
    uint64_t tenths = amount * 10000000 / us >> (mib ? 20 : 0);
    machine_say("BENCH %s %u.%u %s/s\n", name, (unsigned)(tenths / 10), (unsigned)(tenths % 10),
                unit);
    machine_say("BENCH %s.amount %u %s\n", name, (unsigned)amount, mib ? "bytes" : unit);
    machine_say("BENCH %s.time %u.%06u s\n", name, (unsigned)(us / 1000000),
                (unsigned)(us % 1000000));
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void read_along(const char *name, struct extent extent, uint32_t window, bool copying)
{
    begin();
    for (uint32_t at = 0; at < extent.bytes; at += window) {
        uint32_t bytes = extent.bytes - at < window ? extent.bytes - at : window;
        drive_read(extent.block + at / BLOCK_BYTES, (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES,
                   DMA_AT);
        for (uint32_t done = 0; copying && done < bytes; done += COPY_BYTES)
            memcpy(memory(COPY_TO), memory(DMA_AT + done), COPY_BYTES);
    }
    end(name, extent.bytes, "MiB", true);
}

static void read_about(struct extent extent)
{
    uint64_t random = 1;
    begin();
    for (int i = 0; i < RANDOM_READS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t slot = (uint32_t)((random >> 33) % (extent.bytes / RANDOM_BYTES));
        drive_read(extent.block + slot * (RANDOM_BYTES / BLOCK_BYTES), RANDOM_BYTES / BLOCK_BYTES,
                   DMA_AT);
    }
    end("random_raw", RANDOM_READS, "reads", false);
}

static void copy_along(void)
{
    memset(memory(COPY_FROM), 1, MEMORY_NEEDED - COPY_FROM);
    begin();
    for (uint32_t at = COPY_FROM; at < MEMORY_NEEDED; at += COPY_BYTES)
        memcpy(memory(COPY_TO), memory(at), COPY_BYTES);
    end("file_warm", MEMORY_NEEDED - COPY_FROM, "MiB", true);
}

/* ---- directories -------------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *field)
{
    return field[0] | field[1] << 8 | field[2] << 16 | (uint32_t)field[3] << 24;
}

static struct extent record_extent(const uint8_t *record)
{
    return (struct extent){ get32(record + EXTENT_FIELD), get32(record + SIZE_FIELD) };
}

/* Returns the record after `record` (NULL: the first) before `end`, or NULL. No record crosses the
 * end of a block. */
static const uint8_t *record_next(const uint8_t *start, const uint8_t *record, const uint8_t *end)
{
    record = record ? record + record[LENGTH_FIELD] : start;
    if (record < end && !record[LENGTH_FIELD])
        record += BLOCK_BYTES - (size_t)(record - start) % BLOCK_BYTES;
    return record < end && record[LENGTH_FIELD] ? record : NULL;
}

static bool record_is_dot(const uint8_t *record)
{
    return record[NAME_LENGTH_FIELD] == 1 && record[NAME_FIELD] <= 1;
}

/* Reads a directory that fits into one transfer to DMA_AT. Returns the end of its records. */
static const uint8_t *directory_read(struct extent directory)
{
    drive_read(directory.block, directory.bytes / BLOCK_BYTES, DMA_AT);
    return memory(DMA_AT) + directory.bytes;
}

static struct extent find(struct extent directory, const char *name)
{
    const uint8_t *end_of = directory_read(directory), *record = NULL;
    while ((record = record_next(memory(DMA_AT), record, end_of)))
        if (strncmp((const char *)record + NAME_FIELD, name, strlen(name)) == 0)
            return record_extent(record);
    machine_say("%s: no such file on this disc\n", name);
    machine_end(1);
}

/* Parses every record once, the minimum for any lookup. */
static void pass_over(const char *name, struct extent directory)
{
    uint32_t count = 0;
    begin();
    for (uint32_t at = 0; at < directory.bytes; at += SMALL_WINDOW) {
        uint32_t left = directory.bytes - at, bytes = left < SMALL_WINDOW ? left : SMALL_WINDOW;
        const uint8_t *record = NULL, *end_of = memory(DMA_AT) + bytes;
        drive_read(directory.block + at / BLOCK_BYTES, bytes / BLOCK_BYTES, DMA_AT);
        while ((record = record_next(memory(DMA_AT), record, end_of)))
            count += !record_is_dot(record);
    }
    end(name, count, "entries", false);
}

/* Reads the files of a directory, which are stored between its first file and the directory itself.
 * Returns their number. */
static uint32_t small_files(struct extent directory)
{
    const uint8_t *end_of = directory_read(directory), *record = NULL;
    uint32_t first = 0, count = 0;
    while ((record = record_next(memory(DMA_AT), record, end_of))) {
        if (record_is_dot(record))
            continue;
        if (!count++)
            first = record_extent(record).block;
    }
    for (uint32_t block = first; block < directory.block; block += SMALL_WINDOW / BLOCK_BYTES) {
        uint32_t left = (directory.block - block) * BLOCK_BYTES;
        uint32_t bytes = left < SMALL_WINDOW ? left : SMALL_WINDOW;
        drive_read(block, bytes / BLOCK_BYTES, DMA_AT);
        memcpy(memory(COPY_TO), memory(DMA_AT), bytes);
    }
    return count;
}

static uint32_t entries_of(struct extent directory)
{
    const uint8_t *end_of = directory_read(directory), *record = NULL;
    uint32_t count = 0;
    while ((record = record_next(memory(DMA_AT), record, end_of)))
        count += !record_is_dot(record);
    return count;
}

/* Calls one() for each directory of the tree. Returns the sum of its results. */
static uint32_t each_directory(struct extent tree, uint32_t (*one)(struct extent directory),
                               uint32_t *directories)
{
    uint32_t sum = 0;
    const uint8_t *list = memory(LIST_AT), *record = NULL;
    (void)directory_read(tree);
    memcpy(memory(LIST_AT), memory(DMA_AT), tree.bytes);
    *directories = 0;
    while ((record = record_next(list, record, list + tree.bytes))) {
        if (record_is_dot(record))
            continue;
        sum += one(record_extent(record));
        ++*directories;
    }
    return sum;
}

static void measure_tree(struct extent tree)
{
    uint32_t directories;
    begin();
    uint32_t entries = each_directory(tree, entries_of, &directories);
    end("walk_cold", entries + directories, "entries", false);
    begin();
    uint32_t files = each_directory(tree, small_files, &directories);
    end("small_cold", files, "files", false);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void check_memory(const struct boot_info *boot)
{
    for (unsigned i = 0; i < boot->range_count; i++)
        if (boot->ranges[i].type == BOOT_MEMORY_USABLE && boot->ranges[i].start <= DMA_AT &&
            boot->ranges[i].end >= MEMORY_NEEDED)
            return;
    machine_say("not enough memory: %u MiB required\n", MEMORY_NEEDED / MIB);
    machine_end(1);
}

_Noreturn void kmain(const struct boot_info *boot)
{
    machine_start();
    check_memory(boot);
    measure_disk(boot->command_line);
    drive_start();
    drive_read(DESCRIPTOR_BLOCK, 1, DMA_AT);
    struct extent root = record_extent(memory(DMA_AT) + ROOT_RECORD);
    struct extent big = find(root, "BIG.;1");
    read_along("raw_1m", big, 1 << 20, false);
    read_along("raw_64k", big, 1 << 16, false);
    read_about(big);
    read_along("file_cold", big, FILE_WINDOW, true);
    copy_along();
    pass_over("stat_1k_cold", find(root, "D1K"));
    pass_over("stat_10k_cold", find(root, "D10K"));
    pass_over("stat_100k_cold", find(root, "D100K"));
    measure_tree(find(root, "TREE"));
    machine_end(0);
}
