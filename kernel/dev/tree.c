/* tree.c - see tree.h. */
#include "kernel/dev/tree.h"
#include "lib/format.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUCKETS = 256, PREFIXES = 8 };

static struct list by_number[BUCKETS], by_alias[BUCKETS], by_name[BUCKETS];

/* No number below `free` is free for this prefix. */
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
}

/* ---- finding ------------------------------------------------------------------------------ */

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

struct device *tree_find_number(unsigned number)
{
    const struct list *bucket = number_bucket(number);
    list_each(link, bucket) {
        struct device *device = container_of(link, struct device, number_link);
        if (device->number == number)
            return device;
    }
    return NULL;
}

struct device *tree_find_alias(const char *alias)
{
    const struct list *bucket = alias_bucket(alias);
    list_each(link, bucket) {
        struct device *device = container_of(link, struct device, alias_link);
        if (text_equal(device->alias, alias))
            return device;
    }
    return NULL;
}

struct device *tree_find_child(const struct device *parent, const char *name, size_t length)
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

/* Where the search for a free number begins; NULL: at 0, there are too many prefixes. */
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

static void give_alias(struct device *device)
{
    if (device->device_class <= CLASS_CONTROL)
        return;
    const char *prefix = device->class_prefix ? device->class_prefix
                                              : device_class_name(device->device_class);
    unsigned *free = first_free(prefix), number = free ? *free : 0;
    do
        format_text(device->alias, sizeof(device->alias), "%s%u", prefix, number++);
    while (tree_find_alias(device->alias));
    device->class_number = number - 1;
    if (!*device->name)
        format_text(device->name, sizeof(device->name), "%u", device->class_number);
    device->first_free = free;
    if (free)
        *free = number;
    list_push_back(alias_bucket(device->alias), &device->alias_link);
}

/* ---- entering and leaving ----------------------------------------------------------------- */

void tree_insert(struct device *device)
{
    give_alias(device);
    list_push_back(number_bucket(device->number), &device->number_link);
    list_push_back(name_bucket(device->parent, device->name, strlen(device->name)),
                   &device->name_link);
}

void tree_remove(struct device *device)
{
    list_remove(&device->number_link);
    list_remove(&device->name_link);
    list_remove(&device->alias_link);
    if (device->first_free && device->class_number < *device->first_free)
        *device->first_free = device->class_number;
}
