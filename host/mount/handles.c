/*
 * handles.c - the files and directories that the host's kernel has open. See mount.h.
 *
 * The kernel does not wait for the answer when it releases a handle, and an unmount discards what
 * it has not sent yet. So the handles that are left at the end are closed then.
 */
#include "host/mount/mount.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/list.h"
#include "lib/macros.h"

struct handle {
    struct list link;
    unsigned users; /* the kernel, and operations that still use the object after their reply */
    void *object;
    void (*close)(void *object);
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list handles = LIST_INIT(handles);

status_t handle_open(struct fuse_file_info *info, void *object, void (*close)(void *object))
{
    struct handle *handle = malloc(sizeof(*handle));
    if (!handle) {
        close(object);
        return -ENOMEM;
    }

    *handle = (struct handle){ .users = 1, .object = object, .close = close };
    pthread_mutex_lock(&lock);
    list_push_back(&handles, &handle->link);
    pthread_mutex_unlock(&lock);
    info->fh = (uintptr_t)handle;
    return 0;
}

static void close_file(void *file)
{
    file_close(file);
}

status_t handle_open_file(struct fuse_file_info *info, struct file *file)
{
    return handle_open(info, file, close_file);
}

static struct handle *handle_of(const struct fuse_file_info *info)
{
    return (struct handle *)(uintptr_t)info->fh;
}

void *handle_object(const struct fuse_file_info *info)
{
    return handle_of(info)->object;
}

struct file *handle_file(const struct fuse_file_info *info)
{
    return handle_object(info);
}

struct handle *handle_hold(const struct fuse_file_info *info)
{
    struct handle *handle = handle_of(info);
    pthread_mutex_lock(&lock);
    handle->users++;
    pthread_mutex_unlock(&lock);
    return handle;
}

void handle_put(struct handle *handle)
{
    pthread_mutex_lock(&lock);
    bool last = !--handle->users;
    if (last)
        list_remove(&handle->link);
    pthread_mutex_unlock(&lock);

    if (last) {
        handle->close(handle->object);
        free(handle);
    }
}

void handle_close(const struct fuse_file_info *info)
{
    handle_put(handle_of(info));
}

void handles_stop(void)
{
    list_each_safe(link, &handles) {
        struct handle *handle = container_of(link, struct handle, link);
        handle->close(handle->object);
        free(handle);
    }
    list_init(&handles);
}
