/*
 * write_rig.c - a mounted write_fs: see write_rig.h.
 */
#include "tests/host/write_rig.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

uint8_t write_image[DISK_BYTES], write_content[FILE_BYTES + 4096], got[FILE_BYTES + 4096];
struct faulty *write_disk;

struct fsd *fsd_at(const char *text)
{
    struct path *root = path_root(), *path;
    kassert(path_walk(root, text, 0, &path) == 0);
    struct fsd *fsd = path_fsd(path);
    path_put(path);
    path_put(root);
    return fsd;
}

void begin_with(enum faulty_manner manner)
{
    rig_start();
    write_fs_format();
    write_disk = faulty_create(0, write_image, sizeof(write_image), faulty_limits(), manner);
    rig_mkdir("/m");
    expect("mount", rig_mount("/m", "disk0"), 0);
    for (unsigned i = 0; i < sizeof(write_content); i++)
        write_content[i] = (uint8_t)rig_random();
}

void begin(void)
{
    begin_with(FAULTY_MIXED);
}

void end(void)
{
    expect("unmount", rig_unmount("/m"), 0);
    faulty_destroy(write_disk);
    write_disk = NULL;
    rig_unlink("/m");
    write_fs = (struct write_fs_settings){ 0 };
    rig_stop();
}

struct file *open_file(const char *path, unsigned flags)
{
    struct file *file;
    expect(path, rig_open(path, flags, &file), 0);
    return file;
}

void write_at(struct file *file, uint64_t offset, const void *bytes, size_t count)
{
    kassert(file_write_at(file, offset, bytes, count) == (ssize_t)count);
}

void medium_has(const char *name, const void *bytes, size_t count)
{
    ssize_t size = write_fs_read_medium(name, got, sizeof(got));
    if (size != (ssize_t)count || memcmp(got, bytes, count) != 0)
        panic("%s: %zd bytes on the medium, of %zu", name, size, count);
}

void file_has(const char *path, const void *bytes, size_t count)
{
    ssize_t size = rig_get_file(path, got, sizeof(got));
    if (size != (ssize_t)count || memcmp(got, bytes, count) != 0)
        panic("%s: %zd bytes, of %zu", path, size, count);
}

status_t sync_all(void)
{
    return vfs_sync(NULL);
}

/* ---- the medium --------------------------------------------------------------------------- */

void write_fs_format(void)
{
    /* clusters that were never written are not zero */
    memset(write_image, 0xa5, sizeof(write_image));
    memset(write_image, 0, write_fs_cluster_address(0));
    memcpy(write_image, WRITE_FS_SIGNATURE, sizeof(WRITE_FS_SIGNATURE));
}

static ssize_t read_medium(const char *name, void *to, size_t bytes)
{
    struct write_fs_record record;
    for (unsigned i = 0; i < WRITE_FS_FILES; i++) {
        memcpy(&record, write_image + write_fs_record_address(i), sizeof(record));
        if (!text_equal(record.name, name))
            continue;

        size_t size = min(record.size_bytes, bytes);
        for (size_t at = 0; at < size; at += WRITE_FS_CLUSTER_BYTES) {
            uint32_t cluster = record.clusters[at / WRITE_FS_CLUSTER_BYTES];
            memcpy((uint8_t *)to + at, write_image + write_fs_cluster_address(cluster),
                   min(size - at, (size_t)WRITE_FS_CLUSTER_BYTES));
        }
        return (ssize_t)record.size_bytes;
    }
    return -ENOENT;
}

ssize_t write_fs_read_medium(const char *name, void *to, size_t bytes)
{
    /* The disk's thread writes to the image under this lock, as long as there is a disk. */
    if (write_disk)
        spin_lock(&write_disk->lock);
    ssize_t size = read_medium(name, to, bytes);
    if (write_disk)
        spin_unlock(&write_disk->lock);
    return size;
}
