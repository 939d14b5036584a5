/*
 * fuzz_virtio.c - a virtio device with any configuration, which returns anything in its queues.
 *
 * Nothing is expected of the device. Whatever it claims and does, the driver keeps the rules that
 * the model checks (tests/host/virtio_model.h), each request ends, and nothing is left when the
 * device is gone.
 *
 * Form        HEADER_BYTES, the configuration, then what the device does with each request it
 *             takes: an action, and its numbers. After the end of the input it keeps the rules.
 */
#include <string.h>

#include "kernel/dev/geometry.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"
#include "tests/host/virtio_target.h"

enum {
    HEADER_FLAGS = 0,    /* FLAG_ */
    HEADER_FEATURES = 1, /* le32: the lower ones, except FEATURE_INDIRECT */
    HEADER_SIZES = 5,    /* le16: of the three queues */
    HEADER_CONFIG = 11,  /* the length of the configuration that follows */
    HEADER_BYTES = 12,

    FLAG_SCSI = 1 << 0,
    FLAG_LINE = 1 << 1,
    FLAG_POLLED = 1 << 2,
    FLAG_DIRECT = 1 << 3,
    FLAG_REFUSES = 1 << 4,
    FLAG_NEVER_RESETS = 1 << 5,
    FLAG_NO_VECTOR = 1 << 6,
    FLAG_SIZES = 1 << 7, /* use HEADER_SIZES */

    ACTION_SERVE = 0,
    ACTION_LENGTH = 1,  /* le32: serve, and return this length */
    ACTION_WRITE = 2,   /* count, bytes: write these at the start; then as ACTION_LENGTH */
    ACTION_HOLD = 3,
    ACTION_FORGE = 4,   /* le32 id, le16 jump: serve, and return this descriptor */
    ACTION_RESET = 5,   /* the device needs a reset */
    ACTION_CONFIG = 6,  /* offset, value: another configuration; serve */
    ACTIONS = 7,

    FEATURE_INDIRECT = 28,
    STATUS_NEEDS_RESET = 64,
    IMAGE_BYTES = 1 << 20,
    MEMORY_BYTES = 64 << 20,
};

static uint8_t image[IMAGE_BYTES];
static struct virtio_target target;
static struct bytes rest; /* of the input */
static uint32_t (*serve_target)(struct virtio_model *, struct virtio_model_request *);

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

/* ---- what the device does ------------------------------------------------------------------ */

static struct bytes take(size_t count)
{
    struct bytes taken = bytes_slice(rest, 0, count);
    rest = bytes_slice(rest, taken.length, rest.length);
    return taken;
}

static uint32_t number(size_t bytes)
{
    struct bytes taken = take(bytes);
    return bytes == 1 ? bytes_u8(taken, 0) : bytes == 2 ? bytes_le16(taken, 0)
                                                        : bytes_le32(taken, 0);
}

/* A disk of zeros, whatever its size: each request succeeds. */
static uint32_t serve_disk(struct virtio_model *model, struct virtio_model_request *request)
{
    static const uint8_t zeros[PAGE_BYTES];
    uint32_t writable = virtio_model_writable(request), at = 0;
    (void)model;
    while (at < writable)
        at += virtio_model_write(request, at, zeros, min(writable - at, sizeof(zeros)));
    return writable;
}

static uint32_t serve_well(struct virtio_model *model, struct virtio_model_request *request)
{
    return model->type == VIRTIO_TYPE_SCSI ? serve_target(model, request)
                                           : serve_disk(model, request);
}

static uint32_t serve(struct virtio_model *model, struct virtio_model_request *request)
{
    uint32_t action = number(1) % ACTIONS;
    if (action == ACTION_CONFIG) {
        uint32_t offset = number(1) % VIRTIO_MODEL_CONFIG_BYTES;
        model->config[offset] = (uint8_t)number(1);
        model->generation++;
        model->config_changed = true;
    }
    if (action == ACTION_HOLD || action == ACTION_RESET) {
        request->due_us = TIME_NEVER;
        model->status |= action == ACTION_RESET ? STATUS_NEEDS_RESET : 0;
        model->config_changed = action == ACTION_RESET;
        return 0;
    }

    uint32_t written = serve_well(model, request);
    if (action == ACTION_WRITE) {
        struct bytes data = take(number(1));
        IGNORE(virtio_model_write(request, 0, data.data, (uint32_t)data.length));
    }
    if (action == ACTION_FORGE) {
        request->forged = true;
        request->id = number(4);
        request->jump = (uint16_t)number(2);
    }
    return action == ACTION_WRITE || action == ACTION_LENGTH ? number(4) : written;
}

/* ---- what it claims ------------------------------------------------------------------------- */

static void apply_header(struct bytes header)
{
    struct virtio_model *model = &target.model;
    uint8_t flags = bytes_u8(header, HEADER_FLAGS);
    uint32_t indirect = 1u << FEATURE_INDIRECT;
    virtio_target_init(&target, image, IMAGE_BYTES);
    serve_target = model->serve;
    model->serve = serve;
    model->type = flags & FLAG_SCSI ? VIRTIO_TYPE_SCSI : VIRTIO_TYPE_BLOCK;
    model->offered |= bytes_le32(header, HEADER_FEATURES);
    if (flags & FLAG_DIRECT)
        model->offered &= ~(uint64_t)indirect;

    model->messages = !(flags & (FLAG_LINE | FLAG_POLLED));
    model->pci.vectors = flags & FLAG_POLLED ? 0 : flags & FLAG_LINE ? 1 : 2;
    model->refuses_features = flags & FLAG_REFUSES;
    model->never_resets = flags & FLAG_NEVER_RESETS;
    model->has_no_vector = flags & FLAG_NO_VECTOR;
    for (unsigned i = 0; flags & FLAG_SIZES && i < 3; i++)
        model->queues[i].largest = bytes_le16(header, HEADER_SIZES + i * 2);
}

static void apply_config(struct bytes config)
{
    memcpy(target.model.config, config.data, min(config.length, VIRTIO_MODEL_CONFIG_BYTES + 0u));
    target.model.config_bytes = VIRTIO_MODEL_CONFIG_BYTES;
}

/* Reads and writes both ends of a disk. Any status is right. */
static void use(struct device *device)
{
    static uint8_t data[8192];
    struct device_handle handle;
    if (device_open(device, &handle))
        return;
    uint64_t bytes = device_medium(device).bytes;
    uint32_t block = device_block_bytes(device);
    kassert(block_bytes_valid(block));
    if (bytes >= block) {
        IGNORE(io_wait(&handle, IO_READ, 0, data, block, NULL));
        IGNORE(io_wait(&handle, IO_WRITE, 0, data + 4, block, NULL));
        IGNORE(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL));
        IGNORE(io_wait(&handle, IO_READ, bytes - bytes % block - block, data, block, NULL));
    }
    device_close(&handle);
}

static void run_input(void *argument)
{
    rest = *(const struct bytes *)argument;
    kassert(io_start() == 0 && device_start() == 0);
    struct bytes header = take(HEADER_BYTES);
    apply_header(header);
    apply_config(take(bytes_u8(header, HEADER_CONFIG)));
    virtio_model_publish(&target.model);

    struct device *device;
    for (unsigned last = 0; (device = device_by_class(last));) {
        last = device_number(device);
        use(device);
        device_put(device);
    }
    virtio_model_remove(&target.model);
    device_stop();
    io_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct bytes input = { data, bytes };
    if (bytes < HEADER_BYTES)
        return 0;
    log_set_level(LOG_ERROR + 1);
    host_memory_limit(MEMORY_BYTES);
    sim_run(hash_bytes(data, bytes, 1), run_input, &input);
    return 0;
}
