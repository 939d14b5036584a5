/*
 * bench.c - measures the speed of devices, files and directories: bench.
 *
 * Each measurement does one thing to one target, and prints three lines:
 *
 *     BENCH file 812.4 MiB/s
 *     BENCH file.amount 134217728 bytes
 *     BENCH file.time 0.157555 s
 *
 * Time is that of the monotonic clock. Data not read since its disc was mounted is cold; the second
 * of two repetitions is warm. Figures of an emulated machine show how much work the kernel does
 * for a read, and little about real drives, which are much slower.
 *
 * With -q, several reads of a device are in flight at once. bench_bytes.c has the measurements of
 * bytes, this file those of names and trees.
 *
 * tests/bench/linux_bench.c does the same work with POSIX calls: change both together.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/system/bench.h"
#include "shell/options.h"
#include "shell/reading/listing.h"

struct bench_kind {
    const char *name, *target, *unit, *summary;
    status_t (*run)(struct bench *bench);
    bool queued; /* can have several requests in flight */
};

enum {
    READ_BYTES = 1 << 16, /* per read of a file of a tree */
    SIZE_MAX_BYTES = 4 << 20,
    MANY_NAMES = 10000, /* names to create, or to look up in vain */
};

/* ---- stat, absent: names of one directory ------------------------------------------------- */

/* Calls one() with the target directory, and measures its time. */
static status_t bench_directory(struct bench *bench,
                                status_t (*one)(struct bench *bench, struct path *directory))
{
    struct path *directory;
    status_t status = path_walk(bench->shell->directory, bench->target, 0, &directory);
    if (status)
        return status;

    /* The path is walked before the measurement begins. */
    bench_begin(bench);
    status = path_is_directory(directory) ? one(bench, directory) : -ENOTDIR;
    bench_end(bench);
    path_put(directory);
    return status;
}

/* With -n, examines only that many of the names, evenly spread, and does not count the time of the
 * listing: where each name costs a seek, a sample must do. */
static status_t stat_names(struct bench *bench, struct path *directory)
{
    struct name *names = NULL;
    uint64_t have = 0, passed = 0;
    status_t status = names_collect(directory, false, INFO_NONE, &names, NULL);

    /* How many names there are is known only after the listing. */
    for (struct name *name = names; name; name = names_next(name))
        have++;

    uint64_t wanted = bench->count && bench->count < have ? bench->count : have;
    if (wanted < have)
        bench_begin(bench); /* again */
    for (struct name *name = names; name && !status; name = names_next(name)) {
        /* Skip names while the share that was examined is ahead of the share that was passed. */
        if (bench->amount * have > passed++ * wanted)
            continue;
        status = shell_interrupted()
                     ? -EINTR
                     : path_child_info(directory, name->text, false, INFO_ALL, &name->info);
        if (!status)
            bench->amount++;
    }
    names_free(names);
    return status;
}

static status_t bench_stat(struct bench *bench)
{
    return bench_directory(bench, stat_names);
}

static status_t absent_names(struct bench *bench, struct path *directory)
{
    char name[32];
    while (bench->amount < given_or(bench->count, MANY_NAMES)) {
        struct path *path;

        /* Each name is different, so no lookup can be answered from an earlier one. */
        format_text(name, sizeof(name), "no-such-name-%llu", (unsigned long long)bench->amount);
        status_t status = shell_interrupted() ? -EINTR : path_child(directory, name, false, &path);
        if (!status)
            path_put(path);

        /* A name that exists would spoil the measurement. */
        if (status != -ENOENT)
            return status ? status : -EEXIST;
        bench->amount++;
    }
    return 0;
}

static status_t bench_absent(struct bench *bench)
{
    return bench_directory(bench, absent_names);
}

/* ---- create, remove ----------------------------------------------------------------------- */

/* Creates a file of `bytes` bytes, which are those of `content`. */
static status_t create_file(struct path *directory, const char *name, const void *content,
                            size_t bytes)
{
    struct file *file;
    status_t status = file_open(directory, name, OPEN_CREATE | OPEN_WRITE, &file);
    if (status)
        return status;
    if (bytes)
        status = file_write_all(file, content, bytes);

    /* Close each file at once: thousands of open files would be another measurement. */
    file_close(file);
    return status;
}

static status_t create_files(struct bench *bench, struct path *directory)
{
    char name[32];
    size_t bytes = bench->size_bytes;
    uint8_t *content = mem_zalloc(bytes);
    status_t status = content ? 0 : -ENOMEM;
    for (; !status && bench->amount < given_or(bench->count, MANY_NAMES); bench->amount++) {
        format_text(name, sizeof(name), "file-%llu", (unsigned long long)bench->amount);
        status = shell_interrupted() ? -EINTR : create_file(directory, name, content, bytes);
    }
    mem_free(content);
    return status;
}

static status_t bench_create(struct bench *bench)
{
    return bench_directory(bench, create_files);
}

static status_t remove_files(struct bench *bench, struct path *directory)
{
    struct name *names = NULL;
    status_t status = names_collect(directory, false, INFO_NONE, &names, NULL);

    /* The names were listed before, because removing them changes the directory. */
    for (struct name *name = names; name && !status; name = names_next(name)) {
        status = shell_interrupted() ? -EINTR : vfs_unlink(directory, name->text);
        bench->amount += !status;
    }
    names_free(names);
    return status;
}

static status_t bench_remove(struct bench *bench)
{
    return bench_directory(bench, remove_files);
}

/* ---- walk, small: trees ------------------------------------------------------------------- */

/* A directory that was found and is not listed yet. */
struct bench_pending {
    struct bench_pending *next;
    struct path *path; /* a reference */
};

struct bench_tree {
    struct bench *bench;
    struct bench_pending *pending;
    uint8_t *buffer; /* of READ_BYTES, for the contents of files; NULL: files are not read */
    unsigned levels; /* the INFO_ that each entry is asked for */
    struct dir_entry entry;
};

static status_t tree_push(struct bench_tree *tree, struct path *path)
{
    struct bench_pending *pending = mem_alloc(sizeof(*pending));
    if (!pending)
        return -ENOMEM;
    *pending = (struct bench_pending){ .next = tree->pending, .path = path_get(path) };
    tree->pending = pending;
    return 0;
}

static status_t tree_read_file(struct bench_tree *tree, struct path *path)
{
    struct file *file;
    status_t status = file_open_path(path, OPEN_READ, &file);
    if (status)
        return status;
    ssize_t got;

    /* The bytes are copied, as a program would get them. */
    while ((got = file_read(file, tree->buffer, READ_BYTES)) > 0)
        ;
    file_close(file);
    return (status_t)got;
}

/* Follows an entry: a directory is added to the pending ones, a file is read. */
static status_t tree_follow(struct bench_tree *tree, struct path *directory)
{
    struct path *path;
    status_t status = path_child(directory, tree->entry.name, false, &path);
    if (status)
        return status;

    /* The path in the list is a reference of its own. */
    status = path_is_directory(path) ? tree_push(tree, path) : tree_read_file(tree, path);
    path_put(path);
    return status;
}

static status_t tree_visit(struct bench_tree *tree, struct path *directory)
{
    struct node_info *info = &tree->entry.info;
    status_t status = 0;

    /* Some file systems list entries with their information, and others must look it up. */
    if (!info->known)
        status = path_child_info(directory, tree->entry.name, false, tree->levels, info);
    if (status)
        return status;

    /* `walk` counts all entries, `small` only the files that it reads. */
    bool read = tree->buffer && info->type == NODE_FILE;
    if (read || !tree->buffer)
        tree->bench->amount++;
    return read || info->type == NODE_DIRECTORY ? tree_follow(tree, directory) : 0;
}

static status_t tree_list(struct bench_tree *tree, struct path *directory)
{
    struct file *file;
    status_t status = file_open_path(directory, OPEN_DIRECTORY | OPEN_READ, &file);
    if (status)
        return status;
    int got = 0;

    /* Subdirectories are only collected here: no directory is open while another is read. */
    while (!status && (got = dir_read(file, tree->levels, &tree->entry)) > 0)
        status = shell_interrupted() ? -EINTR : tree_visit(tree, directory);
    file_close(file);
    return status ? status : got;
}

static status_t tree_run(struct bench_tree *tree, struct path *directory)
{
    status_t status = tree_push(tree, directory);
    while (tree->pending) {
        struct bench_pending *pending = tree->pending;
        tree->pending = pending->next;
        if (!status) /* after an error the list is only freed */
            status = tree_list(tree, pending->path);
        path_put(pending->path);
        mem_free(pending);
    }
    return status;
}

static status_t tree_walk(struct bench *bench, struct path *directory)
{
    struct bench_tree *tree = mem_zalloc(sizeof(*tree));
    if (!tree)
        return -ENOMEM;

    /* All information of each entry, but no content. */
    tree->bench = bench;
    tree->levels = INFO_ALL;
    status_t status = tree_run(tree, directory);
    mem_free(tree);
    return status;
}

static status_t tree_read(struct bench *bench, struct path *directory)
{
    struct bench_tree *tree = mem_zalloc(sizeof(*tree));
    status_t status = -ENOMEM;
    if (!tree)
        return status;

    /* Only the type of each entry, and the content of each file. */
    tree->bench = bench;
    tree->levels = INFO_DIRENT;
    tree->buffer = mem_alloc(READ_BYTES);
    if (tree->buffer)
        status = tree_run(tree, directory);
    mem_free(tree->buffer);
    mem_free(tree);
    return status;
}

static status_t bench_walk(struct bench *bench)
{
    return bench_directory(bench, tree_walk);
}

static status_t bench_small(struct bench *bench)
{
    return bench_directory(bench, tree_read);
}

/* ---- the command -------------------------------------------------------------------------- */

static const struct bench_kind kinds[] = {
    { "raw", "DEVICE", "MiB", "read a device sequentially, bypassing all caches", bench_raw, true },
    { "file", "FILE", "MiB", "read a file sequentially", bench_file, false },
    { "random", "DEVICE|FILE", "reads", "read at random offsets, 2000 times", bench_random, true },
    { "walk", "DIRECTORY", "entries", "list a tree, with the metadata of each entry", bench_walk,
      false },
    { "stat", "DIRECTORY", "entries", "list one directory, then stat each entry", bench_stat,
      false },
    { "absent", "DIRECTORY", "names", "look up 10000 names that do not exist", bench_absent,
      false },
    { "small", "DIRECTORY", "files", "read all files of a tree", bench_small, false },
    { "create", "DIRECTORY", "files", "create 10000 files, empty without -s", bench_create, false },
    { "remove", "DIRECTORY", "files", "remove all files of a directory", bench_remove, false },
    { "write", "FILE", "MiB", "write a file of 128 MiB, and sync it", bench_write, false },
    { "overwrite", "FILE", "writes", "write at random offsets, 10000 times, and sync it",
      bench_overwrite, false },
};

static int kinds_list(struct shell *shell)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        stream_format(shell->out, "%-9s %-12s %s\n", kinds[i].name, kinds[i].target,
                      kinds[i].summary);
    return SHELL_DONE;
}

static void bench_print(const struct bench *bench, const struct bench_kind *kind)
{
    struct stream *out = bench->shell->out;

    /* Tenths of the unit per second. Where it is MiB, the amount is in bytes. */
    bool bytes = text_equal(kind->unit, "MiB");
    uint64_t tenths = bench->amount * 10000000 / bench->us;
    if (bytes)
        tenths >>= 20;

    stream_format(out, "BENCH %s %llu.%llu %s/s\n", kind->name, (unsigned long long)(tenths / 10),
                  (unsigned long long)(tenths % 10), kind->unit);
    stream_format(out, "BENCH %s.amount %llu %s\n", kind->name,
                  (unsigned long long)bench->amount, bytes ? "bytes" : kind->unit);
    stream_format(out, "BENCH %s.time %llu.%06llu s\n", kind->name,
                  (unsigned long long)(bench->us / 1000000),
                  (unsigned long long)(bench->us % 1000000));
}

static bool bench_options(struct shell *shell, struct bench *bench, uint64_t *repeat)
{
    *repeat = 1;
    return option_number(shell, 's', 1, SIZE_MAX_BYTES, &bench->size_bytes) &&
           option_number(shell, 'n', 1, UINT64_MAX, &bench->count) &&
           option_number(shell, 'q', 1, IO_DEPTH_MAX, &bench->depth) &&
           option_number(shell, 'r', 1, UINT64_MAX, repeat);
}

static int run_bench(struct shell *shell, int count, char **words)
{
    struct bench bench = { .shell = shell, .depth = 1 };
    uint64_t repeat;
    if (!bench_options(shell, &bench, &repeat))
        return SHELL_USAGE;
    if (count == 1)
        return kinds_list(shell);

    /* Without a measurement's name, the list is the answer. Else there must be a target. */
    const struct bench_kind *kind = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (text_equal(kinds[i].name, words[1]))
            kind = &kinds[i];
    if (!kind) {
        shell_complain(shell, "%s: no such measurement; `bench` lists them", words[1]);
        return SHELL_USAGE;
    }
    if (count < 3)
        return shell_usage(shell);
    if (bench.depth > 1 && !kind->queued)
        return shell_complain(shell, "%s: reads one after another, without -q", kind->name);

    bench.target = words[2];

    /* The first repetition is cold if nothing has read the target before. */
    while (repeat--) {
        status_t status = kind->run(&bench);

        /* A device returns -EINVAL for the size of a read. */
        if (status == -EINVAL && bench.size_bytes)
            return shell_complain(shell, "%s: -s must be a multiple of the block size",
                                  bench.target);
        if (status)
            return shell_fail(shell, bench.target, status);
        bench_print(&bench, kind);
    }
    return SHELL_DONE;
}

static const struct shell_option bench_option_table[] = {
    { 's', "size", "BYTES",
      "size of a read (1M, 64K, 4K), or of a file to create" },
    { 'n', "number", "N", "number of reads, names or files; default: see `bench`" },
    { 'q', "queue", "N", "have N reads of a device in flight at once; default: 1" },
    { 'r', "repeat", "N", "measure N times; from the second on, caches are warm" },
    { 0 },
};

static const struct shell_command command_bench = {
    .name = "bench",
    .arguments = "[-s BYTES] [-n N] [-q N] [-r N] [NAME DEVICE|PATH]",
    .summary = "measure speed; without arguments, list the measurements",
    .arguments_max = 2,
    .run = run_bench,
    .options = bench_option_table,
    .group = "The machine",
};
SHELL_COMMAND(command_bench);
