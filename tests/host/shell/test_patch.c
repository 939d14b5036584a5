/*
 * test_patch.c - promise: patch makes the new file of what diff -u printed, finds hunks that have
 * moved, keeps the hunks that fail, and never writes outside the directory, whatever the patch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/port.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { ROUNDS = 150, DAMAGES = 300, TEXT = 4000 };

/* Draws a file of short lines. */
static void draw(char *text, int lines)
{
    *text = '\0';
    for (int i = 0; i < lines; i++)
        sprintf(text + strlen(text), "%c%d\n", "abcdefgh"[rand() % 8], rand() % 3);
    if (rand() % 5 == 0 && *text)
        text[strlen(text) - 1] = '\0';
}

/* Changes, removes or inserts some lines. */
static void change(char *to, const char *from)
{
    *to = '\0';
    for (const char *line = from; *line;) {
        const char *end = strchr(line, '\n');
        size_t bytes = end ? (size_t)(end - line) + 1 : strlen(line);
        int what = rand() % 12;
        if (what == 0)
            strcat(to, "new\n");
        if (what < 2)
            strncat(to, line, bytes);
        else if (what != 2)
            strncat(to, line, bytes);
        line += bytes;
    }
}

BODY(round_trips)
{
    static char a[TEXT], b[TEXT];
    start();
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        draw(a, rand() % 60);
        change(b, a);
        put("/a", a);
        put("/b", b);
        IGNORE(shell_run_text(&shell, "diff -u /a /b > /p; cp /a /x; cp /b /y"));
        if (strcmp(a, b) != 0)
            says("patch -s /x /p; cmp /x /b; patch -s -R -i /p /y; cmp /y /a", "");
    }
    stop();
}

BODY(places)
{
    start();
    put("/f", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    put("/p", "--- a/f\n+++ b/f\n@@ -2,3 +2,3 @@\n 4\n-5\n+five\n 6\n");
    says("patch -p1 < /p; cat /f", "patching file f\nHunk #1 succeeded at 5 (offset 3 lines).\n"
         "0\n1\n2\n3\n4\nfive\n6\n7\n8\n9\n");
    /* a file that is patched twice: the first content is the backup */
    put("/t", "1\n2\n3\n");
    put("/q", "--- t\n+++ t\n@@ -1 +1 @@\n-1\n+x\n--- t\n+++ t\n@@ -3 +3 @@\n-3\n+y\n");
    says("patch -sbi /q t; cat t t.orig; rm t t.orig", "x\n2\ny\n1\n2\n3\n");
    run("ls -a / | grep orig; patch -p1 --dry-run < /p", SHELL_FAILED,
         "f.orig\nchecking file f\nReversed (or previously applied) patch detected!  "
         "Skipping patch.\n1 out of 1 hunk ignored\n", "");
    put("/p", "--- a/f\n+++ b/f\n@@ -6,5 +6,5 @@\n x\n 6\n-7\n+seven\n 8\n y\n");
    says("patch -i /p; grep seven /f", "patching file f\nHunk #1 succeeded at 6 with fuzz 1.\n"
         "seven\n");
    put("/p", "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n no\n-such\n+thing\n here\n");
    run("patch -i /p", SHELL_FAILED, "patching file f\nHunk #1 FAILED at 1.\n"
        "1 out of 1 hunk FAILED -- saving rejects to file f.rej\n", "");
    says("cmp /p /f.rej | head -c 0; tail -n 4 /f.rej", " no\n-such\n+thing\n here\n");
    put("/p", "--- /dev/null\n+++ b/d/new\n@@ -0,0 +1,2 @@\n+x\n+y\n");
    says("patch -p1 -i /p; cat /d/new; patch -p1 -R -i /p; find /d -type f",
         "patching file d/new\nx\ny\npatching file d/new\n");

    /* The rejects have the times of the header, and the lines that were tried. */
    says("printf 'a\\nb\\n' >/g; printf -- '--- x/g\\t2001-01-01\\n+++ g\\t2002-01-01\\n"
         "@@ -1,2 +1,3 @@\\n+n\\n a\\n b\\n@@ -5 +6 @@ f\\n-q\\n"
         "\\\\ No newline at end of file\\n+r\\n' >/p; patch -i /p; cat /g.rej; rm /g*",
         "patching file g\nHunk #2 FAILED at 6.\n1 out of 2 hunks FAILED -- saving rejects to file "
         "g.rej\n--- g\t2001-01-01\n+++ g\t2002-01-01\n@@ -6 +7 @@ f\n-q+r\n");

    /* A patch that removes a missing file seems to be reversed; a directory is not patched. */
    put("/p", "--- g\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
    run("patch -i /p g", SHELL_FAILED, "The next patch would delete the file g,\nwhich does not "
        "exist!  Skipping patch.\n1 out of 1 hunk ignored\n", "");
    run("mkdir /dd; patch -i /p dd; rm -r /dd*", SHELL_DONE, "File dd is not a regular file -- "
        "refusing to patch\n1 out of 1 hunk ignored -- saving rejects to file dd.rej\n", "");

    /* The last context lines may be lost; a line without LF gets one if another follows. */
    put("/g", "a\n\n");
    put("/p", "--- g\n+++ g\n@@ -1,2 +1,3 @@\n+n\n a\n");
    says("patch -s -i /p; cat /g; printf x >/g; rm -f /g.*", "n\na\n\n");
    put("/p", "--- g\n+++ g\n@@ -1,0 +2 @@\n+y\n");
    says("patch -s -i /p; cat /g; rm /g*", "x\ny\n");
    put("/g", "a\n");
    put("/p", "--- g\n+++ g\n@@ -1 +1 @@\n-a\n\\ No newline\n\\ No newline\n+b\n");
    run("patch -s -i /p; rm /g*", SHELL_DONE, "", "patch: **** malformed patch at line 6: "
        "\\x5C No newline\n");
    run("patch -i /f", SHELL_TROUBLE, "",
        "patch: **** Only garbage was found in the patch input.\n");
    put("/p", "--- f\n+++ f\n@@ -1,3 +1,3 @@\n 0\n?\n");
    run("patch -s -i /p", SHELL_TROUBLE, "", "patch: **** malformed patch at line 5: ?\n");
    run("patch -i /none", SHELL_TROUBLE, "", NULL);
    stop();
}

/* Several headers: -o gets all contents, .rej all rejects. A file that is
 * not removed since it has other lines is reported. */
BODY(repeated)
{
    start();
    put("/f", "a\n");
    put("/g", "b\n");
    put("/p", "--- f\n+++ f\n@@ -1 +1 @@\n-a\n+A\n--- g\n+++ g\n@@ -1 +1 @@\n-b\n+B\n");
    says("patch -s -o o -i /p; cat /o /f", "A\nB\na\n");
    run("mkdir /dd; patch -s -o dd -i /p", SHELL_TROUBLE, "", NULL);
    put("/p", "--- f\n+++ f\n@@ -1 +1 @@\n-a\n+A\n--- f\n+++ f\n@@ -1 +1 @@\n-A\n+q\n"
        "--- f\n+++ f\n@@ -1 +1 @@\n-x\n+X\n--- f\n+++ f\n@@ -1 +1 @@\n-y\n+Y\n");
    put("/f.rej", "older\n");
    says("patch -s -i /p | wc -l; cat /f; grep '^-[^-]' /f.rej",
         "2\nq\n-x\n-y\n");

    /* An empty patch copies the file to that of -o; -N comes before -f. */
    says("printf 'a\n' >/f; patch -s -o o f </dev/null; cat /o; patch f </dev/null; cat /f",
         "a\na\n");
    put("/p", "--- e\n+++ e\n@@ -1 +0,0 @@\n-x\n");
    run("printf '' >/e; patch -f -N -i /p", SHELL_FAILED, "The next patch would empty out the file "
        "e,\nwhich is already empty!  Skipping patch.\n1 out of 1 hunk ignored\n", "");

    /* A new file has no place in one that exists; one that is missing may be restored. */
    put("/p", "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+x\n");
    run("patch -s -f -i /p", SHELL_FAILED, NULL, "");
    says("cat /f", "a\n");
    put("/p", "--- none\n+++ nothing\n@@ -1 +0,0 @@\n-x\n");
    says("patch -t -i /p; cat /nothing", "The next patch would delete the file nothing,\n"
         "which does not exist!  Assuming -R.\npatching file nothing\nx\n");

    put("/f", "foo\n  x\n");
    put("/p", "--- f\n+++ /dev/null\n@@ -1 +0,0 @@\n-foo\n@@ -3 +1,0 @@\n-}\n");
    run("patch --dry-run -i /p; patch -s -i /p", SHELL_FAILED,
        "checking file f\nHunk #2 FAILED at 2.\n"
        "Not deleting file f as content differs from patch\n1 out of 2 hunks FAILED\n"
        "1 out of 2 hunks FAILED -- saving rejects to file f.rej\n", "");
    stop();
}

/* No name of a patch leads out of the directory. */
BODY(escapes)
{
    start();
    rig_mkdir("/d");
    put("/p", "--- /dev/null\n+++ ../evil\n@@ -0,0 +1 @@\n+x\n--- /dev/null\n+++ /evil\n"
        "@@ -0,0 +1 @@\n+x\n--- /dev/null\n+++ a/../../evil\n@@ -0,0 +1 @@\n+x\n");
    run("cd /d; patch -p0 -i /p", SHELL_FAILED, NULL, "");
    says("find / -name evil -o -name '*.rej'", "");
    stop();
}

/* Patches with bytes that were changed end, without a fault and without a leak. */
BODY(damaged)
{
    static char text[TEXT];
    start();
    srand(2);
    for (unsigned round = 0; round < DAMAGES; round++) {
        strcpy(text, "--- a/f\n+++ b/f\n@@ -2,3 +2,4 @@ x\n 1\n-2\n+two\n+t\n 3\n"
               "@@ -7,2 +8,1 @@\n 7\n-8\n\\ No newline at end of file\n");
        for (int i = rand() % 4; i >= 0; i--)
            text[(size_t)rand() % strlen(text)] = "@-+ ,0123456789\n\\a"[rand() % 18];
        put("/f", "0\n1\n2\n3\n4\n5\n6\n7\n8");
        put("/p", text);
        IGNORE(shell_run_text(&shell, rand() % 2 ? "patch -i /p" : "patch -R -i /p"));
    }
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
