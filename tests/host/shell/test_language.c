/*
 * test_language.c - scripts that contain every construct of the language, of which each allocation
 * fails in turn, and which ^C ends at random moments: nothing is left, no failure is silent, and
 * the shell works afterwards. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "host/port/host.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"

enum { NTH_MAX = 5000, PRESSES = 150, YIELDS_MAX = 400, TEXT_BYTES = 4096 };

static const char *const scripts[] = {
    /* lists, pipelines, groups */
    "true && echo a || echo b; ! false; { echo c; echo d; } | cat; (x=1; echo $x); echo e",
    "echo a | { read x; echo $x; } | cat && echo b | while read y; do echo $y; done",
    /* compound commands */
    "if false; then echo a; elif true; then echo b; else echo c; fi",
    "for i in 1 2 3; do case $i in 1) continue ;; [2x]*) echo two ;; *) break 2 ;; esac; done",
    "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo $i; done; until [ $i = 0 ]; do i=0; done",
    "for i in a b; do for j in c d; do echo $i$j; break 2; done; done",
    /* functions */
    "f() { local x=$1; shift; echo \"$x $# $*\"; return 3; }; f a b c || echo $?; unset -f f",
    "f() { [ $1 -gt 0 ] && f $(($1 - 1)); }; set a b; f 3; echo $? $#; f() { x=1 y=2 eval :; }; f",
    /* expansions */
    "x=abcabc; echo ${x#a} ${x##*b} ${x%c} ${x%%b*} ${#x} ${y:-d} ${y:=e} ${y:+f} \"${z-g h}\"",
    "x='a  b'; set -- $x \"$x\" \"$@\" 'c d' $(echo e f) `echo g` $((7 * (2 + 3))); echo $# \"$*\"",
    "cd /t; echo * sub/*.c [ab]* ~ \"*\"; IFS=:; x=a:b:; set $x; echo $#; echo $(echo $(echo n))",
    "unset x; echo ${x?missing}; echo not reached",
    /* redirections */
    "echo a > /f; echo b >> /f; cat < /f; { echo c; echo d >&2; } > /g 2>&1; cat /g; rm /f /g",
    "exec 3> /f; echo a >&3; exec 3>&-; cat /f; x=1; cat <<E; cat <<'E' | tr a b\n$x $(echo y)\nE\n"
    "a $x\nE\necho z",
    "for i in 1 2; do echo $i; done > /f; while read l; do echo $l; done < /f; cat 0<> /f",
    "ls /no 2> /f; cat < /f; exec 4< /p; read x <&4; exec 4<&-; echo $x >&2",
    /* builtins */
    "trap 'echo bye' EXIT; trap 'echo err' ERR; false; (trap 'echo sub' EXIT); trap; trap - EXIT",
    "trap 'echo usr' USR1; kill -USR1 $$; echo a; trap '' INT; set -x; : traced; set +x; set -u",
    "set -e; if false; then :; fi; false || true; eval 'x=1; echo $x'; false; echo not reached",
    ". /s; source /s p; . /s q | cat; (exit 3); echo $?",
    "set -- -ab c; while getopts ab: o; do echo $o $OPTARG; done; printf '%5d %b\\n' 5 'c\\td'",
    "alias l='echo alias ' k=j\nl k; unalias -a; command -v echo; type cat f; readonly r=1",
    "export e=2; unset e; type cat; hash cat; times > /f; rm /f",
    "sleep 0.001 & wait $!; echo $?; (echo a; echo b) & jobs; wait; read x y < /p; test -f /p",
};

static void prepare(struct shell *shell)
{
    static const char text[] = "A=3; echo $A $1\n";
    shown_shell_start(shell);
    shown_make_tree();
    rig_put_file("/s", text, sizeof(text) - 1);
}

/* Redirections, traps and skipped commands must not outlive their script. */
static void must_work(struct shell *shell, const char *script)
{
    thread_clear_interrupt();
    (void)shell_run_text(shell, "set +eux; trap - EXIT ERR INT USR1; IFS=' '; wait");
    shown_clear();
    int status = shell_run_text(shell, "echo on");
    if (status || strcmp(shown_text(), "on\n") != 0)
        panic("after %s: status %d: %s", script, status, shown_text());
}

/* ---- no memory ---------------------------------------------------------------------------- */

/* Runs a script of which the nth allocation fails. Returns whether there were that many. */
static bool run_failing(const char *script, unsigned long n, const char *normal)
{
    struct shell shell;
    prepare(&shell);
    host_fail_nth_allocation(n);
    int status = shell_run_text(&shell, script);
    bool failed = host_failure_happened();
    host_fail_nth_allocation(0);
    kassert(!shell_interrupted());

    /* Either the script ends with an error, or it reports one, or it has found another way. The
     * file system in memory reports that it is full. */
    bool reported = strstr(shown_text(), "ut of memory") || strstr(shown_text(), "No space left");
    if (failed && !status && !reported && strcmp(shown_text(), normal) != 0)
        panic("%s: allocation %lu fails silently: %s", script, n, shown_text());
    must_work(&shell, script);
    shown_shell_stop(&shell);
    return failed;
}

static void body_no_memory(void *argument)
{
    static char normal[TEXT_BYTES];
    struct shell shell;
    (void)argument;
    for (size_t i = 0; i < ARRAY_LENGTH(scripts); i++) {
        prepare(&shell);
        (void)shell_run_text(&shell, scripts[i]);
        kassert(strlen(shown_text()) < sizeof(normal));
        strcpy(normal, shown_text());
        shown_shell_stop(&shell);

        unsigned long n = 1;
        while (run_failing(scripts[i], n, normal))
            kassert(n++ < NTH_MAX);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    rig_run(body_no_memory, NULL, 1);
}

/* ---- ^C ----------------------------------------------------------------------------------- */

static unsigned interrupted; /* scripts */

struct press {
    struct thread *thread;
    unsigned yields;
};

static void press_work(void *argument)
{
    const struct press *press = argument;
    for (unsigned i = 0; i < press->yields; i++)
        thread_yield();
    thread_interrupt(press->thread);
}

static void body_interrupt(void *argument)
{
    static uint64_t round;
    struct shell shell;
    (void)argument;
    for (size_t i = 0; i < ARRAY_LENGTH(scripts); i++) {
        prepare(&shell);
        struct press press = { thread_current(), (unsigned)(hash_u64(++round) % YIELDS_MAX) };
        struct thread *presser = thread_create("press", PRIORITY_NORMAL, press_work, &press);
        kassert(presser);
        interrupted += shell_run_text(&shell, scripts[i]) == SHELL_INTERRUPTED;
        thread_join(presser);
        must_work(&shell, scripts[i]);
        shown_shell_stop(&shell);
    }
}

static void test_interrupt(void **state)
{
    (void)state;
    rig_run(body_interrupt, NULL, PRESSES);
    kassert(!run_is_simulated() || interrupted > PRESSES);
}

/* ---- exec --------------------------------------------------------------------------------- */

/* Messages ask whether the output is the console, also after the last descriptor of it. */
static void body_exec(void *argument)
{
    struct shell shell;
    (void)argument;
    prepare(&shell);
    (void)shell_run_text(&shell, "exec > /f; nosuch; ls -z; (nosuch) | cat");
    (void)shell_run_text(&shell, "exec 2> /e; nosuch; exec 1>&- 2>&-; echo no");
    shown_shell_stop(&shell);
}

static void test_exec(void **state)
{
    (void)state;
    rig_run(body_exec, NULL, 1);
}

/* ---- many jobs ---------------------------------------------------------------------------- */

/* A function that starts itself in the background must not exhaust the memory. */
static void body_jobs(void *argument)
{
    struct shell shell;
    (void)argument;
    prepare(&shell);
    (void)shell_run_text(&shell, "i=0; while [ $i -lt 256 ]; do sleep 1 & i=$((i + 1)); done");
    shown_must_be("256 jobs", "");
    int status = shell_run_text(&shell, "echo no &");
    kassert(status == SHELL_FAILED);
    shown_must_be("the 257th", "spindle: Try again\n");
    must_work(&shell, "257 jobs");
    kassert(shell_run_text(&shell, "wait; true &") == 0);
    shown_shell_stop(&shell);
}

static void test_jobs(void **state)
{
    (void)state;
    rig_run(body_jobs, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_jobs),
    };
    return cmocka_run_group_tests_name("test_language", tests, NULL, NULL);
}
