/*
 * zisofs.c - files that are packed on the disc: zisofs and zisofs2.
 *
 * Such a file has a header, then pointers (32 bits each in version 1, 64 in version 2) to the start
 * of each block's packed bytes and one to the end of the last; a block without packed bytes is all
 * zeroes. Each block is a zlib stream of its own (in version 2: algorithm 1). The block unpacked
 * last is kept: a cache block is at most 128 KiB, a block of version 2 up to 1 MiB.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/inflate.h"
#include "lib/string.h"

enum {
    BLOCK_LOG2_MIN = 10,
    BLOCK_LOG2_MAX = 20,
    HEADER_BYTES_MIN = 16,
    MAGIC_BYTES = 8,
};

struct cdfs_unpacker {
    struct inflate inflate;
    uint64_t serial, index; /* of the node and the block that is in `block`; serial 0: none */
    uint8_t *block, *packed;
    size_t block_bytes; /* room in `block`; twice that in `packed` */
    size_t used;        /* bytes in `block` */
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
    unpacker->serial = 0; /* whatever was in it */
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

/* Does the file's own header say the same as ZF? */
static status_t header_check(struct cdfs *cdfs, const struct cdfs_node *node)
{
    static const uint8_t magics[][MAGIC_BYTES] = {
        { 0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07 },
        { 0xef, 0x22, 0x55, 0xa1, 0xbc, 0x1b, 0x95, 0xa0 },
    };
    const struct cdfs_zisofs *zisofs = &node->zisofs;
    uint8_t header[24];
    size_t bytes = zisofs->version == 2 ? 24 : 16;
    struct bytes b = { header, bytes };
    status_t status = read_exactly(cdfs, node, 0, header, bytes);
    if (status)
        return status;
    bool same = memcmp(header, magics[zisofs->version - 1], MAGIC_BYTES) == 0;
    if (zisofs->version == 2)
        same = same && bytes_u8(b, 9) * 4u == zisofs->header_bytes && bytes_u8(b, 10) == 1 &&
               bytes_u8(b, 11) == zisofs->block_log2 && bytes_le64(b, 12) == zisofs->size_bytes;
    else
        same = same && bytes_le32(b, 8) == zisofs->size_bytes &&
               bytes_u8(b, 12) * 4u == zisofs->header_bytes &&
               bytes_u8(b, 13) == zisofs->block_log2;
    return same ? 0 : -EUCLEAN;
}

/* Where the packed bytes of a block begin and end in the file. */
static status_t block_find(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t index,
                           uint64_t *start, uint64_t *end)
{
    uint8_t pointers[16];
    size_t width = node->zisofs.version == 2 ? 8 : 4;
    struct bytes b = { pointers, 2 * width };
    status_t status = read_exactly(cdfs, node, node->zisofs.header_bytes + index * width, pointers,
                                   2 * width);
    if (status)
        return status;
    *start = width == 8 ? bytes_le64(b, 0) : bytes_le32(b, 0);
    *end = width == 8 ? bytes_le64(b, 8) : bytes_le32(b, 4);
    return *start <= *end && *end <= node->size_bytes ? 0 : -EUCLEAN;
}

static status_t block_unpack(struct cdfs_unpacker *unpacker, struct cdfs *cdfs,
                             const struct cdfs_node *node, uint64_t index, size_t want)
{
    uint64_t start, end;
    status_t status = header_check(cdfs, node);
    if (!status)
        status = block_find(cdfs, node, index, &start, &end);
    if (status)
        return status;
    if (start == end) {
        memset(unpacker->block, 0, want);
        return 0;
    }
    if (end - start > 2 * unpacker->block_bytes)
        return -EUCLEAN;
    size_t bytes = (size_t)(end - start);
    status = read_exactly(cdfs, node, start, unpacker->packed, bytes);
    if (status)
        return status;
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
    size_t want = left < block_bytes ? (size_t)left : block_bytes;
    status_t status = unpacker_make_room(unpacker, block_bytes);
    if (status)
        return status;
    if (unpacker->serial != node->serial || unpacker->index != index) {
        unpacker->serial = 0;
        status = block_unpack(unpacker, cdfs, node, index, want);
        if (status)
            return status;
        unpacker->serial = node->serial;
        unpacker->index = index;
        unpacker->used = want;
    }
    *data = unpacker->block + (offset - index * block_bytes);
    *bytes = unpacker->used - (size_t)(offset - index * block_bytes);
    return 0;
}
