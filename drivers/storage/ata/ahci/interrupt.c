/*
 * interrupt.c - what the controller reports, and the two threads that act on it.
 *
 *   watch   looks at the ports while commands are running, in case an interrupt was lost; polls a
 *           controller that cannot interrupt
 *   plug    publishes units whose link comes up, which takes seconds; so it is not the watch thread
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    WATCH_US = 500000, /* how late a lost interrupt is noticed */
    POLL_US = 1000,    /* the same without interrupts */
};

/* ---- events ------------------------------------------------------------------------------- */

/* Looks at the ports in the mask. Returns whether one of them had an event. */
static bool look_at(struct ahci_controller *controller, uint32_t ports)
{
    bool found = false;
    for (uint32_t left = ports; left; left &= left - 1) {
        struct ahci_port *port = controller->ports[__builtin_ctz(left)];
        if (port && ahci_port_look(port))
            found = true;
    }
    return found;
}

static bool handle_interrupt(void *context)
{
    struct ahci_controller *controller = context;

    /* 0: another device of the line has interrupted. All ones: there is no controller. */
    uint32_t ports = ahci_read(controller, AHCI_IS);
    if (!ports || ports == AHCI_ABSENT)
        return false;

    /* The ports' events are cleared before the bit in IS, which follows them (5.6.2). */
    look_at(controller, ports);
    ahci_write(controller, AHCI_IS, ports);
    ahci_note_interrupt(controller);
    return true;
}

/* ---- the watch thread --------------------------------------------------------------------- */

/* Returns the ports on which commands are running. */
static uint32_t running_ports(struct ahci_controller *controller)
{
    uint32_t running = 0;

    /* A snapshot: a command that is issued after it sets `busy`, and the thread looks again. */
    for (unsigned i = 0; i < AHCI_PORTS_MAX; i++) {
        struct ahci_port *port = controller->ports[i];
        if (!port)
            continue;
        spin_lock(&port->lock);
        if (port->issued)
            running |= UINT32_C(1) << i;
        spin_unlock(&port->lock);
    }
    return running;
}

/* Waits until it is time to look. False: the thread ends. */
static bool watch_wait(struct ahci_controller *controller)
{
    spin_lock(&controller->lock);

    /* Idle, it sleeps without a timer. */
    while (!controller->busy && !controller->stopping)
        IGNORE(wait_queue_wait(&controller->changed, &controller->lock, TIME_NEVER));

    /* Then a full period passes, in which the interrupt should come. A wake-up does not shorten
     * it. */
    uint64_t look_us = time_now_us() + (controller->polled ? POLL_US : WATCH_US);
    while (time_now_us() < look_us && !controller->stopping)
        IGNORE(wait_queue_wait(&controller->changed, &controller->lock, look_us));

    bool stopping = controller->stopping;
    spin_unlock(&controller->lock);
    return !stopping;
}

static void watch_main(void *argument)
{
    struct ahci_controller *controller = argument;
    while (watch_wait(controller)) {
        /* Cleared before the ports are read: a command that is issued meanwhile sets it again. */
        spin_lock(&controller->lock);
        controller->busy = false;
        spin_unlock(&controller->lock);

        /* An event that a thread still finds was not reported by an interrupt. */
        uint32_t running = running_ports(controller);
        if (look_at(controller, running))
            ahci_note_lost(controller);
        if (running_ports(controller))
            ahci_watch_wake(controller);
    }
}

/* ---- the plug thread ---------------------------------------------------------------------- */

static void plug_main(void *argument)
{
    struct ahci_controller *controller = argument;
    spin_lock(&controller->lock);
    while (!controller->stopping) {
        uint32_t plugged = controller->plugged;
        controller->plugged = 0;
        if (!plugged) {
            IGNORE(wait_queue_wait(&controller->changed, &controller->lock, TIME_NEVER));
            continue;
        }

        /* Without the lock: a unit takes seconds to answer, and interrupts set new bits
         * meanwhile. */
        spin_unlock(&controller->lock);
        for (; plugged; plugged &= plugged - 1)
            ahci_port_plug(controller->ports[__builtin_ctz(plugged)]);
        spin_lock(&controller->lock);
    }
    spin_unlock(&controller->lock);
}

/* ---- start and stop ----------------------------------------------------------------------- */

status_t ahci_watch_start(struct ahci_controller *controller)
{
    controller->interrupt = (struct pci_interrupt){
        .handle = handle_interrupt, .context = controller
    };
    controller->connected = pci_connect(controller->function, &controller->interrupt, 1);
    controller->polled = controller->connected <= 0;

    /* Also with interrupts: before some of them have come, they are not trusted. */
    controller->watch = thread_create(controller->name, PRIORITY_IO, watch_main, controller);
    return controller->watch ? 0 : -ENOMEM;
}

status_t ahci_plug_start(struct ahci_controller *controller)
{
    controller->plug = thread_create(controller->name, PRIORITY_NORMAL, plug_main, controller);
    return controller->plug ? 0 : -ENOMEM;
}

static void stop_thread(struct ahci_controller *controller, struct thread **thread)
{
    spin_lock(&controller->lock);
    controller->stopping = true;
    wait_queue_wake_all(&controller->changed);
    spin_unlock(&controller->lock);

    if (*thread)
        thread_join(*thread);
    *thread = NULL;
}

void ahci_plug_stop(struct ahci_controller *controller)
{
    stop_thread(controller, &controller->plug);
}

void ahci_watch_stop(struct ahci_controller *controller)
{
    /* The thread first, since it also looks at the ports; then no handler runs any more. */
    stop_thread(controller, &controller->watch);
    pci_disconnect(controller->function, &controller->interrupt, controller->connected);
    controller->connected = 0;
}
