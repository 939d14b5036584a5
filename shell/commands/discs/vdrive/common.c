/*
 * common.c - requests, names and messages of the vdrive commands; see vdrive.h.
 */
#include "shell/commands/discs/vdrive/vdrive.h"
#include "kernel/dev/deadlines.h"
#include "kernel/monitor.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

static const char devices_path[] = "/System/Devices/";

/* ---- requests ----------------------------------------------------------------------------- */

status_t vdrive_control(unsigned operation, void *request, size_t bytes)
{
    /* Only the driver of virtual drives publishes this device. */
    struct device *control = device_find(VIRTUAL_CONTROL), *drive = NULL;
    if (!control)
        return -EOPNOTSUPP;

    /* The drive is found by name before it is removed, or after it was made. */
    if (operation == VIRTUAL_UNREGISTER)
        drive = device_find(((struct virtual_unregister *)request)->device);
    status_t status = device_control(control, operation, request, bytes);
    device_put(control);
    if (operation == VIRTUAL_REGISTER)
        drive = device_find(((struct virtual_register *)request)->device);
    else if (operation == VIRTUAL_FAULT)
        drive = device_find(((struct virtual_fault *)request)->device);

    /* A drive with a bad disc may keep the monitor busy; the command has succeeded nevertheless. */
    if (drive)
        IGNORE(monitor_wait_idle(drive, time_now_us() + DEADLINE_SETTLE_US));
    device_put(drive);
    return status;
}

status_t vdrive_info(const char *device, struct virtual_info **result)
{
    struct virtual_info *info = mem_zalloc(sizeof(*info));
    if (!info)
        return -ENOMEM;
    info->struct_bytes = sizeof(*info);
    text_copy(info->device, sizeof(info->device), device);
    status_t status = vdrive_control(VIRTUAL_GET_INFO, info, sizeof(*info));
    if (status)
        mem_free(info);
    else
        *result = info;
    return status;
}

status_t vdrive_walk_next(struct vdrive_walk *walk)
{
    status_t status;

    /* The list request advances to the next number by itself. */
    walk->list.struct_bytes = sizeof(walk->list);
    walk->info.struct_bytes = sizeof(walk->info);
    do {
        status = vdrive_control(VIRTUAL_LIST, &walk->list, sizeof(walk->list));
        if (status)
            return status;

        /* The list gives only the names of drives. */
        text_copy(walk->info.device, sizeof(walk->info.device), walk->list.device);
        status = vdrive_control(VIRTUAL_GET_INFO, &walk->info, sizeof(walk->info));
    } while (status == -ENODEV); /* the drive was removed in between */
    return status;
}

static void bar_report(struct virtual_progress *report, uint64_t done_bytes, uint64_t total_bytes)
{
    struct vdrive_bar *bar = container_of(report, struct vdrive_bar, report);

    /* The driver reports totals, and the progress bar adds up differences. */
    bar->progress.total_bytes = total_bytes;
    progress_add(&bar->progress, done_bytes - bar->progress.done_bytes);
}

void vdrive_bar_begin(struct vdrive_bar *bar, struct shell *shell, const char *name)
{
    bar->report.report = bar_report;
    progress_begin(&bar->progress, shell, name, 0);
}

void vdrive_bar_end(struct vdrive_bar *bar)
{
    progress_end(&bar->progress);
}

/* ---- names -------------------------------------------------------------------------------- */

/* Returns the device of a device's file, a reference; NULL for any other path. */
static struct device *device_of_path(struct path *path)
{
    struct device *device = NULL;
    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    if (text && text_equal(path_fsd(path)->name, "devfs") &&
        path_text(path, text, PATH_BYTES_MAX + 1) <= PATH_BYTES_MAX &&
        text_starts(text, devices_path))
        device = device_find(text + strlen(devices_path));
    mem_free(text);
    return device;
}

static bool all_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return !*text;
}

status_t vdrive_name(struct shell *shell, const char *word, char device[DEVICE_NAME_BYTES])
{
    /* Digits are a drive's number, and a word without a slash is its alias. */
    struct path *path;
    int length = *word && all_digits(word)
                     ? format_text(device, DEVICE_NAME_BYTES, "virtual%s", word)
                     : (int)text_copy(device, DEVICE_NAME_BYTES, word);
    if (!strchr(word, '/'))
        return *word && length < DEVICE_NAME_BYTES ? 0 : -ENODEV;

    /* A path must lead to a device's file. Its alias then names the drive. */
    status_t status = path_walk(shell->directory, word, 0, &path);
    if (status)
        return status;
    struct device *found = device_of_path(path);
    if (!found || !*device_alias(found))
        status = -EINVAL;
    else
        text_copy(device, DEVICE_NAME_BYTES, device_alias(found));
    device_put(found);
    path_put(path);
    return status;
}

status_t vdrive_image(struct shell *shell, const char *word, char image[VIRTUAL_IMAGE_BYTES])
{
    struct device *device = *word ? device_find(word) : NULL;
    if (device) {
        /* The driver opens images by path, and the path of a device is unique. */
        size_t length = text_copy(image, VIRTUAL_IMAGE_BYTES, devices_path);
        device_path(device, image + length, VIRTUAL_IMAGE_BYTES - length);
        device_put(device);
        return 0;
    }

    /* A path is made absolute, because the driver has no current directory. */
    struct path *path;
    status_t status = path_walk(shell->directory, word, 0, &path);
    if (status)
        return status;
    if (path_is_directory(path))
        status = -EISDIR;
    else if (path_text(path, image, VIRTUAL_IMAGE_BYTES) >= VIRTUAL_IMAGE_BYTES)
        status = -ENAMETOOLONG;
    path_put(path);
    return status;
}

/* ---- messages ----------------------------------------------------------------------------- */

int vdrive_refuse(struct shell *shell, const char *subject, status_t status,
                  const struct vdrive_refusal *table)
{
    /* After ^C any errno means only that the request was interrupted. */
    for (; table->status; table++)
        if (table->status == status && !shell_interrupted())
            return shell_complain(shell, "%s: %s", subject, table->reason);
    return shell_fail(shell, subject, status);
}

/* Returns why a drive answers -ENODEV: it may still exist, but be halted or detaching. */
static const char *gone_text(const char *device)
{
    struct virtual_info *info;

    /* The driver still knows drives that can no longer be opened. */
    if (vdrive_info(device, &info))
        return "no such virtual drive; `vdrive list` shows them";
    enum virtual_state state = info->state;
    mem_free(info);
    return state == VIRTUAL_HALTED ? "halted; it has no image"
                                   : "being removed; it cannot be opened";
}

int vdrive_refuse_drive(struct shell *shell, const char *device, status_t status)
{
    const struct vdrive_refusal table[] = {
        { -ENODEV, status == -ENODEV ? gone_text(device) : "" },
        { -EINVAL, "not a virtual drive" },
        { -EALREADY, "already being removed, at its last close" },
        { 0 },
    };
    return vdrive_refuse(shell, device, status, table);
}

void vdrive_each_mount(const char *device,
                       void (*visit)(void *context, const struct mount_info *mount), void *context)
{
    /* The number of a device is never used again, so stale mounts are not confused with it. */
    struct mount_info *info = mem_alloc(sizeof(*info));
    struct device *found = device_find(device);
    unsigned number = found ? device_number(found) : 0;
    for (unsigned n = 0; info && number && vfs_mount_info(n, info) != -ENOENT; n++)
        if (info->device_number == number)
            visit(context, info);
    device_put(found);
    mem_free(info);
}

struct busy {
    struct shell *shell;
    const char *device;
};

static void busy_report_mount(void *context, const struct mount_info *mount)
{
    const struct busy *busy = context;
    shell_complain(busy->shell, "%s: mounted at %s", busy->device, mount->path);
}

/* Returns true if the image is this drive's file, by any path. */
static bool image_is_drive(struct shell *shell, const char *image, const char *device)
{
    struct path *path;
    if (!*image || path_walk(shell->directory, image, 0, &path))
        return false;

    /* Paths may differ and lead to the same device: compare the alias. */
    struct device *of_image = device_of_path(path);
    bool is = of_image && text_equal(device_alias(of_image), device);
    device_put(of_image);
    path_put(path);
    return is;
}

static void busy_report_images(const struct busy *busy)
{
    /* Without memory, the drives that use it are not named. */
    struct vdrive_walk *walk = mem_zalloc(sizeof(*walk));
    while (walk && !vdrive_walk_next(walk))
        if (image_is_drive(busy->shell, walk->info.image, busy->device))
            shell_complain(busy->shell, "%s: used as the image of %s", busy->device,
                           walk->info.device);
    mem_free(walk);
}

int vdrive_report_busy(struct shell *shell, const char *device, const char *advice)
{
    struct busy busy = { shell, device };
    struct virtual_info *info;
    status_t status = vdrive_info(device, &info);
    if (status)
        return vdrive_refuse_drive(shell, device, status);

    /* The users that are known come first, then the number of all of them. */
    vdrive_each_mount(device, busy_report_mount, &busy);
    busy_report_images(&busy);
    shell_complain(shell, "%s: in use, open %u time%s%s", device, info->handles,
                   text_plural(info->handles), advice);
    mem_free(info);
    return SHELL_FAILED;
}
