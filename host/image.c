/*
 * image.c - images of the host as virtual drives, mounted. See image.h.
 */
#define _GNU_SOURCE /* F_OFD_GETLK */
#include "host/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "drivers/storage/virtual/drive.h"
#include "host/port/host.h"
#include "kernel/log.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/text.h"

enum {
    TRY_PIECES = 16,        /* of memory, in a read that must not wait */
    CHECK_US = 1000,        /* a file's times are looked at once in this time, at most */
    MEMORY_MIB_MAX = 1 << 20,
    QEMU_WRITER_BYTE = 101, /* of a file: a virtual machine that may write it has it locked */
};

/* ---- a store over a file of the host ------------------------------------------------------ */

struct host_store {
    struct store store;
    int fd;
    struct stat opened;             /* as the file was when it was opened */
    _Atomic uint64_t checked_us;    /* when it was still the same */
    _Atomic bool changed;
};

static struct host_store *host_store_of(struct store *store)
{
    return container_of(store, struct host_store, store);
}

/* Returns -ESTALE if the file was written since it was opened. A device has no such times, and a
 * file that is written here changes them itself. */
static status_t host_check_now(struct host_store *host)
{
    struct stat now;
    if (!S_ISREG(host->opened.st_mode) || host->store.writable)
        return 0;
    if (fstat(host->fd, &now) || now.st_size != host->opened.st_size ||
        now.st_mtim.tv_sec != host->opened.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != host->opened.st_mtim.tv_nsec)
        atomic_store(&host->changed, true);
    atomic_store(&host->checked_us, time_now_us());
    return atomic_load(&host->changed) ? -ESTALE : 0;
}

/* Reads what the host has in memory; -EAGAIN if that is not all of it. */
static status_t host_read_at_once(struct host_store *host, const struct span *span,
                                  uint32_t *done_bytes)
{
#ifdef RWF_NOWAIT
    struct iovec pieces[TRY_PIECES];
    uint32_t bytes = 0;
    int count = 0;
    for (; bytes < span->length_bytes && count < TRY_PIECES; count++) {
        uint32_t piece = min(span->segments[count].length_bytes, span->length_bytes - bytes);
        pieces[count] = (struct iovec){ span->segments[count].address, piece };
        bytes += piece;
    }

    if (bytes < span->length_bytes ||
        preadv2(host->fd, pieces, count, (off_t)span->offset_bytes, RWF_NOWAIT) != (ssize_t)bytes)
        return -EAGAIN;
    status_t status = host_check_now(host);
    if (!status)
        *done_bytes = bytes;
    return status;
#else
    (void)host, (void)span, (void)done_bytes;
    return -EAGAIN;
#endif
}

static status_t host_move(struct store *store, enum io_op op, const struct span *span,
                          uint32_t *done_bytes)
{
    if (span->at_once)
        return host_read_at_once(host_store_of(store), span, done_bytes);
    return store_move_pieces(store, op, span, done_bytes);
}

static status_t host_read_piece(struct store *store, uint64_t offset, uint8_t *memory,
                                uint32_t bytes, uint32_t *done_bytes)
{
    struct host_store *host = host_store_of(store);
    uint32_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(host->fd, memory + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (uint32_t)got;
    }

    /* The bytes are those of the image that was opened only if it is unchanged after the read. */
    status_t status = host_check_now(host);
    if (status)
        return status;
    *done_bytes += done;
    return done == bytes ? 0 : -EIO;
}

static status_t host_store_check(struct store *store)
{
    struct host_store *host = host_store_of(store);
    if (atomic_load(&host->changed))
        return -ESTALE;

    /* This is asked for each page that is read from the cache. Cached bytes are those of the old
     * content, so noticing a moment later makes no byte wrong. */
    bool recent = time_now_us() - atomic_load(&host->checked_us) < CHECK_US;
    return recent ? 0 : host_check_now(host);
}

static status_t host_write_piece(struct store *store, uint64_t offset, const uint8_t *memory,
                                 uint32_t bytes, uint32_t *done_bytes)
{
    struct host_store *host = host_store_of(store);
    uint32_t done = 0;
    ssize_t got = 0;
    while (done < bytes) {
        got = pwrite(host->fd, memory + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (uint32_t)got;
    }
    *done_bytes += done;
    return done == bytes ? 0 : got < 0 && errno == ENOSPC ? -ENOSPC : -EIO;
}

static status_t host_store_flush(struct store *store)
{
    return fdatasync(host_store_of(store)->fd) ? -EIO : 0;
}

static void host_store_close(struct store *store)
{
    struct host_store *host = host_store_of(store);
    close(host->fd);
    mem_free(host);
}

static const struct store_ops host_store_ops = {
    .move = host_move,
    .read_piece = host_read_piece,
    .write_piece = host_write_piece,
    .flush = host_store_flush,
    .check = host_store_check,
    .close = host_store_close,
};

/* Returns whether another program may be writing the file: it has a lock that excludes readers, or
 * is a virtual machine with the file as a writable disk. With `alone`, also whether another reads
 * it, as far as it has a lock. */
static bool host_has_writer(int fd, bool alone)
{
    struct flock whole = { .l_type = alone ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
    struct flock machine = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_WRITER_BYTE,
                             .l_len = 1 };

    if (flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) && errno == EWOULDBLOCK)
        return true;
#ifdef F_OFD_GETLK
    if ((!fcntl(fd, F_OFD_GETLK, &whole) && whole.l_type != F_UNLCK) ||
        (!fcntl(fd, F_OFD_GETLK, &machine) && machine.l_type != F_UNLCK))
        return true;
#endif
    (void)whole, (void)machine;
    return false;
}

/* Opens a file or a block device: lseek() returns the size of either. */
static status_t host_store_open(const char *image, bool writable, struct store **store,
                                struct device **holder)
{
    (void)holder;
    struct host_store *host = mem_zalloc(sizeof(*host));
    if (!host)
        return -ENOMEM;

    /* O_NONBLOCK: opening a pipe would wait for its writer. */
    host->fd = open(image, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
    status_t status = host->fd < 0 || fstat(host->fd, &host->opened) ? -errno
                      : S_ISDIR(host->opened.st_mode)                 ? -EISDIR
                      : !S_ISREG(host->opened.st_mode) &&
                              !S_ISBLK(host->opened.st_mode)          ? -EOPNOTSUPP
                      : host_has_writer(host->fd, writable)           ? -EBUSY
                                                                      : 0;
    if (status) {
        if (host->fd >= 0)
            close(host->fd);
        mem_free(host);
        return status;
    }

    off_t size = lseek(host->fd, 0, SEEK_END);
    host->store = (struct store){ .ops = &host_store_ops, .waits = true, .tries = true,
                                   .writable = writable };
    host->store.size_bytes = size > 0 ? (uint64_t)size : 0;
    *store = &host->store;
    return 0;
}

/* ---- mounting ------------------------------------------------------------------------------- */

static char why[MOUNT_REASON_BYTES + VIRTUAL_REASON_BYTES];

/* Returns the reason of a failed open, or NULL. */
static const char *open_reason(status_t status)
{
    /* A sheet (.cue, .toc) is refused with a sentence of its own, a missing file as the host words
     * it. */
    if (!status)
        return NULL;
    if (*why)
        return why;
    switch (status) {
    case -EISDIR: return "is a directory, not an image";
    case -EOPNOTSUPP: return "is neither a file nor a drive";
    case -ENODATA: return "smaller than one sector";
    case -EBUSY: return "in use by a program that may write it; end that program first";
    case -ENOENT:
    case -EACCES: return strerror(-status);
    default: return status_text(status);
    }
}

/* Opens an image as a drive. It is a file of the host, or, without an opener, of Spindle's tree.
 * *device: a reference. */
static const char *open_drive(const struct host_mount *mount, const char *name,
                              const struct sheet_opener *opener, struct device **device)
{
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    struct image *image;
    *why = '\0';

    /* The same code that opens an image for `vdrive register`. The request is too large for the
     * stack. */
    status_t status = request ? 0 : -ENOMEM;
    if (request) {
        request->store = VIRTUAL_FILE;
        request->flags = mount->writable ? VIRTUAL_WRITABLE : 0;
        request->offset_bytes = mount->offset_bytes;
        request->size_bytes = mount->size_bytes;
        size_t length = text_copy(request->image, sizeof(request->image), name);
        status = length < sizeof(request->image) ? 0 : -ENAMETOOLONG;
        if (!status)
            status = opener ? image_open_from(request, opener, &image)
                            : image_open(request, &image);
        text_copy(why, sizeof(why), request->reason);
    }
    mem_free(request);

    if (!status)
        status = drive_create(image, device);
    return open_reason(status);
}

/* Returns whether the format of what is mounted there can be written. */
static bool can_be_written(const char *directory)
{
    struct path *root = path_root(), *path;
    bool may = !path_walk(root, directory, 0, &path);
    if (may) {
        may = path_fsd(path)->ops->set_writable;
        path_put(path);
    }
    path_put(root);
    return may;
}

static const char *make_writable(const char *directory)
{
    struct path *root = path_root();
    status_t status = vfs_remount(root, directory, "rw");
    path_put(root);
    return status == -EROFS ? "cannot be written: the image is read-only, or its volume is damaged"
           : status         ? status_text(status)
                            : NULL;
}

static const char *mount_drive(struct device *device, const struct host_mount *mount,
                               const char *directory)
{
    char in_drives[sizeof("/Drives/") + DEVICE_NAME_BYTES];
    snprintf(in_drives, sizeof(in_drives), "/Drives/%s", device_alias(device));
    if (!directory)
        directory = in_drives;

    /* The last one of options that contradict each other counts. */
    char options[512];
    const char *given = mount->options ? mount->options : "";
    snprintf(options, sizeof(options), "case=exact%s%s", *given ? "," : "", given);

    struct path *root = path_root();
    status_t status = vfs_mkdir(root, directory);
    if (!status || status == -EEXIST)
        status = vfs_mount(root, directory, device_alias(device), NULL,
                           mount->exact_case ? options : given);

    /* A file system whose format ignores case refuses the option. */
    if (status == -EINVAL && mount->exact_case)
        status = vfs_mount(root, directory, device_alias(device), NULL, given);

    path_put(root);

    /* After the mount, so that its error is not taken for one of the options. */
    if (!status && mount->writable && can_be_written(directory))
        return make_writable(directory);

    if (status == -EMEDIUMTYPE) {
        device_mount_reason(device_alias(device), status, why, sizeof(why));
        return why;
    }
    if (status == -EINVAL)
        return "an option is not understood, or its value is invalid";
    if (status == -ENOENT)
        return "the disc has no such session, or no such names";
    return status ? status_text(status) : NULL;
}

/* Mounts one image: opens it as a drive, which the mount then holds. */
static const char *mount_one(const struct host_mount *mount, const char *name,
                             const struct sheet_opener *opener, const char *directory)
{
    struct device *device;
    const char *reason = open_drive(mount, name, opener, &device);
    if (reason)
        return reason;
    reason = mount_drive(device, mount, directory);
    device_put(device);
    return reason;
}

/* Mounts "outer!/inner": each image but the last one at a directory of its own, in which the next
 * is found. `separator`: the first "!/". */
static const char *mount_nested(const struct host_mount *mount, const char *separator,
                                const struct sheet_opener *opener)
{
    struct host_mount outer = { 0 };
    char name[VIRTUAL_IMAGE_BYTES], directory[32];
    const char *at = mount->image;
    snprintf(name, sizeof(name), "%.*s", (int)(separator - at), at);

    for (unsigned depth = 0;; depth++) {
        if (depth == VIRTUAL_LEVEL_MAX)
            return status_text(-EMLINK);
        snprintf(directory, sizeof(directory), "/Outer%u", depth);
        const char *reason = mount_one(&outer, name, depth ? NULL : opener, directory);
        if (reason)
            return reason;

        /* The inner image's path begins at the slash after "!". */
        at = separator + 1;
        separator = strstr(at, "!/");
        size_t length = separator ? (size_t)(separator - at) : strlen(at);
        snprintf(name, sizeof(name), "%s%.*s", directory, (int)length, at);
        if (!separator)
            return mount_one(mount, name, NULL, mount->directory);
    }
}

/* Mounts the image as `mount` describes it. */
static const char *mount_so(const struct host_mount *mount)
{
    static const struct sheet_opener opener = { .open = host_store_open };

    /* A file whose own name contains "!/" is meant first. */
    const char *separator = strstr(mount->image, "!/");
    if (separator && access(mount->image, F_OK))
        return mount_nested(mount, separator, &opener);
    return mount_one(mount, mount->image, &opener, mount->directory);
}

const char *host_mount(const struct host_mount *mount)
{
    const char *reason = mount_so(mount);
    if (!reason || !mount->writable)
        return reason;

    /* A disc that may not be opened for writing can be mounted nevertheless, if its format is never
     * written. */
    char first[sizeof(why)];
    snprintf(first, sizeof(first), "%s", reason);
    struct host_mount again = *mount;
    again.writable = false;
    if (!mount_so(&again) && !can_be_written(mount->directory))
        return NULL;
    snprintf(why, sizeof(why), "%s", first);
    return why;
}

/* ---- start-up ----------------------------------------------------------------------------- */

/* Starting fails only if memory is exhausted, and then there is nothing to fall back to. */
static void must(const char *what, status_t status)
{
    if (status)
        panic("%s: %s", what, status_text(status));
}

const char *host_start(unsigned memory_mib)
{
    const char *text = getenv("SPINDLE_MEMORY");
    uint64_t mib = memory_mib;
    if (text && (text_parse_u64(text, &mib) || !mib || mib > MEMORY_MIB_MAX))
        return "SPINDLE_MEMORY: must be a number of MiB, from 1 to 1048576";

    host_memory_limit((size_t)mib << 20);
    host_pages_reserve();
    mem_set_reclaim(vfs_reclaim);
    log_set_level(LOG_ERROR);

    /* In the order of kernel/main.c: each needs those before it. */
    must("io requests", io_start());
    must("file cache", cache_start());
    must("devices", device_start());
    must("file systems", vfs_start());
    return NULL;
}
