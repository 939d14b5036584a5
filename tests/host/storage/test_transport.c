/*
 * test_transport.c - every SCSI transport together with kernel/dev/packet_queue.c.
 *
 * Promises    scsi.h, packet_queue.h: each command ends exactly once; deadlines hold; late
 *             and doubled completions are harmless; data go in and out; sense data belong to their
 *             command; a length that cannot be is not believed; a reset precedes the
 *             report of a failure; removal and stopping end what is queued.
 *
 * One body per promise runs over each kind of transport in `kinds`. A new transport that can run on
 * the host is one more row. Linked once with port_threads.c and once with port_sim.c: see run.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "drivers/storage/scsi/sense.h"
#include "drivers/storage/scsi/unit.h"
#include "host/port/run.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/ahci_carrier.h"
#include "tests/host/packet_disk.h"
#include "tests/host/rig.h"

enum {
    BLOCK = PACKET_DRIVE_BLOCK,
    STEPS_MAX = PACKET_DRIVE_STEPS_MAX,
    SHORT_US = 20000,    /* of commands that are meant to time out */
    BUSY_US = 300000,
    LONG_US = 60000000,  /* of all others, however slow this machine is */
    COMMANDS = 40,
    MANY = 1000000,
    SEEDS = 20,
};

static const struct packet_drive_kind kinds[] = {
    { .openings = 1 },                                          /* as IDE */
    { .openings = 1, .asynchronous = true },                    /* as USB */
    { .openings = 4, .asynchronous = true, .autosense = true }, /* as virtio-scsi */
    { .openings = PACKET_OPENINGS_MAX, .asynchronous = true },
    { .openings = 1, .asynchronous = true, .carrier = &ahci_carrier },
};

static bool is_atapi(void)
{
    return packet_drive.kind.carrier && packet_drive.kind.carrier->is_atapi;
}

/* ---- commands ----------------------------------------------------------------------------- */

/* A command with what a test observes of it. */
struct tried {
    struct scsi_command command;
    struct io_segment segment;
    uint8_t data[BLOCK];
    unsigned ends;           /* how often the callback ran */
    unsigned resets_at_end;  /* of the transport, when it ran */
    struct semaphore *ended;
};

static void tried_complete(struct scsi_command *command)
{
    struct tried *tried = command->context;
    tried->ends++;
    tried->resets_at_end = packet_drive.resets;
    semaphore_up(tried->ended);
}

/* A READ is of one block. */
static void prepare(struct tried *tried, struct semaphore *ended, uint8_t operation, uint32_t lba,
                    uint32_t timeout_us)
{
    memset(tried, 0, sizeof(*tried));
    tried->segment = (struct io_segment){ tried->data, BLOCK };
    tried->ended = ended;
    tried->command = (struct scsi_command){
        .cdb = { operation },
        .segments = &tried->segment,
        .segment_count = 1,
        .base.timeout_us = timeout_us,
        .complete = tried_complete,
        .context = tried,
    };
    if (operation == SCSI_READ_10) {
        scsi_build_transfer(tried->command.cdb, IO_READ, lba, 1);
        tried->command.direction = SCSI_DATA_IN;
        tried->command.length_bytes = BLOCK;
    }
}

static void submit(struct tried *tried, struct semaphore *ended, uint8_t operation, uint32_t lba,
                   uint32_t timeout_us)
{
    prepare(tried, ended, operation, lba, timeout_us);
    scsi_submit(packet_drive.target, &tried->command);
}

static void await(struct semaphore *ended, unsigned count)
{
    while (count--)
        kassert(semaphore_down(ended, TIME_NEVER) == 0);
}

/* Runs one TEST UNIT READY to its end. */
static struct tried try_ready_within(uint32_t timeout_us)
{
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct tried tried;
    submit(&tried, &ended, SCSI_TEST_UNIT_READY, 0, timeout_us);
    await(&ended, 1);
    kassert(tried.ends == 1);
    return tried;
}

static struct tried try_ready(void)
{
    return try_ready_within(LONG_US);
}

static void follow(struct packet_drive_step step)
{
    struct packet_drive_step script[STEPS_MAX] = { step };
    packet_drive_follow(script);
}

#define READY(...) ((struct packet_drive_step){ .operation = SCSI_TEST_UNIT_READY, __VA_ARGS__ })

/* ---- the promises ------------------------------------------------------------------------- */

static void each_command_ends_once_with_its_data(void)
{
    static struct tried tried[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    for (unsigned i = 0; i < COMMANDS; i++)
        submit(&tried[i], &ended, SCSI_READ_10, i, LONG_US);
    await(&ended, COMMANDS);
    for (unsigned i = 0; i < COMMANDS; i++) {
        kassert(tried[i].ends == 1 && tried[i].command.base.status == 0);
        kassert(tried[i].command.done_bytes == BLOCK);
        packet_drive_assert_disc(tried[i].data, 1, i, BLOCK);
    }
    kassert(packet_drive.resets == 0);
}

/* The sense data are this command's, whichever command is queued after it. */
static void sense_data_arrive(void)
{
    static struct tried failed, next;
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    follow(READY(.key = 3, .asc = 0x11, .ascq = 5, .valid = true, .information = 77));
    submit(&failed, &ended, SCSI_TEST_UNIT_READY, 0, LONG_US);
    submit(&next, &ended, SCSI_READ_10, 9, LONG_US);
    await(&ended, 2);

    kassert(failed.command.base.status == -EIO);
    kassert(failed.command.unit_status == SCSI_CHECK_CONDITION);
    struct sense sense = sense_parse(&failed.command);
    kassert(sense.current && sense.key == 3 && sense.asc == 0x11 && sense.ascq == 5);
    kassert(sense.has_information && sense.information == 77);
    kassert(packet_drive_count(SCSI_REQUEST_SENSE) == !packet_drive.kind.autosense);
    kassert(next.command.base.status == 0 && next.command.sense_bytes == 0);
    kassert(packet_drive.resets == 0);
}

/* A unit that answers REQUEST SENSE with a failure, or not at all: the command ends without sense
 * data. */
static void sense_data_may_be_missing(void)
{
    if (packet_drive.kind.autosense)
        return;
    struct packet_drive_step script[STEPS_MAX] = {
        READY(.key = 3, .asc = 0x11), { .operation = SCSI_REQUEST_SENSE, .key = 5, .asc = 0x20 },
        READY(.key = 3, .asc = 0x11), { .operation = SCSI_REQUEST_SENSE, .hang = true },
    };
    packet_drive_follow(script);
    struct tried refused = try_ready();
    kassert(refused.command.base.status == -EIO && refused.command.sense_bytes == 0);
    kassert(!sense_parse(&refused.command).current && packet_drive.resets == 0);

    if (!run_is_simulated())
        return; /* it takes seconds */
    struct tried silent = try_ready();
    kassert(silent.command.base.status == -EIO && silent.command.sense_bytes == 0);
    kassert(silent.resets_at_end == 1); /* before it was reported: its memory is quiet */
    kassert(try_ready().command.base.status == 0);
}

static void late_commands_time_out(struct packet_drive_step step)
{
    follow(step);
    uint64_t before_us = time_now_us();
    struct tried late = try_ready_within(SHORT_US);
    kassert(late.command.base.status == -ETIMEDOUT);
    kassert(time_now_us() - before_us >= SHORT_US);
    kassert(late.resets_at_end == 1);
    kassert(try_ready().command.base.status == 0 && packet_drive.resets == 1);
}

static void deadlines_hold(void)
{
    late_commands_time_out(READY(.hang = true));
}

static void a_late_completion_does_nothing(void)
{
    late_commands_time_out(READY(.late = true));
}

/* The transport is out of step: a reset, then the report. */
static void a_transport_that_fails_is_reset(void)
{
    follow(READY(.status = -EIO));
    struct tried failed = try_ready();
    kassert(failed.command.base.status == -EIO && failed.command.unit_status == SCSI_GOOD);
    kassert(failed.resets_at_end == 1);
    kassert(try_ready().command.base.status == 0 && packet_drive.resets == 1);

    if (is_atapi())
        return;
    follow(READY(.status = -ENODEV));
    kassert(try_ready().command.base.status == -ENODEV && packet_drive.resets == 1);
}

/* Commands that were started beside one that hangs end once, with success or -EIO; those that were
 * waiting are run. */
static void a_reset_ends_what_was_started(void)
{
    static struct tried hanging, others[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    follow(READY(.hang = true));
    submit(&hanging, &ended, SCSI_TEST_UNIT_READY, 0, SHORT_US);
    for (unsigned i = 0; i < COMMANDS; i++)
        submit(&others[i], &ended, SCSI_READ_10, i, LONG_US);
    await(&ended, COMMANDS + 1);
    kassert(hanging.ends == 1 && hanging.command.base.status == -ETIMEDOUT);
    for (unsigned i = 0; i < COMMANDS; i++) {
        kassert(others[i].ends == 1);
        kassert(others[i].command.base.status == 0 ||
                (others[i].command.base.status == -EIO && packet_drive.kind.openings > 1));
        kassert(others[i].command.base.interrupted == (others[i].command.base.status != 0));
        if (!others[i].command.base.status)
            packet_drive_assert_disc(others[i].data, 1, i, BLOCK);
    }
    kassert(packet_drive.resets == 1);
}

static void busy_units_are_asked_again(void)
{
    if (is_atapi())
        return;
    follow(READY(.busy = true));
    kassert(try_ready().command.base.status == 0 && packet_drive_count(SCSI_TEST_UNIT_READY) == 2);
    follow(READY(.busy = true, .times = MANY));
    struct tried busy = try_ready_within(BUSY_US);
    kassert(busy.command.base.status == -EBUSY && busy.command.unit_status == SCSI_BUSY);
    kassert(packet_drive_count(SCSI_TEST_UNIT_READY) > 1 && packet_drive.resets == 0);
}

static void commands_that_are_not_due_let_others_pass(void)
{
    static struct tried first, second;
    struct semaphore later = SEMAPHORE_INIT(later, 0), now = SEMAPHORE_INIT(now, 0);
    uint64_t due_us = time_now_us() + SHORT_US;
    memset(&first, 0, sizeof(first));
    first.ended = &later;
    first.command = (struct scsi_command){
        .cdb = { SCSI_TEST_UNIT_READY },
        .base.timeout_us = LONG_US,
        .base.not_before_us = due_us,
        .complete = tried_complete,
        .context = &first,
    };
    scsi_submit(packet_drive.target, &first.command);
    submit(&second, &now, SCSI_TEST_UNIT_READY, 0, LONG_US);
    await(&now, 1);
    await(&later, 1);
    kassert(time_now_us() >= due_us);
    kassert(first.command.base.status == 0 && second.command.base.status == 0);
}

/* The drive checks that nothing else is started; the later commands wait and are not forgotten. */
static void commands_can_be_alone(void)
{
    static struct tried tried[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    for (unsigned i = 0; i < COMMANDS; i++) {
        prepare(&tried[i], &ended, SCSI_READ_10, i, LONG_US);
        tried[i].command.base.alone = i % 5 == 2;
        scsi_submit(packet_drive.target, &tried[i].command);
    }
    await(&ended, COMMANDS);
    for (unsigned i = 0; i < COMMANDS; i++)
        kassert(tried[i].ends == 1 && tried[i].command.base.status == 0);
}

/* An aborted command ends with -ECANCELED, started or not. A synchronous transport is not
 * interrupted: its command ends by itself. */
static void commands_can_be_aborted(void)
{
    static struct tried started, waiting;
    struct semaphore first = SEMAPHORE_INIT(first, 0), second = SEMAPHORE_INIT(second, 0);
    follow(READY(.hang = true));
    submit(&started, &first, SCSI_TEST_UNIT_READY, 0,
           packet_drive.kind.asynchronous ? LONG_US : SHORT_US);
    waiting.ended = &second;
    waiting.command = (struct scsi_command){
        .base.timeout_us = LONG_US,
        .base.not_before_us = TIME_NEVER,
        .complete = tried_complete,
        .context = &waiting,
    };
    waiting.ends = 0;
    scsi_submit(packet_drive.target, &waiting.command);
    scsi_abort(&waiting.command);
    await(&second, 1);
    kassert(waiting.ends == 1 && waiting.command.base.status == -ECANCELED);

    if (packet_drive.kind.asynchronous) {
        while (packet_drive_count(SCSI_TEST_UNIT_READY) == 0)
            thread_yield();
        scsi_abort(&started.command);
    }
    await(&first, 1);
    kassert(started.ends == 1 && started.resets_at_end == 1);
    if (packet_drive.kind.asynchronous)
        kassert(started.command.base.status == -ECANCELED);
    kassert(try_ready().command.base.status == 0);
}

/* A unit that is removed: queued commands end with -ENODEV, one that hangs ends at its deadline. */
static void removal_ends_what_is_queued(void)
{
    static struct tried hanging, queued[COMMANDS];
    struct semaphore first = SEMAPHORE_INIT(first, 0), others = SEMAPHORE_INIT(others, 0);
    follow(READY(.hang = true));
    struct device *unit = device_get(packet_drive.unit);
    submit(&hanging, &first, SCSI_TEST_UNIT_READY, 0, SHORT_US);
    while (packet_drive_count(SCSI_TEST_UNIT_READY) == 0)
        thread_yield();
    device_remove(unit);
    for (unsigned i = 0; i < COMMANDS; i++)
        submit(&queued[i], &others, SCSI_READ_10, i, LONG_US);
    await(&others, COMMANDS);
    await(&first, 1);
    kassert(hanging.ends == 1 && hanging.command.base.status == -ETIMEDOUT);
    for (unsigned i = 0; i < COMMANDS; i++)
        kassert(queued[i].ends == 1 && queued[i].command.base.status == -ENODEV);
    kassert(packet_drive_count(SCSI_READ_10) == 0);
    device_put(unit);
}

/* A command that is reported twice ends once, with what was reported first. */
static void a_doubled_completion_does_nothing(void)
{
    static struct tried tried[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    follow((struct packet_drive_step){ .operation = SCSI_READ_10, .twice = true, .times = MANY });
    for (unsigned i = 0; i < COMMANDS; i++)
        submit(&tried[i], &ended, SCSI_READ_10, i, LONG_US);
    await(&ended, COMMANDS);
    for (unsigned i = 0; i < COMMANDS; i++) {
        kassert(tried[i].ends == 1 && tried[i].command.base.status == 0);
        packet_drive_assert_disc(tried[i].data, 1, i, BLOCK);
    }
    kassert(try_ready().command.base.status == 0 && packet_drive.resets == 0);
}

/* More bytes than were asked for: the transport is out of step. */
static void a_wrong_length_is_not_believed(void)
{
    static struct tried tried;
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    follow((struct packet_drive_step){ .operation = SCSI_READ_10, .more = true });
    submit(&tried, &ended, SCSI_READ_10, 3, LONG_US);
    await(&ended, 1);
    kassert(tried.command.base.status == -EIO && tried.command.done_bytes == 0);
    kassert(try_ready().command.base.status == 0 && packet_drive.resets == 1);
}

/* Each promise, over each kind of transport. */
struct promise {
    const char *name;
    void (*body)(void);
};

static const struct promise promises[] = {
    { "each command ends once with its data", each_command_ends_once_with_its_data },
    { "sense data arrive", sense_data_arrive },
    { "sense data may be missing", sense_data_may_be_missing },
    { "deadlines hold", deadlines_hold },
    { "a late completion does nothing", a_late_completion_does_nothing },
    { "a transport that fails is reset", a_transport_that_fails_is_reset },
    { "a reset ends what was started", a_reset_ends_what_was_started },
    { "busy units are asked again", busy_units_are_asked_again },
    { "commands that are not due let others pass", commands_that_are_not_due_let_others_pass },
    { "commands can be alone", commands_can_be_alone },
    { "commands can be aborted", commands_can_be_aborted },
    { "a doubled completion does nothing", a_doubled_completion_does_nothing },
    { "a wrong length is not believed", a_wrong_length_is_not_believed },
    { "removal ends what is queued", removal_ends_what_is_queued },
};

struct run {
    const struct packet_drive_kind *kind;
    void (*body)(void);
};

static void run_promise(void *argument)
{
    const struct run *run = argument;
    kassert(io_start() == 0);
    kassert(device_start() == 0);
    struct device *cdrom = packet_drive_plug_in_kind(1, *run->kind);
    run->body();
    packet_drive_tear_down(cdrom);
}

static void test_promises(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(promises); i++)
        for (size_t j = 0; j < ARRAY_LENGTH(kinds); j++) {
            struct run run = { &kinds[j], promises[i].body };
            print_message("%s: kind %zu\n", promises[i].name, j);
            rig_run(run_promise, &run, SEEDS);
        }
}

/* ---- data out ----------------------------------------------------------------------------- */

/* Writes blocks of a disk, then reads them, as many commands at once as the transport takes: each
 * has its own data, in either direction. */
static void data_out_body(void *argument)
{
    static struct tried writes[COMMANDS], reads[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    kassert(io_start() == 0);
    kassert(device_start() == 0);
    packet_disk_reset();
    packet_disk.block_bytes = BLOCK;
    packet_disk.last_block = PACKET_DISK_BYTES / BLOCK - 1;
    struct device *disk = packet_disk_plug_in(*(struct packet_drive_kind *)argument);
    kassert(disk != NULL);
    for (unsigned i = 0; i < COMMANDS; i++) {
        prepare(&writes[i], &ended, SCSI_READ_10, 0, LONG_US);
        scsi_build_transfer(writes[i].command.cdb, IO_WRITE, 100 + i, 1);
        writes[i].command.direction = SCSI_DATA_OUT;
        memset(writes[i].data, (int)i + 1, BLOCK);
        scsi_submit(packet_drive.target, &writes[i].command);
        submit(&reads[i], &ended, SCSI_READ_10, i, LONG_US);
    }
    await(&ended, 2 * COMMANDS);
    for (unsigned i = 0; i < COMMANDS; i++) {
        kassert(writes[i].ends == 1 && !writes[i].command.base.status);
        kassert(writes[i].command.done_bytes == BLOCK);
        kassert(!memcmp(packet_disk.image + (100 + i) * BLOCK, writes[i].data, BLOCK));
        kassert(reads[i].ends == 1 && !reads[i].command.base.status);
        kassert(!memcmp(packet_disk.image + i * BLOCK, reads[i].data, BLOCK));
    }
    packet_disk_unplug(disk);
    device_stop();
    io_stop();
}

static void test_data_go_out(void **state)
{
    (void)state;
    for (size_t j = 0; j < ARRAY_LENGTH(kinds); j++)
        rig_run(data_out_body, (void *)&kinds[j], SEEDS);
}

/* ---- stopping ----------------------------------------------------------------------------- */

static void stop_body(void *argument)
{
    static struct tried waiting[COMMANDS];
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    kassert(io_start() == 0);
    kassert(device_start() == 0);
    struct device *cdrom = packet_drive_plug_in_kind(1, *(struct packet_drive_kind *)argument);
    for (unsigned i = 0; i < COMMANDS; i++)
        submit(&waiting[i], &ended, SCSI_READ_10, i, LONG_US);
    packet_drive_tear_down(cdrom);
    await(&ended, COMMANDS);
    for (unsigned i = 0; i < COMMANDS; i++)
        kassert(waiting[i].ends == 1 &&
                (!waiting[i].command.base.status || waiting[i].command.base.status == -ENODEV));
}

static void test_stopping_ends_what_waits(void **state)
{
    (void)state;
    for (size_t j = 0; j < ARRAY_LENGTH(kinds); j++)
        rig_run(stop_body, (void *)&kinds[j], SEEDS);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_data_go_out),
        cmocka_unit_test(test_stopping_ends_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
