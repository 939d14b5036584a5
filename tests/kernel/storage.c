/*
 * storage.c - self tests of the path of a read, over a virtual drive in memory: io requests, the
 * completion thread, devfs, the file cache, reclaim.
 */
#include "kernel/dev/virtual.h"
#include "kernel/selftest.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

enum { DRIVE_BYTES = 1 << 20, CHUNK_BYTES = 64 * 1024 };

static status_t drive_make(char *name)
{
    struct device *control = device_find(VIRTUAL_CONTROL);
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    status_t status = control && request ? 0 : -ENOMEM;
    if (!status) {
        request->struct_bytes = sizeof(*request);
        request->magic = VIRTUAL_REGISTER_MAGIC;
        request->store = VIRTUAL_RAM;
        request->size_bytes = DRIVE_BYTES;
        status = device_control(control, VIRTUAL_REGISTER, request, sizeof(*request));
        text_copy(name, DEVICE_NAME_BYTES, request->device);
    }
    mem_free(request);
    device_put(control);
    return status;
}

static status_t drive_drop(const char *name)
{
    struct virtual_unregister request = { .struct_bytes = sizeof(request) };
    struct device *control = device_find(VIRTUAL_CONTROL);
    text_copy(request.device, sizeof(request.device), name);
    status_t status = device_control(control, VIRTUAL_UNREGISTER, &request, sizeof(request));
    device_put(control);
    return status;
}

static uint8_t pattern(uint64_t offset)
{
    return (uint8_t)(offset * 131 + offset / 4096);
}

/* Writes the pattern through io requests. */
static status_t drive_write(const char *name, uint8_t *chunk)
{
    struct device *device = device_find(name);
    struct device_handle handle;
    status_t status = device ? device_open(device, &handle) : -ENODEV;
    device_put(device);
    if (status)
        return status;
    for (uint64_t at = 0; !status && at < DRIVE_BYTES; at += CHUNK_BYTES) {
        for (uint64_t i = 0; i < CHUNK_BYTES; i++)
            chunk[i] = pattern(at + i);
        status = io_wait(&handle, IO_WRITE, at, chunk, CHUNK_BYTES, NULL);
    }
    if (!status && io_wait(&handle, IO_READ, DRIVE_BYTES, chunk, CHUNK_BYTES, NULL) != -EIO)
        status = -EINVAL; /* past the end it must not read */
    device_close(&handle);
    return status;
}

/* Reads it back through the file of the device, that is through the file cache. */
static status_t drive_compare(const char *name)
{
    char path[64];
    struct file *file;
    struct cache_view view = { 0 };
    struct path *root = path_root();
    format_text(path, sizeof(path), "/System/Devices/Classes/%s", name);
    status_t status = file_open(root, path, OPEN_READ, &file);
    path_put(root);
    if (status)
        return status;
    uint64_t at = 0;
    ssize_t got;
    while ((got = file_view(file, &view)) > 0) {
        for (size_t i = 0; i < view.length_bytes; i++, at++)
            if (view.data[i] != pattern(at))
                status = -EUCLEAN;
        file_view_close(file, &view);
    }
    file_close(file);
    if (got < 0)
        return (status_t)got;
    return status ? status : at == DRIVE_BYTES ? 0 : -EIO;
}

SELFTEST(bytes_written_to_a_drive_come_back_through_the_file_cache)
{
    char name[DEVICE_NAME_BYTES];
    SELFTEST_CHECK(!drive_make(name));
    uint8_t *chunk = mem_alloc(CHUNK_BYTES);
    status_t written = chunk ? drive_write(name, chunk) : -ENOMEM;
    mem_free(chunk);
    status_t compared = drive_compare(name);
    status_t dropped = drive_drop(name);
    SELFTEST_CHECK(!written);
    SELFTEST_CHECK(!compared);
    SELFTEST_CHECK(!dropped);
}

SELFTEST(a_device_file_leaves_no_pages_behind)
{
    char name[DEVICE_NAME_BYTES];
    SELFTEST_CHECK(!drive_make(name));
    size_t pages = cache_page_count();
    struct path *root = path_root(), *classes = NULL;
    status_t walked = path_walk(root, "/System/Devices/Classes", 0, &classes);
    char byte = 1;
    struct file *file = NULL;
    status_t opened = walked ? walked : file_open(classes, name, OPEN_READ, &file);
    ssize_t got = opened ? opened : file_read(file, &byte, 1);
    bool cached = cache_page_count() > pages;
    file_close(file);
    path_put(classes);
    path_put(root);
    status_t dropped = drive_drop(name);
    SELFTEST_CHECK(got == 1 && byte == 0);
    SELFTEST_CHECK(cached && cache_page_count() == pages);
    SELFTEST_CHECK(!dropped);
}
