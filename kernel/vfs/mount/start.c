/*
 * start.c - the tree at start-up: ramfs at `/`, devfs at `/System/Devices`, and `/Drives`.
 */
#include "kernel/vfs/internal.h"

static status_t mount_builtin(const char *type, const char *text)
{
    const struct mount_place place = { .text = text };
    struct fsd *fsd;
    status_t status = fsd_open("", type, "", &fsd);
    return status ? status : mount_publish(fsd, &place, NULL);
}

status_t vfs_start(void)
{
    status_t status = vnodes_start();
    if (!status)
        status = dismount_start();
    if (!status)
        status = writeback_start();
    if (!status)
        status = mount_builtin("ramfs", "/");
    if (status)
        return status;

    /* The one path without a parent. Every walk begins at it, or at a path below it. */
    struct mount *mount = mount_nth(0);
    struct path *root = path_create(NULL, mount, vnode_ref(mount->root), (struct element){ "", 0 });
    if (!root)
        return -ENOMEM;
    path_set_root(root);

    status = vfs_mkdir(root, "/System");
    if (!status)
        status = mount_builtin("devfs", "/System/Devices");

    /* Scripts of other systems expect the null device and its siblings there. */
    if (!status)
        status = vfs_symlink(root, "System/Devices", "/dev");
    return status ? status : vfs_mkdir(root, "/Drives");
}

void vfs_stop(void)
{
    struct path *root = path_root();
    path_put(root); /* the reference of path_root() */
    path_put(root); /* and the one of vfs_start() */
    path_set_root(NULL);

    /* last mounted, first unmounted */
    for (struct mount *mount; (mount = mount_take_last());) {
        kassert(atomic_load(&mount->references) == 1);
        mount_put(mount);
    }
    writeback_stop();
    dismount_stop();
    vnodes_stop();
}
