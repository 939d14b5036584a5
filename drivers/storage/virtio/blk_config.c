/*
 * blk_config.c - the configuration of a virtio-blk device (VIRTIO 1.1 section 5.2.4).
 *
 * Every number is the device's, so it is checked before it is used or published.
 */
#include "drivers/storage/virtio/blk.h"
#include "kernel/dev/geometry.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    TRANSFER_BYTES_MAX = 4 * 1024 * 1024,
    PHYSICAL_EXPONENT_MAX = 16,
    SEGMENTS_FEW = 32,

    /* A host that has to write its files for these still keeps the deadline. */
    DISCARD_BYTES_MAX = 1 << 30,
    ZERO_BYTES_MAX = 64 * 1024 * 1024,
};

enum blk_value {
    CAPACITY,
    PIECE_MAX,
    PIECES_MAX,
    BLOCK_BYTES,
    PHYSICAL_EXPONENT,
    DISCARD_SECTORS,
    DISCARD_RANGES,
    DISCARD_ALIGN,
    ZERO_SECTORS,
    ZERO_RANGES,
    BLK_VALUES
};

static const struct virtio_field fields[BLK_VALUES] = {
    [CAPACITY] = { 0, 8 },
    [PIECE_MAX] = { 8, 4 },
    [PIECES_MAX] = { 12, 4 },
    [BLOCK_BYTES] = { 20, 4 },
    [PHYSICAL_EXPONENT] = { 24, 1 },
    [DISCARD_SECTORS] = { 36, 4 },
    [DISCARD_RANGES] = { 40, 4 },
    [DISCARD_ALIGN] = { 44, 4 },
    [ZERO_SECTORS] = { 48, 4 },
    [ZERO_RANGES] = { 52, 4 },
};

static status_t refuse(struct blk *blk, const char *what, uint64_t value)
{
    log_error("virtio-blk", "%s: %s %llu; not used", blk->virtio->name, what,
              (unsigned long long)value);
    return -ENODEV;
}

/* Sets the sizes: of the medium and of its blocks. */
static status_t read_sizes(struct blk *blk, const uint64_t values[], struct blk_config *config)
{
    /* A power of two from 512 to 4096: the cache is made of such blocks. */
    bool has_size = virtio_has(blk->virtio, BLK_FEATURE_BLOCK_SIZE);
    uint64_t block_bytes = has_size ? values[BLOCK_BYTES] : BLK_SECTOR_BYTES;
    if (!block_bytes_valid(block_bytes))
        return refuse(blk, "blocks of", block_bytes);
    config->block_bytes = (uint32_t)block_bytes;

    /* The last sectors cannot be read if they do not fill a block. */
    uint64_t sectors = values[CAPACITY] - values[CAPACITY] % (block_bytes / BLK_SECTOR_BYTES);
    if (!sectors || values[CAPACITY] > INT64_MAX / BLK_SECTOR_BYTES)
        return refuse(blk, "a capacity in sectors of", values[CAPACITY]);
    config->bytes = sectors * BLK_SECTOR_BYTES;

    /* It is only shown, so an invalid one has no consequence. */
    uint64_t exponent = values[PHYSICAL_EXPONENT];
    config->physical_block_bytes = config->block_bytes;
    if (virtio_has(blk->virtio, BLK_FEATURE_TOPOLOGY) && exponent <= PHYSICAL_EXPONENT_MAX)
        config->physical_block_bytes <<= exponent;
    return 0;
}

/* Sets the limits of a request's data. */
static status_t read_limits(struct blk *blk, const uint64_t values[], struct blk_config *config)
{
    /* Without the feature a request has one segment of data (5.2.5). */
    bool has_pieces = virtio_has(blk->virtio, BLK_FEATURE_SEG_MAX);
    uint64_t pieces = has_pieces ? values[PIECES_MAX] : 1;
    if (!pieces)
        return refuse(blk, "segments a request:", pieces);
    config->data_pieces_max = (uint32_t)min(pieces, BLK_PIECES_MAX - BLK_PIECES_OWN);

    /* A block must fit into one piece, since a request may have one only. */
    config->piece_bytes_max = 0;
    if (virtio_has(blk->virtio, BLK_FEATURE_SIZE_MAX)) {
        if (values[PIECE_MAX] < config->block_bytes)
            return refuse(blk, "bytes a segment:", values[PIECE_MAX]);
        config->piece_bytes_max = (uint32_t)values[PIECE_MAX];
    }
    return 0;
}

/* Returns the longest range of an operation, in whole blocks; 0 if the device does not take one. */
static uint32_t range_bytes(uint64_t sectors, uint64_t ranges, uint32_t block_bytes, uint32_t most)
{
    uint64_t bytes = sectors * BLK_SECTOR_BYTES;
    return ranges ? (uint32_t)min(bytes - bytes % block_bytes, most) : 0;
}

/* Sets the limits of discard and write zeroes. With invalid ones the disk works without them. */
static void read_range_limits(struct blk *blk, const uint64_t values[], struct blk_config *config)
{
    uint32_t block = config->block_bytes;
    config->discard_bytes = config->discard_align = config->zero_bytes = 0;
    if (virtio_has(blk->virtio, BLK_FEATURE_DISCARD)) {
        config->discard_bytes = range_bytes(values[DISCARD_SECTORS], values[DISCARD_RANGES], block,
                                            DISCARD_BYTES_MAX);
        if (values[DISCARD_ALIGN] <= DISCARD_BYTES_MAX / BLK_SECTOR_BYTES)
            config->discard_align = (uint32_t)values[DISCARD_ALIGN] * BLK_SECTOR_BYTES;
    }
    if (virtio_has(blk->virtio, BLK_FEATURE_WRITE_ZEROES))
        config->zero_bytes = range_bytes(values[ZERO_SECTORS], values[ZERO_RANGES], block,
                                         ZERO_BYTES_MAX);
}

status_t blk_read_config(struct blk *blk, struct blk_config *config)
{
    /* In this order: the limits are checked against the size of a block. */
    uint64_t values[BLK_VALUES];
    status_t status = blk->virtio->ops->read_config(blk->virtio, fields, BLK_VALUES, values);
    if (!status)
        status = read_sizes(blk, values, config);
    if (!status)
        status = read_limits(blk, values, config);
    if (!status)
        read_range_limits(blk, values, config);
    return status;
}

struct io_limits blk_limits(const struct blk_config *config, const struct virtio_queue *queue)
{
    /* Of both limits the lower: the device's, and the descriptors of a slot. */
    uint32_t pieces = min(config->data_pieces_max, queue->pieces - BLK_PIECES_OWN);
    struct io_limits limits = {
        .block_bytes = config->block_bytes,
        .transfer_bytes = TRANSFER_BYTES_MAX,
        .discard_bytes = config->discard_bytes,
        .discard_align = config->discard_align,
        .zero_bytes = config->zero_bytes,
        .segment_count = pieces,
        .depth = queue->slots,
    };

    /* A segment may be longer than a piece, so it becomes several. n segments with m times the
     * longest piece together become at most n + m pieces. */
    if (config->piece_bytes_max) {
        limits.segment_count = max(pieces / 2, 1);
        uint64_t most = (uint64_t)config->piece_bytes_max * max(pieces - limits.segment_count, 1);
        limits.transfer_bytes = (uint32_t)min(most, TRANSFER_BYTES_MAX);
    }

    /* Few segments must each have whole blocks: else no block might fit into them. */
    if (limits.segment_count < SEGMENTS_FEW)
        limits.segment_align = config->block_bytes;
    return limits;
}
