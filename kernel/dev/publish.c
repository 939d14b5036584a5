/*
 * publish.c - publishing and removing devices; start and stop.
 */
#include "kernel/dev/driver/match.h"
#include "kernel/dev/event.h"
#include "kernel/dev/tree.h"

status_t device_publish(struct device *device)
{
    /* The transfers first: in the tree, the device can be opened and used at once. */
    status_t status = device_is_part(device) ? medium_check_part(device) : 0;
    if (!status)
        status = transfers_create(device);
    if (!status)
        status = tree_enter(device);
    if (status) {
        transfers_destroy(device);
        return status;
    }

    /* Not an error if no driver accepts it. The caller may be the thread that serves a device with
     * data, so such a device is read by the thread that handles its events. */
    event_post(EVENT_ADDED, device);
    if (!device_has_data(device))
        match_device(device);
    return 0;
}

status_t device_publish_bus(struct device *parent, const char *name, struct device **bus)
{
    const struct device_description description = { .name = name, .device_class = &class_bus };
    struct device *device = device_create(parent, &description);
    if (!device)
        return -ENOMEM;
    status_t status = device_publish(device);
    if (status)
        device_put(device);
    else
        *bus = device;
    return status;
}

/* Removes leaf after leaf, the device itself last: a driver may publish children meanwhile. */
void device_remove(struct device *device)
{
    for (bool last = false; !last;) {
        struct device *leaf = tree_leaf(device);
        bool left;
        last = tree_leave(leaf, &left) && leaf == device;

        /* Only the thread that took it out of the tree does this. Opens fail already, so no request
         * is queued after queue_fail(). */
        if (left) {
            queue_fail(leaf);
            match_release(leaf);
            event_post(EVENT_REMOVED, leaf);
            device_put(leaf); /* the tree's reference */
        }
        device_put(leaf);
    }
}

/* ---- start and stop ----------------------------------------------------------------------- */

status_t device_start(void)
{
    const struct device_description description = { .device_class = &class_bus };
    tree_start();
    struct device *root = device_create(NULL, &description);
    if (!root)
        return -ENOMEM;
    device_set_root(root);
    return device_publish(root);
}

void device_stop(void)
{
    struct device *root = device_root();
    device_remove(root);
    match_release_root(root);

    /* Pending events hold references. */
    struct event event;
    while (!event_wait(&event, 0))
        event_done(&event);
    device_put(root);
    device_set_root(NULL);
}
