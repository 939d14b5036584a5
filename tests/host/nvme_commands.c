/*
 * nvme_commands.c - what the commands of the model's controller do. See nvme_model.h.
 */
#include "tests/host/nvme_model.h"

#include "lib/macros.h"
#include "lib/string.h"

enum {
    INVALID_OPCODE = 0x001,
    INVALID_NAMESPACE = 0x00b,
    OUT_OF_RANGE = 0x080,
};

/* ---- data ----------------------------------------------------------------------------------- */

static uint64_t word64(const struct nvme_fetched *command, unsigned word)
{
    return command->words[word] | (uint64_t)command->words[word + 1] << 32;
}

/* Moves bytes between `data` and the memory that the command's PRPs describe. */
static void move(struct nvme_model *model, const struct nvme_fetched *command, uint8_t *data,
                 uint64_t bytes, bool to_host)
{
    uint64_t first = word64(command, 6), second = word64(command, 8);
    uint64_t in_first = NVME_MODEL_PAGE - first % NVME_MODEL_PAGE;
    uint64_t pages = bytes > in_first
                         ? (bytes - in_first + NVME_MODEL_PAGE - 1) / NVME_MODEL_PAGE : 0;
    const uint64_t *list = NULL;
    kassert(first % 4 == 0);

    /* A second page is in the second PRP; more are in a list, which does not cross a page. */
    if (pages == 1)
        list = &second;
    if (pages > 1) {
        kassert(second % 8 == 0);
        kassert(second % NVME_MODEL_PAGE + pages * 8 <= NVME_MODEL_PAGE);
        list = pci_model_dma(&model->pci, second);
    }

    for (uint64_t done = 0, n = 0; done < bytes; n++) {
        uint64_t at = n ? list[n - 1] : first;
        uint64_t count = n ? NVME_MODEL_PAGE : in_first;
        count = min(count, bytes - done);
        kassert(!n || at % NVME_MODEL_PAGE == 0);
        uint8_t *host = pci_model_dma(&model->pci, at);
        memcpy(to_host ? host : data + done, to_host ? data + done : host, count);
        done += count;
    }
}

static struct nvme_model_namespace *find(struct nvme_model *model, uint32_t id)
{
    for (unsigned i = 0; id && i < NVME_MODEL_NAMESPACES; i++)
        if (model->namespaces[i].id == id)
            return &model->namespaces[i];
    return NULL;
}

/* Fills a range of blocks as Dataset Management and Write Zeroes may. */
static uint16_t fill_blocks(struct nvme_model_namespace *namespace, uint64_t block, uint64_t count,
                            int value)
{
    if (count > namespace->blocks || block > namespace->blocks - count)
        return OUT_OF_RANGE;
    memset(namespace->image + (block << namespace->block_power), value,
           count << namespace->block_power);
    return 0;
}

static uint16_t deallocate(struct nvme_model *model, const struct nvme_fetched *command,
                           struct nvme_model_namespace *namespace)
{
    uint64_t range[2];
    kassert(command->words[10] == 0 && command->words[11] == 1 << 2); /* one range */
    move(model, command, (uint8_t *)range, sizeof(range), false);
    kassert((uint32_t)range[0] == 0);
    model->discards++;
    return fill_blocks(namespace, range[1], range[0] >> 32, NVME_MODEL_DEALLOCATED);
}

uint16_t nvme_model_execute_io(struct nvme_model *model, const struct nvme_fetched *command)
{
    uint8_t opcode = (uint8_t)command->words[0];
    struct nvme_model_namespace *namespace = find(model, command->words[1]);
    uint64_t block = word64(command, 10), count = (command->words[12] & 0xffff) + 1;
    if (!namespace)
        return INVALID_NAMESPACE;
    if (opcode == 0) {
        model->flushes++;
        return 0;
    }
    if (opcode == 8) {
        model->zeroings++;
        return fill_blocks(namespace, block, count, 0);
    }
    if (opcode == 9)
        return deallocate(model, command, namespace);
    if (opcode != 1 && opcode != 2)
        return INVALID_OPCODE;
    if (count > namespace->blocks || block > namespace->blocks - count)
        return OUT_OF_RANGE;

    /* MDTS: a power of 2; 0 means no limit. */
    uint64_t bytes = count << namespace->block_power;
    unsigned power = model->identify[77];
    kassert(!power || power > 20 || bytes <= (uint64_t)NVME_MODEL_PAGE << power);
    *(opcode == 1 ? &model->writes : &model->reads) += 1;
    move(model, command, namespace->image + (block << namespace->block_power), bytes, opcode == 2);
    return 0;
}

/* ---- admin commands ------------------------------------------------------------------------- */

static void list_namespaces(const struct nvme_model *model, uint32_t after, uint32_t *list)
{
    unsigned count = 0;
    for (uint32_t id = after + 1; count < NVME_MODEL_NAMESPACES && id < 1000; id++)
        for (unsigned i = 0; i < NVME_MODEL_NAMESPACES; i++)
            if (model->namespaces[i].id == id)
                list[count++] = id;
}

static uint16_t identify(struct nvme_model *model, const struct nvme_fetched *command)
{
    static const uint8_t zeroes[NVME_MODEL_PAGE];
    uint32_t list[NVME_MODEL_PAGE / 4] = { 0 };
    const struct nvme_model_namespace *namespace = find(model, command->words[1]);
    const void *data = NULL;
    switch (command->words[10] & 0xff) {
    case 0: data = namespace ? namespace->identify : zeroes; break;
    case 1: data = model->identify; break;
    case 2:
        kassert(model->version >= 0x10100);
        list_namespaces(model, command->words[1], list);
        data = model->list ? model->list : list;
        break;
    default: panic("nvme model: identify %#x", command->words[10]);
    }
    move(model, command, (uint8_t *)(uintptr_t)data, NVME_MODEL_PAGE, true);
    return 0;
}

static uint16_t create_completions(struct nvme_model *model, const struct nvme_fetched *command)
{
    struct nvme_model_queue *queue = &model->queues[1];
    uint32_t entries = (command->words[10] >> 16) + 1;
    kassert((command->words[10] & 0xffff) == 1 && command->words[11] & 1);
    kassert(entries >= 2 && entries <= (model->capabilities & 0xffff) + 1);
    queue->completions = word64(command, 6);
    kassert(queue->completions % NVME_MODEL_PAGE == 0);
    queue->completion_entries = entries;
    queue->completion_head = queue->completion_tail = 0;
    queue->phase = 1;
    queue->interrupts = command->words[11] & 2;
    queue->vector = command->words[11] >> 16;
    return 0;
}

static uint16_t create_submissions(struct nvme_model *model, const struct nvme_fetched *command)
{
    struct nvme_model_queue *queue = &model->queues[1];
    kassert((command->words[10] & 0xffff) == 1 && command->words[11] == (1 << 16 | 1));
    kassert(queue->completion_entries);
    queue->submissions = word64(command, 6);
    kassert(queue->submissions % NVME_MODEL_PAGE == 0);
    queue->entries = (command->words[10] >> 16) + 1;
    queue->head = queue->tail = 0;
    queue->exists = true;
    return 0;
}

bool nvme_model_execute_admin(struct nvme_model *model, const struct nvme_fetched *command,
                              uint16_t *status)
{
    uint8_t opcode = (uint8_t)command->words[0];
    model->opcodes[model->admin_count++ % ARRAY_LENGTH(model->opcodes)] = opcode;
    switch (opcode) {
    case 0x01: *status = create_submissions(model, command); break;
    case 0x02: move(model, command, (uint8_t[NVME_MODEL_PAGE]){ 0 }, NVME_MODEL_PAGE, true); break;
    case 0x05: *status = create_completions(model, command); break;
    case 0x06: *status = identify(model, command); break;
    case 0x09: break;
    case 0x0c:
        spin_lock(&model->lock);
        kassert(!model->event);
        model->event = (command->words[0] >> 16) + 1;
        spin_unlock(&model->lock);
        return false;
    default: *status = INVALID_OPCODE;
    }
    return true;
}
