/*
 * identify.c - decodes identify data: the controller's, a namespace's, and lists of namespaces.
 *
 * All of it comes from the device. Each field is checked before it is used as a size or a count,
 * and a reason is returned for data that this driver cannot work with.
 */
#include "drivers/storage/nvme/identify.h"

#include "lib/macros.h"
#include "lib/text.h"

/* Offsets in the identify controller data (NVMe 1.4, 5.15.2.2). */
enum {
    CONTROLLER_SERIAL = 4,
    CONTROLLER_SERIAL_BYTES = 20,
    CONTROLLER_MODEL = 24,
    CONTROLLER_MODEL_BYTES = 40,
    CONTROLLER_FIRMWARE = 64,
    CONTROLLER_FIRMWARE_BYTES = 8,
    CONTROLLER_TRANSFER = 77,     /* MDTS, a power of 2 times the smallest page; 0: no limit */
    CONTROLLER_EVENTS = 92,       /* OAES */
    CONTROLLER_TYPE = 111,
    CONTROLLER_SUBMISSION = 512,  /* SQES: required size 3:0, largest 7:4 */
    CONTROLLER_COMPLETION = 513,  /* CQES */
    CONTROLLER_NAMESPACES = 516,  /* NN */
    CONTROLLER_COMMANDS = 520,    /* ONCS: optional commands */
    CONTROLLER_CACHE = 525,       /* VWC */

    TYPE_UNREPORTED = 0,
    TYPE_IO = 1,
    COMMANDS_DATASET = 1 << 2,
    COMMANDS_ZEROES = 1 << 3,
    CACHE_PRESENT = 1 << 0,
    SUBMISSION_POWER = 6,
    COMPLETION_POWER = 4,
    TRANSFER_POWER_MAX = 19,      /* 2 GiB: beyond every other limit */
};

/* Offsets in the identify namespace data (5.15.2.1). */
enum {
    NAMESPACE_SIZE = 0,
    NAMESPACE_FORMATS = 25,       /* NLBAF, 0-based */
    NAMESPACE_FORMAT = 26,        /* FLBAS: index 3:0, and its upper bits 6:5 */
    NAMESPACE_PROTECTION = 29,    /* DPS: type 2:0 */
    NAMESPACE_ATTRIBUTES = 99,    /* NSATTR */
    NAMESPACE_FORMAT_LIST = 128,  /* LBAF 0, 4 bytes each */

    FORMAT_LOW_MASK = 0xf,
    FORMAT_HIGH_SHIFT = 1,
    FORMAT_HIGH_MASK = 0x30,
    FORMATS_WITH_LOW_INDEX = 16,
    PROTECTION_TYPE_MASK = 7,
    ATTRIBUTE_WRITE_PROTECTED = 1 << 0,
    FORMAT_METADATA_MASK = 0xffff,
    FORMAT_POWER_SHIFT = 16,
    FORMAT_POWER_MASK = 0xff,
    BLOCK_POWER_MIN = 9,          /* 512 bytes */
    BLOCK_POWER_MAX = 12,         /* 4096 */
};

/* text[length + 1] gets the field. */
static void decode_text(struct bytes data, size_t offset, size_t length, char *text)
{
    struct bytes field = bytes_slice(data, offset, length);
    text_copy_field(text, length + 1, field.data, field.length);
}

/* Returns whether queue entries of 1 << `power` bytes are in the range of the field. */
static bool size_fits(uint8_t field, unsigned power)
{
    return (field & 0xf) <= power && field >> 4 >= (int)power;
}

const char *nvme_decode_controller(struct bytes data, struct nvme_identity *identity)
{
    uint8_t type = bytes_u8(data, CONTROLLER_TYPE);
    uint8_t transfer = bytes_u8(data, CONTROLLER_TRANSFER);

    *identity = (struct nvme_identity){ 0 };
    decode_text(data, CONTROLLER_SERIAL, CONTROLLER_SERIAL_BYTES, identity->serial);
    decode_text(data, CONTROLLER_MODEL, CONTROLLER_MODEL_BYTES, identity->model);
    decode_text(data, CONTROLLER_FIRMWARE, CONTROLLER_FIRMWARE_BYTES, identity->firmware);

    /* Discovery and administrative controllers have no namespaces. */
    if (type != TYPE_UNREPORTED && type != TYPE_IO)
        return "not an I/O controller";
    if (!size_fits(bytes_u8(data, CONTROLLER_SUBMISSION), SUBMISSION_POWER) ||
        !size_fits(bytes_u8(data, CONTROLLER_COMPLETION), COMPLETION_POWER))
        return "queue entries of an unknown size";

    /* The smallest page is 4 KiB: controller.c refuses others. */
    identity->transfer_bytes = NVME_TRANSFER_BYTES_MAX;
    if (transfer && transfer <= TRANSFER_POWER_MAX) {
        uint32_t most = (uint32_t)PAGE_BYTES << transfer;
        identity->transfer_bytes = min(most, identity->transfer_bytes);
    }

    /* No size or index follows from these, so they are used as they are. */
    identity->deallocates = bytes_le16(data, CONTROLLER_COMMANDS) & COMMANDS_DATASET;
    identity->zeroes = bytes_le16(data, CONTROLLER_COMMANDS) & COMMANDS_ZEROES;
    identity->write_cache = bytes_u8(data, CONTROLLER_CACHE) & CACHE_PRESENT;
    identity->namespace_events = bytes_le32(data, CONTROLLER_EVENTS) & NVME_EVENT_NAMESPACES;
    identity->namespaces = bytes_le32(data, CONTROLLER_NAMESPACES);
    return NULL;
}

/* Returns the index of the format in use (FLBAS). Its upper bits count only if there are more
 * formats than the lower ones can express. */
static unsigned format_index(struct bytes data)
{
    uint8_t field = bytes_u8(data, NAMESPACE_FORMAT);
    unsigned index = field & FORMAT_LOW_MASK;
    if (bytes_u8(data, NAMESPACE_FORMATS) >= FORMATS_WITH_LOW_INDEX)
        index |= field >> FORMAT_HIGH_SHIFT & FORMAT_HIGH_MASK;
    return index;
}

const char *nvme_decode_namespace(struct bytes data, struct nvme_namespace_identity *identity)
{
    *identity = (struct nvme_namespace_identity){ 0 };
    identity->blocks = bytes_le64(data, NAMESPACE_SIZE);
    if (!identity->blocks)
        return "no blocks";

    unsigned index = format_index(data);
    if (index > bytes_u8(data, NAMESPACE_FORMATS))
        return "a format that is not in its list";

    /* The index is at most 63, so the format is inside the data. */
    uint32_t format = bytes_le32(data, NAMESPACE_FORMAT_LIST + index * 4);
    unsigned power = format >> FORMAT_POWER_SHIFT & FORMAT_POWER_MASK;
    if (power < BLOCK_POWER_MIN || power > BLOCK_POWER_MAX)
        return "blocks of an unsupported size";

    /* Metadata need memory of their own, and protection information must be computed for writes. */
    if (format & FORMAT_METADATA_MASK)
        return "a format with metadata";
    if (bytes_u8(data, NAMESPACE_PROTECTION) & PROTECTION_TYPE_MASK)
        return "a format with protection information";

    /* Byte offsets are 63 bits: a count beyond that is not a size of anything. */
    if (identity->blocks > (uint64_t)INT64_MAX >> power)
        return "an impossible size";
    identity->block_bytes = (uint32_t)1 << power;
    identity->read_only = bytes_u8(data, NAMESPACE_ATTRIBUTES) & ATTRIBUTE_WRITE_PROTECTED;
    return NULL;
}

const char *nvme_decode_list(struct bytes data, struct nvme_list *list)
{
    *list = (struct nvme_list){ 0 };

    /* Identifiers rise, and a zero ends the list (4.10). The order also excludes that one is listed
     * twice, which would need two devices of the same name. */
    uint32_t last = 0;
    for (unsigned i = 0; i < NVME_LIST_ENTRIES; i++) {
        uint32_t id = bytes_le32(data, i * 4);
        if (!id)
            break;
        if (id <= last)
            return "its list of namespaces is not in order";
        last = id;

        if (list->count < NVME_NAMESPACES_MAX)
            list->ids[list->count++] = id;
        else
            list->left_out++;
    }
    return NULL;
}
