/*
 * describe.c - prints the volume and its nodes, for `volinfo`.
 *
 * It reads the descriptors again instead of using what mounting kept of them, so it shows what is
 * on the medium.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "fs/cdfs/medium/susp.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

struct describer {
    struct cdfs *cdfs;
    struct text_sink *sink;
    uint8_t sector[ISO_SECTOR_BYTES];
    struct cdfs_record record;
};

__attribute__((format(printf, 2, 3)))
static void print(struct describer *d, const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    int length = format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);

    /* The length is that of the whole line, of which `line` may hold less. */
    d->sink->write(d->sink, line, min((size_t)length, sizeof(line) - 1));
}

static struct bytes sector_bytes(const struct describer *d)
{
    return (struct bytes){ d->sector, ISO_SECTOR_BYTES };
}

/* ---- fields ------------------------------------------------------------------------------- */

/* Prints a text field of the descriptor unless it is empty: without its padding, UCS-2 in Joliet's
 * descriptor, and with `_` for what a terminal cannot show. */
static void print_text(struct describer *d, const char *what, size_t offset, size_t bytes,
                       bool ucs2)
{
    char text[400];
    bool replaced;
    size_t length = bytes;

    /* The largest field has 128 bytes. As UCS-2 it becomes at most 192 bytes of UTF-8. */
    if (ucs2)
        length = cdfs_name_from_ucs2(bytes_slice(sector_bytes(d), offset, bytes), text,
                                     sizeof(text) - 1, &replaced);
    else
        memcpy(text, d->sector + offset, bytes);

    /* 7.4.3.2 pads with blanks; some writers pad with NUL. */
    while (length && (text[length - 1] == ' ' || !text[length - 1]))
        length--;

    /* Terminals interpret control characters, and bytes above ASCII are in an unknown charset. */
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f || (!ucs2 && (uint8_t)text[i] > 0x7e))
            text[i] = '_';
    text[length] = '\0';
    if (length)
        print(d, "  %-18s \"%s\"\n", what, text);
}

static void print_date(struct describer *d, const char *what, size_t offset)
{
    char text[CIVIL_TEXT_BYTES];
    int64_t seconds;

    /* A date that is all zeros is not specified (8.4.26.1). */
    if (!cdfs_time_long(sector_bytes(d), offset, &seconds))
        return;
    civil_format(text, sizeof(text), seconds);
    print(d, "  %-18s %s\n", what, text);
}

static void print_root(struct describer *d)
{
    struct bytes raw = bytes_slice(sector_bytes(d), PVD_ROOT_RECORD, PVD_ROOT_RECORD_BYTES);

    if (cdfs_record_decode(d->cdfs, raw, 0, &d->record))
        print(d, "  %-18s byte %llu, %u bytes\n", "root directory",
              (unsigned long long)d->record.data_address, d->record.data_bytes);
    else
        print(d, "  %-18s invalid directory record\n", "root directory");
}

static void describe_volume_fields(struct describer *d, bool ucs2)
{
    struct bytes b = sector_bytes(d);
    bool agree = true;

    /* Each number is recorded in both byte orders. `agree` becomes false if any two differ. */
    uint32_t blocks = iso_733(b, PVD_SPACE_SIZE, &agree);
    uint16_t block_bytes = iso_723(b, PVD_BLOCK_BYTES, &agree);
    uint16_t set_size = iso_723(b, PVD_SET_SIZE, &agree);
    uint16_t number = iso_723(b, PVD_SEQUENCE_NUMBER, &agree);

    print_text(d, "volume", PVD_VOLUME_ID, PVD_VOLUME_ID_BYTES, ucs2);
    print_text(d, "system", PVD_SYSTEM_ID, PVD_SYSTEM_ID_BYTES, ucs2);
    print_text(d, "volume set", PVD_VOLUME_SET_ID, PVD_LONG_ID_BYTES, ucs2);
    print_text(d, "publisher", PVD_PUBLISHER_ID, PVD_LONG_ID_BYTES, ucs2);
    print_text(d, "preparer", PVD_PREPARER_ID, PVD_LONG_ID_BYTES, ucs2);
    print_text(d, "application", PVD_APPLICATION_ID, PVD_LONG_ID_BYTES, ucs2);

    print(d, "  %-18s %u block%s of %u bytes\n", "size", blocks, text_plural(blocks), block_bytes);

    /* Nearly every disc is a set of its own. */
    if (set_size != 1 || number != 1)
        print(d, "  %-18s disc %u of %u\n", "set", number, set_size);
    print_root(d);

    print_date(d, "created", PVD_CREATED);
    print_date(d, "modified", PVD_MODIFIED);
    print_date(d, "expires", PVD_EXPIRES);
    print_date(d, "effective", PVD_EFFECTIVE);
    if (!agree)
        print(d, "  the two halves of a number differ; the little-endian one is used\n");
}

/* ---- El Torito ---------------------------------------------------------------------------- */

enum {
    ENTRY_BYTES = 32,
    CATALOG_ENTRIES_MAX = ISO_SECTOR_BYTES / ENTRY_BYTES,

    ENTRY_ID = 0,
    ENTRY_MEDIA = 1,     /* of a boot image: its emulation, in the low 4 bits */
    ENTRY_COUNT = 6,     /* le16, of 512 bytes to load */
    ENTRY_SECTOR = 8,    /* le32 */
    ENTRY_PLATFORM = 1,  /* of the validation entry and a section header */
    SECTION_ENTRIES = 2, /* le16, in a section header */
    VALIDATION_KEY = 30, /* le16 */

    ID_VALIDATION = 0x01,
    ID_EXTENSION = 0x44, /* more about the entry before */
    ID_BOOTABLE = 0x88,
    ID_SECTION = 0x90,
    ID_LAST_SECTION = 0x91,
    KEY = 0xaa55,
};

static const char *platform_name(uint8_t platform)
{
    switch (platform) {
    case 0x00: return "x86 BIOS";
    case 0x01: return "PowerPC";
    case 0x02: return "Mac";
    case 0xef: return "UEFI";
    default: return "unknown platform";
    }
}

static const char *emulation_name(uint8_t media)
{
    static const char *const names[] = { "no emulation", "1.2 MB floppy", "1.44 MB floppy",
                                         "2.88 MB floppy", "hard disk" };
    unsigned type = media & 0x0f;

    return type < ARRAY_LENGTH(names) ? names[type] : "unknown emulation";
}

static void print_boot_entry(struct describer *d, struct bytes entry, uint8_t platform)
{
    print(d, "  boot image         %s, %s, %s, sector %u, loads %u x 512 bytes\n",
          platform_name(platform),
          bytes_u8(entry, ENTRY_ID) == ID_BOOTABLE ? "bootable" : "not bootable",
          emulation_name(bytes_u8(entry, ENTRY_MEDIA)), bytes_le32(entry, ENTRY_SECTOR),
          bytes_le16(entry, ENTRY_COUNT));
}

/* Prints the catalog's first sector: a validation entry, the default entry, then sections, each of
 * a header and its entries. */
static void describe_catalog(struct describer *d, uint32_t sector)
{
    status_t status = cdfs_read(d->cdfs, (uint64_t)sector * ISO_SECTOR_BYTES, d->sector,
                                ISO_SECTOR_BYTES);
    if (status) {
        print(d, "  boot catalog       sector %u: %s\n", sector, status_text(status));
        return;
    }

    /* The words of the validation entry add up to 0. */
    struct bytes b = sector_bytes(d);
    uint16_t sum = 0;
    for (unsigned i = 0; i < ENTRY_BYTES; i += 2)
        sum = (uint16_t)(sum + bytes_le16(b, i));
    bool valid = bytes_u8(b, ENTRY_ID) == ID_VALIDATION && bytes_le16(b, VALIDATION_KEY) == KEY;
    print(d, "  boot catalog       sector %u%s%s\n", sector, valid ? "" : ", no validation entry",
          sum ? ", wrong checksum" : "");
    if (!valid)
        return;

    /* The default entry is for the platform of the validation entry. */
    uint8_t platform = bytes_u8(b, ENTRY_PLATFORM);
    print_boot_entry(d, bytes_slice(b, ENTRY_BYTES, ENTRY_BYTES), platform);
    unsigned left = 0; /* in the current section */
    for (unsigned i = 2; i < CATALOG_ENTRIES_MAX; i++) {
        struct bytes entry = bytes_slice(b, (size_t)i * ENTRY_BYTES, ENTRY_BYTES);
        uint8_t id = bytes_u8(entry, ENTRY_ID);

        /* A section's header has the platform of its entries. An extension continues the entry
         * before it and does not count. */
        if (id == ID_SECTION || id == ID_LAST_SECTION) {
            platform = bytes_u8(entry, ENTRY_PLATFORM);
            left = bytes_le16(entry, SECTION_ENTRIES);
        } else if (left && id != ID_EXTENSION) {
            print_boot_entry(d, entry, platform);
            left--;
        }
    }
}

static void describe_boot_record(struct describer *d)
{
    static const char el_torito[] = "EL TORITO SPECIFICATION";

    print_text(d, "boot system", BOOT_SYSTEM_ID, BOOT_SYSTEM_ID_BYTES, false);

    /* Only El Torito defines what follows the boot system's name. */
    if (memcmp(d->sector + BOOT_SYSTEM_ID, el_torito, sizeof(el_torito) - 1) == 0)
        describe_catalog(d, iso_731(sector_bytes(d), BOOT_CATALOG));
}

/* ---- the volume --------------------------------------------------------------------------- */

static const char *descriptor_name(uint8_t type, uint8_t version, bool joliet)
{
    switch (type) {
    case VD_TYPE_BOOT: return "boot record";
    case VD_TYPE_PRIMARY: return "primary volume descriptor";
    case VD_TYPE_SUPPLEMENTARY:
        return joliet         ? "supplementary volume descriptor, Joliet"
               : version == 2 ? "enhanced volume descriptor"
                              : "supplementary volume descriptor";
    case VD_TYPE_PARTITION: return "volume partition descriptor";
    case VD_TYPE_TERMINATOR: return "volume descriptor set terminator";
    default: return "volume descriptor of an unknown type";
    }
}

/* Prints one descriptor. Returns false after the last one. */
static bool describe_descriptor(struct describer *d, uint32_t number)
{
    status_t status = cdfs_read(d->cdfs, (uint64_t)number * ISO_SECTOR_BYTES, d->sector,
                                ISO_SECTOR_BYTES);
    if (status || memcmp(d->sector + VD_STANDARD_ID, "CD001", VD_STANDARD_ID_BYTES) != 0) {
        print(d, "sector %u: %s\n", number,
              status ? status_text(status) : "not a volume descriptor");
        return false;
    }

    struct bytes b = sector_bytes(d);
    uint8_t type = iso_711(b, VD_TYPE);
    bool joliet = type == VD_TYPE_SUPPLEMENTARY && cdfs_descriptor_is_joliet(b);
    print(d, "sector %u: %s\n", number, descriptor_name(type, iso_711(b, VD_VERSION), joliet));

    /* Descriptors of other types have no fields that are worth printing. */
    if (type == VD_TYPE_PRIMARY || type == VD_TYPE_SUPPLEMENTARY)
        describe_volume_fields(d, joliet);
    if (type == VD_TYPE_BOOT)
        describe_boot_record(d);
    return type != VD_TYPE_TERMINATOR;
}

static void describe_ledger(struct describer *d)
{
    static const char *const names[ANOMALY_COUNT] = {
        [ANOMALY_BOTH_ENDIAN] = "numbers whose two halves differ",
        [ANOMALY_TERMINATOR] = "descriptor sets without a terminator",
        [ANOMALY_VOLUME_SIZE] = "volumes larger than the device",
        [ANOMALY_RECORD] = "invalid directory records",
        [ANOMALY_DIRECTORY_SIZE] = "directories whose size is not a multiple of a sector",
        [ANOMALY_SECTIONS] = "files whose last section is missing",
        [ANOMALY_SUSP_ENTRY] = "system use entries longer than their area",
        [ANOMALY_CONTINUATION] = "invalid continuation areas",
        [ANOMALY_ROCK_RIDGE] = "invalid Rock Ridge entries",
        [ANOMALY_NAME] = "names that had to be changed",
        [ANOMALY_BUDGET] = "directories with too many entries",
        [ANOMALY_OVERLAP] = "directories that overlap another one",
        [ANOMALY_OTHER_VOLUME] = "files recorded as being on another disc",
        [ANOMALY_DESCRIPTORS] = "descriptor sets longer than the limit",
        [ANOMALY_OUTSIDE] = "extents beyond the volume, but on the device",
    };
    unsigned kinds = 0;
    for (unsigned i = 0; i < ANOMALY_COUNT; i++) {
        uint32_t count = atomic_load(&d->cdfs->anomalies[i]);

        /* The heading precedes the first kind that was found. */
        if (count)
            print(d, "%s%8u %s\n", kinds++ ? "" : "anomalies found so far:\n", count, names[i]);
    }
    if (!kinds)
        print(d, "no anomalies found so far\n");
}

static void describe_sessions(struct describer *d, uint32_t first)
{
    struct device_session session = { 0 };

    if (!cdfs_session_find(d->cdfs, &session))
        print(d, "sessions: %u, the last at sector %u; shown: the one at sector %u\n",
              session.count, session.first_block, first);
}

static void describe_volume(struct describer *d)
{
    static const char *const trees[TREE_COUNT] = { "plain ISO 9660", "Rock Ridge", "Joliet",
                                                   "enhanced (ISO 9660:1999)" };
    const struct cdfs *cdfs = d->cdfs;
    uint64_t volume_bytes = cdfs->volume_blocks * cdfs->block_bytes;
    uint32_t first = (uint32_t)(cdfs->session_address / ISO_SECTOR_BYTES);

    describe_sessions(d, first);

    /* The set ends at its terminator, or without one at the first sector that is not of it. */
    for (unsigned i = 0; i < CDFS_DESCRIPTORS_MAX; i++)
        if (!describe_descriptor(d, first + ISO_FIRST_DESCRIPTOR + i))
            break;

    /* What the mount shows may be less than what the descriptors promise. */
    print(d, "names shown: %s%s%s\n", trees[cdfs->tree], cdfs->charset ? ", charset " : "",
          cdfs->charset ? charset_name(cdfs->charset) : "");
    print(d, "volume %llu bytes, device %llu bytes%s\n", (unsigned long long)volume_bytes,
          (unsigned long long)cdfs->device_bytes,
          volume_bytes > cdfs->device_bytes ? ": the end of the volume is missing" : "");
    describe_ledger(d);
}

/* ---- one node ----------------------------------------------------------------------------- */

/* Prints the signatures of the record's system use entries, without following continuations. */
static void describe_system_use(struct describer *d)
{
    const struct cdfs_record *record = &d->record;
    struct bytes area = bytes_slice(record->system_use, d->cdfs->susp_skip, SIZE_MAX);

    print(d, "  system use         %zu byte%s:", record->system_use.length,
          text_plural(record->system_use.length));

    /* The loop also ends at the end of the area, past which bytes_u8() returns 0. */
    for (size_t at = 0; bytes_u8(area, at + SUE_LENGTH) >= SUE_DATA;
         at += bytes_u8(area, at + SUE_LENGTH)) {
        uint8_t first = bytes_u8(area, at), second = bytes_u8(area, at + 1);
        bool letters = first >= 'A' && first <= 'Z' && second >= 'A' && second <= 'Z';
        print(d, letters ? " %c%c" : " %02x%02x", first, second);
    }
    print(d, "\n");
}

static void describe_record(struct describer *d, vnode_id_t id)
{
    bool root = id == VNODE_ROOT;
    uint64_t address = root ? d->cdfs->root_record_address : cdfs_id_address(id);

    print(d, "  record             byte %llu\n", (unsigned long long)address);

    /* The root's record is part of the descriptor and has no identifier to print. */
    if (root || cdfs_record_at(d->cdfs, address, &d->record))
        return;

    /* As bytes, because the name that is shown may have been decoded and cleaned. */
    print(d, "  identifier         %zu byte%s:", d->record.identifier.length,
          text_plural(d->record.identifier.length));
    for (size_t i = 0; i < d->record.identifier.length; i++)
        print(d, " %02x", d->record.identifier.data[i]);
    print(d, "\n  flags              0x%02x\n", d->record.flags);
    describe_system_use(d);
}

static void describe_content(struct describer *d, const struct cdfs_node *node)
{
    if (!node->extent_count)
        print(d, "  content            byte %llu, %llu byte%s\n",
              (unsigned long long)node->attributes.address, (unsigned long long)node->size_bytes,
              text_plural(node->size_bytes));

    /* A directory or a device node has no list of extents, a file has at least one. */
    for (unsigned i = 0; i < node->extent_count; i++) {
        const struct cdfs_extent *extent = &node->extents[i];
        print(d, "  extent %-11u byte %llu, %llu byte%s", i, (unsigned long long)extent->address,
              (unsigned long long)extent->length_bytes, text_plural(extent->length_bytes));
        if (extent->unit_bytes)
            print(d, ", units of %u with gaps of %u", extent->unit_bytes, extent->gap_bytes);
        print(d, "\n");
    }

    /* The mask keeps the shift defined: an invalid block size is printed, too. */
    if (node->zisofs.version)
        print(d, "  packed             zisofs %u, blocks of %u, %llu byte%s unpacked\n",
              node->zisofs.version, 1u << (node->zisofs.block_log2 & 31),
              (unsigned long long)node->zisofs.size_bytes, text_plural(node->zisofs.size_bytes));
    if (node->needs_work)
        print(d, "  read by the mount's worker\n");
}

static void describe_node(struct describer *d, const struct vnode *vnode)
{
    const struct cdfs_node *node = vnode->private_data;
    const struct cdfs_attributes *attributes = &node->attributes;
    uint64_t device = attributes->device_number;

    print(d, "  id                 0x%llx\n", (unsigned long long)vnode->id);
    describe_record(d, vnode->id);
    if (attributes->has_mode)
        print(d, "  mode               %06o, %u link%s, owner %u:%u\n", attributes->mode,
              attributes->links, text_plural(attributes->links), attributes->uid,
              attributes->gid);
    if (device)
        print(d, "  device             high %u, low %u\n", (unsigned)(device >> 32),
              (unsigned)device);
    describe_content(d, node);
    if (vnode->open_status)
        print(d, "  open fails with    %s\n", status_text(vnode->open_status));
}

status_t cdfs_ioctl(struct fsd *fsd, struct vnode *vnode, unsigned operation, void *argument,
                    size_t bytes)
{
    if (operation != FSD_DESCRIBE_VOLUME && operation != FSD_DESCRIBE_NODE)
        return -EOPNOTSUPP;
    if (bytes != sizeof(struct text_sink))
        return -EINVAL;

    /* The describer holds a sector, which is more than a frame may have. */
    struct describer *d = mem_alloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->cdfs = cdfs_of(fsd);
    d->sink = argument;
    if (operation == FSD_DESCRIBE_VOLUME)
        describe_volume(d);
    else
        describe_node(d, vnode);
    mem_free(d);
    return 0;
}
