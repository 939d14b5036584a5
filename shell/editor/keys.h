/*
 * keys.h - decodes the console's bytes to keys.
 *
 * Model       A key is a control character, whose code is the byte; a character of text; or an
 *             escape sequence of a terminal. An escape after which nothing follows for 50 ms is the
 *             escape key; the next key then counts as typed with Alt. Each byte of invalid UTF-8
 *             is a character. Unknown sequences are ignored.
 *             A byte for which a plain console has no key (anything except printable characters,
 *             CR, LF, BS, ^C and ^D) shows that there is a terminal: terminal_seen() is called.
 * Locking     The thread that reads the console.
 * References  ECMA-48, 5.4 Control sequences; ctlseqs of xterm.
 */
#ifndef SHELL_EDITOR_KEYS_H
#define SHELL_EDITOR_KEYS_H

#include "kernel/port.h"

enum key_code {
    KEY_CONTROL_A = 1, KEY_CONTROL_B, KEY_CONTROL_C, KEY_CONTROL_D, KEY_CONTROL_E, KEY_CONTROL_F,
    KEY_CONTROL_G, KEY_BACKSPACE, KEY_TAB, KEY_LF, KEY_CONTROL_K, KEY_CONTROL_L, KEY_CR,
    KEY_CONTROL_N, KEY_CONTROL_O, KEY_CONTROL_P, KEY_CONTROL_Q, KEY_CONTROL_R, KEY_CONTROL_S,
    KEY_CONTROL_T, KEY_CONTROL_U, KEY_CONTROL_V, KEY_CONTROL_W, KEY_CONTROL_X, KEY_CONTROL_Y,
    KEY_ESCAPE = 27,
    KEY_RUBOUT = 127, /* what most terminals send for the backspace key */
    KEY_TEXT = 256,
    KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE,
    KEY_WORD_RIGHT, KEY_WORD_LEFT,
    KEY_REPORT, /* the terminal's answer: the cursor's position */
    KEY_NOTHING,
    KEY_ALT = 512, /* added to the code of a key that is typed with Alt */
};

struct key {
    int code;
    unsigned length; /* of KEY_TEXT */
    char text[4];
    unsigned row, column; /* of KEY_REPORT */
};

enum { SEQUENCE_BYTES = 24, PUSHED_MAX = 8 };

/* All zero at first. */
struct keys {
    bool alt; /* the next key is typed with Alt */
    unsigned pushed_count;
    uint8_t pushed[PUSHED_MAX]; /* bytes to read again, last in, first out */
};

/* Reads a key. -ETIMEDOUT if none begins by the deadline, -EINTR if the thread was interrupted.
 * Waits for the end of a key that has begun. */
status_t keys_read(struct keys *keys, struct key *key, uint64_t deadline_us) MUST_CHECK;

#endif
