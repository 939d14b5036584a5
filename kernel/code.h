/*
 * code.h - who uses the code of loaded drivers.
 *
 * Model       An object that may call into a driver embeds a `struct code_use`: a device (for
 *             its operations), a mounted file system, a thread (its entry), an interrupt handler, a
 *             command that runs. code_use_begin() finds the driver that the address belongs to,
 *             if any, and adds the use to its list. A driver whose list is empty can be unloaded.
 * Cost        An address in the kernel itself costs one comparison.
 * Locking     One spin of rank LOG inside: any context in which a spin may be taken.
 * Ownership   The struct and its name belong to the object that embeds it. An owner's name and
 *             functions are valid until code_owner_remove().
 */
#ifndef KERNEL_CODE_H
#define KERNEL_CODE_H

#include "kernel/port.h"

/* Memory of a loaded driver. */
struct code_span {
    uintptr_t start;
    size_t bytes;
};

enum { CODE_SPANS = 3 };

struct code_function {
    uint64_t address;
    const char *name;
};

struct code_owner {
    struct list link; /* among all */
    const char *name; /* the driver's */
    const struct code_function *functions; /* for back traces, in any order */
    size_t function_count;
    struct code_span spans[CODE_SPANS];
    struct list uses;
};

struct code_use {
    struct list link;
    const char *kind; /* "device", "mount", "thread", ... */
    const char *name; /* borrowed; valid as long as the use */
};

/* A function of a driver, copied. */
struct code_symbol {
    char owner[32], function[64];
    uint64_t offset; /* of the address, from the start of the function */
};

/* Begins a use of the code or table at `address`. Zeroed memory is a use that was never recorded;
 * nor is a use of the kernel's own code recorded. */
void code_use_begin(struct code_use *use, const void *address, const char *kind,
                    const char *name);
/* Ends it. Does nothing for a use that was not recorded. */
void code_use_end(struct code_use *use);
/* Continues a use in other memory, before the first is freed. */
void code_use_move(struct code_use *to, struct code_use *from);

void code_owner_add(struct code_owner *owner);
/* Removes an owner without uses. -EBUSY: `text` describes one of its uses ("device counter0"). */
status_t code_owner_remove(struct code_owner *owner, char *text, size_t bytes) MUST_CHECK;
/* Counts the uses of an owner, and describes one of them in `text` unless that is NULL. */
unsigned code_owner_uses(struct code_owner *owner, char *text, size_t bytes);

/* Stores the name of the driver that the address belongs to. Returns false for the kernel. */
bool code_owner_name(const void *address, char *name, size_t bytes);

/* Finds the driver and its function at this address; the function is "?" if only the driver is
 * known. Returns false if it is in none, or if the drivers are being changed at this moment. For
 * back traces and the profiler: any context, never waits. */
bool code_symbol_find(uintptr_t address, struct code_symbol *symbol);

#endif
