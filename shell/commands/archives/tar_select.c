/*
 * tar_select.c - which files tar takes, and the owners that it gives them; see tar.h.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"
#include "shell/options.h"
#include "shell/pattern.h"

static status_t add_lines(struct input *input, void *context)
{
    char *line;
    size_t bytes;
    int got;
    while ((got = input_line(input, &line, &bytes)) > 0) {
        status_t status = bytes ? words_add(context, line, bytes) : 0;
        if (status)
            return status;
    }
    return got;
}

/* Adds the lines of the files that an option names. */
static bool add_files(struct tar *tar, char letter, struct words *words)
{
    const struct option_value *value = option_values(tar->shell, letter);
    for (; value; value = value->next) {
        const char *shown;
        status_t status = input_one(tar->shell, value->text, &shown, add_lines, words);
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
        if (words_add(&tar->excluded, value->text, strlen(value->text))) {
            tar_fail(tar, NULL, -ENOMEM);
            return false;
        }
    return add_files(tar, 'X', &tar->excluded) && add_files(tar, 'T', &tar->listed);
}

/* Returns whether the pattern matches the text, or its start up to a slash. Changes the text. */
static bool matches_start(const char *pattern, char *text)
{
    for (;;) {
        if (glob_matches_text(pattern, text, false))
            return true;
        char *slash = strrchr(text, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
}

bool tar_excludes(const struct tar *tar, const char *name)
{
    if (!tar->excluded.count)
        return false;
    char *copy = mem_alloc(strlen(name) + 1);
    bool excluded = false;
    for (int i = 0; copy && i < tar->excluded.count && !excluded; i++)
        for (const char *at = name; at && *at && !excluded; at = strchr(at, '/')) {
            at += *at == '/';
            memcpy(copy, at, strlen(at) + 1);
            excluded = *copy && matches_start(tar->excluded.list[i], copy);
        }
    mem_free(copy);
    return excluded;
}

/* Parses "NAME", "NAME:ID" or "ID". */
static void set_one(const char *text, char *name, size_t room, uint32_t *id)
{
    const char *colon = strchr(text, ':');
    uint64_t number;
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    bool has_number = !text_parse_u64(colon ? colon + 1 : text, &number) && number <= UINT32_MAX;
    length = colon || !has_number ? length : 0;
    length = length < room ? length : room - 1;
    memcpy(name, text, length);
    name[length] = '\0';
    if (has_number)
        *id = (uint32_t)number;
}

void tar_set_owner(const struct tar *tar, struct tar_member *member)
{
    const char *owner = option_value_name(tar->shell, "owner");
    const char *group = option_value_name(tar->shell, "group");
    if (owner)
        set_one(owner, member->user, sizeof(member->user), &member->uid);
    if (group)
        set_one(group, member->group, sizeof(member->group), &member->gid);
    if (tar->has_modified)
        member->modified_s = tar->modified_s;
}
