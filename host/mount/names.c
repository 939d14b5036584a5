/*
 * names.c - creating, removing and renaming.
 */
#include "host/mount/mount.h"

#include <stdio.h>
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

/* Fills in the entry of a node that was just created. */
static status_t entry_of(fuse_ino_t inode, struct path *parent, const char *name,
                         struct fuse_entry_param *entry)
{
    struct path *child;
    status_t status = path_child(parent, name, false, &child);
    if (status)
        return status;
    status = entry_fill(inode, name, child, entry);
    path_put(child);
    return status;
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
        status = entry_of(parent, path, name, &entry);
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
        status = entry_of(parent, path, name, &entry);
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

void mount_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct path *path, *child = NULL;
    operation_begin(request);
    status_t status = node_path(parent, &path);
    if (!status)
        status = path_child(path, name, false, &child);

    /* The kernel may still use the node, by files that are open. */
    if (!status) {
        vnode_id_t id = path_vnode(child)->id;
        status = vfs_unlink(path, name);
        if (!status)
            node_removed(id, child);
    }
    operation_end(request);
    path_put(child);
    path_put(path);
    reply_status(request, status);
}

/* ---- renaming ------------------------------------------------------------------------------- */

/* A name in a directory, and what has it. */
struct place {
    fuse_ino_t inode;
    struct path *parent;
    const char *name;
    vnode_id_t id;      /* VNODE_NONE: the name is free */
    bool directory;
    struct path *child; /* of a name that is to be replaced */
};

static status_t place_find_parent(struct place *place)
{
    return node_path(place->inode, &place->parent);
}

static status_t place_find_child(struct place *place)
{
    struct path *child;
    status_t status = path_child(place->parent, place->name, false, &child);
    if (status)
        return status;
    place->id = path_vnode(child)->id;
    place->directory = path_is_directory(child);
    place->child = child;
    return 0;
}

/* Returns the absolute path, to be freed, or NULL. */
static char *place_text(const struct place *place)
{
    size_t length = path_text(place->parent, NULL, 0), bytes = length + strlen(place->name) + 2;
    char *text = malloc(bytes);
    if (text) {
        path_text(place->parent, text, bytes);
        snprintf(text + length, bytes - length, "/%s", place->name);
    }
    return text;
}

static status_t rename_place(struct place *from, struct place *to, unsigned flags)
{
    status_t status = place_find_child(from);
    if (status)
        return status;
    status = place_find_child(to);
    if (status && status != -ENOENT)
        return status;
    if (to->id && flags & RENAME_NOREPLACE)
        return -EEXIST;

    /* A directory cannot be moved while a path leads through it. */
    path_put(from->child);
    from->child = NULL;
    if (from->directory)
        nodes_let_go();

    char *old = place_text(from), *new = place_text(to);
    status = old && new ? vfs_rename(from->parent, old, new) : -ENOMEM;
    free(old);
    free(new);
    return status;
}

/* The nodes that the kernel knows follow. */
static void rename_nodes(const struct place *from, const struct place *to)
{
    struct path *path;
    if (to->child && to->id != from->id)
        node_removed(to->id, to->child);
    if (path_child(to->parent, to->name, false, &path))
        return;
    node_renamed(from->id, to->inode, to->name, path);
    path_put(path);
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
    status_t status = place_find_parent(&from);
    if (!status)
        status = place_find_parent(&to);
    if (!status)
        status = rename_place(&from, &to, flags);
    if (!status)
        rename_nodes(&from, &to);
    operation_end(request);

    path_put(from.child);
    path_put(to.child);
    path_put(from.parent);
    path_put(to.parent);
    reply_status(request, status);
}
