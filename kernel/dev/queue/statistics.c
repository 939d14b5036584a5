/*
 * statistics.c - counts what a device's queue does; see statistics.h.
 */
#include "kernel/dev/queue/statistics.h"
#include "kernel/dev/internal.h"

enum { STEPS_PER_OCTAVE = 4, FIRST_OCTAVE = 2 };

/* Values below 4 have a step each. Above, a step is given by the highest set bit and the next two:
 * 4, 5, 6, 7, 8-9, 10-11, 12-13, 14-15, 16-19, ... */
static unsigned latency_step(uint64_t us)
{
    if (us < STEPS_PER_OCTAVE)
        return (unsigned)us;
    unsigned octave = 63 - (unsigned)__builtin_clzll(us);
    unsigned step = (octave - FIRST_OCTAVE + 1) * STEPS_PER_OCTAVE +
                    (unsigned)(us >> (octave - FIRST_OCTAVE)) % STEPS_PER_OCTAVE;
    return min(step, LATENCY_STEPS - 1);
}

/* Returns the highest value that a step counts. */
static uint64_t latency_us(unsigned step)
{
    if (step < STEPS_PER_OCTAVE)
        return step;
    unsigned shift = step / STEPS_PER_OCTAVE - 1;
    return ((uint64_t)(STEPS_PER_OCTAVE + step % STEPS_PER_OCTAVE + 1) << shift) - 1;
}

/* ---- counting ----------------------------------------------------------------------------- */

void statistics_count_request(struct device_statistics *now, const struct io_request *request,
                              status_t status)
{
    uint64_t us = time_now_us() - request->submitted_us;
    now->requests++;
    now->errors += status != 0;
    now->bytes += io_op_moves(request->op) ? request->done_bytes : 0;
    now->longest_us = max(now->longest_us, us);
    now->latency[latency_step(us)]++;
}

void statistics_count_start(struct device_statistics *now, const struct io_transfer *transfer)
{
    /* The first of its requests did not join another. */
    list_each(link, &transfer->requests)
        now->merges++;
    now->merges--;
    now->in_flight++;
    now->highest = max(now->highest, now->in_flight);
}

/* ---- reading ------------------------------------------------------------------------------ */

status_t device_statistics(struct device *device, struct device_statistics *now)
{
    if (device_is_part(device) || !device_has_data(device))
        return -ENODEV;
    device_lock(device);
    *now = device->statistics;
    device_unlock(device);
    now->depth = device->limits.depth;
    return 0;
}

void statistics_subtract(struct device_statistics *now, const struct device_statistics *before)
{
    now->requests -= before->requests;
    now->errors -= before->errors;
    now->bytes -= before->bytes;
    now->merges -= before->merges;

    /* The longest of the difference is only known from the histogram, and as before, if the
     * longest of all is among them. */
    uint64_t longest = 0;
    for (unsigned i = 0; i < LATENCY_STEPS; i++) {
        now->latency[i] -= before->latency[i];
        if (now->latency[i])
            longest = latency_us(i);
    }
    now->longest_us = min(now->longest_us, longest);
}

uint64_t statistics_latency_us(const struct device_statistics *now, unsigned percent)
{
    /* As many requests as are at most that slow, rounded up. */
    uint64_t least = now->requests * percent / 100 + (now->requests * percent % 100 != 0);
    uint64_t count = 0;
    if (percent >= 100)
        return now->longest_us;
    for (unsigned i = 0; i < LATENCY_STEPS; i++) {
        count += now->latency[i];
        if (count && count >= least)
            return min(latency_us(i), now->longest_us);
    }
    return now->longest_us;
}
