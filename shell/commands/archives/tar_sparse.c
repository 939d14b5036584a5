/*
 * tar_sparse.c - the contents of sparse files, and maps at their start; see tar.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/archives/tar.h"

/* ---- maps --------------------------------------------------------------------------------- */

/* The numbers of a map, one a line: how many areas, then offset and length of each. */
struct numbers {
    uint64_t value, offset;
    uint64_t read, wanted;
};

/* Takes a line that has ended. */
static bool end_number(struct tar *tar, struct numbers *numbers)
{
    uint64_t value = numbers->value;
    numbers->value = 0;
    if (!numbers->read++) {
        numbers->wanted = 1 + 2 * value;
        return value <= TAR_AREAS_MAX;
    }
    if (numbers->read % 2)
        return tar_add_area(&tar->map, numbers->offset, value);
    numbers->offset = value;
    return true;
}

static bool take_number_block(struct tar *tar, struct numbers *numbers,
                              const char block[TAR_BLOCK])
{
    for (unsigned i = 0; i < TAR_BLOCK && numbers->read < numbers->wanted; i++) {
        if (block[i] == '\n') {
            if (!end_number(tar, numbers))
                return false;
        } else {
            if (!text_is_digit(block[i]) || numbers->value > INT64_MAX / 10)
                return false;
            numbers->value = numbers->value * 10 + (uint64_t)(block[i] - '0');
        }
    }
    return true;
}

status_t tar_read_content_map(struct tar *tar, uint64_t *left)
{
    struct numbers numbers = { .wanted = 1 };
    char block[TAR_BLOCK];
    while (numbers.read < numbers.wanted) {
        int got = *left < TAR_BLOCK ? -EUCLEAN : tar_take_all(tar, block, TAR_BLOCK);
        if (got <= 0)
            return got ? got : -ENODATA;
        *left -= TAR_BLOCK;
        if (!take_number_block(tar, &numbers, block))
            return -EUCLEAN;
    }
    return 0;
}

/* ---- contents ----------------------------------------------------------------------------- */

static void put_zeroes(struct tar *tar, uint64_t bytes)
{
    static const char zeroes[TAR_BLOCK];
    while (bytes && !tar->shell->out->status && !shell_interrupted()) {
        size_t piece = (size_t)min(bytes, (uint64_t)TAR_BLOCK);
        stream_write(tar->shell->out, zeroes, piece);
        bytes -= piece;
    }
}

/* Copies an area. *written: the first error of the file, after which it is not written. */
static status_t copy_area(struct tar *tar, struct file *file, struct tar_area area, uint64_t *left,
                          status_t *written)
{
    if (area.bytes > *left)
        return -EUCLEAN;
    if (file)
        file_seek(file, area.offset);
    while (area.bytes) {
        const char *data;
        ssize_t got = tar_take(tar, area.bytes, &data);
        if (got <= 0)
            return got ? (status_t)got : -ENODATA;
        area.bytes -= (uint64_t)got;
        *left -= (uint64_t)got;
        if (!file)
            stream_write(tar->shell->out, data, (size_t)got);
        else if (!*written)
            *written = file_write_all(file, data, (size_t)got);
    }
    return 0;
}

status_t tar_copy_sparse(struct tar *tar, struct file *file, uint64_t *left)
{
    uint64_t full = tar->member.full_size, at = 0;
    status_t status = 0, written = file ? file_set_size(file, full) : 0;
    for (size_t i = 0; i < tar_area_count(&tar->map) && !status; i++) {
        struct tar_area area = tar_area_at(&tar->map, i);
        if (area.offset > full || area.bytes > full - area.offset)
            return -EUCLEAN;
        if (!file)
            put_zeroes(tar, area.offset - at);
        status = copy_area(tar, file, area, left, &written);
        at = area.offset + area.bytes;
    }
    if (!file && !status)
        put_zeroes(tar, full - at);
    if (written)
        tar_fail(tar, tar->member.name, written);
    return status;
}
