/*
 * medium.c - which disc is there.
 *
 * A poll asks whether the unit is ready. As long as the answer is the one that the device shows
 * already, that is all. A disc that is ready but not shown yet is measured and shown; one that the
 * drive says nothing can be read from is shown with 0 bytes, a blank disc. Going is noticed in
 * cdrom_note(), by whichever command meets it.
 *
 * A disc may be changed between two commands of a poll. `changes` counts what was noticed, so a
 * capacity is shown only if nothing happened since the unit said it was ready.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/text.h"

enum { QUERY_TRIES = 3 };

static const char *cdrom_name(const struct cdrom *cdrom)
{
    return device_alias(cdrom->device);
}

/* ---- capacity ----------------------------------------------------------------------------- */

/* A disc of one block, or an empty one for which 0 was the best answer? */
static bool disc_is_empty(struct cdrom *cdrom)
{
    uint8_t answer[MMC_DISC_INFORMATION_BYTES] = { 0 };
    struct cdrom_query query = {
        .cdb = { MMC_READ_DISC_INFORMATION, [8] = sizeof(answer) },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };
    enum sense_action action = cdrom_execute_insisting(cdrom, &query);
    return action == SENSE_DONE && query.done_bytes > 2 && !(answer[2] & MMC_DISC_STATUS_MASK);
}

/* Bytes of the disc from READ CAPACITY's answer; 0 when it makes no sense, or is a blank's. */
static uint64_t capacity_decode(struct cdrom *cdrom, struct bytes answer)
{
    uint32_t last = bytes_be32(answer, 0), block_bytes = bytes_be32(answer, 4);
    /* Old drives say nothing here, or the length of a raw sector; READ(10) gives 2048 anyway. */
    if (block_bytes && block_bytes != 2352 && block_bytes != CDROM_BLOCK_BYTES) {
        log_warn(cdrom_name(cdrom), "blocks of %u bytes cannot be read", block_bytes);
        return 0;
    }
    if (last == UINT32_MAX || (last == 0 && disc_is_empty(cdrom)))
        return 0;
    return ((uint64_t)last + 1) * CDROM_BLOCK_BYTES;
}

/* SENSE_DONE and the disc's size, or what stood against it. */
static enum sense_action cdrom_measure(struct cdrom *cdrom, uint64_t *bytes)
{
    uint8_t answer[MMC_CAPACITY_BYTES] = { 0 };
    enum sense_action action = SENSE_RETRY;
    for (unsigned tries = 0; tries < QUERY_TRIES && action == SENSE_RETRY; tries++) {
        struct cdrom_query query = {
            .cdb = { MMC_READ_CAPACITY },
            .answer = answer,
            .answer_bytes = sizeof(answer),
        };
        action = cdrom_execute_insisting(cdrom, &query);
        if (action == SENSE_DONE && query.done_bytes < sizeof(answer))
            action = SENSE_RETRY;
    }
    *bytes = 0;
    switch (action) {
    case SENSE_DONE:
        *bytes = capacity_decode(cdrom, (struct bytes){ answer, sizeof(answer) });
        return SENSE_DONE;
    case SENSE_BLANK:
    case SENSE_MEDIUM:
    case SENSE_REFUSED:
    case SENSE_UNSUPPORTED:
        return SENSE_DONE; /* ready, but with nothing to read */
    default:
        return action;
    }
}

/* Shows the disc, unless anything happened since `changes` was read. */
static void cdrom_show_medium(struct cdrom *cdrom, unsigned changes, uint64_t bytes)
{
    if (atomic_load(&cdrom->changes) != changes)
        return; /* the next poll looks again */
    device_set_medium(cdrom->device, bytes);
    if (atomic_load(&cdrom->changes) != changes) {
        device_clear_medium(cdrom->device); /* it happened in between */
        return;
    }
    if (bytes)
        log_info(cdrom_name(cdrom), "disc of %llu block%s",
                 (unsigned long long)(bytes / CDROM_BLOCK_BYTES),
                 text_plural(bytes / CDROM_BLOCK_BYTES));
    else
        log_info(cdrom_name(cdrom), "blank disc");
}

/* ---- readiness ---------------------------------------------------------------------------- */

/* Asks until the drive has told all its news. *changes: what was known before the last question. */
static enum sense_action cdrom_test_ready(struct cdrom *cdrom, unsigned *changes)
{
    enum sense_action action = SENSE_AGAIN;
    for (unsigned tries = 0; tries < CDROM_ATTENTIONS_MAX; tries++) {
        struct cdrom_query query = { .cdb = { MMC_TEST_UNIT_READY } };
        *changes = atomic_load(&cdrom->changes);
        action = cdrom_execute(cdrom, &query);
        if (action != SENSE_AGAIN && action != SENSE_CHANGED)
            return action;
    }
    return action;
}

/* The first poll waits for a disc that spins up, so that start-up finds it. */
static enum sense_action cdrom_await_ready(struct cdrom *cdrom, unsigned *changes)
{
    uint64_t deadline_us = time_now_us() + (cdrom->looked ? 0 : DEADLINE_NOT_READY_US);
    enum sense_action action = cdrom_test_ready(cdrom, changes);
    while (action == SENSE_WAIT && time_now_us() < deadline_us) {
        thread_sleep_until(time_now_us() + DELAY_NOT_READY_US);
        action = cdrom_test_ready(cdrom, changes);
    }
    cdrom->looked = true;
    return action;
}

static status_t cdrom_look(struct cdrom *cdrom)
{
    unsigned changes;
    uint64_t bytes = 0;
    enum sense_action action = cdrom_await_ready(cdrom, &changes);
    bool shown = device_medium(cdrom->device).present;
    if (action == SENSE_DONE && !shown)
        action = cdrom_measure(cdrom, &bytes);
    if (action == SENSE_BLANK)
        action = SENSE_DONE;
    if (action == SENSE_DONE && !shown)
        cdrom_show_medium(cdrom, changes, bytes);
    return action == SENSE_ABSENT ? 0 : cdrom_status(action);
}

/* ---- the tray's button -------------------------------------------------------------------- */

/* Behind a locked door the drive only notes that somebody wants the disc. */
static void cdrom_look_at_button(struct cdrom *cdrom)
{
    uint8_t answer[MMC_EVENT_BYTES] = { 0 };
    struct cdrom_query query = {
        .cdb = { MMC_GET_EVENT_STATUS, 1, [4] = 1 << MMC_EVENT_CLASS_MEDIA, [8] = sizeof(answer) },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };
    enum sense_action action = cdrom_execute_insisting(cdrom, &query);
    if (action == SENSE_UNSUPPORTED)
        cdrom->no_events = true;
    if (action != SENSE_DONE || query.done_bytes < sizeof(answer))
        return;
    bool media = (answer[2] & (MMC_EVENT_NONE_AVAILABLE | 7)) == MMC_EVENT_CLASS_MEDIA;
    if (media && (answer[4] & 0xf) == MMC_EVENT_EJECT_REQUEST &&
        !atomic_exchange(&cdrom->eject_asked, true))
        log_info(cdrom_name(cdrom), "the disc is in use; it comes out when it is not");
}

status_t cdrom_poll(struct device *device)
{
    struct cdrom *cdrom = device_private(device);
    status_t status = cdrom_look(cdrom);
    if (atomic_exchange(&cdrom->relock, false) && atomic_load(&cdrom->door_locked))
        IGNORE(cdrom_set_door(cdrom, true));
    if (atomic_load(&cdrom->door_locked) && !cdrom->no_events)
        cdrom_look_at_button(cdrom);
    return status;
}
