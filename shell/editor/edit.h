/*
 * edit.h - a line that is edited, and what was cut out of lines.
 *
 * The cursor stands before text[cursor], never inside of a character: what combines with a
 * character belongs to it. What is cut goes to a ring of the last pieces; cuts that follow each
 * other make one piece. The ring is common to all lines, in memory of its own.
 *
 * Who handles a key calls edit_begin_key() before: "follow" means by the next key.
 */
#ifndef SHELL_EDITOR_EDIT_H
#define SHELL_EDITOR_EDIT_H

#include "shell/shell.h"

enum edit_deed { DEED_OTHER, DEED_CUT, DEED_YANK };

struct edit {
    size_t length, cursor;
    bool too_long;              /* something was typed that found no room */
    enum edit_deed last, now;   /* of the key before, and of this one */
    size_t yank_from;           /* where the last yank begins */
    unsigned yank_number;       /* which piece it was */
    char text[SHELL_LINE_BYTES]; /* no NUL but the one behind the last byte */
};

void edit_set(struct edit *edit, const char *text); /* the cursor goes to the end */
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
void edit_transpose(struct edit *edit); /* the characters on both sides of the cursor */

void edit_cut_end(struct edit *edit);
void edit_cut_start(struct edit *edit);
void edit_cut_blank_word(struct edit *edit); /* to the left, up to a blank */
void edit_cut_word_left(struct edit *edit);
void edit_cut_word_right(struct edit *edit);
void edit_yank(struct edit *edit);
void edit_yank_older(struct edit *edit); /* instead of what was just yanked */

#endif
