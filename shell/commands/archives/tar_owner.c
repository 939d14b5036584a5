/*
 * tar_owner.c - the owner, time and mode that options give to members; see tar.h.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"
#include "shell/options.h"

enum { MODE_BITS = 07777, UMASK = 022 };

/* ---- modes -------------------------------------------------------------------------------- */

/* Returns the bits of a who in all classes, 0 if the letter is none. */
static uint32_t who_bits(char who)
{
    return who == 'u' ? 04700 : who == 'g' ? 02070 : who == 'o' ? 01007 : who == 'a' ? 07777 : 0;
}

/* Returns the bits of a permission in all classes. *known: the letter is one. */
static uint32_t permission_bits(char letter, bool directory, uint32_t mode, bool *known)
{
    *known = true;
    switch (letter) {
    case 'r': return 0444;
    case 'w': return 0222;
    case 'x': return 0111;
    case 'X': return directory || mode & 0111 ? 0111 : 0;
    case 's': return 06000;
    case 't': return 01000;
    case 'u': return (mode >> 6 & 7) * 0111;
    case 'g': return (mode >> 3 & 7) * 0111;
    case 'o': return (mode & 7) * 0111;
    default: *known = false; return 0;
    }
}

/* Applies one clause, such as "go+rx-w". Returns what follows it, or NULL. */
static const char *apply_clause(const char *text, bool directory, uint32_t *mode)
{
    uint32_t who = 0;
    while (who_bits(*text))
        who |= who_bits(*text++);
    if (!*text || !strchr("+-=", *text))
        return NULL;

    /* Without a who, the bits of the usual umask are left out. */
    uint32_t reach = who ? who : MODE_BITS & ~UMASK;
    while (*text && strchr("+-=", *text)) {
        char operation = *text++;
        uint32_t bits = 0;
        for (bool known = true; known; text += known)
            bits |= permission_bits(*text, directory, *mode, &known);
        bits &= reach;
        if (operation == '=')
            *mode &= ~(who ? who : (uint32_t)MODE_BITS);
        *mode = operation == '-' ? *mode & ~bits : *mode | bits;
    }
    return text;
}

bool tar_apply_mode(const char *text, bool directory, uint32_t *mode)
{
    uint32_t octal = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '7' && octal <= MODE_BITS; at++)
        octal = octal * 8 + (uint32_t)(*at - '0');
    if (*text && !*at && octal <= MODE_BITS) {
        *mode = octal;
        return true;
    }

    do
        text = apply_clause(text, directory, mode);
    while (text && *text++ == ',');
    return text && !text[-1];
}

/* ---- owners ------------------------------------------------------------------------------- */

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
    const char *mode = option_value_name(tar->shell, "mode");
    if (owner)
        set_one(owner, member->user, sizeof(member->user), &member->uid);
    if (group)
        set_one(group, member->group, sizeof(member->group), &member->gid);
    if (tar->has_modified)
        member->modified_s = tar->modified_s;
    if (mode)
        (void)tar_apply_mode(mode, member->type == '5', &member->mode); /* checked before */
}
