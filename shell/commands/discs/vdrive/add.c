/*
 * add.c - creates virtual drives: vdrive new, vdrive add.
 *
 * A request (struct virtual_register) is filled from the options, which are checked against each
 * other first, so that a contradiction is a usage error and not one of the driver.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/discs/vdrive/vdrive.h"
#include "shell/options.h"

/* ---- the report --------------------------------------------------------------------------- */

static void print_mount(void *context, const struct mount_info *mount)
{
    struct stream *out = context;

    /* A stale mount shows the image that the drive had before. */
    if (mount->stale)
        return;
    stream_text(out, ", at ");
    stream_escaped(out, mount->path, false);
}

/* "virtual0: 2365 blocks of 2048 bytes, read-only, at /Drives/virtual0" */
static void print_drive(struct shell *shell, const struct virtual_info *info)
{
    struct stream *out = shell->out;
    uint64_t blocks = info->size_bytes / info->block_bytes;
    stream_format(out, "%s: %llu block%s of %u bytes%s", info->device, (unsigned long long)blocks,
                  text_plural(blocks), info->block_bytes, info->read_only ? ", read-only" : "");

    /* Properties that most images do not have are shown only if they are there. */
    if (info->raw_sector_bytes)
        stream_format(out, ", from raw sectors of %u", info->raw_sector_bytes);
    if (info->tail_bytes)
        stream_format(out, ", %llu byte%s after the last whole %s",
                      (unsigned long long)info->tail_bytes, text_plural(info->tail_bytes),
                      info->raw_sector_bytes ? "sector, not shown" : "block");

    /* The monitor mounts a new drive before the command returns. */
    vdrive_each_mount(info->device, print_mount, out);
    stream_text(out, "\n");
}

/* Reports a drive that was created. */
static int print_created(struct shell *shell, const char *device, struct virtual_info *info)
{
    info->struct_bytes = sizeof(*info);
    text_copy(info->device, sizeof(info->device), device);
    status_t status = vdrive_control(VIRTUAL_GET_INFO, info, sizeof(*info));

    /* Another command may have removed the drive in between. */
    if (!status && info->state == VIRTUAL_HALTED)
        status = -ENODEV;
    if (status)
        return vdrive_refuse_drive(shell, device, status);
    print_drive(shell, info);
    return SHELL_DONE;
}

/* ---- refusals ----------------------------------------------------------------------------- */

/* Reports the drives that have the image open. */
static int report_image_busy(struct shell *shell, const char *subject, const char *image)
{
    /* A drive that has the image open is the usual reason, and is named. */
    bool reported = false;
    struct vdrive_walk *walk = mem_zalloc(sizeof(*walk));
    while (walk && !vdrive_walk_next(walk))
        if (text_equal(walk->info.image, image)) {
            shell_complain(shell, "%s: in use: %s %s it", subject, walk->info.device,
                           walk->info.read_only ? "reads" : "writes");
            reported = true;
        }

    /* It is open as a file, or as a device. */
    mem_free(walk);
    if (!reported)
        shell_complain(shell, "%s: in use; a writable drive needs its image exclusively",
                       subject);
    return SHELL_FAILED;
}

static const struct vdrive_refusal image_refusals[] = {
    { -EINVAL, "not possible with these options" },
    { -ENODATA, "smaller than one block of the drive" },
    { -EOVERFLOW, "offset plus size exceeds 64 bits" },
    { -EROFS, "read-only; cannot be written or extended" },
    { -ELOOP, "is stored on the drive itself" },
    { -ENODEV, "the underlying drive is halted or gone" },
    { -EMLINK, "nested too deeply; the maximum is 8 levels" },
    { -ENOMEM, "not enough memory; drives cannot use its last eighth" },
    { -ENOSPC, "not enough memory; drives cannot use its last eighth" },
    { 0 },
};

static const struct vdrive_refusal window_refusals[] = {
    { -EINVAL, "--offset and --size reach beyond its end" },
    { -ENODATA, "--offset and --size leave less than one block" },
    { 0 },
};

static int report_refusal(struct shell *shell, const struct virtual_register *request,
                          const char *subject, status_t status)
{
    /* The driver's own reason says most. Else the errno decides, together with the options. */
    if (*request->reason)
        return shell_complain(shell, "%s: %s", subject, request->reason);
    if (status == -EBUSY)
        return report_image_busy(shell, subject, request->image);

    /* With --offset or --size, these two errors are about the window and not about the image. */
    bool window = request->offset_bytes || (request->size_bytes && *request->image);
    bool of_window = window && (status == -EINVAL || status == -ENODATA);
    return vdrive_refuse(shell, subject, status, of_window ? window_refusals : image_refusals);
}

/* Sends a request. The memory for the report is allocated before: a command that fails must not
 * have created a drive. */
static int make_drive(struct shell *shell, struct virtual_register *request, const char *subject)
{
    struct vdrive_bar *bar = mem_alloc(sizeof(*bar));
    struct virtual_info *info = mem_zalloc(sizeof(*info));
    if (!bar || !info) {
        mem_free(info);
        mem_free(bar);
        return shell_fail(shell, subject, -ENOMEM);
    }

    vdrive_bar_begin(bar, shell, subject);

    /* The driver checks the size and the magic number, and reports its progress through the bar. */
    request->struct_bytes = sizeof(*request);
    request->magic = VIRTUAL_REGISTER_MAGIC;
    request->progress = &bar->report;
    status_t status = vdrive_control(VIRTUAL_REGISTER, request, sizeof(*request));
    vdrive_bar_end(bar);
    mem_free(bar);

    /* Exactly one line follows: why it failed, or what was created. */
    int result = status ? report_refusal(shell, request, subject, status)
                        : print_created(shell, request->device, info);
    mem_free(info);
    return result;
}

/* ---- options ------------------------------------------------------------------------------ */

/* Reports a usage error; returns false, as the functions below do. */
static bool wrong(struct shell *shell, const char *what)
{
    shell_complain(shell, "%s", what);
    return false;
}

static bool take_sector(struct shell *shell, struct virtual_register *request)
{
    uint64_t bytes = 0;
    if (!option_number_name(shell, "sector", 0, UINT64_MAX, &bytes))
        return false;

    /* 0 leaves the choice to the driver, so an explicit 0 must be refused here. */
    if (option_given_name(shell, "sector") && !block_bytes_valid(bytes))
        return wrong(shell, "--sector: must be 512, 1024, 2048 or 4096");
    request->block_bytes = (uint32_t)bytes;
    return true;
}

/* Parses one number of a list, up to a comma, or to the end if it is the last one. */
static bool take_number(const char **at, bool last, uint32_t *number)
{
    char text[16];
    size_t length = 0;
    uint64_t value;
    while ((*at)[length] && (*at)[length] != ',')
        length++;

    /* The last number must end the text, and any other one a comma. */
    if (length >= sizeof(text) || ((*at)[length] == '\0') != last)
        return false;

    memcpy(text, *at, length);
    text[length] = '\0';

    /* A geometry of 0 in any direction has no sectors. */
    if (text_parse_u64(text, &value) || !value || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    *at += length + !last;
    return true;
}

static bool take_geometry(struct shell *shell, struct virtual_register *request)
{
    struct device_geometry *geometry = &request->geometry;
    const char *at = option_value_name(shell, "geometry");
    uint64_t bytes;
    if (!at)
        return true;

    if (!take_number(&at, false, &geometry->cylinders) ||
        !take_number(&at, false, &geometry->heads) ||
        !take_number(&at, false, &geometry->sectors) ||
        !take_number(&at, true, &geometry->sector_bytes))
        return wrong(shell, "--geometry: must be CYLINDERS,HEADS,SECTORS,BYTES, all above 0");
    if (!block_bytes_valid(geometry->sector_bytes))
        return wrong(shell, "--geometry: BYTES must be 512, 1024, 2048 or 4096");

    /* Both products of 32-bit numbers fit in 64 bits. Only their product can overflow. */
    if (__builtin_mul_overflow((uint64_t)geometry->cylinders * geometry->heads,
                               (uint64_t)geometry->sectors * geometry->sector_bytes, &bytes))
        return wrong(shell, "--geometry: size exceeds 64 bits");

    /* A geometry already determines the sector size and the size of the drive. */
    if (option_given_name(shell, "sector") || option_given_name(shell, "size"))
        return wrong(shell, "--geometry is incompatible with --sector and --size");
    request->flags |= VIRTUAL_GEOMETRY;
    return true;
}

static bool take_window(struct shell *shell, struct virtual_register *request)
{
    uint64_t end;
    if (!option_number_name(shell, "offset", 0, UINT64_MAX, &request->offset_bytes) ||
        !option_number_name(shell, "size", 0, UINT64_MAX, &request->size_bytes))
        return false;

    /* 0 means "to the end" in a request, so an explicit 0 must be refused here. */
    if (option_given_name(shell, "size") && !request->size_bytes)
        return wrong(shell, "--size: must be above 0");
    if (__builtin_add_overflow(request->offset_bytes, request->size_bytes, &end))
        return wrong(shell, "--offset plus --size exceeds 64 bits");
    return true;
}

/* Reads where the bytes are stored, and whether they may be written. */
static bool take_store(struct shell *shell, struct virtual_register *request)
{
    bool ro = option_given_name(shell, "ro"), rw = option_given_name(shell, "rw");
    bool ram = option_given_name(shell, "ram"), overlay = option_given_name(shell, "overlay");
    bool cd = option_given_name(shell, "cd");

    /* At most one of them, where an overlay may also be writable: that allows commit. */
    if (ro + ram + (rw || overlay) > 1)
        return wrong(shell, "--ro, --rw, --ram and --overlay are incompatible, "
                            "except --overlay --rw");

    /* A CD drive never writes, and has sectors of 2048 bytes. */
    if (cd && (rw || overlay))
        return wrong(shell, "--cd is read-only; incompatible with --rw and --overlay");
    if (cd && option_given_name(shell, "disk"))
        return wrong(shell, "--cd and --disk are incompatible");
    if (cd && request->block_bytes && request->block_bytes != 2048)
        return wrong(shell, "--cd: --sector must be 2048");

    /* Without any of them, the drive reads the image in place. */
    request->store = overlay ? VIRTUAL_OVERLAY : ram ? VIRTUAL_RAM_IMAGE : VIRTUAL_FILE;
    request->flags |= (rw ? VIRTUAL_WRITABLE : 0) | (cd ? VIRTUAL_CD : 0);
    return true;
}

static bool take_options(struct shell *shell, struct virtual_register *request)
{
    if (option_given_name(shell, "no-mount"))
        request->flags |= VIRTUAL_NO_MOUNT;
    return take_sector(shell, request) && take_store(shell, request) &&
           take_geometry(shell, request) && take_window(shell, request);
}

/* ---- vdrive add --------------------------------------------------------------------------- */

/* Finds the drive that --into names, which must be halted. */
static int take_into(struct shell *shell, const char *word, char device[DEVICE_NAME_BYTES])
{
    struct virtual_info *info;
    status_t status = vdrive_name(shell, word, device);
    if (status)
        return vdrive_refuse_drive(shell, word, status);
    status = vdrive_info(device, &info);
    if (status)
        return vdrive_refuse_drive(shell, device, status);

    /* The driver checks this, too, but cannot name the command that helps. */
    enum virtual_state state = info->state;
    mem_free(info);
    if (state == VIRTUAL_HALTED)
        return SHELL_DONE;
    return shell_complain(shell, "%s: not halted; use `vdrive rm --now` first",
                          device);
}

static int add(struct shell *shell, struct virtual_register *request, const char *word)
{
    const char *into = option_value_name(shell, "into");

    /* Usage errors first, then the drive, then the image. */
    if (!take_options(shell, request))
        return SHELL_USAGE;
    int result = into ? take_into(shell, into, request->device) : SHELL_DONE;
    if (result)
        return result;
    status_t status = vdrive_image(shell, word, request->image);
    return status ? shell_fail(shell, word, status) : make_drive(shell, request, word);
}

static int run_add(struct shell *shell, int count, char **words)
{
    (void)count;

    /* A request contains whole paths, so it is allocated. */
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    if (!request)
        return shell_fail(shell, words[1], -ENOMEM);
    int result = add(shell, request, words[1]);
    mem_free(request);
    return result;
}

static const struct shell_option add_options[] = {
    { 0, "ro", NULL, "use the image read-only (the default)" },
    { 0, "rw", NULL, "write to the image itself" },
    { 0, "ram", NULL, "copy the image to memory; writes change the copy" },
    { 0, "overlay", NULL, "keep writes in memory; the image does not change" },
    { 0, "sector", "N", "bytes per sector: 512 to 4096 (512; with --cd: 2048)" },
    { 0, "offset", "N", "start N bytes into the image" },
    { 0, "size", "N", "use N bytes of the image" },
    { 0, "geometry", "C,H,S,B", "cylinders,heads,sectors,bytes; --rw extends the image" },
    { 0, "cd", NULL, "make a CD drive" },
    { 0, "disk", NULL, "make a disk (the default)" },
    { 0, "into", "DRIVE", "put the image into this halted drive" },
    { 0, "no-mount", NULL, "do not mount the drive" },
    { 0 },
};

const struct shell_command vdrive_add = {
    .name = "vdrive add",
    .arguments = "[--ro|--rw|--ram|--overlay [--rw]] [OPTION...] IMAGE",
    .summary = "create a drive from an image or a device",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_add,
    .options = add_options,
};

/* ---- vdrive new --------------------------------------------------------------------------- */

static int run_new(struct shell *shell, int count, char **words)
{
    (void)count;
    struct virtual_register *request = mem_zalloc(sizeof(*request));
    if (!request)
        return shell_fail(shell, words[1], -ENOMEM);
    request->store = VIRTUAL_RAM;
    int result = SHELL_USAGE;

    /* Both functions report their own errors. */
    if (shell_number(shell, "SIZE", words[1], 0, UINT64_MAX, &request->size_bytes) &&
        take_sector(shell, request))
        result = make_drive(shell, request, words[1]);
    mem_free(request);
    return result;
}

static const struct shell_option new_options[] = {
    { 0, "sector", "N", "bytes per sector: 512, 1024, 2048 or 4096 (512)" },
    { 0 },
};

const struct shell_command vdrive_new = {
    .name = "vdrive new",
    .arguments = "[--sector N] SIZE",
    .summary = "create a zeroed drive in memory",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_new,
    .options = new_options,
};
