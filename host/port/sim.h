/*
 * sim.h - the host back end that runs all threads on one thread of the host, so that a failure can
 * be reproduced.
 *
 * Model       Threads are coroutines. The seed decides which runnable thread runs next, whether the
 *             running thread is preempted when it releases its last spinlock, and which calls of
 *             thread_park() return without reason, as port.h allows.
 * Time        is virtual. It starts at 0 in each run and does not advance while threads run, except
 *             by 1 us for each thread_yield(). When no thread is runnable, it jumps to the next
 *             deadline.
 * Failure     A panic, a failed run and the report of a sanitizer print the seed.
 * Limits      A loop that waits for time_now_us() to advance must yield or sleep, or it never ends.
 *             Outside sim_run() the port works too, but no call may wait.
 */
#ifndef HOST_PORT_SIM_H
#define HOST_PORT_SIM_H

#include <stdint.h>

/* Runs main(argument) as a thread until it and all threads that it created have ended. Prints a
 * list of the threads and aborts if no thread can ever run again (a deadlock), if threads still
 * wait SIM_LINGER_US after main has returned, or if more memory is in use than before. */
void sim_run(uint64_t seed, void (*main)(void *argument), void *argument);

/* Calls sim_run() for `count` seeds starting at `first`. If the environment has SIM_SEED, calls it
 * for that seed only: so a failure is reproduced. */
void sim_run_seeds(uint64_t first, unsigned count, void (*main)(void *argument), void *argument);

enum { SIM_LINGER_US = 60000000 };

/* Returns a pseudo-random number that depends on the seed, for decisions of a test. */
uint64_t sim_random(void);

/* Returns how often the scheduler has switched to a thread in this run. */
uint64_t sim_switches(void);

#endif
