/*
 * wide_name.c - names in UTF-16. See wide_name.h.
 */
#include "kernel/vfs/layout/wide_name.h"
#include "lib/string.h"
#include "lib/utf8.h"

static bool is_forbidden(uint32_t code)
{
    /* Most of a name are letters and digits, which need no search. */
    if (code >= 0x80 || (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9'))
        return false;
    return code < ' ' || strchr("\"*/:<>?\\|", (int)code);
}

status_t wide_name_encode(struct element element, struct wide_name *name)
{
    name->count = 0;
    for (size_t at = 0; at < element.length;) {
        uint32_t code;
        int bytes = utf8_decode(element.name + at, element.length - at, &code);
        if (bytes < 0 || is_forbidden(code))
            return -EINVAL;
        at += (size_t)bytes;

        /* Code points above 16 bits take two units, a surrogate pair. */
        unsigned count = code >= 0x10000 ? 2 : 1;
        if (name->count + count > WIDE_UNITS_MAX)
            return -ENAMETOOLONG;
        if (count == 2) {
            code -= 0x10000;
            name->units[name->count++] = (uint16_t)(0xd800 + (code >> 10));
            code = 0xdc00 + (code & 0x3ff);
        }
        name->units[name->count++] = (uint16_t)code;
    }
    return 0;
}

status_t wide_name_parse(struct element element, struct wide_name *name)
{
    char last = element.length ? element.name[element.length - 1] : '.';
    return last == '.' || last == ' ' ? -EINVAL : wide_name_encode(element, name);
}
