/*
 * identify_checks.c - formats that a few bytes at one place do not prove.
 */
#include "lib/identify/checks.h"
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

enum { VRS_OFFSET = 32768, VRS_DESCRIPTORS_MAX = 64 };

/* ECMA-167 2/8.3: descriptors follow each other, 2048 bytes apart or a larger sector, up to the
 * first that is none. UDF's is between BEA01 and TEA01; on a bridge, ISO 9660's come before. */
static const char *udf_in_steps_of(struct identify *identify, uint32_t step)
{
    for (unsigned i = 0; i < VRS_DESCRIPTORS_MAX; i++) {
        static const char known[] = "CD001BEA01NSR02NSR03TEA01BOOT2CDW02";
        struct bytes b = identify_bytes(identify, VRS_OFFSET + (uint64_t)i * step, 6);
        bool is_known = false;
        for (size_t at = 0; b.length == 6 && at + 5 < sizeof(known); at += 5)
            is_known |= memcmp(b.data + 1, known + at, 5) == 0;
        if (!is_known)
            return NULL;
        if (memcmp(b.data + 1, "NSR0", 4) == 0)
            return "UDF file system";
    }
    return NULL;
}

const char *identify_udf(struct identify *identify)
{
    const char *name = udf_in_steps_of(identify, 2048);
    return name ? name : udf_in_steps_of(identify, 4096);
}

/* A sector's header: ECMA-130 14.2; the mode is its fourth byte. */
const char *identify_raw_cd(struct identify *identify)
{
    static const char *const names[] = { "raw CD image, mode 0", "raw CD image, mode 1",
                                         "raw CD image, mode 2" };
    uint8_t mode = bytes_u8(identify_bytes(identify, 15, 1), 0);
    return mode < 3 ? names[mode] : NULL;
}

/* ---- FAT ---------------------------------------------------------------------------------- */

/* The BIOS parameter block: numbers that every formatter and every driver agrees on. The count of
 * clusters alone decides which FAT it is (Microsoft's FAT specification, 3.5). */
const char *identify_fat(struct identify *identify)
{
    struct bytes b = identify_bytes(identify, 0, 64);
    uint8_t jump = bytes_u8(b, 0), fats = bytes_u8(b, 16), cluster = bytes_u8(b, 13);
    uint32_t sector = bytes_le16(b, 11), reserved = bytes_le16(b, 14), media = bytes_u8(b, 21);
    uint32_t root = bytes_le16(b, 17), fat = bytes_le16(b, 22), total = bytes_le16(b, 19);
    if (fats < 1 || fats > 4 || !is_power_of_2(cluster) || !is_power_of_2(sector) ||
        sector < 512 || sector > 4096 || !reserved || media < 0xf0)
        return NULL;
    bool wide = !fat;
    if (wide)
        fat = bytes_le32(b, 36);
    if (!total)
        total = bytes_le32(b, 32);
    uint64_t used = reserved + (uint64_t)fats * fat + (root * 32 + sector - 1) / sector;
    if (!fat || used >= total)
        return NULL;
    /* Without a jump instruction, the table must begin with the media byte (3.5). */
    struct bytes table = identify_bytes(identify, (uint64_t)reserved * sector, 2);
    if (jump != 0xeb && jump != 0xe9 &&
        (bytes_u8(table, 0) != media || bytes_u8(table, 1) != 0xff))
        return NULL;
    if (wide)
        return "FAT32 file system";
    return (total - used) / cluster < 4085 ? "FAT12 file system" : "FAT16 file system";
}

/* ---- Linux -------------------------------------------------------------------------------- */

/* ext2's superblock has three words of feature bits; ext3 added a journal to it, ext4 the rest. */
const char *identify_ext(struct identify *identify)
{
    enum { SUPERBLOCK = 1024, HAS_JOURNAL = 0x4, JOURNAL_DEVICE = 0x8 };
    enum { EXT3_INCOMPATIBLE = 0x16, EXT3_READ_ONLY = 0x7 };
    struct bytes b = identify_bytes(identify, SUPERBLOCK + 92, 12);
    uint32_t compatible = bytes_le32(b, 0), incompatible = bytes_le32(b, 4);
    uint32_t read_only = bytes_le32(b, 8);
    if (incompatible & JOURNAL_DEVICE)
        return "ext4 journal";
    if (incompatible & ~(uint32_t)EXT3_INCOMPATIBLE || read_only & ~(uint32_t)EXT3_READ_ONLY)
        return "ext4 file system";
    return compatible & HAS_JOURNAL ? "ext3 file system" : "ext2 file system";
}

/* Two bytes of signature: version 1 and 2 at one place, 3 at another; the other fields must fit. */
const char *identify_minix(struct identify *identify)
{
    struct bytes b = identify_bytes(identify, 1024, 32);
    uint16_t magic = bytes_le16(b, 16);
    if (bytes_le16(b, 24) == 0x4d5a)
        return bytes_le32(b, 0) && bytes_le16(b, 28) >= 1024 ? "Minix file system" : NULL;
    bool known = magic == 0x137f || magic == 0x138f || magic == 0x2468 || magic == 0x2478;
    bool fits = bytes_le16(b, 0) && bytes_le16(b, 4) && bytes_le16(b, 6) &&
                bytes_le16(b, 10) < 8 && bytes_le16(b, 18) < 4;
    return known && fits ? "Minix file system" : NULL;
}

/* The label is in one of the first four sectors. */
const char *identify_lvm(struct identify *identify)
{
    for (uint64_t at = 0; at < 4 * 512; at += 512)
        if (is_at(identify, at, "LABELONE") && is_at(identify, at + 24, "LVM2 001"))
            return "LVM2 physical volume";
    return NULL;
}

const char *identify_squashfs(struct identify *identify)
{
    struct bytes b = identify_bytes(identify, 0, 32);
    bool big = bytes_u8(b, 0) == 's';
    uint16_t major = big ? bytes_be16(b, 28) : bytes_le16(b, 28);
    return major >= 1 && major <= 4 ? "Squashfs file system" : NULL;
}

/* ---- Apple -------------------------------------------------------------------------------- */

/* HFS Plus may be embedded in an HFS volume, which then only wraps it (TN1150). */
const char *identify_hfs(struct identify *identify)
{
    return is_at(identify, 1024 + 124, "H+") ? "HFS+ file system" : "HFS file system";
}

/* ---- partition tables --------------------------------------------------------------------- */

/* With sectors of 512, 2048 or 4096 bytes the header is in the second one. */
const char *identify_gpt(struct identify *identify)
{
    bool is = is_at(identify, 512, "EFI PART") || is_at(identify, 2048, "EFI PART") ||
              is_at(identify, 4096, "EFI PART");
    return is ? "GPT partition table" : NULL;
}

/* A boot sector ends in 55 AA, too. A table has four entries that are unused or begin with 80 or
 * 00, and at least one that is used. */
const char *identify_mbr(struct identify *identify)
{
    enum { TABLE = 446, ENTRY_BYTES = 16 };
    struct bytes b = identify_bytes(identify, TABLE, 64);
    bool valid = b.length == 64, used = false, protective = false;
    for (size_t at = 0; at < b.length; at += ENTRY_BYTES) {
        uint8_t flag = bytes_u8(b, at), type = bytes_u8(b, at + 4);
        valid &= flag == 0 || flag == 0x80;
        used |= type && bytes_le32(b, at + 12);
        protective |= type == 0xee;
    }
    if (identify_fat(identify) || is_at(identify, 3, "NTFS    ") ||
        is_at(identify, 3, "EXFAT   ") || is_at(identify, 3, "-FVE-FS-"))
        return NULL; /* the first sector of a volume */
    if (!valid || !used)
        return "boot sector";
    return protective && identify_gpt(identify) ? NULL : "MBR partition table";
}

/* ---- images ------------------------------------------------------------------------------- */

/* Formats that end in a footer. */
static bool is_at_end(struct identify *identify, uint64_t before, const char *magic)
{
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
    bool is = is_at_end(identify, 12, "NER5") || is_at_end(identify, 8, "NERO");
    return is ? "Nero disc image" : NULL;
}

/* ---- programs ----------------------------------------------------------------------------- */

/* The most usual machines, in full; others by class. */
const char *identify_elf(struct identify *identify)
{
    enum { TYPES = 5 };
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
    struct bytes b = identify_bytes(identify, 0, 20);
    uint8_t bits = bytes_u8(b, 4), order = bytes_u8(b, 5);
    uint16_t type = bytes_le16(b, 16), machine = bytes_le16(b, 18);
    if (bits < 1 || bits > 2 || order < 1 || order > 2)
        return "ELF file";
    if (order == 2)
        return bits == 2 ? "ELF 64-bit MSB file" : "ELF 32-bit MSB file";
    if (type < TYPES && machine == 62 && bits == 2)
        return x86_64[type];
    if (type < TYPES && machine == 3 && bits == 1)
        return i386[type];
    if (type < TYPES && machine == 183 && bits == 2)
        return arm64[type];
    return bits == 2 ? "ELF 64-bit LSB file" : "ELF 32-bit LSB file";
}

/* The header of MS-DOS may lead to another. */
const char *identify_mz(struct identify *identify)
{
    uint32_t at = bytes_le32(identify_bytes(identify, 60, 4), 0);
    struct bytes b = identify_bytes(identify, at, 4);
    if (b.length < 4 || memcmp(b.data, "PE\0\0", 4) != 0)
        return "MS-DOS executable";
    bool wide = bytes_le16(identify_bytes(identify, at + 24ull, 2), 0) == 0x20b;
    return wide ? "PE32+ executable for Windows or EFI" : "PE32 executable for Windows or EFI";
}

/* A class file's version is above 44; a fat binary has few architectures. */
const char *identify_macho(struct identify *identify)
{
    struct bytes b = identify_bytes(identify, 0, 8);
    return bytes_be32(b, 4) < 44 ? "Mach-O universal binary" : "compiled Java class data";
}

const char *identify_riff(struct identify *identify)
{
    if (is_at(identify, 8, "WAVE"))
        return "RIFF data, WAVE audio";
    if (is_at(identify, 8, "AVI "))
        return "RIFF data, AVI video";
    if (is_at(identify, 8, "WEBP"))
        return "RIFF data, Web/P image";
    return is_at(identify, 8, "CDXA") ? "RIFF data, CD-XA sectors" : "RIFF data";
}
