/*
 * drive.h - a virtual drive: a device whose bytes come from an image.
 *
 * States (kernel/dev/virtual.h describes them for users):
 *
 *                      if idle, now, last close of a temporary one
 *             .------------------------------------------------------.
 *     ATTACHING -> REGISTERED -- lazy --> DETACHING -- last close --> GONE
 *         ^             | now                 | now                    ^
 *         |             '----> HALTING <------'                        |
 *         '-- register -------- HALTED -- last close ------------------'
 *
 * A change of state is one step under the drive's lock, and the thread that made it does the work
 * of that change alone. In ATTACHING and HALTING a thread is opening or closing the image.
 *
 * Waiting     A look and a removal never wait for the image's store: they return within 100 ms. All
 *             other functions wait for transfers in flight and for other changes; -EINTR if the
 *             thread is interrupted.
 * Locking     Called from threads, with no lock held.
 * Ownership   The device owns the drive. The drive and all users of its image share the image.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_DRIVE_H
#define DRIVERS_STORAGE_VIRTUAL_DRIVE_H

#include "drivers/storage/virtual/image.h"

/* Creates and publishes a drive that shows the image, with an alias "virtualN". Takes the image
 * over, even on failure. *device: a reference. */
status_t drive_create(struct image *image, struct device **device) MUST_CHECK;
bool device_is_drive(const struct device *device);

/* Puts the image into a halted drive. Takes the image over, even on failure. -EBUSY if the drive is
 * not halted, -ELOOP if the image is on the drive, -EINTR. */
status_t drive_register_again(struct device *device, struct image *image) MUST_CHECK;
/* Does the same in a drive that is not halted, as if its disc were changed. -ENODEV if it is. */
status_t drive_swap(struct device *device, struct image *image) MUST_CHECK;

/* Calls `use` with the drive's image, or with NULL if the drive is halted, while no transfer is in
 * flight and no other thread changes the drive. The image may be taken out of the drive while `use`
 * runs. may_wait: `use` may make the image's store wait. -ENOMEM, -EINTR, -ENODEV: `use` was not
 * called. */
status_t drive_with_image(struct device *device, bool may_wait,
                          status_t (*use)(struct device *device, struct image *image,
                                          void *context),
                          void *context) MUST_CHECK;

/* Gives the medium a new generation, as if the disc had been replaced by the same disc. Does
 * nothing if the image was taken out of the drive. */
void drive_announce_again(struct device *device, const struct image *image);

/* ---- drive_state.c: looks and removal ------------------------------------------------------ */

/* Removes the drive. -EBUSY if it is open and the removal is VIRTUAL_IF_IDLE, -EALREADY if another
 * thread is removing it, -ENODEV if it is gone. */
status_t drive_unregister(struct device *device, enum virtual_removal removal) MUST_CHECK;

/* The state of a drive at one moment. A look waits for nothing. */
struct drive_look {
    enum virtual_state state;
    struct image *image;       /* a reference; NULL: halted */
    struct image_facts *facts; /* of the last image: a reference */
    uint32_t generation;
};
void drive_look_begin(struct device *device, struct drive_look *look);
void drive_look_end(struct device *device, struct drive_look *look);

/* ---- info.c: what a drive reports about itself -------------------------------------------- */

/* Returns whether the drive is halted and `path` was its last image. */
bool drive_is_halted_on(struct device *device, const char *path);
/* Fills in all answers of *info. */
void drive_get_info(struct device *device, struct virtual_info *info);
/* Members of the drive's device_ops. */
status_t drive_control(struct device *device, unsigned operation, void *argument,
                       size_t bytes) MUST_CHECK;
void drive_describe(struct device *device, char *text, size_t bytes);

#endif
