/*
 * virtio_target.c - a virtio-scsi device with disks. See virtio_target.h.
 */
#include "tests/host/virtio_target.h"

#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    FEATURE_HOT_PLUG = 1,
    FEATURE_INDIRECT = 28,
    FEATURE_VERSION_1 = 32,

    REQUEST_BYTES = 51,
    REQUEST_LUN = 0,
    REQUEST_ID = 8,
    REQUEST_CDB = 19,
    RESPONSE_BYTES = 108,
    RESPONSE_SENSE_LENGTH = 0,
    RESPONSE_RESIDUAL = 4,
    RESPONSE_STATUS = 10,
    RESPONSE_CODE = 11,
    RESPONSE_SENSE = 12,
    SENSE_BYTES = 18,

    CODE_ABORTED = 2,
    CODE_BAD_TARGET = 3,
    CHECK_CONDITION = 2,
    MEDIUM_ERROR = 3,
    ILLEGAL_REQUEST = 5,

    ABORT_BYTES = 24,
    ABORT_ID = 16,
    EVENT_BYTES = 16,
    EVENT_TRANSPORT_RESET = 1,

    BLOCK = 512,
    QUEUE_SIZE = 64,
    CONFIG_BYTES = 36,
};

/* A command while it is carried out. */
struct carried {
    struct virtio_target *target;
    struct virtio_model_request *request;
    uint8_t cdb[32];
    uint8_t response[RESPONSE_BYTES];
    uint32_t in, out, done; /* bytes of data wanted, sent, and moved */
};

static void put_be(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (bytes - 1 - i) * 8);
}

static void put_le(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> i * 8);
}

static void refuse(struct carried *carried, uint8_t key, uint8_t asc)
{
    uint8_t *sense = carried->response + RESPONSE_SENSE;
    carried->response[RESPONSE_STATUS] = CHECK_CONDITION;
    put_le(carried->response + RESPONSE_SENSE_LENGTH, 4, SENSE_BYTES);
    sense[0] = 0x70;
    sense[2] = key;
    sense[7] = SENSE_BYTES - 8;
    sense[12] = asc;
}

static void answer(struct carried *carried, const uint8_t *data, uint32_t bytes)
{
    uint32_t most = min(bytes, carried->in);
    carried->done = virtio_model_write(carried->request, RESPONSE_BYTES, data, most);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void inquire(struct carried *carried)
{
    uint8_t data[36] = { [2] = 5, [4] = 31 };
    if (carried->cdb[1] & 1) {
        refuse(carried, ILLEGAL_REQUEST, 0x24);
        return;
    }
    memcpy(data + 8, "SPINDLE MODEL DISK      1.0 ", 28);
    answer(carried, data, sizeof(data));
}

static void report_luns(struct carried *carried, uint8_t target)
{
    uint8_t data[16] = { [3] = 8, [9] = target == 3 };
    answer(carried, data, sizeof(data));
}

static void read_capacity(struct carried *carried, bool is_16)
{
    uint8_t data[32] = { 0 };
    uint64_t last = carried->target->bytes / BLOCK - 1;
    put_be(data, is_16 ? 8 : 4, last);
    put_be(data + (is_16 ? 8 : 4), 4, BLOCK);
    answer(carried, data, is_16 ? 32 : 8);
}

static void move(struct carried *carried, bool is_16, bool write)
{
    struct bytes cdb = { carried->cdb, sizeof(carried->cdb) };
    uint64_t at = (is_16 ? bytes_be64(cdb, 2) : bytes_be32(cdb, 2)) * BLOCK;
    uint64_t bytes = (uint64_t)(is_16 ? bytes_be32(cdb, 10) : bytes_be16(cdb, 7)) * BLOCK;
    struct virtio_target *target = carried->target;
    if (at > target->bytes || bytes > target->bytes - at) {
        refuse(carried, ILLEGAL_REQUEST, 0x21);
        return;
    }
    if (carried->request->fault == VIRTIO_FAILS) {
        refuse(carried, MEDIUM_ERROR, write ? 0x0c : 0x11);
        return;
    }

    /* The command's length is not the data's if the driver was told of other blocks. */
    uint32_t room = write ? carried->out : carried->in;
    uint32_t count = (uint32_t)min(bytes, room);
    carried->done = write ? virtio_model_read(carried->request, REQUEST_BYTES,
                                              target->image + at, count)
                          : virtio_model_write(carried->request, RESPONSE_BYTES,
                                               target->image + at, count);
}

static void carry_out(struct carried *carried, uint8_t target)
{
    switch (carried->cdb[0]) {
    case 0x00: case 0x35: break; /* TEST UNIT READY, SYNCHRONIZE CACHE */
    case 0x12: inquire(carried); break;
    case 0xa0: report_luns(carried, target); break;
    case 0x25: read_capacity(carried, false); break;
    case 0x9e: read_capacity(carried, true); break;
    case 0x28: move(carried, false, false); break;
    case 0x88: move(carried, true, false); break;
    case 0x2a: move(carried, false, true); break;
    case 0x8a: move(carried, true, true); break;
    default: refuse(carried, ILLEGAL_REQUEST, 0x20);
    }
}

static bool is_present(const struct virtio_target *target, const uint8_t lun[8], bool any_lun)
{
    unsigned number = (unsigned)(lun[2] << 8 | lun[3]) & 0x3fff;
    kassert(lun[0] == 1);
    if (lun[1] == 0)
        return any_lun || number == 0;
    return lun[1] == 3 && target->second && (any_lun || number == 1);
}

static uint32_t serve_command(struct virtio_target *target, struct virtio_model_request *request)
{
    struct carried carried = { .target = target, .request = request };
    uint8_t head[REQUEST_BYTES];
    kassert(virtio_model_read(request, 0, head, sizeof(head)) == sizeof(head));
    memcpy(carried.cdb, head + REQUEST_CDB, sizeof(carried.cdb));
    carried.out = virtio_model_readable(request) - REQUEST_BYTES;
    kassert(virtio_model_writable(request) >= RESPONSE_BYTES);
    carried.in = virtio_model_writable(request) - RESPONSE_BYTES;

    if (is_present(target, head + REQUEST_LUN, carried.cdb[0] == 0xa0))
        carry_out(&carried, head[REQUEST_LUN + 1]);
    else
        carried.response[RESPONSE_CODE] = CODE_BAD_TARGET;
    put_le(carried.response + RESPONSE_RESIDUAL, 4, carried.in + carried.out - carried.done);
    if (request->fault == VIRTIO_WRONG_RESULT)
        memset(carried.response, 0xff, 8); /* lengths of sense data and of the residual */
    virtio_model_write(request, 0, carried.response, sizeof(carried.response));

    /* As QEMU counts: with the data that were read. */
    return RESPONSE_BYTES + carried.out + carried.in;
}

/* Ends the lost command with the identifier of the abort request. */
static uint32_t serve_abort(struct virtio_target *target, struct virtio_model_request *request)
{
    uint8_t head[ABORT_BYTES], id[8], response[RESPONSE_BYTES] = { [RESPONSE_CODE] = CODE_ABORTED };
    uint8_t complete = 0;
    kassert(virtio_model_read(request, 0, head, sizeof(head)) == sizeof(head));
    if (target->ignores_aborts) {
        request->due_us = TIME_NEVER;
        return 0;
    }

    for (unsigned i = 0; i < VIRTIO_MODEL_REQUESTS; i++) {
        struct virtio_model_request *lost = &target->model.requests[i];
        if (!lost->taken || lost->queue != VIRTIO_TARGET_REQUEST || lost->due_us != TIME_NEVER)
            continue;
        virtio_model_read(lost, REQUEST_ID, id, sizeof(id));
        if (memcmp(id, head + ABORT_ID, sizeof(id)) != 0)
            continue;
        virtio_model_write(lost, 0, response, sizeof(response));
        virtio_model_end(&target->model, lost, sizeof(response));
        target->aborts++;
    }
    return virtio_model_write(request, 0, &complete, 1);
}

static uint32_t target_serve(struct virtio_model *model, struct virtio_model_request *request)
{
    struct virtio_target *target = container_of(model, struct virtio_target, model);
    switch (request->queue) {
    case VIRTIO_TARGET_CONTROL: return serve_abort(target, request);
    case VIRTIO_TARGET_REQUEST: return serve_command(target, request);
    default:
        kassert(virtio_model_writable(request) == EVENT_BYTES && !request->readable);
        request->due_us = TIME_NEVER; /* until there is an event */
        return 0;
    }
}

/* ---- interface ------------------------------------------------------------------------------ */

void virtio_target_event(struct virtio_target *target, uint32_t reason, bool missed)
{
    struct virtio_model *model = &target->model;
    uint8_t event[EVENT_BYTES] = { EVENT_TRANSPORT_RESET, [3] = missed ? 0x80 : 0,
                                   [4] = 1, [5] = 3, [7] = 1 };
    put_le(event + 12, 4, reason);

    spin_lock(&model->lock);
    struct virtio_model_request *request = virtio_model_held(model, VIRTIO_TARGET_EVENT);
    kassert(request);
    virtio_model_write(request, 0, event, sizeof(event));
    virtio_model_end(model, request, sizeof(event));
    wait_queue_wake_all(&model->changed);
    spin_unlock(&model->lock);
}

void virtio_target_configure(struct virtio_target *target, unsigned offset, unsigned bytes,
                             uint64_t value)
{
    put_le(target->model.config + offset, bytes, value);
}

void virtio_target_init(struct virtio_target *target, uint8_t *image, uint64_t bytes)
{
    memset(target, 0, sizeof(*target));
    target->image = image;
    target->bytes = bytes;
    target->model.type = VIRTIO_TYPE_SCSI;
    target->model.offered = VIRTIO_FEATURE(FEATURE_HOT_PLUG) | VIRTIO_FEATURE(FEATURE_INDIRECT) |
                            VIRTIO_FEATURE(FEATURE_VERSION_1);
    target->model.messages = true;
    target->model.pci.vectors = 2;
    target->model.queue_count = 3;
    for (unsigned i = 0; i < 3; i++)
        target->model.queues[i].largest = QUEUE_SIZE;
    target->model.config_bytes = CONFIG_BYTES;
    target->model.serve = target_serve;
    target->model.delay_us = 200;

    virtio_target_configure(target, 0, 4, 1); /* request queues */
    virtio_target_configure(target, VIRTIO_TARGET_PIECES_MAX, 4, 62);
    virtio_target_configure(target, VIRTIO_TARGET_SECTORS_MAX, 4, 2048);
    virtio_target_configure(target, VIRTIO_TARGET_LAST, 2, 7);
}
