/*
 * protocol.h - numbers of the NVMe interface: registers, commands, completions, identify data.
 *
 * References  NVM Express Base Specification 1.4: 3 (registers), 4 (queues, PRPs, status), 5 (admin
 *             commands), 6 (NVM command set).
 */
#ifndef DRIVERS_STORAGE_NVME_PROTOCOL_H
#define DRIVERS_STORAGE_NVME_PROTOCOL_H

/* PCI class codes (1.4, 2.1.4). */
enum {
    NVME_CLASS = 0x01,
    NVME_SUBCLASS = 0x08,
    NVME_INTERFACE = 0x02,
};

/* Registers of BAR 0 (3.1). The 64-bit ones are accessed as two halves, which every controller
 * accepts. */
enum {
    NVME_CAP_LOW = 0x00,
    NVME_CAP_HIGH = 0x04,
    NVME_VS = 0x08,
    NVME_CC = 0x14,
    NVME_CSTS = 0x1c,
    NVME_AQA = 0x24,
    NVME_ASQ = 0x28,
    NVME_ACQ = 0x30,
    NVME_DOORBELLS = 0x1000,
};

/* CAP (3.1.1). */
enum {
    NVME_CAP_ENTRIES_MASK = 0xffff,   /* low half: MQES, 0-based */
    NVME_CAP_TIMEOUT_SHIFT = 24,      /* TO, in units of 500 ms */
    NVME_CAP_TIMEOUT_UNIT_US = 500000,
    NVME_CAP_STRIDE_MASK = 0xf,       /* high half: DSTRD, as a power of 2 times 4 bytes */
    NVME_CAP_NVM_COMMANDS = 1 << 5,   /* CSS bit 0 */
    NVME_CAP_PAGE_MIN_SHIFT = 16,     /* MPSMIN, as a power of 2 times 4 KiB */
    NVME_CAP_PAGE_MIN_MASK = 0xf,
};

enum { NVME_VERSION_1_1 = 0x10100 };

/* CC (3.1.5) and CSTS (3.1.6). The other fields of CC are 0: 4 KiB pages, the NVM command set,
 * round robin. */
enum {
    NVME_CC_ENABLE = 1 << 0,
    NVME_CC_SHUTDOWN = 1 << 14,       /* SHN: normal */
    NVME_CC_SUBMISSION_BYTES = 6 << 16, /* powers of 2 */
    NVME_CC_COMPLETION_BYTES = 4 << 20,

    NVME_CSTS_READY = 1 << 0,
    NVME_CSTS_FATAL = 1 << 1,
    NVME_CSTS_SHUTDOWN_MASK = 3 << 2,
    NVME_CSTS_SHUTDOWN_DONE = 2 << 2,
};

enum {
    NVME_SUBMISSION_BYTES = 64,
    NVME_COMPLETION_BYTES = 16,
    NVME_IDENTIFY_BYTES = 4096,
    NVME_LIST_ENTRIES = 1024,         /* of a list of namespaces, 4 bytes each */
};

/* Opcodes: admin commands (5), I/O commands (6). */
enum nvme_opcode {
    NVME_CREATE_SUBMISSION_QUEUE = 0x01,
    NVME_GET_LOG_PAGE = 0x02,
    NVME_CREATE_COMPLETION_QUEUE = 0x05,
    NVME_IDENTIFY = 0x06,
    NVME_ABORT = 0x08,
    NVME_SET_FEATURES = 0x09,
    NVME_ASYNC_EVENT = 0x0c,

    NVME_FLUSH = 0x00,
    NVME_WRITE = 0x01,
    NVME_READ = 0x02,
    NVME_WRITE_ZEROES = 0x08,
    NVME_DATASET_MANAGEMENT = 0x09,
};

enum {
    NVME_IDENTIFY_NAMESPACE = 0x00,   /* CNS (5.15.1) */
    NVME_IDENTIFY_CONTROLLER = 0x01,
    NVME_IDENTIFY_LIST = 0x02,

    NVME_FEATURE_QUEUES = 0x07,       /* 5.21.1.7 */
    NVME_FEATURE_EVENTS = 0x0b,       /* 5.21.1.11 */
    NVME_EVENT_NAMESPACES = 1 << 8,   /* OAES and its feature: namespace attribute notices */
    NVME_LOG_NAMESPACES = 0x04,       /* 5.14.1.4 */

    NVME_DATASET_DEALLOCATE = 1 << 2, /* 6.7: CDW11 */
    NVME_RANGE_BLOCKS_SHIFT = 32,     /* 6.7.1: in the first half of a range */
    NVME_ZERO_BLOCKS_MAX = 1 << 16,   /* 6.16: CDW12 */

    NVME_QUEUE_CONTIGUOUS = 1 << 0,   /* 5.3, 5.4: CDW11 */
    NVME_QUEUE_INTERRUPTS = 1 << 1,
};

/* The status of a completion (4.6.1): type and code, without the phase. */
enum {
    NVME_STATUS_CODE_MASK = 0x7ff,    /* SCT and SC */
    NVME_STATUS_NO_RETRY = 1 << 14,   /* DNR */

    NVME_INVALID_OPCODE = 0x001,
    NVME_INVALID_FIELD = 0x002,
    NVME_TRANSFER_ERROR = 0x004,
    NVME_POWER_LOSS = 0x005,
    NVME_INTERNAL_ERROR = 0x006,
    NVME_ABORT_REQUESTED = 0x007,
    NVME_QUEUE_DELETED = 0x008,
    NVME_INVALID_NAMESPACE = 0x00b,
    NVME_WRITE_PROTECTED = 0x020,
    NVME_INTERRUPTED = 0x021,
    NVME_TRANSIENT_ERROR = 0x022,
    NVME_LBA_OUT_OF_RANGE = 0x080,
    NVME_CAPACITY_EXCEEDED = 0x081,
    NVME_NAMESPACE_NOT_READY = 0x082,
    NVME_RESERVATION_CONFLICT = 0x083,
    NVME_FORMAT_IN_PROGRESS = 0x084,
    NVME_READ_ONLY_RANGE = 0x182,
    NVME_WRITE_FAULT = 0x280,
    NVME_UNRECOVERED_READ = 0x281,
    NVME_GUARD_CHECK = 0x282,
    NVME_APPLICATION_TAG_CHECK = 0x283,
    NVME_REFERENCE_TAG_CHECK = 0x284,
    NVME_ACCESS_DENIED = 0x286,
    NVME_UNWRITTEN_BLOCK = 0x287,
};

#endif
