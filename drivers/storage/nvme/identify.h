/*
 * identify.h - identify data, decoded and checked.
 *
 * Model       A decoder reads the 4096 bytes that the device wrote and returns NULL, or the reason
 *             why this driver cannot use the device. It fills its result either way, so that texts
 *             can be shown.
 * References  NVMe 1.4, 5.15 (identify), 4.10 (namespace list).
 */
#ifndef DRIVERS_STORAGE_NVME_IDENTIFY_H
#define DRIVERS_STORAGE_NVME_IDENTIFY_H

#include "drivers/storage/nvme/protocol.h"
#include "kernel/port.h"
#include "lib/bytes.h"

enum {
    NVME_TRANSFER_BYTES_MAX = 512 * 1024, /* QEMU's limit too */
    NVME_NAMESPACES_MAX = 16,             /* served of one controller */
};

struct nvme_identity {
    char model[41], serial[21], firmware[9]; /* trimmed, printable ASCII */
    uint32_t transfer_bytes;                 /* 8 KiB..NVME_TRANSFER_BYTES_MAX */
    uint32_t namespaces;                     /* the highest identifier that may be valid */
    bool deallocates, zeroes;                /* Dataset Management, Write Zeroes */
    bool write_cache;                        /* volatile: writes need a flush */
    bool namespace_events;                   /* reports when namespaces change */
};

struct nvme_namespace_identity {
    uint64_t blocks; /* blocks * block_bytes is below 2^63 */
    uint32_t block_bytes;
    bool read_only;
};

/* Identifiers of namespaces, in rising order. */
struct nvme_list {
    uint32_t ids[NVME_NAMESPACES_MAX];
    unsigned count, left_out;
};

const char *nvme_decode_controller(struct bytes data, struct nvme_identity *identity);
const char *nvme_decode_namespace(struct bytes data, struct nvme_namespace_identity *identity);
const char *nvme_decode_list(struct bytes data, struct nvme_list *list);

#endif
