/*
 * toram.c - moves a mounted disc into memory: toram.
 *
 * A drive in memory gets a copy of every block and then replaces the disc below the mount. Nothing
 * changes before the copy is complete, and open files stay open: reads continue from memory, so
 * that the disc can be taken out.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/commands/discs/vdrive/vdrive.h"
#include "shell/options.h"

/* Finds the alias of the device that is mounted at `where`. -EINVAL if none is; -EBUSY if the mount
 * is writable. */
static status_t mounted_device(struct shell *shell, const char *where,
                               char name[DEVICE_NAME_BYTES])
{
    struct path *path;
    status_t status = path_walk(shell->directory, where, 0, &path);
    if (status)
        return status;

    /* The mount table has absolute paths without links: compare with the path that was reached. */
    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    struct mount_info *info = mem_alloc(sizeof(*info));
    status = text && info ? 0 : -ENOMEM;
    if (!status)
        path_text(path, text, PATH_BYTES_MAX + 1);

    /* A mount without a device, such as a file system in memory, cannot be moved. */
    for (unsigned n = 0; !status && !(status = vfs_mount_info(n, info)); n++)
        if (text_equal(info->path, text) && *info->device)
            break;

    /* refused before the copy, which takes long; vfs_exchange_device() decides */
    if (!status && !info->fs.read_only)
        status = -EBUSY;
    if (!status)
        text_copy(name, DEVICE_NAME_BYTES, info->device);

    mem_free(info);
    mem_free(text);
    path_put(path);
    return status == -ENOENT ? -EINVAL : status;
}

/* Copies the disc to a drive in memory with the same blocks. It is removed when its mount is. */
static status_t copy_disc(struct shell *shell, struct device *disc,
                          struct virtual_register *request)
{
    struct vdrive_bar *bar = mem_alloc(sizeof(*bar));
    if (!bar)
        return -ENOMEM;

    /* The drive has the same kind and block size, so the file system notices no difference. */
    request->struct_bytes = sizeof(*request);
    request->magic = VIRTUAL_REGISTER_MAGIC;
    request->store = VIRTUAL_RAM_IMAGE;
    request->flags = VIRTUAL_TEMPORARY | (device_class(disc) == &class_cdrom ? VIRTUAL_CD : 0);
    request->block_bytes = device_block_bytes(disc);
    format_text(request->image, sizeof(request->image), "/System/Devices/Classes/%s",
                device_alias(disc));

    vdrive_bar_begin(bar, shell, device_alias(disc));
    request->progress = &bar->report;

    /* The driver reads every block now: an unreadable one fails the whole command. */
    status_t status = vdrive_control(VIRTUAL_REGISTER, request, sizeof(*request));
    vdrive_bar_end(bar);
    mem_free(bar);
    return status;
}

static const struct vdrive_refusal refusals[] = {
    { -ENOMEM, "not enough memory; drives cannot use its last eighth" },
    { -ENOSPC, "not enough memory; drives cannot use its last eighth" },
    { -EIO, "unreadable block; nothing was changed" },
    { -EALREADY, "already in memory" },
    { -EBUSY, "writable, or was since it was mounted; `umount` and `mount` it first" },
    { 0 },
};

static int move_to_memory(struct shell *shell, const char *where, struct device *disc)
{
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    status_t status = request ? copy_disc(shell, disc, request) : -ENOMEM;
    if (!status) {
        /* From here on the mount, and all that is open below it, reads from memory. */
        status = vfs_exchange_device(shell->directory, where, request->device);
        if (status) {
            /* The mount still uses the disc, and the copy is of no use. */
            struct virtual_unregister drop = { .struct_bytes = sizeof(drop),
                                               .removal = VIRTUAL_IF_IDLE };
            text_copy(drop.device, sizeof(drop.device), request->device);
            IGNORE(vdrive_control(VIRTUAL_UNREGISTER, &drop, sizeof(drop)));
        }
    }

    if (!status)
        stream_format(shell->out, "%s: now in memory, as %s; %s is no longer needed\n", where,
                      request->device, device_alias(disc));
    mem_free(request);
    return status ? vdrive_refuse(shell, device_alias(disc), status, refusals) : SHELL_DONE;
}

static int run_toram(struct shell *shell, int count, char **words)
{
    const char *where = count > 1 ? words[1] : "/System";
    char name[DEVICE_NAME_BYTES];
    status_t status = mounted_device(shell, where, name);
    if (status == -EINVAL)
        return shell_complain(shell, "%s: no device is mounted here", where);
    if (status)
        return vdrive_refuse(shell, where, status, refusals);

    /* The device may be removed between the two lookups. */
    struct device *disc = device_find(name);
    if (!disc)
        return shell_fail(shell, name, -ENODEV);

    /* A virtual drive of level 0 has its bytes in memory already. */
    struct device_medium medium = device_medium(disc);
    int result = medium.present && device_level(disc) == 0 && device_is_virtual(disc)
                     ? vdrive_refuse(shell, where, -EALREADY, refusals)
                     : move_to_memory(shell, where, disc);
    device_put(disc);
    return result;
}

static const struct shell_command command_toram = {
    .name = "toram",
    .arguments = "[DIRECTORY]",
    .summary = "move a mounted disc into memory (default: /System)",
    .arguments_max = 1,
    .run = run_toram,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_toram);
