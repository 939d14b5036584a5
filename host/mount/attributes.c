/*
 * attributes.c - stat(2): a node's information, changed by the options; and getxattr(2): how the
 * file system decoded the node and the volume.
 *
 *     user.spindle.record    where the node is on the medium, and what its record contains
 *     user.spindle.extents   the lines of the record about its content
 *     user.spindle.session   the sessions of the disc, and which one is shown
 *     user.spindle.ledger    the anomalies that were found on the volume so far
 */
#include "host/mount/mount.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/macros.h"
#include "lib/text.h"

/* ---- stat ----------------------------------------------------------------------------------- */

enum { STAT_BLOCK = 512, IO_BLOCK = 1 << 17 };

static mode_t type_bits(const struct node_info *info)
{
    switch (info->type) {
    case NODE_DIRECTORY: return S_IFDIR;
    case NODE_LINK: return S_IFLNK;
    case NODE_FILE: return S_IFREG;
    default: break;
    }

    /* A device, a pipe or a socket: only its mode contains which. */
    mode_t type = info->known & INFO_MODE ? info->mode & S_IFMT : 0;
    return type ? type : S_IFIFO;
}

static struct timespec time_or(bool known, int64_t seconds, int64_t otherwise)
{
    return (struct timespec){ .tv_sec = (time_t)(known ? seconds : otherwise) };
}

void attributes_fill(const struct node_info *info, struct stat *stat)
{
    const struct mount_options *options = &mount_options;
    mode_t type = type_bits(info);
    bool has_mode = info->known & INFO_MODE;
    memset(stat, 0, sizeof(*stat));

    /* A disc without permissions can be read by all, as Linux shows it. */
    mode_t permissions = has_mode              ? info->mode & 07777
                         : type == S_IFDIR     ? 0555
                         : type == S_IFLNK     ? 0777
                                               : 0444;
    if (type != S_IFLNK)
        permissions &= ~(mode_t)(type == S_IFDIR ? options->dmask : options->fmask);

    stat->st_ino = info->id;
    stat->st_mode = type | permissions;
    stat->st_nlink = has_mode && info->links ? info->links : 1;
    stat->st_uid = options->has_uid ? options->uid : has_mode ? info->uid : 0;
    stat->st_gid = options->has_gid ? options->gid : has_mode ? info->gid : 0;
    stat->st_size = (off_t)min(info->size_bytes, (uint64_t)INT64_MAX);
    stat->st_blocks = (blkcnt_t)(info->size_bytes / STAT_BLOCK +
                                 (info->size_bytes % STAT_BLOCK != 0));
    stat->st_blksize = IO_BLOCK;
    if (type == S_IFCHR || type == S_IFBLK)
        stat->st_rdev = makedev((unsigned)(info->device_number >> 32),
                                (unsigned)info->device_number);

    /* A time that the disc does not have is the time of modification, as on Linux. */
    int64_t modified = info->has_modified ? info->modified_s : 0;
    stat->st_mtim = time_or(info->has_modified, info->modified_s, 0);
    stat->st_atim = time_or(info->has_accessed, info->accessed_s, modified);
    stat->st_ctim = time_or(info->has_changed, info->changed_s, modified);
}

void reply_attributes(fuse_req_t request, fuse_ino_t inode, struct path *path, status_t status)
{
    struct node_info info;
    struct stat stat;
    if (!status)
        status = path_info(path, INFO_ALL, &info);
    operation_end(request);
    bool removed = !status && path_is_unlinked(path);
    path_put(path);
    if (status) {
        reply_status(request, status);
        return;
    }

    /* a removed file that is open has no name */
    attributes_fill(&info, &stat);
    stat.st_ino = inode;
    if (removed)
        stat.st_nlink = 0;
    fuse_reply_attr(request, &stat, cache_seconds());
}

void mount_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    struct path *path;
    (void)file;
    operation_begin(request);
    status_t status = node_path(inode, &path);
    reply_attributes(request, inode, path, status);
}

/* ---- extended attributes -------------------------------------------------------------------- */

/* An attribute is those lines of a description that begin with one of the words, after blanks. */
struct attribute {
    const char *name;
    bool node; /* from the description of the node; else of the volume */
    bool rest; /* and all lines after the first such line */
    const char *words[4];
};

static const struct attribute attributes[] = {
    { "user.spindle.record", true, true, { "id" } },
    { "user.spindle.extents", true, false, { "extent", "content", "packed" } },
    { "user.spindle.session", false, false, { "sessions" } },
    { "user.spindle.ledger", false, true, { "anomalies", "no anomalies" } },
};

/* Collects a description. */
struct collector {
    struct text_sink sink;
    char *text;
    size_t bytes, room;
    bool failed;
};

static void collect(struct text_sink *sink, const char *text, size_t bytes)
{
    struct collector *c = container_of(sink, struct collector, sink);
    if (c->bytes + bytes > c->room && !c->failed) {
        size_t room = (c->room + bytes) * 2;
        char *larger = realloc(c->text, room);
        c->failed = !larger;
        c->text = larger ? larger : c->text;
        c->room = larger ? room : c->room;
    }
    if (c->failed)
        return;
    memcpy(c->text + c->bytes, text, bytes);
    c->bytes += bytes;
}

static bool line_matches(const struct attribute *attribute, const char *line, size_t bytes)
{
    while (bytes && *line == ' ')
        line++, bytes--;
    for (size_t i = 0; i < ARRAY_LENGTH(attribute->words) && attribute->words[i]; i++) {
        size_t length = strlen(attribute->words[i]);
        if (length <= bytes && !memcmp(line, attribute->words[i], length))
            return true;
    }
    return false;
}

/* Keeps the attribute's lines of the description, in place. */
static void select_lines(const struct attribute *attribute, struct collector *c)
{
    size_t kept = 0;
    bool matched = false;
    for (size_t at = 0, next; at < c->bytes; at = next) {
        const char *end = memchr(c->text + at, '\n', c->bytes - at);
        next = end ? (size_t)(end - c->text) + 1 : c->bytes;
        matched = (matched && attribute->rest) ||
                  line_matches(attribute, c->text + at, next - at);
        if (matched) {
            memmove(c->text + kept, c->text + at, next - at);
            kept += next - at;
        }
    }
    c->bytes = kept;
}

/* Answers with a text, or with its length if the caller asked for that. */
static void reply_text(fuse_req_t request, const char *text, size_t bytes, size_t room)
{
    if (!room)
        fuse_reply_xattr(request, bytes);
    else if (bytes > room)
        reply_status(request, -ERANGE);
    else
        fuse_reply_buf(request, text, bytes);
}

void mount_getxattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t bytes)
{
    const struct attribute *attribute = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(attributes) && !attribute; i++)
        if (text_equal(name, attributes[i].name))
            attribute = &attributes[i];

    /* The kernel asks for "security.capability" and its like before it executes a file. */
    if (!attribute) {
        reply_status(request, -ENODATA);
        return;
    }

    struct collector c = { .sink.write = collect };
    struct path *path;
    operation_begin(request);
    status_t status = node_path(inode, &path);
    if (!status)
        status = path_describe(path, attribute->node, &c.sink);
    operation_end(request);
    path_put(path);

    if (!status && c.failed)
        status = -ENOMEM;
    if (status)
        reply_status(request, status == -EOPNOTSUPP ? -ENODATA : status);
    else
        select_lines(attribute, &c), reply_text(request, c.text, c.bytes, bytes);
    free(c.text);
}

void mount_listxattr(fuse_req_t request, fuse_ino_t inode, size_t bytes)
{
    char names[256];
    size_t length = 0;
    (void)inode;
    for (size_t i = 0; i < ARRAY_LENGTH(attributes); i++)
        length += text_copy(names + length, sizeof(names) - length, attributes[i].name) + 1;
    reply_text(request, names, length, bytes);
}
