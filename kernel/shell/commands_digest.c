/*
 * commands_digest.c - sha256sum: digests of files, and the check of a list of them.
 *
 * The format is that of the command of this name elsewhere: "DIGEST  NAME" or "DIGEST *NAME" a
 * line. A backslash before the digest says that in the name \\ and \n stand for a backslash and a
 * line end; here other control characters are written \xHH then, which others do not read.
 */
#include "kernel/shell/input.h"
#include "kernel/shell/options.h"
#include "lib/format.h"
#include "lib/sha256.h"
#include "lib/string.h"
#include "lib/text.h"

static status_t digest_input(struct input *input, char hex[SHA256_HEX_BYTES])
{
    struct sha256 sha;
    uint8_t digest[SHA256_BYTES];
    const char *data;
    ssize_t got;
    sha256_init(&sha);
    while ((got = input_piece(input, &data)) > 0)
        sha256_update(&sha, data, (size_t)got);
    sha256_final(&sha, digest);
    sha256_hex(digest, hex);
    return (status_t)got;
}

/* ---- writing ------------------------------------------------------------------------------ */

static bool needs_escape(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f || *name == '\\')
            return true;
    return false;
}

static void name_write(struct stream *out, const char *name)
{
    for (; *name; name++) {
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

static status_t sum_input(struct input *input, void *context)
{
    (void)context;
    char hex[SHA256_HEX_BYTES];
    struct stream *out = input->shell->out;
    const char *name = input->file ? input->name : "-";
    status_t status = digest_input(input, hex);
    if (status)
        return status;
    stream_format(out, "%s%s  ", needs_escape(name) ? "\\" : "", hex);
    name_write(out, name);
    stream_text(out, "\n");
    return 0;
}

/* ---- checking ----------------------------------------------------------------------------- */

struct check {
    struct shell *shell;
    bool quiet, silent;
    uint64_t good, wrong, unreadable, malformed;
};

static int hex_digit(char c)
{
    c = text_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes name_write() in place; false for what it never writes. */
static bool name_unescape(char *name)
{
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
            if (hex_digit(name[1]) < 0 || hex_digit(name[2]) < 0)
                return false;
            *to++ = (char)(hex_digit(name[1]) << 4 | hex_digit(name[2]));
            name += 2;
            break;
        default: return false;
        }
    }
    *to = '\0';
    return true;
}

/* Takes a line apart; the digest becomes lower-case. */
static bool line_parse(char *line, char **digest, char **name)
{
    enum { DIGITS = SHA256_HEX_BYTES - 1 };
    bool escaped = *line == '\\';
    *digest = line += escaped;
    for (unsigned i = 0; i < DIGITS; i++) {
        if (hex_digit(line[i]) < 0)
            return false;
        line[i] = text_lower(line[i]);
    }
    line += DIGITS;
    if (line[0] != ' ' || (line[1] != ' ' && line[1] != '*') || !line[2])
        return false;
    *line = '\0';
    *name = line + 2;
    return !escaped || name_unescape(*name);
}

static void check_say(const struct check *check, const char *name, const char *result)
{
    stream_escaped(check->shell->out, name, false);
    stream_format(check->shell->out, ": %s\n", result);
}

static status_t check_file(struct check *check, const char *digest, const char *name)
{
    char hex[SHA256_HEX_BYTES];
    struct input *input = mem_alloc(sizeof(*input));
    if (!input)
        return -ENOMEM;
    status_t status = input_open(check->shell, name, input);
    if (!status)
        status = digest_input(input, hex);
    input_close(input);
    mem_free(input);
    if (status == -EINTR)
        return status;
    if (status) {
        shell_fail(check->shell, name, status);
        check->unreadable++;
        if (!check->silent)
            check_say(check, name, "FAILED open or read");
        return 0;
    }
    bool same = text_equal(hex, digest);
    check->good += same;
    check->wrong += !same;
    if (!check->silent && !(same && check->quiet))
        check_say(check, name, same ? "OK" : "FAILED");
    return 0;
}

static void check_warn(const struct check *check, uint64_t count, const char *one,
                       const char *many)
{
    if (count && !check->silent)
        shell_complain(check->shell, "WARNING: %llu %s", (unsigned long long)count,
                       count == 1 ? one : many);
}

static status_t check_input(struct input *list, void *context)
{
    struct check *check = context;
    char *line, *digest, *name;
    size_t bytes;
    int got;
    status_t status = 0;
    *check = (struct check){
        .shell = check->shell, .quiet = check->quiet, .silent = check->silent
    };
    while (!status && (got = input_line(list, &line, &bytes)) > 0) {
        if (bytes && line[bytes - 1] == '\r')
            line[--bytes] = '\0';
        if (line_parse(line, &digest, &name))
            status = check_file(check, digest, name);
        else
            check->malformed++;
    }
    if (status || got < 0)
        return status ? status : got;
    if (!check->good && !check->wrong && !check->unreadable) {
        shell_complain(check->shell, "%s: no properly formatted checksum lines found", list->name);
        check->wrong++;
        return 0;
    }
    check_warn(check, check->malformed, "line is improperly formatted",
               "lines are improperly formatted");
    check_warn(check, check->unreadable, "listed file could not be read",
               "listed files could not be read");
    check_warn(check, check->wrong, "computed checksum did NOT match",
               "computed checksums did NOT match");
    return 0;
}

static int run_check(struct shell *shell, int count, char **words)
{
    struct check check = {
        .shell = shell,
        .quiet = option_given_name(shell, "quiet"),
        .silent = option_given_name(shell, "status"),
    };
    int result = SHELL_DONE;
    for (int i = 1; (i < count || i == 1) && result != SHELL_INTERRUPTED; i++) {
        int end = i < count ? i + 1 : i; /* no word: standard input */
        int one = input_each(shell, i, end, words, check_input, &check);
        if (!one && (check.wrong || check.unreadable))
            one = SHELL_FAILED;
        result = one ? one : result;
    }
    return result;
}

static int run_sha256sum(struct shell *shell, int count, char **words)
{
    if (option_given(shell, 'c'))
        return run_check(shell, count, words);
    return input_each(shell, 1, count, words, sum_input, NULL);
}

static const struct shell_option sha256sum_options[] = {
    { 'c', "check", NULL, "FILE is a list of digests: check the files that it names" },
    { 'b', "binary", NULL, "bytes as they are: always so" },
    { 0, "quiet", NULL, "with -c: do not name what is OK" },
    { 0, "status", NULL, "with -c: say nothing, the status tells" },
    { 0 },
};

static const struct shell_command command_sha256sum = {
    .name = "sha256sum",
    .arguments = "[-c] [FILE...]",
    .summary = "SHA-256 digests of files; with -c: check a list of them",
    .arguments_max = -1,
    .run = run_sha256sum,
    .options = sha256sum_options,
    .group = "Files",
};
SHELL_COMMAND(command_sha256sum);
