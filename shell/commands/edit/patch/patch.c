/*
 * patch.c - applies differences to files: patch. See patch.h.
 *
 * Status      0, 1 if a hunk was rejected, 2 after an error. Patches in the unified form only.
 *             Questions of GNU patch are answered with no: a patch that is applied already is
 *             skipped, as with -N.
 */
#include "shell/commands/edit/patch/patch.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"

/* ---- the file to patch -------------------------------------------------------------------- */

static bool exists(const struct patch *patch, const char *name)
{
    struct path *path;
    if (!*name || path_walk(patch->shell->directory, name, 0, &path))
        return false;
    path_put(path);
    return true;
}

static bool is_file(const struct patch *patch, const char *name)
{
    struct path *path;
    struct node_info info;
    if (path_walk(patch->shell->directory, name, 0, &path))
        return false;
    status_t status = path_info(path, INFO_DIRENT, &info);
    path_put(path);
    return !status && info.type == NODE_FILE;
}

/* Returns whether a name stays below the directory. */
static bool is_safe(const char *name)
{
    if (*name == '/')
        return false;
    for (const char *at = name; *at; at++) {
        bool first = at == name || at[-1] == '/';
        if (first && text_starts(at, "..") && (!at[2] || at[2] == '/'))
            return false;
    }
    return true;
}

static unsigned elements(const char *name)
{
    unsigned count = 1;
    for (; *name; name++)
        count += *name == '/';
    return count;
}

/* Returns the better one of two names: with fewer elements, a shorter last one, or shorter. */
static const char *better_name(const char *old, const char *new)
{
    const char *old_slash = strrchr(old, '/'), *new_slash = strrchr(new, '/');
    size_t old_base = strlen(old_slash ? old_slash + 1 : old);
    size_t new_base = strlen(new_slash ? new_slash + 1 : new);
    if (!*old || !*new)
        return *old ? old : new;
    if (elements(old) != elements(new))
        return elements(old) < elements(new) ? old : new;
    if (old_base != new_base)
        return old_base < new_base ? old : new;
    return strlen(old) <= strlen(new) ? old : new;
}

/* Chooses one of the names in the header: one that exists, or the better one of two. */
static const char *choose_name(struct patch *patch)
{
    char *old = patch->old_name, *new = patch->new_name;
    if (!is_safe(old))
        *old = '\0';
    if (!is_safe(new))
        *new = '\0';
    bool has_old = exists(patch, old), has_new = exists(patch, new);
    if (has_old != has_new)
        return has_old ? old : new;
    bool creates = patch->reverse ? patch->new_empty : patch->old_empty;
    if (has_old || creates)
        return better_name(old, new);

    /* A patch that deletes a missing file seems to be reversed: its new name counts (GNU). */
    bool deletes = patch->reverse ? patch->old_empty : patch->new_empty;
    return !deletes ? "" : *new ? new : old;
}

/* Prints a name, in quotes if it contains blanks. */
static void put_name(struct patch *patch, const char *name)
{
    const char *quote = strchr(name, ' ') ? "'" : "";
    stream_text(patch->shell->out, quote);
    stream_escaped(patch->shell->out, name, false);
    stream_text(patch->shell->out, quote);
}

/* Reports a header whose file does not exist, and skips its hunks. */
static status_t skip_file(struct patch *patch)
{
    struct stream *out = patch->shell->out;
    int got;
    stream_format(out, "can't find file to patch at input line %lld\n", (long long)patch->line);
    stream_text(out, patch->strip < 0 ? "Perhaps you should have used the -p or --strip option?\n"
                                      : "Perhaps you used the wrong -p or --strip option?\n");
    stream_text(out, "The text leading up to this was:\n--------------------------\n");
    for (size_t at = patch->header_at; at < patch->at;) {
        const char *line = patch->text + at, *end = memchr(line, '\n', patch->at - at);
        size_t bytes = end ? (size_t)(end - line) + 1 : patch->at - at;
        stream_text(out, "|");
        stream_write(out, line, bytes);
        at += bytes;
    }
    stream_text(out, "--------------------------\nNo file to patch.  Skipping patch.\n");
    while ((got = patch_next_hunk(patch)) > 0)
        patch->hunks++;
    if (got < 0)
        return got;
    stream_format(out, "%u out of %u hunk%s ignored\n", patch->hunks, patch->hunks,
                  patch->hunks == 1 ? "" : "s");
    patch->result = max(patch->result, SHELL_FAILED);
    return got;
}

/* ---- results ------------------------------------------------------------------------------ */

static status_t write_file(struct patch *patch, const char *name, const char *text, size_t bytes)
{
    struct replacement replacement;
    status_t status = replace_begin(patch->shell->directory, name, 0, &replacement);
    if (status)
        return status;
    status = bytes ? file_write_all(replacement.file, text, bytes) : 0;
    if (!status)
        return replace_commit(&replacement);
    replace_abandon(&replacement);
    return status;
}

/* Puts the name of the file that is written, and a suffix, into an empty buffer. */
static status_t put_beside(const struct patch *patch, const char *suffix, struct buffer *name)
{
    const char *base = patch->output ? patch->output : patch->name;
    buffer_put(name, base, strlen(base));
    buffer_put(name, suffix, strlen(suffix));
    return name->status;
}

/* Keeps the old content as NAME.orig. */
static status_t save_backup(struct patch *patch)
{
    struct buffer name = { 0 };
    status_t status = put_beside(patch, ".orig", &name);
    if (!status)
        status = write_file(patch, name.text, patch->content ? patch->content : "",
                            patch->content_bytes);
    buffer_free(&name);
    return status;
}

/* Returns whether this run has written a file for an earlier header. */
static bool has_written(const struct words *files, const char *name)
{
    for (int i = 0; i < files->count; i++)
        if (text_equal(files->list[i], name))
            return true;
    return false;
}

/* Writes NAME.rej, or appends to that of an earlier header for NAME. */
static status_t write_rejects(struct patch *patch, const struct buffer *text)
{
    struct buffer name = { 0 }, all = { 0 };
    char *before = NULL;
    size_t bytes = 0;
    status_t status = put_beside(patch, ".rej", &name);
    bool appends = !status && has_written(&patch->rejected, name.text);
    if (appends)
        status = file_read_whole(patch->shell->directory, name.text, PATCH_TEXT_MAX, &before,
                                 &bytes);
    if (!status) {
        buffer_put(&all, before ? before : "", bytes);
        buffer_put(&all, text->text, text->length);
        status = all.status;
    }

    if (!status)
        status = write_file(patch, name.text, all.text, all.length);
    if (!status && !appends)
        status = words_add(&patch->rejected, name.text, name.length);
    mem_free(before);
    buffer_free(&all);
    buffer_free(&name);
    return status;
}

/* Creates the directories of a new file. */
static void make_parents(struct patch *patch)
{
    char way[PATCH_NAME_MAX + 1];
    for (size_t i = 0; patch->name[i]; i++) {
        way[i] = '\0';
        if (i && patch->name[i] == '/')
            IGNORE(vfs_mkdir(patch->shell->directory, way)); /* the file's own error is reported */
        way[i] = patch->name[i];
    }
}

/* Returns whether the patch removes the file. */
static bool removes(const struct patch *patch)
{
    bool turned = patch->reverse != patch->swapped;
    return turned ? patch->old_missing && patch->old_empty
                  : patch->new_missing && patch->new_empty;
}

/* Reports a file that the patch removes, but that has other lines, too. */
static void report_kept(struct patch *patch)
{
    if (patch->output || patch->skips || !patch->made.length || !removes(patch))
        return;
    patch->result = max(patch->result, SHELL_FAILED);
    if (patch->quiet)
        return;
    stream_text(patch->shell->out, "Not deleting file ");
    put_name(patch, patch->name);
    stream_text(patch->shell->out, " as content differs from patch\n");
}

/* Keeps the new content for -o, whose file gets those of all headers. */
static status_t save_output(struct patch *patch)
{
    patch->has_output = true;
    if (!patch->skips && patch->made.length)
        buffer_put(&patch->all_made, patch->made.text, patch->made.length);
    return patch->all_made.status;
}

/* Writes the new content, or removes the file if that is empty and the patch removes it. */
static status_t save(struct patch *patch)
{
    bool applied = patch->hunks > patch->failed;
    bool backs_up = patch->backs_up || (patch->mismatch && !patch->keeps_no_backup);
    const char *text = patch->made.text ? patch->made.text : "";
    status_t status = 0;

    if (patch->output)
        return save_output(patch);
    if (backs_up && !patch->skips && !has_written(&patch->patched, patch->name))
        status = save_backup(patch);
    if (status || patch->skips)
        return status;

    /* Even if its hunks failed, a file without content is removed (GNU). */
    if (!patch->made.length && (removes(patch) || patch->removes_empty))
        return patch->exists ? vfs_unlink(patch->shell->directory, patch->name) : 0;
    if (!applied)
        return 0;
    if (!patch->exists)
        make_parents(patch);
    status = write_file(patch, patch->name, text, patch->made.length);
    return status ? status : words_add(&patch->patched, patch->name, strlen(patch->name));
}

/* Appends a line of a header. */
static void put_header(struct buffer *to, const char *sign, const char *name,
                       const struct patch_line *time)
{
    buffer_put(to, sign, 4);
    buffer_put(to, *name ? name : "/dev/null", strlen(*name ? name : "/dev/null"));
    if (*name && time->bytes)
        buffer_put(to, time->text, time->bytes);
    buffer_put(to, "\n", 1);
}

/* Reports the hunks that failed, and writes them to NAME.rej with their header. */
static status_t save_rejects(struct patch *patch)
{
    struct stream *out = patch->shell->out;
    struct buffer text = { 0 };
    const char *base = patch->output ? patch->output : patch->name;
    if (!patch->failed)
        return 0;
    patch->result = max(patch->result, SHELL_FAILED);
    stream_format(out, "%u out of %u hunk%s %s", patch->failed, patch->hunks,
                  patch->hunks == 1 ? "" : "s", patch->skips ? "ignored" : "FAILED");
    if (patch->dry_run) {
        stream_text(out, "\n");
        return 0;
    }
    stream_text(out, " -- saving rejects to file ");
    stream_escaped(out, base, false);
    stream_text(out, ".rej\n");

    bool turned = patch->reverse != patch->swapped;
    put_header(&text, "--- ", turned ? patch->new_name : patch->old_name,
               turned ? &patch->new_time : &patch->old_time);
    put_header(&text, "+++ ", turned ? patch->old_name : patch->new_name,
               turned ? &patch->old_time : &patch->new_time);
    buffer_put(&text, patch->rejects.text, patch->rejects.length);
    status_t status = text.status;
    if (!status)
        status = write_rejects(patch, &text);
    buffer_free(&text);
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void begin_file(struct patch *patch)
{
    mem_free(patch->content);
    patch->content = NULL;
    patch->content_bytes = 0;
    patch->input.count = patch->copied = patch->in_offset = patch->out_offset = 0;
    patch->hunks = patch->failed = 0;
    patch->skips = patch->swapped = patch->mismatch = false;
    buffer_clear(&patch->made);
    buffer_clear(&patch->rejects);
}

/* Returns whether the patch removes all lines of a file that has none, or creates one that has
 * some: it seems to be reversed. */
static bool looks_reversed(const struct patch *patch)
{
    bool old_empty = patch->reverse ? patch->new_empty : patch->old_empty;
    bool old_missing = patch->reverse ? patch->new_missing : patch->old_missing;
    bool new_empty = patch->reverse ? patch->old_empty : patch->new_empty;
    return patch->content_bytes ? old_empty && old_missing : new_empty;
}

/* Reports such a patch. */
static void report_reversed(struct patch *patch)
{
    struct stream *out = patch->shell->out;
    const char *would = !patch->exists ? "delete" : patch->content_bytes ? "create" : "empty out";
    const char *what = !patch->exists ? "does not exist"
                       : patch->content_bytes ? "already exists" : "is already empty";
    stream_format(out, "The next patch%s would %s the file ",
                  patch->reverse ? ", when reversed," : "", would);
    put_name(patch, patch->name);
    stream_format(out, ",\nwhich %s!  %s\n", what,
                  patch->force && !patch->forward ? "Applying it anyway."
                  : !patch->batch ? "Skipping patch."
                  : patch->reverse ? "Ignoring -R." : "Assuming -R.");
}

/* Skips the hunks of the file, and keeps none of them. */
static status_t skip_hunks(struct patch *patch)
{
    int got;
    while ((got = patch_next_hunk(patch)) > 0)
        patch->hunks++;
    if (got < 0)
        return got;
    stream_format(patch->shell->out, "%u out of %u hunk%s ignored\n", patch->hunks, patch->hunks,
                  patch->hunks == 1 ? "" : "s");
    patch->result = max(patch->result, SHELL_FAILED);
    return got;
}

static status_t patch_one(struct patch *patch)
{
    begin_file(patch);
    const char *name = patch->operand ? patch->operand : choose_name(patch);
    if (!*name)
        return skip_file(patch);
    if (text_copy(patch->name, sizeof(patch->name), name) >= sizeof(patch->name))
        return -ENAMETOOLONG;
    patch->exists = exists(patch, patch->name);
    patch->skips = patch->exists && !is_file(patch, patch->name);

    status_t status = 0;
    if (patch->exists && !patch->skips)
        status = file_read_whole(patch->shell->directory, patch->name, PATCH_TEXT_MAX,
                                 &patch->content, &patch->content_bytes);
    if (!status)
        status = patch_lines_split(&patch->input, patch->content, patch->content_bytes);
    if (status)
        return status;
    if (patch->skips) {
        stream_text(patch->shell->out, "File ");
        put_name(patch, patch->name);
        stream_text(patch->shell->out, " is not a regular file -- refusing to patch\n");
        status = patch_file(patch);
        return status ? status : save_rejects(patch);
    }
    if (looks_reversed(patch)) {
        report_reversed(patch);
        if (patch->forward || (!patch->force && !patch->batch))
            return skip_hunks(patch);
        patch->swapped = patch->batch && !patch->force;
    }
    if (!patch->quiet) {
        stream_text(patch->shell->out, patch->dry_run ? "checking file " : "patching file ");
        put_name(patch, patch->output ? patch->output : patch->name);
        if (patch->output) {
            stream_text(patch->shell->out, " (read from ");
            put_name(patch, patch->name);
            stream_text(patch->shell->out, ")");
        }
        stream_text(patch->shell->out, "\n");
    }
    status = patch_file(patch);
    if (!status)
        report_kept(patch);
    if (!status && !patch->dry_run)
        status = save(patch);
    return status ? status : save_rejects(patch);
}

static status_t keep_input(struct input *input, void *context)
{
    struct buffer *text = context;
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0 && !text->status)
        buffer_put(text, data, (size_t)got);
    return got < 0 ? (status_t)got : text->status;
}

/* Writes the file of -o. */
static void write_output(struct patch *patch)
{
    const struct buffer *made = &patch->all_made;
    status_t status = write_file(patch, patch->output, made->text ? made->text : "", made->length);
    if (status) {
        (void)shell_fail(patch->shell, patch->output, status);
        patch->result = SHELL_TROUBLE;
    }
}

static int apply_all(struct patch *patch, const char *file)
{
    struct shell *shell = patch->shell;
    struct buffer text = { 0 };
    const char *shown;
    status_t status = input_one(shell, file ? file : "-", &shown, keep_input, &text);
    unsigned files = 0;
    if (status) {
        buffer_free(&text);
        return shell_fail_with(shell, status, "**** Can't open patch file %s", shown);
    }

    patch->text = text.text;
    patch->bytes = text.length;
    patch->line = 1;
    for (; !status && !shell_interrupted() && patch_next_file(patch) > 0; files++) {
        *patch->name = '\0';
        status = patch_one(patch);
    }

    /* An empty patch changes nothing, but -o copies the file (GNU). */
    if (!text.length && patch->operand && patch->output)
        status = patch_one(patch);
    if (status && status != -EUCLEAN)
        (void)shell_fail(shell, *patch->name ? patch->name : NULL, status);
    if (status)
        patch->result = SHELL_TROUBLE;
    if (patch->has_output)
        write_output(patch);
    if (!files && text.length)
        patch->result = shell_complain(shell, "**** Only garbage was found in the patch input.");
    buffer_free(&text);
    return shell_interrupted() ? SHELL_INTERRUPTED : patch->result;
}

static int run_patch(struct shell *shell, int count, char **words)
{
    uint64_t strip = 0, fuzz = 2;
    if (!option_number(shell, 'p', 0, INT32_MAX, &strip) ||
        !option_number(shell, 'F', 0, INT32_MAX, &fuzz))
        return SHELL_TROUBLE;
    struct patch *patch = mem_zalloc(sizeof(*patch));
    if (!patch)
        return shell_fail(shell, NULL, -ENOMEM);

    patch->shell = shell;
    patch->strip = option_given(shell, 'p') ? (int64_t)strip : -1;
    patch->fuzz_max = (int64_t)fuzz;
    patch->reverse = option_given(shell, 'R');
    patch->dry_run = option_given_name(shell, "dry-run");
    patch->quiet = option_given(shell, 's');
    patch->force = option_given(shell, 'f');
    patch->forward = option_given(shell, 'N');
    patch->batch = option_given(shell, 't') && !patch->forward;
    patch->backs_up = option_given(shell, 'b');
    patch->keeps_no_backup = option_given_name(shell, "no-backup-if-mismatch");
    patch->removes_empty = option_given(shell, 'E');
    patch->output = option_value(shell, 'o');
    patch->operand = count > 1 ? words[1] : NULL;
    const char *file = option_value(shell, 'i');
    int result = apply_all(patch, count > 2 ? words[2] : file);

    mem_free(patch->content);
    mem_free(patch->input.list);
    mem_free(patch->hunk.old.lines.list);
    mem_free(patch->hunk.new.lines.list);
    buffer_free(&patch->made);
    buffer_free(&patch->rejects);
    buffer_free(&patch->all_made);
    words_free(&patch->rejected);
    words_free(&patch->patched);
    mem_free(patch);
    return result;
}

static const struct shell_option patch_options[] = {
    { 'b', "backup", NULL, "keep the old content as NAME.orig, always" },
    { 'E', "remove-empty-files", NULL, "remove files that are empty afterwards" },
    { 'f', "force", NULL, "apply the patch although it seems to be reversed" },
    { 'F', "fuzz", "N", "ignore at most N lines of context (default: 2)" },
    { 'i', "input", "FILE", "read the patch from FILE" },
    { 'N', "forward", NULL, "skip patches that are applied already: the default" },
    { 'o', "output", "FILE", "write the new content to FILE" },
    { 'p', "strip", "N", "remove N elements of names (default: all but the last)" },
    { 'R', "reverse", NULL, "apply the patch backwards" },
    { 's', "quiet", NULL, "print only errors" },
    { 't', "batch", NULL, "assume -R if the patch is applied already" },
    { 'u', "unified", NULL, "no effect: all patches are unified" },
    { 0, "dry-run", NULL, "only print what would happen" },
    { 0, "no-backup-if-mismatch", NULL, "keep no NAME.orig if a hunk is moved or fails" },
    { 0 },
};

static const struct shell_command command_patch = {
    .name = "patch",
    .arguments = "[-bEfNRstu] [-F N] [-i PATCH] [-o OUT] [-p N] [FILE [PATCH]]",
    .summary = "apply the differences that diff -u prints",
    .arguments_max = 2,
    .run = run_patch,
    .options = patch_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_patch);
DRIVER_DRIVES("command patch Text: apply the differences that diff -u prints");
