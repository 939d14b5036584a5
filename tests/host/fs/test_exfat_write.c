/*
 * test_exfat_write.c - promise: what is created, renamed, removed and written on an exFAT volume is
 * there after it was mounted again, as a model says, and fsck.exfat finds no fault; an operation
 * that fails changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/exfat/exfat.h"
#include "fs/exfat/tools/tools.h"
#include "kernel/log.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/writable.h"

#define MIB ((uint64_t)1 << 20)

/* ---- volumes ------------------------------------------------------------------------------ */

struct volume {
    uint64_t bytes;
    uint32_t sector_bytes, cluster_bytes;
    uint8_t *image;
    struct faulty *disk;
    struct fsd *fsd; /* while it is mounted at /m */
};

/* Has fsck.exfat read the image. */
static void volume_fsck(const struct volume *volume)
{
    kassert(host_run("fsck.exfat -n $V", volume->image, volume->bytes));
}

/* Formats an image in memory; the stack is started. */
static void volume_make(struct volume *volume)
{
    struct volume_format format = { .label = "A l\xc3\xa4" "bel",
                                    .cluster_bytes = volume->cluster_bytes };
    struct io_limits limits = faulty_limits();
    struct device_handle handle;
    volume->image = malloc(volume->bytes);
    kassert(volume->image);
    memset(volume->image, 0xa5, volume->bytes);
    rig_start();
    rig_mkdir("/m");
    limits.block_bytes = volume->sector_bytes;
    volume->disk = faulty_create(0, volume->image, volume->bytes, limits, FAULTY_MIXED);
    expect("open", device_open(volume->disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", exfat_format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);
}

static void volume_mount(struct volume *volume, bool writable)
{
    struct path *root = path_root(), *path;
    expect("mount", rig_mount("/m", "disk0"), 0);
    if (writable)
        expect("remount", vfs_remount(root, "/m", "rw"), 0);
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    volume->fsd = path->mount->fsd;
    path_put(path);
    path_put(root);
}

static void volume_end(struct volume *volume)
{
    faulty_destroy(volume->disk);
    rig_stop();
    volume_fsck(volume);
    free(volume->image);
}

/* ---- check -------------------------------------------------------------------------------- */

struct findings {
    struct check_report report;
    unsigned found, repaired;
    char text[2000]; /* of all */
};

static void take_finding(struct check_report *report, const char *text, bool repaired)
{
    struct findings *f = container_of(report, struct findings, report);
    f->found++;
    f->repaired += repaired;
    size_t length = strlen(f->text);
    snprintf(f->text + length, sizeof(f->text) - length, "%s\n", text);
}

static struct findings volume_check(const struct volume *volume, bool repair)
{
    struct findings f = { .report.found = take_finding };
    struct device_handle handle;
    expect("open", device_open(volume->disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("check", exfat_check(&handle, repair, &f.report), 0);
    device_release(&handle);
    device_close(&handle);
    return f;
}

/* Checks a volume without faults. */
static void volume_expect_good(const struct volume *volume)
{
    struct findings f = volume_check(volume, false);
    if (f.found)
        panic("check: %s", f.text);
}

/* ---- format ------------------------------------------------------------------------------- */

static struct volume volumes[] = {
    { .bytes = MIB, .sector_bytes = 512 },
    { .bytes = 3 * MIB + 512, .sector_bytes = 512, .cluster_bytes = 512 },
    { .bytes = 5 * MIB, .sector_bytes = 4096 },
    { .bytes = 63 * MIB, .sector_bytes = 512, .cluster_bytes = 1024 },
    { .bytes = 64 * MIB, .sector_bytes = 512 },
    { .bytes = 80 * MIB, .sector_bytes = 512, .cluster_bytes = 4 << 20 },
};

static void format_body(void *argument)
{
    struct volume *volume = argument;
    struct fs_info info;
    volume_make(volume);
    volume_expect_good(volume);
    volume_mount(volume, false);
    expect("info", fsd_get_usage(volume->fsd, &info), 0);
    kassert(!strcmp(info.volume_name, "A l\xc3\xa4" "bel") && info.free_bytes);
    kassert(info.free_bytes < info.total_bytes);
    writable_unmount();
    volume_end(volume);
}

static void test_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(volumes); i++)
        rig_run(format_body, &volumes[i], 1);

    /* Sizes that are not possible, and those of large volumes. */
    struct exfat_layout layout;
    assert_int_equal(exfat_layout_plan(MIB - 512, 512, 0, 5000, &layout), -ENOSPC);
    assert_int_equal(exfat_layout_plan(64 * MIB, 512, 3000, 5000, &layout), -EINVAL);
    assert_int_equal(exfat_layout_plan(64 * MIB, 4096, 512, 5000, &layout), -EINVAL);
    assert_int_equal(exfat_layout_plan(64 * MIB, 512, 64 << 20, 5000, &layout), -EINVAL);
    assert_int_equal(exfat_layout_plan(MIB << 20, 512, 0, 5000, &layout), 0);
    assert_int_equal(layout.cluster_shift, 8);
    assert_int_equal(exfat_layout_plan(MIB << 30, 512, 512, 5000, &layout), -EINVAL);
}

/* ---- files -------------------------------------------------------------------------------- */

static void conform_body(void *argument)
{
    static const struct writable fs = { .tree_files = 300, .folds = true };
    struct volume *volume = argument;
    volume_make(volume);
    writable_conform(&fs);
    volume_expect_good(volume);
    volume_end(volume);
}

static void test_conformance(void **state)
{
    (void)state;
    for (size_t i = 1; i < 5; i++)
        rig_run(conform_body, &volumes[i], 2);
}

static void random_body(void *argument)
{
    struct volume *volume = argument;
    volume_make(volume);
    writable_random(400);
    volume_expect_good(volume);
    volume_end(volume);
}

static void test_random(void **state)
{
    (void)state;
    for (size_t i = 1; i < 5; i++)
        rig_run(random_body, &volumes[i], 6);
}

/* ---- names -------------------------------------------------------------------------------- */

/* The model: names in /m and in the directory /m/d. */
enum { MODEL_MAX = 120, MODEL_NAME_BYTES = 800 };

struct model {
    bool fails; /* operations may fail for lack of memory, or since the disk fails */
    bool exists[2][MODEL_MAX], directory[2][MODEL_MAX];
};

static const char *place_name(unsigned n)
{
    static const char *const parts[] = { "a", "B\xc3\xa9", "\xd0\xbf", "\xf0\x9f\x92\xbe", " x." };
    static char text[MODEL_NAME_BYTES];
    unsigned length = (unsigned)snprintf(text, 32, "%u", n);

    /* Some have sets of 19 entries, which need two blocks. */
    unsigned units = n % 7 ? n * 5 % 60 : 80;
    for (unsigned i = 0; i < units; i++)
        length += (unsigned)snprintf(text + length, 8, "%s", parts[(n + i) % 3 + n % 3]);
    snprintf(text + length, 4, "z");
    return text;
}

static const char *model_path(unsigned where, unsigned n, bool upper)
{
    static char texts[2][MODEL_NAME_BYTES + 8];
    static unsigned turn;
    char *text = texts[turn++ % 2];
    snprintf(text, sizeof(texts[0]), "%s/%s", where ? "/m/d" : "/m", place_name(n));
    if (upper)
        text[strlen(text) - 1] = 'Z';
    return text;
}

static status_t rename_paths(const char *from, const char *to)
{
    struct path *root = path_root();
    status_t status = vfs_rename(root, from, to);
    path_put(root);
    return status;
}

static status_t create_file(const char *path)
{
    struct file *file;
    status_t status = rig_open(path, OPEN_WRITE | OPEN_CREATE, &file);
    if (!status)
        file_close(file);
    return status;
}

/* Returns whether an operation was done: its status is the one that the model expects, or it failed
 * and must have changed nothing. */
static bool is_done(const struct model *m, const char *what, status_t status, status_t wanted)
{
    if (m->fails && (status == -ENOMEM || status == -EIO || status == -EBUSY))
        return false;
    expect(what, status, wanted);
    return !wanted;
}

/* One random change, of the volume and of the model. */
static void names_step(struct model *m)
{
    unsigned where = rig_random() % 2, n = (unsigned)(rig_random() % MODEL_MAX);
    unsigned to = rig_random() % 2, k = (unsigned)(rig_random() % MODEL_MAX);
    bool *exists = &m->exists[where][n], *directory = &m->directory[where][n];
    bool upper = rig_random() % 2;
    status_t status;
    switch (rig_random() % 5) {
    case 0:
        if (*exists)
            break;
        status = create_file(model_path(where, n, upper));

        /* A file that was created, but could not be opened. */
        if (status && m->fails)
            status = rig_walk(model_path(where, n, upper));
        if (status != -ENOENT && is_done(m, "create", status, 0))
            *exists = !(*directory = false);
        break;
    case 1:
        status = rig_try_mkdir(model_path(where, n, upper));
        if (is_done(m, "mkdir", status, *exists ? -EEXIST : 0))
            *exists = *directory = true;
        break;
    case 2:
        status = rig_try_unlink(model_path(where, n, upper));
        if (is_done(m, "unlink", status, *exists ? 0 : -ENOENT))
            *exists = false;
        break;
    default: {
        bool *target = &m->exists[to][k], *target_directory = &m->directory[to][k];
        bool same = where == to && n == k;
        status_t wanted = !*exists ? -ENOENT
                          : !*target || same || *directory == *target_directory ? 0
                          : *directory ? -ENOTDIR : -EISDIR;
        status = rename_paths(model_path(where, n, false), model_path(to, k, upper));
        if (!is_done(m, "rename", status, wanted) || same)
            break;
        *target = true;
        *target_directory = *directory;
        *exists = false;
    }
    }
}

/* Compares a directory with the model. */
static void names_compare(const struct model *m, unsigned where)
{
    struct file *list;
    struct dir_entry *entry = malloc(sizeof(*entry));
    unsigned listed = 0, count = 0;
    int got;
    expect("open", rig_open(where ? "/m/d" : "/m", OPEN_READ | OPEN_DIRECTORY, &list), 0);
    while ((got = dir_read(list, INFO_STANDARD, entry)) == 1)
        listed += strcmp(entry->name, "d") != 0;
    kassert(got == 0 && !entry->skipped);
    file_close(list);
    free(entry);

    for (unsigned n = 0; n < MODEL_MAX; n++) {
        expect("look up", rig_walk(model_path(where, n, n % 2)),
               m->exists[where][n] ? 0 : -ENOENT);
        count += m->exists[where][n];
    }
    kassert(listed == count);
}

/* Compares the names with the model, before and after an unmount, and checks the volume. */
static void names_reopen(struct model *m, struct volume *volume)
{
    names_compare(m, 0);
    names_compare(m, 1);
    writable_unmount();
    volume_expect_good(volume);
    volume_fsck(volume);
    volume_mount(volume, true);
    names_compare(m, 0);
    names_compare(m, 1);
}

static void names_body(void *argument)
{
    struct volume *volume = argument;
    struct model *m = calloc(1, sizeof(*m));
    volume_make(volume);
    volume_mount(volume, true);
    rig_mkdir("/m/d");
    expect("bad name", create_file("/m/a:b"), -EINVAL);
    expect("bad name", create_file("/m/a\x01"), -EINVAL);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 300; i++) {
            names_step(m);
            if (rig_random() % 40 == 0)
                expect("flush", volume->fsd->ops->flush(volume->fsd), 0);
        }
        names_reopen(m, volume);
    }
    writable_unmount();
    volume_end(volume);
    free(m);
}

static void test_names(void **state)
{
    (void)state;
    rig_run(names_body, &volumes[1], 3);
    rig_run(names_body, &volumes[2], 2);
    rig_run(names_body, &volumes[3], 2);
}

/* ---- failures ----------------------------------------------------------------------------- */

/* Allocations and writes fail now and then: what could not be done is not done, and what was done
 * is on the medium in the end. */
static void failures_body(void *argument)
{
    struct volume *volume = argument;
    struct model *m = calloc(1, sizeof(*m));
    volume_make(volume);
    volume_mount(volume, true);
    rig_mkdir("/m/d");
    m->fails = true;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 400; i++) {
            if (rig_random() % 2)
                host_fail_nth_allocation(1 + rig_random() % 24);
            else
                volume->disk->fail_nth_write = 1 + rig_random() % 4;
            names_step(m);
            if (rig_random() % 20 == 0)
                (void)!volume->fsd->ops->flush(volume->fsd);
            host_fail_nth_allocation(0);
            volume->disk->fail_nth_write = 0;
        }
        names_reopen(m, volume);
    }
    writable_unmount();
    volume_end(volume);
    free(m);
}

static void test_failures(void **state)
{
    (void)state;
    rig_run(failures_body, &volumes[1], 4);
    rig_run(failures_body, &volumes[2], 2);
}

/* ---- damage ------------------------------------------------------------------------------- */

/* Damages the volume, and expects what a check finds; and that nothing is left of what can be
 * repaired. */
static void expect_damage(const struct volume *volume, const char *text, bool repairable)
{
    struct findings f = volume_check(volume, false);
    kassert(f.found && !f.repaired);
    if (!strstr(f.text, text))
        panic("%s, not %s", f.text, text);
    f = volume_check(volume, true);
    kassert((f.found == f.repaired) == repairable);
    f = volume_check(volume, false);
    kassert(!f.found == repairable);
}

static void damage_body(void *argument)
{
    struct volume *volume = argument;
    volume_make(volume);
    volume_mount(volume, true);
    rig_mkdir("/m/d");
    for (unsigned n = 0; n < 40; n++)
        expect("create", create_file(model_path(1, n, false)), 0);
    const struct exfat *exfat = exfat_of(volume->fsd);
    struct exfat_geometry geometry = exfat->geometry;
    uint64_t bitmap = exfat->bitmap_runs.list[0].address;
    uint64_t root = exfat_cluster_address(exfat, geometry.root_cluster);
    writable_unmount();
    uint8_t *image = volume->image, *flags = image + 106;
    volume_expect_good(volume);

    /* Clusters of no file, clusters of files that are free, and the mark of a volume in use. */
    image[bitmap + geometry.clusters / 8 - 1] |= 5;
    expect_damage(volume, "2 clusters (", true);
    kassert(!image[bitmap + geometry.clusters / 8 - 1]);
    image[bitmap] &= (uint8_t)~3;
    expect_damage(volume, "2 clusters of files are", true);
    *flags |= 2;
    expect_damage(volume, "not unmounted", true);
    kassert(!*flags);

    /* A set of which only the file entry was removed; a chain that continues. */
    uint8_t *set = image + root + 96;
    kassert(set[0] == EXFAT_ENTRY_FILE && set[32] == EXFAT_ENTRY_STREAM);
    volume_fsck(volume);
    bytes_put_le32(image + geometry.table_address + geometry.root_cluster * 4ull, 0);
    expect_damage(volume, "which is not the end", false);
    bytes_put_le32(image + geometry.table_address + geometry.root_cluster * 4ull,
                   EXFAT_TABLE_END);
    set[40] ^= 1;
    expect_damage(volume, "invalid", false);
    set[40] ^= 1;
    volume_expect_good(volume);
    set[0] &= 0x7f;
    struct findings f = volume_check(volume, true);
    kassert(f.found == f.repaired && f.found == 2);
    volume_expect_good(volume);
    volume_end(volume);
}

static void test_damage(void **state)
{
    (void)state;
    rig_run(damage_body, &volumes[3], 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_conformance),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
