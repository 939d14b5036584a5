/*
 * cpio_make.c - makes files, directories and links of members; see cpio.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/cpio.h"
#include "shell/commands/archives/members.h"

/* Creates the directories that lead to a name, with -d. */
static void make_parents(struct cpio *cpio, const char *name)
{
    if (cpio->makes_parents)
        member_make_parents(cpio->directory, name);
}

static void set_time(struct cpio *cpio, const char *name)
{
    if (cpio->keeps_times)
        member_set_time(cpio->directory, name, cpio->member.modified_s);
}

/* Removes an older node of the name. Returns false if it stays: without -u one that is not
 * older. */
static bool make_way(struct cpio *cpio, const char *name, int64_t modified_s)
{
    struct path *path;
    struct node_info info;
    if (path_walk(cpio->directory, name, WALK_NO_FOLLOW, &path))
        return true;
    bool directory = path_is_directory(path);
    bool newer = !path_info(path, INFO_TIMES, &info) && info.has_modified &&
                 info.modified_s >= modified_s;
    path_put(path);
    if (newer && !cpio->replaces) {
        (void)shell_complain(cpio->shell, "%s not created: newer or same age version exists",
                             name);
        return false;
    }
    if (!directory)
        IGNORE(vfs_unlink(cpio->directory, name)); /* the file's own error is reported */
    return true;
}

/* ---- names of one file -------------------------------------------------------------------- */

static void file_key(const struct cpio_member *member, char key[48])
{
    format_text(key, 48, "%llu %llu", (unsigned long long)member->number,
                (unsigned long long)member->device);
}

/* Makes the other names of a file whose content has come. */
static void make_other_names(struct cpio *cpio, const char *name)
{
    char key[48];
    file_key(&cpio->member, key);
    for (int i = 0; i + 1 < cpio->waiting.count; i += 2) {
        char *other = cpio->waiting.list[i];
        if (!*other || !text_equal(cpio->waiting.list[i + 1], key))
            continue;
        if (make_way(cpio, other, cpio->member.modified_s)) {
            make_parents(cpio, other);
            status_t status = member_copy(cpio->directory, name, other);
            if (status)
                cpio_fail(cpio, other, status);
            else
                set_time(cpio, other);
        }
        *other = '\0';
    }
}

/* ---- files -------------------------------------------------------------------------------- */

static status_t copy_content(struct cpio *cpio, struct file *file, const char *name)
{
    status_t written = 0;
    const char *data;
    ssize_t got;
    while ((got = cpio->content(cpio, &data)) > 0)
        if (!written)
            written = file_write_all(file, data, (size_t)got);
    status_t finished = file_finish(file);
    written = written ? written : finished;
    if (written)
        cpio_fail(cpio, name, written);
    return (status_t)got;
}

static status_t make_file(struct cpio *cpio, const char *name)
{
    struct cpio_member *member = &cpio->member;
    struct file *file;

    /* All names but the last have no content, which a file may not have either. */
    if (member->links > 1 && !member->size && member->form != CPIO_ODC) {
        char key[48];
        file_key(member, key);
        status_t status = words_add(&cpio->waiting, name, strlen(name));
        return status ? status : words_add(&cpio->waiting, key, strlen(key));
    }
    if (!make_way(cpio, name, member->modified_s))
        return 0;
    make_parents(cpio, name);
    status_t status = file_open(cpio->directory, name, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE,
                                &file);
    if (status) {
        cpio_fail(cpio, name, status);
        return 0;
    }
    status = copy_content(cpio, file, name);
    set_time(cpio, name);
    if (!status && member->links > 1)
        make_other_names(cpio, name);
    return status;
}

static void make_directory(struct cpio *cpio, const char *name)
{
    make_parents(cpio, name);
    status_t status = vfs_mkdir(cpio->directory, name);
    if (status && status != -EEXIST)
        cpio_fail(cpio, name, status);
    else
        set_time(cpio, name);
}

status_t cpio_make(struct cpio *cpio, const char *name)
{
    struct cpio_member *member = &cpio->member;
    status_t status = 0;
    if (cpio->verbose) {
        stream_escaped(cpio->shell->err, name, false);
        stream_text(cpio->shell->err, "\n");
    }
    switch (member->mode & CPIO_TYPE) {
    case CPIO_DIRECTORY: make_directory(cpio, name); return 0;
    case CPIO_FILE: return make_file(cpio, name);
    case CPIO_LINK:
        if (!make_way(cpio, name, member->modified_s))
            return 0;
        status = words_add(&cpio->links, name, strlen(name));
        return status ? status : words_add(&cpio->links, member->link, strlen(member->link));
    default:
        (void)shell_complain(cpio->shell, "%s: devices and pipes are not made", name);
        cpio->result = CPIO_TROUBLE;
        return 0;
    }
}

void cpio_make_rest(struct cpio *cpio)
{
    struct file *file;
    for (int i = 0; i + 1 < cpio->waiting.count; i += 2) {
        const char *name = cpio->waiting.list[i];
        if (!*name)
            continue;
        make_parents(cpio, name);
        status_t status = file_open(cpio->directory, name, OPEN_WRITE | OPEN_CREATE, &file);
        if (status)
            cpio_fail(cpio, name, status);
        else
            file_close(file);
    }
    for (int i = 0; i + 1 < cpio->links.count; i += 2) {
        const char *name = cpio->links.list[i];
        make_parents(cpio, name);
        IGNORE(vfs_unlink(cpio->directory, name)); /* another member of this name */
        status_t status = vfs_symlink(cpio->directory, cpio->links.list[i + 1], name);
        if (status)
            cpio_fail(cpio, name, status);
    }
}
