/*
 * file.c - opens and closes files and directories, and lists directories.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/string.h"

/* ---- opening ------------------------------------------------------------------------------ */

static status_t file_check_type(const struct vnode *vnode, unsigned flags)
{
    if (flags & OPEN_DIRECTORY)
        return vnode->type == NODE_DIRECTORY ? 0 : -ENOTDIR;
    if (vnode->type == NODE_DIRECTORY)
        return -EISDIR;
    if (vnode->type == NODE_LINK)
        return -ELOOP; /* the path was walked with WALK_NO_FOLLOW (POSIX open(), O_NOFOLLOW) */
    if (vnode->open_status)
        return vnode->open_status;
    return vnode->type == NODE_FILE || vnode->stream ? 0 : -EOPNOTSUPP;
}

static status_t file_resize(struct file *file, uint64_t bytes)
{
    struct node_info info = { .known = INFO_STANDARD, .size_bytes = bytes };
    if (!vnode_is_written_back(file->vnode))
        return vnode_set_info(file->vnode, INFO_STANDARD, &info);

    status_t status = vnode_set_size(file->vnode, file->path, bytes);
    return !status && file->vnode->fsd->synchronous ? file_flush(file) : status;
}

/* Streams can be written even on a read-only file system. */
static bool file_counts_as_writer(const struct file *file)
{
    return file->flags & OPEN_WRITE && !file->vnode->stream;
}

/* Opens the vnode's content for this handle, unless another handle or the file system excludes it.
 * The door stays locked while it is open. */
static status_t file_claim(struct file *file)
{
    struct vnode *vnode = file->vnode;
    struct fsd *fsd = vnode->fsd;
    bool writes = file_counts_as_writer(file);
    status_t status = writes ? fsd_writer_begin(fsd) : 0;
    if (status)
        return status;
    status = vnode_share(vnode, file->flags);
    if (status)
        goto not_shared;

    /* A handle that keeps writers away may read the device directly: what is dirty goes there
     * first. */
    if (file->flags & (OPEN_DENY_WRITE | OPEN_EXCLUSIVE) && vnode_is_written_back(vnode))
        status = vnode_flush(vnode);

    /* The counts come first: what they exclude must not reach the device (device_claim). */
    if (!status && fsd->ops->open)
        status = fsd->ops->open(fsd, vnode, file->flags & OPEN_WRITE);
    if (status)
        goto not_opened;

    fsd_file_opened(fsd);
    return 0;
not_opened:
    vnode_unshare(vnode, file->flags);
not_shared:
    if (writes)
        fsd_writer_end(fsd);
    return status;
}

static void file_unclaim(struct file *file)
{
    struct vnode *vnode = file->vnode;
    struct fsd *fsd = vnode->fsd;

    /* In the reverse order of file_claim(). */
    fsd_file_closed(fsd);
    if (fsd->ops->close)
        fsd->ops->close(fsd, vnode, file->flags & OPEN_WRITE);
    vnode_unshare(vnode, file->flags);
    if (file_counts_as_writer(file))
        fsd_writer_end(fsd);
    vnode_drop_if_gone(vnode);

    /* the file system frees its place when the vnode is put */
    if (vnode->unlinked)
        fsd_note_change(fsd);
}

status_t file_truncate(struct file *file)
{
    struct vnode *vnode = file->vnode;
    if (!(file->flags & OPEN_WRITE))
        return -EBADF;
    if (vnode_bypasses_cache(vnode) || vnode->stream)
        return 0;

    /* of several outputs that were opened for one new content, only the first truncates it */
    unsigned seen = file->truncations;
    bool first = atomic_compare_exchange_strong(&vnode->truncations, &seen, seen + 1);
    return first ? file_resize(file, 0) : 0;
}

static status_t file_prepare_content(struct file *file)
{
    struct vnode *vnode = file->vnode;

    /* read before the claim: from then on a reader may be refused because of this handle */
    file->refused = vnode->readers_refused;
    file->truncations = vnode->truncations;
    file->errors_seen = vnode_error_count(vnode);

    status_t status = file_claim(file);
    if (!status && file->flags & OPEN_TRUNCATE) {
        status = file_truncate(file);
        if (status)
            file_unclaim(file);
    }
    return status;
}

static status_t file_prepare(struct file *file)
{
    struct vnode *vnode = file->vnode;
    struct fsd *fsd = vnode->fsd;
    status_t status = fsd_check(fsd);
    if (!status)
        status = file_check_type(vnode, file->flags);

    if (!status && !(file->flags & OPEN_DIRECTORY))
        status = file_prepare_content(file);
    else if (!status && fsd->ops->open_dir)
        status = fsd->ops->open_dir(fsd, vnode, &file->cursor);
    return status;
}

/* Takes over the references to the path, or to mount and vnode, even on failure. */
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

/* POSIX 4.13, as Linux implements it: a name that a slash follows cannot be created as a file, even
 * if a file has it already. */
static status_t file_open_place(const struct place *place, unsigned flags, struct file **file)
{
    if (place->dots)
        return file_open_path(place->parent, flags, file);
    if (place->slash)
        return -EISDIR;
    return place->node ? file_open_path(place->node, flags, file) : -ENOENT;
}

static status_t file_open_created(struct path *start, const char *text, unsigned flags,
                                  struct file **file)
{
    struct place place;

    /* a missing file may exist when it is to be created, and be removed before it is opened */
    for (;;) {
        status_t status = thread_interrupted() ? -EINTR : place_find(start, text, true, &place);
        if (status)
            return status;
        bool missing = !place.dots && !place.slash && !place.node;
        status = missing ? place_create(&place) : file_open_place(&place, flags, file);
        place_put(&place);
        if (!missing || (status && status != -EEXIST))
            return status;
    }
}

status_t file_open(struct path *start, const char *text, unsigned flags, struct file **file)
{
    struct path *path;
    *file = NULL;
    if (flags & OPEN_CREATE)
        return file_open_created(start, text, flags, file);

    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;
    status = file_open_path(path, flags, file);
    path_put(path);
    return status;
}

/* ---- closing ------------------------------------------------------------------------------ */

void file_close(struct file *file)
{
    if (!file)
        return;
    struct fsd *fsd = file->vnode->fsd;
    if (file->flags & OPEN_DIRECTORY && fsd->ops->close_dir)
        fsd->ops->close_dir(fsd, file->vnode, file->cursor);
    if (!(file->flags & OPEN_DIRECTORY))
        file_unclaim(file);
    if (file->view_page)
        page_free(file->view_page);

    /* A file opened by id has no path, and references of its own instead. */
    if (file->path) {
        path_put(file->path);
    } else {
        vnode_put(file->vnode);
        mount_put(file->mount);
    }
    mem_free(file);
}

status_t file_finish(struct file *file)
{
    status_t status = file_take_error(file);
    file_close(file);
    return status;
}

/* ---- about open files --------------------------------------------------------------------- */

status_t file_check(struct file *file)
{
    return vnode_check(file->vnode);
}

uint64_t file_size(struct file *file)
{
    return file->vnode->size_bytes;
}

struct device *file_device(struct file *file)
{
    struct vnode *vnode = file->vnode;
    return vnode->device ? vnode->device : fsd_device(vnode->fsd)->device;
}

bool file_is_of(struct file *file, struct path *path)
{
    return file->vnode == path->vnode;
}

bool file_has_refused_reader(struct file *file)
{
    return file->vnode->readers_refused != file->refused;
}

unsigned file_level(struct file *file)
{
    const struct device *device = file_device(file);
    return device ? device_level(device) : 0;
}

status_t file_set_size(struct file *file, uint64_t bytes)
{
    struct vnode *vnode = file->vnode;
    if (!(file->flags & OPEN_WRITE))
        return -EBADF;
    return vnode_bypasses_cache(vnode) ? -ENOSPC : file_resize(file, bytes);
}

status_t file_reserve(struct file *file, uint64_t bytes)
{
    if (!(file->flags & OPEN_WRITE))
        return -EBADF;
    return vnode_is_written_back(file->vnode) ? vnode_reserve(file->vnode, bytes) : 0;
}

bool file_is_written_back(struct file *file)
{
    return vnode_is_written_back(file->vnode);
}

void file_seek(struct file *file, uint64_t offset_bytes)
{
    file->offset = offset_bytes;
}

/* ---- directories -------------------------------------------------------------------------- */

int dir_read(struct file *directory, unsigned levels, struct dir_entry *entry)
{
    struct vnode *vnode = directory->vnode;
    struct fsd *fsd = vnode->fsd;
    if (!(directory->flags & OPEN_DIRECTORY))
        return -ENOTDIR;
    status_t status = thread_interrupted() ? -EINTR : fsd_check(fsd);
    if (status)
        return status;

    /* The FSD fills in what it has. A type that stays NODE_NONE makes the caller ask for it. */
    entry->info = (struct node_info){ .type = NODE_NONE };
    entry->skipped = 0;
    int got = fsd->ops->read_dir(fsd, vnode, directory->cursor, &directory->offset, levels, entry);

    /* From now on, look-ups in this file system that find nothing search for cleaned names as
     * well. */
    if (got > 0 && name_clean(entry->name))
        fsd->changes_names = true;
    return got;
}
