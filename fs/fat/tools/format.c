/*
 * format.c - makes an empty FAT volume.
 *
 * The sizes follow Microsoft's tables (specification 3.5): FAT12 below 4 MiB, FAT16 below 512 MiB,
 * FAT32 from there on. The reserved sectors are extended so that clusters begin at multiples of
 * their own size, which flash memory and disks with large physical sectors need.
 */
#include "fs/fat/boot.h"
#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "kernel/vfs/layout/wipe.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

enum {
    CLUSTER_BYTES_MAX = 65536, /* larger ones are not read everywhere */
    CLUSTER_SECTORS_MAX = 128,
    ROOT_ENTRIES_12 = 256, /* whole sectors of each size */
    ROOT_ENTRIES_16 = 512,
    RESERVED_32 = 32,
    INFO_SECTOR = 1,
    BACKUP_SECTOR = 6,
    CLUSTERS_MARGIN = 16, /* other systems count a few clusters more or fewer (3.5) */
    TABLES = 2,
};

/* ---- sizes -------------------------------------------------------------------------------- */

/* Returns the size of clusters for a volume. The number of clusters decides between FAT12, FAT16
 * and FAT32, so this makes FAT12 below 4 MiB and FAT32 from 512 MiB on. */
static uint32_t default_cluster_bytes(uint64_t bytes)
{
    static const struct {
        uint64_t below_bytes;
        uint32_t cluster_bytes;
    } sizes[] = {
        { 2 * MIB, 512 },    { 3 * MIB, 1024 },   { 4 * MIB, 2048 },   { 8 * MIB, 512 },
        { 16 * MIB, 1024 },  { 128 * MIB, 2048 }, { 256 * MIB, 4096 }, { 512 * MIB, 8192 },
        { 8 * GIB, 4096 },   { 16 * GIB, 8192 },  { 32 * GIB, 16384 },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        if (bytes < sizes[i].below_bytes)
            return sizes[i].cluster_bytes;
    return 32768;
}

static uint32_t clusters_of(const struct fat_layout *layout)
{
    uint64_t before = layout->reserved_sectors + (uint64_t)TABLES * layout->table_sectors +
                      layout->root_entries * FAT_RECORD_BYTES / layout->sector_bytes;
    return before < layout->sectors ? (uint32_t)((layout->sectors - before) /
                                                 layout->cluster_sectors)
                                    : 0;
}

static uint32_t table_sectors_of(const struct fat_layout *layout, uint32_t clusters)
{
    uint64_t bytes = (((uint64_t)clusters + FAT_FIRST_CLUSTER) * layout->bits + 7) / 8;
    return (uint32_t)((bytes + layout->sector_bytes - 1) / layout->sector_bytes);
}

/* Finds the size of the tables, which depends on the number of clusters, which depends on it. */
static void fit_tables(struct fat_layout *layout)
{
    /* Without tables there are the most clusters; with tables for those there is room enough. */
    layout->table_sectors = 0;
    layout->table_sectors = table_sectors_of(layout, clusters_of(layout));
    layout->table_sectors = table_sectors_of(layout, clusters_of(layout));
    while (table_sectors_of(layout, clusters_of(layout)) > layout->table_sectors)
        layout->table_sectors++;
    layout->clusters = clusters_of(layout);
}

static void layout_plan(struct fat_layout *layout, unsigned bits)
{
    layout->bits = bits;
    layout->reserved_sectors = bits == 32 ? RESERVED_32 : 1;
    layout->root_entries = bits == 32 ? 0 : bits == 16 ? ROOT_ENTRIES_16 : ROOT_ENTRIES_12;
    fit_tables(layout);

    /* A floppy disk has no room to align, and gains nothing by it. */
    uint64_t data = layout->reserved_sectors + (uint64_t)TABLES * layout->table_sectors +
                    layout->root_entries * FAT_RECORD_BYTES / layout->sector_bytes;
    if (layout->sectors * layout->sector_bytes >= 4 * MIB)
        layout->reserved_sectors += (uint32_t)(-data & (layout->cluster_sectors - 1));
    layout->clusters = clusters_of(layout);
}

/* Returns whether the number of clusters is one of FAT12, FAT16 or FAT32, with the margin. */
static bool layout_fits(const struct fat_layout *layout)
{
    uint32_t least = layout->bits == 32 ? CLUSTERS_16_MAX + CLUSTERS_MARGIN
                     : layout->bits == 16 ? CLUSTERS_12_MAX + CLUSTERS_MARGIN
                                          : 1;
    uint32_t most = layout->bits == 32 ? CLUSTERS_32_MAX - CLUSTERS_MARGIN
                    : layout->bits == 16 ? CLUSTERS_16_MAX - CLUSTERS_MARGIN
                                         : CLUSTERS_12_MAX - CLUSTERS_MARGIN;
    return layout->clusters >= least && layout->clusters <= most;
}

status_t fat_layout_plan(uint64_t bytes, uint32_t sector_bytes, uint32_t cluster_bytes,
                         struct fat_layout *layout)
{
    static const unsigned widths[] = { 12, 16, 32 };
    uint64_t sectors = bytes / sector_bytes;
    if (cluster_bytes & (cluster_bytes - 1) || cluster_bytes > CLUSTER_BYTES_MAX ||
        (cluster_bytes && cluster_bytes < sector_bytes) ||
        cluster_bytes / sector_bytes > CLUSTER_SECTORS_MAX)
        return -EINVAL;
    if (sectors > UINT32_MAX)
        return -EFBIG;

    *layout = (struct fat_layout){ .sector_bytes = sector_bytes, .sectors = sectors };
    uint32_t chosen = cluster_bytes ? cluster_bytes : default_cluster_bytes(bytes);
    layout->cluster_sectors = max(chosen, sector_bytes) / sector_bytes;

    /* The size of clusters that was asked for decides, since it decides how many there are. */
    for (size_t i = 0; i < ARRAY_LENGTH(widths); i++) {
        layout_plan(layout, widths[i]);
        if (layout_fits(layout))
            return 0;
    }
    return cluster_bytes && bytes >= MIB ? -EINVAL : -ENOSPC;
}

/* ---- sectors ------------------------------------------------------------------------------ */

status_t fat_label_encode(const char *text, char label[LABEL_BYTES])
{
    size_t length = strlen(text);
    memset(label, ' ', LABEL_BYTES);
    if (length > LABEL_BYTES || text[0] == ' ')
        return -EINVAL;

    /* Programs show a label by their own code page, so only ASCII is the same everywhere (6.1). */
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c < ' ' || c == 0x7f || strchr("\"*+,./:;<=>?[\\]|", c))
            return -EINVAL;
        label[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return 0;
}

/* The fields that FAT12, FAT16 and FAT32 have in different places. */
static void boot_extend(uint8_t *boot, const struct fat_layout *layout, const char *label,
                        uint32_t serial)
{
    /* int 18h (the BIOS tries the next device), hlt, and a jump back to it */
    static const uint8_t code[] = { 0xcd, 0x18, 0xf4, 0xeb, 0xfd };
    bool wide = layout->bits == 32;
    memcpy(boot + (wide ? BOOT_CODE_32 : BOOT_CODE_16), code, sizeof(code));
    boot[BOOT_JUMP] = JUMP_SHORT;
    boot[BOOT_JUMP + 1] = (uint8_t)((wide ? BOOT_CODE_32 : BOOT_CODE_16) - 2);
    boot[BOOT_JUMP + 2] = 0x90;

    boot[wide ? BOOT_DRIVE_32 : BOOT_DRIVE_16] = 0x80;
    boot[wide ? BOOT_EXTENDED_32 : BOOT_EXTENDED_16] = EXTENDED_SIGNATURE;
    bytes_put_le32(boot + (wide ? BOOT_SERIAL_32 : BOOT_SERIAL_16), serial);
    memcpy(boot + (wide ? BOOT_LABEL_32 : BOOT_LABEL_16),
           label[0] == ' ' ? "NO NAME    " : label, LABEL_BYTES);
    memcpy(boot + (wide ? BOOT_TYPE_32 : BOOT_TYPE_16),
           wide ? "FAT32   " : layout->bits == 16 ? "FAT16   " : "FAT12   ", 8);
}

static void boot_encode(uint8_t *boot, const struct fat_layout *layout, const char *label,
                        uint32_t serial)
{
    memset(boot, 0, layout->sector_bytes);
    memcpy(boot + BOOT_SYSTEM_NAME, "SPINDLE ", 8);
    bytes_put_le16(boot + BOOT_SECTOR_BYTES, (uint16_t)layout->sector_bytes);
    boot[BOOT_CLUSTER_SECTORS] = (uint8_t)layout->cluster_sectors;
    bytes_put_le16(boot + BOOT_RESERVED_SECTORS, (uint16_t)layout->reserved_sectors);
    boot[BOOT_TABLES] = TABLES;
    bytes_put_le16(boot + BOOT_ROOT_ENTRIES, (uint16_t)layout->root_entries);
    boot[BOOT_MEDIA] = MEDIA_FIRST;
    bytes_put_le16(boot + BOOT_TRACK_SECTORS, 63);
    bytes_put_le16(boot + BOOT_HEADS, 255);

    /* A small volume uses the older, narrower field, which every system knows. */
    if (layout->bits != 32 && layout->sectors < 0x10000)
        bytes_put_le16(boot + BOOT_SECTORS_16, (uint16_t)layout->sectors);
    else
        bytes_put_le32(boot + BOOT_SECTORS_32, (uint32_t)layout->sectors);

    if (layout->bits == 32) {
        bytes_put_le32(boot + BOOT_TABLE_SECTORS_32, layout->table_sectors);
        bytes_put_le32(boot + BOOT_ROOT_CLUSTER, FAT_FIRST_CLUSTER);
        bytes_put_le16(boot + BOOT_INFO_SECTOR, INFO_SECTOR);
        bytes_put_le16(boot + BOOT_BACKUP_SECTOR, BACKUP_SECTOR);
    } else {
        bytes_put_le16(boot + BOOT_TABLE_SECTORS_16, (uint16_t)layout->table_sectors);
    }
    boot_extend(boot, layout, label, serial);
    bytes_put_le16(boot + BOOT_SIGNATURE, SIGNATURE);
}

static void info_encode(uint8_t *info, const struct fat_layout *layout)
{
    memset(info, 0, layout->sector_bytes);
    bytes_put_le32(info + INFO_LEAD, INFO_LEAD_SIGNATURE);
    bytes_put_le32(info + INFO_STRUCTURE, INFO_STRUCTURE_SIGNATURE);
    bytes_put_le32(info + INFO_FREE_CLUSTERS, layout->clusters - 1); /* the root has one */
    bytes_put_le32(info + INFO_NEXT_CLUSTER, FAT_FIRST_CLUSTER);
    bytes_put_le32(info + INFO_TRAIL, INFO_TRAIL_SIGNATURE);
}

/* The first entries are not of clusters: the medium's type, and the flags of a clean volume. The
 * third one is the root directory of FAT32. */
static void table_encode(uint8_t *table, const struct fat_layout *layout)
{
    memset(table, 0, layout->sector_bytes);
    memset(table, 0xff, layout->bits == 32 ? 12 : layout->bits == 16 ? 4 : 3);
    table[0] = MEDIA_FIRST;
    if (layout->bits == 32)
        table[3] = table[7] = table[11] = 0x0f; /* 28 bits each */
}

/* ---- writing ------------------------------------------------------------------------------ */

struct formatting {
    const struct device_handle *handle;
    struct fat_layout layout;
    uint8_t *sector; /* a page */
};

static status_t write_sector(const struct formatting *f, uint64_t number)
{
    uint32_t bytes = f->layout.sector_bytes;
    return io_wait(f->handle, IO_WRITE, number * bytes, f->sector, bytes, NULL);
}

/* Erases the old content, and everything up to the end of the root directory. */
static status_t wipe_volume(const struct formatting *f)
{
    const struct fat_layout *layout = &f->layout;
    uint64_t data = layout->reserved_sectors + (uint64_t)TABLES * layout->table_sectors +
                    layout->root_entries * FAT_RECORD_BYTES / layout->sector_bytes;
    return wipe_device(f->handle, (data + layout->cluster_sectors) * layout->sector_bytes);
}

static status_t write_tables(const struct formatting *f)
{
    const struct fat_layout *layout = &f->layout;
    status_t status = 0;
    table_encode(f->sector, layout);
    for (unsigned i = 0; !status && i < TABLES; i++)
        status = write_sector(f, layout->reserved_sectors + (uint64_t)i * layout->table_sectors);
    return status;
}

/* The root directory of FAT32 is cluster 2, so both kinds begin after the tables. */
static status_t write_label(const struct formatting *f, const char *label)
{
    const struct fat_layout *layout = &f->layout;
    if (label[0] == ' ')
        return 0;
    memset(f->sector, 0, layout->sector_bytes);
    fat_record_encode_label(f->sector, label, time_wall_s());
    return write_sector(f, layout->reserved_sectors + (uint64_t)TABLES * layout->table_sectors);
}

/* Writes the FSInfo sector, its backup, and that of the boot sector: FAT32 alone. */
static status_t write_reserved(const struct formatting *f, const char *label, uint32_t serial)
{
    const struct fat_layout *layout = &f->layout;
    if (layout->bits != 32)
        return 0;
    info_encode(f->sector, layout);
    status_t status = write_sector(f, INFO_SECTOR);
    if (!status)
        status = write_sector(f, BACKUP_SECTOR + INFO_SECTOR);
    boot_encode(f->sector, layout, label, serial);
    return status ? status : write_sector(f, BACKUP_SECTOR);
}

static status_t write_volume(const struct formatting *f, const char *label)
{
    uint64_t clock = hash_u64((uint64_t)time_wall_s() ^ time_now_us() << 32);
    uint32_t serial = (uint32_t)clock;
    status_t status = wipe_volume(f);
    if (!status)
        status = write_tables(f);
    if (!status)
        status = write_label(f, label);
    if (!status)
        status = write_reserved(f, label, serial);
    if (!status)
        status = io_wait(f->handle, IO_FLUSH, 0, NULL, 0, NULL);

    /* The boot sector last: the volume can be mounted once all of it is there. */
    boot_encode(f->sector, &f->layout, label, serial);
    if (!status)
        status = write_sector(f, 0);
    return status ? status : io_wait(f->handle, IO_FLUSH, 0, NULL, 0, NULL);
}

status_t fat_format(const struct device_handle *handle, const struct volume_format *format)
{
    struct formatting f = { .handle = handle };
    uint32_t block = device_block_bytes(handle->device);
    uint64_t bytes = device_medium(handle->device).bytes;
    char label[LABEL_BYTES];
    status_t status = fat_label_encode(format->label, label);
    if (!status)
        status = fat_layout_plan(bytes, block, format->cluster_bytes, &f.layout);
    if (status)
        return status;

    f.sector = page_alloc();
    if (!f.sector)
        return -ENOMEM;
    status = write_volume(&f, label);
    page_free(f.sector);
    return status;
}
