/*
 * devfs.c - the device tree as files, at /System/Devices.
 *
 * Buses are directories, devices with data are files that read the device, and `Classes` holds a
 * link for each class name ("cdrom0" -> "../pci/00:01.1/ide1/master/cdrom"). Two nodes have no
 * device: `null` takes all that is written and gives nothing, `zero` takes it too and gives zeroes
 * without end.
 *
 * Vnode ids   bits 0-27 the device's number (the root's is 1, which is VNODE_ROOT; that of a stream
 *             is its place in the table), bits 28-29 the kind, bits 30-61 the generation of the
 *             medium for devices with data: another disc is another vnode, so nothing that was
 *             opened on the old one can show the new.
 * Writing     goes past the cache, and has the device alone (device_claim).
 * Ownership   A vnode holds a reference to its device, and an open handle where there is a medium.
 *             Vnodes are transient: a device that nobody uses is not kept open by this cache.
 */
#include "kernel/dev/driver.h"
#include "kernel/vfs/fsd.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

enum devfs_kind { KIND_DEVICE, KIND_CLASSES, KIND_ALIAS, KIND_STREAM };

struct devfs_node {
    enum devfs_kind kind;
    struct device *device;       /* a reference; NULL for Classes and streams */
    struct device_handle handle; /* .device NULL: no medium */
};

enum { STREAM_NULL, STREAM_ZERO, STREAMS };

/* What `ls -l` shows, as on Unix; the bits allow what the device does. */
enum {
    MODE_STREAM = 020666,
    MODE_CONTROL = 020600,
    MODE_BLOCK = 060444,
    MODE_BLOCK_WRITABLE = 060666,
    MODE_DIRECTORY = 040555,
    MODE_LINK = 0120777,
};

static const char *const stream_names[STREAMS] = { "null", "zero" };

static vnode_id_t id_make(enum devfs_kind kind, unsigned number, uint32_t generation)
{
    return (uint64_t)generation << 30 | (uint64_t)kind << 28 | number;
}

static const vnode_id_t id_classes = (vnode_id_t)KIND_CLASSES << 28;

static vnode_id_t id_of_device(struct device *device)
{
    uint32_t generation = device->ops->start ? device_medium(device).generation : 0;
    return id_make(KIND_DEVICE, device->number, generation);
}

static enum node_type type_of_device(const struct device *device)
{
    if (device->ops->start)
        return NODE_FILE;
    return device->device_class == CLASS_CONTROL ? NODE_OTHER : NODE_DIRECTORY;
}

static const struct devfs_node *node_of(const struct vnode *vnode)
{
    return vnode->private_data;
}

/* ---- listing ------------------------------------------------------------------------------ */

static void entry_fill(struct dir_entry *entry, vnode_id_t id, enum node_type type,
                       const char *name)
{
    entry->info.id = id;
    entry->info.type = type;
    text_copy(entry->name, sizeof(entry->name), name);
}

/* What the root holds besides devices. */
static void root_entry(unsigned n, struct dir_entry *entry)
{
    if (n == 0)
        entry_fill(entry, id_classes, NODE_DIRECTORY, "Classes");
    else
        entry_fill(entry, id_make(KIND_STREAM, n - 1, 0), NODE_OTHER, stream_names[n - 1]);
}

/* The n-th entry of a directory: 1, or 0 past the last. */
static int devfs_entry(const struct devfs_node *node, unsigned n, struct dir_entry *entry)
{
    if (node->kind == KIND_DEVICE && node->device == device_root()) {
        if (n <= STREAMS) {
            root_entry(n, entry);
            return 1;
        }
        n -= 1 + STREAMS;
    }
    struct device *device = node->kind == KIND_CLASSES ? device_by_class(n)
                                                       : device_child(node->device, n);
    if (!device)
        return 0;
    if (node->kind == KIND_CLASSES)
        entry_fill(entry, id_make(KIND_ALIAS, device->number, 0), NODE_LINK, device->alias);
    else
        entry_fill(entry, id_of_device(device), type_of_device(device), device->name);
    device_put(device);
    return 1;
}

static int devfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                          uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    (void)fsd, (void)cursor, (void)levels;
    int got = devfs_entry(node_of(directory), (unsigned)*position, entry);
    *position += (uint64_t)got;
    return got;
}

static status_t devfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                             vnode_id_t *id)
{
    (void)fsd;
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    status_t status = entry ? -ENOENT : -ENOMEM;
    for (unsigned n = 0; entry && devfs_entry(node_of(directory), n, entry); n++)
        if (text_equal_n(entry->name, strlen(entry->name), element.name, element.length)) {
            *id = entry->info.id;
            status = 0;
            break;
        }
    mem_free(entry);
    return status;
}

/* ---- vnodes ------------------------------------------------------------------------------- */

/* A device with data: opened, if it has a medium, under the generation that the id means. */
static status_t node_open_device(struct vnode *vnode, struct devfs_node *node)
{
    struct device *device = node->device;
    vnode->type = NODE_FILE;
    vnode->device = device;
    vnode->cache_block_bytes = device->limits.block_bytes;
    status_t status = device_open(device, &node->handle);
    if (status && status != -ENOMEM) { /* it is there, though it cannot be read */
        vnode->open_status = status;
        return id_of_device(device) == vnode->id ? 0 : -ESTALE;
    }
    if (!status && id_make(KIND_DEVICE, device->number, node->handle.generation) != vnode->id) {
        device_close(&node->handle);
        status = -ESTALE;
    }
    vnode->size_bytes = device_medium(device).bytes;
    return status;
}

static status_t node_open_stream(struct vnode *vnode)
{
    vnode->type = NODE_OTHER;
    vnode->stream = true;
    vnode->size_bytes = vnode->id == id_make(KIND_STREAM, STREAM_ZERO, 0) ? INT64_MAX : 0;
    return (vnode->id & 0xfffffff) < STREAMS && vnode->id >> 30 == 0 ? 0 : -ENOENT;
}

static status_t node_open(struct vnode *vnode, struct devfs_node *node)
{
    node->kind = (enum devfs_kind)(vnode->id >> 28 & 3);
    vnode->type = NODE_DIRECTORY;
    if (node->kind == KIND_CLASSES)
        return vnode->id == id_classes ? 0 : -ENOENT;
    if (node->kind == KIND_STREAM)
        return node_open_stream(vnode);
    node->device = device_find_number(vnode->id & 0xfffffff);
    if (!node->device)
        return -ENOENT;
    if (node->kind == KIND_ALIAS) {
        vnode->type = NODE_LINK;
        return node->device->alias[0] ? 0 : -ENOENT;
    }
    vnode->type = type_of_device(node->device);
    return vnode->type == NODE_FILE ? node_open_device(vnode, node) : 0;
}

static void node_free(struct devfs_node *node)
{
    device_close(&node->handle);
    device_put(node->device);
    mem_free(node);
}

static status_t devfs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    struct devfs_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;
    vnode->transient = true;
    vnode->cache_block_bytes = 0;
    status_t status = node_open(vnode, node);
    if (status)
        node_free(node);
    else
        vnode->private_data = node;
    return status;
}

static void devfs_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    node_free(vnode->private_data);
}

static status_t devfs_check(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    if (vnode->stream)
        return 0;
    return device_check(&node_of(vnode)->handle);
}

static status_t devfs_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    (void)fsd;
    const struct devfs_node *node = node_of(vnode);
    if (vnode->stream)
        return 0;
    status_t status = device_admits(node->device);
    return !status && write ? device_claim(&node->handle) : status;
}

static void devfs_close(struct fsd *fsd, struct vnode *vnode, bool write)
{
    (void)fsd;
    if (write && !vnode->stream)
        device_release(&node_of(vnode)->handle);
}

static uint32_t mode_of(const struct vnode *vnode)
{
    const struct device *device = node_of(vnode)->device;
    switch (vnode->type) {
    case NODE_DIRECTORY: return MODE_DIRECTORY;
    case NODE_LINK: return MODE_LINK;
    case NODE_FILE: return device && !device->read_only ? MODE_BLOCK_WRITABLE : MODE_BLOCK;
    default: return vnode->stream ? MODE_STREAM : MODE_CONTROL;
    }
}

static status_t devfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               struct node_info *info)
{
    (void)fsd, (void)levels;
    info->known = INFO_DIRENT | INFO_STANDARD | INFO_ALIAS | INFO_MODE;
    info->size_bytes = vnode->type == NODE_FILE ? vnode->size_bytes : 0;
    info->alias = vnode->id;
    info->mode = mode_of(vnode);
    info->links = 1;
    if (node_of(vnode)->device && node_of(vnode)->device->read_only)
        info->attributes = ATTRIBUTE_READ_ONLY;
    return 0;
}

static ssize_t devfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    (void)fsd;
    char path[256];
    device_path(node_of(vnode)->device, path, sizeof(path));
    return format_text(target, bytes, "../%s", path);
}

/* ---- content ------------------------------------------------------------------------------ */

/* Reading comes here of `zero` only: of `null` there is nothing to read. */
static void stream_read_write(struct vfs_io *io)
{
    for (unsigned i = 0; io->op == IO_READ && i < io->segment_count; i++)
        memset(io->segments[i].address, 0, io->segments[i].length_bytes);
    io->done_bytes = io->length_bytes;
    vfs_io_complete(io, 0);
}

static void devfs_read_write(struct fsd *fsd, struct vfs_io *io)
{
    (void)fsd;
    io->done_bytes = 0;
    if (io->vnode->stream) {
        stream_read_write(io);
        return;
    }
    vfs_io_submit_to(io, &node_of(io->vnode)->handle, io->offset_bytes, io->length_bytes);
}

static void devfs_finish_io(struct fsd *fsd, struct vfs_io *io)
{
    (void)fsd;
    vfs_io_complete(io, io->request.status);
}

/* ---- the file system ---------------------------------------------------------------------- */

static status_t devfs_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    (void)fsd;
    *info = (struct fs_info){ .read_only = true }; /* its names are; devices may be written */
    text_copy(info->type, sizeof(info->type), "devfs");
    return 0;
}

static void devfs_dismount(struct fsd *fsd)
{
    mem_free(fsd);
}

static const struct fsd_ops devfs_ops = {
    .dismount = devfs_dismount,
    .get_fs_info = devfs_get_fs_info,
    .lookup = devfs_lookup,
    .get_vnode = devfs_get_vnode,
    .check = devfs_check,
    .open = devfs_open,
    .close = devfs_close,
    .put_vnode = devfs_put_vnode,
    .get_info = devfs_get_info,
    .read_write = devfs_read_write,
    .finish_io = devfs_finish_io,
    .read_dir = devfs_read_dir,
    .read_link = devfs_read_link,
};

static status_t devfs_mount(const struct device_handle *handle, const char *options,
                            struct fsd **result)
{
    (void)options;
    if (handle->device)
        return -EMEDIUMTYPE;
    struct fsd *fsd = mem_zalloc(sizeof(*fsd));
    if (!fsd)
        return -ENOMEM;
    *fsd = (struct fsd){ .ops = &devfs_ops, .name = "devfs" };
    *result = fsd;
    return 0;
}

static const struct driver driver_devfs = {
    .name = "devfs",
    .order = 91,
    .mount_fs = devfs_mount,
};
DRIVER(driver_devfs);
