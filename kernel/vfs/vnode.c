/*
 * vnode.c - vnodes in memory: one table, found by (file system, id).
 *
 * A vnode without references remains in the table, with its pages, until memory is needed or there
 * are too many of them: a later look-up finds it.
 *
 * Locking     One spinlock of rank VNODE guards the table and every vnode's references.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/hash.h"
#include "lib/macros.h"

/* One bucket for PAGES_A_BUCKET pages of memory; at most UNUSED_A_BUCKET unused vnodes for each. */
enum { BUCKETS_MIN = 64, PAGES_A_BUCKET = 8, UNUSED_A_BUCKET = 4 };

/* How long to sleep while another thread frees a vnode. */
enum { SETTLE_US = 100 };

static struct {
    struct spin lock;
    struct list *buckets;
    size_t bucket_count; /* a power of two */
    struct list unused;  /* front: unused for the longest time */
    size_t count, unused_count, unused_max;
    struct wait_queue loaded;
    struct wait_queue moved;
} vnodes = {
    .lock = SPIN_INIT(RANK_VNODE),
    .unused = LIST_INIT(vnodes.unused),
    .loaded = WAIT_QUEUE_INIT(vnodes.loaded),
    .moved = WAIT_QUEUE_INIT(vnodes.moved),
};

/* ---- the table ---------------------------------------------------------------------------- */

status_t vnodes_start(void)
{
    size_t count = BUCKETS_MIN;
    while (count < page_total_count() / PAGES_A_BUCKET)
        count *= 2;

    vnodes.buckets = mem_alloc(count * sizeof(struct list));
    if (!vnodes.buckets)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        list_init(&vnodes.buckets[i]);

    vnodes.bucket_count = count;
    vnodes.unused_max = count * UNUSED_A_BUCKET;
    return 0;
}

void vnodes_stop(void)
{
    kassert(!vnodes.count);
    mem_free(vnodes.buckets);
    vnodes.bucket_count = 0;
}

static struct list *vnode_bucket(const struct fsd *fsd, vnode_id_t id)
{
    return &vnodes.buckets[hash_u64((uint64_t)(uintptr_t)fsd ^ id) & (vnodes.bucket_count - 1)];
}

static struct vnode *vnode_find(const struct fsd *fsd, vnode_id_t id)
{
    kassert(spin_is_held(&vnodes.lock));
    struct list *bucket = vnode_bucket(fsd, id);
    list_each(link, bucket) {
        struct vnode *vnode = container_of(link, struct vnode, hash_link);
        if (vnode->fsd == fsd && vnode->id == id)
            return vnode;
    }
    return NULL;
}

static void vnode_remove(struct vnode *vnode)
{
    if (!list_empty(&vnode->unused_link))
        vnodes.unused_count--;
    list_remove(&vnode->unused_link);
    list_remove(&vnode->hash_link);
    list_remove(&vnode->fsd_link);
    vnodes.count--;
    atomic_fetch_add(&vnode->fsd->dying, 1); /* vnode_destroy() follows */
}

/* Frees a vnode that has left the table and has no users. Waits for read-ahead in flight. */
static void vnode_destroy(struct vnode *vnode)
{
    struct fsd *fsd = vnode->fsd;

    /* Fills in flight use the FSD's data, so the cache ends first. */
    cache_destroy(&vnode->cache);
    if (fsd->ops->put_vnode && !vnode->failed)
        fsd->ops->put_vnode(fsd, vnode);

    /* vnodes_drop() waits for this count, and the FSD is freed after it. */
    mem_free(vnode);
    atomic_fetch_sub(&fsd->dying, 1);
}

static void vnode_destroy_on_thread(void *vnode)
{
    vnode_destroy(vnode);
}

/* The same without waiting, so releasing a vnode never blocks on a slow disc. */
static void vnode_destroy_now_or_later(struct vnode *vnode)
{
    struct thread *thread = NULL;
    if (cache_has_fills(&vnode->cache))
        thread = thread_create("vnode", PRIORITY_NORMAL, vnode_destroy_on_thread, vnode);

    /* Without memory for a thread, wait here after all. */
    if (thread)
        thread_detach(thread);
    else
        vnode_destroy(vnode);
}

static struct vnode *vnode_create(struct fsd *fsd, vnode_id_t id)
{
    struct vnode *vnode = mem_zalloc(sizeof(*vnode));
    if (!vnode)
        return NULL;

    vnode->fsd = fsd;
    vnode->id = id;
    vnode->cache_block_bytes = fsd->cache_block_bytes;
    vnode->references = 1;
    vnode->loading = true;

    list_init(&vnode->hash_link);
    list_init(&vnode->unused_link);
    list_init(&vnode->fsd_link);
    list_init(&vnode->dirty_link);
    return vnode;
}

static status_t vnode_load(struct vnode *vnode)
{
    status_t status = vnode->fsd->ops->get_vnode(vnode->fsd, vnode);
    if (!vnode->fsd->keeps_valid_length)
        vnode->valid_bytes = (uint64_t)vnode->size_bytes;
    vnode->recorded_bytes = vnode->durable_bytes = vnode->valid_bytes;
    if (!status)
        vnode_cache_start(vnode);

    spin_lock(&vnodes.lock);
    vnode->loading = false;
    vnode->failed = status;

    /* threads that wait for it see `failed`; the next look-up reads the medium again */
    if (status) {
        list_remove(&vnode->hash_link);
        list_remove(&vnode->fsd_link);
    }
    wait_queue_wake_all(&vnodes.loaded);
    spin_unlock(&vnodes.lock);

    /* threads that wait for it have references of their own */
    if (status)
        vnode_put(vnode);
    return status;
}

/* Waits until another thread has loaded it, and returns the result. -EINTR if this thread was
 * interrupted, or the other one. */
static status_t vnode_wait_loaded(struct vnode *vnode)
{
    status_t status = 0;

    spin_lock(&vnodes.lock);
    while (vnode->loading && !status)
        status = wait_queue_wait_interruptible(&vnodes.loaded, &vnodes.lock, TIME_NEVER);

    /* Loaded in spite of the interrupt: use it. */
    if (!vnode->loading)
        status = vnode->failed;
    spin_unlock(&vnodes.lock);
    return status;
}

/* Takes a reference to the vnode in the table, loaded or not, or inserts `fresh`. */
static struct vnode *vnode_find_or_insert(struct vnode *fresh)
{
    spin_lock(&vnodes.lock);
    struct vnode *vnode = vnode_find(fresh->fsd, fresh->id);
    if (!vnode) {
        vnode = fresh;
        list_push_front(vnode_bucket(fresh->fsd, fresh->id), &fresh->hash_link);
        list_push_back(&fresh->fsd->vnodes, &fresh->fsd_link);
        vnodes.count++;
    } else if (!vnode->references++) {
        list_remove(&vnode->unused_link);
        vnodes.unused_count--;
    }
    spin_unlock(&vnodes.lock);
    return vnode;
}

static status_t vnode_get_once(struct fsd *fsd, vnode_id_t id, struct vnode **result)
{
    /* allocated first: with the table locked, the allocation could not reclaim vnodes */
    struct vnode *fresh = vnode_create(fsd, id);
    if (!fresh)
        return -ENOMEM;

    *result = vnode_find_or_insert(fresh);
    if (*result == fresh)
        return vnode_load(fresh);

    mem_free(fresh);
    status_t status = vnode_wait_loaded(*result);
    if (status)
        vnode_put(*result);
    return status;
}

bool vnode_loaded_info(struct fsd *fsd, vnode_id_t id, unsigned levels, struct node_info *info)
{
    spin_lock(&vnodes.lock);
    struct vnode *vnode = vnode_find(fsd, id);

    /* others do not change in memory alone */
    if (vnode && (vnode->loading || vnode->failed || vnode->type != NODE_FILE))
        vnode = NULL;
    if (vnode && !vnode->references++) {
        list_remove(&vnode->unused_link);
        vnodes.unused_count--;
    }
    spin_unlock(&vnodes.lock);
    if (!vnode)
        return false;

    bool known = !fsd->ops->get_info(fsd, vnode, levels, info);
    vnode_put(vnode);
    return known;
}

status_t vnode_get(struct fsd *fsd, vnode_id_t id, struct vnode **result)
{
    status_t status = fsd_check(fsd);
    while (!status) {
        status = vnode_get_once(fsd, id, result);
        if (status != -EINTR || thread_interrupted())
            break;
        /* the thread that loaded it was interrupted, not this one: load it here */
        status = fsd_check(fsd);
    }
    if (status)
        *result = NULL;
    return status;
}

struct vnode *vnode_ref(struct vnode *vnode)
{
    spin_lock(&vnodes.lock);
    vnode->references++;
    spin_unlock(&vnodes.lock);
    return vnode;
}

/* Keeps an unused vnode. Returns a vnode to be freed: this one if it was unlinked or could not be
 * loaded, or the one unused for the longest time if there are too many; else NULL. */
static struct vnode *vnode_surplus(struct vnode *vnode)
{
    if (vnode->failed || vnode->transient)
        return vnode;

    /* Keep it as the one used last, and give up the one unused for the longest time. */
    list_push_back(&vnodes.unused, &vnode->unused_link);
    if (++vnodes.unused_count <= vnodes.unused_max)
        return NULL;
    return container_of(vnodes.unused.next, struct vnode, unused_link);
}

void vnode_put(struct vnode *vnode)
{
    struct vnode *surplus = NULL;
    spin_lock(&vnodes.lock);
    kassert(vnode->references > 0);
    if (--vnode->references == 0 && (surplus = vnode_surplus(vnode)))
        vnode_remove(surplus);
    spin_unlock(&vnodes.lock);

    /* Outside the lock: put_vnode() of an FSD may sleep. */
    if (surplus)
        vnode_destroy_now_or_later(surplus);
}

void vnode_unlinked(struct vnode *vnode)
{
    /* a walk that has found the id, which may soon be another node's, looks the name up again */
    if (vnode->fsd->reuses_ids)
        atomic_fetch_add(&vnode->fsd->moves, 2);

    spin_lock(&vnodes.lock);
    vnode->transient = true;
    vnode->unlinked = true;
    list_remove(&vnode->hash_link); /* it cannot be found by id any more */
    spin_unlock(&vnodes.lock);
}

void vnode_set_id(struct vnode *vnode, vnode_id_t id)
{
    spin_lock(&vnodes.lock);

    /* a replaced node has lost its record, and is about to be unlinked */
    struct vnode *replaced = vnode_find(vnode->fsd, id);
    if (replaced && replaced != vnode)
        list_remove(&replaced->hash_link);

    vnode->id = id;
    list_remove(&vnode->hash_link);
    list_push_front(vnode_bucket(vnode->fsd, id), &vnode->hash_link);
    spin_unlock(&vnodes.lock);
}

/* ---- moving nodes ------------------------------------------------------------------------- */

/*
 * A walk looks up a name, references the vnode, and enters a path with that name. A move increments
 * the file system's count before it changes names, and again after it has given the path its new
 * name. So a walk that read the same even count before its look-up and when it enters the path has
 * the right name, and a later move finds the path. Where ids are reused, the same count shows that
 * the id still was that of the name.
 */
status_t vnode_moves_wait(struct fsd *fsd, unsigned *moves)
{
    status_t status = 0;
    *moves = atomic_load(&fsd->moves);
    if (*moves % 2 == 0)
        return 0;
    spin_lock(&vnodes.lock);
    while ((*moves = atomic_load(&fsd->moves)) % 2 && !status)
        status = wait_queue_wait_interruptible(&vnodes.moved, &vnodes.lock, TIME_NEVER);
    spin_unlock(&vnodes.lock);
    return status;
}

bool vnode_moved_since(const struct fsd *fsd, unsigned moves)
{
    return atomic_load(&fsd->moves) != moves;
}

bool vnode_is_moving(const struct fsd *fsd)
{
    return atomic_load(&fsd->moves) % 2;
}

status_t vnode_move_begin(struct fsd *fsd)
{
    status_t status = 0;
    spin_lock(&vnodes.lock);
    while (atomic_load(&fsd->moves) % 2 && !status)
        status = wait_queue_wait_interruptible(&vnodes.moved, &vnodes.lock, TIME_NEVER);
    if (!status)
        atomic_fetch_add(&fsd->moves, 1);
    spin_unlock(&vnodes.lock);
    return status;
}

void vnode_move_end(struct fsd *fsd)
{
    spin_lock(&vnodes.lock);
    atomic_fetch_add(&fsd->moves, 1);
    wait_queue_wake_all(&vnodes.moved);
    spin_unlock(&vnodes.lock);
}

/* ---- dropping ----------------------------------------------------------------------------- */

status_t vnodes_settle(struct fsd *fsd)
{
    while (atomic_load(&fsd->dying)) {
        if (thread_interrupted())
            return -EINTR;
        thread_sleep_until(time_now_us() + SETTLE_US);
    }
    return 0;
}

void vnodes_drop(struct fsd *fsd)
{
    for (;;) {
        struct vnode *vnode = NULL;
        spin_lock(&vnodes.lock);
        if (!list_empty(&fsd->vnodes)) {
            vnode = container_of(fsd->vnodes.next, struct vnode, fsd_link);
            kassert(!vnode->references);
            vnode_remove(vnode);
        }
        spin_unlock(&vnodes.lock);
        if (!vnode)
            break;

        vnode_destroy(vnode);
    }

    /* other threads, reclaim among them, may still be freeing some */
    while (vnodes_settle(fsd))
        thread_sleep_until(time_now_us() + SETTLE_US);
}

/* ---- reclaim ------------------------------------------------------------------------------ */

/* Takes an unused vnode without pages and fills out of the table: freeing it does not block. */
static struct vnode *vnode_take_idle(void)
{
    struct vnode *found = NULL;
    if (!spin_try_lock(&vnodes.lock))
        return NULL;

    /* Only a vnode without pages: cache_reclaim() frees those first, and then the vnode. */
    list_each(link, &vnodes.unused) {
        struct vnode *vnode = container_of(link, struct vnode, unused_link);
        if (!vnode->cache.ops || cache_is_idle(&vnode->cache)) {
            vnode_remove(vnode);
            found = vnode;
            break;
        }
    }
    spin_unlock(&vnodes.lock);
    return found;
}

size_t vnodes_reclaim(size_t wanted)
{
    size_t freed = 0;
    for (struct vnode *vnode; freed < wanted && (vnode = vnode_take_idle()); freed++) {
        vnode->cache.ops = NULL; /* it is empty: cache_destroy() need not take its lock */
        vnode_destroy(vnode);
    }
    return freed;
}

void vnodes_trim(size_t free_pages)
{
    static size_t next; /* continues with another bucket each time, to trim all vnodes alike */
    if (!spin_try_lock(&vnodes.lock))
        return;

    /* trim_vnode() uses try-lock only, as this whole path does. */
    for (size_t i = 0; i < vnodes.bucket_count && page_free_count() < free_pages; i++, next++) {
        list_each(link, &vnodes.buckets[next & (vnodes.bucket_count - 1)]) {
            struct vnode *vnode = container_of(link, struct vnode, hash_link);
            if (!vnode->loading && vnode->fsd->ops->trim_vnode)
                vnode->fsd->ops->trim_vnode(vnode->fsd, vnode);
        }
    }
    spin_unlock(&vnodes.lock);
}

void vnodes_count(struct vfs_counts *counts)
{
    spin_lock(&vnodes.lock);
    counts->vnodes = vnodes.count;
    counts->unused_vnodes = vnodes.unused_count;
    spin_unlock(&vnodes.lock);
}
