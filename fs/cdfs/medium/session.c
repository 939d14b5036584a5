/*
 * session.c - where the sessions of a medium begin.
 *
 * A drive's table of contents lists them, if there is more than one. An image has no table, nor has
 * a medium that is rewritten in place. There each session after the first is searched for after
 * the end of the previous one, at the few places where writers put it. It is accepted only if its
 * primary descriptor leads to a root directory within it that agrees with the descriptor: a session
 * counts its sectors from the start of the medium. So an unrelated volume there (in a partition, or
 * appended by `cat`) is never taken for a session.
 *
 * An image that xorriso extends has the newest descriptors at the usual place; what they are a copy
 * of is in sessions from sector 32 on.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"

/* In sectors. */
enum {
    FIRST_BEHIND_COPY = 32,  /* where xorriso's first session begins */
    GAP_AFTER_FIRST = 11400, /* lead-out, lead-in and pre-gap of a CD */
    GAP_AFTER_LATER = 6900,
    RUN_OUT = 2,             /* a track that is written at once is longer than its volume by this */
};

struct session_walk {
    struct cdfs *cdfs;
    uint64_t end; /* sector after the current session */
    struct cdfs_record root, dot;
    uint8_t sector[ISO_SECTOR_BYTES];
};

/* Returns whether walk->sector is a primary descriptor whose root is after it. */
static bool walk_take_descriptor(struct session_walk *walk, uint64_t address)
{
    struct bytes b = { walk->sector, ISO_SECTOR_BYTES };
    struct bytes root = bytes_slice(b, PVD_ROOT_RECORD, PVD_ROOT_RECORD_BYTES);
    bool agree = true;

    /* A session's addresses count from the start of the medium, so its root comes after its
     * descriptor. Those of an unrelated volume count from its own start, far below this sector. */
    return memcmp(walk->sector + VD_STANDARD_ID, "CD001", VD_STANDARD_ID_BYTES) == 0 &&
           iso_711(b, VD_TYPE) == VD_TYPE_PRIMARY && iso_711(b, VD_VERSION) == 1 &&
           iso_723(b, PVD_BLOCK_BYTES, &agree) == ISO_SECTOR_BYTES &&
           cdfs_record_decode(walk->cdfs, root, address, &walk->root) &&
           walk->root.flags & DR_FLAG_DIRECTORY && walk->root.data_address > address;
}

/* Returns 1 if a session begins at this sector, and where it ends in walk->end; 0 if none does or
 * it is unreadable; or an errno. */
static int walk_look_at(struct session_walk *walk, uint64_t start)
{
    struct cdfs *cdfs = walk->cdfs;
    uint64_t address = (start + ISO_FIRST_DESCRIPTOR) * ISO_SECTOR_BYTES;
    bool agree = true;
    if (address >= cdfs->device_bytes)
        return 0;

    /* Sectors between sessions are often unreadable, so after an error none begins here. */
    status_t status = cdfs_read(cdfs, address, walk->sector, ISO_SECTOR_BYTES);
    if (!status)
        status = walk_take_descriptor(walk, address) ? 0 : -EUCLEAN;
    if (!status)
        status = cdfs_record_at(cdfs, walk->root.data_address, &walk->dot);
    if (status)
        return status == -EIO || status == -EUCLEAN ? 0 : status;

    /* The "." of the root must lead to the root itself; else the address was right by chance. */
    struct bytes b = { walk->sector, ISO_SECTOR_BYTES };
    walk->end = start + iso_733(b, PVD_SPACE_SIZE, &agree);
    return cdfs_record_is_self(&walk->dot) && walk->dot.data_address == walk->root.data_address;
}

static uint64_t rounded_up(uint64_t sector, uint64_t unit)
{
    return (sector + unit - 1) / unit * unit;
}

/* Moves *start to the next session. Returns 1, 0 if there is none, or an errno. */
static int walk_next(struct session_walk *walk, uint64_t *start)
{
    uint64_t end = walk->end;
    /* Images align a session to 16 or 32 sectors; a CD has a gap between sessions. */
    const uint64_t places[] = {
        end, rounded_up(end, 16), rounded_up(end, 32),
        end + GAP_AFTER_FIRST, end + GAP_AFTER_FIRST + RUN_OUT,
        end + GAP_AFTER_LATER, end + GAP_AFTER_LATER + RUN_OUT,
    };

    int found = 0;

    /* A volume of size 0 must not be its own successor, so only later places are tried. */
    for (size_t i = 0; !found && i < ARRAY_LENGTH(places); i++)
        if (places[i] > *start && (found = walk_look_at(walk, places[i])) > 0)
            *start = places[i];
    return found;
}

/* Moves *start to the first session. Returns 1, 0 if no session can follow it, or an errno. *copied
 * is set if the descriptors at the usual place are a copy, as their root is in a later session. */
static int walk_first(struct session_walk *walk, uint64_t *start, bool *copied)
{
    *copied = false;

    /* The descriptors are a copy only if their root is after those of a session at 32. */
    int found = walk_look_at(walk, *start);
    if (found <= 0 || *start || walk->root.data_address <
                                    (FIRST_BEHIND_COPY + ISO_FIRST_DESCRIPTOR) * ISO_SECTOR_BYTES)
        return found;

    /* walk_look_at() overwrites `end`, which is needed again if there is no session at 32. */
    uint64_t end = walk->end;
    found = walk_look_at(walk, FIRST_BEHIND_COPY);
    *copied = found > 0;
    if (found > 0)
        *start = FIRST_BEHIND_COPY;
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

    /* A medium counts as one session, even if none is recognised: mounting it gives the reason. */
    session->count = 1;
    if (session->number == 1)
        session->first_block = (uint32_t)start;

    /* If the newest descriptors are copied to the usual place, these serve for the last session. */
    while (found > 0 && session->count < CDFS_SESSIONS_MAX &&
           (found = walk_next(walk, &start)) > 0)
        if (++session->count == session->number || (!session->number && !copied))
            session->first_block = (uint32_t)start;
    if (found < 0)
        return found;

    /* For the last session, return its number. */
    if (!session->number)
        session->number = session->count;
    return session->number <= session->count ? 0 : -ENOENT;
}

status_t cdfs_session_find(struct cdfs *cdfs, struct device_session *session)
{
    struct device *device = fsd_device(&cdfs->fsd)->device;

    /* The drive knows, if its table of contents lists more than one. */
    struct device_session last = { 0 };
    status_t status = device_control(device, DEVICE_CONTROL_SESSION, &last, sizeof(last));
    if (!status && last.count > 1) {
        if (session->number)
            return device_control(device, DEVICE_CONTROL_SESSION, session, sizeof(*session));
        *session = last;
        return 0;
    }

    /* Otherwise search from the only session that the drive reports, or from the start. */
    struct session_walk *walk = mem_alloc(sizeof(*walk));
    if (!walk)
        return -ENOMEM;
    walk->cdfs = cdfs;
    session->first_block = status ? 0 : last.first_block;
    status = walk_sessions(walk, session);
    mem_free(walk);
    return status;
}
