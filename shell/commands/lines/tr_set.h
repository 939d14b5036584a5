/*
 * tr_set.h - the sets of bytes that tr's operands describe.
 *
 * Forms       a byte; \a \b \f \n \r \t \v \\ and \NNN (octal); a-z; [:class:]; [=a=]; [a*N] and
 *             [a*], a byte N times or as often as needed. A construct that is not complete is an
 *             ordinary sequence of bytes.
 * Model       A set is a sequence: the operand is parsed to a list of ranges, which tr_set_next()
 *             yields byte by byte, so that [a*99999] needs no memory.
 * Errors      Parsing reports them, in GNU's words.
 * References  POSIX.1-2017, tr.
 */
#ifndef SHELL_COMMANDS_LINES_TR_SET_H
#define SHELL_COMMANDS_LINES_TR_SET_H

#include "shell/shell.h"

enum tr_kind { TR_RANGE, TR_CLASS, TR_EQUIVALENCE, TR_REPEAT };

struct tr_item {
    enum tr_kind kind;
    uint8_t first, last;           /* of a range; `first` of the others */
    bool (*has)(uint8_t c);        /* of a class */
    bool is_case;                  /* [:upper:] or [:lower:] */
    bool fills;                    /* [a*]: its count is set when the other set is known */
    uint64_t count;                /* of a repeat */
};

struct tr_set {
    struct tr_item *items;
    unsigned count;
    bool complement; /* the bytes that the items do not contain, in ascending order */

    /* where tr_set_next() is */
    unsigned item;
    uint64_t at;
    bool begins; /* the last byte was the first of its item */
};

/* Returns SHELL_DONE, or another status after an error message. tr_set_free() is needed after an
 * error too. */
int tr_set_parse(struct shell *shell, const char *text, struct tr_set *set) MUST_CHECK;
void tr_set_free(struct tr_set *set);

/* Returns the next byte of the sequence, or -1 at its end. tr_set_rewind() begins again. */
int tr_set_next(struct tr_set *set);
void tr_set_rewind(struct tr_set *set);
/* Returns the item that the last byte belongs to; NULL in a complement. */
const struct tr_item *tr_set_item(const struct tr_set *set);
/* Returns how many bytes the sequence has. */
uint64_t tr_set_length(const struct tr_set *set);
/* Sets has[c] for each byte of the sequence. */
void tr_set_members(struct tr_set *set, bool has[256]);

#endif
