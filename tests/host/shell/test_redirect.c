/*
 * test_redirect.c - nothing is overwritten before its replacement exists: inputs that are outputs,
 * copies that fail, moves; and directories whose names lead to other places. Over ramfs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/faulty.h"
#include "tests/host/links.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { LARGE_BYTES = 100000 };

#define SAME ": Input and output are the same file"

static void expect_content(const char *line, const char *path, const char *content)
{
    static char got[LARGE_BYTES + 1];
    ssize_t bytes = rig_get_file(path, got, LARGE_BYTES);
    if (bytes != (ssize_t)strlen(content) || memcmp(got, content, (size_t)bytes) != 0)
        panic("%s: %s has %zd bytes", line, path, bytes);
}

/* No file is left beside it. */
static void expect_names(const char *line, const char *directory, const char *names)
{
    char list[64];
    snprintf(list, sizeof(list), "ls -A %s", directory);
    out.used = 0;
    kassert(shell_run_text(&shell, list) == SHELL_DONE);
    if (strcmp(out.text, names) != 0)
        panic("%s left %s", line, out.text);
}

/* ---- an input that is an output ------------------------------------------------------------- */

/* Whichever command reads it, however it is named, whatever was written before: it fails, and /f is
 * as it was. */
static const char *const refused[] = {
    "sort /f > /f", "cat /f > /f", "cat < /f > /f", "< /f > /f cat", "hexdump /f > /f",
    "manifest /f > /f", "sha256sum /f > /f", "head -n 1 /f > /f", "tail /f > /f", "wc /f > /f",
    "grep h /f > /f", "cmp /f /g > /f", "file /f > /f",
    "cat /g /f > /f", "cat /f /g > /f", "cat /large /f > /f", "cat /large - < /f > /f",
    "cat /f | cat > /f", "cat /f | cat | cat > /f", "cat /large /f | cat > /f",
    "cat < /f | cat > /f", "cd /d; sort ../f > ./../f", "sort //f > /d/../f", "sort /f 2> /f",
    "sort /f 1> /f 2>&1", "source /f > /f", "cat /f >> /f", "cat < /f >> /f", "sort /f >> /f",
    "head -n 1 /f >> /f", "cat /f | cat >> /f", "echo x >> /f | cat /f", "source /s > /f",
    "cat /d/l > /f", "cat /f > /d/l", "sort < /d/l >> /f",
    "vdrive add /f > /f", "vdrive add --overlay /f > /f", "vdrive add --rw /f > /f",
    "mount /f /d > /f", "vdrive add /f >> /f", "vdrive add --ram /f 2> /f",
};

BODY(inputs)
{
    (void)unused;
    static char large[LARGE_BYTES + 1];
    start();
    memset(large, 'x', LARGE_BYTES);
    put("/large", large);
    put("/f", "hello\n");
    put("/g", "g\n");
    put("/s", "sort /f\n");
    rig_mkdir("/d");
    struct path *root = path_root();
    kassert(vfs_mount(root, "/d", "", "links", NULL) == 0);
    path_put(root);
    links_put("/d/l", "/f");
    for (unsigned i = 0; i < ARRAY_LENGTH(refused); i++) {
        bool appends = strstr(refused[i], "echo x >>"); /* that much is right */
        int status = shell_run_text(&shell, refused[i]);
        if (!status && !strstr(refused[i], "| cat >>")) /* a pipe's status is its last stage's */
            panic("%s: status 0", refused[i]);
        expect_content(refused[i], "/f", appends ? "hello\nx\n" : "hello\n");
        says("cd /", "");
        expect_names(refused[i], "/", "Drives\nSystem\nd\ndev\nf\ng\nlarge\ns\n");
        put("/f", "hello\n");
    }
    says("umount /d", "");
    stop();
}

BODY(messages)
{
    (void)unused;
    start();
    put("/f", "hello\n");
    put("/g", "g\n");
    run("sort /f > /f", SHELL_USAGE, "", "sort: /f" SAME "\n");
    run("cat < /f > /f", SHELL_USAGE, NULL, "spindle: /f" SAME "\n");
    fails("cat /g /f > /f", "cat: /f" SAME "\n"
          "spindle: /f: input and output are the same file; not written\n");
    fails("manifest /f > /f", "spindle: /f: input and output are the same file; not written\n");
    fails("cat /f >> /f", "cat: /f" SAME "\n");
    stop();
}

/* A command that does not read its operand through a file is not an exception: what it
 * could not answer does not empty the file. An error message is not appended to the input that was
 * refused, but reported where the shell's errors go. */
BODY(unread)
{
    static const char *const lines[] = {
        "toc /f > /f",           "volinfo /f > /f",      "toc /f | cat > /f",
        "volinfo /f | wc > /f",  "vdrive info /f > /f",  "cd /f > /f",
    };
    (void)unused;
    start();
    put("/f", "hello\n");
    put("/g", "g\n");
    for (unsigned i = 0; i < ARRAY_LENGTH(lines); i++) {
        IGNORE(shell_run_text(&shell, lines[i]));
        if (!strstr(lines[i], "wc")) /* which writes its counts of nothing */
            expect_content(lines[i], "/f", "hello\n");
        expect_names(lines[i], "/", "Drives\nSystem\ndev\nf\ng\n");
        put("/f", "hello\n");
    }
    fails("cat /f 2>> /f", "cat: /f" SAME "\n");
    expect_content("2>>", "/f", "hello\n");
    fails("cat /f 2>> /f | true; cat /f /none 2>> /f",
          "cat: /f" SAME "\ncat: /f" SAME "\ncat: /none: No such file or directory\n");
    expect_content("2>> in a pipe", "/f", "hello\n");
    says("cat /f 2>> /g", "hello\n");
    stop();
}

/* What only names the file, writes it or comes after may do so; the old content goes as ever. */
BODY(outputs)
{
    (void)unused;
    start();
    put("/f", "hello, a long line\n");
    says("echo /f > /f; cat /f", "/f\n");
    says("wc -c < /f >> /g; cat /g", "3\n");
    says("echo a > /f 2> /f; cat /f", "a\n");
    says("echo b > /f | cat; cat /f", "b\n");
    says("cat /f > /h; sort /h > /f; cat /f; > /f; wc -c /f", "b\n0 /f\n");
    says("echo c > /f; cat /f | tee /h | cat > /k; cat /h /k", "c\nc\n");
    run("nothere > /f", SHELL_NO_COMMAND, "", NULL);
    expect_content("nothere", "/f", "");
    run("echo x > /f; sort /none > /f", SHELL_USAGE, "", NULL);
    expect_content("sort of nothing", "/f", "");
    run("echo x > /f; cat < /none > /f", SHELL_USAGE, "", NULL);
    expect_content("no input", "/f", "x\n");
    run("manifest / > /m", SHELL_FAILED, "", ""); /* its own list is not read: ETXTBSY */
    run("grep -c ETXTBSY /m; manifest / > /m; grep -c ETXTBSY /m", SHELL_DONE, "1\n1\n", "");
    stop();
}

/* The file that it is fed from is refused, or was read before: lines are never lost. */
static void tee_body(void *unused)
{
    (void)unused;
    static char large[LARGE_BYTES + 1], got[2 * LARGE_BYTES];
    start();
    memset(large, 'x', LARGE_BYTES);
    large[1000] = '\n';
    put("/f", large);
    put("/g", "g\n");
    IGNORE(shell_run_text(&shell, "cat /g /f | tee /f | wc -c"));
    ssize_t bytes = rig_get_file("/f", got, sizeof(got));
    bool old = bytes == LARGE_BYTES && memcmp(got, large, LARGE_BYTES) == 0;
    bool new = bytes == LARGE_BYTES + 2 && memcmp(got + 2, large, LARGE_BYTES) == 0;
    if (!old && !new)
        panic("%zd bytes, %s, %s", bytes, out.text, err.text);
    stop();
}

static void test_tee(void **state)
{
    (void)state;
    rig_run(tee_body, NULL, 20);
}

/* Both stages append to one file: nothing of either is lost. */
static void appends_body(void *unused)
{
    (void)unused;
    static char lines[4 * 8000 + 1], got[LARGE_BYTES];
    unsigned ones = 0, twos = 0;
    start();
    for (unsigned i = 0; i < 8000; i++)
        memcpy(lines + 4 * i, "one\n", 5);
    put("/1", lines);
    for (unsigned i = 0; i < 8000; i++)
        memcpy(lines + 4 * i, "two\n", 5);
    put("/2", lines);
    says("cat /1 >> /f | cat /2 >> /f", "");
    ssize_t bytes = rig_get_file("/f", got, sizeof(got));
    for (ssize_t i = 0; i < bytes; i += 4) { /* pieces are of whole lines */
        ones += memcmp(got + i, "one\n", 4) == 0;
        twos += memcmp(got + i, "two\n", 4) == 0;
    }
    kassert(bytes == 64000 && ones == 8000 && twos == 8000);
    stop();
}

static void test_appends(void **state)
{
    (void)state;
    rig_run(appends_body, NULL, 20);
}

/* ---- copies --------------------------------------------------------------------------------- */

static uint8_t disk[64 * 1024];

BODY(copies)
{
    (void)unused;
    start();
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_MIXED);
    memset(disk, 'd', sizeof(disk));
    put("/good", "good\n");
    faulty->bad_from = 40000, faulty->bad_to = 40001;
    fails("cp /System/Devices/faulty0 /good", "cp: /System/Devices/faulty0: Input/output error\n");
    fails("cp /System/Devices/faulty0 /new", "cp: /System/Devices/faulty0: Input/output error\n");
    expect_content("cp of a bad disk", "/good", "good\n");
    expect_names("cp of a bad disk", "/", "Drives\nSystem\ndev\ngood\n");
    faulty->bad_to = 0;
    says("cp /System/Devices/faulty0 /good; wc -c /good", "65536 /good\n");
    says("cp /good /System/Devices/faulty0", ""); /* a device, in place */
    fails("cp /good /tmp/", "cp: /tmp/: Not a directory\n");
    fails("cp /good /good/", "cp: /good/: Not a directory\n");
    fails("cp /good /tmp/x", "cp: /tmp/x: No such file or directory\n");
    fails("cp /good /Drives/../good", "cp: /good and /Drives/../good are the same file\n");
    fails("touch /tmp/", "touch: cannot touch '/tmp/': No such file or directory\n");
    fails("touch /good/", "touch: cannot touch '/good/': Not a directory\n");
    fails("mkdir /good/", "mkdir: cannot create directory '/good/': File exists\n");
    fails("rm /good/", "rm: cannot remove '/good/': Not a directory\n");
    fails("rm -r /Drives/.", NULL);
    run("> /tmp/", SHELL_USAGE, NULL, "spindle: /tmp/: Is a directory\n");
    expect_names("cp", "/", "Drives\nSystem\ndev\ngood\n");
    faulty_destroy(faulty);
    stop();
}

/* ^C while a copy waits for its disk: the old file stays, and the part goes. */
static struct thread *copier;

static void interrupter(void *part)
{
    while (rig_walk(part))
        thread_sleep_until(time_now_us() + 1);
    thread_interrupt(copier);
}

static void expect_interrupted(struct faulty *faulty, const char *line, const char *part,
                               const char *on_err)
{
    faulty_hold(faulty, true);
    struct thread *thread = thread_create("^C", PRIORITY_NORMAL, interrupter,
                                          (void *)(uintptr_t)part);
    run(line, SHELL_INTERRUPTED, "", on_err);
    thread_join(thread);
    thread_clear_interrupt();
    faulty_hold(faulty, false);
    expect_content(line, "/old", "old\n");
    expect_names(line, "/", "Drives\nSystem\ndev\nold\n");
}

static void set_modified(const char *name, int64_t modified_s)
{
    struct path *root = path_root(), *path;
    kassert(path_walk(root, name, 0, &path) == 0);
    kassert(path_set_modified(path, modified_s) == 0);
    path_put(path);
    path_put(root);
}

/* Directories of a copy keep their times although entries are made in them afterwards. */
BODY(times_of_trees)
{
    (void)unused;
    start();
    says("mkdir -p /t/a/b /t/a-b /t/c; echo x > /t/a/b/f; echo x > /t/a/z; echo x > /t/z", "");
    set_modified("/t/a/b", 86400 + 60);
    set_modified("/t/a", 86400 + 120);
    set_modified("/t/a-b", 86400 + 180);
    set_modified("/t/c", 86400 + 240);
    set_modified("/t", 86400 + 300);
    says("cp -a /t /u; cp -rp /t/. /v", "");
    says("stat /u /u/a /u/a/b /u/a-b /u/c /v /v/a | grep modified",
         "  modified 1970-01-02T00:05:00Z\n  modified 1970-01-02T00:02:00Z\n"
         "  modified 1970-01-02T00:01:00Z\n  modified 1970-01-02T00:03:00Z\n"
         "  modified 1970-01-02T00:04:00Z\n  modified 1970-01-02T00:05:00Z\n"
         "  modified 1970-01-02T00:02:00Z\n");
    says("cp -a /t/c /u/c; mkdir /n; cp -r /t /n; stat /n/t /u/c/c | grep -c 1970", "1\n");
    stop();
}

BODY(copies_interrupted)
{
    (void)unused;
    start();
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_LATE);
    copier = thread_current();
    put("/old", "old\n");
    expect_interrupted(faulty, "cp /System/Devices/faulty0 /old", "/.old.part~1",
                       "cp: /old: copy incomplete; old file kept\n");
    expect_interrupted(faulty, "cp /System/Devices/faulty0 /new", "/.new.part~1",
                       "cp: /new: copy incomplete; removed\n");
    expect_interrupted(faulty, "cat /System/Devices/faulty0 /old > /old", "/.old.part~1", "");
    faulty_destroy(faulty);
    stop();
}

/* No space for both: the old one stays whole. */
BODY(copies_without_space)
{
    (void)unused;
    static char large[LARGE_BYTES + 1];
    start();
    memset(large, 'x', LARGE_BYTES);
    put("/old", large);
    memset(large, 'y', LARGE_BYTES);
    put("/new", large);
    memset(large, 'x', LARGE_BYTES);
    size_t limit = page_total_count() * PAGE_BYTES;
    void *ballast = mem_alloc(4 << 20); /* less than an eighth is left then */
    host_memory_limit(host_memory_used() + 400 * 1024);
    fails("cp /new /old", "cp: /old: No space left on device\n");
    host_memory_limit((host_memory_used() + 64 * 1024) / 7 * 8); /* for a part of it */
    fails("cp /new /old", "cp: /old: No space left on device\n");
    fails("echo /old | cat - /new > /old", "spindle: /old: No space left on device\n");
    run("cat /new | tee /old | wc -l", SHELL_DONE, "0\n", "tee: /old: No space left on device\n");
    host_memory_limit(limit);
    mem_free(ballast);
    expect_content("cp without space", "/old", large);
    expect_names("cp without space", "/", "Drives\nSystem\ndev\nnew\nold\n");
    stop();
}

/* On a disk, an output is durable when its command ends, but not in a loop: there the disk has the
 * bytes, and errors of writing them are the command's. */
BODY(disks)
{
    (void)unused;
    enum { DISK_BYTES = 4 << 20 };
    void *image = calloc(1, DISK_BYTES);
    start();
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, image, DISK_BYTES, faulty_limits(), FAULTY_SYNC);
    says("format -y disk0 fat >/dev/null; mount disk0 /m; mount -o rw disk0; cd /m", "");

    unsigned long flushes = faulty->flushes;
    says("echo one > f", "");
    kassert(faulty->flushes > flushes);
    flushes = faulty->flushes;
    unsigned long writes = faulty->writes;
    says("for i in 1 2 3 4 5 6; do echo $i >> f; echo $i > g; done", "");
    kassert(faulty->flushes == flushes && faulty->writes >= writes + 6);
    says("log() { echo $1 >> f; }; log 7", "");
    kassert(faulty->flushes == flushes);

    /* What failed is kept in memory, and written later. */
    faulty->bad_to = DISK_BYTES;
    faulty->bad_writes = true;
    says("for i in 8 9; do { echo $i >> f; } 2>/dev/null || echo failed; done",
         "failed\nfailed\n");
    faulty->bad_to = 0;
    kassert(faulty->flushes == flushes);
    says("sync 2>/dev/null; sync; cat f g", "one\n1\n2\n3\n4\n5\n6\n7\n8\n9\n6\n");
    kassert(faulty->flushes > flushes);
    says("cd /; umount /m", "");
    faulty_destroy(faulty);
    stop();
    free(image);
}

/* Whichever allocation fails: the old content or the new one, and nothing beside it. */
BODY(copies_without_memory)
{
    (void)unused;
    static const char *const lines[] = {
        "cp /new /old", "mv /new /old", "echo /old new > /old", "echo new | tee /old",
        "cat /new | cat > /old",
    };
    start();
    for (unsigned i = 0; i < ARRAY_LENGTH(lines); i++) {
        bool more = true;
        for (unsigned long n = 1; more; n++) {
            put("/new", "/old new\n");
            put("/old", "old content\n");
            host_fail_nth_allocation(n);
            int status = shell_run_text(&shell, lines[i]);
            more = host_failure_happened();
            host_fail_nth_allocation(0);
            char got[32] = "";
            ssize_t bytes = rig_get_file("/old", got, sizeof(got) - 1);
            bool old = bytes >= 0 && strcmp(got, "old content\n") == 0;
            /* as where a command before the pipe fails, or one before it wrote anything */
            bool piped = strchr(lines[i], '|'), redirected = strchr(lines[i], '>');
            bool emptied = bytes == 0 && (piped || (redirected && status));
            if (!old && !emptied && strcmp(got, "/old new\n") && strcmp(got, "new\n"))
                panic("%s, allocation %lu: %zd bytes", lines[i], n, bytes);
            if (!status && old)
                panic("%s, allocation %lu: not done", lines[i], n);
            bool moved = lines[i][0] == 'm' && !status;
            expect_names(lines[i], "/", moved ? "Drives\nSystem\ndev\nold\n"
                                              : "Drives\nSystem\ndev\nnew\nold\n");
        }
    }
    stop();
}

/* Across file systems: the source goes once the copy is complete, and has its name. */
BODY(moves_across)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    struct path *root = path_root();
    kassert(vfs_mount(root, "/d", "", "ramfs", NULL) == 0);
    path_put(root);
    put("/f", "new\n");
    put("/d/f", "old\n");
    says("mv /f /d; cat /d/f; ls -A /d", "new\nf\n");
    fails("mv /d/f /none/", "mv: /none/: Not a directory\n");
    expect_content("mv", "/d/f", "new\n");
    says("umount /d", "");
    stop();
}

/* ---- names ---------------------------------------------------------------------------------- */

BODY(moved_directories)
{
    (void)unused;
    start();
    says("mkdir /a /a/b /k; cd /a/b", "");
    fails("mv . /c", "mv: .: In use\n");
    says("mv /a /k/c; pwd; mv ../b ../d; pwd", "/k/c/b\n/k/c/d\n");
    says("mv /k/c/d /a; pwd; mkdir x; mv x y; ls -A", "/a\ny\n");
    says("mkdir ../c; mv /a ../c/b; cd ..; pwd; find /c", "/c\n/c\n/c/b\n/c/b/y\n");
    struct file *file;
    put("/c/f", "f");
    kassert(rig_open("/c/f", OPEN_READ, &file) == 0);
    says("mv /c /e; mv /e/f /g; ls /e; pwd", "b\n/e\n");
    file_close(file);
    stop();
}

/* A directory that was removed has no names, whatever has its own by now. */
BODY(removed_directories)
{
    (void)unused;
    start();
    says("mkdir /a /a/b; cd /a/b; rmdir /a/b; mkdir /a/b", "");
    fails("pwd", "pwd: No such file or directory\n");
    fails("mkdir x", "mkdir: cannot create directory 'x': No such file or directory\n");
    run("> x", SHELL_USAGE, NULL, "spindle: x: No such file or directory\n");
    fails("vdrive save 0 x", "vdrive save: x: No such file or directory\n");
    fails("mv /a x", "mv: x: No such file or directory\n");
    fails("cat x", "cat: x: No such file or directory\n");
    struct path *root = path_root();
    kassert(vfs_mount(shell.directory, ".", "", "ramfs", NULL) == -ENOENT);
    rig_mkdir("/a/b/m");
    kassert(vfs_mount(root, "/a/b/m", "", "ramfs", NULL) == 0);

    /* Not the new directory's mount. */
    run("cd m", SHELL_USAGE, NULL, "cd: m: No such file or directory\n");
    says("ls; cd ..; pwd; ls b; umount b/m", "/a\nm\n");
    path_put(root);
    stop();
}

/* Gives a directory its other name, again and again. */
static _Atomic bool movers_end;

static void mover(void *names)
{
    const char *const *name = names;
    struct path *root = path_root();
    for (unsigned i = 0; !movers_end; i++) {
        status_t status = vfs_rename(root, name[i % 2], name[!(i % 2)]);
        expect("rename", status, 0);
        thread_sleep_until(time_now_us() + 1);
    }
    path_put(root);
}

/* Walks into a directory while it is moved. */
static void racing_body(void *unused)
{
    static const char *names[] = { "/x", "/y" };
    (void)unused;
    start();
    rig_mkdir("/x");
    rig_mkdir("/x/in");
    movers_end = false;
    char text[16];
    struct path *root = path_root(), *path, *last = NULL;
    struct thread *thread = thread_create("mover", PRIORITY_NORMAL, mover, names);
    for (unsigned i = 0; i < 200; i++) {
        status_t status = path_walk(root, i % 2 ? "/x/in" : "/y/in", 0, &path);
        kassert(!status || status == -ENOENT);
        if (status)
            continue;
        thread_sleep_until(time_now_us() + 1);
        path_text(path, text, sizeof(text));
        kassert(strcmp(text, "/x/in") == 0 || strcmp(text, "/y/in") == 0);
        path_put(last);
        last = path;
    }
    movers_end = true;
    thread_join(thread);

    /* at the end it has the name by which it is found */
    path_text(last, text, sizeof(text));
    expect(text, path_walk(root, text, 0, &path), 0);
    kassert(path_is_same(path, last));
    path_put(path);
    path_put(last);
    path_put(root);
    stop();
}

static void test_racing(void **state)
{
    (void)state;
    rig_run(racing_body, NULL, 20);
}

/* The path of the current directory is one or the other, although both differ in length. */
static void shown_body(void *line)
{
    static const char *names[] = { "/x", "/a longer name" };
    start();
    rig_mkdir("/x");
    says("cd /x", "");
    movers_end = false;
    struct thread *thread = thread_create("mover", PRIORITY_NORMAL, mover, names);
    for (unsigned i = 0; i < 200; i++) {
        out.used = 0;
        kassert(shell_run_text(&shell, line) == SHELL_DONE);
        if (strcmp(out.text, "/x\n") != 0 && strcmp(out.text, "/a longer name\n") != 0)
            panic("%s printed %s", (const char *)line, out.text);
    }
    movers_end = true;
    thread_join(thread);
    stop();
}

static void test_shown_paths(void **state)
{
    (void)state;
    rig_run(shown_body, "pwd -P", 20);
    rig_run(shown_body, "realpath -s .", 20);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_tee),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_times_of_trees),
        cmocka_unit_test(test_copies_interrupted),
        cmocka_unit_test(test_copies_without_space),
        cmocka_unit_test(test_disks),
        cmocka_unit_test(test_copies_without_memory),
        cmocka_unit_test(test_moves_across),
        cmocka_unit_test(test_moved_directories),
        cmocka_unit_test(test_removed_directories),
        cmocka_unit_test(test_racing),
        cmocka_unit_test(test_shown_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
