/*
 * parameter.c - values of parameters; see parameter.h.
 */
#include "shell/language/expansion/parameter.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/state.h"
#include "shell/pattern.h"

enum { SHELL_ID = 1 };

static const char *number_text(char number[PARAMETER_NUMBER_BYTES], int value)
{
    format_text(number, PARAMETER_NUMBER_BYTES, "%d", value);
    return number;
}

static const char *special_value(const struct shell *shell, char name,
                                 char number[PARAMETER_NUMBER_BYTES])
{
    const struct language *language = shell->language;
    switch (name) {
    case '?': return number_text(number, shell->status);
    case '#': return number_text(number, parameters_count(&language->parameters));
    case '$': return number_text(number, SHELL_ID); /* there are no processes */
    case '!': return language->last_job ? number_text(number, (int)language->last_job) : NULL;
    default: language_flags_text(language->flags, number); return number;
    }
}

const char *parameter_value(const struct shell *shell, const char *name, size_t length,
                            char number[PARAMETER_NUMBER_BYTES])
{
    uint64_t position;
    if (text_is_digit(*name)) {
        /* A number that does not fit is of no parameter. */
        if (text_parse_u64(name, &position) || position > WORDS_MAX)
            return NULL;
        return position ? parameters_get(&shell->language->parameters, (int)position)
                        : shell->language->name;
    }
    if (length == 1 && strchr("?#$!-", *name))
        return special_value(shell, *name, number);

    /* LINENO is special until it is assigned or unset. */
    const struct variable *variable = variables_find(&shell->variables, name, length);
    if (variable && !variable->value && variable->flags & VARIABLE_KEPT)
        return number_text(number, (int)shell->script_line);
    return variable ? variable->value : NULL;
}

const char *parameter_separator(const struct shell *shell, size_t *length)
{
    const char *ifs = variables_get(&shell->variables, "IFS", 3);
    *length = !ifs || *ifs ? 1 : 0;
    return ifs ? ifs : " ";
}

size_t parameter_characters(const char *text)
{
    size_t count = 0, left = strlen(text);
    while (left) {
        uint32_t code;
        size_t taken = pattern_take(text, left, false, &code);
        text += taken;
        left -= taken;
        count++;
    }
    return count;
}

/* Returns whether a position is inside a character. */
static bool splits_character(const char *text, size_t at)
{
    return ((unsigned char)text[at] & 0xc0) == 0x80;
}

static status_t trim_prefix(bool longest, const char *pattern, const char *text, size_t *begin)
{
    size_t length = strlen(text);
    char *copy = mem_alloc(length + 1);
    if (!copy)
        return -ENOMEM;

    /* Each prefix is matched as a text of its own, the shortest or the longest first. */
    memcpy(copy, text, length + 1);
    bool found = false;
    for (size_t n = 0; n <= length && !found && !shell_interrupted(); n++) {
        size_t at = longest ? length - n : n;
        if (splits_character(text, at))
            continue;
        copy[at] = '\0';
        found = glob_matches_text(pattern, copy, false);
        copy[at] = text[at];
        if (found)
            *begin = at;
    }
    mem_free(copy);
    return shell_interrupted() ? -EINTR : 0;
}

static status_t trim_suffix(bool longest, const char *pattern, const char *text, size_t *end)
{
    size_t length = *end;
    for (size_t n = 0; n <= length && !shell_interrupted(); n++) {
        size_t at = longest ? n : length - n;
        if (!splits_character(text, at) && glob_matches_text(pattern, text + at, false)) {
            *end = at;
            return 0;
        }
    }
    return shell_interrupted() ? -EINTR : 0;
}

status_t parameter_trim(enum parameter_operator operator, const char *pattern, const char *text,
                        size_t *begin, size_t *end)
{
    *begin = 0;
    *end = strlen(text);
    bool longest = operator == PARAMETER_LONG_PREFIX || operator == PARAMETER_LONG_SUFFIX;
    if (operator == PARAMETER_PREFIX || operator == PARAMETER_LONG_PREFIX)
        return trim_prefix(longest, pattern, text, begin);
    return trim_suffix(longest, pattern, text, end);
}
