/*
 * file.c - open files and directories.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/string.h"

struct file {
    struct path *path;   /* NULL when opened by id */
    struct mount *mount; /* a reference of its own when there is no path */
    struct vnode *vnode;
    unsigned flags;
    uint64_t offset;     /* directories: the FSD's position */
    void *cursor;        /* of open_dir */
    uint8_t *view_page;  /* for views of uncached files */
};

/* ---- opening ------------------------------------------------------------------------------ */

static status_t file_check_type(const struct vnode *vnode, unsigned flags)
{
    if (flags & OPEN_DIRECTORY)
        return vnode->type == NODE_DIRECTORY ? 0 : -ENOTDIR;
    if (vnode->type == NODE_DIRECTORY)
        return -EISDIR;
    if (vnode->type == NODE_LINK)
        return -ELOOP; /* as the last element of a walk that does not follow */
    if (vnode->open_status)
        return vnode->open_status;
    return vnode->type == NODE_FILE ? 0 : -EOPNOTSUPP;
}

static status_t file_truncate(struct fsd *fsd, struct vnode *vnode)
{
    struct node_info info = { .known = INFO_STANDARD };
    return fsd->ops->set_info ? fsd->ops->set_info(fsd, vnode, INFO_STANDARD, &info) : -EROFS;
}

static status_t file_prepare(struct file *file)
{
    struct vnode *vnode = file->vnode;
    struct fsd *fsd = vnode->fsd;
    status_t status = fsd_check(fsd);
    if (!status)
        status = file_check_type(vnode, file->flags);
    if (!status && file->flags & OPEN_WRITE && fsd->read_only)
        status = -EROFS;
    if (!status && file->flags & OPEN_TRUNCATE)
        status = file_truncate(fsd, vnode);
    if (!status && file->flags & OPEN_DIRECTORY && fsd->ops->open_dir)
        status = fsd->ops->open_dir(fsd, vnode, &file->cursor);
    if (!status && !(file->flags & OPEN_DIRECTORY) && fsd->device.device)
        device_file_opened(&fsd->device);
    return status;
}

/* Takes over the references to path or mount and vnode, also when it fails. */
static status_t file_create(struct path *path, struct mount *mount, struct vnode *vnode,
                            unsigned flags, struct file **result)
{
    struct file *file = mem_zalloc(sizeof(*file));
    status_t status = -ENOMEM;
    if (!file)
        goto no_file;
    *file = (struct file){ .path = path, .mount = mount, .vnode = vnode, .flags = flags };
    status = file_prepare(file);
    if (status)
        goto refused;
    *result = file;
    return 0;
refused:
    mem_free(file);
no_file:
    path_put(path);
    if (!path) {
        vnode_put(vnode);
        mount_put(mount);
    }
    *result = NULL;
    return status;
}

status_t file_open_path(struct path *path, unsigned flags, struct file **file)
{
    return file_create(path_get(path), NULL, path->vnode, flags, file);
}

status_t file_open_id(struct path *mounted, vnode_id_t id, unsigned flags, struct file **file)
{
    struct vnode *vnode;
    status_t status = vnode_get(mounted->mount->fsd, id, &vnode);
    if (status)
        return status;
    return file_create(NULL, mount_get(mounted->mount), vnode, flags, file);
}

/* Makes the file that a walk did not find. */
static status_t file_make(struct path *start, const char *text)
{
    struct path *parent;
    struct element last;
    status_t status = path_walk_parent(start, text, &parent, &last);
    if (status)
        return status;
    struct fsd *fsd = parent->mount->fsd;
    vnode_id_t id;
    if (!path_is_directory(parent))
        status = -ENOTDIR;
    else
        status = fsd->ops->create ? fsd->ops->create(fsd, parent->vnode, last, &id) : -EROFS;
    path_put(parent);
    return status;
}

status_t file_open(struct path *start, const char *text, unsigned flags, struct file **file)
{
    struct path *path;
    *file = NULL;
    status_t status = path_walk(start, text, 0, &path);
    if (status == -ENOENT && flags & OPEN_CREATE && *text) {
        status = text[strlen(text) - 1] == '/' ? -EISDIR : file_make(start, text);
        if (!status || status == -EEXIST) /* another thread was first */
            status = path_walk(start, text, 0, &path);
    }
    if (status)
        return status;
    status = file_open_path(path, flags, file);
    path_put(path);
    return status;
}

void file_close(struct file *file)
{
    if (!file)
        return;
    struct fsd *fsd = file->vnode->fsd;
    if (file->flags & OPEN_DIRECTORY && fsd->ops->close_dir)
        fsd->ops->close_dir(fsd, file->vnode, file->cursor);
    if (!(file->flags & OPEN_DIRECTORY) && fsd->device.device)
        device_file_closed(&fsd->device);
    if (file->view_page)
        page_free(file->view_page);
    if (file->path) {
        path_put(file->path);
    } else {
        vnode_put(file->vnode);
        mount_put(file->mount);
    }
    mem_free(file);
}

status_t file_check(struct file *file)
{
    return vnode_check(file->vnode);
}

uint64_t file_size(struct file *file)
{
    return file->vnode->size_bytes;
}

unsigned file_level(struct file *file)
{
    return file->vnode->level;
}

void file_seek(struct file *file, uint64_t offset_bytes)
{
    file->offset = offset_bytes;
}

/* ---- io past the cache -------------------------------------------------------------------- */

struct file_wait {
    struct semaphore done;
    status_t status;
};

static void file_io_complete(struct vfs_io *io, status_t status)
{
    struct file_wait *wait = io->context;
    wait->status = status;
    semaphore_up(&wait->done);
}

/* One io of the FSD, waited for. The io is on the heap: a request is too big for deep stacks.
 * *done_bytes are good, whatever the status. */
static status_t file_io(struct vfs_io template, uint64_t *done_bytes)
{
    struct fsd *fsd = template.vnode->fsd;
    struct file_wait wait = { .status = 0 };
    *done_bytes = 0;
    if (!fsd->ops->read_write)
        return -EOPNOTSUPP;
    struct vfs_io *io = mem_alloc(sizeof(*io));
    if (!io)
        return -ENOMEM;
    semaphore_init(&wait.done, 0);
    *io = template;
    io->complete = file_io_complete;
    io->context = &wait;
    fsd->ops->read_write(fsd, io);
    while (semaphore_down(&wait.done, TIME_NEVER))
        ;
    *done_bytes = io->done_bytes;
    mem_free(io);
    return wait.status;
}

enum { IO_BYTES_MAX = 1 << 30 };

/* The same with one piece of memory: bytes moved, or an errno when not one could be. */
static ssize_t file_io_memory(struct vnode *vnode, enum io_op op, uint64_t offset_bytes,
                              void *memory, size_t bytes)
{
    if (bytes > IO_BYTES_MAX)
        bytes = IO_BYTES_MAX;
    struct io_segment segment = { .address = memory, .length_bytes = (uint32_t)bytes };
    uint64_t done;
    status_t status = file_io(
        (struct vfs_io){
            .vnode = vnode,
            .op = op,
            .offset_bytes = offset_bytes,
            .length_bytes = bytes,
            .segments = &segment,
            .segment_count = 1,
        },
        &done);
    return status && !done ? status : (ssize_t)done;
}

static status_t file_read_copying(struct file *file, uint64_t offset_bytes,
                                  const struct io_segment *segments, uint32_t length_bytes,
                                  uint32_t *done_bytes)
{
    for (unsigned i = 0; *done_bytes < length_bytes; i++) {
        uint32_t count = segments[i].length_bytes;
        if (count > length_bytes - *done_bytes)
            count = length_bytes - *done_bytes;
        ssize_t got = file_read_at(file, offset_bytes + *done_bytes, segments[i].address, count);
        if (got > 0)
            *done_bytes += (uint32_t)got;
        if (got != (ssize_t)count)
            return got < 0 ? (status_t)got : -EIO;
    }
    return 0;
}

status_t file_read_direct(struct file *file, uint64_t offset_bytes,
                          const struct io_segment *segments, unsigned segment_count,
                          uint32_t length_bytes, uint32_t *done_bytes)
{
    struct vnode *vnode = file->vnode;
    uint32_t block = vnode->cache_block_bytes;
    status_t status = vnode_check(vnode);
    *done_bytes = 0;
    if (status)
        return status;
    if (!block || offset_bytes % block || length_bytes % block ||
        offset_bytes + length_bytes > vnode->size_bytes)
        return file_read_copying(file, offset_bytes, segments, length_bytes, done_bytes);
    uint64_t done;
    status = file_io(
        (struct vfs_io){
            .vnode = vnode,
            .op = IO_READ,
            .offset_bytes = offset_bytes,
            .length_bytes = length_bytes,
            .segments = segments,
            .segment_count = segment_count,
        },
        &done);
    *done_bytes = (uint32_t)done;
    return status;
}

/* ---- reading and writing ------------------------------------------------------------------ */

ssize_t file_read_at(struct file *file, uint64_t offset_bytes, void *buffer, size_t bytes)
{
    struct vnode *vnode = file->vnode;
    if (file->flags & OPEN_DIRECTORY)
        return -EISDIR;
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    if (vnode->cache_block_bytes)
        return cache_read(&vnode->cache, offset_bytes, buffer, bytes);
    status_t status = vnode_check(vnode);
    if (status || offset_bytes >= vnode->size_bytes)
        return status;
    if (bytes > vnode->size_bytes - offset_bytes)
        bytes = (size_t)(vnode->size_bytes - offset_bytes);
    return file_io_memory(vnode, IO_READ, offset_bytes, buffer, bytes);
}

ssize_t file_read(struct file *file, void *buffer, size_t bytes)
{
    ssize_t got = file_read_at(file, file->offset, buffer, bytes);
    if (got > 0)
        file->offset += (uint64_t)got;
    return got;
}

ssize_t file_write(struct file *file, const void *buffer, size_t bytes)
{
    struct vnode *vnode = file->vnode;
    if (!(file->flags & OPEN_WRITE))
        return -EBADF;
    if (vnode->cache_block_bytes)
        return -EROFS;
    if (file->flags & OPEN_APPEND)
        file->offset = vnode->size_bytes;
    if (!bytes)
        return 0;
    ssize_t done = file_io_memory(vnode, IO_WRITE, file->offset, (void *)(uintptr_t)buffer, bytes);
    if (done > 0)
        file->offset += (uint64_t)done;
    return done;
}

/* Uncached files have no pages to show: theirs are copied into one of the handle's. */
static ssize_t file_view_copy(struct file *file, struct cache_view *view)
{
    if (!file->view_page && !(file->view_page = page_alloc()))
        return -ENOMEM;
    ssize_t got = file_read_at(file, file->offset, file->view_page, PAGE_BYTES);
    if (got > 0)
        *view = (struct cache_view){ .data = file->view_page, .length_bytes = (size_t)got };
    return got;
}

ssize_t file_view(struct file *file, struct cache_view *view)
{
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    ssize_t got = file->vnode->cache_block_bytes
                      ? cache_view_open(&file->vnode->cache, file->offset, view)
                      : file_view_copy(file, view);
    if (got > 0)
        file->offset += (uint64_t)got;
    return got;
}

void file_view_close(struct file *file, struct cache_view *view)
{
    (void)file;
    if (view->page)
        cache_view_close(view);
}

int dir_read(struct file *directory, struct dir_entry *entry)
{
    struct vnode *vnode = directory->vnode;
    struct fsd *fsd = vnode->fsd;
    if (!(directory->flags & OPEN_DIRECTORY))
        return -ENOTDIR;
    status_t status = fsd_check(fsd);
    if (status)
        return status;
    entry->type = NODE_NONE;
    return fsd->ops->read_dir(fsd, vnode, directory->cursor, &directory->offset, entry);
}
