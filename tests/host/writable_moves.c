/*
 * writable_moves.c - directories that are moved while they are in use, and names that change in
 * several threads at once. See writable.h.
 */
#include <stdio.h>
#include <string.h>

#include "lib/macros.h"
#include "tests/host/writable.h"

/* ---- moving what is in use ---------------------------------------------------------------- */

/* A directory, what is open in it, and the text that its path should have. */
struct used {
    struct path *root, *top, *path;
    struct file *file, *list;
};

static void text_is(struct path *path, const char *walk, const char *top, const char *expected)
{
    char text[200], whole[200];
    struct path *at;
    expect(walk, path_walk(path, walk, 0, &at), 0);
    path_text(at, text, sizeof(text));
    snprintf(whole, sizeof(whole), "%s%s", top, expected);
    if (strcmp(text, whole) != 0)
        panic("%s is %s, not %s", walk, text, whole);
    path_put(at);
}

static void use_begin(struct used *used, const char *top)
{
    used->root = path_root();
    expect("top", path_walk(used->root, *top ? top : "/", 0, &used->top), 0);
    expect("a", vfs_mkdir(used->top, "a"), 0);
    expect("b", vfs_mkdir(used->top, "a/b"), 0);
    expect("other", vfs_mkdir(used->top, "other"), 0);
    expect("file", file_open(used->top, "a/b/file", OPEN_WRITE | OPEN_READ | OPEN_CREATE,
                             &used->file), 0);
    kassert(file_write(used->file, "first", 5) == 5);
    expect("list", file_open(used->top, "a/b", OPEN_DIRECTORY, &used->list), 0);
    expect("path", path_walk(used->top, "a/b", 0, &used->path), 0);
}

static void use_end(struct used *used)
{
    file_close(used->file);
    file_close(used->list);
    path_put(used->path);
    path_put(used->top);
    path_put(used->root);
}

/* The file still belongs to the directory, wherever that is. */
static void file_is_used(struct used *used, const char *text)
{
    struct file *again;
    char got[20];
    size_t count = strlen(text);
    kassert(file_write_at(used->file, 0, text, count) == (ssize_t)count);
    expect("file", file_open(used->path, "file", OPEN_READ, &again), 0);
    kassert(file_read(again, got, sizeof(got)) == (ssize_t)count && !memcmp(got, text, count));
    file_close(again);
}

void writable_moves(const char *top)
{
    struct dir_entry entry;
    struct used used;
    use_begin(&used, top);
    expect("down", vfs_rename(used.top, "a", "other/a longer name"), 0);
    text_is(used.path, ".", top, "/other/a longer name/b");
    text_is(used.path, "..", top, "/other/a longer name");
    text_is(used.path, "../..", top, "/other");
    file_is_used(&used, "second");
    kassert(dir_read(used.list, INFO_NONE, &entry) == 1 && !strcmp(entry.name, "file"));

    /* above the directory, below it, and by names that begin at it */
    expect("other", vfs_rename(used.top, "other", "o"), 0);
    text_is(used.path, ".", top, "/o/a longer name/b");
    expect("into itself", vfs_rename(used.path, "../../../o", "x"), -EINVAL);
    expect("itself", vfs_rename(used.path, "../b", "../c"), 0);
    text_is(used.path, ".", top, "/o/a longer name/c");
    expect("up", vfs_rename(used.path, "../../a longer name", "../../../a"), 0);
    text_is(used.path, ".", top, "/a/c");
    expect("new", vfs_mkdir(used.path, "new"), 0);
    file_is_used(&used, "third one");

    /* Two threads that find it have one path: it has its name from the directory. */
    if (path_fsd(used.top)->fold_case) {
        expect("spelling", vfs_rename(used.top, "A/C", "a/C"), 0);
        text_is(used.top, "a/c", top, "/a/C");
        text_is(used.path, ".", top, "/a/C");
    }

    /* over an empty directory in use, which has no names any more */
    struct path *replaced;
    expect("replaced", path_walk(used.top, "o", 0, &replaced), 0);
    expect("over", vfs_rename(used.top, "a", "o"), 0);
    kassert(path_is_unlinked(replaced) && !path_is_unlinked(used.path));
    expect("in none", vfs_mkdir(replaced, "x"), -ENOENT);
    expect("into none", path_rename(used.path, "new", replaced, "new"), -ENOENT);
    path_put(replaced);

    expect("new", vfs_unlink(used.path, "new"), 0);
    expect("file", vfs_unlink(used.path, "file"), 0);
    use_end(&used);
    used.root = path_root();
    expect("top", path_walk(used.root, *top ? top : "/", 0, &used.top), 0);
    if (vfs_unlink(used.top, "o/c"))
        panic("o/c cannot be removed");
    expect("o", vfs_unlink(used.top, "o"), 0);
    path_put(used.top);
    path_put(used.root);
}

/* ---- ids that are used again -------------------------------------------------------------- */

/* Another thread may create a file when the file system has removed one, and the VFS has not noted
 * it yet. */
static void reuse_at_once(void)
{
    struct path *root = path_root(), *directory, *removed, *created;
    rig_put_file("/m/reuse/one", "first", 5);
    expect("directory", path_walk(root, "/m/reuse", 0, &directory), 0);
    expect("one", path_walk(directory, "one", 0, &removed), 0);

    struct fsd *fsd = path_fsd(directory);
    expect("unlink", fsd->ops->unlink(fsd, path_vnode(directory), (struct element){ "one", 3 },
                                      path_vnode(removed)), 0);
    rig_put_file("/m/reuse/two", "second", 6);
    expect("two", path_walk(directory, "two", 0, &created), 0);
    kassert(!path_is_same(created, removed) && path_is_unlinked(removed));
    kassert(!path_is_unlinked(created) && path_vnode(created)->size_bytes == 6);
    path_put(created);
    path_put(removed);
    path_put(directory);
    path_put(root);
    rig_unlink("/m/reuse/two");
}

enum { REUSERS = 3, REUSE_ROUNDS = 60 };

static _Atomic unsigned next_reuser;

/* Creates a file, and removes it: its record, and so its id, is another thread's file next. */
static void reuse(void *unused)
{
    (void)unused;
    unsigned me = atomic_fetch_add(&next_reuser, 1) % REUSERS;
    struct path *root = path_root(), *at;
    char path[40], text[40], got[40];
    for (unsigned round = 0; round < REUSE_ROUNDS; round++) {
        struct file *file;
        snprintf(path, sizeof(path), "/m/reuse/%u", me);
        int count = snprintf(text, sizeof(text), "%u in round %u", me, round);
        expect("create", file_open(root, path, OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file), 0);
        kassert(file_write(file, text, (size_t)count) == count);
        file_close(file);

        expect("walk", path_walk(root, path, 0, &at), 0);
        kassert(!path_is_unlinked(at));
        expect("open", file_open(at, path, OPEN_READ, &file), 0);
        kassert(file_read(file, got, sizeof(got)) == count && !memcmp(got, text, (size_t)count));
        file_close(file);
        path_put(at);
        expect("remove", vfs_unlink(root, path), 0);
    }
    path_put(root);
}

void writable_reuse(void)
{
    rig_mkdir("/m/reuse");
    reuse_at_once();
    rig_run_threads(REUSERS, reuse);
    rig_unlink("/m/reuse");
}
