/*
 * session.c - where the sessions of a medium begin.
 *
 * A drive's table of contents tells, where it tells of several. An image has none, nor has a medium
 * that is rewritten in place: there each session but the first is looked for behind the end of the
 * one before, at the few places where writers put it. What lies there is a session only if its
 * primary descriptor leads to a root directory that lies in it and says of itself what the
 * descriptor says: sessions count their sectors from the start of the medium. So another volume
 * that merely lies there - in a partition, appended by `cat` - is never taken for one.
 *
 * Who adds to an image of xorriso's finds the newest descriptors at the usual place, and what they
 * were a copy of in sessions from sector 32 on.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    BEHIND_COPY = 32,       /* where xorriso's first session begins */
    GAP_AFTER_FIRST = 11400, /* lead-out, lead-in and pre-gap of a CD, in sectors */
    GAP_AFTER_LATER = 6900,
    RUN_OUT = 2,            /* sectors that a track recorded at once has more than its volume */
};

struct session_walk {
    struct cdfs *cdfs;
    uint64_t end; /* sector behind the session at hand */
    struct cdfs_record root, dot;
    uint8_t sector[ISO_SECTOR_BYTES];
};

/* Is the sector a primary descriptor with a root? */
static bool walk_take_descriptor(struct session_walk *walk, uint64_t address)
{
    struct bytes b = { walk->sector, ISO_SECTOR_BYTES };
    bool agree = true;
    return memcmp(walk->sector + VD_STANDARD_ID, "CD001", 5) == 0 &&
           iso_711(b, VD_TYPE) == VD_TYPE_PRIMARY && iso_711(b, VD_VERSION) == 1 &&
           iso_723(b, PVD_BLOCK_BYTES, &agree) == ISO_SECTOR_BYTES &&
           cdfs_record_decode(walk->cdfs,
                              bytes_slice(b, PVD_ROOT_RECORD, PVD_ROOT_RECORD_BYTES), address,
                              &walk->root) &&
           walk->root.flags & DR_FLAG_DIRECTORY && walk->root.data_address > address;
}

/* 1: a session begins at this sector, and walk->end says where it ends; 0: none does, or nothing of
 * it can be read; or why that could not be found out. */
static int walk_look_at(struct session_walk *walk, uint64_t start)
{
    struct cdfs *cdfs = walk->cdfs;
    uint64_t address = (start + ISO_FIRST_DESCRIPTOR) * ISO_SECTOR_BYTES;
    bool agree = true;
    if (address >= cdfs->device_bytes)
        return 0;
    status_t status = cdfs_read(cdfs, address, walk->sector, ISO_SECTOR_BYTES);
    if (!status)
        status = walk_take_descriptor(walk, address) ? 0 : -EUCLEAN;
    if (!status)
        status = cdfs_record_at(cdfs, walk->root.data_address, &walk->dot);
    if (status)
        return status == -EIO || status == -EUCLEAN ? 0 : status;
    struct bytes b = { walk->sector, ISO_SECTOR_BYTES };
    walk->end = start + iso_733(b, PVD_SPACE_SIZE, &agree);
    return cdfs_record_is_dot(&walk->dot) && walk->dot.identifier.data[0] == 0 &&
           walk->dot.data_address == walk->root.data_address;
}

static uint64_t rounded_up(uint64_t sector, uint64_t unit)
{
    return (sector + unit - 1) / unit * unit;
}

/* The session behind the one at *start: 1 and its start, 0 where there is none, or an errno. */
static int walk_next(struct session_walk *walk, uint64_t *start)
{
    uint64_t end = walk->end;
    const uint64_t places[] = {
        end, rounded_up(end, 16), rounded_up(end, 32),
        end + GAP_AFTER_FIRST, end + GAP_AFTER_FIRST + RUN_OUT,
        end + GAP_AFTER_LATER, end + GAP_AFTER_LATER + RUN_OUT,
    };
    int found = 0;
    for (size_t i = 0; !found && i < ARRAY_LENGTH(places); i++)
        if (places[i] > *start && (found = walk_look_at(walk, places[i])) > 0)
            *start = places[i];
    return found;
}

/* Finds the first session: 1 and its start, 0 where it is none that others can follow, or an errno.
 * *copied: the descriptors at the usual place, whose root lies in a later one, are only a copy. */
static int walk_first(struct session_walk *walk, uint64_t *start, bool *copied)
{
    *copied = false;
    int found = walk_look_at(walk, *start);
    if (found <= 0 || *start ||
        walk->root.data_address < (BEHIND_COPY + ISO_FIRST_DESCRIPTOR) * ISO_SECTOR_BYTES)
        return found;
    uint64_t end = walk->end;
    found = walk_look_at(walk, BEHIND_COPY);
    *copied = found > 0;
    if (found > 0)
        *start = BEHIND_COPY;
    else
        walk->end = end;
    return found < 0 ? found : 1;
}

/* Counts the sessions from session->first_block on, and finds the one that is asked for. */
static status_t walk_sessions(struct session_walk *walk, struct device_session *session)
{
    uint64_t start = session->first_block;
    bool copied;
    int found = walk_first(walk, &start, &copied);
    session->count = 1;
    if (session->number == 1)
        session->first_block = (uint32_t)start;
    while (found > 0 && session->count < CDFS_SESSIONS_MAX &&
           (found = walk_next(walk, &start)) > 0)
        if (++session->count == session->number || (!session->number && !copied))
            session->first_block = (uint32_t)start;
    if (found < 0)
        return found;
    if (!session->number)
        session->number = session->count;
    return session->number <= session->count ? 0 : -ENOENT;
}

status_t cdfs_session_find(struct cdfs *cdfs, struct device_session *session)
{
    struct device *device = fsd_device(&cdfs->fsd)->device;
    struct device_session last = { 0 };
    status_t status = device_control(device, DEVICE_CONTROL_SESSION, &last, sizeof(last));
    if (!status && last.count > 1) {
        if (session->number)
            return device_control(device, DEVICE_CONTROL_SESSION, session, sizeof(*session));
        *session = last;
        return 0;
    }
    struct session_walk *walk = mem_alloc(sizeof(*walk));
    if (!walk)
        return -ENOMEM;
    walk->cdfs = cdfs;
    session->first_block = status ? 0 : last.first_block;
    status = walk_sessions(walk, session);
    mem_free(walk);
    return status;
}
