/*
 * controllers.c - lists the controllers of drives: see controllers.h.
 */
#include "kernel/controllers.h"
#include "kernel/bus/pci.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/tree.h"
#include "kernel/log.h"
#include "lib/macros.h"

enum { ANY = 0x100 };

/* The first match is used. */
static const struct {
    uint8_t class_code, subclass;
    uint16_t interface;
    const char *log_name, *text;
} kinds[] = {
    { 0x01, 0x01, ANY, "ide", "IDE controller" },
    { 0x01, 0x04, ANY, "raid", "RAID controller" },
    { 0x01, 0x06, 0x01, "ahci", "AHCI controller" },
    { 0x01, 0x06, ANY, "sata", "SATA controller" },
    { 0x01, 0x07, ANY, "sas", "SAS controller" },
    { 0x01, 0x08, ANY, "nvme", "NVMe controller" },
    { 0x0c, 0x03, 0x00, "usb", "UHCI" },
    { 0x0c, 0x03, 0x10, "usb", "OHCI" },
    { 0x0c, 0x03, 0x20, "usb", "EHCI" },
    { 0x0c, 0x03, 0x30, "usb", "xHCI" },
    { 0x0c, 0x03, ANY, "usb", "USB controller" },
};

/* Returns the kind of controller, or NULL: its text, and the name of its log lines. */
static const char *kind_of(const struct pci_function *function, const char **log_name)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (function->class_code == kinds[i].class_code &&
            function->subclass == kinds[i].subclass &&
            (kinds[i].interface == ANY || function->interface == kinds[i].interface)) {
            *log_name = kinds[i].log_name;
            return kinds[i].text;
        }

    /* virtio devices of virtual machines have the class of a SCSI controller, among others. */
    *log_name = "storage";
    return function->class_code == 0x01 ? "storage controller" : NULL;
}

static void report(struct device *device)
{
    const char *log_name, *kind;
    const struct pci_function *function = pci_function_of(device);
    const struct driver *driver = device_driver(device);
    if (!function || !(kind = kind_of(function, &log_name)))
        return;

    /* A controller without a driver is the usual reason that a drive is missing, hence the
     * warning. */
    if (driver)
        log_info(log_name, "%s at %s is driven by %s", kind, device_name(device), driver->name);
    else
        log_warn(log_name, "%s at %s is not driven", kind, device_name(device));
}

void controllers_report(void)
{
    struct device *device;
    for (unsigned last = 0; (device = tree_next(last));) {
        last = device_number(device);
        report(device);
        device_put(device);
    }
}
