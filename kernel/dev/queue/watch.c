/*
 * watch.c - reports transfers that their driver does not end.
 *
 * Every driver has deadlines of its own, which are shorter. A transfer that is in flight for longer
 * than DEADLINE_TRANSFER_US means that a driver has lost it, or that its device hangs together with
 * its driver. It cannot be ended here, since its memory may still be written: it is only reported,
 * again whenever its age has doubled.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/dev/internal.h"
#include "kernel/log.h"

/* What is reported of a device: its oldest transfer. */
struct overdue {
    bool in_flight; /* it has any transfers in flight */
    bool exists;
    uint64_t age_us, offset_bytes;
    enum io_op op;
};

static struct overdue find_overdue(struct device *device)
{
    struct overdue found = { 0 };
    uint64_t now_us = time_now_us();
    spin_lock(&device->queue_lock);
    found.in_flight = device->statistics.in_flight;
    for (unsigned i = 0; found.in_flight && i < device->limits.depth; i++) {
        struct io_transfer *transfer = &device->transfers[i];
        if (!transfer->busy || now_us < transfer->report_us)
            continue;

        uint64_t age_us = now_us - transfer->started_us;
        transfer->report_us = now_us + age_us;
        found.exists = true;
        if (age_us < found.age_us)
            continue;
        found.age_us = age_us;
        found.offset_bytes = transfer->offset_bytes;
        found.op = transfer->op;
    }
    spin_unlock(&device->queue_lock);
    return found;
}

bool watch_device(struct device *device)
{
    static const char *const ops[] = {
        [IO_READ] = "read",       [IO_WRITE] = "write", [IO_FLUSH] = "flush",
        [IO_DISCARD] = "discard", [IO_ZERO] = "zeroing",
    };

    struct overdue found = find_overdue(device);
    unsigned long long seconds = found.age_us / 1000000;
    unsigned long long block = found.offset_bytes / device_block_bytes(device);
    if (found.exists && found.op == IO_FLUSH)
        log_error(device_label(device), "a flush has not ended after %llu s", seconds);
    else if (found.exists)
        log_error(device_label(device), "a %s at block %llu has not ended after %llu s",
                  ops[found.op], block, seconds);
    return found.in_flight;
}
