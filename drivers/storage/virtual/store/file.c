/*
 * file.c - a store in a file: read and written through the VFS, past the file's cache, so that the
 * drive's own users alone decide what is kept in memory. Page lists go straight to the file system
 * below where they are whole cache blocks there.
 *
 * While the drive shows the file, it cannot be written elsewhere; while the drive may write it, it
 * cannot be opened elsewhere.
 */
#include "drivers/storage/virtual/store/store.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

struct file_store {
    struct store store;
    struct file *file;
};

static struct file *file_of(struct store *store)
{
    return ((struct file_store *)(void *)store)->file;
}

/* Moves the span in memory of the VFS's own, so that ^C can leave it in flight. */
static status_t file_store_copy(struct file *file, enum io_op op, const struct span *span,
                                uint32_t *done_bytes)
{
    const struct io_segment *segment = span->segments;
    uint32_t skip = 0;
    *done_bytes = 0;

    /* A piece for each segment, and more if the file system returns fewer bytes than requested. */
    while (*done_bytes < span->length_bytes) {
        uint64_t offset = span->offset_bytes + *done_bytes;
        uint8_t *memory = (uint8_t *)segment->address + skip;
        uint32_t bytes = min(segment->length_bytes - skip, span->length_bytes - *done_bytes);

        ssize_t got = op == IO_READ ? file_read_at(file, offset, memory, bytes)
                                    : file_write_at(file, offset, memory, bytes);

        /* A read of nothing means that the file has become shorter. */
        if (got <= 0)
            return got ? (status_t)got : -EIO;

        *done_bytes += (uint32_t)got;
        skip += (uint32_t)got;
        if (skip == segment->length_bytes) {
            segment++;
            skip = 0;
        }
    }
    return 0;
}

static status_t file_store_move(struct store *store, enum io_op op, const struct span *span,
                                uint32_t *done_bytes)
{
    /* ^C can end a copy. The worker is never interrupted, and moves straight to and from
     * the segments. */
    if (span->interruptible)
        return file_store_copy(file_of(store), op, span, done_bytes);
    return file_transfer(file_of(store), op, span->offset_bytes, span->segments,
                         span->segment_count, span->length_bytes, done_bytes);
}

static status_t file_store_flush(struct store *store)
{
    return store->writable ? file_flush(file_of(store)) : 0;
}

static status_t file_store_check(struct store *store)
{
    return file_check(file_of(store));
}

static void file_store_close(struct store *store)
{
    file_close(file_of(store));
    mem_free(store);
}

static const struct store_ops file_ops = {
    .move = file_store_move,
    .flush = file_store_flush,
    .check = file_store_check,
    .close = file_store_close,
};

static status_t file_open_image(const char *path, bool writable, struct file **file)
{
    struct path *root = path_root();

    /* A file that the drive writes belongs to it alone; one that it only reads must not change. */
    unsigned way = writable ? OPEN_WRITE | OPEN_EXCLUSIVE : OPEN_DENY_WRITE;
    status_t status = file_open(root, path, OPEN_READ | way, file);
    path_put(root);

    /* Each drive on a drive is a level higher, and the number of levels is limited. */
    if (!status && file_level(*file) + 1 > VIRTUAL_LEVEL_MAX) {
        file_close(*file);
        status = -EMLINK;
    }
    return status;
}

status_t store_file_create(const char *path, bool writable, struct store **store,
                           struct device **device)
{
    struct file_store *created = mem_zalloc(sizeof(*created));
    if (!created)
        return -ENOMEM;

    status_t status = file_open_image(path, writable, &created->file);
    if (status) {
        mem_free(created);
        return status;
    }

    /* A level above the file's device: the worker of this drive may wait for that device, but not
     * the other way round. */
    created->store = (struct store){
        .ops = &file_ops,
        .size_bytes = file_size(created->file),
        .level = file_level(created->file) + 1,
        .waits = true,
        .writable = writable,
    };

    struct device *holder = file_device(created->file);
    if (device)
        *device = holder ? device_get(holder) : NULL;
    *store = &created->store;
    return 0;
}

status_t store_file_fold(char *path, size_t bytes)
{
    char *slash = strrchr(path, '/');
    size_t room = slash ? bytes - (size_t)(slash + 1 - path) : 0;

    /* The entry is on the heap, since it holds a name of full length. */
    struct dir_entry *entry = mem_alloc(sizeof(*entry));
    struct file *directory = NULL;
    struct path *root = path_root();
    status_t status = !entry ? -ENOMEM : !slash ? -ENOENT : 0;

    /* Open the directory. The path is cut at the slash for a moment. */
    if (!status) {
        *slash = '\0';
        status = file_open(root, *path ? path : "/", OPEN_READ | OPEN_DIRECTORY, &directory);
        *slash = '/';
    }

    /* Of several names that differ only in case, the first counts. */
    int got = 0;
    while (!status && (got = dir_read(directory, 0, entry)) > 0)
        if (text_equal_fold(entry->name, slash + 1) && strlen(entry->name) < room) {
            text_copy(slash + 1, room, entry->name);
            break;
        }

    /* An error of the directory, or no such name. */
    if (!status && got <= 0)
        status = got ? got : -ENOENT;

    file_close(directory);
    path_put(root);
    mem_free(entry);
    return status;
}

status_t store_file_grow(struct store *store, uint64_t size_bytes)
{
    status_t status = file_set_size(file_of(store), size_bytes);
    if (!status)
        store->size_bytes = size_bytes;
    return status;
}
