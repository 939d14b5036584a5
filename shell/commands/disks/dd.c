/*
 * dd.c - copies blocks of files and devices: dd.
 *
 * Model       Each read asks for one block of ibs bytes. With bs=, what a read returns is written
 *             as it is; otherwise bytes are collected to blocks of obs. A block that was read or
 *             written in part is counted apart: "3+1 records in".
 * Errors      conv=noerror continues after a block that cannot be read, and with sync writes zeroes
 *             for it, so that everything after it keeps its place.
 * References  POSIX.1-2017, dd; GNU's flags and units.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/show.h"

enum {
    DD_BLOCK_BYTES = 512,
    DD_BLOCK_MAX = 16 * 1024 * 1024,
    DD_PROGRESS_US = 1000000,

    CONV_NOERROR = 1,
    CONV_SYNC = 2,
    CONV_NOTRUNC = 4,
    CONV_FSYNC = 8,
    CONV_EXCL = 16,
    CONV_NOCREAT = 32,
    CONV_UCASE = 64,
    CONV_LCASE = 128,
    CONV_SWAB = 256,

    FLAG_COUNT_BYTES = 1,
    FLAG_SKIP_BYTES = 2,
    FLAG_FULLBLOCK = 4,
    FLAG_SEEK_BYTES = 8,
    FLAG_APPEND = 16,
};

struct dd {
    struct shell *shell;
    const char *from, *to;           /* NULL: standard input, standard output */
    uint64_t ibs, obs, count, skip, seek;
    bool as_read;                    /* bs= was given: blocks are not collected */
    bool has_count, quiet, no_rate, progress;
    unsigned conv, iflags, oflags;
    struct file *in, *out;
    uint64_t in_at, out_at;          /* offsets in the files */
    uint64_t in_full, in_part, out_full, out_part, bytes;
    uint64_t begun_us, next_us;
    char *data, *held;               /* a block of input; output that is less than obs */
    size_t held_bytes;
};

/* ---- operands ----------------------------------------------------------------------------- */

/* Parses a number with dd's units, and products such as 2x512. */
static bool parse_number(const char *text, uint64_t *number)
{
    *number = 1;
    for (bool more = true; more;) {
        char part[32];
        size_t length = 0;
        uint64_t value, unit = 1;
        while (text[length] && text[length] != 'x' && length < sizeof(part) - 1) {
            part[length] = text[length];
            length++;
        }
        part[length] = '\0';

        /* c, w and b are units of dd's own. */
        char last = length > 1 ? part[length - 1] : '\0';
        if (last == 'c' || last == 'w' || last == 'b') {
            unit = last == 'c' ? 1 : last == 'w' ? 2 : DD_BLOCK_BYTES;
            part[length - 1] = '\0';
        }
        if (text_parse_u64(part, &value) || __builtin_mul_overflow(value, unit, &value) ||
            __builtin_mul_overflow(*number, value, number))
            return false;
        more = text[length] == 'x';
        text += length + more;
    }
    return !*text;
}

static const struct word {
    const char *name;
    unsigned bit;
} conversions[] = {
    { "noerror", CONV_NOERROR }, { "sync", CONV_SYNC },   { "notrunc", CONV_NOTRUNC },
    { "fsync", CONV_FSYNC },     { "fdatasync", CONV_FSYNC }, { "excl", CONV_EXCL },
    { "nocreat", CONV_NOCREAT }, { "ucase", CONV_UCASE }, { "lcase", CONV_LCASE },
    { "swab", CONV_SWAB },       { NULL, 0 },
}, input_flags[] = {
    { "count_bytes", FLAG_COUNT_BYTES }, { "skip_bytes", FLAG_SKIP_BYTES },
    { "fullblock", FLAG_FULLBLOCK }, { NULL, 0 },
}, output_flags[] = {
    { "seek_bytes", FLAG_SEEK_BYTES }, { "append", FLAG_APPEND }, { NULL, 0 },
};

/* Parses a list of words, separated by commas. */
static bool parse_words(const struct word *words, const char *text, unsigned *bits)
{
    while (true) {
        size_t length = 0;
        while (text[length] && text[length] != ',')
            length++;
        const struct word *word = words;
        while (word->name && !text_equal_n(word->name, strlen(word->name), text, length))
            word++;
        if (!word->name)
            return false;
        *bits |= word->bit;
        if (!text[length])
            return true;
        text += length + 1;
    }
}

static bool parse_status(struct dd *dd, const char *value)
{
    dd->quiet = text_equal(value, "none");
    dd->no_rate = text_equal(value, "noxfer");
    dd->progress = text_equal(value, "progress");
    return dd->quiet || dd->no_rate || dd->progress;
}

/* Parses KEY=VALUE. */
static bool parse_operand(struct dd *dd, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return false;
    const char *value = equals + 1;
    size_t length = (size_t)(equals - word);
    const struct { const char *name; uint64_t *number; } numbers[] = {
        { "ibs", &dd->ibs }, { "obs", &dd->obs }, { "count", &dd->count }, { "skip", &dd->skip },
        { "seek", &dd->seek },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
        if (text_equal_n(numbers[i].name, strlen(numbers[i].name), word, length)) {
            dd->has_count |= numbers[i].number == &dd->count;
            return parse_number(value, numbers[i].number);
        }

    if (text_equal_n("bs", 2, word, length)) {
        dd->as_read = true;
        bool good = parse_number(value, &dd->ibs);
        dd->obs = dd->ibs;
        return good;
    }
    if (text_equal_n("if", 2, word, length))
        dd->from = value;
    else if (text_equal_n("of", 2, word, length))
        dd->to = value;
    else if (text_equal_n("conv", 4, word, length))
        return parse_words(conversions, value, &dd->conv);
    else if (text_equal_n("iflag", 5, word, length))
        return parse_words(input_flags, value, &dd->iflags);
    else if (text_equal_n("oflag", 5, word, length))
        return parse_words(output_flags, value, &dd->oflags);
    else if (text_equal_n("status", 6, word, length))
        return parse_status(dd, value);
    else
        return false;
    return true;
}

/* ---- the report --------------------------------------------------------------------------- */

/* Formats an amount in units of 1000 or 1024 with two digits, as "1.5 MB". */
static void amount_text(char *text, size_t bytes, uint64_t amount, unsigned base,
                        const char *units, const char *ending)
{
    unsigned unit = 0;
    uint64_t tenths = amount * 10;
    while (amount >= base && units[unit]) {
        tenths = amount * 10 / base;
        amount /= base;
        unit++;
    }

    /* One decimal below 10. */
    char letter[2] = { unit ? units[unit - 1] : '\0' };
    if (unit && tenths < 100)
        format_text(text, bytes, "%llu.%llu %s%s", (unsigned long long)(tenths / 10),
                    (unsigned long long)(tenths % 10), letter, ending);
    else
        format_text(text, bytes, "%llu %s%s", (unsigned long long)amount, letter,
                    unit ? ending : "B");
}

/* "1048576 bytes (1.0 MB, 1.0 MiB) copied, 0.5 s, 2.1 MB/s" */
static void report_rate(struct dd *dd, const char *ending)
{
    char decimal[24], binary[24], rate[24];
    uint64_t us = time_now_us() - dd->begun_us;
    amount_text(decimal, sizeof(decimal), dd->bytes, 1000, "kMGTPE", "B");
    amount_text(binary, sizeof(binary), dd->bytes, 1024, "KMGTPE", "iB");

    /* Microseconds would overflow 64 bits for large amounts: count in milliseconds then. */
    uint64_t per_second = dd->bytes < UINT64_MAX / 1000000
                              ? dd->bytes * 1000000 / max(us, (uint64_t)1)
                              : dd->bytes / max(us / 1000000, (uint64_t)1);
    amount_text(rate, sizeof(rate), per_second, 1000, "kMGTPE", "B");
    stream_format(dd->shell->err, "%llu byte%s", (unsigned long long)dd->bytes,
                  text_plural(dd->bytes));
    if (dd->bytes >= 1000)
        stream_format(dd->shell->err, " (%s%s%s)", decimal, dd->bytes >= 1024 ? ", " : "",
                      dd->bytes >= 1024 ? binary : "");
    stream_format(dd->shell->err, " copied, %llu.%03llu s, %s/s%s",
                  (unsigned long long)(us / 1000000), (unsigned long long)(us / 1000 % 1000), rate,
                  ending);
}

static void report(struct dd *dd)
{
    if (dd->quiet)
        return;
    IGNORE(stream_flush(dd->shell->out));
    stream_format(dd->shell->err, "%s%llu+%llu records in\n%llu+%llu records out\n",
                  dd->next_us != dd->begun_us && dd->progress ? "\n" : "",
                  (unsigned long long)dd->in_full, (unsigned long long)dd->in_part,
                  (unsigned long long)dd->out_full, (unsigned long long)dd->out_part);
    if (!dd->no_rate)
        report_rate(dd, "\n");
    IGNORE(stream_flush(dd->shell->err));
}

/* status=progress: one line that is written over each second. */
static void report_progress(struct dd *dd)
{
    uint64_t now = time_now_us();
    if (!dd->progress || now < dd->next_us + DD_PROGRESS_US)
        return;
    dd->next_us = now;
    stream_text(dd->shell->err, "\r");
    report_rate(dd, "");
    IGNORE(stream_flush(dd->shell->err));
}

/* ---- copying ------------------------------------------------------------------------------ */

static status_t put(struct dd *dd, const char *data, size_t bytes)
{
    if (!bytes)
        return 0;
    if (dd->out) {
        size_t done = 0;
        while (done < bytes) {
            ssize_t got = file_write_at(dd->out, dd->out_at, data + done, bytes - done);
            if (got <= 0)
                return got ? (status_t)got : -EIO;
            done += (size_t)got;
            dd->out_at += (uint64_t)got;
        }
    } else {
        /* What seek= skips, before the first bytes. */
        for (; dd->out_at && !dd->shell->out->status && !shell_interrupted(); dd->out_at--)
            stream_write(dd->shell->out, "", 1);
        stream_write(dd->shell->out, data, bytes);
        if (dd->shell->out->status)
            return dd->shell->out->status;
    }
    bytes == dd->obs ? dd->out_full++ : dd->out_part++;
    dd->bytes += bytes;
    return 0;
}

/* Writes bytes in blocks of obs. */
static status_t put_blocks(struct dd *dd, const char *data, size_t bytes)
{
    status_t status = 0;
    if (dd->as_read)
        return put(dd, data, bytes);
    while (!status && bytes) {
        size_t part = min(bytes, (size_t)dd->obs - dd->held_bytes);
        memcpy(dd->held + dd->held_bytes, data, part);
        dd->held_bytes += part;
        data += part;
        bytes -= part;
        if (dd->held_bytes == dd->obs) {
            dd->held_bytes = 0;
            status = put(dd, dd->held, (size_t)dd->obs);
        }
    }
    return status;
}

static void convert(const struct dd *dd, char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes && dd->conv & (CONV_UCASE | CONV_LCASE); i++)
        data[i] = dd->conv & CONV_UCASE ? text_upper(data[i]) : text_lower(data[i]);
    for (size_t i = 0; i + 1 < bytes && dd->conv & CONV_SWAB; i += 2) {
        char first = data[i];
        data[i] = data[i + 1];
        data[i + 1] = first;
    }
}

/* Reads at most `bytes`: from a pipe once, unless iflag=fullblock. */
static ssize_t get(struct dd *dd, size_t bytes)
{
    if (dd->in) {
        ssize_t got = file_read_at(dd->in, dd->in_at, dd->data, bytes);
        dd->in_at += got > 0 ? (uint64_t)got : 0;
        return got;
    }
    size_t done = 0;
    while (done < bytes) {
        ssize_t got = shell_read(dd->shell, dd->data + done, bytes - done);
        if (got < 0)
            return got;
        done += (size_t)got;
        if (!got || !(dd->iflags & FLAG_FULLBLOCK))
            break;
    }
    return (ssize_t)done;
}

/* Handles a block that could not be read. Returns an error if the copy is to end. */
static status_t read_failed(struct dd *dd, size_t bytes, status_t status)
{
    const char *name = dd->from ? dd->from : "standard input";
    if (status == -EINTR)
        return status;
    (void)shell_fail_with(dd->shell, status, "error reading '%s'", name);
    if (!(dd->conv & CONV_NOERROR) || !dd->in)
        return status;

    /* The block is skipped; with sync, zeroes take its place. */
    report(dd);
    dd->in_at += bytes;
    if (!(dd->conv & CONV_SYNC))
        return 0;
    memset(dd->data, 0, bytes);
    dd->in_part++;
    return put_blocks(dd, dd->data, bytes);
}

/* Copies one block. Returns 1, 0 at the end, or an errno that was reported. */
static int copy_block(struct dd *dd, size_t bytes)
{
    ssize_t got = dd->in && dd->in_at >= file_size(dd->in) ? 0 : get(dd, bytes);
    if (got < 0) {
        status_t status = read_failed(dd, bytes, (status_t)got);
        return status ? status : 1;
    }
    if (!got)
        return 0;

    (uint64_t)got == dd->ibs ? dd->in_full++ : dd->in_part++;
    size_t length = (size_t)got;
    if (dd->conv & CONV_SYNC && length < dd->ibs) {
        memset(dd->data + length, 0, (size_t)dd->ibs - length);
        length = (size_t)dd->ibs;
    }
    convert(dd, dd->data, length);
    status_t status = put_blocks(dd, dd->data, length);
    if (status)
        (void)shell_complain(dd->shell, "error writing '%s': %s",
                             dd->to ? dd->to : "standard output", status_text(status));
    return status ? status : 1;
}

static status_t copy_all(struct dd *dd)
{
    bool by_bytes = dd->iflags & FLAG_COUNT_BYTES;
    uint64_t left = dd->has_count ? dd->count : UINT64_MAX;
    int got = 1;
    while (left && got > 0) {
        if (shell_interrupted())
            return -EINTR;
        size_t bytes = (size_t)(by_bytes ? min(left, dd->ibs) : dd->ibs);
        got = copy_block(dd, bytes);
        left -= by_bytes ? bytes : 1;
        report_progress(dd);
    }

    /* The last block of the output may be incomplete. */
    status_t status = got < 0 ? got : 0;
    if (!status)
        status = put(dd, dd->held, dd->held_bytes);
    if (!status && dd->out && dd->conv & CONV_FSYNC)
        status = file_flush(dd->out);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------ */

static int open_input(struct dd *dd)
{
    uint64_t skip = dd->skip, unit = dd->iflags & FLAG_SKIP_BYTES ? 1 : dd->ibs;
    if (__builtin_mul_overflow(skip, unit, &skip))
        return shell_complain(dd->shell, "skip: number too large");
    if (dd->from) {
        status_t status = file_open(dd->shell->directory, dd->from, OPEN_READ, &dd->in);
        if (status)
            return shell_fail_with(dd->shell, status, "failed to open '%s'", dd->from);
        dd->in_at = skip;
        return SHELL_DONE;
    }

    /* A pipe cannot seek: read what is skipped. */
    while (skip) {
        ssize_t got = shell_read(dd->shell, dd->data, (size_t)min(skip, dd->ibs));
        if (got <= 0)
            break;
        skip -= (uint64_t)got;
    }
    return SHELL_DONE;
}

/* Devices have a size that cannot be changed. */
static bool is_device(struct shell *shell, const char *name)
{
    struct path *path;
    if (path_walk(shell->directory, name, 0, &path))
        return false;
    bool device = text_equal(path_fsd(path)->name, "devfs");
    path_put(path);
    return device;
}

static bool exists(struct shell *shell, const char *name)
{
    struct path *path;
    if (path_walk(shell->directory, name, 0, &path))
        return false;
    path_put(path);
    return true;
}

static int open_output(struct dd *dd)
{
    uint64_t at = dd->seek, unit = dd->oflags & FLAG_SEEK_BYTES ? 1 : dd->obs;
    if (__builtin_mul_overflow(at, unit, &at))
        return shell_complain(dd->shell, "seek: number too large");

    /* Standard output cannot seek: what is skipped becomes zeroes. */
    if (!dd->to) {
        dd->out_at = dd->oflags & FLAG_APPEND ? 0 : at;
        return SHELL_DONE;
    }

    unsigned flags = OPEN_WRITE | (dd->conv & CONV_NOCREAT ? 0 : OPEN_CREATE);
    status_t status = dd->conv & CONV_EXCL && exists(dd->shell, dd->to) ? -EEXIST : 0;
    if (!status)
        status = file_open(dd->shell->directory, dd->to, flags, &dd->out);
    if (status) {
        dd->out = NULL;
        return shell_fail_with(dd->shell, status, "failed to open '%s'", dd->to);
    }

    /* Without notrunc, everything from the first byte written on is dropped (POSIX). */
    if (dd->oflags & FLAG_APPEND)
        at = file_size(dd->out);
    else if (!(dd->conv & CONV_NOTRUNC) && !is_device(dd->shell, dd->to))
        status = file_set_size(dd->out, at);
    dd->out_at = at;
    if (status)
        return shell_fail_with(dd->shell, status, "failed to truncate '%s'", dd->to);
    return SHELL_DONE;
}

static int dd_run(struct dd *dd)
{
    dd->data = mem_alloc((size_t)dd->ibs);
    dd->held = mem_alloc((size_t)dd->obs);
    if (!dd->data || !dd->held)
        return shell_fail(dd->shell, NULL, -ENOMEM);
    int result = open_input(dd);
    if (!result)
        result = open_output(dd);
    if (result)
        return result;

    dd->begun_us = dd->next_us = time_now_us();
    status_t status = copy_all(dd);
    report(dd);
    if (status == -EINTR)
        return SHELL_INTERRUPTED;
    return status ? SHELL_FAILED : SHELL_DONE;
}

static int run_dd(struct shell *shell, int count, char **words)
{
    struct dd *dd = mem_zalloc(sizeof(*dd));
    if (!dd)
        return shell_fail(shell, NULL, -ENOMEM);
    dd->shell = shell;
    dd->ibs = dd->obs = DD_BLOCK_BYTES;

    int result = SHELL_DONE;
    for (int i = 1; i < count && !result; i++)
        if (!parse_operand(dd, words[i]))
            result = shell_complain(shell, "unrecognized operand or invalid value '%s'", words[i]);
    if (!result && (!dd->ibs || !dd->obs || dd->ibs > DD_BLOCK_MAX || dd->obs > DD_BLOCK_MAX))
        result = shell_complain(shell, "a block has 1 byte to 16 MiB");
    if (!result)
        result = dd_run(dd);

    file_close(dd->in);
    file_close(dd->out);
    mem_free(dd->data);
    mem_free(dd->held);
    mem_free(dd);
    return result;
}

static const struct shell_command command_dd = {
    .name = "dd",
    .arguments = "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] ...",
    .summary = "copy blocks, also ibs obs conv iflag oflag status=progress",
    .arguments_max = -1,
    .run = run_dd,
    .group = "Files",
};
SHELL_COMMAND(command_dd);
DRIVER_DRIVES("command dd Files: copy blocks, also ibs obs conv iflag oflag status=progress");
