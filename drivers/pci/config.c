/*
 * config.c - which way to configuration space a bus has; configuration mechanism #1.
 *
 * ECAM is preferred: a machine may have buses that only it reaches. Mechanism #1 is an address port
 * and a data port. An access uses both, so a spinlock excludes other threads meanwhile.
 */
#include "drivers/pci/pci.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };

#define CONFIG_ENABLE 0x80000000u

static bool has_mechanism1;
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

static const struct pci_ops mechanism1_ops = {
    .read32 = config_read32,
    .write32 = config_write32,
    .map = pci_function_map,
    .unmap = pci_function_unmap,
    .connect = pci_function_connect,
    .disconnect = pci_function_disconnect,
};

/* A host bridge returns the value that was written to the address port; without one the port reads
 * as another value, usually all ones. */
static bool mechanism1_present(void)
{
    spin_lock(&config_lock);
    uint32_t before = port_in32(CONFIG_ADDRESS);
    port_out32(CONFIG_ADDRESS, CONFIG_ENABLE);
    bool present = port_in32(CONFIG_ADDRESS) == CONFIG_ENABLE;
    port_out32(CONFIG_ADDRESS, before);
    spin_unlock(&config_lock);
    return present;
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* Returns false if a wrong MCFG describes memory that is not the configuration space of bus 0. */
static bool ecam_agrees(void)
{
    static const struct pci_function host_bridge;
    const struct pci_ops *ops = pci_ecam_open(0);
    if (!ops || !has_mechanism1)
        return true;
    return ops->read32(&host_bridge, PCI_ID) == config_read32(&host_bridge, PCI_ID);
}

void pci_config_start(void)
{
    has_mechanism1 = mechanism1_present();
    pci_ecam_start();
    if (ecam_agrees())
        return;
    log_warn("pci", "MCFG: no configuration space there; mechanism #1 is used instead");
    pci_ecam_forget();
}

/* Returns true if function 0 of some slot answers. Mechanism #1 reaches every bus that exists. */
static bool has_functions(unsigned bus)
{
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        const struct pci_function function = { .bus = (uint8_t)bus, .slot = (uint8_t)slot };
        if (config_read32(&function, PCI_ID) != UINT32_MAX)
            return true;
    }
    return false;
}

const struct pci_ops *pci_config_open(unsigned bus)
{
    /* Most buses are empty; to map and unmap each would take longer than all of the rest. */
    if (has_mechanism1 && !has_functions(bus))
        return NULL;
    const struct pci_ops *ops = pci_ecam_open(bus);
    return ops ? ops : has_mechanism1 ? &mechanism1_ops : NULL;
}

void pci_config_close(unsigned bus)
{
    pci_ecam_close(bus);
}
