/*
 * rig.h - the whole storage stack for a test: started, and stopped with nothing left behind.
 *
 * Bodies check by kassert() (see port/run.h). Helpers panic when what they do goes wrong.
 */
#ifndef TESTS_HOST_RIG_H
#define TESTS_HOST_RIG_H

#include "host/port/run.h"
#include "kernel/vfs/vfs.h"
#include "tests/host/faulty.h"

/* io, cache, device tree with its drivers, VFS; reclaim is set. */
void rig_start(void);
/* Stops all of it; panics when memory, vnodes or pages are left. */
void rig_stop(void);

/* The body under `seeds` seeds in the simulation, else once. Nothing may be left. */
void rig_run(void (*body)(void *argument), void *argument, unsigned seeds);

/* Random numbers: of the seed in the simulation, else of a fixed sequence. */
uint64_t rig_random(void);

/* Puts a file into the root file system; reads a whole one (at most `bytes`): bytes, or errno. */
void rig_put_file(const char *path, const void *data, size_t bytes);
ssize_t rig_get_file(const char *path, void *data, size_t bytes);
/* The status of walking there; and of opening. */
status_t rig_walk(const char *path);
status_t rig_open(const char *path, unsigned flags, struct file **file);
void rig_mkdir(const char *path);
void rig_unlink(const char *path);
/* Frees every page and unused vnode. */
void rig_evict(void);
/* The same, once what is in flight, read-ahead too, has ended: every page. No view may be open. */
void rig_evict_all(void);

/* Do both say the same? */
bool rig_info_equal(const struct node_info *a, const struct node_info *b);

/* A file of the host, in memory that the stack does not count; NULL when there is none. */
uint8_t *rig_load(const char *host_path, size_t *bytes);
/* The n-th image (NAME.iso) of the folder SPINDLE_IMAGES (build/images); false past the last. */
bool rig_image(unsigned n, char *host_path, size_t bytes);
/* Makes a small tree into images by genisoimage and xorriso, and calls add() for each; they are
 * gone when this returns. */
void rig_make_images(void (*add)(const char *host_path));

#endif
