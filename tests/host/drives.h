/*
 * drives.h - virtual drives for tests: a function for each operation of the control device
 * (kernel/dev/virtual.h), and transfers whose memory is cut into random segments.
 *
 * Functions without a result panic on an error.
 */
#ifndef TESTS_HOST_DRIVES_H
#define TESTS_HOST_DRIVES_H

#include "kernel/dev/virtual.h"
#include "tests/host/rig.h"

/* struct virtual_register without its long arrays. Members have the same meaning. */
struct wanted {
    enum virtual_store store;
    const char *image, *into;
    uint32_t flags, block_bytes;
    uint64_t offset_bytes, size_bytes;
    struct device_geometry geometry;
    void *memory;
    struct virtual_progress *progress;
};

/* Initializes the first two members: ON(OVERLAY, "/img"). */
#define ON(kind, path) .store = VIRTUAL_##kind, .image = (path)

/* Passes an operation to the control device. */
status_t drives_control(unsigned operation, void *argument, size_t bytes);
/* Registers a drive. alias[DEVICE_NAME_BYTES] gets its name; it is unchanged on failure. */
status_t drives_add(const struct wanted *drive, char *alias);
status_t drives_remove(const char *alias, enum virtual_removal removal);
status_t drives_info(const char *alias, struct virtual_info *info);
/* Returns 0 if VIRTUAL_LIST returns the drive, else -ENOENT. */
status_t drives_listed(const char *alias);
status_t drives_save(const char *alias, const char *path, struct virtual_progress *progress);
status_t drives_diff(const char *alias, uint64_t *offset_bytes, uint64_t *length_bytes);
status_t drives_commit(const char *alias, struct virtual_progress *progress);
status_t drives_discard(const char *alias);
status_t drives_fault(const char *alias, enum virtual_fault_kind kind, uint64_t first,
                      uint64_t count);
status_t drives_swap(const char *alias, const char *image);
status_t drives_open(const char *alias, struct device_handle *handle);
/* Returns "/System/Devices/Classes/<alias>", in a buffer that the fourth call after this one uses
 * again. */
const char *drives_path(const char *alias);

/* Sends a request and waits for it. The memory, one piece, is cut into random segments. */
status_t drives_transfer(const struct device_handle *handle, enum io_op op, uint64_t offset_bytes,
                         void *memory, uint32_t length_bytes, uint64_t *done_bytes);

/* A thread that reads the first bytes of a device. */
struct drives_reader {
    const struct device_handle *handle;
    void *memory;
    uint32_t bytes;
    _Atomic bool ended;
    status_t status;
    struct thread *thread;
};
void drives_read_start(struct drives_reader *reader);
/* Waits for the thread, and returns the status of its read. */
status_t drives_read_end(struct drives_reader *reader);

/* Takes all events, as the monitor does, and so releases their references to devices. */
void drives_take_events(void);
/* Fills memory with bytes that differ from place to place and from seed to seed. */
void drives_pattern(uint8_t *data, size_t bytes, unsigned seed);

/* Starts the stack with two files that are images of the same size and different content: /img and
 * /other. drives_image and drives_other have their bytes. */
enum { DRIVES_IMAGE_BYTES = 5 * 4096 };
extern uint8_t drives_image[DRIVES_IMAGE_BYTES], drives_other[DRIVES_IMAGE_BYTES];
void drives_start(void);

#endif
