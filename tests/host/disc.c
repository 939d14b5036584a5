/*
 * disc.c - images, and a walk over every node of a disc: see disc.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/disc.h"
#include "lib/hash.h"
#include "lib/utf8.h"

enum { IMAGES_MAX = 100, CONTENT_MAX = 1 << 20 };

struct image images[IMAGES_MAX];
unsigned image_count;

/* ---- walking ------------------------------------------------------------------------------ */

static uint64_t hash_of(const void *data, size_t bytes)
{
    return hash_bytes(data, bytes, 1);
}

static void see_content(struct walk *walk, struct seen *node)
{
    static uint8_t buffer[5000];
    struct file *file;
    uint64_t done = 0;
    node->status = file_open_id(walk->mounted, node->id, OPEN_READ, &file);
    if (node->status)
        return;
    for (ssize_t got; done < CONTENT_MAX; done += (uint64_t)got) {
        got = file_read(file, buffer, sizeof(buffer));
        if (got < 0)
            node->status = (status_t)got;
        if (got <= 0)
            break;

        /* Byte by byte, so that the digest does not depend on how reads are divided. */
        for (ssize_t i = 0; i < got; i++)
            node->digest = (node->digest ^ buffer[i]) * 0x100000001b3u;
    }
    if (!node->status && done < CONTENT_MAX)
        kassert(done == node->size && file_size(file) == done);
    file_close(file);
}

void see_node(struct walk *walk, struct seen *node)
{
    struct vnode *vnode;
    struct node_info info = { 0 };
    node->digest = 1;
    node->status = vnode_get(walk->fsd, node->id, &vnode);
    if (node->status)
        return;
    kassert(walk->fsd->ops->get_info(walk->fsd, vnode, INFO_STANDARD, &info) == 0);
    node->type = vnode->type;
    node->size = info.size_bytes;
    if (vnode->type == NODE_FILE) {
        see_content(walk, node);
    } else if (vnode->type == NODE_LINK) {
        static char target[PATH_BYTES_MAX + 1];
        ssize_t length = walk->fsd->ops->read_link(walk->fsd, vnode, target, sizeof(target));
        kassert(length >= 0 && strlen(target) == (size_t)length);
        node->digest = hash_of(target, (size_t)length);
    }
    vnode_put(vnode);
}

/* Returns false if a directory with the same content was entered before: hostile discs have
 * loops. */
static bool alias_is_new(struct walk *walk, struct vnode *vnode)
{
    struct node_info info = { 0 };
    kassert(walk->fsd->ops->get_info(walk->fsd, vnode, INFO_ALIAS, &info) == 0);
    for (unsigned i = 0; i < walk->alias_count; i++)
        if (walk->aliases[i] == info.alias)
            return false;
    walk->aliases[walk->alias_count++] = info.alias;
    return true;
}

/* Checks that the listing, get_child_info() and the node itself agree. */
static void check_info(struct walk *walk, struct vnode *directory, const struct dir_entry *entry)
{
    struct vnode *vnode;
    struct node_info info = { .known = INFO_DIRENT, .id = entry->info.id }, child = { 0 };
    struct element name = { entry->name, strlen(entry->name) };
    if (vnode_get(walk->fsd, entry->info.id, &vnode))
        return;
    info.type = vnode->type;
    kassert(walk->fsd->ops->get_info(walk->fsd, vnode, INFO_ALL, &info) == 0);
    kassert(entry->info.type == NODE_NONE || entry->info.type == info.type);
    kassert(!entry->info.known || rig_info_equal(&entry->info, &info));
    status_t status =
        walk->fsd->ops->get_child_info(walk->fsd, directory, name, INFO_ALL, &child);
    kassert(!entry->info.known == (status == -EAGAIN));
    kassert(status || rig_info_equal(&child, &info));
    vnode_put(vnode);
}

static void see_entry(struct walk *walk, const struct seen *parent, struct vnode *directory,
                      const struct dir_entry *entry)
{
    size_t length = strlen(entry->name);
    vnode_id_t id = 0;
    if (walk->count == NODES_MAX)
        return;
    kassert(length > 0 && length <= NAME_BYTES_MAX && !strchr(entry->name, '/'));
    kassert(utf8_valid(entry->name, length));
    kassert(strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0);
    status_t status = walk->fsd->ops->lookup(walk->fsd, directory,
                                             (struct element){ entry->name, length }, &id);
    kassert(status ? status != -ENOENT : id == entry->info.id);

    struct seen *node = &walk->nodes[walk->count++];
    *node = (struct seen){ .id = entry->info.id, .name = hash_of(entry->name, length),
                           .place = parent->place * 31 + parent->name };
    see_node(walk, node);
    check_info(walk, directory, entry);
}

static void see_directory(struct walk *walk, struct seen *node)
{
    static struct dir_entry entry;
    struct file *file;
    struct vnode *vnode;
    status_t status = vnode_get(walk->fsd, node->id, &vnode);
    if (status) {
        node->status = status;
        return;
    }
    int got = alias_is_new(walk, vnode) ? file_open_id(walk->mounted, node->id, OPEN_DIRECTORY,
                                                       &file) : -ELOOP;
    if (!got) {
        while ((got = dir_read(file, INFO_ALL, &entry)) > 0)
            see_entry(walk, node, vnode, &entry);
        file_close(file);
    }
    node->status = got;
    vnode_put(vnode);
}

void walk_all(struct walk *walk)
{
    walk->count = 1;
    walk->alias_count = 0;
    walk->nodes[0] = (struct seen){ .id = VNODE_ROOT };
    see_node(walk, &walk->nodes[0]);
    for (walk->next = 0; walk->next < walk->count; walk->next++)
        if (walk->nodes[walk->next].type == NODE_DIRECTORY)
            see_directory(walk, &walk->nodes[walk->next]);
}

/* ---- mounting ----------------------------------------------------------------------------- */

status_t disc_mount(struct walk *walk, const char *options)
{
    struct path *root = path_root();
    status_t status = vfs_mount(root, "/m", "disk0", NULL, options);
    if (!status && (status = path_walk(root, "/m", 0, &walk->mounted)))
        kassert(vfs_unmount(root, "/m") == 0); /* an allocation failed, only once */
    if (!status)
        walk->fsd = path_fsd(walk->mounted);
    path_put(root);
    return status;
}

void disc_unmount(struct walk *walk)
{
    struct path *root = path_root();
    path_put(walk->mounted);
    kassert(vfs_unmount(root, "/m") == 0);
    path_put(root);
}

struct faulty *disc_begin(const struct image *image)
{
    rig_start();
    rig_mkdir("/m");
    return faulty_create(0, image->bytes, image->length / 512 * 512, faulty_limits(),
                         FAULTY_MIXED);
}

void disc_end(struct faulty *faulty)
{
    faulty_destroy(faulty);
    rig_stop();
}

/* ---- images ------------------------------------------------------------------------------- */

static void image_add(const char *path)
{
    char expect[600], word[16] = "";
    struct image *image = &images[image_count++];
    kassert(image_count < IMAGES_MAX);
    snprintf(image->path, sizeof(image->path), "%s", path);
    image->bytes = rig_load(path, &image->length);
    kassert(image->bytes != NULL);
    snprintf(expect, sizeof(expect), "%.*s.expect", (int)strlen(path) - 4, path);
    FILE *stream = fopen(expect, "r");
    if (stream) {
        kassert(fscanf(stream, "%15s", word) == 1);
        fclose(stream);
    }
    image->refused = strcmp(word, "refuse") == 0;
    image->hostile = word[0] != '\0';
}

void images_load(void)
{
    char path[512];
    while (rig_image(image_count, path, sizeof(path)))
        image_add(path);
    rig_make_images(image_add);
}

void images_free(void)
{
    while (image_count)
        free(images[--image_count].bytes);
}

struct image *image_named(const char *name)
{
    for (unsigned i = 0; i < image_count; i++)
        if (strstr(images[i].path, name))
            return &images[i];
    panic("no image %s", name);
}
