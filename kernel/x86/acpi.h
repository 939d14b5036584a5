/*
 * acpi.h - ACPI's tables: where they are, whether they are intact, and the \_S5 package in AML.
 *
 * Model       acpi_start() finds the root pointer: the loader's copy, or a search where BIOSes put
 *             it. acpi_open() searches the root table for a signature and maps that table; a table
 *             with a wrong length or checksum does not exist. There is no AML interpreter: \_S5 is
 *             found in the DSDT by its bytes.
 * Interface   Physical memory is mapped through the two functions of struct acpi_memory, so that
 *             this file is below mm/ and can be tested with tables in an array.
 * Ownership   acpi_open() returns a mapping of the caller's, which acpi_close() ends.
 * Locking     None: called during start-up only.
 * References  ACPI 6.4: 5.2.5 (RSDP), 5.2.6 (header), 5.2.7 (RSDT), 5.2.8 (XSDT), 7.4.2.6 (\_S5),
 *             20.2 (AML).
 */
#ifndef KERNEL_X86_ACPI_H
#define KERNEL_X86_ACPI_H

#include "boot/boot_info.h"
#include "lib/bytes.h"

struct acpi_memory {
    /* Returns the bytes at a physical address, readable, or NULL. */
    const void *(*map)(uint64_t physical, size_t bytes);
    void (*unmap)(const void *memory, size_t bytes);
};

/* Returns true if a root pointer was found. `memory` is borrowed permanently. */
bool acpi_start(const struct boot_info *boot, const struct acpi_memory *memory);

/* Maps the first table with this signature of 4 characters; no bytes if there is none. */
struct bytes acpi_open(const char *signature);
/* The same for a table at a known address (the FADT contains the DSDT's); 0: no bytes. */
struct bytes acpi_open_at(uint64_t address);
void acpi_close(struct bytes table);

/* Searches AML for the \_S5 package and reads the sleep types for the PM1a and PM1b control
 * registers. Returns false if there is none or it is not two plain numbers. */
bool acpi_find_s5(struct bytes dsdt, uint8_t *type_a, uint8_t *type_b);

#endif
