/*
 * test_cdfs.c - fs/cdfs over every image that tests/images/builder.py makes, and a few by
 * genisoimage and xorriso: whole, with failing reads and allocations, with forged ids, with bytes
 * changed. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "kernel/vfs/internal.h"
#include "lib/hash.h"
#include "lib/utf8.h"
#include "tests/host/rig.h"

enum { IMAGES_MAX = 100, NODES_MAX = 4000, CONTENT_MAX = 1 << 20, SECTOR = 2048 };

struct image {
    char path[512];
    uint8_t *bytes;
    size_t length;
    bool refused, hostile; /* as the builder expects */
};

static struct image images[IMAGES_MAX];
static unsigned image_count;

/* A node as a walk saw it. */
struct seen {
    vnode_id_t id;
    uint64_t name, place, size, digest; /* hashes: of its name, of its directory's place */
    enum node_type type;
    status_t status;                    /* why its content or listing could not be had whole */
};

struct walk {
    struct fsd *fsd;
    struct path *mounted;
    struct seen nodes[NODES_MAX];
    unsigned count, next; /* directories before `next` were entered */
    uint64_t aliases[NODES_MAX];
    unsigned alias_count;
};

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
        for (ssize_t i = 0; i < got; i++) /* however the reads are cut */
            node->digest = (node->digest ^ buffer[i]) * 0x100000001b3u;
    }
    if (!node->status && done < CONTENT_MAX)
        kassert(done == node->size && file_size(file) == done);
    file_close(file);
}

static void see_node(struct walk *walk, struct seen *node)
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

/* Is the directory's content another's that was entered already? */
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
    kassert(status ? status != -ENOENT : id == entry->id); /* what is listed is found */
    struct seen *node = &walk->nodes[walk->count++];
    *node = (struct seen){ .id = entry->id, .name = hash_of(entry->name, length),
                           .place = parent->place * 31 + parent->name };
    see_node(walk, node);
    kassert(entry->type == NODE_NONE || node->status || entry->type == node->type);
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
        while ((got = dir_read(file, &entry)) > 0)
            see_entry(walk, node, vnode, &entry);
        file_close(file);
    }
    node->status = got;
    vnode_put(vnode);
}

static void walk_all(struct walk *walk)
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

static status_t mount_with(struct walk *walk, const char *options)
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

static void unmount(struct walk *walk)
{
    struct path *root = path_root();
    path_put(walk->mounted);
    kassert(vfs_unmount(root, "/m") == 0);
    path_put(root);
}

static struct faulty *begin(const struct image *image)
{
    rig_start();
    rig_mkdir("/m");
    return faulty_create(0, image->bytes, image->length / 512 * 512, faulty_limits(),
                         FAULTY_MIXED);
}

static void end(struct faulty *faulty)
{
    faulty_destroy(faulty);
    rig_stop();
}

static struct walk walk, again; /* large */

/* ---- whole images ------------------------------------------------------------------------- */

static unsigned manifest_lines(const struct image *image)
{
    char path[600];
    size_t bytes;
    unsigned lines = 0;
    snprintf(path, sizeof(path), "%.*s.manifest", (int)strlen(image->path) - 4, image->path);
    uint8_t *text = rig_load(path, &bytes);
    for (size_t i = 0; text && i < bytes; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

static void whole_body(void *argument)
{
    const struct image *image = argument;
    struct faulty *faulty = begin(image);
    status_t status = mount_with(&walk, NULL);
    if ((status != 0) != image->refused)
        panic("%s: %s", image->path, status_name(status));
    if (!status) {
        walk_all(&walk);
        unsigned lines = manifest_lines(image);
        if (lines && !image->hostile && lines != walk.count - 1)
            panic("%s: %u nodes, not %u", image->path, walk.count - 1, lines);
        for (unsigned i = walk.count; i-- > 1;) { /* by id alone, the other way round */
            struct seen node = { .id = walk.nodes[i].id };
            rig_evict();
            see_node(&walk, &node);
            kassert(node.type == walk.nodes[i].type && node.size == walk.nodes[i].size);
            kassert(node.digest == walk.nodes[i].digest);
            for (unsigned j = 0; j < i; j++)
                kassert(walk.nodes[j].id != walk.nodes[i].id);
        }
        unmount(&walk);
    }
    end(faulty);
}

static void test_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < image_count; i++)
        rig_run(whole_body, &images[i], 2);
}

/* ---- forged ids --------------------------------------------------------------------------- */

static vnode_id_t forge(const struct image *image)
{
    const struct seen *node = &walk.nodes[rig_random() % walk.count];
    switch (rig_random() % 5) {
    case 0: return node->id + rig_random() % 128 - 64;
    case 1: return node->id ^ (vnode_id_t)1 << rig_random() % 64;
    case 2: return rig_random() % image->length;
    case 3: return (vnode_id_t)walk.fsd->private_data ^ rig_random();
    default: return (rig_random() % image->length) | (node->id & 3ull << 62);
    }
}

static void forged_body(void *argument)
{
    struct image *image = argument;
    struct faulty *faulty = begin(image);
    if (!mount_with(&walk, NULL)) {
        walk_all(&walk);
        for (unsigned i = 0; i < 300; i++) {
            struct seen node = { .id = forge(image) };
            struct file *file;
            see_node(&walk, &node);
            if (!file_open_id(walk.mounted, node.id, OPEN_DIRECTORY, &file)) {
                static struct dir_entry entry;
                for (unsigned n = 0; n < 1000 && dir_read(file, &entry) > 0; n++)
                    ;
                file_close(file);
            }
        }
        unmount(&walk);
    }
    end(faulty);
}

static void test_forged(void **state)
{
    (void)state;
    for (unsigned i = 0; i < image_count; i++)
        rig_run(forged_body, &images[i], 6);
}

/* ---- failures ----------------------------------------------------------------------------- */

/* Whatever this walk saw whole is what the good one saw; a name that the good one did not see
 * stands only in a directory that says it is not whole. */
static void compare(const struct image *image)
{
    for (unsigned i = 0; i < again.count; i++) {
        const struct seen *node = &again.nodes[i];
        const struct seen *good = NULL;
        for (unsigned j = 0; j < walk.count && !good; j++)
            if (walk.nodes[j].id == node->id && walk.nodes[j].place == node->place)
                good = &walk.nodes[j];
        if (node->status || (good && good->status == node->status && good->type == node->type &&
                             good->size == node->size && good->digest == node->digest))
            continue;
        panic("%s: node %llx differs", image->path, (unsigned long long)node->id);
    }
    bool whole = true;
    for (unsigned i = 0; i < again.count; i++)
        whole = whole && !again.nodes[i].status;
    kassert(!whole || again.count == walk.count);
}

static bool mount_again(void)
{
    struct fs_info good, now;
    static char type[32];
    if (!walk.count) {
        kassert(mount_with(&again, NULL) == 0);
        walk = again;
        walk_all(&walk);
        kassert(walk.fsd->ops->get_fs_info(walk.fsd, &good) == 0);
        strcpy(type, good.type);
        unmount(&walk);
        rig_evict();
    }
    if (mount_with(&again, NULL))
        return false;
    kassert(again.fsd->ops->get_fs_info(again.fsd, &now) == 0);
    bool same = strcmp(type, now.type) == 0; /* another name tree is another list of names */
    if (!same)
        unmount(&again);
    return same;
}

static void nth_read_body(void *argument)
{
    struct image *image = argument;
    struct faulty *faulty = begin(image);
    walk.count = 0;
    kassert(mount_again());
    unmount(&again);
    rig_evict();
    faulty->scribbles = true;
    for (unsigned long n = 1;; n++) {
        faulty->fail_nth = n;
        if (mount_again()) {
            walk_all(&again);
            compare(image);
            unmount(&again);
        }
        rig_evict();
        if (faulty->fail_nth)
            break; /* it did not come to that read */
    }
    faulty->fail_nth = 0;
    for (uint64_t at = 16; at < image->length / SECTOR; at++) { /* a bad sector, each in turn */
        faulty->bad_from = at * SECTOR;
        faulty->bad_to = faulty->bad_from + SECTOR;
        if (mount_again()) {
            walk_all(&again);
            compare(image);
            unmount(&again);
        }
        rig_evict();
    }
    end(faulty);
}

static bool is_small(const struct image *image)
{
    return !image->refused && image->length < 200000;
}

static void test_bad_reads(void **state)
{
    (void)state;
    for (unsigned i = 0; i < image_count; i++)
        if (is_small(&images[i]))
            rig_run(nth_read_body, &images[i], 1);
}

static void nth_allocation_body(void *argument)
{
    struct image *image = argument;
    struct faulty *faulty = begin(image);
    bool more = true;
    walk.count = 0;
    kassert(mount_again());
    unmount(&again);
    for (unsigned long n = 1; more; n += 1 + n / 40) {
        rig_evict();
        host_fail_nth_allocation(n);
        status_t status = mount_with(&again, NULL);
        kassert(!status || status == -ENOMEM);
        if (!status)
            walk_all(&again);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        if (!status) {
            compare(image);
            unmount(&again);
        }
    }
    end(faulty);
}

static void test_allocations(void **state)
{
    (void)state;
    for (unsigned i = 0; i < image_count; i++)
        if (is_small(&images[i]))
            rig_run(nth_allocation_body, &images[i], 1);
}

/* ---- changed bytes ------------------------------------------------------------------------ */

static void mutate(uint8_t *bytes, size_t length)
{
    static const uint8_t favourites[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 34, ';', '.', '/' };
    for (uint64_t n = 1 + rig_random() % 12; n; n--) {
        size_t at = 16 * SECTOR + rig_random() % (length - 16 * SECTOR);
        if (rig_random() % 3) { /* most of it in the first bytes of a sector, or descriptors */
            at = at / SECTOR * SECTOR + rig_random() % 400;
            at = at < length ? at : 16 * SECTOR;
        }
        bytes[at] = rig_random() % 2 ? favourites[rig_random() % sizeof(favourites)]
                                     : (uint8_t)(bytes[at] ^ 1u << rig_random() % 8);
    }
}

static void hostile_body(void *argument)
{
    (void)argument;
    struct image *image;
    do
        image = &images[rig_random() % image_count];
    while (image->refused);
    struct image changed = *image;
    changed.bytes = malloc(image->length);
    memcpy(changed.bytes, image->bytes, image->length);
    struct faulty *faulty = begin(&changed);
    for (unsigned i = 0; i < 5; i++) {
        mutate(changed.bytes, changed.length);
        if (!mount_with(&again, NULL)) {
            walk_all(&again);
            unmount(&again);
        }
        rig_evict();
    }
    end(faulty);
    free(changed.bytes);
}

static void test_hostile(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 400); i++)
        rig_run(hostile_body, NULL, 400);
}

/* ---- options and names -------------------------------------------------------------------- */

static struct image *image_named(const char *name)
{
    for (unsigned i = 0; i < image_count; i++)
        if (strstr(images[i].path, name))
            return &images[i];
    panic("no image %s", name);
}

static const struct {
    const char *image, *options;
    status_t status;
    const char *type;
} choices[] = {
    { "rock_ridge_everything", "", 0, "cdfs, Rock Ridge" },
    { "rock_ridge_everything", "names=rr", 0, "cdfs, Rock Ridge" },
    { "rock_ridge_everything", "names=iso", 0, "cdfs, plain" },
    { "rock_ridge_everything", "names=joliet", -ENOENT, NULL },
    { "rock_ridge_everything", "names=", -EINVAL, NULL },
    { "rock_ridge_everything", "nonsense", -EINVAL, NULL },
    { "joliet_only", "", 0, "cdfs, Joliet" },
    { "joliet_only", "names=joliet", 0, "cdfs, Joliet" },
    { "joliet_only", "names=iso", 0, "cdfs, plain" },
    { "joliet_only", "names=rr", -ENOENT, NULL },
    { "no_rock_ridge_versions", "", 0, "cdfs, plain" },
    { "all-trees", "", 0, "cdfs, Rock Ridge" },
    { "all-trees", "names=joliet", 0, "cdfs, Joliet" },
    { "all-trees", "names=iso", 0, "cdfs, plain" },
};

static void options_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        struct faulty *faulty = begin(image_named(choices[i].image));
        struct fs_info info;
        status_t status = mount_with(&walk, choices[i].options);
        if (status != choices[i].status)
            panic("%s, %s: %s", choices[i].image, choices[i].options, status_name(status));
        if (!status) {
            kassert(walk.fsd->ops->get_fs_info(walk.fsd, &info) == 0 && info.read_only);
            kassert(strcmp(info.type, choices[i].type) == 0);
            walk_all(&walk);
            kassert(walk.count > 1 || strcmp(choices[i].type, "cdfs, plain") == 0);
            unmount(&walk);
        }
        end(faulty);
    }
}

static void test_options(void **state)
{
    (void)state;
    rig_run(options_body, NULL, 2);
}

static const struct {
    const char *image, *name;
    status_t status;
} lookups[] = {
    { "no_rock_ridge_versions", "A", 0 },         { "no_rock_ridge_versions", "a", 0 },
    { "no_rock_ridge_versions", "D.TXT;1", 0 },   { "no_rock_ridge_versions", "d.txt;1", 0 },
    { "no_rock_ridge_versions", "D.TXT;2", -ENOENT },
    { "no_rock_ridge_versions", "C.", 0 },        { "no_rock_ridge_versions", "C.;1", 0 },
    { "no_rock_ridge_versions", "F;7", 0 },       { "no_rock_ridge_versions", "F;1", -ENOENT },
    { "no_rock_ridge_versions", "A;1", 0 },       { "no_rock_ridge_versions", "LOWER.TXT", 0 },
    { "no_rock_ridge_versions", ";1", -ENOENT },  { "no_rock_ridge_versions", "D", -ENOENT },
    { "rock_ridge_everything", "kept;1", 0 },     { "rock_ridge_everything", "kept", -ENOENT },
    { "rock_ridge_everything", "access;1", -ENOENT },
    { "rock_ridge_everything", "ACCESS", 0 },     { "rock_ridge_everything", "dot", -ENOENT },
    { "rock_ridge_everything", "Ü"  "MLÄUT", 0 }, { "joliet_only", "ÉTÉ.TXT", 0 },
    { "joliet_only", "a LONG name with blanks.text", 0 },
};

static void lookups_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
        struct faulty *faulty = begin(image_named(lookups[i].image));
        char path[128];
        kassert(mount_with(&walk, NULL) == 0);
        snprintf(path, sizeof(path), "/m/%s", lookups[i].name);
        status_t status = rig_walk(path);
        if (status != lookups[i].status)
            panic("%s: %s", path, status_name(status));
        unmount(&walk);
        end(faulty);
    }
}

static void test_lookups(void **state)
{
    (void)state;
    rig_run(lookups_body, NULL, 1);
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

int main(void)
{
    char path[512];
    log_set_level(LOG_ERROR);
    while (rig_image(image_count, path, sizeof(path)))
        image_add(path);
    rig_make_images(image_add);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_options),
        cmocka_unit_test(test_lookups),   cmocka_unit_test(test_forged),
        cmocka_unit_test(test_bad_reads), cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_hostile),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    while (image_count)
        free(images[--image_count].bytes);
    return failed;
}
