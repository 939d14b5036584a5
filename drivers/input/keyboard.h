/*
 * keyboard.h - the PC keyboard behind an 8042 (line 1) as console input, US layout.
 *
 * Keys come as bytes, as a terminal would send them: characters; Ctrl with a letter as its control
 * code; Alt as ESC before the key; arrows, Home, End, Insert, Delete, Page Up, Page Down and the
 * function keys as the sequences of xterm. Shift with Page Up or Page Down looks back on the
 * screen. Ctrl-Alt-Delete starts the machine again.
 *
 * The controller translates to scancode set 1. Each step of its start has a time limit: there may
 * be no controller, or nobody behind it.
 *
 * Locking     The interrupt handler's state is its own.
 * References  IBM PS/2 technical reference, keyboard controller; scancode set 1.
 * Status      No USB, no other layouts. The lights stay as they are.
 */
#ifndef DRIVERS_INPUT_KEYBOARD_H
#define DRIVERS_INPUT_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Looks for the controller and the keyboard. After interrupts_start() and clock_start(). */
void keyboard_start(void);

/* ---- keymap.c: from scancodes to bytes ---------------------------------------------------- */

enum { KEYMAP_BYTES_MAX = 8 };

enum keymap_action { KEYMAP_NONE, KEYMAP_BYTES, KEYMAP_LOOK_BACK, KEYMAP_LOOK_FORWARD,
                     KEYMAP_RESTART };

struct keymap {
    bool extended;  /* 0xe0 came before */
    uint8_t skip;   /* bytes of Pause that are still to come */
    uint8_t shifts, controls, alts; /* which of the two keys are down: bit 0 left, 1 right */
    bool caps_lock;
    char bytes[KEYMAP_BYTES_MAX]; /* of KEYMAP_BYTES */
    unsigned count;
};

/* Takes a scancode in; what it comes to. */
enum keymap_action keymap_take(struct keymap *keymap, uint8_t code);

#endif
