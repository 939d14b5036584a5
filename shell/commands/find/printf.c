/*
 * printf.c - find's -printf; see find.h.
 *
 * A conversion is % with flags, a width and a precision, as in C, and a letter; of times, also the
 * letter of a date conversion. The values are texts, which are padded and cut.
 */
#include "lib/date.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/find/find.h"
#include "shell/reading/paths.h"
#include "shell/reading/show.h"
#include "shell/words.h"

enum { VALUE_BYTES = 128 };

struct conversion {
    bool left, zero, has_precision;
    unsigned width, precision;
};

static const char *parse_width(const char *at, unsigned *width)
{
    for (*width = 0; text_is_digit(*at); at++)
        *width = min(*width * 10 + (unsigned)(*at - '0'), 10000u);
    return at;
}

/* Parses flags, width and precision; returns what follows them. */
static const char *parse_conversion(const char *at, struct conversion *conversion)
{
    *conversion = (struct conversion){ 0 };
    for (; *at && strchr("-+ #0", *at); at++) {
        conversion->left |= *at == '-';
        conversion->zero |= *at == '0';
    }
    at = parse_width(at, &conversion->width);
    if (*at == '.') {
        conversion->has_precision = true;
        at = parse_width(at + 1, &conversion->precision);
    }
    return at;
}

static void put(struct stream *out, const struct conversion *conversion, const char *text,
                size_t length, bool number)
{
    char c;
    if (conversion->has_precision && !number)
        length = min(length, (size_t)conversion->precision);
    size_t padding = conversion->width > length ? conversion->width - length : 0;

    for (size_t i = 0; i < padding && !conversion->left; i++)
        stream_write(out, number && conversion->zero ? "0" : " ", 1);

    /* Names are escaped like those of -print. */
    for (size_t i = 0; i < length; i++) {
        char piece[2] = { c = text[i], '\0' };
        if ((unsigned char)c < 0x20 || c == 0x7f || c == '\\')
            stream_escaped(out, piece, false);
        else
            stream_write(out, &c, 1);
    }
    for (size_t i = 0; i < padding && conversion->left; i++)
        stream_write(out, " ", 1);
}

static void put_number(struct stream *out, const struct conversion *conversion,
                       const char *format, uint64_t value)
{
    char text[VALUE_BYTES];
    size_t length = (size_t)format_text(text, sizeof(text), format, (unsigned long long)value);
    put(out, conversion, text, length, true);
}

/* Writes a time: @ as seconds, else by a conversion of date(1); without a letter as ctime(). */
static void put_time(struct stream *out, const struct conversion *conversion,
                     const struct node_info *info, char which, char letter)
{
    int64_t seconds;
    char text[VALUE_BYTES], format[] = "%?";
    bool known = find_time_of(info, which, &seconds);
    format[1] = letter;

    const char *chosen = letter == '@' ? "%s.%N0" : letter == '+' ? "%F+%T.%N0" : format;
    if (!letter)
        chosen = "%a %b %e %H:%M:%S.%N0 %Y";
    size_t length = known ? date_format(text, sizeof(text), chosen, seconds) : 0;
    put(out, conversion, text, min(length, sizeof(text) - 1), false);
}

static void put_target(struct find *find, const struct conversion *conversion,
                       const struct find_item *item)
{
    struct path *path;
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    ssize_t length = 0;
    if (target && item->info.type == NODE_LINK && !find_item_path(find, item, &path)) {
        length = path_read_link(path, target, PATH_BYTES_MAX + 1);
        path_put(path);
    }
    put(find->shell->out, conversion, target ? target : "", length > 0 ? (size_t)length : 0,
        false);
    mem_free(target);
}

/* %h: the path without its last element. */
static void put_directory(struct stream *out, const struct conversion *conversion,
                          const char *path)
{
    size_t length;
    const char *base = base_name(path, &length);
    if (base > path)
        put(out, conversion, path, (size_t)(base - path) - 1, false);
    else
        put(out, conversion, ".", length ? 1 : 0, false);
}

/* %f: the last element. A start keeps the slash after its name (GNU). */
static void put_base(struct stream *out, const struct conversion *conversion,
                     const struct find_item *item)
{
    size_t length;
    const char *base = base_name(item->path, &length);
    if (length && !item->parent)
        put(out, conversion, base, length + (base[length] == '/'), false);
    else
        put(out, conversion, item->name, strlen(item->name), false);
}

/* %Y: the type of what a link leads to: N if that does not exist, L for a loop, ? otherwise. */
static char target_letter(struct find *find, const struct find_item *item)
{
    struct path *path;
    struct node_info info;
    if (item->info.type != NODE_LINK)
        return find_type_letter(&item->info);

    status_t status = item->parent ? path_walk(item->parent, item->name, 0, &path)
                                   : path_walk(find->shell->directory, item->path, 0, &path);
    if (!status) {
        status = path_info(path, INFO_STANDARD | INFO_MODE, &info);
        path_put(path);
    }
    if (!status)
        return find_type_letter(&info);
    return status == -ENOENT || status == -ENOTDIR ? 'N' : status == -ELOOP ? 'L' : '?';
}

/* Writes a conversion that is a text. Returns false for another letter. */
static bool put_text(struct find *find, const struct conversion *conversion, char letter,
                     const struct find_item *item)
{
    struct stream *out = find->shell->out;
    const char *below = item->path + min(item->start_length, strlen(item->path));
    char text[MODE_TEXT_BYTES];
    switch (letter) {
    case 'p': put(out, conversion, item->path, strlen(item->path), false); return true;
    case 'f': put_base(out, conversion, item); return true;
    case 'H': put(out, conversion, item->path, item->start_length, false); return true;
    case 'h': put_directory(out, conversion, item->path); return true;
    case 'l': put_target(find, conversion, item); return true;
    case 'P':
        below += *below == '/';
        put(out, conversion, below, strlen(below), false);
        return true;
    case 'y':
    case 'Y':
        text[0] = letter == 'y' ? find_type_letter(&item->info) : target_letter(find, item);
        put(out, conversion, text, 1, false);
        return true;
    case 'M':
        mode_text(text, &item->info);
        put(out, conversion, text, strlen(text), false);
        return true;
    default: return false;
    }
}

/* Writes a conversion that is a number. Returns false for another letter. */
static bool put_value(struct find *find, const struct conversion *conversion, char letter,
                      const struct find_item *item)
{
    const struct node_info *info = &item->info;
    const struct { char letter; const char *format; uint64_t value; } values[] = {
        { 's', "%llu", info->size_bytes }, { 'd', "%llu", item->depth },
        { 'i', "%llu", info->id }, { 'm', "%llo", info->mode & 07777 },
        { 'n', "%llu", info->known & INFO_MODE ? info->links : 1 },
        { 'U', "%llu", info->uid }, { 'G', "%llu", info->gid },
        { 'k', "%llu", (info->size_bytes + 1023) / 1024 },
        { 'b', "%llu", (info->size_bytes + 511) / 512 },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        if (values[i].letter == letter) {
            put_number(find->shell->out, conversion, values[i].format, values[i].value);
            return true;
        }
    return false;
}

/* Writes the conversion at `at`, after the %. Returns what follows it. */
static const char *put_conversion(struct find *find, const char *at, const struct find_item *item)
{
    struct conversion conversion;
    const char *start = at;
    at = parse_conversion(at, &conversion);
    char letter = *at;

    if (letter && strchr("actB", letter) && letter != 'B') {
        put_time(find->shell->out, &conversion, &item->info, letter == 't' ? 'm' : letter, 0);
    } else if (letter && strchr("ACTB", letter) && at[1]) {
        char which = letter == 'T' ? 'm' : letter == 'B' ? 'B' : text_lower(letter);
        put_time(find->shell->out, &conversion, &item->info, which, *++at);
    } else if (letter == '%') {
        stream_text(find->shell->out, "%");
    } else if (!put_text(find, &conversion, letter, item) &&
               !put_value(find, &conversion, letter, item)) {
        /* Unknown: copied as it is (GNU). */
        stream_text(find->shell->out, "%");
        stream_write(find->shell->out, start, (size_t)(at - start) + (letter != '\0'));
    }
    return at + (*at != '\0');
}

/* Stores the character of an escape sequence at `at`, after the backslash; returns what follows. */
static const char *parse_escape(const char *at, char *c)
{
    static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
    const char *letter = *at ? strchr(letters, *at) : NULL;
    unsigned value = 0;

    *c = letter ? values[letter - letters] : '\\';
    if (letter)
        return at + 1;
    const char *start = at;
    for (; *at >= '0' && *at <= '7' && at < start + 3; at++)
        value = value * 8 + (unsigned)(*at - '0');
    if (at > start)
        *c = (char)value;
    return at;
}

bool find_printf(struct find *find, struct find_term *term, const struct find_item *item)
{
    for (const char *at = term->text; *at;) {
        char c = *at++;
        if (c == '%' && *at) {
            at = put_conversion(find, at, item);
            continue;
        }

        /* \c ends the output of this item. */
        if (c == '\\' && *at == 'c')
            break;
        if (c == '\\')
            at = parse_escape(at, &c);
        stream_write(find->shell->out, &c, 1);
    }
    return true;
}
