/*
 * module.h - loaded drivers: loading, looking up what they register, unloading.
 *
 * Model       A driver object is read into memory, checked, linked (link.h) and registered: its
 *             drivers with the device manager, its shell commands and self tests in tables that
 *             module_entry_find() searches. The object's bytes are not needed after that.
 * States      LOADING (its drivers are being asked about devices) -> LIVE -> UNLOADING -> freed.
 *             Only a LIVE module is found. Only one thread at a time loads or unloads a module: for
 *             others it is busy. A module that stays after UNLOADING, or after loading
 *             failed, because it is in use is CLOSED until the next try to unload it.
 * Trust       The kernel knows the digests of the drivers that were built with it. Another one is
 *             refused, unless MODULE_ANY is given; the kernel is then tainted until it restarts.
 * Unloading   never waits and never frees code that is in use: -EBUSY names a use (kernel/code.h):
 *             a device, a mounted file system, a thread, an interrupt handler, a running command;
 *             or a module that needs it. Unloading with `remove_devices` first takes the devices
 *             back as if they were unplugged. If a use is left then, for example a file that is
 *             still open, the module stays without its drivers, and can be unloaded later.
 * Interface   - To load, call module_load() with the object's bytes.
 *             - To run a command of a module, find its entry with module_entry_find(), which begins
 *               a use; end it with code_use_end() afterwards.
 * Locking     One mutex of rank MOUNT, held for the list only. Threads; no lock is held by callers.
 * References  kernel/module/{object,link,info,export}.h.
 */
#ifndef KERNEL_MODULE_MODULE_H
#define KERNEL_MODULE_MODULE_H

#include "kernel/code.h"
#include "kernel/module/info.h"

enum { MODULE_ORIGIN_BYTES = 128, MODULE_DIGEST_BYTES = 65, MODULE_DRIVES_BYTES = 256 };

enum module_flags {
    MODULE_ANY = 1 << 0, /* accept a digest that the kernel does not know */
};

/* Loads a driver object; `origin` is its path, for people. On success *name (of the module) is
 * valid until it is unloaded. Errors, each with a reason in *error:
 *   -ENOEXEC     not a valid driver object, or compiled for another kernel
 *   -EPERM       its digest is not known
 *   -EEXIST      a driver of this name is loaded or built in
 *   -ENOENT      it needs another driver, which is not loaded
 *   -EOPNOTSUPP  this machine cannot execute drivers
 *   -ENOMEM */
status_t module_load(struct bytes file, const char *origin, unsigned flags, const char **name,
                     struct object_error *error) MUST_CHECK;

/* Unloads the module of this name. With `remove_devices`, its devices are removed first, as if they
 * were unplugged. -ENOENT; -EBUSY with the user in *error. */
status_t module_unload(const char *name, bool remove_devices,
                       struct object_error *error) MUST_CHECK;

/* Returns 0 if the module of this name is loaded. Waits while another thread loads it, so that two
 * threads that need a module at once both find it. -ENOENT; -EBUSY if it is being unloaded;
 * -EINTR. */
status_t module_find(const char *name) MUST_CHECK;

/* A loaded module, copied. */
struct module_facts {
    char name[DRIVER_NAME_BYTES_MAX + 1];
    char version[32], licence[32], description[96];
    char origin[MODULE_ORIGIN_BYTES];
    char digest[MODULE_DIGEST_BYTES];
    char drives[MODULE_DRIVES_BYTES]; /* separated by "; ", cut if they are longer */
    size_t bytes;    /* of memory */
    unsigned uses;   /* now */
    char user[64];   /* one of them: "device counter" */
    bool known;      /* its digest is */
    bool closed;     /* its drivers are unregistered, but a use is left */
};

/* Describes the module number `index`, in the order of loading. -ENOENT past the last one. */
status_t module_describe(unsigned index, struct module_facts *facts) MUST_CHECK;

/* Visits the entries of a table (lib/table.h) of all live modules, until `visit` returns true, and
 * returns that entry, or NULL. `visit` is called with the mutex held. Unless `use` is NULL, it
 * begins then, so that the module stays: `kind` and `name` describe it (kernel/code.h). */
const void *module_entry_find(const char *table, bool (*visit)(const void *entry, void *context),
                              void *context, struct code_use *use, const char *kind,
                              const char *name);

/* Returns the name of the first driver with an unknown digest that was loaded, NULL if there was
 * none: for bug reports. Any context. */
const char *module_tainted_by(void);

#endif
