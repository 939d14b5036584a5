/*
 * drives.h - virtual drives for tests: what the control device takes (kernel/dev/virtual.h), a
 * function an operation, and transfers cut into any pieces.
 *
 * Helpers that return nothing panic when what they do goes wrong.
 */
#ifndef TESTS_HOST_DRIVES_H
#define TESTS_HOST_DRIVES_H

#include "kernel/dev/virtual.h"
#include "tests/host/rig.h"

/* Panics when they differ, and says what it was about. */
void expect(const char *what, status_t status, status_t expected);

/* struct virtual_register without its long arrays; zero: as there. */
struct wanted {
    enum virtual_store store;
    const char *image, *into;
    uint32_t flags, block_bytes;
    uint64_t offset_bytes, size_bytes;
    struct device_geometry geometry;
    void *memory;
    struct virtual_progress *progress;
};

/* Its first two fields: ON(OVERLAY, "/img"). */
#define ON(kind, path) .store = VIRTUAL_##kind, .image = (path)

/* The control device's operation itself. */
status_t drives_control(unsigned operation, void *argument, size_t bytes);
/* alias[DEVICE_NAME_BYTES]: the drive's, untouched when that fails. */
status_t drives_add(const struct wanted *drive, char *alias);
status_t drives_remove(const char *alias, enum virtual_removal removal);
status_t drives_info(const char *alias, struct virtual_info *info);
/* Is it among what LIST tells? 0 or -ENOENT. */
status_t drives_listed(const char *alias);
status_t drives_save(const char *alias, const char *path, struct virtual_progress *progress);
status_t drives_diff(const char *alias, uint64_t *offset_bytes, uint64_t *length_bytes);
status_t drives_commit(const char *alias, struct virtual_progress *progress);
status_t drives_discard(const char *alias);
status_t drives_fault(const char *alias, enum virtual_fault_kind kind, uint64_t first,
                      uint64_t count);
status_t drives_swap(const char *alias, const char *image);
status_t drives_open(const char *alias, struct device_handle *handle);
/* "/System/Devices/Classes/<alias>"; valid until the next but three. */
const char *drives_path(const char *alias);

/* A request over segments, waited for. The memory is given as one piece and cut at random. */
status_t drives_transfer(const struct device_handle *handle, enum io_op op, uint64_t offset_bytes,
                         void *memory, uint32_t length_bytes, uint64_t *done_bytes);

/* The same in a thread: the first bytes of the handle's device. */
struct drives_reader {
    const struct device_handle *handle;
    void *memory;
    uint32_t bytes;
    _Atomic bool ended;
    status_t status;
    struct thread *thread;
};
void drives_read_start(struct drives_reader *reader);
status_t drives_read_end(struct drives_reader *reader); /* waits for it */

/* What the monitor does: takes the events, and with them their references. */
void drives_take_events(void);
/* Bytes that tell one place, and one `seed`, from another. */
void drives_pattern(uint8_t *data, size_t bytes, unsigned seed);

#endif
