/*
 * pic.h - the two 8259 interrupt controllers: masks, spurious interrupts, acknowledgement.
 *
 * Model       The first 8259 has lines 0..7, the second lines 8..15; the second raises line 2 of
 *             the first. Lines are edge or level triggered as the firmware has set them.
 * Locking     Interrupts off.
 * References  Intel 8259A data sheet.
 */
#ifndef KERNEL_X86_PIC_H
#define KERNEL_X86_PIC_H

#include <stdbool.h>

enum { PIC_LINES = 16, PIC_CASCADE_LINE = 2 };

/* Moves the vectors away from the exceptions' and masks every line. */
void pic_start(void);

/* Returns false if the machine has no 8259s: there are no lines. */
bool pic_is_present(void);

void pic_set_masked(unsigned line, bool masked);

/* Returns true if no device caused this interrupt: an 8259 whose request has gone before it was
 * acknowledged reports its line 7 instead. There is nothing to acknowledge then. */
bool pic_is_spurious(unsigned line);

/* Ends the interrupt in service that has the highest priority, which must be this line's. */
void pic_acknowledge(unsigned line);

/* Returns the line in this set, a bit for each, that has the highest priority. The set is not
 * empty. */
unsigned pic_highest(unsigned lines);

#endif
