/*
 * check_tree.c - checks the directories of a FAT volume, and the chain of each file.
 *
 * Directories wait in a list on the heap, so that a volume's depth needs no stack. A directory
 * whose first cluster is marked already was visited: loops end.
 */
#include "fs/fat/record.h"
#include "fs/fat/table.h"
#include "fs/fat/tools/check.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

/* A directory to be visited. */
struct todo {
    struct todo *next;
    uint32_t cluster, parent; /* parent: what ".." contains */
    bool root;
    char path[CHECK_PATH_BYTES];
};

struct visit {
    struct check *c;
    struct todo *todo, *current;
    unsigned directories; /* so far */
    struct fat_long_name long_name;
    uint64_t orphans;       /* parts of long names without their record */
    uint64_t after_end;     /* records that only some systems see: Linux, but not Windows */
    unsigned dots;          /* records "." and ".." so far */
    uint32_t slot;
    uint64_t address;       /* of the record in the slot */
    char name[FAT_NAME_BYTES_MAX + 1], path[CHECK_PATH_BYTES + FAT_NAME_BYTES_MAX + 2];
};

status_t check_entry_repair(struct check *c, uint32_t cluster, uint32_t value)
{
    status_t status = changes_begin(fat_of(c->fsd)->changes);
    if (status)
        return status;
    status = fat_entry_write(fat_of(c->fsd), CHANGE_LINK, cluster, value);
    changes_end(fat_of(c->fsd)->changes, !status);
    return status;
}

/* Writes the record that is being visited. With it the chain is ended after `last`; 0: it is not
 * changed. */
static status_t record_repair(struct visit *v, const uint8_t record[FAT_RECORD_BYTES],
                              uint32_t last)
{
    struct fat *fat = fat_of(v->c->fsd);
    status_t status = changes_begin(fat->changes);
    if (status)
        return status;
    status = changes_write(fat->changes, CHANGE_LINK, v->address, record, FAT_RECORD_BYTES);
    if (!status && last)
        status = fat_entry_write(fat, CHANGE_UNLINK, last, ENTRY_LAST);
    changes_end(fat->changes, !status);
    return status;
}

/* ---- chains ------------------------------------------------------------------------------- */

/* How a chain ended. */
struct ending {
    uint64_t clusters;   /* that are this chain's alone */
    uint32_t last, next; /* the last of them, and what its entry contains */
    bool crossed;        /* the next one is another chain's, or an earlier one of this */
};

/* Follows and marks a chain, up to `most` clusters. */
static status_t chain_follow(struct visit *v, uint32_t first, uint64_t most, struct ending *ending)
{
    struct check *c = v->c;
    status_t status = 0;
    *ending = (struct ending){ .next = first };
    while (ending->clusters < most && fat_cluster_exists(fat_of(c->fsd), ending->next)) {
        bool fresh = check_mark(c, ending->next, v->path, &status);
        if (!status && thread_interrupted())
            status = -EINTR;
        ending->crossed = !fresh;
        if (status || !fresh)
            break;

        ending->last = ending->next;
        ending->clusters++;
        status = fat_entry_read(fat_of(c->fsd), ending->last, &ending->next);
        if (status)
            break;
    }
    return status;
}

/* Reports a chain that does not end as it should. */
static void chain_report(struct visit *v, const struct ending *ending, bool repaired)
{
    if (ending->crossed)
        check_crossed(v->c, ending->next, v->path, repaired);
    else if (ending->next == ENTRY_FREE)
        check_found(v->c, repaired, "%s: its clusters lead to a free one", v->path);
    else if (ending->next == ENTRY_BAD)
        check_found(v->c, repaired, "%s: its clusters lead to a bad one", v->path);
    else
        check_found(v->c, repaired, "%s: its clusters lead to one that does not exist, %u",
                    v->path, ending->next);
}

/* Makes a file as long as the clusters that it has: no byte is lost that could be read, except
 * those that another file has as well. */
static status_t file_cut(struct visit *v, struct bytes record, const struct ending *ending)
{
    uint32_t cluster_bytes = fat_of(v->c->fsd)->geometry.cluster_bytes;
    uint8_t cut[FAT_RECORD_BYTES];
    memcpy(cut, record.data, sizeof(cut));
    bytes_put_le32(cut + RECORD_SIZE, (uint32_t)(ending->clusters * cluster_bytes));
    if (!ending->clusters)
        fat_record_set_cluster(fat_of(v->c->fsd), 0, cut);
    return record_repair(v, cut, ending->clusters && ending->next < ENTRY_END ? ending->last : 0);
}

/* A file without bytes has no clusters. Those that it has are lost ones once it is repaired. */
static status_t check_empty_file(struct visit *v, struct bytes record, uint32_t cluster)
{
    struct ending ending = { .clusters = 0 };
    check_found(v->c, v->c->repair, "%s: empty, but has cluster %u", v->path, cluster);
    return v->c->repair ? file_cut(v, record, &ending)
                        : chain_follow(v, cluster, UINT64_MAX, &ending);
}

static status_t check_file(struct visit *v, struct bytes record,
                           const struct fat_attributes *attributes)
{
    struct check *c = v->c;
    uint64_t cluster_bytes = fat_of(c->fsd)->geometry.cluster_bytes;
    uint64_t wanted = (attributes->size_bytes + cluster_bytes - 1) / cluster_bytes;
    struct ending ending;
    c->report->files++;
    if (!wanted)
        return attributes->cluster ? check_empty_file(v, record, attributes->cluster) : 0;
    status_t status = chain_follow(v, attributes->cluster, wanted, &ending);
    if (status)
        return status;

    if (ending.clusters < wanted) {
        if (!ending.crossed && (ending.next >= ENTRY_END || (!attributes->cluster && !ending.last)))
            check_found(c, c->repair, "%s: %u bytes, but its clusters hold only %llu", v->path,
                        attributes->size_bytes,
                        (unsigned long long)(ending.clusters * cluster_bytes));
        else
            chain_report(v, &ending, c->repair);
        return c->repair ? file_cut(v, record, &ending) : 0;
    }
    if (ending.next >= ENTRY_END)
        return 0;
    if (fat_cluster_exists(fat_of(c->fsd), ending.next))
        check_found(c, c->repair, "%s: has more clusters than its %u bytes need", v->path,
                    attributes->size_bytes);
    else
        check_found(c, c->repair, "%s: its last cluster does not end it", v->path);
    return c->repair ? check_entry_repair(c, ending.last, ENTRY_LAST) : 0;
}

/* ---- records ------------------------------------------------------------------------------ */

static void path_make(struct visit *v, const char *name)
{
    format_text(v->path, sizeof(v->path), "%s/%s", v->current->path, name);
}

/* Puts a directory on the list. */
static status_t directory_add(struct visit *v, const struct fat_attributes *attributes)
{
    struct check *c = v->c;
    size_t length = strlen(v->path);
    c->report->directories++;
    if (!fat_cluster_exists(fat_of(c->fsd), attributes->cluster)) {
        check_found(c, false, "%s: begins at cluster %u, which does not exist", v->path,
                    attributes->cluster);
        return 0;
    }
    if (++v->directories > CHECK_DIRECTORIES_MAX)
        return -EUCLEAN;
    struct todo *todo = mem_zalloc(sizeof(*todo));
    if (!todo)
        return -ENOMEM;

    /* Of a long path the end is kept, which says more. */
    size_t skip = length >= sizeof(todo->path) ? length - sizeof(todo->path) + 1 : 0;
    memcpy(todo->path, v->path + skip, length - skip + 1);
    todo->cluster = attributes->cluster;
    todo->parent = v->current->root ? 0 : v->current->cluster;
    todo->next = v->todo;
    v->todo = todo;
    return 0;
}

/* "." and ".." are the first two records of a directory, and lead to itself and to its parent.
 * Returns false if the record is neither, not even a damaged one. */
static bool check_dot(struct visit *v, struct bytes record, status_t *status)
{
    bool parent = v->slot == 1;
    const char *name = parent ? "..         " : ".          ";
    uint32_t right = parent ? v->current->parent : v->current->cluster;
    uint32_t root = fat_of(v->c->fsd)->geometry.root_cluster;
    struct fat_attributes attributes;
    uint8_t repaired[FAT_RECORD_BYTES];
    if (v->current->root || v->slot > 1)
        return false;

    /* A part of a record that is right shows what it was. Some systems store the root's cluster. */
    fat_record_attributes(fat_of(v->c->fsd), record, &attributes);
    bool leads = attributes.cluster == right ||
                 (parent && !right && root && attributes.cluster == root);
    bool is_directory = attributes.attributes & FAT_DIRECTORY &&
                        !(attributes.attributes & FAT_VOLUME);
    bool named = !memcmp(record.data, name, FAT_RAW_NAME_BYTES);
    if (!named && !(is_directory && leads))
        return false;
    v->dots++;
    if (named && leads && is_directory)
        return true;

    if (named && is_directory)
        check_found(v->c, v->c->repair, "%s: its record \"%s\" leads to cluster %u instead of %u",
                    v->current->path, parent ? ".." : ".", attributes.cluster, right);
    else
        check_found(v->c, v->c->repair, "%s: its record \"%s\" is damaged", v->current->path,
                    parent ? ".." : ".");
    memcpy(repaired, record.data, sizeof(repaired));
    memcpy(repaired, name, FAT_RAW_NAME_BYTES);
    repaired[RECORD_ATTRIBUTES] = FAT_DIRECTORY;
    fat_record_set_cluster(fat_of(v->c->fsd), right, repaired);
    bytes_put_le32(repaired + RECORD_SIZE, 0);
    if (v->c->repair)
        *status = record_repair(v, repaired, 0);
    return true;
}

/* The size of a directory is not recorded (6.3). */
static status_t size_clear(struct visit *v, struct bytes record)
{
    uint8_t repaired[FAT_RECORD_BYTES];
    check_found(v->c, v->c->repair, "%s: a directory whose size is %u", v->path,
                bytes_le32(record, RECORD_SIZE));
    memcpy(repaired, record.data, sizeof(repaired));
    bytes_put_le32(repaired + RECORD_SIZE, 0);
    return v->c->repair ? record_repair(v, repaired, 0) : 0;
}

/* Returns whether a short name has characters that no system writes (6.1). */
static bool has_bad_characters(struct bytes record)
{
    static const char bad[] = "\"*+,./:;<=>?[\\]|";
    for (unsigned i = 0; i < FAT_RAW_NAME_BYTES; i++)
        if (memchr(bad, bytes_u8(record, RECORD_NAME + i), sizeof(bad) - 1))
            return true;
    return false;
}

static status_t check_node(struct visit *v, struct bytes record)
{
    struct fat_attributes attributes;
    unsigned parts = v->long_name.parts;
    fat_record_attributes(fat_of(v->c->fsd), record, &attributes);
    if (!fat_long_name_end(fat_of(v->c->fsd), &v->long_name, record, v->name)) {
        v->orphans += parts != 0;
        fat_record_name(fat_of(v->c->fsd), record, v->name);
    }
    path_make(v, v->name);
    if (has_bad_characters(record))
        check_found(v->c, false, "%s: its short name has invalid characters", v->path);
    if (!(attributes.attributes & FAT_DIRECTORY))
        return check_file(v, record, &attributes);
    status_t status = attributes.size_bytes ? size_clear(v, record) : 0;
    return status ? status : directory_add(v, &attributes);
}

static status_t check_record(struct visit *v, struct bytes record, bool *ended)
{
    enum fat_record_kind kind = fat_record_kind(record);
    status_t status = 0;
    if (kind != FAT_RECORD_END && kind != FAT_RECORD_FREE && check_dot(v, record, &status))
        return status;
    switch (kind) {
    case FAT_RECORD_END: *ended = true; break;
    case FAT_RECORD_LONG:
        v->orphans += !fat_long_name_take(&v->long_name, record);
        return 0;
    case FAT_RECORD_NODE: return check_node(v, record);
    case FAT_RECORD_DOT:
    case FAT_RECORD_INVALID:
        check_found(v->c, false, "%s/: record %u is invalid", v->current->path, v->slot);
        break;
    default: break;
    }
    v->orphans += v->long_name.parts != 0;
    v->long_name.parts = 0;
    return 0;
}

/* ---- directories -------------------------------------------------------------------------- */

/* Makes the directory itself the path of the next finding. */
static void path_of_directory(struct visit *v)
{
    format_text(v->path, sizeof(v->path), "%s/", v->current->path);
}

static status_t check_records(struct visit *v, uint64_t address, uint64_t bytes, bool *ended)
{
    uint8_t record[FAT_RECORD_BYTES];
    status_t status = 0;
    for (uint64_t at = 0; !status && at < bytes; at += sizeof(record), v->slot++) {
        v->address = address + at;
        status = fat_read(fat_of(v->c->fsd), v->address, record, sizeof(record));
        if (!status && *ended)
            v->after_end += record[0] != FIRST_END && record[0] != FIRST_FREE;
        else if (!status)
            status = check_record(v, (struct bytes){ record, sizeof(record) }, ended);
    }
    return status;
}

/* Checks the records of a directory's clusters, one after the other. */
static status_t check_clusters(struct visit *v, bool *ended)
{
    struct check *c = v->c;
    struct ending ending = { .next = v->current->cluster };
    uint64_t count = 0, most = FAT_DIRECTORY_BYTES_MAX / fat_of(c->fsd)->geometry.cluster_bytes + 1;
    uint32_t last = 0;
    status_t status = 0;
    while (!status && count < most && fat_cluster_exists(fat_of(c->fsd), ending.next)) {
        uint32_t cluster = ending.next;
        path_of_directory(v);
        status = chain_follow(v, cluster, 1, &ending);
        if (!status && ending.crossed)
            break;
        last = cluster;
        if (!status)
            status = check_records(v, fat_cluster_address(fat_of(c->fsd), cluster),
                                   fat_of(c->fsd)->geometry.cluster_bytes, ended);
        count++;
    }
    if (status || ending.next >= ENTRY_END)
        return status;

    /* A directory whose first cluster is another's stays: which of both is right, a person has to
     * decide. */
    bool repairs = c->repair && last;
    path_of_directory(v);
    chain_report(v, &ending, repairs);
    return repairs ? check_entry_repair(c, last, ENTRY_LAST) : 0;
}

static status_t check_directory(struct visit *v)
{
    const struct fat_geometry *geometry = &fat_of(v->c->fsd)->geometry;
    bool ended = false;
    v->slot = v->dots = 0;
    v->orphans = v->after_end = 0;
    v->long_name.parts = 0;
    status_t status = v->current->root && geometry->bits != 32
                          ? check_records(v, geometry->root_address, geometry->root_bytes, &ended)
                          : check_clusters(v, &ended);
    if (status)
        return status;
    if (!v->current->root && v->dots != 2 && v->slot)
        check_found(v->c, false, "%s: does not begin with \".\" and \"..\"", v->current->path);
    if (v->after_end)
        check_found(v->c, false, "%s/: %llu records follow its end", v->current->path,
                    (unsigned long long)v->after_end);
    if (v->orphans)
        check_found(v->c, false, "%s/: %llu long names do not belong to a record",
                    v->current->path, (unsigned long long)v->orphans);
    return 0;
}

status_t check_tree(struct check *c)
{
    struct visit *v = mem_zalloc(sizeof(*v));
    struct todo *root = mem_zalloc(sizeof(*root));
    status_t status = v && root ? 0 : -ENOMEM;
    if (!status) {
        root->root = true;
        root->cluster = fat_of(c->fsd)->geometry.root_cluster;
        v->c = c;
        v->todo = root;
        root = NULL;
    }

    while (v && v->todo) {
        v->current = v->todo;
        v->todo = v->current->next;
        if (!status)
            status = check_directory(v);
        mem_free(v->current);
    }
    mem_free(root);
    mem_free(v);
    return status;
}
