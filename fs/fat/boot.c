/*
 * boot.c - the boot sector: where the parts of the volume are, and how large a table entry is.
 *
 * Nothing in a boot sector proves that it is one of a FAT volume, so all fields must be possible.
 * Volumes of the Atari and of early DOS have neither a jump nor a signature: their table proves it.
 * The number of clusters alone decides between FAT12, FAT16 and FAT32 (specification 3.5).
 */
#include "fs/fat/boot.h"
#include "fs/fat/fat.h"
#include "lib/string.h"

static bool is_power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

/* Returns whether the fixed fields may be those of a FAT volume. */
static bool is_possible(struct bytes boot)
{
    uint8_t media = bytes_u8(boot, BOOT_MEDIA);
    uint16_t sector = bytes_le16(boot, BOOT_SECTOR_BYTES);
    uint8_t tables = bytes_u8(boot, BOOT_TABLES);

    return is_power_of_two(sector) && sector >= FAT_BOOT_BYTES && sector <= SECTOR_BYTES_MAX &&
           is_power_of_two(bytes_u8(boot, BOOT_CLUSTER_SECTORS)) &&
           bytes_le16(boot, BOOT_RESERVED_SECTORS) &&
           tables && tables <= TABLES_MAX &&
           (media == MEDIA_REMOVABLE || media >= MEDIA_FIRST);
}

static bool is_marked(struct bytes boot)
{
    uint8_t jump = bytes_u8(boot, BOOT_JUMP);
    return bytes_le16(boot, BOOT_SIGNATURE) == SIGNATURE &&
           (jump == JUMP_SHORT || jump == JUMP_NEAR);
}

/* Copies the label, unless it is the text that stands for none. */
static void label_decode(struct bytes boot, size_t offset, char label[FAT_SHORT_BYTES])
{
    struct bytes raw = bytes_slice(boot, offset, LABEL_BYTES);
    size_t length = raw.length;
    while (length && raw.data[length - 1] == ' ')
        length--;

    memcpy(label, raw.data, length);
    label[length] = '\0';
    if (!strcmp(label, "NO NAME"))
        label[0] = '\0';
}

/* Finds the numbers of sectors of the volume and of a table. The newer, wider fields count where
 * the older ones are 0. */
static void sizes_decode(struct bytes boot, uint64_t *sectors, uint64_t *table_sectors)
{
    *sectors = bytes_le16(boot, BOOT_SECTORS_16);
    if (!*sectors)
        *sectors = bytes_le32(boot, BOOT_SECTORS_32);
    *table_sectors = bytes_le16(boot, BOOT_TABLE_SECTORS_16);
    if (!*table_sectors)
        *table_sectors = bytes_le32(boot, BOOT_TABLE_SECTORS_32);
}

/* Finds what only FAT32 has: FSInfo, and the active table where the copies are not kept equal. */
static void mirroring_decode(struct bytes boot, struct fat_geometry *geometry)
{
    uint16_t flags = bytes_le16(boot, BOOT_MIRRORING), info = bytes_le16(boot, BOOT_INFO_SECTOR);
    unsigned active = flags & BOOT_ACTIVE_TABLE;
    if (info && info < bytes_le16(boot, BOOT_RESERVED_SECTORS))
        geometry->info_address = (uint64_t)info * geometry->sector_bytes;
    if (flags & BOOT_MIRRORING_OFF && active < geometry->tables) {
        geometry->table_address += active * geometry->table_bytes;
        geometry->tables = 1;
    }
}

/* Finds what later systems added. Boot sectors without it may have a program there. */
static void extension_decode(struct bytes boot, bool wide, struct fat_geometry *geometry)
{
    uint8_t signature = bytes_u8(boot, wide ? BOOT_EXTENDED_32 : BOOT_EXTENDED_16);
    if (signature != EXTENDED_SIGNATURE && signature != EXTENDED_SERIAL_ONLY)
        return;
    geometry->state_address = wide ? BOOT_STATE_32 : BOOT_STATE_16;
    geometry->serial = bytes_le32(boot, wide ? BOOT_SERIAL_32 : BOOT_SERIAL_16);
    if (signature == EXTENDED_SIGNATURE)
        label_decode(boot, wide ? BOOT_LABEL_32 : BOOT_LABEL_16, geometry->label);
}

status_t fat_boot_decode(struct bytes boot, struct fat_geometry *geometry)
{
    uint64_t sectors, table_sectors;
    *geometry = (struct fat_geometry){ 0 };
    if (boot.length < FAT_BOOT_BYTES || !is_possible(boot))
        return -EMEDIUMTYPE;
    sizes_decode(boot, &sectors, &table_sectors);

    /* All of these are at most 32 bits wide, so the sums and products fit into 64. */
    uint32_t sector = bytes_le16(boot, BOOT_SECTOR_BYTES);
    uint64_t tables = bytes_u8(boot, BOOT_TABLES);
    uint64_t root_bytes = (uint64_t)bytes_le16(boot, BOOT_ROOT_ENTRIES) * FAT_RECORD_BYTES;
    uint64_t root_sector = bytes_le16(boot, BOOT_RESERVED_SECTORS) + tables * table_sectors;
    uint64_t data_sector = root_sector + (root_bytes + sector - 1) / sector;
    unsigned cluster_sectors = bytes_u8(boot, BOOT_CLUSTER_SECTORS);
    if (!table_sectors || data_sector >= sectors)
        return -EMEDIUMTYPE;

    uint64_t clusters = (sectors - data_sector) / cluster_sectors;
    bool wide = !bytes_le16(boot, BOOT_TABLE_SECTORS_16);
    if (!clusters || clusters > CLUSTERS_32_MAX || wide != !root_bytes)
        return -EMEDIUMTYPE;

    /* A volume with the fields of FAT32 is one, whatever the number of its clusters: mkfs.fat makes
     * small ones on request, and Linux reads them so. */
    *geometry = (struct fat_geometry){
        .marked = is_marked(boot),
        .media = bytes_u8(boot, BOOT_MEDIA),
        .bits = wide ? 32 : clusters <= CLUSTERS_12_MAX ? 12 : 16,
        .sector_bytes = sector,
        .cluster_bytes = sector * cluster_sectors,
        .tables = (unsigned)tables,
        .table_address = (uint64_t)bytes_le16(boot, BOOT_RESERVED_SECTORS) * sector,
        .table_bytes = table_sectors * sector,
        .root_address = root_sector * sector,
        .root_bytes = root_bytes,
        .root_cluster = wide ? bytes_le32(boot, BOOT_ROOT_CLUSTER) : 0,
        .data_address = data_sector * sector,
        .clusters = (uint32_t)clusters,
        .volume_bytes = sectors * sector,
    };
    if (!wide && clusters > CLUSTERS_16_MAX)
        return -EMEDIUMTYPE;
    if (wide)
        mirroring_decode(boot, geometry);
    extension_decode(boot, wide, geometry);
    return 0;
}
