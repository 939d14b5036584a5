/*
 * expression.c - parses and evaluates find's expression; see find.h.
 *
 * `primaries` is the table of tests, actions and global options. Parsing checks the grammar, so
 * evaluation cannot fail for a reason of syntax.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/find/find.h"
#include "shell/pattern.h"
#include "shell/options.h"
#include "shell/regex/regex.h"

/* ---- tests -------------------------------------------------------------------------------- */

static bool test_name(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return glob_matches_text(term->text, item->name, false);
}

static bool test_iname(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return glob_matches_text(term->text, item->name, true);
}

static bool test_path(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return glob_matches_text(term->text, item->path, false);
}

static bool test_ipath(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    return glob_matches_text(term->text, item->path, true);
}

/* Parses [+-]N[bcwkMG]. Without a letter the unit is a block of 512 bytes (POSIX). */
static int parse_size(struct find *find, struct find_term *term, char **words)
{
    static const struct { char letter; uint64_t bytes; } units[] = {
        { '\0', 512 },  { 'b', 512 },     { 'c', 1 },       { 'w', 2 },
        { 'k', 1024 },  { 'M', 1 << 20 }, { 'G', 1 << 30 },
    };
    if (find_parse_text(find, term, words) < 0)
        return -1;

    char digits[24];
    size_t length = 0;
    const char *at = words[0];
    if (*at == '+' || *at == '-')
        term->sign = *at++;

    /* Digits beyond 23 are dropped: the number exceeds 64 bits without them. */
    for (; *at >= '0' && *at <= '9'; at++)
        if (length < sizeof(digits) - 1)
            digits[length++] = *at;
    digits[length] = '\0';

    /* An unknown letter leaves the unit at 0, which is refused below. */
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
        if (*at == units[i].letter)
            term->unit = units[i].bytes;

    /* The digits are parsed without their letter, which is find's own. */
    status_t status = text_parse_u64(digits, &term->number);
    if (status == -ERANGE)
        return find_wrong(find, "-size %s: number too large", words[0]);
    if (status || !term->unit || (*at && at[1]))
        return find_wrong(find, "-size %s: invalid size; must be [+-]N[bcwkMG]", words[0]);
    return 1;
}

/* Sizes are rounded up to whole units (POSIX): -size -1k finds only empty files. */
static bool test_size(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find;
    uint64_t bytes = item->info.size_bytes;
    uint64_t units = bytes / term->unit + (bytes % term->unit != 0);
    switch (term->sign) {
    case '+': return units > term->number;
    case '-': return units < term->number;
    default: return units == term->number;
    }
}

static bool test_true(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find, (void)term, (void)item;
    return true;
}

static bool test_false(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)find, (void)term, (void)item;
    return false;
}

/* ---- options of the walk ------------------------------------------------------------------ */

static int parse_depth_limit(struct find *find, struct find_term *term, char **words)
{
    bool least = text_equal(term->primary->name, "-mindepth");
    if (find_parse_text(find, term, words) < 0)
        return -1;

    /* These options apply to the whole walk, wherever they are in the expression. */
    if (shell_number(find->shell, term->primary->name, words[0], 0, UINT64_MAX,
                     least ? &find->depth_min : &find->depth_max))
        return 1;
    find->result = SHELL_USAGE;
    return -1;
}

static int parse_contents_first(struct find *find, struct find_term *term, char **words)
{
    (void)term, (void)words;
    find->contents_first = true;
    return 0;
}

static int parse_follow(struct find *find, struct find_term *term, char **words)
{
    (void)term, (void)words;
    find->follow = find->follow_start = true;
    return 0;
}

static int parse_delete(struct find *find, struct find_term *term, char **words)
{
    (void)term, (void)words;
    find->has_delete = true;
    return 0;
}

static int parse_prune(struct find *find, struct find_term *term, char **words)
{
    (void)term, (void)words;
    find->has_prune = true;
    return 0;
}

static bool test_prune(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)term, (void)item;
    return find->prune = true;
}

static bool test_quit(struct find *find, struct find_term *term, const struct find_item *item)
{
    (void)term, (void)item;
    return find->quit = true;
}

static const struct find_primary primaries[] = {
    { "-name", find_parse_text, test_name, false, 0 },
    { "-iname", find_parse_text, test_iname, false, 0 },
    { "-path", find_parse_text, test_path, false, 0 },
    { "-wholename", find_parse_text, test_path, false, 0 },
    { "-ipath", find_parse_text, test_ipath, false, 0 },
    { "-iwholename", find_parse_text, test_ipath, false, 0 },
    { "-regex", find_parse_regex, find_matches_regex, false, 0 },
    { "-iregex", find_parse_regex, find_matches_regex, false, 0 },
    { "-regextype", find_parse_regex_type, test_true, false, 0 },
    { "-type", find_parse_type, find_has_type, false, INFO_MODE },
    { "-xtype", find_parse_type, find_has_target_type, false, INFO_MODE },
    { "-lname", find_parse_text, find_has_target, false, 0 },
    { "-ilname", find_parse_text, find_has_target, false, 0 },
    { "-samefile", find_parse_same, find_is_same, false, 0 },
    { "-inum", find_parse_number, find_has_id, false, 0 },
    { "-links", find_parse_number, find_has_links, false, INFO_MODE },
    { "-perm", find_parse_mode, find_has_mode, false, INFO_MODE },
    { "-mtime", find_parse_age, find_is_age, false, INFO_TIMES },
    { "-atime", find_parse_age, find_is_age, false, INFO_TIMES },
    { "-ctime", find_parse_age, find_is_age, false, INFO_TIMES },
    { "-mmin", find_parse_age, find_is_age, false, INFO_TIMES },
    { "-amin", find_parse_age, find_is_age, false, INFO_TIMES },
    { "-cmin", find_parse_age, find_is_age, false, INFO_TIMES },
    { "-size", parse_size, test_size, false, INFO_STANDARD },
    { "-newer", find_parse_newer, find_is_newer, false, INFO_TIMES },
    { "-empty", NULL, find_is_empty, false, INFO_STANDARD },
    { "-true", NULL, test_true, false, 0 },
    { "-false", NULL, test_false, false, 0 },
    { "-maxdepth", parse_depth_limit, test_true, false, 0 },
    { "-mindepth", parse_depth_limit, test_true, false, 0 },
    { "-depth", parse_contents_first, test_true, false, 0 },
    { "-xdev", NULL, test_true, false, 0 }, /* always on */
    { "-mount", NULL, test_true, false, 0 },
    { "-noleaf", NULL, test_true, false, 0 },
    { "-ignore_readdir_race", NULL, test_true, false, 0 },
    { "-follow", parse_follow, test_true, false, 0 },
    { "-prune", parse_prune, test_prune, false, 0 },
    { "-quit", NULL, test_quit, false, 0 },
    { "-print", NULL, find_print, true, 0 },
    { "-print0", NULL, find_print0, true, 0 },
    { "-printf", find_parse_text, find_printf, true, INFO_STANDARD | INFO_TIMES | INFO_MODE },
    { "-exec", find_parse_exec, find_exec, true, 0 },
    { "-delete", parse_delete, find_delete, true, 0 },
};

/* ---- parsing ------------------------------------------------------------------------------ */

static enum find_kind kind_of(const char *word)
{
    static const struct { const char *word; enum find_kind kind; } operators[] = {
        { "(", FIND_OPEN }, { ")", FIND_CLOSE }, { "!", FIND_NOT }, { "-not", FIND_NOT },
        { "-a", FIND_AND }, { "-and", FIND_AND }, { "-o", FIND_OR }, { "-or", FIND_OR },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(operators); i++)
        if (text_equal(operators[i].word, word))
            return operators[i].kind;
    return FIND_PRIMARY;
}

static struct find_term *term_add(struct find *find, enum find_kind kind)
{
    struct find_term *term = mem_zalloc(sizeof(*term));
    if (!term) {
        find_fail(find, NULL, -ENOMEM);
        return NULL;
    }
    term->kind = kind;
    if (find->last)
        find->last->next = term;
    else
        find->first = term;
    find->last = term;
    return term;
}

/* Returns whether a word is -newer with two letters, as in -newermt. */
static bool is_newer_xy(const char *word)
{
    return text_starts(word, "-newer") && strlen(word) == strlen("-newer") + 2;
}

/* Parses a test or an action and its arguments. Returns how many words it took, or -1. */
static int parse_primary(struct find *find, char **words)
{
    const struct find_primary *primary = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(primaries); i++)
        if (text_equal(primaries[i].name, words[0]) ||
            (text_equal(primaries[i].name, "-newer") && is_newer_xy(words[0])))
            primary = &primaries[i];
    if (!primary)
        return find_wrong(find, words[0][0] == '-' ? "unknown predicate %s"
                                              : "%s: paths must precede the expression", words[0]);

    /* The term joins the list before its words are parsed, so that it is freed after an error. */
    struct find_term *term = term_add(find, FIND_PRIMARY);
    if (!term)
        return -1;
    term->primary = primary;
    find->has_action |= primary->is_action;
    find->levels |= primary->levels;
    int taken = primary->parse ? primary->parse(find, term, words + 1) : 0;
    return taken < 0 ? -1 : taken + 1;
}

/* Parses an operator, which must follow an operand or precede one. */
static int parse_operator(struct find *find, enum find_kind kind, const char *word,
                          bool after_operand, unsigned *depth)
{
    bool binary = kind == FIND_AND || kind == FIND_OR;

    if (binary && !after_operand)
        return find_wrong(find, "%s: expected an expression before it", word);
    if (kind == FIND_OPEN && ++*depth >= FIND_DEPTH_MAX)
        return find_wrong(find, "%s: nested too deeply", word);
    if (kind == FIND_CLOSE && !*depth)
        return find_wrong(find, "%s without a matching (", word);

    /* Since a parenthesis is open, there is a term before this one. */
    if (kind == FIND_CLOSE && !after_operand)
        return find_wrong(find, find->last->kind == FIND_OPEN ? "%s: empty parentheses"
                                                         : "%s: expected an expression before it",
                     word);

    *depth -= kind == FIND_CLOSE;
    return term_add(find, kind) ? 1 : -1;
}

/* Checks the end of the expression, and conflicts between its terms. */
static int check_whole(struct find *find, const char *last, bool after_operand, unsigned depth)
{
    /* An operator at the end has nothing to its right. */
    if (last && !after_operand)
        return find_wrong(find, "%s: expected an expression after it", last);
    if (depth)
        return find_wrong(find, "( without a matching %s", ")");

    /* GNU refuses this, too: -prune would be ignored, and -delete would remove what it protects. */
    if (find->has_delete && find->has_prune && !find->contents_first)
        return find_wrong(find, "%s implies -depth, which disables -prune; add -depth "
                           "if that is intended", "-delete");
    find->contents_first |= find->has_delete;
    return 0;
}

int find_parse(struct find *find, char **words)
{
    unsigned depth = 0; /* open parentheses */
    bool after_operand = false;
    const char *last = NULL;
    find->result = SHELL_DONE;

    for (int taken; *words; words += taken) {
        /* The grammar has one state: whether the word before ended an operand. */
        last = *words;
        enum find_kind kind = kind_of(last);
        taken = kind == FIND_PRIMARY
                    ? parse_primary(find, words)
                    : parse_operator(find, kind, last, after_operand, &depth);
        if (taken < 0)
            return find->result;

        /* Two operands in a row are joined by an -a, which needs no term of its own. */
        after_operand = kind == FIND_PRIMARY || kind == FIND_CLOSE;
    }
    return check_whole(find, last, after_operand, depth) < 0 ? find->result : SHELL_DONE;
}

void find_free(struct find *find)
{
    struct find_term *next;
    for (struct find_term *term = find->first; term; term = next) {
        next = term->next;
        words_free(&term->batch);
        regex_destroy(term->regex);
        path_put(term->same);
        mem_free(term);
    }
    find->first = find->last = NULL;
}

/* ---- evaluating --------------------------------------------------------------------------- */

/* One bit for each level of parentheses; bit 0 is the innermost. */
struct levels {
    uint64_t any;     /* an earlier alternative of the -o was true */
    uint64_t all;     /* all terms of this alternative were true so far */
    uint64_t negated; /* a `!` precedes the parenthesis */
    uint64_t live;    /* the level's value can change the result */
};

static void level_open(struct levels *levels, bool live, bool negate)
{
    /* A new level has no true alternative yet. Its first alternative is true until a term is
     * false. */
    levels->any = levels->any << 1;
    levels->all = levels->all << 1 | 1;
    levels->negated = levels->negated << 1 | negate;
    levels->live = levels->live << 1 | live;
}

static bool level_close(struct levels *levels)
{
    /* The last alternative has no -o after it, so it is still in `all`. */
    bool value = ((levels->any | levels->all) & 1) != (levels->negated & 1);
    levels->any >>= 1;
    levels->all >>= 1;
    levels->negated >>= 1;
    levels->live >>= 1;
    return value;
}

void find_evaluate(struct find *find, const struct find_item *item)
{
    struct levels levels = { 0 };
    bool negate = false;
    find->prune = false;

    /* The expression as a whole is the outermost level. */
    level_open(&levels, true, false);

    for (struct find_term *term = find->first; term && !find->quit; term = term->next) {
        /* Is this term evaluated? Not after a false term of an -a, nor after a true side of -o. */
        bool live = levels.live & levels.all & ~levels.any & 1, value = true;

        switch (term->kind) {
        case FIND_NOT:
            negate = !negate;
            continue;
        case FIND_AND:
            continue;
        case FIND_OR:
            /* An alternative ends here, and another begins. */
            levels.any |= levels.all & 1;
            levels.all |= 1;
            continue;
        case FIND_OPEN:
            /* If this parenthesis cannot change the result, nothing in it is evaluated. */
            level_open(&levels, live, negate);
            negate = false;
            continue;
        case FIND_CLOSE:
            value = level_close(&levels);
            break;
        case FIND_PRIMARY:
            if (live)
                value = term->primary->evaluate(find, term, item) != negate;
            negate = false;
            break;
        }

        /* One false term makes the alternative false. */
        if (!value)
            levels.all &= ~(uint64_t)1;
    }

    /* An expression without an action prints what it is true for. */
    if (level_close(&levels) && !find->has_action && !find->quit)
        find_print(find, NULL, item);
}
