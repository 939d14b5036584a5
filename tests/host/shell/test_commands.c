/*
 * test_commands.c - the commands on files and text, over ramfs: what they print, what they say on
 * err, which status they end with, and what they leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macros.h"
#include "shell/options.h"
#include "shell/pattern.h"
#include "shell/reading/progress.h"
#include "shell/reading/show.h"
#include "tests/host/faulty.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* ---- options ------------------------------------------------------------------------------ */

BODY(options)
{
    (void)unused;
    start();
    run("ls -z", SHELL_USAGE, "", "ls: unknown option -z; try ls --help\n");
    run("ls --zoo", SHELL_USAGE, "", "ls: unknown option --zoo; try ls --help\n");
    run("head -n", SHELL_USAGE, "", "head: option -n requires a value; try head --help\n");
    run("ls --all=5", SHELL_USAGE, "", "ls: option --all=5 does not take a value; try ls --help\n");
    run("mkdir", SHELL_USAGE, "", "usage: mkdir [-pv] [-m MODE] DIRECTORY...\n");
    run("mkdir -p", SHELL_USAGE, "", NULL);
    run("pwd a", SHELL_USAGE, "", NULL);
    put("/f", "1\n2\n3\n4\n");
    put("/-n", "dash\n");
    says("head -n2 /f", "1\n2\n");
    says("head -n 2 /f; head -2 /f", "1\n2\n1\n2\n");
    says("head --lines=2 /f; head --lines 2 /f", "1\n2\n1\n2\n");
    says("head /f -n 2", "1\n2\n");
    says("cat -- -n", "dash\n");
    says("ls -1ar /", "f\ndev\nSystem\nDrives\n..\n.\n-n\n");
    run("mkdir -p /t/u", SHELL_DONE, "", "");
    says("ls -R /t /t", "/t:\nu\n\n/t/u:\n\n/t:\nu\n\n/t/u:\n");
    run("rm -r /t", SHELL_DONE, "", "");
    says("ls -1aA /; ls -1Aa /", "-n\nDrives\nSystem\ndev\nf\n-n\n.\n..\nDrives\nSystem\ndev\nf\n");
    says("head -q -v -n 1 /f; head -v -q -n 1 /f /f", "==> /f <==\n1\n1\n1\n");
    says("echo -n a -n", "a -n");
    says("echo -x -- b", "-x -- b\n");
    run("time echo -n a", SHELL_DONE, "a", NULL);
    run("time nothing", SHELL_NO_COMMAND, "", NULL);
    stop();
}

static void helps(const struct shell_command *command)
{
    char line[80];
    bool literal = command->option_rules & OPTIONS_LITERAL; /* [ --help ] is an expression */
    snprintf(line, sizeof(line), literal ? "help %s" : "%s --help", command->name);
    run(line, SHELL_DONE, NULL, "");
    kassert(strncmp(out.text, "usage: ", 7) == 0 && strstr(out.text, command->summary));
    for (const struct shell_option *o = command->options; o && (o->letter || o->name); o++)
        kassert(strstr(out.text, o->help) != NULL);
    for (const struct shell_command *const *part = command->parts; part && *part; part++)
        kassert(strstr(out.text, (*part)->summary) != NULL);
    for (char *at = strtok(out.text, "\n"); at; at = strtok(NULL, "\n"))
        if (strlen(at) > 80)
            panic("%s: more than 80 columns: %s", command->name, at);
}

/* Each command answers --help, in 80 columns, and names each of its options and parts. */
BODY(help)
{
    (void)unused;
    start();
    each_command(helps);
    run("help", SHELL_DONE, NULL, "");
    table_each(entry, shell_commands, struct shell_command)
        kassert(strstr(out.text, (*entry)->name) != NULL);
    run("help nothing", SHELL_FAILED, "",
        "help: nothing: command not found; `help` lists the commands\n");
    run("help less", SHELL_FAILED, "",
        "help: less: command not found; `more FILE` shows text a screenful at a time\n");
    run("!!", SHELL_NO_COMMAND, "",
        "spindle: !!: command not found; the arrow keys and ^R recall lines\n");
    stop();
}

/* ---- names -------------------------------------------------------------------------------- */

BODY(listing)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/sub");
    put("/d/big", "0123456789");
    put("/d/small", "0");
    put("/d/.hidden", "");
    put("/d/sub/x\x1b[1m", "");
    says("ls /d", "big\nsmall\nsub\n");
    says("ls -A /d", ".hidden\nbig\nsmall\nsub\n");
    says("ls -S /d/big /d/small", "/d/big\n/d/small\n");
    says("ls -Sr /d/big /d/small", "/d/small\n/d/big\n");
    says("ls -F /d", "big\nsmall\nsub/\n");
    says("ls -d /d", "/d\n");
    says("ls -R /d", "/d:\nbig\nsmall\nsub\n\n/d/sub:\nx\\x1B[1m\n");
    says("cd /d; ls sub; cd /", "x\\x1B[1m\n");
    run("ls /d/none /d/big", SHELL_TROUBLE, "/d/big\n",
        "ls: cannot access '/d/none': No such file or directory\n");
    run("ls -l /d/big", SHELL_DONE, NULL, "");
    kassert(strstr(out.text, " 10 ") != NULL && strstr(out.text, " /d/big\n") != NULL);
    says("find /d -type f -name '*l*'", "/d/small\n");
    says("find /d -type d", "/d\n/d/sub\n");
    says("find /d -size +5c", "/d/big\n");
    says("find /d -size -2c -type f", "/d/.hidden\n/d/small\n/d/sub/x\\x1B[1m\n");
    run("find /d -type x", SHELL_USAGE, "", NULL);
    says("tree /d", "/d\n|-- big\n|-- small\n`-- sub\n    `-- x\\x1B[1m\n\n1 directory, 3 files\n");
    run("du -s /d", SHELL_DONE, NULL, "");
    kassert(strcmp(out.text, "8\t/d\n") == 0);
    says("du -sh /d", "8.0K\t/d\n");
    run("df /d", SHELL_DONE, NULL, "");
    kassert(strstr(out.text, " /\n") != NULL);
    stop();
}

BODY(making_and_removing)
{
    (void)unused;
    start();
    says("mkdir -pv /a/b//c/ /a/b", "mkdir: created directory '/a'\n"
                                     "mkdir: created directory '/a/b'\n"
                                     "mkdir: created directory '/a/b//c/'\n");
    fails("mkdir /a", "mkdir: cannot create directory '/a': File exists\n");
    fails("mkdir /none/x", "mkdir: cannot create directory '/none/x': No such file or directory\n");
    says("touch /a/f /a/b/g; touch -c /a/none; ls /a", "b\nf\n");
    fails("rm /a", "rm: cannot remove '/a': Is a directory\n");
    fails("rm /none", "rm: cannot remove '/none': No such file or directory\n");
    says("rm -f /none", "");
    run("cd /a/b; rm -r /a; cd /", SHELL_DONE, "",
        "rm: /a: contains the current directory\n");
    fails("rm -r /", "rm: cannot remove '/': In use\n");
    fails("rmdir /a", "rmdir: failed to remove '/a': Directory not empty\n");
    says("rm -r /a; ls /", "Drives\nSystem\ndev\n");
    stop();
}

/* What touch, cp, cp -p and mv do to a time long past. */
BODY(times)
{
    (void)unused;
    struct path *root, *path;
    struct node_info info;
    start();
    put("/f", "");
    root = path_root();
    kassert(path_walk(root, "/f", 0, &path) == 0);
    kassert(path_set_modified(path, 86400 + 60) == 0);
    path_put(path);
    says("ls -l /f", "- 0 1970-01-02 00:01 /f\n");
    says("cp /f /new; cp -p /f /kept; mv /f /moved; ls -t /new /kept", "/new\n/kept\n");
    says("ls -l /kept /moved", "- 0 1970-01-02 00:01 /kept\n- 0 1970-01-02 00:01 /moved\n");
    says("touch /kept; ls -rt /moved /kept", "/moved\n/kept\n");

    /* Directories among the operands are sorted as well. */
    says("mkdir /new_one /old_one", "");
    kassert(path_walk(root, "/old_one", 0, &path) == 0);
    kassert(path_set_modified(path, 60) == 0);
    path_put(path);
    says("ls -t /old_one /new_one", "/new_one:\n\n/old_one:\n");
    says("ls -rt /old_one /new_one", "/old_one:\n\n/new_one:\n");
    kassert(path_walk(root, "/kept", 0, &path) == 0);
    kassert(path_info(path, INFO_TIMES, &info) == 0 && info.modified_s > 86400 * 2);
    path_put(path);
    path_put(root);
    stop();
}

BODY(copying)
{
    (void)unused;
    start();
    says("mkdir -p /a/b; echo one > /a/f; echo two > /a/b/g", "");
    says("cp /a/f /c; cat /c", "one\n");
    says("cp /a/b/g /c; cat /c", "two\n");
    says("cp -n /a/f /c; cat /c", "two\n");
    fails("cp /a/f /a/f", "cp: /a/f and /a/f are the same file\n");
    fails("cp /a /x", "cp: -r not specified; omitting directory '/a'\n");
    fails("cp -r /a /a/b/x", "cp: /a: cannot copy a directory into itself, /a/b/x\n");
    fails("cp -r /a /a", "cp: /a: cannot copy a directory into itself, /a/a\n");
    fails("cp /a/f /c /none", "cp: /none: Not a directory\n");
    says("cp -r /a /x; find /x", "/x\n/x/b\n/x/b/g\n/x/f\n");
    says("cp -r /a/ /x; find /x/a", "/x/a\n/x/a/b\n/x/a/b/g\n/x/a/f\n");
    says("cp -rv /a/. /y", "'/a/.' -> '/y'\n'/a/./b' -> '/y/b'\n'/a/./b/g' -> '/y/b/g'\n"
                           "'/a/./f' -> '/y/f'\n");
    says("cp -rv /a/. /y", "'/a/./b/g' -> '/y/b/g'\n'/a/./f' -> '/y/f'\n"); /* they exist */
    says("cp -n /a/f /a/f; cp -n -f /a/b/g /a/f; cat /a/f", "one\n");
    says("mkdir /in; cp /a/f /c /in; ls /in", "c\nf\n");

    /* What one operand has become is not replaced by another one. */
    says("mkdir /j; echo other > /f; cp /a/f /a/f /j; cat /j/f", "one\n");
    run("cp /f /a/f /j; cat /j/f", SHELL_DONE, "other\n",
        "cp: /a/f: will not replace /j/f, which was just created\n");
    says("mkdir /k; cp -n /f /a/f /k; cat /k/f", "other\n");
    fails("echo > /g; mv -n /g /./g /k", "mv: /./g: No such file or directory\n");
    fails("mv /k/g /g; mv /g /./g /k", "mv: /./g: No such file or directory\n");
    run("mv /f /a/f /j; cat /j/f /a/f", SHELL_DONE, "other\none\n",
        "mv: /a/f: will not replace /j/f, which was just created\n");
    fails("cp /a/f /System/Devices/x", NULL);
    fails("cp /none /z", "cp: cannot stat '/none': No such file or directory\n");
    stop();
}

BODY(moving)
{
    (void)unused;
    start();
    says("mkdir -p /a/b /e; echo one > /a/f; echo two > /g", "");
    says("mv /a/f /g; cat /g; ls /a", "one\nb\n");
    says("mv /g /a; cat /a/g", "one\n");
    fails("mv /a /a/b", "mv: /a: cannot move a directory into itself, /a/b/a\n");
    fails("mv /a/g /a/../a/g", "mv: /a/g and /a/../a/g are the same file\n");
    says("mv /a /e; find /e", "/e\n/e/a\n/e/a/b\n/e/a/g\n");
    fails("mv /System /s", "mv: /System: In use\n");
    fails("mv /none /s", "mv: /none: No such file or directory\n");
    fails("mv /e/a/g /none/x", "mv: /none/x: No such file or directory\n");
    says("cat /e/a/g", "one\n");
    fails("mv -n /none /e", "mv: /none: No such file or directory\n");
    struct path *root = path_root();
    put("/file", "");
    kassert(vfs_rename(root, "/e/a/b", "/file") == -ENOTDIR);
    kassert(vfs_rename(root, "/file", "/e/a/b") == -EISDIR);
    kassert(vfs_rename(root, "/e/a/b", "/e") == -ENOTEMPTY);
    kassert(vfs_rename(root, "/e", "/e/a/b/c") == -EINVAL);
    kassert(vfs_rename(root, "/file", "/System/Devices/file") == -EXDEV);
    path_put(root);
    stop();
}

/* A copy that cannot be finished leaves nothing behind. */
BODY(no_room)
{
    (void)unused;
    enum { BYTES = 1 << 20 };
    char *data = calloc(1, BYTES);
    host_memory_limit(4 << 20);
    start();
    rig_put_file("/big", data, BYTES);
    run("cp /big /1; cp /big /2; cp /big /3; cp /big /4", SHELL_FAILED, "", NULL);
    kassert(strstr(err.text, "No space left") != NULL);
    run("cmp /big /1", SHELL_DONE, "", "");
    run("find / -size -2047 -type f", SHELL_DONE, "", ""); /* no part of one */
    stop();
    host_memory_limit(256 << 20);
    free(data);
}

/* A message about a node in a tree names its whole path. */
BODY(whole_paths)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/in");
    put("/d/in/a", "");
    run("cd /d; rm -rv in", SHELL_DONE, "removed 'in/a'\nremoved directory 'in'\n", "");
    rig_mkdir("/d/in");
    fails("cd /; ls /d/in && rm -r /d/. /d/in/../ /System",
          "rm: refusing to remove '.' or '..' directory: skipping '/d/.'\n"
          "rm: refusing to remove '.' or '..' directory: skipping '/d/in/../'\n"
          "rm: cannot remove '/System': In use\n");
    struct path *root = path_root();
    kassert(vfs_mount(root, "/d/in", "", "ramfs", NULL) == 0);
    run("rm -rv /d", SHELL_FAILED, "", "rm: cannot remove '/d/in': In use\n");
    kassert(vfs_unmount(root, "/d/in") == 0);
    path_put(root);
    stop();
}

/* A name from a medium steers no terminal, whichever way it comes to be said. */
BODY(strange_names)
{
    (void)unused;
    start();
    rig_mkdir("/a\033[2J");
    fails("rm /a*", "rm: cannot remove '/a\\x1B[2J': Is a directory\n");
    fails("cp /a* /b", "cp: -r not specified; omitting directory '/a\\x1B[2J'\n");
    run("/a*", SHELL_NOT_EXECUTABLE, "",
        "spindle: /a\\x1B[2J: is a directory; use `cd` to change to it\n");
    says("cd /a*; cd /; cd -", "/a\\x1B[2J\n");
    stop();
}

static uint8_t disk[64 * 1024];

BODY(device_names)
{
    (void)unused;
    start();
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_SYNC);
    fails("df /none", "df: /none: No such file or directory\n");
    fails("df disk0", "df: disk0: No such file or directory\n");
    run("df /none /", SHELL_FAILED, NULL, "df: /none: No such file or directory\n");
    kassert(strncmp(out.text, "Device ", 7) == 0 && strstr(out.text, "% /\n"));
    fails("umount disk0", "umount: disk0: not mounted\n");
    fails("umount /System/Devices/Classes/disk0",
          "umount: /System/Devices/Classes/disk0: not mounted\n");
    fails("umount none", "umount: none: No such file or directory\n");
    fails("umount /Drives", "umount: /Drives: not mounted\n");
    run("hexdump /System/Devices/Classes/disk0 99999999999999999999", SHELL_USAGE, "", NULL);
    run("hexdump / 0 x", SHELL_USAGE, "", NULL);
    faulty_destroy(faulty);
    stop();
}

/* ---- text --------------------------------------------------------------------------------- */

BODY(text)
{
    (void)unused;
    start();
    put("/t", "pear\nApple\n10 x\n9 y\npear\n");
    put("/u", "pear\nApple\n11 x");
    put("/e", "");
    says("tail -n 2 /t", "9 y\npear\n");
    says("tail -n 1 /u", "11 x");
    says("tail -n 99 /u", "pear\nApple\n11 x");
    says("tail -n +4 /t", "9 y\npear\n");
    says("tail -c 3 /t", "ar\n");
    says("tail -n 0 /t; tail /e; head /e", "");
    says("head -c 3 /t", "pea");
    says("head -n 1 /t /u", "==> /t <==\npear\n\n==> /u <==\npear\n");
    says("wc /t", " 5  7 25 /t\n");
    says("wc -l /t /e", " 5 /t\n 0 /e\n 5 total\n");
    says("cat /t | wc", "      5       7      25\n");
    says("cat -n /u", "     1\tpear\n     2\tApple\n     3\t11 x");
    says("sort /t", "10 x\n9 y\nApple\npear\npear\n");
    says("sort -u /t", "10 x\n9 y\nApple\npear\n");
    says("sort -n /t", "Apple\npear\npear\n9 y\n10 x\n");
    says("sort -nr /t", "10 x\n9 y\npear\npear\nApple\n");
    rig_put_file("/z", "b\0c\nb\0a\nb\nb\0a\n", 14); /* a NUL is a byte like others */
    rig_put_file("/y", "b\nb\0a\nb\0c\n", 10);
    says("sort -u /z | cmp - /y", "");
    run("cmp /t /u", SHELL_FAILED, "/t /u differ: byte 13, line 3\n", "");
    run("cmp /t /e", SHELL_FAILED, "", "cmp: EOF on /e which is empty\n");
    run("cmp -s /t /u", SHELL_FAILED, "", "");
    says("cmp /t /t", "");
    says("hexdump -C -s 1 -n 2 /t",
         "00000001  65 61                                             |ea|\n00000003\n");
    says("more /u", "pear\nApple\n11 x");
    stop();
}

/* Counted a byte at a time. */
static void expect_wc(char *to, const char *data, size_t bytes)
{
    unsigned lines = 0, words = 0;
    bool before = true;
    for (size_t i = 0; i < bytes; i++) {
        bool blank = data[i] && strchr(" \t\n\v\f\r", data[i]);
        lines += data[i] == '\n';
        words += before && !blank;
        before = blank;
    }
    int width = snprintf(NULL, 0, "%zu", bytes); /* the widest number, as in GNU's wc */
    sprintf(to, "%*u %*u %*zu /f\n%u /f\n%u /f\n%zu /f\n", width, lines, width, words, width,
            bytes, lines, words, bytes);
}

/* At every length of a word, with pages behind each other, and all bytes. */
BODY(wc)
{
    (void)unused;
    enum { BYTES = 9000 };
    static char data[BYTES], wanted[200];
    start();
    for (unsigned round = 0; round < 200; round++) {
        size_t bytes = round < 60 ? round : rig_random() % BYTES;
        for (size_t i = 0; i < bytes; i++) {
            uint64_t random = rig_random() >> 20;
            data[i] = random & 1 ? (char)(random >> 8) : "\t\n\v\f\r a\b\x0e\x1f!\x89\x8d\xa0"[
                                                            (random >> 8) % 14];
        }
        rig_put_file("/f", data, bytes);
        expect_wc(wanted, data, bytes);
        says("wc /f; wc -l /f; wc -w /f; wc -c /f", wanted);
        rig_unlink("/f");
    }
    put("/f", "a b\n");
    says("wc -lc /f; wc -lw /f", "1 4 /f\n1 2 /f\n");
    stop();
}

/* When memory is exhausted, or an input is missing, sort reports that and prints nothing. */
BODY(sort_is_all_or_nothing)
{
    (void)unused;
    enum { BYTES = 2 << 20 };
    char *data = malloc(BYTES);
    memset(data, '\n', BYTES); /* lines cost more than their bytes */
    host_memory_limit(8 << 20);
    start();
    rig_put_file("/big", data, BYTES);
    run("sort /big", SHELL_TROUBLE, "", "sort: /big: Out of memory\n");
    run("echo a | sort - /none", SHELL_TROUBLE, "", "sort: /none: No such file or directory\n");
    stop();
    host_memory_limit(256 << 20);
    free(data);
}

BODY(long_tail)
{
    (void)unused;
    char *text = malloc(20000);
    size_t used = 0;
    for (int i = 0; i < 3000; i++)
        used += (size_t)sprintf(text + used, "%d\n", i);
    start();
    put("/t", text);
    char expected[64];
    snprintf(expected, sizeof(expected), "2998\n2999\n");
    says("tail -n 2 /t", expected);
    run("tail -n 2500 /t", SHELL_DONE, strstr(text, "\n500\n") + 1, "");
    run("tail -n +501 /t", SHELL_DONE, strstr(text, "\n500\n") + 1, "");
    run("tail -n 3000 /t", SHELL_DONE, text, "");
    stop();
    free(text);
}

BODY(grep)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    put("/d/a", "one\nTwo\na.b\naxb\n");
    put("/d/b", "none\n");
    says("grep one /d/a", "one\n");
    says("grep -i two /d/a", "Two\n");
    says("grep -v o /d/a", "a.b\naxb\n");
    says("grep -n a.b /d/a", "3:a.b\n4:axb\n");
    says("grep -F a.b /d/a", "a.b\n");
    says("grep 'a\\.b' /d/a", "a.b\n");
    says("grep -c o /d/a /d/b", "/d/a:2\n/d/b:1\n");
    says("grep -l one /d/a /d/b", "/d/a\n/d/b\n");
    says("grep -r ^one /d", "/d/a:one\n");
    says("grep -on '[ae].' /d/a", "3:a.\n4:ax\n");
    says("grep -E 'one|(a.){1}b' /d/a", "one\na.b\naxb\n");
    says("grep -oE 'x*|o' /d/a", "o\no\nx\n");
    says("grep -x one /d/a /d/b", "/d/a:one\n");
    says("grep -w a /d/a", "a.b\n");
    says("grep -e -x -h -- /d/a /d/b || grep -vc -e -x /d/b", "1\n");
    says("grep -c -v o /d/a; grep -vl o /d/a /d/b; grep -o -v o /d/a", "2\n/d/a\n");
    rig_put_file("/d/c", "\0one\none\n", 9);
    run("grep one /d/b /d/c", SHELL_DONE, "/d/b:none\n", "grep: /d/c: binary file matches\n");
    says("grep -c one /d/c; grep -l one /d/c; grep -ao one /d/c", "2\n/d/c\none\none\n");
    run("grep '[' /d/a", SHELL_USAGE, "", "grep: [: unmatched [\n");
    run("grep -E 'a)' /d/a", SHELL_USAGE, "", "grep: a): unmatched )\n");
    run("grep", SHELL_USAGE, "", NULL);
    says("grep -F '[' /d/a || grep -c . /d/b", "1\n");
    run("grep nothing /d/a", SHELL_FAILED, "", "");
    run("grep -q one /d/a", SHELL_DONE, "", "");
    run("grep one /d/none", SHELL_TROUBLE, "", "grep: /d/none: No such file or directory\n");
    stop();
}

BODY(patterns)
{
    (void)unused;
    kassert(glob_matches("*.md", "a.md", false) && !glob_matches("*.md", ".md", false));
    kassert(glob_matches("*", "", false) && !glob_matches("?", "", false));
    kassert(glob_matches("[!a]*b?c", "xxbbyc", false) && !glob_matches("a", "A", false));
    kassert(glob_matches("a", "A", true) && glob_matches("?", "\xc3\xa4", false));
    kassert(glob_matches("\\*", "*", false) && !glob_matches("\\*", "a", false));
}

/* ---- digests ------------------------------------------------------------------------------ */

BODY(digests)
{
    (void)unused;
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char text[1024], line[200];
    start();
    put("/abc", "abc");
    put("/back\\slash", "abc");
    snprintf(line, sizeof(line), "%s  /abc\n", abc);
    says("sha256sum /abc", line);
    snprintf(line, sizeof(line), "\\%s  /back\\\\slash\n", abc);
    says("sha256sum '/back\\slash'", line);
    says("sha256sum /abc '/back\\slash' > /list; sha256sum -c /list",
         "/abc: OK\n\\/back\\\\slash: OK\n");
    snprintf(text, sizeof(text), "%s *abc\nnonsense\n%s  none\n%064d  abc\n", abc, abc, 0);
    put("/list", text);
    run("sha256sum -c /list", SHELL_FAILED, "abc: OK\nnone: FAILED open or read\nabc: FAILED\n",
        "sha256sum: none: No such file or directory\n"
        "sha256sum: WARNING: 1 line is improperly formatted\n"
        "sha256sum: WARNING: 1 listed file could not be read\n"
        "sha256sum: WARNING: 1 computed checksum did NOT match\n");
    put("/list", "nonsense\n");
    fails("sha256sum -c /list", "sha256sum: /list: no properly formatted checksum lines found\n");
    stop();
}

/* ---- numbers ------------------------------------------------------------------------------ */

BODY(numbers)
{
    (void)unused;
    static const struct { uint64_t bytes; const char *text; } sizes[] = {
        { 0, "0" }, { 1023, "1023" }, { 1024, "1.0K" }, { 1025, "1.1K" }, { 10239, "10K" },
        { 1 << 20, "1.0M" }, { 1023 * 1024, "1.0M" }, { 999 * 1024, "999K" },
        { UINT64_MAX, "16E" },
    };
    char text[128];
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        size_text(text, sizes[i].bytes, true);
        if (strcmp(text, sizes[i].text) != 0)
            panic("%llu is %s, not %s", (unsigned long long)sizes[i].bytes, text, sizes[i].text);
    }
    progress_text(text, sizeof(text), 1 << 20, 4 << 20, 2000000);
    kassert(strcmp(text, "[=====>              ]  25%  1.0M/4.0M  512K/s  0:06 left") == 0);
    progress_text(text, sizeof(text), 0, 0, 0);
    progress_text(text, sizeof(text), UINT64_MAX, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_listing),
        cmocka_unit_test(test_making_and_removing),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_copying),
        cmocka_unit_test(test_moving),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_wc),
        cmocka_unit_test(test_long_tail),
        cmocka_unit_test(test_whole_paths),
        cmocka_unit_test(test_strange_names),
        cmocka_unit_test(test_device_names),
        cmocka_unit_test(test_sort_is_all_or_nothing),
        cmocka_unit_test(test_grep),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
