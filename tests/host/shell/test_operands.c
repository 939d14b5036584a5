/*
 * test_operands.c - wrong operands are refused by every command, with a line that names them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* An empty operand names nothing: neither the current directory, nor the root of the devices. */
BODY(empty)
{
    (void)unused;
    static const char *const commands[] = {
        "cat", "cd", "df", "du", "file", "find", "hexdump", "ls", "manifest", "md5sum", "mkdir",
        "mkdir -p", "more", "rm", "rmdir", "sort", "source", "stat", "tail", "touch", "tree",
        "umount", "volinfo", "wc",
    };
    static const char reason[] = ": No such file or directory\n";
    char line[64];
    start();
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        format_text(line, sizeof(line), "%s ''", commands[i]);
        run("true", SHELL_DONE, "", "");
        kassert(shell_run_text(&shell, line) != SHELL_DONE);

        /* Some commands word it as "rm: cannot remove '': ...". */
        size_t name = strcspn(commands[i], " "), length = strlen(err.text);
        if (strncmp(err.text, commands[i], name) != 0 || err.text[name] != ':' ||
            length < sizeof(reason) || !text_equal(err.text + length - strlen(reason), reason))
            panic("%s: %s", line, err.text);
    }

    fails("mount '' /Drives", "mount: : No such file or directory\n");
    fails("devices ''", "devices: : No such device\n");
    fails("toc ''", "toc: : No such device\n");
    fails("eject ''", "eject: : no such device; `devices` lists them\n");
    stop();
}

/* unset reports a name that no variable can have. An error of a special builtin ends the script. */
BODY(unset)
{
    (void)unused;
    start();
    run("a=1; unset a '' a; echo no", SHELL_USAGE, "", "unset: : bad variable name\n");
    run("unset b=2; echo no", SHELL_USAGE, "", "unset: b=2: bad variable name\n");
    run("command unset 1x; echo yes", SHELL_DONE, "yes\n", "unset: 1x: bad variable name\n");
    run("unset never_set", SHELL_DONE, "", "");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_unset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
