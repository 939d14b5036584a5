/*
 * file.c - identifies files, devices and images by their content: file.
 *
 * The wording is that of file(1) where it knows the format; volumes are named as `mount` names
 * them.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/text_kind.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"
#include "shell/reading/show.h"

enum { PIECE_BYTES = 2048, TEXT_BYTES_MAX = 64 * 1024, DESCRIPTION_BYTES = 320, MIME_BYTES = 96 };

struct file_answer {
    char description[DESCRIPTION_BYTES]; /* "PNG image data" */
    const char *mime, *charset;
};

/* Working memory for the identification of a file's content, on the heap. */
struct file_look {
    struct identify identify;
    struct text_kind text;
    uint8_t piece[PIECE_BYTES];
};

static void answer_set(struct file_answer *answer, const char *mime, const char *description)
{
    text_copy(answer->description, sizeof(answer->description), description);
    answer->mime = mime;
    answer->charset = "binary";
}

/* ---- content ------------------------------------------------------------------------------ */

/* The bytes of a file, or the first ones of standard input, in memory. */
struct file_source {
    struct identify_source source;
    struct file *file; /* NULL: memory */
    uint8_t *memory;
};

static ssize_t read_source(struct identify_source *source, uint64_t offset, void *buffer,
                           size_t bytes)
{
    const struct file_source *from = container_of(source, struct file_source, source);
    if (from->file)
        return file_read_at(from->file, offset, buffer, bytes);
    if (offset >= source->size_bytes)
        return 0;
    bytes = (size_t)min((uint64_t)bytes, source->size_bytes - offset);
    memcpy(buffer, from->memory + offset, bytes);
    return (ssize_t)bytes;
}

/* Reads a script's first line: "#!/bin/sh -e" gives "POSIX shell script, ", another interpreter
 * gives "a /bin/awk script, ", and any other text "". */
static void script_name(const uint8_t *bytes, size_t count, char *text, size_t room)
{
    char program[64];
    size_t at = 2, length = 0;
    text[0] = '\0';
    if (count < 3 || bytes[0] != '#' || bytes[1] != '!')
        return;

    /* The interpreter's path ends at a blank or at the end of the line. */
    while (at < count && bytes[at] == ' ')
        at++;
    while (at < count && bytes[at] > ' ' && bytes[at] < 0x7f && length < sizeof(program) - 1)
        program[length++] = (char)bytes[at++];
    program[length] = '\0';

    /* The wording of file(1). */
    if (text_equal(program, "/bin/sh"))
        text_copy(text, room, "POSIX shell script, ");
    else if (length)
        format_text(text, room, "a %s script, ", program);
}

/* Distinguishes text from unknown binary data, by the first TEXT_BYTES_MAX bytes. */
static status_t answer_text(struct identify_source *source, struct file_look *look,
                            struct file_answer *answer)
{
    char script[96] = "", lines[48];
    uint64_t at = 0, size = source->size_bytes;
    ssize_t got = 0;
    look->text = (struct text_kind){ 0 };

    /* The first control character shows that this is not text, and reading can stop. */
    while (at < TEXT_BYTES_MAX && !look->text.control &&
           (got = source->read(source, at, look->piece, PIECE_BYTES)) > 0) {
        if (!at)
            script_name(look->piece, (size_t)got, script, sizeof(script));
        text_kind_add(&look->text, look->piece, (size_t)got);
        at += (uint64_t)got;
    }
    if (got < 0)
        return (status_t)got;

    /* A character may be cut off where reading stopped, but not at the end of the file. */
    text_kind_end(&look->text, at >= size);
    const char *name = text_kind_name(&look->text);

    /* Without a name the bytes are not text in any encoding. */
    if (!name) {
        answer_set(answer, "application/octet-stream", "data");
        return 0;
    }

    /* A script is described with its interpreter, any text with its encoding and line ends. */
    text_kind_lines(&look->text, lines, sizeof(lines));
    format_text(answer->description, sizeof(answer->description), "%s%s%s%s", script, name,
                *script ? " executable" : "", lines);
    answer->mime = *script ? "text/x-shellscript" : "text/plain";
    answer->charset = text_kind_charset(&look->text);
    return 0;
}

static void answer_identity(const struct identify *found, struct file_answer *answer)
{
    char names[DESCRIPTION_BYTES];
    identify_text(found, true, names, sizeof(names));
    answer_set(answer, found->found[0].mime, names);
}

static status_t answer_content(struct identify_source *source, struct file_answer *answer)
{
    /* An empty file has no format, whatever its name. */
    if (!source->size_bytes) {
        answer_set(answer, "inode/x-empty", "empty");
        return 0;
    }
    struct file_look *look = mem_alloc(sizeof(*look));
    if (!look)
        return -ENOMEM;

    /* Try the known formats. If none is found and a part of the file could not be read, the
     * signature may be in that part, so the error is the answer. */
    status_t status = identify(&look->identify, source);
    if (!status && look->identify.count)
        answer_identity(&look->identify, answer);
    else if (!status)
        status = look->identify.status;

    /* No known format: distinguish text from data. */
    if (!status && !look->identify.count)
        status = answer_text(source, look, answer);
    mem_free(look);
    return status;
}

static status_t answer_file(struct path *path, struct file_answer *answer)
{
    struct file_source from = { .source = { .read = read_source } };
    status_t status = file_open_path(path, OPEN_READ, &from.file);
    if (status)
        return status;
    from.source.size_bytes = file_size(from.file);
    status = answer_content(&from.source, answer);
    file_close(from.file);
    return status;
}

/* Standard input cannot be read twice, so its start is kept. */
static status_t answer_input(struct shell *shell, struct file_answer *answer)
{
    struct file_source from = { .source = { .read = read_source } };
    ssize_t got = 0;
    from.memory = mem_alloc(TEXT_BYTES_MAX);
    if (!from.memory)
        return -ENOMEM;
    do
        from.source.size_bytes += (uint64_t)got;
    while (from.source.size_bytes < TEXT_BYTES_MAX &&
           (got = shell_read(shell, from.memory + from.source.size_bytes,
                             TEXT_BYTES_MAX - (size_t)from.source.size_bytes)) > 0);
    status_t status = got < 0 ? (status_t)got : answer_content(&from.source, answer);
    mem_free(from.memory);
    return status;
}

/* ---- devices ------------------------------------------------------------------------------ */

static status_t answer_device(struct device *device, struct file_answer *answer)
{
    struct device_handle handle;
    struct device_medium medium = device_medium(device);
    const char *empty = !device_has_data(device) ? "device without data"
                        : !medium.present   ? "no disc"
                        : !medium.bytes     ? "blank disc"
                                            : NULL;

    /* Without data there is nothing to read: the state of the drive is the answer. */
    answer_set(answer, "inode/blockdevice", empty ? empty : "data");
    if (empty)
        return 0;

    /* A medium that was read in part may still have shown its format. */
    struct identify *found = mem_alloc(sizeof(*found));
    status_t status = found ? device_open(device, &handle) : -ENOMEM;
    if (!status) {
        status = device_identify(&handle, found);
        device_close(&handle);
        if (!status && found->count)
            answer_identity(found, answer);
        else if (!status)
            status = found->status;
    }
    mem_free(found);
    return status;
}

/* ---- names -------------------------------------------------------------------------------- */

/* A link is identified by its target's name, and reported as broken if that does not exist. */
static status_t answer_link(struct shell *shell, const char *name, struct path *path,
                            struct file_answer *answer)
{
    struct path *to;
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    ssize_t got = target ? path_read_link(path, target, PATH_BYTES_MAX + 1) : -ENOMEM;

    if (got >= 0) {
        /* Follow the link, only to find out whether it leads to anything. */
        status_t broken = path_walk(shell->directory, name, 0, &to);
        if (!broken)
            path_put(to);

        /* The description is formatted in place, so answer_set() is not used. */
        answer->mime = "inode/symlink";
        answer->charset = "binary";
        format_text(answer->description, sizeof(answer->description), "%ssymbolic link to %s",
                    broken ? "broken " : "", target);
    }
    mem_free(target);
    return got < 0 ? (status_t)got : 0;
}

static status_t answer_path(struct shell *shell, const char *name, struct path *path,
                            struct file_answer *answer)
{
    struct node_info info;
    status_t status = path_info(path, INFO_DIRENT | INFO_STANDARD, &info);
    if (status)
        return status;

    /* Only files have a content to identify. */
    switch (info.type) {
    case NODE_DIRECTORY: answer_set(answer, "inode/directory", "directory"); return 0;
    case NODE_LINK: return answer_link(shell, name, path, answer);
    case NODE_FILE: return answer_file(path, answer);
    default: answer_set(answer, "inode/chardevice", "special file"); return 0;
    }
}

/* Identifies an operand: a path, or else the class name of a device; `-` is standard input. */
static status_t answer_word(struct shell *shell, const char *name, struct file_answer *answer)
{
    struct path *path;
    if (text_equal(name, "-"))
        return answer_input(shell, answer);
    status_t status = path_walk(shell->directory, name,
                                option_last(shell, "Lh") == 'L' ? 0 : WALK_NO_FOLLOW, &path);

    /* A path takes precedence over a class name. */
    struct device *device = status == -ENOENT && *name ? device_find(name) : NULL;

    if (!status) {
        /* The device behind a file of devfs, so that its medium is identified. */
        if (text_equal(path_fsd(path)->name, "devfs"))
            device = path_is_directory(path) ? NULL : mounts_find_device(shell, name);
        bool link = path_vnode(path)->type == NODE_LINK;
        status = device && !link ? answer_device(device, answer)
                                 : answer_path(shell, name, path, answer);
        path_put(path);
    } else if (device) {
        status = answer_device(device, answer);
    }
    device_put(device);
    return status;
}

static void file_print(struct shell *shell, const char *name, size_t width,
                       const struct file_answer *answer)
{
    bool brief = option_given(shell, 'b');
    if (text_equal(name, "-"))
        name = "/dev/stdin"; /* as file(1) calls it */
    if (!brief) {
        size_t columns = text_columns(name);
        stream_escaped(shell->out, name, false);
        stream_format(shell->out, ":%*s", (int)(width > columns ? width - columns : 0) + 1, "");
    }

    /* --mime prints the type and the character set, --mime-type only the type. */
    if (option_given(shell, 'i'))
        stream_format(shell->out, "%s; charset=%s", answer->mime, answer->charset);
    else if (option_given_name(shell, "mime-type"))
        stream_text(shell->out, answer->mime);
    else
        stream_escaped(shell->out, answer->description, false);
    stream_text(shell->out, "\n");
}

static int run_file(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    size_t width = 0;
    struct file_answer *answer = mem_alloc(sizeof(*answer));
    if (!answer)
        return shell_fail(shell, NULL, -ENOMEM);

    /* All descriptions begin in the same column, after the longest name. */
    for (int i = 1; i < count; i++) {
        size_t columns = text_columns(words[i]);
        width = max(width, columns);
    }

    /* An operand that fails has no line, and the next one follows. */
    for (int i = 1; i < count && result != SHELL_INTERRUPTED; i++) {
        status_t status = answer_word(shell, words[i], answer);
        if (status)
            result = shell_fail(shell, words[i], status);
        else
            file_print(shell, words[i], width, answer);
    }
    mem_free(answer);
    return result;
}

static const struct shell_option file_options[] = {
    { 'b', "brief", NULL, "do not print names" },
    { 'i', "mime", NULL, "print the MIME type and the character set" },
    { 0, "mime-type", NULL, "print the MIME type" },
    { 'L', "dereference", NULL, "follow links" },
    { 'h', "no-dereference", NULL, "do not follow links (the default)" },
    { 0 },
};

static const struct shell_command command_file = {
    .name = "file",
    .arguments = "[-bhiL] [--mime-type] PATH|DEVICE...",
    .summary = "identify files, images and devices by their content",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_file,
    .options = file_options,
    .group = "Files",
};
SHELL_COMMAND(command_file);
