/*
 * zisofs.c - unpacks files of zisofs and zisofs2.
 *
 * A packed file has a header, then pointers to the start of each block's packed bytes and one to
 * the end of the last (32 bits each in version 1, 64 in version 2). A block without packed bytes
 * is all zeros. Each block is a zlib stream of its own (in version 2: algorithm 1). The last block
 * is kept, because a cache block is at most 128 KiB and a block of version 2 up to 1 MiB.
 *
 * References  The zisofs2 format description of libisofs, doc/zisofs2_format.txt.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/deflate/inflate.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    BLOCK_LOG2_MIN = 10,
    BLOCK_LOG2_MAX = 20,
    HEADER_BYTES_MIN = 16,
    MAGIC_BYTES = 8,
};

/* The file's own header, after the magic. */
enum {
    Z1_SIZE = 8,         /* le32, unpacked */
    Z1_HEADER_WORDS = 12,
    Z1_BLOCK_LOG2 = 13,
    Z1_HEADER_BYTES = 16,
    Z1_POINTER_BYTES = 4,

    Z2_HEADER_WORDS = 9,
    Z2_ALGORITHM = 10,
    Z2_BLOCK_LOG2 = 11,
    Z2_SIZE = 12,        /* le64 */
    Z2_HEADER_BYTES = 24,
    Z2_POINTER_BYTES = 8,

    ALGORITHM_ZLIB = 1,
};

struct cdfs_unpacker {
    struct inflate inflate;
    uint64_t serial, index; /* of the node and of the block in `block`; serial 0 for none */
    uint8_t *block, *packed;
    size_t block_bytes;     /* size of `block`; `packed` has twice that */
    size_t used;            /* bytes in `block` */
};

bool cdfs_zisofs_valid(const struct cdfs_zisofs *zisofs)
{
    return zisofs->block_log2 >= BLOCK_LOG2_MIN && zisofs->block_log2 <= BLOCK_LOG2_MAX &&
           zisofs->header_bytes >= HEADER_BYTES_MIN;
}

struct cdfs_unpacker *cdfs_unpacker_create(void)
{
    return mem_zalloc(sizeof(struct cdfs_unpacker));
}

void cdfs_unpacker_release(struct cdfs_unpacker *unpacker)
{
    mem_free(unpacker->block);
    mem_free(unpacker->packed);
    unpacker->block = unpacker->packed = NULL;
    unpacker->block_bytes = 0;
    unpacker->serial = 0;
}

void cdfs_unpacker_destroy(struct cdfs_unpacker *unpacker)
{
    if (!unpacker)
        return;
    cdfs_unpacker_release(unpacker);
    mem_free(unpacker);
}

static status_t unpacker_make_room(struct cdfs_unpacker *unpacker, size_t block_bytes)
{
    if (unpacker->block_bytes >= block_bytes)
        return 0;

    /* zlib never doubles a block, not even one of random bytes. */
    cdfs_unpacker_release(unpacker);
    unpacker->block = mem_alloc(block_bytes);
    unpacker->packed = mem_alloc(2 * block_bytes);
    unpacker->block_bytes = unpacker->block && unpacker->packed ? block_bytes : 0;
    return unpacker->block_bytes ? 0 : -ENOMEM;
}

static status_t read_exactly(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t offset,
                             void *buffer, size_t bytes)
{
    size_t done;
    return cdfs_copy(cdfs, node, offset, buffer, bytes, &done);
}

/* -EUCLEAN if the file's own header does not agree with ZF. */
static status_t header_check(struct cdfs *cdfs, const struct cdfs_node *node)
{
    static const uint8_t magics[][MAGIC_BYTES] = {
        { 0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07 },
        { 0xef, 0x22, 0x55, 0xa1, 0xbc, 0x1b, 0x95, 0xa0 },
    };
    const struct cdfs_zisofs *zisofs = &node->zisofs;
    uint8_t header[Z2_HEADER_BYTES];
    size_t bytes = zisofs->version == 2 ? Z2_HEADER_BYTES : Z1_HEADER_BYTES;
    struct bytes b = { header, bytes };
    status_t status = read_exactly(cdfs, node, 0, header, bytes);
    if (status)
        return status;

    /* ZF repeats the fields of the file's header. If they differ, neither can be trusted. */
    bool same = memcmp(header, magics[zisofs->version - 1], MAGIC_BYTES) == 0;
    if (zisofs->version == 2)
        same = same && bytes_u8(b, Z2_HEADER_WORDS) * 4u == zisofs->header_bytes &&
               bytes_u8(b, Z2_ALGORITHM) == ALGORITHM_ZLIB &&
               bytes_u8(b, Z2_BLOCK_LOG2) == zisofs->block_log2 &&
               bytes_le64(b, Z2_SIZE) == zisofs->size_bytes;
    else
        same = same && bytes_le32(b, Z1_SIZE) == zisofs->size_bytes &&
               bytes_u8(b, Z1_HEADER_WORDS) * 4u == zisofs->header_bytes &&
               bytes_u8(b, Z1_BLOCK_LOG2) == zisofs->block_log2;
    return same ? 0 : -EUCLEAN;
}

/* Finds where the packed bytes of a block begin and end in the file. */
static status_t block_find(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t index,
                           uint64_t *start, uint64_t *end)
{
    uint8_t pointers[2 * Z2_POINTER_BYTES];
    bool wide = node->zisofs.version == 2;
    size_t width = wide ? Z2_POINTER_BYTES : Z1_POINTER_BYTES;
    struct bytes b = { pointers, 2 * width };
    status_t status = read_exactly(cdfs, node, node->zisofs.header_bytes + index * width, pointers,
                                   2 * width);
    if (status)
        return status;

    /* The pointer after a block's own is the start of the next one, or the end of the last. */
    *start = wide ? bytes_le64(b, 0) : bytes_le32(b, 0);
    *end = wide ? bytes_le64(b, width) : bytes_le32(b, width);
    return *start <= *end && *end <= node->size_bytes ? 0 : -EUCLEAN;
}

/* Unpacks a block, of which `want` bytes belong to the file. */
static status_t block_unpack(struct cdfs_unpacker *unpacker, struct cdfs *cdfs,
                             const struct cdfs_node *node, uint64_t index, size_t want)
{
    uint64_t start, end;
    status_t status = header_check(cdfs, node);
    if (!status)
        status = block_find(cdfs, node, index, &start, &end);
    if (status)
        return status;

    /* A block without packed bytes is all zeros. */
    if (start == end) {
        memset(unpacker->block, 0, want);
        return 0;
    }

    /* No zlib stream of a block is larger than the buffer. */
    if (end - start > 2 * unpacker->block_bytes)
        return -EUCLEAN;

    size_t bytes = (size_t)(end - start);
    status = read_exactly(cdfs, node, start, unpacker->packed, bytes);
    if (status)
        return status;

    /* The last block may be packed as a whole one: bytes after the end of the file are ignored. */
    ssize_t got = inflate_zlib(&unpacker->inflate, (struct bytes){ unpacker->packed, bytes },
                               unpacker->block, unpacker->block_bytes);
    return got >= (ssize_t)want ? 0 : -EUCLEAN;
}

status_t cdfs_unpack(struct cdfs_unpacker *unpacker, struct cdfs *cdfs,
                     const struct cdfs_node *node, uint64_t offset, const uint8_t **data,
                     size_t *bytes)
{
    const struct cdfs_zisofs *zisofs = &node->zisofs;
    size_t block_bytes = (size_t)1 << zisofs->block_log2;
    uint64_t index = offset >> zisofs->block_log2, left = zisofs->size_bytes - index * block_bytes;
    size_t want = (size_t)min(left, block_bytes), within = (size_t)(offset - index * block_bytes);
    status_t status = unpacker_make_room(unpacker, block_bytes);
    if (status)
        return status;

    /* The buffer is invalid until the block was unpacked without an error. */
    if (unpacker->serial != node->serial || unpacker->index != index) {
        unpacker->serial = 0;
        status = block_unpack(unpacker, cdfs, node, index, want);
        if (status)
            return status;
        unpacker->serial = node->serial;
        unpacker->index = index;
        unpacker->used = want;
    }

    /* `offset` may be anywhere in the block. */
    *data = unpacker->block + within;
    *bytes = unpacker->used - within;
    return 0;
}
