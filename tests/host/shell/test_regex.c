/*
 * test_regex.c - regular expressions: cases, and made-up ones against the C library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "lib/macros.h"
#include "shell/regex/regex.h"
#include "tests/host/rig.h"

static struct regex *create(const char *text, unsigned flags)
{
    struct regex *expression;
    const char *why;
    status_t status = regex_create(text, flags, &expression, &why);
    if (status)
        panic("%s: %d, %s", text, status, why);
    return expression;
}

/* ---- cases -------------------------------------------------------------------------------- */

enum { E = REGEX_EXTENDED, F = REGEX_FIXED, I = REGEX_FOLD, W = REGEX_WORDS,
       X = REGEX_LINES };

/* `match` is what is found, NULL: nothing. */
static const struct {
    unsigned flags;
    const char *pattern, *text, *match;
} cases[] = {
    { 0, "", "", "" },           { 0, "a", "cab", "a" },       { 0, "^a", "cab", NULL },
    { 0, "b$", "cab", "b" },     { 0, "a$", "cab", NULL },     { 0, "^$", "", "" },
    { 0, "^$", "a", NULL },      { 0, "c.b", "cab", "cab" },   { 0, "ca*b", "cb", "cb" },
    { 0, "ca*b", "caaab", "caaab" }, { 0, "ca*b", "caaxb", NULL }, { 0, ".*b$", "aab", "aab" },
    { 0, "[a-c]x", "bx", "bx" }, { 0, "[^a-c]x", "bx", NULL }, { 0, "[]]", "]", "]" },
    { 0, "[^]]", "]", NULL },    { 0, "[a-]", "-", "-" },      { 0, "\\[", "[", "[" },
    { 0, "\\$", "a$b", "$" },    { 0, "\\$$", "a$", "$" },     { 0, "*a", "b*a", "*a" },
    { 0, "^*a", "*a", "*a" },    { 0, "a^b$c", "a^b$c", "a^b$c" }, { 0, "a\\{2\\}", "aaa", "aa" },
    /* where a match may begin */
    { 0, "aab", "aaab", "aab" }, { 0, "abc", "xabab", NULL }, { 0, "abc", "ababc", "abc" },
    { 0, "abcdefghijklmnopqrs", "abcdefghijklmnopqrabcdefghijklmnopqrs", "abcdefghijklmnopqrs" },
    { I, "k", "a\xe2\x84\xaa", "\xe2\x84\xaa" }, { I, "[sx]", "a\xc5\xbf", "\xc5\xbf" },
    { 0, "[^a-z]", "abc\xc3\xa4", "\xc3\xa4" }, { 0, "\xa4", "\xc3\xa4" "a\xa4", "\xa4" },
    { E, "(b|\xc3\xa4)x", "b\xc3\xa4x", "\xc3\xa4x" }, { E, "(a|$)", "bb", "" },
    { E, "^(b|a)", "xa", NULL }, { W, "ab", "xab ab", "ab" }, { I | W, "aB", "xAb Ab", "Ab" },
    { I, "\xc3\x84", "\xc3\xa4", "\xc3\xa4" }, { 0, "^.$", "\xc3\xa4", "\xc3\xa4" },
    { 0, "^.$", "\xff", "\xff" }, { I, "AbC", "xaBcx", "aBc" }, { 0, "x*$", "abc", "" },
    { 0, "a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", NULL }, { 0, "[[]a", "[a", "[a" },
    { 0, "a\\|bc", "xbca", "bc" }, { 0, "a|b", "a|b", "a|b" }, { 0, "\\(^a\\)b", "ab", "ab" },
    { 0, "a+", "aa+", "a+" },    { 0, "a\\+", "baa+", "aa" },  { 0, "a\\?b", "aab", "ab" },
    { 0, "\\(ab\\)*c", "ababc", "ababc" }, { 0, "{", "a{", "{" }, { 0, "a{2}", "a{2}", "a{2}" },
    { E, "a|bc", "xbca", "bc" }, { E, "ab|abcd|abc", "abcd", "abcd" },
    { E, "(a|b)+", "xabba", "abba" },
    { E, "a{2,3}", "aaaa", "aaa" }, { E, "a{2,}", "aaaa", "aaaa" }, { E, "a{,2}b", "aaab", "aab" },
    { E, "a{0}b", "ab", "b" },   { E, "(ab){2}", "ababab", "abab" }, { E, "a{x", "a{x", "a{x" },
    { E, "(a*)*", "b", "" },     { E, "(a*)+b", "aab", "aab" }, { E, "(|a)b", "ab", "ab" },
    { E, "()", "a", "" },        { E, "a\\|b", "a|b", "a|b" }, { E, "\\(a\\)", "(a)", "(a)" },
    { E, "^a|b$", "ab", "a" },   { E, "x(^a)", "xa", NULL },   { E, "a}", "a}", "a}" },
    { E, "abcd|c", "abcd", "abcd" }, { E, "abcx|bc|c", "abcd", "bc" },
    { E, "(((a){2}){2}){2}", "aaaaaaaaa", "aaaaaaaa" },
    { E, "[[:alpha:]_]+", "1a_\xc3\xa4 ", "a_\xc3\xa4" }, { E, "[^[:space:]]+", " \tab ", "ab" },
    { E, "[[:digit:][:upper:]]+", "aA1b", "A1" }, { E | I, "[[:upper:]]+", "1aB", "aB" },
    { E, "\\w+", "-a_1-", "a_1" }, { E, "\\W", "a-", "-" },    { E, "\\s\\S", "a b", " b" },
    { E, "\\bb", "ab b", "b" },  { E, "\\<a\\>", "aa a", "a" }, { E, "\\Bb", "b ab", "b" },
    { F, "a.*[", "xa.*[", "a.*[" }, { F, "\\", "\\", "\\" },   { F | I, "aB", "Ab", "Ab" },
    { W, "a", "ab ba _a a", "a" }, { W, "ab*", "abc ab", "ab" }, { W, "a", "ab", NULL },
    { X, "a", "aa", NULL },      { X, "a*", "aa", "aa" },      { X | E, "a|ab", "ab", "ab" },
    { F | X, "a", "a", "a" },    { F | W, "a", "aa", NULL },
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct regex *e = create(cases[i].pattern, cases[i].flags);
        const char *text = cases[i].text, *match = cases[i].match;
        size_t start, end, bytes = strlen(text);
        bool found = regex_find(e, text, bytes, 0, &start, &end);
        if (found != (match != NULL) || found != regex_matches(e, text, bytes) ||
            (found && (end - start != strlen(match) || memcmp(text + start, match, end - start))))
            panic("%s in %s: %d, %zu to %zu", cases[i].pattern, text, found, start, end);
        regex_destroy(e);
    }
}

static void test_errors(void **state)
{
    static const struct {
        unsigned flags;
        const char *pattern, *why;
    } wrong[] = {
        { 0, "[", "unmatched [" },
        { 0, "a[b", "unmatched [" },
        { 0, "[]", "unmatched [" },
        { 0, "[^]", "unmatched [" },
        { 0, "[[:alpha:]", "unmatched [" },
        { 0, "[[:alfa:]]", "invalid character class name" },
        { 0, "[z-a]", "invalid range end" },
        { 0, "\\(a", "unmatched (" },
        { 0, "a\\)", "unmatched )" },
        { E, "(a", "unmatched (" },
        { E, "a)", "unmatched )" },
        { 0, "a\\{1", "unmatched {" },
        { E, "a{1", "unmatched {" },
        { E, "a{1,2", "unmatched {" },
        { E, "a{3,2}", "invalid repetition counts" },
        { E, "a{256}", "repetition count above 255" },
        { E, "a{99999999999999999999}", "repetition count above 255" },
        { E, "((a{99}){99}){99}", "regular expression too long" },
        { 0, "a\\", "trailing backslash" },
        { E, "(a)\\1", "back references are not supported" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct regex *expression;
        const char *why;
        status_t status = regex_create(wrong[i].pattern, wrong[i].flags, &expression, &why);
        if (status != -EINVAL || strcmp(why, wrong[i].why))
            panic("%s: %d, %s", wrong[i].pattern, status, why);
    }
    char deep[2 * REGEX_GROUPS_MAX + 1];
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    struct regex *expression;
    const char *why;
    kassert(regex_create(deep, E, &expression, &why) == -EINVAL);
    kassert(!strcmp(why, "groups nested too deeply"));
}

static void test_no_memory(void **state)
{
    (void)state;
    bool failed = true;
    for (unsigned long n = 1; failed; n++) {
        struct regex *expression = NULL;
        const char *why;
        host_fail_nth_allocation(n);
        status_t status = regex_create("(ab|c){2,50}", E, &expression, &why);
        failed = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(status == (failed ? -ENOMEM : 0));
        if (!status)
            regex_destroy(expression);
    }
}

/* ---- against the C library's ---------------------------------------------------------------- */

struct maker {
    uint64_t seed;
    bool extended;
    size_t used;
    char text[1024];
};

static unsigned below(struct maker *maker, unsigned n)
{
    maker->seed = maker->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(maker->seed >> 33) % n;
}

static void put(struct maker *maker, const char *text)
{
    maker->used += (size_t)sprintf(maker->text + maker->used, "%s", text);
}

/* With the backslash that basic expressions have before it. */
static void put_operator(struct maker *maker, const char *text)
{
    put(maker, maker->extended ? "" : "\\");
    put(maker, text);
}

static void make_branches(struct maker *maker, unsigned depth);

static void make_atom(struct maker *maker, unsigned depth)
{
    static const char *const atoms[] = { "a", "b", "c", ".", "[ab]", "[^a]", "[b-c_]", "\\w", "\\W",
                                         "[[:alpha:]]", "_", " ", "\\.", "[[:space:]x]" };
    if (depth && below(maker, 3) == 0) {
        put_operator(maker, "(");
        make_branches(maker, depth - 1);
        put_operator(maker, ")");
    } else {
        put(maker, atoms[below(maker, ARRAY_LENGTH(atoms))]);
    }
}

static void make_piece(struct maker *maker, unsigned depth)
{
    make_atom(maker, depth);
    switch (below(maker, 8)) {
    case 0: put(maker, "*"); break;
    case 1: put_operator(maker, "+"); break;
    case 2: put_operator(maker, "?"); break;
    case 3:
        put_operator(maker, "{");
        put(maker, below(maker, 2) ? "1,2" : below(maker, 2) ? "2,3" : "2");
        put_operator(maker, "}");
        break;
    }
}

static void make_branches(struct maker *maker, unsigned depth)
{
    do {
        unsigned pieces = 1 + below(maker, 3);
        while (pieces--)
            make_piece(maker, depth);
    } while (below(maker, 3) == 0 && (put_operator(maker, "|"), true));
}

static void make_expression(struct maker *maker)
{
    maker->used = 0;
    if (below(maker, 6) == 0)
        put(maker, "^");
    make_branches(maker, 2);
    if (below(maker, 6) == 0)
        put(maker, "$");
}

static void compare(struct maker *maker, struct regex *e, const regex_t *regex)
{
    char text[16];
    size_t bytes = below(maker, sizeof(text) - 1), start, end;
    for (size_t i = 0; i < bytes; i++)
        text[i] = "aaabbc_ ."[below(maker, 9)];
    text[bytes] = '\0';
    regmatch_t match;
    bool found = regex_find(e, text, bytes, 0, &start, &end);
    bool theirs = regexec(regex, text, 1, &match, 0) == 0;
    if (found != theirs ||
        (found && (start != (size_t)match.rm_so || end != (size_t)match.rm_eo)))
        panic("%s in '%s': %d, %zu to %zu, not %d, %d to %d", maker->text, text, found, start,
              end, theirs, (int)match.rm_so, (int)match.rm_eo);
}

static void test_against_the_library(void **state)
{
    struct maker maker = { .seed = 1 };
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        regex_t regex;
        maker.extended = i % 2;
        make_expression(&maker);
        kassert(regcomp(&regex, maker.text, maker.extended ? REG_EXTENDED : 0) == 0);
        struct regex *e = create(maker.text, maker.extended ? E : 0);
        for (unsigned n = 0; n < 20; n++)
            compare(&maker, e, &regex);
        regex_destroy(e);
        regfree(&regex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_against_the_library),
    };
    return cmocka_run_group_tests_name("test_expression", tests, NULL, NULL);
}
