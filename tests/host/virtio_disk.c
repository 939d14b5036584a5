/*
 * virtio_disk.c - a virtio-blk device over memory. See virtio_disk.h.
 */
#include "tests/host/virtio_disk.h"

#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    FEATURE_PIECE_MAX = 1,
    FEATURE_PIECES_MAX = 2,
    FEATURE_BLOCK_SIZE = 6,
    FEATURE_FLUSH = 9,
    FEATURE_DISCARD = 13,
    FEATURE_WRITE_ZEROES = 14,
    FEATURE_INDIRECT = 28,
    FEATURE_VERSION_1 = 32,

    HEADER_BYTES = 16,
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_DISCARD = 11,
    TYPE_WRITE_ZEROES = 13,
    RANGE_BYTES = 16,
    DISCARDED = 0xdd,
    RESULT_OK = 0,
    RESULT_ERROR = 1,
    RESULT_UNSUPPORTED = 2,
    RESULT_INVALID = 0x7f,
    SECTOR_BYTES = 512,
    QUEUE_SIZE = 64,
    CONFIG_BYTES = 60,
};

static struct virtio_disk *disk_of(struct virtio_model *model)
{
    return container_of(model, struct virtio_disk, model);
}

/* Carries out a discard or write zeroes of one range (5.2.6), which must keep the limits. */
static uint8_t fill_range(struct virtio_disk *disk, const struct virtio_model_request *request,
                          uint32_t type)
{
    uint8_t data[RANGE_BYTES];
    kassert(virtio_model_readable(request) == HEADER_BYTES + RANGE_BYTES);
    kassert(virtio_model_read(request, HEADER_BYTES, data, sizeof(data)) == sizeof(data));
    struct bytes bytes = { data, sizeof(data) };
    uint64_t sector = bytes_le64(bytes, 0);
    uint32_t sectors = bytes_le32(bytes, 8), flags = bytes_le32(bytes, 12);

    bool discards = type == TYPE_DISCARD;
    unsigned most = discards ? VIRTIO_DISK_DISCARD_SECTORS : VIRTIO_DISK_ZERO_SECTORS;
    struct bytes config = { disk->model.config, CONFIG_BYTES };
    kassert(sectors && sectors <= bytes_le32(config, most));
    kassert((sector + sectors) * SECTOR_BYTES <= disk->image_bytes);
    kassert(discards ? !flags : flags <= 1);

    atomic_fetch_add(discards ? &disk->discards : &disk->zeroings, 1);
    memset(disk->image + sector * SECTOR_BYTES, discards ? DISCARDED : 0,
           (size_t)sectors * SECTOR_BYTES);
    return RESULT_OK;
}

static uint8_t carry_out(struct virtio_disk *disk, struct virtio_model_request *request,
                         uint32_t type, uint64_t offset)
{
    uint32_t out = virtio_model_readable(request) - HEADER_BYTES;
    uint32_t in = virtio_model_writable(request) - 1;
    switch (type) {
    case TYPE_IN:
        kassert(!out && in && offset + in <= disk->image_bytes);
        virtio_model_write(request, 0, disk->image + offset, in);
        return RESULT_OK;
    case TYPE_OUT:
        kassert(!in && out && offset + out <= disk->image_bytes);
        virtio_model_read(request, HEADER_BYTES, disk->image + offset, out);
        return RESULT_OK;
    case TYPE_FLUSH:
        kassert(!in && !out && !offset);
        disk->flushes++;
        return RESULT_OK;
    case TYPE_DISCARD:
    case TYPE_WRITE_ZEROES:
        kassert(!in && !offset);
        return fill_range(disk, request, type);
    default:
        return RESULT_UNSUPPORTED;
    }
}

static uint32_t disk_serve(struct virtio_model *model, struct virtio_model_request *request)
{
    struct virtio_disk *disk = disk_of(model);
    uint8_t header[HEADER_BYTES], result = RESULT_ERROR;
    kassert(virtio_model_read(request, 0, header, sizeof(header)) == sizeof(header));
    struct bytes bytes = { header, sizeof(header) };
    uint32_t writable = virtio_model_writable(request);
    kassert(writable);

    if (request->fault != VIRTIO_FAILS)
        result = carry_out(disk, request, bytes_le32(bytes, 0),
                           bytes_le64(bytes, 8) * SECTOR_BYTES);
    if (request->fault == VIRTIO_WRONG_RESULT)
        result = RESULT_INVALID;
    virtio_model_write(request, writable - 1, &result, 1);
    return writable;
}

void virtio_disk_configure(struct virtio_disk *disk, unsigned offset, unsigned bytes,
                           uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        disk->model.config[offset + i] = (uint8_t)(value >> i * 8);
}

void virtio_disk_init(struct virtio_disk *disk, uint8_t *image, uint64_t bytes,
                      uint32_t block_bytes)
{
    memset(disk, 0, sizeof(*disk));
    disk->image = image;
    disk->image_bytes = bytes;
    disk->model.type = VIRTIO_TYPE_BLOCK;
    disk->model.offered = VIRTIO_FEATURE(FEATURE_PIECES_MAX) | VIRTIO_FEATURE(FEATURE_BLOCK_SIZE) |
                          VIRTIO_FEATURE(FEATURE_FLUSH) | VIRTIO_FEATURE(FEATURE_DISCARD) |
                          VIRTIO_FEATURE(FEATURE_WRITE_ZEROES) |
                          VIRTIO_FEATURE(FEATURE_INDIRECT) | VIRTIO_FEATURE(FEATURE_VERSION_1);
    disk->model.messages = true;
    disk->model.pci.vectors = 2;
    disk->model.queue_count = 1;
    disk->model.queues[0].largest = QUEUE_SIZE;
    disk->model.config_bytes = CONFIG_BYTES;
    disk->model.serve = disk_serve;
    disk->model.delay_us = 200;

    virtio_disk_configure(disk, VIRTIO_DISK_CAPACITY, 8, bytes / SECTOR_BYTES);
    virtio_disk_configure(disk, VIRTIO_DISK_PIECES_MAX, 4, 62);
    virtio_disk_configure(disk, VIRTIO_DISK_BLOCK_BYTES, 4, block_bytes);
    virtio_disk_configure(disk, VIRTIO_DISK_DISCARD_SECTORS, 4, 1 << 20);
    virtio_disk_configure(disk, VIRTIO_DISK_DISCARD_RANGES, 4, 1);
    virtio_disk_configure(disk, VIRTIO_DISK_ZERO_SECTORS, 4, 1 << 20);
    virtio_disk_configure(disk, VIRTIO_DISK_ZERO_RANGES, 4, 1);
}
