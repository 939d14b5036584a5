/*
 * power.h - turning the machine off; the other half of it is machine_poweroff() and
 * machine_reboot() of kernel/port.h.
 *
 * Under a hypervisor the exit code goes to port 0xf4 first, where QEMU's isa-debug-exit listens if
 * it was asked for. Then ACPI's soft-off: the PM1a control port from the FADT, the sleep type from
 * the \_S5 package, found in the DSDT by its bytes since there is no AML interpreter here.
 *
 * References  ACPI 6.4: 5.2.5 (RSDP), 5.2.9 (FADT), 4.8.3.2 (PM1 control), 7.4.2.6 (\_S5).
 */
#ifndef KERNEL_X86_POWER_H
#define KERNEL_X86_POWER_H

#include "boot/boot_info.h"

/* Reads the tables, so that turning off needs no memory later. After memory_start(). */
void power_start(const struct boot_info *boot);

/* The clock's register that holds the century, as ACPI tells it; 0: none. After power_start(). */
unsigned power_century_register(void);

/* Leaves QEMU with code * 2 + 1 where that is possible; else returns. Any context. */
void power_debug_exit(int code);

#endif
