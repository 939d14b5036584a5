/*
 * keymap.c - converts scancode set 1 to the bytes of a terminal, US layout: see keyboard.h.
 */
#include "drivers/input/keyboard.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    CODE_EXTENDED = 0xe0,
    CODE_PAUSE = 0xe1, /* followed by five more codes */
    PAUSE_REST = 5,
    CODE_RELEASED = 0x80,
    CODE_CONTROL = 0x1d,
    CODE_LEFT_SHIFT = 0x2a,
    CODE_RIGHT_SHIFT = 0x36,
    CODE_ALT = 0x38,
    CODE_CAPS_LOCK = 0x3a,
    CODE_PAGE_UP = 0x49,
    CODE_PAGE_DOWN = 0x51,
    CODE_DELETE = 0x53,
    CODE_PAD_DIVIDE = 0x35, /* extended */
    CODE_PAD_ENTER = 0x1c,  /* extended */
    ESCAPE = 0x1b,
};

/* By scancode: unshifted and shifted. 0: no character. */
static const char plain[] =
    "\0\033" "1234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033" "!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* Keys that send sequences. The keypad's have the same codes without the prefix 0xe0, and send the
 * same. */
static const struct {
    uint8_t code;
    const char *sequence;
} sequences[] = {
    { 0x48, "[A" },   { 0x50, "[B" },   { 0x4d, "[C" },   { 0x4b, "[D" },   { 0x47, "[H" },
    { 0x4f, "[F" },   { 0x52, "[2~" },  { 0x53, "[3~" },  { 0x49, "[5~" },  { 0x51, "[6~" },
    { 0x3b, "OP" },   { 0x3c, "OQ" },   { 0x3d, "OR" },   { 0x3e, "OS" },   { 0x3f, "[15~" },
    { 0x40, "[17~" }, { 0x41, "[18~" }, { 0x42, "[19~" }, { 0x43, "[20~" }, { 0x44, "[21~" },
    { 0x57, "[23~" }, { 0x58, "[24~" },
};

static const struct {
    uint8_t code;
    char arrow; /* the letter of the sequence with modifiers: ESC [ 1 ; m letter */
} arrows[] = {
    { 0x48, 'A' }, { 0x50, 'B' }, { 0x4d, 'C' }, { 0x4b, 'D' }, { 0x47, 'H' }, { 0x4f, 'F' },
};

static void add(struct keymap *keymap, char c)
{
    if (keymap->count < KEYMAP_BYTES_MAX)
        keymap->bytes[keymap->count++] = c;
}

static void add_text(struct keymap *keymap, const char *text)
{
    while (*text)
        add(keymap, *text++);
}

/* ---- modifiers ---------------------------------------------------------------------------- */

static void set_bit(uint8_t *bits, unsigned bit, bool value)
{
    *bits = (uint8_t)(value ? *bits | 1u << bit : *bits & ~(1u << bit));
}

/* Returns true if the code is a modifier's. The keyboard itself sends extended shifts around other
 * keys; those are ignored. */
static bool take_modifier(struct keymap *keymap, uint8_t code, bool pressed)
{
    bool extended = keymap->extended;
    switch (code) {
    case CODE_CONTROL: set_bit(&keymap->controls, extended, pressed); return true;
    case CODE_ALT: set_bit(&keymap->alts, extended, pressed); return true;
    case CODE_LEFT_SHIFT:
    case CODE_RIGHT_SHIFT:
        if (!extended)
            set_bit(&keymap->shifts, code == CODE_RIGHT_SHIFT, pressed);
        return true;
    case CODE_CAPS_LOCK:
        if (pressed)
            keymap->caps_lock = !keymap->caps_lock;
        return true;
    default: return false;
    }
}

/* ---- keys --------------------------------------------------------------------------------- */

/* Returns the control code of a character, as terminals define it: letters and @ [ \ ] ^ _ by their
 * position; ? is DEL. */
static char control_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 1);
    if (c >= '@' && c <= '_')
        return (char)(c - '@');
    return c == '?' ? 0x7f : c;
}

static enum keymap_action take_character(struct keymap *keymap, uint8_t code)
{
    if (code >= sizeof(plain) - 1)
        return KEYMAP_NONE;

    bool letter = plain[code] >= 'a' && plain[code] <= 'z';
    bool shift = keymap->shifts != 0;
    char c = (letter ? shift != keymap->caps_lock : shift) ? shifted[code] : plain[code];
    if (c == 0)
        return KEYMAP_NONE;

    /* As terminals do: Backspace sends DEL, and Alt sends ESC before the character. */
    if (c == '\b')
        c = 0x7f;
    if (keymap->controls)
        c = control_of(c);
    if (keymap->alts)
        add(keymap, ESCAPE);
    add(keymap, c);
    return KEYMAP_BYTES;
}

/* Returns xterm's number for the pressed modifiers: 1, plus 1 for Shift, 2 for Alt, 4 for Ctrl. */
static unsigned modifier_number(const struct keymap *keymap)
{
    return 1 + (keymap->shifts ? 1 : 0) + (keymap->alts ? 2 : 0) + (keymap->controls ? 4 : 0);
}

static bool take_arrow_with_modifier(struct keymap *keymap, uint8_t code)
{
    unsigned number = modifier_number(keymap);

    /* xterm's form: CSI 1 ; <number> <letter>. */
    for (unsigned i = 0; number > 1 && i < ARRAY_LENGTH(arrows); i++) {
        if (arrows[i].code != code)
            continue;
        add_text(keymap, "\033[1;");
        add(keymap, (char)('0' + number));
        add(keymap, arrows[i].arrow);
        return true;
    }
    return false;
}

static enum keymap_action take_sequence(struct keymap *keymap, uint8_t code)
{
    if (take_arrow_with_modifier(keymap, code))
        return KEYMAP_BYTES;

    /* Other keys send the same with and without a modifier. */
    for (unsigned i = 0; i < ARRAY_LENGTH(sequences); i++) {
        if (sequences[i].code != code)
            continue;
        add(keymap, ESCAPE);
        add_text(keymap, sequences[i].sequence);
        return KEYMAP_BYTES;
    }
    return KEYMAP_NONE;
}

static enum keymap_action take_pressed(struct keymap *keymap, uint8_t code)
{
    /* Keys for the machine itself, which no program receives. */
    if (code == CODE_DELETE && keymap->controls && keymap->alts)
        return KEYMAP_RESTART;
    if (code == CODE_PAGE_UP && keymap->shifts)
        return KEYMAP_LOOK_BACK;
    if (code == CODE_PAGE_DOWN && keymap->shifts)
        return KEYMAP_LOOK_FORWARD;

    enum keymap_action action = take_sequence(keymap, code);
    bool character = !keymap->extended || code == CODE_PAD_DIVIDE || code == CODE_PAD_ENTER;
    return action == KEYMAP_NONE && character ? take_character(keymap, code) : action;
}

enum keymap_action keymap_take(struct keymap *keymap, uint8_t code)
{
    enum keymap_action action = KEYMAP_NONE;

    /* Prefixes. Pause sends a sequence of its own, which contains codes of other keys. */
    keymap->count = 0;
    if (keymap->skip > 0) {
        keymap->skip--;
        return KEYMAP_NONE;
    }
    if (code == CODE_PAUSE) {
        keymap->skip = PAUSE_REST;
        return KEYMAP_NONE;
    }
    if (code == CODE_EXTENDED) {
        keymap->extended = true;
        return KEYMAP_NONE;
    }

    /* A released key matters only if it is a modifier. */
    bool pressed = !(code & CODE_RELEASED);
    code &= (uint8_t)~CODE_RELEASED;
    if (!take_modifier(keymap, code, pressed) && pressed)
        action = take_pressed(keymap, code);
    keymap->extended = false;
    return action;
}
