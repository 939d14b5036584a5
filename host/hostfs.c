/*
 * hostfs.c - a directory of the host in Spindle's tree. See hostfs.h.
 */
#define _GNU_SOURCE /* renameat2 */
#include "host/hostfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kernel/dev/driver.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/vfs.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/text.h"

enum {
    CHAINS = 4096,
    IDLE_MAX = 256, /* nodes that were looked up, or used */
};

/* What the VFS may ask for by its id: since a look-up, or since its vnode was loaded. A vnode may
 * be loaded again while the one before is still being freed. */
struct host_node {
    struct list link;      /* in its chain */
    struct list idle_link; /* while no vnode uses it: oldest first */
    vnode_id_t id;
    unsigned vnodes;
    int fd;          /* of a file's content; -1: not opened yet */
    bool fd_writes;
    char *path;      /* on the host; owned */
};

static struct {
    const char *directory;
    bool writable;
    dev_t device;
    struct mutex lock; /* guards the nodes and their paths: held while the host walks one */
    struct list chains[CHAINS], idle;
    unsigned idle_count;
} host = { .lock = MUTEX_INIT(host.lock, RANK_FSD), .idle = LIST_INIT(host.idle) };

/* ---- nodes ---------------------------------------------------------------------------------- */

/* Files of other file systems that are mounted below may have the same inode numbers. */
static vnode_id_t id_of(const struct stat *info)
{
    if (info->st_dev == host.device && info->st_ino > VNODE_ROOT)
        return info->st_ino;
    return hash_u64(info->st_ino ^ hash_u64(info->st_dev)) | (vnode_id_t)1 << 63;
}

static char *join(const char *directory, struct element element)
{
    size_t length = strlen(directory);
    char *path = mem_alloc(length + element.length + 2);
    if (path)
        snprintf(path, length + element.length + 2, "%s/%.*s", directory, (int)element.length,
                 element.name);
    return path;
}

static struct list *chain_of(vnode_id_t id)
{
    return &host.chains[hash_u64(id) % CHAINS];
}

/* Caller holds the lock, for the next ones too. */
static struct host_node *find(vnode_id_t id)
{
    list_each(link, chain_of(id)) {
        struct host_node *node = container_of(link, struct host_node, link);
        if (node->id == id)
            return node;
    }
    return NULL;
}

/* Frees an idle node. */
static void forget(struct host_node *node)
{
    list_remove(&node->idle_link);
    host.idle_count--;
    list_remove(&node->link);
    mem_free(node->path);
    mem_free(node);
}

/* Keeps a node without a vnode for a while: the VFS may have looked it up to load it. */
static void make_idle(struct host_node *node)
{
    if (node->fd >= 0)
        close(node->fd);
    node->fd = -1;
    list_push_back(&host.idle, &node->idle_link);
    if (++host.idle_count > IDLE_MAX)
        forget(container_of(host.idle.next, struct host_node, idle_link));
}

/* Records the path of a node, which it takes over. The VFS loads a node right after it was looked
 * up, so only a few idle ones are kept. */
static status_t remember(vnode_id_t id, char *path)
{
    struct host_node *node = find(id);
    if (node && node->vnodes) {
        mem_free(path);
        return 0;
    }
    if (node) {
        /* The newest again, or other look-ups could evict it before it is loaded. */
        list_remove(&node->idle_link);
        list_push_back(&host.idle, &node->idle_link);
        mem_free(node->path);
        node->path = path;
        return 0;
    }

    node = mem_alloc(sizeof(*node));
    if (!node) {
        mem_free(path);
        return -ENOMEM;
    }
    *node = (struct host_node){ .id = id, .fd = -1, .path = path };
    list_push_back(chain_of(id), &node->link);
    make_idle(node);
    return 0;
}

static struct host_node *node_of(const struct vnode *vnode)
{
    return vnode->private_data;
}

static enum node_type type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return NODE_FILE;
    case S_IFDIR: return NODE_DIRECTORY;
    case S_IFLNK: return NODE_LINK;
    default: return NODE_OTHER;
    }
}

/* ---- vnodes --------------------------------------------------------------------------------- */

/* Caller holds the lock. */
static status_t look_up(struct vnode *directory, struct element element, vnode_id_t *id)
{
    struct stat info;
    char *path = join(node_of(directory)->path, element);
    if (!path)
        return -ENOMEM;
    if (lstat(path, &info)) {
        status_t status = -errno;
        mem_free(path);
        return status;
    }

    *id = id_of(&info);
    return remember(*id, path);
}

static status_t hostfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                              vnode_id_t *id)
{
    (void)fsd;
    mutex_lock(&host.lock);
    status_t status = look_up(directory, element, id);
    mutex_unlock(&host.lock);
    return status;
}

static status_t hostfs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct stat info;
    (void)fsd;
    mutex_lock(&host.lock);
    struct host_node *node = find(vnode->id);
    status_t status = !node ? -ESTALE : lstat(node->path, &info) ? -errno : 0;

    /* Another file may have the name by now. */
    if (!status && vnode->id != VNODE_ROOT && id_of(&info) != vnode->id)
        status = -ESTALE;
    if (!status) {
        if (!node->vnodes++) {
            list_remove(&node->idle_link);
            host.idle_count--;
        }
        vnode->type = type_of(info.st_mode);
        vnode->size_bytes = S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)
                                ? (uint64_t)info.st_size
                                : 0;
        vnode->open_status = vnode->type == NODE_OTHER ? -EOPNOTSUPP : 0;
        vnode->transient = true;
        vnode->private_data = node;
    }
    mutex_unlock(&host.lock);
    return status;
}

static void hostfs_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    struct host_node *node = node_of(vnode);
    mutex_lock(&host.lock);
    if (!--node->vnodes)
        make_idle(node);
    mutex_unlock(&host.lock);
}

static status_t hostfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                                struct node_info *info)
{
    struct stat stat;
    (void)fsd, (void)levels;
    mutex_lock(&host.lock);
    status_t status = lstat(node_of(vnode)->path, &stat) ? -errno : 0;
    mutex_unlock(&host.lock);
    if (status)
        return status;

    *info = (struct node_info){
        .known = INFO_ALL,
        .id = vnode->id,
        .alias = vnode->id,
        .type = type_of(stat.st_mode),
        .size_bytes = S_ISDIR(stat.st_mode) ? 0 : (uint64_t)stat.st_size,
        .has_modified = true,
        .modified_s = stat.st_mtime,
        .modified_ns = (uint32_t)stat.st_mtim.tv_nsec,
        .has_accessed = true,
        .accessed_s = stat.st_atime,
        .has_changed = true,
        .changed_s = stat.st_ctime,
        .mode = stat.st_mode,
        .links = (uint32_t)stat.st_nlink,
        .uid = stat.st_uid,
        .gid = stat.st_gid,
    };
    return 0;
}

static ssize_t hostfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    char whole[PATH_BYTES_MAX + 1];
    (void)fsd;
    mutex_lock(&host.lock);
    ssize_t length = readlink(node_of(vnode)->path, whole, sizeof(whole) - 1);
    status_t status = length < 0 ? -errno : 0;
    mutex_unlock(&host.lock);
    if (status)
        return status;
    whole[length] = '\0';
    text_copy(target, bytes, whole);
    return length;
}

/* ---- content -------------------------------------------------------------------------------- */

/* Opens the file, at first for reading only. Returns a descriptor, or -errno. */
static int content_fd(struct host_node *node, bool writes)
{
    mutex_lock(&host.lock);
    if (node->fd < 0 || (writes && !node->fd_writes)) {
        int fd = open(node->path, (writes ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            int failed = -errno;
            mutex_unlock(&host.lock);
            return failed;
        }

        /* The old one stays valid for threads that use it: dup2() replaces it in one step. */
        if (node->fd >= 0 && dup2(fd, node->fd) >= 0)
            close(fd);
        else
            node->fd = fd;
        node->fd_writes = writes;
    }
    int fd = node->fd;
    mutex_unlock(&host.lock);
    return fd;
}

static status_t hostfs_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                                const struct node_info *info)
{
    (void)fsd;
    if (!host.writable)
        return -EROFS;

    /* Through the descriptor: the host may have put a link that leads out in the file's place. */
    if (levels & INFO_STANDARD) {
        int fd = content_fd(node_of(vnode), true);
        if (fd < 0)
            return fd;
        if (ftruncate(fd, (off_t)info->size_bytes))
            return -errno;
        vnode->size_bytes = info->size_bytes;
    }

    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
    if (info->has_accessed)
        times[0] = (struct timespec){ (time_t)info->accessed_s, (long)info->accessed_ns };
    if (info->has_modified)
        times[1] = (struct timespec){ (time_t)info->modified_s, (long)info->modified_ns };
    if (!(levels & INFO_TIMES))
        return 0;
    mutex_lock(&host.lock);
    status_t status =
        utimensat(AT_FDCWD, node_of(vnode)->path, times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
    mutex_unlock(&host.lock);
    return status;
}

static status_t move_segment(int fd, struct vfs_io *io, uint8_t *memory, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        off_t at = (off_t)(io->offset_bytes + io->done_bytes);
        ssize_t moved = io->op == IO_READ ? pread(fd, memory + done, bytes - done, at)
                                          : pwrite(fd, memory + done, bytes - done, at);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return moved ? -errno : -EIO;
        done += (uint64_t)moved;
        io->done_bytes += (uint64_t)moved;
    }
    return 0;
}

static void hostfs_read_write(struct fsd *fsd, struct vfs_io *io)
{
    struct vnode *vnode = io->vnode;
    struct stat info;
    int fd = content_fd(node_of(vnode), io->op == IO_WRITE);
    status_t status = fd < 0 ? fd : 0;
    (void)fsd;

    io->done_bytes = 0;
    if (!status && io->append)
        io->offset_bytes = fstat(fd, &info) ? 0 : (uint64_t)info.st_size;
    for (unsigned i = 0; !status && i < io->segment_count && io->done_bytes < io->length_bytes;
         i++) {
        uint64_t left = io->length_bytes - io->done_bytes;
        status = move_segment(fd, io, io->segments[i].address,
                              min((uint64_t)io->segments[i].length_bytes, left));
    }

    uint64_t end = io->offset_bytes + io->done_bytes;
    if (io->op == IO_WRITE && end > vnode->size_bytes)
        vnode->size_bytes = end;
    vfs_io_complete(io, status);
}

/* ---- changes of names ----------------------------------------------------------------------- */

/* Runs one change of a name in a directory. */
static status_t change(struct vnode *directory, struct element element, vnode_id_t *id,
                       int (*make)(const char *path))
{
    if (!host.writable)
        return -EROFS;
    mutex_lock(&host.lock);
    char *path = join(node_of(directory)->path, element);
    status_t status = !path ? -ENOMEM : make(path) ? -errno : 0;
    mem_free(path);
    if (!status && id)
        status = look_up(directory, element, id);
    mutex_unlock(&host.lock);
    return status;
}

static int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd < 0 ? -1 : close(fd);
}

static int make_directory(const char *path)
{
    return mkdir(path, 0777);
}

static status_t hostfs_create(struct fsd *fsd, struct vnode *directory, struct element element,
                              vnode_id_t *id)
{
    (void)fsd;
    return change(directory, element, id, make_file);
}

static status_t hostfs_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                             vnode_id_t *id)
{
    (void)fsd;
    return change(directory, element, id, make_directory);
}

static status_t hostfs_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                              struct vnode *vnode)
{
    (void)fsd;
    return change(directory, element, NULL, vnode->type == NODE_DIRECTORY ? rmdir : unlink);
}

/* Gives a node at or below `from` its path at or below `to`. Caller holds the lock. */
static void move_node(struct host_node *node, const char *from, const char *to)
{
    size_t length = strlen(from);
    const char *below = node->path + length;
    if (strncmp(node->path, from, length) != 0 || (*below && *below != '/'))
        return;

    /* without memory it keeps its path, by which it is -ENOENT or -ESTALE */
    size_t bytes = strlen(to) + strlen(below) + 1;
    char *path = mem_alloc(bytes);
    if (!path)
        return;
    snprintf(path, bytes, "%s%s", to, below);
    mem_free(node->path);
    node->path = path;
}

static status_t hostfs_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                              struct vnode *moved, struct vnode *to, struct element new_name,
                              struct vnode *replaced)
{
    (void)fsd, (void)moved; /* the host is asked for a name; it cannot check whose it is */
    if (!host.writable)
        return -EROFS;
    mutex_lock(&host.lock);
    char *old_path = join(node_of(from)->path, old_name);
    char *new_path = join(node_of(to)->path, new_name);
    status_t status = old_path && new_path ? 0 : -ENOMEM;

    /* The VFS has decided what is replaced; a name that appeared since then is kept. */
    if (!status && renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path,
                             replaced ? 0 : RENAME_NOREPLACE))
        status = -errno;

    /* the moved node and those below it may be in use */
    for (unsigned i = 0; !status && i < CHAINS; i++)
        list_each(link, &host.chains[i])
            move_node(container_of(link, struct host_node, link), old_path, new_path);
    mutex_unlock(&host.lock);
    mem_free(old_path);
    mem_free(new_path);
    return status;
}

/* ---- listing -------------------------------------------------------------------------------- */

static status_t hostfs_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor)
{
    (void)fsd;
    mutex_lock(&host.lock);
    *cursor = opendir(node_of(directory)->path);
    status_t status = *cursor ? 0 : -errno;
    mutex_unlock(&host.lock);
    return status;
}

static int hostfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                           uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    (void)fsd, (void)directory, (void)levels;
    struct dirent *found;
    struct stat info;
    do {
        errno = 0;
        found = readdir(cursor);
        if (!found)
            return -errno;
    } while (!strcmp(found->d_name, ".") || !strcmp(found->d_name, "..") ||
             fstatat(dirfd(cursor), found->d_name, &info, AT_SYMLINK_NOFOLLOW));

    ++*position;
    text_copy(entry->name, sizeof(entry->name), found->d_name);
    entry->info = (struct node_info){ .id = id_of(&info), .type = type_of(info.st_mode) };
    return 1;
}

static void hostfs_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor)
{
    (void)fsd, (void)directory;
    closedir(cursor);
}

/* ---- the file system ------------------------------------------------------------------------ */

static status_t hostfs_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    struct statvfs stat;
    (void)fsd;
    if (statvfs(host.directory, &stat))
        return -errno;
    *info = (struct fs_info){
        .total_bytes = (uint64_t)stat.f_blocks * stat.f_frsize,
        .free_bytes = (uint64_t)stat.f_bavail * stat.f_frsize,
        .block_bytes = (uint32_t)stat.f_frsize,
        .read_only = !host.writable,
    };
    text_copy(info->type, sizeof(info->type), "hostfs");
    return 0;
}

static status_t hostfs_flush(struct fsd *fsd)
{
    int fd = host.writable ? open(host.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    (void)fsd;
    if (fd < 0)
        return 0;
    status_t status = syncfs(fd) ? -errno : 0;
    close(fd);
    return status;
}

static void hostfs_dismount(struct fsd *fsd)
{
    while (!list_empty(&host.idle))
        forget(container_of(host.idle.next, struct host_node, idle_link));
    mem_free(fsd);
}

static const struct fsd_ops hostfs_ops = {
    .dismount = hostfs_dismount,
    .get_fs_info = hostfs_get_fs_info,
    .lookup = hostfs_lookup,
    .create = hostfs_create,
    .mkdir = hostfs_mkdir,
    .unlink = hostfs_unlink,
    .rename = hostfs_rename,
    .get_vnode = hostfs_get_vnode,
    .put_vnode = hostfs_put_vnode,
    .get_info = hostfs_get_info,
    .set_info = hostfs_set_info,
    .read_write = hostfs_read_write,
    .open_dir = hostfs_open_dir,
    .read_dir = hostfs_read_dir,
    .close_dir = hostfs_close_dir,
    .read_link = hostfs_read_link,
    .flush = hostfs_flush,
};

/* Mounts what hostfs_mount() has set, and nothing for `mount -t hostfs` of the shell. */
static status_t hostfs_mount_fs(const struct device_handle *handle, const char *options,
                                struct fsd **fsd)
{
    struct stat info;
    (void)options;
    if (handle->device || !host.directory)
        return -EMEDIUMTYPE;
    if (stat(host.directory, &info))
        return -errno;
    if (!S_ISDIR(info.st_mode))
        return -ENOTDIR;

    host.device = info.st_dev;
    for (unsigned i = 0; i < CHAINS; i++)
        list_init(&host.chains[i]);
    char *path = join(host.directory, (struct element){ ".", 1 });
    *fsd = mem_zalloc(sizeof(**fsd));
    mutex_lock(&host.lock);
    status_t status = path && *fsd ? remember(VNODE_ROOT, path) : -ENOMEM;
    mutex_unlock(&host.lock);
    if (status) {
        mem_free(*fsd);
        return status;
    }
    **fsd = (struct fsd){ .ops = &hostfs_ops, .name = "hostfs", .read_only = !host.writable };
    return 0;
}

static const struct driver driver_hostfs = {
    .name = "hostfs",
    .order = 95,
    .mount_fs = hostfs_mount_fs,
};
DRIVER(driver_hostfs);

status_t hostfs_mount(const char *directory, bool writable, const char *where)
{
    struct path *root = path_root();
    host.directory = directory;
    host.writable = writable;
    status_t status = vfs_mkdir(root, where);
    if (!status || status == -EEXIST)
        status = vfs_mount(root, where, "", "hostfs", "");
    path_put(root);
    return status;
}
