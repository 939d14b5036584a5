/*
 * options.c - the command line of spindle-mount.
 *
 *     spindle-mount [-f] [-d] [-o OPTION,...] IMAGE DIR
 *     mount.spindle IMAGE DIR [-sfnv] [-t TYPE] [-N NAMESPACE] [-o OPTION,...]   (from mount(8))
 *
 * Options of the file system (names=, session=, charset=, case=, tz=) are passed to it; those that
 * neither it nor this file knows are libfuse's, which refuses what it does not know.
 */
#include "host/mount/mount.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/macros.h"
#include "lib/text.h"

static char why[256], file_system_options[256];
static bool mounted_by_mount; /* the program is mount.spindle */

/* Programs of the host expect names to match exactly. */
struct mount_options mount_options = {
    .image = { .directory = "/Image", .options = file_system_options, .exact_case = true },
};

static const char *complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    return why;
}

/* ---- values --------------------------------------------------------------------------------- */

static const char *take_number(const char *name, const char *value, int base, uint64_t most,
                               uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long parsed = strtoull(value, &end, base);
    if (!text_is_digit(*value) || *end || errno || parsed > most)
        return complain("%s=%s: invalid number", name, value);
    *number = parsed;
    return NULL;
}

static const char *take_bytes(const char *name, const char *value, uint64_t *bytes)
{
    return text_parse_u64(value, bytes) ? complain("%s=%s: invalid size", name, value) : NULL;
}

static const char *take_owner(const char *name, const char *value, bool *given, unsigned *number)
{
    uint64_t parsed;
    const char *reason = take_number(name, value, 10, UINT32_MAX - 1, &parsed);
    if (reason)
        return reason;
    *given = true;
    *number = (unsigned)parsed;
    return NULL;
}

static const char *take_mask(const char *name, const char *value, unsigned *mask)
{
    uint64_t parsed;
    const char *reason = take_number(name, value, 8, 07777, &parsed);
    if (!reason)
        *mask = (unsigned)parsed;
    return reason;
}

/* ---- -o ------------------------------------------------------------------------------------- */

/* Returns whether a word of fstab has a meaning for mount(8) only, or changes nothing about a file
 * system that is not written. "rw" is one of them: mount(8) adds it to "defaults". */
static bool is_for_mount(const char *word)
{
    static const char *const words[] = {
        "defaults", "auto", "noauto", "user", "users", "nouser", "owner", "group", "nofail",
        "_netdev", "async", "ro", "rw", "relatime", "norelatime", "strictatime", "nostrictatime",
        "diratime", "nodiratime", "lazytime", "nolazytime", "silent", "loud", "mand", "nomand",
        "iversion", "noiversion",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (text_equal(word, words[i]))
            return true;
    return text_starts(word, "x-") || text_starts(word, "comment=") || text_starts(word, "X-");
}

static bool is_for_file_system(const char *word)
{
    return text_starts(word, "names=") || text_starts(word, "session=") ||
           text_starts(word, "charset=") || text_starts(word, "case=") ||
           text_starts(word, "tz=");
}

static const char *pass_to_file_system(const char *word)
{
    size_t length = strlen(file_system_options);
    int added = snprintf(file_system_options + length, sizeof(file_system_options) - length,
                         "%s%s", length ? "," : "", word);
    if (length + (size_t)added >= sizeof(file_system_options))
        return complain("the options are too long");
    return NULL;
}

static const char *pass_to_fuse(const char *flag, const char *word)
{
    bool failed = (flag && fuse_opt_add_arg(&mount_options.fuse, flag)) ||
                  fuse_opt_add_arg(&mount_options.fuse, word);
    return failed ? "out of memory" : NULL;
}

static const char *take_option(const char *word)
{
    struct mount_options *options = &mount_options;
    const char *equals = strchr(word, '='), *value = equals ? equals + 1 : "";
    size_t length = equals ? (size_t)(value - word) : 0;

    /* A person who types "rw" means it; mount(8) adds it to every line of fstab. */
    if (text_equal(word, "write") || (text_equal(word, "rw") && !mounted_by_mount)) {
        options->image.writable = true;
        return NULL;
    }
    if (!*word || is_for_mount(word))
        return NULL;
    if (is_for_file_system(word))
        return pass_to_file_system(word);
    if (text_equal_n(word, length, "offset=", 7))
        return take_bytes("offset", value, &options->image.offset_bytes);
    if (text_equal_n(word, length, "size=", 5))
        return take_bytes("size", value, &options->image.size_bytes);
    if (text_equal_n(word, length, "uid=", 4))
        return take_owner("uid", value, &options->has_uid, &options->uid);
    if (text_equal_n(word, length, "gid=", 4))
        return take_owner("gid", value, &options->has_gid, &options->gid);
    if (text_equal_n(word, length, "fmask=", 6))
        return take_mask("fmask", value, &options->fmask);
    if (text_equal_n(word, length, "dmask=", 6))
        return take_mask("dmask", value, &options->dmask);
    return pass_to_fuse("-o", word);
}

/* Ends the word at the next comma that has no backslash before it, and returns the word after it,
 * or NULL. */
static char *end_word(char *word)
{
    while (*word && *word != ',')
        word += word[0] == '\\' && word[1] ? 2 : 1;
    if (!*word)
        return NULL;
    *word = '\0';
    return word + 1;
}

static const char *take_options(const char *list)
{
    char *copy = strdup(list), *next;
    const char *reason = copy ? NULL : "out of memory";
    for (char *word = copy; !reason && word; word = next) {
        next = end_word(word);
        reason = take_option(word);
    }
    free(copy);
    return reason;
}

/* ---- the command line ----------------------------------------------------------------------- */

static const char *take_operand(const char *word)
{
    if (!mount_options.image.image)
        mount_options.image.image = word;
    else if (!mount_options.directory)
        mount_options.directory = word;
    else
        return complain("%s: too many operands", word);
    return NULL;
}

/* Sets what the kernel shows as the source, before other options, which may set it too. A comma
 * would end the option. */
static const char *name_source(void)
{
    char text[4200] = "-osubtype=spindle,fsname=", *at = text + strlen(text);
    for (const char *c = mount_options.image.image; *c && at < text + sizeof(text) - 3; c++) {
        if (*c == ',' || *c == '\\')
            *at++ = '\\';
        *at++ = *c;
    }
    *at = '\0';
    return fuse_opt_insert_arg(&mount_options.fuse, 1, text) ? "out of memory" : NULL;
}

const char *options_parse(int count, char **words)
{
    struct mount_options *options = &mount_options;
    const char *slash = strrchr(words[0], '/'), *program = slash ? slash + 1 : words[0];
    bool by_mount = mounted_by_mount = text_starts(program, "mount.");
    const char *reason = pass_to_fuse(NULL, program);
    int letter;

    for (int i = 1; i < count; i++) {
        options->help |= text_equal(words[i], "--help");
        options->version |= text_equal(words[i], "--version");
    }
    if (options->help || options->version)
        return NULL;

    /* The two forms share letters with different meanings. "-" makes operands results too, wherever
     * they are. */
    opterr = 0;
    const char *letters = by_mount ? "-:sfnvt:N:o:" : "-:fdho:V";
    while (!reason && (letter = getopt(count, words, letters)) != -1) {
        switch (letter) {
        case 1: reason = take_operand(optarg); break;
        case 'o': reason = take_options(optarg); break;
        case 'f': *(by_mount ? &options->pretend : &options->foreground) = true; break;
        case 'd': options->debug = options->foreground = true; break;
        case 'h': options->help = true; break;
        case 'V': options->version = true; break;
        case ':': reason = complain("-%c: needs a value", optopt); break;
        case '?': reason = complain("-%c: unknown option", optopt); break;
        default: break; /* mount(8)'s: sloppy, no mtab, verbose, type, namespace */
        }
    }
    for (; !reason && optind < count; optind++)
        reason = take_operand(words[optind]);
    if (reason || options->help || options->version)
        return reason;

    if (!options->directory)
        return "two operands are needed: IMAGE and DIR";
    if (options->debug)
        reason = pass_to_fuse(NULL, "-d");
    return reason ? reason : name_source();
}
