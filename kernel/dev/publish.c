/*
 * publish.c - publishing and removing devices; start and stop.
 */
#include "kernel/dev/event.h"
#include "kernel/dev/match.h"
#include "kernel/dev/tree.h"

status_t device_publish(struct device *device)
{
    status_t status = device_is_part(device) ? medium_check_part(device) : 0;
    if (!status)
        status = transfers_create(device);
    if (!status)
        status = tree_enter(device);
    if (status) {
        transfers_destroy(device);
        return status;
    }
    event_post(EVENT_ADDED, device);
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
    struct event event; /* pending events hold references */
    while (!event_wait(&event, 0))
        event_done(&event);
    device_put(root);
    device_set_root(NULL);
}
