/*
 * device.c - the device tree, class names, media and references.
 */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/event.h"
#include "kernel/dev/tree.h"
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

static struct mutex tree_lock = MUTEX_INIT(tree_lock, RANK_DEVTREE);
static struct list published = LIST_INIT(published); /* in the order of publishing */
static struct device *root;
static unsigned last_number;

static const struct device_ops bus_ops = { 0 };

const char *device_class_name(enum device_class device_class)
{
    static const char *const names[] = {
        [CLASS_NONE] = "none", [CLASS_BUS] = "bus",     [CLASS_CONTROL] = "control",
        [CLASS_DISK] = "disk", [CLASS_CDROM] = "cdrom", [CLASS_VIRTUAL] = "virtual",
    };
    return names[device_class];
}

/* ---- references --------------------------------------------------------------------------- */

struct device *device_get(struct device *device)
{
    atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    return device;
}

static void device_free_transfers(struct device *device)
{
    for (unsigned i = 0; device->bounce_pages && i < IO_BOUNCE_PAGES; i++)
        if (device->bounce_pages[i])
            page_free(device->bounce_pages[i]);
    mem_free(device->bounce_pages);
    mem_free(device->transfer_segments);
    mem_free(device->transfers);
    device->bounce_pages = NULL;
    device->transfer_segments = NULL;
    device->transfers = NULL;
}

void device_put(struct device *device)
{
    while (device && atomic_fetch_sub(&device->references, 1) == 1) {
        struct device *parent = device->parent;
        if (device->ops && device->ops->destroy)
            device->ops->destroy(device);
        device_free_transfers(device);
        device_sum_up_bad_blocks(device, device_take_bad_blocks(device));
        mem_free(device);
        device = parent; /* the child held one of it */
    }
}

struct device *device_create(struct device *parent, const char *name)
{
    struct device *device = mem_zalloc(sizeof(*device));
    if (!device)
        return NULL;
    text_copy(device->name, sizeof(device->name), name);
    device->ops = &bus_ops;
    device->parent = parent ? parent : root;
    if (device->parent)
        device_get(device->parent);
    list_init(&device->siblings);
    list_init(&device->children);
    list_init(&device->all_link);
    list_init(&device->number_link);
    list_init(&device->alias_link);
    list_init(&device->name_link);
    list_init(&device->waiting);
    list_init(&device->event_link);
    list_init(&device->put_link);
    spin_init(&device->queue_lock, RANK_QUEUE);
    device->generation = 1;
    device->absent_status = -ENOMEDIUM;
    atomic_init(&device->references, 1);
    return device;
}

/* ---- publishing --------------------------------------------------------------------------- */

/* What the io path needs of memory is taken now, so that reading never allocates. */
static status_t device_prepare_transfers(struct device *device)
{
    struct io_limits *limits = &device->limits;
    if (!device->ops->start)
        return 0;
    if (!limits->depth || limits->depth > IO_DEPTH_MAX)
        limits->depth = 1;
    if (!limits->segment_count || limits->segment_count > IO_SEGMENTS_MAX)
        limits->segment_count = IO_SEGMENTS_MAX;
    device->transfers = mem_zalloc(limits->depth * sizeof(struct io_transfer));
    device->transfer_segments =
        mem_zalloc(limits->depth * limits->segment_count * sizeof(struct io_segment));
    if (!device->transfers || !device->transfer_segments)
        return -ENOMEM;
    for (unsigned i = 0; i < limits->depth; i++) {
        device->transfers[i].device = device;
        device->transfers[i].segments = device->transfer_segments + i * limits->segment_count;
    }
    bool reaches_all = !limits->highest_address ||
                       limits->highest_address >= mem_highest_physical();
    if (reaches_all && limits->segment_align <= 1)
        return 0; /* it takes any memory: nothing to bounce */
    device->bounce_pages = mem_zalloc(IO_BOUNCE_PAGES * sizeof(void *));
    for (unsigned i = 0; device->bounce_pages && i < IO_BOUNCE_PAGES; i++)
        if (!(device->bounce_pages[i] = page_alloc_low()))
            return -ENOMEM;
    return device->bounce_pages ? 0 : -ENOMEM;
}

static status_t device_enter_tree(struct device *device)
{
    struct device *parent = device->parent;
    status_t status = 0;
    mutex_lock(&tree_lock);
    if (parent && (parent->gone || !parent->published))
        status = -ENODEV;
    else if (parent && tree_find_child(parent, device->name, strlen(device->name)))
        status = -EEXIST;
    else {
        device->number = ++last_number;
        tree_insert(device);
        if (parent)
            list_push_back(&parent->children, &device->siblings);
        list_push_back(&published, &device_get(device)->all_link);
        spin_lock(&device->queue_lock);
        device->published = true;
        spin_unlock(&device->queue_lock);
    }
    mutex_unlock(&tree_lock);
    return status;
}

/* The root is everybody's: each driver of a built-in bus publishes its own below it. */
static void device_offer(struct device *device)
{
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d)) {
        if (!d->add_device || (device->driver && device != root))
            continue;
        status_t status = d->add_device(device);
        if (status == -ENODEV)
            continue;
        if (status)
            log_error(d->name, "%s: %s", device->name, status_text(status));
        device->driver = d;
    }
}

status_t device_publish(struct device *device)
{
    status_t status = device_prepare_transfers(device);
    if (!status)
        status = device_enter_tree(device);
    if (status) {
        device_free_transfers(device);
        return status;
    }
    event_post(EVENT_ADDED, device);
    device_offer(device);
    return 0;
}

status_t device_publish_bus(struct device *parent, const char *name, struct device **bus)
{
    struct device *device = device_create(parent, name);
    if (!device)
        return -ENOMEM;
    device->device_class = CLASS_BUS;
    status_t status = device_publish(device);
    if (status)
        device_put(device);
    else
        *bus = device;
    return status;
}

/* ---- removal ------------------------------------------------------------------------------ */

static void device_fail_waiting(struct device *device)
{
    for (;;) {
        spin_lock(&device->queue_lock);
        struct list *link = list_pop_front(&device->waiting);
        spin_unlock(&device->queue_lock);
        if (!link)
            return;
        struct io_request *request = container_of(link, struct io_request, link);
        io_complete(request, -ENODEV, request->done_bytes);
    }
}

/* False when a child came meanwhile: it has to go first. *left: it was in the tree, whose reference
 * is the caller's now. */
static bool device_leave_tree(struct device *device, bool *left)
{
    mutex_lock(&tree_lock);
    if (!list_empty(&device->children)) {
        mutex_unlock(&tree_lock);
        return false;
    }
    bool was_published = device->published;
    if (was_published) {
        list_remove(&device->siblings);
        list_remove(&device->all_link);
        tree_remove(device);
    }
    spin_lock(&device->queue_lock);
    device->published = false;
    device->gone = true;
    device->medium_present = false;
    device->generation++;
    spin_unlock(&device->queue_lock);
    mutex_unlock(&tree_lock);
    *left = was_published;
    return true;
}

/* The deepest first child: what has no children can go at once. */
static struct device *device_leaf(struct device *device)
{
    mutex_lock(&tree_lock);
    while (!list_empty(&device->children))
        device = container_of(device->children.next, struct device, siblings);
    device_get(device);
    mutex_unlock(&tree_lock);
    return device;
}

void device_remove(struct device *device)
{
    for (bool last = false; !last;) {
        struct device *leaf = device_leaf(device);
        bool was_published = false;
        last = device_leave_tree(leaf, &was_published) && leaf == device;
        if (was_published) {
            device_fail_waiting(leaf);
            event_post(EVENT_REMOVED, leaf);
            device_put(leaf); /* the tree's */
        }
        device_put(leaf);
    }
}

/* ---- medium ------------------------------------------------------------------------------- */

/* `absent`: what is answered when there is no medium. */
static void device_change_medium(struct device *device, bool present, uint64_t bytes,
                                 status_t absent)
{
    spin_lock(&device->queue_lock);
    bool changed = !device->gone && (present || device->medium_present);
    bool tell = changed && device->published; /* what is there at first comes with ADDED */
    device->absent_status = absent;
    struct bad_blocks *bad = changed ? device_take_bad_blocks(device) : NULL;
    if (changed) {
        device->generation++;
        device->medium_present = present;
        device->medium_bytes = bytes;
        device->files_open = 0;
    }
    spin_unlock(&device->queue_lock);
    device_sum_up_bad_blocks(device, bad);
    if (tell)
        event_post(EVENT_MEDIUM, device);
}

void device_set_medium(struct device *device, uint64_t bytes)
{
    device_change_medium(device, true, bytes, -ENOMEDIUM);
}

void device_clear_medium(struct device *device)
{
    device_change_medium(device, false, 0, -ENOMEDIUM);
}

void device_halt(struct device *device)
{
    device_change_medium(device, false, 0, -ENODEV);
}

struct device_medium device_medium(struct device *device)
{
    spin_lock(&device->queue_lock);
    struct device_medium medium = {
        .present = device->medium_present,
        .bytes = device->medium_bytes,
        .generation = device->generation,
    };
    spin_unlock(&device->queue_lock);
    return medium;
}

/* ---- handles ------------------------------------------------------------------------------ */

static status_t device_check_beneath(struct device *device)
{
    return device->ops->check ? device->ops->check(device) : 0;
}

status_t device_open(struct device *device, struct device_handle *handle)
{
    handle->device = NULL;
    status_t status = device_check_beneath(device);
    if (status)
        return status;
    spin_lock(&device->queue_lock);
    if (device->gone || device->refuses_opens || !device->ops->start)
        status = -ENODEV;
    else if (!device->medium_present)
        status = device->absent_status;
    else if (device->claimed)
        status = -EBUSY;
    else
        device->open_count++;
    handle->generation = device->generation;
    spin_unlock(&device->queue_lock);
    handle->device = status ? NULL : device_get(device);
    return status;
}

void device_close(struct device_handle *handle)
{
    struct device *device = handle->device;
    if (!device)
        return;
    spin_lock(&device->queue_lock);
    bool last = --device->open_count == 0;
    spin_unlock(&device->queue_lock);
    handle->device = NULL;
    if (last && device->ops->closed)
        device->ops->closed(device);
    device_put(device);
}

unsigned device_open_count(struct device *device)
{
    spin_lock(&device->queue_lock);
    unsigned count = device->open_count;
    spin_unlock(&device->queue_lock);
    return count;
}

/* ---- who may open it ---------------------------------------------------------------------- */

status_t device_claim(const struct device_handle *handle)
{
    struct device *device = handle->device;
    status_t status = device->read_only ? -EROFS : 0;
    spin_lock(&device->queue_lock);
    if (!status && (device->claimed || device->open_count > 1))
        status = -EBUSY;
    if (!status)
        device->claimed = true;
    spin_unlock(&device->queue_lock);
    return status;
}

void device_release(const struct device_handle *handle)
{
    spin_lock(&handle->device->queue_lock);
    handle->device->claimed = false;
    spin_unlock(&handle->device->queue_lock);
}

status_t device_refuse_opens(struct device *device, bool only_idle)
{
    spin_lock(&device->queue_lock);
    bool busy = only_idle && device->open_count;
    if (!busy)
        device->refuses_opens = true;
    spin_unlock(&device->queue_lock);
    return busy ? -EBUSY : 0;
}

void device_allow_opens(struct device *device)
{
    spin_lock(&device->queue_lock);
    device->refuses_opens = false;
    spin_unlock(&device->queue_lock);
}

status_t device_admits(struct device *device)
{
    spin_lock(&device->queue_lock);
    bool refuses = device->gone || device->refuses_opens;
    spin_unlock(&device->queue_lock);
    return refuses ? -ENODEV : 0;
}

bool device_is_removable(const struct device *device)
{
    return device->ops->poll != NULL;
}

/* ---- handles in use ----------------------------------------------------------------------- */

static status_t device_say_why(struct device *device)
{
    spin_lock(&device->queue_lock);
    status_t status = device->gone             ? -ENODEV
                      : device->medium_present ? -ESTALE
                                               : device->absent_status;
    spin_unlock(&device->queue_lock);
    return status;
}

/* Asked before every byte that is served from memory: without a lock while all is well. */
status_t device_check(const struct device_handle *handle)
{
    struct device *device = handle->device;
    if (device->generation != handle->generation)
        return device_say_why(device);
    return device_check_beneath(device);
}

void device_file_opened(const struct device_handle *handle)
{
    struct device *device = handle->device;
    spin_lock(&device->queue_lock);
    bool first = device->generation == handle->generation && !device->files_open++;
    spin_unlock(&device->queue_lock);
    if (first && !device->door_locked && device_is_removable(device))
        event_post(EVENT_DOOR, device);
}

/* The monitor unlocks the door at its next round. */
void device_file_closed(const struct device_handle *handle)
{
    struct device *device = handle->device;
    spin_lock(&device->queue_lock);
    if (device->generation == handle->generation && device->files_open)
        device->files_open--;
    spin_unlock(&device->queue_lock);
}

unsigned device_files_open(struct device *device)
{
    spin_lock(&device->queue_lock);
    unsigned files = device->files_open;
    spin_unlock(&device->queue_lock);
    return files;
}

/* ---- finding ------------------------------------------------------------------------------ */

static struct device *device_find_path(const char *path)
{
    struct device *device = root;
    while (device && *path) {
        const char *slash = strchr(path, '/');
        size_t length = slash ? (size_t)(slash - path) : strlen(path);
        if (length)
            device = tree_find_child(device, path, length);
        path += slash ? length + 1 : length;
    }
    return device;
}

struct device *device_find(const char *name)
{
    static const char classes[] = "Classes/";
    bool by_class = text_starts(name, classes);
    mutex_lock(&tree_lock);
    struct device *device = tree_find_alias(by_class ? name + strlen(classes) : name);
    if (!device && !by_class)
        device = device_find_path(name);
    if (device)
        device_get(device);
    mutex_unlock(&tree_lock);
    return device;
}

static struct device *device_get_found(struct device *device)
{
    return device ? device_get(device) : NULL;
}

struct device *device_find_number(unsigned number)
{
    mutex_lock(&tree_lock);
    struct device *found = device_get_found(tree_find_number(number));
    mutex_unlock(&tree_lock);
    return found;
}

struct device *device_find_child(struct device *parent, const char *name, size_t length)
{
    mutex_lock(&tree_lock);
    struct device *found = device_get_found(tree_find_child(parent, name, length));
    mutex_unlock(&tree_lock);
    return found;
}

struct device *device_root(void)
{
    return root;
}

void device_path(struct device *device, char *text, size_t bytes)
{
    struct device *chain[16];
    unsigned depth = 0;
    for (; device && device != root && depth < 16; device = device->parent)
        chain[depth++] = device;
    size_t used = 0;
    text_copy(text, bytes, "");
    while (depth-- && used < bytes)
        used += (size_t)format_text(text + used, bytes - used, "%s%s", used ? "/" : "",
                                    chain[depth]->name);
}

struct device *device_child(struct device *parent, unsigned after)
{
    mutex_lock(&tree_lock);
    const struct device *last = tree_find_number(after);
    struct list *link = parent->children.next;
    if (last && last->parent == parent)
        link = last->siblings.next;
    while (link != &parent->children &&
           container_of(link, struct device, siblings)->number <= after)
        link = link->next; /* the last one was removed: it is searched for */
    struct device *found = NULL;
    if (link != &parent->children)
        found = device_get(container_of(link, struct device, siblings));
    mutex_unlock(&tree_lock);
    return found;
}

struct device *device_by_class(unsigned after)
{
    struct device *found = NULL;
    mutex_lock(&tree_lock);
    const struct device *last = tree_find_number(after);
    struct list *link = last ? last->all_link.next : published.next;
    for (; link != &published && !found; link = link->next) {
        struct device *device = container_of(link, struct device, all_link);
        if (device->number > after && device->alias[0])
            found = device_get(device);
    }
    mutex_unlock(&tree_lock);
    return found;
}

/* ---- start and stop ----------------------------------------------------------------------- */

status_t device_start(void)
{
    tree_start();
    root = device_create(NULL, "");
    if (!root)
        return -ENOMEM;
    root->device_class = CLASS_BUS;
    return device_publish(root);
}

void device_stop(void)
{
    device_remove(root);
    struct event event; /* events hold references */
    while (!event_wait(&event, 0))
        event_done(&event);
    device_put(root);
    root = NULL;
    last_number = 0; /* the next root is number 1 again, as file systems expect */
}
