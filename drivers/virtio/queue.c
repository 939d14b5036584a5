/*
 * queue.c - split virtqueues (VIRTIO 1.1 section 2.6).
 *
 *     driver: chain -> slot -> available ring -> notification
 *     device: memory -> used ring -> interrupt; driver: done()
 *
 * With indirect descriptors a slot is one descriptor of the ring, which refers to the slot's own
 * table. Without them a slot owns a part of the ring's descriptors. Either way the slot's number
 * follows from the descriptor that the device returns, so nothing is searched and nothing is
 * allocated for a request.
 *
 * The device writes the used ring at any time. Each of its values is read once, and checked before
 * use.
 */
#include "drivers/virtio/virtio.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    RING_INDEX = 1,         /* of the available ring, in 16-bit words, as the next */
    RING_ENTRIES = 2,
    USED_FLAGS = 0,         /* of the used ring, in bytes, as the next ones */
    USED_INDEX = 2,
    USED_ELEMENTS = 4,
    USED_ELEMENT_BYTES = 8, /* the descriptor, then the bytes written: 4 each */
    USED_NO_NOTIFY = 1,     /* flag: the device looks into the ring by itself */

    DESCRIPTOR_INDIRECT = 4,
    SIZE_MAX_USED = 256,    /* of a ring: its descriptors fill a page, its other parts another */
    USED_OFFSET = 1024,     /* in that page: after the available ring */

    DIRECT_SLOTS = 8,       /* that share a ring without indirect descriptors, if that leaves */
    DIRECT_PIECES_MIN = 4,  /* as many descriptors for each */
};

_Static_assert((RING_ENTRIES + SIZE_MAX_USED + 1) * 2 <= USED_OFFSET, "available ring");
_Static_assert(USED_OFFSET + USED_ELEMENTS + SIZE_MAX_USED * USED_ELEMENT_BYTES + 2 <= PAGE_BYTES,
               "used ring");

static struct virtqueue *queue_of(struct virtio_queue *queue)
{
    return container_of(queue, struct virtqueue, queue);
}

static uint16_t used16(const struct virtqueue *queue, unsigned offset)
{
    /* Acquire: the elements are read after the index that announces them. */
    return atomic_load_explicit((const _Atomic uint16_t *)(const void *)(queue->used + offset),
                                memory_order_acquire);
}

static uint32_t used32(const struct virtqueue *queue, unsigned offset)
{
    return atomic_load_explicit((const _Atomic uint32_t *)(const void *)(queue->used + offset),
                                memory_order_relaxed);
}

/* ---- violations -------------------------------------------------------------------------- */

void virtio_break(struct virtio_pci *pci, const char *what)
{
    spin_lock(&pci->lock);
    bool first = !pci->broken;
    pci->broken = true;
    bool running = pci->running;
    spin_unlock(&pci->lock);

    /* Without the lock: the client takes its own. It is called once, and only while it expects
     * callbacks. */
    if (first)
        log_error("virtio", "%s: %s; taken offline", pci->device.name, what);
    if (first && running)
        pci->client->failed(pci->context);
}

/* ---- memory ------------------------------------------------------------------------------- */

void virtqueue_free(struct virtqueue *queue)
{
    /* A direct slot has its table in the ring itself. */
    for (unsigned i = 0; queue->indirect && i < queue->queue.slots; i++)
        mem_free(queue->slots[i].table);
    if (queue->descriptors)
        page_free(queue->descriptors);
    if (queue->available)
        page_free((void *)queue->available);
    mem_free(queue);
}

static status_t allocate_rings(struct virtqueue *queue)
{
    queue->descriptors = page_alloc();
    void *rings = page_alloc();
    queue->available = rings;
    if (!queue->descriptors || !rings)
        return -ENOMEM;
    queue->used = (uint8_t *)rings + USED_OFFSET;

    /* All tables now: a request for a disk must not need memory, since it may be the write that
     * frees some. */
    size_t bytes = queue->queue.pieces * sizeof(struct virtio_descriptor);
    for (unsigned i = 0; i < queue->queue.slots; i++) {
        queue->slots[i].table = queue->indirect ? mem_alloc(bytes)
                                                : queue->descriptors + i * queue->stride;
        if (!queue->slots[i].table)
            return -ENOMEM;
    }
    return 0;
}

/* Returns the size that the device gives the selected queue, at most SIZE_MAX_USED; 0 if there is
 * no queue, or if the size is invalid. */
static uint16_t device_size(struct virtio_pci *pci, unsigned number)
{
    uint16_t size = register_read16(&pci->common, COMMON_QUEUE_SIZE);
    char text[64];
    if (!(size & (size - 1)))
        return min(size, SIZE_MAX_USED);

    /* Indices wrap at 65536, so only with a power of two do they agree with the ring's end
     * (2.6). */
    format_text(text, sizeof(text), "queue %u has the size %u, which is not a power of two", number,
                size);
    virtio_break(pci, text);
    return 0;
}

status_t virtqueue_create(struct virtio_pci *pci, unsigned number, unsigned slots, unsigned pieces,
                          struct virtqueue **queue)
{
    if (number >= register_read16(&pci->common, COMMON_QUEUE_COUNT))
        return -ENODEV;
    register_write16(&pci->common, COMMON_QUEUE_SELECT, (uint16_t)number);
    uint16_t size = device_size(pci, number);
    if (!size)
        return pci->broken ? -EIO : -ENODEV;

    /* No chain may be longer than the ring, even with a table of its own (2.6.5.3.1). Without
     * indirect descriptors the slots share the ring: several short chains are better than one. */
    bool indirect = virtio_has(&pci->device, FEATURE_INDIRECT);
    unsigned share = max(size / DIRECT_SLOTS, DIRECT_PIECES_MIN);
    pieces = min(pieces, size);
    if (!indirect)
        pieces = min(pieces, share);
    unsigned stride = indirect ? 1 : pieces;
    slots = min(slots, size / stride);

    /* Fewer slots than wanted: the client reads their number, and has no more in flight. */
    struct virtqueue *made = mem_zalloc(sizeof(*made) + slots * sizeof(made->slots[0]));
    if (!made)
        return -ENOMEM;
    made->queue = (struct virtio_queue){ &pci->device, number, slots, pieces };
    made->pci = pci;
    made->size = size;
    made->indirect = indirect;
    made->stride = (uint16_t)stride;

    if (allocate_rings(made)) {
        virtqueue_free(made);
        return -ENOMEM;
    }
    *queue = made;
    return 0;
}

/* ---- giving it to the device -------------------------------------------------------------- */

/* The registers of 64 bits are written in halves (4.1.3.1). */
static void write_address(struct virtio_pci *pci, uint32_t offset, const volatile void *memory)
{
    uint64_t address = mem_physical((const void *)memory);
    register_write32(&pci->common, offset, (uint32_t)address);
    register_write32(&pci->common, offset + 4, (uint32_t)(address >> 32));
}

/* Finds the queue's notification register, which the device may place anywhere in the window. */
static bool find_notify(struct virtqueue *queue)
{
    struct virtio_pci *pci = queue->pci;

    /* Both factors are the device's: 64 bits hold the product, which is checked against the
     * window. */
    uint64_t offset = (uint64_t)register_read16(&pci->common, COMMON_QUEUE_NOTIFY) *
                      pci->notify_multiplier;
    queue->notify = (uint32_t)offset;
    return offset + sizeof(uint16_t) <= pci->notify.bytes;
}

static void clear_rings(struct virtqueue *queue)
{
    /* A device that was reset starts at index 0 again, and so does the driver. What was submitted
     * is forgotten here: the client submits it again or ends it. */
    memset(queue->descriptors, 0, PAGE_BYTES);
    memset((void *)queue->available, 0, PAGE_BYTES);
    queue->available_index = queue->used_index = 0;
    queue->outstanding = 0;
    for (unsigned i = 0; i < queue->queue.slots; i++)
        queue->slots[i].submitted = false;
}

status_t virtqueue_enable(struct virtqueue *queue)
{
    struct virtio_pci *pci = queue->pci;

    /* The last vector is the queues'; if there is one only, it is the configuration's as well. */
    uint16_t vector = pci->messages ? (uint16_t)(pci->vectors - 1) : VECTOR_NONE;

    clear_rings(queue);
    register_write16(&pci->common, COMMON_QUEUE_SELECT, (uint16_t)queue->queue.number);
    register_write16(&pci->common, COMMON_QUEUE_SIZE, queue->size);
    register_write16(&pci->common, COMMON_QUEUE_VECTOR, vector);

    /* A device that has no room for the vector answers with another one (4.1.5.1.2). */
    if (register_read16(&pci->common, COMMON_QUEUE_SIZE) != queue->size ||
        register_read16(&pci->common, COMMON_QUEUE_VECTOR) != vector || !find_notify(queue)) {
        virtio_break(pci, "does not take the settings of a queue");
        return -EIO;
    }

    /* The addresses come before the enable bit, which must not be cleared again except by a reset
     * (4.1.4.3.2). */
    write_address(pci, COMMON_QUEUE_DESCRIPTORS, queue->descriptors);
    write_address(pci, COMMON_QUEUE_AVAILABLE, queue->available);
    write_address(pci, COMMON_QUEUE_USED, queue->used);
    register_write16(&pci->common, COMMON_QUEUE_ENABLE, 1);
    return 0;
}

/* ---- submitting --------------------------------------------------------------------------- */

struct virtio_chain virtqueue_chain(struct virtio_queue *public, unsigned slot)
{
    struct virtqueue *queue = queue_of(public);
    kassert(slot < public->slots && !queue->slots[slot].submitted);
    return (struct virtio_chain){
        .table = queue->slots[slot].table,
        .first = queue->indirect ? 0 : (uint16_t)(slot * queue->stride),
        .most = (uint16_t)public->pieces,
    };
}

void virtqueue_submit(struct virtio_queue *public, unsigned number,
                      const struct virtio_chain *chain)
{
    struct virtqueue *queue = queue_of(public);
    struct virtio_pci *pci = queue->pci;
    struct virtqueue_slot *slot = &queue->slots[number];
    uint16_t head = (uint16_t)(number * queue->stride);
    kassert(chain->count);

    /* During a reset the submission is dropped: its client knows what is in flight, and submits it
     * again or ends it. */
    spin_lock(&pci->lock);
    if (!pci->running || pci->broken) {
        spin_unlock(&pci->lock);
        return;
    }

    /* Recorded before the device sees the entry: it may return the slot at once. */
    kassert(!slot->submitted);
    slot->submitted = true;
    slot->bytes = chain->bytes;
    slot->writable_bytes = chain->writable_bytes;
    queue->outstanding++;
    if (queue->indirect)
        queue->descriptors[head] = (struct virtio_descriptor){
            .address = mem_physical(chain->table),
            .bytes = chain->count * (uint32_t)sizeof(struct virtio_descriptor),
            .flags = DESCRIPTOR_INDIRECT,
        };

    /* The entry, then the index that announces it. Then the flag is read: were it read earlier, the
     * device could go to sleep in between without having seen the index (2.6.13.4.1). */
    uint16_t index = queue->available_index++;
    atomic_store_explicit(&queue->available[RING_ENTRIES + index % queue->size], head,
                          memory_order_relaxed);
    atomic_store_explicit(&queue->available[RING_INDEX], queue->available_index,
                          memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    bool notify = !(used16(queue, USED_FLAGS) & USED_NO_NOTIFY);
    spin_unlock(&pci->lock);

    /* A device that was reset meanwhile ignores this. */
    if (notify)
        register_write16(&pci->notify, queue->notify, (uint16_t)public->number);
}

/* ---- what the device returns -------------------------------------------------------------- */

/* Takes the next slot out of the used ring. Returns false if there is none, or after a violation,
 * which is described in `text`. Caller holds the lock. */
static bool take(struct virtqueue *queue, unsigned *number, uint32_t *written_bytes, char *text,
                 size_t text_bytes)
{
    /* The difference is correct across the wrap of 16 bits. More new elements than requests would
     * make the loop read elements that were never written. */
    uint16_t ready = (uint16_t)(used16(queue, USED_INDEX) - queue->used_index);
    if (!ready)
        return false;
    if (ready > queue->outstanding) {
        format_text(text, text_bytes, "queue %u: the used ring has %u new elements, of %u requests",
                    queue->queue.number, ready, queue->outstanding);
        return false;
    }

    unsigned at = USED_ELEMENTS + queue->used_index % queue->size * USED_ELEMENT_BYTES;
    uint32_t head = used32(queue, at);
    *written_bytes = used32(queue, at + 4);
    *number = head / queue->stride;

    /* A descriptor that does not begin a submitted slot has no request: its memory may be free by
     * now. */
    struct virtqueue_slot *slot = &queue->slots[*number];
    if (head % queue->stride || *number >= queue->queue.slots || !slot->submitted) {
        format_text(text, text_bytes, "queue %u: returned descriptor %u, which was not submitted",
                    queue->queue.number, head);
        return false;
    }

    /* QEMU's SCSI controller counts the bytes that it has read, too. */
    if (*written_bytes > slot->bytes) {
        format_text(text, text_bytes, "queue %u: wrote %u bytes into %llu", queue->queue.number,
                    *written_bytes, (unsigned long long)slot->writable_bytes);
        return false;
    }
    *written_bytes = (uint32_t)min(*written_bytes, slot->writable_bytes);

    /* Taken: the same descriptor a second time is a violation. */
    slot->submitted = false;
    queue->outstanding--;
    queue->used_index++;
    return true;
}

void virtqueue_serve(struct virtqueue *queue)
{
    struct virtio_pci *pci = queue->pci;
    char wrong[96] = "";
    unsigned slot;
    uint32_t written_bytes;

    /* reset() waits until no callback runs, so that none comes after it. */
    spin_lock(&pci->lock);
    while (pci->running && !pci->broken &&
           take(queue, &slot, &written_bytes, wrong, sizeof(wrong))) {
        pci->serving++;
        spin_unlock(&pci->lock);
        pci->client->done(pci->context, queue->queue.number, slot, written_bytes);
        spin_lock(&pci->lock);
        pci->serving--;
    }
    spin_unlock(&pci->lock);

    /* Without the lock, which virtio_break() takes itself. */
    if (wrong[0])
        virtio_break(pci, wrong);
}
