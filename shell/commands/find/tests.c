/*
 * tests.c - find's tests of times, types, links and numbers; see find.h.
 */
#include "lib/date.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/find/find.h"
#include "shell/options.h"
#include "shell/pattern.h"
#include "shell/regex/regex.h"
#include "shell/words.h"

int find_parse_text(struct find *find, struct find_term *term, char **words)
{
    if (!words[0])
        return find_wrong(find, "missing argument to %s", term->primary->name);
    term->text = words[0];
    return 1;
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* Compares as the sign says: + more, - less, else exactly. */
static bool compares(char sign, int64_t value, int64_t with)
{
    return sign == '+' ? value > with : sign == '-' ? value < with : value == with;
}

/* Parses [+-]N. */
static int parse_number(struct find *find, struct find_term *term, char **words)
{
    if (find_parse_text(find, term, words) < 0)
        return -1;
    if (text_parse_signed(words[0], &term->sign, &term->number) || term->number > INT32_MAX)
        return find_wrong(find, "%s: invalid number; must be [+-]N", words[0]);
    return 1;
}

int find_parse_number(struct find *find, struct find_term *term, char **words)
{
    return parse_number(find, term, words);
}

bool find_has_id(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return compares(term->sign, (int64_t)item->info.id, (int64_t)term->number);
}

bool find_has_links(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    uint32_t links = item->info.known & INFO_MODE ? item->info.links : 1;
    return compares(term->sign, links, (int64_t)term->number);
}

/* ---- times -------------------------------------------------------------------------------- */

bool find_time_of(const struct node_info *info, char letter, int64_t *seconds)
{
    switch (letter) {
    case 'a': *seconds = info->accessed_s; return info->has_accessed;
    case 'c': *seconds = info->changed_s; return info->has_changed;
    case 'B': *seconds = info->created_s; return info->has_created;
    default: *seconds = info->modified_s; return info->has_modified;
    }
}

/* -mtime, -amin and so on: the letter of the time, and the unit, are in the name. */
int find_parse_age(struct find *find, struct find_term *term, char **words)
{
    term->time = term->primary->name[1];
    term->unit = text_equal(term->primary->name + 2, "min") ? 60 : 86400;
    term->time_s = time_wall_s();
    return parse_number(find, term, words);
}

/* A day counts when it is complete; a minute when it has begun (GNU). */
bool find_is_age(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    int64_t seconds, unit = (int64_t)term->unit;
    if (!find_time_of(&item->info, term->time, &seconds) || term->time_s == INT64_MIN)
        return false;

    int64_t age = term->time_s - seconds, units = age / unit;
    if (age % unit < 0)
        units--;
    if (unit == 60 && term->sign != '+' && age % unit)
        units++;
    return compares(term->sign, units, (int64_t)term->number + (unit == 60 && term->sign == '-'));
}

/* Reads a time of a file once, before the walk: the file may change meanwhile. */
static int reference_time(struct find *find, struct find_term *term, const char *name, char letter)
{
    struct path *path;
    struct node_info info = { 0 };
    unsigned flags = find->follow_start ? 0 : WALK_NO_FOLLOW;
    status_t status = path_walk(find->shell->directory, name, flags, &path);
    if (!status) {
        status = path_info(path, INFO_TIMES, &info);
        path_put(path);
    }
    if (status) {
        find->result = shell_fail(find->shell, name, status);
        return -1;
    }
    term->has_time = find_time_of(&info, letter, &term->time_s);
    return 1;
}

/* -newerXY: the time X of the node against the time Y of a file; Y is t: against a date. */
int find_parse_newer(struct find *find, struct find_term *term, char **words)
{
    static const char newer[] = "-newer";
    const char *letters = words[-1] + sizeof(newer) - 1;
    bool given = *letters != '\0';
    if (given && (!strchr("aBcm", letters[0]) || !strchr("aBcmt", letters[1])))
        return find_wrong(find, "unknown predicate %s", words[-1]);
    if (find_parse_text(find, term, words) < 0)
        return -1;

    term->time = given ? letters[0] : 'm';
    if (!given || letters[1] != 't')
        return reference_time(find, term, words[0], given ? letters[1] : 'm');
    int64_t now = time_wall_s();
    if (date_parse(words[0], now == INT64_MIN ? 0 : now, &term->time_s))
        return find_wrong(find, "cannot figure out how to interpret '%s' as a date or time",
                          words[0]);
    term->has_time = true;
    return 1;
}

/* A node without a time is not newer than any other, and no node is newer than it. */
bool find_is_newer(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    int64_t seconds;
    return term->has_time && find_time_of(&item->info, term->time, &seconds) &&
           seconds > term->time_s;
}

/* ---- types and links ---------------------------------------------------------------------- */

char find_type_letter(const struct node_info *info)
{
    /* The types of a mode, by its upper four bits (POSIX). */
    static const char kinds[] = "?pc?d?b?f?l?s???";
    static const char letters[] = "?fdlo"; /* by enum node_type */
    bool special = info->type == NODE_OTHER || info->type == NODE_FILE;
    unsigned kind = info->known & INFO_MODE ? info->mode >> 12 & 15 : 0;
    return special && kind ? kinds[kind] : letters[info->type];
}

/* Parses letters with commas between them. */
int find_parse_type(struct find *find, struct find_term *term, char **words)
{
    if (find_parse_text(find, term, words) < 0)
        return -1;
    for (const char *at = words[0];; at += 2) {
        if (!*at || !strchr("bcdflopsD", *at) || (at[1] && at[1] != ','))
            return find_wrong(find, "-type %s: must be a list of b, c, d, f, l, o, p and s, such "
                                    "as f,d", words[0]);
        if (!at[1])
            return 1;
    }
}

static bool has_type(const char *list, const struct node_info *info)
{
    /* o is all that is neither a file, nor a directory or a link. */
    return strchr(list, find_type_letter(info)) ||
           (info->type == NODE_OTHER && strchr(list, 'o'));
}

bool find_has_type(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return has_type(term->text, &item->info);
}

/* -xtype: of a link, the type of what it leads to; l if that does not exist. */
bool find_has_target_type(struct find *find, struct find_term *term, const struct find_item *item)
{
    struct path *path;
    struct node_info info;
    if (item->info.type != NODE_LINK || path_walk(find->shell->directory, item->path, 0, &path))
        return has_type(term->text, &item->info);
    status_t status = path_info(path, INFO_STANDARD | INFO_MODE, &info);
    path_put(path);
    return !status && has_type(term->text, &info);
}

/* -lname, -ilname: the text of a link. */
bool find_has_target(struct find *find, struct find_term *term, const struct find_item *item)
{
    struct path *path;
    if (item->info.type != NODE_LINK)
        return false;
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    status_t status = target ? find_item_path(find, item, &path) : -ENOMEM;
    bool matches = false;
    if (!status) {
        matches = path_read_link(path, target, PATH_BYTES_MAX + 1) >= 0 &&
                  glob_matches_text(term->text, target, term->primary->name[1] == 'i');
        path_put(path);
    }
    mem_free(target);
    return status ? find_fail(find, item->path, status) : matches;
}

int find_parse_same(struct find *find, struct find_term *term, char **words)
{
    if (find_parse_text(find, term, words) < 0)
        return -1;
    unsigned flags = find->follow_start ? 0 : WALK_NO_FOLLOW;
    status_t status = path_walk(find->shell->directory, words[0], flags, &term->same);

    /* A link that leads nowhere is the file itself, as among the files that are found. */
    if (status && !flags)
        status = path_walk(find->shell->directory, words[0], WALK_NO_FOLLOW, &term->same);
    if (!status)
        return 1;
    term->same = NULL;
    find->result = shell_fail(find->shell, words[0], status);
    return -1;
}

bool find_is_same(struct find *find, struct find_term *term, const struct find_item *item)
{
    struct path *path;
    if (find_item_path(find, item, &path))
        return false;
    bool same = path_is_same(path, term->same);
    path_put(path);
    return same;
}

/* ---- modes -------------------------------------------------------------------------------- */

/* Parses [-/]OCTAL. */
int find_parse_mode(struct find *find, struct find_term *term, char **words)
{
    if (find_parse_text(find, term, words) < 0)
        return -1;
    const char *at = words[0];
    term->sign = *at == '-' || *at == '/' ? *at++ : '\0';
    for (const char *digit = at; *digit; digit++) {
        if (*digit < '0' || *digit > '7' || digit - at > 4)
            return find_wrong(find, "invalid mode '%s'; must be octal, after - or /", words[0]);
        term->number = term->number * 8 + (uint64_t)(*digit - '0');
    }
    return *at ? 1 : find_wrong(find, "invalid mode '%s'", words[0]);
}

/* A node without a mode has no permission that could be tested. */
bool find_has_mode(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    uint64_t mode = item->info.mode & 07777;
    if (!(item->info.known & INFO_MODE))
        return false;
    switch (term->sign) {
    case '-': return (mode & term->number) == term->number;
    case '/': return !term->number || mode & term->number;
    default: return mode == term->number;
    }
}

/* ---- regular expressions ------------------------------------------------------------------ */

/* In the expressions of Emacs, + and ? repeat without a backslash; here they need one. */
static void translate(struct buffer *to, const char *text)
{
    bool in_set = false;
    for (; *text; text++) {
        if (!in_set && (*text == '+' || *text == '?'))
            buffer_put(to, "\\", 1);
        in_set = in_set ? *text != ']' : *text == '[';
        if (*text == '\\' && text[1] && !in_set)
            buffer_put(to, text++, 1);
        buffer_put(to, text, 1);
    }
}

int find_parse_regex_type(struct find *find, struct find_term *term, char **words)
{
    static const struct { const char *name; enum find_regex type; } types[] = {
        { "emacs", FIND_EMACS }, { "findutils-default", FIND_EMACS },
        { "posix-basic", FIND_BASIC }, { "grep", FIND_BASIC }, { "sed", FIND_BASIC },
        { "ed", FIND_BASIC }, { "posix-extended", FIND_EXTENDED }, { "egrep", FIND_EXTENDED },
        { "posix-egrep", FIND_EXTENDED },
    };
    if (find_parse_text(find, term, words) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
        if (text_equal(types[i].name, words[0])) {
            find->regex = types[i].type;
            return 1;
        }
    return find_wrong(find, "unknown regular expression type '%s'", words[0]);
}

int find_parse_regex(struct find *find, struct find_term *term, char **words)
{
    if (find_parse_text(find, term, words) < 0)
        return -1;
    struct buffer text = { 0 };
    const char *why = NULL;
    unsigned flags = REGEX_LINES;
    flags |= find->regex == FIND_EXTENDED ? REGEX_EXTENDED : 0;
    flags |= term->primary->name[1] == 'i' ? REGEX_FOLD : 0;

    if (find->regex == FIND_EMACS)
        translate(&text, words[0]);
    else
        buffer_put(&text, words[0], strlen(words[0]));
    status_t status = text.status ? text.status
                                  : regex_create(text.text ? text.text : "", flags, &term->regex,
                                                 &why);
    buffer_free(&text);
    if (status == -EINVAL)
        return find_wrong(find, "invalid regular expression '%s'", words[0]);
    if (status)
        find_fail(find, NULL, status);
    return status ? -1 : 1;
}

bool find_matches_regex(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return regex_matches(term->regex, item->path, strlen(item->path));
}
