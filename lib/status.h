/*
 * status.h - the status that every function returns.
 *
 * A `status_t` is 0 or a negative errno; a count is an `ssize_t`, >= 0 or a negative errno. Callers
 * must check both, so functions that return one are declared MUST_CHECK.
 *
 * The numbers are Linux's, and the lines below are spelt as the host's C library spells them, so
 * that a file of the host build may include both this header and <errno.h>.
 *
 * What the most important ones mean here:
 *   EIO          the device failed                 ENOMEDIUM    no disc in the drive
 *   ESTALE       the disc was changed              EUCLEAN      invalid structures on the medium
 *   EMEDIUMTYPE  not this file system, try others  EROFS        cannot be written
 *   ENODEV       the device is halted or removed   EOPNOTSUPP   this object does not support it
 */
#ifndef LIB_STATUS_H
#define LIB_STATUS_H

#include <stddef.h>
#include <stdint.h>

#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define ENOEXEC 8
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define EXDEV 18
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define ENFILE 23
#define ETXTBSY 26
#define EFBIG 27
#define ENOSPC 28
#define EROFS 30
#define EMLINK 31
#define EPIPE 32
#define ERANGE 34
#define ENAMETOOLONG 36
#define ENOSYS 38
#define ENOTEMPTY 39
#define ELOOP 40
#define ENODATA 61
#define EOVERFLOW 75
#define EILSEQ 84
#define EOPNOTSUPP 95
#define ETIMEDOUT 110
#define EALREADY 114
#define ESTALE 116
#define EUCLEAN 117
#define ENOMEDIUM 123
#define EMEDIUMTYPE 124
#define ECANCELED 125

typedef int status_t;
typedef long ssize_t;

#define MUST_CHECK __attribute__((warn_unused_result))

/* Return the errno's name ("EIO") and a text ("input/output error") for a status of either sign;
 * "E???" and "unknown error" for a number that is not in the list above. Never NULL. */
const char *status_name(status_t status);
const char *status_text(status_t status);

#endif
