/*
 * power.h - turning the machine off: machine_poweroff() and machine_reboot() of kernel/port.h.
 *
 * Model       Under a hypervisor the exit code is first written to the port of QEMU's
 *             isa-debug-exit device, which ends QEMU if it has one (early.h). Then ACPI's soft-off:
 *             the PM1 control ports, or the sleep control register that replaces them, are in the
 *             FADT, the sleep types in the DSDT (acpi.h). Without either, a line on every
 *             console says so, and the processor halts.
 * References  ACPI 6.4: 4.8.3.2 (PM1 control), 4.8.3.7 (sleep control), 5.2.9 (FADT).
 */
#ifndef KERNEL_X86_POWER_H
#define KERNEL_X86_POWER_H

#include "boot/boot_info.h"
#include "kernel/x86/acpi.h"

/* Reads ACPI's tables now, so that turning off needs no memory. After memory_start(); needs neither
 * time nor a console. `map` maps registers: space_map_mmio(). */
void power_start(const struct boot_info *boot, const struct acpi_memory *memory,
                 void *(*map)(uint64_t physical, size_t bytes));

/* Logs whether the machine can be turned off. */
void power_report(void);

/* Returns the port of ACPI's timer; 0: none. After power_start(). */
uint16_t power_timer_port(void);

/* Returns the CMOS register that contains the century, which the FADT names; 0: none. After
 * power_start(). */
unsigned power_century_register(void);

#endif
