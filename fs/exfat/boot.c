/*
 * boot.c - the boot sector: where the parts of the volume are (specification, section 3.1).
 */
#include "fs/exfat/boot.h"
#include "fs/exfat/exfat.h"
#include "lib/string.h"

status_t exfat_boot_decode(struct bytes boot, struct exfat_geometry *geometry)
{
    *geometry = (struct exfat_geometry){ 0 };
    if (!bytes_has(boot, 0, BOOT_SIGNATURE + 2) || memcmp(boot.data + BOOT_NAME, "EXFAT   ", 8) ||
        bytes_le16(boot, BOOT_SIGNATURE) != SIGNATURE)
        return -EMEDIUMTYPE;

    /* The volume is recognized: from here on a wrong field is damage (-EUCLEAN), which makes the
     * caller try the copy of the boot region. The shifts come first, since they scale all other
     * fields. */
    unsigned sector_shift = bytes_u8(boot, BOOT_SECTOR_SHIFT);
    unsigned cluster_shift = sector_shift + bytes_u8(boot, BOOT_CLUSTER_SHIFT);
    unsigned tables = bytes_u8(boot, BOOT_TABLES);
    if (sector_shift < SECTOR_SHIFT_MIN || sector_shift > SECTOR_SHIFT_MAX ||
        cluster_shift > CLUSTER_SHIFT_MAX || bytes_le16(boot, BOOT_REVISION) >> 8 != REVISION_MAJOR)
        return -EUCLEAN;

    /* Two tables are valid only for TexFAT, whose second table may be the current one. */
    if (tables != 1)
        return tables == 2 ? -EOPNOTSUPP : -EUCLEAN;

    /* Sectors have 32 bits here, except the volume's length; none of the products overflows. */
    uint64_t sectors = bytes_le64(boot, BOOT_VOLUME_SECTORS);
    uint64_t heap = bytes_le32(boot, BOOT_HEAP_SECTOR);
    uint64_t table = bytes_le32(boot, BOOT_TABLE_SECTOR);
    uint64_t table_sectors = bytes_le32(boot, BOOT_TABLE_SECTORS);
    uint32_t clusters = bytes_le32(boot, BOOT_CLUSTERS);
    if (sectors > UINT64_MAX >> sector_shift || heap > sectors || !clusters ||
        clusters > CLUSTERS_MAX || table + table_sectors > heap ||
        clusters > (sectors - heap) >> (cluster_shift - sector_shift) ||
        ((uint64_t)clusters + EXFAT_FIRST_CLUSTER) * 4 > table_sectors << sector_shift)
        return -EUCLEAN;

    /* The root's cluster is checked when its chain is read. */
    *geometry = (struct exfat_geometry){
        .sector_bytes = 1u << sector_shift,
        .cluster_bytes = 1u << cluster_shift,
        .table_address = table << sector_shift,
        .table_bytes = table_sectors << sector_shift,
        .heap_address = heap << sector_shift,
        .volume_bytes = sectors << sector_shift,
        .clusters = clusters,
        .root_cluster = bytes_le32(boot, BOOT_ROOT_CLUSTER),
        .serial = bytes_le32(boot, BOOT_SERIAL),
        .dirty = bytes_le16(boot, BOOT_FLAGS) & FLAG_DIRTY,
        .failing = bytes_le16(boot, BOOT_FLAGS) & FLAG_FAILING,
    };
    return 0;
}

uint32_t exfat_boot_checksum(uint32_t sum, struct bytes data, unsigned sector)
{
    /* The flags and the percentage in use change without the checksum (3.4). */
    for (size_t i = 0; i < data.length; i++)
        if (sector || (i != BOOT_FLAGS && i != BOOT_FLAGS + 1 && i != BOOT_PERCENT))
            sum = (sum << 31 | sum >> 1) + data.data[i];
    return sum;
}
