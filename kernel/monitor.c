/*
 * monitor.c - the threads that handle the events of devices: they poll drives, lock doors, and call
 * media.c to mount and unmount media.
 */
#include "kernel/monitor.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/event.h"
#include "kernel/dev/tree.h"
#include "kernel/media.h"
#include "kernel/log.h"
#include "kernel/module/index.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"

static struct {
    struct thread *thread, *second; /* while one handles an event, the other waits */
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

/* ---- media that come and go after start-up ------------------------------------------------- */

/* Unmounts the old medium, and mounts the new one if there is one. */
static void medium_changed(struct device *device)
{
    /* Unmount even if the disc may be the same: its content may have changed outside. The parts
     * are offered before the mount, since media_mount() leaves a disc with parts to them. */
    media_unmount(device);
    driver_offer_medium(device);
    if (device_medium(device).present)
        media_mount(device);
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

        /* Fixed disks are not polled. A locked door is: the poll's event unlocks it when the
         * files are closed. */
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
    /* A controller's driver publishes drives, which arrive with events of their own. */
    load_driver(device);
    if (!device_has_data(device))
        return;

    /* For a removable drive, a disc that the poll finds becomes EVENT_MEDIUM. */
    poll_device(device);
    if (!device_is_removable(device) && device_medium(device).present) {
        driver_offer_medium(device);
        media_mount(device);
    }
}

static void handle_event(struct event *event)
{
    struct device *device = event->device;
    switch (event->kind) {
    case EVENT_ADDED: device_arrived(device); break;
    case EVENT_MEDIUM: medium_changed(device); break;
    case EVENT_PARTS: driver_offer_medium(device); break;
    case EVENT_RETRY:
        if (device_medium(device).present && !media_is_mounted(device))
            media_mount(device);
        break;
    case EVENT_SYSTEM: media_become_system(device); break;
    case EVENT_DOOR: keep_door(device); break;
    case EVENT_POLL:
        poll_device(device);
        keep_door(device);
        break;
    case EVENT_REMOVED: media_unmount(device); break;
    }

    /* Also after a failure: threads wait for the device's events to end, not for their success. */
    event_done(event);
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

    /* Start-up is over when there are no more events, so until then none is made here. */
    due = due && monitor.settled;
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

    /* A thread without an event was woken to poll: it waits again soon and needs no replacement. */
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

    /* The last helper wakes monitor_stop(). */
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

    /* Nothing is woken: monitor_stop() cannot wait for helpers yet, since this thread is joined,
     * or is a helper that counts itself. */
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

/* ---- start-up ----------------------------------------------------------------------------- */

/* Waits until no event of the device (NULL: of all) is pending: the second thread and helpers
 * handle them, those of different drives at the same time. */
static status_t finish_events(struct device *device, uint64_t deadline_us)
{
    struct event event;

    /* Without memory for that thread, one after another. */
    while (!monitor.second && !event_wait(&event, 0))
        handle_event(&event);
    return event_wait_done(device, deadline_us);
}

/* Loads what the boot disc has for the devices and the media that are older than /System. */
static void load_drivers(void)
{
    struct device *device;
    unsigned newest = 0;
    media_report_failures();

    /* Devices that are published from here on find the index when they arrive. */
    for (; (device = tree_next(newest)); device_put(device))
        newest = device_number(device);
    for (unsigned last = 0; last < newest && (device = tree_next(last));) {
        last = device_number(device);

        /* Before /System was mounted there was no index to search: these devices were offered in
         * vain. */
        load_driver(device);

        /* Also without a new driver: the failure was not reported yet. */
        if (media_may_be_mounted(device) && device_medium(device).present &&
            !media_is_mounted(device)) {
            IGNORE(index_load_for_medium(device_alias(device)));
            event_post(EVENT_RETRY, device);
        }
        device_put(device);
    }
}

/* Mounts one of the media at /System. Everything is mounted below /Drives first: the build id is
 * read through the file system. */
static void choose_system(void)
{
    struct device *device = media_choose();

    /* By an event, not directly: the mount belongs to the thread that handles events of the
     * device. */
    if (device) {
        event_post(EVENT_SYSTEM, device);
        IGNORE(finish_events(device, time_now_us() + DEADLINE_PACKET_US)); /* it is seen below */
    }
    device_put(device);

    if (media_have_system())
        media_release_copies();
    else
        media_report_none();
}

static void monitor_main(void *unused)
{
    (void)unused;

    /* Without memory for it, a helper is started for each event. */
    monitor.second = thread_create("monitor", PRIORITY_NORMAL, second_main, NULL);
    uint64_t deadline_us = time_now_us() + DEADLINE_DRIVES_US;
    if (finish_events(NULL, deadline_us))
        log_warn("monitor", "a drive does not respond yet; continuing without it");

    /* Drives that are late are mounted when they answer; one of them may still become /System. */
    choose_system();
    load_drivers();
    IGNORE(finish_events(NULL, deadline_us)); /* a drive that is late was reported */
    set_settled();
    handle_events(false);
}

status_t monitor_start(const struct monitor_options *options)
{
    /* The state is reset here because the host tests start the monitor repeatedly. */
    media_start(options);
    monitor.settled = monitor.stopping = false;
    monitor.poll_us = time_now_us() + POLL_MEDIUM_US;
    monitor.thread = thread_create("monitor", PRIORITY_NORMAL, monitor_main, NULL);
    if (monitor.thread)
        return 0;
    media_stop();
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

status_t monitor_look_again(struct device *device)
{
    /* -EINVAL: a device without partitions, as a partition itself is. */
    status_t status = device_want_parts(device);
    if (status == -EINVAL)
        status = 0;
    if (!status)
        status = monitor_wait_idle(device, time_now_us() + DEADLINE_SETTLE_US);

    /* After the partitions, which are mounted instead of the whole. */
    if (!status) {
        event_post(EVENT_RETRY, device);
        status = monitor_wait_idle(device, time_now_us() + DEADLINE_SETTLE_US);
    }
    return status;
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
    media_stop();
}
