/*
 * ramfs.c - files that live in memory; the root file system.
 *
 * A node has a number, which is its vnode id, and stays while it has a name or a vnode. Content is
 * an array of pages, NULL where nothing was written. One mutex of rank FSD guards a file system;
 * put_vnode takes no lock: a node goes with the last of its users, which are its name and its
 * vnodes (two for a moment, when reclaim frees one while another is made).
 *
 * A node was modified when it was made, or its content changed: a directory's are its names.
 */
#include "kernel/dev/driver.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/fsd.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUCKETS = 64 };

#define FILE_BYTES_MAX ((uint64_t)1 << 40)

struct ramfs_node {
    vnode_id_t id;
    enum node_type type;
    bool orphan;                 /* no name any more */
    _Atomic unsigned users;      /* its name and its vnodes */
    uint64_t size_bytes;
    int64_t modified_s;          /* time_wall_s(): may be unknown */
    uint8_t **pages;
    size_t page_count;           /* in the array */
    struct ramfs_node *parent;
    struct list children, siblings;
    struct list id_link;
    char *name;
    size_t name_length;
};

struct ramfs {
    struct fsd fsd;
    struct mutex lock;
    vnode_id_t last_id;
    struct list by_id[BUCKETS];
};

static struct ramfs *ramfs_of(struct fsd *fsd)
{
    return fsd->private_data;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static char *name_copy(struct element element)
{
    char *name = mem_alloc(element.length + 1);
    if (name)
        memcpy(name, element.name, element.length);
    return name;
}

static struct ramfs_node *node_create(struct ramfs *ramfs, enum node_type type,
                                      struct element element)
{
    struct ramfs_node *node = mem_zalloc(sizeof(*node));
    char *name = name_copy(element);
    if (!node || !name) {
        mem_free(node);
        mem_free(name);
        return NULL;
    }
    atomic_init(&node->users, 1);
    node->id = ++ramfs->last_id;
    node->type = type;
    node->modified_s = time_wall_s();
    node->name = name;
    node->name_length = element.length;
    list_init(&node->children);
    list_init(&node->siblings);
    list_push_front(&ramfs->by_id[node->id % BUCKETS], &node->id_link);
    return node;
}

static void node_free(struct ramfs_node *node)
{
    for (size_t i = 0; i < node->page_count; i++)
        if (node->pages[i])
            page_free(node->pages[i]);
    mem_free(node->pages);
    mem_free(node->name);
    mem_free(node);
}

static void node_put(struct ramfs_node *node)
{
    if (atomic_fetch_sub(&node->users, 1) == 1)
        node_free(node);
}

static struct ramfs_node *node_by_id(struct ramfs *ramfs, vnode_id_t id)
{
    list_each(link, &ramfs->by_id[id % BUCKETS]) {
        struct ramfs_node *node = list_entry(link, struct ramfs_node, id_link);
        if (node->id == id)
            return node;
    }
    return NULL;
}

static struct ramfs_node *node_child(struct ramfs_node *directory, struct element element)
{
    list_each(link, &directory->children) {
        struct ramfs_node *node = list_entry(link, struct ramfs_node, siblings);
        if (text_equal_n(node->name, node->name_length, element.name, element.length))
            return node;
    }
    return NULL;
}

/* Is `node` the same as, or above, `below`? */
static bool node_is_above(const struct ramfs_node *node, const struct ramfs_node *below)
{
    while (below && below != node)
        below = below->parent;
    return below != NULL;
}

/* ---- names -------------------------------------------------------------------------------- */

static status_t ramfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                             vnode_id_t *id)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    mutex_lock(&ramfs->lock);
    struct ramfs_node *node = node_child(directory->private_data, element);
    if (node)
        *id = node->id;
    mutex_unlock(&ramfs->lock);
    return node ? 0 : -ENOENT;
}

static status_t ramfs_make(struct fsd *fsd, struct vnode *directory, struct element element,
                           enum node_type type, vnode_id_t *id)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    struct ramfs_node *parent = directory->private_data, *node = NULL;
    status_t status = 0;
    mutex_lock(&ramfs->lock);
    if (parent->orphan)
        status = -ENOENT;
    else if (node_child(parent, element))
        status = -EEXIST;
    else if (vfs_memory_is_short(0))
        status = -ENOSPC;
    else if (!(node = node_create(ramfs, type, element)))
        status = -ENOMEM;
    if (!status) {
        node->parent = parent;
        parent->modified_s = node->modified_s;
        list_push_back(&parent->children, &node->siblings);
        *id = node->id;
    }
    mutex_unlock(&ramfs->lock);
    return status;
}

static status_t ramfs_create(struct fsd *fsd, struct vnode *directory, struct element element,
                             vnode_id_t *id)
{
    return ramfs_make(fsd, directory, element, NODE_FILE, id);
}

static status_t ramfs_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                            vnode_id_t *id)
{
    return ramfs_make(fsd, directory, element, NODE_DIRECTORY, id);
}

/* May this name go, which is to be the vnode's? */
static status_t node_may_go(const struct ramfs_node *node, const struct vnode *vnode)
{
    if (!node || node != vnode->private_data)
        return -ENOENT;
    return list_empty(&node->children) ? 0 : -ENOTEMPTY;
}

/* Takes the node's name away; the caller's vnode keeps the node. */
static void node_forget(struct ramfs_node *node)
{
    list_remove(&node->siblings);
    list_remove(&node->id_link);
    node->parent->modified_s = time_wall_s();
    node->parent = NULL;
    node->orphan = true;
    node_put(node);
}

static status_t ramfs_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                             struct vnode *vnode)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    mutex_lock(&ramfs->lock);
    struct ramfs_node *node = node_child(directory->private_data, element);
    status_t status = node_may_go(node, vnode);
    if (!status)
        node_forget(node);
    mutex_unlock(&ramfs->lock);
    return status;
}

static status_t ramfs_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                             struct vnode *to, struct element new_name, struct vnode *replaced)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    struct ramfs_node *target = to->private_data;
    char *name = name_copy(new_name);
    status_t status = name ? 0 : -ENOMEM;
    mutex_lock(&ramfs->lock);
    struct ramfs_node *node = node_child(from->private_data, old_name);
    struct ramfs_node *old = node_child(target, new_name);
    if (!status && (!node || target->orphan))
        status = -ENOENT;
    else if (!status && old && (!replaced || old != replaced->private_data))
        status = -EEXIST;
    else if (!status && node_is_above(node, target))
        status = -EINVAL;
    if (!status && old)
        status = node_may_go(old, replaced);
    if (!status) {
        if (old)
            node_forget(old);
        char *old_text = node->name;
        node->name = name;
        node->name_length = new_name.length;
        name = old_text;
        list_remove(&node->siblings);
        list_push_back(&target->children, &node->siblings);
        node->parent->modified_s = target->modified_s = time_wall_s();
        node->parent = target;
    }
    mutex_unlock(&ramfs->lock);
    mem_free(name);
    return status;
}

/* ---- vnodes ------------------------------------------------------------------------------- */

static status_t ramfs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    mutex_lock(&ramfs->lock);
    struct ramfs_node *node = node_by_id(ramfs, vnode->id);
    if (node)
        atomic_fetch_add(&node->users, 1);
    mutex_unlock(&ramfs->lock);
    if (!node)
        return -ENOENT;
    vnode->type = node->type;
    vnode->size_bytes = node->size_bytes;
    vnode->private_data = node;
    return 0;
}

static void ramfs_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    node_put(vnode->private_data);
}

static status_t ramfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               struct node_info *info)
{
    const struct ramfs_node *node = vnode->private_data;
    (void)fsd, (void)levels;
    info->known = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_ALIAS;
    info->size_bytes = vnode->size_bytes;
    info->has_modified = node->modified_s != INT64_MIN;
    info->modified_s = node->modified_s;
    info->alias = vnode->id;
    return 0;
}

/* ---- content ------------------------------------------------------------------------------ */

static status_t node_make_room(struct ramfs_node *node, uint64_t end)
{
    if (end > FILE_BYTES_MAX)
        return -EFBIG;
    size_t needed = (size_t)((end + PAGE_BYTES - 1) / PAGE_BYTES), count = node->page_count;
    if (needed <= count)
        return 0;
    while (count < needed)
        count = count ? count * 2 : 8;
    size_t bytes = count * sizeof(uint8_t *);
    uint8_t **grown = vfs_memory_is_short(bytes / PAGE_BYTES) ? NULL : mem_zalloc(bytes);
    if (!grown)
        return -ENOSPC;
    if (node->page_count)
        memcpy(grown, node->pages, node->page_count * sizeof(*grown));
    mem_free(node->pages);
    node->pages = grown;
    node->page_count = count;
    return 0;
}

static status_t node_make_page(struct ramfs_node *node, size_t index)
{
    if (node->pages[index])
        return 0;
    uint8_t *page = vfs_memory_is_short(0) ? NULL : page_alloc();
    if (!page)
        return -ENOSPC;
    memset(page, 0, PAGE_BYTES);
    node->pages[index] = page;
    return 0;
}

/* Frees what lies behind the new end, and clears the rest of its page: growing shows zeroes. */
static void node_shrink(struct ramfs_node *node, uint64_t size)
{
    size_t keep = (size_t)((size + PAGE_BYTES - 1) / PAGE_BYTES);
    for (size_t i = keep; i < node->page_count; i++) {
        if (node->pages[i])
            page_free(node->pages[i]);
        node->pages[i] = NULL;
    }
    if (size % PAGE_BYTES && keep <= node->page_count && node->pages[keep - 1])
        memset(node->pages[keep - 1] + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
}

static status_t node_set_size(struct ramfs_node *node, struct vnode *vnode, uint64_t size)
{
    status_t status = node_make_room(node, size);
    if (status)
        return status;
    node_shrink(node, size);
    node->size_bytes = vnode->size_bytes = size;
    node->modified_s = time_wall_s();
    return 0;
}

static status_t ramfs_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               const struct node_info *info)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    struct ramfs_node *node = vnode->private_data;
    if (levels & ~(unsigned)(INFO_STANDARD | INFO_TIMES) ||
        (levels & INFO_STANDARD && vnode->type != NODE_FILE))
        return -EINVAL;
    mutex_lock(&ramfs->lock);
    status_t status = levels & INFO_STANDARD ? node_set_size(node, vnode, info->size_bytes) : 0;
    if (!status && levels & INFO_TIMES && info->has_modified)
        node->modified_s = info->modified_s;
    mutex_unlock(&ramfs->lock);
    return status;
}

/* Moves `bytes` between memory and the file at `offset`, within one page. */
static status_t node_move(struct ramfs_node *node, enum io_op op, uint64_t offset, void *memory,
                          size_t bytes)
{
    size_t index = (size_t)(offset / PAGE_BYTES), at = (size_t)(offset % PAGE_BYTES);
    if (op == IO_WRITE) {
        status_t status = node_make_room(node, offset + bytes);
        if (!status)
            status = node_make_page(node, index);
        if (!status)
            memcpy(node->pages[index] + at, memory, bytes);
        return status;
    }
    if (index < node->page_count && node->pages[index])
        memcpy(memory, node->pages[index] + at, bytes);
    else
        memset(memory, 0, bytes);
    return 0;
}

/* One segment (the VFS hands over no more for uncached vnodes). */
static status_t node_transfer(struct ramfs_node *node, struct vfs_io *io)
{
    while (io->done_bytes < io->length_bytes) {
        uint64_t offset = io->offset_bytes + io->done_bytes;
        size_t count = PAGE_BYTES - (size_t)(offset % PAGE_BYTES);
        if (count > io->length_bytes - io->done_bytes)
            count = (size_t)(io->length_bytes - io->done_bytes);
        char *memory = (char *)io->segments[0].address + io->done_bytes;
        status_t status = node_move(node, io->op, offset, memory, count);
        if (status)
            return status;
        io->done_bytes += count;
    }
    return 0;
}

static void ramfs_read_write(struct fsd *fsd, struct vfs_io *io)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    struct vnode *vnode = io->vnode;
    struct ramfs_node *node = vnode->private_data;
    io->done_bytes = 0;
    mutex_lock(&ramfs->lock);
    bool too_far = io->offset_bytes > FILE_BYTES_MAX; /* so that no sum wraps */
    status_t status = too_far ? -EFBIG : node_transfer(node, io);
    uint64_t end = io->offset_bytes + io->done_bytes;
    if (io->op == IO_WRITE && io->done_bytes)
        node->modified_s = time_wall_s();
    if (io->op == IO_WRITE && io->done_bytes && end > node->size_bytes)
        node->size_bytes = vnode->size_bytes = end;
    mutex_unlock(&ramfs->lock);
    vfs_io_complete(io, status);
}

/* ---- listing ------------------------------------------------------------------------------ */

/* The position is one above the id listed last: ids only rise, and children stand in the order in
 * which they came, so a directory may change between two calls. */
static int ramfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                          uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    (void)cursor, (void)levels;
    struct ramfs *ramfs = ramfs_of(fsd);
    struct ramfs_node *parent = directory->private_data, *next = NULL;
    mutex_lock(&ramfs->lock);
    list_each(link, &parent->children) {
        struct ramfs_node *node = list_entry(link, struct ramfs_node, siblings);
        if (node->id >= *position && (!next || node->id < next->id))
            next = node;
    }
    if (next) {
        entry->info.id = next->id;
        entry->info.type = next->type;
        memcpy(entry->name, next->name, next->name_length);
        entry->name[next->name_length] = '\0';
        *position = next->id + 1;
    }
    mutex_unlock(&ramfs->lock);
    return next != NULL;
}

/* ---- the file system ---------------------------------------------------------------------- */

static status_t ramfs_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    (void)fsd;
    *info = (struct fs_info){
        .total_bytes = (uint64_t)page_total_count() * PAGE_BYTES,
        .free_bytes = (uint64_t)page_free_count() * PAGE_BYTES,
        .block_bytes = PAGE_BYTES,
    };
    text_copy(info->type, sizeof(info->type), "ramfs");
    return 0;
}

static void ramfs_dismount(struct fsd *fsd)
{
    struct ramfs *ramfs = ramfs_of(fsd);
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct list *link; (link = list_pop_front(&ramfs->by_id[i]));)
            node_free(list_entry(link, struct ramfs_node, id_link));
    mem_free(ramfs);
}

static const struct fsd_ops ramfs_ops = {
    .dismount = ramfs_dismount,
    .get_fs_info = ramfs_get_fs_info,
    .lookup = ramfs_lookup,
    .create = ramfs_create,
    .mkdir = ramfs_mkdir,
    .unlink = ramfs_unlink,
    .rename = ramfs_rename,
    .get_vnode = ramfs_get_vnode,
    .put_vnode = ramfs_put_vnode,
    .get_info = ramfs_get_info,
    .set_info = ramfs_set_info,
    .read_write = ramfs_read_write,
    .read_dir = ramfs_read_dir,
};

static status_t ramfs_mount(const struct device_handle *handle, const char *options,
                            struct fsd **fsd)
{
    (void)options;
    if (handle->device)
        return -EMEDIUMTYPE; /* it lives on no device */
    struct ramfs *ramfs = mem_zalloc(sizeof(*ramfs));
    if (!ramfs)
        return -ENOMEM;
    mutex_init(&ramfs->lock, RANK_FSD);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&ramfs->by_id[i]);
    ramfs->fsd = (struct fsd){ .ops = &ramfs_ops, .name = "ramfs", .private_data = ramfs };
    if (!node_create(ramfs, NODE_DIRECTORY, (struct element){ "", 0 })) {
        mem_free(ramfs);
        return -ENOMEM;
    }
    *fsd = &ramfs->fsd;
    return 0;
}

static const struct driver driver_ramfs = {
    .name = "ramfs",
    .order = 90,
    .mount_fs = ramfs_mount,
};
DRIVER(driver_ramfs);
