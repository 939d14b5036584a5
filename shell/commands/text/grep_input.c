/*
 * grep_input.c - searches one input for grep; see grep_input.h.
 */
#include "shell/commands/text/grep_input.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { WINDOW_BYTES = PAGE_BYTES / 2 };

/* A line that is written if one of the next lines matches: -B. */
struct kept {
    struct kept *next;
    uint64_t number, offset;
    size_t bytes;
    char text[];
};

/* The state of the search of one input. */
struct scan {
    struct grep *grep;
    struct input *input;
    uint64_t number, selected;
    uint64_t offset;     /* of the line in its input */
    uint64_t written;    /* the number of the last line written */
    uint64_t after_left; /* lines of context still to be written */
    bool binary;
    struct kept *first, *last;
    uint64_t kept_count;
};

/* ---- writing ------------------------------------------------------------------------------ */

/* Writes the name of the input, and what separates it from the text after it. */
static void write_name(const struct scan *scan, char separator)
{
    struct stream *out = scan->input->shell->out;
    stream_escaped(out, scan->input->name, false);
    stream_write(out, scan->grep->names_end ? "" : &separator, 1);
}

static void write_line(struct scan *scan, uint64_t number, uint64_t offset, char separator,
                       const char *text, size_t bytes)
{
    const struct grep *grep = scan->grep;
    struct stream *out = scan->input->shell->out;

    /* As in GNU, a colon follows the name and number of a selected line, and a dash those of
     * context. */
    if (grep->titles)
        write_name(scan, separator);
    if (grep->number)
        stream_format(out, "%llu%c", (unsigned long long)number, separator);

    if (grep->offsets)
        stream_format(out, "%llu%c", (unsigned long long)offset, separator);

    /* The line itself is not escaped: grep is a filter, and NULs were handled before. */
    stream_write(out, text, bytes);
    stream_write(out, &grep->line_end, 1);
}

/* -o: writes each part that matches on a line of its own. Empty matches are not written (GNU). */
static void write_parts(struct scan *scan, const char *line, size_t bytes)
{
    size_t at = 0, start, end;
    while (at < bytes && !shell_interrupted() &&
           regex_list_find(&scan->grep->expressions, line, bytes, at, &start, &end)) {
        if (end > start)
            write_line(scan, scan->number, scan->offset + start, ':', line + start, end - start);

        /* An empty match would be found again at the same place: continue one byte later. */
        at = end > start ? end : end + 1;
    }
}

/* Writes `--` if the last line written was not the one before this. */
static void write_gap(struct scan *scan, uint64_t number)
{
    struct grep *grep = scan->grep;

    /* Until a line of this input is written, the lines before belong to another input. */
    if (grep->separate && grep->printed && (number != scan->written + 1 || !scan->written))
        stream_text(scan->input->shell->out, "--\n");
    grep->printed = true;
    scan->written = number;
}

static void write_context(struct scan *scan, uint64_t number, uint64_t offset, const char *text,
                          size_t bytes)
{
    write_gap(scan, number);

    /* With -o context is not written, although the gaps in it are (GNU). */
    if (!scan->grep->parts_only)
        write_line(scan, number, offset, '-', text, bytes);
}

/* ---- the lines before a match --------------------------------------------------------------- */

static void kept_drop(struct scan *scan)
{
    struct kept *kept = scan->first;
    scan->first = kept->next;
    scan->kept_count--;
    mem_free(kept);
}

static status_t kept_add(struct scan *scan, const char *text, size_t bytes)
{
    if (!scan->grep->before)
        return 0;

    /* The oldest line is now too far from any match to come. */
    if (scan->kept_count == scan->grep->before)
        kept_drop(scan);

    /* -B has no upper limit, so each line must be checked against the memory that is left. */
    bool short_of_memory = vfs_memory_is_short(bytes / PAGE_BYTES);
    struct kept *kept = short_of_memory ? NULL : mem_alloc(sizeof(*kept) + bytes);
    if (!kept)
        return -ENOMEM;
    *kept = (struct kept){ .number = scan->number, .offset = scan->offset, .bytes = bytes };
    memcpy(kept->text, text, bytes);

    /* Append, because kept_write() writes the lines in the order of the input. */
    if (scan->first)
        scan->last->next = kept;
    else
        scan->first = kept;
    scan->last = kept;
    scan->kept_count++;
    return 0;
}

static void kept_write(struct scan *scan)
{
    while (scan->first) {
        struct kept *kept = scan->first;
        write_context(scan, kept->number, kept->offset, kept->text, kept->bytes);
        kept_drop(scan);
    }
}

/* ---- lines that may be written -------------------------------------------------------------- */

/* Recognises binary input. The first piece is searched as a whole, so that a NUL in it counts for
 * the lines before it, too. */
static void check_binary(struct scan *scan, const char *line, size_t bytes)
{
    const struct input *input = scan->input;

    /* With -z every line ends with a NUL, so a NUL proves nothing. */
    if (scan->grep->all_is_text || !scan->grep->line_end)
        return;

    /* A NUL may be in this line, or in a later line of the first piece. */
    scan->binary |= memchr(line, '\0', bytes) != NULL;
    if (scan->number == 1 && input->rest_bytes)
        scan->binary |= memchr(input->rest, '\0', input->rest_bytes) != NULL;
}

static void write_selected(struct scan *scan, const char *line, size_t bytes)
{
    /* The context comes first. Each line checks for itself whether `--` must precede it. */
    kept_write(scan);
    write_gap(scan, scan->number);
    scan->after_left = scan->grep->after;

    /* With -o -v nothing is written: a line that does not match has no matching part. */
    if (!scan->grep->parts_only)
        write_line(scan, scan->number, scan->offset, ':', line, bytes);
    else if (!scan->grep->invert)
        write_parts(scan, line, bytes);
}

/* Searches a line, and writes it or keeps it. After the last line that -m selects, lines of context
 * follow even if they match. */
static status_t scan_line(struct scan *scan, const char *line, size_t bytes, bool *ended)
{
    const struct grep *grep = scan->grep;
    bool open = scan->selected < grep->most;
    check_binary(scan, line, bytes);

    /* A line is selected, or it follows a selected line, or it may precede one. */
    if (open && regex_list_matches(&grep->expressions, line, bytes) != grep->invert) {
        scan->selected++;

        /* Binary data could disturb a terminal, so one message stands for all lines. */
        if (scan->binary) {
            shell_complain(scan->input->shell, "%s: binary file matches", scan->input->name);
            *ended = true;
            return 0;
        }
        write_selected(scan, line, bytes);
    } else if (scan->after_left) {
        scan->after_left--;
        write_context(scan, scan->number, scan->offset, line, bytes);
    } else {
        status_t status = kept_add(scan, line, bytes);
        if (status)
            return status;
    }

    /* After -m lines, continue only for the context of the last one. */
    *ended = scan->selected == grep->most && !scan->after_left;
    return 0;
}

static status_t scan_lines(struct scan *scan)
{
    char *line;
    size_t bytes;
    int got = 0;
    status_t status = 0;

    /* The loop also ends if the output fails, as in `grep x file | head`. */
    for (bool ended = false; !ended && !status && !scan->input->shell->out->status;) {
        if ((got = input_line(scan->input, &line, &bytes)) <= 0)
            break;
        scan->number++;
        status = scan_line(scan, line, bytes, &ended);
        scan->offset += bytes + 1;
    }

    /* Lines that no match followed. */
    while (scan->first)
        kept_drop(scan);
    return status ? status : got < 0 ? got : 0;
}

/* ---- lines that are counted ----------------------------------------------------------------- */

/* Matches a line that does not come in one piece through a window of bounded size. `part` is its
 * first piece. Returns 1, or an errno. */
static int match_parts(struct scan *scan, const char *part, size_t bytes, bool *matches)
{
    const struct regex_list *expressions = &scan->grep->expressions;
    char *window = mem_alloc(WINDOW_BYTES);
    size_t used = 0;
    int got = 1;
    if (!window)
        return -ENOMEM;

    /* Fill the window from the parts, and match whenever it is full. */
    *matches = false;
    regex_list_begin(expressions);
    for (bool ended = false; !ended && got >= 0;) {
        while (bytes && !*matches) {
            size_t count = min(WINDOW_BYTES - used, bytes);
            memcpy(window + used, part, count);
            used += count;
            part += count;
            bytes -= count;
            if (used < WINDOW_BYTES)
                break;

            /* A full window is matched; the part that may belong to a later match stays in it. */
            size_t done = regex_list_feed(expressions, window, used, false, matches);
            memmove(window, window + done, used - done);
            used -= done;
        }
        /* After a match, the rest of the line is still read. */
        ended = scan->input->line_ended || (got = input_part(scan->input, &part, &bytes)) == 0;
    }

    /* Match the rest, now that its end is known to be the end of the line. */
    if (got >= 0 && !*matches)
        (void)regex_list_feed(expressions, window, used, true, matches);
    mem_free(window);
    return got < 0 ? got : 1;
}

static status_t scan_count(struct scan *scan)
{
    const struct grep *grep = scan->grep;

    /* For -l, -L and -q, one selected line decides. */
    uint64_t most = grep->count_only || !grep->most ? grep->most : 1;

    /* As soon as the answer is certain, the rest of the input need not be read. */
    while (scan->selected < most) {
        const char *part;
        size_t bytes;
        bool matches;

        /* A line in one piece is matched in place. */
        int got = input_part(scan->input, &part, &bytes);
        if (got > 0 && !scan->input->line_ended)
            got = match_parts(scan, part, bytes, &matches);
        else if (got > 0)
            matches = regex_list_matches(&grep->expressions, part, bytes);
        if (got <= 0)
            return got;
        scan->selected += matches != grep->invert;
    }
    return 0;
}

/* ---- an input ------------------------------------------------------------------------------- */

/* Writes the line for the whole input: its name with -l and -L, its count with -c. */
static void sum_up(const struct scan *scan)
{
    const struct grep *grep = scan->grep;
    struct stream *out = scan->input->shell->out;
    if (grep->quiet)
        return;

    /* -l lists the inputs with a selected line, -L those without one. */
    if (grep->list_matching || grep->list_others) {
        if (grep->list_matching == (scan->selected != 0))
            write_name(scan, '\n');
    } else if (grep->count_only) {
        if (grep->titles)
            write_name(scan, ':');
        stream_format(out, "%llu\n", (unsigned long long)scan->selected);
    }
}

status_t grep_input(struct input *input, void *context)
{
    struct grep *grep = context;
    struct scan scan = { .grep = grep, .input = input };

    /* Lines that are never written need not be held in memory as a whole. */
    bool counts = grep->quiet || grep->list_matching || grep->list_others || grep->count_only;
    input->line_end = grep->line_end;
    status_t status = counts ? scan_count(&scan) : scan_lines(&scan);

    /* A match counts even if reading failed after it: with -q the status is then 0 (POSIX). */
    grep->found |= scan.selected != 0;
    if (!status)
        sum_up(&scan);
    return status;
}
