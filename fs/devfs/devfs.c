/*
 * devfs.c - the device tree as files, at /System/Devices.
 *
 * Buses are directories, devices with data are files that contain the device's bytes, and `Classes`
 * contains a link for each class name ("cdrom0" -> "../pci/00:01.1/ide1/master/cdrom"). The files
 * of partitions are in `Classes` themselves, since a disk is not a directory. The streams have no
 * device: `null` discards what is written and is empty, `zero` discards it too and contains
 * endless zeroes, `full` contains them too and refuses writes with -ENOSPC. `random` and `urandom`
 * contain pseudo-random bytes that the time seeds: for tests and file names, not for keys.
 *
 * Vnode ids   Bits 0-27: the device's number (the root's is 1, which is VNODE_ROOT; a stream's is
 *             its index in the table). Bits 28-29: the kind. Bits 30-61: the generation of the
 *             medium, for devices with data. So another disc is another vnode, and a file opened
 *             on the old disc never shows the new one.
 * Writing     bypasses the cache, and claims the device (device_claim).
 * Ownership   A vnode holds a reference to its device, and an open handle if there is a medium.
 *             Vnodes are transient: the VFS does not keep an unused device open.
 */
#include "kernel/dev/driver.h"
#include "kernel/vfs/fsd.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum devfs_kind { KIND_DEVICE, KIND_CLASSES, KIND_ALIAS, KIND_STREAM };

struct devfs_node {
    enum devfs_kind kind;
    struct device *device;       /* a reference; NULL for Classes and streams */
    struct device_handle handle; /* .device NULL: no medium */
};

enum { STREAM_NULL, STREAM_ZERO, STREAM_FULL, STREAM_RANDOM, STREAM_URANDOM, STREAMS };

enum { NUMBER_MASK = 0xfffffff };

/* POSIX modes, as `ls -l` shows them; the permission bits match what the device supports. */
enum {
    MODE_STREAM = 020666,
    MODE_CONTROL = 020600,
    MODE_BLOCK = 060444,
    MODE_BLOCK_WRITABLE = 060666,
    MODE_DIRECTORY = 040555,
    MODE_LINK = 0120777,
};

static const char *const stream_names[STREAMS] = { "null", "zero", "full", "random", "urandom" };

static vnode_id_t id_make(enum devfs_kind kind, unsigned number, uint32_t generation)
{
    return (uint64_t)generation << 30 | (uint64_t)kind << 28 | number;
}

static const vnode_id_t id_classes = (vnode_id_t)KIND_CLASSES << 28;

static vnode_id_t id_of_device(struct device *device)
{
    uint32_t generation = device_has_data(device) ? device_medium(device).generation : 0;
    return id_make(KIND_DEVICE, device_number(device), generation);
}

static enum node_type type_of_device(const struct device *device)
{
    if (device_has_data(device))
        return NODE_FILE;
    return device_class(device) == &class_control ? NODE_OTHER : NODE_DIRECTORY;
}

static const struct devfs_node *node_of(const struct vnode *vnode)
{
    return vnode->private_data;
}

/* ---- information -------------------------------------------------------------------------- */

/* `device` is NULL for a stream and for Classes. */
static uint32_t mode_of(const struct device *device, enum node_type type)
{
    switch (type) {
    case NODE_DIRECTORY: return MODE_DIRECTORY;
    case NODE_LINK: return MODE_LINK;
    case NODE_FILE: return device_is_read_only(device) ? MODE_BLOCK : MODE_BLOCK_WRITABLE;
    default: return device ? MODE_CONTROL : MODE_STREAM;
    }
}

static void info_fill(struct device *device, vnode_id_t id, enum node_type type,
                      struct node_info *info)
{
    struct device_medium medium = { .present = false };
    if (type == NODE_FILE)
        medium = device_medium(device);

    /* Without a medium the size is 0. The alias makes all names of a device one file to `cp` and
     * `du`. */
    *info = (struct node_info){
        .known = INFO_DIRENT | INFO_STANDARD | INFO_ALIAS | INFO_MODE,
        .id = id,
        .type = type,
        .size_bytes = medium.present ? medium.bytes : 0,
        .attributes = device && device_is_read_only(device) ? ATTRIBUTE_READ_ONLY : 0,
        .alias = id,
        .mode = mode_of(device, type),
        .links = 1,
    };
}

static void device_info(struct device *device, enum devfs_kind kind, struct node_info *info)
{
    if (kind == KIND_ALIAS && !device_is_part(device))
        info_fill(device, id_make(KIND_ALIAS, device_number(device), 0), NODE_LINK, info);
    else
        info_fill(device, id_of_device(device), type_of_device(device), info);
}

/* ---- listing ------------------------------------------------------------------------------ */

static bool is_root(const struct devfs_node *node)
{
    return node->kind == KIND_DEVICE && node->device == device_root();
}

/* Returns the name of the n-th entry of the root that is not a device: Classes, then streams. */
static const char *root_entry(unsigned n, struct node_info *info)
{
    if (n > 0) {
        info_fill(NULL, id_make(KIND_STREAM, n - 1, 0), NODE_OTHER, info);
        return stream_names[n - 1];
    }
    info_fill(NULL, id_classes, NODE_DIRECTORY, info);
    return "Classes";
}

/* Lists the entries that are not devices first, then devices in the order of their numbers. The
 * position follows the number listed last, so devices added or removed meanwhile do no harm. */
static int devfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                          uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    const struct devfs_node *node = node_of(directory);
    (void)fsd, (void)cursor, (void)levels;

    if (*position <= STREAMS && is_root(node)) {
        const char *name = root_entry((unsigned)*position, &entry->info);
        text_copy(entry->name, sizeof(entry->name), name);
        ++*position;
        return 1;
    }

    bool classes = node->kind == KIND_CLASSES;
    unsigned after = *position > STREAMS ? (unsigned)*position - STREAMS - 1 : 0;
    struct device *device = classes ? device_by_class(after) : device_child(node->device, after);
    if (!device)
        return 0;

    device_info(device, classes ? KIND_ALIAS : KIND_DEVICE, &entry->info);
    text_copy(entry->name, sizeof(entry->name), classes ? device_alias(device)
                                                         : device_name(device));

    /* Numbers are never reused, so this place stays right when devices vanish. */
    *position = (uint64_t)device_number(device) + STREAMS + 1;
    device_put(device);
    return 1;
}

/* Returns the device of this class name: a reference, or NULL. */
static struct device *find_class(struct element element)
{
    char name[DEVICE_NAME_BYTES];
    if (element.length >= sizeof(name))
        return NULL;
    memcpy(name, element.name, element.length);
    name[element.length] = '\0';

    /* device_find() accepts a device's path too, which is not a class name */
    struct device *device = device_find(name);
    if (device && !text_equal(device_alias(device), name)) {
        device_put(device);
        device = NULL;
    }
    return device;
}

static status_t devfs_get_child_info(struct fsd *fsd, struct vnode *directory,
                                     struct element element, unsigned levels,
                                     struct node_info *info)
{
    const struct devfs_node *node = node_of(directory);
    (void)fsd, (void)levels;

    /* The same entries as in devfs_read_dir(): first those that are not devices. */
    for (unsigned n = 0; is_root(node) && n <= STREAMS; n++) {
        const char *name = root_entry(n, info);
        if (text_equal_n(name, strlen(name), element.name, element.length))
            return 0;
    }

    bool classes = node->kind == KIND_CLASSES;
    struct device *device = classes ? find_class(element)
                                    : device_find_child(node->device, element.name,
                                                        element.length);
    if (!device)
        return -ENOENT;

    device_info(device, classes ? KIND_ALIAS : KIND_DEVICE, info);
    device_put(device);
    return 0;
}

static status_t devfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                             vnode_id_t *id)
{
    struct node_info info;
    status_t status = devfs_get_child_info(fsd, directory, element, INFO_DIRENT, &info);
    if (!status)
        *id = info.id;
    return status;
}

/* ---- vnodes ------------------------------------------------------------------------------- */

/* Opens a device with data, if it has a medium. -ESTALE if the id is of another generation. */
static status_t node_open_device(struct vnode *vnode, struct devfs_node *node)
{
    struct device *device = node->device;
    vnode->type = NODE_FILE;
    vnode->device = device;
    vnode->cache_block_bytes = device_block_bytes(device);
    status_t status = device_open(device, &node->handle);

    /* without a medium the node exists, but cannot be read */
    if (status && status != -ENOMEM) {
        vnode->open_status = status;
        return id_of_device(device) == vnode->id ? 0 : -ESTALE;
    }

    /* The medium may have changed since the look-up. The id means the one before. */
    if (!status &&
        id_make(KIND_DEVICE, device_number(device), node->handle.generation) != vnode->id) {
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
    vnode->size_bytes = vnode->id == id_make(KIND_STREAM, STREAM_NULL, 0) ? 0 : INT64_MAX;
    return (vnode->id & NUMBER_MASK) < STREAMS && vnode->id >> 30 == 0 ? 0 : -ENOENT;
}

static status_t node_open(struct vnode *vnode, struct devfs_node *node)
{
    node->kind = (enum devfs_kind)(vnode->id >> 28 & 3);
    vnode->type = NODE_DIRECTORY;
    if (node->kind == KIND_CLASSES)
        return vnode->id == id_classes ? 0 : -ENOENT;
    if (node->kind == KIND_STREAM)
        return node_open_stream(vnode);

    /* The kinds that are left belong to a device, which may have been removed since the look-up. */
    node->device = device_find_number(vnode->id & NUMBER_MASK);
    if (!node->device)
        return -ENOENT;
    if (node->kind == KIND_ALIAS) {
        vnode->type = NODE_LINK;
        return *device_alias(node->device) ? 0 : -ENOENT;
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

    /* A vnode that is kept while it is unused would keep its device open. */
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

    /* The handle is of one medium: after a change, files of the old disc return -ESTALE. */
    return device_check(&node_of(vnode)->handle);
}

static status_t devfs_open(struct fsd *fsd, struct vnode *vnode, bool write)
{
    (void)fsd;
    const struct devfs_node *node = node_of(vnode);
    if (vnode->stream)
        return 0;

    /* A device that is about to be removed refuses opens, though its vnode may exist already. */
    status_t status = device_admits(node->device);
    return !status && write ? device_claim(&node->handle) : status;
}

static void devfs_close(struct fsd *fsd, struct vnode *vnode, bool write)
{
    (void)fsd;
    if (write && !vnode->stream)
        device_release(&node_of(vnode)->handle);
}

static status_t devfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                               struct node_info *info)
{
    (void)fsd, (void)levels;
    info_fill(node_of(vnode)->device, vnode->id, vnode->type, info);

    /* the size of the medium that the id means, not of the one inserted now */
    if (vnode->type == NODE_FILE)
        info->size_bytes = vnode->size_bytes;
    return 0;
}

static ssize_t devfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    (void)fsd;
    char path[256];
    device_path(node_of(vnode)->device, path, sizeof(path));
    return format_text(target, bytes, "../%s", path);
}

static status_t devfs_passthrough(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                                  void *argument, size_t bytes)
{
    struct device *device = node_of(vnode)->device;
    (void)fsd;
    return device ? device_control(device, operation, argument, bytes) : -EOPNOTSUPP;
}

/* ---- content ------------------------------------------------------------------------------ */

/* Fills memory with pseudo-random bytes. Each call takes numbers of its own from the counter, so
 * concurrent readers get different bytes without a lock. */
static void random_fill(uint8_t *to, size_t bytes)
{
    static _Atomic uint64_t counter;
    size_t words = bytes / 8 + 1;
    uint64_t seed = hash_u64(time_now_us()) ^ (uint64_t)time_wall_s();
    uint64_t number = atomic_fetch_add(&counter, words);

    /* A hash of consecutive numbers: neighbouring words have no visible relation. */
    for (size_t at = 0; at < bytes; at += 8, number++) {
        uint64_t word = hash_u64(hash_u64(number) ^ seed);
        memcpy(to + at, &word, min(sizeof(word), bytes - at));
    }
}

/* `null` is never read: its size is 0. */
static void stream_read_write(struct vfs_io *io)
{
    unsigned stream = io->vnode->id & NUMBER_MASK;
    if (io->op == IO_WRITE && stream == STREAM_FULL) {
        vfs_io_complete(io, -ENOSPC);
        return;
    }

    for (unsigned i = 0; io->op == IO_READ && i < io->segment_count; i++) {
        if (stream >= STREAM_RANDOM)
            random_fill(io->segments[i].address, io->segments[i].length_bytes);
        else
            memset(io->segments[i].address, 0, io->segments[i].length_bytes);
    }
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

    /* the last block of an image may be incomplete */
    uint64_t length = io->length_bytes, size = io->vnode->size_bytes;
    if (io->op == IO_READ && io->offset_bytes < size && length > size - io->offset_bytes)
        length = size - io->offset_bytes;

    /* To the handle of this vnode's medium: after a change of discs the request fails with
     * -ESTALE. */
    vfs_io_submit_to(io, &node_of(io->vnode)->handle, io->offset_bytes, length);
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
    *info = (struct fs_info){ .read_only = true }; /* the names; devices can be written */
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
    .get_child_info = devfs_get_child_info,
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
    .passthrough = devfs_passthrough,
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
