/*
 * check_tree.c - checks the directories of an exFAT volume, and the clusters of each file.
 *
 * Directories wait in a list on the heap, so that a volume's depth needs no stack. A directory
 * whose first cluster is marked already was visited: loops end.
 */
#include "fs/exfat/record.h"
#include "fs/exfat/tools/check.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { PIECE_BYTES = 512 };

/* A directory to be visited. */
struct todo {
    struct todo *next;
    struct runs runs;
    char path[CHECK_PATH_BYTES];
};

struct visit {
    struct check *c;
    struct exfat *exfat;
    struct todo *todo, *current;
    unsigned directories;      /* so far */
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES];
    uint64_t address;          /* of the set */
    unsigned entries, missing; /* of the set; missing: entries that still have to come */
    struct wide_name units;    /* of its name */
    uint64_t strays;           /* entries in use that belong to no set */
    uint64_t invalid;          /* sets */
    bool ended;
    char name[EXFAT_NAME_BYTES_MAX + 1], path[CHECK_PATH_BYTES + EXFAT_NAME_BYTES_MAX + 2];
};

/* ---- clusters ----------------------------------------------------------------------------- */

/* How a file's clusters ended. */
struct ending {
    uint64_t clusters;   /* that are this file's alone */
    uint32_t last, next; /* the last of them, and the one that follows */
    bool crossed;        /* the next one is another file's, or an earlier one of this */
};

/* Follows and marks up to `most` clusters, and adds them to the list. */
static status_t clusters_follow(struct check *c, uint32_t first, bool consecutive, uint64_t most,
                                const char *path, struct runs *runs, struct ending *ending)
{
    struct exfat *exfat = exfat_of(c->fsd);
    status_t status = 0;
    *ending = (struct ending){ .next = first };
    while (!status && ending->clusters < most && exfat_cluster_exists(exfat, ending->next)) {
        bool fresh = check_mark(c, ending->next, path, &status);
        ending->crossed = !fresh;
        if (!status && thread_interrupted())
            status = -EINTR;
        if (status || !fresh)
            break;

        status = runs_add(runs, exfat_cluster_address(exfat, ending->next),
                          exfat->geometry.cluster_bytes);
        ending->last = ending->next++;
        ending->clusters++;
        if (!status && !consecutive)
            status = exfat_table_read(exfat, ending->last, &ending->next);
    }
    return status;
}

/* Ends a chain after its file's last cluster. The others are lost, and released as such. */
static status_t chain_cut(struct check *c, uint32_t last)
{
    struct exfat *exfat = exfat_of(c->fsd);
    status_t status = changes_begin(exfat->changes);
    if (status)
        return status;
    status = exfat_link(exfat, CHANGE_LINK, last, EXFAT_TABLE_END);
    changes_end(exfat->changes, !status);
    return status;
}

/* Makes a file as long as the clusters that it has: no byte is lost that could be read, except
 * those that another file has as well. */
static status_t file_cut(struct check *c, uint64_t set, const struct ending *ending)
{
    struct exfat *exfat = exfat_of(c->fsd);
    struct exfat_node node = { .root = false };
    struct exfat_attributes attributes;
    status_t status = exfat_set_load(exfat, set, &attributes, &node.place);
    if (!status)
        status = changes_begin(exfat->changes);
    if (status)
        return status;
    attributes.size_bytes = ending->clusters * exfat->geometry.cluster_bytes;
    attributes.valid_bytes = min(attributes.valid_bytes, attributes.size_bytes);
    status = exfat_node_store(exfat, &node, &attributes);
    if (!status && ending->clusters && !attributes.consecutive && ending->next != EXFAT_TABLE_END)
        status = exfat_link(exfat, CHANGE_UNLINK, ending->last, EXFAT_TABLE_END);
    changes_end(exfat->changes, !status);
    return status;
}

status_t exfat_check_clusters(struct check *c, const struct exfat_attributes *attributes,
                              uint64_t set, const char *path, struct runs *runs)
{
    struct exfat *exfat = exfat_of(c->fsd);
    uint64_t wanted = exfat_clusters_of(exfat, attributes->size_bytes);
    struct ending ending = { .clusters = 0 };

    /* A file without bytes has no clusters (7.6.5). Those that it has are lost ones. */
    bool placed = attributes->cluster || attributes->consecutive;
    if (!wanted && placed && set && !(attributes->attributes & EXFAT_DIRECTORY)) {
        check_found(c, c->repair, "%s: empty, but has cluster %u", path, attributes->cluster);
        return c->repair ? file_cut(c, set, &ending) : 0;
    }
    status_t status = clusters_follow(c, attributes->cluster, attributes->consecutive, wanted, path,
                                      runs, &ending);
    if (status)
        return status;

    if (ending.clusters < wanted) {
        /* A directory has at least one cluster. */
        bool repairs = c->repair && set &&
                       (ending.clusters || !(attributes->attributes & EXFAT_DIRECTORY));
        if (ending.crossed)
            check_crossed(c, ending.next, path, repairs);
        else
            check_found(c, repairs, "%s: %llu bytes, but its clusters hold only %llu", path,
                        (unsigned long long)attributes->size_bytes,
                        (unsigned long long)(ending.clusters * exfat->geometry.cluster_bytes));
        return repairs ? file_cut(c, set, &ending) : 0;
    }
    if (!wanted || attributes->consecutive || ending.next == EXFAT_TABLE_END)
        return 0;
    check_found(c, c->repair, "%s: has more clusters than its %llu bytes need", path,
                (unsigned long long)attributes->size_bytes);
    return c->repair ? chain_cut(c, ending.last) : 0;
}

/* The root directory has no size: its chain ends where the table says so. */
static status_t check_root(struct check *c, struct runs *runs)
{
    struct exfat *exfat = exfat_of(c->fsd);
    struct ending ending;
    uint64_t most = EXFAT_DIRECTORY_BYTES_MAX / exfat->geometry.cluster_bytes + 1;
    status_t status =
        clusters_follow(c, exfat->geometry.root_cluster, false, most, "/", runs, &ending);
    if (!status && (ending.crossed || ending.next != EXFAT_TABLE_END))
        check_found(c, false, "/: its clusters lead to %u, which is not the end",
                    (unsigned)ending.next);
    return status;
}

/* ---- sets --------------------------------------------------------------------------------- */

/* Puts a directory on the list. */
static status_t directory_add(struct visit *v, const struct exfat_attributes *attributes)
{
    size_t length = strlen(v->path);
    v->c->report->directories++;
    if (attributes->size_bytes % v->exfat->geometry.cluster_bytes || !attributes->size_bytes)
        check_found(v->c, false, "%s: a directory of %llu bytes, which are not whole clusters",
                    v->path, (unsigned long long)attributes->size_bytes);
    if (++v->directories > CHECK_DIRECTORIES_MAX)
        return -EUCLEAN;
    struct todo *todo = mem_zalloc(sizeof(*todo));
    if (!todo)
        return -ENOMEM;

    /* Of a long path the end is kept, which says more. */
    size_t skip = length >= sizeof(todo->path) ? length - sizeof(todo->path) + 1 : 0;
    memcpy(todo->path, v->path + skip, length - skip + 1);
    todo->next = v->todo;
    v->todo = todo;
    return exfat_check_clusters(v->c, attributes, v->address, v->path, &todo->runs);
}

/* The hash of a name lets other systems skip it in a search. */
static void check_hash(struct visit *v)
{
    struct wide_name *name = &v->units;
    struct bytes set = { v->set, sizeof(v->set) };
    name->count = bytes_u8(set, EXFAT_ENTRY_BYTES + STREAM_NAME_UNITS);

    /* The set was decoded, so it has that many units. */
    for (unsigned i = 0; i < name->count; i++) {
        size_t part = (2 + i / NAME_UNITS_PER_ENTRY) * (size_t)EXFAT_ENTRY_BYTES;
        name->units[i] = bytes_le16(set, part + NAME_UNITS + i % NAME_UNITS_PER_ENTRY * 2);
    }
    if (v->exfat->upcase && exfat_name_hash(v->exfat, name) !=
                                bytes_le16(set, EXFAT_ENTRY_BYTES + STREAM_NAME_HASH))
        check_found(v->c, false, "%s: the hash of its name is wrong", v->path);
}

static status_t take_set(struct visit *v)
{
    struct bytes set = { v->set, v->entries * (size_t)EXFAT_ENTRY_BYTES };
    struct exfat_attributes attributes;
    struct runs runs = { 0 };
    size_t length;
    if (!exfat_set_decode(v->exfat, set, &attributes, v->name, &length)) {
        v->invalid++;
        return 0;
    }
    format_text(v->path, sizeof(v->path), "%s/%s", v->current->path, v->name);
    check_hash(v);
    if (attributes.attributes & EXFAT_DIRECTORY)
        return directory_add(v, &attributes);

    v->c->report->files++;
    status_t status = exfat_check_clusters(v->c, &attributes, v->address, v->path, &runs);
    runs_free(&runs);
    return status;
}

/* An entry that needs a file entry before it, as a removal that was cut short may leave it. */
static status_t take_stray(struct visit *v, uint8_t type, uint64_t address)
{
    uint8_t unused = (uint8_t)(type & ~EXFAT_ENTRY_USED);
    v->strays++;
    if (!v->c->repair)
        return 0;
    status_t status = changes_begin(v->exfat->changes);
    if (status)
        return status;
    status = changes_write(v->exfat->changes, CHANGE_LINK, address, &unused, sizeof(unused));
    changes_end(v->exfat->changes, !status);
    return status;
}

static status_t take_entry(struct visit *v, struct bytes entry, uint64_t address)
{
    uint8_t type = bytes_u8(entry, 0);
    bool secondary = type & EXFAT_ENTRY_USED && type & EXFAT_ENTRY_SECONDARY;

    /* A set that still misses entries ends at any other kind of entry. */
    if (v->missing && !secondary) {
        v->invalid++;
        v->missing = 0;
    }
    v->ended = type == EXFAT_ENTRY_END;
    if (type == EXFAT_ENTRY_FILE) {
        unsigned secondaries = exfat_set_secondaries(entry);
        bool possible = secondaries >= 2 && secondaries < EXFAT_SET_ENTRIES_MAX;
        memcpy(v->set, entry.data, EXFAT_ENTRY_BYTES);
        v->address = address;
        v->entries = 1;
        v->missing = possible ? secondaries : 0;
        v->invalid += !possible;
        return 0;
    }
    if (!secondary)
        return 0;
    if (!v->missing)
        return take_stray(v, type, address);
    memcpy(v->set + v->entries++ * (size_t)EXFAT_ENTRY_BYTES, entry.data, EXFAT_ENTRY_BYTES);
    return --v->missing ? 0 : take_set(v);
}

/* ---- directories -------------------------------------------------------------------------- */

static status_t check_run(struct visit *v, const struct run *run)
{
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    for (uint64_t at = 0; !status && !v->ended && at < run->length_bytes; at += sizeof(piece)) {
        status = thread_interrupted() ? -EINTR
                                      : exfat_read(v->exfat, run->address + at, piece,
                                                   sizeof(piece));
        struct bytes entries = { piece, sizeof(piece) };
        for (size_t i = 0; !status && !v->ended && i < sizeof(piece); i += EXFAT_ENTRY_BYTES)
            status = take_entry(v, bytes_slice(entries, i, EXFAT_ENTRY_BYTES),
                                run->address + at + i);
    }
    return status;
}

static status_t check_directory(struct visit *v)
{
    const struct runs *runs = &v->current->runs;
    status_t status = 0;
    v->missing = 0;
    v->invalid = v->strays = 0;
    v->ended = false;
    for (size_t i = 0; !status && !v->ended && i < runs->count; i++)
        status = check_run(v, &runs->list[i]);
    v->invalid += v->missing != 0;

    if (v->invalid)
        check_found(v->c, false, "%s/: %llu sets of entries are invalid", v->current->path,
                    (unsigned long long)v->invalid);
    if (v->strays)
        check_found(v->c, v->c->repair, "%s/: %llu entries belong to no file", v->current->path,
                    (unsigned long long)v->strays);
    return status;
}

static void todo_free(struct todo *todo)
{
    runs_free(&todo->runs);
    mem_free(todo);
}

status_t exfat_check_tree(struct check *c)
{
    struct visit *v = mem_zalloc(sizeof(*v));
    struct todo *root = mem_zalloc(sizeof(*root));
    status_t status = v && root ? check_root(c, &root->runs) : -ENOMEM;
    if (!v || !root) {
        mem_free(v);
        mem_free(root);
        return status;
    }
    v->c = c;
    v->exfat = exfat_of(c->fsd);
    v->todo = root;

    while (v->todo) {
        v->current = v->todo;
        v->todo = v->current->next;
        if (!status)
            status = check_directory(v);
        todo_free(v->current);
    }
    mem_free(v);
    return status;
}
