/*
 * edit.h - a line that is being edited, and the text that was cut out of lines.
 *
 * Model       The cursor is before text[cursor], never inside a character: combining marks belong
 *             to the character before them. Cut text goes to a ring of the last pieces, which all
 *             lines share; consecutive cuts form one piece. Before each key, edit_begin_key() must
 *             be called: "consecutive" means by consecutive keys.
 * Memory      Static, so editing works when memory is exhausted.
 * Locking     The thread that reads the console.
 */
#ifndef SHELL_EDITOR_EDIT_H
#define SHELL_EDITOR_EDIT_H

#include "shell/shell.h"

enum edit_action { ACTION_OTHER, ACTION_CUT, ACTION_YANK };

struct edit {
    size_t length, cursor;
    bool too_long;              /* a character was dropped, because the line was full */
    enum edit_action last, now; /* of the previous key, and of this one */
    size_t yank_from;           /* where the last yank begins */
    unsigned yank_number;       /* and which piece it was */
    char text[SHELL_LINE_BYTES]; /* terminated; contains no other NUL */
};

/* Replaces the text. The cursor moves to its end. */
void edit_set(struct edit *edit, const char *text);
void edit_begin_key(struct edit *edit);
void edit_insert(struct edit *edit, const char *text, size_t length);

void edit_left(struct edit *edit);
void edit_right(struct edit *edit);
void edit_home(struct edit *edit);
void edit_end(struct edit *edit);
void edit_word_left(struct edit *edit);
void edit_word_right(struct edit *edit);

void edit_erase_left(struct edit *edit);
void edit_erase_right(struct edit *edit);
/* Exchanges the characters on both sides of the cursor. */
void edit_transpose(struct edit *edit);

void edit_cut_end(struct edit *edit);
void edit_cut_start(struct edit *edit);
void edit_cut_blank_word(struct edit *edit); /* to the left, up to a blank */
void edit_cut_word_left(struct edit *edit);
void edit_cut_word_right(struct edit *edit);
void edit_yank(struct edit *edit);
/* Replaces the text that was just yanked by the piece before it. */
void edit_yank_older(struct edit *edit);

#endif
