/*
 * mounts.c - from words to devices and mounts; see mounts.h.
 */
#include "shell/reading/mounts.h"
#include "lib/string.h"
#include "lib/text.h"

bool mounts_device_name(struct path *path, char *name, size_t bytes)
{
    /* The part after /System/Devices/ is the path in the device tree. */
    static const char devices[] = "/System/Devices/";
    char *text = mem_alloc(PATH_BYTES_MAX + 1);

    bool is = text && text_equal(path_fsd(path)->name, "devfs") &&
              path_text(path, text, PATH_BYTES_MAX + 1) <= PATH_BYTES_MAX &&
              text_starts(text, devices) &&
              text_copy(name, bytes, text + strlen(devices)) < bytes;
    mem_free(text);
    return is;
}

struct device *mounts_find_device(struct shell *shell, const char *word)
{
    struct path *path;
    char name[256];

    /* An existing path has precedence, so try that first. "" would be the tree's root. */
    if (path_walk(shell->directory, word, 0, &path))
        return *word ? device_find(word) : NULL;

    bool is = mounts_device_name(path, name, sizeof(name));
    path_put(path);
    return is ? device_find(name) : NULL;
}

status_t mounts_of_device(struct shell *shell, const char *word, struct mount_info *info)
{
    struct device *device = mounts_find_device(shell, word);
    unsigned last = 0;
    bool found = false;

    if (!device)
        return -ENODEV;

    /* The mount that was made last counts, as for a path that several mounts cover. */
    const char *name = device_label(device);
    for (unsigned n = 0; vfs_mount_info(n, info) != -ENOENT; n++)
        if (text_equal(info->device, name)) {
            last = n;
            found = true;
        }
    device_put(device);

    if (!found)
        return -ENOENT;

    /* A path that fills the buffer may have been cut. */
    status_t status = vfs_mount_info(last, info);
    return !status && strlen(info->path) + 1 == sizeof(info->path) ? -ENAMETOOLONG : status;
}
