/*
 * drives.c - virtual drives for tests: see drives.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/drives.h"
#include "kernel/dev/event.h"

/* ---- the control device ------------------------------------------------------------------- */

status_t drives_control(unsigned operation, void *argument, size_t bytes)
{
    struct device *device = device_find(VIRTUAL_CONTROL);
    kassert(device != NULL);
    status_t status = device_control(device, operation, argument, bytes);
    device_put(device);
    return status;
}

status_t drives_add(const struct wanted *drive, char *alias)
{
    static const size_t bytes = sizeof(struct virtual_register);

    /* The memory is the host's: in tests that let the n-th allocation fail, it does not count. */
    struct virtual_register *request = calloc(1, bytes);
    *request = (struct virtual_register){
        .struct_bytes = sizeof(*request),     .magic = VIRTUAL_REGISTER_MAGIC,
        .store = drive->store,
        .flags = drive->flags,                .block_bytes = drive->block_bytes,
        .offset_bytes = drive->offset_bytes,  .size_bytes = drive->size_bytes,
        .geometry = drive->geometry,          .memory = drive->memory,
        .progress = drive->progress,
    };
    snprintf(request->image, sizeof(request->image), "%s", drive->image ? drive->image : "");
    snprintf(request->device, sizeof(request->device), "%s", drive->into ? drive->into : "");
    status_t status = drives_control(VIRTUAL_REGISTER, request, bytes);
    if (!status)
        strcpy(alias, request->device);
    free(request);
    return status;
}

status_t drives_remove(const char *alias, enum virtual_removal removal)
{
    struct virtual_unregister request = { .struct_bytes = sizeof(request), .removal = removal };
    snprintf(request.device, sizeof(request.device), "%s", alias);
    return drives_control(VIRTUAL_UNREGISTER, &request, sizeof(request));
}

status_t drives_info(const char *alias, struct virtual_info *info)
{
    memset(info, 0, sizeof(*info));
    info->struct_bytes = sizeof(*info);
    snprintf(info->device, sizeof(info->device), "%s", alias);
    return drives_control(VIRTUAL_GET_INFO, info, sizeof(*info));
}

status_t drives_listed(const char *alias)
{
    struct virtual_list list = { .struct_bytes = sizeof(list) };
    status_t status;
    while (!(status = drives_control(VIRTUAL_LIST, &list, sizeof(list))))
        if (strcmp(list.device, alias) == 0)
            return 0;
    return status;
}

status_t drives_save(const char *alias, const char *path, struct virtual_progress *progress)
{
    struct virtual_save request = { .struct_bytes = sizeof(request), .progress = progress };
    snprintf(request.device, sizeof(request.device), "%s", alias);
    snprintf(request.path, sizeof(request.path), "%s", path);
    return drives_control(VIRTUAL_SAVE, &request, sizeof(request));
}

status_t drives_diff(const char *alias, uint64_t *offset_bytes, uint64_t *length_bytes)
{
    struct virtual_diff request = { .struct_bytes = sizeof(request),
                                    .offset_bytes = *offset_bytes };
    snprintf(request.device, sizeof(request.device), "%s", alias);
    status_t status = drives_control(VIRTUAL_DIFF, &request, sizeof(request));
    *offset_bytes = request.offset_bytes;
    *length_bytes = request.length_bytes;
    return status;
}

static status_t drives_change(unsigned operation, const char *alias,
                              struct virtual_progress *progress)
{
    struct virtual_change request = { .struct_bytes = sizeof(request), .progress = progress };
    snprintf(request.device, sizeof(request.device), "%s", alias);
    return drives_control(operation, &request, sizeof(request));
}

status_t drives_commit(const char *alias, struct virtual_progress *progress)
{
    return drives_change(VIRTUAL_COMMIT, alias, progress);
}

status_t drives_discard(const char *alias)
{
    return drives_change(VIRTUAL_DISCARD, alias, NULL);
}

static status_t drives_misbehave(const char *alias, struct virtual_fault request,
                                 const char *image)
{
    request.struct_bytes = sizeof(request);
    snprintf(request.device, sizeof(request.device), "%s", alias);
    snprintf(request.image, sizeof(request.image), "%s", image);
    return drives_control(VIRTUAL_FAULT, &request, sizeof(request));
}

status_t drives_fault(const char *alias, enum virtual_fault_kind kind, uint64_t first,
                      uint64_t count)
{
    struct virtual_fault request = { .kind = kind, .first = first, .count = count };
    return drives_misbehave(alias, request, "");
}

status_t drives_swap(const char *alias, const char *image)
{
    struct virtual_fault request = { .kind = VIRTUAL_FAULT_SWAP };
    return drives_misbehave(alias, request, image);
}

status_t drives_open(const char *alias, struct device_handle *handle)
{
    struct device *device = device_find(alias);
    status_t status = device ? device_open(device, handle) : -ENODEV;
    device_put(device);
    return status;
}

const char *drives_path(const char *alias)
{
    static char paths[4][64];
    static _Atomic unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "/System/Devices/Classes/%.30s", alias);
    return path;
}

/* ---- transfers ---------------------------------------------------------------------------- */

enum { CUTS = 9 };

/* Cuts the memory into segments, after a first one that the request skips. */
static unsigned cut(uint8_t *memory, uint32_t bytes, struct io_segment *segments,
                    uint64_t *skip_bytes)
{
    static uint8_t skipped[64];
    unsigned count = 0;
    *skip_bytes = rig_random() % sizeof(skipped);
    segments[count++] = (struct io_segment){ skipped, (uint32_t)*skip_bytes };
    while (count < CUTS && bytes > 1 && rig_random() % 3) {
        uint32_t length = (uint32_t)(1 + rig_random() % (bytes - 1));
        segments[count++] = (struct io_segment){ memory, length };
        memory += length;
        bytes -= length;
    }
    segments[count++] = (struct io_segment){ memory, bytes };
    return count;
}

static void transfer_done(struct io_request *request)
{
    semaphore_up(request->context);
}

status_t drives_transfer(const struct device_handle *handle, enum io_op op, uint64_t offset_bytes,
                         void *memory, uint32_t length_bytes, uint64_t *done_bytes)
{
    struct io_segment segments[CUTS + 2];
    struct semaphore done;
    semaphore_init(&done, 0);
    struct io_request request = {
        .device = handle->device,
        .op = op,
        .generation = handle->generation,
        .offset_bytes = offset_bytes,
        .length_bytes = length_bytes,
        .segments = segments,
        .complete = transfer_done,
        .context = &done,
    };
    request.segment_count = cut(memory, length_bytes, segments, &request.skip_bytes);
    io_submit(&request);

    /* The request is on this stack, so an interrupt must not end the wait. */
    while (semaphore_down(&done, TIME_NEVER))
        ;
    *done_bytes = request.done_bytes;
    kassert(request.status ? *done_bytes < length_bytes || !length_bytes
                           : *done_bytes == length_bytes);
    return request.status;
}

static void reader_main(void *argument)
{
    struct drives_reader *reader = argument;
    reader->status = io_wait(reader->handle, IO_READ, 0, reader->memory, reader->bytes, NULL);
    atomic_store(&reader->ended, true);
}

void drives_read_start(struct drives_reader *reader)
{
    reader->thread = thread_create("reader", PRIORITY_NORMAL, reader_main, reader);
    kassert(reader->thread != NULL);
}

status_t drives_read_end(struct drives_reader *reader)
{
    thread_join(reader->thread);
    return reader->status;
}

/* ---- the rest ----------------------------------------------------------------------------- */

void drives_take_events(void)
{
    struct event event;
    while (!event_wait(&event, 0))
        event_done(&event);
}

void drives_pattern(uint8_t *data, size_t bytes, unsigned seed)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16) + seed * 101);
}

uint8_t drives_image[DRIVES_IMAGE_BYTES], drives_other[DRIVES_IMAGE_BYTES];

void drives_start(void)
{
    rig_start();
    drives_pattern(drives_image, sizeof(drives_image), 1);
    drives_pattern(drives_other, sizeof(drives_other), 2);
    rig_put_file("/img", drives_image, sizeof(drives_image));
    rig_put_file("/other", drives_other, sizeof(drives_other));
}
