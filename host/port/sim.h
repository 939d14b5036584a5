/*
 * sim.h - the host back end that runs everything on one thread, so that a failure replays.
 *
 * Model       Threads are coroutines. Which of the runnable ones goes on, and whether the running
 *             one is interrupted when it releases its last spin, is drawn from the seed. Time is
 *             virtual: it starts at 0 with each run, stands still while threads run (a
 *             thread_yield() takes a microsecond), and leaps to the next deadline when none can.
 *             Now and then a park ends without reason, as port.h allows.
 * Failure     A panic, a failed run and a sanitizer's report print the seed.
 * Limits      A loop that waits for time_now_us() to go on without yielding or sleeping hangs.
 *             Outside of sim_run() the port works too, but nothing may wait.
 */
#ifndef HOST_PORT_SIM_H
#define HOST_PORT_SIM_H

#include <stdint.h>

/* Runs main(argument) as a thread, and all that it creates, until all have ended. Aborts with a
 * list of the threads when none can go on (deadlock), when threads still wait SIM_LINGER_US after
 * main has returned, and when more memory is in use than before. */
void sim_run(uint64_t seed, void (*main)(void *argument), void *argument);

/* The same for `count` seeds from `first` on; or only for the one that the environment names in
 * SIM_SEED, which is how a failure is looked at again. */
void sim_run_seeds(uint64_t first, unsigned count, void (*main)(void *argument), void *argument);

enum { SIM_LINGER_US = 60000000 };

/* Numbers from the running seed, for a test's own choices. */
uint64_t sim_random(void);

/* How often a thread was switched to in this run. */
uint64_t sim_switches(void);

#endif
