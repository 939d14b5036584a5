/*
 * bench_bytes.c - bench raw, file and random: the bytes of one device or file.
 *
 * A device is read by requests of its own, bypassing all caches. Up to `depth` of them are in
 * flight: the thread submits the next one as soon as any of them has ended. A file is read by one
 * call after another, because its cache already reads ahead.
 */
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/commands/system/bench.h"

enum {
    TRANSFER_BYTES = 1 << 20, /* per read of a device */
    READ_BYTES = 1 << 16,     /* per read of a file */
    RANDOM_BYTES = 4096,      /* per read or write at a random offset */
    WRITES = 128,             /* of TRANSFER_BYTES */
    OVERWRITES = 10000,
    RANDOM_READS = 2000,
};

/* One of the reads that may be in flight at once, with memory of its own. */
struct bench_read {
    struct io_request request;
    struct io_segment segment;
    struct list link; /* in the idle ones */
};

struct bench_source {
    struct device_handle device; /* .device NULL: the file */
    struct file *file;
    uint64_t bytes;
    size_t buffer_bytes;
    uint8_t *buffer; /* of the file */

    /* of the device */
    struct bench_read *reads;
    unsigned depth;
    struct spin lock;      /* guards what follows, which callbacks change */
    struct wait_queue changed;
    struct list idle;      /* the last one that ended is first: its memory may be cached */
    unsigned in_flight;
    status_t first_error;
};

/* ---- the reads of a device ------------------------------------------------------------------ */

static void read_complete(struct io_request *request)
{
    struct bench_source *source = request->context;
    struct bench_read *read = container_of(request, struct bench_read, request);

    spin_lock(&source->lock);
    if (!source->first_error)
        source->first_error = request->status;
    list_push_front(&source->idle, &read->link);
    source->in_flight--;
    wait_queue_wake_one(&source->changed);

    /* The last access: source_drain() may return now. */
    spin_unlock(&source->lock);
}

static status_t reads_create(struct bench_source *source)
{
    source->reads = mem_zalloc(source->depth * sizeof(*source->reads));
    if (!source->reads)
        return -ENOMEM;

    spin_init(&source->lock, RANK_QUEUE);
    list_init(&source->idle);
    wait_queue_init(&source->changed);
    for (unsigned i = 0; i < source->depth; i++) {
        struct bench_read *read = &source->reads[i];
        read->segment.address = mem_alloc(source->buffer_bytes);
        if (!read->segment.address)
            return -ENOMEM;

        /* A virtual machine may get its memory page by page, when it is first written: not while
         * the clock runs. */
        memset(read->segment.address, 0, source->buffer_bytes);
        read->segment.length_bytes = (uint32_t)source->buffer_bytes;
        read->request = (struct io_request){
            .device = source->device.device,
            .op = IO_READ,
            .generation = source->device.generation,
            .segments = &read->segment,
            .segment_count = 1,
            .complete = read_complete,
            .context = source,
        };
        list_push_back(&source->idle, &read->link);
    }
    return 0;
}

static void reads_destroy(struct bench_source *source)
{
    for (unsigned i = 0; source->reads && i < source->depth; i++)
        mem_free(source->reads[i].segment.address);
    mem_free(source->reads);
}

/* Waits until a read is idle, and submits it. Returns the error of an earlier read, if any. */
static status_t source_submit(struct bench_source *source, uint64_t offset_bytes, size_t bytes)
{
    /* Without a deadline: a device ends each request by its own. */
    spin_lock(&source->lock);
    while (list_empty(&source->idle))
        IGNORE(wait_queue_wait(&source->changed, &source->lock, TIME_NEVER));
    status_t status = source->first_error;
    struct list *link = status ? NULL : list_pop_front(&source->idle);
    source->in_flight += !status;
    spin_unlock(&source->lock);
    if (status)
        return status;

    struct bench_read *read = container_of(link, struct bench_read, link);
    read->request.offset_bytes = offset_bytes;
    read->request.length_bytes = bytes;
    io_submit(&read->request);
    return 0;
}

/* Waits until no read is in flight. Returns the first error of all reads. */
static status_t source_drain(struct bench_source *source)
{
    if (!source->reads)
        return 0;
    spin_lock(&source->lock);
    while (source->in_flight)
        IGNORE(wait_queue_wait(&source->changed, &source->lock, TIME_NEVER));
    status_t status = source->first_error;
    spin_unlock(&source->lock);
    return status;
}

/* ---- a device or a file --------------------------------------------------------------------- */

/* No read is in flight. */
static void source_close(struct bench_source *source)
{
    reads_destroy(source);
    device_close(&source->device);
    file_close(source->file);
    mem_free(source->buffer);
}

static status_t source_open_device(struct bench_source *source, struct device *device)
{
    status_t status = device_open(device, &source->device);
    source->bytes = device_medium(device).bytes;
    device_put(device);

    /* Devices transfer whole blocks only. */
    if (!status && source->buffer_bytes % device_block_bytes(device))
        status = -EINVAL;
    return status ? status : reads_create(source);
}

static status_t source_open_file(struct bench *bench, struct bench_source *source)
{
    /* -q is for devices. */
    if (source->depth > 1)
        return -ENODEV;
    status_t status = file_open(bench->shell->directory, bench->target, OPEN_READ, &source->file);
    if (status)
        return status;

    source->bytes = file_size(source->file);
    source->buffer = mem_alloc(source->buffer_bytes);
    return source->buffer ? 0 : -ENOMEM;
}

/* Opens the target. A device without data, such as a bus, is not a source. */
static status_t source_open(struct bench *bench, bool device_wanted, size_t buffer_bytes,
                            struct bench_source *source)
{
    /* A device's name takes precedence over a path, as for `mount`. */
    *source = (struct bench_source){ .buffer_bytes = buffer_bytes,
                                     .depth = (unsigned)bench->depth };
    struct device *device = device_find(bench->target);
    if (device && !device_has_data(device)) {
        device_put(device);
        device = NULL;
    }

    status_t status;
    if (device)
        status = source_open_device(source, device);
    else if (device_wanted)
        status = -ENODEV;
    else
        status = source_open_file(bench, source);
    if (status)
        source_close(source);
    return status;
}

/* Reads a file, or submits a read of a device. Returns the bytes, 0 at the end. */
static ssize_t source_read(struct bench_source *source, uint64_t offset_bytes)
{
    if (shell_interrupted())
        return -EINTR;

    /* A file reports its end itself. */
    if (source->file)
        return file_read_at(source->file, offset_bytes, source->buffer, source->buffer_bytes);

    /* The last read of a device ends with the medium. */
    uint64_t left = source->bytes > offset_bytes ? source->bytes - offset_bytes : 0;
    size_t bytes = (size_t)min(left, (uint64_t)source->buffer_bytes);
    status_t status = bytes ? source_submit(source, offset_bytes, bytes) : 0;
    return status ? status : (ssize_t)bytes;
}

/* ---- the measurements ----------------------------------------------------------------------- */

/* Reads from the first byte on, one read after another. */
static status_t read_along(struct bench *bench, struct bench_source *source)
{
    ssize_t got = 1;
    for (uint64_t n = 0; got > 0 && n < given_or(bench->count, UINT64_MAX); n++) {
        got = source_read(source, bench->amount);
        if (got > 0)
            bench->amount += (uint64_t)got;
    }
    return got < 0 ? (status_t)got : 0;
}

/* Reads at pseudo-random offsets: a linear congruential generator, so that each run reads the same
 * offsets. */
static status_t read_about(struct bench *bench, struct bench_source *source)
{
    uint64_t slots = source->bytes / source->buffer_bytes, random = 1;
    if (!slots)
        return -ENODATA; /* "too small" */

    while (bench->amount < given_or(bench->count, RANDOM_READS)) {
        /* The multiplier and the increment of Knuth's MMIX. The upper bits are the random ones. */
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t slot = (random >> 33) % slots;
        ssize_t got = source_read(source, slot * source->buffer_bytes);
        if (got < 0)
            return (status_t)got;
        bench->amount++;
    }
    return 0;
}

/* Opening is not part of the measurement; the end of the last read is. */
static status_t measure(struct bench *bench, bool device_wanted, size_t buffer_bytes,
                        status_t (*work)(struct bench *bench, struct bench_source *source))
{
    struct bench_source source;
    status_t status = source_open(bench, device_wanted, buffer_bytes, &source);
    if (status)
        return status;

    bench_begin(bench);
    status = work(bench, &source);
    status_t late = source_drain(&source);
    bench_end(bench);
    source_close(&source);
    return status ? status : late;
}

status_t bench_raw(struct bench *bench)
{
    return measure(bench, true, given_or(bench->size_bytes, TRANSFER_BYTES), read_along);
}

status_t bench_file(struct bench *bench)
{
    return measure(bench, false, given_or(bench->size_bytes, READ_BYTES), read_along);
}

status_t bench_random(struct bench *bench)
{
    return measure(bench, false, given_or(bench->size_bytes, RANDOM_BYTES), read_about);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Writes the buffer at an offset. */
static status_t write_at(struct bench_source *source, uint64_t offset_bytes)
{
    if (shell_interrupted())
        return -EINTR;
    ssize_t wrote = file_write_at(source->file, offset_bytes, source->buffer,
                                  source->buffer_bytes);
    return wrote < 0 ? (status_t)wrote : (size_t)wrote < source->buffer_bytes ? -EIO : 0;
}

static status_t write_along(struct bench *bench, struct bench_source *source)
{
    status_t status = 0;
    for (uint64_t n = given_or(bench->count, WRITES); !status && n; n--) {
        status = write_at(source, bench->amount);
        bench->amount += source->buffer_bytes;
    }
    return status;
}

/* Writes at the offsets that read_about() reads at. */
static status_t write_about(struct bench *bench, struct bench_source *source)
{
    uint64_t slots = source->bytes / source->buffer_bytes, random = 1;
    status_t status = slots ? 0 : -ENODATA;
    while (!status && bench->amount < given_or(bench->count, OVERWRITES)) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        status = write_at(source, (random >> 33) % slots * source->buffer_bytes);
        bench->amount += !status;
    }
    return status;
}

/* The bytes are on the device at the end of the measurement. */
static status_t measure_writing(struct bench *bench, unsigned flags, size_t buffer_bytes,
                                status_t (*work)(struct bench *bench, struct bench_source *source))
{
    struct bench_source source = { .buffer_bytes = buffer_bytes };
    status_t status = file_open(bench->shell->directory, bench->target, OPEN_WRITE | flags,
                                &source.file);
    if (status)
        return status;
    source.bytes = file_size(source.file);
    source.buffer = mem_zalloc(buffer_bytes);

    bench_begin(bench);
    status = source.buffer ? work(bench, &source) : -ENOMEM;
    if (!status)
        status = file_flush(source.file);
    bench_end(bench);
    source_close(&source);
    return status;
}

status_t bench_write(struct bench *bench)
{
    return measure_writing(bench, OPEN_CREATE | OPEN_TRUNCATE,
                           given_or(bench->size_bytes, TRANSFER_BYTES), write_along);
}

status_t bench_overwrite(struct bench *bench)
{
    return measure_writing(bench, 0, given_or(bench->size_bytes, RANDOM_BYTES), write_about);
}
