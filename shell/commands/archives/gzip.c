/*
 * gzip.c - packs and unpacks gzip files: gzip, gunzip and zcat.
 *
 * A file takes the place of the other one only when it is complete: it is written beside, flushed,
 * named, and then the other file is removed. Standard output has all of the content, or a message
 * and status 1.
 *
 * Status      0, 1 after an error, 2 after a warning: a file was skipped, or has something else at
 *             its end (GNU).
 */
#include "kernel/module/info.h"
#include "lib/deflate/deflate.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/unpack.h"
#include "shell/options.h"
#include "shell/words.h"

enum { WARNING = 2 };

struct gzip {
    struct shell *shell;
    bool packs, to_output, tests, forces, keeps, verbose;
    const char *suffix;
    int result;
    struct replacement *target; /* NULL: standard output, or nothing for a test */
    status_t written;           /* the first error of writing */
    uint64_t packed, unpacked;  /* bytes of the file */
};

static void warn(struct gzip *gzip, const char *format, const char *name)
{
    if (!option_given(gzip->shell, 'q'))
        (void)shell_complain(gzip->shell, format, name);
    gzip->result = gzip->result ? gzip->result : WARNING;
}

static void fail(struct gzip *gzip, const char *name, status_t status)
{
    int result = shell_fail(gzip->shell, name, status);
    gzip->result = result == SHELL_INTERRUPTED ? result : SHELL_FAILED;
}

/* ---- contents ----------------------------------------------------------------------------- */

static void write_piece(struct gzip *gzip, const void *data, size_t bytes)
{
    if (gzip->tests || gzip->written)
        return;
    if (gzip->target)
        gzip->written = file_write_all(gzip->target->file, data, bytes);
    else
        stream_write(gzip->shell->out, data, bytes);
    if (!gzip->written)
        gzip->written = gzip->shell->out->status;
}

static void write_packed(void *context, const void *data, size_t bytes)
{
    struct gzip *gzip = context;
    gzip->packed += bytes;
    write_piece(gzip, data, bytes);
}

static status_t pack_input(struct input *input, void *context)
{
    struct gzip *gzip = context;
    struct gzipper *gzipper = mem_zalloc(sizeof(*gzipper));
    const char *data;
    ssize_t got;
    if (!gzipper)
        return -ENOMEM;
    gzipper_begin(gzipper, write_packed, gzip);
    while ((got = input_piece(input, &data)) > 0 && !gzip->written) {
        gzip->unpacked += (uint64_t)got;
        gzipper_add(gzipper, data, (size_t)got);
    }
    if (!got)
        gzipper_end(gzipper);
    mem_free(gzipper);
    return got < 0 ? (status_t)got : gzip->written;
}

static status_t write_content(struct gzip *gzip, struct unpack *unpack)
{
    const char *data;
    ssize_t got = 0;
    while (!gzip->written && (got = unpack_piece(unpack, &data)) > 0) {
        gzip->unpacked += (uint64_t)got;
        write_piece(gzip, data, (size_t)got);
    }
    return gzip->written ? gzip->written : (status_t)got;
}

/* Unpacks an input. Returns -EUCLEAN after a message about a file that is not valid. */
static status_t unpack_input(struct input *input, void *context)
{
    struct gzip *gzip = context;
    struct unpack unpack;
    bool passes = gzip->forces && gzip->to_output;
    status_t status = unpack_begin(&unpack, input, !passes);
    if (status)
        return status;
    status = write_content(gzip, &unpack);
    gzip->packed = unpack.packed_bytes;
    if (status == -EUCLEAN) {
        (void)shell_complain(gzip->shell, "%s: %s", input->name, gunzip_text(unpack.result));
        gzip->result = SHELL_FAILED;
    }
    if (!status && unpack.result == GUNZIP_GARBAGE)
        warn(gzip, "%s: decompression OK, trailing garbage ignored", input->name);
    unpack_end(&unpack);
    return status;
}

static status_t process_name(struct gzip *gzip, const char *name)
{
    const char *shown;
    gzip->packed = gzip->unpacked = 0;
    gzip->written = 0;
    status_t status = input_one(gzip->shell, name, &shown,
                                gzip->packs ? pack_input : unpack_input, gzip);
    if (status && status != -EUCLEAN)
        fail(gzip, shown, status);
    return status;
}

/* ---- names -------------------------------------------------------------------------------- */

/* Returns how many bytes at the end of a name say that it is packed; 0: none. *instead: what
 * replaces them. */
static size_t packed_suffix(const struct gzip *gzip, const char *name, const char **instead)
{
    const struct {
        const char *suffix, *instead;
    } known[] = { { gzip->suffix, "" }, { ".gz", "" },  { ".tgz", ".tar" }, { ".taz", ".tar" },
                  { "-gz", "" },        { ".z", "" },   { "-z", "" },       { "_z", "" } };
    size_t length = strlen(name);
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        size_t bytes = strlen(known[i].suffix);
        if (length > bytes && text_equal_fold(name + length - bytes, known[i].suffix) &&
            name[length - bytes - 1] != '/') {
            *instead = known[i].instead;
            return bytes;
        }
    }
    return 0;
}

/* Finds the file that is meant: of a packed one the suffix may be left out. Returns false after a
 * message. */
static bool find_file(struct gzip *gzip, struct buffer *name, struct path **path)
{
    const char *instead;
    struct path *start = gzip->shell->directory;
    status_t status = path_walk(start, name->text, 0, path);
    if (status == -ENOENT && !gzip->packs && !packed_suffix(gzip, name->text, &instead)) {
        buffer_put(name, gzip->suffix, strlen(gzip->suffix));
        status = name->status ? name->status : path_walk(start, name->text, 0, path);
    }
    if (status) {
        fail(gzip, name->text, status);
        return false;
    }
    if (!path_is_directory(*path))
        return true;
    warn(gzip, "%s is a directory -- ignored", name->text);
    path_put(*path);
    return false;
}

static bool exists(struct gzip *gzip, const char *name)
{
    struct path *path;
    if (path_walk(gzip->shell->directory, name, WALK_NO_FOLLOW, &path))
        return false;
    path_put(path);
    return true;
}

/* ---- files -------------------------------------------------------------------------------- */

static void report(struct gzip *gzip, const char *name, const char *made)
{
    struct stream *err = gzip->shell->err;
    uint64_t saved = gzip->unpacked > gzip->packed ? gzip->unpacked - gzip->packed : 0;
    unsigned tenths = gzip->unpacked ? (unsigned)(saved * 1000 / gzip->unpacked) : 0;
    stream_format(err, "%s:\t", name);
    if (gzip->tests)
        stream_text(err, " OK\n");
    else if (gzip->to_output)
        stream_format(err, " %u.%u%%\n", tenths / 10, tenths % 10);
    else
        stream_format(err, " %u.%u%% -- %s %s\n", tenths / 10, tenths % 10,
                      gzip->keeps ? "created" : "replaced with", made);
}

/* Gives the new file the time of the other one, and removes that one. */
static status_t finish_file(struct gzip *gzip, struct path *old, const char *name,
                            const char *made)
{
    struct path *path;
    struct node_info info;
    bool has_times = !path_info(old, INFO_TIMES, &info) && info.has_modified;
    if (has_times && !path_walk(gzip->shell->directory, made, 0, &path)) {
        IGNORE(path_set_modified(path, info.modified_s)); /* not every file system has times */
        path_put(path);
    }
    return gzip->keeps ? 0 : vfs_unlink(gzip->shell->directory, name);
}

/* Packs or unpacks a file into another one. */
static void replace_file(struct gzip *gzip, struct path *old, const char *name, const char *made)
{
    struct replacement target;
    status_t status = replace_begin(gzip->shell->directory, made, OPEN_DENY_WRITE, &target);
    if (status) {
        fail(gzip, made, status);
        return;
    }

    /* The new content is on the medium before the old one is removed. */
    gzip->target = &target;
    bool done = !process_name(gzip, name);
    gzip->target = NULL;
    status = done ? file_flush(target.file) : 0;
    if (!done || status)
        replace_abandon(&target);
    else
        status = replace_commit(&target);
    if (done && !status)
        status = finish_file(gzip, old, name, made);
    if (status)
        fail(gzip, made, status);
    else if (done && gzip->verbose)
        report(gzip, name, made);
}

/* Packs or unpacks a file beside itself: "x" to "x.gz", or back. */
static void process_beside(struct gzip *gzip, struct path *old, const char *name)
{
    const char *instead = "";
    size_t suffix = packed_suffix(gzip, name, &instead);
    struct buffer made = { 0 };
    if (gzip->packs ? suffix && !gzip->forces : !suffix) {
        warn(gzip, gzip->packs ? "%s already has a suffix -- unchanged"
                               : "%s: unknown suffix -- ignored", name);
        return;
    }
    buffer_put(&made, name, strlen(name) - (gzip->packs ? 0 : suffix));
    buffer_put(&made, gzip->packs ? gzip->suffix : instead,
               strlen(gzip->packs ? gzip->suffix : instead));
    if (made.status)
        fail(gzip, name, made.status);
    else if (!gzip->forces && exists(gzip, made.text))
        warn(gzip, "%s already exists; not overwritten", made.text);
    else
        replace_file(gzip, old, name, made.text);
    buffer_free(&made);
}

static void process_operand(struct gzip *gzip, const char *operand)
{
    struct path *path;
    struct buffer name = { 0 };
    if (text_equal(operand, "-")) {
        IGNORE(process_name(gzip, operand)); /* reported */
        return;
    }
    buffer_put(&name, operand, strlen(operand));
    if (name.status) {
        fail(gzip, operand, name.status);
    } else if (find_file(gzip, &name, &path)) {
        if (!gzip->to_output && !gzip->tests)
            process_beside(gzip, path, name.text);
        else if (!process_name(gzip, name.text) && gzip->verbose)
            report(gzip, name.text, "");
        path_put(path);
    }
    buffer_free(&name);
}

static int run_gzip(struct shell *shell, int count, char **words)
{
    struct gzip gzip = {
        .shell = shell,
        .packs = text_equal(words[0], "gzip") && !option_given(shell, 'd') &&
                 !option_given(shell, 't'),
        .to_output = option_given(shell, 'c') || text_equal(words[0], "zcat"),
        .tests = option_given(shell, 't'),
        .forces = option_given(shell, 'f'),
        .keeps = option_given(shell, 'k'),
        .verbose = option_given(shell, 'v'),
        .suffix = option_value(shell, 'S'),
    };
    if (!gzip.suffix || !*gzip.suffix)
        gzip.suffix = ".gz";
    if (gzip.packs && !gzip.forces && (gzip.to_output || count < 2) &&
        shell_out_is_terminal(shell))
        return shell_complain(shell, "packed data is not written to a terminal; use -f to do so");
    if (count < 2)
        process_operand(&gzip, "-");
    for (int i = 1; i < count && gzip.result != SHELL_INTERRUPTED && !shell->out->status; i++)
        process_operand(&gzip, words[i]);
    return gzip.result;
}

static const struct shell_option gzip_options[] = {
    { 'd', "decompress", NULL, "unpack" },
    { 'c', "stdout", NULL, "write to standard output, and keep the files" },
    { 'f', "force", NULL, "replace files; with -dc, copy what is not packed" },
    { 'k', "keep", NULL, "keep the files" },
    { 'n', "no-name", NULL, "no effect: names and times in files are not used" },
    { 'q', "quiet", NULL, "print no warnings" },
    { 'S', "suffix", "SUFFIX", "use this instead of .gz" },
    { 't', "test", NULL, "check packed files only" },
    { 'v', "verbose", NULL, "print the name and how much is saved" },
    { '1', "fast", NULL, "no effect: there is one degree of packing" },
    { '6', NULL, NULL, "no effect" },
    { '9', "best", NULL, "no effect" },
    { 0 },
};

static const struct shell_command command_gzip = {
    .name = "gzip",
    .arguments = "[-cdfknqtv] [-S SUFFIX] [FILE...]",
    .summary = "pack files, or unpack them with -d",
    .arguments_max = -1,
    .run = run_gzip,
    .options = gzip_options,
    .group = "Files",
};
SHELL_COMMAND(command_gzip);
DRIVER_DRIVES("command gzip Files: pack files, or unpack them with -d");

static const struct shell_command command_gunzip = {
    .name = "gunzip",
    .arguments = "[-cfknqtv] [-S SUFFIX] [FILE...]",
    .summary = "unpack gzip files",
    .arguments_max = -1,
    .run = run_gzip,
    .options = gzip_options,
    .group = "Files",
};
SHELL_COMMAND(command_gunzip);
DRIVER_DRIVES("command gunzip Files: unpack gzip files");

static const struct shell_command command_zcat = {
    .name = "zcat",
    .arguments = "[-fv] [FILE...]",
    .summary = "print the contents of gzip files",
    .arguments_max = -1,
    .run = run_gzip,
    .options = gzip_options,
    .group = "Files",
};
SHELL_COMMAND(command_zcat);
DRIVER_DRIVES("command zcat Files: print the contents of gzip files");
