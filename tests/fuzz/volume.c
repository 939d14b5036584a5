/*
 * volume.c - changes of a mounted volume, whatever its medium contains.
 *
 * Nothing is expected of a damaged volume, except that each change succeeds or fails, that a file
 * which was created is found, that the volume can be unmounted, and that no byte changes that does
 * not belong to the file system.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum {
    CHANGES = 48,
    NODES_MAX = 32,
    PATH_BYTES = 1200,
    CONTENT_BYTES = 40000,
    FAILED_WRITES = 24, /* one of the first ones fails */
};

/* Paths of files and directories that were on the volume. */
static struct {
    char paths[NODES_MAX][PATH_BYTES];
    bool directories[NODES_MAX];
    unsigned count;
} nodes;

static uint8_t content[CONTENT_BYTES];

static unsigned pick(unsigned below)
{
    return (unsigned)(rig_random() % below);
}

/* ---- names -------------------------------------------------------------------------------- */

static void node_add(const char *directory, const struct dir_entry *entry)
{
    char path[PATH_BYTES + NAME_BYTES_MAX + 2];
    struct path *root = path_root(), *reached;
    snprintf(path, sizeof(path), "%s/%s", directory, entry->name);
    if (nodes.count < NODES_MAX && strlen(path) < PATH_BYTES &&
        !path_walk(root, path, 0, &reached)) {
        strcpy(nodes.paths[nodes.count], path);
        nodes.directories[nodes.count++] = path_is_directory(reached);
        path_put(reached);
    }
    path_put(root);
}

/* Collects the first nodes of each directory. */
static void nodes_collect(void)
{
    static struct dir_entry entry;
    strcpy(nodes.paths[0], "/m");
    nodes.directories[0] = true;
    nodes.count = 1;
    for (unsigned i = 0; i < nodes.count; i++) {
        struct file *file;
        if (!nodes.directories[i] || rig_open(nodes.paths[i], OPEN_READ | OPEN_DIRECTORY, &file))
            continue;
        for (unsigned n = 0; n < 12 && dir_read(file, INFO_NONE, &entry) > 0; n++)
            node_add(nodes.paths[i], &entry);
        file_close(file);
    }
}

static const char *some_directory(void)
{
    for (unsigned tries = 0; tries < 4; tries++) {
        unsigned n = pick(nodes.count);
        if (nodes.directories[n])
            return nodes.paths[n];
    }
    return nodes.paths[0];
}

/* Makes the path of a node that may exist, or of one that may not. */
static void some_path(char *path)
{
    static const char *const names[] = { "NEW.TXT", "new long name %u.text", "LONGNA~%u.TXT",
                                         "ünïcödé %u", "a%u", "%0200u", "🧵%u", "dir.%u" };
    char name[300];
    unsigned number = pick(6);
    if (pick(2)) {
        strcpy(path, nodes.paths[pick(nodes.count)]);
        return;
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(name, sizeof(name), names[pick(ARRAY_LENGTH(names))], number);
#pragma GCC diagnostic pop
    snprintf(path, 2 * PATH_BYTES, "%s/%s", some_directory(), name);
}

/* ---- changes ------------------------------------------------------------------------------ */

static void change_file(struct file *file)
{
    uint64_t size = file_size(file);
    uint64_t at = pick(4) ? pick(60000) : size > 3000 ? size - pick(3000) : size;
    size_t count = 1 + (pick(3) ? pick(600) : pick(CONTENT_BYTES - 1));
    switch (pick(8)) {
    case 0: IGNORE(file_set_size(file, at)); break;
    case 1: IGNORE(file_set_size(file, pick(2) ? 0 : size * 2)); break;
    case 2: IGNORE(file_flush(file)); break;
    case 3: count = file_read_at(file, at, content, count) > 0; break;
    default: {
        ssize_t wrote = file_write_at(file, at, content, count);
        kassert(wrote <= (ssize_t)count);
        kassert(wrote <= 0 || file_size(file) >= at + (uint64_t)wrote);
    }
    }
}

static void change_open(const char *path)
{
    struct file *file;
    unsigned flags = OPEN_READ | OPEN_WRITE | (pick(4) ? OPEN_CREATE : 0) |
                     (pick(4) ? 0 : OPEN_TRUNCATE);
    if (rig_open(path, flags, &file))
        return;
    for (unsigned n = pick(4); n; n--)
        change_file(file);

    /* Now and then its name is removed while it is open. */
    if (!pick(8)) {
        IGNORE(rig_try_unlink(path));
        change_file(file);
    }
    file_close(file);
}

static void change_times(struct path *root, const char *path)
{
    struct path *reached;
    if (path_walk(root, path, 0, &reached))
        return;
    IGNORE(path_set_modified(reached, (int64_t)pick(UINT32_MAX)));
    path_put(reached);
}

static void change(bool steady)
{
    static char path[2 * PATH_BYTES], other[2 * PATH_BYTES];
    struct path *root = path_root();
    some_path(path);
    some_path(other);
    switch (pick(10)) {
    case 0: IGNORE(rig_try_unlink(path)); break;
    case 1: case 2: IGNORE(vfs_rename(root, path, other)); break;
    case 3: {
        status_t status = rig_try_mkdir(path);
        kassert(status || !steady || rig_walk(path) == 0);
        break;
    }
    case 4: IGNORE(vfs_sync(NULL)); break;
    case 5: change_times(root, path); break;
    case 6: rig_evict(); break;
    default: change_open(path);
    }
    path_put(root);
}

/* ---- the volume --------------------------------------------------------------------------- */

static bool in_ranges(uint64_t at, const struct fuzz_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (at >= ranges[i].from && at < ranges[i].to)
            return true;
    return false;
}

static void check_outside(const struct fuzz_disc *disc, const uint8_t *before,
                          const struct fuzz_range *ranges, size_t count)
{
    if (!memcmp(disc->image, before, disc->bytes))
        return;
    for (uint64_t at = 0; at < disc->bytes; at++)
        if (disc->image[at] != before[at] && !in_ranges(at, ranges, count))
            panic("byte %llu was changed from %02x to %02x", (unsigned long long)at, before[at],
                  disc->image[at]);
}

static void change_all(struct fuzz_disc *disc, bool steady)
{
    host_fail_nth_allocation((unsigned long)disc->fail * disc->fail);
    nodes_collect();
    if (disc->options & FUZZ_OPTION_FAIL_WRITE)
        disc->disk->fail_nth_write = 1 + pick(FAILED_WRITES);
    for (unsigned n = 0; n < CHANGES; n++)
        change(steady);
    host_fail_nth_allocation(0);
}

void fuzz_volume(struct fuzz_disc *disc, const char *type, const char *options,
                 const struct fuzz_range *ranges, size_t count)
{
    bool readable = !(disc->options & FUZZ_OPTION_BAD);
    bool steady = readable && !disc->fail && !(disc->options & FUZZ_OPTION_FAIL_WRITE);
    if (!fuzz_mount(type, options))
        return;
    fuzz_visit("/m", readable, disc->fail);

    static uint8_t before[FUZZ_BLOCKS_MAX * 512];
    struct path *root = path_root();
    memcpy(before, disc->image, disc->bytes);
    if (!vfs_remount(root, "/m", "rw"))
        change_all(disc, steady);
    path_put(root);

    /* What failed once succeeds later; but a sector that cannot be read may be needed. */
    status_t status = rig_unmount("/m");
    disc->disk->fail_nth_write = 0;
    if (status)
        status = rig_unmount("/m");
    kassert(!status || !readable);
    if (status)
        vfs_unmount_device(disc->disk->device);
    check_outside(disc, before, ranges, count);

    if (!status && fuzz_mount(type, options)) {
        fuzz_visit("/m", readable, 0);
        kassert(rig_unmount("/m") == 0);
    }
}
