/*
 * sed.h - the script of sed: what sed_parse.c makes of it, and sed_run.c runs.
 *
 * Model       A script is a list of commands. A block's `{` leads past its `}` if its addresses do
 *             not select the line; branches lead to commands too, so that running is one loop.
 * Lines       The pattern space and the hold space may have any length that leaves memory for
 *             others, and contain any bytes.
 * Errors      sed_parse() reports them as GNU does: the number of the -e expression, or the file
 *             and line, and the place.
 * Ownership   The script owns all that its commands point to; sed_free() frees it.
 * References  POSIX.1-2017, sed; GNU's extensions: N~M, 0,/re/, +N, the flags of s, F, Q, R, T,
 *             v, W, z.
 */
#ifndef SHELL_COMMANDS_EDIT_SED_H
#define SHELL_COMMANDS_EDIT_SED_H

#include "shell/language/output_file.h"
#include "shell/reading/input.h"
#include "shell/regex/regex.h"
#include "shell/words.h"

enum { SED_USAGE = 1, SED_INPUT = 2, SED_TROUBLE = 4 }; /* GNU's exit statuses */

enum address_kind {
    ADDRESS_NONE,
    ADDRESS_LINE,     /* `one` */
    ADDRESS_STEP,     /* one~two */
    ADDRESS_LAST,     /* $ */
    ADDRESS_REGEX,
    ADDRESS_ZERO,     /* 0, before /re/ */
    ADDRESS_MORE,     /* +one, as the second address */
    ADDRESS_MULTIPLE, /* ~one, as the second address */
};

struct address {
    enum address_kind kind;
    uint64_t one, two;
    struct regex *regex; /* NULL: the last one that was used */
};

/* Where `w` writes. Commands with the same name share it. */
struct sed_output {
    struct sed_output *next;
    char *name;
    struct output_file *file; /* NULL: /dev/stdout or /dev/stderr */
    struct stream *stream;
    bool lacks_newline;       /* the last line was written without its newline */
};

/* A piece of a replacement: some text, and then a group (-1: none), in the given case. */
struct sed_piece {
    struct sed_piece *next;
    struct buffer text;
    int group;
    char change;  /* 'U', 'L', 'E': from here on; 0: none */
    char once;    /* 'u', 'l': of the next character; 0: none */
};

struct sed_substitution {
    struct regex *regex; /* NULL: the last one */
    struct sed_piece *pieces;
    bool all, prints;
    unsigned last_group; /* the largest one that the replacement contains; 0: none */
    uint64_t number; /* replace only the N-th match, or from it on */
    struct sed_output *output;
};

struct sed_command {
    struct sed_command *next;
    struct address from, to;
    bool negated;
    char name;

    /* of a range that began */
    bool active, ended;   /* ended: a 0,/re/ is over */
    uint64_t last_line;   /* the range ends here; 0: at `to` */

    struct buffer text;   /* of a i c, a label, a file's name */
    uint64_t number;      /* of l q Q */
    bool has_number;
    struct sed_command *target; /* of { b t T; NULL: the end of the script */
    struct sed_substitution *substitution;
    struct buffer map;    /* of y: pairs of characters */
    struct sed_output *output;
    struct input *reads;  /* of R */
};

struct sed {
    struct shell *shell;
    struct sed_command *commands, **last;
    struct sed_output standard, *outputs;
    bool quiet, extended, separate, in_place, null_data;
    char line_end;
    uint64_t wrap; /* of l */

    struct regex *used; /* the last regular expression that was used */
    struct buffer space, hold, ahead;
    bool space_ended, hold_ended; /* the line had its newline */
};

/* Parses a script, which may be a part of the whole. `name`: of its file; NULL: it is the
 * expression of this number. Returns a status. */
int sed_parse(struct sed *sed, struct buffer *script, const char *name, unsigned number);
/* Runs the script. Returns a status. */
int sed_run(struct sed *sed, int count, char **names);
void sed_free(struct sed *sed);

/* Writes a line, after a newline that the line before lacked. */
void sed_write(struct sed_output *output, const char *text, size_t bytes, char line_end,
               bool ended);
/* Reports "sed: WHAT NAME: reason", for example of "can't read". */
void sed_complain(struct shell *shell, const char *what, const char *name, status_t status);
/* l: writes the pattern space without ambiguity, in lines of this width; 0: one line. */
void sed_list(const struct sed *sed, struct stream *out, uint64_t width);
/* y: replaces the characters of the pattern space. -ENOMEM. */
status_t sed_map(struct sed *sed, const struct sed_command *command) MUST_CHECK;
/* Replaces in the pattern space. Returns 1 if something was replaced, 0, or an errno. */
int sed_substitute(struct sed *sed, const struct sed_substitution *substitution);
/* Parses a replacement. Returns an error message, or NULL. */
const char *sed_parse_replacement(struct sed_substitution *substitution, const char *text,
                                  size_t bytes);
/* Parses a backslash's successor at text[*at] to a byte: \a \f \n \r \t \v \cX \dNNN \oNNN \xHH.
 * Returns -1 if it is none of these. */
int sed_escape(const char *text, size_t bytes, size_t *at);

#endif
