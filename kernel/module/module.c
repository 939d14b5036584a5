/*
 * module.c - the list of loaded drivers. See module.h.
 */
#include "kernel/module/module.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/build.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/text.h"

static struct mutex lock = MUTEX_INIT(lock, RANK_MOUNT);
static struct list modules = LIST_INIT(modules);
static _Atomic(const char *) tainted_by;

/* For threads that wait until another one has loaded a module. */
static struct {
    struct spin lock;
    struct wait_queue queue;
    unsigned changes; /* of states, and of the list */
} waiting = {
    .lock = SPIN_INIT(RANK_QUEUE),
    .queue = WAIT_QUEUE_INIT(waiting.queue),
};

const char *module_tainted_by(void)
{
    return tainted_by;
}

/* Remembers the first driver that the kernel does not know. */
static void taint(const char *name)
{
    static char first[DRIVER_NAME_BYTES_MAX + 1];

    mutex_lock(&lock);
    bool is_first = !tainted_by;
    if (is_first) {
        text_copy(first, sizeof(first), name);
        tainted_by = first;
    }
    mutex_unlock(&lock);
    /* The lock is for the list only (module.h): the log is written without it. */
    if (is_first)
        log_warn("driver", "%s: not built with this kernel; the kernel is tainted", name);
}

/* Caller holds the lock. */
static struct module *find_module(const char *name)
{
    list_each(link, &modules) {
        struct module *module = container_of(link, struct module, link);
        if (text_equal(module->facts.name, name))
            return module;
    }
    return NULL;
}

/* ---- loading ------------------------------------------------------------------------------ */

static const struct driver *driver_of(const struct module *module, size_t index)
{
    return (const struct driver *)(uintptr_t)module->tables[TABLE_DRIVERS][index];
}

/* Registers its drivers, which are then offered the devices that no driver has. */
static status_t register_drivers(const struct module *module, struct object_error *error)
{
    status_t status = 0;
    for (size_t i = 0; !status && i < module->table_counts[TABLE_DRIVERS]; i++) {
        /* Registering offers the driver all devices that have none: its functions run before
         * this returns. */
        status = driver_register(driver_of(module, i));
        if (status == -EEXIST)
            IGNORE(object_refuse(error, "a driver named %.31s is registered already",
                                 driver_of(module, i)->name));
    }
    return status;
}

/* Unregisters its drivers; those that are not registered are not found. */
static status_t unregister_drivers(const struct module *module)
{
    status_t status = 0;
    for (size_t i = module->table_counts[TABLE_DRIVERS]; !status && i > 0; i--) {
        /* In the reverse order: a later driver may serve devices that an earlier one published. */
        status = driver_unregister(driver_of(module, i - 1));
        if (status == -ENOENT)
            status = 0;
    }
    return status;
}

/* Checks that the modules it needs are live. Caller holds the lock. */
static status_t check_live(const struct module *module, struct object_error *error)
{
    for (unsigned i = 0; i < module->need_count; i++) {
        /* A module that is being loaded does not count: its drivers may fail yet. */
        const struct module *needed = find_module(module->needs[i]);
        if (!needed || needed->state != STATE_LIVE) {
            IGNORE(object_refuse(error, "needs driver %s, which is not loaded", module->needs[i]));
            return -ENOENT;
        }
    }
    return 0;
}

/* Puts the module into the list, not live yet, so that no other of its name is loaded meanwhile.
 * The modules that it needs stay from now on. */
static status_t enlist(struct module *module, struct object_error *error)
{
    mutex_lock(&lock);

    /* Both checks and the insertion are under one lock: of two threads that load one name, the
     * second gets -EEXIST. */
    status_t status = check_live(module, error);
    if (find_module(module->facts.name)) {
        IGNORE(object_refuse(error, "driver %s is loaded already", module->facts.name));
        status = -EEXIST;
    }
    if (!status)
        list_push_back(&modules, &module->link);
    mutex_unlock(&lock);
    return status;
}

static void wake_waiting(void)
{
    spin_lock(&waiting.lock);
    waiting.changes++;
    wait_queue_wake_all(&waiting.queue);
    spin_unlock(&waiting.lock);
}

static void delist(struct module *module)
{
    mutex_lock(&lock);
    list_remove(&module->link);
    mutex_unlock(&lock);
    wake_waiting();
}

static void set_state(struct module *module, enum module_state state)
{
    mutex_lock(&lock);
    module->state = state;
    mutex_unlock(&lock);
    wake_waiting();
}

/* Frees a module that could not be started. What its first drivers published may be in use: then it
 * stays in the list until it is unloaded. */
static void abandon(struct module *module)
{
    char use[64] = "the list of drivers";

    /* A device that a driver published before a later one failed may be open by now. Its code
     * cannot be freed under it. */
    if (unregister_drivers(module) || code_owner_remove(&module->owner, use, sizeof(use))) {
        log_warn("driver", "%s: %s still uses it; it can be unloaded later", module->facts.name,
                 use);
        set_state(module, STATE_CLOSED);
        return;
    }
    delist(module);
    module_destroy(module);
}

/* Lists the module, and lets its drivers work. Takes it over: frees it on failure. */
static status_t start_module(struct module *module, struct object_error *error)
{
    status_t status = enlist(module, error);
    if (status) {
        module_destroy(module);
        return status;
    }

    /* Before the first function of a driver that the kernel does not know is called. */
    if (!module->facts.known)
        taint(module->facts.name);

    /* Uses of its code are found from here on. A driver's function that runs before would not be
     * counted, and its code could be freed while it runs. */
    module->owner.name = module->facts.name;
    module->owner.functions = module->functions.list;
    module->owner.function_count = module->functions.count;
    code_owner_add(&module->owner);
    status = register_drivers(module, error);
    if (status)
        abandon(module);
    return status;
}

status_t module_load(struct bytes file, const char *origin, unsigned flags, const char **name,
                     struct object_error *error)
{
    struct module *module = mem_zalloc(sizeof(*module));
    if (!module)
        return -ENOMEM;
    list_init(&module->link);
    list_init(&module->owner.uses); /* module_describe() counts them from enlist() on */

    /* An empty reason means that the status alone explains the failure (-ENOMEM). */
    error->why[0] = '\0';
    status_t status = module_build(module, file, origin, flags, error);
    if (status) {
        module_destroy(module);
        return status;
    }

    /* After a failure the module is freed or belongs to the list: it is not touched any more. */
    status = start_module(module, error);
    if (status)
        return status;

    /* Once it is live, another thread may unload it: nothing of it is used after that. */
    log_info("driver", "%s %s: loaded from %s", module->facts.name, module->facts.version, origin);
    *name = module->facts.name;
    set_state(module, STATE_LIVE);
    return 0;
}

/* ---- unloading ------------------------------------------------------------------------------- */

/* Returns the name of a module that needs this one, or NULL. Caller holds the lock. */
static const char *find_needing(const struct module *module)
{
    list_each(link, &modules) {
        const struct module *other = container_of(link, struct module, link);
        for (unsigned i = 0; i < other->need_count; i++)
            if (text_equal(other->needs[i], module->facts.name))
                return other->facts.name;
    }
    return NULL;
}

/* Takes the module out of use: it is not found any more. It is this thread's until set_state(). */
static status_t close_module(const char *name, bool remove_devices, struct module **found,
                             struct object_error *error)
{
    status_t status = 0;
    char use[64];

    mutex_lock(&lock);
    struct module *module = find_module(name);

    /* enlist() checks needs under the same lock: a module that needs this one cannot appear
     * between these checks and the change of state. */
    const char *needing = module ? find_needing(module) : NULL;
    if (!module) {
        status = -ENOENT;
    } else if (module->state == STATE_LOADING || module->state == STATE_UNLOADING) {
        IGNORE(object_refuse(error, "it is being %s",
                             module->state == STATE_LOADING ? "loaded" : "unloaded"));
        status = -EBUSY;
    } else if (needing) {
        IGNORE(object_refuse(error, "driver %s needs it", needing));
        status = -EBUSY;
    } else if (module->state == STATE_LIVE && !remove_devices &&
               code_owner_uses(&module->owner, use, sizeof(use))) {
        IGNORE(object_refuse(error, "%s uses it", use));
        status = -EBUSY;
    } else {
        module->state = STATE_UNLOADING;
    }
    mutex_unlock(&lock);
    *found = module;
    return status;
}

status_t module_unload(const char *name, bool remove_devices, struct object_error *error)
{
    struct module *module;
    char use[64];

    error->why[0] = '\0';
    status_t status = close_module(name, remove_devices, &module, error);
    if (status)
        return status;

    /* Without the lock, since giving devices back calls the drivers' own functions. */
    status = unregister_drivers(module);
    if (status) {
        IGNORE(object_refuse(error, status == -EBUSY ? "one of its functions is running"
                                                     : "it cannot give its devices back"));
        set_state(module, STATE_CLOSED);
        return status;
    }

    /* A file or a mount may still use the code though its drivers are gone. The module stays
     * CLOSED until a later call finds no use. */
    if (code_owner_remove(&module->owner, use, sizeof(use))) {
        IGNORE(object_refuse(error, "%s still uses it; its drivers are unregistered", use));
        set_state(module, STATE_CLOSED);
        return -EBUSY;
    }

    /* The name is the module's own: it is logged before its memory is freed. */
    delist(module);
    log_info("driver", "%s: unloaded", module->facts.name);
    module_destroy(module);
    return 0;
}

/* ---- looking at modules ---------------------------------------------------------------------- */

status_t module_describe(unsigned index, struct module_facts *facts)
{
    status_t status = -ENOENT;

    mutex_lock(&lock);
    list_each(link, &modules) {
        struct module *module = container_of(link, struct module, link);

        /* By number and as a copy, so that the caller can print each one without the lock. */
        if (index--)
            continue;
        *facts = module->facts;
        facts->closed = module->state == STATE_CLOSED;
        facts->uses = code_owner_uses(&module->owner, facts->user, sizeof(facts->user));
        status = 0;
        break;
    }
    mutex_unlock(&lock);
    return status;
}

/* Returns -EAGAIN while a thread loads the module; else as module_find(). */
static status_t look_up(const char *name)
{
    status_t status = -ENOENT;

    mutex_lock(&lock);
    const struct module *module = find_module(name);
    if (module && module->state == STATE_LOADING)
        status = -EAGAIN;
    else if (module)
        status = module->state == STATE_LIVE ? 0 : -EBUSY;
    mutex_unlock(&lock);
    return status;
}

status_t module_find(const char *name)
{
    status_t status = 0, found = -EAGAIN;

    while (!status && found == -EAGAIN) {
        /* A change after look_up() is not missed: the count was read before. */
        spin_lock(&waiting.lock);
        unsigned before = waiting.changes;
        spin_unlock(&waiting.lock);

        found = look_up(name);

        spin_lock(&waiting.lock);
        while (!status && found == -EAGAIN && waiting.changes == before)
            status = wait_queue_wait_interruptible(&waiting.queue, &waiting.lock, TIME_NEVER);
        spin_unlock(&waiting.lock);
    }
    return status ? status : found;
}

static const void *find_in_module(const struct module *module, int table,
                                  bool (*visit)(const void *entry, void *context), void *context)
{
    for (size_t i = 0; i < module->table_counts[table]; i++) {
        /* link_table() has checked that the pointer is inside the module. */
        const void *entry = (const void *)(uintptr_t)module->tables[table][i];
        if (visit(entry, context))
            return entry;
    }
    return NULL;
}

const void *module_entry_find(const char *table, bool (*visit)(const void *entry, void *context),
                              void *context, struct code_use *use, const char *kind,
                              const char *name)
{
    const void *entry = NULL;
    int number = module_table_named(table);
    if (number < 0)
        return NULL;

    mutex_lock(&lock);
    list_each(link, &modules) {
        const struct module *module = container_of(link, struct module, link);
        entry = module->state == STATE_LIVE ? find_in_module(module, number, visit, context) : NULL;
        if (entry)
            break;
    }

    /* The use begins before the lock is released. Otherwise the module could be unloaded between
     * the search and the caller's first call into it. */
    if (entry && use)
        code_use_begin(use, entry, kind, name);
    mutex_unlock(&lock);
    return entry;
}
