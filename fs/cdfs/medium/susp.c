/*
 * susp.c - system use entries (SUSP 1.12) and the Rock Ridge fields in them (RRIP 1.12).
 *
 * An entry is a signature of two letters, a length, a version, and data. Entries of unknown
 * signatures are skipped by their length; a length below 4 ends the area, because nothing after it
 * can be trusted. An area may be continued elsewhere by a CE entry, which takes effect at its end.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "fs/cdfs/medium/susp.h"
#include "lib/macros.h"
#include "lib/string.h"

struct continuation {
    uint64_t address;
    uint32_t bytes; /* 0 for none */
};

struct rock_reader {
    struct cdfs *cdfs;
    struct cdfs_rock *rock;
    struct continuation next;
    uint32_t continued_bytes; /* in total, against the budget */
};

/* ---- one function per signature; `body` is the entry's data --------------------------------- */

static void bad_entry(struct rock_reader *reader)
{
    cdfs_anomaly(reader->cdfs, ANOMALY_ROCK_RIDGE);
}

/* SUSP 5.1 CE: the continuation area. */
static void entry_ce(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    if (body.length < CE_BYTES) {
        cdfs_anomaly(reader->cdfs, ANOMALY_CONTINUATION);
        return;
    }

    /* The area is read after this one has ended. Of several CE entries, the last counts. */
    uint64_t block = iso_733(body, CE_BLOCK, &agree);
    reader->next.address = block * reader->cdfs->block_bytes + iso_733(body, CE_OFFSET, &agree);
    reader->next.bytes = iso_733(body, CE_LENGTH, &agree);
}

/* RRIP 4.1.1 PX: mode, links, owner and group. Fields that are missing read as 0. */
static void entry_px(struct rock_reader *reader, struct bytes body)
{
    struct cdfs_rock *rock = reader->rock;
    bool agree = true;
    if (body.length < PX_BYTES_MIN) {
        bad_entry(reader);
        return;
    }

    rock->has_mode = true;
    rock->mode = iso_733(body, PX_MODE, &agree);
    rock->links = iso_733(body, PX_LINKS, &agree);
    rock->uid = iso_733(body, PX_UID, &agree);
    rock->gid = iso_733(body, PX_GID, &agree);
}

/* RRIP 4.1.2 PN: the number of a device node. */
static void entry_pn(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    uint64_t high = iso_733(body, PN_HIGH, &agree);
    reader->rock->device_number = high << 32 | iso_733(body, PN_LOW, &agree);
}

/* RRIP 4.1.4 NM: a piece of the name; a name may take several entries. */
static void entry_nm(struct rock_reader *reader, struct bytes body)
{
    struct cdfs_rock *rock = reader->rock;

    /* The names of "." and ".." are not needed. */
    if (!body.length || bytes_u8(body, NM_FLAGS) & (NM_CURRENT | NM_PARENT))
        return;

    /* The flag CONTINUE is not needed either: pieces are joined in the order of the entries. */
    struct bytes piece = bytes_slice(body, NM_CONTENT, body.length);
    size_t room = NAME_BYTES_MAX - rock->name_length;
    if (piece.length > room) {
        cdfs_anomaly(reader->cdfs, ANOMALY_NAME);
        piece.length = room;
    }
    memcpy(rock->name + rock->name_length, piece.data, piece.length);
    rock->name_length += piece.length;
    rock->has_name = rock->name_length > 0;
}

/* Appends to the link's target. NUL, which no path can hold, becomes `_`. */
static void target_append(struct rock_reader *reader, const void *text, size_t length)
{
    struct cdfs_rock *rock = reader->rock;
    const char *from = text;
    size_t room = PATH_BYTES_MAX - rock->target_length;

    if (length > room) {
        bad_entry(reader);
        length = room;
    }

    /* Byte by byte, because a path ends at NUL. */
    for (size_t i = 0; i < length; i++) {
        if (!from[i])
            cdfs_anomaly(reader->cdfs, ANOMALY_NAME);
        rock->target[rock->target_length++] = from[i] ? from[i] : '_';
    }
}

/* RRIP 4.1.3.1: one component of a link's target. */
static void target_component(struct rock_reader *reader, unsigned flags, struct bytes content)
{
    struct cdfs_rock *rock = reader->rock;

    /* A slash precedes a component, unless it is the first one or continues the previous one. */
    if (rock->has_link && !rock->component_continues)
        target_append(reader, "/", 1);
    rock->target_rooted = !rock->has_link && flags & COMPONENT_ROOT;
    rock->has_link = true;
    rock->component_continues = flags & COMPONENT_CONTINUE;

    /* The root component adds nothing: the slash after it makes "/a" of root and "a". */
    if (flags & COMPONENT_CURRENT)
        target_append(reader, ".", 1);
    else if (flags & COMPONENT_PARENT)
        target_append(reader, "..", 2);
    else if (!(flags & COMPONENT_ROOT))
        target_append(reader, content.data, content.length);
}

/* RRIP 4.1.3 SL: components of a link's target; a target may take several entries. */
static void entry_sl(struct rock_reader *reader, struct bytes body)
{
    size_t at = SL_COMPONENTS;
    while (bytes_has(body, at, COMPONENT_CONTENT)) {
        /* A component never crosses the end of its entry. */
        size_t length = bytes_u8(body, at + COMPONENT_LENGTH);
        if (!bytes_has(body, at + COMPONENT_CONTENT, length)) {
            bad_entry(reader);
            return;
        }
        target_component(reader, bytes_u8(body, at + COMPONENT_FLAGS),
                         bytes_slice(body, at + COMPONENT_CONTENT, length));
        at += COMPONENT_CONTENT + length;
    }
}

/* RRIP 4.1.6 TF: time stamps, of which four are kept. */
static void entry_tf(struct rock_reader *reader, struct bytes body)
{
    struct cdfs_rock *rock = reader->rock;
    const struct {
        unsigned flag;
        struct cdfs_stamp *stamp;
    } stamps[] = {
        { TF_CREATION, &rock->created },
        { TF_MODIFY, &rock->modified },
        { TF_ACCESS, &rock->accessed },
        { TF_ATTRIBUTES, &rock->changed },
    };
    unsigned flags = bytes_u8(body, TF_FLAGS);
    size_t width = flags & TF_LONG_FORM ? STAMP_LONG_BYTES : STAMP_SHORT_BYTES, at = TF_STAMPS;

    /* The stamps that are there follow each other without gaps, in the order of their flags. */
    for (size_t i = 0; i < ARRAY_LENGTH(stamps); i++) {
        if (!(flags & stamps[i].flag))
            continue;
        if (!bytes_has(body, at, width)) {
            bad_entry(reader);
            return;
        }
        *stamps[i].stamp = cdfs_stamp_make(body, at, width);
        at += width;
    }
}

/* RRIP 4.1.5.1 CL: where the directory is that was relocated from here. */
static void entry_cl(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    if (body.length < CL_BYTES) {
        bad_entry(reader);
        return;
    }
    reader->rock->has_child = true;
    reader->rock->child_address =
        (uint64_t)iso_733(body, CL_BLOCK, &agree) * reader->cdfs->block_bytes;
}

/* RRIP 4.1.5.2 PL, in the ".." of a relocated directory: the directory that it was moved from. */
static void entry_pl(struct rock_reader *reader, struct bytes body)
{
    if (body.length >= PL_BYTES)
        reader->rock->has_parent = true;
    else
        bad_entry(reader);
}

/* RRIP 4.1.5.3 RE: this directory is shown where its CL entry is. */
static void entry_re(struct rock_reader *reader, struct bytes body)
{
    (void)body;
    reader->rock->relocated = true;
}

/* RRIP 4.1.7 SF: a sparse file, which cannot be read. */
static void entry_sf(struct rock_reader *reader, struct bytes body)
{
    (void)body;
    reader->rock->sparse = true;
}

/* ZF: a packed file. A file of an unknown algorithm is shown as it is. */
static void entry_zf(struct rock_reader *reader, struct bytes body)
{
    bool agree = true;
    struct bytes algorithm = bytes_slice(body, ZF_ALGORITHM, 2);
    bool second = algorithm.length == 2 && memcmp(algorithm.data, "PZ", 2) == 0;
    if (!second && (algorithm.length < 2 || memcmp(algorithm.data, "pz", 2) != 0))
        return;

    reader->rock->zisofs = (struct cdfs_zisofs){
        .version = second ? 2 : 1,
        .header_bytes = bytes_u8(body, ZF_HEADER_WORDS) * 4u,
        .block_log2 = bytes_u8(body, ZF_BLOCK_LOG2),
        .size_bytes = second ? bytes_le64(body, ZF_SIZE) : iso_733(body, ZF_SIZE, &agree),
    };
}

static const struct {
    char signature[2];
    void (*read)(struct rock_reader *reader, struct bytes body);
} entries[] = {
    { { 'C', 'E' }, entry_ce }, { { 'P', 'X' }, entry_px }, { { 'P', 'N' }, entry_pn },
    { { 'N', 'M' }, entry_nm }, { { 'S', 'L' }, entry_sl }, { { 'T', 'F' }, entry_tf },
    { { 'C', 'L' }, entry_cl }, { { 'R', 'E' }, entry_re }, { { 'S', 'F' }, entry_sf },
    { { 'Z', 'F' }, entry_zf }, { { 'P', 'L' }, entry_pl },
};

/* ---- areas -------------------------------------------------------------------------------- */

static bool entry_is(struct bytes entry, const char signature[2])
{
    return memcmp(entry.data + SUE_SIGNATURE, signature, 2) == 0;
}

static void area_read(struct rock_reader *reader, struct bytes area)
{
    reader->next.bytes = 0;

    /* Each entry's length leads to the next. */
    for (size_t at = 0; bytes_has(area, at, SUE_DATA);) {
        size_t length = bytes_u8(area, at + SUE_LENGTH);
        struct bytes entry = bytes_slice(area, at, length);

        /* Padding, or data of another kind. */
        if (length < SUE_DATA)
            return;
        if (entry.length < length) {
            cdfs_anomaly(reader->cdfs, ANOMALY_SUSP_ENTRY);
            return;
        }

        /* SUSP 5.4: the end of the entries. */
        if (entry_is(entry, "ST"))
            return;

        /* Unknown signatures are skipped. */
        for (size_t i = 0; i < ARRAY_LENGTH(entries); i++)
            if (entry_is(entry, entries[i].signature)) {
                entries[i].read(reader, bytes_slice(entry, SUE_DATA, length));
                break;
            }
        at += length;
    }
}

/* Reads the area of the last CE entry. -EUCLEAN if it is outside the device or the budget. */
static status_t continuation_read(struct rock_reader *reader)
{
    struct continuation from = reader->next;
    uint64_t device_bytes = reader->cdfs->device_bytes;

    /* The difference is never negative: continued_bytes stays within the budget. */
    if (from.bytes > CDFS_CONTINUATION_BYTES_MAX - reader->continued_bytes ||
        from.bytes > device_bytes || from.address > device_bytes - from.bytes)
        return -EUCLEAN;
    reader->continued_bytes += from.bytes;

    /* An area may cross sectors, so it is copied as a whole. */
    uint8_t *buffer = mem_alloc(from.bytes);
    if (!buffer)
        return -ENOMEM;
    status_t status = cdfs_read(reader->cdfs, from.address, buffer, from.bytes);
    if (!status)
        area_read(reader, (struct bytes){ buffer, from.bytes });
    mem_free(buffer);
    return status;
}

/* Decodes the target if the mount asks for a charset: paths have the charset of names. */
static status_t rock_decode_target(struct cdfs *cdfs, struct cdfs_rock *rock)
{
    bool replaced = false;
    if (!cdfs->charset || !rock->target_length)
        return 0;
    char *text = mem_alloc(PATH_BYTES_MAX);
    if (!text)
        return -ENOMEM;

    /* The decoded target may be longer than the encoded one, so it needs its own memory. */
    struct bytes encoded = { (const uint8_t *)rock->target, rock->target_length };
    rock->target_length = charset_to_utf8(cdfs->charset, encoded, text, PATH_BYTES_MAX, &replaced);
    memcpy(rock->target, text, rock->target_length);
    rock->target[rock->target_length] = '\0';
    if (replaced)
        cdfs_anomaly(cdfs, ANOMALY_NAME);
    mem_free(text);
    return 0;
}

status_t cdfs_rock_read(struct cdfs *cdfs, const struct cdfs_record *record,
                        struct cdfs_rock *rock)
{
    struct rock_reader reader = { .cdfs = cdfs, .rock = rock };
    status_t status = 0;

    /* The texts need no clearing: their lengths are 0. */
    memset(rock, 0, offsetof(struct cdfs_rock, name));
    if (cdfs->tree != TREE_ROCK_RIDGE)
        return 0;

    /* Each area may continue in another one. Both budgets end a chain that has no end. */
    area_read(&reader, bytes_slice(record->system_use, cdfs->susp_skip, SIZE_MAX));
    for (unsigned hops = 0; reader.next.bytes && !status; hops++)
        status = hops < CDFS_CONTINUATIONS_MAX ? continuation_read(&reader) : -EUCLEAN;

    /* A target of the root alone is "/"; in longer ones the slash came with the next component. */
    if (rock->target_rooted && !rock->target_length)
        rock->target[rock->target_length++] = '/';
    rock->target[rock->target_length] = '\0';
    rock->name[rock->name_length] = '\0';
    if (rock_decode_target(cdfs, rock))
        return -ENOMEM;

    /* After an invalid continuation, the fields before it are used. */
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

    /* ".." is the second record. A damaged directory is reported where it is entered. */
    *relocated = false;
    cdfs_scan_begin(&scan, cdfs, address, address + ISO_SECTOR_BYTES);
    for (unsigned i = 0; i < 2 && got > 0; i++)
        got = cdfs_scan_next(&scan, record);
    cdfs_scan_end(&scan);
    if (got <= 0 || !cdfs_record_is_parent(record))
        return 0;

    /* Without memory the directory would be shown twice, so that is an error. */
    status_t status = cdfs_rock_read(cdfs, record, rock);
    *relocated = !status && rock->has_parent;
    return status == -ENOMEM ? status : 0;
}

bool cdfs_susp_detect(const struct cdfs_record *root_dot, unsigned *skip)
{
    /* SUSP 5.3. Some discs have 14 bytes of CD-XA attributes before it, and some pad them to 15. */
    static const size_t places[] = { 0, 14, 15 };
    static const uint8_t sp[] = { 'S', 'P', SP_BYTES, 1, 0xbe, 0xef };

    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        struct bytes entry = bytes_slice(root_dot->system_use, places[i], SP_BYTES);
        if (entry.length == SP_BYTES && memcmp(entry.data, sp, sizeof(sp)) == 0) {
            *skip = entry.data[SP_SKIP];
            return true;
        }
    }
    return false;
}
