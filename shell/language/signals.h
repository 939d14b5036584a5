/*
 * signals.h - the conditions that `trap` and `kill` name, and the actions of traps.
 *
 * Model       There are no processes, so no signals: ^C is INT. `kill` sends one of the others to a
 *             job, which it ends, or to $$: the shell, of which subshells and jobs are parts. There
 *             it is pending until the running command has ended; `wait` ends at once. EXIT and ERR
 *             are conditions of the shell, not signals.
 * Locking     traps_send() may be called by any thread, the others by the shell's.
 * Ownership   Actions are owned. A set of zeroes has none.
 * References  POSIX.1-2017, Shell Command Language, 2.11 Signals and Error Handling, trap.
 */
#ifndef SHELL_LANGUAGE_SIGNALS_H
#define SHELL_LANGUAGE_SIGNALS_H

#include "kernel/port.h"

struct thread;

enum {
    SIGNAL_EXIT = 0,
    SIGNAL_HUP = 1,
    SIGNAL_INT = 2,
    SIGNAL_KILL = 9,
    SIGNAL_TERM = 15,
    SIGNAL_CHLD = 17,
    SIGNAL_CONT = 18,
    SIGNAL_ERR = 32, /* not a signal */
    SIGNALS = 33,
};

struct traps {
    char *actions[SIGNALS]; /* NULL: the default; "": ignored */
    _Atomic uint64_t pending; /* bit n: signal n has come, perhaps from a job's thread */
    bool running;           /* an action runs: the next one waits */
    int status;             /* $? before that action; for a plain `exit` or `return` in it */
    unsigned calls;         /* functions around it */

    struct thread *waiter;  /* in `wait`, which a signal ends; NULL: none */
    bool woken;             /* a signal has ended it */
};

/* Returns the number of a signal: its name with or without SIG, in either case, or a number; -1 if
 * it is not one. */
int signal_find(const char *text);
/* Returns the name of a signal; NULL for a number that has none. */
const char *signal_name(int number);

/* Sends a signal, from any thread. */
void traps_send(struct traps *traps, int number);
/* Returns the first pending signal that is not ignored, or 0. */
int traps_next(struct traps *traps);
/* From traps_wait_begin() on, a signal interrupts the caller. traps_wait_end() returns whether one
 * has; the caller is then not interrupted any more. */
void traps_wait_begin(struct traps *traps);
bool traps_wait_end(struct traps *traps);

/* Sets the action; NULL: the default. */
status_t traps_set(struct traps *traps, int number, const char *action) MUST_CHECK;
void traps_free(struct traps *traps);

#endif
