/*
 * operations.c - FUSE's operations on names, links and the volume; the table of all operations.
 */
#include "host/mount/mount.h"

#include <sys/statvfs.h>

#include "lib/text.h"

/* ---- what all operations share -------------------------------------------------------------- */

static void on_interrupt(fuse_req_t request, void *thread)
{
    (void)request;
    thread_interrupt(thread);
}

void operation_begin(fuse_req_t request)
{
    fuse_req_interrupt_func(request, on_interrupt, thread_current());
}

void operation_end(fuse_req_t request)
{
    /* After the first call libfuse does not interrupt this thread any more. */
    fuse_req_interrupt_func(request, NULL, NULL);
    thread_clear_interrupt();
}

void reply_status(fuse_req_t request, status_t status)
{
    fuse_reply_err(request, -status);
}

/* ---- the connection ------------------------------------------------------------------------- */

static void mount_init(void *data, struct fuse_conn_info *connection)
{
    (void)data;
    static const unsigned wanted[] = {
        FUSE_CAP_ASYNC_READ, FUSE_CAP_PARALLEL_DIROPS, FUSE_CAP_READDIRPLUS,
        FUSE_CAP_READDIRPLUS_AUTO, FUSE_CAP_CACHE_SYMLINKS, FUSE_CAP_EXPORT_SUPPORT,
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        connection->want |= connection->capable & wanted[i];

    /* libfuse derives the longest request from this, for reads too. */
    connection->max_write = REQUEST_BYTES;
    connection->max_read = 0;
    connection->max_readahead = REQUEST_BYTES;
    connection->max_background = 64;
    connection->congestion_threshold = 48;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* The kernel asks for `.` and `..` only for programs that serve files over a network. */
static bool is_dots(const char *name)
{
    return text_equal(name, ".") || text_equal(name, "..");
}

/* `parent`: 0 if it is not known. */
static status_t entry_fill(fuse_ino_t parent, const char *name, struct path *path,
                           struct fuse_entry_param *entry)
{
    struct node_info info;
    status_t status = path_info(path, INFO_ALL, &info);
    if (status)
        return status;

    attributes_fill(&info, &entry->attr);
    entry->attr_timeout = entry->entry_timeout = cache_seconds();
    status = node_remember(parent, name, path, &entry->ino);
    entry->attr.st_ino = entry->ino;
    return status;
}

status_t child_entry(fuse_ino_t parent, struct path *directory, const char *name,
                     struct fuse_entry_param *entry)
{
    bool dots = is_dots(name);
    struct path *child;
    names_lock(false);
    status_t status = dots ? path_walk(directory, name, 0, &child)
                           : path_child(directory, name, false, &child);
    if (!status)
        status = entry_fill(dots ? 0 : parent, name, child, entry);
    names_unlock();
    path_put(child);
    return status;
}

static void mount_lookup(fuse_req_t request, fuse_ino_t inode, const char *name)
{
    struct fuse_entry_param entry = { .entry_timeout = cache_seconds() };

    struct path *path;
    operation_begin(request);
    status_t status = node_path(inode, &path);
    if (!status)
        status = child_entry(inode, path, name, &entry);
    operation_end(request);
    path_put(path);

    /* Inode 0 lets the kernel remember that there is no such name: that does not change either. */
    if (status == -ENOENT)
        entry.ino = 0;
    if (status && status != -ENOENT) {
        reply_status(request, status);
        return;
    }

    /* The kernel was not told of the node if the system call was interrupted. */
    if (fuse_reply_entry(request, &entry) && entry.ino)
        node_forget(entry.ino, 1);
}

static void mount_forget(fuse_req_t request, fuse_ino_t inode, uint64_t count)
{
    node_forget(inode, count);
    fuse_reply_none(request);
}

static void mount_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        node_forget(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

static void mount_readlink(fuse_req_t request, fuse_ino_t inode)
{
    char target[PATH_BYTES_MAX + 1];
    struct path *path;

    operation_begin(request);
    ssize_t length = node_path(inode, &path);
    if (!length)
        length = path_read_link(path, target, sizeof(target));
    operation_end(request);
    path_put(path);

    if (length < 0)
        reply_status(request, (status_t)length);
    else if (length >= (ssize_t)sizeof(target))
        reply_status(request, -ENAMETOOLONG);
    else
        fuse_reply_readlink(request, target);
}

/* ---- the volume ----------------------------------------------------------------------------- */

static void mount_statfs(fuse_req_t request, fuse_ino_t inode)
{
    struct path *root;
    struct fs_info info = { 0 };
    (void)inode;

    operation_begin(request);
    status_t status = node_path(FUSE_ROOT_ID, &root);
    if (!status) {
        struct fsd *fsd = path_fsd(root);
        status = fsd_get_usage(fsd, &info);
    }
    operation_end(request);
    path_put(root);
    if (status) {
        reply_status(request, status);
        return;
    }

    uint32_t block = info.block_bytes ? info.block_bytes : 512;
    struct statvfs reply = {
        .f_bsize = block,
        .f_frsize = block,
        .f_blocks = info.total_bytes / block,
        .f_bfree = info.free_bytes / block,
        .f_bavail = info.free_bytes / block,
        .f_namemax = NAME_BYTES_MAX,
    };
    fuse_reply_statfs(request, &reply);
}

const struct fuse_lowlevel_ops mount_operations = {
    .init = mount_init,
    .lookup = mount_lookup,
    .forget = mount_forget,
    .forget_multi = mount_forget_multi,
    .getattr = mount_getattr,
    .readlink = mount_readlink,
    .open = mount_open,
    .read = mount_read,
    .release = mount_release,
    .opendir = mount_opendir,
    .readdir = mount_readdir,
    .readdirplus = mount_readdirplus,
    .releasedir = mount_releasedir,
    .statfs = mount_statfs,
    .getxattr = mount_getxattr,
    .listxattr = mount_listxattr,
    .setattr = mount_setattr,
    .write = mount_write,
    .flush = mount_flush,
    .fsync = mount_fsync,
    .fsyncdir = mount_fsyncdir,
    .create = mount_create_file,
    .mknod = mount_mknod,
    .mkdir = mount_mkdir,
    .unlink = mount_unlink,
    .rmdir = mount_unlink,
    .rename = mount_rename,
};
