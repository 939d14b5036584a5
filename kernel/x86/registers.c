/*
 * registers.c - access to windows of device registers by port instructions and by memory accesses.
 *
 * A memory access has exactly the width that was asked for: registers may have side effects, and
 * some devices accept only one width.
 */
#include "kernel/registers.h"
#include "kernel/x86/ports.h"

/* Most registers in port space have one byte, which is therefore tested for first. */

static uint64_t ports_read(const struct registers *window, uint64_t address, unsigned bytes)
{
    (void)window;
    uint16_t port = (uint16_t)address;
    if (bytes == 1)
        return port_in8(port);
    switch (bytes) {
    case 2: return port_in16(port);
    case 4: return port_in32(port);
    default: panic("registers: port %x: access of %u bytes", port, bytes);
    }
}

static void ports_write(const struct registers *window, uint64_t address, unsigned bytes,
                        uint64_t value)
{
    (void)window;
    uint16_t port = (uint16_t)address;
    if (bytes == 1) {
        port_out8(port, (uint8_t)value);
        return;
    }
    switch (bytes) {
    case 2: port_out16(port, (uint16_t)value); break;
    case 4: port_out32(port, (uint32_t)value); break;
    default: panic("registers: port %x: access of %u bytes", port, bytes);
    }
}

static void ports_read_words(const struct registers *window, uint64_t address, uint16_t *words,
                             size_t count)
{
    (void)window;
    port_in16_string((uint16_t)address, words, count);
}

static void ports_write_words(const struct registers *window, uint64_t address,
                              const uint16_t *words, size_t count)
{
    (void)window;
    port_out16_string((uint16_t)address, words, count);
}

static uint64_t memory_read(const struct registers *window, uint64_t address, unsigned bytes)
{
    (void)window;
    switch (bytes) {
    case 1: return *(const volatile uint8_t *)address;
    case 2: return *(const volatile uint16_t *)address;
    case 4: return *(const volatile uint32_t *)address;
    case 8: return *(const volatile uint64_t *)address;
    default: panic("registers: access of %u bytes", bytes);
    }
}

static void memory_write(const struct registers *window, uint64_t address, unsigned bytes,
                         uint64_t value)
{
    (void)window;

    /* The device may read memory as soon as the register is written. */
    __asm__ volatile("" : : : "memory");
    switch (bytes) {
    case 1: *(volatile uint8_t *)address = (uint8_t)value; break;
    case 2: *(volatile uint16_t *)address = (uint16_t)value; break;
    case 4: *(volatile uint32_t *)address = (uint32_t)value; break;
    case 8: *(volatile uint64_t *)address = value; break;
    default: panic("registers: access of %u bytes", bytes);
    }
}

const struct register_access register_ports = {
    .read = ports_read,
    .write = ports_write,
    .read_words = ports_read_words,
    .write_words = ports_write_words,
};

const struct register_access register_memory = {
    .read = memory_read,
    .write = memory_write,
};
