/*
 * describe.c - the volume and its nodes in words, for `volinfo`.
 *
 * It reads the descriptors again rather than what mounting kept of them, so it shows the medium.
 */
#include "fs/cdfs/budgets.h"
#include "fs/cdfs/cdfs.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

struct describer {
    struct cdfs *cdfs;
    struct text_sink *sink;
    uint8_t sector[ISO_SECTOR_BYTES];
    struct cdfs_record record;
};

__attribute__((format(printf, 2, 3)))
static void say(struct describer *d, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    size_t bytes = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
    d->sink->write(d->sink, line, bytes);
}

static struct bytes sector_bytes(const struct describer *d)
{
    return (struct bytes){ d->sector, ISO_SECTOR_BYTES };
}

/* ---- fields ------------------------------------------------------------------------------- */

/* Text as recorded, without filling blanks; UCS-2 in Joliet's descriptor. */
static void say_text(struct describer *d, const char *what, size_t offset, size_t bytes, bool ucs2)
{
    char text[400];
    bool replaced;
    size_t length = bytes;
    if (ucs2)
        length = cdfs_name_from_ucs2(bytes_slice(sector_bytes(d), offset, bytes), text,
                                     sizeof(text) - 1, &replaced);
    else
        memcpy(text, d->sector + offset, bytes);
    while (length && (text[length - 1] == ' ' || !text[length - 1]))
        length--;
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f || (!ucs2 && (uint8_t)text[i] > 0x7e))
            text[i] = '_';
    text[length] = '\0';
    if (length)
        say(d, "  %-18s \"%s\"\n", what, text);
}

static void say_date(struct describer *d, const char *what, size_t offset)
{
    char text[CIVIL_TEXT_BYTES];
    int64_t seconds;
    if (!cdfs_time_long(sector_bytes(d), offset, &seconds))
        return;
    civil_format(text, sizeof(text), seconds);
    say(d, "  %-18s %s\n", what, text);
}

static void say_root(struct describer *d)
{
    struct bytes raw = bytes_slice(sector_bytes(d), PVD_ROOT_RECORD, PVD_ROOT_RECORD_BYTES);
    if (cdfs_record_decode(d->cdfs, raw, 0, &d->record))
        say(d, "  %-18s byte %llu, %u bytes\n", "root directory",
            (unsigned long long)d->record.data_address, d->record.data_bytes);
    else
        say(d, "  %-18s no directory record\n", "root directory");
}

static void describe_volume_fields(struct describer *d, bool ucs2)
{
    struct bytes b = sector_bytes(d);
    bool agree = true;
    uint32_t blocks = iso_733(b, PVD_SPACE_SIZE, &agree);
    uint16_t block_bytes = iso_723(b, PVD_BLOCK_BYTES, &agree);
    uint16_t set_size = iso_723(b, PVD_SET_SIZE, &agree);
    uint16_t number = iso_723(b, PVD_SEQUENCE_NUMBER, &agree);
    say_text(d, "volume", PVD_VOLUME_ID, PVD_VOLUME_ID_BYTES, ucs2);
    say_text(d, "system", 8, 32, ucs2);
    say_text(d, "volume set", 190, 128, ucs2);
    say_text(d, "publisher", 318, 128, ucs2);
    say_text(d, "preparer", 446, 128, ucs2);
    say_text(d, "application", 574, 128, ucs2);
    say(d, "  %-18s %u block%s of %u bytes\n", "size", blocks, text_plural(blocks), block_bytes);
    if (set_size != 1 || number != 1)
        say(d, "  %-18s disc %u of %u\n", "set", number, set_size);
    say_root(d);
    say_date(d, "created", 813);
    say_date(d, "modified", 830);
    say_date(d, "expires", 847);
    say_date(d, "effective", 864);
    if (!agree)
        say(d, "  the two halves of a number differ; the little-endian half counts\n");
}

/* ---- El Torito ---------------------------------------------------------------------------- */

enum { CATALOG_ENTRY_BYTES = 32, CATALOG_ENTRIES_MAX = ISO_SECTOR_BYTES / CATALOG_ENTRY_BYTES };

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
    return (media & 15) < 5 ? names[media & 15] : "unknown emulation";
}

static void say_boot_entry(struct describer *d, struct bytes entry, uint8_t platform)
{
    say(d, "  boot image         %s, %s, %s, sector %u, loads %u x 512 bytes\n",
        platform_name(platform), bytes_u8(entry, 0) == 0x88 ? "bootable" : "not bootable",
        emulation_name(bytes_u8(entry, 1)), bytes_le32(entry, 8), bytes_le16(entry, 6));
}

/* The catalog's one sector: a validation entry, the default entry, then sections of entries. */
static void describe_catalog(struct describer *d, uint32_t sector)
{
    status_t status = cdfs_read(d->cdfs, (uint64_t)sector * ISO_SECTOR_BYTES, d->sector,
                                ISO_SECTOR_BYTES);
    if (status) {
        say(d, "  boot catalog       sector %u: %s\n", sector, status_text(status));
        return;
    }
    struct bytes b = sector_bytes(d);
    uint16_t sum = 0;
    for (unsigned i = 0; i < CATALOG_ENTRY_BYTES; i += 2)
        sum = (uint16_t)(sum + bytes_le16(b, i));
    bool valid = bytes_u8(b, 0) == 1 && bytes_le16(b, 30) == 0xaa55;
    say(d, "  boot catalog       sector %u%s%s\n", sector, valid ? "" : ", no validation entry",
        sum ? ", wrong check sum" : "");
    uint8_t platform = bytes_u8(b, 1);
    if (valid)
        say_boot_entry(d, bytes_slice(b, CATALOG_ENTRY_BYTES, CATALOG_ENTRY_BYTES), platform);
    unsigned left = 0;
    for (unsigned i = 2; valid && i < CATALOG_ENTRIES_MAX; i++) {
        struct bytes entry = bytes_slice(b, (size_t)i * CATALOG_ENTRY_BYTES, CATALOG_ENTRY_BYTES);
        uint8_t kind = bytes_u8(entry, 0);
        if (kind == 0x90 || kind == 0x91) {
            platform = bytes_u8(entry, 1);
            left = bytes_le16(entry, 2);
        } else if (left && kind != 0x44) { /* 0x44: more about the entry before */
            say_boot_entry(d, entry, platform);
            left--;
        }
    }
}

static void describe_boot_record(struct describer *d)
{
    say_text(d, "boot system", 7, 32, false);
    if (memcmp(d->sector + 7, "EL TORITO SPECIFICATION", 23) == 0)
        describe_catalog(d, bytes_le32(sector_bytes(d), 71));
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
    case VD_TYPE_TERMINATOR: return "end of the descriptors";
    default: return "descriptor of an unknown type";
    }
}

/* 1: the set goes on; 0: it ended, or broke off. */
static int describe_descriptor(struct describer *d, uint32_t number)
{
    status_t status = cdfs_read(d->cdfs, (uint64_t)number * ISO_SECTOR_BYTES, d->sector,
                                ISO_SECTOR_BYTES);
    if (status || memcmp(d->sector + VD_STANDARD_ID, "CD001", 5) != 0) {
        say(d, "sector %u: %s\n", number, status ? status_text(status) : "no descriptor");
        return 0;
    }
    struct bytes b = sector_bytes(d);
    uint8_t type = iso_711(b, VD_TYPE);
    bool joliet = type == VD_TYPE_SUPPLEMENTARY && cdfs_descriptor_is_joliet(b);
    say(d, "sector %u: %s\n", number, descriptor_name(type, iso_711(b, VD_VERSION), joliet));
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
        [ANOMALY_TERMINATOR] = "descriptor set without an end",
        [ANOMALY_VOLUME_SIZE] = "volume larger than the device",
        [ANOMALY_RECORD] = "directory records that are none",
        [ANOMALY_DIRECTORY_SIZE] = "directories whose size is no multiple of a sector",
        [ANOMALY_SECTIONS] = "files whose last section is missing",
        [ANOMALY_SUSP_ENTRY] = "system use entries longer than their area",
        [ANOMALY_CONTINUATION] = "continuation areas that cannot be followed",
        [ANOMALY_ROCK_RIDGE] = "Rock Ridge entries that make no sense",
        [ANOMALY_NAME] = "names that had to be changed",
        [ANOMALY_BUDGET] = "directories with too many entries",
        [ANOMALY_OVERLAP] = "directories that run into another one",
        [ANOMALY_OTHER_VOLUME] = "files that are said to lie on another disc",
        [ANOMALY_DESCRIPTORS] = "descriptor sets longer than what is looked at",
        [ANOMALY_OUTSIDE] = "extents beyond the volume, but on the device",
    };
    unsigned kinds = 0;
    for (unsigned i = 0; i < ANOMALY_COUNT; i++) {
        uint32_t count = atomic_load(&d->cdfs->anomalies[i]);
        if (count)
            say(d, "%s%8u %s\n", kinds++ ? "" : "anomalies met so far:\n", count, names[i]);
    }
    if (!kinds)
        say(d, "no anomalies met so far\n");
}

static void describe_sessions(struct describer *d, uint32_t first)
{
    struct device_session session = { 0 };
    if (!cdfs_session_find(d->cdfs, &session))
        say(d, "sessions: %u, the last begins at sector %u; shown: that at sector %u\n",
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
    for (unsigned i = 0; i < CDFS_DESCRIPTORS_MAX; i++)
        if (!describe_descriptor(d, first + ISO_FIRST_DESCRIPTOR + i))
            break;
    say(d, "names shown: %s%s%s\n", trees[cdfs->tree], cdfs->charset ? ", charset " : "",
        cdfs->charset ? charset_name(cdfs->charset) : "");
    say(d, "volume %llu bytes, device %llu bytes%s\n", (unsigned long long)volume_bytes,
        (unsigned long long)cdfs->device_bytes,
        volume_bytes > cdfs->device_bytes ? ": the end is missing" : "");
    describe_ledger(d);
}

/* ---- one node ----------------------------------------------------------------------------- */

static void describe_tags(struct describer *d)
{
    const struct cdfs_record *record = &d->record;
    struct bytes area = bytes_slice(record->system_use, d->cdfs->susp_skip, SIZE_MAX);
    say(d, "  system use         %zu byte%s:", record->system_use.length,
        text_plural(record->system_use.length));
    for (size_t at = 0; bytes_has(area, at, 4) && bytes_u8(area, at + 2) >= 4;
         at += bytes_u8(area, at + 2)) {
        uint8_t first = bytes_u8(area, at), second = bytes_u8(area, at + 1);
        bool letters = first >= 'A' && first <= 'Z' && second >= 'A' && second <= 'Z';
        say(d, letters ? " %c%c" : " %02x%02x", first, second);
    }
    say(d, "\n");
}

static void describe_record(struct describer *d, vnode_id_t id)
{
    uint64_t address = id & ~(3ull << 62);
    if (id == VNODE_ROOT)
        address = d->cdfs->root_record_address;
    say(d, "  record             byte %llu\n", (unsigned long long)address);
    if (id == VNODE_ROOT || cdfs_record_at(d->cdfs, address, &d->record))
        return;
    say(d, "  identifier         %zu byte%s:", d->record.identifier.length,
        text_plural(d->record.identifier.length));
    for (size_t i = 0; i < d->record.identifier.length; i++)
        say(d, " %02x", d->record.identifier.data[i]);
    say(d, "\n  flags              0x%02x\n", d->record.flags);
    describe_tags(d);
}

static void describe_content(struct describer *d, const struct cdfs_node *node)
{
    if (!node->extent_count)
        say(d, "  content            byte %llu, %llu byte%s\n",
            (unsigned long long)node->facts.address, (unsigned long long)node->size_bytes,
            text_plural(node->size_bytes));
    for (unsigned i = 0; i < node->extent_count; i++) {
        const struct cdfs_extent *extent = &node->extents[i];
        say(d, "  extent %-11u byte %llu, %llu byte%s", i, (unsigned long long)extent->address,
            (unsigned long long)extent->length_bytes, text_plural(extent->length_bytes));
        if (extent->unit_bytes)
            say(d, ", units of %u with gaps of %u", extent->unit_bytes, extent->gap_bytes);
        say(d, "\n");
    }
    if (node->zisofs.version)
        say(d, "  packed             zisofs %u, blocks of %u, %llu byte%s unpacked\n",
            node->zisofs.version, 1u << (node->zisofs.block_log2 & 31),
            (unsigned long long)node->zisofs.size_bytes, text_plural(node->zisofs.size_bytes));
    if (node->needs_work)
        say(d, "  read by the mount's worker\n");
}

static void describe_node(struct describer *d, const struct vnode *vnode)
{
    const struct cdfs_node *node = vnode->private_data;
    const struct cdfs_facts *facts = &node->facts;
    say(d, "  id                 0x%llx\n", (unsigned long long)vnode->id);
    describe_record(d, vnode->id);
    if (facts->has_mode)
        say(d, "  mode               %06o, %u link%s, owner %u:%u\n", facts->mode, facts->links,
            text_plural(facts->links), facts->uid, facts->gid);
    if (facts->device_number)
        say(d, "  device             high %u, low %u\n", (unsigned)(facts->device_number >> 32),
            (unsigned)facts->device_number);
    describe_content(d, node);
    if (vnode->open_status)
        say(d, "  opening it         %s\n", status_text(vnode->open_status));
}

status_t cdfs_ioctl(struct fsd *fsd, struct vnode *vnode, unsigned operation, void *argument,
                    size_t bytes)
{
    if (operation != FSD_DESCRIBE_VOLUME && operation != FSD_DESCRIBE_NODE)
        return -EOPNOTSUPP;
    if (bytes != sizeof(struct text_sink))
        return -EINVAL;
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
