/*
 * volume_tools.c - see volume_tools.h.
 */
#include "shell/commands/disks/volume_tools.h"
#include "kernel/module/index.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/show.h"

enum { ANSWER_BYTES = 256 };

static const struct driver *driver_named(const char *name)
{
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d))
        if (text_equal(d->name, name))
            return d;
    return NULL;
}

const struct driver *volume_driver(const char *name)
{
    const struct driver *driver = driver_named(name);
    if (driver || index_load_named(name))
        return driver;
    return driver_named(name);
}

/* ---- opening ------------------------------------------------------------------------------ */

bool volume_open(struct shell *shell, const char *word, bool alone, struct device **device,
                 struct device_handle *handle)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    *device = mounts_find_device(shell, word);
    bool mounted = info && *device && !mounts_of_device(shell, word, info);
    if (!*device)
        IGNORE(shell_complain(shell, "%s: no such device; `devices` lists them", word));

    /* A claim would fail too, but could not name the directory. */
    if (mounted && (alone || !info->fs.read_only)) {
        IGNORE(shell_complain(shell, "%s: mounted on %s; `%s %s` first", word, info->path,
                              alone ? "umount" : "mount -o ro", word));
        goto fail;
    }
    status_t status = *device ? device_open(*device, handle) : -ENODEV;
    if (!status) {
        mem_free(info);
        return true;
    }
    if (*device)
        IGNORE(shell_fail(shell, word, status));

fail:
    device_put(*device);
    mem_free(info);
    return false;
}

void volume_close(struct device *device, struct device_handle *handle)
{
    device_close(handle);
    device_put(device);
}

/* ---- asking ------------------------------------------------------------------------------- */

/* Prints "disk0p1: 32M, FAT16 file system: ". */
static status_t show_device(struct shell *shell, const char *word,
                            const struct device_handle *handle)
{
    char size[SIZE_TEXT_BYTES], names[MOUNT_REASON_BYTES];
    struct identify *found = mem_alloc(sizeof(*found));
    if (!found)
        return -ENOMEM;

    /* A device that cannot be read may still be written; what is on it is unknown then. */
    status_t status = device_identify(handle, found);
    identify_text(found, true, names, sizeof(names));
    bool unknown = status || (!found->count && found->status);
    mem_free(found);
    if (status == -EINTR)
        return status;

    size_text(size, device_medium(handle->device).bytes, true);
    stream_format(shell->out, "%s: %s, %s: ", word, size,
                  unknown ? "which cannot be read" : *names ? names : "no known format");
    return 0;
}

bool volume_confirm_loss(struct shell *shell, const char *word,
                         const struct device_handle *handle)
{
    char answer[ANSWER_BYTES];
    if (option_given(shell, 'y'))
        return true;
    status_t status = show_device(shell, word, handle);
    if (!status) {
        stream_text(shell->out, "everything on it will be lost. Continue? [y/N] ");
        ssize_t got = shell_read(shell, answer, sizeof(answer));
        if (got > 0 && (answer[0] == 'y' || answer[0] == 'Y'))
            return true;
        status = got < 0 ? (status_t)got : 0;
    }

    if (status)
        IGNORE(shell_fail(shell, word, status));
    else
        IGNORE(shell_complain(shell, "%s: nothing was changed", word));
    return false;
}
