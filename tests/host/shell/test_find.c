/*
 * test_find.c - find: its expression, its actions, and walks whose tree is changed meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/port/host.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "shell/pattern.h"
#include "shell/words.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

static void make_tree(void)
{
    static const char *const folders[] = { "/d", "/d/sub", "/d/sub/deep", "/d/empty" };
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        rig_mkdir(folders[i]);
    put("/d/a.c", "int a;\n");
    put("/d/B.c", "");
    put("/d/.hid", "x");
    put("/d/a b", "blank");
    put("/d/sub/a.c", "0123456789");
    put("/d/sub/deep/x", "y");
}

static void fails_badly(const char *text, const char *why)
{
    char message[160];
    snprintf(message, sizeof(message), "%s; try find --help\n", why);
    run(text, SHELL_USAGE, "", message);
}

BODY(tests)
{
    (void)unused;
    start();
    make_tree();
    says("find /d", "/d\n/d/.hid\n/d/B.c\n/d/a b\n/d/a.c\n/d/empty\n/d/sub\n/d/sub/a.c\n"
                    "/d/sub/deep\n/d/sub/deep/x\n");
    says("find /d -name '*.c'", "/d/B.c\n/d/a.c\n/d/sub/a.c\n");
    says("find /d -iname 'b*'", "/d/B.c\n");
    says("find /d -name '*hid'", "/d/.hid\n"); /* a leading dot is nothing special */
    says("find /d -path '*sub*c'", "/d/sub/a.c\n");
    says("find /d -wholename /d/sub", "/d/sub\n");
    says("find /d -ipath '*SUB'", "/d/sub\n");
    says("find /d -type d,l -name '[es]*'", "/d/empty\n/d/sub\n");
    says("find /d -empty", "/d/B.c\n/d/empty\n");
    says("find /d -type f -size -2c", "/d/.hid\n/d/B.c\n/d/sub/deep/x\n");
    says("find /d -type f -size +5c", "/d/a.c\n/d/sub/a.c\n");
    says("find /d -type f -size 5w", "/d/sub/a.c\n");
    says("find /d -type f -size 1 -size 1k -size 1b -size 1M -name x", "/d/sub/deep/x\n");
    says("find /d -maxdepth 1 -type d", "/d\n/d/empty\n/d/sub\n");
    says("find /d -mindepth 2 -maxdepth 2", "/d/sub/a.c\n/d/sub/deep\n");
    says("find /d -maxdepth 0", "/d\n");
    says("find /d/ -name d -o -name x", "/d/\n/d/sub/deep/x\n");
    says("find / -maxdepth 0 -name /", "/\n");
    says("cd /d/sub; find; find . -name .; find -- deep; cd /",
         ".\n./a.c\n./deep\n./deep/x\n.\ndeep\ndeep/x\n");
    says("find /d/a.c /d/B.c -size 0", "/d/B.c\n");
    says("find /d -regex '.*/.\\.c'; find /d -iregex '.*/b+\\.c'",
         "/d/B.c\n/d/a.c\n/d/sub/a.c\n/d/B.c\n");
    says("find /d -regextype posix-extended -regex '.*(a|B).c'", "/d/B.c\n/d/a.c\n/d/sub/a.c\n");
    says("find /d -type p,s -o -samefile /d/sub/../B.c", "/d/B.c\n");
    says("ln -s none /d/dangling; find -L /d -samefile /d/dangling; rm /d/dangling",
         "/d/dangling\n");
    says("find /d -perm 0 -o -perm -1 -o -links +1", "");
    says("touch -d '3 days ago' /d/a.c; find /d -mtime +2; find /d -type f -mtime 3 -mmin +4319; "
         "find /d -mtime -3 -name '*.c'", "/d/a.c\n/d/a.c\n/d/B.c\n/d/sub/a.c\n");
    says("find /d ! -newermt yesterday -type f; find /d -name '*.c' -newermm /d/a.c",
         "/d/a.c\n/d/B.c\n/d/sub/a.c\n");
    says("ln -s sub /d/l; ln -s none /d/n; ln -s . /d/o; find /d -lname 'n*' -o -ilname 'S*'; "
         "find /d -xtype d -type l; find -L /d/l; find -L /d/n -type l; find -H /d/n",
         "/d/l\n/d/n\n/d/l\n/d/o\n/d/l\n/d/l/a.c\n/d/l/deep\n/d/l/deep/x\n/d/n\n/d/n\n");
    run("find -L /d -name o", SHELL_FAILED, "",
        "find: /d/o: Too many levels of symbolic links\n");
    says("cd /d; find -H n -lname 'n*' -printf '%l %Y\\n'; find -L l o n -maxdepth 0 -printf "
         "'%y%Y %l\\n' 2>/dev/null; find l n o -printf '%y%Y '; echo; cd /",
         "none N\ndd \ndd \nlN none\nld lN ld \n");
    says("find /d/sub/ /d/sub// -maxdepth 0 -printf '%f %h|%4f|\\n'",
         "sub/ /d|sub/|\nsub/ /d|sub/|\n");
    says("rm /d/[lno]; find /d -name 'a*' -printf '%f|%p|%P|%H|%h|%d|%s|%y\\n'",
         "a b|/d/a b|a b|/d|/d|1|5|f\na.c|/d/a.c|a.c|/d|/d|1|7|f\n"
         "a.c|/d/sub/a.c|sub/a.c|/d|/d/sub|2|10|f\n");
    says("touch -d @86400 /d/B.c; find /d/B.c -printf "
         "'%.1f%5f|%-5f|%03d|%T@ %TY-%Tm %t\\t%%\\101\\cx'; echo",
         "B  B.c|B.c  |000|86400.0000000000 1970-01 "
         "Fri Jan  2 00:00:00.0000000000 1970\t%A\n");
    fails_badly("find /d -perm x", "find: invalid mode 'x'; must be octal, after - or /");
    fails_badly("find /d -mtime x", "find: x: invalid number; must be [+-]N");
    fails_badly("find /d -newerxx x", "find: unknown predicate -newerxx");
    run("find /d/none /d/B.c", SHELL_FAILED, "/d/B.c\n",
        "find: /d/none: No such file or directory\n");
    stop();
}

BODY(operators)
{
    (void)unused;
    start();
    make_tree();
    says("find /d -name a.c -o -name x -size +1", "/d/a.c\n/d/sub/a.c\n");
    says("find /d \\( -name a.c -o -name x \\) -size 1c", "/d/sub/deep/x\n");
    says("find /d '(' -name a.c -o -name x ')' -a ! -path '*deep*'", "/d/a.c\n/d/sub/a.c\n");
    says("find /d -type f ! \\( -name '*.c' -o -name '* *' \\)", "/d/.hid\n/d/sub/deep/x\n");
    says("find /d -type f -not ! -name x", "/d/sub/deep/x\n");
    says("find /d -name x -or -name .hid -and -true", "/d/.hid\n/d/sub/deep/x\n");
    says("find /d -false -o \\( -true \\( ! -false \\) -name x \\)", "/d/sub/deep/x\n");
    /* what cannot change the result is not evaluated */
    says("find /d -maxdepth 1 -name a.c -o -type d -o -print", "/d/.hid\n/d/B.c\n/d/a b\n");
    says("find /d -name x \\( -print -o -print \\)", "/d/sub/deep/x\n");
    stop();
}

BODY(no_print)
{
    (void)unused;
    start();
    make_tree();
    says("find /d -name x -print -o -name a.c", "/d/sub/deep/x\n");
    says("find /d -name x -print -print", "/d/sub/deep/x\n/d/sub/deep/x\n");
    says("find /d -path '*sub' -prune -o -type f -print", "/d/.hid\n/d/B.c\n/d/a b\n/d/a.c\n");
    says("find /d -path '*sub' -prune -o -name a.c", "/d/a.c\n/d/sub\n");
    says("find /d -name '*c' -print -quit", "/d/B.c\n");
    says("find /d/sub -depth", "/d/sub/a.c\n/d/sub/deep/x\n/d/sub/deep\n/d/sub\n");
    says("find /d/sub -depth -prune", "/d/sub/a.c\n/d/sub/deep/x\n/d/sub/deep\n/d/sub\n");
    says("find /d/sub -type f -print0 | hexdump -Cn 12",
         "00000000  2f 64 2f 73 75 62 2f 61  2e 63 00 2f              |/d/sub/a.c./|\n0000000c\n");
    stop();
}

BODY(wrong_expressions)
{
    (void)unused;
    static const struct { const char *words, *said; } cases[] = {
        { "-foo", "unknown predicate -foo" },
        { "-name", "missing argument to -name" },
        { "-name x y", "y: paths must precede the expression" },
        { "-o -name x", "-o: expected an expression before it" },
        { "-name x -a -o -name y", "-o: expected an expression before it" },
        { "-name x -o", "-o: expected an expression after it" },
        { "!", "!: expected an expression after it" },
        { "\\( \\)", "): empty parentheses" },
        { "\\( -name x", "( without a matching )" },
        { "\\( -name x ! \\)", "): expected an expression before it" },
        { "-name x \\)", ") without a matching (" },
        { "-type x", "-type x: must be a list of b, c, d, f, l, o, p and s, such as f,d" },
        { "-type f,", "-type f,: must be a list of b, c, d, f, l, o, p and s, such as f,d" },
        { "-type fd", "-type fd: must be a list of b, c, d, f, l, o, p and s, such as f,d" },
        { "-type ''", "-type : must be a list of b, c, d, f, l, o, p and s, such as f,d" },
        { "-size x", "-size x: invalid size; must be [+-]N[bcwkMG]" },
        { "-size +", "-size +: invalid size; must be [+-]N[bcwkMG]" },
        { "-size 1kk", "-size 1kk: invalid size; must be [+-]N[bcwkMG]" },
        { "-size 0x1", "-size 0x1: invalid size; must be [+-]N[bcwkMG]" },
        { "-size --1", "-size --1: invalid size; must be [+-]N[bcwkMG]" },
        { "-size 18446744073709551616c", "-size 18446744073709551616c: number too large" },
        { "-size 1844674407370955161600000c", "-size 1844674407370955161600000c: "
                                              "number too large" },
        { "-exec", "-exec: missing command" },
        { "-exec \\;", "-exec: missing command" },
        { "-exec echo {}", "-exec: missing ; or {} + at the end" },
        { "-exec echo + ", "-exec: missing ; or {} + at the end" },
        { "-exec {} +", "-exec: with +, {} must appear once, after the command" },
        { "-exec echo x{} {} +", "-exec: with +, {} must appear once, after the command" },
        { "-delete -prune",
          "-delete implies -depth, which disables -prune; add -depth if that is intended" },
    };
    start();
    make_tree();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char line[200], said[200];
        snprintf(line, sizeof(line), "find /d %s", cases[i].words);
        snprintf(said, sizeof(said), "find: %s; try find --help\n", cases[i].said);
        run(line, SHELL_USAGE, "", said);
    }
    run("find /d -maxdepth x", SHELL_USAGE, "", "find: -maxdepth: invalid number: 'x'\n");
    run("find /d -mindepth -1", SHELL_USAGE, "", "find: -mindepth: invalid number: '-1'\n");
    run("find /d -newer /none", SHELL_FAILED, "", "find: /none: No such file or directory\n");
    run("find --help", SHELL_DONE, NULL, "");
    stop();
}

/* Nesting has a limit, which is reported; a long row of operators has none. */
BODY(deep_expressions)
{
    (void)unused;
    char line[4096] = "find /d -name x";
    start();
    make_tree();
    for (int i = 0; i < 300; i++)
        strcat(line, " -o ! -true");
    says(line, "/d/sub/deep/x\n");

    strcpy(line, "find /d");
    for (int i = 0; i < 63; i++)
        strcat(line, " ! \\(");
    strcat(line, " -name x");
    for (int i = 0; i < 63; i++)
        strcat(line, " \\)");
    says(line, "/d\n/d/.hid\n/d/B.c\n/d/a b\n/d/a.c\n/d/empty\n/d/sub\n/d/sub/a.c\n/d/sub/deep\n");

    strcpy(line, "find /d");
    for (int i = 0; i < 64; i++)
        strcat(line, " \\(");
    run(line, SHELL_USAGE, "", "find: (: nested too deeply; try find --help\n");
    stop();
}

BODY(running_commands)
{
    (void)unused;
    start();
    make_tree();
    says("find /d -name '*.c' -exec echo '<{}>' x{}{} \\;",
         "</d/B.c> x/d/B.c/d/B.c\n</d/a.c> x/d/a.c/d/a.c\n</d/sub/a.c> x/d/sub/a.c/d/sub/a.c\n");
    says("find /d -name '*.c' -exec echo x {} +", "x /d/B.c /d/a.c /d/sub/a.c\n");
    says("find /d -name '*.c' -exec grep -q int {} ';' -print", "/d/a.c\n");
    says("find /d -name '*.c' ! -exec grep -q int {} \\; -print", "/d/B.c\n/d/sub/a.c\n");
    says("find /d -name 'a b' -exec cat {} \\;", "blank");
    says("find /d -name x -exec head -n -5 -c 1 {} +", "y");
    run("find /d -name x -exec false {} \\;", SHELL_DONE, "", "");
    run("find /d -name x -exec false {} +", SHELL_FAILED, "", "");
    run("find /d -name x -exec nothing {} \\;", SHELL_FAILED, "", NULL);
    run("find /d -name x -exec cat {} /none \\; -print", SHELL_DONE, "y",
        "\ncat: /none: No such file or directory\n"); /* y ends no line */
    /* a command changes neither the directory nor the variables of the shell that walks */
    says("cd /d; find sub -type d -exec cd {} \\; -print; pwd; cd /", "sub\nsub/deep\n/d\n");
    says("V=1; find /d -name x -exec unset V \\; ; echo $V", "1\n");
    stop();
}

/* More paths than one command takes. */
BODY(batches)
{
    (void)unused;
    char path[40];
    start();
    rig_mkdir("/m");
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "/m/file%04d", i);
        put(path, "");
    }
    says("find /m -type f -exec echo {} + | wc -wl", "      3    1000\n");
    says("find /m -type f -exec rm {} +", "");
    says("find /m", "/m\n");
    stop();
}

BODY(deleting)
{
    (void)unused;
    start();
    make_tree();
    says("find /d -name '*.c' -delete; find /d", "/d\n/d/.hid\n/d/a b\n/d/empty\n/d/sub\n"
                                                 "/d/sub/deep\n/d/sub/deep/x\n");
    says("find /d -type d -empty -delete -print", "/d/empty\n");
    run("cd /d/sub; find /d -name sub -delete; cd /", SHELL_DONE, "",
        "find: /d/sub: contains the current directory\n");
    run("find /d/sub -name deep -delete", SHELL_FAILED, "",
        "find: /d/sub/deep: Directory not empty\n");
    says("cd /d/sub; find . -delete; find; cd /", ".\n");
    says("find /d -delete; ls -d /d/ /d 2>/e; find / -maxdepth 1 -name d", "");
    make_tree();
    /* what is found may go meanwhile */
    says("find /d -depth -exec rm -r {} \\; ; find / -maxdepth 1 -name d", "");
    make_tree();
    run("find /d -name sub -exec rm -r {} \\;", SHELL_FAILED, "",
        "find: /d/sub: No such file or directory\n");
    says("find /d -name empty -prune -exec rm -r {} \\; -o -name a.c -print", "/d/a.c\n");
    stop();
}

/* Every allocation may fail: the line ends, says so, and leaves nothing behind (ASan). */
BODY(without_memory)
{
    (void)unused;
    static const char *const lines[] = {
        "find /d \\( -name '*.c' -o -empty \\) -exec echo {} \\; -exec echo {} +",
        "find /d -depth -type f -newer /d/a.c -o -print",
    };
    start();
    make_tree();
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        unsigned long nth = 0;
        bool complained;
        char whole[1024];
        run(lines[i], SHELL_DONE, NULL, "");
        memcpy(whole, out.text, out.used + 1);
        do {
            err.used = out.used = 0;
            host_fail_nth_allocation(++nth);
            shell_run_text(&shell, lines[i]);
            complained = err.used != 0;
            host_fail_nth_allocation(0);
            kassert(complained || shell.status != SHELL_DONE || !strcmp(out.text, whole));
        } while ((shell.status != SHELL_DONE || complained) && nth < 100000);
        kassert(nth > 30 && nth < 100000);
    }
    stop();
}

BODY(globs)
{
    (void)unused;
    kassert(glob_matches_text("*", ".a", false) && glob_matches_text("?a", ".a", false));
    kassert(glob_matches_text("a*z", "a/b/z", false) && !glob_matches_text("", "a", false));
    kassert(!glob_matches("*", ".a", false));
}

/* A growing list of words leaves the last eighth of memory alone; a short one can be made there. */
BODY(lists_and_memory)
{
    (void)unused;
    struct words words = { 0 }, few = { 0 };
    char word[200];
    status_t status;
    host_memory_limit(4 << 20);
    start();
    memset(word, 'x', sizeof(word));
    while (!(status = words_add(&words, word, sizeof(word))))
        ;
    kassert(status == -ENOMEM && page_free_count() + 32 >= page_total_count() / 8);
    kassert(words_add(&few, word, sizeof(word)) == 0);
    words_free(&few);
    words_free(&words);
    stop();
    host_memory_limit(256 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tests),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_no_print),
        cmocka_unit_test(test_wrong_expressions),
        cmocka_unit_test(test_deep_expressions),
        cmocka_unit_test(test_running_commands),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_deleting),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_lists_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
