/*
 * mount.c - mounts and unmounts: finds the file system of a device, and changes the mount table.
 */
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/vfs/internal.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- mounting ----------------------------------------------------------------------------- */

/* Asks the FSDs in their order, until one returns anything but -EMEDIUMTYPE. */
static status_t fsd_find(const struct device_handle *handle, const char *type,
                         const char *options, struct fsd **fsd)
{
    status_t status = type ? -ENODEV : -EMEDIUMTYPE;
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d)) {
        if (!d->mount_fs || (type && !text_equal(type, d->name)))
            continue;

        status = d->mount_fs(handle, options, fsd);
        if (!status) {
            list_init(&(*fsd)->vnodes);
            list_init(&(*fsd)->held);
            list_init(&(*fsd)->dirty);
            list_init(&(*fsd)->changed_link);
            list_init(&(*fsd)->writer_link);
            code_use_begin(&(*fsd)->code_use, (*fsd)->ops, "mounted file system", (*fsd)->name);
        }

        /* It recognized the medium, even if mounting failed then: no other FSD is asked. The driver
         * stays registered while the loop is at it, so the loop is left with driver_put(). */
        if (status != -EMEDIUMTYPE) {
            driver_put(d);
            return status;
        }
    }
    return status;
}

status_t fsd_open(const char *device_name, const char *type, const char *options,
                  struct fsd **fsd)
{
    struct device_handle handle = { 0 };
    status_t status = 0;
    if (*device_name) {
        struct device *device = device_find(device_name);
        if (!device)
            return -ENODEV;
        status = device_open(device, &handle);
        device_put(device);
    } else if (!type) {
        /* without a device, no FSD could recognize anything */
        return -EINVAL;
    }

    if (!status)
        status = fsd_find(&handle, type, options, fsd);
    if (status)
        device_close(&handle);
    return status;
}

/* Describes a mount for the log: path, file system, volume and device. On the heap; NULL if it
 * cannot be described. */
static char *mount_description(const struct mount *mount)
{
    enum { WORDS_BYTES = 256 };
    struct device *device = fsd_device(mount->fsd)->device;
    struct fs_info *info = mem_alloc(sizeof(*info));
    char *text = info ? mem_alloc(WORDS_BYTES) : NULL;
    if (text && mount->fsd->ops->get_fs_info(mount->fsd, info)) {
        mem_free(text);
        text = NULL;
    }

    if (text)
        format_text(text, WORDS_BYTES, "%s: %s%s%s%s from %s", mount->text,
                    *info->type ? info->type : mount->fsd->name,
                    *info->volume_name ? ", volume \"" : "", info->volume_name,
                    *info->volume_name ? "\"," : "",
                    !device ? "memory" : device_label(device));
    mem_free(info);
    return text;
}

status_t mount_publish(struct fsd *fsd, const struct mount_place *place,
                       const struct mount_options *options)
{
    struct mount *mount = mount_create(fsd, place->text);
    if (!mount)
        return -ENOMEM;

    mount->fixed = !options;
    status_t status = vnode_get(fsd, VNODE_ROOT, &mount->root);
    if (!status && mount->root->type != NODE_DIRECTORY)
        status = -EUCLEAN;

    /* last: the medium changes only if little can still fail */
    if (!status && options)
        status = mount_options_apply(fsd, options);

    /* described before: once it is in the table, another thread may unmount it */
    char *description = status || mount->fixed ? NULL : mount_description(mount);
    if (!status)
        status = mount_add(mount, place);
    if (status) {
        IGNORE(fsd_end_writing(fsd, true)); /* the first error is returned */
        mount_put(mount);
    } else if (description) {
        log_info("vfs", "%s", description);
    }
    mem_free(description);
    return status;
}

/* Opens the file system and mounts it; `rw` in the options makes it writable at once. */
static status_t mount_device(const char *device, const char *type, const char *words,
                             const struct mount_place *place)
{
    struct mount_options options;
    struct fsd *fsd;
    status_t status = mount_options_parse(words, &options);
    if (!status)
        status = fsd_open(device, type, options.others, &fsd);
    mem_free(options.others);
    return status ? status : mount_publish(fsd, place, &options);
}

status_t vfs_mount(struct path *start, const char *text, const char *device, const char *type,
                   const char *options)
{
    struct path *path;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;

    /* The table contains canonical paths, and the path must be found by them later. */
    char *canonical = mem_alloc(PATH_BYTES_MAX + 1);
    const struct mount_place place = { .text = canonical, .path = path };
    if (!canonical)
        status = -ENOMEM;
    else if (!path_is_directory(path))
        status = -ENOTDIR;
    else if (!path_is_live(path))
        status = -ENOENT; /* its text leads to another directory by now, or to none */
    else if (path_is_mount_point(path))
        status = -EBUSY;
    else if (path_text(path, canonical, PATH_BYTES_MAX + 1) > PATH_BYTES_MAX)
        status = -ENAMETOOLONG;

    if (!status)
        status = mount_device(device, type, options ? options : "", &place);

    mem_free(canonical);
    path_put(path);
    return status;
}

status_t device_describe_volume(const char *device, struct text_sink *sink)
{
    struct fsd *fsd;
    struct vnode *root;
    status_t status = fsd_open(device, NULL, "", &fsd);
    if (status)
        return status;

    /* Opened for this call only: it need not be mounted, and no path leads to it. */
    status = vnode_get(fsd, VNODE_ROOT, &root);
    if (!status) {
        status = fsd->ops->ioctl
                     ? fsd->ops->ioctl(fsd, root, FSD_DESCRIBE_VOLUME, sink, sizeof(*sink))
                     : -EOPNOTSUPP;
        vnode_put(root);
    }
    fsd_dismount(fsd);
    return status;
}

/* ---- unmounting --------------------------------------------------------------------------- */

/* Unmounts it, unless it is in use. The caller has one path on it. */
static status_t unmount(struct mount *mount)
{
    struct fsd *fsd = mount->fsd;
    bool writable = !fsd->read_only;
    if (!mount_is_unused(mount))
        return -EBUSY;
    status_t status = fsd_close_gate(fsd, false);
    if (status)
        return status;

    /* Write first: an error must be reported while the file system is still mounted. A medium that
     * is gone has nothing to write to. */
    status = fsd_make_read_only(fsd);
    bool written = !status || fsd_check(fsd);
    if (written)
        status = mount_take_unused(mount);

    /* A change that waits at the gate uses the mount, which was not taken then: it continues. */
    if (status && written && writable && fsd->ops->set_writable)
        IGNORE(fsd_make_writable(fsd)); /* the first error is returned */
    fsd_open_gate(fsd);
    if (!status)
        mount_put(mount); /* the table's */
    return status;
}

status_t vfs_unmount(struct path *start, const char *text)
{
    struct path *path;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;

    if (!path_is_mount_point(path))
        status = -EINVAL;
    else
        status = unmount(path->mount);
    path_put(path);
    return status;
}

/* Redirects a file system that was never writable: the copy was made before this call, and is the
 * disc's only if nothing was written meanwhile. */
static status_t exchange_device(struct fsd *fsd, struct device *device)
{
    status_t status = fsd->device.device ? fsd_close_gate(fsd, false) : -ENODEV;
    if (status)
        return status;
    status = !fsd->read_only || fsd->was_writable ? -EBUSY : fsd_exchange_device(fsd, device);
    fsd_open_gate(fsd);
    return status;
}

status_t vfs_exchange_device(struct path *start, const char *text, const char *device_name)
{
    struct path *path;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;

    struct device *device = device_find(device_name);
    if (!path_is_mount_point(path))
        status = -EINVAL;
    else if (!device)
        status = -ENODEV;
    else
        status = exchange_device(path->mount->fsd, device);
    device_put(device);
    path_put(path);
    return status;
}

unsigned vfs_unmount_device(struct device *device)
{
    unsigned count = 0;
    for (struct mount *mount; (mount = mount_take_of_device(device)); count++) {
        /* one reference is the table's, which is now ours */
        if (atomic_load(&mount->references) > 1)
            log_warn("vfs", "%s: %s was removed while in use; open files return errors",
                     mount->text, device_alias(device));

        /* A medium that is still there gets what is dirty; else the loss is logged. */
        IGNORE(fsd_end_writing(mount->fsd, true));
        mount_put(mount);
    }
    return count;
}

/* ---- listing ------------------------------------------------------------------------------ */

status_t fsd_get_usage(struct fsd *fsd, struct fs_info *info)
{
    status_t status = fsd->ops->get_fs_info(fsd, info);
    return status || !fsd->ops->count_free ? status : fsd->ops->count_free(fsd, &info->free_bytes);
}

/* Describes the n-th mount, the file system with `describe`. */
static status_t mount_info_by(unsigned n, struct mount_info *info,
                              status_t (*describe)(struct fsd *fsd, struct fs_info *info))
{
    struct mount *mount = mount_nth(n);
    if (!mount)
        return -ENOENT;
    struct device *device = fsd_device(mount->fsd)->device;

    *info = (struct mount_info){ 0 };
    text_copy(info->path, sizeof(info->path), mount->text);

    if (device) {
        text_copy(info->device, sizeof(info->device),
                  device_label(device));
        info->device_number = device_number(device);
        info->stale = device_medium(device).generation != fsd_device(mount->fsd)->generation;
    }

    status_t status = describe(mount->fsd, &info->fs);
    mount_put(mount);
    return status;
}

static status_t fsd_get_info(struct fsd *fsd, struct fs_info *info)
{
    return fsd->ops->get_fs_info(fsd, info);
}

status_t vfs_mount_info(unsigned n, struct mount_info *info)
{
    return mount_info_by(n, info, fsd_get_info);
}

status_t vfs_mount_usage(unsigned n, struct mount_info *info)
{
    return mount_info_by(n, info, fsd_get_usage);
}

status_t vfs_mount_below(struct path *path, unsigned *position, char *name, size_t bytes)
{
    /* else the text leads to another directory by now */
    if (!path_is_live(path))
        return -ENOENT;

    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    if (!text)
        return -ENOMEM;

    path_text(path, text, PATH_BYTES_MAX + 1);
    status_t status = mount_next_below(text, position, name, bytes);
    mem_free(text);
    return status;
}
