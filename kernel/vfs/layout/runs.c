/*
 * runs.c - lists of runs, and reading along them. See runs.h.
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

void runs_read(const struct runs *runs, uint64_t device_bytes, struct vfs_io *io)
{
    /* Each call submits one part, which ends with its run. finish_io calls again for the next
     * part. */
    uint64_t left = io->length_bytes - io->done_bytes;
    uint64_t offset = io->offset_bytes + io->done_bytes;
    if (!left) {
        vfs_io_complete(io, 0);
        return;
    }

    /* The device may end before the volume does: only the bytes after its end fail. */
    const struct run *run = runs_find(runs, offset);
    uint64_t within = run ? offset - run->offset_bytes : 0;
    uint64_t address = run ? run->address + within : device_bytes;
    uint64_t bytes = address < device_bytes ? min(run->length_bytes - within, left) : 0;
    bytes = min(bytes, device_bytes - min(address, device_bytes));
    if (bytes)
        vfs_io_submit(io, address, bytes);
    else
        vfs_io_complete(io, -EIO);
}
