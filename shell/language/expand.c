/*
 * expand.c - word expansion; see expand.h.
 *
 * The word is collected as a pattern, in which characters that were quoted have a backslash if they
 * mean something in patterns.
 */
#include "shell/language/expand.h"
#include "lib/format.h"
#include "lib/quote.h"
#include "lib/string.h"
#include "shell/language/glob.h"

struct expansion {
    struct shell *shell;
    struct words *words;   /* NULL: neither split nor match */
    struct buffer pattern; /* the word so far */
    bool begun;            /* there is a word, perhaps an empty one: '' */
    bool has_glob;
    status_t status;
};

static void put_literal(struct expansion *x, char c)
{
    /* Escape each character that has a meaning in a pattern, also within [...]. strchr() would find
     * the NUL too. */
    if (strchr("*?[]\\-!^", c) && c)
        buffer_put(&x->pattern, "\\", 1);
    buffer_put(&x->pattern, &c, 1);
    x->begun = true;
}

/* Appends a character that was not quoted. */
static void put_plain(struct expansion *x, char c)
{
    /* A backslash that comes from a variable's value is not an escape (POSIX 2.6). */
    if (c == '\\') {
        put_literal(x, c);
        return;
    }

    x->has_glob |= c == '*' || c == '?' || c == '[';
    buffer_put(&x->pattern, &c, 1);
    x->begun = true;
}

/* Ends a word: adds the names that it matches, or else the word itself. */
static void end_word(struct expansion *x)
{
    /* Blanks around a value do not make words, but '' makes an empty one. */
    if (!x->begun || x->status)
        return;

    /* An empty word has no text yet. Appending nothing makes it "". */
    buffer_put(&x->pattern, "", 0);
    x->status = x->pattern.status;

    int before = x->words->count;
    if (!x->status && x->has_glob)
        x->status = glob_expand(x->shell, x->pattern.text, x->words);

    /* No name matches, so the pattern itself is the word (POSIX 2.13.3). */
    if (!x->status && x->words->count == before) {
        glob_unescape(x->pattern.text);
        x->status = words_add(x->words, x->pattern.text, strlen(x->pattern.text));
    }

    buffer_clear(&x->pattern);
    x->begun = x->has_glob = false;
}

/* Appends a value: split at blanks, unless it is quoted (POSIX 2.6.5). */
static void put_value(struct expansion *x, const char *value, bool quoted)
{
    for (; *value; value++) {
        /* There is no IFS: values are split at the characters that are its default. */
        bool blank = *value == ' ' || *value == '\t' || *value == '\n';

        /* A value that is not quoted is still a pattern: A=*.c; ls $A. */
        if (quoted || !x->words)
            put_literal(x, *value);
        else if (blank)
            end_word(x);
        else
            put_plain(x, *value);
    }
}

/* Expands $NAME, ${NAME} or $?. Returns how many characters were taken; a $ alone is ordinary. */
static size_t put_dollar(struct expansion *x, const char *at, bool quoted)
{
    /* Room for every int in decimal. */
    char number[12];
    bool braces = at[1] == '{';
    const char *name = at + 1 + braces;
    size_t length = *name == '?' ? 1 : variable_name_length(name);

    /* parse_check() has accepted the word, so this $ does not begin a ${. */
    if (!length) {
        put_literal(x, '$');
        return 1;
    }

    /* A variable that is not set expands to nothing, and without quotes not even to an empty
     * word. */
    const char *value = number;
    if (*name == '?')
        format_text(number, sizeof(number), "%d", x->shell->status);
    else
        value = variables_get(&x->shell->variables, name, length);
    if (value)
        put_value(x, value, quoted);

    return 1 + length + 2 * (size_t)braces;
}

/* Takes a backslash and what it escapes. Returns how many characters were taken. */
static size_t put_escaped(struct expansion *x, const char *at, bool quoted)
{
    /* In double quotes a backslash stays before all but a few characters (POSIX 2.2.3). At the end
     * of the word it is a character too. */
    if (!at[1] || (quoted && !quote_double_escapes(at[1]))) {
        put_literal(x, '\\');
        return 1;
    }

    /* A backslash and a newline join two lines (POSIX 2.2.1). */
    if (at[1] != '\n')
        put_literal(x, at[1]);
    return 2;
}

/* Takes a quoted part, with both quotes. Returns how many characters were taken. */
static size_t put_quoted(struct expansion *x, const char *start)
{
    char quote = *start;
    const char *at = start + 1;

    /* Quotes make a word even if they contain nothing. */
    x->begun = true;

    /* The quotes are balanced, so the loop needs no check for the end of the text. */
    while (*at != quote) {
        if (quote == '"' && *at == '$')
            at += put_dollar(x, at, true);
        else if (quote == '"' && *at == '\\')
            at += put_escaped(x, at, true);
        else
            put_literal(x, *at++);
    }
    return (size_t)(at + 1 - start);
}

/* Returns whether this ~ means the home directory: at the start of a word or of a variable's value,
 * and alone or before a slash (POSIX 2.6.1). */
static bool is_home(const struct expansion *x, const char *word, size_t length, const char *at)
{
    size_t before = (size_t)(at - word);

    /* In A=~/x the ~ follows the = directly. An operand such as of=~ is not expanded. */
    bool begins = !before || (!x->words && at[-1] == '=' &&
                              variable_name_length(word) + 1 == before);
    return *at == '~' && begins && (before + 1 == length || at[1] == '/');
}

/* Expands ~, and takes the slash after it if the home ends with one: ~/a is /a, not //a. Returns
 * how many characters were taken. */
static size_t put_home(struct expansion *x, bool slash_follows)
{
    const char *home = shell_variable(x->shell, "HOME");
    home = home && *home ? home : "/";

    /* The directory's name is neither split nor matched, as if it were quoted. */
    put_value(x, home, true);
    return 1 + (slash_follows && home[strlen(home) - 1] == '/');
}

/* Takes $'...'. Returns how many characters were taken. */
static size_t put_special(struct expansion *x, const char *start)
{
    const char *at = start + 2;

    /* Quotes make a word even if they contain nothing. */
    x->begun = true;

    while (*at != '\'') {
        char c;
        at = quote_dollar_character(at, &c);

        /* No word can contain a NUL: \0 is left out. */
        if (c)
            put_literal(x, c);
    }
    return (size_t)(at + 1 - start);
}

/* Expands one word. parse_check() has required that its quotes and braces are closed. */
static void put_word(struct expansion *x, const char *word, size_t length)
{
    /* $'...' must be recognized before $NAME. */
    for (const char *at = word; at < word + length && !x->status;) {
        if (*at == '\'' || *at == '"')
            at += put_quoted(x, at);
        else if (at[0] == '$' && at[1] == '\'')
            at += put_special(x, at);
        else if (*at == '$')
            at += put_dollar(x, at, false);
        else if (*at == '\\')
            at += put_escaped(x, at, false);
        else if (is_home(x, word, length, at))
            at += put_home(x, at + 1 < word + length);
        else
            put_plain(x, *at++);
    }
}

status_t expand_word(struct shell *shell, const char *word, size_t length, struct words *words)
{
    struct expansion x = { .shell = shell, .words = words };
    put_word(&x, word, length);
    end_word(&x);
    buffer_free(&x.pattern);
    return x.status;
}

char *expand_text(struct shell *shell, const char *word, size_t length)
{
    struct expansion x = { .shell = shell };
    put_word(&x, word, length);

    /* The result of an empty word is "", not NULL. */
    buffer_put(&x.pattern, "", 0);
    if (x.pattern.status) {
        buffer_free(&x.pattern);
        return NULL;
    }

    /* Nothing is matched here, so remove the backslashes that kept characters literal. */
    glob_unescape(x.pattern.text);
    return x.pattern.text;
}
