/*
 * test_cdrom.c - the CD drive driver over a drive that is made of tables (packet_drive.h). Promises
 * (cdrom.h): each answer leads to the action in its table, a read ends once, and no byte of a new
 * disc is read for the old one. Linked with port_threads.c and with port_sim.c: see run.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "drivers/storage/scsi/cdrom/mmc.h"
#include "drivers/storage/scsi/unit.h"
#include "host/port/run.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/packet_drive.h"

enum {
    BLOCK = PACKET_DRIVE_BLOCK,
    DISC_BLOCKS = PACKET_DRIVE_DISC_BLOCKS,
    STEPS_MAX = PACKET_DRIVE_STEPS_MAX,
    ALWAYS = 1000000,
};

static status_t poll(struct device *cdrom)
{
    return device_poll(cdrom);
}

static struct device *set_up_polled(unsigned disc)
{
    struct device *cdrom = packet_drive_set_up(disc);
    kassert(poll(cdrom) == 0);
    kassert(device_medium(cdrom).present == (disc != 0));
    return cdrom;
}

/* ---- reading ------------------------------------------------------------------------------ */

enum { READ_LBA = 40, READ_BLOCKS = 8 };

struct read_case {
    const char *name;
    struct packet_drive_step script[STEPS_MAX];
    status_t status;
    uint64_t done_blocks;
    unsigned reads; /* READ(10) commands that it takes */
    bool keeps_medium;
};

#define READ(...) { .operation = SCSI_READ_10, __VA_ARGS__ }
#define SENSE(k, c, q) .key = (k), .asc = (c), .ascq = (q)
#define AT(lba) .valid = true, .information = (lba)

static const struct read_case read_cases[] = {
    { "good", { { 0 } }, 0, 8, 1, true },
    { "reset first", { READ(SENSE(6, 0x29, 0)) }, 0, 8, 2, true },
    { "many events first", { READ(SENSE(6, 0x2a, 1), .times = 7) }, 0, 8, 8, true },
    { "endless events", { READ(SENSE(6, 0x29, 0), .times = ALWAYS) }, -EIO, 0, 9, true },
    { "changed meanwhile", { READ(SENSE(6, 0x28, 0)) }, -ESTALE, 0, 1, false },
    { "absent", { READ(SENSE(2, 0x3a, 1)) }, -ENOMEDIUM, 0, 1, false },
    { "ready after 2 s", { READ(SENSE(2, 4, 1), .times = 20) }, 0, 8, 21, true },
    { "reset, then slow", { READ(SENSE(6, 0x29, 0)), READ(SENSE(2, 4, 1), .times = 3) },
      0, 8, 5, true },
    { "bad once", { READ(SENSE(3, 0x11, 0), AT(43)) }, 0, 8, 2, true },
    { "bad block", { READ(SENSE(3, 0x11, 0), AT(43), .times = 2) }, -EIO, 3, 3, true },
    { "bad first block", { READ(SENSE(3, 0x11, 0), AT(40), .times = 2) }, -EIO, 0, 2, true },
    { "bad last block", { READ(SENSE(3, 0x11, 0), AT(47), .times = 2) }, -EIO, 7, 3, true },
    { "bad block before", { READ(SENSE(3, 0x11, 0), AT(39), .times = 2) }, -EIO, 0, 2, true },
    { "bad block after", { READ(SENSE(3, 0x11, 0), AT(48), .times = 2) }, -EIO, 0, 2, true },
    { "bad block unnamed", { READ(SENSE(3, 0x11, 0), .information = 43, .times = 2) },
      -EIO, 0, 2, true },
    { "prefix bad too", { READ(SENSE(3, 0x11, 0), AT(43), .times = 3) }, -EIO, 0, 3, true },
    { "past the end", { READ(SENSE(5, 0x21, 0)) }, -EIO, 0, 1, true },
    { "audio track", { READ(SENSE(5, 0x64, 0)) }, -EIO, 0, 1, true },
    { "hardware, three times", { READ(SENSE(4, 0x44, 0), .times = 3) }, 0, 8, 4, true },
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
    packet_drive_follow(c->script);
    status_t status = io_wait(&handle, IO_READ, READ_LBA * BLOCK, data, sizeof(data), &done);
    unsigned reads = packet_drive_count(SCSI_READ_10);
    if (status != c->status || done != c->done_blocks * BLOCK || reads != c->reads)
        panic("%s: %s, %llu bytes, %u reads", c->name, status_name(status),
              (unsigned long long)done, reads);
    packet_drive_assert_disc(data, 1, READ_LBA, done);
    kassert(device_medium(cdrom).present == c->keeps_medium);
    status_t check = device_check(&handle);
    kassert(check == (c->keeps_medium ? 0 : -ENOMEDIUM));
    device_close(&handle);
    packet_drive_follow((const struct packet_drive_step[STEPS_MAX]){ { 0 } });
}

static void read_cases_body(void *unused)
{
    (void)unused;
    struct device *cdrom = set_up_polled(1);
    for (size_t i = 0; i < ARRAY_LENGTH(read_cases); i++)
        read_case_body(cdrom, &read_cases[i]);
    packet_drive_tear_down(cdrom);
}

static void test_read_answers(void **state)
{
    (void)state;
    run_body(read_cases_body);
}

/* A read of a drive that never becomes ready fails at the limit, not before. */
static void never_ready_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step script[STEPS_MAX] = {
        READ(SENSE(2, 4, 1), .times = ALWAYS),
    };
    static uint8_t data[BLOCK];
    struct device *cdrom = set_up_polled(1);
    struct device_handle handle;
    kassert(device_open(cdrom, &handle) == 0);
    packet_drive_follow(script);
    uint64_t before_us = time_now_us();
    kassert(io_wait(&handle, IO_READ, 0, data, BLOCK, NULL) == -EIO);
    uint64_t took_us = time_now_us() - before_us;
    kassert(took_us >= DEADLINE_NOT_READY_US && took_us < 2 * DEADLINE_NOT_READY_US);
    device_close(&handle);
    packet_drive_tear_down(cdrom);
}

static void test_never_ready(void **state)
{
    (void)state;
    run_body(never_ready_body);
}

static void end_request(struct io_request *request)
{
    semaphore_up(request->context);
}

/* A read that fails after its disc was removed reports the removal, not the failure: kernel/dev
 * decides that for all drivers. */
static void stale_failure_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step script[STEPS_MAX] = { READ(SENSE(5, 0x21, 0)) };
    static uint8_t data[BLOCK];
    struct device *cdrom = set_up_polled(1);
    struct device_handle handle;
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct io_segment segment = { data, BLOCK };
    kassert(device_open(cdrom, &handle) == 0);
    packet_drive_follow(script);
    atomic_store(&packet_drive.read_us, 1000000);

    struct io_request request = {
        .device = cdrom,
        .op = IO_READ,
        .generation = handle.generation,
        .length_bytes = BLOCK,
        .segments = &segment,
        .segment_count = 1,
        .complete = end_request,
        .context = &ended,
    };
    io_submit(&request);
    device_clear_medium(cdrom);
    kassert(semaphore_down(&ended, TIME_NEVER) == 0);
    kassert(request.status == -ESTALE && request.done_bytes == 0);
    device_close(&handle);
    packet_drive_tear_down(cdrom);
}

static void test_stale_failure(void **state)
{
    (void)state;
    run_body(stale_failure_body);
}

static void whole_disc_body(void *unused)
{
    (void)unused;
    static uint8_t data[DISC_BLOCKS * BLOCK];
    struct device *cdrom = set_up_polled(1);
    struct device_handle handle;
    uint64_t done;
    kassert(device_open(cdrom, &handle) == 0);
    packet_drive_follow((const struct packet_drive_step[STEPS_MAX]){ { 0 } });
    kassert(io_wait(&handle, IO_READ, 0, data, sizeof(data), &done) == 0);
    kassert(done == sizeof(data) && packet_drive_count(SCSI_READ_10) == (DISC_BLOCKS + 15) / 16);
    packet_drive_assert_disc(data, 1, 0, done);
    /* kernel/dev refuses these; the drive gets no command. */
    unsigned before = packet_drive_count(SCSI_READ_10);
    kassert(io_wait(&handle, IO_READ, DISC_BLOCKS * BLOCK, data, BLOCK, NULL) == -EIO);
    kassert(io_wait(&handle, IO_READ, 512, data, BLOCK, NULL) == -EINVAL);
    kassert(io_wait(&handle, IO_READ, 0, data, 0, NULL) == -EINVAL);
    kassert(io_wait(&handle, IO_WRITE, 0, data, BLOCK, NULL) == -EROFS);
    kassert(packet_drive_count(SCSI_READ_10) == before);
    device_close(&handle);
    packet_drive_tear_down(cdrom);
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
    struct packet_drive_step script[STEPS_MAX];
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
    { "no capacity", 299, 2048, false, { STEP(SCSI_READ_CAPACITY_10, SENSE(5, 0x20, 0)) },
      0, true, 0 },
    { "no contents", 299, 2048, false, { STEP(SCSI_READ_CAPACITY_10, SENSE(3, 0x57, 0)) },
      0, true, 0 },
    { "unformatted", 299, 2048, false, { STEP(SCSI_TEST_UNIT_READY, SENSE(2, 0x30, 1)) },
      0, true, 0 },
    { "reset first", 299, 2048, false,
      { STEP(SCSI_TEST_UNIT_READY, SENSE(6, 0x29, 0)),
        STEP(SCSI_READ_CAPACITY_10, SENSE(6, 0x2a, 0)) },
      0, true, 300 * BLOCK },
    { "change first", 299, 2048, false, { STEP(SCSI_TEST_UNIT_READY, SENSE(6, 0x28, 0)) },
      0, true, 300 * BLOCK },
    { "change while measured", 299, 2048, false, { STEP(SCSI_READ_CAPACITY_10, SENSE(6, 0x28, 0)) },
      -EAGAIN, false, 0 },
    { "gone while measured", 299, 2048, false, { STEP(SCSI_READ_CAPACITY_10, SENSE(2, 0x3a, 0)) },
      0, false, 0 },
    { "short once", 299, 2048, false, { STEP(SCSI_READ_CAPACITY_10, .cut = true) },
      0, true, 300 * BLOCK },
    { "short", 299, 2048, false, { STEP(SCSI_READ_CAPACITY_10, .cut = true, .times = 3) },
      -EIO, false, 0 },
    { "slow", 299, 2048, false, { STEP(SCSI_TEST_UNIT_READY, SENSE(2, 4, 1), .times = 3) },
      0, true, 300 * BLOCK },
    { "broken", 299, 2048, false, { STEP(SCSI_TEST_UNIT_READY, SENSE(4, 0x44, 0)) },
      -EIO, false, 0 },
    { "no answer", 299, 2048, false, { STEP(SCSI_TEST_UNIT_READY, .status = -ETIMEDOUT) },
      -ETIMEDOUT, false, 0 },
};

static void capacity_case_body(void *argument)
{
    const struct capacity_case *c = argument;
    struct device *cdrom = packet_drive_set_up(1);
    packet_drive.last_block = c->last_block;
    packet_drive.block_bytes = c->block_bytes;
    packet_drive.empty = c->empty;
    packet_drive_follow(c->script);
    status_t status = poll(cdrom);
    struct device_medium medium = device_medium(cdrom);
    if (status != c->status || medium.present != c->present || medium.bytes != c->bytes)
        panic("%s: %s, present %d, %llu bytes", c->name, status_name(status), medium.present,
              (unsigned long long)medium.bytes);
    packet_drive_tear_down(cdrom);
}

static void capacity_cases_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(capacity_cases); i++)
        capacity_case_body((void *)&capacity_cases[i]);
}

static void test_capacities(void **state)
{
    (void)state;
    run_body(capacity_cases_body);
}

/* Inserting, swapping and removing a disc each begin a new generation. Polling a drive without news
 * costs one command. */
static void media_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step none[STEPS_MAX] = { { 0 } };
    static const struct packet_drive_step slow[STEPS_MAX] = {
        STEP(SCSI_TEST_UNIT_READY, SENSE(2, 4, 1)),
    };
    static uint8_t data[BLOCK];
    struct device_handle old, new;
    struct device *cdrom = set_up_polled(0);
    uint32_t generation = device_medium(cdrom).generation;
    kassert(poll(cdrom) == 0 && device_medium(cdrom).generation == generation);

    packet_drive_put_disc(1, DISC_BLOCKS);
    packet_drive_follow(slow);
    kassert(poll(cdrom) == -EAGAIN && !device_medium(cdrom).present);
    kassert(poll(cdrom) == 0 && device_medium(cdrom).present);
    kassert(device_open(cdrom, &old) == 0 && old.generation != generation);
    packet_drive_follow(none);
    kassert(poll(cdrom) == 0 && packet_drive_count(SCSI_TEST_UNIT_READY) == 1);
    kassert(packet_drive_count(SCSI_READ_CAPACITY_10) == 0 &&
            packet_drive_count(MMC_GET_EVENT_STATUS) == 0);
    kassert(device_check(&old) == 0);

    packet_drive_put_disc(2, 100);
    kassert(io_wait(&old, IO_READ, 0, data, BLOCK, NULL) == -ESTALE);
    kassert(device_check(&old) == -ENOMEDIUM);
    kassert(poll(cdrom) == 0 && device_medium(cdrom).bytes == 100 * BLOCK);
    kassert(device_check(&old) == -ESTALE);
    kassert(io_wait(&old, IO_READ, 0, data, BLOCK, NULL) == -ESTALE);
    kassert(device_open(cdrom, &new) == 0);
    kassert(io_wait(&new, IO_READ, 99 * BLOCK, data, BLOCK, NULL) == 0);
    packet_drive_assert_disc(data, 2, 99, BLOCK);
    device_close(&old);

    packet_drive_put_disc(0, 1);
    kassert(poll(cdrom) == 0 && !device_medium(cdrom).present);
    kassert(io_wait(&new, IO_READ, 0, data, BLOCK, NULL) == -ENOMEDIUM);
    device_close(&new);
    packet_drive_tear_down(cdrom);
}

static void test_media(void **state)
{
    (void)state;
    run_body(media_body);
}

/* A reader and a poller while discs are swapped: the data read are those of the disc that was
 * opened. The size of the medium shows which disc that is. */
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
            packet_drive_assert_disc(data, (unsigned)disc, 8, done);
        device_close(&handle);
    }
}

static void swap_poller(void *argument)
{
    struct swapping *s = argument;
    while (!atomic_load(&s->over)) {
        IGNORE(poll(s->cdrom));
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
        packet_drive_put_disc(disc, 100 + disc);
        for (unsigned i = 0; i < 60; i++)
            thread_yield();
    }
    atomic_store(&s.over, true);
    thread_join(reader);
    thread_join(poller);
    packet_drive_tear_down(s.cdrom);
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
    static const struct packet_drive_step none[STEPS_MAX] = { { 0 } };
    static const struct packet_drive_step reset[STEPS_MAX] = {
        STEP(SCSI_TEST_UNIT_READY, SENSE(6, 0x29, 0)),
    };
    struct device *cdrom = set_up_polled(1);
    kassert(device_control(cdrom, 99, NULL, 0) == -EOPNOTSUPP);
    kassert(device_control(cdrom, DEVICE_CONTROL_LOCK_DOOR, NULL, 0) == 0 && packet_drive.locked);
    kassert(device_control(cdrom, DEVICE_CONTROL_EJECT, NULL, 0) == -EBUSY);
    kassert(device_medium(cdrom).present);

    packet_drive_follow(reset); /* the drive forgets the lock; the poll locks it again */
    packet_drive.locked = false;
    kassert(poll(cdrom) == 0 && packet_drive.locked);
    packet_drive_follow(none);
    kassert(poll(cdrom) == 0); /* quiet: two commands */
    kassert(packet_drive_count(SCSI_TEST_UNIT_READY) == 1 &&
            packet_drive_count(MMC_GET_EVENT_STATUS) == 1);

    packet_drive.button = true;
    char text[160];
    kassert(poll(cdrom) == 0);
    device_describe(cdrom, text, sizeof(text));
    kassert(strstr(text, "Table Drive") && strstr(text, "eject requested"));
    kassert(device_medium(cdrom).present);
    kassert(device_control(cdrom, DEVICE_CONTROL_UNLOCK_DOOR, NULL, 0) == 0 &&
            !packet_drive.locked);
    kassert(packet_drive.disc == 0 && !device_medium(cdrom).present); /* it came out */

    kassert(device_control(cdrom, DEVICE_CONTROL_LOAD, NULL, 0) == 0);
    packet_drive_put_disc(2, DISC_BLOCKS);
    kassert(poll(cdrom) == 0 && device_medium(cdrom).present);
    kassert(device_control(cdrom, DEVICE_CONTROL_EJECT, NULL, 0) == 0);
    kassert(!device_medium(cdrom).present && poll(cdrom) == 0);
    packet_drive_tear_down(cdrom);
}

static void test_controls(void **state)
{
    (void)state;
    run_body(controls_body);
}

static void no_lock_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step script[STEPS_MAX] = {
        STEP(SCSI_PREVENT_ALLOW, SENSE(5, 0x20, 0)),
    };
    struct device *cdrom = set_up_polled(1);
    packet_drive_follow(script);
    kassert(device_control(cdrom, DEVICE_CONTROL_LOCK_DOOR, NULL, 0) == -EOPNOTSUPP);
    packet_drive_follow((const struct packet_drive_step[STEPS_MAX]){ { 0 } });
    kassert(poll(cdrom) == 0 && packet_drive_count(MMC_GET_EVENT_STATUS) == 0);
    packet_drive_tear_down(cdrom);
}

static void test_drive_without_lock(void **state)
{
    (void)state;
    run_body(no_lock_body);
}

/* ---- arrival ------------------------------------------------------------------------------ */

/* Units of another type are ignored; each allocation while one is added may fail. */
static void arrival_body(void *unused)
{
    (void)unused;
    struct device *cdrom = packet_drive_set_up(1);
    device_remove(packet_drive.unit);
    packet_drive.scsi.device_type = 1; /* a tape */
    kassert(packet_drive_publish() == 0 && device_find("cdrom1") == NULL);
    kassert(device_driver(packet_drive.unit) == NULL);
    device_remove(packet_drive.unit);
    packet_drive.scsi.device_type = 5;
    bool more = true;
    static char errors[4096]; /* the device tree logs each failure */
    host_console_capture(errors, sizeof(errors));
    for (unsigned long n = 1; more; n++) {
        host_fail_nth_allocation(n);
        status_t status = packet_drive_publish();
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        if (!status)
            device_remove(packet_drive.unit);
    }
    host_console_capture(NULL, 0);
    kassert(strstr(errors, "out of memory") != NULL);
    packet_drive_tear_down(cdrom);
}

static void test_arrival(void **state)
{
    (void)state;
    run_body(arrival_body);
}

static void sessions_body(void *unused)
{
    (void)unused;
    static const struct packet_drive_step cut[PACKET_DRIVE_STEPS_MAX] = {
        { .operation = MMC_READ_TOC, .times = 9, .cut = true },
    };
    struct device *cdrom = set_up_polled(1);
    struct device_session session = { 0 };
    kassert(!device_control(cdrom, DEVICE_CONTROL_SESSION, &session, sizeof(session)));
    kassert(session.number == 2 && session.count == 2 && session.first_block == 150);
    session.number = 1;
    kassert(!device_control(cdrom, DEVICE_CONTROL_SESSION, &session, sizeof(session)));
    kassert(session.count == 2 && session.first_block == 0);
    session.number = 3;
    kassert(device_control(cdrom, DEVICE_CONTROL_SESSION, &session, sizeof(session)) == -ENOENT);
    kassert(device_control(cdrom, DEVICE_CONTROL_SESSION, &session, 1) == -EINVAL);
    packet_drive_follow(cut);
    session.number = 0;
    kassert(device_control(cdrom, DEVICE_CONTROL_SESSION, &session, sizeof(session)) == -EIO);
    packet_drive_tear_down(cdrom);
}

/* A session begins at its first data track; the table of contents describes each track. */
static void tracks_body(void *unused)
{
    (void)unused;
    static const struct device_track tracks[] = {
        { .number = 1, .session = 1, .data = true, .first_block = 0, .blocks = 80 },
        { .number = 2, .session = 2, .first_block = 150, .blocks = 85 },
        { .number = 3, .session = 2, .data = true, .first_block = 235, .blocks = 290 },
    };
    static struct device_toc toc;
    struct device *cdrom = set_up_polled(1);
    struct device_session session = { 0 };
    packet_drive.audio_first = true;
    kassert(!device_control(cdrom, DEVICE_CONTROL_SESSION, &session, sizeof(session)));
    kassert(session.number == 2 && session.count == 2 && session.first_block == 235);
    kassert(!device_control(cdrom, DEVICE_CONTROL_TOC, &toc, sizeof(toc)));
    kassert(toc.session_count == 2 && toc.track_count == 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct device_track *track = &toc.tracks[i];
        kassert(track->number == tracks[i].number && track->session == tracks[i].session);
        kassert(track->data == tracks[i].data && track->mode == 0);
        kassert(track->first_block == tracks[i].first_block);
        kassert(track->blocks == tracks[i].blocks);
    }
    kassert(device_control(cdrom, DEVICE_CONTROL_TOC, &toc, 4) == -EINVAL);
    packet_drive.audio_first = false;
    packet_drive_tear_down(cdrom);
}

static void test_tracks(void **state)
{
    (void)state;
    run_body(tracks_body);
}

static void test_sessions(void **state)
{
    (void)state;
    run_body(sessions_body);
}

int main(void)
{
    log_set_level(LOG_ERROR); /* discs come and go thousands of times */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_answers), cmocka_unit_test(test_whole_disc),
        cmocka_unit_test(test_capacities),   cmocka_unit_test(test_media),
        cmocka_unit_test(test_swapping),     cmocka_unit_test(test_controls),
        cmocka_unit_test(test_arrival),      cmocka_unit_test(test_drive_without_lock),
        cmocka_unit_test(test_sessions),     cmocka_unit_test(test_tracks),
    };
    const struct CMUnitTest in_virtual_time[] = { /* seconds, each of the seeds */
        cmocka_unit_test(test_never_ready),
        cmocka_unit_test(test_stale_failure),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (run_is_simulated())
        failed += cmocka_run_group_tests(in_virtual_time, NULL, NULL);
    return failed;
}
