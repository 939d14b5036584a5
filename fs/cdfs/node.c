/*
 * node.c - makes vnodes from the directory record that the id names.
 *
 * An id may come from anywhere, so the record is read and checked again: a forged id results in an
 * error or a node of the volume. Only for the node that was just looked up the attributes of its
 * directory's index are used instead.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* The state of making one node. It is large, so it is allocated. */
struct cdfs_node_builder {
    struct cdfs *cdfs;
    struct cdfs_node *node;
    struct cdfs_record record, next;
    struct cdfs_rock rock; /* last, because its texts need no clearing */
};

/* ---- extents ------------------------------------------------------------------------------ */

/* Appends a section. The second one moves the extents to an array of the largest size. */
static status_t node_add_extent(struct cdfs_node_builder *builder, const struct cdfs_record *record)
{
    struct cdfs_node *node = builder->node;
    uint32_t block = builder->cdfs->block_bytes;

    /* The budget bounds the memory that a forged directory can take. */
    if (node->extent_count >= CDFS_SECTIONS_MAX)
        return -EUCLEAN;

    /* Most files have one section, which is in the node. The array is trimmed at the end, when the
     * number is known. */
    if (node->extent_count == 1) {
        struct cdfs_extent *many = mem_alloc(CDFS_SECTIONS_MAX * sizeof(*many));
        if (!many)
            return -ENOMEM;
        many[0] = node->first;
        node->extents = many;
    }

    /* Units and gaps are recorded in logical blocks (9.1.7, 9.1.8). */
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

/* Trims the array to its length. If there is no memory, the larger one stays. */
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

/* Collects the sections of a file: records with one identifier, of which all except the last have
 * the multi-extent flag (6.5.1, 9.1.6). Returns in *complete whether the last one was found. */
static status_t node_collect_extents(struct cdfs_node_builder *builder, bool *complete)
{
    const struct cdfs_record *record = &builder->record, *next = &builder->next;
    status_t status = node_add_extent(builder, record);
    *complete = !(record->flags & DR_FLAG_MULTI_EXTENT);

    /* Nearly all files end here. */
    if (*complete || status)
        return status;

    /* The other sections follow directly in the directory. */
    struct cdfs_scan scan;
    int got = 0;
    cdfs_scan_begin(&scan, builder->cdfs, record->address + record->raw[DR_LENGTH], 0);
    while (!status && !*complete) {
        /* The next record is in this sector or at the start of the next one, or there is none. */
        scan.end = (scan.address / ISO_SECTOR_BYTES + 2) * ISO_SECTOR_BYTES;
        if ((got = cdfs_scan_next(&scan, &builder->next)) <= 0)
            break;

        /* A record of another name means that the last section is missing. */
        if (next->identifier.length != record->identifier.length ||
            memcmp(next->identifier.data, record->identifier.data, next->identifier.length) != 0)
            break;
        status = node_add_extent(builder, next);
        *complete = !(next->flags & DR_FLAG_MULTI_EXTENT);
    }
    cdfs_scan_end(&scan);

    node_shrink_extents(builder->node);
    return status ? status : got < 0 ? got : 0;
}

/* ---- from record to node ------------------------------------------------------------------ */

static status_t make_link(struct cdfs_node_builder *builder, struct vnode *vnode)
{
    size_t length = builder->rock.target_length;
    builder->node->target = mem_alloc(length + 1);
    if (!builder->node->target)
        return -ENOMEM;

    /* The target ends with NUL, which is copied, too. */
    memcpy(builder->node->target, builder->rock.target, length + 1);
    vnode->size_bytes = length;
    return 0;
}

/* Counts an extent that is outside the volume, but on the device. */
static void check_extent(struct cdfs *cdfs, uint64_t address, uint64_t bytes)
{
    uint64_t end = cdfs->session_address + cdfs->volume_blocks * cdfs->block_bytes;

    /* The volume's size counts from its session, but addresses count from the start of the medium.
     * An extent past the end of the device needs no counting: reading it fails. */
    if (bytes && address < cdfs->device_bytes && (address >= end || bytes > end - address))
        cdfs_anomaly(cdfs, ANOMALY_OUTSIDE);
}

static void make_directory(struct cdfs *cdfs, struct cdfs_node *node)
{
    node->size_bytes = node->attributes.size_bytes;

    /* A directory has whole sectors (6.8.1), but some writers record the bytes in use. */
    if (node->size_bytes % ISO_SECTOR_BYTES)
        cdfs_anomaly(cdfs, ANOMALY_DIRECTORY_SIZE);
    check_extent(cdfs, node->attributes.address, node->size_bytes);
}

/* Decides how the bytes are read: in whole sectors straight to the cache, or by the worker. */
static void make_content(struct cdfs *cdfs, struct cdfs_node *node, struct vnode *vnode)
{
    vnode->size_bytes = node->size_bytes;
    vnode->cache_block_bytes = cdfs->fsd.cache_block_bytes;

    /* Bytes that do not start on a sector cannot be read straight into a page. */
    node->needs_work = node->zisofs.version || !cdfs_extents_are_plain(cdfs, node);
    for (unsigned i = 0; i < node->extent_count; i++)
        check_extent(cdfs, node->extents[i].address, node->extents[i].length_bytes);

    /* Last, because it depends on needs_work. */
    cdfs_small_hold(cdfs, node, vnode);
}

/* Shows the unpacked size, and makes a cache block one packed block. */
static void make_packed(struct cdfs_node_builder *builder, struct vnode *vnode)
{
    const struct cdfs_zisofs *zisofs = &builder->node->zisofs;

    vnode->size_bytes = zisofs->size_bytes;

    /* Fields outside the format's limits cannot be unpacked. The file is listed with its size. */
    if (cdfs_zisofs_valid(zisofs)) {
        vnode->cache_block_bytes = min(1u << zisofs->block_log2, (uint32_t)CACHE_BLOCK_MAX_BYTES);
    } else {
        cdfs_anomaly(builder->cdfs, ANOMALY_ROCK_RIDGE);
        vnode->open_status = -EUCLEAN;
    }
}

static status_t make_file(struct cdfs_node_builder *builder, struct vnode *vnode)
{
    struct cdfs *cdfs = builder->cdfs;
    bool complete;
    status_t status = node_collect_extents(builder, &complete);
    if (status)
        return status;

    /* A file that cannot be read correctly is listed, but cannot be opened. */
    if (!complete) {
        cdfs_anomaly(cdfs, ANOMALY_SECTIONS);
        vnode->open_status = -EIO;
    }
    if (builder->rock.sparse)
        vnode->open_status = -EOPNOTSUPP;
    if (builder->record.sequence_number != cdfs->sequence_number) {
        cdfs_anomaly(cdfs, ANOMALY_OTHER_VOLUME);
        if (cdfs->set_size > 1)
            vnode->open_status = -ENXIO; /* on another disc of the set */
    }

    /* make_content() sets the size on the disc, which make_packed() then replaces. */
    builder->node->zisofs = builder->rock.zisofs;
    make_content(cdfs, builder->node, vnode);
    if (builder->rock.zisofs.version)
        make_packed(builder, vnode);

    /* The record has the size of its own section. Listings show the sum of all. */
    builder->node->attributes.size_bytes = vnode->size_bytes;

    /* Started now, where -ENOMEM can be returned: submitting an io cannot fail. */
    return builder->node->needs_work ? cdfs_worker_start(cdfs) : 0;
}

static status_t node_make(struct cdfs_node_builder *builder, struct vnode *vnode)
{
    struct cdfs_attributes *attributes = &builder->node->attributes;

    cdfs_attributes_make(builder->cdfs, &builder->record, &builder->rock, attributes);

    /* An associated file, a resource fork for example, is shown as an attribute of its file. */
    if (attributes->type == NODE_FILE)
        attributes->associated =
            cdfs_record_is_associated(builder->cdfs, &builder->record, &builder->next);

    /* Each kind of node sets its size; devices and sockets have none. */
    vnode->type = (enum node_type)attributes->type;
    vnode->cache_block_bytes = 0;
    switch (vnode->type) {
    case NODE_DIRECTORY: make_directory(builder->cdfs, builder->node); return 0;
    case NODE_LINK: return make_link(builder, vnode);
    case NODE_FILE: return make_file(builder, vnode);
    default: return 0;
    }
}

/* ---- finding the record ------------------------------------------------------------------- */

/* RRIP 4.1.5.1: replaces a record with a CL entry by the "." of the directory that it points to. A
 * CL that points to something else is ignored. */
static status_t read_child(struct cdfs_node_builder *builder)
{
    struct cdfs *cdfs = builder->cdfs;
    uint64_t address = builder->rock.child_address;
    status_t status = -EUCLEAN;

    /* The address comes from the disc, so it may point anywhere. */
    if (address < cdfs->device_bytes)
        status = cdfs_record_at(cdfs, address, &builder->next);

    /* A sector that cannot be read does not make the entry invalid: return its error. */
    if (status && status != -EUCLEAN)
        return status;

    /* Only the "." of a directory is accepted. Otherwise the record is shown as a file. */
    if (status || !cdfs_record_is_self(&builder->next) ||
        !(builder->next.flags & DR_FLAG_DIRECTORY)) {
        cdfs_anomaly(cdfs, ANOMALY_ROCK_RIDGE);
        return 0;
    }

    /* Decoded again, not copied: a record's slices point into the record itself. It was valid. */
    struct bytes raw = { builder->next.raw, builder->next.raw[DR_LENGTH] };
    (void)cdfs_record_decode(cdfs, raw, address, &builder->record);
    return cdfs_rock_read(cdfs, &builder->record, &builder->rock);
}

/* Reads the root's record, which is in the volume descriptor; its own "." has its Rock Ridge
 * fields. Some roots have no ".". */
static status_t read_root(struct cdfs_node_builder *builder)
{
    struct cdfs *cdfs = builder->cdfs;
    struct bytes raw = { cdfs->root_record, sizeof(cdfs->root_record) };

    if (!cdfs_record_decode(cdfs, raw, cdfs->root_record_address, &builder->record))
        return -EUCLEAN;

    /* The copy in the descriptor ends after the identifier, so it has no Rock Ridge fields. */
    builder->record.flags |= DR_FLAG_DIRECTORY;
    status_t status = cdfs_record_at(cdfs, builder->record.data_address, &builder->next);
    if (!status)
        return cdfs_rock_read(cdfs, &builder->next, &builder->rock);
    return status == -EUCLEAN ? 0 : status;
}

/* Reads the record of this id, and its Rock Ridge fields. */
static status_t read_record(struct cdfs_node_builder *builder, vnode_id_t id)
{
    struct cdfs *cdfs = builder->cdfs;
    uint64_t address = cdfs_id_address(id);

    if (id == VNODE_ROOT)
        return read_root(builder);

    /* An id of another tree is not valid in this mount. No record precedes the descriptors. */
    if (id >> CDFS_ID_TREE_SHIFT != (unsigned)cdfs->tree ||
        address < ISO_FIRST_DESCRIPTOR * ISO_SECTOR_BYTES)
        return -ENOENT;

    /* Any other address is tried. A forged one leads to an error, or to some record of the disc. */
    status_t status = cdfs_record_at(cdfs, address, &builder->record);
    if (!status)
        status = cdfs_rock_read(cdfs, &builder->record, &builder->rock);
    if (!status && builder->rock.has_child)
        status = read_child(builder);
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

/* Makes the node from the medium. The mount keeps one builder: it is large, and each node that is
 * made needs one. */
static status_t node_read(struct cdfs *cdfs, struct cdfs_node *node, struct vnode *vnode)
{
    struct cdfs_node_builder *builder = atomic_exchange(&cdfs->spare_builder, NULL);
    if (!builder)
        builder = mem_alloc(sizeof(*builder));
    if (!builder)
        return -ENOMEM;

    /* The texts at the end are not cleared: they have 5 KiB, and their lengths are 0. */
    memset(builder, 0,
           offsetof(struct cdfs_node_builder, rock) + offsetof(struct cdfs_rock, name));
    builder->cdfs = cdfs;
    builder->node = node;

    status_t status = read_record(builder, vnode->id);
    if (!status)
        status = node_make(builder, vnode);

    /* Keep the builder for the next node; free the one that another thread may have put there. */
    mem_free(atomic_exchange(&cdfs->spare_builder, builder));
    return status;
}

/* Returns whether the last look-up found this id, and its attributes. */
static bool found_take(struct cdfs *cdfs, vnode_id_t id, struct cdfs_attributes *attributes)
{
    spin_lock(&cdfs->index_lock);

    /* Only simple attributes are stored, so `simple` also means that a result is there. */
    bool same = cdfs->found.attributes.simple && cdfs->found.id == id;
    if (same)
        *attributes = cdfs->found.attributes;
    spin_unlock(&cdfs->index_lock);
    return same;
}

/* Makes the node from its attributes alone, which found_take() has set. */
static status_t node_make_simple(struct cdfs *cdfs, struct cdfs_node *node, struct vnode *vnode)
{
    vnode->type = (enum node_type)node->attributes.type;
    vnode->cache_block_bytes = 0;
    if (vnode->type == NODE_DIRECTORY) {
        make_directory(cdfs, node);
        return 0;
    }

    /* A simple file is one section, contiguous and not packed. */
    node->size_bytes = node->attributes.size_bytes;
    node->first = (struct cdfs_extent){
        .address = node->attributes.address,
        .length_bytes = node->size_bytes,
    };
    node->extent_count = 1;
    make_content(cdfs, node, vnode);

    /* In small logical blocks, even this one may start within a sector. */
    return node->needs_work ? cdfs_worker_start(cdfs) : 0;
}

status_t cdfs_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    struct cdfs *cdfs = cdfs_of(fsd);
    struct cdfs_node *node = mem_zalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;

    /* Serial numbers are not reused, so the unpacker cannot mix up the blocks of two nodes. */
    node->extents = &node->first;
    node->serial = atomic_fetch_add(&cdfs->last_serial, 1) + 1;

    /* Most nodes are made right after they were looked up, from the attributes in the index. */
    status_t status = found_take(cdfs, vnode->id, &node->attributes)
                          ? node_make_simple(cdfs, node, vnode)
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
    mem_free(atomic_exchange(&cdfs_of(fsd)->spare_builder, NULL));
}

status_t cdfs_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                       struct node_info *info)
{
    (void)fsd;
    const struct cdfs_node *node = vnode->private_data;
    cdfs_attributes_report(&node->attributes, levels, info);
    return 0;
}

ssize_t cdfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes)
{
    (void)fsd;
    const struct cdfs_node *node = vnode->private_data;
    text_copy(target, bytes, node->target);
    return (ssize_t)vnode->size_bytes;
}
