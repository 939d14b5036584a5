/*
 * editor.h - a line from the person at the console.
 *
 * On a plain terminal it stays plain: what is typed is shown, BS takes the last character off, ^C
 * gives the line up, and not one escape sequence is sent. Once the terminal was seen to be one (see
 * keys.h) there is all that hands expect: cursor and words, cutting and yanking, history and its
 * search, completion; a line may have more rows than the screen.
 *
 * CR, LF and CR LF end a line. What is typed or pasted ahead waits in the console's ring; while
 * more of it is there, nothing is shown yet.
 */
#ifndef SHELL_EDITOR_EDITOR_H
#define SHELL_EDITOR_EDITOR_H

#include "shell/editor/edit.h"
#include "shell/editor/keys.h"
#include "shell/editor/terminal_line.h"

enum editor_end {
    EDITOR_RUNS,     /* not yet */
    EDITOR_LINE,
    EDITOR_GIVEN_UP, /* ^C */
    EDITOR_AT_END,   /* ^D at the start of a line of input; never with a shell */
};

enum { QUERY_BYTES = 128 };

struct editor {
    struct edit edit;
    struct shell *shell; /* for completion; NULL: a line of input, with neither it nor history */
    const char *prompt;
    struct keys keys;
    struct terminal_line shown;
    enum editor_end end;
    bool terminal;       /* the line is shown as one on a terminal */
    bool stale;          /* ... and what is shown is not what it is */
    bool after_cr;       /* an LF now would be the rest of a CR LF */
    bool after_tab;      /* the key before was a Tab that found several ways */
    unsigned history_at; /* which line of history is edited; history_end(): a new one */
    bool searching;
    unsigned search_at;
    char query[QUERY_BYTES];
    char search_prompt[QUERY_BYTES + 40];
    char stash[SHELL_LINE_BYTES]; /* the new line, while one of history stands there */
};

/* Shows the prompt (which may be empty) and reads a line into editor->edit.text. -EINTR when the
 * thread was interrupted. */
status_t editor_read(struct editor *editor, const char *prompt, struct shell *shell,
                     enum editor_end *end) MUST_CHECK;

/* ---- search.c, complete.c --------------------------------------------------- */

void editor_search_begin(struct editor *editor);
/* A key while searching. False: the search is over, and the key means what it always does. */
bool editor_search_key(struct editor *editor, const struct key *key);

void editor_complete(struct editor *editor);

#endif
