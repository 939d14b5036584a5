/*
 * manifest.c - lists a tree with digests, to prove that it is intact: manifest.
 *
 * The format is a promise to scripts and is described in the Book, chapter 6: one line per node,
 * `type TAB size TAB digest TAB time TAB path`, sorted bytewise by path. An error takes the place
 * of the digest, so that the lines of two discs can be compared.
 */
#include "lib/civil.h"
#include "lib/digest/digest.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/reading/walk.h"
#include "shell/shell.h"

/* Stores the SHA-256 of a file's content, which is read in place. -EINTR after ^C. */
static status_t digest_file(struct file *file, char hex[DIGEST_HEX_BYTES])
{
    struct digest digest;
    struct cache_view view = { 0 };
    ssize_t got;

    digest_init(&digest, digest_kind_find("sha256"));

    /* Each view is closed at once, since it holds pages of the cache. */
    while ((got = file_view(file, &view)) > 0) {
        digest_update(&digest, view.data, view.length_bytes);
        file_view_close(file, &view);

        /* A file may be very long: check for ^C after each view. */
        if (shell_interrupted())
            return -EINTR;
    }
    digest_hex(&digest, hex);
    return (status_t)got;
}

static status_t digest_path(struct path *path, char hex[DIGEST_HEX_BYTES])
{
    struct file *file;
    status_t status = file_open_path(path, OPEN_READ, &file);
    if (status)
        return status;
    status = digest_file(file, hex);
    file_close(file);
    return status;
}

/* ---- lines -------------------------------------------------------------------------------- */

static char type_letter(enum node_type type)
{
    switch (type) {
    case NODE_FILE: return 'f';
    case NODE_DIRECTORY: return 'd';
    case NODE_LINK: return 'l';
    default: return 'o';
    }
}

/* The fields of a line, collected before any of it is written. */
struct manifest_line {
    uint64_t size_bytes;
    const char *digest;
    char hex[DIGEST_HEX_BYTES], time[CIVIL_TEXT_BYTES];
    bool failed;
    char *target; /* PATH_BYTES_MAX + 1 bytes, for links */
};

/* Collects the fields. An error becomes the digest; only -EINTR is returned. */
static status_t line_collect(struct manifest_line *line, const struct walk_item *item)
{
    struct path *path; /* borrowed */
    status_t status = item->status;
    line->size_bytes = 0;
    line->digest = "-";

    /* Only files have a digest. The size of a directory depends on the format, so it is not
     * listed. */
    if (!status && item->info.type == NODE_FILE) {
        line->size_bytes = item->info.size_bytes;
        status = walk_path(item, &path);
        if (!status)
            status = digest_path(path, line->hex);
        line->digest = line->hex;
    } else if (!status && item->info.type == NODE_LINK && !(status = walk_path(item, &path))) {
        ssize_t length = path_read_link(path, line->target, PATH_BYTES_MAX + 1);
        line->size_bytes = length > 0 ? (uint64_t)length : 0;
        status = length < 0 ? (status_t)length : 0;
    }

    /* An interrupted digest is not the file's. Any other error belongs in the line. */
    if (status == -EINTR)
        return status;
    if (status)
        line->digest = status_name(status);

    /* The line is written nevertheless, and the command returns 1 at the end. */
    line->failed = status != 0;

    if (item->found && item->info.has_modified)
        civil_format(line->time, sizeof(line->time), item->info.modified_s);
    else
        text_copy(line->time, sizeof(line->time), "-");
    return 0;
}

static void line_write(struct stream *out, const struct manifest_line *line,
                       const struct walk_item *item, const char *name)
{
    stream_format(out, "%c\t%llu\t%s\t%s\t", type_letter(item->info.type),
                  (unsigned long long)line->size_bytes, line->digest, line->time);

    /* A `>` in the name is escaped, too, so that " -> " is only found before a target. */
    stream_escaped(out, name, true);
    if (item->info.type == NODE_LINK) {
        stream_text(out, " -> ");
        stream_escaped(out, line->target, false);
    }
    stream_text(out, "\n");
}

static int manifest_walk(struct shell *shell, struct walk *walk, const char *start,
                         struct manifest_line *line)
{
    struct walk_item item;
    bool failed = false;
    int got;

    /* Only a file as the start has a line of its own, with its last element as the path. */
    const char *base = strrchr(start, '/');
    base = base && base[1] ? base + 1 : start;

    while ((got = walk_next(walk, &item)) > 0) {
        status_t status = line_collect(line, &item);
        if (status)
            return shell_fail(shell, NULL, status);
        line_write(shell->out, line, &item, *item.text ? item.text : base);
        failed |= line->failed;
    }
    if (got < 0)
        return shell_fail(shell, start, got);

    /* Skipped records do not count: see chapter 6 of the Book. */
    return failed ? SHELL_FAILED : SHELL_DONE;
}

static int run_manifest(struct shell *shell, int count, char **words)
{
    (void)count;
    struct path *path;
    struct walk *walk = NULL;
    status_t status = path_walk(shell->directory, words[1], 0, &path);
    if (status)
        return shell_fail(shell, words[1], status);

    /* One line is allocated, and used for every node of the tree. */
    struct manifest_line *line = mem_zalloc(sizeof(*line));
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    status = line && target ? walk_begin(path, 0, &walk) : -ENOMEM;

    /* The walk and the line are freed in every case; walk_end() accepts NULL. */
    int result;
    if (status) {
        result = shell_fail(shell, words[1], status);
    } else {
        line->target = target;
        result = manifest_walk(shell, walk, words[1], line);
    }

    walk_end(walk);
    mem_free(target);
    mem_free(line);
    path_put(path);
    return result;
}

static const struct shell_command command_manifest = {
    .name = "manifest",
    .arguments = "PATH",
    .summary = "list all files below PATH: type, size, SHA-256, time, path",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_manifest,
    .group = "Trees",
};
SHELL_COMMAND(command_manifest);
