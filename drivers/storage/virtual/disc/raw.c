/*
 * raw.c - recognises images of whole CD sectors, and finds which block of the disc each one is.
 *
 * Dumps of CDs keep 2352 bytes a sector, 2368 or 2448 with subchannel data after it, or 2336 of
 * mode 2 without sync and header. Recognition looks at a few sectors all over the file, since any
 * one of them may be damaged: those with a sync mark must agree on the address of the first; bare
 * ones must have an EDC that matches.
 *
 * A sector's header holds its address on the disc. The image of a whole disc begins with block 0;
 * that of a later track with a higher one, or with the pre-gap before block 0. Some programs put
 * made-up addresses there: the volume on it decides.
 *
 * In the dump of a disc of several sessions the addresses jump where one session ends, over its
 * lead-out and the next one's lead-in, which are not in the file.
 */
#include "drivers/storage/virtual/disc/disc.h"
#include "lib/bytes.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    MODE = 15, /* offset of the mode in a sector */
    SECTORS_MIN = 17,
    DESCRIPTOR_SECTOR = 16,
    VOTES_MIN = 2,
    PVD_ROOT_BLOCK = 156 + 2, /* ECMA-119 8.4.18 and 9.1.3: where the root directory begins */
    SESSIONS_MAX = 16,
    SESSION_GAP_MIN = 2250 + 4500, /* half a minute of lead-out, a minute of lead-in */
    DAMAGED_MAX = 32,         /* how many damaged sectors the search for an address passes */
};

static const uint16_t strides[] = { CD_SECTOR_BYTES, 2448, 2368, CD_BARE_BYTES };

/* ---- recognition -------------------------------------------------------------------------- */

/* Sets the mode and the first frame of the extent from one sector. False: it is not a data sector,
 * or damaged. */
static bool probe_sector(struct disc_probe *probe, struct store *file, struct disc_extent *extent,
                         uint32_t index)
{
    const uint8_t *data;
    uint8_t *sector = probe->sector;

    if (store_read(file, extent->offset_bytes + (uint64_t)index * extent->stride_bytes, sector,
                   extent->stride_bytes, true))
        return false;

    /* Without sync and header, only the EDC shows that this is a sector. */
    if (extent->format == DISC_BARE) {
        extent->mode = 2;
        return cd_sector_verify_bare(&probe->check, sector, &data) == CD_GOOD;
    }

    /* With them, the header's address and mode do. The data may be damaged here. */
    uint32_t frame = cd_sector_frame(sector);
    if (!cd_sector_has_sync(sector) || frame == UINT32_MAX ||
        (sector[MODE] != 1 && sector[MODE] != 2))
        return false;

    /* The address that sector 0 would have. Below 0 it wraps around, and `frame + index` back. */
    extent->frame = frame - index;
    extent->mode = sector[MODE];
    return true;
}

bool disc_probe(struct disc_probe *probe, struct store *file, struct disc_extent *extent)
{
    uint32_t n = extent->blocks;

    /* The first sectors, those of the volume descriptors, and some all over the track: damage is
     * often in one place. */
    const uint32_t places[] = { DESCRIPTOR_SECTOR, 0, 1, 2, DESCRIPTOR_SECTOR + 1,
                                n / 4, n / 2, n / 4 * 3, n - 1 };
    struct disc_extent found[ARRAY_LENGTH(places)];
    unsigned votes[ARRAY_LENGTH(places)], count = 0, best = 0;

    for (unsigned i = 0; i < ARRAY_LENGTH(places); i++) {
        /* Each sector votes for a frame and a mode. `found` has a candidate for each
         * different vote. */
        unsigned j = 0;
        found[count] = *extent;
        if (places[i] >= n || !probe_sector(probe, file, &found[count], places[i]))
            continue;

        while (j < count && (found[j].frame != found[count].frame ||
                             found[j].mode != found[count].mode))
            j++;

        if (j == count)
            votes[count++] = 0;
        if (++votes[j] > votes[best])
            best = j;
    }

    /* One sector alone may be an accident, e.g. a sync mark in the data of another format. */
    if (!count || votes[best] < VOTES_MIN)
        return false;
    *extent = found[best];
    return true;
}

/* Returns whether the file consists of whole sectors of any stride; *extent: all of them. */
static bool raw_recognise(struct disc_probe *probe, struct store *file,
                          struct disc_extent *extent)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(strides); i++) {
        uint64_t sectors = file->size_bytes / strides[i];
        *extent = (struct disc_extent){
            .blocks = (uint32_t)sectors,
            .format = strides[i] == CD_BARE_BYTES ? DISC_BARE : DISC_RAW,
            .stride_bytes = strides[i],
        };

        /* A disc has at least a volume descriptor in sector 16. The upper limit keeps block
         * numbers small. */
        if (sectors >= SECTORS_MIN && sectors <= CD_FRAMES_MAX &&
            disc_probe(probe, file, extent))
            return true;
    }
    return false;
}

/* ---- addresses ---------------------------------------------------------------------------- */

/* Returns whether sector `index` of the extent is a primary volume descriptor. *root: the block of
 * its root directory. */
static bool descriptor_read(struct disc_probe *probe, struct store *file,
                            const struct disc_extent *extent, uint32_t index, uint32_t *root)
{
    struct cd_check *check = &probe->check;
    uint8_t *sector = probe->sector;
    const uint8_t *data;

    if (index >= extent->blocks ||
        store_read(file, extent->offset_bytes + (uint64_t)index * extent->stride_bytes, sector,
                   extent->stride_bytes, true))
        return false;

    /* The sector must be intact: the place of a whole track depends on it. */
    check->frame = extent->frame + index;
    check->mode = extent->mode;
    enum cd_verdict verdict = cd_sector_verify(check, sector, &data);
    if ((verdict != CD_GOOD && verdict != CD_CORRECTED) || memcmp(data, "\1CD001", 6) != 0)
        return false;

    *root = bytes_le32((struct bytes){ data, CD_DATA_BYTES }, PVD_ROOT_BLOCK);
    return true;
}

void disc_place(struct disc_probe *probe, struct store *file, struct disc_extent *extent,
                uint32_t lowest)
{
    /* The block that the headers give to the first sector. Those before `lowest` would overlap the
     * track before. */
    int64_t block = (int64_t)(int32_t)extent->frame - CD_LEAD_FRAMES;
    uint32_t root, skip = block < lowest ? (uint32_t)(lowest - block) : 0;

    if (extent->format != DISC_RAW || block == extent->first_block || skip >= extent->blocks)
        return;

    /* A volume whose root directory is before the block in the headers counts its blocks from the
     * track's first sector: the track stays where it is. */
    if (descriptor_read(probe, file, extent, DESCRIPTOR_SECTOR, &root)) {
        if (block < lowest || root < block)
            return;
    } else if (!skip || !descriptor_read(probe, file, extent, skip + DESCRIPTOR_SECTOR, &root)) {
        return;
    }

    /* The volume counts by the headers: move the extent, without its pre-gap. */
    extent->first_block = (uint32_t)(block + skip);
    extent->frame += skip;
    extent->offset_bytes += (uint64_t)skip * extent->stride_bytes;
    extent->blocks -= skip;
}

/* ---- sessions ----------------------------------------------------------------------------- */

/* Reads the address of the first undamaged sector from `index` on, before `end`; *frame: the one
 * that sector 0 of the extent would have by it. */
static bool base_read(struct disc_probe *probe, struct store *file,
                      const struct disc_extent *extent, uint32_t index, uint32_t end,
                      uint32_t *frame)
{
    struct disc_extent found = *extent;

    /* Damaged sectors are passed over, but not too many: the search would take long. */
    end = min(end, index + DAMAGED_MAX);
    while (index < end && !probe_sector(probe, file, &found, index))
        index++;

    *frame = found.frame;
    return index < end;
}

/* Cuts an extent where its addresses jump; *next: the rest, which is the next session. False: all
 * of it is one session. */
static bool session_cut(struct disc_probe *probe, struct store *file, struct disc_extent *extent,
                        struct disc_extent *next)
{
    /* Only where block numbers follow the headers can a jump in the headers be a new session. */
    uint32_t low = 0, high = extent->blocks, frame, next_frame = 0;
    if (extent->format != DISC_RAW || extent->frame != extent->first_block + CD_LEAD_FRAMES)
        return false;

    /* Does the last undamaged sector belong to another session? */
    bool found = false;
    for (unsigned tries = 0; !found && high > 1 && tries < DAMAGED_MAX; tries++) {
        high--;
        found = base_read(probe, file, extent, high, high + 1, &next_frame);
    }
    if (!found || next_frame < extent->frame || next_frame - extent->frame < SESSION_GAP_MIN)
        return false;

    /* The jump is after `low` and not after `high`. */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (base_read(probe, file, extent, middle, high, &frame) && frame == extent->frame)
            low = middle;
        else
            high = middle;
    }

    /* Damaged sectors at the jump: `high` moves on to the first intact sector after it. */
    while (high < extent->blocks &&
           (!base_read(probe, file, extent, high, high + 1, &next_frame) ||
            next_frame == extent->frame))
        high++;

    if (high == extent->blocks || next_frame < extent->frame ||
        next_frame - extent->frame < SESSION_GAP_MIN ||
        next_frame + extent->blocks > CD_FRAMES_MAX)
        return false;

    *next = *extent;
    next->frame = next_frame + high;
    next->first_block = next->frame - CD_LEAD_FRAMES;
    next->offset_bytes += (uint64_t)high * extent->stride_bytes;
    next->blocks -= high;
    extent->blocks = high;
    return true;
}

/* Returns where the track of a session begins: its first sectors may be the pre-gap, of 150. */
static uint32_t session_first_block(struct disc_probe *probe, struct store *file,
                                    const struct disc_extent *extent)
{
    uint32_t root;

    bool pregap = descriptor_read(probe, file, extent, CD_LEAD_FRAMES + DESCRIPTOR_SECTOR, &root);
    return extent->first_block + (pregap ? CD_LEAD_FRAMES : 0);
}

/* ---- the image as a disc of one track a session --------------------------------------------- */

static void toc_add_session(struct device_toc *toc, const struct disc_extent *extent,
                            uint32_t first_block)
{
    /* One track for each session: dumps do not record where further tracks begin. */
    uint8_t number = (uint8_t)++toc->track_count;
    toc->session_count++;
    toc->tracks[number - 1] = (struct device_track){
        .number = number, .session = number, .data = true, .mode = extent->mode,
        .first_block = first_block,
        .blocks = extent->first_block + extent->blocks - first_block,
    };
}

static status_t raw_open(struct store **store, struct ledger *ledger, struct disc_probe *probe,
                         uint32_t *sector_bytes, struct device_toc **result)
{
    struct disc_extent extents[SESSIONS_MAX];
    unsigned count = 0;

    /* Not such an image: the store stays as it is. */
    if (!raw_recognise(probe, *store, &extents[0]))
        return 0;
    disc_place(probe, *store, &extents[0], 0);

    struct device_toc *toc = mem_zalloc(sizeof(*toc));
    if (!toc)
        return -ENOMEM;

    /* Cut the image into sessions, until the rest is one. */
    bool more = true;
    while (more) {
        struct disc_extent *extent = &extents[count++];
        more = count < SESSIONS_MAX && session_cut(probe, *store, extent, extent + 1);
        toc_add_session(toc, extent, count == 1 ? extent->first_block
                                                : session_first_block(probe, *store, extent));
    }

    /* The disc ends where the last session does; the gaps between sessions cannot be read. */
    const struct disc_extent *last = &extents[count - 1];
    status_t status = store_disc_create(extents, count, store, 1,
                                        last->first_block + last->blocks, ledger, store);
    if (status) {
        mem_free(toc);
        return status;
    }

    *sector_bytes = last->stride_bytes;
    *result = toc;
    return 0;
}

status_t store_raw_detect(struct store **store, struct ledger *ledger, uint32_t *sector_bytes,
                          struct device_toc **toc)
{
    struct disc_probe *probe = mem_zalloc(sizeof(*probe));
    *sector_bytes = 0;
    *toc = NULL;
    if (!probe)
        return -ENOMEM;
    status_t status = raw_open(store, ledger, probe, sector_bytes, toc);
    mem_free(probe);
    return status;
}
