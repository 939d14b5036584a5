/*
 * run.h - runs a test's body over the back end that the test is linked with: once over pthreads,
 * under many seeds over the simulation. Afterwards no thread and no memory may be left.
 *
 * Bodies check by kassert(), which works on every thread (cmocka's assertions jump, and only the
 * thread that runs the test may) and prints the seed.
 */
#ifndef HOST_PORT_RUN_H
#define HOST_PORT_RUN_H

#include "host/port/host.h"
#include "host/port/sim.h"

#pragma weak sim_run
#pragma weak sim_run_seeds

enum { RUN_SEEDS = 200 };

static inline bool run_is_simulated(void)
{
    return sim_run_seeds != NULL;
}

static inline void run_body(void (*body)(void *argument))
{
    if (run_is_simulated())
        sim_run_seeds(1, RUN_SEEDS, body, NULL);
    else
        body(NULL);
    const char *left = host_leftovers();
    if (left != NULL)
        panic("%s", left);
}

#endif
