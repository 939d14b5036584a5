/*
 * tree.c - the device tree: numbers, names and aliases; finding and listing.
 */
#include "kernel/dev/tree.h"
#include "kernel/sched/sync.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUCKETS = 256, PREFIXES = 8, PATH_DEPTH_MAX = 16 };

static struct mutex tree_lock = MUTEX_INIT(tree_lock, RANK_DEVTREE);
static struct list published = LIST_INIT(published); /* in the order of publishing */
static struct list by_number[BUCKETS], by_alias[BUCKETS], by_name[BUCKETS];
static unsigned last_number;

/* For each prefix of aliases: all numbers below `free` are in use. */
static struct {
    char prefix[DEVICE_NAME_BYTES];
    unsigned free;
} prefixes[PREFIXES];

void tree_start(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        list_init(&by_number[i]);
        list_init(&by_alias[i]);
        list_init(&by_name[i]);
    }
    memset(prefixes, 0, sizeof(prefixes));
    last_number = 0; /* file systems expect the root of the tree to be number 1 */
}

/* ---- hash tables -------------------------------------------------------------------------- */

static struct list *number_bucket(unsigned number)
{
    return &by_number[number % BUCKETS];
}

static struct list *alias_bucket(const char *alias)
{
    return &by_alias[hash_bytes(alias, strlen(alias), 0) % BUCKETS];
}

static struct list *name_bucket(const struct device *parent, const char *name, size_t length)
{
    return &by_name[hash_bytes(name, length, parent ? parent->number : 0) % BUCKETS];
}

static struct device *find_number(unsigned number)
{
    const struct list *bucket = number_bucket(number);
    list_each(link, bucket) {
        struct device *device = container_of(link, struct device, number_link);
        if (device->number == number)
            return device;
    }
    return NULL;
}

static struct device *find_alias(const char *alias)
{
    const struct list *bucket = alias_bucket(alias);
    list_each(link, bucket) {
        struct device *device = container_of(link, struct device, alias_link);
        if (text_equal(device->alias, alias))
            return device;
    }
    return NULL;
}

static struct device *find_child(const struct device *parent, const char *name, size_t length)
{
    const struct list *bucket = name_bucket(parent, name, length);
    list_each(link, bucket) {
        struct device *device = container_of(link, struct device, name_link);
        if (device->parent == parent &&
            text_equal_n(device->name, strlen(device->name), name, length))
            return device;
    }
    return NULL;
}

/* ---- aliases ------------------------------------------------------------------------------ */

/* Returns where the search for a free number begins; NULL: at 0, since there are too many prefixes
 * to remember. */
static unsigned *first_free(const char *prefix)
{
    for (unsigned i = 0; i < PREFIXES; i++) {
        if (!*prefixes[i].prefix)
            text_copy(prefixes[i].prefix, sizeof(prefixes[i].prefix), prefix);
        if (text_equal(prefixes[i].prefix, prefix))
            return &prefixes[i].free;
    }
    return NULL;
}

/* -EEXIST if the alias of a part is in use. */
static status_t alias_of_part(struct device *part)
{
    format_text(part->alias, sizeof(part->alias), "%sp%u", part->parent->alias, part->part.number);
    if (find_alias(part->alias)) {
        *part->alias = 0;
        return -EEXIST;
    }
    part->class_number = part->part.number;
    list_push_back(alias_bucket(part->alias), &part->alias_link);
    return 0;
}

static void alias_allocate(struct device *device)
{
    if (!device_class(device)->has_alias || device_is_part(device))
        return;

    /* The lowest free number. Those below `*free` are known to be in use, so that publishing
     * thousands of devices does not search from 0 each time. */
    const char *prefix = *device->alias_prefix ? device->alias_prefix
                                               : device_class(device)->name;
    unsigned *free = first_free(prefix), number = free ? *free : 0;
    do
        format_text(device->alias, sizeof(device->alias), "%s%u", prefix, number++);
    while (find_alias(device->alias));

    /* A device without a name of its own is named by this number. */
    device->class_number = number - 1;
    if (!*device->name)
        format_text(device->name, sizeof(device->name), "%u", device->class_number);
    device->first_free = free;
    if (free)
        *free = number;
    list_push_back(alias_bucket(device->alias), &device->alias_link);
}

/* ---- entering and leaving ----------------------------------------------------------------- */

static void tree_insert(struct device *device)
{
    struct device *parent = device->parent;

    /* The alias comes first, since it may name the device. */
    device->number = ++last_number;
    alias_allocate(device);
    list_push_back(number_bucket(device->number), &device->number_link);
    list_push_back(name_bucket(parent, device->name, strlen(device->name)), &device->name_link);
    if (parent)
        list_push_back(&parent->children, &device->siblings);
    list_push_back(&published, &device_get(device)->all_link);

    /* Media that change from now on post events. */
    device_lock(device);
    device->published = true;
    device_unlock(device);
}

status_t tree_enter(struct device *device)
{
    struct device *parent = device->parent;
    status_t status = 0;

    /* Checked and inserted under one lock, so the parent cannot leave in between. */
    mutex_lock(&tree_lock);
    if (parent && (parent->gone || !parent->published))
        status = -ENODEV;
    else if (parent && find_child(parent, device->name, strlen(device->name)))
        status = -EEXIST;
    else if (device_is_part(device))
        status = alias_of_part(device);
    if (!status)
        tree_insert(device);
    mutex_unlock(&tree_lock);
    return status;
}

static void tree_remove(struct device *device)
{
    list_remove(&device->siblings);
    list_remove(&device->all_link);
    list_remove(&device->number_link);
    list_remove(&device->name_link);
    list_remove(&device->alias_link);

    /* The number is free now: a disc that is put in again gets its old name. */
    if (device->first_free && device->class_number < *device->first_free)
        *device->first_free = device->class_number;
}

bool tree_leave(struct device *device, bool *left)
{
    mutex_lock(&tree_lock);
    bool leaf = list_empty(&device->children);
    *left = leaf && device->published;
    if (*left)
        tree_remove(device);

    /* Requests and opens fail from now on, and handles are stale. Children see `gone` when they are
     * published, so a leaf stays a leaf. */
    if (leaf) {
        device_lock(device);
        device->published = false;
        device->gone = true;
        device->medium_present = false;
        device->generation++; /* a part uses the generation of its drive instead */
        device_unlock(device);
    }
    mutex_unlock(&tree_lock);
    return leaf;
}

struct device *tree_leaf(struct device *device)
{
    mutex_lock(&tree_lock);
    while (!list_empty(&device->children))
        device = container_of(device->children.next, struct device, siblings);
    device_get(device);
    mutex_unlock(&tree_lock);
    return device;
}

/* ---- finding ------------------------------------------------------------------------------ */

static struct device *find_path(const char *path)
{
    struct device *device = device_root();

    /* Empty components are skipped, so that slashes may be repeated or trail. */
    while (device && *path) {
        const char *slash = strchr(path, '/');
        size_t length = slash ? (size_t)(slash - path) : strlen(path);
        if (length)
            device = find_child(device, path, length);
        path += slash ? length + 1 : length;
    }
    return device;
}

/* Unlocks the tree and returns a reference, or NULL. */
static struct device *found(struct device *device)
{
    if (device)
        device_get(device);
    mutex_unlock(&tree_lock);
    return device;
}

struct device *device_find(const char *name)
{
    static const char classes[] = "Classes/";
    bool by_class = text_starts(name, classes);

    /* An alias takes precedence over a device of that name below the root. */
    mutex_lock(&tree_lock);
    struct device *device = find_alias(by_class ? name + strlen(classes) : name);
    if (!device && !by_class)
        device = find_path(name);
    return found(device);
}

struct device *device_find_number(unsigned number)
{
    mutex_lock(&tree_lock);
    return found(find_number(number));
}

struct device *device_find_child(struct device *parent, const char *name, size_t length)
{
    mutex_lock(&tree_lock);
    return found(find_child(parent, name, length));
}

/* ---- listing ------------------------------------------------------------------------------ */

struct device *device_child(struct device *parent, unsigned after)
{
    struct device *child = NULL;
    mutex_lock(&tree_lock);
    const struct device *last = find_number(after);
    struct list *link = last && last->parent == parent ? last->siblings.next
                                                       : parent->children.next;

    /* If `after` was removed, the search begins at the first child: numbers only rise. */
    for (; link != &parent->children && !child; link = link->next) {
        struct device *device = container_of(link, struct device, siblings);
        if (device->number > after)
            child = device;
    }
    return found(child);
}

static struct device *next_device(unsigned after, bool with_alias)
{
    struct device *next = NULL;
    mutex_lock(&tree_lock);
    const struct device *last = find_number(after);
    struct list *link = last ? last->all_link.next : published.next;

    /* The caller may have waited since the last call, so devices may have come and gone. */
    for (; link != &published && !next; link = link->next) {
        struct device *device = container_of(link, struct device, all_link);
        if (device->number > after && (*device->alias || !with_alias))
            next = device;
    }
    return found(next);
}

struct device *device_by_class(unsigned after)
{
    return next_device(after, true);
}

struct device *tree_next(unsigned after)
{
    return next_device(after, false);
}

void device_path(const struct device *device, char *text, size_t bytes)
{
    const struct device *chain[PATH_DEPTH_MAX];
    unsigned depth = 0;

    /* The path of the disk leads to a file, which has no children. */
    if (device_is_part(device)) {
        format_text(text, bytes, "Classes/%s", device->alias);
        return;
    }
    for (; device && device != device_root() && depth < PATH_DEPTH_MAX; device = device->parent)
        chain[depth++] = device;

    /* The chain begins at the device; the path begins at the root. */
    size_t used = 0;
    text_copy(text, bytes, "");
    while (depth-- && used < bytes)
        used += (size_t)format_text(text + used, bytes - used, "%s%s", used ? "/" : "",
                                    chain[depth]->name);
}
