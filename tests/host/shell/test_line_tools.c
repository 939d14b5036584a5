/*
 * test_line_tools.c - the commands on text: empty input, groups of lines, fields, and inputs that
 * cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "shell/reading/show.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

BODY(empty_input)
{
    (void)unused;
    start();
    put("/empty", "");
    says("true | tail", "");
    says("true | tail -c 5", "");
    says("true | tail -n +2", "");
    says("true | head", "");
    says("true | sort", "");
    says("true | wc -l", "0\n");
    says("true | cmp /empty", "");
    says("tail /empty; head /empty; sort /empty; cat -n /empty", "");
    stop();
}

/* ---- sort --------------------------------------------------------------------------------- */

BODY(sort_output)
{
    (void)unused;
    start();
    put("/s", "b\na\n");
    put("/t", "c\n");
    rig_put_file("/z", "b\0a\nx\0", 6);
    says("sort -o /s /s /t; cat /s", "a\nb\nc\n");
    says("sort -r -o /new /s; cat /new; sort -m /s /t", "c\nb\na\na\nb\nc\nc\n");
    run("sort -o /none/x /s", SHELL_TROUBLE, "", "sort: /none/x: No such file or directory\n");
    run("sort -o /s /none", SHELL_TROUBLE, "", "sort: /none: No such file or directory\n");
    says("cat /s", "a\nb\nc\n");
    run("sort -nd /s", SHELL_TROUBLE, "",
        "sort: only one of -h, -M, -n, -V and -di can be given\n");
    run("sort -c -o /t /s", SHELL_TROUBLE, "", "sort: -c and -o are incompatible\n");
    run("sort -z /z", SHELL_DONE, NULL, "");
    kassert(out.used == 6 && memcmp(out.text, "a\nx\0b", 6) == 0);
    stop();
}

/* ---- uniq, join, xargs -------------------------------------------------------------------- */

BODY(groups)
{
    (void)unused;
    start();
    put("/u", "a\nA\nA\nb\nc\nC\n");
    says("uniq -iD /u; uniq -iDu /u", "a\nA\nA\nc\nC\na\nA\nc\n");
    says("uniq -idu /u; uniq -iu /u; uniq -iDd /u | wc -l", "b\n5\n");

    /* An empty line has no fields, not an empty one. */
    put("/h", "\na:b\n");
    put("/f", ":x\na\n");
    says("join --nocheck-order -t : /h /f; join --nocheck-order -t : -j 2 -a 1 /h /f",
         ":x\na:b\n\nb:a\n");
    says("join --nocheck-order -t : -o auto -e - -a 1 -a 2 /h /f", "-:x\na:-\n");
    stop();
}

BODY(words_for_commands)
{
    (void)unused;
    start();
    put("/w", "a b\nc\n");
    rig_put_file("/n", "a\0b c\0\n", 7);
    says("xargs -I X -n1 echo X. </w; xargs -I X -n1 echo X </dev/null", "a b.\nc.\n");
    says("xargs -L1 -I X -n 1 echo X. </w; xargs -I X -L1 -n 1 echo X </w",
         "a b.\nc.\nX a\nX b\nX c\n");
    run("xargs echo </n", SHELL_DONE, "a c\n",
        "xargs: WARNING: a NUL character occurred in the input.  It cannot be passed through in "
        "the argument list.  Did you mean to use the --null option?\n");
    says("printf 'a\\rb \\vc d\\n\\r\\n' | xargs -n1 echo", "a\rb\nc\nd\n");
    says("echo b | xargs -I echo echo echo; printf '\\r\\n' | xargs -I X echo X", "b\n");
    fails("echo a | xargs -d ab -0",
          "xargs: invalid input delimiter specification ab: the delimiter must be either a single "
          "character or an escape sequence starting with \\x5C\n");
    run("printf 'a\\nbb\\nccc\\n' | xargs -I X -s 8 echo X", SHELL_FAILED, "a\nbb\n",
        "xargs: argument line too long\n");
    says("printf 'a\\n\\nb\\nc \\n\\nd\\n' | xargs -L2; printf '\\n \\na\\nb\\nc' | xargs -L2",
         "a b\nc d\na b\nc\n");
    says("xargs -x -s 9 </w; xargs -E '' -eb </w", "a b\nc\na\n");
    run("printf 'a b\\nc \"d' | xargs echo", SHELL_FAILED, "a b c\n",
        "xargs: unmatched double quote; by default quotes are special to xargs unless you use the "
        "-0 option\n");
    says("printf 'a:b' | xargs -d : -0 echo; printf 'a:b' | xargs -0 -d : echo", "a:b\na b\n");
    says("xargs -0 echo </n", "a b c \n\n");
    stop();
}

/* ---- columns ------------------------------------------------------------------------------ */

BODY(columns)
{
    (void)unused;
    start();
    kassert(text_columns("a\xcc\x81") == 1);     /* a with a combining acute */
    kassert(text_columns("\xe6\xbc\xa2") == 2);  /* a wide character */
    kassert(text_columns("a\n\\\x7f") == 13);     /* \\xHH each */
    kassert(text_columns("\xff") == 1 && text_columns("") == 0);
    stop();
}

/* ---- hints -------------------------------------------------------------------------------- */

BODY(hints)
{
    (void)unused;
    start();
    fails("mount /dev/cdrom /",
          "mount: /dev/cdrom: No such file or directory; discs are in /dev/Classes\n");
    run("grep -q x /dev/sda", SHELL_TROUBLE, "",
        "grep: /dev/sda: No such file or directory; discs are in /dev/Classes\n");
    run("losetup -f x", SHELL_NO_COMMAND, "",
        "spindle: losetup: command not found; `vdrive add IMAGE` makes a drive of an image; "
        "`mount IMAGE DIRECTORY` also mounts it\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_input),
        cmocka_unit_test(test_sort_output),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_words_for_commands),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
