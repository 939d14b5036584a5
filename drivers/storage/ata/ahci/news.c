/*
 * news.c - what the other files report to the controller's threads, and its forced end.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/log.h"

void ahci_watch_wake(struct ahci_controller *controller)
{
    /* One wake-up for a series of commands: the thread stays awake until they are all through. */
    spin_lock(&controller->lock);
    if (!controller->busy) {
        controller->busy = true;
        wait_queue_wake_all(&controller->changed);
    }
    spin_unlock(&controller->lock);
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

    pci_disable(controller->function);
    log_error(controller->name, "%s; the controller is taken offline", why);
}
