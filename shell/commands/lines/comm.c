/*
 * comm.c - compares two sorted files line by line: comm.
 *
 * Memory      A line of each file, and the one before it, to check that the files are sorted.
 * References  POSIX.1-2017, comm. As GNU's, it reports a file that is not sorted once a line
 *             without a counterpart was found, and continues.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

struct side {
    struct input input;
    bool has_line;
    char *line;
    size_t bytes;
    struct buffer before; /* the line before */
    bool has_before;
    bool disordered;      /* which was reported */
};

struct comm {
    struct shell *shell;
    struct side sides[2];
    const char *delimiter;
    size_t delimiter_bytes;
    char line_end;
    bool shows[3];
    bool unpaired;        /* a line without a counterpart was found */
    char check;           /* 'c': always, 'n': never, 0: after an unpaired line */
    uint64_t totals[3];
};

static int compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, min(a_bytes, b_bytes));
    return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* Reports a line that is smaller than the one before it, once for each file. Returns false if that
 * ends the command. */
static bool check_order(struct comm *comm, struct side *side)
{
    bool checks = comm->check == 'c' || (!comm->check && comm->unpaired);
    if (!checks || side->disordered || !side->has_before || !side->has_line ||
        compare(side->before.text, side->before.length, side->line, side->bytes) <= 0)
        return true;

    side->disordered = true;
    shell_complain(comm->shell, "file %d is not in sorted order", side == comm->sides ? 1 : 2);
    return comm->check != 'c';
}

/* Reads the next line of a side. */
static status_t advance(struct comm *comm, struct side *side)
{
    buffer_clear(&side->before);
    if (side->has_line)
        buffer_put(&side->before, side->line, side->bytes);
    if (side->before.status)
        return side->before.status;
    side->has_before = side->has_line;

    int got = input_line(&side->input, &side->line, &side->bytes);
    side->has_line = got > 0;
    (void)comm;
    return got < 0 ? got : 0;
}

static void print(struct comm *comm, unsigned column, const struct side *side)
{
    struct stream *out = comm->shell->out;
    comm->totals[column]++;
    if (!comm->shows[column])
        return;
    for (unsigned i = 0; i < column; i++)
        if (comm->shows[i])
            stream_write(out, comm->delimiter, comm->delimiter_bytes);
    stream_write(out, side->line, side->bytes);
    stream_write(out, &comm->line_end, 1);
}

/* Compares the lines that both sides are at, prints one, and advances. */
static int step(struct comm *comm)
{
    struct side *one = &comm->sides[0], *two = &comm->sides[1];
    int order = !one->has_line ? 1 : !two->has_line ? -1
                : compare(one->line, one->bytes, two->line, two->bytes);

    comm->unpaired |= order != 0;
    print(comm, order < 0 ? 0 : order > 0 ? 1 : 2, order <= 0 ? one : two);
    for (unsigned i = 0; i < 2; i++) {
        struct side *side = &comm->sides[i];
        if (i ? order < 0 : order > 0)
            continue;
        status_t status = advance(comm, side);
        if (status)
            return shell_fail(comm->shell, side->input.name, status);
        if (!check_order(comm, side))
            return SHELL_FAILED;
    }
    return SHELL_DONE;
}

static void print_total(const struct comm *comm)
{
    struct stream *out = comm->shell->out;
    for (unsigned i = 0; i < 3; i++) {
        stream_format(out, "%llu", (unsigned long long)comm->totals[i]);
        stream_text(out, comm->delimiter);
    }
    stream_text(out, "total");
    stream_write(out, &comm->line_end, 1);
}

static int comm_sides(struct comm *comm, char **words)
{
    for (unsigned i = 0; i < 2; i++) {
        struct side *side = &comm->sides[i];
        status_t status = input_open(comm->shell, words[i + 1], &side->input);
        side->input.line_end = comm->line_end;
        if (!status)
            status = advance(comm, side);
        if (status)
            return shell_fail(comm->shell, words[i + 1], status);
    }

    int result = SHELL_DONE;
    while (!result && !comm->shell->out->status &&
           (comm->sides[0].has_line || comm->sides[1].has_line))
        result = step(comm);
    if (!result && option_given_name(comm->shell, "total"))
        print_total(comm);
    if (!result && (comm->sides[0].disordered || comm->sides[1].disordered))
        result = shell_complain(comm->shell, "input is not in sorted order");
    return result;
}

/* Returns when an option without a letter was given last; 0: never. */
static unsigned given_at(const struct shell *shell, const char *name)
{
    const struct options *options = shell->options;
    for (unsigned i = 0; options->table[i].help; i++)
        if (options->table[i].name && text_equal(options->table[i].name, name))
            return options->given >> i & 1 ? options->last[i] : 0;
    return 0;
}

static int run_comm(struct shell *shell, int count, char **words)
{
    const char *delimiter = option_value_name(shell, "output-delimiter");
    struct comm *comm = mem_zalloc(sizeof(*comm));
    (void)count;
    if (!comm)
        return shell_fail(shell, NULL, -ENOMEM);

    /* An empty delimiter is a NUL (GNU). */
    comm->shell = shell;
    comm->delimiter = delimiter ? delimiter : "\t";
    comm->delimiter_bytes = max(strlen(comm->delimiter), (size_t)1);
    comm->line_end = option_given(shell, 'z') ? '\0' : '\n';

    /* The last of the two counts. */
    unsigned checks = given_at(shell, "check-order"), never = given_at(shell, "nocheck-order");
    comm->check = never > checks ? 'n' : checks > never ? 'c' : 0;
    for (unsigned i = 0; i < 3; i++)
        comm->shows[i] = !option_given(shell, (char)('1' + i));

    int result = comm_sides(comm, words);
    for (unsigned i = 0; i < 2; i++) {
        input_close(&comm->sides[i].input);
        buffer_free(&comm->sides[i].before);
    }
    mem_free(comm);
    return result;
}

static const struct shell_option comm_options[] = {
    { '1', NULL, NULL, "omit lines that only FILE1 has" },
    { '2', NULL, NULL, "omit lines that only FILE2 has" },
    { '3', NULL, NULL, "omit lines that both files have" },
    { 0, "check-order", NULL, "end at a line that is not in order" },
    { 0, "nocheck-order", NULL, "do not check that the files are sorted" },
    { 0, "output-delimiter", "TEXT", "separate columns with TEXT instead of a tab" },
    { 0, "total", NULL, "print how many lines each column has" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_comm = {
    .name = "comm",
    .arguments = "[-123z] FILE1 FILE2",
    .summary = "compare two sorted files line by line",
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_comm,
    .options = comm_options,
    .group = "Text",
};
SHELL_COMMAND(command_comm);
DRIVER_DRIVES("command comm Text: compare two sorted files line by line");
