/*
 * commands_system.c - the machine: help, log, mem, ps, uptime, reboot, poweroff.
 */
#include "kernel/log.h"
#include "kernel/shell/shell.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- help --------------------------------------------------------------------------------- */

/* The command whose name follows `previous` in the alphabet; NULL at the end. */
static const struct shell_command *help_next(const struct shell_command *previous)
{
    const struct shell_command *best = NULL;
    table_each(entry, shell_commands, struct shell_command) {
        if (previous && strcmp((*entry)->name, previous->name) <= 0)
            continue;
        if (!best || strcmp((*entry)->name, best->name) < 0)
            best = *entry;
    }
    return best;
}

static int run_help(struct shell *shell, int count, char **words)
{
    if (count > 1) {
        const struct shell_command *command = shell_command_find(words[1]);
        if (!command)
            return shell_complain(shell, "%s: no such command", words[1]);
        stream_format(shell->out, "%s %s\n    %s\n", command->name, command->arguments,
                      command->summary);
        return SHELL_DONE;
    }
    for (const struct shell_command *c = help_next(NULL); c; c = help_next(c))
        stream_format(shell->out, "%-10s %s\n", c->name, c->summary);
    stream_text(shell->out, "Between commands: ;  &&  ||   To a file: >  >>   "
                            "Quotes: '...'  \"...\"   Last status: $?\n");
    return SHELL_DONE;
}

static const struct shell_command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "what there is to type",
    .arguments_max = 1,
    .run = run_help,
};
SHELL_COMMAND(command_help);

/* ---- log, mem, ps, uptime ----------------------------------------------------------------- */

static int run_log(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    enum { BYTES = 1024 };
    uint64_t position = 0;
    char *text = mem_alloc(BYTES);
    if (!text)
        return shell_fail(shell, NULL, -ENOMEM);
    for (size_t got; (got = log_read(&position, text, BYTES)) && !shell_interrupted();)
        stream_write(shell->out, text, got);
    mem_free(text);
    return SHELL_DONE;
}

static const struct shell_command command_log = {
    .name = "log",
    .arguments = "",
    .summary = "what the kernel has said so far",
    .run = run_log,
};
SHELL_COMMAND(command_log);

static int run_mem(struct shell *shell, int count, char **words)
{
    if (count > 1) {
        if (!text_equal(words[1], "--reclaim"))
            return shell_usage(shell);
        while (vfs_reclaim(64))
            ;
    }
    struct vfs_counts counts = vfs_counts();
    stream_format(shell->out, "total pages: %zu\nfree pages: %zu\nheap bytes: %zu\n",
                  page_total_count(), page_free_count(), mem_used_bytes());
    stream_format(shell->out, "cached pages: %zu\nvnodes: %zu\nunused vnodes: %zu\n",
                  counts.pages, counts.vnodes, counts.unused_vnodes);
    return SHELL_DONE;
}

static const struct shell_command command_mem = {
    .name = "mem",
    .arguments = "[--reclaim]",
    .summary = "memory in use; --reclaim: drop what is only cached first",
    .arguments_max = 1,
    .run = run_mem,
};
SHELL_COMMAND(command_mem);

enum { PS_THREADS_MAX = 64 };

struct ps_list {
    unsigned count, all;
    struct {
        struct thread_info info;
        char name[16];
    } threads[PS_THREADS_MAX];
};

static void ps_take(const struct thread_info *info, void *context)
{
    struct ps_list *list = context;
    list->all++;
    if (list->count == PS_THREADS_MAX)
        return;
    list->threads[list->count].info = *info;
    text_copy(list->threads[list->count].name, 16, info->name);
    list->count++;
}

static int run_ps(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    static const char *const priorities[] = { "io", "normal", "idle" };
    struct ps_list *list = mem_zalloc(sizeof(*list));
    if (!list)
        return shell_fail(shell, NULL, -ENOMEM);
    thread_each(ps_take, list);
    stream_text(shell->out, "  ID NAME            STATE    PRIORITY     CPU ms\n");
    for (unsigned i = 0; i < list->count; i++)
        stream_format(shell->out, "%4u %-15s %-8s %-8s %10llu\n", list->threads[i].info.number,
                      list->threads[i].name, list->threads[i].info.state,
                      priorities[list->threads[i].info.priority],
                      (unsigned long long)(list->threads[i].info.cpu_us / 1000));
    if (list->all > list->count)
        stream_format(shell->out, "and %u more\n", list->all - list->count);
    mem_free(list);
    return SHELL_DONE;
}

static const struct shell_command command_ps = {
    .name = "ps",
    .arguments = "",
    .summary = "threads",
    .run = run_ps,
};
SHELL_COMMAND(command_ps);

static int run_uptime(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    uint64_t us = time_now_us(), seconds = us / 1000000;
    stream_format(shell->out, "up %llu:%02llu:%02llu.%03llu\n",
                  (unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
                  (unsigned long long)(seconds % 60), (unsigned long long)(us / 1000 % 1000));
    return SHELL_DONE;
}

static const struct shell_command command_uptime = {
    .name = "uptime",
    .arguments = "",
    .summary = "time since the kernel started",
    .run = run_uptime,
};
SHELL_COMMAND(command_uptime);

/* ---- the end ------------------------------------------------------------------------------ */

static int run_reboot(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    (void)!stream_flush(shell->out);
    machine_reboot();
}

static const struct shell_command command_reboot = {
    .name = "reboot",
    .arguments = "",
    .summary = "start the machine again",
    .run = run_reboot,
};
SHELL_COMMAND(command_reboot);

static int run_poweroff(struct shell *shell, int count, char **words)
{
    uint64_t code = 0;
    if (count > 1 && (text_parse_u64(words[1], &code) || code > 125))
        return shell_usage(shell);
    (void)!stream_flush(shell->out);
    machine_poweroff((int)code);
}

static const struct shell_command command_poweroff = {
    .name = "poweroff",
    .arguments = "[CODE]",
    .summary = "switch off; CODE (0..125) is the exit status under an emulator",
    .arguments_max = 1,
    .run = run_poweroff,
};
SHELL_COMMAND(command_poweroff);
