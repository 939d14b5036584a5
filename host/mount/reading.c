/*
 * reading.c - the content of files and directories.
 *
 * A file's bytes are sent to the kernel straight from the pages of Spindle's file cache, which are
 * pinned meanwhile. A directory is listed completely when it is first read, because the kernel may
 * continue from any entry that it has seen, and several threads may read one handle.
 */
#include "host/mount/mount.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "kernel/sched/sync.h"
#include "lib/macros.h"

/* ---- files ---------------------------------------------------------------------------------- */

static status_t open_node(fuse_ino_t inode, unsigned flags, struct file **file)
{
    struct path *path;
    status_t status = node_path(inode, &path);
    if (!status)
        status = file_open_path(path, flags, file);
    path_put(path);
    return status;
}

void mount_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    struct file *file;
    bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
    if (writes && !mount_options.image.writable) {
        reply_status(request, -EROFS);
        return;
    }

    /* The kernel may read what a program only writes, to complete a page. */
    operation_begin(request);
    status_t status = open_node(inode, OPEN_READ | (writes ? OPEN_WRITE : 0), &file);
    if (!status)
        status = handle_open_file(info, file);
    operation_end(request);
    if (status) {
        reply_status(request, status);
        return;
    }

    /* The content changes by the kernel's own writes only, so it keeps its pages after the last
     * close. */
    info->keep_cache = 1;
    if (fuse_reply_open(request, info))
        handle_close(info);
}

void mount_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    (void)inode;
    handle_close(info);
    reply_status(request, 0);
}

enum {
    VIEWS_MAX = REQUEST_BYTES / PAGE_BYTES + 64, /* pages, with some to spare */
    COPY_BYTES = 1 << 16,                        /* copied at once */
};

/* Pins the pages of a range. Returns the number of bytes in *count pieces, fewer only at the end;
 * or an errno if a byte cannot be read: a short answer would mean the end of the file to the
 * kernel. The caller unpins the pieces in each case. */
static ssize_t pin(struct file *file, uint64_t offset, size_t bytes, struct cache_view *views,
                   unsigned *count)
{
    size_t total = 0;
    for (*count = 0; total < bytes;) {
        struct cache_view *view = &views[*count];
        ssize_t got = *count < VIEWS_MAX ? file_view_at(file, offset + total, view) : -ENOMEM;
        if (got <= 0)
            return got ? got : (ssize_t)total;
        view->length_bytes = min(view->length_bytes, bytes - total);
        total += view->length_bytes;
        ++*count;
    }
    return (ssize_t)total;
}

/* Sends the pieces; those that follow each other in memory are sent as one. */
static void send(fuse_req_t request, const struct cache_view *views, unsigned count)
{
    struct iovec pieces[VIEWS_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        void *data = (void *)(uintptr_t)views[i].data;
        if (n && (char *)pieces[n - 1].iov_base + pieces[n - 1].iov_len == data)
            pieces[n - 1].iov_len += views[i].length_bytes;
        else
            pieces[n++] = (struct iovec){ .iov_base = data, .iov_len = views[i].length_bytes };
    }
    fuse_reply_iov(request, pieces, (int)n);
}

/* Requests that may read at a time: together they pin at most a quarter of the memory. */
static struct semaphore readers;

void reading_start(void)
{
    size_t count = page_total_count() / (4 * REQUEST_BYTES / PAGE_BYTES);
    semaphore_init(&readers, (unsigned)max(count, (size_t)1));
}

static void unpin(struct file *file, struct cache_view *views, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        file_view_close(file, &views[i]);
}

/* Reads through memory of the host's, in pieces. Returns the number of bytes, fewer only at the
 * end, or an errno. */
static ssize_t read_copy(struct file *file, uint64_t offset, char *memory, size_t bytes)
{
    size_t total = 0;
    while (total < bytes) {
        size_t piece = min(bytes - total, (size_t)COPY_BYTES);
        ssize_t got = file_read_at(file, offset + total, memory + total, piece);
        if (got <= 0)
            return got ? got : (ssize_t)total;
        total += (size_t)got;
    }
    return (ssize_t)total;
}

/* Answers with a copy of the bytes. */
static void reply_copy(fuse_req_t request, struct file *file, uint64_t offset, size_t bytes)
{
    char *memory = malloc(bytes);
    ssize_t got = memory ? read_copy(file, offset, memory, bytes) : -ENOMEM;
    operation_end(request);
    if (got < 0)
        reply_status(request, (status_t)got);
    else
        fuse_reply_buf(request, memory, (size_t)got);
    free(memory);
}

void mount_read(fuse_req_t request, fuse_ino_t inode, size_t bytes, off_t offset,
                struct fuse_file_info *info)
{
    struct cache_view views[VIEWS_MAX];
    struct file *file = handle_file(info);
    unsigned count;
    (void)inode;

    operation_begin(request);
    status_t status = semaphore_down(&readers, TIME_NEVER);
    if (status) {
        operation_end(request);
        reply_status(request, status);
        return;
    }

    /* The pages are pinned until the reply is sent, and for a moment after it. */
    struct handle *handle = handle_hold(info);

    /* A file may have no cache; and what a small memory cannot hold at once is copied in pieces. */
    ssize_t got = pin(file, (uint64_t)offset, bytes, views, &count);
    if (got == -EOPNOTSUPP || got == -ENOMEM) {
        unpin(file, views, count);
        reply_copy(request, file, (uint64_t)offset, bytes);
    } else {
        operation_end(request);
        if (got < 0)
            reply_status(request, (status_t)got);
        else
            send(request, views, count);
        unpin(file, views, count);
    }
    handle_put(handle);
    semaphore_up(&readers);
}

/* ---- directories ---------------------------------------------------------------------------- */

/* One entry of a listing. */
struct entry {
    fuse_ino_t inode;
    mode_t type;
    size_t name; /* offset in the listing's names */
};

struct listing {
    pthread_mutex_t lock;
    fuse_ino_t inode;
    struct path *directory; /* a reference */
    bool filled;
    status_t status;        /* why the rest is missing: read after all entries */
    struct entry *entries;
    size_t count, room;
    char *names;
    size_t names_bytes, names_room;
};

static struct listing *listing_of(const struct fuse_file_info *info)
{
    return handle_object(info);
}

/* Makes room for one more object in an array. */
static bool make_room(void **array, size_t *room, size_t needed, size_t object_bytes)
{
    if (needed <= *room)
        return true;
    size_t larger = max(*room * 2, max(needed, (size_t)64));
    void *moved = realloc(*array, larger * object_bytes);
    if (!moved)
        return false;
    *array = moved;
    *room = larger;
    return true;
}

static status_t listing_add(struct listing *listing, const char *name, fuse_ino_t inode,
                            mode_t type)
{
    size_t bytes = strlen(name) + 1;
    if (!make_room((void **)&listing->entries, &listing->room, listing->count + 1,
                   sizeof(struct entry)) ||
        !make_room((void **)&listing->names, &listing->names_room,
                   listing->names_bytes + bytes, 1))
        return -ENOMEM;

    listing->entries[listing->count++] = (struct entry){
        .inode = inode, .type = type, .name = listing->names_bytes
    };
    memcpy(listing->names + listing->names_bytes, name, bytes);
    listing->names_bytes += bytes;
    return 0;
}

/* Adds "." and "..", which file systems do not list. */
static status_t listing_add_dots(struct listing *listing)
{
    struct node_info info = { 0 };
    struct path *parent;
    status_t status = path_info(listing->directory, INFO_DIRENT, &info);
    if (!status)
        status = listing_add(listing, ".", info.id, S_IFDIR);
    if (status)
        return status;

    /* The root's parent is outside the mount: the kernel fills that in itself. */
    status = path_walk(listing->directory, "..", 0, &parent);
    if (!status) {
        status = path_info(parent, INFO_DIRENT, &info);
        path_put(parent);
    }
    return status ? status : listing_add(listing, "..", info.id, S_IFDIR);
}

static status_t listing_fill(struct listing *listing)
{
    struct dir_entry *entry = malloc(sizeof(*entry));
    struct file *file = NULL;
    status_t status = entry ? listing_add_dots(listing) : -ENOMEM;
    if (!status)
        status = file_open_path(listing->directory, OPEN_READ | OPEN_DIRECTORY, &file);

    int more = 0;
    while (!status && (more = dir_read(file, INFO_DIRENT, entry)) > 0) {
        struct stat stat;
        entry->info.known &= INFO_DIRENT;
        attributes_fill(&entry->info, &stat);
        status = listing_add(listing, entry->name, entry->info.id,
                             entry->info.type == NODE_NONE ? 0 : stat.st_mode & S_IFMT);
    }
    if (!status && more < 0)
        status = more;
    if (file)
        file_close(file);
    free(entry);
    return status;
}

static void listing_free(void *object)
{
    struct listing *listing = object;
    path_put(listing->directory);
    pthread_mutex_destroy(&listing->lock);
    free(listing->entries);
    free(listing->names);
    free(listing);
}

void mount_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    struct path *path;
    status_t status = node_path(inode, &path);
    if (!status)
        status = !listing ? -ENOMEM : !path_is_directory(path) ? -ENOTDIR : 0;
    if (status) {
        path_put(path);
        free(listing);
        reply_status(request, status);
        return;
    }

    pthread_mutex_init(&listing->lock, NULL);
    listing->directory = path;
    listing->inode = inode;
    info->cache_readdir = info->keep_cache = !mount_options.image.writable;
    status = handle_open(info, listing, listing_free);
    if (status)
        reply_status(request, status);
    else if (fuse_reply_open(request, info))
        handle_close(info);
}

void mount_releasedir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    (void)inode;
    handle_close(info);
    reply_status(request, 0);
}

/* Adds an entry with all attributes to the answer; the kernel then knows the node. Returns the
 * bytes that it takes: more than `room` if it does not fit, and then the kernel does not. */
static size_t add_plus(fuse_req_t request, struct listing *listing, const struct entry *entry,
                       char *buffer, size_t room, off_t next)
{
    const char *name = listing->names + entry->name;
    struct fuse_entry_param param = { .ino = 0 };
    bool dot = !strcmp(name, ".") || !strcmp(name, "..");

    /* An entry that cannot be examined is listed without attributes; a look-up then fails. */
    if (dot || child_entry(listing->inode, listing->directory, name, &param))
        param = (struct fuse_entry_param){
            .attr = { .st_ino = entry->inode, .st_mode = entry->type }
        };

    /* The kernel was not told of an entry that does not fit. */
    size_t bytes = fuse_add_direntry_plus(request, buffer, room, name, &param, next);
    if (bytes > room && param.ino)
        node_forget(param.ino, 1);
    return bytes;
}

static size_t add_plain(fuse_req_t request, struct listing *listing, const struct entry *entry,
                        char *buffer, size_t room, off_t next)
{
    struct stat stat = { .st_ino = entry->inode, .st_mode = entry->type };
    return fuse_add_direntry(request, buffer, room, listing->names + entry->name, &stat, next);
}

static void read_listing(fuse_req_t request, size_t bytes, off_t offset,
                         struct fuse_file_info *info,
                         size_t (*add)(fuse_req_t request, struct listing *listing,
                                       const struct entry *entry, char *buffer, size_t room,
                                       off_t next))
{
    struct listing *listing = listing_of(info);
    char *buffer = malloc(bytes);
    size_t used = 0;

    operation_begin(request);
    pthread_mutex_lock(&listing->lock);
    if (!listing->filled) {
        listing->status = listing_fill(listing);
        listing->filled = true;
    }

    /* An interrupted listing is made again by the next call. */
    status_t status = buffer ? 0 : -ENOMEM;
    if (listing->status == -EINTR) {
        listing->filled = false;
        listing->count = listing->names_bytes = 0;
        status = -EINTR;
    }

    /* Of a directory that can be read in part the entries are returned, and then the error. */
    if ((size_t)offset >= listing->count && !status)
        status = listing->status;
    for (size_t i = (size_t)offset; !status && i < listing->count; i++) {
        size_t taken = add(request, listing, &listing->entries[i], buffer + used, bytes - used,
                           (off_t)i + 1);
        if (taken > bytes - used)
            break;
        used += taken;
    }
    pthread_mutex_unlock(&listing->lock);
    operation_end(request);

    if (status)
        reply_status(request, status);
    else
        fuse_reply_buf(request, buffer, used);
    free(buffer);
}

void mount_readdir(fuse_req_t request, fuse_ino_t inode, size_t bytes, off_t offset,
                   struct fuse_file_info *info)
{
    (void)inode;
    read_listing(request, bytes, offset, info, add_plain);
}

void mount_readdirplus(fuse_req_t request, fuse_ino_t inode, size_t bytes, off_t offset,
                       struct fuse_file_info *info)
{
    (void)inode;
    read_listing(request, bytes, offset, info, add_plus);
}
