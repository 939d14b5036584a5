/*
 * checks.c - formats that a few bytes at one place do not prove.
 *
 * Each check reads more of the source. Offsets of fields are named after each format's own
 * description.
 */
#include "lib/identify/checks.h"
#include "lib/macros.h"
#include "lib/string.h"

static bool is_at(struct identify *identify, uint64_t offset, const char *magic)
{
    size_t length = strlen(magic);
    struct bytes b = identify_bytes(identify, offset, length);

    return b.length == length && memcmp(b.data, magic, length) == 0;
}

static bool is_power_of_2(uint32_t value)
{
    return value && !(value & (value - 1));
}

/* ---- discs -------------------------------------------------------------------------------- */

enum {
    VRS_OFFSET = 32768,
    VRS_DESCRIPTORS_MAX = 64,
    VSD_ID = 1, /* ECMA-167 2/9.1 */
    VSD_ID_BYTES = 5,
};

/* ECMA-167 2/8.3: descriptors follow each other, one in 2048 bytes or in a larger sector, up to the
 * first sector that is not one. UDF's is between BEA01 and TEA01; ISO 9660's may precede them. */
static const char *udf_in_steps_of(struct identify *identify, uint32_t step)
{
    static const char *const known[] = { "CD001", "BEA01", "NSR02", "NSR03",
                                         "TEA01", "BOOT2", "CDW02" };

    for (unsigned i = 0; i < VRS_DESCRIPTORS_MAX; i++) {
        /* The sequence ends at the first sector without a known identifier. */
        uint64_t id = VRS_OFFSET + (uint64_t)i * step + VSD_ID;
        bool is_known = false;
        for (size_t k = 0; k < ARRAY_LENGTH(known); k++)
            is_known |= is_at(identify, id, known[k]);
        if (!is_known)
            return NULL;
        if (is_at(identify, id, "NSR02") || is_at(identify, id, "NSR03"))
            return "UDF file system";
    }
    return NULL;
}

const char *identify_udf(struct identify *identify)
{
    /* In larger sectors each descriptor still begins a sector of its own. */
    const char *name = udf_in_steps_of(identify, 2048);
    return name ? name : udf_in_steps_of(identify, 4096);
}

/* The header of a CD sector ends with its mode (ECMA-130, 14.2). */
const char *identify_raw_cd(struct identify *identify)
{
    enum { HEADER_MODE = 15 };
    static const char *const names[] = { "raw CD image, mode 0", "raw CD image, mode 1",
                                         "raw CD image, mode 2" };
    uint8_t mode = bytes_u8(identify_bytes(identify, HEADER_MODE, 1), 0);

    return mode < ARRAY_LENGTH(names) ? names[mode] : NULL;
}

/* ---- FAT ---------------------------------------------------------------------------------- */

/* Checks the BIOS parameter block against what every formatter writes and every driver requires.
 * The number of clusters alone decides which FAT it is (Microsoft's FAT specification, 3.5). */
const char *identify_fat(struct identify *identify)
{
    enum {
        JUMP = 0,
        SECTOR_BYTES = 11,
        CLUSTER_SECTORS = 13,
        RESERVED_SECTORS = 14,
        FATS = 16,
        ROOT_ENTRIES = 17,
        TOTAL_16 = 19, /* 0 if the number needs 32 bits */
        MEDIA = 21,
        FAT_16 = 22,   /* 0 in FAT32 */
        TOTAL_32 = 32,
        FAT_32 = 36,
        BPB_BYTES = 64,

        JUMP_SHORT = 0xeb,
        JUMP_NEAR = 0xe9,
        DIRECTORY_ENTRY_BYTES = 32,
        FAT12_CLUSTERS_END = 4085,
    };

    /* Each field on its own is checked first: most sources fail here. */
    struct bytes b = identify_bytes(identify, 0, BPB_BYTES);
    uint8_t jump = bytes_u8(b, JUMP), fats = bytes_u8(b, FATS);
    uint8_t cluster = bytes_u8(b, CLUSTER_SECTORS), media = bytes_u8(b, MEDIA);
    uint32_t sector = bytes_le16(b, SECTOR_BYTES), reserved = bytes_le16(b, RESERVED_SECTORS);
    if (fats < 1 || fats > 4 || !is_power_of_2(cluster) || !is_power_of_2(sector) ||
        sector < 512 || sector > 4096 || !reserved || media < 0xf0)
        return NULL;

    /* The metadata must fit in the volume. */
    uint32_t fat = bytes_le16(b, FAT_16), total = bytes_le16(b, TOTAL_16);
    bool wide = !fat;
    if (wide)
        fat = bytes_le32(b, FAT_32);
    if (!total)
        total = bytes_le32(b, TOTAL_32);
    uint32_t root_bytes = (uint32_t)bytes_le16(b, ROOT_ENTRIES) * DIRECTORY_ENTRY_BYTES;
    uint64_t used = reserved + (uint64_t)fats * fat + (root_bytes + sector - 1) / sector;
    if (!fat || used >= total)
        return NULL;

    /* Without a jump instruction the table must begin with the media byte (3.5). */
    struct bytes table = identify_bytes(identify, (uint64_t)reserved * sector, 2);
    if (jump != JUMP_SHORT && jump != JUMP_NEAR &&
        (bytes_u8(table, 0) != media || bytes_u8(table, 1) != 0xff))
        return NULL;

    /* The number of clusters decides between the other two. */
    if (wide)
        return "FAT32 file system";
    return (total - used) / cluster < FAT12_CLUSTERS_END ? "FAT12 file system"
                                                         : "FAT16 file system";
}

/* ---- Linux -------------------------------------------------------------------------------- */

/* Decides by the superblock's three words of feature bits: ext3 added a journal to ext2, and ext4
 * all the rest. */
const char *identify_ext(struct identify *identify)
{
    enum {
        FEATURES = 1024 + 92,
        COMPATIBLE = 0,
        INCOMPATIBLE = 4,
        READ_ONLY = 8,
        FEATURES_BYTES = 12,

        HAS_JOURNAL = 0x4,
        JOURNAL_DEVICE = 0x8,
        EXT3_INCOMPATIBLE = 0x16,
        EXT3_READ_ONLY = 0x7,
    };

    /* The magic was checked by the table of signatures. */
    struct bytes b = identify_bytes(identify, FEATURES, FEATURES_BYTES);
    uint32_t incompatible = bytes_le32(b, INCOMPATIBLE), read_only = bytes_le32(b, READ_ONLY);

    /* A journal on a device of its own has the magic, too. Any bit that ext3 does not have is
     * ext4's. */
    if (incompatible & JOURNAL_DEVICE)
        return "ext4 journal";
    if (incompatible & ~(uint32_t)EXT3_INCOMPATIBLE || read_only & ~(uint32_t)EXT3_READ_ONLY)
        return "ext4 file system";
    return bytes_le32(b, COMPATIBLE) & HAS_JOURNAL ? "ext3 file system" : "ext2 file system";
}

/* The signature has only two bytes (in version 3 at another place than in 1 and 2), so the other
 * fields of the superblock must be plausible. */
const char *identify_minix(struct identify *identify)
{
    enum {
        SUPERBLOCK = 1024,
        SUPERBLOCK_BYTES = 32,

        INODES = 0,
        INODE_MAP_BLOCKS = 4,
        ZONE_MAP_BLOCKS = 6,
        LOG_ZONE = 10,
        MAGIC = 16,
        STATE = 18,

        V3_INODES = 0,
        V3_MAGIC = 24,
        V3_BLOCK_BYTES = 28,
    };
    struct bytes b = identify_bytes(identify, SUPERBLOCK, SUPERBLOCK_BYTES);
    uint16_t magic = bytes_le16(b, MAGIC);

    /* Version 3, with other offsets. */
    if (bytes_le16(b, V3_MAGIC) == 0x4d5a)
        return bytes_le32(b, V3_INODES) && bytes_le16(b, V3_BLOCK_BYTES) >= 1024
                   ? "Minix file system"
                   : NULL;

    /* Versions 1 and 2, each with names of 14 or 30 characters. */
    bool known = magic == 0x137f || magic == 0x138f || magic == 0x2468 || magic == 0x2478;
    bool plausible = bytes_le16(b, INODES) && bytes_le16(b, INODE_MAP_BLOCKS) &&
                     bytes_le16(b, ZONE_MAP_BLOCKS) && bytes_le16(b, LOG_ZONE) < 8 &&
                     bytes_le16(b, STATE) < 4;
    return known && plausible ? "Minix file system" : NULL;
}

/* The label is in one of the first four sectors. */
const char *identify_lvm(struct identify *identify)
{
    enum { LABEL_SECTORS = 4, LABEL_TYPE = 24 };

    for (uint64_t at = 0; at < LABEL_SECTORS * 512; at += 512)
        if (is_at(identify, at, "LABELONE") && is_at(identify, at + LABEL_TYPE, "LVM2 001"))
            return "LVM2 physical volume";
    return NULL;
}

/* Either byte order; the major version is 1 to 4. */
const char *identify_squashfs(struct identify *identify)
{
    enum { MAJOR = 28, HEADER_BYTES = 32 };
    struct bytes b = identify_bytes(identify, 0, HEADER_BYTES);
    bool big_endian = bytes_u8(b, 0) == 's';
    uint16_t major = big_endian ? bytes_be16(b, MAJOR) : bytes_le16(b, MAJOR);

    return major >= 1 && major <= 4 ? "Squashfs file system" : NULL;
}

/* ---- Apple -------------------------------------------------------------------------------- */

/* An HFS volume may be the wrapper of an embedded HFS+ volume (TN1150). */
const char *identify_hfs(struct identify *identify)
{
    enum { MASTER_BLOCK = 1024, EMBEDDED_SIGNATURE = 124 };
    return is_at(identify, MASTER_BLOCK + EMBEDDED_SIGNATURE, "H+") ? "HFS+ file system"
                                                                    : "HFS file system";
}

/* ---- partition tables --------------------------------------------------------------------- */

/* The header is in the second sector, of 512, 2048 or 4096 bytes. */
const char *identify_gpt(struct identify *identify)
{
    bool found = is_at(identify, 512, "EFI PART") || is_at(identify, 2048, "EFI PART") ||
                 is_at(identify, 4096, "EFI PART");
    return found ? "GPT partition table" : NULL;
}

/* A boot sector ends with 55 AA as well. A table has four entries that begin with 80 or 00, and at
 * least one of them is used. */
const char *identify_mbr(struct identify *identify)
{
    enum {
        TABLE = 446,
        TABLE_BYTES = 64,
        ENTRY_BYTES = 16,
        ENTRY_STATUS = 0,
        ENTRY_TYPE = 4,
        ENTRY_SECTORS = 12,

        STATUS_ACTIVE = 0x80,
        TYPE_PROTECTIVE = 0xee,
        OEM_NAME = 3,
    };
    struct bytes b = identify_bytes(identify, TABLE, TABLE_BYTES);
    bool valid = b.length == TABLE_BYTES, used = false, protective = false;

    /* In other boot sectors, code or text is here: hardly ever 00 or 80 in all four places. */
    for (size_t at = 0; at < b.length; at += ENTRY_BYTES) {
        uint8_t status = bytes_u8(b, at + ENTRY_STATUS), type = bytes_u8(b, at + ENTRY_TYPE);
        valid &= !status || status == STATUS_ACTIVE;
        used |= type && bytes_le32(b, at + ENTRY_SECTORS);
        protective |= type == TYPE_PROTECTIVE;
    }

    /* The first sector of a volume has the signature, too. */
    if (identify_fat(identify) || is_at(identify, OEM_NAME, "NTFS    ") ||
        is_at(identify, OEM_NAME, "EXFAT   ") || is_at(identify, OEM_NAME, "-FVE-FS-"))
        return NULL;
    if (!valid || !used)
        return "boot sector";

    /* A protective entry only announces a GPT, which has a signature of its own. */
    return protective && identify_gpt(identify) ? NULL : "MBR partition table";
}

/* ---- images ------------------------------------------------------------------------------- */

/* Returns whether the magic is this many bytes before the end of the source. */
static bool is_at_end(struct identify *identify, uint64_t before, const char *magic)
{
    /* These formats end with a footer instead of beginning with a header. */
    uint64_t size = identify->source->size_bytes;
    return size >= before && is_at(identify, size - before, magic);
}

const char *identify_vhd_fixed(struct identify *identify)
{
    return is_at_end(identify, 512, "conectix") ? "VHD disk image" : NULL;
}

const char *identify_dmg(struct identify *identify)
{
    return is_at_end(identify, 512, "koly") ? "Apple disk image" : NULL;
}

const char *identify_nrg(struct identify *identify)
{
    bool found = is_at_end(identify, 12, "NER5") || is_at_end(identify, 8, "NERO");
    return found ? "Nero disc image" : NULL;
}

/* ---- programs ----------------------------------------------------------------------------- */

/* Names the most usual machines with the type of file, and others by their class. */
const char *identify_elf(struct identify *identify)
{
    enum {
        EI_CLASS = 4,
        EI_DATA = 5,
        E_TYPE = 16,
        E_MACHINE = 18,
        HEADER_BYTES = 20,

        CLASS_32 = 1,
        CLASS_64 = 2,
        DATA_LSB = 1,
        DATA_MSB = 2,
        MACHINE_386 = 3,
        MACHINE_X86_64 = 62,
        MACHINE_AARCH64 = 183,
        TYPES = 5,
    };
    static const char *const x86_64[TYPES] = {
        "ELF 64-bit LSB, x86-64", "ELF 64-bit LSB relocatable, x86-64",
        "ELF 64-bit LSB executable, x86-64", "ELF 64-bit LSB shared object, x86-64",
        "ELF 64-bit LSB core file, x86-64",
    };
    static const char *const i386[TYPES] = {
        "ELF 32-bit LSB, Intel 80386", "ELF 32-bit LSB relocatable, Intel 80386",
        "ELF 32-bit LSB executable, Intel 80386", "ELF 32-bit LSB shared object, Intel 80386",
        "ELF 32-bit LSB core file, Intel 80386",
    };
    static const char *const arm64[TYPES] = {
        "ELF 64-bit LSB, ARM aarch64", "ELF 64-bit LSB relocatable, ARM aarch64",
        "ELF 64-bit LSB executable, ARM aarch64", "ELF 64-bit LSB shared object, ARM aarch64",
        "ELF 64-bit LSB core file, ARM aarch64",
    };
    struct bytes b = identify_bytes(identify, 0, HEADER_BYTES);
    uint8_t class = bytes_u8(b, EI_CLASS), data = bytes_u8(b, EI_DATA);
    uint16_t type = bytes_le16(b, E_TYPE), machine = bytes_le16(b, E_MACHINE);

    /* The first bytes decide how the others are read; big-endian machines get no names. */
    if (class < CLASS_32 || class > CLASS_64 || data < DATA_LSB || data > DATA_MSB)
        return "ELF file";
    if (data == DATA_MSB)
        return class == CLASS_64 ? "ELF 64-bit MSB file" : "ELF 32-bit MSB file";

    /* Names are static, so there is one for each machine and type. */
    if (type < TYPES && machine == MACHINE_X86_64 && class == CLASS_64)
        return x86_64[type];
    if (type < TYPES && machine == MACHINE_386 && class == CLASS_32)
        return i386[type];
    if (type < TYPES && machine == MACHINE_AARCH64 && class == CLASS_64)
        return arm64[type];
    return class == CLASS_64 ? "ELF 64-bit LSB file" : "ELF 32-bit LSB file";
}

/* The MS-DOS header may lead to a PE header. */
const char *identify_mz(struct identify *identify)
{
    enum { NEW_HEADER = 60, OPTIONAL_HEADER = 24, MAGIC_PE32_PLUS = 0x20b };

    /* In an old program the offset is code or data, so it may point anywhere. */
    uint64_t at = bytes_le32(identify_bytes(identify, NEW_HEADER, 4), 0);
    struct bytes b = identify_bytes(identify, at, 4);

    if (b.length < 4 || memcmp(b.data, "PE\0\0", 4) != 0)
        return "MS-DOS executable";

    /* The optional header has one form for 32 bits and another for 64. */
    b = identify_bytes(identify, at + OPTIONAL_HEADER, 2);
    return bytes_le16(b, 0) == MAGIC_PE32_PLUS ? "PE32+ executable for Windows or EFI"
                                               : "PE32 executable for Windows or EFI";
}

/* Mach-O universal binaries and Java class files have the same magic. The next word is a small
 * number of architectures in the first, and a version of 44 or more in the second. */
const char *identify_macho(struct identify *identify)
{
    enum { SECOND_WORD = 4, CLASS_VERSION_MIN = 44 };
    uint32_t second = bytes_be32(identify_bytes(identify, 0, 8), SECOND_WORD);

    return second < CLASS_VERSION_MIN ? "Mach-O universal binary" : "compiled Java class data";
}

/* The type of a RIFF file follows its length. */
const char *identify_riff(struct identify *identify)
{
    enum { RIFF_TYPE = 8 };

    if (is_at(identify, RIFF_TYPE, "WAVE"))
        return "RIFF data, WAVE audio";
    if (is_at(identify, RIFF_TYPE, "AVI "))
        return "RIFF data, AVI video";
    if (is_at(identify, RIFF_TYPE, "WEBP"))
        return "RIFF data, Web/P image";
    return is_at(identify, RIFF_TYPE, "CDXA") ? "RIFF data, CD-XA sectors" : "RIFF data";
}
