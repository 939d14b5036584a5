/*
 * digest_list.h - the lines of checksum lists, as GNU's and BSD's tools write them.
 *
 * Forms       "DIGEST  NAME", "DIGEST *NAME" (the * marks binary), "DIGEST NAME" (BSD, reversed),
 *             "TAG (NAME) = DIGEST" (BSD, --tag). Blanks may come first.
 * Escapes     A backslash before the line: in NAME \\ \n \r mean a backslash, LF and CR, and
 *             \xHH for other control characters, which GNU's tools write as they are.
 * Reversed    One list has either two characters between digest and name or one, so that a name may
 *             begin with a blank: the first such line decides.
 */
#ifndef SHELL_COMMANDS_FILES_DIGEST_LIST_H
#define SHELL_COMMANDS_FILES_DIGEST_LIST_H

#include "lib/digest.h"
#include "shell/stream.h"

struct digest_list {
    const struct digest_kind *kind;
    enum { SEPARATOR_UNKNOWN, SEPARATOR_TWO, SEPARATOR_ONE } separator;
};

/* Parses line[bytes], which is changed: the parts point into it, the digest in lower case. False:
 * the line is not properly formatted. */
bool digest_list_parse(struct digest_list *list, char *line, size_t bytes, char **digest,
                       char **name);

/* Would the name be written with escapes? */
bool digest_name_needs_escape(const char *name);
/* Writes the name with its escapes, the backslash before the line not included. */
void digest_name_write(struct stream *out, const char *name);

#endif
