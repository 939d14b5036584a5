/*
 * cache.c - pages of all caches: one hash table, one list for reclaim, one spin.
 */
#include "kernel/vfs/cache.h"
#include "kernel/sched/sync.h"
#include "lib/hash.h"
#include "lib/string.h"

enum {
    PIECES = PAGE_BYTES / CACHE_PIECE_BYTES,
    WINDOW_START_BYTES = 32 * 1024, /* the first window of a sequential reader */
    BUCKETS_MIN = 256,
};

struct cache_page {
    struct cache *cache;
    uint64_t index; /* offset / PAGE_BYTES */
    uint8_t *data;
    unsigned pins;
    uint8_t valid; /* a bit a piece */
    bool busy;     /* a fill writes to pieces that are not valid */
    bool referenced;
    struct list bucket_link, cache_link, age_link;
};

/* A page of a fill: `bytes` of it from `from` on. With `spare` they are read to there: the page is
 * partly valid, and what readers may look at is not written to; or it is valid altogether and
 * `page` is NULL (blocks larger than a page are read whole). */
struct fill_slot {
    struct cache_page *page, *spare;
    uint16_t from, bytes;
};

struct cache_fill {
    struct vfs_io io;
    struct cache *cache;
    _Atomic int references; /* the reader's and the completion's */
    status_t status;
    bool ended;
    unsigned slot_count;
    struct io_segment *segments;
    struct fill_slot slots[];
};

static struct {
    struct spin lock;
    struct list *buckets;
    size_t bucket_mask;
    struct list by_age; /* front: to be looked at first */
    size_t count;
    struct wait_queue changed; /* a page stopped being busy, or a fill ended */
} pages = {
    .lock = SPIN_INIT(RANK_CACHE),
    .by_age = LIST_INIT(pages.by_age),
    .changed = WAIT_QUEUE_INIT(pages.changed),
};

/* ---- the table ---------------------------------------------------------------------------- */

status_t cache_start(void)
{
    size_t buckets = BUCKETS_MIN;
    while (buckets < page_total_count() / 4)
        buckets *= 2;
    pages.buckets = mem_alloc(buckets * sizeof(struct list));
    if (!pages.buckets)
        return -ENOMEM;
    for (size_t i = 0; i < buckets; i++)
        list_init(&pages.buckets[i]);
    pages.bucket_mask = buckets - 1;
    return 0;
}

void cache_stop(void)
{
    kassert(!pages.count);
    mem_free(pages.buckets);
    pages.buckets = NULL;
}

static struct list *page_bucket(const struct cache *cache, uint64_t index)
{
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)cache + index * 0x9e3779b97f4a7c15u);
    return &pages.buckets[hash & pages.bucket_mask];
}

static struct cache_page *page_find(const struct cache *cache, uint64_t index)
{
    kassert(spin_is_held(&pages.lock));
    struct list *bucket = page_bucket(cache, index);
    list_each(link, bucket) {
        struct cache_page *page = list_entry(link, struct cache_page, bucket_link);
        if (page->cache == cache && page->index == index)
            return page;
    }
    return NULL;
}

static void page_insert(struct cache_page *page, struct cache *cache, uint64_t index)
{
    page->cache = cache;
    page->index = index;
    page->busy = true;
    list_push_front(page_bucket(cache, index), &page->bucket_link);
    list_push_back(&cache->pages, &page->cache_link);
    list_push_back(&pages.by_age, &page->age_link);
    pages.count++;
}

static void page_remove(struct cache_page *page)
{
    list_remove(&page->bucket_link);
    list_remove(&page->cache_link);
    list_remove(&page->age_link);
    pages.count--;
}

static struct cache_page *page_create(void)
{
    struct cache_page *page = mem_zalloc(sizeof(*page));
    if (!page)
        return NULL;
    page->data = page_alloc();
    if (!page->data) {
        mem_free(page);
        return NULL;
    }
    return page;
}

static void page_destroy(struct cache_page *page)
{
    page_free(page->data);
    mem_free(page);
}

size_t cache_page_count(void)
{
    return pages.count;
}

size_t cache_reclaim(size_t wanted)
{
    size_t freed = 0;
    if (!spin_try_lock(&pages.lock))
        return 0;
    for (size_t left = 2 * pages.count; left && pages.count && freed < wanted; left--) {
        struct cache_page *page =
            list_entry(list_pop_front(&pages.by_age), struct cache_page, age_link);
        bool spare = page->busy || page->pins || page->referenced;
        list_push_back(&pages.by_age, &page->age_link);
        page->referenced = false;
        if (spare)
            continue;
        page_remove(page);
        page_destroy(page);
        freed++;
    }
    spin_unlock(&pages.lock);
    return freed;
}

/* ---- life --------------------------------------------------------------------------------- */

void cache_init(struct cache *cache, const struct cache_ops *ops, void *owner,
                uint32_t block_bytes, uint64_t size_bytes)
{
    *cache = (struct cache){
        .ops = ops,
        .owner = owner,
        .block_bytes = block_bytes,
        .size_bytes = size_bytes,
    };
    list_init(&cache->pages);
}

void cache_destroy(struct cache *cache)
{
    if (!cache->ops)
        return;
    spin_lock(&pages.lock);
    while (cache->fills)
        (void)!wait_queue_wait(&pages.changed, &pages.lock, TIME_NEVER);
    while (!list_empty(&cache->pages)) {
        struct cache_page *page = list_entry(cache->pages.next, struct cache_page, cache_link);
        kassert(!page->pins && !page->busy);
        page_remove(page);
        page_destroy(page);
    }
    spin_unlock(&pages.lock);
}

bool cache_has_fills(struct cache *cache)
{
    spin_lock(&pages.lock);
    bool has = cache->ops && cache->fills;
    spin_unlock(&pages.lock);
    return has;
}

bool cache_is_idle(struct cache *cache)
{
    if (!spin_try_lock(&pages.lock))
        return false;
    bool idle = !cache->fills && list_empty(&cache->pages);
    spin_unlock(&pages.lock);
    return idle;
}

/* ---- filling ------------------------------------------------------------------------------ */

static uint8_t piece_mask(uint32_t from, uint32_t to)
{
    return (uint8_t)(((1u << (to / CACHE_PIECE_BYTES)) - 1) &
                     ~((1u << (from / CACHE_PIECE_BYTES)) - 1));
}

static uint64_t cache_end(const struct cache *cache)
{
    return (cache->size_bytes + cache->block_bytes - 1) / cache->block_bytes * cache->block_bytes;
}

struct vfs_io *cache_fill_io(struct cache_fill *fill)
{
    return &fill->io;
}

static void fill_put(struct cache_fill *fill)
{
    if (atomic_fetch_sub(&fill->references, 1) != 1)
        return;
    for (unsigned i = 0; i < fill->slot_count; i++)
        if (fill->slots[i].spare)
            page_destroy(fill->slots[i].spare);
    mem_free(fill->segments);
    mem_free(fill);
}

/* A fill of [start, end) with a fresh page for each slot; shorter when memory runs out. */
static struct cache_fill *fill_create(struct cache *cache, uint64_t start, uint64_t end)
{
    size_t count = (end + PAGE_BYTES - 1) / PAGE_BYTES - start / PAGE_BYTES;
    struct cache_fill *fill = mem_zalloc(sizeof(*fill) + count * sizeof(struct fill_slot));
    if (!fill)
        return NULL;
    atomic_init(&fill->references, 1);
    fill->cache = cache;
    fill->io.offset_bytes = start;
    fill->segments = mem_alloc(count * sizeof(struct io_segment));
    for (; fill->segments && fill->slot_count < count; fill->slot_count++) {
        struct fill_slot *slot = &fill->slots[fill->slot_count];
        if (!(slot->spare = page_create()))
            break;
        uint64_t page_start = start / PAGE_BYTES * PAGE_BYTES + fill->slot_count * PAGE_BYTES;
        uint64_t from = page_start < start ? start : page_start;
        uint64_t to = page_start + PAGE_BYTES < end ? page_start + PAGE_BYTES : end;
        slot->from = (uint16_t)(from - page_start);
        slot->bytes = (uint16_t)(to - from);
    }
    return fill;
}

/* Enters slot i into the table. False: the page is busy, or there is nothing to fill in it. */
static bool fill_claim_slot(struct cache_fill *fill, unsigned i)
{
    struct cache *cache = fill->cache;
    struct fill_slot *slot = &fill->slots[i];
    uint64_t index = fill->io.offset_bytes / PAGE_BYTES + i;
    uint8_t mask = piece_mask(slot->from, slot->from + slot->bytes);
    struct cache_page *page = page_find(cache, index);
    if (!page) {
        page_insert(slot->spare, cache, index);
        slot->page = slot->spare;
        slot->spare = NULL;
        return true;
    }
    if (page->busy)
        return false;
    if ((page->valid & mask) == mask)
        return cache->block_bytes > PAGE_BYTES; /* read again, into the spare */
    page->busy = true;
    slot->page = page; /* what it lacks comes by way of the spare */
    return true;
}

/* Claims slots from the front for as long as they are free to be filled, in whole blocks. */
static void fill_claim(struct cache_fill *fill)
{
    struct cache *cache = fill->cache;
    unsigned block_pages = cache->block_bytes / PAGE_BYTES, claimed = 0;
    spin_lock(&pages.lock);
    while (claimed < fill->slot_count && fill_claim_slot(fill, claimed))
        claimed++;
    if (block_pages > 1)
        for (; claimed % block_pages; claimed--) { /* half a block cannot be read */
            struct cache_page *page = fill->slots[claimed - 1].page;
            if (page && !page->valid && !fill->slots[claimed - 1].spare) {
                page_remove(page);
                fill->slots[claimed - 1].spare = page;
            }
            if (page)
                page->busy = false;
            fill->slots[claimed - 1].page = NULL;
        }
    if (claimed)
        cache->fills++;
    spin_unlock(&pages.lock);
    for (unsigned i = claimed; i < fill->slot_count; i++)
        if (fill->slots[i].spare)
            page_destroy(fill->slots[i].spare);
    fill->slot_count = claimed;
}

static void fill_io_complete(struct vfs_io *io, status_t status)
{
    cache_fill_done(io->context, status, io->done_bytes);
}

static void fill_start(struct cache_fill *fill)
{
    for (unsigned i = 0; i < fill->slot_count; i++) {
        struct fill_slot *slot = &fill->slots[i];
        struct cache_page *page = slot->spare ? slot->spare : slot->page;
        fill->segments[i].address = page->data + slot->from;
        fill->segments[i].length_bytes = slot->bytes;
        fill->io.length_bytes += slot->bytes;
    }
    fill->io.op = IO_READ;
    fill->io.segments = fill->segments;
    fill->io.segment_count = fill->slot_count;
    fill->io.complete = fill_io_complete;
    fill->io.context = fill;
    fill->cache->ops->fill(fill->cache, fill);
}

/* Makes what was read of a slot valid, with zeroes past the end of the cache. */
static void fill_validate_slot(struct cache_fill *fill, struct fill_slot *slot, uint64_t good_end)
{
    struct cache_page *page = slot->page;
    uint64_t page_start = page->index * PAGE_BYTES, size = fill->cache->size_bytes;
    uint64_t end = page_start + slot->from + slot->bytes;
    if (good_end < end)
        end = good_end;
    if (end <= page_start + slot->from)
        return;
    uint32_t to = (uint32_t)(end - page_start);
    uint8_t *data = slot->spare ? slot->spare->data : page->data;
    if (size <= end) {
        uint32_t live = size > page_start ? (uint32_t)(size - page_start) : 0;
        memset(data + live, 0, PAGE_BYTES - live);
        to = PAGE_BYTES;
    }
    uint8_t fresh = piece_mask(slot->from, to) & (uint8_t)~page->valid;
    for (uint32_t at = 0; slot->spare && at < PAGE_BYTES; at += CACHE_PIECE_BYTES)
        if (fresh & 1u << at / CACHE_PIECE_BYTES)
            memcpy(page->data + at, data + at, CACHE_PIECE_BYTES);
    page->valid |= fresh;
}

void cache_fill_done(struct cache_fill *fill, status_t status, uint64_t done_bytes)
{
    struct cache *cache = fill->cache;
    uint64_t good = status ? done_bytes - done_bytes % cache->block_bytes : fill->io.length_bytes;
    uint64_t good_end = fill->io.offset_bytes + good;
    fill->status = status;
    spin_lock(&pages.lock);
    for (unsigned i = 0; i < fill->slot_count; i++) {
        struct fill_slot *slot = &fill->slots[i];
        if (!slot->page)
            continue;
        fill_validate_slot(fill, slot, good_end);
        slot->page->busy = false;
        if (slot->page->valid)
            continue;
        page_remove(slot->page); /* what failed is not cached */
        page_destroy(slot->page);
    }
    cache->fills--;
    fill->ended = true;
    wait_queue_wake_all(&pages.changed);
    spin_unlock(&pages.lock);
    fill_put(fill);
}

/* Begins to fill [start, start + bytes), cut to the cache. With `result`, the caller gets a
 * reference to the fill. 0 when nothing was to do, too (*result is then NULL). */
static status_t cache_fill_range(struct cache *cache, uint64_t start, uint64_t bytes,
                                 struct cache_fill **result)
{
    uint64_t end = start + bytes, last = cache_end(cache);
    if (end > last)
        end = last;
    struct cache_fill *fill = fill_create(cache, start, end);
    if (!fill)
        return -ENOMEM;
    uint64_t reach = start - start % PAGE_BYTES + fill->slot_count * (uint64_t)PAGE_BYTES;
    status_t status = reach >= start + cache->block_bytes ? 0 : -ENOMEM; /* not even a block */
    fill_claim(fill);
    if (!fill->slot_count) {
        fill_put(fill);
        return status;
    }
    if (result) {
        atomic_fetch_add(&fill->references, 1);
        *result = fill;
    }
    fill_start(fill);
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

static uint32_t cache_unit(const struct cache *cache)
{
    return cache->block_bytes > PAGE_BYTES ? cache->block_bytes : PAGE_BYTES;
}

/* How much to ask for at `offset`, which is not there: by how the cache was read so far. */
static uint64_t cache_plan_window(struct cache *cache, uint64_t offset)
{
    uint32_t unit = cache_unit(cache);
    uint64_t start = offset / unit * unit;
    bool sequential = offset < PAGE_BYTES || offset / PAGE_BYTES == cache->expected / PAGE_BYTES;
    uint32_t window = unit;
    if (sequential)
        window = cache->window_bytes < WINDOW_START_BYTES ? WINDOW_START_BYTES
                                                          : cache->window_bytes * 2;
    if (window > CACHE_WINDOW_BYTES)
        window = CACHE_WINDOW_BYTES;
    if (window < unit)
        window = unit;
    cache->window_bytes = window;
    cache->ahead_end = start + window;
    return window;
}

/* A page was found at `offset`. Returns how many bytes from ahead_end on to launch now. */
static uint32_t cache_plan_ahead(struct cache *cache, uint64_t offset)
{
    uint64_t page_start = offset / PAGE_BYTES * PAGE_BYTES;
    bool forward = page_start == cache->expected;
    cache->expected = page_start + PAGE_BYTES;
    if (!forward || cache->window_bytes < 2 * WINDOW_START_BYTES)
        return 0;
    if (cache->ahead_end <= offset || cache->ahead_end >= cache->size_bytes)
        return 0;
    if (cache->ahead_end - offset > cache->window_bytes / 2)
        return 0;
    cache->ahead_end += cache->window_bytes;
    return cache->window_bytes;
}

/* Pins the valid pieces at `offset`; waits while they are busy. NULL: not there, or interrupted. */
static struct cache_page *cache_pin(struct cache *cache, uint64_t offset, size_t *bytes)
{
    struct cache_page *page;
    unsigned piece = (unsigned)(offset % PAGE_BYTES / CACHE_PIECE_BYTES);
    while ((page = page_find(cache, offset / PAGE_BYTES))) {
        if (page->valid & (1u << piece))
            break;
        if (!page->busy ||
            wait_queue_wait_interruptible(&pages.changed, &pages.lock, TIME_NEVER))
            return NULL;
    }
    if (!page)
        return NULL;
    while (piece < PIECES && page->valid & (1u << piece))
        piece++;
    uint64_t end = page->index * PAGE_BYTES + piece * CACHE_PIECE_BYTES;
    *bytes = (size_t)((end < cache->size_bytes ? end : cache->size_bytes) - offset);
    page->pins++;
    page->referenced = true;
    return page;
}

static status_t fill_wait(struct cache_fill *fill)
{
    if (!fill)
        return 0;
    status_t status = 0;
    spin_lock(&pages.lock);
    while (!fill->ended && !status)
        status = wait_queue_wait_interruptible(&pages.changed, &pages.lock, TIME_NEVER);
    if (fill->ended)
        status = fill->status;
    spin_unlock(&pages.lock);
    fill_put(fill);
    return status;
}

/* Reads what is missing at `offset` and waits: a window first; where that fails, the one block. */
static status_t cache_fetch(struct cache *cache, uint64_t offset, bool *block_only)
{
    uint64_t unit = *block_only ? cache->block_bytes : cache_unit(cache);
    uint64_t start = offset / unit * unit, bytes = unit;
    if (!*block_only) {
        spin_lock(&pages.lock);
        bytes = cache_plan_window(cache, offset);
        spin_unlock(&pages.lock);
    }
    struct cache_fill *fill = NULL;
    status_t status = cache_fill_range(cache, start, bytes, &fill);
    if (!status)
        status = fill_wait(fill);
    if (!status || status == -EINTR || *block_only)
        return status;
    *block_only = true;
    return 0;
}

ssize_t cache_view_open(struct cache *cache, uint64_t offset, struct cache_view *view)
{
    status_t status = 0;
    bool block_only = false;
    while (!status && !(cache->ops->check && (status = cache->ops->check(cache)))) {
        if (offset >= cache->size_bytes)
            return 0;
        uint32_t ahead = 0;
        spin_lock(&pages.lock);
        view->page = cache_pin(cache, offset, &view->length_bytes);
        uint64_t ahead_start = cache->ahead_end;
        if (view->page)
            ahead = cache_plan_ahead(cache, offset);
        spin_unlock(&pages.lock);
        if (view->page) {
            view->data = view->page->data + offset % PAGE_BYTES;
            if (ahead) /* only a hint: what fails is asked for again by the reader */
                (void)!cache_fill_range(cache, ahead_start, ahead, NULL);
            return (ssize_t)view->length_bytes;
        }
        status = thread_interrupted() ? -EINTR : cache_fetch(cache, offset, &block_only);
    }
    return status;
}

void cache_view_close(struct cache_view *view)
{
    spin_lock(&pages.lock);
    view->page->pins--;
    spin_unlock(&pages.lock);
    view->page = NULL;
}

ssize_t cache_read(struct cache *cache, uint64_t offset, void *buffer, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        struct cache_view view;
        ssize_t got = cache_view_open(cache, offset + done, &view);
        if (got <= 0)
            return done ? (ssize_t)done : got;
        size_t count = (size_t)got < bytes - done ? (size_t)got : bytes - done;
        memcpy((char *)buffer + done, view.data, count);
        cache_view_close(&view);
        done += count;
    }
    return (ssize_t)done;
}

/* ---- a cache over a device ---------------------------------------------------------------- */

static void device_fill_done(struct io_request *request)
{
    struct cache_fill *fill = request->context;
    fsd_request_ended(fill->cache->owner);
    cache_fill_done(fill, request->status, request->done_bytes);
}

static void device_fill(struct cache *cache, struct cache_fill *fill)
{
    struct vfs_io *io = &fill->io;
    uint64_t length = io->length_bytes; /* the last block may reach past the device's end */
    if (io->offset_bytes + length > cache->size_bytes)
        length = cache->size_bytes - io->offset_bytes;
    io->request = (struct io_request){
        .op = IO_READ,
        .offset_bytes = io->offset_bytes,
        .length_bytes = length,
        .segments = io->segments,
        .segment_count = io->segment_count,
        .complete = device_fill_done,
        .context = fill,
    };
    fsd_submit(cache->owner, &io->request);
}

static status_t device_fill_check(struct cache *cache)
{
    return fsd_check(cache->owner);
}

void device_cache_init(struct cache *cache, struct fsd *fsd, uint32_t block_bytes)
{
    static const struct cache_ops ops = { .fill = device_fill, .check = device_fill_check };
    cache_init(cache, &ops, fsd, block_bytes, device_medium(fsd->device.device).bytes);
}
