/*
 * sed_space.c - what l and y do with the pattern space, and messages; see sed.h.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/commands/edit/sed.h"

void sed_complain(struct shell *shell, const char *what, const char *name, status_t status)
{
    const char *reason = status_text(status);
    shell_complain(shell, "%s %s: %c%s", what, name, text_upper(*reason), reason + 1);
}

void sed_list(const struct sed *sed, struct stream *out, uint64_t width)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    const struct buffer *space = &sed->space;
    uint64_t column = 0;

    for (size_t i = 0; i < space->length; i++) {
        uint8_t c = (uint8_t)space->text[i];
        const char *letter = c ? strchr(values, c) : NULL;
        char text[8];
        size_t length;

        if (c == '\\')
            length = text_copy(text, sizeof(text), "\\\\");
        else if (letter)
            length = (size_t)format_text(text, sizeof(text), "\\%c", letters[letter - values]);
        else if (c < ' ' || c >= 0x7f)
            length = (size_t)format_text(text, sizeof(text), "\\%03o", c);
        else
            length = (size_t)format_text(text, sizeof(text), "%c", c);

        /* A width of 0 means not to divide lines. */
        if (width && column + length > width - 1) {
            stream_text(out, "\\");
            stream_write(out, &sed->line_end, 1);
            column = 0;
        }
        stream_write(out, text, length);
        column += length;
    }
    stream_text(out, "$");
    stream_write(out, &sed->line_end, 1);
}

status_t sed_map(struct sed *sed, const struct sed_command *command)
{
    struct buffer *space = &sed->space, result = { 0 };
    for (size_t at = 0; at < space->length;) {
        uint32_t code;
        size_t length = (size_t)max(utf8_decode(space->text + at, space->length - at, &code), 1);
        const char *to = space->text + at;
        size_t to_length = length;

        /* The list of pairs is short: it is searched for each character. */
        for (size_t i = 0; i < command->map.length;) {
            const char *pair = command->map.text + i;
            size_t from_bytes = (size_t)pair[0], to_bytes = (size_t)pair[1 + from_bytes];
            if (from_bytes == length && !memcmp(pair + 1, space->text + at, length)) {
                to = pair + 2 + from_bytes;
                to_length = to_bytes;
                break;
            }
            i += 2 + from_bytes + to_bytes;
        }
        buffer_put(&result, to, to_length);
        at += length;
    }
    if (!result.text)
        buffer_put(&result, "", 0);
    if (result.status) {
        buffer_free(&result);
        return -ENOMEM;
    }
    buffer_free(space);
    *space = result;
    return 0;
}
