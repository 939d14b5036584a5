/*
 * command_line.c - see command_line.h.
 */
#include "kernel/command_line.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/parse.h"

static bool take_log_level(const char *word, enum log_level *level)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (unsigned i = 0; i < 4; i++)
        if (text_equal(word, names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

static void take_word(struct command_line *line, const char *word)
{
    if (text_starts(word, "run="))
        line->run = word + 4;
    else if (text_starts(word, "system="))
        line->system_name = word + 7;
    else if (text_equal(word, "selftest"))
        line->selftest = true;
    else if (!text_starts(word, "log=") || !take_log_level(word + 4, &line->log_level))
        log_warn("boot", "command line: `%s` means nothing", word);
}

void command_line_parse(const char *text, struct command_line *line)
{
    *line = (struct command_line){ .log_level = LOG_INFO };
    struct parser parser = { .at = text };
    size_t used = 0;
    for (;;) {
        enum token_kind kind = parser_next(&parser);
        if (kind == TOKEN_END)
            return;
        if (kind == TOKEN_ERROR) {
            log_warn("boot", "command line: %s", parser.error);
            return;
        }
        if (kind != TOKEN_WORD)
            continue;
        char *word = line->text + used;
        if (!parse_unquote(parser.word, parser.word_length, word, sizeof(line->text) - used)) {
            log_warn("boot", "command line: too long");
            return;
        }
        take_word(line, word);
        used += strlen(word) + 1;
    }
}
