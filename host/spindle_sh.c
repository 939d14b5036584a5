/*
 * spindle_sh.c - build/host/spindle-sh: Spindle's shell on the host, over one image.
 *
 *     spindle-sh IMAGE [-c "command; command"]
 *
 * IMAGE, a file or a block device, becomes virtual0, read-only, and is mounted at /System. Without
 * -c, commands are read from standard input; the prompt appears only on a terminal. Errors go to
 * standard error. The exit status is that of the last command, or poweroff's code; 125 if IMAGE
 * cannot be mounted, and then nothing runs.
 *
 * SPINDLE_MEMORY is the number of MiB that the file system and its caches may use (1024).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/storage/virtual/drive.h"
#include "host/port/host.h"
#include "kernel/log.h"
#include "lib/text.h"
#include "shell/language/run.h"
#include "shell/shell.h"

enum { EXIT_NOT_MOUNTED = 125, MEMORY_MIB = 1024 };

/* ---- a store over a file of the host ------------------------------------------------------ */

struct host_store {
    struct store store;
    int fd;
};

static status_t host_read_piece(struct store *store, uint64_t offset, uint8_t *memory,
                                uint32_t bytes, uint32_t *done_bytes)
{
    const struct host_store *host = (struct host_store *)(void *)store;
    ssize_t got = pread(host->fd, memory, bytes, (off_t)offset);
    if (got > 0)
        *done_bytes += (uint32_t)got;
    return got == (ssize_t)bytes ? 0 : -EIO;
}

static void host_store_close(struct store *store)
{
    struct host_store *host = (struct host_store *)(void *)store;
    close(host->fd);
    mem_free(host);
}

static const struct store_ops host_store_ops = {
    .read_piece = host_read_piece,
    .close = host_store_close,
};

/* Opens a file or a block device: lseek() returns the size of either. */
static status_t host_store_open(const char *image, bool writable, struct store **store,
                                struct device **holder)
{
    (void)writable, (void)holder;
    struct host_store *host = mem_zalloc(sizeof(*host));
    struct stat info;
    if (!host)
        return -ENOMEM;
    host->fd = open(image, O_RDONLY | O_CLOEXEC);
    if (host->fd < 0) {
        status_t status = -errno;
        mem_free(host);
        return status;
    }

    if (fstat(host->fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        host_store_close(&host->store);
        return -EISDIR;
    }

    off_t size = lseek(host->fd, 0, SEEK_END);
    host->store = (struct store){ .ops = &host_store_ops, .waits = true };
    host->store.size_bytes = size > 0 ? (uint64_t)size : 0;
    *store = &host->store;
    return 0;
}

/* ---- start-up ----------------------------------------------------------------------------- */

/* Starting fails only if memory is exhausted, and then there is nothing to fall back to. */
static void must(const char *what, status_t status)
{
    if (status)
        panic("%s: %s", what, status_text(status));
}

/* Mounts IMAGE at /System. Returns NULL, or the reason why that failed. */
static const char *mount_image(const char *image)
{
    static const struct sheet_opener opener = { .open = host_store_open };
    static char why[MOUNT_REASON_BYTES + VIRTUAL_REASON_BYTES];
    struct device *device;
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    struct image *shown;

    /* The same code that opens an image for `vdrive register`, with a store over the host's file
     * instead of one over a file of Spindle. The request is too large for the stack. */
    status_t status = request ? 0 : -ENOMEM;
    if (request) {
        request->store = VIRTUAL_FILE;
        text_copy(request->image, sizeof(request->image), image);
        status = image_open_from(request, &opener, &shown);
        text_copy(why, sizeof(why), request->reason);
    }
    mem_free(request);

    /* A sheet (.cue, .toc) is refused with a sentence of its own, a missing file as the host words
     * it. */
    if (status && *why)
        return why;
    if (status == -EISDIR)
        return "is a directory, not an image";
    if (status == -ENOENT || status == -EACCES)
        return strerror(-status);

    /* The alias names the drive as `mount virtual0` would. */
    if (!status)
        status = drive_create(shown, &device);
    if (status == -ENODATA)
        return "smaller than one sector";
    if (!status) {
        struct path *root = path_root();
        status = vfs_mount(root, "/System", device_alias(device), NULL, NULL);
        if (status == -EMEDIUMTYPE)
            device_mount_reason(device_alias(device), status, why, sizeof(why));
        path_put(root);
        device_put(device);
    }
    if (status == -EMEDIUMTYPE)
        return why;
    return status ? status_text(status) : NULL;
}

static void start(void)
{
    const char *mib = getenv("SPINDLE_MEMORY");
    host_memory_limit((size_t)(mib ? atoi(mib) : MEMORY_MIB) << 20);
    mem_set_reclaim(vfs_reclaim);
    log_set_level(LOG_ERROR);

    /* In the order of kernel/main.c: each needs those before it. */
    must("io requests", io_start());
    must("file cache", cache_start());
    must("devices", device_start());
    must("file systems", vfs_start());
}

/* ---- the shell ---------------------------------------------------------------------------- */

static status_t stdio_sink(struct stream *stream, const char *text, size_t bytes)
{
    FILE *file = stream->context;
    return fwrite(text, 1, bytes, file) == bytes && !fflush(file) ? 0 : -EIO;
}

/* The input of a command such as `cat` without operands. */
static ssize_t read_stdin(struct shell *shell, void *buffer, size_t bytes)
{
    (void)shell;
    ssize_t got = read(STDIN_FILENO, buffer, bytes);
    return got < 0 ? -EIO : got;
}

/* Runs the lines of standard input, up to its end or the command `exit`. */
static void run_stdin(struct shell *shell)
{
    bool terminal = isatty(STDIN_FILENO);
    char *line = NULL, prompt[512];
    size_t room = 0;

    for (;;) {
        if (terminal) {
            shell_prompt(shell, prompt, sizeof(prompt));
            fputs(prompt, stdout);
            fflush(stdout);
        }

        if (getline(&line, &room, stdin) < 0)
            break;
        shell_run_text(shell, line);
        if (shell->leaving)
            break;
    }
    free(line);
    if (terminal)
        putchar('\n');
}

static const char usage[] = "usage: spindle-sh IMAGE [-c \"command; command\"]\n";

static const char help[] =
    "Run Spindle's shell on this machine, with the CD image IMAGE (a file or a drive) mounted\n"
    "read-only at /System. Without -c, commands are read from standard input; `help` lists them.\n"
    "The exit status is that of the last command, or poweroff's code; 125 if IMAGE cannot be\n"
    "mounted. SPINDLE_MEMORY=N limits file systems and caches to N MiB (1024).\n";

static bool asks_for_help(int count, char **words)
{
    for (int i = 1; i < count; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
        else if (strcmp(words[i], "-c") == 0)
            break; /* the next word is a command, not an option */
    return false;
}

int main(int count, char **words)
{
    static struct shell shell;
    if (asks_for_help(count, words))
        return printf("%s%s", usage, help) < 0;
    if (count != 2 && !(count == 4 && strcmp(words[2], "-c") == 0)) {
        fprintf(stderr, "%stry spindle-sh --help\n", usage);
        return SHELL_USAGE;
    }

    start();
    const char *why = mount_image(words[1]);
    if (why) {
        fprintf(stderr, "spindle-sh: %s: %s\n", words[1], why);
        return EXIT_NOT_MOUNTED;
    }

    /* Commands may read standard input only if it does not contain the commands themselves. */
    must("shell", shell_init(&shell, stdio_sink, stdout, stderr));
    if (count == 4) {
        shell.read = read_stdin;
        shell_run_text(&shell, words[3]);
    } else {
        run_stdin(&shell);
    }

    /* Not exit(): it would destroy what the threads of the stack still use. */
    fflush(stdout);
    _exit(shell.status);
}
