/*
 * registers.h - a window of device registers, in port space or in memory space.
 *
 * Model       A driver keeps a `struct registers` for each window, and reads and writes at offsets
 *             into it. The access table decides how: port instructions, uncached memory, or, in
 *             host tests, a model of the device. So the same driver source runs against both.
 * Order       Accesses to a window reach the device in program order, and after all earlier writes
 *             to memory (x86: uncached accesses are not reordered with stores).
 * Hostile     An offset is the driver's own, never a device's number: an access outside the window
 *             is a broken invariant.
 * Locking     None of its own: the device's driver orders its accesses.
 */
#ifndef KERNEL_REGISTERS_H
#define KERNEL_REGISTERS_H

#include "kernel/port.h"

struct registers;

struct register_access {
    /* `bytes` is 1, 2, 4 or 8; `address` is the window's base plus the offset. Ports have no
     * accesses of 8 bytes. */
    uint64_t (*read)(const struct registers *window, uint64_t address, unsigned bytes);
    void (*write)(const struct registers *window, uint64_t address, unsigned bytes,
                  uint64_t value);
    /* Move 16-bit words between one register and memory. NULL where no device needs it. */
    void (*read_words)(const struct registers *window, uint64_t address, uint16_t *words,
                       size_t count);
    void (*write_words)(const struct registers *window, uint64_t address, const uint16_t *words,
                        size_t count);
};

struct registers {
    const struct register_access *access; /* NULL: there is no such window */
    uint64_t base;                        /* port, or address of the mapping */
    uint32_t bytes;
    void *model;                          /* of the access table, such as a test's device */
};

/* The kernel's access tables (kernel/x86/registers.c). */
extern const struct register_access register_ports, register_memory;

static inline uint64_t register_read(const struct registers *window, uint32_t offset,
                                     unsigned bytes)
{
    kassert(offset <= window->bytes && bytes <= window->bytes - offset);
    return window->access->read(window, window->base + offset, bytes);
}

static inline void register_write(const struct registers *window, uint32_t offset, unsigned bytes,
                                  uint64_t value)
{
    kassert(offset <= window->bytes && bytes <= window->bytes - offset);
    window->access->write(window, window->base + offset, bytes, value);
}

/* Move `count` words of 16 bits between one register and memory. */
static inline void register_read_words(const struct registers *window, uint32_t offset,
                                       uint16_t *words, size_t count)
{
    kassert(offset <= window->bytes && sizeof(*words) <= window->bytes - offset);
    window->access->read_words(window, window->base + offset, words, count);
}

static inline void register_write_words(const struct registers *window, uint32_t offset,
                                        const uint16_t *words, size_t count)
{
    kassert(offset <= window->bytes && sizeof(*words) <= window->bytes - offset);
    window->access->write_words(window, window->base + offset, words, count);
}

static inline uint8_t register_read8(const struct registers *window, uint32_t offset)
{
    return (uint8_t)register_read(window, offset, 1);
}

static inline uint16_t register_read16(const struct registers *window, uint32_t offset)
{
    return (uint16_t)register_read(window, offset, 2);
}

static inline uint32_t register_read32(const struct registers *window, uint32_t offset)
{
    return (uint32_t)register_read(window, offset, 4);
}

static inline uint64_t register_read64(const struct registers *window, uint32_t offset)
{
    return register_read(window, offset, 8);
}

static inline void register_write8(const struct registers *window, uint32_t offset, uint8_t value)
{
    register_write(window, offset, 1, value);
}

static inline void register_write16(const struct registers *window, uint32_t offset,
                                    uint16_t value)
{
    register_write(window, offset, 2, value);
}

static inline void register_write32(const struct registers *window, uint32_t offset,
                                    uint32_t value)
{
    register_write(window, offset, 4, value);
}

static inline void register_write64(const struct registers *window, uint32_t offset,
                                    uint64_t value)
{
    register_write(window, offset, 8, value);
}

#endif
