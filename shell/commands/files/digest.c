/*
 * digest.c - prints digests of files, and checks lists of them: md5sum, sha1sum, sha256sum,
 * sha512sum.
 *
 * All four share one implementation; the command's name selects the digest. Formats, wording and
 * status are those of GNU coreutils (digest_list.h).
 */
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/commands/files/digest_list.h"
#include "shell/options.h"
#include "shell/reading/input.h"

static const struct digest_kind *kind_of(const struct shell *shell)
{
    /* "sha256sum" computes the digest "sha256". */
    char name[16];
    text_copy(name, sizeof(name), shell->command->name);
    name[strlen(name) - strlen("sum")] = '\0';
    return digest_kind_find(name);
}

static status_t digest_input(struct input *input, char hex[DIGEST_HEX_BYTES])
{
    struct digest digest;
    const char *data;
    ssize_t got;
    digest_init(&digest, kind_of(input->shell));

    /* Pieces are views of the cache, so the digest reads the file in place. */
    while ((got = input_piece(input, &data)) > 0)
        digest_update(&digest, data, (size_t)got);
    digest_hex(&digest, hex);
    return (status_t)got;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* -z writes names unescaped, since its lines end with NUL. */
static void write_name(struct stream *out, const char *name, bool unescaped)
{
    if (unescaped)
        stream_text(out, name);
    else
        digest_name_write(out, name);
}

static status_t sum_input(struct input *input, void *context)
{
    (void)context;
    char hex[DIGEST_HEX_BYTES];
    struct shell *shell = input->shell;
    struct stream *out = shell->out;
    const char *name = input->file ? input->name : "-";
    bool zero = option_given(shell, 'z');

    /* Nothing is printed before the whole input was read. */
    status_t status = digest_input(input, hex);
    if (status)
        return status;

    /* A backslash before the line announces that its name contains escapes (GNU). */
    if (!zero && digest_name_needs_escape(name))
        stream_text(out, "\\");

    /* The BSD format names the digest; the other one only marks binary mode, which changes
     * nothing. */
    if (option_given_name(shell, "tag")) {
        stream_format(out, "%s (", kind_of(shell)->tag);
        write_name(out, name, zero);
        stream_format(out, ") = %s", hex);
    } else {
        stream_format(out, "%s %c", hex, option_last(shell, "bt") == 'b' ? '*' : ' ');
        write_name(out, name, zero);
    }
    stream_write(out, zero ? "" : "\n", 1);
    return 0;
}

/* ---- checking ----------------------------------------------------------------------------- */

struct check {
    struct shell *shell;
    bool quiet, silent, warn, strict, ignore_missing;
    struct digest_list list;
    uint64_t good, wrong, unreadable, missing, malformed;
    bool failed; /* one of the lists so far */
};

static void check_report(const struct check *check, const char *name, const char *result)
{
    if (check->silent)
        return;
    if (digest_name_needs_escape(name))
        stream_text(check->shell->out, "\\");
    digest_name_write(check->shell->out, name);
    stream_format(check->shell->out, ": %s\n", result);
}

static status_t sum_listed(struct input *input, void *hex)
{
    return digest_input(input, hex);
}

/* Checks one file. Only -EINTR is returned: an error is counted, and the list continues. */
static status_t check_file(struct check *check, const char *digest, const char *name)
{
    char hex[DIGEST_HEX_BYTES];
    const char *shown;
    status_t status = input_one(check->shell, name, &shown, sum_listed, hex);
    if (status == -EINTR)
        return status;

    /* Each file is counted once. A file that cannot be read also gets a message with the reason. */
    if (status == -ENOENT && check->ignore_missing) {
        check->missing++;
    } else if (status) {
        shell_fail(check->shell, name, status);
        check->unreadable++;
        check_report(check, name, "FAILED open or read");
    } else if (text_equal(hex, digest)) {
        check->good++;
        if (!check->quiet)
            check_report(check, name, "OK");
    } else {
        check->wrong++;
        check_report(check, name, "FAILED");
    }
    return 0;
}

/* Checks one line of a list. */
static status_t check_line(struct check *check, const struct input *list, uint64_t number,
                           char *line, size_t bytes)
{
    char *digest, *name;

    /* Editors of other systems leave a byte order mark and CR LF. */
    if (number == 1 && text_starts(line, UTF8_MARK)) {
        line += strlen(UTF8_MARK);
        bytes -= strlen(UTF8_MARK);
    }
    if (bytes && line[bytes - 1] == '\r')
        line[--bytes] = '\0';

    /* Empty lines and comments are not counted as malformed. */
    if (!bytes || *line == '#')
        return 0;
    if (digest_list_parse(&check->list, line, bytes, &digest, &name) &&
        !(text_equal(name, "-") && !list->file)) /* standard input is the list itself */
        return check_file(check, digest, name);

    check->malformed++;
    if (check->warn)
        shell_complain(check->shell, "%s: %llu: improperly formatted %s checksum line",
                       list->name, (unsigned long long)number, check->list.kind->tag);
    return 0;
}

static void check_warn(const struct check *check, uint64_t count, const char *one,
                       const char *many)
{
    if (count && !check->silent)
        shell_complain(check->shell, "WARNING: %llu %s", (unsigned long long)count,
                       count == 1 ? one : many);
}

/* Prints the warnings at the end of a list. */
static void check_sum_up(struct check *check, const char *name)
{
    bool any = check->good || check->wrong || check->unreadable || check->missing;

    /* A file without a single valid line is probably not a list at all. */
    if (!any) {
        shell_complain(check->shell, "%s: no properly formatted checksum lines found", name);
        check->failed = true;
        return;
    }

    check_warn(check, check->malformed, "line is improperly formatted",
               "lines are improperly formatted");
    check_warn(check, check->unreadable, "listed file could not be read",
               "listed files could not be read");
    check_warn(check, check->wrong, "computed checksum did NOT match",
               "computed checksums did NOT match");

    /* GNU: a list of which no file exists must not look like a success. */
    bool verified = check->good || check->wrong;
    if (!verified && check->ignore_missing && !check->silent)
        shell_complain(check->shell, "%s: no file was verified", name);

    /* A list fails if a file in it did, or if no file was good. */
    check->failed |= !check->good || check->wrong || check->unreadable ||
                     (check->strict && check->malformed);
}

static status_t check_input(struct input *list, void *context)
{
    struct check *check = context;
    char *line;
    size_t bytes;
    int got = 0;
    status_t status = 0;

    /* Counts, and the format of the lines, belong to one list. */
    check->good = check->wrong = check->unreadable = check->missing = check->malformed = 0;
    check->list.separator = SEPARATOR_UNKNOWN;
    for (uint64_t number = 1; !status && (got = input_line(list, &line, &bytes)) > 0; number++)
        status = check_line(check, list, number, line, bytes);

    /* Errors of listed files were counted. This is ^C, or an error of the list itself. */
    if (status || got < 0)
        return status ? status : got;
    check_sum_up(check, list->name);
    return 0;
}

static int run_check(struct shell *shell, int count, char **words)
{
    struct check check = {
        .shell = shell,
        .quiet = option_given_name(shell, "quiet"),
        .silent = option_given_name(shell, "status"),
        .warn = option_given(shell, 'w'),
        .strict = option_given_name(shell, "strict"),
        .ignore_missing = option_given_name(shell, "ignore-missing"),
        .list.kind = kind_of(shell),
    };

    /* An error of a list takes precedence over the result of the others. */
    int result = input_each(shell, 1, count, words, check_input, &check);
    return result ? result : check.failed ? SHELL_FAILED : SHELL_DONE;
}

/* ---- the commands ------------------------------------------------------------------------- */

/* Refuses options for printing with -c, and options for checking without it, as GNU does. */
static bool options_agree(struct shell *shell)
{
    static const char *const writing[] = { "tag", "zero", NULL };
    static const char *const checking[] = { "quiet", "status", "strict", "warn", "ignore-missing",
                                            NULL };

    /* Such an option would be ignored, which is worth an error. */
    bool checks = option_given(shell, 'c');

    /* Lines in BSD format do not tell text from binary. */
    if (option_given_name(shell, "tag") && option_last(shell, "bt") == 't') {
        shell_complain(shell, "--tag does not support --text");
        return false;
    }
    for (const char *const *name = checks ? writing : checking; *name; name++)
        if (option_given_name(shell, *name)) {
            shell_complain(shell, checks ? "--%s is meaningless with -c"
                                         : "--%s is meaningful only with -c", *name);
            return false;
        }
    return true;
}

static int run_sum(struct shell *shell, int count, char **words)
{
    if (!options_agree(shell))
        return SHELL_USAGE;
    if (option_given(shell, 'c'))
        return run_check(shell, count, words);
    return input_each(shell, 1, count, words, sum_input, NULL);
}

static const struct shell_option sum_options[] = {
    { 'c', "check", NULL, "read digests from FILE, and check the files it lists" },
    { 'b', "binary", NULL, "print * before names; files are always read as binary" },
    { 't', "text", NULL, "print a blank before names (the default)" },
    { 0, "tag", NULL, "print lines in BSD format: TAG (NAME) = DIGEST" },
    { 'z', "zero", NULL, "end lines with NUL, and do not escape names" },
    { 0, "ignore-missing", NULL, "with -c: ignore missing files" },
    { 0, "quiet", NULL, "with -c: do not print OK for each good file" },
    { 0, "status", NULL, "with -c: no output, only the status" },
    { 0, "strict", NULL, "with -c: fail on improperly formatted lines" },
    { 'w', "warn", NULL, "with -c: warn about improperly formatted lines" },
    { 0 },
};

#define SUM_COMMAND(kind, shown_name)                                            \
    static const struct shell_command command_##kind = {                        \
        .name = #kind "sum",                                                     \
        .arguments = "[-c] [OPTION...] [FILE...]",                               \
        .summary = "print or check (-c) " shown_name " digests of files", \
        .arguments_max = -1,                                                     \
        .run = run_sum,                                                          \
        .options = sum_options,                                                  \
        .group = "Files",                                                        \
    };                                                                           \
    SHELL_COMMAND(command_##kind)

SUM_COMMAND(md5, "MD5");
SUM_COMMAND(sha1, "SHA-1");
SUM_COMMAND(sha256, "SHA-256");
SUM_COMMAND(sha512, "SHA-512");
