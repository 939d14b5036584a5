/*
 * tar_select.c - which files and members tar takes, and under what names; see tar.h.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"
#include "shell/options.h"
#include "shell/pattern.h"

struct lines {
    struct words *words;
    char end;
};

static status_t add_lines(struct input *input, void *context)
{
    struct lines *lines = context;
    char *line;
    size_t bytes;
    int got;
    input->line_end = lines->end;
    while ((got = input_line(input, &line, &bytes)) > 0) {
        status_t status = bytes ? words_add(lines->words, line, bytes) : 0;
        if (status)
            return status;
    }
    return got;
}

/* Returns the list for an --exclude or -X: --wildcards and --no-wildcards are for what follows
 * them. */
static struct words *excluded_by(struct tar *tar, const struct option_value *value)
{
    unsigned names = option_place_name(tar->shell, "no-wildcards");
    unsigned patterns = option_place_name(tar->shell, "wildcards");
    bool literal = names && names < value->number && (patterns < names || patterns > value->number);
    return literal ? &tar->excluded_names : &tar->excluded;
}

/* Adds the lines of the files that -T or -X names. */
static bool add_files(struct tar *tar, char letter)
{
    const struct option_value *value = option_values(tar->shell, letter);
    bool ends_with_nul = letter == 'T' && option_given_name(tar->shell, "null");
    for (; value; value = value->next) {
        struct lines lines = { letter == 'T' ? &tar->listed : excluded_by(tar, value),
                               ends_with_nul ? '\0' : '\n' };
        const char *shown;
        status_t status = input_one(tar->shell, value->text, &shown, add_lines, &lines);
        if (status) {
            tar_fail(tar, shown, status);
            return false;
        }
    }
    return true;
}

bool tar_collect(struct tar *tar)
{
    const struct option_value *value = option_values_name(tar->shell, "exclude");
    for (; value; value = value->next)
        if (words_add(excluded_by(tar, value), value->text, strlen(value->text))) {
            tar_fail(tar, NULL, -ENOMEM);
            return false;
        }
    return add_files(tar, 'X') && add_files(tar, 'T');
}

bool tar_enter(struct tar *tar, int operand)
{
    const struct option_value *next = tar->next_directory;
    for (; next && next->operands <= operand; next = next->next) {
        struct path *path;
        status_t status = path_walk(tar->directory, next->text, 0, &path);
        if (!status && !path_is_directory(path)) {
            path_put(path);
            status = -ENOTDIR;
        }
        if (status) {
            tar_fail(tar, next->text, status);
            return false;
        }
        path_put(tar->directory);
        tar->directory = path;
    }
    tar->next_directory = next;
    return true;
}

/* ---- patterns ----------------------------------------------------------------------------- */

/* Returns whether the pattern, or literal name, matches the text, or its start up to a slash.
 * Changes the text. */
static bool matches_start(const char *pattern, bool literal, char *text)
{
    for (;;) {
        if (literal ? text_equal(pattern, text) : glob_matches_text(pattern, text, false))
            return true;
        char *slash = strrchr(text, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
}

/* As tar_excludes(), for one list. `copy` has room for the name. */
static bool matches_any(const struct words *list, bool literal, const char *name, char *copy)
{
    bool excluded = false;
    for (int i = 0; i < list->count && !excluded; i++)
        for (const char *at = name; at && *at && !excluded; at = strchr(at, '/')) {
            at += *at == '/';
            memcpy(copy, at, strlen(at) + 1);
            excluded = *copy && matches_start(list->list[i], literal, copy);
        }
    return excluded;
}

bool tar_excludes(const struct tar *tar, const char *name)
{
    if (!tar->excluded.count && !tar->excluded_names.count)
        return false;
    char *copy = mem_alloc(strlen(name) + 1);
    bool excluded = copy && (matches_any(&tar->excluded, false, name, copy) ||
                             matches_any(&tar->excluded_names, true, name, copy));
    mem_free(copy);
    return excluded;
}

/* Returns whether an operand is the name, or without --no-recursion a directory that contains
 * it. */
static bool operand_fits(const struct tar *tar, const char *operand, const char *name)
{
    size_t length = strlen(operand);
    while (length > 1 && operand[length - 1] == '/')
        length--;
    if (!tar->wildcards && strncmp(name, operand, length) != 0)
        return false;
    if (!tar->wildcards && name[length] == '/' && name[length + 1])
        return !option_given_name(tar->shell, "no-recursion");
    if (!tar->wildcards)
        return !name[length] || name[length] == '/';

    char *copy = mem_alloc(strlen(name) + 1);
    bool fits = false;
    if (copy) {
        memcpy(copy, name, strlen(name) + 1);
        fits = matches_start(operand, false, copy);
    }
    mem_free(copy);
    return fits;
}

bool tar_is_wanted(struct tar *tar, const char *name)
{
    bool wanted = !tar->count;
    for (int i = 0; i < tar->count; i++) {
        bool fits = operand_fits(tar, tar->names[i], name);
        tar->found[i] |= fits;
        wanted |= fits;
    }
    return wanted && !tar_excludes(tar, name);
}

/* ---- names -------------------------------------------------------------------------------- */

const char *tar_safe_name(struct tar *tar, const char *name)
{
    const char *rest = name;
    if (tar->absolute)
        return name;
    for (const char *at = name, *end; *at; at = end + (*end == '/')) {
        end = strchr(at, '/');
        end = end ? end : at + strlen(at);
        if (end - at == 2 && text_starts(at, ".."))
            rest = end;
    }
    while (*rest == '/')
        rest++;
    if (rest != name && !tar->warned) {
        shell_complain(tar->shell, "Removing leading `%.*s' from member names", (int)(rest - name),
                       name);
        tar->warned = true;
    }
    return *rest ? rest : ".";
}

const char *tar_strip_name(const struct tar *tar, const char *name)
{
    for (uint64_t strip = tar->strip; strip && name; strip--) {
        name = strchr(name, '/');
        while (name && *name == '/')
            name++;
    }
    return name && *name ? name : NULL;
}
