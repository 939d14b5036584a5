/*
 * keyboard.h - the PC keyboard at an 8042 controller (line 1) as console input, US layout.
 *
 * Model       Keys become the bytes that a terminal sends: characters; Ctrl with a letter its
 *             control code; Alt ESC before the key; arrows, Home, End, Insert, Delete, Page Up,
 *             Page Down and the function keys the sequences of xterm. Shift with Page Up or Page
 *             Down scrolls the screen. Ctrl-Alt-Delete restarts the machine. The controller
 *             translates to scancode set 1. Each step of its initialisation has a time limit, since
 *             there may be no controller, or no keyboard.
 * Locking     The state is used by the interrupt handler only.
 * References  IBM PS/2 technical reference, keyboard controller; scancode set 1.
 * Status      No USB, no other layouts, no LEDs.
 */
#ifndef DRIVERS_INPUT_KEYBOARD_H
#define DRIVERS_INPUT_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Detects the controller and the keyboard. After interrupts_start() and clock_start(). Returns
 * false if there is none; one that is connected later works too if there is a controller. */
bool keyboard_start(void);

/* ---- keymap.c: from scancodes to bytes ---------------------------------------------------- */

enum { KEYMAP_BYTES_MAX = 8 };

enum keymap_action { KEYMAP_NONE, KEYMAP_BYTES, KEYMAP_LOOK_BACK, KEYMAP_LOOK_FORWARD,
                     KEYMAP_RESTART };

struct keymap {
    bool extended;  /* the last code was the prefix 0xe0 */
    uint8_t skip;   /* codes of Pause that are still to come */
    uint8_t shifts, controls, alts; /* which of the two keys are down: bit 0 left, 1 right */
    bool caps_lock;
    char bytes[KEYMAP_BYTES_MAX]; /* the result of KEYMAP_BYTES */
    unsigned count;
};

/* Processes a scancode and returns what to do. */
enum keymap_action keymap_take(struct keymap *keymap, uint8_t code);

#endif
