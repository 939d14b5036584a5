/*
 * directory.c - the slots that look up and list names, all through the directory's index.
 */
#include "fs/fat/fat.h"

status_t fat_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                    vnode_id_t *id)
{
    struct name_index *index;
    status_t status = fat_index_get(fat_of(fsd), directory->private_data, &index);
    return status ? status : name_index_lookup(index, element, id);
}

status_t fat_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                            unsigned levels, struct node_info *info)
{
    struct name_index *index;
    status_t status = fat_index_get(fat_of(fsd), directory->private_data, &index);
    return status ? status : name_index_child_info(index, element, levels, info);
}

size_t fat_actual_name(struct fsd *fsd, struct vnode *directory, struct element element,
                       char *name)
{
    struct name_index *index;
    if (fat_index_get(fat_of(fsd), directory->private_data, &index))
        return 0;
    return name_index_actual_name(index, element, name);
}

status_t fat_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor)
{
    struct name_index *index;
    status_t status = fat_index_get(fat_of(fsd), directory->private_data, &index);
    return status ? status : name_index_open_dir(index, cursor);
}
