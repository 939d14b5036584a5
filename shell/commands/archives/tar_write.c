/*
 * tar_write.c - writes archives in ustar, with a pax header where a value does not fit; see tar.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"
#include "shell/options.h"
#include "shell/reading/walk.h"

enum { RECORD_BLOCKS = 20 }; /* an archive is a multiple of these (POSIX) */

struct writer {
    struct tar *tar;
    uint64_t bytes;
    uint8_t block[TAR_BLOCK];
};

static void put(struct writer *writer, const void *data, size_t bytes)
{
    if (writer->tar->gzipper)
        gzipper_add(writer->tar->gzipper, data, bytes);
    else
        stream_write(writer->tar->out, data, bytes);
    writer->bytes += bytes;
}

static void put_zeroes(struct writer *writer, uint64_t bytes)
{
    memset(writer->block, 0, TAR_BLOCK);
    for (; bytes; bytes -= min(bytes, (uint64_t)TAR_BLOCK))
        put(writer, writer->block, (size_t)min(bytes, (uint64_t)TAR_BLOCK));
}

/* Ends a content with zeroes, so that the next header begins a block. */
static void pad(struct writer *writer)
{
    put_zeroes(writer, (TAR_BLOCK - writer->bytes % TAR_BLOCK) % TAR_BLOCK);
}

/* ---- headers ------------------------------------------------------------------------------ */

/* Appends "LENGTH KEY=VALUE\n", whose length counts its own digits. */
static void add_record(struct buffer *records, const char *key, const char *value)
{
    char text[24];
    size_t rest = strlen(key) + strlen(value) + 3, length = rest + 1;
    while ((size_t)format_text(text, sizeof(text), "%zu", length) + rest != length)
        length++;
    buffer_put(records, text, strlen(text));
    buffer_put(records, " ", 1);
    buffer_put(records, key, strlen(key));
    buffer_put(records, "=", 1);
    buffer_put(records, value, strlen(value));
    buffer_put(records, "\n", 1);
}

static status_t put_pax(struct writer *writer, const struct tar_member *member)
{
    struct buffer records = { 0 };
    char text[24];
    struct tar_member *header = mem_zalloc(sizeof(*header));

    add_record(&records, "path", member->name);
    if (*member->link)
        add_record(&records, "linkpath", member->link);
    format_text(text, sizeof(text), "%llu", (unsigned long long)member->size);
    add_record(&records, "size", text);
    format_text(text, sizeof(text), "%lld", (long long)member->modified_s);
    add_record(&records, "mtime", text);

    status_t status = header ? records.status : -ENOMEM;
    if (!status) {
        text_copy(header->name, sizeof(header->name), "PaxHeaders/member");
        header->type = 'x';
        header->mode = 0644;
        header->size = records.length;
        IGNORE(tar_encode(header, writer->block)); /* all of its values fit */
        put(writer, writer->block, TAR_BLOCK);
        put(writer, records.text, records.length);
        pad(writer);
    }
    buffer_free(&records);
    mem_free(header);
    return status;
}

static status_t put_header(struct writer *writer, const struct tar_member *member)
{
    bool fits = tar_encode(member, writer->block);
    status_t status = fits ? 0 : put_pax(writer, member);
    if (!fits)
        (void)tar_encode(member, writer->block);
    if (!status)
        put(writer, writer->block, TAR_BLOCK);
    return status;
}

/* ---- members ------------------------------------------------------------------------------ */

/* Writes exactly `size` bytes: a file that has become shorter is filled with zeroes. */
static status_t put_content(struct writer *writer, struct path *path, uint64_t size)
{
    char piece[TAR_BLOCK];
    uint64_t left = size;
    struct file *file;
    status_t status = file_open_path(path, OPEN_READ, &file);
    while (!status && left && !writer->tar->out->status) {
        ssize_t got = file_read(file, piece, (size_t)min(left, (uint64_t)sizeof(piece)));
        if (got <= 0) {
            status = got ? (status_t)got : -EIO;
            break;
        }
        put(writer, piece, (size_t)got);
        left -= (uint64_t)got;
    }
    if (!status || left < size)
        file_close(file);
    put_zeroes(writer, left);
    pad(writer);
    return status;
}

static void fill(struct tar_member *member, const struct node_info *info)
{
    static const char types[] = { [NODE_FILE] = '0', [NODE_DIRECTORY] = '5', [NODE_LINK] = '2' };
    bool has_mode = info->known & INFO_MODE;
    member->type = (unsigned)info->type < sizeof(types) ? types[info->type] : 0;
    member->mode = has_mode                       ? info->mode & 07777
                   : info->type == NODE_DIRECTORY ? 0755
                   : info->type == NODE_LINK      ? 0777
                                                  : 0644;
    member->uid = has_mode ? info->uid : 0;
    member->gid = has_mode ? info->gid : 0;
    member->size = info->type == NODE_FILE ? info->size_bytes : 0;
    member->modified_s = info->has_modified ? info->modified_s : 0;
    text_copy(member->user, sizeof(member->user), member->uid ? "" : "root");
    text_copy(member->group, sizeof(member->group), member->gid ? "" : "root");
}

/* Writes a node as a member of this name. Names in archives do not begin with a slash. */
static status_t put_node(struct writer *writer, const char *name, struct path *path,
                         const struct node_info *info)
{
    struct tar *tar = writer->tar;
    struct tar_member *member = &tar->member;
    status_t status = 0;

    if (tar_excludes(tar, name))
        return 0;
    *member = (struct tar_member){ 0 };
    fill(member, info);
    tar_set_owner(tar, member);
    if (!member->type)
        return -EOPNOTSUPP;
    name = tar_safe_name(tar, name);
    size_t length = text_copy(member->name, sizeof(member->name) - 1, name);
    if (length >= sizeof(member->name) - 1)
        return -ENAMETOOLONG;
    if (member->type == '5' && (!length || name[length - 1] != '/'))
        text_copy(member->name + length, 2, "/");
    if (member->type == '2') {
        ssize_t got = path_read_link(path, member->link, sizeof(member->link) - 1);
        status = got < 0 ? (status_t)got : 0;
        member->link[max(got, 0)] = '\0';
    }
    if (!status)
        status = put_header(writer, member);
    if (!status && tar->verbose)
        tar_list(tar, tar->out == tar->shell->out ? tar->shell->err : tar->shell->out, member,
                 member->name, false);
    return status || member->type != '0' ? status : put_content(writer, path, member->size);
}

/* Writes what is below a directory. */
static status_t put_tree(struct writer *writer, const char *name, struct path *start)
{
    struct tar *tar = writer->tar;
    struct walk *walk;
    struct walk_item item;
    struct buffer full = { 0 };
    size_t length = strlen(name);
    status_t status = walk_begin(start, WALK_NESTED, &walk);
    int got = status;

    while (!status && (got = walk_next(walk, &item)) > 0 && !tar->out->status) {
        struct path *path;
        buffer_clear(&full);
        buffer_put(&full, name, length);
        if (length && name[length - 1] != '/')
            buffer_put(&full, "/", 1);
        buffer_put(&full, item.text, strlen(item.text));
        if (full.status) {
            got = full.status;
            break;
        }

        /* A node that cannot be read is reported, and the others are written. */
        status_t one = item.found ? item.status : item.status ? item.status : -EIO;
        if (!one)
            one = walk_path(&item, &path);
        if (!one)
            one = put_node(writer, full.text, path, &item.info);
        if (one == -EINTR || one == -ENOMEM)
            got = one;
        if (got < 0)
            break;
        if (one)
            tar_fail(tar, full.text, one);
    }
    if (!status)
        walk_end(walk);
    buffer_free(&full);
    return got < 0 ? got : 0;
}

static status_t put_operand(struct writer *writer, const char *name)
{
    struct path *path;
    struct node_info info;
    status_t status = path_walk(writer->tar->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return status;
    status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE, &info);
    if (!status)
        status = put_node(writer, name, path, &info);
    bool enters = !option_given_name(writer->tar->shell, "no-recursion");
    if (!status && path_is_directory(path) && enters)
        status = put_tree(writer, name, path);
    path_put(path);
    return status;
}

void tar_write(struct tar *tar)
{
    struct writer *writer = mem_zalloc(sizeof(*writer));
    if (!writer) {
        tar_fail(tar, NULL, -ENOMEM);
        return;
    }
    writer->tar = tar;
    for (int i = 0; i < tar->count + tar->listed.count && !shell_interrupted(); i++) {
        const char *name = i < tar->count ? tar->names[i] : tar->listed.list[i - tar->count];

        /* Without the directory, what follows has no meaning, and the archive no end (GNU). */
        if (!tar_enter(tar, i < tar->count ? i : tar->count)) {
            mem_free(writer);
            return;
        }
        status_t status = put_operand(writer, name);
        if (status)
            tar_fail(tar, name, status);
    }

    /* Two blocks of zeroes end an archive, and fill its last record. */
    put_zeroes(writer, 2 * TAR_BLOCK);
    uint64_t record = RECORD_BLOCKS * TAR_BLOCK;
    put_zeroes(writer, (record - writer->bytes % record) % record);
    mem_free(writer);
}
