/*
 * format.c - makes an empty exFAT volume.
 *
 * The heap begins with the allocation bitmap, the up-case table and the root directory. The table
 * and the heap begin at multiples of a mebibyte, of which flash memory has whole blocks.
 */
#include "fs/exfat/boot.h"
#include "fs/exfat/exfat.h"
#include "fs/exfat/record.h"
#include "fs/exfat/tools/tools.h"
#include "kernel/vfs/layout/wipe.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define EXTENDED_SIGNATURE 0xaa550000u
#define TABLE_FIRST 0xfffffff8u /* the first entry: the type of the medium */

enum {
    BOOT_EXTENDED_SECTORS = 8, /* from sector 1 on */
    BOOT_CHECKSUM_SECTOR = 11,
    DRIVE_FIRST = 0x80,
    TABLE_SECTOR_MIN = 2 * EXFAT_BOOT_SECTORS,
    SMALL_BYTES = 64 * 1024 * 1024, /* volumes that are not aligned to mebibytes */
    SMALL_ALIGN_BYTES = 16 * 1024,
    LINK_BYTES = 4,
    SYSTEM_FILES = 3, /* bitmap, up-case table, root */
};

/* ---- sizes -------------------------------------------------------------------------------- */

static uint32_t default_cluster_bytes(uint64_t bytes)
{
    /* As Windows does. */
    return bytes <= 256 * MIB ? 4096 : bytes <= 32 * GIB ? 32768 : 131072;
}

static uint64_t divide_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit;
}

/* Returns how many clusters the bitmap and the up-case table have. */
static uint32_t system_clusters(const struct exfat_layout *layout, uint64_t bytes)
{
    return (uint32_t)divide_up(bytes,
                               (uint64_t)1 << (layout->sector_shift + layout->cluster_shift));
}

status_t exfat_layout_plan(uint64_t bytes, uint32_t sector_bytes, uint32_t cluster_bytes,
                           size_t upcase_bytes, struct exfat_layout *layout)
{
    if (!cluster_bytes)
        cluster_bytes = max(default_cluster_bytes(bytes), sector_bytes);
    if (cluster_bytes & (cluster_bytes - 1) || cluster_bytes < sector_bytes ||
        cluster_bytes > 1u << CLUSTER_SHIFT_MAX)
        return -EINVAL;
    unsigned shift = (unsigned)__builtin_ctz(sector_bytes);
    *layout = (struct exfat_layout){
        .sector_shift = shift,
        .cluster_shift = (unsigned)__builtin_ctz(cluster_bytes) - shift,
        .sectors = bytes >> shift,
    };

    /* The table has entries for as many clusters as the volume would have without it. */
    uint64_t align = (bytes < SMALL_BYTES ? (uint64_t)SMALL_ALIGN_BYTES : MIB) >> shift;
    uint64_t most = layout->sectors >> layout->cluster_shift;
    if (most > CLUSTERS_MAX)
        return -EINVAL;
    if (bytes < MIB)
        return -ENOSPC; /* 3.1.5 */
    uint64_t table = divide_up(TABLE_SECTOR_MIN, align) * align;
    uint64_t table_sectors = divide_up((most + EXFAT_FIRST_CLUSTER) * LINK_BYTES, sector_bytes);
    uint64_t heap = divide_up(table + table_sectors, align) * align;
    if (heap >= layout->sectors)
        return -ENOSPC;

    layout->table = (uint32_t)table;
    layout->table_sectors = (uint32_t)table_sectors;
    layout->heap = (uint32_t)heap;
    layout->clusters = (uint32_t)((layout->sectors - heap) >> layout->cluster_shift);
    layout->bitmap_bytes = divide_up(layout->clusters, 8);
    layout->upcase_cluster = EXFAT_FIRST_CLUSTER + system_clusters(layout, layout->bitmap_bytes);
    layout->root_cluster = layout->upcase_cluster + system_clusters(layout, upcase_bytes);

    /* Room for one file at least. */
    uint32_t used = layout->root_cluster + 1 - EXFAT_FIRST_CLUSTER;
    return used < layout->clusters ? 0 : -ENOSPC;
}

/* ---- writing ------------------------------------------------------------------------------ */

struct formatting {
    const struct device_handle *handle;
    struct exfat_layout layout;
    uint8_t *piece;  /* a page */
    uint8_t *upcase; /* EXFAT_UPCASE_ROOM */
    size_t upcase_bytes;
    struct wide_name label;
    uint32_t serial;
};

static uint64_t cluster_address(const struct formatting *f, uint32_t cluster)
{
    const struct exfat_layout *layout = &f->layout;
    return ((uint64_t)layout->heap << layout->sector_shift) +
           ((uint64_t)(cluster - EXFAT_FIRST_CLUSTER)
            << (layout->sector_shift + layout->cluster_shift));
}

static uint32_t sector_bytes(const struct formatting *f)
{
    return 1u << f->layout.sector_shift;
}

/* Writes the first sector of the piece. */
static status_t write_sector(const struct formatting *f, uint64_t address)
{
    return io_wait(f->handle, IO_WRITE, address, f->piece, sector_bytes(f), NULL);
}

/* Links the clusters of the bitmap, the up-case table and the root directory. */
static status_t write_links(const struct formatting *f)
{
    const struct exfat_layout *layout = &f->layout;
    uint32_t end = layout->root_cluster + 1, per_sector = sector_bytes(f) / LINK_BYTES;
    status_t status = 0;
    for (uint32_t sector = 0; !status && sector * per_sector < end; sector++) {
        memset(f->piece, 0, sector_bytes(f));
        for (uint32_t i = 0; i < per_sector && sector * per_sector + i < end; i++) {
            uint32_t cluster = sector * per_sector + i, next = cluster + 1;
            if (cluster == 0)
                next = TABLE_FIRST;
            else if (cluster == 1 || next == layout->upcase_cluster ||
                     next == layout->root_cluster || next == end)
                next = EXFAT_TABLE_END;
            bytes_put_le32(f->piece + i * LINK_BYTES, next);
        }
        status = write_sector(f, ((uint64_t)layout->table + sector) << layout->sector_shift);
    }
    return status;
}

static status_t write_bitmap(const struct formatting *f)
{
    uint32_t used = f->layout.root_cluster + 1 - EXFAT_FIRST_CLUSTER, per = sector_bytes(f) * 8;
    status_t status = 0;
    for (uint32_t first = 0; !status && first < used; first += per) {
        memset(f->piece, 0, sector_bytes(f));
        for (uint32_t i = first; i < min(used, first + per); i++)
            f->piece[(i - first) / 8] |= (uint8_t)(1 << i % 8);
        status = write_sector(f, cluster_address(f, EXFAT_FIRST_CLUSTER) + first / 8);
    }
    return status;
}

static status_t write_upcase(const struct formatting *f)
{
    status_t status = 0;
    for (size_t at = 0; !status && at < f->upcase_bytes; at += sector_bytes(f)) {
        memset(f->piece, 0, sector_bytes(f));
        memcpy(f->piece, f->upcase + at, min(f->upcase_bytes - at, (size_t)sector_bytes(f)));
        status = write_sector(f, cluster_address(f, f->layout.upcase_cluster) + at);
    }
    return status;
}

static status_t write_root(const struct formatting *f)
{
    uint8_t *label = f->piece, *bitmap = label + EXFAT_ENTRY_BYTES,
            *upcase = bitmap + EXFAT_ENTRY_BYTES;
    memset(f->piece, 0, sector_bytes(f));

    /* Without a label its entry is unused, so that one can be set later. */
    label[0] = f->label.count ? EXFAT_ENTRY_LABEL : EXFAT_ENTRY_LABEL & ~EXFAT_ENTRY_USED;
    label[LABEL_COUNT] = (uint8_t)f->label.count;
    for (unsigned i = 0; i < f->label.count; i++)
        bytes_put_le16(label + LABEL_UNITS + 2 * i, f->label.units[i]);

    bitmap[0] = EXFAT_ENTRY_BITMAP;
    bytes_put_le32(bitmap + BITMAP_CLUSTER, EXFAT_FIRST_CLUSTER);
    bytes_put_le64(bitmap + BITMAP_BYTES, f->layout.bitmap_bytes);

    upcase[0] = EXFAT_ENTRY_UPCASE;
    bytes_put_le32(upcase + UPCASE_CHECKSUM,
                   exfat_table_checksum(0, (struct bytes){ f->upcase, f->upcase_bytes }));
    bytes_put_le32(upcase + UPCASE_CLUSTER, f->layout.upcase_cluster);
    bytes_put_le64(upcase + UPCASE_BYTES, f->upcase_bytes);
    return write_sector(f, cluster_address(f, f->layout.root_cluster));
}

/* ---- the boot regions ---------------------------------------------------------------------- */

static void boot_encode(const struct formatting *f)
{
    const struct exfat_layout *layout = &f->layout;
    uint32_t used = layout->root_cluster + 1 - EXFAT_FIRST_CLUSTER;
    uint8_t *boot = f->piece;
    memset(boot, 0, sector_bytes(f));
    memcpy(boot + BOOT_JUMP, "\xeb\x76\x90" "EXFAT   ", 11);
    bytes_put_le64(boot + BOOT_VOLUME_SECTORS, layout->sectors);
    bytes_put_le32(boot + BOOT_TABLE_SECTOR, layout->table);
    bytes_put_le32(boot + BOOT_TABLE_SECTORS, layout->table_sectors);
    bytes_put_le32(boot + BOOT_HEAP_SECTOR, layout->heap);
    bytes_put_le32(boot + BOOT_CLUSTERS, layout->clusters);
    bytes_put_le32(boot + BOOT_ROOT_CLUSTER, layout->root_cluster);
    bytes_put_le32(boot + BOOT_SERIAL, f->serial);
    bytes_put_le16(boot + BOOT_REVISION, REVISION_MAJOR << 8);
    boot[BOOT_SECTOR_SHIFT] = (uint8_t)layout->sector_shift;
    boot[BOOT_CLUSTER_SHIFT] = (uint8_t)layout->cluster_shift;
    boot[BOOT_TABLES] = 1;
    boot[BOOT_DRIVE] = DRIVE_FIRST;
    boot[BOOT_PERCENT] = (uint8_t)((uint64_t)used * 100 / layout->clusters);

    /* There is no program in it: hlt, jmp to it. */
    memset(boot + BOOT_CODE, 0xf4, BOOT_SIGNATURE - BOOT_CODE);
    memcpy(boot + BOOT_SIGNATURE - 2, "\xeb\xfd", 2);
    bytes_put_le16(boot + BOOT_SIGNATURE, SIGNATURE);
}

/* Encodes a sector of a boot region before the one with the checksum. */
static void region_encode(const struct formatting *f, unsigned sector)
{
    if (!sector) {
        boot_encode(f);
        return;
    }
    memset(f->piece, 0, sector_bytes(f));
    if (sector <= BOOT_EXTENDED_SECTORS)
        bytes_put_le32(f->piece + sector_bytes(f) - 4, EXTENDED_SIGNATURE);
}

/* Writes a boot region at a sector, without its boot sector if it is the first one. */
static status_t write_region(const struct formatting *f, uint64_t first)
{
    uint32_t sum = 0;
    status_t status = 0;
    for (unsigned i = 0; i < BOOT_CHECKSUM_SECTOR && !status; i++) {
        region_encode(f, i);
        sum = exfat_boot_checksum(sum, (struct bytes){ f->piece, sector_bytes(f) }, i);
        if (i || first)
            status = write_sector(f, (first + i) << f->layout.sector_shift);
    }

    /* The last sector repeats the checksum of the others (3.4). */
    for (uint32_t at = 0; at < sector_bytes(f); at += 4)
        bytes_put_le32(f->piece + at, sum);
    return status ? status
                  : write_sector(f, (first + BOOT_CHECKSUM_SECTOR) << f->layout.sector_shift);
}

static status_t write_volume(const struct formatting *f)
{
    status_t status = wipe_device(f->handle, cluster_address(f, f->layout.root_cluster + 1));
    if (!status)
        status = write_links(f);
    if (!status)
        status = write_bitmap(f);
    if (!status)
        status = write_upcase(f);
    if (!status)
        status = write_root(f);
    if (!status)
        status = write_region(f, EXFAT_BOOT_SECTORS);
    if (!status)
        status = write_region(f, 0);
    if (!status)
        status = io_wait(f->handle, IO_FLUSH, 0, NULL, 0, NULL);

    /* The boot sector last: the volume can be mounted once all of it is there. */
    boot_encode(f);
    if (!status)
        status = write_sector(f, 0);
    return status ? status : io_wait(f->handle, IO_FLUSH, 0, NULL, 0, NULL);
}

static status_t format_device(struct formatting *f, const struct volume_format *format)
{
    uint32_t block = max(device_block_bytes(f->handle->device), 512u);
    struct element label = { format->label, strlen(format->label) };
    status_t status = wide_name_encode(label, &f->label);
    if (status || f->label.count > EXFAT_LABEL_UNITS_MAX)
        return -EINVAL;

    status = exfat_upcase_encode(f->upcase, &f->upcase_bytes);
    if (!status)
        status = exfat_layout_plan(device_medium(f->handle->device).bytes, block,
                                   format->cluster_bytes, f->upcase_bytes, &f->layout);
    f->serial = (uint32_t)hash_u64((uint64_t)time_wall_s() ^ time_now_us() << 32);
    return status ? status : write_volume(f);
}

status_t exfat_format(const struct device_handle *handle, const struct volume_format *format)
{
    struct formatting *f = mem_zalloc(sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->handle = handle;
    f->piece = page_alloc();
    f->upcase = mem_alloc(EXFAT_UPCASE_ROOM);
    status_t status = f->piece && f->upcase ? format_device(f, format) : -ENOMEM;

    if (f->piece)
        page_free(f->piece);
    mem_free(f->upcase);
    mem_free(f);
    return status;
}
