/*
 * controller.c - driver for IDE controllers on PCI: where their channels' registers are.
 *
 * A controller has class 01h, subclass 01h. The bits of its interface byte put each channel into
 * compatibility mode, at the ports and lines of the first PCs, or into native mode, at the base
 * address registers and with the function's own interrupt, which both channels share (PCI IDE
 * Specification 1.0). The bus master is at a base address register in both modes.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum {
    CLASS_STORAGE = 1,
    SUBCLASS_IDE = 1,
    INTERFACE_MASTER = 1 << 7,
    BAR_BUS_MASTER = 4,
    BUS_MASTER_BYTES = 8, /* of one channel */
    CONTROL_IN_BAR = 2,   /* the only register of the control block that is used */
    CHANNELS = 2,
    NUMBERS_MAX = 64,
};

/* What depends on a channel's number. */
static const struct {
    uint16_t command_port, control_port; /* in compatibility mode, as the line */
    unsigned line;
    uint8_t native; /* the bit of the interface byte */
    unsigned bar;   /* in native mode: the command block's; the control block's is the next */
} channels[CHANNELS] = {
    { 0x1f0, 0x3f6, 14, 1 << 0, 0 },
    { 0x170, 0x376, 15, 1 << 2, 2 },
};

struct ide_controller {
    struct list link;
    struct device *device; /* borrowed: until ide_remove_device() */
    const struct pci_function *function;
    unsigned number;       /* its channels are ide(2n) and ide(2n+1) */
    struct ide_channel *channels[CHANNELS]; /* published; NULL: none */
    unsigned users;        /* channels, and the driver */

    struct pci_interrupt interrupt;
    int connected;         /* as pci_connect() returned it; 0: not tried yet */
    struct spin lock;      /* rank DEVICE */
    struct ide_channel *native[CHANNELS];   /* that see the interrupts */
};

/* All controllers. Only the thread that publishes or removes devices is here. */
static struct list controllers = LIST_INIT(controllers);

/* ---- interrupts --------------------------------------------------------------------------- */

static bool handle_interrupt(void *context)
{
    struct ide_controller *controller = context;
    bool mine = false;
    spin_lock(&controller->lock);
    for (unsigned i = 0; i < CHANNELS; i++)
        if (controller->native[i] && ide_handle_interrupt(controller->native[i]))
            mine = true;
    spin_unlock(&controller->lock);
    return mine;
}

static status_t controller_connect(struct ide_channel *channel)
{
    struct ide_controller *controller = channel->place.controller;
    if (!controller->connected) {
        controller->interrupt = (struct pci_interrupt){ .handle = handle_interrupt,
                                                        .context = controller };
        controller->connected = pci_connect(controller->function, &controller->interrupt, 1);
    }
    if (controller->connected < 0)
        return controller->connected;

    spin_lock(&controller->lock);
    controller->native[channel->place.second] = channel;
    spin_unlock(&controller->lock);
    return 0;
}

/* ---- the end of a channel ----------------------------------------------------------------- */

static void unmap(const struct pci_function *function, struct ide_place *place)
{
    pci_unmap(function, &place->master);
    if (place->native) {
        pci_unmap(function, &place->command);
        pci_unmap(function, &place->control);
    }
}

/* Puts one of its uses. The last one leaves the hardware quiet. */
static void controller_put(struct ide_controller *controller)
{
    spin_lock(&controller->lock);
    bool last = --controller->users == 0;
    spin_unlock(&controller->lock);
    if (!last)
        return;

    pci_disconnect(controller->function, &controller->interrupt, controller->connected);
    pci_disable(controller->function);
    mem_free(controller);
}

static void controller_release(struct ide_channel *channel)
{
    struct ide_controller *controller = channel->place.controller;
    spin_lock(&controller->lock);
    if (controller->native[channel->place.second] == channel)
        controller->native[channel->place.second] = NULL;
    spin_unlock(&controller->lock);

    unmap(controller->function, &channel->place);
    controller_put(controller);
}

/* ---- places ------------------------------------------------------------------------------- */

/* Maps the registers of a channel. On failure nothing is mapped. */
static status_t map_blocks(const struct pci_function *function, unsigned channel,
                           struct ide_place *place)
{
    unsigned bar = channels[channel].bar;
    if (!place->native) {
        place->port = channels[channel].command_port;
        status_t status = isa_map(place->port, IDE_COMMAND_BYTES, &place->command);
        return status ? status : isa_map(channels[channel].control_port, IDE_CONTROL_BYTES,
                                         &place->control);
    }

    place->port = function->bars[bar].base;
    status_t status = pci_map(function, bar, 0, IDE_COMMAND_BYTES, &place->command);
    if (status)
        return status;

    status = pci_map(function, bar + 1, CONTROL_IN_BAR, IDE_CONTROL_BYTES, &place->control);
    if (status)
        pci_unmap(function, &place->command);
    return status;
}

/* Finds a controller's first (0) or second (1) channel, and maps its registers. Returns why it
 * cannot be used, or NULL. */
static const char *find_place(struct ide_controller *controller, unsigned channel,
                              struct ide_place *place)
{
    const struct pci_function *function = controller->function;
    *place = (struct ide_place){
        .number = controller->number * CHANNELS + channel,
        .line = channels[channel].line,
        .second = channel,
        .controller = controller,
        .connect = controller_connect,
        .release = controller_release,
        .native = function->interface & channels[channel].native,
    };

    if (map_blocks(function, channel, place))
        return place->native ? "native mode without ports" : "no ports on this machine";
    if (ide_port_is_claimed(place->port)) {
        unmap(function, place);
        return "ports already in use";
    }

    /* Without it the channel works by PIO. */
    if (function->interface & INTERFACE_MASTER)
        IGNORE(pci_map(function, BAR_BUS_MASTER, channel * BUS_MASTER_BYTES, BUS_MASTER_BYTES,
                       &place->master));
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

/* Returns the lowest number that no other controller has. */
static unsigned free_number(void)
{
    uint64_t used = 0;
    list_each(link, &controllers) {
        unsigned number = container_of(link, struct ide_controller, link)->number;
        used |= number < NUMBERS_MAX ? (uint64_t)1 << number : 0;
    }
    return ~used ? (unsigned)__builtin_ctzll(~used) : NUMBERS_MAX;
}

static status_t add_channel(struct ide_controller *controller, unsigned number)
{
    struct ide_place place;
    const char *why = find_place(controller, number, &place);

    /* Not a failure of the controller: its other channel may be fine. */
    if (why) {
        log_warn("ide", "%s: channel %u: %s; ignored", device_name(controller->device), number,
                 why);
        return 0;
    }

    struct ide_channel *channel = ide_channel_create(&place);
    if (!channel) {
        unmap(controller->function, &place);
        return -ENOMEM;
    }

    /* From here on the channel's end releases the controller. */
    spin_lock(&controller->lock);
    controller->users++;
    spin_unlock(&controller->lock);
    status_t status = ide_channel_publish(channel, controller->device);
    if (!status)
        controller->channels[number] = channel;
    return status;
}

static void remove_controller(struct ide_controller *controller)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        if (controller->channels[i])
            ide_channel_remove(controller->channels[i]);
    list_remove(&controller->link);
    controller_put(controller);
}

static status_t ide_add_device(struct device *device)
{
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->class_code != CLASS_STORAGE || function->subclass != SUBCLASS_IDE)
        return -ENODEV;

    struct ide_controller *controller = mem_zalloc(sizeof(*controller));
    if (!controller)
        return -ENOMEM;
    controller->device = device;
    controller->function = function;
    controller->number = free_number();
    controller->users = 1;
    spin_init(&controller->lock, RANK_DEVICE);
    list_push_back(&controllers, &controller->link);

    /* Both channels are tried, since one may fail without the other. */
    pci_enable(function);
    status_t result = 0;
    for (unsigned i = 0; i < CHANNELS; i++) {
        status_t status = add_channel(controller, i);
        if (status)
            log_error("ide", "%s: channel %u: %s", device_name(device), i, status_text(status));
        if (status)
            result = status; /* never -ENODEV, which would mean "not mine" */
    }

    /* A controller with one channel is better than none. */
    bool any = controller->channels[0] || controller->channels[1];
    if (result && !any)
        remove_controller(controller);
    return any ? 0 : result;
}

static void ide_remove_device(struct device *device)
{
    list_each(link, &controllers) {
        struct ide_controller *controller = container_of(link, struct ide_controller, link);
        if (controller->device == device) {
            remove_controller(controller);
            return;
        }
    }
}

static const struct driver driver_ide = {
    .name = "ide",
    .order = 20,
    .add_device = ide_add_device,
    .remove_device = ide_remove_device,
};
DRIVER(driver_ide);
