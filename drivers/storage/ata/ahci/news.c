/*
 * news.c - what the other files report to the controller's threads, and its forced end.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    TRUSTED_MIN = 8, /* interrupts in a row that came */
    LOST_MAX = 3,    /* that did not */
};

void ahci_watch_wake(struct ahci_controller *controller)
{
    /* One wake-up for a series of commands: the thread stays awake until they are all through. */
    spin_lock(&controller->lock);
    bool trusted = controller->reported >= TRUSTED_MIN && !controller->polled;
    if (!controller->busy && !trusted) {
        controller->busy = true;
        wait_queue_wake_all(&controller->changed);
    }
    spin_unlock(&controller->lock);
}

void ahci_note_interrupt(struct ahci_controller *controller)
{
    spin_lock(&controller->lock);

    /* One that comes clears the count: only losses in a row make the controller polled. */
    controller->lost = 0;
    controller->reported = min(controller->reported + 1, (unsigned)TRUSTED_MIN);
    spin_unlock(&controller->lock);
}

void ahci_note_lost(struct ahci_controller *controller)
{
    spin_lock(&controller->lock);

    /* Interrupts must prove themselves again before the watch thread sleeps. */
    controller->reported = 0;
    bool polled = !controller->polled && ++controller->lost >= LOST_MAX;
    if (polled)
        controller->polled = true;
    spin_unlock(&controller->lock);

    if (polled)
        log_warn(controller->name, "interrupts do not arrive; polling from now on");
}

void ahci_plug_wake(struct ahci_port *port)
{
    struct ahci_controller *controller = port->controller;
    spin_lock(&controller->lock);
    controller->plugged |= UINT32_C(1) << port->number;
    wait_queue_wake_all(&controller->changed);
    spin_unlock(&controller->lock);
}

void ahci_take_offline(struct ahci_controller *controller, const char *why)
{
    spin_lock(&controller->lock);
    bool before = controller->offline;
    controller->offline = true;
    spin_unlock(&controller->lock);
    if (before)
        return;

    /* Without the lock, as it accesses the configuration space. The units find out by their
     * commands. */
    pci_disable(controller->function);
    log_error(controller->name, "%s; taken offline", why);
}
