/*
 * image.h - the storage stack in a program of the host, over images that the host opens.
 *
 * Interface   host_start() starts the stack. host_mount() opens an image, a file or a block device
 *             of the host, as a virtual drive, and mounts it in Spindle's tree: read-only unless it
 *             is asked to be writable.
 * Images      Everything that a virtual drive opens: plain and raw CD images, sheets (.cue, .ccd,
 *             .toc), and images inside images ("outer.iso!/inner.iso").
 * Changes     A file of the host that is changed while it is mounted is another medium: every read
 *             ends with -ESTALE from then on, or with -EIO past the end of a file that was
 *             truncated. Wrong bytes are never returned.
 * Locking     Both functions: the main thread, at the start of the program.
 */
#ifndef HOST_IMAGE_H
#define HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts everything up to the VFS. File systems and caches may use `memory_mib` MiB, or as many as
 * the environment's SPINDLE_MEMORY contains. Returns NULL, or the reason why that is invalid.
 * Panics if memory is exhausted. */
const char *host_start(unsigned memory_mib);

struct host_mount {
    const char *image;
    uint64_t offset_bytes, size_bytes; /* the part of the image to show; 0, 0: all of it */
    const char *options;               /* of the file system: "names=joliet"; NULL: none */
    bool writable;                     /* if its file system can be written; no other program may
                                          have the image open then. Needs `directory` */
    bool exact_case;                   /* names match in case only, unless `options` or the format,
                                          as FAT, decides otherwise */
    const char *directory;             /* where to mount it; created if it does not exist. NULL: in
                                          /Drives, under the drive's name */
};

/* Returns NULL, or the reason why the image cannot be mounted: a text that is valid until the next
 * call. */
const char *host_mount(const struct host_mount *mount);

#endif
