/*
 * progress.c - a progress bar in a row of the terminal; see progress.h.
 */
#include "shell/reading/progress.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"
#include "shell/reading/show.h"
#include "shell/terminal.h"

enum { BAR_COLUMNS = 20, TEXT_BYTES = 96, NAME_COLUMNS_LEAST = 8 };

static void bar_text(char bar[BAR_COLUMNS + 1], unsigned percent)
{
    unsigned filled = percent * BAR_COLUMNS / 100;

    memset(bar, ' ', BAR_COLUMNS);
    memset(bar, '=', filled);
    if (filled < BAR_COLUMNS)
        bar[filled] = '>';
    bar[BAR_COLUMNS] = '\0';
}

void progress_text(char *text, size_t bytes, uint64_t done_bytes, uint64_t total_bytes,
                   uint64_t elapsed_us)
{
    char bar[BAR_COLUMNS + 1], done[SIZE_TEXT_BYTES], total[SIZE_TEXT_BYTES],
        rate[SIZE_TEXT_BYTES];

    /* Divide first: the products could exceed 64 bits. */
    uint64_t ms = elapsed_us / 1000 ? elapsed_us / 1000 : 1;
    uint64_t per_second = done_bytes / ms * 1000 + done_bytes % ms * 1000 / ms;

    /* The file may have grown since its size was read. */
    total_bytes = max(total_bytes, done_bytes);

    uint64_t part = total_bytes / 100 ? total_bytes / 100 : 1;
    unsigned percent = done_bytes >= total_bytes ? 100 : (unsigned)(done_bytes / part);
    uint64_t left_s = per_second ? (total_bytes - done_bytes) / per_second : 0;

    bar_text(bar, percent < 100 ? percent : 100);
    size_text(done, done_bytes, true);
    size_text(total, total_bytes, true);
    size_text(rate, per_second, true);
    format_text(text, bytes, "[%s] %3u%%  %s/%s  %s/s  %llu:%02llu left", bar,
                percent < 100 ? percent : 100, done, total, rate,
                (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
}

void progress_begin(struct progress *progress, struct shell *shell, const char *name,
                    uint64_t total_bytes)
{
    uint64_t now = time_now_us();
    *progress = (struct progress){
        .shell = shell,
        .name = name,
        .total_bytes = total_bytes,
        .begun_us = now,
        .next_us = now + PROGRESS_AFTER_US,
        .wanted = shell_out_is_terminal(shell),
    };
}

/* Returns the end of the name, at most `columns` bytes. */
static const char *name_end(const char *name, size_t columns)
{
    size_t length = strlen(name);
    const char *at = length > columns ? name + (length - columns) : name;

    /* Do not begin within a character. */
    while (utf8_continues(*at))
        at++;
    return at;
}

static void progress_show(struct progress *progress, uint64_t now)
{
    char text[TEXT_BYTES];
    unsigned columns, rows;
    struct stream *out = progress->shell->out;

    progress_text(text, sizeof(text), progress->done_bytes, progress->total_bytes,
                  now - progress->begun_us);
    terminal_size(&columns, &rows);

    /* Two columns stay free: a blank after the name, and the last one, in which terminals wrap.
     * Without room for a useful part of the name, show the bar alone. */
    size_t used = strlen(text) + 2;
    stream_text(out, "\r\x1b[K");
    if (columns > used + NAME_COLUMNS_LEAST) {
        stream_escaped(out, name_end(progress->name, columns - used - 1), false);
        stream_text(out, " ");
    }
    if (columns > used)
        stream_text(out, text);
    IGNORE(stream_flush(out));
    progress->shown = true;
}

void progress_add(struct progress *progress, uint64_t bytes)
{
    progress->done_bytes += bytes;
    if (!progress->wanted)
        return;

    /* Most calls return here: the line is written a few times a second. */
    uint64_t now = time_now_us();
    if (now < progress->next_us)
        return;

    progress->next_us = now + PROGRESS_EVERY_US;
    progress_show(progress, now);
}

void progress_end(struct progress *progress)
{
    if (!progress->shown)
        return;

    /* Erase the line, so that the command's next output begins in the first column. */
    stream_text(progress->shell->out, "\r\x1b[K");
    progress->shell->out->at_line_start = true;
    IGNORE(stream_flush(progress->shell->out));
}
