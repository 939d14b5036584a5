/*
 * rig.h - what most host tests need: the whole storage stack, started, and stopped with nothing
 * left; calls of the VFS on absolute paths; files and images of the host.
 *
 * Bodies check with kassert() (see host/port/run.h). Functions without a result panic on an error;
 * those that return a status leave its check to the test, for which there is expect().
 */
#ifndef TESTS_HOST_RIG_H
#define TESTS_HOST_RIG_H

#include "host/port/run.h"
#include "kernel/vfs/vfs.h"
#include "tests/host/faulty.h"

/* Starts io, the cache, the device tree with its drivers, and the VFS; sets the reclaimer. */
void rig_start(void);
/* Stops all of it. Panics if memory, vnodes or cached pages are left. */
void rig_stop(void);

/* Runs the body, under `seeds` seeds in the simulation. Panics if a thread or memory is left. */
void rig_run(void (*body)(void *argument), void *argument, unsigned seeds);

/* Runs the body, whose argument is NULL, in several threads at once, and waits for their ends. */
void rig_run_threads(unsigned count, void (*body)(void *argument));

/* Returns a random number: from the seed in the simulation, else from a fixed sequence. */
uint64_t rig_random(void);

/* Panics with `what` and both statuses if they differ. */
void expect(const char *what, status_t status, status_t expected);

/* ---- files -------------------------------------------------------------------------------- */

/* Creates or replaces a file. */
void rig_put_file(const char *path, const void *data, size_t bytes);
/* Reads a file, at most `bytes` of it. Returns the number of bytes, or an errno. */
ssize_t rig_get_file(const char *path, void *data, size_t bytes);
status_t rig_walk(const char *path);
status_t rig_open(const char *path, unsigned flags, struct file **file);
void rig_mkdir(const char *path);
void rig_unlink(const char *path);
status_t rig_try_mkdir(const char *path);
status_t rig_try_unlink(const char *path);

/* ---- mounts ------------------------------------------------------------------------------- */

/* Mounts a device with whatever FSD recognizes it. */
status_t rig_mount(const char *path, const char *device);
/* Mounts a file system that needs no device, by its type. */
status_t rig_mount_type(const char *path, const char *type);
status_t rig_unmount(const char *path);

/* The mount_fs() of a test's FSD without a device: allocates an fsd with these operations.
 * -EMEDIUMTYPE if there is a device. Its dismount() is rig_fsd_free(). */
status_t rig_fsd_create(const struct device_handle *handle, const char *name,
                        const struct fsd_ops *ops, struct fsd **fsd);
void rig_fsd_free(struct fsd *fsd);

/* Frees every page and every unused vnode that is not in use at this moment. */
void rig_evict(void);
/* Frees every page, once fills in flight have ended. No view may be open. */
void rig_evict_all(void);

/* Returns true if all members are equal. */
bool rig_info_equal(const struct node_info *a, const struct node_info *b);

/* ---- files of the host -------------------------------------------------------------------- */

/* Reads a file of the host into memory that the stack does not count: free() it. NULL if it does
 * not exist. */
uint8_t *rig_load(const char *host_path, size_t *bytes);
/* Finds the n-th image (NAME.iso) in the folder SPINDLE_IMAGES (build/images); false past the
 * last. */
bool rig_image(unsigned n, char *host_path, size_t bytes);
/* Loads the image whose name contains `name`, as rig_load() does. */
uint8_t *rig_load_image(const char *name, size_t *bytes);
/* Makes images of a small tree with genisoimage and xorriso, and calls add() for each. They are
 * removed before this returns. */
void rig_make_images(void (*add)(const char *host_path));

#endif
