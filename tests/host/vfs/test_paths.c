/*
 * test_paths.c - promise: each call that takes a path treats names, slashes, links and `.` as Linux
 * does. Each is compared with the host's file system: the same status, and the same tree
 * afterwards. Intended differences are in one table. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/links.h"
#include "tests/host/rig.h"

/* ---- the tree, twice ---------------------------------------------------------------------- */

enum { TREE_BYTES = 4096, NAME_ROOM = 16 };

/* A file, a full and an empty directory, links to each of them, and a dangling link; m is
 * missing. */
static const char *const bases[] = { "f", "d", "e", "lf", "ld", "le", "dl", "m" };
static const char *const suffixes[] = { "", "/", "//", "/.", "/..", "/x", "/x/" };
static const char *const dots[] = { ".", "..", "./", "../", "./." };

enum {
    BASES = ARRAY_LENGTH(bases),
    SUFFIXES = ARRAY_LENGTH(suffixes),
    DOTS = ARRAY_LENGTH(dots),
    NAMES = BASES * SUFFIXES + DOTS,
};

static char names[NAMES][NAME_ROOM];

static void make_names(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BASES; i++)
        for (unsigned k = 0; k < SUFFIXES; k++)
            snprintf(names[n++], NAME_ROOM, "%s%s", bases[i], suffixes[k]);
    for (unsigned i = 0; i < DOTS; i++)
        snprintf(names[n++], NAME_ROOM, "%s", dots[i]);
}

static struct path *here; /* /m/w; the host uses its current directory */

static char host_directory[] = "/tmp/spindle-paths-XXXXXX";

static void host_put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    kassert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void host_remove_tree(const char *name)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s/%s", host_directory, name);
    kassert(system(command) == 0);
}

static void host_make(void)
{
    kassert(chdir(host_directory) == 0 && mkdir("w", 0700) == 0 && chdir("w") == 0);
    host_put("f", "file");
    kassert(mkdir("d", 0700) == 0 && mkdir("e", 0700) == 0);
    host_put("d/x", "inner");
    kassert(symlink("f", "lf") == 0 && symlink("d", "ld") == 0 && symlink("e", "le") == 0);
    kassert(symlink("n", "dl") == 0);
}

static void our_make(void)
{
    struct path *root = path_root();
    kassert(vfs_mount(root, "/m", "", "links", NULL) == 0);
    rig_mkdir("/m/w");
    rig_put_file("/m/w/f", "file", 4);
    rig_mkdir("/m/w/d");
    rig_mkdir("/m/w/e");
    rig_put_file("/m/w/d/x", "inner", 5);
    links_put("/m/w/lf", "f");
    links_put("/m/w/ld", "d");
    links_put("/m/w/le", "e");
    links_put("/m/w/dl", "n");
    kassert(path_walk(root, "/m/w", 0, &here) == 0);
    path_put(root);
}

static void our_end(void)
{
    struct path *root = path_root();
    path_put(here);
    kassert(vfs_unmount(root, "/m") == 0);
    path_put(root);
}

static void both_make(void)
{
    host_make();
    our_make();
}

static void both_end(void)
{
    our_end();
    kassert(chdir("/") == 0);
    host_remove_tree("w");
}

/* ---- listing them ------------------------------------------------------------------------- */

struct listing {
    unsigned count;
    char lines[64][64];
};

static void listing_add(struct listing *listing, const char *path, char type, const char *text)
{
    kassert(listing->count < 64);
    int length = snprintf(listing->lines[listing->count++], 64, "%s %c %s", path, type, text);
    kassert(length < 64);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void host_list(struct listing *listing, const char *directory)
{
    DIR *dir = opendir(directory);
    kassert(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[NAME_BYTES_MAX + 64], text[32] = "";
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        kassert(lstat(path, &info) == 0);
        if (S_ISLNK(info.st_mode)) {
            kassert(readlink(path, text, sizeof(text) - 1) > 0);
        } else if (S_ISREG(info.st_mode)) {
            FILE *file = fopen(path, "r");
            kassert(file != NULL);
            text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
            fclose(file);
        }
        listing_add(listing, path, S_ISLNK(info.st_mode) ? 'l' : S_ISDIR(info.st_mode) ? 'd' : 'f',
                    text);
        if (S_ISDIR(info.st_mode))
            host_list(listing, path);
    }
    closedir(dir);
}

static void our_list(struct listing *listing, struct path *directory, const char *name)
{
    struct dir_entry *entry = malloc(sizeof(*entry));
    struct file *list, *file;
    kassert(file_open_path(directory, OPEN_DIRECTORY | OPEN_READ, &list) == 0);
    while (dir_read(list, INFO_NONE, entry) == 1) {
        char path[NAME_BYTES_MAX + 64], text[32] = "";
        struct path *child;
        kassert(path_child(directory, entry->name, false, &child) == 0);
        snprintf(path, sizeof(path), "%.40s/%s", name, entry->name);
        enum node_type type = path_vnode(child)->type;
        if (type == NODE_LINK) {
            kassert(path_read_link(child, text, sizeof(text)) > 0);
        } else if (type == NODE_FILE) {
            kassert(file_open_path(child, OPEN_READ, &file) == 0);
            kassert(file_read(file, text, sizeof(text) - 1) >= 0);
            file_close(file);
        }
        listing_add(listing, path, "?fdl?"[type], text);
        if (type == NODE_DIRECTORY)
            our_list(listing, child, path);
        path_put(child);
    }
    file_close(list);
    free(entry);
}

static void listing_text(struct listing *listing, char text[TREE_BYTES])
{
    size_t used = 0;
    qsort(listing->lines, listing->count, sizeof(listing->lines[0]), compare_lines);
    text[0] = '\0';
    for (unsigned i = 0; i < listing->count; i++)
        used += (size_t)snprintf(text + used, TREE_BYTES - used, "%s\n", listing->lines[i]);
}

static void expect_same_tree(const char *what)
{
    static struct listing host, ours;
    static char host_text[TREE_BYTES], our_text[TREE_BYTES];
    host.count = ours.count = 0;
    host_list(&host, ".");
    our_list(&ours, here, ".");
    listing_text(&host, host_text);
    listing_text(&ours, our_text);
    if (strcmp(host_text, our_text) != 0)
        panic("%s: the tree is\n%s not\n%s", what, our_text, host_text);
}

/* ---- the operations, twice ---------------------------------------------------------------- */

static int host_status(int result)
{
    return result < 0 ? -errno : 0;
}

static int host_open_flags(const char *name, int flags)
{
    int file = open(name, flags, 0600);
    return file < 0 ? -errno : host_status(close(file));
}

static status_t our_open_flags(const char *name, unsigned flags)
{
    struct file *file;
    status_t status = file_open(here, name, flags, &file);
    if (!status)
        file_close(file);
    return status;
}

/* unlink() and rmdir() are one call here. */
static int host_remove(const char *name)
{
    struct stat info;
    if (!lstat(name, &info) && S_ISDIR(info.st_mode))
        return host_status(rmdir(name));
    return host_status(unlink(name));
}

static status_t our_remove(const char *name)
{
    return vfs_unlink(here, name);
}

static int host_mkdir(const char *name)
{
    return host_status(mkdir(name, 0700));
}

static status_t our_mkdir(const char *name)
{
    return vfs_mkdir(here, name);
}

static int host_open(const char *name)
{
    return host_open_flags(name, O_WRONLY);
}

static status_t our_open(const char *name)
{
    return our_open_flags(name, OPEN_WRITE);
}

static int host_list_directory(const char *name)
{
    return host_open_flags(name, O_RDONLY | O_DIRECTORY);
}

static status_t our_list_directory(const char *name)
{
    return our_open_flags(name, OPEN_READ | OPEN_DIRECTORY);
}

static int host_create(const char *name)
{
    return host_open_flags(name, O_WRONLY | O_CREAT);
}

static status_t our_create(const char *name)
{
    return our_open_flags(name, OPEN_WRITE | OPEN_CREATE);
}

static int host_truncate(const char *name)
{
    return host_open_flags(name, O_WRONLY | O_CREAT | O_TRUNC);
}

static status_t our_truncate(const char *name)
{
    return our_open_flags(name, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE);
}

static int host_replace(const char *name)
{
    return host_create(name);
}

/* An abandoned replacement creates nothing, and fails as creating a file fails. */
static status_t our_replace(const char *name)
{
    struct replacement replacement;
    status_t status = replace_begin(here, name, 0, &replacement);
    if (status)
        return status;
    if (replacement.old) {
        replace_abandon(&replacement);
        return 0;
    }
    return replace_commit(&replacement);
}

static int host_stat(const char *name)
{
    struct stat info;
    return host_status(stat(name, &info));
}

static status_t our_walk(const char *name, unsigned flags, char *target)
{
    struct path *path;
    ssize_t got = path_walk(here, name, flags, &path);
    if (!got && target)
        got = path_read_link(path, target, NAME_ROOM);
    path_put(path);
    return got < 0 ? (status_t)got : 0;
}

static status_t our_stat(const char *name)
{
    return our_walk(name, 0, NULL);
}

static int host_lstat(const char *name)
{
    struct stat info;
    return host_status(lstat(name, &info));
}

static status_t our_lstat(const char *name)
{
    return our_walk(name, WALK_NO_FOLLOW, NULL);
}

static int host_readlink(const char *name)
{
    char target[NAME_ROOM];
    return readlink(name, target, sizeof(target)) < 0 ? -errno : 0;
}

static status_t our_readlink(const char *name)
{
    char target[NAME_ROOM];
    return our_walk(name, WALK_NO_FOLLOW, target);
}

static const struct operation {
    const char *name;
    int (*host)(const char *name);
    status_t (*ours)(const char *name);
} operations[] = {
    { "remove", host_remove, our_remove },
    { "mkdir", host_mkdir, our_mkdir },
    { "open", host_open, our_open },
    { "list", host_list_directory, our_list_directory },
    { "create", host_create, our_create },
    { "truncate", host_truncate, our_truncate },
    { "replace", host_replace, our_replace },
    { "stat", host_stat, our_stat },
    { "lstat", host_lstat, our_lstat },
    { "readlink", host_readlink, our_readlink },
};

/* The intended differences, with reasons. `host` and `ours` are the two statuses. */
static const struct difference {
    const char *operation;
    int host, ours;
    const char *why;
} differences[] = {
    { "remove", -ENOTEMPTY, -EINVAL, "`..`: POSIX rmdir() allows both; `.` and `..` are alike" },
};

static bool is_intended(const char *operation, int host, int ours)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(differences); i++) {
        const struct difference *d = &differences[i];
        if (strcmp(d->operation, operation) == 0 && d->host == host && d->ours == ours)
            return true;
    }
    return false;
}

static void expect_same(const char *what, const char *operation, int host, status_t ours)
{
    if (host != ours && !is_intended(operation, host, ours))
        panic("%s: %s, not %s", what, status_name(ours), status_name(host));
    expect_same_tree(what);
    if (!host || !ours) {
        both_end();
        both_make();
    }
}

/* ---- the matrices ------------------------------------------------------------------------- */

static void matrix_begin(void)
{
    rig_start();
    rig_mkdir("/m");
    strcpy(strrchr(host_directory, '-'), "-XXXXXX");
    kassert(mkdtemp(host_directory) != NULL);
    both_make();
}

static void matrix_end(void)
{
    both_end();
    host_remove_tree("");
    rig_stop();
}

static void single_body(void *unused)
{
    (void)unused;
    char what[64];
    matrix_begin();
    for (unsigned i = 0; i < ARRAY_LENGTH(operations); i++)
        for (unsigned n = 0; n < NAMES; n++) {
            const struct operation *operation = &operations[i];
            snprintf(what, sizeof(what), "%s %s", operation->name, names[n]);
            int host = operation->host(names[n]);
            expect_same(what, operation->name, host, operation->ours(names[n]));
        }
    matrix_end();
}

static void test_single(void **state)
{
    (void)state;
    rig_run(single_body, NULL, 1);
}

static void rename_body(void *unused)
{
    (void)unused;
    char what[64];
    matrix_begin();
    for (unsigned from = 0; from < NAMES; from++)
        for (unsigned to = 0; to < NAMES; to++) {
            snprintf(what, sizeof(what), "rename %s %s", names[from], names[to]);
            int host = host_status(rename(names[from], names[to]));
            expect_same(what, "rename", host, vfs_rename(here, names[from], names[to]));
        }
    matrix_end();
}

static void test_rename(void **state)
{
    (void)state;
    rig_run(rename_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    make_names();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_rename),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
