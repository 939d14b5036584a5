/*
 * rig.c - the storage stack for tests, and short forms of its calls: see rig.h.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/host/rig.h"
#include "kernel/dev/driver.h"
#include "kernel/module/catalog.h"
#include "lib/macros.h"

#pragma weak sim_random

static size_t used_before;

void rig_start(void)
{
    used_before = host_memory_used();
    kassert(io_start() == 0);
    kassert(cache_start() == 0);
    kassert(device_start() == 0);
    kassert(vfs_start() == 0);
    mem_set_reclaim(vfs_reclaim);
}

void rig_stop(void)
{
    catalog_stop();
    vfs_stop();
    device_stop();
    io_stop();
    struct vfs_counts counts = vfs_counts();
    kassert(counts.pages == 0 && counts.vnodes == 0 && counts.unused_vnodes == 0);
    cache_stop();
    mem_set_reclaim(NULL);

    /* A detached thread that freed a vnode (vnode.c) may not have freed itself yet. */
    for (unsigned n = 0; host_memory_used() != used_before && n < 1000; n++)
        thread_sleep_until(time_now_us() + 100);
    if (host_memory_used() != used_before)
        panic("%zd bytes are left", (ssize_t)(host_memory_used() - used_before));
}

void rig_run(void (*body)(void *argument), void *argument, unsigned seeds)
{
    if (run_is_simulated())
        sim_run_seeds(1, seeds, body, argument);
    else
        body(argument);

    const char *left = host_leftovers();
    if (left)
        panic("%s", left);
}

void rig_run_threads(unsigned count, void (*body)(void *argument))
{
    struct thread *threads[8];
    kassert(count <= ARRAY_LENGTH(threads));
    for (unsigned i = 0; i < count; i++) {
        threads[i] = thread_create("worker", PRIORITY_NORMAL, body, NULL);
        kassert(threads[i]);
    }
    for (unsigned i = 0; i < count; i++)
        thread_join(threads[i]);
}

uint64_t rig_random(void)
{
    static _Atomic uint64_t state;
    if (run_is_simulated())
        return sim_random();
    uint64_t x = atomic_fetch_add(&state, 0x9e3779b97f4a7c15u);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void expect(const char *what, status_t status, status_t expected)
{
    if (status != expected)
        panic("%.150s: %s, not %s", what, status_name(status), status_name(expected));
}

/* ---- files -------------------------------------------------------------------------------- */

status_t rig_open(const char *path, unsigned flags, struct file **file)
{
    struct path *root = path_root();
    status_t status = file_open(root, path, flags, file);
    path_put(root);
    return status;
}

void rig_put_file(const char *path, const void *data, size_t bytes)
{
    struct file *file;
    expect(path, rig_open(path, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE, &file), 0);
    kassert(file_write(file, data, bytes) == (ssize_t)bytes);
    file_close(file);
}

ssize_t rig_get_file(const char *path, void *data, size_t bytes)
{
    struct file *file;
    size_t done = 0;
    ssize_t got = rig_open(path, OPEN_READ, &file);
    if (got)
        return got;
    while (done < bytes && (got = file_read(file, (char *)data + done, bytes - done)) > 0)
        done += (size_t)got;
    file_close(file);
    return got < 0 ? got : (ssize_t)done;
}

status_t rig_walk(const char *text)
{
    struct path *root = path_root(), *path;
    status_t status = path_walk(root, text, 0, &path);
    path_put(root);
    if (!status)
        path_put(path);
    return status;
}

status_t rig_try_mkdir(const char *path)
{
    struct path *root = path_root();
    status_t status = vfs_mkdir(root, path);
    path_put(root);
    return status;
}

status_t rig_try_unlink(const char *path)
{
    struct path *root = path_root();
    status_t status = vfs_unlink(root, path);
    path_put(root);
    return status;
}

void rig_mkdir(const char *path)
{
    expect(path, rig_try_mkdir(path), 0);
}

void rig_unlink(const char *path)
{
    expect(path, rig_try_unlink(path), 0);
}

/* ---- mounts ------------------------------------------------------------------------------- */

static status_t mount(const char *path, const char *device, const char *type)
{
    struct path *root = path_root();
    status_t status = vfs_mount(root, path, device, type, NULL);
    path_put(root);
    return status;
}

status_t rig_mount(const char *path, const char *device)
{
    return mount(path, device, NULL);
}

status_t rig_mount_type(const char *path, const char *type)
{
    return mount(path, "", type);
}

status_t rig_unmount(const char *path)
{
    struct path *root = path_root();
    status_t status = vfs_unmount(root, path);
    path_put(root);
    return status;
}

status_t rig_fsd_create(const struct device_handle *handle, const char *name,
                        const struct fsd_ops *ops, struct fsd **fsd)
{
    if (handle->device)
        return -EMEDIUMTYPE;
    *fsd = mem_zalloc(sizeof(**fsd));
    if (!*fsd)
        return -ENOMEM;
    (*fsd)->ops = ops;
    (*fsd)->name = name;
    return 0;
}

void rig_fsd_free(struct fsd *fsd)
{
    mem_free(fsd);
}

void rig_evict(void)
{
    /* Pages lose their second chance first, then vnodes without pages are freed. */
    for (unsigned i = 0; i < 3; i++)
        (void)vfs_reclaim(page_total_count());
}

void rig_evict_all(void)
{
    rig_evict();
    for (unsigned n = 0; vfs_counts().pages && n < 100000; n++) {
        thread_sleep_until(time_now_us() + 10);
        rig_evict();
    }
    kassert(vfs_counts().pages == 0);
}

/* ---- files of the host -------------------------------------------------------------------- */

bool rig_info_equal(const struct node_info *a, const struct node_info *b)
{
    return a->known == b->known && a->id == b->id && a->type == b->type &&
           a->size_bytes == b->size_bytes && a->attributes == b->attributes &&
           a->has_modified == b->has_modified && a->modified_s == b->modified_s &&
           a->has_created == b->has_created && a->created_s == b->created_s &&
           a->has_accessed == b->has_accessed && a->accessed_s == b->accessed_s &&
           a->has_changed == b->has_changed && a->changed_s == b->changed_s &&
           a->mode == b->mode && a->links == b->links && a->uid == b->uid && a->gid == b->gid &&
           a->device_number == b->device_number && a->alias == b->alias;
}

uint8_t *rig_load(const char *host_path, size_t *bytes)
{
    FILE *stream = fopen(host_path, "rb");
    if (!stream)
        return NULL;

    fseek(stream, 0, SEEK_END);
    *bytes = (size_t)ftell(stream);
    rewind(stream);
    uint8_t *data = malloc(*bytes + 1);
    kassert(data && fread(data, 1, *bytes, stream) == *bytes);
    fclose(stream);
    return data;
}

static int is_image(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".iso") == 0;
}

bool rig_image(unsigned n, char *host_path, size_t bytes)
{
    const char *folder = getenv("SPINDLE_IMAGES");
    struct dirent **entries;
    if (!folder)
        folder = "build/images";
    int count = scandir(folder, &entries, is_image, alphasort);
    if (count <= 0)
        panic("no images in %s (tests/images/builder.py makes them)", folder);
    bool found = n < (unsigned)count;
    if (found)
        snprintf(host_path, bytes, "%s/%s", folder, entries[n]->d_name);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return found;
}

uint8_t *rig_load_image(const char *name, size_t *bytes)
{
    char path[512];
    for (unsigned n = 0; rig_image(n, path, sizeof(path)); n++)
        if (strstr(path, name))
            return rig_load(path, bytes);
    panic("no image %s", name);
}

void rig_make_images(void (*add)(const char *host_path))
{
    static const char *const commands[] = {
        "mkdir -p tree/one/two/three tree/many; seq 20000 >tree/numbers; : >tree/empty;"
        "for i in $(seq 120); do echo $i >tree/many/file.number.$i; done;"
        "ln -s one/two tree/link; ln -s loop tree/loop; head -c 70000 numbers >tree/one/two/x 2>"
        "/dev/null; head -c 70000 tree/numbers >tree/one/two/three/deep.file",
        "genisoimage -quiet -R -J -o all-trees.iso tree 2>err",
        "genisoimage -quiet -o plain.iso tree 2>err",
        "xorriso -as mkisofs -quiet -R -o xorriso.iso tree 2>err",
        "xorriso -as mkisofs -quiet -iso-level 4 -J -o joliet.iso tree 2>err",
    };
    static const char *const names[] = { "all-trees", "plain", "xorriso", "joliet" };
    char folder[] = "/tmp/spindle_images.XXXXXX", text[1024];
    kassert(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        snprintf(text, sizeof(text), "cd %s && { %s; }", folder, commands[i]);
        if (system(text) != 0 && i)
            panic("%s", text);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        snprintf(text, sizeof(text), "%s/%s.iso", folder, names[i]);
        add(text);
    }
    snprintf(text, sizeof(text), "rm -r %s", folder);
    kassert(system(text) == 0);
}
