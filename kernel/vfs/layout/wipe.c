/*
 * wipe.c - erases both ends of a device. See wipe.h.
 */
#include "kernel/vfs/layout/wipe.h"
#include "kernel/dev/io.h"
#include "lib/identify/identify.h"
#include "lib/macros.h"

enum { STEP_BYTES = 16 * 1024 * 1024 }; /* between two looks for an interrupt */

static status_t wipe(const struct device_handle *handle, uint64_t from, uint64_t to)
{
    status_t status = 0;
    for (uint64_t step; !status && from < to; from += step) {
        step = min(to - from, (uint64_t)STEP_BYTES);
        status = thread_interrupted() ? -EINTR : io_zero(handle, from, step);
    }
    return status;
}

status_t wipe_device(const struct device_handle *handle, uint64_t bytes)
{
    uint64_t block = device_block_bytes(handle->device);
    uint64_t end = device_medium(handle->device).bytes / block * block;
    uint64_t tail = end - min(end, (uint64_t)IDENTIFY_TAIL_BYTES);
    uint64_t head = min(max(bytes, (uint64_t)IDENTIFY_HEAD_BYTES), end);

    status_t status = wipe(handle, 0, block);
    if (!status)
        status = io_wait(handle, IO_FLUSH, 0, NULL, 0, NULL);
    if (!status)
        status = wipe(handle, block, head);
    return status ? status : wipe(handle, max(head, tail), end);
}
