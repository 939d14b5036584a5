/*
 * apply.c - finds the place of a hunk, and applies it; see patch.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/commands/edit/patch/patch.h"

/* ---- the place of a hunk ------------------------------------------------------------------ */

/* Returns whether the lines that the hunk expects are at `where`, except for some at both ends. */
static bool matches(const struct patch *patch, int64_t where, int64_t cut_before, int64_t cut_after)
{
    const struct patch_lines *wanted = &patch->hunk.old.lines;
    for (int64_t i = cut_before; i < wanted->count - cut_after; i++) {
        if (where + i < 1 || where + i > patch->input.count)
            return false;
        const struct patch_line *a = &wanted->list[i], *b = &patch->input.list[where + i - 1];
        if (a->bytes != b->bytes || memcmp(a->text, b->text, a->bytes) != 0)
            return false;
    }
    return true;
}

int64_t patch_locate(struct patch *patch, int64_t fuzz)
{
    const struct patch_hunk *hunk = &patch->hunk;
    int64_t guess = hunk->old.first + patch->in_offset, lines = hunk->old.lines.count;
    int64_t context = max(hunk->before, hunk->after);
    int64_t before = fuzz + hunk->before - context, after = fuzz + hunk->after - context;
    int64_t least = patch->copied + 1, most = patch->input.count - (lines - after) + 1;
    if (!lines)
        return guess;

    /* A hunk with less context before its changes than after them is at the start of the file, and
     * one with less after them at its end. */
    int64_t only = 0;
    if (before < 0 && hunk->old.first <= 1) {
        if (after < 0 && lines != patch->input.count)
            return 0;
        only = 1;
    } else if (after < 0) {
        only = patch->input.count - lines + 1;
    }
    if (only) {
        if (only < least || !matches(patch, only, max(before, 0), max(after, 0)))
            return 0;
        patch->in_offset += only - guess;
        return only;
    }

    before = max(before, 0);
    int64_t farthest = max(most - guess, guess - least);
    for (int64_t offset = 0; offset <= farthest && !shell_interrupted(); offset++)
        for (int sign = 1; sign >= -1; sign -= 2) {
            int64_t where = guess + sign * offset;
            if (where < max(least, 1) || where > most || (sign < 0 && !offset))
                continue;
            if (matches(patch, where, before, after)) {
                patch->in_offset += sign * offset;
                return where;
            }
        }
    return 0;
}

/* ---- applying ----------------------------------------------------------------------------- */

/* Appends a line to the new content, after a newline that the line before lacks (GNU). */
static void put_made(struct patch *patch, const struct patch_line *line)
{
    struct buffer *made = &patch->made;
    if (made->length && made->text[made->length - 1] != '\n')
        buffer_put(made, "\n", 1);
    buffer_put(made, line->text, line->bytes);
}

static void copy_lines(struct patch *patch, int64_t to)
{
    for (; patch->copied < min(to, patch->input.count); patch->copied++)
        put_made(patch, &patch->input.list[patch->copied]);
}

/* Replaces the lines at `where`. Context lines are those of the file: with fuzz they may differ. */
static void apply(struct patch *patch, int64_t where, int64_t fuzz)
{
    const struct patch_hunk *hunk = &patch->hunk;
    int64_t olds = hunk->old.lines.count, news = hunk->new.lines.count;
    int64_t context = max(hunk->before, hunk->after);
    int64_t before = fuzz ? min(max(fuzz + hunk->before - context, 0), hunk->before) : 0;
    int64_t after = fuzz ? min(max(fuzz + hunk->after - context, 0), hunk->after) : 0;

    copy_lines(patch, where - 1 + before);
    for (int64_t i = before; i < news - after; i++)
        put_made(patch, &hunk->new.lines.list[i]);
    patch->copied = max(patch->copied, where - 1 + olds - after);
    copy_lines(patch, where - 1 + olds);
    patch->out_offset += news - olds;
}

/* Returns the length of a line with its LF. */
static size_t line_length(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return newline ? (size_t)(newline - line) + 1 : (size_t)(end - line);
}

/* Appends the lines of a run of changes that begin with `kind`, with a sign instead of that. */
static void put_run(struct buffer *to, const char *run, const char *end, char kind,
                    const char *sign)
{
    while (run < end) {
        size_t length = line_length(run, end);
        const char *next = run + length;

        /* Before "\ No newline at end of file", the LF is not part of the line (GNU). */
        if (*run == kind) {
            buffer_put(to, sign, 1);
            buffer_put(to, run + 1, length - 1 - (next < end && *next == '\\'));
        }
        run = next;
    }
}

static void put_range(struct buffer *to, const char *sign, const struct patch_side *side,
                      int64_t offset)
{
    char text[64];
    int64_t count = side->lines.count, first = side->first + offset - !count;
    size_t length = (size_t)format_text(text, sizeof(text), count == 1 ? " %s%lld" : " %s%lld,%lld",
                                        sign, (long long)first, (long long)count);
    buffer_put(to, text, length);
}

/* Keeps a hunk for the file of rejects, in the direction and at the lines that were tried. In each
 * run of changes, the removed lines are first. */
static void reject(struct patch *patch)
{
    const struct patch_hunk *hunk = &patch->hunk;
    struct buffer *to = &patch->rejects;
    bool turned = patch->reverse != patch->swapped;
    const char *line = hunk->text + line_length(hunk->text, hunk->text + hunk->bytes);
    const char *end = hunk->text + hunk->bytes, *tail = strchr(strchr(hunk->text, '+'), ' ');

    patch->failed++;
    buffer_put(to, "@@", 2);
    put_range(to, "-", &hunk->old, patch->out_offset);
    put_range(to, "+", &hunk->new, patch->out_offset);
    buffer_put(to, tail, (size_t)(line - tail));

    while (line < end) {
        const char *run = line;
        while (run < end && *run != ' ' && *run != '\n')
            run += line_length(run, end);
        put_run(to, line, run, turned ? '+' : '-', "-");
        put_run(to, line, run, turned ? '-' : '+', "+");
        for (line = run; line < end && (*line == ' ' || *line == '\n');) {
            size_t length = line_length(line, end);
            const char *next = line + length;
            bool bare = next < end && *next == '\\';
            if (*line == '\n')
                buffer_put(to, " ", 1);
            buffer_put(to, line, length - bare);
            line = next + (bare ? line_length(next, end) : 0);
        }
    }
    for (int64_t i = 0; i < hunk->assumed; i++)
        buffer_put(to, " \n", 2);
}

static void report(struct patch *patch, int64_t where, int64_t fuzz)
{
    struct stream *out = patch->shell->out;
    long long shown = (where ? where : patch->hunk.old.first) + patch->out_offset;
    if (!where && patch->quiet)
        return;
    if (!where) {
        stream_format(out, "Hunk #%u %s at %lld.\n", patch->hunks,
                      patch->skips ? "ignored" : "FAILED", shown);
        return;
    }
    if (patch->quiet || (!fuzz && !patch->in_offset))
        return;
    stream_format(out, "Hunk #%u succeeded at %lld", patch->hunks, shown);
    if (fuzz)
        stream_format(out, " with fuzz %lld", (long long)fuzz);
    if (patch->in_offset)
        stream_format(out, " (offset %lld line%s)", (long long)patch->in_offset,
                      patch->in_offset == 1 ? "" : "s");
    stream_text(out, ".\n");
}

/* The first hunk is not found. Returns its place if it is found the other way round, and the patch
 * shall be reversed. */
static int64_t try_reversed(struct patch *patch, int64_t fuzz)
{
    patch_swap(patch);
    int64_t where = patch_locate(patch, fuzz);
    if (where) {
        stream_format(patch->shell->out, "%s patch detected!  %s\n",
                      patch->reverse ? "Unreversed" : "Reversed (or previously applied)",
                      !patch->batch ? "Skipping patch."
                      : patch->reverse ? "Ignoring -R." : "Assuming -R.");
        if (patch->batch) {
            patch->swapped = true;
            return where;
        }
        patch->skips = true;
    }
    patch_swap(patch);
    return 0;
}

/* Returns whether the patch creates the file. */
static bool creates(const struct patch *patch)
{
    return patch->reverse != patch->swapped ? patch->new_missing && patch->new_empty
                                            : patch->old_missing && patch->old_empty;
}

static void apply_hunk(struct patch *patch)
{
    int64_t where = 0, fuzz = 0, context = max(patch->hunk.before, patch->hunk.after);
    int64_t most = min(patch->fuzz_max, context);
    if (patch->reverse != patch->swapped)
        patch_swap(patch);
    patch->hunks++;

    for (fuzz = 0; fuzz <= most && !where && !patch->skips; fuzz++) {
        where = patch_locate(patch, fuzz);
        patch->mismatch |= !where;
        if (!where && patch->hunks == 1 && !patch->force && !patch->swapped)
            where = try_reversed(patch, fuzz);
    }
    fuzz -= fuzz > 0;

    /* A new file has no place in one that has lines already, even with -f (GNU). */
    if (where == 1 && patch->content_bytes && creates(patch))
        where = 0;
    if (where)
        apply(patch, where, fuzz);
    if (!where)
        reject(patch);
    patch->mismatch |= !where || fuzz || patch->in_offset;
    if (!patch->skips) {
        if (where)
            patch->out_offset -= patch->hunk.new.lines.count - patch->hunk.old.lines.count;
        report(patch, where, fuzz);
        if (where)
            patch->out_offset += patch->hunk.new.lines.count - patch->hunk.old.lines.count;
    }
}

status_t patch_file(struct patch *patch)
{
    int got = 0;
    while (!shell_interrupted() && (got = patch_next_hunk(patch)) > 0)
        apply_hunk(patch);
    copy_lines(patch, patch->input.count);
    status_t status = patch->made.status ? patch->made.status : patch->rejects.status;
    return shell_interrupted() ? -EINTR : got < 0 ? got : status;
}
