/*
 * cpio_read.c - lists archives, and extracts members; see cpio.h.
 */
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/cpio.h"
#include "shell/options.h"
#include "shell/pattern.h"

/* ---- the bytes of an archive -------------------------------------------------------------- */

/* Shows at most `bytes` of what follows, and takes it. Returns how many, 0 at the end, or an
 * errno. */
static ssize_t take(struct cpio *cpio, uint64_t bytes, const char **data)
{
    if (!cpio->left) {
        ssize_t got = unpack_piece(&cpio->input, &cpio->data);
        if (got <= 0)
            return got;
        cpio->left = (size_t)got;
    }
    size_t taken = (size_t)min((uint64_t)cpio->left, bytes);
    *data = cpio->data;
    cpio->data += taken;
    cpio->left -= taken;
    cpio->bytes += taken;
    return (ssize_t)taken;
}

/* Takes all of the bytes. -ENODATA if the archive ends before. `to` may be NULL. */
static status_t take_all(struct cpio *cpio, char *to, uint64_t bytes)
{
    for (uint64_t used = 0; used < bytes;) {
        const char *data;
        ssize_t got = take(cpio, bytes - used, &data);
        if (got <= 0)
            return got ? (status_t)got : -ENODATA;
        if (to)
            memcpy(to + used, data, (size_t)got);
        used += (uint64_t)got;
    }
    return 0;
}

static ssize_t read_content(struct cpio *cpio, const char **data)
{
    ssize_t got = cpio->content_left ? take(cpio, cpio->content_left, data) : 0;
    if (!got && cpio->content_left)
        return -ENODATA;
    for (ssize_t i = 0; i < got; i++)
        cpio->sum += (uint8_t)(*data)[i];
    cpio->content_left -= (uint64_t)max(got, 0);
    return got;
}

/* Skips what is left of a content, and the padding after it. */
static status_t end_content(struct cpio *cpio)
{
    struct cpio_member *member = &cpio->member;
    const char *data;
    ssize_t got;
    while ((got = read_content(cpio, &data)) > 0)
        continue;
    if (got)
        return (status_t)got;
    if (member->form == CPIO_CRC && (member->mode & CPIO_TYPE) == CPIO_FILE &&
        cpio->sum != member->sum) {
        (void)shell_complain(cpio->shell, "%s: checksum error (0x%x, should be 0x%x)",
                             member->name, cpio->sum, member->sum);
        cpio->result = CPIO_TROUBLE;
    }
    return take_all(cpio, NULL, cpio_padding(member->form, member->size));
}

/* ---- members ------------------------------------------------------------------------------ */

/* Reads a header and what is beside the content. */
static status_t next_member(struct cpio *cpio)
{
    struct cpio_member *member = &cpio->member;
    char header[CPIO_HEADER_MAX];
    status_t status = take_all(cpio, header, 6);
    if (status)
        return status;
    size_t bytes = cpio_header_bytes(header, &member->form);
    if (!bytes)
        return -EUCLEAN;
    status = take_all(cpio, header + 6, bytes - 6);
    if (!status && !cpio_decode(member, header))
        return -EUCLEAN;

    /* The name ends with a NUL, which is counted. */
    if (!status)
        status = take_all(cpio, member->name, member->name_bytes);
    if (!status && member->name[member->name_bytes - 1])
        return -EUCLEAN;
    if (!status)
        status = take_all(cpio, NULL, cpio_padding(member->form, bytes + member->name_bytes));
    cpio->content_left = member->size;
    cpio->sum = 0;
    member->link[0] = '\0';
    return status;
}

/* Reads the content of a symbolic link. */
static status_t read_link(struct cpio *cpio)
{
    struct cpio_member *member = &cpio->member;
    if (member->size >= sizeof(member->link))
        return -EUCLEAN;
    status_t status = take_all(cpio, member->link, member->size);
    member->link[status ? 0 : member->size] = '\0';
    cpio->content_left = 0;
    return status;
}

static bool is_wanted(const struct cpio *cpio)
{
    bool matches = !cpio->patterns.count;
    for (int i = 0; i < cpio->patterns.count && !matches; i++)
        matches = glob_matches_text(cpio->patterns.list[i], cpio->member.name, false);
    return matches != cpio->excludes;
}

/* ---- listing ------------------------------------------------------------------------------ */

static char type_letter(uint32_t mode)
{
    switch (mode & CPIO_TYPE) {
    case CPIO_DIRECTORY: return 'd';
    case CPIO_LINK: return 'l';
    case 0020000: return 'c';
    case 0060000: return 'b';
    case 0010000: return 'p';
    default: return '-';
    }
}

/* Prints what -v shows before the name, as `ls -l` does. */
static void list_details(struct cpio *cpio)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const struct cpio_member *member = &cpio->member;
    struct stream *out = cpio->shell->out;
    struct civil civil = seconds_to_civil(member->modified_s);
    int64_t age = time_wall_s() - member->modified_s;
    bool numeric = option_given(cpio->shell, 'n');
    char user[12] = "root", group[12] = "root", mode[11];

    mode[0] = type_letter(member->mode);
    for (unsigned i = 0; i < 9; i++)
        mode[1 + i] = member->mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
    mode[10] = '\0';
    if (member->uid || numeric)
        format_text(user, sizeof(user), "%u", member->uid);
    if (member->gid || numeric)
        format_text(group, sizeof(group), "%u", member->gid);
    stream_format(out, "%s %3u %-8s %-8s %8llu %.3s %2u ", mode, member->links, user, group,
                  (unsigned long long)member->size, months + 3 * (civil.month - 1), civil.day);

    /* The year instead of the hour of what is older than half a year, or in the future. */
    if (age < 0 || age > 182 * 86400)
        stream_format(out, " %lld ", (long long)civil.year);
    else
        stream_format(out, "%02u:%02u ", civil.hour, civil.minute);
}

static void list_member(struct cpio *cpio)
{
    const struct cpio_member *member = &cpio->member;
    struct stream *out = cpio->shell->out;
    if (cpio->verbose)
        list_details(cpio);
    stream_escaped(out, member->name, false);
    if (cpio->verbose && *member->link) {
        stream_text(out, " -> ");
        stream_escaped(out, member->link, false);
    }
    stream_text(out, "\n");
}

/* ---- extracting --------------------------------------------------------------------------- */

/* Returns the name to make, below the directory; NULL if it contains `..`. */
static const char *safe_name(struct cpio *cpio)
{
    const char *name = cpio->member.name;
    for (const char *at = name; *at && !cpio->absolute; at++) {
        bool begins = at == name || at[-1] == '/';
        if (begins && text_starts(at, "..") && (!at[2] || at[2] == '/')) {
            (void)shell_complain(cpio->shell, "%s: Member name contains '..'", name);
            cpio->result = CPIO_TROUBLE;
            return NULL;
        }
    }
    if (*name == '/' && !cpio->absolute) {
        if (!cpio->warned)
            (void)shell_complain(cpio->shell, "Removing leading `/' from member names");
        cpio->warned = true;
        while (*name == '/')
            name++;
    }
    return *name ? name : ".";
}

static status_t extract_member(struct cpio *cpio)
{
    const char *name = safe_name(cpio), *data;
    ssize_t got;
    if (!name)
        return 0;
    if (!cpio->to_output)
        return cpio_make(cpio, name);
    while ((got = read_content(cpio, &data)) > 0)
        stream_write(cpio->shell->out, data, (size_t)got);
    return (status_t)got;
}

status_t cpio_read(struct cpio *cpio)
{
    status_t status;
    cpio->content = read_content;
    while (!(status = next_member(cpio)) && !text_equal(cpio->member.name, "TRAILER!!!") &&
           !cpio->shell->out->status) {
        if ((cpio->member.mode & CPIO_TYPE) == CPIO_LINK)
            status = read_link(cpio);
        bool wanted = !status && is_wanted(cpio);
        if (wanted && cpio->lists)
            list_member(cpio);
        else if (wanted)
            status = extract_member(cpio);
        if (!status)
            status = end_content(cpio);
        if (status)
            break;
    }
    cpio_make_rest(cpio);
    return status;
}
