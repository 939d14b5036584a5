/*
 * editor.h - reads a line from the console, with editing.
 *
 * Model       On a plain console, characters are echoed, BS removes the last one, ^C discards the
 *             line, and no escape sequence is sent. Once the console is known to be a terminal
 *             (shell/terminal.h), the line has a cursor, words, cutting and yanking, history with
 *             search, and completion; it may have more rows than the screen.
 *             CR, LF and CR LF end a line. What is typed ahead waits in the console's ring. While
 *             more keys are waiting, the line is not shown again.
 * Locking     The thread that reads the console.
 */
#ifndef SHELL_EDITOR_EDITOR_H
#define SHELL_EDITOR_EDITOR_H

#include "shell/editor/edit.h"
#include "shell/editor/keys.h"
#include "shell/editor/terminal_line.h"

enum editor_end {
    EDITOR_RUNS,     /* not yet */
    EDITOR_LINE,
    EDITOR_GIVEN_UP, /* the line was discarded: ^C */
    EDITOR_AT_END,   /* ^D at the start of a line of input; never with a shell */
};

enum { QUERY_BYTES = 128 };

struct editor {
    struct edit edit;
    struct shell *shell; /* for completion; NULL: input for a command, without it and history */
    const char *prompt;
    struct keys keys;
    struct terminal_line shown;
    enum editor_end end;
    bool terminal;       /* the line is shown by terminal_line.h */
    bool stale;          /* the line has changed since it was shown */
    bool after_cr;       /* the last key was CR: an LF now belongs to it */
    bool after_tab;      /* the last key was a Tab that found several candidates */
    unsigned history_at; /* the line of history that is edited; history_end(): a new line */
    bool searching;
    unsigned search_at;
    char query[QUERY_BYTES];
    char search_prompt[QUERY_BYTES + 40];
    char stash[SHELL_LINE_BYTES]; /* the new line, while a line of history is edited */
};

/* Shows the prompt, which may be empty, and reads a line into editor->edit.text. -EINTR if the
 * thread was interrupted. */
status_t editor_read(struct editor *editor, const char *prompt, struct shell *shell,
                     enum editor_end *end) MUST_CHECK;

/* ---- search.c, complete.c --------------------------------------------------- */

void editor_search_begin(struct editor *editor);
/* Handles a key of a search. Returns false if the key ends the search and has its usual meaning. */
bool editor_search_key(struct editor *editor, const struct key *key);

void editor_complete(struct editor *editor);

#endif
