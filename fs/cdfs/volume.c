/*
 * volume.c - mounting: recognises an ISO 9660 or High Sierra volume, and chooses the session and
 * the name tree that are shown.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- descriptors -------------------------------------------------------------------------- */

/* The fields of a primary or supplementary descriptor that are used. */
struct descriptor {
    bool found;
    uint64_t root_address; /* of the root's record, on the device */
    uint32_t block_bytes;
    uint64_t volume_blocks;
    unsigned set_size, sequence_number;
    uint8_t volume_id[PVD_VOLUME_ID_BYTES];
    uint8_t root_record[PVD_ROOT_RECORD_BYTES];
};

struct descriptors {
    struct descriptor primary, joliet, enhanced, high_sierra;
};

/* Offsets of these fields. */
struct descriptor_layout {
    size_t volume_id, space_size, set_size, sequence_number, block_bytes, root_record;
};

static const struct descriptor_layout layout_iso = {
    PVD_VOLUME_ID,       PVD_SPACE_SIZE,  PVD_SET_SIZE,
    PVD_SEQUENCE_NUMBER, PVD_BLOCK_BYTES, PVD_ROOT_RECORD,
};

static const struct descriptor_layout layout_high_sierra = {
    HS_VOLUME_ID,       HS_SPACE_SIZE,  HS_SET_SIZE,
    HS_SEQUENCE_NUMBER, HS_BLOCK_BYTES, HS_ROOT_RECORD,
};

/* Fills *descriptor, unless an earlier one of its kind did. */
static void descriptor_take(struct cdfs *cdfs, struct bytes b, uint64_t address,
                            const struct descriptor_layout *layout,
                            struct descriptor *descriptor)
{
    bool agree = true;

    /* The set may hold a descriptor several times (6.7.1). The first one counts. */
    if (descriptor->found)
        return;

    descriptor->found = true;
    descriptor->root_address = address + layout->root_record;
    descriptor->block_bytes = iso_723(b, layout->block_bytes, &agree);
    descriptor->volume_blocks = iso_733(b, layout->space_size, &agree);
    descriptor->set_size = iso_723(b, layout->set_size, &agree);
    descriptor->sequence_number = iso_723(b, layout->sequence_number, &agree);
    memcpy(descriptor->volume_id, b.data + layout->volume_id, PVD_VOLUME_ID_BYTES);
    memcpy(descriptor->root_record, b.data + layout->root_record, PVD_ROOT_RECORD_BYTES);

    /* The little-endian halves were used. A difference is harmless, but worth counting. */
    if (!agree)
        cdfs_anomaly(cdfs, ANOMALY_BOTH_ENDIAN);
}

/* Reads one sector of the set. Returns 1 if the set continues, 0 at its end, or an errno. */
static int descriptor_read(struct cdfs *cdfs, uint64_t address, uint8_t *sector,
                           struct descriptors *set)
{
    struct bytes b = { sector, ISO_SECTOR_BYTES };
    status_t status = cdfs_read(cdfs, address, sector, ISO_SECTOR_BYTES);
    if (status)
        return status;

    /* A High Sierra descriptor begins with its block number, so its fields are 8 bytes later. */
    if (memcmp(sector + HS_STANDARD_ID, "CDROM", VD_STANDARD_ID_BYTES) == 0) {
        if (iso_711(b, HS_TYPE) == VD_TYPE_PRIMARY && iso_711(b, HS_VERSION) == 1)
            descriptor_take(cdfs, b, address, &layout_high_sierra, &set->high_sierra);
        return iso_711(b, HS_TYPE) != VD_TYPE_TERMINATOR;
    }

    /* Some writers omit the terminator. The set then ends at the first sector of another kind. */
    if (memcmp(sector + VD_STANDARD_ID, "CD001", VD_STANDARD_ID_BYTES) != 0) {
        cdfs_anomaly(cdfs, ANOMALY_TERMINATOR);
        return 0;
    }

    /* A supplementary descriptor leads to another tree of names for the same files. Joliet's has
     * version 1 and an escape sequence; that of ISO 9660:1999 has version 2. */
    unsigned type = iso_711(b, VD_TYPE), version = iso_711(b, VD_VERSION);
    if (type == VD_TYPE_PRIMARY && version == 1)
        descriptor_take(cdfs, b, address, &layout_iso, &set->primary);
    if (type == VD_TYPE_SUPPLEMENTARY && cdfs_descriptor_is_joliet(b))
        descriptor_take(cdfs, b, address, &layout_iso, &set->joliet);
    if (type == VD_TYPE_SUPPLEMENTARY && version == 2)
        descriptor_take(cdfs, b, address, &layout_iso, &set->enhanced);
    return type != VD_TYPE_TERMINATOR;
}

/* Reads the session's descriptors. -EMEDIUMTYPE if none is primary. */
static status_t descriptors_read(struct cdfs *cdfs, struct descriptors *set)
{
    uint64_t first = cdfs->session_address + (uint64_t)ISO_FIRST_DESCRIPTOR * ISO_SECTOR_BYTES;
    uint8_t *sector = mem_alloc(ISO_SECTOR_BYTES);
    if (!sector)
        return -ENOMEM;

    /* 6.2.1: the first 16 sectors are the system area. Descriptors follow, one a sector. */
    int more = 1;
    for (unsigned i = 0; more > 0 && i < CDFS_DESCRIPTORS_MAX; i++)
        more = descriptor_read(cdfs, first + (uint64_t)i * ISO_SECTOR_BYTES, sector, set);
    mem_free(sector);

    /* The budget ended before the set did. The descriptors that were found are used. */
    if (more > 0)
        cdfs_anomaly(cdfs, ANOMALY_DESCRIPTORS);

    /* From here on, a High Sierra descriptor serves as the primary one. */
    if (!set->primary.found && set->high_sierra.found) {
        set->primary = set->high_sierra;
        cdfs->high_sierra = true;
    }

    /* An error after the primary descriptor does not matter. */
    if (set->primary.found)
        return 0;

    /* An unreadable descriptor is an error, unless the device is too short to have one. */
    bool too_short = cdfs->device_bytes < (uint64_t)(ISO_FIRST_DESCRIPTOR + 1) * ISO_SECTOR_BYTES;
    return more < 0 && !too_short ? more : -EMEDIUMTYPE;
}

/* ---- name trees --------------------------------------------------------------------------- */

static void volume_use(struct cdfs *cdfs, const struct descriptor *descriptor,
                       enum cdfs_tree tree)
{
    cdfs->tree = tree;
    cdfs->block_bytes = descriptor->block_bytes;
    cdfs->volume_blocks = descriptor->volume_blocks;
    cdfs->set_size = descriptor->set_size;
    cdfs->sequence_number = descriptor->sequence_number;
    cdfs->root_record_address = descriptor->root_address;
    memcpy(cdfs->root_record, descriptor->root_record, PVD_ROOT_RECORD_BYTES);
}

/* Checks the descriptor's root and reads its "." record into *dot. Some roots have no ".": then
 * *dot is another record. -EUCLEAN if the root is not a directory on the device. */
static status_t volume_check_root(struct cdfs *cdfs, struct cdfs_record *dot)
{
    struct bytes raw = { cdfs->root_record, sizeof(cdfs->root_record) };
    uint32_t block = cdfs->block_bytes;

    /* 6.2.2: a logical block is 512 bytes or more, and not larger than a sector. */
    if ((block != 512 && block != 1024 && block != 2048) ||
        !cdfs_record_decode(cdfs, raw, cdfs->root_record_address, dot))
        return -EUCLEAN;

    /* A damaged root fails now, not at the first look-up, so another tree can be chosen. */
    if (!(dot->flags & DR_FLAG_DIRECTORY) || !dot->data_bytes ||
        dot->data_address >= cdfs->device_bytes)
        return -EUCLEAN;

    cdfs->root_address = dot->data_address;
    status_t status = cdfs_record_at(cdfs, dot->data_address, dot);

    /* The root without a "." record is usable. A root that cannot be read is not. */
    return status == -EUCLEAN ? 0 : status;
}

/* Returns whether the root holds nothing except "." and "..". `record` is scratch. */
static bool volume_root_is_empty(struct cdfs *cdfs, struct cdfs_record *record)
{
    struct cdfs_scan scan;
    struct bytes raw = { cdfs->root_record, sizeof(cdfs->root_record) };
    if (!cdfs_record_decode(cdfs, raw, cdfs->root_record_address, record))
        return true;

    /* One name is enough, so this rarely reads more than a sector. An error ends the scan as the
     * end of the directory does; it is reported where the root is listed. */
    uint64_t start = record->data_address;
    bool empty = true;
    cdfs_scan_begin(&scan, cdfs, start, start + record->data_bytes);
    while (empty && cdfs_scan_next(&scan, record) > 0)
        empty = cdfs_record_is_dot(record);
    cdfs_scan_end(&scan);
    return empty;
}

/* Uses the primary descriptor's tree; with `rock`, -ENOENT unless it has Rock Ridge names. */
static status_t volume_choose_plain(struct cdfs *cdfs, const struct descriptors *set, bool rock,
                                    struct cdfs_record *record)
{
    volume_use(cdfs, &set->primary, TREE_PLAIN);
    status_t status = volume_check_root(cdfs, record);
    if (status)
        return status;

    /* SUSP 5.3: the SP entry, without which no Rock Ridge entry counts, is in the root's ".". */
    bool susp = cdfs_record_is_dot(record) && cdfs_susp_detect(record, &cdfs->susp_skip);
    if (rock && susp)
        cdfs->tree = TREE_ROCK_RIDGE;
    return rock && !susp ? -ENOENT : 0;
}

static status_t volume_choose_joliet(struct cdfs *cdfs, const struct descriptors *set,
                                     struct cdfs_record *record)
{
    if (!set->joliet.found)
        return -ENOENT;
    volume_use(cdfs, &set->joliet, TREE_JOLIET);
    return volume_check_root(cdfs, record);
}

/* ISO 9660:1999 8.5: a supplementary descriptor of version 2. */
static status_t volume_choose_enhanced(struct cdfs *cdfs, const struct descriptors *set,
                                       struct cdfs_record *record)
{
    if (!set->enhanced.found)
        return -ENOENT;
    volume_use(cdfs, &set->enhanced, TREE_ENHANCED);
    return volume_check_root(cdfs, record);
}

/* Chooses Rock Ridge, else Joliet, else enhanced, else plain. A tree that is damaged or empty gives
 * way to the next. */
static status_t volume_choose(struct cdfs *cdfs, const struct descriptors *set,
                              struct cdfs_record *record)
{
    /* Rock Ridge names are complete and have POSIX attributes. On some hybrid discs, however, the
     * plain tree is empty and all files are in Joliet's. */
    status_t rock = volume_choose_plain(cdfs, set, true, record);
    if (!rock && !(set->joliet.found && volume_root_is_empty(cdfs, record)))
        return 0;

    /* Without Rock Ridge, or with an empty tree there, Joliet is next. */
    if (!volume_choose_joliet(cdfs, set, record))
        return 0;

    /* Joliet's tree is damaged. volume_use() has replaced the empty one: choose that again. */
    if (!rock)
        return volume_choose_plain(cdfs, set, true, record);

    /* The enhanced tree has longer names than the plain one, which every disc has. */
    if (!volume_choose_enhanced(cdfs, set, record) && !volume_root_is_empty(cdfs, record))
        return 0;
    return volume_choose_plain(cdfs, set, false, record);
}

/* Of `mount -o`. */
struct mount_options {
    const char *names; /* a name tree; NULL to choose one */
    size_t names_length;
    const struct charset *charset; /* NULL for the default */
    uint64_t session;  /* from 1; 0 for the last */
    bool exact_case;
};

/* Uses the tree that names=... asks for. -ENOENT if the disc does not have it. */
static status_t volume_choose_named(struct cdfs *cdfs, const struct descriptors *set,
                                    const struct mount_options *options,
                                    struct cdfs_record *record)
{
    const char *names = options->names;
    size_t length = options->names_length;

    if (text_equal_n(names, length, "rr", 2))
        return volume_choose_plain(cdfs, set, true, record);
    if (text_equal_n(names, length, "joliet", 6))
        return volume_choose_joliet(cdfs, set, record);
    if (text_equal_n(names, length, "enhanced", 8))
        return volume_choose_enhanced(cdfs, set, record);
    if (text_equal_n(names, length, "iso", 3))
        return volume_choose_plain(cdfs, set, false, record);
    return -EINVAL;
}

/* Decodes the volume name. Trailing blanks are padding (7.4.3.2); blanks within belong to it. */
static void volume_take_name(struct cdfs *cdfs, const struct descriptors *set)
{
    bool replaced = false;
    size_t length;

    /* Joliet's descriptor holds UCS-2, the primary one bytes that are decoded like plain names. */
    if (cdfs->tree == TREE_JOLIET) {
        struct bytes id = { set->joliet.volume_id, PVD_VOLUME_ID_BYTES };
        length = cdfs_name_from_ucs2(id, cdfs->volume_name, sizeof(cdfs->volume_name) - 1,
                                     &replaced);
    } else {
        const char *id = (const char *)set->primary.volume_id;
        const struct charset *charset = cdfs_name_charset(cdfs, false, id, PVD_VOLUME_ID_BYTES);
        struct bytes encoded = { set->primary.volume_id, PVD_VOLUME_ID_BYTES };
        length = charset_to_utf8(charset ? charset : charset_find("utf-8", 5), encoded,
                                 cdfs->volume_name, sizeof(cdfs->volume_name) - 1, &replaced);
    }
    cdfs->volume_name[length] = '\0';

    /* Some writers pad with NUL, so the name ends at the first one. */
    length = strlen(cdfs->volume_name);
    while (length && cdfs->volume_name[length - 1] == ' ')
        length--;
    cdfs->volume_name[length] = '\0';

    /* A terminal that shows the name would interpret control characters. */
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)cdfs->volume_name[i] < 0x20 || cdfs->volume_name[i] == 0x7f)
            cdfs->volume_name[i] = '_';
}

/* Reads the descriptors of the session that is asked for; by default of the last, or of the first
 * if the last holds no file system. */
static status_t volume_read_descriptors(struct cdfs *cdfs, const struct mount_options *options,
                                        struct descriptors *set)
{
    struct device_session session = { .number = (unsigned)options->session };
    status_t status = cdfs_session_find(cdfs, &session);
    if (status)
        return status;

    cdfs->session_address = (uint64_t)session.first_block * ISO_SECTOR_BYTES;
    status = descriptors_read(cdfs, set);

    /* The last session may be audio. A session that was asked for by number is not replaced. */
    if (!status || !cdfs->session_address || options->session)
        return status;
    cdfs->session_address = 0;
    return descriptors_read(cdfs, set);
}

static status_t volume_open(struct cdfs *cdfs, const struct mount_options *options)
{
    struct descriptors *set = mem_zalloc(sizeof(*set));
    struct cdfs_record *record = mem_alloc(sizeof(*record));
    status_t status = set && record ? volume_read_descriptors(cdfs, options, set) : -ENOMEM;

    /* The option decides; without it, the best tree does. */
    if (!status)
        status = options->names ? volume_choose_named(cdfs, set, options, record)
                                : volume_choose(cdfs, set, record);

    /* A truncated image can be mounted: reads fail only past its end. */
    if (!status) {
        volume_take_name(cdfs, set);
        if (cdfs->volume_blocks * cdfs->block_bytes > cdfs->device_bytes)
            cdfs_anomaly(cdfs, ANOMALY_VOLUME_SIZE);
    }
    mem_free(record);
    mem_free(set);
    return status;
}

/* ---- the other slots ---------------------------------------------------------------------- */

static void cdfs_dismount(struct fsd *fsd)
{
    struct cdfs *cdfs = cdfs_of(fsd);

    /* The worker reads through the caches, so it ends first. */
    cdfs_worker_stop(cdfs);
    cache_destroy(&cdfs->meta);
    cdfs_small_destroy(cdfs);
    mem_free(atomic_load(&cdfs->spare_builder));
    mem_free(cdfs);
}

static status_t cdfs_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    static const char *const trees[TREE_COUNT] = { "plain", "Rock Ridge", "Joliet",
                                                   "ISO 9660:1999" };
    const struct cdfs *cdfs = cdfs_of(fsd);

    *info = (struct fs_info){
        .total_bytes = cdfs->volume_blocks * cdfs->block_bytes,
        .block_bytes = cdfs->block_bytes,
        .read_only = true,
    };

    /* A mount of High Sierra has the plain tree; its users want to know the format. */
    text_copy(info->volume_name, sizeof(info->volume_name), cdfs->volume_name);
    format_text(info->type, sizeof(info->type), "cdfs, %s",
                cdfs->high_sierra ? "High Sierra" : trees[cdfs->tree]);
    return 0;
}

static status_t cdfs_passthrough(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                                 void *argument, size_t bytes)
{
    (void)vnode;
    return device_control(fsd_device(fsd)->device, operation, argument, bytes);
}

static const struct fsd_ops cdfs_ops = {
    .dismount = cdfs_dismount,
    .get_fs_info = cdfs_get_fs_info,
    .lookup = cdfs_lookup,
    .get_child_info = cdfs_get_child_info,
    .actual_name = cdfs_actual_name,
    .get_vnode = cdfs_get_vnode,
    .open = cdfs_open,
    .put_vnode = cdfs_put_vnode,
    .trim_vnode = cdfs_trim_vnode,
    .get_info = cdfs_get_info,
    .read_write = cdfs_read_write,
    .finish_io = cdfs_finish_io,
    .open_dir = cdfs_open_dir,
    .read_dir = cdfs_read_dir,
    .close_dir = cdfs_close_dir,
    .read_link = cdfs_read_link,
    .ioctl = cdfs_ioctl,
    .passthrough = cdfs_passthrough,
};

/* ---- mounting ----------------------------------------------------------------------------- */

/* Parses one option: names=rr|joliet|enhanced|iso, charset=NAME (lib/charset/charset.h), session=N,
 * case=fold|exact, or ro, which every disc is. -EINVAL. */
static status_t option_take(const char *word, size_t length, struct mount_options *options)
{
    static const char names[] = "names=", charset[] = "charset=", session[] = "session=";
    enum {
        NAMES = sizeof(names) - 1,
        CHARSET = sizeof(charset) - 1,
        SESSION = sizeof(session) - 1,
        SESSION_DIGITS_MAX = 3,
    };
    char number[SESSION_DIGITS_MAX + 1];

    if (length > NAMES && memcmp(word, names, NAMES) == 0) {
        options->names = word + NAMES;
        options->names_length = length - NAMES;
        return 0;
    }

    /* An unknown charset fails the mount. A default would silently show wrong names. */
    if (length > CHARSET && memcmp(word, charset, CHARSET) == 0) {
        options->charset = charset_find(word + CHARSET, length - CHARSET);
        return options->charset ? 0 : -EINVAL;
    }
    if (text_equal_n(word, length, "ro", 2))
        return 0;
    if (text_equal_n(word, length, "case=exact", 10) ||
        text_equal_n(word, length, "case=fold", 9)) {
        options->exact_case = word[sizeof("case=") - 1] == 'e';
        return 0;
    }

    /* The last option is session=N. Sessions count from 1, and a disc has at most 99. */
    if (length <= SESSION || length > SESSION + SESSION_DIGITS_MAX ||
        memcmp(word, session, SESSION) != 0)
        return -EINVAL;
    text_copy(number, length - SESSION + 1, word + SESSION);
    return text_parse_u64(number, &options->session) || !options->session ? -EINVAL : 0;
}

/* Parses options separated by commas. -EINVAL for an unknown one. */
static status_t options_parse(const char *text, struct mount_options *options)
{
    status_t status = 0;

    *options = (struct mount_options){ 0 };

    /* An option is passed with its length, because it ends with a comma and not with NUL. */
    while (*text && !status) {
        const char *comma = strchr(text, ',');
        size_t length = comma ? (size_t)(comma - text) : strlen(text);
        status = option_take(text, length, options);
        text += length + (comma ? 1 : 0);
    }
    return status;
}

static struct cdfs *cdfs_create(const struct device_handle *handle)
{
    struct cdfs *cdfs = mem_zalloc(sizeof(*cdfs));
    if (!cdfs)
        return NULL;

    /* Plain names are in capitals on the disc, but not on a keyboard: look-ups ignore case. */
    cdfs->fsd = (struct fsd){
        .ops = &cdfs_ops,
        .name = "cdfs",
        .device = *handle,
        .cache_block_bytes = ISO_SECTOR_BYTES,
        .fold_case = true,
        .read_only = true,
        .private_data = cdfs,
    };

    spin_init(&cdfs->index_lock, RANK_CACHE);
    mutex_init(&cdfs->worker_lock, RANK_FSD);
    cdfs->device_bytes = device_medium(handle->device).bytes;

    /* The search for sessions decodes records before a descriptor is chosen, so block_bytes has a
     * value from the start. */
    cdfs->block_bytes = ISO_SECTOR_BYTES;
    device_cache_init(&cdfs->meta, &cdfs->fsd, ISO_SECTOR_BYTES);
    cdfs_small_init(cdfs);
    return cdfs;
}

static status_t cdfs_mount(const struct device_handle *handle, const char *text,
                           struct fsd **fsd)
{
    struct mount_options options;

    /* The caches read in sectors, so a block of the device must not be larger than one. */
    if (!handle->device || device_block_bytes(handle->device) > ISO_SECTOR_BYTES)
        return -EMEDIUMTYPE;
    struct cdfs *cdfs = cdfs_create(handle);
    if (!cdfs)
        return -ENOMEM;

    /* Another file system may know options that this one does not, so its medium is refused as
     * such first. */
    status_t invalid = options_parse(text, &options);
    if (invalid)
        options = (struct mount_options){ 0 };
    cdfs->charset = options.charset;
    cdfs->fsd.fold_case = !options.exact_case;
    status_t status = volume_open(cdfs, &options);
    if (!status)
        status = invalid;
    if (status) {
        fsd_discard(&cdfs->fsd);
        return status;
    }

    *fsd = &cdfs->fsd;
    return 0;
}

static const struct driver driver_cdfs = {
    .name = "cdfs",
    .order = 50,
    .mount_fs = cdfs_mount,
};
DRIVER(driver_cdfs);
