/*
 * cpio_write.c - writes archives, or copies files, of which a list has the names; see cpio.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/cpio.h"

static void put(struct cpio *cpio, const void *data, size_t bytes)
{
    stream_write(cpio->out, data, bytes);
    cpio->bytes += bytes;
}

static void put_zeroes(struct cpio *cpio, uint64_t bytes)
{
    static const char zeroes[CPIO_BLOCK];
    for (; bytes; bytes -= min(bytes, (uint64_t)CPIO_BLOCK))
        put(cpio, zeroes, (size_t)min(bytes, (uint64_t)CPIO_BLOCK));
}

/* Writes the header and the name of the member. -EFBIG if its size does not fit. */
static status_t put_header(struct cpio *cpio)
{
    struct cpio_member *member = &cpio->member;
    char header[CPIO_HEADER_MAX + 1];
    member->form = cpio->form;
    member->name_bytes = strlen(member->name) + 1;
    size_t bytes = cpio_encode(member, header);
    if (!bytes)
        return -EFBIG;
    put(cpio, header, bytes);
    put(cpio, member->name, member->name_bytes);
    put_zeroes(cpio, cpio_padding(cpio->form, bytes + member->name_bytes));
    return 0;
}

/* ---- members ------------------------------------------------------------------------------ */

static ssize_t read_file(struct cpio *cpio, const char **data)
{
    *data = cpio->piece;
    return file_read(cpio->file, cpio->piece, sizeof(cpio->piece));
}

/* Fills in the member for a node. -EOPNOTSUPP for one that is not a file, directory or link. */
static status_t fill(struct cpio *cpio, struct path *path, const char *name)
{
    struct cpio_member *member = &cpio->member;
    struct node_info info;
    status_t status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE, &info);
    bool has_mode = !status && info.known & INFO_MODE;
    if (status)
        return status;

    /* A name in an archive does not begin with "./". */
    while (text_starts(name, "./") && name[2])
        for (name += 2; *name == '/' && name[1];)
            name++;
    uint64_t number = member->number + 1;
    *member = (struct cpio_member){ .form = cpio->form, .number = number, .links = 1 };
    if (text_copy(member->name, sizeof(member->name), name) >= sizeof(member->name))
        return -ENAMETOOLONG;
    member->modified_s = info.has_modified ? info.modified_s : 0;
    member->uid = has_mode ? info.uid : 0;
    member->gid = has_mode ? info.gid : 0;
    switch (info.type) {
    case NODE_DIRECTORY:
        member->links = 2;
        member->mode = CPIO_DIRECTORY | (has_mode ? info.mode & 07777 : 0755);
        return 0;
    case NODE_FILE:
        member->mode = CPIO_FILE | (has_mode ? info.mode & 07777 : 0644);
        member->size = info.size_bytes;
        return 0;
    case NODE_LINK: {
        member->mode = CPIO_LINK | 0777;
        ssize_t got = path_read_link(path, member->link, sizeof(member->link) - 1);
        member->size = (uint64_t)max(got, 0);
        return got < 0 ? (status_t)got : 0;
    }
    default: return -EOPNOTSUPP;
    }
}

/* Opens the content of a member. A link has no file. */
static status_t open_content(struct cpio *cpio, struct path *path)
{
    bool is_file = (cpio->member.mode & CPIO_TYPE) == CPIO_FILE;
    cpio->file = NULL;
    return is_file ? file_open_path(path, OPEN_READ, &cpio->file) : 0;
}

/* ---- -o ----------------------------------------------------------------------------------- */

/* Writes exactly as many bytes as the header says: a file that has become shorter is filled with
 * zeroes. */
static status_t put_content(struct cpio *cpio)
{
    struct cpio_member *member = &cpio->member;
    uint64_t left = member->size;
    ssize_t got = 1;
    if (!cpio->file)
        put(cpio, member->link, (size_t)left);
    while (cpio->file && left && got > 0 && !cpio->out->status) {
        got = file_read(cpio->file, cpio->piece, (size_t)min(left, (uint64_t)CPIO_BLOCK));
        put(cpio, cpio->piece, (size_t)max(got, 0));
        left -= (uint64_t)max(got, 0);
    }
    if (cpio->file)
        put_zeroes(cpio, left);
    put_zeroes(cpio, cpio_padding(cpio->form, member->size));
    return got > 0 ? 0 : got ? (status_t)got : -EIO;
}

/* The checksum is before the content, so that is read twice. */
static status_t sum_content(struct cpio *cpio)
{
    const char *data;
    ssize_t got;
    if (cpio->form != CPIO_CRC || !cpio->file)
        return 0;
    while ((got = read_file(cpio, &data)) > 0)
        for (ssize_t i = 0; i < got; i++)
            cpio->member.sum += (uint8_t)data[i];
    file_seek(cpio->file, 0);
    return (status_t)got;
}

static status_t put_node(struct cpio *cpio, struct path *path)
{
    status_t status = open_content(cpio, path);
    if (!status)
        status = sum_content(cpio);
    if (!status)
        status = put_header(cpio);
    if (!status)
        status = put_content(cpio);
    file_close(cpio->file);
    return status;
}

/* ---- -p ----------------------------------------------------------------------------------- */

static status_t pass_node(struct cpio *cpio, struct path *path)
{
    const char *name = cpio->member.name;
    status_t status = open_content(cpio, path);
    while (*name == '/')
        name++;
    if (!status)
        status = cpio_make(cpio, *name ? name : ".");
    if (cpio->file)
        cpio->bytes += file_size(cpio->file);
    file_close(cpio->file);
    return status;
}

/* ---- lists -------------------------------------------------------------------------------- */

static status_t each_line(struct cpio *cpio, struct input *list,
                          status_t (*body)(struct cpio *cpio, struct path *path))
{
    char *name;
    size_t bytes;
    int got;
    while ((got = input_line(list, &name, &bytes)) > 0 && (!cpio->out || !cpio->out->status)) {
        struct path *path;
        status_t status = path_walk(cpio->shell->directory, name,
                                    cpio->follows ? 0 : WALK_NO_FOLLOW, &path);
        if (!status) {
            status = fill(cpio, path, name);
            if (!status)
                status = body(cpio, path);
            path_put(path);
        }
        if (status == -EINTR)
            return status;
        if (status)
            cpio_fail(cpio, name, status);
    }
    return got;
}

status_t cpio_write(struct cpio *cpio, struct input *list)
{
    status_t status = each_line(cpio, list, put_node);
    if (status)
        return status;

    /* The last member, and zeros up to a whole block. */
    cpio->member = (struct cpio_member){ .links = 1 };
    text_copy(cpio->member.name, sizeof(cpio->member.name), "TRAILER!!!");
    IGNORE(put_header(cpio)); /* all of its values fit */
    put_zeroes(cpio, (uint64_t)(-cpio->bytes & (CPIO_BLOCK - 1)));
    return 0;
}

status_t cpio_pass(struct cpio *cpio, struct input *list)
{
    cpio->content = read_file;
    status_t status = each_line(cpio, list, pass_node);
    cpio_make_rest(cpio);
    return status;
}
