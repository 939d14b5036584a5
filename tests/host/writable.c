/*
 * writable.c - the body for file systems that can be written. See writable.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/host/writable.h"

enum { CONTENT_BYTES = 300000 };

static uint8_t content[CONTENT_BYTES], got[CONTENT_BYTES + 1];

/* ---- mounting ----------------------------------------------------------------------------- */

void writable_mount(void)
{
    struct path *root = path_root();
    expect("mount", rig_mount("/m", "disk0"), 0);
    expect("remount", vfs_remount(root, "/m", "rw"), 0);
    path_put(root);
}

void writable_unmount(void)
{
    expect("unmount", rig_unmount("/m"), 0);
}

static void sync_all(void)
{
    expect("sync", vfs_sync(NULL), 0);
}

static status_t rename_to(const char *from, const char *to)
{
    struct path *root = path_root();
    status_t status = vfs_rename(root, from, to);
    path_put(root);
    return status;
}

/* ---- looking ------------------------------------------------------------------------------ */

/* Calls visit() with the path of each entry of a directory. Returns their number, or an errno. */
static int each_entry(const char *path, void (*visit)(const char *path, void *context),
                      void *context)
{
    struct dir_entry *entry = malloc(sizeof(*entry));
    char *child = malloc(4096);
    struct file *directory;
    int more, count = 0;
    status_t status = rig_open(path, OPEN_READ | OPEN_DIRECTORY, &directory);
    if (!status) {
        while ((more = dir_read(directory, INFO_ALL, entry)) > 0) {
            snprintf(child, 4096, "%s/%s", path, entry->name);
            count++;
            if (visit)
                visit(child, context);
        }
        file_close(directory);
        status = more;
    }
    free(child);
    free(entry);
    return status ? status : count;
}

static void hash_entry(const char *path, void *context)
{
    uint64_t *sum = context, hash = hash_bytes(path, strlen(path), 1);
    struct file *file;
    status_t status = rig_open(path, OPEN_READ, &file);
    if (status == -EISDIR) {
        hash = hash_u64(hash ^ writable_hash(path));
    } else if (!status) {
        uint8_t *bytes = malloc(65536);
        ssize_t count;
        while ((count = file_read(file, bytes, 65536)) > 0)
            hash = hash_bytes(bytes, (size_t)count, hash);
        hash ^= (uint64_t)count;
        file_close(file);
        free(bytes);
    } else {
        hash ^= (uint64_t)status;
    }
    *sum += hash; /* in any order */
}

uint64_t writable_hash(const char *path)
{
    uint64_t sum = 0;
    int count = each_entry(path, hash_entry, &sum);
    return hash_u64(sum ^ (uint64_t)count);
}

static void clear_entry(const char *path, void *unused)
{
    (void)unused;
    struct file *file;
    status_t status = rig_open(path, OPEN_READ | OPEN_DIRECTORY, &file);
    if (!status) {
        file_close(file);
        writable_clear(path);
    }
    rig_unlink(path);
}

void writable_clear(const char *path)
{
    int count = each_entry(path, clear_entry, NULL);
    kassert(count >= 0);
    kassert(each_entry(path, NULL, NULL) == 0);
}

static void file_has(const char *path, const uint8_t *bytes, size_t count)
{
    ssize_t size = rig_get_file(path, got, sizeof(got));
    if (size != (ssize_t)count || memcmp(got, bytes, count))
        panic("%s: %ld bytes, expected %lu", path, (long)size, (unsigned long)count);
}

static int count_of(const char *path)
{
    return each_entry(path, NULL, NULL);
}

static uint64_t size_of(const char *path)
{
    struct path *root = path_root(), *at;
    struct node_info info = { 0 };
    expect(path, path_walk(root, path, 0, &at), 0);
    expect(path, path_info(at, INFO_STANDARD, &info), 0);
    path_put(at);
    path_put(root);
    return info.size_bytes;
}

/* Everything is the same after the volume was mounted again. */
static void remount(void)
{
    uint64_t before = writable_hash("/m");
    writable_unmount();
    writable_mount();
    kassert(writable_hash("/m") == before);
}

/* ---- contents ----------------------------------------------------------------------------- */

static void contents(void)
{
    struct file *file;
    rig_put_file("/m/file", content, 100000);
    file_has("/m/file", content, 100000);
    sync_all();

    /* overwritten in place, continued, and with a gap that reads as zeroes */
    expect("open", rig_open("/m/file", OPEN_READ | OPEN_WRITE, &file), 0);
    kassert(file_write_at(file, 777, content + 1, 5000) == 5000);
    kassert(file_write_at(file, 99000, content, 50000) == 50000);
    kassert(file_write_at(file, 200000, content, 10) == 10);
    kassert(size_of("/m/file") == 200010);
    static uint8_t model[CONTENT_BYTES];
    memset(model, 0, sizeof(model));
    memcpy(model, content, 100000);
    memcpy(model + 777, content + 1, 5000);
    memcpy(model + 99000, content, 50000);
    memcpy(model + 200000, content, 10);
    file_has("/m/file", model, 200010);
    expect("flush", file_flush(file), 0);

    /* cut, and extended again: the bytes that were cut are zeroes */
    expect("cut", file_set_size(file, 5000), 0);
    expect("extend", file_set_size(file, 30000), 0);
    memset(model + 5000, 0, sizeof(model) - 5000);
    file_has("/m/file", model, 30000);
    sync_all();
    expect("empty", file_set_size(file, 0), 0);
    kassert(file_write_at(file, 0, content, 20) == 20);
    file_close(file);
    file_has("/m/file", content, 20);
    remount();
    file_has("/m/file", content, 20);
    rig_unlink("/m/file");
}

/* A file without a name lives until it is closed. */
static void removed_open(void)
{
    struct file *file;
    rig_put_file("/m/open", content, 50000);
    expect("open", rig_open("/m/open", OPEN_READ | OPEN_WRITE, &file), 0);
    rig_unlink("/m/open");
    sync_all();
    kassert(file_write_at(file, 50000, content, 50000) == 50000);
    rig_put_file("/m/open", content + 7, 60000); /* another one, which must not get its clusters */
    sync_all();
    kassert(file_read_at(file, 0, got, 50000) == 50000 && !memcmp(got, content, 50000));
    file_close(file);
    file_has("/m/open", content + 7, 60000);
    remount();
    rig_unlink("/m/open");
}

static uint64_t free_bytes(void)
{
    struct path *root = path_root(), *path;
    struct fs_info info;
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    expect("info", fsd_get_usage(path_fsd(path), &info), 0);
    path_put(path);
    path_put(root);
    return info.free_bytes;
}

/* Free space changes at once with a write, a removal and a truncation, and not with the flush. */
static void space(void)
{
    struct file *file;
    rig_put_file("/m/space", content, 1);
    sync_all();
    uint64_t little = free_bytes();
    rig_put_file("/m/space", content, 100000);
    uint64_t much = free_bytes();
    kassert(much < little && little - much <= 100000 + 65536);
    sync_all();
    kassert(free_bytes() == much);

    expect("open", rig_open("/m/space", OPEN_WRITE, &file), 0);
    expect("truncate", file_set_size(file, 1), 0);
    file_close(file);
    kassert(free_bytes() == little);
    sync_all();
    kassert(free_bytes() == little);

    rig_put_file("/m/space", content, 100000);
    sync_all();
    rig_unlink("/m/space");
    kassert(free_bytes() > little);
    uint64_t none = free_bytes();
    sync_all();
    kassert(free_bytes() == none);
}

/* ---- names -------------------------------------------------------------------------------- */

static void directories(void)
{
    rig_mkdir("/m/a directory");
    rig_mkdir("/m/a directory/b");
    rig_mkdir("/m/a directory/b/c");
    rig_put_file("/m/a directory/b/c/file", content, 1000);
    expect("again", rig_try_mkdir("/m/a directory/b"), -EEXIST);
    expect("full", rig_try_unlink("/m/a directory/b"), -ENOTEMPTY);
    expect("into itself", rename_to("/m/a directory", "/m/a directory/b/x"), -EINVAL);

    expect("up", rename_to("/m/a directory/b/c", "/m/c"), 0);
    kassert(count_of("/m/a directory/b") == 0 && count_of("/m") == 2);
    expect("into", rename_to("/m/a directory", "/m/c/d"), 0);
    file_has("/m/c/d/../file", content, 1000);
    file_has("/m/c/d/b/../../file", content, 1000);
    remount();
    file_has("/m/c/d/b/../../file", content, 1000);
    writable_clear("/m");
}

static void renames(void)
{
    struct file *old;
    rig_put_file("/m/one", content, 1000);
    rig_put_file("/m/Two, with a long name", content + 1, 2000);
    sync_all();
    expect("open", rig_open("/m/Two, with a long name", OPEN_READ, &old), 0);
    expect("over", rename_to("/m/one", "/m/Two, with a long name"), 0);
    kassert(count_of("/m") == 1);
    file_has("/m/Two, with a long name", content, 1000);
    kassert(file_read_at(old, 0, got, 3000) == 2000 && !memcmp(got, content + 1, 2000));
    file_close(old);

    /* before anything is written back, and across directories */
    rig_mkdir("/m/d");
    rig_put_file("/m/d/new file", content + 2, 3000);
    expect("across", rename_to("/m/d/new file", "/m/Two, with a long name"), 0);
    file_has("/m/Two, with a long name", content + 2, 3000);
    kassert(count_of("/m/d") == 0 && count_of("/m") == 2);
    expect("type", rename_to("/m/d", "/m/Two, with a long name"), -ENOTDIR);
    expect("type", rename_to("/m/Two, with a long name", "/m/d"), -EISDIR);
    rig_mkdir("/m/e");
    expect("directory over", rename_to("/m/e", "/m/d"), 0);
    expect("missing", rename_to("/m/e", "/m/f"), -ENOENT);
    remount();
    kassert(count_of("/m") == 2);
    writable_clear("/m");
}

static void folded(void)
{
    rig_put_file("/m/Readme.Txt", content, 10);
    file_has("/m/README.TXT", content, 10);
    expect("taken", rig_try_mkdir("/m/readme.txt"), -EEXIST);
    expect("spelling", rename_to("/m/readme.txt", "/m/README.txt"), 0);

    /* Other systems leave the end of such names out. */
    expect("dot", rig_try_mkdir("/m/dot."), -EINVAL);
    expect("blank", rename_to("/m/README.txt", "/m/blank "), -EINVAL);
    kassert(count_of("/m") == 1);
    remount();
    file_has("/m/readme.TXT", content, 10);
    rig_unlink("/m/ReadMe.txt");
    kassert(count_of("/m") == 0);
}

/* Names of every length and script are found as they were written. */
static void spellings(void)
{
    static const char *const names[] = { "a", "UPPER.TXT", "lower.txt", "miXed", ".hidden", "a.b.c",
                                         "two  blanks", "ünïcödé ßtraße", "日本語.txt", "Δelta",
                                         "many similar names 1", "many similar names 2",
                                         "many similar names 3", "many similar names 4",
                                         "many similar names 5", "many similar names 6" };
    char path[600];
    rig_mkdir("/m/names"); /* the root of a small volume may be full soon */
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        snprintf(path, sizeof(path), "/m/names/%s", names[i]);
        rig_put_file(path, content + i, i * 10);
    }
    for (unsigned length = 1; length <= 255; length += 13) {
        snprintf(path, sizeof(path), "/m/names/%.*d", (int)length, 7);
        rig_put_file(path, content, length);
    }
    remount();
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        snprintf(path, sizeof(path), "/m/names/%s", names[i]);
        file_has(path, content + i, i * 10);
    }
    for (unsigned length = 1; length <= 255; length += 13) {
        snprintf(path, sizeof(path), "/m/names/%.*d", (int)length, 7);
        file_has(path, content, length);
    }
    writable_clear("/m");
}

/* A directory grows, is emptied in any order, and is filled again. */
static void many(unsigned files)
{
    char path[100];
    rig_mkdir("/m/many");
    for (unsigned i = 0; i < files; i++) {
        snprintf(path, sizeof(path), i % 3 ? "/m/many/file with a number %u" : "/m/many/%u", i);
        rig_put_file(path, content, 0);
    }
    kassert(count_of("/m/many") == (int)files);
    remount();
    for (unsigned i = 0; i < files; i += 2) {
        snprintf(path, sizeof(path), i % 3 ? "/m/many/file with a number %u" : "/m/many/%u", i);
        rig_unlink(path);
    }
    kassert(count_of("/m/many") == (int)(files / 2));
    sync_all();
    for (unsigned i = 0; i < files; i += 2) {
        snprintf(path, sizeof(path), "/m/many/again %u", i);
        rig_put_file(path, content, 0);
    }
    remount();
    kassert(count_of("/m/many") == (int)files);
    writable_clear("/m");
}

void writable_conform(const struct writable *fs)
{
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 11 + i / 251);
    writable_mount();
    contents();
    removed_open();
    writable_attributes();
    space();
    directories();
    renames();
    writable_moves("/m");
    if (fs->folds)
        folded();
    spellings();
    many(fs->tree_files);
    kassert(count_of("/m") == 0);
    writable_unmount();
}

/* ---- random changes ----------------------------------------------------------------------- */

enum { NODES = 24, NODE_BYTES = 40000, DIRECTORIES = 3 };

/* A file of the model, or none. */
struct model {
    bool exists;
    size_t size;
    uint8_t bytes[NODE_BYTES];
};

static struct model models[NODES];

/* Names of all kinds, in the root and in directories. */
static const char *node_path(unsigned n)
{
    static const char *const forms[] = { "/m/%u", "/m/d0/A rather long name %u",
                                         "/m/d1/d/lower.%u", "/m/d1/FILE%u.TXT" };
    static char path[100];
    snprintf(path, sizeof(path), forms[n % ARRAY_LENGTH(forms)], n);
    return path;
}

/* Reads a file of the model. The one failure of a test may be met here: the next attempt
 * succeeds. */
static ssize_t node_read(unsigned n, uint8_t bytes[NODE_BYTES + 1])
{
    ssize_t size = rig_get_file(node_path(n), bytes, NODE_BYTES + 1);
    if (size < 0 && size != -ENOENT)
        size = rig_get_file(node_path(n), bytes, NODE_BYTES + 1);
    return size;
}

/* What the file system has counts, after a change that may have failed half way. */
static void model_learn(unsigned n)
{
    static uint8_t bytes[NODE_BYTES + 1];
    ssize_t size = node_read(n, bytes);
    kassert(size <= NODE_BYTES);
    models[n].exists = size >= 0;
    models[n].size = size >= 0 ? (size_t)size : 0;
    memcpy(models[n].bytes, bytes, models[n].size);
}

static void model_compare(unsigned n)
{
    static uint8_t bytes[NODE_BYTES + 1];
    const struct model *model = &models[n];
    ssize_t size = node_read(n, bytes);
    if (!model->exists ? size != -ENOENT
                       : size != (ssize_t)model->size || memcmp(bytes, model->bytes, model->size))
        panic("%s: %ld bytes, expected %ld", node_path(n), (long)size,
              model->exists ? (long)model->size : -1l);
}

static status_t change_write(unsigned n)
{
    struct model *model = &models[n];
    size_t at = rig_random() % (NODE_BYTES / 2), count = 1 + rig_random() % (NODE_BYTES / 2 - 1);
    struct file *file;
    status_t status = rig_open(node_path(n), OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file);
    if (status)
        return status;
    if (!model->exists)
        *model = (struct model){ .exists = true };

    if (rig_random() % 3) {
        const uint8_t *bytes = content + rig_random() % 1000;
        ssize_t wrote = file_write_at(file, at, bytes, count);
        status = wrote < 0 ? (status_t)wrote : wrote < (ssize_t)count ? -ENOSPC : 0;
        if (!status && at > model->size)
            memset(model->bytes + model->size, 0, at - model->size);
        if (!status) {
            memcpy(model->bytes + at, bytes, count);
            model->size = max(model->size, at + count);
        }
    } else {
        status = file_set_size(file, at);
        if (!status && at > model->size)
            memset(model->bytes + model->size, 0, at - model->size);
        if (!status)
            model->size = at;
    }
    if (rig_random() % 4 == 0 && !status)
        status = file_flush(file);
    file_close(file);
    return status;
}

static status_t change_rename(unsigned from, unsigned to)
{
    char path[100];
    snprintf(path, sizeof(path), "%s", node_path(from));
    status_t status = rename_to(path, node_path(to));
    if (!status && from != to) {
        models[to] = models[from];
        models[from].exists = false;
    }
    return status;
}

static status_t change_unlink(unsigned n)
{
    status_t status = rig_try_unlink(node_path(n));
    if (!status)
        models[n].exists = false;
    return status;
}

static void change_once(bool forgiving)
{
    unsigned n = rig_random() % NODES, m = rig_random() % NODES;
    status_t status = 0, expected = 0;
    switch (rig_random() % 8) {
    case 0:
        expected = models[n].exists ? 0 : -ENOENT;
        status = change_unlink(n);
        break;
    case 1: case 2:
        expected = models[n].exists ? 0 : -ENOENT;
        status = change_rename(n, m);
        break;
    case 3:
        rig_evict();
        break;
    case 4:
        if (rig_random() % 4 == 0)
            status = vfs_sync(NULL);
        break;
    default: status = change_write(n);
    }
    if (!forgiving)
        expect(node_path(n), status, expected);
    if (forgiving && status) {
        model_learn(n);
        model_learn(m);
    }
}

void writable_random_begin(void)
{
    static const char *const directories[] = { "/m/d0", "/m/d1", "/m/d1/d" };
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 7 + i / 249);
    memset(models, 0, sizeof(models));
    writable_mount();
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
        IGNORE(rig_try_mkdir(directories[i])); /* there already, or no room for it */
    for (unsigned n = 0; n < NODES; n++)
        model_learn(n);
}

void writable_random_changes(unsigned changes, bool forgiving)
{
    for (unsigned i = 0; i < changes; i++) {
        change_once(forgiving);
        if (i % 16 == 15)
            model_compare(rig_random() % NODES);
        if (i % 64 == 63 && !forgiving) {
            writable_unmount();
            writable_mount();
        }
    }
}

void writable_random_end(void)
{
    for (unsigned n = 0; n < NODES; n++)
        model_compare(n);
    uint64_t hash = writable_hash("/m");
    writable_unmount();
    writable_mount();
    kassert(writable_hash("/m") == hash);
    writable_unmount();
}

void writable_random(unsigned changes)
{
    writable_random_begin();
    writable_random_changes(changes, false);
    writable_random_end();
}
