/*
 * vdrive.h - virtual drives for tests: what the control device takes (kernel/dev/virtual.h), a
 * function an operation, and transfers cut into any pieces.
 *
 * Helpers that return nothing panic when what they do goes wrong.
 */
#ifndef TESTS_HOST_VDRIVE_H
#define TESTS_HOST_VDRIVE_H

#include "kernel/dev/virtual.h"
#include "tests/host/rig.h"

/* Panics when they differ, and says what it was about. */
void expect(const char *what, status_t status, status_t expected);

/* struct virtual_register without its long arrays; zero: as there. */
struct vdrive {
    enum virtual_store store;
    const char *image, *into;
    uint32_t flags, block_bytes;
    uint64_t offset_bytes, size_bytes;
    struct virtual_geometry geometry;
    void *memory;
    struct virtual_progress *progress;
};

/* Its first two fields: ON(OVERLAY, "/img"). */
#define ON(kind, path) .store = VIRTUAL_##kind, .image = (path)

/* The control device's operation itself. */
status_t vdrive_control(unsigned operation, void *argument, size_t bytes);
/* alias[DEVICE_NAME_BYTES]: the drive's, untouched when that fails. */
status_t vdrive_add(const struct vdrive *drive, char *alias);
status_t vdrive_remove(const char *alias, enum virtual_removal removal);
status_t vdrive_info(const char *alias, struct virtual_info *info);
/* Is it among what LIST tells? 0 or -ENOENT. */
status_t vdrive_listed(const char *alias);
status_t vdrive_save(const char *alias, const char *path, struct virtual_progress *progress);
status_t vdrive_diff(const char *alias, uint64_t *offset_bytes, uint64_t *length_bytes);
status_t vdrive_commit(const char *alias, struct virtual_progress *progress);
status_t vdrive_discard(const char *alias);
status_t vdrive_fault(const char *alias, enum virtual_fault_kind kind, uint64_t first,
                      uint64_t count);
status_t vdrive_swap(const char *alias, const char *image);
status_t vdrive_open(const char *alias, struct device_handle *handle);
/* "/System/Devices/Classes/<alias>"; valid until the next but three. */
const char *vdrive_path(const char *alias);

/* A request over segments, waited for. The memory is given as one piece and cut at random. */
status_t vdrive_transfer(const struct device_handle *handle, enum io_op op, uint64_t offset_bytes,
                         void *memory, uint32_t length_bytes, uint64_t *done_bytes);

/* The same in a thread: the first bytes of the handle's device. */
struct vdrive_reader {
    const struct device_handle *handle;
    void *memory;
    uint32_t bytes;
    _Atomic bool ended;
    status_t status;
    struct thread *thread;
};
void vdrive_read_start(struct vdrive_reader *reader);
status_t vdrive_read_end(struct vdrive_reader *reader); /* waits for it */

/* What the monitor does: takes the events, and with them their references. */
void vdrive_take_events(void);
/* Bytes that tell one place, and one `seed`, from another. */
void vdrive_pattern(uint8_t *data, size_t bytes, unsigned seed);

#endif
