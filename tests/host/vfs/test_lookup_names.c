/*
 * test_lookup_names.c - promise: names that an FSD returns are made safe, and each listed name is
 * found. The FSD here has a few files with invalid names, one of which stores its MIME type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/dev/driver.h"
#include "lib/macros.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* As on the medium: node n + 2 has names[n]. */
static const char *const names[] = { "good", "b\xff" "d", "a/b", "", "caf\xc3\xa9", "cut\xc3",
                                     "\xed\xa0\x80", "b\xfe" "d", "x.txt" };
/* As listed. Of the two that become equal, the first is found. */
static const char *const shown[] = { "good", "b_d", "a_b", "_", "caf\xc3\xa9", "cut_",
                                     "___", "b_d", "x.txt" };

enum { NAMES = ARRAY_LENGTH(names), TYPED = 0 };

static status_t bad_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                           vnode_id_t *id)
{
    (void)fsd, (void)directory;
    for (unsigned i = 0; i < NAMES; i++)
        if (strlen(names[i]) == element.length &&
            memcmp(names[i], element.name, element.length) == 0) {
            *id = i + 2;
            return 0;
        }
    return -ENOENT;
}

static status_t bad_get_vnode(struct fsd *fsd, struct vnode *vnode)
{
    (void)fsd;
    vnode->type = vnode->id == VNODE_ROOT ? NODE_DIRECTORY : NODE_FILE;
    return vnode->id < NAMES + 2 ? 0 : -ENOENT;
}

static status_t bad_get_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                             struct node_info *info)
{
    (void)fsd;
    info->known = INFO_DIRENT;
    if (levels & INFO_MIME && vnode->id == TYPED + 2)
        info->mime = "text/x-stored";
    return 0;
}

static int bad_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor,
                        uint64_t *position, unsigned levels, struct dir_entry *entry)
{
    (void)fsd, (void)directory, (void)cursor, (void)levels;
    if (*position == NAMES) {
        entry->skipped = 1;
        return 0;
    }
    entry->info.id = *position + 2;
    strcpy(entry->name, names[(*position)++]);
    return 1;
}

static status_t bad_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    (void)fsd;
    *info = (struct fs_info){ .block_bytes = 512, .read_only = true };
    return 0;
}

static const struct fsd_ops bad_ops = {
    .dismount = rig_fsd_free,
    .get_fs_info = bad_get_fs_info,
    .lookup = bad_lookup,
    .get_vnode = bad_get_vnode,
    .get_info = bad_get_info,
    .read_dir = bad_read_dir,
};

static status_t bad_mount(const struct device_handle *handle, const char *options,
                          struct fsd **result)
{
    (void)options;
    status_t status = rig_fsd_create(handle, "bad", &bad_ops, result);
    if (!status)
        (*result)->read_only = true;
    return status;
}

static const struct driver driver_bad = { .name = "bad", .order = 99, .mount_fs = bad_mount };
DRIVER(driver_bad);

static void bad_begin(void)
{
    start();
    rig_mkdir("/m");
    expect("mount", rig_mount_type("/m", "bad"), 0);
}

static void bad_end(void)
{
    expect("unmount", rig_unmount("/m"), 0);
    stop();
}

/* Each listed name is clean, and can be looked up. */
BODY(bad_names)
{
    (void)unused;
    static struct dir_entry entry;
    char text[64];
    struct file *file;
    bad_begin();
    kassert(rig_open("/m", OPEN_READ | OPEN_DIRECTORY, &file) == 0);
    for (unsigned i = 0; i < NAMES; i++) {
        kassert(dir_read(file, INFO_NONE, &entry) == 1);
        if (strcmp(entry.name, shown[i]) != 0)
            panic("%u is listed as %s", i, entry.name);
        snprintf(text, sizeof(text), "/m/%s", shown[i]);
        kassert(rig_walk(text) == 0);
    }
    kassert(dir_read(file, INFO_NONE, &entry) == 0);
    file_close(file);
    kassert(rig_walk("/m/b__d") == -ENOENT);
    kassert(rig_walk("/m/b\xff" "d") == 0); /* the FSD's own name */
    bad_end();
}

BODY(skipped)
{
    (void)unused;
    bad_begin();
    run("ls /m", SHELL_FAILED, NULL, "ls: /m: 1 invalid record was skipped\n");
    run("find /m", SHELL_FAILED, NULL, "find: /m: 1 invalid record was skipped\n");
    bad_end();
}

/* C15: a type that the file system stores takes precedence over that of the name's extension. */
BODY(stored_types)
{
    (void)unused;
    bad_begin();
    says("stat /m/good | grep mime", "      mime text/x-stored\n");
    says("stat /m/x.txt | grep mime", "      mime text/plain\n");
    says("stat /m/caf\xc3\xa9 | grep mime", "      mime application/octet-stream\n");
    bad_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_stored_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
