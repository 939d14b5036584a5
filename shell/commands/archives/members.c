/*
 * members.c - what tar and cpio do alike when they make members; see members.h.
 */
#include "shell/commands/archives/members.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { PIECE_BYTES = 512 };

void member_make_parents(struct path *directory, const char *name)
{
    char *way = mem_alloc(strlen(name) + 1);
    if (!way)
        return;
    for (size_t i = 0; name[i]; i++) {
        way[i] = '\0';
        if (i && name[i] == '/')
            IGNORE(vfs_mkdir(directory, way)); /* one that fails is reported by its member */
        way[i] = name[i];
    }
    mem_free(way);
}

void member_set_time(struct path *directory, const char *name, int64_t modified_s)
{
    struct path *path;
    if (path_walk(directory, name, WALK_NO_FOLLOW, &path))
        return;
    IGNORE(path_set_modified(path, modified_s)); /* not every file system has times */
    path_put(path);
}

status_t member_copy(struct path *directory, const char *from, const char *to)
{
    struct file *source, *target;
    char piece[PIECE_BYTES];
    ssize_t got;
    status_t status = file_open(directory, from, OPEN_READ, &source);
    if (status)
        return status;
    status = file_open(directory, to, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE, &target);
    if (!status) {
        while (!status && (got = file_read(source, piece, sizeof(piece))) != 0)
            status = got < 0 ? (status_t)got : file_write_all(target, piece, (size_t)got);
        status_t finished = file_finish(target);
        status = status ? status : finished;
    }
    file_close(source);
    return status;
}
