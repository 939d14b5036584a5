/*
 * fuzz_mount.c - any bytes as a disc: mounted, walked, read, described, dismounted.
 *
 * Nothing is expected of the bytes; of the file system everything that must hold of any: names are
 * usable, what is listed is found, the same file reads the same twice, links end where they say,
 * and nothing is left when the disc is gone. Runs in the simulation, with a seed of the input's.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/hash.h"
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
    MEMORY_BYTES = 64 << 20,
};

static uint8_t image[FUZZ_BLOCKS_MAX * 512];

struct disc {
    uint64_t bytes;
    unsigned options, fail;
    uint64_t bad_sector; /* UINT64_MAX: none */
};

struct visit {
    struct path *directories[DIRECTORIES_MAX]; /* references, to be entered */
    unsigned count, files;
    struct path *mounted;
    uint64_t read_bytes;
    bool steady; /* nothing fails on purpose: two looks see the same */
};

static struct visit visit;

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

static void discard(struct text_sink *sink, const char *text, size_t bytes)
{
    (void)sink;
    kassert(strnlen(text, bytes) <= bytes);
}

static struct text_sink sink = { .write = discard };

/* ---- the input ---------------------------------------------------------------------------- */

static struct disc disc_begin(const uint8_t *data, size_t bytes)
{
    struct disc disc = { .options = data[FUZZ_OPTIONS], .fail = data[FUZZ_FAIL] };
    unsigned blocks = fuzz_le16(data + FUZZ_BLOCKS);
    disc.bytes = (uint64_t)(blocks < FUZZ_BLOCKS_MAX ? blocks : FUZZ_BLOCKS_MAX) * 512;
    disc.bad_sector = fuzz_lay_chunks(data, bytes, image, false);
    if (!(disc.options & FUZZ_OPTION_BAD))
        disc.bad_sector = UINT64_MAX;
    return disc;
}

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

/* ---- a run -------------------------------------------------------------------------------- */

static void mounted(const struct disc *disc)
{
    struct path *root = path_root();
    if (path_walk(root, "/m", 0, &visit.mounted) == 0) {
        IGNORE(path_describe(visit.mounted, false, &sink));
        visit.steady = !disc->fail && disc->bad_sector == UINT64_MAX;
        host_fail_nth_allocation((unsigned long)disc->fail * disc->fail);
        visit_all();
        host_fail_nth_allocation(0);
        path_put(visit.mounted);
    }
    kassert(vfs_unmount(root, "/m") == 0);
    path_put(root);
}

static void run_disc(void *argument)
{
    static const char *const options[] = {
        NULL, "names=rr", "names=joliet", "names=iso",
        "session=2", "session=2,names=rr", "session=2,names=joliet", "session=2,names=iso",
        "charset=shift-jis", "charset=cp437,names=rr", "names=enhanced", "charset=utf-8",
    };
    const struct disc *disc = argument;
    rig_start();
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, image, disc->bytes, faulty_limits(),
                                          disc->options & FUZZ_OPTION_LATE ? FAULTY_LATE
                                                                           : FAULTY_SYNC);
    if (disc->bad_sector != UINT64_MAX) {
        faulty->bad_from = disc->bad_sector * FUZZ_SECTOR_BYTES;
        faulty->bad_to = faulty->bad_from + FUZZ_SECTOR_BYTES;
    }
    IGNORE(device_describe_volume("disk0", &sink));
    struct path *root = path_root();
    status_t status = vfs_mount(root, "/m", "disk0", "cdfs",
                                options[(disc->options & FUZZ_OPTION_NAMES) +
                                        (disc->options & FUZZ_OPTION_CHARSET   ? 8
                                         : disc->options & FUZZ_OPTION_SESSION ? 4 : 0)]);
    path_put(root);
    if (!status)
        mounted(disc);
    faulty_destroy(faulty);
    rig_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < FUZZ_HEADER_BYTES || memcmp(data + FUZZ_MAGIC, "SPZ1", 4) != 0)
        return 0;
    log_set_level(LOG_ERROR);
    host_memory_limit(MEMORY_BYTES);
    struct disc disc = disc_begin(data, bytes);
    if (disc.bytes)
        sim_run(hash_bytes(data, bytes, 1), run_disc, &disc);
    fuzz_lay_chunks(data, bytes, image, true);
    return 0;
}
