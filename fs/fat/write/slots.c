/*
 * slots.c - the records of a directory: which are free, and where a node's records are put.
 *
 * A device writes a block of 512 bytes or more as a whole. So the records of a node are put into
 * one block if they fit into one: then they appear and disappear together, whenever power fails.
 * Longer sets are put at the end of the directory, where the earlier blocks hide the later ones.
 *
 * A record that was removed is used again only after a commit, since the new one would be written
 * before the removal of the old one.
 */
#include "fs/fat/fat.h"
#include "fs/fat/record.h"
#include "fs/fat/table.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    ROOM_MIN = 64,      /* bytes of a bitmap */
    REMOVED_MIN = 1024, /* records that may wait for a commit in any directory */
};

static bool bit(const uint8_t *bits, uint32_t n)
{
    return bits[n / 8] >> n % 8 & 1;
}

static void bit_set(uint8_t *bits, uint32_t n, bool value)
{
    uint8_t mask = (uint8_t)(1 << n % 8);
    bits[n / 8] = (uint8_t)(value ? bits[n / 8] | mask : bits[n / 8] & ~mask);
}

void fat_slots_free(struct fat_slots *slots)
{
    mem_free(slots->used);
    *slots = (struct fat_slots){ 0 };
}

/* Makes room for records up to number `count`. */
static status_t make_room(struct fat_slots *slots, uint32_t count)
{
    size_t room = max(slots->room, (size_t)ROOM_MIN);
    while (room * 8 < count)
        room *= 2;
    if (room == slots->room)
        return 0;

    /* One block of memory: the bits of used records, then those of removed ones. */
    uint8_t *bits = mem_zalloc(2 * room);
    if (!bits)
        return -ENOMEM;
    if (slots->room) {
        memcpy(bits, slots->used, slots->room);
        memcpy(bits + room, slots->removed, slots->room);
    }
    mem_free(slots->used);
    slots->used = bits;
    slots->removed = bits + room;
    slots->room = room;
    return 0;
}

/* ---- learning ----------------------------------------------------------------------------- */

static uint32_t record_count(const struct fat_node *directory)
{
    return (uint32_t)(directory->runs.length_bytes / FAT_RECORD_BYTES);
}

uint64_t fat_slot_address(const struct fat_node *directory, uint32_t slot)
{
    uint64_t offset = (uint64_t)slot * FAT_RECORD_BYTES;
    const struct run *run = runs_find(&directory->runs, offset);
    return run ? run->address + (offset - run->offset_bytes) : 0;
}

/* Reads which records are in use: all those before the end that are not marked as free. */
static status_t slots_read(struct fat *fat, struct fat_node *directory, struct fat_slots *slots)
{
    enum { PIECE_BYTES = 512 };
    uint8_t piece[PIECE_BYTES];
    uint32_t count = record_count(directory);
    status_t status = make_room(slots, count);
    for (slots->end = 0; !status && slots->end < count;) {
        uint32_t here = min(count - slots->end, (uint32_t)PIECE_BYTES / FAT_RECORD_BYTES);
        status = fat_read(fat, fat_slot_address(directory, slots->end), piece,
                          here * FAT_RECORD_BYTES);
        for (uint32_t i = 0; !status && i < here; i++, slots->end++) {
            uint8_t first = piece[i * FAT_RECORD_BYTES];
            if (first == FIRST_END)
                return 0;
            bit_set(slots->used, slots->end, first != FIRST_FREE);
        }
    }
    return status;
}

/* Reads the slots of a directory, unless that was done. The caller is in an operation. */
static status_t slots_get(struct fat *fat, struct fat_node *directory)
{
    struct fat_slots slots = { 0 };
    if (directory->slots.used)
        return 0;
    status_t status = slots_read(fat, directory, &slots);
    if (status)
        fat_slots_free(&slots);
    else
        directory->slots = slots;
    return status;
}

/* Makes removed records available whose removal is durable. */
static void slots_settle(struct fat *fat, struct fat_slots *slots)
{
    if (!slots->removed_count || slots->commits == changes_commits(fat->changes))
        return;
    for (size_t i = 0; i < slots->room; i++) {
        slots->used[i] = (uint8_t)(slots->used[i] & ~slots->removed[i]);
        slots->removed[i] = 0;
    }
    slots->removed_count = 0;
    memset(slots->searched, 0, sizeof(slots->searched));
}

/* ---- finding ------------------------------------------------------------------------------ */

/* Returns whether a removed file that is still open has this id: it must not be used for another
 * one before. */
static bool id_is_taken(struct fat *fat, vnode_id_t id)
{
    bool taken = false;
    spin_lock(&fat->lock);
    list_each(link, &fat->removed)
        taken |= container_of(link, struct fat_node, removed_link)->id == id;
    spin_unlock(&fat->lock);
    return taken;
}

/* Finds `count` free records within one block, before the end. */
static bool find_hole(struct fat *fat, struct fat_node *directory, uint32_t count, uint32_t *slot)
{
    struct fat_slots *slots = &directory->slots;
    uint32_t block = fat->block_bytes / FAT_RECORD_BYTES, length = 0;
    for (uint32_t n = slots->searched[count]; n < slots->end; n++) {
        length = n % block ? length : 0;
        length = bit(slots->used, n) ? 0 : length + 1;
        if (length < count)
            continue;

        /* The search continues here the next time: everything before is too small. */
        slots->searched[count] = n + 1 - count;
        *slot = n + 1 - count;
        if (!id_is_taken(fat, fat_slot_address(directory, n)))
            return true;
        length--;
    }
    slots->searched[count] = slots->end - slots->end % block;
    return false;
}

/* Chooses the place of `count` records at the end of the directory. */
static uint32_t place_at_end(struct fat *fat, const struct fat_slots *slots, uint32_t count)
{
    uint32_t block = fat->block_bytes / FAT_RECORD_BYTES;
    uint32_t left = block - slots->end % block;
    return count <= block && count > left ? slots->end + left : slots->end;
}

status_t fat_slots_find(struct fat *fat, struct fat_node *directory, uint32_t count,
                        struct fat_place *place)
{
    *place = (struct fat_place){ .count = count, .before_bytes = directory->runs.length_bytes };
    status_t status = directory->sound ? slots_get(fat, directory) : -EUCLEAN;
    if (status)
        return status;
    struct fat_slots *slots = &directory->slots;
    slots_settle(fat, slots);
    if (count <= fat->block_bytes / FAT_RECORD_BYTES &&
        find_hole(fat, directory, count, &place->slot))
        return 0;

    place->slot = place_at_end(fat, slots, count);
    place->skipped = place->slot - slots->end;
    place->at_end = true;
    uint32_t end = place->slot + count, records = record_count(directory);
    bool fixed = directory->root && fat->geometry.bits != 32;

    /* The directory grows, unless most of it waits for a commit, which costs several flushes. */
    uint32_t enough = fixed ? 2 * count : max(records / 4 * 3, REMOVED_MIN);
    if (end > records && slots->removed_count >= enough)
        return -EAGAIN;
    if (fixed)
        return end > records ? -ENOSPC : make_room(slots, end);
    return end > FAT_DIRECTORY_RECORDS_MAX ? -ENOSPC : make_room(slots, end);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Adds a cluster of zeroes to a directory. The bytes are new; the link to them is not. */
static status_t directory_grow(struct fat *fat, struct fat_node *directory)
{
    uint32_t bytes = fat->geometry.cluster_bytes, first, count;
    uint64_t end = directory->runs.length_bytes;
    const struct run *last = runs_find(&directory->runs, end - 1);
    uint32_t tail = fat_address_cluster(fat, last->address + (end - 1 - last->offset_bytes));
    /* Not one of those that are promised to files. */
    status_t status = clusters_reserve(&fat->clusters, 1);
    if (status)
        return status;
    status = fat_allocate(fat, tail + 1, 1, &first, &count);
    clusters_unreserve(&fat->clusters, 1);
    if (status)
        return status;

    uint64_t address = fat_cluster_address(fat, first);
    status = changes_write(fat->changes, CHANGE_NEW, address, NULL, bytes);
    if (!status)
        status = fat_entry_write(fat, CHANGE_NEW, first, ENTRY_LAST);
    if (!status)
        status = fat_entry_write(fat, CHANGE_LINK, tail, first);
    if (!status)
        status = fat_runs_add(fat, directory, address, bytes, 0);
    if (status)
        clusters_give(&fat->clusters, first - FAT_FIRST_CLUSTER, 1);
    else
        directory->linked++;
    return status;
}

/* Writes part of the records, which are in one run of blocks or not. */
static status_t write_slots(struct fat *fat, struct fat_node *directory, enum change_epoch epoch,
                            uint32_t slot, uint32_t count, const uint8_t *records)
{
    status_t status = 0;
    for (uint32_t i = 0; !status && i < count; i++)
        status = changes_write(fat->changes, epoch, fat_slot_address(directory, slot + i),
                               records + i * FAT_RECORD_BYTES, FAT_RECORD_BYTES);
    return status;
}

/* Ends the directory after the new records, where the medium may contain anything. */
static status_t write_end(struct fat *fat, struct fat_node *directory, uint32_t slot)
{
    uint8_t first;
    uint64_t address = fat_slot_address(directory, slot);
    if (slot >= record_count(directory))
        return 0;
    status_t status = fat_read(fat, address, &first, 1);
    if (status || first == FIRST_END)
        return status;
    return changes_write(fat->changes, CHANGE_NEW, address, NULL, FAT_RECORD_BYTES);
}

/* Marks the records that are left out at the end of a block as free. */
static status_t write_skipped(struct fat *fat, struct fat_node *directory,
                              const struct fat_place *place)
{
    static const uint8_t free[FAT_RECORD_BYTES] = { FIRST_FREE };
    status_t status = 0;
    for (uint32_t i = 0; !status && i < place->skipped; i++)
        status = write_slots(fat, directory, CHANGE_LINK, place->slot - place->skipped + i, 1,
                             free);
    return status;
}

status_t fat_slots_write(struct fat *fat, struct fat_node *directory,
                         const struct fat_place *place, const uint8_t *records)
{
    uint32_t end = place->slot + place->count, block = fat->block_bytes / FAT_RECORD_BYTES;
    status_t status = 0;
    while (!status && end > record_count(directory))
        status = directory_grow(fat, directory);
    if (!status && place->at_end)
        status = write_end(fat, directory, end);
    if (!status)
        status = write_skipped(fat, directory, place);

    /* The first block of the records makes them visible. The others are hidden by the directory's
     * end, which is in the first one until then. */
    uint32_t linked = min(place->count, block - place->slot % block);
    if (!status)
        status = write_slots(fat, directory, CHANGE_NEW, place->slot + linked,
                             place->count - linked, records + linked * FAT_RECORD_BYTES);
    return status ? status
                  : write_slots(fat, directory, CHANGE_LINK, place->slot, linked, records);
}

void fat_slots_take(struct fat_node *directory, const struct fat_place *place)
{
    struct fat_slots *slots = &directory->slots;
    for (uint32_t i = 0; i < place->count; i++)
        bit_set(slots->used, place->slot + i, true);
    slots->end = max(slots->end, place->slot + place->count);
}

/* ---- removing ----------------------------------------------------------------------------- */

status_t fat_slots_remove(struct fat *fat, struct fat_node *directory, uint32_t slot,
                          uint32_t count, enum change_epoch epoch)
{
    static const uint8_t free[1] = { FIRST_FREE };
    uint32_t block = fat->block_bytes / FAT_RECORD_BYTES;
    status_t status = slots_get(fat, directory);

    /* The short record is the last one. Parts of a name in the blocks before it are removed after
     * it, so that no record is without its name; from the last block backwards. */
    for (uint32_t i = count; !status && i--;) {
        bool same = (slot + i) / block == (slot + count - 1) / block;
        status = changes_write(fat->changes, same ? epoch : CHANGE_FREE,
                               fat_slot_address(directory, slot + i), free, 1);
    }
    return status;
}

void fat_slots_drop(struct fat *fat, struct fat_node *directory, uint32_t slot, uint32_t count)
{
    struct fat_slots *slots = &directory->slots;
    slots_settle(fat, slots);
    for (uint32_t i = 0; i < count; i++)
        bit_set(slots->removed, slot + i, true);
    slots->removed_count += count;
    slots->commits = changes_commits(fat->changes);
}
