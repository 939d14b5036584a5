/*
 * test_stores.c - one body for all virtual drives, whatever their bytes come from.
 *
 * Promises    io.h, virtual.h: reads return what was written, at any offset and in any segments;
 *             what is refused moves no byte; written bytes are in the image, or in the drive only;
 *             the rest of the last block can be read and not written; a flush reaches the disk.
 *
 * For both back ends. See test_virtual.c. A new kind of store is one more row of the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/raw_sectors.h"

enum {
    DATA_BYTES = 12 * 4096, /* what drives show */
    TAIL_BYTES = 300,       /* more, in the file; less than a block */
    MARGIN_BYTES = 1000,    /* before a window */
    RAW_SECTORS = DATA_BYTES / 2048,
};

static uint8_t model[DATA_BYTES + TAIL_BYTES], beneath[DATA_BYTES], memory[DATA_BYTES];
static uint8_t raw[RAW_SECTORS * 2448];
static struct faulty *faulty;

/* ---- where the bytes are ------------------------------------------------------------------ */

static void put_file(void)
{
    static uint8_t data[MARGIN_BYTES + DATA_BYTES + TAIL_BYTES];
    memset(data, 0xaa, sizeof(data));
    memcpy(data, model, DATA_BYTES);
    rig_put_file("/img", data, DATA_BYTES + TAIL_BYTES);
    memset(data, 0xaa, sizeof(data));
    memcpy(data + MARGIN_BYTES, model, DATA_BYTES);
    rig_put_file("/margin", data, sizeof(data));
}

/* Sectors around the model's data. */
static void put_raw(uint32_t stride, enum raw_kind sectors)
{
    memset(raw, 0xee, sizeof(raw));
    for (unsigned i = 0; i < RAW_SECTORS; i++) {
        uint8_t sector[2352], *to = raw + i * stride;
        bool bare = stride == 2336;
        raw_sector_make(sector, sectors, (int)i, model + i * 2048);
        memcpy(to, sector + (bare ? 16 : 0), bare ? 2336 : 2352);
    }
    rig_put_file("/raw", raw, RAW_SECTORS * stride);
}

static void put_all(void)
{
    drives_pattern(model, DATA_BYTES, 3);
    memset(model + DATA_BYTES, 0xaa, TAIL_BYTES);
    memcpy(model + 16 * 2048, "\1CD001\1", 7);
    memcpy(beneath, model, sizeof(beneath));
    memcpy(memory, model, sizeof(memory));
    put_file();
}

/* ---- the kinds ---------------------------------------------------------------------------- */

#define DISK "/System/Devices/faulty0"

static const struct kind {
    const char *name;
    struct wanted drive;
    bool blank;
    uint32_t disk_block;                  /* of the disk below; 0: there is none */
    uint32_t raw_stride;
    enum raw_kind raw_sectors;
    enum virtual_fault_kind fault;        /* on top of it all */
} kinds[] = {
    { "RAM", { .store = VIRTUAL_RAM, .size_bytes = DATA_BYTES }, .blank = true },
    { "RAM image", { ON(RAM_IMAGE, "/img"), .size_bytes = DATA_BYTES }, .blank = false },
    { "RAM image of a window", { ON(RAM_IMAGE, "/margin"), .offset_bytes = MARGIN_BYTES,
                                 .size_bytes = DATA_BYTES }, .blank = false },
    { "RAM image of a disk", { ON(RAM_IMAGE, DISK) }, .disk_block = 512 },
    { "memory", { .store = VIRTUAL_MEMORY, .memory = memory, .size_bytes = DATA_BYTES },
      .blank = false },
    { "file", { ON(FILE, "/img") }, .blank = false },
    { "file to write", { ON(FILE, "/img"), .flags = VIRTUAL_WRITABLE }, .blank = false },
    { "window of a file", { ON(FILE, "/margin"), .offset_bytes = MARGIN_BYTES,
                            .size_bytes = DATA_BYTES }, .blank = false },
    { "window to write", { ON(FILE, "/margin"), .offset_bytes = MARGIN_BYTES,
                           .size_bytes = DATA_BYTES, .flags = VIRTUAL_WRITABLE }, .blank = false },
    { "disk", { ON(FILE, DISK) }, .disk_block = 512 },
    { "disk to write", { ON(FILE, DISK), .flags = VIRTUAL_WRITABLE }, .disk_block = 512 },
    { "disk of larger blocks", { ON(FILE, DISK), .flags = VIRTUAL_WRITABLE },
      .disk_block = 4096 },
    { "overlay on a file", { ON(OVERLAY, "/img") }, .blank = false },
    { "overlay on a window", { ON(OVERLAY, "/margin"), .offset_bytes = MARGIN_BYTES,
                               .size_bytes = DATA_BYTES }, .blank = false },
    { "overlay on a disk", { ON(OVERLAY, DISK) }, .disk_block = 512 },
    { "overlay on larger blocks", { ON(OVERLAY, DISK), .flags = VIRTUAL_WRITABLE },
      .disk_block = 2048 },
    { "raw, mode 1", { ON(FILE, "/raw") }, .raw_stride = 2352, .raw_sectors = RAW_MODE_1 },
    { "raw, mode 2", { ON(FILE, "/raw") }, .raw_stride = 2352, .raw_sectors = RAW_FORM_1 },
    { "raw, bare", { ON(FILE, "/raw") }, .raw_stride = 2336, .raw_sectors = RAW_FORM_1 },
    { "raw with subchannels", { ON(FILE, "/raw") }, .raw_stride = 2448,
      .raw_sectors = RAW_MODE_1 },
    { "raw with one subchannel", { ON(FILE, "/raw") }, .raw_stride = 2368,
      .raw_sectors = RAW_FORM_1 },
    { "raw, loaded", { ON(RAM_IMAGE, "/raw") }, .raw_stride = 2352, .raw_sectors = RAW_MODE_1 },
    { "raw under an overlay", { ON(OVERLAY, "/raw") }, .raw_stride = 2336,
      .raw_sectors = RAW_FORM_1 },
    { "RAM that flips", { .store = VIRTUAL_RAM, .size_bytes = DATA_BYTES }, .blank = true,
      .fault = VIRTUAL_FAULT_FLIP },
    { "memory that flips", { .store = VIRTUAL_MEMORY, .memory = memory, .size_bytes = DATA_BYTES },
      .fault = VIRTUAL_FAULT_FLIP },
    { "file that is slow", { ON(FILE, "/img"), .flags = VIRTUAL_WRITABLE },
      .fault = VIRTUAL_FAULT_DELAY },
    { "overlay that is slow", { ON(OVERLAY, DISK) }, .disk_block = 512,
      .fault = VIRTUAL_FAULT_DELAY },
};

static bool kind_is_writable(const struct kind *kind)
{
    return kind->drive.store != VIRTUAL_FILE || kind->drive.flags & VIRTUAL_WRITABLE;
}

static void kind_make(const struct kind *kind, uint32_t block, char *alias)
{
    struct wanted drive = kind->drive;
    struct io_limits limits = { .block_bytes = kind->disk_block };
    drive.block_bytes = kind->raw_stride ? 0 : block;
    put_all();
    faulty = kind->disk_block ? faulty_create(0, beneath, sizeof(beneath), limits, FAULTY_MIXED)
                              : NULL;
    if (kind->raw_stride)
        put_raw(kind->raw_stride, kind->raw_sectors);
    if (kind->blank)
        memset(model, 0, sizeof(model));
    expect(kind->name, drives_add(&drive, alias), 0);
    if (kind->fault)
        expect("fault", drives_fault(alias, kind->fault, 0, 1), 0);
}

/* Checks that written bytes are in the image, or in the drive only. */
static void kind_end(const struct kind *kind, const char *alias)
{
    static uint8_t was[DATA_BYTES], got[MARGIN_BYTES + DATA_BYTES + TAIL_BYTES];
    bool through = kind->drive.store == VIRTUAL_FILE && kind_is_writable(kind);
    expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    drives_pattern(was, sizeof(was), 3);
    memcpy(was + 16 * 2048, "\1CD001\1", 7);
    const uint8_t *now = through ? model : was;
    kassert(rig_get_file("/img", got, sizeof(got)) == DATA_BYTES + TAIL_BYTES);
    bool on_img = kind->drive.image && strcmp(kind->drive.image, "/img") == 0;
    kassert(memcmp(got, on_img ? now : was, DATA_BYTES) == 0);
    kassert(got[DATA_BYTES] == 0xaa && got[DATA_BYTES + TAIL_BYTES - 1] == 0xaa);
    kassert(rig_get_file("/margin", got, sizeof(got)) == (ssize_t)sizeof(got));
    bool on_margin = kind->drive.image && strcmp(kind->drive.image, "/margin") == 0;
    kassert(memcmp(got + MARGIN_BYTES, on_margin ? now : was, DATA_BYTES) == 0);
    kassert(got[MARGIN_BYTES - 1] == 0xaa && got[MARGIN_BYTES + DATA_BYTES] == 0xaa);
    if (faulty) {
        kassert(memcmp(beneath, now, DATA_BYTES) == 0);
        faulty_destroy(faulty);
    }
    if (kind->drive.memory)
        kassert(memcmp(memory, model, DATA_BYTES) == 0);
}

/* ---- the body ----------------------------------------------------------------------------- */

struct subject {
    struct device_handle handle;
    uint32_t block, tail; /* bytes after the last whole block */
    bool writable;
};

static uint8_t buffer[DATA_BYTES + 4096];

/* Blocks at any offset, in segments of any length. */
static void move_some(const struct subject *subject)
{
    uint32_t blocks = DATA_BYTES / subject->block, done_blocks;
    uint32_t first = (uint32_t)(rig_random() % blocks);
    uint32_t most = rig_random() % 4 ? 8 : blocks, left = blocks - first;
    uint32_t count = 1 + (uint32_t)(rig_random() % (most < left ? most : left));
    uint32_t at = first * subject->block, bytes = count * subject->block;
    uint8_t *mine = buffer + rig_random() % 64;
    uint64_t done;
    bool write = rig_random() % 2;
    drives_pattern(mine, bytes, (unsigned)rig_random());
    status_t status = drives_transfer(&subject->handle, write ? IO_WRITE : IO_READ, at, mine,
                                      bytes, &done);
    done_blocks = (uint32_t)done / subject->block;
    expect("transfer", status, write && !subject->writable ? -EROFS : 0);
    kassert(done_blocks == (status ? 0 : count));
    if (write && !status)
        memcpy(model + at, mine, bytes);
    kassert(status || memcmp(model + at, mine, bytes) == 0);
}

/* Every store can be zeroed, by one way or the other. Discarded bytes may be anything. */
static void zero_some(const struct subject *subject)
{
    uint32_t blocks = DATA_BYTES / subject->block;
    uint32_t first = (uint32_t)(rig_random() % blocks);
    uint32_t at = first * subject->block;
    uint32_t bytes = (1 + (uint32_t)(rig_random() % (blocks - first))) * subject->block;
    status_t refused = subject->writable ? 0 : -EROFS;
    uint64_t done;

    expect("discard", io_wait(&subject->handle, IO_DISCARD, at, NULL, bytes, NULL), refused);
    expect("zero", io_zero(&subject->handle, at, bytes), refused);
    if (subject->writable)
        memset(model + at, 0, bytes);
    expect("read", drives_transfer(&subject->handle, IO_READ, 0, buffer, DATA_BYTES, &done), 0);
    kassert(memcmp(model, buffer, DATA_BYTES) == 0);
}

/* VB8, VB9, VB10: a refused request moves no byte and reports none as done. */
static void refuse_some(const struct subject *subject)
{
    status_t beyond = subject->writable ? -ENOSPC : -EROFS, shape = -EINVAL;
    uint32_t block = subject->block, size = DATA_BYTES;
    const struct {
        uint64_t offset;
        uint32_t bytes;
        status_t read, write;
    } cases[] = {
        { size, block, -EIO, beyond },
        { size - block, 2 * block, -EIO, beyond },
        { 0, size + block, -EIO, beyond },
        { (uint64_t)1 << 32, block, -EIO, beyond },
        { (uint64_t)INT64_MAX + 1, block, -EIO, beyond },
        { 0 - (uint64_t)block, block, -EIO, beyond },
        { 0 - (uint64_t)block, 2 * block, -EIO, beyond },
        { 1, block, shape, shape },
        { block / 2, block, shape, shape },
        { 0, block - 1, shape, shape },
        { 0, block + block / 2, shape, shape },
        { 0, 0, shape, shape },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t done;
        memset(buffer, 0x77, sizeof(buffer));
        expect("read", io_wait(&subject->handle, IO_READ, cases[i].offset, buffer, cases[i].bytes,
                               &done), cases[i].read);
        kassert(done == 0 && buffer[0] == 0x77 && buffer[sizeof(buffer) - 1] == 0x77);
        status_t expected = subject->writable ? cases[i].write : -EROFS;
        expect("write", io_wait(&subject->handle, IO_WRITE, cases[i].offset, buffer,
                                cases[i].bytes, &done), expected);
        kassert(done == 0);
    }
}

/* VB15: a flush reaches the disk below, if that may have been written. */
static void flush_some(const struct subject *subject, bool through)
{
    unsigned long before = faulty ? atomic_load(&faulty->flushes) : 0;
    expect("flush", io_wait(&subject->handle, IO_FLUSH, 0, NULL, 0, NULL), 0);
    expect("flush of bytes", io_wait(&subject->handle, IO_FLUSH, 0, buffer, subject->block, NULL),
           -EINVAL);
    kassert(!faulty || atomic_load(&faulty->flushes) == before + through);
}

/* The part of the last block that exists can be read, and no byte after it; none of it can be
 * written. */
static void read_tail(const struct subject *subject)
{
    uint32_t block = subject->block, tail = subject->tail;
    uint64_t done;
    memset(buffer, 0x77, sizeof(buffer));
    expect("tail", io_wait(&subject->handle, IO_READ, DATA_BYTES - block, buffer, block + tail,
                           &done), 0);
    kassert(done == block + tail && buffer[block + tail] == 0x77);
    kassert(memcmp(buffer, model + DATA_BYTES - block, block + tail) == 0);
    expect("tail", io_wait(&subject->handle, IO_READ, DATA_BYTES, buffer, tail, NULL), 0);
    expect("more", io_wait(&subject->handle, IO_READ, DATA_BYTES, buffer, tail + 1, NULL), -EINVAL);
    expect("less", io_wait(&subject->handle, IO_READ, DATA_BYTES, buffer, tail - 1, NULL), -EINVAL);
    status_t refused = subject->writable ? -EINVAL : -EROFS;
    expect("write", io_wait(&subject->handle, IO_WRITE, DATA_BYTES, buffer, tail, NULL), refused);
}

/* Through the device's file, at any byte. */
static void read_file(const char *alias, const struct subject *subject)
{
    uint32_t block = subject->block, size = DATA_BYTES + subject->tail;
    struct file *file;
    expect("open", rig_open(drives_path(alias), OPEN_READ, &file), 0);
    kassert(file_size(file) == size);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t at = rig_random() % (size + 10);
        size_t bytes = (size_t)(1 + rig_random() % (3 * block));
        size_t there = at < size ? (size_t)(size - at) : 0;
        ssize_t got = file_read_at(file, at, buffer, bytes);
        kassert(got == (ssize_t)(bytes < there ? bytes : there));
        kassert(memcmp(buffer, model + (there ? at : 0), (size_t)got) == 0);
    }
    file_close(file);
}

static void conform(const struct kind *kind, uint32_t block)
{
    char alias[DEVICE_NAME_BYTES];
    struct virtual_info info;
    struct subject subject = { .block = block, .writable = kind_is_writable(kind) };
    if (kind->drive.image && !kind->drive.size_bytes && !kind->disk_block && !kind->raw_stride)
        subject.tail = TAIL_BYTES;
    kind_make(kind, block, alias);
    expect("open", drives_open(alias, &subject.handle), 0);
    struct device_medium medium = device_medium(subject.handle.device);
    kassert(medium.present && medium.bytes == DATA_BYTES + subject.tail);
    expect("info", drives_info(alias, &info), 0);
    kassert(info.size_bytes == DATA_BYTES + subject.tail && info.block_bytes == block);
    kassert(info.read_only == !subject.writable && info.raw_sector_bytes == kind->raw_stride);
    kassert(info.tail_bytes == subject.tail); /* VB11 */
    for (unsigned i = 0; i < (kind->fault == VIRTUAL_FAULT_DELAY ? 5 : 40); i++)
        move_some(&subject);
    zero_some(&subject);
    move_some(&subject);
    refuse_some(&subject);
    flush_some(&subject, kind->drive.flags & VIRTUAL_WRITABLE);
    read_file(alias, &subject);
    if (subject.tail)
        read_tail(&subject);
    kassert(device_medium(subject.handle.device).generation == medium.generation);
    expect("all", io_wait(&subject.handle, IO_READ, 0, buffer, DATA_BYTES, NULL), 0);
    kassert(memcmp(buffer, model, DATA_BYTES) == 0);
    device_close(&subject.handle);
    kind_end(kind, alias);
}

static void conformance_body(void *unused)
{
    (void)unused;
    rig_start();
    for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
        for (uint32_t block = 512; block <= 4096; block *= 2)
            if (!kinds[i].raw_stride || block == 2048)
                conform(&kinds[i], block);
    rig_stop();
}

/* V14, VB9, VB11. */
static void test_conformance(void **state)
{
    (void)state;
    rig_run(conformance_body, NULL, 12);
}

/* A file that only resembles an image of sectors, or is registered as something else, is shown
 * unchanged. */
static void not_raw_body(void *unused)
{
    (void)unused;
    static uint8_t got[sizeof(raw)];
    static const struct wanted asked[] = {
        { ON(FILE, "/raw"), .block_bytes = 512 },
        { ON(FILE, "/raw"), .flags = VIRTUAL_WRITABLE },
        { ON(FILE, "/raw"), .flags = VIRTUAL_GEOMETRY, .geometry = { 10, 1, 1, 2048 } },
        { ON(FILE, "/raw") }, /* the last is of sectors that no disc has */
    };
    rig_start();
    put_all();
    for (unsigned i = 0; i < 4; i++) {
        char alias[DEVICE_NAME_BYTES];
        struct virtual_info info;
        put_raw(2352, RAW_MODE_1);
        if (i == 3) { /* no two marks agree on where the first sector is */
            for (unsigned n = 0; n < RAW_SECTORS; n++)
                raw[n * 2352 + 13] = (uint8_t)(2 * n / 10 * 16 + 2 * n % 10);
            rig_put_file("/raw", raw, RAW_SECTORS * 2352);
        }
        expect("add", drives_add(&asked[i], alias), 0);
        kassert(!drives_info(alias, &info) && info.raw_sector_bytes == 0);
        kassert(rig_get_file(drives_path(alias), got, sizeof(got)) == (ssize_t)info.size_bytes);
        kassert(memcmp(got, raw, (size_t)info.size_bytes) == 0);
        expect("remove", drives_remove(alias, VIRTUAL_IF_IDLE), 0);
    }
    rig_stop();
}

static void test_not_raw(void **state)
{
    (void)state;
    rig_run(not_raw_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conformance),
        cmocka_unit_test(test_not_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
