/*
 * parse.c - parses patches in the unified form; see patch.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/edit/patch/patch.h"

enum { LINE_MAX = INT32_MAX, ASSUMED_MAX = 3 };

status_t patch_lines_add(struct patch_lines *lines, const char *text, size_t bytes)
{
    if (lines->count == lines->room) {
        int64_t room = lines->room + lines->room / 2 + 64;
        struct patch_line *grown = mem_alloc((size_t)room * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        if (lines->count)
            memcpy(grown, lines->list, (size_t)lines->count * sizeof(*grown));
        mem_free(lines->list);
        lines->list = grown;
        lines->room = room;
    }
    lines->list[lines->count++] = (struct patch_line){ text, bytes };
    return 0;
}

status_t patch_lines_split(struct patch_lines *lines, const char *text, size_t bytes)
{
    status_t status = 0;
    while (bytes && !status) {
        const char *end = memchr(text, '\n', bytes);
        size_t length = end ? (size_t)(end - text) + 1 : bytes;
        status = patch_lines_add(lines, text, length);
        text += length;
        bytes -= length;
    }
    return status;
}

/* Shows the next line, with its LF. Returns its length, 0 at the end. */
static size_t peek(const struct patch *patch, const char **line)
{
    size_t left = patch->bytes - patch->at;
    *line = left ? patch->text + patch->at : "";
    const char *end = left ? memchr(*line, '\n', left) : NULL;
    return end ? (size_t)(end - *line) + 1 : left;
}

static void skip(struct patch *patch, size_t bytes)
{
    patch->at += bytes;
    patch->line++;
}

/* Returns whether the line begins so. */
static bool begins(const char *line, size_t bytes, const char *text)
{
    size_t length = strlen(text);
    return bytes >= length && !memcmp(line, text, length);
}

/* ---- headers ------------------------------------------------------------------------------ */

/* Removes leading elements of a name, as -p asks; a name with too few has none left. */
static void strip_name(const struct patch *patch, char *name)
{
    char *from = name;
    for (int64_t left = patch->strip; left > 0; left--) {
        char *slash = strchr(from, '/');
        if (!slash) {
            *name = '\0';
            return;
        }
        while (*slash == '/')
            slash++;
        from = slash;
    }
    if (patch->strip < 0) {
        char *slash = strrchr(name, '/');
        from = slash ? slash + 1 : name;
    }
    memmove(name, from, strlen(from) + 1);
}

/* Decodes a name in quotes, in place: "fruit\040bat". */
static void unquote(char *name)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    char *to = name;
    if (*name != '"')
        return;
    for (const char *at = name + 1; *at && *at != '"';) {
        if (*at != '\\' || !at[1]) {
            *to++ = *at++;
            continue;
        }
        at++;
        const char *letter = strchr(letters, *at);
        unsigned value = 0, digits = 0;
        for (; digits < 3 && at[digits] >= '0' && at[digits] <= '7'; digits++)
            value = value * 8 + (unsigned)(at[digits] - '0');

        /* A NUL would end the name. */
        if (digits)
            *to++ = value && value < 256 ? (char)value : '_';
        else
            *to++ = letter ? values[letter - letters] : *at;
        at += digits ? digits : 1;
    }
    *to = '\0';
}

/* Parses "--- NAME<tab>TIME". *missing: the file does not exist on this side. */
static void take_name(struct patch *patch, const char *line, size_t bytes, char *name,
                      struct patch_line *time, bool *missing)
{
    while (bytes && (line[bytes - 1] == '\n' || line[bytes - 1] == '\r'))
        bytes--;
    const char *tab = bytes ? memchr(line, '\t', bytes) : NULL;
    size_t length = min(tab ? (size_t)(tab - line) : bytes, (size_t)PATCH_NAME_MAX);
    memcpy(name, line, length);
    name[length] = '\0';
    *time = (struct patch_line){ tab, tab ? bytes - (size_t)(tab - line) : 0 };
    unquote(name);
    *missing = text_equal(name, "/dev/null") ||
               (tab && text_starts(tab + 1, "1970-01-01 00:00:00"));
    if (text_equal(name, "/dev/null"))
        *name = '\0';
    else
        strip_name(patch, name);
}

/* Notes which sides have no lines at all: "@@ -0,0 +1,5 @@". Returns 1. */
static int note_empty(struct patch *patch, const char *line, size_t bytes)
{
    const char *plus = memchr(line, '+', bytes);
    patch->old_empty = begins(line, bytes, "@@ -0,0 ");
    patch->new_empty = plus && begins(plus, bytes - (size_t)(plus - line), "+0,0 ");
    return 1;
}

int patch_next_file(struct patch *patch)
{
    const char *line;
    size_t bytes;
    *patch->old_name = *patch->new_name = '\0';
    patch->old_time = patch->new_time = (struct patch_line){ 0 };
    patch->old_missing = patch->new_missing = false;
    patch->header_at = patch->at;
    patch->header_line = patch->line;

    /* Lines before a header are not part of the patch. */
    while ((bytes = peek(patch, &line)) > 0) {
        if (begins(line, bytes, "@@ -"))
            return note_empty(patch, line, bytes);
        bool old = begins(line, bytes, "--- ");
        if (old)
            take_name(patch, line + 4, bytes - 4, patch->old_name, &patch->old_time,
                      &patch->old_missing);
        skip(patch, bytes);
        size_t next = peek(patch, &line);
        if (old && begins(line, next, "+++ ")) {
            take_name(patch, line + 4, next - 4, patch->new_name, &patch->new_time,
                      &patch->new_missing);
            skip(patch, next);
            next = peek(patch, &line);
            if (begins(line, next, "@@ -"))
                return note_empty(patch, line, next);
        }
    }
    return 0;
}

/* ---- hunks -------------------------------------------------------------------------------- */

static bool take_number(const char **at, const char *end, int64_t *number)
{
    const char *start = *at;
    *number = 0;
    for (; *at < end && text_is_digit(**at) && *number < LINE_MAX; ++*at)
        *number = *number * 10 + (**at - '0');
    return *at > start && *number < LINE_MAX;
}

/* Parses "-12,3". The count is 1 without a comma. */
static bool take_range(const char **at, const char *end, char sign, int64_t *first, int64_t *count)
{
    *count = 1;
    if (*at == end || *(*at)++ != sign || !take_number(at, end, first))
        return false;
    if (*at < end && **at == ',') {
        ++*at;
        return take_number(at, end, count);
    }
    return true;
}

static int refuse(const struct patch *patch, const char *line, size_t bytes)
{
    while (bytes && line[bytes - 1] == '\n')
        bytes--;
    shell_complain(patch->shell, "**** malformed patch at line %lld: %.*s",
                   (long long)patch->line, (int)min(bytes, (size_t)200), line);
    return -EUCLEAN;
}

/* The last line of a side has no LF: a line "\ No newline at end of file" follows it. */
static void remove_newline(struct patch_lines *lines)
{
    struct patch_line *last = lines->count ? &lines->list[lines->count - 1] : NULL;
    if (last && last->bytes && last->text[last->bytes - 1] == '\n')
        last->bytes--;
}

/* Parses the lines of a hunk, of which each side has a given number. */
static int take_lines(struct patch *patch, int64_t olds, int64_t news)
{
    struct patch_hunk *hunk = &patch->hunk;
    bool changed = false;
    char before = '\0';
    const char *line;
    size_t bytes;
    status_t status = 0;

    while (!status) {
        bytes = peek(patch, &line);
        if (bytes && *line == '\\' && before) {
            if (before != '+')
                remove_newline(&hunk->old.lines);
            if (before != '-')
                remove_newline(&hunk->new.lines);
            before = '\0'; /* a second one is invalid */
            skip(patch, bytes);
            continue;
        }
        if (!olds && !news)
            return 1;

        /* Empty lines at the end of a patch may have been removed (GNU). */
        if (!bytes && olds && news && news <= ASSUMED_MAX) {
            line = "\n";
            bytes = 1;
            hunk->assumed++;
        }

        /* Mailers remove the blank of an empty context line. */
        char kind = bytes ? *line : '\0';
        bool empty = kind == '\n';
        bool old = kind == ' ' || kind == '-' || empty, new = kind == ' ' || kind == '+' || empty;
        if ((!old && !new) || (old && !olds) || (new && !news))
            return refuse(patch, line, bytes);
        if (old && !status)
            status = patch_lines_add(&hunk->old.lines, line + !empty, bytes - !empty);
        if (new && !status)
            status = patch_lines_add(&hunk->new.lines, line + !empty, bytes - !empty);
        olds -= old;
        news -= new;
        changed |= old != new;
        hunk->after = old && new ? hunk->after + 1 : 0;
        hunk->before += old && new && !changed;
        before = empty ? ' ' : kind;
        if (!hunk->assumed)
            skip(patch, bytes);
    }
    return status;
}

int patch_next_hunk(struct patch *patch)
{
    struct patch_hunk *hunk = &patch->hunk;
    const char *line;
    size_t bytes = peek(patch, &line);
    int64_t olds, news;
    hunk->old.lines.count = hunk->new.lines.count = 0;
    hunk->before = hunk->after = hunk->assumed = 0;
    if (!begins(line, bytes, "@@ -"))
        return 0;

    const char *at = line + 3, *end = line + bytes;
    if (!take_range(&at, end, '-', &hunk->old.first, &olds) || at == end || *at++ != ' ' ||
        !take_range(&at, end, '+', &hunk->new.first, &news))
        return refuse(patch, line, bytes);
    hunk->text = line;
    skip(patch, bytes);
    int got = take_lines(patch, olds, news);
    hunk->bytes = (size_t)(patch->text + patch->at - hunk->text);

    /* A side without lines names the line before it. */
    hunk->old.first += !olds;
    hunk->new.first += !news;
    return got;
}

void patch_swap(struct patch *patch)
{
    struct patch_side old = patch->hunk.old;
    patch->hunk.old = patch->hunk.new;
    patch->hunk.new = old;
}
