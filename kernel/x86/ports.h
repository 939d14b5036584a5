/*
 * ports.h - port input and output, and the processor's interrupt flag.
 */
#ifndef KERNEL_X86_PORTS_H
#define KERNEL_X86_PORTS_H

#include <stdint.h>

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

/* `count` words or doublewords between a port and memory. */
static inline void port_in16_string(uint16_t port, void *memory, unsigned long count)
{
    __asm__ volatile("rep insw" : "+D"(memory), "+c"(count) : "d"(port) : "memory");
}

static inline void port_out16_string(uint16_t port, const void *memory, unsigned long count)
{
    __asm__ volatile("rep outsw" : "+S"(memory), "+c"(count) : "d"(port) : "memory");
}

#endif
