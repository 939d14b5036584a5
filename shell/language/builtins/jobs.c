/*
 * jobs.c - commands for jobs and traps: trap kill wait jobs fg bg times umask ulimit.
 */
#include "shell/language/jobs.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/builtins/builtins.h"

enum { SHELL_ID = 1 };

/* ---- trap --------------------------------------------------------------------------------- */

static void print_traps(struct shell *shell)
{
    for (int i = 0; i < SIGNALS; i++) {
        const char *action = shell->language->traps.actions[i];
        if (!action)
            continue;
        stream_text(shell->out, "trap -- ");
        builtin_print_quoted(shell->out, action);
        stream_format(shell->out, " %s\n", signal_name(i));
    }
}

static int run_trap(struct shell *shell, int count, char **words)
{
    count = builtin_operands(count, &words);
    if (!count) {
        print_traps(shell);
        return SHELL_DONE;
    }

    /* A number, or a condition alone, in place of the action: all are reset (POSIX). */
    bool number_first = *words[0] && text_all_digits(words[0], strlen(words[0]));
    bool resets = number_first || count == 1;
    const char *action = resets || text_equal(words[0], "-") ? NULL : words[0];
    int result = SHELL_DONE;
    for (int i = !resets; i < count; i++) {
        int number = signal_find(words[i]);
        if (number < 0) {
            result = shell_complain(shell, "%s: bad trap", words[i]);
            continue;
        }
        status_t status = traps_set(&shell->language->traps, number, action);
        if (status)
            return shell_fail(shell, NULL, status);
    }
    return result;
}

static const struct shell_command command_trap = {
    .name = "trap",
    .arguments = "[ACTION CONDITION...]",
    .summary = "run a text at EXIT, INT (^C), ERR or a signal of kill; '': ignore; -: reset",
    .arguments_max = -1,
    .run = run_trap,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_trap);

/* ---- kill --------------------------------------------------------------------------------- */

static int list_signals(struct shell *shell, int count, char **words)
{
    for (int i = 0; i < count; i++) {
        uint64_t number;
        if (text_parse_u64(words[i], &number) || number > 255) {
            shell_complain(shell, "Illegal number: %s", words[i]);
            return SHELL_USAGE;
        }
        const char *name = signal_name((int)(number > 128 ? number - 128 : number));
        if (!name)
            return shell_complain(shell, "%s: invalid signal number or exit status", words[i]);
        stream_format(shell->out, "%s\n", name);
    }
    for (int i = 1; !count && i < SIGNAL_ERR; i++)
        stream_format(shell->out, "%s\n", signal_name(i));
    return SHELL_DONE;
}

static int send_signal(struct shell *shell, const char *text, int number)
{
    struct language *language = shell->language;
    uint64_t id;
    struct job *job = jobs_find(&language->jobs, text);
    if (job) {
        if (number)
            job_signal(job, number);
        return SHELL_DONE;
    }

    /* The shell's own id: the signal is taken when this command has ended. */
    if (!text_parse_u64(text, &id) && id == SHELL_ID) {
        struct language *receiver = language->main ? language->main : language;
        if (number)
            traps_send(&receiver->traps, number);
        return SHELL_DONE;
    }
    if (*text == '%' || text_all_digits(text, strlen(text)))
        return shell_complain(shell, "%s: no such job", text);
    shell_complain(shell, "Illegal number: %s", text);
    return SHELL_USAGE;
}

static int run_kill(struct shell *shell, int count, char **words)
{
    int number = SIGNAL_TERM, at = 1, result = SHELL_DONE;
    if (count > 1 && text_equal(words[1], "-l"))
        return list_signals(shell, count - 2, words + 2);

    if (count > 2 && text_equal(words[1], "-s")) {
        number = signal_find(words[2]);
        at = 3;
    } else if (count > 1 && words[1][0] == '-' && words[1][1] && !text_equal(words[1], "--")) {
        number = signal_find(words[1] + 1);
        at = 2;
    }
    if (number < 0 || number == SIGNAL_ERR) {
        shell_complain(shell, "invalid signal number or name: %s", words[at - 1]);
        return SHELL_USAGE;
    }
    at += at < count && text_equal(words[at], "--");
    if (at == count)
        return shell_usage(shell);
    for (; at < count; at++) {
        int one = send_signal(shell, words[at], number);
        result = max(result, one);
    }
    return result;
}

static const struct shell_command command_kill = {
    .name = "kill",
    .arguments = "[-s SIGNAL | -SIGNAL] JOB... | -l [N]",
    .summary = "end background jobs: %1, or what $! was; -l: list the signals",
    .arguments_max = -1,
    .run = run_kill,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_kill);

/* ---- wait, jobs --------------------------------------------------------------------------- */

static int wait_all(struct shell *shell)
{
    struct jobs *jobs = &shell->language->jobs;
    for (;;) {
        /* The jobs of subshells that have ended are not this shell's to wait for. */
        struct job *job = jobs->first;
        while (job && job->orphan)
            job = job->next;
        int status;
        if (!job)
            return SHELL_DONE;
        if (jobs_wait(jobs, job, &status))
            return SHELL_INTERRUPTED;
    }
}

static int wait_for(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    if (!count)
        return wait_all(shell);

    for (int i = 0; i < count; i++) {
        struct job *job = jobs_find(&shell->language->jobs, words[i]);
        if (!job && !text_all_digits(words[i], strlen(words[i]))) {
            shell_complain(shell, *words[i] == '%' ? "no such job: %s" : "Illegal number: %s",
                           words[i]);
            return SHELL_USAGE;
        }
        result = SHELL_NO_COMMAND; /* of an id that is not known */
        if (job && jobs_wait(&shell->language->jobs, job, &result))
            return SHELL_INTERRUPTED;
    }
    return result;
}

static int run_wait(struct shell *shell, int count, char **words)
{
    struct traps *traps = &shell->language->traps;
    int result = SHELL_DONE;
    count = builtin_operands(count, &words);
    IGNORE(stream_flush(shell->out));

    /* A signal ends it, unless it is ignored. */
    do {
        traps_wait_begin(traps);
        if (!traps_next(traps))
            result = wait_for(shell, count, words);
    } while (traps_wait_end(traps) && !traps_next(traps));
    int number = traps_next(traps);
    return number ? 128 + number : result;
}

static const struct shell_command command_wait = {
    .name = "wait",
    .arguments = "[JOB...]",
    .summary = "wait for background jobs; the status is that of the last one",
    .arguments_max = -1,
    .run = run_wait,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_wait);

static int run_jobs(struct shell *shell, int count, char **words)
{
    bool ids = count > 1 && text_equal(words[1], "-p");
    bool all = count > 1 && text_equal(words[1], "-l");
    for (struct job *job = shell->language->jobs.first; job; job = job->next) {
        bool current = job == shell->language->jobs.first;
        if (job->orphan)
            continue;
        if (ids)
            stream_format(shell->out, "%u\n", job->id);
        else if (all)
            stream_format(shell->out, "[%u] %c %u %s\n", job->number, current ? '+' : ' ', job->id,
                          job_has_ended(job) ? "Done" : "Running");
        else
            stream_format(shell->out, "[%u] %c %s\n", job->number, current ? '+' : ' ',
                          job_has_ended(job) ? "Done" : "Running");
    }
    return SHELL_DONE;
}

static const struct shell_command command_jobs = {
    .name = "jobs",
    .arguments = "[-lp]",
    .summary = "list the background jobs; -p: only what $! was",
    .arguments_max = 1,
    .run = run_jobs,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_jobs);

/* ---- what has no meaning here ------------------------------------------------------------- */

static int run_foreground(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    return shell_complain(shell, "no job control: a job cannot be given the console; use `wait`");
}

static const struct shell_command command_fg = {
    .name = "fg",
    .arguments = "[JOB]",
    .summary = "not possible: there is no job control",
    .arguments_max = -1,
    .run = run_foreground,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_fg);

static const struct shell_command command_bg = {
    .name = "bg",
    .arguments = "[JOB]",
    .summary = "not possible: there is no job control; `command &` starts a job",
    .arguments_max = -1,
    .run = run_foreground,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_bg);

static int run_umask(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    return shell_complain(shell, "there are no users and no permissions");
}

static const struct shell_command command_umask = {
    .name = "umask",
    .arguments = "[MASK]",
    .summary = "not possible: there are no permissions",
    .arguments_max = -1,
    .run = run_umask,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_umask);

static int run_ulimit(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    return shell_complain(shell, "there are no processes whose use could be limited");
}

static const struct shell_command command_ulimit = {
    .name = "ulimit",
    .arguments = "[LIMIT]",
    .summary = "not possible: there are no processes",
    .arguments_max = -1,
    .run = run_ulimit,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_ulimit);

/* ---- times -------------------------------------------------------------------------------- */

static void add_time(const struct thread_info *info, void *total_us)
{
    if (info->priority == PRIORITY_NORMAL)
        *(uint64_t *)total_us += info->cpu_us;
}

static int run_times(struct shell *shell, int count, char **words)
{
    uint64_t us = 0;
    (void)count, (void)words;
    thread_each(add_time, &us);

    /* The shell's threads, and its children: none are left. There is one mode, not two. */
    stream_format(shell->out, "%llum%llu.%06llus 0m0.000000s\n0m0.000000s 0m0.000000s\n",
                  (unsigned long long)(us / 60000000), (unsigned long long)(us / 1000000 % 60),
                  (unsigned long long)(us % 1000000));
    return SHELL_DONE;
}

static const struct shell_command command_times = {
    .name = "times",
    .arguments = "",
    .summary = "show the processor time of the shell's threads",
    .arguments_max = -1,
    .run = run_times,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_times);
