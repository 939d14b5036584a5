/*
 * test_cdrom.c - drivers/cdrom over a drive that is made of tables. Linked once with port_threads.c
 * and once with port_sim.c: see run.h.
 *
 * The drive is a packet transport with a worker thread. It holds a disc (or none) whose every byte
 * is known, and follows a script: each step is the answer to the next command of its operation.
 * Commands that no step is for are answered as a good drive would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "drivers/cdrom/mmc.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/event.h"
#include "kernel/dev/packet.h"
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "tests/host/port/run.h"

enum {
    BLOCK = 2048,
    DISC_BLOCKS = 300,
    TRANSFER = 16 * BLOCK, /* small, so that requests are carved */
    STEPS_MAX = 12,
    FOR_EVER = 1000000,
};

/* ---- the drive ---------------------------------------------------------------------------- */

/* An answer: sense data, or without a key a status of the transport. */
struct step {
    uint8_t operation;
    unsigned times; /* 0: once */
    uint8_t key, asc, ascq;
    bool valid; /* the information field: */
    uint32_t information;
    status_t status;
    bool cut; /* success, but half of the data */
};

struct drive {
    struct device *unit;
    struct packet_unit_info info;
    struct thread *worker;
    struct spin lock; /* all below */
    struct wait_queue arrival;
    struct list commands;
    bool stopping;
    struct step script[STEPS_MAX];
    unsigned step, served; /* where the script is, and how often this step was */
    unsigned disc;         /* number of the disc; 0: none */
    bool attention;        /* it was changed, and nobody was told yet */
    bool locked, button;
    uint32_t last_block, block_bytes;
    bool empty;
    unsigned counts[256]; /* commands by operation */
};

static struct drive drive;

static uint8_t disc_byte(unsigned disc, uint32_t lba, unsigned offset)
{
    return (uint8_t)(disc * 101 + lba * 31 + (lba >> 8) * 7 + offset * 3 + (offset >> 8));
}

static void answer_bytes(struct packet_command *command, uint32_t at, uint8_t byte)
{
    for (unsigned i = 0; i < command->segment_count; i++) {
        struct io_segment *segment = &command->segments[i];
        if (at < segment->length_bytes) {
            ((uint8_t *)segment->address)[at] = byte;
            return;
        }
        at -= segment->length_bytes;
    }
    panic("the segments are too short");
}

static void answer(struct packet_command *command, const uint8_t *data, uint32_t bytes)
{
    if (bytes > command->length_bytes)
        bytes = command->length_bytes;
    for (uint32_t i = 0; i < bytes; i++)
        answer_bytes(command, i, data[i]);
    command->done_bytes = bytes;
}

static void answer_sense(struct packet_command *command, uint8_t key, uint8_t asc, uint8_t ascq)
{
    command->status = -EIO;
    command->check_condition = true;
    command->sense[0] = 0x70;
    command->sense[2] = key;
    command->sense[12] = asc;
    command->sense[13] = ascq;
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void drive_read(struct packet_command *command)
{
    const uint8_t *cdb = command->cdb;
    uint32_t lba = (uint32_t)cdb[2] << 24 | cdb[3] << 16 | cdb[4] << 8 | cdb[5];
    uint32_t blocks = (uint32_t)cdb[7] << 8 | cdb[8];
    kassert(blocks * BLOCK == command->length_bytes && command->length_bytes <= TRANSFER);
    kassert(lba + blocks <= drive.last_block + 1);
    for (uint32_t i = 0; i < blocks * BLOCK; i++)
        answer_bytes(command, i, disc_byte(drive.disc, lba + i / BLOCK, i % BLOCK));
    command->done_bytes = blocks * BLOCK;
}

static void drive_read_capacity(struct packet_command *command)
{
    uint8_t data[8];
    put_be32(data, drive.last_block);
    put_be32(data + 4, drive.block_bytes);
    answer(command, data, sizeof(data));
}

static void drive_read_disc_information(struct packet_command *command)
{
    uint8_t data[34] = { 0, 32, drive.empty ? 0 : 0x0e };
    answer(command, data, sizeof(data));
}

static void drive_start_stop(struct packet_command *command)
{
    if (drive.locked)
        answer_sense(command, 2, 0x53, 2);
    else if (command->cdb[4] == 2)
        drive.disc = 0;
}

static void drive_get_event(struct packet_command *command)
{
    kassert(command->cdb[1] == 1 && command->cdb[4] == 0x10);
    uint8_t data[8] = { 0, 6, 4, 0x10, drive.button ? 1 : 0, drive.disc ? 2 : 0 };
    drive.button = false;
    answer(command, data, sizeof(data));
}

static void drive_behave(struct packet_command *command)
{
    uint8_t operation = command->cdb[0];
    bool needs_disc = operation == MMC_READ_10 || operation == MMC_READ_CAPACITY ||
                      operation == MMC_TEST_UNIT_READY || operation == MMC_READ_DISC_INFORMATION;
    if (drive.attention && operation != MMC_GET_EVENT_STATUS) {
        drive.attention = false;
        answer_sense(command, 6, 0x28, 0);
        return;
    }
    if (needs_disc && !drive.disc) {
        answer_sense(command, 2, 0x3a, 0);
        return;
    }
    switch (operation) {
    case MMC_TEST_UNIT_READY: break;
    case MMC_READ_10: drive_read(command); break;
    case MMC_READ_CAPACITY: drive_read_capacity(command); break;
    case MMC_READ_DISC_INFORMATION: drive_read_disc_information(command); break;
    case MMC_START_STOP_UNIT: drive_start_stop(command); break;
    case MMC_PREVENT_ALLOW: drive.locked = command->cdb[4]; break;
    case MMC_GET_EVENT_STATUS: drive_get_event(command); break;
    default: answer_sense(command, 5, 0x20, 0);
    }
}

/* True when the script had an answer. */
static bool drive_follow_script(struct packet_command *command)
{
    if (drive.step == STEPS_MAX)
        return false;
    const struct step *step = &drive.script[drive.step];
    bool is_answer = step->key || step->asc || step->status || step->cut;
    if (!is_answer || step->operation != command->cdb[0])
        return false;
    if (step->cut) {
        drive_behave(command);
        command->done_bytes /= 2;
    } else if (step->status) {
        command->status = step->status;
    } else {
        answer_sense(command, step->key, step->asc, step->ascq);
        if (step->valid)
            command->sense[0] |= 0x80;
        put_be32(command->sense + 3, step->information);
    }
    if (++drive.served >= step->times) {
        drive.step++;
        drive.served = 0;
    }
    return true;
}

static void drive_serve(struct packet_command *command)
{
    spin_lock(&drive.lock);
    command->status = 0;
    command->check_condition = false;
    command->done_bytes = 0;
    memset(command->sense, 0, sizeof(command->sense));
    drive.counts[command->cdb[0]]++;
    if (!drive_follow_script(command))
        drive_behave(command);
    spin_unlock(&drive.lock);
}

static void drive_main(void *unused)
{
    (void)unused;
    for (;;) {
        spin_lock(&drive.lock);
        while (list_empty(&drive.commands) && !drive.stopping)
            (void)!wait_queue_wait(&drive.arrival, &drive.lock, TIME_NEVER);
        struct list *link = list_pop_front(&drive.commands);
        spin_unlock(&drive.lock);
        if (!link)
            return;
        struct packet_command *command = list_entry(link, struct packet_command, link);
        if (command->not_before_us > time_now_us())
            thread_sleep_until(command->not_before_us);
        drive_serve(command);
        command->complete(command);
    }
}

static void drive_submit(struct device *unit, struct packet_command *command)
{
    command->unit = unit;
    spin_lock(&drive.lock);
    list_push_back(&drive.commands, &command->link);
    wait_queue_wake_all(&drive.arrival);
    spin_unlock(&drive.lock);
}

static const struct packet_transport drive_transport = { .submit = drive_submit };

/* ---- putting it up ------------------------------------------------------------------------ */

static void drive_put_disc(unsigned disc, uint32_t blocks)
{
    spin_lock(&drive.lock);
    drive.attention = drive.disc != 0;
    drive.disc = disc;
    drive.last_block = blocks - 1;
    drive.block_bytes = BLOCK;
    spin_unlock(&drive.lock);
}

static void drive_follow(const struct step *script)
{
    spin_lock(&drive.lock);
    memcpy(drive.script, script, sizeof(drive.script));
    drive.step = drive.served = 0;
    memset(drive.counts, 0, sizeof(drive.counts));
    spin_unlock(&drive.lock);
}

static unsigned drive_count(uint8_t operation)
{
    spin_lock(&drive.lock);
    unsigned count = drive.counts[operation];
    spin_unlock(&drive.lock);
    return count;
}

static status_t unit_publish(void)
{
    drive.unit = device_create(device_root(), "master");
    if (!drive.unit)
        return -ENOMEM;
    drive.unit->bus_kind = BUS_PACKET;
    drive.unit->bus_data = &drive.info;
    drive.unit->packet_transport = &drive_transport;
    status_t status = device_publish(drive.unit);
    device_put(drive.unit);
    return status;
}

static struct device *set_up(unsigned disc)
{
    memset(&drive, 0, sizeof(drive));
    drive.info = (struct packet_unit_info){
        .device_type = 5,
        .model = "Table Drive",
        .firmware = "1.0",
        .transfer_bytes = TRANSFER,
        .segment_count = 8,
    };
    spin_init(&drive.lock, RANK_QUEUE);
    wait_queue_init(&drive.arrival);
    list_init(&drive.commands);
    if (disc)
        drive_put_disc(disc, DISC_BLOCKS);
    drive.worker = thread_create("drive", PRIORITY_IO, drive_main, NULL);
    kassert(drive.worker != NULL);
    kassert(io_start() == 0);
    kassert(device_start() == 0);
    kassert(unit_publish() == 0);
    struct device *cdrom = device_find("cdrom0");
    kassert(cdrom != NULL && cdrom->read_only && cdrom->limits.block_bytes == BLOCK);
    return cdrom;
}

/* The drive's worker goes first: it may still be inside the end of a transfer, which leaves a
 * reference to the completion thread. */
static void tear_down(struct device *cdrom)
{
    spin_lock(&drive.lock);
    drive.stopping = true;
    wait_queue_wake_all(&drive.arrival);
    spin_unlock(&drive.lock);
    thread_join(drive.worker);
    device_put(cdrom);
    device_stop();
    io_stop();
}

static status_t poll(struct device *cdrom)
{
    return cdrom->ops->poll(cdrom);
}

static struct device *set_up_polled(unsigned disc)
{
    struct device *cdrom = set_up(disc);
    kassert(poll(cdrom) == 0);
    kassert(device_medium(cdrom).present == (disc != 0));
    return cdrom;
}

static void assert_disc(const uint8_t *data, unsigned disc, uint32_t lba, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        kassert(data[i] == disc_byte(disc, lba + (uint32_t)(i / BLOCK), i % BLOCK));
}

/* ---- reading ------------------------------------------------------------------------------ */

enum { READ_LBA = 40, READ_BLOCKS = 8 };

struct read_case {
    const char *name;
    struct step script[STEPS_MAX];
    status_t status;
    uint64_t done_blocks;
    unsigned reads; /* READ(10) commands that it takes */
    bool keeps_medium;
};

#define READ(...) { .operation = MMC_READ_10, __VA_ARGS__ }
#define SENSE(k, c, q) .key = (k), .asc = (c), .ascq = (q)
#define AT(lba) .valid = true, .information = (lba)

static const struct read_case read_cases[] = {
    { "good", { { 0 } }, 0, 8, 1, true },
    { "reset first", { READ(SENSE(6, 0x29, 0)) }, 0, 8, 2, true },
    { "much news first", { READ(SENSE(6, 0x2a, 1), .times = 7) }, 0, 8, 8, true },
    { "news without end", { READ(SENSE(6, 0x29, 0), .times = FOR_EVER) }, -EIO, 0, 9, true },
    { "changed in between", { READ(SENSE(6, 0x28, 0)) }, -ESTALE, 0, 1, false },
    { "absent", { READ(SENSE(2, 0x3a, 1)) }, -ENOMEDIUM, 0, 1, false },
    { "ready after 2 s", { READ(SENSE(2, 4, 1), .times = 20) }, 0, 8, 21, true },
    { "reset, then slow", { READ(SENSE(6, 0x29, 0)), READ(SENSE(2, 4, 1), .times = 3) },
      0, 8, 5, true },
    { "bad once", { READ(SENSE(3, 0x11, 0), AT(43)) }, 0, 8, 2, true },
    { "bad block", { READ(SENSE(3, 0x11, 0), AT(43), .times = 2) }, -EIO, 3, 3, true },
    { "bad first block", { READ(SENSE(3, 0x11, 0), AT(40), .times = 2) }, -EIO, 0, 2, true },
    { "bad last block", { READ(SENSE(3, 0x11, 0), AT(47), .times = 2) }, -EIO, 7, 3, true },
    { "bad block before", { READ(SENSE(3, 0x11, 0), AT(39), .times = 2) }, -EIO, 0, 2, true },
    { "bad block behind", { READ(SENSE(3, 0x11, 0), AT(48), .times = 2) }, -EIO, 0, 2, true },
    { "bad block unnamed", { READ(SENSE(3, 0x11, 0), .information = 43, .times = 2) },
      -EIO, 0, 2, true },
    { "prefix bad too", { READ(SENSE(3, 0x11, 0), AT(43), .times = 3) }, -EIO, 0, 3, true },
    { "past the end", { READ(SENSE(5, 0x21, 0)) }, -EIO, 0, 1, true },
    { "audio track", { READ(SENSE(5, 0x64, 0)) }, -EIO, 0, 1, true },
    { "hardware, thrice", { READ(SENSE(4, 0x44, 0), .times = 3) }, 0, 8, 4, true },
    { "hardware", { READ(SENSE(4, 0x44, 0), .times = 4) }, -EIO, 0, 4, true },
    { "aborted", { READ(SENSE(0xb, 0, 0)) }, 0, 8, 2, true },
    { "unknown key", { READ(SENSE(0xd, 0x77, 0)) }, 0, 8, 2, true },
    { "recovered, but short", { READ(SENSE(1, 0x17, 1)) }, 0, 8, 2, true },
    { "short", { READ(.cut = true) }, 0, 8, 2, true },
    { "transport once", { READ(.status = -EIO) }, 0, 8, 2, true },
    { "transport", { READ(.status = -EIO, .times = 4) }, -EIO, 0, 4, true },
    { "time", { READ(.status = -ETIMEDOUT, .times = 4) }, -ETIMEDOUT, 0, 4, true },
    { "gone", { READ(.status = -ENODEV) }, -ENODEV, 0, 1, true },
};

static void read_case_body(struct device *cdrom, const struct read_case *c)
{
    static uint8_t data[READ_BLOCKS * BLOCK];
    struct device_handle handle;
    uint64_t done = 99;
    kassert(poll(cdrom) == 0);
    kassert(device_open(cdrom, &handle) == 0);
    drive_follow(c->script);
    status_t status = io_wait(&handle, IO_READ, READ_LBA * BLOCK, data, sizeof(data), &done);
    unsigned reads = drive_count(MMC_READ_10);
    if (status != c->status || done != c->done_blocks * BLOCK || reads != c->reads)
        panic("%s: %s, %llu bytes, %u reads", c->name, status_name(status),
              (unsigned long long)done, reads);
    assert_disc(data, 1, READ_LBA, done);
    kassert(device_medium(cdrom).present == c->keeps_medium);
    status_t check = device_check(&handle);
    kassert(check == (c->keeps_medium ? 0 : -ENOMEDIUM));
    device_close(&handle);
    drive_follow((const struct step[STEPS_MAX]){ { 0 } });
}

static void read_cases_body(void *unused)
{
    (void)unused;
    struct device *cdrom = set_up_polled(1);
    for (size_t i = 0; i < sizeof(read_cases) / sizeof(read_cases[0]); i++)
        read_case_body(cdrom, &read_cases[i]);
    tear_down(cdrom);
}

static void test_read_answers(void **state)
{
    (void)state;
    run_body(read_cases_body);
}

/* A drive that never gets ready: an end after the limit, not before. */
static void never_ready_body(void *unused)
{
    (void)unused;
    static const struct step script[STEPS_MAX] = { READ(SENSE(2, 4, 1), .times = FOR_EVER) };
    static uint8_t data[BLOCK];
    struct device *cdrom = set_up_polled(1);
    struct device_handle handle;
    kassert(device_open(cdrom, &handle) == 0);
    drive_follow(script);
    uint64_t before_us = time_now_us();
    kassert(io_wait(&handle, IO_READ, 0, data, BLOCK, NULL) == -EIO);
    uint64_t took_us = time_now_us() - before_us;
    kassert(took_us >= DEADLINE_NOT_READY_US && took_us < 2 * DEADLINE_NOT_READY_US);
    device_close(&handle);
    tear_down(cdrom);
}

static void test_never_ready(void **state)
{
    (void)state;
    run_body(never_ready_body);
}

static void whole_disc_body(void *unused)
{
    (void)unused;
    static uint8_t data[DISC_BLOCKS * BLOCK];
    struct device *cdrom = set_up_polled(1);
    struct device_handle handle;
    uint64_t done;
    kassert(device_open(cdrom, &handle) == 0);
    drive_follow((const struct step[STEPS_MAX]){ { 0 } });
    kassert(io_wait(&handle, IO_READ, 0, data, sizeof(data), &done) == 0);
    kassert(done == sizeof(data) && drive_count(MMC_READ_10) == (DISC_BLOCKS + 15) / 16);
    assert_disc(data, 1, 0, done);
    /* The layer above refuses these: the drive hears nothing. */
    unsigned before = drive_count(MMC_READ_10);
    kassert(io_wait(&handle, IO_READ, DISC_BLOCKS * BLOCK, data, BLOCK, NULL) == -EIO);
    kassert(io_wait(&handle, IO_READ, 512, data, BLOCK, NULL) == -EINVAL);
    kassert(io_wait(&handle, IO_READ, 0, data, 0, NULL) == -EINVAL);
    kassert(io_wait(&handle, IO_WRITE, 0, data, BLOCK, NULL) == -EROFS);
    kassert(drive_count(MMC_READ_10) == before);
    device_close(&handle);
    tear_down(cdrom);
}

static void test_whole_disc(void **state)
{
    (void)state;
    run_body(whole_disc_body);
}

/* ---- media -------------------------------------------------------------------------------- */

#define STEP(o, ...) { .operation = (o), __VA_ARGS__ }

struct capacity_case {
    const char *name;
    uint32_t last_block, block_bytes;
    bool empty;
    struct step script[STEPS_MAX];
    status_t status;
    bool present;
    uint64_t bytes;
};

static const struct capacity_case capacity_cases[] = {
    { "plain", 299, 2048, false, { { 0 } }, 0, true, 300 * BLOCK },
    { "no block length", 299, 0, false, { { 0 } }, 0, true, 300 * BLOCK },
    { "raw block length", 299, 2352, false, { { 0 } }, 0, true, 300 * BLOCK },
    { "block of a disk", 299, 512, false, { { 0 } }, 0, true, 0 },
    { "largest", 0xfffffffe, 2048, false, { { 0 } }, 0, true, 0xffffffffull * BLOCK },
    { "nonsense", 0xffffffff, 2048, false, { { 0 } }, 0, true, 0 },
    { "one block", 0, 2048, false, { { 0 } }, 0, true, BLOCK },
    { "empty", 0, 2048, true, { { 0 } }, 0, true, 0 },
    { "no capacity", 299, 2048, false, { STEP(MMC_READ_CAPACITY, SENSE(5, 0x20, 0)) },
      0, true, 0 },
    { "no contents", 299, 2048, false, { STEP(MMC_READ_CAPACITY, SENSE(3, 0x57, 0)) },
      0, true, 0 },
    { "unformatted", 299, 2048, false, { STEP(MMC_TEST_UNIT_READY, SENSE(2, 0x30, 1)) },
      0, true, 0 },
    { "reset first", 299, 2048, false,
      { STEP(MMC_TEST_UNIT_READY, SENSE(6, 0x29, 0)), STEP(MMC_READ_CAPACITY, SENSE(6, 0x2a, 0)) },
      0, true, 300 * BLOCK },
    { "change first", 299, 2048, false, { STEP(MMC_TEST_UNIT_READY, SENSE(6, 0x28, 0)) },
      0, true, 300 * BLOCK },
    { "change while measured", 299, 2048, false, { STEP(MMC_READ_CAPACITY, SENSE(6, 0x28, 0)) },
      -EAGAIN, false, 0 },
    { "gone while measured", 299, 2048, false, { STEP(MMC_READ_CAPACITY, SENSE(2, 0x3a, 0)) },
      0, false, 0 },
    { "short once", 299, 2048, false, { STEP(MMC_READ_CAPACITY, .cut = true) },
      0, true, 300 * BLOCK },
    { "short", 299, 2048, false, { STEP(MMC_READ_CAPACITY, .cut = true, .times = 3) },
      -EIO, false, 0 },
    { "slow", 299, 2048, false, { STEP(MMC_TEST_UNIT_READY, SENSE(2, 4, 1), .times = 3) },
      0, true, 300 * BLOCK },
    { "broken", 299, 2048, false, { STEP(MMC_TEST_UNIT_READY, SENSE(4, 0x44, 0)) },
      -EIO, false, 0 },
    { "dumb", 299, 2048, false, { STEP(MMC_TEST_UNIT_READY, .status = -ETIMEDOUT) },
      -EIO, false, 0 },
};

static void capacity_case_body(void *argument)
{
    const struct capacity_case *c = argument;
    struct device *cdrom = set_up(1);
    drive.last_block = c->last_block;
    drive.block_bytes = c->block_bytes;
    drive.empty = c->empty;
    drive_follow(c->script);
    status_t status = poll(cdrom);
    struct device_medium medium = device_medium(cdrom);
    if (status != c->status || medium.present != c->present || medium.bytes != c->bytes)
        panic("%s: %s, present %d, %llu bytes", c->name, status_name(status), medium.present,
              (unsigned long long)medium.bytes);
    tear_down(cdrom);
}

static void capacity_cases_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(capacity_cases) / sizeof(capacity_cases[0]); i++)
        capacity_case_body((void *)&capacity_cases[i]);
}

static void test_capacities(void **state)
{
    (void)state;
    run_body(capacity_cases_body);
}

/* Inserted late, swapped, taken out: each is a new generation; a quiet drive costs one command. */
static void media_body(void *unused)
{
    (void)unused;
    static const struct step none[STEPS_MAX] = { { 0 } };
    static const struct step slow[STEPS_MAX] = { STEP(MMC_TEST_UNIT_READY, SENSE(2, 4, 1)) };
    static uint8_t data[BLOCK];
    struct device_handle old, new;
    struct device *cdrom = set_up_polled(0);
    uint32_t generation = device_medium(cdrom).generation;
    kassert(poll(cdrom) == 0 && device_medium(cdrom).generation == generation);

    drive_put_disc(1, DISC_BLOCKS);
    drive_follow(slow);
    kassert(poll(cdrom) == -EAGAIN && !device_medium(cdrom).present);
    kassert(poll(cdrom) == 0 && device_medium(cdrom).present);
    kassert(device_open(cdrom, &old) == 0 && old.generation != generation);
    drive_follow(none);
    kassert(poll(cdrom) == 0 && drive_count(MMC_TEST_UNIT_READY) == 1);
    kassert(drive_count(MMC_READ_CAPACITY) == 0 && drive_count(MMC_GET_EVENT_STATUS) == 0);
    kassert(device_check(&old) == 0);

    drive_put_disc(2, 100);
    kassert(io_wait(&old, IO_READ, 0, data, BLOCK, NULL) == -ESTALE);
    kassert(device_check(&old) == -ENOMEDIUM);
    kassert(poll(cdrom) == 0 && device_medium(cdrom).bytes == 100 * BLOCK);
    kassert(device_check(&old) == -ESTALE);
    kassert(io_wait(&old, IO_READ, 0, data, BLOCK, NULL) == -ESTALE);
    kassert(device_open(cdrom, &new) == 0);
    kassert(io_wait(&new, IO_READ, 99 * BLOCK, data, BLOCK, NULL) == 0);
    assert_disc(data, 2, 99, BLOCK);
    device_close(&old);

    drive_put_disc(0, 1);
    kassert(poll(cdrom) == 0 && !device_medium(cdrom).present);
    kassert(io_wait(&new, IO_READ, 0, data, BLOCK, NULL) == -ENOMEDIUM);
    device_close(&new);
    tear_down(cdrom);
}

static void test_media(void **state)
{
    (void)state;
    run_body(media_body);
}

/* A reader and a poller while discs are swapped: what is read belongs to the disc it is meant for.
 * Which disc that is tells the size that belonged to the handle's generation. */
struct swapping {
    struct device *cdrom;
    _Atomic bool over;
};

static void swap_reader(void *argument)
{
    struct swapping *s = argument;
    static uint8_t data[4 * BLOCK];
    while (!atomic_load(&s->over)) {
        struct device_handle handle;
        uint64_t done;
        thread_yield();
        if (device_open(s->cdrom, &handle))
            continue;
        uint64_t disc = device_medium(s->cdrom).bytes / BLOCK - 100; /* its number, by its size */
        status_t still = device_check(&handle);
        status_t status = io_wait(&handle, IO_READ, 8 * BLOCK, data, sizeof(data), &done);
        kassert(!status || status == -ESTALE || status == -ENOMEDIUM);
        if (!still)
            assert_disc(data, (unsigned)disc, 8, done);
        device_close(&handle);
    }
}

static void swap_poller(void *argument)
{
    struct swapping *s = argument;
    while (!atomic_load(&s->over)) {
        (void)!poll(s->cdrom);
        thread_yield();
    }
}

static void swap_body(void *unused)
{
    (void)unused;
    struct swapping s = { .cdrom = set_up_polled(0) };
    struct thread *reader = thread_create("reader", PRIORITY_NORMAL, swap_reader, &s);
    struct thread *poller = thread_create("poller", PRIORITY_NORMAL, swap_poller, &s);
    kassert(reader != NULL && poller != NULL);
    for (unsigned disc = 1; disc < 12; disc++) {
        drive_put_disc(disc, 100 + disc);
        for (unsigned i = 0; i < 60; i++)
            thread_yield();
    }
    atomic_store(&s.over, true);
    thread_join(reader);
    thread_join(poller);
    tear_down(s.cdrom);
}

static void test_swapping(void **state)
{
    (void)state;
    run_body(swap_body);
}

/* ---- controls ----------------------------------------------------------------------------- */

static void controls_body(void *unused)
{
    (void)unused;
    static const struct step none[STEPS_MAX] = { { 0 } };
    static const struct step reset[STEPS_MAX] = { STEP(MMC_TEST_UNIT_READY, SENSE(6, 0x29, 0)) };
    struct device *cdrom = set_up_polled(1);
    kassert(device_control(cdrom, 99, NULL, 0) == -EOPNOTSUPP);
    kassert(device_control(cdrom, DEVICE_CONTROL_LOCK_DOOR, NULL, 0) == 0 && drive.locked);
    kassert(device_control(cdrom, DEVICE_CONTROL_EJECT, NULL, 0) == -EBUSY);
    kassert(device_medium(cdrom).present);

    drive_follow(reset); /* the drive forgets the lock, and is told again */
    drive.locked = false;
    kassert(poll(cdrom) == 0 && drive.locked);
    drive_follow(none);
    kassert(poll(cdrom) == 0); /* quiet: two commands */
    kassert(drive_count(MMC_TEST_UNIT_READY) == 1 && drive_count(MMC_GET_EVENT_STATUS) == 1);

    drive.button = true;
    char text[160];
    kassert(poll(cdrom) == 0);
    cdrom->ops->describe(cdrom, text, sizeof(text));
    kassert(strstr(text, "Table Drive") && strstr(text, "eject asked for"));
    kassert(device_medium(cdrom).present);
    kassert(device_control(cdrom, DEVICE_CONTROL_UNLOCK_DOOR, NULL, 0) == 0 && !drive.locked);
    kassert(drive.disc == 0 && !device_medium(cdrom).present); /* it came out */

    kassert(device_control(cdrom, DEVICE_CONTROL_LOAD, NULL, 0) == 0);
    drive_put_disc(2, DISC_BLOCKS);
    kassert(poll(cdrom) == 0 && device_medium(cdrom).present);
    kassert(device_control(cdrom, DEVICE_CONTROL_EJECT, NULL, 0) == 0);
    kassert(!device_medium(cdrom).present && poll(cdrom) == 0);
    tear_down(cdrom);
}

static void test_controls(void **state)
{
    (void)state;
    run_body(controls_body);
}

static void no_lock_body(void *unused)
{
    (void)unused;
    static const struct step script[STEPS_MAX] = { STEP(MMC_PREVENT_ALLOW, SENSE(5, 0x20, 0)) };
    struct device *cdrom = set_up_polled(1);
    drive_follow(script);
    kassert(device_control(cdrom, DEVICE_CONTROL_LOCK_DOOR, NULL, 0) == -EOPNOTSUPP);
    drive_follow((const struct step[STEPS_MAX]){ { 0 } });
    kassert(poll(cdrom) == 0 && drive_count(MMC_GET_EVENT_STATUS) == 0);
    tear_down(cdrom);
}

static void test_drive_without_lock(void **state)
{
    (void)state;
    run_body(no_lock_body);
}

/* ---- arrival ------------------------------------------------------------------------------ */

/* Units of another kind are left alone; each allocation of adding may fail. */
static void arrival_body(void *unused)
{
    (void)unused;
    struct device *cdrom = set_up(1);
    device_remove(drive.unit);
    drive.info.device_type = 1; /* a tape */
    kassert(unit_publish() == 0 && device_find("cdrom1") == NULL);
    kassert(drive.unit->driver == NULL);
    device_remove(drive.unit);
    drive.info.device_type = 5;
    bool more = true;
    static char errors[4096]; /* what the device manager logs about each, as it should */
    host_console_capture(errors, sizeof(errors));
    for (unsigned long n = 1; more; n++) {
        host_fail_nth_allocation(n);
        status_t status = unit_publish();
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        if (!status)
            device_remove(drive.unit);
    }
    host_console_capture(NULL, 0);
    kassert(strstr(errors, "out of memory") != NULL);
    tear_down(cdrom);
}

static void test_arrival(void **state)
{
    (void)state;
    run_body(arrival_body);
}

int main(void)
{
    log_set_level(LOG_ERROR); /* discs come and go thousands of times */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_answers), cmocka_unit_test(test_whole_disc),
        cmocka_unit_test(test_capacities),   cmocka_unit_test(test_media),
        cmocka_unit_test(test_swapping),     cmocka_unit_test(test_controls),
        cmocka_unit_test(test_arrival),      cmocka_unit_test(test_drive_without_lock),
    };
    const struct CMUnitTest in_virtual_time[] = { /* ten seconds, each of the seeds */
        cmocka_unit_test(test_never_ready),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (run_is_simulated())
        failed += cmocka_run_group_tests(in_virtual_time, NULL, NULL);
    return failed;
}
