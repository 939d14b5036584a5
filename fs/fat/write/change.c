/*
 * change.c - changes of directories: create, mkdir, unlink, rename.
 *
 * Each is an operation of kernel/vfs/layout/changes.h: what can fail comes first, then the changes
 * of the volume are kept, then those in memory are made, which cannot fail.
 */
#include "fs/fat/fat.h"
#include "fs/fat/record.h"
#include "fs/fat/table.h"
#include "lib/macros.h"
#include "lib/string.h"

/* A node's records on their way into a directory. */
struct addition {
    struct fat *fat;
    struct fat_node *directory;
    struct name_index *index; /* the directory's */
    struct element element;
    struct fat_name name;
    struct fat_place place;
    struct fat_set set;       /* for the index */
    bool flushed;             /* for lack of room, once */
    uint8_t records[FAT_NAME_RECORDS_MAX * FAT_RECORD_BYTES];
};

/* ---- adding records ----------------------------------------------------------------------- */

static status_t addition_begin(struct fat *fat, struct vnode *directory, struct element element,
                               struct addition **result)
{
    struct addition *a = mem_zalloc(sizeof(*a));
    *result = a;
    if (!a)
        return -ENOMEM;
    a->fat = fat;
    a->directory = directory->private_data;
    a->element = element;

    /* A directory of which only a part could be read may have the name in the other part. */
    status_t status = fat_name_parse(element, &a->name);
    if (!status)
        status = fat_count_clusters(fat);
    if (!status)
        status = fat_index_get(fat, a->directory, &a->index);
    return status ? status : name_index_status(a->index);
}

static void addition_end(struct addition *a)
{
    if (a)
        name_index_put(a->index);
    mem_free(a);
}

/* Finds an alias that the directory does not have; one that does not wait for the removal of
 * another, if there is one among the first: it would cost several flushes. */
static status_t alias_choose(struct addition *a)
{
    enum { TRIES = 64 };
    char text[FAT_SHORT_BYTES + 1];
    struct name_found found;
    struct fat_alias alias;
    uint64_t cluster = a->directory->attributes.cluster;
    unsigned tries = 0;
    if (!a->name.is_long)
        return 0;
    fat_alias_begin(&a->name, &alias);
    do
        if (!fat_alias_next(&alias, &a->name))
            return -ENOSPC;
    while (name_index_find(a->index, text, fat_short_text(&a->name, text), &found) ||
           (tries++ < TRIES && changes_name_waits(a->fat->changes, cluster, (char *)a->name.raw,
                                                  sizeof(a->name.raw))));
    return 0;
}

/* Makes the entry of the index from the records, as they would be read. */
static status_t entry_make(struct addition *a)
{
    return fat_set_read(a->fat, a->directory, a->place.slot, a->place.count, &a->set);
}

/* Writes the records of a node in the directory. `source`: everything except the name. On failure
 * the caller undoes the operation, and calls addition_undo(). */
static status_t addition_write(struct addition *a, const uint8_t source[FAT_RECORD_BYTES])
{
    if (a->directory->unlinked)
        return -ENOENT;
    status_t status = alias_choose(a);
    if (!status)
        status = fat_slots_find(a->fat, a->directory, fat_name_records(&a->name), &a->place);
    if (status)
        return status;

    fat_name_encode(&a->name, source, a->records);
    status = fat_slots_write(a->fat, a->directory, &a->place, a->records);
    if (!status)
        status = entry_make(a);
    if (status)
        return status;

    /* both forms of the name may have been another node's, whose records are still there */
    uint64_t cluster = a->directory->attributes.cluster;
    changes_add_name(a->fat->changes, cluster, a->set.entry.name, a->set.entry.name_bytes);
    changes_add_name(a->fat->changes, cluster, (const char *)a->name.raw, sizeof(a->name.raw));
    return 0;
}

/* Gives back what the directory grew by. */
static void addition_undo(struct addition *a)
{
    struct fat_node *directory = a->directory;
    if (a->place.count && directory->runs.length_bytes > a->place.before_bytes) {
        fat_give_back(a->fat, directory, a->place.before_bytes);
        directory->linked = fat_node_clusters(a->fat, directory);
    }
}

/* Ends the operation. -EAGAIN: something that was removed waits for a commit, which is made here,
 * before it can be used again; the caller begins again. */
static status_t operation_end(struct addition *a, status_t status)
{
    if (status)
        addition_undo(a);
    changes_end(a->fat->changes, !status);
    bool again = status == -EAGAIN || (status == -ENOSPC && !a->flushed);
    if (!again)
        return status;
    a->place = (struct fat_place){ 0 };
    a->flushed = true;
    status = fat_flush(&a->fat->fsd);
    return status ? status : -EAGAIN;
}

/* ---- creating ----------------------------------------------------------------------------- */

static void source_make(struct fat *fat, uint8_t attributes, uint32_t cluster,
                        uint8_t source[FAT_RECORD_BYTES])
{
    int64_t now = fat_now();
    struct fat_attributes new = {
        .attributes = attributes, .cluster = cluster,
        .has_modified = true, .modified_s = now,
        .has_created = true, .created_s = now,
        .has_accessed = true, .accessed_s = now,
    };
    memset(source, 0, FAT_RECORD_BYTES);
    fat_record_update(fat, &new, source);
}

static status_t create_once(struct addition *a, const uint8_t source[FAT_RECORD_BYTES])
{
    struct name_found found;
    status_t status = 0;
    if (name_index_find(a->index, a->element.name, a->element.length, &found))
        status = -EEXIST;
    if (!status)
        status = addition_write(a, source);
    return status ? status : name_index_insert(a->index, &a->set.entry);
}

status_t fat_create(struct fsd *fsd, struct vnode *directory, struct element element,
                    vnode_id_t *id)
{
    struct fat *fat = fat_of(fsd);
    uint8_t source[FAT_RECORD_BYTES];
    struct addition *a;
    status_t status = addition_begin(fat, directory, element, &a);
    source_make(fat, FAT_ARCHIVE, 0, source);
    if (!status)
        do {
            status = changes_begin(fat->changes);
            if (status)
                break;
            status = create_once(a, source);
            if (!status)
                fat_slots_take(a->directory, &a->place);
            status = operation_end(a, status);
        } while (status == -EAGAIN);
    if (!status)
        *id = a->set.entry.id;
    addition_end(a);
    return status;
}

/* Fills the first cluster of a directory: two records, then zeroes. */
static status_t directory_fill(struct addition *a, uint32_t cluster,
                               const uint8_t source[FAT_RECORD_BYTES])
{
    struct fat *fat = a->fat;
    uint64_t address = fat_cluster_address(fat, cluster);
    uint8_t record[FAT_RECORD_BYTES];
    struct fat_attributes attributes;
    fat_record_attributes(fat, (struct bytes){ source, FAT_RECORD_BYTES }, &attributes);
    status_t status =
        changes_write(fat->changes, CHANGE_NEW, address, NULL, fat->geometry.cluster_bytes);

    /* ".." of a directory in the root contains 0, in FAT32 too (6.5). */
    fat_record_encode_dot(fat, ".", &attributes, record);
    if (!status)
        status = changes_write(fat->changes, CHANGE_NEW, address, record, sizeof(record));
    attributes.cluster = a->directory->root ? 0 : a->directory->attributes.cluster;
    fat_record_encode_dot(fat, "..", &attributes, record);
    if (!status)
        status = changes_write(fat->changes, CHANGE_NEW, address + FAT_RECORD_BYTES, record,
                               sizeof(record));
    return status ? status : fat_entry_write(fat, CHANGE_NEW, cluster, ENTRY_LAST);
}

static status_t mkdir_once(struct addition *a)
{
    struct fat *fat = a->fat;
    uint8_t source[FAT_RECORD_BYTES];
    uint32_t cluster, count;
    status_t status = fat_allocate(fat, 0, 1, &cluster, &count);
    if (status)
        return status;
    source_make(fat, FAT_DIRECTORY, cluster, source);
    status = directory_fill(a, cluster, source);
    if (!status)
        status = create_once(a, source);
    if (status)
        clusters_give(&fat->clusters, cluster - FAT_FIRST_CLUSTER, 1);
    return status;
}

status_t fat_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                   vnode_id_t *id)
{
    struct fat *fat = fat_of(fsd);
    struct addition *a;
    status_t status = addition_begin(fat, directory, element, &a);

    /* A promise for the directory itself, and for its parent, which may grow. */
    if (!status)
        status = fat_promise(fat, 1);
    if (!status) {
        do {
            status = changes_begin(fat->changes);
            if (status)
                break;
            status = mkdir_once(a);
            if (!status)
                fat_slots_take(a->directory, &a->place);
            status = operation_end(a, status);
        } while (status == -EAGAIN);
        clusters_unreserve(&fat->clusters, 1);
    }
    if (!status)
        *id = a->set.entry.id;
    addition_end(a);
    return status;
}

/* ---- removing ----------------------------------------------------------------------------- */

/* A node that is to lose its name. */
struct removal {
    struct fat_node *node;
    struct name_index *content; /* of a directory */
    struct clusters_release *release;
};

/* Prepares all that the removal needs, so that it cannot fail later. */
static status_t removal_begin(struct fat *fat, struct vnode *vnode, struct removal *removal)
{
    struct fat_node *node = vnode->private_data;
    *removal = (struct removal){ .node = node };

    /* The count must be known before it changes, for FSInfo. */
    status_t status = fat_count_clusters(fat);
    if (!status)
        status = fat_node_read_chain(fat, node);
    if (!status && vnode->type == NODE_DIRECTORY)
        status = fat_index_get(fat, node, &removal->content);
    if (!status && removal->content)
        status = name_index_status(removal->content);
    removal->release = mem_zalloc(sizeof(*removal->release));
    return status ? status : removal->release ? 0 : -ENOMEM;
}

/* Returns whether the node may be removed. In an operation, which keeps others from adding names to
 * it. */
static status_t removal_check(const struct removal *removal)
{
    return removal->content && name_index_count(removal->content) ? -ENOTEMPTY : 0;
}

/* The name is gone; its slots are still taken, so no other node has the id. put_vnode frees the
 * clusters, when no file is open on the node any more. */
static void removal_keep(struct fat *fat, struct removal *removal)
{
    struct fat_node *node = removal->node;
    vnode_unlinked(node->vnode);
    spin_lock(&fat->lock);
    fat_node_unsaved(fat, node, false);
    node->unlinked = true;
    if (!node->release) {
        node->release = removal->release;
        removal->release = NULL;
    }
    list_push_back(&fat->removed, &node->removed_link);
    spin_unlock(&fat->lock);
}

static void removal_end(struct removal *removal)
{
    name_index_put(removal->content);
    mem_free(removal->release);
}

/* Removes the records of a node, and notes both forms of its name as removed. The name "" is for
 * the directory, which must not be replaced before they are gone: replace_record() adds it. */
static status_t records_remove(struct fat *fat, struct fat_node *directory,
                               const struct fat_details *details, enum change_epoch epoch)
{
    uint8_t raw[FAT_RAW_NAME_BYTES];
    uint64_t cluster = directory->attributes.cluster;
    uint32_t last = details->slot + details->count - 1;
    struct fat_set set;
    status_t status = fat_set_read(fat, directory, details->slot, details->count, &set);
    if (!status)
        status = fat_read(fat, fat_slot_address(directory, last), raw, sizeof(raw));
    if (status)
        return status;
    changes_remove_name(fat->changes, cluster, set.entry.name, set.entry.name_bytes);
    changes_remove_name(fat->changes, cluster, (const char *)raw, sizeof(raw));
    changes_remove_name(fat->changes, cluster, "", 0);
    return fat_slots_remove(fat, directory, details->slot, details->count, epoch);
}

static status_t unlink_once(struct fat *fat, struct fat_node *directory, struct name_index *index,
                            struct element element, struct removal *removal)
{
    vnode_id_t id = removal->node->id;
    struct name_found found;
    status_t status = 0;

    /* A node that was replaced has the id of the one that replaced it. */
    if (removal->node->unlinked ||
        !name_index_find(index, element.name, element.length, &found) || found.id != id)
        status = -ENOENT;
    if (!status)
        status = removal_check(removal);

    const struct fat_details *details = (const void *)found.details;
    if (!status)
        status = records_remove(fat, directory, details, CHANGE_UNLINK);
    if (status)
        return status;
    name_index_remove(index, element.name, element.length, id);
    removal_keep(fat, removal);
    fat_slots_drop(fat, directory, details->slot, details->count);
    return 0;
}

status_t fat_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                    struct vnode *vnode)
{
    struct fat *fat = fat_of(fsd);
    struct fat_node *parent = directory->private_data;
    struct name_index *index = NULL;
    struct removal removal;
    status_t status = removal_begin(fat, vnode, &removal);
    if (!status)
        status = fat_index_get(fat, parent, &index);
    if (!status)
        status = changes_begin(fat->changes);
    if (!status) {
        status = unlink_once(fat, parent, index, element, &removal);
        changes_end(fat->changes, !status);
    }
    name_index_put(index);
    removal_end(&removal);
    return status;
}

/* ---- renaming ----------------------------------------------------------------------------- */

struct rename {
    struct fat *fat;
    struct fat_node *from, *node;
    struct name_index *old_index;
    struct element old_name;
    struct fat_details old;  /* where the records are */
    struct addition *to;
    struct fat_details target; /* of the node that is replaced */
    struct removal removal;
    bool replaces;
    uint8_t source[FAT_RECORD_BYTES];
};

/* Returns -EINVAL if the directory that is moved contains the one that it is moved to. */
static status_t check_descent(struct fat *fat, const struct fat_node *moved,
                              const struct fat_node *to)
{
    enum { DEPTH_MAX = 2048 };
    uint32_t cluster = to->attributes.cluster;
    for (unsigned depth = 0; depth < DEPTH_MAX && fat_cluster_exists(fat, cluster); depth++) {
        uint8_t record[FAT_RECORD_BYTES];
        struct fat_attributes attributes;
        if (cluster == moved->attributes.cluster)
            return -EINVAL;
        if (cluster == fat->geometry.root_cluster)
            return 0;
        status_t status = fat_read(fat, fat_cluster_address(fat, cluster) + FAT_RECORD_BYTES,
                                   record, sizeof(record));
        if (status)
            return status;
        fat_record_attributes(fat, (struct bytes){ record, sizeof(record) }, &attributes);
        cluster = attributes.cluster;
    }
    return 0;
}

/* Finds both names, and checks that they belong to the nodes that the caller saw. */
static status_t rename_find(struct rename *r, const struct vnode *replaced)
{
    struct name_found found;
    vnode_id_t id = r->node->id;
    if (r->node->unlinked ||
        !name_index_find(r->old_index, r->old_name.name, r->old_name.length, &found) ||
        found.id != id)
        return -ENOENT;
    memcpy(&r->old, found.details, sizeof(r->old));

    /* The same node again: it gets another spelling. */
    struct element new = r->to->element;
    if (name_index_find(r->to->index, new.name, new.length, &found) && found.id != id) {
        if (!replaced || found.id != r->removal.node->id || r->removal.node->unlinked)
            return -EEXIST;
        r->replaces = true;
        memcpy(&r->target, found.details, sizeof(r->target));
    }
    status_t status = r->replaces ? removal_check(&r->removal) : 0;
    if (status)
        return status;
    return r->node->directory && r->from != r->to->directory
               ? check_descent(r->fat, r->node, r->to->directory)
               : 0;
}

/* Gives the record of the replaced node to the moved one: the block that contains it changes as a
 * whole, so that the name leads to one of them at any time. The name keeps its spelling. */
static status_t replace_record(struct rename *r)
{
    struct fat *fat = r->fat;
    struct addition *to = r->to;
    uint64_t address = fat_slot_address(to->directory, r->target.slot + r->target.count - 1);
    uint8_t record[FAT_RECORD_BYTES], lower;
    status_t status = fat_read(fat, address, record, sizeof(record));
    if (status)
        return status;

    if (r->removal.content)
        changes_add_name(fat->changes, r->removal.node->attributes.cluster, "", 0);
    lower = record[RECORD_CASE];
    memcpy(record + FAT_RAW_NAME_BYTES, r->source + FAT_RAW_NAME_BYTES,
           FAT_RECORD_BYTES - FAT_RAW_NAME_BYTES);
    record[RECORD_CASE] = lower;
    status = changes_write(fat->changes, CHANGE_LINK, address, record, sizeof(record));
    to->place = (struct fat_place){
        .slot = r->target.slot, .count = r->target.count,
        .before_bytes = to->directory->runs.length_bytes,
    };
    return status ? status : entry_make(to);
}

/* A change of a chain that must wait for the removal of its node's old name begins a new group of
 * changes: as if the chain had a name, which is removed and added. */
static void chain_renamed(struct fat *fat, const struct fat_node *node)
{
    changes_remove_name(fat->changes, node->attributes.cluster, "", 0);
}

/* Removes the old name: with the new one, if they are in the same block of the device. */
static status_t remove_old(struct rename *r)
{
    const struct fat_place *place = &r->to->place;
    uint64_t old = fat_slot_address(r->from, r->old.slot + r->old.count - 1);
    uint64_t new = fat_slot_address(r->to->directory, place->slot + place->count - 1);
    uint32_t block = r->fat->block_bytes;

    chain_renamed(r->fat, r->node);
    return records_remove(r->fat, r->from, &r->old,
                          old / block == new / block ? CHANGE_LINK : CHANGE_UNLINK);
}

/* ".." of a directory that moves leads to its new parent. */
static status_t update_parent(struct rename *r)
{
    const struct fat_node *to = r->to->directory, *node = r->node;
    uint8_t record[FAT_RECORD_BYTES];
    if (!node->directory || r->from == to)
        return 0;
    uint64_t address = fat_cluster_address(r->fat, node->attributes.cluster) + FAT_RECORD_BYTES;
    status_t status = fat_read(r->fat, address, record, sizeof(record));
    if (status || fat_record_kind((struct bytes){ record, sizeof(record) }) != FAT_RECORD_DOT)
        return status;
    fat_record_set_cluster(r->fat, to->root ? 0 : to->attributes.cluster, record);
    return changes_write(r->fat->changes, CHANGE_LINK, address, record, sizeof(record));
}

/* Changes the indexes. Within one directory the entry keeps its place in listings. */
static status_t rename_index(struct rename *r)
{
    struct addition *to = r->to;
    vnode_id_t id = r->node->id, replaced = r->replaces ? r->removal.node->id : VNODE_NONE;
    if (r->from == to->directory)
        return name_index_replace(to->index, r->old_name.name, r->old_name.length, id,
                                  &to->set.entry, replaced);
    status_t status =
        r->replaces ? name_index_replace(to->index, to->element.name, to->element.length, replaced,
                                         &to->set.entry, VNODE_NONE)
                    : name_index_insert(to->index, &to->set.entry);
    if (!status)
        name_index_remove(r->old_index, r->old_name.name, r->old_name.length, id);
    return status;
}

static status_t rename_once(struct rename *r, const struct vnode *replaced)
{
    const struct fat_node *node = r->node;
    r->replaces = false;

    /* A size that waits for its clusters must not be moved into an earlier epoch. */
    if (node->grown && node->grown_commits == changes_commits(r->fat->changes))
        return -EAGAIN;
    status_t status = rename_find(r, replaced);
    if (!status)
        status = fat_read(r->fat, node->id, r->source, sizeof(r->source));
    if (!status)
        status = r->replaces ? replace_record(r) : addition_write(r->to, r->source);
    if (!status)
        status = remove_old(r);
    if (!status)
        status = update_parent(r);
    return status ? status : rename_index(r);
}

/* What follows a rename that is kept. */
static void rename_keep(struct rename *r)
{
    if (!r->replaces)
        fat_slots_take(r->to->directory, &r->to->place);
    fat_slots_drop(r->fat, r->from, r->old.slot, r->old.count);
    if (r->replaces)
        removal_keep(r->fat, &r->removal);

    /* The table of unsaved nodes finds them by their id. */
    spin_lock(&r->fat->lock);
    bool unsaved = !list_empty(&r->node->unsaved_link);
    r->node->id = r->to->set.entry.id;
    fat_node_unsaved(r->fat, r->node, unsaved);
    spin_unlock(&r->fat->lock);
}

static status_t rename_all(struct rename *r, const struct vnode *replaced)
{
    status_t status;
    do {
        status = changes_begin(r->fat->changes);
        if (status)
            return status;
        status = rename_once(r, replaced);
        if (!status)
            rename_keep(r);
        status = operation_end(r->to, status);
    } while (status == -EAGAIN);

    /* In the operation the node has it already: its record may be written at any time. */
    if (!status)
        vnode_set_id(r->node->vnode, r->node->id);
    return status;
}

status_t fat_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                    struct vnode *node, struct vnode *to, struct element new_name,
                    struct vnode *replaced)
{
    struct rename r = {
        .fat = fat_of(fsd),
        .from = from->private_data,
        .node = node->private_data,
        .old_name = old_name,
    };

    status_t status = addition_begin(r.fat, to, new_name, &r.to);
    if (!status)
        status = fat_index_get(r.fat, r.from, &r.old_index);
    if (!status && replaced)
        status = removal_begin(r.fat, replaced, &r.removal);
    if (!status)
        status = rename_all(&r, replaced);
    removal_end(&r.removal);
    name_index_put(r.old_index);
    addition_end(r.to);
    return status;
}
