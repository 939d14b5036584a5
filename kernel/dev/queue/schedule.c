/*
 * schedule.c - the order of a device's waiting requests; see schedule.h.
 */
#include "kernel/dev/queue/schedule.h"

enum {
    TURN_BYTES = 1 << 20,
    CHARGE_LEAST_BYTES = TURN_BYTES / 16, /* a transfer costs time however short it is */
    ADJOINING_SEARCH = 32,                /* requests that are looked at, with the lock held */
};

void schedule_init(struct schedule *schedule)
{
    for (unsigned i = 0; i < SCHEDULE_LANES; i++)
        list_init(&schedule->lanes[i]);
}

/* Returns the lane of a thread: the one that it used last, unless another one has taken it while it
 * was empty; else an empty one. When more threads than lanes wait, the last lane is shared. */
static unsigned find_lane(struct schedule *schedule, const struct thread *thread)
{
    unsigned lane = SCHEDULE_LANES - 1;

    /* Few threads use a device: they have the first lanes, which are looked at first. */
    for (unsigned i = 0; i < SCHEDULE_LANES; i++) {
        if (schedule->owners[i] == thread)
            return i;
        if (i < lane && list_empty(&schedule->lanes[i]))
            lane = i;
    }
    schedule->owners[lane] = thread;
    return lane;
}

static struct list *lane_of(struct schedule *schedule, const struct io_request *request)
{
    return &schedule->lanes[find_lane(schedule, request->submitter)];
}

void schedule_add(struct schedule *schedule, struct io_request *request)
{
    list_push_back(lane_of(schedule, request), &request->link);
    schedule->requests++;
}

void schedule_put_back(struct schedule *schedule, struct io_request *request)
{
    list_push_front(lane_of(schedule, request), &request->link);
    schedule->requests++;
}

static struct io_request *take(struct schedule *schedule, struct list *link)
{
    list_remove(link);
    schedule->requests--;
    return container_of(link, struct io_request, link);
}

struct io_request *schedule_next(struct schedule *schedule)
{
    /* Usual: a device is asked for the next request after each one that it starts. */
    if (!schedule->requests)
        return NULL;

    /* Once around: a lane whose turn is over gets the next one if no other has requests. */
    for (unsigned i = 0; i <= SCHEDULE_LANES; i++) {
        struct list *lane = &schedule->lanes[schedule->turn];
        if (schedule->turn_bytes && !list_empty(lane))
            return take(schedule, lane->next);

        schedule->turn = (schedule->turn + 1) % SCHEDULE_LANES;
        schedule->turn_bytes = TURN_BYTES;
    }
    return NULL;
}

void schedule_charge(struct schedule *schedule, uint32_t bytes)
{
    uint32_t charge = max(bytes, CHARGE_LEAST_BYTES);
    schedule->turn_bytes -= min(schedule->turn_bytes, charge);
}

/* Returns whether `next` may follow `last`, which ends at byte `end`, in the same transfer. Ranges
 * without memory are not joined: they are long already. */
static bool request_continues(const struct io_request *last, uint64_t end,
                              const struct io_request *next)
{
    return next->op == last->op && next->device == last->device &&
           next->generation == last->generation && !next->alone &&
           (last->op == IO_FLUSH ||
            (io_op_moves(last->op) && next->offset_bytes + next->done_bytes == end));
}

struct io_request *schedule_next_adjoining(struct schedule *schedule,
                                           const struct io_request *last)
{
    if (!schedule->requests)
        return NULL;
    struct list *lane = lane_of(schedule, last), *link = lane->next;
    uint64_t end = last->offset_bytes + last->length_bytes;

    /* Usually it is the first one: a stream's requests are submitted in order. */
    for (unsigned i = 0; i < ADJOINING_SEARCH && link != lane && !last->alone; i++) {
        struct io_request *request = container_of(link, struct io_request, link);
        if (request_continues(last, end, request))
            return take(schedule, link);
        link = link->next;
    }
    return NULL;
}

void schedule_take_all(struct schedule *schedule, const struct device *device, struct list *taken)
{
    for (unsigned i = 0; i < SCHEDULE_LANES; i++) {
        list_each_safe(link, &schedule->lanes[i]) {
            if (container_of(link, struct io_request, link)->device != device)
                continue;
            list_push_back(taken, &take(schedule, link)->link);
        }
    }
}
