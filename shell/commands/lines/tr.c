/*
 * tr.c - replaces, deletes or squeezes bytes of standard input: tr.
 *
 * Model       The two sets become tables of 256 entries before the first byte is read: what each
 *             byte becomes, whether it is deleted, and whether a repetition of it is dropped.
 * References  POSIX.1-2017, tr. Bytes are translated, not characters, as in GNU's tr.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/commands/lines/tr_set.h"
#include "shell/options.h"
#include "shell/reading/input.h"

enum { TR_BYTES = 512 };

struct tr {
    struct shell *shell;
    struct tr_set one, two;
    uint8_t becomes[256];
    bool deletes[256], squeezes[256];
    int before; /* the last byte written; -1: none */
    char buffer[TR_BYTES];
};

/* ---- checking the sets -------------------------------------------------------------------- */

/* Returns whether a complement can be translated: string2 maps all of it to one byte. */
static bool is_one_byte(struct tr_set *set)
{
    int first, c;
    tr_set_rewind(set);
    for (first = c = tr_set_next(set); c >= 0; c = tr_set_next(set))
        if (c != first)
            return false;
    return true;
}

static bool has_class(const struct tr_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->items[i].kind == TR_CLASS)
            return true;
    return false;
}

/* [:lower:] and [:upper:] in string2 convert cases only if a case is at the same place in
 * string1. */
static int check_cases(struct tr *tr)
{
    tr_set_rewind(&tr->one);
    tr_set_rewind(&tr->two);
    while (!tr->one.complement && tr_set_next(&tr->two) >= 0) {
        int c = tr_set_next(&tr->one);
        const struct tr_item *one = tr_set_item(&tr->one), *two = tr_set_item(&tr->two);
        if (tr->two.begins && two->is_case && !(tr->one.begins && one && one->is_case))
            return shell_complain(tr->shell, "misaligned [:upper:] and/or [:lower:] construct");
        if (c < 0)
            break;
    }
    return SHELL_DONE;
}

/* Checks what only a string2 that translates must not contain. */
static int check_translation(struct tr *tr)
{
    for (unsigned i = 0; i < tr->two.count; i++) {
        const struct tr_item *item = &tr->two.items[i];
        if (item->kind == TR_EQUIVALENCE)
            return shell_complain(tr->shell, "[=c=] expressions may not appear in string2 when "
                                             "translating");
        if (item->kind == TR_CLASS && !item->is_case)
            return shell_complain(tr->shell, "when translating, the only character classes that "
                                             "may appear in string2 are 'upper' and 'lower'");
    }

    int result = check_cases(tr);
    uint64_t one = tr_set_length(&tr->one), two = tr_set_length(&tr->two);
    if (!result && one > two && !option_given(tr->shell, 't')) {
        if (!two)
            return shell_complain(tr->shell,
                                  "when not truncating set1, string2 must be non-empty");
        if (tr->two.items[tr->two.count - 1].kind == TR_CLASS)
            return shell_complain(tr->shell, "when translating with string1 longer than string2, "
                                             "the latter string must not end with a character "
                                             "class");
    }

    /* string2 was extended to the length of string1, unless it is longer. */
    bool fits = two == one || (two < one && !option_given(tr->shell, 't'));
    if (!result && tr->one.complement && has_class(&tr->one) && !(fits && is_one_byte(&tr->two)))
        return shell_complain(tr->shell, "when translating with complemented character classes, "
                                         "string2 must map all characters in the domain to one");
    return result;
}

/* Gives [c*] of string2 the length that string2 lacks, and checks both sets. */
static int check_sets(struct tr *tr, bool translating)
{
    struct tr_item *filler = NULL;
    for (unsigned i = 0; i < tr->one.count; i++)
        if (tr->one.items[i].fills)
            return shell_complain(tr->shell,
                                  "the [c*] repeat construct may not appear in string1");
    for (unsigned i = 0; i < tr->two.count; i++)
        if (tr->two.items[i].fills) {
            if (filler)
                return shell_complain(tr->shell,
                                      "only one [c*] repeat construct may appear in string2");
            filler = &tr->two.items[i];
        }
    if (filler && !translating)
        return shell_complain(tr->shell, "the [c*] construct may appear in string2 only when "
                                         "translating");

    uint64_t one = tr_set_length(&tr->one), two = tr_set_length(&tr->two);
    if (filler && one > two)
        filler->count = one - two;
    return translating ? check_translation(tr) : SHELL_DONE;
}

/* ---- the tables --------------------------------------------------------------------------- */

static void make_translation(struct tr *tr)
{
    int last = -1, from, to;

    /* A byte that string1 contains twice becomes its last counterpart. */
    tr_set_rewind(&tr->one);
    tr_set_rewind(&tr->two);
    while ((from = tr_set_next(&tr->one)) >= 0) {
        to = tr_set_next(&tr->two);
        if (to < 0 && option_given(tr->shell, 't'))
            break;

        /* GNU and BSD: a string2 that is too short is extended with its last byte. */
        last = to < 0 ? last : to;
        tr->becomes[from] = (uint8_t)last;
    }
}

static void make_tables(struct tr *tr, bool has_two)
{
    bool deleting = option_given(tr->shell, 'd'), squeezing = option_given(tr->shell, 's');

    for (unsigned c = 0; c < 256; c++)
        tr->becomes[c] = (uint8_t)c;
    if (has_two && !deleting)
        make_translation(tr);
    if (deleting)
        tr_set_members(&tr->one, tr->deletes);

    /* The last string describes what is squeezed, after deleting or translating (POSIX). */
    if (squeezing)
        tr_set_members(has_two ? &tr->two : &tr->one, tr->squeezes);
}

/* ---- running ------------------------------------------------------------------------------ */

static status_t tr_input(struct input *input, void *context)
{
    struct tr *tr = context;
    struct stream *out = tr->shell->out;
    const char *data;
    ssize_t got;

    while ((got = input_piece(input, &data)) > 0 && !out->status) {
        size_t used = 0;
        for (ssize_t i = 0; i < got; i++) {
            uint8_t c = (uint8_t)data[i];
            if (tr->deletes[c])
                continue;
            c = tr->becomes[c];
            if (tr->squeezes[c] && tr->before == c)
                continue;

            tr->before = c;
            tr->buffer[used++] = (char)c;
            if (used == TR_BYTES) {
                stream_write(out, tr->buffer, used);
                used = 0;
            }
        }
        stream_write(out, tr->buffer, used);
    }
    return got < 0 ? (status_t)got : 0;
}

static int check_operands(struct shell *shell, int count, char **words)
{
    bool deleting = option_given(shell, 'd'), squeezing = option_given(shell, 's');
    int least = deleting == squeezing ? 2 : 1, most = deleting && !squeezing ? 1 : 2;

    if (count - 1 < least && count < 2)
        return shell_complain(shell, "missing operand");
    if (count - 1 < least)
        return shell_complain(shell, "missing operand after '%s'; two strings must be given when "
                                     "%s", words[1],
                              deleting ? "both deleting and squeezing repeats" : "translating");
    if (count - 1 > most)
        return shell_complain(shell, "extra operand '%s'%s", words[most + 1],
                              most == 1 ? "; only one string may be given when deleting without "
                                          "squeezing repeats" : "");
    return SHELL_DONE;
}

static int run_tr(struct shell *shell, int count, char **words)
{
    int result = check_operands(shell, count, words);
    if (result)
        return result;

    struct tr *tr = mem_zalloc(sizeof(*tr));
    if (!tr)
        return shell_fail(shell, NULL, -ENOMEM);
    tr->shell = shell;
    tr->before = -1;

    bool has_two = count > 2;
    result = tr_set_parse(shell, words[1], &tr->one);
    tr->one.complement = option_given(shell, 'c') || option_given(shell, 'C');
    if (!result && has_two)
        result = tr_set_parse(shell, words[2], &tr->two);
    if (!result)
        result = check_sets(tr, has_two && !option_given(shell, 'd'));
    if (!result) {
        make_tables(tr, has_two);
        result = input_each(shell, 0, 0, NULL, tr_input, tr);
    }

    tr_set_free(&tr->one);
    tr_set_free(&tr->two);
    mem_free(tr);
    return result;
}

static const struct shell_option tr_options[] = {
    { 'c', "complement", NULL, "use the bytes that are not in STRING1" },
    { 'C', NULL, NULL, "same as -c" },
    { 'd', "delete", NULL, "delete the bytes in STRING1" },
    { 's', "squeeze-repeats", NULL, "replace repeated bytes of the last STRING by one" },
    { 't', "truncate-set1", NULL, "use only as much of STRING1 as STRING2 is long" },
    { 0 },
};

static const struct shell_command command_tr = {
    .name = "tr",
    .arguments = "[-cCdst] STRING1 [STRING2]",
    .summary = "translate, squeeze or delete bytes",
    .arguments_max = -1,
    .run = run_tr,
    .options = tr_options,
    .option_rules = OPTIONS_FIRST,
    .group = "Text",
};
SHELL_COMMAND(command_tr);
DRIVER_DRIVES("command tr Text: translate, squeeze or delete bytes");
