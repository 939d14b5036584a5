/*
 * keyboard.c - drives the 8042 controller: see keyboard.h.
 */
#include "drivers/input/keyboard.h"
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/ports.h"

enum {
    DATA = KEYBOARD_DATA_PORT,
    STATUS = KEYBOARD_COMMAND_PORT,  /* read */
    COMMAND = KEYBOARD_COMMAND_PORT, /* write */
    LINE = 1,

    STATUS_FULL = 1 << 0, /* a byte can be read */
    STATUS_BUSY = KEYBOARD_INPUT_FULL,
    STATUS_FROM_MOUSE = 1 << 5,
    NO_CONTROLLER = 0xff, /* what a bus without one reads */

    COMMAND_READ_MODE = 0x20,
    COMMAND_WRITE_MODE = 0x60,
    COMMAND_MOUSE_OFF = 0xa7,
    COMMAND_KEYBOARD_OFF = 0xad,
    COMMAND_KEYBOARD_ON = 0xae,
    MODE_INTERRUPT = 1 << 0,
    MODE_MOUSE_INTERRUPT = 1 << 1,
    MODE_KEYBOARD_OFF = 1 << 4,
    MODE_MOUSE_OFF = 1 << 5,
    MODE_TRANSLATE = 1 << 6, /* to scancode set 1 */

    KEYBOARD_SCAN = 0xf4,
    KEYBOARD_ACKNOWLEDGE = 0xfa,

    WAIT_US = 20000,
    WAIT_KEYBOARD_US = 100000,
    DRAIN_MAX = 64,
};

static struct keymap keymap;

/* ---- the controller ----------------------------------------------------------------------- */

static bool wait_status(uint8_t mask, uint8_t value, uint64_t limit_us)
{
    uint64_t deadline_us = time_now_us() + limit_us;

    /* The time is read before the status, so that a thread that was preempted in between looks once
     * more before it gives up. */
    for (;;) {
        bool late = time_now_us() >= deadline_us;
        if ((port_in8(STATUS) & mask) == value)
            return true;
        if (late)
            return false;
    }
}

static bool send(uint16_t port, uint8_t value)
{
    if (!wait_status(STATUS_BUSY, 0, WAIT_US))
        return false;
    port_out8(port, value);
    return true;
}

static bool receive(uint8_t *value, uint64_t limit_us)
{
    if (!wait_status(STATUS_FULL, STATUS_FULL, limit_us))
        return false;
    *value = port_in8(DATA);
    return true;
}

static void drain(void)
{
    for (unsigned i = 0; i < DRAIN_MAX && (port_in8(STATUS) & STATUS_FULL); i++)
        (void)port_in8(DATA);
}

/* Sets the controller's mode. The keyboard is disabled first, so that the next byte is the answer
 * and not a key. Returns false if there is no controller. */
static bool set_mode(void)
{
    uint8_t mode;

    if (port_in8(STATUS) == NO_CONTROLLER || !send(COMMAND, COMMAND_KEYBOARD_OFF) ||
        !send(COMMAND, COMMAND_MOUSE_OFF))
        return false;

    drain();
    if (!send(COMMAND, COMMAND_READ_MODE) || !receive(&mode, WAIT_US))
        return false;

    mode |= MODE_INTERRUPT | MODE_TRANSLATE | MODE_MOUSE_OFF;
    mode &= (uint8_t)~(MODE_MOUSE_INTERRUPT | MODE_KEYBOARD_OFF);
    return send(COMMAND, COMMAND_WRITE_MODE) && send(DATA, mode) &&
           send(COMMAND, COMMAND_KEYBOARD_ON);
}

/* Returns false if no keyboard answers. */
static bool start_scanning(void)
{
    uint8_t answer = 0;

    /* No reset and no self test: they take long, and the firmware did both. */
    return send(DATA, KEYBOARD_SCAN) && receive(&answer, WAIT_KEYBOARD_US) &&
           answer == KEYBOARD_ACKNOWLEDGE;
}

/* ---- keys --------------------------------------------------------------------------------- */

static void take_key(uint8_t code)
{
    switch (keymap_take(&keymap, code)) {
    case KEYMAP_BYTES:
        for (unsigned i = 0; i < keymap.count; i++)
            console_input((uint8_t)keymap.bytes[i]);
        break;
    case KEYMAP_LOOK_BACK: console_scroll(1); break;
    case KEYMAP_LOOK_FORWARD: console_scroll(-1); break;
    case KEYMAP_RESTART: machine_reboot();
    case KEYMAP_NONE: break;
    }
}

static bool handle_interrupt(void *context)
{
    (void)context;
    bool any = false;

    /* The line is edge triggered and the buffer holds one byte, so read until it stays empty. */
    for (unsigned i = 0; i < DRAIN_MAX; i++) {
        uint8_t status = port_in8(STATUS);
        if (status == NO_CONTROLLER || !(status & STATUS_FULL))
            break;

        /* A byte of the mouse is read as well, or it would block the keyboard's. */
        uint8_t code = port_in8(DATA);
        any = true;
        if (!(status & STATUS_FROM_MOUSE))
            take_key(code);
    }
    return any;
}

bool keyboard_start(void)
{
    static struct interrupt_handler handler = {
        .handle = handle_interrupt, .name = "keyboard"
    };

    if (!set_mode())
        return false;

    /* Polled up to here: with a handler, the answer would be taken for a key. */
    bool answers = start_scanning();
    if (interrupt_register(LINE, &handler)) {
        log_error("keyboard", "interrupt line %d cannot be used; no input", LINE);
        return false;
    }
    return answers;
}
