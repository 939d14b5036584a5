/*
 * node.c - vnodes of cdfs: made from the directory record that the id names.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/string.h"
#include "lib/text.h"

/* What making a node needs, together on the heap. */
struct cdfs_node_maker {
    struct cdfs *cdfs;
    struct cdfs_node *node;
    struct cdfs_record record, next;
    struct cdfs_rock rock; /* last, since its texts need no clearing */
};

/* ---- extents ------------------------------------------------------------------------------ */

static status_t node_add_extent(struct cdfs_node_maker *maker, const struct cdfs_record *record)
{
    struct cdfs_node *node = maker->node;
    uint32_t block = maker->cdfs->block_bytes;
    if (node->extent_count >= CDFS_SECTIONS_MAX)
        return -EUCLEAN;
    if (node->extent_count == 1) {
        struct cdfs_extent *many = mem_alloc(CDFS_SECTIONS_MAX * sizeof(*many));
        if (!many)
            return -ENOMEM;
        many[0] = node->first;
        node->extents = many;
    }
    node->extents[node->extent_count++] = (struct cdfs_extent){
        .file_offset = node->size_bytes,
        .address = record->data_address,
        .length_bytes = record->data_bytes,
        .unit_bytes = record->unit_blocks * block,
        .gap_bytes = record->gap_blocks * block,
    };
    node->size_bytes += record->data_bytes;
    return 0;
}

/* Gives back what node_add_extent took too much for a file of a few sections. */
static void node_shrink_extents(struct cdfs_node *node)
{
    if (node->extents == &node->first)
        return;
    size_t bytes = node->extent_count * sizeof(*node->extents);
    struct cdfs_extent *exact = mem_alloc(bytes);
    if (!exact)
        return;
    memcpy(exact, node->extents, bytes);
    mem_free(node->extents);
    node->extents = exact;
}

/* The sections of a file are records of one identifier, all but the last flagged (6.5.1, 9.1.6).
 * *complete: was the last one found? */
static status_t node_collect_extents(struct cdfs_node_maker *maker, bool *complete)
{
    status_t status = node_add_extent(maker, &maker->record);
    *complete = !(maker->record.flags & DR_FLAG_MULTI_EXTENT);
    if (*complete || status)
        return status;
    struct cdfs_scan scan;
    cdfs_scan_begin(&scan, maker->cdfs, maker->record.address + maker->record.raw[DR_LENGTH], 0);
    const struct bytes *id = &maker->record.identifier;
    int got = 0;
    while (!status && !*complete) {
        /* the next record is in this sector or at the start of the next, or nowhere */
        scan.end = (scan.address / ISO_SECTOR_BYTES + 2) * ISO_SECTOR_BYTES;
        if ((got = cdfs_scan_next(&scan, &maker->next)) <= 0)
            break;
        const struct bytes *next_id = &maker->next.identifier;
        if (next_id->length != id->length || memcmp(next_id->data, id->data, id->length) != 0)
            break;
        status = node_add_extent(maker, &maker->next);
        *complete = !(maker->next.flags & DR_FLAG_MULTI_EXTENT);
    }
    cdfs_scan_end(&scan);
    node_shrink_extents(maker->node);
    return status ? status : got < 0 ? got : 0;
}

/* ---- from record to node ------------------------------------------------------------------ */

static status_t make_link(struct cdfs_node_maker *maker, struct vnode *vnode)
{
    size_t length = maker->rock.target_length;
    maker->node->target = mem_alloc(length + 1);
    if (!maker->node->target)
        return -ENOMEM;
    memcpy(maker->node->target, maker->rock.target, length + 1);
    vnode->size_bytes = length;
    return 0;
}

/* Counts an extent that the volume's size does not cover, though the device has its bytes. */
static void check_extent(struct cdfs *cdfs, uint64_t address, uint64_t bytes)
{
    uint64_t end = cdfs->session_address + cdfs->volume_blocks * cdfs->block_bytes;
    if (bytes && address < cdfs->device_bytes && (address >= end || bytes > end - address))
        cdfs_anomaly(cdfs, ANOMALY_OUTSIDE);
}

static void make_directory(struct cdfs *cdfs, struct cdfs_node *node)
{
    node->size_bytes = node->facts.size_bytes;
    if (node->size_bytes % ISO_SECTOR_BYTES)
        cdfs_anomaly(cdfs, ANOMALY_DIRECTORY_SIZE);
    check_extent(cdfs, node->facts.address, node->size_bytes);
}

/* Which way the bytes go: in whole sectors straight to the cache, or through the worker. */
static void make_content(struct cdfs *cdfs, struct cdfs_node *node, struct vnode *vnode)
{
    vnode->size_bytes = node->size_bytes;
    vnode->cache_block_bytes = cdfs->fsd.cache_block_bytes;
    node->needs_work = node->zisofs.version || !cdfs_extents_are_plain(cdfs, node);
    for (unsigned i = 0; i < node->extent_count; i++)
        check_extent(cdfs, node->extents[i].address, node->extents[i].length_bytes);
    cdfs_small_hold(cdfs, node, vnode);
}

static void make_packed(struct cdfs_node_maker *maker, struct vnode *vnode)
{
    const struct cdfs_zisofs *zisofs = &maker->node->zisofs;
    vnode->size_bytes = zisofs->size_bytes;
    if (cdfs_zisofs_valid(zisofs)) {
        uint32_t block = 1u << zisofs->block_log2;
        vnode->cache_block_bytes = block < CACHE_BLOCK_MAX_BYTES ? block : CACHE_BLOCK_MAX_BYTES;
    } else {
        cdfs_anomaly(maker->cdfs, ANOMALY_ROCK_RIDGE);
        vnode->open_status = -EUCLEAN;
    }
}

static status_t make_file(struct cdfs_node_maker *maker, struct vnode *vnode)
{
    struct cdfs *cdfs = maker->cdfs;
    bool complete;
    status_t status = node_collect_extents(maker, &complete);
    if (status)
        return status;
    if (!complete) {
        cdfs_anomaly(cdfs, ANOMALY_SECTIONS);
        vnode->open_status = -EIO;
    }
    if (maker->rock.sparse)
        vnode->open_status = -EOPNOTSUPP; /* never bytes that are not the file's */
    if (maker->record.sequence_number != cdfs->sequence_number) {
        cdfs_anomaly(cdfs, ANOMALY_OTHER_VOLUME);
        if (cdfs->set_size > 1)
            vnode->open_status = -ENXIO; /* on another disc of the set */
    }
    maker->node->zisofs = maker->rock.zisofs;
    make_content(cdfs, maker->node, vnode);
    if (maker->rock.zisofs.version)
        make_packed(maker, vnode);
    maker->node->facts.size_bytes = vnode->size_bytes; /* of all sections */
    return maker->node->needs_work ? cdfs_worker_start(cdfs) : 0;
}

static status_t node_make(struct cdfs_node_maker *maker, struct vnode *vnode)
{
    struct cdfs_facts *facts = &maker->node->facts;
    cdfs_facts_make(maker->cdfs, &maker->record, &maker->rock, facts);
    if (facts->type == NODE_FILE)
        facts->associated = cdfs_record_is_associated(maker->cdfs, &maker->record, &maker->next);
    vnode->type = (enum node_type)facts->type;
    vnode->cache_block_bytes = 0;
    switch (vnode->type) {
    case NODE_DIRECTORY: make_directory(maker->cdfs, maker->node); return 0;
    case NODE_LINK: return make_link(maker, vnode);
    case NODE_FILE: return make_file(maker, vnode);
    default: return 0;
    }
}

/* ---- finding the record ------------------------------------------------------------------- */

/* RRIP 4.1.5.1: where CL points to a directory, its "." record stands for the node. */
static status_t maker_follow_child(struct cdfs_node_maker *maker)
{
    struct cdfs *cdfs = maker->cdfs;
    uint64_t address = maker->rock.child_address;
    status_t status = -EUCLEAN;
    if (address < cdfs->device_bytes)
        status = cdfs_record_at(cdfs, address, &maker->next);
    if (status && status != -EUCLEAN)
        return status;
    if (status || !cdfs_record_is_dot(&maker->next) || maker->next.identifier.data[0] != 0 ||
        !(maker->next.flags & DR_FLAG_DIRECTORY)) {
        cdfs_anomaly(cdfs, ANOMALY_ROCK_RIDGE);
        return 0;
    }
    /* decoded again, since the slices point into the record itself */
    struct bytes raw = { maker->next.raw, maker->next.raw[DR_LENGTH] };
    (void)cdfs_record_decode(cdfs, raw, address, &maker->record);
    return cdfs_rock_read(cdfs, &maker->record, &maker->rock);
}

/* The root's record is in the volume descriptor; its own "." carries the Rock Ridge fields. */
static status_t maker_read_root(struct cdfs_node_maker *maker)
{
    struct cdfs *cdfs = maker->cdfs;
    struct bytes raw = { cdfs->root_record, sizeof(cdfs->root_record) };
    if (!cdfs_record_decode(cdfs, raw, cdfs->root_record_address, &maker->record))
        return -EUCLEAN;
    maker->record.flags |= DR_FLAG_DIRECTORY;
    status_t status = cdfs_record_at(cdfs, maker->record.data_address, &maker->next);
    if (!status)
        return cdfs_rock_read(cdfs, &maker->next, &maker->rock);
    return status == -EUCLEAN ? 0 : status; /* roots without "." exist */
}

static status_t maker_read(struct cdfs_node_maker *maker, vnode_id_t id)
{
    struct cdfs *cdfs = maker->cdfs;
    if (id == VNODE_ROOT)
        return maker_read_root(maker);
    uint64_t address = id & ~(3ull << 62);
    if (id >> 62 != (unsigned)cdfs->tree || address < ISO_FIRST_DESCRIPTOR * ISO_SECTOR_BYTES)
        return -ENOENT;
    status_t status = cdfs_record_at(cdfs, address, &maker->record);
    if (status)
        return status;
    status = cdfs_rock_read(cdfs, &maker->record, &maker->rock);
    if (!status && maker->rock.has_child)
        status = maker_follow_child(maker);
    return status;
}

/* ---- the slots ---------------------------------------------------------------------------- */

static void node_free(struct cdfs_node *node)
{
    if (!node)
        return;
    if (node->extents != &node->first)
        mem_free(node->extents);
    cdfs_index_put(node->index);
    mem_free(node->target);
    mem_free(node);
}

/* The mount keeps one: it is large, and wanted for each node that is looked at. */
static struct cdfs_node_maker *maker_take(struct cdfs *cdfs, struct cdfs_node *node)
{
    struct cdfs_node_maker *maker = atomic_exchange(&cdfs->spare_maker, NULL);
    if (!maker)
        maker = mem_alloc(sizeof(*maker));
    if (!maker)
        return NULL;
    memset(maker, 0, offsetof(struct cdfs_node_maker, rock) + offsetof(struct cdfs_rock, name));
    maker->cdfs = cdfs;
    maker->node = node;
    return maker;
}

static void maker_give_back(struct cdfs *cdfs, struct cdfs_node_maker *maker)
{
    mem_free(atomic_exchange(&cdfs->spare_maker, maker));
}

/* From the medium. */
static status_t node_read(struct cdfs *cdfs, struct cdfs_node *node, struct vnode *vnode)
{
    struct cdfs_node_maker *maker = maker_take(cdfs, node);
    if (!maker)
        return -ENOMEM;
    status_t status = maker_read(maker, vnode->id);
    if (!status)
        status = node_make(maker, vnode);
    maker_give_back(cdfs, maker);
    return status;
}

/* From what a look-up has just found, if it was this one. */
static bool found_take(struct cdfs *cdfs, vnode_id_t id, struct cdfs_facts *facts)
{
    spin_lock(&cdfs->index_lock);
    bool is = cdfs->found.facts.plain && cdfs->found.id == id;
    if (is)
        *facts = cdfs->found.facts;
    spin_unlock(&cdfs->index_lock);
    return is;
}

static status_t node_make_found(struct cdfs *cdfs, struct cdfs_node *node, struct vnode *vnode)
{
    vnode->type = (enum node_type)node->facts.type;
    vnode->cache_block_bytes = 0;
    if (vnode->type == NODE_DIRECTORY) {
        make_directory(cdfs, node);
        return 0;
    }
    node->size_bytes = node->facts.size_bytes;
    node->first = (struct cdfs_extent){
        .address = node->facts.address,
        .length_bytes = node->size_bytes,
    };
    node->extent_count = 1;
    make_content(cdfs, node, vnode);
    return node->needs_work ? cdfs_worker_start(cdfs) : 0;
}

status_t cdfs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct cdfs *cdfs = cdfs_of(fsd);
    struct cdfs_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->extents = &node->first;
    node->serial = atomic_fetch_add(&cdfs->last_serial, 1) + 1;
    status_t status = found_take(cdfs, vnode->id, &node->facts)
                          ? node_make_found(cdfs, node, vnode)
                          : node_read(cdfs, node, vnode);
    if (status)
        node_free(node);
    else
        vnode->private_data = node;
    return status;
}

void cdfs_put_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    node_free(vnode->private_data);
}

void cdfs_trim_vnode(struct fsd *fsd, struct vnode *vnode)
{
    cdfs_index_trim(cdfs_of(fsd), vnode->private_data);
    mem_free(atomic_exchange(&cdfs_of(fsd)->spare_maker, NULL));
}

status_t cdfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                       struct node_info *info)
{
    (void)fsd;
    const struct cdfs_node *node = vnode->private_data;
    cdfs_facts_tell(&node->facts, levels, info);
    return 0;
}

ssize_t cdfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    (void)fsd;
    const struct cdfs_node *node = vnode->private_data;
    text_copy(target, bytes, node->target);
    return (ssize_t)vnode->size_bytes;
}
