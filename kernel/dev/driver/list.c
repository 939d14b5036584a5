/*
 * list.c - the drivers in their order: those of the linker's table and those registered later.
 */
#include "kernel/dev/driver/list.h"
#include "lib/macros.h"
#include "lib/string.h"

/* A driver that was registered. */
struct entry {
    struct list link;
    const struct driver *driver;
    unsigned uses;
    bool has_root;
};

static struct spin lock = SPIN_INIT(RANK_QUEUE);
static struct list registered = LIST_INIT(registered);
static unsigned changes;
static uint64_t table_roots; /* a bit for each driver of the table that accepted the root */

static bool precedes(const struct driver *a, const struct driver *b)
{
    return a->order != b->order ? a->order < b->order : strcmp(a->name, b->name) < 0;
}

/* Returns NULL for a driver of the table. Caller holds the lock. */
static struct entry *find(const struct driver *driver)
{
    list_each(link, &registered) {
        struct entry *entry = container_of(link, struct entry, link);
        if (entry->driver == driver)
            return entry;
    }
    return NULL;
}

static bool name_is_used(const char *name)
{
    table_each(entry, drivers, struct driver)
        if (!strcmp((*entry)->name, name))
            return true;
    list_each(link, &registered)
        if (!strcmp(container_of(link, struct entry, link)->driver->name, name))
            return true;
    return false;
}

/* ---- walking ------------------------------------------------------------------------------ */

const struct driver *driver_next(const struct driver *previous)
{
    const struct driver *best = NULL;

    /* The first one after `previous` in the order, from both lists. Neither list is sorted. */
    table_each(entry, drivers, struct driver)
        if ((!previous || precedes(previous, *entry)) && (!best || precedes(*entry, best)))
            best = *entry;

    spin_lock(&lock);
    list_each(link, &registered) {
        const struct driver *driver = container_of(link, struct entry, link)->driver;
        if ((!previous || precedes(previous, driver)) && (!best || precedes(driver, best)))
            best = driver;
    }

    /* The use keeps the driver registered while its function runs, without the lock. */
    struct entry *entry = best ? find(best) : NULL;
    if (entry)
        entry->uses++;
    spin_unlock(&lock);

    if (previous)
        driver_put(previous);
    return best;
}

void driver_put(const struct driver *driver)
{
    spin_lock(&lock);
    struct entry *entry = find(driver);
    if (entry)
        entry->uses--;
    spin_unlock(&lock);
}

unsigned driver_list_changes(void)
{
    spin_lock(&lock);
    unsigned count = changes;
    spin_unlock(&lock);
    return count;
}

/* ---- adding and removing ------------------------------------------------------------------ */

status_t driver_list_add(const struct driver *driver)
{
    struct entry *entry = mem_zalloc(sizeof(*entry));
    if (!entry)
        return -ENOMEM;

    /* In use by the caller, so that it is not removed before it was offered its devices. */
    entry->driver = driver;
    entry->uses = 1;
    spin_lock(&lock);
    bool used = name_is_used(driver->name);
    if (!used) {
        list_push_back(&registered, &entry->link);
        changes++;
    }
    spin_unlock(&lock);

    if (used)
        mem_free(entry);
    return used ? -EEXIST : 0;
}

/* Returns the bit of a driver of the table; 0 for others, and beyond the 64th. */
static uint64_t table_bit(const struct driver *driver)
{
    uint64_t bit = 1;
    table_each(entry, drivers, struct driver) {
        if (*entry == driver)
            return bit;
        bit <<= 1;
    }
    return 0;
}

void driver_list_set_root(const struct driver *driver)
{
    spin_lock(&lock);
    struct entry *entry = find(driver);
    if (entry)
        entry->has_root = true;
    table_roots |= table_bit(driver);
    spin_unlock(&lock);
}

bool driver_list_clear_root(const struct driver *driver)
{
    uint64_t bit = table_bit(driver);
    spin_lock(&lock);
    struct entry *entry = find(driver);
    bool had = entry ? entry->has_root : table_roots & bit;
    if (entry)
        entry->has_root = false;
    table_roots &= ~bit;
    spin_unlock(&lock);
    return had;
}

status_t driver_list_remove(const struct driver *driver, bool *has_root)
{
    status_t status = 0;

    /* What the driver published below the root can be removed by the driver only. */
    spin_lock(&lock);
    struct entry *entry = find(driver);
    if (!entry)
        status = -ENOENT;
    else if (entry->uses)
        status = -EBUSY;
    else if (entry->has_root && !driver->remove_device)
        status = -EOPNOTSUPP;
    else
        list_remove(&entry->link);
    spin_unlock(&lock);
    if (status)
        return status;

    *has_root = entry->has_root;
    mem_free(entry);
    return 0;
}
