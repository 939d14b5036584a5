/*
 * memory.c - shows how much memory is in use: free, mem.
 *
 * `free` looks like that of procps; `mem` counts what the kernel allocates, for tests and for the
 * search of leaks.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/show.h"

static int run_free(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    char unit = option_last(shell, "bkmgh");
    bool human = unit == 'h';
    unsigned shift = unit == 'b' ? 0 : unit == 'm' ? 20 : unit == 'g' ? 30 : 10;
    uint64_t total = page_total_count(), free = page_free_count();
    struct vfs_counts counts = vfs_counts();
    uint64_t cached = counts.pages, dirty = min(counts.dirty_pages, counts.pages);

    /* The counts are read one after the other, so they may not add up. */
    uint64_t used = total > free + cached ? total - free - cached : 0;

    /* Cached pages are freed when memory is needed, except those that are not written yet. */
    uint64_t pages[] = { total, used, free, cached, free + cached - dirty };
    stream_format(shell->out, "%-4s %11s %11s %11s %11s %11s\nMem:", "", "total", "used", "free",
                  "cached", "available");
    for (unsigned i = 0; i < ARRAY_LENGTH(pages); i++) {
        char text[SIZE_TEXT_BYTES];
        uint64_t bytes = pages[i] * PAGE_BYTES;
        if (human)
            space_text(text, bytes, true);
        else
            format_text(text, sizeof(text), "%llu", (unsigned long long)(bytes >> shift));
        stream_format(shell->out, " %11s", text);
    }
    stream_text(shell->out, "\n");
    return SHELL_DONE;
}

static const struct shell_option free_options[] = {
    { 'h', "human", NULL, "print sizes such as 1.2K or 34M instead of KiB" },
    { 'b', "bytes", NULL, "print sizes in bytes" },
    { 'k', "kibi", NULL, "print sizes in KiB (the default)" },
    { 'm', "mebi", NULL, "print sizes in MiB" },
    { 'g', "gibi", NULL, "print sizes in GiB" },
    { 0 },
};

static const struct shell_command command_free = {
    .name = "free",
    .arguments = "[-bghkm]",
    .summary = "show memory in KiB; cached memory is freed when needed",
    .run = run_free,
    .options = free_options,
    .group = "The machine",
};
SHELL_COMMAND(command_free);

static int run_mem(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    enum { RECLAIM_PAGES = 64 }; /* at a time */

    /* Tests compare these counts, and what is merely cached would change them. */
    if (option_given_name(shell, "reclaim"))
        while (vfs_reclaim(RECLAIM_PAGES))
            ;

    struct vfs_counts counts = vfs_counts();
    stream_format(shell->out, "total pages: %zu\nfree pages: %zu\nheap bytes: %zu\n",
                  page_total_count(), page_free_count(), mem_used_bytes());
    stream_format(shell->out, "cached pages: %zu\ndirty pages: %zu\n", counts.pages,
                  counts.dirty_pages);
    stream_format(shell->out, "vnodes: %zu\nunused vnodes: %zu\n", counts.vnodes,
                  counts.unused_vnodes);
    return SHELL_DONE;
}

static const struct shell_option mem_options[] = {
    { 0, "reclaim", NULL, "first free all cached memory" },
    { 0 },
};

static const struct shell_command command_mem = {
    .name = "mem",
    .arguments = "[--reclaim]",
    .summary = "count the pages, heap bytes and vnodes in use",
    .run = run_mem,
    .options = mem_options,
    .group = "The machine",
};
SHELL_COMMAND(command_mem);
