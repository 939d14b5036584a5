/*
 * command_line.c - splits the command line and takes the options: see command_line.h.
 */
#include "kernel/command_line.h"
#include "lib/macros.h"
#include "lib/quote.h"
#include "lib/string.h"
#include "lib/text.h"

static bool take_log_level(const char *word, enum log_level *level)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        if (text_equal(word, names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

static void take_word(struct command_line *line, const char *word)
{
    if (text_starts(word, "run="))
        line->run = word + strlen("run=");
    else if (text_starts(word, "system="))
        line->system_name = word + strlen("system=");
    else if (text_equal(word, "selftest"))
        line->selftest = true;
    else if (text_equal(word, "drivers=any"))
        line->drivers_any = true;
    else if (text_equal(word, "copy=failed"))
        line->copy_failed = true;
    else if (!text_starts(word, "log=") || !take_log_level(word + strlen("log="), &line->log_level))
        log_warn("boot", "command line: unknown option '%s'", word);
}

void command_line_parse(const char *text, struct command_line *line)
{
    size_t used = 0;

    *line = (struct command_line){ .log_level = LOG_INFO };
    while (*(text = quote_skip_blanks(text))) {
        char open, *word = line->text + used;
        const char *end = quote_skip_word(text, &open);

        /* Where the word would end is unknown, so neither it nor the rest is used. */
        if (open) {
            log_warn("boot", "command line: no closing %c", open == '$' ? '\'' : open);
            return;
        }

        /* The words are stored one after another, since the options keep pointers to them. */
        if (!quote_remove(text, (size_t)(end - text), word, sizeof(line->text) - used)) {
            log_warn("boot", "command line: too long");
            return;
        }

        take_word(line, word);
        used += strlen(word) + 1;
        text = end;
    }
}
