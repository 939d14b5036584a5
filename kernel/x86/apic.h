/*
 * apic.h - the processor's local APIC, which receives the messages of MSI and MSI-X.
 *
 * Model       The 8259s interrupt the processor through the local APIC's input LINT0, and NMI
 *             through LINT1. Firmware usually leaves both connected, but not always, so
 *             apic_start() sets them up. A message is a write by a device to an address that
 *             selects this processor; its data contains the vector.
 * Invariant   Without a local APIC all functions do nothing and there are no messages: the machine
 *             works with the lines of the 8259s.
 * Locking     Interrupts off.
 * Status      The I/O APIC is not used: lines reach the processor through the 8259s.
 * References  Intel SDM volume 3, chapter 11 (APIC), 11.11 (message format), 11.12 (x2APIC).
 */
#ifndef KERNEL_X86_APIC_H
#define KERNEL_X86_APIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enables the local APIC if the processor has one. `map` maps its registers: space_map_mmio(). The
 * inputs for the 8259s and NMI are connected, all other local interrupts are masked. */
void apic_start(void *(*map)(uint64_t physical, size_t bytes));

bool apic_is_present(void);

/* Returns the address that a device writes to for interrupting this processor, or 0 if messages
 * cannot reach it. The data is the vector. */
uint64_t apic_message_address(void);

/* Ends the interrupt in service that has the highest vector. */
void apic_acknowledge(void);

/* Returns true if this vector waits for interrupts to be enabled. */
bool apic_is_pending(uint8_t vector);

/* Sends this processor an interrupt, as a device's message with this data would. For self tests. */
void apic_interrupt_self(uint8_t vector);

/* ---- its timer: for alarm.c ------------------------------------------------------------------ */

/* Returns true if the timer exists and also counts while the processor halts. */
bool apic_timer_runs_always(void);
/* Returns true if the timer can compare the time stamp counter with a deadline. */
bool apic_has_deadline(void);

/* Connects the timer, which does not run yet, to a vector. `deadline`: it is set by
 * apic_timer_set_deadline(), else by apic_timer_set_count(). */
void apic_timer_start(uint8_t vector, bool deadline);
void apic_timer_stop(void);

/* Interrupts once when the time stamp counter has this value or a higher one. */
void apic_timer_set_deadline(uint64_t tsc);
/* Interrupts once after this many ticks; 0 stops the timer. */
void apic_timer_set_count(uint32_t ticks);
/* Returns the ticks that are left. */
uint32_t apic_timer_count(void);

#endif
