/*
 * names.c - creating, removing and renaming.
 */
#include "host/mount/mount.h"

#include <stdio.h> /* RENAME_NOREPLACE */
#include <stdlib.h>
#include <string.h>

/* ---- creating ------------------------------------------------------------------------------- */

/* Creates a file and opens it, if `file` is not NULL; or finds one that was there already. */
static status_t create_file(struct path *parent, const char *name, struct file **file)
{
    struct file *created;
    status_t status = file_open(parent, name, OPEN_READ | OPEN_WRITE | OPEN_CREATE, &created);
    if (status)
        return status;
    if (file)
        *file = created;
    else
        file_close(created);
    return 0;
}

void mount_create_file(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                       struct fuse_file_info *info)
{
    struct fuse_entry_param entry = { 0 };
    struct file *file = NULL;
    struct path *path;
    (void)mode;

    operation_begin(request);
    status_t status = node_path(parent, &path);
    if (!status)
        status = create_file(path, name, &file);
    if (!status)
        status = child_entry(parent, path, name, &entry);
    bool known = !status;
    if (status)
        file_close(file);
    else
        status = handle_open_file(info, file);
    operation_end(request);
    path_put(path);
    if (status) {
        reply_status(request, status);
        if (known)
            node_forget(entry.ino, 1);
        return;
    }

    /* the kernel was not told of it if the system call was interrupted */
    info->keep_cache = 1;
    if (fuse_reply_create(request, &entry, info)) {
        handle_close(info);
        node_forget(entry.ino, 1);
    }
}

/* Creates a node without opening it, and answers. */
static void create_node(fuse_req_t request, fuse_ino_t parent, const char *name, bool directory)
{
    struct fuse_entry_param entry = { 0 };
    struct path *path;
    operation_begin(request);
    status_t status = node_path(parent, &path);
    if (!status)
        status = directory ? vfs_mkdir(path, name) : create_file(path, name, NULL);
    if (!status)
        status = child_entry(parent, path, name, &entry);
    operation_end(request);
    path_put(path);

    if (status)
        reply_status(request, status);
    else if (fuse_reply_entry(request, &entry))
        node_forget(entry.ino, 1);
}

void mount_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    (void)device;
    if (S_ISREG(mode))
        create_node(request, parent, name, false);
    else
        reply_status(request, -EPERM); /* as Linux's vfat: there are only files and directories */
}

void mount_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)mode;
    create_node(request, parent, name, true);
}

/* ---- removing ------------------------------------------------------------------------------- */

/* Removes a name. The kernel may still use the node, by files that are open. */
static status_t remove_name(struct path *directory, const char *name)
{
    struct path *child;
    names_lock(true);
    status_t status = path_child(directory, name, false, &child);
    if (!status) {
        vnode_id_t id = path_vnode(child)->id;
        status = vfs_unlink(directory, name);
        if (!status)
            node_removed(id, child);
    }
    names_unlock();
    path_put(child);
    return status;
}

void mount_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct path *path;
    operation_begin(request);
    status_t status = node_path(parent, &path);
    if (!status)
        status = remove_name(path, name);
    operation_end(request);
    path_put(path);
    reply_status(request, status);
}

/* ---- renaming ------------------------------------------------------------------------------- */

/* A name in a directory, and what has it. */
struct place {
    fuse_ino_t inode;
    struct path *parent;
    const char *name;
    struct path *child; /* NULL: the name is free */
    vnode_id_t id;      /* of the child, before the rename */
};

static status_t place_find_child(struct place *place)
{
    status_t status = path_child(place->parent, place->name, false, &place->child);
    if (!status)
        place->id = path_vnode(place->child)->id;
    return status;
}

/* A content that replaces another is made durable first: here, since vfs_rename() would do it with
 * all names locked. */
static status_t flush_content(const struct place *from, const struct place *to)
{
    struct path *path;
    struct file *file;
    status_t status = path_child(to->parent, to->name, false, &path);
    if (status)
        return status == -ENOENT ? 0 : status;
    bool replaces = !path_is_directory(path);
    path_put(path);
    if (!replaces)
        return 0;

    /* the rename itself reports whatever is wrong with the names */
    if (file_open(from->parent, from->name, OPEN_READ, &file))
        return 0;
    status = file_flush(file);
    file_close(file);
    return status;
}

static status_t rename_place(struct place *from, struct place *to, unsigned flags)
{
    status_t status = place_find_child(from);
    if (status)
        return status;
    status = place_find_child(to);
    if (status && status != -ENOENT)
        return status;
    if (to->child && flags & RENAME_NOREPLACE)
        return -EEXIST;
    return path_rename(from->parent, from->name, to->parent, to->name);
}

/* Renames, and lets the nodes that the kernel knows follow. */
static status_t rename_nodes(struct place *from, struct place *to, unsigned flags)
{
    char *name = strdup(to->name);
    if (!name)
        return -ENOMEM;

    names_lock(true);
    status_t status = rename_place(from, to, flags);
    if (!status) {
        if (to->child && to->id != from->id)
            node_removed(to->id, to->child);
        node_renamed(from->id, path_vnode(from->child)->id, to->inode, name);
    }
    names_unlock();
    if (status)
        free(name);
    return status;
}

void mount_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                  const char *new_name, unsigned flags)
{
    struct place from = { .inode = parent, .name = name };
    struct place to = { .inode = new_parent, .name = new_name };
    if (flags & ~(unsigned)RENAME_NOREPLACE) {
        reply_status(request, -EINVAL);
        return;
    }

    operation_begin(request);
    status_t status = node_path(parent, &from.parent);
    if (!status)
        status = node_path(new_parent, &to.parent);
    if (!status)
        status = flush_content(&from, &to);
    if (!status)
        status = rename_nodes(&from, &to, flags);
    operation_end(request);

    path_put(from.child);
    path_put(to.child);
    path_put(from.parent);
    path_put(to.parent);
    reply_status(request, status);
}
