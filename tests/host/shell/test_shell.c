/*
 * test_shell.c - the shell's language, pipes and streams. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/macros.h"
#include "shell/language/run.h"
#include "shell/shell.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"

enum { SEEDS = 25 };

/* ---- language ----------------------------------------------------------------------------- */

struct line_case {
    const char *text, *wanted;
    int status;
};

/* In /t: a b.c "c d" .hidden, sub/one sub/two.c */
static const struct line_case line_cases[] = {
    { "", "", 0 },
    { "   # nothing", "", 0 },
    { "echo a  b", "a b\n", 0 },
    { "echo 'a  b' \"c  d\" e\\ f ''", "a  b c  d e f \n", 0 },
    { "echo a#b #c", "a#b\n", 0 },
    { "echo a; echo b\necho c", "a\nb\nc\n", 0 },
    { "echo a \\\n b", "a b\n", 0 },
    { "echo a\\\nb \"c\\\nd\"", "ab cd\n", 0 },
    { "true && echo yes || echo no", "yes\n", 0 },
    { "false && echo yes || echo no", "no\n", 0 },
    { "false || false; echo $?", "1\n", 0 },
    { "nothere", "spindle: nothere: command not found; `help` lists the commands\n", 127 },
    { "false; echo $? ${?}x \"$?\" '$?' \\$?", "1 1x 1 $? $?\n", 0 },
    /* not well formed: nothing runs */
    { "echo a; echo 'b", "spindle: line 1: syntax error: missing closing '\n", 2 },
    { "echo a; echo \"b", "spindle: line 1: syntax error: missing closing \"\n", 2 },
    { "echo a && ", "spindle: line 1: syntax error: end of file unexpected\n", 2 },
    { "echo a; || echo b", "spindle: line 1: syntax error: \"||\" unexpected\n", 2 },
    { "echo a | ; echo b", "spindle: line 1: syntax error: \";\" unexpected\n", 2 },
    { "echo a;; echo b", "spindle: line 1: syntax error: \";;\" unexpected\n", 2 },
    { "echo a;;", "spindle: line 1: syntax error: \";;\" unexpected\n", 2 },
    { "; echo a", "spindle: line 1: syntax error: \";\" unexpected\n", 2 },
    { " ;", "spindle: line 1: syntax error: \";\" unexpected\n", 2 },
    { "A=1; ; echo a", "spindle: line 1: syntax error: \";\" unexpected\n", 2 },
    { "echo a &&; echo b", "spindle: line 1: syntax error: \";\" unexpected\n", 2 },
    { "&& echo a", "spindle: line 1: syntax error: \"&&\" unexpected\n", 2 },
    { "|| echo a", "spindle: line 1: syntax error: \"||\" unexpected\n", 2 },
    { "echo a && || echo b", "spindle: line 1: syntax error: \"||\" unexpected\n", 2 },
    { "echo a | | cat", "spindle: line 1: syntax error: \"|\" unexpected\n", 2 },
    { "echo a > ; echo b", "spindle: line 1: syntax error: \";\" unexpected\n", 2 },
    { "echo a > \n echo b", "spindle: line 1: syntax error: newline unexpected\n", 2 },
    /* of a line, that is: lines before it ran */
    { "echo a\necho b; echo c;; echo d\necho e",
      "a\nspindle: line 2: syntax error: \";;\" unexpected\n", 2 },
    { "echo a;\n; echo b", "a\nspindle: line 2: syntax error: \";\" unexpected\n", 2 },
    { "echo a\n&& echo b", "a\nspindle: line 2: syntax error: \"&&\" unexpected\n", 2 },
    { "echo a; # b\n\n \n# c\necho d;", "a\nd\n", 0 },
    { "echo a &&\n\n# b\n echo c", "a\nc\n", 0 },
    { "false || # b\necho c", "c\n", 0 },
    { "echo a |\ncat |\n\ncat", "a\n", 0 },
    { "exit 3\necho a", "", 3 },
    { "echo a & wait; echo b", "a\nb\n", 0 },
    { "echo a >", "spindle: line 1: syntax error: end of file unexpected\n", 2 },
    { "echo a <", "spindle: line 1: syntax error: end of file unexpected\n", 2 },
    { "cd /t; echo a > b > c; cat b c", "a\n", 0 },
    { "echo a; echo ${a", "spindle: line 1: syntax error: missing closing }\n", 2 },
    { "echo a; echo $(b",
      "spindle: line 1: syntax error: end of file unexpected (expecting \")\")\n", 2 },
    { "echo a; echo `b", "spindle: line 1: syntax error: missing closing `\n", 2 },
    { "echo a; (echo b",
      "spindle: line 1: syntax error: end of file unexpected (expecting \")\")\n", 2 },
    { "echo a\nwhile true\ndo",
      "a\nspindle: line 3: syntax error: end of file unexpected (expecting \"done\")\n", 2 },
    { "a-b() { :; }", "spindle: line 1: syntax error: bad function name \"a-b\"\n", 2 },
    { "for 1 in a; do :; done",
      "spindle: line 1: syntax error: bad for loop variable \"1\"\n", 2 },
    { "\neval 'echo a\n)'; echo not reached",
      "a\nspindle: line 3: syntax error: \")\" unexpected\n", 2 },
    { "trap 'echo u' USR1; (sleep 0.1; kill -USR1 $$; sleep 0.3; exit 3) & wait $!; echo $?\n"
      "wait $!; echo $?", "u\n138\n3\n", 0 },
    /* the name of a file that stays open is needed until it is closed */
    { "echo old > /f; exec 3> /f; echo new >&3; : > /-; exec 3>&-; cat /f; cat /-; rm /f /-",
      "new\n", 0 },
    { "trap '' USR1; (sleep 0.1; kill -USR1 $$; sleep 0.3; exit 3) & wait $!; echo $?", "3\n", 0 },
    { "(sleep 0.1; kill $$; sleep 0.3) & wait; echo not reached", "", 143 },
    { "x=1; PS4='$x> '; set -x; y=2 echo a $(echo b) 2> /e; z=3; set +x",
      "1> echo b\n1> y=2 echo a b\na b\n1> z=3\n1> set +x\n", 0 },
    { "trap 'echo (' USR1; kill -USR1 $$",
      "spindle: line 1: syntax error: end of file unexpected (expecting \")\")\n", 2 },
    { "echo a; if true; then echo b; done",
      "spindle: line 1: syntax error: \"done\" unexpected (expecting \"fi\")\n", 2 },
    { "echo (a)", "spindle: line 1: syntax error: \"a\" unexpected (expecting \")\")\n", 2 },
    { "echo ${a:-b} ${#a} `echo c` \"$(echo d)\" $((1 + 2))", "b 0 c d 3\n", 0 },
    { "ls /no 2> /e 2>&1", "ls: cannot access '/no': No such file or directory\n", 2 },
    { "echo a 12> /o; cat /o", "a 12\n", 0 },
    { "echo a 1< b", "spindle: b: No such file or directory\n", 2 },
    { "echo a 2>&3", "spindle: 3: Bad file descriptor\n", 2 },
    { "echo a 2>&", "spindle: line 1: syntax error: end of file unexpected\n", 2 },
    { "echo a 2>&1x", "spindle: 1x: bad file descriptor number\n", 2 },
    { "echo a 2>", "spindle: line 1: syntax error: end of file unexpected\n", 2 },
    { "echo a |& cat", "spindle: line 1: syntax error: \"&\" unexpected\n", 2 },
    { "cat << x\na\nx\necho b", "a\nb\n", 0 },
    { "alias x='echo a\necho b'\nx; echo c\nx\nunalias x", "a\nb\nc\na\nb\n", 0 },
    { "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q",
      "spindle: line 1: syntax error: more than 16 commands in a pipe\n", 2 },
    { "echo $'a\\tb\\x21\\'\\\\\\q\\x' $'' \"$'a'\" x$'\\x41B'y",
      "a\tb!'\\\\q\\x  $'a' xABy\n", 0 },
    { "echo a > $'/\\x01'; ls -d /?; cat $'/\\1' $'/\\x1'; echo $'*' $'a\\x00b'",
      "/\\x01\n/p\n/r\n/s\n/t\ncat: /\\x5C1: No such file or directory\na\n* ab\n", 0 },
    { "echo $'a", "spindle: line 1: syntax error: missing closing '\n", 2 },
    { "echo $'a\\'", "spindle: line 1: syntax error: missing closing '\n", 2 },
    /* variables */
    { "A=1; echo $A ${A}b $Ab \"$A\" '$A' \\$A", "1 1b 1 $A $A\n", 0 },
    { "A='x  y'; echo $A \"$A\" a$A'b'", "x y x  y ax yb\n", 0 },
    { "A=' x '; echo a$A'b'", "a x b\n", 0 },
    { "A=; echo $A. $NONE; echo \"$NONE\" x", ".\n x\n", 0 },
    { "A='*'; cd /t; echo $A \"$A\"", "a b.c c d sub *\n", 0 },
    { "A=1 B=$A; echo $B; A=2 B=$A echo $A; A=3 B=x$A set", "1\n1\nA='3'\nB='x3'\nHOME='/'\n"
      "IFS=' \t\n'\nOPTIND='1'\nPWD='/'\n", 0 },
    { "unset HOME IFS OPTIND PWD; A=1 B=2; set; unset A; set; unset B A; set",
      "A='1'\nB='2'\nB='2'\n", 0 },
    { "unset HOME IFS OPTIND PWD; A=\"it's\"; set", "A='it'\"'\"'s'\n", 0 },
    { "unset HOME IFS OPTIND PWD; A=1; A=2 true; echo $A; A=3 set; echo $A",
      "1\nA='3'\n3\n", 0 }, /* a special builtin */
    { "A=$A$A; echo a=b =c 1=2 '$1'", "a=b =c 1=2 $1\n", 0 },
    { "set x y; echo $# $2", "2 y\n", 0 },
    { "$NONE", "", 0 },
    { "E=echo; $E x", "x\n", 0 },
    /* the home, and the directory before */
    { "echo ~ ~/ ~/t a~ ~a '~' \"~\" \\~ a/~ a=~", "/ / /t a~ ~a ~ ~ ~ a/~ a=~\n", 0 },
    { "HOME=/t; echo ~ ~/a ~/*.c; A=~/x; B=a=~; echo $A $B; cd; pwd", "/t /t/a /t/b.c\n/t/x a=~\n"
      "/t\n", 0 },
    { "HOME='*'; echo ~; unset HOME; echo ~/t; cd /t; cd; pwd", "*\n/t\n/\n", 0 },
    { "cat ~/p > ~/q; cat < ~/q", "a\n", 0 },
    { "cd -", "cd: OLDPWD not set\n", 2 },
    { "cd /t; cd sub; cd -; pwd; cd -; cd /no; echo $PWD $OLDPWD",
      "/t\n/t\n/t/sub\ncd: /no: No such file or directory\n/t/sub /t\n", 0 },
    { "cd /r; cd /t; rm -r /r; cd -; pwd", "cd: /r: No such file or directory\n/t\n", 0 },
    { "cd /t/a; cd /t | cd -; echo $PWD",
      "cd: /t/a: Not a directory\ncd: OLDPWD not set\n/\n", 0 },
    /* what other shells have */
    { "sh /s", "spindle: sh: command not found; `source FILE` runs the commands in a file\n", 127 },
    { "less",
      "spindle: less: command not found; `more FILE` shows text a screenful at a time\n", 127 },
    { "vi x",
      "spindle: vi: command not found; there is no editor; "
      "`cat > FILE` writes the lines that you type, up to ^D\n",
      127 },
    { "[[ a ]]", "spindle: [[: command not found; use `[ ... ]`\n", 127 },
    { "./p; /p; /t; ..; ./no",
      "spindle: ./p: is a file; use `source` to run its commands\n"
      "spindle: /p: is a file; use `source` to run its commands\n"
      "spindle: /t: is a directory; use `cd` to change to it\n"
      "spindle: ..: is a directory; use `cd` to change to it\n"
      "spindle: ./no: No such file or directory\n", 127 },
    { "' '; 'sh bash'", "spindle:  : command not found; `help` lists the commands\n"
      "spindle: sh bash: command not found; `help` lists the commands\n", 127 },
    { "clear", "", 0 },
    /* globs */
    { "cd /t; echo *", "a b.c c d sub\n", 0 },
    { "cd /t; echo .*", ".hidden\n", 0 },
    { "cd /t; echo ? ?.c [a-b]* [!a]*", "a b.c a b.c b.c c d sub\n", 0 },
    { "cd /t; echo '*' \"?\" \\* [ x[ a[z", "* ? * [ x[ a[z\n", 0 },
    { "echo /t/s*/* /t/*/one", "/t/sub/one /t/sub/two.c /t/sub/one\n", 0 },
    { "echo /*/sub/*.c //t//*/one", "/t/sub/two.c //t//sub/one\n", 0 },
    { "cd /t; echo */ a/* zz*", "sub/ a/* zz*\n", 0 },
    { "cd /t; echo c\\ * 'c '* \"c\"*", "c d c d c d\n", 0 },
    { "cd /t; echo [\"b\"a]", "a\n", 0 },
    { "cd /t; echo A* SU*", "A* SU*\n", 0 },
    { "cd /t; echo [a'-'z]* [']']* [!\\!b]*", "a []]* a c d sub\n", 0 },
    { "cd /t; > \xc3\xa9\xc3\xa8; echo *??; echo ??", "b.c c d sub \xc3\xa9\xc3\xa8\n"
      "\xc3\xa9\xc3\xa8\n", 0 },
    { "echo /System/D*", "/System/Devices\n", 0 },
    { "> /u; echo /u*", "/u\n", 0 },
    /* redirection */
    { "echo one > /o; cat /o; echo two >> /o; cat < /o; cat /o", "one\none\ntwo\none\ntwo\n", 0 },
    { "> /e; cat /e; cat < /e", "", 0 },
    { "cat < /nothere; echo $?", "spindle: /nothere: No such file or directory\n2\n", 0 },
    { "echo a > /nothere/b", "spindle: /nothere/b: No such file or directory\n", 2 },
    { "echo x > '/a b'; F='/a b'; cat < $F; echo >$F; cat \"$F\"", "x\n\n", 0 },
    { "echo a 1>/o; cat 0</o; echo 2>/o; echo 2 >/o; cat /o", "a\n\n2\n", 0 },
    { "ls /no /t/a 2> /e > /o; echo $?; cat /o; cat /e",
      "2\n/t/a\nls: cannot access '/no': No such file or directory\n", 0 },
    { "ls /no 2> /e; nothere 2>> /e; cat /e",
      "ls: cannot access '/no': No such file or directory\n"
      "spindle: nothere: command not found; `help` lists the commands\n", 0 },
    { "ls /no /t/a > /o 2>&1; wc -l /o; ls /no 2>&1 > /o; cat /o", "2 /o\n"
      "ls: cannot access '/no': No such file or directory\n", 0 },
    { "ls /no 2>&1 | wc -l; ls /no | wc -l",
      "1\nls: cannot access '/no': No such file or directory\n0\n", 0 },
    { "echo a >&2 | wc -l; echo a 1>&2 2> /e; cat /e", "a\n0\na\n", 0 },
    { "echo a > /o >&2; cat /o", "a\n", 0 },
    { "echo a >&2 2>/e; cat /e", "a\n", 0 },
    { "2> /e; cat /e; ls -z 2> /e; cat /e; ls 2> /no/e",
      "ls: unknown option -z; try ls --help\nspindle: /no/e: No such file or directory\n", 2 },
    { "echo 'ls /no; ls /no | cat; echo b' > /s; source /s > /o 2>&1; wc -l /o; . /s 2>&1 | wc -l",
      "3 /o\n3\n", 0 },
    { "ls / > /dev/null; ls /no 2>/dev/null; cat /dev/null; head -c 2 /dev/full | wc -c",
      "2\n", 0 },
    { "echo a > /dev/full", "spindle: /dev/full: No space left on device\n", 1 },
    { "head -c 4096 /dev/random > /r1; head -c 4096 /dev/urandom > /u1; cmp -s /r1 /u1; echo $?; "
      "wc -c /r1; rm /r1 /u1", "1\n4096 /r1\n", 0 },
    /* null keeps nothing, zero never ends */
    { "N=/System/Devices/null; ls /no /t/a > $N 2>&1; cat $N; echo a >> $N; cat < $N | wc -c; "
      "cat $N >> $N; echo $?", "0\n0\n", 0 },
    { "Z=/System/Devices/zero; head -c 20 $Z | hexdump -Cs 18; cat $Z | head -c 9000 | wc -c; "
      "head -c 5000 $Z > /z; head -c 5000 $Z | cmp - /z; hexdump -C -s 9 -n 1 $Z; echo a > $Z",
      "00000012  00 00                                             |..|\n00000014\n9000\n"
      "00000009  00                                                |.|\n0000000a\n", 0 },
    { "cd /System/Devices; cp /p null; cat null; rm null",
      "rm: cannot remove 'null': Read-only file system\n", 1 },
    { "cd /System/Devices; > new; ls -l null zero | head -n 1; find . -name '*o' -type f",
      "spindle: new: Read-only file system\ncrw-rw-rw- 0 - null\n", 0 },
    { "echo a | tee /x /y | cat; echo b | tee -a /x /no/x; cat /x /y",
      "a\ntee: /no/x: No such file or directory\nb\na\nb\na\n", 0 },
    { "cat /p >> /p; cat < /p >> /p; cat /p; cat /p | cat >> /p; cat /p",
      "cat: /p: Input and output are the same file\n"
      "spindle: /p: Input and output are the same file\na\n"
      "cat: /p: Input and output are the same file\na\n", 0 },
    { "echo 'cat /p; cat /p 1>&2' > /s; source /s >> /p",
      "cat: /p: Input and output are the same file\n"
      "cat: /p: Input and output are the same file\n", 1 },
    /* pipes */
    { "echo a | cat", "a\n", 0 },
    { "echo a | cat | cat | cat | cat", "a\n", 0 },
    { "false | true", "", 0 },
    { "true | false", "", 1 },
    { "echo a | nothere", "spindle: nothere: command not found; `help` lists the commands\n", 127 },
    { "cd /t | cd /t; pwd", "/\n", 0 },
    { "A=1; A=2 | A=3; echo $A | cat", "1\n", 0 },
    { "echo a | cat > /p; cat < /p | cat", "a\n", 0 },
    { "echo a > /q | cat; cat /q", "a\n", 0 },
    { "echo a | cat < /p", "a\n", 0 },
    { "ls -l -a -1 /r --help | wc -l > /l; ls -1 /t -a /r >> /l; history -- 5", "", 0 },
    { "cat", "", 0 }, /* there is no standard input here */
    /* scripts */
    { "echo 'echo in; X=7; cd /t; false' > /s; source /s; echo $? $X; pwd", "in\n1 7\n/t\n", 0 },
    { "echo 'cat' > /s; echo a | source /s", "a\n", 0 },
    { "echo 'echo b' > /s; source /s > /r1; source /s | cat > /r2; cat /r1 /r2", "b\nb\n", 0 },
    { "> /s; false; source /s", "", 0 },
    { "echo $'\\xef\\xbb\\xbfecho a\\n# b\\necho \\xef\\xbb\\xbf' > /s; source /s",
      "a\n\xef\xbb\xbf\n", 0 }, /* a byte order mark, and one elsewhere */
    { "echo $'\\xef\\xbb\\xbf' > /s; source /s", "", 0 },
    { "echo 'echo a; exit 3; echo b' > /s; source /s || echo $?; echo c", "a\n3\nc\n", 0 },
    { "echo a; exit 4; echo b", "a\n", 4 },
    { "exit 5 | exit 6; echo $?; exit 256", "6\n", 0 },
    { "exit x", "exit: Illegal number: x\n", 2 },
    { "echo 'echo in; X=7' > /s; . /s; echo $X; . /no; .",
      "in\n7\n.: /no: No such file or directory\n", 2 },
    { "source /nothere", "source: /nothere: No such file or directory\n", 1 },
    { "source /t", "source: /t: Is a directory\n", 1 },
    { "source /r/../s; source /loop", "source: /loop: scripts are nested too deeply\n", 1 },
    { "source /bad; echo $?", "first\nspindle: /bad:2: syntax error: missing closing '\n2\n", 0 },
    { "source /cont",
      "a b\nspindle: /cont:3: nothere: command not found; `help` lists the commands\nz\n", 0 },
    { "echo $'echo a &&\\n\\necho b |\\n#x\\n cat\\n"
      "echo \"c\\nd\" \\'e\\\\\\nf\\'; \\\\\\nx' > /s; . /s",
      "a\nb\nc\nd e\\\nf\nspindle: /s:9: x: command not found; `help` lists the commands\n", 127 },
    { "echo $'echo a; false &&\\n' > /s; source /s",
      "spindle: /s:3: syntax error: end of file unexpected\n", 2 },
    { "source /open",
      "first\nspindle: /open:2: syntax error: missing closing '\n", 2 },
    { "source /System/Devices/zero",
      "source: /System/Devices/zero: cannot execute binary file\n",
      2 },
    { "sleep; echo $?; sleep 1x; echo $?; sleep 0.25 && sleep 0",
      "usage: sleep TIME...\n2\nsleep: TIME: invalid number: '1x'\n2\n", 0 },
};

static void run_case(const struct line_case *one)
{
    struct shell shell;
    shown_shell_start(&shell);
    shown_make_tree();
    int status = shell_run_text(&shell, one->text);
    shown_must_be(one->text, one->wanted);
    if (status != one->status || shell.status != status)
        panic("%s: status %d", one->text, status);
    shown_shell_stop(&shell);
}

static void body_lines(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < ARRAY_LENGTH(line_cases); i++)
        run_case(&line_cases[i]);
}

static void test_lines(void **state)
{
    (void)state;
    rig_run(body_lines, NULL, 4);
}

/* ---- pipes -------------------------------------------------------------------------------- */

enum { BIG_BYTES = 100000 };

static char big[BIG_BYTES + 1];

static void fill_big(void)
{
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = (char)(i % 61 == 60 ? '\n' : 'a' + i * 7 % 26);
}

static void make_big(void)
{
    fill_big();
    rig_put_file("/big", big, BIG_BYTES);
}

static void body_pipe_carries_all(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    make_big();
    kassert(shell_run_text(&shell, "cat /big | cat | cat < /big | cat > /copy") == 0);
    kassert(shell_run_text(&shell, "cat /copy | cat") == 0);
    shown_must_be("pipe", big);
    shown_shell_stop(&shell);
}

static void body_reader_goes(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    make_big();
    kassert(shell_run_text(&shell, "cat /big | true") == 0);
    kassert(shell_run_text(&shell, "cat /big | cat | nothere") == 127);
    shown_must_be("reader", "spindle: nothere: command not found; `help` lists the commands\n");
    shown_clear();
    rig_put_file("/s", "cat /big\necho not reached > /mark\n", 33);
    kassert(shell_run_text(&shell, "source /s | false; cat /big | cat | cat | true") == 0);
    kassert(!shell_interrupted() && rig_walk("/mark") == -ENOENT);
    shown_must_be("reader", "");
    shown_shell_stop(&shell);
}

/* Errors of every stage go to one place, whole lines each. */
static void body_many_writers(void *argument)
{
    struct shell shell;
    char line[] = "cat /no1 | cat /no2 | cat /no3 | ls /no4\n";
    (void)argument;
    shown_shell_start(&shell);
    shown_make_tree();
    rig_put_file("/s", line, sizeof(line) - 1);
    kassert(shell_run_text(&shell, ". /s 2>&1 | sort; . /s > /o 2>&1; . /s 2> /e; sort /o") == 0);
    shown_must_be("many writers", "cat: /no1: No such file or directory\n"
                                  "cat: /no2: No such file or directory\n"
                                  "cat: /no3: No such file or directory\n"
                                  "ls: cannot access '/no4': No such file or directory\n"
                                  "cat: /no1: No such file or directory\n"
                                  "cat: /no2: No such file or directory\n"
                                  "cat: /no3: No such file or directory\n"
                                  "ls: cannot access '/no4': No such file or directory\n");
    shown_clear();
    kassert(shell_run_text(&shell, "sort /e") == 0);
    shown_must_be("many writers", "cat: /no1: No such file or directory\n"
                                  "cat: /no2: No such file or directory\n"
                                  "cat: /no3: No such file or directory\n"
                                  "ls: cannot access '/no4': No such file or directory\n");
    shown_shell_stop(&shell);
}

/* What `time` says last on err: how many thousandths of a second. */
static unsigned timed_ms(struct shell *shell, const char *text)
{
    unsigned seconds, ms;
    shown_clear();
    kassert(shell_run_text(shell, text) == 0);
    const char *real = strstr(shown_text(), "real ");
    kassert(real && sscanf(real, "real %u.%3us", &seconds, &ms) == 2);
    kassert(!strstr(real + 1, "real "));
    return seconds * 1000 + ms;
}

static void body_time_of_a_pipe(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    kassert(timed_ms(&shell, "time true | sleep 0.05") >= 50);
    kassert(timed_ms(&shell, "time sleep 0.05 | true") >= 50);
    kassert(timed_ms(&shell, "time sleep 0.05") >= 50);
    kassert(timed_ms(&shell, "sleep 0.05 | time true") < 50 || !run_is_simulated());
    kassert(shell_run_text(&shell, "time nothere | false") == 1);
    kassert(shell_run_text(&shell, "time | true") == 0);
    kassert(strstr(shown_text(), "usage: time"));
    shown_shell_stop(&shell);
}

static void test_pipes(void **state)
{
    (void)state;
    rig_run(body_pipe_carries_all, NULL, SEEDS);
    rig_run(body_reader_goes, NULL, SEEDS);
    rig_run(body_many_writers, NULL, SEEDS);
    rig_run(body_time_of_a_pipe, NULL, 2);
}

/* ---- streams ------------------------------------------------------------------------------ */

/* What a stream's sink was given; it fails at the piece `fails_at`, counted from 1. */
struct taken {
    size_t bytes;
    unsigned pieces, fails_at;
    const char *last; /* where the last piece lay */
    char text[4 * STREAM_LARGE_BYTES];
};

static status_t take_piece(struct stream *stream, const char *text, size_t bytes)
{
    struct taken *taken = stream->context;
    if (++taken->pieces == taken->fails_at)
        return -ENOSPC;
    kassert(taken->bytes + bytes <= sizeof(taken->text));
    memcpy(taken->text + taken->bytes, text, bytes);
    taken->bytes += bytes;
    taken->last = text;
    return 0;
}

/* Whatever the lengths of what is written, it comes out whole and in order. */
static void body_stream_order(void *argument)
{
    static const size_t lengths[] = { 1, 511, 512, 513, 3, 0, 1024, 4095, 4096, 4097, 2, 509, 1 };
    static char room[STREAM_LARGE_BYTES];
    static struct taken taken;
    struct stream stream;
    size_t at = 0;
    fill_big();
    taken = (struct taken){ 0 };
    stream_init(&stream, take_piece, &taken);
    if (argument)
        stream_use_large(&stream, room);
    kassert(stream.at_line_start);
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); at += lengths[i++]) {
        stream_write(&stream, big + at, lengths[i]);
        kassert(stream.at_line_start == (at + lengths[i] && big[at + lengths[i] - 1] == '\n'));
    }
    stream_write(&stream, "\n", 1);
    stream_write(&stream, "", 0);
    kassert(stream.at_line_start);
    kassert(!stream_flush(&stream) && !stream_flush(&stream));
    kassert(taken.bytes == at + 1 && !memcmp(taken.text, big, at));
}

static void body_stream_pieces(void *argument)
{
    static struct taken taken;
    struct stream stream;
    (void)argument;
    taken = (struct taken){ .fails_at = 3 };
    stream_init(&stream, take_piece, &taken);
    stream_write(&stream, "ab", 2);
    kassert(taken.pieces == 0); /* gathered */
    stream_write(&stream, big, STREAM_BYTES);
    kassert(taken.pieces == 2 && taken.last == big); /* not copied */
    stream_write(&stream, "cd", 2);
    kassert(stream_flush(&stream) == -ENOSPC);
    stream_write(&stream, big, STREAM_BYTES);
    stream_write(&stream, "ef", 2);
    kassert(stream_flush(&stream) == -ENOSPC && stream.status == -ENOSPC);
    kassert(taken.pieces == 3 && taken.bytes == 2 + STREAM_BYTES);
}

static void test_streams(void **state)
{
    (void)state;
    rig_run(body_stream_order, NULL, 1);
    rig_run(body_stream_order, big, 1);
    rig_run(body_stream_pieces, NULL, 1);
}

/* ---- the prompt --------------------------------------------------------------------------- */

/* A path that is too long for it is cut, and the end of the prompt stays. */
static void body_prompt(void *argument)
{
    struct shell shell;
    char prompt[24];
    (void)argument;
    shown_shell_start(&shell);
    shell_prompt(&shell, prompt, sizeof(prompt));
    kassert(!strcmp(prompt, "spindle:/$ "));
    rig_mkdir("/0123456789012345678901234567890123456789");
    kassert(!shell_run_text(&shell, "cd /0*"));
    for (size_t bytes = 12; bytes <= sizeof(prompt); bytes++) {
        shell_prompt(&shell, prompt, bytes);
        kassert(strlen(prompt) == bytes - 1);
        kassert(!strncmp(prompt, "spindle:/01234567890123", bytes - 3));
        kassert(!strcmp(prompt + bytes - 3, "$ "));
    }
    shown_shell_stop(&shell);
}

static void test_prompt(void **state)
{
    (void)state;
    rig_run(body_prompt, NULL, 1);
}

/* ---- no memory ---------------------------------------------------------------------------- */

static const char *const poor_lines[] = {
    "A=1; B='x y'; echo $A $B > /o; cat < /o | cat | cat",
    "cd /t; echo * */* $B",
    "source /s | cat",
    "A=1 B=2 true | true; unset A",
    "ls /no > /o 2> /e; source /s 2>&1 | cat; cd /t; cd -; echo ~/x; time true | true",
};

/* Whatever allocation fails, it ends in order and leaves nothing. */
static void body_no_memory(void *argument)
{
    struct shell shell;
    (void)argument;
    for (size_t i = 0; i < ARRAY_LENGTH(poor_lines); i++) {
        bool failed = true;
        for (unsigned long n = 1; failed; n++) {
            shown_shell_start(&shell);
            shown_make_tree();
            rig_put_file("/s", "echo a\nA=3; echo $A\n", 20);
            host_fail_nth_allocation(n);
            (void)shell_run_text(&shell, poor_lines[i]);
            failed = host_failure_happened();
            host_fail_nth_allocation(0);
            kassert(!shell_interrupted());
            shown_shell_stop(&shell);
        }
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    rig_run(body_no_memory, NULL, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_prompt),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("test_shell", tests, NULL, NULL);
}
