/*
 * xargs.c - runs a command with the words of standard input as its arguments: xargs.
 *
 * Words       are separated by blanks and newlines; '...', "..." and a backslash quote. With -0 or
 *             -d, a separator ends each word, and with -I each line is one.
 * Running     The command runs in a copy of the shell, whose standard input is empty.
 * Status      0; 123 if a command failed, 124 if one ended with 255, 126 after ^C, 127 if there is
 *             no such command (POSIX).
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/descriptor.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

enum {
    XARGS_FAILED = 123,
    XARGS_255 = 124,
    XARGS_BYTES = 128 * 1024, /* of the words of a command, as in GNU's */
    XARGS_WORDS = 32768,
};

struct xargs {
    struct shell *shell;
    char **command;        /* and its first arguments */
    int command_count;
    const char *replace;   /* -I; NULL: none */
    const char *end_word;  /* -E */
    int delimiter;         /* -0, -d; -1: blanks and quotes */
    uint64_t most_words, most_lines, most_bytes;
    bool exits, refuses;   /* -x; with a number of words or lines, which must fit then */

    struct words words;    /* of the next command: those that were read */
    uint64_t lines;
    bool line_has_words;
    bool ran, stops;
    int result;
    struct buffer word;
    bool in_word, ended_with_blank, warned;
};

/* ---- running ------------------------------------------------------------------------------ */

static void note_status(struct xargs *xargs, int status)
{
    if (status == SHELL_INTERRUPTED || status == SHELL_NO_COMMAND) {
        xargs->result = status;
        xargs->stops = true;
    } else if (status == 255) {
        shell_complain(xargs->shell, "%s: exited with status 255; aborting", xargs->command[0]);
        xargs->result = XARGS_255;
        xargs->stops = true;
    } else if (status) {
        xargs->result = XARGS_FAILED;
    }
}

static void trace(struct xargs *xargs, const struct words *words)
{
    for (int i = 0; i < words->count; i++)
        stream_format(xargs->shell->err, "%s%s", i ? " " : "", words->list[i]);
    stream_text(xargs->shell->err, "\n");
    IGNORE(stream_flush(xargs->shell->err));
}

/* Makes standard input of a shell empty. */
static status_t empty_input(struct shell *shell)
{
    struct descriptor *descriptor = descriptor_create();
    char *text = mem_alloc(1);
    if (!descriptor || !text) {
        mem_free(text);
        if (descriptor)
            (void)descriptor_put(shell, descriptor, NULL, false, 0);
        return -ENOMEM;
    }

    /* The copy of a shell ends the use of its descriptors. */
    descriptor_set_text(descriptor, text, 0);
    (void)descriptor_put(shell, shell->descriptors[0], NULL, false, 0);
    shell->descriptors[0] = descriptor;
    return 0;
}

/* Runs the words as a command, in a shell of its own: `cd` there does not change this one. */
static void run_words(struct xargs *xargs, const struct words *words)
{
    struct shell *copy = mem_alloc(sizeof(*copy));
    char **list = words_copy_list(words);
    status_t status = copy && list ? shell_copy(xargs->shell, copy) : -ENOMEM;

    if (option_given(xargs->shell, 't'))
        trace(xargs, words);

    /* The rest of the input is for xargs, unless it reads words from a file. */
    bool copied = !status;
    if (!status && !option_given(xargs->shell, 'a'))
        status = empty_input(copy);
    if (status) {
        xargs->result = shell_fail(xargs->shell, NULL, status);
        xargs->stops = true;
    } else {
        note_status(xargs, shell_run_command(copy, words->count, list));
        IGNORE(stream_flush(copy->err));
    }
    if (copied)
        shell_destroy(copy);
    mem_free(list);
    mem_free(copy);
    xargs->ran = true;
}

/* Copies an argument, with each occurrence of the text of -I replaced by the line. */
static status_t add_replaced(const struct xargs *xargs, struct words *to, const char *argument,
                             const char *line)
{
    struct buffer text = { 0 };
    size_t length = strlen(xargs->replace);
    for (; *argument; argument++) {
        bool replaces = length && text_starts(argument, xargs->replace);
        buffer_put(&text, replaces ? line : argument, replaces ? strlen(line) : 1);
        argument += replaces ? length - 1 : 0;
    }
    status_t status = text.status;
    if (!status)
        status = words_add(to, text.text ? text.text : "", text.length);
    buffer_free(&text);
    return status;
}

/* Runs the command with the words that were read, and forgets them. */
static void run_command(struct xargs *xargs)
{
    struct words all = { 0 };
    status_t status = 0;

    for (int i = 0; i < xargs->command_count && !status; i++)
        status = xargs->replace && i ? add_replaced(xargs, &all, xargs->command[i],
                                               xargs->words.list[0])
                                : words_add(&all, xargs->command[i], strlen(xargs->command[i]));
    for (int i = 0; !xargs->replace && i < xargs->words.count && !status; i++)
        status = words_add(&all, xargs->words.list[i], strlen(xargs->words.list[i]));

    if (status) {
        xargs->result = shell_fail(xargs->shell, NULL, status);
        xargs->stops = true;
    } else if (xargs->replace && all.bytes + (uint64_t)all.count > xargs->most_bytes) {
        shell_complain(xargs->shell, "argument list too long");
        xargs->result = SHELL_FAILED;
        xargs->stops = true;
    } else {
        run_words(xargs, &all);
    }
    words_free(&all);
    words_free(&xargs->words);
    xargs->lines = 0;
}

/* Returns the bytes of a command with this many more, as GNU counts them. */
static uint64_t bytes_with(const struct xargs *xargs, size_t more)
{
    uint64_t bytes = more + 1;

    /* With -I only the command's name counts here, and the rest when the line is inserted. */
    for (int i = 0; i < (xargs->replace ? 1 : xargs->command_count); i++)
        bytes += strlen(xargs->command[i]) + 1;
    return bytes + xargs->words.bytes + (uint64_t)xargs->words.count;
}

/* ---- reading words ------------------------------------------------------------------------ */

/* Takes the word that ends here. */
static void end_word(struct xargs *xargs)
{
    const char *text = xargs->word.text ? xargs->word.text : "";
    size_t length = xargs->word.length;
    bool is_end = xargs->end_word && *xargs->end_word && xargs->delimiter < 0 &&
                  text_equal(xargs->end_word, text);
    xargs->in_word = false;
    xargs->line_has_words = true;
    if (is_end) {
        xargs->stops = true;
        return;
    }

    /* A word that does not fit alone ends the input. With -x those before it are not used (GNU). */
    uint64_t others = xargs->words.bytes + (uint64_t)xargs->words.count;
    if (bytes_with(xargs, length) - others > xargs->most_bytes) {
        if (xargs->words.count && !xargs->exits)
            run_command(xargs);
        words_free(&xargs->words);
        shell_complain(xargs->shell, "argument line too long");
        xargs->result = SHELL_FAILED;
        xargs->stops = true;
        return;
    }

    /* A command is full before this word, or with it. */
    if (xargs->words.count && bytes_with(xargs, length) > xargs->most_bytes) {
        if (xargs->refuses) {
            shell_complain(xargs->shell, "argument list too long");
            xargs->result = SHELL_FAILED;
            xargs->stops = true;
            return;
        }
        run_command(xargs);
    }
    if (xargs->stops)
        return;

    status_t status = words_add(&xargs->words, text, length);
    buffer_clear(&xargs->word);
    if (status) {
        xargs->result = shell_fail(xargs->shell, NULL, status);
        xargs->stops = true;
    } else if (xargs->replace || (uint64_t)xargs->words.count == xargs->most_words) {
        run_command(xargs);
    }
}

/* A line ended. For -L, one that ends with a blank continues on the next that has words. */
static void end_line(struct xargs *xargs)
{
    bool counts = xargs->line_has_words && !xargs->ended_with_blank;
    xargs->line_has_words = false;
    if (counts && xargs->words.count && ++xargs->lines == xargs->most_lines)
        run_command(xargs);
}

static status_t take_delimited(struct input *input, struct xargs *xargs)
{
    char *line;
    size_t bytes;
    int got = 0;
    input->line_end = (char)xargs->delimiter;
    while (!xargs->stops && (got = input_line(input, &line, &bytes)) > 0) {
        buffer_clear(&xargs->word);
        buffer_put(&xargs->word, line, bytes);
        if (xargs->word.status)
            return xargs->word.status;
        end_word(xargs);
        xargs->ended_with_blank = false;
        end_line(xargs);
    }
    return got < 0 ? got : 0;
}

/* Takes one byte outside quotes. Returns the quote that it opens, or 0. */
static char take_byte(struct xargs *xargs, char c)
{
    bool blank = c == ' ' || c == '\t';
    bool space = blank || c == '\v' || c == '\f' || c == '\r';
    if ((c == '\'' || c == '"' || c == '\\')) {
        xargs->in_word = true;
        return c;
    }

    /* With -I only a newline ends a word. White space of any kind before it is dropped (GNU). */
    if (c == '\n' || (blank && !xargs->replace) || (space && !xargs->in_word)) {
        if (xargs->in_word)
            end_word(xargs);
        if (c == '\n' && !xargs->stops)
            end_line(xargs);
        xargs->ended_with_blank = blank;
        return 0;
    }
    xargs->in_word = true;
    xargs->ended_with_blank = false;
    buffer_put(&xargs->word, &c, 1);
    return 0;
}

/* Warns once: an argument ends at its first NUL. */
static void warn_of_nul(struct xargs *xargs)
{
    if (!xargs->warned)
        (void)shell_complain(xargs->shell, "WARNING: a NUL character occurred in the input.  It "
                                           "cannot be passed through in the argument list.  Did "
                                           "you mean to use the --null option?");
    xargs->warned = true;
}

static status_t take_quoted(struct input *input, struct xargs *xargs)
{
    const char *data;
    ssize_t got = 0;
    char quote = 0;

    while (!xargs->stops && (got = input_piece(input, &data)) > 0)
        for (ssize_t i = 0; i < got && !xargs->stops; i++) {
            char c = data[i];
            if (!c)
                warn_of_nul(xargs);
            if (!quote) {
                quote = take_byte(xargs, c);
            } else if (quote == '\\') {
                buffer_put(&xargs->word, &c, 1);
                quote = 0;
            } else if (c == quote) {
                quote = 0;
            } else if (c == '\n') {
                got = 0;
                xargs->stops = true;
            } else {
                buffer_put(&xargs->word, &c, 1);
            }
            if (xargs->word.status)
                return xargs->word.status;
        }
    if (got < 0)
        return (status_t)got;
    if (quote && quote != '\\') {
        shell_complain(xargs->shell, "unmatched %s quote; by default quotes are special to xargs "
                                     "unless you use the -0 option",
                       quote == '"' ? "double" : "single");

        /* The words before the quote are used, except with -x (GNU). */
        if (xargs->words.count && !xargs->exits)
            run_command(xargs);
        words_free(&xargs->words);
        xargs->result = SHELL_FAILED;
        xargs->stops = true;
        return 0;
    }
    if (xargs->in_word && !xargs->stops)
        end_word(xargs);
    return 0;
}

static status_t xargs_input(struct input *input, void *context)
{
    struct xargs *xargs = context;
    return xargs->delimiter >= 0 ? take_delimited(input, xargs) : take_quoted(input, xargs);
}

/* ---- options ------------------------------------------------------------------------------ */

/* Parses the value of -d: a byte, or an escape sequence. */
static int parse_delimiter(struct xargs *xargs, const char *text)
{
    static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
    unsigned value = 0;
    const char *letter = text[0] == '\\' && text[1] ? strchr(letters, text[1]) : NULL;
    bool octal = text[0] == '\\' && text[1] >= '0' && text[1] <= '7';
    bool hex = text[0] == '\\' && text[1] == 'x';
    if (text[0] && !text[1]) {
        xargs->delimiter = (uint8_t)*text;
        return SHELL_DONE;
    }
    if (letter && !text[2]) {
        xargs->delimiter = values[letter - letters];
        return SHELL_DONE;
    }
    for (const char *at = text + 1 + hex; (octal || hex) && *at; at++) {
        int digit = text_hex_digit(*at);
        if (digit < 0 || (octal && digit > 7) || value > 0xff)
            return shell_complain(xargs->shell, "invalid escape sequence %s in input delimiter "
                                                "specification", text);
        value = value * (octal ? 8 : 16) + (unsigned)digit;
    }
    if ((!octal && !hex) || value > 0xff)
        return shell_complain(xargs->shell, "invalid input delimiter specification %s: the "
                                            "delimiter must be either a single character or an "
                                            "escape sequence starting with \\", text);
    xargs->delimiter = (int)value;
    return SHELL_DONE;
}

/* Sets the delimiter from the last one of -0 and -d. */
static int choose_delimiter(struct xargs *xargs)
{
    const char *text = option_value(xargs->shell, 'd');
    xargs->delimiter = -1;
    int result = text ? parse_delimiter(xargs, text) : SHELL_DONE;
    if (option_last(xargs->shell, "0d") == '0')
        xargs->delimiter = '\0';
    return result;
}

static int run_xargs(struct shell *shell, int count, char **words)
{
    static char echo[] = "echo";
    char *standard[] = { echo, NULL };
    struct xargs xargs = {
        .shell = shell,
        .command = count > 1 ? words + 1 : standard,
        .command_count = count > 1 ? count - 1 : 1,
        .replace = option_value(shell, 'I'),
        .end_word = option_value(shell, 'E'),
        .exits = option_given(shell, 'x') || option_given(shell, 'I') || option_given(shell, 'L'),
        .most_words = XARGS_WORDS,
        .most_bytes = XARGS_BYTES,
    };
    uint64_t processes = 1;
    if (!option_number(shell, 'n', 1, XARGS_WORDS, &xargs.most_words) ||
        !option_number(shell, 'L', 1, UINT64_MAX, &xargs.most_lines) ||
        !option_number(shell, 's', 1, WORDS_BYTES_MAX, &xargs.most_bytes) ||
        !option_number(shell, 'P', 0, INT32_MAX, &processes))
        return SHELL_FAILED;
    if (option_last(shell, "eE") == 'e')
        xargs.end_word = option_value(shell, 'e');

    /* The command must fit even without words (GNU). */
    if (!xargs.replace && bytes_with(&xargs, 0) > xargs.most_bytes + 1)
        return shell_complain(shell, "cannot fit single argument within argument list size limit");

    /* Of -I, -L and -n the last one counts (POSIX). -n 1 is what -I does, and does not end it
     * (GNU). */
    char last = option_last(shell, "ILn");
    if (last == 'n' && xargs.most_words == 1 && option_last(shell, "IL") == 'I')
        last = 'I';
    xargs.replace = last == 'I' ? xargs.replace : NULL;
    xargs.most_lines = last == 'L' ? xargs.most_lines : 0;
    xargs.most_words = last == 'I' || last == 'L' ? XARGS_WORDS : xargs.most_words;
    xargs.refuses = xargs.replace || xargs.most_lines || (option_given(shell, 'x') && last == 'n');
    int result = choose_delimiter(&xargs);
    if (result)
        return result;

    const char *name = option_given(shell, 'a') ? option_value(shell, 'a') : "-";
    status_t status = input_one(shell, name, &name, xargs_input, &xargs);
    if (status) {
        result = shell_fail(shell, name, status);
    } else {
        /* Without -r the command runs once, even if there are no words. */
        bool fails = xargs.result && xargs.result != XARGS_FAILED;
        if (!fails && (xargs.words.count ||
                       (!xargs.ran && !xargs.replace && !option_given(shell, 'r'))))
            run_command(&xargs);
        result = xargs.result;
    }
    words_free(&xargs.words);
    buffer_free(&xargs.word);
    return result;
}

static const struct shell_option xargs_options[] = {
    { '0', "null", NULL, "words end with NUL; nothing is quoted" },
    { 'a', "arg-file", "FILE", "read words from FILE" },
    { 'd', "delimiter", "CHARACTER", "words end with it; nothing is quoted" },
    { 'E', NULL, "WORD", "end at this word" },
    { 'e', "eof", "[WORD]", "the same; without WORD nothing ends the words" },
    { 'I', NULL, "TEXT", "replace TEXT in the command by each line" },
    { 'L', NULL, "N", "use at most N lines for a command" },
    { 'n', "max-args", "N", "use at most N words for a command" },
    { 'P', "max-procs", "N", "no effect: commands run one after another" },
    { 'r', "no-run-if-empty", NULL, "do not run the command without words" },
    { 's', "max-chars", "N", "use at most N bytes for a command" },
    { 't', "verbose", NULL, "print each command on err before it runs" },
    { 'x', "exit", NULL, "end if the bytes of -s are exceeded" },
    { 0 },
};

static const struct shell_command command_xargs = {
    .name = "xargs",
    .arguments = "[-0rtx] [-a FILE] [-d CHAR] [-E WORD] [-I TEXT] [-LnPs N] [COMMAND]",
    .summary = "run a command with words from standard input",
    .arguments_max = -1,
    .run = run_xargs,
    .options = xargs_options,
    .option_rules = OPTIONS_FIRST,
    .group = "Text",
};
SHELL_COMMAND(command_xargs);
DRIVER_DRIVES("command xargs Text: run a command with words from standard input");
