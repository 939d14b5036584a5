/*
 * monitor.c - mounts media at start-up and when they appear, unmounts them, and locks doors.
 */
#include "kernel/monitor.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/event.h"
#include "kernel/dev/tree.h"
#include "kernel/log.h"
#include "kernel/module/index.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { MOUNT_PATH_BYTES = 64, BUILD_ID_BYTES = 64 };

enum { MADE_DIRECTORY = 1 }; /* of device_event_flags(): /Drives/<class name> */

static struct {
    const struct monitor_options *options;
    struct thread *thread, *second; /* while one handles an event, the other waits */
    struct path *root;
    struct spin lock; /* rank QUEUE: the rest */
    struct wait_queue changed;
    bool settled, stopping;
    unsigned helpers;  /* threads beside these two, while both handle events */
    unsigned waiting;  /* threads that wait for an event */
    uint64_t poll_us;  /* when to poll next */
} monitor = {
    .lock = SPIN_INIT(RANK_QUEUE),
    .changed = WAIT_QUEUE_INIT(monitor.changed),
};

/* ---- mounting ----------------------------------------------------------------------------- */

static bool holds_media(const struct device *device)
{
    return *device_alias(device) && device_has_data(device) && device_automounts(device);
}

static void drive_path(const struct device *device, char *path)
{
    format_text(path, MOUNT_PATH_BYTES, "/Drives/%s", device_alias(device));
}

/* Writes why a medium could not be mounted. */
static void reason(struct device *device, status_t status, char *text, size_t bytes)
{
    struct device_medium medium = device_medium(device);
    if (!medium.present || status == -ENOMEDIUM)
        text_copy(text, bytes, "no disc");
    else if (!medium.bytes)
        text_copy(text, bytes, "a blank disc");
    else
        device_mount_reason(device_alias(device), status, text, bytes);
}

/* Removes the directory if mount_drive() made it. */
static void remove_drive_directory(struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    unsigned *flags = device_event_flags(device);
    if (!(*flags & MADE_DIRECTORY))
        return;

    /* Fails if a user has put something into the directory, which then stays. */
    drive_path(device, path);
    *flags &= ~(unsigned)MADE_DIRECTORY;
    IGNORE(vfs_unlink(monitor.root, path));
}

/* Mounts a device's medium at /Drives/<class name>. */
static status_t mount_drive(struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    struct device_medium medium = device_medium(device);
    if (!medium.present || !medium.bytes)
        return -ENOMEDIUM;

    /* /Drives exists, unless a user removed it; a directory that exists is the user's. */
    drive_path(device, path);
    IGNORE(vfs_mkdir(monitor.root, "/Drives"));
    status_t status = vfs_mkdir(monitor.root, path);
    if (status && status != -EEXIST)
        return status;
    if (!status)
        *device_event_flags(device) |= MADE_DIRECTORY;

    /* The file system's driver may be on the boot disc. */
    status = index_mount(monitor.root, path, device_alias(device), NULL, NULL);
    if (status)
        remove_drive_directory(device);
    return status;
}

/* Unmounts a device's medium, and removes the directory that was made for it. */
static void unmount_drive(struct device *device)
{
    vfs_unmount_device(device);
    remove_drive_directory(device);
}

/* Returns whether the disc mounted at /Drives/<class name> has the kernel's build id. */
static bool drive_is_ours(const struct device *device)
{
    char path[MOUNT_PATH_BYTES + 16], id[BUILD_ID_BYTES] = "";
    struct file *file;
    format_text(path, sizeof(path), "/Drives/%s/boot/spindle.id", device_alias(device));
    if (file_open(monitor.root, path, OPEN_READ, &file))
        return false;
    ssize_t got = file_read(file, id, sizeof(id) - 1);
    file_close(file);

    size_t length = strlen(monitor.options->build_id);
    return got >= (ssize_t)length && text_starts(id, monitor.options->build_id) &&
           (id[length] == '\n' || !id[length]);
}

/* Moves the mount of a device from /Drives to /System; moves it back if that fails. */
static status_t become_system(struct device *device)
{
    unmount_drive(device);
    status_t status = vfs_mount(monitor.root, "/System", device_alias(device), NULL, NULL);
    if (!status) {
        log_info("monitor", "/System is %s", device_alias(device));
        return 0;
    }
    log_warn("monitor", "%s cannot become /System: %s", device_alias(device), status_text(status));
    IGNORE(mount_drive(device));
    return status;
}

/* Returns whether a disc is mounted at /System. */
static bool system_is_mounted(void)
{
    struct path *path;
    if (path_walk(monitor.root, "/System", 0, &path))
        return false;
    bool mounted = path_is_mount_point(path);
    path_put(path);
    return mounted;
}

/* ---- media that come and go after start-up ------------------------------------------------- */

/* Returns whether the medium has parts, which are mounted instead of the whole. */
static bool has_parts(struct device *device)
{
    bool found = false;
    struct device *child;
    for (unsigned last = 0; !found && (child = device_child(device, last));) {
        last = device_number(child);
        found = device_is_part(child);
        device_put(child);
    }
    return found;
}

/* Mounts a medium whose parts were published: their own events follow. */
static void mount_medium(struct device *device)
{
    char why[MOUNT_REASON_BYTES];
    if (!holds_media(device) || has_parts(device))
        return;

    status_t status = mount_drive(device);
    if (status == -EBUSY)
        return; /* mounted already */
    if (status) {
        reason(device, status, why, sizeof(why));
        log_info("monitor", "%s: %s", device_alias(device), why);
        return;
    }

    /* Only a disc of this build may become /System after start-up, and only if none is there. */
    if (!drive_is_ours(device) || system_is_mounted() || become_system(device))
        log_info("monitor", "%s is at /Drives/%s", device_alias(device), device_alias(device));
}

/* Unmounts the old medium, and mounts the new one if there is one. */
static void medium_changed(struct device *device)
{
    unmount_drive(device);
    driver_offer_medium(device);
    if (device_medium(device).present)
        mount_medium(device);
}

/* Locks the door while a file on the disc is open. Commands for each file would cost more than the
 * files, so the door stays locked until a poll finds no file open. */
static void keep_door(struct device *device)
{
    bool lock = device_files_open(device) > 0;
    if (lock == device_door_is_locked(device) || !device_is_removable(device))
        return;

    /* Recorded even if the drive fails: some drives have no lock, and would be asked repeatedly. */
    unsigned operation = lock ? DEVICE_CONTROL_LOCK_DOOR : DEVICE_CONTROL_UNLOCK_DOOR;
    device_set_door_locked(device, lock);
    IGNORE(device_control(device, operation, NULL, 0));
}

static void poll_device(struct device *device)
{
    IGNORE(device_poll(device)); /* a change that it detects becomes an event */
}

/* Posts an event for each drive to be polled. The thread that handles the event polls, so that a
 * drive that does not answer does not delay others. */
static void poll_all(void)
{
    struct device *device;
    for (unsigned last = 0; (device = device_by_class(last));) {
        last = device_number(device);
        if (device_is_removable(device) || device_door_is_locked(device))
            event_post(EVENT_POLL, device);
        device_put(device);
    }
}

/* Loads the driver of a device on a bus that no driver has accepted, if the boot disc has it. */
static void load_driver(struct device *device)
{
    if (device_bus_name(device) && !device_driver(device))
        IGNORE(index_load_for_device(device)); /* most devices have none; failures are logged */
}

static void device_arrived(struct device *device)
{
    load_driver(device);
    if (!device_has_data(device))
        return;

    /* For a removable drive, a disc that the poll finds becomes EVENT_MEDIUM. */
    poll_device(device);
    if (!device_is_removable(device) && device_medium(device).present) {
        driver_offer_medium(device);
        mount_medium(device);
    }
}

static void handle_event(struct event *event)
{
    struct device *device = event->device;
    switch (event->kind) {
    case EVENT_ADDED: device_arrived(device); break;
    case EVENT_MEDIUM: medium_changed(device); break;
    case EVENT_PARTS: driver_offer_medium(device); break;
    case EVENT_DOOR: keep_door(device); break;
    case EVENT_POLL:
        poll_device(device);
        keep_door(device);
        break;
    case EVENT_REMOVED: unmount_drive(device); break;
    }
    event_done(event);
}

/* ---- start-up ----------------------------------------------------------------------------- */

/* Handles the events of the devices present at start: all are polled, and their parts published,
 * before any is mounted. */
static void drain_events(void)
{
    struct event event;

    /* A deadline in the past: returns as soon as no event is pending. */
    while (!event_wait(&event, 0)) {
        bool added = event.kind == EVENT_ADDED && device_has_data(event.device);
        if (added)
            poll_device(event.device);

        /* The disc that a poll finds in a removable drive has an event of its own. */
        if ((added && !device_is_removable(event.device)) || event.kind == EVENT_MEDIUM)
            driver_offer_medium(event.device);
        event_done(&event);
    }
}

/* Returns whether the device precedes `over`: physical before virtual, CDs before others, then by
 * class number. */
static bool is_preferred(const struct device *device, const struct device *over)
{
    if (!over || device_is_virtual(device) != device_is_virtual(over))
        return !over || device_is_virtual(over);
    bool cd = device_class(device) == &class_cdrom, over_cd = device_class(over) == &class_cdrom;
    return cd != over_cd ? cd : device_class_number(device) < device_class_number(over);
}

/* Returns a reference to the first device, in order of preference, that `accept` accepts, or
 * NULL. */
static struct device *choose(bool (*accept)(const struct device *device))
{
    struct device *best = NULL, *device;
    for (unsigned last = 0; (device = device_by_class(last));) {
        last = device_number(device);
        bool better = holds_media(device) && accept(device) && is_preferred(device, best);
        device_put(better ? best : device);
        if (better)
            best = device;
    }
    return best;
}

static bool is_mounted_cd(const struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    struct path *place;
    if (device_class(device) != &class_cdrom)
        return false;
    drive_path(device, path);
    if (path_walk(monitor.root, path, 0, &place))
        return false;
    bool mounted = path_is_mount_point(place);
    path_put(place);
    return mounted;
}

static bool is_asked_for(const struct device *device)
{
    return text_equal(device_alias(device), monitor.options->system_name);
}

/* Mounts every medium below /Drives, and logs each that cannot be mounted. Returns the last such
 * reason in `why`. */
static void mount_all(char *why, size_t bytes)
{
    struct device *device;
    char text[MOUNT_REASON_BYTES];
    text_copy(why, bytes, "there is no drive");
    for (unsigned last = 0; (device = device_by_class(last));) {
        last = device_number(device);
        status_t status = holds_media(device) && !has_parts(device) ? mount_drive(device) : 0;
        if (status) {
            reason(device, status, text, sizeof(text));
            format_text(why, bytes, "%s: %s", device_alias(device), text);
            if (device_medium(device).present)
                log_info("monitor", "%s", why);
        }
        device_put(device);
    }
}

/* Mounts the drive that `system=` names at /System. Returns false after a warning. */
static bool take_asked_for(void)
{
    const char *name = monitor.options->system_name;
    char text[MOUNT_REASON_BYTES] = "no such drive";
    struct device *device = choose(is_asked_for);
    status_t status = device ? become_system(device) : -ENODEV;
    if (device && status)
        reason(device, status, text, sizeof(text));
    if (status)
        log_warn("monitor", "system=%s: %s; /System is chosen without it", name, text);
    device_put(device);
    return !status;
}

static bool is_mounted(const struct device *device)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    bool mounted = !info; /* without memory, nothing more is mounted */
    for (unsigned n = 0; info && !mounted && !vfs_mount_info(n, info); n++)
        mounted = text_equal(info->device, device_alias(device));
    mem_free(info);
    return mounted;
}

/* Loads what the boot disc has for the devices and the media that are older than /System. */
static void load_drivers(void)
{
    struct device *device;
    for (unsigned last = 0; (device = tree_next(last));) {
        last = device_number(device);
        load_driver(device);
        if (holds_media(device) && device_medium(device).present && !is_mounted(device) &&
            !index_load_for_medium(device_alias(device)))
            mount_medium(device);
        device_put(device);
    }
}

static void choose_system(void)
{
    char why[MOUNT_REASON_BYTES + DEVICE_NAME_BYTES], text[MOUNT_REASON_BYTES];
    /* Everything is mounted below /Drives first: the build id is read through the file system. */
    mount_all(why, sizeof(why));
    if (monitor.options->system_name && take_asked_for())
        return;

    /* The disc that this kernel belongs to, else the first CD. */
    struct device *device = choose(drive_is_ours);
    if (!device)
        device = choose(is_mounted_cd);
    status_t status = device ? become_system(device) : -ENODEV;
    if (device && status) {
        reason(device, status, text, sizeof(text));
        format_text(why, sizeof(why), "%s: %s", device_alias(device), text);
    }
    if (status)
        log_warn("monitor", "nothing is mounted at /System: %s", why);
    device_put(device);
}

/* ---- the thread --------------------------------------------------------------------------- */

static void set_settled(void)
{
    spin_lock(&monitor.lock);
    monitor.settled = true;
    wait_queue_wake_all(&monitor.changed);
    spin_unlock(&monitor.lock);
}

/* Returns true once each POLL_MEDIUM_US: for one of the threads. */
static bool poll_is_due(void)
{
    uint64_t now_us = time_now_us();
    spin_lock(&monitor.lock);
    bool due = now_us >= monitor.poll_us;
    if (due)
        monitor.poll_us = now_us + POLL_MEDIUM_US;
    spin_unlock(&monitor.lock);
    return due;
}

static uint64_t begin_waiting(void)
{
    spin_lock(&monitor.lock);
    monitor.waiting++;
    uint64_t poll_us = monitor.poll_us;
    spin_unlock(&monitor.lock);
    return poll_us;
}

/* Ends a thread's waiting. Returns true if it has an event and was the last that waited: the caller
 * starts a helper, which is already counted. */
static bool end_waiting(bool has_event)
{
    spin_lock(&monitor.lock);
    bool replace = has_event && !--monitor.waiting && !monitor.stopping;
    if (!has_event)
        monitor.waiting--;
    monitor.helpers += replace;
    spin_unlock(&monitor.lock);
    return replace;
}

/* Returns false when the monitor stops, and to a helper while another thread waits; that helper is
 * no longer counted. */
static bool keeps_handling(bool helper)
{
    spin_lock(&monitor.lock);
    bool end = monitor.stopping || (helper && monitor.waiting);
    if (end && helper && !--monitor.helpers)
        wait_queue_wake_all(&monitor.changed);
    spin_unlock(&monitor.lock);
    return !end;
}

static void handle_events(bool helper);

static void helper_main(void *unused)
{
    (void)unused;
    handle_events(true);
}

/* Without memory for a helper, the next event waits until this thread has handled its own. */
static void start_helper(void)
{
    struct thread *thread = thread_create("monitor", PRIORITY_NORMAL, helper_main, NULL);
    if (thread) {
        thread_detach(thread);
        return;
    }
    spin_lock(&monitor.lock);
    monitor.helpers--;
    spin_unlock(&monitor.lock);
}

static void handle_events(bool helper)
{
    do {
        struct event event;
        bool got = !event_wait(&event, begin_waiting());

        /* The helper is started before the event is handled, which may take long. */
        if (end_waiting(got))
            start_helper();
        if (got)
            handle_event(&event);
        if (poll_is_due())
            poll_all();
    } while (keeps_handling(helper));
}

static void second_main(void *unused)
{
    (void)unused;
    handle_events(false);
}

static void monitor_main(void *unused)
{
    (void)unused;
    drain_events();
    choose_system();
    load_drivers();
    set_settled();

    /* Without memory for it, a helper is started for each event. */
    monitor.second = thread_create("monitor", PRIORITY_NORMAL, second_main, NULL);
    handle_events(false);
}

status_t monitor_start(const struct monitor_options *options)
{
    monitor.options = options;
    monitor.settled = monitor.stopping = false;
    monitor.poll_us = time_now_us() + POLL_MEDIUM_US;
    monitor.root = path_root();
    monitor.thread = thread_create("monitor", PRIORITY_NORMAL, monitor_main, NULL);
    if (monitor.thread)
        return 0;
    path_put(monitor.root);
    return -ENOMEM;
}

status_t monitor_wait_settled(uint64_t deadline_us)
{
    status_t status = 0;
    spin_lock(&monitor.lock);
    while (!monitor.settled && !status)
        status = wait_queue_wait(&monitor.changed, &monitor.lock, deadline_us);
    spin_unlock(&monitor.lock);
    return status;
}

/* Without a monitor, as in the host tool, nothing is mounted, but the device gets its parts. */
static void handle_without_mounting(struct device *device)
{
    struct event event;

    /* Others are not read: the caller cannot be interrupted here, and does not expect to wait for
     * them. */
    while (!event_wait(&event, 0)) {
        if ((!device || event.device == device) &&
            (event.kind == EVENT_ADDED || event.kind == EVENT_MEDIUM || event.kind == EVENT_PARTS))
            driver_offer_medium(event.device);
        event_done(&event);
    }
}

status_t monitor_wait_idle(struct device *device, uint64_t deadline_us)
{
    if (monitor.thread)
        return event_wait_done(device, deadline_us);
    handle_without_mounting(device);
    return 0;
}

void monitor_stop(void)
{
    spin_lock(&monitor.lock);
    monitor.stopping = true;
    spin_unlock(&monitor.lock);

    /* Each thread ends after its event, or at the next time to poll. */
    thread_join(monitor.thread);
    if (monitor.second)
        thread_join(monitor.second);

    /* Helpers are detached, so they are counted instead of joined. */
    spin_lock(&monitor.lock);
    while (monitor.helpers)
        IGNORE(wait_queue_wait(&monitor.changed, &monitor.lock, TIME_NEVER));
    spin_unlock(&monitor.lock);
    monitor.thread = monitor.second = NULL;
    path_put(monitor.root);
}
