/*
 * test_ide.c - the IDE transport and the driver of ATA disks, over a controller that misbehaves.
 *
 * Promises    ide.h, disk.h: disks are read and written in every mode, by DMA and PIO, by 28 and by
 *             48 bits; interrupts may be lost, doubled or late; what fails is tried again, given up
 *             or narrowed down to one block; a unit that stops answering is taken offline; both
 *             units of a channel are served; nothing is left after a removal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "drivers/storage/scsi/unit.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/ide_model.h"
#include "tests/host/rig.h"

enum {
    SECTOR = 512,
    SECTORS = 4096, IMAGE_BYTES = SECTORS * SECTOR,
    BUFFER_BYTES = 320 * 1024,
    ROUNDS = 12,
    SEEDS = 4,
    ERR = 0x51, /* the status of a unit that failed */
};

static struct ide_model model;
static uint8_t image[IMAGE_BYTES], copy[IMAGE_BYTES], disc[IMAGE_BYTES];
static struct device_handle disk;
static uint8_t *buffer;

static struct ide_model_unit *const master = &model.channels[0].units[0];
static struct ide_model_unit *const slave = &model.channels[0].units[1];

/* ---- setting up ----------------------------------------------------------------------------- */

static void fill(uint8_t *bytes, size_t count, unsigned seed)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 9) * 13 + (i >> 17) + seed);
}

/* A disk of 2 MiB as the first master; the test may change it before set_up(). */
static void prepare(void)
{
    memset(&model, 0, sizeof(model));
    fill(image, sizeof(image), 1);
    fill(disc, sizeof(disc), 2);
    memcpy(copy, image, sizeof(image));
    ide_model_disk(master, image, SECTORS, SECTOR);
}

static void start_machine(enum ide_model_mode mode)
{
    kassert(io_start() == 0);
    if (mode == IDE_MODEL_ISA)
        ide_model_start(&model, mode);
    kassert(device_start() == 0);
    if (mode != IDE_MODEL_ISA)
        ide_model_start(&model, mode);
}

static void stop_machine(void)
{
    if (model.mode == IDE_MODEL_ISA)
        device_stop();
    ide_model_stop(&model);
    if (model.mode != IDE_MODEL_ISA)
        device_stop();
    io_stop();
}

static void open_device(const char *name, struct device_handle *handle)
{
    struct device *device = device_find(name);
    kassert(device);
    kassert(device_open(device, handle) == 0);
    device_put(device);
}

static void set_up(enum ide_model_mode mode)
{
    start_machine(mode);
    open_device("disk0", &disk);
    buffer = mem_alloc(BUFFER_BYTES);
    kassert(buffer);
}

static void tear_down(void)
{
    mem_free(buffer);
    device_close(&disk);
    stop_machine();
}

static void follow(struct ide_model_unit *unit, struct ide_model_step step)
{
    struct ide_model_step script[IDE_MODEL_STEPS_MAX] = { step };
    ide_model_follow(&model, unit, script);
}

/* ---- reading and writing -------------------------------------------------------------------- */

static status_t move(enum io_op op, uint64_t offset, uint32_t bytes, uint64_t *done)
{
    return io_wait(&disk, op, offset, buffer, bytes, done);
}

static void read_right(uint64_t offset, uint32_t bytes)
{
    memset(buffer, 0xee, bytes);
    expect("read", move(IO_READ, offset, bytes, NULL), 0);
    kassert(memcmp(buffer, copy + offset, bytes) == 0);
}

static void write_right(uint64_t offset, uint32_t bytes, unsigned seed)
{
    fill(buffer, bytes, seed);
    memcpy(copy + offset, buffer, bytes);
    expect("write", move(IO_WRITE, offset, bytes, NULL), 0);
    kassert(memcmp(image + offset, copy + offset, bytes) == 0);
}

/* Random reads and writes of the whole disk, compared with a copy of it. */
static void exercise(uint32_t block)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t offset = rig_random() % (IMAGE_BYTES / block) * block;
        uint64_t most = min(IMAGE_BYTES - offset, (uint64_t)BUFFER_BYTES) / block;
        uint32_t bytes = (uint32_t)(rig_random() % most + 1) * block;
        if (i % 3)
            read_right(offset, bytes);
        else
            write_right(offset, bytes, i + 3);
    }
    expect("flush", move(IO_FLUSH, 0, 0, NULL), 0);
    kassert(memcmp(image, copy, sizeof(image)) == 0);
}

static unsigned count_dma(void)
{
    return master->counts[ATA_READ_DMA] + master->counts[ATA_READ_DMA_EXT];
}

static unsigned count_pio(void)
{
    return master->counts[ATA_READ_SECTORS] + master->counts[ATA_READ_SECTORS_EXT];
}

/* ---- modes and protocols -------------------------------------------------------------------- */

/* With an interrupt, and polled. */
static void each_mode(void)
{
    for (unsigned i = 0; i < 2 * (IDE_MODEL_ISA + 1); i++) {
        enum ide_model_mode mode = (enum ide_model_mode)(i / 2);
        prepare();
        model.no_interrupts = i % 2;
        set_up(mode);
        exercise(SECTOR);
        kassert(mode == IDE_MODEL_ISA ? !count_dma() && count_pio() : count_dma() && !count_pio());
        kassert(master->counts[ATA_FLUSH_CACHE_EXT] == 1);
        tear_down();
    }
}

static void without_dma(void)
{
    for (unsigned i = 0; i < 2; i++) {
        prepare();
        master->no_dma = i;
        model.no_bus_master = !i;
        set_up(i ? IDE_MODEL_NATIVE : IDE_MODEL_COMPATIBILITY);
        exercise(SECTOR);
        kassert(!count_dma() && count_pio());
        tear_down();
    }
}

static void large_sectors(void)
{
    for (unsigned dma = 0; dma < 2; dma++) {
        prepare();
        ide_model_disk(master, image, IMAGE_BYTES / 4096, 4096);
        master->no_dma = !dma;
        set_up(IDE_MODEL_COMPATIBILITY);
        kassert(device_block_bytes(disk.device) == 4096);
        exercise(4096);
        tear_down();
    }
}

/* A disk of ATA-5: 28 bits, at most 256 sectors a command, FLUSH CACHE. */
static void short_addresses(void)
{
    prepare();
    master->lba48 = false;
    set_up(IDE_MODEL_COMPATIBILITY);
    exercise(SECTOR);
    kassert(!master->counts[ATA_READ_DMA_EXT] && master->counts[ATA_FLUSH_CACHE] == 1);
    tear_down();
}

/* The image is around sector 2^28, from which on commands must be extended. */
static void long_addresses(void)
{
    prepare();
    master->first_sector = (1u << 28) - SECTORS / 2;
    master->sectors = (uint64_t)1 << 40;
    set_up(IDE_MODEL_COMPATIBILITY);
    kassert(device_medium(disk.device).bytes == (uint64_t)SECTOR << 40);

    static const struct {
        int first, count;
    } ranges[] = { { -8, 8 }, { -8, 16 }, { 0, 8 }, { -1, 1 }, { 0, 1 }, { -300, 600 } };
    for (unsigned i = 0; i < ARRAY_LENGTH(ranges); i++) {
        uint64_t at = (uint64_t)(SECTORS / 2 + ranges[i].first) * SECTOR;
        uint32_t bytes = (uint32_t)ranges[i].count * SECTOR;
        kassert(move(IO_READ, master->first_sector * SECTOR + at, bytes, NULL) == 0);
        kassert(memcmp(buffer, copy + at, bytes) == 0);
    }
    tear_down();
}

/* ---- interrupts ----------------------------------------------------------------------------- */

static void strange_interrupts(void)
{
    static const enum ide_model_fault faults[] = {
        IDE_MODEL_LOSES_INTERRUPT, IDE_MODEL_DOUBLES_INTERRUPT, IDE_MODEL_LATE,
    };
    for (unsigned dma = 0; dma < 2; dma++)
        for (unsigned i = 0; i < ARRAY_LENGTH(faults); i++) {
            prepare();
            master->no_dma = !dma;
            set_up(dma ? IDE_MODEL_NATIVE : IDE_MODEL_COMPATIBILITY);
            follow(master, (struct ide_model_step){ .fault = faults[i], .times = 4,
                                                    .delay_us = 700000 });
            for (unsigned n = 0; n < 3; n++) {
                read_right(n * 5 * SECTOR, 3 * SECTOR);
                write_right(n * 9 * SECTOR, 2 * SECTOR, n);
            }
            tear_down();
        }
}

/* ---- failures ------------------------------------------------------------------------------- */

/* A failure that passes is not seen; one that stays ends the transfer. */
static void failures_that_pass(void)
{
    static const struct ide_model_step steps[] = {
        { .fault = IDE_MODEL_HANGS },
        { .fault = IDE_MODEL_CUTS_DMA, .times = 2 },
        { .fault = IDE_MODEL_BREAKS_DMA, .times = 2 },
        { .fault = IDE_MODEL_FAILS, .status = ERR, .error = 0x84, .times = 3 }, /* ICRC, ABRT */
        { .fault = IDE_MODEL_FAILS, .status = 0x70, .times = 2 },               /* DF */
    };
    prepare();
    set_up(IDE_MODEL_COMPATIBILITY);
    for (unsigned i = 0; i < ARRAY_LENGTH(steps); i++) {
        follow(master, steps[i]);
        read_right(i * 100 * SECTOR, 64 * SECTOR);
        follow(master, steps[i]);
        write_right(i * 100 * SECTOR, 64 * SECTOR, i);
    }
    tear_down();
}

/* After three failures in a row the data go by PIO. */
static void dma_that_never_works(void)
{
    prepare();
    set_up(IDE_MODEL_COMPATIBILITY);
    follow(master, (struct ide_model_step){ .operation = ATA_READ_DMA, .times = 1000,
                                            .fault = IDE_MODEL_BREAKS_DMA });
    for (unsigned i = 1; i < 4; i++) {
        read_right(8 * i * SECTOR, 8 * SECTOR);
        kassert(count_dma() == 3 && count_pio() == i);
    }
    tear_down();
}

static void bad_sector(bool dma, bool lba48, bool vague)
{
    enum { BAD = 1000, FIRST = 970, COUNT = 64 };
    uint64_t done;
    prepare();
    master->no_dma = !dma;
    master->lba48 = lba48;
    master->bad_lba = BAD;
    master->vague = vague;
    set_up(IDE_MODEL_COMPATIBILITY);

    expect("bad read", move(IO_READ, FIRST * SECTOR, COUNT * SECTOR, &done), -EIO);
    kassert(done == (BAD - FIRST) * SECTOR);
    kassert(memcmp(buffer, copy + FIRST * SECTOR, done) == 0);
    expect("bad sector", move(IO_READ, BAD * SECTOR, SECTOR, NULL), -EIO);

    /* The sectors before and after it can be read and written. */
    read_right((BAD + 1) * SECTOR, 20 * SECTOR);
    expect("bad write", move(IO_WRITE, FIRST * SECTOR, COUNT * SECTOR, &done), -EIO);
    kassert(done == (BAD - FIRST) * SECTOR);
    write_right((BAD + 1) * SECTOR, 20 * SECTOR, 9);
    tear_down();
}

static void bad_sectors(void)
{
    for (unsigned i = 0; i < 8; i++)
        bad_sector(i & 1, i & 2, i & 4);
}

static void flush_fails(void)
{
    prepare();
    set_up(IDE_MODEL_COMPATIBILITY);
    follow(master, (struct ide_model_step){ .operation = ATA_FLUSH_CACHE_EXT, .status = ERR,
                                            .error = 0x04, .fault = IDE_MODEL_FAILS });
    expect("flush", move(IO_FLUSH, 0, 0, NULL), -EIO);
    kassert(master->counts[ATA_FLUSH_CACHE_EXT] == 1);
    expect("next flush", move(IO_FLUSH, 0, 0, NULL), 0);

    /* What the disk refuses has nothing to do with DMA. */
    follow(master, (struct ide_model_step){ .operation = ATA_WRITE_DMA, .status = ERR,
                                            .error = 0x04, .times = 1000,
                                            .fault = IDE_MODEL_FAILS });
    expect("write", move(IO_WRITE, 0, SECTOR, NULL), -EIO);
    kassert(master->counts[ATA_WRITE_DMA] == 4 && !master->counts[ATA_WRITE_SECTORS]);
    tear_down();
}

/* A cache that cannot be flushed is switched off; then there is nothing to flush. */
static void no_flush(void)
{
    prepare();
    master->no_flush = true;
    set_up(IDE_MODEL_COMPATIBILITY);
    kassert(master->counts[ATA_SET_FEATURES] == 1);
    expect("flush", move(IO_FLUSH, 0, 0, NULL), 0);
    kassert(!master->counts[ATA_FLUSH_CACHE] && !master->counts[ATA_FLUSH_CACHE_EXT]);
    tear_down();
}

/* A disk that dies costs its deadline once; the CD drive beside it works. */
static void a_disk_dies(void)
{
    struct device_handle cd;
    prepare();
    ide_model_cd(slave, disc, 64);
    set_up(IDE_MODEL_COMPATIBILITY);
    struct device *cdrom = device_find("cdrom0");
    kassert(cdrom && device_poll(cdrom) == 0);
    open_device("cdrom0", &cd);
    device_put(cdrom);

    follow(master, (struct ide_model_step){ .fault = IDE_MODEL_DIES });
    uint64_t start_us = time_now_us();
    expect("first read", move(IO_READ, 0, SECTOR, NULL), -ENODEV);
    kassert(time_now_us() - start_us < 2 * DEADLINE_ATA_DATA_US + 2 * DEADLINE_ATA_RESET_US);
    start_us = time_now_us();
    expect("second read", move(IO_READ, 0, SECTOR, NULL), -ENODEV);
    kassert(time_now_us() - start_us < 1000000);

    expect("CD", io_wait(&cd, IO_READ, 0, buffer, 2048, NULL), 0);
    kassert(memcmp(buffer, disc, 2048) == 0);
    device_close(&cd);
    tear_down();
}

/* A disk that answers IDENTIFY only. */
static void a_disk_hangs(void)
{
    prepare();
    set_up(IDE_MODEL_COMPATIBILITY);
    follow(master, (struct ide_model_step){ .fault = IDE_MODEL_HANGS, .times = 1000 });
    expect("first", move(IO_READ, 0, SECTOR, NULL), -ETIMEDOUT);
    expect("second", move(IO_READ, 0, SECTOR, NULL), -ETIMEDOUT);
    expect("third", move(IO_READ, 0, SECTOR, NULL), -ENODEV);
    kassert(count_dma() + count_pio() == 4);
    tear_down();
}

/* ---- units ---------------------------------------------------------------------------------- */

static void disks_that_lie(void)
{
    static const struct {
        unsigned word;
        uint16_t value;
    } lies[] = { { 103, 1 }, { 49, 0x0100 }, { 106, 0x5000 }, { 255, 0x00a5 } };
    for (unsigned i = 0; i < ARRAY_LENGTH(lies); i++) {
        prepare();
        ide_model_disk(&model.channels[1].units[0], disc, SECTORS, SECTOR);
        master->identify[lies[i].word] = lies[i].value;
        master->identify[117] = 3;
        set_up(IDE_MODEL_COMPATIBILITY);

        /* The other disk is served. */
        kassert(!device_find("disk1"));
        expect("other", move(IO_READ, 0, SECTOR, NULL), 0);
        kassert(memcmp(buffer, disc, SECTOR) == 0);
        tear_down();
    }
}

struct reader {
    struct device_handle handle;
    const uint8_t *expected;
    uint32_t block;
    _Atomic bool *stop;
    _Atomic unsigned count;
};

static void read_on(void *argument)
{
    struct reader *reader = argument;
    uint8_t *memory = mem_alloc(reader->block);
    while (!atomic_load(reader->stop)) {
        uint64_t offset = reader->count++ % 16 * reader->block;
        kassert(io_wait(&reader->handle, IO_READ, offset, memory, reader->block, NULL) == 0);
        kassert(memcmp(memory, reader->expected + offset, reader->block) == 0);
    }
    mem_free(memory);
}

/* Both units of a channel get their turns. */
static void a_disk_beside_a_cd(void)
{
    _Atomic bool stop = false;
    prepare();
    ide_model_cd(slave, disc, 64);
    set_up(IDE_MODEL_COMPATIBILITY);
    struct device *cdrom = device_find("cdrom0");
    kassert(cdrom && device_poll(cdrom) == 0);
    device_put(cdrom);

    struct reader disk_reader = { .expected = copy, .block = 4096, .stop = &stop };
    struct reader cd_reader = { .expected = disc, .block = 4096, .stop = &stop };
    open_device("disk0", &disk_reader.handle);
    open_device("cdrom0", &cd_reader.handle);
    struct thread *a = thread_create("disk", PRIORITY_NORMAL, read_on, &disk_reader);
    struct thread *b = thread_create("cd", PRIORITY_NORMAL, read_on, &cd_reader);
    while (disk_reader.count < 40 || cd_reader.count < 40)
        thread_sleep_until(time_now_us() + 1000);
    atomic_store(&stop, true);
    thread_join(a);
    thread_join(b);

    /* Real threads may themselves get unequal time. */
    kassert(!run_is_simulated() || disk_reader.count < 2 * cd_reader.count);
    kassert(!run_is_simulated() || cd_reader.count < 2 * disk_reader.count);

    device_close(&disk_reader.handle);
    device_close(&cd_reader.handle);
    tear_down();
}

static void wake(struct scsi_command *command)
{
    semaphore_up(command->context);
}

/* A packet that sends data. */
static void packets_send_data(void)
{
    prepare();
    ide_model_cd(slave, disc, 64);
    set_up(IDE_MODEL_COMPATIBILITY);
    struct device *cdrom = device_find("cdrom0");
    struct device *unit = device_parent(cdrom);

    static const uint32_t lengths[] = { 1, 7, 24, 63 };
    for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint32_t bytes = lengths[i], half = bytes / 2;
        fill(buffer, bytes, i);
        struct io_segment segments[] = { { buffer, half }, { buffer + half, bytes - half } };
        struct semaphore ended;
        semaphore_init(&ended, 0);
        struct scsi_command command = {
            .base.timeout_us = DEADLINE_PACKET_US,
            .cdb = { 0x55, [8] = (uint8_t)bytes },
            .direction = SCSI_DATA_OUT,
            .segments = segments,
            .segment_count = ARRAY_LENGTH(segments),
            .length_bytes = bytes,
            .complete = wake,
            .context = &ended,
        };
        scsi_submit(scsi_unit_of(unit), &command);
        kassert(semaphore_down(&ended, TIME_NEVER) == 0);
        expect("packet", command.base.status, 0);
        kassert(command.done_bytes == bytes);
        kassert(memcmp(slave->received, buffer, bytes) == 0);
    }
    device_put(cdrom);
    tear_down();
}

struct pending {
    struct io_request request;
    struct io_segment segment;
    struct semaphore ended;
};

static void pending_complete(struct io_request *request)
{
    semaphore_up(request->context);
}

static void submit(struct pending *pending, uint32_t bytes)
{
    semaphore_init(&pending->ended, 0);
    pending->segment = (struct io_segment){ buffer, bytes };
    pending->request = (struct io_request){
        .device = disk.device,
        .op = IO_READ,
        .generation = disk.generation,
        .length_bytes = bytes,
        .segments = &pending->segment,
        .segment_count = 1,
        .complete = pending_complete,
        .context = &pending->ended,
    };
    io_submit(&pending->request);
}

/* A controller that is removed while its disk is read. */
static void removal_while_busy(void)
{
    for (unsigned i = 0; i < 3; i++) {
        prepare();
        set_up(i % 2 ? IDE_MODEL_NATIVE : IDE_MODEL_COMPATIBILITY);
        follow(master, (struct ide_model_step){
                           .fault = i ? IDE_MODEL_LATE : IDE_MODEL_HANGS, .delay_us = 20000 });
        struct pending pending;
        submit(&pending, 64 * SECTOR);
        device_remove(model.pci.device);
        kassert(semaphore_down(&pending.ended, TIME_NEVER) == 0);
        tear_down();
    }
}

/* ---- running -------------------------------------------------------------------------------- */

static const struct promise {
    const char *name;
    void (*body)(void);
    bool slow; /* waits for seconds: in virtual time only */
} promises[] = {
    { "each mode", each_mode, false },
    { "without DMA", without_dma, false },
    { "large sectors", large_sectors, false },
    { "short addresses", short_addresses, false },
    { "long addresses", long_addresses, false },
    { "strange interrupts", strange_interrupts, true },
    { "failures that pass", failures_that_pass, true },
    { "DMA that never works", dma_that_never_works, false },
    { "bad sectors", bad_sectors, false },
    { "a flush fails", flush_fails, false },
    { "no flush", no_flush, false },
    { "a disk dies", a_disk_dies, true },
    { "a disk hangs", a_disk_hangs, true },
    { "disks that lie", disks_that_lie, false },
    { "a disk beside a CD", a_disk_beside_a_cd, false },
    { "packets send data", packets_send_data, false },
    { "removal while busy", removal_while_busy, true },
};

static void run_promise(void *promise)
{
    ((const struct promise *)promise)->body();
}

static void test_promises(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(promises); i++) {
        if (promises[i].slow && !run_is_simulated())
            continue;
        print_message("%s\n", promises[i].name);
        rig_run(run_promise, (void *)&promises[i], promises[i].slow ? 1 : SEEDS);
    }
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
