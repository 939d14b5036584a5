/*
 * jobs.h - commands that run in the background: `command &`.
 *
 * Model       A job is a thread that evaluates a command in a copy of the shell, with empty input.
 *             ^C does not reach it; `kill` interrupts it. It has a number for `jobs` and %N, and an
 *             id, which $! is. A job belongs to the shell that started it; the jobs of a subshell
 *             that has ended belong to the shell around it. The last shell waits for all jobs.
 * Locking     The lists belong to the shell's thread. A job's thread only sets `ended`.
 * References  POSIX.1-2017, Shell Command Language, 2.9.3 Asynchronous Lists.
 */
#ifndef SHELL_LANGUAGE_JOBS_H
#define SHELL_LANGUAGE_JOBS_H

#include "kernel/sched/sync.h"
#include "shell/language/syntax/tree.h"

struct shell;

/* What a job's thread calls, and what frees its shell. */
struct job_work {
    int (*evaluate)(struct shell *shell, const struct node *node);
    void (*destroy)(struct shell *shell);
};

struct job {
    struct job *next; /* started before this one */
    unsigned number, id;
    struct shell *shell;  /* its copy */
    struct tree *tree;
    const struct node *node;
    struct job_work work;
    struct thread *thread;
    _Atomic int signal;   /* that has ended it; 0: none */
    int status;
    struct spin lock;
    struct wait_queue changed;
    bool ended;
    bool orphan;          /* of a subshell that has ended: not listed */
};

struct jobs {
    struct job *first; /* the last one that was started */
};

/* A function that starts itself in the background ends there, not when memory is exhausted. */
enum { JOBS_MAX = 256 };

/* Starts a job. Takes the ownership of `copy`, even on failure. -ENOMEM; -EAGAIN if there are
 * JOBS_MAX. */
status_t jobs_start(struct shell *shell, struct shell *copy, struct tree *tree,
                    const struct node *node, const struct job_work *work,
                    struct job **job) MUST_CHECK;
/* Finds a job by its id, or by %N, %%, %+ or %-. NULL if there is none. */
struct job *jobs_find(struct jobs *jobs, const char *text);
/* Returns whether it has ended. */
bool job_has_ended(struct job *job);
/* Waits for a job, forgets it and stores its status. -EINTR after ^C: then nothing has changed. */
status_t jobs_wait(struct jobs *jobs, struct job *job, int *status) MUST_CHECK;
/* Ends a job as a signal would. */
void job_signal(struct job *job, int signal);
/* Forgets orphans that have ended. */
void jobs_reap(struct jobs *jobs);
/* Gives all jobs to another shell. */
void jobs_adopt(struct jobs *jobs, struct jobs *from);
/* Waits for all jobs; if they must `stop`, or after ^C, interrupts them first. */
void jobs_finish(struct jobs *jobs, bool stop);

#endif
