/*
 * vdrive.c - manages virtual drives: vdrive, and its parts list, info and rm. The other parts: new
 * and add in add.c; save, diff, commit, discard and fault in contents.c.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/discs/vdrive/vdrive.h"
#include "shell/options.h"
#include "shell/reading/show.h"

static const char *state_name(enum virtual_state state)
{
    switch (state) {
    case VIRTUAL_REGISTERED: return "registered";
    case VIRTUAL_DETACHING: return "detaching";
    default: return "halted";
    }
}

static const char *store_name(enum virtual_store store)
{
    switch (store) {
    case VIRTUAL_FILE: return "file";
    case VIRTUAL_OVERLAY: return "overlay";
    case VIRTUAL_MEMORY: return "module";
    default: return "ram";
    }
}

/* ---- list --------------------------------------------------------------------------------- */

static void list_one(struct stream *out, const struct virtual_info *info)
{
    char size[SIZE_TEXT_BYTES];
    size_text(size, info->size_bytes, true);
    stream_format(out, "%-10s %-10s %-7s %5s %-2s %5u ", info->device, state_name(info->state),
                  store_name(info->store), size, info->read_only ? "ro" : "rw", info->handles);
    stream_escaped(out, *info->image ? info->image : "-", false);
    stream_text(out, "\n");
}

static int run_list(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    struct vdrive_walk *walk = mem_zalloc(sizeof(*walk));
    status_t status = walk ? 0 : -ENOMEM;
    stream_text(shell->out, "NAME       STATE      STORE    SIZE RW  OPEN IMAGE\n");

    /* -ENOENT ends the list. */
    while (walk && !(status = vdrive_walk_next(walk)))
        list_one(shell->out, &walk->info);
    mem_free(walk);
    return status == -ENOENT ? SHELL_DONE : shell_fail(shell, NULL, status);
}

static const struct shell_command vdrive_list = {
    .name = "vdrive list",
    .arguments = "",
    .summary = "list the virtual drives",
    .run = run_list,
};

/* ---- info --------------------------------------------------------------------------------- */

static const char *store_text(const struct virtual_info *info)
{
    bool writable = info->flags & VIRTUAL_WRITABLE;
    switch (info->store) {
    case VIRTUAL_RAM: return "memory";
    case VIRTUAL_FILE: return writable ? "the image; writes change it" : "the image";
    case VIRTUAL_RAM_IMAGE: return "memory, a copy of the image";
    case VIRTUAL_OVERLAY:
        return writable ? "the image, with writes in memory until commit"
                        : "the image, with writes in memory";
    default: return "memory, loaded by the boot loader";
    }
}

static void info_print_mount(void *context, const struct mount_info *mount)
{
    struct stream *out = context;
    stream_text(out, "     mount ");
    stream_escaped(out, mount->path, false);
    stream_text(out, "\n");
}

/* Prints a geometry in the form that --geometry takes. */
static void info_geometry(struct stream *out, const char *what, const struct device_geometry *of)
{
    stream_format(out, "%10s %u,%u,%u,%u\n", what, of->cylinders, of->heads, of->sectors,
                  of->sector_bytes);
}

static void info_image(struct stream *out, const struct virtual_info *info)
{
    if (!*info->image)
        return;
    stream_text(out, "     image ");
    stream_escaped(out, info->image, false);
    stream_text(out, "\n");

    /* Only what differs from a plain image. */
    if (info->offset_bytes)
        stream_format(out, "    offset %llu\n", (unsigned long long)info->offset_bytes);
    if (info->raw_sector_bytes)
        stream_format(out, "       raw sectors of %u: %u corrected, %u refused\n",
                      info->raw_sector_bytes, info->corrected_sectors, info->refused_sectors);
    if (info->tail_bytes)
        stream_format(out, "      tail %llu byte%s after the last whole %s%s\n",
                      (unsigned long long)info->tail_bytes, text_plural(info->tail_bytes),
                      info->raw_sector_bytes ? "sector" : "block",
                      info->raw_sector_bytes ? ", not shown" : "");
}

static void info_print(struct stream *out, const struct virtual_info *info)
{
    stream_format(out, "     drive %s%s\n", info->device, info->flags & VIRTUAL_CD ? ", a CD" : "");
    stream_format(out, "     state %s%s\n", state_name(info->state),
                  info->flags & VIRTUAL_TEMPORARY ? ", removed with its mount" : "");

    /* A halted drive reports the image that was withdrawn, except for the memory, which is free. */
    uint64_t blocks = info->size_bytes / info->block_bytes;
    stream_format(out, "     store %s\n", store_text(info));
    info_image(out, info);
    stream_format(out, "      size %llu bytes, %llu block%s of %u\n",
                  (unsigned long long)info->size_bytes, (unsigned long long)blocks,
                  text_plural(blocks), info->block_bytes);
    stream_format(out, "    access %s\n", info->read_only ? "read-only" : "read and write");
    if (info->state != VIRTUAL_HALTED)
        stream_format(out, "    memory %llu bytes\n", (unsigned long long)info->memory_bytes);
    info_geometry(out, "geometry", &info->geometry);
    info_geometry(out, "BIOS CHS", &info->bios_geometry);
    stream_format(out, "     level %u\n", info->level);

    /* The users of the drive. */
    stream_format(out, "generation %u\n      open %u\n", info->generation, info->handles);
    if (info->faults)
        stream_format(out, "    faults %u\n", info->faults);
    vdrive_each_mount(info->device, info_print_mount, out);
}

static int run_info(struct shell *shell, int count, char **words)
{
    (void)count;
    char device[DEVICE_NAME_BYTES];
    struct virtual_info *info;
    status_t status = vdrive_name(shell, words[1], device);
    if (status)
        return vdrive_refuse_drive(shell, words[1], status);

    /* A drive's alias is known, but whether there is such a drive is not. */
    status = vdrive_info(device, &info);
    if (status)
        return vdrive_refuse_drive(shell, device, status);
    info_print(shell->out, info);
    mem_free(info);
    return SHELL_DONE;
}

static const struct shell_command vdrive_info_part = {
    .name = "vdrive info",
    .arguments = "DRIVE",
    .summary = "show the state, image, size and geometry of a drive",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_info,
};

/* ---- rm ----------------------------------------------------------------------------------- */

/* Reports a drive that --lazy or --now could not remove yet, because it is open. */
static void report_remaining(struct shell *shell, const char *device)
{
    struct virtual_info *info;

    /* If the drive is unknown, it was removed at once. */
    if (vdrive_info(device, &info))
        return;
    stream_format(shell->out, "%s: %s, open %u time%s; removed at the last close\n", device,
                  state_name(info->state), info->handles, text_plural(info->handles));
    mem_free(info);
}

static int remove_drive(struct shell *shell, const char *word, enum virtual_removal removal)
{
    struct virtual_unregister request = { .struct_bytes = sizeof(request), .removal = removal };
    status_t status = vdrive_name(shell, word, request.device);
    if (status)
        return vdrive_refuse_drive(shell, word, status);

    /* Without an option, only a drive that is not open is removed; what keeps it open is
     * reported. */
    status = vdrive_control(VIRTUAL_UNREGISTER, &request, sizeof(request));
    if (status == -EBUSY)
        return vdrive_report_busy(shell, request.device,
                                  "; use --lazy or --now to remove it anyway");
    if (status)
        return vdrive_refuse_drive(shell, request.device, status);

    /* With --lazy and --now, the drive may remain until its last close. */
    if (removal != VIRTUAL_IF_IDLE)
        report_remaining(shell, request.device);
    return SHELL_DONE;
}

static int run_rm(struct shell *shell, int count, char **words)
{
    (void)count;
    bool lazy = option_given_name(shell, "lazy"), now = option_given_name(shell, "now");

    /* One lets open files continue, and the other ends them. */
    if (lazy && now) {
        shell_complain(shell, "--lazy and --now are incompatible");
        return SHELL_USAGE;
    }
    return remove_drive(shell, words[1],
                        lazy ? VIRTUAL_LAZY : now ? VIRTUAL_NOW : VIRTUAL_IF_IDLE);
}

static const struct shell_option rm_options[] = {
    { 0, "lazy", NULL, "refuse new opens; remove it at the last close" },
    { 0, "now", NULL, "halt it at once; open files on it get errors" },
    { 0 },
};

static const struct shell_command vdrive_rm = {
    .name = "vdrive rm",
    .arguments = "[--lazy|--now] DRIVE",
    .summary = "remove a drive, unless it is open",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_rm,
    .options = rm_options,
};

/* ---- vdrive ------------------------------------------------------------------------------- */

static const struct shell_command *const vdrive_parts[] = {
    &vdrive_new,    &vdrive_add,    &vdrive_list,  &vdrive_info_part, &vdrive_rm, &vdrive_save,
    &vdrive_diff,   &vdrive_commit, &vdrive_discard, &vdrive_fault,   NULL,
};

static const struct shell_command command_vdrive = {
    .name = "vdrive",
    .arguments = "new|add|list|info|rm|save|diff|commit|discard|fault ...",
    .summary = "manage virtual drives, backed by images or memory",
    .arguments_min = 1,
    .arguments_max = -1,
    .parts = vdrive_parts,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_vdrive);
