/*
 * tac.c - prints lines in reverse order: tac.
 *
 * Model       Records end with a separator, or begin with it (-b). Each is found backwards from the
 *             end of the file, and copied from there.
 * Memory      A file is read where its records are. Standard input is kept in memory, if it leaves
 *             enough of that for others.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

enum { TAC_BYTES = 4096 };

struct tac {
    struct shell *shell;
    const char *separator;
    size_t separator_bytes;
    bool before;
    struct file *file;    /* NULL: `kept` */
    struct buffer kept;
    uint64_t size;
    char block[TAC_BYTES]; /* of the file */
    uint64_t block_at;
    size_t block_bytes;
};

/* Returns the bytes at an offset below `end`, as many of them as are in one place. */
static ssize_t look(struct tac *tac, uint64_t at, uint64_t end, const char **data)
{
    if (!tac->file) {
        *data = tac->kept.text + at;
        return (ssize_t)(end - at);
    }

    /* Blocks are read at multiples of their size: reading goes backwards and forwards. */
    if (at < tac->block_at || at >= tac->block_at + tac->block_bytes) {
        tac->block_at = at - at % TAC_BYTES;
        tac->block_bytes = 0;
        if (shell_interrupted())
            return -EINTR;
        ssize_t got = file_read_at(tac->file, tac->block_at, tac->block, TAC_BYTES);
        if (got < 0)
            return got;
        tac->block_bytes = (size_t)got;
        if (at >= tac->block_at + tac->block_bytes)
            return 0; /* the file was cut meanwhile */
    }
    *data = tac->block + (at - tac->block_at);
    return (ssize_t)min(end - at, tac->block_at + tac->block_bytes - at);
}

static status_t copy(struct tac *tac, uint64_t from, uint64_t end)
{
    struct stream *out = tac->shell->out;
    while (from < end && !out->status) {
        const char *data;
        ssize_t got = look(tac, from, end, &data);
        if (got <= 0)
            return (status_t)got;
        stream_write(out, data, (size_t)got);
        from += (uint64_t)got;
    }
    return 0;
}

/* Returns 1 if the separator is at this offset, 0 if not, or an errno. */
static int is_separator(struct tac *tac, uint64_t at)
{
    for (size_t done = 0; done < tac->separator_bytes;) {
        const char *data;
        ssize_t got = look(tac, at + done, at + tac->separator_bytes, &data);
        if (got <= 0)
            return (int)got;
        if (memcmp(data, tac->separator + done, (size_t)got))
            return 0;
        done += (size_t)got;
    }
    return 1;
}

/* Finds the last separator that ends at `end` or earlier. Returns 1 and its offset, 0, or an
 * errno. */
static int find_before(struct tac *tac, uint64_t end, uint64_t *place)
{
    if (end < tac->separator_bytes)
        return 0;
    for (uint64_t at = end - tac->separator_bytes + 1; at-- > 0;) {
        int found = is_separator(tac, at);
        if (found) {
            *place = at;
            return found;
        }
    }
    return 0;
}

static status_t print_backwards(struct tac *tac)
{
    uint64_t end = tac->size, search = end, place = 0;
    int found;

    while ((found = find_before(tac, search, &place)) > 0 && !tac->shell->out->status) {
        /* A separator belongs to the record before it, so the one at the very end begins none. */
        uint64_t start = tac->before ? place : place + tac->separator_bytes;
        status_t status = start < end || tac->before ? copy(tac, start, end) : 0;
        if (status)
            return status;
        end = start;
        search = place;
    }
    return found < 0 ? found : copy(tac, 0, end);
}

static status_t tac_input(struct input *input, void *context)
{
    struct tac *tac = context;
    const char *data;
    ssize_t got;

    tac->file = input->file;
    tac->block_bytes = 0;
    tac->size = input->file ? file_size(input->file) : 0;
    buffer_clear(&tac->kept);

    /* What has no size of its own is read first. */
    if (!tac->size) {
        tac->file = NULL;
        while ((got = input_piece(input, &data)) > 0 && !tac->kept.status)
            buffer_put(&tac->kept, data, (size_t)got);
        if (got < 0 || tac->kept.status)
            return got < 0 ? (status_t)got : tac->kept.status;
        tac->size = tac->kept.length;
    }
    return print_backwards(tac);
}

static int run_tac(struct shell *shell, int count, char **words)
{
    const char *separator = option_value(shell, 's');
    struct tac *tac = mem_zalloc(sizeof(*tac));
    if (!tac)
        return shell_fail(shell, NULL, -ENOMEM);

    /* An empty separator is a NUL (GNU). */
    tac->shell = shell;
    tac->separator = separator ? separator : "\n";
    tac->separator_bytes = max(strlen(tac->separator), (size_t)1);
    tac->before = option_given(shell, 'b');

    int result = input_each(shell, 1, count, words, tac_input, tac);
    buffer_free(&tac->kept);
    mem_free(tac);
    return result;
}

static const struct shell_option tac_options[] = {
    { 'b', "before", NULL, "the separator begins a line instead of ending it" },
    { 's', "separator", "TEXT", "use TEXT instead of a newline" },
    { 0 },
};

static const struct shell_command command_tac = {
    .name = "tac",
    .arguments = "[-b] [-s TEXT] [FILE...]",
    .summary = "print lines in reverse order",
    .arguments_max = -1,
    .run = run_tac,
    .options = tac_options,
    .group = "Text",
};
SHELL_COMMAND(command_tac);
DRIVER_DRIVES("command tac Text: print lines in reverse order");
