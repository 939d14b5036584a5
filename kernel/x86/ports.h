/*
 * ports.h - port input and output, and the ports that several files share.
 */
#ifndef KERNEL_X86_PORTS_H
#define KERNEL_X86_PORTS_H

#include <stdint.h>

enum {
    /* The battery-backed CMOS: clock and settings. */
    CMOS_INDEX_PORT = 0x70, /* bit 7 masks non-maskable interrupts: left clear */
    CMOS_DATA_PORT = 0x71,
    CMOS_REGISTERS = 128,

    /* The keyboard controller (8042): status when read, command when written. */
    KEYBOARD_DATA_PORT = 0x60,
    KEYBOARD_COMMAND_PORT = 0x64,
    KEYBOARD_INPUT_FULL = 1 << 1, /* the controller has not taken the last byte yet */
    KEYBOARD_PULSE_RESET = 0xfe,

    POST_PORT = 0x80, /* reading it has no effect and takes about a microsecond */
};

static inline void port_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void port_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void port_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t port_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t port_in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t port_in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

/* Moves `count` 16-bit words from a port to memory, or back. */
static inline void port_in16_string(uint16_t port, void *memory, unsigned long count)
{
    __asm__ volatile("rep insw" : "+D"(memory), "+c"(count) : "d"(port) : "memory");
}

static inline void port_out16_string(uint16_t port, const void *memory, unsigned long count)
{
    __asm__ volatile("rep outsw" : "+S"(memory), "+c"(count) : "d"(port) : "memory");
}

#endif
