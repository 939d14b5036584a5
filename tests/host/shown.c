/*
 * shown.c - one text of all that was shown, and a shell that adds to it: see shown.h.
 */
#include <string.h>

#include "tests/host/shown.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

enum { SHOWN_BYTES = 1 << 18 };

static struct {
    struct spin lock;
    size_t length;
    char text[SHOWN_BYTES];
} shown = { .lock = SPIN_INIT(RANK_LOG) };

void shown_add(const char *text, size_t bytes)
{
    spin_lock(&shown.lock);
    kassert(shown.length + bytes < SHOWN_BYTES);
    memcpy(shown.text + shown.length, text, bytes);
    shown.length += bytes;
    shown.text[shown.length] = '\0';
    spin_unlock(&shown.lock);
}

void shown_clear(void)
{
    shown.length = 0;
    shown.text[0] = '\0';
}

const char *shown_text(void)
{
    return shown.text;
}

void shown_must_be(const char *what, const char *wanted)
{
    if (strcmp(shown.text, wanted) != 0)
        panic("%s: output:\n<<%s>>, not\n<<%s>>", what, shown.text, wanted);
}

static status_t keep_sink(struct stream *stream, const char *text, size_t bytes)
{
    (void)stream;
    shown_add(text, bytes);
    return 0;
}

void shown_shell_start(struct shell *shell)
{
    rig_start();
    shown_clear();
    kassert(shell_init(shell, keep_sink, NULL, NULL) == 0);
}

void shown_shell_stop(struct shell *shell)
{
    shell_destroy(shell);
    rig_stop();
}

void shown_make_tree(void)
{
    static const char *const names[] = { "/t/a", "/t/b.c", "/t/c d", "/t/.hidden", "/t/sub/one",
                                         "/t/sub/two.c" };
    static const char bad[] = "echo first\necho 'x\necho third\n";
    static const char cont[] = "echo a \\\r\nb\r\nnothere\necho z";
    static char open[SHELL_LINE_BYTES + 20] = "echo first\necho 'x\n";

    /* A quote that is never closed, with lines after it. */
    memset(open + strlen(open), '\n', sizeof(open) - 1 - strlen(open));

    rig_mkdir("/t");
    rig_mkdir("/t/sub");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        rig_put_file(names[i], "", 0);
    rig_put_file("/loop", "source /loop", 12);
    rig_put_file("/s", "", 0);
    rig_put_file("/p", "a\n", 2);
    rig_put_file("/bad", bad, sizeof(bad) - 1);
    rig_put_file("/cont", cont, sizeof(cont) - 1);
    rig_put_file("/open", open, sizeof(open) - 1);
    rig_put_file("/long", "", 0);
    rig_mkdir("/r");
}
