/*
 * mount_table.c - the mount table: which file system covers which path.
 *
 * A mount is found by the text of its path, since a directory that is covered need not be in
 * memory. Walks look it up by the hash of its last name; there is one look-up for each element.
 *
 * Writers     A file system that may write to its device has it alone: two of them would overwrite
 *             each other's structures, and one that only reads would show old ones.
 * Locking     One mutex of rank MOUNT guards the lists and the buckets.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUCKETS = 256 };

static struct mutex mounts_lock = MUTEX_INIT(mounts_lock, RANK_MOUNT);
static struct list mounts = LIST_INIT(mounts); /* in the order of mounting */
static struct mount *by_hash[BUCKETS];         /* the same, by the hash of their last names */
static unsigned last_number;
static struct list writers = LIST_INIT(writers); /* file systems that have their device alone */

/* ---- references --------------------------------------------------------------------------- */

static uint64_t name_hash(struct element name)
{
    return hash_bytes(name.name, name.length, 0);
}

/* Returns the last name of an absolute path; "" of `/`. */
static struct element last_name(const char *text)
{
    struct element name = { text, 0 };
    for (const char *at = text; *at; at++)
        if (*at == '/')
            name.name = at + 1;
    name.length = strlen(name.name);
    return name;
}

struct mount *mount_create(struct fsd *fsd, const char *text)
{
    struct mount *mount = mem_zalloc(sizeof(*mount));
    char *copy = mem_alloc(strlen(text) + 1);
    if (!mount || !copy) {
        fsd_dismount(fsd);
        mem_free(mount);
        mem_free(copy);
        return NULL;
    }

    atomic_init(&mount->references, 1);
    text_copy(copy, strlen(text) + 1, text);
    mount->fsd = fsd;
    mount->text = copy;
    mount->hash = name_hash(last_name(text));
    list_init(&mount->link);
    return mount;
}

struct mount *mount_get(struct mount *mount)
{
    atomic_fetch_add_explicit(&mount->references, 1, memory_order_relaxed);
    return mount;
}

void mount_put(struct mount *mount)
{
    if (atomic_fetch_sub(&mount->references, 1) != 1)
        return;
    if (mount->root)
        vnode_put(mount->root);
    mounts_remove_writer(mount->fsd);
    fsd_dismount(mount->fsd);
    mem_free(mount->text);
    mem_free(mount);
}

/* ---- finding ------------------------------------------------------------------------------ */

struct mount *mount_find(struct path *parent, struct element name)
{
    uint64_t hash = name_hash(name);
    struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    struct mount *mount = by_hash[hash % BUCKETS];

    /* few names are those of a mount: then all names up to `/` are compared */
    for (; mount && !found; mount = mount->next_of_hash)
        if (mount->hash == hash && path_child_has_text(parent, name, mount->text))
            found = mount_get(mount);

    mutex_unlock(&mounts_lock);
    return found;
}

/* Returns the part of the mount's path after `directory` and a slash; NULL if it is not below. */
static const char *text_below(const struct mount *mount, const char *directory)
{
    size_t length = strlen(directory);
    if (length == 1)
        length = 0; /* "/" */
    return text_starts(mount->text, directory) && mount->text[length] == '/' &&
                   mount->text[length + 1]
               ? mount->text + length + 1
               : NULL;
}

bool mounts_below(const char *directory)
{
    bool found = false;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts)
        found |= text_below(container_of(link, struct mount, link), directory) != NULL;
    mutex_unlock(&mounts_lock);
    return found;
}

struct mount *mount_nth(unsigned n)
{
    struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts)
        if (!found && n-- == 0)
            found = mount_get(container_of(link, struct mount, link));
    mutex_unlock(&mounts_lock);
    return found;
}

/* Pins the file system of a mount, unless it is NULL. A mount in the table has not been forgotten
 * yet. */
static struct fsd *pin(const struct mount *mount, unsigned *number)
{
    kassert(mutex_is_mine(&mounts_lock));
    if (!mount)
        return NULL;
    *number = mount->number;
    fsd_pin(mount->fsd);
    return mount->fsd;
}

struct fsd *mount_pin_next(unsigned *number)
{
    const struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts) {
        const struct mount *mount = container_of(link, struct mount, link);
        if (!found && mount->number > *number)
            found = mount;
    }
    struct fsd *fsd = pin(found, number);
    mutex_unlock(&mounts_lock);
    return fsd;
}

struct fsd *mount_pin_previous(unsigned *number)
{
    const struct mount *found = NULL;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts) {
        const struct mount *mount = container_of(link, struct mount, link);
        if (mount->number < *number)
            found = mount;
    }
    struct fsd *fsd = pin(found, number);
    mutex_unlock(&mounts_lock);
    return fsd;
}

status_t mount_next_below(const char *directory, unsigned *number, char *name, size_t bytes)
{
    status_t status = -ENOENT;
    mutex_lock(&mounts_lock);
    list_each(link, &mounts) {
        const struct mount *mount = container_of(link, struct mount, link);

        /* The number continues a listing even if mounts before it were removed. */
        const char *below = mount->number > *number ? text_below(mount, directory) : NULL;
        if (below && !strchr(below, '/')) {
            text_copy(name, bytes, below);
            *number = mount->number;
            status = 0;
            break;
        }
    }
    mutex_unlock(&mounts_lock);
    return status;
}

/* ---- writers ------------------------------------------------------------------------------ */

static bool has_same_device(const struct fsd *a, const struct fsd *b)
{
    const struct device_handle *one = fsd_device(a), *other = fsd_device(b);
    return a != b && one->device && one->device == other->device &&
           one->generation == other->generation;
}

/* Returns whether another file system may write to the device of this one. */
static bool has_writer(const struct fsd *fsd)
{
    kassert(mutex_is_mine(&mounts_lock));
    bool found = false;
    list_each(link, &writers)
        found |= has_same_device(container_of(link, struct fsd, writer_link), fsd);
    return found;
}

status_t mounts_add_writer(struct fsd *fsd)
{
    mutex_lock(&mounts_lock);
    bool busy = has_writer(fsd);
    list_each(link, &mounts)
        busy |= has_same_device(container_of(link, struct mount, link)->fsd, fsd);
    if (!busy)
        list_push_back(&writers, &fsd->writer_link);
    mutex_unlock(&mounts_lock);
    return busy ? -EBUSY : 0;
}

void mounts_remove_writer(struct fsd *fsd)
{
    mutex_lock(&mounts_lock);
    list_remove(&fsd->writer_link);
    mutex_unlock(&mounts_lock);
}

/* ---- adding ------------------------------------------------------------------------------- */

status_t mount_add(struct mount *mount, const struct mount_place *place)
{
    struct mount **bucket = &by_hash[mount->hash % BUCKETS];
    const struct mount *above = place->path ? place->path->mount : NULL;
    mutex_lock(&mounts_lock);
    bool taken = has_writer(mount->fsd);
    bool gone = above && above->left;

    /* A move that begins later finds this mount in the table. */
    if (above)
        taken |= vnode_is_moving(above->fsd) || !path_has_text(place->path, place->text);

    /* The whole list, not the bucket: mounting is rare, and texts decide. */
    list_each(link, &mounts)
        taken |= text_equal(container_of(link, struct mount, link)->text, mount->text);
    if (!taken && !gone) {
        mount->number = ++last_number;
        mount->next_of_hash = *bucket;
        *bucket = mount;
        list_push_back(&mounts, &mount->link);
    }
    mutex_unlock(&mounts_lock);
    return gone ? -ENOENT : taken ? -EBUSY : 0;
}

/* ---- removing ----------------------------------------------------------------------------- */

static void mount_remove(struct mount *mount)
{
    kassert(mutex_is_mine(&mounts_lock));
    struct mount **at = &by_hash[mount->hash % BUCKETS];
    while (*at != mount)
        at = &(*at)->next_of_hash;
    *at = mount->next_of_hash;

    /* Paths that lead through it stay valid until they are put, but nothing below them is mounted
     * any more. */
    list_remove(&mount->link);
    mount->left = true;
}

/* Returns the deepest of the mounts below this one, except those that the VFS keeps; the mount
 * itself if there is none. */
static struct mount *mount_deepest(struct mount *mount)
{
    kassert(mutex_is_mine(&mounts_lock));
    struct mount *deepest = mount;
    list_each(link, &mounts) {
        struct mount *other = container_of(link, struct mount, link);
        if (!other->fixed && text_below(other, mount->text) &&
            strlen(other->text) > strlen(deepest->text))
            deepest = other;
    }
    return deepest;
}

bool mount_is_unused(struct mount *mount)
{
    mutex_lock(&mounts_lock);

    /* a third reference: a path, or a file, on it is in use */
    bool unused = !mount->fixed && mount_deepest(mount) == mount &&
                  atomic_load(&mount->references) <= 2;
    mutex_unlock(&mounts_lock);
    return unused;
}

status_t mount_take_unused(struct mount *mount)
{
    status_t status = 0;
    mutex_lock(&mounts_lock);

    if (mount->fixed)
        status = -EBUSY;
    else if (list_empty(&mount->link))
        status = -EINVAL; /* another thread was first */
    else if (mount_deepest(mount) != mount || atomic_load(&mount->references) > 2)
        status = -EBUSY; /* a third reference: a path, or a file, on it is in use */
    else
        mount_remove(mount);

    mutex_unlock(&mounts_lock);
    return status;
}

struct mount *mount_take_of_device(const struct device *device)
{
    struct mount *found = NULL;
    mutex_lock(&mounts_lock);

    list_each(link, &mounts) {
        struct mount *mount = container_of(link, struct mount, link);
        if (!found && fsd_device(mount->fsd)->device == device)
            found = mount;
    }

    /* mounts below it leave first: their paths lead through this one */
    if (found) {
        found = mount_deepest(found);
        mount_remove(found);
    }
    mutex_unlock(&mounts_lock);
    return found;
}

struct mount *mount_take_last(void)
{
    struct mount *mount = NULL;
    mutex_lock(&mounts_lock);
    if (!list_empty(&mounts)) {
        mount = container_of(mounts.prev, struct mount, link);
        mount_remove(mount);
    }
    mutex_unlock(&mounts_lock);
    return mount;
}
