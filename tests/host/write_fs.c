/*
 * write_fs.c - a small file system that is written back: see write_fs.h.
 */
#include "tests/host/write_fs.h"
#include "kernel/dev/driver.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/layout/runs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { FIRST_ID = 2, CLUSTERS_MAX = 4096 };

struct node {
    struct write_fs_record record;     /* what flush() writes */
    struct runs runs;         /* its clusters, and perhaps more */
    uint32_t clusters[WRITE_FS_FILE_CLUSTERS];
    unsigned count;           /* clusters allocated */
    unsigned room;            /* and reserved, in all */
    uint64_t size_bytes;      /* in memory */
    bool named, changed;
    _Atomic unsigned loaded;  /* its vnodes: the slot is in use even without a name */
};

struct volume {
    struct fsd fsd;
    struct mutex lock;        /* nodes and clusters */
    struct spin runs_lock;
    struct node nodes[WRITE_FS_FILES];
    bool used[CLUSTERS_MAX];
    unsigned clusters, next;
    struct semaphore flushing; /* while it is down, its thread has the block */
    uint8_t *block;
};

struct write_fs_settings write_fs;

static struct volume *volume_of(struct fsd *fsd)
{
    return fsd->private_data;
}

static struct node *node_of(struct vnode *vnode)
{
    return vnode->private_data;
}

static unsigned clusters_for(uint64_t bytes)
{
    return (unsigned)((bytes + WRITE_FS_CLUSTER_BYTES - 1) / WRITE_FS_CLUSTER_BYTES);
}

/* ---- clusters; the caller holds the lock -------------------------------------------------- */

static unsigned count_free(struct volume *volume)
{
    unsigned free = 0, reserved = 0;
    for (unsigned i = 0; i < volume->clusters; i++)
        free += !volume->used[i];
    for (unsigned i = 0; i < WRITE_FS_FILES; i++)
        reserved += volume->nodes[i].room - volume->nodes[i].count;
    kassert(reserved <= free);
    return free - reserved;
}

static status_t reserve_room(struct volume *volume, struct node *node, uint64_t bytes)
{
    if (bytes > WRITE_FS_FILE_CLUSTERS * (uint64_t)WRITE_FS_CLUSTER_BYTES)
        return -EFBIG;
    unsigned wanted = clusters_for(bytes);
    if (wanted <= node->room)
        return 0;
    if (wanted - node->room > count_free(volume))
        return -ENOSPC;
    node->room = wanted;
    return 0;
}

static uint32_t allocate(struct volume *volume)
{
    volume->next = (volume->next + (write_fs.scattered ? 7 : 1)) % volume->clusters;
    while (volume->used[volume->next]) /* count_free() has found one */
        volume->next = (volume->next + 1) % volume->clusters;
    volume->used[volume->next] = true;
    return volume->next;
}

static void cut(struct volume *volume, struct node *node, uint64_t bytes)
{
    unsigned kept = clusters_for(bytes);
    while (node->count > kept)
        volume->used[node->clusters[--node->count]] = false;
    node->room = min(node->room, kept);

    spin_lock(&volume->runs_lock);
    runs_cut(&node->runs, node->count * (uint64_t)WRITE_FS_CLUSTER_BYTES);
    spin_unlock(&volume->runs_lock);
}

/* Frees the slots of nodes that have neither a name nor a vnode. */
static void reap(struct volume *volume)
{
    for (unsigned i = 0; i < WRITE_FS_FILES; i++) {
        struct node *node = &volume->nodes[i];
        if (!node->named && !atomic_load(&node->loaded) && (node->room || node->count))
            cut(volume, node, 0);
    }
}

unsigned write_fs_free(struct fsd *fsd)
{
    struct volume *volume = volume_of(fsd);
    mutex_lock(&volume->lock);
    reap(volume);
    unsigned free = count_free(volume);
    mutex_unlock(&volume->lock);
    return free;
}

/* ---- names -------------------------------------------------------------------------------- */

static struct node *find(struct volume *volume, struct element element)
{
    for (unsigned i = 0; i < WRITE_FS_FILES; i++) {
        struct node *node = &volume->nodes[i];
        if (node->named && text_equal_n(node->record.name, strlen(node->record.name), element.name,
                                        element.length))
            return node;
    }
    return NULL;
}

static vnode_id_t id_of(const struct volume *volume, const struct node *node)
{
    return FIRST_ID + (vnode_id_t)(node - volume->nodes);
}

static status_t write_fs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                                vnode_id_t *id)
{
    struct volume *volume = volume_of(fsd);
    (void)directory;
    mutex_lock(&volume->lock);
    struct node *node = find(volume, element);
    if (node)
        *id = id_of(volume, node);
    mutex_unlock(&volume->lock);
    return node ? 0 : -ENOENT;
}

static void set_name(struct node *node, struct element element)
{
    memset(node->record.name, 0, WRITE_FS_NAME_BYTES);
    memcpy(node->record.name, element.name, element.length);
    node->named = node->changed = true;
}

static status_t write_fs_create(struct fsd *fsd, struct vnode *directory, struct element element,
                                vnode_id_t *id)
{
    struct volume *volume = volume_of(fsd);
    (void)directory;
    status_t status = -ENOSPC;
    if (element.length >= WRITE_FS_NAME_BYTES)
        return -ENAMETOOLONG;

    mutex_lock(&volume->lock);
    reap(volume);
    if (find(volume, element))
        status = -EEXIST;
    for (unsigned i = 0; i < WRITE_FS_FILES && status == -ENOSPC; i++) {
        struct node *node = &volume->nodes[i];
        if (node->named || atomic_load(&node->loaded))
            continue;
        node->size_bytes = node->record.size_bytes = 0;
        set_name(node, element);
        *id = id_of(volume, node);
        status = 0;
    }
    mutex_unlock(&volume->lock);
    return status;
}

static void remove_name(struct node *node)
{
    node->named = false;
    node->changed = true;
    node->record.name[0] = '\0';
}

static status_t write_fs_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                                struct vnode *vnode)
{
    struct volume *volume = volume_of(fsd);
    (void)directory;
    mutex_lock(&volume->lock);
    struct node *node = find(volume, element);
    bool found = node && node == node_of(vnode);
    if (found)
        remove_name(node);
    mutex_unlock(&volume->lock);
    return found ? 0 : -ENOENT;
}

static status_t write_fs_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                                struct vnode *moved, struct vnode *to, struct element new_name,
                                struct vnode *replaced)
{
    struct volume *volume = volume_of(fsd);
    (void)from, (void)to;
    if (new_name.length >= WRITE_FS_NAME_BYTES)
        return -ENAMETOOLONG;

    mutex_lock(&volume->lock);
    struct node *node = find(volume, old_name), *old = find(volume, new_name);
    status_t status = 0;
    if (!node || node != node_of(moved))
        status = -ENOENT;
    else if (old && (!replaced || old != node_of(replaced)))
        status = -EEXIST;
    if (!status) {
        if (old)
            remove_name(old);
        set_name(node, new_name);
    }
    mutex_unlock(&volume->lock);
    return status;
}

static int write_fs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                             uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    struct volume *volume = volume_of(fsd);
    (void)directory, (void)cursor, (void)levels;
    int got = 0;
    mutex_lock(&volume->lock);
    while (!got && *position < WRITE_FS_FILES) {
        struct node *node = &volume->nodes[(*position)++];
        if (!node->named)
            continue;
        entry->info.id = id_of(volume, node);
        entry->info.type = NODE_FILE;
        memcpy(entry->name, node->record.name, WRITE_FS_NAME_BYTES);
        got = 1;
    }
    mutex_unlock(&volume->lock);
    return got;
}

/* ---- vnodes ------------------------------------------------------------------------------- */

static status_t write_fs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct volume *volume = volume_of(fsd);
    if (vnode->id == VNODE_ROOT) {
        vnode->type = NODE_DIRECTORY;
        vnode->cache_block_bytes = 0;
        return 0;
    }
    if (vnode->id < FIRST_ID || vnode->id >= FIRST_ID + WRITE_FS_FILES)
        return -ENOENT;

    mutex_lock(&volume->lock);
    struct node *node = &volume->nodes[vnode->id - FIRST_ID];
    bool named = node->named;
    if (named) {
        atomic_fetch_add(&node->loaded, 1); /* an unused vnode of it may just be freed */
        vnode->type = NODE_FILE;
        vnode->size_bytes = node->size_bytes;
        vnode->valid_bytes = min(node->size_bytes, node->record.size_bytes);
        vnode->private_data = node;
    }
    mutex_unlock(&volume->lock);
    return named ? 0 : -ENOENT;
}

static void write_fs_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct node *node = node_of(vnode);

    if (node && write_fs.slow_put)
        thread_sleep_until(time_now_us() + 5000);
    if (node && !node->named)
        atomic_fetch_add(&write_fs.late_puts, fsd->read_only);
    if (node)
        atomic_fetch_sub(&node->loaded, 1); /* reap() frees it */
}

static status_t write_fs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                                  struct node_info *info)
{
    (void)fsd, (void)levels;
    info->known = INFO_DIRENT | INFO_STANDARD;
    info->size_bytes = vnode->size_bytes;
    return 0;
}

static status_t write_fs_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                                  const struct node_info *info)
{
    struct volume *volume = volume_of(fsd);
    struct node *node = node_of(vnode);
    status_t status = 0;
    if (!node)
        return -EINVAL;

    mutex_lock(&volume->lock);
    if (levels & INFO_STANDARD) {
        status = reserve_room(volume, node, info->size_bytes);
        if (!status) {
            cut(volume, node, info->size_bytes);
            node->room = max(node->room, clusters_for(info->size_bytes));
            node->size_bytes = vnode->size_bytes = info->size_bytes;
            node->record.size_bytes = min(node->record.size_bytes, info->size_bytes);
            node->changed = true;
        }
    }
    mutex_unlock(&volume->lock);
    return status;
}

/* ---- content ------------------------------------------------------------------------------ */

static status_t write_fs_reserve(struct fsd *fsd, struct vnode *vnode, uint64_t offset,
                                 uint64_t bytes)
{
    struct volume *volume = volume_of(fsd);
    mutex_lock(&volume->lock);
    reap(volume);
    status_t status = reserve_room(volume, node_of(vnode), offset + bytes);
    mutex_unlock(&volume->lock);
    return status;
}

static status_t write_fs_prepare_write(struct fsd *fsd, struct vnode *vnode, uint64_t offset,
                                       uint64_t bytes)
{
    struct volume *volume = volume_of(fsd);
    struct node *node = node_of(vnode);
    status_t status = write_fs.fail_prepare;
    if (write_fs.preparing)
        write_fs.preparing();

    mutex_lock(&volume->lock);
    kassert(clusters_for(offset + bytes) <= node->room);
    while (!status && node->count < clusters_for(offset + bytes)) {
        uint32_t cluster = allocate(volume);
        spin_lock(&volume->runs_lock);
        status = runs_add(&node->runs, write_fs_cluster_address(cluster), WRITE_FS_CLUSTER_BYTES);
        spin_unlock(&volume->runs_lock);
        if (status)
            volume->used[cluster] = false;
        else
            node->clusters[node->count++] = cluster;
    }
    mutex_unlock(&volume->lock);
    return status;
}

static status_t write_fs_data_written(struct fsd *fsd, struct vnode *vnode, uint64_t size)
{
    struct volume *volume = volume_of(fsd);
    struct node *node = node_of(vnode);

    mutex_lock(&volume->lock);
    kassert(size <= node->count * (uint64_t)WRITE_FS_CLUSTER_BYTES);
    node->size_bytes = max(node->size_bytes, size);
    node->record.size_bytes = size;
    node->record.count = node->count;
    memcpy(node->record.clusters, node->clusters, sizeof(node->clusters));
    node->changed = true;
    mutex_unlock(&volume->lock);
    return 0;
}

static void transfer(struct volume *volume, struct vfs_io *io)
{
    struct node *node = node_of(io->vnode);
    spin_lock(&volume->runs_lock);
    uint64_t placed = node->runs.length_bytes;
    spin_unlock(&volume->runs_lock);

    struct runs_io file = {
        .runs = &node->runs,
        .lock = &volume->runs_lock,
        .device_bytes = device_medium(fsd_device(&volume->fsd)->device).bytes,
        .zero_from = min(placed, io->vnode->valid_bytes),
    };
    runs_transfer(&file, io);
}

static void write_fs_read_write(struct fsd *fsd, struct vfs_io *io)
{
    io->done_bytes = 0;
    transfer(volume_of(fsd), io);
}

static void write_fs_finish_io(struct fsd *fsd, struct vfs_io *io)
{
    if (io->request.status)
        vfs_io_complete(io, io->request.status);
    else
        transfer(volume_of(fsd), io);
}

/* ---- the volume --------------------------------------------------------------------------- */

static void block_take(struct volume *volume)
{
    while (semaphore_down(&volume->flushing, TIME_NEVER))
        ;
}

static status_t write_block(struct volume *volume, uint64_t address)
{
    return io_wait(fsd_device(&volume->fsd), IO_WRITE, address, volume->block,
                   WRITE_FS_BLOCK_BYTES, NULL);
}

static status_t write_record(struct volume *volume, struct node *node)
{
    memset(volume->block, 0, WRITE_FS_BLOCK_BYTES);
    mutex_lock(&volume->lock);
    memcpy(volume->block, &node->record, sizeof(node->record));
    bool changed = node->changed;
    node->changed = false;
    mutex_unlock(&volume->lock);
    if (!changed)
        return 0;

    unsigned n = (unsigned)(node - volume->nodes);
    status_t status = write_block(volume, write_fs_record_address(n));
    if (status) {
        mutex_lock(&volume->lock);
        node->changed = true;
        mutex_unlock(&volume->lock);
    }
    return status;
}

static status_t write_fs_flush(struct fsd *fsd)
{
    struct volume *volume = volume_of(fsd);
    const struct device_handle *device = fsd_device(fsd);
    block_take(volume);
    atomic_fetch_add(&write_fs.flushes, 1);
    status_t status = write_fs.fail_flush;
    if (!status)
        status = io_wait(device, IO_FLUSH, 0, NULL, 0, NULL);
    for (unsigned i = 0; i < WRITE_FS_FILES && !status; i++)
        status = write_record(volume, &volume->nodes[i]);
    if (!status)
        status = io_wait(device, IO_FLUSH, 0, NULL, 0, NULL);
    semaphore_up(&volume->flushing);
    return status;
}

static status_t write_fs_set_writable(struct fsd *fsd, bool writable)
{
    struct volume *volume = volume_of(fsd);
    if (writable && device_traits(fsd_device(fsd)->device).read_only)
        return -EROFS;
    if (!writable && fsd == write_fs.fail_read_only)
        return -EIO;

    block_take(volume);
    memset(volume->block, 0, WRITE_FS_BLOCK_BYTES);
    memcpy(volume->block, WRITE_FS_SIGNATURE, sizeof(WRITE_FS_SIGNATURE));
    volume->block[WRITE_FS_IN_USE] = writable;
    status_t status = write_block(volume, 0);
    semaphore_up(&volume->flushing);
    if (!status)
        fsd->read_only = !writable;
    atomic_fetch_add(&write_fs.opened_for_writing, !status && writable);
    return status;
}

static status_t write_fs_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    struct volume *volume = volume_of(fsd);
    *info = (struct fs_info){
        .total_bytes = volume->clusters * (uint64_t)WRITE_FS_CLUSTER_BYTES,
        .free_bytes = write_fs_free(fsd) * (uint64_t)WRITE_FS_CLUSTER_BYTES,
        .block_bytes = WRITE_FS_CLUSTER_BYTES,
        .read_only = fsd->read_only,
        .type = "write_fs",
    };
    return 0;
}

static void write_fs_dismount(struct fsd *fsd)
{
    struct volume *volume = volume_of(fsd);
    for (unsigned i = 0; i < WRITE_FS_FILES; i++) {
        kassert(!atomic_load(&volume->nodes[i].loaded));
        runs_free(&volume->nodes[i].runs);
    }
    page_free(volume->block);
    mem_free(volume);
}

static const struct fsd_ops write_fs_ops = {
    .dismount = write_fs_dismount,
    .get_fs_info = write_fs_get_fs_info,
    .lookup = write_fs_lookup,
    .create = write_fs_create,
    .unlink = write_fs_unlink,
    .rename = write_fs_rename,
    .get_vnode = write_fs_get_vnode,
    .put_vnode = write_fs_put_vnode,
    .get_info = write_fs_get_info,
    .set_info = write_fs_set_info,
    .read_write = write_fs_read_write,
    .finish_io = write_fs_finish_io,
    .read_dir = write_fs_read_dir,
    .flush = write_fs_flush,
    .reserve = write_fs_reserve,
    .prepare_write = write_fs_prepare_write,
    .data_written = write_fs_data_written,
    .set_writable = write_fs_set_writable,
};

static status_t load_node(struct volume *volume, struct node *node, const uint8_t *block)
{
    status_t status = 0;
    memcpy(&node->record, block, sizeof(node->record));
    node->named = node->record.name[0];
    if (!node->named)
        return 0;

    node->size_bytes = node->record.size_bytes;
    node->count = node->room = node->record.count;
    kassert(clusters_for(node->size_bytes) <= node->count);
    memcpy(node->clusters, node->record.clusters, sizeof(node->clusters));
    for (unsigned i = 0; i < node->count && !status; i++) {
        kassert(node->clusters[i] < volume->clusters && !volume->used[node->clusters[i]]);
        volume->used[node->clusters[i]] = true;
        status = runs_add(&node->runs, write_fs_cluster_address(node->clusters[i]),
                          WRITE_FS_CLUSTER_BYTES);
    }
    return status;
}

static status_t write_fs_mount(const struct device_handle *handle, const char *options,
                               struct fsd **fsd)
{
    (void)options;
    uint8_t *block = page_alloc();
    struct volume *volume = mem_zalloc(sizeof(*volume));
    status_t status = !block || !volume ? -ENOMEM : !handle->device ? -EMEDIUMTYPE : 0;
    if (!status)
        status = io_wait(handle, IO_READ, 0, block, WRITE_FS_BLOCK_BYTES, NULL);
    if (!status && memcmp(block, WRITE_FS_SIGNATURE, sizeof(WRITE_FS_SIGNATURE)) != 0)
        status = -EMEDIUMTYPE;
    if (status)
        goto failed;

    volume->fsd = (struct fsd){
        .ops = &write_fs_ops,
        .name = "write_fs",
        .device = *handle,
        .cache_block_bytes = WRITE_FS_BLOCK_BYTES,
        .read_only = write_fs.read_only,
        .keeps_valid_length = write_fs.keeps_valid_length,
        .reuses_ids = true,
        .private_data = volume,
    };
    volume->block = block;
    mutex_init(&volume->lock, RANK_FSD);
    spin_init(&volume->runs_lock, RANK_CACHE);
    semaphore_init(&volume->flushing, 1);
    uint64_t bytes = device_medium(handle->device).bytes;
    volume->clusters = (unsigned)((bytes - write_fs_cluster_address(0)) / WRITE_FS_CLUSTER_BYTES);
    kassert(volume->clusters <= CLUSTERS_MAX);

    for (unsigned i = 0; i < WRITE_FS_FILES && !status; i++) {
        status = io_wait(handle, IO_READ, write_fs_record_address(i), block, WRITE_FS_BLOCK_BYTES,
                         NULL);
        if (!status)
            status = load_node(volume, &volume->nodes[i], block);
    }
    if (status)
        fsd_discard(&volume->fsd);
    else
        *fsd = &volume->fsd;
    return status;
failed:
    if (block)
        page_free(block);
    mem_free(volume);
    return status;
}

static const struct driver driver_write_fs = {
    .name = "write_fs",
    .order = 98,
    .mount_fs = write_fs_mount,
};
DRIVER(driver_write_fs);
