/*
 * stopper.h - interrupts a thread after some time, as ^C does, and checks that commands end within
 * 100 ms. Times are checked only in the simulation, where running threads take no time.
 */
#ifndef TESTS_HOST_STOPPER_H
#define TESTS_HOST_STOPPER_H

#include "shell/shell.h"

struct stopper {
    struct thread *target, *thread;
    uint64_t after_us;
};

/* Starts a thread that interrupts the caller after `after_us`. */
void stopper_start(struct stopper *stopper, uint64_t after_us);
/* Waits for the interrupt and clears it. */
void stopper_end(struct stopper *stopper);

/* Runs a text that waits for a device, and interrupts it. Panics unless it ends soon then. */
void run_hanging(struct shell *shell, const char *text);
/* Runs a text. Panics unless it ends soon with that status, without an interrupt. */
void run_at_once(struct shell *shell, const char *text, int wanted);

#endif
