/* names.c - see listing.h. */
#include "shell/reading/listing.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/editor/width.h"
#include "shell/words.h"

/* ---- sorting ------------------------------------------------------------------------------ */

enum { RUNS = 32 };

struct sorter {
    int (*compare)(const struct sortable *a, const struct sortable *b, const void *context);
    const void *context;
};

/* What stood first in the list comes first of equals: `a` did. */
static struct sortable *merge(const struct sorter *sorter, struct sortable *a, struct sortable *b)
{
    struct sortable *merged = NULL, **end = &merged;
    while (a && b) {
        struct sortable **least = sorter->compare(a, b, sorter->context) <= 0 ? &a : &b;
        *end = *least;
        *least = (*least)->next;
        end = &(*end)->next;
    }
    *end = a ? a : b;
    return merged;
}

/* From below: runs[i] holds 2^i of the list or none. */
struct sortable *sort_list(struct sortable *list,
                           int (*compare)(const struct sortable *a, const struct sortable *b,
                                          const void *context),
                           const void *context)
{
    const struct sorter sorter = { compare, context };
    struct sortable *runs[RUNS] = { 0 }, *sorted = NULL;
    while (list) {
        struct sortable *run = list;
        list = list->next;
        run->next = NULL;
        unsigned i = 0;
        for (; i < RUNS - 1 && runs[i]; i++) {
            run = merge(&sorter, runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = merge(&sorter, runs[i], run);
    }
    for (unsigned i = 0; i < RUNS; i++)
        sorted = merge(&sorter, runs[i], sorted);
    return sorted;
}

/* ---- listings ----------------------------------------------------------------------------- */

struct name *names_next(const struct name *name)
{
    return (struct name *)(void *)name->link.next; /* the link is the first field */
}

int names_by_text(const struct sortable *a, const struct sortable *b, const void *context)
{
    (void)context;
    return strcmp(((const struct name *)(const void *)a)->text,
                  ((const struct name *)(const void *)b)->text);
}

status_t names_add(struct name **names, const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct name *name = mem_alloc(sizeof(*name) + bytes);
    if (!name)
        return -ENOMEM;
    name->info = (struct node_info){ 0 };
    name->status = 0;
    memcpy(name->text, text, bytes);
    name->link.next = *names ? &(*names)->link : NULL;
    *names = name;
    return 0;
}

static struct name *names_find(struct name *names, const char *text)
{
    while (names && !text_equal(names->text, text))
        names = names_next(names);
    return names;
}

static status_t collect_mounts(struct path *directory, struct name **names, char *text,
                               size_t bytes)
{
    unsigned position = 0;
    status_t status = 0;
    while (!status && !(status = vfs_mount_below(directory, &position, text, bytes))) {
        struct name *covered = names_find(*names, text);
        if (covered)
            covered->info.known = 0; /* it was of what lies below the mount */
        else
            status = names_add(names, text);
    }
    return status == -ENOENT ? 0 : status;
}

static void names_reverse(struct name **names)
{
    struct sortable *reversed = NULL, *rest = *names ? &(*names)->link : NULL;
    while (rest) {
        struct sortable *next = rest->next;
        rest->next = reversed;
        reversed = rest;
        rest = next;
    }
    *names = (struct name *)(void *)reversed; /* the link is the first field */
}

static status_t names_add_entry(struct name **names, const struct dir_entry *entry)
{
    status_t status = names_add(names, entry->name);
    if (!status && entry->info.known)
        (*names)->info = entry->info;
    return status;
}

status_t names_collect(struct path *directory, bool mounts, unsigned levels, struct name **names,
                       unsigned *skipped)
{
    struct file *file;
    if (skipped)
        *skipped = 0;
    status_t status = file_open_path(directory, OPEN_DIRECTORY | OPEN_READ, &file);
    if (status)
        return status;
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    size_t unchecked = 0;
    int got = entry ? 0 : -ENOMEM;
    while (entry && !status && (got = dir_read(file, levels, entry)) > 0) {
        if (shell_interrupted())
            status = -EINTR;
        else if (!list_may_grow(&unchecked, sizeof(struct name) + strlen(entry->name)))
            status = -ENOMEM;
        else
            status = names_add_entry(names, entry);
    }
    if (skipped && entry && !status && !got)
        *skipped = entry->skipped;
    names_reverse(names); /* each was added in front */
    if (entry && !status && mounts)
        status = collect_mounts(directory, names, entry->name, sizeof(entry->name));
    mem_free(entry);
    file_close(file);
    return status ? status : got;
}

static status_t look_along(struct path *start, const char *text, unsigned levels,
                           struct node_info *info)
{
    struct path *path;
    status_t status = path_walk(start, text, 0, &path);
    if (status)
        return status;
    status = path_info(path, levels, info);
    path_put(path);
    return status;
}

void name_look(struct path *directory, bool cross, struct name *name, unsigned levels)
{
    if (name->info.known)
        return;
    if (text_equal(name->text, ".") || text_equal(name->text, ".."))
        name->status = look_along(directory, name->text, levels, &name->info);
    else
        name->status = path_child_info(directory, name->text, cross, levels, &name->info);
}

void names_free(struct name *names)
{
    while (names) {
        struct name *next = names_next(names);
        mem_free(names);
        names = next;
    }
}

/* ---- showing ------------------------------------------------------------------------------ */

void size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human)
{
    static const char units[] = "KMGTPE";
    if (!human || bytes < 1024) {
        format_text(text, SIZE_TEXT_BYTES, "%llu", (unsigned long long)bytes);
        return;
    }
    unsigned unit = 0;
    uint64_t tenths = bytes / 1024 * 10 + (bytes % 1024 * 10 + 1023) / 1024;
    while (tenths > 9990) { /* 1000K would be one character too many */
        tenths = (tenths + 1023) / 1024;
        unit++;
    }
    if (tenths < 100)
        format_text(text, SIZE_TEXT_BYTES, "%u.%u%c", (unsigned)(tenths / 10),
                    (unsigned)(tenths % 10), units[unit]);
    else
        format_text(text, SIZE_TEXT_BYTES, "%u%c", (unsigned)((tenths + 9) / 10), units[unit]);
}

void space_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human)
{
    size_text(text, human ? bytes : bytes / 1024 + (bytes % 1024 != 0), human);
}

static char type_char(enum node_type type)
{
    return "?-dl?"[type];
}

enum { MODE_KIND = 0170000, MODE_BLOCK = 060000 };

void mode_text(char text[MODE_TEXT_BYTES], const struct node_info *info)
{
    static const char letters[] = "rwxrwxrwx";
    static const struct { uint32_t bit; unsigned at; char with, without; } special[] = {
        { 04000, 3, 's', 'S' }, { 02000, 6, 's', 'S' }, { 01000, 9, 't', 'T' }
    };
    bool known = info->known & INFO_MODE;
    text[0] = type_char(info->type);
    bool special_file = info->type == NODE_OTHER || /* a drive's node reads as a file */
                        (info->type == NODE_FILE && (info->mode & MODE_KIND) == MODE_BLOCK);
    if (known && special_file) /* fifo, character or block device, socket */
        text[0] = "?pc???b?????s???"[info->mode >> 12 & 15];
    for (unsigned i = 0; i < 9; i++)
        text[1 + i] = !known ? '?' : info->mode >> (8 - i) & 1 ? letters[i] : '-';
    for (unsigned i = 0; known && i < ARRAY_LENGTH(special); i++)
        if (info->mode & special[i].bit)
            text[special[i].at] = text[special[i].at] == 'x' ? special[i].with
                                                              : special[i].without;
    text[MODE_TEXT_BYTES - 1] = '\0';
}

void date_text(char text[DATE_TEXT_BYTES], bool known, int64_t seconds)
{
    struct civil c = seconds_to_civil(seconds);
    if (known && civil_valid(&c))
        format_text(text, DATE_TEXT_BYTES, "%04u-%02u-%02u %02u:%02u", (unsigned)c.year, c.month,
                    c.day, c.hour, c.minute);
    else
        text_copy(text, DATE_TEXT_BYTES, "-");
}

size_t text_columns(const char *text)
{
    size_t columns = 0, length = strlen(text);
    for (size_t at = 0; at < length;) {
        unsigned char c = (unsigned char)text[at];
        bool escaped = c < 0x20 || c == 0x7f || c == '\\';
        unsigned width = 4;
        at += escaped ? 1 : character_at(text, length, at, &width);
        columns += width;
    }
    return columns;
}

char *join_path(const char *directory, const char *name)
{
    size_t head = strlen(directory), tail = strlen(name);
    size_t slash = head && tail && directory[head - 1] != '/';
    char *path = mem_alloc(head + slash + tail + 1);
    if (!path)
        return NULL;
    memcpy(path, directory, head);
    if (slash)
        path[head] = '/';
    memcpy(path + head + slash, name, tail + 1);
    return path;
}

const char *base_name(const char *path, size_t *length)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && path[start - 1] != '/')
        start--;
    *length = end - start;
    return path + start;
}

int shell_fail_below(struct shell *shell, const char *start, const char *text, status_t status)
{
    char *path = join_path(start, text);
    int result = shell_fail(shell, path ? path : text, status);
    mem_free(path);
    return result;
}

int shell_end_skipped(struct shell *shell, const char *name, unsigned skipped, int result)
{
    if (!skipped)
        return result;
    int one = shell_complain(shell, skipped == 1 ? "%s: %u invalid record was skipped"
                                                 : "%s: %u invalid records were skipped",
                             name, skipped);
    return result ? result : one;
}
