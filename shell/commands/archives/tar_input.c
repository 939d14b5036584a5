/*
 * tar_input.c - the bytes and the members of an archive that is read; see tar.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"
#include "shell/options.h"

enum { EXTENDED_MAX = 1024 * 1024 };

/* The map of a sparse member in the old form, in the header and in blocks after it. */
enum {
    HEADER_AREAS = 386, HEADER_COUNT = 4,
    HEADER_CONTINUES = 482,
    FULL_SIZE = 483,
    BLOCK_COUNT = 21, BLOCK_CONTINUES = 504,
    AREA_BYTES = 24, NUMBER_BYTES = 12,
};

/* ---- the bytes of an archive -------------------------------------------------------------- */

ssize_t tar_take(struct tar *tar, uint64_t bytes, const char **data)
{
    if (!tar->left) {
        ssize_t got = unpack_piece(&tar->input, &tar->data);
        if (got <= 0)
            return got;
        tar->left = (size_t)got;
    }
    size_t taken = (size_t)min((uint64_t)tar->left, bytes);
    *data = tar->data;
    tar->data += taken;
    tar->left -= taken;
    tar->taken_bytes += taken;
    return (ssize_t)taken;
}

int tar_take_all(struct tar *tar, void *to, uint64_t bytes)
{
    uint64_t used = 0;
    while (used < bytes) {
        const char *data;
        ssize_t got = tar_take(tar, bytes - used, &data);
        if (got <= 0)
            return got ? (int)got : used ? -ENODATA : 0;
        if (to)
            memcpy((char *)to + used, data, (size_t)got);
        used += (uint64_t)got;
    }
    return 1;
}

status_t tar_skip_content(struct tar *tar, uint64_t left, uint64_t size)
{
    uint64_t padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    int got = left + padding ? tar_take_all(tar, NULL, left + padding) : 1;
    return got > 0 ? 0 : got ? got : -ENODATA;
}

/* ---- headers ------------------------------------------------------------------------------ */

/* Reads the content of a pax or GNU header. */
static status_t take_extended(struct tar *tar, uint64_t size)
{
    char piece[64];
    buffer_clear(&tar->extended);
    if (size > EXTENDED_MAX)
        return -EUCLEAN;
    for (uint64_t left = size; left;) {
        uint64_t bytes = min(left, (uint64_t)sizeof(piece));
        int got = tar_take_all(tar, piece, bytes);
        if (got <= 0)
            return got ? got : -ENODATA;
        buffer_put(&tar->extended, piece, (size_t)bytes);
        left -= bytes;
    }
    status_t status = tar->extended.status;
    return status ? status : tar_skip_content(tar, 0, size);
}

static status_t keep_extended(struct tar *tar, struct tar_pending *pending, char type,
                              uint64_t size)
{
    status_t status = take_extended(tar, size);
    struct buffer *to = type == 'L' ? &pending->name : type == 'K' ? &pending->link : &pending->pax;
    if (status || type == 'g')
        return status;
    buffer_clear(to);
    buffer_put(to, tar->extended.text ? tar->extended.text : "", tar->extended.length);
    return to->status;
}

/* ---- sparse members ----------------------------------------------------------------------- */

/* Adds the areas of a list, up to one that is empty. */
static bool take_areas(struct tar *tar, const uint8_t *at, unsigned count)
{
    for (; count && *at; count--, at += AREA_BYTES) {
        int64_t offset = tar_decode_number(at, NUMBER_BYTES);
        int64_t bytes = tar_decode_number(at + NUMBER_BYTES, NUMBER_BYTES);
        if (offset < 0 || bytes < 0 || !tar_add_area(&tar->map, (uint64_t)offset, (uint64_t)bytes))
            return false;
    }
    return true;
}

/* Reads the map of an old sparse member from its header, and the blocks that follow it. */
static status_t read_old_map(struct tar *tar, const uint8_t header[TAR_BLOCK])
{
    struct tar_member *member = &tar->member;
    uint8_t block[TAR_BLOCK];
    int64_t size = tar_decode_number(header + FULL_SIZE, NUMBER_BYTES);
    bool continues = header[HEADER_CONTINUES];
    if (size < 0 || !take_areas(tar, header + HEADER_AREAS, HEADER_COUNT))
        return -EUCLEAN;

    for (; continues; continues = block[BLOCK_CONTINUES]) {
        int got = tar_take_all(tar, block, TAR_BLOCK);
        if (got <= 0)
            return got ? got : -ENODATA;
        if (!take_areas(tar, block, BLOCK_COUNT))
            return -EUCLEAN;
    }
    member->type = '0';
    member->sparse = true;
    member->full_size = (uint64_t)size;
    return 0;
}

/* ---- members ------------------------------------------------------------------------------ */

/* Applies what the headers before it gave to a member. */
static bool apply_pending(struct tar *tar, const struct tar_pending *pending)
{
    struct tar_member *member = &tar->member;

    /* GNU's names end with a NUL. */
    if (pending->name.length)
        text_copy(member->name, sizeof(member->name), pending->name.text);
    if (pending->link.length)
        text_copy(member->link, sizeof(member->link), pending->link.text);
    return (!pending->pax.length || tar_apply_pax(member, &tar->map, pending->pax.text,
                                                  pending->pax.length)) &&
           member->size <= INT64_MAX - TAR_BLOCK && member->full_size <= INT64_MAX;
}

/* Reports an invalid header. The blocks after it are searched for the next one that is valid. */
static void report_invalid(struct tar *tar)
{
    if (!tar->began && !tar->skips)
        shell_complain(tar->shell, "This does not look like a tar archive");
    if (!tar->skips)
        shell_complain(tar->shell, "Skipping to next header");
    tar->skips = true;
    tar->result = TAR_TROUBLE;
}

/* Warns if the end of an archive is not marked by two blocks of zeroes. */
static int check_end(struct tar *tar, uint8_t block[TAR_BLOCK])
{
    uint64_t number = tar->taken_bytes / TAR_BLOCK;
    int got = tar_take_all(tar, block, TAR_BLOCK);
    if (!got || got == -ENODATA || (got > 0 && tar_decode(&tar->member, block)))
        shell_complain(tar->shell, "A lone zero block at %llu", (unsigned long long)number);
    return got < 0 && got != -ENODATA ? got : 0;
}

int tar_next_member(struct tar *tar, struct tar_pending *pending)
{
    struct tar_member *member = &tar->member;
    uint8_t *block = mem_alloc(TAR_BLOCK);
    int got = -ENOMEM;
    buffer_clear(&pending->pax);
    buffer_clear(&pending->name);
    buffer_clear(&pending->link);
    buffer_clear(&tar->map);

    while (block && (got = tar_take_all(tar, block, TAR_BLOCK)) > 0) {
        got = tar_decode(member, block);
        if (got == -EUCLEAN && !option_given(tar->shell, 'z')) {
            report_invalid(tar);
            continue;
        }
        tar->began |= got >= 0;
        tar->skips = false;
        if (!got) {
            got = check_end(tar, block);
            break;
        }
        bool is_header = got > 0 && strchr("xgLK", member->type);
        if (!is_header)
            break;
        got = keep_extended(tar, pending, member->type, member->size);
        if (got)
            break;
    }
    if (got > 0 && !apply_pending(tar, pending))
        got = -EUCLEAN;

    /* The blocks of an old map are between header and content, and not counted in its size. */
    if (got > 0 && member->type == 'S') {
        status_t status = read_old_map(tar, block);
        got = status ? status : 1;
    }
    mem_free(block);

    /* Even an empty archive has blocks of zeroes. */
    return !got && !tar->began && !tar->skips ? -EUCLEAN : got;
}
