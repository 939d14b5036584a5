/*
 * contents.c - saves and changes the contents of virtual drives, and injects faults: vdrive save,
 * diff, commit, discard, fault.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/discs/vdrive/vdrive.h"
#include "shell/options.h"

/* ---- save --------------------------------------------------------------------------------- */

/* Returns the absolute path of a file, which need not exist. */
static status_t absolute_path(struct shell *shell, const char *word, char *path, size_t bytes)
{
    /* The path of a removed directory may be that of another directory now. */
    if (*word != '/' && !path_is_live(shell->directory))
        return -ENOENT;

    /* The file need not exist, so it cannot be found by a walk: join the texts. */
    size_t length = *word == '/' ? 0 : path_text(shell->directory, path, bytes);
    if (length >= bytes)
        return -ENAMETOOLONG;

    /* Only the root's path ends with a slash. */
    if (length && path[length - 1] != '/')
        path[length++] = '/';
    return text_copy(path + length, bytes - length, word) < bytes - length ? 0 : -ENAMETOOLONG;
}

/* Reports the drive for its own errors, and else the file. */
static int save_refused(struct shell *shell, const char *device, const char *word,
                        status_t status)
{
    static const struct vdrive_refusal file_refusals[] = {
        { -EBUSY, "in use, as an image or by an open file" },
        { -ELOOP, "is stored on the drive itself" },
        { -ENOSPC, "not enough space for the whole drive" },
        { 0 },
    };

    /* Some errors are only about the drive, the others only about the file. */
    if (status == -ENODEV || status == -EINVAL || status == -EALREADY)
        return vdrive_refuse_drive(shell, device, status);
    if (status == -EIO || status == -ESTALE)
        return shell_fail(shell, device, status);
    return vdrive_refuse(shell, word, status, file_refusals);
}

static int save(struct shell *shell, struct virtual_save *request, const char *drive,
                const char *word)
{
    struct vdrive_bar bar;
    status_t status = vdrive_name(shell, drive, request->device);
    if (status)
        return vdrive_refuse_drive(shell, drive, status);

    /* The driver has no current directory. */
    status = absolute_path(shell, word, request->path, sizeof(request->path));
    if (status)
        return shell_fail(shell, word, status);

    /* The driver copies the whole drive in this one request, and reports progress. */
    vdrive_bar_begin(&bar, shell, word);
    request->struct_bytes = sizeof(*request);
    request->progress = &bar.report;
    status = vdrive_control(VIRTUAL_SAVE, request, sizeof(*request));
    vdrive_bar_end(&bar);
    return status ? save_refused(shell, request->device, word, status) : SHELL_DONE;
}

static int run_save(struct shell *shell, int count, char **words)
{
    (void)count;
    struct virtual_save *request = mem_zalloc(sizeof(*request));
    if (!request)
        return shell_fail(shell, words[2], -ENOMEM);
    int result = save(shell, request, words[1], words[2]);
    mem_free(request);
    return result;
}

const struct shell_command vdrive_save = {
    .name = "vdrive save",
    .arguments = "DRIVE FILE",
    .summary = "copy the contents of a drive to a file",
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_save,
};

/* ---- diff, commit, discard ---------------------------------------------------------------- */

static int overlay_refused(struct shell *shell, const char *device, status_t status)
{
    static const struct vdrive_refusal table[] = {
        { -EINVAL, "not an overlay" },
        { -EROFS, "not added with --overlay --rw; use save or discard" },
        { 0 },
    };

    /* A busy drive is reported with all its users. */
    if (status == -ENODEV || status == -EALREADY)
        return vdrive_refuse_drive(shell, device, status);
    if (status == -EBUSY)
        return vdrive_report_busy(shell, device, "");
    return vdrive_refuse(shell, device, status, table);
}

static int run_diff(struct shell *shell, int count, char **words)
{
    (void)count;
    struct virtual_diff request = { .struct_bytes = sizeof(request) };
    status_t status = vdrive_name(shell, words[1], request.device);
    if (status)
        return vdrive_refuse_drive(shell, words[1], status);

    /* Each request returns the next range that was written, from offset_bytes on. */
    while (!shell_interrupted() &&
           !(status = vdrive_control(VIRTUAL_DIFF, &request, sizeof(request)))) {
        stream_format(shell->out, "0x%08llx 0x%llx\n", (unsigned long long)request.offset_bytes,
                      (unsigned long long)request.length_bytes);

        /* The next range begins after this one. */
        request.offset_bytes += request.length_bytes;
    }

    /* ENOENT: no range follows. */
    return status == -ENOENT ? SHELL_DONE : overlay_refused(shell, request.device, status);
}

const struct shell_command vdrive_diff = {
    .name = "vdrive diff",
    .arguments = "DRIVE",
    .summary = "list what was written to an overlay: offsets and lengths",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_diff,
};

/* Commits or discards the contents of an overlay. */
static int change(struct shell *shell, const char *word, unsigned operation)
{
    struct vdrive_bar bar;
    struct virtual_change request = { .struct_bytes = sizeof(request), .progress = &bar.report };
    status_t status = vdrive_name(shell, word, request.device);
    if (status)
        return vdrive_refuse_drive(shell, word, status);

    /* A large overlay takes a while, so the request reports its progress. */
    vdrive_bar_begin(&bar, shell, word);
    status = vdrive_control(operation, &request, sizeof(request));
    vdrive_bar_end(&bar);
    return status ? overlay_refused(shell, request.device, status) : SHELL_DONE;
}

static int run_commit(struct shell *shell, int count, char **words)
{
    (void)count;
    return change(shell, words[1], VIRTUAL_COMMIT);
}

const struct shell_command vdrive_commit = {
    .name = "vdrive commit",
    .arguments = "DRIVE",
    .summary = "write the contents of an overlay to its image",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_commit,
};

static int run_discard(struct shell *shell, int count, char **words)
{
    (void)count;
    return change(shell, words[1], VIRTUAL_DISCARD);
}

const struct shell_command vdrive_discard = {
    .name = "vdrive discard",
    .arguments = "DRIVE",
    .summary = "discard the contents of an overlay",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_discard,
};

/* ---- fault -------------------------------------------------------------------------------- */

/* A kind of fault. A letter for each word after its name: f the first block, c a count, i an
 * image. */
struct fault_kind {
    const char *name;
    enum virtual_fault_kind kind;
    int words_min;
    const char *words;
};

static const struct fault_kind fault_kinds[] = {
    { "bad", VIRTUAL_FAULT_BAD, 1, "fc" },      { "delay", VIRTUAL_FAULT_DELAY, 1, "c" },
    { "short", VIRTUAL_FAULT_SHORT, 1, "c" },   { "flip", VIRTUAL_FAULT_FLIP, 0, "" },
    { "attention", VIRTUAL_FAULT_ATTENTION, 0, "" }, { "swap", VIRTUAL_FAULT_SWAP, 1, "i" },
    { "clear", VIRTUAL_FAULT_NONE, 0, "" },
};

enum { FAULT_KINDS = ARRAY_LENGTH(fault_kinds), FAULT_DELAY_MAX = 10000 };

/* Prints a fault in the form in which it is typed. */
static void fault_print(struct stream *out, const struct virtual_fault *fault)
{
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        if (fault_kinds[i].kind != fault->kind)
            continue;
        stream_text(out, fault_kinds[i].name);

        /* An image cannot be printed, but a swap is never listed: it happens at once. */
        for (const char *word = fault_kinds[i].words; *word; word++)
            stream_format(out, " %llu",
                          (unsigned long long)(*word == 'f' ? fault->first : fault->count));
    }
    stream_text(out, "\n");
}

static int fault_list(struct shell *shell, struct virtual_fault *request)
{
    status_t status;

    /* Faults are numbered by their position, without gaps. */
    while (!(status = vdrive_control(VIRTUAL_GET_FAULT, request, sizeof(*request)))) {
        fault_print(shell->out, request);
        request->position++;
    }
    return status == -ENOENT ? SHELL_DONE : vdrive_refuse_drive(shell, request->device, status);
}

/* Parses the numbers after a kind's name. Returns false after reporting an invalid one. */
static bool fault_take(struct shell *shell, const struct fault_kind *kind, char **words,
                       struct virtual_fault *request)
{
    request->kind = kind->kind;
    request->count = 1;

    /* A number that is not given is 1. Delays are limited, so that no test can hang. */
    uint64_t most = kind->kind == VIRTUAL_FAULT_DELAY ? FAULT_DELAY_MAX : UINT64_MAX;

    /* An image is not a number, and has been left to fault_set(). */
    for (int i = 0; words[i] && kind->words[i] != 'i'; i++) {
        uint64_t *number = kind->words[i] == 'f' ? &request->first : &request->count;
        if (!shell_number(shell, kind->name, words[i], 0, most, number))
            return false;
    }
    return true;
}

static int fault_set(struct shell *shell, struct virtual_fault *request, const char *image)
{
    static const struct vdrive_refusal table[] = {
        { -ENOSPC, "too many faults; use clear to remove them" },
        { -EOPNOTSUPP, "only drives in memory can flip" },
        { -EINVAL, "no such block" },
        { 0 },
    };

    /* The driver needs the image's absolute path. */
    status_t status = image ? vdrive_image(shell, image, request->image) : 0;
    if (!status)
        status = vdrive_control(VIRTUAL_FAULT, request, sizeof(*request));
    if (!status)
        return SHELL_DONE;

    /* With an image, an error is about the image, unless it can only be about the drive. */
    if (image && status != -ENODEV && status != -EALREADY)
        return shell_fail(shell, image, status);
    if (status == -ENODEV || status == -EALREADY)
        return vdrive_refuse_drive(shell, request->device, status);
    return vdrive_refuse(shell, request->device, status, table);
}

/* Parses and sets a fault. words[0] is its name. */
static int fault_words(struct shell *shell, struct virtual_fault *request, int count,
                       char **words)
{
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        const struct fault_kind *kind = &fault_kinds[i];
        if (!text_equal(kind->name, words[0]))
            continue;

        /* Each letter of `words` stands for one word that may follow. */
        if (count - 1 < kind->words_min || count - 1 > (int)strlen(kind->words))
            return shell_usage(shell);
        if (!fault_take(shell, kind, words + 1, request))
            return SHELL_USAGE;
        return fault_set(shell, request, *kind->words == 'i' ? words[1] : NULL);
    }
    shell_complain(shell, "%s: no such fault; try %s --help", words[0], shell->command->name);
    return SHELL_USAGE;
}

static int run_fault(struct shell *shell, int count, char **words)
{
    struct virtual_fault *request = mem_zalloc(sizeof(*request));
    if (!request)
        return shell_fail(shell, words[1], -ENOMEM);
    request->struct_bytes = sizeof(*request);

    /* Without a kind, the faults that are set are listed. */
    int result;
    status_t status = vdrive_name(shell, words[1], request->device);
    if (status)
        result = vdrive_refuse_drive(shell, words[1], status);
    else if (count == 2)
        result = fault_list(shell, request);
    else
        result = fault_words(shell, request, count - 2, words + 2);
    mem_free(request);
    return result;
}

const struct shell_command vdrive_fault = {
    .name = "vdrive fault",
    .arguments = "DRIVE [bad FIRST [COUNT] | delay MS | short BLOCKS |\n"
                 "                           flip | attention | swap IMAGE | clear]",
    .summary = "inject faults into a drive, or list those that are set",
    .arguments_min = 1,
    .arguments_max = 4,
    .run = run_fault,
};
