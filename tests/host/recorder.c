/*
 * recorder.c - a disk that logs what it does, and replays of its log: see recorder.h.
 *
 * The log is in memory of the host that the stack does not count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/recorder.h"
#include "tests/host/rig.h"
#include "lib/macros.h"

static void *copy_of(const void *bytes, size_t count)
{
    void *copy = malloc(count ? count : 1);
    if (!copy)
        panic("the host's memory is exhausted");
    memcpy(copy, bytes, count);
    return copy;
}

/* Returns room for one more element at the end of an array. */
static void *grown(void *array, size_t count, size_t *room, size_t element_bytes)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    array = realloc(array, *room * element_bytes);
    if (!array)
        panic("the host's memory is exhausted");
    return array;
}

/* ---- the log ------------------------------------------------------------------------------ */

/* The caller holds the lock. */
static struct record *log_append(struct recorder *recorder, enum record_kind kind)
{
    recorder->log = grown(recorder->log, recorder->count, &recorder->room, sizeof(struct record));
    recorder->log[recorder->count] = (struct record){ .kind = kind };
    return &recorder->log[recorder->count++];
}

static void log_write(struct recorder *recorder, uint64_t offset, const void *data, uint32_t bytes)
{
    struct record *record = log_append(recorder, RECORD_WRITE);
    record->offset_bytes = offset;
    record->length_bytes = bytes;
    record->data = copy_of(data, bytes);
    memcpy(recorder->image + offset, data, bytes);
}

void recorder_mark(struct recorder *recorder, unsigned mark)
{
    spin_lock(&recorder->lock);
    log_append(recorder, RECORD_MARK)->mark = mark;
    spin_unlock(&recorder->lock);
}

/* ---- the device --------------------------------------------------------------------------- */

/* Copies between the segments of the transfer and a buffer of its length. */
static void copy_segments(const struct io_transfer *transfer, uint8_t *buffer, bool to_buffer)
{
    for (unsigned i = 0; i < transfer->segment_count; i++) {
        const struct io_segment *segment = &transfer->segments[i];
        if (to_buffer)
            memcpy(buffer, segment->address, segment->length_bytes);
        else
            memcpy(segment->address, buffer, segment->length_bytes);
        buffer += segment->length_bytes;
    }
}

/* A failing write leaves any of its blocks on the medium. */
static status_t serve_write(struct recorder *recorder, const struct io_transfer *transfer)
{
    uint8_t *buffer = malloc(transfer->length_bytes);
    kassert(buffer && transfer->offset_bytes + transfer->length_bytes <= recorder->bytes);
    copy_segments(transfer, buffer, true);
    bool fails = recorder->fail_nth_write && !--recorder->fail_nth_write;
    if (!fails)
        log_write(recorder, transfer->offset_bytes, buffer, transfer->length_bytes);
    for (uint32_t at = 0; fails && at < transfer->length_bytes; at += recorder->block_bytes)
        if (rig_random() % 2)
            log_write(recorder, transfer->offset_bytes + at, buffer + at, recorder->block_bytes);
    free(buffer);
    return fails ? -EIO : 0;
}

static status_t serve_flush(struct recorder *recorder)
{
    bool fails = recorder->fail_nth_flush && !--recorder->fail_nth_flush;
    log_append(recorder, fails ? RECORD_FAILED_FLUSH : RECORD_FLUSH);
    return fails ? -EIO : 0;
}

static void recorder_start(struct device *device, struct io_transfer *transfer)
{
    struct recorder *recorder = device_private(device);
    status_t status = 0;
    spin_lock(&recorder->lock);
    if (transfer->op == IO_READ)
        copy_segments(transfer, recorder->image + transfer->offset_bytes, false);
    else if (transfer->op == IO_WRITE)
        status = serve_write(recorder, transfer);
    else
        status = serve_flush(recorder);
    spin_unlock(&recorder->lock);
    io_transfer_done(transfer, status, status ? 0 : transfer->length_bytes);
}

static void recorder_free(struct device *device)
{
    struct recorder *recorder = device_private(device);
    for (size_t i = 0; i < recorder->count; i++)
        free(recorder->log[i].data);
    free(recorder->log);
    snapshot_unmap(recorder->base, recorder->image);
    free(recorder);
}

struct recorder *recorder_create(unsigned n, const struct snapshot *base, uint32_t block_bytes)
{
    static const struct device_ops ops = { .start = recorder_start, .destroy = recorder_free };
    char name[16];
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    kassert(recorder);
    recorder->base = base;
    recorder->image = snapshot_map(base);
    recorder->bytes = base->bytes;
    recorder->block_bytes = block_bytes;
    spin_init(&recorder->lock, RANK_DEVICE);
    snprintf(name, sizeof(name), "faulty%u", n);
    recorder->device = device_create(NULL, &(struct device_description){
        .name = name,
        .ops = &ops,
        .private_data = recorder,
        .device_class = &class_disk,
        .limits = { .block_bytes = block_bytes, .segment_count = IO_SEGMENTS_MAX },
    });
    kassert(recorder->device);
    device_set_medium(recorder->device, base->bytes);
    kassert(device_publish(recorder->device) == 0);
    return recorder;
}

void recorder_destroy(struct recorder *recorder)
{
    device_remove(recorder->device);
    device_put(recorder->device);
}

/* ---- replays ------------------------------------------------------------------------------ */

void replay_create(struct replay *replay, const struct recorder *recorder)
{
    *replay = (struct replay){ .recorder = recorder,
                               .image = snapshot_map(recorder->base) };
}

void replay_destroy(struct replay *replay)
{
    snapshot_unmap(replay->recorder->base, replay->image);
    free(replay->blocks);
    free(replay->undo);
}

static void add_uncertain(struct replay *replay, const struct record *record)
{
    uint32_t step = replay->recorder->block_bytes;
    for (uint32_t at = 0; at < record->length_bytes; at += step) {
        replay->blocks = grown(replay->blocks, replay->count, &replay->room,
                               sizeof(struct uncertain));
        replay->blocks[replay->count++] = (struct uncertain){
            .offset_bytes = record->offset_bytes + at, .data = record->data + at
        };
    }
}

/* Returns whether a later block that is not lost replaces this one. */
static bool is_replaced(const struct replay *replay, size_t n)
{
    for (size_t i = n + 1; i < replay->count; i++)
        if (replay->blocks[i].offset_bytes == replay->blocks[n].offset_bytes &&
            !replay->blocks[i].lost)
            return true;
    return false;
}

/* What is not lost becomes durable. What is lost stays uncertain, unless it is replaced. */
static void make_durable(struct replay *replay)
{
    size_t left = 0;
    for (size_t i = 0; i < replay->count; i++)
        if (replay->blocks[i].lost && !is_replaced(replay, i))
            replay->blocks[left++] = replay->blocks[i];
        else if (!replay->blocks[i].lost)
            memcpy(replay->image + replay->blocks[i].offset_bytes, replay->blocks[i].data,
                   replay->recorder->block_bytes);
    replay->count = left;
}

void replay_advance(struct replay *replay, size_t to)
{
    kassert(to <= replay->recorder->count && !replay->undo_count);
    for (; replay->at < to; replay->at++) {
        const struct record *record = &replay->recorder->log[replay->at];
        if (record->kind == RECORD_WRITE)
            add_uncertain(replay, record);
        else if (record->kind == RECORD_FLUSH)
            make_durable(replay);
        else if (record->kind == RECORD_FAILED_FLUSH)
            for (size_t i = 0; i < replay->count; i++)
                replay->blocks[i].lost = true;
    }
}

void replay_crash(struct replay *replay, bool (*keep)(size_t n, void *context), void *context)
{
    uint32_t bytes = replay->recorder->block_bytes;
    free(replay->undo);
    replay->undo = malloc((replay->count + 1) * sizeof(*replay->undo));
    kassert(replay->undo && !replay->undo_count);
    for (size_t i = 0; i < replay->count; i++) {
        struct uncertain *block = &replay->blocks[i];
        if (!keep(i, context))
            continue;
        block->former = copy_of(replay->image + block->offset_bytes, bytes);
        memcpy(replay->image + block->offset_bytes, block->data, bytes);
        replay->undo[replay->undo_count++] = i;
    }
}

void replay_restore(struct replay *replay)
{
    while (replay->undo_count) {
        struct uncertain *block = &replay->blocks[replay->undo[--replay->undo_count]];
        memcpy(replay->image + block->offset_bytes, block->former,
               replay->recorder->block_bytes);
        free(block->former);
    }
}
