/*
 * cdrom.c - the CD drive driver: units that understand the multimedia command set, whatever
 * carries the packets.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "kernel/dev/control.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { DEVICE_TYPE_MMC = 5 };

/* ---- commands ----------------------------------------------------------------------------- */

static void cdrom_lose_medium(struct cdrom *cdrom)
{
    bool was_there = device_medium(cdrom->device).present;
    atomic_fetch_add(&cdrom->changes, 1);
    atomic_store(&cdrom->eject_asked, false);
    device_clear_medium(cdrom->device);
    if (was_there)
        log_info(device_alias(cdrom->device), "the disc was taken out");
}

enum sense_action cdrom_note(struct cdrom *cdrom, const struct packet_command *command)
{
    if (!command->status)
        return SENSE_DONE;
    if (command->status == -ENODEV)
        return SENSE_GONE;
    if (!command->check_condition)
        return SENSE_RETRY;
    if (sense_is_reset(command->sense))
        atomic_store(&cdrom->relock, true);
    enum sense_action action = sense_decode(command->sense);
    if (action == SENSE_CHANGED || action == SENSE_ABSENT)
        cdrom_lose_medium(cdrom);
    return action;
}

/* A command whose submitter waits. The struct is on the heap, and the submitter and the completion
 * have a reference each: a submitter that is interrupted leaves it, and it ends by itself. */
struct cdrom_execution {
    struct packet_command command;
    struct io_segment segment;
    struct cdrom *cdrom;
    struct device *device; /* a reference: it owns the cdrom */
    _Atomic int references;
    struct spin lock; /* rank QUEUE: the next three */
    struct wait_queue changed;
    bool ended;
    enum sense_action action;
    uint8_t answer[];
};

static void execution_put(struct cdrom_execution *execution)
{
    if (atomic_fetch_sub(&execution->references, 1) != 1)
        return;
    device_put_later(execution->device); /* the last one would end the worker that runs this */
    mem_free(execution);
}

/* What the answer means is noted before the channel's next command runs. */
static void execution_complete(struct packet_command *command)
{
    struct cdrom_execution *execution = command->context;
    enum sense_action action = cdrom_note(execution->cdrom, command);
    spin_lock(&execution->lock);
    execution->action = action;
    execution->ended = true;
    wait_queue_wake_all(&execution->changed);
    spin_unlock(&execution->lock);
    execution_put(execution);
}

static struct cdrom_execution *execution_create(struct cdrom *cdrom,
                                                const struct cdrom_query *query)
{
    struct cdrom_execution *execution = mem_zalloc(sizeof(*execution) + query->answer_bytes);
    if (!execution)
        return NULL;
    execution->command = (struct packet_command){
        .segments = &execution->segment,
        .segment_count = 1,
        .length_bytes = query->answer_bytes,
        .timeout_us = query->timeout_us ? query->timeout_us : DEADLINE_PACKET_US,
        .complete = execution_complete,
        .context = execution,
    };
    memcpy(execution->command.cdb, query->cdb, sizeof(query->cdb));
    execution->segment = (struct io_segment){ execution->answer, query->answer_bytes };
    execution->cdrom = cdrom;
    execution->device = device_get(cdrom->device);
    atomic_init(&execution->references, 2);
    spin_init(&execution->lock, RANK_QUEUE);
    wait_queue_init(&execution->changed);
    return execution;
}

enum sense_action cdrom_execute(struct cdrom *cdrom, struct cdrom_query *query)
{
    struct cdrom_execution *execution = execution_create(cdrom, query);
    status_t status = 0;
    if (!execution)
        return SENSE_NO_MEMORY;
    cdrom->info->transport->submit(cdrom->unit, &execution->command);
    spin_lock(&execution->lock);
    while (!execution->ended && !status)
        status = wait_queue_wait_interruptible(&execution->changed, &execution->lock, TIME_NEVER);
    bool ended = execution->ended;
    spin_unlock(&execution->lock);
    enum sense_action action = ended ? execution->action : SENSE_INTERRUPTED;
    query->done_bytes = ended ? execution->command.done_bytes : 0;
    if (query->done_bytes)
        memcpy(query->answer, execution->answer, query->done_bytes);
    execution_put(execution);
    return action;
}

enum sense_action cdrom_execute_insisting(struct cdrom *cdrom, struct cdrom_query *query)
{
    enum sense_action action = SENSE_AGAIN;
    for (unsigned i = 0; i < CDROM_ATTENTIONS_MAX && action == SENSE_AGAIN; i++)
        action = cdrom_execute(cdrom, query);
    return action;
}

status_t cdrom_status(enum sense_action action)
{
    static const status_t statuses[SENSE_ACTIONS] = {
        [SENSE_DONE] = 0,
        [SENSE_CHANGED] = -EAGAIN,
        [SENSE_ABSENT] = -ENOMEDIUM,
        [SENSE_AGAIN] = -EAGAIN,
        [SENSE_WAIT] = -EAGAIN,
        [SENSE_BLANK] = -EIO,
        [SENSE_MEDIUM] = -EIO,
        [SENSE_RETRY] = -EIO,
        [SENSE_REFUSED] = -EIO,
        [SENSE_UNSUPPORTED] = -EOPNOTSUPP,
        [SENSE_LOCKED] = -EBUSY,
        [SENSE_GONE] = -ENODEV,
        [SENSE_INTERRUPTED] = -EINTR,
        [SENSE_NO_MEMORY] = -ENOMEM,
    };
    return statuses[action];
}

/* ---- controls ----------------------------------------------------------------------------- */

/* Runs a command that is not to be lost to the news of a medium that changed. */
static status_t cdrom_command(struct cdrom *cdrom, uint8_t operation, uint8_t how,
                              uint32_t timeout_us)
{
    struct cdrom_query query = { .cdb = { operation, [4] = how }, .timeout_us = timeout_us };
    enum sense_action action = cdrom_execute_insisting(cdrom, &query);
    if (action == SENSE_CHANGED)
        action = cdrom_execute_insisting(cdrom, &query);
    return cdrom_status(action);
}

static status_t cdrom_eject(struct cdrom *cdrom)
{
    status_t status =
        cdrom_command(cdrom, MMC_START_STOP_UNIT, MMC_EJECT, DEADLINE_PACKET_MOTION_US);
    if (!status)
        cdrom_lose_medium(cdrom);
    return status;
}

/* The next poll finds what is in the tray. */
static status_t cdrom_load(struct cdrom *cdrom)
{
    return cdrom_command(cdrom, MMC_START_STOP_UNIT, MMC_LOAD, DEADLINE_PACKET_MOTION_US);
}

status_t cdrom_set_door(struct cdrom *cdrom, bool locked)
{
    status_t status = cdrom_command(cdrom, MMC_PREVENT_ALLOW, locked, DEADLINE_PACKET_US);
    if (!status)
        atomic_store(&cdrom->door_locked, locked);
    return status;
}

static status_t cdrom_lock_door(struct cdrom *cdrom)
{
    return cdrom_set_door(cdrom, true);
}

/* Who pressed the button meanwhile gets the disc now. */
static status_t cdrom_unlock_door(struct cdrom *cdrom)
{
    status_t status = cdrom_set_door(cdrom, false);
    if (!status && atomic_exchange(&cdrom->eject_asked, false))
        IGNORE(cdrom_eject(cdrom));
    return status;
}

/* Profiles of media that are written once (MMC-5 table 95): CD-R, DVD-R, DVD+R, BD-R and kin. Old
 * drives do not know the command: their discs count as pressed ones. */
static bool cdrom_is_write_once(struct cdrom *cdrom)
{
    static const uint16_t profiles[] = { 0x09, 0x11, 0x15, 0x16, 0x1b, 0x2b, 0x41, 0x42, 0x51 };
    uint8_t answer[MMC_CONFIGURATION_BYTES] = { 0 };
    struct cdrom_query query = {
        .cdb = { MMC_GET_CONFIGURATION, [8] = MMC_CONFIGURATION_BYTES },
        .answer = answer,
        .answer_bytes = MMC_CONFIGURATION_BYTES,
    };
    if (cdrom_execute_insisting(cdrom, &query) != SENSE_DONE ||
        query.done_bytes < MMC_CONFIGURATION_BYTES)
        return false;
    uint16_t profile = bytes_be16((struct bytes){ answer, sizeof(answer) }, MMC_PROFILE_OFFSET);
    for (unsigned i = 0; i < ARRAY_LENGTH(profiles); i++)
        if (profiles[i] == profile)
            return true;
    return false;
}

static status_t cdrom_get_flags(struct cdrom *cdrom, struct device_flags *flags)
{
    *flags = (struct device_flags){
        .device_class = CLASS_CDROM,
        .removable = true,
        .read_only = true,
        .write_once = cdrom_is_write_once(cdrom),
    };
    return 0;
}

static status_t cdrom_control(struct device *device, unsigned operation, void *argument,
                              size_t bytes)
{
    static status_t (*const controls[])(struct cdrom *cdrom) = {
        [DEVICE_CONTROL_EJECT] = cdrom_eject,
        [DEVICE_CONTROL_LOAD] = cdrom_load,
        [DEVICE_CONTROL_LOCK_DOOR] = cdrom_lock_door,
        [DEVICE_CONTROL_UNLOCK_DOOR] = cdrom_unlock_door,
    };
    (void)bytes; /* device_control() checked it */
    if (operation == DEVICE_CONTROL_TOC)
        return cdrom_read_toc(device_private(device), argument);
    if (operation == DEVICE_CONTROL_SESSION)
        return cdrom_find_session(device_private(device), argument);
    if (operation == DEVICE_CONTROL_GET_FLAGS)
        return cdrom_get_flags(device_private(device), argument);
    if (operation >= ARRAY_LENGTH(controls) || !controls[operation])
        return -EOPNOTSUPP;
    return controls[operation](device_private(device));
}

/* ---- the device --------------------------------------------------------------------------- */

static void cdrom_describe(struct device *device, char *text, size_t bytes)
{
    struct cdrom *cdrom = device_private(device);
    struct device_medium medium = device_medium(device);
    const char *door = atomic_load(&cdrom->door_locked) ? ", door locked" : "";
    const char *button = atomic_load(&cdrom->eject_asked) ? ", eject asked for" : "";
    char disc[40];
    if (!medium.present)
        format_text(disc, sizeof(disc), "no disc");
    else if (!medium.bytes)
        format_text(disc, sizeof(disc), "blank disc");
    else
        format_text(disc, sizeof(disc), "disc of %llu KiB",
                    (unsigned long long)(medium.bytes / 1024));
    format_text(text, bytes, "%s, firmware %s, %s%s%s", cdrom->info->model, cdrom->info->firmware,
                disc, door, button);
}

static void cdrom_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops cdrom_ops = {
    .start = cdrom_start,
    .poll = cdrom_poll,
    .control = cdrom_control,
    .describe = cdrom_describe,
    .destroy = cdrom_destroy,
};

static struct io_limits cdrom_limits(const struct packet_unit_info *info)
{
    uint32_t most = MMC_READ_10_BLOCKS_MAX * CDROM_BLOCK_BYTES;
    if (info->transfer_bytes && info->transfer_bytes < most)
        most = info->transfer_bytes - info->transfer_bytes % CDROM_BLOCK_BYTES;
    return (struct io_limits){
        .block_bytes = CDROM_BLOCK_BYTES,
        .transfer_bytes = most,
        .segment_count = info->segment_count,
        .segment_align = info->segment_align,
        .highest_address = info->highest_address,
        .depth = 1,
    };
}

static status_t cdrom_add_device(struct device *unit)
{
    const struct packet_unit_info *info = device_bus_data(unit, &packet_bus);
    if (!info || info->device_type != DEVICE_TYPE_MMC)
        return -ENODEV;
    struct cdrom *cdrom = mem_zalloc(sizeof(*cdrom));
    const struct device_description description = {
        .name = "cdrom",
        .ops = &cdrom_ops,
        .private_data = cdrom,
        .device_class = CLASS_CDROM,
        .read_only = true,
        .limits = cdrom_limits(info),
    };
    struct device *device = cdrom ? device_create(unit, &description) : NULL;
    if (!device) {
        mem_free(cdrom);
        return -ENOMEM;
    }
    *cdrom = (struct cdrom){ .device = device, .unit = unit, .info = info };
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

static const struct driver driver_cdrom = {
    .name = "cdrom",
    .order = 30,
    .add_device = cdrom_add_device,
};
DRIVER(driver_cdrom);
