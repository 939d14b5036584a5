/*
 * test.c - examines files, compares texts and numbers: test and [.
 *
 * The number of words decides as POSIX requires; longer expressions are parsed, ! before -a before
 * -o, with parentheses.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/expansion/arithmetic.h"
#include "shell/language/builtins/builtins.h"
#include "shell/language/descriptor.h"
#include "shell/terminal.h"

enum { TEST_DEPTH_MAX = 16 };

struct test {
    struct shell *shell;
    char **at, **end;
    unsigned depth;
    bool failed;
};

static bool evaluate_or(struct test *test);

static bool fail(struct test *test, const char *word, const char *reason)
{
    if (!test->failed)
        shell_complain(test->shell, "%s%s%s", word ? word : "", word ? ": " : "", reason);
    test->failed = true;
    return false;
}

/* ---- files -------------------------------------------------------------------------------- */

static bool file_info(struct test *test, const char *name, bool link, unsigned levels,
                      struct node_info *info)
{
    struct path *path;
    *info = (struct node_info){ 0 };
    if (path_walk(test->shell->directory, name, link ? WALK_NO_FOLLOW : 0, &path))
        return false;
    bool known = !path_info(path, levels, info);
    path_put(path);
    return known;
}

static int64_t number(struct test *test, const char *word);

static bool is_descriptor_terminal(struct test *test, const char *text)
{
    int64_t at = number(test, text);
    return at >= 0 && at < SHELL_DESCRIPTORS && shell_is_terminal(test->shell, (unsigned)at);
}

static bool test_file(struct test *test, char letter, const char *name)
{
    enum { TYPE_MASK = 0170000, BLOCK = 0060000, PIPE = 0010000, SOCKET = 0140000 };
    struct node_info info;
    bool link = letter == 'h' || letter == 'L';
    if (letter == 't')
        return is_descriptor_terminal(test, name);
    if (!*name || !file_info(test, name, link, INFO_STANDARD | INFO_MODE, &info))
        return false;

    unsigned type = info.known & INFO_MODE ? info.mode & TYPE_MASK : 0;
    switch (letter) {
    case 'f': return info.type == NODE_FILE;
    case 'd': return info.type == NODE_DIRECTORY;
    case 'h':
    case 'L': return info.type == NODE_LINK;
    case 's': return info.size_bytes > 0;
    case 'b': return type == BLOCK;
    case 'c': return info.type == NODE_OTHER && type != BLOCK && type != PIPE && type != SOCKET;
    case 'p': return type == PIPE;
    case 'S': return type == SOCKET;
    case 'u': return info.known & INFO_MODE && info.mode & 04000;
    case 'g': return info.known & INFO_MODE && info.mode & 02000;
    case 'k': return info.known & INFO_MODE && info.mode & 01000;
    case 'x': return info.type == NODE_DIRECTORY; /* files are not commands */
    case 'w': return info.type == NODE_DIRECTORY || !(info.attributes & ATTRIBUTE_READ_ONLY);
    default: return true; /* -e; -r, -O and -G: there are no users */
    }
}

static bool compare_files(struct test *test, const char *a, const char *operator, const char *b)
{
    struct node_info first, second;
    bool has_first = file_info(test, a, false, INFO_STANDARD, &first);
    bool has_second = file_info(test, b, false, INFO_STANDARD, &second);
    if (text_equal(operator, "-ef")) {
        struct path *one, *two;
        bool same = false;
        if (path_walk(test->shell->directory, a, 0, &one))
            return false;
        if (!path_walk(test->shell->directory, b, 0, &two)) {
            same = path_is_same(one, two);
            path_put(two);
        }
        path_put(one);
        return same;
    }

    /* A file that does not exist is older than any. */
    if (text_equal(operator, "-ot"))
        return has_second && (!has_first || first.modified_s < second.modified_s);
    return has_first && (!has_second || first.modified_s > second.modified_s);
}

/* ---- numbers and texts -------------------------------------------------------------------- */

static const char *const number_operators[] = { "-eq", "-ne", "-gt", "-ge", "-lt", "-le" };
static const char *const text_operators[] = { "=", "==", "!=", "<", ">" };
static const char *const file_operators[] = { "-nt", "-ot", "-ef" };

static int find(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i], word))
            return (int)i;
    return -1;
}

static int64_t number(struct test *test, const char *word)
{
    int64_t value = 0;

    /* Decimal only: 010 is ten here. */
    const char *digits = word;
    while (*digits == ' ' || *digits == '\t')
        digits++;
    bool negative = *digits == '-';
    digits += negative || *digits == '+';
    while (digits[0] == '0' && text_is_digit(digits[1]))
        digits++;
    if (arithmetic_number(digits, &value) || !text_is_digit(*digits) ||
        (digits[0] == '0' && text_lower(digits[1]) == 'x'))
        (void)(test->failed || (shell_complain(test->shell, "Illegal number: %s", word),
                                test->failed = true));
    return negative ? -value : value;
}

static bool compare_numbers(struct test *test, const char *a, int operator, const char *b)
{
    int64_t left = number(test, a), right = number(test, b);
    switch (operator) {
    case 0: return left == right;
    case 1: return left != right;
    case 2: return left > right;
    case 3: return left >= right;
    case 4: return left < right;
    default: return left <= right;
    }
}

static bool is_binary(const char *word)
{
    return find(number_operators, ARRAY_LENGTH(number_operators), word) >= 0 ||
           find(text_operators, ARRAY_LENGTH(text_operators), word) >= 0 ||
           find(file_operators, ARRAY_LENGTH(file_operators), word) >= 0;
}

static bool evaluate_binary(struct test *test, const char *a, const char *operator, const char *b)
{
    int found = find(number_operators, ARRAY_LENGTH(number_operators), operator);
    if (found >= 0)
        return compare_numbers(test, a, found, b);
    if (find(file_operators, ARRAY_LENGTH(file_operators), operator) >= 0)
        return compare_files(test, a, operator, b);
    int order = strcmp(a, b);
    switch (*operator) {
    case '!': return order != 0;
    case '<': return order < 0;
    case '>': return order > 0;
    default: return !order;
    }
}

static bool is_unary(const char *word)
{
    return word[0] == '-' && word[1] && !word[2] && strchr("bcdefghkLnprsStuwxzOG", word[1]);
}

static bool evaluate_unary(struct test *test, char letter, const char *word)
{
    if (letter == 'n')
        return *word != '\0';
    return letter == 'z' ? !*word : test_file(test, letter, word);
}

/* ---- expressions -------------------------------------------------------------------------- */

/* The words of an expression look like operators, like operands, or like both: what follows
 * decides, as in dash. */
enum kind { END, OPERAND, UNARY, BINARY, NOT, AND, OR, OPEN, CLOSE };

static enum kind next_kind(const struct test *test)
{
    static const struct {
        char text[4];
        enum kind kind;
    } words[] = { { "!", NOT }, { "-a", AND }, { "-o", OR }, { "(", OPEN }, { ")", CLOSE } };
    char **at = test->at;
    long left = test->end - at;
    if (!left)
        return END;

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (text_equal(*at, words[i].text))
            return words[i].kind == OPEN && left == 1 ? OPERAND : words[i].kind;
    if (is_binary(*at))
        return BINARY;

    /* -f alone, and before an operator, is a text. */
    bool operand = left == 1 || (left > 2 && is_binary(at[1]));
    return is_unary(*at) && !operand ? UNARY : OPERAND;
}

static bool evaluate_parentheses(struct test *test)
{
    if (test->depth == TEST_DEPTH_MAX)
        return fail(test, NULL, "nested too deeply");

    test->depth++;
    test->at++;
    bool value = next_kind(test) != CLOSE && evaluate_or(test);
    test->depth--;
    if (next_kind(test) != CLOSE)
        return fail(test, NULL, "closing paren expected");
    test->at++;
    return value;
}

static bool evaluate_primary(struct test *test)
{
    char **at = test->at;
    long left = test->end - at;
    enum kind kind = next_kind(test);
    if (kind == END)
        return false;
    if (kind == OPEN)
        return evaluate_parentheses(test);
    if (kind == UNARY) {
        test->at += 2;
        return evaluate_unary(test, at[0][1], at[1]);
    }
    if (left > 1 && is_binary(at[1])) {
        test->at += left > 2 ? 3 : 2;
        return left > 2 ? evaluate_binary(test, at[0], at[1], at[2])
                        : fail(test, at[1], "argument expected");
    }
    test->at++;
    return **at != '\0';
}

static bool evaluate_not(struct test *test)
{
    bool negated = false;
    for (; next_kind(test) == NOT; test->at++)
        negated = !negated;
    return evaluate_primary(test) != negated;
}

static bool evaluate_and(struct test *test)
{
    bool value = evaluate_not(test);
    while (next_kind(test) == AND && !test->failed) {
        test->at++;
        value &= evaluate_not(test);
    }
    return value;
}

static bool evaluate_or(struct test *test)
{
    bool value = evaluate_and(test);
    while (next_kind(test) == OR && !test->failed) {
        test->at++;
        value |= evaluate_and(test);
    }
    return value;
}

/* Three words with an operator in the middle compare, and parentheses around one or two words are
 * left out, whatever the words look like (POSIX). */
static bool evaluate_words(struct test *test)
{
    char **at = test->at;
    long count = test->end - at;
    if (count == 3 && is_binary(at[1])) {
        test->at += 3;
        return evaluate_binary(test, at[0], at[1], at[2]);
    }
    if ((count == 3 || count == 4) && text_equal(at[0], "(") && text_equal(at[count - 1], ")")) {
        test->at++;
        test->end--;
    }
    return evaluate_or(test);
}

static int evaluate(struct shell *shell, int count, char **words)
{
    struct test test = { .shell = shell, .at = words + 1, .end = words + count };
    bool value = evaluate_words(&test);
    if (test.at < test.end && !test.failed)
        fail(&test, *test.at, "unexpected operator");
    return test.failed ? SHELL_USAGE : value ? SHELL_DONE : SHELL_FAILED;
}

static int run_test(struct shell *shell, int count, char **words)
{
    return evaluate(shell, count, words);
}

static int run_bracket(struct shell *shell, int count, char **words)
{
    if (text_equal(words[count - 1], "]"))
        return evaluate(shell, count - 1, words);
    shell_complain(shell, "missing ]");
    return SHELL_USAGE;
}

static const struct shell_command command_test = {
    .name = "test",
    .arguments = "[EXPRESSION]",
    .summary = "compare texts (=) and numbers (-eq), examine files (-e -f -d -s): 0 if true",
    .arguments_max = -1,
    .run = run_test,
    .option_rules = OPTIONS_RAW | OPTIONS_LITERAL,
    .trouble = SHELL_TROUBLE,
};
SHELL_COMMAND(command_test);

static const struct shell_command command_bracket = {
    .name = "[",
    .arguments = "[EXPRESSION] ]",
    .summary = "as test",
    .arguments_max = -1,
    .run = run_bracket,
    .option_rules = OPTIONS_RAW | OPTIONS_LITERAL,
    .trouble = SHELL_TROUBLE,
};
SHELL_COMMAND(command_bracket);
