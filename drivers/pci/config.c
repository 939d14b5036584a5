/*
 * config.c - configuration mechanism #1: an address port and a data port.
 *
 * An access uses both ports, so a spinlock excludes other threads meanwhile.
 */
#include "drivers/pci/pci.h"
#include "kernel/x86/ports.h"

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };

#define CONFIG_ENABLE 0x80000000u

static struct spin config_lock = SPIN_INIT(RANK_QUEUE);

static uint32_t config_address(const struct pci_function *function, unsigned offset)
{
    return CONFIG_ENABLE | (uint32_t)function->bus << 16 | (uint32_t)function->slot << 11 |
           (uint32_t)function->function << 8 | (offset & 0xfc);
}

static uint32_t config_read32(const struct pci_function *function, unsigned offset)
{
    spin_lock(&config_lock);
    port_out32(CONFIG_ADDRESS, config_address(function, offset));
    uint32_t value = port_in32(CONFIG_DATA);
    spin_unlock(&config_lock);
    return value;
}

static void config_write32(const struct pci_function *function, unsigned offset, uint32_t value)
{
    spin_lock(&config_lock);
    port_out32(CONFIG_ADDRESS, config_address(function, offset));
    port_out32(CONFIG_DATA, value);
    spin_unlock(&config_lock);
}

const struct pci_ops pci_mechanism1 = {
    .read32 = config_read32,
    .write32 = config_write32,
    .map = pci_function_map,
    .unmap = pci_function_unmap,
    .connect = pci_function_connect,
    .disconnect = pci_function_disconnect,
};

/* A host bridge returns the value that was written to the address port; without one the port reads
 * as another value, usually all ones. */
bool pci_mechanism1_present(void)
{
    spin_lock(&config_lock);
    uint32_t before = port_in32(CONFIG_ADDRESS);
    port_out32(CONFIG_ADDRESS, CONFIG_ENABLE);
    bool present = port_in32(CONFIG_ADDRESS) == CONFIG_ENABLE;
    port_out32(CONFIG_ADDRESS, before);
    spin_unlock(&config_lock);
    return present;
}
