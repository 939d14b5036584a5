/*
 * classes.c - names of the class codes that occur in PCs (PCI Local Bus 3.0, appendix D).
 */
#include "drivers/pci/pci.h"
#include "lib/macros.h"

enum { ANY = 0xff };

struct class_name {
    uint8_t class_code, subclass;
    const char *text;
};

/* The first match is used, so the entry of a whole class follows those of its subclasses. */
static const struct class_name class_names[] = {
    { 0x00, ANY, "old device" },
    { 0x01, 0x00, "SCSI controller" },
    { 0x01, 0x01, "IDE controller" },
    { 0x01, 0x05, "ATA controller" },
    { 0x01, 0x06, "SATA controller" },
    { 0x01, 0x08, "NVM controller" },
    { 0x01, ANY, "storage controller" },
    { 0x02, 0x00, "Ethernet controller" },
    { 0x02, ANY, "network controller" },
    { 0x03, 0x00, "VGA controller" },
    { 0x03, ANY, "display controller" },
    { 0x04, ANY, "multimedia device" },
    { 0x05, ANY, "memory controller" },
    { 0x06, 0x00, "host bridge" },
    { 0x06, 0x01, "ISA bridge" },
    { 0x06, 0x04, "PCI bridge" },
    { 0x06, ANY, "bridge" },
    { 0x07, 0x00, "serial controller" },
    { 0x07, ANY, "communication controller" },
    { 0x08, ANY, "system peripheral" },
    { 0x09, ANY, "input controller" },
    { 0x0c, 0x03, "USB controller" },
    { 0x0c, 0x05, "SMBus controller" },
    { 0x0c, ANY, "serial bus controller" },
    { 0x0d, ANY, "wireless controller" },
};

const char *pci_class_text(uint8_t class_code, uint8_t subclass)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(class_names); i++) {
        const struct class_name *name = &class_names[i];
        if (name->class_code == class_code && (name->subclass == ANY || name->subclass == subclass))
            return name->text;
    }
    return "unknown device";
}
