/*
 * keys.c - text, control characters and escape sequences; see keys.h.
 */
#include "shell/editor/keys.h"
#include "kernel/console.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/terminal.h"

enum { ESCAPE_WAIT_US = 50000 };

static bool is_plain(uint8_t byte)
{
    return (byte >= 0x20 && byte != KEY_RUBOUT) || byte == KEY_CR || byte == KEY_LF ||
           byte == KEY_BACKSPACE || byte == KEY_CONTROL_C || byte == KEY_CONTROL_D;
}

static int next_byte(struct keys *keys, uint64_t deadline_us)
{
    if (keys->pushed_count)
        return keys->pushed[--keys->pushed_count];

    /* Only a terminal sends other bytes. */
    int byte = console_read(deadline_us);
    if (byte >= 0 && !is_plain((uint8_t)byte))
        terminal_seen();
    return byte;
}

static void push_back(struct keys *keys, uint8_t byte)
{
    keys->pushed[keys->pushed_count++] = byte;
}

/* ---- text --------------------------------------------------------------------------------- */

static unsigned utf8_length(uint8_t lead)
{
    return lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
}

/* Reads the bytes that follow a lead byte. If they are not valid UTF-8, the lead byte is a key by
 * itself and the others are read again. */
static status_t read_text(struct keys *keys, uint8_t lead, struct key *key)
{
    unsigned wanted = utf8_length(lead);
    uint32_t code;
    key->code = KEY_TEXT;
    key->length = 1;
    key->text[0] = (char)lead;

    while (key->length < wanted) {
        int byte = next_byte(keys, TIME_NEVER);
        if (byte < 0)
            return byte;

        /* A byte that does not continue the character is the next key. */
        if (!utf8_continues((char)byte)) {
            push_back(keys, (uint8_t)byte);
            break;
        }

        key->text[key->length++] = (char)byte;
    }

    /* Overlong forms and surrogates have the right length, but are invalid too. */
    if (utf8_decode(key->text, key->length, &code) != (int)key->length)
        while (key->length > 1)
            push_back(keys, (uint8_t)key->text[--key->length]);
    return 0;
}

/* ---- escape sequences --------------------------------------------------------------------- */

/* The parameters of "ESC [ 1 ; 2 final". */
struct sequence {
    unsigned parameters[3], count;
};

static void parse_parameters(const char *text, struct sequence *sequence)
{
    /* "ESC [ A" has no parameter. An empty one, as in "ESC [ ; 2 A", counts as 0. */
    *sequence = (struct sequence){ .count = *text != '\0' };

    for (; *text; text++) {
        unsigned *last = &sequence->parameters[sequence->count - 1];

        /* Keep the numbers small, whatever is sent. */
        if (*text == ';' && sequence->count < 3)
            sequence->count++;
        else if (text_is_digit(*text) && *last < 10000)
            *last = *last * 10 + (unsigned)(*text - '0');
    }
}

static int code_of_number(unsigned number)
{
    /* Terminals differ: Home is 1 or 7, and End is 4 or 8. */
    switch (number) {
    case 1:
    case 7: return KEY_HOME;
    case 3: return KEY_DELETE;
    case 4:
    case 8: return KEY_END;
    default: return KEY_NOTHING;
    }
}

static int code_of_letter(char letter)
{
    static const struct {
        char letter;
        short code;
    } codes[] = { { 'A', KEY_UP },   { 'B', KEY_DOWN }, { 'C', KEY_RIGHT },
                  { 'D', KEY_LEFT }, { 'H', KEY_HOME }, { 'F', KEY_END },
                  { 'c', KEY_WORD_RIGHT }, { 'd', KEY_WORD_LEFT } };

    /* `c` and `d` are arrows with a modifier, as rxvt sends them. */
    for (unsigned i = 0; i < ARRAY_LENGTH(codes); i++)
        if (codes[i].letter == letter)
            return codes[i].code;
    return KEY_NOTHING;
}

static void decode_sequence(const char *parameters, char final, struct key *key)
{
    struct sequence sequence;
    parse_parameters(parameters, &sequence);
    key->code = KEY_NOTHING;
    if (*parameters == '[') /* "ESC [ [ A": a function key of Linux's console */
        return;

    /* Parameter 2 is 1 + a mask of Shift, Alt and Control; Shift alone changes nothing. */
    bool modified = sequence.count > 1 && sequence.parameters[1] > 2;

    /* "ESC [ 3 ~" names a key by number, "ESC [ A" by its final byte. */
    if (final == '~') {
        key->code = code_of_number(sequence.parameters[0]);
    } else if (final == 'R' && sequence.count == 2) {
        key->code = KEY_REPORT;
        key->row = sequence.parameters[0];
        key->column = sequence.parameters[1];
    } else {
        key->code = code_of_letter(final);
    }

    /* Control or Alt with an arrow moves by words. */
    if (modified && key->code == KEY_RIGHT)
        key->code = KEY_WORD_RIGHT;
    if (modified && key->code == KEY_LEFT)
        key->code = KEY_WORD_LEFT;
}

/* Reads a sequence from after "ESC [" up to its final byte. */
static status_t read_sequence(struct keys *keys, struct key *key)
{
    char text[SEQUENCE_BYTES];
    size_t length = 0;
    for (;;) {
        int byte = next_byte(keys, TIME_NEVER);
        if (byte < 0)
            return byte;

        if (byte < 0x20 || byte > 0x7e) { /* not part of a sequence: a key by itself */
            push_back(keys, (uint8_t)byte);
            key->code = KEY_NOTHING;
            return 0;
        }

        /* ECMA-48 5.4: the final byte is 0x40 to 0x7e. Linux's "ESC [ [ A" is the exception. */
        if (byte >= 0x40 && !(byte == '[' && !length)) {
            text[length] = '\0';
            decode_sequence(text, (char)byte, key);
            return 0;
        }

        /* No known key has a longer sequence. Read it to its end, so that it is not taken for
         * text. */
        if (length + 1 < sizeof(text))
            text[length++] = (char)byte;
    }
}

/* Reads what follows an escape. A byte that does not begin a sequence is read again, with Alt. */
static status_t read_escaped(struct keys *keys, struct key *key)
{
    /* A terminal sends a sequence at once, so a pause after an escape means that it was a key. */
    int byte = next_byte(keys, time_now_us() + ESCAPE_WAIT_US);
    if (byte == -ETIMEDOUT) {
        key->code = KEY_ESCAPE;
        keys->alt = true;
        return 0;
    }

    if (byte < 0)
        return byte;

    /* "ESC O A" is how arrow keys are sent in application mode. */
    if (byte == '[')
        return read_sequence(keys, key);
    if (byte == 'O') {
        byte = next_byte(keys, TIME_NEVER);
        key->code = byte < 0 ? KEY_NOTHING : code_of_letter((char)byte);
        return byte < 0 ? byte : 0;
    }

    /* A key with Alt is sent as an escape and the key. */
    keys->alt = true;
    push_back(keys, (uint8_t)byte);
    key->code = KEY_NOTHING;
    return 0;
}

/* Returns the code of a key that was typed after an escape. */
static int code_with_alt(const struct key *key)
{
    if (key->code == KEY_TEXT)
        return key->length == 1 ? KEY_ALT + key->text[0] : KEY_NOTHING;

    if (key->code == KEY_RIGHT)
        return KEY_WORD_RIGHT;
    if (key->code == KEY_LEFT)
        return KEY_WORD_LEFT;

    /* These keys have the same meaning with Alt. */
    bool always = key->code == KEY_CR || key->code == KEY_LF || key->code == KEY_CONTROL_C ||
                  key->code > KEY_TEXT;
    return always ? key->code : KEY_ALT + key->code;
}

status_t keys_read(struct keys *keys, struct key *key, uint64_t deadline_us)
{
    int byte = next_byte(keys, deadline_us);
    if (byte < 0)
        return byte;

    if (byte == KEY_ESCAPE)
        return read_escaped(keys, key);

    status_t status = 0;
    key->code = byte;
    if (byte >= 0x20 && byte != KEY_RUBOUT)
        status = read_text(keys, (uint8_t)byte, key);

    /* An escape came before this key. */
    if (!status && keys->alt) {
        keys->alt = false;
        key->code = code_with_alt(key);
    }
    return status;
}
