/*
 * disk_conform.c - what every disk has to do. See disk_conform.h.
 */
#include "tests/host/disk_conform.h"

#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "tests/host/rig.h"

enum {
    LANES = 8,                             /* requests in flight, each in its part of the disk */
    LANE_BYTES = DISK_CONFORM_BYTES / LANES,
    PIECES_MAX = 16,
    SLACK_BYTES = 8192,                    /* memory around the pieces */
};

struct lane {
    struct io_request request;
    struct io_segment pieces[PIECES_MAX];
    uint8_t *memory;
    uint8_t *place;                        /* in the expected contents */
    unsigned ends;
    struct semaphore *ended;
};

static void lane_complete(struct io_request *request)
{
    struct lane *lane = request->context;
    lane->ends++;
    semaphore_up(lane->ended);
}

/* Divides the request's memory: in pieces of whole pages, of whole blocks, or of anything. */
static void divide(struct lane *lane, uint32_t bytes, uint32_t block)
{
    const uint32_t grains[] = { PAGE_BYTES, block, 4, 1 };
    uint32_t grain = grains[rig_random() % ARRAY_LENGTH(grains)];
    uint8_t *at = lane->memory;
    uint32_t rest = bytes;
    unsigned n = 0;

    at += rig_random() % (PAGE_BYTES / grain) * grain;
    while (rest) {
        uint32_t take = grain * (1 + (uint32_t)(rig_random() % (bytes / 4 / grain + 1)));
        take = n == PIECES_MAX - 1 ? rest : min(take, rest);
        lane->pieces[n++] = (struct io_segment){ at, take };
        at += take;

        /* Some pieces follow each other directly, others do not. */
        if (rig_random() % 2 && n < PIECES_MAX - 1)
            at += grain;
        rest -= take;
    }
    lane->request.segment_count = n;
}

static void start(struct lane *lane, const struct device_handle *handle, uint64_t first,
                  uint8_t *contents)
{
    uint32_t block = device_block_bytes(handle->device);
    uint32_t most = LANE_BYTES / 2 / block;
    uint64_t count = 1 + rig_random() % (rig_random() % 2 ? most : 8);
    uint64_t at = first + rig_random() % (LANE_BYTES / block - count) * block;
    enum io_op op = rig_random() % 8 == 0 ? IO_FLUSH : rig_random() % 2 ? IO_READ : IO_WRITE;

    lane->request = (struct io_request){
        .device = handle->device,
        .op = op,
        .generation = handle->generation,
        .offset_bytes = op == IO_FLUSH ? 0 : at,
        .length_bytes = op == IO_FLUSH ? 0 : count * block,
        .segments = lane->pieces,
        .complete = lane_complete,
        .context = lane,
    };
    lane->place = contents + at;
    lane->ends = 0;
    if (op != IO_FLUSH)
        divide(lane, (uint32_t)(count * block), block);
    for (unsigned i = 0; i < lane->request.segment_count; i++)
        for (uint32_t n = 0; n < lane->pieces[i].length_bytes; n++)
            ((uint8_t *)lane->pieces[i].address)[n] = (uint8_t)(n * 31 + at / block + i);
    io_submit(&lane->request);
}

static void check(struct lane *lane)
{
    uint8_t *place = lane->place;
    kassert(lane->ends == 1);
    expect("request", lane->request.status, 0);
    for (unsigned i = 0; i < lane->request.segment_count; i++) {
        const struct io_segment *piece = &lane->pieces[i];
        if (lane->request.op == IO_WRITE)
            memcpy(place, piece->address, piece->length_bytes);
        else
            kassert(memcmp(place, piece->address, piece->length_bytes) == 0);
        place += piece->length_bytes;
    }
}

static void refuse(const struct device_handle *handle, uint8_t *memory)
{
    uint32_t block = device_block_bytes(handle->device);
    uint64_t end = DISK_CONFORM_BYTES;
    expect("past the end", io_wait(handle, IO_READ, end, memory, block, NULL), -EIO);
    expect("over the end", io_wait(handle, IO_WRITE, end - block, memory, 2 * block, NULL),
           -ENOSPC);
    expect("not a block", io_wait(handle, IO_READ, 1, memory, block, NULL), -EINVAL);
    expect("half a block", io_wait(handle, IO_WRITE, 0, memory, block / 2, NULL), -EINVAL);
}

static void open_disk(const char *alias, struct device_handle *handle)
{
    struct device *device = device_find(alias);
    kassert(device);
    expect("open", device_open(device, handle), 0);
    device_put(device);
}

void disk_conform(const char *alias, const uint8_t *image, unsigned rounds)
{
    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    struct lane *lanes = mem_zalloc(LANES * sizeof(*lanes));
    uint8_t *contents = mem_alloc(DISK_CONFORM_BYTES);
    struct device_handle handle;

    open_disk(alias, &handle);
    memcpy(contents, image, DISK_CONFORM_BYTES);
    for (unsigned i = 0; i < LANES; i++) {
        lanes[i].memory = mem_alloc(LANE_BYTES + PIECES_MAX * PAGE_BYTES + SLACK_BYTES);
        lanes[i].ended = &ended;
    }

    for (unsigned n = 0; n < rounds; n++) {
        for (unsigned i = 0; i < LANES; i++)
            start(&lanes[i], &handle, i * LANE_BYTES, contents);
        for (unsigned i = 0; i < LANES; i++)
            while (semaphore_down(&ended, TIME_NEVER))
                ;
        for (unsigned i = 0; i < LANES; i++)
            check(&lanes[i]);
    }
    refuse(&handle, lanes[0].memory);
    kassert(memcmp(image, contents, DISK_CONFORM_BYTES) == 0);

    device_close(&handle);
    for (unsigned i = 0; i < LANES; i++)
        mem_free(lanes[i].memory);
    mem_free(contents);
    mem_free(lanes);
}

status_t disk_move(const char *alias, enum io_op op, uint64_t offset_bytes, void *memory,
                   uint64_t length_bytes)
{
    struct device_handle handle;
    open_disk(alias, &handle);
    status_t status = io_wait(&handle, op, offset_bytes, memory, length_bytes, NULL);
    device_close(&handle);
    return status;
}
