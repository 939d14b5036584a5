/*
 * tar_read.c - lists archives, and extracts members; see tar.h.
 */
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"
#include "shell/options.h"

/* ---- listing ------------------------------------------------------------------------------ */

static void mode_text(char text[11], const struct tar_member *member)
{
    static const char types[] = "-hlcbdp";
    char type = member->type >= '0' && member->type <= '6' ? types[member->type - '0'] : '-';
    text[0] = type;
    for (unsigned i = 0; i < 9; i++)
        text[1 + i] = member->mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
    text[10] = '\0';
}

/* Prints what -v shows before the name. */
static void list_details(struct tar *tar, struct stream *out, const struct tar_member *member)
{
    char mode[11], size[24], user[33], group[33];
    struct civil civil = seconds_to_civil(member->modified_s);
    bool numeric = option_given_name(tar->shell, "numeric-owner");
    uint64_t bytes = member->sparse ? member->full_size : member->size;
    mode_text(mode, member);
    format_text(size, sizeof(size), "%llu", (unsigned long long)bytes);
    format_text(user, sizeof(user), *member->user && !numeric ? "%s" : "%.0s%u", member->user,
                member->uid);
    format_text(group, sizeof(group), *member->group && !numeric ? "%s" : "%.0s%u",
                member->group, member->gid);

    /* The columns grow with the widest owner and size so far, as GNU's. */
    size_t width = strlen(user) + strlen(group) + strlen(size) + 2;
    tar->list_width = max(tar->list_width, width);
    stream_format(out, "%s %s/%s %*s %04lld-%02u-%02u %02u:%02u", mode, user, group,
                  (int)(tar->list_width - width + strlen(size)), size, (long long)civil.year,
                  civil.month, civil.day, civil.hour, civil.minute);
    stream_format(out, option_given_name(tar->shell, "full-time") ? ":%02u " : " ", civil.second);
}

void tar_list(struct tar *tar, struct stream *out, const struct tar_member *member,
              const char *name, bool long_form)
{
    if (long_form)
        list_details(tar, out, member);
    stream_escaped(out, name, false);
    if (long_form && (member->type == '1' || member->type == '2')) {
        stream_text(out, member->type == '1' ? " link to " : " -> ");
        stream_escaped(out, member->link, false);
    }
    stream_text(out, "\n");
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* Lists or extracts a member that was asked for. */
static status_t show_member(struct tar *tar, bool extracts, uint64_t *left)
{
    struct tar_member *member = &tar->member;
    struct stream *shown = tar->to_output ? tar->shell->err : tar->shell->out;
    bool stripped = option_given_name(tar->shell, "show-transformed-names");
    const char *name = stripped ? tar_strip_name(tar, member->name) : member->name;
    bool remains = !extracts || tar_strip_name(tar, member->name);
    if (name && remains && (!extracts || tar->verbose))
        tar_list(tar, shown, member, name, !extracts && tar->verbose);
    return extracts ? tar_extract(tar, left) : 0;
}

status_t tar_read(struct tar *tar, bool extracts)
{
    struct tar_pending pending = { 0 };
    status_t status = 0;
    int got;

    while ((got = tar_next_member(tar, &pending)) > 0 && !tar->shell->out->status) {
        uint64_t left = tar->member.size;
        if (tar->member.map_in_content)
            status = tar_read_content_map(tar, &left);
        if (!status && tar_is_wanted(tar, tar->member.name))
            status = show_member(tar, extracts, &left);
        if (!status)
            status = tar_skip_content(tar, left, tar->member.size);
        if (status)
            break;
    }
    buffer_free(&pending.pax);
    buffer_free(&pending.name);
    buffer_free(&pending.link);
    if (extracts)
        tar_extract_rest(tar);
    return status ? status : got < 0 ? got : 0;
}
