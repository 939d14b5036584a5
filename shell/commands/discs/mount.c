/*
 * mount.c - mounts discs and image files, changes and lists the mounts, and unmounts: mount,
 * umount.
 *
 * Images      `mount IMAGE DIRECTORY` makes a temporary virtual drive from the image, which
 *             disappears with its mount.
 * Errors      name what was typed, not the drive that was made. A medium without a known file
 *             system is identified (device_mount_reason()).
 */
#include "kernel/dev/driver.h"
#include "kernel/dev/virtual.h"
#include "kernel/module/index.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"
#include "shell/reading/show.h"
#include "shell/words.h"

static int mount_list(struct shell *shell)
{
    enum { PATH_COLUMNS = 20 };
    struct mount_info *info = mem_alloc(sizeof(*info));
    status_t status = info ? 0 : -ENOMEM;

    /* Mounts are numbered. One that disappears meanwhile only shortens the list. */
    for (unsigned n = 0; info && !(status = vfs_mount_info(n, info)); n++) {
        size_t columns = text_columns(info->path);
        stream_escaped(shell->out, info->path, false);
        stream_format(shell->out, "%*s %-10s %-20s %s",
                      columns < PATH_COLUMNS ? (int)(PATH_COLUMNS - columns) : 0, "",
                      *info->device ? info->device : "-", info->fs.type,
                      info->fs.read_only ? "ro" : "rw");

        /* A volume's name comes from the medium, so it is escaped. */
        if (*info->fs.volume_name) {
            stream_text(shell->out, "  \"");
            stream_escaped(shell->out, info->fs.volume_name, false);
            stream_text(shell->out, "\"");
        }
        stream_text(shell->out, "\n");
    }
    mem_free(info);
    return status == -ENOENT ? SHELL_DONE : shell_fail(shell, NULL, status);
}

/* ---- images ------------------------------------------------------------------------------- */

/* Undoes mount_make_drive() for a drive that was never opened; the last close removes others. */
static void mount_drop_drive(const char *name)
{
    struct virtual_unregister request = { .struct_bytes = sizeof(request),
                                          .removal = VIRTUAL_IF_IDLE };
    struct device *control = device_find(VIRTUAL_CONTROL);
    text_copy(request.device, sizeof(request.device), name);
    if (control)
        IGNORE(device_control(control, VIRTUAL_UNREGISTER, &request, sizeof(request)));
    device_put(control);
}

/* Makes a virtual drive from an image file; it lives as long as its mount. A failed mount would
 * remove it, so `held` keeps it until the command has reported what is on it. */
static status_t mount_make_drive(struct path *image, char *name, size_t bytes,
                                 char reason[VIRTUAL_REASON_BYTES], struct device_handle *held)
{
    /* The driver of virtual drives may be missing from this kernel. */
    struct device *control = device_find(VIRTUAL_CONTROL), *drive = NULL;
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    status_t status = control ? 0 : -ENODEV;
    if (!request)
        status = -ENOMEM;
    if (status)
        goto out;

    /* A temporary drive is read-only here, and is removed with its last close. */
    request->struct_bytes = sizeof(*request);
    request->magic = VIRTUAL_REGISTER_MAGIC;
    request->store = VIRTUAL_FILE;
    request->flags = VIRTUAL_TEMPORARY;
    if (path_text(image, request->image, sizeof(request->image)) >= sizeof(request->image))
        status = -ENAMETOOLONG;
    if (!status)
        status = device_control(control, VIRTUAL_REGISTER, request, sizeof(*request));

    /* The driver explains some refusals, such as a damaged sheet, in its own words. */
    text_copy(reason, VIRTUAL_REASON_BYTES, request->reason);
    if (status)
        goto out;

    drive = device_find(request->device);
    if (!drive) {
        /* Another command removed it in between. */
        status = -ENODEV;
        goto out;
    }

    /* The path is unique, whereas the alias may be used again by another drive. */
    device_path(drive, name, bytes);
    status = device_open(drive, held);
    if (status)
        mount_drop_drive(name);
out:
    device_put(drive);
    mem_free(request);
    device_put(control);
    return status;
}

/* Finds the device that an operand names: by a class name, a device's file, or an image. */
static status_t mount_find_device(struct shell *shell, const char *what, char *name, size_t bytes,
                                  char reason[VIRTUAL_REASON_BYTES],
                                  struct device_handle *held)
{
    /* A class name takes precedence: `mount cdrom0` works in every directory. */
    struct device *device = *what ? device_find(what) : NULL;
    if (device) {
        device_put(device);
        text_copy(name, bytes, what);
        return 0;
    }

    struct path *path;
    status_t status = path_walk(shell->directory, what, 0, &path);
    if (status)
        return status;

    /* Any file that does not belong to a device is taken as an image. */
    if (path_is_directory(path))
        status = -EISDIR;
    else if (!mounts_device_name(path, name, bytes))
        status = mount_make_drive(path, name, bytes, reason, held);
    path_put(path);
    return status;
}

/* Reports an image that ends inside a block: it was truncated, or has another block size. */
static void mount_report_tail(struct shell *shell, const char *what, const char *device)
{
    /* Without an answer there is nothing to report: the mount itself has succeeded. */
    struct virtual_info *info = mem_zalloc(sizeof(*info));
    struct device *drive = device_find(device);
    if (info)
        info->struct_bytes = sizeof(*info);

    /* Raw sectors are reported in their own size, not in that of the blocks in them. */
    if (info && drive && !device_control(drive, VIRTUAL_GET_INFO, info, sizeof(*info)) &&
        info->tail_bytes)
        stream_format(shell->out, "%s: %llu byte%s after the last whole %s of %u\n", what,
                      (unsigned long long)info->tail_bytes, text_plural(info->tail_bytes),
                      info->raw_sector_bytes ? "sector" : "block",
                      info->raw_sector_bytes ? info->raw_sector_bytes : info->block_bytes);
    device_put(drive);
    mem_free(info);
}

/* ---- mount -------------------------------------------------------------------------------- */

/* Returns true if there is a file system of this type. Else lists the types that there are. */
static bool mount_type_known(struct shell *shell, const char *type)
{
    struct buffer known = { 0 };
    bool found = false;

    /* Fails if its driver is built in. */
    IGNORE(index_load_named(type));
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d)) {
        /* Only drivers of file systems can mount. */
        if (!d->mount_fs)
            continue;
        found |= text_equal(d->name, type);
        if (known.length)
            buffer_put(&known, ", ", 2);
        buffer_put(&known, d->name, strlen(d->name));
    }

    /* "others" if the list could not be made: memory is exhausted. */
    if (!found)
        shell_complain(shell, "%s: unknown file system type; must be one of %s", type,
                       known.status ? "others" : known.text);
    buffer_free(&known);
    return found;
}

/* The values of -o, for --help and for the refusal. */
#define OPTION_WORDS "names=rr|joliet|enhanced|iso, session=N, case=fold|exact"
#define OPTION_CHARSETS "charset=utf-8|latin1|cp437|cp850|shift-jis"
#define OPTION_OTHERS "tz=+HH:MM, rw, ro, sync, async"

#define MOUNTED_ELSEWHERE "mounted elsewhere; to be writable, a device can have only one mount"

/* Mounts the device `name`, which the operand `what` names, at `where`. */
static int mount_at(struct shell *shell, const char *what, const char *name, const char *where,
                    const char *type, const char *options)
{
    /* Errors of the mount point must not be reported as the medium's. */
    struct path *place;
    status_t status = path_walk(shell->directory, where, 0, &place);
    if (status)
        return shell_fail(shell, where, status);
    bool taken = path_is_mount_point(place);
    path_put(place);

    status = index_mount(shell->directory, where, name, type, options);
    if (!status)
        return SHELL_DONE;

    /* Each status is reported with the operand that it is about. */
    if (status == -EMEDIUMTYPE && type)
        return shell_complain(shell, "%s: not a %s file system", what, type);
    if (status == -EMEDIUMTYPE || status == -EIO) {
        char reason[MOUNT_REASON_BYTES];
        device_mount_reason(name, status, reason, sizeof(reason));
        return shell_complain(shell, "%s: %s", what, reason);
    }

    /* The mount point was found above, so these are about its state. */
    if (status == -EBUSY && !taken)
        return shell_complain(shell, "%s: " MOUNTED_ELSEWHERE, what);
    if (status == -EBUSY || status == -ENOTDIR)
        return shell_fail(shell, where, status);
    if (status == -EINVAL && options) {
        shell_complain(shell, "%s: invalid option; valid options are %s, %s, %s",
                       options, OPTION_WORDS, OPTION_CHARSETS, OPTION_OTHERS);
        return SHELL_USAGE;
    }
    if (status == -ENOENT && options)
        return shell_complain(shell, "%s: no such session or name tree: %s", what, options);
    return shell_fail(shell, what, status);
}

static int mount_source(struct shell *shell, const char *what, const char *where,
                        const char *type, const char *options)
{
    char name[256], reason[VIRTUAL_REASON_BYTES] = "";

    /* A drive that is made from an image stays open until its contents were reported. */
    struct device_handle held = { 0 };
    status_t status = mount_find_device(shell, what, name, sizeof(name), reason, &held);

    /* The driver's own reason says more than an errno. */
    if (status && *reason)
        return shell_complain(shell, "%s: %s", what, reason);
    if (status == -ENODATA)
        return shell_complain(shell, "%s: too small for a file system", what);
    if (status)
        return shell_fail(shell, what, status);

    int result = mount_at(shell, what, name, where, type, options);

    /* `held` is set only for a drive that was made from an image. */
    if (!result && held.device)
        mount_report_tail(shell, what, name);
    device_close(&held);
    return result;
}

/* ---- changing a mount --------------------------------------------------------------------- */

/* Reports why the mount at `where` could not be changed. */
static int remount_refused(struct shell *shell, const char *what, const char *where,
                           const char *options, status_t status)
{
    struct path *path;
    if (status == -EBUSY && !path_walk(shell->directory, where, 0, &path)) {
        bool read_only = path_fsd(path)->read_only;
        path_put(path);
        return shell_complain(shell, "%s: %s", what,
                              read_only ? MOUNTED_ELSEWHERE : "files are open for writing");
    }
    if (status == -EINVAL || status == -EOPNOTSUPP) {
        shell_complain(shell, "%s: cannot be changed for a file system that is mounted", options);
        return SHELL_USAGE;
    }
    if (status != -EROFS || path_walk(shell->directory, where, 0, &path))
        return shell_fail(shell, what, status);

    /* the medium, or its format */
    const struct fsd *fsd = path_fsd(path);
    int result = !fsd->ops->set_writable
                     ? shell_complain(shell, "%s: %s file systems cannot be written", what,
                                      fsd->name)
                     : shell_complain(shell, "%s: the medium is write-protected, or damaged", what);
    path_put(path);
    return result;
}

/* Mounts a device below /Drives, under its class name, as the monitor does by itself for a medium
 * that appears. */
static int mount_in_drives(struct shell *shell, const char *what, const char *options)
{
    char where[sizeof("/Drives/") + DEVICE_NAME_BYTES];
    struct device *device = mounts_find_device(shell, what);
    if (!device)
        return shell_complain(shell, "%s: not mounted", what);

    format_text(where, sizeof(where), "/Drives/%s", device_label(device));
    device_put(device);
    status_t status = vfs_mkdir(shell->directory, where);
    if (status && status != -EEXIST)
        return shell_fail(shell, where, status);
    return mount_source(shell, what, where, NULL, options);
}

/* Changes the options of the mount at a directory, or of the last mount of a device. A device that
 * is not mounted is mounted so. */
static int mount_change(struct shell *shell, const char *what, const char *options)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    struct path *path;
    if (!info)
        return shell_fail(shell, what, -ENOMEM);

    const char *where = what;
    bool found = !path_walk(shell->directory, what, 0, &path);
    bool mounted = found && path_is_mount_point(path);
    if (found)
        path_put(path);
    if (!mounted) {
        where = info->path;
        mounted = !mounts_of_device(shell, what, info);
    }

    int result = SHELL_DONE;
    status_t status = mounted ? vfs_remount(shell->directory, where, options) : 0;
    if (!mounted)
        result = mount_in_drives(shell, what, options);
    else if (status)
        result = remount_refused(shell, what, where, options, status);
    mem_free(info);
    return result;
}

static int run_mount(struct shell *shell, int count, char **words)
{
    bool changes = count == 2 && option_given(shell, 'o') && !option_given(shell, 't');
    if (count == 1)
        return mount_list(shell);
    if (count != 3 && !changes)
        return shell_usage(shell);

    /* A wrong type is a usage error, reported before anything is changed. */
    const char *type = option_value(shell, 't');
    if (type && !mount_type_known(shell, type))
        return SHELL_USAGE;

    /* -o a -o b is the same as -o a,b. */
    struct buffer list = { 0 };
    for (const struct option_value *o = option_values(shell, 'o'); o; o = o->next) {
        buffer_put(&list, o->text, strlen(o->text));
        if (o->next)
            buffer_put(&list, ",", 1);
    }
    int result = list.status ? shell_fail(shell, NULL, list.status)
                 : changes   ? mount_change(shell, words[1], list.text)
                             : mount_source(shell, words[1], words[2], type, list.text);
    buffer_free(&list);
    return result;
}

static const struct shell_option mount_options[] = {
    { 't', "types", "TYPE", "try only this type of file system, such as cdfs" },
    { 'o', "options", "LIST...", OPTION_WORDS ",\n"
      "                       " OPTION_CHARSETS ",\n"
      "                       " OPTION_OTHERS },
    { 0 },
};

static const struct shell_command command_mount = {
    .name = "mount",
    .arguments = "[[-t TYPE] [-o LIST] DEVICE|IMAGE DIRECTORY | -o LIST MOUNTED]",
    .summary = "mount a disc or image; change the options of a mount; list the mounts",
    .arguments_max = 2,
    .run = run_mount,
    .options = mount_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_mount);

/* ---- umount ------------------------------------------------------------------------------- */

static int run_umount(struct shell *shell, int count, char **words)
{
    (void)count;
    struct mount_info *info = mem_alloc(sizeof(*info));
    status_t status = info ? vfs_unmount(shell->directory, words[1]) : -ENOMEM;
    if (status == -ENOENT || status == -EINVAL) {
        /* The operand is not a mount point: it may be a device. */
        status_t found = mounts_of_device(shell, words[1], info);
        if (!found)
            status = vfs_unmount(shell->directory, info->path);
        else if (found != -ENODEV)
            status = found == -ENOENT ? -EINVAL : found;
    }

    /* EINVAL means that neither a directory nor a device of this name is mounted. */
    mem_free(info);
    if (status == -EINVAL)
        return shell_complain(shell, "%s: not mounted", words[1]);
    return status ? shell_fail(shell, words[1], status) : SHELL_DONE;
}

static const struct shell_command command_umount = {
    .name = "umount",
    .arguments = "DIRECTORY|DEVICE",
    .summary = "unmount a directory, or the last mount of a device",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_umount,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_umount);
