/*
 * index.h - finds and loads the driver object that drives a device, a medium or a command.
 *
 * Model       The index of the boot disc (catalog.h) lists its objects. Each function loads the
 *             first object that fits and is not loaded yet, after those that it needs. It returns 0
 *             if the caller should look again: an object was loaded, or one that fits is loaded,
 *             perhaps by another thread after the caller looked.
 * Trust       The digest of the file must be known to the kernel, unless index_allow_any() was
 *             called (the command line's `drivers=any`).
 * Errors      -ENOENT if no driver fits or there is no index; else as module_load(), and the log
 *             has the reason.
 * Locking     Threads; no lock is held. Reads the disc: not in the path of a disc's own driver. A
 *             thread that needs an object which another one loads waits for the end of that.
 */
#ifndef KERNEL_MODULE_INDEX_H
#define KERNEL_MODULE_INDEX_H

#include "kernel/dev/device.h"
#include "kernel/module/object.h"
#include "kernel/vfs/vfs.h"

void index_allow_any(void);

/* As module_load(), with the trust above: for objects that the boot loader loaded. */
status_t index_load_bytes(struct bytes file, const char *origin, const char **name,
                          struct object_error *error) MUST_CHECK;

/* Returns whether the object is to be loaded now: false if it only drives devices on a bus, and no
 * device that it fits lacks a driver. True for one that is invalid, so that loading reports it. */
bool index_wants_bytes(struct bytes file);

/* Loads a driver for a device that no driver has accepted, by its bus. */
status_t index_load_for_device(struct device *device) MUST_CHECK;
/* Loads a driver for the medium of the device with this name or alias, by its signature. */
status_t index_load_for_medium(const char *device) MUST_CHECK;
/* Loads the driver of this name. */
status_t index_load_named(const char *name) MUST_CHECK;
/* Loads what the driver of this name needs, but not the driver itself. */
status_t index_load_needs(const char *name) MUST_CHECK;
/* Loads the driver that has this shell command. */
status_t index_load_for_command(const char *command) MUST_CHECK;

enum { INDEX_COMMAND_BYTES = 32, INDEX_SUMMARY_BYTES = 96 };

/* A shell command of an object in the index; texts are cut to their room. */
struct index_command {
    char name[INDEX_COMMAND_BYTES], group[INDEX_COMMAND_BYTES], summary[INDEX_SUMMARY_BYTES];
};

/* Visits the commands of all objects in the index, loaded or not, without loading them. Visits
 * none if there is no index. */
void index_command_each(void (*visit)(const struct index_command *command, void *context),
                        void *context);
/* Returns whether an object that was built with this kernel has the command, whatever the index
 * of the boot disc contains. */
bool index_command_is_known(const char *command);

/* As vfs_mount(), but loads the file system's driver first if no driver knows the medium, or the
 * type. */
status_t index_mount(struct path *start, const char *text, const char *device, const char *type,
                     const char *options) MUST_CHECK;

#endif
