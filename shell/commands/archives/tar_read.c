/*
 * tar_read.c - lists and extracts archives; see tar.h.
 */
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"

enum { EXTENDED_MAX = 64 * 1024 };

/* ---- the bytes of an archive -------------------------------------------------------------- */

/* Shows at most `bytes` of what follows, and takes it. Returns how many, 0 at the end, or an
 * errno. */
static ssize_t take(struct tar *tar, uint64_t bytes, const char **data)
{
    if (!tar->left) {
        ssize_t got = input_piece(tar->input, &tar->data);
        if (got <= 0)
            return got;
        tar->left = (size_t)got;
    }
    size_t taken = (size_t)min((uint64_t)tar->left, bytes);
    *data = tar->data;
    tar->data += taken;
    tar->left -= taken;
    return (ssize_t)taken;
}

/* Takes all of the bytes. Returns 1, 0 if the archive ended before the first, -EUCLEAN if it ended
 * within them, or an errno. `to` may be NULL. */
static int take_all(struct tar *tar, void *to, uint64_t bytes)
{
    uint64_t used = 0;
    while (used < bytes) {
        const char *data;
        ssize_t got = take(tar, bytes - used, &data);
        if (got <= 0)
            return got ? (int)got : used ? -EUCLEAN : 0;
        if (to)
            memcpy((char *)to + used, data, (size_t)got);
        used += (uint64_t)got;
    }
    return 1;
}

/* Skips what is left of a content, and the padding of its last block. */
static status_t skip_content(struct tar *tar, uint64_t left, uint64_t size)
{
    uint64_t padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    int got = left + padding ? take_all(tar, NULL, left + padding) : 1;
    return got > 0 ? 0 : got ? got : -EUCLEAN;
}

/* ---- headers ------------------------------------------------------------------------------ */

/* Reads the content of a pax or GNU header. */
static status_t take_extended(struct tar *tar, uint64_t size)
{
    char piece[64];
    buffer_clear(&tar->extended);
    if (size > EXTENDED_MAX)
        return -EUCLEAN;
    for (uint64_t left = size; left;) {
        uint64_t bytes = min(left, (uint64_t)sizeof(piece));
        int got = take_all(tar, piece, bytes);
        if (got <= 0)
            return got ? got : -EUCLEAN;
        buffer_put(&tar->extended, piece, (size_t)bytes);
        left -= bytes;
    }
    status_t status = tar->extended.status;
    return status ? status : skip_content(tar, 0, size);
}

/* What headers before a member gave, kept until its own header is read. */
struct pending {
    struct buffer pax, name, link;
};

static status_t keep_extended(struct tar *tar, struct pending *pending, char type, uint64_t size)
{
    status_t status = take_extended(tar, size);
    struct buffer *to = type == 'L' ? &pending->name : type == 'K' ? &pending->link : &pending->pax;
    if (status || type == 'g')
        return status;
    buffer_clear(to);
    buffer_put(to, tar->extended.text ? tar->extended.text : "", tar->extended.length);
    return to->status;
}

/* Reads the headers of the next member. Returns 1, 0 at the end of the archive, or an errno. */
static int next_member(struct tar *tar, struct pending *pending)
{
    struct tar_member *member = &tar->member;
    uint8_t *block = mem_alloc(TAR_BLOCK);
    int got = -ENOMEM;
    buffer_clear(&pending->pax);
    buffer_clear(&pending->name);
    buffer_clear(&pending->link);

    while (block && (got = take_all(tar, block, TAR_BLOCK)) > 0) {
        got = tar_decode(member, block);
        bool is_header = got > 0 && strchr("xgLK", member->type);
        if (!is_header)
            break;
        got = keep_extended(tar, pending, member->type, member->size);
        if (got)
            break;
    }
    mem_free(block);
    if (got <= 0)
        return got;

    /* GNU's names end with a NUL. */
    if (pending->name.length)
        text_copy(member->name, sizeof(member->name), pending->name.text);
    if (pending->link.length)
        text_copy(member->link, sizeof(member->link), pending->link.text);
    if (pending->pax.length &&
        !tar_apply_pax(member, pending->pax.text, pending->pax.length))
        return -EUCLEAN;
    return member->size > INT64_MAX - TAR_BLOCK ? -EUCLEAN : 1;
}

/* ---- listing ------------------------------------------------------------------------------ */

static void mode_text(char text[11], const struct tar_member *member)
{
    static const char types[] = "-hlcbdp";
    char type = member->type >= '0' && member->type <= '6' ? types[member->type - '0'] : '-';
    text[0] = type;
    for (unsigned i = 0; i < 9; i++)
        text[1 + i] = member->mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
    text[10] = '\0';
}

void tar_list(struct tar *tar, struct stream *out, const struct tar_member *member,
              bool long_form)
{
    char mode[11], size[24], user[33], group[33];
    if (long_form) {
        struct civil civil = seconds_to_civil(member->modified_s);
        mode_text(mode, member);
        format_text(size, sizeof(size), "%llu", (unsigned long long)member->size);
        format_text(user, sizeof(user), *member->user ? "%s" : "%.0s%u", member->user, member->uid);
        format_text(group, sizeof(group), *member->group ? "%s" : "%.0s%u", member->group,
                    member->gid);

        /* The columns grow with the widest owner and size so far, as GNU's. */
        size_t width = strlen(user) + strlen(group) + strlen(size) + 2;
        tar->list_width = max(tar->list_width, width);
        stream_format(out, "%s %s/%s %*s %04lld-%02u-%02u %02u:%02u ", mode, user, group,
                      (int)(tar->list_width - width + strlen(size)), size, (long long)civil.year,
                      civil.month, civil.day, civil.hour, civil.minute);
    }
    stream_escaped(out, member->name, false);
    if (long_form && (member->type == '1' || member->type == '2')) {
        stream_text(out, member->type == '1' ? " link to " : " -> ");
        stream_escaped(out, member->link, false);
    }
    stream_text(out, "\n");
}

/* ---- extracting --------------------------------------------------------------------------- */

/* Returns the name below the directory: without leading slashes and stripped elements. NULL if
 * nothing is left, or it contains `..`. */
static const char *safe_name(struct tar *tar, const char *name)
{
    for (const char *at = name; *at; at++) {
        bool begins = at == name || at[-1] == '/';
        if (begins && text_starts(at, "..") && (!at[2] || at[2] == '/')) {
            shell_complain(tar->shell, "%s: Member name contains '..'; skipped", name);
            tar->result = TAR_TROUBLE;
            return NULL;
        }
    }
    for (uint64_t strip = tar->strip; strip && name; strip--) {
        name = strchr(name, '/');
        while (name && *name == '/')
            name++;
    }
    while (name && *name == '/')
        name++;
    return name && *name ? name : NULL;
}

/* Creates the directories that lead to a name. */
static void make_parents(struct tar *tar, const char *name)
{
    char *way = mem_alloc(strlen(name) + 1);
    if (!way)
        return;
    for (size_t i = 0; name[i]; i++) {
        way[i] = '\0';
        if (i && name[i] == '/')
            IGNORE(vfs_mkdir(tar->directory, way)); /* one that fails is reported by its member */
        way[i] = name[i];
    }
    mem_free(way);
}

static void set_time(struct tar *tar, const char *name, int64_t modified_s)
{
    struct path *path;
    if (path_walk(tar->directory, name, WALK_NO_FOLLOW, &path))
        return;
    IGNORE(path_set_modified(path, modified_s)); /* not every file system has times */
    path_put(path);
}

/* Copies the content to a file, or to standard output. *left is what is not read. */
static status_t copy_content(struct tar *tar, struct file *file, uint64_t *left)
{
    status_t written = 0;
    while (*left) {
        const char *data;
        ssize_t got = take(tar, *left, &data);
        if (got <= 0)
            return got ? (status_t)got : -EUCLEAN;
        *left -= (uint64_t)got;
        if (!file)
            stream_write(tar->shell->out, data, (size_t)got);
        else if (!written)
            written = file_write_all(file, data, (size_t)got);
    }
    if (written)
        tar_fail(tar, tar->member.name, written);
    return 0;
}

static status_t extract_file(struct tar *tar, const char *name, uint64_t *left)
{
    unsigned flags = OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE;
    struct file *file;
    struct path *path;

    if (tar->to_output)
        return copy_content(tar, NULL, left);
    make_parents(tar, name);
    bool exists = !path_walk(tar->directory, name, WALK_NO_FOLLOW, &path);
    if (exists)
        path_put(path);
    if (exists && tar->keeps) {
        tar_fail(tar, name, -EEXIST);
        return 0;
    }

    /* A link of this name is replaced, not followed. */
    if (exists)
        IGNORE(vfs_unlink(tar->directory, name)); /* a directory is refused when it is opened */
    status_t status = file_open(tar->directory, name, flags, &file);
    if (status) {
        tar_fail(tar, name, status);
        return 0;
    }
    status = copy_content(tar, file, left);
    file_close(file);
    set_time(tar, name, tar->member.modified_s);
    return status;
}

/* A hard link becomes a copy: file systems here have one name for a file. */
static void extract_copy(struct tar *tar, const char *name, const char *target)
{
    char *data;
    size_t bytes;
    struct file *file;
    status_t status = file_read_whole(tar->directory, target, WORDS_BYTES_MAX, &data, &bytes);
    if (status) {
        tar_fail(tar, target, status);
        return;
    }
    make_parents(tar, name);
    status = file_open(tar->directory, name, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE, &file);
    if (!status) {
        status = file_write_all(file, data, bytes);
        file_close(file);
    }
    if (status)
        tar_fail(tar, name, status);
    mem_free(data);
}

static status_t extract(struct tar *tar, uint64_t *left)
{
    struct tar_member *member = &tar->member;
    const char *name = safe_name(tar, member->name), *target;
    status_t status = 0;
    if (!name)
        return 0;

    switch (member->type) {
    case '5':
        if (tar->to_output)
            return 0;
        make_parents(tar, name);
        status = vfs_mkdir(tar->directory, name);
        if (status && status != -EEXIST)
            tar_fail(tar, name, status);
        return 0;
    case '2':
        if (tar->to_output)
            return 0;
        status = words_add(&tar->links, name, strlen(name));
        return status ? status : words_add(&tar->links, member->link, strlen(member->link));
    case '1':
        target = tar->to_output ? NULL : safe_name(tar, member->link);
        if (target)
            extract_copy(tar, name, target);
        return 0;
    case '3': case '4': case '6':
        shell_complain(tar->shell, "%s: devices and pipes are not extracted", member->name);
        tar->result = TAR_TROUBLE;
        return 0;
    default: return extract_file(tar, name, left);
    }
}

/* Makes the symbolic links, last of all. */
static void make_links(struct tar *tar)
{
    for (int i = 0; i + 1 < tar->links.count; i += 2) {
        const char *name = tar->links.list[i];
        make_parents(tar, name);
        IGNORE(vfs_unlink(tar->directory, name)); /* an old link of this name */
        status_t status = vfs_symlink(tar->directory, tar->links.list[i + 1], name);
        if (status)
            tar_fail(tar, name, status);
    }
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* Returns whether the member was asked for: an operand names it, or a directory that contains
 * it. */
static bool is_wanted(struct tar *tar)
{
    bool wanted = !tar->count;
    if (tar_excludes(tar, tar->member.name))
        return false;
    for (int i = 0; i < tar->count; i++) {
        size_t length = strlen(tar->names[i]);
        while (length > 1 && tar->names[i][length - 1] == '/')
            length--;
        const char *name = tar->member.name;
        bool fits = !strncmp(name, tar->names[i], length) && (!name[length] || name[length] == '/');
        tar->found[i] |= fits;
        wanted |= fits;
    }
    return wanted;
}

status_t tar_read(struct tar *tar, bool extracts)
{
    struct pending pending = { 0 };
    struct stream *shown = tar->to_output ? tar->shell->err : tar->shell->out;
    status_t status = 0;
    int got;

    while ((got = next_member(tar, &pending)) > 0 && !tar->shell->out->status) {
        uint64_t left = tar->member.size;
        if (is_wanted(tar)) {
            if (!extracts || tar->verbose)
                tar_list(tar, shown, &tar->member, !extracts && tar->verbose);
            if (extracts)
                status = extract(tar, &left);
        }
        if (!status)
            status = skip_content(tar, left, tar->member.size);
        if (status)
            break;
    }
    buffer_free(&pending.pax);
    buffer_free(&pending.name);
    buffer_free(&pending.link);
    if (extracts)
        make_links(tar);
    return status ? status : got < 0 ? got : 0;
}
