/*
 * file_io.c - reads and writes open files.
 *
 * Files are read and written through their cache. A device is written past it, by a handle that has
 * it alone (vnode_share), which then reads without it as well.
 *
 * Every read checks whether its thread was interrupted. So ^C ends a loop over a file, whatever the
 * file is and wherever its bytes are.
 */
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

static bool file_is_cached(const struct file *file)
{
    const struct vnode *vnode = file->vnode;
    return vnode->cache_block_bytes && !(vnode->exclusive && vnode_bypasses_cache(vnode));
}

/* Returns whether the device has all bytes of the file, and this handle keeps writers away. */
static bool file_is_on_device(const struct file *file)
{
    struct vnode *vnode = file->vnode;
    return vnode_bypasses_cache(vnode) || vnode->fsd->read_only ||
           (file->flags & (OPEN_DENY_WRITE | OPEN_EXCLUSIVE) && !vnode_is_listed(vnode));
}

/* ---- at an offset ------------------------------------------------------------------------- */

ssize_t file_read_at(struct file *file, uint64_t offset_bytes, void *buffer, size_t bytes)
{
    struct vnode *vnode = file->vnode;
    if (file->flags & OPEN_DIRECTORY)
        return -EISDIR;
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    if (thread_interrupted())
        return -EINTR;

    if (file_is_cached(file))
        return vnode_read(vnode, offset_bytes, buffer, bytes);

    /* A cache checks on each read whether the medium is still there. Without one, check here, then
     * cut the read at the end of the file: FSDs get no range past it. */
    status_t status = vnode_check(vnode);
    uint64_t size = vnode->size_bytes;
    if (status || offset_bytes >= size)
        return status;
    bytes = (size_t)min(bytes, size - offset_bytes);
    return vnode_io_bytes(vnode, IO_READ, offset_bytes, buffer, bytes);
}

/* Makes what the handle has written durable, where each write is to be (mount -o sync). A file that
 * one handle has alone is an image: its drive's own flush makes it durable. */
static status_t file_write_through(struct file *file)
{
    struct vnode *vnode = file->vnode;
    if (vnode->fsd->synchronous)
        return file_flush(file);
    return file->flags & OPEN_EXCLUSIVE ? vnode_flush(vnode) : 0;
}

static ssize_t file_write_back(struct file *file, bool append, uint64_t offset_bytes,
                               const void *buffer, size_t bytes, uint64_t *end)
{
    ssize_t done = vnode_write(file->vnode, file->path, append, offset_bytes, buffer, bytes, end);
    status_t status = done > 0 ? file_write_through(file) : 0;
    return status ? status : done;
}

ssize_t file_write_at(struct file *file, uint64_t offset_bytes, const void *buffer, size_t bytes)
{
    struct vnode *vnode = file->vnode;
    if (!(file->flags & OPEN_WRITE))
        return -EBADF;

    /* A handle to a removed disc gets that error even for an empty write. */
    status_t status = vnode_check(vnode);
    if (status || !bytes)
        return status;

    if (vnode_is_written_back(vnode)) {
        uint64_t end;
        return file_write_back(file, false, offset_bytes, buffer, bytes, &end);
    }

    /* a device does not grow */
    uint64_t size = vnode->size_bytes;
    if (vnode->cache_block_bytes && (bytes > size || offset_bytes > size - bytes))
        return -ENOSPC;
    return vnode_io_bytes(vnode, IO_WRITE, offset_bytes, (void *)(uintptr_t)buffer, bytes);
}

/* ---- segments ----------------------------------------------------------------------------- */

/* Copies one segment. After a short read or write, the next attempt returns the error. */
static status_t file_copy_piece(struct file *file, enum io_op op, uint64_t offset_bytes,
                                uint8_t *memory, uint32_t bytes, uint32_t *done_bytes)
{
    while (bytes) {
        ssize_t got = op == IO_READ ? file_read_at(file, offset_bytes, memory, bytes)
                                    : file_write_at(file, offset_bytes, memory, bytes);

        if (got <= 0)
            return got ? (status_t)got : -EIO; /* the file has become shorter */
        *done_bytes += (uint32_t)got;
        offset_bytes += (uint64_t)got;
        memory += got;
        bytes -= (uint32_t)got;
    }
    return 0;
}

static status_t file_copy_segments(struct file *file, enum io_op op, uint64_t offset_bytes,
                                   const struct io_segment *segments, uint32_t length_bytes,
                                   uint32_t *done_bytes)
{
    status_t status = 0;
    for (unsigned i = 0; !status && *done_bytes < length_bytes; i++) {
        /* The last segment may reach past the end of the transfer. */
        uint32_t count = segments[i].length_bytes, left = length_bytes - *done_bytes;
        status = file_copy_piece(file, op, offset_bytes + *done_bytes, segments[i].address,
                                 count < left ? count : left, done_bytes);
    }
    return status;
}

status_t file_transfer(struct file *file, enum io_op op, uint64_t offset_bytes,
                       const struct io_segment *segments, unsigned segment_count,
                       uint32_t length_bytes, uint32_t *done_bytes)
{
    struct vnode *vnode = file->vnode;
    uint64_t size = vnode->size_bytes;
    uint32_t block = vnode->cache_block_bytes;

    *done_bytes = 0;
    if (op == IO_WRITE && !(file->flags & OPEN_WRITE))
        return -EBADF;
    status_t status = vnode_check(vnode);
    if (status || !length_bytes)
        return status;

    /* only whole blocks inside the file can go to the device as they are */
    bool direct = op == IO_WRITE ? vnode_bypasses_cache(vnode) : file_is_on_device(file);
    if (!block || !direct || offset_bytes % block || length_bytes % block ||
        length_bytes > size || offset_bytes > size - length_bytes)
        return file_copy_segments(file, op, offset_bytes, segments, length_bytes, done_bytes);

    /* Here the device reads or writes the caller's memory itself: no byte is copied. */
    uint64_t done;
    status = vnode_io(
        (struct vfs_io){
            .vnode = vnode,
            .op = op,
            .offset_bytes = offset_bytes,
            .length_bytes = length_bytes,
            .segments = segments,
            .segment_count = segment_count,
        },
        &done);
    *done_bytes = (uint32_t)done;
    return status;
}

/* ---- at the file's offset ----------------------------------------------------------------- */

ssize_t file_read(struct file *file, void *buffer, size_t bytes)
{
    ssize_t got = file_read_at(file, file->offset, buffer, bytes);
    if (got > 0)
        file->offset += (uint64_t)got;
    return got;
}

/* Finds the end of the file and writes there in one step, so that two handles that append do not
 * overwrite each other (POSIX write(), O_APPEND). A device's end does not move. */
static ssize_t file_append(struct file *file, const void *buffer, size_t bytes)
{
    struct vnode *vnode = file->vnode;
    if (bytes && vnode_is_written_back(vnode))
        return file_write_back(file, true, 0, buffer, bytes, &file->offset);
    if (vnode->cache_block_bytes)
        return bytes ? -ENOSPC : 0;

    /* The FSD determines the offset under its own lock. file->offset then follows the bytes. */
    status_t status = vnode_check(vnode);
    if (status || !bytes)
        return status;
    return vnode_append(vnode, buffer, bytes, &file->offset);
}

ssize_t file_write(struct file *file, const void *buffer, size_t bytes)
{
    if (file->flags & OPEN_APPEND && !file->vnode->stream)
        return file_append(file, buffer, bytes);

    /* A stream has no end to append to. */
    ssize_t done = file_write_at(file, file->offset, buffer, bytes);
    if (done > 0)
        file->offset += (uint64_t)done;
    return done;
}

status_t file_write_all(struct file *file, const void *buffer, size_t bytes)
{
    const uint8_t *at = buffer;
    while (bytes) {
        ssize_t done = file_write(file, at, bytes);
        if (done <= 0)
            return done ? (status_t)done : -EIO;
        at += done;
        bytes -= (size_t)done;
    }
    return 0;
}

ssize_t file_view_at(struct file *file, uint64_t offset_bytes, struct cache_view *view)
{
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    if (thread_interrupted())
        return -EINTR;
    return file_is_cached(file) ? vnode_view_open(file->vnode, offset_bytes, view) : -EOPNOTSUPP;
}

/* Uncached files have no pages to show: the bytes are copied into a page of the handle. */
static ssize_t file_view_copy(struct file *file, struct cache_view *view)
{
    if (!file->view_page && !(file->view_page = page_alloc()))
        return -ENOMEM;

    /* The page is reused by the next view, so only one view of a handle is valid at a time. */
    ssize_t got = file_read_at(file, file->offset, file->view_page, PAGE_BYTES);
    if (got > 0)
        *view = (struct cache_view){ .data = file->view_page, .length_bytes = (size_t)got };
    return got;
}

ssize_t file_view(struct file *file, struct cache_view *view)
{
    ssize_t got = file_view_at(file, file->offset, view);
    if (got == -EOPNOTSUPP)
        got = file_view_copy(file, view);
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

status_t file_read_whole(struct path *start, const char *text, size_t most, char **data,
                         size_t *bytes)
{
    struct file *file;
    status_t status = file_open(start, text, OPEN_READ, &file);
    if (status)
        return status;

    uint64_t size = file_size(file);
    *data = size <= most ? mem_alloc(size + 1) : NULL;
    status = *data ? 0 : size > most ? -EFBIG : -ENOMEM;
    for (*bytes = 0; !status && *bytes < size;) {
        ssize_t got = file_read(file, *data + *bytes, size - *bytes);
        if (got > 0)
            *bytes += (size_t)got;
        else
            status = got ? (status_t)got : -EIO; /* it became shorter */
    }
    file_close(file);

    if (status)
        mem_free(*data);
    else
        (*data)[*bytes] = '\0';
    return status;
}
