/*
 * change.c - creating and removing names. Each change is one operation of
 * kernel/vfs/layout/changes.h and one change of the directory's index, which comes last, since it
 * cannot be undone.
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- what all changes need ----------------------------------------------------------------- */

status_t exfat_names_get(struct exfat *exfat, struct exfat_node *directory,
                         struct name_index **index)
{
    status_t status = exfat_index_get(exfat, directory, index);
    if (status)
        return status;

    /* A name that could not be read may be the one that is to be created. */
    status = name_index_status(*index);
    if (!status && directory->damaged)
        status = -EUCLEAN;
    if (!status && directory->release)
        status = -ENOENT;
    if (status)
        name_index_put(*index);
    return status;
}

status_t exfat_directory_store(struct exfat_operation *operation, struct exfat_node *directory)
{
    struct exfat *exfat = operation->exfat;
    struct exfat_attributes attributes = exfat_node_attributes(exfat, directory);
    int64_t now = time_wall_s();
    if (directory->root)
        return 0;
    if (exfat_time_fits(now)) {
        attributes.has_modified = true;
        attributes.modified_s = now;
    }

    /* The node itself follows when the operation has succeeded. */
    if (operation->grown == directory) {
        attributes.consecutive = operation->grown_consecutive;
        attributes.size_bytes = attributes.valid_bytes = operation->grown_runs.length_bytes;
    }
    status_t status = exfat_node_store(exfat, directory, &attributes);
    if (!status) {
        spin_lock(&exfat->lock);
        directory->attributes.has_modified = attributes.has_modified;
        directory->attributes.modified_s = attributes.modified_s;
        spin_unlock(&exfat->lock);
    }
    return status;
}

/* A name that was removed may still be on the medium: it is there again only when it is gone. */
void exfat_name_added(struct exfat *exfat, const struct exfat_node *directory,
                      struct element element)
{
    changes_add_name(exfat->changes, directory->attributes.cluster, element.name, element.length);
}

/* Until then the directory may contain it, and must not be replaced: it has a name "" as well,
 * which the rename over it adds. */
void exfat_name_removed(struct exfat *exfat, const struct exfat_node *directory,
                        struct element element)
{
    uint32_t cluster = directory->attributes.cluster;
    changes_remove_name(exfat->changes, cluster, element.name, element.length);
    changes_remove_name(exfat->changes, cluster, "", 0);
}

/* ---- creating ----------------------------------------------------------------------------- */

/* A set that is being made. On the heap: too large for a stack. */
struct making {
    struct wide_name name;
    uint8_t set[EXFAT_SET_ENTRIES_MAX * EXFAT_ENTRY_BYTES];
    struct exfat_attributes attributes;
    struct exfat_place place;
};

static void attributes_begin(struct exfat_attributes *attributes, unsigned kind)
{
    int64_t now = time_wall_s();
    *attributes = (struct exfat_attributes){ .attributes = (uint16_t)kind };

    /* Every set has times. The first one that the format has means that the clock is not set. */
    if (!exfat_time_fits(now))
        now = EXFAT_TIME_FIRST;
    attributes->has_created = attributes->has_modified = attributes->has_accessed = true;
    attributes->created_s = attributes->modified_s = attributes->accessed_s = now;
}

/* Allocates what the node needs, writes its set, and adds it to the index. */
static status_t make(struct exfat_operation *operation, struct exfat_node *directory,
                     struct name_index *index, struct element element, struct making *m)
{
    struct exfat *exfat = operation->exfat;
    status_t status = 0;
    if (m->attributes.attributes & EXFAT_DIRECTORY) {
        /* An empty directory has a cluster, which is consecutive by itself. */
        status = exfat_new_directory(operation, &m->attributes.cluster);
        m->attributes.consecutive = true;
        m->attributes.size_bytes = m->attributes.valid_bytes = exfat->geometry.cluster_bytes;
    }
    unsigned entries = exfat_set_entries(&m->name);
    if (!status)
        status = exfat_slots_find(operation, directory, entries, &m->place);
    if (status)
        return status;

    exfat_set_name(exfat, &m->name, m->set);
    exfat_set_patch(exfat, &m->attributes, m->set, entries);
    status = exfat_place_write(exfat, &m->place, m->set);
    if (!status)
        status = exfat_directory_store(operation, directory);
    exfat_name_added(exfat, directory, element);

    struct name_entry entry = {
        .id = m->place.address,
        .details = &m->attributes,
        .name = element.name,
        .name_bytes = (uint16_t)element.length,
    };
    return status ? status : name_index_insert(index, &entry);
}

static status_t node_create(struct fsd *fsd, struct vnode *vnode, struct element element,
                            unsigned kind, vnode_id_t *id)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_node *directory = vnode->private_data;
    struct name_index *index;
    struct making *m = mem_zalloc(sizeof(*m));
    if (!m)
        return -ENOMEM;

    attributes_begin(&m->attributes, kind);
    status_t status = wide_name_parse(element, &m->name);
    if (!status)
        status = exfat_names_get(exfat, directory, &index);
    if (status) {
        mem_free(m);
        return status;
    }

    struct exfat_operation operation;
    struct name_found found;
    status = exfat_begin(exfat, &operation);
    if (!status) {
        /* Only now can no other thread create or remove it. */
        if (directory->release)
            status = -ENOENT;
        else if (name_index_find(index, element.name, element.length, &found))
            status = -EEXIST;
        else
            status = make(&operation, directory, index, element, m);
        status = exfat_end(&operation, status);
    }
    name_index_put(index);
    if (!status)
        *id = m->place.address;
    mem_free(m);
    return status;
}

status_t exfat_create(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id)
{
    return node_create(fsd, directory, element, EXFAT_ARCHIVE, id);
}

status_t exfat_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id)
{
    return node_create(fsd, directory, element, EXFAT_DIRECTORY, id);
}

/* ---- removing ----------------------------------------------------------------------------- */

/* Returns whether a directory has no names, and that is certain. */
static status_t check_empty(struct exfat *exfat, struct exfat_node *directory)
{
    struct name_index *index;
    status_t status = exfat_names_get(exfat, directory, &index);
    if (status)
        return status;
    status = name_index_count(index) ? -ENOTEMPTY : 0;
    name_index_put(index);
    return status;
}

status_t exfat_unlink_prepare(struct exfat *exfat, struct exfat_node *node)
{
    /* another thread may have removed it, and the name may be another node's with this id */
    if (node->release)
        return -ENOENT;

    /* Its clusters are released by put_vnode, which can neither fail nor read. */
    status_t status = exfat_node_read_chain(exfat, node);
    if (!status && node->directory)
        status = check_empty(exfat, node);
    if (status)
        return status;
    node->release = mem_zalloc(sizeof(*node->release));
    return node->release ? 0 : -ENOMEM;
}

void exfat_unlink_cancel(struct exfat_node *node)
{
    mem_free(node->release);
    node->release = NULL;
}

void exfat_unlink_finish(struct exfat *exfat, struct vnode *vnode)
{
    struct exfat_node *node = vnode->private_data;
    vnode_unlinked(vnode);

    spin_lock(&exfat->lock);
    node->id = vnode->id;
    list_push_back(&exfat->unlinked, &node->unlinked_link);
    spin_unlock(&exfat->lock);
}

static status_t remove_name(struct exfat_operation *operation, struct exfat_node *directory,
                            struct name_index *index, struct element element, struct vnode *vnode)
{
    struct exfat *exfat = operation->exfat;
    struct exfat_node *node = vnode->private_data;
    struct name_found found;
    if (!name_index_find(index, element.name, element.length, &found) || found.id != vnode->id)
        return -ENOENT;
    status_t status = exfat_unlink_prepare(exfat, node);
    if (status)
        return status;

    operation->directory = directory;
    exfat_name_removed(exfat, directory, element);
    status = exfat_place_clear(exfat, &node->place, 0, CHANGE_UNLINK);
    if (!status)
        status = exfat_directory_store(operation, directory);
    if (status) {
        exfat_unlink_cancel(node);
        return status;
    }

    exfat_unlink_finish(exfat, vnode);
    exfat_slots_leave(exfat, directory, node->place.entries);
    (void)name_index_remove(index, element.name, element.length, vnode->id);
    return 0;
}

status_t exfat_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                      struct vnode *vnode)
{
    struct exfat *exfat = exfat_of(fsd);
    struct exfat_operation operation;
    struct name_index *index;
    status_t status = exfat_names_get(exfat, directory->private_data, &index);
    if (status)
        return status;
    status = exfat_begin(exfat, &operation);
    if (!status)
        status = exfat_end(&operation, remove_name(&operation, directory->private_data, index,
                                                   element, vnode));
    name_index_put(index);
    return status;
}
