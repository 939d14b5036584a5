/*
 * drive.h - a device whose bytes come from an image.
 *
 * States (kernel/dev/virtual.h: what they mean for users):
 *
 *                      if idle, now, last close of a temporary one
 *             .------------------------------------------------------.
 *     ATTACHING -> REGISTERED -- lazy --> DETACHING -- last close --> GONE
 *         ^             | now                 | now                    ^
 *         |             '----> HALTING <------'                        |
 *         '-- register -------- HALTED -- last close ------------------'
 *
 * A change of state is one step under the drive's lock; who made it does what belongs to it alone.
 * ATTACHING and HALTING belong to the thread that opens or closes the image meanwhile.
 *
 * Waiting     A look and a removal never wait for the image's store: they answer within 100 ms. All
 *             else waits for transfers in flight and for other changes until ^C: -EINTR.
 * Locking     From threads, with no lock held.
 * Ownership   The device owns the drive. The drive and all that use its image share it.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DRIVE_H
#define DRIVERS_STORAGE_VIRTUAL_DRIVE_H

#include "drivers/storage/virtual/image.h"

/* A drive that shows the image: published, with an alias "virtualN". Takes the image over, also
 * when it fails. *device is a reference. */
status_t drive_create(struct image *image, struct device **device) MUST_CHECK;
bool device_is_drive(const struct device *device);

/* -EBUSY (if idle), -EALREADY when another thread removes it already. */
status_t drive_unregister(struct device *device, enum virtual_removal removal) MUST_CHECK;
/* Shows the image in a halted drive; -EBUSY when it is not halted, -ELOOP when the image is on
 * the drive. Takes the image over, also when it fails. */
status_t drive_register_again(struct device *device, struct image *image) MUST_CHECK;
/* The same in one that is not halted, as if the disc had been changed. */
status_t drive_swap(struct device *device, struct image *image) MUST_CHECK;

/* Calls `use` with the drive's image while no transfer is under way, or with NULL when the drive
 * has none now; later callers wait meanwhile. The image may be taken out of the drive while `use`
 * runs. may_wait: the image's store may wait afterwards, also where it did not before. -ENOMEM (no
 * thread for that), -EINTR, -ENODEV: `use` was not called. */
status_t drive_with_image(struct device *device, bool may_wait,
                          status_t (*use)(struct device *device, struct image *image,
                                          void *context),
                          void *context) MUST_CHECK;

/* The medium was changed for the same one: announces it again, if the drive still has the image. */
void drive_announce_again(struct device *device, const struct image *image);

/* What a drive was at one moment. Nothing waits for a look, nor does a look wait. */
struct drive_look {
    enum virtual_state state;
    struct image *image;       /* a reference; NULL: halted */
    struct image_facts *facts; /* of the last image: a reference */
    uint32_t generation;
};
void drive_look_begin(struct device *device, struct drive_look *look);
void drive_look_end(struct device *device, struct drive_look *look);

/* ---- info.c: what a drive reports of itself ----------------------------------------------- */

/* Is it halted, and was `path` its last image? */
bool drive_is_halted_on(struct device *device, const char *path);
/* All that virtual.h asks for. */
void drive_get_info(struct device *device, struct virtual_info *info);
/* device_ops of a drive. */
status_t drive_control(struct device *device, unsigned operation, void *argument,
                       size_t bytes) MUST_CHECK;
void drive_describe(struct device *device, char *text, size_t bytes);

#endif
