/*
 * stopper.h - ^C after a while, and commands that must answer it, or the caller, within 100 ms.
 *
 * Times are checked in the simulation alone, where other threads cost none.
 */
#ifndef TESTS_HOST_STOPPER_H
#define TESTS_HOST_STOPPER_H

#include "shell/shell.h"

struct stopper {
    struct thread *target, *thread;
    uint64_t after_us;
};

/* Interrupts the calling thread after `after_us`. */
void stopper_start(struct stopper *stopper, uint64_t after_us);
/* Waits until that was done, and clears the interrupt. */
void stopper_end(struct stopper *stopper);

/* Runs a text that waits for a device until ^C, and must be over soon then. Panics otherwise. */
void run_hanging(struct shell *shell, const char *text);
/* Runs a text that must answer at once, whatever its device does. Panics otherwise. */
void run_at_once(struct shell *shell, const char *text, int wanted);

#endif
