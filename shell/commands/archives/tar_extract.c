/*
 * tar_extract.c - makes files, directories and links of members; see tar.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/members.h"
#include "shell/commands/archives/tar.h"

/* ---- files -------------------------------------------------------------------------------- */

/* Copies the content to a file, or to standard output. *left is what is not read. */
static status_t copy_content(struct tar *tar, struct file *file, uint64_t *left)
{
    status_t written = 0;
    if (tar->member.sparse)
        return tar_copy_sparse(tar, file, left);
    while (*left) {
        const char *data;
        ssize_t got = tar_take(tar, *left, &data);
        if (got <= 0)
            return got ? (status_t)got : -ENODATA;
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

/* Removes an older node of the name: a link is replaced, not followed. Returns false if it stays,
 * after an error message. */
static bool make_way(struct tar *tar, const char *name)
{
    struct path *path;
    if (path_walk(tar->directory, name, WALK_NO_FOLLOW, &path))
        return true;
    path_put(path);
    if (tar->keeps) {
        tar_fail(tar, name, -EEXIST);
        return false;
    }
    IGNORE(vfs_unlink(tar->directory, name)); /* a directory is refused when it is opened */
    return true;
}

static status_t extract_file(struct tar *tar, const char *name, uint64_t *left)
{
    struct file *file;
    if (tar->to_output)
        return copy_content(tar, NULL, left);
    member_make_parents(tar->directory, name);
    if (!make_way(tar, name))
        return 0;

    /* A file that cannot be made is reported, and the next member is extracted. */
    status_t status = file_open(tar->directory, name, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE,
                                &file);
    if (status) {
        tar_fail(tar, name, status);
        return 0;
    }
    status = copy_content(tar, file, left);
    status_t finished = file_finish(file);
    if (finished)
        tar_fail(tar, name, finished);
    if (tar->keeps_times)
        member_set_time(tar->directory, name, tar->member.modified_s);
    return status;
}

/* A hard link becomes a copy. */
static void extract_hard_link(struct tar *tar, const char *name)
{
    const char *target = tar_strip_name(tar, tar_safe_name(tar, tar->member.link));
    if (!target || text_equal(target, name))
        return;
    member_make_parents(tar->directory, name);
    if (!make_way(tar, name))
        return;
    status_t status = member_copy(tar->directory, target, name);
    if (status) {
        shell_complain(tar->shell, "%s: Cannot hard link to '%s': %s", name, target,
                       status_text(status));
        tar->result = TAR_TROUBLE;
    } else if (tar->keeps_times) {
        member_set_time(tar->directory, name, tar->member.modified_s);
    }
}

/* ---- directories and links ---------------------------------------------------------------- */

/* Creates a directory in the place of a file. Returns -EEXIST if there is a directory. */
static status_t make_directory(struct tar *tar, const char *name)
{
    struct path *path;
    size_t length = strlen(name);
    status_t status = vfs_mkdir(tar->directory, name);
    if (status != -EEXIST || tar->keeps)
        return status;

    /* The slash at the end of a directory's name does not fit to a file. */
    while (length > 1 && name[length - 1] == '/')
        length--;
    char *bare = mem_alloc(length + 1);
    if (!bare)
        return -ENOMEM;
    memcpy(bare, name, length);
    bare[length] = '\0';

    bool is_file = !path_walk(tar->directory, bare, 0, &path);
    if (is_file) {
        is_file = !path_is_directory(path);
        path_put(path);
    }
    if (is_file)
        status = vfs_unlink(tar->directory, bare);
    if (is_file && !status)
        status = vfs_mkdir(tar->directory, name);
    mem_free(bare);
    return status;
}

static status_t extract_directory(struct tar *tar, const char *name)
{
    char seconds[24];
    member_make_parents(tar->directory, name);
    status_t status = make_directory(tar, name);
    if (status && status != -EEXIST)
        tar_fail(tar, name, status);
    if (!tar->keeps_times || (status && status != -EEXIST))
        return 0;

    /* Its members change its time, so that is set at the end. */
    format_text(seconds, sizeof(seconds), "%lld", (long long)tar->member.modified_s);
    status = words_add(&tar->directories, name, strlen(name));
    return status ? status : words_add(&tar->directories, seconds, strlen(seconds));
}

static status_t keep_link(struct tar *tar, const char *name)
{
    const char *target = tar->member.link;
    status_t status = words_add(&tar->links, name, strlen(name));
    return status ? status : words_add(&tar->links, target, strlen(target));
}

void tar_extract_rest(struct tar *tar)
{
    for (int i = 0; i + 1 < tar->links.count; i += 2) {
        const char *name = tar->links.list[i];
        member_make_parents(tar->directory, name);
        if (!make_way(tar, name))
            continue;
        status_t status = vfs_symlink(tar->directory, tar->links.list[i + 1], name);
        if (status)
            tar_fail(tar, name, status);
    }
    for (int i = 0; i + 1 < tar->directories.count; i += 2) {
        char sign;
        uint64_t value;
        if (!text_parse_signed(tar->directories.list[i + 1], &sign, &value))
            member_set_time(tar->directory, tar->directories.list[i],
                     sign == '-' ? -(int64_t)value : (int64_t)value);
    }
}

/* ---- members ------------------------------------------------------------------------------ */

/* Returns the name to extract to, below the directory; NULL if there is none, or it contains
 * `..`. */
static const char *extracted_name(struct tar *tar, const char *name)
{
    for (const char *at = name; *at && !tar->absolute; at++) {
        bool begins = at == name || at[-1] == '/';
        if (begins && text_starts(at, "..") && (!at[2] || at[2] == '/')) {
            shell_complain(tar->shell, "%s: Member name contains '..'", name);
            tar->result = TAR_TROUBLE;
            return NULL;
        }
    }
    return tar_strip_name(tar, tar_safe_name(tar, name));
}

status_t tar_extract(struct tar *tar, uint64_t *left)
{
    struct tar_member *member = &tar->member;
    const char *name = extracted_name(tar, member->name);
    bool is_file = !strchr("123456V", member->type);
    if (!name || (tar->to_output && !is_file))
        return 0;

    switch (member->type) {
    case '1': extract_hard_link(tar, name); return 0;
    case '2': return keep_link(tar, name);
    case '5': return extract_directory(tar, name);
    case '3': case '4': case '6':
        shell_complain(tar->shell, "%s: devices and pipes are not extracted", member->name);
        tar->result = TAR_TROUBLE;
        return 0;
    case 'V': return 0; /* the label of the archive */
    default: return extract_file(tar, name, left);
    }
}
