/*
 * writable_attributes.c - the attributes of FAT and exFAT: shown, set, and respected. See
 * writable.h.
 */
#include <string.h>

#include "lib/macros.h"
#include "tests/host/writable.h"

static uint8_t content[7000], got[7001];

static void rename_to(const char *from, const char *to)
{
    struct path *root = path_root();
    expect("rename", vfs_rename(root, from, to), 0);
    path_put(root);
}

static void file_has(const char *path, size_t count)
{
    kassert(rig_get_file(path, got, sizeof(got)) == (ssize_t)count);
    kassert(!memcmp(got, content, count));
}

static void set_attributes(const char *path, unsigned set, unsigned clear, unsigned expected)
{
    struct path *root = path_root(), *at;
    struct node_info info = { 0 };
    expect(path, path_walk(root, path, 0, &at), 0);
    expect("attributes", path_set_attributes(at, set, clear), 0);
    expect(path, path_info(at, INFO_STANDARD | INFO_MODE, &info), 0);
    kassert(info.attributes == expected && !(info.mode & 0222) ==
            (info.type == NODE_FILE && expected & ATTRIBUTE_READ_ONLY));
    path_put(at);
    path_put(root);
}

/* A read-only file cannot be opened to be written, but be renamed, replaced and removed. */
void writable_attributes(void)
{
    struct file *open, *file;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 11 + i / 251);
    rig_put_file("/m/file", content, 3000);
    expect("open", rig_open("/m/file", OPEN_WRITE, &open), 0);
    set_attributes("/m/file", 0, 0, ATTRIBUTE_ARCHIVE);
    set_attributes("/m/file", ATTRIBUTE_READ_ONLY | ATTRIBUTE_HIDDEN | ATTRIBUTE_SYSTEM,
                   ATTRIBUTE_ARCHIVE, ATTRIBUTE_READ_ONLY | ATTRIBUTE_HIDDEN | ATTRIBUTE_SYSTEM);
    kassert(file_write_at(open, 3000, content + 3000, 4000) == 4000);
    file_close(open);
    expect("write", rig_open("/m/file", OPEN_WRITE, &file), -EACCES);
    expect("cut", rig_open("/m/file", OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE, &file), -EACCES);
    writable_unmount();
    writable_mount();
    expect("write", rig_open("/m/file", OPEN_WRITE, &file), -EACCES);
    file_has("/m/file", 7000);

    rename_to("/m/file", "/m/other");
    set_attributes("/m/other", 0, ATTRIBUTE_HIDDEN | ATTRIBUTE_SYSTEM,
                   ATTRIBUTE_READ_ONLY | ATTRIBUTE_ARCHIVE);
    rig_put_file("/m/new", content, 10);
    rename_to("/m/new", "/m/other");
    file_has("/m/other", 10);
    set_attributes("/m/other", ATTRIBUTE_READ_ONLY, 0, ATTRIBUTE_READ_ONLY | ATTRIBUTE_ARCHIVE);
    rig_unlink("/m/other");
    rig_mkdir("/m/d");
    set_attributes("/m/d", ATTRIBUTE_READ_ONLY, 0, ATTRIBUTE_READ_ONLY);
    rig_put_file("/m/d/file", content, 10);
    rig_unlink("/m/d/file");
    rig_unlink("/m/d");
}
