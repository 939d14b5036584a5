/*
 * path_info.c - information on the node of a path: attributes, link target, description; and
 * operations of the device that holds it.
 */
#include "kernel/vfs/internal.h"
#include "lib/string.h"

status_t path_info(struct path *path, unsigned levels, struct node_info *info)
{
    struct fsd *fsd = path->mount->fsd;
    *info = (struct node_info){
        .known = INFO_DIRENT,
        .id = path->vnode->id,
        .type = path->vnode->type,
        .alias = path->vnode->id,
    };

    status_t status = fsd_check(fsd);
    if (!status)
        status = fsd->ops->get_info(fsd, path->vnode, levels, info);

    /* An FSD may store types. Otherwise the name decides. */
    if (!status && levels & INFO_MIME && info->type == NODE_FILE && !info->mime)
        info->mime = mime_type(path->name);
    return status;
}

static bool is_mount_point(struct path *parent, struct element element)
{
    struct mount *mount = mount_find(parent, element);
    if (mount)
        mount_put(mount);
    return mount != NULL;
}

/* Returns -EAGAIN if the directory alone does not have the information. */
static status_t child_info(struct path *parent, struct element element, bool cross,
                           unsigned levels, struct node_info *info)
{
    struct fsd *fsd = parent->mount->fsd;
    if (!fsd->ops->get_child_info || !path_is_directory(parent) ||
        (cross && is_mount_point(parent, element)))
        return -EAGAIN;
    *info = (struct node_info){ 0 };
    status_t status = fsd_check(fsd);
    if (!status)
        status = fsd->ops->get_child_info(fsd, parent->vnode, element, levels, info);

    /* the name may be the listed form of an invalid one: names.c finds it */
    return status == -ENOENT && fsd->changes_names ? -EAGAIN : status;
}

status_t path_child_info(struct path *parent, const char *name, bool cross, unsigned levels,
                         struct node_info *info)
{
    struct path *child;
    struct element element = { name, strlen(name) };

    /* Without a vnode if possible: `ls -l` of a large directory would fill the table with them. */
    status_t status = child_info(parent, element, cross, levels, info);
    if (status != -EAGAIN)
        return status;

    status = path_child_element(parent, element, cross, &child);
    if (status)
        return status;
    status = path_info(child, levels, info);
    path_put(child);
    return status;
}

ssize_t path_read_link(struct path *path, char *target, size_t bytes)
{
    struct fsd *fsd = path->mount->fsd;
    status_t status = fsd_check(fsd);
    if (status)
        return status;
    if (path->vnode->type != NODE_LINK)
        return -EINVAL;
    return fsd->ops->read_link ? fsd->ops->read_link(fsd, path->vnode, target, bytes)
                               : -EOPNOTSUPP;
}

status_t path_describe(struct path *path, bool node, struct text_sink *sink)
{
    struct fsd *fsd = path->mount->fsd;
    status_t status = fsd_check(fsd);
    if (status)
        return status;
    if (!fsd->ops->ioctl)
        return -EOPNOTSUPP;
    return fsd->ops->ioctl(fsd, path->vnode, node ? FSD_DESCRIBE_NODE : FSD_DESCRIBE_VOLUME, sink,
                           sizeof(*sink));
}

status_t path_control(struct path *path, unsigned operation, void *argument, size_t bytes)
{
    struct fsd *fsd = path->mount->fsd;
    return fsd->ops->passthrough
               ? fsd->ops->passthrough(fsd, path->vnode, operation, argument, bytes)
               : -EOPNOTSUPP;
}
