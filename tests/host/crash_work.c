/*
 * crash_work.c - the workloads of the crash tests: see crash_work.h.
 *
 * An operation is done on the volume and in the model, which first predicts whether it succeeds.
 */
#include <stdio.h>
#include <string.h>

#include "lib/macros.h"
#include "tests/host/crash_model.h"
#include "tests/host/crash_work.h"
#include "tests/host/rig.h"

enum { CONTENT_MAX = 40000, LONG_MIN = 20, LONG_MAX = 60, WAIT_US = 6000000 };

enum kind { CREATE, WRITE, OVERWRITE, APPEND, SHRINK, GROW, RENAME, MKDIR, REMOVE, FSYNC, SYNC,
            WAIT };

struct operation {
    enum kind kind;
    const char *path, *to;
    bool rarely; /* only in long workloads */
};

#define LONG_NAME "dir/A longer name.text"

static const struct operation operations[] = {
    { CREATE, "new", NULL, false },
    { CREATE, "made/inside", NULL, false },
    { WRITE, "old", NULL, false },
    { WRITE, "new", NULL, false },
    { WRITE, "made/inside", NULL, true },
    { WRITE, "dir/another long name", NULL, false },
    { OVERWRITE, "old", NULL, false },
    { OVERWRITE, "new", NULL, true },
    { APPEND, "old", NULL, false },
    { APPEND, "new", NULL, false },
    { APPEND, LONG_NAME, NULL, true },
    { SHRINK, "old", NULL, false },
    { SHRINK, "new", NULL, true },
    { GROW, "old", NULL, false },
    { RENAME, "old", "new", false },
    { RENAME, "new", "old", false },
    { RENAME, "old", LONG_NAME, false },
    { RENAME, LONG_NAME, "old", false },
    { RENAME, LONG_NAME, "made/inside", false },
    { RENAME, "made/inside", "new", true },
    { RENAME, "dir", "made", false },
    { RENAME, "made", "dir", true },
    { RENAME, "old", "a much longer name of the file.text", false },
    { RENAME, "a much longer name of the file.text", "old", true },
    { MKDIR, "made", NULL, false },
    { MKDIR, "dir", NULL, true },
    { REMOVE, "made", NULL, false },
    { REMOVE, "dir", NULL, true },
    { REMOVE, "old", NULL, false },
    { REMOVE, "new", NULL, false },
    { REMOVE, LONG_NAME, NULL, false },
    { REMOVE, "dir/another long name", NULL, true },
    { REMOVE, "made/inside", NULL, true },
    { FSYNC, "old", NULL, false },
    { FSYNC, "new", NULL, true },
    { SYNC, "", NULL, false },
    { WAIT, "", NULL, true },
};

static struct {
    struct recorder *recorder; /* NULL: a rehearsal */
    void (*check)(unsigned time);
    unsigned contents; /* made so far */
    unsigned time;     /* the last tree that was ended */
    char text[2048];
    size_t last; /* where the last operation begins in it */
} work;

/* ---- the volume's side -------------------------------------------------------------------- */

static const char *full(const char *path)
{
    static char texts[2][MODEL_NAME_BYTES + 3];
    static unsigned turn;
    turn = !turn;
    snprintf(texts[turn], sizeof(texts[turn]), "/m/%s", path);
    return texts[turn];
}

static uint8_t content[CONTENT_MAX];

/* Fills content[from, to) with words that occur nowhere else. */
static void make_content(uint32_t from, uint32_t to)
{
    work.contents++;
    for (uint32_t at = from; at < to; at++) {
        uint32_t word = work.contents << 16 | at / 4;
        content[at] = (uint8_t)(word >> at % 4 * 8);
    }
}

/* Opens a file and writes `bytes` bytes of content[] at their own place. */
static status_t write_part(const char *path, unsigned flags, uint32_t from, uint32_t bytes)
{
    struct file *file;
    status_t status = rig_open(full(path), OPEN_WRITE | flags, &file);
    if (status)
        return status;
    ssize_t written = bytes ? file_write_at(file, from, content + from, bytes) : 0;
    file_close(file);
    return written == (ssize_t)bytes ? 0 : written < 0 ? (status_t)written : -EIO;
}

static status_t resize(const char *path, uint32_t bytes)
{
    struct file *file;
    status_t status = rig_open(full(path), OPEN_WRITE, &file);
    if (status)
        return status;
    status = file_set_size(file, bytes);
    file_close(file);
    return status;
}

static status_t sync_node(const char *path, unsigned flags)
{
    struct file *file;
    status_t status = rig_open(full(path), flags, &file);
    if (status)
        return status;
    status = file_flush(file);
    file_close(file);
    return status;
}

static status_t rename_on_volume(const char *from, const char *to)
{
    struct path *root = path_root();
    status_t status = vfs_rename(root, full(from), full(to));
    path_put(root);
    return status;
}

static status_t sync_all(void)
{
    return vfs_sync(NULL);
}

/* ---- operations on both ------------------------------------------------------------------- */

/* Panics if the volume disagrees with the model about an operation. */
static void expect_as_predicted(bool can, status_t status)
{
    if (can != !status)
        panic("%s, but the model %s: %s", status_name(status), can ? "can" : "cannot",
              work.text + work.last);
}

/* Copies the node's content, if it is a file, to content[]. Returns its length. */
static uint32_t load(int node)
{
    uint32_t bytes = 0;
    const uint8_t *last = model_type(node) == NODE_FILE ? model_content(node, &bytes) : NULL;
    if (bytes)
        memcpy(content, last, bytes);
    return bytes;
}

static status_t do_create(const char *path)
{
    int node = model_find(path);
    if (node == MODEL_NONE)
        IGNORE(model_create(path, NODE_FILE)); /* its directory may be missing: so for both */
    return write_part(path, OPEN_CREATE, 0, 0);
}

/* Replaces the content, or makes the file. */
static status_t do_write(const char *path)
{
    uint32_t bytes = 1 + (uint32_t)rig_random() % 9000;
    make_content(0, bytes);
    status_t status = write_part(path, OPEN_CREATE | OPEN_TRUNCATE, 0, bytes);
    int node = model_find(path);
    if (node == MODEL_NONE)
        node = model_create(path, NODE_FILE);
    if (model_type(node) == NODE_FILE) {
        model_change(node, NULL, 0);
        model_change(node, content, bytes);
    }
    return status;
}

static status_t do_overwrite(const char *path)
{
    int node = model_find(path);
    uint32_t bytes = load(node), from = bytes / 2 & ~3u, length = min(bytes - from, 1500u);
    make_content(from, from + length);
    if (model_type(node) == NODE_FILE)
        model_change(node, content, bytes);
    return write_part(path, 0, from, length);
}

static status_t do_append(const char *path)
{
    int node = model_find(path);
    uint32_t bytes = load(node), length = min(1 + (uint32_t)rig_random() % 5000,
                                              CONTENT_MAX - bytes);
    make_content(bytes, bytes + length);
    if (model_type(node) == NODE_FILE)
        model_change(node, content, bytes + length);
    return write_part(path, 0, bytes, length);
}

static status_t do_resize(const char *path, bool grow)
{
    int node = model_find(path);
    uint32_t bytes = load(node), to = grow ? min(bytes + 3000, (uint32_t)CONTENT_MAX) : bytes / 3;
    if (grow)
        memset(content + bytes, 0, to - bytes);
    if (model_type(node) == NODE_FILE)
        model_change(node, content, to);
    return resize(path, to);
}

/* Returns whether a rename succeeds; its directory exists if a file can be created in it. */
static bool can_rename(const char *from, const char *to)
{
    int node = model_find(from), replaced = model_find(to);
    const char *slash = strchr(to, '/');
    char parent[MODEL_NAME_BYTES];
    snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - to) : 0, to);
    if (node == MODEL_NONE || (slash && model_type(model_find(parent)) != NODE_DIRECTORY))
        return false;
    if (model_type(node) == NODE_DIRECTORY && slash && model_is_inside(model_find(parent), node))
        return false;
    if (replaced == MODEL_NONE)
        return true;
    return model_type(node) == model_type(replaced) &&
           (model_type(node) == NODE_FILE || model_is_empty(replaced));
}

static status_t do_rename(const char *from, const char *to)
{
    bool can = can_rename(from, to);
    status_t status = rename_on_volume(from, to);
    expect_as_predicted(can, status);
    if (!status)
        model_rename(from, to);
    return status;
}

static status_t do_mkdir(const char *path)
{
    bool can = model_create(path, NODE_DIRECTORY) != MODEL_NONE;
    status_t status = rig_try_mkdir(full(path));
    expect_as_predicted(can, status);
    return status;
}

static status_t do_remove(const char *path)
{
    int node = model_find(path);
    bool can = node != MODEL_NONE && (model_type(node) == NODE_FILE || model_is_empty(node));
    status_t status = rig_try_unlink(full(path));
    expect_as_predicted(can, status);
    if (can)
        model_remove(path);
    return status;
}

static status_t do_one(const struct operation *operation)
{
    switch (operation->kind) {
    case CREATE: return do_create(operation->path);
    case WRITE: return do_write(operation->path);
    case OVERWRITE: return do_overwrite(operation->path);
    case APPEND: return do_append(operation->path);
    case SHRINK: return do_resize(operation->path, false);
    case GROW: return do_resize(operation->path, true);
    case RENAME: return do_rename(operation->path, operation->to);
    case MKDIR: return do_mkdir(operation->path);
    case REMOVE: return do_remove(operation->path);
    case FSYNC: return sync_node(operation->path, OPEN_WRITE);
    case SYNC: return sync_all();
    case WAIT:
        thread_sleep_until(time_now_us() + WAIT_US); /* the flusher runs */
        return 0;
    }
    return 0;
}

static void note(const struct operation *operation)
{
    static const char *const names[] = { "create", "write", "overwrite", "append", "shrink",
                                         "grow", "rename", "mkdir", "remove", "fsync", "sync",
                                         "wait" };
    size_t length = work.last = strlen(work.text);
    snprintf(work.text + length, sizeof(work.text) - length, "%s%s %s%s%s", length ? "; " : "",
             names[operation->kind], operation->path, operation->to ? " " : "",
             operation->to ? operation->to : "");
}

static void mark(unsigned value)
{
    if (work.recorder)
        recorder_mark(work.recorder, value);
}

static void operate(const struct operation *operation)
{
    note(operation);
    mark(work.time + 1);
    status_t status = do_one(operation);
    work.time = model_step();
    if (!status && operation->kind == SYNC)
        mark(WORK_SYNCED | work.time);
    if (!status && operation->kind == FSYNC)
        mark(WORK_NODE_SYNCED | work.time |
             (unsigned)model_find(operation->path) << WORK_NODE_SHIFT);
    if (work.check)
        work.check(work.time);
}

/* ---- workloads ---------------------------------------------------------------------------- */

/* Returns the n-th operation of the sequences, or NULL past the last. */
static const struct operation *short_operation(unsigned n)
{
    for (size_t i = 0; i < ARRAY_LENGTH(operations); i++)
        if (!operations[i].rarely && n-- == 0)
            return &operations[i];
    return NULL;
}

static unsigned short_operations(void)
{
    unsigned count = 0;
    while (short_operation(count))
        count++;
    return count;
}

unsigned work_sequences(void)
{
    unsigned count = short_operations();
    return count + count * count + count * count * count;
}

static void do_sequence(unsigned number)
{
    unsigned count = short_operations(), length = 1, left = count;
    while (number >= left) {
        number -= left;
        left *= count;
        length++;
    }
    for (; length; length--, number /= count)
        operate(short_operation(number % count));
}

/* Sequences that have failed once, and are too long or too rare to be met soon. */
static const struct operation found[][LONG_MIN] = {
    /* a directory is replaced which the last file has left just before */
    { { MKDIR, "made", NULL, false }, { RENAME, LONG_NAME, "made/inside", false },
      { RENAME, "made", "dir", false } },
    /* a fragmented file is cut to one cluster, and grows again */
    { { APPEND, "old", NULL, false }, { SYNC, "", NULL, false }, { SHRINK, "old", NULL, false },
      { GROW, "old", NULL, false } },
};

unsigned work_found(void)
{
    return ARRAY_LENGTH(found);
}

static void do_found(unsigned number)
{
    for (const struct operation *operation = found[number]; operation->path; operation++)
        operate(operation);
}

static void do_long(void)
{
    unsigned length = LONG_MIN + (unsigned)rig_random() % (LONG_MAX - LONG_MIN);
    while (length--)
        operate(&operations[rig_random() % ARRAY_LENGTH(operations)]);
}

/* Makes the tree that is there first. */
static void do_first(struct recorder *recorder, unsigned number)
{
    static const struct operation first[] = { { WRITE, "old", NULL, false },
                                              { MKDIR, "dir", NULL, false },
                                              { WRITE, LONG_NAME, NULL, false } };
    work.recorder = recorder;
    work.contents = 0;
    work.text[0] = '\0';
    model_reset();
    for (unsigned n = 0; n < number % (number < work_sequences() ? 16 : 1009); n++)
        IGNORE(rig_random()); /* lengths differ from workload to workload, and long workloads */
    for (size_t i = 0; i < ARRAY_LENGTH(first); i++)
        expect(first[i].path, do_one(&first[i]), 0);
    expect("sync", sync_all(), 0);
    work.time = model_step();
}

static void do_all(unsigned number)
{
    if (number < work_sequences())
        do_sequence(number);
    else if (number >= WORK_FOUND)
        do_found(number - WORK_FOUND);
    else
        do_long();
    expect("unmount", rig_unmount("/m"), 0);
}

size_t work_do(struct recorder *recorder, unsigned number)
{
    struct path *root = path_root();
    expect("mount", vfs_mount(root, "/m", "disk0", NULL, NULL), 0);
    expect("mount", vfs_remount(root, "/m", "rw"), 0);
    path_put(root);
    work.check = NULL;
    do_first(recorder, number);
    size_t from = recorder->count;
    do_all(number);
    mark(WORK_SYNCED | work.time);
    return from;
}

void work_rehearse(unsigned number, void (*check)(unsigned time))
{
    expect("mount", rig_mount_type("/m", "ramfs"), 0);
    do_first(NULL, number);
    work.check = check;
    do_all(number);
}

const char *work_text(void)
{
    return work.text;
}
