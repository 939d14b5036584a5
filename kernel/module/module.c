/*
 * module.c - the list of loaded drivers. See module.h.
 */
#include "kernel/module/module.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/export.h"
#include "kernel/module/functions.h"
#include "kernel/module/known.h"
#include "kernel/module/link.h"
#include "kernel/sched/sync.h"
#include "lib/digest/digest.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* The tables that an object may have. The shell's own types are not known here: a command is only
 * checked to begin inside the object. */
enum module_table { TABLE_DRIVERS, TABLE_COMMANDS, TABLE_SELFTESTS, TABLE_KINDS };

static const struct {
    const char *name;
    size_t entry_bytes;
} table_kinds[TABLE_KINDS] = {
    [TABLE_DRIVERS] = { "drivers", sizeof(struct driver) },
    [TABLE_COMMANDS] = { "shell_commands", sizeof(void *) },
    [TABLE_SELFTESTS] = { "selftests", 2 * sizeof(void *) },
};

struct module_pages {
    void *memory;
    size_t count;
};

/* While a thread loads or unloads a module, no other one may unload it. */
enum module_state {
    STATE_LOADING,
    STATE_LIVE,
    STATE_UNLOADING,
    STATE_CLOSED, /* it could not be unloaded: it is not found, and may be unloaded again */
};

struct module {
    struct list link;
    struct code_owner owner;
    enum module_state state;
    struct module_facts facts;
    char **needs; /* names of modules; NULL ends the list */
    struct module_pages pages[LINK_KINDS];
    const uint64_t *tables[TABLE_KINDS]; /* addresses of entries, in the module's memory */
    size_t table_counts[TABLE_KINDS];
    struct functions functions;
};

static struct mutex lock = MUTEX_INIT(lock, RANK_MOUNT);
static struct list modules = LIST_INIT(modules);
static _Atomic bool tainted;

/* For threads that wait until another one has loaded a module. */
static struct {
    struct spin lock;
    struct wait_queue queue;
    unsigned changes; /* of states, and of the list */
} waiting = {
    .lock = SPIN_INIT(RANK_QUEUE),
    .queue = WAIT_QUEUE_INIT(waiting.queue),
};

bool module_is_tainted(void)
{
    return tainted;
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

/* ---- memory -------------------------------------------------------------------------------- */

static void module_free(struct module *module)
{
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        code_free(module->pages[kind].memory, module->pages[kind].count);
    for (char **need = module->needs; need && *need; need++)
        mem_free(*need);
    mem_free(module->needs);
    functions_free(&module->functions);
    mem_free(module);
}

static status_t allocate_pages(struct module *module, const struct link *link)
{
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++) {
        struct module_pages *pages = &module->pages[kind];
        size_t count = (link->bytes[kind] + PAGE_BYTES - 1) / PAGE_BYTES;
        if (!count)
            continue;
        pages->memory = code_alloc(count);
        if (!pages->memory)
            return -ENOMEM;
        pages->count = count;
        module->owner.spans[kind] = (struct code_span){ (uintptr_t)pages->memory,
                                                        count * PAGE_BYTES };
        module->facts.bytes += count * PAGE_BYTES;
    }
    return 0;
}

static void protect_pages(struct module *module)
{
    static const enum code_rights rights[LINK_KINDS] = {
        [LINK_TEXT] = CODE_EXECUTABLE,
        [LINK_CONSTANTS] = CODE_CONSTANT,
        [LINK_DATA] = CODE_WRITABLE,
    };
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        if (module->pages[kind].count)
            code_protect(module->pages[kind].memory, module->pages[kind].count, rights[kind]);
}

/* ---- checks before linking ------------------------------------------------------------------- */

static void make_digest(struct bytes file, char text[MODULE_DIGEST_BYTES])
{
    struct digest digest;
    char hex[DIGEST_HEX_BYTES];

    digest_init(&digest, digest_kind_find("sha256"));
    digest_update(&digest, file.data, file.length);
    digest_hex(&digest, hex);
    text_copy(text, MODULE_DIGEST_BYTES, hex);
}

static bool is_known(const char *digest)
{
    for (const char *const *known = driver_digests; *known; known++)
        if (text_equal(*known, digest))
            return true;
    return false;
}

static status_t check_abi(const struct driver_info *info, struct object_error *error)
{
    if (!memcmp(info->abi.data, driver_abi, DRIVER_ABI_BYTES))
        return 0;
    return object_refuse(error, "compiled for another kernel (interface %.16s, here %.16s)",
                         (const char *)info->abi.data, driver_abi);
}

/* Checks that the modules it needs are live. Caller holds the lock. */
static status_t check_live(const struct module *module, struct object_error *error)
{
    for (char **need = module->needs; *need; need++) {
        const struct module *needed = find_module(*need);
        if (!needed || needed->state != STATE_LIVE) {
            IGNORE(object_refuse(error, "needs driver %.31s, which is not loaded", *need));
            return -ENOENT;
        }
    }
    return 0;
}

static status_t check_needs(struct module *module, const struct driver_info *info,
                            struct object_error *error)
{
    size_t count = 0;
    for (const char *need = NULL; (need = driver_info_next(info, "needs", need));)
        count++;
    module->needs = mem_zalloc((count + 1) * sizeof(*module->needs));
    if (!module->needs)
        return -ENOMEM;

    char **to = module->needs;
    for (const char *need = NULL; (need = driver_info_next(info, "needs", need)); to++) {
        size_t bytes = strlen(need) + 1;
        *to = mem_alloc(bytes);
        if (!*to)
            return -ENOMEM;
        text_copy(*to, bytes, need);
    }

    mutex_lock(&lock);
    status_t status = check_live(module, error);
    mutex_unlock(&lock);
    return status;
}

static void describe(struct module *module, struct bytes file, const char *origin,
                     const struct driver_info *info)
{
    struct module_facts *facts = &module->facts;

    text_copy(facts->name, sizeof(facts->name), info->name);
    text_copy(facts->version, sizeof(facts->version), info->version);
    text_copy(facts->licence, sizeof(facts->licence), info->licence);
    text_copy(facts->description, sizeof(facts->description), info->description);
    text_copy(facts->origin, sizeof(facts->origin), origin);
    make_digest(file, facts->digest);
    facts->known = is_known(facts->digest);
}

static status_t check_trust(const struct module *module, unsigned flags,
                            struct object_error *error)
{
    if (module->facts.known || (flags & MODULE_ANY))
        return 0;
    IGNORE(object_refuse(error, "not built with this kernel (digest %.16s...)",
                         module->facts.digest));
    return -EPERM;
}

/* ---- loading --------------------------------------------------------------------------------- */

static uint64_t resolve(void *context, const char *name)
{
    (void)context;
    return (uint64_t)(uintptr_t)export_find(name);
}

static status_t read_tables(struct module *module, const struct link *link,
                            struct object_error *error)
{
    status_t status = 0;
    for (enum module_table i = 0; !status && i < TABLE_KINDS; i++)
        status = link_table(link, table_kinds[i].name, table_kinds[i].entry_bytes,
                            &module->tables[i], &module->table_counts[i], error);
    return status;
}

static status_t link_module(struct module *module, struct link *link, struct object_error *error)
{
    struct link_run runs[LINK_KINDS];

    status_t status = allocate_pages(module, link);
    if (status)
        return status;
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        runs[kind] = (struct link_run){ module->pages[kind].memory,
                                        (uintptr_t)module->pages[kind].memory };
    status = link_apply(link, runs, resolve, NULL, error);
    if (!status)
        status = read_tables(module, link, error);
    if (!status)
        status = functions_copy(&module->functions, link);
    if (!status)
        protect_pages(module);
    return status;
}

/* Makes a module of the object's bytes; nothing outside knows it yet. */
static status_t build_module(struct bytes file, const char *origin, unsigned flags,
                             struct module *module, struct object_error *error)
{
    struct object object;
    struct driver_info info;
    struct link link = { 0 };

    status_t status = object_open(file, &object, error);
    if (!status)
        status = driver_info_read(&object, &info, error);
    if (status)
        return status;

    describe(module, file, origin, &info);
    status = check_trust(module, flags, error);
    if (!status)
        status = check_abi(&info, error);
    if (!status)
        status = check_needs(module, &info, error);
    if (!status)
        status = link_plan(&link, &object, error);
    if (!status)
        status = link_module(module, &link, error);
    link_free(&link);
    return status;
}

static const struct driver *driver_of(const struct module *module, size_t index)
{
    return (const struct driver *)(uintptr_t)module->tables[TABLE_DRIVERS][index];
}

/* Registers its drivers, which are then offered the devices that no driver has. All or none. */
static status_t register_drivers(struct module *module, bool *stuck, struct object_error *error)
{
    size_t done = 0;
    status_t status = 0;

    *stuck = false;
    for (; !status && done < module->table_counts[TABLE_DRIVERS]; done++) {
        status = driver_register(driver_of(module, done));
        if (status == -EEXIST)
            IGNORE(object_refuse(error, "a driver named %.31s is registered already",
                                 driver_of(module, done)->name));
        if (status)
            break;
    }

    /* One that cannot be unregistered stays in the list of drivers, and its memory with it. */
    while (status && done > 0)
        if (driver_unregister(driver_of(module, --done)))
            *stuck = true;
    return status;
}

/* Puts the module into the list, not live yet, so that no other of its name is loaded meanwhile.
 * A module that it needs may have been unloaded since check_needs(); from now on it stays. */
static status_t enlist(struct module *module, struct object_error *error)
{
    mutex_lock(&lock);
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

static status_t start_module(struct module *module, struct object_error *error)
{
    bool stuck;
    status_t status = enlist(module, error);
    if (status)
        return status;

    /* Before the first function of a driver that the kernel does not know is called. */
    if (!module->facts.known && !atomic_exchange(&tainted, true))
        log_warn("driver", "%s: not built with this kernel; the kernel is tainted",
                 module->facts.name);

    code_owner_add(&module->owner);
    status = register_drivers(module, &stuck, error);
    if (status) {
        char use[64] = "the list of drivers";
        delist(module);
        if (stuck || code_owner_remove(&module->owner, use, sizeof(use))) {
            /* What its first drivers published is still open, or one of them cannot be taken out
             * of the list of drivers: their code stays, without a name. */
            log_warn("driver", "%s: %s still uses it; its memory is not freed", module->facts.name,
                     use);
            return -EALREADY;
        }
        return status;
    }
    return 0;
}

status_t module_load(struct bytes file, const char *origin, unsigned flags, const char **name,
                     struct object_error *error)
{
    struct module *module = mem_zalloc(sizeof(*module));
    if (!module)
        return -ENOMEM;
    list_init(&module->link);
    list_init(&module->owner.uses); /* module_describe() counts them from enlist() on */

    error->why[0] = '\0';
    status_t status = build_module(file, origin, flags, module, error);
    if (!status)
        status = start_module(module, error);
    if (status) {
        if (status != -EALREADY)
            module_free(module);
        return status;
    }

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
        for (char **need = other->needs; *need; need++)
            if (text_equal(*need, module->facts.name))
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

/* Unregisters its drivers; those that were unregistered before are not found. */
static status_t unregister_drivers(struct module *module)
{
    status_t status = 0;
    for (size_t i = module->table_counts[TABLE_DRIVERS]; !status && i > 0; i--) {
        status = driver_unregister(driver_of(module, i - 1));
        if (status == -ENOENT)
            status = 0;
    }
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

    status = unregister_drivers(module);
    if (status) {
        IGNORE(object_refuse(error, status == -EBUSY ? "one of its functions is running"
                                                     : "it cannot give its devices back"));
        set_state(module, STATE_CLOSED);
        return status;
    }
    if (code_owner_remove(&module->owner, use, sizeof(use))) {
        IGNORE(object_refuse(error, "%s still uses it; its drivers are unregistered", use));
        set_state(module, STATE_CLOSED);
        return -EBUSY;
    }
    delist(module);
    log_info("driver", "%s: unloaded", module->facts.name);
    module_free(module);
    return 0;
}

/* ---- looking at modules ---------------------------------------------------------------------- */

status_t module_describe(unsigned index, struct module_facts *facts)
{
    status_t status = -ENOENT;

    mutex_lock(&lock);
    list_each(link, &modules) {
        const struct module *module = container_of(link, struct module, link);
        if (index--)
            continue;
        *facts = module->facts;
        facts->uses = code_owner_uses(&container_of(link, struct module, link)->owner, NULL, 0);
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

static int table_named(const char *name)
{
    for (int i = 0; i < TABLE_KINDS; i++)
        if (text_equal(table_kinds[i].name, name))
            return i;
    return -1;
}

static const void *find_in_module(const struct module *module, int table,
                                  bool (*visit)(const void *entry, void *context), void *context)
{
    for (size_t i = 0; i < module->table_counts[table]; i++) {
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
    int number = table_named(table);
    if (number < 0)
        return NULL;

    mutex_lock(&lock);
    list_each(link, &modules) {
        const struct module *module = container_of(link, struct module, link);
        entry = module->state == STATE_LIVE ? find_in_module(module, number, visit, context) : NULL;
        if (entry)
            break;
    }
    if (entry && use)
        code_use_begin(use, entry, kind, name);
    mutex_unlock(&lock);
    return entry;
}
