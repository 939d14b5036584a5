/*
 * runs.c - lists of runs, and reading and writing along them. See runs.h.
 */
#include "kernel/vfs/layout/runs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { ROOM_MIN = 4 };

static status_t make_room(struct runs *runs)
{
    size_t room = runs->room ? runs->room * 2 : ROOM_MIN;
    if (runs->count < runs->room)
        return 0;

    /* Doubled, so that a file of n fragments costs fewer than 2n copies in all. */
    struct run *list = mem_alloc(room * sizeof(*list));
    if (!list)
        return -ENOMEM;

    if (runs->count)
        memcpy(list, runs->list, runs->count * sizeof(*list));
    mem_free(runs->list);
    runs->list = list;
    runs->room = room;
    return 0;
}

status_t runs_add(struct runs *runs, uint64_t address, uint64_t bytes)
{
    /* A fragment that follows the last one on the volume extends it: most files have a single
     * run. */
    struct run *last = runs->count ? &runs->list[runs->count - 1] : NULL;
    if (!last || last->address + last->length_bytes != address) {
        status_t status = make_room(runs);
        if (status)
            return status;
        last = &runs->list[runs->count++];
        *last = (struct run){ .offset_bytes = runs->length_bytes, .address = address };
    }
    last->length_bytes += bytes;
    runs->length_bytes += bytes;
    return 0;
}

void runs_free(struct runs *runs)
{
    mem_free(runs->list);
    *runs = (struct runs){ 0 };
}

const struct run *runs_find(const struct runs *runs, uint64_t offset_bytes)
{
    size_t low = 0, high = runs->count;
    if (offset_bytes >= runs->length_bytes)
        return NULL;

    /* list[low] begins at or before the offset; those from `high` on begin after it. */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (runs->list[middle].offset_bytes <= offset_bytes)
            low = middle;
        else
            high = middle;
    }
    return &runs->list[low];
}

void runs_cut(struct runs *runs, uint64_t bytes)
{
    while (runs->count && runs->list[runs->count - 1].offset_bytes >= bytes)
        runs->count--;
    runs->length_bytes = min(runs->length_bytes, bytes);

    /* The last one that stays may reach past the end. */
    if (runs->count) {
        struct run *last = &runs->list[runs->count - 1];
        last->length_bytes = min(last->length_bytes, bytes - last->offset_bytes);
    }
}

status_t runs_append(struct runs *runs, const struct runs *more, uint64_t from)
{
    status_t status = 0;
    for (size_t i = 0; i < more->count && !status; i++) {
        const struct run *run = &more->list[i];
        uint64_t skip = from > run->offset_bytes ? from - run->offset_bytes : 0;
        if (skip < run->length_bytes)
            status = runs_add(runs, run->address + skip, run->length_bytes - skip);
    }
    return status;
}

/* ---- transfers ---------------------------------------------------------------------------- */

/* Fills the bytes [from, end) of the io's memory with zeroes; offsets in the file. */
static void zero_from(struct vfs_io *io, uint64_t from)
{
    /* The part of the segments before `from` was read from the medium, and stays. */
    uint64_t at = io->offset_bytes;
    for (unsigned i = 0; i < io->segment_count; i++) {
        uint32_t length = io->segments[i].length_bytes;
        uint64_t skip = from > at ? min(from - at, (uint64_t)length) : 0;
        memset((uint8_t *)io->segments[i].address + skip, 0, length - (size_t)skip);
        at += length;
    }
}

/* Finds the place of the bytes at an offset: as many of `left` as are in one run and on the device.
 * Returns how many; 0 if there are none. */
static uint64_t place_find(const struct runs_io *file, uint64_t offset, uint64_t left,
                           uint64_t *address)
{
    uint64_t bytes = 0;
    if (file->lock)
        spin_lock(file->lock);

    /* The device may end before the volume does: only the bytes after its end fail. */
    const struct run *run = runs_find(file->runs, offset);
    if (run) {
        *address = run->address + (offset - run->offset_bytes);
        bytes = min(run->length_bytes - (offset - run->offset_bytes), left);
        bytes = min(bytes, file->device_bytes - min(*address, file->device_bytes));
    }
    if (file->lock)
        spin_unlock(file->lock);
    return bytes;
}

void runs_transfer(const struct runs_io *file, struct vfs_io *io)
{
    /* Each call submits one part, which ends with its run. finish_io calls again for the next
     * part. */
    uint64_t left = io->length_bytes - io->done_bytes;
    uint64_t offset = io->offset_bytes + io->done_bytes, address;

    /* A part that was read past the end of the valid data is zeroed from there on, and the rest is
     * not read at all: its clusters may contain deleted files. */
    if (io->op == IO_READ && (!left || offset >= file->zero_from)) {
        if (io->offset_bytes + io->length_bytes > file->zero_from)
            zero_from(io, file->zero_from);
        io->done_bytes = io->length_bytes;
        left = 0;
    }
    if (!left) {
        vfs_io_complete(io, 0);
        return;
    }

    uint64_t bytes = place_find(file, offset, left, &address);
    if (bytes)
        vfs_io_submit(io, address, bytes);
    else
        vfs_io_complete(io, -EIO);
}
