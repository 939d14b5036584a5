/*
 * controllers.h - which controllers of drives the machine has, and whether they are driven.
 *
 * Model       A controller is a PCI function of the classes 01 (storage) and 0c:03 (USB). It is
 *             driven if a driver has accepted it.
 * Locking     Threads, with no lock held.
 * References  PCI Code and ID Assignment 1.11, sections 1.2 and 1.13.
 */
#ifndef KERNEL_CONTROLLERS_H
#define KERNEL_CONTROLLERS_H

/* Logs a warning for each controller that is not driven, such as "xHCI at 00:04.0 is not driven",
 * and a line for each other one: why no drive was found there is known only to its driver. */
void controllers_report(void);

#endif
