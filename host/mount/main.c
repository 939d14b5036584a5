/*
 * main.c - spindle-mount: a disc image, or a disc, as a directory of the host.
 */
#include "host/mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    MEMORY_MIB = 64, /* the host caches what it reads as well */
};

static const char usage[] = "usage: spindle-mount [-f] [-d] [-o OPTION,...] IMAGE DIR\n";

static const char help[] =
    "Mount the disc image IMAGE (a file or a drive) on the directory DIR, read-only by default.\n"
    "IMAGE may be a plain or raw image, a sheet (.cue, .ccd, .toc), or an image in an image:\n"
    "outer.iso!/inner.iso. To unmount: fusermount3 -u DIR\n"
    "\n"
    "  -f          stay in the foreground\n"
    "  -d          print each request, and stay in the foreground\n"
    "  -o OPTIONS  separated by commas:\n"
    "     names=rr|joliet|enhanced|iso  the names to show, if the disc has several kinds\n"
    "     charset=NAME                  of plain names: latin1, cp437, cp850, shift-jis, utf-8\n"
    "     session=N                     show the disc as of session N; the last one by default\n"
    "     rw                            let programs write to a FAT or exFAT volume; for\n"
    "                                   mount(8) and fstab, which add rw themselves: write\n"
    "     offset=BYTES, size=BYTES      the part of IMAGE to show\n"
    "     uid=N, gid=N                  the owner of all files\n"
    "     fmask=OCTAL, dmask=OCTAL      permissions that no file, no directory has\n"
    "     case=exact|fold               whether names must match in case (exact), or not\n"
    "     tz=+HH:MM                     the zone of times on FAT and exFAT volumes\n"
    "     allow_other, default_permissions, and others of FUSE: see mount.fuse3(8)\n"
    "  --help, --version\n"
    "\n"
    "SPINDLE_MEMORY=N limits file systems and caches to N MiB (64).\n";

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("spindle-mount: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    return EXIT_FAILED;
}

/* libfuse prints its errors, some in pieces; the last line is shown as part of ours instead. */
static char fuse_message[256];

static void note_fuse_message(enum fuse_log_level level, const char *format, va_list arguments)
{
    if (level > FUSE_LOG_ERR) {
        vfprintf(stderr, format, arguments);
        return;
    }

    /* A piece that follows a whole line begins another one. */
    static bool ended = true;
    size_t length = ended ? 0 : strlen(fuse_message);
    vsnprintf(fuse_message + length, sizeof(fuse_message) - length, format, arguments);
    length = strcspn(fuse_message, "\n");
    ended = fuse_message[length] == '\n';
    fuse_message[length] = '\0';
}

/* Opens those of the standard descriptors that the caller has closed. Otherwise the image, or the
 * connection to the kernel, would take their numbers, and background_done() replaces those. */
static bool open_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && !close(fd);
}

/* ---- the mount point ------------------------------------------------------------------------ */

static int check_mount_point(const char *directory)
{
    struct stat info;
    if (stat(directory, &info)) {
        /* The rest of a process that was killed. */
        if (errno == ENOTCONN)
            return fail("%s: a mount that has ended is still there; remove it first: "
                        "fusermount3 -u %s", directory, directory);
        return fail("%s: %s", directory, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode))
        return fail("%s: not a directory", directory);
    if (access("/dev/fuse", F_OK))
        return fail("/dev/fuse: %s; load FUSE first: modprobe fuse", strerror(errno));
    return 0;
}

/* ---- serving -------------------------------------------------------------------------------- */

/* Mounts the image in Spindle's tree; *root: a reference to the root of its file system. */
static int open_image(struct path **root)
{
    const struct host_mount *image = &mount_options.image;
    const char *reason = host_start(MEMORY_MIB);
    if (reason)
        return fail("%s", reason);
    reading_start();
    reason = host_mount(image);
    if (reason)
        return fail("%s: %s", image->image, reason);

    struct path *top = path_root();
    status_t status = path_walk(top, image->directory, 0, root);
    path_put(top);
    if (status)
        return fail("%s: %s", image->image, status_text(status));

    /* A disc that is asked for with rw is read-only nevertheless. */
    mount_options.image.writable = !path_fsd(*root)->read_only;
    const char *access = image->writable ? "-orw" : "-oro";
    bool ready = !fuse_opt_add_arg(&mount_options.fuse, access) &&
                 !nodes_start(*root, image->writable);
    return ready ? 0 : fail("out of memory");
}

static void stderr_write(struct text_sink *sink, const char *text, size_t bytes)
{
    (void)sink;
    fwrite(text, 1, bytes, stderr);
}

/* Unmounts the image in Spindle's tree, which finds out whether an operation has kept a node. */
static int close_image(void)
{
    struct path *top = path_root();
    status_t status = vfs_unmount(top, mount_options.image.directory);
    path_put(top);
    return status ? fail("%s: %s; please report this", mount_options.image.image,
                         status_text(status))
                  : 0;
}

/* Answers the kernel until the directory is unmounted (0), or a signal arrives (> 0). */
static int serve(struct fuse_session *session)
{
    struct fuse_loop_config loop = { .clone_fd = 0, .max_idle_threads = 8 };
    background_done();
    return fuse_session_loop_mt(session, &loop);
}

static int mount_and_serve(void)
{
    struct path *root;
    int result = open_image(&root);
    if (result)
        return result;

    fuse_set_log_func(note_fuse_message);
    struct fuse_session *session = fuse_session_new(&mount_options.fuse, &mount_operations,
                                                    sizeof(mount_operations), NULL);
    if (!session)
        return fail("%s", *fuse_message ? fuse_message : "FUSE refuses the options");
    if (fuse_set_signal_handlers(session) || fuse_session_mount(session, mount_options.directory))
        return fail("%s: %s", mount_options.directory,
                    *fuse_message ? fuse_message : "cannot be mounted");

    result = serve(session);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&mount_options.fuse);
    handles_stop();
    nodes_stop();

    /* After a signal files may still be open. */
    if (!result)
        return close_image();
    struct text_sink sink = { .write = stderr_write };
    return vfs_finish(false, &sink) || result < 0 ? EXIT_FAILED : 0;
}

int main(int count, char **words)
{
    if (!open_standard_files())
        return EXIT_FAILED;
    const char *reason = options_parse(count, words);
    if (reason) {
        fail("%s", reason);
        fprintf(stderr, "%stry spindle-mount --help\n", usage);
        return EXIT_USAGE;
    }
    if (mount_options.help)
        return printf("%s%s", usage, help) < 0;
    if (mount_options.version)
        return printf("spindle-mount, with libfuse %s\n", fuse_pkgversion()) < 0;

    int result = check_mount_point(mount_options.directory);
    if (result || mount_options.pretend)
        return result;

    /* The image's and the directory's names are relative to the current directory, which
     * background_done() leaves. */
    if (!mount_options.foreground) {
        status_t status = background_start();
        if (status)
            return fail("cannot start a process: %s", status_text(status));
    }
    result = mount_and_serve();

    /* Not exit(): it would destroy what the threads of the stack still use. */
    fflush(stderr);
    _exit(result);
}
