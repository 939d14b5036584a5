/*
 * run.h - runs the body of a test over the back end that the test is linked with: once over
 * pthreads, or with many seeds over the simulation.
 *
 * Bodies check with kassert(), which works on every thread and prints the seed. A failing assertion
 * of cmocka calls longjmp(), which only the thread that runs the test may do.
 */
#ifndef HOST_PORT_RUN_H
#define HOST_PORT_RUN_H

#include "host/port/host.h"
#include "host/port/sim.h"

/* Only port_sim.c defines these: in a program with port_threads.c their addresses are NULL. */
#pragma weak sim_run
#pragma weak sim_run_seeds

enum { RUN_SEEDS = 200 };

static inline bool run_is_simulated(void)
{
    return sim_run_seeds;
}

/* Runs body(NULL). Panics if a thread or memory is left afterwards. */
static inline void run_body(void (*body)(void *argument))
{
    if (run_is_simulated())
        sim_run_seeds(1, RUN_SEEDS, body, NULL);
    else
        body(NULL);

    const char *left = host_leftovers();
    if (left)
        panic("%s", left);
}

#endif
