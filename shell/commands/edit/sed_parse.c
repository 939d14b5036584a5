/*
 * sed_parse.c - parses the scripts of sed; see sed.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/commands/edit/sed.h"

struct sed_parser {
    struct sed *sed;
    const char *text; /* the whole script; ends with NUL */
    size_t bytes, at;
    const char *name; /* of its file; NULL: an expression */
    unsigned number;
    bool failed;      /* a message was written */
};

enum { END = -1 };

static int peek(const struct sed_parser *p)
{
    return p->at < p->bytes ? (uint8_t)p->text[p->at] : END;
}

static void refuse(struct sed_parser *p, const char *why)
{
    struct shell *shell = p->sed->shell;
    size_t line = text_count(p->text, p->at, '\n') + 1;

    /* Only the first error is reported: the others may follow from it. */
    if (!p->failed && p->name)
        shell_complain(shell, "file %s line %llu: %s", p->name, (unsigned long long)line, why);
    else if (!p->failed)
        shell_complain(shell, "-e expression #%u, char %llu: %s", p->number,
                       (unsigned long long)p->at, why);
    p->failed = true;
}

static void skip_blanks(struct sed_parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t')
        p->at++;
}

/* Appends a byte, or notes that there is no memory. */
static void put(struct sed_parser *p, struct buffer *to, char c)
{
    buffer_put(to, &c, 1);
    if (to->status)
        refuse(p, status_text(to->status));
}

static uint64_t take_number(struct sed_parser *p)
{
    uint64_t number = 0;
    for (; text_is_digit((char)peek(p)); p->at++)
        if (number < UINT64_MAX / 20)
            number = number * 10 + (uint64_t)(peek(p) - '0');
    return number;
}

/* ---- text between delimiters -------------------------------------------------------------- */

/* Copies a bracket expression, in which a delimiter is an ordinary character. */
static void take_bracket(struct sed_parser *p, struct buffer *to)
{
    size_t begin = p->at++;
    if (peek(p) == '^')
        p->at++;
    if (peek(p) == ']')
        p->at++;
    while (peek(p) != END && peek(p) != ']' && peek(p) != '\n') {
        /* The classes [:alpha:], [.x.] and [=x=] have a ] of their own. */
        char kind = p->text[p->at + (peek(p) == '[')];
        bool is_class = peek(p) == '[' && kind && strchr(":.=", kind);
        const char close[] = { kind, ']', '\0' };
        size_t end = p->at + 2;
        while (is_class && end < p->bytes && !text_starts(p->text + end, close))
            end++;
        p->at = is_class && end < p->bytes ? end + 2 : p->at + 1;
    }

    /* Without its end it is not one: the [ is copied, and the rest is read again. */
    size_t end = peek(p) == ']' ? ++p->at : begin + 1;
    p->at = end;
    for (size_t i = begin; i < end; i++) {
        /* A backslash is an ordinary character, but \n, \t and the like are not (GNU). */
        bool escaped = p->text[i] == '\\' && i + 1 < end && p->text[i + 1] &&
                       strchr("afnrtv", p->text[i + 1]);
        size_t letter = i + 1;
        put(p, to, escaped ? (char)sed_escape(p->text, p->bytes, &letter) : p->text[i]);
        i += escaped;
    }
}

/* Copies the text up to the delimiter, and passes that. In a regular expression, an escaped
 * delimiter is an ordinary character, and \n a newline. */
static bool take_delimited(struct sed_parser *p, char delimiter, bool is_regex, struct buffer *to)
{
    while (peek(p) != END && peek(p) != '\n') {
        char c = p->text[p->at];
        if (c == delimiter) {
            p->at++;
            return true;
        }
        if (is_regex && c == '[') {
            take_bracket(p, to);
            continue;
        }
        p->at++;
        if (c != '\\') {
            put(p, to, c);
            continue;
        }

        int next = peek(p);
        if (next == END)
            return false;
        p->at++;
        size_t at = p->at - 1;
        int value = is_regex && next != 'c' && next != 'd' && next != 'o' && next != 'x'
                        ? sed_escape(p->text, p->bytes, &at) : -1;
        if (value >= 0 && next != 'b')
            put(p, to, (char)value);
        else if (next == '\n' && is_regex)
            put(p, to, '\n');
        else if (next == delimiter && (is_regex || next != '&'))
            put(p, to, delimiter);
        else {
            put(p, to, '\\');
            put(p, to, (char)next);
        }
    }
    return false;
}

/* Compiles a regular expression. An empty one is the last that was used: *regex is NULL. */
static void compile(struct sed_parser *p, const struct buffer *text, unsigned flags,
                    struct regex **regex)
{
    const char *why;
    *regex = NULL;
    if (!text->length && flags)
        refuse(p, "cannot specify modifiers on empty regexp");
    if (!text->length || p->failed)
        return;
    if (memchr(text->text, '\0', text->length)) {
        refuse(p, "the regular expression contains a NUL");
        return;
    }

    flags |= REGEX_GROUPS | (p->sed->extended ? REGEX_EXTENDED : 0);
    status_t status = regex_create(text->text, flags, regex, &why);
    if (status)
        refuse(p, status == -EINVAL ? why : status_text(status));
}

/* ---- addresses ---------------------------------------------------------------------------- */

static void take_regex_address(struct sed_parser *p, struct address *address)
{
    struct buffer text = { 0 };
    unsigned flags = 0;

    if (peek(p) == '\\')
        p->at++;
    char delimiter = (char)peek(p);
    bool ended = p->at++ < p->bytes && delimiter != '\n' && delimiter != '\\' &&
                 take_delimited(p, delimiter, true, &text);
    if (!ended)
        refuse(p, "unterminated address regex");
    for (; peek(p) == 'I' || peek(p) == 'M'; p->at++)
        flags |= peek(p) == 'I' ? REGEX_FOLD : 0;
    address->kind = ADDRESS_REGEX;
    compile(p, &text, flags, &address->regex);
    buffer_free(&text);
}

/* Parses an address, if there is one. */
static bool take_address(struct sed_parser *p, struct address *address, bool is_second)
{
    int c = peek(p);
    if (c == '/' || c == '\\') {
        take_regex_address(p, address);
    } else if (c == '$') {
        p->at++;
        address->kind = ADDRESS_LAST;
    } else if (text_is_digit((char)c)) {
        address->kind = ADDRESS_LINE;
        address->one = take_number(p);
        skip_blanks(p);
        if (peek(p) == '~' && !is_second) {
            p->at++;
            skip_blanks(p);
            address->two = take_number(p);
            address->kind = address->two ? ADDRESS_STEP : ADDRESS_LINE;
        }
    } else if (is_second && (c == '+' || c == '~')) {
        p->at++;
        address->kind = c == '+' ? ADDRESS_MORE : ADDRESS_MULTIPLE;
        if (!text_is_digit((char)peek(p)))
            refuse(p, "expected number");
        address->one = take_number(p);
    } else {
        return false;
    }
    return true;
}

static unsigned take_addresses(struct sed_parser *p, struct sed_command *command)
{
    unsigned count = take_address(p, &command->from, false);
    if (count) {
        skip_blanks(p);
        if (peek(p) == ',') {
            p->at++;
            skip_blanks(p);
            if (!take_address(p, &command->to, true))
                refuse(p, "unexpected `,'");
            count = 2;
        }
    }

    /* 0 is before the first line: a range that begins there may end in it. */
    if (command->from.kind == ADDRESS_LINE && !command->from.one) {
        if (command->to.kind != ADDRESS_REGEX)
            refuse(p, "invalid usage of line address 0");
        command->from.kind = ADDRESS_ZERO;
        command->active = true;
    }

    skip_blanks(p);
    while (peek(p) == '!') {
        if (command->negated)
            refuse(p, "multiple `!'s");
        command->negated = true;
        p->at++;
        skip_blanks(p);
    }
    return count;
}

/* ---- arguments of commands ---------------------------------------------------------------- */

/* After a command follow blanks, and then its end. */
static void take_end(struct sed_parser *p)
{
    skip_blanks(p);
    if (peek(p) == ';' || peek(p) == '\n')
        p->at++;
    else if (peek(p) != END && peek(p) != '}' && peek(p) != '#')
        refuse(p, "extra characters after command");
}

/* Takes a label or a name, up to the end of the line, or for labels also a semicolon. */
static void take_word(struct sed_parser *p, struct buffer *word, bool is_label)
{
    skip_blanks(p);
    while (peek(p) != END && peek(p) != '\n' &&
           !(is_label && (peek(p) == ';' || peek(p) == ' ' || peek(p) == '}')))
        put(p, word, p->text[p->at++]);
    put(p, word, '\0');
}

/* Takes the text of a, i or c: up to a newline that no backslash precedes. */
static void take_text(struct sed_parser *p, struct buffer *text)
{
    skip_blanks(p);
    if (peek(p) == END) {
        refuse(p, "expected \\ after `a', `c' or `i'");
        return;
    }

    /* "a\", a newline and the text is the form of POSIX; "a text" is GNU's. */
    if (peek(p) == '\\') {
        size_t after = ++p->at;
        skip_blanks(p);
        if (peek(p) == END)
            return;
        p->at = peek(p) == '\n' ? p->at + 1 : after;
    }
    while (peek(p) != END && peek(p) != '\n') {
        char c = p->text[p->at++];
        if (c == '\\' && peek(p) != END) {
            /* The first byte after a backslash is literal, but \t is a tab. */
            int value = sed_escape(p->text, p->bytes, &p->at);
            c = value >= 0 ? (char)value : p->text[p->at++];
        } else if (c == '\\') {
            break;
        }
        put(p, text, c);
    }
    if (peek(p) == '\n')
        p->at++;
    put(p, text, '\n');
}

static struct sed_output *find_output(struct sed_parser *p, const char *name)
{
    struct sed *sed = p->sed;
    struct sed_output *output = sed->outputs;
    while (output && !text_equal(output->name, name))
        output = output->next;
    if (output || p->failed)
        return output;

    size_t bytes = strlen(name) + 1;
    output = mem_zalloc(sizeof(*output) + bytes);
    if (!output) {
        refuse(p, status_text(-ENOMEM));
        return NULL;
    }
    output->name = (char *)(output + 1);
    memcpy(output->name, name, bytes);

    /* These names are of streams in every sed. */
    status_t status = 0;
    if (text_equal(name, "/dev/stdout"))
        output->stream = sed->shell->out;
    else if (text_equal(name, "/dev/stderr"))
        output->stream = sed->shell->err;
    else
        status = output_file_open(sed->shell, NULL, name, false, &output->file);
    if (status) {
        sed_complain(sed->shell, "couldn't open file", name, status);
        p->failed = true;
        mem_free(output);
        return NULL;
    }
    if (output->file)
        output->stream = output_file_stream(output->file);
    output->next = sed->outputs;
    sed->outputs = output;
    return output;
}

static struct sed_output *take_output(struct sed_parser *p)
{
    struct buffer name = { 0 };
    take_word(p, &name, false);
    if (!p->failed && name.length == 1)
        refuse(p, "missing filename in r/R/w/W commands");
    struct sed_output *output = p->failed ? NULL : find_output(p, name.text);
    buffer_free(&name);
    return output;
}

/* Takes the flags of s. */
static unsigned take_flags(struct sed_parser *p, struct sed_substitution *s)
{
    unsigned flags = 0;
    for (;; p->at++) {
        int c = peek(p);
        if (c == 'g' || c == 'p') {
            bool *flag = c == 'g' ? &s->all : &s->prints;
            if (*flag)
                refuse(p, c == 'g' ? "multiple `g' options to `s' command"
                                   : "multiple `p' options to `s' command");
            *flag = true;
        } else if (c == 'i' || c == 'I') {
            flags |= REGEX_FOLD;
        } else if (text_is_digit((char)c)) {
            if (s->number)
                refuse(p, "multiple number options to `s' command");
            s->number = take_number(p);
            if (!s->number)
                refuse(p, "number option to `s' command may not be zero");
            p->at--;
        } else if (c == 'w') {
            p->at++;
            s->output = take_output(p);
            return flags;
        } else if (c == END || c == '\n' || c == ';' || c == '}' || c == '#' || c == ' ') {
            return flags;
        } else {
            refuse(p, "unknown option to `s'");
            return flags;
        }
    }
}

static void take_substitution(struct sed_parser *p, struct sed_command *command)
{
    struct buffer regex = { 0 }, replacement = { 0 };
    struct sed_substitution *s = command->substitution = mem_zalloc(sizeof(*s));
    char delimiter = (char)peek(p);

    bool ended = s && p->at++ < p->bytes && delimiter != '\n' && delimiter != '\\' &&
                 take_delimited(p, delimiter, true, &regex) &&
                 take_delimited(p, delimiter, false, &replacement);
    if (!ended)
        refuse(p, "unterminated `s' command");
    if (!p->failed) {
        const char *why = sed_parse_replacement(s, replacement.text, replacement.length);
        if (why)
            refuse(p, why);
        compile(p, &regex, take_flags(p, s), &s->regex);
    }

    /* The groups of an empty expression are known only when it is used. */
    for (const struct sed_piece *piece = ended ? s->pieces : NULL; piece && !p->failed;
         piece = piece->next)
        if (s->regex && piece->group > (int)regex_group_count(s->regex)) {
            char why[64] = "invalid reference \\N on `s' command's RHS";
            *strchr(why, 'N') = (char)('0' + piece->group);
            refuse(p, why);
        }
    s->number = s && !s->number ? 1 : s->number;
    buffer_free(&regex);
    buffer_free(&replacement);
}

/* Takes the next character of a string of y, in which \\ and \n are escape sequences. */
static size_t take_y(const struct buffer *text, size_t *at, char to[4])
{
    uint32_t code;
    if (text->text[*at] == '\\' && *at + 1 < text->length) {
        size_t after = *at + 1;
        int value = text->text[after] == '\\' ? '\\' : sed_escape(text->text, text->length, &after);
        if (value >= 0) {
            *at = text->text[*at + 1] == '\\' ? *at + 2 : after;
            to[0] = (char)value;
            return 1;
        }
    }
    int length = max(utf8_decode(text->text + *at, text->length - *at, &code), 1);
    memcpy(to, text->text + *at, (size_t)length);
    *at += (size_t)length;
    return (size_t)length;
}

/* Stores pairs of characters, each as its length and its bytes. */
static void take_map(struct sed_parser *p, struct sed_command *command)
{
    struct buffer from = { 0 }, to = { 0 };
    char delimiter = (char)peek(p);
    bool ended = p->at++ < p->bytes && delimiter != '\n' && delimiter != '\\' &&
                 take_delimited(p, delimiter, false, &from) &&
                 take_delimited(p, delimiter, false, &to);
    size_t one = 0, two = 0;
    if (!ended)
        refuse(p, "unterminated `y' command");

    while (!p->failed && one < from.length && two < to.length) {
        char a[4], b[4];
        size_t a_bytes = take_y(&from, &one, a), b_bytes = take_y(&to, &two, b);
        put(p, &command->map, (char)a_bytes);
        buffer_put(&command->map, a, a_bytes);
        put(p, &command->map, (char)b_bytes);
        buffer_put(&command->map, b, b_bytes);
    }
    if (one < from.length || two < to.length)
        refuse(p, "strings for `y' command are different lengths");
    buffer_free(&from);
    buffer_free(&to);
    take_end(p);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void take_arguments(struct sed_parser *p, struct sed_command *command, unsigned addresses)
{
    switch (command->name) {
    case '{':
        return;
    case '}':
        if (addresses)
            refuse(p, "} doesn't want any addresses");
        take_end(p);
        return;
    case 'a': case 'i': case 'c':
        take_text(p, &command->text);
        return;
    case ':':
        if (addresses)
            refuse(p, ": doesn't want any addresses");
        take_word(p, &command->text, true);
        if (command->text.length == 1)
            refuse(p, "\":\" lacks a label");
        return;
    case 'b': case 't': case 'T':
        take_word(p, &command->text, true);
        take_end(p);
        return;
    case 'r': case 'R':
        take_word(p, &command->text, false);
        if (command->text.length == 1)
            refuse(p, "missing filename in r/R/w/W commands");
        return;
    case 'w': case 'W':
        command->output = take_output(p);
        return;
    case 's':
        take_substitution(p, command);
        if (!command->substitution || !command->substitution->output)
            take_end(p);
        return;
    case 'y':
        take_map(p, command);
        return;
    case 'q': case 'Q':
        if (addresses > 1)
            refuse(p, "command only uses one address");
        /* fall through */
    case 'l':
        skip_blanks(p);
        command->has_number = text_is_digit((char)peek(p));
        command->number = take_number(p);
        take_end(p);
        return;
    case 'v':
        take_word(p, &command->text, true);
        take_end(p);
        return;
    default:
        take_end(p);
    }
}

static void take_command(struct sed_parser *p)
{
    struct sed_command *command = mem_zalloc(sizeof(*command));
    if (!command) {
        refuse(p, status_text(-ENOMEM));
        return;
    }

    /* It is in the list, which is freed, before anything can fail. */
    *p->sed->last = command;
    p->sed->last = &command->next;
    unsigned addresses = take_addresses(p, command);
    int c = peek(p);
    p->at += c != END;
    command->name = (char)c;
    if (p->failed)
        return;
    if (c == END || c == '\n' || c == ';') {
        refuse(p, "missing command");
    } else if (c == '#' && addresses) {
        refuse(p, "comments don't accept any addresses");
    } else if (!strchr("{}:abcdDFgGhHilnNpPqQrRstTvwWxyz=", c)) {
        char why[32] = "unknown command: `?'";
        *strchr(why, '?') = (char)c;
        refuse(p, why);
    } else {
        take_arguments(p, command, addresses);
    }
}

int sed_parse(struct sed *sed, struct buffer *script, const char *name, unsigned number)
{
    struct sed_parser parser = {
        .sed = sed,
        .text = script->text ? script->text : "",
        .bytes = script->length,
        .name = name,
        .number = number,
    };
    struct sed_parser *p = &parser;

    while (!p->failed) {
        while (peek(p) == ';' || peek(p) == ' ' || (peek(p) >= '\t' && peek(p) <= '\r'))
            p->at++;
        if (peek(p) == END)
            break;
        if (peek(p) == '#')
            while (peek(p) != END && peek(p) != '\n')
                p->at++;
        else
            take_command(p);
    }
    return p->failed ? SED_USAGE : SHELL_DONE;
}
