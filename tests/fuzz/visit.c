/*
 * visit.c - a walk over a mounted file system, whatever its medium contains.
 *
 * Nothing is expected of the bytes; of the file system everything that must hold of any: names are
 * usable, what is listed is found, the same file reads the same twice, links end where they say,
 * and nothing is left when the disc is gone.
 */
#include <string.h>

#include "lib/macros.h"
#include "lib/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum {
    DIRECTORIES_MAX = 60,      /* entered of one disc */
    ENTRIES_MAX = 200,         /* of one directory */
    FILES_MAX = 60,            /* read of one disc */
    CONTENT_MAX = 96 << 10,    /* read of one file */
    CONTENTS_MAX = 1 << 20,    /* and of all together */
};

struct visit {
    struct path *directories[DIRECTORIES_MAX]; /* references, to be entered */
    unsigned count, files;
    struct path *mounted;
    uint64_t read_bytes;
    bool steady; /* nothing fails on purpose: two looks see the same */
};

static struct visit visit;

static void discard(struct text_sink *sink, const char *text, size_t bytes)
{
    (void)sink;
    kassert(strnlen(text, bytes) <= bytes);
}

static struct text_sink sink = { .write = discard };

/* ---- contents ----------------------------------------------------------------------------- */

/* Reads in pieces of `piece`: the bytes had, their hash, and why there are no more. */
static uint64_t read_pieces(struct file *file, size_t piece, uint64_t limit, uint64_t *digest,
                            status_t *status)
{
    static uint8_t buffer[8192];
    uint64_t done = 0;
    *digest = 1;
    *status = 0;
    while (done < limit) {
        size_t wanted = limit - done < piece ? (size_t)(limit - done) : piece;
        ssize_t got = file_read_at(file, done, buffer, wanted);
        if (got < 0)
            *status = (status_t)got;
        if (got <= 0)
            break;
        kassert((size_t)got <= wanted);
        for (ssize_t i = 0; i < got; i++)
            *digest = (*digest ^ buffer[i]) * 0x100000001b3u;
        done += (uint64_t)got;
    }
    return done;
}

static void visit_content(struct file *file, uint64_t size)
{
    uint64_t limit = size < CONTENT_MAX ? size : CONTENT_MAX, first, second;
    status_t status, again;
    if (visit.read_bytes > CONTENTS_MAX || ++visit.files > FILES_MAX)
        return;
    uint64_t done = read_pieces(file, 8192, limit, &first, &status);
    visit.read_bytes += done;
    kassert(status || done == limit);
    uint64_t repeated = read_pieces(file, 1500, limit, &second, &again);
    if (visit.steady)
        kassert(done == repeated && first == second && !status == !again);
    static uint8_t end[64];
    ssize_t got = file_read_at(file, size ? size - 1 : 0, end, sizeof(end));
    kassert(got <= 1);
    got = file_read_at(file, UINT64_MAX - 10, end, sizeof(end));
    kassert(got <= 0);
}

static void visit_file(struct path *path, const struct node_info *info)
{
    struct file *file;
    if (file_open_path(path, OPEN_READ, &file))
        return;
    kassert(file_size(file) == info->size_bytes);
    visit_content(file, info->size_bytes);
    file_close(file);
}

static void visit_link(struct path *path, const struct node_info *info)
{
    static char target[PATH_BYTES_MAX + 1];
    ssize_t length = path_read_link(path, target, sizeof(target));
    if (length < 0)
        return;
    kassert(strlen(target) == (size_t)length && info->size_bytes == (uint64_t)length);
    struct path *reached;
    if (path_walk(visit.mounted, target, 0, &reached) == 0)
        path_put(reached);
}

/* ---- directories -------------------------------------------------------------------------- */

static void check_name(const char *name)
{
    size_t length = strlen(name);
    kassert(length > 0 && length <= NAME_BYTES_MAX && !strchr(name, '/'));
    kassert(utf8_valid(name, length));
    kassert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

/* The same node by its id alone. */
static void visit_id(vnode_id_t id, const struct node_info *info)
{
    struct file *file;
    bool directory = info->type == NODE_DIRECTORY;
    if (file_open_id(visit.mounted, id, directory ? OPEN_DIRECTORY : OPEN_READ, &file))
        return;
    if (!directory)
        kassert(file_size(file) == info->size_bytes);
    file_close(file);
}

/* Checks that a node's path, its directory and the listing report the same information. */
static void check_info(struct path *directory, const struct dir_entry *entry,
                       const struct node_info *info)
{
    struct node_info told;
    kassert(entry->info.type == NODE_NONE || entry->info.type == info->type);
    kassert(!entry->info.known || rig_info_equal(&entry->info, info));
    status_t status = path_child_info(directory, entry->name, false, INFO_ALL, &told);
    kassert(status ? status != -ENOENT : rig_info_equal(&told, info));
}

/* Looks at a node; keeps the path of a directory for later, else lets it go. */
static void visit_node(struct path *path, struct path *directory, const struct dir_entry *entry)
{
    struct node_info info;
    status_t status = path_info(path, INFO_ALL, &info);
    if (!status) {
        if (entry)
            check_info(directory, entry, &info);
        if (info.type == NODE_FILE)
            visit_file(path, &info);
        if (info.type == NODE_LINK)
            visit_link(path, &info);
        if (entry)
            visit_id(entry->info.id, &info);
        IGNORE(path_describe(path, true, &sink));
    }
    if (!status && info.type == NODE_DIRECTORY && visit.count < DIRECTORIES_MAX)
        visit.directories[visit.count++] = path;
    else
        path_put(path);
}

static void visit_entry(struct path *directory, const struct dir_entry *entry)
{
    struct path *child;
    check_name(entry->name);
    status_t status = path_child(directory, entry->name, false, &child);
    kassert(status != -ENOENT); /* what is listed is found */
    if (status)
        return;
    kassert(path_vnode(child)->id == entry->info.id);
    visit_node(child, directory, entry);
}

static void visit_directory(struct path *directory)
{
    static struct dir_entry entry;
    struct file *file;
    if (file_open_path(directory, OPEN_READ | OPEN_DIRECTORY, &file))
        return;
    for (unsigned i = 0; i < ENTRIES_MAX && dir_read(file, INFO_ALL, &entry) > 0; i++)
        visit_entry(directory, &entry);
    file_close(file);
}

static void visit_all(void)
{
    visit.count = visit.files = 0;
    visit.read_bytes = 0;
    visit_node(path_get(visit.mounted), NULL, NULL);
    for (unsigned next = 0; next < visit.count; next++)
        visit_directory(visit.directories[next]);
    while (visit.count)
        path_put(visit.directories[--visit.count]);
    for (uint64_t address = 47 * 1024; address < 52 * 1024; address += 506) { /* forged */
        struct file *file;
        if (file_open_id(visit.mounted, address, OPEN_READ, &file) == 0)
            file_close(file);
    }
}

/* ---- the volume --------------------------------------------------------------------------- */

void fuzz_visit(const char *path, bool steady, unsigned fail)
{
    struct path *root = path_root();
    if (path_walk(root, path, 0, &visit.mounted) == 0) {
        IGNORE(path_describe(visit.mounted, false, &sink));
        visit.steady = steady && !fail;
        host_fail_nth_allocation((unsigned long)fail * fail);
        visit_all();
        host_fail_nth_allocation(0);
        path_put(visit.mounted);
    }
    path_put(root);
}
