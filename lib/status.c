/*
 * status.c - names and texts for errno values.
 *
 * The texts are those of POSIX's strerror() where it has one that fits a kernel without processes.
 */
#include "lib/status.h"
#include "lib/macros.h"

struct status_entry {
    int number;
    const char *name, *text;
};

#define ENTRY(number, text) { number, #number, text }

static const struct status_entry entries[] = {
    { 0, "OK", "done" },
    ENTRY(EPERM, "operation not permitted"),
    ENTRY(ENOENT, "no such file or directory"),
    ENTRY(EINTR, "interrupted"),
    ENTRY(EIO, "input/output error"),
    ENTRY(ENXIO, "no such device or address"),
    ENTRY(ENOEXEC, "exec format error"),
    ENTRY(EBADF, "bad file descriptor"),
    ENTRY(EAGAIN, "try again"),
    ENTRY(ENOMEM, "out of memory"),
    ENTRY(EACCES, "permission denied"),
    ENTRY(EFAULT, "bad address"),
    ENTRY(EBUSY, "in use"),
    ENTRY(EEXIST, "file exists"),
    ENTRY(EXDEV, "invalid cross-device link"),
    ENTRY(ENODEV, "no such device"),
    ENTRY(ENOTDIR, "not a directory"),
    ENTRY(EISDIR, "is a directory"),
    ENTRY(EINVAL, "invalid argument"),
    ENTRY(ENFILE, "too many open files"),
    ENTRY(ETXTBSY, "input and output are the same file"),
    ENTRY(EFBIG, "file too large"),
    ENTRY(ENOSPC, "no space left on device"),
    ENTRY(EROFS, "read-only file system"),
    ENTRY(EMLINK, "nested too deeply"),
    ENTRY(EPIPE, "broken pipe"),
    ENTRY(ERANGE, "number out of range"),
    ENTRY(ENAMETOOLONG, "name too long"),
    ENTRY(ENOSYS, "function not implemented"),
    ENTRY(ENOTEMPTY, "directory not empty"),
    ENTRY(ELOOP, "too many levels of symbolic links"),
    ENTRY(ENODATA, "too small"),
    ENTRY(EOVERFLOW, "value too large"),
    ENTRY(EILSEQ, "invalid byte sequence"),
    ENTRY(EOPNOTSUPP, "operation not supported"),
    ENTRY(ETIMEDOUT, "timed out"),
    ENTRY(EALREADY, "operation already in progress"),
    ENTRY(ESTALE, "the medium was changed"),
    ENTRY(EUCLEAN, "structures on the medium are damaged"),
    ENTRY(ENOMEDIUM, "no medium in the drive"),
    ENTRY(EMEDIUMTYPE, "unknown file system"),
    ENTRY(ECANCELED, "cancelled"),
};

static const struct status_entry *entry_of(status_t status)
{
    static const struct status_entry unknown = { -1, "E???", "unknown error" };
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++)
        if (entries[i].number == status || entries[i].number == -(int64_t)status)
            return &entries[i];
    return &unknown;
}

const char *status_name(status_t status)
{
    return entry_of(status)->name;
}

const char *status_text(status_t status)
{
    return entry_of(status)->text;
}
