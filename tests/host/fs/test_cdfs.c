/*
 * test_cdfs.c - promise: fs/cdfs shows each image of tests/images/builder.py, and a few by
 * genisoimage and xorriso, as it was written; failing reads, lack of memory, forged ids and changed
 * bytes cause errors, but never a crash, a leak or an endless loop. Runs on both back ends.
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
#include "lib/hash.h"
#include "lib/macros.h"
#include "tests/host/disc.h"

enum { SECTOR = 2048 };

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
    struct faulty *faulty = disc_begin(image);
    status_t status = disc_mount(&walk, NULL);
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
        disc_unmount(&walk);
    }
    disc_end(faulty);
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
    struct faulty *faulty = disc_begin(image);
    if (!disc_mount(&walk, NULL)) {
        walk_all(&walk);
        for (unsigned i = 0; i < 300; i++) {
            struct seen node = { .id = forge(image) };
            struct file *file;
            see_node(&walk, &node);
            if (!file_open_id(walk.mounted, node.id, OPEN_DIRECTORY, &file)) {
                static struct dir_entry entry;
                for (unsigned n = 0; n < 1000 && dir_read(file, INFO_NONE, &entry) > 0; n++)
                    ;
                file_close(file);
            }
        }
        disc_unmount(&walk);
    }
    disc_end(faulty);
}

/* C14. */
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
        kassert(disc_mount(&again, NULL) == 0);
        walk = again;
        walk_all(&walk);
        kassert(walk.fsd->ops->get_fs_info(walk.fsd, &good) == 0);
        strcpy(type, good.type);
        disc_unmount(&walk);
        rig_evict();
    }
    if (disc_mount(&again, NULL))
        return false;
    kassert(again.fsd->ops->get_fs_info(again.fsd, &now) == 0);
    bool same = strcmp(type, now.type) == 0; /* another name tree is another list of names */
    if (!same)
        disc_unmount(&again);
    return same;
}

/* Answered at once, by another thread, or now so, now so: the same disc. */
static void manners_body(void *argument)
{
    struct image *image = argument;
    struct faulty *faulty = disc_begin(image);
    walk.count = 0;
    for (enum faulty_manner manner = FAULTY_SYNC; manner <= FAULTY_MIXED; manner++) {
        faulty->manner = manner;
        kassert(mount_again());
        walk_all(&again);
        compare(image);
        kassert(again.count == walk.count);
        for (unsigned i = 0; i < again.count; i++)
            kassert(again.nodes[i].status == walk.nodes[i].status);
        disc_unmount(&again);
        rig_evict();
    }
    disc_end(faulty);
}

/* C16, CB14. */
static void test_manners(void **state)
{
    (void)state;
    for (unsigned i = 0; i < image_count; i++)
        if (!images[i].refused)
            rig_run(manners_body, &images[i], 1);
}

static void nth_read_body(void *argument)
{
    struct image *image = argument;
    struct faulty *faulty = disc_begin(image);
    walk.count = 0;
    kassert(mount_again());
    disc_unmount(&again);
    rig_evict();
    faulty->scribbles = true;
    for (unsigned long n = 1;; n++) {
        faulty->fail_nth = n;
        if (mount_again()) {
            walk_all(&again);
            compare(image);
            disc_unmount(&again);
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
            disc_unmount(&again);
        }
        rig_evict();
    }
    disc_end(faulty);
}

static bool is_small(const struct image *image)
{
    return !image->refused && image->length < 200000;
}

/* CB2, CB13. */
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
    struct faulty *faulty = disc_begin(image);
    bool more = true;
    walk.count = 0;
    kassert(mount_again());
    disc_unmount(&again);
    for (unsigned long n = 1; more; n += 1 + n / 40) {
        rig_evict();
        host_fail_nth_allocation(n);
        status_t status = disc_mount(&again, NULL);
        kassert(!status || status == -ENOMEM);
        if (!status)
            walk_all(&again);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        if (!status) {
            compare(image);
            disc_unmount(&again);
        }
    }
    disc_end(faulty);
}

/* CB3, CB4. */
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
    struct faulty *faulty = disc_begin(&changed);
    for (unsigned i = 0; i < 5; i++) {
        mutate(changed.bytes, changed.length);
        if (!disc_mount(&again, NULL)) {
            walk_all(&again);
            disc_unmount(&again);
        }
        rig_evict();
    }
    disc_end(faulty);
    free(changed.bytes);
}

/* C3. */
static void test_hostile(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 400); i++)
        rig_run(hostile_body, NULL, 400);
}

/* ---- options and names -------------------------------------------------------------------- */

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
    { "joliet_only", "names=enhanced", -ENOENT, NULL },
    { "joliet_only", "charset=cp437", 0, "cdfs, Joliet" },
    { "joliet_only", "charset=klingon", -EINVAL, NULL },
    { "joliet_only", "charset=", -EINVAL, NULL },
    { "no_rock_ridge_versions", "", 0, "cdfs, plain" },
    { "all-trees", "", 0, "cdfs, Rock Ridge" },
    { "all-trees", "names=joliet", 0, "cdfs, Joliet" },
    { "all-trees", "names=iso", 0, "cdfs, plain" },
};

static void options_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(choices); i++) {
        struct faulty *faulty = disc_begin(image_named(choices[i].image));
        struct fs_info info;
        status_t status = disc_mount(&walk, choices[i].options);
        if (status != choices[i].status)
            panic("%s, %s: %s", choices[i].image, choices[i].options, status_name(status));
        if (!status) {
            kassert(walk.fsd->ops->get_fs_info(walk.fsd, &info) == 0 && info.read_only);
            kassert(strcmp(info.type, choices[i].type) == 0);
            walk_all(&walk);
            kassert(walk.count > 1 || strcmp(choices[i].type, "cdfs, plain") == 0);
            disc_unmount(&walk);
        }
        disc_end(faulty);
    }
}

static void test_options(void **state)
{
    (void)state;
    rig_run(options_body, NULL, 2);
}

/* ---- the trees of one disc ---------------------------------------------------------------- */

/* The contents that a tree shows, whatever their names and order. */
static uint64_t contents_of(const struct walk *tree)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < tree->count; i++) {
        const struct seen *node = &tree->nodes[i];
        kassert(node->status == 0);
        if (node->type == NODE_FILE && node->size) /* plain trees show links as empty files */
            sum += hash_u64(node->digest ^ hash_u64(node->size));
    }
    return sum;
}

static const struct written {
    const char *image;
    unsigned trees;
} writings[] = { { "all-trees.iso", 3 }, { "xorriso.iso", 2 }, { "joliet.iso", 3 } };

static void trees_body(void *argument)
{
    static const char *const options[] = { "names=iso", "names=rr", "names=joliet" };
    const struct written *written = argument;
    struct faulty *faulty = disc_begin(image_named(written->image));
    uint64_t first = 0;
    unsigned trees = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (disc_mount(&walk, options[i]))
            continue;
        walk_all(&walk);
        uint64_t contents = contents_of(&walk);
        if (!trees++)
            first = contents;
        kassert(walk.count > 100 && contents == first);
        disc_unmount(&walk);
    }
    kassert(trees == written->trees);
    disc_end(faulty);
}

static void test_trees_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(writings); i++)
        rig_run(trees_body, (void *)(uintptr_t)&writings[i], 2);
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
    for (size_t i = 0; i < ARRAY_LENGTH(lookups); i++) {
        struct faulty *faulty = disc_begin(image_named(lookups[i].image));
        char path[128];
        kassert(disc_mount(&walk, NULL) == 0);
        snprintf(path, sizeof(path), "/m/%s", lookups[i].name);
        status_t status = rig_walk(path);
        if (status != lookups[i].status)
            panic("%s: %s", path, status_name(status));
        disc_unmount(&walk);
        disc_end(faulty);
    }
}

/* C11, CB19. */
static void test_lookups(void **state)
{
    (void)state;
    rig_run(lookups_body, NULL, 1);
}

/* C4: each mount is logged, with the file system and the volume. */
static void logged_body(void *unused)
{
    (void)unused;
    static char text[4096];
    uint64_t position = 0;
    while (log_read(&position, text, sizeof(text) - 1) > 0)
        ;
    struct faulty *faulty = disc_begin(image_named("joliet_only"));
    kassert(disc_mount(&walk, NULL) == 0);
    size_t bytes = log_read(&position, text, sizeof(text) - 1);
    text[bytes] = '\0';
    if (!strstr(text, "vfs: /m: cdfs, Joliet, volume \"") || !strstr(text, "\", from disk0\n"))
        panic("the log says: %s", text);
    disc_unmount(&walk);
    disc_end(faulty);
}

/* C4. */
static void test_mounts_are_logged(void **state)
{
    (void)state;
    rig_run(logged_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    images_load();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_options),
        cmocka_unit_test(test_lookups),   cmocka_unit_test(test_forged),
        cmocka_unit_test(test_bad_reads), cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_hostile),   cmocka_unit_test(test_manners),
        cmocka_unit_test(test_trees_agree), cmocka_unit_test(test_mounts_are_logged),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    images_free();
    return failed;
}
