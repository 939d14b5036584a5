/*
 * digest_list.h - the lines of checksum lists, as GNU's and BSD's tools write them.
 *
 * Forms       "DIGEST  NAME", "DIGEST *NAME" (the * marks binary), "DIGEST NAME" (BSD, reversed),
 *             "TAG (NAME) = DIGEST" (BSD, --tag). Blanks may come first.
 * Escapes     A line that begins with a backslash has escapes in NAME: \\ \n \r, and \xHH for other
 *             control characters, which GNU's tools write unescaped.
 * Separator   A list has either one or two characters between digest and name in all lines, so that
 *             a name may begin with a blank. The first line without a TAG decides.
 */
#ifndef SHELL_COMMANDS_FILES_DIGEST_LIST_H
#define SHELL_COMMANDS_FILES_DIGEST_LIST_H

#include "lib/digest/digest.h"
#include "shell/stream.h"

struct digest_list {
    const struct digest_kind *kind;
    enum { SEPARATOR_UNKNOWN, SEPARATOR_TWO, SEPARATOR_ONE } separator;
};

/* Parses line[bytes] in place: digest, in lower case, and name point into it. Returns false if the
 * line is not properly formatted. */
bool digest_list_parse(struct digest_list *list, char *line, size_t bytes, char **digest,
                       char **name);

/* Returns true if digest_name_write() would escape a character. */
bool digest_name_needs_escape(const char *name);
/* Writes the name with escapes. The caller writes the backslash before the line. */
void digest_name_write(struct stream *out, const char *name);

#endif
