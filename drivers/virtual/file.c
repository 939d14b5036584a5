/*
 * file.c - a store in a file: read through the VFS, past the file's cache, so that the drive's own
 * users alone decide what is kept in memory. Page lists go straight to the file system beneath
 * where they are whole cache blocks there.
 */
#include "drivers/virtual/store.h"
#include "kernel/dev/virtual.h"
#include "kernel/vfs/vfs.h"

struct file_store {
    struct store store;
    struct file *file;
};

static status_t file_store_read(struct store *store, uint64_t offset_bytes,
                                const struct io_segment *segments, unsigned segment_count,
                                uint32_t length_bytes, uint32_t *done_bytes)
{
    struct file_store *file = (struct file_store *)(void *)store;
    return file_read_direct(file->file, offset_bytes, segments, segment_count, length_bytes,
                            done_bytes);
}

static status_t file_store_check(struct store *store)
{
    return file_check(((struct file_store *)(void *)store)->file);
}

static void file_store_close(struct store *store)
{
    struct file_store *file = (struct file_store *)(void *)store;
    file_close(file->file);
    mem_free(file);
}

static const struct store_ops file_store_ops = {
    .read = file_store_read,
    .check = file_store_check,
    .close = file_store_close,
};

status_t store_file_create(const char *path, struct store **store)
{
    struct file_store *file = mem_zalloc(sizeof(*file));
    if (!file)
        return -ENOMEM;
    struct path *root = path_root();
    status_t status = file_open(root, path, OPEN_READ, &file->file);
    path_put(root);
    if (!status && file_level(file->file) + 1 > VIRTUAL_LEVEL_MAX) {
        file_close(file->file);
        status = -ELOOP;
    }
    if (status) {
        mem_free(file);
        return status;
    }
    file->store = (struct store){
        .ops = &file_store_ops,
        .size_bytes = file_size(file->file),
        .level = file_level(file->file) + 1,
        .waits = true,
    };
    *store = &file->store;
    return 0;
}
