/*
 * heap.c - size classes of objects in slabs, and runs of pages: see heap.h.
 */
#include "kernel/mm/heap.h"
#include "kernel/mm/frames.h"
#include "kernel/mm/memory.h"
#include "kernel/mm/space.h"
#include "lib/macros.h"
#include "lib/string.h"

/* Multiples of 16; the larger ones waste little of a page. */
static const uint16_t class_bytes[] = { 16,  32,  48,  64,  96,  128,  192,
                                        256, 384, 512, 816, 1024, 1360, HEAP_OBJECT_MAX };
enum {
    CLASSES = ARRAY_LENGTH(class_bytes),
    GRAIN = 16,
    RECLAIM_PART = 8, /* one allocation reclaims at most this fraction of memory */
    LINK_BYTES = sizeof(uint16_t), /* the link in the first bytes of a free object */
};

/* 2^32 / class_bytes[], rounded up: offset * inverse >> 32 divides an offset in a page without a
 * division. */
static uint32_t class_inverse[CLASSES];
static struct spin lock = SPIN_INIT(RANK_HEAP);
static struct list partial[CLASSES]; /* slabs with a free object: struct frame, by link */
static uint8_t class_of_grains[HEAP_OBJECT_MAX / GRAIN + 1];
static size_t used_bytes;

void heap_start(void)
{
    unsigned class = 0;

    /* Computed once, so that allocating and freeing need neither a search nor a division. */
    for (unsigned i = 0; i < CLASSES; i++) {
        list_init(&partial[i]);
        class_inverse[i] = UINT32_MAX / class_bytes[i] + 1;
    }

    for (unsigned grains = 0; grains <= HEAP_OBJECT_MAX / GRAIN; grains++) {
        if (grains * GRAIN > class_bytes[class])
            class++;
        class_of_grains[grains] = (uint8_t)class;
    }
}

/* ---- objects in slabs --------------------------------------------------------------------- */

static bool slab_is_full(const struct frame *slab)
{
    return slab->free_object == FRAME_NO_OBJECT &&
           (slab->carved + 1u) * class_bytes[slab->order] > PAGE_BYTES;
}

static struct frame *create_slab(unsigned class)
{
    /* Not page_alloc(): the heap's lock is held, so nothing may be reclaimed here. */
    void *page = frames_alloc(1);
    if (!page)
        return NULL;

    /* Objects are carved from the page one by one, so a new slab costs no loop over the page. */
    struct frame *slab = frame_of(page);
    slab->state = FRAME_SLAB;
    slab->order = (uint8_t)class;
    slab->used = slab->carved = 0;
    slab->free_object = FRAME_NO_OBJECT;
    list_push_front(&partial[class], &slab->link);
    return slab;
}

/* Detects a write after free when the object is allocated again. */
static void check_poison(const uint8_t *object, size_t bytes)
{
    for (size_t i = LINK_BYTES; i < bytes; i++)
        if (object[i] != MEMORY_POISON)
            panic("heap: byte %zu of %p (%zu bytes) was written after it was freed", i,
                  (const void *)object, bytes);
}

static void *take_freed(struct frame *slab, uint8_t *page)
{
    uint8_t *object = page + slab->free_object;

    memcpy(&slab->free_object, object, LINK_BYTES);
    if (MEMORY_DEBUG)
        check_poison(object, class_bytes[slab->order]);
    return object;
}

/* Returns an object, or NULL if there is no page for a new slab. */
static void *take_object(unsigned class)
{
    /* The slab added last is first in the list: its page is most likely in the cache. */
    struct frame *slab = container_of(partial[class].next, struct frame, link);
    if (list_empty(&partial[class]))
        slab = create_slab(class);
    if (!slab)
        return NULL;

    /* Freed objects first: they are more likely in the processor's cache than uncarved ones. */
    uint8_t *page = frame_memory(slab);
    void *object = slab->free_object != FRAME_NO_OBJECT
                       ? take_freed(slab, page)
                       : page + (size_t)slab->carved++ * class_bytes[class];
    slab->used++;

    /* Full slabs are in no list; free_object() puts them back. */
    if (slab_is_full(slab))
        list_remove(&slab->link);
    used_bytes += class_bytes[class];
    return object;
}

static void free_object(struct frame *slab, void *object)
{
    unsigned offset = (uint64_t)object % PAGE_BYTES, bytes = class_bytes[slab->order];
    unsigned number = (unsigned)((uint64_t)offset * class_inverse[slab->order] >> 32);

    /* The pointer must be to the start of an object that was allocated before. */
    if (number * bytes != offset || number >= slab->carved)
        panic("mem_free: %p is not the start of an allocated object", object);
    if (MEMORY_DEBUG)
        memset(object, MEMORY_POISON, bytes);

    /* Link the object in front of the free ones. The link is an offset in the page, in the first
     * bytes of the object. */
    if (slab_is_full(slab))
        list_push_front(&partial[slab->order], &slab->link);
    memcpy(object, &slab->free_object, LINK_BYTES);
    slab->free_object = (uint16_t)offset;
    used_bytes -= bytes;

    /* An empty slab is not kept: the page may be needed for a file's data. */
    if (--slab->used == 0) {
        list_remove(&slab->link);
        frames_free(frame_memory(slab), 1);
    }
}

static void *locked_take(unsigned class)
{
    spin_lock(&lock);
    void *object = take_object(class);
    spin_unlock(&lock);
    return object;
}

static void *alloc_object(size_t bytes)
{
    unsigned class = class_of_grains[(bytes + GRAIN - 1) / GRAIN];
    void *object = locked_take(class);

    while (!object) {
        /* Try again even if no page was freed: the reclaimer may have freed objects of this
         * class. */
        bool more = frames_reclaim(1) > 0;
        object = locked_take(class);
        if (!more)
            break;
    }
    return object;
}

/* ---- runs of pages ------------------------------------------------------------------------ */

/* Allocates contiguous frames, else single pages at consecutive addresses. If even reclaim is
 * unlikely to find enough, fails at once instead of emptying the caches for nothing. */
static void *alloc_large(size_t bytes)
{
    size_t pages = bytes / PAGE_BYTES + (bytes % PAGE_BYTES != 0);
    void *memory = frames_alloc(pages);

    if (!memory && pages > page_free_count() + page_total_count() / RECLAIM_PART)
        return NULL;

    /* Memory is fragmented, or exhausted. Single pages can be reclaimed, contiguous ones cannot. */
    bool run = !memory;
    if (run && !(memory = space_run_alloc(pages)))
        return NULL;

    /* A run's length is marked by its unmapped neighbours, a block's is in its first frame. */
    spin_lock(&lock);
    if (!run) {
        struct frame *frame = frame_of(memory);
        frame->state = FRAME_LARGE;
        frame->run_pages = (uint32_t)pages;
    }
    used_bytes += pages * PAGE_BYTES;
    spin_unlock(&lock);
    return memory;
}

static void free_run(void *memory)
{
    size_t pages = space_run_free(memory);

    spin_lock(&lock);
    used_bytes -= pages * PAGE_BYTES;
    spin_unlock(&lock);
}

static void free_large(struct frame *frame, void *memory)
{
    if ((uint64_t)memory % PAGE_BYTES != 0)
        panic("mem_free: %p is inside a run of pages", memory);
    used_bytes -= (size_t)frame->run_pages * PAGE_BYTES;
    frames_free(memory, frame->run_pages);
}

/* ---- the heap functions of kernel/port.h --------------------------------------------------- */

void *mem_alloc(size_t bytes)
{
    return bytes <= HEAP_OBJECT_MAX ? alloc_object(bytes) : alloc_large(bytes);
}

size_t mem_alloc_many(size_t bytes, void *objects[], size_t count)
{
    kassert(bytes <= HEAP_OBJECT_MAX);
    unsigned class = class_of_grains[(bytes + GRAIN - 1) / GRAIN];
    size_t got = 0;

    /* The lock is taken once for all of them. */
    spin_lock(&lock);
    while (got < count && (objects[got] = take_object(class)))
        got++;
    spin_unlock(&lock);

    /* The rest one by one, since mem_alloc() calls the reclaimer, which needs the lock released. */
    while (got < count && (objects[got] = mem_alloc(bytes)))
        got++;
    return got;
}

void *mem_zalloc(size_t bytes)
{
    void *memory = mem_alloc(bytes);

    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void mem_free(void *memory)
{
    if (!memory)
        return;
    if (space_is_run(memory)) {
        free_run(memory);
        return;
    }

    /* Slabs are found by any address in their only page, blocks by that of their first. */
    struct frame *frame = frame_of(memory);
    spin_lock(&lock);
    if (frame->state == FRAME_SLAB)
        free_object(frame, memory);
    else if (frame->state == FRAME_LARGE)
        free_large(frame, memory);
    else
        panic("mem_free: %p is not allocated", memory);
    spin_unlock(&lock);
}

size_t mem_used_bytes(void)
{
    return used_bytes;
}
