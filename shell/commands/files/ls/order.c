/*
 * order.c - chooses and sorts the names that `ls` prints; see ls.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/files/ls/ls.h"
#include "shell/options.h"
#include "shell/pattern.h"
#include "shell/reading/version.h"

/* Compares for a descending order. */
static int compare_descending(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a > b ? -1 : 1;
}

bool ls_time_of(const struct ls *ls, const struct node_info *info, int64_t *seconds)
{
    const struct { bool known; int64_t seconds; } times[] = {
        [LS_MODIFIED] = { info->has_modified, info->modified_s },
        [LS_ACCESSED] = { info->has_accessed, info->accessed_s },
        [LS_CHANGED] = { info->has_changed, info->changed_s },
        [LS_CREATED] = { info->has_created, info->created_s },
    };
    *seconds = times[ls->time].seconds;
    return times[ls->time].known;
}

/* Maps a time to an unsigned number in the same order; a file without a time comes last. */
static uint64_t time_rank(const struct ls *ls, const struct node_info *info)
{
    int64_t seconds;
    return ls_time_of(ls, info, &seconds) ? (uint64_t)seconds ^ 1ull << 63 : 0;
}

/* Returns what follows the last dot, with it; "" if there is none. */
static const char *extension(const char *text)
{
    const char *dot = strrchr(text, '.');
    return dot ? dot : "";
}

static int compare_versions(const char *a, const char *b)
{
    return version_compare(a, strlen(a), b, strlen(b));
}

static int ls_compare(const struct sortable *a, const struct sortable *b, const void *context)
{
    const struct ls *ls = context;
    const struct name *one = container_of(a, const struct name, link);
    const struct name *two = container_of(b, const struct name, link);
    bool first = one->info.type == NODE_DIRECTORY || one->leads_to_directory;
    bool second = two->info.type == NODE_DIRECTORY || two->leads_to_directory;
    int order = 0;

    /* -r does not reverse this one. */
    if (ls->directories_first && first != second)
        return first ? -1 : 1;

    switch (ls->order) {
    case LS_BY_SIZE: order = compare_descending(one->info.size_bytes, two->info.size_bytes); break;
    case LS_BY_TIME:
        order = compare_descending(time_rank(ls, &one->info), time_rank(ls, &two->info));
        break;
    case LS_BY_EXTENSION: order = strcmp(extension(one->text), extension(two->text)); break;
    case LS_BY_VERSION: order = compare_versions(one->text, two->text); break;
    default: break;
    }

    /* Names of equal rank are sorted by their text. */
    if (!order)
        order = names_by_text(a, b, NULL);
    return ls->reverse ? -order : order;
}

struct name *ls_sort(const struct ls *ls, struct name *names)
{
    if (ls->order == LS_UNSORTED)
        return names;
    struct sortable *sorted = sort_list(names ? &names->link : NULL, ls_compare, ls);
    return sorted ? container_of(sorted, struct name, link) : NULL;
}

static bool is_listed(const struct ls *ls, const char *text)
{
    size_t length = strlen(text);
    if (text[0] == '.' && !ls->all && !ls->almost_all)
        return false;
    if (ls->no_backups && length && text[length - 1] == '~')
        return false;

    /* -I applies with -a too. A pattern does not match a leading dot unless it has one. */
    for (const struct option_value *ignored = option_values(ls->shell, 'I'); ignored;
         ignored = ignored->next)
        if (glob_matches(ignored->text, text, false))
            return false;
    return true;
}

struct name *ls_filter(const struct ls *ls, struct name *names)
{
    struct name *kept = NULL;
    while (names) {
        struct name *next = names_next(names);
        if (is_listed(ls, names->text)) {
            /* This reverses the order, which does not matter before sorting. */
            names->link.next = kept ? &kept->link : NULL;
            kept = names;
        } else {
            mem_free(names);
        }
        names = next;
    }
    return kept;
}
