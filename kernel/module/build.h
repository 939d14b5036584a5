/*
 * build.h - makes a module of a driver object's bytes: checks them, links them into memory of their
 * own and describes them. Nothing of the object runs, and nothing outside knows the module yet.
 *
 * Locking     None: a module belongs to the thread that builds it, until module.c lists it.
 * Ownership   The bytes stay the caller's, and are not needed afterwards.
 */
#ifndef KERNEL_MODULE_BUILD_H
#define KERNEL_MODULE_BUILD_H

#include "kernel/module/functions.h"
#include "kernel/module/module.h"

/* The tables that an object may have. */
enum module_table { TABLE_DRIVERS, TABLE_COMMANDS, TABLE_SELFTESTS, TABLE_KINDS };

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
    unsigned need_count;
    char needs[DRIVER_NEEDS_MAX][DRIVER_NAME_BYTES_MAX + 1]; /* names of modules */
    struct module_pages pages[LINK_KINDS];
    const uint64_t *tables[TABLE_KINDS]; /* addresses of entries, in the module's memory */
    size_t table_counts[TABLE_KINDS];
    struct functions functions;
};

/* Builds into zeroed *module; errors as module_load(), except -EEXIST. module_destroy() frees what
 * was allocated, also after an error. */
status_t module_build(struct module *module, struct bytes file, const char *origin,
                      unsigned flags, struct object_error *error) MUST_CHECK;
/* Frees the module and its memory. */
void module_destroy(struct module *module);

/* Returns the number of a table's kind, -1 for another name. */
int module_table_named(const char *name);

#endif
