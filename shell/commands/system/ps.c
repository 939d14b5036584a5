/*
 * ps.c - lists the threads: ps.
 *
 * thread_each() keeps interrupts off, so the threads are copied first and printed afterwards.
 */
#include "lib/text.h"
#include "shell/shell.h"

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

    /* The name belongs to the thread, which may have ended when it is printed. */
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

    /* The list is a snapshot: threads may end while it is printed. */
    thread_each(ps_take, list);
    stream_text(shell->out, "  ID NAME            STATE    PRIORITY     CPU ms\n");
    for (unsigned i = 0; i < list->count; i++)
        stream_format(shell->out, "%4u %-15s %-8s %-8s %10llu\n", list->threads[i].info.number,
                      list->threads[i].name, list->threads[i].info.state,
                      priorities[list->threads[i].info.priority],
                      (unsigned long long)(list->threads[i].info.cpu_us / 1000));

    /* The copy has a fixed size, because memory cannot be allocated with interrupts off. */
    if (list->all > list->count)
        stream_format(shell->out, "and %u more\n", list->all - list->count);
    mem_free(list);
    return SHELL_DONE;
}

static const struct shell_command command_ps = {
    .name = "ps",
    .arguments = "",
    .summary = "list the threads",
    .run = run_ps,
    .group = "The machine",
};
SHELL_COMMAND(command_ps);
