/*
 * jobs.c - background threads of a shell; see jobs.h.
 */
#include "shell/language/jobs.h"
#include "lib/text.h"
#include "shell/language/state.h"
#include "shell/shell.h"

static _Atomic unsigned last_id = 100, count; /* of all shells' jobs that are not joined yet */

static void job_work(void *argument)
{
    struct job *job = argument;
    int status = job->work.evaluate(job->shell, job->node);

    spin_lock(&job->lock);
    job->status = status;
    job->ended = true;
    wait_queue_wake_all(&job->changed);
    spin_unlock(&job->lock);
}

static void job_free(struct job *job)
{
    if (job->thread)
        thread_join(job->thread);
    atomic_fetch_sub(&count, 1);
    job->work.destroy(job->shell);
    mem_free(job->shell);
    tree_put(job->tree);
    mem_free(job);
}

status_t jobs_start(struct shell *shell, struct shell *copy, struct tree *tree,
                    const struct node *node, const struct job_work *work, struct job **result)
{
    struct jobs *jobs = &shell->language->jobs;
    bool allowed = atomic_fetch_add(&count, 1) < JOBS_MAX;
    struct job *job = allowed ? mem_zalloc(sizeof(*job)) : NULL;
    if (!job) {
        atomic_fetch_sub(&count, 1);
        work->destroy(copy);
        mem_free(copy);
        return allowed ? -ENOMEM : -EAGAIN;
    }

    job->shell = copy;
    job->tree = tree_get(tree);
    job->node = node;
    job->work = *work;
    job->id = atomic_fetch_add(&last_id, 1) + 1;
    spin_init(&job->lock, RANK_QUEUE);
    wait_queue_init(&job->changed);

    /* The smallest number that is greater than all numbers in use. */
    for (const struct job *at = jobs->first; at; at = at->next)
        if (!at->orphan && at->number > job->number)
            job->number = at->number;
    job->number++;

    job->thread = thread_create("job", PRIORITY_NORMAL, job_work, job);
    if (!job->thread) {
        job_free(job);
        return -ENOMEM;
    }
    job->next = jobs->first;
    jobs->first = job;
    *result = job;
    return 0;
}

static struct job *find_number(struct jobs *jobs, uint64_t number)
{
    struct job *job = jobs->first;
    while (job && (job->orphan || job->number != number))
        job = job->next;
    return job;
}

struct job *jobs_find(struct jobs *jobs, const char *text)
{
    uint64_t number;
    if (*text == '%') {
        if (text_equal(text, "%-") && jobs->first && jobs->first->next)
            return jobs->first->next;
        if (!text[1] || text_equal(text, "%%") || text_equal(text, "%+") || text_equal(text, "%-"))
            return jobs->first;
        return text_parse_u64(text + 1, &number) ? NULL : find_number(jobs, number);
    }

    struct job *job = jobs->first;
    while (job && (text_parse_u64(text, &number) || job->id != number))
        job = job->next;
    return job;
}

bool job_has_ended(struct job *job)
{
    spin_lock(&job->lock);
    bool ended = job->ended;
    spin_unlock(&job->lock);
    return ended;
}

static void forget(struct jobs *jobs, struct job *job)
{
    struct job **link = &jobs->first;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;

    /* Its own background jobs are not known elsewhere. */
    jobs_adopt(jobs, &job->shell->language->jobs);
    job_free(job);
}

status_t jobs_wait(struct jobs *jobs, struct job *job, int *result)
{
    status_t status = 0;
    spin_lock(&job->lock);
    while (!job->ended && !status)
        status = wait_queue_wait_interruptible(&job->changed, &job->lock, TIME_NEVER);
    bool ended = job->ended;
    spin_unlock(&job->lock);
    if (!ended)
        return status;

    /* A job that a signal has ended has its number in the status (POSIX 2.8.2). */
    int signal = atomic_load(&job->signal);
    *result = signal ? 128 + signal : job->status;
    forget(jobs, job);
    return 0;
}

void job_signal(struct job *job, int signal)
{
    int none = 0;
    if (job_has_ended(job))
        return;
    atomic_compare_exchange_strong(&job->signal, &none, signal);
    thread_interrupt(job->thread);
}

void jobs_reap(struct jobs *jobs)
{
    for (struct job *job = jobs->first, *next; job; job = next) {
        next = job->next;
        if (job->orphan && job_has_ended(job)) {
            forget(jobs, job);
            next = jobs->first; /* the list may have grown */
        }
    }
}

void jobs_adopt(struct jobs *jobs, struct jobs *from)
{
    while (from->first) {
        struct job *job = from->first;
        from->first = job->next;
        job->orphan = true;
        job->next = jobs->first;
        jobs->first = job;
    }
}

void jobs_finish(struct jobs *jobs, bool stop)
{
    while (jobs->first) {
        struct job *job = jobs->first;
        int status;
        if (stop)
            thread_interrupt(job->thread);
        if (!jobs_wait(jobs, job, &status))
            continue;

        /* ^C: they end soon, since their waits return -EINTR. */
        thread_interrupt(job->thread);
        forget(jobs, job);
    }
}
