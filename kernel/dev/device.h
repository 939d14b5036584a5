/*
 * device.h - the device tree.
 *
 * A device is a node: a name under its parent, an ops table, and - if it carries data - limits, a
 * medium and a class. Buses are devices without data. The tree is real and shown under
 * /System/Devices; a device of a class has an alias in /System/Devices/Classes (`cdrom0`), with
 * the lowest free number.
 *
 * Life        device_create -> fill ops, limits, class -> device_publish (visible, offered to the
 *             drivers, event ADDED) -> device_remove (out of the tree, event REMOVED, new opens
 *             fail, requests get -ENODEV) -> last device_put: ops->destroy, freed.
 * Medium      Each medium has a generation. device_set_medium() and device_clear_medium() bump it;
 *             handles opened under an older one always get -ESTALE, so no byte of an old disc is
 *             served for a new one. A fixed store sets its medium once.
 * Interface   bus drivers: create, publish, remove. Data drivers: ops->start, io_transfer_done().
 *             users: device_find, device_open, io_submit with the handle, device_close.
 * Locking     Tree and classes: one mutex of rank DEVTREE. A device's queue and medium: its spin.
 *             Functions here may be called with locks below DEVTREE, from threads; those marked
 *             "any context" from interrupts and completion callbacks too.
 * Ownership   device_get/device_put count references; the tree holds one of each published device,
 *             a child holds one of its parent.
 */
#ifndef KERNEL_DEV_DEVICE_H
#define KERNEL_DEV_DEVICE_H

#include "kernel/dev/io.h"

struct driver;

enum device_class {
    CLASS_NONE,
    CLASS_BUS,     /* has children, no alias */
    CLASS_CONTROL, /* takes operations only, no alias */
    CLASS_DISK,
    CLASS_CDROM,
    CLASS_VIRTUAL,
};

enum bus_kind { BUS_NONE, BUS_PCI, BUS_PACKET };

enum { DEVICE_NAME_BYTES = 32 };

struct device_ops {
    /* Begins a transfer and returns; never waits. Called by any thread that submits, and by
     * whatever context ends the transfer before. NULL: the device has no data. */
    void (*start)(struct device *device, struct io_transfer *transfer);
    /* Looks whether the medium is there and still the same, and says so through
     * device_set_medium/device_clear_medium. May wait for the device. NULL: the medium is fixed. */
    status_t (*poll)(struct device *device);
    /* An operation of DEVICE_CONTROL_*; may wait. The length of those that control.h and this
     * header list was checked. -EOPNOTSUPP for unknown ones, and for those of control.h that its
     * common answer is right for. NULL: all of them. */
    status_t (*control)(struct device *device, unsigned operation, void *argument, size_t bytes);
    /* Is what lies beneath the device still what it was? 0, or e.g. -ESTALE when the disc with its
     * image was changed: then nothing of it is served, from memory neither. Threads; no lock is
     * held. NULL: nothing lies beneath. */
    status_t (*check)(struct device *device);
    /* The last handle was closed. Threads; may remove the device. NULL: nothing. */
    void (*closed)(struct device *device);
    /* One line about the device for `devices`, e.g. maker and model. NULL: nothing to say. */
    void (*describe)(struct device *device, char *text, size_t bytes);
    /* The last reference went: free what private_data owns. NULL: nothing. */
    void (*destroy)(struct device *device);
};

enum {
    DEVICE_CONTROL_EJECT = 1,
    DEVICE_CONTROL_LOAD,
    DEVICE_CONTROL_LOCK_DOOR,
    DEVICE_CONTROL_UNLOCK_DOOR,
    DEVICE_CONTROL_SESSION, /* struct device_session: where a session of the disc begins */
    DEVICE_CONTROL_TOC,     /* struct device_toc: its table of contents */
};

struct device_session {
    unsigned number;      /* which one is asked for, from 1; 0: the last, and answered so */
    unsigned count;       /* answer: sessions on the disc */
    uint32_t first_block; /* answer, of 2048 bytes: of its first data track, or of its first */
};

enum { DEVICE_TRACKS_MAX = 99 };

struct device_track {
    uint8_t number, session;
    bool data;            /* else audio */
    uint8_t mode;         /* of data: 1 or 2; 0: not known */
    uint32_t first_block; /* of 2048 bytes */
    uint32_t blocks;      /* up to the next track, its pre-gap included, or to the lead-out */
};

/* All answers. Tracks in the order of the disc. */
struct device_toc {
    unsigned session_count, track_count;
    struct device_track tracks[DEVICE_TRACKS_MAX];
};

struct device {
    char name[DEVICE_NAME_BYTES];        /* under its parent: "00:01.1", "ide1", "cdrom" */
    char alias[DEVICE_NAME_BYTES];       /* class name, "" if none: "cdrom0" */
    const struct device_ops *ops;        /* set before publish */
    const struct driver *driver;         /* that took it, or NULL */
    void *private_data;                  /* of its creator (ops) */
    enum bus_kind bus_kind;              /* what bus_data points to, said by the bus driver */
    const void *bus_data;                /* BUS_PCI: struct pci_function; BUS_PACKET: struct
                                            packet_unit_info; owned by the bus driver */
    const struct packet_transport *packet_transport; /* a unit that takes packets (packet.h) */
    const char *class_prefix;            /* NULL, or the alias' prefix, where not the class's */
    bool is_virtual;                     /* its bytes are other files' or memory's */
    /* What follows may change with the medium, while others look: each is read whole, and what was
     * read goes for the generation that is told after it. */
    _Atomic enum device_class device_class;
    _Atomic unsigned level;              /* 0 hardware and RAM; see the Book, chapter 6 */
    _Atomic bool read_only;
    _Atomic bool no_automount;           /* the monitor leaves its medium alone */
    struct io_limits limits;             /* of these only the block */

    /* device.c's and io.c's */
    unsigned number;                     /* unique since start, > 0; its vnode id in devfs */
    struct device *parent;
    struct list siblings, children;
    struct list all_link;
    struct list number_link, alias_link, name_link; /* tree.c's, with the next */
    unsigned class_number;
    unsigned *first_free;                /* where the search for its prefix's numbers begins */
    _Atomic int references;
    bool published, gone;                /* under DEVTREE */
    struct spin queue_lock;              /* rank QUEUE: all below */
    struct list waiting;                 /* io_requests */
    struct io_transfer *transfers;       /* limits.depth of them */
    struct io_segment *transfer_segments;
    void **bounce_pages;
    bool pumping, pump_again;
    struct list event_link;              /* event.c's, with the next */
    unsigned pending_events;
    bool event_handled;
    struct list put_link;                /* io.c's */
    _Atomic uint32_t generation;         /* of the medium; starts at 1; bumped at the end, too */
    bool medium_present;
    uint64_t medium_bytes;
    struct bad_blocks *bad_blocks;       /* of this medium; bad_blocks.c's; NULL: none yet */
    status_t absent_status;              /* without a medium: -ENOMEDIUM; -ENODEV when halted */
    unsigned open_count;
    bool refuses_opens, claimed;
    unsigned files_open;                 /* on file systems of this medium */
    _Atomic bool door_locked;            /* the monitor's, with the next */
    bool drive_directory;
};

/* A device opened under one generation of its medium. Copy freely; close once. */
struct device_handle {
    struct device *device;
    uint32_t generation;
};

/* A device under `parent` (NULL: the root of the tree) with one reference, the caller's. A name ""
 * becomes the number of its alias when it is published. */
struct device *device_create(struct device *parent, const char *name);
/* Puts it into the tree, gives it its alias and its transfers, offers it to every driver's
 * add_device in order until one takes it (returns 0), and tells the monitor. -EEXIST when the
 * parent has a child of that name; -ENOMEM. On failure the caller still owns its reference. */
status_t device_publish(struct device *device) MUST_CHECK;
/* Makes and publishes a device without data under `parent`; *bus is a reference. */
status_t device_publish_bus(struct device *parent, const char *name,
                            struct device **bus) MUST_CHECK;
/* Takes it out, children first. Requests that wait end with -ENODEV; those in flight end by
 * themselves. Idempotent. */
void device_remove(struct device *device);

struct device *device_get(struct device *device);
void device_put(struct device *device);
/* The same in any context: the last reference is left to the completion thread (io.c). */
void device_put_later(struct device *device);

/* Any context. The new medium has `bytes` bytes. An image may end inside a block: what there is of
 * it can be read, but not written. */
void device_set_medium(struct device *device, uint64_t bytes);
void device_clear_medium(struct device *device);
/* Any context. As device_clear_medium, but everything answers -ENODEV until there is a medium. */
void device_halt(struct device *device);
/* A state as one moment saw it. */
struct device_medium {
    bool present;
    uint64_t bytes;
    uint32_t generation;
};
struct device_medium device_medium(struct device *device); /* any context */

/* A block of the medium of that generation could not be read or written, and why: the log names
 * it, once and then at its 10th, 100th, ... failure. Threads; no lock is held. */
void device_note_bad_block(struct device *device, uint32_t generation, uint64_t block,
                           const char *why);
/* bad_blocks.c for device.c: takes the list of a medium that leaves, under the queue_lock; then
 * logs how many there were, and frees it. Any context but interrupts. */
struct bad_blocks *device_take_bad_blocks(struct device *device);
void device_sum_up_bad_blocks(struct device *device, struct bad_blocks *bad);

/* A file (no directory) on the handle's medium was opened or closed: the monitor keeps the door of
 * a removable drive locked meanwhile. What is left open of an old medium does not count. */
void device_file_opened(const struct device_handle *handle);
void device_file_closed(const struct device_handle *handle);
unsigned device_files_open(struct device *device);

/* By alias ("cdrom0" or "Classes/cdrom0") or by path below the root ("pci/00:01.1/ide1/cdrom"): the
 * names that /System/Devices has. Returns a reference or NULL. */
struct device *device_find(const char *name);
/* By `number`. A reference or NULL. */
struct device *device_find_number(unsigned number);
/* By name below `parent`. A reference or NULL. */
struct device *device_find_child(struct device *parent, const char *name, size_t length);
/* The root of the tree: borrowed. */
struct device *device_root(void);
/* The path below the root into `text`; cut when too long. */
void device_path(struct device *device, char *text, size_t bytes);

/* 0, -ENODEV when it is gone, -ENOMEDIUM without a medium, -EBUSY while it is claimed. Takes a
 * reference. */
status_t device_open(struct device *device, struct device_handle *handle) MUST_CHECK;
void device_close(struct device_handle *handle);
unsigned device_open_count(struct device *device);
/* Whoever writes has the device alone: -EBUSY when there is another handle, -EROFS when it cannot
 * be written; from then on it cannot be opened elsewhere. */
status_t device_claim(const struct device_handle *handle) MUST_CHECK;
void device_release(const struct device_handle *handle);
/* From now on opening fails with -ENODEV. With only_idle: -EBUSY, and nothing happens, while
 * anybody has it open. */
status_t device_refuse_opens(struct device *device, bool only_idle) MUST_CHECK;
void device_allow_opens(struct device *device);
/* Would it be opened now? 0 or -ENODEV. */
status_t device_admits(struct device *device) MUST_CHECK;
/* 0, -ENODEV, -ENOMEDIUM or -ESTALE: would a request by this handle be taken now? Threads, with no
 * lock held. */
status_t device_check(const struct device_handle *handle) MUST_CHECK;
/* control.c: an operation of the device. -EINVAL for a length other than the operation's struct,
 * -EOPNOTSUPP for what neither the driver nor control.h knows, -ENODEV when the device is gone. */
status_t device_control(struct device *device, unsigned operation, void *argument,
                        size_t bytes) MUST_CHECK;
/* toc.c: what DEVICE_CONTROL_SESSION answers, from a table of contents. -ENOENT. */
status_t toc_find_session(const struct device_toc *toc,
                          struct device_session *session) MUST_CHECK;
/* Can its medium be changed? Then the driver has a poll. */
bool device_is_removable(const struct device *device);

/* For listings, in the order of publishing, in which numbers rise: the first child, or the first
 * device that has an alias, whose number is above `after`. A reference, or NULL at the end. What is
 * published or removed meanwhile changes nothing for the others. */
struct device *device_child(struct device *parent, unsigned after);
struct device *device_by_class(unsigned after);

/* Creates the root and offers it to the drivers: probing starts here. */
status_t device_start(void) MUST_CHECK;
/* Removes every device and forgets all (host tests). */
void device_stop(void);

const char *device_class_name(enum device_class device_class); /* "cdrom", "disk", ... */

#endif
