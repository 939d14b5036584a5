/*
 * device.h - the device tree.
 *
 * A device is a node of the tree: a name under its parent, an ops table and, if it has data, a
 * class, limits and a medium. A bus is a device without data. /System/Devices shows the tree; a
 * device whose class has aliases also has one in /System/Devices/Classes: the class's name and the
 * lowest free number (`cdrom0`).
 *
 * Model       A driver fills a struct device_description and passes it to device_create(), which
 *             copies it. struct device is the kernel's: its members are known to kernel/dev only
 *             (internal.h). Drivers, file systems and commands use the functions below.
 * Life        device_create -> device_publish (visible, offered to the drivers, event ADDED) ->
 *             device_remove (out of the tree, event REMOVED, new opens fail, requests end with
 *             -ENODEV) -> last device_put: ops->destroy, freed.
 * Medium      Each medium has a generation. device_set_medium() and device_clear_medium()
 *             increment it. A handle opened under an older generation always gets -ESTALE, so no
 *             byte of an old disc is served for a new one. A fixed store sets its medium once.
 * Interface   bus drivers: device_create, device_publish, device_remove.
 *             data drivers: ops->start, io_transfer_done(), device_set_medium.
 *             users: device_find, device_open, io_submit with the handle, device_close.
 * Locking     Tree and aliases: one mutex of rank DEVTREE. A device's queue, medium and opens: its
 *             spin of rank QUEUE. Functions may be called from threads with locks below DEVTREE
 *             held; those marked "any context" also from interrupts and completion callbacks.
 * Ownership   device_get/device_put count references. The tree holds one of each published device,
 *             a child holds one of its parent. Strings and pointers that functions return are
 *             borrowed from the device.
 */
#ifndef KERNEL_DEV_DEVICE_H
#define KERNEL_DEV_DEVICE_H

#include "kernel/dev/io.h"

struct driver;

/* What kind of device it is. A driver of another kind defines a class of its own. */
struct device_class {
    const char *name;               /* "cdrom": also the prefix of aliases */
    bool has_alias;                 /* in /System/Devices/Classes */
    uint8_t bios_first, bios_count; /* the drive numbers that a BIOS gives such devices */
};

extern const struct device_class class_none, class_bus; /* have children only */
extern const struct device_class class_control;         /* takes operations only */
extern const struct device_class class_disk, class_cdrom, class_virtual;

/* Identifies what a device's bus_data points to. Each bus defines one: kernel/bus/pci.h. */
struct bus_type {
    const char *name;
};

enum { DEVICE_NAME_BYTES = 32 };

struct device_ops {
    /* Begins a transfer and returns; never waits. Called by any thread that submits a request, and
     * in the context that ended the previous transfer. NULL: the device has no data. */
    void (*start)(struct device *device, struct io_transfer *transfer);
    /* Checks whether a medium is present and still the same, and reports a change through
     * device_set_medium/device_clear_medium. May wait for the device. NULL: the medium is fixed. */
    status_t (*poll)(struct device *device);
    /* Executes an operation of DEVICE_CONTROL_*; may wait. The argument's length was checked for
     * the operations that control.h and this header list. Returns -EOPNOTSUPP for unknown
     * operations and for those of control.h whose common answer fits. NULL: for all. */
    status_t (*control)(struct device *device, unsigned operation, void *argument, size_t bytes);
    /* Returns 0 if the underlying medium is unchanged, else an errno, such as -ESTALE after the
     * disc that holds an image was changed: cached data is not served either. Threads; no lock is
     * held. NULL: there is no underlying medium. */
    status_t (*check)(struct device *device);
    /* The last handle was closed. Threads; may remove the device. NULL: nothing to do. */
    void (*closed)(struct device *device);
    /* Writes one line about the device for `devices`, such as vendor and model. NULL: none. */
    void (*describe)(struct device *device, char *text, size_t bytes);
    /* The last reference was put: frees what private_data owns. NULL: nothing to free. */
    void (*destroy)(struct device *device);
};

enum {
    DEVICE_CONTROL_EJECT = 1,
    DEVICE_CONTROL_LOAD,
    DEVICE_CONTROL_LOCK_DOOR,
    DEVICE_CONTROL_UNLOCK_DOOR,
    DEVICE_CONTROL_SESSION, /* struct device_session: the first block of a session */
    DEVICE_CONTROL_TOC,     /* struct device_toc: the disc's table of contents */
};

struct device_session {
    unsigned number;      /* of the session, from 1; 0: the last, whose number is the answer */
    unsigned count;       /* answer: sessions on the disc */
    uint32_t first_block; /* answer, in blocks of 2048 bytes: of the session's first data track, or
                             of its first track */
};

enum { DEVICE_TRACKS_MAX = 99 };

struct device_track {
    uint8_t number, session;
    bool data;            /* else audio */
    uint8_t mode;         /* of a data track: 1 or 2; 0: unknown */
    uint32_t first_block; /* in blocks of 2048 bytes */
    uint32_t blocks;      /* up to the next track (with that track's pre-gap) or the lead-out */
};

/* All members are answers. The tracks are in the order of the disc. */
struct device_toc {
    unsigned session_count, track_count;
    struct device_track tracks[DEVICE_TRACKS_MAX];
};

/* A device may be a part of its parent's bytes, such as a partition of a disk. kernel/dev adds the
 * base to each request and puts it into the queue of the drive, which is the first ancestor that is
 * not a part itself: a part needs no ops->start, no limits, no copy and no thread. Its medium,
 * level, limits and door are the drive's. Its alias is the parent's with "p" and the number:
 * `disk0p1`. */
struct device_part {
    uint64_t base_bytes;   /* on the parent; whole blocks */
    uint64_t length_bytes; /* whole blocks, or up to the end of the medium; 0: not a part */
    uint32_t generation;   /* of the parent's medium: under another one the part is -ESTALE */
    unsigned number;       /* in the alias */
};

/* What a driver describes. Zero and NULL are the defaults; strings are copied. */
struct device_description {
    const char *name;                /* under the parent: "00:01.1", "ide1", "cdrom"; NULL: the
                                        number of its alias */
    const struct device_ops *ops;    /* NULL: none of them */
    void *private_data;              /* the driver's; ops->destroy frees it */
    const struct device_class *device_class; /* NULL: class_none */
    const char *alias_prefix;        /* NULL: the class's name */
    const struct bus_type *bus;      /* what bus_data is; NULL: the device is not on a bus */
    const void *bus_data;            /* the bus driver's; valid as long as the device */
    struct io_limits limits;         /* of a device with data */
    size_t driver_data_bytes;        /* of each io_transfer's driver_data; 0: it is NULL */
    bool is_virtual;                 /* its bytes are those of other files or of memory */
    bool read_only;
    bool no_automount;               /* the monitor does not mount its medium */
    bool no_parts;                   /* its medium is not searched for partitions */
    unsigned level;                  /* 0: hardware and RAM; see the Book, chapter 6 */
    struct device_part part;
};

/* The members of a description that another medium may change. Not for parts. */
struct device_traits {
    const struct device_class *device_class;
    unsigned level;
    uint32_t block_bytes;
    bool read_only, no_automount, no_parts;
};

/* A device opened under one generation of its medium. May be copied; is closed once. */
struct device_handle {
    struct device *device;
    uint32_t generation;
};

/* Creates a device under `parent` (NULL: the root of the tree) with one reference, the caller's.
 * NULL: no memory; private_data is then still the caller's. */
struct device *device_create(struct device *parent,
                             const struct device_description *description);
/* Puts the device into the tree, allocates its alias and its transfers, offers it to the drivers in
 * their order until one accepts it, and posts EVENT_ADDED. A device with data is not offered here,
 * but when its medium arrives (driver_offer_medium()), since its drivers read the medium. -EEXIST
 * if the parent has a child of that name, or a part's alias is in use; -ENODEV if the parent is
 * gone; -EINVAL if a part is not inside its parent, or not of whole blocks; -ESTALE if it is of an
 * earlier medium; -ENOMEM. On failure the caller still owns its reference. */
status_t device_publish(struct device *device) MUST_CHECK;
/* Creates and publishes a device without data under `parent`; *bus is a reference. */
status_t device_publish_bus(struct device *parent, const char *name,
                            struct device **bus) MUST_CHECK;
/* Takes the device out of the tree, its children first. Waiting requests end with -ENODEV; those in
 * flight end when their driver ends them. Idempotent. */
void device_remove(struct device *device);

struct device *device_get(struct device *device);
void device_put(struct device *device);
/* device_put for any context: the last reference is put by the completion thread. */
void device_put_later(struct device *device);

/* ---- properties: any context ---------------------------------------------------------------- */

const char *device_name(const struct device *device);
const char *device_alias(const struct device *device); /* "": none, or not published yet */
const char *device_label(const struct device *device); /* the alias, or the name without one */
unsigned device_number(const struct device *device);   /* unique since start, > 0 */
unsigned device_class_number(const struct device *device); /* the number in the alias */
struct device *device_parent(const struct device *device);
void *device_private(const struct device *device);
/* The driver that accepted the device, or NULL. */
const struct driver *device_driver(const struct device *device);
/* Stores the name of the loaded driver object whose operations the device has. Returns false if
 * they are the kernel's. */
bool device_code_name(const struct device *device, char *name, size_t bytes);
/* Returns the name of the bus that the device is on, or NULL. */
const char *device_bus_name(const struct device *device);
/* Returns bus_data if the device is on a bus of this type, else NULL. */
const void *device_bus_data(const struct device *device, const struct bus_type *bus);
bool device_has_ops(const struct device *device, const struct device_ops *ops);

const struct device_class *device_class(const struct device *device);
bool device_has_data(const struct device *device);
bool device_is_virtual(const struct device *device);
bool device_is_removable(const struct device *device); /* the medium can be changed: it is polled */
bool device_is_read_only(const struct device *device);
bool device_automounts(const struct device *device);
bool device_is_part(const struct device *device);
bool device_searches_parts(const struct device *device); /* not no_parts */
bool device_is_gone(const struct device *device); /* removed */
unsigned device_level(const struct device *device);
uint32_t device_block_bytes(const struct device *device);

/* ---- medium --------------------------------------------------------------------------------- */

/* Any context. The new medium has `bytes` bytes. An image may end inside a block: that part can be
 * read, but not written. */
void device_set_medium(struct device *device, uint64_t bytes);
void device_clear_medium(struct device *device);
/* Any context. As device_clear_medium, but all requests fail with -ENODEV until there is a medium
 * again. */
void device_halt(struct device *device);
/* For a medium of another kind: call before device_set_medium(). Each trait is read atomically, and
 * a value that was read applies to the generation that is read after it. */
void device_set_traits(struct device *device, const struct device_traits *traits);
struct device_traits device_traits(const struct device *device);
/* Threads; no lock is held. Calls ops->poll; 0 without one. */
status_t device_poll(struct device *device) MUST_CHECK;

/* Asks for the parts of the medium that is present, also where it is shown as a whole first, as an
 * optical disc is; the partition table is read again. Posts EVENT_PARTS: monitor_wait_idle() waits
 * for the parts. -EINVAL for a part and for a device that is not searched for partitions,
 * -ENOMEDIUM or another status of its medium, -EBUSY if it is claimed or a part is open. */
status_t device_want_parts(struct device *device) MUST_CHECK;
/* Returns whether they were asked for since the medium arrived. */
bool device_parts_wanted(struct device *device);

/* A consistent snapshot. */
struct device_medium {
    bool present;
    uint64_t bytes;
    uint32_t generation; /* starts at 1 */
};
struct device_medium device_medium(struct device *device); /* any context */

/* Records that a block of the medium of that generation could not be read or written, and why. The
 * log names the block once, then at its 10th, 100th, ... failure. Threads; no lock is held. */
void device_note_bad_block(struct device *device, uint32_t generation, uint64_t block,
                           const char *why);

/* ---- handles and claims: threads ------------------------------------------------------------ */

/* Opens and claims count up to the drive. A claim on a disk and an open of its part exclude each
 * other, in both directions; two parts do not.
 *
 * Opens the device under the generation of its medium. Takes a reference. -ENODEV if it is gone or
 * refuses opens, -ENOMEDIUM without a medium, -EBUSY while it is claimed, -ESTALE if it is a part
 * of an earlier medium. */
status_t device_open(struct device *device, struct device_handle *handle) MUST_CHECK;
void device_close(struct device_handle *handle);
unsigned device_open_count(struct device *device); /* with the handles of its parts */
/* Claims the device for exclusive write access: until device_release() it cannot be opened again,
 * nor can its parts or the devices that it is a part of. -EBUSY if one of them has another handle
 * open, -EROFS if the device is read-only. */
status_t device_claim(const struct device_handle *handle) MUST_CHECK;
void device_release(const struct device_handle *handle);
/* Makes device_open() fail with -ENODEV from now on. With only_idle: -EBUSY, and nothing is
 * changed, while the device is open. */
status_t device_refuse_opens(struct device *device, bool only_idle) MUST_CHECK;
void device_allow_opens(struct device *device);
/* Returns 0 if the device can be opened, -ENODEV if it is gone or refuses opens. */
status_t device_admits(struct device *device) MUST_CHECK;
/* Returns whether a request by this handle would be accepted now: 0, -ENODEV, -ENOMEDIUM or
 * -ESTALE. No lock is held. */
status_t device_check(const struct device_handle *handle) MUST_CHECK;

/* Count the open files (not directories) on the handle's medium: while there is one, the monitor
 * keeps the door of a removable drive locked. Files of an earlier medium do not count. */
void device_file_opened(const struct device_handle *handle);
void device_file_closed(const struct device_handle *handle);
unsigned device_files_open(struct device *device);
/* Whether the monitor has locked the door. */
bool device_door_is_locked(const struct device *device);
void device_set_door_locked(struct device *device, bool locked);

/* ---- finding: threads ----------------------------------------------------------------------- */

/* Finds a device by alias ("cdrom0" or "Classes/cdrom0") or by its path below the root
 * ("pci/00:01.1/ide1/cdrom"), as in /System/Devices. These functions return a reference or NULL. */
struct device *device_find(const char *name);
struct device *device_find_number(unsigned number);
struct device *device_find_child(struct device *parent, const char *name, size_t length);
/* Listings, in the order of publishing, in which numbers rise: return the first child, or the first
 * device that has an alias, whose number is above `after`. Devices that are published or removed
 * meanwhile do not disturb the listing of the others. */
struct device *device_child(struct device *parent, unsigned after);
struct device *device_by_class(unsigned after);

/* Returns the root of the tree: borrowed. */
struct device *device_root(void);
/* Writes the path below the root into `text`, truncated if it is too long. Of a part this is its
 * alias, since its disk is a file in /System/Devices, not a directory. */
void device_path(const struct device *device, char *text, size_t bytes);
/* Writes what ops->describe writes; "" without it. */
void device_describe(struct device *device, char *text, size_t bytes);

/* ---- operations: threads -------------------------------------------------------------------- */

/* Executes an operation of the device (control.c). -EINVAL for a length other than the operation's
 * struct, -EOPNOTSUPP for an operation that neither the driver nor control.h knows, -ENODEV if the
 * device is gone. */
status_t device_control(struct device *device, unsigned operation, void *argument,
                        size_t bytes) MUST_CHECK;
/* Answers DEVICE_CONTROL_SESSION from a table of contents (toc.c). -ENOENT. */
status_t toc_find_session(const struct device_toc *toc,
                          struct device_session *session) MUST_CHECK;

/* ---- start and stop ------------------------------------------------------------------------- */

/* Creates the root and offers it to the drivers: probing starts here. */
status_t device_start(void) MUST_CHECK;
/* Removes every device (host tests). */
void device_stop(void);

#endif
