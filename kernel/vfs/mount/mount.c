/*
 * mount.c - the mount table.
 */
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUCKETS = 256 };

static struct mutex mounts_lock = MUTEX_INIT(mounts_lock, RANK_MOUNT);
static struct list mounts = LIST_INIT(mounts); /* in the order of mounting */
static struct mount *by_hash[BUCKETS];         /* the same, by the hash of their paths */
static unsigned last_number;

/* ---- references --------------------------------------------------------------------------- */

struct mount *mount_get(struct mount *mount)
{
    atomic_fetch_add_explicit(&mount->references, 1, memory_order_relaxed);
    return mount;
}

status_t fsd_flush(struct fsd *fsd)
{
    return fsd->ops->flush && !fsd_check(fsd) ? fsd->ops->flush(fsd) : 0;
}

static void fsd_dismount(struct fsd *fsd)
{
    struct device_handle handle = *fsd_device(fsd);
    struct device *former = fsd->former;
    vnodes_drop(fsd);
    fsd->ops->dismount(fsd);
    device_close(&handle);
    device_put(former);
}

/* It was never mounted: the caller that asked for the mount keeps the handle. */
static void fsd_drop(struct fsd *fsd)
{
    struct device *device = fsd->device.device;
    fsd->ops->dismount(fsd);
    device_put(device);
}

void fsd_discard(struct fsd *fsd)
{
    if (fsd->device.device)
        device_get(fsd->device.device);
    fsd_leave(fsd, fsd_drop);
}

void mount_put(struct mount *mount)
{
    if (atomic_fetch_sub(&mount->references, 1) != 1)
        return;
    if (mount->root)
        vnode_put(mount->root);
    if (mount->fsd)
        fsd_leave(mount->fsd, fsd_dismount);
    mem_free(mount->text);
    mem_free(mount);
}

/* ---- finding ------------------------------------------------------------------------------ */

/* Is `text` the path of parent/name? Compared from the end, a name at a time. */
static bool mount_matches(const struct mount *mount, struct path *parent, const char *name,
                          size_t length)
{
    size_t end = strlen(mount->text);
    for (;;) {
        if (length + 1 > end || mount->text[end - length - 1] != '/' ||
            memcmp(mount->text + end - length, name, length) != 0)
            return false;
        end -= length + 1;
        if (!parent->parent)
            return end == 0;
        name = parent->name;
        length = parent->length;
        parent = parent->parent;
    }
}

struct mount *mount_find(struct path *parent, const char *name, size_t length, uint64_t hash)
{
    struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    struct mount *mount = by_hash[hash % BUCKETS];
    for (; mount && !found; mount = mount->next_of_hash)
        if (mount->hash == hash && mount_matches(mount, parent, name, length))
            found = mount_get(mount);
    mutex_unlock(&mounts_lock);
    return found;
}

/* The mount of exactly this path; the caller holds the table. */
static struct mount *mount_at(const char *text)
{
    kassert(mutex_is_mine(&mounts_lock));
    list_each(link, &mounts) {
        struct mount *mount = container_of(link, struct mount, link);
        if (text_equal(mount->text, text))
            return mount;
    }
    return NULL;
}

/* Is something mounted below, other than what the VFS keeps there? */
static bool mount_has_children(const struct mount *mount)
{
    kassert(mutex_is_mine(&mounts_lock));
    size_t length = strlen(mount->text);
    list_each(link, &mounts) {
        const struct mount *other = container_of(link, struct mount, link);
        if (!other->fixed && text_starts(other->text, mount->text) &&
            (length == 1 || other->text[length] == '/') && other != mount)
            return true;
    }
    return false;
}

bool mounts_touch(struct path *path)
{
    bool found = path_is_mount_point(path);
    char *text = found ? NULL : mem_alloc(PATH_BYTES_MAX + 1);
    if (!text)
        return true; /* also when it cannot be told */
    size_t length = path_text(path, text, PATH_BYTES_MAX + 1);
    mutex_lock(&mounts_lock);
    list_each(link, &mounts) {
        const struct mount *mount = container_of(link, struct mount, link);
        found |= text_starts(mount->text, text) && mount->text[length] == '/';
    }
    mutex_unlock(&mounts_lock);
    mem_free(text);
    return found;
}

/* ---- mounting ----------------------------------------------------------------------------- */

/* Asks the FSDs in their order; the first that does not say "not mine" has the last word. */
static status_t fsd_find(const struct device_handle *handle, const char *type,
                         const char *options, struct fsd **fsd)
{
    status_t status = type ? -ENODEV : -EMEDIUMTYPE;
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d)) {
        if (!d->mount_fs || (type && !text_equal(type, d->name)))
            continue;
        status = d->mount_fs(handle, options, fsd);
        if (!status)
            list_init(&(*fsd)->vnodes);
        if (status != -EMEDIUMTYPE)
            return status;
    }
    return status;
}

static status_t fsd_open(const char *device_name, const char *type, const char *options,
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
        return -EINVAL;
    }
    if (!status)
        status = fsd_find(&handle, type, options, fsd);
    if (status)
        device_close(&handle);
    return status;
}

static struct mount *mount_create(struct fsd *fsd, const char *text, uint64_t hash)
{
    struct mount *mount = mem_zalloc(sizeof(*mount));
    char *copy = mem_alloc(strlen(text) + 1);
    if (!mount || !copy) {
        fsd_leave(fsd, fsd_dismount);
        mem_free(mount);
        mem_free(copy);
        return NULL;
    }
    atomic_init(&mount->references, 1);
    text_copy(copy, strlen(text) + 1, text);
    mount->fsd = fsd;
    mount->text = copy;
    mount->hash = hash;
    list_init(&mount->link);
    return mount;
}

static status_t mount_enter(struct mount *mount)
{
    struct mount **bucket = &by_hash[mount->hash % BUCKETS];
    mutex_lock(&mounts_lock);
    bool taken = mount_at(mount->text) != NULL;
    if (!taken) {
        mount->number = ++last_number;
        mount->next_of_hash = *bucket;
        *bucket = mount;
        list_push_back(&mounts, &mount->link);
    }
    mutex_unlock(&mounts_lock);
    return taken ? -EBUSY : 0;
}

/* Which file system and which volume are mounted where, and from which device, for the log: on the
 * heap; NULL when that is not known. */
static char *mount_words(const struct mount *mount)
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
                    !device ? "memory" : *device->alias ? device->alias : device->name);
    mem_free(info);
    return text;
}

/* Mounts an FSD at a canonical path. Takes the FSD over, also when it fails. */
static status_t mount_publish(struct fsd *fsd, const char *text, uint64_t hash, bool fixed)
{
    struct mount *mount = mount_create(fsd, text, hash);
    if (!mount)
        return -ENOMEM;
    mount->fixed = fixed;
    status_t status = vnode_get(fsd, VNODE_ROOT, &mount->root);
    if (!status && mount->root->type != NODE_DIRECTORY)
        status = -EUCLEAN;
    /* once it is in the table, another thread may unmount it */
    char *words = status || fixed ? NULL : mount_words(mount);
    if (!status)
        status = mount_enter(mount);
    if (status)
        mount_put(mount);
    else if (words)
        log_info("vfs", "%s", words);
    mem_free(words);
    return status;
}

status_t vfs_mount(struct path *start, const char *text, const char *device, const char *type,
                   const char *options)
{
    struct path *path;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;
    char *canonical = mem_alloc(PATH_BYTES_MAX + 1);
    struct fsd *fsd;
    if (!canonical)
        status = -ENOMEM;
    else if (!path_is_directory(path))
        status = -ENOTDIR;
    else if (!path_is_live(path))
        status = -ENOENT; /* its text leads to nothing, or to another directory by now */
    else if (path_is_mount_point(path))
        status = -EBUSY;
    else if (path_text(path, canonical, PATH_BYTES_MAX + 1) > PATH_BYTES_MAX)
        status = -ENAMETOOLONG;
    if (!status)
        status = fsd_open(device, type, options ? options : "", &fsd);
    if (!status)
        status = mount_publish(fsd, canonical, path->hash, false);
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
    status = vnode_get(fsd, VNODE_ROOT, &root);
    if (!status) {
        status = fsd->ops->ioctl
                     ? fsd->ops->ioctl(fsd, root, FSD_DESCRIBE_VOLUME, sink, sizeof(*sink))
                     : -EOPNOTSUPP;
        vnode_put(root);
    }
    fsd_leave(fsd, fsd_dismount);
    return status;
}

/* ---- unmounting --------------------------------------------------------------------------- */

static void mount_remove(struct mount *mount)
{
    kassert(mutex_is_mine(&mounts_lock));
    struct mount **at = &by_hash[mount->hash % BUCKETS];
    while (*at != mount)
        at = &(*at)->next_of_hash;
    *at = mount->next_of_hash;
    list_remove(&mount->link);
    mount->left = true;
}

static status_t mount_leave(struct path *path)
{
    struct mount *mount = path->mount;
    status_t status = 0;
    mutex_lock(&mounts_lock);
    /* the table's reference and the caller's path: more means that it is in use */
    if (mount->fixed || !path->parent)
        status = -EBUSY;
    else if (list_empty(&mount->link))
        status = -EINVAL;
    else if (mount_has_children(mount) || atomic_load(&mount->references) > 2)
        status = -EBUSY;
    else
        mount_remove(mount);
    mutex_unlock(&mounts_lock);
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
        status = fsd_flush(path->mount->fsd);
    if (!status)
        status = mount_leave(path);
    if (!status)
        mount_put(path->mount); /* the table's */
    path_put(path);
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
        status = fsd_exchange_device(path->mount->fsd, device);
    device_put(device);
    path_put(path);
    return status;
}

/* Of the mounts below this one (those that are not the VFS's own) the deepest; else the mount. */
static struct mount *mount_deepest(struct mount *mount)
{
    kassert(mutex_is_mine(&mounts_lock));
    size_t length = strlen(mount->text);
    struct mount *deepest = mount;
    list_each(link, &mounts) {
        struct mount *other = container_of(link, struct mount, link);
        if (!other->fixed && text_starts(other->text, mount->text) &&
            other->text[length] == '/' && strlen(other->text) > strlen(deepest->text))
            deepest = other;
    }
    return deepest;
}

/* Takes a mount of the device out of the table, or one that lies below such a mount. */
static struct mount *mount_take_of_device(struct device *device)
{
    struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts) {
        struct mount *mount = container_of(link, struct mount, link);
        if (!found && fsd_device(mount->fsd)->device == device)
            found = mount;
    }
    if (found) {
        found = mount_deepest(found);
        mount_remove(found);
    }
    mutex_unlock(&mounts_lock);
    return found;
}

unsigned vfs_unmount_device(struct device *device)
{
    unsigned count = 0;
    for (struct mount *mount; (mount = mount_take_of_device(device)); count++) {
        if (atomic_load(&mount->references) > 1) /* the table's, which is now ours, and others */
            log_warn("vfs", "%s was in use when %s was taken away", mount->text, device->alias);
        mount_put(mount);
    }
    return count;
}

/* ---- start, stop, listing ----------------------------------------------------------------- */

static status_t mount_builtin(const char *type, const char *text, bool fixed)
{
    struct fsd *fsd;
    uint64_t hash = 0;
    for (const char *at = text; *at == '/' && at[1];) {
        const char *name = ++at;
        while (*at && *at != '/')
            at++;
        hash = path_hash(hash, name, (size_t)(at - name));
    }
    status_t status = fsd_open("", type, "", &fsd);
    return status ? status : mount_publish(fsd, text, hash, fixed);
}

status_t vfs_start(void)
{
    status_t status = vnodes_start();
    if (!status)
        status = reaper_start();
    if (!status)
        status = mount_builtin("ramfs", "/", true);
    if (status)
        return status;
    struct mount *mount = container_of(mounts.next, struct mount, link);
    struct path *root = path_create(NULL, mount_get(mount), vnode_ref(mount->root), "", 0);
    if (!root)
        return -ENOMEM;
    path_set_root(root);
    status = vfs_mkdir(root, "/System");
    if (!status)
        status = mount_builtin("devfs", "/System/Devices", true);
    return status ? status : vfs_mkdir(root, "/Drives");
}

void vfs_stop(void)
{
    struct path *root = path_root();
    path_put(root); /* ours */
    path_put(root); /* that of vfs_start */
    path_set_root(NULL);
    while (!list_empty(&mounts)) { /* last mounted, first unmounted */
        struct mount *mount = container_of(mounts.prev, struct mount, link);
        mutex_lock(&mounts_lock);
        mount_remove(mount);
        mutex_unlock(&mounts_lock);
        kassert(atomic_load(&mount->references) == 1);
        mount_put(mount);
    }
    reaper_stop();
    vnodes_stop();
}

static struct mount *mount_nth(unsigned n)
{
    struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts)
        if (!found && n-- == 0)
            found = mount_get(container_of(link, struct mount, link));
    mutex_unlock(&mounts_lock);
    return found;
}

status_t vfs_mount_info(unsigned n, struct mount_info *info)
{
    struct mount *mount = mount_nth(n);
    if (!mount)
        return -ENOENT;
    struct device *device = fsd_device(mount->fsd)->device;
    *info = (struct mount_info){ 0 };
    text_copy(info->path, sizeof(info->path), mount->text);
    if (device) {
        text_copy(info->device, sizeof(info->device),
                  device->alias[0] ? device->alias : device->name);
        info->device_number = device->number;
        info->stale = device->generation != fsd_device(mount->fsd)->generation;
    }
    status_t status = mount->fsd->ops->get_fs_info(mount->fsd, &info->fs);
    mount_put(mount);
    return status;
}

/* Is `text` directly below the directory of this path? Then its last element. */
static const char *mount_name_below(const char *text, const char *directory)
{
    size_t length = strlen(directory);
    if (length == 1)
        length = 0; /* "/" */
    if (!text_starts(text, directory) || text[length] != '/' || !text[length + 1])
        return NULL;
    const char *name = text + length + 1;
    return strchr(name, '/') ? NULL : name;
}

status_t vfs_mount_below(struct path *path, unsigned *position, char *name, size_t bytes)
{
    if (!path_is_live(path)) /* the text is another directory's by now */
        return -ENOENT;
    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    status_t status = text ? -ENOENT : -ENOMEM;
    if (!text)
        return status;
    path_text(path, text, PATH_BYTES_MAX + 1);
    mutex_lock(&mounts_lock);
    list_each(link, &mounts) {
        const struct mount *mount = container_of(link, struct mount, link);
        const char *last = mount->number > *position ? mount_name_below(mount->text, text) : NULL;
        if (last) {
            text_copy(name, bytes, last);
            *position = mount->number;
            status = 0;
            break;
        }
    }
    mutex_unlock(&mounts_lock);
    mem_free(text);
    return status;
}
