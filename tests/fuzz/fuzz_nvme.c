/*
 * fuzz_nvme.c - an NVMe controller with any capabilities and identify data, and one fault.
 *
 * Nothing is expected of the controller. Whatever it reports, the driver keeps the rules that the
 * model checks (tests/host/nvme_model.h), its disks can be read or fail, and nothing is left when
 * it is gone.
 *
 * Form        HEADER_BYTES, then chunks: where (0 controller, 1 namespace, 2 list), offset (le16),
 *             length, bytes. All else is as on a controller that keeps the rules.
 */
#include <string.h>

#include "kernel/dev/geometry.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/nvme_model.h"
#include "tests/host/rig.h"

enum {
    HEADER_CAPABILITIES = 0, /* le64 */
    HEADER_VERSION = 8,      /* le32 */
    HEADER_VECTORS = 12,
    HEADER_FLAGS = 13,       /* FLAG_ */
    HEADER_KIND = 14,        /* of the fault, and the next ones */
    HEADER_QUEUE = 15,
    HEADER_OPCODE = 16,      /* 255: any */
    HEADER_SKIP = 17,
    HEADER_STATUS = 18,      /* le16 */
    HEADER_BYTES = 20,

    FLAG_NEVER_READY = 1 << 0,
    FLAG_NEVER_STOPS = 1 << 1,
    FLAG_REFUSES_ABORTS = 1 << 2,
    FLAG_LIST = 1 << 3,

    IMAGE_BYTES = 1 << 20,
    DISKS_MAX = 20,
    MEMORY_BYTES = 64 << 20,
};

static uint8_t image[IMAGE_BYTES];
static uint32_t list[1024];
static struct nvme_model model;

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

static void apply_header(struct bytes input)
{
    uint8_t flags = bytes_u8(input, HEADER_FLAGS), opcode = bytes_u8(input, HEADER_OPCODE);
    uint16_t status = bytes_le16(input, HEADER_STATUS) & 0x7fff;
    model.capabilities = bytes_le64(input, HEADER_CAPABILITIES);
    model.version = bytes_le32(input, HEADER_VERSION);
    model.pci.vectors = bytes_u8(input, HEADER_VECTORS) % 3;
    model.never_ready = flags & FLAG_NEVER_READY;
    model.never_stops = flags & FLAG_NEVER_STOPS;
    model.refuses_aborts = flags & FLAG_REFUSES_ABORTS;
    model.list = flags & FLAG_LIST ? list : NULL;
    nvme_model_fault(&model, (struct nvme_fault){
        .kind = bytes_u8(input, HEADER_KIND) % (NVME_FAULT_UNPLUG + 1),
        .queue = bytes_u8(input, HEADER_QUEUE) % 2,
        .opcode = opcode == 255 ? -1 : opcode,
        .skip = bytes_u8(input, HEADER_SKIP),
        .times = 1,
        .status = max(status, 1),
        .delay_us = 1000000,
    });
}

static void apply_chunks(struct bytes input)
{
    struct {
        uint8_t *data;
        size_t bytes;
    } const targets[] = {
        { model.identify, sizeof(model.identify) },
        { model.namespaces[0].identify, sizeof(model.namespaces[0].identify) },
        { (uint8_t *)list, sizeof(list) },
    };
    for (size_t at = HEADER_BYTES; bytes_has(input, at, 4);) {
        unsigned where = bytes_u8(input, at) % ARRAY_LENGTH(targets);
        size_t offset = bytes_le16(input, at + 1) % targets[where].bytes;
        struct bytes chunk = bytes_slice(input, at + 4, bytes_u8(input, at + 3));
        size_t room = targets[where].bytes - offset;
        memcpy(targets[where].data + offset, chunk.data, min(chunk.length, room));
        at += 4 + bytes_u8(input, at + 3);
    }
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
    kassert(block_bytes_valid(block) && bytes >= block && bytes % block == 0);
    IGNORE(io_wait(&handle, IO_READ, 0, data, block, NULL));
    IGNORE(io_wait(&handle, IO_WRITE, 0, data + 4, block, NULL));
    IGNORE(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL));
    IGNORE(io_wait(&handle, IO_READ, bytes - block, data, block, NULL));
    device_close(&handle);
}

static void run_input(void *argument)
{
    const struct bytes *input = argument;
    kassert(io_start() == 0 && device_start() == 0);
    nvme_model_init(&model);
    nvme_model_add(&model, 1, image, IMAGE_BYTES >> 9, 9);
    memset(list, 0, sizeof(list));
    apply_header(*input);
    apply_chunks(*input);
    nvme_model_publish(&model);

    unsigned number = 0;
    struct device *device;
    for (unsigned n = 0; n < DISKS_MAX && (device = device_by_class(number)); n++) {
        number = device_number(device);
        use(device);
        device_put(device);
    }
    nvme_model_remove(&model);
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
