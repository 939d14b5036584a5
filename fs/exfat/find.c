/*
 * find.c - finds a set of entries by its address, without the directory that it is in.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"

/* Reads a set whose entries continue in `next`, the cluster after the first one. */
static status_t set_read(struct exfat *exfat, uint64_t address, uint64_t in_first, uint32_t next,
                         uint8_t *set, size_t bytes)
{
    /* The entries of a set are consecutive in the directory, which may be fragmented: a
     * cluster's end may divide the set, and its next cluster may be anywhere. */
    size_t first = (size_t)min(in_first, (uint64_t)bytes);
    status_t status = exfat_read(exfat, address, set, first);
    if (status || first == bytes)
        return status;
    return exfat_read(exfat, exfat_cluster_address(exfat, next), set + first, bytes - first);
}

/* Decodes the set, and returns false if that is not possible. */
static bool set_try(struct exfat *exfat, struct bytes set, struct exfat_attributes *attributes)
{
    /* 765 bytes of name are too many for the stack. Only the checksum and the attributes are
     * wanted. */
    size_t length;
    char *name = mem_alloc(EXFAT_NAME_BYTES_MAX + 1);
    bool valid = name && exfat_set_decode(exfat, set, attributes, name, &length);
    mem_free(name);
    return valid;
}

/* The directory's chain is not known here: a set that continues in another cluster does so in the
 * next one, or in that which the table names. Its checksum decides. */
status_t exfat_set_load(struct exfat *exfat, vnode_id_t id, struct exfat_attributes *attributes,
                        struct exfat_place *place)
{
    const struct exfat_geometry *geometry = &exfat->geometry;

    /* An id is an address, but only one that can be that of an entry in the heap is read. */
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES];
    uint64_t offset = id - geometry->heap_address;
    if (id < geometry->heap_address || id % EXFAT_ENTRY_BYTES ||
        offset / geometry->cluster_bytes >= geometry->clusters)
        return -ENOENT;

    /* Ids may be forged: the bytes there may be anything. */
    status_t status = exfat_read(exfat, id, set, EXFAT_ENTRY_BYTES);
    struct bytes first = { set, EXFAT_ENTRY_BYTES };
    unsigned secondaries = status ? 0 : exfat_set_secondaries(first);
    if (status)
        return status;
    if (bytes_u8(first, 0) != EXFAT_ENTRY_FILE || secondaries < 2 ||
        secondaries >= EXFAT_SET_ENTRIES_MAX)
        return -ENOENT;

    /* Two candidates: the next cluster on the volume (a consecutive directory has no chain in
     * the table), and the one in the table. */
    struct bytes whole = { set, (secondaries + 1) * (size_t)EXFAT_ENTRY_BYTES };
    uint64_t in_first = geometry->cluster_bytes - offset % geometry->cluster_bytes;
    uint32_t cluster = (uint32_t)(offset / geometry->cluster_bytes) + EXFAT_FIRST_CLUSTER;
    uint32_t candidates[2] = { cluster + 1, 0 };
    if (whole.length > in_first)
        status = exfat_table_read(exfat, cluster, &candidates[1]);

    /* A set within one cluster is the same with either candidate. The first that decodes is
     * right: a wrong one would have to have the same checksum. */
    for (unsigned i = 0; !status && i < ARRAY_LENGTH(candidates); i++) {
        if (whole.length > in_first && !exfat_cluster_exists(exfat, candidates[i]))
            continue;
        status = set_read(exfat, id, in_first, candidates[i], set, whole.length);
        if (status || !set_try(exfat, whole, attributes))
            continue;
        *place = (struct exfat_place){
            .address = id,
            .next = exfat_cluster_address(exfat, candidates[i]),
            .entries = secondaries + 1,
            .first_entries = (unsigned)min(in_first / EXFAT_ENTRY_BYTES, secondaries + 1ull),
        };
        return 0;
    }
    return status ? status : -ENOENT;
}
