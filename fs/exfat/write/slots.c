/*
 * slots.c - room for sets of entries in a directory, and writing them there.
 *
 * A new set is put after the last entry that was ever used, where readers stop: what is written
 * there is not seen until the entry that ended the directory is replaced. It is put into one block
 * of the device if it fits, so that it appears at once; the entries that this skips are marked as
 * unused. Before a directory grows, the gaps that removed sets have left are tried.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    PIECE_BYTES = 512,
    SET_ENTRIES_MIN = 3,
    ENTRY_UNUSED = EXFAT_ENTRY_FILE & ~EXFAT_ENTRY_USED,
};

/* ---- places ------------------------------------------------------------------------------- */

static uint64_t entry_address(const struct exfat_place *place, unsigned n)
{
    return n < place->first_entries
               ? place->address + n * (uint64_t)EXFAT_ENTRY_BYTES
               : place->next + (n - place->first_entries) * (uint64_t)EXFAT_ENTRY_BYTES;
}

static bool in_first_block(const struct exfat *exfat, const struct exfat_place *place, unsigned n)
{
    uint64_t block = exfat->block_bytes;
    return entry_address(place, n) / block == place->address / block;
}

bool exfat_place_is_atomic(const struct exfat *exfat, const struct exfat_place *place)
{
    return in_first_block(exfat, place, place->entries - 1);
}

/* Returns the place of entries at an offset of the directory, which has room for them. */
static struct exfat_place place_at(const struct runs *runs, uint64_t offset, unsigned entries)
{
    const struct run *run = runs_find(runs, offset);
    uint64_t left = run->offset_bytes + run->length_bytes - offset;
    struct exfat_place place = {
        .address = run->address + (offset - run->offset_bytes),
        .entries = entries,
        .first_entries = (unsigned)min(left / EXFAT_ENTRY_BYTES, (uint64_t)entries),
    };
    if (place.first_entries < entries)
        place.next = run[1].address;
    return place;
}

status_t exfat_place_read(struct exfat *exfat, const struct exfat_place *place, uint8_t *set)
{
    size_t first = place->first_entries * (size_t)EXFAT_ENTRY_BYTES;
    status_t status = exfat_read(exfat, place->address, set, first);
    if (status || place->first_entries == place->entries)
        return status;
    return exfat_read(exfat, place->next, set + first,
                      place->entries * (size_t)EXFAT_ENTRY_BYTES - first);
}

status_t exfat_place_write(struct exfat *exfat, const struct exfat_place *place,
                           const uint8_t *set)
{
    status_t status = 0;
    for (unsigned i = 0; i < place->entries && !status; i++)
        status = changes_write(exfat->changes,
                               in_first_block(exfat, place, i) ? CHANGE_LINK : CHANGE_NEW,
                               entry_address(place, i), set + i * (size_t)EXFAT_ENTRY_BYTES,
                               EXFAT_ENTRY_BYTES);
    return status;
}

status_t exfat_place_update(struct exfat *exfat, const struct exfat_place *place,
                            const uint8_t *set)
{
    status_t status = 0;
    for (unsigned i = 0; i < 2 && !status; i++)
        status = changes_write(exfat->changes, CHANGE_LINK, entry_address(place, i),
                               set + i * (size_t)EXFAT_ENTRY_BYTES, EXFAT_ENTRY_BYTES);
    return status;
}

status_t exfat_place_clear(struct exfat *exfat, const struct exfat_place *place, unsigned from,
                           enum change_epoch epoch)
{
    status_t status = 0;
    for (unsigned i = from; i < place->entries && !status; i++) {
        uint8_t type;
        status = exfat_read(exfat, entry_address(place, i), &type, sizeof(type));
        type &= (uint8_t)~EXFAT_ENTRY_USED;

        /* Entries in another block after the file entry is gone: without it they mean nothing. */
        if (!status)
            status = changes_write(exfat->changes,
                                   in_first_block(exfat, place, i) ? epoch : CHANGE_FREE,
                                   entry_address(place, i), &type, sizeof(type));
    }
    return status;
}

status_t exfat_node_store(struct exfat *exfat, const struct exfat_node *node,
                          const struct exfat_attributes *attributes)
{
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES];
    if (node->root)
        return 0;
    status_t status = exfat_place_read(exfat, &node->place, set);
    if (status)
        return status;
    exfat_set_patch(exfat, attributes, set, node->place.entries);
    return exfat_place_update(exfat, &node->place, set);
}

/* ---- what a directory has ------------------------------------------------------------------ */

/* Finds the end of the directory, and counts unused entries before it. */
static status_t scan(struct exfat *exfat, struct exfat_node *directory)
{
    uint8_t piece[PIECE_BYTES];
    status_t status = 0;
    if (directory->scanned)
        return 0;

    bool ended = false;
    directory->end = directory->holes = directory->gaps = 0;
    for (size_t i = 0; i < directory->runs.count && !ended && !status; i++) {
        const struct run *run = &directory->runs.list[i];
        for (uint64_t at = 0; at < run->length_bytes && !ended && !status; at += sizeof(piece)) {
            status = thread_interrupted() ? -EINTR
                                          : exfat_read(exfat, run->address + at, piece,
                                                       sizeof(piece));
            for (size_t j = 0; !status && !ended && j < sizeof(piece); j += EXFAT_ENTRY_BYTES) {
                ended = piece[j] == EXFAT_ENTRY_END;
                directory->end += ended ? 0 : EXFAT_ENTRY_BYTES;
                directory->holes += !ended && !(piece[j] & EXFAT_ENTRY_USED);
            }
        }
    }
    directory->scanned = !status;

    /* In which directory an entry was removed last is not known any more. */
    directory->removed = exfat->removed;
    return status;
}

/* Returns whether a node that is in use without a name has its id in this range. */
static bool has_unlinked(struct exfat *exfat, uint64_t from, uint64_t bytes)
{
    bool found = false;
    spin_lock(&exfat->lock);
    list_each(link, &exfat->unlinked) {
        const struct exfat_node *node = container_of(link, struct exfat_node, unlinked_link);
        found |= node->id >= from && node->id - from < bytes;
    }
    spin_unlock(&exfat->lock);
    return found;
}

/* Finds unused entries in one block. Returns false if there are not enough. */
static status_t gap_find(struct exfat *exfat, struct exfat_node *directory, unsigned entries,
                         uint64_t *offset, bool *found)
{
    uint8_t piece[PIECE_BYTES];
    uint64_t bytes = entries * (uint64_t)EXFAT_ENTRY_BYTES;
    unsigned count = 0;
    *found = false;
    uint64_t from = directory->gaps / sizeof(piece) * sizeof(piece);
    for (uint64_t at = from; at < directory->end && !*found; at += EXFAT_ENTRY_BYTES) {
        const struct run *run = runs_find(&directory->runs, at);
        uint64_t address = run->address + (at - run->offset_bytes);
        if (at % sizeof(piece) == 0) {
            status_t status = thread_interrupted() ? -EINTR
                                                   : exfat_read(exfat, address, piece,
                                                                sizeof(piece));
            if (status)
                return status;
        }

        /* A gap does not extend from one block into the next. */
        if (address % exfat->block_bytes == 0 || piece[at % sizeof(piece)] & EXFAT_ENTRY_USED)
            count = 0;
        count += !(piece[at % sizeof(piece)] & EXFAT_ENTRY_USED);
        if (count < entries)
            continue;
        *offset = at + EXFAT_ENTRY_BYTES - bytes;
        *found = !has_unlinked(exfat, address + EXFAT_ENTRY_BYTES - bytes, bytes);
    }

    /* The next search continues here, so that filling the gaps of a directory reads it once. */
    if (*found)
        directory->gaps = *offset;
    else if (entries == SET_ENTRIES_MIN)
        directory->gaps = directory->end;
    return 0;
}

/* ---- finding room -------------------------------------------------------------------------- */

/* Returns where a set may begin at the end of the directory: so that it is in one block, or at
 * least begins with one. */
static uint64_t place_after(const struct exfat *exfat, uint64_t end, unsigned entries)
{
    uint64_t block = exfat->block_bytes, bytes = entries * (uint64_t)EXFAT_ENTRY_BYTES;
    return end % block + bytes <= block ? end : (end + block - 1) / block * block;
}

/* Makes the directory large enough for that many bytes. */
static status_t directory_grow(struct exfat_operation *operation, struct exfat_node *directory,
                               uint64_t bytes)
{
    struct exfat *exfat = operation->exfat;
    uint64_t old = directory->runs.length_bytes, cluster = exfat->geometry.cluster_bytes;
    uint64_t count = exfat_clusters_of(exfat, bytes - old);
    if (old + count * cluster > EXFAT_DIRECTORY_BYTES_MAX)
        return -ENOSPC;

    /* What was promised to files is theirs. */
    status_t status = clusters_reserve(&exfat->clusters, count);
    if (status)
        return status;
    status = exfat_grow(operation, directory, count);
    clusters_unreserve(&exfat->clusters, count);

    /* One cluster, or two of the smallest size. */
    for (uint64_t at = old; at < operation->grown_runs.length_bytes && !status; at += cluster)
        status = exfat_zero(exfat, place_at(&operation->grown_runs, at, 1).address, cluster);
    return status;
}

/* Marks entries that a new set skips as unused, since the first entry that was never used ends the
 * directory; and makes the entry after the set end it, whatever a damaged volume has there. */
static status_t surroundings_write(struct exfat *exfat, const struct runs *runs, uint64_t end,
                                   uint64_t from, uint64_t to)
{
    static const uint8_t unused = ENTRY_UNUSED;
    status_t status = 0;
    for (; end < from && !status; end += EXFAT_ENTRY_BYTES)
        status = changes_write(exfat->changes, CHANGE_LINK, place_at(runs, end, 1).address,
                               &unused, sizeof(unused));
    if (status || to >= runs->length_bytes)
        return status;

    uint8_t type;
    uint64_t after = place_at(runs, to, 1).address;
    status = exfat_read(exfat, after, &type, sizeof(type));
    if (!status && type != EXFAT_ENTRY_END)
        status = changes_write(exfat->changes, CHANGE_NEW, after, NULL, EXFAT_ENTRY_BYTES);
    return status;
}

status_t exfat_slots_find(struct exfat_operation *operation, struct exfat_node *directory,
                          unsigned entries, struct exfat_place *place)
{
    struct exfat *exfat = operation->exfat;
    uint64_t bytes = entries * (uint64_t)EXFAT_ENTRY_BYTES, offset = 0;
    status_t status = scan(exfat, directory);
    uint64_t at = place_after(exfat, directory->end, entries);
    bool gap = false;
    operation->directory = directory;

    /* Entries that were removed in memory only are still those of a file on the medium. */
    bool full = at + bytes > directory->runs.length_bytes;
    if (!status && full && directory->holes >= entries && bytes <= exfat->block_bytes &&
        changes_commits(exfat->changes) != directory->removed)
        status = gap_find(exfat, directory, entries, &offset, &gap);
    if (!status && gap) {
        directory->holes -= entries;
        *place = place_at(&directory->runs, offset, entries);
        return 0;
    }

    if (!status && full)
        status = directory_grow(operation, directory, at + bytes);
    const struct runs *runs = full ? &operation->grown_runs : &directory->runs;
    if (!status)
        status = surroundings_write(exfat, runs, directory->end, at, at + bytes);
    if (status)
        return status;
    directory->holes += (at - directory->end) / EXFAT_ENTRY_BYTES;
    directory->end = at + bytes;
    *place = place_at(runs, at, entries);
    return 0;
}

void exfat_slots_leave(struct exfat *exfat, struct exfat_node *directory, unsigned entries)
{
    directory->holes += entries;
    directory->gaps = 0;
    directory->removed = exfat->removed = changes_commits(exfat->changes);
}
