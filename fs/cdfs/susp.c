/*
 * susp.c - system use entries (SUSP 1.12) and what Rock Ridge (RRIP 1.12) says in them.
 *
 * An entry is a tag of two letters, a length, a version, and its fields. Unknown tags are skipped
 * by their length; a length below 4 ends the area, since nothing behind it can be trusted.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { SUSP_HEADER_BYTES = 4 };

struct continuation {
    uint64_t address;
    uint32_t bytes; /* 0: none */
};

struct rock_reader {
    struct cdfs *cdfs;
    struct cdfs_rock *rock;
    struct continuation next;
    uint32_t continued_bytes; /* in all, against the budget */
};

/* ---- one function a tag; `body` is what follows the version byte ---------------------------- */

/* SUSP 5.1 CE: block, offset, length (733 each). */
static void entry_ce(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    if (body.length < 24) {
        cdfs_anomaly(reader->cdfs, ANOMALY_CONTINUATION);
        return;
    }
    uint64_t block = iso_733(body, 0, &agree);
    reader->next.address = block * reader->cdfs->block_bytes + iso_733(body, 8, &agree);
    reader->next.bytes = iso_733(body, 16, &agree);
}

/* RRIP 4.1.1 PX: mode, links, user, group; a serial number in version 1.12. */
static void entry_px(struct rock_reader *reader, struct bytes body)
{
    struct cdfs_rock *rock = reader->rock;
    bool agree = true;
    if (body.length < 8) {
        cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
        return;
    }
    rock->has_mode = true;
    rock->mode = iso_733(body, 0, &agree);
    rock->links = iso_733(body, 8, &agree);
    rock->uid = iso_733(body, 16, &agree);
    rock->gid = iso_733(body, 24, &agree);
}

/* RRIP 4.1.2 PN: device number, high and low. */
static void entry_pn(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    uint64_t high = iso_733(body, 0, &agree);
    reader->rock->device_number = high << 32 | iso_733(body, 8, &agree);
}

/* RRIP 4.1.4 NM: flags, then a piece of the name. CURRENT and PARENT name no node. */
static void entry_nm(struct rock_reader *reader, struct bytes body)
{
    struct cdfs_rock *rock = reader->rock;
    if (!body.length || bytes_u8(body, 0) & 0x06)
        return;
    struct bytes piece = bytes_slice(body, 1, body.length);
    size_t room = NAME_BYTES_MAX - rock->name_length;
    if (piece.length > room) {
        cdfs_anomaly(reader->cdfs, ANOMALY_NAME);
        piece.length = room;
    }
    memcpy(rock->name + rock->name_length, piece.data, piece.length);
    rock->name_length += piece.length;
    rock->has_name = rock->name_length > 0;
}

/* NUL cannot stand in a path: it becomes `_`, as in names. */
static void target_append(struct rock_reader *reader, const void *text, size_t length)
{
    struct cdfs_rock *rock = reader->rock;
    size_t room = PATH_BYTES_MAX - rock->target_length;
    if (length > room) {
        cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
        length = room;
    }
    const char *from = text;
    for (size_t i = 0; i < length; i++) {
        if (!from[i])
            cdfs_anomaly(reader->cdfs, ANOMALY_NAME);
        rock->target[rock->target_length++] = from[i] ? from[i] : '_';
    }
}

/* RRIP 4.1.3.1: a component of a link. A root component is an empty one: the slashes that join
 * components then make "/a" of root and "a". */
static void target_component(struct rock_reader *reader, unsigned flags, struct bytes content)
{
    struct cdfs_rock *rock = reader->rock;
    if (rock->has_link && !rock->component_continues)
        target_append(reader, "/", 1);
    rock->target_rooted = !rock->has_link && flags & 0x08;
    rock->has_link = true;
    rock->component_continues = flags & 0x01;
    if (flags & 0x02)
        target_append(reader, ".", 1);
    else if (flags & 0x04)
        target_append(reader, "..", 2);
    else if (!(flags & 0x08))
        target_append(reader, content.data, content.length);
}

/* RRIP 4.1.3 SL: flags, then components of flags, length, content. */
static void entry_sl(struct rock_reader *reader, struct bytes body)
{
    size_t at = 1;
    while (bytes_has(body, at, 2)) {
        size_t length = bytes_u8(body, at + 1);
        if (!bytes_has(body, at + 2, length)) {
            cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
            return;
        }
        target_component(reader, bytes_u8(body, at), bytes_slice(body, at + 2, length));
        at += 2 + length;
    }
}

/* RRIP 4.1.6 TF: flags say which stamps follow, in this order, and how long they are. */
static void entry_tf(struct rock_reader *reader, struct bytes body)
{
    struct cdfs_rock *rock = reader->rock;
    struct cdfs_stamp *const stamps[] = { &rock->created, &rock->modified, &rock->accessed,
                                          &rock->changed };
    unsigned flags = bytes_u8(body, 0);
    size_t width = flags & 0x80 ? 17 : 7, at = 1;
    for (unsigned i = 0; i < 4; i++) {
        if (!(flags & 1u << i))
            continue;
        if (!bytes_has(body, at, width)) {
            cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
            return;
        }
        *stamps[i] = cdfs_stamp_make(body, at, width);
        at += width;
    }
}

/* RRIP 4.1.5.1 CL: the block of a directory that was moved away from here. */
static void entry_cl(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    if (body.length < 8) {
        cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
        return;
    }
    reader->rock->has_child = true;
    reader->rock->child_address = (uint64_t)iso_733(body, 0, &agree) * reader->cdfs->block_bytes;
}

/* RRIP 4.1.5.2 PL: the block of the directory that a moved one's CL is in. In its ".." record. */
static void entry_pl(struct rock_reader *reader, struct bytes body)
{
    if (body.length >= 8)
        reader->rock->has_parent = true;
    else
        cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
}

/* RRIP 4.1.5.3 RE: this directory is shown at the place of its CL. */
static void entry_re(struct rock_reader *reader, struct bytes body)
{
    (void)body;
    reader->rock->relocated = true;
}

/* RRIP 4.1.7 SF: sparse files are not read. */
static void entry_sf(struct rock_reader *reader, struct bytes body)
{
    (void)body;
    reader->rock->sparse = true;
}

/* ZF: algorithm "pz" (zisofs) or "PZ" (zisofs2), header size / 4, block size as a power of two, and
 * the unpacked size: 733, or 64 bits in zisofs2. */
static void entry_zf(struct rock_reader *reader, struct bytes body)
{
    bool agree = true, second = bytes_u8(body, 0) == 'P' && bytes_u8(body, 1) == 'Z';
    if (!second && !(bytes_u8(body, 0) == 'p' && bytes_u8(body, 1) == 'z'))
        return; /* an unknown algorithm: the bytes are shown as they are */
    reader->rock->zisofs = (struct cdfs_zisofs){
        .version = second ? 2 : 1,
        .header_bytes = bytes_u8(body, 2) * 4u,
        .block_log2 = bytes_u8(body, 3),
        .size_bytes = second ? bytes_le64(body, 4) : iso_733(body, 4, &agree),
    };
}

static const struct {
    char tag[2];
    void (*read)(struct rock_reader *reader, struct bytes body);
} tags[] = {
    { { 'C', 'E' }, entry_ce }, { { 'P', 'X' }, entry_px }, { { 'P', 'N' }, entry_pn },
    { { 'N', 'M' }, entry_nm }, { { 'S', 'L' }, entry_sl }, { { 'T', 'F' }, entry_tf },
    { { 'C', 'L' }, entry_cl }, { { 'R', 'E' }, entry_re }, { { 'S', 'F' }, entry_sf },
    { { 'Z', 'F' }, entry_zf }, { { 'P', 'L' }, entry_pl },
};

/* ---- areas -------------------------------------------------------------------------------- */

static void entry_dispatch(struct rock_reader *reader, struct bytes entry)
{
    for (size_t i = 0; i < ARRAY_LENGTH(tags); i++)
        if (entry.data[0] == (uint8_t)tags[i].tag[0] && entry.data[1] == (uint8_t)tags[i].tag[1]) {
            tags[i].read(reader, bytes_slice(entry, SUSP_HEADER_BYTES, entry.length));
            return;
        }
}

static void area_read(struct rock_reader *reader, struct bytes area)
{
    reader->next.bytes = 0;
    for (size_t at = 0; bytes_has(area, at, SUSP_HEADER_BYTES);) {
        size_t length = bytes_u8(area, at + 2);
        struct bytes entry = bytes_slice(area, at, length);
        if (length < SUSP_HEADER_BYTES)
            return; /* padding, or bytes of something else */
        if (entry.length < length) {
            cdfs_anomaly(reader->cdfs, ANOMALY_SUSP_ENTRY);
            return;
        }
        if (entry.data[0] == 'S' && entry.data[1] == 'T')
            return; /* SUSP 5.4: the end */
        entry_dispatch(reader, entry);
        at += length;
    }
}

/* Reads the area that the last CE named; -EUCLEAN when there can be none. */
static status_t continuation_read(struct rock_reader *reader)
{
    struct continuation from = reader->next;
    uint64_t device_bytes = reader->cdfs->device_bytes;
    if (from.bytes > CDFS_CONTINUATION_BYTES_MAX - reader->continued_bytes ||
        from.bytes > device_bytes ||
        from.address > device_bytes - from.bytes)
        return -EUCLEAN;
    reader->continued_bytes += from.bytes;
    uint8_t *buffer = mem_alloc(from.bytes);
    if (!buffer)
        return -ENOMEM;
    status_t status = cdfs_read(reader->cdfs, from.address, buffer, from.bytes);
    if (!status)
        area_read(reader, (struct bytes){ buffer, from.bytes });
    mem_free(buffer);
    return status;
}

/* A link of one root component is "/"; every longer one got its slashes between components. */
static void rock_finish(struct cdfs_rock *rock)
{
    if (rock->target_rooted && !rock->target_length)
        rock->target[rock->target_length++] = '/';
    rock->target[rock->target_length] = '\0';
    rock->name[rock->name_length] = '\0';
}

/* Paths are of the same charset as names, where the mount asks for one. */
static status_t rock_decode_target(struct cdfs *cdfs, struct cdfs_rock *rock)
{
    bool replaced = false;
    if (!cdfs->charset || !rock->target_length)
        return 0;
    char *text = mem_alloc(PATH_BYTES_MAX);
    if (!text)
        return -ENOMEM;
    struct bytes encoded = { (const uint8_t *)rock->target, rock->target_length };
    rock->target_length = charset_to_utf8(cdfs->charset, encoded, text, PATH_BYTES_MAX, &replaced);
    memcpy(rock->target, text, rock->target_length);
    rock->target[rock->target_length] = '\0';
    if (replaced)
        cdfs_anomaly(cdfs, ANOMALY_NAME);
    mem_free(text);
    return 0;
}

static void rock_clear(struct cdfs_rock *rock)
{
    memset(rock, 0, offsetof(struct cdfs_rock, name));
}

status_t cdfs_rock_read(struct cdfs *cdfs, const struct cdfs_record *record,
                        struct cdfs_rock *rock)
{
    struct rock_reader reader = { .cdfs = cdfs, .rock = rock };
    status_t status = 0;
    rock_clear(rock);
    if (cdfs->tree != TREE_ROCK_RIDGE)
        return 0;
    area_read(&reader, bytes_slice(record->system_use, cdfs->susp_skip, SIZE_MAX));
    for (unsigned hops = 0; reader.next.bytes && !status; hops++)
        status = hops < CDFS_CONTINUATIONS_MAX ? continuation_read(&reader) : -EUCLEAN;
    rock_finish(rock);
    if (rock_decode_target(cdfs, rock))
        return -ENOMEM;
    if (status != -EUCLEAN)
        return status;
    cdfs_anomaly(cdfs, ANOMALY_CONTINUATION);
    return 0;
}

status_t cdfs_is_relocated(struct cdfs *cdfs, uint64_t address, struct cdfs_record *record,
                           struct cdfs_rock *rock, bool *relocated)
{
    struct cdfs_scan scan;
    int got = 1;
    *relocated = false;
    cdfs_scan_begin(&scan, cdfs, address, address + ISO_SECTOR_BYTES);
    for (unsigned i = 0; i < 2 && got > 0; i++) /* "." and ".." */
        got = cdfs_scan_next(&scan, record);
    cdfs_scan_end(&scan);
    if (got <= 0 || !cdfs_record_is_dot(record) || record->identifier.data[0] != 1)
        return 0; /* what is wrong with the directory is met where it is entered */
    status_t status = cdfs_rock_read(cdfs, record, rock);
    *relocated = !status && rock->has_parent;
    return status == -ENOMEM ? status : 0;
}

bool cdfs_susp_detect(const struct cdfs_record *root_dot, unsigned *skip)
{
    /* SUSP 5.3; some discs put 14 bytes of CD-XA before it, and some pad them to 15 */
    static const size_t places[] = { 0, 14, 15 };
    static const uint8_t sp[] = { 'S', 'P', 7, 1, 0xbe, 0xef };
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        struct bytes entry = bytes_slice(root_dot->system_use, places[i], 7);
        if (entry.length == 7 && memcmp(entry.data, sp, sizeof(sp)) == 0) {
            *skip = entry.data[6];
            return true;
        }
    }
    return false;
}
