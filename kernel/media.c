/*
 * media.c - mounts drives below /Drives, and one of them at /System: see media.h.
 */
#include "kernel/media.h"
#include "kernel/controllers.h"
#include "kernel/dev/event.h"
#include "kernel/log.h"
#include "kernel/module/index.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { MOUNT_PATH_BYTES = 64, BUILD_ID_BYTES = 64 };

enum { MADE_DIRECTORY = 1 }; /* of device_event_flags(): /Drives/<class name> */

static struct {
    const struct monitor_options *options;
    struct path *root;
    struct spin lock; /* rank QUEUE: the rest */
    bool reporting;   /* of unknown formats: not before the boot disc's drivers can be loaded */
    bool chosen;      /* a medium with the kernel's build id may become /System at once */
    char why[MOUNT_REASON_BYTES + DEVICE_NAME_BYTES]; /* the last medium was not mounted */
} media = {
    .lock = SPIN_INIT(RANK_QUEUE),
};

void media_start(const struct monitor_options *options)
{
    media.options = options;
    media.root = path_root();
    media.chosen = media.reporting = false;
    *media.why = '\0';
}

void media_stop(void)
{
    path_put(media.root);
}

static bool is_chosen(void)
{
    spin_lock(&media.lock);
    bool chosen = media.chosen;
    spin_unlock(&media.lock);
    return chosen;
}

/* ---- one drive ---------------------------------------------------------------------------- */

bool media_may_be_mounted(const struct device *device)
{
    return *device_alias(device) && device_has_data(device) && device_automounts(device);
}

static void drive_path(const struct device *device, char *path)
{
    format_text(path, MOUNT_PATH_BYTES, "/Drives/%s", device_alias(device));
}

bool media_is_mounted(const struct device *device)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    bool mounted = !info; /* without memory, nothing more is mounted */
    for (unsigned n = 0; info && !mounted && !vfs_mount_info(n, info); n++)
        mounted = text_equal(info->device, device_alias(device));
    mem_free(info);
    return mounted;
}

/* Returns whether a disc is mounted at this directory. */
static bool is_mount_point(const char *text)
{
    struct path *path;
    if (path_walk(media.root, text, 0, &path))
        return false;
    bool mounted = path_is_mount_point(path);
    path_put(path);
    return mounted;
}

/* Writes why a medium could not be mounted. */
static void reason(struct device *device, status_t status, char *text, size_t bytes)
{
    struct device_medium medium = device_medium(device);
    if (!medium.present || status == -ENOMEDIUM)
        text_copy(text, bytes, "no disc");
    else if (!medium.bytes)
        text_copy(text, bytes, "a blank disc");
    else
        device_mount_reason(device_alias(device), status, text, bytes);
}

/* Removes the directory if mount_below() made it. */
static void remove_directory(struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    unsigned *flags = device_event_flags(device);
    if (!(*flags & MADE_DIRECTORY))
        return;

    /* Fails if a user has put something into the directory, which then stays. */
    drive_path(device, path);
    *flags &= ~(unsigned)MADE_DIRECTORY;
    IGNORE(vfs_unlink(media.root, path));
}

/* Mounts a device's medium at /Drives/<class name>. */
static status_t mount_below(struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    struct device_medium medium = device_medium(device);
    if (!medium.present || !medium.bytes)
        return -ENOMEDIUM;

    /* /Drives exists, unless a user removed it; a directory that exists is the user's. */
    drive_path(device, path);
    IGNORE(vfs_mkdir(media.root, "/Drives"));
    status_t status = vfs_mkdir(media.root, path);
    if (status && status != -EEXIST)
        return status;
    if (!status)
        *device_event_flags(device) |= MADE_DIRECTORY;

    /* The file system's driver may be on the boot disc. */
    status = index_mount(media.root, path, device_alias(device), NULL, NULL);
    if (status)
        remove_directory(device);
    return status;
}

void media_unmount(struct device *device)
{
    vfs_unmount_device(device);
    remove_directory(device);
}

/* Returns whether the disc mounted at /Drives/<class name> has the kernel's build id. */
static bool is_ours(const struct device *device)
{
    char path[MOUNT_PATH_BYTES + 16], id[BUILD_ID_BYTES] = "";
    struct file *file;
    format_text(path, sizeof(path), "/Drives/%s/boot/spindle.id", device_alias(device));
    if (file_open(media.root, path, OPEN_READ, &file))
        return false;

    /* A disc without the file, or whose file cannot be read, is not the kernel's. */
    ssize_t got = file_read(file, id, sizeof(id) - 1);
    file_close(file);

    /* The id must end where the kernel's ends: a longer one is another build's. */
    size_t length = strlen(media.options->build_id);
    return got >= (ssize_t)length && text_starts(id, media.options->build_id) &&
           (id[length] == '\n' || !id[length]);
}

/* ---- /System ------------------------------------------------------------------------------ */

bool media_have_system(void)
{
    return is_mount_point("/System");
}

void media_become_system(struct device *device)
{
    char why[MOUNT_REASON_BYTES];

    /* Its mount moves, so that the disc is in one place only; it moves back if that fails. */
    media_unmount(device);
    status_t status = vfs_mount(media.root, "/System", device_alias(device), NULL, NULL);
    if (!status) {
        log_info("monitor", "/System is %s", device_alias(device));
        return;
    }
    reason(device, status, why, sizeof(why));
    log_warn("monitor", "%s cannot become /System: %s", device_alias(device), why);
    IGNORE(mount_below(device));
}

void media_release_copies(void)
{
    struct device *device;
    for (unsigned last = 0; media.options->release_copy && (device = device_by_class(last));) {
        last = device_number(device);

        /* The device that is /System now is not mounted below /Drives, so it is not found here. */
        if (device_is_virtual(device) && media_may_be_mounted(device) && is_ours(device))
            IGNORE(media.options->release_copy(device)); /* other drives stay */
        device_put(device);
    }
}

/* Unmounts the boot loader's copy from /System. Returns a reference to its drive; NULL if something
 * else is there, or if it is in use. */
static struct device *leave_copy(void)
{
    /* The mount is found by its path, since the copy may have any alias. */
    struct device *copy = NULL;
    struct mount_info *info = mem_alloc(sizeof(*info));
    for (unsigned n = 0; info && !copy && !vfs_mount_info(n, info); n++)
        if (text_equal(info->path, "/System"))
            copy = device_find(info->device);
    mem_free(info);

    /* An unmount that fails means that a program uses a file of the copy, which then stays
     * /System. */
    if (copy && media.options->is_copy && media.options->is_copy(copy) &&
        !vfs_unmount(media.root, "/System"))
        return copy;
    device_put(copy);
    return NULL;
}

/* Mounts a medium that arrived after start-up at /System, if it belongs there. */
static bool take_system(struct device *device)
{
    struct device *copy = NULL;

    /* During start-up media_choose() looks at all media together. Afterwards each one is looked
     * at when it arrives. */
    if (!is_chosen() || !is_ours(device))
        return false;

    /* Only a drive of the machine replaces the copy, and nothing replaces another disc. */
    if (media_have_system() && (device_is_virtual(device) || !(copy = leave_copy())))
        return false;

    /* The copy is needed again if that fails. */
    media_become_system(device);
    if (copy && !media_have_system())
        IGNORE(vfs_mount(media.root, "/System", device_alias(copy), NULL, NULL));
    else if (copy)
        IGNORE(media.options->release_copy(copy));
    device_put(copy);
    return true;
}

/* ---- media that arrive -------------------------------------------------------------------- */

/* Returns whether the medium has parts, which are mounted instead of the whole. */
static bool has_parts(struct device *device)
{
    bool found = false;
    struct device *child;
    for (unsigned last = 0; !found && (child = device_child(device, last));) {
        last = device_number(child);
        /* A child that is not a part, such as a virtual drive's, does not keep the whole from
         * being mounted. */
        found = device_is_part(child);
        device_put(child);
    }
    return found;
}

static void note_failure(struct device *device, status_t status)
{
    char why[sizeof(media.why)], text[MOUNT_REASON_BYTES];

    /* The text is made without the lock: to find the reason may read the medium. */
    reason(device, status, text, sizeof(text));
    format_text(why, sizeof(why), "%s: %s", device_alias(device), text);

    spin_lock(&media.lock);
    memcpy(media.why, why, sizeof(why));
    bool report = media.reporting || status != -EMEDIUMTYPE;
    spin_unlock(&media.lock);
    if (report)
        log_info("monitor", "%s", why);
}

void media_report_failures(void)
{
    spin_lock(&media.lock);
    media.reporting = true;
    spin_unlock(&media.lock);
}

void media_mount(struct device *device)
{
    if (!media_may_be_mounted(device) || has_parts(device))
        return;

    /* -EBUSY: mounted already. */
    status_t status = mount_below(device);
    if (status && status != -EBUSY)
        note_failure(device, status);
    if (!status && !take_system(device) && is_chosen())
        log_info("monitor", "%s is at /Drives/%s", device_alias(device), device_alias(device));
}

/* ---- the choice --------------------------------------------------------------------------- */

/* Returns whether the device precedes `over`. */
static bool is_preferred(const struct device *device, const struct device *over)
{
    /* A drive of the machine precedes a copy in memory, a CD precedes a disk, then the lower
     * number: the result does not depend on which drive was detected first. */
    if (!over || device_is_virtual(device) != device_is_virtual(over))
        return !over || device_is_virtual(over);
    bool cd = device_class(device) == &class_cdrom, over_cd = device_class(over) == &class_cdrom;
    return cd != over_cd ? cd : device_class_number(device) < device_class_number(over);
}

/* Returns a reference to the first device, in order of preference, that `accept` accepts, or
 * NULL. */
static struct device *choose(bool (*accept)(const struct device *device))
{
    struct device *best = NULL, *device;
    for (unsigned last = 0; (device = device_by_class(last));) {
        last = device_number(device);

        /* `accept` may read the disc, so it is not asked about drives that cannot have one. */
        bool better = media_may_be_mounted(device) && accept(device) && is_preferred(device, best);
        device_put(better ? best : device);
        if (better)
            best = device;
    }
    return best;
}

static bool is_mounted_cd(const struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    drive_path(device, path);
    return device_class(device) == &class_cdrom && is_mount_point(path);
}

static bool is_asked_for(const struct device *device)
{
    char path[MOUNT_PATH_BYTES];
    drive_path(device, path);
    return text_equal(device_alias(device), media.options->system_name) && is_mount_point(path);
}

struct device *media_choose(void)
{
    /* A wrong name must not keep the machine from starting: it is reported, and the usual order
     * decides. */
    const char *name = media.options->system_name;
    struct device *device = name ? choose(is_asked_for) : NULL, *found;
    if (name && !device) {
        found = device_find(name);
        log_warn("monitor", "system=%s: %s; /System is chosen without it", name,
                 found ? "it has no disc that can be mounted" : "no such drive");
        device_put(found);
    }

    /* The disc that this kernel belongs to, else the first CD. */
    if (!device)
        device = choose(is_ours);
    if (!device)
        device = choose(is_mounted_cd);

    /* Only now, so that a medium that arrives during the choice is mounted below /Drives and
     * nowhere else. */
    spin_lock(&media.lock);
    media.chosen = true;
    spin_unlock(&media.lock);
    return device;
}

void media_report_none(void)
{
    char why[sizeof(media.why)];
    struct device *device;
    spin_lock(&media.lock);
    memcpy(why, media.why, sizeof(why));
    spin_unlock(&media.lock);

    /* Without a failure on record all drives were empty: the first one is named. */
    for (unsigned last = 0; !*why && (device = device_by_class(last)); device_put(device)) {
        last = device_number(device);
        if (media_may_be_mounted(device))
            format_text(why, sizeof(why), "%s: no disc", device_alias(device));
    }
    log_warn("monitor", "nothing is mounted at /System: %s", *why ? why : "there is no drive");
    controllers_report();
}
