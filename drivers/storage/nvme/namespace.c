/*
 * namespace.c - the device of a namespace: a transfer becomes a command.
 *
 * The memory of a command is described by physical region pages (PRPs, NVMe 1.4, 4.3): the first
 * may begin anywhere in its page, at a multiple of 4; each other one is a whole page, or the
 * beginning of one. Of more than two pages all but the first are in a list. The limits make every
 * transfer fit these rules: segments meet at page boundaries (inner_align).
 */
#include "drivers/storage/nvme/nvme.h"

#include "lib/format.h"
#include "lib/macros.h"

enum {
    PRPS_MAX = NVME_TRANSFER_BYTES_MAX / PAGE_BYTES, /* of a list: after the first page */
    LIST_BYTES = PRPS_MAX * 8,
    LISTS_PER_PAGE = PAGE_BYTES / LIST_BYTES,        /* a list must not cross pages */
    PRP_ALIGN = 4,

    /* A controller that has to write the blocks for these still keeps the deadline. */
    DISCARD_BYTES_MAX = 1 << 30,
    ZERO_BYTES_MAX = 32 * 1024 * 1024,
};

/* ---- transfers ------------------------------------------------------------------------------ */

/* Returns the list of a transfer, in memory that is its own as long as the device. */
static uint64_t *list_of(const struct nvme_namespace *namespace, unsigned index)
{
    return (uint64_t *)namespace->lists[index / LISTS_PER_PAGE] +
           index % LISTS_PER_PAGE * PRPS_MAX;
}

static void describe_memory(const struct nvme_namespace *namespace,
                            const struct io_transfer *transfer, struct nvme_command *command)
{
    uint64_t *list = list_of(namespace, transfer->index);
    unsigned listed = 0;

    for (unsigned i = 0; i < transfer->segment_count; i++) {
        /* A segment is physically contiguous: its pages follow each other. */
        uint64_t at = mem_physical(transfer->segments[i].address);
        uint64_t end = at + transfer->segments[i].length_bytes;
        for (; at < end; at = (at | (PAGE_BYTES - 1)) + 1) {
            /* Only a transfer beyond the limits reaches the bound: the list after this one must
             * stay intact. */
            if (!command->prp1)
                command->prp1 = at;
            else if (listed < PRPS_MAX)
                list[listed++] = at;
        }
    }

    /* PRP2 is the second page if that is the last one; otherwise it is the address of the list. */
    if (listed == 1)
        command->prp2 = list[0];
    else if (listed)
        command->prp2 = mem_physical(list);
}

/* The range of a Dataset Management command is in the memory of the transfer's list, which it does
 * not need otherwise (6.7.1). */
static void describe_range(const struct nvme_namespace *namespace,
                           const struct io_transfer *transfer, uint64_t block, uint64_t blocks,
                           struct nvme_command *command)
{
    uint64_t *range = list_of(namespace, transfer->index);
    range[0] = blocks << NVME_RANGE_BLOCKS_SHIFT;
    range[1] = block;
    command->words[1] = NVME_DATASET_DEALLOCATE;
    command->prp1 = mem_physical(range);
}

static struct nvme_command command_of(const struct nvme_namespace *namespace,
                                      const struct io_transfer *transfer)
{
    static const uint8_t opcodes[] = {
        [IO_READ] = NVME_READ,
        [IO_WRITE] = NVME_WRITE,
        [IO_FLUSH] = NVME_FLUSH,
        [IO_DISCARD] = NVME_DATASET_MANAGEMENT,
        [IO_ZERO] = NVME_WRITE_ZEROES,
    };
    struct nvme_command command = {
        .opcode = opcodes[transfer->op],
        .namespace = namespace->id,
    };

    /* A flush is for the whole namespace: it has neither blocks nor memory. */
    if (transfer->op == IO_FLUSH)
        return command;

    uint64_t block = transfer->offset_bytes / namespace->identity.block_bytes;
    uint32_t blocks = transfer->length_bytes / namespace->identity.block_bytes;
    if (transfer->op == IO_DISCARD) {
        describe_range(namespace, transfer, block, blocks, &command);
        return command;
    }

    /* CDW10 and 11: the first block. CDW12: the number of blocks, 0-based. */
    command.words[0] = (uint32_t)block;
    command.words[1] = (uint32_t)(block >> 32);
    command.words[2] = blocks - 1;
    if (io_op_moves(transfer->op))
        describe_memory(namespace, transfer, &command);
    return command;
}

static void namespace_start(struct device *device, struct io_transfer *transfer)
{
    struct nvme_namespace *namespace = device_private(device);
    struct nvme_controller *controller = namespace->controller;

    /* Without a volatile cache, a write is durable when it completes (5.15.2.2: VWC). */
    if (transfer->op == IO_FLUSH && !controller->identity.write_cache) {
        io_transfer_done(transfer, 0, 0);
        return;
    }

    /* The request is part of the transfer, so nothing is allocated on the way to the disk. */
    struct nvme_request *request = transfer->driver_data;
    *request = (struct nvme_request){
        .transfer = transfer,
        .command = command_of(namespace, transfer),
    };
    list_init(&request->link);
    nvme_io_start(controller, request);
}

/* ---- the device ----------------------------------------------------------------------------- */

static void namespace_describe(struct device *device, char *text, size_t bytes)
{
    const struct nvme_namespace *namespace = device_private(device);
    const struct nvme_identity *identity = &namespace->controller->identity;
    format_text(text, bytes, "%s, namespace %u, %llu KiB, sectors of %u bytes%s%s",
                identity->model, namespace->id,
                (unsigned long long)(device_medium(device).bytes / 1024),
                namespace->identity.block_bytes, identity->write_cache ? ", write cache" : "",
                namespace->identity.read_only ? ", write protected" : "");
}

static void namespace_free(struct nvme_namespace *namespace)
{
    while (namespace->list_pages)
        page_free(namespace->lists[--namespace->list_pages]);
    mem_free(namespace->lists);
    mem_free(namespace);
}

static void namespace_destroy(struct device *device)
{
    namespace_free(device_private(device));
}

static const struct device_ops namespace_ops = {
    .start = namespace_start,
    .describe = namespace_describe,
    .destroy = namespace_destroy,
};

static struct nvme_namespace *namespace_create(struct nvme_controller *controller, uint32_t id,
                                               const struct nvme_namespace_identity *identity,
                                               unsigned depth)
{
    struct nvme_namespace *namespace = mem_zalloc(sizeof(*namespace));
    if (!namespace)
        return NULL;
    namespace->controller = controller;
    namespace->id = id;
    namespace->identity = *identity;

    /* A list for each transfer that can be in flight, allocated here: a write that frees memory
     * must not need some. */
    unsigned pages = (depth + LISTS_PER_PAGE - 1) / LISTS_PER_PAGE;
    namespace->lists = mem_zalloc(pages * sizeof(void *));
    while (namespace->lists && namespace->list_pages < pages &&
           (namespace->lists[namespace->list_pages] = page_alloc()))
        namespace->list_pages++;
    if (namespace->list_pages == pages)
        return namespace;
    namespace_free(namespace);
    return NULL;
}

static struct io_limits limits_of(const struct nvme_identity *controller,
                                  const struct nvme_namespace_identity *identity, unsigned depth)
{
    uint32_t zero_bytes = NVME_ZERO_BLOCKS_MAX * identity->block_bytes;
    return (struct io_limits){
        .block_bytes = identity->block_bytes,
        .transfer_bytes = controller->transfer_bytes,
        .discard_bytes = controller->deallocates ? DISCARD_BYTES_MAX : 0,
        .zero_bytes = controller->zeroes ? min(zero_bytes, ZERO_BYTES_MAX) : 0,
        .segment_align = PRP_ALIGN,
        .inner_align = PAGE_BYTES,
        .depth = depth,
    };
}

status_t nvme_namespace_publish(struct nvme_controller *controller, uint32_t id,
                                const struct nvme_namespace_identity *identity, unsigned depth)
{
    char name[DEVICE_NAME_BYTES];
    format_text(name, sizeof(name), "ns%u", id);
    struct nvme_namespace *namespace = namespace_create(controller, id, identity, depth);
    const struct device_description description = {
        .name = name,
        .ops = &namespace_ops,
        .private_data = namespace,
        .device_class = &class_disk,
        .read_only = identity->read_only,
        .driver_data_bytes = sizeof(struct nvme_request),
        .limits = limits_of(&controller->identity, identity, depth),
    };
    struct device *device = namespace ? device_create(controller->device, &description) : NULL;
    if (!device) {
        if (namespace)
            namespace_free(namespace);
        return -ENOMEM;
    }

    /* Its partitions may be read inside device_publish(). */
    namespace->device = device;
    device_set_medium(device, identity->blocks * identity->block_bytes);

    /* Without a place in the tree, the only reference is this one: giving it up frees the
     * namespace. */
    status_t status = device_publish(device);
    if (status)
        device_put(device);
    else
        list_push_back(&controller->namespaces, &namespace->link);
    return status;
}

void nvme_namespace_remove(struct nvme_namespace *namespace)
{
    list_remove(&namespace->link);
    device_remove(namespace->device);

    /* It is freed with the last reference, which may be this one. */
    device_put(namespace->device);
}
