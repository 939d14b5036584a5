/*
 * digest_list.c - reads and writes the lines of checksum lists; see digest_list.h.
 */
#include "shell/commands/files/digest_list.h"
#include "lib/string.h"
#include "lib/text.h"

bool digest_name_needs_escape(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f || *name == '\\')
            return true;
    return false;
}

void digest_name_write(struct stream *out, const char *name)
{
    for (; *name; name++) {
        /* GNU escapes only these three. The other control characters become \xNN. */
        char one[2] = { *name };
        if (*name == '\\')
            stream_text(out, "\\\\");
        else if (*name == '\n')
            stream_text(out, "\\n");
        else if (*name == '\r')
            stream_text(out, "\\r");
        else
            stream_escaped(out, one, false);
    }
}

/* ---- parsing ------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Undoes digest_name_write() in place. Returns false for an escape that it never writes. */
static bool name_unescape(char *name)
{
    /* An escape is longer than its character, so the result fits in place. */
    char *to = name;
    for (; *name; name++) {
        if (*name != '\\') {
            *to++ = *name;
            continue;
        }
        switch (*++name) {
        case '\\': *to++ = '\\'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 'x':
            /* Both digits must be there: the NUL at the end is not a digit. */
            if (text_hex_digit(name[1]) < 0 || text_hex_digit(name[2]) < 0)
                return false;
            *to = (char)(text_hex_digit(name[1]) << 4 | text_hex_digit(name[2]));

            /* A name cannot contain a NUL. */
            if (!*to++)
                return false;
            name += 2;
            break;
        default: return false;
        }
    }
    *to = '\0';
    return true;
}

/* Converts a digest to lower case and returns its end. NULL if these are not its digits. */
static char *take_digest(const struct digest_list *list, char *at)
{
    for (unsigned i = 0; i < 2 * list->kind->bytes; i++, at++) {
        if (text_hex_digit(*at) < 0)
            return NULL;
        *at = text_lower(*at);
    }
    return at;
}

/* Parses what follows "TAG (". The name may contain parentheses: the last one ends it. */
static bool parse_tagged(const struct digest_list *list, char *at, bool escaped, char **digest,
                         char **name)
{
    char *close = strrchr(at, ')');
    if (!close)
        return false;

    /* Both results point into the line, so the name is ended there. */
    *name = at;
    *close++ = '\0';

    /* An equals sign and the digest must follow, with optional blanks, up to the end. */
    while (is_blank(*close))
        close++;
    if (*close++ != '=')
        return false;
    while (is_blank(*close))
        close++;
    *digest = close;

    /* A name is changed last, once the rest of the line is valid. */
    char *end = take_digest(list, close);
    return end && !*end && (!escaped || name_unescape(*name));
}

/* Parses "DIGEST  NAME", "DIGEST *NAME" or "DIGEST NAME". */
static bool parse_plain(struct digest_list *list, char *at, bool escaped, char **digest,
                        char **name)
{
    /* The digest must have exactly the length of its kind. */
    *digest = at;
    at = take_digest(list, at);
    if (!at || !is_blank(*at))
        return false;
    *at++ = '\0';

    /* The first line decides how many characters separate digest and name in this list. */
    bool two = (*at == ' ' || *at == '*') && at[1];
    if (!two && list->separator == SEPARATOR_TWO)
        return false;
    if (list->separator == SEPARATOR_UNKNOWN)
        list->separator = two ? SEPARATOR_TWO : SEPARATOR_ONE;

    /* In a list with one separator, a second blank or an asterisk belongs to the name. */
    *name = at + (list->separator == SEPARATOR_TWO);
    return **name && (!escaped || name_unescape(*name));
}

bool digest_list_parse(struct digest_list *list, char *line, size_t bytes, char **digest,
                       char **name)
{
    /* A name cannot contain a NUL, so this is not a line of a list. */
    if (memchr(line, '\0', bytes))
        return false;
    while (is_blank(*line))
        line++;

    /* A backslash before the line means that the name contains escapes (GNU). */
    bool escaped = *line == '\\';
    line += escaped;

    /* A line in BSD's format begins with the name of the digest: `SHA256 (NAME) = ...`. */
    if (!text_starts(line, list->kind->tag))
        return parse_plain(list, line, escaped, digest, name);
    line += strlen(list->kind->tag);
    line += *line == ' ';
    return *line == '(' && parse_tagged(list, line + 1, escaped, digest, name);
}
