/*
 * keys.h - from the console's bytes to keys.
 *
 * A key is a control character (its code is the byte), a character of text, or what a terminal
 * sends an escape sequence for. Escape alone is told from the beginning of a sequence by the 50 ms
 * in which nothing follows it; the key after it then counts as typed with Alt. Bytes that are no
 * UTF-8 are characters of one byte. Sequences that mean nothing here are swallowed.
 *
 * Once a byte comes that a plain terminal has no key for (outside printables, CR, LF, BS, ^C and
 * ^D), terminal_seen() is called.
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
    KEY_REPORT, /* where the cursor is: the terminal's answer to a question */
    KEY_NOTHING,
    KEY_ALT = 512, /* added to the code of what is typed with it */
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
    bool alt; /* an escape stands before the next key */
    unsigned pushed_count;
    uint8_t pushed[PUSHED_MAX]; /* bytes to be read again, the last first */
};

/* 0 and a key; -ETIMEDOUT when none begins by the deadline; -EINTR when the thread was interrupted.
 * A key that was begun is waited for. */
status_t keys_read(struct keys *keys, struct key *key, uint64_t deadline_us) MUST_CHECK;

#endif
