/*
 * types.c - the names of the types of partitions.
 *
 * MBR types are not standardized: the names are what the systems that use a type call it. The GUIDs
 * are those that the systems publish, beginning with UEFI 5.3.3, table 5.7.
 */
#include "lib/partition/decode.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"

void type_name_mbr(uint8_t type, char text[PARTITION_TYPE_BYTES])
{
    static const struct {
        uint8_t type;
        const char *name;
    } names[] = {
        { 0x01, "FAT12" },
        { 0x04, "FAT16" },
        { 0x06, "FAT16" },
        { 0x07, "NTFS, exFAT or HPFS" },
        { 0x0b, "FAT32" },
        { 0x0c, "FAT32" },
        { 0x0e, "FAT16" },
        { 0x11, "FAT12, hidden" },
        { 0x14, "FAT16, hidden" },
        { 0x16, "FAT16, hidden" },
        { 0x17, "NTFS, hidden" },
        { 0x1b, "FAT32, hidden" },
        { 0x1c, "FAT32, hidden" },
        { 0x1e, "FAT16, hidden" },
        { 0x27, "Windows recovery" },
        { 0x39, "Plan 9" },
        { 0x42, "Windows dynamic disk" },
        { 0x63, "Unix System V" },
        { 0x81, "MINIX" },
        { 0x82, "Linux swap" },
        { 0x83, "Linux" },
        { 0x8e, "Linux LVM" },
        { 0x9f, "BSD/OS" },
        { 0xa5, "FreeBSD" },
        { 0xa6, "OpenBSD" },
        { 0xa8, "Apple UFS" },
        { 0xa9, "NetBSD" },
        { 0xab, "Apple boot" },
        { 0xaf, "Apple HFS" },
        { 0xbe, "Solaris boot" },
        { 0xbf, "Solaris" },
        { 0xcd, "ISO 9660" },
        { 0xda, "data without a file system" },
        { 0xeb, "Be file system" },
        { 0xef, "EFI system" },
        { 0xfb, "VMware VMFS" },
        { 0xfc, "VMware core dump" },
        { 0xfd, "Linux RAID" },
    };

    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        if (names[i].type == type) {
            text_copy(text, PARTITION_TYPE_BYTES, names[i].name);
            return;
        }
    format_text(text, PARTITION_TYPE_BYTES, "type %02x", type);
}

/* Writes a GUID as text: of its five groups the first three are little-endian (UEFI, A). */
static void guid_text(struct bytes guid, char text[PARTITION_TYPE_BYTES])
{
    format_text(text, PARTITION_TYPE_BYTES, "%08X-%04X-%04X-%04X-%04X%08X", bytes_le32(guid, 0),
                bytes_le16(guid, 4), bytes_le16(guid, 6), bytes_be16(guid, 8),
                bytes_be16(guid, 10), bytes_be32(guid, 12));
}

void type_name_gpt(struct bytes guid, char text[PARTITION_TYPE_BYTES])
{
    static const struct {
        char guid[37];
        const char *name;
    } names[] = {
        { "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "EFI system" },
        { "024DEE41-33E7-11D3-9D69-0008C781F39F", "MBR partition table" },
        { "21686148-6449-6E6F-744E-656564454649", "BIOS boot" },
        { "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "Microsoft basic data" },
        { "E3C9E316-0B5C-4DB8-817D-F92DF00215AE", "Microsoft reserved" },
        { "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC", "Windows recovery" },
        { "5808C8AA-7E8F-42E0-85D2-E1E90434CFB3", "Windows LDM metadata" },
        { "AF9B60A0-1431-4F62-BC68-3311714A69AD", "Windows LDM data" },
        { "E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D", "Windows storage spaces" },
        { "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "Linux" },
        { "44479540-F297-41B2-9AF7-D131D5F0458A", "Linux root, x86" },
        { "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "Linux root, x86-64" },
        { "B921B045-1DF0-41C3-AF44-4C6F280D3FAE", "Linux root, ARM 64" },
        { "933AC7E1-2EB4-4F13-B844-0E14E2AEF915", "Linux home" },
        { "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "Linux swap" },
        { "E6D6D379-F507-44C2-A23C-238F2A3DF928", "Linux LVM" },
        { "A19D880F-05FC-4D3B-A006-743F0F84911E", "Linux RAID" },
        { "BC13C2FF-59E6-4262-A352-B275FD6F7172", "Linux boot" },
        { "CA7D7CCB-63ED-4C53-861C-1742536059CC", "Linux encrypted" },
        { "3B8F8425-20E0-4F3B-907F-1A25A76F98E8", "Linux server data" },
        { "83BD6B9D-7F41-11DC-BE0B-001560B84F0F", "FreeBSD boot" },
        { "516E7CB5-6ECF-11D6-8FF8-00022D09712B", "FreeBSD swap" },
        { "516E7CB6-6ECF-11D6-8FF8-00022D09712B", "FreeBSD UFS" },
        { "516E7CBA-6ECF-11D6-8FF8-00022D09712B", "FreeBSD ZFS" },
        { "824CC7A0-36A8-11E3-890A-952519AD3F61", "OpenBSD" },
        { "49F48D5A-B10E-11DC-B99B-0019D1879648", "NetBSD FFS" },
        { "48465300-0000-11AA-AA11-00306543ECAC", "Apple HFS+" },
        { "7C3457EF-0000-11AA-AA11-00306543ECAC", "Apple APFS" },
        { "426F6F74-0000-11AA-AA11-00306543ECAC", "Apple boot" },
        { "6A898CC3-1DD2-11B2-99A6-080020736631", "Solaris /usr or ZFS" },
        { "42465331-3BA3-10F1-802A-4861696B7521", "Haiku BFS" },
        { "FE3A2A5D-4F32-41A7-B725-ACCC3285A309", "ChromeOS kernel" },
        { "3CB8E202-3B7E-47DD-8A3C-7FF2A13CFCEC", "ChromeOS root" },
        { "AA31E02A-400F-11DB-9590-000C2911D1B8", "VMware VMFS" },
    };

    /* Of an unknown type, the number is what can be looked up. */
    guid_text(guid, text);
    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
        if (text_equal(names[i].guid, text)) {
            text_copy(text, PARTITION_TYPE_BYTES, names[i].name);
            return;
        }
}
