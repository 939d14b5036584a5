/*
 * queue.c - a pair of rings in memory: commands for the controller, and its completions.
 *
 * The host writes a command at the tail of the submission ring and writes the new tail into a
 * doorbell register. The controller writes a completion with a phase bit, which it inverts each
 * time that it starts at the beginning of the ring again: so the host recognizes new entries
 * without reading a register (NVMe 1.4, 4.1 and 4.6).
 */
#include "drivers/storage/nvme/nvme.h"
#include "lib/macros.h"
#include "lib/string.h"

/* Words of a submission entry (4.2). */
enum {
    SUBMISSION_OPCODE = 0, /* and the identifier in the upper half */
    SUBMISSION_NAMESPACE = 1,
    SUBMISSION_PRP1 = 6,
    SUBMISSION_PRP2 = 8,
    SUBMISSION_CDW10 = 10,
};

/* Words of a completion entry (4.6). */
enum {
    COMPLETION_RESULT = 0,
    COMPLETION_HEAD = 2,   /* and the queue in the upper half */
    COMPLETION_ID = 3,     /* and the phase and the status in the upper half */
    COMPLETION_PHASE_SHIFT = 16,
    COMPLETION_STATUS_SHIFT = 17,
};

/* ---- memory --------------------------------------------------------------------------------- */

/* Returns how many of the pages follow each other in memory, for the processor and the device. */
static unsigned contiguous_pages(void *const pages[], size_t count)
{
    unsigned n = 1;
    while (n < count && (char *)pages[n] == (char *)pages[0] + n * PAGE_BYTES &&
           mem_physical(pages[n]) == mem_physical(pages[0]) + n * PAGE_BYTES)
        n++;
    return n;
}

static status_t create_submissions(struct nvme_queue *queue)
{
    size_t wanted = (queue->entries * NVME_SUBMISSION_BYTES + PAGE_BYTES - 1) / PAGE_BYTES;
    size_t got = page_alloc_many(queue->pages, wanted);
    if (!got)
        return -ENOMEM;

    /* A controller may require a queue in contiguous memory (CAP.CQR). */
    queue->page_count = contiguous_pages(queue->pages, got);
    while (got > queue->page_count)
        page_free(queue->pages[--got]);

    /* With fewer pages the ring is shorter, which only limits the requests in flight. */
    queue->submissions = queue->pages[0];
    unsigned room = queue->page_count * (PAGE_BYTES / NVME_SUBMISSION_BYTES);
    queue->entries = min(queue->entries, room);
    return 0;
}

status_t nvme_queue_create(struct nvme_queue *queue, uint16_t number, unsigned entries)
{
    queue->number = number;
    queue->entries = entries;

    /* A page has room for the completions of the largest ring. */
    queue->completions = page_alloc();
    return queue->completions ? create_submissions(queue) : -ENOMEM;
}

void nvme_queue_destroy(struct nvme_queue *queue)
{
    while (queue->page_count)
        page_free(queue->pages[--queue->page_count]);
    if (queue->completions)
        page_free(queue->completions);
    queue->completions = NULL;
}

void nvme_queue_clear(struct nvme_queue *queue)
{
    memset(queue->submissions, 0, queue->entries * NVME_SUBMISSION_BYTES);
    memset(queue->completions, 0, PAGE_BYTES);

    /* The first pass of the controller sets the phase; in the cleared entries it is 0, so none of
     * them is taken for a new one (4.6). */
    queue->tail = queue->head = 0;
    queue->phase = 1;
    queue->moved = false;
}

/* ---- entries -------------------------------------------------------------------------------- */

void nvme_queue_put(struct nvme_queue *queue, uint16_t id, const struct nvme_command *command)
{
    /* An entry was used before, and the fields that are not set must be 0. */
    uint32_t *entry = queue->submissions[queue->tail];
    memset(entry, 0, NVME_SUBMISSION_BYTES);
    entry[SUBMISSION_OPCODE] = command->opcode | (uint32_t)id << 16;
    entry[SUBMISSION_NAMESPACE] = command->namespace;
    entry[SUBMISSION_PRP1] = (uint32_t)command->prp1;
    entry[SUBMISSION_PRP1 + 1] = (uint32_t)(command->prp1 >> 32);
    entry[SUBMISSION_PRP2] = (uint32_t)command->prp2;
    entry[SUBMISSION_PRP2 + 1] = (uint32_t)(command->prp2 >> 32);
    memcpy(&entry[SUBMISSION_CDW10], command->words, sizeof(command->words));

    /* The controller may fetch the entry as soon as this is written: register_write32() is after
     * the stores to memory, for the compiler as for the processor. */
    queue->tail = (queue->tail + 1) % queue->entries;
    register_write32(queue->registers, queue->tail_doorbell, queue->tail);
}

bool nvme_queue_take(struct nvme_queue *queue, struct nvme_completion *completion)
{
    /* The controller writes the word with the phase last, so it is read first. */
    uint32_t *entry = queue->completions[queue->head];
    uint32_t last = __atomic_load_n(&entry[COMPLETION_ID], __ATOMIC_ACQUIRE);
    if ((last >> COMPLETION_PHASE_SHIFT & 1) != queue->phase)
        return false;

    /* Copied once, since the controller can write to the entry at any time: what is checked is what
     * is used. */
    *completion = (struct nvme_completion){
        .result = entry[COMPLETION_RESULT],
        .head = (uint16_t)entry[COMPLETION_HEAD],
        .queue = (uint16_t)(entry[COMPLETION_HEAD] >> 16),
        .id = (uint16_t)last,
        .status = (uint16_t)(last >> COMPLETION_STATUS_SHIFT),
    };

    /* After the last entry the controller inverts the phase that it writes. */
    queue->moved = true;
    queue->head = (queue->head + 1) % queue->entries;
    if (!queue->head)
        queue->phase ^= 1;
    return true;
}

const char *nvme_queue_check(const struct nvme_queue *queue,
                             const struct nvme_completion *completion)
{
    if (completion->queue != queue->number)
        return "a completion names another queue";

    /* The head itself is not used: there are never more commands than the ring has room for. */
    if (completion->head >= queue->entries)
        return "a completion's queue head is outside the queue";
    return NULL;
}

void nvme_queue_acknowledge(struct nvme_queue *queue)
{
    /* Writing the value that a doorbell already has is an error of the host (5.2). */
    if (queue->moved)
        register_write32(queue->registers, queue->head_doorbell, queue->head);
    queue->moved = false;
}
