/*
 * linux_bench.c - the `bench` command of Spindle's shell (shell/commands/system/bench.c) with POSIX
 * calls: it does the same work and prints the same lines.
 *
 *     bench [-s BYTES] [-n N] [-q N] [-r N] NAME PATH
 *
 * NAME is raw, file, random, walk, stat, absent, small, create, remove, write or overwrite.
 *
 * Devices are read without the page cache (O_DIRECT), as in Spindle; with -q, by asynchronous
 * requests (io_submit(2), called directly: the C library has no wrapper).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <time.h>
#include <unistd.h>

enum { TRANSFER_BYTES = 1 << 20, READ_BYTES = 1 << 16, RANDOM_BYTES = 4096, ALIGN = 4096,
       DEPTH_MAX = 256 };

static const char *target;
static uint64_t size_bytes, count, depth = 1, amount, begun_us, us;

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void begin(void)
{
    amount = 0;
    begun_us = now_us();
}

static void end(void)
{
    us = now_us() - begun_us;
    us = us ? us : 1;
}

static uint64_t given_or(uint64_t given, uint64_t otherwise)
{
    return given ? given : otherwise;
}

/* ---- bytes -------------------------------------------------------------------------------- */

struct source {
    int file;
    uint64_t bytes;
    char *buffer;
    size_t buffer_bytes;

    /* with -q */
    aio_context_t context;
    struct iocb reads[DEPTH_MAX];
    struct iocb *idle[DEPTH_MAX];
    size_t idle_count;
};

static char *buffer_create(size_t bytes)
{
    char *buffer = aligned_alloc(ALIGN, (bytes + ALIGN - 1) / ALIGN * ALIGN);
    if (!buffer)
        fail("memory");
    memset(buffer, 0, bytes); /* allocates its pages before the clock starts */
    return buffer;
}

static void reads_create(struct source *source)
{
    if (syscall(SYS_io_setup, depth, &source->context))
        fail("io_setup");
    for (size_t i = 0; i < depth; i++) {
        source->reads[i] = (struct iocb){
            .aio_lio_opcode = IOCB_CMD_PREAD,
            .aio_fildes = (uint32_t)source->file,
            .aio_buf = (uint64_t)(uintptr_t)buffer_create(source->buffer_bytes),
        };
        source->idle[source->idle_count++] = &source->reads[i];
    }
}

/* Waits until at least this many reads are idle. */
static void reads_wait(struct source *source, size_t wanted)
{
    struct io_event events[DEPTH_MAX];
    while (source->idle_count < wanted) {
        long got = syscall(SYS_io_getevents, source->context, 1, depth, events, NULL);
        if (got < 0)
            fail("io_getevents");
        for (long i = 0; i < got; i++) {
            struct iocb *read = (struct iocb *)(uintptr_t)events[i].obj;
            errno = EIO;
            if (events[i].res != (int64_t)read->aio_nbytes)
                fail(target);
            source->idle[source->idle_count++] = read;
        }
    }
}

/* Returns the bytes of the read that it submitted, 0 at the end of the device. */
static uint64_t reads_submit(struct source *source, uint64_t offset)
{
    uint64_t left = offset < source->bytes ? source->bytes - offset : 0;
    if (!left)
        return 0;
    reads_wait(source, 1);
    struct iocb *read = source->idle[--source->idle_count];
    read->aio_offset = (int64_t)offset;
    read->aio_nbytes = left < source->buffer_bytes ? left : source->buffer_bytes;
    if (syscall(SYS_io_submit, source->context, 1, &read) != 1)
        fail("io_submit");
    return read->aio_nbytes;
}

static struct source source_open(size_t buffer_bytes)
{
    struct source source = { .buffer_bytes = buffer_bytes };
    struct stat info;
    if (stat(target, &info))
        fail(target);
    bool device = S_ISBLK(info.st_mode);
    source.file = open(target, O_RDONLY | (device ? O_DIRECT : 0));
    source.bytes = (uint64_t)info.st_size;
    if (source.file < 0 || (device && ioctl(source.file, BLKGETSIZE64, &source.bytes)))
        fail(target);
    if (depth > 1)
        reads_create(&source);
    else
        source.buffer = buffer_create(buffer_bytes);
    return source;
}

static void source_close(struct source *source)
{
    for (size_t i = 0; source->context && i < depth; i++)
        free((void *)(uintptr_t)source->reads[i].aio_buf);
    if (source->context)
        syscall(SYS_io_destroy, source->context);
    close(source->file);
    free(source->buffer);
}

static uint64_t source_read(struct source *source, uint64_t offset)
{
    if (source->context)
        return reads_submit(source, offset);
    ssize_t got = pread(source->file, source->buffer, source->buffer_bytes, (off_t)offset);
    if (got < 0)
        fail(target);
    return (uint64_t)got;
}

static void source_drain(struct source *source)
{
    if (source->context)
        reads_wait(source, depth);
}

static void read_along(size_t buffer_bytes)
{
    struct source source = source_open(buffer_bytes);
    uint64_t got = 1;
    begin();
    for (uint64_t n = 0; got && n < given_or(count, UINT64_MAX); n++) {
        got = source_read(&source, amount);
        amount += got;
    }
    source_drain(&source);
    end();
    source_close(&source);
}

static void bench_raw(void)
{
    read_along(given_or(size_bytes, TRANSFER_BYTES));
}

static void bench_file(void)
{
    read_along(given_or(size_bytes, READ_BYTES));
}

static void bench_random(void)
{
    struct source source = source_open(given_or(size_bytes, RANDOM_BYTES));
    uint64_t slots = source.bytes / source.buffer_bytes, random = 1;
    begin();
    while (amount < given_or(count, 2000)) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        (void)source_read(&source, (random >> 33) % slots * source.buffer_bytes);
        amount++;
    }
    source_drain(&source);
    end();
    source_close(&source);
}

/* ---- names -------------------------------------------------------------------------------- */

static DIR *directory_open(int at, const char *name)
{
    int directory = openat(at, name, O_RDONLY | O_DIRECTORY);
    DIR *list = directory < 0 ? NULL : fdopendir(directory);
    if (!list)
        fail(name);
    return list;
}

static const char *next_name(DIR *list)
{
    struct dirent *entry;
    errno = 0;
    do
        entry = readdir(list);
    while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
    if (!entry && errno)
        fail(target);
    return entry ? entry->d_name : NULL;
}

static void look_at(int directory, const char *name, struct stat *info)
{
    if (fstatat(directory, name, info, AT_SYMLINK_NOFOLLOW))
        fail(name);
}

struct name {
    struct name *next;
    char text[];
};

static struct name *names_collect(DIR *list, uint64_t *have)
{
    struct name *names = NULL;
    const char *text;
    for (*have = 0; (text = next_name(list)); ++*have) {
        struct name *name = malloc(sizeof(*name) + strlen(text) + 1);
        if (!name)
            fail("memory");
        strcpy(name->text, text);
        name->next = names;
        names = name;
    }
    return names;
}

static void bench_stat(void)
{
    struct stat info;
    uint64_t have, passed = 0;
    begin();
    DIR *list = directory_open(AT_FDCWD, target);
    struct name *names = names_collect(list, &have);
    uint64_t wanted = count && count < have ? count : have;
    if (wanted < have)
        begin();
    for (; names; names = names->next) {
        if (amount * have > passed++ * wanted)
            continue;
        look_at(dirfd(list), names->text, &info);
        amount++;
    }
    end();
    closedir(list);
}

static void bench_absent(void)
{
    char name[40];
    struct stat info;
    begin();
    int directory = open(target, O_RDONLY | O_DIRECTORY);
    for (; amount < given_or(count, 10000); amount++) {
        snprintf(name, sizeof(name), "no-such-name-%llu", (unsigned long long)amount);
        if (!fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) || errno != ENOENT)
            fail(target);
    }
    end();
    close(directory);
}

/* ---- files made and removed --------------------------------------------------------------- */

static void bench_create(void)
{
    char name[40], *content = buffer_create(size_bytes);
    begin();
    int directory = open(target, O_RDONLY | O_DIRECTORY);
    for (; amount < given_or(count, 10000); amount++) {
        snprintf(name, sizeof(name), "file-%llu", (unsigned long long)amount);
        int file = openat(directory, name, O_WRONLY | O_CREAT, 0644);
        if (file < 0 || write(file, content, size_bytes) != (ssize_t)size_bytes)
            fail(name);
        close(file);
    }
    end();
    close(directory);
    free(content);
}

static void bench_remove(void)
{
    uint64_t have;
    begin();
    DIR *list = directory_open(AT_FDCWD, target);
    for (struct name *name = names_collect(list, &have); name; name = name->next, amount++)
        if (unlinkat(dirfd(list), name->text, 0))
            fail(name->text);
    end();
    closedir(list);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void write_and_sync(int flags, size_t bytes, bool about, uint64_t writes)
{
    char *block = buffer_create(bytes);
    int file = open(target, O_WRONLY | flags, 0644);
    off_t end_at = lseek(file, 0, SEEK_END);
    uint64_t slots = end_at > 0 ? (uint64_t)end_at / bytes : 0, random = 1;
    if (file < 0 || (about && !slots))
        fail(target);
    begin();
    for (uint64_t n = 0; n < writes; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t slot = about ? (random >> 33) % slots : n;
        if (pwrite(file, block, bytes, (off_t)(slot * bytes)) != (ssize_t)bytes)
            fail(target);
        amount += about ? 1 : bytes;
    }
    if (fsync(file))
        fail(target);
    end();
    close(file);
    free(block);
}

static void bench_write(void)
{
    write_and_sync(O_CREAT | O_TRUNC, given_or(size_bytes, TRANSFER_BYTES), false,
                   given_or(count, 128));
}

static void bench_overwrite(void)
{
    write_and_sync(0, given_or(size_bytes, RANDOM_BYTES), true, given_or(count, 10000));
}

/* ---- trees -------------------------------------------------------------------------------- */

static char buffer[READ_BYTES];

static void read_file(int directory, const char *name)
{
    int file = openat(directory, name, O_RDONLY);
    ssize_t got;
    if (file < 0)
        fail(name);
    while ((got = read(file, buffer, sizeof(buffer))) > 0)
        ;
    if (got < 0)
        fail(name);
    close(file);
}

/* Recursion is safe, since the trees of this benchmark are not deep. */
static void tree_list(DIR *list, bool reading)
{
    const char *name;
    struct stat info;
    while ((name = next_name(list))) {
        look_at(dirfd(list), name, &info);
        bool file = reading && S_ISREG(info.st_mode);
        if (S_ISDIR(info.st_mode))
            tree_list(directory_open(dirfd(list), name), reading);
        else if (file)
            read_file(dirfd(list), name);
        amount += file || !reading;
    }
    closedir(list);
}

static void bench_walk(void)
{
    begin();
    tree_list(directory_open(AT_FDCWD, target), false);
    end();
}

static void bench_small(void)
{
    begin();
    tree_list(directory_open(AT_FDCWD, target), true);
    end();
}

/* ---- the command -------------------------------------------------------------------------- */

static const struct kind {
    const char *name, *unit;
    void (*run)(void);
} kinds[] = {
    { "raw", "MiB", bench_raw },         { "file", "MiB", bench_file },
    { "random", "reads", bench_random }, { "walk", "entries", bench_walk },
    { "stat", "entries", bench_stat },   { "absent", "names", bench_absent },
    { "small", "files", bench_small },   { "create", "files", bench_create },
    { "remove", "files", bench_remove }, { "write", "MiB", bench_write },
    { "overwrite", "writes", bench_overwrite },
};

static void say(const struct kind *kind)
{
    bool bytes = !strcmp(kind->unit, "MiB");
    double rate = (double)amount * 1e6 / (double)us / (bytes ? 1048576.0 : 1.0);
    printf("BENCH %s %.1f %s/s\n", kind->name, rate, kind->unit);
    printf("BENCH %s.amount %llu %s\n", kind->name, (unsigned long long)amount,
           bytes ? "bytes" : kind->unit);
    printf("BENCH %s.time %.6f s\n", kind->name, (double)us / 1e6);
}

int main(int words, char **word)
{
    uint64_t repeat = 1;
    for (int c; (c = getopt(words, word, "s:n:q:r:")) != -1;) {
        uint64_t *number = c == 's' ? &size_bytes : c == 'n' ? &count : c == 'q' ? &depth : &repeat;
        if (c == '?')
            return 2;
        *number = strtoull(optarg, NULL, 10);
    }
    if (words - optind != 2 || !depth || depth > DEPTH_MAX)
        return 2;
    target = word[optind + 1];
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, word[optind]) != 0)
            continue;
        while (repeat--) {
            kinds[i].run();
            say(&kinds[i]);
        }
        return 0;
    }
    return 2;
}
