/*
 * rename.c - moving a name.
 *
 * Where the new set fits into the place of an old one, in one block of the device, it replaces it
 * there: a set of the same name, that of the file which is replaced, or its own in the same
 * directory. That is atomic. Else the new set is written first (LINK) and the old one removed
 * afterwards (UNLINK): in between, power failure leaves both names.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"
#include "lib/string.h"

struct rename {
    struct exfat *exfat;
    struct exfat_node *from, *to, *node, *replaced; /* replaced: NULL if the new name is free */
    struct vnode *vnode, *replaced_vnode;
    vnode_id_t id, replaced_id;
    struct element old_name, new_name;
    struct name_index *from_names, *to_names;
    struct wide_name name;
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES]; /* the new one */
    struct exfat_place place; /* where it is put */
    unsigned entries;
    bool in_place; /* of an old one */
};

/* Checks that the names still belong to the nodes. */
static status_t names_check(struct rename *r)
{
    struct name_found found;
    if (r->from->release || r->to->release || r->node->release)
        return -ENOENT;
    if (!name_index_find(r->from_names, r->old_name.name, r->old_name.length, &found) ||
        found.id != r->id)
        return -ENOENT;
    if (!name_index_find(r->to_names, r->new_name.name, r->new_name.length, &found))
        return r->replaced ? -ENOENT : 0;

    /* The old name in another spelling is free, too. */
    if (r->replaced ? found.id == r->replaced_id : found.id == r->id && r->from == r->to)
        return 0;
    return -EEXIST;
}

/* Makes the new set from the old one, whose attributes, times and clusters it keeps. */
static status_t set_make(struct rename *r)
{
    struct exfat_attributes attributes = exfat_node_attributes(r->exfat, r->node);
    status_t status = exfat_place_read(r->exfat, &r->node->place, r->set);
    r->entries = exfat_set_entries(&r->name);
    exfat_set_name(r->exfat, &r->name, r->set);
    exfat_set_patch(r->exfat, &attributes, r->set, r->entries);
    return status;
}

/* Returns whether the new set can replace the one at a place at once. */
static bool fits(const struct rename *r, const struct exfat_place *place)
{
    return r->entries <= place->entries && exfat_place_is_atomic(r->exfat, place);
}

/* Writes the new set over the one at a place; entries that it does not need become unused. */
static status_t set_replace(struct rename *r, const struct exfat_place *place)
{
    status_t status = 0;
    r->in_place = true;
    r->place = *place;
    r->place.entries = r->entries;
    r->place.first_entries = min(place->first_entries, r->entries);
    if (r->entries < place->entries)
        status = exfat_place_clear(r->exfat, place, r->entries, CHANGE_LINK);
    return status ? status : exfat_place_write(r->exfat, &r->place, r->set);
}

/* Writes the new set, and removes the old ones. */
static status_t sets_change(struct rename *r, struct exfat_operation *operation)
{
    const struct exfat_place *own = &r->node->place;
    const struct exfat_place *other = r->replaced ? &r->replaced->place : NULL;
    if (!other && r->from == r->to && fits(r, own))
        return set_replace(r, own);

    status_t status;
    bool over = other && fits(r, other);
    if (over)
        status = set_replace(r, other);
    else
        status = exfat_slots_find(operation, r->to, r->entries, &r->place);
    if (!status && !over)
        status = exfat_place_write(r->exfat, &r->place, r->set);
    if (!status && other && !over)
        status = exfat_place_clear(r->exfat, other, 0, CHANGE_UNLINK);
    return status ? status : exfat_place_clear(r->exfat, own, 0, CHANGE_UNLINK);
}

/* Changes the indexes; nothing after it fails. */
static status_t names_change(struct rename *r)
{
    struct exfat_attributes attributes = exfat_node_attributes(r->exfat, r->node);
    struct name_entry entry = {
        .id = r->place.address,
        .details = &attributes,
        .name = r->new_name.name,
        .name_bytes = (uint16_t)r->new_name.length,
    };
    if (r->from == r->to)
        return name_index_replace(r->from_names, r->old_name.name, r->old_name.length, r->id,
                                  &entry, r->replaced ? r->replaced_id : VNODE_NONE);

    status_t status = r->replaced
                          ? name_index_replace(r->to_names, r->new_name.name, r->new_name.length,
                                               r->replaced_id, &entry, VNODE_NONE)
                          : name_index_insert(r->to_names, &entry);
    if (!status)
        (void)name_index_remove(r->from_names, r->old_name.name, r->old_name.length, r->id);
    return status;
}

static status_t rename_within(struct rename *r, struct exfat_operation *operation)
{
    struct exfat *exfat = r->exfat;
    status_t status = names_check(r);
    if (!status && r->replaced)
        status = exfat_unlink_prepare(exfat, r->replaced);
    if (status)
        return status;

    /* The chain may be cut only when no old name, with the larger size, leads to it. */
    operation->directory = r->to;
    if (!r->replaced)
        exfat_name_added(exfat, r->to, r->new_name);
    else if (r->replaced->directory)
        changes_add_name(exfat->changes, r->replaced->attributes.cluster, "", 0);
    exfat_name_removed(exfat, r->from, r->old_name);
    changes_remove_name(exfat->changes, r->node->attributes.cluster, "", 0);
    status = set_make(r);
    if (!status)
        status = sets_change(r, operation);
    if (!status)
        status = exfat_directory_store(operation, r->to);
    if (!status && r->from != r->to)
        status = exfat_directory_store(operation, r->from);
    if (!status)
        status = names_change(r);
    if (status && r->replaced)
        exfat_unlink_cancel(r->replaced);
    return status;
}

/* Gives the nodes in memory their new places. */
static void nodes_change(struct rename *r)
{
    if (r->replaced)
        exfat_unlink_finish(r->exfat, r->replaced_vnode);

    /* The entries of the old sets are unused, except those that the new one has taken. */
    unsigned own = r->node->place.entries, other = r->replaced ? r->replaced->place.entries : 0;
    unsigned taken = r->in_place ? r->entries : 0;
    exfat_slots_leave(r->exfat, r->from, r->replaced ? own : own - taken);
    exfat_slots_leave(r->exfat, r->to, r->replaced ? other - taken : 0);

    spin_lock(&r->exfat->lock);
    r->node->place = r->place;
    spin_unlock(&r->exfat->lock);
    if (r->place.address != r->id)
        vnode_set_id(r->vnode, r->place.address);
}

/* Runs the operation, with the indexes of both directories. */
static status_t rename_run(struct rename *r)
{
    struct exfat_operation operation;
    status_t status = exfat_names_get(r->exfat, r->from, &r->from_names);
    if (status)
        return status;
    status = exfat_names_get(r->exfat, r->to, &r->to_names);
    if (!status) {
        status = exfat_begin(r->exfat, &operation);
        if (!status) {
            status = rename_within(r, &operation);
            if (!status)
                nodes_change(r);
            status = exfat_end(&operation, status);
        }
        name_index_put(r->to_names);
    }
    name_index_put(r->from_names);
    return status;
}

status_t exfat_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                      struct vnode *node, struct vnode *to, struct element new_name,
                      struct vnode *replaced)
{
    struct rename *r = mem_zalloc(sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->exfat = exfat_of(fsd);
    r->from = from->private_data;
    r->to = to->private_data;
    r->node = node->private_data;
    r->vnode = node;
    r->replaced_vnode = replaced;
    r->replaced = replaced ? replaced->private_data : NULL;
    r->id = node->id;
    r->replaced_id = replaced ? replaced->id : VNODE_NONE;
    r->old_name = old_name;
    r->new_name = new_name;

    status_t status = wide_name_parse(new_name, &r->name);
    if (!status)
        status = rename_run(r);
    mem_free(r);
    return status;
}
