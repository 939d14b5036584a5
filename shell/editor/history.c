/*
 * history.c - a ring of lines; see history.h.
 */
#include "shell/editor/history.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/editor/text_ring.h"

enum { HISTORY_BYTES = 16384 };

static char memory[HISTORY_BYTES];
static struct text_ring history = TEXT_RING_INIT(memory);

void history_add(const char *line)
{
    const char *last = text_ring_get(&history, history.end - 1);

    /* Blank lines are not kept, nor a line that is the same as the one before. */
    const char *at = line;
    while (*at == ' ' || *at == '\t')
        at++;
    if (*at && !(last && text_equal(last, line)))
        text_ring_add(&history, line, strlen(line));
}

unsigned history_first(void)
{
    return history.first;
}

unsigned history_end(void)
{
    return history.end;
}

const char *history_get(unsigned number)
{
    return text_ring_get(&history, number);
}
